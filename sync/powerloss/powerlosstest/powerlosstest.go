// Package powerlosstest mounts disks that lose their power for tests.
//
// What may live here: mounting, and whether it can be done. What may not: the disk.
package powerlosstest

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

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

// Mount gives a folder on a disk of its own, and what cuts the disk's power. Nothing on it may be open then.
func Mount(t testing.TB, options ...powerloss.Option) (dir string, cut func(powerloss.Mercy, uint64)) {
	t.Helper()
	Need(t)
	dir = t.TempDir()
	m, err := powerloss.Open(dir, powerloss.New(options...))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close()) })
	return dir, func(mercy powerloss.Mercy, seed uint64) {
		t.Helper()
		require.NoError(t, m.Cut(mercy, seed))
	}
}
