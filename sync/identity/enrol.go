package identity

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"vestibule/sync/durable"
	"vestibule/sync/fault"
	"vestibule/sync/seal"
)

// Where the centre takes enrolments, and renews certificates.
const (
	EnrolPath = "/enrol"
	RenewPath = "/renew"
)

// RenewalGrace is how long after its end a certificate may still be renewed: a kiosk may have been off line
// for long. A revoked kiosk's never is.
const RenewalGrace = 180 * 24 * time.Hour

// MaxEnrolment bounds a request and an answer, bytes.
const MaxEnrolment = 32 << 10

// EnrolRequest is what a kiosk sends: the token's secret, and a certificate request (PKCS #10, DER) signed by the key
// that it made. Whatever name the request holds is ignored.
type EnrolRequest struct {
	Secret  []byte `json:"secret"`
	Request []byte `json:"request"`
}

// EnrolAnswer is what it gets. Code, Message and Hint are set when it was refused.
type EnrolAnswer struct {
	Kiosk       KioskInfo `json:"kiosk,omitzero"`
	Certificate []byte    `json:"certificate,omitempty"` // DER
	Seal        []byte    `json:"seal,omitempty"`        // the centre's HPKE key, as its file holds it; of a renewal too
	Code        string    `json:"code,omitempty"`
	Message     string    `json:"message,omitempty"`
	Hint        string    `json:"hint,omitempty"`
}

// EnrolTLS is the centre's side of an enrolment: it shows its authority as well, for kiosks that know
// only the authority's pin. Kiosks have no certificate yet.
func (c *Centre) EnrolTLS(now func() time.Time) *tls.Config {
	pair := keyPair(c.Cert, c.key)
	pair.Certificate = append(pair.Certificate, c.ca.Raw)
	// Who renews shows a certificate, which may have ended: the handshake proves its key, the caller judges the rest.
	return &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{pair}, Time: now, ClientAuth: tls.RequestClientCert}
}

// Enrol makes this kiosk's key, has it certified by the centre at address (host:port), and writes the bundle into dir.
// The key stays when it fails, so that another try with the same token is the same kiosk. A kept invitation (see Keep)
// goes once the bundle is whole.
func Enrol(ctx context.Context, dir, address string, t Token, keys Keys, now func() time.Time) (*Bundle, error) {
	if err := durable.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("enrol: %w", err)
	}
	key, device, err := keyIn(dir, keys)
	if err != nil {
		return nil, err
	}
	defer func() { _ = release(key) }()
	if _, err := os.Stat(filepath.Join(dir, fileKioskJSON)); err == nil {
		return nil, fault.New("identity_exists", "this kiosk is enrolled already", "choose another folder, or move this one away to enrol it anew", nil)
	}
	request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		return nil, fmt.Errorf("enrol: %w", err)
	}
	answer, authority, err := ask(ctx, address, t, EnrolRequest{Secret: t.Secret(), Request: request}, now)
	if err != nil {
		return nil, err
	}
	strange := func(err error) error {
		return fault.New("enrolment_strange", "the centre's answer cannot be used", "check that kiosk and centre are of releases that know each other", err)
	}
	cert, err := x509.ParseCertificate(answer.Certificate)
	if err != nil {
		return nil, strange(err)
	}
	if !belongs(key, cert) || cert.CheckSignatureFrom(authority) != nil || cert.Subject.CommonName != answer.Kiosk.Name {
		return nil, strange(nil)
	}
	if err := answer.Kiosk.Check(); err != nil {
		return nil, strange(err)
	}
	answer.Kiosk.Enrol, answer.Kiosk.TPM = address, device
	text, err := json.MarshalIndent(answer.Kiosk, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("enrol: %w", err)
	}
	// kiosk.json is last: with it the bundle is whole.
	for _, f := range []struct {
		name string
		body []byte
	}{
		{fileKiosk, pem.EncodeToMemory(&pem.Block{Type: pemCert, Bytes: cert.Raw})},
		{fileCA, pem.EncodeToMemory(&pem.Block{Type: pemCert, Bytes: authority.Raw})},
		{fileSealPub, answer.Seal},
		{fileKioskJSON, append(text, '\n')},
	} {
		if err := replace(filepath.Join(dir, f.name), f.body); err != nil { // there may be some of a try that was cut off
			return nil, err
		}
	}
	b, err := LoadBundle(dir)
	if err != nil {
		return nil, errors.Join(strange(err), os.Remove(filepath.Join(dir, fileKioskJSON)))
	}
	return b, Forget(dir)
}

