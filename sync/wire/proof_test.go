package wire_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/sync/wire"
)

// centre signs, and a kiosk knows it by the certificate "ours".
func centre(t testing.TB) (wire.Centre, wire.CentreKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return wire.Centre{Signer: key, Cert: []byte("ours"), Random: rand.Reader}, func(cert []byte, when time.Time) (*ecdsa.PublicKey, error) {
		if string(cert) != "ours" || !when.Equal(at) {
			return nil, errors.New("not known")
		}
		return &key.PublicKey, nil
	}
}

func proof() wire.Proof {
	return wire.Proof{For: "kiosk-1", Session: "a1b2c3d4", Number: 7, Signed: at}
}

func provedAck() wire.Ack {
	a := ack()
	a.Proof = proof()
	return a
}

func provedDown() wire.Down {
	d := down()
	d.Proof = proof()
	return d
}

func TestWhatTheCentreSignedIsBelievedByItsKioskAlone(t *testing.T) {
	c, key := centre(t)
	a, err := c.SignAck(provedAck())
	require.NoError(t, err)
	got, err := wire.VerifyAck(a, "kiosk-1", key)
	require.NoError(t, err)
	require.Equal(t, ack().High, got.High)
	require.Equal(t, proof().Session, got.Session)
	d, err := c.SignDown(provedDown())
	require.NoError(t, err)
	_, err = wire.VerifyDown(d, "kiosk-1", key)
	require.NoError(t, err)

	_, other := centre(t)
	for name, check := range map[string]func() error{
		"another kiosk's":                       func() error { return failure(wire.VerifyAck(a, "kiosk-2", key)) },
		"of another centre":                     func() error { return failure(wire.VerifyAck(a, "kiosk-1", other)) },
		"commands of another centre":            func() error { return failure(wire.VerifyDown(d, "kiosk-1", other)) },
		"commands for another kiosk":            func() error { return failure(wire.VerifyDown(d, "kiosk-2", key)) },
		"nobody vouches":                        func() error { return failure(wire.VerifyAck(a, "kiosk-1", nil)) },
		"commands read as an acknowledgement":   func() error { return failure(wire.VerifyAck(d, "kiosk-1", key)) },
		"an acknowledgement read as commands":   func() error { return failure(wire.VerifyDown(a, "kiosk-1", key)) },
		"signed when the certificate was not":   func() error { return failure(wire.VerifyAck(signed(t, c, at.Add(time.Second)), "kiosk-1", key)) },
		"signed by a key that is not the named": func() error { return failure(wire.VerifyAck(strange(t), "kiosk-1", key)) },
	} {
		err := check()
		require.True(t, errors.Is(err, wire.ErrSignature) || errors.Is(err, wire.ErrMalformed), "%s: %v", name, err)
		require.NotErrorIs(t, err, wire.ErrUnsigned, name)
	}
}

func failure[T any](_ T, err error) error { return err }

func signed(t *testing.T, c wire.Centre, when time.Time) []byte {
	t.Helper()
	a := provedAck()
	a.Signed = when
	b, err := c.SignAck(a)
	require.NoError(t, err)
	return b
}

func strange(t *testing.T) []byte {
	t.Helper()
	c, _ := centre(t)
	return signed(t, c, at)
}

func TestNoByteOfASignedFrameCanBeChanged(t *testing.T) {
	c, key := centre(t)
	a, err := c.SignAck(provedAck())
	require.NoError(t, err)
	d, err := c.SignDown(provedDown())
	require.NoError(t, err)
	for i := range a {
		bad := append([]byte(nil), a...)
		bad[i] ^= 1
		require.Error(t, failure(wire.VerifyAck(bad, "kiosk-1", key)), "byte %d", i)
	}
	for i := range d {
		bad := append([]byte(nil), d...)
		bad[i] ^= 1
		require.Error(t, failure(wire.VerifyDown(bad, "kiosk-1", key)), "byte %d", i)
	}
}

func TestAFrameOfTheReleaseBeforeIsReadAndNotBelieved(t *testing.T) {
	_, key := centre(t)
	b, err := wire.EncodeAck(ack())
	require.NoError(t, err)
	require.ErrorIs(t, failure(wire.VerifyAck(b, "kiosk-1", key)), wire.ErrUnsigned)
	b, err = wire.EncodeDown(down())
	require.NoError(t, err)
	require.ErrorIs(t, failure(wire.VerifyDown(b, "kiosk-1", key)), wire.ErrUnsigned)
}

