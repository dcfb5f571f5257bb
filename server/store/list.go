package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Snapshot is one imported state of a list. Its content never changes.
type Snapshot struct {
	ID        string
	Kind      string // the list's source: one snapshot of each is in force
	Meta      []byte // what the importer knows of the list as a whole, JSON
	Entities  int
	Imported  time.Time // for the first time
	Confirmed time.Time // when this was last found to be the publisher's newest
	Previous  string    // what it took the place of, when it last came into force
	Active    bool
}

// ListEntity is one entry of a snapshot.
type ListEntity struct {
	ID   string
	Hash string
	Body []byte
}

// listBatch is how many entries are stored in one transaction: others who write wait for no more.
const listBatch = 2000

// SaveSnapshot stores a list as imported, in many short transactions, and does not put
// it in force. What an earlier attempt left is completed: the id names the content.
func (s *Store) SaveSnapshot(ctx context.Context, one Snapshot, entities []ListEntity) error {
	if err := s.Write(ctx, func(tx *Tx) error {
		_, err := tx.exec(ctx, `INSERT INTO list_snapshot (id, kind, meta, entities, imported, active, complete) VALUES ($1, $2, $3, $4, $5, 0, 0) ON CONFLICT (id) DO NOTHING`,
			one.ID, one.Kind, one.Meta, len(entities), micros(one.Imported))
		return err
	}); err != nil {
		return fmt.Errorf("store list: %w", err)
	}
	for at := 0; at < len(entities); at += listBatch {
		if err := s.Write(ctx, func(tx *Tx) error {
			stmt, err := tx.prepare(ctx, `INSERT INTO list_entity (snapshot, id, hash, body) VALUES ($1, $2, $3, $4) ON CONFLICT (snapshot, id) DO NOTHING`)
			if err != nil {
				return err
			}
			defer stmt.Close()
			for _, e := range entities[at:min(at+listBatch, len(entities))] {
				if _, err := stmt.ExecContext(ctx, one.ID, e.ID, e.Hash, e.Body); err != nil {
					return fmt.Errorf("entry %s: %w", e.ID, err)
				}
			}
			return nil
		}); err != nil {
			return fmt.Errorf("store list: %w", err)
		}
	}
	if err := s.Write(ctx, func(tx *Tx) error {
		_, err := tx.exec(ctx, `UPDATE list_snapshot SET complete = 1 WHERE id = $1`, one.ID)
		return err
	}); err != nil {
		return fmt.Errorf("store list: %w", err)
	}
	return nil
}

// ActivateSnapshot puts a stored snapshot in force in the place of whichever was for
// its kind, whose id it gives; the same id when it was in force already.
func (t *Tx) ActivateSnapshot(ctx context.Context, id string, at time.Time) (previous string, err error) {
	var kind string
	if err := none(t.row(ctx, `SELECT kind FROM list_snapshot WHERE id = $1 AND complete = 1`, id).Scan(&kind)); err != nil {
		return "", fmt.Errorf("put list in force: %w", err)
	}
	if err := t.row(ctx, `SELECT COALESCE(MAX(id), '') FROM list_snapshot WHERE kind = $1 AND active = 1`, kind).Scan(&previous); err != nil {
		return "", fmt.Errorf("put list in force: %w", err)
	}
	if previous != id {
		if _, err := t.exec(ctx, `UPDATE list_snapshot SET active = 0 WHERE kind = $1`, kind); err != nil {
			return "", fmt.Errorf("put list in force: %w", err)
		}
		if _, err := t.exec(ctx, `UPDATE list_snapshot SET active = 1, previous = $2 WHERE id = $1`, id, previous); err != nil {
			return "", fmt.Errorf("put list in force: %w", err)
		}
	}
	return previous, t.ConfirmSnapshot(ctx, id, at)
}

// ConfirmSnapshot notes that the publisher's newest is still this.
func (t *Tx) ConfirmSnapshot(ctx context.Context, id string, at time.Time) error {
	if _, err := t.exec(ctx, `UPDATE list_snapshot SET confirmed = $2 WHERE id = $1`, id, micros(at)); err != nil {
		return fmt.Errorf("confirm list: %w", err)
	}
	return nil
}

// WithdrawSnapshot takes a kind's list out of force, and gives the id that it had, or
// ErrNotFound. The snapshot stays: decisions refer to it.
func (t *Tx) WithdrawSnapshot(ctx context.Context, kind string) (id string, err error) {
	if err := none(t.row(ctx, `UPDATE list_snapshot SET active = 0 WHERE kind = $1 AND active = 1 RETURNING id`, kind).Scan(&id)); err != nil {
		return "", fmt.Errorf("withdraw list: %w", err)
	}
	return id, nil
}

