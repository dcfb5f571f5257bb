package agent

import (
	"crypto/rand"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"vestibule/sync/powerloss"
	"vestibule/sync/powerloss/powerlosstest"
)

func TestAVisitsKeyOutlastsAPowerCut(t *testing.T) {
	at, cut := powerlosstest.Mount(t)
	dir := filepath.Join(at, "kiosk")
	for seed := range uint64(2) {
		key, err := newKey(dir, rand.Reader)
		require.NoError(t, err)
		cut(powerloss.None, seed)
		kept, err := readKey(dir)
		require.NoError(t, err, "what was sealed with it could not be read again")
		require.Equal(t, key, kept)
	}
	require.NoError(t, dropKey(dir))
	old, err := readKey(dir)
	require.Error(t, err)
	require.Nil(t, old)
	cut(powerloss.None, 9)
	if old, err = readKey(dir); err == nil {
		require.Equal(t, make([]byte, keySize), old, "a name that came back names zeros")
	}
}
