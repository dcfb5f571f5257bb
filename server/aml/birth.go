package aml

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// parseBirth reads the ways in which lists write dates of birth: "10 Dec 1948",
// "Dec 1948", "Nov. 1973", "1948", "1948-12-10", "circa 1948", "1948 to 1950",
// "between 1948 and 1950". Anything else is not a date; nothing is guessed.
func parseBirth(s string) (Birth, bool) {
	s = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(s), "."))
	var b Birth
	lower := strings.ToLower(s)
	for _, word := range []string{"circa", "approximately", "about"} {
		if rest, ok := strings.CutPrefix(lower, word+" "); ok {
			b.Circa, lower = true, strings.TrimSpace(rest)
		}
	}
	separator := " to "
	if rest, ok := strings.CutPrefix(lower, "between "); ok {
		separator, lower = " and ", rest
	}
	from, to, period := strings.Cut(lower, separator)
	var ok bool
	if b.From, ok = parseDate(from); !ok {
		return Birth{}, false
	}
	if period {
		if b.To, ok = parseDate(to); !ok || !ordered(b.From, b.To) {
			return Birth{}, false
		}
	}
	return b, true
}

// parseDate gives YYYY, YYYY-MM or YYYY-MM-DD.
func parseDate(s string) (string, bool) {
	s = strings.TrimSpace(s)
	if len(s) > 32 {
		return "", false
	}
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t.Format(time.DateOnly), validYear(t.Year())
	}
	parts := strings.Fields(strings.ReplaceAll(s, ".", " "))
	if len(parts) == 0 || len(parts) > 3 {
		return "", false
	}
	year, err := strconv.Atoi(parts[len(parts)-1])
	if err != nil || !validYear(year) {
		return "", false
	}
	if len(parts) == 1 {
		return fmt.Sprintf("%04d", year), true
	}
	month := monthOf(parts[len(parts)-2])
	if month == 0 {
		return "", false
	}
	if len(parts) == 2 {
		return fmt.Sprintf("%04d-%02d", year, month), true
	}
	day, err := strconv.Atoi(parts[0])
	if err != nil {
		return "", false
	}
	t := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	if t.Day() != day || t.Month() != month {
		return "", false
	}
	return t.Format(time.DateOnly), true
}

func validYear(y int) bool { return y >= 1850 && y <= 2100 }

func monthOf(s string) time.Month {
	if len(s) < 3 {
		return 0
	}
	for m := time.January; m <= time.December; m++ {
		if strings.HasPrefix(strings.ToLower(m.String()), strings.ToLower(s)) {
			return m
		}
	}
	if strings.EqualFold(s, "sept") {
		return time.September
	}
	return 0
}

// ordered reports whether a period's ends are in order, as far as both are known.
func ordered(from, to string) bool {
	n := min(len(from), len(to))
	return from[:n] <= to[:n]
}

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
