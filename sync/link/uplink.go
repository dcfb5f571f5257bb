package link

import (
	"bytes"
	"context"
	"crypto"
	crand "crypto/rand"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"vestibule/sync/outbox"
	"vestibule/sync/wire"
)

// UplinkConfig is what a kiosk's link needs. Kiosk, Signer, Centre and Apply are required.
type UplinkConfig struct {
	Kiosk   string
	Release string        // of the agent, shown by the centre
	Signer  crypto.Signer // signs every frame
	// Centre vouches for the centre's certificate. What is not proved by it is not believed: no acknowledgement
	// deletes anything, and no command is carried out.
	Centre wire.CentreKey
	// Apply carries a command out inside the transaction that moves the cursor past
	// it. An error leaves the command for later, unless it is made by outbox.Poison:
	// then the command is set aside and the stream goes on.
	Apply func(ctx context.Context, tx *sql.Tx, cmd wire.Record) error
	// Applied is called after the commit. Optional; it must not block.
	Applied func(cmd wire.Record)
	// Roll keeps the roll-out of the kiosk's project; nil: none is asked for.
	Roll Roll

	Now    func() time.Time // wall clock; nil: time.Now
	Random io.Reader        // for signatures, session numbers and jitter; nil: crypto/rand.Reader
	Log    *slog.Logger     // nil: none
	Tuning Tuning
}

// Tuning holds the link's times and bounds. The zero value of a field means its default.
type Tuning struct {
	RetryFirst time.Duration // shortest wait for an answer, and first wait for a connection; 400 ms
	RetryMost  time.Duration // longest wait; 10 s
	Heartbeat  time.Duration // an idle kiosk asks whether there is news; 30 s
	Frames     int           // unacknowledged frames at most; 8
	FrameBytes int           // bytes of records in one frame at most; 56 KiB
	Chunks     int           // unacknowledged chunks at most; 8
	Downlink   int           // frames from the centre waiting to be worked on; 64
	Misses     int           // late answers in a row after which the session is given up; 6
}

func (t Tuning) withDefaults() Tuning {
	t.RetryFirst = orDefault(t.RetryFirst, 400*time.Millisecond)
	t.RetryMost = max(orDefault(t.RetryMost, 10*time.Second), t.RetryFirst)
	t.Heartbeat = orDefault(t.Heartbeat, 30*time.Second)
	t.Frames = orDefault(t.Frames, 8)
	t.FrameBytes = min(orDefault(t.FrameBytes, 56<<10), wire.MaxFrame-8<<10)
	t.Chunks = orDefault(t.Chunks, 8)
	t.Downlink = orDefault(t.Downlink, 64)
	t.Misses = orDefault(t.Misses, 6)
	return t
}

// Status is how the link is.
type Status struct {
	Online  bool
	Since   time.Time // of Online's last change
	Code    string    // why it is offline, or what is wrong though online; see the Code constants
	Refused string    // wire.Refused… while the centre refuses this kiosk's frames
	Session string
	Sent    uint64        // highest record sent in this session
	Acked   uint64        // highest record that the centre has
	Offset  time.Duration // centre's clock minus ours
	RTT     time.Duration // of the exchange that Offset comes from; its error is at most half of it
	Clock   time.Time     // when Offset was measured, by our clock; zero: never
	// Unproven is when a frame was refused last that is not proved to be the centre's, by our clock, to the minute;
	// zero: never since Run began. Doubt says what was wrong with it: see the Doubt constants.
	Unproven time.Time
	Doubt    string
}

// Codes of Status.Doubt.
const (
	DoubtUnsigned = "frame_unsigned" // no signature: the centre is of an earlier release, or it is not the centre's
	DoubtForeign  = "frame_unproven" // signed, but not by this kiosk's centre for this kiosk, or altered
)

