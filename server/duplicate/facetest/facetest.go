// Package facetest holds every index of faces to the same contract.
//
// What may live here: what an index promises, as tests. What may not: an index.
package facetest

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"vestibule/server/duplicate"
)

// Index is what is held to it.
type Index interface {
	Put(ctx context.Context, all ...duplicate.Template) error
	Keep(ctx context.Context, from, to int64, submissions []string) (int, error)
	Search(ctx context.Context, q duplicate.Query) (hits []duplicate.Hit, asOf int64, err error)
	AsOf(ctx context.Context) (int64, error)
	Len(ctx context.Context) (int, error)
	Take(ctx context.Context, submissions ...string) error
}

// Vector makes a template from a seed.
func Vector(seed uint64) []float32 { return Near(seed, 0, 0) }

// Near makes one that lies beside Vector(seed): far 0 is the same, 1 about at a cosine of .7.
func Near(seed, other uint64, far float64) []float32 {
	a, b := rand.New(rand.NewPCG(seed, 1)), rand.New(rand.NewPCG(other, 2))
	v := make([]float32, duplicate.Dimensions)
	var sum float64
	for i := range v {
		v[i] = float32(a.NormFloat64() + far*b.NormFloat64())
		sum += float64(v[i]) * float64(v[i])
	}
	for i := range v {
		v[i] /= float32(math.Sqrt(sum))
	}
	return v
}

// Contract runs the tests; empty makes an empty index.
func Contract(t *testing.T, empty func(t *testing.T) Index) {
	t.Run("a face is found among its own project and model only", func(t *testing.T) { found(t, empty(t)) })
	t.Run("what was taken back is taken out, and nothing else", func(t *testing.T) { kept(t, empty(t)) })
	t.Run("whatever happens, it answers as one that compares everything", func(t *testing.T) { same(t, empty(t)) })
}

func found(t *testing.T, x Index) {
	ctx := context.Background()
	asOf, err := x.AsOf(ctx)
	require.NoError(t, err)
	require.Zero(t, asOf)
	var all []duplicate.Template
	for i := range uint64(50) {
		all = append(all, duplicate.Template{Seq: int64(i) + 1, Submission: string(rune('A' + i)), Applicant: "p", Project: "one", Model: "m1", Vector: Vector(i)})
	}
	require.NoError(t, x.Put(ctx, all...))
	require.NoError(t, x.Put(ctx, duplicate.Template{Seq: 51, Submission: "other-model", Project: "one", Model: "m2", Vector: Vector(3)}))
	require.NoError(t, x.Put(ctx, duplicate.Template{Seq: 52, Submission: "other-project", Project: "two", Model: "m1", Vector: Vector(3)}))
	require.ErrorIs(t, x.Put(ctx, duplicate.Template{Seq: 54, Submission: "long", Vector: make([]float32, duplicate.Dimensions)}), duplicate.ErrTemplate)

	hits, asOf, err := x.Search(ctx, duplicate.Query{Project: "one", Model: "m1", Vector: Vector(3), MinScore: .45, K: 10})
	require.NoError(t, err)
	require.Equal(t, int64(52), asOf)
	require.Len(t, hits, 1)
	require.Equal(t, "D", hits[0].Submission)
	require.Equal(t, "p", hits[0].Applicant)
	require.InDelta(t, 1, hits[0].Score, 1e-5)
	_, _, err = x.Search(ctx, duplicate.Query{Project: "one", Model: "m1", Vector: []float32{1}})
	require.ErrorIs(t, err, duplicate.ErrTemplate)

	// A later template of the same submission replaces the earlier.
	require.NoError(t, x.Put(ctx, duplicate.Template{Seq: 53, Submission: "D", Applicant: "q", Project: "one", Model: "m1", Vector: Vector(90)}))
	hits, asOf, err = x.Search(ctx, duplicate.Query{Project: "one", Model: "m1", Vector: Vector(3), MinScore: .45})
	require.NoError(t, err)
	require.Equal(t, int64(53), asOf)
	require.Empty(t, hits)
	for seed, want := range map[uint64]string{90: "D", 49: string(rune('A' + 49))} {
		hits, _, err = x.Search(ctx, duplicate.Query{Project: "one", Model: "m1", Vector: Vector(seed), MinScore: .45})
		require.NoError(t, err)
		require.Len(t, hits, 1)
		require.Equal(t, want, hits[0].Submission)
	}
	n, err := x.Len(ctx)
	require.NoError(t, err)
	require.Equal(t, 52, n)
}

func kept(t *testing.T, x Index) {
	ctx := context.Background()
	for i := range uint64(6) {
		require.NoError(t, x.Put(ctx, duplicate.Template{Seq: int64(i) + 1, Submission: fmt.Sprint(i + 1), Project: "p", Model: "m", Vector: Vector(i + 1)}))
	}
	n, err := x.Keep(ctx, 1, 4, []string{"3"})
	require.NoError(t, err)
	require.Equal(t, 2, n, "2 and 4; 1 lies before, 5 and 6 behind")
	for i, there := range map[uint64]bool{1: true, 2: false, 3: true, 4: false, 5: true, 6: true} {
		hits, _, err := x.Search(ctx, duplicate.Query{Project: "p", Model: "m", Vector: Vector(i), MinScore: .9, K: 1})
		require.NoError(t, err)
		require.Equal(t, there, len(hits) == 1, "%d", i)
	}
}

// same compares with a list that is gone through.
func same(t *testing.T, x Index) {
	ctx := context.Background()
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 5))
	all := map[string]duplicate.Template{}
	seq := int64(0)
	for range 12 {
		var batch []duplicate.Template
		for range 1 + random.IntN(30) {
			seq++
			batch = append(batch, duplicate.Template{
				Seq: seq, Submission: fmt.Sprintf("s%d", seq), Applicant: fmt.Sprintf("a%d", random.IntN(9)),
				Project: []string{"one", "two"}[random.IntN(2)], Model: []string{"m1", "m2"}[random.IntN(2)],
				Vector: Near(random.Uint64N(20), random.Uint64(), random.Float64()),
			})
			all[batch[len(batch)-1].Submission] = batch[len(batch)-1]
		}
		require.NoError(t, x.Put(ctx, batch...))
		q := duplicate.Query{Project: "one", Model: "m1", Vector: Vector(random.Uint64N(20)), MinScore: random.Float64(), K: random.IntN(8)}
		var want []duplicate.Hit
		for _, one := range all {
			score, err := duplicate.Cosine(q.Vector, one.Vector)
			require.NoError(t, err)
			if one.Project == q.Project && one.Model == q.Model && score >= q.MinScore {
				want = append(want, duplicate.Hit{Submission: one.Submission, Applicant: one.Applicant, Score: score})
			}
		}
		want = q.Best(want)
		hits, asOf, err := x.Search(ctx, q)
		require.NoError(t, err)
		require.Equal(t, seq, asOf)
		require.Len(t, hits, len(want), "seed %d", seed)
		for i, h := range hits {
			require.InDelta(t, want[i].Score, h.Score, 1e-4, "seed %d", seed)
			h.Score = want[i].Score
			require.Equal(t, want[i], h, "seed %d: the same faces in the same order", seed)
		}
	}
}
