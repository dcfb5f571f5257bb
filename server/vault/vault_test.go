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

func TestANewDataKeyEncryptsAndTheOldOneStillOpens(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, vault.Create(dir))
	running, err := vault.Load(dir)
	require.NoError(t, err)
	first := running.Current()
	old, err := running.Seal([]byte("before"), "c")
	require.NoError(t, err)

	id, err := vault.Add(dir)
	require.NoError(t, err)
	staged, err := vault.Load(dir)
	require.NoError(t, err)
	require.Equal(t, first, staged.Current(), "a key that was added encrypts nothing yet")
	require.Equal(t, []vault.KeyID{first, id}, staged.Known())
	require.NoError(t, vault.Use(dir, id))

	other, err := vault.Load(dir)
	require.NoError(t, err)
	require.Equal(t, id, other.Current())
	fresh, err := other.Seal([]byte("after"), "c")
	require.NoError(t, err)
	require.True(t, bytes.HasPrefix(fresh, other.Lead(id)))
	require.True(t, bytes.HasPrefix(old, other.Lead(first)))
	for _, v := range []*vault.Vault{other, running} { // the running one has never heard of the key
		for sealed, want := range map[string]string{string(old): "before", string(fresh): "after"} {
			plain, err := v.Open([]byte(sealed), "c")
			require.NoError(t, err)
			require.Equal(t, want, string(plain))
		}
	}
	require.NoError(t, running.Refresh())
	require.Equal(t, id, running.Current())
	require.Equal(t, other.Hash("email", "a@b"), running.Hash("email", "a@b"))

	for i := range fresh {
		bad := bytes.Clone(fresh)
		bad[i] ^= 1
		_, err = other.Open(bad, "c")
		require.ErrorIs(t, err, vault.ErrSealed, "byte %d", i)
		_, err = other.Open(fresh[:i], "c")
		require.ErrorIs(t, err, vault.ErrSealed, "cut to %d bytes", i)
	}
}

func TestAKeyThatIsGoneIsMissedAndWhatIsKnownStays(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, vault.Create(dir))
	id, err := vault.Add(dir)
	require.NoError(t, err)
	require.Error(t, vault.Use(dir, vault.KeyID{1}))
	require.NoError(t, vault.Use(dir, id))
	v, err := vault.Load(dir)
	require.NoError(t, err)
	sealed, err := v.Seal([]byte("x"), "c")
	require.NoError(t, err)
	path := filepath.Join(dir, "data-"+id.String()+".key")
	require.NoError(t, os.Chmod(path, 0o644))
	require.ErrorContains(t, v.Refresh(), "chmod 600")
	require.NoError(t, os.Remove(path))
	require.Error(t, v.Refresh())
	plain, err := v.Open(sealed, "c")
	require.NoError(t, err)
	require.Equal(t, "x", string(plain))
	_, err = vault.Load(dir)
	require.ErrorContains(t, err, id.String(), "whoever starts now is told what is missing")
	left, err := filepath.Glob(filepath.Join(dir, ".key-*"))
	require.NoError(t, err)
	require.Empty(t, left)
}
