package store

import (
	"context"
	"fmt"
	"time"
)

// Enrolment is a token as the database knows it, and what the kiosk that uses it will be.
type Enrolment struct {
	Hash    string // of the token's secret
	Kiosk   string
	Country string
	Project string
	Broker  string
	Created time.Time
	Expires time.Time
	Used    time.Time
	Key     string // SHA-256 of the public key that used it, hex
}

// AddEnrolment stores a token. Earlier ones for the same kiosk that nobody used are void.
func (t *Tx) AddEnrolment(ctx context.Context, e Enrolment) error {
	if _, err := t.exec(ctx, `DELETE FROM enrolment WHERE kiosk = $1 AND used = 0`, e.Kiosk); err != nil {
		return fmt.Errorf("void earlier tokens: %w", err)
	}
	_, err := t.exec(ctx, `INSERT INTO enrolment (hash, kiosk, country, project, broker, created, expires) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		e.Hash, e.Kiosk, e.Country, e.Project, e.Broker, micros(e.Created), micros(e.Expires))
	if err != nil {
		return fmt.Errorf("store token: %w", err)
	}
	return nil
}

// Enrolment finds a token by the hash of its secret; ErrNotFound.
func (r Reader) Enrolment(ctx context.Context, hash string) (Enrolment, error) {
	var e Enrolment
	var created, expires, used int64
	err := r.row(ctx, `SELECT hash, kiosk, country, project, broker, created, expires, used, key FROM enrolment WHERE hash = $1`, hash).
		Scan(&e.Hash, &e.Kiosk, &e.Country, &e.Project, &e.Broker, &created, &expires, &used, &e.Key)
	e.Created, e.Expires, e.Used = moment(created), moment(expires), moment(used)
	return e, none(err)
}

// UseEnrolment marks a token as used by a key. False: somebody else was quicker.
func (t *Tx) UseEnrolment(ctx context.Context, hash, key string, at time.Time) (bool, error) {
	n, err := t.exec(ctx, `UPDATE enrolment SET used = $3, key = $2 WHERE hash = $1 AND used = 0`, hash, key, micros(at))
	if err != nil {
		return false, fmt.Errorf("use token: %w", err)
	}
	return n == 1, nil
}
