package api

import (
	"net/http"
	"slices"
	"strings"

	"vestibule/journey"
)

// Bounds of parameters.
const (
	defaultLimit = 50
	maxLimit     = 100
	maxValue     = 320 // the longest e-mail address
	maxID        = 64
)

// parameter is one thing that can be given.
type parameter struct {
	Name    string
	Does    string
	Format  string   // date, date-time, email; empty: any text
	Enum    []string // empty: anything
	Number  bool     // from 1 to maxLimit
	Longest int      // characters; 0 means maxValue
}

// dataParameter is the encrypted form of all others. It is bounded by the query or the body.
func dataParameter() parameter {
	return parameter{
		Name:    "data",
		Does:    "All other parameters as one JSON object, encrypted (JWE, compact form) to the key at /jwks.json. The answer comes encrypted, too.",
		Longest: maxBody,
	}
}

func pageParameters() []parameter {
	return []parameter{
		{Name: "limit", Does: "How many to give at most; 50 where it is left out.", Number: true},
		{Name: "id", Does: "nextpageKey.id of the page before, as it was given; with created_at and the same filters.", Longest: 200},
		{Name: "created_at", Does: "nextpageKey.created_at of the page before, as it was given.", Format: "date-time", Longest: 40},
		{Name: "start_date", Does: "Only what began on this day (UTC) or later.", Format: "date", Longest: 10},
		{Name: "end_date", Does: "Only what began on this day (UTC) or earlier.", Format: "date", Longest: 10},
	}
}

func submissionParameters() []parameter {
	return slices.Concat([]parameter{
		{Name: "submission_id", Does: "One submission. Filters are not applied.", Longest: maxID},
		{Name: "userid", Does: "Only submissions of this user."},
		{Name: "email", Does: "Only submissions with this e-mail address. POST keeps it out of the address.", Format: "email"},
	}, pageParameters(), []parameter{
		{
			Name: "request_type", Enum: []string{typeKYC, typeAML, typeData, typeOthers},
			Does: "Only one part, with submission_id: kyc the result, aml the screening, data the personal data, others all the rest.",
		},
		dataParameter(),
	})
}

func faceAuthParameters() []parameter {
	data := dataParameter()
	data.Longest = maxPictureBody
	return []parameter{
		{Name: "submission_id", Does: "Whom to compare with: the person of this submission, which was approved. This or userid.", Longest: maxID},
		{Name: "userid", Does: "Whom to compare with: the person of this user's newest approved submission."},
		{Name: "image", Does: "The selfie: a JPEG of at most 4 MB, in base64 (with or without padding).", Longest: maxPictureText},
		data,
	}
}

func journeyParameters() []parameter {
	var reasons []string
	for _, r := range journey.Reasons() {
		reasons = append(reasons, string(r.Reason))
	}
	return slices.Concat([]parameter{
		{Name: "status", Does: "Only journeys of this status.", Enum: []string{
			string(journey.StatusInProgress), string(journey.StatusCompleted), string(journey.StatusDropped), string(journey.StatusError),
		}},
		{Name: "decision", Does: "Only journeys that were decided so.", Enum: []string{string(journey.Approved), string(journey.Rejected), string(journey.Pending)}},
		{Name: "reason", Does: "Only journeys that were decided for this reason.", Enum: reasons},
		{Name: "kiosk", Does: "Only journeys at this kiosk.", Longest: maxID},
		{Name: "offline", Does: "true: only journeys during which the kiosk was offline.", Enum: []string{"true"}},
	}, pageParameters(), []parameter{dataParameter()})
}

func (op operation) takes(name string) bool {
	return slices.ContainsFunc(op.Known, func(p parameter) bool { return p.Name == name })
}

// check refuses what is not known, too long, or not one of the words there are.
// Names are looked at in order, so that the same request gets the same answer.
func (op operation) check(values map[string]string) error {
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		i := slices.IndexFunc(op.Known, func(p parameter) bool { return p.Name == name })
		if i < 0 {
			hint := "no parameters are known here"
			if len(op.Known) > 0 {
				known := make([]string, len(op.Known))
				for i, p := range op.Known {
					known[i] = p.Name
				}
				hint = "known are " + strings.Join(known, ", ")
			}
			return &fault{
				Status: http.StatusBadRequest, Key: journey.AnswerErrorInvalidParameter,
				Values: map[string]string{"parameter": bounded64(name)}, Hint: hint,
			}
		}
		p, v := op.Known[i], values[name]
		longest := p.Longest
		if longest == 0 {
			longest = maxValue
		}
		switch {
		case v == "" || len(v) > longest:
			return badFormat(name, "give it with a value that is not longer than it can be, or leave it out")
		case len(p.Enum) > 0 && !slices.Contains(p.Enum, v):
			return badFormat(name, "one of "+strings.Join(p.Enum, ", "))
		}
	}
	return nil
}

func badFormat(name, hint string) *fault {
	return &fault{
		Status: http.StatusBadRequest, Key: journey.AnswerErrorInvalidFormat,
		Values: map[string]string{"parameter": bounded64(name)}, Hint: hint,
	}
}

// bounded64 keeps an unknown parameter's name short and printable in an answer.
func bounded64(s string) string {
	out := make([]rune, 0, 64)
	for _, r := range s {
		if len(out) == 64 {
			break
		}
		if r < 0x20 || r > 0x7e {
			r = '?'
		}
		out = append(out, r)
	}
	return string(out)
}
