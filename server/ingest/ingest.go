// Package ingest takes in what kiosks send. Any record is stored as it came; only
// the contiguous run is applied, in order, and what it changes is committed with
// it. A chain that does not continue what is here, is never merged. One bad record
// never stops the stream behind it.
//
// What may live here: order, proof, unpacking, and the downlink's numbers. What
// may not: how frames travel (sync/link) and what a submission leads to (package centre).
package ingest

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"vestibule/journey"
	"vestibule/server/blobs"
	"vestibule/server/duplicate"
	"vestibule/server/journal"
	"vestibule/server/store"
	"vestibule/server/vault"
	"vestibule/sync/link"
	"vestibule/sync/seal"
	"vestibule/sync/wire"
)

// Bounds.
const (
	maxAhead      = 1 << 16 // records stored beyond the applied ones; a sender's window is far smaller
	maxEpochs     = 1000    // of one kiosk
	maxQuarantine = 10_000  // entries of one kiosk; what comes after is counted in the log only
	applyBatch    = 256     // records verified and applied in one go
)

// Reasons for quarantine.
const (
	WhyChain     = "chain"              // the record, or the chain's head after it, is not what it was
	WhyMalformed = "malformed"          // body does not decode
	WhyInvalid   = "invalid"            // decodes, but breaks the rules of its kind
	WhyForeign   = "foreign"            // names another kiosk, or another kiosk's session
	WhyRepeated  = "repeated"           // id or revision known already, with other content
	WhySeal      = "seal"               // sealed bytes do not open
	WhyTaken     = "submission_taken"   // submission id belongs to another session
	WhyKind      = "unknown_kind"       // kind of record not known here
	WhyRefused   = "stream_refused"     // came after the stream was refused
	WhyTooMany   = "too_many_epochs"    // a kiosk starts over too often
	WhyMismatch  = "manifest_different" // list of blobs differs from the sealed manifest
)

// JobDecide is the kind of the job that decides a submission.
const JobDecide = "decide"

// Config holds what an Ingest works with.
type Config struct {
	Store *store.Store
	Blobs *blobs.Shelf
	Keys  *seal.Keyring
	Vault *vault.Vault
	Now   func() time.Time
	NewID func() string // UUIDv7
	Log   *slog.Logger
	Wake  func()               // called after a commit that queued a job; may be nil
	Watch func(session string) // called after a commit that changed a session; may be nil
}

// Ingest implements link.Inbox.
type Ingest struct {
	c    Config
	keys sync.Map // kiosk → knownKey: what PublicKey found last, to prove chains before the database is held up with it
}

// knownKey is a kiosk's key as it was found last.
type knownKey struct {
	encoded []byte // PKIX
	key     *ecdsa.PublicKey
}

var _ link.Inbox = (*Ingest)(nil)

// New makes an Ingest.
func New(c Config) *Ingest {
	if c.Wake == nil {
		c.Wake = func() {}
	}
	if c.Watch == nil {
		c.Watch = func(string) {}
	}
	return &Ingest{c: c}
}

// PublicKey gives the key that a kiosk signs with: link.Keys.
func (in *Ingest) PublicKey(ctx context.Context, kiosk string) (*ecdsa.PublicKey, error) {
	k, err := in.c.Store.Read().Kiosk(ctx, kiosk)
	if errors.Is(err, store.ErrNotFound) || err == nil && !k.Revoked.IsZero() {
		return nil, link.ErrUnknownKiosk
	}
	if err != nil {
		return nil, fmt.Errorf("find kiosk: %w", err)
	}
	key, err := publicKey(k)
	if err == nil {
		in.keys.Store(kiosk, knownKey{k.PublicKey, key})
	}
	return key, err
}

func publicKey(k store.Kiosk) (*ecdsa.PublicKey, error) {
	key, err := x509.ParsePKIXPublicKey(k.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("kiosk's key: %w", err)
	}
	public, ok := key.(*ecdsa.PublicKey)
	if !ok {
		return nil, errors.New("kiosk's key is no ECDSA key")
	}
	return public, nil
}

