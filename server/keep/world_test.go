package keep_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/server/aml"
	"vestibule/server/blobs"
	"vestibule/server/centre"
	"vestibule/server/duplicate"
	"vestibule/server/ingest"
	"vestibule/server/keep"
	"vestibule/server/kiosktest"
	"vestibule/server/review"
	"vestibule/server/store"
	"vestibule/server/store/storetest"
	"vestibule/server/vault"
	"vestibule/sync/seal"
	"vestibule/sync/wire"
)

var cluster storetest.Cluster

func TestMain(m *testing.M) { os.Exit(storetest.Main(m, &cluster)) }

// each runs a test on both databases, with the address of an empty one.
func each(t *testing.T, test func(t *testing.T, w *world)) {
	t.Run("on SQLite", func(t *testing.T) { test(t, newWorld(t, t.TempDir())) })
	t.Run("on PostgreSQL", func(t *testing.T) { test(t, newWorld(t, cluster.Database(t))) })
}

// world is a centre without network, at a time that the test sets.
type world struct {
	t      *testing.T
	dsn    string
	dir    string // pictures
	store  *store.Store
	vault  *vault.Vault
	ring   *seal.Keyring
	key    *seal.PrivateKey
	shelf  *blobs.Shelf
	ingest *ingest.Ingest
	centre *centre.Centre
	keeper *keep.Keeper
	visits int

	mu     sync.Mutex
	later  time.Duration
	listed []aml.Match
	gate   func() // called while the lists are searched
	erased map[journey.DataKind]int
}

func newWorld(t *testing.T, dsn string) *world {
	w := &world{t: t, dsn: dsn, dir: t.TempDir(), erased: map[journey.DataKind]int{}}
	var err error
	w.store, err = store.Open(t.Context(), dsn)
	require.NoError(t, err)
	t.Cleanup(func() { _ = w.store.Close() })
	w.key, err = seal.GenerateKey()
	require.NoError(t, err)
	w.ring = seal.NewKeyring(w.key)
	w.vault, err = vault.New(bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32), nil)
	require.NoError(t, err)
	w.shelf, err = blobs.Open(w.dir)
	require.NoError(t, err)
	w.ingest = ingest.New(ingest.Config{Store: w.store, Blobs: w.shelf, Keys: w.ring, Vault: w.vault, Now: w.now, NewID: kiosktest.NewID, Log: slog.New(slog.DiscardHandler)})
	w.centre, w.keeper = w.another(), w.newKeeper()
	kiosktest.Enrol(t, w.store, "k")
	w.policy(journey.RetentionPolicy{})
	return w
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.later)
}

func (w *world) wait(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.later += d
}

// another is one more copy of the centre on the same database.
func (w *world) another() *centre.Centre {
	return centre.New(centre.Config{
		Store: w.store, Blobs: w.shelf, Keys: w.ring, Vault: w.vault, Now: w.now, NewID: kiosktest.NewID, Log: slog.New(slog.DiscardHandler),
		Screen: func(context.Context, aml.Query) (centre.Screened, error) {
			w.mu.Lock()
			gate, listed := w.gate, w.listed
			w.mu.Unlock()
			if gate != nil {
				gate()
			}
			return centre.Screened{Lists: "un:abc", Entities: 10, Matches: listed}, nil
		},
	})
}

func (w *world) newKeeper() *keep.Keeper {
	return keep.New(keep.Config{
		Store: w.store, Blobs: w.shelf, Vault: w.vault, Now: w.now, NewID: kiosktest.NewID, Log: slog.New(slog.DiscardHandler),
		Erased: func(kind journey.DataKind, _ string) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.erased[kind]++
		},
	})
}

func (w *world) policy(r journey.RetentionPolicy) {
	p := journey.DefaultPolicy()
	p.Version, p.Recheck, p.Retention = kiosktest.NewID(), false, r
	p.AML.HoldStale = false
	require.NoError(w.t, w.store.Write(w.t.Context(), func(tx *store.Tx) error { return tx.SavePolicy(w.t.Context(), p, w.now()) }))
}

func (w *world) kiosk() *kiosktest.Kiosk {
	return kiosktest.New(w.t, "k", w.ingest, w.key.Public(), w.now)
}

// someone is a person with everything that the centre can hold of one.
func (w *world) someone(who int) journey.Submission {
	w.visits++
	s := kiosktest.Anna("k", fmt.Sprintf("s%d", w.visits), w.now())
	s.Document.Number = fmt.Sprintf("DOCNO%04d", who)
	s.Document.Person.FamilyName = fmt.Sprintf("FAMILY%04d", who)
	s.Document.Person.GivenNames = fmt.Sprintf("GIVEN%04d", who)
	s.Email, s.Phone, s.UserID = fmt.Sprintf("mail%04d@example.org", who), fmt.Sprintf("+49301234%04d", who), fmt.Sprintf("user-%04d", who)
	s.Face = &journey.FaceTemplate{Model: "m1", Vector: template(uint64(who))}
	return s
}

