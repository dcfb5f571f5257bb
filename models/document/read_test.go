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
	"vestibule/models/document"
	"vestibule/models/manifest"
	"vestibule/models/mrz"
	"vestibule/models/picture"
)

func texts(d models.Document) []string {
	var out []string
	for _, l := range d.Lines {
		out = append(out, l.Text)
	}
	return out
}

// fieldsStandWhereTheyWerePrinted checks places in the upright picture, which shows the page alone.
func fieldsStandWhereTheyWerePrinted(t *testing.T, s sheet, d models.Document) {
	t.Helper()
	require.NotEmpty(t, d.Fields)
	for _, z := range d.Fields {
		text := s.Lines[z.Line][z.Start:z.End]
		start, end := z.Start+len(text)-len(strings.TrimLeft(text, "<")), z.Start+len(strings.TrimRight(text, "<"))
		if start >= end {
			start, end = z.Start, z.End
		}
		middle := s.Height - s.Bottom - float64(len(s.Lines)-1-z.Line)*6.35
		x1, x2 := (s.Left+float64(start)*2.54)/s.Width, (s.Left+float64(end)*2.54)/s.Width
		for i, want := range [4]models.Point{{X: x1, Y: (middle - 1.6) / s.Height}, {X: x2, Y: (middle - 1.6) / s.Height}, {X: x2, Y: (middle + 1.6) / s.Height}, {X: x1, Y: (middle + 1.6) / s.Height}} {
			assert.InDelta(t, want.X, z.Upright[i].X, 1.5/s.Width, "%s, corner %d", z.Name, i)
			assert.InDelta(t, want.Y, z.Upright[i].Y, 1.2/s.Height, "%s, corner %d", z.Name, i)
		}
	}
}

func TestEveryLayoutIsReadExactlyAndByBothReaders(t *testing.T) {
	for _, c := range []struct {
		layout mrz.Layout
		sheet  sheet
	}{
		{mrz.TD3, passport(zoneOf(t, mrz.TD3, "P")...)},
		{mrz.TD1, card(zoneOf(t, mrz.TD1, "I")...)},
		{mrz.TD2, smaller(mrz.TD2, zoneOf(t, mrz.TD2, "AC")...)},
		{mrz.MRVA, passport(zoneOf(t, mrz.MRVA, "V")...)},
		{mrz.MRVB, smaller(mrz.MRVB, zoneOf(t, mrz.MRVB, "V")...)},
		{mrz.FRID, smaller(mrz.FRID, "IDFRABERTHIER<<<<<<<<<<<<<<<<<<<<<<<", "9409923102854CORINNE<<<<<<<6512068F4")},
	} {
		t.Run(string(c.layout), func(t *testing.T) {
			m := c.sheet.draw(t)
			defer m.Close()
			d, err := reader(t).Read(context.Background(), []gocv.Mat{m})
			require.NoError(t, err)
			require.Equal(t, c.sheet.Lines, texts(d))
			require.NotNil(t, d.MRZ)
			assert.Equal(t, c.layout, d.MRZ.Layout)
			assert.True(t, d.MRZ.Valid())
			assert.True(t, d.Agreed)
			assert.Equal(t, models.HintNone, d.Hint)
			assert.Greater(t, d.Recognition, 90.0)
			assert.InDelta(t, c.sheet.pxmm, d.PixelsPerMM, .03*c.sheet.pxmm)
			fieldsStandWhereTheyWerePrinted(t, c.sheet, d)
			var names []string
			for _, f := range d.MRZ.Fields() {
				if len(f.Parts()) > 0 {
					names = append(names, f.Name)
				}
			}
			require.Len(t, d.Fields, len(names))
			for i, z := range d.Fields {
				assert.Equal(t, names[i], z.Name)
				assert.Greater(t, z.Confidence, 90.0, z.Name)
				assert.True(t, z.Agreed, z.Name)
			}
			require.NotNil(t, d.Outline)
			for i, want := range [4][2]float64{{-.5, -.5}, {.5, -.5}, {.5, .5}, {-.5, .5}} {
				assert.InDelta(t, .5+want[0]*c.sheet.Width*c.sheet.pxmm/1280, d.Outline[i].X, .02)
				assert.InDelta(t, .5+want[1]*c.sheet.Height*c.sheet.pxmm/900, d.Outline[i].Y, .02)
			}
		})
	}
}

