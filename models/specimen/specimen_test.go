package specimen_test

import (
	"bytes"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"

	"vestibule/models"
	"vestibule/models/mrz"
	"vestibule/models/specimen"
)

func printer(t *testing.T) *specimen.Printer {
	t.Helper()
	p, err := specimen.NewPrinter()
	require.NoError(t, err, "install fonts-ocr-b")
	return p
}

func dice(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

func TestEveryZoneThatIsDrawnIsValid(t *testing.T) {
	seen := map[string]int{}
	for _, f := range specimen.Zones() {
		for seed := range uint64(300) {
			s, err := specimen.Make(f, dice(seed), nil)
			require.NoError(t, err, "%s %d", f, seed)
			d, err := mrz.Parse(s.Lines)
			require.NoError(t, err)
			require.Equal(t, s.Layout, d.Layout, "%s %d", f, seed)
			require.True(t, d.Valid(), "%s %d: %v", f, seed, s.Lines)
			for what, is := range map[string]bool{
				"a long number, counted":      d.LongNumber == "counted",
				"a long number, not counted":  d.LongNumber == "uncounted",
				"a truncated name":            d.Truncated,
				"no given names":              d.GivenNames.Value == "",
				"an unknown birthday":         strings.HasSuffix(d.Birth.Value, "-00") && d.Birth.Value != "0000-00-00",
				"an unknown birth":            d.Birth.Value == "",
				"sex x":                       d.Sex.Value == "x",
				"no sex":                      d.Sex.Value == "",
				"an organisation for a state": d.Issuer.Value == "UNO",
				"a person without a state":    strings.HasPrefix(d.Nationality.Value, "XX"),
				"optional data":               d.Optional.Value != "",
			} {
				if is {
					seen[what]++
				}
			}
		}
	}
	assert.Len(t, seen, 11, "every rare content turns up: %v", seen)
}

func TestTheSameSeedGivesTheSamePicture(t *testing.T) {
	p := printer(t)
	film := func(seed uint64) ([]byte, models.Quad) {
		r := dice(seed)
		s, err := specimen.Make(specimen.TD1Front, r, nil)
		require.NoError(t, err)
		sc := specimen.Random(s, specimen.Clutter, 640, 480, r)
		pic, err := p.Film(s, sc)
		require.NoError(t, err)
		defer pic.BGR.Close()
		return pic.BGR.ToBytes(), pic.Corners
	}
	a, qa := film(5)
	b, qb := film(5)
	c, _ := film(6)
	assert.True(t, bytes.Equal(a, b))
	assert.Equal(t, qa, qb)
	assert.False(t, bytes.Equal(a, c))
}

func TestTheCornersAreWhereTheSheetIs(t *testing.T) {
	p := printer(t)
	for seed := range uint64(2) {
		r := dice(seed)
		s, err := specimen.Make(specimen.TD2, r, nil)
		require.NoError(t, err)
		sc := specimen.Random(s, specimen.Tray, 1280, 960, r)
		pic, err := p.Film(s, sc)
		require.NoError(t, err)
		var mid models.Point
		for i, c := range pic.Corners {
			assert.True(t, c.X > 0 && c.X < 1 && c.Y > 0 && c.Y < 1, "corner %d lies outside: %v", i, c)
			mid.X, mid.Y = mid.X+c.X/4, mid.Y+c.Y/4
		}
		for i, c := range pic.Corners {
			next := pic.Corners[(i+1)%4]
			edge := models.Point{X: (c.X + next.X) / 2, Y: (c.Y + next.Y) / 2}
			luma := func(k float64) int {
				x := (mid.X + (edge.X-mid.X)*k) * float64(pic.BGR.Cols())
				y := (mid.Y + (edge.Y-mid.Y)*k) * float64(pic.BGR.Rows())
				return int(pic.BGR.GetVecbAt(int(y), int(x))[1])
			}
			assert.Greater(t, luma(.96), luma(1.04)+40, "side %d of seed %d", i, seed)
		}
		pic.BGR.Close()
	}
}

func TestASheetIsPrintedAtTheSizeThatIsAskedFor(t *testing.T) {
	p := printer(t)
	s := specimen.Plain(mrz.TD3, []string{"PASSPORT"}, strings.Repeat("<", 44), strings.Repeat("8", 44))
	pic, err := p.Film(s, specimen.Still(1280, 900, 8))
	require.NoError(t, err)
	defer pic.BGR.Close()
	assert.InDelta(t, 125*8.0/1280, pic.Corners[1].X-pic.Corners[0].X, 1e-6)
	assert.InDelta(t, 88*8.0/900, pic.Corners[2].Y-pic.Corners[1].Y, 1e-6)
	// The last line's letters stand where ICAO 9303-4 puts them.
	y := int(pic.Corners[3].Y*900 - 9.4*8)
	ink, first := 0, math.MaxInt
	for x := range pic.BGR.Cols() {
		if v := pic.BGR.GetVecbAt(y, x); v[1] < 100 && x > 140 && x < 1140 {
			ink++
			first = min(first, x)
		}
	}
	assert.Greater(t, ink, 100)
	assert.InDelta(t, pic.Corners[0].X*1280+6*8, float64(first), 12)
}

func TestThingsThatAreNoDocumentsSayWhatTheyAre(t *testing.T) {
	p := printer(t)
	face := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(90, 120, 180, 0), 400, 300, gocv.MatTypeCV8UC3)
	defer face.Close()
	img, err := face.ToImage()
	require.NoError(t, err)
	for _, f := range specimen.NoDocuments() {
		r := dice(3)
		s, err := specimen.Make(f, r, img)
		require.NoError(t, err)
		assert.Equal(t, models.KindNotID, s.Kind)
		assert.Equal(t, string(f), s.Thing)
		sc := specimen.Random(s, specimen.Wood, 640, 480, r)
		pic, err := p.Film(s, sc)
		require.NoError(t, err)
		assert.Equal(t, 640, pic.BGR.Cols())
		pic.BGR.Close()
	}
}

func TestWhatCannotBeDrawnIsAnError(t *testing.T) {
	p := printer(t)
	_, err := specimen.Make("unicorn", dice(1), nil)
	require.Error(t, err)
	s := specimen.Plain(mrz.TD1, nil)
	for _, pxmm := range []float64{0, -1, math.NaN(), math.Inf(1), 1e9} {
		_, err = p.Render(s, pxmm)
		require.Error(t, err)
	}
	_, err = p.Film(s, specimen.Still(1<<20, 100, 8))
	require.Error(t, err)
	_, err = p.Film(specimen.Sheet{Kind: models.KindNotID, Thing: string(specimen.Face)}, specimen.Still(640, 480, 8))
	require.Error(t, err)
}
