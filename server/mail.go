package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"vestibule/server/console"
	"vestibule/server/notify/mail"
	"vestibule/server/store"
	"vestibule/sync/fault"
)

// passwordVariable holds the password at the SMTP server where no file does.
const passwordVariable = "VESTIBULE_SMTP_PASSWORD"

// Bounds of what mail is set up with.
const (
	maxPassword  = 1 << 10
	maxOperators = 20
)

// mailSettings are those of serve's flags that mail needs.
type mailSettings struct {
	server, security, user, file string
	from, operators              string

	password  string
	sender    mail.Sender
	addresses []string
}

func (m *mailSettings) register(fs *flag.FlagSet) {
	fs.StringVar(&m.server, "smtp", "", "host:port of the SMTP server that mail is handed to, such as mail.example:587; without it none is sent")
	fs.StringVar(&m.security, "smtp-tls", string(mail.StartTLS), "starttls, implicit (from the first byte, port 465), or none: to a server on this machine, or without a user")
	fs.StringVar(&m.user, "smtp-user", "", "user at the SMTP server; empty: nobody logs in")
	fs.StringVar(&m.file, "smtp-password-file", "", "file with the password, or $"+passwordVariable)
	fs.StringVar(&m.from, "mail-from", "", `who mail is from, such as "Registry <no-reply@registry.example>"`)
	fs.StringVar(&m.operators, "mail-operators", "", "addresses, separated by commas, that are told of late reviews and of kiosks whose records are not merged")
}

// on reports whether mail is sent.
func (m mailSettings) on() bool { return m.server != "" }

// settle checks the settings and reads the password.
func (m *mailSettings) settle() error {
	if !m.on() {
		if m.user+m.file+m.from+m.operators != "" {
			return fault.New(codeConflict, "there are settings of mail, and no SMTP server", "add smtp: HOST:PORT, or leave the others out", nil)
		}
		return nil
	}
	var problems []error
	wrong := func(err error) {
		if err != nil {
			problems = append(problems, err)
		}
	}
	wrong(address("smtp", m.server))
	if host, _, err := net.SplitHostPort(m.server); err == nil && host == "" {
		wrong(fault.New("smtp_address", "the address of smtp names no host", "give host:port, such as mail.example:587", nil))
	}
	security := mail.Security(m.security)
	if !slices.Contains(mail.Securities(), security) {
		wrong(fault.New("smtp_tls", "there is no such way to secure mail", "starttls, implicit or none", nil))
	}
	if security == mail.Plain && m.user != "" && !(mail.Server{Address: m.server}).Loopback() {
		wrong(fault.New("smtp_plain", "the password would go to the SMTP server in the clear", "set smtp-tls to starttls or implicit", nil))
	}
	var err error
	if m.sender, err = mail.ParseSender(m.from); err != nil {
		wrong(fault.New("mail_from", "who mail is from cannot be read", `give mail-from: "Registry <no-reply@registry.example>"`, nil))
	}
	m.addresses = nil
	for _, one := range strings.Split(m.operators, ",") {
		if one = strings.TrimSpace(one); one == "" {
			continue
		}
		if mail.CheckAddress(one) != nil || len(m.addresses) == maxOperators {
			wrong(fault.New("mail_operators", "the operators' addresses cannot be used", fmt.Sprintf("plain addresses separated by commas, at most %d", maxOperators), nil))
			break
		}
		m.addresses = append(m.addresses, one)
	}
	if m.user != "" {
		wrong(m.readPassword())
	}
	return errors.Join(problems...)
}

// readPassword takes the password from its file, else from the environment: a command line is
// everybody's to read.
func (m *mailSettings) readPassword() error {
	const hint = "put it into a file of your own (chmod 600) and give smtp-password-file, or set $" + passwordVariable
	if m.file == "" {
		if m.password = os.Getenv(passwordVariable); m.password == "" {
			return fault.New("smtp_password", "there is a user for the SMTP server, and no password", hint, nil)
		}
		return nil
	}
	info, err := os.Stat(m.file)
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		return fault.New("smtp_password", "others may read the file of the SMTP password", "chmod 600 it", nil)
	}
	var text []byte
	if err == nil {
		text, err = readBounded(m.file, maxPassword)
	}
	if err != nil {
		return fault.New("smtp_password", "the file of the SMTP password cannot be read", hint, err)
	}
	if m.password = strings.TrimRight(string(text), "\r\n"); m.password == "" {
		return fault.New("smtp_password", "the file of the SMTP password is empty", hint, nil)
	}
	return nil
}

func (m mailSettings) smtp() mail.Server {
	return mail.Server{Address: m.server, Security: mail.Security(m.security), User: m.user, Password: m.password}
}

// post makes the part that sends mail.
func (c *running) post() *mail.Post {
	return mail.New(mail.Config{
		Store: c.store, Vault: c.vault, Server: c.mail.smtp(), From: c.mail.sender, Operators: c.mail.addresses,
		Now: time.Now, NewID: newID, Jitter: rand.Float64, Log: c.log,
	})
}

// mailed reports whether no message was given up, and none waits for a server that nobody named.
func (c *running) mailed(ctx context.Context) (bool, error) {
	piles, err := c.store.Read().MailPiles(ctx)
	for _, p := range piles {
		if p.State == store.JobDead || !c.mail.on() {
			return false, err
		}
	}
	return err == nil, err
}

