package link

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"vestibule/sync/grace"
	"vestibule/sync/wire"
)

// worker works on the frames of some kiosks, one after the other. Only its own
// goroutine touches peers.
type worker struct {
	r      *Receiver
	in     chan arrival
	jitter *rand.Rand
	peers  map[string]*peer
	late   map[string]*peer // those whose answer to commands is awaited

	mu   sync.Mutex
	news map[string]struct{} // kiosks with new commands
	wake chan struct{}
}

// peer is what a worker knows of a kiosk. All of it may be forgotten at any time.
type peer struct {
	ack     *wire.Ack     // to be published when the queue is empty
	session string        // of its last frame that was proved; empty: none since this centre started
	numbers [3]uint64     // of the last acknowledgement, the last commands and the last page
	ask     *wire.PageAsk // to be answered when the queue is empty
	down    downlink
	refused time.Time // when a refusal was last sent
	seen    time.Time
}

// forgetAfter is how long a silent kiosk is remembered.
const forgetAfter = time.Hour

func newWorker(r *Receiver) *worker {
	return &worker{
		r: r, in: make(chan arrival, r.c.Queue), jitter: r.c.jitter(), peers: make(map[string]*peer),
		late: make(map[string]*peer), news: make(map[string]struct{}), wake: make(chan struct{}, 1),
	}
}

func (w *worker) notify(kiosk string) {
	w.mu.Lock()
	w.news[kiosk] = struct{}{}
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *worker) takeNews() map[string]struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.news) == 0 {
		return nil // never the map itself: Notify goes on writing to it
	}
	news := w.news
	w.news = make(map[string]struct{})
	return news
}

// burst is how many frames are worked on before answers go out, if more are waiting.
const burst = 32

// frameGrace is how long frames under way may take to be stored and answered after a stop. Starting value, unmeasured.
const frameGrace = 5 * time.Second

// run works until ctx ends, and finishes what it has begun.
func (w *worker) run(ctx context.Context) {
	under, done := grace.Extend(ctx, frameGrace)
	defer done()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	sweep := time.Now().Add(forgetAfter)
	for {
		timer.Reset(max(time.Until(earliest(w.due(), sweep)), 0))
		touched := make(map[string]*peer)
		select {
		case <-ctx.Done():
			return
		case a := <-w.in:
			w.take(under, a, touched)
			w.drain(ctx, under, touched)
		case <-w.wake:
		case <-timer.C:
		}
		w.answer(under, touched)
		w.commands(under, touched)
		if now := time.Now(); !now.Before(sweep) {
			sweep = now.Add(forgetAfter)
			for k, p := range w.peers {
				if now.Sub(p.seen) > forgetAfter {
					delete(w.peers, k)
					delete(w.late, k)
				}
			}
		}
	}
}

// drain works on what waits, but begins nothing once ctx has ended.
func (w *worker) drain(ctx, under context.Context, touched map[string]*peer) {
	for range burst - 1 {
		if ctx.Err() != nil {
			return
		}
		select {
		case a := <-w.in:
			w.take(under, a, touched)
		default:
			return
		}
	}
}

func (w *worker) peer(kiosk string) *peer {
	p := w.peers[kiosk]
	if p == nil {
		t := w.r.c.Tuning
		p = &peer{down: downlink{late: retry{first: t.RetryFirst, most: t.RetryMost, jitter: w.jitter}}}
		w.peers[kiosk] = p
	}
	p.seen = time.Now()
	return p
}

// take works on one message. Whatever it holds, the next one is worked on too.
func (w *worker) take(ctx context.Context, a arrival, touched map[string]*peer) {
	defer a.Ack()
	defer w.r.held.Add(-int64(len(a.Payload)))
	var code string
	var err error
	switch a.lane {
	case wire.LaneUp:
		code, err = w.up(ctx, a, touched)
	case wire.LaneBlob:
		code, err = w.chunk(ctx, a, touched)
	case wire.LaneBridge:
		code, err = w.bridge(ctx, a)
	default:
		code, err = w.state(ctx, a)
	}
	if code == "" {
		return
	}
	w.r.reject(code, a.Message, a.kiosk, err)
	if a.lane == wire.LaneBridge {
		return // a box is told nothing
	}
	switch code {
	case RejectForged:
		w.refuse(ctx, a.kiosk, wire.RefusedSignature)
	case RejectMalformed, RejectMisplaced, RejectVersion, RejectTooLarge:
		w.refuse(ctx, a.kiosk, wire.RefusedMalformed)
	case RejectUnknown:
		w.refuse(ctx, a.kiosk, wire.RefusedUnknown)
	}
}

