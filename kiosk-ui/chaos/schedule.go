package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"vestibule/kiosk-ui/child"
	"vestibule/sync/powerloss"
)

// Limits of a schedule.
const (
	fewest, mostSteps = 8, 14
	shortest, longest = 150 * time.Millisecond, 900 * time.Millisecond
	drainLimit        = 60 * time.Second // unless options say otherwise
)

// schedule runs one: faults, healing, draining, comparing.
func (w *world) schedule(ctx context.Context) (got tally, err error) {
	defer func() {
		w.kill()
		if err != nil && w.centre != nil {
			for _, m := range w.everybody() {
				err = errors.Join(err, m.power().keep())
			}
		}
		w.close()
	}()
	if err := w.open(ctx); err != nil {
		return got, err
	}
	rng := rand.New(rand.NewPCG(w.seed, 7))
	pause(ctx, time.Second) // somebody is inside
	for range fewest + rng.IntN(mostSteps-fewest+1) {
		if err := w.step(ctx, rng); err != nil {
			return got, err
		}
		pause(ctx, shortest+time.Duration(rng.Int64N(int64(longest-shortest))))
	}
	err = w.end(ctx, &got)
	return got, err
}

// end heals, drains and compares.
func (w *world) end(ctx context.Context, got *tally) error {
	if err := w.heal(ctx); err != nil {
		return fmt.Errorf("heal: %w", err)
	}
	drained, err := w.drain(ctx)
	if err != nil {
		return err
	}
	if w.power { // what was acknowledged has to be there even so
		if err := cutPower(powerloss.None, w.seed, w.everybody()...); err != nil {
			return err
		}
	}
	for _, k := range w.kiosks {
		k.process.Stop()
	}
	w.centre.server.Stop()
	*got, err = w.compare(ctx)
	got.drain = drained
	return err
}

// step does one thing, drawn from the seed.
func (w *world) step(ctx context.Context, rng *rand.Rand) error {
	k := w.kiosks[rng.IntN(len(w.kiosks))]
	note := func(format string, args ...any) { w.steps = append(w.steps, fmt.Sprintf(format, args...)) }
	kinds := 13
	if w.power {
		kinds = 18
	}
	switch rng.IntN(kinds) {
	case 0, 1:
		note("kill %s", k.name)
		k.process.Kill()
		return k.start(ctx)
	case 2:
		note("kill centre")
		w.centre.server.Kill()
		return w.centre.start(ctx)
	case 3:
		if w.centre.broker == nil {
			note("kill centre, away a while")
			w.centre.server.Kill()
			pause(ctx, time.Second)
			return w.centre.start(ctx)
		}
		note("kill broker")
		return w.centre.broker.restart(ctx)
	case 4:
		note("kill all")
		for _, k := range w.kiosks {
			k.process.Kill()
		}
		w.centre.server.Kill()
		if b := w.centre.broker; b != nil {
			if err := b.restart(ctx); err != nil {
				return err
			}
		}
		for _, k := range w.kiosks {
			if err := k.start(ctx); err != nil {
				return err
			}
		}
		return w.centre.start(ctx)
	case 5:
		note("cut %s", k.name)
		k.line.cut()
	case 6:
		note("blackhole %s", k.name)
		return k.line.spoil("timeout", `"timeout":0`)
	case 7:
		n := 2000 + rng.IntN(60_000)
		note("cut %s after %d bytes", k.name, n)
		return k.line.spoil("limit_data", fmt.Sprintf(`"bytes":%d`, n))
	case 8:
		ms := 50 + rng.IntN(400)
		note("%s %d ms late", k.name, ms)
		return k.line.spoil("latency", fmt.Sprintf(`"latency":%d,"jitter":%d`, ms, ms/2))
	case 9:
		note("heal %s", k.name)
		return k.line.heal(ctx)
	case 10:
		s := rng.IntN(400*86400) - 200*86400
		note("clock of %s wrong by %d s", k.name, s)
		return k.steer(offsetFile, fmt.Sprint(s))
	case 11:
		if k.disk == nil {
			note("(no small disk here)")
			return nil
		}
		note("disk of %s full", k.name)
		return k.disk.fill()
	case 12:
		if k.disk != nil {
			note("disk of %s free", k.name)
			return k.disk.drop()
		}
	case 13, 14, 15, 16, 17:
		mercy, seed := powerloss.DrawMercy(rng), rng.Uint64()
		who, name := []machine{k}, k.name
		switch rng.IntN(5) {
		case 0, 1:
			who, name = []machine{w.centre}, "centre"
		case 2:
			who, name = w.everybody(), "all"
		}
		note("power of %s cut, %s", name, mercy)
		if err := cutPower(mercy, seed, who...); err != nil {
			return err
		}
		for _, m := range who {
			if err := m.start(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// heal takes every fault away and lets nobody new in.
func (w *world) heal(ctx context.Context) error {
	for _, k := range w.kiosks {
		if k.disk != nil {
			if err := k.disk.drop(); err != nil {
				return err
			}
		}
		if err := k.steer(offsetFile, ""); err != nil {
			return err
		}
		if err := k.line.heal(ctx); err != nil {
			return err
		}
		if err := k.steer(holdFile, "1"); err != nil {
			return err
		}
		if k.process.Ended() { // a full disk may have ended it; whoever runs it would start it again
			if err := k.start(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// drain waits until every visit is over and nothing waits anywhere, and gives how long it took from the
// end of the last visit.
func (w *world) drain(ctx context.Context) (time.Duration, error) {
	limit := cmp.Or(w.patience, drainLimit)
	err := child.WaitFor(ctx, limit, func() (bool, error) {
		for _, k := range w.kiosks {
			if _, err := os.Stat(filepath.Join(k.dir, idleFile)); err != nil {
				return false, nil
			}
		}
		return true, nil
	}, "a kiosk did not come to rest")
	if err != nil {
		return 0, err
	}
	began := time.Now()
	var waits string
	err = child.WaitFor(ctx, limit, func() (bool, error) {
		var err error
		waits, err = w.waiting(ctx)
		return waits == "", err
	}, "something still waits")
	if err != nil {
		return 0, fmt.Errorf("%w: %s", err, waits)
	}
	return time.Since(began), nil
}
