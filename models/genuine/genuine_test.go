package genuine_test

import (
	"context"
	"image"
	"image/color"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"

	"vestibule/models"
	"vestibule/models/document"
	"vestibule/models/genuine"
	"vestibule/models/genuine/stage"
)

// examiner finds outlines as the product does, which takes no network, and faces where told.
func examiner(faces document.FaceFinder) *genuine.Examiner {
	return genuine.New(new(document.Reader), faces)
}

func examine(tb testing.TB, e *genuine.Examiner, ms ...gocv.Mat) models.Genuineness {
	tb.Helper()
	g, err := e.Examine(context.Background(), ms)
	require.NoError(tb, err)
	return g
}

func cue(g models.Genuineness, name string) (models.Cue, bool) {
	for _, c := range g.Cues {
		if c.Name == name {
			return c, true
		}
	}
	return models.Cue{}, false
}

// drawn is a document drawn in code, as picture, closed with the test.
func drawn(tb testing.TB, seed uint64) gocv.Mat {
	m := stage.Drawn(1000, 704, seed)
	tb.Cleanup(func() { m.Close() })
	return m
}

func ptr[T any](v T) *T { return &v }

func filmed(tb testing.TB, m gocv.Mat, err error) gocv.Mat {
	tb.Helper()
	require.NoError(tb, err)
	tb.Cleanup(func() { m.Close() })
	return m
}

func TestADocumentItselfPassesOnEveryGroundWithGuillocheAndGlare(t *testing.T) {
	for name, ground := range map[string]stage.Ground{"black tray": stage.Tray, "desk": stage.Desk, "wood": stage.Wood, "white paper": stage.Paper} {
		for _, glare := range []bool{false, true} {
			m, err := stage.Genuine(drawn(t, 10), stage.Shot{Seed: 1, Ground: &ground, Glare: &glare})
			g := examine(t, examiner(nil), filmed(t, m, err))
			assert.GreaterOrEqual(t, g.ScreenReplay, 50.0, "%s, glare %v: %+v", name, glare, g.Cues)
			assert.GreaterOrEqual(t, g.PaperPrinted, 50.0, "%s, glare %v: %+v", name, glare, g.Cues)
			assert.Equal(t, 100.0, g.ReplacePortrait, "nobody looked for a portrait")
		}
	}
}

func TestADisplayIsSeenByItsStripesOrTheirMoire(t *testing.T) {
	for _, c := range []struct {
		name  string
		pitch float64
		cues  []string
	}{
		{"stripes that the camera resolves", 3.1, []string{genuine.CueGrid}},
		{"stripes that show as moiré", 1.12, []string{genuine.CueFringe, genuine.CueMoire}},
	} {
		m, err := stage.Screen(drawn(t, 3), stage.Shot{Seed: 5, Glare: ptr(false), Blur: .45}, stage.Display{Pitch: c.pitch})
		g := examine(t, examiner(nil), filmed(t, m, err))
		assert.Less(t, g.ScreenReplay, 50.0, "%s: %+v", c.name, g.Cues)
		seen := false
		for _, name := range c.cues {
			if found, ok := cue(g, name); ok && found.Score < 50 {
				seen = true
				assert.Equal(t, models.PipelineScreen, found.Pipeline)
			}
		}
		assert.True(t, seen, "%s: %+v", c.name, g.Cues)
	}
}

func TestABezelAloneFailsNobody(t *testing.T) {
	// Too fine for the camera: nothing but the bezel is left, and the cover of a passport
	// looks like one.
	m, err := stage.Screen(drawn(t, 4), stage.Shot{Seed: 7, Ground: ptr(stage.Desk), Glare: ptr(false), Blur: .8}, stage.Display{Pitch: .5})
	g := examine(t, examiner(nil), filmed(t, m, err))
	b, ok := cue(g, genuine.CueBezel)
	require.True(t, ok, "%+v", g.Cues)
	assert.Less(t, b.Score, 100.0)
	assert.GreaterOrEqual(t, g.ScreenReplay, 50.0)
	assert.Less(t, g.ScreenReplay, 100.0)
}

func TestPrintIsSeenByItsScreenWhenTheCameraResolvesIt(t *testing.T) {
	shot := stage.Shot{Width: 1920, Height: 1080, Seed: 9, LongMM: 85.6, Glare: ptr(false), Blur: .5, Share: .75}
	m, err := stage.Print(drawn(t, 6), shot, stage.Press{Lines: 85, Margin: -1})
	g := examine(t, examiner(nil), filmed(t, m, err))
	r, ok := cue(g, genuine.CueRosette)
	require.True(t, ok)
	assert.Less(t, r.Score, 50.0)
	assert.Less(t, g.PaperPrinted, 50.0, "%+v", g.Cues)
}

func TestACopyWithoutColourSpeaksAgainstTheDocument(t *testing.T) {
	shot := stage.Shot{Width: 1280, Height: 720, Seed: 11, Ground: ptr(stage.Desk), Glare: ptr(false)}
	m, err := stage.Print(drawn(t, 7), shot, stage.Press{Spray: true, Grey: true, Margin: 4})
	g := examine(t, examiner(nil), filmed(t, m, err))
	c, ok := cue(g, genuine.CueGrey)
	require.True(t, ok)
	assert.Less(t, c.Score, 50.0, "%+v", g.Cues)
	assert.Less(t, g.PaperPrinted, 75.0, "%+v", g.Cues)
}

