package linktest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"vestibule/sync/link"
	"vestibule/sync/wire"
)

// Inbox is a centre's store in memory: it stores any record once, applies the
// contiguous run in order, checks the hash chain, assembles blobs and numbers
// commands. It survives the Receiver, as a database survives its process.
type Inbox struct {
	mu sync.Mutex
	tables
	states   map[string]wire.State
	commands map[string][]wire.Record
	faults   []string
	fail     error

	flaw  Flaw
	calls int
	disk  tables // what a crash leaves of it, when it has a flaw
}

// tables is what frames and chunks change.
type tables struct {
	streams map[string]*stream // kiosk and epoch
	applied map[string][]wire.Record
	blobs   map[string][]byte
	whole   map[string]bool
	cursors map[string]uint64
}

func (t tables) copy() tables {
	out := tables{
		streams: make(map[string]*stream), applied: make(map[string][]wire.Record),
		blobs: maps.Clone(t.blobs), whole: maps.Clone(t.whole), cursors: maps.Clone(t.cursors),
	}
	for k, s := range t.streams {
		out.streams[k] = &stream{high: s.high, head: s.head, waiting: maps.Clone(s.waiting), heads: maps.Clone(s.heads)}
	}
	for k, r := range t.applied {
		out.applied[k] = slices.Clone(r)
	}
	return out
}

// Flaw is a mistake that an Inbox makes on purpose, to prove that a test would see it.
type Flaw string

// The flaws.
const (
	NoUniqueKey     Flaw = "no unique key"     // a record that comes twice is applied twice
	AckBeforeCommit Flaw = "ack before commit" // a crash takes what was acknowledged last with it
	NoSync          Flaw = "no sync"           // a power cut takes the last few commits with it
)

// keptEvery is how many calls a flawed store leaves unsynced.
const keptEvery = 8

// Break gives the store a flaw.
func (i *Inbox) Break(f Flaw) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.flaw, i.disk = f, i.tables.copy()
}

// Crash ends the store's process, or cuts its power. A store without a flaw loses nothing by either.
func (i *Inbox) Crash(power bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.flaw == AckBeforeCommit || i.flaw == NoSync && power {
		i.tables = i.disk.copy()
	}
}

// commit is called before every change.
func (i *Inbox) commit() {
	if i.calls++; i.flaw == AckBeforeCommit || i.flaw == NoSync && i.calls%keptEvery == 0 {
		i.disk = i.tables.copy()
	}
}

type stream struct {
	high    uint64
	head    []byte
	waiting map[uint64]wire.Record
	heads   map[uint64][]byte // as the kiosk signed them
}

// NewInbox makes an empty store.
func NewInbox() *Inbox {
	return &Inbox{
		tables: tables{
			streams: make(map[string]*stream), applied: make(map[string][]wire.Record),
			blobs: make(map[string][]byte), whole: make(map[string]bool), cursors: make(map[string]uint64),
		},
		states: make(map[string]wire.State), commands: make(map[string][]wire.Record),
	}
}

var _ link.Inbox = (*Inbox)(nil)

// Fail makes every call fail with err until it is called with nil.
func (i *Inbox) Fail(err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.fail = err
}

// Accept implements link.Inbox.
func (i *Inbox) Accept(_ context.Context, up wire.Up) (wire.Ack, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.fail != nil {
		return wire.Ack{}, i.fail
	}
	i.commit()
	key := up.Kiosk + "|" + up.Epoch
	s := i.streams[key]
	if s == nil {
		s = &stream{head: wire.ChainStart(up.Kiosk, up.Epoch), waiting: make(map[uint64]wire.Record), heads: make(map[uint64][]byte)}
		i.streams[key] = s
	}
	for _, r := range up.Records {
		switch {
		case r.Seq > s.high:
			s.waiting[r.Seq] = r
		case i.flaw == NoUniqueKey:
			i.applied[up.Kiosk] = append(i.applied[up.Kiosk], r)
		}
	}
	if n := len(up.Records); n > 0 {
		s.heads[up.Records[n-1].Seq] = up.Head
	}
	for {
		r, ok := s.waiting[s.high+1]
		if !ok {
			break
		}
		delete(s.waiting, r.Seq)
		s.high = r.Seq
		s.head, _ = wire.Chain(s.head, r)
		if signed := s.heads[r.Seq]; signed != nil && !bytes.Equal(signed, s.head) {
			i.faults = append(i.faults, fmt.Sprintf("chain of %s breaks at %d", key, r.Seq))
		}
		delete(s.heads, r.Seq)
		i.applied[up.Kiosk] = append(i.applied[up.Kiosk], r)
	}
	if up.Cursor < i.cursors[up.Kiosk] {
		// Late frames carry older cursors; they must not turn it back.
		up.Cursor = i.cursors[up.Kiosk]
	}
	i.cursors[up.Kiosk] = up.Cursor
	return wire.Ack{Epoch: up.Epoch, High: s.high, Head: s.head, Cursor: uint64(len(i.commands[up.Kiosk]))}, nil
}

