package source

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"vestibule/server/aml"
)

// parseBirth reads the ways in which lists write dates of birth: "10 Dec 1948",
// "Dec 1948", "Nov. 1973", "1948", "1948-12-10", "circa 1948", "1948 to 1950",
// "between 1948 and 1950". Anything else is not a date; nothing is guessed.
func parseBirth(s string) (aml.Birth, bool) {
	s = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(s), "."))
	var b aml.Birth
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
		return aml.Birth{}, false
	}
	if period {
		if b.To, ok = parseDate(to); !ok || !ordered(b.From, b.To) {
			return aml.Birth{}, false
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

// listed reads the day on which somebody was listed: YYYY-MM-DD or nothing.
func listed(s string) string {
	s = clean(s)
	day, ok := parseDate(s[:min(len(s), len(time.DateOnly))]) // a time or a zone may follow
	if !ok {
		return ""
	}
	return day
}