func template(who uint64) []float32 {
	r := rand.New(rand.NewPCG(who, 3))
	v := make([]float32, duplicate.Dimensions)
	var sum float64
	for i := range v {
		v[i] = float32(r.NormFloat64())
		sum += float64(v[i]) * float64(v[i])
	}
	for i := range v {
		v[i] /= float32(math.Sqrt(sum))
	}
	return v
}

// picture is what a person's picture of a kind shows.
func picture(who int, kind journey.EvidenceKind) []byte {
	return []byte(strings.Repeat(fmt.Sprintf("PICTURE of %04d %s ", who, kind), 40))
}

// send queues a whole visit and sends it as one frame.
func (w *world) send(k *kiosktest.Kiosk, s *journey.Submission, who int) {
	k.Event(s.Session, journey.EventSessionCreated)
	k.Event(s.Session, journey.EventFaceCompare, func(e *journey.Event) { e.Result = journey.Pass })
	k.Event(s.Session, journey.EventSubmissionCreated, func(e *journey.Event) { e.Submission = s.ID })
	for _, kind := range []journey.EvidenceKind{journey.EvidenceFront, journey.EvidencePortrait, journey.EvidenceSelfie} {
		k.Picture(s, kind, picture(who, kind))
	}
	k.Submission(*s)
	k.Event(s.Session, journey.EventFinalPageView, func(e *journey.Event) { e.Impact = journey.ImpactCompleted })
	k.Send()
}

// visit sends a visit and decides it.
func (w *world) visit(k *kiosktest.Kiosk, who int) journey.Submission {
	w.t.Helper()
	s := w.someone(who)
	w.send(k, &s, who)
	require.NoError(w.t, w.centre.Decide(w.t.Context(), s.ID))
	return s
}

func (w *world) row(id string) store.Submission {
	w.t.Helper()
	row, err := w.store.Read().Submission(w.t.Context(), id)
	require.NoError(w.t, err)
	return row
}

// written adds what people write about a person: a comment for them, a note, a cleared match.
func (w *world) written(s journey.Submission, who int) {
	w.t.Helper()
	ctx := w.t.Context()
	put := func(text, context string) []byte {
		b, err := w.vault.Seal([]byte(text), context)
		require.NoError(w.t, err)
		return b
	}
	act := kiosktest.NewID()
	require.NoError(w.t, w.store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.AddReviewAct(ctx, store.ReviewAct{
			ID: act, Submission: s.ID, At: w.now(), Who: "anna", What: "note", Private: put(fmt.Sprintf(`{"note":"FAMILY%04d said so"}`, who), review.TextsContext(act)),
		}); err != nil {
			return err
		}
		if err := tx.SetReviewer(ctx, s.ID, "anna", put(fmt.Sprintf("dear GIVEN%04d", who), review.CommentContext(s.ID))); err != nil {
			return err
		}
		if _, err := tx.AddHit(ctx, store.Hit{Submission: s.ID, Source: "un", Entity: "e-9", Hash: "h", At: w.now()}); err != nil {
			return err
		}
		return tx.Clear(ctx, store.Cleared{
			Person: w.vault.Hash("screened person", fmt.Sprint(who)), Source: "un", Entity: "e-9", Hash: "h", Submission: s.ID, Who: "anna",
			Why: put(fmt.Sprintf("FAMILY%04d is another", who), centre.WhyContext(s.ID, "un", "e-9")), At: w.now(),
		})
	}))
}

// needles are the bytes that give a person away, each with what it is.
func (w *world) needles(s journey.Submission, who int) map[string][]byte {
	n := map[string][]byte{
		"family name": []byte(s.Document.Person.FamilyName), "given name": []byte(s.Document.Person.GivenNames),
		"document number": []byte(s.Document.Number), "e-mail": []byte(s.Email), "phone": []byte(s.Phone), "user": []byte(s.UserID),
		"template": duplicate.PackVector(s.Face.Vector)[:64],
	}
	for _, kind := range []journey.EvidenceKind{journey.EvidenceFront, journey.EvidencePortrait, journey.EvidenceSelfie} {
		n["picture "+string(kind)] = picture(who, kind)[:60]
	}
	values := duplicate.ValuesOf(s)
	k := ingest.Keys(w.vault, values)
	for what, hash := range map[string]string{"pii": k.PII, "document": k.Document, "holder": k.Holder, "name": k.Name, "birth+": "", "email": k.Email, "phone": k.Phone, "user": k.User} {
		if hash != "" {
			n["key of "+what] = []byte(hash)
		}
	}
	return n
}

// seen is everything that a database and a folder of pictures hold: each value as it lies there, and all that any
// key that is left opens of it.
type seen map[string][][]byte

