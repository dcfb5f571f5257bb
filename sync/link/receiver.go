package link

import (
	"context"
	crand "crypto/rand"
	"encoding/binary"
	"errors"
	"hash/fnv"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"vestibule/sync/identity"
	"vestibule/sync/wire"
)

// ReceiverConfig is what the centre's side needs. Only Centre is needed.
type ReceiverConfig struct {
	// Centre signs every frame. Without a Signer they go out unsigned, as those of the releases before did: kiosks
	// of this release take none of them.
	Centre  wire.Centre
	Client  string // client id; empty: identity.CentreName. Several copies need several ids: centre.1, centre.2
	Share   string // name of a shared subscription, when several copies read from one broker
	Workers int    // kiosks worked on at the same time, so that their frames are committed together; 32
	Queue   int    // frames waiting per worker; 256
	Held    int64  // bytes of frames waiting for all workers together; 64 MiB
	// Observe hears of every frame that was not accepted, and why. It must not block; nil: nobody.
	Observe func(Rejection)
	// Bridged notes that the box of a branch has its line to the broker, or lost it. An error is told and changes nothing
	// else. nil: there are no branches.
	Bridged func(ctx context.Context, branch string, up bool) error
	// Page gives the next piece of the roll-out for a kiosk that asks for it. An error is told, and the kiosk asks again.
	// nil: nobody is answered, and kiosks do without.
	Page   func(ctx context.Context, kiosk string, ask wire.PageAsk) (wire.Page, error)
	Now    func() time.Time // wall clock; nil: time.Now
	Random io.Reader        // for jitter; nil: crypto/rand.Reader
	Log    *slog.Logger     // nil: none
	Tuning Tuning           // RetryFirst and RetryMost
}

// Rejection is a frame that was not accepted.
type Rejection struct {
	Code  string // see the Reject constants
	Topic string
	Kiosk string // from the topic, which the broker vouches for; empty when the topic is none of ours
	Size  int
	Err   error
}

// Codes of Rejection.Code.
const (
	RejectTopic       = "topic"       // not a topic of ours
	RejectTooLarge    = "too_large"   // larger than its bound
	RejectMalformed   = "malformed"   // truncated, or not a frame
	RejectVersion     = "version"     // of a release not known here
	RejectMisplaced   = "misplaced"   // names another kiosk than its topic
	RejectUnknown     = "unknown"     // kiosk not enrolled
	RejectForged      = "forged"      // signature does not fit
	RejectOverload    = "overload"    // queue full; the kiosk sends again
	RejectUnavailable = "unavailable" // inbox or keys failed; the kiosk sends again
)

var rejectCodes = [...]string{
	RejectTopic, RejectTooLarge, RejectMalformed, RejectVersion, RejectMisplaced, RejectUnknown, RejectForged, RejectOverload, RejectUnavailable,
}

// Receiver is the centre's side of the link.
type Receiver struct {
	transport Transport
	inbox     Inbox
	keys      Keys
	c         ReceiverConfig
	workers   []*worker
	conn      atomic.Pointer[Conn]
	ready     chan struct{}
	once      sync.Once
	counts    [len(rejectCodes)]atomic.Uint64
	held      atomic.Int64 // bytes of frames that wait
}

