// Package seal encrypts what leaves a kiosk to the centre's public key (HPKE, RFC
// 9180; see Suite) and opens it at the centre. Who
// holds only the public key, a kiosk after the visit or a broker, reads nothing.
//
// What may live here: keys, key files, sealing, opening, and the names that bind
// a sealed thing to its place. What may not: what the sealed bytes mean.
package seal

import (
	"bytes"
	"crypto/hpke"
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

// Layout of sealed bytes: suite, key id, encapsulated key, ciphertext with tag.
const (
	idSize  = 8
	tagSize = 16
)

// KeyID names a key pair and its suite: the first 8 bytes of a SHA-256 over the suite, where it is not the first one,
// and the public key.
type KeyID [idSize]byte

// String gives the id in hex.
func (id KeyID) String() string { return hex.EncodeToString(id[:]) }

// PublicKey seals.
type PublicKey struct {
	key   hpke.PublicKey
	suite Suite
	id    KeyID
}

// PrivateKey opens.
type PrivateKey struct {
	key hpke.PrivateKey
	pub *PublicKey
}

func kdf() hpke.KDF   { return hpke.HKDFSHA256() }
func aead() hpke.AEAD { return hpke.AES256GCM() }

// GenerateKey makes a key pair of the suite X25519 from the system's randomness.
func GenerateKey() (*PrivateKey, error) { return X25519.Generate() }

// Generate makes a key pair from the system's randomness.
func (s Suite) Generate() (*PrivateKey, error) {
	k, err := s.kem().GenerateKey()
	if err != nil {
		return nil, fmt.Errorf("generate seal key: %w", err)
	}
	return s.newPrivate(k), nil
}

func (s Suite) newPrivate(k hpke.PrivateKey) *PrivateKey {
	return &PrivateKey{key: k, pub: s.newPublic(k.PublicKey())}
}

func (s Suite) newPublic(k hpke.PublicKey) *PublicKey {
	return &PublicKey{key: k, suite: s, id: s.id(k.Bytes())}
}

// Public gives the half that kiosks hold.
func (k *PrivateKey) Public() *PublicKey { return k.pub }

// ID names the pair.
func (k *PrivateKey) ID() KeyID { return k.pub.id }

// ID names the pair.
func (k *PublicKey) ID() KeyID { return k.id }

// Suite tells how it seals.
func (k *PublicKey) Suite() Suite { return k.suite }

// Bytes gives the public key: 32 bytes for X25519, 1216 for MLKEM768X25519.
func (k *PublicKey) Bytes() []byte { return k.key.Bytes() }

// ParsePublicKey takes the bytes of a public key of a suite.
func (s Suite) ParsePublicKey(b []byte) (*PublicKey, error) {
	if len(b) != s.publicSize() {
		return nil, fmt.Errorf("parse seal public key: %w: a key of %v has %d bytes, not %d", ErrFormat, s, s.publicSize(), len(b))
	}
	k, err := s.kem().NewPublicKey(b)
	if err != nil {
		return nil, fmt.Errorf("parse seal public key: %w", err)
	}
	return s.newPublic(k), nil
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
	out := make([]byte, 0, pub.suite.Overhead()+len(plain))
	out = append(out, byte(pub.suite))
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
	_, id, err := head(sealed)
	return id, err
}

func head(sealed []byte) (Suite, KeyID, error) {
	if len(sealed) == 0 {
		return 0, KeyID{}, ErrFormat
	}
	s := Suite(sealed[0])
	if s != X25519 && s != MLKEM768X25519 || len(sealed) < s.Overhead() {
		return 0, KeyID{}, ErrFormat
	}
	return s, KeyID(sealed[1 : 1+idSize]), nil
}

// Open decrypts. It returns ErrFormat, ErrUnknownKey or ErrAltered, and nothing of
// the plain bytes unless all of them are authentic.
func (r *Keyring) Open(sealed []byte, info, aad string) ([]byte, error) {
	suite, id, err := head(sealed)
	if err != nil {
		return nil, err
	}
	k := r.find(id)
	if k == nil {
		return nil, fmt.Errorf("%w: %s", ErrUnknownKey, id)
	}
	if k.pub.suite != suite {
		return nil, ErrAltered
	}
	rest, encSize := sealed[1+idSize:], suite.encSize()
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
