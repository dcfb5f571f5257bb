package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Webhook is an endpoint of a partner.
type Webhook struct {
	ID       string
	Project  string
	URL      string
	Secret   []byte // encrypted
	Previous []byte // encrypted; empty: none
	Overlap  time.Time
	Created  time.Time
	Disabled time.Time

	Payload   Payload
	Scope     string // of the API, several separated by commas: what a full payload may hold
	EncryptTo string // JWK that a full payload is encrypted to; empty: it is not
}

// Payload is what an endpoint is told of a decision.
type Payload string

// The payloads.
const (
	PayloadDecision Payload = "decision" // what was decided, without personal data
	PayloadFull     Payload = "full"     // what the API answers, as it is when it is sent
)

const webhookColumns = `id, project, url, secret, previous, overlap, created, disabled, payload, scope, encrypt_to`

func scanWebhook(scan func(...any) error) (Webhook, error) {
	var w Webhook
	var overlap, created, disabled int64
	err := scan(&w.ID, &w.Project, &w.URL, &w.Secret, &w.Previous, &overlap, &created, &disabled, &w.Payload, &w.Scope, &w.EncryptTo)
	w.Overlap, w.Created, w.Disabled = moment(overlap), moment(created), moment(disabled)
	return w, none(err)
}

// SaveWebhook adds an endpoint or changes its secrets and its state.
func (t *Tx) SaveWebhook(ctx context.Context, w Webhook) error {
	if w.Previous == nil {
		w.Previous = []byte{}
	}
	if w.Payload == "" {
		w.Payload = PayloadDecision
	}
	_, err := t.exec(ctx, `INSERT INTO webhook (`+webhookColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (id) DO UPDATE SET secret = excluded.secret, previous = excluded.previous, overlap = excluded.overlap, disabled = excluded.disabled`,
		w.ID, w.Project, w.URL, w.Secret, w.Previous, micros(w.Overlap), micros(w.Created), micros(w.Disabled), string(w.Payload), w.Scope, w.EncryptTo)
	if err != nil {
		return fmt.Errorf("save webhook: %w", err)
	}
	return nil
}

// Webhook finds an endpoint.
func (r Reader) Webhook(ctx context.Context, id string) (Webhook, error) {
	return scanWebhook(r.row(ctx, `SELECT `+webhookColumns+` FROM webhook WHERE id = $1`, id).Scan)
}

// Webhooks lists all endpoints, oldest first.
func (r Reader) Webhooks(ctx context.Context) ([]Webhook, error) {
	rows, err := r.rows(ctx, `SELECT `+webhookColumns+` FROM webhook ORDER BY created, id`)
	return collect(rows, err, func(rows *sql.Rows) (Webhook, error) { return scanWebhook(rows.Scan) })
}

// Delivery is one notification to one endpoint.
type Delivery struct {
	ID         string
	Webhook    string
	Submission string
	Session    string
	Kiosk      string
	Project    string
	Cause      string
	Body       []byte
	State      JobState
	Attempts   int
	Due        time.Time
	Status     int
	Problem    string
	Created    time.Time
}

const deliveryColumns = `id, webhook, submission, session, kiosk, project, cause, body, state, attempts, due, status, problem, created`

func scanDelivery(scan func(...any) error) (Delivery, error) {
	var d Delivery
	var due, created int64
	err := scan(&d.ID, &d.Webhook, &d.Submission, &d.Session, &d.Kiosk, &d.Project, &d.Cause, &d.Body, &d.State, &d.Attempts, &due, &d.Status, &d.Problem, &created)
	d.Due, d.Created = moment(due), moment(created)
	return d, none(err)
}

// AddDelivery queues a notification, due at once.
func (t *Tx) AddDelivery(ctx context.Context, d Delivery, now time.Time) error {
	_, err := t.exec(ctx, `INSERT INTO delivery (id, webhook, submission, session, kiosk, project, cause, body, state, due, created, updated)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'queued', $9, $9, $9)`,
		d.ID, d.Webhook, d.Submission, d.Session, d.Kiosk, d.Project, d.Cause, d.Body, micros(now))
	if err != nil {
		return fmt.Errorf("queue delivery: %w", err)
	}
	return nil
}

// busyWith is how many deliveries to one endpoint are under way at a time: a slow one
// keeps that many senders busy, whatever waits for it. Starting value, unmeasured.
const busyWith = "2"

// ClaimDelivery takes the delivery that is due longest, for as long as the lease.
// One waits while an earlier one about the same submission to the same endpoint is
// open, or its endpoint is busy. It returns ErrNotFound when nothing is due.
func (t *Tx) ClaimDelivery(ctx context.Context, now time.Time, lease time.Duration) (Delivery, error) {
	return scanDelivery(t.row(ctx, `UPDATE delivery SET state = 'running', attempts = attempts + 1, lease = $2, updated = $1
		WHERE id = (SELECT d.id FROM delivery d WHERE (d.state = 'queued' AND d.due <= $1 OR d.state = 'running' AND d.lease < $1)
			AND NOT EXISTS (SELECT 1 FROM delivery e WHERE e.webhook = d.webhook AND e.submission = d.submission AND e.state IN ('queued', 'running')
				AND (e.created < d.created OR e.created = d.created AND e.id < d.id))
			AND d.webhook NOT IN (SELECT b.webhook FROM delivery b WHERE b.state = 'running' AND b.lease >= $1
				GROUP BY b.webhook HAVING COUNT(*) >= `+busyWith+`)
			ORDER BY d.due, d.id LIMIT 1)
		AND (state = 'queued' OR state = 'running' AND lease < $1)
		RETURNING `+deliveryColumns, micros(now), micros(now.Add(lease))).Scan)
}

// SettleDelivery notes how an attempt ended, if the delivery is still the caller's.
func (t *Tx) SettleDelivery(ctx context.Context, d Delivery, now time.Time) (bool, error) {
	n, err := t.exec(ctx, `UPDATE delivery SET state = $3, due = $4, status = $5, problem = $6, updated = $7
		WHERE id = $1 AND attempts = $2 AND state = 'running'`,
		d.ID, d.Attempts, string(d.State), micros(d.Due), d.Status, d.Problem, micros(now))
	if err != nil {
		return false, fmt.Errorf("settle delivery: %w", err)
	}
	return n == 1, nil
}

// ReplayDelivery queues an ended delivery anew, under the same id.
func (t *Tx) ReplayDelivery(ctx context.Context, id string, now time.Time) error {
	n, err := t.exec(ctx, `UPDATE delivery SET state = 'queued', attempts = 0, due = $2, problem = '', updated = $2
		WHERE id = $1 AND state IN ('done', 'dead')`, id, micros(now))
	if err != nil {
		return fmt.Errorf("replay delivery: %w", err)
	}
	if n == 0 {
		return ErrNotFound
	}
	return nil
}

// Deliveries lists deliveries, newest first.
func (r Reader) Deliveries(ctx context.Context, limit int) ([]Delivery, error) {
	rows, err := r.rows(ctx, `SELECT `+deliveryColumns+` FROM delivery ORDER BY created DESC, id DESC LIMIT $1`, limit)
	return collect(rows, err, func(rows *sql.Rows) (Delivery, error) { return scanDelivery(rows.Scan) })
}

// DeliveriesIn lists the deliveries in a state, newest first.
func (r Reader) DeliveriesIn(ctx context.Context, state JobState, limit int) ([]Delivery, error) {
	rows, err := r.rows(ctx, `SELECT `+deliveryColumns+` FROM delivery WHERE state = $1 ORDER BY created DESC, id DESC LIMIT $2`, string(state), limit)
	return collect(rows, err, func(rows *sql.Rows) (Delivery, error) { return scanDelivery(rows.Scan) })
}

// DeadDeliveries counts the deliveries that were given up.
func (r Reader) DeadDeliveries(ctx context.Context) (n int, err error) {
	err = r.row(ctx, `SELECT COUNT(*) FROM delivery WHERE state = 'dead'`).Scan(&n)
	return n, err
}
