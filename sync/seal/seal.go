// Package seal encrypts what leaves a kiosk to the centre's public key (HPKE, RFC
// 9180: DHKEM(X25519), HKDF-SHA256, AES-256-GCM) and opens it at the centre. Who
// holds only the public key, a kiosk after the visit or a broker, reads nothing.
//
// What may live here: keys, key files, sealing, opening, and the names that bind
// a sealed thing to its place. What may not: what the sealed bytes mean.
package seal

import (
	"bytes"
	"crypto/ecdh"
	"crypto/hpke"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
)

// Errors of opening. They are distinct, because the answers differ: another key
// must be found, or the bytes must be sent again.
var (
	ErrUnknownKey = errors.New("sealed to a key that is not in the ring")
	ErrAltered    = errors.New("sealed bytes, their place or their purpose were altered")
	ErrFormat     = errors.New("not sealed bytes of a known version")
)

// Purposes: the HPKE info of the two things that are sealed.
const (
	InfoSubmission = "submission"
	InfoEvidence   = "evidence"
)

// SubmissionAAD binds a sealed submission to its kiosk, its id and its revision.
func SubmissionAAD(kiosk, submission string, revision int) string {
	return "submission|" + kiosk + "|" + submission + "|" + strconv.Itoa(revision)
}

// EvidenceAAD binds a sealed picture to its kiosk, its submission and its place in the manifest.
func EvidenceAAD(kiosk, submission, evidence string) string {
	return "evidence|" + kiosk + "|" + submission + "|" + evidence
}

// Layout of sealed bytes: version, key id, encapsulated key, ciphertext with tag.
const (
	version  = 1
	idSize   = 8
	encSize  = 32
	tagSize  = 16
	Overhead = 1 + idSize + encSize + tagSize // bytes that sealing adds
)

// KeyID names a key pair: the first 8 bytes of the SHA-256 of the public key.
type KeyID [idSize]byte

// String gives the id in hex.
func (id KeyID) String() string { return hex.EncodeToString(id[:]) }

// PublicKey seals.
type PublicKey struct {
	key hpke.PublicKey
	id  KeyID
}

// PrivateKey opens.
type PrivateKey struct {
	key hpke.PrivateKey
	pub *PublicKey
}

func kem() hpke.KEM   { return hpke.DHKEM(ecdh.X25519()) }
func kdf() hpke.KDF   { return hpke.HKDFSHA256() }
func aead() hpke.AEAD { return hpke.AES256GCM() }

// GenerateKey makes a key pair from the system's randomness.
func GenerateKey() (*PrivateKey, error) {
	k, err := kem().GenerateKey()
	if err != nil {
		return nil, fmt.Errorf("generate seal key: %w", err)
	}
	return newPrivate(k), nil
}

func newPrivate(k hpke.PrivateKey) *PrivateKey {
	return &PrivateKey{key: k, pub: newPublic(k.PublicKey())}
}

func newPublic(k hpke.PublicKey) *PublicKey {
	sum := sha256.Sum256(k.Bytes())
	return &PublicKey{key: k, id: KeyID(sum[:idSize])}
}

// Public gives the half that kiosks hold.
func (k *PrivateKey) Public() *PublicKey { return k.pub }

// ID names the pair.
func (k *PrivateKey) ID() KeyID { return k.pub.id }

// ID names the pair.
func (k *PublicKey) ID() KeyID { return k.id }

// Bytes gives the 32 bytes of the public key.
func (k *PublicKey) Bytes() []byte { return k.key.Bytes() }

// ParsePublicKey takes the 32 bytes of a public key.
func ParsePublicKey(b []byte) (*PublicKey, error) {
	k, err := kem().NewPublicKey(b)
	if err != nil {
		return nil, fmt.Errorf("parse seal public key: %w", err)
	}
	return newPublic(k), nil
}

// Seal encrypts plain to pub. info says what it is for, aad where it belongs; both
// must be given again to open it, and neither travels in the sealed bytes.
func Seal(pub *PublicKey, info, aad string, plain []byte) ([]byte, error) {
	if pub == nil {
		return nil, errors.New("seal: no public key")
	}
	enc, sender, err := hpke.NewSender(pub.key, kdf(), aead(), []byte(info))
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	box, err := sender.Seal([]byte(aad), plain)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	out := make([]byte, 0, Overhead+len(plain))
	out = append(out, version)
	out = append(out, pub.id[:]...)
	out = append(out, enc...)
	return append(out, box...), nil
}

// Keyring opens with any of several keys, so that kiosks may move to a new key one
// by one. One that was read from a directory looks there once more when it meets a key
// that it does not hold: keys are added while it is in use. It is safe for concurrent use.
type Keyring struct {
	dir  string
	mu   sync.RWMutex
	keys map[KeyID]*PrivateKey
}

// NewKeyring holds the given keys.
func NewKeyring(keys ...*PrivateKey) *Keyring {
	r := &Keyring{keys: make(map[KeyID]*PrivateKey, len(keys))}
	for _, k := range keys {
		if k != nil {
			r.keys[k.ID()] = k
		}
	}
	return r
}

// Has tells whether the ring holds a key.
func (r *Keyring) Has(id KeyID) bool { return r.find(id) != nil }

// find gives a key, or nil.
func (r *Keyring) find(id KeyID) *PrivateKey {
	r.mu.RLock()
	k := r.keys[id]
	r.mu.RUnlock()
	if k != nil || r.dir == "" {
		return k
	}
	// Its file is named after it. So a stranger's id costs one look for a file, no more.
	k, err := ReadKey(filepath.Join(r.dir, keyFile(id)))
	if err != nil || k.ID() != id {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys[id] = k
	return k
}

// IDOf reads the key id of sealed bytes without opening them.
func IDOf(sealed []byte) (KeyID, error) {
	if len(sealed) < Overhead || sealed[0] != version {
		return KeyID{}, ErrFormat
	}
	return KeyID(sealed[1 : 1+idSize]), nil
}

// Open decrypts. It returns ErrFormat, ErrUnknownKey or ErrAltered, and nothing of
// the plain bytes unless all of them are authentic.
func (r *Keyring) Open(sealed []byte, info, aad string) ([]byte, error) {
	id, err := IDOf(sealed)
	if err != nil {
		return nil, err
	}
	k := r.find(id)
	if k == nil {
		return nil, fmt.Errorf("%w: %s", ErrUnknownKey, id)
	}
	rest := sealed[1+idSize:]
	recipient, err := hpke.NewRecipient(rest[:encSize], k.key, kdf(), aead(), []byte(info))
	if err != nil {
		return nil, ErrAltered // a point that cannot be: the encapsulated key was changed
	}
	plain, err := recipient.Open([]byte(aad), rest[encSize:])
	if err != nil {
		return nil, ErrAltered
	}
	return plain, nil
}

// IDs names the keys that the ring holds, in the order of their ids.
func (r *Keyring) IDs() []KeyID {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.SortedFunc(maps.Keys(r.keys), func(a, b KeyID) int { return bytes.Compare(a[:], b[:]) })
}

// Public gives the half that kiosks hold of the key with an id as KeyID.String writes it; nil: there is none.
func (r *Keyring) Public(id string) *PublicKey {
	for _, known := range r.IDs() {
		if known.String() == id {
			return r.find(known).Public()
		}
	}
	return nil
}
