package api

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/server/store"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// shelf is a store in memory; what it keeps "encrypted" is its own map.
type shelf struct {
	keys      map[string]store.APIKey
	rows      []store.Submission
	dossiers  map[string]journey.Submission
	screening map[string]store.Screening
	decisions map[string][]store.Decision
	pictures  map[string][]byte // by evidence
	erasures  map[string][]store.Erasure
	audit     []string
	auditErr  error
	request   *ecdsa.PrivateKey
	now       time.Time
}

func (s *shelf) APIKeyByHash(_ context.Context, hash string) (store.APIKey, error) {
	for key, k := range s.keys {
		if HashKey(key) == hash {
			k.ID, k.Hash = "id of "+key, hash
			return k, nil
		}
	}
	return store.APIKey{}, store.ErrNotFound
}

func (s *shelf) KnowsProject(_ context.Context, project string) (bool, error) {
	return slices.ContainsFunc(s.rows, func(r store.Submission) bool { return r.Project == project }), nil
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
		if older && (f.EmailKey == "" || r.Keys.Email == f.EmailKey) && (f.UserKey == "" || r.Keys.User == f.UserKey) && (f.Project == "" || r.Project == f.Project) && len(out) < f.Limit {
			out = append(out, r)
		}
	}
	return out, nil
}

func (s *shelf) Erasures(_ context.Context, submission string) ([]store.Erasure, error) {
	return s.erasures[submission], nil
}

func (s *shelf) SamePII(_ context.Context, rows []store.Submission) (map[string][]string, error) {
	out := map[string][]string{}
	for _, row := range rows {
		for _, r := range s.rows {
			if row.Keys.PII != "" && r.Keys.PII == row.Keys.PII && r.ID != row.ID {
				out[row.ID] = append(out[row.ID], r.ID)
			}
		}
	}
	return out, nil
}

func (s *shelf) EvidenceOf(_ context.Context, submission, id string) (store.Evidence, error) {
	for _, e := range s.dossiers[submission].Evidence {
		if e.ID == id {
			return store.Evidence{Submission: submission, ID: id, Kind: e.Kind}, nil
		}
	}
	return store.Evidence{}, store.ErrNotFound
}

func (s *shelf) Results(context.Context, []store.Submission) (map[string]store.Screening, error) {
	return s.screening, nil
}

func (s *shelf) LastDecisions(context.Context, []string) (map[string]store.Decision, error) {
	out := map[string]store.Decision{}
	for session, all := range s.decisions {
		out[session] = all[len(all)-1]
	}
	return out, nil
}

func (s *shelf) Session(_ context.Context, id string) (store.Session, error) {
	if id != "session-1" {
		return store.Session{}, store.ErrNotFound
	}
	return store.Session{ID: id, Kiosk: "hall-1", Project: "default", Status: journey.StatusCompleted, Started: noon, Ended: noon}, nil
}

func (s *shelf) Sessions(_ context.Context, f store.SessionFilter) ([]store.Session, error) {
	one, err := s.Session(context.Background(), "session-1")
	if f.BeforeID != "" {
		return nil, err
	}
	two := one
	two.ID = "session-0"
	return []store.Session{one, two}[:min(2, f.Limit)], err
}

func (s *shelf) Events(context.Context, string) ([]journey.Event, error) { return nil, nil }

func (s *shelf) Dossier(r store.Submission) (journey.Submission, error) { return s.dossiers[r.ID], nil }
func (s *shelf) EmailKey(v string) string                               { return "key of " + v }
func (s *shelf) UserKey(v string) string                                { return "key of " + v }

func (s *shelf) Comment(r store.Submission) (string, error) { return string(r.Comment), nil }

func (s *shelf) Picture(_ store.Submission, e store.Evidence) ([]byte, error) {
	b, ok := s.pictures[e.ID]
	if !ok {
		return nil, store.ErrNotFound
	}
	return b, nil
}

func (s *shelf) PageTag(text string) string {
	mac := hmac.New(sha256.New, []byte("page"))
	_, _ = io.WriteString(mac, text)
	return hex.EncodeToString(mac.Sum(nil))[:32]
}

func (s *shelf) RequestKey() (*ecdsa.PrivateKey, error) { return s.request, nil }

func (s *shelf) note(_ context.Context, who, what, target string) error {
	if s.auditErr == nil {
		s.audit = append(s.audit, who+"|"+what+"|"+target)
	}
	return s.auditErr
}

var jpegHead = []byte("\xff\xd8\xff\xe0\x00\x10JFIF\x00")

