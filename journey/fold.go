package journey

import "time"

// Fold is what a journey's events come to as far as they are known, so that a new one need not read the others
// again. Kiosk and centre have sequences of their own, and neither waits for the other. The zero Fold knows none.
type Fold struct {
	Kiosk    Strand        `json:"kiosk,omitzero"`
	Centre   Strand        `json:"centre,omitzero"`
	Events   int           `json:"events"`
	Path     string        `json:"path,omitempty"`     // the last screen of the visit
	Status   SessionStatus `json:"status,omitempty"`   // without silence; empty: IN_PROGRESS
	Segment  Segment       `json:"segment,omitempty"`  // empty: SegmentPre
	Offline  bool          `json:"offline,omitempty"`  // the kiosk's last word on the network
	LastSign time.Time     `json:"lastSign,omitzero"`  // of life, see signOfLife
	Decision Decision      `json:"decision,omitempty"` // the centre's last
	Reason   Reason        `json:"reason,omitempty"`   //
}

// Strand is one side's part of a Fold.
type Strand struct {
	Seq        uint64    `json:"seq,omitempty"` // of its last event
	Session    string    `json:"session,omitempty"`
	Name       string    `json:"name,omitempty"` // of the kiosk
	Submission string    `json:"submission,omitempty"`
	Policy     string    `json:"policy,omitempty"`
	Started    time.Time `json:"started,omitzero"` // of its first event
	Ended      time.Time `json:"ended,omitzero"`   // of its last event
	Events     int       `json:"events,omitempty"`
}

// Add takes one more event. It reports false, and takes nothing, when the event comes before what was taken in its
// side's sequence: then all of them have to be folded anew, in order.
func (f *Fold) Add(e Event) bool {
	if s := f.strand(e); s.Events > 0 && e.Seq < s.Seq {
		return false
	}
	f.add(e)
	return true
}

func (f *Fold) strand(e Event) *Strand {
	if e.Origin == OriginServer {
		return &f.Centre
	}
	return &f.Kiosk
}

// add takes an event that comes next in its side's sequence.
func (f *Fold) add(e Event) {
	s := f.strand(e)
	if s.Events == 0 {
		s.Started = e.Started
	}
	s.Seq, s.Ended = e.Seq, e.Ended
	s.Session, s.Name = first(s.Session, e.Session), first(s.Name, e.Kiosk)
	s.Submission, s.Policy = first(s.Submission, e.Submission), first(s.Policy, e.Policy)
	s.Events++
	f.Events++
	f.reach(e)
	if e.Origin == OriginServer {
		if e.IsDecision() && !e.Provisional {
			f.Decision, f.Reason = Decision(e.Name), e.Reason
		}
		return
	}
	if e.Path != "" && !hasPath(e.Path, "/attract") && e.Source == FE {
		f.Path = e.Path
	}
	if f.Status != StatusCompleted {
		f.follow(e)
	}
}

// reach moves the furthest segment on.
func (f *Fold) reach(e Event) {
	if e.Name == EventFinalPageView {
		f.Segment = SegmentPost
	}
	if f.Segment == "" {
		if entry, ok := Lookup(e.Name); ok && entry.Stage.Segment() == SegmentMain {
			f.Segment = SegmentMain
		}
	}
}

// follow moves the status on by an event of the kiosk.
func (f *Fold) follow(e Event) {
	switch e.Name {
	case EventFinalPageView:
		f.Status = StatusCompleted
		return
	case EventErrorPageViewed:
		f.Status = StatusError
	case KioskVisitStopped, KioskVisitTimedOut, KioskConsentRefused, KioskPrivacyReset:
		if f.Status != StatusError {
			f.Status = StatusDropped
		}
	case KioskVisitRecovered:
		f.Status = StatusInProgress
		if e.Result == Fail {
			f.Status = StatusDropped
		}
	case EventStepView:
		// Any screen after an error page shows that the visit went on; the
		// error screen itself and the empty kiosk do not.
		if f.Status == StatusError && e.Path != "" && !hasPath(e.Path, "/error") && !hasPath(e.Path, "/attract") {
			f.Status = StatusInProgress
		}
	case EventSessionReused, EventFrontSessionResumed:
		f.Status = StatusInProgress
	case EventNetworkOffline, EventWebSocketDisconnected:
		f.Offline = true
	case EventNetworkOnline, EventWebSocketConnected:
		f.Offline = false
	}
	if sign := signOfLife(e); sign.After(f.LastSign) {
		f.LastSign = sign
	}
}

// At gives the status at a time; see Status.
func (f *Fold) At(now time.Time, silenceLimit time.Duration) SessionStatus {
	if f.Status != "" && f.Status != StatusInProgress {
		return f.Status
	}
	if silenceLimit > 0 && !f.Offline && !f.LastSign.IsZero() && now.Sub(f.LastSign) > silenceLimit {
		return StatusDropped
	}
	return StatusInProgress
}

// Session gives the journey in short. Now and silenceLimit are those of Status.
func (f *Fold) Session(now time.Time, silenceLimit time.Duration) Session {
	return Session{
		ID: first(f.Kiosk.Session, f.Centre.Session), Kiosk: first(f.Kiosk.Name, f.Centre.Name),
		Submission: first(f.Kiosk.Submission, f.Centre.Submission), Policy: first(f.Kiosk.Policy, f.Centre.Policy),
		Status: f.At(now, silenceLimit), Segment: Segment(first(string(f.Segment), string(SegmentPre))), Path: f.Path,
		Started: f.Kiosk.Started, Ended: f.Kiosk.Ended, Decision: f.Decision, Reason: f.Reason, Events: f.Events,
	}
}

// FoldAll folds a journey's events, given in any order. Each counts once.
func FoldAll(events []Event) *Fold {
	var f Fold
	kiosk, centre := sides(events)
	for _, e := range kiosk {
		f.add(e)
	}
	for _, e := range centre {
		f.add(e)
	}
	return &f
}
