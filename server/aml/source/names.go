package source

import (
	"slices"
	"strconv"
	"unicode"

	"vestibule/server/aml"
)

// nonLatin reports whether most letters of a name are of another script.
func nonLatin(name string) bool {
	own, other := 0, 0
	for _, r := range name {
		switch {
		case !unicode.IsLetter(r):
		case unicode.Is(unicode.Latin, r):
			own++
		default:
			other++
		}
	}
	return other > own
}

func hasPrimary(e aml.Entity) bool {
	return slices.ContainsFunc(e.Names, func(n aml.Name) bool { return n.Kind == aml.Primary })
}

// primaryFirst puts the primary name before the others. Where a list calls none so,
// the first one is it, whatever it is.
func primaryFirst(e *aml.Entity) {
	at := slices.IndexFunc(e.Names, func(n aml.Name) bool { return n.Kind == aml.Primary })
	if at < 0 {
		return
	}
	first := e.Names[at]
	e.Names = slices.Insert(slices.Delete(e.Names, at, at+1), 0, first)
}

// number reads a whole number of at most four digits.
func number(s string) (int, bool) {
	if s = clean(s); s == "" || len(s) > 4 {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 16)
	return int(n), err == nil
}
