package api

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"

	"github.com/go-jose/go-jose/v4"
)

// encryptedAnswer is what the contract wraps an encrypted answer in.
type encryptedAnswer struct {
	Encrypted bool   `json:"isEncrypted" required:"true"`
	Data      string `json:"data" required:"true" description:"JWE in compact form: the answer as JSON"`
}

// mediaJOSE is a picture that is encrypted to the partner.
const mediaJOSE = "application/jose"

// PublicKey reads a partner's public key, a JWK or PEM, and gives it as a JWK. It
// must be P-256, P-384 or P-521, or RSA with at least 2048 bits.
func PublicKey(text []byte) (string, error) {
	var key jose.JSONWebKey
	if block, _ := pem.Decode(text); block != nil {
		public, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return "", fmt.Errorf("read public key: %w", err)
		}
		key.Key = public
	} else if err := json.Unmarshal(text, &key); err != nil {
		return "", fmt.Errorf("read public key: %w", err)
	}
	if !key.IsPublic() {
		return "", errors.New("this is a private key: hand in the public one, and keep this to yourself")
	}
	if _, err := algorithm(key); err != nil {
		return "", err
	}
	b, err := json.Marshal(jose.JSONWebKey{Key: key.Key, KeyID: key.KeyID})
	return string(b), err
}

func algorithm(key jose.JSONWebKey) (jose.KeyAlgorithm, error) {
	switch k := key.Key.(type) {
	case *ecdsa.PublicKey:
		return jose.ECDH_ES_A256KW, nil
	case *rsa.PublicKey:
		if n := k.N.BitLen(); n >= 2048 && n <= 8192 {
			return jose.RSA_OAEP_256, nil
		}
	}
	return "", errors.New("the public key must be of P-256, P-384 or P-521, or RSA from 2048 to 8192 bits")
}

// encrypted wraps an answer for the partner's key alone.
func encrypted(body any, jwk string) (any, error) {
	picture, isFile := body.(file)
	plain, kind := picture.Bytes, picture.Media
	if !isFile {
		var err error
		if plain, err = json.Marshal(body); err != nil {
			return nil, fmt.Errorf("encode answer: %w", err)
		}
		kind = "application/json"
	}
	var key jose.JSONWebKey
	if err := json.Unmarshal([]byte(jwk), &key); err != nil {
		return nil, fmt.Errorf("read partner's key: %w", err)
	}
	alg, err := algorithm(key)
	if err != nil {
		return nil, err
	}
	e, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: alg, Key: key.Key, KeyID: key.KeyID}, (&jose.EncrypterOptions{}).WithContentType(jose.ContentType(kind)))
	if err != nil {
		return nil, fmt.Errorf("prepare encryption: %w", err)
	}
	sealed, err := e.Encrypt(plain)
	if err != nil {
		return nil, fmt.Errorf("encrypt answer: %w", err)
	}
	text, err := sealed.CompactSerialize()
	if err != nil {
		return nil, fmt.Errorf("encrypt answer: %w", err)
	}
	if isFile {
		return file{mediaJOSE, []byte(text)}, nil
	}
	return encryptedAnswer{true, text}, nil
}

// decrypt opens an encrypted request. Compression is refused: a small text could
// otherwise become a large one.
func decrypt(text string, key *ecdsa.PrivateKey) ([]byte, error) {
	parsed, err := jose.ParseEncryptedCompact(text, []jose.KeyAlgorithm{jose.ECDH_ES, jose.ECDH_ES_A256KW}, []jose.ContentEncryption{jose.A256GCM})
	if err != nil {
		return nil, fmt.Errorf("read encrypted request: %w", err)
	}
	if _, zipped := parsed.Header.ExtraHeaders["zip"]; zipped {
		return nil, errors.New("a compressed request")
	}
	plain, err := parsed.Decrypt(key)
	if err != nil {
		return nil, fmt.Errorf("open encrypted request: %w", err)
	}
	return bytes.TrimSpace(plain), nil
}

// jwks serves the key that requests are encrypted to.
func (s server) jwks(w http.ResponseWriter, r *http.Request) {
	key, err := s.Private.RequestKey()
	if err != nil {
		s.write(w, r, nil, err)
		return
	}
	if key.Curve != elliptic.P256() {
		s.write(w, r, nil, errors.New("the key for requests is not of P-256"))
		return
	}
	s.write(w, r, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{
		Key: &key.PublicKey, KeyID: "requests-1", Use: "enc", Algorithm: string(jose.ECDH_ES_A256KW),
	}}}, nil)
}
