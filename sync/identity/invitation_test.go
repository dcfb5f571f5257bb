package identity_test

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/sync/fault"
	"vestibule/sync/identity"
)

func newToken(t testing.TB) identity.Token {
	t.Helper()
	ca, err := identity.NewCA("one", time.Now())
	require.NoError(t, err)
	token, err := identity.NewToken(rand.Reader, ca.Cert)
	require.NoError(t, err)
	return token
}

func TestAnInvitationReadsWhatItWrote(t *testing.T) {
	token := newToken(t)
	for _, address := range []string{"centre.example.org:8443", "10.0.0.7:1", "[2001:db8::1]:65535", "a_b-c:8443", strings.Repeat("a.", 126) + "a:65535"} {
		i := identity.Invitation{Address: address, Token: token}
		text := i.String()
		assert.LessOrEqual(t, len(text), identity.MaxInvitation)
		assert.Equal(t, strings.ToUpper(text), text, "capitals take the fewest modules")
		for _, seen := range []string{text, strings.ToLower(text), " " + text + "\r\n"} {
			got, err := identity.ParseInvitation(seen)
			require.NoError(t, err, seen)
			assert.Equal(t, i, got)
		}
	}
}

func TestWhatIsNoInvitationIsToldWithACode(t *testing.T) {
	token := strings.ReplaceAll(newToken(t).String(), "-", "")
	for name, c := range map[string]struct{ text, code string }{
		"nothing":                     {"", "invitation_malformed"},
		"an address of the web":       {"https://example.org", "invitation_malformed"},
		"a receipt of a visit":        {"VESTIBULE:K7F4-92QD", "invitation_version"},
		"a later release's":           {"VESTIBULE:2:" + token + ":CENTRE:8443", "invitation_version"},
		"no address":                  {"VESTIBULE:1:" + token, "invitation_malformed"},
		"an address without a port":   {"VESTIBULE:1:" + token + ":CENTRE", "invitation_malformed"},
		"a port that is none":         {"VESTIBULE:1:" + token + ":CENTRE:99999", "invitation_malformed"},
		"a path behind the address":   {"VESTIBULE:1:" + token + ":CENTRE:8443/x", "invitation_malformed"},
		"a user before it":            {"VESTIBULE:1:" + token + ":X@CENTRE:8443", "invitation_malformed"},
		"a token with a slip":         {"VESTIBULE:1:" + token[1:] + "0:CENTRE:8443", "invitation_malformed"},
		"more than it can ever be":    {"VESTIBULE:1:" + token + ":" + strings.Repeat("A", 400) + ":1", "invitation_malformed"},
		"a label that begins wrongly": {"VESTIBULE:1:" + token + ":-CENTRE:8443", "invitation_malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := identity.ParseInvitation(c.text)
			assert.Equal(t, c.code, fault.Code(err))
		})
	}
}

func TestAnInvitationIsKeptForItsOwnerUntilItIsForgotten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "bundle")
	_, ok := identity.Kept(dir)
	assert.False(t, ok)
	first := identity.Invitation{Address: "a:1", Token: newToken(t)}
	second := identity.Invitation{Address: "b:2", Token: newToken(t)}
	require.NoError(t, first.Keep(dir))
	require.NoError(t, second.Keep(dir))
	got, ok := identity.Kept(dir)
	assert.True(t, ok)
	assert.Equal(t, second, got)
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, files, 1, "nothing lies about beside it")
	info, err := files[0].Info()
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	assert.False(t, identity.Enrolled(dir))
	require.NoError(t, identity.Forget(dir))
	require.NoError(t, identity.Forget(dir))
	_, ok = identity.Kept(dir)
	assert.False(t, ok)
}

func FuzzParseInvitation(f *testing.F) {
	f.Add("VESTIBULE:1:00000000000000000000000000000000XX:CENTRE.EXAMPLE.ORG:8443")
	f.Add("vestibule:1:::")
	f.Add(identity.Invitation{Address: "[::1]:1", Token: newToken(f)}.String())
	f.Fuzz(func(t *testing.T, text string) {
		i, err := identity.ParseInvitation(text)
		if err != nil {
			if fault.Code(err) == "" {
				t.Fatal("no code")
			}
			return
		}
		again, err := identity.ParseInvitation(i.String())
		if err != nil || again != i || len(i.String()) > identity.MaxInvitation {
			t.Fatal("does not read what it writes", err)
		}
	})
}
