package console

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/server/store"
)

// outbox is what left, and who sent what again.
type outbox struct {
	hooks    []store.Webhook
	sent     []store.Delivery
	mails    []store.Mail
	replayed []string
}

func (o *outbox) Webhooks(context.Context) ([]store.Webhook, error) { return o.hooks, nil }

func (o *outbox) Deliveries(context.Context, int) ([]store.Delivery, error) { return o.sent, nil }

func (o *outbox) DeliveriesIn(_ context.Context, state store.JobState, _ int) ([]store.Delivery, error) {
	var some []store.Delivery
	for _, d := range o.sent {
		if d.State == state {
			some = append(some, d)
		}
	}
	return some, nil
}

func (o *outbox) Mails(context.Context, int) ([]store.Mail, error) { return o.mails, nil }

func (o *outbox) MailsIn(_ context.Context, state store.JobState, _ int) ([]store.Mail, error) {
	var some []store.Mail
	for _, m := range o.mails {
		if m.State == state {
			some = append(some, m)
		}
	}
	return some, nil
}

func (o *outbox) Replay(_ context.Context, who string, kind OutKind, id string) error {
	if id == "none" {
		return store.ErrNotFound
	}
	o.replayed = append(o.replayed, who+" "+string(kind)+" "+id)
	return nil
}

func TestThePageOfDeliveriesShowsWhatWasGivenUpAndReviewersSendItAgain(t *testing.T) {
	out := &outbox{
		hooks: []store.Webhook{{ID: "hook", URL: "https://partner.example/hook/s3cr3t"}},
		sent: []store.Delivery{
			{ID: "d-dead", Webhook: "hook", Submission: "sub-1", Session: "0192f000-0000-7000-8000-00000000aaaa", Cause: "e", State: store.JobDead, Attempts: 8, Status: 503, Problem: "endpoint_refused", Created: noon},
			{ID: "d-open", Webhook: "hook", State: store.JobQueued, Attempts: 2, Due: noon.Add(95 * time.Minute), Problem: "endpoint_unreachable", Created: noon},
		},
		mails: []store.Mail{{ID: "m-dead", Kind: "decision", State: store.JobDead, Attempts: 1, Status: 550, Problem: "recipient_refused", Created: noon, Private: []byte("anna@people.example")}},
	}
	names := map[string]Visitor{"reviewer": {Name: "rita", Reviewer: true}, "viewer": {Name: "vera"}, "partner": {}}
	c, err := New(Config{
		Visits: newMemory(), Store: &shelf{}, Clock: func() time.Time { return noon }, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Out: out,
		Admits: func(_ context.Context, key string) (Visitor, bool, error) { v, ok := names[key]; return v, ok, nil },
		Active: func(context.Context, Visitor) (bool, error) { return true, nil },
	})
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/console/", http.StripPrefix("/console", c.Handler()))
	ask := func(method, path, who string, site string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "/console"+path, nil)
		r.AddCookie(c.admit(t, names[who]))
		r.Header.Set("Sec-Fetch-Site", site)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		return w
	}
	w := ask(http.MethodGet, "/deliveries", "reviewer", "same-origin")
	require.Equal(t, http.StatusOK, w.Code)
	page := w.Body.String()
	for _, want := range []string{"partner.example", "endpoint_refused", "503", "recipient_refused", "550", "given up", "endpoint_unreachable", "13:35:00", "/console/deliveries/mail/m-dead/replay"} {
		require.Contains(t, page, want)
	}
	require.NotContains(t, page, "s3cr3t", "a path may hold a secret")
	require.NotContains(t, page, "anna")
	require.NotContains(t, page, "d-open/replay", "it is on its way")
	require.Equal(t, 2, strings.Count(page, "d-dead/replay"), "among what was given up, and among the newest")
	require.NotContains(t, ask(http.MethodGet, "/deliveries", "viewer", "same-origin").Body.String(), "/replay")

	require.Equal(t, http.StatusForbidden, ask(http.MethodPost, "/deliveries/mail/m-dead/replay", "viewer", "same-origin").Code)
	require.Equal(t, http.StatusForbidden, ask(http.MethodPost, "/deliveries/mail/m-dead/replay", "partner", "same-origin").Code)
	require.Equal(t, http.StatusForbidden, ask(http.MethodPost, "/deliveries/mail/m-dead/replay", "reviewer", "cross-site").Code)
	require.Equal(t, http.StatusNotFound, ask(http.MethodPost, "/deliveries/parcel/m-dead/replay", "reviewer", "same-origin").Code)
	require.Equal(t, http.StatusNotFound, ask(http.MethodPost, "/deliveries/mail/none/replay", "reviewer", "same-origin").Code)
	require.Empty(t, out.replayed)
	require.Equal(t, http.StatusSeeOther, ask(http.MethodPost, "/deliveries/mail/m-dead/replay", "reviewer", "same-origin").Code)
	require.Equal(t, http.StatusSeeOther, ask(http.MethodPost, "/deliveries/webhook/d-dead/replay", "reviewer", "same-origin").Code)
	require.Equal(t, []string{"rita mail m-dead", "rita webhook d-dead"}, out.replayed)
}
