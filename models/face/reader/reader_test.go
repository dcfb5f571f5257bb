package reader

import (
	"image"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"

	"vestibule/models"
	"vestibule/models/face"
	"vestibule/models/manifest"
	"vestibule/models/picture"
)

// shared is opened once for the package: loading six networks takes a while.
var shared = sync.OnceValues(func() (*Reader, error) { return Open(manifest.Dir()) })

func reader(t testing.TB) *Reader {
	t.Helper()
	r, err := shared()
	require.NoError(t, err)
	return r
}

// Faces in the demonstration's pictures, in pixels of the source.
var (
	woman      = place{"portraits/sample3.jpg", image.Rect(1076, 192, 1295, 506), 6}
	womanAgain = place{"portraits/sample1.jpg", image.Rect(1469, 212, 1674, 428), 40} // another day, head tilted
	man        = place{"portraits/sample5.jpg", image.Rect(372, 888, 551, 1166), 0}
	other      = place{"portraits/sample5.jpg", image.Rect(1115, 208, 1277, 425), 0}
)

type place struct {
	file string
	box  image.Rectangle
	turn float64 // degrees, so that the head is upright
}

// selfie puts a face into a 1280 × 720 frame, as high as the given part of it.
func selfie(t testing.TB, p place, part float64) gocv.Mat {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(manifest.Dir(), p.file))
	require.NoError(t, err, "%s", manifest.Hint)
	m, err := picture.Decode(models.Frame{Format: models.JPEG, Pix: b})
	require.NoError(t, err)
	defer m.Close()
	c := p.box.Min.Add(p.box.Max).Div(2)
	rot := gocv.GetRotationMatrix2D(c, p.turn, 1)
	defer rot.Close()
	upright := gocv.NewMat()
	defer upright.Close()
	gocv.WarpAffine(m, &upright, rot, image.Pt(m.Cols(), m.Rows()))
	h := float64(p.box.Dy())
	cut := image.Rect(c.X-int(1.2*h), c.Y-int(1.1*h), c.X+int(1.2*h), c.Y+int(1.35*h)).Intersect(image.Rect(0, 0, m.Cols(), m.Rows()))
	small, err := picture.Crop(upright, cut)
	require.NoError(t, err)
	defer small.Close()
	s := part * 720 / h
	scaled, err := picture.Resize(small, int(float64(cut.Dx())*s), int(float64(cut.Dy())*s))
	require.NoError(t, err)
	defer scaled.Close()
	out := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(170, 175, 180, 0), 720, 1280, gocv.MatTypeCV8UC3)
	at := image.Pt(640-int(float64(c.X-cut.Min.X)*s), 340-int(float64(c.Y-cut.Min.Y)*s))
	to := image.Rectangle{Min: at, Max: at.Add(image.Pt(scaled.Cols(), scaled.Rows()))}.Intersect(image.Rect(0, 0, 1280, 720))
	src, dst := scaled.Region(to.Sub(at)), out.Region(to)
	defer src.Close()
	defer dst.Close()
	src.CopyTo(&dst)
	return out
}

func read(t testing.TB, p place) models.Face {
	t.Helper()
	m := selfie(t, p, 0.4)
	defer m.Close()
	f, err := reader(t).Read(m)
	require.NoError(t, err)
	require.True(t, f.Found)
	return f
}

func TestAGoodSelfieHasNoHintAndIsMeasuredWhole(t *testing.T) {
	f := read(t, womanAgain)
	require.Equal(t, models.HintNone, f.Hint)
	require.Equal(t, 1, f.Faces)
	require.Equal(t, [2]int{1280, 720}, [2]int{f.Width, f.Height})
	require.InDelta(t, 0.5, (f.Box.X1+f.Box.X2)/2, 0.05)
	require.InDelta(t, 0.4, f.Box.Y2-f.Box.Y1, 0.1)
	require.Greater(t, f.Score, 0.9)
	require.Greater(t, f.Eyes, 80.0)
	require.Greater(t, f.Live, 0.8)
	require.Greater(t, f.EyesOpen, 0.8)
	require.Greater(t, f.Quality, 70.0)
	require.Len(t, f.Template, 512)
	require.InDelta(t, 1, face.Cosine(f.Template, f.Template), 1e-6)
	require.NotEmpty(t, f.Model)
	five := face.FivePoints(f.Points)
	require.Less(t, five[0].X, five[1].X)
	require.Less(t, five[1].Y, five[2].Y)
	require.Less(t, five[2].Y, five[3].Y)
}

