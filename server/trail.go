package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"vestibule/server/audit"
	"vestibule/server/store"
	"vestibule/sync/fault"
	"vestibule/sync/identity"
)

// headEvery is how often the log tells where the audit trail ends.
const headEvery = time.Hour

// exportPage is how many lines are in memory at once while they are written.
const exportPage = 1000

// notedHeads are heads of the audit trail that somebody noted.
type notedHeads []audit.Head

func (n *notedHeads) add(text string) error {
	h, err := audit.ParseHead(text)
	if err != nil {
		return err
	}
	*n = append(*n, h)
	return nil
}

// signHead signs where the audit trail ends, with the key of the centre's certificate.
func signHead(ctx context.Context, r store.Reader, centre *identity.Centre, now time.Time) (audit.Signed, error) {
	head, err := r.AuditHead(ctx)
	if err != nil {
		return audit.Signed{}, fmt.Errorf("read the audit trail's head: %w", err)
	}
	return audit.Sign(head, now, centre.Signer(), centre.Cert.Raw, rand.Reader)
}

// tellHead puts the head of the audit trail into the log, which ought to leave the machine.
func (c *running) tellHead(ctx context.Context) {
	s, err := signHead(ctx, c.store.Read(), c.identity, time.Now())
	if err != nil {
		c.log.Error("the audit trail's head is not told", "code", "audit_head", "error", err)
		return
	}
	c.log.LogAttrs(ctx, slog.LevelInfo, "audit head", slog.Any("head", s.Head), slog.Time("at", s.At), slog.Any("signature", s.Signature), slog.Any("certificate", s.Certificate))
}

// keepTrail tells the head of the audit trail regularly, and counts out the refused log-ins that were not noted one by one.
func (c *running) keepTrail(ctx context.Context) error {
	c.tellHead(ctx)
	head, refusals := time.NewTicker(headEvery), time.NewTicker(time.Minute)
	defer head.Stop()
	defer refusals.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-head.C:
			c.tellHead(ctx)
		case <-refusals.C:
			c.pages.Settle(ctx)
		}
	}
}

// verifyAudit proves the audit trail, and that it leads to heads that are known from elsewhere.
func (p *program) verifyAudit(ctx context.Context, data, db string, noted notedHeads, log string) error {
	if log != "" {
		found, err := p.readHeads(data, log)
		if err != nil {
			return err
		}
		noted = append(noted, found...)
	}
	s, err := open(ctx, data, db)
	if err != nil {
		return err
	}
	defer s.Close()
	head, err := s.Read().AuditHead(ctx)
	if errors.Is(err, store.ErrNotFound) {
		return notProven(&audit.Fault{Kind: audit.Removed, Detail: "the head is missing"})
	}
	if err != nil {
		return fmt.Errorf("read the audit trail's head: %w", err)
	}
	bar := newProgress(p.errs, "proven", int(head.N))
	proof, err := audit.Verify(ctx, s.Read(), noted, func() { bar.step(time.Now()) })
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(p.out, "lines\t%d\nhead\t%s\n", proof.Lines, proof.Head)
	if len(noted) > 0 {
		_, _ = fmt.Fprintf(p.out, "noted heads met\t%d of %d\n", proof.Met, len(noted))
	}
	if f := proof.Fault; f != nil {
		_, _ = fmt.Fprintf(p.out, "FAULT\t%s\tline %d\t%s\t%s\n", f.Kind, f.N, f.ID, f.Detail)
		return notProven(f)
	}
	_, _ = fmt.Fprintln(p.out, "proven")
	if len(noted) == 0 {
		_, _ = fmt.Fprintln(p.errs, "Note the head elsewhere and give it with -head next time: against whoever can write the database, only that proves that nothing was made anew or cut off.")
	}
	return nil
}

func notProven(f *audit.Fault) error {
	return fault.New("audit_not_proven", fmt.Sprintf("the audit trail does not hold: %s at line %d: %s", f.Kind, f.N, f.Detail),
		"keep database and logs as they are; a backup, or the heads in old logs, tell what stood there", nil)
}

