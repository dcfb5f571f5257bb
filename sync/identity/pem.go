package identity

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"vestibule/sync/durable"
	"vestibule/sync/fault"
)

const (
	pemCert     = "CERTIFICATE"
	pemKey      = "PRIVATE KEY" // PKCS #8
	maxFileSize = 64 << 10
)

func writeCert(path string, c *x509.Certificate) error {
	return writeNew(path, pem.EncodeToMemory(&pem.Block{Type: pemCert, Bytes: c.Raw}))
}

func writeKey(path string, k *ecdsa.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		return fmt.Errorf("write key: %w", err)
	}
	return writeNew(path, pem.EncodeToMemory(&pem.Block{Type: pemKey, Bytes: der}))
}

// writeNew writes a file of mode 0600 that must not exist yet. After a power cut it is there whole or not at all.
func writeNew(path string, b []byte) error {
	fresh, err := lay(path, b)
	if err != nil {
		return err
	}
	err = os.Link(fresh, path)
	if err != nil && !errors.Is(err, fs.ErrExist) { // a file system without links, such as a stick's
		if _, e := os.Lstat(path); errors.Is(e, fs.ErrNotExist) {
			err = os.Rename(fresh, path)
		} else {
			err = fs.ErrExist
		}
	}
	if e := os.Remove(fresh); err == nil && !errors.Is(e, fs.ErrNotExist) {
		err = e
	}
	if errors.Is(err, fs.ErrExist) {
		return fault.New("identity_exists", filepath.Base(path)+" is there already", "move the old directory away, or choose another", err)
	}
	if err != nil {
		return fmt.Errorf("write identity: %w", err)
	}
	return settle(path)
}

// replace writes a file of mode 0600 in the place of the one before, which stays until the new one is whole.
func replace(path string, b []byte) error {
	fresh, err := lay(path, b)
	if err != nil {
		return err
	}
	if err := os.Rename(fresh, path); err != nil {
		return fmt.Errorf("write identity: %w", errors.Join(err, os.Remove(fresh)))
	}
	return settle(path)
}

// lay writes a file beside the one that it will be.
func lay(path string, b []byte) (fresh string, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.new") // mode 0600
	if err != nil {
		return "", fmt.Errorf("write identity: %w", err)
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return "", fmt.Errorf("write identity: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return f.Name(), nil
}

// settle has the disk remember a file's name.
func settle(path string) error {
	if err := durable.SyncFolder(filepath.Dir(path)); err != nil {
		return fmt.Errorf("write identity: %w", err)
	}
	return nil
}

// readFile reads a small file; a secret one must not be readable by others.
func readFile(path string, secret bool) ([]byte, error) {
	name := filepath.Base(path)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New("identity_missing", name+" is missing", "enrol this kiosk again, or point to the right directory", err)
	}
	if err != nil {
		return nil, fault.New("identity_unreadable", name+" cannot be read", "check owner and mode of the file", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fault.New("identity_unreadable", name+" cannot be read", "check owner and mode of the file", err)
	}
	if secret && info.Mode().Perm()&0o077 != 0 {
		return nil, fault.New("identity_exposed", name+" is readable by others", "chmod 600 it, and enrol again if others may have read it", nil)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if err != nil {
		return nil, fault.New("identity_unreadable", name+" cannot be read", "check the disk", err)
	}
	if len(b) > maxFileSize {
		return nil, malformed(name, errors.New("too large"))
	}
	return b, nil
}

func readCert(path string) (*x509.Certificate, error) {
	b, err := readFile(path, false)
	if err != nil {
		return nil, err
	}
	c, err := parseCert(b)
	if err != nil {
		return nil, malformed(filepath.Base(path), err)
	}
	return c, nil
}

func parseCert(b []byte) (*x509.Certificate, error) {
	block, _ := pem.Decode(b)
	if block == nil || block.Type != pemCert {
		return nil, errors.New("no certificate in the file")
	}
	return x509.ParseCertificate(block.Bytes)
}

func readKey(path string) (*ecdsa.PrivateKey, error) {
	b, err := readFile(path, true)
	if err != nil {
		return nil, err
	}
	k, err := parseKey(b)
	if err != nil {
		return nil, malformed(filepath.Base(path), err)
	}
	return k, nil
}

func parseKey(b []byte) (*ecdsa.PrivateKey, error) {
	block, _ := pem.Decode(b)
	if block == nil || block.Type != pemKey {
		return nil, errors.New("no private key in the file")
	}
	k, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	ec, ok := k.(*ecdsa.PrivateKey)
	if !ok || ec.Curve != elliptic.P256() {
		return nil, errors.New("the key is not ECDSA P-256")
	}
	return ec, nil
}

func malformed(name string, err error) error {
	return fault.New("identity_malformed", name+" is damaged", "restore it from a backup, or enrol again", err)
}
