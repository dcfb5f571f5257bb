package pgvector_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/server/duplicate"
	"vestibule/server/duplicate/facetest"
	"vestibule/server/duplicate/pgvector"
	"vestibule/server/store/storetest"
	"vestibule/sync/fault"
)

var (
	vectors storetest.Vectors
	plain   storetest.Cluster
)

func TestMain(m *testing.M) {
	os.Exit(func() int {
		defer vectors.Stop()
		return storetest.Main(m, &plain)
	}())
}

// emptied opens the index and takes everything out of it.
func emptied(t testing.TB) *pgvector.Index {
	ctx := context.Background()
	url := vectors.URL(t)
	x, err := pgvector.Open(ctx, url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, x.Close()) })
	_, err = x.Keep(ctx, -1<<62, 1<<62, nil)
	require.NoError(t, err)
	return x
}

func TestItAnswersAsTheIndexInMemoryDoes(t *testing.T) {
	facetest.Contract(t, func(t *testing.T) facetest.Index { return emptied(t) })
}

func TestAnIndexThatIsOpenedAgainKnowsWhatItKnew(t *testing.T) {
	ctx := context.Background()
	x := emptied(t)
	require.NoError(t, x.Put(ctx, duplicate.Template{Seq: 7, Submission: "s", Applicant: "a", Project: "p", Model: "m", Vector: facetest.Vector(1)}))
	require.NoError(t, x.Put(ctx, duplicate.Template{Seq: 6, Submission: "s", Applicant: "late", Project: "p", Model: "m", Vector: facetest.Vector(2)}), "another copy, behind")
	again, err := pgvector.Open(ctx, vectors.URL(t))
	require.NoError(t, err)
	defer again.Close()
	hits, asOf, err := again.Search(ctx, duplicate.Query{Project: "p", Model: "m", Vector: facetest.Vector(1), MinScore: .9})
	require.NoError(t, err)
	require.Equal(t, int64(7), asOf)
	require.Len(t, hits, 1)
	require.Equal(t, "a", hits[0].Applicant)
	n, err := pgvector.Inspect(ctx, vectors.URL(t))
	require.NoError(t, err)
	require.Equal(t, 1, n)
}

func TestADatabaseThatCannotDoItSaysWhatIsMissing(t *testing.T) {
	ctx := context.Background()
	for name, c := range map[string]struct{ url, says string }{
		"a PostgreSQL without the extension": {plain.Database(t), "has no extension vector"},
		"an SQLite":                          {"", "in a PostgreSQL only"},
		"nobody there":                       {"postgres://nobody:secret@127.0.0.1:1/none", "does not answer"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := pgvector.Open(ctx, c.url)
			require.Equal(t, pgvector.CodeUnusable, fault.Code(err))
			require.ErrorContains(t, err, c.says)
			require.NotContains(t, err.Error(), "secret")
			_, err = pgvector.Inspect(ctx, c.url)
			require.Equal(t, pgvector.CodeUnusable, fault.Code(err))
			require.ErrorContains(t, err, c.says)
		})
	}
}

// BenchmarkSearch asks the index in memory, pgvector's exact scan and its HNSW side by
// side, on people who lie apart as strangers do (isotropic: the worst case for HNSW).
// VESTIBULE_BENCH_FACES tells how many.
func BenchmarkSearch(b *testing.B) {
	n := 2000
	if v := os.Getenv("VESTIBULE_BENCH_FACES"); v != "" {
		var err error
		n, err = strconv.Atoi(v)
		require.NoError(b, err)
	}
	ctx := context.Background()
	x, exact := emptied(b), duplicate.NewFaceIndex()
	for i := 0; i < n; i += 500 {
		var batch []duplicate.Template
		for j := i; j < min(i+500, n); j++ {
			batch = append(batch, duplicate.Template{Seq: int64(j + 1), Submission: fmt.Sprint(j), Project: "p", Model: "m", Vector: facetest.Vector(uint64(j))})
		}
		require.NoError(b, x.Put(ctx, batch...))
		require.NoError(b, exact.Put(ctx, batch...))
	}
	random := rand.New(rand.NewPCG(7, 0))
	ask := func() duplicate.Query {
		return duplicate.Query{Project: "p", Model: "m", Vector: facetest.Near(random.Uint64N(uint64(n)), random.Uint64(), 1), MinScore: .38, K: 50}
	}
	run := func(name string, index facetest.Index) {
		b.Run(name, func(b *testing.B) {
			var took []float64
			agreed, asked := 0, 0
			for b.Loop() {
				q := ask()
				began := time.Now()
				hits, _, err := index.Search(ctx, q)
				took = append(took, float64(time.Since(began).Microseconds())/1000)
				require.NoError(b, err)
				want, _, err := exact.Search(ctx, q)
				require.NoError(b, err)
				asked++
				if slices.Equal(want, hits) {
					agreed++
				}
			}
			slices.Sort(took)
			b.ReportMetric(took[len(took)/2], "p50-ms")
			b.ReportMetric(took[len(took)*95/100], "p95-ms")
			b.ReportMetric(float64(agreed)/float64(asked), "as-exact")
			b.ReportMetric(float64(n), "faces")
		})
	}
	run("memory", exact)
	run("pgvector", x)
	db, err := sql.Open("pgx", vectors.URL(b))
	require.NoError(b, err)
	defer db.Close()
	_, err = db.ExecContext(ctx, `CREATE INDEX face_vector_hnsw ON face_vector USING hnsw (template vector_ip_ops)`)
	require.NoError(b, err)
	defer func() { _, _ = db.ExecContext(ctx, `DROP INDEX face_vector_hnsw`) }()
	run("pgvector with an HNSW index", x)
}
