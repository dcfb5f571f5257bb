package decide_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vestibule/journey"
	"vestibule/server/decide"
)

var today = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// good is a submission, a policy and look-ups that nothing speaks against.
func good() (decide.Evidence, journey.Policy, decide.Lookups) {
	p := journey.DefaultPolicy()
	p.MinAge = 18
	e := decide.Evidence{
		Submission: journey.Submission{
			ID: "sub", Session: "ses", Kiosk: "hall-1", State: journey.SubmissionComplete, SiteCountry: "UTO",
			Document: journey.DocumentData{
				Type: journey.Passport, Layout: "TD3", IssuingCountry: "UTO", Number: "L898902C3", ExpiryDate: "2031-01-01",
				Person: journey.PersonData{FamilyName: "ERIKSSON", GivenNames: "ANNA", Birth: "1974-08-12", Gender: "female", Nationality: "UTO"},
			},
			Recognition: 92, Similarity: 96,
			Liveness: journey.LivenessData{Score: 90, Passive: 90, Active: 100, ActiveRan: true, Frames: 5},
			Evidence: []journey.Evidence{{ID: "front"}, {ID: "selfie"}},
		},
		Kiosk: map[journey.EventName]journey.Event{
			journey.EventFaceCompare:   {ID: "kiosk-compare"},
			journey.EventIDRecognition: {ID: "kiosk-recognition"},
		},
		FaceModel: "m",
		Recheck: &decide.Recheck{
			Opened: true, Document: &decide.DocumentSaid{Read: true, Agreed: true, Centre: 91, KioskSay: 92},
			Similarity: &decide.Said{Kiosk: 96, Centre: 95}, Live: &decide.Said{Kiosk: 90, Centre: 70},
		},
	}
	l := decide.Lookups{
		Now: today, Rank: "2031-01-01", PIIEvaluated: true, FaceEvaluated: true, Applicant: "new",
		Screening: &decide.Screening{Lists: "abc", Entities: 100}, Device: decide.Device{Enrolled: true},
	}
	return e, p, l
}

func known(d journey.Decision) decide.Known {
	return decide.Known{Submission: "old", Applicant: "a1", Decision: d, Created: today.AddDate(0, 0, -20), SameName: true, SameBirth: true}
}

type scene struct {
	e *decide.Evidence
	p *journey.Policy
	l *decide.Lookups
}

// rules gives the policy a rule, and what judging came to.
func (s scene) rules(then journey.RuleThen, ruled ...decide.Ruled) {
	s.p.Rules = []journey.Rule{{Name: "young", When: "person.age < 21", Then: then, Comment: "ask for a letter of the parents"}}
	s.l.Rules = ruled
}

