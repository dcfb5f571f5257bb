package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"database/sql"
	"encoding/json"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	neturl "net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/server/kiosktest"
	"vestibule/server/notify/mail"
)

// exchange is a real SMTP server on this machine, which may refuse everybody.
type exchange struct {
	mu      sync.Mutex
	refuses error
	got     []string // recipient, then the message
}

func (x *exchange) NewSession(*smtp.Conn) (smtp.Session, error) { return &letterbox{x: x}, nil }

type letterbox struct {
	x  *exchange
	to string
}

func (*letterbox) Reset()                               {}
func (*letterbox) Logout() error                        { return nil }
func (*letterbox) Mail(string, *smtp.MailOptions) error { return nil }

func (l *letterbox) Rcpt(to string, _ *smtp.RcptOptions) error {
	l.x.mu.Lock()
	defer l.x.mu.Unlock()
	l.to = to
	return l.x.refuses
}

func (l *letterbox) Data(r io.Reader) error {
	body, err := io.ReadAll(r)
	l.x.mu.Lock()
	defer l.x.mu.Unlock()
	l.x.got = append(l.x.got, l.to+"\n"+string(body))
	return err
}

func (x *exchange) letters() []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return append([]string(nil), x.got...)
}

func (x *exchange) refuse(err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.refuses = err
}

func newExchange(t *testing.T) (*exchange, string) {
	x := &exchange{}
	server := smtp.NewServer(x)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return x, l.Addr().String()
}

// TestADecisionLeavesByMailAndInFull sends a visit through the real centre: the person gets
// their mail, partners what their endpoints may know, and a refused mail is sent again from
// the console.
func TestADecisionLeavesByMailAndInFull(t *testing.T) {
	for name, db := range map[string]func() string{
		"with SQLite":     func() string { return "" },
		"with PostgreSQL": func() string { return cluster.Database(t) },
	} {
		t.Run(name, func(t *testing.T) {
			x, smtpAddr := newExchange(t)
			x.refuse(&smtp.SMTPError{Code: 550, Message: "nobody here"})
			told := map[string]chan map[string]any{"/all": make(chan map[string]any, 9), "/sealed": make(chan map[string]any, 9), "/result": make(chan map[string]any, 9)}
			partner := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				var body map[string]any
				if json.NewDecoder(r.Body).Decode(&body) == nil {
					told[r.URL.Path] <- body["data"].(map[string]any)
				}
			}))
			defer partner.Close()
			var logged log
			c := startCentre(t, db(), &logged, func(s *settings) {
				var err error
				s.allow, err = prefixes("127.0.0.0/8")
				require.NoError(t, err)
				s.mail = mailSettings{server: smtpAddr, security: string(mail.Plain), from: "Registry <no-reply@registry.example>"}
				require.NoError(t, s.mail.settle())
			})
			policy := filepath.Join(t.TempDir(), "policy.json")
			require.NoError(t, os.WriteFile(policy, []byte(`{"version":"t2","recheck":false,"aml":{"screen":false},"mail":{"decided":true,"held":true}}`), 0o600))
			run(t, "policy", "apply", "-data", c.data, "-db", c.url, policy)
			key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			require.NoError(t, err)
			der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
			require.NoError(t, err)
			public := filepath.Join(t.TempDir(), "partner.pem")
			require.NoError(t, os.WriteFile(public, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o600))
			add := func(path string, args ...string) {
				run(t, append([]string{"webhook", "add", "-data", c.data, "-db", c.url, "-url", partner.URL + path, "-webhook-allow", "127.0.0.0/8", "-payload", "full"}, args...)...)
			}
			add("/all", "-scope", "submissions:read")
			add("/sealed", "-scope", "submissions:read", "-encrypt-to", public)
			add("/result")

			k := c.kiosk("hall-1")
			anna := kiosktest.Anna("hall-1", "s-anna", time.Now())
			anna.Email, anna.Language = "anna.m@people.example", "ja"
			k.visit("s-anna", anna)
			require.Equal(t, journey.Approved, k.verdict("s-anna").Decision)

			// Partners.
			all := next(t, told["/all"])
			asked := ask(t, c.base+"/submission?submission_id="+anna.ID, c.key)
			require.Equal(t, asked, all, "the API's own answer")
			require.Equal(t, "anna.m@people.example", all["email"])
			sealed := next(t, told["/sealed"])
			require.Equal(t, true, sealed["isEncrypted"])
			box, err := jose.ParseEncryptedCompact(sealed["data"].(string), []jose.KeyAlgorithm{jose.ECDH_ES_A256KW}, []jose.ContentEncryption{jose.A256GCM})
			require.NoError(t, err)
			plain, err := box.Decrypt(key)
			require.NoError(t, err)
			var opened map[string]any
			require.NoError(t, json.Unmarshal(plain, &opened))
			require.Equal(t, asked, opened)
			result := next(t, told["/result"])
			require.Equal(t, "approved", result["kyc"].(map[string]any)["result"])
			require.Equal(t, "system", result["reviewer"])
			for _, field := range []string{"data", "ocr", "OCR_raw", "review", "email", "userid", "tokenId", "image", "aml", "applicant_id", "signals", "verification", "duplicated_users"} {
				require.NotContains(t, result, field, "without the scope")
			}

			// The person: refused at first, then sent again by somebody with a name.
			require.Eventually(t, func() bool {
				return strings.Contains(run(t, "mail", "list", "-data", c.data, "-db", c.url), "\tdead\t")
			}, time.Minute, 20*time.Millisecond)
			line := run(t, "mail", "list", "-data", c.data, "-db", c.url)
			require.Contains(t, line, "status 550\t"+mail.ProblemRecipient)
			require.NotContains(t, line, "anna")
			id, _, _ := strings.Cut(line, "\t")
			require.Empty(t, x.letters())
			x.refuse(nil)
			rita := enters(t, c.base, run(t, "user", "add", "-data", c.data, "-db", c.url, "-name", "rita", "-role", "reviewer"))
			_, page := get(t, rita, c.base+"/console/deliveries")
			require.Contains(t, page, mail.ProblemRecipient)
			require.NotContains(t, page, "anna.m")
			code, page := sends(t, rita, c.base+"/console/deliveries/mail/"+id+"/replay", neturl.Values{})
			require.Equal(t, http.StatusOK, code, page)
			require.Eventually(t, func() bool { return len(x.letters()) == 1 }, time.Minute, 20*time.Millisecond)
			letter := x.letters()[0]
			require.True(t, strings.HasPrefix(letter, "anna.m@people.example\n"), letter)
			require.Contains(t, letter, "Content-Language: ja")
			require.Contains(t, letter, "Message-ID: <"+id+"@registry.example>")
			require.Contains(t, letter, journey.Reference(anna.ID))
			lines, err := c.store.Read().AuditOf(t.Context(), id)
			require.NoError(t, err)
			require.Len(t, lines, 1)
			require.Equal(t, "rita mail replay", lines[0].Who+" "+lines[0].What)

			// The journey knows, and nobody's address is in the log.
			require.Eventually(t, func() bool {
				events, err := c.store.Read().Events(t.Context(), "s-anna")
				require.NoError(t, err)
				n := 0
				for _, e := range events {
					if e.Name == journey.EventKYCResultEmailSent {
						n++
					}
				}
				return n == 2
			}, time.Minute, 20*time.Millisecond)
			require.Contains(t, logged.String(), "mail attempted")
			require.NotContains(t, logged.String(), "anna.m")

			require.Contains(t, run(t, "mail", "test", "-data", c.data, "-db", c.url, "-smtp", smtpAddr, "-smtp-tls", "none", "-mail-from", "no-reply@registry.example", "-to", "ops@registry.example"), "took the message")
		})
	}
}

