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

func TestACopyStaysACopyInAnyLamp(t *testing.T) {
	m := page(200)
	defer m.Close()
	grey, copied := gocv.NewMat(), gocv.NewMat()
	defer grey.Close()
	defer copied.Close()
	gocv.CvtColor(m, &grey, gocv.ColorBGRToGray)
	gocv.CvtColor(grey, &copied, gocv.ColorGrayToBGR)
	lit := func(m gocv.Mat, b, g, r float64) gocv.Mat {
		pix, gain := m.ToBytes(), [3]float64{b, g, r}
		for i := range pix {
			pix[i] = uint8(float64(pix[i])*gain[i%3] + .5)
		}
		view, err := gocv.NewMatFromBytes(m.Rows(), m.Cols(), m.Type(), pix)
		require.NoError(t, err)
		defer view.Close()
		return view.Clone()
	}
	for name, gain := range map[string][3]float64{"warm": {.75, .93, 1}, "a bulb": {.5, .8, 1}, "cool": {1, .93, .7}} {
		c, o := lit(copied, gain[0], gain[1], gain[2]), lit(m, gain[0], gain[1], gain[2])
		assert.Less(t, measure(t, c).Colour, quality.Grey, name)
		assert.Greater(t, measure(t, o).Colour, 50.0, name)
		c.Close()
		o.Close()
	}
}

func TestALongReflectionIsGlareAndAWhiteFieldIsNot(t *testing.T) {
	m := page(200)
	defer m.Close()
	for y := range m.Rows() {
		for x := range m.Cols() {
			dx, dy := (float64(x)-400)/70, (float64(y)-300)/44
			for c := range 3 {
				v := float64(m.GetUCharAt(y, x*3+c)) + 400*math.Exp(-dx*dx-dy*dy)
				m.SetUCharAt(y, x*3+c, uint8(math.Min(255, v)))
			}
		}
	}
	assert.Less(t, measure(t, m).Glare, quality.Glaring)

	field := page(180)
	defer field.Close()
	gocv.Rectangle(&field, image.Rect(480, 340, 640, 460), color.RGBA{255, 255, 255, 0}, -1)
	gocv.GaussianBlur(field, &field, image.Pt(0, 0), 1.2, 1.2, gocv.BorderDefault)
	assert.Equal(t, 100.0, measure(t, field).Glare, "a blank field, a little out of focus")
}

func TestGlareThatMovesIsToldFromWhitePaper(t *testing.T) {
	frames := make([]gocv.Mat, 3)
	for i := range frames {
		frames[i] = page(255) // clipped everywhere but in the print: no single frame can tell
		defer frames[i].Close()
	}
	r, err := quality.GlareAcross(frames)
	require.NoError(t, err)
	for _, one := range r {
		assert.Equal(t, 100.0, one.Score)
		assert.Empty(t, one.At)
	}
	for i := range frames {
		shine(frames[i], 200+130*float64(i), 200, 50)
	}
	r, err = quality.GlareAcross(frames)
	require.NoError(t, err)
	require.Len(t, r, 3)
	for i, one := range r {
		assert.Less(t, one.Score, quality.Glaring, "frame %d", i)
		require.NotEmpty(t, one.At, "frame %d", i)
	}

	grey := gocv.NewMatWithSize(60, 60, gocv.MatTypeCV8UC1)
	defer grey.Close()
	for name, bad := range map[string][]gocv.Mat{
		"none": nil, "one": frames[:1], "an empty one": {frames[0], {}}, "a grey one": {frames[0], grey},
		"too many": {frames[0], frames[0], frames[0], frames[0], frames[0], frames[0], frames[0], frames[0], frames[0]},
	} {
		_, err := quality.GlareAcross(bad)
		assert.ErrorIs(t, err, models.ErrFrame, name)
	}
}

// onTable is a page on a dark table and where it lies.
func onTable(t *testing.T) (gocv.Mat, models.Quad) {
	t.Helper()
	m := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(45, 42, 40, 0), 900, 1200, gocv.MatTypeCV8UC3)
	p := page(210)
	defer p.Close()
	part := m.Region(image.Rect(200, 150, 1000, 750))
	defer part.Close()
	p.CopyTo(&part)
	x, y := 1/1200.0, 1/900.0
	return m, models.Quad{{X: 200 * x, Y: 150 * y}, {X: 1000 * x, Y: 150 * y}, {X: 1000 * x, Y: 750 * y}, {X: 200 * x, Y: 750 * y}}
}

