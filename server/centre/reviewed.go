package centre

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"vestibule/journey"
	"vestibule/server/decide"
	"vestibule/server/journal"
	"vestibule/server/review"
	"vestibule/server/store"
)

// Self names the centre where a step of a review is nobody's.
const Self = "centre"

// Reviewed is what people had to do with a decision.
type Reviewed struct {
	Who        []string       `json:"who"`
	Overrode   journey.Ground `json:"overrode"`
	Corrected  []review.Field `json:"corrected,omitempty"`
	Correction bool           `json:"correction,omitempty"` // what it overrode had left already
}

// handOver brings a decision of the rules before people, or takes it from them when
// the rules came to another end: the kiosk has sent something newer.
func (d *deciding) handOver(ctx context.Context, tx *store.Tx, v journey.Verdict, fired []decide.Fired, now time.Time) error {
	known, err := tx.Review(ctx, d.row.ID)
	switch {
	case errors.Is(err, store.ErrNotFound) && v.Decision != journey.Pending:
		return nil
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return fmt.Errorf("find review: %w", err)
	}
	item := review.Open(v, d.row.Kiosk, d.row.Project, d.row.Revision, Findings(fired, d.lookups, d.policy), d.policy.Review)
	item.Version = known.Version
	if v.Decision != journey.Pending {
		item.State = review.Done
	}
	return tx.SaveReview(ctx, item, now)
}

// Findings is what fired, as reviews keep it.
func Findings(fired []decide.Fired, l decide.Lookups, p journey.Policy) []review.Finding {
	out := []review.Finding{}
	for _, f := range fired {
		out = append(out, review.Finding{Check: f.Check, Ground: f.Ground, Basis: basis(f.Check, l, p)})
	}
	return out
}

// basis stands for whom a check found: entries of lists, or other submissions.
func basis(check string, l decide.Lookups, p journey.Policy) string {
	var ids []string
	known := func(lists ...[]decide.Known) {
		for _, list := range lists {
			for _, k := range list {
				ids = append(ids, k.Submission)
			}
		}
	}
	switch check {
	case decide.CheckAML, decide.CheckCustom:
		if l.Screening == nil {
			return ""
		}
		for _, m := range l.Screening.Matches {
			if m.Score >= p.AML.Flag {
				ids = append(ids, m.List+" "+m.Entity)
			}
		}
	case decide.CheckPII:
		known(l.SamePII, l.SameDocument)
	case decide.CheckApproved:
		known(l.Approved)
	case decide.CheckSuperseded:
		known(l.SameHolder)
	case decide.CheckSuspected:
		for _, s := range l.Suspects {
			ids = append(ids, s.Submission)
		}
	case decide.CheckSelfie:
		for _, h := range l.Faces {
			ids = append(ids, h.Submission)
		}
	default:
		return ""
	}
	words := make([]string, 0, len(ids))
	for _, id := range ids {
		sum := sha256.Sum256([]byte(id))
		words = append(words, hex.EncodeToString(sum[:8]))
	}
	slices.Sort(words)
	return strings.Join(slices.Compact(words), " ")
}

// Settle lets the decision of people on a submission out, if its time to be undone is
// over. An approval runs all checks again first: whoever approved must have known what
// they say, else the submission goes back into the queue.
func (c *Centre) Settle(ctx context.Context, id string) error {
	item, row, err := c.reviewed(ctx, id)
	if err != nil {
		return err
	}
	vote, ok := item.Verdict()
	if !ok || item.State != review.Leaving {
		return nil // undone, or out already
	}
	d := &deciding{Centre: c, row: row, item: &item, ran: map[string]interval{}}
	if vote.Decision == journey.Approved {
		err = d.prepare(ctx)
	} else {
		err = d.open(ctx) // no check could change it
	}
	if err != nil {
		return err
	}
	if err := c.c.Store.Write(ctx, func(tx *store.Tx) error { return d.release(ctx, tx, vote) }); err != nil {
		return err
	}
	if d.done {
		c.c.Notify(row.Kiosk)
		c.c.Watch(row.Session)
		c.c.Decided(d.told.Decision, d.told.Reason, true, 0)
	}
	return nil
}

