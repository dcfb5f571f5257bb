package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"time"

	"vestibule/server/api"
	"vestibule/server/notify"
	"vestibule/server/store"
	"vestibule/server/vault"
	"vestibule/sync/fault"
)

// prefixes reads a comma-separated list of address ranges.
func prefixes(list string) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, s := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' }) {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, fault.New("range_malformed", "an address range of -webhook-allow cannot be read", "write it like 10.20.0.0/16", err)
		}
		all = append(all, p)
	}
	return all, nil
}

func webhookAdd(ctx context.Context, p *program, args []string) error {
	fs, dir, db := p.flags("")
	url := fs.String("url", "", "https address that decisions are sent to")
	project := fs.String("project", "default", "project whose decisions are sent")
	ranges := fs.String("webhook-allow", "", "address ranges that may be called although they are not public")
	payload := fs.String("payload", string(store.PayloadDecision), "decision: what was decided, without personal data; full: what GET /submission answers, within -scope")
	scope := fs.String("scope", "", "with -payload full: "+api.ScopeSubmissions+" sends personal data too")
	public := fs.String("encrypt-to", "", "with -payload full: file with the partner's public key (JWK or PEM) that data is encrypted to")
	if _, err := p.parse(fs, args, "data", "url"); err != nil {
		return err
	}
	allow, err := prefixes(*ranges)
	if err != nil {
		return err
	}
	if err := notify.CheckURL(*url, allow); err != nil {
		return fault.New("webhook_url", "decisions cannot be sent to this address", "give an https URL with a public address; -webhook-allow opens a range", err)
	}
	hook := store.Webhook{Project: *project, URL: *url, Payload: store.Payload(*payload), Scope: *scope}
	if err := payloadOf(&hook, *public); err != nil {
		return err
	}
	return p.secretly(ctx, *dir, *db, func(tx *store.Tx, seal func(id string) (string, []byte, error)) (string, error) {
		id := newID()
		secret, sealed, err := seal(id)
		if err != nil {
			return "", err
		}
		now := time.Now()
		hook.ID, hook.Secret, hook.Created = id, sealed, now
		if err := tx.SaveWebhook(ctx, hook); err != nil {
			return "", err
		}
		return id + "\t" + secret, tx.Audit(ctx, newID(), "command line", strings.TrimSpace("webhook add "+string(hook.Payload)+" "+hook.Scope), id, now)
	})
}

// payloadOf checks what an endpoint is to be told, and reads the key it is encrypted to.
func payloadOf(hook *store.Webhook, public string) error {
	switch {
	case hook.Payload != store.PayloadDecision && hook.Payload != store.PayloadFull:
		return fault.New("webhook_payload", "there is no such payload", "use decision or full", nil)
	case hook.Payload == store.PayloadDecision && hook.Scope+public != "":
		return fault.New("webhook_payload", "the decision alone holds nothing that a scope or a key is for", "add -payload full, or leave them out", nil)
	case hook.Scope != "" && hook.Scope != api.ScopeSubmissions:
		return fault.New("scope_unknown", "a webhook has no such scope", "use "+api.ScopeSubmissions+", or none", nil)
	}
	if public == "" {
		return nil
	}
	text, err := readBounded(public, maxPublicKey)
	if err == nil {
		hook.EncryptTo, err = api.PublicKey(text)
	}
	if err != nil {
		return fault.New("public_key_unusable", "the partner's public key cannot be used", "hand in a JWK or PEM of P-256, or RSA from 2048 bits", err)
	}
	return nil
}

// answer is what an endpoint is told of a submission: what the API would answer a key of its
// project with its scopes.
func (c *running) answer(ctx context.Context, w store.Webhook, submission string) (json.RawMessage, error) {
	return api.Body(ctx, c.answering(), store.APIKey{ID: w.ID, Project: w.Project, Scope: w.Scope, EncryptTo: w.EncryptTo}, submission)
}

func webhookRotate(ctx context.Context, p *program, args []string) error {
	fs, dir, db := p.flags("ID")
	overlap := fs.Duration("overlap", 24*time.Hour, "how long the old secret signs too")
	operands, err := p.parse(fs, args, "data")
	if err != nil {
		return err
	}
	if len(operands) != 1 || *overlap < 0 {
		fs.Usage()
		return errUsage
	}
	return p.secretly(ctx, *dir, *db, func(tx *store.Tx, seal func(id string) (string, []byte, error)) (string, error) {
		hook, err := tx.Webhook(ctx, operands[0])
		if err != nil {
			return "", noWebhook(err)
		}
		secret, sealed, err := seal(hook.ID)
		if err != nil {
			return "", err
		}
		now := time.Now()
		hook.Previous, hook.Overlap, hook.Secret = hook.Secret, now.Add(*overlap), sealed
		if err := tx.SaveWebhook(ctx, hook); err != nil {
			return "", err
		}
		return hook.ID + "\t" + secret, tx.Audit(ctx, newID(), "command line", "webhook rotate", hook.ID, now)
	})
}

