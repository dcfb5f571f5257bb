package linktest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"time"

	"vestibule/sync/wire"
)

// Centre makes what a centre signs with, and what a kiosk knows it by.
func Centre() (wire.Centre, wire.CentreKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return wire.Centre{}, nil, err
	}
	name, err := key.PublicKey.Bytes() // in the place of a certificate
	if err != nil {
		return wire.Centre{}, nil, err
	}
	known := func(cert []byte, _ time.Time) (*ecdsa.PublicKey, error) {
		if !bytes.Equal(cert, name) {
			return nil, errors.New("linktest: another centre")
		}
		return &key.PublicKey, nil
	}
	return wire.Centre{Signer: key, Cert: name, Random: rand.Reader}, known, nil
}
