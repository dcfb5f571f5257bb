package decide

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"vestibule/journey"
	"vestibule/server/duplicate"
)

func number(f float64) string { return strconv.FormatFloat(f, 'f', 1, 64) }

// device: the kiosk is one of ours and its chain of records holds.
func (d *deciding) device() {
	result := journey.Pass
	detail := map[string]string{"kiosk": d.s.Kiosk}
	switch {
	case !d.l.Device.Enrolled, d.l.Device.Revoked:
		result, detail["state"] = journey.Fail, "revoked"
	case d.l.Device.Refused:
		result, detail["state"] = journey.Fail, "chain"
	}
	ev := d.say(CheckDevice, journey.EventDeviceValidationRecorded, result, detail, d.kiosk(journey.EventDeviceVerification))
	if result == journey.Fail {
		// What a kiosk sent before it was revoked may be sound: a person looks.
		d.fire(ev, journey.Pending, journey.ReasonCustomPolicy, "device")
	}
	d.say(CheckFingerprint, journey.EventFingerprintSubmissionLinked, journey.Observed, map[string]string{"kiosk": d.s.Kiosk}, d.kiosk(journey.EventFingerprintCheck))
}

// packet: a submission id belongs to one session.
func (d *deciding) packet() {
	if d.l.Packet.Reused == "" {
		d.say(CheckPacket, journey.EventPacketAbuseCheck, journey.Pass, nil)
		return
	}
	ev := d.say(CheckPacket, journey.EventPacketAbuseCheck, journey.Fail, map[string]string{"session": d.l.Packet.Reused})
	d.fire(ev, journey.Pending, journey.ReasonCustomPolicy, "packet")
}

// exhausted: a step failed as often as policy allows.
func (d *deciding) exhausted() {
	if seen, ok := d.e.Kiosk[journey.KioskRetryExhausted]; ok {
		// The kiosk saw it happen; the centre adds nothing but the decision.
		d.fire(&seen, journey.Rejected, journey.ReasonRetryExhausted, "maxAttempts")
		return
	}
	detail := map[string]string{"step": string(d.s.FailedStep), "maxAttempts": strconv.Itoa(d.p.MaxAttempts)}
	ev := d.say(CheckExhausted, journey.EventCustomPolicyEvaluation, journey.Fail, detail)
	ev.Code = d.s.FailedCode
	d.fire(ev, journey.Rejected, journey.ReasonRetryExhausted, "maxAttempts")
}

