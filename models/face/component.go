package face

import (
	"math"

	"vestibule/models"
)

// Component is one property of a capture, after the quality components of
// ISO/IEC 29794-5 (face image data), under their names.
type Component struct {
	Name     string  // e.g. "inter-eye-distance"
	Score    float64 // 0..100, 100 is as good as it needs to be
	Measured float64 // what Score is made of, in Unit
	Unit     string
	// Rule says that Hint objects to this property, and to a Score below 50. Without a
	// rule nobody is sent back for it; it only tells better frames from worse.
	Rule bool
}

// What covers a face, from Detail. The limits were set on the pictures they are reported
// on: 89 press pictures of 14 people, one of them in dark glasses, the same with painted
// coverings, and one picture of a real mask.
//
// The relief of a mouth in view is 3.4 and more (median 13.7), in the mask .9; the
// contrast of eyes in view is 11 and more, in the glasses 3.2. Of the painted masks, one
// in the colour of skin among them, 97 to 100 % are noticed; of the painted dark glasses
// 73 %, for they mislead the landmarks in the rest; of the 88 faces in view none is called
// covered. Painted coverings are plain and so the best case: what has a pattern of its
// own across the mouth, a folded scarf or the fingers of a hand, is not told from a mouth,
// and clear glasses are no covering.
const (
	MinMouthRelief = 2.0
	MinEyeContrast = 7.0
)

// covered reports whether something hides the mouth or the eyes. In a blurred picture
// everything is flat, which says nothing.
func covered(f models.Face) bool {
	return f.Detail != nil && f.Sharpness >= MinSharpness && (f.Detail.MouthRelief < MinMouthRelief || f.Detail.EyeContrast < MinEyeContrast)
}

// curve is a piecewise linear map of (value, score) points with rising values.
type curve [][2]float64

// Components measures a capture property by property, in a fixed order. What was not
// measured is left out: the eyes of a turned head, coverings in a blurred picture,
// anything of Detail when it is nil, everything of a face that was not found.
//
// The curves of properties with a rule are scaled so that 50 is where Hint starts to
// object; see the constants for where those limits come from. The others (illumination
// uniformity, over-exposure, dynamic range, mouth closed) map as the standard does in its
// reference implementation, OFIQ of the BSI, though the face's pixels are cut out more
// simply here. No curve was fitted to how well faces match.
func Components(f models.Face) []Component {
	if !f.Found {
		return nil
	}
	all := make([]Component, 0, 24)
	rule := func(name, unit string, v float64, c curve) {
		all = append(all, Component{Name: name, Score: along(v, c), Measured: v, Unit: unit, Rule: true})
	}
	soft := func(name, unit string, v, score float64) {
		if math.IsNaN(score) {
			score = 0
		}
		all = append(all, Component{Name: name, Score: math.Max(0, math.Min(100, score)), Measured: v, Unit: unit})
	}
	b := f.Box
	height := b.Y2 - b.Y1
	rule("single-face-present", "faces", float64(f.Faces), curve{{1, 100}, {2, 49}, {3, 0}})
	rule("head-size", "share of height", height, curve{{0, 0}, {MinHeight, 50}, {.25, 75}, {.35, 100}, {.7, 100}, {MaxHeight, 50}, {1, 0}})
	rule("face-height", "px", height*float64(f.Height), curve{{0, 0}, {MinPixels, 50}, {250, 100}})
	rule("inter-eye-distance", "px", f.Eyes, curve{{0, 0}, {MinEyes, 50}, {100, 100}})
	for _, side := range [...]struct {
		name string
		free float64
	}{
		{"leftward-crop", b.X1}, {"rightward-crop", 1 - b.X2}, {"margin-above", b.Y1}, {"margin-below", 1 - b.Y2},
	} {
		rule(side.name, "share of side", side.free, curve{{-MinBorder, 0}, {MinBorder, 50}, {2 * MinBorder, 100}})
	}
	rule("jaw-in-view", "points outside", float64(outside(f)), curve{{0, 100}, {croppedJaw - 1, 60}, {croppedJaw, 49}, {8, 0}})
	rule("head-pose-yaw", "degrees", f.Yaw, curve{{-45, 0}, {-MaxYaw, 50}, {-5, 100}, {5, 100}, {MaxYaw, 50}, {45, 0}})
	rule("head-pose-pitch", "degrees", f.Pitch, curve{{-45, 0}, {-MaxPitch, 50}, {-8, 100}, {8, 100}, {MaxPitch, 50}, {45, 0}})
	rule("head-pose-roll", "degrees", f.Roll, curve{{-45, 0}, {-MaxRoll, 50}, {-5, 100}, {5, 100}, {MaxRoll, 50}, {45, 0}})
	rule("sharpness", "Laplacian variance", f.Sharpness, curve{{0, 0}, {MinSharpness, 50}, {45, 75}, {120, 100}})
	rule("luminance-mean", "luma", f.Luma, curve{{0, 0}, {MinLuma, 50}, {90, 100}, {170, 100}, {MaxLuma, 50}, {255, 0}})
	if f.EyesOpen >= 0 {
		rule("eyes-open", "probability", f.EyesOpen, curve{{0, 0}, {MinEyesOpen, 50}, {.8, 100}})
	}
	d := f.Detail
	if d == nil {
		return all
	}
	if f.Sharpness >= MinSharpness {
		rule("eyes-visible", "% contrast", d.EyeContrast, curve{{0, 0}, {MinEyeContrast, 50}, {11, 100}})
		rule("mouth-occlusion-prevention", "% relief", d.MouthRelief, curve{{0, 0}, {MinMouthRelief, 50}, {3.3, 100}})
	}
	soft("illumination-uniformity", "overlap", d.Uniformity, 100*math.Pow(d.Uniformity, .3))
	// A few percent of dark pixels are hair and pupils; the standard's own curve, which falls only
	// when nearly all of the face is black, tells too little here. Starting value.
	soft("under-exposure-prevention", "share", d.Under, along(d.Under, curve{{.03, 100}, {.10, 50}, {.30, 0}}))
	soft("over-exposure-prevention", "share", d.Over, 1/(d.Over+.01))
	soft("dynamic-range", "bits", d.Range, 12.5*d.Range)
	soft("mouth-closed", "gap by eyes to chin", d.Mouth, 100/(1+math.Exp((d.Mouth-.2)/.06)))
	return all
}

// outside is how many points of the jaw lie outside the frame.
func outside(f models.Face) (n int) {
	for _, p := range f.Points[:17] {
		if p.X < 0 || p.Y < 0 || p.X > 1 || p.Y > 1 {
			n++
		}
	}
	return n
}

// Quality is the unified quality score of a capture, 0..100: the least of its
// Components, for a capture is as good as its weakest property. Components without a rule
// count by half, from 50 up: so 50 and more means that Hint has nothing to object.
func Quality(f models.Face) float64 {
	if !f.Found {
		return 0
	}
	q := 100.0
	for _, c := range Components(f) {
		if c.Rule {
			q = math.Min(q, c.Score)
		} else {
			q = math.Min(q, 50+c.Score/2)
		}
	}
	return q
}

// along reads a curve at v; beyond its ends it stays level.
func along(v float64, c curve) float64 {
	if math.IsNaN(v) {
		return 0
	}
	if v <= c[0][0] {
		return c[0][1]
	}
	for i := 1; i < len(c); i++ {
		if a, b := c[i-1], c[i]; v <= b[0] {
			return a[1] + (b[1]-a[1])*(v-a[0])/(b[0]-a[0])
		}
	}
	return c[len(c)-1][1]
}
