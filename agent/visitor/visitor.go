// Package visitor is a scripted person in front of a kiosk without a screen: it
// touches what a person would touch and observes what a screen would have shown.
// Tests, benchmarks and replays drive an agent with it.
//
// What may live here: what people and screens do. What may not: anything that
// looks behind agent.Kiosk.
package visitor

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"vestibule/agent"
	"vestibule/journey"
	"vestibule/models"
)

// Person says how somebody behaves. The zero value goes through everything
// willingly, in English, and leaves once the result is shown.
type Person struct {
	Language string                                      // default en
	Refuse   bool                                        // declines at the consent screen
	StopAt   agent.Step                                  // presses Stop there
	LeaveAt  agent.Step                                  // walks away there and touches nothing more
	ByHand   bool                                        // uses the hand shutter as soon as it is offered
	NoLights bool                                        // does not want the screen to flash
	Retakes  int                                         // throws the reading away so many times
	Correct  func(journey.PersonData) journey.PersonData // changes what was read
	Resume   bool                                        // takes up the visit on the screen, if there is one
	Think    time.Duration                               // before every touch
	Wait     time.Duration                               // at the result, for the centre's decision
	Now      func() time.Time                            // default time.Now
}

// Report is what the person could tell afterwards.
type Report struct {
	Session  string
	Steps    []Stay
	Outcome  *agent.Outcome // nil: no result was shown
	Problem  *agent.Problem // nil: no error was shown
	Retakes  []journey.CodeKey
	Started  time.Time
	Ended    time.Time // the screen was empty again
	Decided  time.Time // the centre's word was shown; zero: not while the person waited
	Hints    []models.HintCode
	Observed int // events of the screen
}

// Stay is how long a step was on the screen.
type Stay struct {
	Step    agent.Step
	Entered time.Time
	Left    time.Time
}

// Took is the time from Entered to Left.
func (s Stay) Took() time.Duration { return s.Left.Sub(s.Entered) }

// ErrClosed is returned when the kiosk takes no visits.
var ErrClosed = errors.New("the kiosk is closed")

// Visit goes through one visit, from the first touch until the screen is empty again.
func Visit(ctx context.Context, k agent.Kiosk, p Person) (Report, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if p.Language == "" {
		p.Language = "en"
	}
	if p.Now == nil {
		p.Now = time.Now
	}
	v := &visit{k: k, p: p}
	for s := range k.Watch(ctx) {
		done, err := v.see(ctx, s)
		if done || err != nil {
			v.report.Ended = p.Now()
			return v.report, err
		}
	}
	return v.report, ctx.Err()
}

type visit struct {
	k      agent.Kiosk
	p      Person
	prev   agent.State
	acted  string // what was done last, so that nothing is done twice
	away   bool
	report Report
	began  bool
	timer  *time.Timer
}

// see takes one state: what the screen would note goes first, then a touch.
func (v *visit) see(ctx context.Context, s agent.State) (bool, error) {
	now := v.p.Now()
	if !v.began {
		if v.p.Resume && !(s.Step == agent.StepClosed && s.Problem != nil && s.Problem.Code == agent.ProblemStarting) {
			if v.began = true; s.Session == "" {
				return true, nil // nothing to take up
			}
			v.report.Started = now
			return v.see(ctx, s)
		}
		switch s.Step {
		case agent.StepClosed:
			if s.Problem != nil && s.Problem.Code == agent.ProblemStarting {
				return false, nil
			}
			v.report.Problem = s.Problem
			return true, ErrClosed
		case agent.StepAttract:
			v.report.Started = now
			v.began = true
			return false, v.begin(ctx)
		}
		return false, nil // somebody else's visit ends first
	}
	if s.Session == "" {
		if v.report.Session == "" {
			return false, nil // not yet taken
		}
		v.stay(s, now)
		return true, nil
	}
	if v.report.Session == "" {
		v.report.Session = s.Session
	}
	v.stay(s, now)
	if s.Hint != models.HintNone && s.Hint != v.prev.Hint {
		v.report.Hints = append(v.report.Hints, s.Hint)
	}
	for _, n := range Notes(v.prev, s, v.p.Language) {
		if err := v.observe(ctx, n); err != nil {
			return false, err
		}
	}
	again := !s.Retake.IsZero() && (s.Attempt != v.prev.Attempt || s.Retake != v.prev.Retake)
	if again {
		v.report.Retakes = append(v.report.Retakes, s.Retake)
	}
	v.prev = s
	return false, v.act(ctx, s)
}

