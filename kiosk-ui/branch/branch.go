// Package branch shows the people of a branch how its kiosks stand, without the line to the centre: who is there,
// what is wrong, what waits, the day's journeys and what was decided. It listens at the branch's box to what kiosks
// show of themselves, which holds no personal data, and it has no key that opens evidence.
//
// What a kiosk shows of its journeys is signed by it and believed only with a certificate of the operator's authority.
// Its presence and conditions are not signed: the box vouches for them, which lets each kiosk write its own. A box that
// is in bad hands can hold back or repeat what it heard, and cannot make journeys up.
//
// What may live here: listening, keeping, the page. What may not: anything that a kiosk or the centre heeds.
package branch

import (
	"context"
	"crypto/x509"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	_ "github.com/mattn/go-sqlite3" // what was seen is kept in it

	"vestibule/sync/wire"
)

// Bounds of what is kept. The oldest visits go first; a kiosk beyond the bound is not noted.
const (
	mostKiosks = 500
	mostVisits = 20_000
)

const file = "branch.db"

const schema = `
CREATE TABLE IF NOT EXISTS branch (
	one    INTEGER PRIMARY KEY CHECK (one = 1),
	name   TEXT    NOT NULL DEFAULT '',
	box    INTEGER NOT NULL DEFAULT 0, -- 1: connected to the box
	since  INTEGER NOT NULL DEFAULT 0, -- of box's last change
	code   TEXT    NOT NULL DEFAULT '', -- why it is not connected
	centre TEXT    NOT NULL DEFAULT '', -- wire.BridgeUp or wire.BridgeDown, as the box said last
	turned INTEGER NOT NULL DEFAULT 0, -- centre's last change
	alive  INTEGER NOT NULL DEFAULT 0  -- when the view last noted that it runs
) STRICT;
INSERT OR IGNORE INTO branch (one) VALUES (1);
CREATE TABLE IF NOT EXISTS kiosk (
	name     TEXT    PRIMARY KEY,
	state    BLOB,                        -- wire.State, as it came
	told     INTEGER NOT NULL DEFAULT 0,  -- when state came
	heard    INTEGER NOT NULL DEFAULT 0,  -- when anything came that was not kept for us by the box
	standing BLOB,                        -- wire.Standing without its journeys, JSON
	shown    INTEGER NOT NULL DEFAULT 0,  -- when standing came
	skew     INTEGER NOT NULL DEFAULT 0,  -- our clock minus the kiosk's, microseconds
	doubt    TEXT    NOT NULL DEFAULT ''  -- why the last standing was not believed
) STRICT;
CREATE TABLE IF NOT EXISTS visit (
	session TEXT    PRIMARY KEY,
	kiosk   TEXT    NOT NULL,
	started INTEGER NOT NULL,             -- kiosk's clock
	body    BLOB    NOT NULL              -- wire.Visit, JSON
) STRICT;
CREATE INDEX IF NOT EXISTS visit_kiosk ON visit (kiosk, started);
`

// Book is what the view keeps.
type Book struct {
	db    *sql.DB
	trust func(*x509.Certificate) error
}

// Open opens the book in a folder, which is made if it is not there. expected are the kiosks that the branch is known to
// have; trust judges a kiosk's certificate.
func Open(ctx context.Context, dir, name string, expected []string, trust func(*x509.Certificate) error) (*Book, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open the branch's book: %w", err)
	}
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(dir, file)+"?_journal_mode=WAL&_busy_timeout=5000&_txlock=immediate")
	if err != nil {
		return nil, fmt.Errorf("open the branch's book: %w", err)
	}
	db.SetMaxOpenConns(1)
	b := &Book{db: db, trust: trust}
	err = b.exec(ctx, schema)
	if err == nil {
		err = b.exec(ctx, `UPDATE branch SET name = ?`, name)
	}
	for _, k := range expected {
		if err == nil && wire.CheckName(k) == nil {
			err = b.exec(ctx, `INSERT OR IGNORE INTO kiosk (name) VALUES (?)`, k)
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the branch's book: %w", err), db.Close())
	}
	return b, nil
}

// Read opens the book of a view that runs, or ran, for reading only.
func Read(dir string) (*Book, error) {
	path := filepath.Join(dir, file)
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("open the branch's book: %w", err)
	}
	db, err := sql.Open("sqlite3", "file:"+path+"?mode=ro&_busy_timeout=5000")
	if err != nil {
		return nil, fmt.Errorf("open the branch's book: %w", err)
	}
	return &Book{db: db}, nil
}

// Close closes it.
func (b *Book) Close() error { return b.db.Close() }

