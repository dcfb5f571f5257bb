package aamva

import (
	"strings"
	"unicode"

	"vestibule/models/mrz"
)

// Verdict is what a comparison of one field says.
type Verdict string

// Verdicts. Unknown: one of the two sides has no usable value.
const (
	Same    Verdict = "same"
	Differs Verdict = "differs"
	Unknown Verdict = "unknown"
)

// Front is what another source says about the card and its holder: the front side, or what
// the person typed. What is not known stays empty.
type Front struct {
	FamilyName string
	GivenNames string // all, apart by spaces
	FullName   string // where the two are not told apart, in any order
	Number     string
	Birth      string // YYYY-MM-DD, unknown parts 00
	Issue      string
	Expiry     string
	Sex        string // male, female, x
	Issuer     string // country (three letters), or state or province (two letters or its name)
}

// Comparison holds the verdicts. Name is of all names together: Differs when one of them
// differs, Same when family and given names (or the full name) are the same.
type Comparison struct {
	Name, FamilyName, GivenNames Verdict
	Number, Birth, Issue, Expiry Verdict
	Sex, Issuer                  Verdict
}

// FieldVerdict is one verdict with its name.
type FieldVerdict struct {
	Name    string
	Verdict Verdict
}

// Fields lists the verdicts, what identifies a person first.
func (c Comparison) Fields() []FieldVerdict {
	return []FieldVerdict{
		{"name", c.Name},
		{"birth", c.Birth},
		{"number", c.Number},
		{"issuer", c.Issuer},
		{"expiry", c.Expiry},
		{"issue", c.Issue},
		{"sex", c.Sex},
	}
}

// Differs names the fields that differ, none of their values.
func (c Comparison) Differs() []string {
	var out []string
	for _, f := range c.Fields() {
		if f.Verdict == Differs {
			out = append(out, f.Name)
		}
	}
	return out
}

// Compare holds the barcode's values against another source's. Names are compared by the
// transliterations of ICAO 9303-3 section 6, so that Müller, MUELLER and MULLER are
// the same; a given name may stand as its initial, further ones may be absent, and a name
// that the barcode says it cut may go on.
func Compare(a Document, front Front) Comparison {
	c := Comparison{
		Number: compareNumber(a.Number.Value, front.Number),
		Birth:  compareDate(a.Birth.Value, front.Birth),
		Issue:  compareDate(a.Issue.Value, front.Issue),
		Expiry: compareDate(a.Expiry.Value, front.Expiry),
		Sex:    compareSex(a.Sex.Value, front.Sex),
		Issuer: compareIssuer(a, front.Issuer),
	}
	family := words(a.FamilyName.Value)
	given := append(words(a.GivenName.Value), words(a.MiddleName.Value)...)
	suffix := words(a.Suffix.Value)
	cutFamily := a.FamilyTruncated == TruncatedYes || a.FamilyTruncated == TruncatedUnknown
	cutGiven := a.GivenTruncated == TruncatedYes || a.MiddleTruncated == TruncatedYes || a.GivenTruncated == TruncatedUnknown || a.MiddleTruncated == TruncatedUnknown

	c.FamilyName = compareFamily(family, suffix, words(front.FamilyName), cutFamily)
	c.GivenNames = compareGiven(given, words(front.GivenNames), suffix, cutGiven)
	full := Unknown
	switch {
	case front.FullName != "" && len(family)+len(given) > 0:
		full = compareFull(family, given, suffix, words(front.FullName))
	case a.FullName.Value != "" && len(family) == 0:
		full = compareLoose(words(a.FullName.Value), append(words(front.FamilyName), words(front.GivenNames)...), words(front.FullName))
	}
	switch {
	case c.FamilyName == Differs || c.GivenNames == Differs || full == Differs:
		c.Name = Differs
	case full == Same || c.FamilyName == Same && c.GivenNames == Same:
		c.Name = Same
	default:
		c.Name = Unknown
	}
	return c
}

// words splits a name at everything that is no part of a word. The hyphen parts
// words here, since sources disagree about it.
func words(s string) []string {
	return strings.FieldsFunc(strings.ToUpper(s), func(r rune) bool {
		return unicode.IsSpace(r) || unicode.Is(unicode.Pd, r) || r == ',' || r == '<' || r == '.'
	})
}

// sameWord compares two words, each of which may be the transliterated one.
func sameWord(a, b string, cut bool) bool {
	if a == b {
		return true
	}
	for _, pair := range [2][2]string{{a, b}, {b, a}} {
		zone, ok := mrz.Transliterate(pair[0])
		if ok && mrz.SameName(zone, pair[1], false) {
			return true
		}
	}
	zone, ok := mrz.Transliterate(a)
	return cut && ok && zone != "" && mrz.SameName(zone, b, true)
}

func joined(w []string) string { return strings.Join(w, "") }

