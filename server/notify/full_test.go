package notify_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/server/notify"
	"vestibule/server/store"
)

// another adds an endpoint and gives a sender that trusts it.
func (w *world) another(id string, change func(*store.Webhook), answer http.HandlerFunc, tell notify.Answer) *notify.Sender {
	w.t.Helper()
	receiver := httptest.NewTLSServer(answer)
	w.t.Cleanup(receiver.Close)
	sealed, err := w.vault.Seal([]byte(w.secret), notify.SecretContext(id))
	require.NoError(w.t, err)
	hook := store.Webhook{ID: id, Project: "default", URL: receiver.URL, Secret: sealed, Created: w.now}
	if change != nil {
		change(&hook)
	}
	w.write(func(tx *store.Tx) error { return tx.SaveWebhook(ctx, hook) })
	roots := x509.NewCertPool()
	roots.AddCert(receiver.Certificate())
	return notify.New(notify.Config{
		Store: w.store, Vault: w.vault, Allow: []netip.Prefix{loopback}, Roots: roots, Now: func() time.Time { return w.now }, NewID: w.id,
		Jitter: func() float64 { return 1 }, Log: slog.New(slog.DiscardHandler), Answer: tell,
	})
}

// disable switches the world's own endpoint off.
func (w *world) disable() {
	w.t.Helper()
	hook, err := w.store.Read().Webhook(ctx, "hook")
	require.NoError(w.t, err)
	hook.Disabled = w.now
	w.write(func(tx *store.Tx) error { return tx.SaveWebhook(ctx, hook) })
}

func TestAFullPayloadIsTheAPIsAnswerAndIsNotKept(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, loopback)
		w.disable()
		var fails error
		var got map[string]any
		var signedWell bool
		sender := w.another("full", func(h *store.Webhook) { h.Payload, h.Scope = store.PayloadFull, "submissions:read" },
			func(_ http.ResponseWriter, r *http.Request) {
				var body json.RawMessage
				if json.NewDecoder(r.Body).Decode(&body) == nil {
					signedWell = signed(w.secret, r, string(body))
					got = nil
					_ = json.Unmarshal(body, &got)
				}
			},
			func(_ context.Context, h store.Webhook, submission string) (json.RawMessage, error) {
				return json.RawMessage(`{"submission_id":"` + submission + `","scope":"` + h.Scope + `","name":"Anna"}`), fails
			})
		fails = errors.New("the database is away")
		w.decided(journey.Approved)
		require.NoError(t, sender.Once(ctx))
		require.Equal(t, notify.ProblemAnswer, w.last().Problem)
		require.Equal(t, store.JobQueued, w.last().State)
		require.Nil(t, got)
		fails = nil
		w.now = w.now.Add(time.Hour)
		require.NoError(t, sender.Once(ctx))
		require.Equal(t, map[string]any{
			"type": "submission.decided", "timestamp": "2026-11-25T09:00:00Z",
			"data": map[string]any{"submission_id": "sub", "scope": "submissions:read", "name": "Anna"},
		}, got)
		require.True(t, signedWell, "what is sent is what is signed")
		require.NotContains(t, string(w.last().Body), "Anna")
		require.Equal(t, store.JobDone, w.last().State)

		w.write(func(tx *store.Tx) error { return notify.Test(ctx, tx, w.id(), "full", w.now) })
		require.NoError(t, sender.Once(ctx))
		require.Equal(t, "webhook.test", got["type"], "a test speaks of no submission")
	})
}

func TestASlowReceiverDoesNotHoldUpOthers(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, loopback)
		w.disable()
		const each = 20
		var fast, slow atomic.Int64
		release := make(chan struct{})
		w.another("slow", nil, func(http.ResponseWriter, *http.Request) { slow.Add(1); <-release }, nil)
		sender := w.another("fast", nil, func(http.ResponseWriter, *http.Request) { fast.Add(1) }, nil)
		for i := range each {
			w.write(func(tx *store.Tx) error {
				return notify.Decided(ctx, tx, w.id, "hall", "default", journey.Verdict{
					Submission: fmt.Sprintf("sub-%d", i), Session: fmt.Sprintf("ses-%d", i), Decision: journey.Approved, Event: w.id(), At: w.now,
				})
			})
		}
		running, stop := context.WithCancel(ctx)
		ended := make(chan struct{})
		go func() { _ = sender.Run(running); close(ended) }()
		require.Eventually(t, func() bool { return fast.Load() == each }, 10*time.Second, 10*time.Millisecond, "the slow one still holds all it got")
		require.LessOrEqual(t, slow.Load(), int64(4), "few at a time") // two copies may claim at the same moment
		require.Positive(t, slow.Load())
		close(release)
		require.Eventually(t, func() bool { return slow.Load() == each }, time.Minute, 10*time.Millisecond)
		stop()
		<-ended
	})
}

func TestAnEndpointIsSwitchedOffAndOnAgain(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, loopback)
		w.decided(journey.Approved)
		w.disable()
		require.NoError(t, w.sender.Once(ctx))
		require.Equal(t, notify.ProblemDisabled, w.last().Problem)
		require.Equal(t, store.JobDead, w.last().State)
		hook, err := s.Read().Webhook(ctx, "hook")
		require.NoError(t, err)
		hook.Disabled = time.Time{}
		w.write(func(tx *store.Tx) error { return tx.SaveWebhook(ctx, hook) })
		w.write(func(tx *store.Tx) error { return tx.ReplayDelivery(ctx, w.last().ID, w.now) })
		require.NoError(t, w.sender.Once(ctx))
		require.Len(t, w.got, 1)
	})
}