// document: what the document itself says, against the policy.
func (d *deciding) document() {
	doc, person := d.s.Document, duplicate.Person(d.s)
	issuer := strings.ToUpper(doc.IssuingCountry)

	// Type and issuer.
	accepted := (len(d.p.AcceptedTypes) == 0 || slices.Contains(d.p.AcceptedTypes, doc.Type)) &&
		(len(d.p.AcceptedIssuers) == 0 || slices.Contains(d.p.AcceptedIssuers, issuer))
	detail := map[string]string{"type": string(doc.Type), "issuer": issuer, "layout": doc.Layout}
	if accepted {
		d.say(CheckAccepted, journey.CentreAcceptedDocumentCheck, journey.Pass, detail)
	} else {
		ev := d.say(CheckAccepted, journey.CentreAcceptedDocumentCheck, journey.Fail, detail, d.kiosk(journey.KioskAcceptedDocumentCheck))
		d.fire(ev, journey.Rejected, journey.ReasonInvalidAcceptedID, "acceptedTypes, acceptedIssuers")
	}

	// Blocked issuers.
	if slices.Contains(d.p.BlockedIssuers, issuer) {
		ev := d.say(CheckBlocked, journey.EventBlacklistCountryEvaluation, journey.Fail, map[string]string{"issuer": issuer}, d.kiosk(journey.EventBlacklistCountryEvaluation))
		d.fire(ev, journey.Rejected, journey.ReasonBlacklistCountry, "blockedIssuers")
	} else {
		d.say(CheckBlocked, journey.EventBlacklistCountryEvaluation, journey.Pass, map[string]string{"issuer": issuer})
	}

	// The site's country.
	if d.p.RegionalMatch {
		detail := map[string]string{"site": d.s.SiteCountry, "issuer": issuer}
		if d.s.SiteCountry == issuer {
			d.say(CheckRegion, journey.EventRegionalValidation, journey.Pass, detail)
		} else {
			ev := d.say(CheckRegion, journey.EventRegionalValidation, journey.Fail, detail, d.kiosk(journey.EventRegionalValidation))
			d.fire(ev, journey.Rejected, journey.ReasonRegionalValidation, "regionalMatch")
		}
	}

	d.age(person.Birth)
	d.expiry(person.Expiry)

	// How well the document was read.
	if d.s.State == journey.SubmissionComplete {
		detail := map[string]string{"score": number(d.s.Recognition), "min": number(d.p.MinRecognition)}
		if d.s.Recognition >= d.p.MinRecognition {
			d.say(CheckQuality, journey.EventRecognitionScoreEvaluation, journey.Pass, detail)
		} else {
			ev := d.say(CheckQuality, journey.EventRecognitionScoreEvaluation, journey.Fail, detail, d.kiosk(journey.EventRecognitionScoreEvaluation))
			d.fire(ev, journey.Rejected, journey.ReasonAutomaticVerification, "minRecognition")
		}
	}

	// Four country codes: site, issuer, nationality as read and as the person confirmed it.
	if d.s.State != journey.SubmissionComplete {
		return
	}
	codes := map[string]string{"site": d.s.SiteCountry, "issuer": issuer, "nationality": strings.ToUpper(doc.Person.Nationality)}
	if d.s.Review != nil && d.s.Review.Nationality != "" {
		codes["declared"] = strings.ToUpper(d.s.Review.Nationality)
	}
	same := true
	for _, c := range codes {
		same = same && c == issuer
	}
	switch {
	case same:
		d.say(CheckCountry, journey.EventCountryCodeMatchCheck, journey.Pass, codes)
	case d.p.CountryMatch:
		ev := d.say(CheckCountry, journey.EventCountryCodeMatchCheck, journey.Fail, codes, d.kiosk(journey.EventCountryCodeMatchCheck))
		d.fire(ev, journey.Pending, journey.ReasonCountryMismatch, "countryMatch")
	default:
		d.say(CheckCountry, journey.EventCountryCodeMatchCheck, journey.Observed, codes)
	}
}

// age: old enough, and known to be. With unknown parts of a date of birth a
// person counts as old as the latest day it could be.
func (d *deciding) age(birth string) {
	if d.p.MinAge <= 0 {
		return
	}
	detail := map[string]string{"minAge": strconv.Itoa(d.p.MinAge)}
	young, old, ok := AgeRange(birth, d.l.Now)
	if !ok || (young < d.p.MinAge && old >= d.p.MinAge) {
		ev := d.say(CheckAge, journey.EventAgeVerification, journey.Fail, detail, d.kiosk(journey.EventAgeVerification))
		d.fire(ev, journey.Rejected, journey.ReasonAgeVerification, "minAge")
		return
	}
	if old < d.p.MinAge {
		ev := d.say(CheckAge, journey.EventAgeVerification, journey.Fail, detail, d.kiosk(journey.EventAgeVerification))
		d.fire(ev, journey.Rejected, journey.ReasonAgeLimit, "minAge")
		return
	}
	d.say(CheckAge, journey.EventAgeVerification, journey.Pass, detail)
}

// AgeRange gives the least and the greatest age in whole years on a day.
func AgeRange(birth string, now time.Time) (young, old int, ok bool) {
	var y, m, day int
	if n, err := fmt.Sscanf(birth, "%4d-%2d-%2d", &y, &m, &day); n != 3 || err != nil || y == 0 || m > 12 || day > 31 {
		return 0, 0, false
	}
	first, last := time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(y, 12, 31, 0, 0, 0, 0, time.UTC)
	if m > 0 {
		first, last = time.Date(y, time.Month(m), 1, 0, 0, 0, 0, time.UTC), time.Date(y, time.Month(m)+1, 0, 0, 0, 0, 0, time.UTC)
		if day > 0 {
			first = time.Date(y, time.Month(m), day, 0, 0, 0, 0, time.UTC)
			if first.Month() != time.Month(m) {
				return 0, 0, false // a day that this month does not have
			}
			last = first
		}
	}
	young, old = yearsBetween(last, now), yearsBetween(first, now)
	return young, old, young >= 0 && old <= 130
}

