package document_test

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"math"
	"math/rand/v2"
	"os"
	"sync"
	"testing"

	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/font/opentype"
	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"
	"golang.org/x/image/vector"

	"vestibule/models/document"
	"vestibule/models/manifest"
	"vestibule/models/mrz"
)

// ocrB is the typeface of the zone, from Debian's fonts-ocr-b.
const ocrB = "/usr/share/fonts/opentype/ocr-b/OCRB.otf"

// typeface reads the outlines; the reader of golang.org/x/image does not know the flex operators
// in them.
var typeface = sync.OnceValues(func() (*font.Face, error) {
	b, err := os.ReadFile(ocrB)
	if err != nil {
		return nil, err
	}
	return font.ParseTTF(bytes.NewReader(b))
})

// glyph draws one character with the left end of its baseline at x, y.
func glyph(img draw.Image, f *font.Face, r rune, x, y, em float64) {
	id, _ := f.NominalGlyph(r)
	outline, ok := f.GlyphData(id).(font.GlyphOutline)
	if !ok {
		return
	}
	k := em / float64(f.Upem())
	// A small field around the character; its corner is whole pixels.
	field := image.Rect(int(x-em/4), int(y-em), int(x+em), int(y+em/2))
	x, y = x-float64(field.Min.X), y-float64(field.Min.Y)
	z := vector.NewRasterizer(field.Dx(), field.Dy())
	for _, s := range outline.Segments {
		at := func(i int) (float32, float32) {
			return float32(x + float64(s.Args[i].X)*k), float32(y - float64(s.Args[i].Y)*k)
		}
		x0, y0 := at(0)
		x1, y1 := at(1)
		x2, y2 := at(2)
		switch s.Op {
		case opentype.SegmentOpMoveTo:
			z.ClosePath()
			z.MoveTo(x0, y0)
		case opentype.SegmentOpLineTo:
			z.LineTo(x0, y0)
		case opentype.SegmentOpQuadTo:
			z.QuadTo(x0, y0, x1, y1)
		case opentype.SegmentOpCubeTo:
			z.CubeTo(x0, y0, x1, y1, x2, y2)
		}
	}
	z.ClosePath()
	z.Draw(img, field, image.NewUniform(color.RGBA{25, 25, 30, 255}), image.Point{})
}

var open = sync.OnceValues(func() (*document.Reader, error) { return document.Open(manifest.Dir(), nil) })

func reader(tb testing.TB) *document.Reader {
	tb.Helper()
	r, err := open()
	require.NoError(tb, err, "tests of this package read with the real networks: go run ./models/fetch")
	return r
}

// sheet is a drawn document lying on a table.
type sheet struct {
	lines         []string
	widthMM, high float64
	left, bottom  float64 // of the zone, ICAO 9303
	pxmm          float64
	print         []string // the visual zone
}

func passport(lines ...string) sheet {
	return sheet{lines: lines, widthMM: 125, high: 88, left: 6, bottom: 9.4, pxmm: 8, print: []string{"UTOPIA PASSPORT", "ERIKSSON", "ANNA MARIA", "12 AUG 1974"}}
}

func card(lines ...string) sheet {
	return sheet{lines: lines, widthMM: 85.6, high: 54, left: 4, bottom: 7.1, pxmm: 10, print: []string{"UTOPIA"}}
}

// draw prints the sheet in the middle of a dark table, 1280 × 900.
func (s sheet) draw(tb testing.TB) gocv.Mat {
	tb.Helper()
	f, err := typeface()
	require.NoError(tb, err, "install fonts-ocr-b")
	const w, h = 1280, 900
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	dice := rand.New(rand.NewPCG(1, 2))
	x0, y0 := (w-s.widthMM*s.pxmm)/2, (h-s.high*s.pxmm)/2
	for y := range h {
		for x := range w {
			mmx, mmy := (float64(x)-x0)/s.pxmm, (float64(y)-y0)/s.pxmm
			c := 40.0
			var tint float64
			if mmx >= 0 && mmy >= 0 && mmx < s.widthMM && mmy < s.high {
				c = 222 + 10*math.Sin(mmx*1.1+3*math.Sin(mmy*.4)) // guilloche
				tint = 12
			}
			c += dice.NormFloat64() * 3
			img.SetRGBA(x, y, color.RGBA{clamp(c - tint), clamp(c), clamp(c + tint), 255})
		}
	}
	write := func(text string, x, middle, pitch float64) {
		// OCR-B is ten characters an inch at 10 points: the em follows from the pitch.
		em := pitch * s.pxmm / .723
		for i, r := range text {
			glyph(img, f, r, x0+(x+float64(i)*pitch)*s.pxmm, y0+middle*s.pxmm+.36*em, em)
		}
	}
	for i, l := range s.print {
		write(l, s.widthMM*.4, 10+float64(i)*9, 2)
	}
	for i, l := range s.lines {
		write(l, s.left, s.high-s.bottom-float64(len(s.lines)-1-i)*6.35, 2.54)
	}
	m, err := gocv.ImageToMatRGB(img)
	require.NoError(tb, err)
	soft := gocv.NewMat()
	gocv.GaussianBlur(m, &soft, image.Pt(0, 0), .7, .7, gocv.BorderDefault)
	m.Close()
	return soft
}

func clamp(v float64) uint8 { return uint8(math.Max(0, math.Min(255, v))) }

// tilt turns a picture by some degrees about its middle, on the same table.
func tilt(m gocv.Mat, degrees float64) gocv.Mat {
	t := gocv.GetRotationMatrix2D(image.Pt(m.Cols()/2, m.Rows()/2), degrees, .75)
	defer t.Close()
	out := gocv.NewMat()
	gocv.WarpAffineWithParams(m, &out, t, image.Pt(m.Cols(), m.Rows()), gocv.InterpolationLinear, gocv.BorderConstant, color.RGBA{40, 40, 40, 0})
	return out
}

func plain(c float64) gocv.Mat {
	return gocv.NewMatWithSizeFromScalar(gocv.NewScalar(c, c, c, 0), 720, 1280, gocv.MatTypeCV8UC3)
}

func content(l mrz.Layout, code string) mrz.Content {
	return mrz.Content{
		Layout: l, Code: code, Issuer: "UTO", FamilyName: "Eriksson", GivenNames: "Anna Maria", Number: "L898902C3",
		Nationality: "UTO", Birth: "1974-08-12", Sex: "female", Expiry: "2032-04-15",
	}
}

func zoneOf(tb testing.TB, l mrz.Layout, code string) []string {
	tb.Helper()
	lines, err := mrz.Write(content(l, code))
	require.NoError(tb, err)
	return lines
}

func colour(r, g, b uint8) color.RGBA { return color.RGBA{r, g, b, 255} }