func TestDecisions(t *testing.T) {
	for _, c := range []struct {
		name     string
		change   func(scene)
		decision journey.Decision
		reason   journey.Reason
		comment  string
		rule     string
		fired    []string
	}{
		{"nothing speaks against it", func(scene) {}, journey.Approved, "", "", "", nil},
		{"a step failed as often as the policy allows", func(s scene) {
			s.e.Submission.State, s.e.Submission.FailedStep = journey.SubmissionExhausted, journey.Step1
			s.e.Submission.FailedCode = journey.CodeKey{Step: journey.Step1, Kind: journey.Retry, Code: "image_too_blurry"}
		}, journey.Rejected, journey.ReasonRetryExhausted, "too_many_retry", "maxAttempts", []string{"exhausted"}},
		{"the kiosk's own record of the exhausted step is the cause", func(s scene) {
			s.e.Submission.State = journey.SubmissionExhausted
			s.e.Kiosk[journey.KioskRetryExhausted] = journey.Event{ID: "kiosk-exhausted"}
		}, journey.Rejected, journey.ReasonRetryExhausted, "too_many_retry", "maxAttempts", []string{"kiosk-exhausted"}},
		{
			"the person is a day too young", func(s scene) { s.e.Submission.Document.Person.Birth = "2008-11-23" },
			journey.Rejected, journey.ReasonAgeLimit, "under_ageLimit", "minAge",
			[]string{"age"},
		},
		{
			"the person comes of age today", func(s scene) { s.e.Submission.Document.Person.Birth = "2008-11-22" },
			journey.Approved, "", "", "", nil,
		},
		{
			"the date of birth leaves it open whether the person is old enough", func(s scene) { s.e.Submission.Document.Person.Birth = "2008-00-00" },
			journey.Rejected, journey.ReasonAgeVerification, "", "minAge",
			[]string{"age"},
		},
		{
			"a half known date of birth suffices where every day it could be is old enough", func(s scene) { s.e.Submission.Document.Person.Birth = "1974-08-00" },
			journey.Approved, "", "", "", nil,
		},
		{
			"the date of birth does not exist", func(s scene) { s.e.Submission.Document.Person.Birth = "1999-02-30" },
			journey.Rejected, journey.ReasonAgeVerification, "", "minAge",
			[]string{"age"},
		},
		{
			"the date of birth lies in the future", func(s scene) { s.e.Submission.Document.Person.Birth = "2030-01-01" },
			journey.Rejected, journey.ReasonAgeVerification, "", "minAge",
			[]string{"age"},
		},
		{
			"the issuer is blocked", func(s scene) { s.p.BlockedIssuers = []string{"UTO"} },
			journey.Rejected, journey.ReasonBlacklistCountry, "blacklistCountry", "blockedIssuers",
			[]string{"blocked"},
		},
		{
			"the kind of document is not accepted", func(s scene) { s.p.AcceptedTypes = []journey.DocumentType{journey.DriversLicense} },
			journey.Rejected, journey.ReasonInvalidAcceptedID, "invalid_acceptedID", "acceptedTypes, acceptedIssuers",
			[]string{"accepted"},
		},
		{
			"the issuer is not among those accepted", func(s scene) { s.p.AcceptedIssuers = []string{"D"} },
			journey.Rejected, journey.ReasonInvalidAcceptedID, "invalid_acceptedID", "acceptedTypes, acceptedIssuers",
			[]string{"accepted"},
		},
		{
			"the document comes from another country than the site", func(s scene) { s.p.RegionalMatch, s.e.Submission.SiteCountry = true, "FRA" },
			journey.Rejected, journey.ReasonRegionalValidation, "", "regionalMatch",
			[]string{"region"},
		},
		{
			"the face looks younger than the policy wants", func(s scene) {
				limit := 25.0
				s.p.FaceAge.Conditions = []journey.AgeCondition{{Target: "low", Operator: "gte", Selfie: true, Custom: &limit}}
				s.e.Submission.FaceAges = []journey.FaceAge{{Selfie: &journey.AgeRange{Low: 30, Median: 35, High: 40}}, {Selfie: &journey.AgeRange{Low: 19, Median: 24, High: 31}}}
			},
			journey.Pending, journey.ReasonFaceAgentReview, "", "faceAge",
			[]string{"face-age"},
		},
		{
			"the person did not want the screen to flash", func(s scene) {
				s.p.Liveness.Flash = true
				s.e.Submission.Liveness.Signals = []journey.LivenessSignal{{Name: "flash", Why: []string{"declined"}}}
			},
			journey.Pending, journey.ReasonFaceAgentReview, "", "liveness.flash",
			[]string{"flash"},
		},
		{
			"the kiosk never held the colours against the face", func(s scene) { s.p.Liveness.Flash = true },
			journey.Pending, journey.ReasonFaceAgentReview, "", "liveness.flash",
			[]string{"flash"},
		},
		{
			"the skin reflected the colours", func(s scene) {
				s.p.Liveness.Flash = true
				s.e.Submission.Liveness.Signals = []journey.LivenessSignal{{Name: "flash", Ran: true, Score: 88}}
			},
			journey.Approved, "", "", "", nil,
		},
		{
			"nobody knows how old the face looks", func(s scene) {
				limit := 25.0
				s.p.FaceAge.Conditions = []journey.AgeCondition{{Target: "low", Operator: "gte", Selfie: true, Custom: &limit}}
			},
			journey.Approved, "", "", "", nil,
		},
		{
			"the countries disagree and the policy holds such cases", func(s scene) { s.p.CountryMatch, s.e.Submission.Document.Person.Nationality = true, "FRA" },
			journey.Pending, journey.ReasonCountryMismatch, "", "countryMatch",
			[]string{"country"},
		},
		{
			"the countries disagree and the policy does not mind", func(s scene) { s.e.Submission.SiteCountry = "FRA" },
			journey.Approved, "", "", "", nil,
		},
		{
			"the document expired yesterday", func(s scene) { s.e.Submission.Document.ExpiryDate = "2026-11-21" },
			journey.Rejected, journey.ReasonAutomaticVerification, "", "document.expiry",
			[]string{"expiry"},
		},
		{
			"the document expires today", func(s scene) { s.e.Submission.Document.ExpiryDate = "2026-11-22" },
			journey.Approved, "", "", "", nil,
		},
		{
			"the document was read too poorly", func(s scene) { s.e.Submission.Recognition = 59 },
			journey.Rejected, journey.ReasonAutomaticVerification, "", "minRecognition",
			[]string{"quality"},
		},
		{
			"the liveness score is too low", func(s scene) { s.e.Submission.Liveness.Score = 49 },
			journey.Rejected, journey.ReasonAutomaticVerification, "", "minLiveness",
			[]string{"liveness"},
		},
		{
			"the active challenge that the policy demands did not run", func(s scene) { s.e.Submission.Liveness.ActiveRan = false },
			journey.Rejected, journey.ReasonAutomaticVerification, "", "minLiveness",
			[]string{"liveness"},
		},
		{
			"the centre does not take the faces for the same", func(s scene) { s.e.Recheck.Similarity.Centre = 60 },
			journey.Pending, journey.ReasonFaceAgentReview, "", "minSimilarity",
			[]string{"face"},
		},
		{
			"the centre read another document number", func(s scene) { s.e.Recheck.Document.Differs = []string{"number"} },
			journey.Pending, journey.ReasonCustomPolicy, "", "recheck",
			[]string{"recheck"},
		},
		{
			"the centre found no zone on the picture", func(s scene) { s.e.Recheck.Document.Read = false },
			journey.Pending, journey.ReasonCustomPolicy, "", "recheck",
			[]string{"recheck"},
		},
		{
			"the evidence did not open", func(s scene) { s.e.Recheck.Opened = false },
			journey.Pending, journey.ReasonCustomPolicy, "", "recheck",
			[]string{"evidence"},
		},
		{
			"the evidence was not read again though the policy demands it", func(s scene) { s.e.Recheck = nil },
			journey.Pending, journey.ReasonCustomPolicy, "", "recheck",
			[]string{"evidence"},
		},
		{
			"the same personal data is approved already", func(s scene) { s.l.SamePII = []decide.Known{known(journey.Approved)} },
			journey.Rejected, journey.ReasonPIIDuplicate, "", "duplicates.pii",
			[]string{"pii"},
		},
		{
			"the same personal data was rejected before, which keeps nobody out", func(s scene) { s.l.SamePII = []decide.Known{known(journey.Rejected)} },
			journey.Approved, "", "", "", nil,
		},
		{"the same personal data came before the period", func(s scene) {
			s.p.Duplicates.PIIPeriod = 19 * 24 * time.Hour
			s.l.SamePII = []decide.Known{known(journey.Approved)}
		}, journey.Approved, "", "", "", nil},
		{
			"the same document number with the same name is a duplicate", func(s scene) { s.l.SameDocument = []decide.Known{known(journey.Pending)} },
			journey.Rejected, journey.ReasonPIIDuplicate, "", "duplicates.pii",
			[]string{"pii"},
		},
		{"the same document number with another name and birth is none", func(s scene) {
			k := known(journey.Approved)
			k.SameName, k.SameBirth = false, false
			s.l.SameDocument = []decide.Known{k}
		}, journey.Approved, "", "", "", nil},
		{"the same applicant is approved already, and personal data and face agree", func(s scene) {
			s.l.SamePII, s.l.Approved = []decide.Known{known(journey.Approved)}, []decide.Known{known(journey.Approved)}
			s.l.Faces = []decide.FaceHit{{Submission: "old", Applicant: "a1", Score: .7, Own: true}}
		}, journey.Rejected, journey.ReasonDuplicateUser, "duplicate_user", "duplicates.approvedUser", []string{"approved", "pii"}},
		{"one certain face of somebody with other personal data", func(s scene) {
			s.l.Faces = []decide.FaceHit{{Submission: "x", Applicant: "a2", Score: .5}}
		}, journey.Rejected, journey.ReasonSelfieDuplicate, "duplicated_face", "duplicates.face", []string{"selfie"}},
		{"one certain face while the personal data is not known", func(s scene) {
			s.l.PIIEvaluated = false
			s.l.Faces = []decide.FaceHit{{Submission: "x", Applicant: "a2", Score: .5}}
		}, journey.Pending, journey.ReasonFaceAgentReview, "", "duplicates.faceReview", []string{"selfie"}},
		{"two certain faces while the personal data is not known", func(s scene) {
			s.l.PIIEvaluated = false
			s.l.Faces = []decide.FaceHit{{Submission: "x", Applicant: "a2", Score: .5}, {Submission: "y", Applicant: "a3", Score: .6}}
		}, journey.Rejected, journey.ReasonSelfieDuplicate, "duplicated_face", "duplicates.face", []string{"selfie"}},
		{"a certain face where the policy wants people to look", func(s scene) {
			s.p.Duplicates.FaceAlone = false
			s.l.Faces = []decide.FaceHit{{Submission: "x", Applicant: "a2", Score: .5}}
		}, journey.Pending, journey.ReasonFaceAgentReview, "", "duplicates.faceReview", []string{"selfie"}},
		{"somebody too young who was never asked for a face", func(s scene) {
			s.p.MinAge = 99
			s.e.Submission.Similarity, s.e.Submission.Liveness = 0, journey.LivenessData{}
			s.e.Recheck = &decide.Recheck{Opened: true, Unreadable: "evidence-missing"}
		}, journey.Rejected, journey.ReasonAgeLimit, "under_ageLimit", "minAge", []string{"age"}},
		{"somebody of whom nothing but the face is missing", func(s scene) {
			s.e.Submission.Similarity, s.e.Submission.Liveness = 0, journey.LivenessData{}
			s.e.Recheck = &decide.Recheck{Opened: true, Unreadable: "evidence-missing"}
		}, journey.Rejected, journey.ReasonAutomaticVerification, "", "minLiveness", []string{"liveness", "face", "recheck"}},
		{"somebody whose data nearly agree, where the journey is to say so", func(s scene) {
			s.l.SuspectsAsked, s.l.Suspects = true, []decide.Suspect{{Submission: "x", Name: 95, Why: "birth"}}
		}, journey.Approved, "", "", "", nil},
		{"somebody whose data nearly agree, where people are to look", func(s scene) {
			s.p.Duplicates.Suspected = journey.SuspectedHold
			s.l.SuspectsAsked, s.l.Suspects = true, []decide.Suspect{{Submission: "x", Name: 95, Why: "birth"}}
		}, journey.Pending, journey.ReasonCustomPolicy, "", "duplicates.suspected", []string{"suspected"}},
		{"nobody whose data nearly agree, where people are to look", func(s scene) {
			s.p.Duplicates.Suspected, s.l.SuspectsAsked = journey.SuspectedHold, true
		}, journey.Approved, "", "", "", nil},
		{"a face in the grey band", func(s scene) {
			s.l.Faces = []decide.FaceHit{{Submission: "x", Applicant: "a2", Score: .40}}
		}, journey.Pending, journey.ReasonFaceAgentReview, "", "duplicates.faceReview", []string{"selfie"}},
		{"a newer passport of the same holder is known", func(s scene) {
			k := known(journey.Approved)
			k.Rank = "2035-01-01"
			s.l.SameHolder = []decide.Known{k}
		}, journey.Rejected, journey.ReasonSupersededPassport, "", "document.superseded", []string{"superseded"}},
		{"an older passport of the same holder is known", func(s scene) {
			k := known(journey.Approved)
			k.Rank = "2025-01-01"
			s.l.SameHolder = []decide.Known{k}
		}, journey.Approved, "", "", "", nil},
		{"a superseded passport goes over a duplicate user", func(s scene) {
			k := known(journey.Approved)
			k.Rank = "2035-01-01"
			s.l.SameHolder, s.l.SamePII, s.l.Approved = []decide.Known{k}, []decide.Known{k}, []decide.Known{k}
		}, journey.Rejected, journey.ReasonSupersededPassport, "", "document.superseded", []string{"superseded", "approved", "pii"}},
		{"a sanctions hit is held", func(s scene) {
			s.l.Screening.Matches = []decide.Match{{List: "un", Entity: "QDi.1", Score: 97}}
		}, journey.Pending, journey.ReasonCustomPolicy, "", "aml.hold", []string{"custom"}},
		{"a sanctions hit is only noted where the policy does not hold", func(s scene) {
			s.p.AML.Hold = false
			s.l.Screening.Matches = []decide.Match{{Score: 97}}
		}, journey.Approved, "", "", "", nil},
		{
			"a weak resemblance is no hit", func(s scene) { s.l.Screening.Matches = []decide.Match{{Score: 84.9}} },
			journey.Approved, "", "", "", nil,
		},
		{
			"nobody is clear who was not screened", func(s scene) { s.l.Screening = nil },
			journey.Pending, journey.ReasonCustomPolicy, "", "aml.screen",
			[]string{"aml"},
		},
		{"nobody is clear by a list that is too old", func(s scene) {
			s.p.AML.MaxAge = 48 * time.Hour
			s.l.Screening.Oldest, s.l.Screening.Confirmed = "un", today.Add(-49*time.Hour)
		}, journey.Pending, journey.ReasonCustomPolicy, "", "aml.maxAge", []string{"aml"}},
		{"a list of the greatest age that the policy allows is not too old", func(s scene) {
			s.p.AML.MaxAge = 48 * time.Hour
			s.l.Screening.Oldest, s.l.Screening.Confirmed = "un", today.Add(-48*time.Hour)
		}, journey.Approved, "", "", "", nil},
		{"no list is too old where the policy sets no limit", func(s scene) {
			s.l.Screening.Oldest, s.l.Screening.Confirmed = "un", today.AddDate(-9, 0, 0)
		}, journey.Approved, "", "", "", nil},
		{"a list that is too old is only noted where the policy does not hold", func(s scene) {
			s.p.AML.MaxAge, s.p.AML.HoldStale = time.Hour, false
			s.l.Screening.Oldest, s.l.Screening.Confirmed = "un", today.Add(-2*time.Hour)
		}, journey.Approved, "", "", "", nil},
		{"a hit on a list that is too old is a hit", func(s scene) {
			s.p.AML.MaxAge = time.Hour
			s.l.Screening.Oldest, s.l.Screening.Confirmed = "un", today.Add(-2*time.Hour)
			s.l.Screening.Matches = []decide.Match{{List: "un", Entity: "QDi.1", Score: 97}}
		}, journey.Pending, journey.ReasonCustomPolicy, "", "aml.hold", []string{"custom"}},
		{"a rejection goes over a hold", func(s scene) {
			s.l.Screening.Matches = []decide.Match{{Score: 97}}
			s.p.BlockedIssuers = []string{"UTO"}
		}, journey.Rejected, journey.ReasonBlacklistCountry, "blacklistCountry", "blockedIssuers", []string{"blocked", "custom"}},
		{
			"the kiosk was revoked meanwhile", func(s scene) { s.l.Device.Revoked = true },
			journey.Pending, journey.ReasonCustomPolicy, "", "device",
			[]string{"device"},
		},
		{
			"the kiosk's chain of records is broken", func(s scene) { s.l.Device.Refused = true },
			journey.Pending, journey.ReasonCustomPolicy, "", "device",
			[]string{"device"},
		},
		{
			"a rule of the project holds", func(s scene) { s.rules(journey.RuleHold, decide.Ruled{Rule: "young", Holds: true}) },
			journey.Pending, journey.ReasonCustomPolicy, "", "rules.young",
			[]string{"rules.young"},
		},
		{
			"a rule of the project rejects", func(s scene) { s.rules(journey.RuleReject, decide.Ruled{Rule: "young", Holds: true}) },
			journey.Rejected, journey.ReasonCustomPolicy, "", "rules.young",
			[]string{"rules.young"},
		},
		{
			"a rule of the project has nothing to say", func(s scene) { s.rules(journey.RuleReject, decide.Ruled{Rule: "young"}) },
			journey.Approved, "", "", "", nil,
		},
		{
			"a rule that would reject could not be judged: it holds", func(s scene) { s.rules(journey.RuleReject, decide.Ruled{Rule: "young", Problem: "cost"}) },
			journey.Pending, journey.ReasonCustomPolicy, "", "rules.young",
			[]string{"rules.young"},
		},
		{
			"a rule that nobody judged holds", func(s scene) { s.rules(journey.RuleReject, decide.Ruled{Rule: "another"}) },
			journey.Pending, journey.ReasonCustomPolicy, "", "rules.young",
			[]string{"rules.young"},
		},
		{"what else rejects goes before what a rule asks for", func(s scene) {
			s.rules(journey.RuleReject, decide.Ruled{Rule: "young", Holds: true})
			s.p.BlockedIssuers = []string{"UTO"}
		}, journey.Rejected, journey.ReasonBlacklistCountry, "blacklistCountry", "blockedIssuers", []string{"blocked", "rules.young"}},
		{"rules are not asked where the kiosk gave up", func(s scene) {
			s.rules(journey.RuleHold)
			s.e.Submission.State = journey.SubmissionExhausted
		}, journey.Rejected, journey.ReasonRetryExhausted, "too_many_retry", "maxAttempts", []string{"exhausted"}},
		{
			"another session used the same submission", func(s scene) { s.l.Packet.Reused = "other" },
			journey.Pending, journey.ReasonCustomPolicy, "", "packet",
			[]string{"packet"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, p, l := good()
			c.change(scene{&e, &p, &l})
			out := decide.Decide(e, p, l)
			require.Equal(t, c.decision, out.Decision)
			require.Equal(t, c.reason, out.Reason)
			require.Equal(t, c.comment, out.CommentCode)
			require.Equal(t, c.rule, out.Rule)
			var fired []string
			for _, f := range out.Fired {
				fired = append(fired, f.Check)
			}
			require.Equal(t, c.fired, fired)
			holdsTogether(t, e, out)
		})
	}
}

