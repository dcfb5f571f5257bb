package journey

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// ErrInvalidEvent is wrapped by every error of Event.Validate.
var ErrInvalidEvent = errors.New("invalid event")

// Bounds of an event. They leave room above what a kiosk writes, and keep one
// event well under the size of a frame.
const (
	MaxID          = 64   // bytes of an id, a name or a version
	MaxPath        = 128  // bytes of a screen path
	MaxCauses      = 64   //
	MaxModels      = 32   //
	MaxDetail      = 32   // entries
	MaxDetailKey   = 64   // bytes
	MaxDetailValue = 512  // bytes
	MaxDetailTotal = 8192 // bytes of all keys and values
	MaxAttempt     = 1000
)

// Validate reports whether an event may enter a journal. It holds an event that
// came from elsewhere against the catalogue and the bounds:
//
//   - the name is the contract's, an addition of ours, or at least carries one of our prefixes;
//   - the source is the catalogue's, and the origin is one that may say it: only the
//     server speaks decisions and what else is the centre's alone, only a kiosk what its
//     screen saw (the server may repeat any check, since it re-runs what it can);
//   - a decision names its submission, a reason that exists under it, and is not provisional;
//   - a check that passed hindered nobody; a kiosk rejects or holds only provisionally,
//     and never approves;
//   - times are in order and can be written down; texts are short, printable UTF-8.
//
// Errors name the field, never its content, which may be anything.
func (e Event) Validate() error {
	for _, check := range []func() error{
		e.validateIdentity, e.validateName, e.validateOutcome, e.validateDecision, e.validateTime, e.validateLists,
	} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvalidEvent, fmt.Sprintf(format, args...))
}

func (e Event) validateIdentity() error {
	for _, f := range []struct {
		name, value string
		required    bool
	}{
		{"id", e.ID, true},
		{"kiosk", e.Kiosk, true},
		{"session", e.Session, false},
		{"submission", e.Submission, false},
		{"policy", e.Policy, false},
	} {
		if f.value == "" && f.required {
			return invalid("%s is missing", f.name)
		}
		if !isToken(f.value) {
			return invalid("%s is not an identifier of at most %d bytes", f.name, MaxID)
		}
	}
	if e.Seq == 0 {
		return invalid("seq counts from 1")
	}
	return nil
}

func (e Event) validateName() error {
	if e.Source != FE && e.Source != BE {
		return invalid("source is neither FE nor BE")
	}
	switch e.Origin {
	case OriginKioskUI, OriginAgent, OriginServer:
	default:
		return invalid("origin is unknown")
	}
	entry, known := Lookup(e.Name)
	switch {
	case !known:
		if !isName(string(e.Name)) {
			return invalid("name is unknown")
		}
		switch {
		case strings.HasPrefix(string(e.Name), KioskPrefix) && e.Origin != OriginServer:
		case strings.HasPrefix(string(e.Name), CentrePrefix) && e.Origin == OriginServer:
		default:
			return invalid("name is unknown")
		}
		return nil
	case entry.Source != e.Source:
		return invalid("%s is of source %s", e.Name, entry.Source)
	case e.Origin == OriginServer:
		ownOfKiosk := strings.HasPrefix(string(e.Name), KioskPrefix)
		if !entry.EmittedBy(OriginServer) && (entry.Source == FE || ownOfKiosk) {
			return invalid("%s is seen at a kiosk only", e.Name)
		}
	case entry.ServerOnly():
		return invalid("%s is the centre's alone", e.Name)
	}
	if e.Session == "" && !entry.outsideVisits() {
		return invalid("%s belongs to a session", e.Name)
	}
	return nil
}

// outsideVisits reports whether the event may happen while nobody is at the kiosk.
func (e Entry) outsideVisits() bool {
	switch e.Stage {
	case StageScreen, StageCamera, StageGuard:
		return true
	}
	return strings.HasPrefix(string(e.Name), KioskPrefix)
}

func (e Event) validateOutcome() error {
	switch e.Result {
	case Pass, Fail, Skipped, Errored, Observed:
	default:
		return invalid("result is unknown")
	}
	switch e.Impact {
	case ImpactNone, ImpactBlocked, ImpactRetake, ImpactPending, ImpactRejected, ImpactApproved, ImpactCompleted:
	default:
		return invalid("impact is unknown")
	}
	if e.IsDecision() {
		return nil
	}
	if (e.Result == Pass || e.Result == Skipped) && e.hindered() {
		return invalid("%s did not fail, yet its impact is %s", e.Name, e.Impact)
	}
	if e.Origin != OriginServer {
		switch e.Impact {
		case ImpactApproved:
			return invalid("a kiosk approves nothing")
		case ImpactRejected, ImpactPending:
			if !e.Provisional {
				return invalid("a kiosk rejects or holds provisionally only")
			}
		}
	}
	return nil
}

