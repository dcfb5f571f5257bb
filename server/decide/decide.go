// Package decide turns evidence, policy and look-ups into a decision. It is a
// pure function: no clock, no I/O, no randomness. The same input gives the same
// outcome for ever, so any decision can be replayed, compared under another
// policy and tested by table.
//
// What may live here: the checks the centre answers for, and what each asks for.
// What may not: how evidence is opened, how look-ups are made, when things ran.
package decide

import (
	"slices"
	"time"

	"vestibule/journey"
)

// Evidence is what came from the kiosk, and what the centre itself saw in it.
type Evidence struct {
	Submission journey.Submission
	// Kiosk holds the last event of each name that the kiosk recorded in this
	// session, so that a decision can name what led to it.
	Kiosk map[journey.EventName]journey.Event
	// Recheck is nil when the centre has not read the evidence again.
	Recheck *Recheck
	// FaceModel made the template that joins the collection on approval; empty: there is none.
	FaceModel string
}

// Recheck is what the centre read in the sealed pictures, beside what the kiosk said.
type Recheck struct {
	Left       string `json:",omitempty"` // why the policy let it be left out: not sampled, or not stale
	Opened     bool   // every picture opened under its seal and its place
	Unreadable string // code, when a picture is no picture or holds no face or zone
	Document   *DocumentSaid
	Similarity *Said
	Live       *Said // of the one stored selfie: one still says less than the kiosk's frames
	Eyes       float64
	Models     map[string]string
}

// Said is one figure from both sides.
type Said struct{ Kiosk, Centre float64 }

// DocumentSaid tells which fields of the zone the two sides read differently.
type DocumentSaid struct {
	Read     bool     // the centre found a zone whose check digits hold
	Agreed   bool     // and read it twice alike
	Differs  []string // names of fields, never values
	Centre   float64  // recognition, 0..100
	KioskSay float64
}

// Known is an earlier submission that has something in common with this one.
type Known struct {
	Submission string
	Applicant  string
	Decision   journey.Decision
	Created    time.Time
	SameName   bool
	SameBirth  bool
	SameNumber bool   // the document's number
	Rank       string // issue or expiry date of its document, YYYY-MM-DD
}

// Suspect is an earlier person whose data nearly agree with this one's.
type Suspect struct {
	Submission string
	Name       float64 // likeness of the names, 0..100
	Why        string  // duplicate.NearDocument, NearBirth or NearName
}

// FaceHit is an approved person whose face is similar.
type FaceHit struct {
	Submission string
	Applicant  string
	Score      float64 // cosine
	Own        bool    // the applicant of this submission
}

// Match is one entry of a list that resembles the person.
type Match struct {
	List    string
	Entity  string
	Score   float64 // 0..100
	Cleared bool    // somebody found that it is another person
}

// Screening is the answer of the sanctions lists.
type Screening struct {
	Lists    string // snapshots searched
	Entities int
	Matches  []Match // best first
	// Oldest is the list of those searched that was found to be its publisher's newest
	// longest ago, and Confirmed is when. Empty and zero: not known.
	Oldest    string
	Confirmed time.Time
}

// Packet tells whether this submission's records look replayed.
type Packet struct {
	Reused string // the other session that used the same submission id, or empty
}

// Device is what the centre knows of the kiosk.
type Device struct {
	Enrolled bool
	Revoked  bool
	Refused  bool // the record chain of this kiosk is broken
}

// Lookups is what the centre's database answered.
type Lookups struct {
	Now           time.Time // receipt of the last record: the day that ages and expiries are measured on
	Rank          string    // of this submission's document, see Known
	PIIEvaluated  bool      // all four of name, date of birth, gender and nationality are known
	SamePII       []Known
	SameDocument  []Known
	SameHolder    []Known   // same person and state, possibly another document
	Applicant     string    // of this submission, after linking; new ones included
	Approved      []Known   // approved submissions of this applicant
	SuspectsAsked bool      `json:",omitempty"`
	Suspects      []Suspect `json:",omitempty"` // of approved and held submissions of other applicants
	FaceEvaluated bool      // a template of the selfie was there and was searched
	Faces         []FaceHit
	Screening     *Screening // nil: not screened
	Packet        Packet
	Device        Device
	Rules         []Ruled `json:",omitempty"` // of the policy's own rules, each; one that is missing holds
}

// Ruled is what a rule of the policy came to.
type Ruled struct {
	Rule    string
	Holds   bool
	Problem string `json:",omitempty"` // code: it could not be judged
}

// Fired is one check that asked for something other than approval.
type Fired struct {
	Check  string // name of the event skeleton, or id of the kiosk's event
	Ground journey.Ground
}

// Outcome is a decision and all that it rests on.
type Outcome struct {
	Decision    journey.Decision
	Reason      journey.Reason
	CommentCode string
	Rule        string  // the policy setting that decided, such as duplicates.approvedUser
	Fired       []Fired // strongest first
	// Events are skeletons in causal order. ID holds a name of this outcome
	// ("pii", "decision", …), and so do Causes, besides ids of the kiosk's events.
	// Whoever runs the decision gives real ids, numbers and times.
	Events []journey.Event
}

