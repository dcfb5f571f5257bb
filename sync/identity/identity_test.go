package identity_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/sync/fault"
	"vestibule/sync/identity"
	"vestibule/sync/seal"
)

var now = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func clock(t time.Time) func() time.Time { return func() time.Time { return t } }

func newCA(t testing.TB) *identity.CA {
	t.Helper()
	ca, err := identity.NewCA("Operator", now)
	require.NoError(t, err)
	return ca
}

func newCentre(t testing.TB, ca *identity.CA, hosts ...string) *identity.Centre {
	t.Helper()
	cert, err := ca.IssueCentre(hosts, now)
	require.NoError(t, err)
	dir := filepath.Join(t.TempDir(), "centre")
	require.NoError(t, identity.SaveCentre(dir, ca, cert))
	c, err := identity.LoadCentre(dir)
	require.NoError(t, err)
	return c
}

func writeBundle(t testing.TB, ca *identity.CA, name string) string {
	t.Helper()
	key, err := seal.GenerateKey()
	require.NoError(t, err)
	dir := filepath.Join(t.TempDir(), "bundle")
	_, err = identity.WriteBundle(dir, ca, identity.KioskInfo{Name: name, SiteCountry: "UTO", Project: "demo", Broker: "127.0.0.1:8883"}, key.Public(), now)
	require.NoError(t, err)
	return dir
}

func newBundle(t testing.TB, ca *identity.CA, name string) *identity.Bundle {
	t.Helper()
	b, err := identity.LoadBundle(writeBundle(t, ca, name))
	require.NoError(t, err)
	return b
}

// shake lets both sides meet. In TLS 1.3 the client learns the server's answer with
// the first byte, so one is sent.
func shake(t *testing.T, server, client *tls.Config) (name string, serverErr, clientErr error) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		raw, err := ln.Accept()
		if err != nil {
			serverErr = err
			return
		}
		defer raw.Close()
		raw.SetDeadline(time.Now().Add(10 * time.Second))
		s := tls.Server(raw, server)
		if serverErr = s.Handshake(); serverErr == nil {
			name, serverErr = identity.PeerName(s.ConnectionState())
			s.Write([]byte{1})
		}
	}()
	raw, err := net.Dial("tcp", ln.Addr().String())
	require.NoError(t, err)
	raw.SetDeadline(time.Now().Add(10 * time.Second))
	c := tls.Client(raw, client)
	if clientErr = c.Handshake(); clientErr == nil {
		_, clientErr = c.Read(make([]byte, 1))
	}
	raw.Close()
	<-done
	return name, serverErr, clientErr
}

func TestKioskAndCentreProveTheirNamesToEachOther(t *testing.T) {
	ca := newCA(t)
	centre, kiosk := newCentre(t, ca), newBundle(t, ca, "kiosk-1")
	name, serverErr, clientErr := shake(t, centre.ServerTLS(clock(now), nil), kiosk.TLS(clock(now)))
	require.NoError(t, serverErr)
	require.NoError(t, clientErr)
	require.Equal(t, "kiosk-1", name)
	name, serverErr, clientErr = shake(t, centre.ServerTLS(clock(now), nil), centre.ClientTLS("", clock(now)))
	require.NoError(t, serverErr)
	require.NoError(t, clientErr)
	require.Equal(t, identity.CentreName, name)
}

func TestWhoeverCannotProveANameIsRefused(t *testing.T) {
	ca, other := newCA(t), newCA(t)
	centre, kiosk := newCentre(t, ca), newBundle(t, ca, "kiosk-1")
	foreignKiosk, foreignCentre := newBundle(t, other, "kiosk-1"), newCentre(t, other)
	trusting := foreignKiosk.TLS(clock(now))
	trusting.InsecureSkipVerify = true
	bare := kiosk.TLS(clock(now))
	bare.GetClientCertificate = nil
	old := kiosk.TLS(clock(now))
	old.MinVersion, old.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	server := centre.ServerTLS(clock(now), nil)
	for name, c := range map[string]struct{ server, client *tls.Config }{
		"a kiosk of another authority":     {server, trusting},
		"a kiosk without certificate":      {server, bare},
		"a kiosk with TLS 1.2":             {server, old},
		"a centre of another authority":    {foreignCentre.ServerTLS(clock(now), nil), kiosk.TLS(clock(now))},
		"a kiosk posing as the centre":     {posing(kiosk, clock(now)), kiosk.TLS(clock(now))},
		"a revoked kiosk":                  {centre.ServerTLS(clock(now), func(n string) bool { return n == "kiosk-1" }), kiosk.TLS(clock(now))},
		"an expired kiosk certificate":     {centre.ServerTLS(clock(now.Add(identity.KioskValidity+time.Hour)), nil), kiosk.TLS(clock(now))},
		"a kiosk whose clock is years old": {server, kiosk.TLS(clock(now.Add(-5 * 365 * 24 * time.Hour)))},
	} {
		_, serverErr, clientErr := shake(t, c.server, c.client)
		require.Error(t, errors.Join(serverErr, clientErr), name)
		require.Error(t, clientErr, name+": the client must notice")
	}
}

