package mail_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/server/notify/mail"
	"vestibule/server/review"
	"vestibule/server/store"
	"vestibule/server/store/storetest"
	"vestibule/server/vault"
)

var cluster storetest.Cluster

func TestMain(m *testing.M) { os.Exit(storetest.Main(m, &cluster)) }

var ctx = context.Background()

const (
	user     = "registry"
	password = "a pass phrase"
	anna     = "anna.muster@people.example"
)

// exchange is a real SMTP server that answers as the test says.
type exchange struct {
	mu     sync.Mutex
	got    []received
	roots  *x509.CertPool
	addr   string
	secret bool  // it wants a log-in
	mail   error // what it says to MAIL, RCPT and the end of DATA
	rcpt   error
	data   error
	took   func() // after a message was taken, before it says so
}

// received is a message that it took.
type received struct {
	from, to string
	secure   bool
	who      string
	head     netmail.Header
	raw      string
	parts    map[string]string // media type → text
}

// session is one connection to it.
type session struct {
	x    *exchange
	conn *smtp.Conn
	who  string
	from string
	to   []string
}

func (x *exchange) NewSession(c *smtp.Conn) (smtp.Session, error) {
	return &session{x: x, conn: c}, nil
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, name, word string) error {
		if name != user || word != password {
			return smtp.ErrAuthFailed
		}
		s.who = name
		return nil
	}), nil
}

func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if s.x.secret && s.who == "" {
		return smtp.ErrAuthRequired
	}
	s.from, s.to = from, nil
	return s.x.mail
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = append(s.to, to)
	return s.x.rcpt
}

func (s *session) Data(r io.Reader) error {
	body, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if s.x.data != nil {
		return s.x.data
	}
	one := received{from: s.from, to: strings.Join(s.to, " "), who: s.who, raw: string(body), parts: map[string]string{}}
	_, one.secure = s.conn.TLSConnectionState()
	m, err := netmail.ReadMessage(bytes.NewReader(body))
	if err != nil {
		return err
	}
	one.head = m.Header
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		return errors.New("not both forms")
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	for {
		part, err := parts.NextRawPart()
		if err != nil {
			break
		}
		kind, _, _ := mime.ParseMediaType(part.Header.Get("Content-Type"))
		text, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			return err
		}
		one.parts[kind] = strings.ReplaceAll(string(text), "\r\n", "\n")
	}
	s.x.mu.Lock()
	s.x.got = append(s.x.got, one)
	s.x.mu.Unlock()
	if s.x.took != nil {
		s.x.took()
	}
	return nil
}

func (x *exchange) taken() []received {
	x.mu.Lock()
	defer x.mu.Unlock()
	return append([]received(nil), x.got...)
}

// certificate is one for 127.0.0.1, and who trusts it.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	text := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, text, text, &key.PublicKey, key)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

// newExchange starts one; security says what it offers.
func newExchange(t *testing.T, security mail.Security) *exchange {
	t.Helper()
	x := &exchange{}
	server := smtp.NewServer(x)
	server.Domain, server.ReadTimeout, server.WriteTimeout = "exchange.example", 20*time.Second, 20*time.Second
	server.ErrorLog = nothing{}
	cert, roots := certificate(t)
	x.roots = roots
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	x.addr = l.Addr().String()
	config := &tls.Config{Certificates: []tls.Certificate{cert}}
	switch security {
	case mail.StartTLS:
		server.TLSConfig = config
	case mail.Implicit:
		l = tls.NewListener(l, config)
	case mail.Plain:
		server.AllowInsecureAuth = true
	}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return x
}

type nothing struct{}

func (nothing) Printf(string, ...any) {}
func (nothing) Println(...any)        {}

// world is a post with such a server.
type world struct {
	t     *testing.T
	store *store.Store
	vault *vault.Vault
	now   time.Time
	ids   int
	log   bytes.Buffer
	conf  mail.Config
}

