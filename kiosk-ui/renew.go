package main

import (
	"context"
	"log/slog"
	"time"

	wrong "vestibule/sync/fault"
	"vestibule/sync/identity"
)

// How often the kiosk looks whether its certificate is to be renewed, and how soon it tries again when that failed.
const (
	renewEvery = 6 * time.Hour
	renewAgain = 15 * time.Minute
)

// keepCertified renews the kiosk's certificate once two thirds of its time are over, until ctx ends. Without a way to
// the centre it goes on trying; the kiosk works on, and the centre takes what it queued once it is renewed.
func keepCertified(ctx context.Context, b *identity.Bundle, dir string, log *slog.Logger) {
	for {
		next := renewEvery
		if end, due := b.Expires(time.Now()); due {
			if err := b.Renew(ctx, dir, time.Now); err == nil {
				fresh, _ := b.Expires(time.Now())
				log.Info("certificate renewed", "until", fresh.UTC().Format(time.DateOnly))
			} else if ctx.Err() == nil {
				log.Warn("certificate not renewed", "code", wrong.Code(err), "until", end.UTC().Format(time.DateOnly), "error", err)
				next = renewAgain
			}
		}
		t := time.NewTimer(next)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return
		}
	}
}
