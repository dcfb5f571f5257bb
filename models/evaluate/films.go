package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"gocv.io/x/gocv"

	"vestibule/models"
	"vestibule/models/evaluate/figures"
	"vestibule/models/genuine"
	"vestibule/models/genuine/stage"
	"vestibule/models/picture"
)

// filmFrames is how many frames a film has.
const filmFrames = 3

// films shows every specimen of 500 px and more for some frames, lying still in light that
// changes a little, as itself and on a display whose light is pulsed. It measures the one cue that needs
// several frames. As with liveness, the specimens of even place are the half that the cue was tuned on.
func films(ctx context.Context, e models.Engine, data string, log io.Writer) (figures.Set, error) {
	var list []specimen
	if err := load(filepath.Join(data, "documents", "manifest.json"), &list); err != nil {
		return nil, err
	}
	docs, err := widest(ctx, e, data, list)
	if err != nil {
		return nil, err
	}
	defer func() {
		for _, d := range docs {
			d.flat.Close()
		}
	}()
	pulses := []float64{.04, .1} // how deep the light of the displays is pulsed; as many films of each are made of the specimen itself
	var score [2]struct{ good, bad []float64 }
	var failed, passed, unseen [2]int
	for i, d := range docs {
		half := i % 2
		for n := range 2 * len(pulses) {
			attack := n >= len(pulses)
			var frames []models.Frame
			for moment := range uint64(filmFrames) {
				shot := stage.Shot{Seed: uint64(1000*i + 500 + n), LongMM: d.longMM, Moment: moment}
				var m gocv.Mat
				if attack {
					m, err = stage.Screen(d.flat, shot, stage.Display{Pitch: .7, Wave: pulses[n-len(pulses)], Phase: .37 * float64(moment)})
				} else {
					m, err = stage.Genuine(d.flat, shot)
				}
				if err != nil {
					return nil, err
				}
				b, err := picture.EncodeJPEG(m, 90)
				m.Close()
				if err != nil {
					return nil, err
				}
				frames = append(frames, models.Frame{Format: models.JPEG, Pix: b, At: time.UnixMilli(100 * int64(moment))})
			}
			x, err := e.Examine(ctx, frames, models.Looks{Genuineness: true})
			if err != nil {
				return nil, fmt.Errorf("film of %s: %w", d.name, err)
			}
			c, ok := bandsOf(*x.Genuineness)
			kind := "still"
			if attack {
				kind = "pulsed"
			}
			fmt.Fprintf(log, "film %-6s half %d %-24s bands %.2f seen %v screen %.0f\n", kind, half, d.name, c.Measured, ok, x.Genuineness.ScreenReplay)
			switch {
			case !ok:
				unseen[half]++
			case attack:
				score[half].bad = append(score[half].bad, -c.Measured)
				if c.Score >= 50 {
					passed[half]++
				}
			default:
				score[half].good = append(score[half].good, -c.Measured)
				if c.Score < 50 {
					failed[half]++
				}
			}
		}
	}
	out := figures.Set{}
	for half, suffix := range []string{".tuning", ""} {
		which := "; the half of the specimens that nothing was tuned on"
		if half == 0 {
			which = "; the half of the specimens that the cue was TUNED on"
		}
		s := score[half]
		out["genuine.bands_false"+suffix] = figures.Share(failed[half], len(s.good), "films of genuine documents in which the cue bands alone falls under 50; the film is simulated"+which)
		out["genuine.bands_missed"+suffix] = figures.Share(passed[half], len(s.bad), "films of a display pulsed 4 and 10 % deep in which it does not; SIMULATED"+which)
		out["genuine.bands_auc"+suffix] = figures.Figure{Value: areaUnder(s.bad, s.good), Unit: "share", N: len(s.bad) + len(s.good), How: "area under the ROC curve of that cue's measure; SIMULATED" + which}
		out["genuine.bands_unseen"+suffix] = figures.Count(unseen[half], unseen[half]+len(s.bad)+len(s.good), "films in which no two frames were still enough to compare"+which)
	}
	return out, nil
}

func bandsOf(g models.Genuineness) (models.Cue, bool) {
	for _, c := range g.Cues {
		if c.Name == genuine.CueBands {
			return c, true
		}
	}
	return models.Cue{}, false
}
