package document_test

import (
	"context"
	"image"
	"image/color"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"

	"vestibule/models"
	"vestibule/models/picture"
	"vestibule/models/quality"
)

// printed is a page of print in the middle of a dark table, 1280 × 720, without a zone.
func printed() gocv.Mat {
	m := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(45, 42, 40, 0), 720, 1280, gocv.MatTypeCV8UC3)
	gocv.Rectangle(&m, image.Rect(220, 65, 1060, 656), color.RGBA{R: 205, G: 208, B: 200}, -1)
	for y := 120; y < 640; y += 44 {
		for i, word := range []string{"SPECIMEN", "UTOPIA", "NUMBER"} {
			gocv.PutText(&m, word, image.Pt(250+i*280, y), gocv.FontHersheySimplex, 1.2, color.RGBA{R: 25, G: 25, B: 30}, 2)
		}
	}
	return m
}

func TestAFingerOverTheDocumentIsNamed(t *testing.T) {
	m := printed()
	defer m.Close()
	g, err := reader(t).Glance(context.Background(), m)
	require.NoError(t, err)
	require.Equal(t, models.HintNone, g.Hint)
	require.True(t, g.Quality.Placement.Known)
	assert.InDelta(t, 840.0/125, g.Quality.Placement.PixelsPerMM, .2, "of the frame, whatever it was looked at in")

	skin := color.RGBA{R: 215, G: 168, B: 140}
	gocv.Circle(&m, image.Pt(1010, 360), 38, skin, -1)
	gocv.Rectangle(&m, image.Rect(1010, 322, 1280, 398), skin, -1)
	g, err = reader(t).Glance(context.Background(), m)
	require.NoError(t, err)
	assert.Equal(t, models.HintFinger, g.Hint)
	assert.Len(t, g.Quality.Placement.CoveredAt, 1)

	d, err := reader(t).Read(context.Background(), []gocv.Mat{m})
	require.NoError(t, err)
	require.Nil(t, d.MRZ)
	assert.Equal(t, models.HintFinger, d.Hint, "and is why nothing could be read")
	assert.Less(t, d.Quality.Placement.Uncovered, quality.Obstructed)
}

func TestAFrameIsGlancedAtAsItsPixelsAre(t *testing.T) {
	m := printed()
	defer m.Close()
	b, err := picture.EncodeJPEG(m, 95)
	require.NoError(t, err)
	want, err := reader(t).Glance(context.Background(), m)
	require.NoError(t, err)
	var wg sync.WaitGroup
	for range 6 { // more at a time than memory is kept for
		wg.Go(func() {
			for range 3 {
				got, err := reader(t).GlanceFrame(context.Background(), models.Frame{Format: models.JPEG, Pix: b})
				if !assert.NoError(t, err) || !assert.NotNil(t, got.Outline) {
					return
				}
				assert.Equal(t, [2]int{1280, 720}, [2]int{got.Width, got.Height})
				assert.Equal(t, want.Hint, got.Hint)
				assert.InDelta(t, want.Quality.Sharpness, got.Quality.Sharpness, 10)
				for i, c := range got.Outline {
					assert.InDelta(t, want.Outline[i].X, c.X, .01)
					assert.InDelta(t, want.Outline[i].Y, c.Y, .01)
				}
			}
		})
	}
	wg.Wait()
	_, err = reader(t).GlanceFrame(context.Background(), models.Frame{Format: models.JPEG, Pix: b[:len(b)/2]})
	require.ErrorIs(t, err, models.ErrFrame)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = reader(t).GlanceFrame(ctx, models.Frame{Format: models.JPEG, Pix: b})
	require.ErrorIs(t, err, context.Canceled)
}

func TestFramesOfAnyShapeAreGlancedAt(t *testing.T) {
	for _, s := range [][2]int{{32, 32}, {8192, 32}, {32, 8192}, {1281, 40}, {2600, 33}, {640, 480}} {
		m := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(120, 130, 140, 0), s[1], s[0], gocv.MatTypeCV8UC3)
		g, err := reader(t).Glance(context.Background(), m)
		m.Close()
		require.NoError(t, err, s)
		assert.Equal(t, models.HintNoDocument, g.Hint, s)
		assert.Equal(t, s, [2]int{g.Width, g.Height})
	}
}
