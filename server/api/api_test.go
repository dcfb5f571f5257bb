package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/server/store"
)

func TestOneSubmissionHasTheContractsShape(t *testing.T) {
	status, got := ask(t, sample(), "good", "/submission?submission_id=one")
	require.Equal(t, http.StatusOK, status)
	data := got["data"].(map[string]any)
	require.Equal(t, "Eriksson", data["last_name"], "the person's own correction wins")
	require.Equal(t, "adult", data["age_group"])
	require.Equal(t, "L898902C3", data["documentNumber"])
	require.Equal(t, "ERIKSSON", got["ocr"].(map[string]any)["lastName"])
	kyc := got["kyc"].(map[string]any)
	require.Equal(t, "rejected", kyc["result"])
	require.Equal(t, "duplicate_user", kyc["commentCode"])
	require.NotEmpty(t, kyc["comment"])
	attempts := kyc["attempts"].([]any)
	require.Len(t, attempts, 6)
	require.Equal(t, "image_too_blurry", attempts[0].(map[string]any)["retryCode"])
	last := attempts[5].(map[string]any)
	require.Equal(t, "2026-03-04T12:00:01.000Z", last["step1Time2nd"])
	require.InDelta(t, 97, last["faceSimilarityScore"], 0)
	require.Equal(t, []any{"other"}, got["duplicated_users"])
	require.Equal(t, []any{"other"}, got["duplicated_selfie_users"])
	require.Equal(t, "Red Flag", got["aml"].(map[string]any)["currentstatus"])
	camera := got["signals"].(map[string]any)["cameraProcessInfo"].([]any)[0].(map[string]any)
	require.Contains(t, camera, "error")
	require.Nil(t, camera["error"])
}

func TestADecisionByAPersonSaysSoWithTheirComment(t *testing.T) {
	_, got := ask(t, sample(), "good", "/submission?submission_id=one")
	require.Equal(t, "system", got["reviewer"])
	s := sample()
	s.rows[0].Reviewer, s.rows[0].Comment = "anna", []byte("Please bring the other passport.")
	_, got = ask(t, s, "good", "/submission?submission_id=one")
	require.Equal(t, "agent", got["reviewer"])
	kyc := got["kyc"].(map[string]any)
	require.Equal(t, "Please bring the other passport.", kyc["comment"])
	require.Equal(t, "duplicate_user", kyc["commentCode"])
}

func TestWhatWasReadIsToldFieldByField(t *testing.T) {
	var a answer
	box := []float64{.1, .2, .3, .2, .3, .4, .1, .4}
	a.personal(journey.Submission{Document: journey.DocumentData{Type: journey.Passport}, OCR: []journey.OCRField{
		{Item: journey.OCRRotate, Value: "270", Score: 99, Accepted: true},
		{Item: "number", Value: "L898902C3", Score: 0, Box: box},
		{Item: "gender", Value: "female", Score: 98, Accepted: true},
	}})
	b, err := json.Marshal(a.OCRRaw)
	require.NoError(t, err)
	require.JSONEq(t, `{
		"rotate": {"value": "270"},
		"number": {"value": "L898902C3", "score": 0, "accepted": false, "coordinates": {"x1": 0.1, "y1": 0.2, "x2": 0.3, "y2": 0.2, "x3": 0.3, "y3": 0.4, "x4": 0.1, "y4": 0.4}},
		"gender": {"value": "female", "score": 98, "accepted": true}
	}`, string(b), "nothing and no are said, too")
}

func TestRequestTypeSelectsAPart(t *testing.T) {
	for kind, wanted := range map[string]string{"kyc": "kyc", "aml": "aml", "data": "data"} {
		_, got := ask(t, sample(), "good", "/submission?submission_id=one&request_type="+kind)
		require.Contains(t, got, wanted)
		require.Contains(t, got, "submission_id")
		for _, other := range []string{"kyc", "aml", "data", "signals"} {
			if other != wanted {
				require.NotContains(t, got, other, kind)
			}
		}
	}
	_, got := ask(t, sample(), "good", "/submission?submission_id=one&request_type=others")
	require.Contains(t, got, "signals")
	require.NotContains(t, got, "data")
}

func TestAScreeningThatDidNotRunIsNeverClear(t *testing.T) {
	_, got := ask(t, sample(), "good", "/submission?submission_id=other")
	require.Equal(t, "Not Screened", got["aml"].(map[string]any)["currentstatus"])
}

