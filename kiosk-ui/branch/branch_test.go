package branch

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/sync/identity"
	"vestibule/sync/link"
	"vestibule/sync/link/linktest"
	"vestibule/sync/seal"
	"vestibule/sync/wire"
)

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// hall is a branch with two kiosks, k1 and k2, and a book.
type hall struct {
	*Book
	t      *testing.T
	dir    string
	viewer *identity.Viewer
	ca     *identity.CA
	seal   *seal.PrivateKey
}

func newHall(t *testing.T) *hall {
	t.Helper()
	ca, err := identity.NewCA("Test", noon)
	require.NoError(t, err)
	key, err := seal.GenerateKey()
	require.NoError(t, err)
	h := &hall{t: t, dir: t.TempDir(), ca: ca, seal: key}
	folder := filepath.Join(h.dir, "viewer")
	require.NoError(t, identity.WriteViewer(folder, ca, identity.ViewerInfo{Branch: "hall", Broker: "127.0.0.1:1", Kiosks: []string{"k1", "k2"}}, noon))
	h.viewer, err = identity.LoadViewer(folder)
	require.NoError(t, err)
	h.open()
	return h
}

func (h *hall) open() {
	b, err := Open(h.t.Context(), filepath.Join(h.dir, "view"), "hall", h.viewer.Kiosks, h.viewer.Kiosk)
	require.NoError(h.t, err)
	h.Book = b
	h.t.Cleanup(func() { b.Close() })
}

func (h *hall) kiosk(name string) *identity.Bundle {
	dir := filepath.Join(h.t.TempDir(), "bundle")
	_, err := identity.WriteBundle(dir, h.ca, identity.KioskInfo{Name: name, SiteCountry: "UTO", Broker: "x:1"}, h.seal.Public(), noon)
	require.NoError(h.t, err)
	b, err := identity.LoadBundle(dir)
	require.NoError(h.t, err)
	return b
}

func (h *hall) standing(b *identity.Bundle, at time.Time, visits ...wire.Visit) []byte {
	out, err := wire.SignStanding(wire.Standing{
		Kiosk: b.Name, At: at, Waiting: wire.Waiting{Records: 7, Submissions: 1, Pictures: 2, Bytes: 5000, Oldest: at.Add(-time.Hour)}, Visits: visits,
	}, b.Signer(), b.Cert().Raw, rand.Reader)
	require.NoError(h.t, err)
	return out
}

func visit(session, decision string, at time.Time) wire.Visit {
	v := wire.Visit{Session: session, Submission: "s-" + session, Status: "COMPLETED", Segment: "post", Path: "/result", Started: at, Ended: at.Add(time.Minute), Events: 40, Decision: decision}
	if decision == "REJECTED" {
		v.Reason = "DUPLICATE_USER"
	}
	return v
}

func (h *hall) state(kiosk, session string, online bool, wrong ...wire.Condition) []byte {
	b, err := wire.EncodeState(wire.State{Version: 1, Kiosk: kiosk, Session: session, Online: online, At: noon, Release: "r1", Conditions: wrong})
	require.NoError(h.t, err)
	return b
}

func (h *hall) tell(topic string, payload []byte, kept bool, at time.Time) {
	h.t.Helper()
	require.NoError(h.t, h.take(h.t.Context(), topic, payload, kept, at))
}

func (h *hall) see(at time.Time) (Snapshot, map[string]Kiosk) {
	h.t.Helper()
	require.NoError(h.t, h.exec(h.t.Context(), `UPDATE branch SET alive = ?`, at.UnixMicro()))
	s, err := h.Snapshot(h.t.Context(), at)
	require.NoError(h.t, err)
	by := map[string]Kiosk{}
	for _, k := range s.Kiosks {
		by[k.Name] = k
	}
	return s, by
}

