package capture

import (
	"context"
	"time"

	"vestibule/models"
	"vestibule/models/face"
	"vestibule/models/face/flash"
)

// Lights asks for the colour challenge: what is to be shown, and who tells that it is.
type Lights struct {
	Plan   flash.Plan
	Answer <-chan bool      // the person's: whether the screen may change its colours
	Shown  <-chan time.Time // the screen's: since when the first colour has been on it
}

// Lit is how the colour challenge went.
type Lit struct {
	Asked    bool
	Declined bool   // the person does not want it, or ended it
	Why      string // code, when it could not be held and nobody declined: no-answer, screen-silent, other-face
	Result   flash.Result
	Started  time.Time
	Ended    time.Time
}

// Codes of Lit.Why.
const (
	WhyNoAnswer     = "no-answer"
	WhyScreenSilent = "screen-silent"
)

// Limits of the colour challenge.
const (
	answerLimit = 30 * time.Second
	shownLimit  = 3 * time.Second
	tailAfter   = 400 * time.Millisecond // a camera's pictures are behind the screen by so much at most
)

// lights asks whether the screen may flash, has it flash, and measures the face meanwhile. Whether
// somebody else is before the camera now is told from the selfie's face.
func (e *eye) lights(ctx context.Context, want Lights, p *Portrait) error {
	l := &p.Lit
	l.Asked, l.Started = true, e.Options.Now()
	defer func() {
		l.Ended = e.Options.Now()
		e.Tell(LightsOver{At: l.Ended})
	}()
	e.Tell(LightsAsked{At: l.Started})
	yes, err := e.answered(ctx, want.Answer)
	if err != nil || yes == nil {
		l.Why = WhyNoAnswer
		return err
	}
	if l.Declined = !*yes; l.Declined {
		return nil
	}
	l.Started = e.Options.Now()
	e.Tell(LightsOn{Plan: want.Plan, At: l.Started})
	var from time.Time
	silent := time.NewTimer(shownLimit)
	defer silent.Stop()
	select {
	case from = <-want.Shown:
	case <-silent.C:
		l.Why = WhyScreenSilent
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	var samples []flash.Sample
	self, strange := p.Faces[p.Best].Template, 0
	for end := e.Options.Now().Add(want.Plan.Length() + tailAfter); e.Options.Now().Before(end); {
		select {
		case yes := <-want.Answer: // touched while it ran: it is too much for them
			l.Declined = !yes
			if l.Declined {
				return nil
			}
		default:
		}
		m, f, ok, err := e.face(ctx)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		live := Live{Present: f.Found}
		if f.Found {
			live.Face = &f.Box
		}
		e.Tell(live)
		// What another face reflects says nothing about this one, and a turned one could be anybody's.
		switch seen := f.Faces == 1 && face.Frontal(f) && f.Sharpness >= face.MinSharpness; {
		case seen && face.Cosine(self, f.Template) >= face.Match:
			strange = 0
			samples = append(samples, flash.Sample{At: m.At.Sub(from), Light: f.Light})
		case seen:
			strange++
		}
		if strange >= strangers {
			l.Why = otherFace
			return nil
		}
	}
	l.Result = flash.Check(want.Plan, samples)
	return nil
}

// strangers is in how many frames one after the other another face must be seen. The colours
// change how a face looks, so one frame says nothing.
const strangers = 3

// answered waits for the person's word, with the live picture going on; nil: none came.
func (e *eye) answered(ctx context.Context, answer <-chan bool) (*bool, error) {
	tick := time.NewTicker(time.Second / time.Duration(e.Options.LookFPS))
	defer tick.Stop()
	for end := e.Options.Now().Add(answerLimit); e.Options.Now().Before(end); {
		select {
		case yes := <-answer:
			return &yes, nil
		default:
		}
		g, ok, err := e.glance(ctx, models.AimFace)
		if err != nil {
			return nil, err
		}
		if ok {
			e.Tell(Live{Face: g.glance.Face, Present: g.glance.Face != nil, Progress: 1})
		}
		select {
		case yes := <-answer:
			return &yes, nil
		case <-tick.C:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	return nil, nil
}