// CheckAgain runs the checks on corrected data and keeps what they say for whoever decides.
func (c *Centre) CheckAgain(ctx context.Context, id string) error {
	item, row, err := c.reviewed(ctx, id)
	if err != nil {
		return err
	}
	if !item.Checking {
		return nil
	}
	d := &deciding{Centre: c, row: row, item: &item, ran: map[string]interval{}}
	if err := d.prepare(ctx); err != nil {
		return err
	}
	err = c.c.Store.Write(ctx, func(tx *store.Tx) error {
		now, ok, err := d.hold(ctx, tx)
		if err != nil || !ok || !d.item.Checking {
			return err
		}
		out, err := d.ask(ctx, tx, d.kiosk, now)
		if err != nil {
			return err
		}
		if err := d.keep(ctx, tx, out, now); err != nil {
			return err
		}
		return tx.SaveReview(ctx, d.item.Checked(Findings(out.Fired, d.lookups, d.policy)), now)
	})
	if err == nil {
		c.c.Watch(row.Session)
	}
	return err
}

func (c *Centre) reviewed(ctx context.Context, id string) (review.Item, store.Submission, error) {
	item, err := c.c.Store.Read().Review(ctx, id)
	if err != nil {
		return item, store.Submission{}, fmt.Errorf("find review: %w", err)
	}
	row, err := c.c.Store.Read().Submission(ctx, id)
	if err != nil {
		return item, row, fmt.Errorf("find submission: %w", err)
	}
	return item, row, nil
}

// hold takes the turns of whoever decides and reads submission and item again. It
// reports false when they are no longer what was prepared: another job follows then.
func (d *deciding) hold(ctx context.Context, tx *store.Tx) (time.Time, bool, error) {
	now := d.c.Now()
	if err := tx.Turn(ctx, store.DeciderTurn); err != nil {
		return now, false, err
	}
	var err error
	if d.kiosk, err = tx.LockKiosk(ctx, d.row.Kiosk); err != nil {
		return now, false, fmt.Errorf("hold kiosk: %w", err)
	}
	row, err := tx.Submission(ctx, d.row.ID)
	if err != nil {
		return now, false, fmt.Errorf("find submission: %w", err)
	}
	if row.Stand == store.StandErased {
		return now, false, nil
	}
	item, err := tx.Review(ctx, d.row.ID)
	if err != nil {
		return now, false, fmt.Errorf("find review: %w", err)
	}
	if row.Stand != store.StandDecided || row.Revision != item.Revision || !bytes.Equal(row.Private, d.row.Private) {
		return now, false, nil
	}
	d.row, d.item = row, &item
	return now, true, nil
}

// keep journals checks that lead to no decision, and keeps what they found.
func (d *deciding) keep(ctx context.Context, tx *store.Tx, out decide.Outcome, now time.Time) error {
	checks := decide.Outcome{}
	for _, e := range out.Events {
		if e.ID != decide.DecisionEvent && e.ID != decide.CollectionEvent {
			checks.Events = append(checks.Events, e)
		}
	}
	events, _ := d.entries(checks)
	if err := journal.Add(ctx, tx, d.row.Kiosk, d.row.Session, d.row.ID, now, events...); err != nil {
		return err
	}
	if _, err := journal.Refresh(ctx, tx, d.row.Session, d.row.Project, now, 0); err != nil {
		return fmt.Errorf("derive session: %w", err)
	}
	if err := d.saveScreening(ctx, tx, now); err != nil {
		return err
	}
	if len(d.item.Corrected) == 0 {
		return nil
	}
	return tx.MoveToApplicant(ctx, d.c.NewID(), d.row.ID, d.row.Applicant, d.lookups.Applicant, "correction", now)
}

