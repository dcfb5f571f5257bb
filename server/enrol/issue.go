package enrol

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"vestibule/server/store"
	"vestibule/sync/fault"
	"vestibule/sync/identity"
)

// How long a token may be good.
const (
	DefaultLasts = 72 * time.Hour
	minLasts     = time.Minute
	maxLasts     = 90 * 24 * time.Hour
)

// Issue makes a token with which one kiosk enrols itself. by is whose name stands in the audit. The token is nowhere
// kept: who asked for it sees it once.
func Issue(ctx context.Context, s Store, ca *identity.CA, info identity.KioskInfo, lasts time.Duration, by, auditID string, now time.Time) (identity.Token, time.Time, error) {
	fail := func(err error) (identity.Token, time.Time, error) { return identity.Token{}, time.Time{}, err }
	if err := info.Check(); err != nil {
		return fail(err)
	}
	if lasts < minLasts || lasts > maxLasts {
		return fail(fault.New("token_lasts", "a token is good for a minute to 90 days", "leave -lasts out for three days", nil))
	}
	t, err := identity.NewToken(rand.Reader, ca.Cert)
	if err != nil {
		return fail(err)
	}
	e := store.Enrolment{Hash: t.Hash(), Kiosk: info.Name, Country: info.SiteCountry, Project: info.Project, Broker: info.Broker, Created: now, Expires: now.Add(lasts)}
	err = s.Write(ctx, func(tx *store.Tx) error {
		switch _, err := tx.Kiosk(ctx, info.Name); {
		case err == nil:
			return fault.New("kiosk_exists", "a kiosk of this name is enrolled", "choose another name, or revoke it and enrol it under a new one", nil)
		case !errors.Is(err, store.ErrNotFound):
			return err
		}
		if err := tx.AddEnrolment(ctx, e); err != nil {
			return err
		}
		return tx.Audit(ctx, auditID, by, "kiosk token", info.Name, now)
	})
	if err != nil {
		return fail(err)
	}
	return t, e.Expires, nil
}