func yearsBetween(then, now time.Time) int {
	now = now.UTC()
	n := now.Year() - then.Year()
	if now.Month() < then.Month() || now.Month() == then.Month() && now.Day() < then.Day() {
		n--
	}
	return n
}

// expiry: valid through its last day. A document without an expiry date is not judged.
func (d *deciding) expiry(expiry string) {
	if expiry == "" {
		return
	}
	day, err := time.Parse(time.DateOnly, expiry)
	if err == nil && !d.l.Now.UTC().Truncate(24*time.Hour).After(day) {
		d.say(CheckExpiry, journey.EventExpiredIDCheck, journey.Pass, nil)
		return
	}
	ev := d.say(CheckExpiry, journey.EventExpiredIDCheck, journey.Fail, nil, d.kiosk(journey.EventExpiredIDCheck))
	d.fire(ev, journey.Rejected, journey.ReasonAutomaticVerification, "document.expiry")
}

// recheck: the centre opens the evidence and reads it again.
func (d *deciding) recheck() {
	if !d.p.Recheck {
		return
	}
	r := d.e.Recheck
	if r != nil && r.Left != "" {
		d.say(CheckRecheck, journey.CentreRecheck, journey.Skipped, map[string]string{"left": r.Left})
		return
	}
	if r == nil || !r.Opened {
		ev := d.say(CheckEvidence, journey.CentreEvidenceCheck, journey.Fail, nil)
		d.fire(ev, journey.Pending, journey.ReasonCustomPolicy, "recheck")
		return
	}
	d.say(CheckEvidence, journey.CentreEvidenceCheck, journey.Pass, map[string]string{"pictures": strconv.Itoa(len(d.s.Evidence))})

	detail := map[string]string{}
	var differs []string
	if doc := r.Document; doc != nil {
		detail["kiosk_recognition"], detail["centre_recognition"] = number(doc.KioskSay), number(doc.Centre)
		if !doc.Read {
			differs = append(differs, "zone")
		}
		differs = append(differs, doc.Differs...)
	}
	if s := r.Similarity; s != nil {
		detail["kiosk_similarity"], detail["centre_similarity"] = number(s.Kiosk), number(s.Centre)
		if (s.Kiosk >= d.p.MinSimilarity) != (s.Centre >= d.p.MinSimilarity) {
			differs = append(differs, "similarity")
		}
	}
	if s := r.Live; s != nil {
		detail["kiosk_liveness"], detail["centre_liveness"] = number(s.Kiosk), number(s.Centre)
	}
	if r.Eyes > 0 {
		detail["portrait_eyes"] = number(r.Eyes)
	}
	if r.Unreadable != "" {
		detail["unreadable"] = r.Unreadable
		differs = append(differs, r.Unreadable)
	}
	result := journey.Pass
	if len(differs) > 0 {
		result, detail["differs"] = journey.Fail, strings.Join(differs, " ")
	}
	ev := d.say(CheckRecheck, journey.CentreRecheck, result, detail, CheckEvidence, d.kiosk(journey.EventIDRecognition), d.kiosk(journey.EventFaceCompare))
	ev.Models = r.Models
	// A face that only one side takes for the same is a matter for people who
	// compare faces (see face below); anything else for people who look at the rest.
	if others := slices.DeleteFunc(slices.Clone(differs), func(s string) bool { return s == "similarity" }); len(others) > 0 {
		d.fire(ev, journey.Pending, journey.ReasonCustomPolicy, "recheck")
	}
}

// turnedAway says that the person never came before the camera for a face: the document alone had ended the visit,
// and rejects it here too.
func (d *deciding) turnedAway() bool {
	return slices.ContainsFunc(d.fired, func(f Fired) bool { return f.Ground.Decision == journey.Rejected }) &&
		!slices.ContainsFunc(d.s.Evidence, func(e journey.Evidence) bool { return e.Kind == journey.EvidenceSelfie })
}

