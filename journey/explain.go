package journey

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Role says what an event is to an explanation.
type Role string

// The roles, in the order in which a journey is read.
const (
	RoleDecision Role = "decision" // what was decided, and its reason
	RoleCheck    Role = "check"    // a BE event that stood in the way
	RoleScreen   Role = "screen"   // an FE event that shows what the person saw
)

// Link says how an event came into an explanation.
type Link string

// The links.
const (
	LinkOutcome Link = "outcome" // the outcome itself
	LinkCause   Link = "cause"   // named through causes
	LinkStep    Link = "step"    // no causes were recorded: the check of that reason, or of that step
)

// ChainLink is one event of an explanation.
type ChainLink struct {
	Role    Role      `json:"role"`
	Link    Link      `json:"link"`
	Event   string    `json:"event"` // id
	Name    EventName `json:"name"`
	Origin  Origin    `json:"origin"`
	Result  Result    `json:"result"`
	Impact  Impact    `json:"impact"`
	Reason  Reason    `json:"reason,omitempty"`
	Code    CodeKey   `json:"code,omitzero"`
	Path    string    `json:"path,omitempty"`
	Attempt int       `json:"attempt,omitempty"`
	Text    string    `json:"text"` // what it says, as a clause
}

// Explanation tells why a journey ended as it did.
type Explanation struct {
	Sentence string        `json:"sentence"`
	Status   SessionStatus `json:"status"`
	Decision Decision      `json:"decision,omitempty"`
	Reason   Reason        `json:"reason,omitempty"`
	Chain    []ChainLink   `json:"chain"`
}

// Explain tells why a journey ended as it did, or where it stands.
//
// It reads in the contract's order: the final decision and its reason; then the BE
// events that hindered the person and led there; then the FE events that show what
// the person saw. What led where is told by causes alone. Checks run at the same
// time, so neither the order of events nor their times say anything about it, and
// neither is looked at: the same events in any order give the same explanation.
// Only where a decision names no causes are the checks of its reason taken instead,
// and marked as such.
//
// Silence is not judged here; see ExplainAt.
func Explain(events []Event) Explanation {
	return ExplainAt(events, time.Time{}, 0)
}

// ExplainAt is Explain with a clock for the status; see Status for now and silenceLimit.
func ExplainAt(events []Event, now time.Time, silenceLimit time.Duration) Explanation {
	x := newExplainer(events)
	x.status = Status(events, now, silenceLimit)
	out := Explanation{Status: x.status, Chain: []ChainLink{}}
	var outcome Event
	if verdict, ok := decisive(x.centre); ok {
		outcome = verdict
		out.Decision, out.Reason = Decision(verdict.Name), verdict.Reason
		out.Chain = append(out.Chain, x.link(RoleDecision, LinkOutcome, verdict))
	} else {
		outcome = x.undecided()
	}
	checks := x.checks(outcome)
	for _, c := range checks {
		out.Chain = append(out.Chain, x.link(RoleCheck, c.link, c.Event))
	}
	screens := x.screens(outcome, checks)
	for _, s := range screens {
		out.Chain = append(out.Chain, x.link(RoleScreen, s.link, s.Event))
	}
	if out.Decision != "" {
		out.Sentence = x.decided(outcome, checks, screens)
	} else {
		out.Sentence = x.open(outcome, checks, screens)
	}
	return out
}

// explainer holds one journey while it is read.
type explainer struct {
	kiosk, centre []Event
	byID          map[string]Event
	effects       map[string][]Event // cause id → events that name it
	status        SessionStatus
}

type linked struct {
	Event
	link Link
}

func newExplainer(events []Event) *explainer {
	x := &explainer{byID: make(map[string]Event), effects: make(map[string][]Event)}
	x.kiosk, x.centre = sides(events)
	for _, side := range [][]Event{x.centre, x.kiosk} {
		for _, e := range side {
			x.byID[e.ID] = e
			for _, c := range e.Causes {
				x.effects[c] = append(x.effects[c], e)
			}
		}
	}
	return x
}

