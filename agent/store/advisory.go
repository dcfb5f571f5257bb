package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"time"

	"vestibule/sync/advisory"
	"vestibule/sync/wire"
)

// Bounds of what is kept of others' and of our own visits. Starting values.
const (
	maxAdvisory = 2_000_000 // number of a roll-out's last entry: about 100 MB
	maxOwn      = 10_000    // visits of our own; the oldest are forgotten
	// settled is how long after a decision came the roll-out is sure to hold what it made of the person: the centre
	// adds within seconds, and a new salt may take minutes.
	settled = time.Hour
	// advisoryRoom is how much of the store may be in use for a roll-out to grow: visits go before hints.
	advisoryRoom = .75
	clearAtOnce  = 4000 // entries of ended roll-outs deleted in one transaction
)

// settingOwnSalt is where the salt of our own memory lies.
const settingOwnSalt = "advisory.salt"

// Errors of Tx.TakePage: the page changes nothing.
var (
	ErrGiant  = errors.New("the roll-out is larger than a kiosk keeps")
	ErrNoRoom = errors.New("the kiosk's storage has no room for a roll-out")
)

// roll is a row of advisory_issue.
type roll struct {
	slot, upto, heard int64
	issue             string
	salt              []byte
	bits              uint8
	live              bool
}

