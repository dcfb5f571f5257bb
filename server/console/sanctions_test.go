package console

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// shown serves one page of a console whose lists stand so.
func shown(t *testing.T, lists func(context.Context) (Lists, error), page func(*Console) http.HandlerFunc) (int, string) {
	t.Helper()
	return shownOn(t, &shelf{}, lists, page)
}

func shownOn(t *testing.T, s *shelf, lists func(context.Context) (Lists, error), page func(*Console) http.HandlerFunc) (int, string) {
	t.Helper()
	c, err := New(Config{Visits: newMemory(), Store: s, Clock: func() time.Time { return noon }, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Lists: lists})
	require.NoError(t, err)
	w := httptest.NewRecorder()
	page(c)(w, httptest.NewRequest(http.MethodGet, "/", nil))
	return w.Code, w.Body.String()
}

func TestThePageOfTheListsShowsTheirAgeAndWhatIsWrong(t *testing.T) {
	lists := Lists{
		Wanted: true, MaxAge: 48 * time.Hour, Hits: 2,
		InForce: []List{
			{Source: "un_sc", Kind: "un-xml", Snapshot: "0123456789ab", Entries: 1003, Confirmed: noon.Add(-3 * time.Hour)},
			{Source: "eu_fsf", Kind: "eu-xml", Snapshot: "ba9876543210", Entries: 2000, Issued: noon.AddDate(0, 0, -9), Confirmed: noon.AddDate(0, 0, -5), Stale: true, Problem: "list_unreachable"},
		},
	}
	give := func(context.Context) (Lists, error) { return lists, nil }
	status, body := shown(t, give, func(c *Console) http.HandlerFunc { return c.sanctions })
	require.Equal(t, http.StatusOK, status)
	for _, want := range []string{"un_sc", "1003", "3 h 00 min", "5 days", "too old", "list_unreachable", "too old after 2 days"} {
		require.Contains(t, body, want)
	}
	const trouble = "The list eu_fsf is too old; the list eu_fsf could not be fetched; 2 red flags came up after the decision."
	require.Contains(t, body, trouble)
	_, body = shown(t, give, func(c *Console) http.HandlerFunc { return c.list })
	require.Contains(t, body, trouble, "who looks at journeys is told")
	require.Contains(t, body, `href="/console/lists"`)
}

func TestWithoutListsThePageSaysWhatThatMeans(t *testing.T) {
	give := func(context.Context) (Lists, error) { return Lists{Wanted: true}, nil }
	_, body := shown(t, give, func(c *Console) http.HandlerFunc { return c.sanctions })
	require.Contains(t, body, "No sanctions list is in force: nobody can be screened.")
	require.Contains(t, body, "server list import")
	require.Empty(t, Lists{}.Trouble(), "a policy that does not screen needs no lists")
	_, body = shown(t, nil, func(c *Console) http.HandlerFunc { return c.list })
	require.NotContains(t, body, "sanctions list is")
	status, _ := shown(t, func(context.Context) (Lists, error) { return Lists{}, errors.New("disk on fire") }, func(c *Console) http.HandlerFunc { return c.sanctions })
	require.Equal(t, http.StatusInternalServerError, status)
}
