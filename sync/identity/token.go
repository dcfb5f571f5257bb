package identity

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base32"
	"fmt"
	"io"
	"strings"

	"vestibule/sync/fault"
)

// Sizes of a token's parts, bytes. A token that guesses have to meet is worth 2⁸⁰ tries, and so is another authority
// with the same pin.
const (
	tokenSecret = 10
	tokenPin    = 10
	tokenCheck  = 2 // characters at its end that tell a slip of the finger
)

// crockford is base 32 without the letters that are taken for digits (Crockford 2002).
var crockford = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// Token lets one kiosk enrol once. Besides a secret that the centre knows by its hash it holds a
// pin of the centre's authority, so that the kiosk gives the secret to nobody else.
type Token struct {
	secret [tokenSecret]byte
	pin    [tokenPin]byte
}

// NewToken draws a token for the centre of an authority.
func NewToken(random io.Reader, authority *x509.Certificate) (Token, error) {
	t := Token{pin: pinOf(authority)}
	if _, err := io.ReadFull(random, t.secret[:]); err != nil {
		return Token{}, fmt.Errorf("draw a token: %w", err)
	}
	return t, nil
}

func pinOf(c *x509.Certificate) (pin [tokenPin]byte) {
	sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	copy(pin[:], sum[:])
	return pin
}

// String writes the token in groups of four letters and digits, to be typed.
func (t Token) String() string {
	text := crockford.EncodeToString(append(t.secret[:], t.pin[:]...))
	text += t.check()
	var b strings.Builder
	for i, c := range text {
		if i > 0 && i%4 == 0 {
			b.WriteByte('-')
		}
		b.WriteRune(c)
	}
	return b.String()
}

func (t Token) check() string {
	sum := sha256.Sum256(append(append([]byte("vestibule token"), t.secret[:]...), t.pin[:]...))
	return crockford.EncodeToString(sum[:2])[:tokenCheck]
}

// ParseToken reads a token as it was typed: small letters, blanks and dashes anywhere, O for 0, I and L for 1.
func ParseToken(typed string) (Token, error) {
	wrong := func() (Token, error) {
		return Token{}, fault.New("token_malformed", "this is no enrolment token", "type it as `server kiosk add` printed it: nine groups of letters and digits", nil)
	}
	if len(typed) > 200 {
		return wrong()
	}
	text := strings.Map(func(r rune) rune {
		switch {
		case r == ' ' || r == '-' || r == '\t' || r == '\n' || r == '\r':
			return -1
		case r == 'o' || r == 'O':
			return '0'
		case r == 'i' || r == 'I' || r == 'l' || r == 'L':
			return '1'
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		}
		return r
	}, typed)
	n := crockford.EncodedLen(tokenSecret + tokenPin)
	if len(text) != n+tokenCheck {
		return wrong()
	}
	b, err := crockford.DecodeString(text[:n])
	if err != nil || len(b) != tokenSecret+tokenPin {
		return wrong()
	}
	var t Token
	copy(t.secret[:], b)
	copy(t.pin[:], b[tokenSecret:])
	if subtle.ConstantTimeCompare([]byte(t.check()), []byte(text[n:])) != 1 {
		return wrong()
	}
	return t, nil
}

// Secret is what the kiosk gives to the centre.
func (t Token) Secret() []byte { return append([]byte(nil), t.secret[:]...) }

// Hash is how the centre remembers a secret.
func (t Token) Hash() string { return SecretHash(t.secret[:]) }

// SecretHash is the hash of a secret as a kiosk gave it.
func SecretHash(secret []byte) string {
	sum := sha256.Sum256(append([]byte("vestibule enrolment "), secret...))
	return fmt.Sprintf("%x", sum)
}

// Pins says whether a certificate is that of the authority which the token is for.
func (t Token) Pins(authority *x509.Certificate) bool {
	pin := pinOf(authority)
	return subtle.ConstantTimeCompare(pin[:], t.pin[:]) == 1
}