// unreached records the checks that such a visit never came to.
func (d *deciding) unreached() {
	why := func() map[string]string { return map[string]string{"why": "not-reached"} }
	if d.p.Recheck {
		d.say(CheckRecheck, journey.CentreRecheck, journey.Skipped, why())
	}
	d.say(CheckFace, journey.EventFaceCompare, journey.Skipped, why())
	if d.p.Liveness.Passive || d.p.Liveness.Active {
		d.say(CheckLiveness, journey.EventLivenessVerification, journey.Skipped, why())
	}
}

// face: the selfie and the document's portrait, by the centre where it looked, else by the kiosk.
func (d *deciding) face() {
	similarity := d.s.Similarity
	detail := map[string]string{"kiosk": number(d.s.Similarity), "min": number(d.p.MinSimilarity)}
	cause := d.kiosk(journey.EventFaceCompare)
	if d.e.Recheck != nil && d.e.Recheck.Similarity != nil {
		similarity = min(similarity, d.e.Recheck.Similarity.Centre)
		detail["centre"] = number(d.e.Recheck.Similarity.Centre)
	}
	if similarity >= d.p.MinSimilarity {
		d.say(CheckFace, journey.EventFaceCompare, journey.Pass, detail, cause)
	} else {
		ev := d.say(CheckFace, journey.EventFaceCompare, journey.Fail, detail, cause)
		d.fire(ev, journey.Pending, journey.ReasonFaceAgentReview, "minSimilarity")
	}

	d.flashed()
	if !d.p.Liveness.Passive && !d.p.Liveness.Active {
		return
	}
	detail = map[string]string{"score": number(d.s.Liveness.Score), "min": number(d.p.MinLiveness), "frames": strconv.Itoa(d.s.Liveness.Frames)}
	enough := d.s.Liveness.Score >= d.p.MinLiveness && (!d.p.Liveness.Active || d.s.Liveness.ActiveRan)
	if enough {
		d.say(CheckLiveness, journey.EventLivenessVerification, journey.Pass, detail, d.kiosk(journey.EventLivenessVerification))
		return
	}
	ev := d.say(CheckLiveness, journey.EventLivenessVerification, journey.Fail, detail, d.kiosk(journey.EventLivenessVerification))
	d.fire(ev, journey.Rejected, journey.ReasonAutomaticVerification, "minLiveness")
}

// flashed: who did not see the colours of the screen, where policy wants them, is looked at by people.
func (d *deciding) flashed() {
	if !d.p.Liveness.Flash {
		return
	}
	cause := d.kiosk(journey.KioskFlashCheck)
	for _, s := range d.s.Liveness.Signals {
		if s.Name == "flash" && s.Ran {
			d.say(CheckFlash, journey.CentreFlashCheck, journey.Pass, map[string]string{"score": number(s.Score)}, cause)
			return
		}
	}
	ev := d.say(CheckFlash, journey.CentreFlashCheck, journey.Fail, nil, cause)
	d.fire(ev, journey.Pending, journey.ReasonFaceAgentReview, "liveness.flash")
}

// faceAge: how old the face of the last try looks, where policy sets conditions on it. The impression of a
// network holds a submission for people to look at; it never rejects.
func (d *deciding) faceAge() {
	rules := d.p.FaceAge
	if len(rules.Conditions) == 0 {
		return
	}
	cause := d.kiosk(journey.EventAgeVerification)
	var seen journey.FaceAge
	if n := len(d.s.FaceAges); n > 0 {
		seen = d.s.FaceAges[n-1]
	}
	c := rules.Check(seen, duplicate.Person(d.s).Birth, d.l.Now)
	detail := map[string]string{"conditions": strconv.Itoa(len(rules.Conditions))}
	switch {
	case !c.Evaluated:
		detail["why"] = "not-evaluated"
		d.say(CheckFaceAge, journey.CentreFaceAgeCheck, journey.Skipped, detail, cause)
	case c.Passed:
		d.say(CheckFaceAge, journey.CentreFaceAgeCheck, journey.Pass, detail, cause)
	default:
		ev := d.say(CheckFaceAge, journey.CentreFaceAgeCheck, journey.Fail, detail, cause)
		d.fire(ev, journey.Pending, journey.ReasonFaceAgentReview, "faceAge")
	}
}