// ask sends one enrolment. It gives the secret to nobody but a centre of the pinned authority, which it returns.
func ask(ctx context.Context, address string, t Token, q EnrolRequest, now func() time.Time) (EnrolAnswer, *x509.Certificate, error) {
	var authority *x509.Certificate
	verify := func(s tls.ConnectionState) error {
		for _, c := range s.PeerCertificates {
			if c.IsCA && t.Pins(c) {
				authority = c
			}
		}
		if authority == nil || len(s.PeerCertificates) == 0 {
			return fault.New("enrolment_other_centre", "another centre answers at this address", "check the address; the token is for one centre only", nil)
		}
		_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: pool(authority), DNSName: CentreName, CurrentTime: now()})
		var invalid x509.CertificateInvalidError
		if errors.As(err, &invalid) && invalid.Reason == x509.Expired {
			return fault.New("enrolment_clock", "the centre's certificate is not valid now", "set this kiosk's clock; else the centre's certificate has expired", err)
		}
		return err
	}
	client := &http.Client{
		Timeout: 20 * time.Second,
		Transport: &http.Transport{
			// The name and chain are verified by hand: the authority is known by its pin alone.
			TLSClientConfig:   &tls.Config{MinVersion: tls.VersionTLS13, InsecureSkipVerify: true, VerifyConnection: verify, Time: now},
			DisableKeepAlives: true, TLSHandshakeTimeout: 10 * time.Second, MaxResponseHeaderBytes: 16 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	body, err := json.Marshal(q)
	if err != nil {
		return EnrolAnswer{}, nil, fmt.Errorf("enrol: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+address+EnrolPath, bytes.NewReader(body))
	if err != nil {
		return EnrolAnswer{}, nil, fault.New("enrolment_address", "the centre's address is not host:port", "give it as centre.example.org:8443", err)
	}
	a, err := send(client, r)
	return a, authority, err
}

// send sends one request and reads the answer.
func send(client *http.Client, r *http.Request) (EnrolAnswer, error) {
	r.Header.Set("Content-Type", "application/json")
	said, err := client.Do(r)
	if err != nil {
		var f *fault.Fault
		if errors.As(err, &f) {
			return EnrolAnswer{}, f
		}
		return EnrolAnswer{}, fault.New("enrolment_unreachable", "the centre does not answer", "check the address and the network, and that the centre runs with -enrol", err)
	}
	defer said.Body.Close()
	text, err := io.ReadAll(io.LimitReader(said.Body, MaxEnrolment))
	if err != nil {
		return EnrolAnswer{}, fault.New("enrolment_unreachable", "the centre broke off", "try again; the token stays good for this kiosk", err)
	}
	var a EnrolAnswer
	if err := json.Unmarshal(text, &a); err != nil {
		return EnrolAnswer{}, fault.New("enrolment_strange", "the centre's answer cannot be read", "check that this is the address of -enrol, not of API or broker", err)
	}
	if said.StatusCode != http.StatusOK {
		return EnrolAnswer{}, fault.New(a.Code, a.Message, a.Hint, nil)
	}
	return a, nil
}

// Renew has the certificate renewed, for the same key, and writes it into dir. Links that are up stay; the next
// one shows the new certificate.
func (b *Bundle) Renew(ctx context.Context, dir string, now func() time.Time) error {
	if b.Enrol == "" {
		return fault.New("renewal_nowhere", "this kiosk does not know where its certificate is renewed", "enrol it with a token: kiosk-ui enrol", nil)
	}
	config := b.TLS(now)
	config.ServerName = CentreName
	client := &http.Client{
		Timeout:       20 * time.Second,
		Transport:     &http.Transport{TLSClientConfig: config, DisableKeepAlives: true, TLSHandshakeTimeout: 10 * time.Second, MaxResponseHeaderBytes: 16 << 10},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+b.Enrol+RenewPath, http.NoBody)
	if err != nil {
		return fmt.Errorf("renew certificate: %w", err)
	}
	a, err := send(client, r)
	if err != nil {
		return err
	}
	cert, err := x509.ParseCertificate(a.Certificate)
	if err != nil || !belongs(b.key, cert) || cert.CheckSignatureFrom(b.ca) != nil || cert.Subject.CommonName != b.Name {
		return fault.New("enrolment_strange", "the centre's answer cannot be used", "check that kiosk and centre are of releases that know each other", err)
	}
	// At once: a cut leaves the old one or the new one.
	if err := replace(filepath.Join(dir, fileKiosk), pem.EncodeToMemory(&pem.Block{Type: pemCert, Bytes: cert.Raw})); err != nil {
		return err
	}
	b.cert.Store(cert)
	if len(a.Seal) == 0 {
		return nil // a centre of an older release
	}
	return b.reseal(dir, a.Seal)
}

// reseal keeps the key that the centre wants evidence sealed to from now on. Who opens the bundle next seals to it;
// the centre opens what was sealed to the earlier one as well.
func (b *Bundle) reseal(dir string, text []byte) error {
	k, err := seal.ParsePublicFile(text)
	if err != nil {
		return fault.New("enrolment_strange", "the centre's answer cannot be used", "check that kiosk and centre are of releases that know each other", err)
	}
	if k.ID() == b.Seal.ID() {
		return nil
	}
	return seal.ReplacePublicKey(filepath.Join(dir, fileSealPub), k)
}

// SealText is the centre's HPKE key as a bundle's file holds it.
func SealText(path string) ([]byte, error) {
	if _, err := seal.ReadPublicKey(path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}
