package visitor

import (
	"strconv"

	"vestibule/agent"
	"vestibule/journey"
	"vestibule/models"
)

// Note is one thing a screen notes in the journey.
type Note struct {
	Name   journey.EventName
	Path   string
	Detail map[string]string
}

// Notes tells what a screen would have shown between two states of one visit.
func Notes(prev, next agent.State, language string) []Note {
	if next.Session == "" {
		return nil
	}
	if prev.Session != next.Session {
		prev = agent.State{}
	}
	var out []Note
	add := func(name journey.EventName, detail ...string) {
		n := Note{Name: name, Path: next.Path}
		for i := 0; i+1 < len(detail); i += 2 {
			if n.Detail == nil {
				n.Detail = map[string]string{}
			}
			n.Detail[detail[i]] = detail[i+1]
		}
		out = append(out, n)
	}
	entered := prev.Session == "" || prev.Step != next.Step || prev.Path != next.Path
	again := !next.Retake.IsZero() && (prev.Retake != next.Retake || prev.Attempt != next.Attempt || entered && prev.Step != "")
	document := prev.Step == agent.StepDocument || prev.Step == agent.StepReading || prev.Step == agent.StepReview
	face := prev.Step == agent.StepSelfie || prev.Step == agent.StepChecking
	over := next.Step == agent.StepResult && next.Outcome != nil
	exhausted := over && next.Outcome.Exhausted

	switch {
	case document && next.Step == agent.StepSelfie:
		add(journey.EventStep1Result, "result", "pass")
	case document && next.Step == agent.StepDocument && again:
		add(journey.EventStep1Result, "result", "recapture", "code", next.Retake.Code)
	case document && exhausted:
		add(journey.EventStep1Result, "result", "fail")
	case document && over:
		add(journey.EventStep1Result, "result", "received")
	case face && next.Step == agent.StepChecking && prev.Step == agent.StepSelfie:
		add(journey.EventSubmitStep2)
	case face && (over || next.Step == agent.StepSelfie && again):
		if prev.Step == agent.StepSelfie {
			add(journey.EventSubmitStep2)
		}
		result := "received"
		switch {
		case exhausted:
			result = "fail"
		case !over:
			result = "recapture"
		case next.Outcome.Decided:
			result = "decided"
		}
		add(journey.EventGetLivenessResult, "result", result)
		add(journey.EventStep2Result, "result", result)
	}
	if entered {
		add(journey.EventStepView, "language", language)
		switch next.Step {
		case agent.StepDocument:
			add(journey.EventCameraRequested, "role", "document")
		case agent.StepSelfie:
			add(journey.EventCameraRequested, "role", "face")
			add(journey.EventCreateLivenessSession, "attempt", strconv.Itoa(max(1, next.Attempt)))
		case agent.StepResult:
			add(journey.EventFinalPageView)
			add(journey.KioskReceiptShown)
			if exhausted {
				add(journey.KioskStaffHelpOffered)
			}
		case agent.StepError:
			code := ""
			if next.Problem != nil {
				code = next.Problem.Code
			}
			add(journey.EventErrorPageViewed, "code", code)
		}
	}
	if again && next.Step == agent.StepDocument {
		add(journey.EventIDDocumentRetry, "by", "agent", "code", next.Retake.Code)
	}
	if next.Hint != models.HintNone && next.Hint != prev.Hint && (next.Step == agent.StepDocument || next.Step == agent.StepSelfie) {
		add(journey.EventTipDialogShown, "hint", string(next.Hint))
	}
	if next.Asking && !prev.Asking {
		add(journey.EventPageHidden, "why", "no-touch")
		add(journey.EventAlertShown, "text", "asking", "language", language)
	}
	if prev.Asking && !next.Asking {
		add(journey.EventPageVisible)
	}
	return out
}
