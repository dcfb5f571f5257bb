package text

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/bidi"
)

// Script is a group of characters that one font draws.
type Script uint8

// The scripts for which the kiosk has fonts.
const (
	Latin Script = iota // and Greek, Cyrillic, digits, signs
	Arabic
	Hebrew
	CJK
)

// ScriptOf says which font draws a character.
func ScriptOf(r rune) Script {
	switch {
	case r < 0x0590:
		return Latin
	case unicode.Is(unicode.Hebrew, r):
		return Hebrew
	case unicode.Is(unicode.Arabic, r), r == '،', r == '؛', r == '؟':
		return Arabic
	case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul),
		r >= 0x3000 && r <= 0x303f, r >= 0x30a0 && r <= 0x30ff, r >= 0xff00 && r <= 0xffef:
		return CJK
	}
	return Latin
}

// Piece is a part of a line that one font draws in one go, with its place.
type Piece struct {
	Text   string
	Script Script
	X, W   float32
}

// Line is one line in the order in which it is seen, from left to right.
type Line struct {
	Pieces []Piece
	Width  float32
}

// Measure gives the width of a piece.
type Measure func(s string, script Script) float32

// maxRunes bounds what Wrap looks at; no text of the catalogue comes near it.
const maxRunes = 2000

// Wrap breaks s into lines of at most width and orders each of them. rtl is the
// direction of the paragraph. A word wider than the line gets a line of its own.
func Wrap(s string, width float32, rtl bool, m Measure) []Line {
	if r := []rune(s); len(r) > maxRunes {
		s = string(r[:maxRunes])
	}
	var lines []Line
	for para := range strings.SplitSeq(s, "\n") {
		current := ""
		for _, a := range atoms(para, func(a string) bool { return arrange(strings.TrimRight(a, " "), rtl, m).Width <= width }) {
			next := current + a
			if current != "" && arrange(strings.TrimRight(next, " "), rtl, m).Width > width {
				lines = append(lines, arrange(strings.TrimRight(current, " "), rtl, m))
				next = strings.TrimLeft(a, " ")
			}
			current = next
		}
		lines = append(lines, arrange(strings.TrimRight(current, " "), rtl, m))
	}
	return lines
}

// atoms splits a paragraph where a line may be broken: after spaces, and between
// the phrases of a script that writes without them. A phrase that does not fit a
// line is split between its characters. Concatenated they give the paragraph.
func atoms(s string, fits func(string) bool) []string {
	var out []string
	for _, a := range split(s, phrase) {
		if fits(a) {
			out = append(out, a)
			continue
		}
		out = append(out, split(a, breakable)...)
	}
	return out
}

// split cuts a text where at says so. at sees the character before a place, the
// one after it, and the one after that (0 at the end).
func split(s string, at func(before, after, next rune) bool) []string {
	r := []rune(s)
	var out []string
	begin := 0
	for i := 1; i < len(r); i++ {
		next := rune(0)
		if i+1 < len(r) {
			next = r[i+1]
		}
		if at(r[i-1], r[i], next) {
			out = append(out, string(r[begin:i]))
			begin = i
		}
	}
	if begin < len(r) {
		out = append(out, string(r[begin:]))
	}
	return out
}

// Characters that must not begin a line, and that must not end one (JIS X 4051, in short).
const (
	notFirst = "、。，．・：；？！）」』】〕〉》ー…‥ぁぃぅぇぉっゃゅょァィゥェォッャュョ々%,.:;?!)]}–-"
	notLast  = "（「『【〔〈《([{"
)

func breakable(before, after, _ rune) bool {
	if before == ' ' {
		return after != ' '
	}
	if after == ' ' || (ScriptOf(before) != CJK && ScriptOf(after) != CJK) {
		return false
	}
	return !strings.ContainsRune(notFirst, after) && !strings.ContainsRune(notLast, before)
}

