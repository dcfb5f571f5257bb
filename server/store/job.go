package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// JobState is where a job stands.
type JobState string

// The states of a job.
const (
	JobQueued  JobState = "queued"
	JobRunning JobState = "running"
	JobDone    JobState = "done"
	JobDead    JobState = "dead" // given up; a person has to look
)

// Job is slow work that survives a restart.
type Job struct {
	ID       string
	Kind     string
	Subject  string
	State    JobState
	Attempts int
	Due      time.Time
	Problem  string
	Created  time.Time
	Updated  time.Time
}

const jobColumns = `id, kind, subject, state, attempts, due, problem, created, updated`

func scanJob(scan func(...any) error) (Job, error) {
	var j Job
	var due, created, updated int64
	err := scan(&j.ID, &j.Kind, &j.Subject, &j.State, &j.Attempts, &due, &j.Problem, &created, &updated)
	j.Due, j.Created, j.Updated = moment(due), moment(created), moment(updated)
	return j, none(err)
}

// Enqueue queues work on a subject, anew if there was some. A run that is still
// going on cannot finish what was queued after it began: its attempt is no longer the current state.
func (t *Tx) Enqueue(ctx context.Context, id, kind, subject string, due, now time.Time) error {
	_, err := t.exec(ctx, `INSERT INTO job (id, kind, subject, state, due, created, updated) VALUES ($1, $2, $3, 'queued', $4, $5, $5)
		ON CONFLICT (kind, subject) DO UPDATE SET state = 'queued', problem = '', due = excluded.due, updated = excluded.updated, lease = 0`,
		id, kind, subject, micros(due), micros(now))
	if err != nil {
		return fmt.Errorf("queue job: %w", err)
	}
	return nil
}

// ClaimJob takes the job that is due longest, for as long as the lease. A lease
// that ran out (the copy that held it died) frees the job. It returns
// ErrNotFound when nothing is due.
func (t *Tx) ClaimJob(ctx context.Context, now time.Time, lease time.Duration) (Job, error) {
	return scanJob(t.row(ctx, `UPDATE job SET state = 'running', attempts = attempts + 1, lease = $2, updated = $1
		WHERE id = (SELECT id FROM job WHERE state = 'queued' AND due <= $1 OR state = 'running' AND lease < $1 ORDER BY due, id LIMIT 1)
		AND (state = 'queued' OR state = 'running' AND lease < $1)
		RETURNING `+jobColumns, micros(now), micros(now.Add(lease))).Scan)
}

// HoldJob lengthens the lease of a job that is still the caller's, and tells whether it is.
func (t *Tx) HoldJob(ctx context.Context, j Job, now time.Time, lease time.Duration) (bool, error) {
	n, err := t.exec(ctx, `UPDATE job SET lease = $3 WHERE id = $1 AND attempts = $2 AND state = 'running'`, j.ID, j.Attempts, micros(now.Add(lease)))
	if err != nil {
		return false, fmt.Errorf("hold job: %w", err)
	}
	return n > 0, nil
}

// FinishJob ends a job that is still the caller's.
func (t *Tx) FinishJob(ctx context.Context, j Job, now time.Time) error {
	_, err := t.exec(ctx, `UPDATE job SET state = 'done', problem = '', updated = $3 WHERE id = $1 AND attempts = $2 AND state = 'running'`,
		j.ID, j.Attempts, micros(now))
	if err != nil {
		return fmt.Errorf("finish job: %w", err)
	}
	return nil
}

// RetryJob gives a job back, to be tried again when due; or gives it up.
func (t *Tx) RetryJob(ctx context.Context, j Job, problem string, due, now time.Time, giveUp bool) error {
	state := JobQueued
	if giveUp {
		state = JobDead
	}
	_, err := t.exec(ctx, `UPDATE job SET state = $3, problem = $4, due = $5, updated = $6 WHERE id = $1 AND attempts = $2 AND state = 'running'`,
		j.ID, j.Attempts, string(state), problem, micros(due), micros(now))
	if err != nil {
		return fmt.Errorf("give job back: %w", err)
	}
	return nil
}

// Job finds the job on a subject.
func (r Reader) Job(ctx context.Context, kind, subject string) (Job, error) {
	return scanJob(r.row(ctx, `SELECT `+jobColumns+` FROM job WHERE kind = $1 AND subject = $2`, kind, subject).Scan)
}

// OpenJobs lists the jobs that are not done: those given up first.
func (r Reader) OpenJobs(ctx context.Context, limit int) ([]Job, error) {
	rows, err := r.rows(ctx, `SELECT `+jobColumns+` FROM job WHERE state <> 'done' ORDER BY state, due LIMIT $1`, limit)
	return collect(rows, err, func(rows *sql.Rows) (Job, error) { return scanJob(rows.Scan) })
}
