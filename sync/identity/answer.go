package identity

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"slices"
	"time"

	"vestibule/sync/fault"
)

// Signer signs what the centre gives to be carried to a kiosk without a line.
func (c *Centre) Signer() crypto.Signer { return c.key }

// CentreKey gives the key of a centre's certificate (DER), if our operator's
// authority issued it, it is a centre's, and it was valid at a time. A kiosk's own
// certificate can speak for no centre. What it signed may be read long afterwards, so
// it is judged by the time of signing and not by this kiosk's clock.
func (b *Bundle) CentreKey(cert []byte, at time.Time) (*ecdsa.PublicKey, error) {
	return centreKey(b.ca, cert, at, "use what this kiosk's own centre wrote")
}

// CentreKey is the same for what a centre of this operator's signed earlier, perhaps
// with another key.
func (c *Centre) CentreKey(cert []byte, at time.Time) (*ecdsa.PublicKey, error) {
	return centreKey(c.ca, cert, at, "use what this operator's own centre signed")
}

func centreKey(ca *x509.Certificate, cert []byte, at time.Time, hint string) (*ecdsa.PublicKey, error) {
	other := func(why string, err error) error { return fault.New("centre_unknown", why, hint, err) }
	c, err := x509.ParseCertificate(cert)
	if err != nil {
		return nil, other("the centre's certificate cannot be read", err)
	}
	if err := c.CheckSignatureFrom(ca); err != nil {
		return nil, other("the centre's certificate is of another operator", err)
	}
	if c.IsCA || c.Subject.CommonName != CentreName || !slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageServerAuth) {
		return nil, other("the certificate is not a centre's", nil)
	}
	if at.Before(c.NotBefore) || at.After(c.NotAfter) {
		return nil, other("the centre's certificate was not valid when this was signed", nil)
	}
	key, ok := c.PublicKey.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, other("the centre's key is not ECDSA P-256", nil)
	}
	return key, nil
}
