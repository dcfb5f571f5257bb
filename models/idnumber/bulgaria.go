package idnumber

import "time"

// bulgaria reads an EGN (Ordinance RD-02-20-9 of 21 May 2012 on the civil registration
// system; GRAO): YYMMDD, the month plus 20 for births before 1900 and plus 40 from 2000,
// three digits of which the last is even for men, a check digit modulo 11.
func bulgaria(s string, _ time.Time) (Number, bool) {
	s = dropHyphens(s)
	if len(s) != 10 || !digits(s) {
		return Number{}, false
	}
	n := Number{Value: s, Sex: oddMale(int(s[8]-'0') + 1)}
	year, month := 1900+value(s[:2]), value(s[2:4])
	switch {
	case month > 40:
		year, month = year+100, month-40
	case month > 20:
		year, month = year-100, month-20
	}
	n.born(year, month, value(s[4:6]))
	n.Check = fits(weighted(s, 2, 4, 8, 5, 10, 9, 7, 3, 6)%11%10 == int(s[9]-'0'))
	return n, true
}