func TestWhatAKioskShowsIsSeenAndOutlivesTheView(t *testing.T) {
	h := newHall(t)
	require.NoError(t, h.connected(t.Context(), true, "", noon))
	k1 := h.kiosk("k1")
	wrong := wire.Condition{Code: "disk", Severity: 2, Since: noon, Detail: "91"}
	h.tell(wire.BridgeTopic("hall"), []byte("0"), true, noon)
	h.tell(wire.StateTopic("k1"), h.state("k1", "a", true, wrong), true, noon)
	h.tell(wire.ViewTopic("k1"), h.standing(k1, noon, visit("j2", "", noon), visit("j1", "REJECTED", noon.Add(-time.Hour))), true, noon)
	for range 2 { // the second time after the view was started anew
		s, by := h.see(noon.Add(time.Minute))
		require.Equal(t, "hall", s.Branch)
		require.Equal(t, "up", s.Box.State)
		require.Equal(t, Line{State: "down", Since: noon}, s.Centre)
		k := by["k1"]
		require.Equal(t, Online, k.Presence)
		require.Equal(t, []Condition{{"disk", 2, noon, "91"}}, k.Conditions)
		require.Equal(t, Waiting{7, 1, 2, 5000, noon.Add(-time.Hour)}, k.Waiting)
		require.Equal(t, "signed", k.Proof)
		require.Len(t, k.Visits, 2)
		require.Equal(t, Visit(visit("j2", "", noon)), k.Visits[0])
		require.Equal(t, "DUPLICATE_USER", k.Visits[1].Reason)
		require.Equal(t, Unknown, by["k2"].Presence, "it belongs here and was never heard")
		require.Equal(t, "none", by["k2"].Proof)
		require.Equal(t, "k1", s.Kiosks[0].Name)
		require.NoError(t, h.Close())
		h.open()
	}
	_, by := h.see(noon.Add(24 * time.Hour))
	require.Empty(t, by["k1"].Visits, "that was yesterday")
	require.Equal(t, "j2", by["k1"].Last.Session)
}

func TestNobodyElseCanSpeakOfAKioskOrItsJourneys(t *testing.T) {
	h := newHall(t)
	require.NoError(t, h.connected(t.Context(), true, "", noon))
	k1, k2 := h.kiosk("k1"), h.kiosk("k2")
	h.tell(wire.ViewTopic("k1"), h.standing(k1, noon, visit("j1", "", noon)), false, noon)
	good := h.standing(k1, noon, visit("j1", "APPROVED", noon))
	forged := append([]byte(nil), good...)
	forged[40] ^= 1
	other := newHall(t).kiosk("k1") // of another operator
	for name, payload := range map[string][]byte{
		"an altered one":        forged,
		"another kiosk's":       h.standing(k2, noon, visit("j1", "APPROVED", noon)),
		"another operator's":    h.standing(other, noon, visit("j1", "APPROVED", noon)),
		"the centre's":          h.byCentre(),
		"nothing":               nil,
		"longer than its bound": make([]byte, 1<<20),
	} {
		h.tell(wire.ViewTopic("k1"), payload, false, noon)
		_, by := h.see(noon)
		require.NotEmpty(t, by["k1"].Doubt, name)
		require.Len(t, by["k1"].Visits, 1, name)
		require.Empty(t, by["k1"].Visits[0].Decision, "%s changes nothing", name)
	}
	h.tell(wire.ViewTopic("k2"), h.standing(k2, noon, visit("j1", "APPROVED", noon)), false, noon)
	_, by := h.see(noon)
	require.Empty(t, by["k1"].Visits[0].Decision, "a kiosk cannot speak of another's journey")
	h.tell(wire.ViewTopic("k1"), good, false, noon)
	_, by = h.see(noon)
	require.Empty(t, by["k1"].Doubt)
	require.Equal(t, "APPROVED", by["k1"].Visits[0].Decision)
}

// byCentre is a standing for k1 under a certificate of the same authority that is no kiosk's.
func (h *hall) byCentre() []byte {
	cert, err := h.ca.IssueCentre(nil, noon)
	require.NoError(h.t, err)
	b, err := wire.SignStanding(wire.Standing{Kiosk: "k1", At: noon}, cert.Key, cert.Cert.Raw, rand.Reader)
	require.NoError(h.t, err)
	return b
}

