package agent

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"vestibule/agent/store"
	"vestibule/journey"
	"vestibule/sync/courier"
	"vestibule/sync/outbox"
	"vestibule/sync/wire"
)

// collectEvery is how often the tray is looked into for acknowledgements that were
// carried here; a starting value, unmeasured.
const collectEvery = 2 * time.Second

func (c Config) tray() courier.Tray {
	return courier.Tray{Data: c.Dir, Kiosk: c.Kiosk, Centre: c.Centre}
}

// collect settles what a courier brought, until ctx ends, the way the link settles
// what the line brings.
func (a *Agent) collect(ctx context.Context) {
	tick := time.NewTicker(collectEvery)
	defer tick.Stop()
	last := ""
	for {
		done, err := a.cfg.tray().Collect(ctx, ackWatcher{a.store.Outbox(), a})
		if done != (courier.Settled{}) {
			a.cfg.Log.Info("a courier's acknowledgement was settled", "records", done.Records, "pictures", done.Pictures, "anew", done.Renewed)
		}
		if a.link != nil && done.Renewed {
			a.link.Kick()
		}
		// What stays in the tray fails again every time: it is told once.
		if err != nil && ctx.Err() == nil && err.Error() != last {
			a.cfg.Log.Warn("a courier's acknowledgement was not settled", "error", err)
		}
		if last = ""; err != nil {
			last = err.Error()
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// startCollecting begins to collect and gives what is closed when it has ended.
func (a *Agent) startCollecting(ctx context.Context) <-chan struct{} {
	ended := make(chan struct{})
	if a.cfg.Centre == nil {
		close(ended)
		return ended
	}
	go func() {
		defer close(ended)
		a.collect(ctx)
	}()
	return ended
}

// Errand is what settling without a running agent needs.
type Errand struct {
	Dir    string // as Config.Dir
	Kiosk  string
	Centre wire.CentreKey
	Store  store.Options
	Now    func() time.Time // default time.Now
}

// Settle settles what a courier brought, as a running agent would, while none runs:
// it takes the database for itself. A Problem with code store_in_use says that an
// agent has it, which then does the same within seconds.
func Settle(ctx context.Context, e Errand) (courier.Settled, error) {
	if e.Now == nil {
		e.Now = time.Now
	}
	// Opening makes what is missing; an acknowledgement has no use for a new database.
	if v, err := store.View(ctx, e.Dir, e.Store); err != nil {
		return courier.Settled{}, viewProblem(err)
	} else if err := v.Close(); err != nil {
		return courier.Settled{}, viewProblem(err)
	}
	st, err := store.Open(e.Dir, e.Kiosk, e.Store)
	if err != nil {
		return courier.Settled{}, fmt.Errorf("%w: %w", problemOf(err), err)
	}
	a := &Agent{store: st, cfg: Config{
		Dir: e.Dir, Kiosk: e.Kiosk, Centre: e.Centre, Policy: journey.DefaultPolicy(), Now: e.Now, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler),
	}}
	o := &owner{Agent: a, ctx: ctx, disk: context.WithoutCancel(ctx), policy: a.cfg.Policy, clock: journey.ClockUnknown}
	o.loadPolicy()
	done, err := a.cfg.tray().Collect(ctx, lone{st.Outbox(), o})
	return done, errors.Join(err, st.Close())
}

// lone is the queue of a kiosk whose agent does not run: the owner is told at once.
type lone struct {
	*outbox.Outbox
	o *owner
}

func (l lone) Acknowledge(ctx context.Context, ack wire.Ack) (outbox.Acked, error) {
	done, err := l.Outbox.Acknowledge(ctx, ack)
	if err == nil {
		for _, blob := range done.Blobs {
			l.o.delivered(blob)
		}
	}
	return done, err
}
