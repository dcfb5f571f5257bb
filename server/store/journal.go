package store

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"vestibule/journey"
)

// Session is one visit as lists show it: columns derived from its events.
type Session struct {
	ID         string
	Kiosk      string
	Project    string
	Submission string
	Started    time.Time // kiosk's clock
	Ended      time.Time // kiosk's clock
	Received   time.Time // first receipt
	Updated    time.Time // last receipt
	Status     journey.SessionStatus
	Stage      journey.Stage
	Decision   journey.Decision
	Reason     journey.Reason
	Offline    bool
	Delay      time.Duration
	Events     int
	KioskSeq   uint64
	CentreSeq  uint64
	Fold       []byte // what its events come to, as package journal keeps it; nil: to be worked out
}

const sessionColumns = `id, kiosk, project, submission, started, ended, received, updated, status, stage, decision, reason, offline, delay, events, kiosk_seq, centre_seq, fold`

func scanSession(scan func(...any) error) (Session, error) {
	var s Session
	var started, ended, received, updated, offline, delay, kioskSeq, centreSeq int64
	err := scan(&s.ID, &s.Kiosk, &s.Project, &s.Submission, &started, &ended, &received, &updated, &s.Status, &s.Stage,
		&s.Decision, &s.Reason, &offline, &delay, &s.Events, &kioskSeq, &centreSeq, &s.Fold)
	s.Started, s.Ended, s.Received, s.Updated = moment(started), moment(ended), moment(received), moment(updated)
	s.Offline, s.Delay = offline != 0, time.Duration(delay)*time.Microsecond
	s.KioskSeq, s.CentreSeq = uint64(kioskSeq), uint64(centreSeq)
	return s, none(err)
}

// Session finds a session.
func (r Reader) Session(ctx context.Context, id string) (Session, error) {
	return scanSession(r.row(ctx, `SELECT `+sessionColumns+` FROM session WHERE id = $1`, id).Scan)
}

// SessionAndSize finds a session and counts its events.
func (r Reader) SessionAndSize(ctx context.Context, id string) (s Session, events int, err error) {
	s, err = scanSession(func(into ...any) error {
		return r.row(ctx, `SELECT `+sessionColumns+`, (SELECT COUNT(*) FROM event WHERE session = $1) FROM session WHERE id = $1`, id).
			Scan(append(into, &events)...)
	})
	return s, events, err
}

// SessionFilter narrows a list of sessions. Zero fields do not narrow.
type SessionFilter struct {
	Status   journey.SessionStatus
	Decision journey.Decision
	Reason   journey.Reason
	Kiosk    string
	Project  string
	Offline  bool
	From, To time.Time // of the start; To is excluded
	// Before continues a list: the start and id of its last row.
	Before   time.Time
	BeforeID string
	Limit    int
}

// Sessions lists sessions, the newest start first.
func (r Reader) Sessions(ctx context.Context, f SessionFilter) ([]Session, error) {
	var where []string
	var args []any
	add := func(clause string, values ...any) {
		for _, v := range values {
			args = append(args, v)
			clause = strings.Replace(clause, "?", fmt.Sprintf("$%d", len(args)), 1)
		}
		where = append(where, clause)
	}
	if f.Status != "" {
		add(`status = ?`, string(f.Status))
	}
	if f.Decision != "" {
		add(`decision = ?`, string(f.Decision))
	}
	if f.Reason != "" {
		add(`reason = ?`, string(f.Reason))
	}
	if f.Kiosk != "" {
		add(`kiosk = ?`, f.Kiosk)
	}
	if f.Project != "" {
		add(`project = ?`, f.Project)
	}
	if f.Offline {
		add(`offline = ?`, 1)
	}
	if !f.From.IsZero() {
		add(`started >= ?`, micros(f.From))
	}
	if !f.To.IsZero() {
		add(`started < ?`, micros(f.To))
	}
	if f.BeforeID != "" {
		add(`(started, id) < (?, ?)`, micros(f.Before), f.BeforeID)
	}
	query := `SELECT ` + sessionColumns + ` FROM session`
	if len(where) > 0 {
		query += ` WHERE ` + strings.Join(where, ` AND `)
	}
	args = append(args, f.Limit)
	query += fmt.Sprintf(` ORDER BY started DESC, id DESC LIMIT $%d`, len(args))
	rows, err := r.rows(ctx, query, args...)
	return collect(rows, err, func(rows *sql.Rows) (Session, error) { return scanSession(rows.Scan) })
}

