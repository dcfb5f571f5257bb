package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"net/http"
	neturl "net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/server/audit"
	"vestibule/server/kiosktest"
	"vestibule/server/store"
)

// raw opens a centre's database past the programs.
func raw(t *testing.T, data, url string) *sql.DB {
	t.Helper()
	driver, dsn := "pgx", url
	if url == "" {
		driver, dsn = "sqlite3", filepath.Join(data, store.SQLiteFile)
	}
	db, err := sql.Open(driver, dsn)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// TestTheHeadsInTheLogFindATrailThatWasMadeAnew runs a centre, keeps its log, and has somebody with the database in their
// hands change a line and work everything out again.
func TestTheHeadsInTheLogFindATrailThatWasMadeAnew(t *testing.T) {
	for name, db := range map[string]func() string{
		"with SQLite":     func() string { return "" },
		"with PostgreSQL": func() string { return cluster.Database(t) },
	} {
		t.Run(name, func(t *testing.T) {
			url := db()
			var logged log
			c := startCentre(t, url, &logged, func(s *settings) { s.metrics = "127.0.0.1:0" })
			audrey := enters(t, c.base, run(t, "user", "add", "-data", c.data, "-db", url, "-name", "audrey", "-role", "auditor"))
			resp, err := http.PostForm(c.base+"/console/login", neturl.Values{"key": {"vu_wrong"}})
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			require.Equal(t, http.StatusForbidden, resp.StatusCode)
			code, page := get(t, audrey, c.base+"/console/audit?what=log-in")
			require.Equal(t, http.StatusOK, code)
			require.Contains(t, page, ">audrey</a>")
			require.Contains(t, page, "log-in refused")
			require.NotContains(t, page, "vu_wrong")
			rita := enters(t, c.base, run(t, "user", "add", "-data", c.data, "-db", url, "-name", "rita", "-role", "reviewer"))
			code, _ = get(t, rita, c.base+"/console/audit")
			require.Equal(t, http.StatusForbidden, code)
			admin := enters(t, c.base, c.key)
			code, page = get(t, admin, c.base+"/console/audit?what=policy")
			require.Equal(t, http.StatusOK, code)
			require.Contains(t, page, "policy apply")
			head, err := c.store.Read().AuditHead(t.Context())
			require.NoError(t, err)
			require.Contains(t, string(fetch(t, "http://"+c.asked.Addr().String()+"/metrics", "")), "\nvestibule_audit_lines "+strings.Split(head.String(), ":")[0]+"\n")
			// Tried keys beyond the tenth are told by their number when the centre stops.
			for range 13 {
				enters2(t, c.base, "vu_wrong")
			}
			c.stop()

			file := filepath.Join(t.TempDir(), "serve.log")
			require.NoError(t, os.WriteFile(file, []byte(logged.String()), 0o600))
			require.Equal(t, 2, strings.Count(logged.String(), `"msg":"audit head"`), "at the start and at the end")
			args := []string{"verify", "-data", c.data, "-db", url, "-audit"}
			said := run(t, append(args, "-heads", file)...)
			require.Contains(t, said, "noted heads met\t2 of 2\nproven")
			require.Contains(t, run(t, "audit", "list", "-data", c.data, "-db", url, "-n", "1"), "\tunknown\tlog-in refused: 4 more\tconsole")

			// A head that another key signed is not taken for the centre's.
			forged := strings.Replace(logged.String(), `"head":"`, `"head":"1`, 1)
			bad := filepath.Join(t.TempDir(), "forged.log")
			require.NoError(t, os.WriteFile(bad, []byte(forged), 0o600))
			require.Contains(t, fails(t, append(args, "-heads", bad)...), "heads_unreadable")

			// The line that tells of the refused log-in becomes another one, and all after it fits again.
			s, err := store.Open(t.Context(), dsnOf(c.data, url))
			require.NoError(t, err)
			lines, err := s.Read().AuditLines(t.Context(), store.AuditFilter{Oldest: true, Limit: 1000})
			require.NoError(t, err)
			require.NoError(t, s.Close())
			writer := raw(t, c.data, url)
			var before audit.Hash
			changed := false
			for _, l := range lines {
				if l.What == "log-in refused" {
					l.Who, l.What, changed = "audrey", "log-in", true
				}
				l.Hash = l.Sum(before)
				before = l.Hash
				_, err := writer.Exec(`UPDATE audit SET who = $1, what = $2, hash = $3 WHERE n = $4`, l.Who, l.What, l.Hash[:], l.N)
				require.NoError(t, err)
			}
			require.True(t, changed)
			_, err = writer.Exec(`UPDATE audit_head SET hash = $1`, before[:])
			require.NoError(t, err)
			require.Contains(t, run(t, args...), "proven", "it holds in itself")
			require.Contains(t, fails(t, append(args, "-heads", file)...), "made anew at line")
		})
	}
}

func dsnOf(data, url string) string {
	if url != "" {
		return url
	}
	return data
}

// enters2 tries a key that is not let in.
func enters2(t *testing.T, base, key string) {
	t.Helper()
	resp, err := http.PostForm(base+"/console/login", neturl.Values{"key": {key}})
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusForbidden, resp.StatusCode)
}

