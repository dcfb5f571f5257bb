package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// KioskPolicy is which policy a kiosk says it runs.
type KioskPolicy struct {
	Kiosk   string
	Version string // empty: none of the centre's yet
	Number  int64  // of its PolicyEntry
	At      time.Time
	Problem string // code: it refused one since
	Refused int64  // number of that one; 0: not known
}

// RunsPolicy notes which policy a kiosk says it runs now.
func (t *Tx) RunsPolicy(ctx context.Context, k KioskPolicy) error {
	_, err := t.exec(ctx, `INSERT INTO kiosk_policy (kiosk, version, number, at, problem, refused) VALUES ($1, $2, $3, $4, '', 0)
		ON CONFLICT (kiosk) DO UPDATE SET version = excluded.version, number = excluded.number, at = excluded.at, problem = '', refused = 0`,
		k.Kiosk, k.Version, k.Number, micros(k.At))
	if err != nil {
		return fmt.Errorf("note a kiosk's policy: %w", err)
	}
	return nil
}

// RefusesPolicy notes that a kiosk refused a policy. What it runs stays.
func (t *Tx) RefusesPolicy(ctx context.Context, k KioskPolicy) error {
	_, err := t.exec(ctx, `INSERT INTO kiosk_policy (kiosk, version, number, at, problem, refused) VALUES ($1, '', 0, $2, $3, $4)
		ON CONFLICT (kiosk) DO UPDATE SET at = excluded.at, problem = excluded.problem, refused = excluded.refused`,
		k.Kiosk, micros(k.At), k.Problem, k.Refused)
	if err != nil {
		return fmt.Errorf("note a kiosk's policy: %w", err)
	}
	return nil
}

// KioskPolicies gives what every kiosk said of its policy, by kiosk.
func (r Reader) KioskPolicies(ctx context.Context) (map[string]KioskPolicy, error) {
	rows, err := r.rows(ctx, `SELECT kiosk, version, number, at, problem, refused FROM kiosk_policy`)
	list, err := collect(rows, err, func(rows *sql.Rows) (KioskPolicy, error) {
		var k KioskPolicy
		var at int64
		err := rows.Scan(&k.Kiosk, &k.Version, &k.Number, &at, &k.Problem, &k.Refused)
		k.At = moment(at)
		return k, err
	})
	out := map[string]KioskPolicy{}
	for _, k := range list {
		out[k.Kiosk] = k
	}
	return out, err
}

// PolicyInForce gives the entry of a project's policy in force.
func (r Reader) PolicyInForce(ctx context.Context, project string) (PolicyEntry, error) {
	e := PolicyEntry{Project: project}
	var at int64
	err := none(r.row(ctx, `SELECT number, version, what, who, at FROM policy_log WHERE project = $1 AND what IN ('apply', 'rollback')
		ORDER BY number DESC LIMIT 1`, project).Scan(&e.Number, &e.Version, &e.What, &e.Who, &at))
	e.At = moment(at)
	return e, err
}
