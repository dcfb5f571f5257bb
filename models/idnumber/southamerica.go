package idnumber

import (
	"strings"
	"time"
)

// chile reads a RUN (Decreto con fuerza de ley 3 of 1969; Servicio de Registro Civil): up to eight digits and a
// check character modulo 11, K for ten.
func chile(s string, _ time.Time) (Number, bool) {
	s = dropHyphens(s)
	if len(s) < 7 || len(s) > 9 || !digits(s[:len(s)-1]) {
		return Number{}, false
	}
	sum, last := 0, len(s)-1
	for i := range last {
		sum += int(s[last-1-i]-'0') * (2 + i%6)
	}
	want := "0K987654321"[sum%11]
	if s[last] != 'K' && !digits(s[last:]) {
		return Number{}, false
	}
	return Number{Value: s, Check: fits(want == s[last])}, true
}

// brazil reads a CPF (Receita Federal, Instrução Normativa RFB 1548/2015): nine digits and two check
// digits modulo 11. Eleven equal digits fit by arithmetic and are given to nobody.
func brazil(s string, _ time.Time) (Number, bool) {
	s = dropHyphens(s)
	if len(s) != 11 || !digits(s) {
		return Number{}, false
	}
	n := Number{Value: s}
	if strings.Count(s, s[:1]) == len(s) {
		n.Problem = ProblemCode
	}
	check := func(upTo int) byte {
		sum := 0
		for i := range upTo {
			sum += int(s[i]-'0') * (upTo + 1 - i)
		}
		return byte('0' + sum*10%11%10)
	}
	n.Check = fits(s[9] == check(9) && s[10] == check(10))
	return n, true
}