// TestEveryCommandThatChangesSomethingIsNoted runs them and reads the trail.
func TestEveryCommandThatChangesSomethingIsNoted(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "centre")
	run(t, "init", "-data", data)
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	do := func(args ...string) string { return run(t, append(args, "-data", data)...) }
	var want []string
	noted := func(what, target string, args ...string) string {
		out := do(args...)
		want = append(want, what+"|"+target)
		return out
	}
	noted("policy apply", "default t1", "policy", "apply", write("p1.json", `{"version":"t1","recheck":false}`))
	noted("policy apply", "default t2", "policy", "apply", write("p2.json", `{"version":"t2","recheck":false}`))
	noted("policy rollback", "default t1", "policy", "rollback", "t1")
	noted("user add reviewer", "anna", "user", "add", "-name", "anna", "-role", "reviewer")
	noted("user disable", "anna", "user", "disable", "anna")
	noted("kiosk add", "hall-1", "kiosk", "add", "-name", "hall-1", "-country", "UTO", "-broker", "localhost:8883", "-out", filepath.Join(dir, "bundle"))
	noted("kiosk token", "hall-2", "kiosk", "add", "-name", "hall-2", "-country", "UTO", "-broker", "localhost:8883")
	noted("kiosk revoke", "hall-1", "kiosk", "revoke", "hall-1")
	noted("key add submissions:read", "*", "key", "add", "-name", "partner", "-scope", "submissions:read")
	list := write("un.xml", unList)
	snapshot := ""
	noted("list import", "*", "list", "import", "-kind", "un-xml", list)
	lines := strings.Split(do("audit", "list", "-n", "2"), "\n")
	fields := strings.Split(lines[0], "\t")
	snapshot = fields[len(fields)-1]
	key := strings.Split(lines[1], "\t")
	want = append(want, "key revoke|"+key[len(key)-1])
	do("key", "revoke", key[len(key)-1])
	noted("list rescreen", "un_sc "+snapshot, "list", "rescreen", "un_sc")
	noted("list withdraw", "un_sc "+snapshot, "list", "withdraw", "un_sc")
	hook, _, _ := strings.Cut(noted("webhook add decision", "*", "webhook", "add", "-url", "https://partner.example/"), "\t")
	noted("webhook rotate", hook, "webhook", "rotate", hook)
	noted("webhook test", hook, "webhook", "test", hook)
	noted("webhook disable", hook, "webhook", "disable", hook)
	noted("audit export", "", "audit", "export", "-out", filepath.Join(dir, "trail.jsonl"))
	noted("backup", "*", "backup", "-out", filepath.Join(dir, "centre.backup"))

	s, err := store.Open(t.Context(), data)
	require.NoError(t, err)
	defer s.Close()
	all, err := s.Read().AuditLines(t.Context(), store.AuditFilter{Oldest: true, After: 1, Limit: 1000})
	require.NoError(t, err)
	var got []string
	for i, l := range all {
		target := l.Target
		if i < len(want) && strings.HasSuffix(want[i], "|*") {
			require.NotEmpty(t, target)
			target = "*"
		}
		require.Equal(t, "command line", l.Who)
		got = append(got, l.What+"|"+target)
	}
	require.Equal(t, want, got)
	require.Contains(t, do("verify", "-audit"), "proven")
}

// TestAPictureThatCannotBeNotedIsNotShown takes the head away, without which nothing can be noted.
func TestAPictureThatCannotBeNotedIsNotShown(t *testing.T) {
	var logged log
	c := startCentre(t, "", &logged, nil)
	k := c.kiosk("hall-1")
	anna := kiosktest.Anna("hall-1", "s-anna", time.Now())
	k.visit("s-anna", anna)
	k.verdict("s-anna")
	pictures := run(t, "key", "add", "-data", c.data, "-scope", "images:read,submissions:read")
	link := ask(t, c.base+"/submission?submission_id="+anna.ID, pictures)["image"].(map[string]any)["selfieImage"].(string)
	require.Equal(t, kiosktest.JPEG(), fetch(t, c.base+link, pictures))
	read, err := c.store.Read().AuditLines(context.Background(), store.AuditFilter{What: "image read", Target: anna.ID, Limit: 10})
	require.NoError(t, err)
	require.Len(t, read, 1)
	_, err = raw(t, c.data, "").Exec(`DELETE FROM audit_head`)
	require.NoError(t, err)
	require.Equal(t, http.StatusInternalServerError, status2(c.base+link, pictures))
	var out, errs bytes.Buffer
	require.Equal(t, exitFailed, command([]string{"key", "add", "-data", c.data, "-scope", "admin"}, &out, &errs))
	require.Empty(t, out.String(), "no key that nobody knows of")
	require.Contains(t, fails(t, "verify", "-data", c.data, "-audit"), "the head is missing")
	_, err = c.store.Read().AuditHead(context.Background())
	require.True(t, errors.Is(err, store.ErrNotFound))
}
