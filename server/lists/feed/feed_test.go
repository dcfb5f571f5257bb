package feed_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/server/kiosktest"
	"vestibule/server/lists"
	"vestibule/server/lists/feed"
	"vestibule/server/store"
	"vestibule/server/store/storetest"
	"vestibule/sync/fault"
)

var cluster storetest.Cluster

func TestMain(m *testing.M) { os.Exit(storetest.Main(m, &cluster)) }

// publisher is a server that publishes lists: files by path, with an ETag that counts
// their states, and other answers where a test wants them.
type publisher struct {
	*httptest.Server
	mu    sync.Mutex
	files map[string]string
	state map[string]int
	other map[string]http.HandlerFunc
	asked []string // "PATH STATUS"
}

func newPublisher(t *testing.T) *publisher {
	p := &publisher{files: map[string]string{}, state: map[string]int{}, other: map[string]http.HandlerFunc{}}
	p.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		status := http.StatusOK
		defer func() { p.asked = append(p.asked, fmt.Sprint(r.URL.Path, " ", status)) }()
		if other, ok := p.other[r.URL.Path]; ok {
			other(w, r)
			return
		}
		text, ok := p.files[r.URL.Path]
		tag := fmt.Sprintf(`"%d"`, p.state[r.URL.Path])
		switch {
		case !ok:
			status = http.StatusNotFound
		case r.Header.Get("If-None-Match") == tag:
			status = http.StatusNotModified
		default:
			w.Header().Set("ETag", tag)
		}
		w.WriteHeader(status)
		if status == http.StatusOK {
			_, _ = w.Write([]byte(text))
		}
	}))
	p.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	t.Cleanup(p.Close)
	return p
}

func (p *publisher) publish(path, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.files[path] = text
	p.state[path]++
}

func (p *publisher) requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := p.asked
	p.asked = nil
	return all
}

// centre is a database, a clock and a Fetcher.
type centre struct {
	*feed.Fetcher
	store *store.Store
	now   time.Time
	log   bytes.Buffer
}

func newCentre(t *testing.T, s *store.Store, p *publisher) *centre {
	c := &centre{store: s, now: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}
	c.Fetcher = &feed.Fetcher{
		Keeper: lists.Keeper{Store: s, Now: func() time.Time { return c.now }, NewID: kiosktest.NewID},
		Client: p.Client(), Dir: t.TempDir(), Log: slog.New(slog.NewTextHandler(&c.log, nil)),
	}
	return c
}

// feeds writes an operator's file and reads it.
func feeds(t *testing.T, text string) []feed.Feed {
	t.Helper()
	path := filepath.Join(t.TempDir(), "lists.json")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	all, err := feed.Read(path)
	require.NoError(t, err)
	return all
}

func own(people int) string {
	text := "id,name\n"
	for i := range people {
		text += fmt.Sprintf("%d,Kasimir Vorenthal %c\n", i, 'a'+i)
	}
	return text
}

func TestAListIsFetchedOnlyWhenThereIsANewerOne(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		p := newPublisher(t)
		c := newCentre(t, s, p)
		one := feeds(t, `[{"kind": "own-csv", "url": "`+p.URL+`/own.csv?key=secret"}]`)[0]
		p.publish("/own.csv", own(10))
		got, err := c.Fetch(ctx, one, false)
		require.NoError(t, err)
		require.Len(t, got.Taken.Change.Added, 10)
		require.Equal(t, []string{"/own.csv 200"}, p.requests())

		c.now = c.now.Add(time.Hour)
		again, err := c.Fetch(ctx, one, false)
		require.NoError(t, err)
		require.True(t, again.Same)
		require.Equal(t, []string{"/own.csv 304"}, p.requests())
		active, err := s.Read().ActiveSnapshot(ctx, "own")
		require.NoError(t, err)
		require.Equal(t, c.now, active.Confirmed, "asked, and found to be the newest: it is not old")

		p.publish("/own.csv", own(11))
		got, err = c.Fetch(ctx, one, false)
		require.NoError(t, err)
		require.Equal(t, []string{"10"}, got.Taken.Change.Added)
		require.Equal(t, []string{"/own.csv 200"}, p.requests())

		// Whoever withdrew the list is not answered "nothing newer".
		_, err = c.Keeper.Withdraw(ctx, "own", "test")
		require.NoError(t, err)
		_, err = c.Fetch(ctx, one, false)
		require.NoError(t, err)
		require.Equal(t, []string{"/own.csv 200"}, p.requests())
		_, err = s.Read().ActiveSnapshot(ctx, "own")
		require.NoError(t, err)
	})
}

