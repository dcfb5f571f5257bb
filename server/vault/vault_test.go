package vault_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"vestibule/server/vault"
)

func TestWhatIsSealedOpensOnlyWithTheSameKeyAndContext(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, vault.Create(dir))
	v, err := vault.Load(dir)
	require.NoError(t, err)

	sealed, err := v.Seal([]byte("ERIKSSON"), "submission|s1")
	require.NoError(t, err)
	require.NotContains(t, string(sealed), "ERIKSSON")

	plain, err := v.Open(sealed, "submission|s1")
	require.NoError(t, err)
	require.Equal(t, "ERIKSSON", string(plain))

	_, err = v.Open(sealed, "submission|s2")
	require.ErrorIs(t, err, vault.ErrSealed)
	for i := range sealed {
		bad := bytes.Clone(sealed)
		bad[i] ^= 1
		_, err = v.Open(bad, "submission|s1")
		require.ErrorIs(t, err, vault.ErrSealed, "byte %d", i)
	}
	other := t.TempDir()
	require.NoError(t, vault.Create(other))
	w, err := vault.Load(other)
	require.NoError(t, err)
	_, err = w.Open(sealed, "submission|s1")
	require.ErrorIs(t, err, vault.ErrSealed)
	require.NotEqual(t, v.Hash("document", "L898902C3"), w.Hash("document", "L898902C3"))
}

func TestHashesOfOnePurposeAgreeAndOfTwoDoNot(t *testing.T) {
	v, err := vault.New(make([]byte, 32), make([]byte, 32), nil)
	require.NoError(t, err)
	require.Equal(t, v.Hash("email", "a@b"), v.Hash("email", "a@b"))
	require.NotEqual(t, v.Hash("email", "a@b"), v.Hash("user", "a@b"))
	require.NotEqual(t, v.Hash("email", "a"), v.Hash("email", "b"))
	require.Empty(t, v.Hash("email", ""))
}

func TestKeysAreNeverReplacedNorReadWhenOthersMayReadThem(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, vault.Create(dir))
	require.Error(t, vault.Create(dir))
	require.NoError(t, os.Chmod(filepath.Join(dir, "data.key"), 0o644))
	_, err := vault.Load(dir)
	require.ErrorContains(t, err, "chmod 600")
}
