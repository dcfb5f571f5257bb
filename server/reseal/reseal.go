// Package reseal moves what the centre keeps encrypted to the data key in use, little by
// little, beside the work: after a key was rotated everything opens as before, and ever
// less of it needs the old key.
//
// What may live here: which columns are encrypted, and moving them. What may not: keys
// (package vault) and statements (package store).
package reseal

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"vestibule/server/aml"
	"vestibule/server/centre"
	"vestibule/server/ingest"
	"vestibule/server/notify"
	"vestibule/server/notify/mail"
	"vestibule/server/review"
	"vestibule/server/store"
	"vestibule/server/vault"
)

// Job is the kind of the job; its subject is the key's id.
const Job = "reseal"

// Bounds of one run.
const (
	batch  = 100              // values in one transaction
	budget = 20 * time.Second // then others have their turn
	again  = time.Minute      // between two passes: whoever had not heard of the key yet may have used the old one
)

// Column is a column with ciphertexts, and the context of each.
type Column struct {
	store.Ciphertext
	Context func(row []string) string
}

// Columns lists all columns that hold what the vault encrypted. A test holds it against
// the places in the program that encrypt.
func Columns() []Column {
	by := func(context func(id string) string) func([]string) string {
		return func(row []string) string { return context(row[0]) }
	}
	return []Column{
		{store.Ciphertext{Table: "submission", Name: "private", Row: []string{"id"}}, by(ingest.PrivateContext)},
		{store.Ciphertext{Table: "submission", Name: "comment", Row: []string{"id"}}, by(review.CommentContext)},
		{store.Ciphertext{Table: "screening", Name: "result", Row: []string{"submission"}}, by(centre.ScreeningContext)},
		{store.Ciphertext{Table: "face", Name: "template", Row: []string{"submission"}}, by(centre.FaceContext)},
		{store.Ciphertext{Table: "review_act", Name: "private", Row: []string{"id"}}, by(review.TextsContext)},
		{store.Ciphertext{Table: "webhook", Name: "secret", Row: []string{"id"}}, by(notify.SecretContext)},
		{store.Ciphertext{Table: "webhook", Name: "previous", Row: []string{"id"}}, by(notify.SecretContext)},
		{store.Ciphertext{Table: "mail", Name: "private", Row: []string{"id"}}, by(mail.PrivateContext)},
		{store.Ciphertext{Table: "decision_input", Name: "sealed", Row: []string{"decision"}}, by(centre.InputContext)},
		{
			store.Ciphertext{Table: "list_cleared", Name: "why", Row: []string{"submission", "source", "entity", "person", "hash"}},
			func(row []string) string { return centre.WhyContext(row[0], aml.Source(row[1]), row[2]) },
		},
	}
}

// Config holds what a Mover works with.
type Config struct {
	Store *store.Store
	Vault *vault.Vault
	Now   func() time.Time
	NewID func() string
	Log   *slog.Logger
}

// Mover does the jobs. It is safe for concurrent use; several may run on one PostgreSQL.
type Mover struct {
	c  Config
	mu sync.Mutex
	at place
}

// place is how far a pass has come. It may be forgotten: then the pass begins again.
type place struct {
	key               string
	column            int
	after             []string
	moved, unreadable int
}

// New makes a Mover.
func New(c Config) *Mover { return &Mover{c: c} }

// Ensure queues the job for the key in use, unless there never was another key. Call it at the start and
// whenever the key in use has changed: a pass that finds nothing to move costs one look at each row, and what
// a command that was cut off left undone is done.
func (m *Mover) Ensure(ctx context.Context) error {
	key := m.c.Vault.Current().String()
	if len(m.c.Vault.Known()) == 1 {
		return nil
	}
	return m.c.Store.Write(ctx, func(tx *store.Tx) error { return Queue(ctx, tx, m.c.NewID(), key, m.c.Now()) })
}

// Queue queues the job for a key, in the transaction that notes that it is in use.
func Queue(ctx context.Context, tx *store.Tx, id, key string, now time.Time) error {
	return tx.Enqueue(ctx, id, Job, key, now, now)
}

