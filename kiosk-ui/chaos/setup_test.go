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

// Keys that are lost after somebody was told that they are there take with them all that was sealed.
func TestACentreThatWasSetUpAndAKioskThatWasEnrolledOutlastAPowerCut(t *testing.T) {
	powerlosstest.Need(t)
	bin := programs(t)
	w := &world{options: options{bin: bin, broker: embedded, kiosks: 1, power: true}, dir: filepath.Join(t.TempDir(), "world"), seed: 1}
	defer w.close()
	ctx := context.Background()
	require.NoError(t, w.open(ctx))
	for seed := range uint64(2) {
		require.NoError(t, cutPower(powerloss.None, seed, w.everybody()...))
		for _, m := range w.everybody() {
			require.NoError(t, m.start(ctx))
		}
	}
	pause(ctx, 4*time.Second) // somebody comes
	require.NoError(t, w.end(ctx, &tally{}))
	require.FileExists(t, filepath.Join(w.kiosks[0].bundle, "kiosk.key"))
}
