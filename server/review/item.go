package review

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"

	"vestibule/journey"
)

// State is where an item stands.
type State string

// The states of an item.
const (
	Waiting State = "waiting" // for somebody to decide
	Second  State = "second"  // one person has decided; another one has to
	Leaving State = "leaving" // decided, and still to be undone
	Done    State = "done"    // out
)

// Flag says why an item is back in the queue.
type Flag string

// The flags.
const (
	Disagreed Flag = "disagreed" // two people came to different decisions
	Undone    Flag = "undone"    // somebody took the decision back
	Findings  Flag = "findings"  // before it left, the checks found what nobody had seen
	Known     Flag = "known"     // the applicant has another approval, and there is one at most
	Reopened  Flag = "reopened"  // a decision that is out is looked at again
	Listed    Flag = "listed"    // after the decision they came to resemble an entry of a sanctions list
)

// Finding is what a check asked for when the checks last ran.
type Finding struct {
	Check  string         `json:"check"`
	Ground journey.Ground `json:"ground"`
	// Basis stands for whom or what the check found, a word for each, separated by spaces:
	// the same check that finds somebody else, too, is another finding. Empty where a
	// check looks for nobody.
	Basis string `json:"basis,omitempty"`
}

// within reports whether all of a finding is in another one.
func (f Finding) within(known Finding) bool {
	if f.Check != known.Check || f.Ground != known.Ground {
		return false
	}
	words := strings.Fields(known.Basis)
	return !slices.ContainsFunc(strings.Fields(f.Basis), func(w string) bool { return !slices.Contains(words, w) })
}

// Item is one submission in the hands of people. The zero time means never.
type Item struct {
	Submission, Session, Kiosk, Project string
	Revision                            int // of the submission that is decided on

	Decision journey.Decision // that is looked at
	Reason   journey.Reason
	Event    string // id of its event
	Opened   time.Time
	Due      time.Time

	State     State
	Flag      Flag
	Holder    string // whoever took it up; counts until Lease
	Lease     time.Time
	Checking  bool      // the checks are to run again first
	Findings  []Finding // strongest first
	Votes     []Vote    // one while State is Second; one or two once it is Leaving
	Corrected []Field
	Leaves    time.Time

	Version int // of the row; whoever saves names the one they read
	Updated time.Time
}

// Open makes the item of a decision that the rules came to, for people to look at.
func Open(v journey.Verdict, kiosk, project string, revision int, findings []Finding, p journey.ReviewPolicy) Item {
	return Item{
		Submission: v.Submission, Session: v.Session, Kiosk: kiosk, Project: project, Revision: revision,
		Decision: v.Decision, Reason: v.Reason, Event: v.Event, Opened: v.At, Due: v.At.Add(p.Filled().SLA),
		State: Waiting, Findings: findings,
	}
}

// Mark stands for all that a person decides on. It is the same while only the time of
// whoever has the item was lengthened.
func (i Item) Mark() string {
	h := fnv.New64a()
	_, _ = fmt.Fprint(h, i.Revision, i.Event, i.State, i.Flag, i.Opened.UnixMicro(), i.Checking, i.Findings, i.Corrected)
	return strconv.FormatUint(h.Sum64(), 16)
}

// HeldBy gives who has the item at this time, or nobody.
func (i Item) HeldBy(now time.Time) string {
	if i.Holder != "" && now.Before(i.Lease) {
		return i.Holder
	}
	return ""
}

// Verdict gives the decision that is to leave or has left: the last vote.
func (i Item) Verdict() (Vote, bool) {
	if len(i.Votes) == 0 || i.State != Leaving && i.State != Done {
		return Vote{}, false
	}
	return i.Votes[len(i.Votes)-1], true
}

// Claim gives the item to one person for a time. Who has it already keeps it.
func (i Item) Claim(who string, now time.Time, p journey.ReviewPolicy) (Item, error) {
	switch {
	case i.State != Waiting && i.State != Second:
		return i, errNotOpen()
	case i.HeldBy(now) != "" && i.Holder != who:
		return i, errTaken(i.Holder)
	case i.votedBy(who):
		return i, errSamePerson()
	}
	i.Holder = who
	return i.touched(now, p), nil
}

// Release gives the item back before the time is over.
func (i Item) Release(who string, now time.Time) (Item, error) {
	if err := i.holds(who, now); err != nil {
		return i, err
	}
	return i.freed(), nil
}

// Touch lengthens the time of whoever has the item: they are at work on it.
func (i Item) Touch(who string, now time.Time, p journey.ReviewPolicy) (Item, error) {
	if err := i.holds(who, now); err != nil {
		return i, err
	}
	return i.touched(now, p), nil
}