// Do works on the job for one key, for as long as its budget: then it queues itself again.
func (m *Mover) Do(ctx context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.c.Vault.Refresh(); err != nil {
		return err
	}
	if m.c.Vault.Current().String() != key {
		for _, id := range m.c.Vault.Known() {
			if id.String() == key {
				return nil // another one is in use by now, and has a job of its own
			}
		}
		return fmt.Errorf("data key %s is not here: copy its file into the key directory of every copy of the centre", key)
	}
	if m.at.key != key {
		m.at = place{key: key}
	}
	done, err := m.pass(ctx)
	if err != nil {
		return err
	}
	due := m.c.Now()
	if done {
		moved := m.at.moved
		m.c.Log.InfoContext(ctx, "what is stored was moved to the data key in use", "key", key, "moved", moved, "unreadable", m.at.unreadable)
		m.at = place{}
		if moved == 0 {
			return nil
		}
		due = due.Add(again)
	}
	return m.c.Store.Write(ctx, func(tx *store.Tx) error { return tx.Enqueue(ctx, m.c.NewID(), Job, key, due, m.c.Now()) })
}

// pass goes on where it was, and tells whether it came to the end.
func (m *Mover) pass(ctx context.Context) (done bool, err error) {
	until := m.c.Now().Add(budget)
	lead := m.c.Vault.Lead(m.c.Vault.Current())
	columns := Columns()
	for ; m.at.column < len(columns); m.at.column, m.at.after = m.at.column+1, nil {
		for {
			if !m.c.Now().Before(until) {
				return false, nil
			}
			n, err := m.some(ctx, columns[m.at.column], lead)
			if err != nil {
				return false, err
			}
			if n < batch {
				break
			}
		}
	}
	return true, nil
}

// some moves one batch of a column, and gives how many values it looked at.
func (m *Mover) some(ctx context.Context, c Column, lead []byte) (int, error) {
	stale, err := m.c.Store.Read().Stale(ctx, c.Ciphertext, lead, m.at.after, batch)
	if err != nil || len(stale) == 0 {
		return 0, err
	}
	fresh := make([][]byte, len(stale))
	unreadable := 0
	for i, e := range stale {
		plain, err := m.c.Vault.Open(e.Value, c.Context(e.Row))
		if err != nil {
			unreadable++ // as it was before: nothing is lost that was not lost already
			m.c.Log.ErrorContext(ctx, "a stored value does not open", "code", "reseal_unreadable", "table", c.Table, "column", c.Name, "id", e.Row[0])
			continue
		}
		if fresh[i], err = m.c.Vault.Seal(plain, c.Context(e.Row)); err != nil {
			return 0, err
		}
	}
	moved := 0
	err = m.c.Store.Write(ctx, func(tx *store.Tx) error {
		for i, e := range stale {
			if fresh[i] == nil {
				continue
			}
			ours, err := tx.ReplaceCiphertext(ctx, c.Ciphertext, e, fresh[i])
			if err != nil {
				return err
			}
			if ours { // else somebody wrote it anew meanwhile
				moved++
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	m.at.after = stale[len(stale)-1].Row
	m.at.moved += moved
	m.at.unreadable += unreadable
	return len(stale), nil
}

// Count tells how many values each known data key is still needed for. What none of
// them made is counted under no id. It reads every encrypted column.
func Count(ctx context.Context, r store.Reader, v *vault.Vault) (by map[vault.KeyID]int, foreign int, err error) {
	by = map[vault.KeyID]int{}
	for _, id := range v.Known() {
		by[id] = 0
	}
	for _, c := range Columns() {
		leads, err := r.Leads(ctx, c.Ciphertext, 9)
		if err != nil {
			return nil, 0, err
		}
	values:
		for lead, n := range leads {
			for _, id := range v.Known() {
				if bytes.HasPrefix([]byte(lead), v.Lead(id)) {
					by[id] += n
					continue values
				}
			}
			foreign += n
		}
	}
	return by, foreign, nil
}
