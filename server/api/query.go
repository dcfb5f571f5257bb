package api

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"vestibule/journey"
)

// Bounds of a query.
const (
	defaultLimit = 50
	maxLimit     = 100
	maxValue     = 320 // the longest e-mail address
)

// Parts of an answer that request_type can select.
const (
	typeKYC    = "kyc"
	typeAML    = "aml"
	typeData   = "data"
	typeOthers = "others"
)

// query is a request for submissions, checked.
type query struct {
	Submission string // one, by its id; the rest narrows a list
	UserID     string
	Email      string
	Limit      int
	AfterID    string
	After      time.Time
	From, To   time.Time // To is excluded
	Type       string    // empty: everything
}

// parseQuery checks every parameter. The source of the contract names only the
// meaning of most parameters; the names are ours.
func parseQuery(values url.Values) (query, *fault) {
	q := query{Limit: defaultLimit}
	for name, all := range values {
		if len(all) != 1 || len(all[0]) > maxValue {
			return q, badFormat(name, "give it once, with at most 320 characters")
		}
		v := all[0]
		var err error
		switch name {
		case "submission_id":
			q.Submission = v
		case "userid":
			q.UserID = v
		case "email":
			q.Email = v
		case "id":
			q.AfterID = v
		case "limit":
			q.Limit, err = strconv.Atoi(v)
			if err != nil || q.Limit < 1 || q.Limit > maxLimit {
				return q, badFormat(name, "a whole number from 1 to 100")
			}
		case "created_at":
			if q.After, err = time.Parse(time.RFC3339Nano, v); err != nil {
				return q, badFormat(name, "take it from nextpageKey as it is")
			}
		case "start_date":
			if q.From, err = time.Parse(time.DateOnly, v); err != nil {
				return q, badFormat(name, "YYYY-MM-DD")
			}
		case "end_date":
			if q.To, err = time.Parse(time.DateOnly, v); err != nil {
				return q, badFormat(name, "YYYY-MM-DD")
			}
			q.To = q.To.AddDate(0, 0, 1) // the whole of that day
		case "request_type":
			switch v {
			case typeKYC, typeAML, typeData, typeOthers:
				q.Type = v
			default:
				return q, badFormat(name, "one of kyc, aml, data, others")
			}
		default:
			return q, &fault{
				Status: http.StatusBadRequest, Key: journey.AnswerErrorInvalidParameter,
				Values: map[string]string{"parameter": bounded64(name)},
				Hint:   "known are submission_id, userid, email, limit, id, created_at, start_date, end_date, request_type",
			}
		}
	}
	if (q.AfterID == "") != q.After.IsZero() {
		return q, &fault{
			Status: http.StatusBadRequest, Key: journey.AnswerErrorMissingData,
			Hint: "id and created_at of nextpageKey belong together",
		}
	}
	if !q.From.IsZero() && !q.To.IsZero() && !q.From.Before(q.To) {
		return q, badFormat("end_date", "not before start_date")
	}
	return q, nil
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
