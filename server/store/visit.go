package store

import (
	"context"
	"fmt"
	"time"
)

// AddVisit keeps a log-in at the console, and forgets those that are over. id is a hash: whoever reads the database
// cannot come in with it.
func (s *Store) AddVisit(ctx context.Context, id, who string, until, now time.Time) error {
	return s.Write(ctx, func(tx *Tx) error {
		for _, one := range []struct {
			query string
			args  []any
		}{
			{`DELETE FROM console_visit WHERE until < $1`, []any{micros(now)}},
			{`DELETE FROM console_grant WHERE until < $1`, []any{micros(now)}},
			{`INSERT INTO console_visit (id, who, until) VALUES ($1, $2, $3)`, []any{id, who, micros(until)}},
		} {
			if _, err := tx.exec(ctx, one.query, one.args...); err != nil {
				return fmt.Errorf("keep log-in: %w", err)
			}
		}
		return nil
	})
}

// Visit finds a log-in. It returns ErrNotFound when there is none.
func (s *Store) Visit(ctx context.Context, id string) (who string, until time.Time, err error) {
	var us int64
	err = none(s.Read().row(ctx, `SELECT who, until FROM console_visit WHERE id = $1`, id).Scan(&who, &us))
	return who, moment(us), err
}

// EndVisit forgets a log-in, and what it may see.
func (s *Store) EndVisit(ctx context.Context, id string) error {
	return s.Write(ctx, func(tx *Tx) error {
		for _, query := range []string{`DELETE FROM console_grant WHERE visit = $1`, `DELETE FROM console_visit WHERE id = $1`} {
			if _, err := tx.exec(ctx, query, id); err != nil {
				return fmt.Errorf("end log-in: %w", err)
			}
		}
		return nil
	})
}

// Grant lets a visit see something until a time.
func (s *Store) Grant(ctx context.Context, visit, subject, why string, until time.Time) error {
	return s.Write(ctx, func(tx *Tx) error {
		if _, err := tx.exec(ctx, `INSERT INTO console_grant (visit, subject, why, until) VALUES ($1, $2, $3, $4)
			ON CONFLICT (visit, subject) DO UPDATE SET why = excluded.why, until = excluded.until`, visit, subject, why, micros(until)); err != nil {
			return fmt.Errorf("keep what may be seen: %w", err)
		}
		return nil
	})
}

// Granted tells why a visit may see something, and until when. It returns ErrNotFound when it may not.
func (s *Store) Granted(ctx context.Context, visit, subject string) (why string, until time.Time, err error) {
	var us int64
	err = none(s.Read().row(ctx, `SELECT why, until FROM console_grant WHERE visit = $1 AND subject = $2`, visit, subject).Scan(&why, &us))
	return why, moment(us), err
}
