package review

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"vestibule/journey"
)

// MaxText bounds a comment in letters.
const MaxText = 2000

// Vote is one person's decision. Its texts are kept elsewhere: they may name people.
type Vote struct {
	Who      string           `json:"who"`
	At       time.Time        `json:"at"`
	Decision journey.Decision `json:"decision"`         // Approved or Rejected
	Reason   journey.Reason   `json:"reason,omitempty"` // of a rejection
	Code     string           `json:"code,omitempty"`   // of a rejection: the contract's comment code
	Act      string           `json:"act"`              // where its texts are kept

	// Comment is for the person and Internal for the house. Neither is kept with the vote.
	Comment  string `json:"-"`
	Internal string `json:"-"`
}

// agrees reports whether two people came to the same decision, for the same reason.
func (v Vote) agrees(w Vote) bool {
	return v.Decision == w.Decision && v.Reason == w.Reason && v.Code == w.Code
}

// check holds a decision against what the contract knows.
func (v Vote) check(corrected []Field) error {
	for _, text := range []string{v.Comment, v.Internal} {
		if err := checkText(text); err != nil {
			return err
		}
	}
	switch v.Decision {
	case journey.Approved:
		if v.Reason != "" || v.Code != "" {
			return errMalformed("an approval has neither a reason nor a code")
		}
		return nil
	case journey.Rejected:
	default:
		return errMalformed("people approve or reject")
	}
	if !slices.ContainsFunc(Codes(), func(c Code) bool { return c.Code == v.Code }) {
		return errCode()
	}
	if _, ok := journey.LookupReason(journey.Rejected, v.Reason); !ok {
		return errMalformed("the contract has no such reason of a rejection")
	}
	if v.Code == journey.FinalRejectIDInfoNotOfAge.Code && !slices.Contains(corrected, Birth) {
		return errNotCorrected()
	}
	if v.Code == journey.FinalRejectOther.Code && strings.TrimSpace(v.Comment) == "" {
		return errNoComment()
	}
	return nil
}

func checkText(text string) error {
	if utf8.RuneCountInString(text) > MaxText || !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool {
		return r < 0x20 && r != '\n' && r != '\r' && r != '\t' || r == 0x7f
	}) {
		return errText()
	}
	return nil
}

// Code is a comment code that a reviewer may give, and the reason that goes with it.
type Code struct {
	Code   string
	Text   string // what the person reads where the reviewer writes nothing
	Reason journey.Reason
}

// Codes gives the comment codes of a rejection in the contract's order.
//
// One is left out: id_info_blacklist says that a reviewer corrected the document's
// issuer, which is not among what can be corrected. The contract does not tie codes to
// reasons. Where the table of reasons proposes the code, that reason goes with it; the
// rest are ours: what is wrong with a picture of the document, with the data, or with the
// number of tries has a reason of its own; what is left is a rule of the project.
func Codes() []Code {
	proposed := map[string]journey.Reason{}
	for _, r := range journey.Reasons() {
		if r.Decision == journey.Rejected && r.CommentCode != "" {
			proposed[r.CommentCode] = r.Reason
		}
	}
	var all []Code
	for _, c := range journey.Codes() {
		if c.Key.Step != journey.StepFinal || c.Key.Kind != journey.Reject || c.Key == journey.FinalRejectIDInfoBlacklist {
			continue
		}
		reason, ok := proposed[c.Key.Code]
		if !ok {
			switch c.Key {
			case journey.FinalRejectIDImageInvalidID, journey.FinalRejectIDImageError, journey.FinalRejectIDImageBadImage:
				reason = journey.ReasonIDImageInvalid
			case journey.FinalRejectIDInfoNotOfAge:
				reason = journey.ReasonAgeLimit
			case journey.FinalRejectTimeout:
				reason = journey.ReasonRetryExhausted
			default:
				reason = journey.ReasonCustomPolicy
			}
		}
		all = append(all, Code{c.Key.Code, c.Text(nil), reason})
	}
	return all
}

// ReasonOf gives the reason that goes with a code, and nothing for an unknown one.
func ReasonOf(code string) journey.Reason {
	for _, c := range Codes() {
		if c.Code == code {
			return c.Reason
		}
	}
	return ""
}
