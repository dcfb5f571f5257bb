package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"vestibule/server/audit"
)

// AuditLine is who did what.
type AuditLine = audit.Line

var _ audit.Source = Reader{}

// Audit notes who did what. The line takes its place in the chain when all else in the transaction is done: until then
// it is not seen by anybody, the transaction included. No column may hold personal data (see package audit).
func (t *Tx) Audit(ctx context.Context, id, who, what, target string, at time.Time) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	t.noted = append(t.noted, audit.Line{ID: id, At: moment(micros(at)), Who: who, What: what, Target: target})
	return nil
}

// chain adds what was noted to the chain. The head's row is held from here to the commit and nothing else is waited for
// after it, so writers who hold other rows cannot stand in each other's way, and hold each other up for the shortest time.
func (t *Tx) chain(ctx context.Context) error {
	if len(t.noted) == 0 {
		return nil
	}
	head, err := scanHead(t.row(ctx, `UPDATE audit_head SET n = n + $1 WHERE one = 1 RETURNING n, hash`, len(t.noted)))
	if err != nil {
		return fmt.Errorf("hold the audit trail's head: %w", err)
	}
	head.N -= int64(len(t.noted))
	for _, l := range t.noted {
		l.N = head.N + 1
		l.Hash = l.Sum(head.Hash)
		if _, err := t.exec(ctx, `INSERT INTO audit (id, at, who, what, target, n, hash) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			l.ID, micros(l.At), l.Who, l.What, l.Target, l.N, l.Hash[:]); err != nil {
			return fmt.Errorf("audit: %w", err)
		}
		head = audit.Head{N: l.N, Hash: l.Hash}
	}
	return t.moveHead(ctx, head)
}

func (t *Tx) moveHead(ctx context.Context, head audit.Head) error {
	n, err := t.exec(ctx, `UPDATE audit_head SET n = $1, hash = $2 WHERE one = 1`, head.N, head.Hash[:])
	if err == nil && n != 1 {
		err = ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("move the audit trail's head: %w", err)
	}
	return nil
}

// chainOld gives the lines from before there was a chain their places, in the order of their times. It is done once: of
// several that open the database together one does it while the others wait, and what gets in without a place later is
// none of ours and stays outside.
func (s *Store) chainOld(ctx context.Context) error {
	const begun = `SELECT begun FROM audit_head WHERE one = 1`
	var done int64
	if err := s.read.QueryRowContext(ctx, begun).Scan(&done); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("look at the audit trail: %w", err)
	} else if done != 0 || err != nil {
		return nil // a head that is gone is for verify to tell
	}
	return s.Write(ctx, func(tx *Tx) error {
		head, err := scanHead(tx.row(ctx, `UPDATE audit_head SET begun = 1 WHERE one = 1 AND begun = 0 RETURNING n, hash`))
		if errors.Is(err, ErrNotFound) {
			return nil // somebody else did, while we waited
		}
		if err != nil {
			return fmt.Errorf("hold the audit trail's head: %w", err)
		}
		if head.N != 0 {
			return errors.New("the audit trail's head says that old lines are not chained, and that there are chained ones: it was altered")
		}
		var last audit.Line
		at := int64(minTime)
		for {
			rows, err := tx.rows(ctx, oldStatement, at, last.ID)
			lines, err := collect(rows, err, func(rows *sql.Rows) (audit.Line, error) {
				var l audit.Line
				var at int64
				err := rows.Scan(&l.ID, &at, &l.Who, &l.What, &l.Target)
				l.At = moment(at)
				return l, err
			})
			if err != nil {
				return fmt.Errorf("read old audit lines: %w", err)
			}
			if len(lines) == 0 {
				return tx.moveHead(ctx, head)
			}
			for _, l := range lines {
				l.N = head.N + 1
				l.Hash = l.Sum(head.Hash)
				if _, err := tx.exec(ctx, `UPDATE audit SET n = $1, hash = $2 WHERE id = $3`, l.N, l.Hash[:], l.ID); err != nil {
					return fmt.Errorf("chain old audit lines: %w", err)
				}
				head, last = audit.Head{N: l.N, Hash: l.Hash}, l
			}
			at = micros(last.At)
		}
	})
}

const (
	oldStatement   = `SELECT id, at, who, what, target FROM audit WHERE (at, id) > ($1, $2) ORDER BY at, id LIMIT 1000`
	chainStatement = `SELECT ` + auditColumns + ` FROM audit WHERE n >= $1 AND (n > $1 OR id > $2) AND n <= $3 ORDER BY n, id LIMIT $4`
)

// minTime is before every time that is stored.
const minTime = -1 << 62

const auditColumns = `id, at, who, what, target, n, hash`

func scanLine(rows *sql.Rows) (audit.Line, error) {
	var l audit.Line
	var at int64
	var n sql.NullInt64
	var hash []byte
	err := rows.Scan(&l.ID, &at, &l.Who, &l.What, &l.Target, &n, &hash)
	l.At, l.N = moment(at), n.Int64
	l.Hash = hashOf(hash)
	return l, err
}

func scanHead(row *sql.Row) (audit.Head, error) {
	var h audit.Head
	var hash []byte
	err := row.Scan(&h.N, &hash)
	h.Hash = hashOf(hash)
	return h, none(err)
}

// hashOf gives a stored hash; one of another length is none, and fits no line.
func hashOf(stored []byte) audit.Hash {
	var h audit.Hash
	if len(stored) == len(h) {
		copy(h[:], stored)
	}
	return h
}

// AuditHead gives where the audit trail ends.
func (r Reader) AuditHead(ctx context.Context) (audit.Head, error) {
	return scanHead(r.row(ctx, `SELECT n, hash FROM audit_head WHERE one = 1`))
}

// AuditChain gives audit lines in the order of place and id: those after a line, up to a place.
func (r Reader) AuditChain(ctx context.Context, after audit.Line, upTo int64, limit int) ([]audit.Line, error) {
	rows, err := r.rows(ctx, chainStatement, after.N, after.ID, upTo, limit)
	return collect(rows, err, scanLine)
}

// AuditStray gives an audit line that stands outside the chain or beyond its head, and how many there are.
func (r Reader) AuditStray(ctx context.Context) (audit.Line, int, error) {
	const stray = ` FROM audit WHERE n IS NULL OR n > (SELECT n FROM audit_head WHERE one = 1)`
	var count int
	if err := r.row(ctx, `SELECT COUNT(*)`+stray).Scan(&count); err != nil || count == 0 {
		return audit.Line{}, 0, err
	}
	rows, err := r.rows(ctx, `SELECT `+auditColumns+stray+` ORDER BY at, id LIMIT 1`)
	lines, err := collect(rows, err, scanLine)
	if err != nil || len(lines) == 0 {
		return audit.Line{}, 0, err
	}
	return lines[0], count, nil
}

// AuditOf gives what was done to one target, oldest first, 1000 lines at most.
func (r Reader) AuditOf(ctx context.Context, target string) ([]AuditLine, error) {
	rows, err := r.rows(ctx, `SELECT `+auditColumns+` FROM audit WHERE target = $1 ORDER BY at, id LIMIT 1000`, target)
	return collect(rows, err, scanLine)
}

// AuditFilter chooses lines of the audit trail. Zero fields do not narrow.
type AuditFilter struct {
	Who    string // exactly
	What   string // its beginning
	Target string // the whole, or its first word
	Since  time.Time
	Before int64 // only places before this one
	After  int64 // only places after this one
	UpTo   int64 // only places up to this one
	Oldest bool  // first; else the newest
	Limit  int
}

func (f AuditFilter) statement() (string, []any) {
	where := []string{`n > 0`}
	var args []any
	add := func(clause string, values ...any) {
		for _, v := range values {
			args = append(args, v)
			clause = strings.Replace(clause, "?", fmt.Sprintf("$%d", len(args)), 1)
		}
		where = append(where, clause)
	}
	// Not LIKE and no range: the two databases differ in what they think of case and order.
	begins := func(s string) []any { return []any{utf8.RuneCountInString(s), s} }
	if f.Who != "" {
		add(`who = ?`, f.Who)
	}
	if f.What != "" {
		add(`SUBSTR(what, 1, ?) = ?`, begins(f.What)...)
	}
	if f.Target != "" {
		add(`(target = ? OR SUBSTR(target, 1, ?) = ?)`, append([]any{f.Target}, begins(f.Target+" ")...)...)
	}
	if !f.Since.IsZero() {
		add(`at >= ?`, micros(f.Since))
	}
	if f.Before > 0 {
		add(`n < ?`, f.Before)
	}
	if f.After > 0 {
		add(`n > ?`, f.After)
	}
	if f.UpTo > 0 {
		add(`n <= ?`, f.UpTo)
	}
	order := ` DESC`
	if f.Oldest {
		order = ``
	}
	args = append(args, f.Limit)
	return `SELECT ` + auditColumns + ` FROM audit WHERE ` + strings.Join(where, ` AND `) + ` ORDER BY n` + order + fmt.Sprintf(` LIMIT $%d`, len(args)), args
}

// AuditLines lists lines of the audit trail. Lines are only ever added at its end, so that pages which go on by place
// neither repeat nor miss one.
func (r Reader) AuditLines(ctx context.Context, f AuditFilter) ([]AuditLine, error) {
	query, args := f.statement()
	rows, err := r.rows(ctx, query, args...)
	lines, err := collect(rows, err, scanLine)
	if err != nil {
		return nil, fmt.Errorf("list audit lines: %w", err)
	}
	return lines, nil
}
