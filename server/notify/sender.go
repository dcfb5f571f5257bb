package notify

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"vestibule/journey"
	"vestibule/server/journal"
	"vestibule/server/store"
	"vestibule/server/vault"
	"vestibule/sync/grace"
	"vestibule/sync/trace"
)

// Problems of a delivery.
const (
	ProblemAddress  = "address_not_allowed"
	ProblemConnect  = "endpoint_unreachable" // no connection, no TLS, or no answer in time
	ProblemStatus   = "endpoint_refused"     // an answer that is no 2xx; a redirect is one of them
	ProblemDisabled = "endpoint_disabled"
	ProblemSecret   = "secret_unusable"
	ProblemStopped  = "centre_stopped" // while it waited for an answer
)

const (
	lease = time.Minute // longer than an attempt can take
	poll  = time.Second

	markLimit = 10 * time.Second // for noting how an attempt ended

	parallel = 16 // attempts at the same time; they wait for others, mostly. Starting value, unmeasured
)

// Schedule is how long to wait after each failed attempt; after the last one the
// delivery is given up, about a day after the first. Jitter adds up to a tenth.
func Schedule() []time.Duration {
	return []time.Duration{
		5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 8 * time.Hour, 8 * time.Hour,
	}
}

// Config holds what a Sender works with.
type Config struct {
	Store  *store.Store
	Vault  *vault.Vault
	Allow  []netip.Prefix // ranges that may be called although they are not public
	Roots  *x509.CertPool // nil: the system's
	Now    func() time.Time
	NewID  func() string  // UUIDv7
	Jitter func() float64 // 0..1
	Rest   time.Duration  // what a stop leaves to an attempt under way; 0: 5 s. Starting value, unmeasured
	Log    *slog.Logger
	Answer Answer        // for endpoints that want all; nil: there are none
	Trace  *trace.Tracer // told of every attempt; may be nil
}

// Sender sends what is queued. Several may run on one PostgreSQL.
type Sender struct {
	c      Config
	client *http.Client
}

// New makes a Sender.
func New(c Config) *Sender {
	if c.Rest <= 0 {
		c.Rest = 5 * time.Second
	}
	return &Sender{c, client(c.Allow, c.Roots)}
}

// SecretContext binds an encrypted secret to its endpoint.
func SecretContext(webhook string) string { return "webhook|" + webhook }

// Run sends until ctx ends, several deliveries at a time, and few of them to one
// endpoint: a slow one does not hold back the others.
func (s *Sender) Run(ctx context.Context) error {
	var senders sync.WaitGroup
	for range parallel {
		senders.Go(func() { Work(ctx, s.c.Log, "deliveries", s.Once) })
	}
	senders.Wait()
	return nil
}

// Once makes one attempt, or returns store.ErrNotFound when none is due. When ctx
// ends meanwhile, the attempt is still made and noted; one that takes longer than
// Config.Rest is broken off, and due again at once under the same id.
func (s *Sender) Once(ctx context.Context) error {
	var d store.Delivery
	err := s.c.Store.Write(ctx, func(tx *store.Tx) (err error) {
		d, err = tx.ClaimDelivery(ctx, s.c.Now(), lease)
		return err
	})
	if err != nil {
		return err
	}
	under, done := grace.Extend(ctx, s.c.Rest)
	defer done()
	began := s.c.Now()
	d.Status, d.Problem = s.attempt(under, d)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), markLimit) // what happened is noted in any case
	defer cancel()
	now := s.c.Now()
	waits := Schedule()
	switch {
	case d.Problem == "":
		d.State = store.JobDone
	case under.Err() != nil:
		d.State, d.Due, d.Problem = store.JobQueued, now, ProblemStopped
	case d.Problem == ProblemDisabled || d.Attempts > len(waits):
		d.State = store.JobDead
	default:
		d.State = store.JobQueued
		wait := waits[d.Attempts-1]
		d.Due = now.Add(wait + time.Duration(s.c.Jitter()*float64(wait)/10))
	}
	if d.Cause != "" { // not a test
		ctx = trace.With(ctx, d.Submission)
		s.trace(d, began, now)
	}
	s.c.Log.InfoContext(ctx, "delivery attempted", "code", d.Problem, "delivery", d.ID, "webhook", d.Webhook, "state", d.State, "status", d.Status, "attempts", d.Attempts)
	return s.c.Store.Write(ctx, func(tx *store.Tx) error { return s.settle(ctx, tx, d, began, now) })
}