func (v *visit) stay(s agent.State, now time.Time) {
	n := len(v.report.Steps)
	if n > 0 && v.report.Steps[n-1].Step == s.Step && s.Session != "" {
		return
	}
	if n > 0 {
		v.report.Steps[n-1].Left = now
	}
	if s.Session != "" {
		v.report.Steps = append(v.report.Steps, Stay{Step: s.Step, Entered: now, Left: now})
	}
}

func (v *visit) begin(ctx context.Context) error {
	if err := v.do(ctx, agent.Start{}); err != nil {
		return err
	}
	for _, name := range []journey.EventName{
		journey.EventFrontSessionStart, journey.EventCreateFlow, journey.EventGetProject,
	} {
		if err := v.observe(ctx, Note{Name: name, Path: "/"}); err != nil {
			return err
		}
	}
	return nil
}

// act does what a person does at this state, once.
func (v *visit) act(ctx context.Context, s agent.State) error {
	if v.away || s.Step == v.p.LeaveAt && s.Step != "" {
		v.away = true
		return nil
	}
	mark := string(s.Step) + strconv.Itoa(s.Attempt) + strconv.FormatBool(s.Asking) + strconv.Itoa(v.p.Retakes)
	if s.Step == v.p.StopAt && s.Step != "" {
		return v.once(ctx, mark, agent.Stop{})
	}
	if s.Asking {
		return v.once(ctx, mark, agent.StillHere{})
	}
	switch s.Step {
	case agent.StepLanguage:
		return v.once(ctx, mark, agent.ChooseLanguage{Language: v.p.Language})
	case agent.StepConsent:
		return v.once(ctx, mark, agent.Consent{Given: !v.p.Refuse})
	case agent.StepDocument, agent.StepSelfie:
		if l := s.Lights; l != nil && l.Asking {
			return v.once(ctx, mark+"lights", agent.AnswerLights{Yes: !v.p.NoLights})
		} else if l != nil {
			return v.once(ctx, mark+"shown", agent.LightsShown{At: time.Now()})
		}
		if v.p.ByHand && s.ByHand {
			return v.once(ctx, mark+"hand", agent.TakeNow{})
		}
	case agent.StepReview:
		if s.Review == nil {
			return nil
		}
		if v.p.Retakes > 0 {
			if err := v.once(ctx, mark, agent.Retake{}); err != nil {
				return err
			}
			v.p.Retakes--
			return nil
		}
		person := *s.Review
		if v.p.Correct != nil {
			person = v.p.Correct(person)
		}
		if err := v.once(ctx, mark, agent.Confirm{Person: person}); err != nil {
			return err
		}
		return v.observe(ctx, Note{Name: journey.EventSubmitStep1, Path: s.Path})
	case agent.StepResult:
		return v.result(ctx, mark, s)
	case agent.StepError:
		v.report.Problem = s.Problem
		return v.once(ctx, mark, agent.Done{})
	}
	return nil
}

func (v *visit) result(ctx context.Context, mark string, s agent.State) error {
	v.report.Outcome = s.Outcome
	if s.Outcome != nil && s.Outcome.Decided && v.report.Decided.IsZero() {
		v.report.Decided = v.p.Now()
	}
	if v.p.Wait <= 0 || s.Outcome != nil && s.Outcome.Decided {
		return v.once(ctx, mark+"done", agent.Done{})
	}
	if v.timer == nil { // the state may not change any more: leave by the clock
		v.timer = time.AfterFunc(v.p.Wait, func() { _ = v.k.Do(ctx, agent.Done{}) })
	}
	return nil
}

func (v *visit) once(ctx context.Context, mark string, c agent.Command) error {
	if v.acted == mark {
		return nil
	}
	v.acted = mark
	return v.do(ctx, c)
}

func (v *visit) do(ctx context.Context, c agent.Command) error {
	if v.p.Think > 0 {
		t := time.NewTimer(v.p.Think)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	err := v.k.Do(ctx, c)
	if errors.Is(err, agent.ErrNotNow) {
		return nil // the visit went on meanwhile: the next state tells where
	}
	if err != nil {
		return fmt.Errorf("%T: %w", c, err)
	}
	return nil
}

func (v *visit) observe(ctx context.Context, n Note) error {
	err := v.k.Observe(ctx, n.Name, n.Path, n.Detail)
	if errors.Is(err, agent.ErrNotNow) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("observe %s: %w", n.Name, err)
	}
	v.report.Observed++
	return nil
}
