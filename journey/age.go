package journey

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// AgeRange is how old a face looks, in years. It is a soft signal: networks misjudge people by many years.
type AgeRange struct {
	Low    float64 `cbor:"1,keyasint" json:"low"`
	Median float64 `cbor:"2,keyasint" json:"median"`
	High   float64 `cbor:"3,keyasint" json:"high"`
}

// FaceAge is what one attempt at the selfie showed. The contract names the sources selfieImage and idImage.
type FaceAge struct {
	Selfie   *AgeRange `cbor:"1,keyasint,omitempty" json:"selfie,omitempty"`
	Document *AgeRange `cbor:"2,keyasint,omitempty" json:"document,omitempty"` // the portrait, as old as the picture is
}

// FaceAgePolicy holds conditions on how old people look. Whatever fails holds the submission for people to
// look at; a face alone rejects nobody. Without conditions nothing is asked.
type FaceAgePolicy struct {
	Conditions []AgeCondition `json:"conditions,omitempty"`
	// Operators stand between the conditions, "and" or "or", one fewer than those; they
	// are taken from left to right.
	Operators []string `json:"operators,omitempty"`
	// The ranges are made wider before they are compared: years taken from low, and added to high.
	ExtendLow  float64 `json:"extendLow,omitempty"`
	ExtendHigh float64 `json:"extendHigh,omitempty"`
}

// AgeCondition compares one end of the range with one age or two.
type AgeCondition struct {
	Target    string   `json:"target"`    // low, high, median
	Operator  string   `json:"operator"`  // gte, gt, lte, lt
	Selfie    bool     `json:"selfie"`    // compare the selfie
	Document  bool     `json:"document"`  // compare the portrait
	Custom    *float64 `json:"custom"`    // with this age, years; nil: not
	BirthDate bool     `json:"birthDate"` // with the age by the date of birth
}

// AgeCheck is what the conditions came to for one attempt.
type AgeCheck struct {
	Used       FaceAge  // before the ranges were made wider
	Extended   FaceAge  // and after
	BirthAge   *float64 // years by the date of birth; nil: not known
	Conditions []AgeResult
	Evaluated  bool // at least one comparison was made
	Passed     bool // of those; true when none was
}

// AgeResult is one condition's: the comparisons that it asks for, and whether all that could be made hold.
type AgeResult struct {
	Condition                                                AgeCondition
	DocumentCustom, DocumentBirth, SelfieCustom, SelfieBirth AgeMatch
	Evaluated, Passed                                        bool
}

// AgeMatch is one comparison.
type AgeMatch struct {
	Processed bool
	Holds     bool
	Statement string // such as "36 gte 18"
}

// LooksAtDocument says whether any condition is about the document's portrait.
func (p FaceAgePolicy) LooksAtDocument() bool {
	return slices.ContainsFunc(p.Conditions, func(a AgeCondition) bool { return a.Document })
}

// Check compares one attempt's ages. birth is YYYY-MM-DD; with unknown parts or none there is no age by it.
func (p FaceAgePolicy) Check(seen FaceAge, birth string, today time.Time) AgeCheck {
	c := AgeCheck{Used: seen, Passed: true, Extended: FaceAge{Selfie: p.extend(seen.Selfie), Document: p.extend(seen.Document)}}
	if born, err := time.Parse(time.DateOnly, birth); err == nil && !born.After(today) {
		t := today.UTC()
		years := float64(t.Year() - born.Year())
		if t.Month() < born.Month() || t.Month() == born.Month() && t.Day() < born.Day() {
			years--
		}
		c.BirthAge = &years
	}
	for i, a := range p.Conditions {
		r := AgeResult{Condition: a, Passed: true}
		for _, m := range []struct {
			to    *AgeMatch
			ask   bool
			image *AgeRange
			age   *float64
		}{
			{&r.DocumentCustom, a.Document, c.Extended.Document, a.Custom},
			{&r.DocumentBirth, a.Document && a.BirthDate, c.Extended.Document, c.BirthAge},
			{&r.SelfieCustom, a.Selfie, c.Extended.Selfie, a.Custom},
			{&r.SelfieBirth, a.Selfie && a.BirthDate, c.Extended.Selfie, c.BirthAge},
		} {
			if !m.ask || m.image == nil || m.age == nil {
				continue
			}
			*m.to = a.match(*m.image, *m.age)
			r.Evaluated, r.Passed = true, r.Passed && m.to.Holds
		}
		c.Conditions = append(c.Conditions, r)
		if !r.Evaluated { // what cannot be seen speaks neither way
			continue
		}
		switch {
		case !c.Evaluated:
			c.Passed = r.Passed
		case i > 0 && i-1 < len(p.Operators) && p.Operators[i-1] == AgeOr:
			c.Passed = c.Passed || r.Passed
		default:
			c.Passed = c.Passed && r.Passed
		}
		c.Evaluated = true
	}
	return c
}

// Operators between conditions.
const (
	AgeAnd = "and"
	AgeOr  = "or"
)

func (p FaceAgePolicy) extend(r *AgeRange) *AgeRange {
	if r == nil {
		return nil
	}
	return &AgeRange{Low: max(0, r.Low-p.ExtendLow), Median: r.Median, High: r.High + p.ExtendHigh}
}

func (a AgeCondition) match(r AgeRange, age float64) AgeMatch {
	v := r.Median
	switch a.Target {
	case "low":
		v = r.Low
	case "high":
		v = r.High
	}
	m := AgeMatch{Processed: true, Statement: years(v) + " " + a.Operator + " " + years(age)}
	switch a.Operator {
	case "gte":
		m.Holds = v >= age
	case "gt":
		m.Holds = v > age
	case "lte":
		m.Holds = v <= age
	case "lt":
		m.Holds = v < age
	}
	return m
}

func years(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// Validate says what is wrong with the conditions.
func (p FaceAgePolicy) Validate() error {
	const most = 16
	if len(p.Conditions) > most {
		return fmt.Errorf("faceAge: more than %d conditions", most)
	}
	if n := max(0, len(p.Conditions)-1); len(p.Operators) != n {
		return fmt.Errorf("faceAge: %d operators for %d conditions", len(p.Operators), len(p.Conditions))
	}
	for i, o := range p.Operators {
		if o != AgeAnd && o != AgeOr {
			return fmt.Errorf("faceAge: operator %d is neither and nor or", i)
		}
	}
	if p.ExtendLow < 0 || p.ExtendHigh < 0 || p.ExtendLow > 100 || p.ExtendHigh > 100 {
		return fmt.Errorf("faceAge: ranges are made wider by 0 to 100 years")
	}
	for i, a := range p.Conditions {
		switch {
		case !slices.Contains([]string{"low", "high", "median"}, a.Target):
			return fmt.Errorf("faceAge: condition %d compares neither low, high nor median", i)
		case !slices.Contains([]string{"gte", "gt", "lte", "lt"}, a.Operator):
			return fmt.Errorf("faceAge: condition %d has none of gte, gt, lte, lt", i)
		case !a.Selfie && !a.Document:
			return fmt.Errorf("faceAge: condition %d looks at no picture", i)
		case a.Custom == nil && !a.BirthDate:
			return fmt.Errorf("faceAge: condition %d compares with no age", i)
		case a.Custom != nil && !(*a.Custom >= 0 && *a.Custom <= 150):
			return fmt.Errorf("faceAge: condition %d compares with an age that nobody has", i)
		}
	}
	return nil
}
