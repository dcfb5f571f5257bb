// Package store is the centre's database. SQLite in the data directory is the
// default; PostgreSQL takes over by configuration, with the same migrations, the
// same statements and the same tests.
//
// What may live here: tables, statements, transactions. What may not: rules
// (what counts as a duplicate, who is approved), and plain personal data: it
// comes in encrypted or as a keyed hash, and package vault does both.
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
	"strings"
	"time"

	// The two drivers.
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "github.com/mattn/go-sqlite3"
	"github.com/pressly/goose/v3"

	"vestibule/server/audit"
)

//go:embed migrations/*.sql
var migrations embed.FS

// SQLiteFile is the name of the database in the data directory.
const SQLiteFile = "centre.db"

// ErrNotFound is returned when the one row that was asked for is not there.
var ErrNotFound = errors.New("not found")

// Store is an open database. It is safe for concurrent use.
type Store struct {
	write *sql.DB // SQLite: one connection, so that writers queue here and not in the file
	read  *sql.DB
	group *group // SQLite's; PostgreSQL commits together by itself
	pg    bool
}

// Open opens the database that dsn names, and brings its tables up to date. A
// dsn is a postgres:// URL or the path of a data directory.
func Open(ctx context.Context, dsn string) (*Store, error) {
	s := &Store{pg: IsPostgres(dsn)}
	var err error
	if s.pg {
		if s.write, err = sql.Open("pgx", dsn); err != nil {
			return nil, fmt.Errorf("open PostgreSQL: %w", err)
		}
		s.write.SetMaxOpenConns(16)
		s.write.SetMaxIdleConns(8)
		s.read = s.write
	} else if err = s.openSQLite(filepath.Join(dsn, SQLiteFile)); err != nil {
		return nil, err
	}
	if err := s.migrate(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := s.chainOld(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// IsPostgres reports whether dsn names a PostgreSQL database.
func IsPostgres(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

func (s *Store) openSQLite(path string) error {
	// SQLite would make the file readable by others, and its journals after it.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("open SQLite: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("open SQLite: %w", err)
	}
	source := func(extra string) string {
		return "file:" + (&url.URL{Path: path}).EscapedPath() +
			"?_journal_mode=WAL&_synchronous=FULL&_busy_timeout=10000&_foreign_keys=on&_secure_delete=on&_stmt_cache_size=128" + extra
	}
	// Writers touch the ends of a dozen indexes: these stay in memory.
	if s.write, err = sql.Open("sqlite3", source("&_txlock=immediate&_cache_size=-65536")); err != nil {
		return fmt.Errorf("open SQLite: %w", err)
	}
	s.write.SetMaxOpenConns(1)
	// Every commit waits for the log to be on the disk. Copying the log into the file waits as well, and writes each page
	// that changed once: seldom, 32 MB at a time, that is fewer pages.
	if _, err := s.write.Exec(`PRAGMA wal_autocheckpoint = 8192`); err != nil {
		return errors.Join(fmt.Errorf("open SQLite: %w", err), s.write.Close())
	}
	s.group = &group{db: s.write}
	if s.read, err = sql.Open("sqlite3", source("&_query_only=on")); err != nil {
		return errors.Join(fmt.Errorf("open SQLite: %w", err), s.write.Close())
	}
	s.read.SetMaxOpenConns(8)
	s.read.SetMaxIdleConns(8)
	return nil
}

func (s *Store) migrate(ctx context.Context) error {
	dialect := goose.DialectSQLite3
	if s.pg {
		dialect = goose.DialectPostgres
	}
	folder, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("find migrations: %w", err)
	}
	provider, err := goose.NewProvider(dialect, s.write, folder)
	if err != nil {
		return fmt.Errorf("prepare migrations: %w", err)
	}
	if s.pg {
		// Copies of the centre that start together take turns.
		conn, err := s.write.Conn(ctx)
		if err != nil {
			return fmt.Errorf("reach PostgreSQL: %w", err)
		}
		defer conn.Close()
		if _, err := conn.ExecContext(ctx, `SELECT pg_advisory_lock(7420011)`); err != nil {
			return fmt.Errorf("wait for the turn to migrate: %w", err)
		}
		defer func() {
			_, _ = conn.ExecContext(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock(7420011)`)
		}()
	}
	before := int64(-1)
	for {
		_, err := provider.Up(ctx)
		if err == nil {
			return nil
		}
		// SQLite's has no turns to wait for: another program may have done a step while this one began it. Then it is
		// further than it was, and this one goes on from there.
		now, unknown := provider.GetDBVersion(ctx)
		if s.pg || unknown != nil || now <= before {
			return fmt.Errorf("bring the database up to date: %w", err)
		}
		before = now
	}
}

// Close closes the database.
func (s *Store) Close() error {
	if s.read == s.write {
		return s.write.Close()
	}
	return errors.Join(s.read.Close(), s.write.Close())
}

// Ping reports whether the database answers and can be written.
func (s *Store) Ping(ctx context.Context) error {
	answered := make(chan error, 1)
	// SQLite, waiting for another program's lock, hears of no context.
	go func() {
		_, err := s.write.ExecContext(ctx, `UPDATE turn SET n = n WHERE name = ''`) // no row's
		answered <- err
	}()
	select {
	case err := <-answered:
		if err != nil {
			return fmt.Errorf("write nothing: %w", err)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("write nothing: %w", ctx.Err())
	}
}

// Postgres reports which of the two databases this is.
func (s *Store) Postgres() bool { return s.pg }

// queryer is what *sql.DB and *sql.Tx share.
type queryer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Reader reads. Outside a transaction every call sees the newest committed state.
type Reader struct {
	q  queryer
	pg bool
}

// Tx reads and writes in one transaction.
type Tx struct {
	Reader
	noted []audit.Line // they take their places in the trail at the end
}

// Read gives a reader outside any transaction.
func (s *Store) Read() Reader { return Reader{q: s.read, pg: s.pg} }

// Write runs do in one transaction. What do returns as an error undoes all of it. On SQLite do may run on another
// writer's goroutine, and see what is not committed yet, of writers that are committed together with it.
func (s *Store) Write(ctx context.Context, do func(*Tx) error) error {
	if s.group != nil {
		return s.group.write(ctx, do)
	}
	tx, err := s.write.BeginTx(ctx, nil)
	// A writer whose time was over leaves a dead connection behind, and with many waiting the pool may hand out several
	// before it makes a new one. Nothing has run yet: ask again.
	for range s.write.Stats().MaxOpenConnections {
		if !errors.Is(err, driver.ErrBadConn) {
			break
		}
		tx, err = s.write.BeginTx(ctx, nil)
	}
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // no effect after Commit
	t := &Tx{Reader: Reader{q: tx, pg: s.pg}}
	if err := do(t); err != nil {
		return err
	}
	if err := t.chain(ctx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// sql turns the statement's $1, $2 … into SQLite's ?1, ?2 …: there $1 would be
// numbered by its first place in the text instead of by its digit.
func (r Reader) sql(query string) string {
	if r.pg {
		return query
	}
	return strings.ReplaceAll(query, "$", "?")
}

func (r Reader) row(ctx context.Context, query string, args ...any) *sql.Row {
	return r.q.QueryRowContext(ctx, r.sql(query), args...)
}

func (r Reader) rows(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return r.q.QueryContext(ctx, r.sql(query), args...)
}

func (t *Tx) exec(ctx context.Context, query string, args ...any) (int64, error) {
	res, err := t.q.ExecContext(ctx, t.sql(query), args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// Turn waits for the named turn and keeps it until the transaction ends. SQLite
// has one writer anyway; PostgreSQL holds the row.
func (t *Tx) Turn(ctx context.Context, name string) error {
	n, err := t.exec(ctx, `UPDATE turn SET n = n + 1 WHERE name = $1`, name)
	if err != nil {
		return fmt.Errorf("wait for turn %s: %w", name, err)
	}
	if n != 1 {
		return fmt.Errorf("wait for turn %s: %w", name, ErrNotFound)
	}
	return nil
}

// DeciderTurn is the turn of whoever decides: one decision at a time, everywhere.
const DeciderTurn = "decider"

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func moment(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// none turns the driver's "no rows" into ErrNotFound.
func none(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	return err
}

// collect scans every row with scan.
func collect[T any](rows *sql.Rows, err error, scan func(*sql.Rows) (T, error)) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}
