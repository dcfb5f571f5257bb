package idnumber

import (
	"strings"
	"time"
)

// finland reads a henkilötunnus (Government Decree 128/2010, sections 2 and 3; the further signs
// for a century are those of the reform of 2023, Digital and Population Data Services Agency): DDMMYY, a sign for the century (+ 1800s; - and Y to U 1900s; A to F 2000s), three digits, odd
// for men, a check character modulo 31.
func finland(s string, _ time.Time) (Number, bool) {
	const alphabet = "0123456789ABCDEFHJKLMNPRSTUVWXY"
	if len(s) != 11 || !digits(s[:6]) || !digits(s[7:10]) || strings.IndexByte(alphabet, s[10]) < 0 {
		return Number{}, false
	}
	century := 0
	switch {
	case s[6] == '+':
		century = 1800
	case strings.IndexByte("-YXWVU", s[6]) >= 0:
		century = 1900
	case strings.IndexByte("ABCDEF", s[6]) >= 0:
		century = 2000
	default:
		return Number{}, false
	}
	n := Number{Value: s, Sex: oddMale(int(s[9] - '0'))}
	n.born(century+value(s[4:6]), value(s[2:4]), value(s[:2]))
	n.Check = fits(alphabet[value(s[:6]+s[7:10])%31] == s[10])
	return n, true
}
