package wire_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/sync/wire"
)

// signer is a centre's key, always the same, and a kiosk's trust in it: its certificate is a word.
func signer(t require.TestingT) (*ecdsa.PrivateKey, wire.CentreKey) {
	k, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), bytes.Repeat([]byte{7}, 32))
	require.NoError(t, err)
	return k, func(certificate []byte, _ time.Time) (*ecdsa.PublicKey, error) {
		if string(certificate) != "centre" {
			return nil, errors.New("nobody we know")
		}
		return &k.PublicKey, nil
	}
}

func order() wire.PolicyOrder {
	return wire.PolicyOrder{Version: 1, Kiosk: "hall-1", Number: 3, Signed: at, Policy: []byte(`{"version":"7"}`)}
}

func TestAPolicyOrderIsReadAsItWasSigned(t *testing.T) {
	k, trust := signer(t)
	b, err := wire.SignPolicy(order(), k, []byte("centre"), nil)
	require.NoError(t, err)
	got, err := wire.VerifyPolicy(b, "hall-1", trust)
	require.NoError(t, err)
	require.Equal(t, order(), got)

	_, err = wire.VerifyPolicy(b, "hall-2", trust)
	require.ErrorIs(t, err, wire.ErrSignature)
	_, err = wire.VerifyPolicy(b, "hall-1", nil)
	require.ErrorIs(t, err, wire.ErrSignature)
	other, err := wire.SignPolicy(order(), k, []byte("somebody"), nil)
	require.NoError(t, err)
	_, err = wire.VerifyPolicy(other, "hall-1", trust)
	require.ErrorIs(t, err, wire.ErrSignature)
	_, err = wire.VerifyPolicy([]byte(`{"version":"7"}`), "hall-1", trust)
	require.ErrorIs(t, err, wire.ErrMalformed)

	// No byte of it can be another one.
	for i := range b {
		c := bytes.Clone(b)
		c[i] ^= 1
		got, err := wire.VerifyPolicy(c, "hall-1", trust)
		require.Error(t, err, "byte %d gives %v", i, got)
	}
}

func TestAPolicyOrderHasItsBounds(t *testing.T) {
	k, _ := signer(t)
	for name, change := range map[string]func(*wire.PolicyOrder){
		"no kiosk":  func(o *wire.PolicyOrder) { o.Kiosk = "" },
		"no number": func(o *wire.PolicyOrder) { o.Number = 0 },
		"no time":   func(o *wire.PolicyOrder) { o.Signed = time.Time{} },
		"no policy": func(o *wire.PolicyOrder) { o.Policy = nil },
		"too long":  func(o *wire.PolicyOrder) { o.Policy = make([]byte, wire.MaxBody) },
	} {
		o := order()
		change(&o)
		_, err := wire.SignPolicy(o, k, []byte("centre"), nil)
		require.Error(t, err, name)
	}
}

func TestAnOrderFollowsALaterOneOrTakesBackKnowingly(t *testing.T) {
	earlier := order()
	for name, c := range map[string]struct {
		change  func(*wire.PolicyOrder)
		follows bool
		same    bool
	}{
		"the next":                    {func(o *wire.PolicyOrder) { o.Number = 4 }, true, false},
		"the one before":              {func(o *wire.PolicyOrder) { o.Number = 2 }, false, false},
		"the one before, signed anew": {func(o *wire.PolicyOrder) { o.Number, o.Signed = 2, at.Add(time.Hour) }, false, false},
		"a roll-back signed later":    {func(o *wire.PolicyOrder) { o.Number, o.Rollback, o.Signed = 2, true, at.Add(time.Hour) }, true, false},
		"a roll-back signed before":   {func(o *wire.PolicyOrder) { o.Number, o.Rollback, o.Signed = 2, true, at.Add(-time.Hour) }, false, false},
		"the same":                    {func(o *wire.PolicyOrder) { o.Signed = at.Add(time.Hour) }, false, true},
		"the same with other rules":   {func(o *wire.PolicyOrder) { o.Policy = []byte("{}") }, false, false},
	} {
		o := order()
		c.change(&o)
		require.Equal(t, c.follows, o.Follows(earlier), name)
		require.Equal(t, c.same, o.Same(earlier), name)
	}
}

func FuzzVerifyPolicy(f *testing.F) {
	k, trust := signer(f)
	b, err := wire.SignPolicy(order(), k, []byte("centre"), nil)
	require.NoError(f, err)
	f.Add(b)
	f.Add(b[:len(b)/2])
	f.Add([]byte(`{"version":"7"}`))
	f.Fuzz(func(t *testing.T, c []byte) {
		if got, err := wire.VerifyPolicy(c, "hall-1", trust); err == nil {
			require.Equal(t, order(), got, "nothing but what was signed verifies")
		}
	})
}
