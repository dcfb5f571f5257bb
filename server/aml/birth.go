package aml

import (
	"strconv"
	"strings"
)

// day is a date whose month or day may be unknown (0).
type day struct{ year, month, day int }

// readDay reads YYYY, YYYY-MM or YYYY-MM-DD; 00 stands for unknown.
func readDay(s string) (day, bool) {
	var d day
	parts := strings.Split(s, "-")
	if len(parts) > 3 {
		return day{}, false
	}
	for i, p := range parts {
		n, err := strconv.Atoi(p)
		if err != nil || n < 0 || len(p) != 4 && i == 0 || len(p) != 2 && i > 0 {
			return day{}, false
		}
		switch i {
		case 0:
			d.year = n
		case 1:
			d.month = n
		case 2:
			d.day = n
		}
	}
	if d.month == 0 {
		d.day = 0
	}
	return d, validYear(d.year) && d.month <= 12 && d.day <= 31
}

// How two dates of birth may stand to each other.
const (
	birthEqual     = "equal"     // the same day
	birthConsonant = "consonant" // nothing known contradicts: the same year or month, or within the period
	birthSwapped   = "swapped"   // day and month exchanged
	birthNear      = "near"      // one part differs, or within two years of an estimate
	birthDifferent = "different"
)

// compareBirth tells how a person's date stands to a listed one.
func compareBirth(person day, listed Birth) string {
	from, ok := readDay(listed.From)
	if !ok {
		return ""
	}
	if listed.To != "" {
		to, ok := readDay(listed.To)
		if !ok {
			return ""
		}
		switch {
		case person.year >= from.year && person.year <= to.year:
			return birthConsonant
		case person.year >= from.year-1 && person.year <= to.year+1:
			return birthNear
		}
		return birthDifferent
	}
	apart := abs(person.year - from.year)
	switch {
	case listed.Circa && apart <= 2:
		return birthConsonant
	case apart > 2 || apart > 0 && person.month != 0 && from.month != 0 && (person.month != from.month || person.day != from.day):
		// A wrong year beside the same day and month is a slip of the pen; another
		// year and another day is another date.
		if apart <= 1 {
			return birthNear
		}
		if apart == 10 && person.day != 0 && person.month == from.month && person.day == from.day {
			return birthNear
		}
		return birthDifferent
	case apart > 0:
		return birthNear
	case person.month == 0 || from.month == 0:
		return birthConsonant
	case person.month == from.month && (person.day == 0 || from.day == 0):
		return birthConsonant
	case person.month == from.month && person.day == from.day:
		return birthEqual
	case person.month == from.day && person.day == from.month:
		return birthSwapped
	}
	return birthNear
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}

func validYear(y int) bool { return y >= 1850 && y <= 2100 }
