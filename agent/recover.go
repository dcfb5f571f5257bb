package agent

import (
	"vestibule/agent/store"
	"vestibule/journey"
)

// recover looks for a visit that a crash interrupted. It goes on at its last
// checkpoint if that is recent, asking first whether somebody is still there; or
// it ends as dropped, with nothing left.
func (o *owner) recover() error {
	sessions, err := o.store.Open(o.disk)
	if err != nil {
		return err
	}
	for i, s := range sessions {
		newest := i == len(sessions)-1
		if newest && s.Ended.IsZero() {
			if err := o.takeUp(s); err != nil {
				return err
			}
			continue
		}
		if err := o.lay(s); err != nil {
			return err
		}
	}
	if o.v == nil {
		return dropKey(o.cfg.KeyDir) // nothing is sealed with it any more
	}
	return nil
}

// takeUp resumes a visit, or drops it.
func (o *owner) takeUp(s store.Session) error {
	m, fresh := o.readCheckpoint(s)
	if m == nil {
		return o.drop(s, "no-checkpoint")
	}
	o.v = m
	events, err := o.store.Events(o.disk, s.ID)
	if err != nil {
		o.v = nil
		return err
	}
	for _, ev := range events {
		m.last[ev.Name] = ev.ID
		if ev.Name == journey.EventFrontSessionStart {
			m.fronted = ev.Ended
		}
		if ev.Origin == journey.OriginKioskUI {
			m.observed++
		}
	}
	now := o.now()
	if !fresh {
		return o.dropKnown("too-old")
	}
	switch m.Step {
	case StepReading:
		m.enter(StepDocument, now)
	case StepReview:
		if wanted(m.Policy.Document) { // the pictures are gone, and nobody passes by pulling the plug
			m.forgetReading()
			m.Why = nil
			m.enter(StepDocument, now)
		} else {
			m.enter(StepReview, now)
		}
	case StepChecking:
		m.enter(StepSelfie, now)
	case StepLanguage, StepConsent, StepDocument, StepSelfie, StepResult:
		m.enter(m.Step, now)
	default:
		return o.dropKnown("step")
	}
	ev := o.event(journey.KioskVisitRecovered, m.last[journey.EventSessionCreated])
	ev.Result, ev.Detail = journey.Pass, map[string]string{"outcome": "resumed", "step": string(m.Step)}
	if m.Step == StepResult {
		m.outcome, m.until = m.receipt(), now.Add(o.resultShown())
		if d, ok, err := o.store.LatestVerdict(o.disk, m.Submission); err == nil && ok {
			m.outcome.Decided, m.outcome.Decision, m.outcome.Reason = true, d.Decision, d.Reason
		}
	} else {
		// Whoever stands here now may be somebody else: nothing is shown before they answer.
		m.paused, m.asking = true, now.Add(o.cfg.Limits.Ask)
	}
	return o.commit(nil, ev)
}

// readCheckpoint opens a session's checkpoint; nil when there is none that opens.
func (o *owner) readCheckpoint(s store.Session) (*visit, bool) {
	sealed, at, err := o.store.ReadCheckpoint(o.disk, s.ID)
	if err != nil || sealed == nil {
		return nil, false
	}
	key, err := readKey(o.cfg.KeyDir)
	if err != nil {
		return nil, false
	}
	m, err := remember(key, sealed, s.ID)
	if err != nil {
		o.cfg.Log.Warn("agent: a checkpoint does not open", "error", err)
		return nil, false
	}
	age := o.now().Sub(at)
	// A clock that went back says nothing about age: better dropped than shown to a stranger.
	fresh := age >= -o.cfg.Limits.Recover/4 && age <= o.cfg.Limits.Recover
	return &visit{memory: m, key: key, last: map[journey.EventName]string{}}, fresh
}

// drop ends a visit whose memory is gone.
func (o *owner) drop(s store.Session, why string) error {
	o.v = &visit{last: map[journey.EventName]string{}}
	o.v.Session, o.v.Submission, o.v.Created, o.v.Final = s.ID, s.Submission, s.Submission != "", true
	o.v.Policy.Version = s.Policy
	return o.dropKnown(why)
}

// dropKnown ends the visit at hand as dropped.
func (o *owner) dropKnown(why string) error {
	ev := o.event(journey.KioskVisitRecovered, o.v.last[journey.EventSessionCreated])
	ev.Path = ""
	ev.Result, ev.Impact = journey.Fail, journey.ImpactBlocked
	ev.Detail = map[string]string{"outcome": "dropped", "why": why}
	o.end("restart", ev)
	if o.loose != "" {
		return store.ErrFull
	}
	return nil
}

// lay clears up after a visit that had ended but not been cleared.
func (o *owner) lay(s store.Session) error {
	if s.Ended.IsZero() { // an older one than the newest: cannot be taken up
		return o.drop(s, "superseded")
	}
	o.v = &visit{last: map[journey.EventName]string{}}
	o.v.Session, o.v.Submission, o.v.Created, o.v.Final = s.ID, s.Submission, s.Submission != "", true
	o.v.Policy.Version = s.Policy
	if err := dropKey(o.cfg.KeyDir); err != nil {
		return err
	}
	ev := o.event(journey.KioskPrivacyReset)
	ev.Path, ev.Result, ev.Detail = "/", journey.Pass, map[string]string{"trigger": "restart"}
	err := o.commitBy(o.store.WriteLast, func(tx *store.Tx) error { return tx.Cleared(s.ID) }, ev)
	o.v = nil
	return err
}

// goOn answers "are you still there?" after a crash: the step begins anew.
func (o *owner) goOn() error {
	v := o.v
	v.paused = false
	v.enter(v.Step, o.now())
	switch v.Step {
	case StepDocument:
		o.lookAtDocument()
	case StepSelfie:
		o.lookAtFace()
	}
	o.publish()
	return nil
}