// Codes of Status.Code. A screen or a log looks its text up by these.
const (
	CodeConnecting  = "link_connecting"     // first attempt under way
	CodeUnreachable = "link_unreachable"    // no connection to the broker's address
	CodeLost        = "link_lost"           // the session broke
	CodeUntrusted   = "link_untrusted"      // the broker's certificate is not of our authority
	CodeClock       = "link_clock"          // a certificate is not valid at our clock's time
	CodeNotAdmitted = "link_not_admitted"   // the broker refuses this kiosk's certificate or name
	CodeNotGranted  = "link_not_granted"    // the broker refuses the subscription
	CodeStore       = "link_store"          // the outbox cannot be read or written
	CodeRefused     = "link_refused"        // the centre refuses our frames: see Status.Refused
	CodeAhead       = "link_ahead"          // the centre has records we never made: restored backup
	CodeBehind      = "link_behind"         // the centre has lost records that it had: its database was restored
	CodeUnanswered  = "link_unacknowledged" // connected, but the centre does not answer
	CodeUnproven    = "link_unproven"       // what comes is not proved to be the centre's, and nothing else comes
	CodeStopped     = "link_stopped"        // Run has ended
)

// Uplink is the kiosk's side of the link. One goroutine, that of Run, owns its state.
type Uplink struct {
	transport Transport
	box       Outbox
	c         UplinkConfig
	jitter    *rand.Rand
	kick      chan struct{}

	send     *sender
	blobs    *blobSender
	renewed  time.Time
	low      int       // answers in a row, over sessions, below what the centre had acknowledged before
	lowSince time.Time // when they began

	mu       sync.Mutex
	status   Status
	wrong    []wire.Condition // what is wrong with the kiosk
	reports  int              // how often that has changed
	shown    []byte           // how the kiosk stands, for its branch
	shows    int              // how often that has changed
	watchers map[chan Status]struct{}
}

// NewUplink makes a link that Run drives.
func NewUplink(t Transport, box Outbox, c UplinkConfig) (*Uplink, error) {
	if err := wire.CheckName(c.Kiosk); err != nil {
		return nil, fmt.Errorf("make uplink: %w", err)
	}
	if c.Signer == nil || c.Centre == nil || c.Apply == nil || t == nil || box == nil {
		return nil, errors.New("make uplink: transport, outbox, signer, centre and apply are required")
	}
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
	var seed [16]byte
	if _, err := io.ReadFull(c.Random, seed[:]); err != nil {
		return nil, fmt.Errorf("make uplink: %w", err)
	}
	jitter := rand.New(rand.NewPCG(binary.LittleEndian.Uint64(seed[:8]), binary.LittleEndian.Uint64(seed[8:])))
	return &Uplink{
		transport: t, box: box, c: c, jitter: jitter, kick: make(chan struct{}, 1),
		send: newSender(c.Tuning, jitter), blobs: newBlobSender(c.Tuning, jitter),
		status:   Status{Code: CodeConnecting, Since: c.Now()},
		watchers: make(map[chan Status]struct{}),
	}, nil
}

// Kick makes the link look at the outbox at once. Call it after every commit that
// appended; it never blocks.
func (u *Uplink) Kick() {
	select {
	case u.kick <- struct{}{}:
	default:
	}
}

// Status gives the present status.
func (u *Uplink) Status() Status {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.status
}

// Watch delivers the present status at once and every later one, latest only. It ends with ctx.
func (u *Uplink) Watch(ctx context.Context) <-chan Status {
	ch := make(chan Status, 1)
	u.mu.Lock()
	ch <- u.status
	u.watchers[ch] = struct{}{}
	u.mu.Unlock()
	context.AfterFunc(ctx, func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		delete(u.watchers, ch)
		close(ch)
	})
	return ch
}

// Report tells the centre what is wrong with the kiosk, all of it, as part of its presence. It never blocks;
// a list that is the same as before changes nothing.
func (u *Uplink) Report(wrong []wire.Condition) {
	u.mu.Lock()
	same := slices.Equal(u.wrong, wrong)
	if !same {
		u.wrong, u.reports = slices.Clone(wrong), u.reports+1
	}
	u.mu.Unlock()
	if !same {
		u.Kick()
	}
}

func (u *Uplink) reported() ([]wire.Condition, int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.wrong, u.reports
}

// Show has the people of the kiosk's branch see how it stands: an encoded and signed wire.Standing, which takes the place
// of the one before. It never blocks.
func (u *Uplink) Show(standing []byte) {
	u.mu.Lock()
	u.shown, u.shows = standing, u.shows+1
	u.mu.Unlock()
	u.Kick()
}

func (u *Uplink) standing() ([]byte, int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.shown, u.shows
}

