package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/agent/store"
	"vestibule/journey"
	"vestibule/sync/courier"
	"vestibule/sync/identity"
	"vestibule/sync/link"
	"vestibule/sync/link/linktest"
	"vestibule/sync/outbox"
	"vestibule/sync/seal"
	"vestibule/sync/wire"
)

// operator is an authority with a centre: what stands on the other side of a stick.
type operator struct {
	t     *testing.T
	ca    *identity.CA
	clerk courier.Clerk
	seal  *seal.PublicKey
	inbox *linktest.Inbox
	keys  map[string]*ecdsa.PublicKey
}

func newOperator(t *testing.T) *operator {
	t.Helper()
	now := time.Now()
	ca, err := identity.NewCA("Test", now)
	require.NoError(t, err)
	cert, err := ca.IssueCentre(nil, now)
	require.NoError(t, err)
	dir := t.TempDir()
	require.NoError(t, identity.SaveCentre(dir, ca, cert))
	centre, err := identity.LoadCentre(dir)
	require.NoError(t, err)
	key, err := seal.GenerateKey()
	require.NoError(t, err)
	return &operator{
		t: t, ca: ca, seal: key.Public(), inbox: linktest.NewInbox(), keys: map[string]*ecdsa.PublicKey{},
		clerk: courier.Clerk{Signer: centre.Signer(), Cert: centre.Cert.Raw, Now: time.Now, Random: rand.Reader},
	}
}

func (o *operator) enrol(name string) (bundle string) {
	o.t.Helper()
	bundle = filepath.Join(o.t.TempDir(), "bundle")
	cert, err := identity.WriteBundle(bundle, o.ca, identity.KioskInfo{Name: name, SiteCountry: "UTO", Project: "default", Broker: "127.0.0.1:1"}, o.seal, time.Now())
	require.NoError(o.t, err)
	o.keys[name] = cert.PublicKey.(*ecdsa.PublicKey)
	return bundle
}

// take imports a file as the centre does and answers beside it.
func (o *operator) take(file string) (answer string) {
	o.t.Helper()
	f, err := os.Open(file)
	require.NoError(o.t, err)
	defer f.Close()
	taken, err := courier.Take(o.t.Context(), f, link.Gate{Inbox: o.inbox, Keys: func(_ context.Context, kiosk string) (*ecdsa.PublicKey, error) {
		if k := o.keys[kiosk]; k != nil {
			return k, nil
		}
		return nil, link.ErrUnknownKiosk
	}})
	require.NoError(o.t, err)
	answer = strings.TrimSuffix(file, courier.EndingRecords) + courier.EndingAnswer
	require.NoError(o.t, o.clerk.Answer(courier.System{}, answer, taken))
	return answer
}

// fill puts a visit with a picture into a kiosk's store, as the agent does.
func fill(t *testing.T, data, kiosk, session string) {
	t.Helper()
	st, err := store.Open(data, kiosk, store.Options{})
	require.NoError(t, err)
	defer st.Close()
	now := time.Now()
	require.NoError(t, st.Write(t.Context(), func(tx *store.Tx) error {
		require.NoError(t, tx.Begin(session, "1", now))
		require.NoError(t, tx.Record(&journey.Event{
			ID: "e-" + session, Session: session, Kiosk: kiosk, Name: journey.EventStepView, Source: journey.FE, Origin: journey.OriginKioskUI,
			Result: journey.Observed, Impact: journey.ImpactNone, Started: now, Ended: now,
		}))
		sealed := bytes.Repeat([]byte(session+" sealed "), 20_000)
		require.NoError(t, tx.Keep(session, "u-"+session, &journey.Evidence{ID: "p-" + session, Kind: journey.EvidenceSelfie, Attempt: 1, Taken: now}, sealed))
		return tx.Submit(wire.SubmissionBody{Submission: "u-" + session, Session: session, Revision: 1, Sealed: []byte("sealed")}, journey.SubmissionComplete, now)
	}))
}