func TestTheSamePersonOnAnotherDayMatchesAndOthersDoNot(t *testing.T) {
	a, b, c, d := read(t, woman), read(t, womanAgain), read(t, man), read(t, other)
	require.Greater(t, face.Cosine(a.Template, b.Template), face.Duplicate)
	for _, x := range []models.Face{a, b} {
		for _, y := range []models.Face{c, d} {
			require.Less(t, face.Cosine(x.Template, y.Template), face.Match)
		}
	}
}

func TestAFaceThatFillsThePictureIsFoundWithABorder(t *testing.T) {
	m := selfie(t, man, 1.0)
	defer m.Close()
	tight, err := picture.Crop(m, image.Rect(420, 0, 860, 720))
	require.NoError(t, err)
	defer tight.Close()
	f, err := reader(t).Portrait(tight)
	require.NoError(t, err)
	require.True(t, f.Found)
	require.Equal(t, models.HintNone, f.Hint)
	require.Greater(t, face.Cosine(f.Template, read(t, man).Template), face.Duplicate)
}

func TestAPortraitWithTooFewPixelsIsSaidToBeSo(t *testing.T) {
	m := selfie(t, man, 0.5)
	defer m.Close()
	small, err := picture.Resize(m, 1280/8, 720/8)
	require.NoError(t, err)
	defer small.Close()
	f, err := reader(t).Portrait(small)
	require.NoError(t, err)
	require.True(t, f.Found)
	require.Less(t, f.Eyes, float64(face.MinPortraitEyes))
	require.Equal(t, models.HintEyesClose, f.Hint)
}

func TestEachFlawOfAFrameGivesItsHint(t *testing.T) {
	tone := func(gain, add float32) func(gocv.Mat) gocv.Mat {
		return func(m gocv.Mat) gocv.Mat {
			out := gocv.NewMat()
			m.ConvertToWithParams(&out, gocv.MatTypeCV8UC3, gain, add)
			return out
		}
	}
	for _, c := range []struct {
		what string
		part float64
		do   func(gocv.Mat) gocv.Mat
		want models.HintCode
	}{
		{"too far", 0.15, nil, models.HintFaceSmall},
		{"blurred", 0.4, func(m gocv.Mat) gocv.Mat {
			out := gocv.NewMat()
			gocv.GaussianBlur(m, &out, image.Pt(0, 0), 9, 9, gocv.BorderDefault)
			return out
		}, models.HintBlur},
		{"dark", 0.4, tone(0.3, 0), models.HintDark},
		{"glaring", 0.4, tone(0.9, 110), models.HintBright},
		{"at the border", 0.4, func(m gocv.Mat) gocv.Mat {
			out, err := picture.Crop(m, image.Rect(530, 0, 1280, 720))
			require.NoError(t, err)
			return out
		}, models.HintFaceBorder},
		{"tilted", 0.4, func(m gocv.Mat) gocv.Mat {
			rot := gocv.GetRotationMatrix2D(image.Pt(640, 340), 30, 1)
			defer rot.Close()
			out := gocv.NewMat()
			gocv.WarpAffine(m, &out, rot, image.Pt(1280, 720))
			return out
		}, models.HintFaceTurned},
	} {
		t.Run(c.what, func(t *testing.T) {
			m := selfie(t, womanAgain, c.part)
			if c.do != nil {
				n := c.do(m)
				m.Close()
				m = n
			}
			defer m.Close()
			f, err := reader(t).Read(m)
			require.NoError(t, err)
			require.Equal(t, c.want, f.Hint, "%+v", f.Box)
			require.Less(t, f.Quality, 50.0)
		})
	}
}

