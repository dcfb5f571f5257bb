package centre

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"vestibule/journey"
	"vestibule/server/aml"
	"vestibule/server/decide"
	"vestibule/server/ingest"
	"vestibule/server/journal"
	"vestibule/server/review"
	"vestibule/server/store"
)

// JobRescreen screens everybody who is approved or held again, after a list came into
// force. Its subject is the snapshot.
const JobRescreen = "rescreen"

// RescreenAfter is how long after a list came into force that begins. By then every copy
// of the centre searches the new list, and what was screened against the old one is
// decided or given up: nobody slips through between.
const RescreenAfter = jobLimit + 30*time.Second

// Bounds of one run of the job.
const (
	rescreenBatch = 100
	rescreenLimit = 45 * time.Second // then the job goes on where it was
	rescreenMost  = 100              // entries that one person may resemble
)

// ErrListBehind is wrapped while this copy does not search the list yet that is in force.
var ErrListBehind = errors.New("the list that came into force is not in memory yet")

// Rescreen screens against what is new in a snapshot. A decision is never changed by it:
// who resembles a new entry is journalled, shown as a red flag and listed as a hit, for
// people to look at.
//
// Only the list is searched, so an external screener is not asked about everybody; but
// scores come from all that is in force, as in a decision, and what is not new is left
// away then: scores rest on how rare words are among all names, so a
// search among the new entries alone would score otherwise.
func (c *Centre) Rescreen(ctx context.Context, snapshot string) error {
	r := c.c.Store.Read()
	run, err := r.Rescreening(ctx, snapshot)
	if err != nil {
		return fmt.Errorf("find how far screening again has come: %w", err)
	}
	if !run.Ended.IsZero() {
		return nil
	}
	list, err := r.Snapshot(ctx, snapshot)
	if err != nil {
		return fmt.Errorf("find the list: %w", err)
	}
	if !list.Active { // withdrawn: nobody is to be held against it
		return c.c.Store.Write(ctx, func(tx *store.Tx) error { return tx.EndRescreening(ctx, snapshot, c.c.Now()) })
	}
	fresh, err := r.NewEntities(ctx, snapshot, run.Base)
	if err != nil {
		return err
	}
	began := c.c.Now()
	for len(fresh) > 0 {
		rows, err := r.DecidedAfter(ctx, run.Created, run.Last, rescreenBatch)
		if err != nil {
			return fmt.Errorf("find who is to be screened again: %w", err)
		}
		if len(rows) == 0 {
			break
		}
		for _, row := range rows {
			hits, err := c.rescreenOne(ctx, row, list, fresh)
			if err != nil {
				return fmt.Errorf("screen %s again: %w", row.ID, err)
			}
			run.Created, run.Last = row.Created, row.ID
			run.People++
			run.Hits += hits
		}
		if err := c.c.Store.Write(ctx, func(tx *store.Tx) error { return tx.SaveRescreening(ctx, run) }); err != nil {
			return err
		}
		if now := c.c.Now(); now.Sub(began) > rescreenLimit {
			return c.c.Store.Write(ctx, func(tx *store.Tx) error {
				return tx.Enqueue(ctx, c.c.NewID(), JobRescreen, snapshot, now, now)
			})
		}
	}
	c.c.Log.InfoContext(ctx, "everybody is screened again", "list", list.Kind, "snapshot", snapshot, "new", len(fresh), "people", run.People, "hits", run.Hits)
	return c.c.Store.Write(ctx, func(tx *store.Tx) error { return tx.EndRescreening(ctx, snapshot, c.c.Now()) })
}

// rescreenOne screens one person again and gives the number of new hits.
func (c *Centre) rescreenOne(ctx context.Context, row store.Submission, list store.Snapshot, fresh map[string]bool) (int, error) {
	r := c.c.Store.Read()
	policy, err := PolicyAt(ctx, r, row.Project, row.Kiosk)
	if err != nil {
		return 0, fmt.Errorf("read policy: %w", err)
	}
	s, err := ingest.HandedIn(c.c.Vault, row)
	if err != nil { // it will not open the next time either, and others wait
		c.c.Log.ErrorContext(ctx, "somebody cannot be screened again", "code", "submission_unreadable", "submission", row.ID, "error", err)
		return 0, nil
	}
	q, named := queryOf(s)
	if !named || !policy.AML.Screen {
		return 0, nil
	}
	if c.c.Screen == nil {
		return 0, ErrNoLists
	}
	started := c.c.Now()
	q.AtLeast, q.Most, q.Sources = policy.AML.Flag, rescreenMost, []aml.Source{aml.Source(list.Kind)}
	got, err := c.c.Screen(ctx, q)
	if errors.Is(err, aml.ErrNotScreened) {
		return 0, nil // nothing in it to search with, then as now
	}
	if err != nil {
		return 0, err
	}
	if !got.searched(list) {
		return 0, ErrListBehind
	}
	if got.Cleared, err = clearedOf(ctx, r, personKey(c.c.Vault, q), got.Matches); err != nil {
		return 0, err
	}
	var hits []aml.Match
	for _, m := range got.Matches {
		if string(m.Source) == list.Kind && fresh[m.Entity] && m.Score >= policy.AML.Flag && !got.IsCleared(m) {
			hits = append(hits, m)
		}
	}
	if len(hits) == 0 {
		return 0, nil
	}
	q.Sources = nil // what is kept is an answer of everything, as after a decision
	if got, err = c.c.Screen(ctx, q); err != nil {
		return 0, err
	}
	if got.Cleared, err = clearedOf(ctx, r, personKey(c.c.Vault, q), got.Matches); err != nil {
		return 0, err
	}
	added := 0
	err = c.c.Store.Write(ctx, func(tx *store.Tx) error {
		added = 0
		if _, err := tx.LockKiosk(ctx, row.Kiosk); err != nil {
			return fmt.Errorf("hold kiosk: %w", err)
		}
		now, err := tx.Submission(ctx, row.ID)
		if err != nil {
			return fmt.Errorf("find submission: %w", err)
		}
		if now.Revision != row.Revision || now.Decision != row.Decision || now.Stand == store.StandErased {
			return nil // decided anew meanwhile, with the list that is in force; or nobody any more
		}
		added, err = c.raise(ctx, tx, row, list, hits, interval{started, c.c.Now()})
		if err != nil || added == 0 {
			return err
		}
		if err := c.bring(ctx, tx, now, hits, policy); err != nil {
			return err
		}
		status, risk := grade(got, policy.AML, false)
		return keepScreening(ctx, tx, c.c.Vault, row.ID, got, status, risk, c.c.Now())
	})
	if added > 0 {
		c.c.Watch(row.Session)
	}
	return added, err
}

