package duplicate

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var ctx = context.Background()

// unit draws a vector of length 1; some are flat, some have single large values.
func unit(random *rand.Rand) []float32 {
	v := make([]float32, Dimensions)
	var sum float64
	spikes := random.IntN(3) == 0
	for i := range v {
		v[i] = float32(random.NormFloat64())
		if spikes && random.IntN(100) == 0 {
			v[i] *= 100
		}
		sum += float64(v[i]) * float64(v[i])
	}
	for i := range v {
		v[i] /= float32(math.Sqrt(sum))
	}
	return v
}

// toward mixes two vectors so that their cosine is about c.
func toward(a, b []float32, c float64) []float32 {
	out := make([]float32, Dimensions)
	var sum float64
	for i := range out {
		out[i] = float32(c)*a[i] + float32(math.Sqrt(1-c*c))*b[i]
		sum += float64(out[i]) * float64(out[i])
	}
	for i := range out {
		out[i] /= float32(math.Sqrt(sum))
	}
	return out
}

func TestEveryProcessorCountsAlike(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		n := rapid.IntRange(0, 20).Draw(t, "rows")
		var query [Dimensions]int16
		for i := range query {
			query[i] = int16(random.IntN(255) - 127)
		}
		rows := make([]int8, n*Dimensions)
		for i := range rows {
			rows[i] = int8(random.IntN(256) - 128)
		}
		plain, fast := make([]int32, n), make([]int32, n)
		dotsInGo(&query, rows, plain)
		dots(&query, rows, fast)
		require.Equal(t, plain, fast)
	})
	var query [Dimensions]int16
	rows := make([]int8, Dimensions)
	for i := range rows {
		query[i], rows[i] = 127, -128
	}
	out := make([]int32, 1)
	dots(&query, rows, out)
	require.Equal(t, int32(-127*128*Dimensions), out[0], "the largest sum there is")
}

// The index gives what comparing every template with every value of it gives.
func TestTheScanMissesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 2))
		x := NewFaceIndex()
		query := unit(random)
		kept := map[string][]float32{}
		for i := range rapid.IntRange(1, 300).Draw(t, "templates") {
			v := unit(random)
			if random.IntN(2) == 0 {
				v = toward(query, v, random.Float64()*1.2-.2)
			}
			name := fmt.Sprint(i)
			require.NoError(t, x.Put(ctx, Template{Seq: int64(i), Submission: name, Applicant: "a" + name, Project: "p", Model: "m", Vector: v}))
			kept[name] = v
			if random.IntN(4) == 0 { // somebody is erased
				gone := fmt.Sprint(random.IntN(i + 1))
				x.remove(gone)
				delete(kept, gone)
			}
		}
		least := rapid.Float64Range(-.1, .9).Draw(t, "least")
		hits, _, err := x.Search(ctx, Query{Project: "p", Model: "m", Vector: query, MinScore: least})
		require.NoError(t, err)
		found := map[string]float64{}
		for _, h := range hits {
			require.Equal(t, "a"+h.Submission, h.Applicant)
			found[h.Submission] = h.Score
		}
		for name, v := range kept {
			exact := 0.0
			for i := range v {
				exact += float64(v[i]) * float64(query[i])
			}
			score, there := found[name]
			switch {
			case there:
				require.InDelta(t, exact, score, 1e-4)
			case exact >= least+1e-4:
				t.Fatalf("a face of %.5f was not found, the limit is %.5f", exact, least)
			}
			delete(found, name)
		}
		require.Empty(t, found, "nobody who was taken out")
	})
}

func TestAnIndexOfManyBlocksKeepsEverybodysPlace(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 3))
	x := NewFaceIndex()
	const n = 2*blockRows + 10
	vectors := make([][]float32, n)
	for i := range n {
		vectors[i] = unit(random)
		require.NoError(t, x.Put(ctx, Template{Submission: fmt.Sprint(i), Project: "p", Model: "m", Vector: vectors[i]}))
	}
	for i := range 20 { // over the end of a block and back
		x.remove(fmt.Sprint(i))
	}
	require.Equal(t, n-20, x.number)
	for _, i := range []int{20, blockRows - 1, blockRows, 2*blockRows - 1, 2 * blockRows, n - 1} {
		hits, _, err := x.Search(ctx, Query{Project: "p", Model: "m", Vector: vectors[i], MinScore: .9})
		require.NoError(t, err)
		require.Len(t, hits, 1)
		require.Equal(t, fmt.Sprint(i), hits[0].Submission)
	}
	for i := range n {
		x.remove(fmt.Sprint(i))
	}
	require.Zero(t, x.number)
	hits, _, err := x.Search(ctx, Query{Project: "p", Model: "m", Vector: vectors[0], MinScore: -1})
	require.NoError(t, err)
	require.Empty(t, hits)
}
