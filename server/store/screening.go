package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Cleared is a pair of a person and a list's entry that somebody found to be two people.
type Cleared struct {
	Person     string // keyed hash of the data that are compared
	Source     string
	Entity     string
	Hash       string // of the entry
	Submission string
	Who        string
	Why        []byte // encrypted
	At         time.Time
}

const clearedColumns = `person, source, entity, hash, submission, who, why, at`

func scanCleared(rows *sql.Rows) (Cleared, error) {
	var c Cleared
	var at int64
	err := rows.Scan(&c.Person, &c.Source, &c.Entity, &c.Hash, &c.Submission, &c.Who, &c.Why, &at)
	c.At = moment(at)
	return c, err
}

// Clear notes a pair. What was noted of it before is overwritten.
func (t *Tx) Clear(ctx context.Context, c Cleared) error {
	if _, err := t.exec(ctx, `INSERT INTO list_cleared (`+clearedColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (person, source, entity, hash) DO UPDATE SET submission = excluded.submission, who = excluded.who, why = excluded.why, at = excluded.at`,
		c.Person, c.Source, c.Entity, c.Hash, c.Submission, c.Who, c.Why, micros(c.At)); err != nil {
		return fmt.Errorf("clear a pair: %w", err)
	}
	return nil
}

// Unclear takes back that a person is not an entry, whatever state of it; it reports
// whether anything was noted.
func (t *Tx) Unclear(ctx context.Context, person, source, entity string) (bool, error) {
	n, err := t.exec(ctx, `DELETE FROM list_cleared WHERE person = $1 AND source = $2 AND entity = $3`, person, source, entity)
	if err != nil {
		return false, fmt.Errorf("take back a cleared pair: %w", err)
	}
	return n > 0, nil
}

// ClearedFor gives the pairs of a person.
func (r Reader) ClearedFor(ctx context.Context, person string) ([]Cleared, error) {
	rows, err := r.rows(ctx, `SELECT `+clearedColumns+` FROM list_cleared WHERE person = $1 ORDER BY source, entity, hash`, person)
	return collect(rows, err, scanCleared)
}

// AllCleared gives the newest pairs, the newest first.
func (r Reader) AllCleared(ctx context.Context, limit int) ([]Cleared, error) {
	rows, err := r.rows(ctx, `SELECT `+clearedColumns+` FROM list_cleared ORDER BY at DESC, submission, entity LIMIT $1`, limit)
	return collect(rows, err, scanCleared)
}

// Rescreening is how far screening everybody again has come, after a list came into force.
type Rescreening struct {
	Snapshot string
	Base     string // what is new is new against this; empty: everything is
	Created  time.Time
	Last     string // the last submission that was looked at, with when it was created
	People   int
	Hits     int
	Begun    time.Time
	Ended    time.Time
}

const rescreenColumns = `snapshot, base, created, last, people, hits, begun, ended`

func scanRescreening(scan func(...any) error) (Rescreening, error) {
	var s Rescreening
	var created, begun, ended int64
	err := scan(&s.Snapshot, &s.Base, &created, &s.Last, &s.People, &s.Hits, &begun, &ended)
	s.Created, s.Begun, s.Ended = moment(created), moment(begun), moment(ended)
	return s, none(err)
}

// BeginRescreening begins screening everybody again against what a snapshot has that the
// one before has not. Where that one was not through, what was new in it stays new.
func (t *Tx) BeginRescreening(ctx context.Context, snapshot, before string, now time.Time) error {
	base := before
	if last, err := t.Rescreening(ctx, before); err == nil && last.Ended.IsZero() {
		base = last.Base
		if err := t.EndRescreening(ctx, before, now); err != nil {
			return err
		}
	}
	if _, err := t.exec(ctx, `INSERT INTO list_rescreen (snapshot, base, begun) VALUES ($1, $2, $3)
		ON CONFLICT (snapshot) DO UPDATE SET base = excluded.base, begun = excluded.begun, created = 0, last = '', people = 0, hits = 0, ended = 0`,
		snapshot, base, micros(now)); err != nil {
		return fmt.Errorf("begin to screen again: %w", err)
	}
	return nil
}

// SaveRescreening notes how far it has come, unless it was begun anew since.
func (t *Tx) SaveRescreening(ctx context.Context, s Rescreening) error {
	if _, err := t.exec(ctx, `UPDATE list_rescreen SET created = $3, last = $4, people = $5, hits = $6 WHERE snapshot = $1 AND begun = $2`,
		s.Snapshot, micros(s.Begun), micros(s.Created), s.Last, s.People, s.Hits); err != nil {
		return fmt.Errorf("note how far screening again has come: %w", err)
	}
	return nil
}

// EndRescreening notes that it is through, or superseded.
func (t *Tx) EndRescreening(ctx context.Context, snapshot string, now time.Time) error {
	if _, err := t.exec(ctx, `UPDATE list_rescreen SET ended = $2 WHERE snapshot = $1 AND ended = 0`, snapshot, micros(now)); err != nil {
		return fmt.Errorf("end screening again: %w", err)
	}
	return nil
}

// Rescreening finds the one for a snapshot.
func (r Reader) Rescreening(ctx context.Context, snapshot string) (Rescreening, error) {
	return scanRescreening(r.row(ctx, `SELECT `+rescreenColumns+` FROM list_rescreen WHERE snapshot = $1`, snapshot).Scan)
}

// NewEntities gives the ids of a snapshot's entries that another does not have, or has
// with another content.
func (r Reader) NewEntities(ctx context.Context, snapshot, base string) (map[string]bool, error) {
	rows, err := r.rows(ctx, `SELECT n.id FROM list_entity n LEFT JOIN list_entity o ON o.snapshot = $2 AND o.id = n.id
		WHERE n.snapshot = $1 AND (o.id IS NULL OR o.hash <> n.hash)`, snapshot, base)
	if err != nil {
		return nil, fmt.Errorf("compare lists: %w", err)
	}
	defer rows.Close()
	ids := map[string]bool{}
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("compare lists: %w", err)
		}
		ids[id] = true
	}
	return ids, rows.Err()
}

// DecidedAfter gives submissions that are approved or held, in the order in which they
// were created, after one of them.
func (r Reader) DecidedAfter(ctx context.Context, created time.Time, id string, limit int) ([]Submission, error) {
	rows, err := r.rows(ctx, `SELECT `+listColumns+` FROM submission WHERE (created, id) > ($1, $2) AND decision IN ('APPROVED', 'PENDING') AND stand <> 'erased'
		ORDER BY created, id LIMIT $3`, micros(created), id, limit)
	return collect(rows, err, scanSubmissionRow)
}

// Hit says that a person who was decided on resembles an entry that is new since.
type Hit struct {
	Submission string
	Source     string
	Entity     string
	Hash       string
	Snapshot   string
	Score      float64
	Event      string
	At         time.Time
}

// AddHit notes a hit; it reports whether it was new.
func (t *Tx) AddHit(ctx context.Context, h Hit) (bool, error) {
	n, err := t.exec(ctx, `INSERT INTO list_hit (submission, source, entity, hash, snapshot, score, event, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING`,
		h.Submission, h.Source, h.Entity, h.Hash, h.Snapshot, h.Score, h.Event, micros(h.At))
	if err != nil {
		return false, fmt.Errorf("note a hit: %w", err)
	}
	return n > 0, nil
}

// CloseHits closes the hits of a submission on an entry.
func (t *Tx) CloseHits(ctx context.Context, submission, source, entity string, now time.Time) error {
	if _, err := t.exec(ctx, `UPDATE list_hit SET closed = $4 WHERE submission = $1 AND source = $2 AND entity = $3 AND closed = 0`,
		submission, source, entity, micros(now)); err != nil {
		return fmt.Errorf("close hits: %w", err)
	}
	return nil
}

// OpenHits gives the hits that nobody has cleared, the oldest first.
func (r Reader) OpenHits(ctx context.Context, limit int) ([]Hit, error) {
	rows, err := r.rows(ctx, `SELECT submission, source, entity, hash, snapshot, score, event, at FROM list_hit WHERE closed = 0 ORDER BY at, submission, entity LIMIT $1`, limit)
	return collect(rows, err, func(rows *sql.Rows) (Hit, error) {
		var h Hit
		var at int64
		err := rows.Scan(&h.Submission, &h.Source, &h.Entity, &h.Hash, &h.Snapshot, &h.Score, &h.Event, &at)
		h.At = moment(at)
		return h, err
	})
}