func (u *Uplink) update(change func(*Status)) {
	u.mu.Lock()
	defer u.mu.Unlock()
	before := u.status
	change(&u.status)
	if u.status == before {
		return
	}
	if u.status.Online != before.Online {
		u.status.Since = u.c.Now()
	}
	if u.status.Code != before.Code || u.status.Online != before.Online {
		u.c.Log.Info("link", "online", u.status.Online, "code", u.status.Code)
	}
	for ch := range u.watchers {
		select {
		case <-ch: // a slow watcher gets the latest, not the next
		default:
		}
		ch <- u.status
	}
}

// errUnanswered ends a session in which the centre stays silent.
var errUnanswered = errors.New("the centre does not answer")

// errUnproven ends a session in which somebody else spoke for it.
var errUnproven = errors.New("what answers is not proved to be the centre")

// errStore ends a session in which the outbox failed.
type errStore struct{ err error }

func (e errStore) Error() string { return "outbox: " + e.err.Error() }
func (e errStore) Unwrap() error { return e.err }

// Run keeps the link up until ctx ends. It returns ctx's error.
func (u *Uplink) Run(ctx context.Context) error {
	again := retry{first: u.c.Tuning.RetryFirst, most: u.c.Tuning.RetryMost, jitter: u.jitter}
	for {
		answered, err := u.session(ctx)
		if ctx.Err() != nil {
			u.update(func(s *Status) { s.Online, s.Code, s.Session = false, CodeStopped, "" })
			return ctx.Err()
		}
		code := codeOf(err)
		switch {
		case errors.As(err, &errStore{}):
			code = CodeStore
		case errors.Is(err, errUnanswered):
			code = CodeUnanswered
		case errors.Is(err, errUnproven):
			code = CodeUnproven
		}
		u.c.Log.Warn("link down", "code", code, "err", err)
		u.update(func(s *Status) { s.Online, s.Code, s.Session = false, code, "" })
		if answered {
			again.reset()
		}
		if !sleep(ctx, again.next()) {
			continue // ctx has ended: the next round says so
		}
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// session is the state of one connection.
type session struct {
	*Uplink
	conn     Conn
	id       string
	in       chan Message
	epoch    string
	last     uint64 // highest record known to exist
	base     []byte // chain value after the acknowledged mark, as far as it is known
	cursor   uint64
	records  bool // the outbox may hold records to send
	pictures bool // the outbox may hold blobs that are not on the list
	hello    bool // a frame must go out even without records
	helloAt  time.Time
	behind   retry // how often the centre is asked for commands that did not come
	beat     time.Time
	told     int // of the uplink's reports
	shown    int // of what it shows
	answered bool
	numbers  [3]uint64 // of the last acknowledgement, the last commands and the last page that were believed
	askAt    time.Time // when the roll-out is asked for next, with the frame that goes then
	doubted  bool      // something else came
	silent   bool      // the centre did not answer for a while
}

// session connects and works until the connection ends. answered says whether the
// centre spoke to us in it.
func (u *Uplink) session(ctx context.Context) (answered bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	s := &session{
		Uplink: u, in: make(chan Message, u.c.Tuning.Downlink), records: true, pictures: true, hello: true,
		behind: retry{first: u.c.Tuning.RetryFirst, most: u.c.Tuning.RetryMost, jitter: u.jitter},
	}
	var id [8]byte
	if _, err := io.ReadFull(u.c.Random, id[:]); err != nil {
		return false, fmt.Errorf("draw session number: %w", err)
	}
	s.id = hex.EncodeToString(id[:])
	will, err := s.presence(false)
	if err != nil {
		return false, err
	}
	s.conn, err = u.transport.Connect(ctx, Session{
		Client:  u.c.Kiosk,
		Filters: []string{wire.DownFilter(u.c.Kiosk)},
		// At QoS 0 a kiosk that stopped reading costs the broker nothing, and nothing is
		// lost by it: whatever does not arrive is asked for again.
		QoS:  0,
		Will: &will,
		Receive: func(m Message) {
			select {
			case s.in <- m:
			default: // whatever is dropped here comes again
			}
		},
	})
	if err != nil {
		return false, err
	}
	defer s.conn.Close()
	if err := s.begin(ctx); err != nil {
		return false, err
	}
	err = s.work(ctx)
	if ctx.Err() != nil {
		s.farewell()
	}
	return s.answered, err
}

func (s *session) begin(ctx context.Context) error {
	if err := s.restart(ctx); err != nil {
		return err
	}
	s.blobs.start()
	if err := s.birth(ctx); err != nil {
		return err
	}
	s.update(func(st *Status) {
		s.silent = st.Code == CodeUnanswered
		if st.Code != CodeUnanswered && st.Code != CodeUnproven { // that is over when the centre answers, not when the broker does
			st.Code = ""
		}
		st.Online, st.Session, st.Sent, st.Acked = true, s.id, s.send.acked, s.send.acked
	})
	return nil
}

// restart takes the outbox's position as the truth.
func (s *session) restart(ctx context.Context) error {
	p, err := s.box.Position(ctx)
	if err != nil {
		return errStore{err}
	}
	s.epoch, s.last, s.base, s.cursor = p.Epoch, p.Last, p.Base, p.Cursor
	s.send.start(p.Acked)
	s.records, s.hello = true, true
	return nil
}

// birth says that the kiosk is here, and what is wrong with it.
func (s *session) birth(ctx context.Context) error {
	_, s.told = s.reported() // first: a change in between is told again
	m, err := s.presence(true)
	if err != nil {
		return err
	}
	return s.conn.Publish(ctx, m)
}

func (s *session) presence(online bool) (Message, error) {
	state := wire.State{Version: wire.Version, Kiosk: s.c.Kiosk, Session: s.id, Online: online, At: s.c.Now(), Release: s.c.Release}
	if online {
		state.Conditions, _ = s.reported()
	}
	b, err := wire.EncodeState(state)
	return Message{Topic: wire.StateTopic(s.c.Kiosk), Payload: b, QoS: 1, Retain: true}, err
}

// farewell takes the presence back when the kiosk stops in good order.
func (s *session) farewell() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if m, err := s.presence(false); err == nil {
		_ = s.conn.Publish(ctx, m) // if it cannot be said, the broker's keep-alive will notice
	}
}

// work is the loop of a session: send what there is and room for, then wait for
// whatever comes first.
func (s *session) work(ctx context.Context) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		busy, err := s.sendSome(ctx)
		if err != nil {
			return err
		}
		if !busy {
			timer.Reset(s.untilNext(time.Now()))
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-s.conn.Done():
				return lost(s.conn.Err())
			case m := <-s.in:
				err = s.receive(ctx, m)
			case <-s.kick:
				s.records, s.pictures = true, true
			case <-timer.C:
			}
		} else {
			// More to send; but what came in goes first.
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-s.conn.Done():
				return lost(s.conn.Err())
			case m := <-s.in:
				err = s.receive(ctx, m)
			case <-s.kick:
				s.records, s.pictures = true, true
			default:
			}
		}
		if err != nil {
			return err
		}
		if err := s.expire(time.Now()); err != nil {
			return err
		}
	}
}

