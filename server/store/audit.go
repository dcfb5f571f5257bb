package store

import (
	"context"
	"database/sql"
	"time"
)

// AuditLine is who did what.
type AuditLine struct {
	ID     string
	At     time.Time
	Who    string
	What   string
	Target string
}

// AuditOf gives what was done to one target, oldest first, 1000 lines at most.
func (r Reader) AuditOf(ctx context.Context, target string) ([]AuditLine, error) {
	rows, err := r.rows(ctx, `SELECT id, at, who, what, target FROM audit WHERE target = $1 ORDER BY at, id LIMIT 1000`, target)
	return collect(rows, err, func(rows *sql.Rows) (AuditLine, error) {
		var l AuditLine
		var at int64
		err := rows.Scan(&l.ID, &at, &l.Who, &l.What, &l.Target)
		l.At = moment(at)
		return l, err
	})
}
