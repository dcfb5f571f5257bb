package notify_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/server/notify"
	"vestibule/server/store"
	"vestibule/server/store/storetest"
	"vestibule/server/vault"
)

var cluster storetest.Cluster

func TestMain(m *testing.M) { os.Exit(storetest.Main(m, &cluster)) }

var ctx = context.Background()

// world is a sender with a receiver that answers as the test says.
type world struct {
	t      *testing.T
	store  *store.Store
	vault  *vault.Vault
	now    time.Time
	ids    int
	sender *notify.Sender
	secret string
	got    []*http.Request
	bodies []string
	answer http.HandlerFunc
}

func newWorld(t *testing.T, s *store.Store, allow ...netip.Prefix) *world {
	w := &world{t: t, store: s, now: time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC), answer: func(http.ResponseWriter, *http.Request) {}}
	var err error
	w.vault, err = vault.New(bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32), strings.NewReader(strings.Repeat("0123456789abcdef", 1000)))
	require.NoError(t, err)
	receiver := httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.got, w.bodies = append(w.got, r), append(w.bodies, string(body))
		w.answer(rw, r)
	}))
	t.Cleanup(receiver.Close)
	roots := x509.NewCertPool()
	roots.AddCert(receiver.Certificate())
	w.sender = notify.New(notify.Config{
		Store: s, Vault: w.vault, Allow: allow, Roots: roots, Now: func() time.Time { return w.now }, NewID: w.id,
		Jitter: func() float64 { return 1 }, Rest: 300 * time.Millisecond, Log: slog.New(slog.DiscardHandler),
	})
	var sealed []byte
	w.secret, sealed = w.newSecret(3)
	w.write(func(tx *store.Tx) error {
		if err := tx.AddKiosk(ctx, store.Kiosk{ID: "hall", Country: "UTO", Project: "default", PublicKey: []byte{1}, Certificate: "c", Enrolled: w.now}); err != nil {
			return err
		}
		return tx.SaveWebhook(ctx, store.Webhook{ID: "hook", Project: "default", URL: receiver.URL, Secret: sealed, Created: w.now})
	})
	return w
}

func (w *world) id() string {
	w.ids++
	return fmt.Sprintf("0192f000-0000-7000-8000-%012d", w.ids)
}

func (w *world) newSecret(seed byte) (string, []byte) {
	secret, err := notify.NewSecret(bytes.NewReader(bytes.Repeat([]byte{seed}, 32)))
	require.NoError(w.t, err)
	sealed, err := w.vault.Seal([]byte(secret), notify.SecretContext("hook"))
	require.NoError(w.t, err)
	return secret, sealed
}

func (w *world) write(do func(tx *store.Tx) error) {
	w.t.Helper()
	require.NoError(w.t, w.store.Write(ctx, do))
}

func (w *world) decided(d journey.Decision) {
	w.t.Helper()
	w.write(func(tx *store.Tx) error {
		return notify.Decided(ctx, tx, w.id, "hall", "default", journey.Verdict{
			Submission: "sub", Session: "ses", Decision: d, Event: w.id(), At: w.now,
		})
	})
}

func (w *world) last() store.Delivery {
	w.t.Helper()
	list, err := w.store.Read().Deliveries(ctx, 1)
	require.NoError(w.t, err)
	require.Len(w.t, list, 1)
	return list[0]
}

// signed tells by the specification's own words whether a secret signed a request.
func signed(secret string, r *http.Request, body string) bool {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		return false
	}
	mac := hmac.New(sha256.New, key)
	_, _ = fmt.Fprintf(mac, "%s.%s.%s", r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp"), body)
	for _, one := range strings.Split(r.Header.Get("webhook-signature"), " ") {
		version, coded, _ := strings.Cut(one, ",")
		given, err := base64.StdEncoding.DecodeString(coded)
		if err == nil && version == "v1" && hmac.Equal(given, mac.Sum(nil)) {
			return true
		}
	}
	return false
}

