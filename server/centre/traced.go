package centre

import (
	"context"
	"time"

	"vestibule/server/decide"
	"vestibule/server/ingest"
	"vestibule/server/review"
	"vestibule/server/store"
	"vestibule/sync/trace"
)

// traced gives the context of a job that is about a submission: lines of the log say which.
func traced(ctx context.Context, j store.Job) context.Context {
	switch j.Kind {
	case ingest.JobDecide, review.JobSettle, review.JobCheck:
		return trace.With(ctx, j.Subject)
	}
	return ctx
}

// trace tells the collector what a decision's time went into. The decision's own span is
// what the webhook and the way back to the kiosk hang on.
func (d *deciding) trace(ended time.Time) {
	t, id := d.c.Trace, d.row.ID
	if t == nil {
		return
	}
	key := d.told.Event
	began := d.began
	part := func(name string, checks ...string) {
		var whole interval
		for _, check := range checks {
			one, ran := d.ran[check]
			if !ran {
				continue
			}
			if whole.started.IsZero() || one.started.Before(whole.started) {
				whole.started = one.started
			}
			if one.ended.After(whole.ended) {
				whole.ended = one.ended
			}
		}
		if !whole.started.IsZero() {
			t.Record(trace.Span{Submission: id, Name: name, Under: key, Started: whole.started, Ended: whole.ended})
		}
	}
	if !d.queued.IsZero() && d.queued.Before(began) {
		t.Record(trace.Span{Submission: id, Name: "queue wait", Started: d.queued, Ended: began})
	}
	t.Record(trace.Span{
		Submission: id, Name: "decision", Key: key, Started: began, Ended: ended,
		Attributes: map[string]string{"decision": string(d.told.Decision), "reason": string(d.told.Reason), "policy": d.told.Policy},
	})
	part("re-check", decide.CheckEvidence, decide.CheckRecheck)
	part("duplicates", decide.CheckPII, decide.CheckSuperseded, decide.CheckSelfie, decide.CheckApproved)
	part("screening", decide.CheckAML)
	part("rules", decide.DecisionEvent)
}
