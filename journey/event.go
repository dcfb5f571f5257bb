package journey

import "time"

// EventName is one of the contract's 115 names, or a kiosk's own under KIOSK_.
type EventName string

// Source says who speaks: FE observes a screen, BE checks or decides.
type Source string

// The two sources of the contract.
const (
	FE Source = "FE"
	BE Source = "BE"
)

// Origin is the part of Vestibule in which an event happened.
type Origin string

// The three origins. KioskUI and Agent share one sequence per session, Server has its own.
const (
	OriginKioskUI Origin = "kiosk-ui"
	OriginAgent   Origin = "agent"
	OriginServer  Origin = "server"
)

// Result is how a check or an action ended.
type Result string

// The five results. Observed belongs to events that check nothing.
const (
	Pass     Result = "pass"
	Fail     Result = "fail"
	Skipped  Result = "skipped"
	Errored  Result = "error"
	Observed Result = "observed"
)

// Impact is what the person actually experienced. In the catalogue it is what a
// failure of that event brings; in a recorded event a passed check has ImpactNone.
type Impact string

// The seven impacts of the contract.
const (
	ImpactNone      Impact = "NONE"
	ImpactBlocked   Impact = "BLOCKED"
	ImpactRetake    Impact = "RETAKE"
	ImpactPending   Impact = "PENDING"
	ImpactRejected  Impact = "REJECTED"
	ImpactApproved  Impact = "APPROVED"
	ImpactCompleted Impact = "COMPLETED"
)

// ClockConfidence says how far a kiosk's time may be believed.
type ClockConfidence string

// Clock confidences, best first.
const (
	ClockTrusted   ClockConfidence = "trusted"   // offset to the centre measured and small
	ClockUnknown   ClockConfidence = "unknown"   // never compared, or too long ago
	ClockUntrusted ClockConfidence = "untrusted" // jumped, behind the last known time, or far off
)

// Event is one entry of a session's journal. It never holds personal data:
// Detail carries identifiers, scores and codes only.
type Event struct {
	ID          string            `cbor:"1,keyasint" json:"id"` // UUIDv7, made where it happens
	Session     string            `cbor:"2,keyasint" json:"session"`
	Submission  string            `cbor:"3,keyasint,omitempty" json:"submission,omitempty"`
	Kiosk       string            `cbor:"4,keyasint" json:"kiosk"`
	Seq         uint64            `cbor:"5,keyasint" json:"seq"` // gap-free from 1, per session and side (kiosk or centre)
	Name        EventName         `cbor:"6,keyasint" json:"event"`
	Source      Source            `cbor:"7,keyasint" json:"source"`
	Origin      Origin            `cbor:"8,keyasint" json:"origin"`
	Result      Result            `cbor:"9,keyasint" json:"result"`
	Impact      Impact            `cbor:"10,keyasint" json:"impact"`
	Reason      Reason            `cbor:"11,keyasint,omitempty" json:"reason,omitempty"`
	Code        CodeKey           `cbor:"12,keyasint,omitempty" json:"code,omitzero"`
	Path        string            `cbor:"13,keyasint,omitempty" json:"path,omitempty"` // screen, e.g. /document/front
	Attempt     int               `cbor:"14,keyasint,omitempty" json:"attempt,omitempty"`
	Started     time.Time         `cbor:"15,keyasint" json:"started"`
	Ended       time.Time         `cbor:"16,keyasint" json:"ended"`
	Clock       ClockConfidence   `cbor:"17,keyasint,omitempty" json:"clock,omitempty"`
	Received    time.Time         `cbor:"18,keyasint,omitempty" json:"received,omitzero"` // set by the centre
	Causes      []string          `cbor:"19,keyasint,omitempty" json:"causes,omitempty"`  // ids of events that led to this one
	Policy      string            `cbor:"20,keyasint,omitempty" json:"policy,omitempty"`
	Models      map[string]string `cbor:"21,keyasint,omitempty" json:"models,omitempty"` // model name → version
	Provisional bool              `cbor:"22,keyasint,omitempty" json:"provisional,omitempty"`
	Detail      map[string]string `cbor:"23,keyasint,omitempty" json:"detail,omitempty"`
}