// undecided gives the event at which a journey without a decision stands: how it
// ended, else what last hindered it. The zero Event when there is none.
func (x *explainer) undecided() Event {
	var ended, hindered Event
	for _, e := range x.kiosk {
		switch e.Name {
		case EventErrorPageViewed, KioskRetryExhausted, KioskConsentRefused:
			ended = e
		case KioskVisitStopped, KioskVisitTimedOut, KioskVisitRecovered:
			if ended.Name != EventErrorPageViewed {
				ended = e
			}
		case EventSessionReused, EventFrontSessionResumed:
			ended = Event{}
		}
		if e.Source == BE && e.hindered() {
			hindered = e
		}
	}
	switch {
	case ended.Name == EventErrorPageViewed && x.status != StatusError:
		return hindered // the visit went on after that page
	case ended.ID != "":
		return ended
	}
	return hindered
}

// checks follows causes back from an outcome and gives the BE events that stood in
// the way, nearest first.
func (x *explainer) checks(outcome Event) []linked {
	if outcome.ID == "" {
		return nil
	}
	var found []linked
	if !outcome.IsDecision() && outcome.Source == BE {
		found = append(found, linked{outcome, LinkOutcome})
	}
	if outcome.Name != EventApproved {
		for _, e := range x.causesOf(outcome) {
			if e.Source == BE && !e.IsDecision() && (e.failed() || e.hindered()) {
				found = append(found, linked{e, LinkCause})
			}
		}
	}
	if len(found) > 0 || !outcome.IsDecision() {
		return found
	}
	if outcome.Name == EventApproved {
		return nil
	}
	for _, name := range checksOf(outcome.Reason) {
		for _, e := range slices.Concat(x.centre, x.kiosk) {
			if e.Name == name && (e.failed() || e.hindered()) {
				found = append(found, linked{e, LinkStep})
			}
		}
	}
	return found
}

// causesOf gives everything an event goes back to, nearest first, each once. It
// does not look behind a check that passed: what failed before that was overcome.
func (x *explainer) causesOf(e Event) []Event {
	seen := map[string]bool{e.ID: true}
	var all []Event
	for level := []Event{e}; len(level) > 0; {
		var next []Event
		for _, effect := range level {
			if effect.ID != e.ID && (effect.Result == Pass || effect.Result == Skipped) {
				continue
			}
			for _, id := range effect.Causes {
				cause, known := x.byID[id]
				if known && !seen[id] {
					seen[id] = true
					next = append(next, cause)
				}
			}
		}
		slices.SortStableFunc(next, bySideAndSequence)
		all = append(all, next...)
		level = next
	}
	return all
}

// bySideAndSequence only makes a listing of equals repeatable. The centre comes first.
func bySideAndSequence(a, b Event) int {
	switch {
	case a.Origin == OriginServer && b.Origin != OriginServer:
		return -1
	case a.Origin != OriginServer && b.Origin == OriginServer:
		return 1
	}
	return bySequence(a, b)
}

// screens gives the FE events tied to an outcome and its checks: what they name as
// causes, and what names them. Without any, the page on which the journey ended.
func (x *explainer) screens(outcome Event, checks []linked) []linked {
	var found []linked
	seen := make(map[string]bool)
	add := func(e Event, l Link) {
		if e.Source == FE && !e.IsDecision() && !seen[e.ID] {
			seen[e.ID] = true
			found = append(found, linked{e, l})
		}
	}
	if outcome.Source == FE {
		add(outcome, LinkOutcome)
	}
	spine := []Event{outcome}
	for _, c := range checks {
		spine = append(spine, c.Event)
	}
	for _, e := range spine {
		if e.ID == "" {
			continue
		}
		for _, id := range e.Causes {
			add(x.byID[id], LinkCause)
		}
		for _, effect := range x.effects[e.ID] {
			add(effect, LinkCause)
		}
	}
	for _, e := range slices.Backward(x.kiosk) {
		if e.Name == EventFinalPageView || e.Name == EventErrorPageViewed && x.status == StatusError {
			add(e, LinkStep)
			break
		}
	}
	return found
}

func (e Event) failed() bool { return e.Result == Fail || e.Result == Errored }

func (x *explainer) link(role Role, how Link, e Event) ChainLink {
	return ChainLink{
		Role: role, Link: how, Event: e.ID, Name: e.Name, Origin: e.Origin, Result: e.Result,
		Impact: e.Impact, Reason: e.Reason, Code: e.Code, Path: e.Path, Attempt: e.Attempt, Text: clause(e),
	}
}

