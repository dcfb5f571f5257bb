package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/mattn/go-sqlite3"
	"github.com/pressly/goose/v3"

	"vestibule/sync/durable"
	"vestibule/sync/outbox"
)

// Errors towards people; test with errors.Is.
var (
	ErrFull    = errors.New("the kiosk's storage is full")     // nothing of the transaction was kept
	ErrCorrupt = errors.New("the kiosk's database is damaged") // the file was left as it is; see Recover
	ErrInUse   = errors.New("another program holds the kiosk's database")
	ErrMissing = errors.New("there is no kiosk's database here")
)

// Names inside the directory.
const (
	fileDB      = "kiosk.db"
	fileLock    = "kiosk.lock"
	fileReserve = "reserve"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Options bound the store. The zero value of a field means its default.
type Options struct {
	MaxBytes   int64 // of the database file, default 2 GiB
	Reserve    int64 // beyond MaxBytes, for ending a visit in good order, default 1 MiB
	CheckBytes int64 // files up to this size are checked whole at start, default 256 MiB
	// Room gives the bytes that the disk under a folder has left for us; ok is false where that cannot be told.
	// Default: what the file system says.
	Room func(dir string) (free int64, ok bool)
	Now  func() time.Time // default time.Now
}

func (o Options) withDefaults() Options {
	if o.MaxBytes <= 0 {
		o.MaxBytes = 2 << 30
	}
	if o.Reserve <= 0 {
		o.Reserve = 1 << 20
	}
	if o.CheckBytes <= 0 {
		o.CheckBytes = 256 << 20
	}
	if o.Room == nil {
		o.Room = room
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

const pageSize = 4096

// Store is a kiosk's database. Its methods may be called from several goroutines.
type Store struct {
	db   *sql.DB
	box  *outbox.Outbox
	lock *os.File
	dir  string
	opt  Options

	mu     sync.Mutex // one writer at a time; guards pages
	pages  int64      // the limit now in force
	closed bool
}

// Open opens the database of a directory, making both when they are missing. A
// file that is not a whole database is ErrCorrupt and stays as it is.
func Open(dir, kiosk string, opt Options) (*Store, error) {
	opt = opt.withDefaults()
	if err := durable.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	lock, err := holdLock(filepath.Join(dir, fileLock))
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	s := &Store{lock: lock, dir: dir, opt: opt}
	if err := s.open(kiosk); err != nil {
		err = fmt.Errorf("open store: %w", plain(err))
		if s.db != nil {
			err = errors.Join(err, s.db.Close())
		}
		return nil, errors.Join(err, lock.Close())
	}
	return s, nil
}

func (s *Store) open(kiosk string) error {
	ctx := context.Background()
	path := filepath.Join(s.dir, fileDB)
	// Two checks before SQLite touches the file: it would call a cut-off header an
	// empty database, and a log without its file would be lost.
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if wal, err := os.Stat(path + "-wal"); err == nil && wal.Size() > 0 {
			return fmt.Errorf("%w: its log is there, the file itself is missing", ErrCorrupt)
		}
	case err != nil:
		return err
	case info.Size() > 0 && info.Size() < 512:
		return fmt.Errorf("%w: %d bytes only", ErrCorrupt, info.Size())
	}
	s.pages = s.opt.MaxBytes / pageSize
	s.db = sql.OpenDB(connector{dsn: dsn(path), pages: s.pages})
	// One connection: SQLite has one writer, and the page limit belongs to a connection.
	s.db.SetMaxOpenConns(1)
	s.db.SetMaxIdleConns(1)
	if err := s.db.PingContext(ctx); err != nil {
		return err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return err
	}
	if info != nil && info.Size() <= s.opt.CheckBytes {
		if err := s.check(ctx); err != nil {
			return err
		}
	}
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, s.db, sub, goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		return err
	}
	if err := outbox.Migrate(ctx, s.db); err != nil {
		return err
	}
	if s.box, err = outbox.Open(ctx, s.db, kiosk, outbox.WithClock(s.opt.Now)); err != nil {
		return err
	}
	s.restoreReserve()
	return nil
}

func (s *Store) check(ctx context.Context) error {
	var found string
	if err := s.db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&found); err != nil {
		return err
	}
	if found != "ok" {
		return ErrCorrupt // what SQLite found names table contents; it stays out of the text
	}
	return nil
}

// Close releases the file.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	if s.lock == nil { // a view
		return s.db.Close()
	}
	return errors.Join(s.db.Close(), s.lock.Close())
}

// Outbox is the queue to the centre, in the same file.
func (s *Store) Outbox() *outbox.Outbox { return s.box }

// Recover moves a damaged database aside, whole, and returns the name it has now.
// The next Open begins a new one, with a new epoch. Nothing is deleted: what is
// readable in the old file can still be brought to the centre by hand.
func Recover(dir string, now time.Time) (string, error) {
	lock, err := holdLock(filepath.Join(dir, fileLock))
	if err != nil {
		return "", fmt.Errorf("recover store: %w", err)
	}
	defer lock.Close()
	aside := filepath.Join(dir, fileDB+".damaged-"+now.UTC().Format("20060102T150405.000Z"))
	if err := os.Mkdir(aside, 0o700); err != nil {
		return "", fmt.Errorf("recover store: %w", err)
	}
	// The log first: should the power fail in between, Open finds a file without its
	// log, or a log aside, and never a log without its file taken for a new database.
	moved := 0
	for _, name := range []string{fileDB + "-wal", fileDB + "-shm", fileDB} {
		err := os.Rename(filepath.Join(dir, name), filepath.Join(aside, name))
		switch {
		case err == nil:
			moved++
		case !errors.Is(err, fs.ErrNotExist):
			return "", fmt.Errorf("recover store: %w", err)
		}
	}
	if moved == 0 {
		return "", errors.Join(errors.New("recover store: no database here"), os.Remove(aside))
	}
	return aside, nil
}

