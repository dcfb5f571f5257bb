package enrol_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/server/enrol"
	"vestibule/server/store"
	"vestibule/sync/fault"
	"vestibule/sync/identity"
	"vestibule/sync/identity/tpm"
	"vestibule/sync/identity/tpm/tpmtest"
	"vestibule/sync/seal"
)

// centre is a centre that takes enrolments.
type centre struct {
	t       *testing.T
	ca      *identity.CA
	store   *store.Store
	address string
	now     time.Time
	mu      sync.Mutex
	seal    string // file of the key that kiosks are given
}

func (c *centre) clock() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func newCentre(t *testing.T) *centre {
	t.Helper()
	c := &centre{t: t, now: time.Now()}
	dir := t.TempDir()
	c.seal = filepath.Join(dir, "seal.pub")
	require.NoError(t, os.Chmod(dir, 0o700))
	var err error
	c.ca, err = identity.NewCA("test", c.now)
	require.NoError(t, err)
	cert, err := c.ca.IssueCentre([]string{"localhost"}, c.now)
	require.NoError(t, err)
	require.NoError(t, identity.SaveCentre(filepath.Join(dir, "identity"), c.ca, cert))
	own, err := identity.LoadCentre(filepath.Join(dir, "identity"))
	require.NoError(t, err)
	key, err := seal.GenerateKey()
	require.NoError(t, err)
	require.NoError(t, seal.WritePublicKey(filepath.Join(dir, "seal.pub"), key.Public()))
	c.store, err = store.Open(t.Context(), dir)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, c.store.Close()) })
	n := 0
	desk := &enrol.Desk{
		Store: c.store, CA: c.ca, Seal: func() ([]byte, error) { return identity.SealText(filepath.Join(dir, "seal.pub")) }, Now: c.clock, Log: slog.New(slog.DiscardHandler),
		NewID: func() string { n++; return fmt.Sprint("audit-", n) },
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &http.Server{Handler: desk.Handler(), TLSConfig: own.EnrolTLS(time.Now), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), ReadHeaderTimeout: time.Second}
	go func() { _ = s.ServeTLS(l, "", "") }()
	t.Cleanup(func() { _ = s.Close() })
	c.address = l.Addr().String()
	return c
}

func (c *centre) token(kiosk string) identity.Token {
	c.t.Helper()
	token, err := identity.NewToken(rand.Reader, c.ca.Cert)
	require.NoError(c.t, err)
	e := store.Enrolment{Hash: token.Hash(), Kiosk: kiosk, Country: "UTO", Project: "default", Broker: "localhost:8883", Created: c.now, Expires: c.now.Add(time.Hour)}
	require.NoError(c.t, c.store.Write(c.t.Context(), func(tx *store.Tx) error { return tx.AddEnrolment(c.t.Context(), e) }))
	return token
}

func (c *centre) enrol(dir string, token identity.Token) (*identity.Bundle, error) {
	return identity.Enrol(c.t.Context(), dir, c.address, token, identity.Keys{}, time.Now)
}