// full is a submission in which everything is known that can be.
func full() journey.Submission {
	person := journey.PersonData{
		FamilyName: "ERIKSSON", GivenNames: "ANNA MARIA", Birth: "1974-08-12", Gender: "female", Nationality: "UTO",
		Number: "L898902C3", Expiry: "2032-04-15",
	}
	grown := 18.0
	review := person
	review.FamilyName, review.GivenNames, review.Corrected = "Eriksson", "Anna Maria", true
	return journey.Submission{
		ID: "one", Session: "session-1", Created: noon, StartPressed: noon, Recognition: 93,
		Email: "anna@example.org", Phone: "+1 555 0100", UserID: "u-1", TokenID: "t-1",
		Document: journey.DocumentData{
			Type: journey.Passport, Layout: "TD3", IssuingCountry: "UTO", Number: "L898902C3", PersonalNumber: "Z1", IssueDate: "2022-04-16", ExpiryDate: "2032-04-15",
			Person: person,
		},
		Review: &review,
		Attempts: []journey.Attempt{
			{Count: 1, Step: journey.Step1, At: noon, Code: journey.Step1RetryImageTooBlurry},
			{Count: 2, Step: journey.Step1, At: noon.Add(time.Second)},
			{Count: 3, Step: journey.Step1, At: noon.Add(time.Second)},
			{Count: 1, Step: journey.Step2, At: noon.Add(2 * time.Second), Code: journey.Step2ErrorUnauthorized},
			{Count: 2, Step: journey.Step2, At: noon.Add(2 * time.Second)},
			{Count: 3, Step: journey.Step2, At: noon.Add(2 * time.Second), Similarity: 97, Liveness: 88, Selfie: "s"},
		},
		Retries: []journey.RetryEntry{{Step: journey.Step1, Count: 1, Code: journey.Step1RetryImageTooBlurry}},
		Evidence: []journey.Evidence{
			{ID: "f", Kind: journey.EvidenceFront},
			{ID: "b", Kind: journey.EvidenceBack},
			{ID: "s", Kind: journey.EvidenceSelfie},
			{ID: "a", Kind: journey.EvidenceAddress},
		},
		Camera:     []journey.CameraProcess{{Type: journey.FrontAutocapture, Started: noon, Ended: noon}, {Type: journey.FrontAutocapture, Started: noon, Ended: noon, Error: "camera_lost"}},
		IDLiveness: &journey.IDLiveness{ScreenReplay: 1, PaperPrinted: 2, ReplacePortrait: 3},
		Updated:    noon,
		FaceAges: []journey.FaceAge{{
			Selfie:   &journey.AgeRange{Low: 44, Median: 49, High: 57},
			Document: &journey.AgeRange{Low: 40, Median: 45, High: 52},
		}},
		FaceAgeRules: journey.FaceAgePolicy{
			Conditions: []journey.AgeCondition{
				{Target: "low", Operator: "gte", Selfie: true, Document: true, Custom: &grown, BirthDate: true},
				{Target: "high", Operator: "lt", Selfie: true, Custom: &grown},
			},
			Operators: []string{"or"}, ExtendLow: 2,
		},
		OCR: []journey.OCRField{
			{Item: journey.OCRRotate, Value: "270"},
			{Item: "number", Value: "L898902C3", Box: []float64{.1, .2, .3, .2, .3, .4, .1, .4}},
		},
	}
}

func sample() *shelf {
	row := store.Submission{
		ID: "one", Session: "session-1", Project: "default", Created: noon, Updated: noon, Decision: journey.Rejected, Reason: journey.ReasonDuplicateUser,
		CommentCode: "duplicate_user", Decided: noon.Add(time.Minute), PendingSince: noon, Applicant: "a",
		Keys: store.Keys{PIIVersion: "v1:", PII: "k", Email: "key of anna@example.org"},
	}
	other := row
	other.ID, other.Created, other.Keys.Email = "other", noon.Add(-time.Hour), ""
	foreign := store.Submission{ID: "foreign", Project: "elsewhere", Created: noon.Add(-2 * time.Hour)}
	request, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	key := func(scope string) store.APIKey { return store.APIKey{Scope: scope, PerSecond: 1000} }
	s := &shelf{
		keys: map[string]store.APIKey{
			"good": key(ScopeSubmissions), "journeys": key(ScopeJourneys), "all": key(ScopeAdmin), "pictures": key(ScopeImages + "," + ScopeSubmissions),
			"here":  {Scope: ScopeSubmissions + "," + ScopeImages + "," + ScopeJourneys, Project: "default", PerSecond: 1000},
			"there": {Scope: ScopeSubmissions + "," + ScopeImages + "," + ScopeJourneys, Project: "elsewhere", PerSecond: 1000},
			"gone":  {Scope: ScopeSubmissions, Project: "nowhere", PerSecond: 1000},
			"slow":  {Scope: ScopeSubmissions, PerSecond: 1},
		},
		rows:      []store.Submission{row, other, foreign},
		dossiers:  map[string]journey.Submission{"one": full(), "other": {}, "foreign": {Evidence: []journey.Evidence{{ID: "f"}}}},
		screening: map[string]store.Screening{"one": {Status: "Red Flag", Risk: "High", Result: []byte(`{"matches":[{"entity":"ofac-1","score":97.5,"risk":"HIGH"}]}`)}},
		decisions: map[string][]store.Decision{"session-1": {{Record: []byte(`{"faces":[{"submission":"other"}]}`)}}},
		pictures:  map[string][]byte{"f": jpegHead, "b": []byte("<html>not a picture</html>")},
		request:   request,
		now:       noon,
	}
	return s
}

func (s *shelf) handler() http.Handler {
	return Handler(Config{Store: s, Private: s, Audit: s.note, Clock: func() time.Time { return s.now }, Log: quiet()})
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func send(h http.Handler, method, key, path, media string, body []byte) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, bytes.NewReader(body))
	if key != "" {
		r.Header.Set("x-api-key", key)
	}
	if media != "" {
		r.Header.Set("Content-Type", media)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func decoded(t testing.TB, w *httptest.ResponseRecorder) map[string]any {
	t.Helper()
	var body map[string]any
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &body), w.Body.String())
	return body
}

func ask(t testing.TB, s *shelf, key, path string) (int, map[string]any) {
	t.Helper()
	w := send(s.handler(), http.MethodGet, key, path, "", nil)
	return w.Code, decoded(t, w)
}

// sendRaw sends a query as it is, however malformed.
func sendRaw(h http.Handler, method, query, media, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/submission", strings.NewReader(body))
	r.URL.RawQuery = query
	r.Header.Set("x-api-key", "good")
	r.Header.Set("Content-Type", media)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}
