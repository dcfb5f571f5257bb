package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// User is a person who uses the console. Their key is known by its hash only.
type User struct {
	Name     string
	Role     string // reviewer, viewer, operator
	Hash     string // SHA-256 of the key, hex
	Created  time.Time
	Disabled time.Time
}

const userColumns = `name, role, hash, created, disabled`

func scanUser(scan func(...any) error) (User, error) {
	var u User
	var created, disabled int64
	err := scan(&u.Name, &u.Role, &u.Hash, &created, &disabled)
	u.Created, u.Disabled = moment(created), moment(disabled)
	return u, none(err)
}

// AddUser stores a person. It reports false when there is one of that name, disabled or not:
// a name in the audit trail means one person for ever.
func (t *Tx) AddUser(ctx context.Context, u User) (bool, error) {
	n, err := t.exec(ctx, `INSERT INTO console_user (name, role, hash, created) VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO NOTHING`,
		u.Name, u.Role, u.Hash, micros(u.Created))
	if err != nil {
		return false, fmt.Errorf("store user: %w", err)
	}
	return n > 0, nil
}

// DisableUser takes a person's access away. One who is not there, or has none, is ErrNotFound.
func (t *Tx) DisableUser(ctx context.Context, name string, at time.Time) error {
	n, err := t.exec(ctx, `UPDATE console_user SET disabled = $2 WHERE name = $1 AND disabled = 0`, name, micros(at))
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("disable user: %w", err)
	}
	return nil
}

// UserByHash finds a person who has access by their key.
func (r Reader) UserByHash(ctx context.Context, hash string) (User, error) {
	return scanUser(r.row(ctx, `SELECT `+userColumns+` FROM console_user WHERE hash = $1 AND disabled = 0`, hash).Scan)
}

// User finds a person, disabled or not.
func (r Reader) User(ctx context.Context, name string) (User, error) {
	return scanUser(r.row(ctx, `SELECT `+userColumns+` FROM console_user WHERE name = $1`, name).Scan)
}

// Users lists everybody, by name.
func (r Reader) Users(ctx context.Context) ([]User, error) {
	rows, err := r.rows(ctx, `SELECT `+userColumns+` FROM console_user ORDER BY name`)
	return collect(rows, err, func(rows *sql.Rows) (User, error) { return scanUser(rows.Scan) })
}
