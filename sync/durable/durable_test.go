package durable_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"vestibule/sync/durable"
	"vestibule/sync/powerloss"
	"vestibule/sync/powerloss/powerlosstest"
)

func TestFoldersAndNamesOutlastAPowerCut(t *testing.T) {
	dir, cut := powerlosstest.Mount(t)
	deep := filepath.Join(dir, "a", "b", "c")
	require.NoError(t, durable.MkdirAll(deep, 0o700))
	require.NoError(t, durable.MkdirAll(deep, 0o700), "twice is no error")
	cut(powerloss.None, 1)
	require.DirExists(t, deep)
	f, err := os.Create(filepath.Join(deep, "f"))
	require.NoError(t, err)
	require.NoError(t, f.Sync())
	require.NoError(t, f.Close())
	require.NoError(t, durable.SyncFolder(deep))
	cut(powerloss.None, 2)
	require.FileExists(t, filepath.Join(deep, "f"))
	require.Error(t, durable.MkdirAll(filepath.Join(deep, "f"), 0o700), "a file is no folder")
	require.Error(t, durable.SyncFolder(filepath.Join(dir, "none")))
}