func TestTwoPeopleAreNoticed(t *testing.T) {
	a, b := selfie(t, man, 0.4), selfie(t, other, 0.4)
	defer a.Close()
	defer b.Close()
	left, right := b.Region(image.Rect(400, 0, 880, 720)), a.Region(image.Rect(800, 0, 1280, 720))
	left.CopyTo(&right)
	left.Close()
	right.Close()
	f, err := reader(t).Read(a)
	require.NoError(t, err)
	require.Equal(t, 2, f.Faces)
	require.Equal(t, models.HintSeveralFaces, f.Hint)
	g, err := reader(t).Glance(a)
	require.NoError(t, err)
	require.Equal(t, models.HintSeveralFaces, g.Hint)
	all, err := reader(t).Find(a)
	require.NoError(t, err)
	require.Len(t, all, 2)
	second, err := reader(t).At(a, all[1])
	require.NoError(t, err)
	require.NotEqual(t, f.Box, second.Box)
}

func TestAnEmptyFrameHasNoFace(t *testing.T) {
	for luma, want := range map[float64]models.HintCode{0: models.HintDark, 120: models.HintNoFace, 255: models.HintBright} {
		m := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(luma, luma, luma, 0), 720, 1280, gocv.MatTypeCV8UC3)
		f, err := reader(t).Read(m)
		require.NoError(t, err)
		require.False(t, f.Found)
		require.Equal(t, want, f.Hint)
		g, err := reader(t).Glance(m)
		require.NoError(t, err)
		require.Equal(t, want, g.Hint)
		require.Nil(t, g.Face)
		require.NoError(t, m.Close())
	}
	_, err := reader(t).Read(gocv.Mat{})
	require.ErrorIs(t, err, models.ErrFrame)
	_, err = reader(t).At(gocv.Mat{}, Detection{})
	require.ErrorIs(t, err, models.ErrFrame)
}

func TestAMirroredFrameMirrorsThePose(t *testing.T) {
	m := selfie(t, man, 0.4)
	defer m.Close()
	n := gocv.NewMat()
	defer n.Close()
	gocv.Flip(m, &n, 1)
	a, err := reader(t).Read(m)
	require.NoError(t, err)
	b, err := reader(t).Read(n)
	require.NoError(t, err)
	require.Less(t, a.Yaw, -10.0, "the picture's man looks towards image right")
	require.InDelta(t, a.Yaw, -b.Yaw, 8)
	require.InDelta(t, a.Roll, -b.Roll, 8)
	require.Positive(t, face.NoseOffset(a))
	require.Negative(t, face.NoseOffset(b))
	require.Greater(t, face.Cosine(a.Template, b.Template), 0.9, "templates add the mirror image")
}

func TestAFaceReachingBeyondThePictureIsMeasuredOrRefusedNeverACrash(t *testing.T) {
	m := selfie(t, man, 0.4)
	defer m.Close()
	for _, b := range []models.Box{
		{X1: -0.5, Y1: -0.5, X2: 0.1, Y2: 0.1},
		{X1: 0.9, Y1: 0.9, X2: 1.6, Y2: 1.8},
		{X1: 3, Y1: 3, X2: 4, Y2: 4},
		{X1: -9, Y1: -9, X2: 9, Y2: 9},
		{X1: 0.5, Y1: 0.5, X2: 0.5001, Y2: 0.5001},
		{X1: math.NaN(), Y1: 0, X2: 1, Y2: 1},
	} {
		f, err := reader(t).At(m, Detection{Box: b, Score: 1})
		if err != nil {
			require.ErrorIs(t, err, models.ErrFrame, "%v", b)
			continue
		}
		require.Len(t, f.Template, 512, "%v", b)
	}
}

func TestManyGoroutinesGetTheSameAnswer(t *testing.T) {
	want := read(t, man)
	m := selfie(t, man, 0.4)
	defer m.Close()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			f, err := reader(t).Read(m)
			require.NoError(t, err)
			require.Equal(t, want, f)
		})
	}
	wg.Wait()
}

func TestAMissingModelsDirectoryIsSaidWithAHint(t *testing.T) {
	_, err := Open(t.TempDir())
	require.ErrorIs(t, err, models.ErrModel)
	require.ErrorContains(t, err, manifest.Hint)
}