// phrase reports whether a Japanese phrase begins between two characters: after a
// mark, or where kana give way to something else. Particles and endings are kana
// and stay with their word; the polite お and ご stay with what follows.
func phrase(before, after, next rune) bool {
	kana := unicode.Is(unicode.Hiragana, before)
	switch {
	case !breakable(before, after, next):
		return false
	case before == ' ', strings.ContainsRune("、。，．？！」）", before):
		return true
	case before == 'お' || before == 'ご':
		return false
	case after == 'お' || after == 'ご':
		return kana && unicode.Is(unicode.Han, next)
	}
	return kana && !unicode.Is(unicode.Hiragana, after)
}

// arrange orders one line and measures its pieces.
func arrange(s string, rtl bool, m Measure) Line {
	var l Line
	for _, t := range visual(s, rtl) {
		for _, p := range byScript(t) {
			p.X, p.W = l.Width, m(p.Text, p.Script)
			l.Width += p.W
			l.Pieces = append(l.Pieces, p)
		}
	}
	return l
}

// byScript splits a token where the font changes. Spaces stay with what is before them.
func byScript(s string) []Piece {
	var out []Piece
	for _, r := range s {
		sc := ScriptOf(r)
		// Marks belong to their letter, whatever table they stand in.
		if n := len(out); n > 0 && (out[n-1].Script == sc || r == ' ' || unicode.In(r, unicode.Mn, unicode.Cf)) {
			out[n-1].Text += string(r)
			continue
		}
		out = append(out, Piece{Text: string(r), Script: sc})
	}
	return out
}

// visual gives the tokens of a line in the order in which they are seen. A token
// is safe to hand to a shaper as it is: it has one direction.
func visual(s string, rtl bool) []string {
	if s == "" {
		return nil
	}
	if !rtl && !hasRTL(s) {
		return []string{s}
	}
	// The library takes the direction from the first strong character unless it
	// is told "right to left"; a mark at the front says "left to right".
	in, skip := s, 0
	if !rtl {
		in, skip = "\u200e"+s, 1
	}
	var p bidi.Paragraph
	if _, err := p.SetString(in, bidi.DefaultDirection(direction(rtl))); err != nil {
		return []string{s}
	}
	order, err := p.Order()
	if err != nil {
		return []string{s}
	}
	var out []string
	for i := range order.NumRuns() {
		run := order.Run(i)
		t := run.String()
		if i == 0 && skip > 0 {
			t = strings.TrimPrefix(t, "\u200e")
		}
		if t == "" {
			continue
		}
		if run.Direction() == bidi.RightToLeft {
			tokens := words(t)
			if !rtl { // a right-to-left line is reversed as a whole, below
				slices.Reverse(tokens)
			}
			out = append(out, tokens...)
		} else {
			out = append(out, t)
		}
	}
	// The library gives the runs in logical order. In a right-to-left line they
	// are seen in the opposite one; embedded left-to-right runs stay whole.
	if rtl {
		slices.Reverse(out)
	}
	return out
}

func direction(rtl bool) bidi.Direction {
	if rtl {
		return bidi.RightToLeft
	}
	return bidi.LeftToRight
}

// words splits a right-to-left run, in logical order, into words and single
// signs, brackets already mirrored. A word keeps its marks and joiners.
func words(s string) []string {
	var out []string
	word := false
	for _, r := range s {
		p, _ := bidi.LookupRune(r)
		switch p.Class() {
		case bidi.R, bidi.AL, bidi.NSM, bidi.BN:
			if word {
				out[len(out)-1] += string(r)
			} else {
				out = append(out, string(r))
			}
			word = true
		default:
			out = append(out, string(mirror(r)))
			word = false
		}
	}
	return out
}

func hasRTL(s string) bool {
	for _, r := range s {
		if sc := ScriptOf(r); sc == Arabic || sc == Hebrew {
			return true
		}
	}
	return false
}

func mirror(r rune) rune {
	const from, to = "()[]{}<>«»‹›", ")(][}{><»«›‹"
	if i := strings.IndexRune(from, r); i >= 0 {
		return []rune(to)[len([]rune(from[:i]))]
	}
	return r
}