// raise journals the hits that are new, and lists them for people to look at.
func (c *Centre) raise(ctx context.Context, tx *store.Tx, row store.Submission, list store.Snapshot, hits []aml.Match, ran interval) (int, error) {
	decisions, err := tx.Decisions(ctx, row.Session)
	if err != nil {
		return 0, fmt.Errorf("find the decision: %w", err)
	}
	var causes []string
	if n := len(decisions); n > 0 {
		causes = []string{decisions[n-1].ID}
	}
	var events []journey.Event
	for _, m := range hits {
		id := c.c.NewID()
		fresh, err := tx.AddHit(ctx, store.Hit{
			Submission: row.ID, Source: string(m.Source), Entity: m.Entity, Hash: m.Hash, Snapshot: list.ID, Score: m.Score, Event: id, At: ran.ended,
		})
		if err != nil {
			return 0, err
		}
		if !fresh {
			continue
		}
		events = append(events, journey.Event{
			ID: id, Name: journey.CentreRescreened, Source: journey.BE, Result: journey.Fail, Impact: journey.ImpactNone,
			Started: ran.started, Ended: ran.ended, Causes: causes,
			Detail: map[string]string{
				"status": decide.StatusRedFlag, "list": string(m.Source), "entity": m.Entity, "best": strconv.FormatFloat(m.Score, 'f', 1, 64),
				"lists": fmt.Sprintf("%s:%.16s", list.Kind, list.ID),
			},
		})
	}
	if len(events) == 0 {
		return 0, nil
	}
	if err := journal.Add(ctx, tx, row.Kiosk, row.Session, row.ID, ran.ended, events...); err != nil {
		return 0, err
	}
	_, err = journal.Refresh(ctx, tx, row.Session, row.Project, ran.ended, 0)
	return len(events), err
}

// bring puts whom a list came to name into the hands of people. The decision stays what it is until they decide.
func (c *Centre) bring(ctx context.Context, tx *store.Tx, row store.Submission, hits []aml.Match, policy journey.Policy) error {
	now := c.c.Now()
	item, err := tx.Review(ctx, row.ID)
	if errors.Is(err, store.ErrNotFound) {
		decisions, err := tx.Decisions(ctx, row.Session)
		if err != nil {
			return fmt.Errorf("find the decision: %w", err)
		}
		v := journey.Verdict{Submission: row.ID, Session: row.Session, Decision: row.Decision, Reason: row.Reason, At: row.Decided}
		if n := len(decisions); n > 0 {
			v.Event = decisions[n-1].ID
		}
		item = review.Open(v, row.Kiosk, row.Project, row.Revision, []review.Finding{}, policy.Review)
		item.State = review.Done // and brought back below
	} else if err != nil {
		return fmt.Errorf("find review: %w", err)
	}
	var basis []string
	for _, m := range hits {
		basis = append(basis, string(m.Source)+" "+m.Entity)
	}
	item = item.Raise(review.Listed, review.Finding{
		Check: decide.CheckAML, Ground: journey.Ground{Decision: journey.Pending, Reason: journey.ReasonCustomPolicy}, Basis: strings.Join(basis, " "),
	}, now, policy.Review)
	if err := tx.SaveReview(ctx, item, now); err != nil {
		return err
	}
	if err := tx.AddReviewAct(ctx, store.ReviewAct{ID: c.c.NewID(), Submission: row.ID, At: now, Who: Self, What: "brought back", Detail: string(review.Listed)}); err != nil {
		return err
	}
	return tx.Audit(ctx, c.c.NewID(), Self, "review brought back: "+string(review.Listed), row.ID, now)
}
