package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Branch is several kiosks behind one box.
type Branch struct {
	Name    string
	Made    time.Time
	Revoked time.Time
	Kiosks  []string // by name; some may not be enrolled yet
}

// Branches lists all branches by name.
func (r Reader) Branches(ctx context.Context) ([]Branch, error) {
	rows, err := r.rows(ctx, `SELECT b.name, b.made, b.revoked, COALESCE(k.kiosk, '') FROM branch b
		LEFT JOIN branch_kiosk k ON k.branch = b.name ORDER BY b.name, k.kiosk`)
	type line struct {
		Branch
		kiosk string
	}
	lines, err := collect(rows, err, func(rows *sql.Rows) (l line, err error) {
		var made, revoked int64
		err = rows.Scan(&l.Name, &made, &revoked, &l.kiosk)
		l.Made, l.Revoked = moment(made), moment(revoked)
		return l, err
	})
	if err != nil {
		return nil, fmt.Errorf("list branches: %w", err)
	}
	var all []Branch
	for _, l := range lines {
		if n := len(all); n == 0 || all[n-1].Name != l.Name {
			all = append(all, l.Branch)
		}
		if l.kiosk != "" {
			b := &all[len(all)-1]
			b.Kiosks = append(b.Kiosks, l.kiosk)
		}
	}
	return all, nil
}

// BranchOf gives the branch behind whose box a kiosk stands; empty: none.
func (r Reader) BranchOf(ctx context.Context, kiosk string) (string, error) {
	var branch string
	err := none(r.row(ctx, `SELECT branch FROM branch_kiosk WHERE kiosk = $1`, kiosk).Scan(&branch))
	if errors.Is(err, ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read branch: %w", err)
	}
	return branch, nil
}

// AddBranch makes a branch, unless there is one of this name. One that was revoked stays so.
func (t *Tx) AddBranch(ctx context.Context, name string, at time.Time) error {
	if _, err := t.exec(ctx, `INSERT INTO branch (name, made) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`, name, micros(at)); err != nil {
		return fmt.Errorf("make branch: %w", err)
	}
	return nil
}

// JoinBranch puts a kiosk behind a branch's box, whatever branch it was in before.
func (t *Tx) JoinBranch(ctx context.Context, branch, kiosk string) error {
	_, err := t.exec(ctx, `INSERT INTO branch_kiosk (kiosk, branch) VALUES ($1, $2) ON CONFLICT (kiosk) DO UPDATE SET branch = excluded.branch`, kiosk, branch)
	if err != nil {
		return fmt.Errorf("join branch: %w", err)
	}
	return nil
}

// LeaveBranch takes a kiosk out of its branch; ErrNotFound when it was in none.
func (t *Tx) LeaveBranch(ctx context.Context, kiosk string) error {
	n, err := t.exec(ctx, `DELETE FROM branch_kiosk WHERE kiosk = $1`, kiosk)
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("leave branch: %w", err)
	}
	return nil
}

// RevokeBranch takes away a box's right to speak for its kiosks.
func (t *Tx) RevokeBranch(ctx context.Context, name string, at time.Time) error {
	n, err := t.exec(ctx, `UPDATE branch SET revoked = $2 WHERE name = $1 AND revoked = 0`, name, micros(at))
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("revoke branch: %w", err)
	}
	return nil
}

// LoseBranch notes that a branch has lost its line: nobody knows whether its kiosks are there.
func (t *Tx) LoseBranch(ctx context.Context, name string) error {
	if _, err := t.exec(ctx, `UPDATE kiosk SET online = 0 WHERE online = 1 AND id IN (SELECT kiosk FROM branch_kiosk WHERE branch = $1)`, name); err != nil {
		return fmt.Errorf("note a branch's line: %w", err)
	}
	return nil
}

// QuietBranches notes that kiosks behind boxes which have said nothing since a moment are not known to be there. What a box
// has in store about a kiosk may be older than the power cut that both went through.
func (t *Tx) QuietBranches(ctx context.Context, since time.Time) error {
	if _, err := t.exec(ctx, `UPDATE kiosk SET online = 0 WHERE online = 1 AND seen < $1 AND id IN (SELECT kiosk FROM branch_kiosk)`, micros(since)); err != nil {
		return fmt.Errorf("note quiet branches: %w", err)
	}
	return nil
}
