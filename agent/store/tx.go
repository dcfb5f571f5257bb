package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"vestibule/journey"
	"vestibule/sync/wire"
)

// Tx is one transaction.
type Tx struct {
	ctx context.Context
	tx  *sql.Tx
	s   *Store
}

// Within gives our statements inside a transaction that somebody else began on
// this store's database: the queue, when it applies a command.
func (s *Store) Within(ctx context.Context, tx *sql.Tx) *Tx { return &Tx{ctx: ctx, tx: tx, s: s} }

// Begin makes a session. KioskSession needs none.
func (t *Tx) Begin(session, policy string, at time.Time) error {
	return t.exec("begin session", `INSERT INTO session (id, policy, started) VALUES (?, ?, ?)`, session, policy, micro(at))
}

// Record gives the event its number in its session, stores it, and queues it for
// the centre. ev.Session must have been begun; ev.Seq is set.
func (t *Tx) Record(ev *journey.Event) error {
	err := t.tx.QueryRowContext(t.ctx,
		`UPDATE session SET seq = seq + 1 WHERE id = ? RETURNING seq`, ev.Session).Scan(&ev.Seq)
	if err != nil {
		return fmt.Errorf("record %s: %w", ev.Name, err)
	}
	body, err := wire.Marshal(ev)
	if err != nil {
		return fmt.Errorf("record %s: %w", ev.Name, err)
	}
	if err := t.exec("record "+string(ev.Name),
		`INSERT INTO event (session, seq, id, name, body) VALUES (?, ?, ?, ?, ?)`,
		ev.Session, ev.Seq, ev.ID, string(ev.Name), body); err != nil {
		return err
	}
	if _, err := t.s.box.Append(t.ctx, t.tx, wire.KindEvent, ev.ID, body); err != nil {
		return fmt.Errorf("queue %s: %w", ev.Name, err)
	}
	return nil
}

// Ensure makes a session if it is not there: for events of the kiosk itself.
func (t *Tx) Ensure(session, policy string, at time.Time) error {
	return t.exec("ensure session",
		`INSERT INTO session (id, policy, started, ended, closed) VALUES (?, ?, ?, ?, 1) ON CONFLICT (id) DO NOTHING`,
		session, policy, micro(at), micro(at))
}

// Checkpoint replaces the session's checkpoint: what a crash goes back to.
func (t *Tx) Checkpoint(session string, sealed []byte, at time.Time) error {
	return t.exec("checkpoint",
		`INSERT INTO checkpoint (session, sealed, updated) VALUES (?, ?, ?)
		 ON CONFLICT (session) DO UPDATE SET sealed = excluded.sealed, updated = excluded.updated`,
		session, sealed, micro(at))
}

// Forget drops the session's checkpoint.
func (t *Tx) Forget(session string) error {
	return t.exec("forget checkpoint", `DELETE FROM checkpoint WHERE session = ?`, session)
}

// Submit stores a sealed snapshot and queues it, together with the pictures of
// its manifest that were not queued before.
func (t *Tx) Submit(body wire.SubmissionBody, state journey.SubmissionState, at time.Time) error {
	rows, err := t.tx.QueryContext(t.ctx, `SELECT id, sealed FROM evidence WHERE session = ? AND sealed IS NOT NULL`, body.Session)
	if err != nil {
		return fmt.Errorf("submit: %w", err)
	}
	type waiting struct {
		id     string
		sealed []byte
	}
	var pictures []waiting
	for rows.Next() {
		var w waiting
		if err := rows.Scan(&w.id, &w.sealed); err != nil {
			return errors.Join(fmt.Errorf("submit: %w", err), rows.Close())
		}
		pictures = append(pictures, w)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return fmt.Errorf("submit: %w", err)
	}
	for _, p := range pictures {
		if _, err := t.s.box.AppendBlob(t.ctx, t.tx, p.sealed); err != nil {
			return fmt.Errorf("queue evidence: %w", err)
		}
		if err := t.exec("queue evidence", `UPDATE evidence SET sealed = NULL WHERE id = ?`, p.id); err != nil {
			return err
		}
	}
	if err := t.exec("submit",
		`INSERT INTO submission (id, session, revision, state, sealed, updated) VALUES (?, ?, ?, ?, ?, ?)
		 ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, state = excluded.state,
		 sealed = excluded.sealed, updated = excluded.updated`,
		body.Submission, body.Session, body.Revision, string(state), body.Sealed, micro(at)); err != nil {
		return err
	}
	if err := t.exec("submit", `UPDATE session SET submission = ? WHERE id = ?`, body.Submission, body.Session); err != nil {
		return err
	}
	encoded, err := wire.EncodeSubmission(body)
	if err != nil {
		return fmt.Errorf("submit: %w", err)
	}
	if _, err := t.s.box.Append(t.ctx, t.tx, wire.KindSubmission, body.Submission, encoded); err != nil {
		return fmt.Errorf("queue submission: %w", err)
	}
	return nil
}

