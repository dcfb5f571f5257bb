package idnumber

import (
	"fmt"
	"time"
)

// baltic reads an Estonian isikukood (Population Register Act; standard EVS 585:2007) or a Lithuanian asmens
// kodas (Law on the population register, article 8): a digit for sex and century (1 and 2: 1800s,
// and so on), YYMMDD, three digits, a check digit modulo 11 with two sets of weights.
// Lithuania writes 9 first where the rest says nothing, and 00 for a day or month that is not known.
func baltic(s string, _ time.Time) (Number, bool) {
	s = dropHyphens(s)
	if len(s) != 11 || !digits(s) || s[0] == '0' {
		return Number{}, false
	}
	n := Number{Value: s}
	if kind := int(s[0] - '0'); kind != 9 {
		n.Sex = oddMale(kind)
		year, month, day := 1800+(kind-1)/2*100+value(s[1:3]), value(s[3:5]), value(s[5:7])
		if day == 0 && month <= 12 {
			n.Birth = fmt.Sprintf("%04d-%02d-00", year, month)
		} else {
			n.born(year, month, day)
		}
	}
	sum := weighted(s, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1) % 11
	if sum == 10 {
		sum = weighted(s, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3) % 11 % 10
	}
	n.Check = fits(sum == int(s[10]-'0'))
	return n, true
}
