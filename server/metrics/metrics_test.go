package metrics_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/server/metrics"
	"vestibule/server/store"
	"vestibule/sync/link/linktest"
	"vestibule/sync/wire"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

type source struct {
	s   store.Standing
	err error
}

func (s *source) Standing(context.Context) (store.Standing, error) { return s.s, s.err }

func scrape(t *testing.T, m *metrics.Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	require.Equal(t, http.StatusOK, w.Code)
	return w.Body.String()
}

func TestTheFiguresSayWhatHappenedAndHowItStands(t *testing.T) {
	s := &source{s: store.Standing{
		Kiosks:     map[string]int{"online": 3, "offline": 1, "revoked": 0},
		Conditions: map[store.Wrong]int{{Code: "disk", Severity: 2}: 1, {Code: "x1", Severity: 3}: 1, {Code: "x2", Severity: 3}: 2},
		Jobs:       map[store.Queued]int{{Kind: "decide", State: "queued"}: 4}, OldestJob: noon.Add(-time.Minute),
		Deliveries: map[string]int{"dead": 2}, Mail: map[string]int{"queued": 3}, Quarantined: 5, Reviews: 6, OldestDue: noon.Add(time.Hour),
		Lists: map[string]time.Time{"un_sc": noon.Add(-24 * time.Hour)}, Audited: 12, Bytes: 4096,
	}}
	m := metrics.New(s, "1.0", func() time.Time { return noon }, slog.New(slog.NewTextHandler(io.Discard, nil)))
	m.Rejected("forged")
	m.Refused("handshake")
	m.Decided(journey.Approved, "", false, 300*time.Millisecond)
	m.Decided(journey.Rejected, journey.ReasonDuplicateUser, true, 0)
	inbox := m.Inbox(linktest.NewInbox())
	_, err := inbox.Accept(t.Context(), wire.Up{Kiosk: "k", Epoch: "e", Records: make([]wire.Record, 7), Head: make([]byte, wire.HashSize)})
	require.NoError(t, err)
	body := scrape(t, m)
	for _, want := range []string{
		`vestibule_kiosks{state="online"} 3`, `vestibule_kiosk_conditions{code="disk",severity="2"} 1`, `vestibule_kiosk_conditions{code="other",severity="3"} 3`,
		`vestibule_jobs{kind="decide",state="queued"} 4`, `vestibule_oldest_job_seconds 60`, `vestibule_webhook_deliveries{state="dead"} 2`, `vestibule_mail_messages{state="queued"} 3`,
		`vestibule_quarantined_records 5`, `vestibule_reviews 6`, `vestibule_review_overdue_seconds -3600`, `vestibule_list_age_seconds{list="un_sc"} 86400`,
		`vestibule_database_bytes 4096`, `vestibule_audit_lines 12`, `vestibule_database_told 1`, `vestibule_info{release="1.0"} 1`,
		`vestibule_frames_total{result="forged"} 1`, `vestibule_frames_total{result="accepted"} 1`, `vestibule_records_total 7`, `vestibule_commit_seconds_count 1`,
		`vestibule_broker_refusals_total{code="handshake"} 1`, `vestibule_decisions_total{by="rules",decision="APPROVED",reason=""} 1`,
		`vestibule_decisions_total{by="people",decision="REJECTED",reason="DUPLICATE_USER"} 1`, `vestibule_decision_seconds_count 1`,
	} {
		require.Contains(t, body, want)
	}
	require.NotContains(t, body, "x1", "a kiosk cannot make labels")
	problems, err := promlint.New(strings.NewReader(body)).Lint()
	require.NoError(t, err)
	require.Empty(t, problems)
}

func TestADatabaseThatIsAwayTakesNothingElseWithIt(t *testing.T) {
	m := metrics.New(&source{err: errors.New("away")}, "1.0", time.Now, slog.New(slog.NewTextHandler(io.Discard, nil)))
	m.Rejected("overload")
	body := scrape(t, m)
	require.Contains(t, body, "vestibule_database_told 0")
	require.Contains(t, body, `vestibule_frames_total{result="overload"} 1`)
	require.NotContains(t, body, "vestibule_reviews")
}
