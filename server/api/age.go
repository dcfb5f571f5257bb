package api

import (
	"vestibule/journey"
	"vestibule/server/duplicate"
)

// answerAge is how old one picture looks. The contract's sources are selfieImage and idImage.
type answerAge struct {
	Range  answerAgeRange `json:"ageRange" required:"true"`
	Source string         `json:"source" required:"true"`
}

type answerAgeRange struct {
	Low    float64 `json:"low" required:"true"`
	High   float64 `json:"high" required:"true"`
	Median float64 `json:"median" required:"true"`
}

// answerVerification holds what the conditions on those ages came to, one entry for each try at the selfie.
type answerVerification struct {
	FaceAge []answerAgeCheck `json:"faceAge" required:"true"`
}

type answerAgeCheck struct {
	Used       answerAgesUsed    `json:"usedValues" required:"true"`
	Conditions []answerCondition `json:"conditionResults" required:"true"`
	Operators  []string          `json:"logicalOperators" required:"true"` // and, or: between the conditions, from left to right
}

// answerAgesUsed are the ages before and after the ranges were made wider. What was not seen is left out.
type answerAgesUsed struct {
	OriginalSelfieLow    *float64 `json:"originalSelfieLow,omitempty"`
	OriginalSelfieHigh   *float64 `json:"originalSelfieHigh,omitempty"`
	OriginalSelfieMedian *float64 `json:"originalSelfieMedian,omitempty"`
	OriginalIDLow        *float64 `json:"originalIdLow,omitempty"`
	OriginalIDHigh       *float64 `json:"originalIdHigh,omitempty"`
	OriginalIDMedian     *float64 `json:"originalIdMedian,omitempty"`
	SelfieLow            *float64 `json:"selfieLow,omitempty"`
	SelfieHigh           *float64 `json:"selfieHigh,omitempty"`
	SelfieMedian         *float64 `json:"selfieMedian,omitempty"`
	IDLow                *float64 `json:"idLow,omitempty"`
	IDHigh               *float64 `json:"idHigh,omitempty"`
	IDMedian             *float64 `json:"idMedian,omitempty"`
	BirthDateAge         *float64 `json:"birthDateAge,omitempty"`
}

type answerCondition struct {
	Condition struct {
		Operator string `json:"comparisonOperator" required:"true"` // gte, gt, lte, lt
		Target   string `json:"target" required:"true"`             // low, high, median
	} `json:"condition" required:"true"`
	Index   int               `json:"conditionIndex" required:"true"` // from 0
	Final   bool              `json:"finalResult" required:"true"`    // true as well when nothing could be compared
	Matches answerAgesMatched `json:"matchResults" required:"true"`
}

type answerAgesMatched struct {
	IDCustom     answerAgeMatch `json:"idCardCustomMatch" required:"true"`
	IDBirth      answerAgeMatch `json:"idCardBirthDateMatch" required:"true"`
	SelfieCustom answerAgeMatch `json:"faceImageCustomMatch" required:"true"`
	SelfieBirth  answerAgeMatch `json:"faceImageBirthDateMatch" required:"true"`
}

type answerAgeMatch struct {
	Result    *bool  `json:"result" nullable:"true" required:"true"` // null when it was not compared
	Processed bool   `json:"processed" required:"true"`
	Statement string `json:"statement" required:"true"` // such as "36 gte 18"
}

// agesSeen lists the ages of every try.
func agesSeen(d journey.Submission) []answerAge {
	var out []answerAge
	for _, seen := range d.FaceAges {
		for _, one := range []struct {
			source string
			r      *journey.AgeRange
		}{{"selfieImage", seen.Selfie}, {"idImage", seen.Document}} {
			if one.r != nil {
				out = append(out, answerAge{answerAgeRange{one.r.Low, one.r.High, one.r.Median}, one.source})
			}
		}
	}
	return out
}

// ageVerification is what the conditions of the policy that the kiosk worked under came to; nil without any.
func ageVerification(d journey.Submission) *answerVerification {
	rules := d.FaceAgeRules
	if len(rules.Conditions) == 0 || len(d.FaceAges) == 0 {
		return nil
	}
	out := &answerVerification{}
	for _, seen := range d.FaceAges {
		c := rules.Check(seen, duplicate.Person(d).Birth, d.Updated)
		one := answerAgeCheck{Operators: append([]string{}, rules.Operators...), Conditions: []answerCondition{}}
		u := &one.Used
		u.OriginalSelfieLow, u.OriginalSelfieHigh, u.OriginalSelfieMedian = ends(c.Used.Selfie)
		u.OriginalIDLow, u.OriginalIDHigh, u.OriginalIDMedian = ends(c.Used.Document)
		u.SelfieLow, u.SelfieHigh, u.SelfieMedian = ends(c.Extended.Selfie)
		u.IDLow, u.IDHigh, u.IDMedian = ends(c.Extended.Document)
		u.BirthDateAge = c.BirthAge
		for i, r := range c.Conditions {
			a := answerCondition{Index: i, Final: r.Passed}
			a.Condition.Operator, a.Condition.Target = r.Condition.Operator, r.Condition.Target
			a.Matches = answerAgesMatched{
				IDCustom: matched(r.DocumentCustom), IDBirth: matched(r.DocumentBirth),
				SelfieCustom: matched(r.SelfieCustom), SelfieBirth: matched(r.SelfieBirth),
			}
			one.Conditions = append(one.Conditions, a)
		}
		out.FaceAge = append(out.FaceAge, one)
	}
	return out
}

func ends(r *journey.AgeRange) (low, high, median *float64) {
	if r == nil {
		return nil, nil, nil
	}
	return &r.Low, &r.High, &r.Median
}

func matched(m journey.AgeMatch) answerAgeMatch {
	out := answerAgeMatch{Processed: m.Processed, Statement: m.Statement}
	if m.Processed {
		out.Result = &m.Holds
	}
	return out
}