// holdsTogether checks what every outcome must satisfy: its events could stand in
// a journal, name only what exists, and lead from the checks to the decision.
func holdsTogether(t require.TestingT, e decide.Evidence, out decide.Outcome) {
	seen := map[string]bool{}
	for _, k := range e.Kiosk {
		seen[k.ID] = true
	}
	decisions := 0
	for i, ev := range out.Events {
		require.False(t, seen[ev.ID], "name %s twice", ev.ID)
		for _, c := range ev.Causes {
			require.True(t, seen[c], "%s is caused by %s, which did not come before", ev.ID, c)
		}
		seen[ev.ID] = true
		ev.Session, ev.Submission, ev.Kiosk, ev.Seq = e.Submission.Session, e.Submission.ID, e.Submission.Kiosk, uint64(i+1)
		ev.Started, ev.Ended = today, today
		require.NoError(t, ev.Validate(), ev.ID)
		if ev.IsDecision() {
			decisions++
			require.Equal(t, string(out.Decision), string(ev.Name))
			if out.Decision != journey.Approved {
				require.NotEmpty(t, ev.Causes)
			}
		}
	}
	require.Equal(t, 1, decisions)
}

func TestAsManyRulesAsMayBeLeaveRoomForTheDecisionsCauses(t *testing.T) {
	for _, holds := range []bool{true, false} {
		e, p, l := good()
		for i := range journey.MaxRules {
			name := fmt.Sprintf("rule-%d", i)
			p.Rules = append(p.Rules, journey.Rule{Name: name, When: "true", Then: journey.RuleHold, Comment: strings.Repeat("x", journey.MaxRuleComment)})
			l.Rules = append(l.Rules, decide.Ruled{Rule: name, Holds: holds})
		}
		out := decide.Decide(e, p, l)
		require.Equal(t, holds, out.Decision == journey.Pending)
		holdsTogether(t, e, out)
	}
}

