package identity

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"vestibule/sync/durable"
	"vestibule/sync/fault"
	"vestibule/sync/identity/tpm"
	"vestibule/sync/seal"
)

// Names of the files of a kiosk's bundle, besides ca.pem.
const (
	fileKiosk     = "kiosk.pem"
	fileKioskKey  = "kiosk.key"
	fileSealPub   = "centre.hpke.pub"
	fileKioskJSON = "kiosk.json"
)

// KioskInfo is kiosk.json: what a kiosk is told about itself.
type KioskInfo struct {
	Name        string `json:"name"`
	SiteCountry string `json:"siteCountry"` // ISO 3166-1 alpha-3
	Project     string `json:"project"`
	Broker      string `json:"broker"`           // host:port
	Centre      string `json:"centre,omitempty"` // name in the broker's certificate; empty: CentreName
	Enrol       string `json:"enrol,omitempty"`  // host:port at which the certificate is renewed; empty: it cannot be
	Branch      string `json:"branch,omitempty"` // the kiosk stands behind this branch's box, and shows there how it stands
	TPM         string `json:"tpm,omitempty"`    // device of the TPM that holds the key, the kiosk's own affair; empty: it lies in the file
}

// Bundle is a kiosk's identity, loaded.
type Bundle struct {
	KioskInfo
	Seal *seal.PublicKey // to which evidence is sealed
	key  crypto.Signer
	ca   *x509.Certificate
	cert atomic.Pointer[x509.Certificate] // the newest: it may be renewed while links run
}

// Close lets a TPM forget the bundle's key until it is used again.
func (b *Bundle) Close() error { return release(b.key) }

// Cert is the newest certificate.
func (b *Bundle) Cert() *x509.Certificate { return b.cert.Load() }

// WriteBundle enrols a kiosk: it makes a key, certifies it and writes the whole
// bundle into dir. It returns the certificate, whose key the centre must remember.
func WriteBundle(dir string, ca *CA, info KioskInfo, to *seal.PublicKey, now time.Time) (*x509.Certificate, error) {
	if err := info.Check(); err != nil {
		return nil, err
	}
	if to == nil {
		return nil, errors.New("write bundle: no seal key")
	}
	own, err := ca.IssueKiosk(info.Name, now)
	if err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(info, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write bundle: %w", err)
	}
	if err := durable.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("write bundle: %w", err)
	}
	if err := writeKey(filepath.Join(dir, fileKioskKey), own.Key); err != nil {
		return nil, err
	}
	if err := writeCert(filepath.Join(dir, fileKiosk), own.Cert); err != nil {
		return nil, err
	}
	if err := writeCert(filepath.Join(dir, fileCA), ca.Cert); err != nil {
		return nil, err
	}
	if err := seal.WritePublicKey(filepath.Join(dir, fileSealPub), to); err != nil {
		return nil, err
	}
	if err := writeNew(filepath.Join(dir, fileKioskJSON), append(text, '\n')); err != nil {
		return nil, err
	}
	return own.Cert, nil
}

// Check says what is wrong with it.
func (i KioskInfo) Check() error {
	if err := CheckKioskName(i.Name); err != nil {
		return err
	}
	if len(i.SiteCountry) != 3 {
		return fault.New("kiosk_country", "the site's country is not an alpha-3 code", "use ISO 3166-1 alpha-3, such as UTO", nil)
	}
	if _, _, err := net.SplitHostPort(i.Broker); err != nil {
		return fault.New("kiosk_broker", "the broker's address is not host:port", "give it as centre.example.org:8883", err)
	}
	return nil
}

// LoadBundle reads a kiosk's bundle and checks that its parts belong together. An
// expired certificate loads: the kiosk must still work, offline, and say so; see Expires.
func LoadBundle(dir string) (*Bundle, error) {
	text, err := readFile(filepath.Join(dir, fileKioskJSON), false)
	if err != nil {
		return nil, err
	}
	b := &Bundle{}
	if err := json.Unmarshal(text, &b.KioskInfo); err != nil {
		return nil, malformed(fileKioskJSON, err)
	}
	if err := b.Check(); err != nil {
		return nil, err
	}
	if b.Centre == "" {
		b.Centre = CentreName
	}
	if b.ca, err = readCert(filepath.Join(dir, fileCA)); err != nil {
		return nil, err
	}
	cert, err := readCert(filepath.Join(dir, fileKiosk))
	if err != nil {
		return nil, err
	}
	b.cert.Store(cert)
	if b.key, err = readSigner(filepath.Join(dir, fileKioskKey), b.TPM); err != nil {
		return nil, err
	}
	if k, ok := b.key.(*tpm.Key); ok { // a TPM that is gone, or another machine's, is told at the start and not by a link that stays down
		if err := k.Check(); err != nil {
			return nil, err
		}
	}
	if b.Seal, err = seal.ReadPublicKey(filepath.Join(dir, fileSealPub)); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, fault.New("identity_missing", fileSealPub+" is missing", "enrol this kiosk again", err)
		}
		return nil, malformed(fileSealPub, err)
	}
	switch {
	case !belongs(b.key, cert):
		return nil, fault.New("identity_mismatch", "kiosk.key does not belong to kiosk.pem", "enrol this kiosk again", nil)
	case cert.CheckSignatureFrom(b.ca) != nil:
		return nil, fault.New("identity_mismatch", "kiosk.pem was not issued by ca.pem", "enrol this kiosk again", nil)
	case cert.Subject.CommonName != b.Name:
		return nil, fault.New("identity_mismatch", "kiosk.json names another kiosk than kiosk.pem", "restore the bundle as it was issued", nil)
	}
	return b, nil
}

