package idnumber

import (
	"fmt"
	"time"
)

// belgium reads a national register number (Royal Decree of 3 April 1984) or a BIS number, whose month is 20
// or 40 more (Royal Decree of 8 February 1991): YYMMDD, three digits, odd for men, two check digits modulo
// 97, with a 2 before the number for births from 2000. BIS numbers with 20 may not know the sex. A
// month or a day that is not known is 00.
func belgium(s string, _ time.Time) (Number, bool) {
	s = dropHyphens(s)
	if len(s) != 11 || !digits(s) {
		return Number{}, false
	}
	n := Number{Value: s}
	check := value(s[9:])
	year := 1900 + value(s[:2])
	old, late := 97-value(s[:9])%97, 97-value("2"+s[:9])%97
	if check == late && check != old {
		year += 100
	}
	n.Check = fits(check == old || check == late)
	month, day := value(s[2:4]), value(s[4:6])
	if month/20 != 1 {
		n.Sex = oddMale(int(s[8] - '0'))
	}
	if month > 60 {
		n.Problem = ProblemDate
		return n, true
	}
	switch month %= 20; {
	case month == 0:
		n.Birth = fmt.Sprintf("%04d-00-00", year)
	case day == 0 && month <= 12:
		n.Birth = fmt.Sprintf("%04d-%02d-00", year, month)
	default:
		n.born(year, month, day)
	}
	return n, true
}

// netherlands reads a BSN (Wet algemene bepalingen burgerservicenummer; Logisch Ontwerp BSN): nine digits whose
// weighted sum is divisible by eleven.
func netherlands(s string, _ time.Time) (Number, bool) {
	s = dropHyphens(s)
	if len(s) != 9 || !digits(s) {
		return Number{}, false
	}
	n := Number{Value: s, Check: fits(weighted(s, 9, 8, 7, 6, 5, 4, 3, 2, -1)%11 == 0)}
	if value(s) == 0 {
		n.Problem = ProblemCode
	}
	return n, true
}