func newWorld(t *testing.T, s *store.Store, x *exchange, security mail.Security) *world {
	w := &world{t: t, store: s, now: time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)}
	var err error
	w.vault, err = vault.New(bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32), nil)
	require.NoError(t, err)
	w.conf = mail.Config{
		Store: s, Vault: w.vault, From: mail.Sender{Name: "Registry of Utopia, \"West\"", Address: "no-reply@registry.example"},
		Server: mail.Server{Address: x.addr, Security: security, Roots: x.roots},
		Now:    func() time.Time { return w.now }, NewID: w.id, Jitter: func() float64 { return 1 }, Log: slog.New(slog.NewTextHandler(&w.log, nil)),
	}
	w.write(func(tx *store.Tx) error {
		return tx.AddKiosk(ctx, store.Kiosk{ID: "hall", Country: "UTO", Project: "default", PublicKey: []byte{1}, Certificate: "c", Enrolled: w.now})
	})
	return w
}

func (w *world) id() string {
	w.ids++
	return fmt.Sprintf("0192f000-0000-7000-8000-%012d", w.ids)
}

func (w *world) write(do func(tx *store.Tx) error) {
	w.t.Helper()
	require.NoError(w.t, w.store.Write(ctx, do))
}

const submission = "0192f000-0000-7000-8000-00000000abcd"

func (w *world) decided(change func(*mail.Decision)) {
	w.t.Helper()
	d := mail.Decision{
		Verdict:  journey.Verdict{Submission: submission, Session: "ses", Decision: journey.Approved, Event: w.id(), At: w.now},
		Revision: 1, Kiosk: "hall", Project: "default", Address: anna, Language: "en",
	}
	if change != nil {
		change(&d)
	}
	w.write(func(tx *store.Tx) error { return mail.Decided(ctx, tx, w.vault, w.id, d) })
}

func (w *world) once() error { return mail.New(w.conf).Once(ctx) }

func (w *world) newest() store.Mail {
	w.t.Helper()
	list, err := w.store.Read().Mails(ctx, 1)
	require.NoError(w.t, err)
	require.Len(w.t, list, 1)
	return list[0]
}

func header(t *testing.T, m received, name string) string {
	t.Helper()
	text, err := new(mime.WordDecoder).DecodeHeader(m.head.Get(name))
	require.NoError(t, err)
	return text
}

func TestAPersonIsToldInTheirLanguageInBothForms(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		x := newExchange(t, mail.StartTLS)
		x.secret = true
		w := newWorld(t, s, x, mail.StartTLS)
		w.conf.Server.User, w.conf.Server.Password = user, password
		for i, one := range []struct {
			language, code, dir string
			decision            journey.Decision
			subject, words      string
		}{
			{"en-GB", "en", `dir="ltr"`, journey.Approved, "News about your identity check", "Your identity is confirmed"},
			{"ar", "ar", `dir="rtl"`, journey.Rejected, "مستجدات التحقق من هويتك", "تعذّر تأكيد هويتك"},
			{"ja", "ja", `dir="ltr"`, journey.Pending, "ご本人確認についてのお知らせ", "現在確認中です"},
			{"xx", "en", `dir="ltr"`, journey.Rejected, "News about your identity check", "could not be confirmed"},
		} {
			w.decided(func(d *mail.Decision) {
				d.Language, d.Round, d.Verdict.Decision = one.language, i, one.decision
				d.Comment = "Bring <b>your card</b> & {{.Subject}}.\nWe open at 9."
			})
			require.NoError(t, w.once())
			got := x.taken()
			require.Len(t, got, i+1, w.log.String())
			m := got[i]
			require.True(t, m.secure)
			require.Equal(t, user, m.who)
			require.Equal(t, "no-reply@registry.example", m.from)
			require.Equal(t, anna, m.to)
			require.Equal(t, one.subject, header(t, m, "Subject"))
			require.Equal(t, "<"+w.newest().ID+"@registry.example>", m.head.Get("Message-Id"))
			require.Equal(t, one.code, m.head.Get("Content-Language"))
			require.Equal(t, "auto-generated", m.head.Get("Auto-Submitted"))
			sender, err := m.head.AddressList("From")
			require.NoError(t, err)
			require.Equal(t, []*netmail.Address{{Name: "Registry of Utopia, \"West\"", Address: "no-reply@registry.example"}}, sender)
			text, page := m.parts["text/plain"], m.parts["text/html"]
			require.Contains(t, text, one.words)
			require.Contains(t, text, "> Bring <b>your card</b> & {{.Subject}}.\n> We open at 9.")
			require.Contains(t, text, journey.Reference(submission))
			require.Contains(t, page, one.words)
			require.Contains(t, page, `lang="`+one.code+`" `+one.dir)
			require.Contains(t, page, "Bring &lt;b&gt;your card&lt;/b&gt; &amp; {{.Subject}}.", "what somebody wrote is no page and no template")
			require.Contains(t, page, journey.Reference(submission))
			require.Equal(t, store.JobDone, w.newest().State)
		}
		require.ErrorIs(t, w.once(), store.ErrNotFound)
		events, err := s.Read().Events(ctx, "ses")
		require.NoError(t, err)
		require.Len(t, events, 4)
		require.Equal(t, journey.EventKYCResultEmailSent, events[0].Name)
		require.Equal(t, journey.Pass, events[0].Result)
		list, err := s.Read().Mails(ctx, 10)
		require.NoError(t, err)
		for _, m := range list {
			require.NotContains(t, string(m.Private)+m.Once, "anna", "the address is kept encrypted")
		}
		require.NotContains(t, w.log.String(), "anna")
	})
}

