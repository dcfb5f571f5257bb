package rig

import (
	"image"
	"math"

	"golang.org/x/image/draw"
	"golang.org/x/image/math/f64"
)

// Portrait is a picture of a person and where the face is in it. The box is a
// face detector's: from the forehead to the chin. Without one, the middle of the
// picture is taken for the face.
type Portrait struct {
	Image image.Image
	Face  image.Rectangle
	// Others are the boxes of other people's faces in the picture: what lies there
	// is kept out of the film.
	Others []image.Rectangle
	// Points are the 68 landmarks of the iBUG scheme in the picture's pixels. They
	// are needed only where the face is to move.
	Points []Point
	// Turn sets a tilted head upright: degrees counter-clockwise about the face's middle.
	Turn float64
}

// Point is a place in a picture, in its pixels.
type Point struct{ X, Y float64 }

func (p Portrait) face() image.Rectangle {
	if !p.Face.Empty() {
		return p.Face
	}
	b := p.Image.Bounds()
	side := min(b.Dx(), b.Dy()) / 2
	x, y := b.Min.X+b.Dx()/2, b.Min.Y+b.Dy()*45/100
	return image.Rect(x-side*4/10, y-side/2, x+side*4/10, y+side/2)
}

// upright returns the portrait turned by Turn.
func (p Portrait) upright() Portrait {
	if p.Turn == 0 || p.Image == nil {
		return p
	}
	f := p.face()
	cx, cy := float64(f.Min.X+f.Max.X)/2, float64(f.Min.Y+f.Max.Y)/2
	sin, cos := math.Sincos(p.Turn * math.Pi / 180)
	move := func(x, y float64) (float64, float64) {
		x, y = x-cx, y-cy
		return cx + cos*x + sin*y, cy - sin*x + cos*y
	}
	b := p.Image.Bounds()
	// What a film can show of it: the picture itself, and not more than five faces around.
	r := b.Inset(-f.Dy()).Intersect(image.Rect(int(cx)-5*f.Dy(), int(cy)-5*f.Dy(), int(cx)+5*f.Dy(), int(cy)+5*f.Dy()))
	padded := image.NewRGBA(r)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			padded.Set(x, y, p.Image.At(min(max(x, b.Min.X), b.Max.X-1), min(max(y, b.Min.Y), b.Max.Y-1)))
		}
	}
	out := image.NewRGBA(r)
	draw.Draw(out, r, padded, r.Min, draw.Src)
	draw.CatmullRom.Transform(out, f64.Aff3{cos, sin, cx - cos*cx - sin*cy, -sin, cos, cy + sin*cx - cos*cy}, padded, r, draw.Src, nil)
	q := p
	q.Image, q.Face, q.Turn, q.Others, q.Points = out, f, 0, nil, nil
	for _, o := range p.Others {
		x, y := move(float64(o.Min.X+o.Max.X)/2, float64(o.Min.Y+o.Max.Y)/2)
		q.Others = append(q.Others, image.Rect(int(x)-o.Dx()/2, int(y)-o.Dy()/2, int(x)+o.Dx()/2, int(y)+o.Dy()/2))
	}
	for _, k := range p.Points {
		x, y := move(k.X, k.Y)
		q.Points = append(q.Points, Point{x, y})
	}
	return q
}

// passport crops the portrait for a photo of w×h pixels, 35:45. 9303-3, 3.9 and
// ISO/IEC 39794-5 want the head, crown to chin, to fill 70 to 80 % of the
// height; a detector's box is about three quarters of a head.
func (p Portrait) passport(w, h int) *image.RGBA {
	p = p.upright()
	f := p.face()
	height := 1.78 * float64(f.Dy())
	width := height * float64(w) / float64(h)
	cx := float64(f.Min.X+f.Max.X) / 2
	top := float64(f.Min.Y) - .5*float64(f.Dy())
	return p.crop(cx-width/2, top, width, height, w, h)
}

// crop resamples a part of the picture; beyond its edges the edge repeats.
func (p Portrait) crop(x, y, width, height float64, w, h int) *image.RGBA {
	r := image.Rect(int(x), int(y), int(x+width+.5), int(y+height+.5))
	b := p.Image.Bounds()
	src := image.NewRGBA(r)
	draw.Draw(src, r, p.Image, r.Min, draw.Src)
	if !r.In(b) {
		for yy := r.Min.Y; yy < r.Max.Y; yy++ {
			for xx := r.Min.X; xx < r.Max.X; xx++ {
				if q := image.Pt(xx, yy); !q.In(b) {
					src.Set(xx, yy, p.Image.At(min(max(xx, b.Min.X), b.Max.X-1), min(max(yy, b.Min.Y), b.Max.Y-1)))
				}
			}
		}
	}
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.CatmullRom.Scale(dst, dst.Bounds(), src, r, draw.Src, nil)
	return dst
}
