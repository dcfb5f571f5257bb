package tpm_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport/linuxudstpm"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/sync/fault"
	"vestibule/sync/identity/tpm"
	"vestibule/sync/identity/tpm/tpmtest"
)

func create(tb testing.TB, device string) (*tpm.Key, []byte) {
	tb.Helper()
	k, text, err := tpm.Create(device)
	require.NoError(tb, err)
	tb.Cleanup(func() { assert.NoError(tb, k.Close()) })
	return k, text
}

func signs(k *tpm.Key) error {
	sum := sha256.Sum256([]byte("a frame"))
	sig, err := k.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		return err
	}
	if !ecdsa.VerifyASN1(k.Public().(*ecdsa.PublicKey), sum[:], sig) {
		return assert.AnError
	}
	return nil
}

func TestAKeySignsAsOneInAFileDoes(t *testing.T) {
	k, text := create(t, tpmtest.New(t).Device)
	for range 20 { // leading zeros of R and S come by chance
		require.NoError(t, signs(k))
	}
	again, err := tpm.Parse(k.Device(), text)
	require.NoError(t, err)
	defer again.Close()
	assert.True(t, k.Public().(*ecdsa.PublicKey).Equal(again.Public()))
	require.NoError(t, signs(again))
	_, err = x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, again)
	require.NoError(t, err)
	_, err = k.Sign(rand.Reader, make([]byte, 64), crypto.SHA512)
	assert.Error(t, err)
}

func TestSeveralSignAtOnce(t *testing.T) {
	k, _ := create(t, tpmtest.New(t).Device)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				assert.NoError(t, signs(k))
			}
		})
	}
	wg.Wait()
}

func TestTheKeyLivesAsLongAsItsTPM(t *testing.T) {
	dev := tpmtest.New(t)
	k, text := create(t, dev.Device)
	require.NoError(t, signs(k))
	dev.Stop(t)
	dev.Start(t)
	require.NoError(t, signs(k), "a TPM that was reset loads the key again")

	other, err := tpm.Parse(tpmtest.New(t).Device, text)
	require.NoError(t, err)
	assert.Equal(t, "tpm_other", fault.Code(other.Check()), "the wrapped key is worth nothing elsewhere")
	assert.Equal(t, "tpm_other", fault.Code(signs(other)))

	dev.Stop(t)
	assert.Equal(t, "tpm_missing", fault.Code(signs(k)))
	_, _, err = tpm.Create(filepath.Join(t.TempDir(), "none"))
	assert.Equal(t, "tpm_missing", fault.Code(err))
	dev.Start(t)
	require.NoError(t, signs(k), "and it is back with its TPM")
}

// lockOut guesses a password that the TPM protects until it refuses further tries.
func lockOut(t *testing.T, device string) {
	t.Helper()
	d, err := linuxudstpm.Open(device)
	require.NoError(t, err)
	defer d.Close()
	made, err := tpm2.CreatePrimary{
		PrimaryHandle: tpm2.TPMRHOwner,
		InSensitive:   tpm2.TPM2BSensitiveCreate{Sensitive: &tpm2.TPMSSensitiveCreate{UserAuth: tpm2.TPM2BAuth{Buffer: []byte("right")}}},
		InPublic: tpm2.New2B(tpm2.TPMTPublic{
			Type: tpm2.TPMAlgKeyedHash, NameAlg: tpm2.TPMAlgSHA256,
			ObjectAttributes: tpm2.TPMAObject{FixedTPM: true, FixedParent: true, SensitiveDataOrigin: true, UserWithAuth: true, SignEncrypt: true},
			Parameters: tpm2.NewTPMUPublicParms(tpm2.TPMAlgKeyedHash, &tpm2.TPMSKeyedHashParms{Scheme: tpm2.TPMTKeyedHashScheme{
				Scheme: tpm2.TPMAlgHMAC, Details: tpm2.NewTPMUSchemeKeyedHash(tpm2.TPMAlgHMAC, &tpm2.TPMSSchemeHMAC{HashAlg: tpm2.TPMAlgSHA256}),
			}}),
		}),
	}.Execute(d)
	require.NoError(t, err)
	defer func() { _, _ = tpm2.FlushContext{FlushHandle: made.ObjectHandle}.Execute(d) }()
	for range 100 {
		_, err := tpm2.Hmac{
			Handle: tpm2.AuthHandle{Handle: made.ObjectHandle, Name: made.Name, Auth: tpm2.PasswordAuth([]byte("wrong"))},
			Buffer: tpm2.TPM2BMaxBuffer{Buffer: []byte("x")}, HashAlg: tpm2.TPMAlgSHA256,
		}.Execute(d)
		require.Error(t, err)
		if isLockout(err) {
			return
		}
	}
	t.Fatal("the TPM never locks")
}

func isLockout(err error) bool {
	rc, ok := err.(tpm2.TPMRC)
	return ok && rc == tpm2.TPMRCLockout
}

func TestALockedTPMStillSignsForTheKiosk(t *testing.T) {
	dev := tpmtest.New(t)
	k, text := create(t, dev.Device)
	lockOut(t, dev.Device)
	require.NoError(t, signs(k), "the kiosk's key is not protected by a password that could be guessed")
	again, err := tpm.Parse(dev.Device, text)
	require.NoError(t, err)
	defer again.Close()
	require.NoError(t, signs(again))
}

func TestATPMWithAnOwnersPasswordSaysSo(t *testing.T) {
	dev := tpmtest.New(t)
	d, err := linuxudstpm.Open(dev.Device)
	require.NoError(t, err)
	_, err = tpm2.HierarchyChangeAuth{AuthHandle: tpm2.TPMRHOwner, NewAuth: tpm2.TPM2BAuth{Buffer: []byte("secret")}}.Execute(d)
	require.NoError(t, err)
	require.NoError(t, d.Close())
	_, _, err = tpm.Create(dev.Device)
	assert.Equal(t, "tpm_owned", fault.Code(err))
}

func FuzzParse(f *testing.F) {
	_, text := create(f, tpmtest.New(f).Device)
	f.Add(text)
	f.Add([]byte("-----BEGIN TSS2 PRIVATE KEY-----\nMAA=\n-----END TSS2 PRIVATE KEY-----\n"))
	block, _ := pem.Decode(text)
	f.Add(bytes.Repeat(block.Bytes, 3))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, text := range [][]byte{b, pem.EncodeToMemory(&pem.Block{Type: tpm.PEM, Bytes: b})} {
			k, err := tpm.Parse("/nowhere", text)
			if err == nil && k.Public() == nil {
				t.Fatal("a key without a public part")
			}
		}
	})
}

func BenchmarkSign(b *testing.B) {
	k, _ := create(b, tpmtest.New(b).Device)
	sum := sha256.Sum256(nil)
	for b.Loop() {
		if _, err := k.Sign(rand.Reader, sum[:], crypto.SHA256); err != nil {
			b.Fatal(err)
		}
	}
}