func TestAKioskEnrolsOnceWithAKeyOfItsOwn(t *testing.T) {
	c := newCentre(t)
	token, dir := c.token("hall-1"), filepath.Join(t.TempDir(), "bundle")
	b, err := c.enrol(dir, token)
	require.NoError(t, err)
	assert.Equal(t, "hall-1", b.Name, "the name is the token's")
	assert.Equal(t, "localhost:8883", b.Broker)
	k, err := c.store.Read().Kiosk(t.Context(), "hall-1")
	require.NoError(t, err)
	assert.NotEmpty(t, k.PublicKey)
	info, err := os.Stat(filepath.Join(dir, "kiosk.key"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	_, err = c.enrol(filepath.Join(t.TempDir(), "clone"), token)
	assert.Equal(t, "token_used", fault.Code(err))
	_, err = c.enrol(dir, token)
	assert.Equal(t, "identity_exists", fault.Code(err))
}

func TestAnAnswerThatGotLostIsGivenAgainToTheSameKey(t *testing.T) {
	c := newCentre(t)
	token, dir := c.token("hall-1"), filepath.Join(t.TempDir(), "bundle")
	_, err := c.enrol(dir, token)
	require.NoError(t, err)
	for _, lost := range []string{"kiosk.json", "kiosk.pem"} { // power went before they were on disk
		require.NoError(t, os.Remove(filepath.Join(dir, lost)))
	}
	b, err := c.enrol(dir, token)
	require.NoError(t, err)
	assert.Equal(t, "hall-1", b.Name)
	require.NoError(t, c.store.Write(t.Context(), func(tx *store.Tx) error { return tx.RevokeKiosk(t.Context(), "hall-1", c.now) }))
	require.NoError(t, os.Remove(filepath.Join(dir, "kiosk.json")))
	_, err = c.enrol(dir, token)
	assert.Equal(t, "kiosk_revoked", fault.Code(err))
}

func TestWhyAKioskIsNotLetIn(t *testing.T) {
	c := newCentre(t)
	stranger := newCentre(t)
	expired, taken, voided := c.token("hall-2"), c.token("hall-3"), c.token("hall-4")
	newest := c.token("hall-4")
	require.NoError(t, c.store.Write(t.Context(), func(tx *store.Tx) error {
		return tx.AddKiosk(t.Context(), store.Kiosk{ID: "hall-3", Country: "UTO", Project: "default", PublicKey: []byte{1}, Certificate: "x", Enrolled: c.now})
	}))
	unknown, err := identity.NewToken(rand.Reader, c.ca.Cert)
	require.NoError(t, err)
	for name, one := range map[string]struct {
		token   identity.Token
		address string
		code    string
	}{
		"a token nobody made":                   {unknown, c.address, "token_unknown"},
		"a token of which a newer one was made": {voided, c.address, "token_unknown"},
		"a name that is taken":                  {taken, c.address, "kiosk_exists"},
		"another centre at this address":        {newest, stranger.address, "enrolment_other_centre"},
		"nobody at this address":                {newest, "127.0.0.1:1", "enrolment_unreachable"},
		"no address":                            {newest, "not an address", "enrolment_address"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "bundle")
			_, err := identity.Enrol(t.Context(), dir, one.address, one.token, identity.Keys{}, time.Now)
			assert.Equal(t, one.code, fault.Code(err), "%v", err)
			_, err = os.Stat(filepath.Join(dir, "kiosk.json"))
			assert.ErrorIs(t, err, os.ErrNotExist, "nothing that looks like an identity is left")
		})
	}
	t.Run("an expired token", func(t *testing.T) {
		c.mu.Lock()
		c.now = c.now.Add(2 * time.Hour)
		c.mu.Unlock()
		_, err := c.enrol(filepath.Join(t.TempDir(), "bundle"), expired)
		assert.Equal(t, "token_expired", fault.Code(err))
	})
	t.Run("a clock that is years off", func(t *testing.T) {
		_, err := identity.Enrol(t.Context(), filepath.Join(t.TempDir(), "bundle"), c.address, newest, identity.Keys{}, func() time.Time { return time.Now().AddDate(-5, 0, 0) })
		assert.Equal(t, "enrolment_clock", fault.Code(err), "%v", err)
	})
}

func TestOfManyKiosksWithOneTokenOneEnrols(t *testing.T) {
	c := newCentre(t)
	token := c.token("hall-1")
	var in, out sync.Map
	var all sync.WaitGroup
	for i := range 8 {
		dir := filepath.Join(t.TempDir(), fmt.Sprint(i))
		all.Go(func() {
			if _, err := c.enrol(dir, token); err == nil {
				in.Store(i, true)
			} else {
				out.Store(i, fault.Code(err))
			}
		})
	}
	all.Wait()
	n := 0
	in.Range(func(any, any) bool { n++; return true })
	assert.Equal(t, 1, n)
	out.Range(func(_, code any) bool { return assert.Equal(t, "token_used", code) })
}

