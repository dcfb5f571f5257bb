// Package keep says how long the centre keeps what of a person, and forgets: on request, when its time is over, and
// again after an older state was restored.
//
// What may live here: erasing, legal holds, retention, and the export of one person's data. What may not: statements
// (package store), the format of backups (package backup), and what a policy may say (package journey).
//
// # What is erased, and how far
//
// A person's data are of four kinds (journey.DataKind). Erasing one changes every row that holds it in one transaction,
// under the turns of whoever decides and of the kiosk, so that neither a running check nor a record that comes at the
// same moment writes any of it back. Files follow; a note in the database says that they have to, and a power
// cut between the two leaves work that is taken up again. Decision, reason, codes and events stay.
//
// A record of the inbox is a link of a chain that its kiosk signed. Its body goes, its hash and the chain's values
// before and after it stay under a keyed hash: a journey remains provable, and a kiosk that sends the record again is
// told that it is here.
//
// # Why backups hold their own keys
//
// Two ways were weighed. Encrypting every column under a key of the person's own in the running database would protect
// nothing there: that key lies beside it, in every copy of the files, and hashes that people are found by would have to
// stay open for the look-ups; whoever has the hash key tries out document numbers. So the running database deletes
// (SQLite overwrites deleted cells, and its journal is emptied at once), and a backup is where keys pay: there every
// column of a person, hashes included, and every picture is encrypted under the person's key for its kind, the
// keys go into a file of their own, and that file is the one of which only the newest is kept. Deleting the
// key in the database and writing the keys file again makes all older backups of that person unreadable, wherever they lie.
package keep

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"vestibule/journey"
	"vestibule/server/blobs"
	"vestibule/server/centre"
	"vestibule/server/ingest"
	"vestibule/server/store"
	"vestibule/server/vault"
	"vestibule/sync/fault"
	"vestibule/sync/wire"
)

// Codes of what stands against an erasure.
const (
	CodeUnknown   = "erase_unknown"
	CodeHeld      = "erase_held"
	CodeUndecided = "erase_undecided"
	CodeReason    = "erase_reason"
)

// Reasons of an erasure. There is no free text: it would be where names end up.
const (
	WhyAsked     = "person-asked"
	WhyConsent   = "consent-withdrawn"
	WhyPurpose   = "purpose-over"
	WhyWrong     = "taken-wrongly"
	WhyAuthority = "authority-ordered"
	WhyRetention = "retention" // of the policy's time
)

// Reasons lists those that people may give.
func Reasons() []string {
	return []string{WhyAsked, WhyConsent, WhyPurpose, WhyWrong, WhyAuthority}
}

// Config holds what a Keeper works with.
type Config struct {
	Store *store.Store
	Blobs *blobs.Shelf
	Vault *vault.Vault
	Now   func() time.Time
	NewID func() string // UUIDv7
	Log   *slog.Logger
	// Erased hears of every kind of data that was erased, and why; may be nil.
	Erased func(kind journey.DataKind, why string)
}

// Keeper is safe for concurrent use; several may work on one database.
type Keeper struct {
	c     Config
	dirty atomic.Bool // the database has room to give up
}

// New makes a Keeper.
func New(c Config) *Keeper {
	if c.Erased == nil {
		c.Erased = func(journey.DataKind, string) {}
	}
	return &Keeper{c: c}
}

// Order says what is to be erased.
type Order struct {
	Submission string
	Kinds      []journey.DataKind // none: everything
	Who        string
	Why        string
	Undecided  bool // also while it waits for a decision: it then gets none
	again      bool // after a restore: whatever stands against it stood against it then
}

// kinds gives what goes: with the personal data, everything.
func (o Order) kinds() []journey.DataKind {
	if len(o.Kinds) == 0 || slices.Contains(o.Kinds, journey.DataPersonal) {
		return journey.DataKinds()
	}
	return o.Kinds
}

// Erase erases, and returns when the files are gone too. What was erased before is no error. After a failure the next
// Erase or Resume goes on.
func (k *Keeper) Erase(ctx context.Context, o Order) error {
	if !o.again && o.Why != WhyRetention && !slices.Contains(Reasons(), o.Why) {
		return fault.New(CodeReason, "no reason is given that this centre knows", "one of "+strings.Join(Reasons(), ", "), nil)
	}
	var did []journey.DataKind
	if err := k.c.Store.Write(ctx, func(tx *store.Tx) (err error) {
		did, err = k.erase(ctx, tx, o)
		return err
	}); err != nil {
		return err
	}
	for _, kind := range did {
		k.c.Erased(kind, o.Why)
	}
	if o.Why != WhyRetention && !o.again { // those go in batches
		k.scrub(ctx, len(did))
	}
	return k.finish(ctx, o.Submission)
}

