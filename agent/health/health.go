// Package health keeps what is wrong with a kiosk: each condition with its severity, how long it lasts, what
// explains it, and what to do. A condition is shown once it has lasted, and not while another one explains it.
//
// What may live here: the conditions there are, and when one is shown. What may not: how anything is measured.
package health

import (
	"cmp"
	"slices"
	"time"
)

// Code names a condition.
type Code string

// The conditions.
const (
	Closed      Code = "closed"      // no visits are taken; the detail is the problem's code
	Disk        Code = "disk"        // the store, or the disk under it, fills up
	Link        Code = "link"        // the centre is not reached
	Queue       Code = "queue"       // records wait long for the centre
	Quarantine  Code = "quarantine"  // commands of the centre could not be carried out
	Clock       Code = "clock"       // the clock differs from the centre's, or was never compared
	Policy      Code = "policy"      // the centre was not heard for as long as the policy allows
	Certificate Code = "certificate" // the right to speak ends soon, or could not be renewed
	Temperature Code = "temperature" // the machine is hot
	Advice      Code = "advice"      // what is known of earlier visits was not brought up to date for long
	Unproven    Code = "unproven"    // frames came that are not proved to be the centre's
)

// Severity says how bad it is.
type Severity uint8

// The severities.
const (
	Notice   Severity = 1 // nothing to do yet
	Warning  Severity = 2 // somebody should look within days
	Critical Severity = 3 // the kiosk is closed, or will be soon
)

func (s Severity) String() string {
	switch s {
	case Notice:
		return "notice"
	case Warning:
		return "warning"
	case Critical:
		return "critical"
	}
	return "ok"
}

// Definition is what is known of a condition beforehand.
type Definition struct {
	Code  Code
	After time.Duration // how long it lasts before it is shown: what passes by itself needs nobody
	// Explained by these: while one of them is there and as severe, this one is not shown.
	Explained []Code
	Message   string
	Hint      string
}

// Definitions lists all conditions, in the order in which they are shown.
func Definitions() []Definition {
	return []Definition{
		{Closed, 0, nil, "The kiosk takes no visits.", "Look the problem's code up; the kiosk opens by itself once it is solved."},
		{Unproven, 0, nil, "Something speaks to the kiosk that is not proved to be the centre.", "See whose broker the kiosk's line ends at; bring the centre's program up to date before the kiosk's."},
		{Disk, 0, nil, "The kiosk's storage fills up.", "Bring the kiosk on line so that it hands over what waits, or carry it out; see what else lies on its disk."},
		{Certificate, 0, []Code{Link}, "The kiosk's certificate ends soon, or could not be renewed.", "Bring the kiosk on line, it renews the certificate by itself; if it is on line, look into its log."},
		{Policy, 0, nil, "The kiosk has not heard the centre for long.", "Bring the kiosk on line: its policy grows too old to let people in."},
		{Queue, 0, []Code{Disk}, "Records have waited long for the centre.", "Bring the kiosk on line, or carry the records out: kiosk-ui courier export."},
		{Quarantine, 0, nil, "Something that the centre sent could not be carried out.", "Bring the kiosk's program up to date."},
		{Link, time.Minute, nil, "The centre is not reached.", "Check network and address; the kiosk works on and sends later."},
		{Advice, 0, []Code{Link}, "What the kiosk knows of earlier visits is old.", "Bring the kiosk on line; until then the centre alone notices who comes twice."},
		{Clock, 5 * time.Minute, []Code{Link}, "The kiosk's clock is not to be trusted.", "Set the clock, or let the system keep it by NTP."},
		{Temperature, 2 * time.Minute, nil, "The machine is hot.", "Clean its fans, and see to air around it."},
	}
}

// Finding is what a look found wrong just now.
type Finding struct {
	Code     Code
	Severity Severity
	Detail   string // a code or a figure, never personal data
}

// Condition is a finding that lasts.
type Condition struct {
	Finding
	Since time.Time
}

// Registry remembers since when what is wrong. The zero value is a healthy kiosk.
type Registry struct {
	since map[Code]time.Time
	found []Finding
}

// Look takes what one look at everything found. What it does not name is well again.
func (r *Registry) Look(now time.Time, found []Finding) {
	since := make(map[Code]time.Time, len(found))
	for _, f := range found {
		since[f.Code] = now
		if before, ok := r.since[f.Code]; ok && before.Before(now) { // a clock set back begins anew
			since[f.Code] = before
		}
	}
	r.since, r.found = since, slices.Clone(found)
}

// Shown lists what somebody should know now: the most severe first, then in the order of Definitions.
func (r *Registry) Shown(now time.Time) []Condition {
	there := make(map[Code]Severity, len(r.found))
	for _, f := range r.found {
		there[f.Code] = max(there[f.Code], f.Severity)
	}
	var out []Condition
	for _, d := range Definitions() {
		for _, f := range r.found {
			if f.Code != d.Code || now.Sub(r.since[f.Code]) < d.After {
				continue
			}
			if slices.ContainsFunc(d.Explained, func(by Code) bool { return there[by] >= f.Severity }) {
				continue
			}
			out = append(out, Condition{f, r.since[f.Code]})
		}
	}
	slices.SortStableFunc(out, func(a, b Condition) int { return cmp.Compare(b.Severity, a.Severity) })
	return out
}
