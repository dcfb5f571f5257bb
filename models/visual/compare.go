package visual

import (
	"strings"
	"time"

	"vestibule/models/mrz"
)

// When a line of print counts as read well enough to contradict another source. Starting values;
// viz.false_mismatch of models/evaluate counts how often genuine specimens are contradicted so.
const (
	// sureScore is the reading's score, 0..100, from which two or more differing characters are a difference.
	sureScore = 90
	// sureCaption is the score of a caption, 0..100, from which its value is believed to be that item's.
	sureCaption = 85
	// certainScore is the score from which a single one is, if it is no look-alike.
	certainScore = 99
	// otherName is the share of letters that must differ before a name is another one: spellings,
	// maiden names and what is left out never differ that much.
	otherName = .6
	// leastLetters is how long a name must be to be compared at all.
	leastLetters = 4
)

// IssuingCountry is an item of zones and barcodes; in print it is a headline that no caption tells.
const IssuingCountry = "issuingCountry"

// Said is what one source says of an item.
type Said struct {
	Value string
	Score float64 // 0..100, of the reading; 100 when exact
	exact bool    // by a zone or a barcode, whose own checks hold
	sure  bool    // print, read well enough for two characters
	surer bool    // print, read well enough for one
	words bool    // a date whose month is a word
	open  bool    // a zone's name that may go on
}

// Source is what one source says, item by item.
type Source map[string]Said

// OfZone is what a zone says that passed its own check. The number of a visa is left out: it
// prints the passport's as well.
func OfZone(z mrz.Document) Source {
	out := Source{}
	add := func(item string, f mrz.Field) {
		if f.Value != "" && f.Problem == "" && f.Check != mrz.CheckWrong {
			out[item] = Said{Value: f.Value, exact: true, Score: 100, open: z.Truncated}
		}
	}
	add(LastName, z.FamilyName)
	add(FirstName, z.GivenNames)
	add(BirthDate, z.Birth)
	add(ExpireDate, z.Expiry)
	add(Nationality, z.Nationality)
	add(IssuingCountry, z.Issuer)
	if z.Layout != mrz.MRVA && z.Layout != mrz.MRVB {
		add(Number, z.Number)
	}
	return out
}

// OfBarcode is what a barcode says: item → value, dates as YYYY-MM-DD, states as alpha-3.
func OfBarcode(items map[string]string) Source {
	out := Source{}
	for item, value := range items {
		if value = strings.TrimSpace(value); value != "" {
			out[item] = Said{Value: value, exact: true, Score: 100}
		}
	}
	return out
}

// OfPrint is what print says. What only the order of dates explains contradicts nothing, and
// what the zone helped to find contradicts only by a single character that was read for certain.
func OfPrint(fields []Field) Source {
	out := Source{}
	for _, f := range fields {
		out[f.Item] = Said{
			Value: f.Value, Score: f.Score,
			sure:  f.How == ByCaption && f.Caption >= sureCaption && f.Score >= sureScore && !f.Doubt,
			surer: (f.How == ByZone || f.How == ByCaption && f.Caption >= sureCaption) && f.Score >= certainScore && !f.Doubt,
			words: strings.ContainsFunc(f.Raw, func(r rune) bool { return r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' }),
		}
	}
	return out
}

// Sure tells whether a value may be relied on without a second source.
func (s Said) Sure() bool { return s.exact || s.sure }

// Relation says how two values stand to each other.
type Relation int

// The relations.
const (
	Unclear   Relation = iota // too little was read for either of the others
	Same                      // as far as spellings and readings go
	Different                 // and neither can explain it
)

// Comparison is one item that both sources tell.
type Comparison struct {
	Item     string
	Relation Relation
	Score    float64 // the lower of both readings
}

// Compare compares two sources item by item. Exact sources differ when they differ; print
// differs only when it was read surely and no misreading explains it: a single look-alike never is a difference.
func Compare(a, b Source) []Comparison {
	var out []Comparison
	for _, item := range [...]string{Number, LastName, FirstName, BirthDate, IssueDate, ExpireDate, IssuingCountry, Nationality} {
		x, ok := a[item]
		y, has := b[item]
		if ok && has {
			out = append(out, Comparison{item, relation(item, x, y, a, b), min(x.Score, y.Score)})
		}
	}
	return out
}

func relation(item string, x, y Said, a, b Source) Relation {
	switch item {
	case LastName, FirstName:
		return names(item, x, y, a, b)
	case BirthDate, IssueDate, ExpireDate:
		return days(x, y, a, b)
	case Nationality, IssuingCountry:
		return states(x, y)
	}
	return numbers(x, y)
}

// enough tells whether readings are sure enough for so many differing characters.
func enough(x, y Said, differing int, alike bool) bool {
	if differing == 1 && alike {
		return x.exact && y.exact
	}
	ok := func(s Said) bool { return s.exact || differing == 1 && s.surer || differing > 1 && s.sure }
	return ok(x) && ok(y)
}

func numbers(x, y Said) Relation {
	p, q := plainNumber(x.Value), plainNumber(y.Value)
	switch {
	case len(p) < 4 || len(q) < 4:
		return Unclear
	case Distance(p, q) == 0, strings.HasPrefix(p, q), strings.HasPrefix(q, p):
		return Same
	}
	if d, alike := differ(p, q); enough(x, y, d, alike) {
		return Different
	}
	return Unclear
}

func plainNumber(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' {
			return r
		}
		return -1
	}, strings.ToUpper(s))
}