// SilentSessions lists sessions still in progress whose last receipt is before a time.
func (r Reader) SilentSessions(ctx context.Context, before time.Time, limit int) ([]Session, error) {
	rows, err := r.rows(ctx, `SELECT `+sessionColumns+` FROM session WHERE status = $1 AND updated < $2 ORDER BY updated LIMIT $3`,
		string(journey.StatusInProgress), micros(before), limit)
	return collect(rows, err, func(rows *sql.Rows) (Session, error) { return scanSession(rows.Scan) })
}

// SaveSession writes a session's derived columns.
func (t *Tx) SaveSession(ctx context.Context, s Session) error {
	_, err := t.exec(ctx, `INSERT INTO session (`+sessionColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
		ON CONFLICT (id) DO UPDATE SET submission = excluded.submission, project = excluded.project, started = excluded.started,
		ended = excluded.ended, updated = excluded.updated, status = excluded.status, stage = excluded.stage,
		decision = excluded.decision, reason = excluded.reason, offline = excluded.offline, delay = excluded.delay,
		events = excluded.events, kiosk_seq = excluded.kiosk_seq, centre_seq = excluded.centre_seq, fold = excluded.fold`,
		s.ID, s.Kiosk, s.Project, s.Submission, micros(s.Started), micros(s.Ended), micros(s.Received), micros(s.Updated),
		string(s.Status), string(s.Stage), string(s.Decision), string(s.Reason), truth(s.Offline), s.Delay.Microseconds(),
		s.Events, int64(s.KioskSeq), int64(s.CentreSeq), s.Fold)
	if err != nil {
		return fmt.Errorf("save session: %w", err)
	}
	return nil
}

// NextSeq gives the number of the next centre event outside any session of a kiosk.
func (r Reader) NextSeq(ctx context.Context, kiosk string) (uint64, error) {
	var n int64
	err := r.row(ctx, `SELECT COALESCE(MAX(seq), 0) + 1 FROM event WHERE session = '' AND kiosk = $1 AND origin = 'server'`, kiosk).Scan(&n)
	return uint64(n), err
}

// Insertion of events, and how many arguments a row has.
const (
	eventInsert = `INSERT INTO event (id, session, submission, kiosk, origin, seq, name, result, impact, started, received, body) VALUES `
	eventWidth  = 12
)

func eventArgs(args []any, e journey.Event) ([]any, error) {
	body, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("encode event: %w", err)
	}
	return append(args, e.ID, e.Session, e.Submission, e.Kiosk, string(e.Origin), int64(e.Seq), string(e.Name), string(e.Result), string(e.Impact),
		micros(e.Started), micros(e.Received), body), nil
}

// AddEvent journals an event. It reports whether it was new: an event id counts once.
func (t *Tx) AddEvent(ctx context.Context, e journey.Event) (bool, error) {
	args, err := eventArgs(nil, e)
	if err != nil {
		return false, err
	}
	n, err := t.exec(ctx, eventInsert+places(1, eventWidth)+` ON CONFLICT (id) DO NOTHING`, args...)
	if err != nil {
		return false, fmt.Errorf("journal event: %w", err)
	}
	return n > 0, nil
}

// AddEvents journals events. It reports which were new: an event id counts once, the first time that it comes.
func (t *Tx) AddEvents(ctx context.Context, events []journey.Event) ([]bool, error) {
	added := map[string]bool{}
	err := inserted(len(events), eventWidth, eventInsert, ` ON CONFLICT (id) DO NOTHING RETURNING id`, func(statement string, from, to int) (err error) {
		args := make([]any, 0, (to-from)*eventWidth)
		for _, e := range events[from:to] {
			if args, err = eventArgs(args, e); err != nil {
				return err
			}
		}
		return t.returned(ctx, statement, args, added)
	})
	if err != nil {
		return nil, fmt.Errorf("journal events: %w", err)
	}
	fresh := make([]bool, len(events))
	for i, e := range events {
		fresh[i] = added[e.ID]
		delete(added, e.ID)
	}
	return fresh, nil
}

func scanEvent(rows *sql.Rows) (journey.Event, error) {
	var body []byte
	var e journey.Event
	if err := rows.Scan(&body); err != nil {
		return e, err
	}
	if err := json.Unmarshal(body, &e); err != nil {
		return e, fmt.Errorf("decode event: %w", err)
	}
	return e, nil
}

// Events gives a session's journal: the kiosk's events in their order, then the centre's in theirs.
func (r Reader) Events(ctx context.Context, session string) ([]journey.Event, error) {
	rows, err := r.rows(ctx, `SELECT body FROM event WHERE session = $1
		ORDER BY CASE WHEN origin = 'server' THEN 1 ELSE 0 END, seq, id`, session)
	return collect(rows, err, scanEvent)
}

// EventsAfter lists a session's events that come after a number of the kiosk's and one of the centre's, each side in
// its order, and counts all of the session's.
func (r Reader) EventsAfter(ctx context.Context, session string, kiosk, centre uint64) (later []journey.Event, all int, err error) {
	if err := r.row(ctx, `SELECT COUNT(*) FROM event WHERE session = $1`, session).Scan(&all); err != nil {
		return nil, 0, err
	}
	for _, origin := range []journey.Origin{journey.OriginKioskUI, journey.OriginAgent, journey.OriginServer} {
		after := kiosk
		if origin == journey.OriginServer {
			after = centre
		}
		rows, err := r.rows(ctx, `SELECT body FROM event WHERE session = $1 AND origin = $2 AND seq > $3 ORDER BY seq, id`, session, string(origin), int64(after))
		some, err := collect(rows, err, scanEvent)
		if err != nil {
			return nil, 0, err
		}
		later = append(later, some...)
	}
	slices.SortStableFunc(later, func(a, b journey.Event) int { return cmp.Compare(a.Seq, b.Seq) })
	return later, all, nil
}

// Event finds one event.
func (r Reader) Event(ctx context.Context, id string) (journey.Event, error) {
	var body []byte
	var e journey.Event
	if err := none(r.row(ctx, `SELECT body FROM event WHERE id = $1`, id).Scan(&body)); err != nil {
		return e, err
	}
	if err := json.Unmarshal(body, &e); err != nil {
		return e, fmt.Errorf("decode event: %w", err)
	}
	return e, nil
}

// CountEvents counts all events.
func (r Reader) CountEvents(ctx context.Context) (n int, err error) {
	err = r.row(ctx, `SELECT COUNT(*) FROM event`).Scan(&n)
	return n, err
}

// Totals counts sessions by decision ("" for none yet).
func (r Reader) Totals(ctx context.Context) (map[journey.Decision]int, error) {
	rows, err := r.rows(ctx, `SELECT decision, COUNT(*) FROM session GROUP BY decision`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	totals := map[journey.Decision]int{}
	for rows.Next() {
		var d journey.Decision
		var n int
		if err := rows.Scan(&d, &n); err != nil {
			return nil, err
		}
		totals[d] = n
	}
	return totals, rows.Err()
}

// PolicyEntry is one time that a policy came in force, or was rolled out to some kiosks or taken back from them.
type PolicyEntry struct {
	Project string
	Number  int64 // counts a project's entries from 1: of those that were applied or rolled back, the greatest is in force
	Version string
	What    string // PolicyApplied and so on
	Who     string
	At      time.Time
}

// What may happen with a policy.
const (
	PolicyApplied    = "apply"
	PolicyRolledBack = "rollback"
	PolicyStaged     = "stage"   // rolled out to some kiosks; not in force
	PolicyUnstaged   = "unstage" // these kiosks went back to what is in force
)

// SavePolicy puts a policy in force for its project. A version is never rewritten.
func (t *Tx) SavePolicy(ctx context.Context, p journey.Policy, at time.Time) error {
	_, err := t.ForcePolicy(ctx, p, PolicyEntry{What: PolicyApplied, At: at})
	return err
}

// ForcePolicy keeps how a policy came in force for its project, or was rolled out to some of its kiosks, or taken back from them. A version is never rewritten.
func (t *Tx) ForcePolicy(ctx context.Context, p journey.Policy, e PolicyEntry) (PolicyEntry, error) {
	e.Project, e.Version = p.Project, p.Version
	body, err := json.Marshal(p)
	if err != nil {
		return e, fmt.Errorf("encode policy: %w", err)
	}
	var stored []byte
	err = none(t.row(ctx, `SELECT body FROM policy WHERE project = $1 AND version = $2`, p.Project, p.Version).Scan(&stored))
	switch {
	case err == nil && !sameRules(stored, body):
		return e, fmt.Errorf("policy %s of project %s exists with other rules: give it a new version", p.Version, p.Project)
	case err != nil && !errors.Is(err, ErrNotFound):
		return e, fmt.Errorf("look for policy: %w", err)
	}
	if _, err := t.exec(ctx, `INSERT INTO policy (project, version, body, applied) VALUES ($1, $2, $3, $4)
		ON CONFLICT (project, version) DO UPDATE SET applied = excluded.applied, body = excluded.body`, p.Project, p.Version, body, micros(e.At)); err != nil {
		return e, fmt.Errorf("save policy: %w", err)
	}
	if err := t.row(ctx, `SELECT COALESCE(MAX(number), 0) + 1 FROM policy_log WHERE project = $1`, p.Project).Scan(&e.Number); err != nil {
		return e, fmt.Errorf("number policy: %w", err)
	}
	if _, err := t.exec(ctx, `INSERT INTO policy_log (project, number, version, what, who, at) VALUES ($1, $2, $3, $4, $5, $6)`,
		e.Project, e.Number, e.Version, e.What, e.Who, micros(e.At)); err != nil {
		return e, fmt.Errorf("log policy: %w", err)
	}
	return e, nil
}

// sameRules compares a policy with one that an earlier release may have stored: what that one did not know yet is as
// a file that leaves it out has it.
func sameRules(stored, body []byte) bool {
	if bytes.Equal(stored, body) {
		return true
	}
	p := journey.DefaultPolicy()
	if err := json.Unmarshal(stored, &p); err != nil {
		return false
	}
	again, err := json.Marshal(p)
	return err == nil && bytes.Equal(again, body)
}

// PolicyLog gives how a project's policies came in force, newest first.
func (r Reader) PolicyLog(ctx context.Context, project string, limit int) ([]PolicyEntry, error) {
	rows, err := r.rows(ctx, `SELECT number, version, what, who, at FROM policy_log WHERE project = $1 ORDER BY number DESC LIMIT $2`, project, limit)
	return collect(rows, err, func(rows *sql.Rows) (PolicyEntry, error) {
		e := PolicyEntry{Project: project}
		var at int64
		err := rows.Scan(&e.Number, &e.Version, &e.What, &e.Who, &at)
		e.At = moment(at)
		return e, err
	})
}

// Policy gives the policy in force for a project.
func (r Reader) Policy(ctx context.Context, project string) (journey.Policy, error) {
	return scanPolicy(r.row(ctx, `SELECT p.body FROM policy_log l JOIN policy p ON p.project = l.project AND p.version = l.version
		WHERE l.project = $1 AND l.what IN ('apply', 'rollback') ORDER BY l.number DESC LIMIT 1`, project))
}

// PolicyVersion gives one version of a project's policy.
func (r Reader) PolicyVersion(ctx context.Context, project, version string) (journey.Policy, error) {
	return scanPolicy(r.row(ctx, `SELECT body FROM policy WHERE project = $1 AND version = $2`, project, version))
}

func scanPolicy(row *sql.Row) (journey.Policy, error) {
	var body []byte
	var p journey.Policy
	if err := none(row.Scan(&body)); err != nil {
		return p, err
	}
	if err := json.Unmarshal(body, &p); err != nil {
		return p, fmt.Errorf("decode policy: %w", err)
	}
	return p, nil
}
