package journey_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/journey"
)

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

// sample is a well-formed event of the catalogue.
func sample(name journey.EventName) journey.Event {
	entry, _ := journey.Lookup(name)
	e := journey.Event{
		ID: "0198-1", Session: "0198-s", Submission: "0198-u", Kiosk: "kiosk-1", Seq: 1,
		Name: name, Source: entry.Source, Origin: journey.OriginAgent, Result: journey.Pass,
		Impact: journey.ImpactNone, Started: noon, Ended: noon.Add(time.Second),
	}
	if len(entry.Emitters) > 0 {
		e.Origin = entry.Emitters[0]
	}
	if e.IsDecision() {
		e.Impact = entry.Impact
		switch name {
		case journey.EventRejected:
			e.Result, e.Reason = journey.Fail, journey.ReasonDuplicateUser
		case journey.EventPending:
			e.Result, e.Reason = journey.Observed, journey.ReasonCustomPolicy
		}
	}
	return e
}

func TestEveryCataloguedEventFromItsEmittersIsValid(t *testing.T) {
	for _, entry := range append(journey.Catalogue(), journey.Additions()...) {
		for _, origin := range entry.Emitters {
			e := sample(entry.Name)
			e.Origin = origin
			assert.NoError(t, e.Validate(), "%s from %s", entry.Name, origin)
		}
	}
}

func TestAFailureWithTheCataloguesImpactIsValidFromItsEmitters(t *testing.T) {
	for _, entry := range journey.Catalogue() {
		for _, origin := range entry.Emitters {
			e := sample(entry.Name)
			if e.IsDecision() {
				continue
			}
			e.Origin, e.Result, e.Impact = origin, journey.Fail, entry.Impact
			e.Provisional = origin != journey.OriginServer
			assert.NoError(t, e.Validate(), "%s from %s", entry.Name, origin)
		}
	}
}

func TestAKioskCannotSpeakForTheCentre(t *testing.T) {
	for _, entry := range append(journey.Catalogue(), journey.Additions()...) {
		if !entry.ServerOnly() {
			continue
		}
		for _, origin := range []journey.Origin{journey.OriginAgent, journey.OriginKioskUI} {
			e := sample(entry.Name)
			e.Origin = origin
			assert.ErrorIs(t, e.Validate(), journey.ErrInvalidEvent, "%s from %s", entry.Name, origin)
		}
	}
}

func TestTheCentreCannotClaimWhatAScreenSaw(t *testing.T) {
	for _, entry := range append(journey.Catalogue(), journey.Additions()...) {
		e := sample(entry.Name)
		e.Origin = journey.OriginServer
		if entry.EmittedBy(journey.OriginServer) {
			continue
		}
		if entry.Source == journey.FE || strings.HasPrefix(string(entry.Name), journey.KioskPrefix) {
			assert.ErrorIs(t, e.Validate(), journey.ErrInvalidEvent, entry.Name)
		} else {
			assert.NoError(t, e.Validate(), "the centre may run %s again", entry.Name)
		}
	}
}

