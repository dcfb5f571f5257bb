package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/server/kiosktest"
)

func TestWhoComesOnAListAfterTheirApprovalIsSeenByPeople(t *testing.T) {
	for name, db := range map[string]func() string{
		"with SQLite":     func() string { return "" },
		"with PostgreSQL": func() string { return cluster.Database(t) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			data, url := filepath.Join(dir, "centre"), db()
			key := run(t, "init", "-data", data, "-db", url)
			file := func(name, content string) string {
				path := filepath.Join(dir, name)
				require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
				return path
			}
			// on runs a command of lists on this centre.
			on := func(args ...string) string {
				return run(t, append([]string{"list", args[0], "-data", data, "-db", url}, args[1:]...)...)
			}
			run(t, "policy", "apply", "-data", data, "-db", url, file("policy.json", `{"version":"1","recheck":false}`))
			on("import", "-kind", "un-xml", file("un.xml", unList))
			c, err := prepare(context.Background(), settings{data: data, db: url, mqtt: "127.0.0.1:0", http: "127.0.0.1:0"}, slog.New(slog.NewJSONHandler(io.Discard, nil)))
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
			bundle := filepath.Join(dir, "bundle")
			run(t, "kiosk", "add", "-data", data, "-db", url, "-name", "hall-1", "-country", "UTO", "-broker", dialable(c.broker.Addr()), "-out", bundle)
			k := newKiosk(t, bundle)
			anna := kiosktest.Anna("hall-1", "s-anna", time.Now())
			k.visit("s-anna", anna)
			require.Equal(t, journey.Approved, k.verdict("s-anna").Decision)
			answer := func() (result, screened string, matches []any) {
				got := ask(t, base+"/submission?submission_id="+anna.ID, key)
				list := got["aml"].(map[string]any)
				matches, _ = list["matches"].([]any)
				return got["kyc"].(map[string]any)["result"].(string), list["currentstatus"].(string), matches
			}
			result, screened, _ := answer()
			require.Equal(t, "approved", result)
			require.Equal(t, "Clear", screened)

			// She comes on a list of the operator's own. (The import itself has her screened
			// again some minutes later; the command does not wait.)
			on("import", "-kind", "own-csv", "-as", "own-fraud", file("own.csv", "id,name,birth,country\n17,Anna Maria Eriksson,1974-08-12,UTO\n"))
			on("rescreen", "own-fraud")
			require.Eventually(t, func() bool { return on("hits") != "" }, time.Minute, 50*time.Millisecond)
			require.True(t, strings.HasPrefix(on("hits"), anna.ID+"\town-fraud\t17\t"), on("hits"))
			result, screened, matches := answer()
			require.Equal(t, "approved", result, "no decision is changed")
			require.Equal(t, "Red Flag", screened)
			require.Len(t, matches, 1)
			told := string(fetch(t, base+"/journeys/s-anna", key))
			require.Contains(t, told, "CENTRE_RESCREENED")
			require.NotContains(t, told, "ERIKSSON")
			require.Contains(t, string(fetch(t, base+"/submission?submission_id="+anna.ID, key)), "eriksson and eriksson are equal")
			require.Contains(t, string(fetch(t, base+"/readyz", key)), "list_hits_open")

			on("clear", "-why", "another place of birth", anna.ID, "own-fraud", "17")
			require.Empty(t, on("hits"))
			result, screened, matches = answer()
			require.Equal(t, "approved", result)
			require.Equal(t, "Clear", screened)
			require.Empty(t, matches)
			require.Contains(t, on("cleared"), anna.ID+"\town-fraud\t17\t")

			// Whoever withdraws all lists leaves nobody clear.
			on("withdraw", "own-fraud")
			on("withdraw", "un_sc")
			require.Eventually(t, func() bool { return status(base+"/readyz") == http.StatusServiceUnavailable }, time.Minute, 50*time.Millisecond)
		})
	}
}