// secretly runs a change that makes a secret, and prints what it returns.
func (p *program) secretly(ctx context.Context, dir, db string, do func(tx *store.Tx, seal func(id string) (string, []byte, error)) (string, error)) error {
	keys, err := vault.Load(filepath.Join(dir, folderKeys))
	if err != nil {
		return fault.New("keys_unusable", "the centre's own keys cannot be used", "restore "+folderKeys+"/ from a backup, and see to its permissions", err)
	}
	s, err := open(ctx, dir, db)
	if err != nil {
		return err
	}
	defer s.Close()
	seal := func(id string) (string, []byte, error) {
		secret, err := notify.NewSecret(rand.Reader)
		if err != nil {
			return "", nil, err
		}
		sealed, err := keys.Seal([]byte(secret), notify.SecretContext(id))
		return secret, sealed, err
	}
	var line string
	if err := s.Write(ctx, func(tx *store.Tx) (err error) {
		line, err = do(tx, seal)
		return err
	}); err != nil {
		return err
	}
	_, _ = fmt.Fprintln(p.errs, "The webhook's id and secret follow. The secret is shown this once.")
	_, _ = fmt.Fprintln(p.out, line)
	return nil
}

func noWebhook(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return fault.New("webhook_unknown", "there is no such webhook or ended delivery", "server webhook list, server webhook deliveries", err)
	}
	return err
}

func webhookDisable(ctx context.Context, p *program, args []string) error {
	return p.onWebhook(ctx, args, func(tx *store.Tx, id string, now time.Time) error {
		hook, err := tx.Webhook(ctx, id)
		if err != nil {
			return err
		}
		hook.Disabled = now
		return tx.SaveWebhook(ctx, hook)
	})
}

func webhookEnable(ctx context.Context, p *program, args []string) error {
	return p.onWebhook(ctx, args, func(tx *store.Tx, id string, now time.Time) error {
		hook, err := tx.Webhook(ctx, id)
		if err != nil {
			return err
		}
		hook.Disabled = time.Time{}
		return tx.SaveWebhook(ctx, hook)
	})
}

func webhookReplay(ctx context.Context, p *program, args []string) error {
	return p.onWebhook(ctx, args, func(tx *store.Tx, id string, now time.Time) error { return tx.ReplayDelivery(ctx, id, now) })
}

func webhookTest(ctx context.Context, p *program, args []string) error {
	return p.onWebhook(ctx, args, func(tx *store.Tx, id string, now time.Time) error {
		if _, err := tx.Webhook(ctx, id); err != nil {
			return err
		}
		return notify.Test(ctx, tx, newID(), id, now)
	})
}

// onWebhook runs an audited change on the id that is the command's one operand.
func (p *program) onWebhook(ctx context.Context, args []string, do func(tx *store.Tx, id string, now time.Time) error) error {
	fs, dir, db := p.flags("ID")
	operands, err := p.parse(fs, args, "data")
	if err != nil {
		return err
	}
	if len(operands) != 1 {
		fs.Usage()
		return errUsage
	}
	s, err := open(ctx, *dir, *db)
	if err != nil {
		return err
	}
	defer s.Close()
	now := time.Now()
	return noWebhook(s.Write(ctx, func(tx *store.Tx) error {
		if err := do(tx, operands[0], now); err != nil {
			return err
		}
		return tx.Audit(ctx, newID(), "command line", p.name, operands[0], now)
	}))
}

func webhookList(ctx context.Context, p *program, args []string) error {
	return p.reading(ctx, args, func(r store.Reader) error {
		hooks, err := r.Webhooks(ctx)
		for _, h := range hooks {
			state := "active"
			if !h.Disabled.IsZero() {
				state = "disabled"
			}
			told := string(h.Payload)
			if h.Scope != "" {
				told += " " + h.Scope
			}
			if h.EncryptTo != "" {
				told += " encrypted"
			}
			_, _ = fmt.Fprintf(p.out, "%s\t%s\t%s\t%s\t%s\n", h.ID, h.Project, state, h.URL, told)
		}
		return err
	})
}

func webhookDeliveries(ctx context.Context, p *program, args []string) error {
	return p.reading(ctx, args, func(r store.Reader) error {
		list, err := r.Deliveries(ctx, 200)
		for _, d := range list {
			_, _ = fmt.Fprintf(p.out, "%s\t%s\t%s\t%s\t%d attempts\tstatus %d\t%s\tdue %s\n",
				d.ID, d.Webhook, d.Submission, d.State, d.Attempts, d.Status, d.Problem, d.Due.Format(time.RFC3339))
		}
		return err
	})
}

// reading runs a command that only looks.
func (p *program) reading(ctx context.Context, args []string, do func(store.Reader) error) error {
	fs, dir, db := p.flags("")
	operands, err := p.parse(fs, args, "data")
	if err != nil {
		return err
	}
	if len(operands) > 0 {
		fs.Usage()
		return errUsage
	}
	s, err := open(ctx, *dir, *db)
	if err != nil {
		return err
	}
	defer s.Close()
	return do(s.Read())
}
