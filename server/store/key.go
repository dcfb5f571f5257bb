package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// APIKey is a key as the database knows it: never the key itself.
type APIKey struct {
	ID        string
	Name      string
	Hash      string // SHA-256 of the key, hex
	Scope     string // several, separated by commas
	Project   string // empty: every project
	PerSecond int    // requests it may make, 0 means the API's default
	EncryptTo string // JWK that answers are encrypted to; empty: they are not
	Created   time.Time
	Revoked   time.Time
}

const keyColumns = `id, name, hash, scope, project, per_second, encrypt_to, created, revoked`

func scanKey(scan func(...any) error) (APIKey, error) {
	var k APIKey
	var created, revoked int64
	err := scan(&k.ID, &k.Name, &k.Hash, &k.Scope, &k.Project, &k.PerSecond, &k.EncryptTo, &created, &revoked)
	k.Created, k.Revoked = moment(created), moment(revoked)
	return k, none(err)
}

// AddAPIKey stores a key by its hash.
func (t *Tx) AddAPIKey(ctx context.Context, k APIKey) error {
	_, err := t.exec(ctx, `INSERT INTO api_key (id, name, hash, scope, project, per_second, encrypt_to, created) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		k.ID, k.Name, k.Hash, k.Scope, k.Project, k.PerSecond, k.EncryptTo, micros(k.Created))
	if err != nil {
		return fmt.Errorf("store API key: %w", err)
	}
	return nil
}

// RevokeAPIKey ends a key. One that is not there, or ended before, is ErrNotFound.
func (t *Tx) RevokeAPIKey(ctx context.Context, id string, at time.Time) error {
	n, err := t.exec(ctx, `UPDATE api_key SET revoked = $2 WHERE id = $1 AND revoked = 0`, id, micros(at))
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("revoke API key: %w", err)
	}
	return nil
}

// APIKeyByHash finds a key that is not revoked.
func (r Reader) APIKeyByHash(ctx context.Context, hash string) (APIKey, error) {
	return scanKey(r.row(ctx, `SELECT `+keyColumns+` FROM api_key WHERE hash = $1 AND revoked = 0`, hash).Scan)
}

// APIKey finds a key by its id, revoked or not.
func (r Reader) APIKey(ctx context.Context, id string) (APIKey, error) {
	return scanKey(r.row(ctx, `SELECT `+keyColumns+` FROM api_key WHERE id = $1`, id).Scan)
}

// APIKeys lists all keys, revoked ones included, oldest first.
func (r Reader) APIKeys(ctx context.Context) ([]APIKey, error) {
	rows, err := r.rows(ctx, `SELECT `+keyColumns+` FROM api_key ORDER BY created, id`)
	return collect(rows, err, func(rows *sql.Rows) (APIKey, error) { return scanKey(rows.Scan) })
}

// KnowsProject reports whether anything belongs to a project: a kiosk or a policy.
func (r Reader) KnowsProject(ctx context.Context, project string) (bool, error) {
	var n int
	err := r.row(ctx, `SELECT (SELECT COUNT(*) FROM kiosk WHERE project = $1) + (SELECT COUNT(*) FROM policy WHERE project = $1)`, project).Scan(&n)
	return n > 0, err
}