// readHeads gives the heads in a log, once each. One that this operator's centre did not sign is an error.
func (p *program) readHeads(data, log string) ([]audit.Head, error) {
	c, err := identity.LoadCentre(filepath.Join(data, folderIdentity))
	if err != nil {
		return nil, asFault(err, "identity_unusable", "the centre's certificate cannot be used", "restore "+folderIdentity+"/ from a backup")
	}
	unreadable := func(err error) error {
		return fault.New("heads_unreadable", "the heads cannot be read", "give a log of server serve, as it was written", err)
	}
	f, err := os.Open(log)
	if err != nil {
		return nil, unreadable(err)
	}
	defer f.Close()
	var all []audit.Head
	seen := map[audit.Head]bool{}
	if err := audit.ReadSigned(f, func(s audit.Signed) error {
		if err := s.Check(c.CentreKey); err != nil {
			return fmt.Errorf("the head at line %d: %w", s.Head.N, err)
		}
		if !seen[s.Head] {
			seen[s.Head] = true
			all = append(all, s.Head)
		}
		return nil
	}); err != nil {
		return nil, unreadable(err)
	}
	if len(all) == 0 {
		return nil, unreadable(errors.New("there is none in this file"))
	}
	return all, nil
}

// choice registers the flags that choose lines of the audit trail.
func (p *program) choice(fs *flag.FlagSet) (f *store.AuditFilter, since *string) {
	f = &store.AuditFilter{}
	fs.StringVar(&f.Who, "who", "", "only what they did: a user's name, “api key ID”, “command line”")
	fs.StringVar(&f.What, "what", "", "only what begins so: “review”, “log-in”, “policy apply”")
	fs.StringVar(&f.Target, "target", "", "only what was done to it: a submission, a kiosk, a key's id")
	return f, fs.String("since", "", "only from then on: 2026-11-01, or 30d or 12h ago; empty: all")
}

func auditList(ctx context.Context, p *program, args []string) error {
	fs, data, db := p.flags("")
	f, since := p.choice(fs)
	fs.IntVar(&f.Limit, "n", 50, "how many, newest first")
	fs.Int64Var(&f.Before, "before", 0, "only lines before this place: how a list goes on")
	if _, err := p.parse(fs, args, "data"); err != nil {
		return err
	}
	var err error
	if f.Since, err = parseSince(*since, time.Now()); err != nil {
		return err
	}
	f.Limit = min(max(1, f.Limit), 10_000)
	s, err := open(ctx, *data, *db)
	if err != nil {
		return err
	}
	defer s.Close()
	lines, err := s.Read().AuditLines(ctx, *f)
	if err != nil {
		return err
	}
	for _, l := range lines {
		_, _ = fmt.Fprintf(p.out, "%d\t%s\t%s\t%s\t%s\n", l.N, l.At.Local().Format(time.DateTime), l.Who, l.What, l.Target)
	}
	return nil
}

// auditExport writes lines, the oldest first. It is noted before anything is written.
func auditExport(ctx context.Context, p *program, args []string) error {
	fs, data, db := p.flags("")
	f, since := p.choice(fs)
	out := fs.String("out", "", "file to write; it must not be there yet")
	if _, err := p.parse(fs, args, "data", "out"); err != nil {
		return err
	}
	var err error
	if f.Since, err = parseSince(*since, time.Now()); err != nil {
		return err
	}
	if _, err := os.Lstat(*out); err == nil {
		return fault.New("export_exists", *out+" is there already", "give another name; an export is never written over", nil)
	}
	s, err := open(ctx, *data, *db)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.Write(ctx, func(tx *store.Tx) error {
		return tx.Audit(ctx, newID(), "command line", "audit export", "", time.Now())
	}); err != nil {
		return err
	}
	head, err := s.Read().AuditHead(ctx)
	if err != nil {
		return fmt.Errorf("read the audit trail's head: %w", err)
	}
	f.UpTo = head.N
	bar := newProgress(p.errs, "written", int(head.N))
	n, err := writeWhole(*out, func(w io.Writer) (int, error) {
		return writeLines(ctx, s.Read(), *f, w, func() { bar.step(time.Now()) })
	})
	if err != nil {
		return fault.New("export_failed", "the export could not be written", "check owner and free space; nothing half written is left", err)
	}
	_, _ = fmt.Fprintf(p.out, "%s\t%d lines\thead %s\n", *out, n, head)
	return nil
}

// writeLines writes lines of the audit trail as JSON lines, the oldest first, and tells how many.
func writeLines(ctx context.Context, r store.Reader, f store.AuditFilter, w io.Writer, step func()) (int, error) {
	buffered := bufio.NewWriter(w)
	enc := json.NewEncoder(buffered)
	enc.SetEscapeHTML(false)
	f.Oldest, f.Limit = true, exportPage
	n := 0
	for {
		lines, err := r.AuditLines(ctx, f)
		if err != nil {
			return n, err
		}
		for _, l := range lines {
			if err := enc.Encode(l); err != nil {
				return n, err
			}
			n, f.After = n+1, l.N
			step()
		}
		if len(lines) < exportPage {
			return n, buffered.Flush()
		}
	}
}