func TestADocumentIsReadHoweverItIsTurned(t *testing.T) {
	s := passport(zoneOf(t, mrz.TD3, "P")...)
	m := s.draw(t)
	defer m.Close()
	for _, turn := range []int{180, 270} {
		w, err := picture.Turn(m, turn)
		require.NoError(t, err)
		d, err := reader(t).Read(context.Background(), []gocv.Mat{w})
		w.Close()
		require.NoError(t, err)
		assert.Equal(t, s.Lines, texts(d), "turned by %d", turn)
		assert.Equal(t, (360-turn)%360, d.Turn)
		for _, l := range d.Lines {
			for _, p := range l.At {
				assert.True(t, p.X > 0 && p.X < 1 && p.Y > 0 && p.Y < 1, "line outside of the picture: %v", p)
			}
		}
		fieldsStandWhereTheyWerePrinted(t, s, d)
		for _, z := range d.Fields {
			q := d.Lines[z.Line].At
			for _, c := range z.At {
				assert.True(t, c.X > min(q[0].X, q[2].X) && c.X < max(q[0].X, q[2].X) && c.Y > min(q[0].Y, q[2].Y) && c.Y < max(q[0].Y, q[2].Y), "%s lies outside of its line", z.Name)
			}
		}
		up := decode(t, d.Upright)
		assert.Greater(t, up.Cols(), up.Rows(), "a passport page upright is wider than high")
		up.Close()
	}
	for _, degrees := range []float64{-15} {
		w := tilt(m, degrees)
		d, err := reader(t).Read(context.Background(), []gocv.Mat{w})
		w.Close()
		require.NoError(t, err)
		assert.Equal(t, s.Lines, texts(d), "tilted by %v°", degrees)
		assert.Zero(t, d.Turn)
	}
}

func decode(t *testing.T, jpeg []byte) gocv.Mat {
	t.Helper()
	m, err := gocv.IMDecode(jpeg, gocv.IMReadColor)
	require.NoError(t, err)
	require.False(t, m.Empty())
	return m
}

func TestAWrongCheckDigitIsReadAsPrintedAndNeverAccepted(t *testing.T) {
	good := zoneOf(t, mrz.TD3, "P")
	for name, column := range map[string]int{"number": 9, "composite": 43} {
		t.Run(name, func(t *testing.T) {
			b := []byte(good[1])
			b[column] = '0' + (b[column]-'0'+3)%10
			m := passport(good[0], string(b)).draw(t)
			defer m.Close()
			d, err := reader(t).Read(context.Background(), []gocv.Mat{m})
			require.NoError(t, err)
			require.Equal(t, []string{good[0], string(b)}, texts(d))
			assert.False(t, d.MRZ.Valid())
		})
	}
}

func TestALayoutThatIsBrokenInPrintIsReadAsPrinted(t *testing.T) {
	good := zoneOf(t, mrz.TD3, "P")
	broken := good[1][:10] + "X7K" + good[1][13:]
	m := passport(good[0], broken).draw(t)
	defer m.Close()
	d, err := reader(t).Read(context.Background(), []gocv.Mat{m})
	require.NoError(t, err)
	require.Equal(t, broken, texts(d)[1])
	assert.False(t, d.MRZ.Valid())
	assert.Equal(t, mrz.ProblemCharacter, d.MRZ.Nationality.Problem)
}

func TestPicturesWithoutAZone(t *testing.T) {
	dice := rand.New(rand.NewPCG(3, 4))
	noise := plain(0)
	for y := range noise.Rows() {
		for x := range noise.Cols() * 3 {
			noise.SetUCharAt(y, x, uint8(dice.IntN(256)))
		}
	}
	for name, c := range map[string]struct {
		m    gocv.Mat
		hint models.HintCode
	}{
		"a picture of nothing": {plain(128), models.HintNoDocument},
		"a black frame":        {plain(0), models.HintDark},
		"a white frame":        {plain(255), models.HintBright},
		"a page of text":       {text().draw(t), models.HintNoMRZ},
		"noise":                {noise, models.HintNoDocument},
	} {
		t.Run(name, func(t *testing.T) {
			defer c.m.Close()
			d, err := reader(t).Read(context.Background(), []gocv.Mat{c.m})
			require.NoError(t, err)
			assert.Nil(t, d.MRZ)
			assert.Empty(t, d.Lines)
			assert.Zero(t, d.Recognition)
			assert.False(t, d.Agreed)
			assert.Equal(t, c.hint, d.Hint)
		})
	}
}

