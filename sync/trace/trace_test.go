package trace_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/sync/trace"
	"vestibule/sync/trace/tracetest"
)

func tracer(t *testing.T, url, service string, log io.Writer) *trace.Tracer {
	t.Helper()
	tr, err := trace.New(context.Background(), trace.Config{URL: url, Service: service, Name: "one", Release: "r", Now: time.Now, Log: slog.New(slog.NewTextHandler(log, nil))})
	require.NoError(t, err)
	return tr
}

func TestTwoProgramsThatNeverMeetMakeOneTree(t *testing.T) {
	c := tracetest.New()
	defer c.Close()
	kiosk, centre := tracer(t, c.URL, "kiosk", io.Discard), tracer(t, c.URL, "centre", io.Discard)
	at := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	kiosk.Record(trace.Span{Submission: "s", Name: "visit", Key: trace.Root, Started: at, Ended: at.Add(time.Minute)})
	centre.Record(trace.Span{Submission: "s", Name: "decision", Key: "event-1", Started: at, Ended: at.Add(time.Second), Attributes: map[string]string{"decision": "APPROVED", "reason": ""}})
	centre.Record(trace.Span{Submission: "s", Name: "webhook", Under: "event-1", Started: at.Add(time.Second), Ended: at, Failed: true})
	centre.Record(trace.Span{Name: "of nobody"})
	require.NoError(t, kiosk.Close(context.Background()))
	require.NoError(t, centre.Close(context.Background()))
	got := map[string]tracetest.Span{}
	for _, s := range c.Spans(trace.ID("s").String()) {
		got[s.Name] = s
	}
	require.Len(t, got, 3)
	require.Empty(t, got["visit"].Parent)
	require.Equal(t, "kiosk", got["visit"].Service)
	require.Equal(t, got["visit"].ID, got["decision"].Parent)
	require.Equal(t, got["decision"].ID, got["webhook"].Parent)
	require.True(t, got["webhook"].Failed)
	require.Equal(t, got["webhook"].Started, got["webhook"].Ended, "never before it began")
	require.Equal(t, map[string]string{"vestibule.submission": "s", "vestibule.decision": "APPROVED"}, got["decision"].Attributes)
	require.Equal(t, "00-"+got["decision"].Trace+"-"+got["decision"].ID+"-01", trace.Parent("s", "event-1"))
	require.NotEqual(t, trace.ID("s"), trace.ID("t"))
}

// TestADeadCollectorCostsNothing fills the queue many times over while the collector is
// not there, refuses, or takes the connection and never answers.
func TestADeadCollectorCostsNothing(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer silent.Close()
	refuses := httptest.NewServer(http.NotFoundHandler())
	defer refuses.Close()
	for name, url := range map[string]string{"not there": "http://127.0.0.1:1", "refuses": refuses.URL, "never answers": "http://" + silent.Addr().String()} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			tr := tracer(t, url, "kiosk", &log)
			done := make(chan struct{})
			go func() {
				defer close(done)
				for range 20_000 {
					tr.Record(trace.Span{Submission: "s", Name: "check", Started: time.Now(), Ended: time.Now()})
				}
			}()
			select {
			case <-done:
			case <-time.After(time.Minute):
				t.Fatal("whoever records waits for the collector")
			}
			ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
			defer cancel()
			_ = tr.Close(ctx) // returns, whatever the collector does
			require.LessOrEqual(t, bytes.Count(log.Bytes(), []byte("collector_away")), 1, "told once a minute")
		})
	}
}

func TestNoTracerRecordsNothing(t *testing.T) {
	var none *trace.Tracer
	none.Record(trace.Span{Submission: "s"})
	require.NoError(t, none.Close(context.Background()))
	for _, url := range []string{"", "127.0.0.1:4318", "ftp://h", "http://u:p@h", "http://"} {
		_, err := trace.New(context.Background(), trace.Config{URL: url})
		require.Error(t, err, url)
	}
}

func TestALineOfTheLogCarriesTheTraceOfItsSubmission(t *testing.T) {
	id := trace.ID("s").String()
	for name, c := range map[string]struct {
		write func(*slog.Logger)
		has   bool
	}{
		"by its attribute":       {func(l *slog.Logger) { l.Info("x", "submission", "s") }, true},
		"by an attribute before": {func(l *slog.Logger) { l.With("submission", "s").Info("x") }, true},
		"by its context":         {func(l *slog.Logger) { l.InfoContext(trace.With(context.Background(), "s"), "x") }, true},
		"of nothing":             {func(l *slog.Logger) { l.Info("x", "kiosk", "s") }, false},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			c.write(slog.New(trace.Logs(slog.NewTextHandler(&b, nil), nil)))
			require.Equal(t, c.has, bytes.Contains(b.Bytes(), []byte("trace_id="+id)), b.String())
		})
	}
	var b bytes.Buffer
	slog.New(trace.Logs(slog.NewTextHandler(&b, nil), func() string { return "s" })).Info("x")
	require.Contains(t, b.String(), "trace_id="+id, "the visit that is under way")
}
