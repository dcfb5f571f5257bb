package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"vestibule/journey"
)

// StagePolicy notes kiosks that a policy is rolled out to before it is in force.
func (t *Tx) StagePolicy(ctx context.Context, e PolicyEntry, kiosks []string) error {
	for _, k := range kiosks {
		if _, err := t.exec(ctx, `INSERT INTO policy_stage (project, kiosk, number) VALUES ($1, $2, $3)`, e.Project, k, e.Number); err != nil {
			return fmt.Errorf("stage policy: %w", err)
		}
	}
	return nil
}

// EndStage ends a project's roll-out, if there is one: from now on its kiosks are like the others.
func (t *Tx) EndStage(ctx context.Context, project string) error {
	if _, err := t.exec(ctx, `DELETE FROM policy_stage WHERE project = $1`, project); err != nil {
		return fmt.Errorf("end roll-out: %w", err)
	}
	return nil
}

// Stage gives the policy that a project rolls out, and to which kiosks. It returns ErrNotFound when there is none.
func (r Reader) Stage(ctx context.Context, project string) (PolicyEntry, []string, error) {
	rows, err := r.rows(ctx, `SELECT kiosk, number FROM policy_stage WHERE project = $1 ORDER BY kiosk`, project)
	e := PolicyEntry{Project: project}
	kiosks, err := collect(rows, err, func(rows *sql.Rows) (kiosk string, err error) { return kiosk, rows.Scan(&kiosk, &e.Number) })
	if err == nil && len(kiosks) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return e, nil, err
	}
	var at int64
	err = none(r.row(ctx, `SELECT version, what, who, at FROM policy_log WHERE project = $1 AND number = $2`, project, e.Number).Scan(&e.Version, &e.What, &e.Who, &at))
	e.At = moment(at)
	return e, kiosks, err
}

// PolicyAt gives the policy that a kiosk's visits are decided by: the one that is rolled out to it, else the one in force.
func (r Reader) PolicyAt(ctx context.Context, project, kiosk string) (journey.Policy, error) {
	p, err := scanPolicy(r.row(ctx, `SELECT p.body FROM policy_stage s
		JOIN policy_log l ON l.project = s.project AND l.number = s.number
		JOIN policy p ON p.project = l.project AND p.version = l.version
		WHERE s.project = $1 AND s.kiosk = $2`, project, kiosk))
	if errors.Is(err, ErrNotFound) {
		return r.Policy(ctx, project)
	}
	return p, err
}
