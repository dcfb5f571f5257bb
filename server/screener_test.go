package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/server/aml/yente/yentetest"
	"vestibule/server/centre"
	"vestibule/server/kiosktest"
	"vestibule/server/store"
)

// TestAnExternalScreenerStandsIn runs whole centres that ask one: while it is away
// people wait, visibly; then who is on it is held and who is not is approved.
func TestAnExternalScreenerStandsIn(t *testing.T) {
	for name, url := range map[string]func() string{
		"with SQLite":     func() string { return "" },
		"with PostgreSQL": func() string { return cluster.Database(t) },
	} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			y := yentetest.New("k3y", yentetest.Person{ID: "NK-1", Name: "John Smith", Birth: "1974-08-12", Score: .93})
			defer y.Close()
			y.Away(true)
			key := filepath.Join(t.TempDir(), "key")
			require.NoError(t, os.WriteFile(key, []byte("k3y\n"), 0o600))
			c := startCentre(t, url(), io.Discard, func(s *settings) {
				s.screener, s.screenerKey, s.metrics = y.URL, key, "127.0.0.1:0"
			})
			apply := func(version string, wait time.Duration) {
				p := journey.DefaultPolicy()
				p.Version, p.Project, p.Recheck, p.AML.Wait = version, "default", false, wait
				require.NoError(t, c.store.Write(ctx, func(tx *store.Tx) error { return tx.SavePolicy(ctx, p, time.Now()) }))
			}
			apply("t2", 0)
			k := c.kiosk("hall-1")
			anna := kiosktest.Anna("hall-1", "s-anna", time.Now())
			k.visit("s-anna", anna)
			require.Eventually(t, func() bool {
				said, err := c.waiting(ctx, anna.ID)
				return err == nil && strings.HasPrefix(said, centre.ProblemScreener)
			}, time.Minute, 20*time.Millisecond, "it waits, and the console and the API say why")
			ready := readAll(t, c.base+"/readyz")
			require.Contains(t, ready, `"screener":{"ok":false,"code":"screener_away"`)
			require.Contains(t, readAll(t, "http://"+c.asked.Addr().String()+"/metrics"), "vestibule_screener_up 0")
			state, err := c.listed(ctx)
			require.NoError(t, err)
			require.Contains(t, state.Trouble(), "external screener does not answer")
			_, found := diagnose(t, exitFailed, "-data", c.data, "-db", c.url, "-screener", y.URL, "-screener-key", key, "-vision=false", "-mqtt", "127.0.0.1:0", "-http", "127.0.0.1:0")
			require.Equal(t, critical, found["screener screener_away"])

			y.Away(false)
			require.Equal(t, journey.Approved, k.verdict("s-anna").Decision)
			require.Contains(t, readAll(t, "http://"+c.asked.Addr().String()+"/metrics"), "vestibule_screener_up 1")
			john := kiosktest.Anna("hall-1", "s-john", time.Now())
			john.Document.Person.FamilyName, john.Document.Person.GivenNames, john.Document.Number = "SMITH", "JOHN", "X7654321"
			k.visit("s-john", john)
			v := k.verdict("s-john")
			require.Equal(t, journey.Pending, v.Decision)
			require.Equal(t, journey.ReasonCustomPolicy, v.Reason)
			results, err := answers{c.store.Read(), c.vault}.Results(ctx, []store.Submission{{ID: john.ID, Project: john.Project}})
			require.NoError(t, err)
			kept := results[john.ID]
			require.Equal(t, "High", kept.Risk)
			var shown struct {
				Index   string
				Matches []struct{ Entity, Source, Explanation string }
			}
			require.NoError(t, json.Unmarshal(kept.Result, &shown))
			require.Contains(t, shown.Index, "yente/sanctions:20261125180300-abc")
			require.Len(t, shown.Matches, 1)
			require.Contains(t, shown.Matches[0].Explanation, "smith and smith are equal")

			// A person finds that he is another John Smith: that holds until the entry changes.
			run(t, "list", "clear", "-data", c.data, "-db", c.url, "-why", "another date of birth in the register", john.ID, "yente/sanctions", "NK-1")
			kept, err = c.store.Read().Screening(ctx, john.ID)
			require.NoError(t, err)
			require.Equal(t, "Clear", kept.Status)

			// By policy somebody waits only so long, and is then held: never clear.
			y.Away(true)
			apply("t3", time.Millisecond)
			late := kiosktest.Anna("hall-1", "s-late", time.Now())
			late.Document.Person.FamilyName, late.Document.Number = "LATE", "X1111111"
			k.visit("s-late", late)
			v = k.verdict("s-late")
			require.Equal(t, journey.Pending, v.Decision)
			_, err = c.store.Read().Screening(ctx, late.ID)
			require.ErrorIs(t, err, store.ErrNotFound)
		})
	}
}

func readAll(t *testing.T, url string) string {
	t.Helper()
	res, err := http.Get(url) //nolint:gosec // of the centre under test
	require.NoError(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return string(text)
}
