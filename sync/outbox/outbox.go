// Package outbox is a kiosk's queue to the centre, in the same SQLite file as
// everything else the kiosk keeps, so that a change and the record of it are one
// transaction. It numbers records without gaps, chains them, holds sealed blobs,
// deletes nothing before the centre's database has it, and remembers which of the
// centre's commands were applied.
//
// What may live here: tables and statements of that queue. What may not: sending,
// and what a record means.
package outbox

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"vestibule/sync/wire"
)

// Errors of the queue.
var (
	ErrFull     = errors.New("the kiosk's storage is full") // nothing of the transaction was kept
	ErrNoEpoch  = errors.New("the outbox has no epoch: its file was not opened with Open")
	ErrKiosk    = errors.New("the outbox belongs to another kiosk")
	ErrAhead    = errors.New("the centre acknowledges records that were never made here")
	ErrForked   = errors.New("the centre holds other records under the same numbers")
	ErrGap      = errors.New("a command is missing before this one")
	ErrNoBlob   = errors.New("no such blob waits here")
	ErrTooLarge = errors.New("record or blob larger than a frame can carry")
	ErrDamaged  = errors.New("the outbox's numbers have a gap: its file is damaged")
)

// Outbox is one kiosk's queue. Its methods may be called from several goroutines.
type Outbox struct {
	db    *sql.DB
	kiosk string
	now   func() time.Time
}

// Position is where the queue stands.
type Position struct {
	Epoch  string
	Acked  uint64 // highest record that the centre has
	Last   uint64 // highest record made
	Head   []byte // chain value after Last
	Base   []byte // chain value after Acked
	Cursor uint64 // last command applied
}

// Batch is a run of records without gaps.
type Batch struct {
	Epoch   string
	Records []wire.Record
	Head    []byte // chain value after the last record, or after `after` when there is none
	Cursor  uint64
	Bytes   int // bound of the encoded size
}

// Acked is what an acknowledgement did.
type Acked struct {
	Records int      // deleted
	Blobs   []string // deleted, whole at the centre
	High    uint64   // acknowledged now
}

// Blob is sealed bytes that wait.
type Blob struct {
	Num  int64  // goes up with age; may be given again once its blob has gone
	ID   string // SHA-256, hex
	Size int64
	Have int64 // the centre has so much of it
}

// Stats is what waits.
type Stats struct {
	Position
	Records     int
	Submissions int // records of wire.KindSubmission among them
	Bytes       int64
	Oldest      time.Time // zero when nothing waits
	Blobs       int
	BlobBytes   int64
	Quarantined int   // commands that could not be applied
	Used, Limit int64 // bytes of the file, free pages not counted, and its bound; Limit 0: none
}

// Schema makes the tables of the queue. It may run again on a file that has them.
const Schema = `
CREATE TABLE IF NOT EXISTS outbox_state (
	one    INTEGER PRIMARY KEY CHECK (one = 1),
	kiosk  TEXT    NOT NULL,
	epoch  TEXT    NOT NULL,
	last   INTEGER NOT NULL DEFAULT 0, -- highest record made
	acked  INTEGER NOT NULL DEFAULT 0, -- highest record that the centre has
	head   BLOB    NOT NULL,           -- chain value after last
	base   BLOB    NOT NULL,           -- chain value after acked
	cursor INTEGER NOT NULL DEFAULT 0  -- last command applied
) STRICT;
CREATE TABLE IF NOT EXISTS outbox_record (
	seq  INTEGER PRIMARY KEY,
	kind INTEGER NOT NULL,
	id   TEXT    NOT NULL,
	body BLOB    NOT NULL,
	head BLOB    NOT NULL, -- chain value after this record
	made INTEGER NOT NULL  -- unix milliseconds
) STRICT;
CREATE TABLE IF NOT EXISTS outbox_blob (
	num  INTEGER PRIMARY KEY,
	blob TEXT    NOT NULL UNIQUE,
	size INTEGER NOT NULL,
	have INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE IF NOT EXISTS outbox_chunk (
	blob INTEGER NOT NULL REFERENCES outbox_blob(num) ON DELETE CASCADE,
	part INTEGER NOT NULL,
	data BLOB    NOT NULL,
	UNIQUE (blob, part)
) STRICT;
CREATE TABLE IF NOT EXISTS outbox_quarantine (
	seq    INTEGER PRIMARY KEY,
	kind   INTEGER NOT NULL,
	id     TEXT    NOT NULL,
	body   BLOB    NOT NULL,
	reason TEXT    NOT NULL,
	made   INTEGER NOT NULL
) STRICT;
`

// Migrate makes the tables.
func Migrate(ctx context.Context, db *sql.DB) error {
	if _, err := db.ExecContext(ctx, Schema); err != nil {
		return fail("make tables", err)
	}
	return nil
}

