package document

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"

	"vestibule/models/specimen"
)

// film draws a form on a ground, 1280 × 960, and gives the corners in pixels.
func film(tb testing.TB, f specimen.Form, b specimen.Background, seed uint64) (gocv.Mat, [4]vec) {
	tb.Helper()
	p, err := specimen.NewPrinter()
	require.NoError(tb, err, "install fonts-ocr-b")
	dice := rand.New(rand.NewPCG(seed, 11))
	s, err := specimen.Make(f, dice, nil)
	require.NoError(tb, err)
	pic, err := p.Film(s, specimen.Random(s, b, 1280, 960, dice))
	require.NoError(tb, err)
	var q [4]vec
	for i, c := range pic.Corners {
		q[i] = vec{c.X * float64(pic.BGR.Cols()), c.Y * float64(pic.BGR.Rows())}
	}
	return pic.BGR, q
}

// farthest is how far the corners of two shapes lie apart at most, whichever corner comes first.
func farthest(a, b [4]vec) float64 {
	best := -1.0
	for k := range 4 {
		worst := 0.0
		for i := range 4 {
			worst = max(worst, a[(i+k)%4].sub(b[i]).length())
		}
		if best < 0 || worst < best {
			best = worst
		}
	}
	return best
}

func TestTheBorderIsFoundOnEveryGround(t *testing.T) {
	for i, c := range []struct {
		form   specimen.Form
		ground specimen.Background
	}{
		{specimen.TD3, specimen.Tray},
		{specimen.TD1Front, specimen.Wood},
		{specimen.LicenseBack, specimen.Desk},
		{specimen.TD2, specimen.Clutter},
	} {
		t.Run(string(c.form)+" on "+string(c.ground), func(t *testing.T) {
			m, want := film(t, c.form, c.ground, uint64(i))
			defer m.Close()
			o, seen, err := searchOutline(m)
			require.NoError(t, err)
			require.True(t, seen)
			across, down := sides(want)
			assert.Less(t, farthest(o.corners, want), .04*max(across, down), "found %v, is %v", o.corners, want)
			for k := range 4 {
				assert.Positive(t, triangle(o.corners[k], o.corners[(k+1)%4], o.corners[(k+2)%4]), "the corners go round clockwise")
			}
		})
	}
}

func TestWhereThereIsNoDocumentNoBorderIsSeen(t *testing.T) {
	for name, c := range map[string]struct {
		form   specimen.Form
		ground specimen.Background
	}{
		"an empty tray":  {specimen.Nothing, specimen.Tray},
		"an empty desk":  {specimen.Nothing, specimen.Desk},
		"a wooden table": {specimen.Nothing, specimen.Wood},
		"a landscape":    {specimen.Landscape, specimen.Tray},
	} {
		t.Run(name, func(t *testing.T) {
			m, _ := film(t, c.form, c.ground, 5)
			defer m.Close()
			_, seen, err := searchOutline(m)
			require.NoError(t, err)
			assert.False(t, seen)
		})
	}
}

func TestTheSearchTakesPicturesOfAnySize(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	for _, size := range [][2]int{{32, 32}, {33, 2000}, {2000, 33}, {641, 479}} {
		m := gocv.NewMatWithSize(size[1], size[0], gocv.MatTypeCV8UC3)
		pix, err := m.DataPtrUint8()
		require.NoError(t, err)
		for i := range pix {
			pix[i] = uint8(dice.IntN(256))
		}
		_, err = searchBorders(m)
		require.NoError(t, err)
		m.Close()
	}
}

func TestALineIsMarkedOnlyWhereItsPixelsAre(t *testing.T) {
	f := field{w: 300, h: 200}
	f.reach = 400
	for x := 50; x <= 150; x++ { // runs slightly down: a slope of 1 in 50
		f.edges[90] = append(f.edges[90], edgePixel{x: float64(x), y: 100 + float64(x)/50, weight: 1})
	}
	s, ok := f.fitLine(vec{0, 1}, 101.5, 90)
	require.True(t, ok)
	along := func(x float64) float64 { return vec{x, 100 + x/50}.dot(s.u) }
	assert.InDelta(t, 1, s.share(along(52), along(148), f.reach), .02)
	assert.InDelta(t, .5, s.share(along(100), along(200), f.reach), .03)
	assert.Zero(t, s.share(along(160), along(260), f.reach))
	assert.Zero(t, s.share(-1e9, -1e8, f.reach), "beyond the picture there is nothing")
	for _, x := range []float64{50, 150} {
		assert.InDelta(t, s.off, vec{x, 100 + x/50}.dot(s.n), .2)
	}
}

func TestOnlyWhatADocumentLooksLikeFitsItsProportions(t *testing.T) {
	box := func(w, h float64) [4]vec { return [4]vec{{0, 0}, {w, 0}, {w, h}, {0, h}} }
	assert.InDelta(t, 1, borderFit(box(856, 540)), .01)
	assert.InDelta(t, 1, borderFit(box(88, 125)), .01)
	assert.Greater(t, borderFit(box(85.6*.87, 54)), .8, "seen from aside")
	assert.Less(t, borderFit(box(210, 297)), borderFit(box(88, 125)))
	assert.Less(t, borderFit(box(100, 100)), .6)
	assert.Less(t, borderFit(box(300, 100)), .1)
	assert.Zero(t, borderFit([4]vec{{0, 0}, {100, 0}, {180, 60}, {80, 60}}), "a slanted shape is no tilted page")
	assert.Zero(t, borderFit([4]vec{{0, 0}, {100, 0}, {70, 60}, {20, 60}}), "opposite sides that differ too much")
	assert.Zero(t, borderFit([4]vec{}))
}

func BenchmarkSearchOutline(b *testing.B) {
	for _, ground := range specimen.Backgrounds() {
		b.Run(string(ground), func(b *testing.B) {
			m, _ := film(b, specimen.TD3, ground, 7)
			defer m.Close()
			for b.Loop() {
				_, _, err := searchOutline(m)
				require.NoError(b, err)
			}
		})
	}
}

func BenchmarkFindOutline(b *testing.B) {
	m, _ := film(b, specimen.TD3, specimen.Tray, 7)
	defer m.Close()
	for b.Loop() {
		_, _, err := findOutline(m)
		require.NoError(b, err)
	}
}
