package notify

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"vestibule/server/store"
)

// Work does what is due until ctx ends: once makes one attempt, or returns store.ErrNotFound when none is due. what
// names it in the log.
func Work(ctx context.Context, log *slog.Logger, what string, once func(context.Context) error) {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		for ctx.Err() == nil {
			if err := once(ctx); err != nil {
				if !errors.Is(err, store.ErrNotFound) && ctx.Err() == nil {
					log.ErrorContext(ctx, "cannot work on "+what, "code", "database", "error", err)
				}
				break
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
