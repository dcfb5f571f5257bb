package identity_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"testing"
	"time"

	"vestibule/sync/fault"
	"vestibule/sync/identity"
)

// FuzzSignKiosk hands a stranger's certificate request in: what comes out names who the caller says, and nobody else.
func FuzzSignKiosk(f *testing.F) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: []string{"centre"}}, key)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(request)
	f.Add(request[:len(request)/2])
	f.Add([]byte{0x30, 0x84, 0xff, 0xff, 0xff, 0xff})
	now := time.Now()
	ca, err := identity.NewCA("fuzz", now)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, request []byte) {
		cert, err := ca.SignKiosk("hall-1", request, now)
		if err != nil {
			if fault.Code(err) == "" {
				t.Fatalf("an error without a code: %v", err)
			}
			return
		}
		if cert.Subject.CommonName != "hall-1" || cert.IsCA || len(cert.DNSNames) > 0 || !ca.Issued(cert) {
			t.Fatalf("it certifies something else: %v", cert.Subject)
		}
	})
}