// decided is the sentence on a journey with a decision.
func (x *explainer) decided(verdict Event, checks, screens []linked) string {
	var s strings.Builder
	switch verdict.Name {
	case EventApproved:
		if x.reviewed(verdict) {
			s.WriteString("Approved by a person who looked at it")
		} else {
			s.WriteString("Approved: nothing stood against it")
		}
		if retakes := x.retakes(); retakes != "" {
			s.WriteString(". Done again on the way: " + retakes)
		}
	case EventRejected:
		s.WriteString("Rejected (" + string(verdict.Reason) + ")")
	case EventPending:
		s.WriteString("Held for a person to look at (" + string(verdict.Reason) + ")")
	}
	if verdict.Name != EventApproved {
		because := ""
		if r, ok := LookupReason(Decision(verdict.Name), verdict.Reason); ok {
			because = r.Meaning
			s.WriteString(" because " + because)
		}
		if found := tally(checks, because); found != "" {
			s.WriteString(": " + found)
		}
	}
	s.WriteString(".")
	if x.reviewed(verdict) && verdict.Name != EventApproved {
		s.WriteString(" A reviewer decided this.")
	}
	if before := x.earlier(verdict); before != "" {
		s.WriteString(" Before that it was " + before + ".")
	}
	s.WriteString(x.seen(screens))
	return s.String()
}

// open is the sentence on a journey without a decision.
func (x *explainer) open(outcome Event, checks, screens []linked) string {
	var s strings.Builder
	found := tally(checks)
	where := ""
	if path := lastPath(x.kiosk); path != "" {
		where = " at " + path
	}
	switch x.status {
	case StatusCompleted:
		s.WriteString("Completed at the kiosk")
		if outcome.Name == KioskRetryExhausted {
			s.WriteString(", where one step failed as often as the policy allows")
			if cause := tally(checks, clause(outcome)); cause != "" {
				s.WriteString(": " + cause)
			}
			s.WriteString(". The centre has not decided yet")
			break
		}
		s.WriteString("; the centre has not decided yet")
	case StatusError:
		s.WriteString("Ended on an error page")
		if outcome.Path != "" {
			where = " at " + outcome.Path
		}
		s.WriteString(where)
		if found == "" {
			found = x.trouble(outcome)
		}
		if found != "" {
			s.WriteString(" because " + found)
		}
	case StatusDropped:
		switch outcome.Name {
		case KioskVisitStopped:
			s.WriteString("Stopped" + where)
		case KioskVisitTimedOut:
			s.WriteString("Left" + where + ": nobody touched the screen")
		case KioskConsentRefused:
			s.WriteString("Ended because the person did not agree to the terms")
		case KioskVisitRecovered:
			s.WriteString("Given up after a power cut or a crash" + where)
		default:
			s.WriteString("Dropped" + where)
		}
		if last := x.unsolved(); last != "" {
			s.WriteString("; unsolved until then: " + last)
		}
	default:
		s.WriteString("Under way" + where)
		if found != "" && !x.overcome(outcome) {
			s.WriteString("; " + found)
		}
	}
	if Reached(slices.Concat(x.kiosk, x.centre)) == SegmentPre && (x.status == StatusDropped || x.status == StatusError) {
		s.WriteString("; the document was never captured")
	}
	s.WriteString(".")
	if x.status == StatusCompleted {
		s.WriteString(x.seen(screens))
	}
	return s.String()
}

// retakes tells what had to be done again before it passed.
func (x *explainer) retakes() string {
	var list []linked
	for _, e := range x.kiosk {
		if e.Source == BE && e.Impact == ImpactRetake {
			list = append(list, linked{e, LinkStep})
		}
	}
	return tally(list)
}

// unsolved tells which retakes of the last attempted check were never followed by a pass.
func (x *explainer) unsolved() string {
	var list []linked
	for _, e := range x.kiosk {
		if e.Source == BE && (e.hindered() || e.failed()) && !x.overcome(e) &&
			e.Name != KioskVisitRecovered && e.Name != KioskRetryExhausted {
			list = append(list, linked{e, LinkStep})
		}
	}
	return tally(list)
}

