package keep

import (
	"context"
	"errors"
	"fmt"

	"vestibule/journey"
	"vestibule/server/store"
	"vestibule/sync/fault"
)

// Plan is what an erasure would take.
type Plan struct {
	Submission string
	Journey    string
	Project    string
	Decision   journey.Decision
	Pictures   int
	Face       bool
	Records    int // of the kiosk, in inbox and quarantine
	Texts      int // of reviewers, and of cleared matches
	Inputs     int // that decisions rest on
	Readable   bool
	Erased     []store.Erasure
	Against    error // what stands against it; nil: nothing
}

// Plan tells what an erasure would take, without taking it.
func (k *Keeper) Plan(ctx context.Context, submission string, undecided bool) (Plan, error) {
	r := k.c.Store.Read()
	row, err := r.Submission(ctx, submission)
	if errors.Is(err, store.ErrNotFound) {
		return Plan{}, fault.New(CodeUnknown, "there is no submission "+submission, "see the journey in the console for its submission", nil)
	}
	if err != nil {
		return Plan{}, fmt.Errorf("find submission: %w", err)
	}
	p := Plan{Submission: row.ID, Journey: row.Session, Project: row.Project, Decision: row.Decision, Readable: len(row.Private) > 0}
	if p.Erased, err = r.Erasures(ctx, submission); err != nil {
		return p, fmt.Errorf("look for erasures: %w", err)
	}
	pictures, err := picturesOf(ctx, r, row)
	if err != nil {
		return p, err
	}
	for _, blob := range pictures {
		here, err := r.HasBlob(ctx, blob)
		if err != nil {
			return p, fmt.Errorf("look for pictures: %w", err)
		}
		if here {
			p.Pictures++
		}
	}
	holding, err := r.Holding(ctx, submission)
	if err != nil {
		return p, fmt.Errorf("count what is held: %w", err)
	}
	p.Face, p.Records, p.Texts, p.Inputs = holding.Faces > 0, holding.Records, holding.Texts, holding.Inputs
	p.Against = against(ctx, r, row, undecided)
	return p, nil
}

// Hash gives the keyed hash that people are found by.
func (k *Keeper) Hash(purpose, value string) string { return k.c.Vault.Hash(purpose, value) }