func (b *Book) exec(ctx context.Context, query string, args ...any) error {
	_, err := b.db.ExecContext(ctx, query, args...)
	return err
}

// connected notes that the box is reached, or why not.
func (b *Book) connected(ctx context.Context, up bool, code string, now time.Time) error {
	return b.exec(ctx, `UPDATE branch SET since = CASE WHEN box = ?1 THEN since ELSE ?3 END, box = ?1, code = ?2, alive = ?3`, up, code, now.UnixMicro())
}

// take notes one message. kept says that the box had it in store for whoever comes. What cannot be read or believed is
// noted as such and changes nothing else; the error is the book's own.
func (b *Book) take(ctx context.Context, topic string, payload []byte, kept bool, now time.Time) error {
	lane, name, err := wire.ParseTopic(topic)
	if err != nil {
		return nil
	}
	switch lane {
	case wire.LaneBridge:
		word := string(payload)
		if word != wire.BridgeUp && word != wire.BridgeDown {
			return nil
		}
		return b.exec(ctx, `UPDATE branch SET turned = CASE WHEN centre = ?1 THEN turned ELSE ?2 END, centre = ?1`, word, now.UnixMicro())
	case wire.LaneState, wire.LaneView:
	default:
		return nil
	}
	// A stranger that the box let in takes no room beyond the bound.
	if err := b.exec(ctx, `INSERT OR IGNORE INTO kiosk (name) SELECT ?1 WHERE (SELECT count(*) FROM kiosk) < ?2`, name, mostKiosks); err != nil {
		return err
	}
	if lane == wire.LaneState {
		return b.state(ctx, name, payload, kept, now)
	}
	s, err := wire.VerifyStanding(payload, name, b.trust)
	if err != nil {
		return b.exec(ctx, `UPDATE kiosk SET doubt = ? WHERE name = ?`, doubt(err), name)
	}
	return b.standing(ctx, s, kept, now)
}

// doubt says why a standing was not believed.
func doubt(err error) string {
	if errors.Is(err, wire.ErrSignature) {
		return "signature"
	}
	return "malformed"
}

// heard notes a sign of life that the box did not merely have in store.
func (b *Book) heard(ctx context.Context, name string, kept bool, now time.Time) error {
	if kept {
		return nil
	}
	return b.exec(ctx, `UPDATE kiosk SET heard = ? WHERE name = ?`, now.UnixMicro(), name)
}

func (b *Book) state(ctx context.Context, name string, payload []byte, kept bool, now time.Time) error {
	s, err := wire.DecodeState(payload)
	if err != nil || s.Kiosk != name {
		return nil
	}
	if !s.Online {
		// The end of an earlier connection says nothing of the present one.
		var before []byte
		if err := b.db.QueryRowContext(ctx, `SELECT state FROM kiosk WHERE name = ?`, name).Scan(&before); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if birth, err := wire.DecodeState(before); err == nil && birth.Online && birth.Session != s.Session {
			return nil
		}
	}
	if err := b.exec(ctx, `UPDATE kiosk SET state = ?, told = ? WHERE name = ?`, payload, now.UnixMicro(), name); err != nil || !s.Online {
		return err
	}
	return b.heard(ctx, name, kept, now)
}

func (b *Book) standing(ctx context.Context, s wire.Standing, kept bool, now time.Time) error {
	tx, err := b.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // after a commit this does nothing
	for _, v := range s.Visits {
		body, err := json.Marshal(v)
		if err != nil {
			return err
		}
		// A journey is its kiosk's: no other can speak of it.
		if _, err := tx.ExecContext(ctx, `INSERT INTO visit (session, kiosk, started, body) VALUES (?, ?, ?, ?)
			ON CONFLICT (session) DO UPDATE SET started = excluded.started, body = excluded.body WHERE kiosk = excluded.kiosk`,
			v.Session, s.Kiosk, v.Started.UnixMicro(), body); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM visit WHERE session IN (SELECT session FROM visit ORDER BY started DESC LIMIT -1 OFFSET ?)`, mostVisits); err != nil {
		return err
	}
	at := s.At
	s.Visits = nil
	body, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE kiosk SET standing = ?, shown = ?, doubt = '' WHERE name = ?`, body, now.UnixMicro(), s.Kiosk); err != nil {
		return err
	}
	if !kept { // how long the box had the other kind is not known
		if _, err := tx.ExecContext(ctx, `UPDATE kiosk SET skew = ? WHERE name = ?`, now.Sub(at).Microseconds(), s.Kiosk); err != nil {
			return err
		}
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	return b.heard(ctx, s.Kiosk, kept, now)
}
