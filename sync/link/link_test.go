package link_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/sync/link"
	"vestibule/sync/link/linktest"
	"vestibule/sync/outbox"
	"vestibule/sync/wire"
)

const name = "kiosk-1"

// world is one kiosk and one centre over a pipe that misbehaves, in virtual time.
type world struct {
	key   *ecdsa.PrivateKey
	signs wire.Centre    // nothing: a centre of the release before, which did not
	known wire.CentreKey // what the kiosk believes
	net   *linktest.Net
	pipe  link.Transport // the kiosk's way to net
	inbox *linktest.Inbox
	db    *sql.DB
	box   *outbox.Outbox

	mu      sync.Mutex
	offered map[string]int
	made    int
	given   int
	blobs   []string

	up        *link.Uplink
	recv      *link.Receiver
	stopUp    func()
	stopRecv  func()
	tuning    link.Tuning
	applyFail int // share of commands, in percent, that fail at first

	synced  *sql.DB // what a power cut leaves of the kiosk's database; nil: all of it
	commits int
	ended   func() // before everything is closed
}

func key(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return k
}

func newWorld(t testing.TB, k *ecdsa.PrivateKey, seed uint64, f linktest.Faults) *world {
	t.Helper()
	db, err := sql.Open("sqlite3", ":memory:?_txlock=immediate")
	require.NoError(t, err)
	db.SetMaxOpenConns(1) // a database in memory is one connection's own
	box, err := outbox.Open(context.Background(), db, name)
	require.NoError(t, err)
	_, err = db.Exec(`CREATE TABLE applied (num INTEGER PRIMARY KEY, id TEXT)`)
	require.NoError(t, err)
	net := linktest.New(seed, f)
	signs, known, err := linktest.Centre()
	require.NoError(t, err)
	return &world{
		signs: signs, known: known,
		key: k, net: net, pipe: net, inbox: linktest.NewInbox(), db: db, box: box, offered: make(map[string]int),
		stopUp: func() {}, stopRecv: func() {}, ended: func() {},
	}
}

func start(run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		run(ctx)
	}()
	return func() {
		cancel()
		<-done
	}
}

// startKiosk starts the kiosk's process; what was in its memory before is gone.
func (w *world) startKiosk(t testing.TB) {
	t.Helper()
	w.stopUp()
	up, err := link.NewUplink(w.pipe, w.box, link.UplinkConfig{
		Kiosk: name, Signer: w.key, Centre: w.known, Release: "1.0", Tuning: w.tuning,
		Apply: func(ctx context.Context, tx *sql.Tx, cmd wire.Record) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.offered[cmd.ID]++
			if w.offered[cmd.ID] == 1 && int(cmd.Seq)%100 < w.applyFail {
				return errors.New("not now")
			}
			_, err := tx.ExecContext(ctx, `INSERT INTO applied (id) VALUES (?)`, cmd.ID)
			return err
		},
	})
	require.NoError(t, err)
	w.up, w.stopUp = up, start(up.Run)
}

func (w *world) startCentre() {
	w.stopRecv()
	w.recv = link.NewReceiver(w.net, w.inbox, func(context.Context, string) (*ecdsa.PublicKey, error) { return &w.key.PublicKey, nil },
		link.ReceiverConfig{Queue: 16, Centre: w.signs})
	w.stopRecv = start(w.recv.Run)
}

func (w *world) close() {
	w.stopUp()
	w.stopRecv()
	w.db.Close()
	if w.synced != nil {
		w.synced.Close()
	}
}

func (w *world) within(t testing.TB, fn func(context.Context, *sql.Tx) error) {
	t.Helper()
	ctx := context.Background()
	tx, err := w.db.BeginTx(ctx, nil)
	require.NoError(t, err)
	require.NoError(t, fn(ctx, tx))
	require.NoError(t, tx.Commit())
	if w.commits++; w.synced != nil && w.commits%3 == 0 {
		copyDatabase(t, w.synced, w.db)
	}
	w.up.Kick()
}

