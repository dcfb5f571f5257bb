package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"
)

// AdvisoryIssue is a roll-out of one project under one salt.
type AdvisoryIssue struct {
	ID      string
	Project string
	Number  int64
	Bits    uint8
	Last    uint64
	Made    time.Time
	Whole   time.Time // zero: it is still being made
}

// AdvisoryEntry is a submission in a roll-out.
type AdvisoryEntry struct {
	Submission       string
	Number           uint64
	Document, Person uint32
}

// AdvisoryPage is a piece of a roll-out.
type AdvisoryPage struct {
	Entries []AdvisoryEntry // without their submissions
	Gone    []uint64
	Upto    uint64
	Last    uint64
}

const advisoryColumns = `id, project, number, bits, last, made, whole`

func scanAdvisory(scan func(...any) error) (AdvisoryIssue, error) {
	var i AdvisoryIssue
	var last, made, whole int64
	err := scan(&i.ID, &i.Project, &i.Number, &i.Bits, &last, &made, &whole)
	i.Last, i.Made, i.Whole = uint64(last), moment(made), moment(whole)
	return i, none(err)
}

// listed is who stands in a roll-out: the words of the index submission_advisory.
const listed = `stand = 'decided' AND decision IN ('APPROVED', 'PENDING')`

// AdvisoryIssues lists the roll-outs of a project, the newest first; of all projects without one.
func (r Reader) AdvisoryIssues(ctx context.Context, project string) ([]AdvisoryIssue, error) {
	rows, err := r.rows(ctx, `SELECT `+advisoryColumns+` FROM advisory_issue WHERE $1 = '' OR project = $1 ORDER BY project, number DESC`, project)
	return collect(rows, err, func(rows *sql.Rows) (AdvisoryIssue, error) { return scanAdvisory(rows.Scan) })
}

// KioskProjects lists the projects that kiosks are enrolled for.
func (r Reader) KioskProjects(ctx context.Context) ([]string, error) {
	rows, err := r.rows(ctx, `SELECT DISTINCT project FROM kiosk WHERE revoked = 0 ORDER BY project`)
	return collect(rows, err, func(rows *sql.Rows) (p string, err error) { return p, rows.Scan(&p) })
}

// AdvisoryPeople counts the approved and held submissions of a project.
func (r Reader) AdvisoryPeople(ctx context.Context, project string) (n int, err error) {
	err = r.row(ctx, `SELECT COUNT(*) FROM submission WHERE project = $1 AND `+listed, project).Scan(&n)
	return n, err
}

// AdvisoryDue lists approved and held submissions that do not stand in a roll-out yet.
func (r Reader) AdvisoryDue(ctx context.Context, i AdvisoryIssue, limit int) ([]string, error) {
	rows, err := r.rows(ctx, `SELECT id FROM submission WHERE project = $1 AND advisory < $2 AND `+listed+` ORDER BY advisory, id LIMIT $3`, i.Project, i.Number, limit)
	return collect(rows, err, func(rows *sql.Rows) (id string, err error) { return id, rows.Scan(&id) })
}

// AdvisoryWaiting counts them.
func (r Reader) AdvisoryWaiting(ctx context.Context, i AdvisoryIssue) (n int, err error) {
	err = r.row(ctx, `SELECT COUNT(*) FROM submission WHERE project = $1 AND advisory < $2 AND `+listed, i.Project, i.Number).Scan(&n)
	return n, err
}

// AddAdvisoryIssue begins a roll-out. Its number comes after every one that a submission of the project knows, so
// that after a restore nobody counts as standing in it.
func (t *Tx) AddAdvisoryIssue(ctx context.Context, i AdvisoryIssue) error {
	_, err := t.exec(ctx, `INSERT INTO advisory_issue (id, project, number, bits, made)
		SELECT $1, CAST($2 AS TEXT), 1 + MAX(n), CAST($3 AS BIGINT), CAST($4 AS BIGINT) FROM (SELECT COALESCE(MAX(number), 0) AS n FROM advisory_issue WHERE project = $2
		UNION ALL SELECT COALESCE(MAX(advisory), 0) FROM submission WHERE project = $2) known`, i.ID, i.Project, int64(i.Bits), micros(i.Made))
	if err != nil {
		return fmt.Errorf("begin a roll-out: %w", err)
	}
	return nil
}

// ClaimAdvisory marks a submission as standing in a roll-out and gives its personal data, encrypted, as they are now: the row
// is held until the transaction ends. ErrNotFound: it stands there already, or does not belong there any more.
func (t *Tx) ClaimAdvisory(ctx context.Context, submission string, number int64) (private []byte, err error) {
	err = none(t.row(ctx, `UPDATE submission SET advisory = $2 WHERE id = $1 AND advisory < $2 AND `+listed+` RETURNING private`, submission, number).Scan(&private))
	return private, err
}

// AddAdvisoryEntries numbers entries and adds them to a roll-out.
func (t *Tx) AddAdvisoryEntries(ctx context.Context, issue string, all []AdvisoryEntry) error {
	if len(all) == 0 {
		return nil
	}
	var last int64
	if err := none(t.row(ctx, `UPDATE advisory_issue SET last = last + $2 WHERE id = $1 RETURNING last`, issue, len(all)).Scan(&last)); err != nil {
		return fmt.Errorf("number entries of a roll-out: %w", err)
	}
	for n, e := range all {
		if _, err := t.exec(ctx, `INSERT INTO advisory_entry (issue, number, submission, document, person) VALUES ($1, $2, $3, $4, $5)`,
			issue, last-int64(len(all)-1-n), e.Submission, int64(e.Document), int64(e.Person)); err != nil {
			return fmt.Errorf("add to a roll-out: %w", err)
		}
	}
	return nil
}