// look walks through every table and every file.
func (w *world) look(dsn string, dirs ...string) seen {
	w.t.Helper()
	out := seen{}
	db, err := sql.Open(map[bool]string{true: "pgx", false: "sqlite3"}[store.IsPostgres(dsn)], source(dsn))
	require.NoError(w.t, err)
	defer db.Close()
	var submissions []store.Submission
	ids := map[string]bool{}
	type cell struct {
		place string
		value []byte
	}
	var cells []cell
	for _, table := range tables(w.t, db, store.IsPostgres(dsn)) {
		rows, err := db.Query(`SELECT * FROM ` + table)
		require.NoError(w.t, err, table)
		columns, err := rows.Columns()
		require.NoError(w.t, err)
		for rows.Next() {
			values := make([]any, len(columns))
			for i := range values {
				values[i] = new(any)
			}
			require.NoError(w.t, rows.Scan(values...))
			for i, v := range values {
				var b []byte
				switch v := (*v.(*any)).(type) {
				case []byte:
					b = v
				case string:
					b = []byte(v)
					ids[v] = true
				}
				if len(b) > 0 {
					cells = append(cells, cell{table + "." + columns[i], b})
				}
			}
		}
		require.NoError(w.t, rows.Err())
		require.NoError(w.t, rows.Close())
	}
	rows, err := db.Query(`SELECT id, kiosk, revision FROM submission`)
	require.NoError(w.t, err)
	for rows.Next() {
		var s store.Submission
		require.NoError(w.t, rows.Scan(&s.ID, &s.Kiosk, &s.Revision))
		submissions = append(submissions, s)
	}
	require.NoError(w.t, rows.Close())
	evidence := map[[2]string]bool{}
	rows, err = db.Query(`SELECT submission, id FROM evidence`)
	require.NoError(w.t, err)
	for rows.Next() {
		var at [2]string
		require.NoError(w.t, rows.Scan(&at[0], &at[1]))
		evidence[at] = true
	}
	require.NoError(w.t, rows.Close())

	contexts := []string{}
	for id := range ids {
		for _, what := range []string{"submission|", "screening|", "face|", "input|", "review|", "comment|"} {
			contexts = append(contexts, what+id)
		}
		contexts = append(contexts, centre.WhyContext(id, "un", "e-9"))
	}
	open := func(place string, value []byte) {
		out[place] = append(out[place], value)
		if body, err := wire.DecodeSubmission(value); err == nil {
			value = body.Sealed
		}
		for _, s := range submissions {
			for revision := range s.Revision + 2 {
				if plain, err := w.ring.Open(value, seal.InfoSubmission, seal.SubmissionAAD(s.Kiosk, s.ID, revision)); err == nil {
					out[place+" opened"] = append(out[place+" opened"], plain)
				}
			}
		}
		for at := range evidence {
			if plain, err := w.ring.Open(value, seal.InfoEvidence, seal.EvidenceAAD("k", at[0], at[1])); err == nil {
				out[place+" opened"] = append(out[place+" opened"], plain)
			}
		}
		if _, err := w.vault.Open(value, ""); len(value) > 29 && err != nil && value[0] == 1 {
			for _, c := range contexts {
				if plain, err := w.vault.Open(value, c); err == nil {
					out[place+" opened"] = append(out[place+" opened"], plain, packed(plain))
				}
			}
		}
	}
	for _, c := range cells {
		open(c.place, c.value)
	}
	if !store.IsPostgres(dsn) {
		dirs = append(dirs, dsn)
	}
	for _, dir := range dirs {
		require.NoError(w.t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := os.ReadFile(path)
			open("file "+strings.TrimPrefix(path, dir), b)
			return err
		}))
	}
	return out
}

// packed gives the template of a submission as the collection packs it.
func packed(plain []byte) []byte {
	var s journey.Submission
	if wire.Unmarshal(plain, &s) == nil && s.Face != nil {
		return duplicate.PackVector(s.Face.Vector)
	}
	return nil
}

func source(dsn string) string {
	if store.IsPostgres(dsn) {
		return dsn
	}
	return "file:" + filepath.Join(dsn, store.SQLiteFile) + "?mode=ro"
}

func tables(t *testing.T, db *sql.DB, pg bool) []string {
	query := `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name`
	if pg {
		query = `SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY table_name`
	}
	rows, err := db.Query(query)
	require.NoError(t, err)
	defer rows.Close()
	var all []string
	for rows.Next() {
		var name string
		require.NoError(t, rows.Scan(&name))
		all = append(all, name)
	}
	require.Greater(t, len(all), 20)
	return all
}

// where tells where any of the needles is, as "place: what".
func (s seen) where(needles map[string][]byte) []string {
	found := map[string]bool{}
	for place, values := range s {
		for _, value := range values {
			for what, needle := range needles {
				if bytes.Contains(value, needle) {
					found[place+": "+what] = true
				}
			}
		}
	}
	var all []string
	for f := range found {
		all = append(all, f)
	}
	return all
}