// duplicates: who was here before. Every check is recorded, whichever decides.
func (d *deciding) duplicates() {
	rules := d.p.Duplicates

	// A rejected person may come back; an approved or held one is here already.
	counts := func(k Known) bool { return k.Decision == journey.Approved || k.Decision == journey.Pending }
	pii := keep(d.l.SamePII, func(k Known) bool { return counts(k) && duplicate.Within(k.Created, d.l.Now, rules.PIIPeriod) })
	document := keep(d.l.SameDocument, func(k Known) bool { return counts(k) && duplicate.Within(k.Created, d.l.Now, rules.PIIPeriod) })
	var bases []string
	if rules.PII || rules.DocumentNumber {
		var hits []Known
		if rules.PII {
			hits = append(hits, pii...)
		}
		if rules.DocumentNumber {
			// The same number alone may be a reading of another state's number range:
			// it counts with the name or the date of birth.
			hits = append(hits, keep(document, func(k Known) bool { return k.SameName || k.SameBirth })...)
		}
		switch {
		case len(hits) > 0:
			ev := d.say(CheckPII, journey.EventPIIDuplicatePeriodCheck, journey.Fail, map[string]string{
				"hits": strconv.Itoa(distinct(hits)), "first": hits[0].Submission,
				"by": basis(len(pii) > 0 && rules.PII, len(document) > 0 && rules.DocumentNumber),
			})
			d.fire(ev, journey.Rejected, journey.ReasonPIIDuplicate, "duplicates.pii")
			bases = append(bases, CheckPII)
		case !d.l.PIIEvaluated && rules.PII:
			d.say(CheckPII, journey.EventPIIDuplicatePeriodCheck, journey.Skipped, map[string]string{"why": "not-evaluated"})
		default:
			d.say(CheckPII, journey.EventPIIDuplicatePeriodCheck, journey.Pass, nil)
		}
	}

	if rules.Face {
		if d.selfie() {
			bases = append(bases, CheckSelfie)
		}
	}

	// The same applicant, however linked, has an approval.
	if rules.ApprovedUser {
		if len(d.l.Approved) > 0 {
			detail := map[string]string{"applicant": d.l.Applicant, "submission": d.l.Approved[0].Submission, "since": d.l.Approved[0].Created.UTC().Format(time.DateOnly)}
			ev := d.say(CheckApproved, journey.EventDuplicateApprovedUserCheck, journey.Fail, detail, bases...)
			d.fire(ev, journey.Rejected, journey.ReasonDuplicateUser, "duplicates.approvedUser")
		} else {
			d.say(CheckApproved, journey.EventDuplicateApprovedUserCheck, journey.Pass, map[string]string{"applicant": d.l.Applicant})
		}
	}

	if rules.Suspected == journey.SuspectedNote || rules.Suspected == journey.SuspectedHold {
		d.suspected()
	}

	// A newer passport of the same person and state has been seen.
	if d.s.Document.Type == journey.Passport {
		newer := keep(d.l.SameHolder, func(k Known) bool {
			return !k.SameNumber && counts(k) && k.Rank != "" && d.l.Rank != "" && k.Rank > d.l.Rank
		})
		if len(newer) > 0 {
			ev := d.say(CheckSuperseded, journey.CentreSupersededPassportCheck, journey.Fail, map[string]string{"submission": newer[0].Submission})
			d.fire(ev, journey.Rejected, journey.ReasonSupersededPassport, "document.superseded")
		} else {
			d.say(CheckSuperseded, journey.CentreSupersededPassportCheck, journey.Pass, nil)
		}
	}
}

