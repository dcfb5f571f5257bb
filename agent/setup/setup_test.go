package setup_test

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/agent/setup"
	"vestibule/hardware/camera"
	"vestibule/models"
	"vestibule/sync/fault"
	"vestibule/sync/identity"
	"vestibule/sync/seal"
)

// centre certifies as the real one does, in this process, unless it is told what to answer.
type centre struct {
	ca   *identity.CA
	seal *seal.PublicKey

	mu      sync.Mutex
	answers []error // of the next tries
	tried   []identity.Invitation
}

func newCentre(t *testing.T, answers ...error) *centre {
	t.Helper()
	ca, err := identity.NewCA("Test", time.Now())
	require.NoError(t, err)
	key, err := seal.GenerateKey()
	require.NoError(t, err)
	return &centre{ca: ca, seal: key.Public(), answers: answers}
}

func (c *centre) invitation(t *testing.T) identity.Invitation {
	t.Helper()
	token, err := identity.NewToken(rand.Reader, c.ca.Cert)
	require.NoError(t, err)
	return identity.Invitation{Address: "centre.example.org:8443", Token: token}
}

func (c *centre) enrol(_ context.Context, dir string, i identity.Invitation) (*identity.Bundle, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tried = append(c.tried, i)
	if len(c.answers) > 0 {
		err := c.answers[0]
		c.answers = c.answers[1:]
		if err != nil {
			return nil, err
		}
	}
	if _, err := identity.WriteBundle(dir, c.ca, identity.KioskInfo{Name: "k1", SiteCountry: "UTO", Broker: "127.0.0.1:1"}, c.seal, time.Now()); err != nil {
		return nil, err
	}
	if err := identity.Forget(dir); err != nil {
		return nil, err
	}
	return identity.LoadBundle(dir)
}

func (c *centre) tries() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.tried)
}

// running is a set-up under way.
type running struct {
	*setup.Setup
	t    *testing.T
	done chan error
	stop context.CancelFunc
}

func start(t *testing.T, cfg setup.Config) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{Setup: setup.New(cfg), t: t, done: make(chan error, 1), stop: cancel}
	go func() {
		b, err := r.Run(ctx)
		if err == nil && b == nil {
			err = errors.New("no bundle and no error")
		}
		r.done <- err
	}()
	t.Cleanup(func() {
		cancel()
		select {
		case <-r.done:
		case <-time.After(10 * time.Second):
			t.Error("the set-up does not end")
		}
	})
	return r
}

func (r *running) until(what string, ok func(setup.State) bool) setup.State {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), 20*time.Second)
	defer cancel()
	for st := range r.Watch(ctx) {
		if ok(st) {
			return st
		}
	}
	r.t.Fatalf("never %s: %+v", what, r.State())
	return setup.State{}
}

func asking(code string) func(setup.State) bool {
	return func(s setup.State) bool { return s.Step == setup.Asking && s.Problem != nil && s.Problem.Code == code }
}

func done(s setup.State) bool { return s.Step == setup.Done }

func TestAKioskIsEnrolledWithWhatIsTyped(t *testing.T) {
	c, dir := newCentre(t), filepath.Join(t.TempDir(), "bundle")
	r := start(t, setup.Config{Dir: dir, Enrol: c.enrol})
	i := c.invitation(t)
	assert.Equal(t, "enrolment_address", r.Invite("nowhere", i.Token.String()).Code)
	assert.Equal(t, "token_malformed", r.Invite(i.Address, "0000").Code)
	assert.Zero(t, c.tries())
	assert.Nil(t, r.Invite("CENTRE.example.org:8443 ", i.Token.String()))
	assert.Equal(t, "k1", r.until("done", done).Kiosk)
	assert.Equal(t, []identity.Invitation{i}, c.tried)
	_, kept := identity.Kept(dir)
	assert.False(t, kept)
}

func TestWhatIsSpentIsForgottenAndWhatMayStillServeIsKept(t *testing.T) {
	for code, kept := range map[string]bool{
		"token_unknown": false, "token_expired": false, "token_used": false, "kiosk_revoked": false, "kiosk_exists": false,
		"enrolment_other_centre": true, "enrolment_strange": true,
	} {
		t.Run(code, func(t *testing.T) {
			c, dir := newCentre(t, fault.New(code, "no", "try", nil)), filepath.Join(t.TempDir(), "bundle")
			r := start(t, setup.Config{Dir: dir, Enrol: c.enrol})
			require.Nil(t, r.Invite(c.invitation(t).String(), ""))
			st := r.until("refused", asking(code))
			assert.Equal(t, kept, st.Kept)
			_, there := identity.Kept(dir)
			assert.Equal(t, kept, there)
			if kept {
				r.Again()
			} else {
				r.Again() // does nothing: there is nothing to try
				assert.Equal(t, setup.Asking, r.State().Step)
				require.Nil(t, r.Invite(c.invitation(t).String(), ""))
			}
			r.until("done", done)
		})
	}
}

