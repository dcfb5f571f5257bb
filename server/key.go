package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"vestibule/server/api"
	"vestibule/server/store"
	"vestibule/sync/fault"
)

// keyBytes gives an API key 256 bits: no need to hash it slowly.
const keyBytes = 32

// Bounds of what a key is made with.
const (
	maxKeyName   = 64
	maxPerSecond = 10_000
	maxPublicKey = 16 << 10
)

// addKey makes an API key and gives it, for the only time.
func addKey(ctx context.Context, s *store.Store, k store.APIKey) (string, error) {
	raw := make([]byte, keyBytes)
	if _, err := rand.Read(raw); err != nil {
		return "", fmt.Errorf("make API key: %w", err)
	}
	key := "vk_" + base64.RawURLEncoding.EncodeToString(raw)
	k.ID, k.Hash, k.Created = newID(), api.HashKey(key), time.Now()
	err := s.Write(ctx, func(tx *store.Tx) error {
		if err := tx.AddAPIKey(ctx, k); err != nil {
			return err
		}
		return tx.Audit(ctx, newID(), "command line", "key add "+k.Scope, k.ID, k.Created)
	})
	return key, err
}

func keyAdd(ctx context.Context, p *program, args []string) error {
	fs, data, db := p.flags("")
	var k store.APIKey
	fs.StringVar(&k.Name, "name", "", "who the key is for")
	fs.StringVar(&k.Scope, "scope", "", "one or more, separated by commas: "+strings.Join(api.Scopes(), ", "))
	fs.StringVar(&k.Project, "project", "", "the one project it may see; empty: all")
	fs.IntVar(&k.PerSecond, "per-second", api.DefaultPerSecond, "requests a second it may make")
	public := fs.String("encrypt-to", "", "file with the partner's public key (JWK or PEM): every answer is encrypted to it")
	if _, err := p.parse(fs, args, "data", "scope"); err != nil {
		return err
	}
	for _, scope := range strings.Split(k.Scope, ",") {
		if !api.KnownScope(scope) {
			return fault.New("scope_unknown", "there is no such scope", "use of: "+strings.Join(api.Scopes(), ", "), nil)
		}
	}
	switch {
	case k.PerSecond < 1 || k.PerSecond > maxPerSecond:
		return fault.New("key_rate", "a key makes from 1 to 10000 requests a second", "leave -per-second out for the usual number", nil)
	case len(k.Name) > maxKeyName || strings.ContainsFunc(k.Name+k.Project, func(r rune) bool { return r < 0x20 || r == 0x7f }):
		return fault.New("key_name", "the name is too long or holds control characters", "use at most 64 ordinary characters", nil)
	}
	if *public != "" {
		text, err := readBounded(*public, maxPublicKey)
		if err == nil {
			k.EncryptTo, err = api.PublicKey(text)
		}
		if err != nil {
			return fault.New("public_key_unusable", "the partner's public key cannot be used", "hand in a JWK or PEM of P-256, or RSA from 2048 bits", err)
		}
	}
	s, err := open(ctx, *data, *db)
	if err != nil {
		return err
	}
	defer s.Close()
	key, err := addKey(ctx, s, k)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(p.errs, "The API key follows. It is shown this once.")
	_, _ = fmt.Fprintln(p.out, key)
	return nil
}

func readBounded(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(b)) > most {
		err = fmt.Errorf("%s is larger than %d bytes", path, most)
	}
	return b, err
}

func keyList(ctx context.Context, p *program, args []string) error {
	fs, data, db := p.flags("")
	if _, err := p.parse(fs, args, "data"); err != nil {
		return err
	}
	s, err := open(ctx, *data, *db)
	if err != nil {
		return err
	}
	defer s.Close()
	keys, err := s.Read().APIKeys(ctx)
	if err != nil {
		return err
	}
	for _, k := range keys {
		state, project, answers := "valid", "all projects", "plain"
		if !k.Revoked.IsZero() {
			state = "revoked"
		}
		if k.Project != "" {
			project = k.Project
		}
		if k.EncryptTo != "" {
			answers = "encrypted"
		}
		_, _ = fmt.Fprintf(p.out, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", k.ID, k.Name, k.Scope, project, answers, k.Created.Format(time.DateOnly), state)
	}
	return nil
}

func keyRevoke(ctx context.Context, p *program, args []string) error {
	fs, data, db := p.flags("ID")
	operands, err := p.parse(fs, args, "data")
	if err != nil {
		return err
	}
	if len(operands) != 1 {
		_, _ = fmt.Fprintln(p.errs, "server key revoke: give the id of one key, as server key list shows it")
		return errUsage
	}
	s, err := open(ctx, *data, *db)
	if err != nil {
		return err
	}
	defer s.Close()
	now := time.Now()
	err = s.Write(ctx, func(tx *store.Tx) error {
		if err := tx.RevokeAPIKey(ctx, operands[0], now); err != nil {
			return err
		}
		return tx.Audit(ctx, newID(), "command line", "key revoke", operands[0], now)
	})
	if errors.Is(err, store.ErrNotFound) {
		return fault.New("key_unknown", "no valid API key has this id", "server key list shows the ids", nil)
	}
	return err
}
