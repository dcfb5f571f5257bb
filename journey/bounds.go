package journey

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Bound is what a figure of a policy may be. A * in the pointer stands for every place of a list.
type Bound struct {
	Pointer  string  // JSON pointer (RFC 6901)
	Min, Max float64 // both are allowed; durations in nanoseconds
	Above    bool    // Min itself is not allowed
	Time     bool    // a duration
}

// PolicyBounds gives the range of every figure of a policy: the contract's scales, and else what is neither
// a slip of the pen nor a trap for people (starting values, unmeasured).
func PolicyBounds() []Bound {
	const second, hour = float64(time.Second), float64(time.Hour)
	return []Bound{
		{Pointer: "/minAge", Max: 130},
		{Pointer: "/maxAttempts", Min: 1, Max: 100},
		{Pointer: "/minRecognition", Max: 100},
		{Pointer: "/minSimilarity", Max: 100, Above: true}, // a kiosk takes no policy that lets every face pass
		{Pointer: "/minLiveness", Max: 100, Above: true},
		{Pointer: "/faceAge/conditions/*/custom", Max: 150},
		{Pointer: "/faceAge/extendLow", Max: 100},
		{Pointer: "/faceAge/extendHigh", Max: 100},
		{Pointer: "/liveness/frames", Min: 5, Max: 100},
		{Pointer: "/liveness/challenges", Max: 4},
		{Pointer: "/liveness/limit", Min: second, Max: 120 * second, Time: true},
		{Pointer: "/duplicates/piiPeriod", Max: 100 * 365 * 24 * hour, Time: true},
		{Pointer: "/duplicates/localPeriod", Max: 366 * 24 * hour, Time: true},
		{Pointer: "/duplicates/faceMinHits", Min: 1, Max: 1000},
		{Pointer: "/duplicates/faceCertain", Max: 1, Above: true},
		{Pointer: "/duplicates/faceReview", Max: 1, Above: true},
		{Pointer: "/aml/flag", Max: 100},
		{Pointer: "/aml/maxAge", Max: 10 * 365 * 24 * hour, Time: true},
		{Pointer: "/recheckShare", Max: 100},
		{Pointer: "/aml/wait", Max: 30 * 24 * hour, Time: true},
		{Pointer: "/review/undo", Min: -1, Max: 24 * hour, Time: true}, // below 0: nothing can be undone
		{Pointer: "/review/lease", Max: 24 * hour, Time: true},
		{Pointer: "/review/sla", Max: 365 * 24 * hour, Time: true},
		// 0 is no limit; Check wants else an hour at least: less would take away what people still look at.
		{Pointer: "/retention/pictures", Max: 100 * 365 * 24 * hour, Time: true},
		{Pointer: "/retention/face", Max: 100 * 365 * 24 * hour, Time: true},
		{Pointer: "/retention/sealed", Max: 100 * 365 * 24 * hour, Time: true},
		{Pointer: "/retention/personal", Max: 100 * 365 * 24 * hour, Time: true},
		{Pointer: "/silenceLimit", Max: 24 * hour, Time: true},
		{Pointer: "/offlineLimit", Max: 365 * 24 * hour, Time: true},
		{Pointer: "/screenLimit", Min: second, Max: hour, Time: true},
		{Pointer: "/resultShown", Min: second, Max: hour, Time: true},
	}
}

// Holds says whether a figure is within the bound.
func (b Bound) Holds(v float64) bool {
	return !math.IsNaN(v) && (v > b.Min || v == b.Min && !b.Above) && v <= b.Max
}

