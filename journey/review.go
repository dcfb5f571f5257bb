package journey

import "time"

// ReviewPolicy says how people decide on what the centre holds. The times are starting
// values, unmeasured; one that is 0, as in a policy older than this part, is the default's.
type ReviewPolicy struct {
	TwoPersons bool          `json:"twoPersons"` // a second person has to come to the same decision
	Undo       time.Duration `json:"undo"`       // a decision waits that long before anything leaves; negative: not at all
	Lease      time.Duration `json:"lease"`      // who takes a submission up keeps it that long after the last thing done to it
	SLA        time.Duration `json:"sla"`        // within which a held submission should be decided
}

// Filled puts the default's figures where there are none.
func (p ReviewPolicy) Filled() ReviewPolicy {
	d := DefaultPolicy().Review
	if p.Undo == 0 {
		p.Undo = d.Undo
	}
	if p.Lease <= 0 {
		p.Lease = d.Lease
	}
	if p.SLA <= 0 {
		p.SLA = d.SLA
	}
	return p
}
