package link

import (
	"math/rand/v2"
	"time"
)

// transfer is one blob under way.
type transfer struct {
	id         string
	size       int64
	have, next int64 // the centre's, ours
	kept       int64 // have as the outbox knows it
}

type chunk struct {
	blob string
	end  int64
	at   time.Time
}

// blobSender is the same idea for the blob lane: several blobs one after another,
// a window of chunks over all of them.
type blobSender struct {
	t      Tuning
	list   []*transfer
	flight []chunk
	win    window
	pace   pace
	late   retry
	due    time.Time
	misses int
}

func newBlobSender(t Tuning, jitter *rand.Rand) *blobSender {
	return &blobSender{
		t: t, win: window{size: min(2, t.Chunks), most: t.Chunks},
		late: retry{first: t.RetryFirst, most: t.RetryMost, jitter: jitter},
	}
}

// start begins a session with nothing under way; the list is filled by add.
func (b *blobSender) start() {
	b.list, b.flight, b.due, b.misses = nil, nil, time.Time{}, 0
	b.win.size = min(2, b.t.Chunks)
	b.late.reset()
}

// add notes a blob that waits. One that is known already stays as it is.
func (b *blobSender) add(id string, size, have int64) {
	for _, t := range b.list {
		if t.id == id {
			return
		}
	}
	b.list = append(b.list, &transfer{id: id, size: size, have: have, next: have, kept: have})
}

// pick gives the next part to send, if there is one and room for it.
func (b *blobSender) pick() (*transfer, bool) {
	if len(b.flight) >= b.win.size {
		return nil, false
	}
	for _, t := range b.list {
		if t.next < t.size {
			return t, true
		}
	}
	return nil, false
}

// sent notes that n bytes of t went out.
func (b *blobSender) sent(t *transfer, n int, now time.Time) {
	t.next += int64(n)
	b.flight = append(b.flight, chunk{blob: t.id, end: t.next, at: now})
	if b.due.IsZero() {
		b.due = now.Add(b.wait())
	}
}

func (b *blobSender) wait() time.Duration {
	w := b.pace.patience(b.t.RetryFirst, b.t.RetryMost)
	if b.misses > 0 {
		w = max(w, b.late.next())
	}
	return w
}

// keepEvery is how much of a blob may be sent again after a power cut, because
// every note of progress costs the kiosk's disk a sync.
const keepEvery = 8 << 16

// acknowledged notes how much of a blob the centre has. keep says that the outbox
// should know: it is whole, or a good part further.
func (b *blobSender) acknowledged(id string, have int64, done bool, now time.Time) (keep bool) {
	i := -1
	for j, t := range b.list {
		if t.id == id {
			i = j
		}
	}
	if i < 0 {
		return done
	}
	t := b.list[i]
	if done {
		b.list = append(b.list[:i:i], b.list[i+1:]...)
		have = t.size
	}
	n := 0
	rest := b.flight[:0:0]
	for _, c := range b.flight {
		if c.blob == id && c.end <= have {
			b.pace.sample(now.Sub(c.at))
			b.win.success()
			n++
			continue
		}
		rest = append(rest, c)
	}
	b.flight = rest
	moved := have > t.have
	t.have, t.next = have, max(t.next, have)
	if n > 0 || moved || done {
		b.misses = 0
		b.late.reset()
		b.due = time.Time{}
		if len(b.flight) > 0 {
			b.due = now.Add(b.wait())
		}
	}
	if keep = done || have-t.kept >= keepEvery; keep {
		t.kept = have
	}
	return keep
}

// expired goes back to what the centre has of every blob when an answer is late.
func (b *blobSender) expired(now time.Time) bool {
	if b.due.IsZero() || now.Before(b.due) {
		return false
	}
	for _, t := range b.list {
		t.next = t.have
	}
	b.flight, b.due = nil, time.Time{}
	b.win.failure()
	b.misses++
	return true
}
