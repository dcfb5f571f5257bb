package check

import (
	"slices"
	"strings"
	"time"

	"vestibule/journey"
	"vestibule/models/mrz"
	"vestibule/models/visual"
)

// Side is what was read of one side of a document.
type Side struct {
	Zone    *mrz.Document     // nil: none
	Trusted bool              // the zone passed its own check
	Visual  []visual.Field    // the print beside the zone
	Looked  bool              // whether print was looked for at all
	Barcode map[string]string // package visual's items → value: dates YYYY-MM-DD, states alpha-3; nil: none was read
}

// Cross is everything that the comparison of a document's sources looks at.
type Cross struct {
	First  Side
	Second *Side // nil: the document has one side
	Type   journey.DocumentType
	Layout mrz.Layout // of the zone; empty without one
	Needs  []string   // items that must stand somewhere; nil: those of NeedsOf
	Today  time.Time
	Clock  journey.ClockConfidence
}

// NeedsOf lists what a kind of document must say somewhere: what ICAO 9303-3 demands of the
// zone, and ISO/IEC 18013-1 of a driving licence. The old French card has no expiry.
func NeedsOf(t journey.DocumentType, l mrz.Layout) []string {
	needs := []string{visual.FullName, visual.Number, visual.BirthDate}
	if l != mrz.FRID {
		needs = append(needs, visual.ExpireDate)
	}
	if t == journey.DriversLicense {
		needs = append(needs, visual.IssueDate)
	}
	return needs
}

// Check gives the verdicts, one an event: whether the sources of a side tell the same and nothing
// demanded is missing, whether both sides tell the same, and, where the zone tells no expiry,
// whether the print's or the barcode's is over.
func (c Cross) Check() []Verdict {
	// The contract has one event for what was recognised; altered print outweighs missing print.
	print := c.altered()
	if print.Result != journey.Fail {
		if v := c.missing(); v.Result == journey.Fail || print.Result == journey.Skipped {
			print = v
		}
	}
	out := []Verdict{print}
	if c.Second != nil {
		out = append(out, c.sides())
	}
	if v, ok := c.expiry(); ok {
		out = append(out, v)
	}
	return out
}

type source struct {
	name string
	says visual.Source
}

func (s Side) sources() []source {
	var out []source
	if s.Zone != nil && s.Trusted {
		out = append(out, source{"zone", visual.OfZone(*s.Zone)})
	}
	if len(s.Barcode) > 0 {
		out = append(out, source{"barcode", visual.OfBarcode(s.Barcode)})
	}
	if len(s.Visual) > 0 {
		out = append(out, source{"print", visual.OfPrint(s.Visual)})
	}
	return out
}

// both lists the sides there are.
func (c Cross) both() []Side {
	if c.Second == nil {
		return []Side{c.First}
	}
	return []Side{c.First, *c.Second}
}

// mismatch is the code that tells of two sides that differ in an item.
func mismatch(item string) journey.CodeKey {
	switch item {
	case visual.LastName, visual.FirstName:
		return journey.Step1RetryDocumentNameMismatch
	case visual.BirthDate:
		return journey.Step1RetryDocumentDOBMismatch
	case visual.IssuingCountry, visual.Nationality:
		return journey.Step1RetryDocumentCountryMismatch
	}
	return journey.Step1RetryInvalidBackDocument
}

// outcome is what comparing sources came to.
type outcome struct {
	agree, differ, between []string
	score                  float64 // the lowest of the readings that differ
}

func (o *outcome) compare(a, b source) {
	for _, c := range visual.Compare(a.says, b.says) {
		switch c.Relation {
		case visual.Same:
			o.agree = append(o.agree, c.Item)
		case visual.Different:
			if len(o.differ) == 0 {
				o.score = c.Score
			}
			o.differ, o.between = append(o.differ, c.Item), append(o.between, a.name+"-"+b.name)
			o.score = min(o.score, c.Score)
		}
	}
}

func (o outcome) verdict(name journey.EventName, code func(item string) journey.CodeKey) Verdict {
	detail := map[string]string{}
	list := func(key string, items []string) {
		if len(items) > 0 {
			detail[key] = strings.Join(slices.Compact(slices.Sorted(slices.Values(items))), " ")
		}
	}
	list("agree", o.agree)
	list("differ", o.differ)
	list("between", o.between)
	switch {
	case len(o.differ) > 0:
		detail["score"] = score(o.score)
		return again(name, code(o.differ[0]), detail)
	case len(o.agree) == 0:
		return skipped(name, "nothing-to-compare")
	}
	return passed(name, detail)
}

