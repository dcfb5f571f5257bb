package idnumber

import "time"

// czech reads a rodné číslo of the Czech Republic or Slovakia (Act 133/2000, section 13; Act 301/1995,
// section 2): YYMMDD, the month plus 50 for women, and since 2004 another 20 where numbers ran out;
// three digits until 1953, four since, of which the last makes the whole divisible by eleven.
// Until 1985 a remainder of ten was written as 0.
func czech(s string, _ time.Time) (Number, bool) {
	s = dropHyphens(s)
	if len(s) != 9 && len(s) != 10 || !digits(s) {
		return Number{}, false
	}
	n := Number{Value: s, Sex: "male"}
	yy, month := value(s[:2]), value(s[2:4])
	year := 1900 + yy
	switch {
	case len(s) == 9 && yy > 53:
		year = 1800 + yy
	case len(s) == 10 && yy < 54:
		year = 2000 + yy
	}
	if month > 50 {
		n.Sex, month = "female", month-50
	}
	if month > 20 && year >= 2004 {
		month -= 20
	}
	n.born(year, month, value(s[4:6]))
	if len(s) == 10 {
		rest := value(s[:9]) % 11
		n.Check = fits(rest == int(s[9]-'0') || rest == 10 && s[9] == '0' && year <= 1985)
	}
	return n, true
}