func TestAFingerOverTheBorderIsSeenWhereItIs(t *testing.T) {
	m, q := onTable(t)
	defer m.Close()
	p, err := quality.Place(m, q, 8)
	require.NoError(t, err)
	assert.True(t, p.Known)
	assert.Equal(t, [4]float64{100, 100, 100, 100}, [4]float64{p.Inside, p.Flat, p.Resolution, p.Uncovered})
	for name, skin := range map[string]color.RGBA{"light": {225, 185, 165, 0}, "brown": {140, 92, 64, 0}, "dark": {100, 64, 45, 0}} {
		hand := m.Clone()
		gocv.Circle(&hand, image.Pt(960, 450), 45, skin, -1)
		gocv.Rectangle(&hand, image.Rect(960, 405, 1200, 495), skin, -1)
		p, err := quality.Place(hand, q, 0)
		hand.Close()
		require.NoError(t, err)
		assert.Less(t, p.Uncovered, quality.Obstructed, name)
		assert.Zero(t, p.Resolution, "not known")
		require.Len(t, p.CoveredAt, 1, name)
		b := p.CoveredAt[0]
		assert.InDelta(t, 957.0/1200, (b.X1+b.X2)/2, .02, name)
		assert.InDelta(t, .5, (b.Y1+b.Y2)/2, .02, name)
	}
	face := m.Clone() // inside, not over the border
	defer face.Close()
	gocv.Circle(&face, image.Pt(350, 450), 80, color.RGBA{225, 185, 165, 0}, -1)
	p, err = quality.Place(face, q, 0)
	require.NoError(t, err)
	assert.Equal(t, 100.0, p.Uncovered, "a portrait is no finger")
}

func TestPlacement(t *testing.T) {
	m, q := onTable(t)
	defer m.Close()
	for name, c := range map[string]struct {
		change func(*models.Quad)
		is     func(models.Placement) bool
	}{
		"at the border":          {func(q *models.Quad) { q[0].X = .005 }, func(p models.Placement) bool { return p.Inside < quality.Placed }},
		"outside":                {func(q *models.Quad) { q[2].Y = 1.2 }, func(p models.Placement) bool { return p.Inside == 0 }},
		"from the side":          {func(q *models.Quad) { q[0].X += .15; q[1].X -= .15 }, func(p models.Placement) bool { return p.Flat < quality.Placed }},
		"turned about":           {func(q *models.Quad) { q[0], q[1], q[2], q[3] = q[2], q[3], q[0], q[1] }, func(p models.Placement) bool { return p.Flat == 100 && p.Inside == 100 }},
		"mirrored":               {func(q *models.Quad) { q[0], q[2] = q[2], q[0] }, func(p models.Placement) bool { return p.Flat == 100 && p.Uncovered == 100 }},
		"all corners in a place": {func(q *models.Quad) { q[1], q[2], q[3] = q[0], q[0], q[0] }, func(p models.Placement) bool { return p.Known && p.Flat == 0 }},
		"not a number":           {func(q *models.Quad) { q[1].X = math.NaN() }, func(p models.Placement) bool { return !p.Known }},
		"beyond all bounds":      {func(q *models.Quad) { q[1].X = 1e300 }, func(p models.Placement) bool { return !p.Known }},
	} {
		shape := q
		c.change(&shape)
		p, err := quality.Place(m, shape, 3)
		require.NoError(t, err, name)
		assert.True(t, c.is(p), "%s: %+v", name, p)
		if p.Known {
			assert.Less(t, p.Resolution, quality.Placed, name)
		}
	}
}

func TestJudgeNamesWhatIsWrongInTheContractsWords(t *testing.T) {
	good := models.Quality{Sharpness: 90, Glare: 100, Exposure: 90, Colour: 80, Luma: 120, Placement: models.Placement{
		Known: true, Inside: 100, Flat: 100, PixelsPerMM: 9, Resolution: 100, Uncovered: 100,
	}}
	for _, m := range quality.Judge(good) {
		assert.Equal(t, models.HintNone, m.Hint, m.Name)
		assert.NotEmpty(t, m.Code, m.Name)
	}
	for name, c := range map[string]struct {
		spoil func(*models.Quality)
		hint  models.HintCode
		code  string
	}{
		"sharpness":  {func(q *models.Quality) { q.Sharpness = 20 }, models.HintBlur, "image_too_blurry"},
		"glare":      {func(q *models.Quality) { q.Glare = 50 }, models.HintGlare, "glare_detected"},
		"colour":     {func(q *models.Quality) { q.Colour = 0 }, models.HintCopy, "black_white_document"},
		"exposure":   {func(q *models.Quality) { q.Exposure, q.Luma = 5, 240 }, models.HintBright, "invalid_id_image"},
		"resolution": {func(q *models.Quality) { q.Placement.Resolution = 30 }, models.HintTooFar, "image_too_blurry"},
		"inside":     {func(q *models.Quality) { q.Placement.Inside = 0 }, models.HintCutOff, "physical_document_missing"},
		"flat":       {func(q *models.Quality) { q.Placement.Flat = 10 }, models.HintAngle, "physical_document_missing"},
		"uncovered":  {func(q *models.Quality) { q.Placement.Uncovered = 40 }, models.HintFinger, "physical_document_missing"},
	} {
		q := good
		c.spoil(&q)
		for _, m := range quality.Judge(q) {
			if m.Name == name {
				assert.Equal(t, c.hint, m.Hint, name)
				assert.Equal(t, c.code, m.Code, name)
				continue
			}
			assert.Equal(t, models.HintNone, m.Hint, "%s while %s is spoilt", m.Name, name)
		}
	}
	assert.Len(t, quality.Judge(models.Quality{}), 4, "without an outline nothing is said about it")
}

