package face

import "math"

// Signal is one way of telling a living person before the camera from an attack.
type Signal string

// The signals. The first three look for presentation attacks (ISO/IEC 30107-3: an
// artefact before the camera), the last for pictures that never were before it.
const (
	SignalPassive   Signal = "passive"
	SignalActive    Signal = "active"
	SignalFlash     Signal = "flash"
	SignalInjection Signal = "injection"
)

// Why a signal has no score, besides a package's own codes for what failed.
const (
	WhyDidNotRun    = "did-not-run"
	WhyTooFewFrames = "too-few-frames"
	WhyNoNumber     = "not-a-number"
)

// Reading is what one signal says about one capture.
type Reading struct {
	Signal Signal
	Needed bool     // a reading that did not run counts as 0 then
	Ran    bool     //
	Score  float64  // 0..100; means nothing unless Ran
	Why    []string // codes: what failed, or why it did not run
}

// Fusion is the liveness of one capture.
type Fusion struct {
	Score    float64   // 0..100, the least of what ran; 0 when nothing did, or something needed did not
	Weakest  Signal    // whose score that is; empty when nothing ran
	Readings []Reading // as they came, with Why filled in
}

// Fuse is the one place where signals become the liveness of a capture: it is no
// better than the weakest of them. An attack has to be good at everything at once;
// a mean would let it buy a bad score with a good one.
func Fuse(readings ...Reading) Fusion {
	f := Fusion{Score: math.Inf(1)}
	for _, r := range readings {
		switch {
		case r.Ran && math.IsNaN(r.Score):
			r.Ran, r.Needed = false, true // a broken signal is no absent one
			r.Why = append(r.Why[:len(r.Why):len(r.Why)], WhyNoNumber)
		case !r.Ran && len(r.Why) == 0:
			r.Why = []string{WhyDidNotRun}
		}
		score := min(100, max(0, r.Score))
		if !r.Ran {
			score = 0
		} else {
			r.Score = score
		}
		f.Readings = append(f.Readings, r)
		if (r.Ran || r.Needed) && score < f.Score {
			f.Score, f.Weakest = score, r.Signal
		}
	}
	if math.IsInf(f.Score, 1) {
		f.Score = 0
	}
	return f
}

// Reading gives one signal's reading.
func (f Fusion) Reading(s Signal) (Reading, bool) {
	for _, r := range f.Readings {
		if r.Signal == s {
			return r, true
		}
	}
	return Reading{}, false
}
