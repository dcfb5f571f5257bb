package link

import (
	"math/rand/v2"
	"time"
)

// This file is the protocol's core: no I/O, no clock, no goroutine. Time comes in
// as a parameter, what to do goes out as a value.

// retry is a wait that doubles, with jitter, between two bounds.
type retry struct {
	first, most time.Duration
	jitter      *rand.Rand
	n           int
}

// next gives the next wait: first·2ⁿ up to most, of which a random half is taken off.
func (r *retry) next() time.Duration {
	d := r.most
	if r.n < 20 && r.first<<r.n < r.most {
		d = r.first << r.n
	}
	r.n++
	return d/2 + time.Duration(r.jitter.Int64N(int64(d/2)+1))
}

func (r *retry) reset() { r.n = 0 }

// window says how many things may be under way: it grows with every success and
// falls to one when something got lost, so that a thin line is not flooded.
type window struct {
	size, most int
	credit     int
}

func (w *window) success() {
	if w.size >= w.most {
		return
	}
	if w.credit++; w.credit >= w.size {
		w.size, w.credit = w.size+1, 0
	}
}

func (w *window) failure() { w.size, w.credit = 1, 0 }

// pace estimates how long an answer takes (RFC 6298 section 2), so that a slow line
// is not mistaken for a broken one.
type pace struct {
	srtt, vary time.Duration
}

func (p *pace) sample(rtt time.Duration) {
	if p.srtt == 0 {
		p.srtt, p.vary = rtt, rtt/2
		return
	}
	p.vary += (max(p.srtt-rtt, rtt-p.srtt) - p.vary) / 4
	p.srtt += (rtt - p.srtt) / 8
}

// patience is how long to wait for an answer before sending again.
func (p *pace) patience(first, most time.Duration) time.Duration {
	return min(max(first, p.srtt+4*p.vary), most)
}

// frame is one Up frame under way.
type frame struct {
	last uint64 // highest record in it, or below it when it has none
	at   time.Time
	lone bool // nothing was under way, nor answered lately: an answer with this mark is to this frame
}

// quiet is how long after an answer a frame without records is surely not what it answered.
const quiet = 5 * time.Second

// sender is the kiosk's go-back-N state: a window of frames after the acknowledged
// mark; when an answer is late, everything after that mark is sent again.
type sender struct {
	t       Tuning
	acked   uint64
	next    uint64 // highest record sent since the last rewind
	flight  []frame
	win     window
	pace    pace
	late    retry     // how the wait grows while nothing is answered
	due     time.Time // when the oldest frame's answer is late; zero: nothing is under way
	misses  int       // late answers in a row
	rewound uint64    // highest record sent before the last rewind: its times say nothing
	heard   time.Time // last answer
}

func newSender(t Tuning, jitter *rand.Rand) *sender {
	return &sender{
		t: t, win: window{size: min(2, t.Frames), most: t.Frames},
		late: retry{first: t.RetryFirst, most: t.RetryMost, jitter: jitter},
	}
}

// start begins a session: what was under way in the one before is not.
func (s *sender) start(acked uint64) {
	s.acked, s.next = acked, acked
	s.flight, s.due, s.misses, s.rewound, s.heard = nil, time.Time{}, 0, 0, time.Time{}
	s.win.size = min(2, s.t.Frames)
	s.late.reset()
}

// room tells whether another frame may be sent.
func (s *sender) room() bool { return len(s.flight) < s.win.size }

// sent notes a frame that ends with record last; last == s.next for one without records.
func (s *sender) sent(last uint64, now time.Time) {
	lone := len(s.flight) == 0 && s.misses == 0 && (s.heard.IsZero() || now.Sub(s.heard) > quiet)
	s.flight = append(s.flight, frame{last: last, at: now, lone: lone})
	s.next = max(s.next, last)
	if s.due.IsZero() {
		s.due = now.Add(s.wait())
	}
}

func (s *sender) wait() time.Duration {
	w := s.pace.patience(s.t.RetryFirst, s.t.RetryMost)
	if s.misses > 0 {
		w = max(w, s.late.next())
	}
	return w
}

// acknowledged notes an answer. It returns whether the mark moved and, where it can
// be told, how long the answer took.
func (s *sender) acknowledged(high uint64, now time.Time) (moved bool, rtt time.Duration) {
	if high < s.acked {
		return false, 0 // late, of before
	}
	s.heard = now
	before := s.acked
	moved = high > before
	s.acked, s.next = high, max(s.next, high)
	n := 0
	for n < len(s.flight) && s.flight[n].last <= high {
		n++
	}
	if n > 0 {
		// Only an answer that cannot be to an earlier frame, or to an earlier copy of
		// this one, says how long answers take.
		if f := s.flight[n-1]; f.lone || f.last > before && f.last > s.rewound {
			rtt = now.Sub(f.at)
			s.pace.sample(rtt)
		}
		for range n {
			s.win.success()
		}
		s.flight = s.flight[n:]
	}
	if n > 0 || moved {
		s.misses = 0
		s.late.reset()
		s.due = time.Time{}
		if len(s.flight) > 0 {
			s.due = now.Add(s.wait())
		}
	}
	return moved, rtt
}

// expired rewinds to the acknowledged mark when an answer is late, and says so.
func (s *sender) expired(now time.Time) bool {
	if s.due.IsZero() || now.Before(s.due) {
		return false
	}
	s.rewound = max(s.rewound, s.next)
	s.next, s.flight, s.due = s.acked, nil, time.Time{}
	s.win.failure()
	s.misses++
	return true
}

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

// earliest gives the first of several moments, zero ones aside.
func earliest(times ...time.Time) time.Time {
	var out time.Time
	for _, t := range times {
		if !t.IsZero() && (out.IsZero() || t.Before(out)) {
			out = t
		}
	}
	return out
}
