package decide

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vestibule/journey"
)

func TestWhatPeopleDecidedGoesOverTheRules(t *testing.T) {
	rules := Outcome{
		Decision: journey.Pending, Reason: journey.ReasonCustomPolicy, Rule: "aml.hold",
		Fired: []Fired{{Check: CheckCustom, Ground: journey.Ground{Decision: journey.Pending, Reason: journey.ReasonCustomPolicy}}},
		Events: []journey.Event{
			{ID: CheckPII, Name: journey.EventPIIDuplicatePeriodCheck, Result: journey.Pass},
			{ID: CheckCustom, Name: journey.EventCustomPolicyEvaluation, Result: journey.Fail},
			{ID: DecisionEvent, Name: journey.EventPending},
			{ID: CollectionEvent, Name: journey.EventFaceCollectionAdd},
		},
	}
	for name, c := range map[string]struct {
		human  Human
		model  string
		names  []journey.EventName
		causes []string // of the decision
		detail map[string]string
		code   journey.CodeKey
	}{
		"an approval rests on the person and on what passed": {
			Human{Who: []string{"anna", "bob"}, Decision: journey.Approved, Overrode: journey.Ground{Decision: journey.Pending, Reason: journey.ReasonCustomPolicy}, Event: "held"},
			"m",
			[]journey.EventName{journey.EventPIIDuplicatePeriodCheck, journey.EventCustomPolicyEvaluation, journey.CentreReviewed, journey.EventApproved, journey.EventFaceCollectionAdd},
			[]string{ReviewedEvent, CheckPII},
			map[string]string{"reviewer": "anna, bob", "overrode": "PENDING CUSTOM_POLICY"},
			journey.CodeKey{},
		},
		"without a face none joins the collection": {
			Human{Who: []string{"anna"}, Decision: journey.Approved},
			"",
			[]journey.EventName{journey.EventPIIDuplicatePeriodCheck, journey.EventCustomPolicyEvaluation, journey.CentreReviewed, journey.EventApproved},
			[]string{ReviewedEvent, CheckPII},
			map[string]string{"reviewer": "anna"},
			journey.CodeKey{},
		},
		"a rejection has its code, and a face never joins": {
			Human{
				Who: []string{"anna"}, Decision: journey.Rejected, Reason: journey.ReasonIDInfoMismatch, Code: "id_info_dataMismatch",
				Overrode: journey.Ground{Decision: journey.Approved}, Corrected: []string{"birth", "number"}, Correction: true,
			},
			"m",
			[]journey.EventName{journey.EventPIIDuplicatePeriodCheck, journey.EventCustomPolicyEvaluation, journey.CentreReviewed, journey.EventRejected},
			[]string{ReviewedEvent},
			map[string]string{"reviewer": "anna", "overrode": "APPROVED", "corrected": "birth number", "correction": "true"},
			journey.FinalRejectIDInfoDataMismatch,
		},
	} {
		t.Run(name, func(t *testing.T) {
			out := rules.Overruled(c.human, "sub", "p1", c.model)
			require.Equal(t, c.human.Decision, out.Decision)
			require.Equal(t, c.human.Reason, out.Reason)
			require.Equal(t, c.human.Code, out.CommentCode)
			require.Equal(t, rules.Fired, out.Fired)
			var names []journey.EventName
			for _, e := range out.Events {
				names = append(names, e.Name)
				switch e.ID {
				case ReviewedEvent:
					require.Equal(t, c.detail, e.Detail)
					require.Equal(t, c.human.Event != "", len(e.Causes) == 1)
				case DecisionEvent:
					require.Equal(t, c.causes, e.Causes)
					require.Equal(t, c.code, e.Code)
					require.Equal(t, "sub", e.Submission)
				}
			}
			require.Equal(t, c.names, names)
			require.Len(t, rules.Events, 4, "the rules' outcome stays as it was")
		})
	}
}
