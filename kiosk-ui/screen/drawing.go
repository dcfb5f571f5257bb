package screen

import (
	"image"
	"image/color"
	"math"

	"golang.org/x/image/vector"

	"vestibule/kiosk-ui/theme"
)

// welcome draws the picture of the attract screen, a passport and a face in a
// frame, on a grid of 860×760 that fills w×h pixels. It draws itself because the
// toolkit's SVG reader goes over every pixel once a path.
func welcome(p theme.Palette, w, h int) *image.RGBA {
	inner, lines, skin := color.NRGBA{R: 0x0d, G: 0x84, B: 0x72, A: 255}, p.BrandSoft, color.NRGBA{R: 0xf1, G: 0xe3, B: 0xcf, A: 255}
	card := color.NRGBA{R: 255, G: 255, B: 255, A: 255}
	if p.Strong {
		black := color.NRGBA{A: 255}
		inner, lines, skin, card = black, p.Brand, p.Ink, black
	}
	b := newBoard(w, h, float32(w)/860)

	b.box(70, 120, 430, 560, 30).fill(p.Brand)
	b.box(110, 160, 350, 480, 18).fill(inner)
	b.ellipse(285, 330, 78, 78)
	b.curve(14, true).fill(lines)
	b.line(207, 330, 363, 330)
	b.curve(10, false).fill(lines)
	for _, bulge := range []float64{-46, 46} {
		b.cubic(285, 252, 285+bulge, 298, 285+bulge, 362, 285, 408)
		b.curve(10, false).fill(lines)
	}
	b.box(165, 500, 240, 18, 9).fill(lines)
	b.box(195, 540, 180, 18, 9).fill(lines)

	b.box(463, 243, 344, 454, 46).fill(p.Ink)
	b.box(477, 257, 316, 426, 33).fill(card)
	b.ellipse(635, 405, 52, 52)
	b.shape().fill(skin)
	b.cubic(547, 548, 563, 456, 707, 456, 723, 548)
	b.shape().fill(skin)
	const dashes = 22
	for i := range dashes {
		from := 2 * math.Pi * float64(i) / dashes
		b.arc(635, 435, 96, 124, from, from+2*math.Pi/dashes*.54)
		b.curve(12, false).fill(p.Amber)
	}
	return b.img
}

// board is a picture that shapes are drawn into, smoothly. A shape is built from
// points and drawn in the part of the picture that it covers.
type board struct {
	img    *image.RGBA
	scale  float32
	points [][2]float64 // of the line being made, in grid units
	polys  [][][2]float64
}

func newBoard(w, h int, scale float32) *board {
	return &board{img: image.NewRGBA(image.Rect(0, 0, w, h)), scale: scale}
}

func (b *board) add(x, y float64) { b.points = append(b.points, [2]float64{x, y}) }

func (b *board) line(x1, y1, x2, y2 float64) {
	b.add(x1, y1)
	b.add(x2, y2)
}

func (b *board) arc(cx, cy, rx, ry, from, to float64) {
	n := max(3, int(math.Ceil((to-from)*16)))
	for i := range n + 1 {
		t := from + (to-from)*float64(i)/float64(n)
		b.add(cx+rx*math.Cos(t), cy+ry*math.Sin(t))
	}
}

func (b *board) ellipse(cx, cy, rx, ry float64) {
	b.arc(cx, cy, rx, ry, 0, 2*math.Pi)
	b.points = b.points[:len(b.points)-1]
}

func (b *board) cubic(x0, y0, x1, y1, x2, y2, x3, y3 float64) {
	for i := range 25 {
		t := float64(i) / 24
		u := 1 - t
		b.add(u*u*u*x0+3*u*u*t*x1+3*u*t*t*x2+t*t*t*x3, u*u*u*y0+3*u*u*t*y1+3*u*t*t*y2+t*t*t*y3)
	}
}

// box is a rectangle with round corners.
func (b *board) box(x, y, w, h, r float64) *board {
	b.arc(x+w-r, y+r, r, r, -math.Pi/2, 0)
	b.arc(x+w-r, y+h-r, r, r, 0, math.Pi/2)
	b.arc(x+r, y+h-r, r, r, math.Pi/2, math.Pi)
	b.arc(x+r, y+r, r, r, math.Pi, 3*math.Pi/2)
	return b.shape()
}

// shape closes the points to a filled shape.
func (b *board) shape() *board {
	b.polys = append(b.polys, b.points)
	b.points = nil
	return b
}

// curve gives the points a stroke: a quadrangle a piece and a disc a joint, all
// turning the same way, so that overlaps stay filled.
func (b *board) curve(width float64, closed bool) *board {
	pts := b.points
	b.points = nil
	r := width / 2
	n := len(pts)
	for i, p := range pts {
		b.ellipse(p[0], p[1], r, r)
		b.shape()
		if i == n-1 && !closed {
			break
		}
		q := pts[(i+1)%n]
		dx, dy := q[0]-p[0], q[1]-p[1]
		l := math.Hypot(dx, dy)
		if l == 0 {
			continue
		}
		ox, oy := -dy/l*r, dx/l*r
		b.polys = append(b.polys, [][2]float64{{p[0] - ox, p[1] - oy}, {q[0] - ox, q[1] - oy}, {q[0] + ox, q[1] + oy}, {p[0] + ox, p[1] + oy}})
	}
	return b
}

// fill draws what was built in a colour and begins anew.
func (b *board) fill(c color.NRGBA) {
	x0, y0, x1, y1 := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, poly := range b.polys {
		for _, p := range poly {
			x0, y0, x1, y1 = min(x0, p[0]), min(y0, p[1]), max(x1, p[0]), max(y1, p[1])
		}
	}
	s := float64(b.scale)
	area := image.Rect(int(x0*s)-1, int(y0*s)-1, int(x1*s)+2, int(y1*s)+2).Intersect(b.img.Rect)
	if area.Empty() {
		b.polys = nil
		return
	}
	r := vector.NewRasterizer(area.Dx(), area.Dy())
	for _, poly := range b.polys {
		for i, p := range poly {
			x, y := float32(p[0]*s)-float32(area.Min.X), float32(p[1]*s)-float32(area.Min.Y)
			if i == 0 {
				r.MoveTo(x, y)
			} else {
				r.LineTo(x, y)
			}
		}
		r.ClosePath()
	}
	r.Draw(b.img, area, image.NewUniform(c), image.Point{})
	b.polys = nil
}
