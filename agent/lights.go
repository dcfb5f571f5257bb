package agent

import (
	"time"

	"vestibule/agent/capture"
	"vestibule/models/face/flash"
)

// lights carries what person and screen say about the colour challenge to the capture that waits for it.
type lights struct {
	answer chan bool
	shown  chan time.Time
}

// drawLights draws the colours for a selfie. Colours that somebody could foresee prove nothing: without the
// system's randomness there are none, and the check says that it did not run.
func (o *owner) drawLights() (*lights, *capture.Lights) {
	var failed error
	plan := flash.Draw(func(n int) int {
		k, err := o.intn(n)
		if err != nil {
			failed = err
		}
		return k
	})
	if failed != nil {
		o.cfg.Log.Error("agent: no colours are shown", "error", failed)
		return nil, nil
	}
	l := &lights{answer: make(chan bool, 1), shown: make(chan time.Time, 1)}
	return l, &capture.Lights{Plan: plan, Answer: l.answer, Shown: l.shown}
}

// answerLights passes the person's word on. Only while they are asked, or the colours are on.
func (o *owner) answerLights(yes bool) error {
	v := o.v
	if v.Step != StepSelfie || v.lights == nil || v.live.Lights == nil || yes && !v.live.Lights.Asking {
		return ErrNotNow
	}
	select {
	case v.lights.answer <- yes:
		return nil
	default:
		return ErrNotNow // it was said already
	}
}

// lightsShown passes the screen's word on: since when the first colour has been there, on the machine's own clock,
// which the camera's frames carry as well. What lies in the future, or long ago, is no such time.
func (o *owner) lightsShown(at time.Time) error {
	v := o.v
	ago := time.Since(at)
	if v.Step != StepSelfie || v.lights == nil || v.live.Lights == nil || v.live.Lights.Asking || ago < 0 || ago > shownWithin {
		return ErrNotNow
	}
	select {
	case v.lights.shown <- at:
		return nil
	default:
		return ErrNotNow
	}
}

// shownWithin bounds how late the screen may tell.
const shownWithin = 3 * time.Second
