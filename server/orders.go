package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"vestibule/journey"
	"vestibule/server/store"
	"vestibule/sync/fault"
	"vestibule/sync/identity"
	"vestibule/sync/wire"
)

// orders signs policies for kiosks with the centre's key, which they know by its certificate.
type orders struct{ centre *identity.Centre }

func loadOrders(data string) (orders, error) {
	c, err := identity.LoadCentre(filepath.Join(data, folderIdentity))
	if err != nil {
		return orders{}, asFault(err, "identity_unusable", "the centre's certificate cannot be used", "restore "+folderIdentity+"/ from a backup")
	}
	return orders{c}, nil
}

// greet queues what a new kiosk has to hear first: the seal key in use, if there was another before (its bundle may be
// older), and its project's policy.
func (o orders) greet(ctx context.Context, tx *store.Tx, k store.Kiosk, now time.Time) error {
	key, err := tx.LatestSealOrder(ctx)
	if err == nil {
		err = o.reseal(ctx, tx, k.ID, key, now)
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	e, err := tx.PolicyInForce(ctx, k.Project)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read policy: %w", err)
	}
	policy, err := tx.PolicyVersion(ctx, k.Project, e.Version)
	if err != nil {
		return fmt.Errorf("read policy: %w", err)
	}
	return o.push(ctx, tx, k.ID, policy, e, now)
}

// push queues a policy for a kiosk, which applies it when it hears of it. The project's own rules stay here:
// only the centre judges them, and a kiosk that is opened must not tell them.
func (o orders) push(ctx context.Context, tx *store.Tx, kiosk string, policy journey.Policy, e store.PolicyEntry, now time.Time) error {
	policy.Rules = nil
	body, err := json.Marshal(policy)
	if err != nil {
		return fmt.Errorf("encode policy: %w", err)
	}
	order := wire.PolicyOrder{Kiosk: kiosk, Number: uint64(e.Number), Rollback: e.What == store.PolicyRolledBack || e.What == store.PolicyUnstaged, Signed: now, Policy: body}
	signed, err := wire.SignPolicy(order, o.centre.Signer(), o.centre.Cert.Raw, rand.Reader)
	if errors.Is(err, wire.ErrTooLarge) {
		return fault.New("policy_too_large", "the policy is too long for a kiosk's line", "shorten its lists", err)
	}
	if err != nil {
		return fmt.Errorf("sign policy: %w", err)
	}
	_, err = tx.PushCommand(ctx, kiosk, wire.KindPolicy, newID(), signed, now)
	return err
}

// reseal queues for a kiosk which key it seals to from its next visit on.
func (o orders) reseal(ctx context.Context, tx *store.Tx, kiosk string, key store.SealOrder, now time.Time) error {
	signed, err := wire.SignSeal(wire.SealOrder{Kiosk: kiosk, Number: uint64(key.Number), Signed: now, Key: key.Public},
		o.centre.Signer(), o.centre.Cert.Raw, rand.Reader)
	if err != nil {
		return fmt.Errorf("sign seal key: %w", err)
	}
	_, err = tx.PushCommand(ctx, kiosk, wire.KindSeal, newID(), signed, now)
	return err
}

// policyState tells which policy a kiosk runs, for people.
// inForce is what counts for it, staged whether that is rolled out to some kiosks only.
func policyState(k store.KioskPolicy, inForce store.PolicyEntry, staged bool) string {
	text := "policy " + k.Version
	if staged && k.Version == inForce.Version {
		text += " (rolled out first)"
	}
	switch {
	case k.Version == "" && inForce.Number == 0 && k.Problem == "":
		return "-"
	case k.Version == "":
		text = "no policy yet"
	}
	if k.Number < inForce.Number {
		text += ", " + inForce.Version + " waits"
	}
	if k.Problem != "" {
		text += ", refused"
		if k.Refused > 0 {
			text += " number " + strconv.FormatInt(k.Refused, 10)
		}
		text += ": " + k.Problem
	}
	return text
}
