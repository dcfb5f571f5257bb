package centre

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"vestibule/journey"
	"vestibule/models"
	"vestibule/models/face"
	"vestibule/server/duplicate"
	"vestibule/server/store"
)

// Reasons why a person cannot be compared with.
var (
	// ErrNoTemplate says that the collection has no face of that person: never approved, taken back, or without a selfie.
	ErrNoTemplate = errors.New("the collection has no face of this person")
	// ErrOldTemplate says that the face that is kept was measured by another network, whose templates never match.
	ErrOldTemplate = errors.New("the face in the collection was measured by another network")
)

// FaceAuth is how a fresh selfie compares with the one face of a known person.
type FaceAuth struct {
	Match   bool
	Code    journey.CodeKey // of STEP2, why not; empty: Match
	Variant string          // of the code's message
	// Measured where there was a face: all 0..100.
	Similarity, Liveness, Quality float64
	Compared                      bool // whether there was a face to measure
	Reason                        journey.Reason
	Started, Ended                time.Time
}

// Authenticate compares a picture with the face that the collection keeps of one
// submission. The picture is read by the caged worker only; nothing of it is kept. The
// policy's two thresholds hold, as in a visit; liveness rests on one frame here, where a
// visit has five, so it is the weaker of the two.
func (c *Centre) Authenticate(ctx context.Context, row store.Submission, picture []byte) (FaceAuth, error) {
	out := FaceAuth{Started: c.c.Now()}
	if row.Decision != journey.Approved {
		return out, ErrNoTemplate
	}
	kept, err := c.c.Store.Read().Face(ctx, row.ID)
	if errors.Is(err, store.ErrNotFound) {
		return out, ErrNoTemplate
	}
	if err != nil {
		return out, fmt.Errorf("find the face: %w", err)
	}
	policy, err := PolicyAt(ctx, c.c.Store.Read(), row.Project, row.Kiosk)
	if err != nil {
		return out, fmt.Errorf("read policy: %w", err)
	}
	plain, err := c.c.Vault.Open(kept.Template, FaceContext(row.ID))
	if err != nil {
		return out, fmt.Errorf("open face template: %w", err)
	}
	known, err := duplicate.UnpackVector(plain)
	if err != nil {
		return out, err
	}
	engine, err := c.c.Engine()
	if err != nil {
		return out, err
	}
	seen, err := engine.ReadFace(ctx, models.Frame{Format: models.JPEG, Pix: picture, At: out.Started})
	out.Ended = c.c.Now()
	if errors.Is(err, models.ErrFrame) {
		out.Code = journey.Step2ErrorInvalidFaceImage
		return out, nil
	}
	if err != nil {
		return out, fmt.Errorf("read the picture: %w", err)
	}
	if !seen.Found {
		out.Code, out.Reason = journey.Step2RetryNoFace, journey.ReasonFaceNotDetected
		return out, nil
	}
	if seen.Model != kept.Model {
		return out, ErrOldTemplate
	}
	cosine, err := duplicate.Cosine(known, seen.Template)
	if err != nil {
		return out, err
	}
	out.Compared = true
	out.Similarity, out.Liveness, out.Quality = face.Similarity(cosine), 100*seen.Live, seen.Quality
	out.judge(seen, policy)
	return out, nil
}

// judge gives the first thing that is wrong: what cannot be measured goes before what
// was measured, and liveness before likeness, as in a visit.
func (a *FaceAuth) judge(seen models.Face, policy journey.Policy) {
	if seen.Faces > 1 {
		a.Code = journey.Step2RetryFaceDetectError
		return
	}
	if seen.Hint != models.HintNone {
		a.Code, a.Variant = face.Complaint(seen.Hint)
		return
	}
	switch {
	case math.IsNaN(a.Liveness) || a.Liveness < policy.MinLiveness:
		a.Code, a.Reason = journey.Step2RetryLivenessFail, journey.ReasonLivenessFail
	case math.IsNaN(a.Similarity) || a.Similarity < policy.MinSimilarity:
		a.Code = journey.Step2RetryFaceCompareUnderscore
	default:
		a.Match = true
	}
}
