package journey

import (
	"slices"
	"strings"
	"time"
)

// SessionStatus is how far a journey has come. It says nothing about the decision.
type SessionStatus string

// The four statuses of the contract.
const (
	StatusInProgress SessionStatus = "IN_PROGRESS"
	StatusCompleted  SessionStatus = "COMPLETED"
	StatusDropped    SessionStatus = "DROPPED"
	StatusError      SessionStatus = "ERROR"
)

// Segment is one of the three parts of a journey.
type Segment string

// The segments in their order. Who is stopped in the first never reaches document capture.
const (
	SegmentPre  Segment = "pre"
	SegmentMain Segment = "main"
	SegmentPost Segment = "post"
)

// Segment tells which part of the journey a stage belongs to. Stages that go with
// every part (requests, screen, camera) have none.
func (s Stage) Segment() Segment {
	switch s {
	case StageSession, StageGuard:
		return SegmentPre
	case StageAuxiliary, StageStep1, StagePreStep2, StageStep2, StageFaceAuth, StageKnowledge, StageDecision:
		return SegmentMain
	case StagePost:
		return SegmentPost
	}
	return ""
}

// Session is one person's journey in short, as lists show it.
type Session struct {
	ID         string        `json:"id"`
	Kiosk      string        `json:"kiosk"`
	Submission string        `json:"submission,omitempty"`
	Policy     string        `json:"policy,omitempty"`
	Status     SessionStatus `json:"status"`
	Segment    Segment       `json:"segment"`        // the furthest one reached
	Path       string        `json:"path,omitempty"` // the last screen
	Started    time.Time     `json:"started"`
	Ended      time.Time     `json:"ended"` // end of the last event at the kiosk
	Decision   Decision      `json:"decision,omitempty"`
	Reason     Reason        `json:"reason,omitempty"`
	Events     int           `json:"events"`
}

// Summarise reads a journey's events, in any order, into a Session. Now and
// silenceLimit are those of Status.
func Summarise(events []Event, now time.Time, silenceLimit time.Duration) Session {
	s := FoldAll(events).Session(now, silenceLimit)
	s.Events = len(events)
	return s
}

// Reached gives the furthest segment of a journey: Post once the final page was
// shown, Main once a step began, Pre before that.
func Reached(events []Event) Segment {
	return FoldAll(events).Session(time.Time{}, 0).Segment
}

// Status derives a journey's status from its events, given in any order; the
// sequence counts, not the time and not the order of display.
//
// COMPLETED: the final page was reached. ERROR: the journey ended on an error
// page. DROPPED: before that it was stopped, timed out, was given up after a
// crash, or the kiosk said nothing more for silenceLimit. Otherwise IN_PROGRESS.
//
// A lost network is never a drop-off: with a silenceLimit of 0, silence is not
// judged. The centre passes 0 while it is not connected to the kiosk, and a
// journey whose last word on the network is "offline" is not judged either.
func Status(events []Event, now time.Time, silenceLimit time.Duration) SessionStatus {
	return FoldAll(events).At(now, silenceLimit)
}

// signOfLife is when the kiosk last said something, by the best clock there is:
// the centre's at receipt, else the kiosk's own unless it is known to be wrong.
func signOfLife(e Event) time.Time {
	switch {
	case !e.Received.IsZero():
		return e.Received
	case e.Clock == ClockUntrusted:
		return time.Time{}
	}
	return e.Ended
}

// sides parts a journey's events into the kiosk's and the centre's, each once and
// by its own sequence. Times play no role: clocks may be wrong.
func sides(events []Event) (kiosk, centre []Event) {
	seen := make(map[string]bool, len(events))
	for _, e := range events {
		if seen[e.ID] && e.ID != "" {
			continue
		}
		seen[e.ID] = true
		if e.Origin == OriginServer {
			centre = append(centre, e)
		} else {
			kiosk = append(kiosk, e)
		}
	}
	slices.SortStableFunc(kiosk, bySequence)
	slices.SortStableFunc(centre, bySequence)
	return kiosk, centre
}

func bySequence(a, b Event) int {
	switch {
	case a.Seq < b.Seq:
		return -1
	case a.Seq > b.Seq:
		return 1
	}
	return strings.Compare(a.ID, b.ID)
}

// decisive gives the decision that holds: the centre's last.
func decisive(centre []Event) (Event, bool) {
	for _, e := range slices.Backward(centre) {
		if e.IsDecision() && !e.Provisional {
			return e, true
		}
	}
	return Event{}, false
}

// lastPath gives the last screen of a visit, the attract screen left out.
func lastPath(kiosk []Event) string {
	for _, e := range slices.Backward(kiosk) {
		if e.Path != "" && !hasPath(e.Path, "/attract") && e.Source == FE {
			return e.Path
		}
	}
	return ""
}

func hasPath(path, root string) bool {
	return path == root || strings.HasPrefix(path, root+"/")
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