// AcceptChunk implements link.Inbox.
func (i *Inbox) AcceptChunk(_ context.Context, c wire.Chunk) (wire.BlobAck, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.fail != nil {
		return wire.BlobAck{}, i.fail
	}
	i.commit()
	have := int64(len(i.blobs[c.Blob]))
	if end := c.Offset + int64(len(c.Data)); c.Offset <= have && end > have {
		i.blobs[c.Blob] = append(i.blobs[c.Blob], c.Data[have-c.Offset:]...)
		have = end
	}
	if have == c.Size && !i.whole[c.Blob] {
		sum := sha256.Sum256(i.blobs[c.Blob])
		if hex.EncodeToString(sum[:]) != c.Blob {
			delete(i.blobs, c.Blob)
			return wire.BlobAck{Blob: c.Blob}, nil
		}
		i.whole[c.Blob] = true
	}
	return wire.BlobAck{Blob: c.Blob, Have: have, Done: i.whole[c.Blob]}, nil
}

// AcceptState implements link.Inbox.
func (i *Inbox) AcceptState(_ context.Context, s wire.State) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.fail != nil {
		return i.fail
	}
	if before, ok := i.states[s.Kiosk]; ok && !s.Online && before.Session != s.Session {
		return nil // the death of an earlier session
	}
	i.states[s.Kiosk] = s
	return nil
}

// Commands implements link.Inbox.
func (i *Inbox) Commands(_ context.Context, kiosk string, after uint64, max int) ([]wire.Record, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.fail != nil {
		return nil, i.fail
	}
	all := i.commands[kiosk]
	if after >= uint64(len(all)) {
		return nil, nil
	}
	return append([]wire.Record(nil), all[after:min(after+uint64(max), uint64(len(all)))]...), nil
}

// Command adds a command for a kiosk. Tell the Receiver with Notify.
func (i *Inbox) Command(kiosk string, kind wire.Kind, id string, body []byte) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.commands[kiosk] = append(i.commands[kiosk], wire.Record{Seq: uint64(len(i.commands[kiosk])) + 1, Kind: kind, ID: id, Body: body})
}

// Applied gives a kiosk's records in the order in which they were applied.
func (i *Inbox) Applied(kiosk string) []wire.Record {
	i.mu.Lock()
	defer i.mu.Unlock()
	return append([]wire.Record(nil), i.applied[kiosk]...)
}

// Count counts a kiosk's applied records.
func (i *Inbox) Count(kiosk string) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return len(i.applied[kiosk])
}

// Blob gives a whole blob, or nil.
func (i *Inbox) Blob(id string) []byte {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.whole[id] {
		return nil
	}
	return i.blobs[id]
}

// Cursor gives how far a kiosk says to have applied commands.
func (i *Inbox) Cursor(kiosk string) uint64 {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.cursors[kiosk]
}

// State gives a kiosk's presence.
func (i *Inbox) State(kiosk string) (wire.State, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	s, ok := i.states[kiosk]
	return s, ok
}

// Epochs counts the epochs in which a kiosk has sent.
func (i *Inbox) Epochs(kiosk string) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	n := 0
	for key := range i.streams {
		if strings.HasPrefix(key, kiosk+"|") {
			n++
		}
	}
	return n
}

// Check returns an error if the store saw what must not be.
func (i *Inbox) Check() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.faults) > 0 {
		return errors.New(i.faults[0])
	}
	return nil
}
