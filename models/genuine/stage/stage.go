// Package stage draws documents as a kiosk's camera sees them, genuine ones and attacks
// on them: shown on a screen, printed on paper, with another portrait put in. Tests
// and the evaluation look at what it draws.
//
// The way of a picture: a document's flat picture is laid onto a ground in perspective,
// softened by a lens, overlaid with what a display or a press adds (as Fourier series,
// each term weakened by lens and pixel aperture and then sampled at the pixels' centres,
// so that moiré comes about as it does in a camera), lit unevenly, given shot and read
// noise behind a Bayer mosaic, and put together again. The same seed gives the same pixels.
//
// What may live here: making such pictures. What may not: looking at them. They show
// that a measure sees what it is meant to see; how real attacks fare, only real
// attacks can show.
package stage

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"math/rand/v2"

	"gocv.io/x/gocv"

	"vestibule/models"
	"vestibule/models/picture"
)

// Ground is what lies around a document.
type Ground int

// The grounds. Tray is matt and black, Paper a white sheet larger than the document.
const (
	Tray Ground = iota
	Desk
	Wood
	Paper
	grounds
)

// Shot is how a document is filmed. The zero value of a field is a value to be drawn from the seed.
type Shot struct {
	Width, Height int     // of the frame; default 1280 × 720
	Seed          uint64  // of everything that is random
	LongMM        float64 // longer side of the document; default 125, a passport's page
	Ground        *Ground
	Turn          *float64 // degrees, clockwise
	Share         float64  // of the frame's width that the document takes
	Glare         *bool    // a lamp's reflection on a laminated surface
	Noise         float64  // deviation of the darkest pixels, grey levels
	Blur          float64  // of the lens, deviation in pixels
	Moment        uint64   // of a film: 0 is its first frame, others show the same scene a little later
}

// view is a Shot with everything drawn.
type view struct {
	Shot
	dice   *rand.Rand
	ground Ground
	turn   float64
	glare  bool
	quad   [4]gocv.Point2f // of the document in the frame
	mm     float64         // of the document's picture, a pixel
	flat   gocv.Mat        // the document's picture at about the frame's resolution
	later  *later          // what changed since a film's first frame; nil in that frame
}

func (s Shot) view(doc gocv.Mat) (*view, error) {
	if err := picture.BGR(doc); err != nil {
		return nil, err
	}
	if s.Width == 0 && s.Height == 0 {
		s.Width, s.Height = 1280, 720
	}
	if s.Width < 160 || s.Height < 120 || s.Width > 4096 || s.Height > 4096 {
		return nil, fmt.Errorf("frame of %d × %d is out of bounds", s.Width, s.Height)
	}
	if doc.Cols() < models.MinFrameSide || doc.Rows() < models.MinFrameSide {
		return nil, fmt.Errorf("document of %d × %d is too small", doc.Cols(), doc.Rows())
	}
	v := &view{Shot: s, dice: rand.New(rand.NewPCG(s.Seed, 0x57a6e))}
	if v.LongMM == 0 {
		v.LongMM = 125
	}
	v.ground = Ground(v.dice.IntN(int(grounds)))
	if s.Ground != nil {
		v.ground = *s.Ground
	}
	v.turn = v.between(-5, 5)
	if s.Turn != nil {
		v.turn = *s.Turn
	}
	v.glare = v.dice.Float64() < .25
	if s.Glare != nil {
		v.glare = *s.Glare
	}
	v.Share = orElse(s.Share, v.between(.58, .78))
	v.Noise = orElse(s.Noise, v.between(1.2, 3))
	v.Blur = orElse(s.Blur, v.between(.45, .85))
	w := v.Share * float64(v.Width)
	h := w * float64(doc.Rows()) / float64(doc.Cols())
	if most := .8 * float64(v.Height); h > most {
		w, h = w*most/h, most
	}
	var err error
	if v.flat, err = picture.Resize(doc, max(models.MinFrameSide, int(w)), max(models.MinFrameSide, int(h))); err != nil {
		return nil, err
	}
	v.mm = v.LongMM / math.Max(float64(v.flat.Cols()), float64(v.flat.Rows()))
	v.quad = v.lay(w, h)
	if v.Moment > 0 {
		v.later = newLater(v.Seed, v.Moment)
		for i := range v.quad {
			v.quad[i].X += v.later.shift[0]
			v.quad[i].Y += v.later.shift[1]
		}
	}
	return v, nil
}

func orElse(given, drawn float64) float64 {
	if given != 0 {
		return given
	}
	return drawn
}

func (v *view) between(lo, hi float64) float64 { return lo + (hi-lo)*v.dice.Float64() }

