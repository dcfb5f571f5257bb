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
	switch {
	case outside(f) >= croppedJaw:
		return models.HintFaceCropped
	case f.Eyes < MinEyes:
		return models.HintEyesClose
	case f.Luma < MinLuma:
		return models.HintDark
	case f.Luma > MaxLuma:
		return models.HintBright
	case covered(f): // before the turn, which a mask makes the network see in a straight face
		return models.HintFaceCovered
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
