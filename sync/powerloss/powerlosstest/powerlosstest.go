// Package powerlosstest says whether tests can mount a disk that loses its power.
//
// What may live here: that question. What may not: the disk.
package powerlosstest

import (
	"os"
	"testing"

	"vestibule/sync/powerloss"
)

// Need leaves a test out where no such disk can be mounted, and says so; in CI it fails it, so that nobody
// takes silence for a proof.
func Need(t testing.TB) {
	t.Helper()
	m, err := powerloss.Open(t.TempDir(), powerloss.New())
	if err == nil {
		err = m.Close()
	}
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		t.Fatalf("power cuts cannot be tried here, and CI has to: %v (it needs /dev/fuse and the right to mount)", err)
	default:
		t.Skipf("POWER CUTS WERE NOT TRIED: %v (it needs /dev/fuse and the right to mount)", err)
	}
}
