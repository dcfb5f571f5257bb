// Package vault keeps the centre's own keys and applies them: personal data and
// face templates are encrypted at rest, and what must be found again by equality
// (a document number, an e-mail address, a person's data) is kept only as a
// keyed hash.
//
// There may be several data keys. One encrypts; what the others encrypted opens as
// long as they are there. The hash key is one for ever: with another nobody would be
// found again.
//
// What may live here: key files, authenticated encryption, keyed hashes. What
// may not: what the data means, and where it lies (package reseal).
package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
)

// KeySize is the length of all keys in bytes (AES-256, HMAC-SHA-256).
const KeySize = 32

// The byte that leads every ciphertext.
const (
	sealFirst = 1 // then the nonce: encrypted with the first data key
	sealNamed = 2 // then the key's id and the nonce
)

// idSize is the length of a key's id in bytes.
const idSize = 8

// ErrSealed is returned when a ciphertext does not open: another key, another
// context, or altered bytes.
var ErrSealed = errors.New("stored data does not open with this key")

// KeyID names a data key: the first 8 bytes of the SHA-256 of a purpose and the key.
// It tells nothing of the key's 256 random bits.
type KeyID [idSize]byte

// String gives the id in hex.
func (id KeyID) String() string { return hex.EncodeToString(id[:]) }

func idOf(key []byte) KeyID {
	sum := sha256.Sum256(append([]byte("vestibule data key|"), key...))
	return KeyID(sum[:idSize])
}

// dataKeys are those that are known at one moment. They never change; others take their place.
type dataKeys struct {
	by      map[KeyID]cipher.AEAD
	order   []KeyID // the first one first, then by their files' names
	current KeyID
}

func (k *dataKeys) first() KeyID { return k.order[0] }

func newDataKeys(current KeyID, keys ...[]byte) (*dataKeys, error) {
	k := &dataKeys{by: map[KeyID]cipher.AEAD{}, current: current}
	for _, key := range keys {
		if len(key) != KeySize {
			return nil, fmt.Errorf("vault keys must have %d bytes, not %d", KeySize, len(key))
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, fmt.Errorf("prepare data key: %w", err)
		}
		aead, err := cipher.NewGCM(block)
		if err != nil {
			return nil, fmt.Errorf("prepare data key: %w", err)
		}
		id := idOf(key)
		if k.by[id] == nil {
			k.order = append(k.order, id)
		}
		k.by[id] = aead
	}
	if k.by[current] == nil {
		return nil, fmt.Errorf("the data key %s, which is to encrypt, is not there", current)
	}
	return k, nil
}

// Vault applies the keys. It is safe for concurrent use.
type Vault struct {
	dir    string // the files were read from; empty: there are none
	keys   atomic.Pointer[dataKeys]
	hmac   []byte
	random io.Reader
}

// New makes a vault from two keys. A nil random means crypto/rand.
func New(dataKey, hmacKey []byte, random io.Reader) (*Vault, error) {
	if len(hmacKey) != KeySize {
		return nil, fmt.Errorf("vault keys must have %d bytes, not %d", KeySize, len(hmacKey))
	}
	keys, err := newDataKeys(idOf(dataKey), dataKey)
	if err != nil {
		return nil, err
	}
	if random == nil {
		random = rand.Reader
	}
	v := &Vault{hmac: append([]byte(nil), hmacKey...), random: random}
	v.keys.Store(keys)
	return v, nil
}

// Current names the key that encrypts.
func (v *Vault) Current() KeyID { return v.keys.Load().current }

// Known names all keys that open: the first that this centre had is the first.
func (v *Vault) Known() []KeyID { return append([]KeyID(nil), v.keys.Load().order...) }

// KeyOf names the key that a ciphertext was made with. It returns ErrSealed when it is none.
func (v *Vault) KeyOf(sealed []byte) (KeyID, error) {
	switch {
	case len(sealed) > 0 && sealed[0] == sealFirst:
		return v.keys.Load().first(), nil
	case len(sealed) > idSize && sealed[0] == sealNamed:
		return KeyID(sealed[1 : 1+idSize]), nil
	}
	return KeyID{}, ErrSealed
}

// Lead gives the bytes that every ciphertext of a key begins with, and no other's does.
func (v *Vault) Lead(id KeyID) []byte {
	if id == v.keys.Load().first() {
		return []byte{sealFirst} // as before there were several
	}
	return append([]byte{sealNamed}, id[:]...)
}

// Seal encrypts plain. The context (what it is, whose it is) must be given again to Open.
func (v *Vault) Seal(plain []byte, context string) ([]byte, error) {
	keys := v.keys.Load()
	aead, lead := keys.by[keys.current], v.Lead(keys.current)
	head := len(lead) + aead.NonceSize()
	out := make([]byte, head, head+len(plain)+aead.Overhead())
	copy(out, lead)
	nonce := out[len(lead):]
	if _, err := io.ReadFull(v.random, nonce); err != nil {
		return nil, fmt.Errorf("draw nonce: %w", err)
	}
	return aead.Seal(out, nonce, plain, []byte(context)), nil
}

// Open decrypts what Seal made. A key that is not known is looked for among the files
// once more: another process may have begun to use it just now.
func (v *Vault) Open(sealed []byte, context string) ([]byte, error) {
	id, err := v.KeyOf(sealed)
	if err != nil {
		return nil, err
	}
	aead := v.keys.Load().by[id]
	if aead == nil {
		if v.Refresh() != nil {
			return nil, ErrSealed
		}
		if aead = v.keys.Load().by[id]; aead == nil {
			return nil, ErrSealed
		}
	}
	lead := len(v.Lead(id))
	head := lead + aead.NonceSize()
	if len(sealed) < head+aead.Overhead() {
		return nil, ErrSealed
	}
	plain, err := aead.Open(nil, sealed[lead:head], sealed[head:], []byte(context))
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

// Hash gives the keyed hash of a value for one purpose, in hex. Equal values of
// one purpose agree; nobody without the key can try values out. The empty value
// has no hash.
func (v *Vault) Hash(purpose, value string) string {
	if value == "" {
		return ""
	}
	mac := hmac.New(sha256.New, v.hmac)
	_, _ = io.WriteString(mac, purpose)
	_, _ = mac.Write([]byte{0})
	_, _ = io.WriteString(mac, value)
	return hex.EncodeToString(mac.Sum(nil))
}