// does runs a command that must end with a code and gives what it said.
func does(t *testing.T, code int, args ...string) (out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	require.Equal(t, code, command(args, &o, &e), "%s\n%s", o.String(), e.String())
	return o.String(), e.String()
}

// exported gives the file's path out of what an export printed.
func exported(t *testing.T, out string) string {
	t.Helper()
	path, _, ok := strings.Cut(out, "\t")
	require.True(t, ok, out)
	return path
}

func TestARecordWaitsIsCarriedAnsweredAndGone(t *testing.T) {
	o := newOperator(t)
	bundle, data, stick := o.enrol("k1"), filepath.Join(t.TempDir(), "kiosk"), t.TempDir()
	fill(t, data, "k1", "s1")

	out, _ := does(t, exitDone, "outbox", "-data", data)
	require.Contains(t, out, "waiting\t2 records (1 of submissions) and 1 pictures")
	require.Contains(t, out, "line\tnothing is known yet")
	require.Regexp(t, `submission\tu-s1\t\d+ B\t\d+s\tnever sent\n`, out)
	require.Regexp(t, `picture\t[0-9a-f]{64}\t200\.0 KB\t\d+s\tnever sent\n`, out)

	out, _ = does(t, exitDone, "courier", "export", "-data", data, "-bundle", bundle, stick)
	file := exported(t, out)
	require.Equal(t, stick, filepath.Dir(file))
	out, _ = does(t, exitDone, "outbox", "-data", data)
	require.Equal(t, 3, strings.Count(out, "carried away in "+filepath.Base(file)+", waiting for the acknowledgement"), out)

	// What comes after the export has not left yet.
	fill(t, data, "k1", "s2")
	out, _ = does(t, exitDone, "outbox", "-data", data, "-json")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	require.Len(t, lines, 1+4+2)
	var whole backlogLine
	require.NoError(t, json.Unmarshal([]byte(lines[0]), &whole))
	require.Equal(t, filepath.Base(file), whole.Exported)
	require.Equal(t, 2, whole.Submissions)
	require.Empty(t, whole.Warnings)
	var why []string
	for _, l := range lines[1:] {
		var w waitingLine
		require.NoError(t, json.Unmarshal([]byte(l), &w))
		why = append(why, w.What+" "+string(w.Why))
	}
	require.Equal(t, []string{
		"event unacknowledged", "submission unacknowledged", "event never_sent", "submission never_sent", "picture unacknowledged", "picture never_sent",
	}, why)

	answer := o.take(file)
	out, _ = does(t, exitDone, "courier", "import", "-data", data, "-bundle", bundle, answer)
	require.Contains(t, out, "settled\t2 records\t1 pictures")
	// Two records of the second visit, and the note that the picture arrived.
	require.Contains(t, out, "waiting\t3 records\t1 pictures")
	require.Equal(t, []string{string(journey.EventStepView), string(journey.EventUploadImage)}, namesOf(t, data, "s1"))
	out, _ = does(t, exitDone, "courier", "import", "-data", data, "-bundle", bundle, answer)
	require.Contains(t, out, "settled\t0 records\t0 pictures", "again, it changes nothing")

	file = exported(t, first(does(t, exitDone, "courier", "export", "-data", data, stick, "-bundle", bundle)))
	does(t, exitDone, "courier", "import", "-data", data, "-bundle", bundle, o.take(file))
	require.Equal(t, 5, o.inbox.Count("k1"))
	require.NoError(t, o.inbox.Check())
	// The second picture's arrival is noted too, and goes with the next.
	out, _ = does(t, exitDone, "outbox", "-data", data)
	require.Contains(t, out, "waiting\t1 records (0 of submissions) and 0 pictures")
	file = exported(t, first(does(t, exitDone, "courier", "export", "-data", data, "-bundle", bundle, stick)))
	does(t, exitDone, "courier", "import", "-data", data, "-bundle", bundle, o.take(file))
	out, _ = does(t, exitDone, "outbox", "-data", data)
	require.Contains(t, out, "nothing: the centre has everything")
	_, errs := does(t, exitDone, "courier", "export", "-data", data, "-bundle", bundle, stick)
	require.Contains(t, errs, "Nothing waits")
	left, err := filepath.Glob(filepath.Join(courier.Folder(data), "*.ack"))
	require.NoError(t, err)
	require.Empty(t, left)
}