func TestValidateNamesTheFieldAndNeverItsContent(t *testing.T) {
	const secret = "MUSTERMANN"
	for name, c := range map[string]struct {
		base   journey.EventName
		change func(*journey.Event)
		says   string
	}{
		"an id is needed":                      {journey.EventFaceCompare, func(e *journey.Event) { e.ID = "" }, "id is missing"},
		"an id has a shape":                    {journey.EventFaceCompare, func(e *journey.Event) { e.ID = secret + " 1" }, "id is not"},
		"an id has a length":                   {journey.EventFaceCompare, func(e *journey.Event) { e.ID = strings.Repeat("a", 65) }, "id is not"},
		"a kiosk is needed":                    {journey.EventFaceCompare, func(e *journey.Event) { e.Kiosk = "" }, "kiosk is missing"},
		"a session has a shape":                {journey.EventFaceCompare, func(e *journey.Event) { e.Session = "a\x00b" }, "session is not"},
		"a step belongs to a session":          {journey.EventFaceCompare, func(e *journey.Event) { e.Session = "" }, "belongs to a session"},
		"a sequence counts from one":           {journey.EventFaceCompare, func(e *journey.Event) { e.Seq = 0 }, "seq"},
		"a name is known":                      {journey.EventFaceCompare, func(e *journey.Event) { e.Name = "SOMETHING" }, "name is unknown"},
		"a name has a shape":                   {journey.EventFaceCompare, func(e *journey.Event) { e.Name = "KIOSK_ " + secret }, "name is unknown"},
		"a kiosk's word is not the centre's":   {journey.EventFaceCompare, func(e *journey.Event) { e.Name = "CENTRE_NEW" }, "name is unknown"},
		"a source is the catalogue's":          {journey.EventFaceCompare, func(e *journey.Event) { e.Source = journey.FE }, "of source BE"},
		"a source is FE or BE":                 {journey.EventFaceCompare, func(e *journey.Event) { e.Source = secret }, "source"},
		"an origin is known":                   {journey.EventFaceCompare, func(e *journey.Event) { e.Origin = secret }, "origin"},
		"a result is known":                    {journey.EventFaceCompare, func(e *journey.Event) { e.Result = secret }, "result"},
		"an impact is known":                   {journey.EventFaceCompare, func(e *journey.Event) { e.Impact = secret }, "impact"},
		"a passed check hinders nobody":        {journey.EventFaceCompare, func(e *journey.Event) { e.Impact = journey.ImpactRetake }, "did not fail"},
		"a kiosk approves nothing":             {journey.EventFaceCompare, func(e *journey.Event) { e.Impact = journey.ImpactApproved }, "approves nothing"},
		"a kiosk rejects provisionally":        {journey.EventFaceCompare, func(e *journey.Event) { e.Result, e.Impact = journey.Fail, journey.ImpactRejected }, "provisionally"},
		"a decision needs a submission":        {journey.EventRejected, func(e *journey.Event) { e.Submission = "" }, "without a submission"},
		"a decision is final":                  {journey.EventRejected, func(e *journey.Event) { e.Provisional = true }, "final"},
		"a rejection needs a reason":           {journey.EventRejected, func(e *journey.Event) { e.Reason = "" }, "reason"},
		"a rejection's reason is not a hold's": {journey.EventRejected, func(e *journey.Event) { e.Reason = journey.ReasonCountryMismatch }, "reason"},
		"an approval has no reason":            {journey.EventApproved, func(e *journey.Event) { e.Reason = journey.ReasonCustomPolicy }, "no reason"},
		"a decision has its impact":            {journey.EventApproved, func(e *journey.Event) { e.Impact = journey.ImpactNone }, "impact"},
		"a reason has a shape":                 {journey.EventFaceCompare, func(e *journey.Event) { e.Reason = "not a reason" }, "reason"},
		"an end follows its start":             {journey.EventFaceCompare, func(e *journey.Event) { e.Ended = e.Started.Add(-1) }, "ended before"},
		"a time is needed":                     {journey.EventFaceCompare, func(e *journey.Event) { e.Started = time.Time{} }, "times"},
		"a time can be written down":           {journey.EventFaceCompare, func(e *journey.Event) { e.Ended = noon.AddDate(9000, 0, 0) }, "times"},
		"a clock's confidence is known":        {journey.EventFaceCompare, func(e *journey.Event) { e.Clock = secret }, "clock"},
		"an attempt is counted":                {journey.EventFaceCompare, func(e *journey.Event) { e.Attempt = -1 }, "attempt"},
		"a path starts at the root":            {journey.EventFaceCompare, func(e *journey.Event) { e.Path = secret }, "path"},
		"a path has a length":                  {journey.EventFaceCompare, func(e *journey.Event) { e.Path = "/" + strings.Repeat("a", 128) }, "path"},
		"a code's step is known":               {journey.EventFaceCompare, func(e *journey.Event) { e.Code = journey.CodeKey{Step: secret, Kind: journey.Retry, Code: "x"} }, "step"},
		"a code's kind is known":               {journey.EventFaceCompare, func(e *journey.Event) { e.Code = journey.CodeKey{Step: journey.Step1, Kind: secret, Code: "x"} }, "kind"},
		"a code is an identifier":              {journey.EventFaceCompare, func(e *journey.Event) { e.Code = journey.CodeKey{Step: journey.Step1, Kind: journey.Retry} }, "code is not"},
		"causes are few":                       {journey.EventFaceCompare, func(e *journey.Event) { e.Causes = make([]string, 65) }, "causes"},
		"a cause is an id":                     {journey.EventFaceCompare, func(e *journey.Event) { e.Causes = []string{""} }, "cause"},
		"nothing causes itself":                {journey.EventFaceCompare, func(e *journey.Event) { e.Causes = []string{e.ID} }, "cause itself"},
		"a detail's value is short":            {journey.EventFaceCompare, func(e *journey.Event) { e.Detail = map[string]string{"k": strings.Repeat("a", 513)} }, "detail"},
		"a detail's value is text":             {journey.EventFaceCompare, func(e *journey.Event) { e.Detail = map[string]string{"k": secret + "\xff"} }, "detail"},
		"a detail has a key":                   {journey.EventFaceCompare, func(e *journey.Event) { e.Detail = map[string]string{"": "v"} }, "detail"},
		"a detail is small":                    {journey.EventFaceCompare, func(e *journey.Event) { e.Detail = many(17, 500) }, "larger"},
		"a detail has few entries":             {journey.EventFaceCompare, func(e *journey.Event) { e.Detail = many(33, 1) }, "entries"},
		"models are few":                       {journey.EventFaceCompare, func(e *journey.Event) { e.Models = many(33, 1) }, "models"},
		"a model's version is text":            {journey.EventFaceCompare, func(e *journey.Event) { e.Models = map[string]string{"m": "\n"} }, "model"},
		"a policy has a shape":                 {journey.EventFaceCompare, func(e *journey.Event) { e.Policy = "1 2" }, "policy"},
		"a submission has a shape":             {journey.EventFaceCompare, func(e *journey.Event) { e.Submission = secret + "!" }, "submission is not"},
		"an approval is not a kiosk's, misspelt": {journey.EventApproved, func(e *journey.Event) {
			e.Name = "KIOSK_APPROVED"
			e.Impact = journey.ImpactApproved
			e.Origin = journey.OriginAgent
		}, "approves nothing"},
		"a kiosk's unknown word is not a server's": {journey.EventFaceCompare, func(e *journey.Event) { e.Name = "KIOSK_NEW"; e.Origin = journey.OriginServer }, "name is unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			e := sample(c.base)
			require.NoError(t, e.Validate())
			c.change(&e)
			err := e.Validate()
			require.ErrorIs(t, err, journey.ErrInvalidEvent)
			assert.ErrorContains(t, err, c.says)
			assert.NotContains(t, err.Error(), secret)
		})
	}
}

