package link_test

import (
	"context"
	"crypto/ecdsa"
	"database/sql"
	"errors"
	"fmt"
	mrand "math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mattn/go-sqlite3"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vestibule/sync/link"
	"vestibule/sync/link/linktest"
	"vestibule/sync/outbox"
	"vestibule/sync/wire"
)

// schedule is what happens to a kiosk and a centre, all of it drawn.
type schedule struct {
	seed   uint64
	faults linktest.Faults
	steps  []step
}

// step is one thing that happens.
type step int

const (
	appends step = iota
	appendsMore
	appendsAgain
	picture
	commands
	kioskCrashes
	centreCrashes
	brokerCrashes
	partition
	databaseAway
	powerCut // of the kiosk and the centre at once
	kinds
)

func (s schedule) String() string {
	return fmt.Sprintf("seed %d, %+v, steps %v", s.seed, s.faults, s.steps)
}

// draw takes a schedule from a source of numbers in [low, high].
func draw(number func(what string, low, high int) int) schedule {
	percent := func(what string, most int) float64 { return float64(number(what+" %", 0, most)) / 100 }
	s := schedule{
		seed: uint64(number("seed", 0, 1<<62)),
		faults: linktest.Faults{
			Loss: percent("loss", 40), Duplicate: percent("duplicate", 40),
			Delay: time.Duration(number("delay ms", 0, 800)) * time.Millisecond, Cut: percent("cut", 5),
		},
	}
	for range number("steps", 3, 25) {
		s.steps = append(s.steps, step(number("step", 0, int(kinds)-1)))
	}
	return s
}

// run lets a schedule happen in virtual time, heals the line, and holds the promise against what
// both databases say. flaw changes the world before it begins; nil: nothing.
func (s schedule) run(t *testing.T, k *ecdsa.PrivateKey, flaw func(*world)) (failed error) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, k, s.seed, s.faults)
		defer w.close()
		defer func() { w.ended() }()
		if flaw != nil {
			flaw(w)
		}
		rng := mrand.New(mrand.NewPCG(s.seed, 1))
		bytes := make([]byte, 3*wire.ChunkSize+17)
		w.applyFail = 10
		w.startCentre()
		w.startKiosk(t)
		for i, what := range s.steps {
			switch what {
			case appends, appendsMore, appendsAgain:
				w.append(t, 1+rng.IntN(30), rng.IntN(9000))
			case picture:
				bytes[0], bytes[1] = byte(i), byte(i>>8)
				w.picture(t, bytes[:1+rng.IntN(len(bytes))])
			case commands:
				w.command(1 + rng.IntN(20))
			case kioskCrashes:
				w.startKiosk(t)
			case centreCrashes:
				w.stopRecv()
				w.inbox.Crash(false)
				w.startCentre()
			case brokerCrashes:
				w.net.Restart()
			case partition:
				w.net.Partition(name, rng.IntN(2) == 0)
				w.net.Partition("centre", rng.IntN(2) == 0)
			case databaseAway:
				w.inbox.Fail([]error{nil, errors.New("database is away")}[rng.IntN(2)])
			case powerCut:
				w.powerCut(t)
			}
			time.Sleep(time.Duration(rng.IntN(3000)) * time.Millisecond)
		}
		w.net.Partition(name, false)
		w.net.Partition("centre", false)
		w.net.SetFaults(linktest.Faults{})
		w.inbox.Fail(nil)
		if took, ok := w.drain(t, 3*time.Minute); !ok {
			failed = fmt.Errorf("not drained %v after the line was healed; link says %+v; %w", took, w.up.Status(), w.check())
			return
		}
		failed = w.check()
		if n := w.inbox.Epochs(name); failed == nil && n > 1 {
			failed = fmt.Errorf("%d epochs, though nothing was restored or lost", n)
		}
	})
	return failed
}

// powerCut takes the power from both ends. What was synced stays, and nothing else.
func (w *world) powerCut(t testing.TB) {
	w.stopUp()
	w.stopRecv()
	w.inbox.Crash(true)
	if w.synced != nil {
		copyDatabase(t, w.db, w.synced)
	}
	w.startCentre()
	w.startKiosk(t)
}

// TestWhateverHappensEverythingArrivesOnceAndInOrder draws schedules of loss, repetition,
// reordering, cuts, partitions and crashes of every part. `make schedules` draws 100,000.
func TestWhateverHappensEverythingArrivesOnceAndInOrder(t *testing.T) {
	k := key(t)
	rapid.Check(t, func(rt *rapid.T) {
		s := draw(func(what string, low, high int) int { return rapid.IntRange(low, high).Draw(rt, what) })
		if err := s.run(t, k, nil); err != nil {
			rt.Fatal(err)
		}
	})
}

