package centre

import (
	"context"
	"errors"
	"fmt"
	"time"

	"vestibule/journey"
	"vestibule/server/decide"
	"vestibule/server/duplicate"
	"vestibule/server/store"
)

// tidyEvery is how often faces that were taken back are looked for in the index. A hit
// on one counts for nothing meanwhile: whose it is, the database says.
const tidyEvery = 10 * time.Minute

// searchFaces brings the index up to what is committed, and searches it.
func (d *deciding) searchFaces(ctx context.Context, tx *store.Tx) error {
	if err := d.catchUp(ctx, tx.Reader); err != nil {
		return err
	}
	if d.face == nil || d.face.Model == "" {
		return nil // not evaluated
	}
	hits, _, err := d.faces.Search(ctx, duplicate.Query{
		Project: d.row.Project, Model: d.face.Model, Vector: d.face.Vector,
		MinScore: min(d.policy.Duplicates.FaceReview, d.policy.Duplicates.FaceCertain), K: 50,
	})
	if errors.Is(err, duplicate.ErrTemplate) {
		return nil // not evaluated, which the event says
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrFaces, err)
	}
	d.lookups.FaceEvaluated = true
	for _, h := range hits {
		if h.Submission == d.row.ID {
			continue // its own, from an earlier revision
		}
		owner, err := tx.Submission(ctx, h.Submission)
		if err != nil {
			return fmt.Errorf("find the owner of a face: %w", err)
		}
		if owner.Decision != journey.Approved || owner.Stand == store.StandErased {
			continue // decided again or erased since: no longer in the collection
		}
		d.lookups.Faces = append(d.lookups.Faces, decide.FaceHit{Submission: h.Submission, Applicant: h.Applicant, Score: h.Score})
	}
	return nil
}

// dropErased takes faces out of the index that any copy, or a command, has erased since this one last looked.
func (c *Centre) dropErased(ctx context.Context, r store.Reader) error {
	for {
		list, err := r.ErasedFacesAfter(ctx, c.erased.Load(), faceBatch)
		if err != nil {
			return fmt.Errorf("read erased faces: %w", err)
		}
		gone := make([]string, 0, len(list))
		for _, f := range list {
			gone = append(gone, f.Submission)
		}
		if err := c.faces.Take(ctx, gone...); err != nil {
			return fmt.Errorf("%w: %w", ErrFaces, err)
		}
		for _, f := range list {
			c.erased.Store(max(f.Seq, c.erased.Load()))
		}
		if len(list) < faceBatch {
			return nil
		}
	}
}

// catchUp adds what other copies, and earlier decisions, have put into the collection, and takes out what was erased.
func (c *Centre) catchUp(ctx context.Context, r store.Reader) error {
	if err := c.addFaces(ctx, r); err != nil {
		return err
	}
	return c.dropErased(ctx, r)
}

// addFaces adds what other copies, and earlier decisions, have put into the collection.
func (c *Centre) addFaces(ctx context.Context, r store.Reader) error {
	for {
		asOf, err := c.faces.AsOf(ctx)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrFaces, err)
		}
		list, err := r.FacesAfter(ctx, asOf, faceBatch)
		if err != nil {
			return fmt.Errorf("read face collection: %w", err)
		}
		batch := make([]duplicate.Template, 0, len(list))
		for _, f := range list {
			plain, err := c.c.Vault.Open(f.Template, FaceContext(f.Submission))
			if err != nil {
				return fmt.Errorf("open face template: %w", err)
			}
			vector, err := duplicate.UnpackVector(plain)
			if err != nil {
				return err
			}
			batch = append(batch, duplicate.Template{
				Seq: f.Seq, Submission: f.Submission, Applicant: f.Applicant, Project: f.Project, Model: f.Model, Vector: vector,
			})
		}
		if len(batch) > 0 {
			if err := c.faces.Put(ctx, batch...); err != nil {
				return fmt.Errorf("%w: %w", ErrFaces, err)
			}
		}
		if len(list) < faceBatch {
			return nil
		}
	}
}

// LoadFaces fills the index before the first decision needs it, and takes out of it
// what is no longer in the collection.
func (c *Centre) LoadFaces(ctx context.Context) error {
	if err := c.catchUp(ctx, c.c.Store.Read()); err != nil {
		return err
	}
	return c.TidyFaces(ctx)
}

// TidyFaces takes faces out of the index that were taken out of the collection.
func (c *Centre) TidyFaces(ctx context.Context) error {
	end, err := c.faces.AsOf(ctx) // what comes in from now on has a higher number
	if err != nil {
		return fmt.Errorf("%w: %w", ErrFaces, err)
	}
	for from := int64(0); from < end; {
		owners, last, err := c.c.Store.Read().FaceOwners(ctx, from, faceBatch)
		if err != nil {
			return fmt.Errorf("read face collection: %w", err)
		}
		to := last
		if len(owners) < faceBatch {
			to = max(last, end)
		}
		if _, err := c.faces.Keep(ctx, from, to, owners); err != nil {
			return fmt.Errorf("%w: %w", ErrFaces, err)
		}
		from = to
	}
	return nil
}

// Faces counts the collection as the index knows it.
func (c *Centre) Faces(ctx context.Context) (int, error) { return c.faces.Len(ctx) }

// FaceContext binds an encrypted template to its submission.
func FaceContext(submission string) string { return "face|" + submission }