func TestTheFaceJoinsTheCollectionOnApprovalOnly(t *testing.T) {
	e, p, l := good()
	added := func() bool {
		return slices.ContainsFunc(decide.Decide(e, p, l).Events, func(ev journey.Event) bool { return ev.Name == journey.EventFaceCollectionAdd })
	}
	require.True(t, added())
	p.BlockedIssuers = []string{"UTO"}
	require.False(t, added())
}

func TestEveryReasonOfTheDuplicateFamilyIsRecordedWhicheverDecides(t *testing.T) {
	e, p, l := good()
	l.SamePII, l.Approved = []decide.Known{known(journey.Approved)}, []decide.Known{known(journey.Approved)}
	l.Faces = []decide.FaceHit{{Submission: "old", Applicant: "a1", Score: .7, Own: true}}
	out := decide.Decide(e, p, l)
	i := slices.IndexFunc(out.Events, func(ev journey.Event) bool { return ev.Name == journey.EventDuplicateApprovedUserCheck })
	require.Equal(t, []string{decide.CheckPII, decide.CheckSelfie}, out.Events[i].Causes)
	j := slices.IndexFunc(out.Events, func(ev journey.Event) bool { return ev.Name == journey.EventSelfieDuplicateCheck })
	require.Equal(t, journey.Fail, out.Events[j].Result)
	require.Equal(t, journey.ImpactRejected, out.Events[j].Impact)
}