func (s *session) untilNext(now time.Time) time.Duration {
	next := earliest(s.send.due, s.blobs.due, s.helloAt, s.beat)
	if next.IsZero() {
		return s.c.Tuning.Heartbeat
	}
	return max(next.Sub(now), 0)
}

func (s *session) expire(now time.Time) error {
	if s.send.expired(now) {
		s.records, s.hello = true, true
		code, silent := CodeUnanswered, errUnanswered
		if s.doubted && !s.answered {
			code, silent = CodeUnproven, errUnproven
		}
		if s.send.misses >= s.c.Tuning.Misses {
			return silent
		}
		if s.send.misses > 2 {
			s.silent = true
			s.update(func(st *Status) { st.Code = code })
		}
	}
	s.blobs.expired(now)
	if !s.helloAt.IsZero() && !now.Before(s.helloAt) {
		s.hello, s.helloAt = true, time.Time{}
	}
	if !s.beat.IsZero() && !now.Before(s.beat) {
		s.hello = true
	}
	return nil
}

// sendSome sends one frame, or where no record waits one chunk, and tells whether
// there may be more to send at once.
func (s *session) sendSome(ctx context.Context) (bool, error) {
	if _, n := s.reported(); n != s.told {
		return true, s.birth(ctx)
	}
	if b, n := s.standing(); n != s.shown {
		s.shown = n
		// At QoS 0: it is told again when anything changes, and at every connection.
		return true, s.conn.Publish(ctx, Message{Topic: wire.ViewTopic(s.c.Kiosk), Payload: b, Retain: true})
	}
	if (s.records || s.hello) && s.send.room() {
		return true, s.sendFrame(ctx)
	}
	if s.pictures {
		if err := s.listBlobs(ctx); err != nil {
			return false, err
		}
	}
	t, ok := s.blobs.pick()
	if !ok {
		return false, nil
	}
	return true, s.sendChunk(ctx, t)
}

