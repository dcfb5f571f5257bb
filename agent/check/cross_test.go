package check_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/agent/check"
	"vestibule/journey"
	"vestibule/models/mrz"
	"vestibule/models/visual"
)

func crossZone(t *testing.T, l mrz.Layout) *mrz.Document {
	t.Helper()
	c := mrz.Content{
		Layout: l, Code: "I", Issuer: "UTO", FamilyName: "ERIKSSON", GivenNames: "ANNA MARIA", Number: "L898902C3",
		Nationality: "UTO", Birth: "1974-08-12", Sex: "female", Expiry: "2030-04-15",
	}
	if l == mrz.TD3 {
		c.Code = "P"
	}
	lines, err := mrz.Write(c)
	require.NoError(t, err)
	d, err := mrz.Parse(lines, mrz.On(crossDay))
	require.NoError(t, err)
	return &d
}

var crossDay = time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)

func printed(item, value string, score float64) visual.Field {
	return visual.Field{Item: item, Value: value, Raw: value, Score: score, How: visual.ByCaption, Caption: 95}
}

func TestSourcesThatContradictEachOther(t *testing.T) {
	type fields = []visual.Field
	same := fields{
		printed(visual.LastName, "Eriksson", 99), printed(visual.FirstName, "ANNAMARIA", 99),
		printed(visual.Number, "L898902C3", 99), printed(visual.BirthDate, "1974-08-12", 99),
		printed(visual.ExpireDate, "2030-04-15", 99),
	}
	forged, back := journey.Step1RetryTextForgery, journey.KioskFrontBackCheck
	id := journey.EventIDRecognition
	for name, c := range map[string]struct {
		front  fields
		back   fields            // nil: the print is beside the zone
		bar    map[string]string // on the back
		event  journey.EventName
		result journey.Result
		code   journey.CodeKey
	}{
		"the same print is no contradiction":                      {front: same, event: id, result: journey.Pass},
		"another date of birth beside the zone is forged":         {front: fields{printed(visual.BirthDate, "1979-03-11", 95)}, event: id, result: journey.Fail, code: forged},
		"another expiry beside the zone is forged":                {front: fields{printed(visual.ExpireDate, "2036-11-15", 95)}, event: id, result: journey.Fail, code: forged},
		"another number beside the zone is forged":                {front: fields{printed(visual.Number, "L898774C3", 95)}, event: id, result: journey.Fail, code: forged},
		"one character read for certain is forged":                {front: fields{printed(visual.Number, "L898102C3", 99.5)}, event: id, result: journey.Fail, code: forged},
		"one character read less surely is nothing":               {front: fields{printed(visual.Number, "L898102C3", 97)}, event: id, result: journey.Skipped},
		"a single look-alike is nothing however sure":             {front: fields{printed(visual.Number, "L8989O2G3", 100)}, event: id, result: journey.Skipped},
		"another name beside the zone is forged":                  {front: fields{printed(visual.LastName, "WOJCIK", 99)}, event: id, result: journey.Fail, code: forged},
		"a spelling of the name is none":                          {front: fields{printed(visual.LastName, "ERICSON", 99)}, event: id, result: journey.Skipped},
		"a maiden name beside the name is none":                   {front: fields{printed(visual.LastName, "ERIKSSON GEB. LIND", 99)}, event: id, result: journey.Skipped},
		"names taken for each other are none":                     {front: fields{printed(visual.LastName, "ANNA MARIA", 99), printed(visual.FirstName, "ERIKSSON", 99)}, event: id, result: journey.Skipped},
		"a name in other letters is none":                         {front: fields{printed(visual.LastName, "林健聖林", 99)}, event: id, result: journey.Skipped},
		"another century is none: no zone prints it":              {front: fields{printed(visual.BirthDate, "1874-08-12", 99)}, event: id, result: journey.Pass},
		"a date taken for another one is none":                    {front: fields{printed(visual.BirthDate, "2030-04-15", 99)}, event: id, result: journey.Skipped},
		"a month's name is a letter away from another":            {front: fields{{Item: visual.BirthDate, Value: "1974-06-12", Raw: "12 JUN 1974", Score: 100, How: visual.ByCaption, Caption: 95}}, event: id, result: journey.Skipped},
		"a date explained by order alone contradicts nothing":     {front: fields{{Item: visual.BirthDate, Value: "1979-03-11", Score: 100, How: visual.ByOrder}}, event: id, result: journey.Skipped},
		"a date that may be exchanged contradicts nothing":        {front: fields{{Item: visual.BirthDate, Value: "1979-03-11", Score: 100, How: visual.ByCaption, Caption: 95, Doubt: true}}, event: id, result: journey.Skipped},
		"print under a misread caption contradicts nothing":       {front: fields{{Item: visual.LastName, Value: "WOJCIK", Score: 99, How: visual.ByCaption, Caption: 70}}, event: id, result: journey.Skipped},
		"print read badly contradicts nothing":                    {front: fields{printed(visual.BirthDate, "1979-03-11", 80)}, event: id, result: journey.Skipped},
		"another date of birth on the other side":                 {back: fields{printed(visual.BirthDate, "1979-03-11", 95)}, event: back, result: journey.Fail, code: journey.Step1RetryDocumentDOBMismatch},
		"another name on the other side":                          {back: fields{printed(visual.LastName, "WOJCIK", 96)}, event: back, result: journey.Fail, code: journey.Step1RetryDocumentNameMismatch},
		"another number on the other side":                        {back: fields{printed(visual.Number, "X111222C3", 96)}, event: back, result: journey.Fail, code: journey.Step1RetryInvalidBackDocument},
		"another issuing state in the other side's barcode":       {bar: map[string]string{visual.IssuingCountry: "USA"}, event: back, result: journey.Fail, code: journey.Step1RetryDocumentCountryMismatch},
		"another name in the other side's barcode":                {bar: map[string]string{visual.LastName: "WOJCIK"}, event: back, result: journey.Fail, code: journey.Step1RetryDocumentNameMismatch},
		"one digit of a birth in the other side's barcode":        {bar: map[string]string{visual.BirthDate: "1974-08-13"}, event: back, result: journey.Fail, code: journey.Step1RetryDocumentDOBMismatch},
		"the same in the other side's barcode":                    {bar: map[string]string{visual.BirthDate: "1974-08-12", visual.LastName: "Eriksson"}, event: back, result: journey.Pass},
		"the same on the other side":                              {back: same, event: back, result: journey.Pass},
		"an other side that tells nothing is no pass and no fail": {back: fields{}, event: back, result: journey.Skipped},
	} {
		t.Run(name, func(t *testing.T) {
			x := check.Cross{
				First: check.Side{Zone: crossZone(t, mrz.TD3), Trusted: true, Visual: c.front},
				Type:  journey.Passport, Layout: mrz.TD3, Today: crossDay, Clock: journey.ClockTrusted,
			}
			if c.back != nil || c.bar != nil {
				x.Second = &check.Side{Visual: c.back, Barcode: c.bar}
			}
			v := verdictOf(t, x.Check(), c.event)
			assert.Equal(t, c.result, v.Result, v.Detail)
			assert.Equal(t, c.code, v.Code)
			for _, d := range v.Detail {
				assert.NotContains(t, d, "1979", "personal data in a detail")
				assert.NotContains(t, d, "WOJCIK", "personal data in a detail")
			}
		})
	}
}