// release decides as people did, or gives the submission back to them.
func (d *deciding) release(ctx context.Context, tx *store.Tx, vote review.Vote) error {
	prepared := d.item.Version
	now, ok, err := d.hold(ctx, tx)
	if err != nil || !ok || d.item.Version != prepared {
		return err // undone meanwhile, or decided anew: that job is queued
	}
	left, err := d.item.Leave(now)
	if err != nil { // this copy's clock is ahead of the one that set the time
		return tx.Enqueue(ctx, d.c.NewID(), review.JobSettle, d.row.ID, d.item.Leaves, now)
	}
	before, err := d.before(ctx, tx)
	if err != nil {
		return err
	}
	var out decide.Outcome
	if vote.Decision == journey.Approved {
		if out, err = d.ask(ctx, tx, d.kiosk, now); err != nil {
			return err
		}
		findings, flag := Findings(out.Fired, d.lookups, d.policy), review.Flag("")
		switch {
		case len(d.lookups.Approved) > 0:
			flag = review.Known
		case len(d.item.Unseen(findings)) > 0:
			flag = review.Findings
		}
		if flag != "" {
			return d.giveBack(ctx, tx, out, d.item.Return(flag, findings), now)
		}
	} else {
		out.Fired, d.lookups, d.evidence.Recheck = before.Fired, before.Lookups, before.Recheck
		d.lookups.Now, d.lookups.Applicant = now, d.row.Applicant
	}

	d.people = &Reviewed{
		Overrode: journey.Ground{Decision: d.item.Decision, Reason: d.item.Reason}, Corrected: d.item.Corrected,
		Correction: d.item.Decision != journey.Pending,
	}
	var fields []string
	for _, f := range d.item.Corrected {
		fields = append(fields, string(f))
	}
	for _, v := range d.item.Votes {
		d.people.Who = append(d.people.Who, v.Who)
	}
	d.ran[decide.ReviewedEvent] = interval{d.item.Votes[0].At, now}
	d.ran[decide.DecisionEvent] = interval{now, now}
	out = out.Overruled(decide.Human{
		Who: d.people.Who, Decision: vote.Decision, Reason: vote.Reason, Code: vote.Code, Overrode: d.people.Overrode, Event: d.item.Event,
		Corrected: fields, Correction: d.people.Correction,
	}, d.row.ID, d.policy.Version, d.evidence.FaceModel)
	verdict, record, err := d.journalise(ctx, tx, out, now)
	if err != nil {
		return err
	}
	comment, err := d.comment(ctx, tx)
	if err != nil {
		return err
	}
	if err := d.settle(ctx, tx, verdict, record, now); err != nil {
		return err
	}
	who := strings.Join(d.people.Who, ", ")
	if err := tx.SetReviewer(ctx, d.row.ID, who, comment); err != nil {
		return err
	}
	left.Decision, left.Reason, left.Event = verdict.Decision, verdict.Reason, verdict.Event
	if err := tx.SaveReview(ctx, left, now); err != nil {
		return err
	}
	d.done, d.told = true, verdict
	return d.step(ctx, tx, who, "sent", spoken(verdict.Decision, verdict.Reason)+" over "+spoken(d.people.Overrode.Decision, d.people.Overrode.Reason), now)
}

// giveBack keeps what the checks found and puts the item into the queue again.
func (d *deciding) giveBack(ctx context.Context, tx *store.Tx, out decide.Outcome, item review.Item, now time.Time) error {
	if err := d.keep(ctx, tx, out, now); err != nil {
		return err
	}
	if err := tx.SaveReview(ctx, item, now); err != nil {
		return err
	}
	return d.step(ctx, tx, Self, "given back", string(item.Flag), now)
}

// step keeps what happened, and audits it.
func (d *deciding) step(ctx context.Context, tx *store.Tx, who, what, detail string, now time.Time) error {
	if err := tx.AddReviewAct(ctx, store.ReviewAct{ID: d.c.NewID(), Submission: d.row.ID, At: now, Who: who, What: what, Detail: detail}); err != nil {
		return err
	}
	return tx.Audit(ctx, d.c.NewID(), who, "review "+what+": "+detail, d.row.ID, now)
}

// before gives the record of the decision that people looked at.
func (d *deciding) before(ctx context.Context, tx *store.Tx) (Record, error) {
	var r Record
	d.round = 1
	all, err := tx.Decisions(ctx, d.row.Session)
	if err != nil {
		return r, fmt.Errorf("read decisions: %w", err)
	}
	for _, one := range all {
		if one.Submission != d.row.ID {
			continue
		}
		d.round = one.Round + 1
		r = Record{}
		if err := json.Unmarshal(one.Record, &r); err != nil {
			return r, fmt.Errorf("decode decision: %w", err)
		}
	}
	return r, nil
}

// comment gives what the person is told, encrypted, and keeps it for their mail: the word
// of whoever decided last and wrote one. Nothing where nobody did.
func (d *deciding) comment(ctx context.Context, tx *store.Tx) ([]byte, error) {
	acts, err := tx.ReviewActs(ctx, d.row.ID)
	if err != nil {
		return nil, fmt.Errorf("read review steps: %w", err)
	}
	d.words = ""
	for _, v := range d.item.Votes {
		for _, a := range acts {
			if a.ID != v.Act || a.Private == nil {
				continue
			}
			plain, err := d.c.Vault.Open(a.Private, review.TextsContext(a.ID))
			if err != nil {
				return nil, fmt.Errorf("open comment: %w", err)
			}
			var t review.Texts
			if err := json.Unmarshal(plain, &t); err != nil {
				return nil, fmt.Errorf("decode comment: %w", err)
			}
			if t.Comment != "" {
				d.words = t.Comment
			}
		}
	}
	if d.words == "" {
		return nil, nil
	}
	sealed, err := d.c.Vault.Seal([]byte(d.words), review.CommentContext(d.row.ID))
	if err != nil {
		return nil, fmt.Errorf("encrypt comment: %w", err)
	}
	return sealed, nil
}

func spoken(d journey.Decision, r journey.Reason) string {
	return strings.TrimSpace(string(d) + " " + string(r))
}
