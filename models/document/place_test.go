package document

import (
	"image"
	"image/color"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"

	"vestibule/models"
	"vestibule/models/quality"
)

// filmed is a white page with print on a dark table, a little further right in every frame, and a lamp's
// image at lamp, if it is in the picture.
func filmed(t *testing.T, frame int, lamp image.Point) page {
	t.Helper()
	m := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(45, 42, 40, 0), 720, 1280, gocv.MatTypeCV8UC3)
	gocv.Rectangle(&m, image.Rect(220+5*frame, 65, 1060+5*frame, 656), color.RGBA{R: 252, G: 252, B: 252}, -1)
	for y := 120; y < 640; y += 44 {
		gocv.PutText(&m, "SPECIMEN UTOPIA NUMBER 12345", image.Pt(260+5*frame, y), gocv.FontHersheySimplex, 1.2, color.RGBA{R: 25, G: 25, B: 30}, 2)
	}
	spot := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(0, 0, 0, 0), 720, 1280, gocv.MatTypeCV8UC3)
	defer spot.Close()
	gocv.Circle(&spot, lamp, 100, color.RGBA{R: 255, G: 255, B: 255}, -1)
	gocv.GaussianBlur(spot, &spot, image.Pt(0, 0), 14, 14, gocv.BorderDefault)
	gocv.Add(m, spot, &m)
	p := page{index: frame, img: m, from: image.Pt(1280, 720)}
	var err error
	p.outline, p.outlined, err = findOutline(m)
	require.NoError(t, err)
	require.True(t, p.outlined)
	return p
}

func TestGlareThatMovesBetweenFramesIsNamed(t *testing.T) {
	var moving, still []page
	for i := range 3 {
		moving = append(moving, filmed(t, i, image.Pt(430+200*i, 330)))
		still = append(still, filmed(t, i, image.Pt(-500, -500)))
	}
	defer func() {
		for _, p := range append(moving, still...) {
			p.img.Close()
		}
	}()
	d := models.Document{Hint: models.HintHold, Quality: models.Quality{Glare: 100}}
	require.NoError(t, acrossFrames(moving, 1, &d))
	assert.Equal(t, models.HintGlare, d.Hint)
	assert.Less(t, d.Quality.Glare, quality.Glaring)
	require.NotEmpty(t, d.Quality.GlareAt)
	b := d.Quality.GlareAt[0]
	assert.InDelta(t, 630.0/1280, (b.X1+b.X2)/2, .03, "where it is in the frame that was asked about")
	assert.InDelta(t, 330.0/720, (b.Y1+b.Y2)/2, .05)

	d = models.Document{Hint: models.HintBlur, Quality: models.Quality{Glare: 100}}
	require.NoError(t, acrossFrames(moving, 1, &d))
	assert.Equal(t, models.HintBlur, d.Hint, "what is known to be wrong is not renamed")

	for name, pages := range map[string][]page{"white paper": still, "one frame": moving[:1]} {
		d = models.Document{Hint: models.HintHold, Quality: models.Quality{Glare: 100}}
		require.NoError(t, acrossFrames(pages, 0, &d))
		assert.Equal(t, models.HintHold, d.Hint, name)
		assert.Equal(t, 100.0, d.Quality.Glare, name)
	}
}