func (s *session) sendFrame(ctx context.Context) error {
	b, err := s.box.Batch(ctx, s.send.next, s.c.Tuning.FrameBytes)
	if err != nil {
		return errStore{err}
	}
	if b.Epoch != s.epoch { // the outbox began a new epoch behind our back
		return s.restart(ctx)
	}
	if len(b.Records) == 0 {
		s.records = false
		if !s.hello {
			return nil
		}
	}
	up := wire.Up{
		Version: wire.Version, Kiosk: s.c.Kiosk, Epoch: b.Epoch, Records: b.Records, Head: b.Head,
		Cursor: s.cursor, Sent: s.c.Now(), Session: s.id,
	}
	up.Ask = s.ask(ctx)
	payload, err := wire.SignUp(up, s.c.Signer, s.c.Random)
	if err != nil {
		return errStore{err}
	}
	last := s.send.next
	if n := len(b.Records); n > 0 {
		last = b.Records[n-1].Seq
	}
	if err := s.conn.Publish(ctx, Message{Topic: wire.UpTopic(s.c.Kiosk), Payload: payload, QoS: 1}); err != nil {
		return err
	}
	now := time.Now()
	s.hello = false
	s.beat = now.Add(s.c.Tuning.Heartbeat)
	s.last = max(s.last, last)
	s.send.sent(last, now)
	s.update(func(st *Status) { st.Sent = max(st.Sent, last) })
	return nil
}

// blobsAtOnce is how many blobs are looked at together.
const blobsAtOnce = 8

func (s *session) listBlobs(ctx context.Context) error {
	list, err := s.box.Blobs(ctx, blobsAtOnce)
	if err != nil {
		return errStore{err}
	}
	for _, b := range list {
		s.blobs.add(b.ID, b.Size, b.Have)
	}
	s.pictures = false
	return nil
}

func (s *session) sendChunk(ctx context.Context, t *transfer) error {
	data, err := s.box.Chunk(ctx, t.id, t.next)
	if errors.Is(err, outbox.ErrNoBlob) {
		s.blobs.acknowledged(t.id, t.size, true, time.Now())
		return nil
	}
	if err != nil {
		return errStore{err}
	}
	if len(data) == 0 {
		return errStore{outbox.ErrDamaged}
	}
	payload, err := wire.EncodeChunk(wire.Chunk{
		Version: wire.Version, Kiosk: s.c.Kiosk, Blob: t.id, Size: t.size, Offset: t.next, Data: data,
	})
	if err != nil {
		return errStore{err}
	}
	if err := s.conn.Publish(ctx, Message{Topic: wire.BlobTopic(s.c.Kiosk), Payload: payload, QoS: 1}); err != nil {
		return err
	}
	s.blobs.sent(t, len(data), time.Now())
	return nil
}

// receive works on one frame of the centre. What does not decode is dropped: the
// centre sends again what matters.
func (s *session) receive(ctx context.Context, m Message) error {
	m.Ack()
	lane, kiosk, err := wire.ParseTopic(m.Topic)
	if err != nil || kiosk != s.c.Kiosk {
		return nil
	}
	switch lane {
	case wire.LaneAck:
		ack, err := wire.VerifyAck(m.Payload, s.c.Kiosk, s.c.Centre)
		if err != nil {
			s.doubt(lane, err)
			return nil
		}
		if ack.Session == "" && ack.Refused != "" && ack.Epoch == "" {
			s.answered = true
			return s.refused(ctx, ack) // it could not read enough of our frames to know the session; and it changes nothing here
		}
		if !s.fresh(ack.Proof, &s.numbers[0]) {
			return nil
		}
		return s.acknowledge(ctx, ack)
	case wire.LaneCmd:
		down, err := wire.VerifyDown(m.Payload, s.c.Kiosk, s.c.Centre)
		if err != nil {
			s.doubt(lane, err)
			return nil
		}
		if down.Kiosk != s.c.Kiosk || !s.fresh(down.Proof, &s.numbers[1]) {
			return nil
		}
		return s.command(ctx, down.Commands)
	case wire.LaneRoll:
		page, err := wire.VerifyPage(m.Payload, s.c.Kiosk, s.c.Centre)
		if err != nil {
			s.doubt(lane, err)
			return nil
		}
		if s.c.Roll == nil || !s.fresh(page.Proof, &s.numbers[2]) {
			return nil
		}
		return s.take(ctx, page)
	}
	return nil
}

