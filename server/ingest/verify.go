package ingest

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"vestibule/journey"
	"vestibule/server/store"
	"vestibule/server/vault"
	"vestibule/sync/wire"
)

// Proof is what the stored bytes of one kiosk say about one journey.
type Proof struct {
	Kiosk   string
	Streams []StreamProof
	Events  int      // of the kiosk, in this journey
	Faults  []string // what does not hold, in words; empty: the journey is proven
}

// StreamProof is the chain of one epoch, computed anew from the first record on.
type StreamProof struct {
	Epoch   string
	Records uint64
	Erased  int    // records whose bodies were erased: that they came, and their place, is proven
	Heads   int    // that were met, and that the kiosk's key has signed
	Of      uint64 // records of this journey
}

// verifyBatch is how many records are read at a time.
const verifyBatch = 500

// Verify proves a journey from the records as they came: the chain of every epoch of its kiosk is computed
// anew, must meet each head that came, and each head must bear the signature of the kiosk's key, up to the last record
// of the journey; and the journey's events are those in the records, none more, none fewer, none altered. Records that
// were erased are stepped over by what the centre left for them under its own key. It finds
// what was changed, dropped or slipped in at the centre later on, even by somebody who computed all later heads anew.
// It cannot find that the newest records were cut off at a signed head together with all that was made of them, nor a
// change by somebody who also has the kiosk's key.
func Verify(ctx context.Context, r store.Reader, v *vault.Vault, session string) (Proof, error) {
	all, err := r.Events(ctx, session)
	if err != nil {
		return Proof{}, fmt.Errorf("read the journey: %w", err)
	}
	var p Proof
	told := map[string]journey.Event{}
	for _, e := range all {
		if e.Origin != journey.OriginServer {
			told[e.ID], p.Kiosk = e, e.Kiosk
		}
	}
	if p.Kiosk == "" {
		return Proof{}, store.ErrNotFound
	}
	p.Events = len(told)
	k, err := r.Kiosk(ctx, p.Kiosk)
	if err != nil {
		return Proof{}, fmt.Errorf("read the kiosk: %w", err)
	}
	key, err := publicKey(k)
	if err != nil {
		return Proof{}, err
	}
	streams, err := r.Streams(ctx, p.Kiosk)
	if err != nil {
		return Proof{}, fmt.Errorf("read streams: %w", err)
	}
	for _, s := range streams {
		one, err := p.stream(ctx, r, v, s, key, session, told)
		if err != nil {
			return Proof{}, err
		}
		p.Streams = append(p.Streams, one)
	}
	var left []string
	for id := range told {
		left = append(left, id)
	}
	slices.Sort(left)
	for _, id := range left {
		p.fault("event %s is in no record of the kiosk", id)
	}
	return p, nil
}

func (p *Proof) fault(format string, args ...any) {
	p.Faults = append(p.Faults, fmt.Sprintf(format, args...))
}

// stream computes one chain anew, and takes the events that it proves out of told.
func (p *Proof) stream(ctx context.Context, r store.Reader, v *vault.Vault, s store.Stream, key *ecdsa.PublicKey, session string, told map[string]journey.Event) (StreamProof, error) {
	one := StreamProof{Epoch: s.Epoch}
	head, last, sound := wire.ChainStart(s.Kiosk, s.Epoch), uint64(0), true
	var signed, needed uint64 // last signed head, last record of the journey
	for last < s.High {
		records, err := r.InboxAfter(ctx, s.Kiosk, s.Epoch, last, verifyBatch)
		if err != nil {
			return one, fmt.Errorf("read records: %w", err)
		}
		if len(records) == 0 {
			break
		}
		for _, rec := range records {
			if rec.Seq > s.High {
				break
			}
			if rec.Seq != last+1 {
				p.fault("epoch %s: records %d to %d are missing", s.Epoch, last+1, rec.Seq-1)
				sound = false
			}
			last = rec.Seq
			one.Records++
			if sound {
				if head, err = p.link(ctx, r, v, s, head, rec.Record, &one); err != nil {
					return one, err
				}
				sound = head != nil
			}
			if sound && rec.Head != nil {
				switch {
				case !bytes.Equal(head, rec.Head):
					p.fault("epoch %s: the chain does not hold at record %d, nor after it: a record up to there is not what came", s.Epoch, rec.Seq)
					sound = false
				case !wire.VerifyHead(key, s.Kiosk, s.Epoch, rec.Seq, rec.Head, rec.Sig):
					p.fault("epoch %s: the chain at record %d is not signed by the kiosk's key", s.Epoch, rec.Seq)
				default:
					one.Heads++
					signed = rec.Seq
				}
			}
			before := one.Of
			if p.record(rec.Record, session, told, &one); one.Of > before {
				needed = rec.Seq
			}
		}
	}
	if sound && signed < needed {
		p.fault("epoch %s: records %d to %d are under no signature of the kiosk", s.Epoch, signed+1, needed)
	}
	switch {
	case last < s.High:
		p.fault("epoch %s: records %d to %d are missing", s.Epoch, last+1, s.High)
	case sound && !bytes.Equal(head, s.Head):
		p.fault("epoch %s: the chain ends otherwise than it did when the last record was applied", s.Epoch)
	}
	return one, nil
}

// link continues a chain over a record, or over what stands for one that was erased; nil: it does not go on.
func (p *Proof) link(ctx context.Context, r store.Reader, v *vault.Vault, s store.Stream, head []byte, rec wire.Record, one *StreamProof) ([]byte, error) {
	if len(rec.Body) == 0 {
		t, err := r.Tombstone(ctx, s.Kiosk, s.Epoch, rec.Seq)
		switch {
		case err == nil && (mark(v, t) != t.Mark || !bytes.Equal(t.Before, head)):
			p.fault("epoch %s: record %d is empty, and not as this centre erases records", s.Epoch, rec.Seq)
			return nil, nil
		case err == nil:
			one.Erased++
			return t.After, nil
		case !errors.Is(err, store.ErrNotFound):
			return nil, fmt.Errorf("read what stands for an erased record: %w", err)
		}
	}
	next, err := wire.Chain(head, rec)
	if err != nil {
		p.fault("epoch %s: record %d cannot be chained", s.Epoch, rec.Seq)
		return nil, nil //nolint:nilerr // it is told
	}
	return next, nil
}

func (p *Proof) record(rec wire.Record, session string, told map[string]journey.Event, one *StreamProof) {
	if rec.Kind != wire.KindEvent {
		return
	}
	var e journey.Event
	if wire.Unmarshal(rec.Body, &e) != nil || e.Session != session {
		return
	}
	one.Of++
	stored, ok := told[e.ID]
	switch {
	case !ok:
		p.fault("record %d holds event %s, which the journey does not tell", rec.Seq, e.ID)
	case !sameEvent(stored, e):
		p.fault("event %s is not what record %d says", e.ID, rec.Seq)
	}
	delete(told, e.ID)
}

// sameEvent compares but for the time of receipt, which is the centre's.
func sameEvent(a, b journey.Event) bool {
	a.Received, b.Received = time.Time{}, time.Time{}
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}