func TestTheSimilarityTransformIsExactForATurnedScaledShiftedCopy(t *testing.T) {
	var from [5]models.Point
	sin, cos := math.Sincos(0.4)
	for i, p := range aligned {
		from[i] = models.Point{X: 2.5*(cos*p.X-sin*p.Y) + 100, Y: 2.5*(sin*p.X+cos*p.Y) - 30}
	}
	a, b, c, d, ok := similarity(from, aligned)
	require.True(t, ok)
	for i, p := range from {
		require.InDelta(t, aligned[i].X, a*p.X-b*p.Y+c, 1e-9)
		require.InDelta(t, aligned[i].Y, b*p.X+a*p.Y+d, 1e-9)
	}
	_, _, _, _, ok = similarity([5]models.Point{}, aligned)
	require.False(t, ok)
}

// cover paints over the mouth or the eyes of the one face in m.
func cover(t testing.TB, m *gocv.Mat, eyes bool, c color.RGBA) {
	t.Helper()
	f, err := reader(t).Read(*m)
	require.NoError(t, err)
	at := func(p models.Point) image.Point {
		return image.Pt(int(p.X*float64(m.Cols())), int(p.Y*float64(m.Rows())))
	}
	if eyes {
		five := face.FivePoints(f.Points)
		for _, eye := range five[:2] {
			gocv.Ellipse(m, at(eye), image.Pt(int(.42*f.Eyes), int(.32*f.Eyes)), 0, 0, 360, c, -1)
		}
		return
	}
	var lower []image.Point
	for _, p := range f.Points[2:15] {
		lower = append(lower, at(p))
	}
	polygon := gocv.NewPointsVectorFromPoints([][]image.Point{append(lower, at(f.Points[29]))})
	defer polygon.Close()
	gocv.FillPoly(m, polygon, c)
}

func TestACoveredFaceIsSaidToBeSo(t *testing.T) {
	blue, skin, black := color.RGBA{R: 130, G: 175, B: 205, A: 255}, color.RGBA{R: 200, G: 160, B: 140, A: 255}, color.RGBA{A: 255}
	for _, c := range []struct {
		what   string
		eyes   bool
		colour color.RGBA
		want   models.HintCode
	}{
		{"a mask", false, blue, models.HintFaceCovered},
		{"something in the colour of skin", false, skin, models.HintFaceCovered},
		{"dark glasses", true, black, models.HintFaceCovered},
		{"nothing", false, color.RGBA{}, models.HintNone},
	} {
		t.Run(c.what, func(t *testing.T) {
			m := selfie(t, womanAgain, 0.4)
			defer m.Close()
			if c.want != models.HintNone {
				cover(t, &m, c.eyes, c.colour)
			}
			f, err := reader(t).Read(m)
			require.NoError(t, err)
			require.Equal(t, c.want, f.Hint, "%+v", *f.Detail)
			require.Equal(t, c.want == models.HintNone, f.Quality >= 50)
		})
	}
}

func TestDetailFollowsTheLight(t *testing.T) {
	m := selfie(t, womanAgain, 0.4)
	defer m.Close()
	detail := func(change func(x int, v float64) float64) models.Detail {
		out := m.Clone()
		defer out.Close()
		pix, err := out.DataPtrUint8()
		require.NoError(t, err)
		for i := range pix {
			pix[i] = byte(math.Max(0, math.Min(255, change(i/3%1280, float64(pix[i])))))
		}
		f, err := reader(t).Read(out)
		require.NoError(t, err)
		require.NotNil(t, f.Detail, "no face in light %v", change(0, 100))
		return *f.Detail
	}
	plain := detail(func(_ int, v float64) float64 { return v })
	side := detail(func(x int, v float64) float64 { return v * (0.2 + 1.6*math.Max(0, math.Min(1, float64(x-500)/280))) })
	burnt := detail(func(_ int, v float64) float64 { return v * 2.2 })
	flat := detail(func(_ int, v float64) float64 { return 90 + v/4 })
	dark := detail(func(_ int, v float64) float64 { return v * 0.25 })
	require.Less(t, side.Uniformity, plain.Uniformity-0.2)
	require.Greater(t, burnt.Over, plain.Over+0.2)
	require.Less(t, flat.Range, plain.Range-1)
	require.Greater(t, dark.Under, plain.Under+0.1)
	require.InDelta(t, plain.EyesToChin, 200, 80)
	require.Less(t, plain.Mouth, 0.2)
}

