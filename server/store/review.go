package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"vestibule/server/review"
)

const reviewColumns = `submission, session, kiosk, project, revision, decision, reason, event, opened, due, state, flag,
	holder, lease, checking, findings, votes, corrected, leaves, version, updated`

func scanReview(scan func(...any) error) (review.Item, error) {
	var i review.Item
	var opened, due, lease, checking, leaves, updated int64
	var findings, votes, corrected []byte
	if err := scan(&i.Submission, &i.Session, &i.Kiosk, &i.Project, &i.Revision, &i.Decision, &i.Reason, &i.Event, &opened, &due, &i.State, &i.Flag,
		&i.Holder, &lease, &checking, &findings, &votes, &corrected, &leaves, &i.Version, &updated); err != nil {
		return i, none(err)
	}
	i.Opened, i.Due, i.Lease, i.Leaves, i.Updated = moment(opened), moment(due), moment(lease), moment(leaves), moment(updated)
	i.Checking = checking != 0
	for _, list := range []struct {
		body []byte
		into any
	}{{findings, &i.Findings}, {votes, &i.Votes}, {corrected, &i.Corrected}} {
		if err := json.Unmarshal(list.body, list.into); err != nil {
			return i, fmt.Errorf("decode review: %w", err)
		}
	}
	return i, nil
}

// Review finds what people have to do with a submission.
func (r Reader) Review(ctx context.Context, submission string) (review.Item, error) {
	return scanReview(r.row(ctx, `SELECT `+reviewColumns+` FROM review WHERE submission = $1`, submission).Scan)
}

// Reviews lists the items in a state: what is due first comes first.
func (r Reader) Reviews(ctx context.Context, state review.State, limit int) ([]review.Item, error) {
	rows, err := r.rows(ctx, `SELECT `+reviewColumns+` FROM review WHERE state = $1 ORDER BY due, submission LIMIT $2`, string(state), limit)
	return collect(rows, err, func(rows *sql.Rows) (review.Item, error) { return scanReview(rows.Scan) })
}

// CountReviews counts the items in a state.
func (r Reader) CountReviews(ctx context.Context, state review.State) (n int, err error) {
	err = r.row(ctx, `SELECT COUNT(*) FROM review WHERE state = $1`, string(state)).Scan(&n)
	return n, err
}

// LateReviews counts the items that should have been decided by now.
func (r Reader) LateReviews(ctx context.Context, now time.Time) (n int, err error) {
	err = r.row(ctx, `SELECT COUNT(*) FROM review WHERE state IN ($1, $2) AND due < $3`, string(review.Waiting), string(review.Second), micros(now)).Scan(&n)
	return n, err
}