func (w *worker) up(ctx context.Context, a arrival, touched map[string]*peer) (string, error) {
	up, ack, code, err := w.r.gate().Up(ctx, a.kiosk, a.Payload)
	if code != "" {
		return code, err
	}
	p := w.peer(a.kiosk)
	p.session = up.Session
	p.merge(ack)
	p.down.heard(up.Cursor, ack.Cursor, time.Now())
	if up.Ask != nil {
		p.ask = up.Ask
	}
	touched[a.kiosk] = p
	return "", nil
}

func (w *worker) chunk(ctx context.Context, a arrival, touched map[string]*peer) (string, error) {
	b, code, err := w.r.gate().Chunk(ctx, a.kiosk, a.Payload)
	if code != "" {
		return code, err
	}
	p := w.peer(a.kiosk)
	p.merge(wire.Ack{Blobs: []wire.BlobAck{b}})
	touched[a.kiosk] = p
	return "", nil
}

func (w *worker) state(ctx context.Context, a arrival) (string, error) {
	s, err := wire.DecodeState(a.Payload)
	if err != nil {
		return codeOfFrame(err), err
	}
	if s.Kiosk != a.kiosk {
		return RejectMisplaced, nil
	}
	if _, err := w.r.keys(ctx, s.Kiosk); err != nil {
		return codeOfKeys(err), err
	}
	if err := w.r.inbox.AcceptState(ctx, s); err != nil {
		return RejectUnavailable, err
	}
	return "", nil
}

// bridge notes what the broker says of a branch's line: the box's own word, or its last will.
func (w *worker) bridge(ctx context.Context, a arrival) (string, error) {
	word := string(a.Payload)
	if word != wire.BridgeUp && word != wire.BridgeDown {
		return RejectMalformed, nil
	}
	if w.r.c.Bridged == nil {
		return "", nil
	}
	if err := w.r.c.Bridged(ctx, a.kiosk, word == wire.BridgeUp); err != nil {
		return RejectUnavailable, err
	}
	return "", nil
}

func codeOfKeys(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, ErrUnknownKiosk):
		return RejectUnknown
	}
	return RejectUnavailable
}

// answer publishes one acknowledgement per kiosk that was heard.
func (w *worker) answer(ctx context.Context, touched map[string]*peer) {
	for kiosk, p := range touched {
		ack := p.ack
		p.ack = nil
		if ack == nil {
			continue
		}
		ack.Version = wire.Version
		if ack.Time.IsZero() {
			ack.Time = w.r.c.Now()
		}
		w.acknowledge(ctx, kiosk, p, *ack)
	}
	for kiosk, p := range touched {
		if ask := p.ask; ask != nil {
			p.ask = nil
			w.page(ctx, kiosk, p, *ask)
		}
	}
}

// page answers a kiosk that asks for the roll-out: one piece for each time that it asks.
func (w *worker) page(ctx context.Context, kiosk string, p *peer, ask wire.PageAsk) {
	if w.r.c.Page == nil || w.r.c.Centre.Signer == nil {
		return
	}
	page, err := w.r.c.Page(ctx, kiosk, ask)
	if err != nil {
		w.r.c.Log.Warn("a roll-out cannot be read", "kiosk", kiosk, "err", err)
		return
	}
	page.Version, page.Proof = wire.Version, w.proof(kiosk, p, &p.numbers[2])
	b, err := w.r.c.Centre.SignPage(page)
	if err != nil {
		w.r.c.Log.Error("a page cannot be signed", "kiosk", kiosk, "err", err)
		return
	}
	w.r.publish(ctx, wire.RollTopic(kiosk), b)
}

