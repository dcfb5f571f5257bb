package check

import (
	"strconv"
	"strings"
	"time"

	"vestibule/journey"
	"vestibule/models"
	"vestibule/models/face"
	"vestibule/models/face/injection"
)

// Active is how the requested movements went.
type Active struct {
	Ran     bool
	Asked   []journey.Challenge
	Score   float64 // 0..100
	Failed  string  // code of what went wrong, empty when all were done: timeout, face-lost, several-faces, other-face
	Started time.Time
	Ended   time.Time
}

// Step2 is everything the face's checks look at.
type Step2 struct {
	Frames   []models.Face // of the selfie, in the order taken
	Best     int           // the one that is kept; it is compared together with the others
	Looks    *models.Age   // how old the face of the best frame looks; nil: not measured
	Chip     *models.Face  // of the document's chip; nil: none
	Portrait *models.Face  // of the document; nil: none
	Head     *face.Head    // of this kiosk's calibration; nil: none
	Active   Active
	Lights   Lights
	// Injection is whether the frames came from the camera.
	Injection injection.Result
	Document  journey.DocumentData
	Person    journey.PersonData // as confirmed by the person
	Site      string
	Today     time.Time
	Clock     journey.ClockConfidence
	Policy    journey.Policy
}

// Measured holds the figures of STEP2 for the submission.
type Measured struct {
	Similarity float64 // 0..100
	Liveness   journey.LivenessData
	Face       *journey.FaceTemplate // of all frames that were compared; nil: none could be
}

// Check gives the verdicts of STEP2 and what was measured.
func (s Step2) Check() (Measured, []Verdict) {
	var m Measured
	best, found := s.best()
	liveness, passive, verdict := s.passive(found)
	m.Liveness = liveness
	active := s.active(&m.Liveness, found)
	injected := s.injection(found)
	lit, flashed := s.flash(found)
	s.fuse(&m.Liveness, passive, lit)
	compare := s.compare(best, found, &m)
	out := []Verdict{verdict, active, injected}
	if s.Policy.Liveness.Flash {
		out = append(out, flashed)
	}
	return m, append(out, compare, s.age(), s.countries())
}

func (s Step2) best() (models.Face, bool) {
	if s.Best < 0 || s.Best >= len(s.Frames) {
		return models.Face{}, false
	}
	f := s.Frames[s.Best]
	return f, f.Found
}

// fuse gives the final liveness from the signals that policy asks for.
func (s Step2) fuse(l *journey.LivenessData, passive, lit face.Reading) {
	rules := s.Policy.Liveness
	active := face.Reading{Signal: face.SignalActive, Needed: rules.Active, Ran: l.ActiveRan, Score: l.Active}
	if s.Active.Failed != "" {
		active.Why = []string{s.Active.Failed}
	}
	asked := func(by bool, r face.Reading) face.Reading {
		if !by {
			return face.Reading{Signal: r.Signal, Why: []string{"not-in-policy"}}
		}
		return r
	}
	f := face.Fuse(asked(rules.Passive, passive), asked(rules.Active, active), asked(rules.Injection, s.Injection.Reading(true)), asked(rules.Flash, lit))
	l.Score = f.Score
	for _, r := range f.Readings {
		l.Signals = append(l.Signals, journey.LivenessSignal{Name: string(r.Signal), Ran: r.Ran, Score: r.Score, Why: r.Why})
	}
}

// passive judges by face.Passive, which leaves out the frames that cannot be judged.
func (s Step2) passive(found bool) (journey.LivenessData, face.Reading, Verdict) {
	name := journey.EventLivenessVerification
	rules := s.Policy.Liveness
	p := face.Passive{Head: s.Head}
	for _, f := range s.Frames {
		p.Add(f)
	}
	reading := p.Reading(rules.Passive)
	mean, enough := p.Score()
	l := journey.LivenessData{
		Frames: p.Frames(), Quality: p.Quality(), Passive: mean, Probability: mean / 100,
		Calibrated: s.Head != nil && p.Frames() > 0,
	}
	if !found {
		return l, reading, again(name, journey.Step2RetryNoFace, nil)
	}
	detail := map[string]string{"frames": strconv.Itoa(l.Frames), "quality": score(l.Quality)}
	if p.Left() > 0 {
		detail["left"] = strconv.Itoa(p.Left()) // out: dark, blurred, turned, somebody else too
	}
	if hint := s.Frames[s.Best].Hint; hint != models.HintNone {
		detail["hint"] = string(hint)
		code, variant := face.Complaint(hint)
		if variant != "" {
			detail[journey.DetailVariant] = variant
		}
		return l, reading, again(name, code, detail)
	}
	if !rules.Passive {
		return l, reading, skipped(name, "not-in-policy")
	}
	detail["score"], detail["atLeast"] = score(l.Passive), score(s.Policy.MinLiveness)
	if l.Calibrated {
		detail["calibrated"] = "yes"
	}
	if !enough {
		return l, reading, again(name, journey.Step2RetryFaceDetectError, detail)
	}
	if l.Passive < s.Policy.MinLiveness {
		return l, reading, again(name, journey.Step2RetryLivenessFail, detail)
	}
	return l, reading, passed(name, detail)
}

