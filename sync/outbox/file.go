package outbox

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"

	"github.com/mattn/go-sqlite3"
)

// Connector opens a kiosk's SQLite file as everything kept on a kiosk needs it:
// write-ahead log, a sync at every commit, transactions that queue for writing,
// deleted content overwritten, and on every connection a bound to the file's size.
//
// The bound leaves room on the disk for the write-ahead log. At the bound an insert
// fails with ErrFull, and a delete, which an acknowledgement is, still works; on a
// disk that is really full it would not.
type Connector struct {
	dsn   string
	limit int64
	drv   *sqlite3.SQLiteDriver
}

// NewConnector is for sql.OpenDB. limit is in bytes; 0 means none.
func NewConnector(path string, limit int64) *Connector {
	q := url.Values{
		"_journal_mode":  {"WAL"},
		"_synchronous":   {"FULL"},
		"_busy_timeout":  {"10000"},
		"_foreign_keys":  {"on"},
		"_secure_delete": {"on"},
		"_txlock":        {"immediate"},
	}
	dsn := (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}).String()
	return &Connector{dsn: dsn, limit: limit, drv: &sqlite3.SQLiteDriver{}}
}

// Connect implements driver.Connector.
func (c *Connector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.drv.Open(c.dsn)
	if err != nil {
		return nil, fail("open file", err)
	}
	if c.limit > 0 {
		if err := limitPages(ctx, conn, c.limit); err != nil {
			return nil, fail("limit file", errors.Join(err, conn.Close()))
		}
	}
	return conn, nil
}

// Driver implements driver.Connector.
func (c *Connector) Driver() driver.Driver { return c.drv }

func limitPages(ctx context.Context, conn driver.Conn, limit int64) error {
	sc, ok := conn.(*sqlite3.SQLiteConn)
	if !ok {
		return errors.New("not an SQLite connection")
	}
	rows, err := sc.QueryContext(ctx, `PRAGMA page_size`, nil)
	if err != nil {
		return err
	}
	defer rows.Close()
	row := make([]driver.Value, 1)
	if err := rows.Next(row); err != nil {
		return err
	}
	size, ok := row[0].(int64)
	if !ok || size <= 0 {
		return errors.New("no page size")
	}
	_, err = sc.ExecContext(ctx, fmt.Sprintf(`PRAGMA max_page_count = %d`, max(limit/size, 1)), nil)
	return err
}

// OpenFile opens a kiosk's file through a Connector and checks that it is sound. A
// damaged file gives an error that Damaged recognises; it is left as it is.
func OpenFile(ctx context.Context, path string, limit int64) (*sql.DB, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) // SQLite would make it readable by all
	if err != nil {
		return nil, fmt.Errorf("open kiosk file: %w", err)
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("open kiosk file: %w", err)
	}
	db := sql.OpenDB(NewConnector(path, limit))
	var verdict string
	err = db.QueryRowContext(ctx, `PRAGMA quick_check(1)`).Scan(&verdict)
	if err == nil && verdict != "ok" {
		err = ErrDamaged
	}
	if err != nil {
		return nil, fail("check kiosk file", errors.Join(err, db.Close()))
	}
	return db, nil
}

// Damaged tells whether err means that the file itself is broken.
func Damaged(err error) bool {
	var e sqlite3.Error
	return errors.Is(err, ErrDamaged) || errors.As(err, &e) && (e.Code == sqlite3.ErrCorrupt || e.Code == sqlite3.ErrNotADB)
}

// Full tells whether err means that the file's bound, or the disk, is reached. It
// also recognises errors of statements that did not go through this package.
func Full(err error) bool {
	var e sqlite3.Error
	return errors.Is(err, ErrFull) || errors.As(err, &e) && e.Code == sqlite3.ErrFull
}

// usage gives the bytes in use and the bound of the file.
func usage(ctx context.Context, q querier) (used, limit int64, err error) {
	var size, pages, free, most int64
	for _, p := range []struct {
		pragma string
		to     *int64
	}{{"page_size", &size}, {"page_count", &pages}, {"freelist_count", &free}, {"max_page_count", &most}} {
		if err := q.QueryRowContext(ctx, `PRAGMA `+p.pragma).Scan(p.to); err != nil {
			return 0, 0, fail("read "+p.pragma, err)
		}
	}
	const unbounded = 1 << 30 // SQLite's default is 0xfffffffe pages
	if most < unbounded {
		limit = most * size
	}
	return (pages - free) * size, limit, nil
}

// fail names what was being done and makes a full file recognisable. nil stays nil.
func fail(doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case Full(err) && !errors.Is(err, ErrFull):
		return fmt.Errorf("outbox: %s: %w: %w", doing, ErrFull, err)
	}
	return fmt.Errorf("outbox: %s: %w", doing, err)
}

// Reserve is a file that keeps room on the disk for the moment when it is full
// although the database's own bound was not reached, because something else filled it.
type Reserve struct {
	Path string
	Size int64
}

// Hold makes the file, if it is not there. On a full disk it fails with ErrFull.
func (r Reserve) Hold() error {
	if info, err := os.Stat(r.Path); err == nil && info.Size() >= r.Size {
		return nil
	}
	f, err := os.OpenFile(r.Path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("hold reserve: %w", err)
	}
	block := make([]byte, 64<<10)
	for left := r.Size; left > 0 && err == nil; left -= int64(len(block)) {
		_, err = f.Write(block[:min(left, int64(len(block)))])
	}
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return fmt.Errorf("hold reserve: %w: %w", ErrFull, errors.Join(err, os.Remove(r.Path)))
	}
	return nil
}

// Drop gives the room back.
func (r Reserve) Drop() error {
	if err := os.Remove(r.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("drop reserve: %w", err)
	}
	return nil
}