// Option changes how an Outbox is opened.
type Option func(*Outbox)

// WithClock replaces time.Now.
func WithClock(now func() time.Time) Option { return func(o *Outbox) { o.now = now } }

// Open makes the tables if they are missing, and the epoch with them: a random id
// of this file, so that a kiosk that lost its file never reuses a number.
func Open(ctx context.Context, db *sql.DB, kiosk string, options ...Option) (*Outbox, error) {
	if err := wire.CheckName(kiosk); err != nil {
		return nil, fmt.Errorf("open outbox: %w", err)
	}
	o := &Outbox{db: db, kiosk: kiosk, now: time.Now}
	for _, f := range options {
		f(o)
	}
	if err := Migrate(ctx, db); err != nil {
		return nil, err
	}
	epoch := newEpoch()
	start := wire.ChainStart(kiosk, epoch)
	_, err := db.ExecContext(ctx, `INSERT INTO outbox_state (one, kiosk, epoch, head, base) VALUES (1, ?, ?, ?, ?)
		ON CONFLICT (one) DO NOTHING`, kiosk, epoch, start, start)
	if err != nil {
		return nil, fail("open", err)
	}
	var owner string
	if err := db.QueryRowContext(ctx, `SELECT kiosk FROM outbox_state`).Scan(&owner); err != nil {
		return nil, fail("open", err)
	}
	if owner != kiosk {
		return nil, fmt.Errorf("open outbox: %w: %s", ErrKiosk, owner)
	}
	return o, nil
}

// View is an Outbox over a file that another process owns: it reads, and makes
// nothing. A file without a queue is ErrNoEpoch. Give it a connection that cannot
// write, so that nobody writes beside the owner by mistake.
func View(ctx context.Context, db *sql.DB) (*Outbox, error) {
	o := &Outbox{db: db, now: time.Now}
	err := db.QueryRowContext(ctx, `SELECT kiosk FROM outbox_state`).Scan(&o.kiosk)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNoEpoch
	}
	if err != nil {
		return nil, fail("view", err)
	}
	return o, nil
}

// Kiosk is whose queue this is.
func (o *Outbox) Kiosk() string { return o.kiosk }

func newEpoch() string {
	var b [16]byte
	rand.Read(b[:]) // never fails: crypto/rand ends the process rather than give weak bytes
	return hex.EncodeToString(b[:])
}

// Position gives where the queue stands.
func (o *Outbox) Position(ctx context.Context) (Position, error) {
	return position(ctx, o.db)
}

type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func position(ctx context.Context, q querier) (p Position, err error) {
	err = q.QueryRowContext(ctx, `SELECT epoch, last, acked, head, base, cursor FROM outbox_state`).
		Scan(&p.Epoch, &p.Last, &p.Acked, &p.Head, &p.Base, &p.Cursor)
	if errors.Is(err, sql.ErrNoRows) {
		return p, ErrNoEpoch
	}
	return p, fail("read position", err)
}

// within runs fn in one transaction of its own.
func (o *Outbox) within(ctx context.Context, doing string, fn func(*sql.Tx) error) error {
	tx, err := o.db.BeginTx(ctx, nil)
	if err != nil {
		return fail(doing, err)
	}
	defer tx.Rollback() // after a commit this does nothing
	if err := fn(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fail(doing, err)
	}
	return nil
}

// Stats gives what waits. It takes no lock; figures of a moment's work may be a
// transaction apart.
func (o *Outbox) Stats(ctx context.Context) (Stats, error) {
	var s Stats
	var err error
	if s.Position, err = o.Position(ctx); err != nil {
		return Stats{}, err
	}
	var oldest sql.NullInt64
	err = o.db.QueryRowContext(ctx, `SELECT count(*), coalesce(sum(kind = ?), 0), coalesce(sum(length(body)), 0), min(made) FROM outbox_record`,
		wire.KindSubmission).Scan(&s.Records, &s.Submissions, &s.Bytes, &oldest)
	if err != nil {
		return Stats{}, fail("read stats", err)
	}
	if oldest.Valid {
		s.Oldest = time.UnixMilli(oldest.Int64).UTC()
	}
	err = o.db.QueryRowContext(ctx, `SELECT count(*), coalesce(sum(size), 0), (SELECT count(*) FROM outbox_quarantine) FROM outbox_blob`).
		Scan(&s.Blobs, &s.BlobBytes, &s.Quarantined)
	if err != nil {
		return Stats{}, fail("read stats", err)
	}
	if s.Used, s.Limit, err = usage(ctx, o.db); err != nil {
		return Stats{}, err
	}
	return s, nil
}
