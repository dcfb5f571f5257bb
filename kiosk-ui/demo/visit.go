package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"vestibule/journey"
	"vestibule/kiosk-ui/child"
)

// visit is one person's way through the kiosk, and how it has to end.
type visit struct {
	name     string // a, b, …
	title    string
	who      string
	seed     uint64
	blurred  bool // the first take of the document never comes into focus
	offline  bool // the line is cut before the first touch and mended after the receipt
	decision journey.Decision
	reason   journey.Reason
	retake   journey.CodeKey // a retry that has to have happened
}

func visits() []visit {
	return []visit{
		{name: "a", title: "approved", who: "mara", seed: 11, decision: journey.Approved},
		{name: "b", title: "comes again: duplicate", who: "mara", seed: 12, decision: journey.Rejected, reason: journey.ReasonDuplicateUser},
		{name: "c", title: "on a sanctions list: held", who: "dana", seed: 13, decision: journey.Pending, reason: journey.ReasonCustomPolicy},
		{name: "d", title: "offline, decided later", who: "ines", seed: 14, offline: true, decision: journey.Approved},
		{name: "e", title: "blurred, taken again, read", who: "sora", seed: 15, blurred: true, decision: journey.Approved, retake: journey.Step1RetryImageTooBlurry},
	}
}

// Limits of the demo's patience. A person would have left by then.
const (
	stepLimit   = 90 * time.Second
	decideLimit = 60 * time.Second
)

// outcome is what a visit showed.
type outcome struct {
	visit     visit
	session   string
	steps     map[string]time.Duration // screen → how long it was shown
	order     []string
	decideIn  time.Duration // last submit to the verdict on the kiosk, or from the line's mending
	journey   journeyAnswer
	answer    []byte // GET /submission
	provision bool   // the receipt was shown without a decision
	err       error
}

// receive lets one person through: the films are put before the cameras, the screen
// is touched as its words ask, and the centre is asked how it ended.
func (w *world) receive(ctx context.Context, v visit) outcome {
	o := outcome{visit: v, steps: map[string]time.Duration{}}
	o.err = w.play(ctx, v, &o)
	return o
}

func (w *world) play(ctx context.Context, v visit, o *outcome) error {
	if err := w.filmed(ctx, v); err != nil {
		return err
	}
	if err := w.stage(v); err != nil {
		return err
	}
	if v.offline {
		w.line.setCut(true)
		if err := child.WaitFor(ctx, stepLimit, func() (bool, error) { s, err := w.door.state(); return !s.Online, err }, "the kiosk did not notice that the line is cut"); err != nil {
			return err
		}
	}
	submitted, err := w.walk(ctx, v, o)
	if err != nil {
		return err
	}
	from := submitted
	if v.offline {
		o.provision = true
		w.line.setCut(false)
		from = time.Now()
	}
	if err := w.settle(ctx, v, o, from); err != nil {
		return err
	}
	return o.check()
}

// walk touches the screens from attract to the result, and tells when the last submit was.
func (w *world) walk(ctx context.Context, v visit, o *outcome) (submitted time.Time, err error) {
	step, since := "", time.Now()
	shown := func(next string) {
		if step != "" {
			o.steps[step] += time.Since(since)
		}
		if _, known := o.steps[next]; !known {
			o.order = append(o.order, next)
			o.steps[next] = 0
		}
		step, since = next, time.Now()
	}
	pictured := map[string]bool{}
	for {
		s, err := w.door.state()
		if err != nil {
			return submitted, err
		}
		if s.Session != "" {
			o.session = s.Session
		}
		if s.Step != step {
			if step == "selfie" || step == "checking" {
				submitted = time.Now()
			}
			shown(s.Step)
			w.say("  %s  %s", v.name, s.Step)
		}
		if !pictured[s.Step] && time.Since(since) > 700*time.Millisecond {
			pictured[s.Step] = true
			if err := w.picture(ctx, v.name+"-"+s.Step); err != nil {
				return submitted, fmt.Errorf("picture of %s: %w", s.Step, err)
			}
		}
		if tap, ok := touches[s.Step]; ok && time.Since(since) > time.Second {
			if err := w.door.tap(tap); err != nil {
				return submitted, fmt.Errorf("touch %q on %s: %w", tap, s.Step, err)
			}
			time.Sleep(300 * time.Millisecond)
		}
		switch {
		case s.Step == "result" && pictured["result"]:
			shown("")
			return submitted, nil
		case s.Step == "error" || s.Step == "closed":
			return submitted, fmt.Errorf("the kiosk shows the problem %q", s.Problem)
		case time.Since(since) > stepLimit:
			return submitted, fmt.Errorf("nothing happened for %s on screen %s (hint %q, attempt %d)", stepLimit, s.Step, s.Hint, s.Attempt)
		}
		select {
		case <-ctx.Done():
			return submitted, ctx.Err()
		case <-time.After(40 * time.Millisecond):
		}
	}
}

