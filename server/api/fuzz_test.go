package api

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// request sends what a fuzzer made up, and expects one of the answers there are. The
// handler is the same for all; time goes on, so that no key asks too often.
func request(t *testing.T, s *shelf, h http.Handler, method, query, media, body string) {
	s.now = s.now.Add(time.Second)
	w := sendRaw(h, method, query, media, body)
	got := decoded(t, w)
	if w.Code == http.StatusOK {
		require.Contains(t, got, "submissions")
		return
	}
	for _, m := range meanings() {
		if m.Status == w.Code && m.Key.Code == got["errorCode"] {
			require.NotEqual(t, http.StatusInternalServerError, w.Code)
			return
		}
	}
	t.Fatalf("status %d with code %v is not described", w.Code, got["errorCode"])
}

func FuzzQuery(f *testing.F) {
	f.Add("limit=5&start_date=2026-01-02&request_type=kyc")
	f.Add("id=x.00000000000000000000000000000000&created_at=2026-03-04T12:00:00Z")
	f.Add("email=%27%20OR%201=1--&limit=0x10")
	f.Add("data=eyJhbGciOiJFQ0RILUVTIiwiZW5jIjoiQTI1NkdDTSJ9....")
	f.Add("userid=%00%ff&&;=&%")
	s := sample()
	h := s.handler()
	f.Fuzz(func(t *testing.T, query string) {
		if strings.Contains(query, "submission_id") || len(query) > 1<<16 {
			return
		}
		request(t, s, h, http.MethodGet, query, "", "")
	})
}

func FuzzBody(f *testing.F) {
	f.Add(jsonMedia, `{"limit":5,"email":"a@b"}`)
	f.Add(formMedia, "limit=5&email=a%40b")
	f.Add("application/json;;", "{")
	f.Add(jsonMedia, `{"data":"a.b.c.d.e"}`)
	s := sample()
	h := s.handler()
	f.Fuzz(func(t *testing.T, media, body string) {
		if strings.Contains(body, "submission") || strings.Contains(body, "\\u") {
			return
		}
		request(t, s, h, http.MethodPost, "", media, body)
	})
}

func FuzzPageKey(f *testing.F) {
	s := server{Config: Config{Private: sample()}}
	real := s.next("list", "one", noon)
	f.Add(real.ID, real.Created)
	f.Add("one", "2026-03-04T12:00:00Z")
	f.Add(".", "0000-01-01T00:00:00Z")
	f.Add(real.ID, "2026-03-04T13:00:00+01:00")
	f.Fuzz(func(t *testing.T, id, created string) {
		p, err := s.parsePage("list", map[string]string{"id": id, "created_at": created})
		if err != nil {
			require.ErrorAs(t, err, new(*fault))
			return
		}
		require.Equal(t, *s.next("list", p.AfterID, p.After), pageKey{id, created}, "only what was given out comes back")
	})
}
