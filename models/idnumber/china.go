package idnumber

import "time"

// china reads a resident identity number (GB 11643-1999): six digits of the place, YYYYMMDD, three digits, odd
// for men, a check character by ISO 7064 MOD 11-2.
func china(s string, _ time.Time) (Number, bool) {
	s = dropHyphens(s)
	if len(s) != 18 || !digits(s[:17]) || s[17] != 'X' && !digits(s[17:]) {
		return Number{}, false
	}
	n := Number{Value: s, Sex: oddMale(int(s[16] - '0'))}
	n.born(value(s[6:10]), value(s[10:12]), value(s[12:14]))
	sum := weighted(s, 7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
	n.Check = fits("10X98765432"[sum%11] == s[17])
	return n, true
}