// posing is a server that shows a kiosk's certificate.
func posing(b *identity.Bundle, at func() time.Time) *tls.Config {
	return &tls.Config{Certificates: b.TLS(at).Certificates, MinVersion: tls.VersionTLS13, ClientAuth: tls.RequestClientCert}
}

func TestAKioskCertificateSaysWhatItMayBeUsedFor(t *testing.T) {
	ca := newCA(t)
	b := newBundle(t, ca, "kiosk-1")
	require.Equal(t, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, b.Cert().ExtKeyUsage)
	require.Equal(t, x509.KeyUsageDigitalSignature, b.Cert().KeyUsage)
	require.False(t, b.Cert().IsCA)
	require.Equal(t, now.Add(identity.KioskValidity), b.Cert().NotAfter)
	other := newBundle(t, ca, "kiosk-1")
	require.NotEqual(t, b.Cert().SerialNumber, other.Cert().SerialNumber)
	require.Equal(t, 1, b.Cert().SerialNumber.Sign())
	_, renew := b.Expires(now)
	require.False(t, renew)
	_, renew = b.Expires(now.Add(identity.KioskValidity * 3 / 4))
	require.True(t, renew)
	require.True(t, b.Signer().Public().(*ecdsa.PublicKey).Equal(b.Cert().PublicKey))
}

func TestTheCentreIsReachedUnderItsHosts(t *testing.T) {
	c := newCentre(t, newCA(t), "centre.example.org", "10.1.2.3")
	for _, host := range []string{"centre", "localhost", "127.0.0.1", "centre.example.org", "10.1.2.3"} {
		require.NoError(t, c.Cert.VerifyHostname(host), host)
	}
	require.Error(t, c.Cert.VerifyHostname("other.example.org"))
}

func TestTheAuthorityNamesTheKioskWhateverTheRequestSays(t *testing.T) {
	ca := newCA(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: "centre"}, DNSNames: []string{"centre"},
	}, key)
	require.NoError(t, err)
	cert, err := ca.SignKiosk("kiosk-9", csr, now)
	require.NoError(t, err)
	require.Equal(t, "kiosk-9", cert.Subject.CommonName)
	require.Empty(t, cert.DNSNames)
	csr[len(csr)-1] ^= 1
	_, err = ca.SignKiosk("kiosk-9", csr, now)
	require.Contains(t, []string{"request_forged", "request_malformed"}, fault.Code(err))
	_, err = ca.SignKiosk("kiosk-9", []byte("no"), now)
	require.Equal(t, "request_malformed", fault.Code(err))
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	csr, err = x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, p384)
	require.NoError(t, err)
	_, err = ca.SignKiosk("kiosk-9", csr, now)
	require.Equal(t, "request_key", fault.Code(err))
}

func TestSomeNamesAreNotForKiosks(t *testing.T) {
	ca := newCA(t)
	for name, code := range map[string]string{
		"": "kiosk_name", "a/b": "kiosk_name", "+": "kiosk_name", "#": "kiosk_name", "-a": "kiosk_name", "é": "kiosk_name", "a b": "kiosk_name",
		"centre": "kiosk_name_reserved", "centre-2": "kiosk_name_reserved",
	} {
		_, err := ca.IssueKiosk(name, now)
		require.Equal(t, code, fault.Code(err), name)
	}
}

