package console

import (
	"bufio"
	"context"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/server/store"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// shelf is a store of journeys in memory.
type shelf struct {
	revoked  atomic.Bool // the key that somebody logged in with
	tallies  []store.Tally
	mu       sync.Mutex
	sessions []store.Session
	events   map[string][]journey.Event
	kiosks   []store.Kiosk // nil: one
	erasures []store.Erasure
	err      error
}

func (s *shelf) Session(_ context.Context, id string) (store.Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.sessions {
		if one.ID == id {
			return one, s.err
		}
	}
	return store.Session{}, store.ErrNotFound
}

func (s *shelf) Sessions(_ context.Context, f store.SessionFilter) ([]store.Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []store.Session
	for _, one := range s.sessions {
		if (f.Decision == "" || f.Decision == one.Decision) && (f.BeforeID == "" || one.Started.Before(f.Before)) && len(out) < f.Limit {
			out = append(out, one)
		}
	}
	return out, s.err
}

func (s *shelf) Events(_ context.Context, session string) ([]journey.Event, error) {
	return s.events[session], s.err
}

func (s *shelf) Erasures(context.Context, string) ([]store.Erasure, error) { return s.erasures, nil }

func (s *shelf) Kiosks(context.Context) ([]store.Kiosk, error) {
	if s.kiosks == nil {
		return []store.Kiosk{{ID: "hall-1"}}, s.err
	}
	return s.kiosks, s.err
}

func (s *shelf) ToldTallies(context.Context, time.Time) ([]store.Tally, error) {
	return s.tallies, s.err
}

func (s *shelf) put(one store.Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions = append([]store.Session{one}, s.sessions...)
}

// open serves a console over the shelf and gives a client that is logged in.
func open(t *testing.T, s *shelf) (*http.Client, string) {
	t.Helper()
	return openUntil(t, s, nil)
}

func openUntil(t *testing.T, s *shelf, stopping <-chan struct{}) (*http.Client, string) {
	t.Helper()
	c, err := New(Config{
		Visits: newMemory(), Stopping: stopping, Store: s, Clock: func() time.Time { return noon }, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Every: 5 * time.Millisecond,
		Admits: func(_ context.Context, key string) (Visitor, bool, error) {
			return Visitor{Key: "k"}, key == "right", nil
		},
		Active: func(context.Context, Visitor) (bool, error) { return !s.revoked.Load(), nil },
	})
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/console/", http.StripPrefix("/console", c.Handler()))
	web := httptest.NewServer(mux)
	t.Cleanup(web.Close)
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	client := &http.Client{Jar: jar, Timeout: 10 * time.Second}
	resp, err := client.PostForm(web.URL+"/console/login", url.Values{"key": {"right"}})
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, http.StatusOK, resp.StatusCode)
	return client, web.URL
}

func get(t *testing.T, client *http.Client, address string) (int, string) {
	t.Helper()
	resp, err := client.Get(address)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(body)
}

func visit(id string) store.Session {
	return store.Session{
		ID: id, Kiosk: "hall-1", Started: noon, Ended: noon.Add(40 * time.Second), Updated: noon.Add(time.Minute),
		Status: journey.StatusCompleted, Decision: journey.Rejected, Reason: journey.ReasonDuplicateUser, Events: 3,
	}
}

func TestWithoutALogInOnlyTheLogInPageIsShown(t *testing.T) {
	_, address := open(t, &shelf{})
	for _, path := range []string{"/console/journeys", "/console/journeys/x", "/console/live", "/console/live/x"} {
		status, body := get(t, &http.Client{}, address+path)
		require.Equal(t, http.StatusOK, status)
		require.Contains(t, body, `name="key"`, path)
	}
}

func TestALivePageDoesNotHoldUpAStop(t *testing.T) {
	stopping := make(chan struct{})
	client, address := openUntil(t, &shelf{}, stopping)
	client.Timeout = 0 // it would end the page too
	for _, path := range []string{"/console/live", "/console/live/x"} {
		resp, err := client.Get(address + path)
		require.NoError(t, err)
		defer resp.Body.Close()
		_, err = resp.Body.Read(make([]byte, 1))
		require.NoError(t, err, "it lives")
		defer func() {
			_, err := io.Copy(io.Discard, resp.Body)
			require.NoError(t, err, "it ended in order")
		}()
	}
	close(stopping)
}

func TestARevokedKeyEndsItsLogIn(t *testing.T) {
	s := &shelf{}
	client, address := open(t, s)
	_, body := get(t, client, address+"/console/journeys")
	require.NotContains(t, body, `name="key"`)
	s.revoked.Store(true)
	_, body = get(t, client, address+"/console/journeys")
	require.Contains(t, body, `name="key"`)
	s.revoked.Store(false)
	_, body = get(t, client, address+"/console/journeys")
	require.Contains(t, body, `name="key"`, "for good")
}

func TestAWrongKeyDoesNotOpenTheConsole(t *testing.T) {
	_, address := open(t, &shelf{})
	resp, err := http.PostForm(address+"/console/login", url.Values{"key": {"wrong"}})
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, http.StatusForbidden, resp.StatusCode)
	require.Empty(t, resp.Cookies())
}

func TestAnEmptyListSaysWhatWillAppearThere(t *testing.T) {
	client, address := open(t, &shelf{})
	status, body := get(t, client, address+"/console/journeys")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, "No journeys yet")
}