// lay puts a rectangle of w × h pixels into the frame: turned, shifted, a little in perspective.
func (v *view) lay(w, h float64) [4]gocv.Point2f {
	cx, cy := float64(v.Width)/2+v.between(-.02, .02)*float64(v.Width), float64(v.Height)/2+v.between(-.02, .02)*float64(v.Height)
	sin, cos := math.Sincos(v.turn * math.Pi / 180)
	lean := [2]float64{v.between(-.03, .03), v.between(-.03, .03)}
	var q [4]gocv.Point2f
	for i, c := range [4][2]float64{{-.5, -.5}, {.5, -.5}, {.5, .5}, {-.5, .5}} {
		k := 1 / (1 + lean[0]*c[0] + lean[1]*c[1])
		x, y := c[0]*w*k, c[1]*h*k
		q[i] = gocv.Point2f{X: float32(cx + cos*x - sin*y), Y: float32(cy + sin*x + cos*y)}
	}
	return q
}

// warp is a homography, row by row.
type warp [9]float64

func (h warp) at(x, y float64) (float64, float64) {
	k := 1 / (h[6]*x + h[7]*y + h[8])
	return (h[0]*x + h[1]*y + h[2]) * k, (h[3]*x + h[4]*y + h[5]) * k
}

// between4 takes the corners of a w × h picture to q, or with back the other way round.
func between4(w, h float64, q [4]gocv.Point2f, back bool) (warp, gocv.Mat) {
	flat := gocv.NewPoint2fVectorFromPoints([]gocv.Point2f{{}, {X: float32(w)}, {X: float32(w), Y: float32(h)}, {Y: float32(h)}})
	defer flat.Close()
	lying := gocv.NewPoint2fVectorFromPoints(q[:])
	defer lying.Close()
	var t gocv.Mat
	if back {
		t = gocv.GetPerspectiveTransform2f(lying, flat)
	} else {
		t = gocv.GetPerspectiveTransform2f(flat, lying)
	}
	var out warp
	for i := range out {
		out[i] = t.GetDoubleAt(i/3, i%3)
	}
	return out, t
}

// put lays m into the frame.
func put(frame *gocv.Mat, m gocv.Mat, q [4]gocv.Point2f) {
	_, t := between4(float64(m.Cols()), float64(m.Rows()), q, false)
	defer t.Close()
	// OpenCV's transparent border leaves what lies outside as it is.
	gocv.WarpPerspectiveWithParams(m, frame, t, image.Pt(frame.Cols(), frame.Rows()), gocv.InterpolationLinear, gocv.BorderTransparent, color.RGBA{})
}

// grown is q, around its middle, larger by a margin in millimetres on each side.
func (v *view) grown(margins [4]float64) (m [4]gocv.Point2f) {
	w, h := float64(v.flat.Cols()), float64(v.flat.Rows())
	to, t := between4(w, h, v.quad, false)
	t.Close()
	l, u, r, d := margins[0]/v.mm, margins[1]/v.mm, margins[2]/v.mm, margins[3]/v.mm
	for i, c := range [4][2]float64{{-l, -u}, {w + r, -u}, {w + r, h + d}, {-l, h + d}} {
		x, y := to.at(c[0], c[1])
		m[i] = gocv.Point2f{X: float32(x), Y: float32(y)}
	}
	return m
}

// fill paints the shape q.
func fill(frame *gocv.Mat, q [4]gocv.Point2f, c color.RGBA) {
	var at []image.Point
	for _, p := range q {
		at = append(at, image.Pt(int(math.Round(float64(p.X))), int(math.Round(float64(p.Y)))))
	}
	shape := gocv.NewPointsVectorFromPoints([][]image.Point{at})
	defer shape.Close()
	gocv.FillPoly(frame, shape, c)
}

func grey(v float64) color.RGBA { g := clamp(v); return color.RGBA{g, g, g, 255} }

func clamp(v float64) uint8 { return uint8(math.Max(0, math.Min(255, v+.5))) }

// scene draws the ground and, with thick, the shadow of a document of some thickness.
func (v *view) scene(around [4]gocv.Point2f, thick bool) gocv.Mat {
	m := gocv.NewMatWithSize(v.Height, v.Width, gocv.MatTypeCV8UC3)
	switch v.ground {
	case Tray:
		m.SetTo(gocv.NewScalar(34, 33, 32, 0))
	case Desk:
		g := v.between(90, 190)
		m.SetTo(gocv.NewScalar(g*v.between(.9, 1.02), g, g*v.between(.98, 1.06), 0))
	case Paper:
		m.SetTo(gocv.NewScalar(120, 130, 140, 0))
		fill(&m, v.grown([4]float64{v.between(20, 60), v.between(15, 40), v.between(20, 60), v.between(40, 120)}), grey(v.between(215, 240)))
	default:
		v.wood(&m)
	}
	if thick {
		v.shadow(&m, around)
	}
	return m
}

