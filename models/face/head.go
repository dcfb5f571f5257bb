package face

import (
	"fmt"
	"math"

	"vestibule/models"
)

// MaxHeadWeights bounds a head: no liveness network here decides on more values.
const MaxHeadWeights = 4096

// maxLogit is how sure the network's own answer may be when a head corrects it.
const maxLogit = 6

// Head corrects what the liveness network says, for one camera and its light: package
// calibrate fits it to clips that were taken there. P(live) of a frame is
//
//	σ(logit(Live) + Bias + Σ Weights·LiveFeatures)
//
// so a head of zeros is the network itself.
type Head struct {
	Model   string    `json:"model"` // version of the liveness network it belongs to
	Bias    float64   `json:"bias"`
	Weights []float64 `json:"weights"`
}

// Check reports what makes a head unusable.
func (h *Head) Check() error {
	if h.Model == "" {
		return fmt.Errorf("liveness head: no network named")
	}
	if len(h.Weights) == 0 || len(h.Weights) > MaxHeadWeights {
		return fmt.Errorf("liveness head: %d weights, want 1..%d", len(h.Weights), MaxHeadWeights)
	}
	sum := h.Bias
	for _, w := range h.Weights {
		sum += math.Abs(w)
	}
	if math.IsNaN(sum) || math.IsInf(sum, 0) {
		return fmt.Errorf("liveness head: a weight is not a number")
	}
	return nil
}

// Live is P(live) of one frame, 0..1; false when the frame was measured by another
// network than the head was made for.
func (h *Head) Live(f models.Face) (float64, bool) {
	if f.LiveModel != h.Model || len(f.LiveFeatures) != len(h.Weights) {
		return 0, false
	}
	z := Logit(f.Live) + h.Bias
	for i, w := range h.Weights {
		z += w * float64(f.LiveFeatures[i])
	}
	if math.IsNaN(z) {
		return 0, false
	}
	return 1 / (1 + math.Exp(-z)), true
}

// Logit is ln(p/(1−p)), not beyond ±6: a network that is surer than that must still
// be open to correction.
func Logit(p float64) float64 {
	l := math.Log(p / (1 - p))
	if math.IsNaN(l) {
		return 0
	}
	return min(maxLogit, max(-maxLogit, l))
}
