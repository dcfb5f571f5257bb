package capture

import (
	"context"
	"math"
	"time"

	"vestibule/journey"
	"vestibule/models"
	"vestibule/models/face"
	"vestibule/models/face/injection"
)

// Selfie asks what a face capture is to deliver.
type Selfie struct {
	Frames int         // measured frames, at least 1
	Moves  []face.Move // asked for after the frames were taken, in this order; none: no active part
	Lights *Lights     // colours that the screen shows at last; nil: none
}

// Portrait is a selfie as it was taken.
type Portrait struct {
	Frame   models.Frame  // the best
	Faces   []models.Face // as measured, in order
	Best    int           // index of the best among Faces
	Active  Movements
	Lit     Lit
	Trace   []injection.Frame // of every frame the camera gave, the newest of them
	Auto    bool
	Started time.Time
	Taken   time.Time // last of the frames
}

// Movements is how the active part went.
type Movements struct {
	Ran     bool
	Asked   []journey.Challenge
	Score   float64
	Failed  string
	Started time.Time
	Ended   time.Time
}

// Figures of the face's automatic shutter; starting values, chosen by hand.
const (
	goodGlances = 3               // in a row without a hint
	settleLimit = 6 * time.Second // to collect the measured frames
)

// Face shows the face camera until a face is well placed, or the shutter fires,
// measures some frames of it, and then asks for movements.
func Face(ctx context.Context, r Rig, want Selfie) (Portrait, error) {
	r.Options = r.Options.WithDefaults()
	p := Portrait{Started: r.Options.Now()}
	err := live(ctx, r, func(ctx context.Context, e *eye) error {
		if err := e.place(ctx, &p); err != nil {
			return err
		}
		if err := e.collect(ctx, want.Frames, &p); err != nil {
			return err
		}
		defer func() { p.Trace = e.feed.traces() }()
		if !p.Faces[p.Best].Found {
			return nil
		}
		if len(want.Moves) > 0 {
			if err := e.movements(ctx, want.Moves, &p); err != nil {
				return err
			}
		}
		if want.Lights == nil || p.Active.Failed != "" {
			return nil
		}
		return e.lights(ctx, *want.Lights, &p)
	})
	if err != nil {
		return Portrait{}, err
	}
	return p, nil
}

// place waits until a face is where it should be.
func (e *eye) place(ctx context.Context, p *Portrait) error {
	tick := time.NewTicker(time.Second / time.Duration(e.Options.LookFPS))
	defer tick.Stop()
	good := 0
	for {
		l, ok, err := e.glance(ctx, models.AimFace)
		if err != nil {
			return err
		}
		if ok {
			if l.glance.Hint == models.HintNone {
				good++
			} else {
				good = 0
			}
			e.Tell(Live{
				Hint: e.hint.update(e.Options.Now(), l.glance.Hint), Face: l.glance.Face,
				Progress: math.Min(0.5, 0.5*float64(good)/goodGlances), ByHand: e.byHand(), Present: l.glance.Face != nil,
			})
			if good >= goodGlances {
				p.Auto = true
				return nil
			}
		}
		fired, err := e.pace(ctx, tick.C)
		if err != nil {
			return err
		}
		if fired {
			return nil
		}
	}
}

// collect measures frames. Those that meet every rule count; when they do not come
// in time, what did come is handed on, and the checks say what is wrong with it.
func (e *eye) collect(ctx context.Context, n int, p *Portrait) error {
	n = max(1, n)
	end := e.Options.Now().Add(settleLimit)
	var rest []measured
	var kept []measured
	for len(kept) < n && (e.Options.Now().Before(end) || len(kept)+len(rest) == 0) {
		frame, f, ok, err := e.face(ctx)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		m := measured{frame, f}
		if f.Found && f.Hint == models.HintNone {
			kept = append(kept, m)
		} else if rest = append(rest, m); len(rest) > n {
			rest[0] = measured{}
			rest = rest[1:]
		}
		live := Live{Progress: 0.5 + 0.5*float64(len(kept))/float64(n), ByHand: e.byHand(), Present: f.Found}
		live.Hint = e.hint.update(e.Options.Now(), f.Hint)
		if f.Found {
			live.Face = &f.Box
		}
		e.Tell(live)
	}
	if len(kept) < n { // hand on what there is, the newest of the rest among it
		kept = append(kept, rest[max(0, len(rest)-(n-len(kept))):]...)
	}
	for i, m := range kept {
		p.Faces = append(p.Faces, m.face)
		if i == 0 || better(m.face, p.Faces[p.Best]) {
			p.Best, p.Frame = i, m.frame
		}
	}
	p.Taken = e.Options.Now()
	return nil
}

type measured struct {
	frame models.Frame
	face  models.Face
}

func better(a, b models.Face) bool {
	if a.Found != b.Found {
		return a.Found
	}
	if (a.Hint == models.HintNone) != (b.Hint == models.HintNone) {
		return a.Hint == models.HintNone
	}
	return a.Quality > b.Quality
}

// otherFace is the code of a challenge that another person did than the one in the selfie.
const otherFace = "other-face"

// movements asks for one movement after the other until all are done or one failed.
func (e *eye) movements(ctx context.Context, moves []face.Move, p *Portrait) error {
	p.Active = Movements{Ran: true, Started: e.Options.Now()}
	c := face.NewChallenge(moves)
	self := p.Faces[p.Best].Template
	var asked face.Move // the one on the screen; empty between movements
	var since time.Time
	done, strange := 0, 0
	for {
		_, f, ok, err := e.face(ctx)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		now := e.Options.Now()
		state := c.Add(now, f)
		// The challenge knows its own people; whether they are the one of the selfie is ours to see.
		if face.Frontal(f) && f.Sharpness >= face.MinSharpness && face.Cosine(self, f.Template) < face.Match {
			strange++
		} else if face.Frontal(f) {
			strange = 0
		}
		if strange >= 2 {
			state.Phase, state.Why = face.PhaseFailed, otherFace
		}
		if asked != "" && (state.Step > done || state.Phase == face.PhaseFailed) {
			e.Tell(Moved{
				Challenge: journey.Challenge(asked), Done: state.Step > done, Failed: string(state.Why), Started: since, Ended: now,
			})
			asked, done = "", state.Step
		}
		if state.Phase == face.PhaseMove && asked == "" {
			asked, since = state.Move, now
			p.Active.Asked = append(p.Active.Asked, journey.Challenge(asked))
			e.Tell(Asked{Challenge: journey.Challenge(asked), At: now})
		}
		live := Live{Progress: float64(state.Step) / float64(max(1, state.Of)), Present: f.Found}
		if f.Found {
			live.Face = &f.Box
		}
		e.Tell(live)
		if state.Phase == face.PhaseDone || state.Phase == face.PhaseFailed {
			p.Active.Ended, p.Active.Failed = now, string(state.Why)
			if p.Active.Score = c.Score(); strange >= 2 {
				p.Active.Score = 0
			}
			return nil
		}
	}
}
