package yente_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/server/aml"
	"vestibule/server/aml/yente"
	"vestibule/server/aml/yente/yentetest"
)

var anna = aml.Query{Name: "ERIKSSON ANNA MARIA", Birth: "1974-08-12", Gender: "female", Country: "SWE", Document: "L898902C3"}

// clock is a time that a test moves on.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func client(t *testing.T, url, key string) (*yente.Client, *clock) {
	t.Helper()
	c := &clock{time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)}
	y, err := yente.New(yente.Config{URL: url, Dataset: "sanctions", Algorithm: "logic-v1", Key: key, Now: c.now})
	require.NoError(t, err)
	return y, c
}

func TestAPersonIsAskedAboutAndTheAnswerExplained(t *testing.T) {
	s := yentetest.New("k3y", yentetest.Person{ID: "NK-1", Name: "Anna Eriksson", Birth: "1974-08-12", Score: .91}, yentetest.Person{ID: "NK-2", Name: "Annika Eriksson", Birth: "1950", Score: .95})
	defer s.Close()
	y, now := client(t, s.URL, "k3y")
	got, version, err := y.Match(context.Background(), anna)
	require.NoError(t, err)
	require.Equal(t, yente.Version{Dataset: "sanctions", Version: "20261125180300-abc", Entities: 63_000, Current: now.at}, version, "of the collection that is indexed")
	require.Equal(t, []map[string][]string{{
		"name": {"ERIKSSON ANNA MARIA"}, "birthDate": {"1974-08-12"}, "gender": {"female"}, "nationality": {"se"}, "idNumber": {"L898902C3"},
	}}, s.Asked())
	require.Len(t, got, 2)
	require.Equal(t, "NK-2", got[0].Entity, "the best first, by its own score")
	one := got[1]
	require.InDelta(t, 91, one.Score, 1e-9)
	require.Equal(t, aml.Source("yente/sanctions"), one.Source)
	require.Equal(t, "Anna Eriksson", one.Name)
	require.NotEmpty(t, one.Hash)
	require.True(t, one.Supported(), "the date of birth agrees")
	require.False(t, got[0].Supported())
	said := one.Explain()
	require.Contains(t, said, "anna and anna are equal")
	require.Contains(t, said, "name_match by the external screener (+91)")

	again, _, err := y.Match(context.Background(), anna)
	require.NoError(t, err)
	require.Equal(t, one.Hash, again[1].Hash)
}

func TestWhatIsNotKnownOfAPersonIsNotAsked(t *testing.T) {
	s := yentetest.New("")
	defer s.Close()
	y, _ := client(t, s.URL, "")
	got, _, err := y.Match(context.Background(), aml.Query{Name: "X", Birth: "1974-00-00", Country: "UTO"})
	require.NoError(t, err)
	require.Empty(t, got)
	require.Equal(t, []map[string][]string{{"name": {"X"}, "birthDate": {"1974"}}}, s.Asked())
	_, _, err = y.Match(context.Background(), aml.Query{Birth: "1974"})
	require.ErrorIs(t, err, aml.ErrNotScreened)
}

func TestAnIndexThatIsOutdatedSaysSinceWhen(t *testing.T) {
	s := yentetest.New("")
	defer s.Close()
	s.Stands("20261001060000-old", false)
	y, _ := client(t, s.URL, "")
	_, version, err := y.Match(context.Background(), anna)
	require.NoError(t, err)
	require.Equal(t, time.Date(2026, 10, 1, 6, 0, 0, 0, time.UTC), version.Current)
	s.Stands("static", false)
	y, _ = client(t, s.URL, "")
	_, _, err = y.Match(context.Background(), anna)
	require.ErrorIs(t, err, yente.ErrAway, "how old it is nobody knows")
}

func TestAServiceThatIsAwayIsNeverAnEmptyAnswer(t *testing.T) {
	ctx := context.Background()
	s := yentetest.New("k3y", yentetest.Person{ID: "NK-1", Name: "Anna Eriksson", Score: .9})
	y, now := client(t, s.URL, "k3y")
	require.NoError(t, y.Problem())
	s.Away(true)
	got, _, err := y.Match(ctx, anna)
	require.ErrorIs(t, err, yente.ErrAway)
	require.Nil(t, got)
	require.ErrorIs(t, y.Problem(), yente.ErrAway)
	s.Away(false)
	_, _, err = y.Match(ctx, anna)
	require.ErrorIs(t, err, yente.ErrAway, "it rests a few seconds before it is asked again")
	now.at = now.at.Add(10 * time.Second)
	got, _, err = y.Match(ctx, anna)
	require.NoError(t, err)
	require.Len(t, got, 1)
	require.NoError(t, y.Problem())

	wrong, _ := client(t, s.URL, "another")
	_, _, err = wrong.Match(ctx, anna)
	require.ErrorIs(t, err, yente.ErrAway)
	require.ErrorContains(t, err, "401")
	s.Close()
	_, _, err = y.Match(ctx, anna)
	require.ErrorIs(t, err, yente.ErrAway)
	for _, secret := range []string{"ERIKSSON", "k3y", s.URL, "1974"} {
		require.NotContains(t, err.Error(), secret)
	}
}