func (w *worker) acknowledge(ctx context.Context, kiosk string, p *peer, ack wire.Ack) {
	ack.Proof = w.proof(kiosk, p, &p.numbers[0])
	b, err := w.r.c.signAck(ack)
	if err != nil {
		w.r.c.Log.Error("acknowledgement cannot be signed", "kiosk", kiosk, "err", err)
		return
	}
	w.r.publish(ctx, wire.AckTopic(kiosk), b)
}

// proof begins what a frame is proved by. Numbers go on from the clock, so that a centre which has forgotten a
// kiosk does not begin below what that has seen in its session; where a clock was set back, the kiosk's next
// session makes up for it.
func (w *worker) proof(kiosk string, p *peer, number *uint64) wire.Proof {
	now := w.r.c.Now()
	*number = max(*number+1, uint64(max(now.UnixMicro(), 0)))
	return wire.Proof{For: kiosk, Session: p.session, Number: *number, Signed: now}
}

// refuseEvery and refuseMost bound what a flood of bad frames brings back.
const (
	refuseEvery = 5 * time.Second
	refuseMost  = 4096 // kiosks remembered per worker
)

// refuse tells a kiosk that its frames are not taken, so that it can say so.
func (w *worker) refuse(ctx context.Context, kiosk, why string) {
	now := time.Now()
	if p := w.peers[kiosk]; p != nil && now.Sub(p.refused) < refuseEvery {
		return
	}
	if w.peers[kiosk] == nil && len(w.peers) >= refuseMost && why == wire.RefusedUnknown {
		return
	}
	p := w.peer(kiosk)
	p.refused = now
	w.acknowledge(ctx, kiosk, p, wire.Ack{Version: wire.Version, Refused: why, Time: w.r.c.Now()})
}

func (w *worker) due() time.Time {
	var out time.Time
	for _, p := range w.late {
		out = earliest(out, p.down.due)
	}
	return out
}

// commands sends what there is to the kiosks that were heard, that have news, or
// that did not answer in time.
func (w *worker) commands(ctx context.Context, touched map[string]*peer) {
	for kiosk := range w.takeNews() {
		p := w.peer(kiosk)
		p.down.more, p.down.misses = true, 0
		touched[kiosk] = p
	}
	now := time.Now()
	for kiosk, p := range w.late {
		if !now.Before(p.down.due) {
			touched[kiosk] = p
		}
	}
	for kiosk, p := range touched {
		if after, ok := p.down.want(now); ok {
			w.command(ctx, kiosk, p, after)
		}
		if p.down.due.IsZero() {
			delete(w.late, kiosk)
		} else {
			w.late[kiosk] = p
		}
	}
}

// commandsAtOnce bounds a Down frame.
const commandsAtOnce = 16

func (w *worker) command(ctx context.Context, kiosk string, p *peer, after uint64) {
	max := commandsAtOnce
	if !p.down.known {
		max = 1 // enough to make the kiosk tell its cursor
	}
	list, err := w.r.inbox.Commands(ctx, kiosk, after, max)
	if err != nil {
		w.r.c.Log.Warn("commands cannot be read", "err", err)
		p.down.due = time.Now().Add(p.down.late.next())
		return
	}
	size, n := 0, 0
	for n < len(list) && n < max {
		if size += wire.RecordSize(list[n]); n > 0 && size > wire.MaxFrame-8<<10 {
			break
		}
		n++
	}
	list = list[:n]
	last := p.down.cursor
	if n > 0 {
		last = list[n-1].Seq
		b, err := w.r.c.signDown(wire.Down{Version: wire.Version, Kiosk: kiosk, Commands: list, Proof: w.proof(kiosk, p, &p.numbers[1])})
		if err != nil {
			w.r.c.Log.Error("commands cannot be signed", "kiosk", kiosk, "err", err)
			return
		}
		w.r.publish(ctx, wire.CommandTopic(kiosk), b)
	}
	p.down.under(last, time.Now())
}
