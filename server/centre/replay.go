package centre

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"vestibule/journey"
	"vestibule/server/decide"
	"vestibule/server/rule"
	"vestibule/server/store"
	"vestibule/server/vault"
	"vestibule/sync/wire"
)

// Input is what a decision rests on besides its Record: the personal data. It is kept
// encrypted, as it stood when the decision fell.
type Input struct {
	Submission journey.Submission                  `cbor:"1,keyasint"` // without the face's template, which no rule looks at
	Kiosk      map[journey.EventName]journey.Event `cbor:"2,keyasint,omitempty"`
	FaceModel  string                              `cbor:"3,keyasint,omitempty"`
}

// InputContext binds an encrypted input to its decision.
func InputContext(decision string) string { return "input|" + decision }

func sealInput(v *vault.Vault, decision string, e decide.Evidence) ([]byte, error) {
	in := Input{Submission: e.Submission, Kiosk: e.Kiosk, FaceModel: e.FaceModel}
	in.Submission.Face = nil
	plain, err := wire.Marshal(in)
	if err != nil {
		return nil, fmt.Errorf("encode decision's input: %w", err)
	}
	sealed, err := v.Seal(plain, InputContext(decision))
	if err != nil {
		return nil, fmt.Errorf("encrypt decision's input: %w", err)
	}
	return sealed, nil
}

// Replayed is one stored decision, made again.
type Replayed struct {
	ID         string // of the decision, and of its event
	Session    string
	Submission string
	Stored     Answer
	Now        Answer
	// Problem says why it could not be made again; Now is empty then.
	Problem string
	// Unknown names the look-ups that the policy asks for and that were not made at the time: what they
	// would have said nobody knows.
	Unknown []string
}

// Answer is what a decision came to.
type Answer struct {
	Decision    journey.Decision
	Reason      journey.Reason
	CommentCode string
	Rule        string
	Fired       []decide.Fired
}

func answerOf(o decide.Outcome) Answer {
	return Answer{Decision: o.Decision, Reason: o.Reason, CommentCode: o.CommentCode, Rule: o.Rule, Fired: o.Fired}
}

// What may keep a decision from being made again.
const (
	ProblemNoInput    = "no-input"         // decided by a release that kept none
	ProblemUnreadable = "input-unreadable" // does not open under the centre's key, or was altered
	ProblemRecord     = "record-unreadable"
)

// Differs names what is not as it was; empty: nothing.
func (r Replayed) Differs() []string {
	var out []string
	for _, f := range []struct {
		name      string
		was, came string
	}{
		{"decision", string(r.Stored.Decision), string(r.Now.Decision)},
		{"reason", string(r.Stored.Reason), string(r.Now.Reason)},
		{"comment", r.Stored.CommentCode, r.Now.CommentCode},
		{"rule", r.Stored.Rule, r.Now.Rule},
		{"fired", firedText(r.Stored.Fired), firedText(r.Now.Fired)},
	} {
		if f.was != f.came {
			out = append(out, f.name+": "+f.was+" → "+f.came)
		}
	}
	return out
}

func firedText(list []decide.Fired) string {
	words := make([]string, len(list))
	for i, f := range list {
		words[i] = f.Check + "=" + string(f.Ground.Decision) + "/" + string(f.Ground.Reason)
	}
	return strings.Join(words, " ")
}

// replayBatch is how many decisions are read at once.
const replayBatch = 200

// Replay makes stored decisions again, oldest first, and tells each. Under a nil policy each is made under
// its own. What tell returns as an error ends it.
func Replay(ctx context.Context, r store.Reader, v *vault.Vault, f store.DecisionFilter, under *journey.Policy, tell func(Replayed) error) error {
	engine := rule.New()
	var after store.Decision
	for {
		list, err := r.Replayables(ctx, f, after, replayBatch)
		if err != nil {
			return fmt.Errorf("read decisions: %w", err)
		}
		for _, d := range list {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := tell(again(ctx, v, engine, d, under)); err != nil {
				return err
			}
			after = d.Decision
		}
		if len(list) < replayBatch {
			return nil
		}
	}
}

