// Package cardback draws the back of a card with a PDF417 symbol, as a camera would see it.
//
// What may live here: drawing for tests, benchmarks and measurements. What may not:
// anything the product needs to run, and data of real people.
package cardback

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"math"
	"math/rand/v2"

	"github.com/boombuler/barcode/code128"
	"github.com/boombuler/barcode/pdf417"
	"gocv.io/x/gocv"

	"vestibule/models"
)

// Card is a card and how it is seen.
type Card struct {
	Data   string  // empty: a back side without a symbol
	Level  byte    // of error correction, 0..8, or the next one that the encoder draws right; AAMVA asks for 3 at least and recommends 5
	Module float64 // pixels in the frame that the narrowest bar is wide
	Turn   float64 // degrees, clockwise as seen
	Lean   float64 // share by which the far side is smaller than the near one, 0..0.3
	Blur   float64 // sigma in pixels of the frame
	Noise  float64 // sigma in grey levels, each pixel of its own
	Width  int     // of the frame
	Height int
}

// grain is how many pixels a module has where the card is drawn flat, before it is filmed.
const grain = 6

// rowHeight of the symbol, in modules (AAMVA DL/ID Card Design Standard, annex D: three at least).
const rowHeight = 3

// encoderRow is how many pixels high the encoder draws a row.
const encoderRow = 2

// Draw makes the frame (BGR) and tells where the symbol is in it. The caller closes the frame.
func (c Card) Draw(dice *rand.Rand) (gocv.Mat, models.Quad, error) {
	flat, symbol, err := c.flat()
	if err != nil {
		return gocv.Mat{}, models.Quad{}, err
	}
	whole, err := gocv.ImageGrayToMatGray(flat)
	if err != nil {
		return gocv.Mat{}, models.Quad{}, fmt.Errorf("draw a card: %w", err)
	}
	defer whole.Close()

	// Where the corners of a flat thing go: turned about the middle, the far side smaller.
	b := flat.Bounds()
	sin, cos := math.Sincos(c.Turn * math.Pi / 180)
	film := func(x, y float64) (float64, float64) {
		u, v := (x-float64(b.Dx())/2)*c.Module/grain, (y-float64(b.Dy())/2)*c.Module/grain
		depth := 1 + c.Lean*(.5-y/float64(b.Dy()))
		u, v = u/depth, v/depth
		return float64(c.Width)/2 + u*cos - v*sin, float64(c.Height)/2 + u*sin + v*cos
	}
	var drawn, filmed []gocv.Point2f
	for _, p := range corners(b) {
		x, y := film(float64(p.X), float64(p.Y))
		drawn = append(drawn, gocv.Point2f{X: float32(p.X), Y: float32(p.Y)})
		filmed = append(filmed, gocv.Point2f{X: float32(x), Y: float32(y)})
	}
	from, to := gocv.NewPoint2fVectorFromPoints(drawn), gocv.NewPoint2fVectorFromPoints(filmed)
	defer func() { from.Close(); to.Close() }()
	warp := gocv.GetPerspectiveTransform2f(from, to)
	defer warp.Close()
	// Filming is a mean over what falls on one pixel.
	if k := grain / c.Module; k > 1 {
		gocv.GaussianBlur(whole, &whole, image.Pt(0, 0), k/3, k/3, gocv.BorderReplicate)
	}
	seen := gocv.NewMat()
	defer seen.Close()
	gocv.WarpPerspectiveWithParams(whole, &seen, warp, image.Pt(c.Width, c.Height), gocv.InterpolationLinear, gocv.BorderConstant, color.RGBA{70, 70, 70, 0})
	if c.Blur > 0 {
		gocv.GaussianBlur(seen, &seen, image.Pt(0, 0), c.Blur, c.Blur, gocv.BorderReplicate)
	}
	pix, err := seen.DataPtrUint8()
	if err != nil {
		return gocv.Mat{}, models.Quad{}, fmt.Errorf("draw a card: %w", err)
	}
	for i := range pix {
		// Light comes from one side.
		light := .82 + .18*float64(i%c.Width)/float64(c.Width)
		pix[i] = uint8(max(0, min(255, float64(pix[i])*light+dice.NormFloat64()*c.Noise)))
	}
	out := gocv.NewMat()
	gocv.CvtColor(seen, &out, gocv.ColorGrayToBGR)
	var at models.Quad
	for i, p := range corners(symbol) {
		x, y := film(float64(p.X), float64(p.Y))
		at[i] = models.Point{X: x / float64(c.Width), Y: y / float64(c.Height)}
	}
	return out, at, nil
}