// SaveReview writes an item over the version that was read, or as a new one where that
// is 0. Whoever comes second gets review.ErrChanged, on both databases.
func (t *Tx) SaveReview(ctx context.Context, i review.Item, now time.Time) error {
	findings, err := list(i.Findings)
	if err != nil {
		return err
	}
	votes, err := list(i.Votes)
	if err != nil {
		return err
	}
	corrected, err := list(i.Corrected)
	if err != nil {
		return err
	}
	n, err := t.exec(ctx, `INSERT INTO review (`+reviewColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, CAST($20 AS BIGINT) + 1, $21)
		ON CONFLICT (submission) DO UPDATE SET revision = excluded.revision, decision = excluded.decision, reason = excluded.reason,
		event = excluded.event, opened = excluded.opened, due = excluded.due, state = excluded.state, flag = excluded.flag,
		holder = excluded.holder, lease = excluded.lease, checking = excluded.checking, findings = excluded.findings, votes = excluded.votes,
		corrected = excluded.corrected, leaves = excluded.leaves, version = excluded.version, updated = excluded.updated
		WHERE review.version = CAST($20 AS BIGINT)`,
		i.Submission, i.Session, i.Kiosk, i.Project, i.Revision, string(i.Decision), string(i.Reason), i.Event, micros(i.Opened), micros(i.Due),
		string(i.State), string(i.Flag), i.Holder, micros(i.Lease), truth(i.Checking), findings, votes, corrected, micros(i.Leaves), i.Version, micros(now))
	if err != nil {
		return fmt.Errorf("save review: %w", err)
	}
	if n == 0 {
		return review.ErrChanged()
	}
	return nil
}

// list encodes a list, an empty one too.
func list[T any](of []T) ([]byte, error) {
	if of == nil {
		return []byte("[]"), nil
	}
	body, err := json.Marshal(of)
	if err != nil {
		return nil, fmt.Errorf("encode review: %w", err)
	}
	return body, nil
}

// ReviewAct is one step that somebody took. Acts are never changed.
type ReviewAct struct {
	ID         string
	Submission string
	At         time.Time
	Who        string
	What       string
	Detail     string // without personal data
	Private    []byte // encrypted; nil: nothing
}

// AddReviewAct keeps a step.
func (t *Tx) AddReviewAct(ctx context.Context, a ReviewAct) error {
	_, err := t.exec(ctx, `INSERT INTO review_act (id, submission, at, who, what, detail, private) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		a.ID, a.Submission, micros(a.At), a.Who, a.What, a.Detail, a.Private)
	if err != nil {
		return fmt.Errorf("keep review step: %w", err)
	}
	return nil
}

// ReviewActs gives the steps taken with a submission, oldest first.
func (r Reader) ReviewActs(ctx context.Context, submission string) ([]ReviewAct, error) {
	rows, err := r.rows(ctx, `SELECT id, submission, at, who, what, detail, private FROM review_act WHERE submission = $1 ORDER BY at, id`, submission)
	return collect(rows, err, func(rows *sql.Rows) (ReviewAct, error) {
		var a ReviewAct
		var at int64
		err := rows.Scan(&a.ID, &a.Submission, &at, &a.Who, &a.What, &a.Detail, &a.Private)
		a.At = moment(at)
		return a, err
	})
}

// CorrectSubmission writes corrected personal data and what it is found by. What the
// kiosk sent stays as it came.
func (t *Tx) CorrectSubmission(ctx context.Context, id string, private []byte, k Keys, rank string) error {
	_, err := t.exec(ctx, `UPDATE submission SET private = $2, pii_version = $3, pii_key = $4, document_key = $5, holder_key = $6,
		name_key = $7, birth_key = $8, document_rank = $9 WHERE id = $1`,
		id, private, k.PIIVersion, k.PII, k.Document, k.Holder, k.Name, k.Birth, rank)
	if err != nil {
		return fmt.Errorf("correct submission: %w", err)
	}
	return t.SaveNear(ctx, id, k.Near)
}

// SetReviewer notes who decided a submission, and what the person is told, encrypted.
func (t *Tx) SetReviewer(ctx context.Context, id, who string, comment []byte) error {
	if _, err := t.exec(ctx, `UPDATE submission SET reviewer = $2, comment = $3 WHERE id = $1`, id, who, comment); err != nil {
		return fmt.Errorf("note reviewer: %w", err)
	}
	return nil
}

// MoveToApplicant writes which applicant a submission belongs to. Leaving one that
// others belong to is logged like a merge, with the two the other way round.
func (t *Tx) MoveToApplicant(ctx context.Context, id, submission, from, to, why string, at time.Time) error {
	if from == to {
		return nil
	}
	if _, err := t.exec(ctx, `UPDATE submission SET applicant = $2 WHERE id = $1`, submission, to); err != nil {
		return fmt.Errorf("move to applicant: %w", err)
	}
	if from == "" {
		return nil
	}
	if _, err := t.exec(ctx, `INSERT INTO applicant_log (id, survivor, merged, why, evidence, at) VALUES ($1, $2, $3, $4, $5, $6)`,
		id, to, from, why, submission, micros(at)); err != nil {
		return fmt.Errorf("log move: %w", err)
	}
	return nil
}
