package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Mail is one message to one address.
type Mail struct {
	ID         string
	Kind       string
	Once       string // what it is sent for
	Submission string
	Session    string
	Kiosk      string
	Project    string
	Cause      string
	Private    []byte // encrypted: address and what the text is made of
	State      JobState
	Attempts   int
	Due        time.Time
	Until      time.Time // given up after that
	Status     int
	Problem    string
	Created    time.Time
}

const mailColumns = `id, kind, once, submission, session, kiosk, project, cause, private, state, attempts, due, until, status, problem, created`

func scanMail(scan func(...any) error) (Mail, error) {
	var m Mail
	var due, until, created int64
	err := scan(&m.ID, &m.Kind, &m.Once, &m.Submission, &m.Session, &m.Kiosk, &m.Project, &m.Cause, &m.Private, &m.State, &m.Attempts,
		&due, &until, &m.Status, &m.Problem, &created)
	m.Due, m.Until, m.Created = moment(due), moment(until), moment(created)
	return m, none(err)
}

// AddMail queues a message, due at once, and reports whether it did: there is one for
// each thing that is to be said once.
func (t *Tx) AddMail(ctx context.Context, m Mail, now time.Time) (bool, error) {
	n, err := t.exec(ctx, `INSERT INTO mail (id, kind, once, submission, session, kiosk, project, cause, private, state, due, until, created, updated)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'queued', $10, $11, $10, $10) ON CONFLICT (once) DO NOTHING`,
		m.ID, m.Kind, m.Once, m.Submission, m.Session, m.Kiosk, m.Project, m.Cause, m.Private, micros(now), micros(m.Until))
	if err != nil {
		return false, fmt.Errorf("queue mail: %w", err)
	}
	return n == 1, nil
}

// ClaimMail takes the message that is due longest, for as long as the lease. One
// waits while an earlier one about the same submission is open. It returns
// ErrNotFound when nothing is due.
func (t *Tx) ClaimMail(ctx context.Context, now time.Time, lease time.Duration) (Mail, error) {
	return scanMail(t.row(ctx, `UPDATE mail SET state = 'running', attempts = attempts + 1, lease = $2, updated = $1
		WHERE id = (SELECT m.id FROM mail m WHERE (m.state = 'queued' AND m.due <= $1 OR m.state = 'running' AND m.lease < $1)
			AND NOT EXISTS (SELECT 1 FROM mail e WHERE e.submission = m.submission AND m.submission <> '' AND e.state IN ('queued', 'running')
				AND (e.created < m.created OR e.created = m.created AND e.id < m.id))
			ORDER BY m.due, m.id LIMIT 1)
		AND (state = 'queued' OR state = 'running' AND lease < $1)
		RETURNING `+mailColumns, micros(now), micros(now.Add(lease))).Scan)
}

// SettleMail notes how an attempt ended, if the message is still the caller's.
func (t *Tx) SettleMail(ctx context.Context, m Mail, now time.Time) (bool, error) {
	n, err := t.exec(ctx, `UPDATE mail SET state = $3, due = $4, status = $5, problem = $6, updated = $7
		WHERE id = $1 AND attempts = $2 AND state = 'running'`,
		m.ID, m.Attempts, string(m.State), micros(m.Due), m.Status, m.Problem, micros(now))
	if err != nil {
		return false, fmt.Errorf("settle mail: %w", err)
	}
	return n == 1, nil
}

// ReturnMail gives a message back that was claimed and not tried to its end: the
// attempt does not count.
func (t *Tx) ReturnMail(ctx context.Context, m Mail, now time.Time) error {
	_, err := t.exec(ctx, `UPDATE mail SET state = 'queued', attempts = attempts - 1, due = $3, updated = $3
		WHERE id = $1 AND attempts = $2 AND state = 'running'`, m.ID, m.Attempts, micros(now))
	if err != nil {
		return fmt.Errorf("give mail back: %w", err)
	}
	return nil
}

// ReplayMail queues an ended message anew, under the same id, until then.
func (t *Tx) ReplayMail(ctx context.Context, id string, now, until time.Time) error {
	n, err := t.exec(ctx, `UPDATE mail SET state = 'queued', attempts = 0, due = $2, until = $3, problem = '', updated = $2
		WHERE id = $1 AND state IN ('done', 'dead')`, id, micros(now), micros(until))
	if err != nil {
		return fmt.Errorf("replay mail: %w", err)
	}
	if n == 0 {
		return ErrNotFound
	}
	return nil
}

// Mails lists messages, newest first.
func (r Reader) Mails(ctx context.Context, limit int) ([]Mail, error) {
	rows, err := r.rows(ctx, `SELECT `+mailColumns+` FROM mail ORDER BY created DESC, id DESC LIMIT $1`, limit)
	return collect(rows, err, func(rows *sql.Rows) (Mail, error) { return scanMail(rows.Scan) })
}

// MailsIn lists the messages in a state, newest first.
func (r Reader) MailsIn(ctx context.Context, state JobState, limit int) ([]Mail, error) {
	rows, err := r.rows(ctx, `SELECT `+mailColumns+` FROM mail WHERE state = $1 ORDER BY created DESC, id DESC LIMIT $2`, string(state), limit)
	return collect(rows, err, func(rows *sql.Rows) (Mail, error) { return scanMail(rows.Scan) })
}

// NewestMail gives when the newest message of a kind was queued; the zero time: none was.
func (r Reader) NewestMail(ctx context.Context, kind string) (time.Time, error) {
	var at int64
	err := r.row(ctx, `SELECT COALESCE(MAX(created), 0) FROM mail WHERE kind = $1`, kind).Scan(&at)
	return moment(at), err
}

// MailPiles counts the messages that are not done.
func (r Reader) MailPiles(ctx context.Context) ([]Pile, error) {
	piles, err := r.piles(ctx, `SELECT 'mail', state, COUNT(*), MIN(created), MIN(due) FROM mail
		WHERE state IN ('queued', 'running', 'dead') GROUP BY state ORDER BY state`)
	if err != nil {
		return nil, fmt.Errorf("count mail: %w", err)
	}
	return piles, nil
}

// ReviewsLateSince counts the items that are open and fell due after one moment and up
// to another, and all that are late by then.
func (r Reader) ReviewsLateSince(ctx context.Context, since, now time.Time) (fresh, all int, err error) {
	err = r.row(ctx, `SELECT COALESCE(SUM(CASE WHEN due > $1 THEN 1 ELSE 0 END), 0), COUNT(*) FROM review
		WHERE state IN ('waiting', 'second') AND due <= $2`, micros(since), micros(now)).Scan(&fresh, &all)
	return fresh, all, err
}

// Refusal is a kiosk's stream whose records are no longer merged.
type Refusal struct {
	Kiosk, Epoch, Code string
	At                 time.Time
}

// RefusalsSince lists the streams of kiosks that are not revoked that were last touched after a moment.
func (r Reader) RefusalsSince(ctx context.Context, since time.Time, limit int) ([]Refusal, error) {
	rows, err := r.rows(ctx, `SELECT s.kiosk, s.epoch, s.refused, s.updated FROM stream s JOIN kiosk k ON k.id = s.kiosk
		WHERE s.refused <> '' AND k.revoked = 0 AND s.updated > $1 ORDER BY s.updated, s.kiosk, s.epoch LIMIT $2`, micros(since), limit)
	return collect(rows, err, func(rows *sql.Rows) (Refusal, error) {
		var one Refusal
		var at int64
		err := rows.Scan(&one.Kiosk, &one.Epoch, &one.Code, &at)
		one.At = moment(at)
		return one, err
	})
}
