package console

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/server/review/desk"
	"vestibule/server/store"
	"vestibule/server/store/storetest"
)

var cluster storetest.Cluster

func TestMain(m *testing.M) { os.Exit(storetest.Main(m, &cluster)) }

// memory keeps log-ins for tests of pages.
type memory struct {
	mu  sync.Mutex
	all map[string]keptRow
}

type keptRow struct {
	text  string
	until time.Time
}

func newMemory() *memory { return &memory{all: map[string]keptRow{}} }

func (m *memory) put(key, text string, until time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.all[key] = keptRow{text, until}
	return nil
}

func (m *memory) get(key string) (string, time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.all[key]
	if !ok {
		return "", time.Time{}, store.ErrNotFound
	}
	return r.text, r.until, nil
}

func (m *memory) AddVisit(_ context.Context, id, who string, until, _ time.Time) error {
	return m.put(id, who, until)
}

func (m *memory) Visit(_ context.Context, id string) (string, time.Time, error) { return m.get(id) }

func (m *memory) EndVisit(_ context.Context, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.all, id)
	return nil
}

func (m *memory) Grant(_ context.Context, visit, subject, why string, until time.Time) error {
	return m.put(visit+" "+subject, why, until)
}

func (m *memory) Granted(_ context.Context, visit, subject string) (string, time.Time, error) {
	return m.get(visit + " " + subject)
}

// admit lets somebody in past the page, and gives the cookie.
func (c *Console) admit(t testing.TB, who Visitor) *http.Cookie {
	t.Helper()
	id, err := c.visits.open(context.Background(), who)
	require.NoError(t, err)
	return &http.Cookie{Name: cookieName, Value: id}
}

func TestALogInIsKnownToEveryCopyAndEndsForAll(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		ctx, now := t.Context(), noon
		one, two := visits{func() time.Time { return now }, s}, visits{func() time.Time { return now }, s}
		anna := Visitor{Name: "anna", Reviewer: true, Auditor: true}
		id, err := one.open(ctx, anna)
		require.NoError(t, err)
		who, in, err := two.find(ctx, id)
		require.NoError(t, err)
		require.True(t, in)
		require.Equal(t, anna, who)
		_, in, err = two.find(ctx, hashed(id))
		require.NoError(t, err)
		require.False(t, in, "what the database holds opens nothing")

		require.NoError(t, one.reveal(ctx, id, "sub", "review", []string{desk.Data, "pic", "pic"}))
		why, ok, err := two.revealed(ctx, id, "sub", "pic")
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, desk.Reason("review"), why)
		for _, other := range []struct{ id, submission, what string }{{id, "other", "pic"}, {id, "sub", "another"}, {"x", "sub", "pic"}} {
			_, ok, err := two.revealed(ctx, other.id, other.submission, other.what)
			require.NoError(t, err)
			require.False(t, ok)
		}
		now = now.Add(revealLasts)
		_, ok, err = two.revealed(ctx, id, "sub", "pic")
		require.NoError(t, err)
		require.False(t, ok, "it is over")

		require.NoError(t, two.close(ctx, id))
		_, in, err = one.find(ctx, id)
		require.NoError(t, err)
		require.False(t, in)

		id, err = one.open(ctx, anna)
		require.NoError(t, err)
		now = now.Add(visitLasts)
		_, in, err = one.find(ctx, id)
		require.NoError(t, err)
		require.False(t, in, "it is over")
	})
}

func TestBehindAProxyTheCookieIsForTLSOnly(t *testing.T) {
	for _, proxied := range []bool{false, true} {
		c, err := New(Config{
			Store: &shelf{}, Clock: func() time.Time { return noon }, Visits: newMemory(), Proxied: proxied,
			Admits: func(context.Context, string) (Visitor, bool, error) { return Visitor{Key: "k"}, true, nil },
		})
		require.NoError(t, err)
		w := httptest.NewRecorder()
		c.login(w, httptest.NewRequest(http.MethodPost, "/console/login", nil))
		require.Equal(t, http.StatusSeeOther, w.Code)
		require.Len(t, w.Result().Cookies(), 1)
		require.Equal(t, proxied, w.Result().Cookies()[0].Secure)
	}
}
