package evaluate

import (
	"bytes"
	"context"
	"image/color"
	"io/fs"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"vestibule/models"
)

// posed gives a face that is as the picture's first pixel says: red is yaw + 90, green the
// mouth's relief in tenths, blue 0 means no face. Where green changes half-way down, the
// lower half's counts, so that what is painted there shows.
type posed struct{ models.Engine }

func (posed) ReadFace(_ context.Context, f models.Frame) (models.Face, error) {
	r, b := f.Pix[0], f.Pix[2]
	at := 3 * (f.Width*(f.Height*3/4) + f.Width/2)
	out := models.Face{
		Width: f.Width, Height: f.Height, Found: b > 0, Faces: 1, EyesOpen: -1, Yaw: float64(r) - 90, Eyes: 20,
		Box: models.Box{X1: .25, Y1: .25, X2: .75, Y2: .75}, Sharpness: float64(b), Luma: 120,
		Detail: &models.Detail{MouthRelief: float64(f.Pix[at+1]) / 10, EyeContrast: 20},
	}
	if out.Yaw > 30 {
		out.Hint = models.HintFaceTurned
	}
	for i := range out.Points {
		out.Points[i] = models.Point{X: .5, Y: .4}
	}
	for i := range 17 { // a jaw from side to side, lowest in the middle
		out.Points[i] = models.Point{X: .1 + .05*float64(i), Y: .9 - .4*math.Abs(float64(i-8))/8}
	}
	return out, nil
}