// rolls gives the roll-out in use and the one under way; their slot is 0 where there is none.
func rolls(ctx context.Context, q interface {
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
},
) (live, coming roll, err error) {
	rows, err := q.QueryContext(ctx, `SELECT slot, issue, salt, bits, upto, live, heard FROM advisory_issue ORDER BY slot`)
	if err != nil {
		return live, coming, fmt.Errorf("read roll-out: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var r roll
		if err := rows.Scan(&r.slot, &r.issue, &r.salt, &r.bits, &r.upto, &r.live, &r.heard); err != nil {
			return live, coming, fmt.Errorf("read roll-out: %w", err)
		}
		if r.live {
			live = r
		} else {
			coming = r
		}
	}
	return live, coming, rows.Err()
}

// AdvisoryAsk says what is here: of the roll-out under way, else of the one in use.
func (s *Store) AdvisoryAsk(ctx context.Context) (wire.PageAsk, error) {
	live, coming, err := rolls(ctx, s.db)
	if err != nil {
		return wire.PageAsk{}, fmt.Errorf("store: %w", plain(err))
	}
	if coming.slot == 0 {
		coming = live
	}
	return wire.PageAsk{Issue: coming.issue, After: uint64(coming.upto)}, nil
}

// TakePage stores a page, proved and checked, and says whether there is more to ask for. A roll-out takes the other's place
// once it is here whole. A page that does not continue what is here changes nothing.
func (s *Store) TakePage(ctx context.Context, p wire.Page) (more bool, err error) {
	if p.Last > maxAdvisory {
		return false, ErrGiant
	}
	if len(p.Entries) > 0 {
		used, limit, err := s.Space(ctx)
		if err != nil {
			return false, err
		}
		if float64(used) > advisoryRoom*float64(limit) {
			return false, ErrNoRoom
		}
	}
	err = s.Write(ctx, func(t *Tx) (err error) {
		more, err = t.takePage(p)
		return err
	})
	if err != nil {
		return false, err
	}
	return more, s.clearRolls(ctx)
}

// clearRolls deletes what is left of roll-outs that ended, little by little: a visit must not wait for it.
func (s *Store) clearRolls(ctx context.Context) error {
	for {
		left := false
		if err := s.Write(ctx, func(t *Tx) (err error) {
			left, err = t.clearRolls(clearAtOnce)
			return err
		}); err != nil || !left {
			return err
		}
	}
}

func (t *Tx) clearRolls(limit int64) (left bool, err error) {
	var slot int64
	for {
		var next sql.NullInt64
		if err := t.tx.QueryRowContext(t.ctx, `SELECT MIN(slot) FROM advisory_entry WHERE slot > ?`, slot).Scan(&next); err != nil {
			return false, fmt.Errorf("look for ended roll-outs: %w", err)
		}
		if !next.Valid {
			return false, nil
		}
		slot = next.Int64
		var used bool
		if err := t.tx.QueryRowContext(t.ctx, `SELECT EXISTS (SELECT 1 FROM advisory_issue WHERE slot = ?)`, slot).Scan(&used); err != nil {
			return false, fmt.Errorf("look for ended roll-outs: %w", err)
		}
		if used {
			continue
		}
		return true, t.exec("clear roll-out", `DELETE FROM advisory_entry WHERE slot = ?1 AND number IN
			(SELECT number FROM advisory_entry WHERE slot = ?1 ORDER BY number LIMIT ?2)`, slot, limit)
	}
}

func (t *Tx) takePage(p wire.Page) (more bool, err error) {
	if p.Project == "" {
		return false, t.dropRolls(0)
	}
	live, coming, err := rolls(t.ctx, t.tx)
	if err != nil {
		return false, err
	}
	have := coming
	if live.issue == p.Issue {
		have = live
	}
	switch {
	case have.issue == p.Issue && p.After == uint64(have.upto):
	case have.issue == p.Issue && uint64(have.upto) <= p.Last: // told twice
		return uint64(have.upto) < p.Last, nil
	case p.After > 0:
		return true, nil // we ask anew, with what we have
	default: // another roll-out, or this one begun anew by a centre that was restored
		if have, err = t.beginRoll(p, live); err != nil {
			return false, err
		}
	}
	for _, e := range p.List() {
		if err := t.exec("take roll-out", `INSERT INTO advisory_entry (slot, number, document, person) VALUES (?, ?, ?, ?)`, have.slot, e.Number, e.Document, e.Person); err != nil {
			return false, err
		}
	}
	for _, n := range p.Removed() {
		if err := t.exec("take roll-out", `DELETE FROM advisory_entry WHERE slot = ? AND number = ?`, have.slot, n); err != nil {
			return false, err
		}
	}
	if err := t.exec("take roll-out", `UPDATE advisory_issue SET upto = ? WHERE slot = ?`, p.Upto, have.slot); err != nil {
		return false, err
	}
	if p.Upto < p.Last {
		return true, nil
	}
	if !have.live || coming.slot != 0 {
		if err := t.dropRolls(have.slot); err != nil {
			return false, err
		}
	}
	now := t.s.opt.Now()
	if err := t.exec("take roll-out", `UPDATE advisory_issue SET live = 1, heard = ? WHERE slot = ?`, micro(now), have.slot); err != nil {
		return false, err
	}
	return false, t.exec("take roll-out", `DELETE FROM advisory_own WHERE decided > 0 AND decided < ?`, micro(now.Add(-settled)))
}

// beginRoll makes place for a roll-out beside the one in use.
func (t *Tx) beginRoll(p wire.Page, live roll) (roll, error) {
	keep := live.slot
	if live.issue == p.Issue {
		keep = 0
	}
	if err := t.dropRolls(keep); err != nil {
		return roll{}, err
	}
	r := roll{issue: p.Issue}
	err := t.tx.QueryRowContext(t.ctx, `INSERT INTO advisory_issue (issue, salt, bits, upto) VALUES (?, ?, ?, 0) RETURNING slot`, p.Issue, p.Salt, p.Bits).Scan(&r.slot)
	if err != nil {
		return roll{}, fmt.Errorf("begin roll-out: %w", err)
	}
	return r, nil
}

// dropRolls ends all roll-outs but one; 0: all. What they held is for clearRolls.
func (t *Tx) dropRolls(keep int64) error {
	return t.exec("drop roll-out", `DELETE FROM advisory_issue WHERE slot <> ?`, keep)
}

// ForgetAdvisory forgets roll-outs and own visits.
func (t *Tx) ForgetAdvisory() error {
	if err := t.dropRolls(0); err != nil {
		return err
	}
	for _, q := range []string{`DELETE FROM advisory_entry`, `DELETE FROM advisory_own`, `DELETE FROM setting WHERE name = '` + settingOwnSalt + `'`} {
		if err := t.exec("forget own visits", q); err != nil {
			return err
		}
	}
	return nil
}

// Known is what this kiosk knows of whether a key came in before.
type Known struct {
	Asked  bool // there was a key
	Rolled bool // it stands in the roll-out, or another meets it by chance
	Own    bool // likewise in our own memory
}

// Advice is what a kiosk knows of a person and a document.
type Advice struct {
	Document, Person Known
	Heard            time.Time // when the roll-out was whole last; zero: there is none
}

// Advise looks two keys up (package same).
func (s *Store) Advise(ctx context.Context, document, person string) (Advice, error) {
	a := Advice{Document: Known{Asked: document != ""}, Person: Known{Asked: person != ""}}
	live, _, err := rolls(ctx, s.db)
	if err != nil {
		return a, fmt.Errorf("store: %w", plain(err))
	}
	look := func(query string, hash uint32, args ...any) (found bool, err error) {
		if hash == 0 {
			return false, nil
		}
		err = s.db.QueryRowContext(ctx, `SELECT EXISTS (`+query+`)`, append([]any{hash}, args...)...).Scan(&found)
		return found, plain(err)
	}
	if live.slot != 0 {
		h, err := advisory.New(live.salt, live.bits)
		if err != nil {
			return a, fmt.Errorf("store: %w", err)
		}
		a.Heard = time.UnixMicro(live.heard).UTC()
		if a.Document.Rolled, err = look(`SELECT 1 FROM advisory_entry WHERE document = ? AND document <> 0 AND slot = ?`, h.Document(document), live.slot); err != nil {
			return a, err
		}
		if a.Person.Rolled, err = look(`SELECT 1 FROM advisory_entry WHERE person = ? AND person <> 0 AND slot = ?`, h.Person(person), live.slot); err != nil {
			return a, err
		}
	}
	salt, err := s.Get(ctx, settingOwnSalt)
	if err != nil || salt == nil {
		return a, err
	}
	h, err := advisory.New(salt, advisory.BitsOwn)
	if err != nil {
		return a, fmt.Errorf("store: %w", err)
	}
	if a.Document.Own, err = look(`SELECT 1 FROM advisory_own WHERE document = ?`, h.Document(document)); err != nil {
		return a, err
	}
	a.Person.Own, err = look(`SELECT 1 FROM advisory_own WHERE person = ?`, h.Person(person))
	return a, err
}

// RememberVisit keeps the hashes of a visit that was handed in, under a salt of this kiosk's own.
func (t *Tx) RememberVisit(submission, document, person string, random io.Reader, at time.Time) error {
	salt, err := t.Get(settingOwnSalt)
	if err != nil {
		return err
	}
	if salt == nil {
		salt = make([]byte, advisory.SaltSize)
		if _, err := io.ReadFull(random, salt); err != nil { // an injected source ran dry: the system's never does
			_, _ = rand.Read(salt)
		}
		if err := t.Put(settingOwnSalt, salt, at); err != nil {
			return err
		}
	}
	h, err := advisory.New(salt, advisory.BitsOwn)
	if err != nil {
		return err
	}
	if err := t.exec("remember visit", `INSERT INTO advisory_own (submission, at, document, person) VALUES (?, ?, ?, ?) ON CONFLICT (submission) DO NOTHING`,
		submission, micro(at), h.Document(document), h.Person(person)); err != nil {
		return err
	}
	return t.exec("remember visit", `DELETE FROM advisory_own WHERE submission IN (SELECT submission FROM advisory_own ORDER BY at DESC LIMIT -1 OFFSET ?)`, maxOwn)
}

// DecidedVisit notes that the centre has decided a visit: a rejected one is no longer what others are held against, any
// other goes once the roll-out is sure to know it.
func (t *Tx) DecidedVisit(submission string, rejected bool, at time.Time) error {
	if rejected {
		return t.exec("forget visit", `DELETE FROM advisory_own WHERE submission = ?`, submission)
	}
	return t.exec("note decision", `UPDATE advisory_own SET decided = ? WHERE submission = ?`, micro(at), submission)
}

// ForgetVisits forgets our own visits from before a time, and those that a clock which was set back left in the future.
func (s *Store) ForgetVisits(ctx context.Context, before, future time.Time) error {
	return s.Write(ctx, func(t *Tx) error {
		return t.exec("forget visits", `DELETE FROM advisory_own WHERE at < ? OR at > ?`, micro(before), micro(future))
	})
}

// AdvisoryHeard tells when a roll-out was here whole last; ok is false where there is none.
func (s *Store) AdvisoryHeard(ctx context.Context) (at time.Time, ok bool, err error) {
	live, _, err := rolls(ctx, s.db)
	return time.UnixMicro(live.heard).UTC(), live.slot != 0, plain(err)
}
