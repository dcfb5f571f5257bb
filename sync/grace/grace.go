// Package grace lets what is under way end by itself when a program stops.
//
// What may live here: that one idea. What may not: how long, which belongs to those
// who know what they are doing.
package grace

import (
	"context"
	"time"
)

// Extend gives a context that ends after d from when ctx ended, or when it is cancelled. Begin nothing new with it:
// ask ctx for that. It carries ctx's values, and no deadline of its own.
func Extend(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	out, cancel := context.WithCancel(context.WithoutCancel(ctx))
	forget := context.AfterFunc(ctx, func() {
		late := time.NewTimer(d)
		defer late.Stop()
		select {
		case <-late.C:
			cancel()
		case <-out.Done():
		}
	})
	return out, func() {
		forget()
		cancel()
	}
}
