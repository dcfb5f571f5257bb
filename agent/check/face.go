package check

import (
	"strconv"
	"time"

	"vestibule/journey"
	"vestibule/models"
	"vestibule/models/face"
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
	Active   Active
	Document journey.DocumentData
	Person   journey.PersonData // as confirmed by the person
	Site     string
	Today    time.Time
	Clock    journey.ClockConfidence
	Policy   journey.Policy
}

// Measured holds the figures of STEP2 for the submission.
type Measured struct {
	Similarity float64 // 0..100
	Liveness   journey.LivenessData
}

// Check gives the verdicts of STEP2 and what was measured.
func (s Step2) Check() (Measured, []Verdict) {
	var m Measured
	best, found := s.best()
	liveness, passive := s.passive(found)
	m.Liveness = liveness
	active := s.active(&m.Liveness, found)
	m.Liveness.Score = m.Liveness.Passive
	if m.Liveness.ActiveRan && (!s.Policy.Liveness.Passive || m.Liveness.Active < m.Liveness.Score) {
		m.Liveness.Score = m.Liveness.Active
	}
	similarity, compare := s.compare(best, found)
	m.Similarity = similarity
	return m, []Verdict{passive, active, compare, s.age(), s.countries()}
}

func (s Step2) best() (models.Face, bool) {
	if s.Best < 0 || s.Best >= len(s.Frames) {
		return models.Face{}, false
	}
	f := s.Frames[s.Best]
	return f, f.Found
}

// passive is the mean of P(live) over the frames with a face; each frame must be
// good enough to be scored at all.
func (s Step2) passive(found bool) (journey.LivenessData, Verdict) {
	name := journey.EventLivenessVerification
	var l journey.LivenessData
	if !found {
		return l, again(name, journey.Step2RetryNoFace, nil)
	}
	for _, f := range s.Frames {
		if !f.Found {
			continue
		}
		l.Frames++
		l.Probability += f.Live
		l.Quality += f.Quality
	}
	l.Probability /= float64(l.Frames)
	l.Quality /= float64(l.Frames)
	l.Passive = 100 * l.Probability
	detail := map[string]string{"frames": strconv.Itoa(l.Frames), "quality": score(l.Quality)}
	if hint := s.Frames[s.Best].Hint; hint != models.HintNone {
		detail["hint"] = string(hint)
		code, variant := livenessError(hint)
		if variant != "" {
			detail[journey.DetailVariant] = variant
		}
		return l, again(name, code, detail)
	}
	if !s.Policy.Liveness.Passive {
		return l, skipped(name, "not-in-policy")
	}
	detail["score"], detail["atLeast"] = score(l.Passive), score(s.Policy.MinLiveness)
	if l.Frames < min(5, max(1, s.Policy.Liveness.Frames)) {
		return l, again(name, journey.Step2RetryFaceDetectError, detail)
	}
	if l.Passive < s.Policy.MinLiveness {
		return l, again(name, journey.Step2RetryLivenessFail, detail)
	}
	return l, passed(name, detail)
}

// livenessError gives the contract's message variant for a capture rule that is not met.
func livenessError(hint models.HintCode) (journey.CodeKey, string) {
	switch hint {
	case models.HintNoFace:
		return journey.Step2RetryNoFace, ""
	case models.HintFaceSmall, models.HintTooFar:
		return journey.Step2RetryLivenessError, "relative-size"
	case models.HintFacePixels:
		return journey.Step2RetryLivenessError, "absolute-size"
	case models.HintEyesClose:
		return journey.Step2RetryLivenessError, "eye-distance"
	case models.HintFaceBorder:
		return journey.Step2RetryLivenessError, "border"
	case models.HintFaceCropped, models.HintTooClose, models.HintCutOff, models.HintFaceCovered: // part of it is not in view
		return journey.Step2RetryLivenessError, "cropped"
	case models.HintFaceTurned, models.HintAngle:
		return journey.Step2RetryLivenessError, "rotation"
	case models.HintSeveralFaces:
		return journey.Step2RetryFaceDetectError, ""
	}
	return journey.Step2RetryLivenessError, "face-size" // too dark, blurred, eyes closed: cannot be measured
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
