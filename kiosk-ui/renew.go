package main

import (
	"cmp"
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	wrong "vestibule/sync/fault"
	"vestibule/sync/identity"
)

// How often the kiosk looks whether its certificate is to be renewed, and how soon it tries again when that failed.
const (
	renewEvery = 6 * time.Hour
	renewAgain = 15 * time.Minute
)

// keeper keeps a kiosk's certificate fresh.
type keeper struct {
	bundle *identity.Bundle
	dir    string
	log    *slog.Logger
	failed atomic.Pointer[string] // code of why the last renewal failed; nil: it did not
}

// state is what the agent's health is told.
func (k *keeper) state() (spent float64, failed string) {
	if p := k.failed.Load(); p != nil {
		failed = *p
	}
	return k.bundle.Spent(time.Now()), failed
}

// run renews the certificate once two thirds of its time are over, until ctx ends. Without a way to the centre it goes
// on trying; the kiosk works on, and the centre takes what it queued once it is renewed.
func (k *keeper) run(ctx context.Context) {
	for {
		t := time.NewTimer(k.look(ctx, time.Now))
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return
		}
	}
}

// look renews the certificate if it is due, and says when to look again.
func (k *keeper) look(ctx context.Context, now func() time.Time) time.Duration {
	end, due := k.bundle.Expires(now())
	if !due {
		return renewEvery
	}
	err := k.bundle.Renew(ctx, k.dir, now)
	if err == nil {
		k.failed.Store(nil)
		fresh, _ := k.bundle.Expires(now())
		k.log.Info("certificate renewed", "until", fresh.UTC().Format(time.DateOnly))
		return renewEvery
	}
	if ctx.Err() == nil {
		code := cmp.Or(wrong.Code(err), "renewal_failed")
		k.failed.Store(&code)
		k.log.Warn("certificate not renewed", "code", code, "until", end.UTC().Format(time.DateOnly), "error", err)
	}
	return renewAgain
}
