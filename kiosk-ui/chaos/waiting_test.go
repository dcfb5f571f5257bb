package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Large submissions that waited arrive whole, and events made meanwhile do not wait for the last of them; how fast, and
// in how much memory, `make waiting` tells.
func TestSubmissionsThatWaitedWithoutALineArriveWhole(t *testing.T) {
	w := &world{options: options{bin: programs(t), broker: embedded, kiosks: 1, picture: 5 << 20}, dir: filepath.Join(t.TempDir(), "world"), seed: 1}
	b, err := w.wait(t.Context(), 4)
	require.NoError(t, err)
	require.GreaterOrEqual(t, b.submissions, 4)
	require.GreaterOrEqual(t, b.bytes, int64(4*5<<20))
	require.NotZero(t, b.draining)
	require.NotZero(t, b.centre)
}
