package idnumber

import (
	"strings"
	"time"
)

// italy reads a codice fiscale of a person (Decreto ministeriale 23 December 1976, 13813):
// six letters of the names, two digits of the year, a letter for the month, the day (plus 40
// for women), four characters of the place, a check letter. Where two people would have
// the same, digits are replaced by letters (omocodia), from the right.
func italy(s string, today time.Time) (Number, bool) {
	s = dropHyphens(s)
	if len(s) != 16 {
		return Number{}, false
	}
	const months, replaced = "ABCDEHLMPRST", "LMNPQRSTUV"
	plain := []byte(s)
	for i := range plain {
		switch i {
		case 6, 7, 9, 10, 12, 13, 14:
			if d := strings.IndexByte(replaced, plain[i]); d >= 0 {
				plain[i] = byte('0' + d)
			}
			if !digits(string(plain[i : i+1])) {
				return Number{}, false
			}
		default:
			if !letters(s[i : i+1]) {
				return Number{}, false
			}
		}
	}
	n := Number{Value: s, Sex: "male"}
	p := string(plain)
	month, day := strings.IndexByte(months, p[8])+1, value(p[9:11])
	if day > 40 {
		n.Sex, day = "female", day-40
	}
	if month == 0 {
		n.Problem = ProblemDate
	} else {
		n.born(latest(value(p[6:8]), month, day, today), month, day)
	}
	// Characters at odd places (from one) count by a table of their own.
	odd := [26]int{1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23}
	sum := 0
	for i := range 15 {
		v := int(s[i] - 'A')
		if s[i] <= '9' {
			v = int(s[i] - '0')
		}
		if i%2 == 0 {
			v = odd[v]
		}
		sum += v
	}
	n.Check = fits(byte('A'+sum%26) == s[15])
	return n, true
}