// Commands implements link.Inbox.
func (in *Ingest) Commands(ctx context.Context, kiosk string, after uint64, limit int) ([]wire.Record, error) {
	return in.c.Store.Read().Commands(ctx, kiosk, after, limit)
}

// AcceptState implements link.Inbox.
func (in *Ingest) AcceptState(ctx context.Context, s wire.State) error {
	return in.c.Store.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.SetPresence(ctx, s.Kiosk, s)
		return err
	})
}

// Accept implements link.Inbox.
func (in *Ingest) Accept(ctx context.Context, up wire.Up) (wire.Ack, error) {
	f := &frame{in: in, up: up, now: in.c.Now(), sessions: map[string]string{}, held: map[string]*held{}}
	ack := wire.Ack{Version: wire.Version, Epoch: up.Epoch, Time: f.now}
	if known, ok := in.keys.Load(up.Kiosk); ok {
		// Before the transaction: on SQLite others wait for it. With another key than the database's this counts for nothing.
		if k := known.(knownKey); f.proves(k.key) {
			f.proof = k.encoded
		}
	}
	err := in.c.Store.Write(ctx, func(tx *store.Tx) error {
		k, err := tx.HoldKiosk(ctx, up.Kiosk, f.now, up.Sent)
		if errors.Is(err, store.ErrNotFound) || err == nil && !k.Revoked.IsZero() {
			ack.Refused = wire.RefusedUnknown
			return nil
		}
		if err != nil {
			return err
		}
		f.tx, f.kiosk = tx, k
		if err := f.take(ctx); err != nil {
			return err
		}
		ack.High, ack.Head, ack.Refused, ack.Cursor = f.stream.High, f.stream.Head, f.stream.Refused, f.kiosk.CommandSeq
		return nil
	})
	if err != nil {
		return wire.Ack{}, fmt.Errorf("accept frame of %s: %w", up.Kiosk, err)
	}
	for _, b := range f.gone {
		if err := in.c.Blobs.Remove(b.Kiosk, b.Blob); err != nil {
			in.c.Log.WarnContext(ctx, "an erased picture is still there", "code", "erase_unfinished", "error", err)
		}
	}
	for session := range f.sessions {
		in.c.Watch(session)
	}
	if f.queued {
		in.c.Wake()
	}
	return ack, nil
}

// frame is the work on one frame, inside one transaction.
type frame struct {
	in       *Ingest
	up       wire.Up
	now      time.Time
	tx       *store.Tx
	kiosk    store.Kiosk
	stream   store.Stream
	sessions map[string]string // touched sessions → project, where known
	proof    []byte            // key that the chain's signature was verified with already
	held     map[string]*held  // sessions as they were before this frame's events
	waiting  []waiting         // events that are applied, and not in the journal yet
	next     []store.Received  // the contiguous run behind what is applied
	all      bool              // next is all of it
	queued   bool
	dead     []uint64           // records of erased submissions
	gone     []store.ErasedBlob // pictures that erased submissions name
}

// held is a session as it was when this frame's first event of it came, and the events since.
type held struct {
	row    store.Session
	had    int // events
	events []journey.Event
}

// waiting is an event that goes into the journal together with others.
type waiting struct {
	record wire.Record
	event  journey.Event
}

func (f *frame) take(ctx context.Context) error {
	if err := f.delivered(ctx); err != nil {
		return err
	}
	if err := f.open(ctx); err != nil {
		return err
	}
	if f.stream.Refused != "" {
		// The kiosk has not heard yet. What it sends is kept, not merged.
		for _, r := range f.up.Records {
			if err := f.quarantine(ctx, r, WhyRefused); err != nil {
				return err
			}
		}
		return nil
	}
	ok, err := f.store(ctx)
	if err != nil {
		return err
	}
	if ok {
		if err := f.apply(ctx); err != nil {
			return err
		}
	}
	if err := f.sweep(ctx); err != nil {
		return err
	}
	if err := f.tx.SaveStream(ctx, f.stream, f.now); err != nil {
		return err
	}
	for session, project := range f.sessions {
		var err error
		if h := f.held[session]; h != nil && h.row.ID != "" {
			err = journal.Continue(ctx, f.tx, h.row, h.had, project, f.now, h.events)
		} else {
			_, err = journal.Refresh(ctx, f.tx, session, project, f.now, 0)
		}
		if err != nil {
			return fmt.Errorf("derive session: %w", err)
		}
	}
	return nil
}

