package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	mrand "math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/server/kiosktest"
	"vestibule/sync/courier"
	"vestibule/sync/outbox"
)

// export carries what waits on a kiosk into a folder.
func (k *kiosk) export(folder string) courier.Exported {
	k.t.Helper()
	done, err := courier.Export{
		Kiosk: k.bundle.Name, Signer: k.bundle.Signer(), Queue: k.box, Disk: courier.System{}, Now: time.Now, Random: rand.Reader,
	}.To(context.Background(), folder)
	require.NoError(k.t, err)
	return done
}

// hear settles an acknowledgement file.
func (k *kiosk) hear(file string) courier.Settled {
	k.t.Helper()
	f, err := os.Open(file)
	require.NoError(k.t, err)
	defer f.Close()
	a, err := courier.ReadAnswer(f, k.bundle.Name, k.bundle.CentreKey)
	require.NoError(k.t, err)
	done, err := a.Settle(context.Background(), k.box)
	require.NoError(k.t, err)
	return done
}

func (k *kiosk) stats() outbox.Stats {
	k.t.Helper()
	st, err := k.box.Stats(context.Background())
	require.NoError(k.t, err)
	return st
}

func answerOf(e courier.Exported) string {
	return e.Path[:len(e.Path)-len(courier.EndingRecords)] + courier.EndingAnswer
}

// TestACourierStandsInForTheLine carries visits to the real centre on both
// databases, while it is down and while it runs, and mends the line in between.
func TestACourierStandsInForTheLine(t *testing.T) {
	for name, db := range map[string]func() string{
		"with SQLite":     func() string { return "" },
		"with PostgreSQL": func() string { return cluster.Database(t) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			data, url := filepath.Join(dir, "centre"), db()
			key := run(t, "init", "-data", data, "-db", url)
			policy := filepath.Join(dir, "policy.json")
			require.NoError(t, os.WriteFile(policy, []byte(`{"version":"t1","recheck":false,"aml":{"screen":false,"flag":85}}`), 0o600))
			run(t, "policy", "apply", "-data", data, "-db", url, policy)
			bundle := filepath.Join(dir, "bundle")
			broker := freePort(t)
			run(t, "kiosk", "add", "-data", data, "-db", url, "-name", "hall-1", "-country", "UTO", "-broker", broker, "-out", bundle)
			k := offlineKiosk(t, bundle)
			stick := t.TempDir()
			carry := func(file string) string { return run(t, "courier", "import", "-data", data, "-db", url, file) }

			// The line is down, and so is the centre. Import twice: nothing doubles.
			anna := kiosktest.Anna("hall-1", "s-anna", time.Now())
			k.visit("s-anna", anna)
			first := k.export(stick)
			require.Equal(t, 4, first.Records)
			require.Equal(t, 2, first.Pictures)
			require.Contains(t, carry(first.Path), "4 records up to 4\t2 pictures\t0 incomplete")
			require.Contains(t, carry(first.Path), "4 records up to 4\t2 pictures\t0 incomplete")

			// The answer is lost; a second export overlaps with the first.
			require.NoError(t, os.Remove(answerOf(first)))
			k.visit("s-berta", other("hall-1", "s-berta", 2))
			second := k.export(stick)
			require.Equal(t, 8, second.Records, "nothing was deleted before the answer")
			require.Contains(t, carry(second.Path), "8 records up to 8\t4 pictures")
			done := k.hear(answerOf(second))
			require.Equal(t, 8, done.Records)
			require.Equal(t, 4, done.Pictures)
			st := k.stats()
			require.Zero(t, st.Records)
			require.Zero(t, st.Blobs)
			// Heard again, and an older answer late: nothing changes.
			carry(first.Path)
			require.Equal(t, courier.Settled{High: 8}, k.hear(answerOf(first)))
			require.Equal(t, courier.Settled{High: 8}, k.hear(answerOf(second)))

			// The centre runs, the line is mended after an export, and the file comes last.
			c, err := prepare(context.Background(), settings{data: data, db: url, mqtt: broker, http: "127.0.0.1:0"}, slog.New(slog.NewJSONHandler(io.Discard, nil)))
			require.NoError(t, err)
			base := "http://" + c.listener.Addr().String()
			ctx, cancel := context.WithCancel(context.Background())
			stopped := make(chan error, 1)
			go func() { stopped <- c.run(ctx) }()
			t.Cleanup(func() {
				cancel()
				require.NoError(t, <-stopped)
			})
			require.Eventually(t, func() bool { return status(base+"/readyz") == http.StatusOK }, time.Minute, 20*time.Millisecond)
			k.visit("s-carla", other("hall-1", "s-carla", 3))
			third := k.export(stick)
			cut := k.connect()
			t.Cleanup(func() { cut() })
			require.Equal(t, journey.Approved, k.verdict("s-anna").Decision, "what the courier brought is decided, and the line tells")
			require.Equal(t, journey.Approved, k.verdict("s-carla").Decision)
			carry(third.Path)
			k.hear(answerOf(third))

			// A file is imported while the same kiosk's line carries the same records.
			for _, session := range []string{"s-dora", "s-emil", "s-fritz"} {
				k.visit(session, other("hall-1", session, int(session[2])))
			}
			if e := k.export(stick); e.Path != "" { // the line may have been faster
				carry(e.Path)
				k.hear(answerOf(e))
			}
			for _, session := range []string{"s-berta", "s-dora", "s-emil", "s-fritz"} {
				require.Equal(t, journey.Approved, k.verdict(session).Decision, session)
			}
			require.Eventually(t, func() bool { return k.stats().Records == 0 && k.stats().Blobs == 0 }, time.Minute, 20*time.Millisecond)

			// Every journey is here once, in order, and proven.
			for _, session := range []string{"s-anna", "s-berta", "s-carla", "s-dora", "s-emil", "s-fritz"} {
				run(t, "verify", "-data", data, "-db", url, "-journey", session)
				events, err := c.store.Read().Events(context.Background(), session)
				require.NoError(t, err)
				var names []journey.EventName
				for _, e := range events {
					if e.Origin != journey.OriginServer {
						names = append(names, e.Name)
					}
				}
				require.Equal(t, []journey.EventName{journey.EventSessionCreated, journey.EventSubmissionCreated, journey.EventFinalPageView}, names, session)
			}
			aside, err := c.store.Read().Quarantined(context.Background(), "hall-1", 10)
			require.NoError(t, err)
			require.Empty(t, aside)
			kiosk, err := c.store.Read().Kiosk(context.Background(), "hall-1")
			require.NoError(t, err)
			require.Less(t, kiosk.ClockOffset.Abs(), time.Minute)
			require.Equal(t, "approved", ask(t, base+"/submission?submission_id="+anna.ID, key)["kyc"].(map[string]any)["result"])
		})
	}
}

