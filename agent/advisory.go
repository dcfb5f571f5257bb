package agent

import (
	"context"
	"strconv"
	"time"

	"vestibule/agent/health"
	"vestibule/agent/store"
	"vestibule/journey"
	"vestibule/sync/same"
	"vestibule/sync/wire"
)

// adviceOld is how old a roll-out may be before the kiosk's staff are told. Starting value.
const adviceOld = 7 * 24 * time.Hour

// forgetEvery is how often own visits whose time is over are looked for.
const forgetEvery = time.Hour

// rollKeeper keeps the roll-out for the link, unless the policy wants none.
type rollKeeper struct{ a *Agent }

// Ask implements link.Roll.
func (r rollKeeper) Ask(ctx context.Context) (wire.PageAsk, bool, error) {
	if r.a.unadvised.Load() {
		return wire.PageAsk{}, false, nil
	}
	ask, err := r.a.store.AdvisoryAsk(ctx)
	return ask, err == nil, err
}

// Take implements link.Roll.
func (r rollKeeper) Take(ctx context.Context, p wire.Page) (bool, error) {
	if r.a.unadvised.Load() {
		return false, nil
	}
	return r.a.store.TakePage(ctx, p)
}

// useAdvice heeds whether the policy wants duplicates noted here. What it does not want is forgotten at once.
func (o *owner) useAdvice() {
	off := o.policy.Duplicates.Local == journey.LocalOff
	o.unadvised.Store(off)
	if !off {
		return
	}
	if err := o.store.Write(o.disk, func(tx *store.Tx) error { return tx.ForgetAdvisory() }); err != nil {
		o.cfg.Log.Warn("agent: what is known of earlier visits was not forgotten", "error", err)
	}
}

// forgetVisits forgets own visits once the policy's time is over.
func (o *owner) forgetVisits() {
	now := o.now()
	if now.Sub(o.forgot).Abs() < forgetEvery {
		return
	}
	keep := o.policy.Duplicates.LocalPeriod
	if keep <= 0 {
		keep = journey.LocalRemembers
	}
	if err := o.store.ForgetVisits(o.disk, now.Add(-keep), now.Add(keep)); err != nil {
		o.cfg.Log.Warn("agent: old visits were not forgotten", "error", err)
		return
	}
	o.forgot = now
}

// keysOf gives the keys of the visit's document and person, as the centre works them out of what is handed in.
func (v *visit) keysOf() (document, person string) {
	s := journey.Submission{Document: v.Document, Review: v.Review}
	p := same.Person(s)
	return same.Document(s.Document, p.Number), same.Data(p)
}

// advise notes whether document and person probably came in before. Both events are hints for the journey: whatever they say the
// visit goes on, and the centre decides for itself. A hit is observed and no failure: whoever explains how a visit ended must
// not find it there.
func (o *owner) advise(causes ...string) []*journey.Event {
	v := o.v
	if v.Policy.Duplicates.Local == journey.LocalOff {
		return nil
	}
	began := o.now()
	document, person := v.keysOf()
	advice, err := o.store.Advise(o.disk, document, person)
	if err != nil {
		o.cfg.Log.Warn("agent: earlier visits were not looked up", "error", err)
	}
	tell := func(name journey.EventName, key store.Known) *journey.Event {
		ev := o.event(name, causes...)
		ev.Origin, ev.Provisional, ev.Started = journey.OriginAgent, true, began
		ev.Detail = map[string]string{"age": "none"} // of the roll-out
		if !advice.Heard.IsZero() {
			ev.Detail["age"] = strconv.Itoa(int(max(began.Sub(advice.Heard), 0).Hours())) + "h"
		}
		switch {
		case err != nil:
			ev.Result, ev.Detail["why"] = journey.Skipped, ProblemStoreFailed
		case !key.Asked:
			ev.Result, ev.Detail["why"] = journey.Skipped, "not-known"
		case key.Rolled && key.Own:
			ev.Result, ev.Detail["met"] = journey.Observed, "roll-out own"
		case key.Rolled:
			ev.Result, ev.Detail["met"] = journey.Observed, "roll-out"
		case key.Own:
			ev.Result, ev.Detail["met"] = journey.Observed, "own"
		case advice.Heard.IsZero():
			ev.Result, ev.Detail["why"] = journey.Skipped, "no-roll-out"
		default:
			ev.Result = journey.Pass
		}
		return ev
	}
	return []*journey.Event{tell(journey.EventDuplicateSubmissionPeriodCheck, advice.Document), tell(journey.EventPIIDuplicatePeriodCheck, advice.Person)}
}

// remember keeps the visit's hashes, in the transaction that hands it in.
func (o *owner) remember(tx *store.Tx, at time.Time) error {
	v := o.v
	if v.Policy.Duplicates.Local == journey.LocalOff || o.unadvised.Load() {
		return nil
	}
	document, person := v.keysOf()
	return tx.RememberVisit(v.Submission, document, person, o.cfg.Rand, at)
}

// adviceAge is the finding of a roll-out that was not brought up to date for long.
func (o *owner) adviceAge(now time.Time) (health.Finding, bool) {
	if o.link == nil || o.unadvised.Load() {
		return health.Finding{}, false
	}
	at, ok, err := o.store.AdvisoryHeard(o.disk)
	age := now.Sub(at)
	if err != nil || !ok || age <= adviceOld {
		return health.Finding{}, false
	}
	return health.Finding{Code: health.Advice, Severity: health.Notice, Detail: strconv.Itoa(int(age.Hours())) + "h"}, true
}
