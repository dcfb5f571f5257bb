package capture

import (
	"context"
	"math"
	"time"

	"vestibule/models"
)

// Figures of the tilt; starting values, unmeasured.
const (
	tiltLimit  = 6 * time.Second // how long people are asked for it; who does not is not kept waiting
	tiltFrames = 2
	tiltTurn   = .04 // change of the ratio of opposite sides: a little more than package genuine needs to compare
	tiltSharp  = .5  // of the first picture's sharpness
)

// tilted asks to tilt the document and collects frames of it aslant.
func (e *eye) tilted(ctx context.Context, first models.Glance) ([]models.Frame, error) {
	tick := time.NewTicker(time.Second / time.Duration(e.Options.LookFPS))
	defer tick.Stop()
	var out []models.Frame
	for end := e.Options.Now().Add(tiltLimit); e.Options.Now().Before(end); {
		l, ok, err := e.glance(ctx, models.AimDocument)
		if err != nil {
			return nil, err
		}
		if ok {
			if l.glance.Outline != nil && l.glance.Quality.Sharpness >= tiltSharp*first.Quality.Sharpness && aslant(first, l.glance) {
				out = append(out, l.frame)
			}
			e.Tell(Live{Hint: models.HintTilt, Outline: l.glance.Outline, Progress: float64(len(out)) / tiltFrames, Present: l.glance.Outline != nil})
		}
		if len(out) >= tiltFrames {
			break
		}
		if fired, err := e.pace(ctx, tick.C); err != nil || fired { // the hand shutter says that this is enough
			return out, err
		}
	}
	return out, nil
}

// aslant says whether a document is seen in another pose than before: the ratio of opposite sides is what a tilt
// changes, and a shift or a turn does not.
func aslant(a, b models.Glance) bool {
	ratio := func(g models.Glance, i int) float64 {
		q, w, h := *g.Outline, float64(max(1, g.Width)), float64(max(1, g.Height))
		side := func(i int) float64 {
			p, r := q[i%4], q[(i+1)%4]
			return math.Max(1, math.Hypot((r.X-p.X)*w, (r.Y-p.Y)*h))
		}
		return side(i) / side(i+2)
	}
	for i := range 2 {
		if math.Abs(math.Log(ratio(a, i)/ratio(b, i))) > tiltTurn {
			return true
		}
	}
	return false
}