// delivered notes which commands the kiosk has applied.
func (f *frame) delivered(ctx context.Context) error {
	applied, err := f.tx.SetCursor(ctx, f.kiosk, f.up.Cursor, f.now)
	if err != nil {
		return err
	}
	if f.kiosk.Adrift || f.up.Cursor > f.kiosk.CommandSeq {
		f.in.c.Log.WarnContext(ctx, "this database was restored: the kiosk's commands were numbered anew", "code", "commands_renumbered",
			"kiosk", f.up.Kiosk, "known", f.kiosk.CommandSeq, "applied", f.up.Cursor)
		if f.kiosk, err = f.tx.Kiosk(ctx, f.up.Kiosk); err != nil {
			return fmt.Errorf("find kiosk: %w", err)
		}
	}
	for _, cmd := range applied {
		if cmd.Kind != wire.KindVerdict {
			continue
		}
		var v journey.Verdict
		if err := wire.Unmarshal(cmd.Body, &v); err != nil {
			return fmt.Errorf("read own command: %w", err)
		}
		if _, err := f.tx.Session(ctx, v.Session); err != nil {
			continue // a verdict on a session that is no longer here
		}
		if err := journal.Add(ctx, f.tx, f.kiosk.ID, v.Session, v.Submission, f.now, journey.Event{
			ID: f.in.c.NewID(), Name: journey.CentreVerdictDelivered, Result: journey.Observed,
			Started: f.now, Ended: f.now, Causes: []string{v.Event},
		}); err != nil {
			return err
		}
		f.sessions[v.Session] = ""
		// At once, so that a second one in the same frame gets the next number.
		if _, err := journal.Refresh(ctx, f.tx, v.Session, "", f.now, 0); err != nil {
			return fmt.Errorf("derive session: %w", err)
		}
	}
	return nil
}

// open finds the stream of the frame's epoch, or begins it.
func (f *frame) open(ctx context.Context) error {
	s, err := f.tx.Stream(ctx, f.up.Kiosk, f.up.Epoch)
	if err == nil {
		f.stream = s
		return nil
	}
	if !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("find stream: %w", err)
	}
	n, err := f.tx.Epochs(ctx, f.up.Kiosk)
	if err != nil {
		return fmt.Errorf("count epochs: %w", err)
	}
	f.stream = store.Stream{Kiosk: f.up.Kiosk, Epoch: f.up.Epoch, Head: wire.ChainStart(f.up.Kiosk, f.up.Epoch)}
	if n >= maxEpochs {
		f.stream.Refused = WhyTooMany
	}
	return nil
}