func TestOlderJourneysAreALinkAway(t *testing.T) {
	s := &shelf{}
	for i := range listLength + 2 {
		one := visit(fmt.Sprintf("s-%03d", i))
		one.Started = noon.Add(time.Duration(i) * time.Second)
		s.put(one)
	}
	client, address := open(t, s)
	_, body := get(t, client, address+"/console/journeys?kiosk=hall-1")
	require.NotContains(t, body, "s-001")
	_, rest, ok := strings.Cut(body, `rel="next" href="`)
	require.True(t, ok)
	next, _, _ := strings.Cut(rest, `"`)
	_, body = get(t, client, address+html.UnescapeString(next))
	require.Contains(t, body, "s-001")
	require.Contains(t, body, "s-000")
	require.NotContains(t, body, "s-002")
	require.Contains(t, body, "<option selected>hall-1</option>", "the choice goes with it")
}

func TestTheListShowsDecisionAndReason(t *testing.T) {
	client, address := open(t, &shelf{sessions: []store.Session{visit("s-1")}})
	_, body := get(t, client, address+"/console/journeys")
	require.Contains(t, body, "REJECTED · DUPLICATE_USER")
	_, body = get(t, client, address+"/console/journeys?decision=APPROVED")
	require.Contains(t, body, "No journey fits this choice")
}

func TestWhatKiosksSendIsEscaped(t *testing.T) {
	nasty := `"><script>alert(1)</script>`
	one := visit("s-1")
	one.Kiosk = nasty
	s := &shelf{sessions: []store.Session{one}, events: map[string][]journey.Event{"s-1": {{
		ID: "e1", Session: "s-1", Name: journey.EventStepView, Origin: journey.OriginKioskUI, Source: journey.FE,
		Path: nasty, Started: noon, Ended: noon, Detail: map[string]string{nasty: nasty},
	}}}}
	client, address := open(t, s)
	for _, path := range []string{"/console/journeys", "/console/journeys/s-1", "/console/journeys?kiosk=" + url.QueryEscape(nasty)} {
		_, body := get(t, client, address+path)
		require.NotContains(t, body, "<script>alert", path)
	}
}

func TestAnUnknownJourneyIsAClearAnswer(t *testing.T) {
	client, address := open(t, &shelf{})
	status, body := get(t, client, address+"/console/journeys/none")
	require.Equal(t, http.StatusNotFound, status)
	require.Contains(t, body, "No such journey")
}

func TestABrokenStoreIsAPageWithAHint(t *testing.T) {
	s := &shelf{}
	client, address := open(t, s)
	s.err = fmt.Errorf("disk on fire")
	status, body := get(t, client, address+"/console/journeys")
	require.Equal(t, http.StatusInternalServerError, status)
	require.Contains(t, body, "Reload the page")
	require.NotContains(t, body, "disk on fire")
}

func TestANewJourneyArrivesOnTheOpenPage(t *testing.T) {
	s := &shelf{sessions: []store.Session{visit("s-1")}}
	client, address := open(t, s)
	resp, err := client.Get(address + "/console/live")
	require.NoError(t, err)
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	require.True(t, lines.Scan()) // the stream is open: what stands there is known now
	time.AfterFunc(30*time.Millisecond, func() { s.put(visit("s-2")) })
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "data: ") {
			require.Contains(t, lines.Text(), `"id":"s-2"`)
			return
		}
	}
	t.Fatal("the stream ended without news")
}

func TestAJourneyTellsWhyAndWhatBothSidesMeasured(t *testing.T) {
	check := journey.Event{
		ID: "e1", Session: "s-1", Name: journey.EventDuplicateApprovedUserCheck, Source: journey.BE, Origin: journey.OriginServer,
		Result: journey.Fail, Impact: journey.ImpactRejected, Started: noon, Ended: noon.Add(5 * time.Millisecond),
	}
	recheck := journey.Event{
		ID: "e2", Session: "s-1", Name: journey.CentreRecheck, Source: journey.BE, Origin: journey.OriginServer,
		Result: journey.Pass, Impact: journey.ImpactNone, Started: noon, Ended: noon.Add(300 * time.Millisecond),
		Detail: map[string]string{"kiosk_similarity": "97.2", "centre_similarity": "61"},
	}
	verdict := journey.Event{
		ID: "e3", Session: "s-1", Name: journey.EventRejected, Source: journey.BE, Origin: journey.OriginServer, Result: journey.Observed,
		Impact: journey.ImpactRejected, Reason: journey.ReasonDuplicateUser, Causes: []string{"e1"}, Started: noon.Add(time.Second), Ended: noon.Add(time.Second),
	}
	s := &shelf{sessions: []store.Session{visit("s-1")}, events: map[string][]journey.Event{"s-1": {check, recheck, verdict}}}
	client, address := open(t, s)
	_, body := get(t, client, address+"/console/journeys/s-1")
	require.Contains(t, body, journey.Explain(s.events["s-1"]).Sentence)
	require.Contains(t, body, `href="#e-e1"`)
	require.Contains(t, body, "Similarity ≠")
	require.Contains(t, body, "<td class=\"num\">61</td>")
}

func TestAJourneyOfAnErasedPersonSaysWhenByWhomAndWhy(t *testing.T) {
	one := visit("s-1")
	one.Submission = "sub-1"
	s := &shelf{sessions: []store.Session{one}, erasures: []store.Erasure{{Submission: "sub-1", Kind: journey.DataPersonal, At: noon, Who: "clerk", Why: "person-asked"}}}
	client, address := open(t, s)
	_, body := get(t, client, address+"/console/journeys/s-1")
	require.Contains(t, body, "personal data erased on")
	require.Contains(t, body, "by clerk (person-asked)")
}