func TestAKioskIsThereOnlyAsLongAsItIsHeard(t *testing.T) {
	h := newHall(t)
	_, by := h.see(noon)
	require.Equal(t, Unknown, by["k1"].Presence)
	require.NoError(t, h.connected(t.Context(), true, "", noon))
	h.tell(wire.StateTopic("k1"), h.state("k1", "a", true), true, noon.Add(time.Second))
	at := func(later time.Duration, want string) {
		t.Helper()
		_, by := h.see(noon.Add(later))
		require.Equal(t, want, by["k1"].Presence)
	}
	at(time.Minute, Online)
	at(3*time.Minute, Silent) // the box had it in store, and perhaps through a power cut
	h.tell(wire.ViewTopic("k1"), h.standing(h.kiosk("k1"), noon), false, noon.Add(3*time.Minute))
	at(4*time.Minute, Online)
	h.tell(wire.StateTopic("k1"), h.state("k1", "b", true), false, noon.Add(4*time.Minute))
	h.tell(wire.StateTopic("k1"), h.state("k1", "a", false), false, noon.Add(4*time.Minute))
	at(4*time.Minute, Online) // the end of an earlier connection
	h.tell(wire.StateTopic("k1"), h.state("k2", "b", false), false, noon.Add(4*time.Minute))
	at(4*time.Minute, Online) // of another kiosk
	h.tell(wire.StateTopic("k1"), h.state("k1", "b", false), false, noon.Add(4*time.Minute))
	at(4*time.Minute, Offline)
	require.NoError(t, h.connected(t.Context(), false, "box_lost", noon.Add(5*time.Minute)))
	at(5*time.Minute, Unknown)
	require.NoError(t, h.connected(t.Context(), true, "", noon.Add(6*time.Minute)))
	at(6*time.Minute, Unknown) // until the box has told again
	s, err := h.Snapshot(t.Context(), noon.Add(time.Hour))
	require.NoError(t, err)
	require.Equal(t, Line{State: "down", Since: noon.Add(6 * time.Minute), Code: "view_stopped"}, s.Box, "nobody has written in the book for long")
}

func TestAKiosksClockIsSetRight(t *testing.T) {
	h := newHall(t)
	require.NoError(t, h.connected(t.Context(), true, "", noon))
	wrong := noon.Add(-100 * 24 * time.Hour)
	h.tell(wire.ViewTopic("k1"), h.standing(h.kiosk("k1"), wrong, visit("j1", "", wrong.Add(-time.Minute))), false, noon)
	_, by := h.see(noon)
	require.Len(t, by["k1"].Visits, 1)
	require.Equal(t, noon.Add(-time.Minute), by["k1"].Visits[0].Started)
}

func TestTheBookIsBounded(t *testing.T) {
	h := newHall(t)
	for i := range mostKiosks + 20 {
		name := fmt.Sprintf("x%d", i)
		h.tell(wire.StateTopic(name), h.state(name, "a", true), false, noon)
	}
	n := 0
	require.NoError(t, h.db.QueryRow(`SELECT count(*) FROM kiosk`).Scan(&n))
	require.Equal(t, mostKiosks, n)
	_, err := h.db.Exec(`WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < ?) INSERT INTO visit SELECT 'old' || i, 'k1', i, x'7b7d' FROM c`, mostVisits+5)
	require.NoError(t, err)
	h.tell(wire.ViewTopic("k1"), h.standing(h.kiosk("k1"), noon, visit("new", "", noon)), false, noon)
	require.NoError(t, h.db.QueryRow(`SELECT count(*) FROM visit`).Scan(&n))
	require.Equal(t, mostVisits, n)
	require.NoError(t, h.db.QueryRow(`SELECT count(*) FROM visit WHERE session = 'new'`).Scan(&n))
	require.Equal(t, 1, n, "the oldest went")
}

