package policy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"vestibule/journey"
	"vestibule/server/decide"
	"vestibule/server/rule"
)

// Bounds of a file of cases.
const (
	MaxCases     = 4 << 20 // bytes
	maxCaseCount = 10_000
)

// Case is a visit, and what a policy is expected to make of it. Each part is laid over a visit with which
// nothing is wrong (Sound), so that a case names only what matters.
type Case struct {
	Name       string              `json:"name"`
	Now        time.Time           `json:"now,omitzero"`         // when it is decided; leave out for Sound's day
	Submission json.RawMessage     `json:"submission,omitempty"` // journey.Submission
	Recheck    json.RawMessage     `json:"recheck,omitempty"`    // decide.Recheck; null: the evidence was not read again
	Lookups    json.RawMessage     `json:"lookups,omitempty"`    // decide.Lookups
	Failed     []journey.EventName `json:"failed,omitempty"`     // checks of the kiosk that failed
	Expect     Expect              `json:"expect"`
}

// Expect is what must come out. Of reason and rule the empty ones are not compared; rules are, if given.
type Expect struct {
	Decision journey.Decision `json:"decision"`
	Reason   journey.Reason   `json:"reason,omitempty"`
	Rule     string           `json:"rule,omitempty"`  // the setting that decides, such as minAge or rules.NAME
	Rules    *[]string        `json:"rules,omitempty"` // names of the policy's own rules that fire, in any order
}

// Ran is what a case came to.
type Ran struct {
	Name   string
	Wrong  []string // empty: as expected
	Fired  []string
	Answer decide.Outcome
}

// Cases reads a file of cases: a JSON list.
func Cases(text []byte) ([]Case, error) {
	if len(text) > MaxCases {
		return nil, fmt.Errorf("longer than %d bytes", MaxCases)
	}
	var list []json.RawMessage
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("not a list of cases: %w", err)
	}
	if len(list) == 0 || len(list) > maxCaseCount {
		return nil, fmt.Errorf("holds %d cases, and may hold 1 to %d", len(list), maxCaseCount)
	}
	out := make([]Case, len(list))
	for i, one := range list {
		if err := strict(one, &out[i]); err != nil {
			return nil, fmt.Errorf("/%d: %w", i, err)
		}
		switch out[i].Expect.Decision {
		case journey.Approved, journey.Rejected, journey.Pending:
		default:
			return nil, fmt.Errorf("/%d/expect/decision: must be one of APPROVED, REJECTED, PENDING", i)
		}
		if _, _, err := out[i].input(); err != nil {
			return nil, fmt.Errorf("/%d/%w", i, err)
		}
	}
	return out, nil
}

// strict decodes one value and refuses fields that it does not know.
func strict(text []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows")
	}
	return nil
}

// Sound is a visit with which nothing is wrong under the default policy, decided on 22 November 2026: the
// specimen of ICAO Doc 9303 part 4 with a later expiry, read twice alike, screened and found nowhere.
func Sound() (decide.Evidence, decide.Lookups) {
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	e := decide.Evidence{
		Submission: journey.Submission{
			ID: "case", Session: "case", Kiosk: "hall-1", Project: "default", Revision: 1, State: journey.SubmissionComplete,
			Created: now, Updated: now, StartPressed: now.Add(-time.Minute), SiteCountry: "UTO", Language: "en",
			Document: journey.DocumentData{
				Type: journey.Passport, Layout: "TD3", IssuingCountry: "UTO", Number: "L898902C3", ExpiryDate: "2031-04-15",
				Person: journey.PersonData{FamilyName: "ERIKSSON", GivenNames: "ANNA MARIA", Birth: "1974-08-12", Gender: "female", Nationality: "UTO"},
			},
			Recognition: 95, Similarity: 96,
			Liveness:   journey.LivenessData{Score: 95, Passive: 95, Active: 95, ActiveRan: true, Quality: 80, Frames: 5, Signals: []journey.LivenessSignal{{Name: "flash", Ran: true, Score: 90}}},
			IDLiveness: &journey.IDLiveness{ScreenReplay: 90, PaperPrinted: 90, ReplacePortrait: 90},
		},
		Kiosk: map[journey.EventName]journey.Event{},
		Recheck: &decide.Recheck{
			Opened: true, Document: &decide.DocumentSaid{Read: true, Agreed: true, Centre: 95, KioskSay: 95},
			Similarity: &decide.Said{Kiosk: 96, Centre: 95}, Live: &decide.Said{Kiosk: 95, Centre: 90},
		},
	}
	l := decide.Lookups{
		Now: now, Rank: "2031-04-15", PIIEvaluated: true, FaceEvaluated: true, Applicant: "case",
		Screening: &decide.Screening{Lists: "case", Entities: 1}, Device: decide.Device{Enrolled: true},
	}
	return e, l
}

// input lays a case over the sound visit.
func (c Case) input() (decide.Evidence, decide.Lookups, error) {
	e, l := Sound()
	for _, part := range []struct {
		name string
		text json.RawMessage
		into any
	}{{"submission", c.Submission, &e.Submission}, {"recheck", c.Recheck, &e.Recheck}, {"lookups", c.Lookups, &l}} {
		if len(part.text) == 0 {
			continue
		}
		if err := strict(part.text, part.into); err != nil {
			return e, l, fmt.Errorf("%s: %w", part.name, err)
		}
	}
	if l.Rules != nil {
		return e, l, errors.New("lookups: what rules come to is found out, not given")
	}
	if !c.Now.IsZero() {
		l.Now = c.Now
	}
	for i, name := range c.Failed {
		if _, ok := journey.Lookup(name); !ok {
			return e, l, fmt.Errorf("failed/%d: no event is called so", i)
		}
		e.Kiosk[name] = journey.Event{ID: "failed", Name: name, Result: journey.Fail}
	}
	return e, l, nil
}

// Try runs a case under a policy.
func Try(ctx context.Context, engine *rule.Engine, p journey.Policy, c Case) (Ran, error) {
	ran := Ran{Name: c.Name, Fired: []string{}}
	e, l, err := c.input()
	if err != nil {
		return ran, err
	}
	if e.Submission.State == journey.SubmissionComplete {
		set, _ := engine.Compile(p.Rules)
		l.Rules = set.Judge(ctx, rule.Of(e, p, l))
	}
	ran.Answer = decide.Decide(e, p, l)
	for _, f := range ran.Answer.Fired {
		if name, ok := strings.CutPrefix(f.Check, decide.CheckRule); ok {
			ran.Fired = append(ran.Fired, name)
		}
	}
	wrong := func(what string, want, got any) {
		ran.Wrong = append(ran.Wrong, fmt.Sprintf("%s is %v, expected %v", what, got, want))
	}
	if c.Expect.Decision != ran.Answer.Decision {
		wrong("decision", c.Expect.Decision, ran.Answer.Decision)
	}
	if c.Expect.Reason != "" && c.Expect.Reason != ran.Answer.Reason {
		wrong("reason", c.Expect.Reason, or(ran.Answer.Reason))
	}
	if c.Expect.Rule != "" && c.Expect.Rule != ran.Answer.Rule {
		wrong("rule", c.Expect.Rule, or(ran.Answer.Rule))
	}
	if c.Expect.Rules != nil {
		want, got := slices.Clone(*c.Expect.Rules), slices.Clone(ran.Fired)
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(want, got) {
			wrong("rules", want, got)
		}
	}
	return ran, nil
}

func or[T ~string](s T) string {
	if s == "" {
		return "none"
	}
	return string(s)
}
