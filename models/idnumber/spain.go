package idnumber

import "time"

// spanish is the alphabet of the check letter of DNI and NIE (Real Decreto 1553/2005, article 11;
// Orden INT/2058/2008): the number modulo 23.
const spanish = "TRWAGMYFPDXBNJZSQVHLCKE"

func dni(s string, _ time.Time) (Number, bool) {
	s = dropHyphens(s)
	if len(s) != 9 || !digits(s[:8]) || !letters(s[8:]) {
		return Number{}, false
	}
	return Number{Value: s, Check: fits(spanish[value(s[:8])%23] == s[8])}, true
}

// nie begins with X, Y or Z, which count as 0, 1 and 2.
func nie(s string, _ time.Time) (Number, bool) {
	s = dropHyphens(s)
	if len(s) != 9 || s[0] < 'X' || s[0] > 'Z' || !digits(s[1:8]) || !letters(s[8:]) {
		return Number{}, false
	}
	v := int(s[0]-'X')*10_000_000 + value(s[1:8])
	return Number{Value: s, Check: fits(spanish[v%23] == s[8])}, true
}
