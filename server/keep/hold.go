package keep

import (
	"context"
	"errors"
	"fmt"
	"unicode/utf8"

	"vestibule/server/store"
	"vestibule/sync/fault"
)

// Bounds of a hold's reference, in letters.
const maxReference = 200

// Hold keeps a submission from being erased, until Release. It returns the hold's id.
func (k *Keeper) Hold(ctx context.Context, submission, who, why string) (string, error) {
	if n := utf8.RuneCountInString(why); n == 0 || n > maxReference {
		return "", fault.New(CodeReason, "a hold needs a reference", "give 1 to 200 letters, such as a file number; no names", nil)
	}
	h := store.LegalHold{ID: k.c.NewID(), Submission: submission, Why: why, Who: who, Begun: k.c.Now()}
	return h.ID, k.c.Store.Write(ctx, func(tx *store.Tx) error {
		row, err := tx.Submission(ctx, submission)
		if errors.Is(err, store.ErrNotFound) {
			return fault.New(CodeUnknown, "there is no submission "+submission, "see the journey in the console for its submission", nil)
		}
		if err != nil {
			return fmt.Errorf("find submission: %w", err)
		}
		// An erasure holds the kiosk too: one of the two is first, and the other sees it.
		if _, err := tx.LockKiosk(ctx, row.Kiosk); err != nil {
			return fmt.Errorf("hold kiosk: %w", err)
		}
		gone, err := tx.Erased(ctx, submission)
		if err != nil {
			return fmt.Errorf("look for erasures: %w", err)
		}
		if gone {
			return fault.New("hold_too_late", "submission "+submission+" is erased already", "there is nothing left to hold", nil)
		}
		if err := tx.AddLegalHold(ctx, h); err != nil {
			return err
		}
		return tx.Audit(ctx, k.c.NewID(), who, "hold add "+h.ID, submission, h.Begun)
	})
}

// Release ends a hold.
func (k *Keeper) Release(ctx context.Context, id, who string) error {
	return k.c.Store.Write(ctx, func(tx *store.Tx) error {
		now := k.c.Now()
		submission, err := tx.EndLegalHold(ctx, id, who, now)
		if errors.Is(err, store.ErrNotFound) {
			return fault.New("hold_unknown", "there is no hold "+id+" in force", "server hold list", nil)
		}
		if err != nil {
			return fmt.Errorf("end hold: %w", err)
		}
		return tx.Audit(ctx, k.c.NewID(), who, "hold remove "+id, submission, now)
	})
}