func TestThePageShowsTheBranch(t *testing.T) {
	h := newHall(t)
	require.NoError(t, h.connected(t.Context(), true, "", noon))
	h.tell(wire.StateTopic("k1"), h.state("k1", "a", true, wire.Condition{Code: "disk", Severity: 3, Since: noon, Detail: "<b>"}), false, noon)
	h.tell(wire.ViewTopic("k1"), h.standing(h.kiosk("k1"), noon, visit("j1", "REJECTED", noon)), false, noon)
	h.tell(wire.ViewTopic("k2"), []byte("x"), false, noon)
	page := Page(h.Book, func() time.Time { return noon }, slog.New(slog.DiscardHandler))
	get := func(path string) (int, string) {
		w := httptest.NewRecorder()
		page.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		body, err := io.ReadAll(w.Body)
		require.NoError(t, err)
		return w.Code, string(body)
	}
	code, text := get("/")
	require.Equal(t, http.StatusOK, code)
	for _, want := range []string{"Branch hall", "k1", "online", "storage fills up", "&lt;b&gt;", "7 records, 2 pictures", "DUPLICATE_USER", "/result", "not believed: malformed", "No journeys today"} {
		require.Contains(t, text, want)
	}
	require.NotContains(t, text, "<b>")
	code, text = get("/branch.json")
	require.Equal(t, http.StatusOK, code)
	require.True(t, strings.HasPrefix(text, `{"branch":"hall"`), text)
	code, _ = get("/other")
	require.Equal(t, http.StatusNotFound, code)
}

func TestTheListenerFollowsTheBoxThroughItsEnd(t *testing.T) {
	h := newHall(t)
	net := linktest.New(1, linktest.Faults{})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- (&Listener{Transport: net, Client: h.viewer.Name(), Branch: "hall", Book: h.Book, Now: time.Now, Log: slog.New(slog.DiscardHandler)}).Run(ctx)
	}()
	kiosk, err := net.Connect(ctx, link.Session{Client: "k1"})
	require.NoError(t, err)
	payload := h.standing(h.kiosk("k1"), time.Now(), visit("j1", "", time.Now()))
	require.Eventually(t, func() bool {
		require.NoError(t, kiosk.Publish(ctx, link.Message{Topic: wire.ViewTopic("k1"), Payload: payload}))
		s, err := h.Snapshot(ctx, time.Now())
		require.NoError(t, err)
		return s.Box.State == "up" && len(s.Kiosks[0].Visits) == 1
	}, 10*time.Second, 50*time.Millisecond)
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
	s, err := h.Snapshot(t.Context(), time.Now())
	require.NoError(t, err)
	require.Equal(t, "view_stopped", s.Box.Code)
}

func FuzzTake(f *testing.F) {
	ca, err := identity.NewCA("Test", noon)
	require.NoError(f, err)
	folder := f.TempDir()
	require.NoError(f, identity.WriteViewer(folder, ca, identity.ViewerInfo{Branch: "hall"}, noon))
	v, err := identity.LoadViewer(folder)
	require.NoError(f, err)
	b, err := Open(context.Background(), f.TempDir(), "hall", nil, v.Kiosk)
	require.NoError(f, err)
	f.Cleanup(func() { b.Close() })
	f.Add("v1/state/k1", []byte{0xa0})
	f.Add("v1/view/k1", []byte{0xa3, 1, 0x40, 2, 0x40, 3, 0x40})
	f.Add("v1/bridge/hall", []byte("1"))
	f.Fuzz(func(t *testing.T, topic string, payload []byte) {
		require.NoError(t, b.take(context.Background(), topic, payload, len(payload)%2 == 0, noon))
		s, err := b.Snapshot(context.Background(), noon)
		require.NoError(t, err)
		for _, k := range s.Kiosks {
			require.Equal(t, "none", k.Proof, "nobody has signed anything")
		}
	})
}