func corners(r image.Rectangle) [4]image.Point {
	return [4]image.Point{r.Min, {r.Max.X, r.Min.Y}, r.Max, {r.Min.X, r.Max.Y}}
}

// flat draws the card: a magnetic stripe, the symbol, lines of print and a bar code of
// another kind, as such cards have.
func (c Card) flat() (*image.Gray, image.Rectangle, error) {
	wide, high := 342, 216 // 85.6 × 54 mm (ISO/IEC 7810 ID-1) in modules of .25 mm
	symbolWide, symbolHigh := 0, 0
	var bits image.Image
	if c.Data != "" {
		code, err := encode(c.Data, c.Level)
		if err != nil {
			return nil, image.Rectangle{}, err
		}
		bits = code
		symbolWide, symbolHigh = code.Bounds().Dx(), code.Bounds().Dy()/encoderRow*rowHeight
		wide, high = max(wide, symbolWide+30), max(high, symbolHigh+110)
	}
	img := image.NewGray(image.Rect(0, 0, wide*grain, high*grain))
	fill(img, img.Bounds(), 226)
	fill(img, image.Rect(0, 8*grain, wide*grain, 40*grain), 45)
	symbol := image.Rect(15, 50, 15+symbolWide, 50+symbolHigh)
	for y := symbol.Min.Y; y < symbol.Max.Y; y++ {
		for x := symbol.Min.X; x < symbol.Max.X; x++ {
			if r, _, _, _ := bits.At(x-symbol.Min.X, (y-symbol.Min.Y)/rowHeight*encoderRow).RGBA(); r < 0x8000 {
				fill(img, image.Rect(x*grain, y*grain, (x+1)*grain, (y+1)*grain), 28)
			}
		}
	}
	if err := c.print(img, 58+symbolHigh, high-22); err != nil {
		return nil, image.Rectangle{}, err
	}
	inventory, err := code128.Encode("V0042-1987")
	if err != nil {
		return nil, image.Rectangle{}, fmt.Errorf("encode the other bar code: %w", err)
	}
	for x := range inventory.Bounds().Dx() {
		if r, _, _, _ := inventory.At(x, 0).RGBA(); r < 0x8000 {
			fill(img, image.Rect((20+x)*grain, (high-18)*grain, (21+x)*grain, (high-4)*grain), 28)
		}
	}
	return img, image.Rectangle{Min: symbol.Min.Mul(grain), Max: symbol.Max.Mul(grain)}, nil
}

// encode makes the symbol. The encoder's left row indicators tell the number of rows
// as ISO/IEC 15438 wants it only when that is a multiple of three, so
// the next level is taken at which it is.
func encode(data string, level byte) (image.Image, error) {
	var err error
	for i := range byte(9) {
		code, e := pdf417.Encode(data, (level+i)%9)
		if e == nil && code.Bounds().Dy()/encoderRow%3 == 0 {
			return code, nil
		}
		err = errors.Join(err, e)
	}
	return nil, fmt.Errorf("encode a symbol: %w", errors.Join(errors.New("no level of error correction gives a multiple of three rows"), err))
}

// print writes lines of small type between two heights, in modules.
func (c Card) print(img *image.Gray, from, to int) error {
	m, err := gocv.ImageGrayToMatGray(img)
	if err != nil {
		return fmt.Errorf("print on a card: %w", err)
	}
	defer m.Close()
	lines := []string{"CLASS D  NON-COMMERCIAL SINGLE VEHICLE", "RESTRICTIONS  B CORRECTIVE LENSES", "ENDORSEMENTS  NONE", "ORGAN DONOR  REV 08/2016"}
	for i, l := range lines {
		y := from + 10*(i+1)
		if y > to {
			break
		}
		gocv.PutText(&m, l, image.Pt(16*grain, y*grain), gocv.FontHersheySimplex, 1.4, color.RGBA{60, 60, 60, 0}, 3)
	}
	copy(img.Pix, m.ToBytes())
	return nil
}

func fill(img *image.Gray, r image.Rectangle, c uint8) {
	r = r.Intersect(img.Bounds())
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := img.Pix[y*img.Stride+r.Min.X : y*img.Stride+r.Max.X]
		for x := range row {
			row[x] = c
		}
	}
}
