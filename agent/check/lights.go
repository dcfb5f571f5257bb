package check

import (
	"strconv"
	"strings"

	"vestibule/journey"
	"vestibule/models/face"
	"vestibule/models/face/flash"
)

// Lights is how the colour challenge went.
type Lights struct {
	Asked    bool
	Declined bool
	Why      string // code, when it could not be held and nobody declined
	Result   flash.Result
}

// WhyDeclined is why the colour challenge has no score when the person did not want it.
const WhyDeclined = "declined"

// flash says whether the skin reflected the colours of the screen. Who does not want flashing light is never
// asked again: the submission goes on without, and the centre holds it for people to look at. So it does
// when the colours could not be measured, be it for a screen that did not show them, a hall too bright, or a
// face that was not seen in each. Only another face, or other colours than the screen's, is a failure.
func (s Step2) flash(found bool) (face.Reading, Verdict) {
	name, l := journey.KioskFlashCheck, s.Lights
	without := face.Reading{Signal: face.SignalFlash}
	switch {
	case !s.Policy.Liveness.Flash:
		return without, skipped(name, "not-in-policy")
	case !l.Asked && (!found || s.Active.Failed != ""):
		return without, skipped(name, "no-face") // which is told already
	case l.Declined:
		without.Why = []string{WhyDeclined}
		return without, skipped(name, WhyDeclined)
	case !l.Asked, l.Why == "screen-silent", l.Why == "no-answer":
		why := l.Why
		if why == "" {
			why = face.WhyDidNotRun
		}
		without.Why = []string{why}
		return without, skipped(name, why)
	case l.Why != "": // somebody else came into the picture
		without.Needed, without.Why = true, []string{l.Why}
		return without, again(name, journey.Step2RetryFaceDetectError, map[string]string{"failed": l.Why})
	}
	r := l.Result.Reading(true)
	detail := map[string]string{"frames": strconv.Itoa(l.Result.Frames), "atLeast": score(s.Policy.MinLiveness)}
	if !r.Ran {
		without.Why = r.Why
		return without, skipped(name, strings.Join(r.Why, " "))
	}
	if len(r.Why) > 0 {
		detail["findings"] = strings.Join(r.Why, " ")
	}
	detail["score"], detail["delay"] = score(r.Score), strconv.FormatInt(l.Result.Delay.Milliseconds(), 10)
	if r.Score < s.Policy.MinLiveness {
		return r, again(name, journey.Step2RetryLivenessFail, detail)
	}
	return r, passed(name, detail)
}