// overcome reports whether the same check passed in a later attempt.
func (x *explainer) overcome(e Event) bool {
	for _, later := range x.kiosk {
		if later.Name == e.Name && later.Seq > e.Seq && later.Result == Pass {
			return true
		}
	}
	return false
}

// trouble tells what failed on the screen's side of an error page.
func (x *explainer) trouble(page Event) string {
	var list []linked
	for _, e := range x.causesOf(page) {
		if e.failed() || e.hindered() {
			list = append(list, linked{e, LinkCause})
		}
	}
	if len(list) == 0 && !page.Code.IsZero() {
		return clause(page)
	}
	return tally(list)
}

// reviewed reports whether a person stands behind a decision.
func (x *explainer) reviewed(verdict Event) bool {
	for _, e := range x.causesOf(verdict) {
		if e.Name == CentreReviewed {
			return true
		}
	}
	return false
}

// earlier tells of the decisions that another replaced, in the centre's sequence.
func (x *explainer) earlier(verdict Event) string {
	said := map[EventName]string{EventApproved: "approved", EventRejected: "rejected", EventPending: "held"}
	var list []string
	for _, e := range x.centre {
		if !e.IsDecision() || e.ID == verdict.ID {
			continue
		}
		text := said[e.Name]
		if e.Reason != "" {
			text += " (" + string(e.Reason) + ")"
		}
		list = append(list, text)
	}
	return join(list, "then")
}

// seen tells what the person saw at the end.
func (x *explainer) seen(screens []linked) string {
	for _, s := range screens {
		switch s.Name {
		case EventFinalPageView:
			return " The person saw the final page."
		case EventErrorPageViewed:
			return " The person saw an error page."
		}
	}
	switch x.status {
	case StatusDropped:
		return " The person had left before."
	case StatusCompleted, StatusError, StatusInProgress:
	}
	return ""
}

// tally puts clauses together in the order given, each once and with its count.
// When kiosk and centre say the same, it happened once. What the listener knows
// already is left out.
func tally(list []linked, known ...string) string {
	var texts []string
	count := make(map[string]map[Origin]int)
	for _, l := range list {
		if len(list) > 1 && (l.Name == KioskRetryExhausted || l.Name == EventCustomPolicyEvaluation && l.Code.IsZero() && ownRule(l.Event) == "") {
			continue // what it stands on says more
		}
		text := clause(l.Event)
		if slices.Contains(known, text) {
			continue
		}
		if count[text] == nil {
			count[text] = make(map[Origin]int)
			texts = append(texts, text)
		}
		count[text][l.Origin]++
	}
	const most = 3
	rest := max(0, len(texts)-most)
	texts = texts[:len(texts)-rest]
	for i, text := range texts {
		n := 0
		for _, c := range count[text] {
			n = max(n, c)
		}
		if n > 1 {
			texts[i] = fmt.Sprintf("%s (%d times)", text, n)
		}
	}
	if rest > 0 {
		texts = append(texts, fmt.Sprintf("%d more", rest))
	}
	return join(texts, "and")
}

// join puts "a, b and c" together.
func join(list []string, last string) string {
	switch len(list) {
	case 0:
		return ""
	case 1:
		return list[0]
	}
	n := len(list) - 1
	return strings.Join(list[:n], ", ") + " " + last + " " + list[n]
}

// clause is what an event says, fit to stand inside a sentence: the text of its
// code where it has one, else a decision's reason, else what the failure of that
// check means, else what the catalogue says.
func clause(e Event) string {
	if c, ok := LookupVariant(e.Code, e.Detail[DetailVariant]); ok {
		return inSentence(c.Text(e.Detail))
	}
	if r, ok := LookupReason(Decision(e.Name), e.Reason); ok {
		return r.Meaning
	}
	if e.Name == EventAMLCheck && e.Detail[DetailWhy] == WhyListTooOld {
		return "a sanctions list is too old to clear anybody by it"
	}
	if name := ownRule(e); name != "" && e.Result == Errored {
		return "the project's rule " + name + " could not be judged"
	} else if name != "" && e.failed() {
		return "the project's rule " + name + " was hit"
	}
	if (e.failed() || e.hindered()) && !e.IsDecision() {
		if e.Result == Errored && e.Source == BE && !e.isBreakdown() {
			return string(e.Name) + " could not be carried out"
		}
		if text := failure(e.Name); text != "" {
			return text
		}
		if e.Source == BE {
			return string(e.Name) + " did not pass"
		}
	}
	if entry, ok := Lookup(e.Name); ok {
		return inSentence(entry.Meaning)
	}
	return string(e.Name)
}

