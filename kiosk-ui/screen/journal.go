package screen

import (
	"context"
	"errors"
	"maps"
	"time"

	"vestibule/agent"
	"vestibule/agent/visitor"
	"vestibule/journey"
	"vestibule/models"
)

// note is one thing the screen saw or did, for the journey's FE lane.
type note = visitor.Note

// journal tells what a change of state meant on the screen. It is pure: the same
// two states give the same notes. Details hold codes and identifiers only.
//
// A kiosk without a screen notes the same (visitor.Notes). Hints are left out
// here: a screen holds them back, and notes them when they are really shown.
func journal(prev, next agent.State, language string) []note {
	if next.Session == "" {
		return nil
	}
	var out []note
	for _, n := range visitor.Notes(prev, next, language) {
		if n.Name != journey.EventTipDialogShown {
			out = append(out, n)
		}
	}
	if prev.Session != next.Session {
		prev = agent.State{Online: true}
	}
	add := func(name journey.EventName, detail map[string]string) {
		out = append(out, note{Name: name, Path: next.Path, Detail: detail})
	}
	camera := next.Step == agent.StepDocument || next.Step == agent.StepSelfie
	if camera && !next.Retake.IsZero() && (prev.Retake != next.Retake || prev.Attempt != next.Attempt || prev.Step != next.Step) {
		detail := map[string]string{"code": next.Retake.String()}
		if next.RetakeVariant != "" {
			detail["variant"] = next.RetakeVariant
		}
		add(journey.EventTipDialogShown, detail)
	}
	if next.Step != agent.StepResult && !next.Online && prev.Online {
		add(journey.EventAlertShown, map[string]string{"text": "offline", "language": language})
	}
	return out
}

// job is one thing for the goroutine that talks to the agent.
type job func(ctx context.Context, k agent.Kiosk)

// Bounds of that goroutine.
const (
	maxJobs  = 128             // waiting; more than a visit makes
	jobLimit = 5 * time.Second // one command or note
)

// work carries commands and notes to the agent, in the order in which they happened.
func (u *UI) work(ctx context.Context, k agent.Kiosk) {
	for {
		select {
		case j := <-u.jobs:
			limited, cancel := context.WithTimeout(ctx, jobLimit)
			j(limited, k)
			cancel()
		case <-ctx.Done():
			return
		}
	}
}

func (u *UI) queue(j job) bool {
	select {
	case u.jobs <- j:
		return true
	default:
		u.opts.Log.Warn("screen: the agent does not keep up; a note was dropped")
		return false
	}
}

// observe notes something of the present screen, if a visit is running.
func (u *UI) observe(name journey.EventName, detail map[string]string) {
	if u.state.Session == "" {
		return
	}
	u.note(note{Name: name, Path: u.state.Path, Detail: detail})
}

func (u *UI) note(n note) {
	u.queue(func(ctx context.Context, k agent.Kiosk) {
		if err := k.Observe(ctx, n.Name, n.Path, maps.Clone(n.Detail)); err != nil && !errors.Is(err, agent.ErrNotNow) && ctx.Err() == nil {
			u.opts.Log.Warn("screen: note was not recorded", "event", string(n.Name), "error", err)
		}
	})
}

func (u *UI) hintShown(c models.HintCode) {
	if c != models.HintNone {
		u.observe(journey.EventTipDialogShown, map[string]string{"hint": string(c)})
	}
}

// command asks the agent for something. While one is on its way further touches
// are dropped, so a double tap is one tap. notes go with it, in order: those
// before only once the command was taken.
func (u *UI) command(name string, c agent.Command, notes ...note) {
	if u.kiosk == nil || u.busy {
		return
	}
	u.busy, u.stirred = true, time.Time{}
	ok := u.queue(func(ctx context.Context, k agent.Kiosk) {
		err := k.Do(ctx, c)
		if err == nil {
			for _, n := range notes {
				if e := k.Observe(ctx, n.Name, n.Path, n.Detail); e != nil && !errors.Is(e, agent.ErrNotNow) {
					u.opts.Log.Warn("screen: note was not recorded", "event", string(n.Name), "error", e)
				}
			}
		}
		u.do("command", func() {
			u.busy = false
			if err != nil && !errors.Is(err, agent.ErrNotNow) && !errors.Is(err, context.Canceled) {
				u.opts.Log.Error("screen: command failed", "command", name, "error", err)
				u.observe(journey.EventAPIError, map[string]string{"command": name})
			}
		})
	})
	if !ok {
		u.busy = false
	}
}