func (w *world) append(t testing.TB, n, size int) {
	t.Helper()
	w.within(t, func(ctx context.Context, tx *sql.Tx) error {
		for range n {
			if _, err := w.box.Append(ctx, tx, wire.KindEvent, fmt.Sprintf("r%d", w.made), make([]byte, size)); err != nil {
				return err
			}
			w.made++
		}
		return nil
	})
}

func (w *world) picture(t testing.TB, b []byte) {
	t.Helper()
	w.within(t, func(ctx context.Context, tx *sql.Tx) error {
		id, err := w.box.AppendBlob(ctx, tx, b)
		w.blobs = append(w.blobs, id)
		return err
	})
}

func (w *world) command(n int) {
	for range n {
		w.inbox.Command(name, wire.KindVerdict, fmt.Sprintf("c%d", w.given), []byte("x"))
		w.given++
	}
	w.recv.Notify(name)
}

// drained tells whether nothing waits anywhere.
func (w *world) drained(t testing.TB) bool {
	t.Helper()
	s, err := w.box.Stats(context.Background())
	require.NoError(t, err)
	return s.Records == 0 && s.Blobs == 0 && s.Cursor == uint64(w.given) && w.inbox.Cursor(name) == s.Cursor
}

// check is the promise: every record, picture and command exactly once, in order.
func (w *world) check() error {
	if err := w.inbox.Check(); err != nil {
		return err
	}
	got := w.inbox.Applied(name)
	if len(got) != w.made {
		return fmt.Errorf("%d records made, %d applied", w.made, len(got))
	}
	for i, r := range got {
		if r.ID != fmt.Sprintf("r%d", i) {
			return fmt.Errorf("record %d is %s", i, r.ID)
		}
	}
	for _, id := range w.blobs {
		if w.inbox.Blob(id) == nil {
			return fmt.Errorf("blob %s is not there", id)
		}
	}
	commands, err := w.commands()
	if err != nil {
		return err
	}
	if n := w.given; len(commands) != n {
		return fmt.Errorf("%d commands given, %d applied", n, len(commands))
	}
	for i, id := range commands {
		if id != fmt.Sprintf("c%d", i) {
			return fmt.Errorf("command %d is %s", i, id)
		}
	}
	return nil
}

// commands gives what the kiosk applied, as its database has it.
func (w *world) commands() ([]string, error) {
	rows, err := w.db.Query(`SELECT id FROM applied ORDER BY num`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	return out, rows.Err()
}

// drain waits in virtual time until nothing waits, and gives how long it took.
func (w *world) drain(t testing.TB, most time.Duration) (time.Duration, bool) {
	t.Helper()
	began := time.Now()
	for time.Since(began) < most {
		if w.drained(t) {
			return time.Since(began), true
		}
		time.Sleep(50 * time.Millisecond)
	}
	return most, false
}

func TestOnAGoodLineARecordIsAcknowledgedWithoutAnyWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, key(t), 1, linktest.Faults{})
		defer w.close()
		w.startCentre()
		w.startKiosk(t)
		synctest.Wait()
		began := time.Now()
		w.append(t, 500, 100)
		w.picture(t, make([]byte, 5*wire.ChunkSize))
		w.command(3)
		synctest.Wait()
		require.True(t, w.drained(t))
		require.NoError(t, w.check())
		require.Equal(t, began, time.Now(), "no timer took part")
	})
}

// slowInbox stores records only after a while, and not at all when the context ends meanwhile.
type slowInbox struct {
	*linktest.Inbox
	takes time.Duration
	began chan struct{}
}

func (i slowInbox) Accept(ctx context.Context, up wire.Up) (wire.Ack, error) {
	if len(up.Records) == 0 {
		return i.Inbox.Accept(ctx, up)
	}
	select {
	case i.began <- struct{}{}:
	default:
	}
	select {
	case <-ctx.Done():
		return wire.Ack{}, ctx.Err()
	case <-time.After(i.takes):
	}
	return i.Inbox.Accept(ctx, up)
}