func TestAListCanBeNarrowedByEmail(t *testing.T) {
	_, got := ask(t, sample(), "good", "/submission?email=anna@example.org")
	require.Len(t, got["submissions"], 1)
}

func TestErrorsCarryTheContractsCodes(t *testing.T) {
	for name, c := range map[string]struct {
		key, path string
		status    int
		code      string
	}{
		"no key":                          {"", "/submission", 401, "invalid_admin"},
		"an unknown key":                  {"bad", "/submission", 401, "invalid_admin"},
		"a key without the scope":         {"journeys", "/submission", 403, "invalid_admin"},
		"an unknown parameter":            {"good", "/submission?colour=red", 400, "invalid_parameter"},
		"a limit that is no number":       {"good", "/submission?limit=all", 400, "invalid_format"},
		"a limit too large":               {"good", "/submission?limit=101", 400, "invalid_format"},
		"a date that is none":             {"good", "/submission?start_date=03/04/2026", 400, "invalid_format"},
		"an end before the start":         {"good", "/submission?start_date=2026-03-05&end_date=2026-03-01", 400, "invalid_format"},
		"half a page key":                 {"good", "/submission?id=one", 400, "missing_data"},
		"a page key that was made up":     {"good", "/submission?id=one&created_at=2026-03-04T12:00:00Z", 400, "invalid_format"},
		"a page key of another time":      {"good", "/submission?id=one.00000000000000000000000000000000&created_at=9999-12-31T23:59:59Z", 400, "invalid_format"},
		"a page time that is none":        {"good", "/submission?id=one.0&created_at=now", 400, "invalid_format"},
		"a limit with a sign":             {"good", "/submission?limit=%2B5", 400, "invalid_format"},
		"a date before there were any":    {"good", "/submission?start_date=0001-01-01", 400, "invalid_format"},
		"a parameter without a value":     {"good", "/submission?email=", 400, "invalid_format"},
		"a parameter that is too long":    {"good", "/submission?userid=" + strings.Repeat("x", 321), 400, "invalid_format"},
		"a query that is too long":        {"good", "/submission?userid=" + strings.Repeat("x", 20_000), 400, "invalid_payload"},
		"a query that breaks off":         {"good", "/submission?userid=%zz", 400, "invalid_payload"},
		"encrypted data that is none":     {"good", "/submission?data=x", 400, "invalid_payload"},
		"data and something beside it":    {"good", "/submission?data=x&limit=1", 400, "invalid_payload"},
		"SQL in an id":                    {"good", "/submission?submission_id=%27%3B%20DROP%20TABLE%20submission%3B--", 404, "missing_data"},
		"SQL in a parameter's name":       {"good", "/submission?1%3D1%20OR%20%27=1", 400, "invalid_parameter"},
		"a submission of another project": {"here", "/submission?submission_id=foreign", 404, "missing_data"},
		"a project that is not here":      {"gone", "/submission", 403, "invalid_project"},
		"a journey of another project":    {"there", "/journeys/session-1", 404, "missing_data"},
		"an address that is none":         {"good", "/submissions", 404, "missing_data"},
		"a parameter given twice":         {"good", "/submission?limit=1&limit=2", 400, "invalid_format"},
		"a submission that is not there":  {"good", "/submission?submission_id=none", 404, "missing_data"},
		"an unknown part":                 {"good", "/submission?request_type=secrets", 400, "invalid_format"},
		"an unknown parameter (journeys)": {"all", "/journeys?colour=red", 400, "invalid_parameter"},
		"a journey that is not there":     {"all", "/journeys/none", 404, "missing_data"},
	} {
		t.Run(name, func(t *testing.T) {
			status, got := ask(t, sample(), c.key, c.path)
			require.Equal(t, c.status, status)
			require.Equal(t, c.code, got["errorCode"])
			require.NotEmpty(t, got["errorMsg"])
			require.NotEmpty(t, got["hint"])
		})
	}
}

func TestAJourneyComesWithItsExplanation(t *testing.T) {
	status, got := ask(t, sample(), "journeys", "/journeys/session-1")
	require.Equal(t, http.StatusOK, status)
	require.NotEmpty(t, got["explain"].(map[string]any)["sentence"])
	_, list := ask(t, sample(), "all", "/journeys?limit=5")
	require.Len(t, list["journeys"], 2)
	_, first := ask(t, sample(), "here", "/journeys?limit=1&status=COMPLETED")
	next := first["nextpageKey"].(map[string]any)
	q := url.Values{"status": {"COMPLETED"}, "id": {next["id"].(string)}, "created_at": {next["created_at"].(string)}}
	status, second := ask(t, sample(), "here", "/journeys?"+q.Encode())
	require.Equal(t, http.StatusOK, status)
	require.Empty(t, second["journeys"])
}

