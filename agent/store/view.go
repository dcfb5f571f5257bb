package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"vestibule/journey"
	"vestibule/sync/outbox"
	"vestibule/sync/wire"
)

// View opens a kiosk's database for reading only, beside the agent that owns it or
// without one. It takes no lock, makes and changes nothing, and its connection
// refuses to write. The write-ahead log lets it read while the owner writes; every
// statement sees one state, and two statements may see two.
func View(ctx context.Context, dir string, opt Options) (*Store, error) {
	path := filepath.Join(dir, fileDB)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("view store: %w", ErrMissing)
	}
	s := &Store{dir: dir, opt: opt.withDefaults()}
	s.pages = s.opt.MaxBytes / pageSize
	s.db = sql.OpenDB(connector{dsn: source(path, url.Values{"mode": {"rw"}, "_query_only": {"on"}, "_busy_timeout": {"5000"}}), pages: s.pages})
	s.db.SetMaxOpenConns(1)
	var err error
	if s.box, err = outbox.View(ctx, s.db); err != nil {
		return nil, fmt.Errorf("view store: %w", errors.Join(plain(err), s.db.Close()))
	}
	return s, nil
}

// What an Item is.
const (
	ItemEvent      = "event"
	ItemSubmission = "submission"
	ItemHealth     = "health"
	ItemPicture    = "picture"
)

// Item is one thing that waits for the centre.
type Item struct {
	What  string
	ID    string    // of event or submission; of a picture its blob
	Seq   uint64    // of a record
	Num   int64     // of a picture: outbox.Blob.Num
	Size  int64     // bytes
	Have  int64     // of a picture: so much the centre has told to have
	Since time.Time // recorded or taken; zero: not known any more
}

// EachRecord goes through the records that wait, oldest first. fn runs between the
// rows and must not use this store.
func (s *Store) EachRecord(ctx context.Context, fn func(Item) error) error {
	rows, err := s.db.QueryContext(ctx, `SELECT seq, kind, id, length(body), made FROM outbox_record ORDER BY seq`)
	if err != nil {
		return fmt.Errorf("store: waiting records: %w", plain(err))
	}
	defer rows.Close()
	for rows.Next() {
		var x Item
		var kind wire.Kind
		var made int64
		if err := rows.Scan(&x.Seq, &kind, &x.ID, &x.Size, &made); err != nil {
			return fmt.Errorf("store: waiting records: %w", plain(err))
		}
		switch x.Since = time.UnixMilli(made).UTC(); kind {
		case wire.KindSubmission:
			x.What = ItemSubmission
		case wire.KindHealth:
			x.What = ItemHealth
		default:
			x.What = ItemEvent
		}
		if err := fn(x); err != nil {
			return err
		}
	}
	return plain(rows.Err())
}

// EachPicture goes through the pictures that wait, oldest first, likewise.
func (s *Store) EachPicture(ctx context.Context, fn func(Item) error) error {
	rows, err := s.db.QueryContext(ctx, `SELECT b.num, b.blob, b.size, b.have,
		(SELECT e.manifest FROM evidence e WHERE e.blob = b.blob LIMIT 1) FROM outbox_blob b ORDER BY b.num`)
	if err != nil {
		return fmt.Errorf("store: waiting pictures: %w", plain(err))
	}
	defer rows.Close()
	for rows.Next() {
		x := Item{What: ItemPicture}
		var manifest []byte
		if err := rows.Scan(&x.Num, &x.ID, &x.Size, &x.Have, &manifest); err != nil {
			return fmt.Errorf("store: waiting pictures: %w", plain(err))
		}
		var e journey.Evidence
		if len(manifest) > 0 && wire.Unmarshal(manifest, &e) == nil {
			x.Since = e.Taken.UTC()
		}
		if err := fn(x); err != nil {
			return err
		}
	}
	return plain(rows.Err())
}