// store puts the frame's records into the inbox as they came. It reports false
// when they contradict what is there, or the kiosk's key did not sign their chain: then the stream is refused from here on.
func (f *frame) store(ctx context.Context) (bool, error) {
	if n := len(f.up.Records); n > 0 && (f.proof == nil || !bytes.Equal(f.proof, f.kiosk.PublicKey)) {
		key, err := publicKey(f.kiosk)
		if err != nil {
			return false, err
		}
		if !f.proves(key) {
			return false, f.refuse(ctx, f.up.Records[n-1])
		}
	}
	known, err := f.known(ctx)
	if err != nil {
		return false, err
	}
	var fresh []store.Received
	keep := func() error {
		defer func() { fresh = nil }()
		return f.tx.PutInbox(ctx, f.up.Kiosk, f.up.Epoch, fresh, f.now)
	}
	refuse := func(r wire.Record) (bool, error) {
		if err := keep(); err != nil {
			return false, err
		}
		return false, f.refuse(ctx, r)
	}
	for i, r := range f.up.Records {
		if r.Seq > f.stream.High+maxAhead {
			break
		}
		last := i == len(f.up.Records)-1
		_, buried, err := f.buried(ctx, r)
		if err != nil {
			return false, fmt.Errorf("look for erasures: %w", err)
		}
		if buried {
			f.dead = append(f.dead, r.Seq)
		}
		k, here := known[r.Seq]
		if !here {
			if r.Seq <= f.stream.High { // applied, yet not in the inbox: cannot be
				return refuse(r)
			}
			rec := store.Received{Record: r}
			if last {
				rec.Head, rec.Sig = f.up.Head, f.up.HeadSig
			}
			known[r.Seq] = rec
			fresh = append(fresh, rec)
			continue
		}
		same, err := f.same(ctx, k, r)
		if err != nil {
			return false, err
		}
		if !same {
			return refuse(r)
		}
		if !last {
			continue
		}
		if k.Head != nil && !bytes.Equal(k.Head, f.up.Head) || r.Seq == f.stream.High && !bytes.Equal(f.stream.Head, f.up.Head) {
			return refuse(r)
		}
		if k.Head != nil {
			continue
		}
		if err := keep(); err != nil {
			return false, err
		}
		if err := f.tx.ClaimHead(ctx, f.up.Kiosk, f.up.Epoch, r.Seq, f.up.Head, f.up.HeadSig); err != nil {
			return false, err
		}
		k.Head, k.Sig = f.up.Head, f.up.HeadSig
		known[r.Seq] = k
	}
	for next := f.stream.High + 1; f.all; next++ {
		r, here := known[next]
		if !here {
			break
		}
		f.next = append(f.next, r)
	}
	return true, keep()
}

// proves reports whether a key signed the chain after the frame's last record.
func (f *frame) proves(key *ecdsa.PublicKey) bool {
	n := len(f.up.Records)
	return n > 0 && wire.VerifyHead(key, f.up.Kiosk, f.up.Epoch, f.up.Records[n-1].Seq, f.up.Head, f.up.HeadSig)
}

// known reads what is in the inbox already of the frame's records, and of those that wait to be applied.
func (f *frame) known(ctx context.Context) (map[uint64]store.Received, error) {
	after := f.stream.High
	if len(f.up.Records) > 0 {
		after = min(after, f.up.Records[0].Seq-1)
	}
	limit := len(f.up.Records) + applyBatch
	list, err := f.tx.InboxAfter(ctx, f.up.Kiosk, f.up.Epoch, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read inbox: %w", err)
	}
	f.all = len(list) < limit
	known := make(map[uint64]store.Received, len(list)+len(f.up.Records))
	for _, r := range list {
		known[r.Seq] = r
	}
	return known, nil
}

// same reports whether a record is the one that is here. Of one that was erased the hash is.
func (f *frame) same(ctx context.Context, known store.Received, r wire.Record) (bool, error) {
	if known.Kind != r.Kind || known.ID != r.ID {
		return false, nil
	}
	if len(known.Body) > 0 || len(r.Body) == 0 {
		return bytes.Equal(known.Body, r.Body), nil
	}
	t, err := f.tx.Tombstone(ctx, f.up.Kiosk, f.up.Epoch, r.Seq)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("compare record: %w", err)
	}
	sum := sha256.Sum256(r.Body)
	return bytes.Equal(t.Hash, sum[:]), nil
}

// apply verifies and applies the contiguous run, one stretch between two heads
// that the kiosk signed after the other. Nothing of a stretch is applied before
// all of it is proven.
func (f *frame) apply(ctx context.Context) error {
	if err := f.proven(ctx); err != nil {
		return err
	}
	return f.journalise(ctx)
}