// TestEveryMistakeThatWouldLoseRecordsIsSeen breaks one rule of the pattern at a time. The schedules
// that a sound link survives must not all be survived by a flawed one: else they would prove nothing.
func TestEveryMistakeThatWouldLoseRecordsIsSeen(t *testing.T) {
	k := key(t)
	theirs, theirKey, err := linktest.Centre()
	require.NoError(t, err)
	var all []schedule
	for seed := range uint64(60) {
		rng := mrand.New(mrand.NewPCG(seed, 2))
		s := draw(func(_ string, low, high int) int { return low + rng.IntN(high-low+1) })
		require.NoError(t, s.run(t, k, nil), "without a flaw, %v", s)
		all = append(all, s)
	}
	for name, flaw := range map[string]func(*world){
		"a PUBACK is trusted":                       func(w *world) { w.pipe = trusting{w.net, w.box} },
		"the centre has no unique key":              func(w *world) { w.inbox.Break(linktest.NoUniqueKey) },
		"the centre acknowledges before it commits": func(w *world) { w.inbox.Break(linktest.AckBeforeCommit) },
		"the centre does not sync what it commits":  func(w *world) { w.inbox.Break(linktest.NoSync) },
		"the kiosk believes acknowledgements that the centre did not sign": func(w *world) {
			w.pipe, w.known = forging{w.net, theirs}, believing(theirKey, w.known)
		},
		"the kiosk does not sync what it commits": func(w *world) { w.forgetful(t) },
	} {
		t.Run(name, func(t *testing.T) {
			seen := 0
			var first string
			for _, s := range all {
				if err := s.run(t, k, flaw); err != nil {
					if seen++; first == "" {
						first = fmt.Sprintf("%v: %v", s, err)
					}
				}
			}
			t.Logf("seen in %d of %d schedules; first: %.300s", seen, len(all), first)
			require.NotZero(t, seen)
		})
	}
}

// trusting is a kiosk that takes the broker's word for the centre's: what was published is
// acknowledged to the outbox.
type trusting struct {
	link.Transport
	box *outbox.Outbox
}

// Connect implements link.Transport.
func (t trusting) Connect(ctx context.Context, s link.Session) (link.Conn, error) {
	c, err := t.Transport.Connect(ctx, s)
	if err != nil {
		return nil, err
	}
	return trustingConn{c, t.box}, nil
}

type trustingConn struct {
	link.Conn
	box *outbox.Outbox
}

// Publish implements link.Conn.
func (c trustingConn) Publish(ctx context.Context, m link.Message) error {
	err := c.Conn.Publish(ctx, m)
	if up, bad := wire.DecodeUp(m.Payload); err == nil && bad == nil && strings.HasPrefix(m.Topic, "v1/up/") && len(up.Records) > 0 {
		_, err = c.box.Acknowledge(ctx, wire.Ack{Epoch: up.Epoch, High: up.Records[len(up.Records)-1].Seq})
	}
	return err
}

// forgetful makes the kiosk's database keep only every third commit when the power goes.
func (w *world) forgetful(t testing.TB) {
	db, err := sql.Open("sqlite3", ":memory:")
	require.NoError(t, err)
	db.SetMaxOpenConns(1)
	w.synced = db
	copyDatabase(t, w.synced, w.db)
}

// copyDatabase makes one database what the other one is.
func copyDatabase(t testing.TB, to, from *sql.DB) {
	t.Helper()
	raw(t, to, func(to *sqlite3.SQLiteConn) {
		raw(t, from, func(from *sqlite3.SQLiteConn) {
			b, err := to.Backup("main", from, "main")
			require.NoError(t, err)
			_, err = b.Step(-1)
			require.NoError(t, err)
			require.NoError(t, b.Finish())
		})
	})
}

func raw(t testing.TB, db *sql.DB, fn func(*sqlite3.SQLiteConn)) {
	t.Helper()
	c, err := db.Conn(context.Background())
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.Raw(func(driver any) error {
		fn(driver.(*sqlite3.SQLiteConn))
		return nil
	}))
}

// forging is a broker that speaks for the centre: to whatever the kiosk publishes it gives an acknowledgement of its
// own at once, as good as it can be made without the centre's key, and an order nobody gave. Every other
// one it signs with a key of its own.
type forging struct {
	link.Transport
	signs wire.Centre
}