func TestADecisionIsQueuedOnceForEachRoundAndAddress(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		x := newExchange(t, mail.StartTLS)
		w := newWorld(t, s, x, mail.StartTLS)
		for range 2 {
			w.decided(nil)
			w.decided(func(d *mail.Decision) { d.Address = " ANNA.muster@people.example" })
		}
		w.decided(func(d *mail.Decision) { d.Address = "" })
		require.NoError(t, w.once())
		require.ErrorIs(t, w.once(), store.ErrNotFound)
		w.decided(func(d *mail.Decision) { d.Round = 1 })
		w.decided(func(d *mail.Decision) { d.Address = "other@people.example" })
		require.NoError(t, w.once())
		require.NoError(t, w.once())
		require.ErrorIs(t, w.once(), store.ErrNotFound)
		got := x.taken()
		require.Len(t, got, 3)

		first := got[0].head.Get("Message-Id")
		id, _, _ := strings.Cut(strings.Trim(first, "<>"), "@")
		w.now = w.now.Add(30 * 24 * time.Hour)
		w.write(func(tx *store.Tx) error { return tx.ReplayMail(ctx, id, w.now, w.now.Add(mail.KeepFor)) })
		require.NoError(t, w.once())
		got = x.taken()
		require.Len(t, got, 4, "a replay sends it again")
		require.Equal(t, first, got[3].head.Get("Message-Id"))
		require.ErrorIs(t, s.Write(ctx, func(tx *store.Tx) error { return tx.ReplayMail(ctx, "none", w.now, w.now) }), store.ErrNotFound)
	})
}

func TestWhatTheServerRefusesIsTriedAgainOrGivenUp(t *testing.T) {
	no := func(code int) error {
		return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 1, 1}, Message: "no <" + anna + "> here"}
	}
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		x := newExchange(t, mail.StartTLS)
		w := newWorld(t, s, x, mail.StartTLS)
		for name, one := range map[string]struct {
			set     func()
			state   store.JobState
			status  int
			problem string
		}{
			"a busy recipient":             {func() { x.rcpt = no(450) }, store.JobQueued, 450, mail.ProblemBusy},
			"an unknown recipient":         {func() { x.rcpt = no(550) }, store.JobDead, 550, mail.ProblemRecipient},
			"a busy server at the end":     {func() { x.data = no(451) }, store.JobQueued, 451, mail.ProblemBusy},
			"a text it does not like":      {func() { x.data = no(554) }, store.JobDead, 554, mail.ProblemMessage},
			"a sender it does not take":    {func() { x.mail = no(553) }, store.JobQueued, 553, mail.ProblemSender},
			"a sender it cannot check":     {func() { x.mail = no(451) }, store.JobQueued, 451, mail.ProblemBusy},
			"a wrong password":             {func() { w.conf.Server.User, w.conf.Server.Password = user, "wrong" }, store.JobQueued, 535, mail.ProblemLogin},
			"no certificate that holds":    {func() { w.conf.Server.Roots = x509.NewCertPool() }, store.JobQueued, 0, mail.ProblemTLS},
			"no TLS where it should begin": {func() { w.conf.Server.Security = mail.Implicit }, store.JobQueued, 0, mail.ProblemTLS},
			"no server":                    {func() { w.conf.Server.Address = nobody(t) }, store.JobQueued, 0, mail.ProblemConnect},
		} {
			w.log.Reset()
			before := w.conf.Server
			x.mail, x.rcpt, x.data = nil, nil, nil
			one.set()
			id := strings.ReplaceAll(name, " ", "-")
			w.decided(func(d *mail.Decision) { d.Verdict.Submission, d.Verdict.Session = id, id })
			require.NoError(t, w.once(), name)
			m := w.newest()
			require.Equal(t, one.problem, m.Problem, name)
			require.Equal(t, one.state, m.State, name)
			require.Equal(t, one.status, m.Status, name)
			require.NotContains(t, w.log.String(), "anna", "what a server repeats is not logged")
			w.conf.Server, x.mail, x.rcpt, x.data = before, nil, nil, nil
			if one.state == store.JobQueued {
				require.ErrorIs(t, w.once(), store.ErrNotFound, "it waits: "+name)
				w.now = w.now.Add(2 * time.Minute)
				require.NoError(t, w.once(), name)
				require.Equal(t, store.JobDone, w.newest().State, name)
			}
			w.now = w.now.Add(time.Second)
		}
	})
}