func first(out, _ string) string { return out }

func namesOf(t *testing.T, data, session string) (names []string) {
	t.Helper()
	st, err := store.View(t.Context(), data, store.Options{})
	require.NoError(t, err)
	defer st.Close()
	events, err := st.Events(t.Context(), session)
	require.NoError(t, err)
	for _, e := range events {
		names = append(names, string(e.Name))
	}
	return names
}

// The real agent, store and vision worker run; the commands work beside them, and
// only the running kiosk writes to its queue.
func TestTheCourierWorksBesideARunningKiosk(t *testing.T) {
	o := newOperator(t)
	bundle, data, stick := o.enrol("k1"), filepath.Join(t.TempDir(), "kiosk"), t.TempDir()
	fill(t, data, "k1", "s1")
	s := settings{data: data, bundle: bundle, models: networks(t), document: "none", face: "none", offline: true}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	k, err := s.start(ctx, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	ran := make(chan error, 1)
	go func() { ran <- k.Run(ctx) }()
	_, err = store.Open(data, "k1", store.Options{})
	require.ErrorIs(t, err, store.ErrInUse)

	require.Eventually(t, func() bool {
		out, _ := does(t, exitDone, "outbox", "-data", data)
		return strings.Contains(out, "line\tlink_none") && strings.Contains(out, "never sent: link_none")
	}, time.Minute, 50*time.Millisecond)
	file := exported(t, first(does(t, exitDone, "courier", "export", "-data", data, "-bundle", bundle, stick)))
	out, _ := does(t, exitDone, "courier", "import", "-data", data, "-bundle", bundle, o.take(file))
	require.Contains(t, out, "settled by the running kiosk")
	require.Contains(t, out, "\t0 pictures\n")
	require.Eventually(t, func() bool { // its owner notes the arrival in the visit's journal
		n := namesOf(t, data, "s1")
		return n[len(n)-1] == string(journey.EventUploadImage)
	}, time.Minute, 50*time.Millisecond)
	cancel()
	require.ErrorIs(t, <-ran, context.Canceled)
	require.NoError(t, k.close())
	require.Equal(t, "s1", o.inbox.Applied("k1")[0].ID[2:])
}

func TestAcknowledgementsOfOthersAndDamagedOnesSettleNothing(t *testing.T) {
	o := newOperator(t)
	bundle, data, stick := o.enrol("k1"), filepath.Join(t.TempDir(), "kiosk"), t.TempDir()
	fill(t, data, "k1", "s1")
	file := exported(t, first(does(t, exitDone, "courier", "export", "-data", data, "-bundle", bundle, stick)))
	answer := o.take(file)
	whole, err := os.ReadFile(answer)
	require.NoError(t, err)

	otherData, otherBundle := filepath.Join(t.TempDir(), "kiosk"), o.enrol("k2")
	fill(t, otherData, "k2", "s1")
	others := o.take(exported(t, first(does(t, exitDone, "courier", "export", "-data", otherData, "-bundle", otherBundle, stick))))

	them := newOperator(t)
	them.enrol("k1")
	them.keys["k1"] = o.keys["k1"] // they know the kiosk, the kiosk does not know them
	theirs := filepath.Join(stick, "theirs.courier")
	copied, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(theirs, copied, 0o600))

	// A kiosk's own key is certified too, but speaks for no centre.
	liar := newOperator(t)
	liar.keys["k1"] = o.keys["k1"]
	b, err := identity.LoadBundle(otherBundle)
	require.NoError(t, err)
	liar.clerk.Signer, liar.clerk.Cert = b.Signer(), b.Cert().Raw
	lied := filepath.Join(stick, "lied.courier")
	require.NoError(t, os.WriteFile(lied, copied, 0o600))

	put := func(name string, b []byte) string {
		p := filepath.Join(stick, name)
		require.NoError(t, os.WriteFile(p, b, 0o600))
		return p
	}
	flipped := bytes.Clone(whole)
	flipped[len(flipped)-20] ^= 4
	for name, c := range map[string]struct{ file, code string }{
		"another kiosk's":                 {others, courier.CodeForeign},
		"another operator's":              {them.take(theirs), courier.CodeForeign},
		"signed by a kiosk":               {liar.take(lied), courier.CodeForeign},
		"half-written":                    {put("half.ack", whole[:len(whole)-1]), courier.CodeHalfWritten},
		"altered":                         {put("flipped.ack", flipped), courier.CodeTampered},
		"records instead of an answer":    {file, courier.CodeKind},
		"a holiday picture":               {put("holiday.ack", []byte("\xff\xd8\xff\xe0 sand and sea")), courier.CodeOther},
		"a file that is not there at all": {filepath.Join(stick, "no"), courier.CodeUnreadable},
	} {
		t.Run(name, func(t *testing.T) {
			_, errs := does(t, exitFailed, "courier", "import", "-data", data, "-bundle", bundle, c.file)
			assert.Contains(t, errs, c.code)
			assert.Contains(t, errs, "hint:")
		})
	}
	out, _ := does(t, exitDone, "outbox", "-data", data)
	require.Contains(t, out, "waiting\t2 records (1 of submissions) and 1 pictures", "nothing was deleted")
	// A good one beside a bad one is taken.
	out, _ = does(t, exitFailed, "courier", "import", "-data", data, "-bundle", bundle, others, answer)
	require.Contains(t, out, "settled\t2 records\t1 pictures")
}

