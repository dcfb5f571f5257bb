// Package trace tells an OpenTelemetry collector how long each part of a visit took, on
// the kiosk and at the centre, so that both meet in one trace.
//
// What may live here: ids, the sending, and the trace id in lines of the log. What may
// not: what is worth a span. Nothing of a person is ever in one: names and attributes are
// words of the program's own, ids and codes.
//
// A trace's id follows from the submission's id, and the ids of its root and of every
// span that others hang on follow from ids that both sides know anyway. So nothing is
// added to what kiosk and centre exchange, and a visit that came by courier a month later
// still makes one tree. A collector that is away costs spans and nothing else: they wait
// in a queue of bounded length, and what does not fit is dropped.
package trace

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	otel "go.opentelemetry.io/otel/trace"
)

// Bounds of the sending. Starting values, unmeasured.
const (
	queueMost  = 2048 // spans that wait; further ones are dropped
	batchMost  = 256
	batchEvery = time.Second
	sendLimit  = 5 * time.Second // of one batch
	tellEvery  = time.Minute     // between lines of the log about a collector that is away
)

// ID gives the id of a submission's trace.
func ID(submission string) otel.TraceID {
	sum := sha256.Sum256([]byte("vestibule trace\x00" + submission))
	return otel.TraceID(sum[:16])
}

// SpanID gives the id of the span that stands for something with an id of its own.
func SpanID(submission, key string) otel.SpanID {
	sum := sha256.Sum256([]byte("vestibule span\x00" + submission + "\x00" + key))
	return otel.SpanID(sum[:8])
}

// Root is the key of the span that all others of a trace lie below.
const Root = "visit"

// Parent gives the header traceparent (W3C Trace Context, version 00) for whoever is
// called in the course of a span.
func Parent(submission, key string) string {
	return "00-" + ID(submission).String() + "-" + SpanID(submission, key).String() + "-01"
}

// Span is one part of a visit that has ended.
type Span struct {
	Submission     string
	Name           string
	Key            string // what others hang on it by; empty: nothing hangs on it
	Under          string // key of the span it belongs to; empty: Root
	Started, Ended time.Time
	Failed         bool
	Attributes     map[string]string // ids and codes only
}

// Tracer sends spans. A nil Tracer sends nothing.
type Tracer struct {
	provider *sdk.TracerProvider
	tracer   otel.Tracer
}

// Config says where spans go, and from whom they come.
type Config struct {
	URL     string // of the collector: OTLP over HTTP, such as http://127.0.0.1:4318; without a path it is /v1/traces
	Service string
	Name    string // of this kiosk or copy
	Release string
	Log     *slog.Logger
	Now     func() time.Time
}

// New makes a Tracer. The collector need not be there.
func New(ctx context.Context, c Config) (*Tracer, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return nil, errors.New("the collector's address must be http://HOST:PORT or https://HOST:PORT") // it is not repeated
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/v1/traces"
	}
	out, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(u.String()), otlptracehttp.WithTimeout(sendLimit),
		otlptracehttp.WithRetry(otlptracehttp.RetryConfig{Enabled: false}))
	if err != nil {
		return nil, fmt.Errorf("make the sender of spans: %w", err)
	}
	provider := sdk.NewTracerProvider(
		sdk.WithBatcher(&quiet{SpanExporter: out, c: c}, sdk.WithMaxQueueSize(queueMost), sdk.WithMaxExportBatchSize(batchMost),
			sdk.WithBatchTimeout(batchEvery), sdk.WithExportTimeout(sendLimit)),
		sdk.WithSampler(sdk.AlwaysSample()), sdk.WithIDGenerator(ids{}),
		sdk.WithResource(resource.NewSchemaless(
			attribute.String("service.name", c.Service), attribute.String("service.instance.id", c.Name), attribute.String("service.version", c.Release))),
	)
	return &Tracer{provider, provider.Tracer("vestibule")}, nil
}

// Record sends a span that has ended. It never waits.
func (t *Tracer) Record(s Span) {
	if t == nil || s.Submission == "" {
		return
	}
	if s.Ended.Before(s.Started) {
		s.Started = s.Ended // a clock was set back, or the two ends were taken from two clocks
	}
	ctx := context.WithValue(context.Background(), idsKey{}, s)
	if s.Key != Root {
		under := s.Under
		if under == "" {
			under = Root
		}
		ctx = otel.ContextWithRemoteSpanContext(ctx, otel.NewSpanContext(otel.SpanContextConfig{
			TraceID: ID(s.Submission), SpanID: SpanID(s.Submission, under), TraceFlags: otel.FlagsSampled, Remote: true,
		}))
	}
	attributes := make([]attribute.KeyValue, 0, 1+len(s.Attributes))
	attributes = append(attributes, attribute.String("vestibule.submission", s.Submission))
	for name, v := range s.Attributes {
		if v != "" {
			attributes = append(attributes, attribute.String("vestibule."+name, v))
		}
	}
	_, span := t.tracer.Start(ctx, s.Name, otel.WithTimestamp(s.Started), otel.WithAttributes(attributes...))
	if s.Failed {
		span.SetStatus(codes.Error, "")
	}
	span.End(otel.WithTimestamp(s.Ended))
}

// Close sends what waits, as far as ctx allows, and ends.
func (t *Tracer) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}

type idsKey struct{}

// ids makes the ids that follow from what a span stands for.
type ids struct{}

// NewIDs implements sdk.IDGenerator.
func (g ids) NewIDs(ctx context.Context) (otel.TraceID, otel.SpanID) {
	s, _ := ctx.Value(idsKey{}).(Span)
	id := ID(s.Submission)
	return id, g.NewSpanID(ctx, id)
}

// NewSpanID implements sdk.IDGenerator. A span that nothing hangs on follows from its
// name and its time: told twice, it is still one.
func (ids) NewSpanID(ctx context.Context, _ otel.TraceID) otel.SpanID {
	s, _ := ctx.Value(idsKey{}).(Span)
	if s.Key == "" {
		return SpanID(s.Submission, fmt.Sprintf("%s\x00%d\x00%d\x00%v", s.Name, s.Started.UnixNano(), s.Ended.UnixNano(), s.Attributes))
	}
	return SpanID(s.Submission, s.Key)
}

// quiet keeps failures of the collector away from everybody but the log.
type quiet struct {
	sdk.SpanExporter
	c    Config
	mu   sync.Mutex
	told time.Time
}

// ExportSpans implements sdk.SpanExporter.
func (q *quiet) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	err := q.SpanExporter.ExportSpans(ctx, spans)
	if err == nil {
		return nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if now := q.c.Now(); now.Sub(q.told) >= tellEvery {
		q.told = now
		q.c.Log.WarnContext(ctx, "the collector of traces takes nothing; spans are dropped", "code", "collector_away", "spans", len(spans), "error", err)
	}
	return nil
}