// suspected says who came before whose data nearly agree. It is for people to judge: twins and namesakes do, too.
func (d *deciding) suspected() {
	switch {
	case !d.l.SuspectsAsked:
		d.say(CheckSuspected, journey.CentreSuspectedDuplicateCheck, journey.Skipped, map[string]string{"why": "not-evaluated"})
		return
	case len(d.l.Suspects) == 0:
		d.say(CheckSuspected, journey.CentreSuspectedDuplicateCheck, journey.Pass, nil)
		return
	}
	first := d.l.Suspects[0]
	detail := map[string]string{
		"hits": strconv.Itoa(len(d.l.Suspects)), "first": first.Submission, "by": first.Why, "names": strconv.FormatFloat(first.Name, 'f', 0, 64),
	}
	if d.p.Duplicates.Suspected == journey.SuspectedNote {
		d.say(CheckSuspected, journey.CentreSuspectedDuplicateCheck, journey.Observed, detail)
		return
	}
	ev := d.say(CheckSuspected, journey.CentreSuspectedDuplicateCheck, journey.Fail, detail)
	d.fire(ev, journey.Pending, journey.ReasonCustomPolicy, "duplicates.suspected")
}

// selfie weighs similar faces of approved people. It reports whether any is certain.
func (d *deciding) selfie() bool {
	rules := d.p.Duplicates
	if !d.l.FaceEvaluated {
		d.say(CheckSelfie, journey.EventSelfieDuplicateCheck, journey.Skipped, map[string]string{"why": "not-evaluated"})
		return false
	}
	applicants := map[string]bool{} // other ones, certain
	var own, grey bool
	var best float64
	var bestOf string
	for _, h := range d.l.Faces {
		if h.Score > best {
			best, bestOf = h.Score, h.Submission
		}
		switch {
		case h.Score >= rules.FaceCertain && h.Own:
			own = true
		case h.Score >= rules.FaceCertain:
			applicants[h.Applicant] = true
		case h.Score >= rules.FaceReview && !h.Own:
			grey = true
		}
	}
	if len(applicants) == 0 && !own && !grey {
		d.say(CheckSelfie, journey.EventSelfieDuplicateCheck, journey.Pass, map[string]string{"best": strconv.FormatFloat(best, 'f', 3, 64)})
		return false
	}
	detail := map[string]string{
		"best": strconv.FormatFloat(best, 'f', 3, 64), "submission": bestOf,
		"applicants": strconv.Itoa(len(applicants)), "own": strconv.FormatBool(own),
	}
	ev := d.say(CheckSelfie, journey.EventSelfieDuplicateCheck, journey.Fail, detail)
	switch {
	case rules.FaceAlone && (len(applicants) >= max(1, rules.FaceMinHits) || len(applicants) > 0 && d.l.PIIEvaluated):
		// As many other applicants as the contract asks for; or one, where it is known
		// that the personal data is another's (else it would be the own applicant).
		d.fire(ev, journey.Rejected, journey.ReasonSelfieDuplicate, "duplicates.face")
	case len(applicants) > 0 || grey:
		d.fire(ev, journey.Pending, journey.ReasonFaceAgentReview, "duplicates.faceReview")
	default:
		// The applicant's own face: it supports what the other checks say.
		if len(d.l.Approved) > 0 && rules.ApprovedUser {
			ev.Impact = journey.ImpactRejected
		}
	}
	return own || len(applicants) > 0
}