func TestTheOutboxWarnsAtFourFifthsOfALimit(t *testing.T) {
	data := filepath.Join(t.TempDir(), "kiosk")
	fill(t, data, "k1", "s1")
	age := func(days float64) string {
		db := sql.OpenDB(outbox.NewConnector(filepath.Join(data, "kiosk.db"), 0))
		defer db.Close()
		_, err := db.Exec(`UPDATE outbox_record SET made = ?`, time.Now().Add(-time.Duration(days*24*float64(time.Hour))).UnixMilli())
		require.NoError(t, err)
		out, _ := does(t, exitDone, "outbox", "-data", data)
		return out
	}
	out := age(23.5)
	require.NotContains(t, out, "WARNING")
	require.Contains(t, out, "limit\tage 23.5 days of 30.0 days (78 %)\n")
	require.Contains(t, age(24.5), "limit\tage 24.5 days of 30.0 days (82 %)\tWARNING: 80 % is passed")
	require.Contains(t, age(31), "\tLIMIT: bring the records")
	out, _ = does(t, exitDone, "outbox", "-data", data, "-json")
	require.Contains(t, out, `"warnings":["age: 103 % of the limit"]`)
	require.Contains(t, out, `"level":"reached"`)
}

func TestTheOutboxListsTheOldestAndAllOnRequest(t *testing.T) {
	data := filepath.Join(t.TempDir(), "kiosk")
	for i := range 12 {
		fill(t, data, "k1", "s"+string(rune('a'+i)))
	}
	out, _ := does(t, exitDone, "outbox", "-data", data)
	require.Equal(t, 10, strings.Count(out, "\nevent\t"))
	require.Contains(t, out, "more with -all")
	out, _ = does(t, exitDone, "outbox", "-data", data, "-all")
	require.Equal(t, 12, strings.Count(out, "\nevent\t"))
	require.NotContains(t, out, "more with -all")
}