// letters looks at what waits to be sent, and at what was given up.
func (e *examination) letters(ctx context.Context) {
	piles, err := e.store.Read().MailPiles(ctx)
	if err != nil {
		e.wrong("mail", critical, fault.New("database", "what waits cannot be counted", "check the database", err))
		return
	}
	if !e.settings.mail.on() {
		if wants := e.policy.Mail; wants.Decided || wants.Held || len(piles) > 0 {
			e.wrong("mail", warning, fault.New("mail_nowhere", "the policy wants people to get mail, and no SMTP server is given", "add smtp and mail-from to the settings of serve", nil))
		} else {
			e.ok("mail", "none is sent, and the policy wants none")
		}
		return
	}
	good := true
	for _, p := range piles {
		switch {
		case p.State == store.JobDead:
			good = false
			e.wrong("mail", warning, fault.New("mail_given_up", fmt.Sprintf("%d messages were given up", p.Count), "server mail list tells why, then server mail replay", nil))
		case p.State == store.JobQueued && e.now().Sub(p.Oldest) > time.Hour:
			good = false
			e.wrong("mail", warning, fault.New("mail_waits", fmt.Sprintf("%d messages wait, the oldest for %s", p.Count, e.now().Sub(p.Oldest).Round(time.Minute)), "server mail list tells why; server mail test tries the server", nil))
		}
	}
	line, err := net.DialTimeout("tcp", e.settings.mail.server, lookLimit)
	if err != nil {
		e.wrong("mail", warning, fault.New(mail.ProblemConnect, "the SMTP server does not answer at "+e.settings.mail.server, "check host, port and firewall; server mail test tells more", nil))
		return
	}
	_ = line.Close()
	if good {
		e.ok("mail", "the SMTP server answers; no message is late or given up")
	}
}

func mailTest(ctx context.Context, p *program, args []string) error {
	fs, s := p.settings("")
	to := fs.String("to", "", "address to write to")
	loaded, err := p.configure(fs, s, args)
	if err != nil {
		return p.wrongUse(err)
	}
	if len(loaded.Operands) > 0 || *to == "" {
		_, _ = fmt.Fprintln(p.errs, "server mail test: give -to ADDRESS, and flags only")
		return errUsage
	}
	if !s.mail.on() {
		return fault.New("mail_nowhere", "no SMTP server is given", "give -smtp HOST:PORT and -mail-from, or the file of settings with -config", nil)
	}
	letter, err := mail.Test()
	if err != nil {
		return err
	}
	if err := s.mail.smtp().Send(ctx, mail.Envelope{ID: newID(), From: s.mail.sender, To: *to, At: time.Now(), Letter: letter}); err != nil {
		var refused *mail.Refused
		if !errors.As(err, &refused) {
			return err
		}
		return fault.New(refused.Problem, "the message was not sent ("+refused.Error()+")", mailHint(refused.Problem), nil)
	}
	_, _ = fmt.Fprintln(p.out, "the server took the message")
	return nil
}

// mailHint says what to do about a problem of a message.
func mailHint(problem string) string {
	switch problem {
	case mail.ProblemAddress:
		return "give one plain address, such as a@b.example"
	case mail.ProblemConnect:
		return "check host, port and firewall"
	case mail.ProblemTLS:
		return "check smtp-tls and the port: 587 for starttls, 465 for implicit; the certificate must be of a known authority and name the host"
	case mail.ProblemLogin:
		return "check smtp-user and the password"
	case mail.ProblemSender:
		return "check mail-from: the server must take mail from this address"
	case mail.ProblemRecipient:
		return "the server knows no such recipient, or takes no mail for it"
	}
	return "the server's log tells more"
}

func mailList(ctx context.Context, p *program, args []string) error {
	return p.reading(ctx, args, func(r store.Reader) error {
		list, err := r.Mails(ctx, 200)
		for _, m := range list {
			_, _ = fmt.Fprintf(p.out, "%s\t%s\t%s\t%s\t%d attempts\tstatus %d\t%s\tdue %s\n",
				m.ID, m.Kind, m.Submission, m.State, m.Attempts, m.Status, m.Problem, m.Due.Format(time.RFC3339))
		}
		return err
	})
}

func mailReplay(ctx context.Context, p *program, args []string) error {
	err := p.onWebhook(ctx, args, func(tx *store.Tx, id string, now time.Time) error {
		return tx.ReplayMail(ctx, id, now, now.Add(mail.KeepFor))
	})
	if fault.Code(err) == "webhook_unknown" {
		return fault.New("mail_unknown", "there is no such message that has ended", "server mail list", nil)
	}
	return err
}

// outgoing is what left the centre, as the console shows it.
type outgoing struct {
	store.Reader
	store *store.Store
}

var _ console.Out = outgoing{}

// Replay sends again what has ended, with the name of whoever wants it in the audit.
func (o outgoing) Replay(ctx context.Context, who string, kind console.OutKind, id string) error {
	now := time.Now()
	return o.store.Write(ctx, func(tx *store.Tx) error {
		var err error
		if kind == console.OutMail {
			err = tx.ReplayMail(ctx, id, now, now.Add(mail.KeepFor))
		} else {
			err = tx.ReplayDelivery(ctx, id, now)
		}
		if err != nil {
			return err
		}
		return tx.Audit(ctx, newID(), who, string(kind)+" replay", id, now)
	})
}
