// Package enrol lets kiosks in: whoever shows a token that was made for them, and has not expired, gets
// a certificate for the key that they made themselves. The name comes from the token, never from the request.
//
// A token is good for one key. The same key may ask again while it lasts: an answer may get lost on the way.
//
// What may live here: making tokens, and taking enrolments over HTTPS. What may not: who may ask for a token, drawing
// it (package code), and certificates, which package identity knows.
package enrol

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/time/rate"

	"vestibule/server/store"
	"vestibule/sync/fault"
	"vestibule/sync/identity"
)

// How often tokens may be tried, of all kiosks together: a roll-out of thousands takes minutes, guessing
// one of 2⁸⁰ longer than the earth will last.
const (
	perSecond = 20
	burst     = 40
)

// Store is what the centre's database does for it.
type Store interface {
	Read() store.Reader
	Write(ctx context.Context, f func(*store.Tx) error) error
}

// Desk takes enrolments.
type Desk struct {
	Store Store
	CA    *identity.CA
	// Seal gives the HPKE key that kiosks seal to from now on, as a bundle holds it.
	Seal func() ([]byte, error)
	// Enrolled queues what a new kiosk has to hear first, in the same transaction; may be nil.
	Enrolled func(ctx context.Context, tx *store.Tx, k store.Kiosk, now time.Time) error
	NewID    func() string
	Now      func() time.Time
	Log      *slog.Logger
}

// Handler answers identity.EnrolPath.
func (d *Desk) Handler() http.Handler {
	limit := rate.NewLimiter(perSecond, burst)
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+identity.EnrolPath, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		if !limit.Allow() {
			refuse(w, http.StatusTooManyRequests, fault.New("enrolment_busy", "too many enrolments at once", "try again in a minute", nil))
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, identity.MaxEnrolment))
		var q identity.EnrolRequest
		if err != nil || json.Unmarshal(body, &q) != nil {
			refuse(w, http.StatusBadRequest, fault.New("enrolment_malformed", "the request cannot be read", "use kiosk-ui enrol", nil))
			return
		}
		a, err := d.take(r.Context(), q)
		d.answer(w, a, err)
	})
	mux.HandleFunc("POST "+identity.RenewPath, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		if !limit.Allow() {
			refuse(w, http.StatusTooManyRequests, fault.New("enrolment_busy", "too many enrolments at once", "try again in a minute", nil))
			return
		}
		if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
			refuse(w, http.StatusForbidden, fault.New("renewal_stranger", "no certificate was shown", "enrol this kiosk with a token", nil))
			return
		}
		a, err := d.renew(r.Context(), r.TLS.PeerCertificates[0])
		d.answer(w, a, err)
	})
	return mux
}

func (d *Desk) answer(w http.ResponseWriter, a identity.EnrolAnswer, err error) {
	var f *fault.Fault
	switch {
	case err == nil:
		_ = json.NewEncoder(w).Encode(a)
	case errors.As(err, &f):
		d.Log.Warn("an enrolment or renewal was refused", "code", f.Code)
		refuse(w, http.StatusForbidden, f)
	default:
		d.Log.Error("an enrolment or renewal failed", "code", "enrolment_failed", "error", err)
		refuse(w, http.StatusInternalServerError, fault.New("enrolment_failed", "the centre could not do it", "try again; the centre's log says more", nil))
	}
}

// renew certifies an enrolled kiosk's key again. The handshake has proved that the peer holds it.
func (d *Desk) renew(ctx context.Context, old *x509.Certificate) (identity.EnrolAnswer, error) {
	now := d.Now()
	stranger := fault.New("renewal_stranger", "this certificate is none of an enrolled kiosk", "enrol this kiosk with a token", nil)
	if !d.CA.Issued(old) || now.Before(old.NotBefore) {
		return identity.EnrolAnswer{}, stranger
	}
	if now.After(old.NotAfter.Add(identity.RenewalGrace)) {
		return identity.EnrolAnswer{}, fault.New("renewal_late", "this certificate ended too long ago", "enrol this kiosk anew, under another name", nil)
	}
	der, err := x509.MarshalPKIXPublicKey(old.PublicKey)
	if err != nil {
		return identity.EnrolAnswer{}, err
	}
	key, err := d.Seal()
	if err != nil {
		return identity.EnrolAnswer{}, err
	}
	var a identity.EnrolAnswer
	err = d.Store.Write(ctx, func(tx *store.Tx) error {
		k, err := tx.Kiosk(ctx, old.Subject.CommonName)
		if errors.Is(err, store.ErrNotFound) || err == nil && !bytes.Equal(k.PublicKey, der) {
			return stranger
		}
		if err != nil {
			return err
		}
		if !k.Revoked.IsZero() {
			return fault.New("kiosk_revoked", "this kiosk was revoked", "enrol it under a new name", nil)
		}
		cert, err := d.CA.RenewKiosk(old, now)
		if err != nil {
			return err
		}
		print := sha256.Sum256(cert.Raw)
		if err := tx.Recertify(ctx, k.ID, hex.EncodeToString(print[:])); err != nil {
			return err
		}
		a = identity.EnrolAnswer{Certificate: cert.Raw, Seal: key, Kiosk: identity.KioskInfo{Name: k.ID, SiteCountry: k.Country, Project: k.Project}}
		return tx.Audit(ctx, d.NewID(), "kiosk "+k.ID, "kiosk renewed", k.ID, now)
	})
	return a, err
}

