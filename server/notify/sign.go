package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// secretPrefix starts every secret's text form.
const secretPrefix = "whsec_"

// NewSecret makes a secret of 32 random bytes; the specification asks for 24 to 64.
func NewSecret(random io.Reader) (string, error) {
	key := make([]byte, 32)
	if _, err := io.ReadFull(random, key); err != nil {
		return "", fmt.Errorf("make secret: %w", err)
	}
	return secretPrefix + base64.StdEncoding.EncodeToString(key), nil
}

// sign gives the value of webhook-signature: one v1 signature for each secret.
func sign(secrets []string, id string, at time.Time, body []byte) (string, error) {
	var all []string
	for _, s := range secrets {
		coded, ok := strings.CutPrefix(s, secretPrefix)
		if !ok {
			return "", errors.New("a secret without its prefix")
		}
		key, err := base64.StdEncoding.DecodeString(coded)
		if err != nil {
			return "", errors.New("a secret that is not base64")
		}
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "."))
		mac.Write(body)
		all = append(all, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return strings.Join(all, " "), nil
}