func (f *frame) proven(ctx context.Context) error {
	for {
		records, err := f.next, error(nil)
		if !f.all {
			if records, err = f.tx.InboxAfter(ctx, f.up.Kiosk, f.up.Epoch, f.stream.High, applyBatch); err != nil {
				return fmt.Errorf("read inbox: %w", err)
			}
		}
		head, next := f.stream.Head, f.stream.High
		proven := 0
		for i, r := range records {
			if r.Seq != next+1 {
				break
			}
			if head, err = wire.Chain(head, r.Record); err != nil {
				return fmt.Errorf("continue chain: %w", err)
			}
			next = r.Seq
			if r.Head == nil {
				continue
			}
			if !bytes.Equal(head, r.Head) {
				return f.refuse(ctx, r.Record)
			}
			for _, p := range records[proven : i+1] {
				if err := f.record(ctx, p.Record); err != nil {
					return err
				}
			}
			proven = i + 1
			f.stream.High, f.stream.Head = r.Seq, head
		}
		if proven == 0 || f.all || len(records) < applyBatch {
			return nil
		}
	}
}

// refuse stops merging this stream, keeps the record that contradicts, and tells.
func (f *frame) refuse(ctx context.Context, r wire.Record) error {
	f.stream.Refused = wire.RefusedChain
	f.in.c.Log.ErrorContext(ctx, "record chain of a kiosk is broken: its frames are no longer merged",
		"code", "chain_broken", "kiosk", f.up.Kiosk, "epoch", f.up.Epoch, "applied", f.stream.High, "seq", r.Seq,
		"hint", "the kiosk's database was restored or copied, or a record was altered; compare quarantine and inbox")
	if err := f.quarantine(ctx, r, WhyChain); err != nil {
		return err
	}
	return journal.Add(ctx, f.tx, f.up.Kiosk, "", "", f.now, journey.Event{
		ID: f.in.c.NewID(), Name: journey.CentreSequenceGap, Result: journey.Fail, Started: f.now, Ended: f.now,
		Detail: map[string]string{"epoch": f.up.Epoch, "applied": fmt.Sprint(f.stream.High), "seq": fmt.Sprint(r.Seq)},
	})
}

// quarantine keeps a record that is not merged.
func (f *frame) quarantine(ctx context.Context, r wire.Record, why string) error {
	n, err := f.tx.QuarantineSize(ctx, f.up.Kiosk)
	if err != nil {
		return fmt.Errorf("measure quarantine: %w", err)
	}
	f.in.c.Log.WarnContext(ctx, "record put into quarantine", "code", "quarantined", "why", why,
		"kiosk", f.up.Kiosk, "epoch", f.up.Epoch, "seq", r.Seq, "kind", r.Kind, "kept", n < maxQuarantine)
	if n >= maxQuarantine {
		return nil
	}
	if _, buried, err := f.buried(ctx, r); err != nil {
		return fmt.Errorf("look for erasures: %w", err)
	} else if buried {
		r.Body = []byte{}
	}
	return f.tx.Quarantine(ctx, store.Quarantined{
		ID: f.in.c.NewID(), Kiosk: f.up.Kiosk, Epoch: f.up.Epoch, Seq: r.Seq, Kind: r.Kind, RecordID: r.ID,
		Why: why, Body: r.Body, Received: f.now,
	})
}

// record applies one record. What is wrong with it puts it into quarantine; an
// error means that the database failed.
func (f *frame) record(ctx context.Context, r wire.Record) error {
	var why string
	var err error
	if r.Kind != wire.KindEvent { // it comes after the events before it
		if err := f.journalise(ctx); err != nil {
			return err
		}
	}
	switch r.Kind {
	case wire.KindEvent:
		why, err = f.event(ctx, r)
	case wire.KindSubmission:
		why, err = f.submission(ctx, r)
	case wire.KindHealth:
		// Kept in the inbox; nothing reads it yet.
	default:
		why = WhyKind
	}
	if err != nil {
		return fmt.Errorf("apply record %d: %w", r.Seq, err)
	}
	if why != "" {
		return f.quarantine(ctx, r, why)
	}
	return nil
}

func (f *frame) event(ctx context.Context, r wire.Record) (why string, err error) {
	var e journey.Event
	if err := wire.Unmarshal(r.Body, &e); err != nil {
		return WhyMalformed, nil
	}
	switch {
	case e.Kiosk != f.up.Kiosk, e.Origin == journey.OriginServer:
		return WhyForeign, nil
	case e.ID != r.ID:
		return WhyInvalid, nil
	}
	e.Received = f.now
	if e.Validate() != nil {
		return WhyInvalid, nil
	}
	if e.Session != "" {
		h, err := f.hold(ctx, e.Session)
		if err != nil {
			return "", err
		}
		if h.row.ID != "" && h.row.Kiosk != f.up.Kiosk {
			return WhyForeign, nil
		}
	}
	f.waiting = append(f.waiting, waiting{r, e})
	return "", nil
}