var loopback = netip.MustParsePrefix("127.0.0.0/8")

func TestADecisionArrivesSignedAndTheJourneySaysSo(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, loopback)
		w.decided(journey.Approved)
		require.NoError(t, w.sender.Once(ctx))
		require.Len(t, w.got, 1)
		assert.True(t, signed(w.secret, w.got[0], w.bodies[0]))
		assert.False(t, signed(w.secret, w.got[0], w.bodies[0]+" "), "another body")
		assert.JSONEq(t, `{"type":"submission.decided","timestamp":"2026-11-25T09:00:00Z","data":{"submission_id":"sub","decision":"`+
			string(journey.Approved)+`","reason":"","commentCode":""}}`, w.bodies[0])
		assert.Equal(t, store.JobDone, w.last().State)
		events, err := s.Read().Events(ctx, "ses")
		require.NoError(t, err)
		require.Len(t, events, 1)
		assert.Equal(t, journey.EventKYCResultWebhookSent, events[0].Name)
		assert.Equal(t, journey.Pass, events[0].Result)
		assert.Equal(t, []string{w.last().Cause}, events[0].Causes)
		require.ErrorIs(t, w.sender.Once(ctx), store.ErrNotFound)
	})
}

func TestBothSecretsSignUntilTheOverlapEnds(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, loopback)
		fresh, sealed := w.newSecret(4)
		hook, err := s.Read().Webhook(ctx, "hook")
		require.NoError(t, err)
		hook.Previous, hook.Secret, hook.Overlap = hook.Secret, sealed, w.now.Add(time.Hour)
		w.write(func(tx *store.Tx) error { return tx.SaveWebhook(ctx, hook) })
		for i, old := range []bool{true, false} {
			w.decided(journey.Approved)
			require.NoError(t, w.sender.Once(ctx))
			assert.True(t, signed(fresh, w.got[i], w.bodies[i]))
			assert.Equal(t, old, signed(w.secret, w.got[i], w.bodies[i]))
			w.now = w.now.Add(time.Hour)
		}
	})
}

func TestAFailingEndpointIsTriedForADayThenGivenUpAndReplayedUnderTheSameID(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, loopback)
		w.answer = func(rw http.ResponseWriter, r *http.Request) { http.Redirect(rw, r, "/elsewhere", http.StatusFound) }
		began := w.now
		w.decided(journey.Rejected)
		w.decided(journey.Approved) // must not overtake
		for n := range len(notify.Schedule()) + 1 {
			require.NoError(t, w.sender.Once(ctx), n)
			assert.Equal(t, "/", w.got[len(w.got)-1].URL.Path, "a redirect is not followed")
			assert.Contains(t, w.bodies[n], string(journey.Rejected))
			if n < len(notify.Schedule()) {
				require.ErrorIs(t, w.sender.Once(ctx), store.ErrNotFound, "it waits")
				w.now = w.now.Add(notify.Schedule()[n] * 11 / 10)
			}
		}
		assert.InDelta(t, 24, w.now.Sub(began).Hours(), 3)
		dead, err := s.Read().DeadDeliveries(ctx)
		require.NoError(t, err)
		assert.Equal(t, 1, dead)
		events, err := s.Read().Events(ctx, "ses")
		require.NoError(t, err)
		require.Len(t, events, 1)
		assert.Equal(t, journey.Errored, events[0].Result)

		w.answer = func(http.ResponseWriter, *http.Request) {}
		require.NoError(t, w.sender.Once(ctx))
		assert.Contains(t, w.bodies[len(w.bodies)-1], string(journey.Approved), "the next is no longer held back")
		id := w.got[0].Header.Get("webhook-id")
		w.write(func(tx *store.Tx) error { return tx.ReplayDelivery(ctx, id, w.now) })
		require.NoError(t, w.sender.Once(ctx))
		assert.Equal(t, id, w.got[len(w.got)-1].Header.Get("webhook-id"))
		require.ErrorIs(t, s.Write(ctx, func(tx *store.Tx) error { return tx.ReplayDelivery(ctx, "none", w.now) }), store.ErrNotFound)
	})
}

