package check

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/models/mrz"
	"vestibule/models/visual"
)

func TestAPersonalNumberIsHeldAgainstItsRuleAndItsHolder(t *testing.T) {
	printed := func(text string, doubt bool) Side {
		return Side{Visual: []visual.Field{{Item: visual.PersonalNumber, Value: text, Doubt: doubt}}}
	}
	inZone := func(text string) Side {
		return Side{Trusted: true, Zone: &mrz.Document{Layout: mrz.TD3, Optional: mrz.Field{Value: text, Check: mrz.CheckValid}}}
	}
	mexican := journey.PersonData{Birth: "1931-08-20", Gender: "male"}
	bulgarian := journey.PersonData{Birth: "1880-12-05", Gender: "female"}
	for name, c := range map[string]struct {
		issuer  string
		side    Side
		person  journey.PersonData
		event   journey.EventName // empty: no verdict
		result  journey.Result
		action  Action
		variant string
		why     string
	}{
		"a CURP that fits": {"MEX", printed("BOXW310820HNERXN09", false), mexican, journey.EventMexCURPVerification, journey.Pass, Accept, "", ""},
		"a CURP of another birthday": {
			"MEX", printed("BOXW310820HNERXN09", false),
			journey.PersonData{Birth: "1931-08-21", Gender: "male"},
			journey.EventMexCURPVerification, journey.Fail, Again, "", "",
		},
		"a CURP of the other sex proves nothing": {
			"MEX", printed("BOXW310820HNERXN09", false),
			journey.PersonData{Birth: "1931-08-20", Gender: "female"},
			journey.EventMexCURPVerification, journey.Pass, Accept, "", "",
		},
		"a century that no zone prints proves nothing": {
			"BGR", inZone("8032056031"),
			journey.PersonData{Birth: "1980-12-05", Gender: "female"},
			journey.KioskPersonalNumberCheck, journey.Pass, Accept, "", "",
		},
		"a CURP whose digit does not fit, read once, is a misreading": {
			"MEX", printed("BOXW310820HNERXN08", false), mexican, journey.EventMexCURPVerification, journey.Skipped, Accept, "", "read-unsurely",
		},
		"a CURP whose digit does not fit, read twice": {
			"MEX", inZone("BOXW310820HNERXN08"), mexican, journey.EventMexCURPVerification, journey.Fail, Again, "", "",
		},
		"a CURP that was not read surely": {
			"MEX", printed("BOXW310820HNERXN08", true), mexican, journey.EventMexCURPVerification, journey.Skipped, Accept, "", "no-number",
		},
		"a Mexican document without a CURP": {"MEX", Side{}, mexican, journey.EventMexCURPVerification, journey.Skipped, Accept, "", "no-number"},
		"an EGN that fits":                  {"BGR", inZone("8032056031"), bulgarian, journey.KioskPersonalNumberCheck, journey.Pass, Accept, "", ""},
		"an EGN of somebody else": {
			"BGR", inZone("8032056031"),
			journey.PersonData{Birth: "1980-12-06", Gender: "female"},
			journey.KioskPersonalNumberCheck, journey.Fail, Again, "egn", "",
		},
		"a number that no rule names": {"UTO", inZone("ZE184226B"), mexican, "", "", "", "", ""},
		"elsewhere a contradiction is noted only": {
			"POL", inZone("44051401359"),
			journey.PersonData{Birth: "1999-01-01", Gender: "male"},
			journey.KioskPersonalNumberCheck, journey.Fail, Accept, "", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := Personal{Sides: []Side{c.side}, Issuer: c.issuer, Person: c.person, Today: today}.Check()
			if c.event == "" {
				assert.Empty(t, got)
				return
			}
			require.Len(t, got, 1)
			v := got[0]
			assert.Equal(t, c.event, v.Event)
			assert.Equal(t, c.result, v.Result)
			assert.Equal(t, c.action, Rule(got).Action)
			assert.Equal(t, c.variant, v.Detail[journey.DetailVariant])
			assert.Equal(t, c.why, v.Detail["why"])
			if c.action == Again {
				assert.Equal(t, journey.Step2RetryIdentityVerificationFail, v.Code)
			}
			for _, text := range v.Detail { // no event tells the number
				assert.NotContains(t, strings.ToUpper(text), "310820")
				assert.NotContains(t, text, "8032056031")
			}
		})
	}
}

func TestWhatIsTypedMustBeWhatTheBarcodeSays(t *testing.T) {
	barcode := map[string]string{visual.Number: "T64235789", visual.BirthDate: "1986-06-06", visual.ExpireDate: "2031-04-15"}
	same := journey.PersonData{Number: "T64235789", Birth: "1986-06-06", Expiry: "2031-04-15"}
	_, wrong := Typed(barcode, same)
	assert.False(t, wrong)
	_, wrong = Typed(nil, journey.PersonData{Number: "X"})
	assert.False(t, wrong, "there is none")
	other := same
	other.Number = "T64235780"
	v, wrong := Typed(barcode, other)
	require.True(t, wrong)
	assert.Equal(t, "barcode", v.Detail[journey.DetailVariant])
	assert.Equal(t, "number", v.Detail["differs"])
	assert.Equal(t, journey.Step2RetryIdentityVerificationFail, v.Code)
}