// DetailWhy is the key of an event's detail that tells why a check came to nothing, and
// WhyListTooOld its value where a sanctions list is older than the policy lets one be.
const (
	DetailWhy     = "why"
	WhyListTooOld = "list-too-old"
)

// ownRule gives the name of the project's own rule that an event is about.
func ownRule(e Event) string {
	name, ok := strings.CutPrefix(e.Detail["rule"], "rules.")
	if !ok || e.Name != EventCustomPolicyEvaluation {
		return ""
	}
	return name
}

// isBreakdown reports whether the event itself means that something broke, rather
// than a check whose outcome stayed unknown.
func (e Event) isBreakdown() bool {
	switch e.Name {
	case KioskWorkerRestarted, KioskCameraStalled, KioskSelfTest, KioskVisitRecovered, KioskClosed:
		return true
	}
	return false
}

// inSentence takes a sentence's full stop and its capital away. A word that is
// written in capitals keeps them.
func inSentence(s string) string {
	s = strings.TrimSuffix(s, ".")
	if len(s) > 1 && s[0] >= 'A' && s[0] <= 'Z' && (s[1] == ' ' || s[1] >= 'a' && s[1] <= 'z') {
		return strings.ToLower(s[:1]) + s[1:]
	}
	return s
}

// failure says what it means that a check did not pass.
func failure(name EventName) string {
	switch name {
	case EventCheckpointHashCheck:
		return "the resume code was not accepted"
	case EventTokenValidationCheck:
		return "the token was not accepted"
	case EventPeriodCheck, EventDuplicateSubmissionPeriodCheck:
		return "the same person handed in too recently"
	case EventPacketAbuseCheck:
		return "records arrived that were used before"
	case EventTurnstileTokenCheck:
		return "no person was found at the kiosk"
	case EventIPRiskCheck:
		return "the kiosk speaks from another network than its own"
	case EventRateLimitCheck:
		return "there were too many visits in too short a time"
	case EventDeviceVerification, KioskSelfTest:
		return "the kiosk's test of itself failed"
	case EventDeviceValidationRecorded:
		return "the centre does not accept the kiosk's report about itself"
	case EventFingerprintCheck:
		return "the kiosk's identity is not unique"
	case EventFingerprintSubmissionLinked:
		return "the submission is not signed by the kiosk that sent it"
	case EventAPIError:
		return "a part of the kiosk failed"
	case EventCameraPermissionDenied:
		return "the camera may not be used"
	case EventCameraError, KioskCameraStalled:
		return "the camera failed"
	case KioskScannerError:
		return "the scanner failed"
	case KioskWorkerRestarted:
		return "the vision worker had to be started again"
	case EventRegionalValidation:
		return "the document's issuer does not fit the kiosk's country"
	case EventIDRecognition:
		return "the document could not be read"
	case EventIDLivenessVerification:
		return "the document did not prove to be a physical one"
	case EventRecognitionScoreEvaluation:
		return "the reading was not certain enough"
	case EventAgeVerification:
		return "the age could not be verified or is not allowed"
	case EventMRZValidation:
		return "the machine readable lines do not hold together"
	case EventBarcodeValidation:
		return "the barcode could not be read"
	case EventBlacklistCountryEvaluation:
		return "the issuer is blocked"
	case EventExpiredIDCheck:
		return "the document's validity is over"
	case KioskAcceptedDocumentCheck, CentreAcceptedDocumentCheck:
		return "the document's kind or issuer is not accepted"
	case KioskFrontBackCheck:
		return "the two sides do not belong to one document"
	case KioskImageQualityCheck:
		return "the picture was not good enough"
	case EventTransferFrequencyLimitCheck:
		return "the day's limit of test transfers is used up"
	case EventBankOccupancyRequest, EventBankNameCheckRequest, EventBankAuthentication:
		return "the account could not be confirmed"
	case EventPIIDuplicatePeriodCheck:
		return "the same personal data came in before"
	case EventActiveLivenessVerification, KioskChallengeAsked:
		return "the movements asked for were not made"
	case KioskFlashCheck:
		return "the face did not reflect the colours of the screen"
	case KioskInjectionCheck:
		return "the pictures of the face did not come from the camera as a camera's do"
	case EventLivenessVerification:
		return "the face did not prove to be a living one"
	case EventFaceCompare:
		return "the selfie does not match the portrait of the document"
	case EventSelfieDuplicateCheck:
		return "the face resembles somebody approved already"
	case EventMexCURPVerification, KioskPersonalNumberCheck:
		return "the personal number cannot be this person's"
	case CentreFlashCheck:
		return "the colours of the screen were not held against the face"
	case CentreFaceAgeCheck:
		return "the face looks older or younger than the policy wants"
	case EventCodefVerification:
		return "the authorities' register does not confirm the document"
	case EventExpiryDateOfStayCheck:
		return "the permitted stay is over"
	case EventCountryCodeMatchCheck:
		return "the countries disagree"
	case EventCustomPolicyEvaluation:
		return "a rule of the project was hit"
	case EventDuplicateApprovedUserCheck:
		return "the same applicant was approved already"
	case EventAMLCheck, CentreRescreened:
		return "the person resembles an entry of a sanctions list"
	case EventAddressCollection:
		return "a proof of address is missing"
	case CentreRecheck:
		return "the centre read the evidence differently than the kiosk"
	case CentreRecheckDiffers:
		return "this kiosk and the centre read evidence differently too often"
	case CentreEvidenceCheck:
		return "the sealed evidence could not be verified"
	case CentreSuspectedDuplicateCheck:
		return "somebody came before whose data nearly agree"
	case CentreSupersededPassportCheck:
		return "the passport was voided or replaced"
	case CentreSequenceGap:
		return "records of the kiosk are missing or altered"
	case KioskRetryExhausted:
		return "one step failed as often as the policy allows"
	case KioskVisitRecovered:
		return "the visit could not be taken up after a crash"
	case KioskClosed:
		return "the kiosk took no visits"
	}
	return ""
}

