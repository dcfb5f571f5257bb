package store

import (
	"context"
	"database/sql"
)

// Exec runs a statement as somebody would who can write the database, past everything that this package sees to.
func (s *Store) Exec(ctx context.Context, query string, args ...any) error {
	_, err := s.write.ExecContext(ctx, Reader{pg: s.pg}.sql(query), args...)
	return err
}

// ChainOld chains what is not chained yet, as Open does.
func (s *Store) ChainOld(ctx context.Context) error { return s.chainOld(ctx) }

// Raw gives the database itself.
func (s *Store) Raw() *sql.DB { return s.write }