func TestABrokenBundleSaysWhichFileAndWhatToDo(t *testing.T) {
	ca := newCA(t)
	for name, c := range map[string]struct {
		code string
		harm func(t *testing.T, dir string)
	}{
		"no key":               {"identity_missing", func(t *testing.T, dir string) { require.NoError(t, os.Remove(filepath.Join(dir, "kiosk.key"))) }},
		"no seal key":          {"identity_missing", func(t *testing.T, dir string) { require.NoError(t, os.Remove(filepath.Join(dir, "centre.hpke.pub"))) }},
		"no description":       {"identity_missing", func(t *testing.T, dir string) { require.NoError(t, os.Remove(filepath.Join(dir, "kiosk.json"))) }},
		"a readable key":       {"identity_exposed", func(t *testing.T, dir string) { require.NoError(t, os.Chmod(filepath.Join(dir, "kiosk.key"), 0o644)) }},
		"a damaged key":        {"identity_malformed", overwrite("kiosk.key", "x")},
		"a damaged seal key":   {"identity_malformed", overwrite("centre.hpke.pub", "x")},
		"a damaged authority":  {"identity_malformed", overwrite("ca.pem", "x")},
		"a huge certificate":   {"identity_malformed", overwrite("kiosk.pem", string(make([]byte, 100_000)))},
		"half a description":   {"identity_malformed", overwrite("kiosk.json", `{"name":`)},
		"another kiosk's name": {"identity_mismatch", overwrite("kiosk.json", `{"name":"kiosk-2","siteCountry":"UTO","broker":"a:1"}`)},
		"no broker":            {"kiosk_broker", overwrite("kiosk.json", `{"name":"kiosk-1","siteCountry":"UTO"}`)},
		"no country":           {"kiosk_country", overwrite("kiosk.json", `{"name":"kiosk-1","broker":"a:1"}`)},
		"another kiosk's key":  {"identity_mismatch", copyFrom(ca, "kiosk.key")},
		"another authority":    {"identity_mismatch", copyFrom(newCA(t), "ca.pem")},
	} {
		t.Run(name, func(t *testing.T) {
			dir := writeBundle(t, ca, "kiosk-1")
			_, err := identity.LoadBundle(dir)
			require.NoError(t, err)
			c.harm(t, dir)
			_, err = identity.LoadBundle(dir)
			require.Equal(t, c.code, fault.Code(err))
			var f *fault.Fault
			require.ErrorAs(t, err, &f)
			require.NotEmpty(t, f.Message)
			require.NotEmpty(t, f.Hint)
		})
	}
}

func overwrite(name, text string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
}

func copyFrom(ca *identity.CA, name string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		b, err := os.ReadFile(filepath.Join(writeBundle(t, ca, "kiosk-3"), name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), b, 0o600))
	}
}

func TestIdentityFilesAreForTheirOwnerAndNeverOverwritten(t *testing.T) {
	ca := newCA(t)
	dir := writeBundle(t, ca, "kiosk-1")
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 5)
	for _, e := range entries {
		info, err := e.Info()
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), e.Name())
	}
	key, err := seal.GenerateKey()
	require.NoError(t, err)
	_, err = identity.WriteBundle(dir, ca, identity.KioskInfo{Name: "kiosk-1", SiteCountry: "UTO", Broker: "a:1"}, key.Public(), now)
	require.Equal(t, "identity_exists", fault.Code(err))
	caDir := t.TempDir()
	require.NoError(t, ca.Save(caDir))
	require.Equal(t, "identity_exists", fault.Code(newCA(t).Save(caDir)))
	loaded, err := identity.LoadCA(caDir)
	require.NoError(t, err)
	require.True(t, loaded.Cert.Equal(ca.Cert))
	issued, err := loaded.IssueKiosk("kiosk-2", now)
	require.NoError(t, err)
	require.NoError(t, issued.Cert.CheckSignatureFrom(ca.Cert))
}

func FuzzLoadBundle(f *testing.F) {
	ca := newCA(f)
	dir := writeBundle(f, ca, "kiosk-1")
	good, err := os.ReadFile(filepath.Join(dir, "kiosk.pem"))
	require.NoError(f, err)
	f.Add([]byte(`{"name":"kiosk-1","siteCountry":"UTO","broker":"a:1"}`), good)
	f.Add([]byte(`{}`), []byte("x"))
	f.Fuzz(func(t *testing.T, text, cert []byte) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "kiosk.json"), text, 0o600))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "kiosk.pem"), cert, 0o600))
		b, err := identity.LoadBundle(dir)
		if err != nil {
			require.NotEmpty(t, fault.Code(err))
			return
		}
		require.Equal(t, "kiosk-1", b.Name)
	})
}
