package vault

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"vestibule/sync/durable"
)

// File names under the key directory.
const (
	dataFile    = "data.key" // the first one; later ones are data-ID.key
	hmacFile    = "hmac.key"
	currentFile = "data.current" // id of the data key that encrypts; without it the first does
	dataGlob    = "data-*.key"
)

// Create writes two fresh keys into dir, readable by the owner only. It refuses to replace any.
func Create(dir string) error {
	for _, name := range []string{dataFile, hmacFile} {
		key, err := fresh()
		if err != nil {
			return err
		}
		if err := writeKey(filepath.Join(dir, name), key); err != nil {
			return err
		}
	}
	return nil
}

// Add writes a fresh data key into dir and names it. It opens from now on, and encrypts
// nothing before Use.
func Add(dir string) (KeyID, error) {
	key, err := fresh()
	if err != nil {
		return KeyID{}, err
	}
	id := idOf(key)
	if err := writeKey(filepath.Join(dir, "data-"+id.String()+".key"), key); err != nil {
		return KeyID{}, err
	}
	return id, durable.SyncFolder(dir)
}

// Use makes a data key that lies in dir the one that encrypts: at once for who loads
// the keys, with the next Refresh for who has loaded them.
func Use(dir string, id KeyID) error {
	keys, err := readDataKeys(dir)
	if err != nil {
		return err
	}
	if keys.by[id] == nil {
		return fmt.Errorf("there is no data key %s: %w", id, fs.ErrNotExist)
	}
	path := filepath.Join(dir, currentFile)
	f, err := os.CreateTemp(dir, currentFile+".*") // mode 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", currentFile, err)
	}
	_, err = f.WriteString(id.String() + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path) // at once: a cut leaves the old one or the new one
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", currentFile, errors.Join(err, os.Remove(f.Name())))
	}
	if err := durable.SyncFolder(dir); err != nil {
		return fmt.Errorf("keep key files: %w", err)
	}
	return nil
}

// ParseKeyID reads what KeyID.String writes.
func ParseKeyID(text string) (KeyID, error) {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != idSize {
		return KeyID{}, fmt.Errorf("a key's id has %d hexadecimal digits", 2*idSize)
	}
	return KeyID(raw), nil
}

// Load reads the keys of a directory. Key files that others may read are refused.
func Load(dir string) (*Vault, error) {
	keys, err := readDataKeys(dir)
	if err != nil {
		return nil, err
	}
	hash, err := readKey(filepath.Join(dir, hmacFile))
	if err != nil {
		return nil, err
	}
	v := &Vault{dir: dir, hmac: hash, random: rand.Reader}
	v.keys.Store(keys)
	return v, nil
}

// Refresh takes up data keys that were added or put in use since they were read. On an
// error what was known stays.
func (v *Vault) Refresh() error {
	if v.dir == "" {
		return nil
	}
	keys, err := readDataKeys(v.dir)
	if err != nil {
		return fmt.Errorf("read data keys again: %w", err)
	}
	for _, id := range v.keys.Load().order {
		if keys.by[id] == nil {
			return fmt.Errorf("read data keys again: the file of data key %s is gone", id)
		}
	}
	v.keys.Store(keys)
	return nil
}

func readDataKeys(dir string) (*dataKeys, error) {
	key, err := readKey(filepath.Join(dir, dataFile))
	if err != nil {
		return nil, err
	}
	all := [][]byte{key}
	current := idOf(key)
	paths, err := filepath.Glob(filepath.Join(dir, dataGlob))
	if err != nil {
		return nil, fmt.Errorf("look for data keys: %w", err)
	}
	slices.Sort(paths)
	for _, path := range paths {
		key, err := readKey(path)
		if err != nil {
			return nil, err
		}
		if want := "data-" + idOf(key).String() + ".key"; filepath.Base(path) != want {
			return nil, fmt.Errorf("key file %s holds another key than its name says", path)
		}
		all = append(all, key)
	}
	text, err := os.ReadFile(filepath.Join(dir, currentFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", currentFile, err)
	default:
		if current, err = ParseKeyID(strings.TrimSpace(string(text))); err != nil {
			return nil, fmt.Errorf("read %s: %w", currentFile, err)
		}
	}
	return newDataKeys(current, all...)
}

func fresh() ([]byte, error) {
	key := make([]byte, KeySize)
	if _, err := rand.Read(key); err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	return key, nil
}

// writeKey puts a key into a new file, whole or not at all: others may look for keys meanwhile.
func writeKey(path string, key []byte) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("create key file: %w", errors.Join(err, fs.ErrExist))
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".key-*") // mode 0600
	if err != nil {
		return fmt.Errorf("create key file: %w", err)
	}
	_, err = f.WriteString(hex.EncodeToString(key) + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Link(f.Name(), path) // unlike renaming, this never replaces a key
	}
	if err = errors.Join(err, os.Remove(f.Name())); err == nil {
		err = durable.SyncFolder(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("write key file: %w", err)
	}
	return nil
}

func readKey(path string) ([]byte, error) {
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
	text = bytes.TrimSpace(text)
	if len(text) < 2*KeySize {
		return nil, fmt.Errorf("key file %s is too short", path)
	}
	key := make([]byte, KeySize)
	if _, err := hex.Decode(key, text[:2*KeySize]); err != nil {
		return nil, fmt.Errorf("key file %s is not hexadecimal", path)
	}
	return key, nil
}
