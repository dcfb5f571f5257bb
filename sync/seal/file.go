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
	return writeNew(path, &pem.Block{Type: k.pub.suite.pem(pemPrivate), Headers: map[string]string{"Key-Id": k.ID().String()}, Bytes: raw})
}

// WritePublicKey writes a public key to a new file of mode 0600. It never overwrites.
func WritePublicKey(path string, k *PublicKey) error {
	return writeNew(path, publicBlock(k))
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
	text, err := read(path, true)
	if err != nil {
		return nil, err
	}
	suite, raw, err := parsePEM(text, pemPrivate)
	if err != nil {
		return nil, err
	}
	k, err := suite.kem().NewPrivateKey(raw)
	if err != nil {
		return nil, fmt.Errorf("read seal key: %w", err)
	}
	return suite.newPrivate(k), nil
}

// ReadPublicKey reads a public key.
func ReadPublicKey(path string) (*PublicKey, error) {
	text, err := read(path, false)
	if err != nil {
		return nil, err
	}
	return ParsePublicFile(text)
}

// ParsePublicFile takes the text of a public key's file.
func ParsePublicFile(text []byte) (*PublicKey, error) {
	suite, raw, err := parsePEM(text, pemPublic)
	if err != nil {
		return nil, err
	}
	return suite.ParsePublicKey(raw)
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
	r := NewKeyring(keys...)
	r.dir = dir
	return r, nil
}

// keyFile names the file of a key that was added to a ring's directory.
func keyFile(id KeyID) string { return id.String() + ".key" }

// AddKey makes a key pair of a suite and adds it to a ring's directory. Rings that were read from
// there open with it at once.
func AddKey(dir string, s Suite) (*PrivateKey, error) {
	k, err := s.Generate()
	if err != nil {
		return nil, err
	}
	return k, WriteKey(filepath.Join(dir, keyFile(k.ID())), k)
}

// RemoveKey takes a key out of a ring's directory. Rings that were read from there keep it as long as they are.
func RemoveKey(dir string, id KeyID) error {
	names, err := filepath.Glob(filepath.Join(dir, "*.key"))
	if err != nil {
		return fmt.Errorf("look for key files: %w", err)
	}
	for _, n := range names {
		k, err := ReadKey(n)
		if err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(n), err)
		}
		if k.ID() != id {
			continue
		}
		if err := os.Remove(n); err != nil {
			return fmt.Errorf("remove key file: %w", err)
		}
	}
	return nil
}

// PublicFile is what the file of a public key holds; ParsePublicFile takes it.
func PublicFile(k *PublicKey) ([]byte, error) {
	text := pem.EncodeToMemory(publicBlock(k))
	if text == nil {
		return nil, errors.New("encode public key")
	}
	return text, nil
}

func publicBlock(k *PublicKey) *pem.Block {
	return &pem.Block{Type: k.suite.pem(pemPublic), Headers: map[string]string{"Key-Id": k.ID().String()}, Bytes: k.Bytes()}
}

// ReplacePublicKey puts a public key in the place of the one in a file: whoever reads
// it meanwhile gets one or the other.
func ReplacePublicKey(path string, k *PublicKey) error {
	fresh := path + ".new"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) { // of a try that was cut off
		return fmt.Errorf("replace key file: %w", err)
	}
	if err := WritePublicKey(fresh, k); err != nil {
		return err
	}
	if err := os.Rename(fresh, path); err != nil {
		return fmt.Errorf("replace key file: %w", err)
	}
	if err := durable.SyncFolder(filepath.Dir(path)); err != nil {
		return fmt.Errorf("replace key file: %w", err)
	}
	return nil
}

func read(path string, secret bool) ([]byte, error) {
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
	return text, nil
}

func parsePEM(text []byte, kind string) (Suite, []byte, error) {
	if len(text) > maxKeyFile {
		return 0, nil, fmt.Errorf("%w: key file too large", ErrFormat)
	}
	if block, _ := pem.Decode(text); block != nil {
		for _, s := range Suites() {
			if block.Type == s.pem(kind) {
				return s, block.Bytes, nil
			}
		}
	}
	return 0, nil, fmt.Errorf("%w: no %q in the file", ErrFormat, kind)
}