func verdictOf(t *testing.T, all []check.Verdict, name journey.EventName) check.Verdict {
	t.Helper()
	var found []check.Verdict
	for _, v := range all {
		if v.Event == name {
			found = append(found, v)
		}
	}
	require.Len(t, found, 1, "one verdict an event")
	return found[0]
}

func TestAZoneThatIsNotTrustedIsNotContradicted(t *testing.T) {
	x := check.Cross{First: check.Side{Zone: crossZone(t, mrz.TD3), Visual: []visual.Field{printed(visual.BirthDate, "1979-03-11", 99)}}}
	assert.Equal(t, journey.Skipped, verdictOf(t, x.Check(), journey.EventIDRecognition).Result)
}

func TestWhatNoSourceTellsIsMissing(t *testing.T) {
	all := map[string]string{
		visual.LastName: "ERIKSSON", visual.Number: "L898902C3", visual.BirthDate: "1974-08-12",
		visual.ExpireDate: "2030-04-15", visual.IssueDate: "2020-04-15", visual.PersonalNumber: "ZE184226B",
	}
	for name, c := range map[string]struct {
		without string
		typ     journey.DocumentType
		layout  mrz.Layout
		needs   []string
		code    journey.CodeKey // zero: nothing is missing
	}{
		"nothing":                                  {typ: journey.DriversLicense},
		"the name":                                 {without: visual.LastName, typ: journey.Passport, code: journey.Step1RetryMissingName},
		"the number":                               {without: visual.Number, typ: journey.Passport, code: journey.Step1RetryMissingDocumentNumber},
		"the date of birth":                        {without: visual.BirthDate, typ: journey.GovernmentID, code: journey.Step1RetryMissingBirthDate},
		"the expiry":                               {without: visual.ExpireDate, typ: journey.GovernmentID, code: journey.Step1RetryMissingExpiryDate},
		"the expiry of a card that has none":       {without: visual.ExpireDate, typ: journey.GovernmentID, layout: mrz.FRID},
		"the date of issue of a licence":           {without: visual.IssueDate, typ: journey.DriversLicense, code: journey.Step1RetryMissingIssueDate},
		"the date of issue of a passport":          {without: visual.IssueDate, typ: journey.Passport},
		"a personal number that is asked for":      {without: visual.PersonalNumber, needs: []string{visual.PersonalNumber}, code: journey.Step1RetryMissingPersonalNumber},
		"a personal number that nobody asked for":  {without: visual.PersonalNumber, typ: journey.Passport},
		"a date of issue that the project demands": {without: visual.IssueDate, typ: journey.Passport, needs: []string{visual.IssueDate}, code: journey.Step1RetryMissingIssueDate},
	} {
		t.Run(name, func(t *testing.T) {
			for _, where := range []string{"print", "barcode", "the other side"} {
				print, bar := []visual.Field{}, map[string]string{}
				for item, value := range all {
					if item == c.without {
						continue
					}
					if where == "barcode" {
						bar[item] = value
					} else {
						print = append(print, printed(item, value, 60))
					}
				}
				x := check.Cross{First: check.Side{Visual: print, Barcode: bar, Looked: true}, Type: c.typ, Layout: c.layout, Needs: c.needs, Today: crossDay, Clock: journey.ClockTrusted}
				if where == "the other side" {
					x.First, x.Second = check.Side{Looked: true}, &x.First
					x.Second = &check.Side{Visual: print, Looked: true}
				}
				v := verdictOf(t, x.Check(), journey.EventIDRecognition)
				assert.Equal(t, c.code, v.Code, where)
				if c.code == (journey.CodeKey{}) {
					assert.Equal(t, journey.Pass, v.Result, where)
				} else {
					assert.Equal(t, journey.ImpactRetake, v.Impact)
				}
			}
		})
	}
}

