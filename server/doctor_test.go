package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/models/manifest"
	"vestibule/server/kiosktest"
	"vestibule/server/store"
	"vestibule/sync/wire"
)

// diagnose runs the doctor and gives what it found, by subject and code.
func diagnose(t *testing.T, want int, args ...string) (diagnosis, map[string]grade) {
	t.Helper()
	var out, errs bytes.Buffer
	require.Equal(t, want, command(append([]string{"doctor", "-json"}, args...), &out, &errs), out.String()+errs.String())
	var d diagnosis
	require.NoError(t, json.Unmarshal(out.Bytes(), &d), errs.String())
	found := map[string]grade{}
	for _, f := range d.Findings {
		found[strings.TrimSuffix(f.Subject+" "+f.Code, " ")] = f.Grade
		require.NotEmpty(t, f.Message)
		require.True(t, f.Code == "" || f.Hint != "", "%s says what to do", f.Code)
	}
	return d, found
}

func TestTheDoctorKnowsARunningCentreOnBothDatabases(t *testing.T) {
	for name, db := range map[string]func() string{
		"with SQLite":     func() string { return "" },
		"with PostgreSQL": func() string { return cluster.Database(t) },
	} {
		t.Run(name, func(t *testing.T) {
			c := startCentre(t, db(), io.Discard, func(s *settings) { s.metrics = "127.0.0.1:0" })
			k := c.kiosk("hall-1")
			k.visit("s-anna", kiosktest.Anna("hall-1", "s-anna", time.Now()))
			require.NotEmpty(t, k.verdict("s-anna").Decision)
			args := []string{
				"-data", c.data, "-db", c.url, "-vision=false", "-mqtt", c.broker.Addr(), "-http", c.listener.Addr().String(), "-metrics", c.asked.Addr().String(),
			}
			d, found := diagnose(t, exitDone, args...)
			for _, subject := range []string{"settings", "folders", "keys", "certificates", "database", "stored data", "rotation", "clock", "kiosks", "jobs", "webhooks", "broker", "http", "metrics"} {
				require.Equal(t, fine, found[subject], "%s: %v", subject, d.Findings)
			}
			said, err := json.Marshal(d)
			require.NoError(t, err)
			require.Contains(t, string(said), "is served by this centre")
			require.Contains(t, string(said), "the newest submission opens")
			for _, secret := range []string{"ERIKSSON", "L898902C3", "1974-08-12"} {
				require.NotContains(t, string(said), secret)
			}

			// Another centre's keys do not fit to this one's database; its broker is not this one's.
			other := filepath.Join(t.TempDir(), "other")
			run(t, "init", "-data", other)
			if c.url == "" {
				c.stop()
				for _, f := range []string{"", "-wal", "-shm"} {
					text, err := os.ReadFile(filepath.Join(c.data, store.SQLiteFile+f))
					if err != nil {
						require.NoError(t, os.RemoveAll(filepath.Join(other, store.SQLiteFile+f)))
						continue
					}
					require.NoError(t, os.WriteFile(filepath.Join(other, store.SQLiteFile+f), text, 0o600))
				}
			}
			_, found = diagnose(t, exitFailed, "-data", other, "-db", c.url, "-vision=false", "-mqtt", c.broker.Addr(), "-http", "127.0.0.1:0")
			require.Equal(t, critical, found["stored data keys_foreign"])
			require.Equal(t, critical, found["stored data seal_foreign"])
			if c.url != "" {
				require.Equal(t, critical, found["broker broker_port_in_use"], "it does not take the other centre's certificate")
			}
		})
	}
}

