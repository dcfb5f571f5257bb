package calibrate

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vestibule/models"
)

// clips makes n live clips and n attacks of which the values differ by sep deviations
// in a few directions, while the network's own answer knows little.
func clips(n, size int, sep float64, seed uint64) []Clip {
	rnd := rand.New(rand.NewPCG(seed, 1))
	var out []Clip
	for i := range 2 * n {
		c := Clip{Live: i%2 == 0}
		own := make([]float64, size) // who or what it is: the same in all frames of a clip
		for k := range own {
			own[k] = rnd.NormFloat64()
		}
		side := -1.0
		if c.Live {
			side = 1
		}
		for range 6 {
			f := good()
			f.Live = 1 / (1 + math.Exp(-(.2*side + 1.5*rnd.NormFloat64())))
			for k := range size {
				v := own[k] + .3*rnd.NormFloat64()
				if k < 4 {
					v += side * sep
				}
				f.LiveFeatures = append(f.LiveFeatures, float32(3*v+float64(k)))
			}
			c.Frames = append(c.Frames, f)
		}
		out = append(out, c)
	}
	return out
}

func good() models.Face {
	return models.Face{Found: true, Faces: 1, Luma: 120, Sharpness: 100, LiveModel: "l1"}
}

func TestAHeadLearnsWhatTheNetworkDoesNotSee(t *testing.T) {
	r, err := Fit(t.Context(), clips(30, 64, 1.2, 1))
	require.NoError(t, err)
	require.Equal(t, [2]int{30, 30}, [2]int{r.Live, r.Attack})
	require.True(t, r.Better())
	require.Less(t, r.After.EER, .08)
	require.Greater(t, r.Before.EER, .1)
	require.Greater(t, r.After.AUC, r.Before.AUC)
	require.Equal(t, "l1", r.Head.Model)
	require.Len(t, r.Head.Weights, 64)
	// On people nobody has seen, it is as good as was promised.
	fresh := clips(100, 64, 1.2, 99)
	later := rocOf(fresh, score(fresh, &r.Head))
	require.InDelta(t, r.After.EER, later.EER, .08)
}

func TestWhereThereIsNothingToLearnTheHeadIsNotBetter(t *testing.T) {
	better := 0
	for seed := range uint64(6) {
		r, err := Fit(t.Context(), clips(20, 64, 0, seed))
		require.NoError(t, err)
		// A fit judged on its own clips would look perfect here: 64 values, 40 clips.
		require.Greater(t, r.After.EER, .1, "seed %d", seed)
		if r.Better() {
			better++
		}
	}
	require.LessOrEqual(t, better, 3)
}

func TestAValueThatNeverChangesGetsNoWeight(t *testing.T) {
	all := clips(20, 8, 1, 3)
	for _, c := range all {
		for i := range c.Frames {
			c.Frames[i].LiveFeatures[5] = 7
		}
	}
	r, err := Fit(t.Context(), all)
	require.NoError(t, err)
	require.Zero(t, r.Head.Weights[5])
}

func TestTooFewOrUnfitClipsAreRefused(t *testing.T) {
	_, err := Fit(t.Context(), clips(MinClips-1, 8, 1, 1))
	require.ErrorIs(t, err, ErrTooFew)
	require.ErrorContains(t, err, "19 live and 19 attacks")
	dark := clips(MinClips, 8, 1, 1)
	for i := range dark[0].Frames {
		dark[0].Frames[i].Luma = 10
	}
	require.False(t, dark[0].Usable())
	_, err = Fit(t.Context(), dark)
	require.ErrorIs(t, err, ErrTooFew, "a dark clip is none")
	mixed := clips(MinClips, 8, 1, 1)
	mixed[3].Frames[2].LiveModel = "l2"
	_, err = Fit(t.Context(), mixed)
	require.ErrorIs(t, err, ErrClips)
	none := clips(MinClips, 0, 0, 1)
	_, err = Fit(t.Context(), none)
	require.ErrorIs(t, err, ErrClips)
	odd := clips(MinClips, 8, 1, 1)
	odd[3].Frames[2].LiveFeatures[0] = float32(math.Inf(1))
	_, err = Fit(t.Context(), odd)
	require.ErrorIs(t, err, ErrClips)
	require.False(t, Clip{}.Usable())
}