// again makes one decision again.
func again(ctx context.Context, v *vault.Vault, engine *rule.Engine, d store.Replayable, under *journey.Policy) Replayed {
	out := Replayed{ID: d.ID, Session: d.Session, Submission: d.Submission}
	out.Stored.Decision, out.Stored.Reason = d.Decision.Decision, d.Reason
	var record Record
	if err := json.Unmarshal(d.Record, &record); err != nil {
		out.Problem = ProblemRecord
		return out
	}
	out.Stored.CommentCode, out.Stored.Rule, out.Stored.Fired = record.CommentCode, record.Rule, record.Fired
	if d.Input == nil {
		out.Problem = ProblemNoInput
		return out
	}
	var in Input
	plain, err := v.Open(d.Input, InputContext(d.ID))
	if err == nil {
		err = wire.Unmarshal(plain, &in)
	}
	if err != nil {
		out.Problem = ProblemUnreadable
		return out
	}
	policy := record.Policy
	if under != nil {
		policy = *under
		out.Unknown = unmade(record, in, policy)
	}
	e := decide.Evidence{Submission: in.Submission, Kiosk: in.Kiosk, Recheck: record.Recheck, FaceModel: in.FaceModel}
	lookups := record.Lookups
	lookups.Rules = nil
	if len(policy.Rules) > 0 && in.Submission.State == journey.SubmissionComplete {
		set, _ := engine.Compile(policy.Rules)
		lookups.Rules = set.Judge(ctx, rule.Of(e, policy, lookups))
		if under == nil {
			keepTimeouts(lookups.Rules, record.Lookups.Rules)
		}
	}
	out.Now = answerOf(decide.Decide(e, policy, lookups))
	return out
}

// keepTimeouts takes over what depended on the machine's haste: that a rule took too long.
func keepTimeouts(now, then []decide.Ruled) {
	for i := range now {
		for _, t := range then {
			if t.Rule == now[i].Rule && t.Problem == rule.ProblemTime {
				now[i] = t
			}
		}
	}
}

// unmade names the look-ups that a policy asks for and that the one of the time left out.
func unmade(record Record, in Input, policy journey.Policy) []string {
	if in.Submission.State != journey.SubmissionComplete {
		return nil // ended on the kiosk: neither policy looks anything up
	}
	var out []string
	then := record.Policy
	if policy.Recheck && !then.Recheck {
		out = append(out, "recheck")
	}
	if policy.AML.Screen && !then.AML.Screen {
		out = append(out, "aml.screen")
	}
	suspects := func(p journey.Policy) bool {
		return p.Duplicates.Suspected == journey.SuspectedNote || p.Duplicates.Suspected == journey.SuspectedHold
	}
	if suspects(policy) && !record.Lookups.SuspectsAsked {
		out = append(out, "duplicates.suspected")
	}
	lowest := func(p journey.Policy) float64 { return min(p.Duplicates.FaceReview, p.Duplicates.FaceCertain) }
	if policy.Duplicates.Face && (!then.Duplicates.Face || record.Lookups.FaceEvaluated && lowest(policy) < lowest(then)) {
		out = append(out, "duplicates.face")
	}
	flash := func(s journey.LivenessSignal) bool { return s.Name == "flash" }
	if policy.Liveness.Flash && !then.Liveness.Flash && !slices.ContainsFunc(in.Submission.Liveness.Signals, flash) {
		out = append(out, "liveness.flash")
	}
	if policy.Liveness.Active && !then.Liveness.Active && !in.Submission.Liveness.ActiveRan {
		out = append(out, "liveness.active")
	}
	if len(policy.FaceAge.Conditions) > 0 && len(in.Submission.FaceAges) == 0 {
		out = append(out, "faceAge")
	}
	return out
}