// belongs reports whether a certificate is for a key.
func belongs(key crypto.Signer, cert *x509.Certificate) bool {
	public, ok := key.Public().(*ecdsa.PublicKey)
	return ok && public.Equal(cert.PublicKey)
}

// Signer signs this kiosk's frames.
func (b *Bundle) Signer() crypto.Signer { return b.key }

// Expires is when the certificate ends, and whether it should be renewed: past two
// thirds of its life.
func (b *Bundle) Expires(now time.Time) (end time.Time, renew bool) {
	c := b.Cert()
	life := c.NotAfter.Sub(c.NotBefore)
	return c.NotAfter, now.After(c.NotBefore.Add(life * 2 / 3))
}

// Spent is how much of the certificate's life is over: 0 when it begins, 1 at its end.
func (b *Bundle) Spent(now time.Time) float64 {
	c := b.Cert()
	return float64(now.Sub(c.NotBefore)) / float64(c.NotAfter.Sub(c.NotBefore))
}

// TLS is the kiosk's side of the link. now is the clock that certificates are
// judged by: a kiosk whose battery is flat passes the latest time it knows of. Every connection shows the
// newest certificate.
func (b *Bundle) TLS(now func() time.Time) *tls.Config {
	c := clientTLS(b.ca, b.Centre, b.Cert(), b.key, now)
	c.Certificates = nil
	c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		pair := keyPair(b.Cert(), b.key)
		return &pair, nil
	}
	return c
}

// Centre is the centre's identity, loaded.
type Centre struct {
	Cert *x509.Certificate
	key  *ecdsa.PrivateKey
	ca   *x509.Certificate
}

// SaveCentre writes ca.pem, centre.pem and centre.key into dir. ca.pem may be there already, if it is the same.
func SaveCentre(dir string, ca *CA, c *Certificate) error {
	if err := durable.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("save centre: %w", err)
	}
	if err := writeKey(filepath.Join(dir, fileCentreKey), c.Key); err != nil {
		return err
	}
	if err := writeCert(filepath.Join(dir, fileCentre), c.Cert); err != nil {
		return err
	}
	have, err := readCert(filepath.Join(dir, fileCA))
	if err == nil && have.Equal(ca.Cert) {
		return nil
	}
	return writeCert(filepath.Join(dir, fileCA), ca.Cert)
}

// LoadCentre reads what SaveCentre wrote.
func LoadCentre(dir string) (*Centre, error) {
	var err error
	c := &Centre{}
	if c.ca, err = readCert(filepath.Join(dir, fileCA)); err != nil {
		return nil, err
	}
	if c.Cert, err = readCert(filepath.Join(dir, fileCentre)); err != nil {
		return nil, err
	}
	if c.key, err = readKey(filepath.Join(dir, fileCentreKey)); err != nil {
		return nil, err
	}
	if !c.key.PublicKey.Equal(c.Cert.PublicKey) || c.Cert.CheckSignatureFrom(c.ca) != nil {
		return nil, fault.New("identity_mismatch", "ca.pem, centre.pem and centre.key do not belong together", "restore them from the same backup", nil)
	}
	return c, nil
}

// Name is the centre's common name.
func (c *Centre) Name() string { return c.Cert.Subject.CommonName }

// ServerTLS is the broker's side of the link: kiosks must show a certificate of
// our authority. denied may be nil.
func (c *Centre) ServerTLS(now func() time.Time, denied Denied) *tls.Config {
	return &tls.Config{
		MinVersion:   tls.VersionTLS13,
		Certificates: []tls.Certificate{keyPair(c.Cert, c.key)},
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCAs:    pool(c.ca),
		Time:         now,
		// A resumed session would skip the question whether the name is denied.
		SessionTicketsDisabled: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			name, err := PeerName(s)
			if err != nil {
				return err
			}
			if denied != nil && denied(name) {
				return fault.New("identity_revoked", "this certificate was revoked", "enrol the kiosk again", nil)
			}
			return nil
		},
	}
}

// ClientTLS is the centre's own side of the link to a broker whose certificate
// carries serverName; empty means the embedded broker, which shows the centre's own.
func (c *Centre) ClientTLS(serverName string, now func() time.Time) *tls.Config {
	if serverName == "" {
		serverName = c.Name()
	}
	return clientTLS(c.ca, serverName, c.Cert, c.key, now)
}

// PeerName gives the common name of a connection's verified peer.
func PeerName(s tls.ConnectionState) (string, error) {
	if len(s.VerifiedChains) == 0 || len(s.VerifiedChains[0]) == 0 {
		return "", fault.New("identity_unverified", "the peer showed no certificate of our authority", "enrol the kiosk", nil)
	}
	name := s.VerifiedChains[0][0].Subject.CommonName
	if name == "" {
		return "", fault.New("identity_unnamed", "the peer's certificate has no name", "enrol the kiosk again", nil)
	}
	return name, nil
}

func clientTLS(ca *x509.Certificate, serverName string, cert *x509.Certificate, key crypto.Signer, now func() time.Time) *tls.Config {
	return &tls.Config{
		MinVersion:   tls.VersionTLS13,
		RootCAs:      pool(ca),
		ServerName:   serverName,
		Certificates: []tls.Certificate{keyPair(cert, key)},
		Time:         now,
	}
}

func keyPair(cert *x509.Certificate, key crypto.Signer) tls.Certificate {
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}
}

func pool(ca *x509.Certificate) *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(ca)
	return p
}