// trace tells of an attempt. The last one is what the receiver's own spans hang on.
func (s *Sender) trace(d store.Delivery, began, now time.Time) {
	one := trace.Span{
		Submission: d.Submission, Name: "webhook", Under: d.Cause, Started: began, Ended: now, Failed: d.Problem != "",
		Attributes: map[string]string{"webhook": d.Webhook, "code": d.Problem, "attempt": strconv.Itoa(d.Attempts)},
	}
	if d.State != store.JobQueued {
		one.Key = d.ID
	}
	s.c.Trace.Record(one)
}

// settle marks the delivery and, when it has ended, says so in the journey.
func (s *Sender) settle(ctx context.Context, tx *store.Tx, d store.Delivery, began, now time.Time) error {
	ours, err := tx.SettleDelivery(ctx, d, now)
	if err != nil || !ours || d.State == store.JobQueued || d.Cause == "" {
		return err
	}
	if _, err := tx.LockKiosk(ctx, d.Kiosk); err != nil {
		return fmt.Errorf("hold kiosk: %w", err)
	}
	result := journey.Pass
	if d.State == store.JobDead {
		result = journey.Errored
	}
	if err := journal.Add(ctx, tx, d.Kiosk, d.Session, d.Submission, now, journey.Event{
		ID: s.c.NewID(), Name: journey.EventKYCResultWebhookSent, Result: result, Started: began, Ended: now, Causes: []string{d.Cause},
	}); err != nil {
		return err
	}
	_, err = journal.Refresh(ctx, tx, d.Session, d.Project, now, 0)
	return err
}

// attempt sends once and gives the status, and a problem's code if it failed.
func (s *Sender) attempt(ctx context.Context, d store.Delivery) (int, string) {
	hook, err := s.c.Store.Read().Webhook(ctx, d.Webhook)
	if err != nil {
		return 0, ProblemConnect
	}
	if !hook.Disabled.IsZero() {
		return 0, ProblemDisabled
	}
	if CheckURL(hook.URL, s.c.Allow) != nil {
		return 0, ProblemAddress
	}
	now := s.c.Now()
	sealed := [][]byte{hook.Secret}
	if len(hook.Previous) > 0 && now.Before(hook.Overlap) {
		sealed = append(sealed, hook.Previous)
	}
	var secrets []string
	for _, one := range sealed {
		plain, err := s.c.Vault.Open(one, SecretContext(hook.ID))
		if err != nil {
			return 0, ProblemSecret
		}
		secrets = append(secrets, string(plain))
	}
	body, err := s.body(ctx, hook, d)
	if err != nil {
		return 0, ProblemAnswer
	}
	signature, err := sign(secrets, d.ID, now, body)
	if err != nil {
		return 0, ProblemSecret
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, hook.URL, bytes.NewReader(body))
	if err != nil {
		return 0, ProblemAddress
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "vestibule")
	req.Header.Set("webhook-id", d.ID)
	req.Header.Set("webhook-timestamp", strconv.FormatInt(now.Unix(), 10))
	req.Header.Set("webhook-signature", signature)
	if s.c.Trace != nil && d.Cause != "" {
		req.Header.Set("traceparent", trace.Parent(d.Submission, d.ID))
	}
	res, err := s.client.Do(req)
	if err != nil {
		if errors.Is(err, ErrAddress) {
			return 0, ProblemAddress
		}
		return 0, ProblemConnect
	}
	defer res.Body.Close()
	_, _ = io.CopyN(io.Discard, res.Body, answerLimit) // the answer says nothing; its head counts
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return res.StatusCode, ProblemStatus
	}
	return res.StatusCode, ""
}
