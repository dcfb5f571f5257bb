package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/server/kiosktest"
	"vestibule/sync/trace"
	"vestibule/sync/trace/tracetest"
)

// lines is a log that several goroutines write.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestTheCentresSpansHangOnTheKiosks runs a centre with a collector and a partner's
// endpoint: all spans of a visit lie below the root that its kiosk tells of, and the
// webhook carries the way to its own.
func TestTheCentresSpansHangOnTheKiosks(t *testing.T) {
	collector := tracetest.New()
	defer collector.Close()
	headers := make(chan http.Header, 10)
	partner := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { headers <- r.Header }))
	defer partner.Close()
	var log lines
	c := startCentre(t, "", &log, func(s *settings) {
		s.otlp, s.allow = collector.URL, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	run(t, "webhook", "add", "-data", c.data, "-url", partner.URL, "-webhook-allow", "127.0.0.0/8")
	k := c.kiosk("hall-1")
	anna := kiosktest.Anna("hall-1", "s-anna", time.Now())
	k.visit("s-anna", anna)
	require.Equal(t, journey.Approved, k.verdict("s-anna").Decision)
	called := <-headers
	id := trace.ID(anna.ID).String()
	require.True(t, strings.HasPrefix(called.Get("traceparent"), "00-"+id+"-"), called.Get("traceparent"))

	var spans map[string]tracetest.Span
	require.Eventually(t, func() bool {
		spans = map[string]tracetest.Span{}
		for _, s := range collector.Spans(id) {
			spans[s.Name] = s
		}
		return len(spans) >= 5 && spans["webhook"].ID != ""
	}, time.Minute, 50*time.Millisecond)
	root := trace.SpanID(anna.ID, trace.Root).String()
	require.Equal(t, root, spans["ingest"].Parent)
	require.Equal(t, root, spans["decision"].Parent)
	require.Equal(t, "APPROVED", spans["decision"].Attributes["vestibule.decision"])
	for _, under := range []string{"duplicates", "rules", "webhook"} {
		require.Equal(t, spans["decision"].ID, spans[under].Parent, under)
	}
	require.Equal(t, "00-"+id+"-"+spans["webhook"].ID+"-01", called.Get("traceparent"))
	for _, s := range spans {
		require.Equal(t, "vestibule-centre", s.Service)
		for name, v := range s.Attributes {
			for _, secret := range []string{"ERIKSSON", "L898902C3", "1974", "127.0.0.1"} {
				require.NotContains(t, v, secret, name)
			}
		}
	}
	require.NotContains(t, log.String(), "collector_away")
	require.Regexp(t, `"msg":"job done".*"kind":"decide".*"trace_id":"`+id, log.String())
	require.Regexp(t, `"msg":"delivery attempted".*"trace_id":"`+id, log.String())
}