// painter finds the rectangle of a drawn document, and the second face where told.
type painter struct {
	ghost bool
	same  bool
}

func (p painter) LocateFace(_ context.Context, m gocv.Mat) (models.Box, bool, error) {
	// The flat document is wider than high, the rest beside the portrait is not as wide.
	if float64(m.Cols()) > 1.2*float64(m.Rows()) {
		return models.Box{X1: .1, X2: .25, Y1: .3, Y2: .6}, true, nil
	}
	return models.Box{X1: .6, X2: .8, Y1: .5, Y2: .68}, p.ghost, nil
}

func (p painter) FindFace(_ context.Context, m gocv.Mat) (models.Face, error) {
	f := models.Face{Found: true, Eyes: 40, Template: make([]float32, 4)}
	if m.Rows() > 300 || p.same { // the larger one
		f.Template[0] = 1
	} else {
		f.Template[1] = 1
		f.Template[0] = -.1
	}
	return f, nil
}

func TestAPhotographStuckOverThePortraitLeavesLines(t *testing.T) {
	doc := drawn(t, 8)
	photo := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(150, 160, 170, 0), 300, 220, gocv.MatTypeCV8UC3)
	defer photo.Close()
	swapped, err := stage.Replaced(doc, 3, stage.Portrait{At: image.Rect(60, 170, 280, 470), Photo: photo, Cut: .5})
	filmed(t, swapped, err)
	shot := stage.Shot{Seed: 4, Width: 1280, Height: 720, Glare: ptr(false), Turn: ptr(2.0)}
	m, err := stage.Genuine(doc, shot)
	before := examine(t, examiner(painter{}), filmed(t, m, err))
	m, err = stage.Genuine(swapped, shot)
	after := examine(t, examiner(painter{}), filmed(t, m, err))
	a, ok := cue(before, genuine.CueSeam)
	require.True(t, ok)
	b, ok := cue(after, genuine.CueSeam)
	require.True(t, ok)
	assert.Greater(t, b.Measured, a.Measured+.5)
	require.NotNil(t, b.At)
	assert.True(t, b.At.X1 >= 0 && b.At.X2 <= 1 && b.At.X1 < b.At.X2 && b.At.X2 < .5, "%+v", b.At)
	assert.GreaterOrEqual(t, before.ReplacePortrait, 50.0)
}

func TestASecondFaceOfAnotherPersonFailsThePortrait(t *testing.T) {
	m, err := stage.Genuine(drawn(t, 8), stage.Shot{Seed: 4, Width: 1920, Height: 1080, Glare: ptr(false)})
	filmed(t, m, err)
	for same, passes := range map[bool]bool{true: true, false: false} {
		g := examine(t, examiner(painter{ghost: true, same: same}), m)
		_, ok := cue(g, genuine.CueGhost)
		require.True(t, ok, "%+v", g.Cues)
		assert.Equal(t, passes, g.ReplacePortrait >= 50, "same %v: %+v", same, g.Cues)
	}
	g := examine(t, examiner(painter{}), m)
	_, ok := cue(g, genuine.CueGhost)
	assert.False(t, ok, "without a second face there is nothing to compare")
}

func TestTooFewPixelsAreNoFault(t *testing.T) {
	m, err := stage.Screen(drawn(t, 1), stage.Shot{Width: 240, Height: 180, Seed: 2, Turn: ptr(0.0)}, stage.Display{Pitch: 1.1})
	filmed(t, m, err)
	g := examine(t, examiner(painter{}), m)
	for _, pipeline := range []string{models.PipelineScreen, models.PipelinePaper} {
		seen := false
		for _, c := range g.Cues {
			if c.Name == genuine.CueResolution && c.Pipeline == pipeline {
				seen = true
				assert.Equal(t, 100.0, c.Score)
				assert.InDelta(t, 1.5, c.Measured, 1)
			}
		}
		assert.True(t, seen, "%s: %+v", pipeline, g.Cues)
	}
	assert.GreaterOrEqual(t, min(g.ScreenReplay, g.PaperPrinted, g.ReplacePortrait), 50.0)
}

func TestLightThatRunsThroughTheRowsIsADisplays(t *testing.T) {
	shot := stage.Shot{Seed: 21, Ground: ptr(stage.Desk), Glare: ptr(false)}
	var ms []gocv.Mat
	for _, phase := range []float64{0, .5} {
		m, err := stage.Screen(drawn(t, 5), shot, stage.Display{Pitch: .5, Wave: .12, Phase: phase})
		ms = append(ms, filmed(t, m, err))
	}
	g := examine(t, examiner(nil), ms...)
	b, ok := cue(g, genuine.CueBands)
	require.True(t, ok, "%+v", g.Cues)
	assert.Less(t, b.Score, 50.0)
	assert.Less(t, g.ScreenReplay, 50.0)

	ms = nil
	for range 2 {
		m, err := stage.Genuine(drawn(t, 5), shot)
		ms = append(ms, filmed(t, m, err))
	}
	g = examine(t, examiner(nil), ms...)
	b, ok = cue(g, genuine.CueBands)
	require.True(t, ok)
	assert.Equal(t, 100.0, b.Score)
}

