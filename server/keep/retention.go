package keep

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"vestibule/journey"
	"vestibule/server/centre"
	"vestibule/server/review"
	"vestibule/server/store"
	"vestibule/sync/fault"
)

// How often Run looks (starting values, unmeasured).
const (
	retainEvery = time.Hour
	resumeEvery = time.Minute
	retainBatch = 50                     // people between two breaths
	breath      = 100 * time.Millisecond // in which others write
)

// Run finishes what was interrupted, and erases what the policies no longer keep, until ctx ends. Several copies of the
// centre may do so at the same time: whoever comes second finds it done.
func (k *Keeper) Run(ctx context.Context) error {
	tell := func(what string, err error) {
		if err != nil && ctx.Err() == nil {
			k.c.Log.ErrorContext(ctx, what, "code", "keep", "error", err)
		}
	}
	tell("erased pictures may still be here", k.SweepPictures(ctx))
	tick := time.NewTicker(resumeEvery)
	defer tick.Stop()
	last := time.Time{}
	for {
		tell("an erasure cannot be finished", k.Resume(ctx))
		k.scrub(ctx, 0)
		if now := k.c.Now(); now.Sub(last) >= retainEvery {
			last = now
			_, err := k.Retain(ctx)
			tell("what is to go by the policies stays for now", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Retain erases what the policies in force no longer keep, a few people at a time, and gives the number of people.
func (k *Keeper) Retain(ctx context.Context) (int, error) {
	projects, err := k.c.Store.Read().Projects(ctx)
	if err != nil {
		return 0, fmt.Errorf("list projects: %w", err)
	}
	people := 0
	for _, project := range projects {
		policy, err := centre.Policy(ctx, k.c.Store.Read(), project)
		if err != nil {
			return people, fmt.Errorf("read policy: %w", err)
		}
		kinds := journey.DataKinds()
		slices.Reverse(kinds) // the personal data first: everything else goes with them
		for _, kind := range kinds {
			limit := policy.Retention.Limit(kind)
			if limit <= 0 {
				continue
			}
			n, err := k.retain(ctx, project, kind, k.c.Now().Add(-limit))
			people += n
			if err != nil {
				return people, err
			}
		}
	}
	return people, nil
}

func (k *Keeper) retain(ctx context.Context, project string, kind journey.DataKind, before time.Time) (people int, err error) {
	after := ""
	for {
		list, err := k.c.Store.Read().Expired(ctx, project, kind, before, after, retainBatch)
		if err != nil {
			return people, fmt.Errorf("look for what is to go: %w", err)
		}
		for _, e := range list {
			after = e.Submission
			err := k.Erase(ctx, Order{Submission: e.Submission, Kinds: []journey.DataKind{kind}, Who: "retention", Why: WhyRetention})
			switch fault.Code(err) {
			case CodeHeld, CodeUndecided:
				continue // held, or taken up again, a moment ago
			}
			if err != nil {
				return people, err
			}
			people++
		}
		if people > 0 && len(list) > 0 {
			k.c.Log.InfoContext(ctx, "data went by their time", "project", project, "kind", string(kind), "people", people)
		}
		if len(list) < retainBatch {
			k.scrub(ctx, people)
			return people, nil
		}
		k.scrub(ctx, people)
		select {
		case <-ctx.Done():
			return people, ctx.Err()
		case <-time.After(breath):
		}
	}
}

// scrub has the database give up the room of people who were erased.
func (k *Keeper) scrub(ctx context.Context, people int) {
	if people == 0 && !k.dirty.Load() {
		return
	}
	err := k.c.Store.Scrub(ctx)
	k.dirty.Store(err != nil)
	if err != nil && ctx.Err() == nil {
		// Somebody reads: Run tries again, and so does the next one.
		k.c.Log.WarnContext(ctx, "what was erased may be in the database's journal for a while", "code", "erase_scrub", "error", err)
	}
}

// Due is what would go, or not go, now.
type Due struct {
	Project string
	Kind    journey.DataKind
	Limit   time.Duration // 0: none
	Due     int           // submissions whose time is over
	Kept    int           // of which that is so too, and which are undecided, under review or held
}

// Preview tells what Retain would erase.
func (k *Keeper) Preview(ctx context.Context) ([]Due, error) {
	projects, err := k.c.Store.Read().Projects(ctx)
	if err != nil {
		return nil, fmt.Errorf("list projects: %w", err)
	}
	var all []Due
	for _, project := range projects {
		policy, err := centre.Policy(ctx, k.c.Store.Read(), project)
		if err != nil {
			return nil, fmt.Errorf("read policy: %w", err)
		}
		for _, kind := range journey.DataKinds() {
			d := Due{Project: project, Kind: kind, Limit: policy.Retention.Limit(kind)}
			if d.Limit > 0 {
				if d.Due, d.Kept, err = k.c.Store.Read().CountExpired(ctx, project, kind, k.c.Now().Add(-d.Limit)); err != nil {
					return nil, fmt.Errorf("count what is to go: %w", err)
				}
			}
			all = append(all, d)
		}
	}
	return all, nil
}

// underReview reports whether people have still to do with a submission.
func underReview(ctx context.Context, r store.Reader, submission string) (bool, error) {
	item, err := r.Review(ctx, submission)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("find review: %w", err)
	}
	return item.State != review.Done, nil
}
