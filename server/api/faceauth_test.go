package api

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/server/store"
)

// compares is a centre that knows one face, "anna", and keeps what it was asked.
func compares(s *shelf, asked *[]string) http.Handler {
	s.keys["face"] = store.APIKey{Scope: ScopeFaceAuth, PerSecond: 1000}
	s.keys["face here"] = store.APIKey{Scope: ScopeFaceAuth, Project: "default", PerSecond: 1000}
	s.rows[1].Decision, s.rows[1].Keys.User = journey.Approved, "key of u-1"
	return Handler(Config{
		Store: s, Private: s, Audit: s.note, Clock: func() time.Time { return s.now }, Log: quiet(),
		FaceAuth: func(_ context.Context, row store.Submission, picture []byte) (FaceAuth, error) {
			*asked = append(*asked, row.ID+" "+string(picture[:min(len(picture), 8)]))
			out := FaceAuth{Started: noon, Ended: noon.Add(time.Second), Compared: true, Similarity: 99, Liveness: 80, Quality: 70}
			switch {
			case row.ID != "other":
				return out, fmt.Errorf("%w", ErrNoFace)
			case string(picture) == "busy":
				return out, fmt.Errorf("%w", ErrBusy)
			case string(picture) == "old":
				return out, fmt.Errorf("%w", ErrOldFace)
			case string(picture) == "anna":
				out.Match = true
			default:
				out.Code, out.Variant, out.Reason = journey.Step2RetryLivenessError, "border", journey.ReasonLivenessFail
			}
			return out, nil
		},
	})
}

func pictured(fields map[string]string) []byte {
	b, err := json.Marshal(fields)
	if err != nil {
		panic(err)
	}
	return b
}

func TestAComparisonIsToldInTheKnowledgeBasedShape(t *testing.T) {
	s := sample()
	var asked []string
	h := compares(s, &asked)
	image := base64.StdEncoding.EncodeToString([]byte("anna"))
	w := send(h, http.MethodPost, "face", "/faceauth", jsonMedia, pictured(map[string]string{"submission_id": "other", "image": image}))
	require.Equal(t, http.StatusOK, w.Code, w.Body.String())
	require.JSONEq(t, `{"submission_id":"other","reviewer":"system","created_at":"2026-03-04T12:00:00.000Z","kyc_result_at":"2026-03-04T12:00:01.000Z",
		"kyc":{"result":"approved","attempts":[{"attemptCnt":1,"step2Time1st":"2026-03-04T12:00:00.000Z","faceSimilarityScore":99,"livenessScore":80,
			"liveness":{"score":80,"probability":0.8,"quality":70}}]},
		"signals":{"cameraProcessInfo":[{"type":"knowledge-face-passive","processStartTime":"2026-03-04T12:00:00.000Z","processEndTime":"2026-03-04T12:00:01.000Z","error":null}]}}`,
		w.Body.String())
	w = send(h, http.MethodPost, "face here", "/faceauth", jsonMedia, pictured(map[string]string{"submission_id": "other", "image": "Ym9i"}))
	got := decoded(t, w)
	one := got["kyc"].(map[string]any)["attempts"].([]any)[0].(map[string]any)
	require.Equal(t, "liveness_error", one["retryCode"])
	border, _ := journey.LookupVariant(journey.Step2RetryLivenessError, "border")
	require.Equal(t, border.Text(nil), one["retryMsg"], "the message of what is wrong, not the code's first")
	require.Equal(t, []string{"other anna", "other bob"}, asked)
	require.Equal(t, []string{"id of face|face auth: match|other", "id of face here|face auth: liveness_error|other"}, trimmed(s.audit))

	known := map[string]bool{}
	for _, f := range journey.Fields(journey.AnswerKnowledge) {
		parts := strings.Split(f.Path, ".")
		for i := range parts {
			known[strings.TrimSuffix(strings.Join(parts[:i+1], "."), "[i]")] = true
		}
	}
	said := map[string]string{}
	walk("", got, said)
	for path := range said {
		require.True(t, known[strings.TrimSuffix(path, "[i]")], "%s is not a field of the contract's variant", path)
	}
}

func trimmed(lines []string) []string {
	var out []string
	for _, l := range lines {
		out = append(out, strings.TrimPrefix(l, "api key "))
	}
	return out
}

