package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"vestibule/journey"
)

// ErrAlreadyApproved is returned when an applicant has an approval already.
var ErrAlreadyApproved = errors.New("the applicant is approved already")

// Decision is one decision with everything it rests on.
type Decision struct {
	ID         string // also the id of the decision event
	Session    string
	Submission string
	Revision   int
	Round      int // 0: by the rules; from 1: by people
	Applicant  string
	Decision   journey.Decision
	Reason     journey.Reason
	Policy     string
	Digest     string
	Lists      string
	Record     []byte
	At         time.Time
}

// AddDecision stores a decision. A revision is decided once in each round.
func (t *Tx) AddDecision(ctx context.Context, d Decision) error {
	_, err := t.exec(ctx, `INSERT INTO decision (id, session, submission, revision, applicant, decision, reason, policy, digest, lists, record, at, round)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		d.ID, d.Session, d.Submission, d.Revision, d.Applicant, string(d.Decision), string(d.Reason), d.Policy, d.Digest, d.Lists, d.Record, micros(d.At), d.Round)
	if err != nil {
		return fmt.Errorf("store decision: %w", err)
	}
	return nil
}

const decisionColumns = `id, session, submission, revision, applicant, decision, reason, policy, digest, lists, record, at, round`

func scanDecision(rows *sql.Rows) (Decision, error) {
	var d Decision
	var at int64
	err := rows.Scan(&d.ID, &d.Session, &d.Submission, &d.Revision, &d.Applicant, &d.Decision, &d.Reason, &d.Policy, &d.Digest, &d.Lists, &d.Record, &at, &d.Round)
	d.At = moment(at)
	return d, err
}

// Decisions gives a session's decisions, oldest first.
func (r Reader) Decisions(ctx context.Context, session string) ([]Decision, error) {
	rows, err := r.rows(ctx, `SELECT `+decisionColumns+` FROM decision WHERE session = $1 ORDER BY at, id`, session)
	return collect(rows, err, scanDecision)
}

// AddDecisionInput stores what a decision rests on, encrypted.
func (t *Tx) AddDecisionInput(ctx context.Context, decision string, sealed []byte) error {
	if _, err := t.exec(ctx, `INSERT INTO decision_input (decision, sealed) VALUES ($1, $2)`, decision, sealed); err != nil {
		return fmt.Errorf("store decision's input: %w", err)
	}
	return nil
}

// DecisionFilter chooses decisions that the rules made: a person's is not made again. Zero fields choose nothing away.
type DecisionFilter struct {
	Session string
	Project string
	Since   time.Time
}

func (f DecisionFilter) where() (string, []any) {
	where, args := ` WHERE d.round = 0 AND d.at >= $1`, []any{micros(f.Since)}
	for _, one := range []struct{ column, value string }{{"d.session", f.Session}, {"s.project", f.Project}} {
		if one.value != "" {
			args = append(args, one.value)
			where += fmt.Sprintf(` AND %s = $%d`, one.column, len(args))
		}
	}
	return where, args
}

const fromDecision = ` FROM decision d LEFT JOIN submission s ON s.id = d.submission`

// CountDecisions counts the decisions of a filter.
func (r Reader) CountDecisions(ctx context.Context, f DecisionFilter) (n int, err error) {
	where, args := f.where()
	err = r.row(ctx, `SELECT COUNT(*)`+fromDecision+where, args...).Scan(&n)
	return n, err
}

// Replayable is a decision with what it rests on. Input is nil where none was kept.
type Replayable struct {
	Decision
	Input []byte
}

// Replayables gives the decisions of a filter, oldest first, after one that was given before; a zero
// after begins.
func (r Reader) Replayables(ctx context.Context, f DecisionFilter, after Decision, limit int) ([]Replayable, error) {
	where, args := f.where()
	n := len(args)
	where += fmt.Sprintf(` AND (d.at > $%d OR d.at = $%d AND d.id > $%d) ORDER BY d.at, d.id LIMIT $%d`, n+1, n+1, n+2, n+3)
	rows, err := r.rows(ctx, `SELECT d.id, d.session, d.submission, d.revision, d.applicant, d.decision, d.reason, d.policy, d.digest, d.lists, d.record, d.at, i.sealed`+
		fromDecision+` LEFT JOIN decision_input i ON i.decision = d.id`+where, append(args, micros(after.At), after.ID, limit)...)
	return collect(rows, err, func(rows *sql.Rows) (Replayable, error) {
		var d Replayable
		var at int64
		err := rows.Scan(&d.ID, &d.Session, &d.Submission, &d.Revision, &d.Applicant, &d.Decision.Decision, &d.Reason, &d.Policy, &d.Digest, &d.Lists, &d.Record, &at, &d.Input)
		d.At = moment(at)
		return d, err
	})
}

// Approve notes an approval: one per applicant and project, whoever asks. A
// submission that is decided again keeps its own.
func (t *Tx) Approve(ctx context.Context, project, applicant, submission string, at time.Time) error {
	if _, err := t.exec(ctx, `DELETE FROM approval WHERE submission = $1`, submission); err != nil {
		return fmt.Errorf("note approval: %w", err)
	}
	n, err := t.exec(ctx, `INSERT INTO approval (project, applicant, submission, at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
		project, applicant, submission, micros(at))
	if err != nil {
		return fmt.Errorf("note approval: %w", err)
	}
	if n == 0 {
		return ErrAlreadyApproved
	}
	return nil
}

// Approvals counts a project's approvals.
func (r Reader) Approvals(ctx context.Context, project string) (n int, err error) {
	err = r.row(ctx, `SELECT COUNT(*) FROM approval WHERE project = $1`, project).Scan(&n)
	return n, err
}

// Unapprove takes back a submission's approval and its face, when it was decided again.
func (t *Tx) Unapprove(ctx context.Context, submission string) error {
	for _, query := range []string{`DELETE FROM approval WHERE submission = $1`, `DELETE FROM face WHERE submission = $1`} {
		if _, err := t.exec(ctx, query, submission); err != nil {
			return fmt.Errorf("take approval back: %w", err)
		}
	}
	return nil
}

// AddApplicant makes a root of its own.
func (t *Tx) AddApplicant(ctx context.Context, id string, at time.Time) error {
	if _, err := t.exec(ctx, `INSERT INTO applicant (id, parent, created) VALUES ($1, $1, $2)`, id, micros(at)); err != nil {
		return fmt.Errorf("add applicant: %w", err)
	}
	return nil
}

// Applicant follows an applicant to its root.
func (r Reader) Applicant(ctx context.Context, id string) (root string, created time.Time, err error) {
	for range 64 {
		var parent string
		var at int64
		if err := none(r.row(ctx, `SELECT parent, created FROM applicant WHERE id = $1`, id).Scan(&parent, &at)); err != nil {
			return "", time.Time{}, fmt.Errorf("find applicant: %w", err)
		}
		if parent == id {
			return id, moment(at), nil
		}
		id = parent
	}
	return "", time.Time{}, errors.New("find applicant: links do not end")
}

// MergeApplicants makes survivor the root of merged, and moves what hangs on it.
// An approval of the merged one moves too, unless the survivor has its own.
func (t *Tx) MergeApplicants(ctx context.Context, id, survivor, merged, why, evidence string, at time.Time) error {
	for _, query := range []string{
		`UPDATE applicant SET parent = $1 WHERE parent = $2`,
		`UPDATE submission SET applicant = $1 WHERE applicant = $2`,
		`UPDATE face SET applicant = $1 WHERE applicant = $2`,
		`UPDATE approval SET applicant = $1 WHERE applicant = $2
		   AND NOT EXISTS (SELECT 1 FROM approval o WHERE o.project = approval.project AND o.applicant = $1)`,
	} {
		if _, err := t.exec(ctx, query, survivor, merged); err != nil {
			return fmt.Errorf("merge applicants: %w", err)
		}
	}
	if _, err := t.exec(ctx, `INSERT INTO applicant_log (id, survivor, merged, why, evidence, at) VALUES ($1, $2, $3, $4, $5, $6)`,
		id, survivor, merged, why, evidence, micros(at)); err != nil {
		return fmt.Errorf("log merge: %w", err)
	}
	return nil
}

// Face is a template of an approved person, encrypted.
type Face struct {
	Seq        int64
	Submission string
	Applicant  string
	Project    string
	Model      string
	Template   []byte
}

// AddFace adds a template to the collection. Its number is higher than any before, also
// than those of faces that were taken out: whoever has read up to there finds it.
func (t *Tx) AddFace(ctx context.Context, f Face, at time.Time) (int64, error) {
	var seq int64
	if err := t.row(ctx, `UPDATE turn SET n = n + 1 WHERE name = 'face' RETURNING n`).Scan(&seq); err != nil {
		return 0, fmt.Errorf("number a face: %w", err)
	}
	_, err := t.exec(ctx, `INSERT INTO face (seq, submission, applicant, project, model, template, created) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		seq, f.Submission, f.Applicant, f.Project, f.Model, f.Template, micros(at))
	if err != nil {
		return 0, fmt.Errorf("add face: %w", err)
	}
	return seq, nil
}

// FacesAfter gives the templates added after a number, in order.
func (r Reader) FacesAfter(ctx context.Context, seq int64, limit int) ([]Face, error) {
	rows, err := r.rows(ctx, `SELECT seq, submission, applicant, project, model, template FROM face WHERE seq > $1 ORDER BY seq LIMIT $2`, seq, limit)
	return collect(rows, err, func(rows *sql.Rows) (Face, error) {
		var f Face
		err := rows.Scan(&f.Seq, &f.Submission, &f.Applicant, &f.Project, &f.Model, &f.Template)
		return f, err
	})
}

// FaceOwners gives whose the templates added after a number are, in order, and the
// number of the last of them.
func (r Reader) FaceOwners(ctx context.Context, seq int64, limit int) (submissions []string, last int64, err error) {
	last = seq
	rows, err := r.rows(ctx, `SELECT seq, submission FROM face WHERE seq > $1 ORDER BY seq LIMIT $2`, seq, limit)
	submissions, err = collect(rows, err, func(rows *sql.Rows) (string, error) {
		var one string
		err := rows.Scan(&last, &one)
		return one, err
	})
	return submissions, last, err
}

// Face finds the template of one submission.
func (r Reader) Face(ctx context.Context, submission string) (f Face, err error) {
	err = none(r.row(ctx, `SELECT seq, submission, applicant, project, model, template FROM face WHERE submission = $1`, submission).
		Scan(&f.Seq, &f.Submission, &f.Applicant, &f.Project, &f.Model, &f.Template))
	return f, err
}

// Screening is the result of screening a submission.
type Screening struct {
	Submission string
	Status     string
	Risk       string
	Result     []byte
	At         time.Time
}

// SaveScreening writes the newest result.
func (t *Tx) SaveScreening(ctx context.Context, s Screening) error {
	_, err := t.exec(ctx, `INSERT INTO screening (submission, status, risk, result, at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (submission) DO UPDATE SET status = excluded.status, risk = excluded.risk, result = excluded.result, at = excluded.at`,
		s.Submission, s.Status, s.Risk, s.Result, micros(s.At))
	if err != nil {
		return fmt.Errorf("store screening: %w", err)
	}
	return nil
}

// Screening finds a submission's screening.
func (r Reader) Screening(ctx context.Context, submission string) (Screening, error) {
	s := Screening{Submission: submission}
	var at int64
	err := none(r.row(ctx, `SELECT status, risk, result, at FROM screening WHERE submission = $1`, submission).Scan(&s.Status, &s.Risk, &s.Result, &at))
	s.At = moment(at)
	return s, err
}