// IsDecision reports whether the event is one of the three final decisions.
func (e Event) IsDecision() bool {
	switch e.Name {
	case EventApproved, EventRejected, EventPending:
		return true
	}
	return false
}

// hindered reports whether the event stood in the person's way.
func (e Event) hindered() bool {
	switch e.Impact {
	case ImpactBlocked, ImpactRetake, ImpactPending, ImpactRejected:
		return true
	}
	return false
}

func (e Event) validateDecision() error {
	if !e.IsDecision() {
		if e.Reason != "" && !isName(string(e.Reason)) {
			return invalid("reason is not an identifier")
		}
		return nil
	}
	entry, _ := Lookup(e.Name)
	switch {
	case e.Submission == "":
		return invalid("%s without a submission", e.Name)
	case e.Provisional:
		return invalid("%s is final", e.Name)
	case e.Impact != entry.Impact:
		return invalid("%s with an impact other than %s", e.Name, entry.Impact)
	}
	if e.Name == EventApproved {
		if e.Reason != "" {
			return invalid("an approval has no reason")
		}
		return nil
	}
	if _, ok := LookupReason(Decision(e.Name), e.Reason); !ok {
		return invalid("%s without a reason of its own", e.Name)
	}
	return nil
}

func (e Event) validateTime() error {
	for _, t := range []time.Time{e.Started, e.Ended} {
		// A kiosk whose clock has died says 1970; JSON and SQL end at 9999.
		if year := t.Year(); year < 1970 || year > 9998 {
			return invalid("times must lie between 1970 and 9998")
		}
	}
	if e.Ended.Before(e.Started) {
		return invalid("ended before it started")
	}
	switch e.Clock {
	case "", ClockTrusted, ClockUnknown, ClockUntrusted:
	default:
		return invalid("clock confidence is unknown")
	}
	return nil
}

func (e Event) validateLists() error {
	if e.Attempt < 0 || e.Attempt > MaxAttempt {
		return invalid("attempt is out of range")
	}
	if e.Path != "" && (e.Path[0] != '/' || !isText(e.Path, MaxPath)) {
		return invalid("path is not a screen path of at most %d bytes", MaxPath)
	}
	if !e.Code.IsZero() {
		if err := validateCode(e.Code); err != nil {
			return err
		}
	}
	if len(e.Causes) > MaxCauses {
		return invalid("more than %d causes", MaxCauses)
	}
	for _, c := range e.Causes {
		if c == "" || !isToken(c) {
			return invalid("a cause is not an id")
		}
		if c == e.ID {
			return invalid("an event cannot cause itself")
		}
	}
	if len(e.Models) > MaxModels {
		return invalid("more than %d models", MaxModels)
	}
	for name, version := range e.Models {
		if name == "" || !isText(name, MaxID) || !isText(version, MaxPath) {
			return invalid("a model's name or version is too long or not printable")
		}
	}
	if len(e.Detail) > MaxDetail {
		return invalid("detail has more than %d entries", MaxDetail)
	}
	total := 0
	for key, value := range e.Detail {
		if key == "" || !isText(key, MaxDetailKey) || !isText(value, MaxDetailValue) {
			return invalid("an entry of detail is too long or not printable")
		}
		total += len(key) + len(value)
	}
	if total > MaxDetailTotal {
		return invalid("detail is larger than %d bytes", MaxDetailTotal)
	}
	return nil
}

func validateCode(k CodeKey) error {
	switch k.Step {
	case Step1, Step2, StepFinal, StepGetAnswer:
	default:
		return invalid("code's step is unknown")
	}
	switch k.Kind {
	case Retry, Error, Reject:
	default:
		return invalid("code's kind is unknown")
	}
	if k.Code == "" || !isToken(k.Code) {
		return invalid("code is not an identifier")
	}
	return nil
}

// isToken accepts what ids, names and versions are made of, the empty one included.
func isToken(s string) bool {
	if len(s) > MaxID {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case c == '-', c == '_', c == '.', c == ':', c == '+', c == '/', c == '@':
		default:
			return false
		}
	}
	return true
}

// isName accepts names in capitals, digits and underscores.
func isName(s string) bool {
	if s == "" || len(s) > MaxID {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return true
}

// isText accepts UTF-8 without control characters; databases refuse some of them.
func isText(s string, limit int) bool {
	if len(s) > limit || !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if r < ' ' || r == 0x7f {
			return false
		}
	}
	return true
}
