package idnumber

import "time"

// romania reads a CNP (Law 105/1996 on population records and the identity card): a digit for sex and
// century (1 and 2: 1900s; 3 and 4: 1800s; 5 and 6: 2000s; 7 and 8: residents, 9: foreigners,
// both without a century), YYMMDD, county, three digits, a check digit modulo 11.
func romania(s string, today time.Time) (Number, bool) {
	s = dropHyphens(s)
	if len(s) != 13 || !digits(s) || s[0] == '0' {
		return Number{}, false
	}
	n := Number{Value: s}
	kind := int(s[0] - '0')
	if kind != 9 {
		n.Sex = oddMale(kind)
	}
	yy, month, day := value(s[1:3]), value(s[3:5]), value(s[5:7])
	year := latest(yy, month, day, today)
	switch kind {
	case 1, 2:
		year = 1900 + yy
	case 3, 4:
		year = 1800 + yy
	case 5, 6:
		year = 2000 + yy
	}
	n.born(year, month, day)
	sum := weighted(s, 2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9) % 11
	if sum == 10 {
		sum = 1
	}
	n.Check = fits(sum == int(s[12]-'0'))
	return n, true
}
