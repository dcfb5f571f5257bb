package capture

import (
	"math"
	"time"

	"vestibule/models"
)

// hinter keeps a hint on the screen long enough to be read.
type hinter struct {
	hold  time.Duration
	shown models.HintCode
	since time.Time
}

// update takes what the last look found and gives what to show.
func (h *hinter) update(now time.Time, found models.HintCode) models.HintCode {
	if found == h.shown {
		return h.shown
	}
	// Nothing to say may always be replaced; something to say stays its time.
	if h.shown != models.HintNone && now.Sub(h.since) < h.hold {
		return h.shown
	}
	h.shown, h.since = found, now
	return found
}

// look is one frame with what was found in it.
type look struct {
	frame  models.Frame
	glance models.Glance
}

// Figures of the automatic shutter. They are starting values, chosen by hand.
const (
	keepLooks   = 10    // looks remembered
	windowLooks = 5     // looks that must agree …
	goodLooks   = 4     // … of which so many without a hint, the last one among them
	maxMove     = 0.015 // of the picture's diagonal, each corner between two looks
	nearBest    = 0.90  // of the best sharpness remembered
	readFrames  = 3     // frames read and voted on

	// turnLimit is how long a document may lie still after its other side was asked
	// for: whoever turned it while the first side was read does not move it any more.
	turnLimit = 8 * time.Second
)

// turning watches for the movement of a document that is being turned over.
type turning struct {
	until time.Time
	from  *models.Glance
	done  bool
}

// wait says whether the document still lies as it did.
func (t *turning) wait(now time.Time, g models.Glance) bool {
	switch {
	case t.done:
	case !now.Before(t.until), g.Outline == nil, t.from != nil && !still(*t.from, g):
		t.done = true
	case t.from == nil:
		t.from = &g
	}
	return !t.done
}

// steady decides when a document is held still enough to be taken.
type steady struct{ looks []look }

// add takes the next look and gives the progress, 1 when the picture is to be taken.
func (s *steady) add(l look) float64 {
	s.looks = append(s.looks, l)
	if n := len(s.looks); n > keepLooks {
		s.looks[0] = look{}
		s.looks = s.looks[n-keepLooks:]
	}
	if l.glance.Hint != models.HintNone {
		return 0
	}
	window := s.looks[max(0, len(s.looks)-windowLooks):]
	good, sharpest := 0, 0.0
	for i, w := range window {
		if w.glance.Hint == models.HintNone && (i == 0 || still(window[i-1].glance, w.glance)) {
			good++
		}
	}
	for _, w := range s.looks {
		sharpest = math.Max(sharpest, w.glance.Quality.Sharpness)
	}
	if good < goodLooks || len(window) < windowLooks {
		return math.Min(0.9, float64(good)/float64(goodLooks))
	}
	if l.glance.Quality.Sharpness < nearBest*sharpest {
		return 0.9
	}
	return 1
}

// best gives the sharpest frames of those last remembered, newest first among
// equals: those without a hint before any other.
func (s *steady) best(n int) []models.Frame {
	rank := func(l look) float64 {
		v := l.glance.Quality.Sharpness
		if l.glance.Hint == models.HintNone {
			v += 1000
		}
		return v
	}
	taken := make([]bool, len(s.looks))
	var out []models.Frame
	for len(out) < n && len(out) < len(s.looks) {
		at := -1
		for i := len(s.looks) - 1; i >= 0; i-- {
			if !taken[i] && (at < 0 || rank(s.looks[i]) > rank(s.looks[at])) {
				at = i
			}
		}
		taken[at] = true
		out = append(out, s.looks[at].frame)
	}
	return out
}

// still says whether no corner moved further than allowed. Where an outline was
// not found, the zone's text was: nothing can be said about movement, and
// sharpness has to answer for it.
func still(a, b models.Glance) bool {
	if a.Outline == nil || b.Outline == nil {
		return true
	}
	w, h := float64(b.Width), float64(b.Height)
	if w <= 0 || h <= 0 {
		w, h = 1, 1
	}
	limit := maxMove * math.Hypot(w, h)
	for i := range a.Outline {
		if math.Hypot((a.Outline[i].X-b.Outline[i].X)*w, (a.Outline[i].Y-b.Outline[i].Y)*h) > limit {
			return false
		}
	}
	return true
}