func (v *view) wood(m *gocv.Mat) {
	pix, err := m.DataPtrUint8()
	if err != nil {
		return
	}
	a, b, c := v.between(.01, .05), v.between(.1, .3), v.between(2, 9)
	for y := range v.Height {
		for x := range v.Width {
			g := 14*math.Sin(float64(y)*b+c*math.Sin(float64(x)*a*.2)) + 8*math.Sin(float64(y)*b*3.1+float64(x)*a)
			i := 3 * (y*v.Width + x)
			pix[i], pix[i+1], pix[i+2] = clamp(70+g), clamp(105+g), clamp(140+g)
		}
	}
}

// shadow darkens a soft strip on the side that is turned away from the lamp.
func (v *view) shadow(m *gocv.Mat, around [4]gocv.Point2f) {
	mask := gocv.NewMatWithSize(v.Height, v.Width, gocv.MatTypeCV8UC3)
	defer mask.Close()
	mask.SetTo(gocv.NewScalar(255, 255, 255, 0))
	a, d := v.between(0, 2*math.Pi), v.between(.7, 1.6)/v.mm
	for i := range around {
		around[i].X += float32(d * math.Cos(a))
		around[i].Y += float32(d * math.Sin(a))
	}
	fill(&mask, around, grey(v.between(110, 170)))
	gocv.GaussianBlur(mask, &mask, image.Pt(0, 0), .4/v.mm, .4/v.mm, gocv.BorderDefault)
	gocv.MultiplyWithParams(*m, mask, m, 1.0/255, gocv.MatTypeCV8UC3)
}

// overlay changes the light of one pixel of the frame, given in parts of the document's
// picture: millimetres from its upper left corner. c is 0 for blue, 1 green, 2 red.
type overlay func(xmm, ymm float64, bgr *[3]float64)

// shoot is the camera. over is applied inside q, whose size is w × h millimetres.
func (v *view) shoot(base gocv.Mat, q [4]gocv.Point2f, w, h float64, over overlay) (gocv.Mat, error) {
	gocv.GaussianBlur(base, &base, image.Pt(0, 0), v.Blur, v.Blur, gocv.BorderDefault)
	pix, err := base.DataPtrUint8()
	if err != nil {
		return gocv.Mat{}, err
	}
	to, t := between4(w, h, q, true)
	t.Close()
	mosaic := gocv.NewMatWithSize(v.Height, v.Width, gocv.MatTypeCV8UC1)
	defer mosaic.Close()
	raw, err := mosaic.DataPtrUint8()
	if err != nil {
		return gocv.Mat{}, err
	}
	var normal [4096]float64
	for i := range normal {
		normal[i] = v.dice.NormFloat64()
	}
	fall := [3]float64{v.between(-.12, .12), v.between(-.12, .12), v.between(.95, 1.05)}
	cast := [3]float64{v.between(.94, 1.04), 1, v.between(.97, 1.04)}
	lamp := [4]float64{v.between(.3, .7), v.between(.3, .7), v.between(.03, .08), v.between(120, 220)}
	if v.later != nil {
		v.dice = v.later.dice
		lamp[0], lamp[1], lamp[3] = lamp[0]+v.later.lamp[0], lamp[1]+v.later.lamp[1], lamp[3]*v.later.lamp[2]
		for c := range cast {
			cast[c] *= v.later.exposure
		}
	}
	for y := range v.Height {
		for x := range v.Width {
			i := 3 * (y*v.Width + x)
			p := [3]float64{float64(pix[i]), float64(pix[i+1]), float64(pix[i+2])}
			if over != nil {
				if a, b := to.at(float64(x)+.5, float64(y)+.5); a >= 0 && b >= 0 && a < w && b < h {
					over(a, b, &p)
				}
			}
			u, n := float64(x)/float64(v.Width)-.5, float64(y)/float64(v.Height)-.5
			// The mosaic: blue and green in one row, green and red in the next.
			c := 2 * (y & 1)
			if x&1 != y&1 {
				c = 1
			}
			level := p[c] * cast[c] * (fall[2] + fall[0]*u + fall[1]*n)
			if v.later != nil {
				level *= v.later.shade(u, n)
			}
			if v.glare {
				d := math.Hypot(u+.5-lamp[0], (n+.5-lamp[1])*float64(v.Height)/float64(v.Width)) / lamp[2]
				level += lamp[3] * math.Exp(-d*d*d*d)
			}
			level += normal[v.dice.Uint32()&4095] * v.Noise * math.Sqrt(1+math.Max(0, level)/80)
			raw[y*v.Width+x] = clamp(level)
		}
	}
	out := gocv.NewMat()
	gocv.CvtColor(mosaic, &out, gocv.ColorBayerRGToBGR)
	return out, nil
}

// Genuine films a document itself.
func Genuine(doc gocv.Mat, s Shot) (gocv.Mat, error) {
	v, err := s.view(doc)
	if err != nil {
		return gocv.Mat{}, err
	}
	defer v.flat.Close()
	m := v.scene(v.quad, true)
	defer m.Close()
	put(&m, v.flat, v.quad)
	return v.shoot(m, v.quad, 1, 1, nil)
}
