package store

import (
	"context"
	"fmt"
	"time"
)

// Pile is how much work of one kind is in one state.
type Pile struct {
	Kind   string
	State  JobState
	Count  int
	Oldest time.Time // when the oldest was queued for the first time
	Due    time.Time // when the first is, or was, due
}

// JobPiles counts the jobs that are not done.
func (r Reader) JobPiles(ctx context.Context) ([]Pile, error) {
	piles, err := r.piles(ctx, `SELECT kind, state, COUNT(*), MIN(created), MIN(due) FROM job
		WHERE state IN ('queued', 'running', 'dead') GROUP BY kind, state ORDER BY kind, state`)
	if err != nil {
		return nil, fmt.Errorf("count jobs: %w", err)
	}
	return piles, nil
}

// DeliveryPiles counts the deliveries to webhooks that are not done.
func (r Reader) DeliveryPiles(ctx context.Context) ([]Pile, error) {
	piles, err := r.piles(ctx, `SELECT 'webhook', state, COUNT(*), MIN(created), MIN(due) FROM delivery
		WHERE state IN ('queued', 'running', 'dead') GROUP BY state ORDER BY state`)
	if err != nil {
		return nil, fmt.Errorf("count deliveries: %w", err)
	}
	return piles, nil
}

func (r Reader) piles(ctx context.Context, query string) ([]Pile, error) {
	rows, err := r.rows(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Pile
	for rows.Next() {
		var p Pile
		var oldest, due int64
		if err := rows.Scan(&p.Kind, &p.State, &p.Count, &oldest, &due); err != nil {
			return nil, err
		}
		p.Oldest, p.Due = moment(oldest), moment(due)
		all = append(all, p)
	}
	return all, rows.Err()
}

// Quarantines counts what is kept apart, by why.
func (r Reader) Quarantines(ctx context.Context) (map[string]int, error) {
	rows, err := r.rows(ctx, `SELECT why, COUNT(*) FROM quarantine GROUP BY why`)
	if err != nil {
		return nil, fmt.Errorf("count quarantine: %w", err)
	}
	defer rows.Close()
	all := map[string]int{}
	for rows.Next() {
		var why string
		var n int
		if err := rows.Scan(&why, &n); err != nil {
			return nil, fmt.Errorf("count quarantine: %w", err)
		}
		all[why] = n
	}
	return all, rows.Err()
}