// injection says whether the pictures came from the camera.
func (s Step2) injection(found bool) Verdict {
	name := journey.KioskInjectionCheck
	switch {
	case !s.Policy.Liveness.Injection:
		return skipped(name, "not-in-policy")
	case !found:
		return skipped(name, "no-face") // which is told already
	}
	r := s.Injection.Reading(true)
	detail := map[string]string{
		"frames": strconv.Itoa(s.Injection.Frames), "measured": strconv.Itoa(s.Injection.Measured), "atLeast": score(s.Policy.MinLiveness),
	}
	if len(r.Why) > 0 {
		detail["findings"] = strings.Join(r.Why, " ")
	}
	if !r.Ran {
		return again(name, journey.Step2RetryFaceDetectError, detail)
	}
	if detail["score"] = score(r.Score); r.Score < s.Policy.MinLiveness {
		return again(name, journey.Step2RetryLivenessFail, detail)
	}
	return passed(name, detail)
}

func (s Step2) active(l *journey.LivenessData, found bool) Verdict {
	name := journey.EventActiveLivenessVerification
	switch {
	case !s.Policy.Liveness.Active:
		return skipped(name, "not-in-policy")
	case !s.Active.Ran && !found:
		return skipped(name, "no-face") // which is told already
	case !s.Active.Ran: // asked for and not made: that is no pass
		return again(name, journey.Step2RetryFaceDetectError, map[string]string{"failed": "did-not-run"})
	}
	l.ActiveRan, l.Active = true, s.Active.Score
	for _, c := range s.Active.Asked {
		l.Challenges = append(l.Challenges, string(c))
	}
	detail := map[string]string{
		"score": score(s.Active.Score), "atLeast": score(s.Policy.MinLiveness),
		"challenges": strconv.Itoa(len(s.Active.Asked)),
	}
	if s.Active.Failed != "" || s.Active.Score < s.Policy.MinLiveness {
		if s.Active.Failed != "" {
			detail["failed"] = s.Active.Failed
		}
		return again(name, journey.Step2RetryLivenessFail, detail)
	}
	return passed(name, detail)
}

// age looks at the date of birth the person confirmed: a correction may change it.
func (s Step2) age() Verdict {
	v := ageVerdict(s.Person.Birth, s.Today, s.Clock, s.Policy)
	if v.Impact == journey.ImpactRetake { // a selfie cannot cure a date
		v.Result, v.Impact, v.Code = journey.Skipped, journey.ImpactNone, journey.CodeKey{}
		v.Detail = map[string]string{"why": "no-date"}
	}
	if v.Impact == journey.ImpactBlocked { // everything is captured: the centre decides on it
		v.Impact = journey.ImpactNone
	}
	// A hint for whoever reviews, never a verdict: networks misjudge people by many years.
	if years, ok := Age(s.Person.Birth, s.Today); ok && v.Result != journey.Skipped && face.AgeConflicts(s.Looks, float64(years)) {
		v.Detail["looks"] = "another-age"
	}
	return v
}

// countries compares the four: where the kiosk stands, who issued the document,
// the nationality in its zone, and the one the person confirmed.
func (s Step2) countries() Verdict {
	name := journey.EventCountryCodeMatchCheck
	if !s.Policy.CountryMatch {
		return skipped(name, "not-in-policy")
	}
	declared := s.Person.Nationality
	detail := map[string]string{"site": s.Site, "issuer": s.Document.IssuingCountry}
	for _, c := range []string{s.Document.IssuingCountry, s.Document.Person.Nationality, declared} {
		if c != s.Site {
			return Verdict{
				Event: name, Result: journey.Fail, Impact: journey.ImpactPending,
				Reason: journey.ReasonCountryMismatch, Detail: detail,
			}
		}
	}
	return passed(name, detail)
}
