package face

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vestibule/models"
)

func TestSimilarityFollowsTheContractsScale(t *testing.T) {
	require.InDelta(t, 85, Similarity(Match), 0.1)
	require.InDelta(t, 50, Similarity(0.26), 1e-9)
	require.Zero(t, Similarity(math.NaN()))
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Float64Range(-1, 1).Draw(t, "a"), rapid.Float64Range(-1, 1).Draw(t, "b")
		require.True(t, Similarity(a) >= 0 && Similarity(a) <= 100)
		if a < b {
			require.LessOrEqual(t, Similarity(a), Similarity(b))
		}
	})
}

func TestTemplatesThatCannotBeComparedAreUnlike(t *testing.T) {
	one := []float32{1, 0, 0}
	nan := float32(math.NaN())
	require.Equal(t, -1.0, Cosine(nil, nil))
	require.Equal(t, -1.0, Cosine(one, one[:2]))
	require.Equal(t, -1.0, Cosine(one, []float32{nan, 0, 0}))
	require.Equal(t, -1.0, Cosine(one, []float32{0, 0, 0}))
	require.InDelta(t, 1, Cosine(one, []float32{2, 0, 0}), 1e-9)
	require.InDelta(t, 0, Cosine(one, []float32{0, 1, 0}), 1e-9)
}

func TestIoU(t *testing.T) {
	a := models.Box{X1: 0, Y1: 0, X2: 0.5, Y2: 0.5}
	require.Equal(t, 1.0, IoU(a, a))
	require.Zero(t, IoU(a, models.Box{X1: 0.5, Y1: 0, X2: 1, Y2: 0.5}))
	require.InDelta(t, 1.0/3, IoU(a, models.Box{X1: 0.25, Y1: 0, X2: 0.75, Y2: 0.5}), 1e-9)
	require.Zero(t, IoU(models.Box{}, models.Box{}))
}

// portrait is a face in a 1280 × 720 frame that nothing is wrong with.
func portrait() models.Face {
	f := models.Face{
		Width: 1280, Height: 720, Found: true, Faces: 1, Score: 1,
		Box: models.Box{X1: 0.4, Y1: 0.25, X2: 0.6, Y2: 0.7}, Eyes: 130,
		EyesOpen: 0.98, Live: 0.95, Sharpness: 200, Luma: 130, Template: unit(0),
	}
	pose(&f, 0, 0)
	return f
}

// unit is a template: those of different k have a cosine of 0.
func unit(k int) []float32 {
	v := make([]float32, 512)
	v[k] = 1
	return v
}

// pose turns a face: its angles, and the points as a solid head would show them.
func pose(f *models.Face, yaw, pitch float64) {
	f.Yaw, f.Pitch = yaw, pitch
	cx, cy := (f.Box.X1+f.Box.X2)/2, (f.Box.Y1+f.Box.Y2)/2
	for i := range f.Points {
		f.Points[i] = models.Point{X: cx, Y: cy}
	}
	half := 0.05 * math.Cos(yaw*math.Pi/180)
	for i := 36; i < 42; i++ {
		f.Points[i] = models.Point{X: cx - half, Y: cy - 0.05}
	}
	for i := 42; i < 48; i++ {
		f.Points[i] = models.Point{X: cx + half, Y: cy - 0.05}
	}
	f.Points[30].X = cx - 0.06*math.Sin(yaw*math.Pi/180) // + is towards image left
}

