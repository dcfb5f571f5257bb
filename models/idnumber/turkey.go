package idnumber

import "time"

// turkey reads a T.C. kimlik numarası (Nüfus Hizmetleri Kanunu 5490, article 46; the rule of the digits as
// Nüfus ve Vatandaşlık İşleri publishes it): eleven digits, the first not zero, the last two computed.
func turkey(s string, _ time.Time) (Number, bool) {
	s = dropHyphens(s)
	if len(s) != 11 || !digits(s) || s[0] == '0' {
		return Number{}, false
	}
	tenth := ((weighted(s, 7, -1, 7, -1, 7, -1, 7, -1, 7) % 10) + 10) % 10
	eleventh := weighted(s, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1) % 10
	return Number{Value: s, Check: fits(tenth == int(s[9]-'0') && eleventh == int(s[10]-'0'))}, true
}