func TestNoiseIsNotTakenForSharpness(t *testing.T) {
	m := selfie(t, womanAgain, 0.6)
	defer m.Close()
	gocv.GaussianBlur(m, &m, image.Pt(0, 0), 9, 9, gocv.BorderDefault)
	noise := uint32(1)
	pix, err := m.DataPtrUint8()
	require.NoError(t, err)
	for i := range pix {
		noise = noise*1664525 + 1013904223
		pix[i] = byte(math.Max(0, math.Min(255, float64(pix[i])+float64(noise>>24)/16-8)))
	}
	f, err := reader(t).Read(m)
	require.NoError(t, err)
	require.True(t, f.Found)
	require.Greater(t, f.Eyes, 120.0)
	require.Equal(t, models.HintBlur, f.Hint, "sharpness %.0f", f.Sharpness)
}

func TestTheAgeLiesWithinItsEnds(t *testing.T) {
	for _, p := range []place{woman, womanAgain, man} {
		m := selfie(t, p, 0.4)
		a, err := reader(t).Age(m)
		require.NoError(t, m.Close())
		require.NoError(t, err)
		require.NotNil(t, a)
		require.True(t, 15 < a.Low && a.Low < a.Median && a.Median < a.High && a.High < 75, "%+v: an adult, not an old one", a)
	}
	empty := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(90, 90, 90, 0), 720, 1280, gocv.MatTypeCV8UC3)
	defer empty.Close()
	a, err := reader(t).Age(empty)
	require.NoError(t, err)
	require.Nil(t, a)
	_, err = reader(t).Age(gocv.Mat{})
	require.ErrorIs(t, err, models.ErrFrame)
}

func TestAQuantileLiesWhereTheShareDoes(t *testing.T) {
	even := make([]float32, 100)
	for i := range even {
		even[i] = 0.01
	}
	require.InDelta(t, 10, quantile(even, 0.1), 1e-4)
	require.InDelta(t, 50, quantile(even, 0.5), 1e-4)
	one := make([]float32, 100)
	one[30] = 1
	require.InDelta(t, 30.5, quantile(one, 0.5), 1e-9)
	require.Equal(t, 100.0, quantile(make([]float32, 100), 0.5), "a network that says nothing")
	require.True(t, math.IsNaN(quantile([]float32{float32(math.NaN())}, 0.5)))
}

// Without the network for the age everything else works; an altered one is refused.
func TestTheAgesNetworkMayBeMissingButNotAltered(t *testing.T) {
	m, err := manifest.Load()
	require.NoError(t, err)
	dir := t.TempDir()
	for _, a := range m.In(manifest.Models) {
		from, err := filepath.Abs(filepath.Join(manifest.Dir(), a.File))
		require.NoError(t, err)
		require.NoError(t, os.Symlink(from, filepath.Join(dir, a.File)))
	}
	r, err := Open(dir)
	require.NoError(t, err)
	require.NotContains(t, r.Versions(), netAge)
	p := selfie(t, man, 0.4)
	defer p.Close()
	a, err := r.Age(p)
	require.NoError(t, err)
	require.Nil(t, a)
	require.NoError(t, r.Close())
	require.NoError(t, os.WriteFile(filepath.Join(dir, "faceres_age.onnx"), []byte("another"), 0o600))
	_, err = Open(dir)
	require.ErrorIs(t, err, models.ErrModel)
	require.ErrorContains(t, err, "altered")
}

func TestAReaderThatIsClosedWhileItReadsKeepsNothing(t *testing.T) {
	r, err := Open(manifest.Dir())
	require.NoError(t, err)
	s := r.pool.take()
	require.NoError(t, r.Close())
	r.pool.give(s)
	require.Empty(t, r.pool.free)
	m := selfie(t, man, 0.4)
	defer m.Close()
	_, err = r.Read(m)
	require.ErrorIs(t, err, models.ErrModel)
}