func TestOneGoodFrameAmongBadOnesIsEnough(t *testing.T) {
	s := passport(zoneOf(t, mrz.TD3, "P")...)
	sharp := s.draw(t)
	defer sharp.Close()
	blurred := gocv.NewMat()
	defer blurred.Close()
	gocv.GaussianBlur(sharp, &blurred, image.Pt(0, 0), 8, 8, gocv.BorderDefault)
	broken := gocv.NewMat()
	defer broken.Close()
	d, err := reader(t).Read(context.Background(), []gocv.Mat{broken, blurred, sharp})
	require.NoError(t, err)
	assert.Equal(t, s.Lines, texts(d))
	assert.Equal(t, 2, d.Best)
	t.Run("a blurred frame alone says so", func(t *testing.T) {
		d, err := reader(t).Read(context.Background(), []gocv.Mat{blurred})
		require.NoError(t, err)
		assert.False(t, d.MRZ != nil && d.MRZ.Valid() && d.Agreed)
		assert.Equal(t, models.HintBlur, d.Hint)
	})
}

func TestAFarDocumentIsNotAccepted(t *testing.T) {
	s := passport(zoneOf(t, mrz.TD3, "P")...)
	s.pxmm = 2
	m := s.draw(t)
	defer m.Close()
	d, err := reader(t).Read(context.Background(), []gocv.Mat{m})
	require.NoError(t, err)
	if d.MRZ != nil && d.MRZ.Valid() && d.Agreed {
		require.Equal(t, s.Lines, texts(d), "what is accepted is right")
		return
	}
	assert.NotEqual(t, models.HintNone, d.Hint)
}

func TestBadMatricesAreRefused(t *testing.T) {
	grey := gocv.NewMatWithSize(100, 100, gocv.MatTypeCV8UC1)
	defer grey.Close()
	small := gocv.NewMatWithSize(8, 8, gocv.MatTypeCV8UC3)
	defer small.Close()
	empty := gocv.NewMat()
	defer empty.Close()
	for name, frames := range map[string][]gocv.Mat{
		"no frame":          nil,
		"an empty matrix":   {empty},
		"a zero value":      {{}},
		"a grey matrix":     {grey},
		"a very small one":  {small},
		"only useless ones": {empty, grey},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := reader(t).Read(context.Background(), frames)
			require.ErrorIs(t, err, models.ErrFrame)
			for _, m := range frames {
				_, err = reader(t).Glance(context.Background(), m)
				require.ErrorIs(t, err, models.ErrFrame)
			}
		})
	}
	t.Run("random bytes that call themselves a JPEG", func(t *testing.T) {
		_, err := picture.Decode(models.Frame{Format: models.JPEG, Pix: []byte(strings.Repeat("\xff\xd8 no picture", 100))})
		require.ErrorIs(t, err, models.ErrFrame)
	})
}

func TestReadEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	m := plain(100)
	defer m.Close()
	_, err := reader(t).Read(ctx, []gocv.Mat{m})
	require.ErrorIs(t, err, context.Canceled)
	_, err = reader(t).Glance(ctx, m)
	require.ErrorIs(t, err, context.Canceled)
}

// oneFace is a FaceFinder that knows where the drawn face is by its colour.
type oneFace struct{}

func (f oneFace) LocateFace(ctx context.Context, m gocv.Mat) (models.Box, bool, error) {
	found, err := f.FindFace(ctx, m)
	return found.Box, found.Found, err
}

