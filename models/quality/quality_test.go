package quality_test

import (
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"

	"vestibule/models"
	"vestibule/models/quality"
)

// page draws a printed page: paper of the given brightness, lines of text, a coloured stamp.
func page(paper uint8) gocv.Mat {
	m := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(float64(paper), float64(paper), float64(paper), 0), 600, 800, gocv.MatTypeCV8UC3)
	for i := range 14 {
		gocv.PutText(&m, "UTOPIA PASSPORT 1234567890 ERIKSSON", image.Pt(40, 50+i*40), gocv.FontHersheySimplex, .9, color.RGBA{20, 20, 25, 0}, 2)
	}
	gocv.Rectangle(&m, image.Rect(460, 320, 780, 580), color.RGBA{180, 40, 60, 0}, -1)
	return m
}

// shine adds a soft reflection.
func shine(m gocv.Mat, cx, cy, radius float64) {
	for y := range m.Rows() {
		for x := range m.Cols() {
			d := math.Hypot(float64(x)-cx, float64(y)-cy) / radius
			a := math.Min(1, 1.7*math.Exp(-d*d))
			for c := range 3 {
				v := float64(m.GetUCharAt(y, x*3+c))
				m.SetUCharAt(y, x*3+c, uint8(v*(1-a)+255*a))
			}
		}
	}
}

func measure(t *testing.T, m gocv.Mat) models.Quality {
	t.Helper()
	q, err := quality.Measure(m)
	require.NoError(t, err)
	return q
}

func TestSharpnessFallsWithEveryKindOfBlur(t *testing.T) {
	m := page(200)
	defer m.Close()
	sharp := measure(t, m).Sharpness
	assert.Greater(t, sharp, 80.0)
	for name, blur := range map[string]func(*gocv.Mat){
		"out of focus": func(b *gocv.Mat) { gocv.GaussianBlur(m, b, image.Pt(0, 0), 3, 3, gocv.BorderDefault) },
		"moved across": func(b *gocv.Mat) { moved(m, b, 1, 0) },
		"moved down":   func(b *gocv.Mat) { moved(m, b, 0, 1) },
	} {
		b := gocv.NewMat()
		blur(&b)
		q := measure(t, b)
		b.Close()
		assert.Less(t, q.Sharpness, quality.Soft+15, name)
		assert.Less(t, q.Sharpness, sharp-30, name)
	}
	last := 101.0
	for _, sigma := range []float64{.8, 1.5, 2.5, 4} {
		b := gocv.NewMat()
		gocv.GaussianBlur(m, &b, image.Pt(0, 0), sigma, sigma, gocv.BorderDefault)
		s := measure(t, b).Sharpness
		b.Close()
		assert.Less(t, s, last, "sigma %v", sigma)
		last = s
	}
}

// moved blurs as a hand does that speeds up and slows down.
func moved(m gocv.Mat, b *gocv.Mat, across, down int) {
	gocv.GaussianBlur(m, b, image.Pt(0, 0), .8, .8, gocv.BorderDefault)
	for _, n := range []int{14, 8} {
		gocv.Blur(*b, b, image.Pt(1+n*across, 1+n*down))
	}
}

func TestGlareIsSeenWhereItIs(t *testing.T) {
	m := page(190)
	defer m.Close()
	require.Equal(t, 100.0, measure(t, m).Glare)
	shine(m, 300, 300, 60)
	q := measure(t, m)
	assert.Less(t, q.Glare, quality.Glaring)
	require.Len(t, q.GlareAt, 1)
	b := q.GlareAt[0]
	assert.InDelta(t, 300.0/800, (b.X1+b.X2)/2, .02)
	assert.InDelta(t, 300.0/600, (b.Y1+b.Y2)/2, .02)
}

func TestWhitePaperIsNoGlare(t *testing.T) {
	white := page(255)
	defer white.Close()
	assert.Equal(t, 100.0, measure(t, white).Glare, "a white page to the borders")
	table := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(60, 60, 60, 0), 900, 1200, gocv.MatTypeCV8UC3)
	defer table.Close()
	part := table.Region(image.Rect(200, 150, 1000, 750))
	white.CopyTo(&part)
	part.Close()
	assert.Equal(t, 100.0, measure(t, table).Glare, "a white page on a dark table")
	gocv.Rectangle(&table, image.Rect(20, 20, 180, 120), color.RGBA{255, 255, 255, 0}, -1)
	assert.Equal(t, 100.0, measure(t, table).Glare, "a blank white card with sharp edges")
}

