// Package vault keeps the centre's own keys and applies them: personal data and
// face templates are encrypted at rest, and what must be found again by equality
// (a document number, an e-mail address, a person's data) is kept only as a
// keyed hash.
//
// What may live here: key files, authenticated encryption, keyed hashes. What
// may not: what the data means.
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
	"os"
	"path/filepath"

	"vestibule/sync/durable"
)

// KeySize is the length of both keys in bytes (AES-256, HMAC-SHA-256).
const KeySize = 32

// File names under the key directory.
const (
	dataFile = "data.key"
	hmacFile = "hmac.key"
)

// sealVersion leads every ciphertext, so that the algorithm can change later.
const sealVersion = 1

// ErrSealed is returned when a ciphertext does not open: another key, another
// context, or altered bytes.
var ErrSealed = errors.New("stored data does not open with this key")

// Vault applies the two keys. It is safe for concurrent use.
type Vault struct {
	aead   cipher.AEAD
	hmac   []byte
	random io.Reader
}

// New makes a vault from the two keys. A nil random means crypto/rand.
func New(dataKey, hmacKey []byte, random io.Reader) (*Vault, error) {
	if len(dataKey) != KeySize || len(hmacKey) != KeySize {
		return nil, fmt.Errorf("vault keys must have %d bytes, not %d and %d", KeySize, len(dataKey), len(hmacKey))
	}
	block, err := aes.NewCipher(dataKey)
	if err != nil {
		return nil, fmt.Errorf("prepare data key: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("prepare data key: %w", err)
	}
	if random == nil {
		random = rand.Reader
	}
	return &Vault{aead: aead, hmac: append([]byte(nil), hmacKey...), random: random}, nil
}

// Create writes two fresh keys into dir, readable by the owner only. It refuses to replace any.
func Create(dir string) error {
	for _, name := range []string{dataFile, hmacFile} {
		key := make([]byte, KeySize)
		if _, err := rand.Read(key); err != nil {
			return fmt.Errorf("make %s: %w", name, err)
		}
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return fmt.Errorf("create key file: %w", err)
		}
		_, err = f.WriteString(hex.EncodeToString(key) + "\n")
		if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
			return fmt.Errorf("write key file: %w", err)
		}
	}
	if err := durable.SyncFolder(dir); err != nil {
		return fmt.Errorf("write key file: %w", err)
	}
	return nil
}

// Load reads the keys that Create wrote. Key files that others may read are refused.
func Load(dir string) (*Vault, error) {
	keys := make([][]byte, 2)
	for i, name := range []string{dataFile, hmacFile} {
		path := filepath.Join(dir, name)
		info, err := os.Stat(path)
		if err != nil {
			return nil, fmt.Errorf("find key file: %w", err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			return nil, fmt.Errorf("key file %s may be read by others (mode %04o): chmod 600 it", path, info.Mode().Perm())
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read key file: %w", err)
		}
		key := make([]byte, KeySize)
		if len(text) < 2*KeySize {
			return nil, fmt.Errorf("key file %s is too short", path)
		}
		if _, err := hex.Decode(key, text[:2*KeySize]); err != nil {
			return nil, fmt.Errorf("key file %s is not hexadecimal", path)
		}
		keys[i] = key
	}
	return New(keys[0], keys[1], nil)
}

// Seal encrypts plain. The context (what it is, whose it is) must be given again to Open.
func (v *Vault) Seal(plain []byte, context string) ([]byte, error) {
	out := make([]byte, 1+v.aead.NonceSize(), 1+v.aead.NonceSize()+len(plain)+v.aead.Overhead())
	out[0] = sealVersion
	if _, err := io.ReadFull(v.random, out[1:]); err != nil {
		return nil, fmt.Errorf("draw nonce: %w", err)
	}
	return v.aead.Seal(out, out[1:1+v.aead.NonceSize()], plain, []byte(context)), nil
}

// Open decrypts what Seal made.
func (v *Vault) Open(sealed []byte, context string) ([]byte, error) {
	head := 1 + v.aead.NonceSize()
	if len(sealed) < head+v.aead.Overhead() || sealed[0] != sealVersion {
		return nil, ErrSealed
	}
	plain, err := v.aead.Open(nil, sealed[1:head], sealed[head:], []byte(context))
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
