package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/server/api"
	"vestibule/server/centre"
	"vestibule/server/ingest"
	"vestibule/server/kiosktest"
	"vestibule/server/store"
	"vestibule/server/vault"
	"vestibule/sync/wire"
)

// What the benchmark is told by make bench-centre: how many submissions, where to write, and a
// PostgreSQL to fill instead of an SQLite of its own.
const (
	benchCount = "VESTIBULE_BENCH_N"
	benchOut   = "VESTIBULE_BENCH_OUT"
	benchDB    = "VESTIBULE_BENCH_DB"
)

// benchFigure is one line of the file, as of every other figure.
type benchFigure struct {
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	N     int     `json:"n"`
	P50   float64 `json:"p50"`
	P95   float64 `json:"p95"`
	P99   float64 `json:"p99"`
	Max   float64 `json:"max"`
	How   string  `json:"how"`
}

// BenchmarkSubmissions asks a centre with many submissions through the whole handler: key, rate,
// parameters, database, decryption, JSON. Only the network is missing.
func BenchmarkSubmissions(b *testing.B) {
	n := 2000
	if v := os.Getenv(benchCount); v != "" {
		var err error
		n, err = strconv.Atoi(v)
		require.NoError(b, err)
	}
	ctx := context.Background()
	dir := b.TempDir()
	require.NoError(b, vault.Create(dir))
	v, err := vault.Load(dir)
	require.NoError(b, err)
	dsn := dir
	if db := os.Getenv(benchDB); db != "" {
		dsn = db
	}
	s, err := store.Open(ctx, dsn)
	require.NoError(b, err)
	defer s.Close()
	pool := fillCentre(b, s, v, n)
	require.NoError(b, s.Write(ctx, func(tx *store.Tx) error {
		// As many requests as it likes: what is measured is the answer, not the brake.
		return tx.AddAPIKey(ctx, store.APIKey{ID: newID(), Hash: api.HashKey("bench"), Scope: api.ScopeAdmin, PerSecond: 1_000_000})
	}))
	h := api.Handler(api.Config{
		Store: answers{s.Read(), v}, Private: private{vault: v}, Clock: time.Now, Log: slog.New(slog.DiscardHandler),
		Audit: func(context.Context, string, string, string) error { return nil },
	})
	ask := func(b *testing.B, path string) map[string]any {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("x-api-key", "bench")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		require.Equal(b, http.StatusOK, w.Code, w.Body.String())
		var body map[string]any
		require.NoError(b, json.Unmarshal(w.Body.Bytes(), &body))
		return body
	}
	const seed = 7
	random := rand.New(rand.NewPCG(seed, 0))
	// Keys of pages all over the list.
	var deep []string
	for range 20 {
		day := pool.begin.AddDate(0, 0, 1+random.IntN(364)).Format(time.DateOnly)
		next, ok := ask(b, "/submission?limit=1&end_date="+day)["nextpageKey"].(map[string]any)
		if ok {
			deep = append(deep, "/submission?"+url.Values{"end_date": {day}, "id": {next["id"].(string)}, "created_at": {next["created_at"].(string)}}.Encode())
		}
	}
	require.NotEmpty(b, deep)
	figures := map[string]benchFigure{}
	for _, kind := range []struct {
		name string
		path func() string
	}{
		{"one", func() string { return "/submission?submission_id=" + pool.ids[random.IntN(len(pool.ids))] }},
		{"first_page", func() string { return "/submission" }},
		{"deep_page", func() string { return deep[random.IntN(len(deep))] }},
		{"by_email", func() string { return fmt.Sprintf("/submission?email=person%d@example.org", random.IntN(pool.people)) }},
		{"by_user", func() string { return fmt.Sprintf("/submission?userid=u%d", random.IntN(pool.people)) }},
		{"by_email_unknown", func() string { return fmt.Sprintf("/submission?email=nobody%d@example.org", random.IntN(1000)) }},
		{"journeys", func() string { return "/journeys" }},
	} {
		b.Run(kind.name, func(b *testing.B) {
			var took []float64
			for b.Loop() {
				path := kind.path()
				r := httptest.NewRequest(http.MethodGet, path, nil)
				r.Header.Set("x-api-key", "bench")
				w := httptest.NewRecorder()
				began := time.Now()
				h.ServeHTTP(w, r)
				took = append(took, float64(time.Since(began).Microseconds())/1000)
				if w.Code != http.StatusOK {
					b.Fatal(w.Code, w.Body.String())
				}
			}
			slices.Sort(took)
			at := func(q float64) float64 { return took[int(q*float64(len(took)-1))] }
			b.ReportMetric(at(.5), "p50-ms")
			b.ReportMetric(at(.99), "p99-ms")
			b.ReportMetric(float64(n), "submissions")
			figures["centre.answer."+kind.name] = benchFigure{
				at(.99), "ms", len(took), at(.5), at(.95), at(.99), took[len(took)-1],
				fmt.Sprintf("whole handler without network, %d submissions of %d people, seed %d, one request at a time; value is p99", n, pool.people, seed),
			}
		})
	}
	if out := os.Getenv(benchOut); out != "" {
		text, err := json.MarshalIndent(figures, "", "  ")
		require.NoError(b, err)
		require.NoError(b, os.MkdirAll(filepath.Dir(out), 0o755))
		require.NoError(b, os.WriteFile(out, append(text, '\n'), 0o600))
	}
}

