package store

import (
	"context"
	"database/sql"
	"fmt"
)

// nearVersion is that of the rules in duplicate.Traits.NearKeys; a change of them gets a new one.
const nearVersion = 1

// SaveNear replaces the keyed hashes under which a submission meets people whose data agree only nearly.
func (t *Tx) SaveNear(ctx context.Context, submission string, keys []string) error {
	if _, err := t.exec(ctx, `DELETE FROM near_key WHERE submission = $1`, submission); err != nil {
		return fmt.Errorf("forget near keys: %w", err)
	}
	for _, k := range keys {
		if _, err := t.exec(ctx, `INSERT INTO near_key (submission, key) VALUES ($1, $2)`, submission, k); err != nil {
			return fmt.Errorf("save near keys: %w", err)
		}
	}
	if _, err := t.exec(ctx, `UPDATE submission SET near_version = $2 WHERE id = $1`, submission, nearVersion); err != nil {
		return fmt.Errorf("note near keys: %w", err)
	}
	return t.withdrawAdvisory(ctx, submission) // what they are derived from is new
}

// ForgetNear takes a submission's near keys back: they are derived anew.
func (t *Tx) ForgetNear(ctx context.Context, submission string) error {
	if err := t.SaveNear(ctx, submission, nil); err != nil {
		return err
	}
	if _, err := t.exec(ctx, `UPDATE submission SET near_version = 0 WHERE id = $1`, submission); err != nil {
		return fmt.Errorf("forget near keys: %w", err)
	}
	return nil
}

// Near finds the approved and held submissions of a project, besides one, that share a near key with it, newest
// first, at most limit.
func (r Reader) Near(ctx context.Context, project, submission string, limit int) ([]Submission, error) {
	rows, err := r.rows(ctx, nearStatement, project, submission, string(StandDecided), limit)
	return collect(rows, err, scanSubmissionRow)
}

// nearStatement goes from the keys to who has them. Made to a term, the project has no index: SQLite would else rather walk
// through all of it.
const nearStatement = `SELECT ` + listColumns + ` FROM submission WHERE project || '' = $1 AND id IN
	(SELECT o.submission FROM near_key m JOIN near_key o ON o.key = m.key AND o.submission <> m.submission WHERE m.submission = $2)
	AND stand = $3 AND decision IN ('APPROVED', 'PENDING') ORDER BY created + 0 DESC, id LIMIT $4`

// WithoutNear lists submissions whose near keys were not derived yet.
func (r Reader) WithoutNear(ctx context.Context, limit int) ([]Submission, error) {
	rows, err := r.rows(ctx, `SELECT `+listColumns+` FROM submission WHERE near_version = 0 LIMIT $1`, limit)
	return collect(rows, err, func(rows *sql.Rows) (Submission, error) { return scanSubmission(rows.Scan) })
}
