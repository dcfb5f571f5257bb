package journey

import "slices"

// The reasons of the contract. CUSTOM_POLICY stands under both decisions.
const (
	ReasonRetryExhausted        Reason = "RETRY_EXHAUSTED"
	ReasonAgeVerification       Reason = "AGE_VERIFICATION"
	ReasonAgeLimit              Reason = "AGE_LIMIT"
	ReasonBlacklistCountry      Reason = "BLACKLIST_COUNTRY"
	ReasonInvalidAcceptedID     Reason = "INVALID_ACCEPTED_ID"
	ReasonPIIDuplicate          Reason = "PII_DUPLICATE"
	ReasonSelfieDuplicate       Reason = "SELFIE_DUPLICATE"
	ReasonSupersededPassport    Reason = "SUPERSEDED_PASSPORT"
	ReasonDuplicateUser         Reason = "DUPLICATE_USER"
	ReasonCustomPolicy          Reason = "CUSTOM_POLICY" // rejects or holds
	ReasonAutomaticVerification Reason = "AUTOMATIC_VERIFICATION"
	ReasonBankTransferLimit     Reason = "BANK_TRANSFER_LIMIT"
	ReasonRegionalValidation    Reason = "REGIONAL_VALIDATION"
	ReasonIDImageInvalid        Reason = "ID_IMAGE_INVALID"
	ReasonIDInfoMismatch        Reason = "ID_INFO_MISMATCH"
	ReasonFaceNotDetected       Reason = "FACE_NOT_DETECTED"
	ReasonLivenessFail          Reason = "LIVENESS_FAIL"

	ReasonCountryMismatch          Reason = "COUNTRY_MISMATCH"
	ReasonFaceAgentReview          Reason = "FACE_AGENT_REVIEW"
	ReasonAddressCollection        Reason = "ADDRESS_COLLECTION"
	ReasonArgosScoreBelowThreshold Reason = "ARGOS_SCORE_BELOW_THRESHOLD"
)

// Ground is a decision together with its reason: what one check asks for.
type Ground struct {
	Decision Decision `json:"decision"`
	Reason   Reason   `json:"reason,omitempty"` // empty with Approved
}

// ReasonEntry is what the contract says about one reason of one decision.
type ReasonEntry struct {
	Decision    Decision
	Reason      Reason
	Stages      []Stage // where it can arise
	Meaning     string  // completes "because …"
	CommentCode string  // code of a final/reject entry, our proposal; empty where none fits
}

// Ground gives the entry's decision and reason.
func (r ReasonEntry) Ground() Ground { return Ground{r.Decision, r.Reason} }