// BenchmarkReadFace720p is what one frame of a selfie costs: decoded BGR in, all findings out.
func BenchmarkReadFace720p(b *testing.B) {
	r := reader(b)
	m := selfie(b, womanAgain, 0.4)
	defer m.Close()
	took := make([]time.Duration, 0, 1<<16)
	b.ReportAllocs()
	used := cpu(b)
	for b.Loop() {
		start := time.Now()
		if _, err := r.Read(m); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start))
	}
	b.ReportMetric((cpu(b)-used)/float64(len(took)), "cpu-ms") // steadier than the clock on a shared machine
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2])/1e6, "p50-ms")
	b.ReportMetric(float64(took[len(took)*95/100])/1e6, "p95-ms")
}

// cpu is the processor time of the process in milliseconds.
func cpu(b *testing.B) float64 {
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e6
}

func BenchmarkFace(b *testing.B) {
	r := reader(b)
	m := selfie(b, womanAgain, 0.4)
	defer m.Close()
	jpeg, err := picture.EncodeJPEG(m, 90)
	require.NoError(b, err)
	found, err := r.Find(m)
	require.NoError(b, err)
	f, err := r.Read(m)
	require.NoError(b, err)
	s := r.pool.take()
	defer r.pool.give(s)
	for _, c := range []struct {
		name string
		do   func() error
	}{
		{"decode-720p-jpeg", func() error {
			m, err := picture.Decode(models.Frame{Format: models.JPEG, Pix: jpeg})
			m.Close()
			return err
		}},
		{"detect-720p", func() error { _, err := r.Find(m); return err }},
		{"template", func() error {
			if err := s.align(m, face.FivePoints(f.Points)); err != nil {
				return err
			}
			_, err = r.template(s)
			return err
		}},
		{"liveness", func() error { _, _, err := r.liveness(&s.lanes[0], m, found[0].Box); return err }},
		{"pose", func() error { _, _, _, err := r.pose(&s.lanes[0], m, found[0].Box); return err }},
		{"age", func() error { _, err := r.Age(m); return err }},
		{"read-720p", func() error { _, err := r.Read(m); return err }},
		{"glance-720p", func() error { _, err := r.Glance(m); return err }},
		{"glance-720p-with-decode", func() error {
			m, err := picture.Decode(models.Frame{Format: models.JPEG, Pix: jpeg})
			if err != nil {
				return err
			}
			defer m.Close()
			_, err = r.Glance(m)
			return err
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				if err := c.do(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestWithoutONNXRuntimeAFaceIsMeasuredByOpenCVAsWell(t *testing.T) {
	m, err := manifest.Load()
	require.NoError(t, err)
	dir := t.TempDir()
	for _, a := range m.In(manifest.Models, manifest.Extra) {
		from, err := filepath.Abs(filepath.Join(manifest.Dir(), a.File))
		require.NoError(t, err)
		if a.Kind == manifest.Network {
			require.NoError(t, os.Symlink(from, filepath.Join(dir, a.File)))
		}
	}
	// Altered: never loaded.
	require.NoError(t, os.WriteFile(filepath.Join(dir, "libonnxruntime.so.1"), []byte("another"), 0o600))
	r, err := Open(dir)
	require.NoError(t, err)
	defer r.Close()
	require.Equal(t, map[string]string{
		netDetect: "opencv", netLandmark: "opencv", netFeature: "opencv", netLiveness: "opencv", netPose: "opencv", netEye: "opencv",
	}, r.Engines())
	p := selfie(t, woman, .45)
	defer p.Close()
	want, err := reader(t).Read(p)
	require.NoError(t, err)
	got, err := r.Read(p)
	require.NoError(t, err)
	require.True(t, want.Found)
	require.Equal(t, want.Hint, got.Hint)
	require.Equal(t, want.Model, got.Model, "templates of both engines compare")
	require.InDelta(t, want.Live, got.Live, 1e-3)
	dot := 0.0
	for i, v := range want.Template {
		dot += float64(v) * float64(got.Template[i])
	}
	require.Greater(t, dot, .9999)
}
