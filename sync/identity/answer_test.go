package identity_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/sync/fault"
	"vestibule/sync/identity"
	"vestibule/sync/seal"
)

func TestOnlyTheOwnCentreSpeaksForTheCentre(t *testing.T) {
	now := time.Now()
	ca, err := identity.NewCA("Ours", now)
	require.NoError(t, err)
	theirs, err := identity.NewCA("Ours", now)
	require.NoError(t, err)
	key, err := seal.GenerateKey()
	require.NoError(t, err)
	dir := filepath.Join(t.TempDir(), "bundle")
	own, err := identity.WriteBundle(dir, ca, identity.KioskInfo{Name: "hall-1", SiteCountry: "UTO", Broker: "127.0.0.1:1"}, key.Public(), now)
	require.NoError(t, err)
	b, err := identity.LoadBundle(dir)
	require.NoError(t, err)

	cert, err := ca.IssueCentre(nil, now)
	require.NoError(t, err)
	home := t.TempDir()
	require.NoError(t, identity.SaveCentre(home, ca, cert))
	centre, err := identity.LoadCentre(home)
	require.NoError(t, err)
	got, err := b.CentreKey(centre.Cert.Raw, now)
	require.NoError(t, err)
	require.True(t, got.Equal(centre.Signer().Public()))
	_, err = b.CentreKey(centre.Cert.Raw, now.Add(identity.CentreValidity-time.Hour))
	require.NoError(t, err)

	foreign, err := theirs.IssueCentre(nil, now)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		der []byte
		at  time.Time
	}{
		"another operator's centre":   {foreign.Cert.Raw, now},
		"this kiosk itself":           {own.Raw, now},
		"the authority itself":        {ca.Cert.Raw, now},
		"no certificate":              {[]byte("rubbish"), now},
		"nothing":                     {nil, now},
		"signed before it was issued": {centre.Cert.Raw, now.Add(-time.Hour)},
		"signed after it had ended":   {centre.Cert.Raw, now.Add(identity.CentreValidity + time.Hour)},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := b.CentreKey(c.der, c.at)
			require.Equal(t, "centre_unknown", fault.Code(err))
		})
	}
}
