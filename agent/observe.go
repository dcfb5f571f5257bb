package agent

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"vestibule/journey"
)

// ErrNotObservable is returned by Observe for a name that a screen does not speak.
var ErrNotObservable = errors.New("not a screen's event")

// Bounds of what a screen may say at once.
const (
	maxDetail      = 12
	maxDetailKey   = 32
	maxDetailValue = 96
	maxPath        = 64
	maxObserved    = 400 // a visit; a screen that says more has run wild
)

// byCommand lists the names that a command already records: observing them too
// changes nothing.
func byCommand(name journey.EventName) bool {
	switch name {
	case journey.KioskConsentGiven, journey.KioskConsentRefused, journey.KioskLanguageChosen,
		journey.KioskDataConfirmed, journey.KioskDataCorrected, journey.KioskHandShutter,
		journey.KioskAskedIfPresent, journey.KioskVisitStopped, journey.KioskVisitTimedOut:
		return true
	}
	return false
}

// once lists the names that a visit has once only, however often the screen is drawn.
func once(name journey.EventName) bool {
	switch name {
	case journey.EventFrontSessionStart, journey.EventCreateFlow, journey.EventFinalPageView,
		journey.EventErrorPageViewed, journey.KioskReceiptShown:
		return true
	}
	return false
}

// ties says which of the agent's events a screen's event answers to.
func (v *visit) ties(name journey.EventName) []string {
	last := func(names ...journey.EventName) []string {
		for _, n := range names {
			if id := v.last[n]; id != "" {
				return []string{id}
			}
		}
		return nil
	}
	switch name {
	case journey.EventStep1Result, journey.EventStep2Result, journey.EventIDDocumentRetry, journey.EventGetLivenessResult:
		if len(v.Why) > 0 {
			return v.Why
		}
		if name == journey.EventStep1Result {
			return last(journey.KioskRetryExhausted, journey.EventStep1Completed)
		}
		if name == journey.EventStep2Result {
			return last(journey.KioskRetryExhausted, journey.EventStep2Completed)
		}
		return last(journey.EventStep2Completed)
	case journey.EventSubmitStep1:
		return last(journey.KioskDataConfirmed, journey.KioskDataCorrected)
	case journey.EventCreateLivenessSession:
		return last(journey.EventStep2Entered)
	case journey.EventCameraRequested:
		return last(journey.EventStep2Entered, journey.EventStep1Entered)
	case journey.EventFinalPageView, journey.KioskReceiptShown:
		return last(journey.KioskProvisionalOutcome)
	case journey.EventErrorPageViewed:
		return last(journey.EventCameraError, journey.EventCameraPermissionDenied, journey.EventRateLimitCheck)
	case journey.KioskStaffHelpOffered:
		return last(journey.KioskRetryExhausted)
	}
	if entry, ok := journey.Lookup(name); ok && entry.Pair != "" {
		return last(entry.Pair)
	}
	return nil
}

// observe records what the screen showed or did.
func (o *owner) observe(name journey.EventName, path string, detail map[string]string) error {
	entry, known := journey.Lookup(name)
	if !known || entry.Source != journey.FE || !entry.EmittedBy(journey.OriginKioskUI) {
		return fmt.Errorf("%w: %q", ErrNotObservable, name)
	}
	v := o.v
	if v == nil || v.paused {
		return ErrNotNow
	}
	if byCommand(name) || once(name) && v.last[name] != "" {
		return nil
	}
	if err := boundDetail(path, detail); err != nil {
		return err
	}
	if v.observed++; v.observed > maxObserved {
		return fmt.Errorf("%w: the screen observed too much in one visit", ErrNotNow)
	}
	ev := o.event(name, v.ties(name)...)
	if path != "" {
		ev.Path, ev.Attempt = path, v.attemptAt(path) // the visit may have gone on meanwhile
	}
	ev.Detail = detail
	switch name {
	case journey.EventFrontSessionStart:
		v.fronted = ev.Ended
	case journey.EventStep1Result, journey.EventStep2Result:
		switch detail["result"] {
		case "recapture", "fail":
			ev.Result, ev.Code = journey.Fail, v.Retake
			if v.Retake.IsZero() {
				ev.Code = v.FailedCode
			}
		default:
			ev.Result = journey.Pass
		}
	case journey.EventIDDocumentRetry:
		ev.Impact, ev.Code = journey.ImpactRetake, v.Retake
	case journey.EventErrorPageViewed:
		ev.Impact = journey.ImpactBlocked
	case journey.EventFinalPageView:
		ev.Impact = journey.ImpactCompleted
	case journey.EventAPIError:
		ev.Result = journey.Errored
	}
	if err := o.commitBy(o.store.WriteLast, nil, ev); err != nil {
		if v.Step != StepError {
			o.fail(problemOf(err))
		}
		return err
	}
	return nil
}

// attemptAt gives the number of the try that a screen belongs to.
func (v *visit) attemptAt(path string) int {
	switch {
	case strings.HasPrefix(path, "/document"):
		return v.Attempt1
	case strings.HasPrefix(path, "/selfie"):
		return v.Attempt2
	}
	return 0
}

func boundDetail(path string, detail map[string]string) error {
	if len(path) > maxPath || path != "" && path[0] != '/' || !printable(path) || len(detail) > maxDetail {
		return fmt.Errorf("%w: path or detail out of bounds", ErrNotObservable)
	}
	for k, value := range detail {
		if len(k) > maxDetailKey || len(value) > maxDetailValue || !printable(k) || !printable(value) {
			return fmt.Errorf("%w: detail out of bounds", ErrNotObservable)
		}
	}
	return nil
}

func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}