func TestAWalkNeitherRepeatsNorLosesARow(t *testing.T) {
	s := sample()
	s.rows = nil
	for i := range 20 { // three share each moment
		id := fmt.Sprintf("s-%02d", i)
		s.rows = append([]store.Submission{{ID: id, Project: "default", Created: noon.Add(time.Duration(i/3) * time.Microsecond)}}, s.rows...)
		s.dossiers[id] = full()
	}
	h := s.handler()
	var seen []string
	q := url.Values{"limit": {"3"}}
	for page := 0; ; page++ {
		got := decoded(t, send(h, http.MethodGet, "good", "/submission?"+q.Encode(), "", nil))
		for _, one := range got["submissions"].([]any) {
			seen = append(seen, one.(map[string]any)["submission_id"].(string))
		}
		next, more := got["nextpageKey"].(map[string]any)
		if !more {
			break
		}
		q.Set("id", next["id"].(string))
		q.Set("created_at", next["created_at"].(string))
		q.Set("limit", fmt.Sprint(1+page%4)) // how many are wanted may change on the way
		s.rows = append([]store.Submission{{ID: fmt.Sprintf("z-%d", page), Created: noon.Add(time.Hour + time.Duration(page))}}, s.rows...)
	}
	require.Len(t, seen, 20)
	require.Equal(t, "s-19", seen[0])
	require.Equal(t, "s-00", seen[19])
}

func TestAPageKeyOpensOnlyTheListItWasGivenFor(t *testing.T) {
	s := sample()
	_, first := ask(t, s, "good", "/submission?limit=1")
	next := first["nextpageKey"].(map[string]any)
	q := url.Values{"id": {next["id"].(string)}, "created_at": {next["created_at"].(string)}}
	status, _ := ask(t, s, "good", "/submission?"+q.Encode())
	require.Equal(t, http.StatusOK, status)
	status, got := ask(t, s, "good", "/submission?email=anna@example.org&"+q.Encode())
	require.Equal(t, http.StatusBadRequest, status, "another filter")
	require.Equal(t, "invalid_format", got["errorCode"])
	status, _ = ask(t, s, "here", "/submission?"+q.Encode())
	require.Equal(t, http.StatusBadRequest, status, "another project")
	status, _ = ask(t, s, "all", "/journeys?"+q.Encode())
	require.Equal(t, http.StatusBadRequest, status, "another kind of list")
}

func TestAKeyOfOneProjectSeesNothingElse(t *testing.T) {
	_, got := ask(t, sample(), "there", "/submission")
	list := got["submissions"].([]any)
	require.Len(t, list, 1)
	require.Equal(t, "foreign", list[0].(map[string]any)["submission_id"])
	key, known, err := Find(t.Context(), sample(), "here")
	require.NoError(t, err)
	require.True(t, known)
	require.False(t, Opens(key, ScopeJourneys), "the console shows every project")
}

func TestAKeyThatAsksTooOftenWaits(t *testing.T) {
	s := sample()
	h := s.handler()
	for range 2 {
		require.Equal(t, http.StatusOK, send(h, http.MethodGet, "slow", "/submission", "", nil).Code)
	}
	w := send(h, http.MethodGet, "slow", "/submission", "", nil)
	require.Equal(t, http.StatusTooManyRequests, w.Code)
	require.Equal(t, "1", w.Header().Get("Retry-After"))
	require.Equal(t, http.StatusOK, send(h, http.MethodGet, "good", "/submission", "", nil).Code, "others do not wait with it")
	s.now = s.now.Add(time.Second)
	require.Equal(t, http.StatusOK, send(h, http.MethodGet, "slow", "/submission", "", nil).Code)
}

func TestAWrongMethodNamesTheRightOnes(t *testing.T) {
	h := sample().handler()
	w := send(h, http.MethodDelete, "good", "/submission", "", nil)
	require.Equal(t, http.StatusMethodNotAllowed, w.Code)
	require.Equal(t, []string{"GET", "POST"}, w.Header().Values("Allow"))
	require.Equal(t, "invalid_payload", decoded(t, w)["errorCode"])
	w = send(h, http.MethodPost, "all", "/journeys/session-1", "", nil)
	require.Equal(t, []string{"GET"}, w.Header().Values("Allow"))
}