// Decide takes a person's decision. One is enough where the policy says so. Else
// another person has to come to the same, unknowing; if not, the item is back where it was.
func (i Item) Decide(v Vote, now time.Time, p journey.ReviewPolicy) (Item, error) {
	if err := i.holds(v.Who, now); err != nil {
		return i, err
	}
	if i.votedBy(v.Who) {
		return i, errSamePerson()
	}
	if i.Checking {
		return i, errChecking()
	}
	if err := v.check(i.Corrected); err != nil {
		return i, err
	}
	v.At = now
	i = i.freed()
	i.Votes = append(slices.Clone(i.Votes), v)
	switch {
	case i.State == Second && !i.Votes[0].agrees(v):
		i.State, i.Flag, i.Votes = Waiting, Disagreed, nil
	case i.State == Waiting && p.TwoPersons:
		i.State = Second
	default:
		i.State, i.Leaves = Leaving, now.Add(max(0, p.Filled().Undo))
	}
	return i, nil
}

// Undo takes a decision back that has not left yet.
func (i Item) Undo(now time.Time) (Item, error) {
	if i.State != Leaving || !now.Before(i.Leaves) {
		return i, errGone()
	}
	return i.back(Undone), nil
}

// Correct notes that personal data was corrected: what was decided before was decided
// on other data, and the checks have to run again.
func (i Item) Correct(who string, fields []Field, now time.Time, p journey.ReviewPolicy) (Item, error) {
	if err := i.holds(who, now); err != nil {
		return i, err
	}
	if len(fields) == 0 {
		return i, errUnchanged()
	}
	i.State, i.Votes, i.Checking = Waiting, nil, true
	i.Corrected = slices.Clone(i.Corrected)
	for _, f := range fields {
		if !slices.Contains(i.Corrected, f) {
			i.Corrected = append(i.Corrected, f)
		}
	}
	return i.touched(now, p), nil
}

// Checked notes what the checks asked for after a correction.
func (i Item) Checked(findings []Finding) Item {
	i.Checking, i.Findings = false, findings
	return i
}

// Leave lets a decision out, if its time has come.
func (i Item) Leave(now time.Time) (Item, error) {
	if i.State != Leaving || now.Before(i.Leaves) {
		return i, errNotDue()
	}
	i.State = Done
	return i, nil
}

// Return puts an item whose decision could not leave back into the queue.
func (i Item) Return(why Flag, findings []Finding) Item {
	i.Findings = findings
	return i.back(why)
}

// Unseen gives the findings that nobody could know of who decided on this item.
func (i Item) Unseen(findings []Finding) []Finding {
	var fresh []Finding
	for _, f := range findings {
		if !slices.ContainsFunc(i.Findings, f.within) {
			fresh = append(fresh, f)
		}
	}
	return fresh
}

// Reopen puts a decision that is out back into the queue: what follows is a correction.
func (i Item) Reopen(now time.Time, p journey.ReviewPolicy) (Item, error) {
	if i.State != Done {
		return i, errNotDone()
	}
	i = i.back(Reopened)
	i.Opened, i.Due = now, now.Add(p.Filled().SLA)
	return i, nil
}

// Raise brings an item before people, whatever became of it, for a finding that came later. One that waits for them
// keeps its time and whoever has it.
func (i Item) Raise(why Flag, f Finding, now time.Time, p journey.ReviewPolicy) Item {
	if !slices.ContainsFunc(i.Findings, f.within) {
		i.Findings = append([]Finding{f}, i.Findings...)
	}
	if i.State == Waiting {
		i.Flag = why
		return i
	}
	again := i.State == Done
	i = i.back(why)
	if again {
		i.Opened, i.Due = now, now.Add(p.Filled().SLA)
	}
	return i
}

// Grade says how an item stands to its time.
type Grade string

// The grades.
const (
	InTime Grade = "in-time"
	Soon   Grade = "soon" // four fifths of the time are over
	Late   Grade = "late"
)

// Clock tells how much time an item has left, negative when it is late, and its grade.
func (i Item) Clock(now time.Time) (time.Duration, Grade) {
	left, whole := i.Due.Sub(now), i.Due.Sub(i.Opened)
	switch {
	case left < 0:
		return left, Late
	case left < whole/5:
		return left, Soon
	}
	return left, InTime
}

func (i Item) holds(who string, now time.Time) error {
	switch {
	case i.State != Waiting && i.State != Second:
		return errNotOpen()
	case who == "" || i.HeldBy(now) != who:
		return errNotHeld(i.HeldBy(now))
	}
	return nil
}

func (i Item) votedBy(who string) bool {
	return slices.ContainsFunc(i.Votes, func(v Vote) bool { return v.Who == who })
}

func (i Item) touched(now time.Time, p journey.ReviewPolicy) Item {
	i.Lease = now.Add(p.Filled().Lease)
	return i
}

func (i Item) freed() Item {
	i.Holder, i.Lease = "", time.Time{}
	return i
}

func (i Item) back(why Flag) Item {
	i = i.freed()
	i.State, i.Flag, i.Votes, i.Leaves = Waiting, why, nil, time.Time{}
	return i
}