func refuse(w http.ResponseWriter, status int, f *fault.Fault) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(identity.EnrolAnswer{Code: f.Code, Message: f.Message, Hint: f.Hint})
}

// take enrols. An unknown token and one that another kiosk used are told apart only to who has the token.
func (d *Desk) take(ctx context.Context, q identity.EnrolRequest) (identity.EnrolAnswer, error) {
	now := d.Now()
	e, err := d.Store.Read().Enrolment(ctx, identity.SecretHash(q.Secret))
	if errors.Is(err, store.ErrNotFound) {
		return identity.EnrolAnswer{}, fault.New("token_unknown", "this token is not known, or a newer one was made", "ask the centre for a new one: server kiosk add", nil)
	}
	if err != nil {
		return identity.EnrolAnswer{}, err
	}
	if !now.Before(e.Expires) {
		return identity.EnrolAnswer{}, fault.New("token_expired", "this token has expired", "ask the centre for a new one: server kiosk add", nil)
	}
	cert, err := d.CA.SignKiosk(e.Kiosk, q.Request, now)
	if err != nil {
		return identity.EnrolAnswer{}, err
	}
	public, ok := cert.PublicKey.(*ecdsa.PublicKey)
	if !ok {
		return identity.EnrolAnswer{}, errors.New("certified another kind of key")
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return identity.EnrolAnswer{}, err
	}
	sum, print := sha256.Sum256(der), sha256.Sum256(cert.Raw)
	key := hex.EncodeToString(sum[:])
	used := fault.New("token_used", "this token was used by another kiosk", "ask the centre for a new one; if nobody else should have had it, revoke that kiosk", nil)
	if !e.Used.IsZero() && e.Key != key {
		return identity.EnrolAnswer{}, used
	}
	seal, err := d.Seal()
	if err != nil {
		return identity.EnrolAnswer{}, err
	}
	err = d.Store.Write(ctx, func(tx *store.Tx) error {
		first, err := tx.UseEnrolment(ctx, e.Hash, key, now)
		if err != nil {
			return err
		}
		if !first { // the same key again, or somebody was quicker
			now, err := tx.Enrolment(ctx, e.Hash)
			if err != nil {
				return err
			}
			if now.Key != key {
				return used
			}
			k, err := tx.Kiosk(ctx, e.Kiosk)
			if err != nil {
				return err
			}
			if !k.Revoked.IsZero() {
				return fault.New("kiosk_revoked", "this kiosk was revoked", "enrol it under a new name", nil)
			}
			return tx.Recertify(ctx, e.Kiosk, hex.EncodeToString(print[:]))
		}
		k := store.Kiosk{ID: e.Kiosk, Country: e.Country, Project: e.Project, PublicKey: der, Certificate: hex.EncodeToString(print[:]), Enrolled: now}
		if _, err := tx.Kiosk(ctx, e.Kiosk); err == nil {
			return fault.New("kiosk_exists", "a kiosk of this name is enrolled", "choose another name, or revoke it and enrol it under a new one", nil)
		}
		if err := tx.AddKiosk(ctx, k); err != nil {
			return err
		}
		if d.Enrolled != nil {
			if err := d.Enrolled(ctx, tx, k, now); err != nil {
				return err
			}
		}
		return tx.Audit(ctx, d.NewID(), "kiosk "+e.Kiosk, "kiosk enrolled", e.Kiosk, now)
	})
	if err != nil {
		return identity.EnrolAnswer{}, err
	}
	info := identity.KioskInfo{Name: e.Kiosk, SiteCountry: e.Country, Project: e.Project, Broker: e.Broker}
	if info.Branch, err = d.Store.Read().BranchOf(ctx, e.Kiosk); err != nil {
		return identity.EnrolAnswer{}, err
	}
	if info.Branch != "" {
		info.Centre = identity.BranchName(info.Branch)
	}
	return identity.EnrolAnswer{
		Kiosk:       info,
		Certificate: cert.Raw, Seal: seal,
	}, nil
}
