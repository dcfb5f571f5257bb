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
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// Inspect opens a database to look at it beside whoever works with it: nothing in it
// is brought up to date, and nothing can be written. The dsn is as for Open.
func Inspect(ctx context.Context, dsn string) (*Store, error) {
	s := &Store{pg: IsPostgres(dsn)}
	if s.pg {
		c, err := pgx.ParseConfig(dsn)
		if err != nil {
			return nil, errors.New("open PostgreSQL: the URL is malformed") // the cause would repeat it
		}
		c.RuntimeParams["default_transaction_read_only"] = "on"
		s.read = stdlib.OpenDB(*c)
	} else {
		var err error
		if s.read, err = readOnly(filepath.Join(dsn, SQLiteFile), ""); err != nil {
			return nil, err
		}
	}
	return s.inspect(ctx)
}

// InspectCopy opens a file that Copy wrote, and that nobody works with.
func InspectCopy(ctx context.Context, path string) (*Store, error) {
	read, err := readOnly(path, "&immutable=1") // else SQLite would leave files beside it
	if err != nil {
		return nil, err
	}
	return (&Store{read: read}).inspect(ctx)
}

func readOnly(path, extra string) (*sql.DB, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("open SQLite: %w", err)
	}
	db, err := sql.Open("sqlite3", "file:"+(&url.URL{Path: path}).EscapedPath()+"?mode=ro&_query_only=on&_busy_timeout=10000"+extra)
	if err != nil {
		return nil, fmt.Errorf("open SQLite: %w", err)
	}
	return db, nil
}

func (s *Store) inspect(ctx context.Context) (*Store, error) {
	s.read.SetMaxOpenConns(2)
	s.write = s.read
	if err := s.read.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("reach the database: %w", err), s.Close())
	}
	return s, nil
}

// Versions compares the migrations that were applied with those of this program:
// pending ones are to come, foreign ones are of another program, probably a newer one.
func (s *Store) Versions(ctx context.Context) (pending, foreign []int64, err error) {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return nil, nil, fmt.Errorf("find migrations: %w", err)
	}
	rows, err := s.read.QueryContext(ctx, `SELECT version_id, is_applied FROM goose_db_version ORDER BY id`)
	if err != nil {
		return nil, nil, fmt.Errorf("read applied migrations: %w", err)
	}
	defer rows.Close()
	applied := map[int64]bool{}
	for rows.Next() {
		var version int64
		var is bool
		if err := rows.Scan(&version, &is); err != nil {
			return nil, nil, fmt.Errorf("read applied migrations: %w", err)
		}
		applied[version] = is // a later row is a later event
	}
	if err := rows.Err(); err != nil {
		return nil, nil, fmt.Errorf("read applied migrations: %w", err)
	}
	delete(applied, 0) // goose's own
	for _, name := range names {
		number, _, _ := strings.Cut(filepath.Base(name), "_")
		version, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return nil, nil, fmt.Errorf("read the number of migration %s: %w", name, err)
		}
		if !applied[version] {
			pending = append(pending, version)
		}
		delete(applied, version)
	}
	for version, is := range applied {
		if is {
			foreign = append(foreign, version)
		}
	}
	return pending, foreign, nil
}

// Damage looks for damage in an SQLite database, and tells at most 20 places; thorough
// compares the indices with their tables too, which takes several times as long. On
// PostgreSQL it finds nothing: there the server's own tools look (pg_amcheck).
func (s *Store) Damage(ctx context.Context, thorough bool) ([]string, error) {
	if s.pg {
		return nil, nil
	}
	pragma := `PRAGMA quick_check(20)`
	if thorough {
		pragma = `PRAGMA integrity_check(20)`
	}
	rows, err := s.read.QueryContext(ctx, pragma)
	found, err := collect(rows, err, func(rows *sql.Rows) (string, error) {
		var text string
		err := rows.Scan(&text)
		return text, err
	})
	if err != nil {
		return nil, fmt.Errorf("check the database: %w", err)
	}
	if len(found) == 1 && found[0] == "ok" {
		return nil, nil
	}
	return found, nil
}