func TestAMeasurerSaysTheSameHoweverOftenItIsUsed(t *testing.T) {
	large, q := onTable(t)
	small := page(200)
	defer large.Close()
	defer small.Close()
	shine(small, 300, 300, 60)
	part := large.Region(image.Rect(150, 100, 950, 700)) // its rows do not follow each other
	defer part.Close()
	var m quality.Measurer
	for range 2 {
		for _, p := range []gocv.Mat{large, small, part} {
			got, err := m.Measure(p)
			require.NoError(t, err)
			assert.Equal(t, measure(t, p), got)
			live, err := m.Live(p)
			require.NoError(t, err)
			once, err := quality.Live(p)
			require.NoError(t, err)
			assert.Equal(t, once, live)
			place, err := m.Place(p, q, 8)
			require.NoError(t, err)
			alone, err := quality.Place(p, q, 8)
			require.NoError(t, err)
			assert.Equal(t, alone, place)
		}
		m.Close() // and it may be used again
	}
	whole := part.Clone()
	defer whole.Close()
	assert.Equal(t, measure(t, whole), measure(t, part), "a part is measured as its copy is")
}

func FuzzNothingIsMeasuredOutOfItsRange(f *testing.F) {
	for _, s := range [][2]uint16{{1, 1}, {1, 8192}, {8192, 1}, {2, 63}, {64, 64}, {65, 66}, {8192, 32}, {33, 700}, {481, 480}} {
		f.Add(s[0], s[1], uint64(7), 0.0, 1.0)
	}
	f.Add(uint16(200), uint16(150), uint64(3), -.2, .7)
	f.Fuzz(func(t *testing.T, w, h uint16, seed uint64, lo, hi float64) {
		if w == 0 || h == 0 || int(w) > 8192 || int(h) > 8192 || int(w)*int(h) > 1<<19 {
			return
		}
		r := rand.New(rand.NewPCG(seed, 1))
		m := gocv.NewMatWithSize(int(h), int(w), gocv.MatTypeCV8UC3)
		defer m.Close()
		pix, err := m.DataPtrUint8()
		require.NoError(t, err)
		for i := range pix {
			if pix[i] = 255; seed%3 > 0 {
				pix[i] = uint8(r.Uint32())
			}
		}
		shape := models.Quad{{X: lo, Y: lo}, {X: hi, Y: lo}, {X: hi, Y: hi}, {X: lo, Y: hi}}
		var measurer quality.Measurer
		defer measurer.Close()
		whole, err := measurer.Measure(m)
		require.NoError(t, err)
		live, err := measurer.Live(m)
		require.NoError(t, err)
		place, err := measurer.Place(m, shape, hi)
		require.NoError(t, err)
		whole.Placement = place
		for _, q := range []models.Quality{whole, live} {
			for _, one := range quality.Judge(q) {
				assert.True(t, one.Score >= 0 && one.Score <= 100, "%s: %v", one.Name, one.Score)
				for _, b := range one.At {
					assert.True(t, b.X1 >= 0 && b.Y1 >= 0 && b.X2 <= 1 && b.Y2 <= 1 && b.X1 < b.X2 && b.Y1 < b.Y2, "%s: %+v", one.Name, b)
				}
			}
		}
		_, err = quality.GlareAcross([]gocv.Mat{m, m})
		require.NoError(t, err)
	})
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
	var measurer quality.Measurer
	defer measurer.Close()
	b.ReportAllocs()
	small := page(200)
	defer small.Close()
	m := gocv.NewMat()
	defer m.Close()
	gocv.Resize(small, &m, image.Pt(1280, 720), 0, 0, gocv.InterpolationCubic)
	for b.Loop() {
		if _, err := measurer.Live(m); err != nil {
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