// hold reads a session before the frame's first event of it is journalled.
func (f *frame) hold(ctx context.Context, session string) (*held, error) {
	if h := f.held[session]; h != nil {
		return h, nil
	}
	row, had, err := f.tx.SessionAndSize(ctx, session)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("find session: %w", err)
	}
	h := &held{row: row, had: had}
	f.held[session] = h
	return h, nil
}

// journalise puts the events that wait into the journal.
func (f *frame) journalise(ctx context.Context) error {
	if len(f.waiting) == 0 {
		return nil
	}
	all := f.waiting
	f.waiting = nil
	events := make([]journey.Event, len(all))
	for i, w := range all {
		events[i] = w.event
	}
	fresh, err := f.tx.AddEvents(ctx, events)
	if err != nil {
		return err
	}
	for i, w := range all {
		if !fresh[i] {
			if err := f.quarantine(ctx, w.record, WhyRepeated); err != nil {
				return err
			}
			continue
		}
		if err := f.journalled(ctx, w.event); err != nil {
			return fmt.Errorf("apply record %d: %w", w.record.Seq, err)
		}
	}
	return nil
}

// journalled follows from an event that is new.
func (f *frame) journalled(ctx context.Context, e journey.Event) error {
	if e.Name == journey.KioskPolicyApplied {
		if err := f.policy(ctx, e); err != nil {
			return err
		}
	}
	if e.Name == journey.KioskSealKeyApplied {
		if err := f.sealKey(ctx, e); err != nil {
			return err
		}
	}
	if e.Session == "" {
		return nil
	}
	if _, known := f.sessions[e.Session]; !known {
		f.sessions[e.Session] = ""
	}
	if h := f.held[e.Session]; h != nil {
		h.events = append(h.events, e)
	}
	return nil
}

// policy notes what a kiosk says of its policy.
func (f *frame) policy(ctx context.Context, e journey.Event) error {
	k := store.KioskPolicy{Kiosk: e.Kiosk, Version: e.Policy, At: e.Ended, Problem: e.Detail["code"]}
	number, err := strconv.ParseInt(e.Detail["number"], 10, 64)
	if err != nil || number < 0 {
		number = 0 // the kiosk could not tell
	}
	if e.Result == journey.Pass {
		k.Number = number
		return f.tx.RunsPolicy(ctx, k)
	}
	k.Refused = number
	return f.tx.RefusesPolicy(ctx, k)
}

// sealKey notes what a kiosk says of the key that it seals to.
func (f *frame) sealKey(ctx context.Context, e journey.Event) error {
	k := store.KioskSeal{Kiosk: e.Kiosk, Key: e.Detail["key"], At: e.Ended, Problem: e.Detail["code"]}
	if e.Result != journey.Pass {
		return f.tx.RefusesSeal(ctx, k)
	}
	number, err := strconv.ParseInt(e.Detail["number"], 10, 64)
	if err != nil || number < 0 {
		number = 0 // the kiosk could not tell
	}
	k.Number = number
	return f.tx.UsesSeal(ctx, k)
}

