package wire

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
)

// keySig is the map key of a frame's signature.
const keySig = 15

// maxSig bounds a signature: of P-256 it takes 72 bytes at most, in ASN.1.
const maxSig = 80

func malformed(doing string, err error) error {
	return fmt.Errorf("%w: %s: %w", ErrMalformed, doing, err)
}

func field(name string) error { return fmt.Errorf("%w: %s out of bounds", ErrMalformed, name) }

// SignUp encodes u with its two signatures: of the chain after its last record, which outlives the frame, and
// of the frame: ECDSA with SHA-256 over the canonical frame without Sig. random is crypto/rand.Reader, or nil for a signer that brings its own.
func SignUp(u Up, signer crypto.Signer, random io.Reader) ([]byte, error) {
	u.Sig, u.HeadSig = nil, nil
	if n := len(u.Records); n > 0 {
		var err error
		if u.HeadSig, err = signer.Sign(random, HeadDigest(u.Kiosk, u.Epoch, u.Records[n-1].Seq, u.Head), crypto.SHA256); err != nil {
			return nil, fmt.Errorf("sign chain: %w", err)
		}
	}
	plain, err := EncodeUp(u)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(plain)
	if u.Sig, err = signer.Sign(random, sum[:], crypto.SHA256); err != nil {
		return nil, fmt.Errorf("sign frame: %w", err)
	}
	return EncodeUp(u)
}

// VerifyUp checks the signature of an encoded frame. It works on the bytes that
// came, so that a key added by a later release stays covered by the signature.
func VerifyUp(b []byte, key *ecdsa.PublicKey) error { return verify(b, "", key) }

// HeadDigest is what a kiosk signs of its chain after record seq: SHA-256("vestibule head" ‖ 0 ‖ kiosk ‖ 0 ‖
// epoch ‖ 0 ‖ seq, eight bytes, big endian ‖ head). No name or epoch holds a zero byte.
func HeadDigest(kiosk, epoch string, seq uint64, head []byte) []byte {
	h := sha256.New()
	for _, s := range []string{"vestibule head", kiosk, epoch} {
		io.WriteString(h, s)
		h.Write([]byte{0})
	}
	h.Write(binary.BigEndian.AppendUint64(nil, seq))
	h.Write(head)
	return h.Sum(nil)
}

// VerifyHead tells whether a kiosk's key signed that chain value.
func VerifyHead(key *ecdsa.PublicKey, kiosk, epoch string, seq uint64, head, sig []byte) bool {
	return key != nil && len(head) == HashSize && ecdsa.VerifyASN1(key, HeadDigest(kiosk, epoch, seq, head), sig)
}

// HashSize is the length of a chain value.
const HashSize = sha256.Size

// ChainStart gives h(0) = SHA-256(kiosk ‖ 0 ‖ epoch), 0 being one zero byte, which
// no kiosk name holds.
func ChainStart(kiosk, epoch string) []byte {
	h := sha256.New()
	io.WriteString(h, kiosk)
	h.Write([]byte{0})
	io.WriteString(h, epoch)
	return h.Sum(nil)
}

// Chain gives h(n) = SHA-256(h(n-1) ‖ canonical CBOR of record n).
func Chain(prev []byte, r Record) ([]byte, error) {
	if len(prev) != HashSize {
		return nil, field("head")
	}
	b, err := modes.enc.Marshal(r)
	if err != nil {
		return nil, malformed("encode record", err)
	}
	h := sha256.New()
	h.Write(prev)
	h.Write(b)
	return h.Sum(nil), nil
}

// ChainAll continues the chain over several records.
func ChainAll(prev []byte, records []Record) ([]byte, error) {
	var err error
	for _, r := range records {
		if prev, err = Chain(prev, r); err != nil {
			return nil, err
		}
	}
	return prev, nil
}
