package main

import (
	"context"
	"log/slog"
	"time"

	"vestibule/sync/fault"
	"vestibule/sync/link"
	"vestibule/sync/trace"
	"vestibule/sync/wire"
)

// traceLimit is how long spans that still wait may take to be sent at the end.
const traceLimit = 2 * time.Second

// startTrace makes the tracer that the settings ask for; nil: none.
func (s settings) startTrace(ctx context.Context, log *slog.Logger) (*trace.Tracer, error) {
	if s.otlp == "" {
		return nil, nil
	}
	name := s.client
	if name == "" {
		name = "centre"
	}
	t, err := trace.New(ctx, trace.Config{URL: s.otlp, Service: "vestibule-centre", Name: name, Release: release(), Log: log, Now: time.Now})
	if err != nil {
		return nil, fault.New("otlp_address", "traces cannot be sent there", "give -otlp http://HOST:4318", err)
	}
	return t, nil
}

// endTrace sends what waits, for a moment.
func (c *running) endTrace() {
	ctx, cancel := context.WithTimeout(context.Background(), traceLimit)
	defer cancel()
	_ = c.tracer.Close(ctx) // what the collector does not take is lost, and that is all
}

// tracedInbox tells the collector when submissions were taken in.
type tracedInbox struct {
	link.Inbox
	t *trace.Tracer
}

// Accept implements link.Inbox.
func (i tracedInbox) Accept(ctx context.Context, up wire.Up) (wire.Ack, error) {
	began := time.Now()
	ack, err := i.Inbox.Accept(ctx, up)
	if i.t == nil || err != nil {
		return ack, err
	}
	ended := time.Now()
	for _, r := range up.Records {
		if r.Kind == wire.KindSubmission {
			i.t.Record(trace.Span{Submission: r.ID, Name: "ingest", Started: began, Ended: ended, Attributes: map[string]string{"kiosk": up.Kiosk}})
		}
	}
	return ack, nil
}