func (f *frame) submission(ctx context.Context, r wire.Record) (why string, err error) {
	body, err := wire.DecodeSubmission(r.Body)
	if err != nil {
		return WhyMalformed, nil
	}
	if body.Submission != r.ID {
		return WhyInvalid, nil
	}
	gone, err := f.tx.TakesNoMore(ctx, body.Submission)
	if err != nil {
		return "", fmt.Errorf("look for erasures: %w", err)
	}
	if gone {
		return "", f.bury(ctx, r, body)
	}
	plain, err := f.in.c.Keys.Open(body.Sealed, seal.InfoSubmission, seal.SubmissionAAD(f.up.Kiosk, body.Submission, body.Revision))
	if err != nil {
		return WhySeal, nil
	}
	var s journey.Submission
	if err := wire.Unmarshal(plain, &s); err != nil {
		return WhyMalformed, nil
	}
	if why := check(s, body, f.up.Kiosk); why != "" {
		return why, nil
	}
	known, err := f.tx.Submission(ctx, s.ID)
	switch {
	case errors.Is(err, store.ErrNotFound):
	case err != nil:
		return "", fmt.Errorf("find submission: %w", err)
	case known.Kiosk != f.up.Kiosk || known.Session != s.Session:
		return WhyTaken, nil
	case s.Revision <= known.Revision:
		return WhyRepeated, nil
	}
	private, err := f.in.c.Vault.Seal(plain, PrivateContext(s.ID))
	if err != nil {
		return "", err
	}
	v := duplicate.ValuesOf(s)
	row := store.Submission{
		ID: s.ID, Session: s.Session, Kiosk: f.up.Kiosk, Project: f.kiosk.Project, Revision: s.Revision, State: s.State,
		Stand: store.StandOpen, Created: s.Created, Updated: s.Updated, Received: f.now, Sealed: body.Sealed, Private: private,
		Keys: Keys(f.in.c.Vault, v), DocumentType: s.Document.Type, DocumentRank: v.Rank,
	}
	manifest := make([]store.Evidence, 0, len(s.Evidence))
	for _, e := range s.Evidence {
		manifest = append(manifest, store.Evidence{Submission: s.ID, ID: e.ID, Kind: e.Kind, Attempt: e.Attempt, Blob: e.Blob, Size: e.Size})
	}
	switch s.State {
	case journey.SubmissionComplete, journey.SubmissionExhausted:
		row.Stand = store.StandWaiting
	case journey.SubmissionAbandoned:
		row.Stand = store.StandClosed
	}
	if err := f.tx.SaveSubmission(ctx, row); err != nil {
		return "", err
	}
	if err := f.tx.SaveEvidence(ctx, s.ID, manifest); err != nil {
		return "", err
	}
	f.sessions[s.Session] = f.kiosk.Project
	delete(f.held, s.Session) // the centre's own event below comes into it
	if row.Stand == store.StandWaiting {
		queued, err := f.in.complete(ctx, f.tx, row, f.now)
		if err != nil {
			return "", err
		}
		f.queued = f.queued || queued
	}
	return "", nil
}

// check holds a submission against the envelope it came in.
func check(s journey.Submission, body wire.SubmissionBody, kiosk string) string {
	switch {
	case s.Kiosk != kiosk:
		return WhyForeign
	case s.ID != body.Submission, s.Session != body.Session, s.Revision != body.Revision:
		return WhyInvalid
	case len(s.Evidence) > wire.MaxRecords:
		return WhyInvalid
	}
	switch s.State {
	case journey.SubmissionOpen, journey.SubmissionComplete, journey.SubmissionExhausted, journey.SubmissionAbandoned:
	default:
		return WhyInvalid
	}
	named := map[string]bool{}
	for _, b := range body.Blobs {
		named[b] = true
	}
	seen := map[string]bool{}
	for _, e := range s.Evidence {
		if e.ID == "" || seen[e.ID] || !wire.BlobID(e.Blob) {
			return WhyInvalid
		}
		seen[e.ID] = true
		if !named[e.Blob] {
			return WhyMismatch
		}
	}
	return ""
}

// complete queues a finished submission once every picture of its manifest is here.
func (in *Ingest) complete(ctx context.Context, tx *store.Tx, s store.Submission, now time.Time) (bool, error) {
	missing, err := tx.MissingBlobs(ctx, s.ID)
	if err != nil {
		return false, fmt.Errorf("count pictures: %w", err)
	}
	if missing > 0 {
		return false, nil
	}
	if err := tx.SetStand(ctx, s.ID, store.StandQueued); err != nil {
		return false, err
	}
	if err := journal.Add(ctx, tx, s.Kiosk, s.Session, s.ID, now, journey.Event{
		ID: in.c.NewID(), Name: journey.CentreReceived, Result: journey.Observed, Started: now, Ended: now,
		Detail: map[string]string{"revision": fmt.Sprint(s.Revision)},
	}); err != nil {
		return false, err
	}
	if _, err := journal.Refresh(ctx, tx, s.Session, s.Project, now, 0); err != nil {
		return false, fmt.Errorf("derive session: %w", err)
	}
	return true, tx.Enqueue(ctx, in.c.NewID(), JobDecide, s.ID, now, now)
}

