package centre

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"vestibule/server/decide"
	"vestibule/server/duplicate"
	"vestibule/server/ingest"
	"vestibule/server/store"
)

// Bounds of the look for people whose data nearly agree.
const (
	nearMost  = 50  // who are compared, the newest; their data are decrypted for it
	nearBatch = 100 // submissions of an earlier release whose keys are derived at a time
)

// suspect looks for other people, approved or held, whose data nearly agree.
func (d *deciding) suspect(ctx context.Context, tx *store.Tx) error {
	mine := duplicate.TraitsOf(d.s)
	rows, err := tx.Near(ctx, d.row.Project, d.row.ID, nearMost)
	if err != nil {
		return fmt.Errorf("look for near people: %w", err)
	}
	d.lookups.SuspectsAsked = true
	for _, r := range rows {
		root, _, err := tx.Applicant(ctx, r.Applicant)
		if err != nil {
			return fmt.Errorf("find an applicant: %w", err)
		}
		if root == d.lookups.Applicant {
			continue // known to be the same person: the other checks say so
		}
		theirs, err := ingest.HandedIn(d.c.Vault, r)
		if err != nil {
			continue // erased, or not of this centre's keys: there is nothing to compare with
		}
		if s, near := duplicate.Suspect(mine, duplicate.TraitsOf(theirs)); near {
			d.lookups.Suspects = append(d.lookups.Suspects, decide.Suspect{Submission: r.ID, Name: s.Name, Why: s.Why})
		}
	}
	slices.SortStableFunc(d.lookups.Suspects, func(a, b decide.Suspect) int { return cmp.Compare(b.Name, a.Name) })
	return nil
}

// deriveNear derives the near keys of submissions that an earlier release took in.
func (c *Centre) deriveNear(ctx context.Context) error {
	rows, err := c.c.Store.Read().WithoutNear(ctx, nearBatch)
	if err != nil || len(rows) == 0 || c.c.Vault == nil {
		return err
	}
	return c.c.Store.Write(ctx, func(tx *store.Tx) error {
		for _, r := range rows {
			var keys []string
			if s, err := ingest.HandedIn(c.c.Vault, r); err == nil {
				keys = ingest.Keys(c.c.Vault, duplicate.Values{Near: duplicate.TraitsOf(s).NearKeys()}).Near
			}
			if err := tx.SaveNear(ctx, r.ID, keys); err != nil {
				return err
			}
		}
		return nil
	})
}
