package face

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vestibule/models"
)

// shot is a frame of the person whose template is unit(who), with noise that leaves a
// cosine of about 1/√(1+noise²) with it.
func shot(rng *rand.Rand, who int, noise, quality float64) models.Face {
	f := portrait()
	f.Quality, f.Model, f.Template = quality, "net", unit(who)
	for i := range f.Template {
		f.Template[i] += float32(noise * rng.NormFloat64() / math.Sqrt(512))
	}
	return f
}

func TestATemplateOfSeveralFramesIsNearerToThePersonThanAnyOfThem(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var frames []models.Face
	best := 0.0
	for range 6 {
		f := shot(rng, 3, 0.6, 80)
		best = math.Max(best, Cosine(f.Template, unit(3)))
		frames = append(frames, f)
	}
	m, err := Multi(frames)
	require.NoError(t, err)
	require.Greater(t, Cosine(m.Vector, unit(3)), best)
	require.Len(t, m.Used, 6)
	require.Empty(t, m.Left)
	require.Equal(t, "net", m.Model)
	require.True(t, m.Lowest > SameShot && m.Lowest < 1)
	var norm float64
	for _, v := range m.Vector {
		norm += float64(v) * float64(v)
	}
	require.InDelta(t, 1, norm, 1e-5)
}

func TestABetterFrameWeighsMore(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	a, b := shot(rng, 3, 0.6, 90), shot(rng, 3, 0.6, 10)
	m, err := Multi([]models.Face{b, a})
	require.NoError(t, err)
	require.Equal(t, []int{1, 0}, m.Used, "the best first")
	require.Greater(t, Cosine(m.Vector, a.Template), Cosine(m.Vector, b.Template))
}

func TestWhichFramesGoIntoATemplate(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	me := func(q float64) models.Face { return shot(rng, 3, 0.3, q) }
	you := func(q float64) models.Face { return shot(rng, 9, 0.3, q) }
	with := func(f models.Face, do func(*models.Face)) models.Face { do(&f); return f }
	for name, c := range map[string]struct {
		frames []models.Face
		used   []int
		left   []int
		err    error
	}{
		"one":                                   {[]models.Face{me(50)}, []int{0}, nil, nil},
		"none":                                  {nil, nil, nil, ErrNoFrame},
		"no face in any":                        {[]models.Face{{}, {}}, nil, nil, ErrNoFrame},
		"a stranger among three is dropped":     {[]models.Face{me(50), you(99), me(60)}, []int{2, 0}, []int{1}, nil},
		"two people, no majority":               {[]models.Face{me(50), you(60)}, nil, nil, ErrDisagree},
		"two and two":                           {[]models.Face{me(50), you(60), you(70), me(80)}, nil, nil, ErrDisagree},
		"nobody like another":                   {[]models.Face{shot(rng, 1, 0, 9), shot(rng, 2, 0, 8), shot(rng, 3, 0, 7)}, nil, nil, ErrDisagree},
		"a frame with a hint does not count":    {[]models.Face{me(50), with(me(90), func(f *models.Face) { f.Hint = models.HintFaceTurned })}, []int{0}, nil, nil},
		"a frame with two faces does not count": {[]models.Face{with(me(90), func(f *models.Face) { f.Faces = 2 }), me(50)}, []int{1}, nil, nil},
		"frames with hints count when there are no others": {[]models.Face{with(me(50), func(f *models.Face) { f.Hint = models.HintBlur })}, []int{0}, nil, nil},
		"a template that is not a number does not count":   {[]models.Face{with(me(90), func(f *models.Face) { f.Template[7] = float32(math.NaN()) }), me(1)}, []int{1}, nil, nil},
		"an empty template does not count":                 {[]models.Face{with(me(90), func(f *models.Face) { f.Template = make([]float32, 512) }), me(1)}, []int{1}, nil, nil},
		"two networks":                                     {[]models.Face{me(50), with(me(90), func(f *models.Face) { f.Model = "other" })}, nil, nil, ErrModelDiffer},
		"two lengths":                                      {[]models.Face{me(50), with(me(90), func(f *models.Face) { f.Template = f.Template[:256] })}, nil, nil, ErrModelDiffer},
		"more than the best frames": {[]models.Face{
			me(1), me(91), me(92), me(93), me(94), me(95), me(96), me(97), me(98),
		}, []int{8, 7, 6, 5, 4, 3, 2, 1}, []int{0}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := Multi(c.frames)
			require.ErrorIs(t, err, c.err)
			require.Equal(t, c.used, m.Used)
			require.Equal(t, c.left, m.Left)
		})
	}
}