func TestTheSecretIsGivenToNobodyElse(t *testing.T) {
	c := newCentre(t)
	heard := make(chan []byte, 1)
	thief := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var b bytes.Buffer
		_, _ = b.ReadFrom(r.Body)
		heard <- b.Bytes()
	}))
	defer thief.Close()
	_, err := identity.Enrol(t.Context(), filepath.Join(t.TempDir(), "bundle"), strings.TrimPrefix(thief.URL, "https://"), c.token("hall-1"), identity.Keys{}, time.Now)
	require.Error(t, err)
	select {
	case b := <-heard:
		assert.Fail(t, "the thief heard something", "%d bytes", len(b))
	default:
	}
}

// aged makes the kiosk's certificate older than it is: as if it had been issued some days ago.
func (c *centre) aged(dir string, b *identity.Bundle, days int) *identity.Bundle {
	c.t.Helper()
	old, err := c.ca.RenewKiosk(b.Cert(), time.Now().AddDate(0, 0, -days))
	require.NoError(c.t, err)
	path := filepath.Join(dir, "kiosk.pem")
	require.NoError(c.t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: old.Raw}), 0o600))
	b, err = identity.LoadBundle(dir)
	require.NoError(c.t, err)
	return b
}

func TestACertificateIsRenewedForTheSameKey(t *testing.T) {
	for name, days := range map[string]int{"past two thirds of its time": 70, "after its end, off line for long": 200} {
		t.Run(name, func(t *testing.T) {
			c := newCentre(t)
			dir := filepath.Join(t.TempDir(), "bundle")
			b, err := c.enrol(dir, c.token("hall-1"))
			require.NoError(t, err)
			_, due := b.Expires(time.Now())
			require.False(t, due, "a new one is not due")
			b = c.aged(dir, b, days)
			_, due = b.Expires(time.Now())
			require.True(t, due)
			before := b.Cert()
			link := b.TLS(time.Now)
			require.NoError(t, b.Renew(t.Context(), dir, time.Now))
			end, due := b.Expires(time.Now())
			assert.False(t, due)
			assert.Greater(t, time.Until(end), 80*24*time.Hour)
			assert.True(t, before.PublicKey.(*ecdsa.PublicKey).Equal(b.Cert().PublicKey), "frames signed with it stay good")
			shown, err := link.GetClientCertificate(nil)
			require.NoError(t, err)
			assert.Equal(t, b.Cert().Raw, shown.Certificate[0], "the next link shows the new one")
			again, err := identity.LoadBundle(dir)
			require.NoError(t, err)
			assert.Equal(t, b.Cert().Raw, again.Cert().Raw, "and so it does after a restart")
		})
	}
}

func TestTheSealKeyInUseComesWithTheRenewal(t *testing.T) {
	c := newCentre(t)
	dir := filepath.Join(t.TempDir(), "bundle")
	b, err := c.enrol(dir, c.token("hall-1"))
	require.NoError(t, err)
	before := b.Seal.ID()
	b = c.aged(dir, b, 70)
	require.NoError(t, b.Renew(t.Context(), dir, time.Now))
	same, err := identity.LoadBundle(dir)
	require.NoError(t, err)
	require.Equal(t, before, same.Seal.ID())

	key, err := seal.GenerateKey()
	require.NoError(t, err)
	require.NoError(t, seal.ReplacePublicKey(c.seal, key.Public()))
	require.NoError(t, b.Renew(t.Context(), dir, time.Now))
	after, err := identity.LoadBundle(dir)
	require.NoError(t, err)
	require.Equal(t, key.ID(), after.Seal.ID())
	require.Equal(t, before, b.Seal.ID(), "a running kiosk goes on with the one it began with")
	late, err := c.enrol(filepath.Join(t.TempDir(), "bundle"), c.token("hall-2"))
	require.NoError(t, err)
	require.Equal(t, key.ID(), late.Seal.ID())
}