func TestWhatTheZoneTellsIsNotMissingInPrint(t *testing.T) {
	x := check.Cross{First: check.Side{Zone: crossZone(t, mrz.TD3), Trusted: true, Looked: true}, Type: journey.Passport, Layout: mrz.TD3}
	assert.Equal(t, journey.Pass, verdictOf(t, x.Check(), journey.EventIDRecognition).Result)
}

func TestPrintThatWasNeverLookedAtIsNotMissing(t *testing.T) {
	x := check.Cross{Type: journey.Passport}
	v := verdictOf(t, x.Check(), journey.EventIDRecognition)
	assert.Equal(t, journey.Skipped, v.Result)
	assert.Equal(t, "print-not-looked-at", v.Detail["why"])
}

func TestAnExpiryWithoutAZoneIsJudged(t *testing.T) {
	for name, c := range map[string]struct {
		side   check.Side
		result journey.Result // empty: no verdict
		code   journey.CodeKey
	}{
		"print that is over":           {check.Side{Visual: []visual.Field{printed(visual.ExpireDate, "2026-11-24", 95)}}, journey.Fail, journey.Step1RetryDocumentExpired},
		"print on its last day":        {check.Side{Visual: []visual.Field{printed(visual.ExpireDate, "2026-11-25", 95)}}, journey.Pass, journey.CodeKey{}},
		"print that was read badly":    {check.Side{Visual: []visual.Field{printed(visual.ExpireDate, "2020-11-25", 70)}}, "", journey.CodeKey{}},
		"a barcode that is over":       {check.Side{Barcode: map[string]string{visual.ExpireDate: "2020-01-01"}}, journey.Fail, journey.Step1RetryDocumentExpired},
		"a zone that tells by itself":  {check.Side{Zone: crossZone(t, mrz.TD1), Trusted: true, Visual: []visual.Field{printed(visual.ExpireDate, "2020-11-25", 99)}}, "", journey.CodeKey{}},
		"nothing that tells an expiry": {check.Side{Looked: true}, "", journey.CodeKey{}},
	} {
		t.Run(name, func(t *testing.T) {
			x := check.Cross{First: c.side, Type: journey.GovernmentID, Today: crossDay, Clock: journey.ClockTrusted}
			var got check.Verdict
			for _, v := range x.Check() {
				if v.Event == journey.EventExpiredIDCheck {
					got = v
				}
			}
			assert.Equal(t, c.result, got.Result)
			assert.Equal(t, c.code, got.Code)
		})
	}
}
