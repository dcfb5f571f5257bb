package identity

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"vestibule/sync/fault"
	"vestibule/sync/identity/tpm"
)

// Place is where a kiosk keeps its key.
type Place string

// The places.
const (
	PlaceFile Place = "file" // kiosk.key, for its owner alone
	PlaceTPM  Place = "tpm"  // the TPM; kiosk.key is the key wrapped by it
	PlaceAuto Place = "auto" // the TPM where one works, else the file
)

// Keys says where a key is made. The zero value is the file.
type Keys struct {
	Place  Place
	Device string // of the TPM; empty: tpm.Device
}

// ParsePlace reads a place's name.
func ParsePlace(s string) (Place, error) {
	switch p := Place(s); p {
	case PlaceFile, PlaceTPM, PlaceAuto:
		return p, nil
	}
	return "", fault.New("key_place", "there is no such place for a key", "use tpm, file or auto", nil)
}

// keyIn gives the key in dir, made now if there is none, and the device of the TPM that holds it; empty: none.
func keyIn(dir string, keys Keys) (key crypto.Signer, device string, err error) {
	path := filepath.Join(dir, fileKioskKey)
	if keys.Device == "" {
		keys.Device = tpm.Device
	}
	key, err = readSigner(path, keys.Device)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		key, err = makeKey(path, keys)
	case err == nil && keys.Place == PlaceTPM:
		if _, ok := key.(*ecdsa.PrivateKey); ok {
			err = fault.New("key_place", "this kiosk's key lies in a file already", "move kiosk.key away to have one made in the TPM, with a new token", nil)
		}
	}
	if err != nil {
		return nil, "", err
	}
	if k, ok := key.(*tpm.Key); ok {
		return key, k.Device(), k.Check()
	}
	return key, "", nil
}

// release lets a TPM forget a key until it is used again.
func release(key crypto.Signer) error {
	if k, ok := key.(*tpm.Key); ok {
		return k.Close()
	}
	return nil
}

func makeKey(path string, keys Keys) (crypto.Signer, error) {
	if keys.Place == PlaceTPM || keys.Place == PlaceAuto {
		key, text, err := tpm.Create(keys.Device)
		if err == nil {
			return key, writeNew(path, text)
		}
		if keys.Place == PlaceTPM {
			return nil, err
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	return key, writeKey(path, key)
}

// readSigner reads a kiosk's key, whichever place it is in.
func readSigner(path, device string) (crypto.Signer, error) {
	b, err := readFile(path, true)
	if err != nil {
		return nil, err
	}
	if block, _ := pem.Decode(b); block != nil && block.Type == tpm.PEM {
		if device == "" {
			device = tpm.Device
		}
		k, err := tpm.Parse(device, b)
		if err != nil {
			return nil, malformed(filepath.Base(path), err)
		}
		return k, nil
	}
	k, err := parseKey(b)
	if err != nil {
		return nil, malformed(filepath.Base(path), err)
	}
	return k, nil
}