func TestWhoseCertificateIsNotRenewed(t *testing.T) {
	enrolled := func(t *testing.T) (*centre, string, *identity.Bundle) {
		c := newCentre(t)
		dir := filepath.Join(t.TempDir(), "bundle")
		b, err := c.enrol(dir, c.token("hall-1"))
		require.NoError(t, err)
		return c, dir, b
	}
	t.Run("a revoked kiosk's", func(t *testing.T) {
		c, dir, b := enrolled(t)
		require.NoError(t, c.store.Write(t.Context(), func(tx *store.Tx) error { return tx.RevokeKiosk(t.Context(), "hall-1", c.now) }))
		before := b.Cert()
		assert.Equal(t, "kiosk_revoked", fault.Code(b.Renew(t.Context(), dir, time.Now)))
		assert.Equal(t, before, b.Cert())
	})
	t.Run("one that ended too long ago", func(t *testing.T) {
		c, dir, b := enrolled(t)
		assert.Equal(t, "renewal_late", fault.Code(c.aged(dir, b, 300).Renew(t.Context(), dir, time.Now)))
	})
	t.Run("one of a kiosk that was enrolled with another key", func(t *testing.T) {
		c, dir, b := enrolled(t)
		require.NoError(t, c.store.Write(t.Context(), func(tx *store.Tx) error {
			return tx.AddKiosk(t.Context(), store.Kiosk{ID: "hall-9", Country: "UTO", Project: "default", PublicKey: []byte{1}, Certificate: "x", Enrolled: c.now})
		}))
		stolen, err := c.ca.IssueKiosk("hall-9", time.Now())
		require.NoError(t, err)
		assert.Equal(t, "renewal_stranger", fault.Code(ask(c, stolen.Cert, stolen.Key)))
		_ = dir
		_ = b
	})
	t.Run("one of another authority", func(t *testing.T) {
		c, _, _ := enrolled(t)
		foreign, err := identity.NewCA("foreign", time.Now())
		require.NoError(t, err)
		own, err := foreign.IssueKiosk("hall-1", time.Now())
		require.NoError(t, err)
		assert.Equal(t, "renewal_stranger", fault.Code(ask(c, own.Cert, own.Key)))
	})
	t.Run("the centre's own", func(t *testing.T) {
		c, _, _ := enrolled(t)
		own, err := c.ca.IssueCentre([]string{"localhost"}, time.Now())
		require.NoError(t, err)
		assert.Equal(t, "renewal_stranger", fault.Code(ask(c, own.Cert, own.Key)))
	})
	t.Run("nobody's", func(t *testing.T) {
		c, _, _ := enrolled(t)
		assert.Equal(t, "renewal_stranger", fault.Code(ask(c, nil, nil)))
	})
	t.Run("of a bundle that does not know where", func(t *testing.T) {
		_, dir, b := enrolled(t)
		b.Enrol = ""
		assert.Equal(t, "renewal_nowhere", fault.Code(b.Renew(t.Context(), dir, time.Now)))
	})
}

// ask asks for a renewal with any certificate.
func ask(c *centre, cert *x509.Certificate, key *ecdsa.PrivateKey) error {
	config := &tls.Config{InsecureSkipVerify: true}
	if cert != nil {
		config.Certificates = []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: key}}
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: config}}
	r, err := client.Post("https://"+c.address+identity.RenewPath, "application/json", nil)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	var a identity.EnrolAnswer
	if err := json.NewDecoder(r.Body).Decode(&a); err != nil {
		return err
	}
	if len(a.Certificate) > 0 {
		return nil
	}
	return fault.New(a.Code, a.Message, a.Hint, nil)
}

func FuzzDesk(f *testing.F) {
	f.Add([]byte(`{"secret":"AAAA","request":"AAAA"}`))
	f.Add([]byte(`{`))
	f.Add([]byte(strings.Repeat("[", 40000)))
	dir := f.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		f.Fatal(err)
	}
	s, err := store.Open(context.Background(), dir)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = s.Close() })
	ca, err := identity.NewCA("fuzz", time.Now())
	if err != nil {
		f.Fatal(err)
	}
	desk := &enrol.Desk{Store: s, CA: ca, Seal: func() ([]byte, error) { return nil, nil }, Now: time.Now, NewID: func() string { return "x" }, Log: slog.New(slog.DiscardHandler)}
	f.Fuzz(func(t *testing.T, body []byte) {
		w := httptest.NewRecorder()
		desk.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodPost, identity.EnrolPath, bytes.NewReader(body)))
		var a identity.EnrolAnswer
		if w.Code == http.StatusOK || json.Unmarshal(w.Body.Bytes(), &a) != nil || a.Code == "" || a.Hint == "" {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	})
}