func TestWhatCannotBeComparedIsRefusedWithTheContractsCodes(t *testing.T) {
	image := base64.StdEncoding.EncodeToString([]byte("anna"))
	for name, c := range map[string]struct {
		key, method, body string
		status            int
		code              string
	}{
		"no picture":                       {"face", "POST", `{"submission_id":"other"}`, 400, "missing_data"},
		"nobody to compare with":           {"face", "POST", `{"image":"` + image + `"}`, 400, "missing_data"},
		"two people to compare with":       {"face", "POST", `{"submission_id":"other","userid":"u","image":"` + image + `"}`, 400, "invalid_format"},
		"a picture that is no base64":      {"face", "POST", `{"submission_id":"other","image":"!!"}`, 400, "invalid_format"},
		"a picture that is too large":      {"face", "POST", `{"submission_id":"other","image":"` + strings.Repeat("A", maxPictureText) + `"}`, 400, "invalid_format"},
		"a body that is too large":         {"face", "POST", `{"submission_id":"other","image":"` + strings.Repeat("A", maxPictureBody) + `"}`, 413, "invalid_payload"},
		"somebody who was not approved":    {"face", "POST", `{"submission_id":"one","image":"` + image + `"}`, 404, "missing_data"},
		"somebody who is not here":         {"face", "POST", `{"submission_id":"none","image":"` + image + `"}`, 404, "missing_data"},
		"somebody of another project":      {"face here", "POST", `{"submission_id":"foreign","image":"` + image + `"}`, 404, "missing_data"},
		"no worker":                        {"face", "POST", `{"submission_id":"other","image":"` + base64.StdEncoding.EncodeToString([]byte("busy")) + `"}`, 503, "processing_error"},
		"a face of another network":        {"face", "POST", `{"submission_id":"other","image":"` + base64.StdEncoding.EncodeToString([]byte("old")) + `"}`, 409, "processing_error"},
		"a key without the scope":          {"good", "POST", `{}`, 403, "invalid_admin"},
		"the administrator, not asked for": {"all", "POST", `{}`, 403, "invalid_admin"},
		"by GET":                           {"face", "GET", ``, 405, "invalid_payload"},
		"another parameter":                {"face", "POST", `{"limit":1}`, 400, "invalid_parameter"},
	} {
		t.Run(name, func(t *testing.T) {
			var asked []string
			w := send(compares(sample(), &asked), c.method, c.key, "/faceauth", jsonMedia, []byte(c.body))
			got := decoded(t, w)
			require.Equal(t, c.status, w.Code, got)
			require.Equal(t, c.code, got["errorCode"])
			require.NotEmpty(t, got["hint"])
		})
	}
}

func TestAComparisonThatCannotBeNotedIsNotTold(t *testing.T) {
	s := sample()
	s.auditErr = errors.New("disk full")
	var asked []string
	w := send(compares(s, &asked), http.MethodPost, "face", "/faceauth", jsonMedia, pictured(map[string]string{"submission_id": "other", "image": "YW5uYQ"}))
	require.Equal(t, http.StatusInternalServerError, w.Code)
	require.NotContains(t, w.Body.String(), "approved")
}

func TestOnlySoManyPicturesAreHeldAtTheSameTime(t *testing.T) {
	s := sample()
	s.keys["face"] = store.APIKey{Scope: ScopeFaceAuth, PerSecond: 1000}
	s.rows[1].Decision = journey.Approved
	entered, leave := make(chan struct{}), make(chan struct{})
	h := Handler(Config{
		Store: s, Private: s, Audit: func(context.Context, string, string, string) error { return nil }, Clock: func() time.Time { return noon }, Log: quiet(),
		FaceAuth: func(context.Context, store.Submission, []byte) (FaceAuth, error) {
			entered <- struct{}{}
			<-leave
			return FaceAuth{Match: true}, nil
		},
	})
	body := pictured(map[string]string{"submission_id": "other", "image": "YW5uYQ"})
	done := make(chan int, places)
	for range places {
		go func() { done <- send(h, http.MethodPost, "face", "/faceauth", jsonMedia, body).Code }()
		<-entered
	}
	w := send(h, http.MethodPost, "face", "/faceauth", jsonMedia, body)
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.Equal(t, "1", w.Header().Get("Retry-After"))
	close(leave)
	for range places {
		require.Equal(t, http.StatusOK, <-done)
	}
}

func FuzzFaceAuth(f *testing.F) {
	f.Add(jsonMedia, `{"submission_id":"other","image":"YW5uYQ=="}`)
	f.Add(jsonMedia, `{"userid":"u-1","image":"////"}`)
	f.Add(formMedia, "userid=u-1&image=YW5uYQ%3D%3D")
	f.Add(jsonMedia, `{"data":"a.b.c.d.e"}`)
	s := sample()
	var asked []string
	h := compares(s, &asked)
	f.Fuzz(func(t *testing.T, media, body string) {
		s.now, s.audit, asked = s.now.Add(time.Second), nil, nil
		w := send(h, http.MethodPost, "face", "/faceauth", media, []byte(body))
		if w.Code == http.StatusOK {
			require.Len(t, s.audit, 1)
			return
		}
		require.NotEqual(t, http.StatusInternalServerError, w.Code, w.Body.String())
	})
}