func TestTheFirstRuleOfACaptureThatIsNotMetIsTheHint(t *testing.T) {
	for _, c := range []struct {
		what string
		do   func(*models.Face)
		luma float64
		want models.HintCode
	}{
		{"all is well", func(*models.Face) {}, 130, models.HintNone},
		{"no face", func(f *models.Face) { *f = models.Face{} }, 100, models.HintNoFace},
		{"no face in the dark", func(f *models.Face) { *f = models.Face{} }, 8, models.HintDark},
		{"no face in glaring light", func(f *models.Face) { *f = models.Face{} }, 250, models.HintBright},
		{"two faces", func(f *models.Face) { f.Faces = 2 }, 130, models.HintSeveralFaces},
		{"far away", func(f *models.Face) { f.Box.Y2 = f.Box.Y1 + 0.19 }, 130, models.HintFaceSmall},
		{"a coarse camera", func(f *models.Face) { f.Height = 300 }, 130, models.HintFacePixels},
		{"too near", func(f *models.Face) { f.Box.Y1, f.Box.Y2 = 0.05, 0.95 }, 130, models.HintTooClose},
		{"at the left border", func(f *models.Face) { f.Box.X1 = 0.02 }, 130, models.HintFaceBorder},
		{"at the lower border", func(f *models.Face) { f.Box.Y2 = 0.98 }, 130, models.HintFaceBorder},
		{"jaw outside", func(f *models.Face) {
			for i := range 3 {
				f.Points[i].X = -0.01
			}
		}, 130, models.HintFaceCropped},
		{"eyes close together", func(f *models.Face) { f.Eyes = 59 }, 130, models.HintEyesClose},
		{"dark face", func(f *models.Face) { f.Luma = 59 }, 130, models.HintDark},
		{"glaring face", func(f *models.Face) { f.Luma = 201 }, 130, models.HintBright},
		{"turned", func(f *models.Face) { f.Yaw = -21 }, 130, models.HintFaceTurned},
		{"looking down", func(f *models.Face) { f.Pitch = -19 }, 130, models.HintFaceTurned},
		{"tilted", func(f *models.Face) { f.Roll = 16 }, 130, models.HintFaceTurned},
		{"blurred", func(f *models.Face) { f.Sharpness = 19 }, 130, models.HintBlur},
		{"eyes closed", func(f *models.Face) { f.EyesOpen = 0.1 }, 130, models.HintEyesClosed},
		{"eyes not judged", func(f *models.Face) { f.EyesOpen = -1 }, 130, models.HintNone},
	} {
		t.Run(c.what, func(t *testing.T) {
			f := portrait()
			c.do(&f)
			require.Equal(t, c.want, Hint(f, c.luma))
			if c.want == models.HintNone {
				require.GreaterOrEqual(t, Quality(f), 50.0)
			} else if c.want != models.HintFaceCropped {
				require.Less(t, Quality(f), 50.0, "what a hint objects to has a quality below 50")
			}
		})
	}
}

func TestQualityIsBoundedWhateverIsMeasured(t *testing.T) {
	require.Equal(t, 100.0, Quality(portrait()))
	rapid.Check(t, func(t *rapid.T) {
		f := portrait()
		f.Yaw, f.Pitch, f.Roll = rapid.Float64().Draw(t, "yaw"), rapid.Float64().Draw(t, "pitch"), rapid.Float64().Draw(t, "roll")
		f.Luma, f.Sharpness, f.Eyes = rapid.Float64().Draw(t, "luma"), rapid.Float64().Draw(t, "sharpness"), rapid.Float64().Draw(t, "eyes")
		q := Quality(f)
		require.True(t, q >= 0 && q <= 100, "%v", q)
	})
}

func TestPassiveLivenessIsTheMeanOfTheFramesThatCanBeJudged(t *testing.T) {
	var p Passive
	_, ok := p.Score()
	require.False(t, ok)
	for i := range 4 {
		f := portrait()
		f.Live = 0.2 + 0.2*float64(i)
		require.True(t, p.Add(f))
	}
	score, ok := p.Score()
	require.False(t, ok, "four frames are too few")
	require.InDelta(t, 50, score, 1e-9)

	for what, do := range map[string]func(*models.Face){
		"no face":   func(f *models.Face) { f.Found = false },
		"two faces": func(f *models.Face) { f.Faces = 2 },
		"dark":      func(f *models.Face) { f.Luma = 20 },
		"blurred":   func(f *models.Face) { f.Sharpness = 3 },
		"turned":    func(f *models.Face) { f.Yaw = 40 },
		"not a number": func(f *models.Face) {
			f.Live = math.NaN()
		},
	} {
		f := portrait()
		f.Live = 1
		do(&f)
		require.False(t, p.Add(f), what)
	}
	f := portrait()
	f.Live = 0.5
	require.True(t, p.Add(f))
	score, ok = p.Score()
	require.True(t, ok)
	require.InDelta(t, 50, score, 1e-9)
	require.Equal(t, 5, p.Frames())
	require.Equal(t, 6, p.Left())
	require.Equal(t, Reading{Signal: SignalPassive, Needed: true, Ran: true, Score: score}, p.Reading(true))
	require.Equal(t, Reading{Signal: SignalPassive, Why: []string{WhyTooFewFrames}}, new(Passive).Reading(false))
}
