package document_test

import (
	"image"
	"image/color"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"

	"vestibule/models/document"
	"vestibule/models/manifest"
	"vestibule/models/mrz"
	"vestibule/models/specimen"
)

var open = sync.OnceValues(func() (*document.Reader, error) { return document.Open(manifest.Dir(), nil) })

func reader(tb testing.TB) *document.Reader {
	tb.Helper()
	r, err := open()
	require.NoError(tb, err, "tests of this package read with the real networks: go run ./models/fetch")
	return r
}

var printer = sync.OnceValues(specimen.NewPrinter)

// sheet is a drawn document lying flat in the middle of a dark tray.
type sheet struct {
	specimen.Sheet
	pxmm float64
}

func passport(lines ...string) sheet {
	return sheet{specimen.Plain(mrz.TD3, []string{"UTOPIA PASSPORT", "ERIKSSON", "ANNA MARIA", "12 AUG 1974"}, lines...), 8}
}

func card(lines ...string) sheet {
	return sheet{specimen.Plain(mrz.TD1, []string{"UTOPIA"}, lines...), 10}
}

func smaller(l mrz.Layout, lines ...string) sheet {
	return sheet{specimen.Plain(l, nil, lines...), 9}
}

// text is a passport's page of print without a zone.
func text() sheet {
	return sheet{specimen.Plain(mrz.TD3, []string{"REPORT OF THE YEAR", "WITHOUT ANY ZONE", "ON THIS PAGE", "BUT SOME LINES", "OF PLAIN TEXT"}), 8}
}

// draw films the sheet, 1280 × 900.
func (s sheet) draw(tb testing.TB) gocv.Mat {
	tb.Helper()
	p, err := printer()
	require.NoError(tb, err, "install fonts-ocr-b")
	pic, err := p.Film(s.Sheet, specimen.Still(1280, 900, s.pxmm))
	require.NoError(tb, err)
	return pic.BGR
}

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
