package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"vestibule/journey"
	"vestibule/sync/wire"
)

// OwnJournal is the session id under which a kiosk's own events are numbered: what
// happens between visits, and belongs to none.
const OwnJournal = ""

// keepOwn is how many events of its own journal a kiosk keeps.
const keepOwn = 1000

// Session is one row of the journal of visits.
type Session struct {
	ID         string
	Seq        uint64 // of its last event
	Policy     string
	Started    time.Time
	Ended      time.Time // zero: running
	Closed     bool      // nothing of the person is left here
	Submission string    // empty: none
}

// Open lists the sessions that were not cleared: none, or the one that a crash interrupted.
func (s *Store) Open(ctx context.Context) ([]Session, error) {
	rows, err := s.db.QueryContext(ctx,
		`SELECT id, seq, policy, started, ended, closed, submission FROM session WHERE closed = 0 ORDER BY started, id`)
	if err != nil {
		return nil, fmt.Errorf("store: open sessions: %w", plain(err))
	}
	defer rows.Close()
	var out []Session
	for rows.Next() {
		var x Session
		var started int64
		var ended sql.NullInt64
		if err := rows.Scan(&x.ID, &x.Seq, &x.Policy, &started, &ended, &x.Closed, &x.Submission); err != nil {
			return nil, fmt.Errorf("store: open sessions: %w", plain(err))
		}
		x.Started = time.UnixMicro(started).UTC()
		if ended.Valid {
			x.Ended = time.UnixMicro(ended.Int64).UTC()
		}
		out = append(out, x)
	}
	return out, plain(rows.Err())
}

// Arrived lists the pictures that have left the queue, which is when the centre has them, and are not marked so yet:
// what came between the two, a power cut or a full disk, left that undone.
func (s *Store) Arrived(ctx context.Context, limit int) ([]string, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT blob FROM evidence
		WHERE sealed IS NULL AND delivered = 0 AND blob NOT IN (SELECT blob FROM outbox_blob) LIMIT ?`, limit)
	if err != nil {
		return nil, fmt.Errorf("store: arrived pictures: %w", plain(err))
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var blob string
		if err := rows.Scan(&blob); err != nil {
			return nil, fmt.Errorf("store: arrived pictures: %w", plain(err))
		}
		out = append(out, blob)
	}
	return out, plain(rows.Err())
}

// StartedSince counts the visits begun after a moment.
func (s *Store) StartedSince(ctx context.Context, t time.Time) (int, error) {
	var n int
	err := s.db.QueryRowContext(ctx, `SELECT COUNT(*) FROM session WHERE started > ? AND id <> ''`, micro(t)).Scan(&n)
	return n, plain(err)
}

// ReadCheckpoint gives a session's checkpoint and when it was made; nil when there is none.
func (s *Store) ReadCheckpoint(ctx context.Context, session string) ([]byte, time.Time, error) {
	var sealed []byte
	var at int64
	err := s.db.QueryRowContext(ctx, `SELECT sealed, updated FROM checkpoint WHERE session = ?`, session).Scan(&sealed, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, time.Time{}, nil
	}
	return sealed, time.UnixMicro(at).UTC(), plain(err)
}

// Events gives a session's events in order.
func (s *Store) Events(ctx context.Context, session string) ([]journey.Event, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT body FROM event WHERE session = ? ORDER BY seq`, session)
	if err != nil {
		return nil, fmt.Errorf("store: events: %w", plain(err))
	}
	defer rows.Close()
	var out []journey.Event
	for rows.Next() {
		var body []byte
		if err := rows.Scan(&body); err != nil {
			return nil, fmt.Errorf("store: events: %w", plain(err))
		}
		var e journey.Event
		if err := wire.Unmarshal(body, &e); err != nil {
			return nil, fmt.Errorf("store: events: %w", err)
		}
		out = append(out, e)
	}
	return out, plain(rows.Err())
}

