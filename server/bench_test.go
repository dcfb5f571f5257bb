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
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/models/evaluate/figures"
	"vestibule/server/api"
	"vestibule/server/centre"
	"vestibule/server/ingest"
	"vestibule/server/kiosktest"
	"vestibule/server/measure"
	"vestibule/server/store"
	"vestibule/server/store/storetest"
	"vestibule/server/vault"
	"vestibule/sync/wire"
)

// BenchmarkSubmissions asks a centre with many submissions through the whole handler: key, rate,
// parameters, database, decryption, JSON. Only the network is missing. It asks on the way, too: with
// a hundredth and a tenth of them stored.
func BenchmarkSubmissions(b *testing.B) {
	n := measure.Count(b, measure.Submissions, 2000)
	for _, db := range measure.Databases() {
		b.Run(db, func(b *testing.B) {
			for b.Loop() {
				benchSubmissions(b, db, n)
			}
		})
	}
}

// benchAsked is how often each kind of question is asked at each size.
const benchAsked = 400

func benchSubmissions(b *testing.B, db string, n int) {
	ctx := context.Background()
	dir := b.TempDir()
	require.NoError(b, vault.Create(dir))
	v, err := vault.Load(dir)
	require.NoError(b, err)
	dsn := dir
	size := func() int64 { return measure.FolderSize(dir) }
	if db == measure.Postgres {
		durable := &storetest.Cluster{Durable: true}
		defer durable.Stop()
		dsn = durable.Database(b)
		size = func() int64 { return durable.Size(b, dsn) }
	}
	s, err := store.Open(ctx, dsn)
	require.NoError(b, err)
	defer s.Close()
	require.NoError(b, s.Write(ctx, func(tx *store.Tx) error {
		// As many requests as it likes: what is measured is the answer, not the brake.
		return tx.AddAPIKey(ctx, store.APIKey{ID: newID(), Hash: api.HashKey("bench"), Scope: api.ScopeAdmin, PerSecond: 1_000_000})
	}))
	h := api.Handler(api.Config{
		Store: answers{s.Read(), v}, Private: private{vault: v}, Clock: time.Now, Log: slog.New(slog.DiscardHandler),
		Audit: func(context.Context, string, string, string) error { return nil },
	})
	f := filling{db: db, store: s, vault: v, began: time.Now(), all: n, filled: filled{begin: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC), people: max(1, n/2)}}
	empty := size()
	for _, part := range slices.Compact([]int{max(1, n/100), max(1, n/10), n}) {
		f.to(b, part)
		benchAnswers(b, h, db, &f, part == n)
	}
	bytes := size() - empty
	measure.Note(b, figures.Set{"centre." + db + ".bytes_per_submission": {
		Value: float64(bytes) / float64(n), Unit: "bytes", N: n,
		How: "database's files, indexes and log included, without journal, inbox and pictures: a submission, its decision, screening and session; a face template and no picture in it",
	}})
	measure.Progress("%s: %d submissions occupy %.1f MB, %.0f bytes each", db, n, float64(bytes)/1e6, float64(bytes)/float64(n))
}

