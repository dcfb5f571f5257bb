package capture

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/hardware/camera"
	"vestibule/models"
)

func TestAHintStaysLongEnoughToBeRead(t *testing.T) {
	begin := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	h := hinter{hold: 1500 * time.Millisecond}
	for _, step := range []struct {
		after time.Duration
		found models.HintCode
		shown models.HintCode
	}{
		{0, models.HintNone, models.HintNone},
		{100, models.HintBlur, models.HintBlur},  // at once
		{200, models.HintGlare, models.HintBlur}, // stays
		{1500, models.HintNone, models.HintBlur}, // also when all is well
		{1601, models.HintNone, models.HintNone}, // its time is over
		{1700, models.HintGlare, models.HintGlare},
		{3199, models.HintBlur, models.HintGlare},
		{3200, models.HintBlur, models.HintBlur},
	} {
		assert.Equal(t, step.shown, h.update(begin.Add(step.after*time.Millisecond), step.found), "after %d ms", step.after)
	}
}

func lookOf(hint models.HintCode, sharp, x float64) look {
	return look{frame: models.Frame{Seq: uint64(sharp)}, glance: models.Glance{
		Width: 1280, Height: 720, Hint: hint, Quality: models.Quality{Sharpness: sharp},
		Outline: &models.Quad{{X: x, Y: .2}, {X: x + .5, Y: .2}, {X: x + .5, Y: .8}, {X: x, Y: .8}},
	}}
}

func TestThePictureIsTakenWhenTheDocumentIsHeldStill(t *testing.T) {
	feed := func(looks ...look) (s steady, taken int) {
		for i, l := range looks {
			if s.add(l) >= 1 {
				return s, i + 1
			}
		}
		return s, 0
	}
	good := func(n int) (out []look) {
		for range n {
			out = append(out, lookOf(models.HintNone, 80, .2))
		}
		return out
	}
	t.Run("five good looks take it", func(t *testing.T) {
		_, at := feed(good(9)...)
		assert.Equal(t, 5, at)
	})
	t.Run("one bad look among five is forgiven", func(t *testing.T) {
		_, at := feed(append([]look{lookOf(models.HintNone, 80, .2), lookOf(models.HintBlur, 80, .2)}, good(3)...)...)
		assert.Equal(t, 5, at)
	})
	t.Run("but not as the last", func(t *testing.T) {
		_, at := feed(append(good(4), lookOf(models.HintBlur, 80, .2))...)
		assert.Zero(t, at)
	})
	t.Run("a moving document is not taken", func(t *testing.T) {
		var looks []look
		for i := range 20 {
			looks = append(looks, lookOf(models.HintNone, 80, .1+.02*float64(i)))
		}
		_, at := feed(looks...)
		assert.Zero(t, at)
	})
	t.Run("nor one that was sharper a moment ago", func(t *testing.T) {
		_, at := feed(append([]look{lookOf(models.HintBlur, 100, .2)}, good(5)...)...)
		assert.Zero(t, at)
	})
	t.Run("the sharpest three are read, those without a hint first", func(t *testing.T) {
		s, _ := feed(lookOf(models.HintBlur, 99, .2), lookOf(models.HintNone, 70, .2), lookOf(models.HintNone, 90, .2), lookOf(models.HintNone, 80, .2))
		var got []uint64
		for _, f := range s.best(3) {
			got = append(got, f.Seq)
		}
		assert.Equal(t, []uint64{90, 80, 70}, got)
	})
	t.Run("there may be fewer than three", func(t *testing.T) {
		s, _ := feed(good(2)...)
		assert.Len(t, s.best(3), 2)
	})
}

func picture(tb testing.TB, w, h int) ([]byte, image.Image) {
	tb.Helper()
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.Set(x, y, color.RGBA{uint8(x * 255 / w), uint8(y * 255 / h), 128, 255})
		}
	}
	var b bytes.Buffer
	require.NoError(tb, jpeg.Encode(&b, img, &jpeg.Options{Quality: 90}))
	return b.Bytes(), img
}

