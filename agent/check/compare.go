package check

import (
	"errors"
	"strconv"

	"vestibule/journey"
	"vestibule/models"
	"vestibule/models/face"
)

// compare takes all frames that can be used as one face, and compares it with the
// document's portrait and the chip's, whichever there are. The picture that is kept must
// show that face: it is what others will see of this selfie.
func (s Step2) compare(best models.Face, found bool, m *Measured) Verdict {
	name := journey.EventFaceCompare
	if !found {
		return again(name, journey.Step2RetryNoFace, nil)
	}
	self, err := face.Multi(s.Frames)
	switch {
	case errors.Is(err, face.ErrModelDiffer):
		return again(name, journey.Step2RetryFaceDetectError, map[string]string{"model": "differs"})
	case errors.Is(err, face.ErrDisagree), // somebody else came into the picture
		err == nil && face.Cosine(best.Template, self.Vector) < face.SameShot:
		return again(name, journey.Step2RetryFaceDetectError, map[string]string{"frames": "differ"})
	case err != nil:
		return again(name, journey.Step2RetryNoFace, nil)
	}
	m.Face = &journey.FaceTemplate{Model: self.Model, Vector: self.Vector}
	var refs []face.Reference
	if s.Chip != nil {
		refs = append(refs, face.Reference{From: face.FromChip, Face: *s.Chip})
	}
	if s.Portrait != nil {
		refs = append(refs, face.Reference{From: face.FromDocument, Face: *s.Portrait})
	}
	c := face.Compare(self, s.Policy.MinSimilarity, refs...)
	if c.Decided == "" {
		why := map[string]string{"portrait": "none"}
		for _, o := range c.Outcomes {
			if o.Why == face.UnusableNetwork { // not the picture's fault
				return again(name, journey.Step2RetryFaceDetectError, map[string]string{"model": "differs"})
			}
			if o.Why == face.UnusableSmall {
				why["portrait"] = string(o.Why)
			}
		}
		return again(name, journey.Step2RetryFaceCompareFail, why)
	}
	detail := map[string]string{
		"score": score(c.Similarity), "atLeast": score(s.Policy.MinSimilarity),
		"against": string(c.Decided), "frames": strconv.Itoa(len(self.Used)),
	}
	for _, o := range c.Outcomes {
		if o.Usable && len(c.Outcomes) > 1 {
			detail["score."+string(o.From)] = score(o.Similarity)
		}
	}
	m.Similarity = c.Similarity
	if c.Similarity < s.Policy.MinSimilarity {
		return again(name, journey.Step2RetryFaceCompareUnderscore, detail)
	}
	return passed(name, detail)
}
