package api

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/server/store"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// shelf is a store in memory; what it keeps "encrypted" is its own map.
type shelf struct {
	keys      map[string]string // key → scopes
	rows      []store.Submission
	dossiers  map[string]journey.Submission
	screening map[string]store.Screening
	decisions map[string][]store.Decision
}

func (s *shelf) APIKeyByHash(_ context.Context, hash string) (store.APIKey, error) {
	for key, scope := range s.keys {
		if HashKey(key) == hash {
			return store.APIKey{Scope: scope}, nil
		}
	}
	return store.APIKey{}, store.ErrNotFound
}

func (s *shelf) Submission(_ context.Context, id string) (store.Submission, error) {
	for _, r := range s.rows {
		if r.ID == id {
			return r, nil
		}
	}
	return store.Submission{}, store.ErrNotFound
}

func (s *shelf) Submissions(_ context.Context, f store.SubmissionFilter) ([]store.Submission, error) {
	var out []store.Submission
	for _, r := range s.rows {
		older := f.BeforeID == "" || r.Created.Before(f.Before) || r.Created.Equal(f.Before) && r.ID < f.BeforeID
		if older && (f.EmailKey == "" || r.Keys.Email == f.EmailKey) && len(out) < f.Limit {
			out = append(out, r)
		}
	}
	return out, nil
}

func (s *shelf) Same(_ context.Context, _ string, field store.Field, value, besides string) ([]store.Submission, error) {
	var out []store.Submission
	for _, r := range s.rows {
		if field == store.ByPII && value != "" && r.Keys.PII == value && r.ID != besides {
			out = append(out, r)
		}
	}
	return out, nil
}

func (s *shelf) Screening(_ context.Context, id string) (store.Screening, error) {
	one, ok := s.screening[id]
	if !ok {
		return one, store.ErrNotFound
	}
	return one, nil
}

func (s *shelf) Decisions(_ context.Context, session string) ([]store.Decision, error) {
	return s.decisions[session], nil
}

func (s *shelf) Session(_ context.Context, id string) (store.Session, error) {
	if id != "session-1" {
		return store.Session{}, store.ErrNotFound
	}
	return store.Session{ID: id, Kiosk: "hall-1", Status: journey.StatusCompleted, Started: noon, Ended: noon}, nil
}

func (s *shelf) Sessions(_ context.Context, f store.SessionFilter) ([]store.Session, error) {
	one, err := s.Session(context.Background(), "session-1")
	return []store.Session{one}[:min(1, f.Limit)], err
}

func (s *shelf) Events(context.Context, string) ([]journey.Event, error) { return nil, nil }

func (s *shelf) Dossier(r store.Submission) (journey.Submission, error) { return s.dossiers[r.ID], nil }
func (s *shelf) EmailKey(v string) string                               { return "key of " + v }
func (s *shelf) UserKey(v string) string                                { return "key of " + v }

func sample() *shelf {
	d := journey.Submission{
		ID: "one", Session: "session-1", Created: noon, StartPressed: noon, Recognition: 93,
		Document: journey.DocumentData{
			Type: journey.Passport, IssuingCountry: "UTO", Number: "L898902C3", ExpiryDate: "2032-04-15",
			Person: journey.PersonData{FamilyName: "ERIKSSON", GivenNames: "ANNA MARIA", Birth: "1974-08-12", Gender: "female", Nationality: "UTO"},
		},
		Review: &journey.PersonData{FamilyName: "Eriksson", GivenNames: "Anna Maria", Birth: "1974-08-12", Gender: "female", Nationality: "UTO", Corrected: true},
		Attempts: []journey.Attempt{
			{Count: 1, Step: journey.Step1, At: noon, Code: journey.Step1RetryImageTooBlurry},
			{Count: 2, Step: journey.Step1, At: noon.Add(time.Second)},
			{Count: 1, Step: journey.Step2, At: noon.Add(2 * time.Second), Similarity: 97, Liveness: 88, Selfie: "s"},
		},
		Retries:  []journey.RetryEntry{{Step: journey.Step1, Count: 1, Code: journey.Step1RetryImageTooBlurry}},
		Evidence: []journey.Evidence{{ID: "f", Kind: journey.EvidenceFront}, {ID: "s", Kind: journey.EvidenceSelfie}},
		Camera:   []journey.CameraProcess{{Type: journey.FrontAutocapture, Started: noon, Ended: noon}},
	}
	row := store.Submission{
		ID: "one", Session: "session-1", Created: noon, Updated: noon, Decision: journey.Rejected, Reason: journey.ReasonDuplicateUser,
		CommentCode: "duplicate_user", Decided: noon.Add(time.Minute), Applicant: "a", Keys: store.Keys{PIIVersion: "v1:", PII: "k", Email: "key of anna@example.org"},
	}
	other := row
	other.ID, other.Created, other.Keys.Email = "other", noon.Add(-time.Hour), ""
	return &shelf{
		keys:      map[string]string{"good": ScopeSubmissions, "journeys": ScopeJourneys, "all": ScopeAdmin},
		rows:      []store.Submission{row, other},
		dossiers:  map[string]journey.Submission{"one": d, "other": {}},
		screening: map[string]store.Screening{"one": {Status: "Red Flag", Risk: "High", Result: []byte(`{"matches":[{"entity":"ofac-1","score":97.5,"risk":"HIGH"}]}`)}},
		decisions: map[string][]store.Decision{"session-1": {{Record: []byte(`{"faces":[{"submission":"other"}]}`)}}},
	}
}

