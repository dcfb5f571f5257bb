package check

import (
	"strconv"

	"vestibule/journey"
)

// Verdict is one check's outcome, ready to become an event.
type Verdict struct {
	Event  journey.EventName
	Result journey.Result
	Impact journey.Impact // what the person experiences: NONE unless it failed
	Reason journey.Reason // for which the centre may reject or hold
	Code   journey.CodeKey
	Detail map[string]string // scores and identifiers, never personal data
}

// Action is what follows from a step's verdicts.
type Action string

// The three actions.
const (
	Accept Action = "accept" // the step is done
	Again  Action = "again"  // capture once more, if attempts are left
	Block  Action = "block"  // trying again with this person and document changes nothing
)

// Ruling is what follows from all verdicts of a step, and the one that says why.
type Ruling struct {
	Action Action
	Why    Verdict // zero with Accept
}

// Rule weighs the verdicts of one step. A block goes over a retake, because it
// only arises from a reading that was trusted; among retakes the one that the
// person can cure first goes first: a sharp picture before a complete one, a
// complete one before a correct one.
func Rule(verdicts []Verdict) Ruling {
	ruling := Ruling{Action: Accept}
	rank := len(cures())
	for _, v := range verdicts {
		switch {
		case v.Result != journey.Fail && v.Result != journey.Errored:
		case v.Impact == journey.ImpactBlocked:
			if ruling.Action != Block {
				ruling = Ruling{Block, v}
			}
		case v.Impact == journey.ImpactRetake && ruling.Action != Block:
			if r := cureRank(v.Code); ruling.Action == Accept || r < rank {
				ruling, rank = Ruling{Again, v}, r
			}
		}
	}
	return ruling
}

// cures lists the codes a person is asked to cure, the first to be named first.
func cures() []journey.CodeKey {
	return []journey.CodeKey{
		journey.Step1ErrorIDImageError,
		journey.Step1ErrorNotAnID,
		journey.Step1RetryPhysicalDocumentMissing,
		journey.Step1RetryImageTooBlurry,
		journey.Step1RetryGlareDetected,
		journey.Step1ErrorInvalidIDImage,
		journey.Step1RetryMRZProtocolFail,
		journey.Step1RetryBarcodeProtocolFail,
		journey.Step1RetryIDLivenessFail,
		journey.Step1RetryBlackWhiteDocument,
		journey.Step1RetryCheckDigitFailed,
		journey.Step1RetryMissingName,
		journey.Step1RetryMissingDocumentNumber,
		journey.Step1RetryMissingBirthDate,
		journey.Step1RetryMissingExpiryDate,
		journey.Step1RetryMissingIssueDate,
		journey.Step1RetryMissingPersonalNumber,
		journey.Step1RetryInvalidBackDocument,
		journey.Step1RetryDocumentNameMismatch,
		journey.Step1RetryDocumentDOBMismatch,
		journey.Step1RetryDocumentCountryMismatch,
		journey.Step1RetryTextForgery,
		journey.Step1ErrorIDDetectionError,
		journey.Step1RetryExpiredID,
		journey.Step1RetryDocumentExpired,
		journey.Step1ErrorInvalidIDType,
		journey.Step2RetryIdentityVerificationFail,

		journey.Step2RetryFaceDetectError,
		journey.Step2RetryNoFace,
		journey.Step2RetryLivenessError,
		journey.Step2RetryFaceCompareFail,
		journey.Step2RetryLivenessFail,
		journey.Step2RetryFaceCompareUnderscore,
	}
}

func cureRank(k journey.CodeKey) int {
	for i, c := range cures() {
		if c == k {
			return i
		}
	}
	return len(cures())
}

func passed(name journey.EventName, detail map[string]string) Verdict {
	return Verdict{Event: name, Result: journey.Pass, Impact: journey.ImpactNone, Detail: detail}
}

// skipped says that a check did not run, and why; it never stands for a pass.
func skipped(name journey.EventName, why string) Verdict {
	return Verdict{Event: name, Result: journey.Skipped, Impact: journey.ImpactNone, Detail: map[string]string{"why": why}}
}

func again(name journey.EventName, code journey.CodeKey, detail map[string]string) Verdict {
	return Verdict{Event: name, Result: journey.Fail, Impact: journey.ImpactRetake, Code: code, Detail: detail}
}

func blocked(name journey.EventName, reason journey.Reason, code journey.CodeKey, detail map[string]string) Verdict {
	return Verdict{Event: name, Result: journey.Fail, Impact: journey.ImpactBlocked, Reason: reason, Code: code, Detail: detail}
}

// score writes a 0..100 score the way all details do: one decimal.
func score(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }

// ratio writes a ratio with two decimals.
func ratio(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) }