// AcceptChunk implements link.Inbox.
func (in *Ingest) AcceptChunk(ctx context.Context, c wire.Chunk) (wire.BlobAck, error) {
	if _, err := in.PublicKey(ctx, c.Kiosk); err != nil {
		return wire.BlobAck{}, fmt.Errorf("accept chunk of %s: %w", c.Kiosk, err)
	}
	ack := wire.BlobAck{Blob: c.Blob}
	gone, err := in.c.Store.Read().BlobErased(ctx, c.Blob)
	if err != nil {
		return wire.BlobAck{}, fmt.Errorf("look for erasures: %w", err)
	}
	if gone { // taken, as far as the kiosk is concerned: it deletes its own
		ack.Have, ack.Done = c.Size, true
		return ack, in.c.Blobs.Remove(c.Kiosk, c.Blob)
	}
	if ack.Have, ack.Done, err = in.c.Blobs.Append(c); err != nil {
		return wire.BlobAck{}, fmt.Errorf("accept chunk of %s: %w", c.Kiosk, err)
	}
	if !ack.Done {
		return ack, nil
	}
	if known, err := in.c.Store.Read().HasBlob(ctx, c.Blob); err == nil && known {
		return ack, nil
	}
	now := in.c.Now()
	var queued bool
	var sessions []string
	err = in.c.Store.Write(ctx, func(tx *store.Tx) error {
		if _, err := tx.LockKiosk(ctx, c.Kiosk); err != nil {
			return fmt.Errorf("hold kiosk: %w", err)
		}
		if gone, err = tx.BlobErased(ctx, c.Blob); err != nil || gone {
			return err // erased while it came
		}
		if err := tx.AddBlob(ctx, c.Blob, c.Kiosk, ack.Have, now); err != nil {
			return err
		}
		waiting, err := tx.WaitingFor(ctx, c.Blob)
		if err != nil {
			return fmt.Errorf("find who waits: %w", err)
		}
		for _, s := range waiting {
			if s.Kiosk != c.Kiosk {
				continue // its own kiosk brings it, under its own lock
			}
			done, err := in.complete(ctx, tx, s, now)
			if err != nil {
				return err
			}
			queued = queued || done
			sessions = append(sessions, s.Session)
		}
		return nil
	})
	if err != nil {
		return wire.BlobAck{}, fmt.Errorf("accept picture of %s: %w", c.Kiosk, err)
	}
	if gone {
		return ack, in.c.Blobs.Remove(c.Kiosk, c.Blob)
	}
	for _, s := range sessions {
		in.c.Watch(s)
	}
	if queued {
		in.c.Wake()
	}
	return ack, nil
}

// Keys turns plain values into the keyed hashes they are looked up by.
func Keys(v *vault.Vault, plain duplicate.Values) store.Keys {
	k := store.Keys{
		PII:      v.Hash("pii", plain.PII),
		Document: v.Hash("document", plain.Document),
		Holder:   v.Hash("holder", plain.Holder),
		Name:     v.Hash("name", plain.Name),
		Birth:    v.Hash("birth", plain.Birth),
		Email:    v.Hash("email", plain.Email),
		Phone:    v.Hash("phone", plain.Phone),
		User:     v.Hash("user", plain.User),
	}
	for _, n := range plain.Near {
		k.Near = append(k.Near, v.Hash("near", n))
	}
	if k.PII != "" {
		k.PIIVersion = duplicate.KeyVersion
	}
	return k
}

// PrivateContext binds the encrypted copy of a submission to its id.
func PrivateContext(submission string) string { return "submission|" + submission }