// erase does everything that is in the database.
func (k *Keeper) erase(ctx context.Context, tx *store.Tx, o Order) ([]journey.DataKind, error) {
	if err := tx.Turn(ctx, store.DeciderTurn); err != nil {
		return nil, err
	}
	row, err := tx.Submission(ctx, o.Submission)
	if errors.Is(err, store.ErrNotFound) {
		return nil, fault.New(CodeUnknown, "there is no submission "+o.Submission, "see the journey in the console for its submission", nil)
	}
	if err != nil {
		return nil, fmt.Errorf("find submission: %w", err)
	}
	if _, err := tx.LockKiosk(ctx, row.Kiosk); err != nil {
		return nil, fmt.Errorf("hold kiosk: %w", err)
	}
	// What was read before the kiosk was held may have changed.
	if row, err = tx.Submission(ctx, o.Submission); err != nil {
		return nil, fmt.Errorf("find submission: %w", err)
	}
	if !o.again {
		if err := against(ctx, tx.Reader, row, o.Undecided); err != nil {
			return nil, err
		}
	}
	now := k.c.Now()
	var did []journey.DataKind
	for _, kind := range o.kinds() {
		fresh, err := tx.AddErasure(ctx, store.Erasure{Submission: row.ID, Kind: kind, Kiosk: row.Kiosk, Project: row.Project, At: now, Who: o.Who, Why: o.Why})
		if err != nil {
			return nil, err
		}
		if !fresh && !o.again {
			continue
		}
		if err := k.eraseKind(ctx, tx, row, kind); err != nil {
			return nil, fmt.Errorf("erase %s: %w", kind, err)
		}
		if err := tx.DropPersonKey(ctx, row.ID, kind); err != nil {
			return nil, err
		}
		did = append(did, kind)
	}
	if len(did) == 0 || o.again {
		return did, nil
	}
	names := make([]string, len(did))
	for i, kind := range did {
		names[i] = string(kind)
	}
	return did, tx.Audit(ctx, k.c.NewID(), o.Who, "erase "+strings.Join(names, "+")+" for "+o.Why, row.ID, now)
}

// against tells what stands against erasing a submission.
func against(ctx context.Context, r store.Reader, row store.Submission, undecided bool) error {
	holds, err := r.LegalHoldsOn(ctx, row.ID)
	if err != nil {
		return fmt.Errorf("look for legal holds: %w", err)
	}
	if len(holds) > 0 {
		return fault.New(CodeHeld, "submission "+row.ID+" is under legal hold "+holds[0].ID, "server hold remove, once the hold is over", nil)
	}
	if undecided {
		return nil
	}
	open, err := underReview(ctx, r, row.ID)
	if err != nil {
		return err
	}
	if !open && row.Decision != "" && row.Decision != journey.Pending && row.Stand != store.StandQueued {
		return nil
	}
	if !open && (row.Stand == store.StandClosed || row.Stand == store.StandErased || row.Stand == store.StandOpen) {
		return nil
	}
	return fault.New(CodeUndecided, "submission "+row.ID+" waits for a decision", "decide first; or give -undecided, and it gets none", nil)
}

func (k *Keeper) eraseKind(ctx context.Context, tx *store.Tx, row store.Submission, kind journey.DataKind) error {
	switch kind {
	case journey.DataPictures:
		pictures, err := picturesOf(ctx, tx.Reader, row)
		if err != nil {
			return err
		}
		for _, blob := range pictures {
			if err := tx.EraseBlob(ctx, store.ErasedBlob{Blob: blob, Submission: row.ID, Kiosk: row.Kiosk}); err != nil {
				return err
			}
		}
	case journey.DataFace:
		return tx.EraseFace(ctx, row.ID)
	case journey.DataSealed:
		records, err := tx.SubmissionRecords(ctx, row.ID)
		if err != nil {
			return fmt.Errorf("find records: %w", err)
		}
		for _, r := range records {
			if err := ingest.Entomb(ctx, tx, k.c.Vault, r, row.ID); err != nil {
				return err
			}
		}
		if err := tx.EraseQuarantine(ctx, row.ID); err != nil {
			return err
		}
		return tx.EraseSealed(ctx, row.ID)
	case journey.DataPersonal:
		if err := tx.ErasePersonal(ctx, row.ID); err != nil {
			return err
		}
		return shorten(ctx, tx, row.ID)
	}
	return nil
}