// benchAnswers asks every kind of question among what is stored so far.
func benchAnswers(b *testing.B, h http.Handler, db string, f *filling, last bool) {
	b.Helper()
	ask := func(path string) (*httptest.ResponseRecorder, time.Duration) {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("x-api-key", "bench")
		w := httptest.NewRecorder()
		began := time.Now()
		h.ServeHTTP(w, r)
		took := time.Since(began)
		require.Equal(b, http.StatusOK, w.Code, w.Body.String())
		return w, took
	}
	const seed = 7
	random := rand.New(rand.NewPCG(seed, 0))
	days := max(1, int(int64(365)*int64(f.done)/int64(f.all)))
	// Keys of pages all over the list.
	var deep []string
	for range 50 {
		day := f.begin.AddDate(0, 0, random.IntN(days)).Format(time.DateOnly)
		w, _ := ask("/submission?limit=1&end_date=" + day)
		var body struct {
			Next *struct {
				ID      string `json:"id"`
				Created string `json:"created_at"`
			} `json:"nextpageKey"`
		}
		require.NoError(b, json.Unmarshal(w.Body.Bytes(), &body))
		if body.Next != nil {
			deep = append(deep, "/submission?"+url.Values{"end_date": {day}, "id": {body.Next.ID}, "created_at": {body.Next.Created}}.Encode())
		}
	}
	require.NotEmpty(b, deep)
	people := min(f.people, f.done)
	path := map[string]func() string{
		"one":              func() string { return "/submission?submission_id=" + f.ids[random.IntN(len(f.ids))] },
		"first_page":       func() string { return "/submission" },
		"deep_page":        func() string { return deep[random.IntN(len(deep))] },
		"by_email":         func() string { return fmt.Sprintf("/submission?email=person%d@example.org", random.IntN(people)) },
		"by_user":          func() string { return fmt.Sprintf("/submission?userid=u%d", random.IntN(people)) },
		"by_email_unknown": func() string { return fmt.Sprintf("/submission?email=nobody%d@example.org", random.IntN(1000)) },
		"journeys":         func() string { return "/journeys" },
	}
	set := figures.Set{}
	for _, kind := range measure.Answers() {
		load := measure.Load()
		var took []float64
		for i := range benchAsked + 20 {
			if _, t := ask(path[kind]()); i >= 20 { // the first ones prepare statements
				took = append(took, measure.Millis(t))
			}
		}
		figure := measure.Tail(took, "ms", fmt.Sprintf("whole handler without network, %d submissions of %d people stored, seed %d, one request at a time; value is p99; %s", f.done, people, seed, load))
		name := "centre." + db + ".answer." + kind
		set[name+measure.At+fmt.Sprint(f.done)] = figure
		if last {
			set[name] = figure
		}
	}
	measure.Note(b, set)
	measure.Progress("%s: with %d stored, p99 of one %.2f ms, first page %.2f, deep page %.2f, by e-mail %.2f, by user %.2f", db, f.done,
		set["centre."+db+".answer.one"+measure.At+fmt.Sprint(f.done)].Value, set["centre."+db+".answer.first_page"+measure.At+fmt.Sprint(f.done)].Value,
		set["centre."+db+".answer.deep_page"+measure.At+fmt.Sprint(f.done)].Value, set["centre."+db+".answer.by_email"+measure.At+fmt.Sprint(f.done)].Value,
		set["centre."+db+".answer.by_user"+measure.At+fmt.Sprint(f.done)].Value)
}

// filled is what was put into a centre.
type filled struct {
	begin  time.Time
	people int
	ids    []string // 1000 of them at most
}

// filling is a centre that is being filled.
type filling struct {
	filled
	db    string
	store *store.Store
	vault *vault.Vault
	began time.Time
	all   int // that shall be in it at the end
	done  int
}

// to writes submissions until there are n, of a year when there are all: decided and screened, with everything that an
// answer reads. Every second one is somebody's who was here before.
func (f *filling) to(b *testing.B, n int) {
	b.Helper()
	ctx := context.Background()
	step := 365 * 24 * time.Hour / time.Duration(f.all)
	p := private{vault: f.vault}
	const batch = 2000
	for f.done < n {
		to := min(n, f.done+batch)
		require.NoError(b, f.store.Write(ctx, func(tx *store.Tx) error {
			for i := f.done; i < to; i++ {
				if err := fillOne(ctx, tx, p, i, i%f.people, f.begin.Add(time.Duration(i)*step), &f.filled); err != nil {
					return err
				}
			}
			return nil
		}))
		f.done = to
		if f.done%(10*batch) == 0 || f.done == n {
			measure.Progress("%s: %d of %d submissions written, %s", f.db, f.done, f.all, time.Since(f.began).Round(time.Second))
		}
	}
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