// Reasons gives the 17 reasons of a rejection and the 5 of a hold, in the
// contract's order.
//
// The contract does not tie reasons to comment codes. A code is proposed only
// where its text says the same thing as the reason; elsewhere it stays empty
// rather than telling a person something that is not so.
func Reasons() []ReasonEntry {
	return []ReasonEntry{
		{Rejected, ReasonRetryExhausted, []Stage{StageStep1, StageStep2, StagePreStep2}, "one step failed as often as the policy allows", "too_many_retry"},
		{Rejected, ReasonAgeVerification, []Stage{StageStep1, StageStep2}, "the person's age could not be verified", ""},
		{Rejected, ReasonAgeLimit, []Stage{StageStep2}, "the person is younger than the policy allows", "under_ageLimit"},
		{Rejected, ReasonBlacklistCountry, []Stage{StageStep2}, "the document comes from an issuer that the policy blocks", "blacklistCountry"},
		{Rejected, ReasonInvalidAcceptedID, []Stage{StageStep2}, "this kind of document, or its issuer, is not accepted", "invalid_acceptedID"},
		{Rejected, ReasonPIIDuplicate, []Stage{StageStep2}, "the same personal data came in before within the period", ""},
		{Rejected, ReasonSelfieDuplicate, []Stage{StageStep2}, "the same face belongs to people approved already", "duplicated_face"},
		{Rejected, ReasonSupersededPassport, []Stage{StageStep2}, "the passport was voided or replaced by a newer one", ""},
		{Rejected, ReasonDuplicateUser, []Stage{StageStep2}, "the same applicant was approved already", "duplicate_user"},
		{Rejected, ReasonCustomPolicy, []Stage{StageStep2}, "a rule of the project rejects it", ""},
		{Rejected, ReasonAutomaticVerification, []Stage{StageStep2}, "the automatic verification did not accept it", ""},
		{Rejected, ReasonBankTransferLimit, []Stage{StagePreStep2}, "too many test transfers were asked for", ""},
		{Rejected, ReasonRegionalValidation, []Stage{StageStep1}, "the document's issuer does not fit the kiosk's country", ""},
		{Rejected, ReasonIDImageInvalid, []Stage{StageKnowledge}, "the picture of the document cannot be used", "id_image_invalidImage"},
		{Rejected, ReasonIDInfoMismatch, []Stage{StageKnowledge}, "the data given and the document disagree", "id_info_dataMismatch"},
		{Rejected, ReasonFaceNotDetected, []Stage{StageKnowledge}, "no face could be found", ""},
		{Rejected, ReasonLivenessFail, []Stage{StageKnowledge}, "the face did not prove to be a living one", ""},
		{Pending, ReasonCountryMismatch, []Stage{StageStep2}, "site, issuer, nationality and declared country disagree", ""},
		{Pending, ReasonFaceAgentReview, []Stage{StageStep2}, "a person has to compare the faces", ""},
		{Pending, ReasonAddressCollection, []Stage{StageStep2}, "a picture of a proof of address is still needed", ""},
		{Pending, ReasonCustomPolicy, []Stage{StageStep2}, "a rule of the project asks for a person's judgement", ""},
		{Pending, ReasonArgosScoreBelowThreshold, []Stage{StageStep2}, "the overall score is below the policy's threshold", ""},
	}
}

// LookupReason finds what the contract says about a reason under a decision.
func LookupReason(d Decision, r Reason) (ReasonEntry, bool) {
	for _, e := range Reasons() {
		if e.Decision == d && e.Reason == r {
			return e, true
		}
	}
	return ReasonEntry{}, false
}

// Precedence gives every ground, the strongest first, Approved last.
//
// REJECTED goes over PENDING over APPROVED; among the reasons of one decision the
// contract's order holds. The four duplicate reasons keep their common place in
// that order, but are ranked among themselves by how much they say: a superseded
// passport is a fact about the document; a duplicate user is an applicant known
// and approved, to whom the two below usually lead; equal personal data is exact
// but may be a namesake's; equal faces are a likelihood. Were the contract's order
// kept there, an approved applicant who returns would be told of the weakest
// evidence against them and never of the strongest.
func Precedence() []Ground {
	duplicates := []Reason{ReasonSupersededPassport, ReasonDuplicateUser, ReasonPIIDuplicate, ReasonSelfieDuplicate}
	var order []Ground
	placed := false
	for _, e := range Reasons() {
		switch {
		case !slices.Contains(duplicates, e.Reason):
			order = append(order, e.Ground())
		case !placed:
			for _, r := range duplicates {
				order = append(order, Ground{Rejected, r})
			}
			placed = true
		}
	}
	return append(order, Ground{Decision: Approved})
}

// Strongest gives the ground that decides among those that checks asked for.
// Without any it is Approved. A ground unknown to the contract still counts by
// its decision, after the known ones, so that a new reason never approves.
func Strongest(grounds ...Ground) Ground {
	order := Precedence()
	rank := func(g Ground) (int, int) {
		weight := map[Decision]int{Rejected: 0, Pending: 1, Approved: 2}
		w, known := weight[g.Decision]
		if !known {
			w = weight[Pending]
		}
		i := slices.Index(order, g)
		if i < 0 {
			i = len(order)
		}
		return w, i
	}
	best := Ground{Decision: Approved}
	for _, g := range grounds {
		w, i := rank(g)
		bw, bi := rank(best)
		if w < bw || w == bw && i < bi {
			best = g
		}
	}
	return best
}