func TestAStopOfTheCentreStoresAndAnswersTheFrameUnderWay(t *testing.T) {
	for how, c := range map[string]struct {
		takes  time.Duration
		stored bool
	}{"a slow disk": {3 * time.Second, true}, "a disk that hangs": {time.Hour, false}} {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, key(t), 1, linktest.Faults{})
				defer w.close()
				inbox := slowInbox{w.inbox, c.takes, make(chan struct{}, 1)}
				stop := start(link.NewReceiver(w.net, inbox, func(context.Context, string) (*ecdsa.PublicKey, error) { return &w.key.PublicKey, nil }, link.ReceiverConfig{Centre: w.signs}).Run)
				w.startKiosk(t)
				synctest.Wait()
				w.append(t, 1, 100)
				<-inbox.began
				began := time.Now()
				stop()
				require.LessOrEqual(t, time.Since(began), 5*time.Second)
				synctest.Wait()
				stats, err := w.box.Stats(t.Context())
				require.NoError(t, err)
				if c.stored {
					require.Zero(t, stats.Records, "the kiosk knows")
				} else {
					require.Equal(t, 1, stats.Records, "the kiosk keeps it")
				}
				require.Equal(t, 1-stats.Records, w.inbox.Count(name))
			})
		})
	}
}

func TestAKioskThatIsOfflineForAMonthLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, key(t), 1, linktest.Faults{})
		defer w.close()
		w.net.Partition(name, true)
		w.startCentre()
		w.startKiosk(t)
		for range 30 {
			w.append(t, 100, 300)
			w.command(1)
			time.Sleep(24 * time.Hour)
		}
		require.Equal(t, link.CodeUnreachable, w.up.Status().Code)
		require.Zero(t, w.inbox.Count(name))
		w.net.Partition(name, false)
		took, ok := w.drain(t, time.Minute)
		require.True(t, ok)
		require.NoError(t, w.check())
		require.LessOrEqual(t, took, 15*time.Second, "within one longest wait and a half")
	})
}

func TestEventsOvertakePicturesOnAThinLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, key(t), 1, linktest.Faults{Delay: 300 * time.Millisecond})
		defer w.close()
		w.startCentre()
		w.startKiosk(t)
		synctest.Wait()
		w.picture(t, make([]byte, 8<<20))
		time.Sleep(time.Second)
		w.append(t, 1, 100)
		time.Sleep(2 * time.Second)
		require.Equal(t, 1, w.inbox.Count(name))
		require.Nil(t, w.inbox.Blob(w.blobs[0]), "the picture is still under way")
	})
}

func TestTheClockOffsetIsMeasuredWithinHalfTheRoundTrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const off = 3 * time.Hour
		w := newWorld(t, key(t), 7, linktest.Faults{Delay: 400 * time.Millisecond})
		defer w.close()
		w.recv = link.NewReceiver(w.net, w.inbox, func(context.Context, string) (*ecdsa.PublicKey, error) { return &w.key.PublicKey, nil },
			link.ReceiverConfig{Centre: w.signs, Now: func() time.Time { return time.Now().Add(off) }})
		w.stopRecv = start(w.recv.Run)
		w.startKiosk(t)
		for range 20 {
			w.append(t, 1, 10)
			time.Sleep(3 * time.Second)
		}
		st := w.up.Status()
		require.False(t, st.Clock.IsZero())
		require.LessOrEqual(t, (st.Offset - off).Abs(), st.RTT/2)
	})
}

func TestPresenceIsRetainedAndTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, key(t), 1, linktest.Faults{})
		defer w.close()
		w.startCentre()
		w.startKiosk(t)
		synctest.Wait()
		s, ok := w.inbox.State(name)
		require.True(t, ok && s.Online)
		first := s.Session
		w.net.Partition(name, true) // the broker speaks the will
		synctest.Wait()
		s, _ = w.inbox.State(name)
		require.False(t, s.Online)
		w.net.Partition(name, false)
		time.Sleep(time.Minute)
		s, _ = w.inbox.State(name)
		require.True(t, s.Online)
		require.NotEqual(t, first, s.Session)
		m, ok := w.net.Retained(wire.StateTopic(name))
		require.True(t, ok)
		kept, err := wire.DecodeState(m.Payload)
		require.NoError(t, err)
		require.True(t, kept.Online)
		w.stopUp()
		synctest.Wait()
		s, _ = w.inbox.State(name)
		require.False(t, s.Online, "a kiosk that is switched off says so")
		require.Equal(t, link.CodeStopped, w.up.Status().Code)
	})
}

