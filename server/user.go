package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"vestibule/server/api"
	"vestibule/server/console"
	"vestibule/server/review/desk"
	"vestibule/server/store"
	"vestibule/sync/fault"
)

// maxUserName bounds a name in bytes: it stands in events and audit lines.
const maxUserName = 40

// userAdd makes a person who uses the console, with a key of 256 random bits. What they
// do stands under their name for ever, so a name is given once.
func userAdd(ctx context.Context, p *program, args []string) error {
	fs, data, db := p.flags("")
	var u store.User
	fs.StringVar(&u.Name, "name", "", "who it is: letters, digits, dot, dash, underscore, @")
	fs.StringVar(&u.Role, "role", "", desk.Reviewer+" decides what is held; "+desk.Viewer+" looks at journeys and the queue; "+desk.Auditor+" does that, and sees who did what; "+desk.Operator+" does it, and adds kiosks")
	if _, err := p.parse(fs, args, "data", "name", "role"); err != nil {
		return err
	}
	if !slices.Contains([]string{desk.Reviewer, desk.Viewer, desk.Auditor, desk.Operator}, u.Role) {
		return fault.New("role_unknown", "there is no such role", "use "+desk.Reviewer+", "+desk.Viewer+", "+desk.Auditor+" or "+desk.Operator, nil)
	}
	if len(u.Name) > maxUserName || strings.Trim(strings.ToLower(u.Name), "abcdefghijklmnopqrstuvwxyz0123456789.-_@") != "" || u.Name == "centre" {
		return fault.New("user_name", "this cannot be a name", "use at most 40 letters, digits, dots, dashes, underscores or @, and not the centre's own name", nil)
	}
	s, err := open(ctx, *data, *db)
	if err != nil {
		return err
	}
	defer s.Close()
	raw := make([]byte, keyBytes)
	if _, err := rand.Read(raw); err != nil {
		return fmt.Errorf("make key: %w", err)
	}
	key := "vu_" + base64.RawURLEncoding.EncodeToString(raw)
	u.Hash, u.Created = api.HashKey(key), time.Now()
	err = s.Write(ctx, func(tx *store.Tx) error {
		fresh, err := tx.AddUser(ctx, u)
		if err != nil {
			return err
		}
		if !fresh {
			return fault.New("user_exists", "there is, or was, a user of this name", "choose another name: what is in the audit trail stays with the old one", nil)
		}
		return tx.Audit(ctx, newID(), "command line", "user add "+u.Role, u.Name, u.Created)
	})
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(p.errs, "The key to the console follows. It is shown this once.")
	_, _ = fmt.Fprintln(p.out, key)
	return nil
}

func userList(ctx context.Context, p *program, args []string) error {
	fs, data, db := p.flags("")
	if _, err := p.parse(fs, args, "data"); err != nil {
		return err
	}
	s, err := open(ctx, *data, *db)
	if err != nil {
		return err
	}
	defer s.Close()
	users, err := s.Read().Users(ctx)
	if err != nil {
		return err
	}
	for _, u := range users {
		state := "active"
		if !u.Disabled.IsZero() {
			state = "disabled"
		}
		_, _ = fmt.Fprintf(p.out, "%s\t%s\t%s\t%s\n", u.Name, u.Role, u.Created.Format(time.DateOnly), state)
	}
	return nil
}

func userDisable(ctx context.Context, p *program, args []string) error {
	fs, data, db := p.flags("NAME")
	operands, err := p.parse(fs, args, "data")
	if err != nil {
		return err
	}
	if len(operands) != 1 {
		_, _ = fmt.Fprintln(p.errs, "server user disable: give one name, as server user list shows it")
		return errUsage
	}
	s, err := open(ctx, *data, *db)
	if err != nil {
		return err
	}
	defer s.Close()
	now := time.Now()
	err = s.Write(ctx, func(tx *store.Tx) error {
		if err := tx.DisableUser(ctx, operands[0], now); err != nil {
			return err
		}
		return tx.Audit(ctx, newID(), "command line", "user disable", operands[0], now)
	})
	if errors.Is(err, store.ErrNotFound) {
		return fault.New("user_unknown", "no active user has this name", "server user list shows the names", nil)
	}
	return err
}

// admits tells who a key to the console is: a user, or nobody in particular with an API
// key that opens journeys.
func (c *running) admits(ctx context.Context, key string) (console.Visitor, bool, error) {
	if strings.HasPrefix(key, "vu_") && len(key) < 100 {
		u, err := c.store.Read().UserByHash(ctx, api.HashKey(key))
		if errors.Is(err, store.ErrNotFound) {
			return console.Visitor{}, false, nil
		}
		return console.Visitor{Name: u.Name, Reviewer: u.Role == desk.Reviewer, Auditor: u.Role == desk.Auditor, Operator: u.Role == desk.Operator}, err == nil, err
	}
	k, ok, err := api.Find(ctx, c.store.Read(), key)
	return console.Visitor{Key: k.ID, Auditor: api.Opens(k, api.ScopeAdmin)}, ok && api.Opens(k, api.ScopeJourneys), err
}

// active reports whether somebody who logged in still has access: as a user, or by an API key.
func (c *running) active(ctx context.Context, who console.Visitor) (bool, error) {
	if who.Name == "" {
		k, err := c.store.Read().APIKey(ctx, who.Key)
		if errors.Is(err, store.ErrNotFound) {
			return false, nil
		}
		return k.Revoked.IsZero(), err
	}
	u, err := c.store.Read().User(ctx, who.Name)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return u.Disabled.IsZero(), err
}

// reviewers gives the desk at which they work.
func (c *running) reviewers() *desk.Desk {
	return desk.New(desk.Config{
		Store: c.store, Vault: c.vault, Picture: private{c.vault, c.shelf, c.ring}.Picture, Now: time.Now, NewID: newID, Wake: c.centre.Wake,
	})
}