// nobody is an address at which nothing listens.
func nobody(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return l.Addr().String()
}

func TestAServerWithoutTLSGetsNothing(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		x := newExchange(t, mail.Plain)
		w := newWorld(t, s, x, mail.StartTLS)
		w.conf.Server.User, w.conf.Server.Password = user, password
		w.decided(nil)
		require.NoError(t, w.once())
		require.Equal(t, mail.ProblemTLS, w.newest().Problem)
		require.Empty(t, x.taken())

		w.conf.Server.Security = mail.Plain
		w.now = w.now.Add(time.Hour)
		require.NoError(t, w.once())
		require.Len(t, x.taken(), 1, "to this machine it may go in the clear, where that is asked for")
		require.Equal(t, user, x.taken()[0].who)
	})
}

func TestTLSFromTheFirstByteWorks(t *testing.T) {
	x := newExchange(t, mail.Implicit)
	x.secret = true
	letter, err := mail.Test()
	require.NoError(t, err)
	server := mail.Server{Address: x.addr, Security: mail.Implicit, Roots: x.roots, User: user, Password: password}
	e := mail.Envelope{ID: "one", From: mail.Sender{Address: "a@b.example"}, To: "c@d.example", At: time.Now(), Letter: letter}
	require.NoError(t, server.Send(ctx, e))
	require.Equal(t, user, x.taken()[0].who)
	server.Security = mail.StartTLS
	within, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	require.Error(t, server.Send(within, e), "it says nothing before TLS")
}

func TestAMessageIsTriedForADayThenGivenUp(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		x := newExchange(t, mail.StartTLS)
		w := newWorld(t, s, x, mail.StartTLS)
		x.rcpt = &smtp.SMTPError{Code: 451, Message: "later"}
		began := w.now
		w.decided(nil)
		w.decided(func(d *mail.Decision) { d.Round = 1 }) // must not overtake
		for n := range len(mail.Schedule()) + 1 {
			require.NoError(t, w.once(), n)
			if n < len(mail.Schedule()) {
				require.ErrorIs(t, w.once(), store.ErrNotFound)
				w.now = w.now.Add(mail.Schedule()[n] * 11 / 10)
			}
		}
		require.InDelta(t, 24, w.now.Sub(began).Hours(), 4)
		piles, err := s.Read().MailPiles(ctx)
		require.NoError(t, err)
		require.Len(t, piles, 2)
		require.Equal(t, store.JobDead, piles[0].State)
		events, err := s.Read().Events(ctx, "ses")
		require.NoError(t, err)
		require.Len(t, events, 1)
		require.Equal(t, journey.Errored, events[0].Result)
		x.rcpt = nil
		require.NoError(t, w.once(), "the next is no longer held back")
		require.Len(t, x.taken(), 1)

		// What could not leave for a week is no news any more.
		w.decided(func(d *mail.Decision) { d.Round = 2 })
		w.now = w.now.Add(mail.KeepFor + time.Second)
		require.NoError(t, w.once())
		require.Equal(t, mail.ProblemOld, w.newest().Problem)
		require.Equal(t, store.JobDead, w.newest().State)
	})
}

