// Package rollout keeps, for each project, the roll-out of cut, salted hashes that kiosks note likely duplicates by (package
// advisory), and hands it to them in pieces.
//
// The roll-out follows the table of submissions: whoever is approved or held and does not stand in the newest roll-out
// is added, whatever brought him there, a decision, a correction, a restore, or a new salt. So nothing has to be
// remembered, and a crash at any moment leaves only work. Who stops being approved or held, is corrected or erased
// leaves in the transaction in which that happens (store.Tx), which works for the same reason: it needs no plain text.
//
// A new salt begins a new roll-out beside the one in force, which stays in force until everybody stands in the new one. Who is
// approved meanwhile stands in the new one only; who is erased leaves both at once. The salt is HMAC-SHA-256 of the roll-out's
// random id under the centre's hash key, so it stands in no database and no backup.
//
// A kiosk asks for what comes after the last number that it has, at every heartbeat, and is answered on its own downlink: one page of
// 48 KiB at most for each question, signed for it and its session (wire.Page). Asking was chosen over publishing to all because it needs
// no right and no topic that a broker would have to be taught, lets nothing be retained, and lets each kiosk go on where it
// stopped; it costs one read for each kiosk and heartbeat, and a signature as an acknowledgement does.
//
// What may live here: when a salt changes, who is added, what a page holds. What may not: statements (store), keys of
// people (same), the hashes (advisory), and what a kiosk makes of a hit.
package rollout

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"sync"
	"time"

	"vestibule/journey"
	"vestibule/server/centre"
	"vestibule/server/ingest"
	"vestibule/server/store"
	"vestibule/server/vault"
	"vestibule/sync/advisory"
	"vestibule/sync/same"
	"vestibule/sync/wire"
)

// Bounds of the work.
const (
	every     = 5 * time.Second // between looks at what is to be added: a kiosk asks at most 30 s later
	batch     = 50              // submissions in one transaction; each is decrypted in it
	clearing  = 5000            // rows of ended roll-outs deleted in one
	stepLimit = 30 * time.Second
	known     = 5 * time.Second // how long which roll-out is in force is believed
	pageMost  = wire.MaxPageEntries
	moved     = time.Minute // how long a kiosk's project is
	cached    = 1 << 17     // kiosks whose project is remembered
)

// SaltLife is how long a salt is used. Starting value, unmeasured: what a thief has tried out is worth a month.
const SaltLife = 30 * 24 * time.Hour

const saltPurpose = "advisory salt"

// Config holds what a Keeper works with.
type Config struct {
	Store  *store.Store
	Vault  *vault.Vault
	Now    func() time.Time
	Random io.Reader // nil: crypto/rand.Reader
	Log    *slog.Logger
}

// Keeper keeps the roll-outs. It is safe for concurrent use; several may run on one PostgreSQL.
type Keeper struct {
	c Config

	mu      sync.Mutex
	at      time.Time                      // when inForce was read
	since   time.Time                      // when kiosks was begun
	inForce map[string]store.AdvisoryIssue // by project
	kiosks  map[string]string              // their projects
}

// New makes a Keeper.
func New(c Config) *Keeper {
	if c.Random == nil {
		c.Random = rand.Reader
	}
	return &Keeper{c: c, kiosks: map[string]string{}}
}

