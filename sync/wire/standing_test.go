package wire_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/sync/wire"
)

func standing() wire.Standing {
	return wire.Standing{
		Version: 1, Kiosk: "hall-1", At: at, Waiting: wire.Waiting{Records: 3, Submissions: 1, Pictures: 2, Bytes: 4096, Oldest: at},
		Visits: []wire.Visit{{
			Session: "j-1", Submission: "s-1", Status: "COMPLETED", Segment: "post", Path: "/result", Started: at, Ended: at.Add(time.Minute),
			Events: 45, Decision: "REJECTED", Reason: "DUPLICATE_USER",
		}},
	}
}

// certified makes a key that is the same each time, with a certificate of that name over it.
func certified(t require.TestingT, name string) (*ecdsa.PrivateKey, []byte) {
	k, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), bytes.Repeat([]byte{9}, 32))
	require.NoError(t, err)
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: at, NotAfter: at.Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, k.Public(), k)
	require.NoError(t, err)
	return k, der
}

func everybody(*x509.Certificate) error { return nil }

func TestAStandingIsReadAsItsKioskSignedIt(t *testing.T) {
	k, cert := certified(t, "hall-1")
	b, err := wire.SignStanding(standing(), k, cert, nil)
	require.NoError(t, err)
	got, err := wire.VerifyStanding(b, "hall-1", everybody)
	require.NoError(t, err)
	require.Equal(t, standing(), got)
	_, err = wire.VerifyStanding(b, "hall-2", everybody)
	require.ErrorIs(t, err, wire.ErrSignature, "shown under another kiosk's topic")
	_, err = wire.VerifyStanding(b, "hall-1", func(*x509.Certificate) error { return errors.New("a stranger") })
	require.ErrorIs(t, err, wire.ErrSignature)
	_, other := certified(t, "hall-2")
	b2, err := wire.SignStanding(standing(), k, other, nil)
	require.NoError(t, err)
	_, err = wire.VerifyStanding(b2, "hall-1", everybody)
	require.ErrorIs(t, err, wire.ErrSignature, "signed by another kiosk")
	for i := range b {
		c := bytes.Clone(b)
		c[i] ^= 1
		if got, err := wire.VerifyStanding(c, "hall-1", everybody); err == nil {
			// A certificate's bytes are the authority's to vouch for: here nobody does.
			require.Equal(t, standing(), got, "byte %d", i)
		}
	}
}

func TestAStandingHasItsBounds(t *testing.T) {
	k, cert := certified(t, "hall-1")
	for name, change := range map[string]func(*wire.Standing){
		"no kiosk":             func(s *wire.Standing) { s.Kiosk = "" },
		"many visits":          func(s *wire.Standing) { s.Visits = make([]wire.Visit, wire.MaxVisits+1) },
		"less than nothing":    func(s *wire.Standing) { s.Waiting.Records = -1 },
		"a visit without name": func(s *wire.Standing) { s.Visits[0].Session = "" },
		"a line break":         func(s *wire.Standing) { s.Visits[0].Path = "/a\nb" },
		"a far year":           func(s *wire.Standing) { s.Visits[0].Ended = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
	} {
		s := standing()
		change(&s)
		_, err := wire.SignStanding(s, k, cert, nil)
		require.Error(t, err, name)
	}
	s := standing()
	for len(s.Visits) < wire.MaxVisits {
		s.Visits = append(s.Visits, s.Visits[0])
	}
	_, err := wire.SignStanding(s, k, cert, nil)
	require.NoError(t, err, "as many visits as there may be fit in")
}

func FuzzVerifyStanding(f *testing.F) {
	k, cert := certified(f, "hall-1")
	b, err := wire.SignStanding(standing(), k, cert, nil)
	require.NoError(f, err)
	f.Add(b)
	f.Add(b[:len(b)/2])
	f.Add([]byte{0xa0})
	f.Fuzz(func(t *testing.T, c []byte) {
		s, err := wire.VerifyStanding(c, "hall-1", everybody)
		if err != nil {
			return
		}
		_, err = wire.SignStanding(s, k, cert, nil)
		require.NoError(t, err, "what is believed can be written")
	})
}
