package visual

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// plain writes text in capitals without marks: captions and months are compared so, for
// the reader knows few letters with marks.
func plain(s string) string {
	var b strings.Builder
	for _, r := range norm.NFD.String(s) {
		if unicode.Is(unicode.Mn, r) {
			continue
		}
		switch r = unicode.ToUpper(r); r {
		case 'ẞ', 'ß':
			b.WriteString("SS")
		case 'Ø':
			b.WriteByte('O')
		case 'Ł':
			b.WriteByte('L')
		case 'Đ', 'Ð':
			b.WriteByte('D')
		case 'Æ':
			b.WriteString("AE")
		case 'Þ':
			b.WriteString("TH")
		case 'Œ':
			b.WriteString("OE")
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// shape is text as the eye compares captions: letters and digits only, look-alikes as
// one. at holds, for each of its bytes, the rune of the text that it came from.
type shape struct {
	text string
	at   []int
}

func shapeOf(s string) shape {
	var out shape
	var b []byte
	i := -1
	for _, r := range s {
		if i++; i >= maxRunes {
			break
		}
		for _, c := range plain(string(r)) {
			if c >= 128 || !unicode.IsLetter(c) && !unicode.IsDigit(c) {
				continue
			}
			k := alike(byte(c))
			if k == 'N' && len(b) > 0 && b[len(b)-1] == 'R' { // rn is read as m
				b[len(b)-1] = 'M'
				continue
			}
			b, out.at = append(b, k), append(out.at, i)
		}
	}
	out.text = string(b)
	return out
}

func alike(c byte) byte {
	switch c {
	case '0', 'Q':
		return 'O'
	case '1', 'L', 'J':
		return 'I'
	case '5':
		return 'S'
	case '8':
		return 'B'
	}
	return c
}

// compact keeps letters and digits, in capitals without marks.
func compact(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 128 && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			return r
		}
		return -1
	}, plain(s))
}

// within finds where want stands in text with the fewest changes; the distance is by
// Levenshtein, and from is exact when it is 0 and near enough when it is not.
func within(text, want string) (from, to, distance int) {
	n := len(want)
	row := make([]int, n+1)   // distance of want[:i] to a part of text that ends here
	start := make([]int, n+1) // where that part starts
	for i := range row {
		row[i] = i
	}
	distance = n
	for j := range len(text) {
		diagonal, diagonalStart := row[0], j
		row[0], start[0] = 0, j+1
		for i := 1; i <= n; i++ {
			cost, s := diagonal, diagonalStart
			if want[i-1] != text[j] {
				cost++
			}
			diagonal, diagonalStart = row[i], start[i]
			if v := row[i] + 1; v < cost {
				cost, s = v, start[i]
			}
			if v := row[i-1] + 1; v < cost {
				cost, s = v, start[i-1]
			}
			row[i], start[i] = cost, s
		}
		if row[n] < distance {
			from, to, distance = start[n], j+1, row[n]
		}
	}
	return from, to, distance
}

// Distance is by how many letters two texts differ (Levenshtein); look-alikes that any
// reader takes for each other (0 O Q, 1 I L J, 5 S, 8 B) count as equal.
func Distance(a, b string) int {
	fold := func(s string) []byte {
		out := []byte(compact(s))
		for i, c := range out {
			out[i] = alike(c)
		}
		return out
	}
	x, y := fold(a), fold(b)
	row := make([]int, len(y)+1)
	for i := range row {
		row[i] = i
	}
	for i := range x {
		diagonal := row[0]
		row[0] = i + 1
		for j := range y {
			cost := diagonal
			if x[i] != y[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(y)]
}
