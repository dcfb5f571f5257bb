package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	neturl "net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/server/kiosktest"
)

// TestAHeldVisitIsDecidedByAPerson sends a visit that a list holds through the real
// outbox, broker, database and decider; a reviewer takes it up in the console, looks at
// the evidence, approves it; and kiosk, partner, API, journal and audit all hear of it.
func TestAHeldVisitIsDecidedByAPerson(t *testing.T) {
	for name, db := range map[string]func() string{
		"with SQLite":     func() string { return "" },
		"with PostgreSQL": func() string { return cluster.Database(t) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			data := filepath.Join(dir, "centre")
			url := db()
			key := run(t, "init", "-data", data, "-db", url)
			policy := filepath.Join(dir, "policy.json")
			require.NoError(t, os.WriteFile(policy, []byte(`{"version":"t1","recheck":false,"aml":{"screen":true,"flag":85,"hold":true},"review":{"undo":1500000000},"mail":{"decided":true,"held":true}}`), 0o600))
			run(t, "policy", "apply", "-data", data, "-db", url, policy)
			post, smtpAddr := newExchange(t)
			letters := mailSettings{server: smtpAddr, security: "none", from: "no-reply@registry.example"}
			require.NoError(t, letters.settle())
			list := filepath.Join(dir, "un.xml")
			require.NoError(t, os.WriteFile(list, []byte(unList), 0o600))
			run(t, "list", "import", "-data", data, "-db", url, "-kind", "un-xml", list)

			told := make(chan map[string]any, 10)
			partner := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				var body map[string]any
				if json.NewDecoder(r.Body).Decode(&body) == nil {
					told <- body["data"].(map[string]any)
				}
			}))
			defer partner.Close()
			run(t, "webhook", "add", "-data", data, "-db", url, "-url", partner.URL, "-webhook-allow", "127.0.0.0/8")
			allow, err := prefixes("127.0.0.0/8")
			require.NoError(t, err)

			var logged log
			c, err := prepare(context.Background(), settings{data: data, db: url, mqtt: "127.0.0.1:0", http: "127.0.0.1:0", allow: allow, mail: letters}, slog.New(slog.NewJSONHandler(&logged, nil)))
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

			listed := kiosktest.Anna("hall-1", "s-listed", time.Now())
			listed.Document.Person.FamilyName, listed.Document.Person.GivenNames = "EXAMPLE", "JOHN QUENTIN"
			listed.Document.Person.Birth, listed.Document.Number, listed.Document.Person.Gender = "1960-01-02", "Z0000001", "male"
			listed.Email, listed.Language = "john.q@people.example", "en"
			k.visit("s-listed", listed)
			require.Equal(t, journey.Pending, k.verdict("s-listed").Decision)
			require.Equal(t, "PENDING", next(t, told)["decision"])

			// The key of somebody who only looks decides nothing; a reviewer's does.
			one := base + "/console/review/" + listed.ID
			viewer := enters(t, base, run(t, "user", "add", "-data", data, "-db", url, "-name", "vera", "-role", "viewer"))
			code, page := sends(t, viewer, one+"/claim", nil)
			require.Equal(t, http.StatusForbidden, code, page)
			code, _ = sends(t, enters(t, base, key), one+"/claim", nil)
			require.Equal(t, http.StatusForbidden, code, "a partner's key is no person")
			anna := enters(t, base, run(t, "user", "add", "-data", data, "-db", url, "-name", "anna", "-role", "reviewer"))
			_, page = sends(t, anna, one+"/claim", nil)
			require.Contains(t, page, "CUSTOM_POLICY")
			require.NotContains(t, page, "EXAMPLE")

			_, page = sends(t, anna, one+"/reveal", neturl.Values{"why": {"judge-list-match"}, "what": {"data"}})
			require.Contains(t, page, "JOHN QUENTIN EXAMPLE")
			require.Contains(t, page, "QDi.001")
			code, page = sends(t, anna, one+"/reveal", neturl.Values{"why": {"compare-faces"}, "what": pictures(page)})
			require.Equal(t, http.StatusOK, code)
			image := regexp.MustCompile(`<img src="([^"]+)"`).FindStringSubmatch(page)
			require.NotNil(t, image)
			resp, err := anna.Get(base + image[1])
			require.NoError(t, err)
			shown, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			require.Equal(t, kiosktest.JPEG(), shown)

			mark := regexp.MustCompile(`name="seen" value="([0-9a-f]+)"`).FindStringSubmatch(page)
			require.NotNil(t, mark)
			code, page = sends(t, anna, one+"/approve", neturl.Values{"seen": {mark[1]}, "comment": {"You may come in."}, "internal": {"born elsewhere"}})
			require.Equal(t, http.StatusOK, code, page)
			require.Contains(t, page, "On their way out")

			// Partner, kiosk and API.
			require.Equal(t, "APPROVED", next(t, told)["decision"])
			require.Eventually(t, func() bool { return k.verdict("s-listed").Decision == journey.Approved }, time.Minute, 20*time.Millisecond)
			require.Eventually(t, func() bool { return len(post.letters()) == 2 }, time.Minute, 20*time.Millisecond, "the person hears of both")
			require.Contains(t, post.letters()[0], "We are still looking at it")
			require.Contains(t, post.letters()[1], "Your identity is confirmed")
			require.Contains(t, post.letters()[1], "> You may come in.")
			require.NotContains(t, post.letters()[1], "born elsewhere", "what is for colleagues only")
			got := ask(t, base+"/submission?submission_id="+listed.ID, key)
			require.Equal(t, "agent", got["reviewer"])
			require.Equal(t, "approved", got["kyc"].(map[string]any)["result"])
			require.Equal(t, "You may come in.", got["kyc"].(map[string]any)["comment"])
			got = ask(t, base+"/journeys/s-listed", key)
			require.Contains(t, got["explain"].(map[string]any)["sentence"], "Approved by a person who looked at it. Before that it was held (CUSTOM_POLICY).")
			_, page = get(t, anna, base+"/console/journeys/s-listed")
			require.Contains(t, page, "CENTRE_REVIEWED")

			// Who did what stands in the audit trail, and nothing of the person does.
			lines, err := c.store.Read().AuditOf(context.Background(), listed.ID)
			require.NoError(t, err)
			var said []string
			for _, l := range lines {
				said = append(said, l.Who+" "+l.What)
			}
			all := strings.Join(said, "\n")
			require.Contains(t, all, "anna review claim\nanna review reveal: data for judge-list-match\nanna review shown: data for judge-list-match")
			require.Contains(t, all, "anna review shown: id-front ")
			require.Contains(t, all, "anna review approve\nanna review sent: APPROVED over PENDING CUSTOM_POLICY")
			require.NotContains(t, all, "vera")
			for _, secret := range []string{"EXAMPLE", "QUENTIN", "Z0000001", "born elsewhere", "come in"} {
				require.NotContains(t, all, secret)
			}

			// What was written and corrected is encrypted at rest, and in no log.
			secrets := []string{"EXAMPLE", "QUENTIN", "Z0000001", "born elsewhere", "may come in", "john.q"}
			for _, secret := range secrets {
				require.NotContains(t, logged.String(), secret)
			}
			require.NotEmpty(t, logged.String())
			if url == "" {
				files, err := filepath.Glob(filepath.Join(data, "centre.db*"))
				require.NoError(t, err)
				require.NotEmpty(t, files)
				for _, file := range files {
					kept, err := os.ReadFile(file)
					require.NoError(t, err)
					for _, secret := range secrets[3:] { // the others stand in the list itself
						require.NotContains(t, string(kept), secret)
					}
				}
			}

			// A reviewer whose access is taken away is out at once, with the page still open.
			run(t, "user", "disable", "-data", data, "-db", url, "anna")
			_, page = sends(t, anna, one+"/reopen", neturl.Values{"why": {"x"}})
			require.Contains(t, page, `name="key"`)
		})
	}
}

