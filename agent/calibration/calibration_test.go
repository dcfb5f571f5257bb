package calibration

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/models/face"
	"vestibule/models/face/calibrate"
)

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return k
}

func sample() Calibration {
	return Of(calibrate.Result{
		Head: face.Head{Model: "afa783b7e902", Bias: .5, Weights: []float64{1, -2, 3e-7}}, Live: 20, Attack: 22,
		Before: calibrate.ROC{EER: .12, AUC: .95}, After: calibrate.ROC{EER: .03, AUC: .99},
	}, "k1", "HD Webcam", time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
}

func TestACalibrationIsReadByTheKioskThatMadeIt(t *testing.T) {
	dir, key := filepath.Join(t.TempDir(), "kiosk"), newKey(t)
	_, err := Load(dir, "k1", &key.PublicKey)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NoError(t, Save(dir, sample(), key, rand.Reader))
	c, err := Load(dir, "k1", &key.PublicKey)
	require.NoError(t, err)
	require.Equal(t, sample(), *c)
	again := sample()
	again.Attack = 40
	require.NoError(t, Save(dir, again, key, rand.Reader), "a newer one takes its place")
	c, err = Load(dir, "k1", &key.PublicKey)
	require.NoError(t, err)
	require.Equal(t, 40, c.Attack)
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, files, 1, "nothing is left beside it")
	st, err := os.Stat(filepath.Join(dir, File))
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), st.Mode().Perm())
	require.Equal(t, "3.0", c.Detail()["eerAfter"])
}

func TestAForeignOrEditedCalibrationIsRefused(t *testing.T) {
	key := newKey(t)
	path := func(dir string) string { return filepath.Join(dir, File) }
	edit := func(f func(*signed)) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			b, err := os.ReadFile(path(dir))
			require.NoError(t, err)
			var s signed
			require.NoError(t, json.Unmarshal(b, &s))
			f(&s)
			b, err = json.Marshal(s)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(path(dir), b, 0o600))
		}
	}
	write := func(b []byte) func(*testing.T, string) {
		return func(t *testing.T, dir string) { require.NoError(t, os.WriteFile(path(dir), b, 0o600)) }
	}
	for what, c := range map[string]struct {
		do   func(*testing.T, string)
		want error
	}{
		"another kiosk's": {func(t *testing.T, dir string) { require.NoError(t, Save(dir, sample(), newKey(t), rand.Reader)) }, ErrForeign},
		"another name under the same key": {func(t *testing.T, dir string) {
			c := sample()
			c.Kiosk = "k2"
			require.NoError(t, Save(dir, c, key, rand.Reader))
		}, ErrForeign},
		"a weight was changed":          {edit(func(s *signed) { s.Calibration[len(s.Calibration)/2] ^= 1 }), ErrEdited},
		"the signature was changed":     {edit(func(s *signed) { s.Signature[9] ^= 1 }), ErrEdited},
		"the signature was taken away":  {edit(func(s *signed) { s.Signature = nil }), ErrEdited},
		"the name of the key alone":     {edit(func(s *signed) { s.Key = "00" }), ErrForeign},
		"a signature for another thing": {signedAs(key, "vestibule frame\n"), ErrEdited},
		"no calibration":                {write([]byte(`hello`)), ErrFormat},
		"empty":                         {write(nil), ErrFormat},
		"more than one":                 {write([]byte(`{} {}`)), ErrFormat},
		"too large":                     {write(make([]byte, maxFile+1)), ErrFormat},
	} {
		t.Run(what, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, Save(dir, sample(), key, rand.Reader))
			c.do(t, dir)
			_, err := Load(dir, "k1", &key.PublicKey)
			require.ErrorIs(t, err, c.want)
		})
	}
}

// signedAs signs the same content for another purpose.
func signedAs(key *ecdsa.PrivateKey, purpose string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		b, err := json.Marshal(sample())
		require.NoError(t, err)
		own, err := fingerprint(&key.PublicKey)
		require.NoError(t, err)
		sum := digest(append([]byte(purpose), b...))
		sig, err := ecdsa.SignASN1(rand.Reader, key, sum)
		require.NoError(t, err)
		b, err = json.Marshal(signed{b, own, sig})
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, File), b, 0o600))
	}
}

func TestWhatMakesNoSenseIsNotSigned(t *testing.T) {
	for what, do := range map[string]func(*Calibration){
		"no kiosk":      func(c *Calibration) { c.Kiosk = "" },
		"no weights":    func(c *Calibration) { c.Head.Weights = nil },
		"too few clips": func(c *Calibration) { c.Live = calibrate.MinClips - 1 },
		"a rate over 1": func(c *Calibration) { c.After.EER = 2 },
	} {
		c := sample()
		do(&c)
		require.ErrorIs(t, Save(t.TempDir(), c, newKey(t), rand.Reader), ErrFormat, what)
	}
}

func FuzzOpen(f *testing.F) {
	key := newKey(f)
	dir := f.TempDir()
	require.NoError(f, Save(dir, sample(), key, rand.Reader))
	b, err := os.ReadFile(filepath.Join(dir, File))
	require.NoError(f, err)
	f.Add(b)
	f.Add([]byte(`{"calibration":"e30=","key":"","signature":""}`))
	f.Add([]byte(`{`))
	f.Fuzz(func(t *testing.T, got []byte) {
		c, err := open(got, "k1", &key.PublicKey)
		if err == nil {
			require.Equal(t, sample(), *c, "only what was signed is believed")
		}
	})
}