func TestExposure(t *testing.T) {
	good, dark, bright := page(200), page(200), page(200)
	for _, m := range []gocv.Mat{good, dark, bright} {
		defer m.Close()
	}
	dark.DivideUChar(8)
	bright.MultiplyUChar(8)
	assert.Greater(t, measure(t, good).Exposure, 90.0)
	assert.Less(t, measure(t, dark).Exposure, quality.Dim)
	assert.Less(t, measure(t, bright).Exposure, 90.0)
	flat := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(128, 128, 128, 0), 300, 400, gocv.MatTypeCV8UC3)
	defer flat.Close()
	q := measure(t, flat)
	assert.Zero(t, q.Exposure, "nothing to see in a flat picture")
	assert.InDelta(t, 128, q.Luma, 1)
	assert.Zero(t, q.Sharpness)
}

func TestABlackAndWhiteCopyIsTold(t *testing.T) {
	m := page(200)
	defer m.Close()
	assert.Greater(t, measure(t, m).Colour, 60.0)
	grey, back := gocv.NewMat(), gocv.NewMat()
	defer grey.Close()
	defer back.Close()
	gocv.CvtColor(m, &grey, gocv.ColorBGRToGray)
	gocv.CvtColor(grey, &back, gocv.ColorGrayToBGR)
	assert.Zero(t, measure(t, back).Colour)
}

func TestLiveRanksAsMeasureDoes(t *testing.T) {
	m := page(200)
	defer m.Close()
	b := gocv.NewMat()
	defer b.Close()
	gocv.GaussianBlur(m, &b, image.Pt(0, 0), 3, 3, gocv.BorderDefault)
	sharp, err := quality.Live(m)
	require.NoError(t, err)
	soft, err := quality.Live(b)
	require.NoError(t, err)
	assert.Greater(t, sharp.Sharpness, soft.Sharpness+30)
}

func TestBadMatricesAreRefused(t *testing.T) {
	grey := gocv.NewMatWithSize(10, 10, gocv.MatTypeCV8UC1)
	defer grey.Close()
	for _, m := range []gocv.Mat{{}, grey} {
		_, err := quality.Measure(m)
		require.ErrorIs(t, err, models.ErrFrame)
		_, err = quality.Live(m)
		require.ErrorIs(t, err, models.ErrFrame)
	}
}

func BenchmarkLive720p(b *testing.B) {
	small := page(200)
	defer small.Close()
	m := gocv.NewMat()
	defer m.Close()
	gocv.Resize(small, &m, image.Pt(1280, 720), 0, 0, gocv.InterpolationCubic)
	for b.Loop() {
		if _, err := quality.Live(m); err != nil {
			b.Fatal(err)
		}
	}
}

func TestBlurOfAStrokesWidthIsToldEvenBelowNoise(t *testing.T) {
	m := page(200)
	defer m.Close()
	large, soft := gocv.NewMat(), gocv.NewMat()
	defer large.Close()
	defer soft.Close()
	gocv.Resize(m, &large, image.Pt(1600, 1200), 0, 0, gocv.InterpolationCubic)
	gocv.GaussianBlur(large, &soft, image.Pt(0, 0), .0042*1600, .0042*1600, gocv.BorderDefault)
	grain := func(m gocv.Mat) gocv.Mat { // of a sensor: it comes after the lens
		r := rand.New(rand.NewPCG(1, 2))
		b := m.ToBytes()
		for i, v := range b {
			b[i] = uint8(min(255, max(0, float64(v)+3*r.NormFloat64())))
		}
		out, err := gocv.NewMatFromBytes(m.Rows(), m.Cols(), m.Type(), b)
		require.NoError(t, err)
		return out
	}
	sharp, blurred := grain(large), grain(soft)
	defer sharp.Close()
	defer blurred.Close()
	assert.Greater(t, measure(t, sharp).Sharpness, quality.Legible)
	assert.Less(t, measure(t, blurred).Sharpness, quality.Legible)
}
