package seal_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"vestibule/sync/seal"
)

func key(t testing.TB) *seal.PrivateKey {
	t.Helper()
	k, err := seal.GenerateKey()
	require.NoError(t, err)
	return k
}

var (
	plain = []byte("what only the centre may read")
	aad   = seal.EvidenceAAD("kiosk-1", "s-1", "e-1")
)

func sealed(t testing.TB, k *seal.PrivateKey) []byte {
	t.Helper()
	b, err := seal.Seal(k.Public(), seal.InfoEvidence, aad, plain)
	require.NoError(t, err)
	return b
}

func TestWhatWasSealedOpensForTheCentreOnly(t *testing.T) {
	k := key(t)
	b := sealed(t, k)
	require.Len(t, b, len(plain)+seal.X25519.Overhead())
	require.NotContains(t, string(b), "centre")
	got, err := seal.NewKeyring(k).Open(b, seal.InfoEvidence, aad)
	require.NoError(t, err)
	require.Equal(t, plain, got)
	_, err = seal.NewKeyring(key(t)).Open(b, seal.InfoEvidence, aad)
	require.ErrorIs(t, err, seal.ErrUnknownKey)
	require.NotEqual(t, b, sealed(t, k), "sealing twice gives two different texts")
	empty, err := seal.Seal(k.Public(), "", "", nil)
	require.NoError(t, err)
	got, err = seal.NewKeyring(k).Open(empty, "", "")
	require.NoError(t, err)
	require.Empty(t, got)
}

func TestNoBitOfSealedBytesCanBeChanged(t *testing.T) {
	k, other := key(t), key(t)
	ring := seal.NewKeyring(k, other)
	b := sealed(t, k)
	for i := range b {
		for bit := range 8 {
			// X25519 ignores the top bit of a public key (RFC 7748 section 5); the key
			// schedule covers the bytes as they came, so that bit counts too.
			c := append([]byte(nil), b...)
			c[i] ^= 1 << bit
			_, err := ring.Open(c, seal.InfoEvidence, aad)
			require.Error(t, err, "byte %d bit %d", i, bit)
		}
	}
	for n := range b {
		_, err := ring.Open(b[:n], seal.InfoEvidence, aad)
		require.Error(t, err, "cut to %d", n)
	}
	swapped := append([]byte(nil), b...)
	id := other.ID()
	copy(swapped[1:], id[:])
	_, err := ring.Open(swapped, seal.InfoEvidence, aad)
	require.ErrorIs(t, err, seal.ErrAltered, "another key of the ring")
}

func TestSealedBytesOpenOnlyInTheirPlaceAndForTheirPurpose(t *testing.T) {
	k := key(t)
	ring := seal.NewKeyring(k)
	b := sealed(t, k)
	for name, c := range map[string]struct{ info, aad string }{
		"another kiosk":      {seal.InfoEvidence, seal.EvidenceAAD("kiosk-2", "s-1", "e-1")},
		"another submission": {seal.InfoEvidence, seal.EvidenceAAD("kiosk-1", "s-2", "e-1")},
		"another picture":    {seal.InfoEvidence, seal.EvidenceAAD("kiosk-1", "s-1", "e-2")},
		"another purpose":    {seal.InfoSubmission, aad},
		"no place":           {seal.InfoEvidence, ""},
	} {
		_, err := ring.Open(b, c.info, c.aad)
		require.ErrorIs(t, err, seal.ErrAltered, name)
	}
	require.NotEqual(t, seal.SubmissionAAD("k", "s", 1), seal.SubmissionAAD("k", "s", 2))
}

func TestAKeyringOpensWhatWasSealedToAnOlderKey(t *testing.T) {
	old, fresh := key(t), key(t)
	b := sealed(t, old)
	got, err := seal.NewKeyring(fresh, old).Open(b, seal.InfoEvidence, aad)
	require.NoError(t, err)
	require.Equal(t, plain, got)
	id, err := seal.IDOf(b)
	require.NoError(t, err)
	require.Equal(t, old.ID(), id)
	_, err = seal.NewKeyring(fresh).Open(b, seal.InfoEvidence, aad)
	require.ErrorIs(t, err, seal.ErrUnknownKey)
	require.ErrorContains(t, err, old.ID().String(), "the error names the key that is missing")
	_, err = seal.NewKeyring().Open([]byte("nonsense"), "", "")
	require.ErrorIs(t, err, seal.ErrFormat)
}

