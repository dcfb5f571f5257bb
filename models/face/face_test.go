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
		Detail: &models.Detail{Uniformity: 0.9, Range: 7.5, Mouth: 0.02, MouthRelief: 14, EyeContrast: 20, EyesToChin: 200},
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
		{"a mask before the mouth", func(f *models.Face) { f.Detail.MouthRelief = 0.9 }, 130, models.HintFaceCovered},
		{"dark glasses", func(f *models.Face) { f.Detail.EyeContrast = 3.2 }, 130, models.HintFaceCovered},
		{"eyes not judged", func(f *models.Face) { f.EyesOpen = -1 }, 130, models.HintNone},
		{"detail not measured", func(f *models.Face) { f.Detail = nil }, 130, models.HintNone},
		{"an open mouth", func(f *models.Face) { f.Detail.Mouth = 0.6 }, 130, models.HintNone},
		{"light from one side", func(f *models.Face) { f.Detail.Uniformity = 0.1 }, 130, models.HintNone},
		{"flat light", func(f *models.Face) { f.Detail.Range = 2 }, 130, models.HintNone},
		{"burnt out", func(f *models.Face) { f.Detail.Over = 0.4 }, 130, models.HintNone},
	} {
		t.Run(c.what, func(t *testing.T) {
			f := portrait()
			c.do(&f)
			require.Equal(t, c.want, Hint(f, c.luma))
			if c.want == models.HintNone {
				require.GreaterOrEqual(t, Quality(f), 50.0)
			} else {
				require.Less(t, Quality(f), 50.0, "what a hint objects to has a quality below 50")
			}
		})
	}
}

func TestQualityIsBoundedWhateverIsMeasured(t *testing.T) {
	bare := portrait()
	bare.Detail = nil
	require.Equal(t, 100.0, Quality(bare))
	require.InDelta(t, 50+12.5*7.5/2, Quality(portrait()), 1e-9, "the least component without a rule, the dynamic range, counts by half")
	require.Zero(t, Quality(models.Face{}))
	nan := portrait()
	*nan.Detail = models.Detail{Uniformity: math.NaN(), Under: math.NaN(), Range: math.NaN(), Mouth: math.NaN()}
	require.Zero(t, Quality(nan))
	rapid.Check(t, func(t *rapid.T) {
		f := portrait()
		f.Yaw, f.Pitch, f.Roll = rapid.Float64().Draw(t, "yaw"), rapid.Float64().Draw(t, "pitch"), rapid.Float64().Draw(t, "roll")
		f.Detail = &models.Detail{
			Uniformity: rapid.Float64().Draw(t, "uniformity"), Under: rapid.Float64().Draw(t, "under"), Over: rapid.Float64().Draw(t, "over"),
			Range: rapid.Float64().Draw(t, "range"), Mouth: rapid.Float64().Draw(t, "mouth"),
			MouthRelief: rapid.Float64().Draw(t, "relief"), EyeContrast: rapid.Float64().Draw(t, "contrast"),
		}
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

func TestComponentsAreNamedOnceAndSayWhatTheyAreMadeOf(t *testing.T) {
	require.Empty(t, Components(models.Face{}))
	f := portrait()
	f.Yaw = -12
	seen := map[string]Component{}
	for _, c := range Components(f) {
		require.NotContains(t, seen, c.Name)
		require.NotEmpty(t, c.Unit)
		require.True(t, c.Score >= 0 && c.Score <= 100, "%+v", c)
		seen[c.Name] = c
	}
	for _, name := range []string{
		"single-face-present", "head-size", "inter-eye-distance", "leftward-crop", "rightward-crop", "margin-above", "margin-below",
		"head-pose-yaw", "head-pose-pitch", "head-pose-roll", "sharpness", "luminance-mean", "illumination-uniformity",
		"under-exposure-prevention", "over-exposure-prevention", "dynamic-range", "eyes-open", "eyes-visible",
		"mouth-closed", "mouth-occlusion-prevention",
	} {
		require.Contains(t, seen, name)
	}
	require.Equal(t, -12.0, seen["head-pose-yaw"].Measured)
	require.InDelta(t, 76.7, seen["head-pose-yaw"].Score, 0.1)
	require.InDelta(t, 93.75, seen["dynamic-range"].Score, 1e-9)
	f.Yaw = 12
	for _, c := range Components(f) {
		if c.Name == "head-pose-yaw" {
			require.InDelta(t, seen["head-pose-yaw"].Score, c.Score, 1e-9, "left and right count alike")
		}
	}
	f.EyesOpen, f.Detail = -1, nil
	for _, c := range Components(f) {
		require.NotContains(t, []string{"eyes-open", "eyes-visible", "mouth-closed", "dynamic-range"}, c.Name, "what was not measured is left out")
	}
}

func TestAnApparentAgeConflictsOnlyWhenItIsFarOff(t *testing.T) {
	a := &models.Age{Low: 28, Median: 40, High: 53}
	for years, want := range map[float64]bool{
		40: false, 26: false, 25: false, 24.9: true, 55: false, 55.1: true, 5: true, -1: false, math.NaN(): false,
	} {
		require.Equal(t, want, AgeConflicts(a, years), "%v", years)
	}
	require.False(t, AgeConflicts(nil, 3), "no estimate conflicts with nothing")
	require.False(t, AgeConflicts(&models.Age{Low: 20, Median: 40, High: 60}, 22), "a network that is unsure accuses nobody")
	require.False(t, AgeConflicts(&models.Age{Low: 16, Median: 27, High: 38}, 13), "teenagers read up to 27")
}