func TestATemplateNeverMixesPeopleWhateverTheFrames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		var frames []models.Face
		var who []int
		for range rapid.IntRange(1, 10).Draw(t, "frames") {
			p := rapid.IntRange(0, 2).Draw(t, "person")
			who = append(who, p)
			frames = append(frames, shot(rng, p, 0.4, rapid.Float64Range(0, 100).Draw(t, "quality")))
		}
		m, err := Multi(frames)
		if err != nil {
			require.ErrorIs(t, err, ErrDisagree)
			return
		}
		for _, i := range m.Used {
			require.Equal(t, who[m.Used[0]], who[i], "%v", who)
		}
	})
}

func TestASelfieIsComparedWithEveryReference(t *testing.T) {
	self := Template{Model: "net", Vector: unit(0)}
	like := func(cos float64) models.Face {
		f := portrait()
		f.Model, f.Template = "net", make([]float32, 512)
		f.Template[0], f.Template[1] = float32(cos), float32(math.Sqrt(1-cos*cos))
		return f
	}
	with := func(f models.Face, do func(*models.Face)) models.Face { do(&f); return f }
	small := func(f *models.Face) { f.Eyes = MinPortraitEyes - 0.1 }
	other := func(f *models.Face) { f.Model = "other" }
	for name, c := range map[string]struct {
		refs    []Reference
		decided Source
		cos     float64
		why     []Unusable
	}{
		"none":                                {nil, "", 0, nil},
		"the document alone":                  {[]Reference{{FromDocument, like(.6)}}, FromDocument, .6, []Unusable{""}},
		"the chip decides":                    {[]Reference{{FromDocument, like(.5)}, {FromChip, like(.7)}}, FromChip, .7, []Unusable{"", ""}},
		"the chip decides when it is lower":   {[]Reference{{FromDocument, like(.9)}, {FromChip, like(.7)}}, FromChip, .7, []Unusable{"", ""}},
		"a printed portrait of somebody else": {[]Reference{{FromChip, like(.7)}, {FromDocument, like(.1)}}, FromDocument, .1, []Unusable{"", ""}},
		"both are somebody else":              {[]Reference{{FromChip, like(.1)}, {FromDocument, like(.2)}}, FromChip, .1, []Unusable{"", ""}},
		"a small printed portrait is refused": {[]Reference{{FromDocument, with(like(.9), small)}}, "", 0, []Unusable{UnusableSmall}},
		"a small one beside the chip's":       {[]Reference{{FromDocument, with(like(.1), small)}, {FromChip, like(.6)}}, FromChip, .6, []Unusable{UnusableSmall, ""}},
		"another network":                     {[]Reference{{FromChip, with(like(.9), other)}}, "", 0, []Unusable{UnusableNetwork}},
		"no face":                             {[]Reference{{FromChip, models.Face{}}, {FromDocument, like(.6)}}, FromDocument, .6, []Unusable{UnusableNoFace, ""}},
	} {
		t.Run(name, func(t *testing.T) {
			got := Compare(self, 85, c.refs...)
			require.Equal(t, c.decided, got.Decided)
			if c.decided == "" {
				require.Zero(t, got.Similarity)
			} else {
				require.InDelta(t, Similarity(c.cos), got.Similarity, 1e-3)
			}
			require.Len(t, got.Outcomes, len(c.why))
			for i, o := range got.Outcomes {
				require.Equal(t, c.why[i], o.Why)
				require.Equal(t, c.refs[i].From, o.From)
				require.Equal(t, o.Why == "", o.Usable)
			}
		})
	}
	both := Compare(self, 85, Reference{FromChip, like(1)}, Reference{FromDocument, like(.6)})
	require.InDelta(t, .6, both.Alike, 1e-6, "how alike the references are themselves")
	require.Equal(t, 1.0, Compare(self, 85, Reference{FromChip, like(1)}).Alike)
}