// withoutTables strips the Huffman tables, as many webcams do.
func withoutTables(b []byte) []byte {
	out := append([]byte(nil), b[:2]...)
	for at := 2; ; {
		size := 2 + int(b[at+2])<<8 + int(b[at+3])
		if b[at+1] == 0xDA {
			return append(out, b[at:]...)
		}
		if b[at+1] != 0xC4 {
			out = append(out, b[at:at+size]...)
		}
		at += size
	}
}

func TestALivePictureOfMotionJPEGWithoutTables(t *testing.T) {
	whole, _ := picture(t, 320, 200)
	bare := withoutTables(whole)
	require.Less(t, len(bare), len(whole))
	_, err := jpeg.Decode(bytes.NewReader(bare))
	require.Error(t, err, "Go's decoder needs them")
	a, err := Picture(models.Frame{Format: models.JPEG, Pix: bare}, image.Pt(640, 480))
	require.NoError(t, err)
	b, err := Picture(models.Frame{Format: models.JPEG, Pix: whole}, image.Pt(640, 480))
	require.NoError(t, err)
	assert.Equal(t, b, a)
	assert.Equal(t, whole, WithTables(whole), "tables that are there stay")
}

func TestALivePictureFits(t *testing.T) {
	for name, c := range map[string]struct {
		w, h int
		want image.Point
	}{
		"a wide one":            {1280, 720, image.Pt(640, 360)},
		"an upright one":        {480, 800, image.Pt(288, 480)},
		"a small one, as it is": {160, 120, image.Pt(160, 120)},
	} {
		t.Run(name, func(t *testing.T) {
			b, img := picture(t, c.w, c.h)
			p, err := Picture(models.Frame{Format: models.JPEG, Pix: b}, image.Pt(640, 480))
			require.NoError(t, err)
			assert.Equal(t, c.want, p.Rect.Size())
			r, g, _, _ := img.At(c.w/2, c.h/2).RGBA()
			got := p.NRGBAAt(c.want.X/2, c.want.Y/2)
			assert.InDelta(t, r>>8, got.R, 8)
			assert.InDelta(t, g>>8, got.G, 8)
		})
	}
}

func TestALivePictureOfYUYV(t *testing.T) {
	const w, h = 640, 360
	pix := make([]byte, w*h*2)
	for i := 0; i < len(pix); i += 4 {
		y, cb, cr := color.RGBToYCbCr(200, 60, 20)
		pix[i], pix[i+1], pix[i+2], pix[i+3] = y, cb, y, cr
	}
	p, err := Picture(models.Frame{Format: models.YUYV, Width: w, Height: h, Pix: pix}, image.Pt(320, 240))
	require.NoError(t, err)
	assert.Equal(t, image.Pt(320, 180), p.Rect.Size())
	got := p.NRGBAAt(160, 90)
	assert.InDelta(t, 200, got.R, 4)
	assert.InDelta(t, 60, got.G, 4)
	assert.InDelta(t, 20, got.B, 4)
	_, err = Picture(models.Frame{Format: models.YUYV, Width: w, Height: h, Pix: pix[:len(pix)-1]}, image.Pt(320, 240))
	require.Error(t, err)
}

func FuzzPicture(f *testing.F) {
	whole, _ := picture(f, 32, 16)
	f.Add(whole, 32, 16, true)
	f.Add(withoutTables(whole), 32, 16, true)
	f.Add(whole[:len(whole)/2], 32, 16, true)
	f.Add(make([]byte, 64), 8, 4, false)
	f.Add(make([]byte, 6), 3, 1, false)
	f.Fuzz(func(t *testing.T, b []byte, w, h int, isJPEG bool) {
		m := models.Frame{Format: models.YUYV, Width: w, Height: h, Pix: b}
		if isJPEG {
			m.Format = models.JPEG
			if j, err := camera.ScanJPEG(b); err == nil && j.Width*j.Height > 1<<20 {
				t.Skip("large, and only slow")
			}
		}
		p, err := Picture(m, image.Pt(64, 48))
		if err == nil && (p.Rect.Dx() > 64 || p.Rect.Dy() > 48 || p.Rect.Empty()) {
			t.Fatalf("size %v", p.Rect)
		}
	})
}

// stuckCamera sits in Open for ever, as a driver in the kernel may.
type stuckCamera struct{ free chan struct{} }

