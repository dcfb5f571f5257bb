package api

import (
	"strings"

	"vestibule/journey"
)

// Reason says why a field of the contract, and everything below it, can never be in
// an answer yet.
type Reason struct {
	Variant journey.AnswerVariant // empty: both
	Path    string
	Why     string
}

// Absent is the one table of fields that cannot exist yet. A test holds it, and what
// is answered, against the contract: every field is in exactly one of the two.
func Absent() []Reason {
	const (
		address = "the kiosk does not ask for an address"
		custom  = "projects have no custom fields"
		network = "a visit has no address of its own in the network: the kiosk's belongs to the site and says nothing about the person"
		admin   = "nobody edits submissions, and notes are not kept"
		lookup  = "no state's register is asked"
	)
	d, k := journey.AnswerDocument, journey.AnswerKnowledge
	return []Reason{
		{d, "data.ip_address", network},
		{d, "data.address_city", address},
		{d, "data.address_country", address},
		{d, "data.address_state", address},
		{d, "data.address_street", address},
		{d, "data.address_zipcode", address},
		{d, "data.address_globalCode", address},
		{d, "data.address_compoundCode", address},
		{d, "data.address_input", address},
		{"", "data.address_formatted", address},
		{"", "data.address_detail", address},
		{"", "data.cf1", custom},
		{"", "data.cf2", custom},
		{"", "data.cf3", custom},
		{d, "data.typeOfPermit", "the class of a permit is not read"},
		{k, "data.ssnNumber", "a social security number is not asked for"},
		{d, "memo", admin},
		{d, "updateHistory", admin},
		{d, "ocr.serialNumber", "a document's serial number is not read"},
		{d, "review.issueDate", "the person is not asked to confirm the date of issue"},
		{d, "review.identityNumber", "the person is not asked to confirm a personal number"},
		{d, "review.curpNumber", "the person is not asked to confirm a personal number"},
		{d, "Injection_action", "the contract's actions look at the network address and distance of a web visitor; what the kiosk finds about injected pictures is part of liveness"},
		{d, "argos_score", "a vendor's own mark; the centre decides by rules and gives no total"},
		{"", "additional_list", "there are no additional forms"},
		{d, "kyc.attempts[i].verificationResult", lookup},
		{d, "kyc.attempts[i].verification", lookup},
		{d, "kyc.attempts[i].verificationParams", lookup},
		{k, "kyc.attempts[i].detectFace", "gender is not estimated from faces; signals.faceAge holds the ages"},
		{"", "aml.matches[i].argos_number", "a vendor's own number of a report; raw_data holds the report"},
		{"", "aml.matches[i].risk_icons", "the contract names no icons; raw_data names the list and what agreed"},
		{d, "bank_verification", "bank accounts are not asked for"},
		{"", "projection", "forms are not configured one by one: a project has one policy"},
		{"", "pre_verification", network},
	}
}

// WhyAbsent gives the reason for a field of one variant, if it cannot exist yet.
func WhyAbsent(v journey.AnswerVariant, path string) (string, bool) {
	for _, r := range Absent() {
		rest, below := strings.CutPrefix(path, r.Path)
		if below && (r.Variant == "" || r.Variant == v) && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			return r.Why, true
		}
	}
	return "", false
}

// variantOf says which of the contract's two shapes a submission is told in: without
// a document it is knowledge based.
func variantOf(d journey.Submission) journey.AnswerVariant {
	if d.Document.Type == "" && d.Document.Number == "" && d.Document.Layout == "" {
		return journey.AnswerKnowledge
	}
	return journey.AnswerDocument
}