// freePort is an address to listen on later.
// freePort finds an address below the ports that connections go out from: none of these takes it meanwhile.
func freePort(t *testing.T) string {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(10000+mrand.IntN(22000))))
		if err == nil {
			require.NoError(t, l.Close())
			return l.Addr().String()
		}
	}
	require.Fail(t, "no port is free")
	return ""
}

// other is a visit of somebody else than Anna.
func other(kiosk, session string, n int) journey.Submission {
	s := kiosktest.Anna(kiosk, session, time.Now())
	s.Document.Number = "L" + time.Duration(n).String()
	s.Document.Person.FamilyName, s.Document.Person.GivenNames = "PERSON", session
	s.Document.Person.Birth = "1980-01-" + string(rune('0'+n%3)) + string(rune('1'+n%9))
	return s
}

func TestACourierFileIsRefusedWithItsReason(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "centre")
	run(t, "init", "-data", data)
	bundle := filepath.Join(dir, "bundle")
	run(t, "kiosk", "add", "-data", data, "-name", "hall-1", "-country", "UTO", "-broker", "127.0.0.1:1", "-out", bundle)
	k := offlineKiosk(t, bundle)
	k.visit("s-anna", kiosktest.Anna("hall-1", "s-anna", time.Now()))
	stick := t.TempDir()
	e := k.export(stick)
	whole, err := os.ReadFile(e.Path)
	require.NoError(t, err)
	put := func(name string, b []byte) string {
		p := filepath.Join(stick, name)
		require.NoError(t, os.WriteFile(p, b, 0o600))
		return p
	}
	flipped := bytes.Clone(whole)
	flipped[len(flipped)/2] ^= 1
	refused := func(code string, args ...string) {
		t.Helper()
		var out, errs bytes.Buffer
		require.Equal(t, exitFailed, command(append([]string{"courier", "import", "-data", data}, args...), &out, &errs), errs.String())
		require.Contains(t, errs.String(), code)
		require.Contains(t, errs.String(), "hint:")
	}
	refused(courier.CodeHalfWritten, put("half.courier", whole[:len(whole)/2]))
	refused(courier.CodeTampered, put("flipped.courier", flipped))
	refused(courier.CodeOther, put("holiday.jpg", kiosktest.JPEG()))
	refused(courier.CodeUnreadable, filepath.Join(stick, "not there"))
	// Nothing of what was refused was taken.
	s, err := open(context.Background(), data, "")
	require.NoError(t, err)
	events, err := s.Read().Events(context.Background(), "s-anna")
	require.NoError(t, err)
	require.Empty(t, events)
	require.NoError(t, s.Close())

	// One bad file among several stops none of the others.
	var out, errs bytes.Buffer
	require.Equal(t, exitFailed, command([]string{"courier", "import", "-data", data, filepath.Join(stick, "half.courier"), e.Path}, &out, &errs))
	require.Contains(t, errs.String(), "half.courier: ")
	require.Contains(t, out.String(), "4 records up to 4")

	// The answer cannot be written: what was imported stays, and the next try answers.
	refused("courier_answer", "-ack", filepath.Join(stick, "not there"), e.Path)
	run(t, "courier", "import", "-data", data, "-ack", dir, e.Path)
	require.Equal(t, 4, k.hear(filepath.Join(dir, filepath.Base(answerOf(e)))).Records)
	refused(courier.CodeKind, answerOf(e))

	// Another operator's kiosk, and one that was revoked.
	elsewhere := filepath.Join(dir, "elsewhere")
	run(t, "init", "-data", elsewhere)
	foreign := filepath.Join(dir, "foreign")
	run(t, "kiosk", "add", "-data", elsewhere, "-name", "hall-1", "-country", "UTO", "-broker", "127.0.0.1:1", "-out", foreign)
	theirs := offlineKiosk(t, foreign)
	theirs.visit("s-them", kiosktest.Anna("hall-1", "s-them", time.Now()))
	refused(courier.CodeForeign, theirs.export(stick).Path)
	k.visit("s-late", kiosktest.Anna("hall-1", "s-late", time.Now()))
	late := k.export(stick)
	run(t, "kiosk", "revoke", "-data", data, "hall-1")
	refused(courier.CodeForeign, late.Path)

	require.Equal(t, exitUsage, command([]string{"courier", "import", "-data", data}, io.Discard, io.Discard))
}