func TestAClipIsNeverJudgedByAHeadThatSawIt(t *testing.T) {
	all := clips(23, 4, 1, 1)
	of := foldsOf(all)
	count := map[[2]any]int{}
	for i, c := range all {
		count[[2]any{of[i], c.Live}]++
	}
	require.Len(t, count, 2*folds)
	for k, n := range count {
		require.InDelta(t, 23.0/folds, n, 1, "%v", k)
	}
}

func TestErrorRatesOfScoresThatAreKnown(t *testing.T) {
	two := func(live, attack []float64) (c []Clip, s []float64) {
		for _, v := range live {
			c, s = append(c, Clip{Live: true}), append(s, v)
		}
		for _, v := range attack {
			c, s = append(c, Clip{}), append(s, v)
		}
		return c, s
	}
	for what, c := range map[string]struct {
		live, attack []float64
		eer, auc     float64
		at           Point
	}{
		"told apart":           {[]float64{90, 80}, []float64{10, 20}, 0, 1, Point{50, 0, 0}},
		"one of four each way": {[]float64{90, 80, 70, 20}, []float64{10, 15, 5, 75}, .25, 14.0 / 16, Point{50, .25, .25}},
		"all the same":         {[]float64{60, 60}, []float64{60, 60}, .5, .5, Point{50, 1, 0}},
		"upside down":          {[]float64{10, 20}, []float64{90, 80}, 1, 0, Point{50, 1, 1}},
	} {
		r := rocOf(two(c.live, c.attack))
		require.InDelta(t, c.eer, r.EER, 1e-9, what)
		require.InDelta(t, c.auc, r.AUC, 1e-9, what)
		require.Equal(t, c.at, r.At, what)
	}
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.SliceOfN(rapid.Float64Range(0, 100), 1, 20)
		r := rocOf(two(v.Draw(t, "live"), v.Draw(t, "attack")))
		require.True(t, r.EER >= 0 && r.EER <= 1 && r.AUC >= -1e-9 && r.AUC <= 1+1e-9)
		require.Equal(t, Point{101, 0, 1}, r.Points[0])
	})
}

func TestThePlotIsOneWellFormedPictureAndTheTextNamesTheFigures(t *testing.T) {
	r, err := Fit(t.Context(), clips(20, 16, 1.2, 5))
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, r.SVG(&b))
	paths := 0
	for d := xml.NewDecoder(&b); ; {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		if s, ok := tok.(xml.StartElement); ok && s.Name.Local == "path" {
			paths++
		}
	}
	require.Equal(t, 6+2+2, paths, "grid, curves, legend")
	require.Contains(t, r.Text(), "20 live clips, 20 attacks")
	require.Contains(t, r.Text(), "below 15%")
}

func TestSolveSolves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 6).Draw(t, "n")
		m := make([]float64, n*n)
		for i := range m {
			m[i] = rapid.Float64Range(-2, 2).Draw(t, "m")
		}
		a := make([]float64, n*n) // m·mᵀ + 1
		for i := range n {
			for j := range n {
				for k := range n {
					a[i*n+j] += m[i*n+k] * m[j*n+k]
				}
			}
			a[i*n+i]++
		}
		want := make([]float64, n)
		b := make([]float64, n)
		for i := range want {
			want[i] = rapid.Float64Range(-5, 5).Draw(t, "x")
		}
		for i := range n {
			for j := range n {
				b[i] += a[i*n+j] * want[j]
			}
		}
		x, ok := solve(a, b, n)
		require.True(t, ok)
		require.InDeltaSlice(t, want, x, 1e-6)
	})
	_, ok := solve([]float64{-1}, []float64{1}, 1)
	require.False(t, ok)
}

func BenchmarkFit(b *testing.B) {
	all := clips(20, 256, 1, 1)
	for b.Loop() {
		if _, err := Fit(b.Context(), all); err != nil {
			b.Fatal(err)
		}
	}
}