func TestAStopGivesAnAttemptBackAndASentOneIsMarked(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		x := newExchange(t, mail.StartTLS)
		w := newWorld(t, s, x, mail.StartTLS)
		w.decided(nil)
		stopped, stop := context.WithCancel(ctx)
		release := make(chan struct{})
		x.took = func() { stop(); <-release }
		require.NoError(t, mail.New(w.conf).Once(stopped))
		close(release)
		require.Equal(t, store.JobQueued, w.newest().State)
		require.Zero(t, w.newest().Attempts, "it does not count")
		x.took = nil
		require.NoError(t, w.once(), "and is sent at once when the centre is back")
		got := x.taken()
		require.Len(t, got, 2)
		require.Equal(t, got[0].head.Get("Message-Id"), got[1].head.Get("Message-Id"))
		require.Equal(t, got[0].head.Get("Date"), got[1].head.Get("Date"))
	})
}

func TestAProcessThatDiedLeavesTheMessageToTheNext(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		x := newExchange(t, mail.StartTLS)
		w := newWorld(t, s, x, mail.StartTLS)
		w.decided(nil)
		w.write(func(tx *store.Tx) error { // a copy that claims and is never heard of again
			_, err := tx.ClaimMail(ctx, w.now, 2*time.Minute)
			return err
		})
		require.ErrorIs(t, w.once(), store.ErrNotFound, "the lease holds")
		w.now = w.now.Add(3 * time.Minute)
		require.NoError(t, w.once())
		require.Len(t, x.taken(), 1)
	})
}

func TestAServerThatDripsOrNeverEndsOrDiesHoldsNobodyUp(t *testing.T) {
	for name, talk := range map[string]func(net.Conn){
		"dies at once":         func(net.Conn) {},
		"says what is no SMTP": func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 400 no\r\n\r\n") },
		"is not in the mood":   func(c net.Conn) { _, _ = io.WriteString(c, "421 later\r\n") },
		"dies after the hello": func(c net.Conn) { _, _ = io.WriteString(c, "220 x\r\n"); _, _ = c.Read(make([]byte, 100)) },
		"never stops greeting": func(c net.Conn) {
			for {
				if _, err := io.WriteString(c, "220-"+strings.Repeat("x", 400)+"\r\n"); err != nil {
					return
				}
			}
		},
		"says nothing": func(c net.Conn) { _, _ = c.Read(make([]byte, 1)) },
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			defer l.Close()
			go func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					go func() { talk(c); _ = c.Close() }()
				}
			}()
			letter, err := mail.Test()
			require.NoError(t, err)
			within, cancel := context.WithTimeout(ctx, 2*time.Second)
			defer cancel()
			done := make(chan error, 1)
			go func() {
				done <- mail.Server{Address: l.Addr().String(), Security: mail.StartTLS}.Send(within, mail.Envelope{
					ID: "one", From: mail.Sender{Address: "a@b.example"}, To: "c@d.example", At: time.Now(), Letter: letter,
				})
			}()
			select {
			case err := <-done:
				var refused *mail.Refused
				require.ErrorAs(t, err, &refused)
				require.False(t, refused.Final)
			case <-time.After(20 * time.Second):
				t.Fatal("it hangs")
			}
		})
	}
}

func TestOperatorsAreToldOnceOfWhatShouldNotWait(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		x := newExchange(t, mail.StartTLS)
		w := newWorld(t, s, x, mail.StartTLS)
		w.conf.Operators = []string{"ops@registry.example", "desk@registry.example"}
		late := func(id string) {
			v := journey.Verdict{Submission: id, Session: id, Decision: journey.Pending, At: w.now}
			w.write(func(tx *store.Tx) error {
				return tx.SaveReview(ctx, review.Open(v, "hall", "default", 1, nil, journey.ReviewPolicy{SLA: time.Hour}.Filled()), w.now)
			})
		}
		post := mail.New(w.conf)
		drain := func() int {
			before := len(x.taken())
			require.NoError(t, post.Watch(ctx))
			for w.once() == nil {
			}
			return len(x.taken()) - before
		}
		late("first")
		require.Zero(t, drain(), "its time is not over")
		w.now = w.now.Add(61 * time.Minute)
		require.Equal(t, 2, drain())
		require.Contains(t, x.taken()[0].parts["text/plain"], "1 submissions have become late since the last notice; 1 are late in all.")
		late("second")
		require.Zero(t, drain())
		w.now = w.now.Add(61 * time.Minute)
		require.Equal(t, 2, drain())
		w.now = w.now.Add(10 * time.Hour)
		require.Zero(t, drain(), "nothing has become late since")

		w.write(func(tx *store.Tx) error {
			return tx.SaveStream(ctx, store.Stream{Kiosk: "hall", Epoch: "e1", High: 3, Head: []byte{1}, Refused: "chain_broken"}, w.now)
		})
		require.Equal(t, 2, drain())
		last := x.taken()[len(x.taken())-1]
		require.Contains(t, last.parts["text/plain"], "Kiosk hall: chain_broken.")
		require.Equal(t, "Vestibule: a kiosk's records are not merged", header(t, last, "Subject"))
		w.now = w.now.Add(time.Hour)
		require.Zero(t, drain(), "once")
	})
}