func TestAKeyInTheTPMEnrolsConnectsAndIsRenewed(t *testing.T) {
	c, dev := newCentre(t), tpmtest.New(t)
	dir, keys := filepath.Join(t.TempDir(), "bundle"), identity.Keys{Place: identity.PlaceAuto, Device: dev.Device}
	b, err := identity.Enrol(t.Context(), dir, c.address, c.token("hall-1"), keys, time.Now)
	require.NoError(t, err)
	assert.Equal(t, dev.Device, b.TPM)
	text, err := os.ReadFile(filepath.Join(dir, "kiosk.key"))
	require.NoError(t, err)
	assert.Contains(t, string(text), tpm.PEM, "no key in the clear lies on the disk")

	k, err := c.store.Read().Kiosk(t.Context(), "hall-1")
	require.NoError(t, err)
	public, err := x509.ParsePKIXPublicKey(k.PublicKey)
	require.NoError(t, err)
	sum := sha256.Sum256([]byte("a frame"))
	sig, err := b.Signer().Sign(rand.Reader, sum[:], crypto.SHA256)
	require.NoError(t, err)
	assert.True(t, ecdsa.VerifyASN1(public.(*ecdsa.PublicKey), sum[:], sig), "the centre knows the TPM's key")

	require.NoError(t, b.Close())
	b = c.aged(dir, b, 70)
	old := b.Cert()
	require.NoError(t, b.Renew(t.Context(), dir, time.Now), "the handshake of a renewal is signed in the TPM")
	assert.NotEqual(t, old.SerialNumber, b.Cert().SerialNumber)

	dev.Stop(t)
	_, err = identity.LoadBundle(dir)
	assert.Equal(t, "tpm_missing", fault.Code(err), "a TPM that is gone is told at the start")
	other := tpmtest.New(t)
	require.NoError(t, os.Symlink(other.Device, dev.Device))
	_, err = identity.LoadBundle(dir)
	assert.Equal(t, "tpm_other", fault.Code(err), "as is a disk in another machine")
}

func TestWhereAKioskKeepsItsKey(t *testing.T) {
	none := filepath.Join(t.TempDir(), "no-tpm")
	for name, want := range map[string]struct {
		place identity.Place
		code  string
	}{
		"auto without a TPM is the file": {identity.PlaceAuto, ""},
		"the file":                       {identity.PlaceFile, ""},
		"a TPM that is not there":        {identity.PlaceTPM, "tpm_missing"},
	} {
		t.Run(name, func(t *testing.T) {
			c, dir := newCentre(t), filepath.Join(t.TempDir(), "bundle")
			b, err := identity.Enrol(t.Context(), dir, c.address, c.token("hall-1"), identity.Keys{Place: want.place, Device: none}, time.Now)
			assert.Equal(t, want.code, fault.Code(err))
			if want.code == "" {
				require.NoError(t, err)
				assert.Empty(t, b.TPM)
			}
		})
	}
	c, dir := newCentre(t), filepath.Join(t.TempDir(), "bundle")
	dev := tpmtest.New(t)
	_, err := identity.Enrol(t.Context(), dir, "127.0.0.1:1", c.token("hall-1"), identity.Keys{}, time.Now)
	require.Error(t, err)
	_, err = identity.Enrol(t.Context(), dir, c.address, c.token("hall-1"), identity.Keys{Place: identity.PlaceTPM, Device: dev.Device}, time.Now)
	assert.Equal(t, "key_place", fault.Code(err), "a key that is there stays where it is")
}