func TestAFetchThatFailsLeavesTheListInForceAndIsTold(t *testing.T) {
	p := newPublisher(t)
	elsewhere := newPublisher(t)
	elsewhere.publish("/own.csv", own(10))
	s, err := store.Open(context.Background(), t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	c := newCentre(t, s, p)
	ctx := context.Background()
	one := feeds(t, `[{"kind": "own-csv", "url": "`+p.URL+`/own.csv?key=secret"}]`)[0]
	p.publish("/own.csv", own(10))
	first, err := c.Fetch(ctx, one, false)
	require.NoError(t, err)
	for name, k := range map[string]struct {
		answer http.HandlerFunc
		code   string
	}{
		"not there":                  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }, "list_unreachable"},
		"a broken server":            {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, "list_unreachable"},
		"a line that is cut":         {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "list_unreachable"},
		"a page in the list's place": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }, "list_unreadable"},
		"a list that is cut": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte(own(10)))
		}, "list_incomplete"},
		"a list of one person": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(own(1))) }, "list_shrunk"},
		"a way to another host": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+"/own.csv", http.StatusFound)
		}, "list_unreachable"},
		"a way to plain http": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://"+r.Host+"/x", http.StatusFound)
		}, "list_unreachable"},
		"a way round in circles": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/own.csv", http.StatusFound) }, "list_unreachable"},
	} {
		t.Run(name, func(t *testing.T) {
			p.mu.Lock()
			p.other["/own.csv"] = k.answer
			p.mu.Unlock()
			_, err := c.Fetch(ctx, one, false)
			require.Equal(t, k.code, fault.Code(err), "%v", err)
			require.NotContains(t, err.Error(), "secret")
			active, err := s.Read().ActiveSnapshot(ctx, "own")
			require.NoError(t, err)
			require.Equal(t, first.Snapshot, active.ID)
			state, err := s.Read().Feed(ctx, "own")
			require.NoError(t, err)
			require.Equal(t, k.code, state.Problem)
		})
	}
	left, err := os.ReadDir(c.Dir)
	require.NoError(t, err)
	require.Empty(t, left, "nothing is left on the way")

	// The operator may name a host that the address leads on to.
	p.mu.Lock()
	p.other["/own.csv"] = func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL+"/own.csv", http.StatusFound)
	}
	p.mu.Unlock()
	pool := p.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	pool.AddCert(elsewhere.Certificate())
	one.Hosts = []string{strings.TrimPrefix(elsewhere.URL, "https://")}
	_, err = c.Fetch(ctx, one, false)
	require.NoError(t, err)
	state, err := s.Read().Feed(ctx, "own")
	require.NoError(t, err)
	require.Empty(t, state.Problem)
}

func TestFilesOfAListThatArePublishedTogetherAreFetchedTogether(t *testing.T) {
	p := newPublisher(t)
	s, err := store.Open(context.Background(), t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	c := newCentre(t, s, p)
	ctx := context.Background()
	for _, name := range []string{"sdn.csv", "alt.csv", "sdn_comments.csv"} {
		b, err := os.ReadFile(filepath.Join("../../../testdata/aml", name))
		require.NoError(t, err)
		p.publish("/"+name, string(b))
	}
	one := feeds(t, `[{"kind": "ofac-csv", "files": {"sdn.csv": "`+p.URL+`/sdn.csv", "alt.csv": "`+p.URL+`/alt.csv", "sdn_comments.csv": "`+p.URL+`/sdn_comments.csv"}}]`)[0]
	_, err = c.Fetch(ctx, one, false)
	require.NoError(t, err)
	require.Len(t, p.requests(), 3)
	got, err := c.Fetch(ctx, one, false)
	require.NoError(t, err)
	require.True(t, got.Same)
	require.Equal(t, []string{"/alt.csv 304", "/sdn.csv 304", "/sdn_comments.csv 304"}, p.requests())
	p.publish("/alt.csv", "9001,1,\"aka\",\"SOMEBODY\",-0- \n")
	got, err = c.Fetch(ctx, one, false)
	require.NoError(t, err)
	require.Contains(t, got.Taken.Change.Changed, "9001")
	require.Equal(t, []string{"/alt.csv 200", "/sdn.csv 304", "/sdn_comments.csv 304", "/sdn.csv 200", "/sdn_comments.csv 200"}, p.requests())
}

func TestListsAreFetchedWhenTheyAreDueByOneCopyOfTheCentre(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		p := newPublisher(t)
		p.publish("/own.csv", own(10))
		p.mu.Lock()
		p.other["/bad.csv"] = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }
		p.mu.Unlock()
		all := feeds(t, `[{"kind": "own-csv", "url": "`+p.URL+`/own.csv", "every": "6h"}, {"kind": "own-csv", "as": "bad", "url": "`+p.URL+`/bad.csv?key=secret"}]`)
		a, b := newCentre(t, s, p), newCentre(t, s, p)
		round := func(want ...string) {
			t.Helper()
			ctx, cancel := context.WithCancel(context.Background())
			var both sync.WaitGroup
			for _, c := range []*centre{a, b} {
				both.Add(1)
				go func() {
					defer both.Done()
					assert.NoError(t, c.Run(ctx, all))
				}()
			}
			var got []string
			assert.Eventually(t, func() bool { got = append(got, p.requests()...); return len(got) >= len(want) }, 10*time.Second, 5*time.Millisecond)
			require.Eventually(t, func() bool { // both have looked at every list
				f, err := s.Read().Feeds(context.Background())
				return err == nil && (len(f) == 2 && f[0].Problem != "" || len(want) == 0)
			}, 10*time.Second, 5*time.Millisecond)
			time.Sleep(50 * time.Millisecond)
			cancel()
			both.Wait()
			require.ElementsMatch(t, want, append(got, p.requests()...))
		}
		tick := func(d time.Duration) { a.now, b.now = a.now.Add(d), b.now.Add(d) }
		round("/own.csv 200", "/bad.csv 200")
		tick(10 * time.Minute)
		round()
		tick(6 * time.Minute)
		round("/bad.csv 200")
		tick(6 * time.Hour)
		round("/own.csv 304", "/bad.csv 200")
		for _, c := range []*centre{a, b} {
			require.NotContains(t, c.log.String(), "secret")
		}
		require.Contains(t, a.log.String()+b.log.String(), "list_unreachable")
	})
}