func TestAStopWhileAnEndpointAnswersLosesNothing(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, loopback)
		stopped, stop := context.WithCancel(ctx)
		defer stop()
		w.answer = func(http.ResponseWriter, *http.Request) { stop() }
		w.decided(journey.Approved)
		require.NoError(t, w.sender.Once(stopped))
		assert.Equal(t, store.JobDone, w.last().State, "it was sent, and that is known")
		require.ErrorIs(t, w.sender.Once(ctx), store.ErrNotFound)
		assert.Len(t, w.got, 1)
	})
}

func TestAStopDoesNotWaitForASlowEndpointAndItIsAskedAgainAtOnce(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, loopback)
		stopped, stop := context.WithCancel(ctx)
		defer stop()
		slow := make(chan struct{})
		w.answer = func(http.ResponseWriter, *http.Request) {
			stop()
			<-slow
		}
		w.decided(journey.Approved)
		require.NoError(t, w.sender.Once(stopped))
		close(slow)
		assert.Equal(t, store.JobQueued, w.last().State)
		assert.Equal(t, notify.ProblemStopped, w.last().Problem)
		w.answer = func(http.ResponseWriter, *http.Request) {}
		require.NoError(t, w.sender.Once(ctx), "no lease stands in the way of the next process")
		require.Len(t, w.got, 2)
		assert.Equal(t, w.got[0].Header.Get("webhook-id"), w.got[1].Header.Get("webhook-id"))
		assert.Equal(t, store.JobDone, w.last().State)
	})
}

func TestAnEndlessAnswerIsCutOff(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, loopback)
		w.answer = func(rw http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := rw.Write(make([]byte, 1024)); err != nil {
					return
				}
			}
		}
		w.decided(journey.Approved)
		require.NoError(t, w.sender.Once(ctx))
		assert.Equal(t, store.JobDone, w.last().State)
	})
}

func TestAnAddressIsCheckedWhenItIsDialed(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s) // loopback is not allowed
		hook, err := s.Read().Webhook(ctx, "hook")
		require.NoError(t, err)
		url := strings.Replace(hook.URL, "127.0.0.1", "localhost", 1)
		require.NoError(t, notify.CheckURL(url, nil), "a name says nothing yet")
		w.write(func(tx *store.Tx) error {
			hook.ID, hook.URL = "named", url
			hook.Secret, err = w.vault.Seal([]byte(w.secret), notify.SecretContext("named"))
			if err != nil {
				return err
			}
			if err := tx.SaveWebhook(ctx, hook); err != nil {
				return err
			}
			return notify.Test(ctx, tx, w.id(), "named", w.now)
		})
		require.NoError(t, w.sender.Once(ctx))
		assert.Empty(t, w.got)
		assert.Equal(t, notify.ProblemAddress, w.last().Problem)
	})
}

func TestWhichURLsMayBeEndpoints(t *testing.T) {
	for url, good := range map[string]bool{
		"https://partner.example/hook": true, "https://8.8.8.8/": true, "http://127.0.0.1:9/": true,
		"http://partner.example/": false, "https://10.0.0.1/": false, "https://169.254.169.254/latest": false, "https://[::1]/": false,
		"https://[::ffff:10.0.0.1]/": false, "https://[fe80::1%25eth0]/": false, "https://[fd00::1]/": false, "https://[64:ff9b::a00:1]/": false,
		"https://100.64.0.1/": false, "https://0.0.0.0/": false, "https://224.0.0.1/": false, "https://user:word@partner.example/": false,
		"ftp://partner.example/": false, "": false, "https://": false, "http://8.8.8.8/": false,
	} {
		assert.Equal(t, good, notify.CheckURL(url, []netip.Prefix{loopback}) == nil, url)
	}
	assert.Error(t, notify.CheckURL("http://127.0.0.1:9/", nil), "loopback only where it is allowed")
}
