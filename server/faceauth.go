package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"vestibule/models"
	"vestibule/server/api"
	"vestibule/server/centre"
	"vestibule/server/store"
)

// faceAuthMost is how long a partner waits for a comparison; the worker takes well
// under a second unless decisions are before it.
const faceAuthMost = 20 * time.Second

// faceAuth compares a picture with a known person's face, for the API.
func (c *running) faceAuth(ctx context.Context, row store.Submission, picture []byte) (api.FaceAuth, error) {
	ctx, cancel := context.WithTimeout(ctx, faceAuthMost)
	defer cancel()
	got, err := c.centre.Authenticate(ctx, row, picture)
	switch {
	case errors.Is(err, centre.ErrNoTemplate):
		err = fmt.Errorf("%w: %w", api.ErrNoFace, err)
	case errors.Is(err, centre.ErrOldTemplate):
		err = fmt.Errorf("%w: %w", api.ErrOldFace, err)
	case errors.Is(err, models.ErrWorker), errors.Is(err, context.DeadlineExceeded):
		c.log.WarnContext(ctx, "a face could not be compared", "code", centre.ProblemWorker, "submission", row.ID, "error", err)
		err = fmt.Errorf("%w: %w", api.ErrBusy, err)
	}
	return api.FaceAuth{
		Match: got.Match, Code: got.Code, Variant: got.Variant, Reason: got.Reason, Similarity: got.Similarity, Liveness: got.Liveness,
		Quality: got.Quality, Compared: got.Compared, Started: got.Started, Ended: got.Ended,
	}, err
}
