package agent

import (
	"time"

	"vestibule/journey"
	"vestibule/sync/trace"
)

// traced tells the collector what was just recorded: what of a visit took time. Checks
// and the sealing are told by their events, so trace and journal say the same.
func (o *owner) traced(events []*journey.Event) {
	submission := ""
	if o.v != nil {
		submission = o.v.Submission
	}
	o.visiting.Store(submission)
	if o.cfg.Trace == nil {
		return
	}
	for _, ev := range events {
		about := ev.Submission
		if o.v != nil && ev.Session == o.v.Session {
			about = submission // also of what came before it was created
		}
		s := trace.Span{Submission: about, Started: ev.Started, Ended: ev.Ended, Failed: ev.Result == journey.Fail || ev.Result == journey.Errored}
		switch {
		case ev.Provisional:
			s.Name = "check"
			s.Attributes = map[string]string{"event": string(ev.Name), "result": string(ev.Result), "code": ev.Code.Code}
		case ev.Name == journey.EventUploadImage:
			s.Name = "seal"
			s.Attributes = map[string]string{"kind": ev.Detail["kind"]}
		case ev.Name == journey.EventFinalPageView:
			s.Name = "result page"
		default:
			continue
		}
		o.cfg.Trace.Record(s)
	}
}

// tracedVisit tells of a visit that ends: all of it, and how long each capture took.
func (o *owner) tracedVisit(v *visit, ended time.Time) {
	for _, c := range v.Camera {
		o.cfg.Trace.Record(trace.Span{
			Submission: v.Submission, Name: "capture", Started: c.Started, Ended: c.Ended, Failed: c.Error != "",
			Attributes: map[string]string{"type": string(c.Type), "code": c.Error},
		})
	}
	o.cfg.Trace.Record(trace.Span{
		Submission: v.Submission, Name: "visit", Key: trace.Root, Started: v.Started, Ended: ended, Attributes: map[string]string{"kiosk": o.cfg.Kiosk, "session": v.Session},
	})
}

// tracedDelivery tells how long a picture waited for the centre to have it.
func (o *owner) tracedDelivery(ev *journey.Event) {
	o.cfg.Trace.Record(trace.Span{
		Submission: ev.Submission, Name: "outbox wait", Started: ev.Started, Ended: ev.Ended, Attributes: map[string]string{"kind": ev.Detail["kind"]},
	})
}

// tracedVerdict tells how long a decision was on its way, by the centre's clock and this one.
func (a *Agent) tracedVerdict(d journey.Verdict) {
	a.cfg.Trace.Record(trace.Span{Submission: d.Submission, Name: "downlink", Under: d.Event, Started: d.At, Ended: a.cfg.Now()})
}

// tracedResult tells that the person saw the decision.
func (o *owner) tracedResult(d journey.Verdict) {
	now := o.now()
	o.cfg.Trace.Record(trace.Span{Submission: d.Submission, Name: "result shown", Under: d.Event, Started: now, Ended: now, Attributes: map[string]string{"decision": string(d.Decision)}})
}

// visited is the submission of the visit under way, for the log; empty between visits.
func (a *Agent) visited() string {
	s, _ := a.visiting.Load().(string)
	return s
}