// PruneSnapshots deletes the entries of snapshots that are not in force and that were
// confirmed before a time, and gives their ids. The snapshots stay without them.
func (s *Store) PruneSnapshots(ctx context.Context, before time.Time) ([]string, error) {
	rows, err := s.Read().rows(ctx, `SELECT id FROM list_snapshot WHERE active = 0 AND complete = 1 AND confirmed < $1 ORDER BY id`, micros(before))
	ids, err := collect(rows, err, func(rows *sql.Rows) (id string, err error) { return id, rows.Scan(&id) })
	if err != nil {
		return nil, fmt.Errorf("find old lists: %w", err)
	}
	for i, id := range ids {
		if err := s.Write(ctx, func(tx *Tx) error {
			n, err := tx.exec(ctx, `UPDATE list_snapshot SET complete = 0 WHERE id = $1 AND active = 0`, id)
			if err != nil || n == 0 { // in force again meanwhile
				return err
			}
			_, err = tx.exec(ctx, `DELETE FROM list_entity WHERE snapshot = $1`, id)
			return err
		}); err != nil {
			return ids[:i], fmt.Errorf("prune list: %w", err)
		}
	}
	return ids, nil
}

const snapshotColumns = `id, kind, meta, entities, imported, confirmed, previous, active`

func scanSnapshot(scan func(...any) error) (Snapshot, error) {
	var s Snapshot
	var imported, confirmed, active int64
	err := scan(&s.ID, &s.Kind, &s.Meta, &s.Entities, &imported, &confirmed, &s.Previous, &active)
	s.Imported, s.Confirmed, s.Active = moment(imported), moment(confirmed), active != 0
	return s, none(err)
}

// ActiveSnapshots lists the snapshots in force, by kind.
func (r Reader) ActiveSnapshots(ctx context.Context) ([]Snapshot, error) {
	rows, err := r.rows(ctx, `SELECT `+snapshotColumns+` FROM list_snapshot WHERE active = 1 ORDER BY kind, id`)
	return collect(rows, err, func(rows *sql.Rows) (Snapshot, error) { return scanSnapshot(rows.Scan) })
}

// ActiveSnapshot finds the one of a kind.
func (r Reader) ActiveSnapshot(ctx context.Context, kind string) (Snapshot, error) {
	return scanSnapshot(r.row(ctx, `SELECT `+snapshotColumns+` FROM list_snapshot WHERE active = 1 AND kind = $1`, kind).Scan)
}

// Snapshot finds a snapshot, in force or not.
func (r Reader) Snapshot(ctx context.Context, id string) (Snapshot, error) {
	return scanSnapshot(r.row(ctx, `SELECT `+snapshotColumns+` FROM list_snapshot WHERE id = $1`, id).Scan)
}

// EachListEntity hands the entries of a snapshot to take, in the order of their ids.
func (r Reader) EachListEntity(ctx context.Context, snapshot string, take func(ListEntity) error) error {
	rows, err := r.rows(ctx, `SELECT id, hash, body FROM list_entity WHERE snapshot = $1 ORDER BY id`, snapshot)
	if err != nil {
		return fmt.Errorf("read list: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var e ListEntity
		if err := rows.Scan(&e.ID, &e.Hash, &e.Body); err != nil {
			return fmt.Errorf("read list: %w", err)
		}
		if err := take(e); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read list: %w", err)
	}
	return nil
}

// ListEntity finds one entry of a snapshot.
func (r Reader) ListEntity(ctx context.Context, snapshot, id string) (ListEntity, error) {
	e := ListEntity{ID: id}
	err := none(r.row(ctx, `SELECT hash, body FROM list_entity WHERE snapshot = $1 AND id = $2`, snapshot, id).Scan(&e.Hash, &e.Body))
	return e, err
}

// Audited is one line of the audit.
type Audited struct {
	At     time.Time
	Who    string
	What   string
	Target string
}

// Audits gives the newest lines of the audit whose What begins with a word, the newest first.
func (r Reader) Audits(ctx context.Context, what string, limit int) ([]Audited, error) {
	rows, err := r.rows(ctx, `SELECT at, who, what, target FROM audit WHERE what >= $1 AND what < $2 ORDER BY at DESC, id DESC LIMIT $3`, what, what+"\x7f", limit)
	return collect(rows, err, func(rows *sql.Rows) (Audited, error) {
		var a Audited
		var at int64
		err := rows.Scan(&at, &a.Who, &a.What, &a.Target)
		a.At = moment(at)
		return a, err
	})
}

func (t *Tx) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	return t.q.(*sql.Tx).PrepareContext(ctx, t.sql(query))
}