func TestAnAddressThatIsNoneIsGivenUpUnsaid(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		x := newExchange(t, mail.StartTLS)
		w := newWorld(t, s, x, mail.StartTLS)
		w.decided(func(d *mail.Decision) { d.Address = anna + "\r\nBcc: other@people.example" })
		require.NoError(t, w.once())
		require.Equal(t, mail.ProblemAddress, w.newest().Problem)
		require.Equal(t, store.JobDead, w.newest().State)
		require.Empty(t, x.taken())
		require.NotContains(t, w.log.String(), "people.example")
	})
}

func TestEveryLanguageHasAllTheWords(t *testing.T) {
	english := mail.Words("en")
	for _, l := range mail.Languages() {
		words := mail.Words(l.Code)
		for key := range english {
			require.NotEmpty(t, words[key], "%s: %s", l.Code, key)
			if l.Code != "en" {
				require.NotEqual(t, english[key], words[key], "%s: %s", l.Code, key)
			}
		}
		require.Len(t, words, len(english), l.Code)
	}
}

func TestWhichAddressesCanBeWrittenTo(t *testing.T) {
	for text, good := range map[string]bool{
		anna: true, "a+b@c.example": true, "o'hara@c.example": true, "ä@b.example": true,
		"": false, "a": false, "a@": false, "@b": false, "a@b@c": false, "a b@c.example": false, "A <a@b.example>": false, "<a@b.example>": false,
		"a@b.example, c@d.example": false, "a@b.example\r\nBcc: c@d.example": false, "a@b.example\nX: y": false, "a@[127.0.0.1]": false,
		`"a b"@c.example`: false, "-oQ/tmp@b.example": false, "a@b.example\x00": false, strings.Repeat("a", 65) + "@b.example": false,
		"a@" + strings.Repeat("b.", 130) + "example": false,
	} {
		require.Equal(t, good, mail.CheckAddress(text) == nil, "%q", text)
	}
}

func FuzzLetter(f *testing.F) {
	for _, seed := range []string{anna, "a@b.example\r\nBcc: x@y.example", "</blockquote><script>", "{{.Title}}\n\u202eabc", "\r\n.\r\nMAIL FROM:<x@y.example>", "\xff\xfe", "=?utf-8?q?a?="} {
		f.Add(seed, seed, seed)
	}
	f.Fuzz(func(t *testing.T, to, comment, language string) {
		raw, err := mail.Composed(to, language, journey.Rejected, comment)
		if mail.CheckAddress(to) != nil {
			require.Error(t, err)
			return
		}
		require.NoError(t, err)
		m, err := netmail.ReadMessage(bytes.NewReader(raw))
		require.NoError(t, err)
		require.Len(t, m.Header["To"], 1)
		for name := range m.Header {
			require.Contains(t, []string{"From", "To", "Subject", "Date", "Message-Id", "Mime-Version", "Content-Type", "Content-Language", "Auto-Submitted", "X-Auto-Response-Suppress"}, name)
		}
		list, err := m.Header.AddressList("To")
		require.NoError(t, err)
		require.Len(t, list, 1)
		require.Equal(t, to, list[0].Address)
		for line := range bytes.Lines(raw) {
			require.LessOrEqual(t, len(line), 1000, "RFC 5322, 2.1.1")
		}
	})
}