func TestCourierCommandsSayWhatIsWrong(t *testing.T) {
	o := newOperator(t)
	bundle, data, stick := o.enrol("k1"), filepath.Join(t.TempDir(), "kiosk"), t.TempDir()
	fill(t, data, "k1", "s1")
	other := filepath.Join(t.TempDir(), "kiosk")
	fill(t, other, "k2", "s1")
	export := func(more ...string) []string {
		return append([]string{"courier", "export", "-bundle", bundle}, more...)
	}
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"no way given":                   {[]string{"courier"}, exitUsage, "usage:"},
		"a way that there is not":        {[]string{"courier", "dance"}, exitUsage, `unknown command "dance"`},
		"help":                           {[]string{"courier", "help"}, exitDone, "usage:"},
		"nothing given":                  {[]string{"courier", "export"}, exitUsage, "are needed"},
		"no folder":                      {export("-data", data), exitUsage, "are needed"},
		"two folders":                    {export("-data", data, stick, stick), exitUsage, "one folder"},
		"a limit that is none":           {export("-data", data, "-limit", "much", stick), exitUsage, "500MB"},
		"a limit that nothing fits":      {export("-data", data, "-limit", "400", stick), exitFailed, courier.CodeLimit},
		"no bundle":                      {[]string{"courier", "export", "-data", data, "-bundle", stick, stick}, exitConfig, "bundle_missing"},
		"a folder without a kiosk":       {export("-data", stick, stick), exitStore, "store_missing"},
		"another kiosk's folder":         {export("-data", other, stick), exitConfig, "courier_mixed_up"},
		"a medium that is not there":     {export("-data", data, filepath.Join(stick, "no")), exitFailed, courier.CodeUnwritable},
		"outbox without a folder":        {[]string{"outbox"}, exitUsage, "-data is needed"},
		"outbox of no kiosk":             {[]string{"outbox", "-data", stick}, exitStore, "store_missing"},
		"an import without any file":     {[]string{"courier", "import", "-data", data, "-bundle", bundle}, exitUsage, "are needed"},
		"an import where no kiosk ever":  {[]string{"courier", "import", "-data", filepath.Join(stick, "x"), "-bundle", bundle, filepath.Join(stick, "no")}, exitStore, "store_missing"},
		"an import into another kiosk's": {[]string{"courier", "import", "-data", other, "-bundle", bundle, filepath.Join(stick, "no")}, exitConfig, "courier_mixed_up"},
	} {
		t.Run(name, func(t *testing.T) {
			out, errs := does(t, c.code, c.args...)
			assert.Contains(t, out+errs, c.says)
		})
	}
	entries, err := os.ReadDir(stick)
	require.NoError(t, err)
	require.Empty(t, entries, "no half file was left")
}

func TestALimitCarriesWhatComesFirst(t *testing.T) {
	o := newOperator(t)
	bundle, data, stick := o.enrol("k1"), filepath.Join(t.TempDir(), "kiosk"), t.TempDir()
	fill(t, data, "k1", "s1")
	fill(t, data, "k1", "s2")
	out, errs := does(t, exitDone, "courier", "export", "-data", data, "-bundle", bundle, "-limit", "0.3MB", stick)
	require.Contains(t, out, "\t4 records\t1 pictures\t")
	require.Contains(t, errs, "0 records and 1 pictures stay behind")
	info, err := os.Stat(exported(t, out))
	require.NoError(t, err)
	require.LessOrEqual(t, info.Size(), int64(300_000))
	does(t, exitDone, "courier", "import", "-data", data, "-bundle", bundle, o.take(exported(t, out)))
	out, _ = does(t, exitDone, "courier", "export", "-data", data, "-bundle", bundle, stick)
	require.Contains(t, out, "\t1 pictures\t")
}

func TestSizesAreReadAsMediaAreSold(t *testing.T) {
	for s, want := range map[string]int64{"": 0, "1": 1, "900": 900, "2KB": 2000, "1.5GB": 1_500_000_000, "500mb": 500_000_000} {
		n, err := sizeOf(s)
		require.NoError(t, err, s)
		require.Equal(t, want, n, s)
	}
	for _, s := range []string{"0", "-1", "NaN", "Inf", "1TBit", "GB", "1e300GB", "0.1"} {
		_, err := sizeOf(s)
		require.Error(t, err, s)
	}
}
