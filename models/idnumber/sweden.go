package idnumber

import (
	"fmt"
	"strings"
	"time"
)

// sweden reads a personnummer (Folkbokföringslag 1991:481, section 18; Skatteverket SKV 704) or a
// samordningsnummer, whose day is 60 more: YYMMDD, - or from the hundredth birthday +, three digits, odd for
// men, a check digit by Luhn. Registers write the year with four digits.
func sweden(s string, today time.Time) (Number, bool) {
	old := strings.Contains(s, "+")
	s = strings.ReplaceAll(dropHyphens(s), "+", "")
	if len(s) != 10 && len(s) != 12 || !digits(s) {
		return Number{}, false
	}
	short := s[len(s)-10:]
	n := Number{Sex: oddMale(int(short[8] - '0'))}
	month, day := value(short[2:4]), value(short[4:6])
	if day > 60 {
		day -= 60
	}
	year := 0
	if len(s) == 12 {
		year = value(s[:4])
	} else if year = latest(value(short[:2]), month, day, today); old {
		year -= 100
	}
	n.Value = fmt.Sprintf("%04d%s", year, short[2:]) // without the sign, only this tells the century
	n.born(year, month, day)
	sum := 0
	for i := range 10 {
		v := int(short[i] - '0')
		if i%2 == 0 {
			if v *= 2; v > 9 {
				v -= 9
			}
		}
		sum += v
	}
	n.Check = fits(sum%10 == 0)
	return n, true
}