// NewReceiver makes a receiver that Run drives.
func NewReceiver(t Transport, inbox Inbox, keys Keys, c ReceiverConfig) *Receiver {
	if c.Client == "" {
		c.Client = identity.CentreName
	}
	c.Workers = orDefault(c.Workers, 32)
	c.Queue = orDefault(c.Queue, 256)
	c.Held = orDefault(c.Held, 64<<20)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Random == nil {
		c.Random = crand.Reader
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Tuning = c.Tuning.withDefaults()
	r := &Receiver{transport: t, inbox: inbox, keys: keys, c: c, ready: make(chan struct{})}
	for range c.Workers {
		r.workers = append(r.workers, newWorker(r))
	}
	return r
}

func (c ReceiverConfig) signAck(a wire.Ack) ([]byte, error) {
	if c.Centre.Signer == nil {
		return wire.EncodeAck(a)
	}
	return c.Centre.SignAck(a)
}

func (c ReceiverConfig) signDown(d wire.Down) ([]byte, error) {
	if c.Centre.Signer == nil {
		return wire.EncodeDown(d)
	}
	return c.Centre.SignDown(d)
}

func (c ReceiverConfig) jitter() *rand.Rand {
	var seed [16]byte
	// A short read leaves zeros: the jitter is then the same everywhere, which is harmless here.
	_, _ = io.ReadFull(c.Random, seed[:])
	return rand.New(rand.NewPCG(binary.LittleEndian.Uint64(seed[:8]), binary.LittleEndian.Uint64(seed[8:])))
}

// Run receives until ctx ends, reconnecting as often as needed. It returns ctx's
// error, after every frame under way was worked on.
func (r *Receiver) Run(ctx context.Context) error {
	var working sync.WaitGroup
	defer working.Wait()
	for _, w := range r.workers {
		working.Go(func() { w.run(ctx) })
	}
	again := retry{first: r.c.Tuning.RetryFirst, most: r.c.Tuning.RetryMost, jitter: r.c.jitter()}
	for {
		conn, err := r.transport.Connect(ctx, Session{Client: r.c.Client, Filters: r.filters(), QoS: 1, Receive: r.receive})
		if err == nil {
			again.reset()
			r.conn.Store(&conn)
			r.once.Do(func() { close(r.ready) })
			r.c.Log.Info("receiver online", "client", r.c.Client)
			select {
			case <-ctx.Done():
				working.Wait() // their answers still go out
			case <-conn.Done():
				err = conn.Err()
			}
			r.conn.Store(nil)
			conn.Close()
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		r.c.Log.Warn("receiver offline", "code", codeOf(err), "err", err)
		if !sleep(ctx, again.next()) {
			return ctx.Err()
		}
	}
}

func (r *Receiver) filters() []string {
	out := wire.UplinkFilters()
	if r.c.Share != "" {
		for i, f := range out {
			out[i] = "$share/" + r.c.Share + "/" + f
		}
	}
	return out
}

// Ready is closed once Run has subscribed for the first time.
func (r *Receiver) Ready() <-chan struct{} { return r.ready }

// Online tells whether the receiver has a session now.
func (r *Receiver) Online() bool { return r.conn.Load() != nil }

// Notify makes the receiver send a kiosk's new commands at once. It never blocks.
func (r *Receiver) Notify(kiosk string) { r.worker(kiosk).notify(kiosk) }

// Rejected counts rejections by code, those that happened.
func (r *Receiver) Rejected() map[string]uint64 {
	out := make(map[string]uint64)
	for i, code := range rejectCodes {
		if n := r.counts[i].Load(); n > 0 {
			out[code] = n
		}
	}
	return out
}

func (r *Receiver) reject(code string, m Message, kiosk string, err error) {
	for i, c := range rejectCodes {
		if c == code {
			r.counts[i].Add(1)
		}
	}
	if r.c.Observe != nil {
		r.c.Observe(Rejection{Code: code, Topic: m.Topic, Kiosk: kiosk, Size: len(m.Payload), Err: err})
	}
}

func (r *Receiver) gate() Gate { return Gate{Inbox: r.inbox, Keys: r.keys} }

func (r *Receiver) worker(kiosk string) *worker {
	h := fnv.New32a()
	io.WriteString(h, kiosk)
	return r.workers[h.Sum32()%uint32(len(r.workers))]
}

// arrival is a message with its topic read.
type arrival struct {
	Message
	lane  wire.Lane
	kiosk string
}

// receive sorts a message to the worker of its kiosk, so that one kiosk's frames
// stay in order. It never blocks: what finds no room is sent again by its kiosk.
func (r *Receiver) receive(m Message) {
	lane, kiosk, err := wire.ParseTopic(m.Topic)
	if err != nil || lane == wire.LaneAck || lane == wire.LaneCmd || lane == wire.LaneRoll || lane == wire.LaneView {
		r.reject(RejectTopic, m, "", err)
		go m.Ack() // acknowledging may block, receiving must not
		return
	}
	size := int64(len(m.Payload))
	if r.held.Add(size) <= r.c.Held {
		select {
		case r.worker(kiosk).in <- arrival{Message: m, lane: lane, kiosk: kiosk}:
			return
		default:
		}
	}
	r.held.Add(-size)
	r.reject(RejectOverload, m, kiosk, nil)
	go m.Ack()
}

func (r *Receiver) publish(ctx context.Context, topic string, payload []byte) {
	conn := r.conn.Load()
	if conn == nil {
		return // the kiosk asks again
	}
	// QoS 0 towards kiosks: see Uplink. A failure ends the session, which Run notices.
	if err := (*conn).Publish(ctx, Message{Topic: topic, Payload: payload}); err != nil {
		r.c.Log.Warn("receiver could not publish", "err", err)
	}
}

// codeOfFrame tells rejected frames apart.
func codeOfFrame(err error) string {
	switch {
	case errors.Is(err, wire.ErrTooLarge):
		return RejectTooLarge
	case errors.Is(err, wire.ErrVersion):
		return RejectVersion
	}
	return RejectMalformed
}
