package centre

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"vestibule/journey"
	"vestibule/server/decide"
	"vestibule/server/journal"
	"vestibule/server/store"
)

// From when a kiosk's readings are told to differ too often from the centre's. Starting values, unmeasured:
// kiosks whose networks are the centre's own differ in no reading of the evaluation's specimens.
const (
	DifferingWindow = 7 * 24 * time.Hour
	DifferingLeast  = 20  // re-checks
	DifferingShare  = .10 // of them
	tallyKept       = 90 * 24 * time.Hour
)

// Differing says whether a kiosk with certain networks reads evidence differently too often.
func Differing(t store.Tally) bool {
	return t.N >= DifferingLeast && float64(t.Differed) >= DifferingShare*float64(t.N)
}

// tally counts what the centre read again, by kiosk and its networks.
func (d *deciding) tally(ctx context.Context, tx *store.Tx, out decide.Outcome, now time.Time) error {
	if r := d.evidence.Recheck; r == nil || r.Left != "" || !r.Opened {
		return nil
	}
	for _, e := range out.Events {
		if e.Name == journey.CentreRecheck {
			return tx.TallyRecheck(ctx, d.row.Kiosk, d.s.Models, e.Result == journey.Fail, now)
		}
	}
	return nil
}

// tellDiffering alarms of kiosks that read evidence differently, once a window.
func (c *Centre) tellDiffering(ctx context.Context, now time.Time) error {
	since := now.Add(-DifferingWindow).UTC().Truncate(24 * time.Hour)
	all, err := c.c.Store.Read().UntoldTallies(ctx, since, DifferingLeast)
	if err != nil {
		return fmt.Errorf("look for kiosks that differ: %w", err)
	}
	for _, t := range all {
		if !Differing(t) {
			continue
		}
		told := false
		err := c.c.Store.Write(ctx, func(tx *store.Tx) error {
			if _, err := tx.LockKiosk(ctx, t.Kiosk); err != nil {
				return fmt.Errorf("hold kiosk: %w", err)
			}
			if told, err = tx.SetTallyTold(ctx, t, since, now); err != nil || !told {
				return err
			}
			if err := tx.PruneTallies(ctx, now.Add(-tallyKept)); err != nil {
				return err
			}
			return journal.Add(ctx, tx, t.Kiosk, "", "", now, journey.Event{
				ID: c.c.NewID(), Name: journey.CentreRecheckDiffers, Result: journey.Fail, Started: since, Ended: now, Models: versions(t.Models),
				Detail: map[string]string{"differed": strconv.Itoa(t.Differed), "of": strconv.Itoa(t.N)},
			})
		})
		if err != nil {
			return fmt.Errorf("tell of a kiosk that differs: %w", err)
		}
		if told {
			c.c.Log.ErrorContext(ctx, "a kiosk reads evidence differently than the centre", "code", "recheck_differs", "kiosk", t.Kiosk,
				"differed", t.Differed, "of", t.N, "models", strings.ReplaceAll(t.Models, "\n", " "),
				"hint", "compare its camera and the versions of its networks with others'; its visits say which fields differed")
		}
	}
	return nil
}

// versions reads what a tally names.
func versions(named string) map[string]string {
	out := map[string]string{}
	for line := range strings.SplitSeq(named, "\n") {
		if name, version, ok := strings.Cut(line, "="); ok {
			out[name] = version
		}
	}
	return out
}
