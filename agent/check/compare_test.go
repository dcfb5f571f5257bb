package check

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/models"
	"vestibule/models/face"
)

// seen is a frame of somebody whose template has these two values.
func seen(x, y float32, quality float64) models.Face {
	f := *portrait()
	f.Template, f.Quality = []float32{x, y}, quality
	return f
}

func TestTheSelfiesFramesAreComparedAsOneFace(t *testing.T) {
	reference := func(x, y float32) *models.Face { f := seen(x, y, 90); return &f }
	small := reference(1, 0)
	small.Eyes = face.MinPortraitEyes - 1
	other := reference(1, 0)
	other.Model = "m2"
	for name, c := range map[string]struct {
		frames         []models.Face
		portrait, chip *models.Face
		code           journey.CodeKey
		similarity     float64
		detail         map[string]string
	}{
		// They lie to either side of the portrait; their mean is the portrait.
		"the mean of two frames is nearer than each": {
			[]models.Face{seen(.9, .436, 90), seen(.9, -.436, 90)},
			reference(1, 0), nil,
			journey.CodeKey{},
			face.Similarity(1),
			map[string]string{"frames": "2", "against": "document"},
		},
		"a stranger who walks through is left out": {
			[]models.Face{seen(1, 0, 80), seen(0, 1, 70), seen(1, 0, 80)},
			reference(1, 0), nil,
			journey.CodeKey{},
			face.Similarity(1),
			map[string]string{"frames": "2"},
		},
		"a stranger in the picture that is kept": {
			[]models.Face{seen(0, 1, 99), seen(1, 0, 80), seen(1, 0, 80)},
			reference(1, 0), nil,
			journey.Step2RetryFaceDetectError, 0,
			map[string]string{"frames": "differ"},
		},
		"two people in the frames": {
			[]models.Face{seen(0, 1, 99), seen(1, 0, 80)},
			reference(1, 0), nil,
			journey.Step2RetryFaceDetectError, 0,
			map[string]string{"frames": "differ"},
		},
		"another person": {
			[]models.Face{seen(1, 0, 90)},
			reference(0, 1), nil,
			journey.Step2RetryFaceCompareUnderscore, face.Similarity(0),
			map[string]string{"against": "document"},
		},
		"the chip's portrait decides": {
			[]models.Face{seen(1, 0, 90)},
			reference(.6, .8), reference(.8, .6),
			journey.CodeKey{},
			face.Similarity(.8),
			map[string]string{"against": "chip", "score.chip": score(face.Similarity(.8)), "score.document": score(face.Similarity(.6))},
		},
		"a printed portrait of somebody else is not excused by the chip's": {
			[]models.Face{seen(1, 0, 90)},
			reference(0, 1), reference(1, 0),
			journey.Step2RetryFaceCompareUnderscore, face.Similarity(0),
			map[string]string{"against": "document"},
		},
		"a portrait too small to compare": {
			[]models.Face{seen(1, 0, 90)},
			small, nil,
			journey.Step2RetryFaceCompareFail, 0,
			map[string]string{"portrait": "small"},
		},
		"a small printed portrait beside the chip's": {
			[]models.Face{seen(1, 0, 90)},
			small, reference(1, 0),
			journey.CodeKey{},
			face.Similarity(1),
			map[string]string{"against": "chip"},
		},
		"no portrait": {
			[]models.Face{seen(1, 0, 90)},
			nil, nil,
			journey.Step2RetryFaceCompareFail, 0,
			map[string]string{"portrait": "none"},
		},
		"a portrait measured by another network": {
			[]models.Face{seen(1, 0, 90)},
			other, nil,
			journey.Step2RetryFaceDetectError, 0,
			map[string]string{"model": "differs"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := step2(t)
			s.Frames, s.Portrait, s.Chip = c.frames, c.portrait, c.chip
			s.Policy.Liveness.Frames = 1
			m, verdicts := s.Check()
			require.InDelta(t, c.similarity, m.Similarity, 1e-3)
			for _, v := range verdicts {
				if v.Event != journey.EventFaceCompare {
					continue
				}
				require.Equal(t, c.code, v.Code)
				require.Equal(t, c.code == journey.CodeKey{}, v.Result == journey.Pass)
				for k, want := range c.detail {
					require.Equal(t, want, v.Detail[k], k)
				}
			}
		})
	}
}

func TestAnApparentAgeIsAHintAndNeverAVerdict(t *testing.T) {
	look := func(a *models.Age, birth string) Verdict {
		s := step2(t)
		s.Looks, s.Person.Birth = a, birth
		_, verdicts := s.Check()
		for _, v := range verdicts {
			if v.Event == journey.EventAgeVerification {
				return v
			}
		}
		t.Fatal("no verdict on the age")
		return Verdict{}
	}
	old := &models.Age{Low: 55, Median: 64, High: 76}
	young := strconv.Itoa(today.Year()-25) + "-01-01"
	plain, hinted := look(nil, young), look(old, young)
	require.Equal(t, journey.Pass, plain.Result)
	require.NotContains(t, plain.Detail, "looks")
	require.Equal(t, "another-age", hinted.Detail["looks"])
	delete(hinted.Detail, "looks")
	require.Equal(t, plain, hinted, "nothing else differs")
	require.NotContains(t, look(old, strconv.Itoa(today.Year()-60)+"-01-01").Detail, "looks")
	require.NotContains(t, look(old, "").Detail, "looks", "no date to compare with")
}

func TestACoveredFaceIsToldAsOneThatIsNotWhollyInView(t *testing.T) {
	s := step2(t)
	s.Frames = selfie(5, func(f *models.Face) { f.Hint = models.HintFaceCovered })
	_, verdicts := s.Check()
	why := Rule(verdicts).Why
	require.Equal(t, journey.EventLivenessVerification, why.Event)
	require.Equal(t, journey.Step2RetryLivenessError, why.Code)
	require.Equal(t, "cropped", why.Detail[journey.DetailVariant])
	require.Equal(t, "face-covered", why.Detail["hint"])
}