// Run works until ctx ends.
func (k *Keeper) Run(ctx context.Context) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if err := k.Catch(ctx); err != nil && ctx.Err() == nil {
			k.c.Log.ErrorContext(ctx, "roll-outs for kiosks are not up to date", "code", "rollout", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Catch does everything that is due now.
func (k *Keeper) Catch(ctx context.Context) error {
	projects, err := k.c.Store.Read().KioskProjects(ctx)
	if err != nil {
		return fmt.Errorf("list projects: %w", err)
	}
	var problems []error
	for _, project := range projects {
		if err := k.project(ctx, project); err != nil {
			problems = append(problems, fmt.Errorf("project %s: %w", project, err))
		}
	}
	return errors.Join(append(problems, k.clear(ctx))...)
}

func (k *Keeper) project(ctx context.Context, project string) error {
	read := k.c.Store.Read()
	policy, err := centre.Policy(ctx, read, project)
	if err != nil {
		return fmt.Errorf("read policy: %w", err)
	}
	issues, err := read.AdvisoryIssues(ctx, project)
	if err != nil {
		return fmt.Errorf("read roll-outs: %w", err)
	}
	if policy.Duplicates.Local == journey.LocalOff {
		return k.drop(ctx, issues)
	}
	due, err := k.due(ctx, project, issues)
	if err != nil {
		return err
	}
	if due {
		if err := Renew(ctx, k.c.Store, k.c.Random, project, k.c.Now()); err != nil {
			return err
		}
		if issues, err = read.AdvisoryIssues(ctx, project); err != nil {
			return fmt.Errorf("read roll-outs: %w", err)
		}
	}
	if len(issues) == 0 {
		return nil // another copy's turn
	}
	if err := k.fill(ctx, issues[0]); err != nil {
		return err
	}
	return k.drop(ctx, issues[1:])
}

// due tells whether a project needs a new salt: it has none, its newest is too old, or it has outgrown it.
func (k *Keeper) due(ctx context.Context, project string, issues []store.AdvisoryIssue) (bool, error) {
	if len(issues) == 0 {
		return true, nil
	}
	newest := issues[0]
	if newest.Whole.IsZero() {
		return false, nil
	}
	if k.c.Now().Sub(newest.Made) >= SaltLife {
		return true, nil
	}
	if !advisory.Outgrown(newest.Bits, int(min(newest.Last, math.MaxInt32))) { // it never had so many: nothing to count
		return false, nil
	}
	n, err := k.c.Store.Read().AdvisoryPeople(ctx, project)
	if err != nil {
		return false, fmt.Errorf("count people: %w", err)
	}
	return advisory.Outgrown(newest.Bits, n), nil
}

// Renew begins a roll-out with a new salt. The Keeper of a running centre fills it.
func Renew(ctx context.Context, s *store.Store, random io.Reader, project string, now time.Time) error {
	var id [16]byte
	if _, err := io.ReadFull(random, id[:]); err != nil {
		return fmt.Errorf("draw a salt: %w", err)
	}
	n, err := s.Read().AdvisoryPeople(ctx, project)
	if err != nil {
		return fmt.Errorf("count people: %w", err)
	}
	return s.Write(ctx, func(tx *store.Tx) error {
		return tx.AddAdvisoryIssue(ctx, store.AdvisoryIssue{ID: hex.EncodeToString(id[:]), Project: project, Bits: advisory.BitsFor(n), Made: now})
	})
}

// fill adds everybody who is not in a roll-out yet, in small batches.
func (k *Keeper) fill(ctx context.Context, issue store.AdvisoryIssue) error {
	h, err := k.hasher(issue)
	if err != nil {
		return err
	}
	began, added, told := k.c.Now(), 0, k.c.Now()
	for {
		ids, err := k.c.Store.Read().AdvisoryDue(ctx, issue, batch)
		if err != nil {
			return fmt.Errorf("look for people to add: %w", err)
		}
		if len(ids) == 0 {
			break
		}
		if err := k.add(ctx, issue, h, ids); err != nil {
			return err
		}
		added += len(ids)
		if now := k.c.Now(); now.Sub(told) >= 10*time.Second {
			told = now
			k.c.Log.InfoContext(ctx, "a roll-out is being filled", "project", issue.Project, "added", added, "took", now.Sub(began).String())
		}
	}
	if !issue.Whole.IsZero() {
		return nil
	}
	now := k.c.Now()
	if err := k.c.Store.Write(ctx, func(tx *store.Tx) error { return tx.FinishAdvisory(ctx, issue.ID, now) }); err != nil {
		return err
	}
	k.forget()
	k.c.Log.InfoContext(ctx, "a roll-out with a new salt is in force", "project", issue.Project, "people", added, "bits", issue.Bits, "took", now.Sub(began).String())
	return nil
}

func (k *Keeper) add(ctx context.Context, issue store.AdvisoryIssue, h *advisory.Hasher, ids []string) error {
	ctx, cancel := context.WithTimeout(ctx, stepLimit)
	defer cancel()
	return k.c.Store.Write(ctx, func(tx *store.Tx) error {
		var entries []store.AdvisoryEntry
		for _, id := range ids {
			private, err := tx.ClaimAdvisory(ctx, id, issue.Number)
			if errors.Is(err, store.ErrNotFound) {
				continue // somebody else's, or no longer one of them
			}
			if err != nil {
				return fmt.Errorf("claim a submission: %w", err)
			}
			plain, err := k.c.Vault.Open(private, ingest.PrivateContext(id))
			if err != nil {
				continue // not of this centre's keys: there is nothing to hash
			}
			var s journey.Submission
			if err := wire.Unmarshal(plain, &s); err != nil {
				continue
			}
			e := store.AdvisoryEntry{Submission: id}
			e.Document, e.Person = Hashes(h, s)
			if e.Document != 0 || e.Person != 0 {
				entries = append(entries, e)
			}
		}
		return tx.AddAdvisoryEntries(ctx, issue.ID, entries)
	})
}

// Hashes gives the two of a submission.
func Hashes(h *advisory.Hasher, s journey.Submission) (document, person uint32) {
	p := same.Person(s)
	return h.Document(same.Document(s.Document, p.Number)), h.Person(same.Data(p))
}

func (k *Keeper) drop(ctx context.Context, issues []store.AdvisoryIssue) error {
	if len(issues) == 0 {
		return nil
	}
	defer k.forget()
	return k.c.Store.Write(ctx, func(tx *store.Tx) error {
		for _, i := range issues {
			if err := tx.DropAdvisory(ctx, i.ID); err != nil {
				return err
			}
		}
		return nil
	})
}

// clear deletes what is left of ended roll-outs.
func (k *Keeper) clear(ctx context.Context) error {
	for {
		n := 0
		err := k.c.Store.Write(ctx, func(tx *store.Tx) (err error) {
			n, err = tx.ClearAdvisory(ctx, clearing)
			return err
		})
		if err != nil || n == 0 {
			return err
		}
	}
}

// Page answers a kiosk.
func (k *Keeper) Page(ctx context.Context, kiosk string, ask wire.PageAsk) (wire.Page, error) {
	project, issue, err := k.of(ctx, kiosk)
	if err != nil || issue.ID == "" {
		return wire.Page{}, err
	}
	after := ask.After
	if ask.Issue != issue.ID {
		after = 0
	}
	got, err := k.c.Store.AdvisoryPage(ctx, issue.ID, after, pageMost)
	if errors.Is(err, store.ErrNotFound) {
		k.forget()
		return wire.Page{}, errors.New("the roll-out has just been replaced")
	}
	if err != nil {
		return wire.Page{}, err
	}
	if after > got.Last { // of a database that was restored
		return k.Page(ctx, kiosk, wire.PageAsk{})
	}
	entries := make([]wire.PageEntry, len(got.Entries))
	for i, e := range got.Entries {
		entries[i] = wire.PageEntry{Number: e.Number, Document: e.Document, Person: e.Person}
	}
	return wire.Page{
		Project: project, Issue: issue.ID, Salt: k.salt(issue), Bits: issue.Bits, After: after, Upto: got.Upto, Last: got.Last,
		Entries: wire.PackEntries(after, entries), Gone: wire.PackGone(got.Gone), Made: issue.Made,
	}, nil
}

// of tells a kiosk's project, and the roll-out in force there: the newest that is whole.
func (k *Keeper) of(ctx context.Context, kiosk string) (string, store.AdvisoryIssue, error) {
	k.mu.Lock()
	now := k.c.Now()
	if now.Sub(k.since).Abs() > moved {
		k.kiosks, k.since = map[string]string{}, now
	}
	project, ok := k.kiosks[kiosk]
	inForce := k.inForce
	if now.Sub(k.at).Abs() > known {
		inForce = nil
	}
	k.mu.Unlock()
	read := k.c.Store.Read()
	if !ok {
		row, err := read.Kiosk(ctx, kiosk)
		if err != nil {
			return "", store.AdvisoryIssue{}, fmt.Errorf("find kiosk: %w", err)
		}
		project = row.Project
	}
	fresh := inForce == nil
	if fresh {
		all, err := read.AdvisoryIssues(ctx, "")
		if err != nil {
			return "", store.AdvisoryIssue{}, fmt.Errorf("read roll-outs: %w", err)
		}
		inForce = map[string]store.AdvisoryIssue{}
		for _, i := range all {
			if _, newer := inForce[i.Project]; !newer && !i.Whole.IsZero() {
				inForce[i.Project] = i
			}
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if fresh {
		k.inForce, k.at = inForce, now
	}
	if !ok && len(k.kiosks) < cached {
		k.kiosks[kiosk] = project
	}
	return project, inForce[project], nil
}

func (k *Keeper) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.inForce = nil
}

func (k *Keeper) salt(i store.AdvisoryIssue) []byte {
	b, err := hex.DecodeString(k.c.Vault.Hash(saltPurpose, i.ID))
	if err != nil {
		panic("rollout: " + err.Error()) // the vault writes hexadecimal
	}
	return b
}

func (k *Keeper) hasher(i store.AdvisoryIssue) (*advisory.Hasher, error) {
	return advisory.New(k.salt(i), i.Bits)
}