func TestADeadLineIsTriedAgainByItselfOrAtOnce(t *testing.T) {
	away := fault.New("enrolment_unreachable", "no", "try", nil)
	c, dir := newCentre(t, away, away), filepath.Join(t.TempDir(), "bundle")
	r := start(t, setup.Config{Dir: dir, Enrol: c.enrol})
	require.Nil(t, r.Invite(c.invitation(t).String(), ""))
	waiting := func(s setup.State) bool { return s.Step == setup.Waiting }
	st := r.until("waiting", waiting)
	assert.Equal(t, "enrolment_unreachable", st.Problem.Code)
	assert.False(t, st.Again.IsZero())
	r.Ask()
	r.until("asking", func(s setup.State) bool { return s.Step == setup.Asking && s.Kept })
	r.Again()
	r.until("waiting again", waiting)
	r.Again()
	r.until("done", done)
	assert.Equal(t, 3, c.tries())
}

func TestAfterAPowerCutItGoesOnByItself(t *testing.T) {
	c, dir := newCentre(t, fault.New("enrolment_unreachable", "no", "try", nil)), filepath.Join(t.TempDir(), "bundle")
	i := c.invitation(t)
	r := start(t, setup.Config{Dir: dir, Enrol: c.enrol})
	require.Nil(t, r.Invite(i.Address, i.Token.String()))
	r.until("waiting", func(s setup.State) bool { return s.Step == setup.Waiting })
	r.stop()
	require.ErrorIs(t, <-r.done, context.Canceled)
	r.done <- nil // for the clean-up

	next := start(t, setup.Config{Dir: dir, Enrol: c.enrol})
	next.until("done", done)
	assert.Equal(t, []identity.Invitation{i, i}, c.tried)
}

func TestAKeptTokenThatIsDamagedIsAskedForAnew(t *testing.T) {
	c, dir := newCentre(t), t.TempDir()
	require.NoError(t, c.invitation(t).Keep(dir))
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	require.NoError(t, os.WriteFile(files[0], []byte("VESTIBULE:1:00"), 0o600))
	r := start(t, setup.Config{Dir: dir, Enrol: c.enrol})
	assert.Equal(t, setup.Asking, r.State().Step)
}

// tray is a camera before which codes are laid.
type tray struct {
	mu   sync.Mutex
	text string
	err  error
}

func (t *tray) lay(text string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text, t.err = text, err
}

func (t *tray) Name() string { return "tray" }

func (t *tray) Open(context.Context, camera.Mode) (camera.Stream, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err != nil {
		return nil, t.err
	}
	return t, nil
}

func (t *tray) Next(ctx context.Context) (camera.Frame, error) {
	select {
	case <-time.After(5 * time.Millisecond):
	case <-ctx.Done():
		return camera.Frame{}, ctx.Err()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return camera.Frame{Format: camera.MJPEG, Pix: []byte("a frame: " + t.text), At: time.Now()}, t.err
}

func (t *tray) Mode() camera.Mode { return camera.Mode{} }
func (t *tray) Close() error      { return nil }

// ReadQR reads what was laid.
func (t *tray) ReadQR(context.Context, models.Frame) ([]byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.text == "" {
		return nil, nil
	}
	return []byte(t.text), nil
}

func (t *tray) eyes(context.Context) (setup.Eyes, error) { return t, nil }

func TestACodeShownToTheCameraEnrols(t *testing.T) {
	c, dir := newCentre(t, fault.New("token_used", "no", "try", nil)), filepath.Join(t.TempDir(), "bundle")
	cam := &tray{}
	r := start(t, setup.Config{Dir: dir, Enrol: c.enrol, Camera: cam, Eyes: cam.eyes})
	r.until("scanning", func(s setup.State) bool { return s.Scanning })
	cam.lay("https://example.org", nil)
	r.until("another code", asking("invitation_malformed"))
	cam.lay(c.invitation(t).String(), nil)
	r.until("refused", asking("token_used"))
	time.Sleep(600 * time.Millisecond) // the code is still there, and not tried again
	assert.Equal(t, 1, c.tries())
	assert.Equal(t, setup.Asking, r.State().Step)
	cam.lay(c.invitation(t).String(), nil)
	r.until("done", done)
	assert.Equal(t, 2, c.tries())
}

func TestWithoutACameraOrEyesItIsTyped(t *testing.T) {
	for name, c := range map[string]struct {
		camera error
		eyes   error
		blind  string
	}{
		"no camera":   {camera.ErrMissing, nil, "camera_missing"},
		"no networks": {nil, models.ErrModel, "model_missing"},
		"no worker":   {nil, models.ErrWorker, "worker_lost"},
	} {
		t.Run(name, func(t *testing.T) {
			here, dir, cam := newCentre(t), filepath.Join(t.TempDir(), "bundle"), &tray{}
			cam.lay("", c.camera)
			r := start(t, setup.Config{Dir: dir, Enrol: here.enrol, Camera: cam, Eyes: func(context.Context) (setup.Eyes, error) { return cam, c.eyes }})
			r.until("blind", func(s setup.State) bool { return s.Blind == c.blind && !s.Scanning })
			require.Nil(t, r.Invite(here.invitation(t).String(), ""))
			r.until("done", done)
		})
	}
}