func compareFamily(bar, suffix, front []string, cut bool) Verdict {
	if len(bar) == 0 || len(front) == 0 {
		return Unknown
	}
	// The front may print the suffix with the family name.
	for _, b := range [][]string{bar, append(append([]string(nil), bar...), suffix...)} {
		if sameWord(joined(b), joined(front), cut) {
			return Same
		}
	}
	return Differs
}

func compareGiven(bar, front, suffix []string, cut bool) Verdict {
	if len(bar) == 0 || len(front) == 0 {
		return Unknown
	}
	if sameWord(joined(bar), joined(front), cut) || givenFit(bar, front, cut) {
		return Same
	}
	// A suffix printed behind the given names.
	if n := len(front) - len(suffix); len(suffix) > 0 && n > 0 && joined(front[n:]) == joined(suffix) && givenFit(bar, front[:n], cut) {
		return Same
	}
	return Differs
}

// givenFit wants the first names to be the same, and each further one of the shorter side to
// be that of the longer or its initial, in the same order.
func givenFit(bar, front []string, cut bool) bool {
	if !sameWord(bar[0], front[0], cut && len(bar) == 1) && !runsOn(bar, front) {
		return false
	}
	if runsOn(bar, front) {
		return true
	}
	short, long := bar[1:], front[1:]
	if len(short) > len(long) {
		short, long = long, short
	}
	at := 0
	for i, s := range short {
		fits := false
		for ; at < len(long) && !fits; at++ {
			fits = sameWord(s, long[at], cut && i == len(short)-1) || initial(s, long[at])
		}
		if !fits {
			return false
		}
	}
	return true
}

// runsOn reports whether the first name of one side is the first two of the other, written
// as one: MARYANN and MARY ANN.
func runsOn(a, b []string) bool {
	one := func(x, y []string) bool { return len(y) > 1 && sameWord(x[0], y[0]+y[1], false) }
	return one(a, b) || one(b, a)
}

func initial(a, b string) bool {
	ra, rb := []rune(a), []rune(b)
	return (len(ra) == 1 || len(rb) == 1) && ra[0] == rb[0]
}

// compareFull wants every word of the family name and the first given name somewhere among
// those of a full name, and none left there that the barcode does not know.
func compareFull(family, given, suffix, front []string) Verdict {
	if len(front) == 0 {
		return Unknown
	}
	rest := append([]string(nil), front...)
	take := func(w string, loose bool) bool {
		for i, r := range rest {
			if sameWord(w, r, false) || loose && initial(w, r) {
				rest = append(rest[:i], rest[i+1:]...)
				return true
			}
		}
		return false
	}
	for _, w := range family {
		if !take(w, false) {
			return Differs
		}
	}
	for i, w := range given {
		if !take(w, i > 0) && i == 0 {
			return Differs
		}
	}
	for _, w := range suffix {
		take(w, false)
	}
	if len(rest) > 0 {
		return Differs
	}
	return Same
}

// compareLoose is for a barcode that does not tell which word is which.
func compareLoose(bar, parts, full []string) Verdict {
	front := full
	if len(front) == 0 {
		front = parts
	}
	if len(front) < 2 {
		return Unknown
	}
	found := 0
	for _, f := range front {
		for _, b := range bar {
			if sameWord(b, f, false) || initial(b, f) {
				found++
				break
			}
		}
	}
	if found == len(front) {
		return Same
	}
	return Differs
}

func compareNumber(a, b string) Verdict {
	a, b = plainNumber(a), plainNumber(b)
	switch {
	case a == "" || b == "":
		return Unknown
	case a == b:
		return Same
	}
	return Differs
}

func plainNumber(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToUpper(r)
		}
		return -1
	}, s)
}

// compareDate compares what both sides know: year, month, day.
func compareDate(a, b string) Verdict {
	pa, pb := strings.Split(a, "-"), strings.Split(b, "-")
	if len(pa) != 3 || len(pb) != 3 {
		return Unknown
	}
	known := false
	for i := range pa {
		if strings.Trim(pa[i], "0") == "" || strings.Trim(pb[i], "0") == "" {
			continue
		}
		if pa[i] != pb[i] {
			return Differs
		}
		known = true
	}
	if !known {
		return Unknown
	}
	return Same
}

// compareSex says nothing where one side does not: X may mean that it was not asked.
func compareSex(a, b string) Verdict {
	switch {
	case a == "" || b == "" || a == "x" || b == "x":
		return Unknown
	case a == b:
		return Same
	}
	return Differs
}

func compareIssuer(d Document, front string) Verdict {
	front = strings.ToUpper(strings.TrimSpace(front))
	j := d.Jurisdiction
	want := ""
	switch {
	case front == "":
		return Unknown
	case len(front) == 3:
		want = d.issuedIn()
	case len(front) == 2:
		want = j.Code
	default:
		want = strings.ToUpper(j.Name)
	}
	switch want {
	case "":
		return Unknown
	case front:
		return Same
	}
	return Differs
}
