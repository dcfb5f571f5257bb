package duplicate

import (
	"slices"
	"strings"

	"vestibule/journey"
	"vestibule/server/aml"
	"vestibule/sync/same"
)

// Traits are what people are recognised by although nothing of it agrees to the letter. They are compared in the
// clear, and never stored that way.
type Traits struct {
	Family, Given string
	Birth         string // YYYY-MM-DD, or nothing
	Number        string // of the document
}

// TraitsOf gives those of a submission.
func TraitsOf(s journey.Submission) Traits {
	p := Person(s)
	t := Traits{Family: p.FamilyName, Given: p.GivenNames, Number: DocumentNumber(p.Number)}
	if same.WholeDate(p.Birth) {
		t.Birth = p.Birth
	}
	return t
}

// Why two people may be one.
const (
	NearDocument = "document" // the same number of a document, and something of name or birth resembles
	NearBirth    = "birth"    // born on one day, and the names resemble
	NearName     = "name"     // the names are much alike, and one slip of the pen would make it one day of birth
)

// What counts as near, in points of aml.Compare. Worked out on FEBRL's sets 1 and 2, which duplicates.febrl_recall
// is measured on too.
const (
	nearName     = 62 // beside a date of birth or a document's number that is the same
	veryNearName = 80 // beside a date of birth that is not
	leastNumber  = 5  // characters that a number needs to say anything
)

// Suspicion is that two people are one.
type Suspicion struct {
	Name float64 // likeness of the names, 0..100
	Why  string
}

// Suspect says whether two people may be one. It is for people to look at: namesakes and twins are near, too.
func Suspect(a, b Traits) (Suspicion, bool) {
	s := Suspicion{Name: max(aml.Compare(a.Given+" "+a.Family, b.Given+" "+b.Family), aml.Compare(a.Given+" "+a.Family, b.Family+" "+b.Given))}
	born := birthOf(a.Birth, b.Birth)
	switch {
	case len(a.Number) >= leastNumber && a.Number == b.Number && (born != otherDay || s.Name >= nearName):
		s.Why = NearDocument
	case born == sameDay && s.Name >= nearName:
		s.Why = NearBirth
	case born == slipOfDay && s.Name >= veryNearName:
		s.Why = NearName
	default:
		return s, false
	}
	return s, true
}

type birth int

const (
	otherDay birth = iota
	slipOfDay
	sameDay
	unknownDay
)

// birthOf compares two dates: a slip is one digit, two neighbours exchanged, or day and month exchanged.
func birthOf(a, b string) birth {
	if a == "" || b == "" {
		return unknownDay
	}
	if a == b {
		return sameDay
	}
	if len(a) == 10 && len(b) == 10 && a[:4] == b[:4] && a[5:7] == b[8:] && a[8:] == b[5:7] {
		return slipOfDay
	}
	x, y := strings.ReplaceAll(a, "-", ""), strings.ReplaceAll(b, "-", "")
	if len(x) != len(y) {
		return otherDay
	}
	var differ []int
	for i := range x {
		if x[i] != y[i] {
			differ = append(differ, i)
		}
	}
	if len(differ) == 1 || len(differ) == 2 && differ[1] == differ[0]+1 && x[differ[0]] == y[differ[1]] && x[differ[1]] == y[differ[0]] {
		return slipOfDay
	}
	return otherDay
}

// NearKeys are what those meet under who may be near, at most 14: two near people share at least one, or
// duplicates.febrl_recall counts them as missed. They are chosen so that few others do, however common a name. They
// are to be hashed with a key.
func (t Traits) NearKeys() []string {
	var keys []string
	add := func(kind string, parts ...string) {
		if slices.Contains(parts, "") {
			return
		}
		if k := kind + "|" + strings.Join(parts, "|"); !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	if len(t.Number) >= leastNumber {
		add("number", t.Number)
	}
	tokens := strings.Fields(strings.ToLower(NameKey(t.Family, t.Given)))
	tokens = tokens[:min(len(tokens), mostTokens)]
	add("birth", t.Birth)
	var sounds []string
	for _, w := range tokens {
		sound := aml.Skeleton(w)
		if sound == "" {
			sound = w[:1]
		}
		sounds = append(sounds, sound)
	}
	slices.Sort(sounds)
	for i, a := range sounds {
		for _, b := range sounds[i+1:] {
			if len(t.Birth) == 10 { // a slip leaves one of the two as it is
				add("sounds-year", a, b, t.Birth[:4])
				add("sounds-day", a, b, t.Birth[5:])
			}
		}
	}
	return keys
}

// mostTokens bounds the words of a name that are looked at.
const mostTokens = 4
