package face

import (
	"math"

	"vestibule/models"
)

// Limits of a capture that can be judged, as the contract's liveness_error messages name them.
const (
	MinHeight       = 0.20 // of the frame's height
	MinPixels       = 150  // the box's height
	MinEyes         = 60   // pixels between the eyes
	MaxHeight       = 0.85 // of the frame's height: nearer, the lens distorts and the border cuts
	MinBorder       = 0.03 // of the frame's sides
	MaxYaw          = 20   // degrees
	MaxPitch        = 18
	MaxRoll         = 15
	MinSharpness    = 20 // Laplacian variance of the aligned face; blur of σ 2 is 15 and misses 3.2 % of genuine pairs
	MinLuma         = 60
	MaxLuma         = 200
	MinEyesOpen     = 0.5
	SecondScore     = 0.8  // a second face counts from this score …
	SecondArea      = 0.15 // … and this part of the first one's area
	croppedJaw      = 3    // points of the jaw outside the frame
	darkFrame       = 30   // mean of a whole frame without a face
	brightFrame     = 235
	EyesOnlyBelow   = 15 // degrees of pitch and roll within which the eyes are judged
	EyesOnlyBelowYw = 20 // degrees of yaw within which the eyes are judged
)

// Hint is the first rule of a capture that f does not meet. Faces counts the
// faces that matter (see SecondScore); frameLuma is the mean of the whole
// frame and only decides when there is no face.
func Hint(f models.Face, frameLuma float64) models.HintCode {
	if !f.Found {
		switch {
		case frameLuma < darkFrame:
			return models.HintDark
		case frameLuma > brightFrame:
			return models.HintBright
		}
		return models.HintNoFace
	}
	if f.Faces > 1 {
		return models.HintSeveralFaces
	}
	if h := Place(f.Box, f.Height); h != models.HintNone {
		return h
	}
	outside := 0
	for _, p := range f.Points[:17] {
		if p.X < 0 || p.Y < 0 || p.X > 1 || p.Y > 1 {
			outside++
		}
	}
	switch {
	case outside >= croppedJaw:
		return models.HintFaceCropped
	case f.Eyes < MinEyes:
		return models.HintEyesClose
	case f.Luma < MinLuma:
		return models.HintDark
	case f.Luma > MaxLuma:
		return models.HintBright
	case math.Abs(f.Yaw) > MaxYaw || math.Abs(f.Pitch) > MaxPitch || math.Abs(f.Roll) > MaxRoll:
		return models.HintFaceTurned
	case f.Sharpness < MinSharpness:
		return models.HintBlur
	case f.EyesOpen >= 0 && f.EyesOpen < MinEyesOpen:
		return models.HintEyesClosed
	}
	return models.HintNone
}

// Place is the first rule about size and place that a box does not meet; it
// needs no landmarks and serves the live preview.
func Place(b models.Box, frameHeight int) models.HintCode {
	h := b.Y2 - b.Y1
	switch {
	case h < MinHeight:
		return models.HintFaceSmall
	case h*float64(frameHeight) < MinPixels:
		return models.HintFacePixels
	case h > MaxHeight:
		return models.HintTooClose
	case b.X1 < MinBorder || b.Y1 < MinBorder || b.X2 > 1-MinBorder || b.Y2 > 1-MinBorder:
		return models.HintFaceBorder
	}
	return models.HintNone
}

// Quality is one number for a capture, 0..100: the worst of its properties,
// each scaled so that 50 is where Hint starts to object and 100 is as good as
// it needs to be (a capture is as good as its weakest property).
func Quality(f models.Face) float64 {
	if !f.Found {
		return 0
	}
	q := 100.0
	use := func(v float64, curve ...[2]float64) { q = math.Min(q, along(v, curve)) }
	h := f.Box.Y2 - f.Box.Y1
	use(h, [2]float64{0, 0}, [2]float64{MinHeight, 50}, [2]float64{.25, 75}, [2]float64{.35, 100}, [2]float64{.7, 100}, [2]float64{MaxHeight, 50}, [2]float64{1, 0})
	use(h*float64(f.Height), [2]float64{0, 0}, [2]float64{MinPixels, 50}, [2]float64{250, 100})
	use(f.Eyes, [2]float64{0, 0}, [2]float64{MinEyes, 50}, [2]float64{100, 100})
	border := math.Min(math.Min(f.Box.X1, f.Box.Y1), math.Min(1-f.Box.X2, 1-f.Box.Y2))
	use(border, [2]float64{-MinBorder, 0}, [2]float64{MinBorder, 50}, [2]float64{2 * MinBorder, 100})
	use(math.Abs(f.Yaw), [2]float64{5, 100}, [2]float64{MaxYaw, 50}, [2]float64{45, 0})
	use(math.Abs(f.Pitch), [2]float64{8, 100}, [2]float64{MaxPitch, 50}, [2]float64{45, 0})
	use(math.Abs(f.Roll), [2]float64{5, 100}, [2]float64{MaxRoll, 50}, [2]float64{45, 0})
	use(f.Sharpness, [2]float64{0, 0}, [2]float64{MinSharpness, 50}, [2]float64{45, 75}, [2]float64{120, 100})
	use(f.Luma, [2]float64{0, 0}, [2]float64{MinLuma, 50}, [2]float64{90, 100}, [2]float64{170, 100}, [2]float64{MaxLuma, 50}, [2]float64{255, 0})
	if f.EyesOpen >= 0 {
		use(f.EyesOpen, [2]float64{0, 0}, [2]float64{MinEyesOpen, 50}, [2]float64{.8, 100})
	}
	if f.Faces > 1 {
		q = math.Min(q, 49)
	}
	return q
}

// along reads a piecewise linear curve of (value, score) points with rising values.
func along(v float64, curve [][2]float64) float64 {
	if math.IsNaN(v) || v <= curve[0][0] {
		return curve[0][1]
	}
	for i := 1; i < len(curve); i++ {
		if a, b := curve[i-1], curve[i]; v <= b[0] {
			return a[1] + (b[1]-a[1])*(v-a[0])/(b[0]-a[0])
		}
	}
	return curve[len(curve)-1][1]
}
