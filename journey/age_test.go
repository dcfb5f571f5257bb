package journey_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vestibule/journey"
)

func adult(operator string, age float64) journey.AgeCondition {
	return journey.AgeCondition{Target: "low", Operator: operator, Selfie: true, Custom: &age}
}

func TestConditionsOnHowOldAFaceLooks(t *testing.T) {
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	seen := journey.FaceAge{Selfie: &journey.AgeRange{Low: 20, Median: 27, High: 36}, Document: &journey.AgeRange{Low: 15, Median: 22, High: 30}}
	birth := journey.AgeCondition{Target: "high", Operator: "gte", Selfie: true, Document: true, BirthDate: true}
	for name, c := range map[string]struct {
		policy    journey.FaceAgePolicy
		seen      journey.FaceAge
		birth     string
		evaluated bool
		passed    bool
		statement string // of the selfie against the custom age
	}{
		"nothing is asked":                       {journey.FaceAgePolicy{}, seen, "1996-11-22", false, true, ""},
		"old enough":                             {journey.FaceAgePolicy{Conditions: []journey.AgeCondition{adult("gte", 18)}}, seen, "", true, true, "20 gte 18"},
		"just":                                   {journey.FaceAgePolicy{Conditions: []journey.AgeCondition{adult("gte", 20)}}, seen, "", true, true, "20 gte 20"},
		"just not":                               {journey.FaceAgePolicy{Conditions: []journey.AgeCondition{adult("gt", 20)}}, seen, "", true, false, "20 gt 20"},
		"the range is made wider":                {journey.FaceAgePolicy{Conditions: []journey.AgeCondition{adult("gte", 18)}, ExtendLow: 3}, seen, "", true, false, "17 gte 18"},
		"nobody saw a face":                      {journey.FaceAgePolicy{Conditions: []journey.AgeCondition{adult("gte", 18)}}, journey.FaceAge{}, "1996-11-22", false, true, ""},
		"as old as the date of birth says":       {journey.FaceAgePolicy{Conditions: []journey.AgeCondition{birth}}, seen, "1996-11-22", true, true, ""},
		"the portrait looks too young for it":    {journey.FaceAgePolicy{Conditions: []journey.AgeCondition{birth}}, seen, "1994-11-22", true, false, ""},
		"without a date there is nothing":        {journey.FaceAgePolicy{Conditions: []journey.AgeCondition{birth}}, seen, "1996-00-00", false, true, ""},
		"and: both must hold":                    {journey.FaceAgePolicy{Conditions: []journey.AgeCondition{adult("gte", 18), adult("gte", 21)}, Operators: []string{"and"}}, seen, "", true, false, "20 gte 18"},
		"or: one suffices":                       {journey.FaceAgePolicy{Conditions: []journey.AgeCondition{adult("gte", 18), adult("gte", 21)}, Operators: []string{"or"}}, seen, "", true, true, "20 gte 18"},
		"what cannot be seen speaks neither way": {journey.FaceAgePolicy{Conditions: []journey.AgeCondition{birth, adult("gte", 21)}, Operators: []string{"or"}}, seen, "", true, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, c.policy.Validate())
			got := c.policy.Check(c.seen, c.birth, now)
			assert.Equal(t, c.evaluated, got.Evaluated)
			assert.Equal(t, c.passed, got.Passed)
			if c.statement != "" {
				assert.Equal(t, c.statement, got.Conditions[0].SelfieCustom.Statement)
			}
			assert.Equal(t, c.seen, got.Used, "what was seen stays")
		})
	}
}

func TestConditionsThatMakeNoSenseAreRefused(t *testing.T) {
	for name, p := range map[string]journey.FaceAgePolicy{
		"no operator between two":    {Conditions: []journey.AgeCondition{adult("gte", 18), adult("gte", 21)}},
		"an operator of its own":     {Conditions: []journey.AgeCondition{adult("gte", 18), adult("gte", 21)}, Operators: []string{"xor"}},
		"an operator too many":       {Conditions: []journey.AgeCondition{adult("gte", 18)}, Operators: []string{"and"}},
		"a comparison of its own":    {Conditions: []journey.AgeCondition{adult("eq", 18)}},
		"an age that nobody has":     {Conditions: []journey.AgeCondition{adult("gte", 1800)}},
		"no age":                     {Conditions: []journey.AgeCondition{{Target: "low", Operator: "gte", Selfie: true}}},
		"no picture":                 {Conditions: []journey.AgeCondition{{Target: "low", Operator: "gte", BirthDate: true}}},
		"no such end of the range":   {Conditions: []journey.AgeCondition{{Target: "mean", Operator: "gte", Selfie: true, BirthDate: true}}},
		"a range that gets narrower": {ExtendLow: -1},
		"more than anybody reads":    {Conditions: make([]journey.AgeCondition, 17)},
	} {
		t.Run(name, func(t *testing.T) { assert.Error(t, p.Validate()) })
	}
}

func TestAWiderRangeNeverMakesSomebodyOlderThanTheirLow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		low := rapid.Float64Range(0, 90).Draw(t, "low")
		limit := rapid.Float64Range(0, 90).Draw(t, "limit")
		wider := rapid.Float64Range(0, 20).Draw(t, "wider")
		seen := journey.FaceAge{Selfie: &journey.AgeRange{Low: low, Median: low + 5, High: low + 10}}
		narrow := journey.FaceAgePolicy{Conditions: []journey.AgeCondition{adult("gte", limit)}}
		wide := narrow
		wide.ExtendLow = wider
		if wide.Check(seen, "", time.Now()).Passed && !narrow.Check(seen, "", time.Now()).Passed {
			t.Fatal("passes only with the wider range")
		}
	})
}
