package idnumber

import (
	"strings"
	"time"
)

// places of birth in a CURP: the states' codes, and NE for those born abroad.
const places = " AS BC BS CC CL CM CS CH DF DG GT GR HG JC MC MN MS NT NL OC PL QT QR SP SL SR TC TS TL VZ YN ZS NE "

// mexico reads a CURP (RENAPO, Instructivo normativo para la asignación de la clave única de
// registro de población, Diario Oficial de la Federación, 18 October 2021): four letters
// of the names, YYMMDD, sex (H, M, X), place of birth, three consonants, a character that
// is a digit for births before 2000 and a letter after, a check digit.
func mexico(s string, _ time.Time) (Number, bool) {
	s = dropHyphens(strings.ReplaceAll(s, "Ñ", "X"))
	if len(s) != 18 || !letters(s[:4]) || !digits(s[4:10]) || !letters(s[10:16]) || !digits(s[17:]) || !digits(s[16:17]) && !letters(s[16:17]) {
		return Number{}, false
	}
	n := Number{Value: s}
	century := 2000
	if digits(s[16:17]) {
		century = 1900
	}
	n.born(century+value(s[4:6]), value(s[6:8]), value(s[8:10]))
	switch s[10] {
	case 'H':
		n.Sex = "male"
	case 'M':
		n.Sex = "female"
	case 'X':
		n.Sex = "x"
	default:
		n.Problem = ProblemCode
	}
	if !strings.Contains(places, " "+s[11:13]+" ") {
		n.Problem = ProblemCode
	}
	// Ñ stands between N and O in the alphabet of the check digit, so letters from O on count one more.
	sum := 0
	for i := range 17 {
		v := 0
		switch c := s[i]; {
		case c <= '9':
			v = int(c - '0')
		case c <= 'N':
			v = int(c-'A') + 10
		default:
			v = int(c-'A') + 11
		}
		sum += v * (18 - i)
	}
	n.Check = fits((10-sum%10)%10 == int(s[17]-'0'))
	return n, true
}