// Sessions gives the ids of all sessions, oldest first.
func (s *Store) Sessions(ctx context.Context) ([]string, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT id FROM session WHERE id <> '' ORDER BY started, id`)
	if err != nil {
		return nil, fmt.Errorf("store: sessions: %w", plain(err))
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("store: sessions: %w", plain(err))
		}
		out = append(out, id)
	}
	return out, plain(rows.Err())
}

// Snapshot is a submission as it lies here: sealed.
type Snapshot struct {
	ID, Session string
	Revision    int
	State       journey.SubmissionState
	Sealed      []byte
}

// Snapshots gives a session's submissions.
func (s *Store) Snapshots(ctx context.Context, session string) ([]Snapshot, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT id, session, revision, state, sealed FROM submission WHERE session = ?`, session)
	if err != nil {
		return nil, fmt.Errorf("store: snapshots: %w", plain(err))
	}
	defer rows.Close()
	var out []Snapshot
	for rows.Next() {
		var x Snapshot
		if err := rows.Scan(&x.ID, &x.Session, &x.Revision, &x.State, &x.Sealed); err != nil {
			return nil, fmt.Errorf("store: snapshots: %w", plain(err))
		}
		out = append(out, x)
	}
	return out, plain(rows.Err())
}

// Get gives a setting; nil when there is none.
func (s *Store) Get(ctx context.Context, name string) ([]byte, error) {
	var v []byte
	err := s.db.QueryRowContext(ctx, `SELECT value FROM setting WHERE name = ?`, name).Scan(&v)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return v, plain(err)
}

// LatestVerdict gives the last decision received for a submission.
func (s *Store) LatestVerdict(ctx context.Context, submission string) (journey.Verdict, bool, error) {
	var body []byte
	err := s.db.QueryRowContext(ctx,
		`SELECT body FROM verdict WHERE submission = ? ORDER BY received DESC, event DESC LIMIT 1`, submission).Scan(&body)
	if errors.Is(err, sql.ErrNoRows) {
		return journey.Verdict{}, false, nil
	}
	if err != nil {
		return journey.Verdict{}, false, plain(err)
	}
	var v journey.Verdict
	return v, true, wire.Unmarshal(body, &v)
}

// Prune deletes finished sessions that ended before a moment, with everything of
// theirs. What still waits for the centre is in the queue, which it leaves alone.
// Call it only when nothing waits: a session's journal is kept that long, so that
// staff can see what was done.
func (s *Store) Prune(ctx context.Context, before time.Time) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	res, err := s.db.ExecContext(ctx,
		`DELETE FROM session WHERE closed = 1 AND ended < ? AND id <> ''`, micro(before))
	if err != nil {
		return 0, fmt.Errorf("store: prune: %w", plain(err))
	}
	// The kiosk's own journal never ends; its last events are enough.
	if _, err := s.db.ExecContext(ctx, `DELETE FROM event WHERE session = '' AND seq <= (SELECT seq - ? FROM session WHERE id = '')`, keepOwn); err != nil {
		return 0, fmt.Errorf("store: prune: %w", plain(err))
	}
	n, err := res.RowsAffected()
	return int(n), err
}

// Waiting counts the submissions of which something is still in the queue. A
// submission travels as several snapshots; people count it once.
func (s *Store) Waiting(ctx context.Context) (int, error) {
	var n int
	err := s.db.QueryRowContext(ctx, `SELECT COUNT(DISTINCT id) FROM outbox_record WHERE kind = ?`, wire.KindSubmission).Scan(&n)
	return n, plain(err)
}

// Change is a session in which something happened, and the number of its last event in this file.
type Change struct {
	Session string
	Last    int64
}

// Changed gives the sessions that have events after a number, and the number to ask with next time. Without since
// it gives the newest sessions instead, limit of them at most. The kiosk's own journal is none of them.
func (s *Store) Changed(ctx context.Context, after int64, since bool, limit int) ([]Change, int64, error) {
	last := after
	query, args := `SELECT session, MAX(rowid) FROM event WHERE rowid > ? AND session <> '' GROUP BY session`, []any{after}
	if !since {
		query = `SELECT session, MAX(rowid) FROM event WHERE session IN (SELECT id FROM session WHERE id <> '' ORDER BY started DESC LIMIT ?) GROUP BY session`
		args = []any{limit}
		if err := s.db.QueryRowContext(ctx, `SELECT COALESCE(MAX(rowid), 0) FROM event`).Scan(&last); err != nil {
			return nil, 0, fmt.Errorf("store: changes: %w", plain(err))
		}
	}
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, 0, fmt.Errorf("store: changes: %w", plain(err))
	}
	defer rows.Close()
	var out []Change
	for rows.Next() {
		var c Change
		if err := rows.Scan(&c.Session, &c.Last); err != nil {
			return nil, 0, fmt.Errorf("store: changes: %w", plain(err))
		}
		out, last = append(out, c), max(last, c.Last)
	}
	return out, last, plain(rows.Err())
}
