package mail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"vestibule/journey"
	"vestibule/server/journal"
	"vestibule/server/notify"
	"vestibule/server/store"
	"vestibule/server/vault"
)

const (
	lease    = 2 * attemptLimit // longer than an attempt can take
	markFor  = 5 * time.Second  // what is known is noted even while the process stops
	parallel = 2                // lines to the server at the same time. Starting value, unmeasured
)

// Schedule is how long to wait after each failed attempt; after the last one the message
// is given up, about a day after the first. Jitter adds up to a tenth.
func Schedule() []time.Duration {
	return []time.Duration{
		time.Minute, 5 * time.Minute, 20 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour, 7 * time.Hour, 7 * time.Hour,
	}
}

// Config holds what a Post works with.
type Config struct {
	Store     *store.Store
	Vault     *vault.Vault
	Server    Server
	From      Sender
	Operators []string // who is told of what should not wait
	Now       func() time.Time
	NewID     func() string  // UUIDv7
	Jitter    func() float64 // 0..1
	Log       *slog.Logger
}

// Post sends what is queued. Several may run on one PostgreSQL.
type Post struct{ c Config }

// New makes a Post.
func New(c Config) *Post { return &Post{c} }

// Run sends until ctx ends, and looks every minute for what operators should know.
func (p *Post) Run(ctx context.Context) error {
	var parts sync.WaitGroup
	for range parallel {
		parts.Go(func() { notify.Work(ctx, p.c.Log, "mail", p.Once) })
	}
	if len(p.c.Operators) > 0 {
		parts.Go(func() { p.watch(ctx) })
	}
	parts.Wait()
	return nil
}

// Once makes one attempt, or returns store.ErrNotFound when none is due.
func (p *Post) Once(ctx context.Context) error {
	var m store.Mail
	err := p.c.Store.Write(ctx, func(tx *store.Tx) (err error) {
		m, err = tx.ClaimMail(ctx, p.c.Now(), lease)
		return err
	})
	if err != nil {
		return err
	}
	began := p.c.Now()
	refused := p.attempt(ctx, m)
	now := p.c.Now()
	mark, cancel := context.WithTimeout(context.WithoutCancel(ctx), markFor)
	defer cancel()
	if refused != nil && ctx.Err() != nil { // cut off by a stop: it says nothing about the message
		return p.c.Store.Write(mark, func(tx *store.Tx) error { return tx.ReturnMail(mark, m, now) })
	}
	waits := Schedule()
	m.Status, m.Problem = 0, ""
	switch {
	case refused == nil:
		m.State = store.JobDone
	case refused.Final || m.Attempts > len(waits):
		m.State = store.JobDead
	default:
		m.State = store.JobQueued
		wait := waits[m.Attempts-1]
		m.Due = now.Add(wait + time.Duration(p.c.Jitter()*float64(wait)/10))
	}
	if refused != nil {
		m.Status, m.Problem = refused.Status, refused.Problem
	}
	p.c.Log.InfoContext(ctx, "mail attempted", "code", m.Problem, "mail", m.ID, "kind", m.Kind, "state", m.State, "status", m.Status, "attempts", m.Attempts)
	return p.c.Store.Write(mark, func(tx *store.Tx) error { return p.settle(mark, tx, m, began, now) })
}

// attempt sends once; nil: the server took it.
func (p *Post) attempt(ctx context.Context, m store.Mail) *Refused {
	if p.c.Now().After(m.Until) {
		return &Refused{Problem: ProblemOld, Final: true}
	}
	to, letter, err := letterOf(p.c.Vault, m)
	if err == nil {
		err = p.c.Server.Send(ctx, Envelope{ID: m.ID, From: p.c.From, To: to, At: m.Created, Letter: letter})
	}
	if err == nil {
		return nil
	}
	var refused *Refused
	if !errors.As(err, &refused) {
		refused = &Refused{Problem: ProblemLetter}
	}
	return refused
}

// settle marks the message and, when one about a decision has ended, says so in the journey.
func (p *Post) settle(ctx context.Context, tx *store.Tx, m store.Mail, began, now time.Time) error {
	ours, err := tx.SettleMail(ctx, m, now)
	if err != nil || !ours || m.State == store.JobQueued || m.Cause == "" {
		return err
	}
	if _, err := tx.LockKiosk(ctx, m.Kiosk); err != nil {
		return fmt.Errorf("hold kiosk: %w", err)
	}
	result := journey.Pass
	if m.State == store.JobDead {
		result = journey.Errored
	}
	if err := journal.Add(ctx, tx, m.Kiosk, m.Session, m.Submission, now, journey.Event{
		ID: p.c.NewID(), Name: journey.EventKYCResultEmailSent, Result: result, Started: began, Ended: now, Causes: []string{m.Cause},
	}); err != nil {
		return err
	}
	_, err = journal.Refresh(ctx, tx, m.Session, m.Project, now, 0)
	return err
}