// filled is what was put into a centre.
type filled struct {
	begin  time.Time
	people int
	ids    []string // 1000 of them at most
}

// fillCentre writes submissions of a year, decided and screened, with everything that an answer
// reads. Every second one is somebody's who was here before.
func fillCentre(b *testing.B, s *store.Store, v *vault.Vault, n int) filled {
	b.Helper()
	ctx := context.Background()
	out := filled{begin: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC), people: max(1, n/2)}
	step := 365 * 24 * time.Hour / time.Duration(n)
	began := time.Now()
	p := private{vault: v}
	const batch = 2000
	for from := 0; from < n; from += batch {
		require.NoError(b, s.Write(ctx, func(tx *store.Tx) error {
			for i := from; i < min(n, from+batch); i++ {
				if err := fillOne(ctx, tx, p, i, i%out.people, out.begin.Add(time.Duration(i)*step), &out); err != nil {
					return err
				}
			}
			return nil
		}))
		done := min(n, from+batch)
		if done%(10*batch) == 0 || done == n {
			_, _ = fmt.Fprintf(os.Stderr, "bench-centre: %d of %d submissions written, %s\n", done, n, time.Since(began).Round(time.Second))
		}
	}
	return out
}

func fillOne(ctx context.Context, tx *store.Tx, p private, i, person int, at time.Time, out *filled) error {
	d := kiosktest.Anna("hall-1", fmt.Sprintf("s-%d", i), at)
	d.Email, d.UserID = fmt.Sprintf("person%d@example.org", person), fmt.Sprintf("u%d", person)
	d.Face = &journey.FaceTemplate{Model: "m", Vector: make([]float32, 512)}
	for k := range d.Face.Vector {
		d.Face.Vector[k] = float32(k) / 11600
	}
	d.Attempts = []journey.Attempt{{Count: 1, Step: journey.Step1, At: at}, {Count: 1, Step: journey.Step2, At: at, Similarity: 96, Liveness: 91}}
	d.OCR = []journey.OCRField{{Item: "number", Value: d.Document.Number, Score: 97, Accepted: true, Box: []float64{.1, .2, .3, .2, .3, .4, .1, .4}}}
	d.Evidence = []journey.Evidence{{ID: newID(), Kind: journey.EvidenceFront, Attempt: 1}, {ID: newID(), Kind: journey.EvidenceSelfie, Attempt: 1}}
	if len(out.ids) < 1000 || i%97 == 0 {
		if len(out.ids) < 1000 {
			out.ids = append(out.ids, d.ID)
		} else {
			out.ids[i/97%1000] = d.ID
		}
	}
	plain, err := wire.Marshal(d)
	if err != nil {
		return err
	}
	row := store.Submission{
		ID: d.ID, Session: d.Session, Kiosk: d.Kiosk, Project: d.Project, Revision: 1, State: d.State, Stand: store.StandDecided,
		Created: at, Updated: at, Received: at, Sealed: plain, DocumentType: d.Document.Type,
		Keys: store.Keys{PIIVersion: "v1", PII: fmt.Sprintf("pii%d", person), Email: p.EmailKey(d.Email), User: p.UserKey(d.UserID)},
	}
	if row.Private, err = p.vault.Seal(plain, ingest.PrivateContext(d.ID)); err != nil {
		return err
	}
	if err := tx.SaveSubmission(ctx, row); err != nil {
		return err
	}
	if err := tx.SetDecision(ctx, d.ID, journey.Verdict{Decision: journey.Approved, At: at}, 1, fmt.Sprintf("a%d", person)); err != nil {
		return err
	}
	if err := tx.AddDecision(ctx, store.Decision{ID: newID(), Session: d.Session, Submission: d.ID, Revision: 1, Decision: journey.Approved, Record: []byte(`{"faces":[]}`), At: at}); err != nil {
		return err
	}
	found, err := json.Marshal(centre.Screened{Lists: "list", Entities: 9000})
	if err != nil {
		return err
	}
	screening := store.Screening{Submission: d.ID, Status: "Clear", Risk: "Low", At: at}
	if screening.Result, err = p.vault.Seal(found, centre.ScreeningContext(d.ID)); err != nil {
		return err
	}
	if err := tx.SaveScreening(ctx, screening); err != nil {
		return err
	}
	return tx.SaveSession(ctx, store.Session{
		ID: d.Session, Kiosk: d.Kiosk, Project: d.Project, Submission: d.ID, Started: at, Ended: at, Received: at, Updated: at,
		Status: journey.StatusCompleted, Decision: journey.Approved,
	})
}