// TestASenderThatIsKilledSendsAgainUnderTheSameID kills a real centre between sending and
// marking, and starts another.
func TestASenderThatIsKilledSendsAgainUnderTheSameID(t *testing.T) {
	data := filepath.Join(t.TempDir(), "centre")
	run(t, "init", "-data", data)
	ids := make(chan string, 9)
	alive := make(chan struct{}) // closed when the answer may go out
	partner := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		ids <- r.Header.Get("webhook-id")
		<-alive
	}))
	t.Cleanup(partner.Close)
	added := run(t, "webhook", "add", "-data", data, "-url", partner.URL, "-webhook-allow", "127.0.0.0/8")
	hook, _, _ := strings.Cut(added, "\t")
	run(t, "webhook", "test", "-data", data, hook)
	start := func() *exec.Cmd {
		cmd := exec.Command("server", "serve", "-data", data, "-http", "127.0.0.1:0", "-mqtt", "127.0.0.1:0", "-vision=false", "-webhook-allow", "127.0.0.0/8")
		require.NoError(t, cmd.Start())
		return cmd
	}
	await := func() string {
		select {
		case id := <-ids:
			return id
		case <-time.After(time.Minute):
			require.Fail(t, "nothing was sent")
			return ""
		}
	}
	first := start()
	id := await()
	require.NoError(t, first.Process.Kill())
	require.Error(t, first.Wait())
	close(alive)
	require.Contains(t, run(t, "webhook", "deliveries", "-data", data), "\trunning\t")

	db, err := sql.Open("sqlite3", filepath.Join(data, "centre.db"))
	require.NoError(t, err)
	_, err = db.Exec(`UPDATE delivery SET lease = 1`) // as if its minute were over
	require.NoError(t, err)
	require.NoError(t, db.Close())
	second := start()
	require.Equal(t, id, await())
	require.Eventually(t, func() bool {
		return strings.Contains(run(t, "webhook", "deliveries", "-data", data), "\tdone\t2 attempts")
	}, time.Minute, 50*time.Millisecond)
	require.NoError(t, second.Process.Signal(syscall.SIGTERM))
	require.NoError(t, second.Wait())
}