// checksOf names the checks a reason stands on.
func checksOf(r Reason) []EventName {
	switch r {
	case ReasonRetryExhausted:
		return []EventName{KioskRetryExhausted}
	case ReasonAgeVerification, ReasonAgeLimit:
		return []EventName{EventAgeVerification}
	case ReasonBlacklistCountry:
		return []EventName{EventBlacklistCountryEvaluation}
	case ReasonInvalidAcceptedID:
		return []EventName{CentreAcceptedDocumentCheck, KioskAcceptedDocumentCheck}
	case ReasonPIIDuplicate:
		return []EventName{EventPIIDuplicatePeriodCheck}
	case ReasonSelfieDuplicate:
		return []EventName{EventSelfieDuplicateCheck}
	case ReasonSupersededPassport:
		return []EventName{CentreSupersededPassportCheck}
	case ReasonDuplicateUser:
		return []EventName{EventDuplicateApprovedUserCheck}
	case ReasonCustomPolicy:
		return []EventName{EventCustomPolicyEvaluation, EventAMLCheck}
	case ReasonAutomaticVerification:
		return []EventName{CentreRecheck, CentreEvidenceCheck}
	case ReasonBankTransferLimit:
		return []EventName{EventTransferFrequencyLimitCheck}
	case ReasonRegionalValidation:
		return []EventName{EventRegionalValidation}
	case ReasonIDImageInvalid, ReasonIDInfoMismatch:
		return []EventName{EventIDRecognition}
	case ReasonFaceNotDetected, ReasonLivenessFail:
		return []EventName{EventLivenessVerification, EventActiveLivenessVerification, KioskInjectionCheck}
	case ReasonCountryMismatch:
		return []EventName{EventCountryCodeMatchCheck}
	case ReasonFaceAgentReview:
		return []EventName{EventSelfieDuplicateCheck, EventFaceCompare, CentreRecheck, CentreFaceAgeCheck, CentreFlashCheck}
	case ReasonAddressCollection:
		return []EventName{EventAddressCollection}
	}
	return nil
}
