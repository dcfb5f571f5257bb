package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"sync"
	"time"

	"vestibule/sync/outbox"
	"vestibule/sync/wire"
)

// queue is a kiosk's outbox in memory: what two thousand databases would cost this machine is not the centre's.
type queue struct {
	answered func(time.Duration) // how long an event waited for its acknowledgement

	mu      sync.Mutex
	at      outbox.Position
	waiting []waits
}

type waits struct {
	wire.Record
	head []byte
	made time.Time
}

func newQueue(kiosk string, answered func(time.Duration)) *queue {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic(err)
	}
	q := &queue{answered: answered}
	q.at.Epoch = hex.EncodeToString(b[:])
	q.at.Head = wire.ChainStart(kiosk, q.at.Epoch)
	q.at.Base = q.at.Head
	return q
}

// add queues an event.
func (q *queue) add(id string, body []byte, now time.Time) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	r := wire.Record{Seq: q.at.Last + 1, Kind: wire.KindEvent, ID: id, Body: body}
	head, err := wire.Chain(q.at.Head, r)
	if err != nil {
		return err
	}
	q.at.Last, q.at.Head = r.Seq, head
	q.waiting = append(q.waiting, waits{r, head, now})
	return nil
}

// Position implements link.Outbox.
func (q *queue) Position(context.Context) (outbox.Position, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.at, nil
}

// Batch implements link.Outbox.
func (q *queue) Batch(_ context.Context, after uint64, most int) (outbox.Batch, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	after = min(max(after, q.at.Acked), q.at.Last)
	b := outbox.Batch{Epoch: q.at.Epoch, Cursor: q.at.Cursor, Head: q.at.Base}
	skip := int(after - q.at.Acked)
	if skip > 0 {
		b.Head = q.waiting[skip-1].head
	}
	for _, w := range q.waiting[skip:] {
		size := wire.RecordSize(w.Record)
		if n := len(b.Records); n == wire.MaxRecords || n > 0 && b.Bytes+size > most {
			break
		}
		b.Records, b.Head, b.Bytes = append(b.Records, w.Record), w.head, b.Bytes+size
	}
	return b, nil
}

// Acknowledge implements link.Outbox.
func (q *queue) Acknowledge(_ context.Context, ack wire.Ack) (outbox.Acked, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if ack.Epoch != q.at.Epoch || ack.High <= q.at.Acked {
		return outbox.Acked{High: q.at.Acked}, nil
	}
	if ack.High > q.at.Last {
		return outbox.Acked{}, outbox.ErrAhead
	}
	n, now := int(ack.High-q.at.Acked), time.Now()
	for _, w := range q.waiting[:n] {
		q.answered(now.Sub(w.made))
	}
	q.at.Acked, q.at.Base = ack.High, q.waiting[n-1].head
	q.waiting = append(q.waiting[:0], q.waiting[n:]...)
	return outbox.Acked{Records: n, High: ack.High}, nil
}

// Blobs implements link.Outbox: there are none.
func (q *queue) Blobs(context.Context, int) ([]outbox.Blob, error) { return nil, nil }

// Chunk implements link.Outbox.
func (q *queue) Chunk(context.Context, string, int64) ([]byte, error) { return nil, outbox.ErrNoBlob }

// Apply implements link.Outbox. What the centre commands is counted, and nothing else.
func (q *queue) Apply(_ context.Context, cmd wire.Record, _ func(*sql.Tx) error) (bool, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if cmd.Seq <= q.at.Cursor {
		return false, nil
	}
	q.at.Cursor = cmd.Seq
	return true, nil
}

// Renew implements link.Outbox. Nothing here is ever restored from a copy.
func (q *queue) Renew(context.Context) error { return outbox.ErrForked }
