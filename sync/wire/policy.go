package wire

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"fmt"
	"io"
	"time"
)

// PolicyOrder is the body of a KindPolicy record: a policy that a centre puts in force on one kiosk. It is
// signed for this kiosk alone, so that whoever carries it can neither write one, nor give a kiosk another's.
type PolicyOrder struct {
	Version  uint8     `cbor:"1,keyasint"` // 1
	Kiosk    string    `cbor:"2,keyasint"`
	Number   uint64    `cbor:"3,keyasint"` // counts what came in force in its project, from 1
	Rollback bool      `cbor:"4,keyasint,omitempty"`
	Signed   time.Time `cbor:"5,keyasint"` // centre's clock
	Policy   []byte    `cbor:"6,keyasint"` // journey.Policy, JSON
}

// signedOrder is what travels. Order are the very bytes that were signed.
type signedOrder struct {
	Order       []byte `cbor:"1,keyasint"`
	Sig         []byte `cbor:"2,keyasint"`
	Certificate []byte `cbor:"3,keyasint"` // of the centre, DER
}

// orderContext leads what is signed: a signature on anything else is none on an order.
const orderContext = "vestibule policy order v1\x00"

// SignPolicy encodes an order with its signature (ECDSA with SHA-256) and the certificate (DER) that it is to be
// proved by. random is crypto/rand.Reader, or nil for a signer that brings its own.
func SignPolicy(o PolicyOrder, signer crypto.Signer, certificate []byte, random io.Reader) ([]byte, error) {
	o.Version = 1
	plain, err := encode(o, MaxBody, checkPolicy(o))
	if err != nil {
		return nil, err
	}
	return signOrder(orderContext, plain, signer, certificate, random)
}

func signOrder(context string, plain []byte, signer crypto.Signer, certificate []byte, random io.Reader) ([]byte, error) {
	sig, err := signer.Sign(random, digest(context, plain), crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("sign order: %w", err)
	}
	return encode(signedOrder{plain, sig, certificate}, MaxBody, nil)
}

// prove tells whether an order, signed at a time for a kiosk, is the centre's for this kiosk.
func (s signedOrder) prove(context, kiosk, addressed string, at time.Time, key CentreKey) error {
	if key == nil {
		return fmt.Errorf("%w: nobody vouches for a centre", ErrSignature)
	}
	public, err := key(s.Certificate, at)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSignature, err)
	}
	if public == nil || !ecdsa.VerifyASN1(public, digest(context, s.Order), s.Sig) {
		return fmt.Errorf("%w: of an order", ErrSignature)
	}
	if addressed != kiosk {
		return fmt.Errorf("%w: for another kiosk", ErrSignature)
	}
	return nil
}

// CentreKey gives the key of a centre's certificate (DER), if it may be trusted for what was signed at a time.
type CentreKey func(certificate []byte, at time.Time) (*ecdsa.PublicKey, error)

// VerifyPolicy decodes an order that is signed by a centre that key vouches for, and addressed to this kiosk.
// It wraps ErrMalformed when there is no order, and ErrSignature when it is not proved to be the centre's for
// this kiosk.
func VerifyPolicy(b []byte, kiosk string, key CentreKey) (PolicyOrder, error) {
	return verifyOrder(b, kiosk, key, orderContext, checkPolicy, func(o PolicyOrder) (string, time.Time) { return o.Kiosk, o.Signed })
}

// verifyOrder decodes a signed order, and proves it. of tells whom it is addressed to, and when it was signed.
func verifyOrder[T any](b []byte, kiosk string, key CentreKey, context string, check func(T) error, of func(T) (string, time.Time)) (T, error) {
	var none T
	s, err := decode(b, MaxBody, func(signedOrder) error { return nil })
	if err != nil {
		return none, err
	}
	o, err := decode(s.Order, MaxBody, check)
	if err != nil {
		return none, err
	}
	to, signed := of(o)
	if err := s.prove(context, kiosk, to, signed, key); err != nil {
		return none, err
	}
	return o, nil
}

// Follows says whether an order may take the place of an earlier one: it is a later one, or takes back
// knowingly and was signed later. An order that was caught on its way cannot bring an old policy back.
func (o PolicyOrder) Follows(earlier PolicyOrder) bool {
	return o.Number > earlier.Number || o.Rollback && o.Signed.After(earlier.Signed)
}

// Same says whether two orders put the same in force: a kiosk that is enrolled again hears it again.
func (o PolicyOrder) Same(p PolicyOrder) bool {
	return o.Number == p.Number && bytes.Equal(o.Policy, p.Policy)
}

func checkPolicy(o PolicyOrder) error {
	if err := checkVersion(o.Version); err != nil {
		return err
	}
	switch {
	case !word(o.Kiosk, MaxID):
		return field("kiosk")
	case o.Number < 1 || o.Number > 1<<53:
		return field("number")
	case o.Signed.IsZero():
		return field("signed")
	case len(o.Policy) == 0:
		return field("policy")
	}
	return checkTime(o.Signed)
}