// withdrawAdvisory takes a submission out of every roll-out, at once: nothing of its hashes is left, and kiosks that have
// them are told its number. Where it still belongs there it is derived anew.
func (t *Tx) withdrawAdvisory(ctx context.Context, submission string) error {
	// First: whoever is about to add it waits for this row, or this waits for him.
	if _, err := t.exec(ctx, `UPDATE submission SET advisory = 0 WHERE id = $1`, submission); err != nil {
		return fmt.Errorf("take out of roll-outs: %w", err)
	}
	type place struct {
		issue  string
		number int64
	}
	rows, err := t.rows(ctx, `DELETE FROM advisory_entry WHERE submission = $1 RETURNING issue, number`, submission)
	places, err := collect(rows, err, func(rows *sql.Rows) (p place, err error) { return p, rows.Scan(&p.issue, &p.number) })
	if err != nil {
		return fmt.Errorf("take out of roll-outs: %w", err)
	}
	slices.SortFunc(places, func(a, b place) int { return cmp.Or(cmp.Compare(a.issue, b.issue), cmp.Compare(a.number, b.number)) })
	for _, p := range places {
		var last int64
		err := none(t.row(ctx, `UPDATE advisory_issue SET last = last + 1 WHERE id = $1 RETURNING last`, p.issue).Scan(&last))
		if errors.Is(err, ErrNotFound) {
			continue // the roll-out is being cleared away
		}
		if err != nil {
			return fmt.Errorf("number a removal: %w", err)
		}
		if _, err := t.exec(ctx, `INSERT INTO advisory_gone (issue, number, gone) VALUES ($1, $2, $3)`, p.issue, last, p.number); err != nil {
			return fmt.Errorf("note a removal: %w", err)
		}
	}
	return nil
}

// FinishAdvisory notes that everybody stands in a roll-out: kiosks are given it from now on.
func (t *Tx) FinishAdvisory(ctx context.Context, issue string, at time.Time) error {
	if _, err := t.exec(ctx, `UPDATE advisory_issue SET whole = $2 WHERE id = $1 AND whole = 0`, issue, micros(at)); err != nil {
		return fmt.Errorf("finish a roll-out: %w", err)
	}
	return nil
}

// DropAdvisory ends a roll-out that another has replaced, or that nobody wants any more.
func (t *Tx) DropAdvisory(ctx context.Context, issue string) error {
	if _, err := t.exec(ctx, `DELETE FROM advisory_issue WHERE id = $1`, issue); err != nil {
		return fmt.Errorf("end a roll-out: %w", err)
	}
	return nil
}

// ClearAdvisory deletes some of what is left of roll-outs that ended, and tells how much that was.
func (t *Tx) ClearAdvisory(ctx context.Context, limit int) (n int, err error) {
	for _, table := range []string{"advisory_entry", "advisory_gone"} {
		did, err := t.exec(ctx, `DELETE FROM `+table+` WHERE (issue, number) IN
			(SELECT e.issue, e.number FROM `+table+` e WHERE NOT EXISTS (SELECT 1 FROM advisory_issue i WHERE i.id = e.issue) LIMIT $1)`, limit)
		if err != nil {
			return n, fmt.Errorf("clear roll-outs: %w", err)
		}
		n += int(did)
	}
	return n, nil
}

// AdvisoryPage reads what of a roll-out comes after a number, limit entries and removals at most, as of one moment.
func (s *Store) AdvisoryPage(ctx context.Context, issue string, after uint64, limit int) (p AdvisoryPage, err error) {
	var last int64
	p.Upto = after
	// One statement, one state: what another writes meanwhile is for the next page.
	rows, err := s.Read().rows(ctx, `SELECT i.last, x.number, x.document, x.person, x.gone FROM advisory_issue i LEFT JOIN
		(SELECT * FROM (SELECT number, document, person, 0 AS gone FROM advisory_entry WHERE issue = $1 AND number > $2 ORDER BY number LIMIT $3) a
		UNION ALL SELECT * FROM (SELECT number, 0, 0, gone FROM advisory_gone WHERE issue = $1 AND number > $2 ORDER BY number LIMIT $3) b
		ORDER BY number LIMIT $3) x ON 1 = 1 WHERE i.id = $1 ORDER BY x.number`, issue, int64(after), limit)
	found := 0
	_, err = collect(rows, err, func(rows *sql.Rows) (none struct{}, err error) {
		var number, document, person, gone sql.NullInt64
		if err := rows.Scan(&last, &number, &document, &person, &gone); err != nil {
			return none, err
		}
		found++
		switch {
		case !number.Valid:
			return none, nil
		case gone.Int64 > 0:
			p.Gone = append(p.Gone, uint64(gone.Int64))
		default:
			p.Entries = append(p.Entries, AdvisoryEntry{Number: uint64(number.Int64), Document: uint32(document.Int64), Person: uint32(person.Int64)})
		}
		p.Upto = uint64(number.Int64)
		return none, nil
	})
	switch {
	case err != nil:
		return p, fmt.Errorf("read a roll-out: %w", err)
	case found == 0:
		return p, ErrNotFound
	}
	p.Last = uint64(last)
	return p, nil
}