// ask says what the kiosk has of the roll-out, once a heartbeat: nil in the frames between.
func (s *session) ask(ctx context.Context) *wire.PageAsk {
	now := time.Now()
	if s.c.Roll == nil || now.Before(s.askAt) {
		return nil
	}
	ask, ok, err := s.c.Roll.Ask(ctx)
	if err != nil {
		s.c.Log.Warn("what is here of the roll-out cannot be read", "err", err)
	}
	if err != nil || !ok {
		return nil
	}
	// No sooner than the next heartbeat, which needs no frame of its own: what is lost on the way is only late.
	s.askAt = now.Add(s.c.Tuning.Heartbeat - s.c.Tuning.Heartbeat/8)
	return &ask
}

// take stores a page, and asks for the next one where there is one. What cannot be stored is asked for again: a
// list of hints is no reason to end a session.
func (s *session) take(ctx context.Context, page wire.Page) error {
	more, err := s.c.Roll.Take(ctx, page)
	if err != nil {
		s.c.Log.Warn("a page of the roll-out was not stored", "err", err)
		return nil
	}
	if more {
		s.hello, s.askAt = true, time.Time{}
	}
	return nil
}

// fresh tells whether a frame that is proved to be the centre's is of this session and later than the last
// one. Whoever repeats old ones, or lets new ones overtake each other, gets nowhere: what is still true
// comes again.
func (s *session) fresh(p wire.Proof, last *uint64) bool {
	if p.Session != s.id {
		if s.helloAt.IsZero() {
			s.helloAt = time.Now().Add(s.behind.next()) // a centre that started anew has not heard of this session
		}
		return false
	}
	if p.Number <= *last {
		return false
	}
	*last = p.Number
	return true
}

// doubtEvery bounds how often a flood of frames that are not the centre's is told of.
const doubtEvery = time.Minute

// doubt notes a frame that is not proved to be the centre's. Nothing of it is believed.
func (s *session) doubt(lane wire.Lane, err error) {
	if !errors.Is(err, wire.ErrSignature) {
		s.c.Log.Warn("link dropped a frame", "lane", lane, "err", err)
		return
	}
	s.doubted = true
	why := DoubtForeign
	if errors.Is(err, wire.ErrUnsigned) {
		why = DoubtUnsigned
	}
	now := s.c.Now()
	if told := s.Status(); told.Doubt == why && now.Sub(told.Unproven).Abs() < doubtEvery {
		return
	}
	s.c.Log.Error("link refused a frame that is not proved to be the centre's", "code", why, "lane", lane, "err", err)
	s.update(func(st *Status) { st.Unproven, st.Doubt = now, why })
}

func (s *session) acknowledge(ctx context.Context, ack wire.Ack) error {
	now := time.Now()
	s.answered = true
	if s.silent {
		// What was said to a branch's box meanwhile may have been left out of its full queue.
		s.silent = false
		if err := s.birth(ctx); err != nil {
			return err
		}
	}
	if ack.Refused != "" {
		return s.refused(ctx, ack)
	}
	keep := wire.Ack{Version: ack.Version, Epoch: ack.Epoch, High: s.send.acked, Time: ack.Time}
	forked := false
	if ack.Epoch != s.epoch {
		keep.Epoch = "" // an answer to another epoch's frames says nothing of ours
	}
	ahead := false
	if ack.Epoch == s.epoch {
		if ack.High >= s.send.acked {
			keep.High, keep.Head, s.low = ack.High, ack.Head, 0
		} else if s.lost(now) {
			// What it has lost is gone here too. What waits must not wait behind that gap.
			return s.renew(ctx, CodeBehind)
		}
		forked = ack.High == s.send.acked && len(ack.Head) > 0 && !bytes.Equal(ack.Head, s.base)
		ahead = keep.High > s.last
	}
	for _, b := range ack.Blobs {
		if s.blobs.acknowledged(b.Blob, b.Have, b.Done, now) {
			keep.Blobs = append(keep.Blobs, b)
		}
		s.pictures = s.pictures || b.Done
	}
	if keep.High > s.send.acked || len(keep.Blobs) > 0 || forked {
		_, err := s.box.Acknowledge(ctx, keep)
		if errors.Is(err, outbox.ErrAhead) || errors.Is(err, outbox.ErrForked) {
			return s.renew(ctx, CodeAhead)
		}
		if err != nil {
			return errStore{err}
		}
		if ahead {
			s.last = keep.High
		}
		if keep.High > s.send.acked {
			s.base = keep.Head
		}
	}
	if ack.Epoch == s.epoch {
		s.answer(keep.High, ack, now)
	}
	return nil
}

