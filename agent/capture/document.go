package capture

import (
	"context"
	"time"

	"vestibule/models"
)

// Shot is a document's picture: a few frames to be read and voted on.
type Shot struct {
	Frames  []models.Frame // sharpest first
	Tilted  []models.Frame // the same side held aslant, where Rig.Tilt asked for it and the person did it
	Auto    bool           // by itself, not by hand
	Started time.Time
	Taken   time.Time
}

// Document shows the document camera until a document is held still, or the
// shutter fires, and takes the best of the last frames.
func Document(ctx context.Context, r Rig) (Shot, error) {
	r.Options = r.Options.WithDefaults()
	shot := Shot{Started: r.Options.Now()}
	err := live(ctx, r, func(ctx context.Context, e *eye) error {
		tick := time.NewTicker(time.Second / time.Duration(r.Options.LookFPS))
		defer tick.Stop()
		var s steady
		turn := turning{until: r.Options.Now().Add(turnLimit), done: !r.Turned}
		hand := false
		for {
			l, ok, err := e.glance(ctx, models.AimDocument)
			if err != nil {
				return err
			}
			if ok {
				if turn.wait(r.Options.Now(), l.glance) {
					s = steady{} // the side that was taken already
				}
				progress := s.add(l)
				e.Tell(Live{
					Hint: e.hint.update(r.Options.Now(), l.glance.Hint), Outline: l.glance.Outline, Progress: progress,
					ByHand: e.byHand(), Present: l.glance.Outline != nil || l.glance.Hint != models.HintNoDocument && l.glance.Hint != models.HintDark,
				})
				if progress >= 1 || hand {
					shot.Frames, shot.Auto = s.best(readFrames), !hand
					shot.Taken = r.Options.Now()
					if r.Tilt && l.glance.Outline != nil {
						shot.Tilted, err = e.tilted(ctx, l.glance)
					}
					return err
				}
			}
			fired, err := e.pace(ctx, tick.C)
			if err != nil {
				return err
			}
			hand = hand || fired // once more looked at, so that there is a frame of this moment
		}
	})
	if err != nil {
		return Shot{}, err
	}
	return shot, nil
}
