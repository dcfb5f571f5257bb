package seal

import (
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"vestibule/sync/durable"
)

// PEM types of the key files.
const (
	pemPrivate = "VESTIBULE SEAL PRIVATE KEY"
	pemPublic  = "VESTIBULE SEAL PUBLIC KEY"
	maxKeyFile = 4 << 10
)

// ErrExposed is returned for a private key file that others than its owner may read.
var ErrExposed = errors.New("private key file is readable by others: chmod 600 it, and replace the key if others may have read it")

// WriteKey writes a private key to a new file of mode 0600. It never overwrites.
func WriteKey(path string, k *PrivateKey) error {
	raw, err := k.key.Bytes()
	if err != nil {
		return fmt.Errorf("write seal key: %w", err)
	}
	return writeNew(path, &pem.Block{Type: pemPrivate, Headers: map[string]string{"Key-Id": k.ID().String()}, Bytes: raw})
}

// WritePublicKey writes a public key to a new file of mode 0600. It never overwrites.
func WritePublicKey(path string, k *PublicKey) error {
	return writeNew(path, &pem.Block{Type: pemPublic, Headers: map[string]string{"Key-Id": k.ID().String()}, Bytes: k.Bytes()})
}

func writeNew(path string, b *pem.Block) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write key file: %w", err)
	}
	err = pem.Encode(f, b)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = durable.SyncFolder(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("write key file: %w", errors.Join(err, os.Remove(path)))
	}
	return nil
}

// ReadKey reads a private key. A file that group or others may read is refused with ErrExposed.
func ReadKey(path string) (*PrivateKey, error) {
	raw, err := read(path, pemPrivate, true)
	if err != nil {
		return nil, err
	}
	k, err := kem().NewPrivateKey(raw)
	if err != nil {
		return nil, fmt.Errorf("read seal key: %w", err)
	}
	return newPrivate(k), nil
}

// ReadPublicKey reads a public key.
func ReadPublicKey(path string) (*PublicKey, error) {
	raw, err := read(path, pemPublic, false)
	if err != nil {
		return nil, err
	}
	return ParsePublicKey(raw)
}

// ReadKeyring reads every *.key file of a directory. A directory without any is an error.
func ReadKeyring(dir string) (*Keyring, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.key"))
	if err != nil {
		return nil, fmt.Errorf("read keyring: %w", err)
	}
	keys := make([]*PrivateKey, 0, len(names))
	for _, n := range names {
		k, err := ReadKey(n)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Base(n), err)
		}
		keys = append(keys, k)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("read keyring: no *.key file: %w", fs.ErrNotExist)
	}
	return NewKeyring(keys...), nil
}

func read(path, kind string, secret bool) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read key file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read key file: %w", err)
	}
	if secret && info.Mode().Perm()&0o077 != 0 {
		return nil, ErrExposed
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err != nil {
		return nil, fmt.Errorf("read key file: %w", err)
	}
	return parsePEM(text, kind)
}

func parsePEM(text []byte, kind string) ([]byte, error) {
	if len(text) > maxKeyFile {
		return nil, fmt.Errorf("%w: key file too large", ErrFormat)
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != kind {
		return nil, fmt.Errorf("%w: no %q in the file", ErrFormat, kind)
	}
	return block.Bytes, nil
}