// answer takes an acknowledgement of our epoch, after the outbox has it.
func (s *session) answer(high uint64, ack wire.Ack, now time.Time) {
	_, rtt := s.send.acknowledged(high, now)
	if s.send.next < s.last {
		s.records = true
	}
	if ack.Cursor > s.cursor && s.helloAt.IsZero() {
		s.helloAt = now.Add(s.behind.next()) // commands should come by themselves; ask if they do not
	}
	s.update(func(st *Status) {
		st.Acked = max(st.Acked, high)
		st.Code, st.Refused = "", ""
		if rtt > 0 && !ack.Time.IsZero() {
			s.compareClocks(st, ack.Time, rtt)
		}
	})
}

// clockAge is how long a good measurement is preferred over a newer, worse one.
const clockAge = 5 * time.Minute

// compareClocks takes the centre's time as that of the middle of the exchange.
func (s *session) compareClocks(st *Status, centre time.Time, rtt time.Duration) {
	now := s.c.Now()
	if age := now.Sub(st.Clock); !st.Clock.IsZero() && age >= 0 && age < clockAge && rtt > st.RTT {
		return
	}
	st.Offset, st.RTT, st.Clock = centre.Sub(now.Add(-rtt/2)), rtt, now
}

func (s *session) refused(ctx context.Context, ack wire.Ack) error {
	s.update(func(st *Status) { st.Code, st.Refused = CodeRefused, ack.Refused })
	if ack.Refused == wire.RefusedChain && ack.Epoch == s.epoch {
		return s.renew(ctx, CodeAhead)
	}
	return nil
}

// lowAnswers is how many it takes, and quiet how long they must go on, to tell a
// centre that lost records from answers that were overtaken on the way.
const lowAnswers = 3

// lost notes an answer below the acknowledged mark, and tells whether the centre
// has lost records that it had.
func (s *session) lost(now time.Time) bool {
	if s.low++; s.low == 1 {
		s.lowSince = now
	}
	return s.low >= lowAnswers && now.Sub(s.lowSince) >= quiet
}

// renewEvery bounds how often a new epoch is begun, whatever the other side says.
const renewEvery = time.Minute

// renew begins a new epoch: the centre remembers more of the old one than this file
// does, or less than it had said.
func (s *session) renew(ctx context.Context, code string) error {
	now := time.Now()
	if !s.renewed.IsZero() && now.Sub(s.renewed) < renewEvery {
		return nil
	}
	s.renewed = now
	s.c.Log.Error("kiosk and centre differ about the records of this epoch; beginning a new one", "code", code, "acknowledged", s.send.acked)
	s.low = 0
	if err := s.box.Renew(ctx); err != nil {
		return errStore{err}
	}
	if err := s.restart(ctx); err != nil {
		return err
	}
	s.update(func(st *Status) { st.Code, st.Sent, st.Acked = code, 0, 0 })
	return nil
}

// command applies commands in order, the next one only.
func (s *session) command(ctx context.Context, commands []wire.Record) error {
	s.answered = true
	for _, cmd := range commands {
		if cmd.Seq <= s.cursor {
			s.hello = true // the centre does not know how far we are
			continue
		}
		if cmd.Seq > s.cursor+1 {
			s.hello = true
			return nil
		}
		applied, err := s.box.Apply(ctx, cmd, func(tx *sql.Tx) error { return s.c.Apply(ctx, tx, cmd) })
		if err != nil {
			s.c.Log.Error("command not applied", "seq", cmd.Seq, "kind", cmd.Kind, "set aside", applied, "err", err)
			if !applied {
				s.helloAt = time.Now().Add(s.behind.next())
				return nil
			}
		}
		s.cursor = cmd.Seq
		s.hello, s.helloAt = true, time.Time{}
		s.behind.reset()
		if applied && err == nil && s.c.Applied != nil {
			s.c.Applied(cmd)
		}
	}
	return nil
}