// screening: the sanctions lists, and what the project wants done about a hit.
func (d *deciding) screening() {
	rules := d.p.AML
	if !rules.Screen {
		d.say(CheckCustom, journey.EventCustomPolicyEvaluation, journey.Pass, nil)
		return
	}
	if d.l.Screening == nil {
		ev := d.say(CheckAML, journey.EventAMLCheck, journey.Errored, map[string]string{"status": StatusNotScreened})
		d.fire(ev, journey.Pending, journey.ReasonCustomPolicy, "aml.screen")
		return
	}
	detail := map[string]string{"status": StatusClear, "lists": short(d.l.Screening.Lists), "entities": strconv.Itoa(d.l.Screening.Entities)}
	if len(d.l.Screening.Matches) > 0 {
		detail["best"] = number(d.l.Screening.Matches[0].Score)
	}
	var flags []Match
	cleared := 0
	for _, m := range d.l.Screening.Matches {
		switch {
		case m.Score < rules.Flag:
		case m.Cleared:
			cleared++
		default:
			flags = append(flags, m)
		}
	}
	if cleared > 0 {
		detail["cleared"] = strconv.Itoa(cleared)
	}
	if d.stale() {
		detail["list"], detail["days"] = d.l.Screening.Oldest, strconv.Itoa(int(d.l.Now.Sub(d.l.Screening.Confirmed).Hours()/24))
	}
	if len(flags) == 0 && d.stale() {
		detail["status"], detail[journey.DetailWhy] = StatusNotScreened, journey.WhyListTooOld
		if !rules.HoldStale {
			d.say(CheckAML, journey.EventAMLCheck, journey.Skipped, detail)
			d.say(CheckCustom, journey.EventCustomPolicyEvaluation, journey.Pass, map[string]string{"rule": "aml.holdStale=off"}, CheckAML)
			return
		}
		ev := d.say(CheckAML, journey.EventAMLCheck, journey.Errored, detail)
		d.fire(ev, journey.Pending, journey.ReasonCustomPolicy, "aml.maxAge")
		return
	}
	if len(flags) == 0 {
		d.say(CheckAML, journey.EventAMLCheck, journey.Pass, detail)
		d.say(CheckCustom, journey.EventCustomPolicyEvaluation, journey.Pass, nil, CheckAML)
		return
	}
	detail["status"], detail["matches"], detail["entity"] = StatusRedFlag, strconv.Itoa(len(flags)), flags[0].Entity
	d.say(CheckAML, journey.EventAMLCheck, journey.Fail, detail)
	if !rules.Hold {
		d.say(CheckCustom, journey.EventCustomPolicyEvaluation, journey.Pass, map[string]string{"rule": "aml.hold=off"}, CheckAML)
		return
	}
	ev := d.say(CheckCustom, journey.EventCustomPolicyEvaluation, journey.Fail, map[string]string{"rule": "aml.hold"}, CheckAML)
	d.fire(ev, journey.Pending, journey.ReasonCustomPolicy, "aml.hold")
}

// stale reports whether a list is older than the policy lets one be.
func (d *deciding) stale() bool { return d.l.Screening.Stale(d.p.AML, d.l.Now) }

// Stale reports whether a list that was searched is older than the policy lets one be:
// who is on none of the lists is then not screened, and never called clear.
func (s *Screening) Stale(p journey.AMLPolicy, now time.Time) bool {
	return p.MaxAge > 0 && !s.Confirmed.IsZero() && now.Sub(s.Confirmed) > p.MaxAge
}

// custom: the policy's own rules. What could not be judged holds, whatever the rule would have asked for.
func (d *deciding) custom() {
	passed := 0
	for _, r := range d.p.Rules {
		got := Ruled{Problem: "not-evaluated"}
		if i := slices.IndexFunc(d.l.Rules, func(l Ruled) bool { return l.Rule == r.Name }); i >= 0 {
			got = d.l.Rules[i]
		}
		if got.Problem == "" && !got.Holds {
			passed++
			continue
		}
		name := CheckRule + r.Name
		detail := map[string]string{"rule": name}
		if r.Comment != "" {
			detail["comment"] = r.Comment
		}
		result, decision := journey.Fail, journey.Pending
		switch {
		case got.Problem != "":
			result, detail["problem"] = journey.Errored, got.Problem
		case r.Then == journey.RuleReject:
			decision = journey.Rejected
		}
		ev := d.say(name, journey.EventCustomPolicyEvaluation, result, detail)
		d.fire(ev, decision, journey.ReasonCustomPolicy, name)
	}
	if passed > 0 {
		d.say(CheckRules, journey.EventCustomPolicyEvaluation, journey.Pass, map[string]string{"rules": strconv.Itoa(passed)})
	}
}

// The screening statuses of the contract, and Clear, which it has no word for.
const (
	StatusNotScreened = "Not Screened"
	StatusRedFlag     = "Red Flag"
	StatusClear       = "Clear"
)

func short(s string) string {
	if len(s) > 200 {
		return s[:200]
	}
	return s
}

func keep(list []Known, want func(Known) bool) []Known {
	var out []Known
	for _, k := range list {
		if want(k) {
			out = append(out, k)
		}
	}
	return out
}

func distinct(list []Known) int {
	seen := map[string]bool{}
	for _, k := range list {
		seen[k.Submission] = true
	}
	return len(seen)
}

func basis(pii, document bool) string {
	switch {
	case pii && document:
		return "personal-data document"
	case document:
		return "document"
	}
	return "personal-data"
}
