package idnumber

import "time"

// poland reads a PESEL (Act of 24 September 2010 on population registration, articles 15 and
// following): YYMMDD, the month plus 80 for the 1800s, 20 for the 2000s, 40 for the 2100s, 60 for
// the 2200s; four digits, the last odd for men; a check digit modulo 10.
func poland(s string, _ time.Time) (Number, bool) {
	s = dropHyphens(s)
	if len(s) != 11 || !digits(s) {
		return Number{}, false
	}
	n := Number{Value: s, Sex: oddMale(int(s[9] - '0'))}
	month := value(s[2:4])
	century := [5]int{1900, 2000, 2100, 2200, 1800}[month/20]
	n.born(century+value(s[:2]), month%20, value(s[4:6]))
	n.Check = fits((10-weighted(s, 1, 3, 7, 9, 1, 3, 7, 9, 1, 3)%10)%10 == int(s[10]-'0'))
	return n, true
}
