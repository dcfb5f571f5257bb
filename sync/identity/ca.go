// Package identity holds who is who between kiosks and the centre: the operator's
// own certificate authority, the centre's certificate, and each kiosk's bundle.
// Names are common names; keys are ECDSA P-256, which a TPM can hold; links are
// TLS 1.3 with certificates on both sides.
//
// What may live here: making, writing and loading of certificates and bundles, and
// the tls.Config of each side. What may not: which kiosks exist and which are
// revoked, which the centre's database knows.
package identity

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net"
	"path/filepath"
	"time"

	"vestibule/sync/durable"
	"vestibule/sync/fault"
	"vestibule/sync/wire"
)

// CentreName is the centre's common name and one of its DNS names, whatever host
// it runs on. No kiosk may be called so, nor begin with it.
const CentreName = "centre"

// Validity of what is issued here.
const (
	CAValidity     = 10 * 365 * 24 * time.Hour
	CentreValidity = 365 * 24 * time.Hour
	KioskValidity  = 90 * 24 * time.Hour
	backdate       = 5 * time.Minute // for clocks that are a little behind
)

// Denied tells whether a common name may no longer connect. It is asked at every
// handshake and at every packet, so it answers from memory.
type Denied func(name string) bool

// CA signs the certificates of one operator.
type CA struct {
	Cert *x509.Certificate
	key  crypto.Signer
}

// Certificate is one certificate with its private key.
type Certificate struct {
	Cert *x509.Certificate
	Key  *ecdsa.PrivateKey
}

// NewCA makes a certificate authority whose name people will see in its certificate.
func NewCA(name string, now time.Time) (*CA, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make CA key: %w", err)
	}
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             now.Add(-backdate),
		NotAfter:              now.Add(CAValidity),
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	cert, err := sign(t, t, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return &CA{Cert: cert, key: key}, nil
}

// IssueCentre makes the centre's certificate. hosts are the DNS names and addresses
// under which kiosks may dial it, besides CentreName and localhost.
func (ca *CA) IssueCentre(hosts []string, now time.Time) (*Certificate, error) {
	t := &x509.Certificate{
		Subject:     pkix.Name{CommonName: CentreName},
		NotAfter:    now.Add(CentreValidity),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		DNSNames:    []string{CentreName, "localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	for _, h := range hosts {
		switch ip := net.ParseIP(h); {
		case ip != nil:
			t.IPAddresses = append(t.IPAddresses, ip)
		case h != "":
			t.DNSNames = append(t.DNSNames, h)
		}
	}
	return ca.issue(t, now)
}

// IssueKiosk makes a kiosk's certificate with a key made here. A kiosk that made
// its own key sends a request instead: see SignKiosk.
func (ca *CA) IssueKiosk(name string, now time.Time) (*Certificate, error) {
	t, err := kioskTemplate(name, now)
	if err != nil {
		return nil, err
	}
	return ca.issue(t, now)
}

// SignKiosk certifies the public key of a kiosk's certificate request. The name
// comes from the caller, who knows who asks; whatever name the request holds is ignored.
func (ca *CA) SignKiosk(name string, request []byte, now time.Time) (*x509.Certificate, error) {
	t, err := kioskTemplate(name, now)
	if err != nil {
		return nil, err
	}
	csr, err := x509.ParseCertificateRequest(request)
	if err != nil {
		return nil, fault.New("request_malformed", "the certificate request cannot be read", "make a new one on the kiosk", err)
	}
	if err := csr.CheckSignature(); err != nil {
		return nil, fault.New("request_forged", "the certificate request is not signed by its own key", "make a new one on the kiosk", err)
	}
	key, ok := csr.PublicKey.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, fault.New("request_key", "the certificate request's key is not ECDSA P-256", "make a new one on the kiosk", nil)
	}
	return ca.certify(t, key, now)
}