// altered compares the sources of one side: print that differs from the zone or the barcode beside
// it was changed after the document was made. It is part of recognising the document, for
// which the contract has one event.
func (c Cross) altered() Verdict {
	var o outcome
	for _, s := range c.both() {
		from := s.sources()
		for i, a := range from {
			for _, b := range from[i+1:] {
				o.compare(a, b)
			}
		}
	}
	return o.verdict(journey.EventIDRecognition, func(string) journey.CodeKey { return journey.Step1RetryTextForgery })
}

// sides compares what stands on different sides.
func (c Cross) sides() Verdict {
	var o outcome
	for _, a := range c.First.sources() {
		for _, b := range c.Second.sources() {
			o.compare(a, b)
		}
	}
	return o.verdict(journey.KioskFrontBackCheck, mismatch)
}

// missing says what the document must tell and no source does. What was never looked for is
// not missing.
func (c Cross) missing() Verdict {
	name := journey.EventIDRecognition
	have := map[string]bool{}
	looked := false
	for _, s := range c.both() {
		looked = looked || s.Looked
		if s.Zone != nil { // read is read, trusted or not: another check judges that
			for item, f := range map[string]mrz.Field{
				visual.LastName: s.Zone.FamilyName, visual.FirstName: s.Zone.GivenNames, visual.Number: s.Zone.Number,
				visual.BirthDate: s.Zone.Birth, visual.ExpireDate: s.Zone.Expiry,
			} {
				have[item] = have[item] || f.Value != "" || f.Problem != ""
			}
			if s.Zone.Layout == mrz.TD3 {
				have[visual.PersonalNumber] = have[visual.PersonalNumber] || s.Zone.Optional.Value != ""
			}
		}
		for item, value := range s.Barcode {
			have[item] = have[item] || strings.TrimSpace(value) != ""
		}
		for _, f := range s.Visual {
			have[f.Item] = have[f.Item] || f.Value != ""
		}
	}
	if !looked {
		return skipped(name, "print-not-looked-at")
	}
	have[visual.FullName] = have[visual.FullName] || have[visual.LastName] || have[visual.FirstName]
	needs := c.Needs
	if needs == nil {
		needs = NeedsOf(c.Type, c.Layout)
	}
	var lacks []string
	for _, n := range needs {
		if !have[n] {
			lacks = append(lacks, n)
		}
	}
	if len(lacks) == 0 {
		return passed(name, map[string]string{"present": strings.Join(needs, " ")})
	}
	return again(name, missingCode(lacks[0]), map[string]string{"missing": strings.Join(lacks, " ")})
}

func missingCode(item string) journey.CodeKey {
	switch item {
	case visual.Number:
		return journey.Step1RetryMissingDocumentNumber
	case visual.PersonalNumber:
		return journey.Step1RetryMissingPersonalNumber
	case visual.BirthDate:
		return journey.Step1RetryMissingBirthDate
	case visual.IssueDate:
		return journey.Step1RetryMissingIssueDate
	case visual.ExpireDate:
		return journey.Step1RetryMissingExpiryDate
	}
	return journey.Step1RetryMissingName
}

// expiry judges the expiry of a document whose zone has none: by its barcode, or by print that
// was read beyond doubt. It is false where there is nothing to judge.
func (c Cross) expiry() (Verdict, bool) {
	date := ""
	for _, s := range c.both() {
		if s.Zone != nil && (s.Zone.Expiry.Value != "" || s.Zone.Expiry.Problem != "") {
			return Verdict{}, false
		}
		for _, from := range s.sources() {
			// The latest one: a person is never sent away for a period that was read too short.
			if v := from.says[visual.ExpireDate]; v.Sure() && v.Value > date {
				date = v.Value
			}
		}
	}
	if date == "" {
		return Verdict{}, false
	}
	return Expiry(journey.DocumentData{Type: c.Type, Layout: string(c.Layout)}, date, journey.Step1RetryDocumentExpired, c.Today, c.Clock), true
}