// A copied kiosk database contradicts what is here: its records are not merged, the
// answer says so, the kiosk begins a new epoch, and its next file is taken. Importing
// the refused file again puts nothing more aside.
func TestAKioskWhoseStreamIsRefusedIsBroughtBackByCourier(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "centre")
	run(t, "init", "-data", data)
	bundle := filepath.Join(dir, "bundle")
	run(t, "kiosk", "add", "-data", data, "-name", "hall-1", "-country", "UTO", "-broker", "127.0.0.1:1", "-out", bundle)
	k := offlineKiosk(t, bundle)
	stick := t.TempDir()
	k.visit("s-anna", kiosktest.Anna("hall-1", "s-anna", time.Now()))
	_, err := k.db.Exec(`VACUUM INTO ?`, filepath.Join(dir, "copy.db"))
	require.NoError(t, err)
	k.visit("s-berta", other("hall-1", "s-berta", 2))
	run(t, "courier", "import", "-data", data, k.export(stick).Path)

	restored := offlineKiosk(t, bundle)
	restored.db, err = outbox.OpenFile(context.Background(), filepath.Join(dir, "copy.db"), 0)
	require.NoError(t, err)
	defer restored.db.Close()
	restored.box, err = outbox.Open(context.Background(), restored.db, "hall-1")
	require.NoError(t, err)
	restored.visit("s-carla", other("hall-1", "s-carla", 3))
	e := restored.export(stick)
	require.Contains(t, run(t, "courier", "import", "-data", data, e.Path), "refused: chain")
	aside := func() int {
		s, err := open(context.Background(), data, "")
		require.NoError(t, err)
		defer s.Close()
		list, err := s.Read().Quarantined(context.Background(), "hall-1", 100)
		require.NoError(t, err)
		return len(list)
	}
	n := aside()
	require.Equal(t, 1, n)
	run(t, "courier", "import", "-data", data, e.Path)
	require.Equal(t, n, aside())
	require.True(t, restored.hear(answerOf(e)).Renewed)
	require.False(t, restored.hear(answerOf(e)).Renewed, "heard again, it is about an epoch that is over")
	again := restored.export(stick)
	require.Equal(t, 8, again.Records)
	run(t, "courier", "import", "-data", data, again.Path)
	require.Equal(t, 8, restored.hear(answerOf(again)).Records)
	run(t, "verify", "-data", data, "-journey", "s-carla")
}
