package main

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/sync/powerloss"
	"vestibule/sync/powerloss/powerlosstest"
)

// powerCuts is how many schedules with power cuts are run here; `make chaos POWER=1` runs more.
const powerCuts = 4

func TestNothingIsLostWhenThePowerGoes(t *testing.T) {
	powerlosstest.Need(t)
	bin := programs(t)
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	defer cancel()
	for seed := uint64(1); seed <= powerCuts; seed++ {
		w := &world{options: options{bin: bin, broker: embedded, kiosks: 2, power: true}, dir: filepath.Join(t.TempDir(), "world"), seed: seed}
		got, err := w.schedule(ctx)
		require.NoError(t, err, "seed %d: %s", seed, w.told())
		require.NotZero(t, got.events, "seed %d: nobody came", seed)
	}
}

// A program that does not sync has to be found out. It is the real program on a disk that does not hear it, which for
// what a cut leaves is the same: with synchronous=OFF SQLite makes none of these calls.
func TestWhoeverDoesNotSyncIsFoundOut(t *testing.T) {
	powerlosstest.Need(t)
	bin := programs(t)
	for name, deaf := range map[string]struct{ kiosk, centre string }{
		"a kiosk with synchronous=OFF":         {kiosk: "data/kiosk.db*"},
		"a centre with synchronous=OFF":        {centre: "data/centre.db*"},
		"a centre that does not sync pictures": {centre: "data/blobs/partial/*/*"},
	} {
		t.Run(name, func(t *testing.T) {
			var found error
			for seed := uint64(1); seed <= 3 && found == nil; seed++ {
				w := &world{options: options{bin: bin, broker: embedded, kiosks: 1, power: true, deaf: deaf, patience: 20 * time.Second}, dir: filepath.Join(t.TempDir(), "world"), seed: seed}
				found = w.carelessly(context.Background())
			}
			require.Error(t, found, "nobody noticed")
			t.Log(found)
		})
	}
	t.Run("and a careful one is not accused", func(t *testing.T) {
		w := &world{options: options{bin: bin, broker: embedded, kiosks: 1, power: true}, dir: filepath.Join(t.TempDir(), "world"), seed: 1}
		require.NoError(t, w.carelessly(context.Background()))
	})
}

// carelessly lets people come for some seconds, cuts everybody's power twice, and compares.
func (w *world) carelessly(ctx context.Context) error {
	defer w.close()
	if err := w.open(ctx); err != nil {
		return err
	}
	pause(ctx, 2*time.Second) // the kiosk's database is made, and somebody is inside
	if err := w.settle(); err != nil {
		return err
	}
	for range 2 {
		pause(ctx, 3*time.Second+time.Duration(w.seed)*500*time.Millisecond)
		if err := cutPower(powerloss.None, w.seed, w.everybody()...); err != nil {
			return err
		}
		for _, m := range w.everybody() {
			if err := m.start(ctx); err != nil {
				return err
			}
		}
	}
	pause(ctx, 2*time.Second)
	return w.end(ctx, &tally{})
}
