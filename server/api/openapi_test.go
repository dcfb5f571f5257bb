package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/stretchr/testify/require"

	"vestibule/journey"
)

func judge(t *testing.T) validator.Validator {
	t.Helper()
	text, err := Document()
	require.NoError(t, err)
	doc, err := libopenapi.NewDocument(text)
	require.NoError(t, err)
	v, errs := validator.NewValidator(doc)
	require.Empty(t, errs)
	return v
}

func TestTheDescriptionIsValidOpenAPI31(t *testing.T) {
	ok, errs := judge(t).ValidateDocument()
	for _, e := range errs {
		t.Log(e.Message, e.Reason)
	}
	require.True(t, ok)
	text, err := Document()
	require.NoError(t, err)
	again, err := Document()
	require.NoError(t, err)
	require.Equal(t, string(text), string(again), "the same every time")
	require.Equal(t, 2, strings.Count(string(text), `"null"`), "only the camera's error and a comparison that was not made may be null")
	broken := bytes.Replace(text, []byte(`"openapi": "3.1.0"`), []byte(`"openapi": "3.1.0", "paths ": 1, "info ": 2`), 1)
	doc, err := libopenapi.NewDocument(broken)
	require.NoError(t, err)
	v, errs2 := validator.NewValidator(doc)
	require.Empty(t, errs2)
	ok, _ = v.ValidateDocument()
	require.False(t, ok, "the validator does object where there is reason")
}

func TestEveryAnswerFitsItsDescription(t *testing.T) {
	v := judge(t)
	s := sample()
	partner(t, s)
	var asked []string
	h := compares(s, &asked)
	for name, c := range map[string]struct {
		method, key, path, media, body string
		status                         int
	}{
		"one":              {"GET", "good", "/submission?submission_id=one", "", "", 200},
		"a part of one":    {"GET", "good", "/submission?submission_id=one&request_type=kyc", "", "", 200},
		"a list":           {"GET", "good", "/submission?limit=1", "", "", 200},
		"a list by POST":   {"POST", "good", "/submission", jsonMedia, `{"limit":1,"email":"anna@example.org"}`, 200},
		"encrypted":        {"GET", "sealed", "/submission?submission_id=one", "", "", 200},
		"journeys":         {"GET", "journeys", "/journeys?status=COMPLETED&limit=1", "", "", 200},
		"one journey":      {"GET", "journeys", "/journeys/session-1", "", "", 200},
		"the key":          {"GET", "", "/jwks.json", "", "", 200},
		"a comparison":     {"POST", "face", "/faceauth", jsonMedia, `{"submission_id":"other","image":"YW5uYQ=="}`, 200},
		"of a stranger":    {"POST", "face", "/faceauth", jsonMedia, `{"submission_id":"other","image":"Ym9i"}`, 200},
		"of nobody":        {"POST", "face", "/faceauth", jsonMedia, `{"userid":"nobody","image":"Ym9i"}`, 404},
		"an error":         {"GET", "good", "/submission?submission_id=none", "", "", 404},
		"nobody":           {"GET", "bad", "/submission", "", "", 401},
		"without a scope":  {"GET", "good", "/journeys", "", "", 403},
		"a picture hidden": {"GET", "pictures", "/image/one/none", "", "", 404},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(c.method, "http://centre.example.org"+c.path, strings.NewReader(c.body))
			r.Header.Set("x-api-key", c.key)
			if c.media != "" {
				r.Header.Set("Content-Type", c.media)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			require.Equal(t, c.status, w.Code, w.Body.String())
			r = httptest.NewRequest(c.method, "http://centre.example.org"+c.path, strings.NewReader(c.body))
			r.Header.Set("x-api-key", c.key)
			if c.media != "" {
				r.Header.Set("Content-Type", c.media)
			}
			ok, errs := v.ValidateHttpRequestResponse(r, w.Result())
			for _, e := range errs {
				t.Log(e.Message, e.Reason, e.SchemaValidationErrors)
			}
			require.True(t, ok, w.Body.String())
		})
	}
}

func TestWhatIsNotDescribedIsNotValid(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "http://centre.example.org/submission?submission_id=one", nil)
	r.Header.Set("x-api-key", "good")
	w := httptest.NewRecorder()
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.WriteString(`{"submission_id": 7}`)
	ok, _ := judge(t).ValidateHttpResponse(r, w.Result())
	require.False(t, ok)
}

func TestEveryAddressIsDescribedAndEveryDescribedOneIsThere(t *testing.T) {
	h := sample().handler()
	var doc struct {
		Paths map[string]map[string]any `json:"paths"`
	}
	require.NoError(t, json.Unmarshal(send(h, http.MethodGet, "", "/openapi.json", "", nil).Body.Bytes(), &doc))
	require.Len(t, doc.Paths, len(operations())+1)
	for path, methods := range doc.Paths {
		for method := range methods {
			w := send(h, strings.ToUpper(method), "", strings.NewReplacer("{", "", "}", "").Replace(path), "", nil)
			require.NotContains(t, []int{http.StatusNotFound, http.StatusMethodNotAllowed}, w.Code, method+" "+path)
		}
	}
}

func TestThePageNeedsNothingFromElsewhere(t *testing.T) {
	h := sample().handler()
	w := send(h, http.MethodGet, "", "/docs", "", nil)
	require.Equal(t, http.StatusOK, w.Code)
	page := w.Body.String()
	require.NotContains(t, page, "http://")
	require.NotContains(t, page, "https://")
	require.NotContains(t, page, "<script")
	for _, f := range journey.Fields(journey.AnswerKnowledge) {
		require.Contains(t, page, f.Path)
	}
	for _, m := range meanings() {
		require.Contains(t, page, m.Key.Code)
	}
	require.Equal(t, http.StatusOK, send(h, http.MethodGet, "", "/docs/reference.css", "", nil).Code)
}