func ask(t testing.TB, s *shelf, key, path string) (int, map[string]any) {
	h := Handler(Config{Store: s, Private: s, Clock: func() time.Time { return noon }, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	r := httptest.NewRequest(http.MethodGet, path, nil)
	if key != "" {
		r.Header.Set("x-api-key", key)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var body map[string]any
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &body), w.Body.String())
	return w.Code, body
}

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
	require.Len(t, attempts, 3)
	require.Equal(t, "image_too_blurry", attempts[0].(map[string]any)["retryCode"])
	last := attempts[2].(map[string]any)
	require.Equal(t, "2026-03-04T12:00:01.000Z", last["step1Time2nd"])
	require.InDelta(t, 97, last["faceSimilarityScore"], 0)
	require.Equal(t, []any{"other"}, got["duplicated_users"])
	require.Equal(t, []any{"other"}, got["duplicated_selfie_users"])
	require.Equal(t, "Red Flag", got["aml"].(map[string]any)["currentstatus"])
	camera := got["signals"].(map[string]any)["cameraProcessInfo"].([]any)[0].(map[string]any)
	require.Contains(t, camera, "error")
	require.Nil(t, camera["error"])
}

func TestEveryPathOfAnAnswerIsInTheContract(t *testing.T) {
	_, got := ask(t, sample(), "good", "/submission?submission_id=one")
	known := map[string]bool{}
	for _, f := range journey.Fields(journey.AnswerDocument) {
		known[f.Path] = true
	}
	for name := range got {
		under := false
		for path := range known {
			under = under || path == name || len(path) > len(name) && path[:len(name)+1] == name+"."
		}
		require.True(t, under, "%s is not a field of the contract", name)
	}
}

func TestWhatWasReadIsToldFieldByField(t *testing.T) {
	var a answer
	box := []float64{.1, .2, .3, .2, .3, .4, .1, .4}
	a.personal(journey.Submission{OCR: []journey.OCRField{
		{Item: journey.OCRRotate, Value: "270", Score: 99, Accepted: true},
		{Item: "number", Value: "L898902C3", Score: 0, Box: box},
		{Item: "gender", Value: "female", Score: 98, Accepted: true},
	}})
	b, err := json.Marshal(a.OCRRaw)
	require.NoError(t, err)
	require.JSONEq(t, `{
		"rotate": {"value": "270"},
		"number": {"value": "L898902C3", "score": 0, "accepted": false, "coordinates": [0.1, 0.2, 0.3, 0.2, 0.3, 0.4, 0.1, 0.4]},
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

func TestAListContinuesAfterItsLastRow(t *testing.T) {
	s := sample()
	_, first := ask(t, s, "good", "/submission?limit=1")
	require.Len(t, first["submissions"], 1)
	next := first["nextpageKey"].(map[string]any)
	newer := s.rows[0]
	newer.ID, newer.Created = "zzz", noon.Add(time.Hour)
	s.rows = append([]store.Submission{newer}, s.rows...) // added between the pages
	q := url.Values{"limit": {"1"}, "id": {next["id"].(string)}, "created_at": {next["created_at"].(string)}}
	_, second := ask(t, s, "good", "/submission?"+q.Encode())
	require.Equal(t, "other", second["submissions"].([]any)[0].(map[string]any)["submission_id"])
	require.NotContains(t, second, "nextpageKey")
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
	require.Len(t, list["journeys"], 1)
}

func FuzzParseQuery(f *testing.F) {
	f.Add("submission_id=one&limit=5&start_date=2026-01-02&request_type=kyc")
	f.Add("id=x&created_at=2026-03-04T12:00:00Z")
	f.Fuzz(func(t *testing.T, raw string) {
		values, err := url.ParseQuery(raw)
		if err != nil {
			return
		}
		q, bad := parseQuery(values)
		if bad == nil {
			require.GreaterOrEqual(t, q.Limit, 1)
			require.LessOrEqual(t, q.Limit, maxLimit)
			require.Equal(t, q.AfterID == "", q.After.IsZero())
		}
	})
}
