package identity_test

import (
	"bytes"
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vestibule/sync/fault"
	"vestibule/sync/identity"
)

func TestATokenIsReadAsItWasTyped(t *testing.T) {
	ca, err := identity.NewCA("one", time.Now())
	require.NoError(t, err)
	other, err := identity.NewCA("two", time.Now())
	require.NoError(t, err)
	rapid.Check(t, func(t *rapid.T) {
		token, err := identity.NewToken(bytes.NewReader(rapid.SliceOfN(rapid.Byte(), 10, 10).Draw(t, "secret")), ca.Cert)
		if err != nil {
			t.Fatal(err)
		}
		text := token.String()
		if len(strings.Split(text, "-")) != 9 {
			t.Fatal("not nine groups")
		}
		for _, typed := range []string{
			text, strings.ToLower(text), strings.ReplaceAll(text, "-", " "), strings.ReplaceAll(text, "-", ""), "  " + text + "\n",
			strings.ReplaceAll(text, "0", "O"), strings.ReplaceAll(text, "1", "l"), strings.ReplaceAll(text, "1", "I"),
		} {
			got, err := identity.ParseToken(typed)
			if err != nil || got.Hash() != token.Hash() || !got.Pins(ca.Cert) || got.Pins(other.Cert) {
				t.Fatalf("%v", err)
			}
		}
	})
}

func TestASlipOfTheFingerIsNoToken(t *testing.T) {
	ca, err := identity.NewCA("one", time.Now())
	require.NoError(t, err)
	token, err := identity.NewToken(rand.Reader, ca.Cert)
	require.NoError(t, err)
	text, wrong, tried := strings.ReplaceAll(token.String(), "-", ""), 0, 0
	for i := range text {
		for _, c := range "0123456789ABCDEFGHJKMNPQRSTVWXYZ" {
			if rune(text[i]) == c {
				continue
			}
			tried++
			if _, err := identity.ParseToken(text[:i] + string(c) + text[i+1:]); err == nil {
				wrong++
			}
		}
	}
	assert.Less(t, float64(wrong)/float64(tried), .01, "one slip in a thousand is missed: the check has ten bits")
	for _, typed := range []string{"", "A", text[1:], text + "0", strings.Repeat("0", 500), "ÄÖÜ", text[:33] + "U"} {
		_, err := identity.ParseToken(typed)
		assert.Equal(t, "token_malformed", fault.Code(err), "%q", typed)
	}
}

func FuzzParseToken(f *testing.F) {
	f.Add("0000-0000-0000-0000-0000-0000-0000-0000-00")
	f.Add("oO iI lL")
	f.Fuzz(func(t *testing.T, typed string) {
		token, err := identity.ParseToken(typed)
		if err != nil {
			return
		}
		again, err := identity.ParseToken(token.String())
		if err != nil || again.Hash() != token.Hash() {
			t.Fatal("does not read what it writes")
		}
	})
}