// String says what is allowed, for people.
func (b Bound) String() string {
	text := func(v float64) string {
		if b.Time {
			return time.Duration(v).String()
		}
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	if b.Above {
		return "more than " + text(b.Min) + ", at most " + text(b.Max)
	}
	return text(b.Min) + " to " + text(b.Max)
}

// PolicyProblem is one thing that is wrong with a policy, and where.
type PolicyProblem struct {
	Pointer string // JSON pointer (RFC 6901)
	Message string
}

func (p PolicyProblem) Error() string { return p.Pointer + ": " + p.Message }

// Bounds of a policy's lists and texts.
const (
	maxIssuers = 300
	maxCameras = 32
)

// policyCheck collects problems.
type policyCheck struct {
	found  []PolicyProblem
	bounds map[string]Bound
}

func (c *policyCheck) say(pointer, format string, args ...any) {
	c.found = append(c.found, PolicyProblem{pointer, fmt.Sprintf(format, args...)})
}

// figure holds a figure against its bound. at is the place of a list that * stands for.
func (c *policyCheck) figure(pointer string, v float64, at ...int) {
	b := c.bounds[pointer]
	for _, i := range at {
		pointer = strings.Replace(pointer, "*", strconv.Itoa(i), 1)
	}
	if !b.Holds(v) {
		c.say(pointer, "must be %s", b)
	}
}

// oneOf wants a value to be one of a few.
func oneOf[T ~string](c *policyCheck, pointer string, v T, of ...T) {
	if slices.Contains(of, v) {
		return
	}
	names := make([]string, len(of))
	for i, o := range of {
		names[i] = string(o)
	}
	c.say(pointer, "must be one of %s", strings.Join(names, ", "))
}

// Check tells everything that is wrong with a policy, in the order of the file. It does not read the
// conditions of rules: whoever judges them does.
func (p Policy) Check() []PolicyProblem {
	c := &policyCheck{bounds: map[string]Bound{}}
	for _, b := range PolicyBounds() {
		c.bounds[b.Pointer] = b
	}
	for _, f := range []struct{ pointer, value string }{{"/version", p.Version}, {"/project", p.Project}} {
		if f.value == "" || !isToken(f.value) {
			c.say(f.pointer, "must be 1 to %d letters, digits or -_.:+/@", MaxID)
		}
	}
	c.lists(p)
	c.figure("/minAge", float64(p.MinAge))
	c.figure("/maxAttempts", float64(p.MaxAttempts))
	c.figure("/minRecognition", p.MinRecognition)
	c.figure("/minSimilarity", p.MinSimilarity)
	c.figure("/minLiveness", p.MinLiveness)
	c.faceAge(p.FaceAge)
	if p.Document.Tilt && !p.Document.Genuineness {
		c.say("/document/tilt", "needs document.genuineness")
	}
	c.liveness(p.Liveness)
	c.figure("/duplicates/piiPeriod", float64(p.Duplicates.PIIPeriod))
	c.figure("/duplicates/localPeriod", float64(p.Duplicates.LocalPeriod))
	c.figure("/duplicates/faceMinHits", float64(p.Duplicates.FaceMinHits))
	c.figure("/duplicates/faceCertain", p.Duplicates.FaceCertain)
	c.figure("/duplicates/faceReview", p.Duplicates.FaceReview)
	if p.Duplicates.FaceReview > p.Duplicates.FaceCertain {
		c.say("/duplicates/faceReview", "must not be above faceCertain")
	}
	if p.Duplicates.Suspected != "" {
		oneOf(c, "/duplicates/suspected", p.Duplicates.Suspected, SuspectedOff, SuspectedNote, SuspectedHold)
	}
	if p.Duplicates.Local != "" {
		oneOf(c, "/duplicates/local", p.Duplicates.Local, LocalOff, LocalNote)
	}
	c.figure("/aml/flag", p.AML.Flag)
	c.figure("/aml/maxAge", float64(p.AML.MaxAge))
	if p.RecheckOf != "" { // as in policies from before there was a choice
		oneOf(c, "/recheckOf", p.RecheckOf, RecheckAll, RecheckSample, RecheckStale)
	}
	c.figure("/recheckShare", p.RecheckShare)
	c.figure("/aml/wait", float64(p.AML.Wait))
	c.figure("/review/undo", float64(p.Review.Undo))
	c.figure("/review/lease", float64(p.Review.Lease))
	c.figure("/review/sla", float64(p.Review.SLA))
	for _, kind := range DataKinds() {
		limit, pointer := p.Retention.Limit(kind), "/retention/"+string(kind)
		c.figure(pointer, float64(limit))
		if limit > 0 && limit < time.Hour {
			c.say(pointer, "must be 0 for no limit, or at least 1h")
		}
	}
	c.rules(p.Rules)
	c.figure("/silenceLimit", float64(p.SilenceLimit))
	c.figure("/offlineLimit", float64(p.OfflineLimit))
	c.figure("/screenLimit", float64(p.ScreenLimit))
	c.figure("/resultShown", float64(p.ResultShown))
	return c.found
}

func (c *policyCheck) lists(p Policy) {
	for i, t := range p.AcceptedTypes {
		oneOf(c, fmt.Sprintf("/acceptedTypes/%d", i), t, Passport, GovernmentID, DriversLicense)
	}
	for _, l := range []struct {
		pointer string
		codes   []string
	}{{"/acceptedIssuers", p.AcceptedIssuers}, {"/blockedIssuers", p.BlockedIssuers}} {
		if len(l.codes) > maxIssuers {
			c.say(l.pointer, "has more than %d entries", maxIssuers)
			continue
		}
		for i, code := range l.codes {
			if !isIssuer(code) {
				c.say(fmt.Sprintf("%s/%d", l.pointer, i), "must be a code of an issuing state as ICAO Doc 9303 writes it: one to three capitals")
			}
		}
	}
	for i, code := range p.BlockedIssuers {
		if slices.Contains(p.AcceptedIssuers, code) {
			c.say(fmt.Sprintf("/blockedIssuers/%d", i), "is also accepted")
		}
	}
}

func isIssuer(s string) bool {
	return len(s) >= 1 && len(s) <= 3 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

func (c *policyCheck) faceAge(p FaceAgePolicy) {
	before := len(c.found)
	for i, a := range p.Conditions {
		if i == 64 {
			break // Validate says that there are too many
		}
		at := fmt.Sprintf("/faceAge/conditions/%d", i)
		oneOf(c, at+"/target", a.Target, "low", "high", "median")
		oneOf(c, at+"/operator", a.Operator, "gte", "gt", "lte", "lt")
		if a.Custom != nil {
			c.figure("/faceAge/conditions/*/custom", *a.Custom, i)
		}
	}
	c.figure("/faceAge/extendLow", p.ExtendLow)
	c.figure("/faceAge/extendHigh", p.ExtendHigh)
	if err := p.Validate(); err != nil && len(c.found) == before {
		c.say("/faceAge", "%s", strings.TrimPrefix(err.Error(), "faceAge: "))
	}
}

func (c *policyCheck) liveness(p LivenessPolicy) {
	c.figure("/liveness/frames", float64(p.Frames))
	c.figure("/liveness/challenges", float64(p.Challenges))
	for i, a := range p.Allowed {
		oneOf(c, fmt.Sprintf("/liveness/allowed/%d", i), a, TurnLeft, TurnRight, LookUp, Blink)
		if slices.Contains(p.Allowed[:i], a) {
			c.say(fmt.Sprintf("/liveness/allowed/%d", i), "stands there twice")
		}
	}
	if p.Active && (p.Challenges < 1 || len(p.Allowed) == 0) {
		c.say("/liveness/active", "needs challenges, and movements that are allowed")
	}
	c.figure("/liveness/limit", float64(p.Limit))
	if len(p.Cameras) > maxCameras {
		c.say("/liveness/cameras", "has more than %d entries", maxCameras)
		return
	}
	for i, name := range p.Cameras {
		if name == "" || !isText(name, MaxPath) {
			c.say(fmt.Sprintf("/liveness/cameras/%d", i), "must be 1 to %d printable bytes", MaxPath)
		}
	}
}

func (c *policyCheck) rules(rules []Rule) {
	if len(rules) > MaxRules {
		c.say("/rules", "has more than %d entries", MaxRules)
	}
	seen := map[string]bool{}
	for i, r := range rules[:min(len(rules), MaxRules)] {
		at := fmt.Sprintf("/rules/%d", i)
		switch {
		case !isRuleName(r.Name):
			c.say(at+"/name", "must be 1 to %d small letters, digits or -", MaxRuleName)
		case seen[r.Name]:
			c.say(at+"/name", "is another rule's too")
		}
		seen[r.Name] = true
		if strings.TrimSpace(r.When) == "" || len(r.When) > MaxRuleWhen {
			c.say(at+"/when", "must be a condition of 1 to %d bytes", MaxRuleWhen)
		}
		oneOf(c, at+"/then", r.Then, RuleHold, RuleReject)
		if !isText(r.Comment, MaxRuleComment) {
			c.say(at+"/comment", "must be at most %d printable bytes", MaxRuleComment)
		}
	}
}

func isRuleName(s string) bool {
	return s != "" && len(s) <= MaxRuleName && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}
