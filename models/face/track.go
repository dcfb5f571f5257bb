package face

import (
	"math"
	"time"

	"vestibule/models"
)

// Break says why a track of one person's face ended.
type Break string

// The ways a track ends.
const (
	Unbroken      Break = ""
	BreakLost     Break = "lost"           // no face for longer than MaxGap
	BreakJumped   Break = "jumped"         // the box is somewhere else from one frame to the next
	BreakSeveral  Break = "several-faces"  // a second person for longer than a flicker
	BreakStranger Break = "another-person" // the face, seen frontally, is not the one it began with
)

// A track's tolerances.
const (
	MinOverlap = 0.3                     // IoU of a box with the one before
	MaxGap     = 1200 * time.Millisecond // without the one face
	NearYaw    = 15                      // degrees within which a face counts as frontal
	NearPitch  = 15
	NearRoll   = 20
	strangers  = 2 // frontal frames in a row that do not match
)

// Track follows one face from frame to frame. The zero value is ready to use;
// it takes times from its caller and is not safe for use by several goroutines.
type Track struct {
	broken    Break
	last      models.Box
	seen      time.Time // last frame with exactly one face
	started   bool
	reference []float32 // template of the first frontal face
	unlike    int
	lowest    float64 // least cosine of a frontal frame with the reference
	frontal   int     // frontal frames that matched
}

// Add takes the next measurement and returns whether the track still holds. A
// broken track stays broken.
func (t *Track) Add(at time.Time, f models.Face) Break {
	if t.broken != Unbroken {
		return t.broken
	}
	if !f.Found || f.Faces != 1 {
		if t.started && at.Sub(t.seen) > MaxGap {
			if t.broken = BreakLost; f.Faces > 1 {
				t.broken = BreakSeveral
			}
		}
		return t.broken
	}
	switch {
	case t.started && at.Sub(t.seen) > MaxGap:
		t.broken = BreakLost
		return t.broken
	case t.started && IoU(t.last, f.Box) <= MinOverlap:
		t.broken = BreakJumped
		return t.broken
	}
	t.started, t.last, t.seen = true, f.Box, at
	if !Frontal(f) || f.Sharpness < MinSharpness {
		return Unbroken
	}
	if t.reference == nil {
		t.reference, t.lowest = f.Template, 1
	}
	c := Cosine(t.reference, f.Template)
	if c < Match {
		if t.unlike++; t.unlike >= strangers {
			t.broken = BreakStranger
		}
		return t.broken
	}
	t.unlike = 0
	t.frontal++
	t.lowest = math.Min(t.lowest, c)
	return Unbroken
}

// Broken is why the track ended, or Unbroken.
func (t *Track) Broken() Break { return t.broken }

// Matched is how many frontal frames showed the person it began with.
func (t *Track) Matched() int { return t.frontal }

// Lowest is the least cosine among those frames; 0 before the first.
func (t *Track) Lowest() float64 { return t.lowest }

// Frontal reports whether a face looks about into the camera, so that its
// template and its eyes can be judged.
func Frontal(f models.Face) bool {
	return f.Found && math.Abs(f.Yaw) < NearYaw && math.Abs(f.Pitch) < NearPitch && math.Abs(f.Roll) < NearRoll
}
