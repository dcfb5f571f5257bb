package identity

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
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
	Seal        []byte    `json:"seal,omitempty"`        // the centre's HPKE key, as its file holds it
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

// Enrol makes this kiosk's key in dir, has it certified by the centre at address (host:port), and writes the
// bundle there. The key stays when it fails, so that another try with the same token is the same kiosk.
func Enrol(ctx context.Context, dir, address string, t Token, now func() time.Time) (*Bundle, error) {
	if err := durable.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("enrol: %w", err)
	}
	key, err := readKey(filepath.Join(dir, fileKioskKey))
	if errors.Is(err, fs.ErrNotExist) {
		if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err == nil {
			err = writeKey(filepath.Join(dir, fileKioskKey), key)
		}
	}
	if err != nil {
		return nil, err
	}
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
	if !key.PublicKey.Equal(cert.PublicKey) || cert.CheckSignatureFrom(authority) != nil || cert.Subject.CommonName != answer.Kiosk.Name {
		return nil, strange(nil)
	}
	if err := answer.Kiosk.Check(); err != nil {
		return nil, strange(err)
	}
	answer.Kiosk.Enrol = address
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
		path := filepath.Join(dir, f.name)
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) { // of a try that was cut off
			return nil, fmt.Errorf("enrol: %w", err)
		}
		if err := writeNew(path, f.body); err != nil {
			return nil, err
		}
	}
	b, err := LoadBundle(dir)
	if err != nil {
		return nil, errors.Join(strange(err), os.Remove(filepath.Join(dir, fileKioskJSON)))
	}
	return b, nil
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
	if err != nil || !b.key.PublicKey.Equal(cert.PublicKey) || cert.CheckSignatureFrom(b.ca) != nil || cert.Subject.CommonName != b.Name {
		return fault.New("enrolment_strange", "the centre's answer cannot be used", "check that kiosk and centre are of releases that know each other", err)
	}
	path := filepath.Join(dir, fileKiosk)
	fresh := path + ".new"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("renew certificate: %w", err)
	}
	if err := writeCert(fresh, cert); err != nil {
		return err
	}
	if err := os.Rename(fresh, path); err != nil { // at once: a cut leaves the old one or the new one
		return fmt.Errorf("renew certificate: %w", err)
	}
	if err := durable.SyncFolder(dir); err != nil {
		return fmt.Errorf("renew certificate: %w", err)
	}
	b.cert.Store(cert)
	return nil
}

// SealText is the centre's HPKE key as a bundle's file holds it.
func SealText(path string) ([]byte, error) {
	if _, err := seal.ReadPublicKey(path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}
