package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/mail"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

// Security is how the line to the SMTP server is kept private.
type Security string

// The securities.
const (
	StartTLS Security = "starttls" // demanded after the greeting (RFC 3207)
	Implicit Security = "implicit" // from the first byte (RFC 8314)
	Plain    Security = "none"     // to a server on this machine, or without a password
)

// Securities lists them.
func Securities() []Security { return []Security{StartTLS, Implicit, Plain} }

// Bounds of one attempt. Starting values, unmeasured: servers that want to tell senders
// from spammers greet after some ten seconds.
const (
	attemptLimit = time.Minute
	stepLimit    = 30 * time.Second
	dialLimit    = 10 * time.Second
	partLimit    = 2 * time.Second // for the good-bye
	answerLimit  = 64 << 10        // bytes that a server may say in all
)

// Server is the SMTP server that letters are handed to.
type Server struct {
	Address  string // host:port
	Security Security
	User     string // empty: nobody logs in
	Password string
	Roots    *x509.CertPool // nil: the system's
}

// Loopback reports whether the server runs on this machine, by its address.
func (s Server) Loopback() bool {
	host, _, err := net.SplitHostPort(s.Address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Envelope is a letter with who it is from and to.
type Envelope struct {
	ID   string // of the message, the same in every attempt
	From Sender
	To   string
	At   time.Time
	Letter
}

// Problems of a message.
const (
	ProblemAddress   = "address_unusable"    // the person's address is none; final
	ProblemConnect   = "server_unreachable"  // no connection, or it broke or said nothing in time
	ProblemTLS       = "tls_failed"          // the server offers no TLS, or its certificate does not hold
	ProblemLogin     = "login_refused"       // user or password, or no way to log in that both know
	ProblemSender    = "sender_refused"      // the server takes no mail from our address
	ProblemRecipient = "recipient_refused"   // with a 5xx: final
	ProblemMessage   = "message_refused"     // with a 5xx: final
	ProblemBusy      = "server_busy"         // a 4xx
	ProblemPrivate   = "private_unreadable"  // what it is made of does not open with this key
	ProblemOld       = "too_old"             // it could not be sent while it was news; final
	ProblemLetter    = "letter_not_composed" // a defect of ours
)

// Refused is why a letter did not go out. It holds nothing that the server said: servers
// repeat addresses.
type Refused struct {
	Problem string
	Status  int  // the server's reply; 0: none
	Final   bool // trying again is in vain
}

func (r *Refused) Error() string {
	if r.Status == 0 {
		return r.Problem
	}
	return r.Problem + " " + strconv.Itoa(r.Status)
}

// compose makes the message with its headers.
func compose(e Envelope) (*gomail.Msg, error) {
	if CheckAddress(e.To) != nil || CheckAddress(e.From.Address) != nil {
		return nil, &Refused{Problem: ProblemAddress, Final: true}
	}
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	m.FromMailAddress(&mail.Address{Name: e.From.Name, Address: e.From.Address})
	m.ToMailAddress(&mail.Address{Address: e.To})
	m.Subject(strings.Join(strings.Fields(e.Subject), " "))
	m.SetMessageIDWithValue(e.ID + "@" + e.From.domain())
	m.SetDateWithValue(e.At)
	m.SetGenHeader(gomail.HeaderContentLang, e.Language.Code)
	// RFC 3834: machines that answer by themselves leave it alone.
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	m.SetGenHeader(gomail.HeaderXAutoResponseSuppress, "All")
	m.SetBodyString(gomail.TypeTextPlain, e.Text)
	if e.HTML != "" {
		m.AddAlternativeString(gomail.TypeTextHTML, e.HTML)
	}
	return m, nil
}

// Send hands one letter to the server. What goes wrong is a *Refused.
func (s Server) Send(ctx context.Context, e Envelope) error {
	m, err := compose(e)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, attemptLimit)
	defer cancel()
	host, port, err := net.SplitHostPort(s.Address)
	if err != nil {
		return &Refused{Problem: ProblemConnect}
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return &Refused{Problem: ProblemConnect}
	}
	config := &tls.Config{ServerName: host, RootCAs: s.Roots, MinVersion: tls.VersionTLS12}
	policy := gomail.TLSMandatory
	if s.Security != StartTLS {
		policy = gomail.NoTLS
	}
	line, err := s.dial(ctx, config)
	if err != nil {
		return dialProblem(err)
	}
	defer line.Close()
	defer context.AfterFunc(ctx, func() { _ = line.Close() })()
	// The library itself would log in only where it began the TLS: login does.
	dialer, err := gomail.NewClient(host, gomail.WithPort(number), gomail.WithTimeout(stepLimit), gomail.WithTLSConfig(config), gomail.WithTLSPolicy(policy),
		gomail.WithoutNoop(), gomail.WithDialContextFunc(func(context.Context, string, string) (net.Conn, error) { return line, nil }))
	if err != nil {
		return &Refused{Problem: ProblemConnect}
	}
	client, err := dialer.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return dialProblem(err)
	}
	if state, err := client.GetTLSConnectionState(); s.Security != Plain && (err != nil || !state.HandshakeComplete) {
		return &Refused{Problem: ProblemTLS}
	}
	if err := s.login(client, host); err != nil {
		return err
	}
	err = dialer.SendWithSMTPClient(client, m)
	if m.IsDelivered() { // what goes wrong after the server took it, such as its good-bye, is nobody's trouble
		_ = client.UpdateDeadline(partLimit)
		_ = client.Quit()
		return nil
	}
	return sendProblem(err)
}

