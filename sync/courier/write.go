package courier

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"

	"vestibule/sync/wire"
)

// Writer writes one file. It holds one section at a time.
type Writer struct {
	w      io.Writer
	kind   Kind
	signer crypto.Signer
	random io.Reader
	sum    hash.Hash
	frames uint64
	size   int64
}

// NewWriter begins a file. Header.Key is filled in. random is crypto/rand.Reader, or
// nil for a signer that brings its own.
func NewWriter(w io.Writer, kind Kind, h Header, signer crypto.Signer, random io.Reader) (*Writer, error) {
	var err error
	if h.Key, err = keyID(signer.Public()); err != nil {
		return nil, err
	}
	if err := h.check(kind); err != nil {
		return nil, err
	}
	payload, err := wire.Marshal(h)
	if err != nil {
		return nil, err
	}
	c := &Writer{w: w, kind: kind, signer: signer, random: random, sum: sha256.New()}
	pre := preamble(kind)
	if err := c.put(pre[:]); err != nil {
		return nil, err
	}
	return c, c.section(SectionHeader, payload)
}

func preamble(kind Kind) [preambleSize]byte {
	var b [preambleSize]byte
	m := magic()
	copy(b[:], m[:])
	b[8], b[9] = Version, byte(kind)
	binary.BigEndian.PutUint32(b[12:], sumOf(b[:12]))
	return b
}

// Add writes a frame.
func (c *Writer) Add(s Section, frame []byte) error {
	if s == SectionHeader || s == SectionTrailer {
		return errors.New("courier: not a section for frames")
	}
	c.frames++
	return c.section(s, frame)
}

// Size is what was written so far, in bytes.
func (c *Writer) Size() int64 { return c.size }

// Close writes the trailer. Without it, the file counts as half-written. The writer
// below is not closed.
func (c *Writer) Close() error {
	t := trailer{Frames: c.frames, Sum: c.sum.Sum(nil)}
	digest, err := t.digest(c.kind)
	if err != nil {
		return err
	}
	if t.Sig, err = c.signer.Sign(c.random, digest, crypto.SHA256); err != nil {
		return fmt.Errorf("sign courier file: %w", err)
	}
	payload, err := wire.Marshal(t)
	if err != nil {
		return err
	}
	return c.section(SectionTrailer, payload)
}

func (c *Writer) section(s Section, payload []byte) error {
	if len(payload) == 0 || len(payload) > s.limit(c.kind) {
		return fmt.Errorf("courier: a section of type %d and %d bytes cannot be written", s, len(payload))
	}
	head := headOf(s, len(payload))
	if err := c.put(head[:]); err != nil {
		return err
	}
	return c.put(payload)
}

func headOf(s Section, length int) [headSize]byte {
	var b [headSize]byte
	b[0] = byte(s)
	binary.BigEndian.PutUint32(b[1:], uint32(length))
	binary.BigEndian.PutUint32(b[5:], sumOf(b[:5]))
	return b
}

func (c *Writer) put(b []byte) error {
	c.sum.Write(b)
	n, err := c.w.Write(b)
	c.size += int64(n)
	return err
}

// digest is what the signature is made over: what the file is, then the trailer.
func (t trailer) digest(k Kind) ([]byte, error) {
	t.Sig = nil
	b, err := wire.Marshal(t)
	if err != nil {
		return nil, err
	}
	h := sha256.New()
	fmt.Fprintf(h, "vestibule courier %d %d\x00", Version, k)
	h.Write(b)
	return h.Sum(nil), nil
}

// keyID names a public key.
func keyID(key crypto.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, fmt.Errorf("name the signer's key: %w", err)
	}
	sum := sha256.Sum256(der)
	return sum[:], nil
}