// picturesOf names every picture that a submission has or ever announced: a later revision may have left some out. The
// kiosk speaks for its own pictures: one that it names for two people goes with the first.
func picturesOf(ctx context.Context, r store.Reader, row store.Submission) ([]string, error) {
	manifest, err := r.EvidenceFor(ctx, row.ID)
	if err != nil {
		return nil, fmt.Errorf("read manifest: %w", err)
	}
	var all []string
	for _, e := range manifest {
		all = append(all, e.Blob)
	}
	named := func(kiosk string, body []byte) {
		if s, err := wire.DecodeSubmission(body); err == nil && kiosk == row.Kiosk {
			all = append(all, s.Blobs...)
		}
	}
	records, err := r.SubmissionRecords(ctx, row.ID)
	if err != nil {
		return nil, fmt.Errorf("find records: %w", err)
	}
	for _, one := range records {
		named(one.Kiosk, one.Body)
	}
	apart, err := r.QuarantinedBodies(ctx, row.ID)
	if err != nil {
		return nil, fmt.Errorf("look at quarantine: %w", err)
	}
	for _, one := range apart {
		named(one.Kiosk, one.Body)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// shorten takes out of a person's decisions what says something of them: which entries of lists they resemble, and the
// date of their document. What was decided, and by which rule, stays.
func shorten(ctx context.Context, tx *store.Tx, submission string) error {
	decisions, err := tx.DecisionsOf(ctx, submission)
	if err != nil {
		return fmt.Errorf("read decisions: %w", err)
	}
	for _, d := range decisions {
		if len(d.Record) == 0 {
			continue
		}
		var r centre.Record
		if err := json.Unmarshal(d.Record, &r); err != nil {
			return fmt.Errorf("decode decision: %w", err)
		}
		r.Lookups.Rank = ""
		if r.Lookups.Screening != nil {
			r.Lookups.Screening.Matches = nil
		}
		body, err := json.Marshal(r)
		if err != nil {
			return fmt.Errorf("encode decision: %w", err)
		}
		if err := tx.SetDecisionRecord(ctx, d.ID, body); err != nil {
			return err
		}
	}
	return nil
}

// finish deletes the files of what was erased, and notes that they are gone.
func (k *Keeper) finish(ctx context.Context, submission string) error {
	pictures, err := k.c.Store.Read().ErasedBlobs(ctx, submission)
	if err != nil {
		return fmt.Errorf("list erased pictures: %w", err)
	}
	for _, b := range pictures {
		if err := k.c.Blobs.Remove(b.Kiosk, b.Blob); err != nil {
			return fault.New("erase_unfinished", "an erased picture could not be deleted", "check the medium; the centre tries again, and so does server erase", err)
		}
	}
	return k.c.Store.Write(ctx, func(tx *store.Tx) error { return tx.FinishErasure(ctx, submission, k.c.Now()) })
}

// resumeBatch is how many are read at a time.
const resumeBatch = 200

// Resume finishes what a power cut or a full disk interrupted.
func (k *Keeper) Resume(ctx context.Context) error {
	for {
		open, err := k.c.Store.Read().UnfinishedErasures(ctx, resumeBatch)
		if err != nil {
			return fmt.Errorf("look for unfinished erasures: %w", err)
		}
		done := map[string]bool{}
		for _, e := range open {
			if done[e.Submission] {
				continue
			}
			if err := k.finish(ctx, e.Submission); err != nil {
				return err
			}
			done[e.Submission] = true
		}
		k.scrub(ctx, len(done))
		if len(open) < resumeBatch {
			return nil
		}
	}
}

// SweepPictures deletes pictures that were erased and lie here all the same: one came whole at the moment of a power cut.
func (k *Keeper) SweepPictures(ctx context.Context) error {
	after := ""
	for {
		list, err := k.c.Store.Read().ErasedBlobsAfter(ctx, after, resumeBatch)
		if err != nil {
			return fmt.Errorf("list erased pictures: %w", err)
		}
		for _, b := range list {
			if err := k.c.Blobs.Remove(b.Kiosk, b.Blob); err != nil {
				return err
			}
			after = b.Blob
		}
		if len(list) < resumeBatch {
			return nil
		}
	}
}
