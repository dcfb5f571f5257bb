package wire

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// Proof is the part of a downlink frame by which a kiosk knows that its own centre wrote it, for this kiosk, in
// this session, after the frames before it: the broker is a pipe and may be anybody's. A kiosk of a release that knows
// nothing of it ignores its keys, as it does any key that it does not know.
type Proof struct {
	For     string    `cbor:"9,keyasint,omitempty"`  // kiosk
	Session string    `cbor:"10,keyasint,omitempty"` // of the kiosk's Up frame that the centre heard last; empty: it heard none
	Number  uint64    `cbor:"11,keyasint,omitempty"` // grows from frame to frame, each kind of frame by itself
	Signed  time.Time `cbor:"12,keyasint,omitzero"`  // centre's clock: the certificate is judged by it
	Cert    []byte    `cbor:"13,keyasint,omitempty"` // of the centre, DER
	Sig     []byte    `cbor:"15,keyasint,omitempty"` // ECDSA P-256 over the frame without Sig
}

// MaxCert bounds the certificate that travels in a frame, in bytes.
const MaxCert = 4 << 10

// What is signed begins with one of these: a signature on one kind of frame is none on another.
const (
	contextAck  = "vestibule ack v1\x00"
	contextDown = "vestibule down v1\x00"
)

// Centre signs what goes down to kiosks.
type Centre struct {
	Signer crypto.Signer // of the centre's certificate: ECDSA P-256
	Cert   []byte        // that certificate, DER: kiosks hold the authority that issued it
	Random io.Reader     // crypto/rand.Reader, or nil for a signer that brings its own
}

// SignAck encodes an acknowledgement with its proof.
func (c Centre) SignAck(a Ack) ([]byte, error) {
	a.Cert, a.Sig = c.Cert, nil
	plain, err := EncodeAck(a)
	if err != nil {
		return nil, err
	}
	if a.Sig, err = c.sign(contextAck, plain); err != nil {
		return nil, err
	}
	return EncodeAck(a)
}

// SignDown encodes commands with their proof.
func (c Centre) SignDown(d Down) ([]byte, error) {
	d.Cert, d.Sig = c.Cert, nil
	plain, err := EncodeDown(d)
	if err != nil {
		return nil, err
	}
	if d.Sig, err = c.sign(contextDown, plain); err != nil {
		return nil, err
	}
	return EncodeDown(d)
}

func (c Centre) sign(context string, plain []byte) ([]byte, error) {
	sum := digest(context, plain)
	sig, err := c.Signer.Sign(c.Random, sum, crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("sign frame: %w", err)
	}
	return sig, nil
}

// ErrUnsigned is wrapped, beside ErrSignature, when a frame carries no signature at all: the centre is of a release
// that does not sign, or the frame is not the centre's.
var ErrUnsigned = errors.New("frame is not signed")

// VerifyAck decodes an acknowledgement that a centre, whom key vouches for, signed for this kiosk. It wraps
// ErrMalformed when there is none, and ErrSignature when it is not proved. Whether it belongs to the
// present session and comes after the ones before it is for the caller to ask.
func VerifyAck(b []byte, kiosk string, key CentreKey) (Ack, error) {
	a, err := DecodeAck(b)
	if err != nil {
		return Ack{}, err
	}
	return a, prove(b, contextAck, a.Proof, kiosk, key)
}

// VerifyDown does for commands what VerifyAck does for acknowledgements.
func VerifyDown(b []byte, kiosk string, key CentreKey) (Down, error) {
	d, err := DecodeDown(b)
	if err != nil {
		return Down{}, err
	}
	return d, prove(b, contextDown, d.Proof, kiosk, key)
}

func prove(b []byte, context string, p Proof, kiosk string, key CentreKey) error {
	if len(p.Sig) == 0 || len(p.Cert) == 0 {
		return fmt.Errorf("%w: %w", ErrSignature, ErrUnsigned)
	}
	if key == nil {
		return fmt.Errorf("%w: nobody vouches for a centre", ErrSignature)
	}
	if p.For != kiosk {
		return fmt.Errorf("%w: for another kiosk", ErrSignature)
	}
	public, err := key(p.Cert, p.Signed)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSignature, err)
	}
	return verify(b, context, public)
}

// verify checks the signature of an encoded frame. It works on the bytes that came, so that a key added by a
// later release stays covered by the signature.
func verify(b []byte, context string, key *ecdsa.PublicKey) error {
	if len(b) > MaxFrame {
		return ErrTooLarge
	}
	var m map[uint64]cbor.RawMessage
	if err := modes.frame.Unmarshal(b, &m); err != nil {
		return malformed("decode", err)
	}
	var sig []byte
	if err := modes.frame.Unmarshal(m[keySig], &sig); err != nil {
		return fmt.Errorf("%w: none", ErrSignature)
	}
	delete(m, keySig)
	plain, err := modes.enc.Marshal(m)
	if err != nil {
		return malformed("encode", err)
	}
	if key == nil {
		return errors.New("verify frame: no key")
	}
	if !ecdsa.VerifyASN1(key, digest(context, plain), sig) {
		return ErrSignature
	}
	return nil
}

func digest(context string, plain []byte) []byte {
	h := sha256.New()
	io.WriteString(h, context)
	h.Write(plain)
	return h.Sum(nil)
}

func checkProof(p Proof) error {
	switch {
	case p.For != "" && CheckName(p.For) != nil:
		return field("for")
	case p.Session != "" && !word(p.Session, MaxID):
		return field("session")
	case p.Number > maxSeq:
		return field("number")
	case len(p.Cert) > MaxCert:
		return field("certificate")
	case len(p.Sig) > maxSig:
		return field("signature")
	}
	return checkTime(p.Signed)
}
