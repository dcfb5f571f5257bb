package main

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	qrcode "github.com/skip2/go-qrcode"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/agent"
	"vestibule/agent/setup"
	"vestibule/sync/identity"
	"vestibule/sync/seal"
)

// counter takes enrolments as the centre does: it speaks the protocol, and knows one token.
type counter struct {
	address string
	token   identity.Token
}

func openCounter(t *testing.T) *counter {
	t.Helper()
	dir, now := t.TempDir(), time.Now()
	ca, err := identity.NewCA("Test", now)
	require.NoError(t, err)
	cert, err := ca.IssueCentre(nil, now)
	require.NoError(t, err)
	require.NoError(t, identity.SaveCentre(filepath.Join(dir, "identity"), ca, cert))
	own, err := identity.LoadCentre(filepath.Join(dir, "identity"))
	require.NoError(t, err)
	key, err := seal.GenerateKey()
	require.NoError(t, err)
	require.NoError(t, seal.WritePublicKey(filepath.Join(dir, "seal.pub"), key.Public()))
	public, err := identity.SealText(filepath.Join(dir, "seal.pub"))
	require.NoError(t, err)
	c := &counter{}
	c.token, err = identity.NewToken(rand.Reader, ca.Cert)
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	c.address = l.Addr().String()
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+identity.EnrolPath, func(w http.ResponseWriter, r *http.Request) {
		var q identity.EnrolRequest
		_ = json.NewDecoder(http.MaxBytesReader(w, r.Body, identity.MaxEnrolment)).Decode(&q)
		cert, err := ca.SignKiosk("hall-1", q.Request, time.Now())
		if err != nil || identity.SecretHash(q.Secret) != c.token.Hash() {
			w.WriteHeader(http.StatusForbidden)
			_ = json.NewEncoder(w).Encode(identity.EnrolAnswer{Code: "token_unknown", Message: "no", Hint: "no"})
			return
		}
		_ = json.NewEncoder(w).Encode(identity.EnrolAnswer{
			Kiosk:       identity.KioskInfo{Name: "hall-1", SiteCountry: "UTO", Project: "default", Broker: "127.0.0.1:1"},
			Certificate: cert.Raw, Seal: public,
		})
	})
	s := &http.Server{Handler: mux, TLSConfig: own.EnrolTLS(time.Now), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = s.ServeTLS(l, "", "") }()
	t.Cleanup(func() { _ = s.Close() })
	return c
}

// shown is a picture of a code, as it lies before a kiosk's camera.
func shown(t *testing.T, text string) string {
	t.Helper()
	code, err := qrcode.New(text, qrcode.Medium)
	require.NoError(t, err)
	img := image.NewRGBA(image.Rect(0, 0, 1280, 720))
	draw.Draw(img, img.Rect, image.NewUniform(color.Gray{Y: 130}), image.Point{}, draw.Src)
	draw.Draw(img, image.Rect(440, 160, 840, 560), code.Image(400), image.Point{}, draw.Src)
	path := filepath.Join(t.TempDir(), "code.png")
	f, err := os.Create(path)
	require.NoError(t, err)
	require.NoError(t, png.Encode(f, img))
	require.NoError(t, f.Close())
	return path
}

func startNew(t *testing.T, bundle string, more ...string) *rig {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	return startProgram(t, 540, 960, func(door string) (args, env []string) {
		return append([]string{"run", "--data", data, "--bundle", bundle, "--window", "540x960", "--automation", door, "--models", networks(t), "--reduced-motion"}, more...), nil
	})
}

func (r *rig) typed(text string) {
	r.t.Helper()
	var a struct{ OK bool }
	r.ask(fmt.Sprintf(`{"do":"type","text":%q}`, text), &a)
	require.True(r.t, a.OK)
}

func (r *rig) starts() {
	r.t.Helper()
	require.Eventually(r.t, func() bool { s := r.state(); return s.Step == agent.StepAttract && s.Ready }, 120*time.Second, 50*time.Millisecond, "the kiosk does not start: %+v", r.state())
}

func TestANewKioskIsEnrolledByTheCodeBeforeItsCamera(t *testing.T) {
	c, bundle := openCounter(t), filepath.Join(t.TempDir(), "bundle")
	code := identity.Invitation{Address: c.address, Token: c.token}.String()
	r := startNew(t, bundle, "--camera-document", "replay:"+shown(t, code))
	r.starts()
	b, err := identity.LoadBundle(bundle)
	require.NoError(t, err)
	assert.Equal(t, "hall-1", b.Name)
	assert.Equal(t, c.address, b.Enrol)
	_, kept := identity.Kept(bundle)
	assert.False(t, kept)
}

func TestANewKioskIsEnrolledByTouchAndByKeyboard(t *testing.T) {
	c, bundle := openCounter(t), filepath.Join(t.TempDir(), "bundle")
	r := startNew(t, bundle, "--centre", c.address)
	require.Eventually(t, func() bool { return r.state().SetUp == setup.Asking }, 60*time.Second, 50*time.Millisecond)
	assert.Equal(t, stepSetUp, r.state().Step)
	r.keep("setup")
	r.click("setup-type")
	r.keep("setup-address")
	r.click("save") // the address was given with -centre
	wrong := strings.ToLower(strings.ReplaceAll(c.token.String(), "-", ""))
	r.click("key-" + wrong[:1])
	r.typed(wrong[1:30])
	r.click("save")
	require.Eventually(t, func() bool { return r.state().SetUp == setup.Asking }, 10*time.Second, 50*time.Millisecond, "a token that is too short is not sent")
	r.typed(wrong[30:])
	r.keep("setup-token")
	r.click("save")
	r.starts()
	b, err := identity.LoadBundle(bundle)
	require.NoError(t, err)
	assert.Equal(t, "hall-1", b.Name)
}

func TestARefusedTokenIsExplainedOnTheScreenAndForgotten(t *testing.T) {
	c, other, bundle := openCounter(t), openCounter(t), filepath.Join(t.TempDir(), "bundle")
	for _, i := range []struct {
		identity.Invitation
		code string
	}{
		{identity.Invitation{Address: c.address, Token: other.token}, "enrolment_other_centre"},
		{identity.Invitation{Address: "127.0.0.1:1", Token: c.token}, "enrolment_unreachable"},
	} {
		require.NoError(t, i.Keep(bundle)) // as if the power had been cut
		r := startNew(t, bundle)
		require.Eventually(t, func() bool { return r.state().Problem == i.code }, 60*time.Second, 50*time.Millisecond, i.code)
		r.keep("setup-" + i.code)
	}
	require.NoError(t, identity.Invitation{Address: c.address, Token: c.token}.Keep(bundle))
	startNew(t, bundle).starts()
}
