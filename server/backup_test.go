package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/server/kiosktest"
)

// TestACentreThatIsLostComesBackFromItsBackup takes a backup while a kiosk sends, loses the centre, restores it, and
// has the kiosk go on: what the backup holds is proven and decided once, and what comes later is taken.
func TestACentreThatIsLostComesBackFromItsBackup(t *testing.T) {
	dir := t.TempDir()
	data, broker := filepath.Join(dir, "centre"), freePort(t)
	key := run(t, "init", "-data", data)
	policy := filepath.Join(dir, "policy.json")
	require.NoError(t, os.WriteFile(policy, []byte(`{"version":"t1","recheck":false,"aml":{"screen":false,"flag":85}}`), 0o600))
	run(t, "policy", "apply", "-data", data, policy)
	bundle := filepath.Join(dir, "bundle")
	run(t, "kiosk", "add", "-data", data, "-name", "hall-1", "-country", "UTO", "-broker", broker, "-out", bundle)
	serve := func(data string) (base string, stop func()) {
		c, err := prepare(context.Background(), settings{data: data, mqtt: broker, http: "127.0.0.1:0"}, slog.New(slog.NewJSONHandler(io.Discard, nil)))
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(context.Background())
		stopped := make(chan error, 1)
		go func() { stopped <- c.run(ctx) }()
		base = "http://" + c.listener.Addr().String()
		require.Eventually(t, func() bool { return status(base+"/readyz") == http.StatusOK }, time.Minute, 20*time.Millisecond)
		return base, func() {
			cancel()
			require.NoError(t, <-stopped)
		}
	}
	_, stop := serve(data)
	k := newKiosk(t, bundle)
	k.visit("s-anna", kiosktest.Anna("hall-1", "s-anna", time.Now()))
	require.Equal(t, journey.Approved, k.verdict("s-anna").Decision)

	file := filepath.Join(dir, "centre.backup")
	require.Contains(t, run(t, "backup", "-data", data, "-out", file), "files")
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode(), "keys are in it")
	left, err := filepath.Glob(file + ".*")
	require.NoError(t, err)
	require.Empty(t, left)
	k.visit("s-berta", other("hall-1", "s-berta", 2)) // after the backup: the lost centre alone knew of it
	require.Equal(t, journey.Approved, k.verdict("s-berta").Decision)
	stop()
	require.NoError(t, os.RemoveAll(data))

	again := filepath.Join(dir, "again")
	run(t, "restore", "-data", again, "-from", file)
	run(t, "verify", "-data", again, "-journey", "s-anna")
	base, stop := serve(again)
	defer stop()
	k.visit("s-carla", other("hall-1", "s-carla", 3))
	require.Equal(t, journey.Approved, k.verdict("s-carla").Decision, "the kiosk goes on in a new epoch")
	run(t, "verify", "-data", again, "-journey", "s-carla")
	for _, session := range []string{"s-anna", "s-carla"} {
		a := ask(t, base+"/journeys/"+session, key)
		require.Equal(t, "APPROVED", a["decision"], session)
	}

	// A backup that is not whole restores nothing.
	whole, err := os.ReadFile(file)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		content []byte
		code    string
	}{
		"half":  {whole[:len(whole)/2], "backup_half"},
		"other": {[]byte("holiday"), "backup_format"},
	} {
		bad, into := filepath.Join(dir, name), filepath.Join(dir, "into-"+name)
		require.NoError(t, os.WriteFile(bad, c.content, 0o600))
		require.Contains(t, fails(t, "restore", "-data", into, "-from", bad), c.code)
		require.NoDirExists(t, into)
		require.NoDirExists(t, into+".restoring")
	}
	require.Contains(t, fails(t, "restore", "-data", again, "-from", file), "data_exists", "a centre is never restored over another")
	require.Contains(t, fails(t, "backup", "-data", again, "-out", file), "backup_exists")
}

func TestACentreOnPostgreSQLIsBackedUpAndMovesAsOneOnSQLiteDoes(t *testing.T) {
	dir, url := t.TempDir(), cluster.Database(t)
	data, file := filepath.Join(dir, "centre"), filepath.Join(dir, "centre.backup")
	run(t, "init", "-data", data, "-db", url)
	run(t, "kiosk", "add", "-data", data, "-db", url, "-name", "hall-1", "-country", "UTO", "-broker", "127.0.0.1:1", "-out", filepath.Join(dir, "bundle"))
	run(t, "backup", "-data", data, "-db", url, "-out", file)
	small := filepath.Join(dir, "small")
	run(t, "restore", "-data", small, "-from", file)
	require.Contains(t, run(t, "kiosk", "list", "-data", small), "hall-1", "into SQLite")
	other := cluster.Database(t)
	run(t, "restore", "-data", filepath.Join(dir, "again"), "-db", other, "-from", file)
	require.Contains(t, run(t, "kiosk", "list", "-data", filepath.Join(dir, "again"), "-db", other), "hall-1", "into PostgreSQL")
	require.NoFileExists(t, filepath.Join(dir, "again", "centre.db"))
	require.FileExists(t, filepath.Join(dir, "again", "keys", "data.key"))
	require.Contains(t, fails(t, "restore", "-data", filepath.Join(dir, "third"), "-db", other, "-from", file), "database_used")

	// The database by other means: keys and pictures are in the file, and the ledger is applied to what was brought back.
	bare := filepath.Join(dir, "bare.backup")
	run(t, "backup", "-data", data, "-db", url, "-database=false", "-out", bare)
	require.Contains(t, fails(t, "restore", "-data", filepath.Join(dir, "fourth"), "-from", bare), "database_unnamed")
	run(t, "restore", "-data", filepath.Join(dir, "fourth"), "-db", url, "-from", bare)
}

// fails runs a command that must fail, and gives what it said.
func fails(t *testing.T, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	require.Equal(t, exitFailed, command(args, &out, &errs), out.String())
	require.Contains(t, errs.String(), "hint:")
	return errs.String()
}