// log is what a running centre logs.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func next(t *testing.T, told <-chan map[string]any) map[string]any {
	t.Helper()
	select {
	case one := <-told:
		return one
	case <-time.After(time.Minute):
		require.Fail(t, "the partner was told nothing")
		return nil
	}
}

// pictures gives the ids that a review page offers to open.
func pictures(page string) (ids []string) {
	for _, m := range regexp.MustCompile(`name="what" value="([^"]+)"`).FindAllStringSubmatch(page, -1) {
		if m[1] != "data" {
			ids = append(ids, m[1])
		}
	}
	return ids
}

func enters(t *testing.T, base, key string) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	client := &http.Client{Jar: jar, Timeout: time.Minute}
	code, page := sends(t, client, base+"/console/login", neturl.Values{"key": {key}})
	require.Equal(t, http.StatusOK, code, page)
	return client
}

func sends(t *testing.T, client *http.Client, address string, form neturl.Values) (int, string) {
	t.Helper()
	resp, err := client.PostForm(address, form)
	require.NoError(t, err)
	return read(t, resp)
}

func get(t *testing.T, client *http.Client, address string) (int, string) {
	t.Helper()
	resp, err := client.Get(address)
	require.NoError(t, err)
	return read(t, resp)
}

func read(t *testing.T, resp *http.Response) (int, string) {
	t.Helper()
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(body)
}