func TestKeyFilesKeepTheirSecret(t *testing.T) {
	dir := t.TempDir()
	k := key(t)
	path := filepath.Join(dir, "2026.key")
	require.NoError(t, seal.WriteKey(path, k))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	require.Error(t, seal.WriteKey(path, key(t)), "a key file is never overwritten")
	got, err := seal.ReadKey(path)
	require.NoError(t, err)
	require.Equal(t, k.ID(), got.ID())
	ring, err := seal.ReadKeyring(dir)
	require.NoError(t, err)
	require.True(t, ring.Has(k.ID()))

	pub := filepath.Join(dir, "centre.hpke.pub")
	require.NoError(t, seal.WritePublicKey(pub, k.Public()))
	p, err := seal.ReadPublicKey(pub)
	require.NoError(t, err)
	require.Equal(t, k.ID(), p.ID())
	_, err = seal.ReadKey(pub)
	require.ErrorIs(t, err, seal.ErrFormat, "a public key is not a private one")

	for _, mode := range []os.FileMode{0o644, 0o640, 0o604, 0o660} {
		require.NoError(t, os.Chmod(path, mode))
		_, err = seal.ReadKey(path)
		require.ErrorIs(t, err, seal.ErrExposed, "%v", mode)
	}
	_, err = seal.ReadKeyring(t.TempDir())
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = seal.ReadPublicKey(filepath.Join(dir, "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestADamagedKeyFileIsSaidToBe(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"empty":      "",
		"not PEM":    "hello",
		"short":      "-----BEGIN VESTIBULE SEAL PRIVATE KEY-----\nAAAA\n-----END VESTIBULE SEAL PRIVATE KEY-----\n",
		"other kind": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
		"large":      string(bytes.Repeat([]byte("x"), 5000)),
	} {
		path := filepath.Join(dir, "k")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, err := seal.ReadKey(path)
		require.Error(t, err, name)
	}
}

func FuzzOpen(f *testing.F) {
	k := key(f)
	hybrid, err := seal.MLKEM768X25519.Generate()
	require.NoError(f, err)
	ring := seal.NewKeyring(k, hybrid)
	good, other := sealed(f, k), sealed(f, hybrid)
	f.Add(good)
	f.Add(good[:20])
	f.Add(other)
	f.Add(other[:100])
	f.Fuzz(func(t *testing.T, b []byte) {
		_, err := ring.Open(b, seal.InfoEvidence, aad)
		if err == nil {
			require.True(t, bytes.Equal(good, b) || bytes.Equal(other, b))
		}
	})
}

func FuzzParsePublicFile(f *testing.F) {
	for _, s := range seal.Suites() {
		k, err := s.Generate()
		require.NoError(f, err)
		path := filepath.Join(f.TempDir(), "k.pub")
		require.NoError(f, seal.WritePublicKey(path, k.Public()))
		text, err := os.ReadFile(path)
		require.NoError(f, err)
		f.Add(text)
		f.Add(text[:len(text)/2])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		k, err := seal.ParsePublicFile(b)
		if err == nil {
			again, err := k.Suite().ParsePublicKey(k.Bytes())
			require.NoError(t, err)
			require.Equal(t, k.ID(), again.ID())
		}
	})
}

// BenchmarkSeal holds the suites against each other, in one run.
func BenchmarkSeal(b *testing.B) {
	for _, suite := range seal.Suites() {
		k, err := suite.Generate()
		require.NoError(b, err)
		ring := seal.NewKeyring(k)
		for _, size := range []int{1 << 10, 300 << 10, 3 << 20} {
			data := make([]byte, size)
			b.Run(fmt.Sprintf("%v/seal/%dKB", suite, size>>10), func(b *testing.B) {
				b.SetBytes(int64(size))
				for b.Loop() {
					if _, err := seal.Seal(k.Public(), seal.InfoEvidence, aad, data); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(suite.Overhead()), "overhead-bytes")
			})
			sealed, err := seal.Seal(k.Public(), seal.InfoEvidence, aad, data)
			require.NoError(b, err)
			b.Run(fmt.Sprintf("%v/open/%dKB", suite, size>>10), func(b *testing.B) {
				b.SetBytes(int64(size))
				for b.Loop() {
					if _, err := ring.Open(sealed, seal.InfoEvidence, aad); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