func (oneFace) FindFace(_ context.Context, m gocv.Mat) (models.Face, error) {
	hsv, mask := gocv.NewMat(), gocv.NewMat()
	defer hsv.Close()
	defer mask.Close()
	gocv.CvtColor(m, &hsv, gocv.ColorBGRToHSV)
	gocv.InRangeWithScalar(hsv, gocv.NewScalar(0, 150, 100, 0), gocv.NewScalar(10, 255, 255, 0), &mask)
	if gocv.CountNonZero(mask) < 50 {
		return models.Face{Width: m.Cols(), Height: m.Rows()}, nil
	}
	found := gocv.FindContours(mask, gocv.RetrievalExternal, gocv.ChainApproxSimple)
	defer found.Close()
	var box image.Rectangle
	for i := range found.Size() {
		box = box.Union(gocv.BoundingRect(found.At(i)))
	}
	w, h := float64(m.Cols()), float64(m.Rows())
	return models.Face{Width: m.Cols(), Height: m.Rows(), Found: true, Faces: 1, Eyes: 40, Box: models.Box{
		X1: float64(box.Min.X) / w, Y1: float64(box.Min.Y) / h, X2: float64(box.Max.X) / w, Y2: float64(box.Max.Y) / h,
	}}, nil
}

func TestThePortraitIsCutOutOfTheDocumentOnly(t *testing.T) {
	r, err := document.Open(manifest.Dir(), oneFace{})
	require.NoError(t, err)
	defer r.Close()
	s := passport(zoneOf(t, mrz.TD3, "P")...)
	m := s.draw(t)
	defer m.Close()
	red := func(x, y, w, h int) {
		gocv.Rectangle(&m, image.Rect(x, y, x+w, y+h), colour(200, 30, 30), -1)
	}
	red(20, 300, 60, 200) // somebody behind the document
	d, err := r.Read(context.Background(), []gocv.Mat{m})
	require.NoError(t, err)
	assert.Nil(t, d.Portrait)
	red(220, 300, 110, 140) // on it
	for _, turn := range []int{0, 90} {
		w, err := picture.Turn(m, turn)
		require.NoError(t, err)
		d, err := r.Read(context.Background(), []gocv.Mat{w})
		w.Close()
		require.NoError(t, err)
		require.NotNil(t, d.Portrait, "turned by %d", turn)
		p := decode(t, d.Portrait)
		assert.Equal(t, p.Cols(), d.PortraitFace.Width)
		b := d.PortraitFace.Box
		assert.InDelta(t, 110, (b.X2-b.X1)*float64(p.Cols()), 8)
		assert.InDelta(t, 140, (b.Y2-b.Y1)*float64(p.Rows()), 8)
		assert.InDelta(t, .5, (b.X1+b.X2)/2, .05)
		p.Close()
	}
}

func TestGlance(t *testing.T) {
	s := passport(zoneOf(t, mrz.TD3, "P")...)
	good := s.draw(t)
	defer good.Close()
	s.pxmm = 3
	far := s.draw(t)
	defer far.Close()
	soft := gocv.NewMat()
	defer soft.Close()
	gocv.GaussianBlur(good, &soft, image.Pt(0, 0), 4, 4, gocv.BorderDefault)
	cut := good.Region(image.Rect(300, 0, 1280, 900))
	defer cut.Close()
	for name, c := range map[string]struct {
		m    gocv.Mat
		hint models.HintCode
	}{
		"a document that fills the frame well": {good, models.HintNone},
		"a document far away":                  {far, models.HintTooFar},
		"a blurred document":                   {soft, models.HintBlur},
		"a document that leaves the frame":     {cut.Clone(), models.HintCutOff},
		"an empty table":                       {plain(90), models.HintNoDocument},
		"a black frame":                        {plain(0), models.HintDark},
		"a white frame":                        {plain(255), models.HintBright},
	} {
		t.Run(name, func(t *testing.T) {
			g, err := reader(t).Glance(context.Background(), c.m)
			require.NoError(t, err)
			assert.Equal(t, c.hint, g.Hint)
			assert.Equal(t, c.m.Cols(), g.Width)
		})
	}
}

func TestVersionsNameAllNetworks(t *testing.T) {
	v := reader(t).Versions()
	for _, name := range []string{"text-detect", "text-read", "mrz"} {
		assert.Len(t, v[name], 12, name)
	}
}

func TestOpenNamesWhatIsMissing(t *testing.T) {
	_, err := document.Open(t.TempDir(), nil)
	require.ErrorIs(t, err, models.ErrModel)
}