func TestANewerKiosksOwnWordIsKept(t *testing.T) {
	e := sample(journey.KioskSelfTest)
	e.Name, e.Source = "KIOSK_SOMETHING_LATER", journey.FE
	assert.NoError(t, e.Validate())
}

func many(n, size int) map[string]string {
	m := make(map[string]string)
	for i := range n {
		m[fmt.Sprint("k", i)] = strings.Repeat("v", size)
	}
	return m
}

// FuzzEvent holds that whatever arrives is refused or safe to keep: it can be
// written down and read back, and a journey of such events can be explained.
func FuzzEvent(f *testing.F) {
	for _, name := range []journey.EventName{journey.EventFaceCompare, journey.EventRejected, journey.KioskVisitStopped, journey.EventFinalPageView} {
		b, err := json.Marshal(sample(name))
		require.NoError(f, err)
		f.Add(b)
	}
	f.Add([]byte(`{"id":"a","kiosk":"k","seq":1,"event":"FACE_COMPARE","causes":["b","b"],"detail":{"\u0000":"x"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var e journey.Event
		if json.Unmarshal(data, &e) != nil {
			return
		}
		again := e
		again.ID, again.Seq, again.Causes = "again", e.Seq+1, []string{e.ID, "again"}
		x := journey.Explain([]journey.Event{e, again})
		if x.Sentence == "" {
			t.Error("no sentence")
		}
		err := e.Validate()
		if err != nil {
			return
		}
		b, err := json.Marshal(e)
		if err != nil {
			t.Fatalf("a valid event cannot be written: %v", err)
		}
		var back journey.Event
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatalf("a valid event cannot be read back: %v", err)
		}
		if err := back.Validate(); err != nil {
			t.Fatalf("valid before, but after: %v", err)
		}
		if len(b) > 128<<10 {
			t.Fatalf("a valid event takes %d bytes", len(b))
		}
		if e.IsDecision() && e.Origin != journey.OriginServer {
			t.Fatal("a kiosk decided")
		}
	})
}