// Keep stores a sealed picture until a submission names it. It fills in the
// manifest's size and hash.
func (t *Tx) Keep(session, submission string, e *journey.Evidence, sealed []byte) error {
	sum := sha256.Sum256(sealed)
	e.Blob, e.Size = hex.EncodeToString(sum[:]), int64(len(sealed))
	manifest, err := wire.Marshal(e)
	if err != nil {
		return fmt.Errorf("keep evidence: %w", err)
	}
	return t.exec("keep evidence",
		`INSERT INTO evidence (id, session, submission, manifest, blob, sealed) VALUES (?, ?, ?, ?, ?, ?)`,
		e.ID, session, submission, manifest, e.Blob, sealed)
}

// End marks a session's end: its checkpoint goes, and pictures that no submission
// named go with it.
func (t *Tx) End(session string, at time.Time) error {
	for _, q := range []string{
		`DELETE FROM checkpoint WHERE session = ?`,
		`DELETE FROM evidence WHERE session = ? AND sealed IS NOT NULL`,
	} {
		if err := t.exec("end session", q, session); err != nil {
			return err
		}
	}
	return t.exec("end session", `UPDATE session SET ended = ? WHERE id = ? AND ended IS NULL`, micro(at), session)
}

// Cleared marks that nothing of the session's person is left on this kiosk.
func (t *Tx) Cleared(session string) error {
	return t.exec("clear session", `UPDATE session SET closed = 1 WHERE id = ?`, session)
}

// Delivered marks pictures that the centre has, and says which they were.
func (t *Tx) Delivered(blob string) (session, submission string, e journey.Evidence, err error) {
	var manifest []byte
	err = t.tx.QueryRowContext(t.ctx,
		`UPDATE evidence SET delivered = 1 WHERE blob = ? AND delivered = 0 RETURNING session, submission, manifest`,
		blob).Scan(&session, &submission, &manifest)
	if err != nil {
		return "", "", e, fmt.Errorf("delivered: %w", err)
	}
	return session, submission, e, wire.Unmarshal(manifest, &e)
}

// Put stores a setting.
func (t *Tx) Put(name string, value []byte, at time.Time) error {
	return t.exec("put setting",
		`INSERT INTO setting (name, value, updated) VALUES (?, ?, ?)
		 ON CONFLICT (name) DO UPDATE SET value = excluded.value, updated = excluded.updated`,
		name, value, micro(at))
}

// Get gives a setting as it stands in this transaction; nil when there is none.
func (t *Tx) Get(name string) ([]byte, error) {
	var v []byte
	err := t.tx.QueryRowContext(t.ctx, `SELECT value FROM setting WHERE name = ?`, name).Scan(&v)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return v, plain(err)
}

// Verdict stores a decision of the centre. It is false when it was here before.
func (t *Tx) Verdict(v journey.Verdict, at time.Time) (bool, error) {
	body, err := wire.Marshal(v)
	if err != nil {
		return false, fmt.Errorf("store verdict: %w", err)
	}
	res, err := t.tx.ExecContext(t.ctx,
		`INSERT INTO verdict (event, submission, session, body, received) VALUES (?, ?, ?, ?, ?)
		 ON CONFLICT (event) DO NOTHING`, v.Event, v.Submission, v.Session, body, micro(at))
	if err != nil {
		return false, fmt.Errorf("store verdict: %w", err)
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// Knows says whether a session is in this store.
func (t *Tx) Knows(session string) (bool, error) {
	var n int
	err := t.tx.QueryRowContext(t.ctx, `SELECT COUNT(*) FROM session WHERE id = ?`, session).Scan(&n)
	return n > 0, err
}

func (t *Tx) exec(doing, query string, args ...any) error {
	if _, err := t.tx.ExecContext(t.ctx, query, args...); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

func micro(t time.Time) int64 { return t.UnixMicro() }
