package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// LegalHold keeps a submission from being erased.
type LegalHold struct {
	ID         string
	Submission string
	Why        string // a reference, without personal data
	Who        string
	Begun      time.Time
	Ended      time.Time
	EndedBy    string
}

// AddLegalHold notes a hold.
func (t *Tx) AddLegalHold(ctx context.Context, h LegalHold) error {
	if _, err := t.exec(ctx, `INSERT INTO legal_hold (id, submission, why, who, begun) VALUES ($1, $2, $3, $4, $5)`,
		h.ID, h.Submission, h.Why, h.Who, micros(h.Begun)); err != nil {
		return fmt.Errorf("note legal hold: %w", err)
	}
	return nil
}

// EndLegalHold ends a hold. It returns ErrNotFound when there is none under this id that is not ended.
func (t *Tx) EndLegalHold(ctx context.Context, id, who string, at time.Time) (submission string, err error) {
	err = none(t.row(ctx, `UPDATE legal_hold SET ended = $2, ended_by = $3 WHERE id = $1 AND ended = 0 RETURNING submission`, id, micros(at), who).Scan(&submission))
	return submission, err
}

const holdColumns = `id, submission, why, who, begun, ended, ended_by`

func scanHold(rows *sql.Rows) (LegalHold, error) {
	var h LegalHold
	var begun, ended int64
	err := rows.Scan(&h.ID, &h.Submission, &h.Why, &h.Who, &begun, &ended, &h.EndedBy)
	h.Begun, h.Ended = moment(begun), moment(ended)
	return h, err
}

// LegalHoldsOn gives the holds of a submission that are not ended.
func (r Reader) LegalHoldsOn(ctx context.Context, submission string) ([]LegalHold, error) {
	rows, err := r.rows(ctx, `SELECT `+holdColumns+` FROM legal_hold WHERE submission = $1 AND ended = 0 ORDER BY begun, id`, submission)
	return collect(rows, err, scanHold)
}

// LegalHolds lists the holds, those in force first, the newest first.
func (r Reader) LegalHolds(ctx context.Context, limit int) ([]LegalHold, error) {
	rows, err := r.rows(ctx, `SELECT `+holdColumns+` FROM legal_hold ORDER BY CASE WHEN ended = 0 THEN 0 ELSE 1 END, begun DESC, id LIMIT $1`, limit)
	return collect(rows, err, scanHold)
}