// Names of the skeletons.
const (
	CheckDevice      = "device"
	CheckFingerprint = "fingerprint"
	CheckPacket      = "packet"
	CheckEvidence    = "evidence"
	CheckRecheck     = "recheck"
	CheckExhausted   = "exhausted"
	CheckAge         = "age"
	CheckExpiry      = "expiry"
	CheckBlocked     = "blocked"
	CheckAccepted    = "accepted"
	CheckRegion      = "region"
	CheckCountry     = "country"
	CheckQuality     = "quality"
	CheckFace        = "face"
	CheckLiveness    = "liveness"
	CheckFaceAge     = "face-age"
	CheckFlash       = "flash"
	CheckPII         = "pii"
	CheckSelfie      = "selfie"
	CheckApproved    = "approved"
	CheckSuperseded  = "superseded"
	CheckSuspected   = "suspected"
	CheckAML         = "aml"
	CheckCustom      = "custom"
	CheckRules       = "rules"  // all of the policy's rules that do not hold
	CheckRule        = "rules." // and the name of one that does
	DecisionEvent    = "decision"
	CollectionEvent  = "collection"
)

// Decide decides.
func Decide(e Evidence, p journey.Policy, l Lookups) Outcome {
	d := &deciding{e: e, s: e.Submission, p: p, l: l}
	d.device()
	d.packet()
	if e.Submission.State == journey.SubmissionExhausted {
		d.exhausted()
	}
	if e.Submission.State != journey.SubmissionExhausted || e.Submission.FailedStep != journey.Step1 {
		d.document() // otherwise it was never read well enough to be judged
	}
	if e.Submission.State == journey.SubmissionComplete {
		if d.turnedAway() {
			d.unreached()
		} else {
			d.recheck()
			d.face()
			d.faceAge()
		}
		d.duplicates()
		d.screening()
		d.custom()
	}
	return d.close()
}

// deciding collects what the checks say.
type deciding struct {
	e      Evidence
	s      journey.Submission
	p      journey.Policy
	l      Lookups
	fired  []Fired
	rules  map[string]string // check → policy setting
	events []journey.Event
}

// say records a check. A check that fires makes the ground its event's impact.
func (d *deciding) say(id string, name journey.EventName, result journey.Result, detail map[string]string, causes ...string) *journey.Event {
	d.events = append(d.events, journey.Event{
		ID: id, Name: name, Source: journey.BE, Origin: journey.OriginServer,
		Result: result, Impact: journey.ImpactNone, Detail: detail, Causes: slices.DeleteFunc(causes, func(c string) bool { return c == "" }),
	})
	return &d.events[len(d.events)-1]
}

// fire makes a recorded check ask for a ground.
func (d *deciding) fire(ev *journey.Event, decision journey.Decision, reason journey.Reason, rule string) {
	ev.Reason = reason
	switch decision {
	case journey.Rejected:
		ev.Impact = journey.ImpactRejected
	case journey.Pending:
		ev.Impact = journey.ImpactPending
	}
	d.fired = append(d.fired, Fired{Check: ev.ID, Ground: journey.Ground{Decision: decision, Reason: reason}})
	if d.rules == nil {
		d.rules = map[string]string{}
	}
	d.rules[ev.ID] = rule
}

// kiosk gives the id of the kiosk's last event of a name, to be named as a cause.
func (d *deciding) kiosk(name journey.EventName) string { return d.e.Kiosk[name].ID }

// close weighs what fired and adds the decision itself.
func (d *deciding) close() Outcome {
	grounds := make([]journey.Ground, len(d.fired))
	for i, f := range d.fired {
		grounds[i] = f.Ground
	}
	verdict := journey.Strongest(grounds...)
	order := journey.Precedence()
	rank := func(f Fired) int {
		if i := slices.Index(order, f.Ground); i >= 0 {
			return i
		}
		return len(order)
	}
	slices.SortStableFunc(d.fired, func(a, b Fired) int { return rank(a) - rank(b) })

	out := Outcome{Decision: verdict.Decision, Reason: verdict.Reason, Fired: d.fired}
	ev := journey.Event{
		ID: DecisionEvent, Source: journey.BE, Origin: journey.OriginServer,
		Submission: d.s.ID, Reason: verdict.Reason, Result: journey.Observed, Policy: d.p.Version,
	}
	for _, f := range d.fired {
		if f.Ground == verdict {
			ev.Causes = append(ev.Causes, f.Check)
			if out.Rule == "" {
				out.Rule = d.rules[f.Check]
			}
		}
	}
	switch verdict.Decision {
	case journey.Approved:
		ev.Name, ev.Impact = journey.EventApproved, journey.ImpactApproved
		for _, c := range d.events {
			if c.Result == journey.Pass {
				ev.Causes = append(ev.Causes, c.ID)
			}
		}
	case journey.Rejected:
		ev.Name, ev.Impact = journey.EventRejected, journey.ImpactRejected
		if entry, ok := journey.LookupReason(verdict.Decision, verdict.Reason); ok && entry.CommentCode != "" {
			out.CommentCode = entry.CommentCode
			ev.Code = journey.CodeKey{Step: journey.StepFinal, Kind: journey.Reject, Code: entry.CommentCode}
		}
	default:
		ev.Name, ev.Impact = journey.EventPending, journey.ImpactPending
	}
	ev.Detail = map[string]string{}
	if out.Rule != "" {
		ev.Detail["rule"] = out.Rule
	}
	if len(ev.Detail) == 0 {
		ev.Detail = nil
	}
	d.events = append(d.events, ev)
	if verdict.Decision == journey.Approved && d.e.FaceModel != "" {
		d.say(CollectionEvent, journey.EventFaceCollectionAdd, journey.Observed, map[string]string{"model": d.e.FaceModel}, DecisionEvent)
	}
	out.Events = d.events
	return out
}
