package face

import (
	"vestibule/journey"
	"vestibule/models"
)

// Complaint gives the contract's code for a rule of capture that a face does not meet,
// and which of the code's messages; empty where it has one only.
func Complaint(hint models.HintCode) (code journey.CodeKey, variant string) {
	switch hint {
	case models.HintNoFace:
		return journey.Step2RetryNoFace, ""
	case models.HintFaceSmall, models.HintTooFar:
		return journey.Step2RetryLivenessError, "relative-size"
	case models.HintFacePixels:
		return journey.Step2RetryLivenessError, "absolute-size"
	case models.HintEyesClose:
		return journey.Step2RetryLivenessError, "eye-distance"
	case models.HintFaceBorder:
		return journey.Step2RetryLivenessError, "border"
	case models.HintFaceCropped, models.HintTooClose, models.HintCutOff, models.HintFaceCovered: // part of it is not in view
		return journey.Step2RetryLivenessError, "cropped"
	case models.HintFaceTurned, models.HintAngle:
		return journey.Step2RetryLivenessError, "rotation"
	case models.HintSeveralFaces:
		return journey.Step2RetryFaceDetectError, ""
	}
	return journey.Step2RetryLivenessError, "face-size" // too dark, blurred, eyes closed: cannot be measured
}