// differ counts the characters by which two texts differ, look-alikes of one shape apart; lookAlikes
// tells whether all of them are such as a reader takes for each other.
func differ(p, q string) (n int, lookAlikes bool) {
	if len(p) != len(q) {
		return max(1, Distance(p, q)), false
	}
	lookAlikes = true
	for i := range len(p) {
		if alike(p[i]) != alike(q[i]) {
			n++
			lookAlikes = lookAlikes && lookAlike(p[i], q[i])
		}
	}
	return n, lookAlikes
}

// lookAlike lists the pairs that text readers confuse on worn or patterned print.
func lookAlike(a, b byte) bool {
	for _, group := range [...]string{
		"0OQDCU", "0689", "1ILJ7T", "2Z7", "3589B", "4A9", "5S6", "6GC", "8B", "UV", "VY", "MNHW", "KX", "EF", "PRF",
	} {
		if strings.IndexByte(group, a) >= 0 && strings.IndexByte(group, b) >= 0 {
			return true
		}
	}
	return false
}

// days compares dates. No zone prints a century. A date that the other source has for another
// item was taken for the wrong one, and a month's name is one letter away from another's.
func days(x, y Said, a, b Source) Relation {
	if len(x.Value) != len(time.DateOnly) || len(y.Value) != len(time.DateOnly) {
		return Unclear
	}
	p, q := x.Value[2:], y.Value[2:]
	if p == q {
		return Same
	}
	for i := 0; i+2 <= len(p); i += 3 {
		if p[i:i+2] == "00" && i > 0 || q[i:i+2] == "00" && i > 0 {
			return Unclear // a part of it is unknown
		}
	}
	if !x.exact || !y.exact {
		for _, item := range []string{BirthDate, IssueDate, ExpireDate} {
			if v := a[item].Value; len(v) == len(y.Value) && v[2:] == q {
				return Unclear
			}
			if v := b[item].Value; len(v) == len(x.Value) && v[2:] == p {
				return Unclear
			}
		}
		if (x.words || y.words) && p[:2] == q[:2] && p[6:] == q[6:] {
			return Unclear
		}
	}
	if d, alike := differ(p, q); enough(x, y, d, alike) {
		return Different
	}
	return Unclear
}

// states compares codes; words are no codes.
func states(x, y Said) Relation {
	code := func(s string) string {
		if iso, ok := mrz.Alpha3(s); ok {
			return iso
		}
		return s
	}
	p, q := code(x.Value), code(y.Value)
	if p == q {
		return Same
	}
	if !mrz.KnownState(p) || !mrz.KnownState(q) {
		return Unclear
	}
	if d, alike := differ(p, q); enough(x, y, d, alike) && (d > 1 || x.exact && y.exact) {
		return Different
	}
	return Unclear
}

// names compares by the transliteration of ICAO 9303-3 section 6. Only a name with hardly a
// letter in common, that is not the other source's other name, is a different one.
func names(item string, x, y Said, a, b Source) Relation {
	if sameName(x, y) {
		return Same
	}
	p, q := plainName(x.Value), plainName(y.Value)
	if len(p) < leastLetters || len(q) < leastLetters || !x.exact && !x.sure || !y.exact && !y.sure {
		return Unclear
	}
	other := FirstName
	if item == FirstName {
		other = LastName
	}
	for _, pair := range [][2]Said{{x, b[other]}, {y, a[other]}} {
		if pair[1].Value != "" && near(pair[0].Value, pair[1].Value) {
			return Unclear
		}
	}
	if near(x.Value, y.Value) {
		return Unclear
	}
	return Different
}

func sameName(x, y Said) bool {
	return SameName(x.Value, y.Value, x.open) || SameName(y.Value, x.Value, y.open)
}

// near tells whether names have a word in common, or most letters.
func near(a, b string) bool {
	p, q := plainName(a), plainName(b)
	if strings.Contains(p, q) || strings.Contains(q, p) ||
		float64(Distance(p, q)) <= otherName*float64(max(len(p), len(q))) {
		return true
	}
	for _, v := range nameWords(a) {
		for _, w := range nameWords(b) {
			if n := max(len(v), len(w)); float64(Distance(v, w)) <= float64(n)/3 {
				return true
			}
		}
	}
	return false
}

func nameWords(s string) []string {
	var out []string
	t, _ := mrz.Transliterate(s)
	for _, w := range strings.Split(t, "<") {
		if len(w) >= 3 {
			out = append(out, w)
		}
	}
	return out
}

// plainName is a name in the zone's letters, without spaces; empty when it is written in others.
func plainName(s string) string {
	t, _ := mrz.Transliterate(s)
	return strings.ReplaceAll(t, "<", "")
}
