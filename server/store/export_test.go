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

// Plain writes an audit line outside the chain, as it was before there was one.
func (t *Tx) Plain(ctx context.Context, id, who, what, target string) error {
	_, err := t.exec(ctx, `INSERT INTO audit (id, at, who, what, target) VALUES ($1, 1, $2, $3, $4)`, id, who, what, target)
	return err
}