const fine = `{"datasets":[{"name":"sanctions","version":"1","index_version":"1","index_current":true,"children":[]}]}`

// serves gives a service whose two answers are these.
func serves(catalog, match string) *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/catalog" {
			_, _ = io.WriteString(w, catalog)
			return
		}
		_, _ = io.WriteString(w, match)
	}))
}

func TestAnAnswerThatIsNoneIsRefused(t *testing.T) {
	for name, c := range map[string]struct{ catalog, match string }{
		"no JSON":                             {fine, "<html>"},
		"nothing":                             {fine, ""},
		"no response to the query":            {fine, `{"responses":{}}`},
		"a response that failed":              {fine, `{"responses":{"person":{"status":500,"results":[]}}}`},
		"a result without a score":            {fine, `{"responses":{"person":{"status":200,"results":[{"id":"a"}]}}}`},
		"a result without an id":              {fine, `{"responses":{"person":{"status":200,"results":[{"score":0.5}]}}}`},
		"a score of another scale":            {fine, `{"responses":{"person":{"status":200,"results":[{"id":"a","score":91}]}}}`},
		"more than was asked for":             {fine, `{"responses":{"person":{"status":200,"results":[` + strings.Repeat(`{"id":"a","score":0.5},`, 30) + `{"id":"a","score":0.5}]}}}`},
		"an answer that is too large":         {fine, `{"x":"` + strings.Repeat("a", 9<<20) + `"}`},
		"no such dataset":                     {`{"datasets":[]}`, ""},
		"a dataset that is not indexed":       {`{"datasets":[{"name":"sanctions","version":"1","children":[]}]}`, ""},
		"collections that contain each other": {`{"datasets":[{"name":"sanctions"},{"name":"a","children":["b"],"index_version":"1"},{"name":"b","children":["a"]}]}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := serves(c.catalog, c.match)
			defer s.Close()
			y, _ := client(t, s.URL, "")
			got, _, err := y.Match(context.Background(), anna)
			require.ErrorIs(t, err, yente.ErrAway)
			require.Nil(t, got)
		})
	}
}

func TestARedirectionIsNotFollowed(t *testing.T) {
	other := yentetest.New("")
	defer other.Close()
	s := httptest.NewServer(http.RedirectHandler(other.URL+"/catalog", http.StatusTemporaryRedirect))
	defer s.Close()
	y, _ := client(t, s.URL, "")
	_, _, err := y.Match(context.Background(), anna)
	require.ErrorIs(t, err, yente.ErrAway)
	require.Empty(t, other.Asked())
}

func TestPeoplesDataGoByTLS(t *testing.T) {
	for name, c := range map[string]struct {
		url, dataset string
		good         bool
	}{
		"https":                     {"https://api.example.org", "default", true},
		"https with a path":         {"https://example.org/yente/", "default", true},
		"http on this machine":      {"http://127.0.0.1:8000", "sanctions", true},
		"http elsewhere":            {"http://example.org", "sanctions", false},
		"a host that looks like it": {"http://127.0.0.1.example.org", "sanctions", false},
		"a user in the address":     {"https://u:p@example.org", "sanctions", false},
		"no address":                {"example.org", "sanctions", false},
		"a dataset with a path":     {"https://example.org", "../x", false},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := yente.New(yente.Config{URL: c.url, Dataset: c.dataset, Now: time.Now})
			require.Equal(t, c.good, err == nil, err)
		})
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add(fine, `{"responses":{"person":{"status":200,"results":[{"id":"a","caption":"Anna","score":0.5,"properties":{"name":["Anna Eriksson",{"id":"b"}],"birthDate":["1974-08-12T00:00:00"]},"features":{"f":1e300}}]}}}`)
	f.Add(`{"datasets":[{"name":"sanctions","index_version":"20261125180300-abc"}]}`, `{"responses":{"person":{"status":200,"results":[{"id":"a","score":1,"properties":{"name":[null]}}]}}}`)
	f.Add(`[]`, `{}`)
	f.Fuzz(func(t *testing.T, catalog, match string) {
		y, err := yente.New(yente.Config{URL: "http://localhost", Dataset: "sanctions", Now: time.Now, Client: &http.Client{Transport: says{catalog, match}}})
		require.NoError(t, err)
		got, _, err := y.Match(context.Background(), anna)
		if err != nil {
			require.ErrorIs(t, err, yente.ErrAway)
			require.Nil(t, got)
			return
		}
		for _, m := range got {
			require.NotEmpty(t, m.Entity)
			require.True(t, m.Score >= 0 && m.Score <= 100)
			_ = m.Explain()
		}
	})
}

// says answers without a network.
type says struct{ catalog, match string }

func (s says) RoundTrip(r *http.Request) (*http.Response, error) {
	text := s.match
	if r.Method == http.MethodGet {
		text = s.catalog
	}
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(text)), Request: r}, nil
}
