package idnumber

import "time"

// korea reads a resident registration number (Enforcement Rules of the Resident Registration
// Act, article 2): YYMMDD, a digit for sex and century (9 and 0: 1800s; 1 and 2: 1900s; 3 and
// 4: 2000s; foreigners 5 and 6: 1900s; 7 and 8: 2000s), six digits more.
//
// Numbers given out since October 2020 have six random digits there and no check digit,
// also to people born long before. So a digit that fits is told, and one that does
// not says nothing.
func korea(s string, _ time.Time) (Number, bool) {
	s = dropHyphens(s)
	if len(s) != 13 || !digits(s) {
		return Number{}, false
	}
	kind := int(s[6] - '0')
	n := Number{Value: s, Sex: oddMale(kind)}
	century := 1900
	switch kind {
	case 9, 0:
		century = 1800
	case 3, 4, 7, 8:
		century = 2000
	}
	n.born(century+value(s[:2]), value(s[2:4]), value(s[4:6]))
	base := 11
	if kind >= 5 && kind <= 8 {
		base = 13
	}
	if (base-weighted(s, 2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)%11)%10 == int(s[12]-'0') {
		n.Check = CheckValid
	}
	return n, true
}