// touches says what a person touches on a screen that waits for them.
var touches = map[string]string{
	"attract":  "start",
	"language": "language-en",
	"consent":  "agree",
	"review":   "confirm",
}

// settle waits until the centre has decided and the kiosk has heard it.
func (w *world) settle(ctx context.Context, v visit, o *outcome, from time.Time) error {
	err := child.WaitFor(ctx, decideLimit, func() (bool, error) {
		s, err := w.door.state()
		if err != nil {
			return false, err
		}
		if s.Step == "result" && s.Decided {
			return true, nil
		}
		// The result screen may have cleared itself; then the centre's word is enough.
		a, err := w.centre.journey(o.session)
		if errors.Is(err, errNotYet) {
			return false, nil
		}
		return err == nil && a.Decision != "" && s.Step != "result", err
	}, "no decision arrived")
	if err != nil {
		return err
	}
	o.decideIn = time.Since(from)
	if err := w.picture(ctx, v.name+"-decided"); err != nil {
		return fmt.Errorf("picture of the decision: %w", err)
	}
	if s, err := w.door.state(); err == nil && s.Step == "result" {
		_ = w.door.tap("finish") // it may have cleared itself meanwhile
	}
	err = child.WaitFor(ctx, decideLimit, func() (bool, error) {
		s, err := w.door.state()
		return s.Step == "attract" && s.Waiting == 0, err
	}, "the kiosk did not come back to its first screen with everything delivered")
	if err != nil {
		return err
	}
	err = child.WaitFor(ctx, decideLimit, func() (bool, error) {
		var err error
		o.journey, err = w.centre.journey(o.session)
		if errors.Is(err, errNotYet) {
			return false, nil
		}
		return err == nil && o.journey.Decision != "" && o.journey.Status == "COMPLETED", err
	}, "the centre does not have the whole journey")
	if err != nil {
		return err
	}
	o.answer, err = w.centre.submission(o.journey.Submission)
	return err
}

// check compares with how the visit had to end.
func (o outcome) check() error {
	v := o.visit
	if o.journey.Decision != v.decision || o.journey.Reason != v.reason {
		return fmt.Errorf("ended as %s %s instead of %s %s: %s", o.journey.Decision, o.journey.Reason, v.decision, v.reason, o.journey.Explain.Sentence)
	}
	if v.offline && !o.journey.Offline {
		return errors.New("the centre does not know that the kiosk was offline")
	}
	if v.retake.IsZero() {
		return nil
	}
	for _, e := range o.journey.Journal {
		if e.Code == v.retake {
			return nil
		}
	}
	return fmt.Errorf("no event carries %s", v.retake)
}

// stage puts the visit's films before the cameras: two links that the kiosk's
// replay cameras follow anew at each Open.
func (w *world) stage(v visit) error {
	for _, role := range []string{"document", "face"} {
		link := filepath.Join(w.dir, "stage", role)
		next := link + ".next"
		_ = os.Remove(next) // left over from an interrupted run, if at all
		if err := os.Symlink(filepath.Join(w.films, v.name, role), next); err != nil {
			return err
		}
		if err := os.Rename(next, link); err != nil {
			return err
		}
	}
	return nil
}