func TestTheSameInputGivesTheSameOutcomeAndPersonalDataStaysOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e, p, l := good()
		p.Recheck = rapid.Bool().Draw(t, "recheck")
		p.Duplicates.FaceAlone = rapid.Bool().Draw(t, "faceAlone")
		p.CountryMatch = rapid.Bool().Draw(t, "countryMatch")
		p.AML.Screen = rapid.Bool().Draw(t, "screen")
		e.Submission.Similarity = rapid.Float64Range(0, 100).Draw(t, "similarity")
		e.Submission.Document.Person.Birth = rapid.SampledFrom([]string{"", "1974-08-12", "2015-01-01", "1999-00-00", "x"}).Draw(t, "birth")
		e.Submission.State = rapid.SampledFrom([]journey.SubmissionState{journey.SubmissionComplete, journey.SubmissionExhausted}).Draw(t, "state")
		if rapid.Bool().Draw(t, "pii") {
			l.SamePII = []decide.Known{known(rapid.SampledFrom([]journey.Decision{journey.Approved, journey.Rejected, journey.Pending}).Draw(t, "earlier"))}
		}
		first, err := json.Marshal(decide.Decide(e, p, l))
		require.NoError(t, err)
		second, err := json.Marshal(decide.Decide(e, p, l))
		require.NoError(t, err)
		require.Equal(t, string(first), string(second))
		for _, secret := range []string{"ERIKSSON", "ANNA", "L898902C3", "1974-08-12"} {
			require.NotContains(t, string(first), secret)
		}
		holdsTogether(t, e, decide.Decide(e, p, l))
	})
}

func TestTheEventSaysWhichListIsTooOld(t *testing.T) {
	e, p, l := good()
	p.AML.MaxAge = 24 * time.Hour
	l.Screening.Oldest, l.Screening.Confirmed = "eu_fsf", today.AddDate(0, 0, -9)
	for hold, want := range map[bool]journey.Result{true: journey.Errored, false: journey.Skipped} {
		p.AML.HoldStale = hold
		out := decide.Decide(e, p, l)
		i := slices.IndexFunc(out.Events, func(e journey.Event) bool { return e.Name == journey.EventAMLCheck })
		require.Equal(t, want, out.Events[i].Result)
		require.Equal(t, map[string]string{
			"status": decide.StatusNotScreened, "why": journey.WhyListTooOld, "list": "eu_fsf", "days": "9", "lists": "abc", "entities": "100",
		}, out.Events[i].Detail)
	}
}
