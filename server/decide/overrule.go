package decide

import (
	"slices"
	"strings"

	"vestibule/journey"
)

// ReviewedEvent is the skeleton of what people did.
const ReviewedEvent = "reviewed"

// Human is what people decided.
type Human struct {
	Who        []string // one, or two who agree
	Decision   journey.Decision
	Reason     journey.Reason
	Code       string         // comment code of a rejection
	Overrode   journey.Ground // what was decided before
	Event      string         // id of the event of that decision; may be empty
	Corrected  []string       // names of fields
	Correction bool           // what was decided before had left already
}

// Overruled gives the outcome with the word of people over what the rules came to. What
// fired stays as it is: it is what they decided on. On an approval without a model of
// the face, none joins the collection.
func (o Outcome) Overruled(h Human, submission, policy, faceModel string) Outcome {
	out := Outcome{Decision: h.Decision, Reason: h.Reason, CommentCode: h.Code, Rule: "review", Fired: o.Fired}
	for _, e := range o.Events {
		if e.ID != DecisionEvent && e.ID != CollectionEvent {
			out.Events = append(out.Events, e)
		}
	}
	reviewed := journey.Event{
		ID: ReviewedEvent, Name: journey.CentreReviewed, Source: journey.BE, Origin: journey.OriginServer,
		Result: journey.Observed, Impact: journey.ImpactNone,
		Detail: map[string]string{"reviewer": strings.Join(h.Who, ", ")},
	}
	if h.Overrode.Decision != "" {
		reviewed.Detail["overrode"] = strings.TrimSpace(string(h.Overrode.Decision) + " " + string(h.Overrode.Reason))
	}
	if len(h.Corrected) > 0 {
		reviewed.Detail["corrected"] = strings.Join(h.Corrected, " ")
	}
	if h.Correction {
		reviewed.Detail["correction"] = "true"
	}
	if h.Event != "" {
		reviewed.Causes = []string{h.Event}
	}
	decision := journey.Event{
		ID: DecisionEvent, Source: journey.BE, Origin: journey.OriginServer, Submission: submission, Reason: h.Reason,
		Result: journey.Observed, Policy: policy, Causes: []string{ReviewedEvent}, Detail: map[string]string{"rule": out.Rule},
	}
	switch h.Decision {
	case journey.Approved:
		decision.Name, decision.Impact = journey.EventApproved, journey.ImpactApproved
		for _, e := range out.Events {
			if e.Result == journey.Pass {
				decision.Causes = append(decision.Causes, e.ID)
			}
		}
	default:
		decision.Name, decision.Impact = journey.EventRejected, journey.ImpactRejected
		decision.Code = journey.CodeKey{Step: journey.StepFinal, Kind: journey.Reject, Code: h.Code}
	}
	out.Events = append(slices.Clone(out.Events), reviewed, decision)
	if h.Decision == journey.Approved && faceModel != "" {
		out.Events = append(out.Events, journey.Event{
			ID: CollectionEvent, Name: journey.EventFaceCollectionAdd, Source: journey.BE, Origin: journey.OriginServer,
			Result: journey.Observed, Impact: journey.ImpactNone, Detail: map[string]string{"model": faceModel}, Causes: []string{DecisionEvent},
		})
	}
	return out
}