func TestATiltShowsWhatShimmersAndInformsOnly(t *testing.T) {
	plain := drawn(t, 12)
	shining := plain.Clone()
	defer shining.Close()
	gocv.Circle(&shining, image.Pt(700, 350), 90, rgba(90, 200, 120), -1)
	film := func(doc gocv.Mat, seed uint64) gocv.Mat {
		m, err := stage.Genuine(doc, stage.Shot{Seed: seed, Ground: ptr(stage.Tray), Glare: ptr(false), Turn: ptr(0.0), Share: .7})
		return filmed(t, m, err)
	}
	// Poses of these seeds differ in perspective, see stage.
	one, two, again := film(plain, 1), film(shining, 2), film(plain, 2)
	g := examine(t, examiner(nil), one, two)
	c, ok := cue(g, genuine.CueTilt)
	require.True(t, ok, "%+v", g.Cues)
	assert.Equal(t, 100.0, c.Score)
	assert.Empty(t, c.Pipeline)
	g = examine(t, examiner(nil), one, again)
	c, ok = cue(g, genuine.CueTilt)
	require.True(t, ok)
	assert.Less(t, c.Score, 50.0)
	assert.GreaterOrEqual(t, min(g.ScreenReplay, g.PaperPrinted, g.ReplacePortrait), 50.0)
	g = examine(t, examiner(nil), one, one)
	_, ok = cue(g, genuine.CueTilt)
	assert.False(t, ok, "the same pose tells nothing")
}

func TestAPictureThatCannotBeUsedIsLeftOutAndAloneIsAnError(t *testing.T) {
	bad := map[string]gocv.Mat{
		"none":  {},
		"empty": gocv.NewMat(),
		"1 × 1": gocv.NewMatWithSize(1, 1, gocv.MatTypeCV8UC3),
		"31":    gocv.NewMatWithSize(31, 400, gocv.MatTypeCV8UC3),
		"grey":  gocv.NewMatWithSize(200, 200, gocv.MatTypeCV8UC1),
		"float": gocv.NewMatWithSize(200, 200, gocv.MatTypeCV32FC3),
	}
	good, err := stage.Genuine(drawn(t, 1), stage.Shot{Width: 640, Height: 360})
	filmed(t, good, err)
	e := examiner(painter{})
	for name, m := range bad {
		_, err := e.Examine(context.Background(), []gocv.Mat{m})
		require.ErrorIs(t, err, models.ErrFrame, name)
		_, err = e.Examine(context.Background(), []gocv.Mat{m, good})
		require.NoError(t, err, name)
		if m.Ptr() != nil {
			m.Close()
		}
	}
	_, err = e.Examine(context.Background(), nil)
	require.ErrorIs(t, err, models.ErrFrame)
}

func TestAnyPictureOfAnySizeIsLookedAt(t *testing.T) {
	dice := rand.New(rand.NewPCG(3, 4))
	for _, size := range []image.Point{{32, 32}, {33, 64}, {64, 64}, {65, 200}, {4000, 32}, {32, 4000}, {192, 192}, {700, 500}} {
		for _, kind := range []string{"black", "white", "noise"} {
			m := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(0, 0, 0, 0), size.Y, size.X, gocv.MatTypeCV8UC3)
			pix, err := m.DataPtrUint8()
			require.NoError(t, err)
			for i := range pix {
				switch kind {
				case "white":
					pix[i] = 255
				case "noise":
					pix[i] = byte(dice.Uint32())
				}
			}
			for _, e := range []*genuine.Examiner{examiner(painter{ghost: true}), genuine.New(nil, painter{})} {
				g := examine(t, e, m, m)
				for _, s := range []float64{g.ScreenReplay, g.PaperPrinted, g.ReplacePortrait} {
					assert.True(t, s >= 0 && s <= 100, "%v %s: %v", size, kind, s)
				}
			}
			m.Close()
		}
	}
}

func TestExamineEndsWithItsContext(t *testing.T) {
	m, err := stage.Genuine(drawn(t, 1), stage.Shot{Width: 640, Height: 360})
	filmed(t, m, err)
	ctx, stop := context.WithCancel(context.Background())
	stop()
	_, err = examiner(nil).Examine(ctx, []gocv.Mat{m})
	require.ErrorIs(t, err, context.Canceled)
}

func BenchmarkExamine720p(b *testing.B) {
	m, err := stage.Genuine(drawn(b, 1), stage.Shot{Seed: 1})
	filmed(b, m, err)
	e := examiner(painter{})
	b.ReportAllocs()
	for b.Loop() {
		_, err := e.Examine(context.Background(), []gocv.Mat{m})
		require.NoError(b, err)
	}
}

func rgba(r, g, b uint8) color.RGBA { return color.RGBA{r, g, b, 255} }