// dial connects, over TLS where it begins at once.
func (s Server) dial(ctx context.Context, config *tls.Config) (net.Conn, error) {
	raw, err := (&net.Dialer{Timeout: dialLimit}).DialContext(ctx, "tcp", s.Address)
	if err != nil {
		return nil, err
	}
	until, _ := ctx.Deadline()
	line := &bounded{Conn: raw, until: until, left: answerLimit}
	if s.Security != Implicit {
		return line, nil
	}
	secure := tls.Client(line, config)
	shaking, cancel := context.WithTimeout(ctx, dialLimit)
	defer cancel()
	if err := secure.HandshakeContext(shaking); err != nil {
		_ = raw.Close()
		return nil, fmt.Errorf("TLS: %w", errors.Join(errTLS, err))
	}
	return secure, nil
}

// errTLS marks what went wrong with TLS.
var errTLS = errors.New("no TLS")

// bounded is a line that ends at a moment, and after so many bytes: a server that drips, or
// never stops talking, holds nobody up.
type bounded struct {
	net.Conn
	until time.Time
	left  int
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := b.Conn.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

func (b *bounded) sooner(t time.Time) time.Time {
	if t.IsZero() || t.After(b.until) {
		return b.until
	}
	return t
}

func (b *bounded) SetDeadline(t time.Time) error      { return b.Conn.SetDeadline(b.sooner(t)) }
func (b *bounded) SetReadDeadline(t time.Time) error  { return b.Conn.SetReadDeadline(b.sooner(t)) }
func (b *bounded) SetWriteDeadline(t time.Time) error { return b.Conn.SetWriteDeadline(b.sooner(t)) }

// login logs in by the strongest way that both know. A password in the clear goes to this
// machine only.
func (s Server) login(client *smtp.Client, host string) error {
	if s.User == "" {
		return nil
	}
	if s.Security == Plain && !s.Loopback() {
		return &Refused{Problem: ProblemTLS}
	}
	_, offered := client.Extension("AUTH")
	ways := strings.Fields(offered)
	var auth smtp.Auth
	switch {
	case slices.Contains(ways, "SCRAM-SHA-256"):
		auth = smtp.ScramSHA256Auth(s.User, s.Password)
	case slices.Contains(ways, "PLAIN"):
		auth = smtp.PlainAuth("", s.User, s.Password, host, s.Security == Plain)
	case slices.Contains(ways, "LOGIN"):
		auth = smtp.LoginAuth(s.User, s.Password, host, s.Security == Plain)
	default:
		return &Refused{Problem: ProblemLogin}
	}
	if err := client.Auth(auth); err != nil {
		var reply *textproto.Error
		if errors.As(err, &reply) {
			return &Refused{Problem: ProblemLogin, Status: reply.Code}
		}
		var broken net.Error
		if errors.Is(err, io.EOF) || errors.As(err, &broken) {
			return &Refused{Problem: ProblemConnect}
		}
		return &Refused{Problem: ProblemLogin}
	}
	return nil
}

// dialProblem sorts what went wrong before anything was sent: all of it may pass.
func dialProblem(err error) *Refused {
	var reply *textproto.Error
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	switch {
	case errors.As(err, &reply) && reply.Code < 500:
		return &Refused{Problem: ProblemBusy, Status: reply.Code}
	case errors.As(err, &reply):
		return &Refused{Problem: ProblemConnect, Status: reply.Code}
	case errors.Is(err, errTLS), errors.As(err, &certificate), errors.As(err, &record), errors.As(err, &alert), strings.Contains(err.Error(), "STARTTLS"), strings.Contains(err.Error(), "tls:"):
		return &Refused{Problem: ProblemTLS}
	}
	return &Refused{Problem: ProblemConnect}
}

// sendProblem sorts what the server refused. Only a 5xx about the address or the text is
// final: what is wrong with us can be mended.
func sendProblem(err error) *Refused {
	var told *gomail.SendError
	if !errors.As(err, &told) {
		return &Refused{Problem: ProblemConnect}
	}
	r := &Refused{Status: told.ErrorCode()}
	switch {
	case r.Status >= 400 && r.Status < 500:
		r.Problem = ProblemBusy
	case r.Status < 500:
		r.Problem = ProblemConnect
	case r.Status == 530 || r.Status == 535:
		r.Problem = ProblemLogin
	case told.Reason == gomail.ErrSMTPMailFrom:
		r.Problem = ProblemSender
	case told.Reason == gomail.ErrSMTPRcptTo:
		r.Problem, r.Final = ProblemRecipient, true
	default:
		r.Problem, r.Final = ProblemMessage, true
	}
	return r
}
