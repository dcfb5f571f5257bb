package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Standing is how the centre stands at one moment, in counts that cost little even when much is stored.
type Standing struct {
	Kiosks      map[string]int // online, offline, revoked
	Conditions  map[Wrong]int  // of kiosks that are not revoked
	Jobs        map[Queued]int // that are not done
	OldestJob   time.Time      // that is queued or runs, due the longest; zero: none
	Deliveries  map[string]int // of webhooks, that are not done, by state
	Mail        map[string]int // messages that are not done, by state
	Quarantined int
	Reviews     int                  // that wait for people
	OldestDue   time.Time            // of those; zero: none
	Lists       map[string]time.Time // when each list in force was found to be the newest
	Differing   int                  // kiosks that were told of in the last week to read evidence differently
	Audited     int64                // lines of the audit trail
	Bytes       int64                // of the database
}

// Wrong is a condition of kiosks.
type Wrong struct {
	Code     string
	Severity uint8
}

// Queued is a kind of jobs in a state.
type Queued struct{ Kind, State string }

// Standing reads how the centre stands.
func (r Reader) Standing(ctx context.Context) (Standing, error) {
	s := Standing{
		Kiosks: map[string]int{"online": 0, "offline": 0, "revoked": 0}, Conditions: map[Wrong]int{}, Jobs: map[Queued]int{},
		Deliveries: map[string]int{}, Mail: map[string]int{}, Lists: map[string]time.Time{},
	}
	kiosks, err := r.Kiosks(ctx)
	if err != nil {
		return s, fmt.Errorf("count kiosks: %w", err)
	}
	for _, k := range kiosks {
		switch {
		case !k.Revoked.IsZero():
			s.Kiosks["revoked"]++
			continue
		case k.Online:
			s.Kiosks["online"]++
		default:
			s.Kiosks["offline"]++
		}
		for _, c := range k.Conditions {
			s.Conditions[Wrong{c.Code, c.Severity}]++
		}
	}
	counts := func(query string, add func(scan func(...any) error) error) error {
		rows, err := r.rows(ctx, query)
		_, err = collect(rows, err, func(rows *sql.Rows) (struct{}, error) { return struct{}{}, add(rows.Scan) })
		return err
	}
	var oldest, due sql.NullInt64
	for _, one := range []struct {
		what string
		do   func() error
	}{
		{"jobs", func() error {
			return counts(`SELECT kind, state, COUNT(*) FROM job WHERE state IN ('queued', 'running', 'dead') GROUP BY kind, state`, func(scan func(...any) error) error {
				var q Queued
				var n int
				err := scan(&q.Kind, &q.State, &n)
				s.Jobs[q] = n
				return err
			})
		}},
		{"oldest job", func() error {
			return r.row(ctx, `SELECT MIN(due) FROM job WHERE state IN ('queued', 'running')`).Scan(&oldest)
		}},
		{"deliveries", func() error {
			return counts(`SELECT state, COUNT(*) FROM delivery WHERE state IN ('queued', 'running', 'dead') GROUP BY state`, func(scan func(...any) error) error {
				var state string
				var n int
				err := scan(&state, &n)
				s.Deliveries[state] = n
				return err
			})
		}},
		{"mail", func() error {
			return counts(`SELECT state, COUNT(*) FROM mail WHERE state IN ('queued', 'running', 'dead') GROUP BY state`, func(scan func(...any) error) error {
				var state string
				var n int
				err := scan(&state, &n)
				s.Mail[state] = n
				return err
			})
		}},
		{"quarantine", func() error { return r.row(ctx, `SELECT COUNT(*) FROM quarantine`).Scan(&s.Quarantined) }},
		{"reviews", func() error {
			return r.row(ctx, `SELECT COUNT(*), MIN(due) FROM review WHERE state IN ('waiting', 'second')`).Scan(&s.Reviews, &due)
		}},
		{"kiosks that differ", func() error {
			return r.row(ctx, `SELECT COUNT(DISTINCT kiosk) FROM recheck_tally WHERE alarmed > (SELECT MAX(day) FROM recheck_tally) - $1`,
				(6 * day).Microseconds()).Scan(&s.Differing)
		}},
		{"audit lines", func() error { return r.row(ctx, `SELECT COALESCE(MAX(n), 0) FROM audit`).Scan(&s.Audited) }},
		{"size", func() error {
			if r.pg {
				return r.row(ctx, `SELECT pg_database_size(current_database())`).Scan(&s.Bytes)
			}
			return r.row(ctx, `SELECT (SELECT page_count FROM pragma_page_count()) * (SELECT page_size FROM pragma_page_size())`).Scan(&s.Bytes)
		}},
	} {
		if err := one.do(); err != nil {
			return s, fmt.Errorf("count %s: %w", one.what, err)
		}
	}
	s.OldestJob, s.OldestDue = moment(oldest.Int64), moment(due.Int64)
	lists, err := r.ActiveSnapshots(ctx)
	if err != nil {
		return s, fmt.Errorf("look at lists: %w", err)
	}
	for _, l := range lists {
		s.Lists[l.Kind] = l.Confirmed
	}
	return s, nil
}