func TestWhatIsWrongWithAKioskIsToldAtOnceAndInEverySession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, key(t), 1, linktest.Faults{})
		defer w.close()
		w.startCentre()
		w.startKiosk(t)
		synctest.Wait()
		hot := []wire.Condition{{Code: "temperature", Severity: 2, Since: time.Now().UTC().Truncate(time.Second), Detail: "84"}}
		w.up.Report(hot)
		synctest.Wait()
		s, _ := w.inbox.State(name)
		require.Equal(t, hot, s.Conditions)
		sent := w.net.Sent()
		w.up.Report(hot)
		synctest.Wait()
		require.Equal(t, sent, w.net.Sent(), "the same again is not told")
		w.net.Partition(name, true)
		w.up.Report(nil)
		time.Sleep(time.Minute)
		w.net.Partition(name, false)
		time.Sleep(time.Minute)
		s, _ = w.inbox.State(name)
		require.True(t, s.Online)
		require.Empty(t, s.Conditions)
	})
}

func TestACommandThatCannotBeAppliedIsSetAsideAndTheStreamGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, key(t), 1, linktest.Faults{})
		defer w.close()
		var applied []string
		up, err := link.NewUplink(w.net, w.box, link.UplinkConfig{
			Kiosk: name, Signer: w.key, Centre: w.known,
			Apply: func(_ context.Context, _ *sql.Tx, cmd wire.Record) error {
				if cmd.ID == "c1" {
					return outbox.Poison(errors.New("no such thing"))
				}
				return nil
			},
			Applied: func(cmd wire.Record) { applied = append(applied, cmd.ID) },
		})
		require.NoError(t, err)
		w.startCentre()
		w.up, w.stopUp = up, start(up.Run)
		w.command(4)
		time.Sleep(time.Second)
		synctest.Wait()
		require.Equal(t, []string{"c0", "c2", "c3"}, applied)
		s, err := w.box.Stats(context.Background())
		require.NoError(t, err)
		require.Equal(t, 1, s.Quarantined)
		require.EqualValues(t, 4, w.inbox.Cursor(name))
	})
}

func TestARestoredBackupBeginsANewEpochAndLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, key(t), 1, linktest.Faults{})
		defer w.close()
		w.startCentre()
		w.startKiosk(t)
		w.append(t, 5, 10)
		time.Sleep(time.Second)
		require.Equal(t, 5, w.inbox.Count(name))
		w.stopUp()
		// The file goes back to where it was before record 3.
		_, err := w.db.Exec(`UPDATE outbox_state SET last = 2, acked = 2`)
		require.NoError(t, err)
		w.startKiosk(t)
		w.append(t, 3, 10)
		time.Sleep(time.Minute)
		got := w.inbox.Applied(name)
		require.Len(t, got, 8)
		for i, r := range got {
			require.Equal(t, fmt.Sprintf("r%d", i), r.ID)
		}
		require.True(t, w.drained(t))
	})
}

func TestACentreThatLostRecordsDoesNotStopTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, key(t), 1, linktest.Faults{})
		defer w.close()
		w.startCentre()
		w.startKiosk(t)
		w.append(t, 5, 10)
		time.Sleep(time.Second)
		require.Equal(t, 5, w.inbox.Count(name))
		w.stopRecv()
		w.inbox = linktest.NewInbox() // the centre's database was restored from before
		w.startCentre()
		w.append(t, 3, 10)
		_, ok := w.drain(t, time.Minute)
		require.True(t, ok)
		got := w.inbox.Applied(name)
		require.Len(t, got, 3)
		require.Equal(t, "r5", got[0].ID)
		require.NoError(t, w.inbox.Check())
	})
}