// Connect implements link.Transport.
func (f forging) Connect(ctx context.Context, s link.Session) (link.Conn, error) {
	c, err := f.Transport.Connect(ctx, s)
	if err != nil {
		return nil, err
	}
	return &forgingConn{Conn: c, forging: f, receive: s.Receive}, nil
}

type forgingConn struct {
	link.Conn
	forging
	receive func(link.Message)
	n       uint64
}

// Publish implements link.Conn.
func (c *forgingConn) Publish(ctx context.Context, m link.Message) error {
	if err := c.Conn.Publish(ctx, m); err != nil {
		return err
	}
	up, bad := wire.DecodeUp(m.Payload)
	if bad != nil || len(up.Records) == 0 {
		return nil
	}
	c.n++
	proof := wire.Proof{For: up.Kiosk, Session: up.Session, Number: uint64(time.Now().UnixMicro()) + c.n, Signed: time.Now()}
	ack := wire.Ack{Version: wire.Version, Epoch: up.Epoch, High: up.Records[len(up.Records)-1].Seq, Head: up.Head, Time: time.Now(), Proof: proof}
	down := wire.Down{Version: wire.Version, Kiosk: up.Kiosk, Proof: proof, Commands: []wire.Record{{Seq: up.Cursor + 1, Kind: wire.KindVerdict, ID: "forged"}}}
	ackBytes, bad := wire.EncodeAck(ack)
	downBytes, worse := wire.EncodeDown(down)
	if c.n%2 == 0 {
		ackBytes, bad = c.signs.SignAck(ack)
		downBytes, worse = c.signs.SignDown(down)
	}
	if err := errors.Join(bad, worse); err != nil {
		return err
	}
	c.receive(link.Message{Topic: wire.AckTopic(up.Kiosk), Payload: ackBytes})
	c.receive(link.Message{Topic: wire.CommandTopic(up.Kiosk), Payload: downBytes})
	return nil
}

// TestABrokerThatForgesGetsNowhere lets every schedule happen over a broker that forges, and says so.
func TestABrokerThatForgesGetsNowhere(t *testing.T) {
	k := key(t)
	theirs, _, err := linktest.Centre()
	require.NoError(t, err)
	for seed := range uint64(40) {
		rng := mrand.New(mrand.NewPCG(seed, 4))
		s := draw(func(_ string, low, high int) int { return low + rng.IntN(high-low+1) })
		var doubted time.Time
		require.NoError(t, s.run(t, k, func(w *world) {
			w.pipe = forging{w.net, theirs}
			w.ended = func() { doubted = w.up.Status().Unproven }
		}), "%v", s)
		if s.sends() {
			require.False(t, doubted.IsZero(), "nothing was refused: %v", s)
		}
	}
}

// sends tells whether anything is appended after the kiosk's process began for the last time.
func (s schedule) sends() (last bool) {
	for _, what := range s.steps {
		switch what {
		case appends, appendsMore, appendsAgain:
			last = true
		case kioskCrashes, powerCut:
			last = false
		}
	}
	return last
}

// believing is a kiosk that takes any centre's word: it asks for a signature, and not whose it is.
func believing(theirs, ours wire.CentreKey) wire.CentreKey {
	return func(cert []byte, at time.Time) (*ecdsa.PublicKey, error) {
		if key, err := ours(cert, at); err == nil {
			return key, nil
		}
		return theirs(cert, at)
	}
}

// repeating is a broker that gives the kiosk, with each frame of the centre, two of the earlier ones again.
type repeating struct {
	link.Transport
	kept *[]link.Message
}

// Connect implements link.Transport.
func (r repeating) Connect(ctx context.Context, s link.Session) (link.Conn, error) {
	receive := s.Receive
	s.Receive = func(m link.Message) {
		receive(m)
		if *r.kept = append(*r.kept, link.Message{Topic: m.Topic, Payload: m.Payload}); len(*r.kept) > 200 {
			*r.kept = (*r.kept)[:200]
		}
		receive((*r.kept)[0])
		receive((*r.kept)[len(*r.kept)/2])
	}
	return r.Transport.Connect(ctx, s)
}

func TestWhatTheCentreSaidEarlierIsNotBelievedAgain(t *testing.T) {
	k := key(t)
	for seed := range uint64(30) {
		rng := mrand.New(mrand.NewPCG(seed, 3))
		s := draw(func(_ string, low, high int) int { return low + rng.IntN(high-low+1) })
		var kept []link.Message
		require.NoError(t, s.run(t, k, func(w *world) { w.pipe = repeating{w.net, &kept} }), "%v", s)
	}
}