func TestTheOperatorsFileIsReadWholeOrNotAtAll(t *testing.T) {
	for name, c := range map[string]struct{ text, says string }{
		"no JSON":                {`{`, "feeds_malformed"},
		"a field misspelled":     {`[{"kind": "un-xml", "ulr": "https://x/y"}]`, "ulr"},
		"a kind that is none":    {`[{"kind": "pdf", "url": "https://x/y"}]`, "known are"},
		"plain http":             {`[{"kind": "un-xml", "url": "http://x/y"}]`, "must be https"},
		"a password in the URL":  {`[{"kind": "un-xml", "url": "https://a:hush@x/y"}]`, "must be https"},
		"no address":             {`[{"kind": "un-xml"}]`, "one file: give url"},
		"files where one is":     {`[{"kind": "un-xml", "files": {"a": "https://x/y"}}]`, "one file: give url"},
		"an address for several": {`[{"kind": "ofac-csv", "url": "https://x/y"}]`, "several files: give files"},
		"a file missing":         {`[{"kind": "ofac-csv", "files": {"sdn.csv": "https://x/y"}}]`, "the address of alt.csv is missing"},
		"a file of another name": {`[{"kind": "ofac-csv", "files": {"sdn.csv": "https://x/y", "alt.csv": "https://x/z", "../x": "https://x/y"}}]`, "has no file"},
		"a list twice":           {`[{"kind": "un-xml", "url": "https://x/y"}, {"kind": "un-xml", "url": "https://x/z"}]`, "stands there twice"},
		"too often":              {`[{"kind": "un-xml", "url": "https://x/y", "every": "1m"}]`, "at least 5m"},
		"another list's name":    {`[{"kind": "own-csv", "as": "un_sc", "url": "https://x/y"}]`, "another list"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "lists.json")
			require.NoError(t, os.WriteFile(path, []byte(c.text), 0o600))
			_, err := feed.Read(path)
			require.Equal(t, "feeds_malformed", fault.Code(err))
			assert.ErrorContains(t, err, c.says)
			assert.NotContains(t, err.Error(), "hush")
		})
	}
	_, text, ok := strings.Cut(feed.Help, "JSON:\n")
	require.True(t, ok)
	text, _, _ = strings.Cut(text, "\nevery is")
	assert.Len(t, feeds(t, strings.ReplaceAll(text, "https://…", "https://example.org/list")), 3, "what the help shows can be read")
}

func FuzzTheOperatorsFile(f *testing.F) {
	f.Add([]byte(`[{"kind": "ofac-csv", "files": {"sdn.csv": "https://x/y", "alt.csv": "https://x/z"}, "hosts": ["a"], "every": "6h"}]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "lists.json")
		require.NoError(t, os.WriteFile(path, text, 0o600))
		all, err := feed.Read(path)
		if err != nil {
			return
		}
		for _, one := range all {
			if one.Source == "" || len(one.Files) == 0 || one.Every < 5*time.Minute {
				b, _ := json.Marshal(one)
				t.Fatalf("a list that cannot be fetched: %s", b)
			}
		}
	})
}