func TestAnImpatientKioskNoticesThatTheCentreLostRecordsOverSeveralSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, key(t), 1, linktest.Faults{})
		defer w.close()
		w.tuning = link.Tuning{RetryMost: 500 * time.Millisecond} // it gives a session up before it has waited long in it
		w.startCentre()
		w.startKiosk(t)
		w.append(t, 5, 10)
		time.Sleep(time.Second)
		w.stopRecv()
		w.inbox = linktest.NewInbox()
		w.startCentre()
		w.append(t, 3, 10)
		_, ok := w.drain(t, time.Minute)
		require.True(t, ok)
		require.Len(t, w.inbox.Applied(name), 3)
	})
}

func TestAWatcherGetsTheLatestStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, key(t), 1, linktest.Faults{})
		defer w.close()
		w.startKiosk(t)
		ctx, cancel := context.WithCancel(context.Background())
		ch := w.up.Watch(ctx)
		synctest.Wait()
		require.True(t, (<-ch).Online)
		w.net.Partition(name, true)
		time.Sleep(time.Second)
		st := <-ch
		require.False(t, st.Online)
		require.Equal(t, link.CodeUnreachable, st.Code)
		cancel()
		synctest.Wait()
		_, open := <-ch
		require.False(t, open)
	})
}

func TestASilentCentreIsNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, key(t), 1, linktest.Faults{})
		defer w.close()
		w.startKiosk(t) // the broker is there, nobody reads
		time.Sleep(20 * time.Second)
		require.Equal(t, link.CodeUnanswered, w.up.Status().Code)
		time.Sleep(time.Minute) // through several sessions
		require.Equal(t, link.CodeUnanswered, w.up.Status().Code)
		w.append(t, 1, 1)
		time.Sleep(10 * time.Minute)
		require.Less(t, w.net.Sent(), 1000, "and not flooded")
		w.startCentre()
		_, ok := w.drain(t, 30*time.Second)
		require.True(t, ok)
		require.Empty(t, w.up.Status().Code)
	})
}

func TestWhatWaitsIsBoundedInBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, key(t), 1, linktest.Faults{})
		defer w.close()
		stuck := make(chan struct{})
		w.recv = link.NewReceiver(w.net, w.inbox, func(ctx context.Context, _ string) (*ecdsa.PublicKey, error) {
			<-stuck // a database that takes its time
			return &w.key.PublicKey, nil
		}, link.ReceiverConfig{Held: 200 << 10, Centre: w.signs})
		w.stopRecv = start(w.recv.Run)
		w.startKiosk(t)
		w.append(t, 200, 9000)
		time.Sleep(3 * time.Second)
		require.Positive(t, w.recv.Rejected()[link.RejectOverload])
		close(stuck)
		_, ok := w.drain(t, time.Minute)
		require.True(t, ok, "what was turned away comes again")
		require.NoError(t, w.check())
	})
}

func TestACentreOfTheReleaseBeforeIsNotBelievedAndNothingIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, key(t), 1, linktest.Faults{})
		defer w.close()
		signs := w.signs
		w.signs = wire.Centre{}
		w.startCentre()
		w.startKiosk(t)
		w.append(t, 20, 100)
		w.command(2)
		time.Sleep(time.Minute)
		require.Equal(t, 20, w.inbox.Count(name), "it has them")
		s, err := w.box.Stats(context.Background())
		require.NoError(t, err)
		require.Equal(t, 20, s.Records, "and they are kept all the same")
		require.Zero(t, s.Cursor)
		st := w.up.Status()
		require.Equal(t, link.CodeUnproven, st.Code)
		require.Equal(t, link.DoubtUnsigned, st.Doubt)
		require.False(t, st.Unproven.IsZero())

		w.signs = signs
		w.startCentre()
		_, ok := w.drain(t, time.Minute)
		require.True(t, ok)
		require.NoError(t, w.check())
		require.Empty(t, w.up.Status().Code)
	})
}
