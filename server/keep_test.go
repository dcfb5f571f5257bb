package main

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	seals "filippo.io/age"
	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/server/kiosktest"
	"vestibule/server/store"
)

// TestAPersonIsForgottenByTheRealProgramsAndByTheirBackups holds, exports, erases and restores through the commands, while
// the centre runs and a kiosk sends.
func TestAPersonIsForgottenByTheRealProgramsAndByTheirBackups(t *testing.T) {
	for name, url := range map[string]func(*testing.T) string{
		"on SQLite":     func(*testing.T) string { return "" },
		"on PostgreSQL": func(t *testing.T) string { return cluster.Database(t) },
	} {
		t.Run(name, func(t *testing.T) { forget(t, url) })
	}
}

func forget(t *testing.T, url func(*testing.T) string) {
	dir, db := t.TempDir(), url(t)
	data, broker := filepath.Join(dir, "centre"), freePort(t)
	key := strings.TrimSpace(run(t, "init", "-data", data, "-db", db))
	policy := filepath.Join(dir, "policy.json")
	require.NoError(t, os.WriteFile(policy, []byte(`{"version":"t1","recheck":false,"aml":{"screen":false,"flag":85},"retention":{"pictures":"720h"}}`), 0o600))
	run(t, "policy", "apply", "-data", data, "-db", db, policy)
	bundle := filepath.Join(dir, "bundle")
	run(t, "kiosk", "add", "-data", data, "-db", db, "-name", "hall-1", "-country", "UTO", "-broker", broker, "-out", bundle)
	serve := func(data, db string) (base string, stop func()) {
		c, err := prepare(context.Background(), settings{data: data, db: db, mqtt: broker, http: "127.0.0.1:0"}, slog.New(slog.NewJSONHandler(io.Discard, nil)))
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
	base, stop := serve(data, db)
	k := newKiosk(t, bundle)
	anna := kiosktest.Anna("hall-1", "s-anna", time.Now())
	anna.Email, anna.Document.Number = "anna@example.org", "ANNADOC77"
	k.visit("s-anna", anna)
	require.Equal(t, journey.Approved, k.verdict("s-anna").Decision)
	k.visit("s-berta", other("hall-1", "s-berta", 2))
	require.Equal(t, journey.Approved, k.verdict("s-berta").Decision)

	row := submissionOf(t, data, db, anna.ID)
	secrets := map[string][]byte{"sealed": row.Sealed[40:100], "private": row.Private[20:80], "key": []byte(row.Keys.Document), "e-mail": []byte(row.Keys.Email), "number": []byte("ANNADOC77")}

	backups, keys := filepath.Join(dir, "old.backup"), filepath.Join(dir, "elsewhere.keys")
	run(t, "backup", "-data", data, "-db", db, "-out", backups, "-keys", keys)
	oldKeys, err := os.ReadFile(keys)
	require.NoError(t, err)
	for what, secret := range secrets {
		require.Empty(t, inArchive(t, backups, secret), what+" lies open in the backup")
		require.NotContains(t, string(oldKeys), string(secret), what)
	}

	// Export, with a passphrase.
	words := filepath.Join(dir, "words")
	require.NoError(t, os.WriteFile(words, []byte("correct horse battery\n"), 0o600))
	handed := filepath.Join(dir, "anna.zip.age")
	run(t, "export", "-data", data, "-db", db, "-email", "Anna@example.org", "-why", "person-asked", "-passphrase-file", words, "-out", handed)
	who, err := seals.NewScryptIdentity("correct horse battery")
	require.NoError(t, err)
	f, err := os.Open(handed)
	require.NoError(t, err)
	plain, err := seals.Decrypt(f, who)
	require.NoError(t, err)
	head := make([]byte, 2)
	_, err = io.ReadFull(plain, head)
	require.NoError(t, err)
	require.Equal(t, "PK", string(head))
	require.NoError(t, f.Close())
	require.Contains(t, fails(t, "export", "-data", data, "-db", db, "-submission", anna.ID, "-why", "person-asked", "-out", filepath.Join(dir, "open.zip")), "export_open")
	require.NoFileExists(t, filepath.Join(dir, "open.zip"))

	// A dry run first; a hold; then really.
	listed := run(t, "erase", "-data", data, "-db", db, "-email", "anna@example.org")
	require.Contains(t, listed, anna.ID)
	require.Contains(t, listed, "to go")
	require.NotEmpty(t, submissionOf(t, data, db, anna.ID).Private, "nothing goes without -yes")
	hold := strings.Fields(run(t, "hold", "add", "-data", data, "-db", db, "-submission", anna.ID, "-why", "file 3"))[0]
	require.Contains(t, run(t, "hold", "list", "-data", data, "-db", db), "file 3")
	require.Contains(t, fails(t, "erase", "-data", data, "-db", db, "-email", "anna@example.org", "-why", "person-asked", "-yes"), "erase_held")
	run(t, "hold", "remove", "-data", data, "-db", db, hold)
	require.Contains(t, fails(t, "erase", "-data", data, "-db", db, "-submission", anna.ID, "-why", "anna asked", "-yes"), "erase_reason")
	require.Contains(t, fails(t, "erase", "-data", data, "-db", db, "-why", "person-asked", "-yes"), "person_unclear")
	require.Contains(t, run(t, "erase", "-data", data, "-db", db, "-email", "anna@example.org", "-why", "person-asked", "-yes"), "erased")
	require.Contains(t, fails(t, "erase", "-data", data, "-db", db, "-email", "anna@example.org"), "person_unknown")
	require.Contains(t, run(t, "retention", "preview", "-data", data, "-db", db), "720h0m0s")
	run(t, "verify", "-data", data, "-db", db, "-journey", "s-anna")
	got := ask(t, base+"/submission?submission_id="+anna.ID, key)
	require.NotEmpty(t, got["erased_at"])
	require.NotContains(t, got, "data")
	require.Equal(t, "approved", got["kyc"].(map[string]any)["result"])
	run(t, "backup", "keys", "-data", data, "-db", db, "-keys", keys)
	stop()

	for what, secret := range secrets {
		require.NoError(t, filepath.WalkDir(data, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := os.ReadFile(path)
			require.NotContains(t, string(b), string(secret), what+" in "+path)
			return err
		}))
	}

	// The backup from before comes back without the person, and never without the newest keys.
	require.Contains(t, fails(t, "restore", "-data", filepath.Join(dir, "none"), "-from", backups), "keys_unreadable")
	cut := filepath.Join(dir, "cut.keys")
	require.NoError(t, os.WriteFile(cut, oldKeys[:len(oldKeys)-40], 0o600))
	require.Contains(t, fails(t, "restore", "-data", filepath.Join(dir, "none"), "-from", backups, "-keys", cut), "keys_altered")
	require.Contains(t, fails(t, "backup", "keys", "-data", data, "-db", db, "-keys", cut), "keys_foreign", "nor is anything else written over")
	again, fresh := filepath.Join(dir, "again"), url(t)
	run(t, "restore", "-data", again, "-db", fresh, "-from", backups, "-keys", keys)
	back := submissionOf(t, again, fresh, anna.ID)
	require.Equal(t, store.StandErased, back.Stand)
	require.Empty(t, back.Private)
	require.Empty(t, back.Keys)
	run(t, "verify", "-data", again, "-db", fresh, "-journey", "s-anna")
	run(t, "verify", "-data", again, "-db", fresh, "-journey", "s-berta")
	require.NoDirExists(t, filepath.Join(again, "locked"))
	base, stop = serve(again, fresh)
	defer stop()
	got = ask(t, base+"/submission?submission_id="+anna.ID, key)
	require.NotEmpty(t, got["erased_at"])

	// A later backup does not open with earlier keys: whoever came between would be lost.
	later := filepath.Join(dir, "later.backup")
	run(t, "backup", "-data", again, "-db", fresh, "-out", later, "-keys", filepath.Join(dir, "later.keys"))
	require.Contains(t, fails(t, "restore", "-data", filepath.Join(dir, "none"), "-from", later, "-keys", keys), "keys_older")
	require.NoDirExists(t, filepath.Join(dir, "none"))
}

func submissionOf(t *testing.T, data, db, id string) store.Submission {
	t.Helper()
	s, err := open(t.Context(), data, db)
	require.NoError(t, err)
	defer s.Close()
	row, err := s.Read().Submission(t.Context(), id)
	require.NoError(t, err)
	return row
}

// inArchive tells in which files of a backup some bytes are.
func inArchive(t *testing.T, path string, needle []byte) []string {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	var found []string
	r, files := tar.NewReader(f), 0
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		b, err := io.ReadAll(r)
		require.NoError(t, err)
		files++
		if bytes.Contains(b, needle) {
			found = append(found, h.Name)
		}
	}
	require.Greater(t, files, 5)
	return found
}
