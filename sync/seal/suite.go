package seal

import (
	"crypto/ecdh"
	"crypto/hpke"
	"crypto/sha256"
	"fmt"
)

// Suite says how a key seals. All of them go on with HKDF-SHA256 and AES-256-GCM (RFC 9180), so that what they
// cost differs in the first step only. The number is also the first byte of what was sealed.
type Suite uint8

// The suites.
const (
	// X25519 is DHKEM(X25519, HKDF-SHA256), RFC 9180 section 4.1.
	X25519 Suite = 1
	// MLKEM768X25519 joins ML-KEM-768 (FIPS 203) with X25519: it holds as long as one of the two does, so also against
	// somebody who keeps what is sealed today for a quantum computer (HPKE's KEM 0x647a, also called X-Wing).
	MLKEM768X25519 Suite = 2
)

// Suites lists all, the default first.
func Suites() []Suite { return []Suite{X25519, MLKEM768X25519} }

// String gives the name that ParseSuite reads.
func (s Suite) String() string {
	switch s {
	case X25519:
		return "x25519"
	case MLKEM768X25519:
		return "mlkem768x25519"
	}
	return "unknown"
}

// ParseSuite takes a suite's name.
func ParseSuite(name string) (Suite, error) {
	for _, s := range Suites() {
		if s.String() == name {
			return s, nil
		}
	}
	return 0, fmt.Errorf("no seal suite is called so: there are %v", Suites())
}

// Overhead is how many bytes sealing adds.
func (s Suite) Overhead() int { return 1 + idSize + s.encSize() + tagSize }

// encSize is the length of the encapsulated key, publicSize that of a public key, in bytes.
func (s Suite) encSize() int {
	if s == MLKEM768X25519 {
		return 1088 + 32 // FIPS 203 table 3, RFC 7748
	}
	return 32
}

func (s Suite) publicSize() int {
	if s == MLKEM768X25519 {
		return 1184 + 32
	}
	return 32
}

func (s Suite) kem() hpke.KEM {
	if s == MLKEM768X25519 {
		return hpke.MLKEM768X25519()
	}
	return hpke.DHKEM(ecdh.X25519())
}

// id names a key: the suite is covered, so that one and the same bytes under another suite are another key. The
// names of the first suite's keys are older than the others.
func (s Suite) id(public []byte) KeyID {
	h := sha256.New()
	if s != X25519 {
		h.Write([]byte(s.String() + "\x00"))
	}
	h.Write(public)
	return KeyID(h.Sum(nil)[:idSize])
}

// pem names the suite's key files: a release that does not know a suite takes its keys for nothing else.
func (s Suite) pem(kind string) string {
	if s == MLKEM768X25519 {
		return kind + " MLKEM768X25519"
	}
	return kind
}
