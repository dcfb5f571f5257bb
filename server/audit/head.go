package audit

import (
	"bufio"
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// Head is where the trail ends: place and hash of its last line. Whoever has noted one can tell later whether the
// trail still leads to it. The zero Head is that of a trail without lines.
type Head struct {
	N    int64
	Hash Hash
}

// String gives the head as N:HASH.
func (h Head) String() string { return strconv.FormatInt(h.N, 10) + ":" + h.Hash.String() }

// MarshalText gives the head as N:HASH.
func (h Head) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads N:HASH.
func (h *Head) UnmarshalText(text []byte) error {
	got, err := ParseHead(string(text))
	if err == nil {
		*h = got
	}
	return err
}

// ErrHead is returned for what is no head.
var ErrHead = errors.New("this is no head of an audit trail: N:HASH, a place and 64 digits of hex")

// ParseHead reads N:HASH.
func ParseHead(text string) (Head, error) {
	place, hash, ok := strings.Cut(text, ":")
	var h Head
	var err error
	if h.N, err = strconv.ParseInt(place, 10, 64); !ok || err != nil || h.N < 0 || place[0] == '+' {
		return Head{}, ErrHead
	}
	if err := h.Hash.UnmarshalText([]byte(hash)); err != nil {
		return Head{}, fmt.Errorf("%w: %w", ErrHead, err)
	}
	if h.N == 0 && h.Hash != (Hash{}) {
		return Head{}, ErrHead
	}
	return h, nil
}

// Signed is a head as it leaves the machine: in the log, in a backup's manifest. The names of its fields are the same
// everywhere, so that ReadSigned finds them.
type Signed struct {
	Head        Head      `json:"head"`
	At          time.Time `json:"at"`          // when it was signed, to the microsecond
	Signature   []byte    `json:"signature"`   // ECDSA with SHA-256, ASN.1
	Certificate []byte    `json:"certificate"` // of the centre that signed, DER
}

// headLabel leads what is signed: a signature on anything else is none on a head.
const headLabel = "vestibule audit head v1\x00"

func (s Signed) digest() []byte {
	b := append([]byte(headLabel), s.Head.Hash[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(s.Head.N))
	b = binary.BigEndian.AppendUint64(b, uint64(micros(s.At)))
	sum := sha256.Sum256(b)
	return sum[:]
}

// Sign signs a head. random is crypto/rand.Reader, or nil for a signer that brings its own.
func Sign(h Head, at time.Time, signer crypto.Signer, certificate []byte, random io.Reader) (Signed, error) {
	s := Signed{Head: h, At: at.UTC().Truncate(time.Microsecond), Certificate: certificate}
	var err error
	if s.Signature, err = signer.Sign(random, s.digest(), crypto.SHA256); err != nil {
		return Signed{}, fmt.Errorf("sign the audit trail's head: %w", err)
	}
	return s, nil
}

// ErrSignature is returned where a head is not proved to be a centre's.
var ErrSignature = errors.New("the head's signature is not the centre's")

// Check proves the signature. key gives the key of a certificate (DER) if it may be trusted for what was signed at a time.
func (s Signed) Check(key func(certificate []byte, at time.Time) (*ecdsa.PublicKey, error)) error {
	public, err := key(s.Certificate, s.At)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSignature, err)
	}
	if !ecdsa.VerifyASN1(public, s.digest(), s.Signature) {
		return ErrSignature
	}
	return nil
}

// Bounds of what ReadSigned reads.
const (
	maxLogLine = 64 << 10 // bytes; longer ones hold no head and are passed over
	maxSigned  = 200_000  // heads; one an hour for 22 years
)

// ReadSigned gives take every signed head in a log of JSON lines, and passes over all else. More than 200,000
// heads are an error.
func ReadSigned(r io.Reader, take func(Signed) error) error {
	lines := bufio.NewReaderSize(r, maxLogLine)
	found := 0
	for {
		line, err := lines.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			for errors.Is(err, bufio.ErrBufferFull) {
				_, err = lines.ReadSlice('\n')
			}
			line = nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read heads: %w", err)
		}
		var s Signed
		if json.Unmarshal(line, &s) == nil && s.Head.N > 0 && len(s.Signature) > 0 {
			if found++; found > maxSigned {
				return fmt.Errorf("read heads: more than %d", maxSigned)
			}
			if err := take(s); err != nil {
				return err
			}
		}
		if err != nil {
			return nil // the end
		}
	}
}
