package document_test

import (
	"context"
	"image"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"

	"vestibule/models"
	"vestibule/models/mrz"
	"vestibule/models/picture"
	"vestibule/models/specimen"
)

// readPrint reads a picture's print, without the spaces that no reader of rows is sure of, and checks its places.
func readPrint(t *testing.T, ms ...gocv.Mat) []string {
	t.Helper()
	text, err := reader(t).ReadText(context.Background(), ms)
	require.NoError(t, err)
	var out []string
	for _, l := range text.Lines {
		out = append(out, strings.ReplaceAll(l.Text, " ", ""))
		assert.True(t, l.Score > 0 && l.Score <= 100)
		assert.Less(t, l.At[0].X, l.At[1].X, "a line reads rightwards in the upright picture")
		for _, c := range l.At {
			assert.True(t, c.X > -.05 && c.X < 1.05 && c.Y > -.05 && c.Y < 1.05, "outside of the picture: %v", c)
		}
	}
	return out
}

func TestPrintIsReadInOrderHoweverTheDocumentLies(t *testing.T) {
	s := passport(zoneOf(t, mrz.TD3, "P")...)
	m := s.draw(t)
	defer m.Close()
	want := []string{"UTOPIAPASSPORT", "ERIKSSON", "ANNAMARIA", "12AUG1974"}
	for _, turn := range []int{0, 90, 180} {
		w, err := picture.Turn(m, turn)
		require.NoError(t, err)
		assert.Equal(t, want, readPrint(t, w), "turned by %d", turn)
		w.Close()
	}
	w := tilt(m, 14)
	defer w.Close()
	assert.Equal(t, want, readPrint(t, w), "tilted")
}

func TestPrintWithoutAZoneTellsWhichSideIsUp(t *testing.T) {
	s := sheet{specimen.Plain(mrz.TD1, []string{"DRIVING LICENCE", "ERIKSSON", "12.08.1974", "ZENITH"}), 10}
	m := s.draw(t)
	defer m.Close()
	for _, turn := range []int{180, 270} {
		w, err := picture.Turn(m, turn)
		require.NoError(t, err)
		assert.Equal(t, []string{"DRIVINGLICENCE", "ERIKSSON", "12.08.1974", "ZENITH"}, readPrint(t, w), "turned by %d", turn)
		w.Close()
	}
}

func TestOfSeveralPicturesTheSharpestIsRead(t *testing.T) {
	m := passport(zoneOf(t, mrz.TD3, "P")...).draw(t)
	defer m.Close()
	blurred := gocv.NewMat()
	defer blurred.Close()
	gocv.GaussianBlur(m, &blurred, image.Pt(0, 0), 9, 9, gocv.BorderDefault)
	assert.Contains(t, readPrint(t, blurred, m), "ERIKSSON")
}

func TestPicturesWithoutPrintHaveNone(t *testing.T) {
	dice := rand.New(rand.NewPCG(3, 4))
	noise := plain(0)
	defer noise.Close()
	for y := range noise.Rows() {
		for x := range noise.Cols() * 3 {
			noise.SetUCharAt(y, x, uint8(dice.IntN(256)))
		}
	}
	grey := plain(128)
	defer grey.Close()
	assert.Empty(t, readPrint(t, grey))
	assert.LessOrEqual(t, len(readPrint(t, noise)), 5)
}

func TestPrintOfPicturesThatCannotBeUsed(t *testing.T) {
	r, ctx := reader(t), context.Background()
	tiny := gocv.NewMatWithSize(8, 8, gocv.MatTypeCV8UC3)
	defer tiny.Close()
	grey := gocv.NewMatWithSize(64, 64, gocv.MatTypeCV8UC1)
	defer grey.Close()
	empty := gocv.NewMat()
	defer empty.Close()
	for name, ms := range map[string][]gocv.Mat{"none": nil, "tiny": {tiny}, "grey": {grey}, "empty": {empty}, "all of them": {tiny, grey, empty}} {
		_, err := r.ReadText(ctx, ms)
		require.ErrorIs(t, err, models.ErrFrame, name)
	}
	page := plain(128)
	defer page.Close()
	over, cancel := context.WithCancel(ctx)
	cancel()
	_, err := r.ReadText(over, []gocv.Mat{page})
	require.ErrorIs(t, err, context.Canceled)
	text, err := r.ReadText(ctx, []gocv.Mat{tiny, page})
	require.NoError(t, err, "one picture that can be used is enough")
	assert.Equal(t, 1280, text.Width)
}

func BenchmarkReadTextOfAPassport720p(b *testing.B) {
	m, r := frame720(b), reader(b)
	defer m.Close()
	for b.Loop() {
		t, err := r.ReadText(context.Background(), []gocv.Mat{m})
		require.NoError(b, err)
		require.NotEmpty(b, t.Lines)
	}
}