// headroom is what a disk must have left for somebody to be let in: one visit's records and pictures, and the
// database's log of them, with plenty to spare. Starting value, unmeasured.
const headroom = 16 << 20

// Space says how full the store is: bytes in use, and the limit, which is MaxBytes or what the disk has room
// for, whichever is less.
func (s *Store) Space(ctx context.Context) (used, limit int64, err error) {
	var count, free int64
	if err := s.db.QueryRowContext(ctx, "PRAGMA page_count").Scan(&count); err != nil {
		return 0, 0, plain(err)
	}
	if err := s.db.QueryRowContext(ctx, "PRAGMA freelist_count").Scan(&free); err != nil {
		return 0, 0, plain(err)
	}
	used, limit = (count-free)*pageSize, s.opt.MaxBytes
	if left, ok := s.opt.Room(s.dir); ok {
		limit = min(limit, used+max(0, left-headroom))
	}
	return used, limit, nil
}

// Write runs f in one transaction. When it fails nothing of it is kept; when the
// disk or the limit is reached the error is ErrFull.
func (s *Store) Write(ctx context.Context, f func(*Tx) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.write(ctx, f)
}

// WriteLast is Write with the reserve: for ending a visit in good order although
// the storage is full. It raises the page limit and, if the disk itself is full,
// gives up the reserve file.
func (s *Store) WriteLast(ctx context.Context, f func(*Tx) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.write(ctx, f)
	if !errors.Is(err, ErrFull) {
		return err
	}
	if e := s.limit(ctx, (s.opt.MaxBytes+s.opt.Reserve)/pageSize); e != nil {
		return errors.Join(err, e)
	}
	defer func() { _ = s.limit(context.WithoutCancel(ctx), s.opt.MaxBytes/pageSize) }()
	if err = s.write(ctx, f); !errors.Is(err, ErrFull) {
		return err
	}
	if e := os.Remove(filepath.Join(s.dir, fileReserve)); e != nil {
		return err
	}
	return s.write(ctx, f)
}

func (s *Store) limit(ctx context.Context, pages int64) error {
	var got int64
	// SQLite never goes below the pages in use; a smaller wish is no error.
	if err := s.db.QueryRowContext(ctx, fmt.Sprintf("PRAGMA max_page_count=%d", pages)).Scan(&got); err != nil {
		return plain(err)
	}
	s.pages = got
	return nil
}

func (s *Store) write(ctx context.Context, f func(*Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("store: begin: %w", plain(err))
	}
	if err := f(&Tx{ctx: ctx, tx: tx, s: s}); err != nil {
		_ = tx.Rollback() // the cause is what counts; SQLite may have rolled back itself
		return fmt.Errorf("store: %w", plain(err))
	}
	if err := tx.Commit(); err != nil {
		_ = tx.Rollback()
		return fmt.Errorf("store: commit: %w", plain(err))
	}
	return nil
}

// restoreReserve lays the reserve file down again when there is room for it.
func (s *Store) restoreReserve() {
	path := filepath.Join(s.dir, fileReserve)
	if info, err := os.Stat(path); err == nil && info.Size() == s.opt.Reserve {
		return
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return // no room now: the next start tries again
	}
	zero := make([]byte, 64<<10)
	for left := s.opt.Reserve; left > 0; left -= int64(len(zero)) {
		if _, err = f.Write(zero[:min(left, int64(len(zero)))]); err != nil {
			break
		}
	}
	if e := f.Close(); err != nil || e != nil {
		_ = os.Remove(path)
	}
}

func dsn(path string) string {
	return source(path, url.Values{
		"_journal_mode":    {"WAL"},
		"_synchronous":     {"FULL"},
		"_busy_timeout":    {"5000"},
		"_secure_delete":   {"true"},
		"_stmt_cache_size": {"64"},
		"_foreign_keys":    {"on"},
		"_txlock":          {"immediate"},
	})
}

func source(path string, q url.Values) string {
	return (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: q.Encode()}).String()
}

// connector sets what a DSN cannot: the page limit.
type connector struct {
	dsn   string
	pages int64
}

func (c connector) Driver() driver.Driver { return &sqlite3.SQLiteDriver{} }

func (c connector) Connect(context.Context) (driver.Conn, error) {
	d := &sqlite3.SQLiteDriver{ConnectHook: func(conn *sqlite3.SQLiteConn) error {
		_, err := conn.Exec(fmt.Sprintf("PRAGMA max_page_count=%d", c.pages), nil)
		return err
	}}
	return d.Open(c.dsn)
}

// plain turns SQLite's errors into ours.
func plain(err error) error {
	var e sqlite3.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrFull), errors.Is(err, ErrCorrupt):
		return err
	case errors.Is(err, outbox.ErrFull):
		return fmt.Errorf("%w: %w", ErrFull, err)
	case errors.Is(err, outbox.ErrDamaged):
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("%w: %w", ErrFull, err)
	case !errors.As(err, &e):
		return err
	}
	switch e.Code {
	case sqlite3.ErrFull:
		return fmt.Errorf("%w: %w", ErrFull, err)
	case sqlite3.ErrCorrupt, sqlite3.ErrNotADB:
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	case sqlite3.ErrIoErr:
		if e.SystemErrno == syscall.ENOSPC || e.SystemErrno == syscall.EDQUOT {
			return fmt.Errorf("%w: %w", ErrFull, err)
		}
	}
	return err
}

// holdLock takes the directory for this process. The lock ends with the process, however it ends.
func holdLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, ErrInUse
		}
		return nil, err
	}
	return f, nil
}
