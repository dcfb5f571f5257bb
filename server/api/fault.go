package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"vestibule/journey"
)

// fault is an error as the API tells it: a code of the contract, and what to do.
// The contract has seven codes; the status tells apart what shares one.
type fault struct {
	Status int
	Key    journey.CodeKey
	Values map[string]string // of what the message leaves open
	Hint   string
	Retry  time.Duration // after which to try again
}

func (f *fault) Error() string { return f.Key.Code }

// faultBody is how a fault travels.
type faultBody struct {
	Code    string `json:"errorCode" required:"true" enum:"invalid_payload,missing_data,invalid_project,invalid_admin,invalid_parameter,invalid_format,processing_error"`
	Message string `json:"errorMsg" required:"true"`
	Hint    string `json:"hint" required:"true"`
}

func (f *fault) body() faultBody {
	b := faultBody{Code: f.Key.Code, Message: f.Key.Code, Hint: f.Hint}
	if all := journey.LookupCode(f.Key); len(all) > 0 {
		b.Message = all[0].Text(f.Values)
	}
	return b
}

// meaning is one status with the code it comes with.
type meaning struct {
	Status int
	Key    journey.CodeKey
	When   string
}

// meanings lists every fault there is, for the description and its test.
func meanings() []meaning {
	return []meaning{
		{http.StatusBadRequest, journey.AnswerErrorInvalidPayload, "the query, the body or the encrypted data cannot be read"},
		{http.StatusBadRequest, journey.AnswerErrorMissingData, "one half of nextpageKey is missing; with Face Auth, the picture or whom to compare with"},
		{http.StatusBadRequest, journey.AnswerErrorInvalidParameter, "a parameter that is not known"},
		{http.StatusBadRequest, journey.AnswerErrorInvalidFormat, "a parameter given twice, too long, or not in its format; a page key of another list"},
		{http.StatusUnauthorized, journey.AnswerErrorInvalidAdmin, "no key, or one that is not known or was revoked"},
		{http.StatusForbidden, journey.AnswerErrorInvalidAdmin, "the key lacks the scope, or has no public key registered for encryption"},
		{http.StatusForbidden, journey.AnswerErrorInvalidProject, "the key's project is not one of this centre"},
		{http.StatusNotFound, journey.AnswerErrorMissingData, "nothing is there under this id that the key may see"},
		{http.StatusMethodNotAllowed, journey.AnswerErrorInvalidPayload, "another method"},
		{http.StatusRequestTimeout, journey.AnswerErrorInvalidPayload, "the body did not arrive within ten seconds"},
		{http.StatusRequestEntityTooLarge, journey.AnswerErrorInvalidPayload, "the body is larger than 64 KiB, with a picture 8 MiB"},
		{http.StatusUnsupportedMediaType, journey.AnswerErrorInvalidPayload, "a body that is neither JSON nor a form"},
		{http.StatusTooManyRequests, journey.AnswerErrorProcessingError, "more requests than the key may make; Retry-After says when"},
		{http.StatusConflict, journey.AnswerErrorProcessingError, "the face that is kept was measured by another network: the person has to come once more"},
		{http.StatusServiceUnavailable, journey.AnswerErrorProcessingError, "pictures cannot be read now, or too many are at the same time; Retry-After says when"},
		{http.StatusInternalServerError, journey.AnswerErrorProcessingError, "the centre failed; its log holds the cause"},
	}
}

// write writes an answer, or a fault, whole.
func (s server) write(w http.ResponseWriter, r *http.Request, body any, err error) {
	status := http.StatusOK
	h := w.Header()
	if err != nil {
		var f *fault
		if !errors.As(err, &f) {
			// The query is not logged: it may hold an e-mail address. Nor is the address, which the caller made up.
			s.Log.ErrorContext(r.Context(), "request failed", "code", "processing_error", "error", err)
			f = &fault{
				Status: http.StatusInternalServerError, Key: journey.AnswerErrorProcessingError,
				Hint: "try again; if it stays so, the centre's log holds the cause",
			}
		}
		if f.Retry > 0 {
			h.Set("Retry-After", strconv.Itoa(max(1, int((f.Retry+time.Second-1)/time.Second))))
		}
		status, body = f.Status, f.body()
	}
	out, ok := body.(file)
	if !ok {
		out.Media = "application/json; charset=utf-8"
		if out.Bytes, err = json.Marshal(body); err != nil {
			s.Log.ErrorContext(r.Context(), "answer cannot be written", "code", "processing_error", "error", err)
			status, out.Bytes = http.StatusInternalServerError, []byte(`{"errorCode":"processing_error","errorMsg":"The request could not be completed.","hint":"the centre's log holds the cause"}`)
		}
		out.Bytes = append(out.Bytes, '\n')
	}
	h.Set("Content-Type", out.Media)
	h.Set("Content-Length", strconv.Itoa(len(out.Bytes)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes) // the caller has gone: nobody is left to tell
}