func (stuckCamera) Name() string { return "stuck" }

func (c stuckCamera) Open(context.Context, camera.Mode) (camera.Stream, error) {
	<-c.free
	return nil, errors.New("too late")
}

func TestACameraThatSticksInOpenIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := stuckCamera{make(chan struct{})}
		began := time.Now()
		f := newFeed(c, Options{}.WithDefaults(), func(Report) {}, true)
		err := f.run(t.Context())
		var failed *Failure
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, "camera_stalled", failed.Code)
		assert.Less(t, time.Since(began), 30*time.Second)
		close(c.free)
	})
}

// previewing is an engine that makes live pictures as a test says.
type previewing struct {
	models.Engine
	f func(context.Context) (*image.NRGBA, error)
}

func (p previewing) Preview(ctx context.Context, _ models.Frame, _, _ int) (*image.NRGBA, error) {
	return p.f(ctx)
}

func TestTheLivePictureNeverFreezes(t *testing.T) {
	jpg, _ := picture(t, 64, 48)
	m := models.Frame{Format: models.JPEG, Pix: jpg}
	made := image.NewNRGBA(image.Rect(0, 0, 2, 2))
	for name, c := range map[string]struct {
		f    func(context.Context) (*image.NRGBA, error)
		want image.Point
		err  error
	}{
		"the engine's is taken":            {func(context.Context) (*image.NRGBA, error) { return made, nil }, image.Pt(2, 2), nil},
		"one left out is left out":         {func(context.Context) (*image.NRGBA, error) { return nil, nil }, image.Point{}, nil},
		"a dead worker's is made here":     {func(context.Context) (*image.NRGBA, error) { return nil, models.ErrWorker }, image.Pt(64, 48), nil},
		"so is that of one which hangs":    {func(ctx context.Context) (*image.NRGBA, error) { <-ctx.Done(); return nil, ctx.Err() }, image.Pt(64, 48), nil},
		"a bad frame is bad for everybody": {func(context.Context) (*image.NRGBA, error) { return nil, models.ErrFrame }, image.Point{}, models.ErrFrame},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				img, err := preview(t.Context(), previewing{f: c.f}, m, image.Pt(640, 480))
				require.ErrorIs(t, err, c.err)
				if c.want == (image.Point{}) {
					assert.Nil(t, img)
					return
				}
				assert.Equal(t, c.want, img.Rect.Size())
			})
		})
	}
}

func TestADocumentThatIsToBeTurnedOverIsNotTakenAsItLies(t *testing.T) {
	begin := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	lying, moved := lookOf(models.HintNone, 80, .2).glance, lookOf(models.HintNone, 80, .3).glance
	for name, c := range map[string]struct {
		looks []models.Glance
		after time.Duration // of the last look
		waits bool
	}{
		"it lies as it did":                     {[]models.Glance{lying, lying, lying}, 3 * time.Second, true},
		"it was moved":                          {[]models.Glance{lying, moved}, time.Second, false},
		"it was taken away":                     {[]models.Glance{lying, {}}, time.Second, false},
		"it was moved and lies still again":     {[]models.Glance{lying, moved, moved, moved}, time.Second, false},
		"it was turned before anybody looked":   {[]models.Glance{lying, lying}, turnLimit, false},
		"a look that is the first says nothing": {[]models.Glance{lying}, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := turning{until: begin.Add(turnLimit)}
			got := false
			for i, g := range c.looks {
				at := begin
				if i == len(c.looks)-1 {
					at = begin.Add(c.after)
				}
				got = w.wait(at, g)
			}
			assert.Equal(t, c.waits, got)
		})
	}
}

func BenchmarkPreviewInGo(b *testing.B) {
	for _, size := range []image.Point{{X: 1280, Y: 720}, {X: 1920, Y: 1080}} {
		b.Run(strconv.Itoa(size.Y)+"p", func(b *testing.B) {
			jpg, _ := picture(b, size.X, size.Y)
			m := models.Frame{Format: models.JPEG, Pix: jpg}
			for b.Loop() {
				if _, err := Picture(m, image.Pt(640, 480)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