func TestQualityCountsTheLabelledDefectsThePoseAndTheCoverings(t *testing.T) {
	dir := folder(t, `p/mask.png,quality,,occluded,,
p/bare.png,quality,,occluded,,
p/blur.png,quality,,blur,,
p/none.png,quality,,no_face,,
p/left.png,pose_eyes,,yaw_image_left,,
p/front.png,pose_eyes,,yaw_image_right,,
p/eye.png,pose_eyes,,eyes_open,,
p/a.png,identity,a,live_photo,,
`, map[string]color.RGBA{
		"mask.png": {R: 90, G: 5, B: 200, A: 255}, "bare.png": {R: 90, G: 150, B: 200, A: 255},
		"blur.png": {R: 90, G: 150, B: 9, A: 255}, "none.png": {A: 255},
		"left.png": {R: 130, G: 150, B: 200, A: 255}, "front.png": {R: 90, G: 150, B: 200, A: 255}, "eye.png": {R: 90, G: 150, B: 200, A: 255},
		"a.png": {R: 90, G: 210, B: 200, A: 255},
	})
	var log bytes.Buffer
	got, err := Quality(context.Background(), posed{}, dir, &log)
	require.NoError(t, err)
	require.Equal(t, 4, got["face.quality_reject"].N)
	require.InDelta(t, 3.0/4, got["face.quality_reject"].Value, 1e-9)
	require.InDelta(t, 1.0/2, got["face.quality_reject.occluded"].Value, 1e-9)
	require.Equal(t, 1.0, got["face.quality_reject.blur"].Value)
	require.Equal(t, 1.0, got["face.quality_reject.no_face"].Value)
	require.Zero(t, got["face.quality_refused"].Value, "the oracle gives no hints to these")
	require.InDelta(t, 1.0/2, got["face.pose_right"].Value, 1e-9)
	require.Zero(t, got["face.eyes_right"].Value, "not judged is not right")
	require.Zero(t, got["face.covered_false"].Value)
	require.Equal(t, 1, got["face.covered_false"].N)
	require.Zero(t, got["face.covered_found.blue_mask"].Value, "painted, and its green of 175 still reads as relief")
	require.Zero(t, got["face.covered_found.dark_glasses"].Value)
	_, err = Quality(context.Background(), posed{}, t.TempDir(), &log)
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestWhatIsPaintedReachesTheEngine(t *testing.T) {
	dir := folder(t, "p/a.png,identity,a,live_photo,,\n", map[string]color.RGBA{"a.png": {R: 90, G: 210, B: 200, A: 255}})
	seen := map[byte]bool{}
	_, err := Quality(context.Background(), spy{seen: seen}, dir, &bytes.Buffer{})
	require.NoError(t, err)
	require.True(t, seen[210], "the picture as it is")
	for what, near := range map[string]byte{"blue": 175, "white": 225, "black": 36} {
		hit := false
		for v := near - 12; v < near+6; v++ {
			hit = hit || seen[v]
		}
		require.True(t, hit, "%s: %v", what, seen)
	}
}

// spy notes the green of what lies at the mouth.
type spy struct {
	posed
	seen map[byte]bool
}

func (s spy) ReadFace(ctx context.Context, f models.Frame) (models.Face, error) {
	s.seen[f.Pix[3*(f.Width*(f.Height*3/4)+f.Width/2)+1]] = true
	return s.posed.ReadFace(ctx, f)
}

func TestScoresAreWhatTheRatesAreMadeOf(t *testing.T) {
	dir := folder(t, `p/a1.png,identity,a,live_photo,x,
p/a2.png,identity,a,live_photo,x,
p/b1.png,identity,b,live_photo,x,
p/s1.png,pad,,spoof,Held print,
p/l1.png,pad,,live,selfie,
p/l2.png,pad,,live,selfie,
`, map[string]color.RGBA{
		"a1.png": {R: 0, B: 9, A: 255}, "a2.png": {R: 0, B: 9, A: 255}, "b1.png": {R: 1, B: 9, A: 255},
		"s1.png": {G: 51, B: 9, A: 255}, "l1.png": {G: 204, B: 9, A: 255}, "l2.png": {G: 204, B: 0, A: 255},
	})
	genuine, impostor, pad, err := Scores(context.Background(), oracle{}, dir)
	require.NoError(t, err)
	require.Len(t, genuine, 1)
	require.InDelta(t, 1, genuine[0], 1e-9)
	require.Len(t, impostor, 2)
	require.InDelta(t, 0, impostor[0], 1e-9)
	require.InDeltaMapValues(t, map[string]float64{"held_print": 20, "live": 80}, map[string]float64{"held_print": pad["held_print"][0], "live": pad["live"][0]}, 1e-9)
	require.Equal(t, []float64{80, 0}, pad["live"], "no face is no life")
}

func TestATemplateOfSeveralPicturesIsMeasuredBesideASingleOne(t *testing.T) {
	lines, pics := "", map[string]color.RGBA{}
	for i, red := range []byte{0, 8, 16, 24, 1, 9, 17, 25, 2} { // two people of four pictures, one of one
		name := string(rune('a'+i)) + ".png"
		lines += "p/" + name + ",identity," + string(rune('a'+red%8)) + ",live_photo,x,\n"
		pics[name] = color.RGBA{R: red, B: 9, A: 255}
	}
	got, err := Multi(context.Background(), oracle{}, folder(t, lines, pics), &bytes.Buffer{})
	require.NoError(t, err)
	require.Equal(t, 8, got["face.multi_cosine"].N)
	require.Equal(t, 24, got["face.multi_cosine_single"].N)
	require.Greater(t, got["face.multi_cosine"].Value, 0.98)
	require.Less(t, got["face.multi_impostor"].Value, 0.1)
	require.Zero(t, got["face.multi_disagree"].Value)
	require.Zero(t, got["face.multi_fmr_at_cos38"].Value)
	require.Equal(t, 8*5, got["face.multi_fmr_at_cos38"].N)
	_, err = Multi(context.Background(), oracle{}, t.TempDir(), &bytes.Buffer{})
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestTheCurveTradesOneErrorForTheOther(t *testing.T) {
	require.Nil(t, Curve(nil, []float64{1}))
	got := Curve([]float64{.9, .5, .9}, []float64{.1, .5})
	require.Equal(t, Trade{.1, 1, 0}, got[0])
	require.Equal(t, Trade{.5, .5, 0}, got[1])
	require.Equal(t, .9, got[2].Threshold)
	require.Zero(t, got[2].FalseAccept)
	require.InDelta(t, 1.0/3, got[2].FalseReject, 1e-9)
	require.Equal(t, 1.0, got[3].FalseReject)
	require.Len(t, got, 4)
}
