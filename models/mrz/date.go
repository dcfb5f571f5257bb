package mrz

import (
	"fmt"
	"time"
)

// Centuries are not printed. A birth is the latest one that is not in the future;
// an expiry lies between ten years ago and fifty years ahead, or else as near to that as can be.
const (
	expiryPast   = 10
	expiryFuture = 50
)

// date reads six characters YYMMDD. Month and day may be unknown: fillers
// (ICAO 9303-3 section 4.8), or 00 as some issuers print. A date of which nothing is known is empty.
func date(raw string, birth bool, today time.Time) (value, problem string) {
	if onlyFiller(raw) {
		return "", ""
	}
	var part [3]int
	for i := range part {
		two := raw[2*i : 2*i+2]
		switch {
		case two == "<<":
			part[i] = -1
		case isDigit(two[0]) && isDigit(two[1]):
			part[i] = int(two[0]-'0')*10 + int(two[1]-'0')
		default:
			return "", ProblemDateCharacters
		}
	}
	yy, month, day := part[0], max(part[1], 0), max(part[2], 0)
	if month > 12 || day > 31 {
		return "", ProblemDateImpossible
	}
	year := 0
	if yy >= 0 {
		year = expiryYear(yy, month, day, today)
		if birth {
			year = birthYear(yy, month, day, today)
		}
	}
	if month > 0 && day > 0 {
		leap := year
		if yy < 0 {
			leap = 2000 // with an unknown year, 29 February may be
		}
		if t := time.Date(leap, time.Month(month), day, 0, 0, 0, 0, time.UTC); t.Day() != day {
			return "", ProblemDateImpossible
		}
	}
	return fmt.Sprintf("%04d-%02d-%02d", year, month, day), ""
}

func earliest(year, month, day int) time.Time {
	return time.Date(year, time.Month(max(month, 1)), max(day, 1), 0, 0, 0, 0, time.UTC)
}

func birthYear(yy, month, day int, today time.Time) int {
	year := today.Year()/100*100 + yy
	if earliest(year, month, day).After(today) {
		year -= 100
	}
	return year
}

func expiryYear(yy, month, day int, today time.Time) int {
	from, to := today.AddDate(-expiryPast, 0, 0), today.AddDate(expiryFuture, 0, 0)
	best, bestOff := 0, time.Duration(0)
	for century := -100; century <= 100; century += 100 {
		year := today.Year()/100*100 + century + yy
		t := earliest(year, month, day)
		var off time.Duration
		switch {
		case t.Before(from):
			off = from.Sub(t)
		case t.After(to):
			off = t.Sub(to)
		}
		if best == 0 || off < bestOff {
			best, bestOff = year, off
		}
	}
	return best
}

func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isLetter(c byte) bool { return c >= 'A' && c <= 'Z' }