func fuzzProof[T any](f *testing.F, verify func([]byte, string, wire.CentreKey) (T, error), frames ...[]byte) {
	_, key := centre(f)
	for _, b := range frames {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		_, err := verify(b, "kiosk-1", key)
		require.Error(t, err, "nobody here can sign")
	})
}

func FuzzVerifyAck(f *testing.F) {
	c, _ := centre(f)
	a, err := c.SignAck(provedAck())
	require.NoError(f, err)
	fuzzProof(f, wire.VerifyAck, a, a[:len(a)/2])
}

func FuzzVerifyDown(f *testing.F) {
	c, _ := centre(f)
	d, err := c.SignDown(provedDown())
	require.NoError(f, err)
	fuzzProof(f, wire.VerifyDown, d, d[:len(d)/2])
}

// The cost of an acknowledgement with its proof, beside that of one without.
func BenchmarkAck(b *testing.B) {
	c, key := centre(b)
	c.Cert = make([]byte, 560) // what a centre's certificate takes
	a := provedAck()
	known := func([]byte, time.Time) (*ecdsa.PublicKey, error) { return key([]byte("ours"), at) }
	frame, err := c.SignAck(a)
	require.NoError(b, err)
	plain, err := wire.EncodeAck(ack())
	require.NoError(b, err)
	b.Run("encode", func(b *testing.B) {
		for b.Loop() {
			_, _ = wire.EncodeAck(ack())
		}
		b.ReportMetric(float64(len(plain)), "bytes/frame")
	})
	b.Run("sign", func(b *testing.B) {
		for b.Loop() {
			_, _ = c.SignAck(a)
		}
		b.ReportMetric(float64(len(frame)), "bytes/frame")
	})
	b.Run("decode", func(b *testing.B) {
		for b.Loop() {
			_, _ = wire.DecodeAck(plain)
		}
	})
	b.Run("verify", func(b *testing.B) {
		for b.Loop() {
			if _, err := wire.VerifyAck(frame, "kiosk-1", known); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func FuzzVerifySeal(f *testing.F) {
	c, key := centre(f)
	good, err := wire.SignSeal(wire.SealOrder{Kiosk: "kiosk-1", Number: 7, Signed: at, Key: []byte("key")}, c.Signer, c.Cert, c.Random)
	require.NoError(f, err)
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := wire.VerifySeal(b, "kiosk-1", key)
		if err == nil { // its frame may be written in other ways; what is signed may not
			require.EqualValues(t, 7, o.Number)
			require.Equal(t, []byte("key"), o.Key)
		}
	})
}

func TestASealOrderIsBelievedByItsKioskAlone(t *testing.T) {
	c, key := centre(t)
	order := wire.SealOrder{Kiosk: "kiosk-1", Number: 7, Signed: at, Key: []byte("key")}
	b, err := wire.SignSeal(order, c.Signer, c.Cert, c.Random)
	require.NoError(t, err)
	got, err := wire.VerifySeal(b, "kiosk-1", key)
	require.NoError(t, err)
	order.Version = 1
	require.Equal(t, order, got)
	require.ErrorIs(t, failure(wire.VerifySeal(b, "kiosk-2", key)), wire.ErrSignature)
	_, other := centre(t)
	require.ErrorIs(t, failure(wire.VerifySeal(b, "kiosk-1", other)), wire.ErrSignature)
	policy, err := wire.SignPolicy(wire.PolicyOrder{Kiosk: "kiosk-1", Number: 7, Signed: at, Policy: []byte("key")}, c.Signer, c.Cert, c.Random)
	require.NoError(t, err)
	require.Error(t, failure(wire.VerifySeal(policy, "kiosk-1", key)), "a policy is no seal order")
	for name, bad := range map[string]wire.SealOrder{
		"no number": {Kiosk: "k", Signed: at, Key: []byte("k")}, "no time": {Kiosk: "k", Number: 1, Key: []byte("k")},
		"no key": {Kiosk: "k", Number: 1, Signed: at}, "a key that is too long": {Kiosk: "k", Number: 1, Signed: at, Key: make([]byte, 5000)},
	} {
		require.Error(t, failure(wire.SignSeal(bad, c.Signer, c.Cert, c.Random)), name)
	}
}