// RenewKiosk certifies the key of a kiosk's certificate for another term. That it is this kiosk, and not revoked, is
// the caller's to know.
func (ca *CA) RenewKiosk(old *x509.Certificate, now time.Time) (*x509.Certificate, error) {
	t, err := kioskTemplate(old.Subject.CommonName, now)
	if err != nil {
		return nil, err
	}
	key, ok := old.PublicKey.(*ecdsa.PublicKey)
	if !ok {
		return nil, errors.New("renew certificate: another kind of key")
	}
	return ca.certify(t, key, now)
}

// Issued says whether a kiosk's certificate is ours, whether or not its time is over.
func (ca *CA) Issued(c *x509.Certificate) bool {
	return c.CheckSignatureFrom(ca.Cert) == nil && len(c.ExtKeyUsage) == 1 && c.ExtKeyUsage[0] == x509.ExtKeyUsageClientAuth
}

func kioskTemplate(name string, now time.Time) (*x509.Certificate, error) {
	if err := CheckKioskName(name); err != nil {
		return nil, err
	}
	return &x509.Certificate{
		Subject:     pkix.Name{CommonName: name},
		NotAfter:    now.Add(KioskValidity),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, nil
}

// CheckKioskName says whether a kiosk may be called so.
func CheckKioskName(name string) error {
	if err := wire.CheckName(name); err != nil {
		return fault.New("kiosk_name", "a kiosk cannot be called so", err.Error(), err)
	}
	if len(name) >= len(CentreName) && name[:len(CentreName)] == CentreName {
		return fault.New("kiosk_name_reserved", "names that begin with \""+CentreName+"\" belong to the centre", "choose another name", nil)
	}
	return nil
}

func (ca *CA) issue(t *x509.Certificate, now time.Time) (*Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	cert, err := ca.certify(t, &key.PublicKey, now)
	if err != nil {
		return nil, err
	}
	return &Certificate{Cert: cert, Key: key}, nil
}

func (ca *CA) certify(t *x509.Certificate, key *ecdsa.PublicKey, now time.Time) (*x509.Certificate, error) {
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	t.SerialNumber = serial
	t.NotBefore = now.Add(-backdate)
	if t.NotAfter.After(ca.Cert.NotAfter) {
		t.NotAfter = ca.Cert.NotAfter
	}
	t.KeyUsage = x509.KeyUsageDigitalSignature
	t.BasicConstraintsValid = true
	return sign(t, ca.Cert, key, ca.key)
}

func sign(t, parent *x509.Certificate, pub crypto.PublicKey, key crypto.Signer) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, t, parent, pub, key)
	if err != nil {
		return nil, fmt.Errorf("sign certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("sign certificate: %w", err)
	}
	return cert, nil
}

// newSerial draws 127 bits, positive and never zero (RFC 5280 section 4.1.2.2).
func newSerial() (*big.Int, error) {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("draw serial: %w", err)
	}
	return n.Add(n, big.NewInt(1)), nil
}

// Names of the files of the authority and the centre.
const (
	fileCA        = "ca.pem"
	fileCAKey     = "ca.key"
	fileCentre    = "centre.pem"
	fileCentreKey = "centre.key"
)

// Save writes ca.pem and ca.key into dir. It never overwrites: a second authority
// would strand every kiosk of the first.
func (ca *CA) Save(dir string) error {
	key, ok := ca.key.(*ecdsa.PrivateKey)
	if !ok {
		return errors.New("save CA: its key lives elsewhere")
	}
	if err := durable.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("save CA: %w", err)
	}
	if err := writeKey(filepath.Join(dir, fileCAKey), key); err != nil {
		return err
	}
	return writeCert(filepath.Join(dir, fileCA), ca.Cert)
}

// LoadCA reads what Save wrote.
func LoadCA(dir string) (*CA, error) {
	cert, err := readCert(filepath.Join(dir, fileCA))
	if err != nil {
		return nil, err
	}
	key, err := readKey(filepath.Join(dir, fileCAKey))
	if err != nil {
		return nil, err
	}
	if !cert.IsCA || !key.PublicKey.Equal(cert.PublicKey) {
		return nil, fault.New("ca_mismatch", "ca.key does not belong to ca.pem", "restore both from the same backup", nil)
	}
	return &CA{Cert: cert, key: key}, nil
}