func TestTheDoctorTellsWhatWaitsAndWhatWasGivenUp(t *testing.T) {
	for name, dsn := range map[string]func(data string) string{
		"with SQLite":     func(string) string { return "" },
		"with PostgreSQL": func(string) string { return cluster.Database(t) },
	} {
		t.Run(name, func(t *testing.T) {
			data := filepath.Join(t.TempDir(), "centre")
			url := dsn(data)
			run(t, "init", "-data", data, "-db", url)
			ctx, now := context.Background(), time.Now()
			s, err := open(ctx, data, url)
			require.NoError(t, err)
			kiosktest.Enrol(t, s, "hall-1")
			require.NoError(t, s.Write(ctx, func(tx *store.Tx) error {
				if _, err := tx.HoldKiosk(ctx, "hall-1", now.Add(time.Hour), time.Time{}); err != nil {
					return err
				}
				if err := tx.Enqueue(ctx, "j1", "decide", "late", now.Add(-time.Hour), now); err != nil {
					return err
				}
				if err := tx.SaveStream(ctx, store.Stream{Kiosk: "hall-1", Epoch: "e", Refused: wire.RefusedChain, Head: []byte{1}}, now); err != nil {
					return err
				}
				if err := tx.AddDelivery(ctx, store.Delivery{ID: "d", Webhook: "w", Body: []byte("{}")}, now.Add(-2*time.Hour)); err != nil {
					return err
				}
				if err := tx.Quarantine(ctx, store.Quarantined{ID: "q", Kiosk: "hall-1", Epoch: "e", Seq: 1, Kind: 1, RecordID: "r", Why: "seal", Body: []byte{}, Received: now}); err != nil {
					return err
				}
				p := journey.DefaultPolicy()
				p.Version, p.Project, p.AML.Screen = "t1", "default", false
				return tx.SavePolicy(ctx, p, now)
			}))
			dead := func(id string) {
				require.NoError(t, s.Write(ctx, func(tx *store.Tx) error {
					if err := tx.Enqueue(ctx, id, "settle", id, now.Add(-2*time.Hour), now); err != nil {
						return err
					}
					j, err := tx.ClaimJob(ctx, now, time.Minute)
					if err != nil {
						return err
					}
					return tx.RetryJob(ctx, j, "unexpected", now, now, true)
				}))
			}
			dead("j2")
			require.NoError(t, s.Close())
			_, found := diagnose(t, exitFailed, "-data", data, "-db", url, "-vision=false", "-mqtt", "127.0.0.1:0", "-http", "127.0.0.1:0")
			require.Equal(t, critical, found["clock clock_behind"])
			for _, what := range []string{"jobs jobs_wait", "jobs jobs_given_up", "kiosks stream_refused", "quarantine quarantined", "webhooks deliveries_wait"} {
				require.Equal(t, warning, found[what], "%s: %v", what, found)
			}
		})
	}
}

func TestTheDoctorChangesNothing(t *testing.T) {
	data := filepath.Join(t.TempDir(), "centre")
	run(t, "init", "-data", data)
	path := filepath.Join(data, store.SQLiteFile)
	// A database of an older release stays one.
	db, err := sql.Open("sqlite3", path)
	require.NoError(t, err)
	_, err = db.Exec(`DELETE FROM goose_db_version WHERE version_id = (SELECT MAX(version_id) FROM goose_db_version)`)
	require.NoError(t, err)
	require.NoError(t, db.Close())
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	_, found := diagnose(t, exitDone, "-data", data, "-vision=false", "-mqtt", "127.0.0.1:0", "-http", "127.0.0.1:0")
	require.Equal(t, notice, found["database database_older"])
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, sha256.Sum256(before), sha256.Sum256(after))

	db, err = sql.Open("sqlite3", path)
	require.NoError(t, err)
	_, err = db.Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)`)
	require.NoError(t, err)
	require.NoError(t, db.Close())
	_, found = diagnose(t, exitFailed, "-data", data, "-vision=false", "-mqtt", "127.0.0.1:0", "-http", "127.0.0.1:0")
	require.Equal(t, critical, found["database database_newer"])
}

func TestTheDoctorTriesTheWorker(t *testing.T) {
	data := filepath.Join(t.TempDir(), "centre")
	run(t, "init", "-data", data)
	e := &examination{settings: settings{data: data, vision: true, models: manifest.Dir()}, diagnosis: &diagnosis{Worst: fine}, now: time.Now}
	self, err := os.Executable()
	require.NoError(t, err)
	named := filepath.Join(t.TempDir(), "server") // under this name the test's program is the centre's: TestMain
	require.NoError(t, os.Symlink(self, named))
	e.worker = []string{named, "worker"}
	e.sight(context.Background())
	require.Equal(t, fine, e.Worst, "%v", e.Findings)
	require.Contains(t, e.Findings[0].Message, "the worker starts with")
	e.worker = []string{"/bin/false"}
	e.sight(context.Background())
	require.Equal(t, critical, e.Worst)
	require.Equal(t, "vision_worker_lost", e.Findings[1].Code)
}
