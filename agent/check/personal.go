package check

import (
	"strings"
	"time"

	"vestibule/journey"
	"vestibule/models/idnumber"
	"vestibule/models/mrz"
	"vestibule/models/visual"
)

// Personal is everything that the check of a personal number looks at.
type Personal struct {
	Sides  []Side // of the document
	Issuer string // ISO 3166-1 alpha-3
	Person journey.PersonData
	Today  time.Time
}

// numberSource says how surely a number was read.
type numberSource struct {
	name string
	text string
	// twice: two readers agreed on it, or error correction covers it. What one reader alone read of
	// print counts only where its check digits prove the reading right.
	twice bool
}

func (p Personal) sources() []numberSource {
	var out []numberSource
	for _, s := range p.Sides {
		if s.Zone != nil && s.Trusted {
			for _, f := range []mrz.Field{s.Zone.Optional, s.Zone.Optional2} {
				if f.Value != "" && f.Check != mrz.CheckWrong && f.Problem == "" {
					out = append(out, numberSource{"zone", f.Value, true})
				}
			}
		}
		if v := strings.TrimSpace(s.Barcode[visual.PersonalNumber]); v != "" {
			out = append(out, numberSource{"barcode", v, true})
		}
		for _, f := range s.Visual {
			if f.Item == visual.PersonalNumber && f.Value != "" && !f.Doubt {
				out = append(out, numberSource{"print", f.Value, false})
			}
		}
	}
	return out
}

// Check judges the personal number of a document whose issuer has published a rule for it: whether it
// can exist, and whether it was given to somebody born on that day. There is no verdict where
// there is nothing to judge, but Mexico's, for which the contract has an event. Only the states that the contract names, Mexico
// (CURP) and Bulgaria (EGN), stop a person by it; elsewhere a field may hold another number that looks the same, so a
// contradiction is noted and stops nobody. The number itself is in no verdict.
func (p Personal) Check() []Verdict {
	issuer := strings.ToUpper(p.Issuer)
	name := journey.KioskPersonalNumberCheck
	if issuer == "MEX" {
		name = journey.EventMexCURPVerification
	}
	var none Verdict
	for _, s := range p.sources() {
		n, ok := idnumber.Find(issuer, s.text, p.Today)
		if !ok {
			continue
		}
		detail := map[string]string{"kind": string(n.Kind), "source": s.name}
		if n.Check != idnumber.CheckNone {
			detail["check"] = string(n.Check)
		}
		wrong, otherSex, weighed := n.Against(p.Person.Birth, p.Person.Gender)
		if !weighed || !s.twice && n.Check != idnumber.CheckValid {
			none = skipped(name, "read-unsurely")
			continue
		}
		if n.Problem != "" {
			detail["problem"] = n.Problem
		}
		if otherSex {
			detail["differs"] = "sex" // it proves nothing: a note
		}
		if wrong != "" {
			detail["differs"] = wrong
		}
		switch {
		case wrong == "":
			return []Verdict{passed(name, detail)}
		case n.Kind == idnumber.MEX || n.Kind == idnumber.BGR:
			v := again(name, journey.Step2RetryIdentityVerificationFail, detail)
			if n.Kind == idnumber.BGR {
				detail[journey.DetailVariant] = "egn"
			}
			return []Verdict{v}
		}
		return []Verdict{{Event: name, Result: journey.Fail, Impact: journey.ImpactNone, Detail: detail}}
	}
	switch {
	case none.Event != "":
		return []Verdict{none}
	case issuer == "MEX":
		return []Verdict{skipped(name, "no-number")}
	}
	return nil
}

// Typed says whether what the person corrected contradicts the barcode of their licence: a
// barcode is read for certain or not at all, so there is nothing in it to correct.
func Typed(barcode map[string]string, person journey.PersonData) (Verdict, bool) {
	if len(barcode) == 0 {
		return Verdict{}, false
	}
	var differs []string
	for _, f := range []struct{ name, is, typed string }{
		{"number", barcode[visual.Number], person.Number},
		{"birth", barcode[visual.BirthDate], person.Birth},
		{"expiry", barcode[visual.ExpireDate], person.Expiry},
	} {
		if f.is != "" && f.typed != "" && f.is != f.typed {
			differs = append(differs, f.name)
		}
	}
	if len(differs) == 0 {
		return Verdict{}, false
	}
	return again(journey.EventBarcodeValidation, journey.Step2RetryIdentityVerificationFail, map[string]string{
		journey.DetailVariant: "barcode", "differs": strings.Join(differs, " "),
	}), true
}
