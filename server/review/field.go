package review

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"vestibule/journey"
)

// Field is one piece of personal data that can be corrected: what the kiosk reads.
type Field string

// The fields.
const (
	FamilyName  Field = "familyName"
	GivenNames  Field = "givenNames"
	Birth       Field = "birth"
	Gender      Field = "gender"
	Nationality Field = "nationality"
	Number      Field = "number"
	Expiry      Field = "expiry"
)

// Fields lists the fields in the order in which a document shows them.
func Fields() []Field {
	return []Field{FamilyName, GivenNames, Birth, Gender, Nationality, Number, Expiry}
}

// Of gives a field's value.
func (f Field) Of(p journey.PersonData) string {
	if v := f.in(&p); v != nil {
		return *v
	}
	return ""
}

func (f Field) in(p *journey.PersonData) *string {
	switch f {
	case FamilyName:
		return &p.FamilyName
	case GivenNames:
		return &p.GivenNames
	case Birth:
		return &p.Birth
	case Gender:
		return &p.Gender
	case Nationality:
		return &p.Nationality
	case Number:
		return &p.Number
	case Expiry:
		return &p.Expiry
	}
	return nil
}

// Corrected puts what a reviewer entered over what was known, and tells which fields
// that changed. A field that is not entered stays; none can be emptied, because what is
// unknown would then pass for what the document says. Errors name the field, never its content.
func Corrected(before journey.PersonData, entered map[Field]string) (journey.PersonData, []Field, error) {
	after := before
	var changed []Field
	for _, f := range Fields() {
		value, given := entered[f]
		if value = tidy(f, value); !given || value == f.Of(before) {
			continue
		}
		if !f.valid(value) {
			return before, nil, errField(f)
		}
		*f.in(&after) = value
		changed = append(changed, f)
	}
	if len(changed) > 0 {
		after.Corrected = true
	}
	return after, changed, nil
}

func tidy(f Field, value string) string {
	value = strings.TrimSpace(value)
	switch f {
	case Nationality, Number:
		return strings.ToUpper(value)
	case Gender:
		return strings.ToLower(value)
	}
	return value
}

// valid holds a value against its kind. Lengths: a name in a zone has 39 characters at
// most (ICAO 9303-4, 4.2.2); in print it may be longer.
func (f Field) valid(value string) bool {
	switch f {
	case FamilyName, GivenNames:
		return value != "" && len(value) <= 200 && utf8.ValidString(value) && !strings.ContainsFunc(value, unicode.IsControl)
	case Birth:
		if day, ok := strings.CutSuffix(value, "-00"); ok { // of some the month or day is unknown
			if year, ok := strings.CutSuffix(day, "-00"); ok {
				day = year + "-01"
			}
			value = day + "-01"
		}
		_, err := time.Parse(time.DateOnly, value)
		return err == nil
	case Expiry:
		_, err := time.Parse(time.DateOnly, value)
		return err == nil
	case Gender:
		return value == "male" || value == "female" || value == "x"
	case Nationality:
		return len(value) >= 1 && len(value) <= 3 && strings.Trim(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
	case Number:
		return value != "" && len(value) <= 40 && strings.Trim(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-/ .") == ""
	}
	return false
}
