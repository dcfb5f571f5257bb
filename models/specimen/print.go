package specimen

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"math/rand/v2"

	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/font/opentype"
	"golang.org/x/image/draw"
	"golang.org/x/image/vector"
)

// Bounds of a print, so that no sheet fills the memory.
const (
	leastPxMM = 1
	mostSide  = 6000 // pixels
)

// Advance of a character of OCR-B in parts of the em: ten an inch follow from it.
const advanceOCRB = .723

// capitals is how high a capital of the other typeface is, in parts of the em.
const capitals = .72

var (
	black = color.RGBA{25, 25, 30, 255}
	faint = color.RGBA{70, 74, 84, 255}
)

// Render prints a sheet flat: Width × Height millimetres at pxmm pixels each.
func (p *Printer) Render(s Sheet, pxmm float64) (*image.RGBA, error) {
	w, h := int(math.Round(s.Width*pxmm)), int(math.Round(s.Height*pxmm))
	if !(pxmm >= leastPxMM) || w < 16 || h < 16 || w > mostSide || h > mostSide {
		return nil, fmt.Errorf("print a specimen: %d × %d pixels at %g px/mm", w, h, pxmm)
	}
	f, err := p.faces()
	if err != nil {
		return nil, err
	}
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	dice := rand.New(rand.NewPCG(s.Seed, 1))
	guilloche(img, s, pxmm, dice)
	if s.Room.W > 0 {
		r := s.Room.pixels(pxmm)
		if s.Portrait != nil {
			draw.CatmullRom.Scale(img, r, s.Portrait, s.Portrait.Bounds(), draw.Src, nil)
		} else {
			bust(img, r, dice)
		}
	}
	if s.Stripes.W > 0 {
		stripes(img, s.Stripes, pxmm, dice)
	}
	if s.Chip {
		contact(img, Area{9, 19, 12, 10}.pixels(pxmm))
	}
	dark := luma(s.Paper) < 140
	for _, t := range s.Print {
		face, ink := f.plain, faint
		if t.Bold {
			face, ink = f.bold, black
		}
		if dark {
			ink = color.RGBA{230, 230, 225, 255}
		}
		em := t.High * pxmm / capitals
		x := t.X * pxmm
		for _, r := range t.Say {
			id, ok := face.NominalGlyph(r)
			if !ok {
				continue
			}
			glyph(img, face, id, ink, x, t.Y*pxmm, em)
			x += float64(face.HorizontalAdvance(id)) * em / float64(face.Upem())
		}
	}
	em := pitchMM * pxmm / advanceOCRB
	for i, l := range s.Lines {
		middle := s.Height - s.Bottom - float64(len(s.Lines)-1-i)*leadingMM
		for j, r := range l {
			id, ok := f.zone.NominalGlyph(r)
			if !ok {
				return nil, fmt.Errorf("print a specimen: the zone has a character that its typeface lacks")
			}
			glyph(img, f.zone, id, black, (s.Left+float64(j)*pitchMM)*pxmm, middle*pxmm+.36*em, em)
		}
	}
	return img, nil
}

func (a Area) pixels(pxmm float64) image.Rectangle {
	at := func(v float64) int { return int(math.Round(v * pxmm)) }
	return image.Rect(at(a.X), at(a.Y), at(a.X+a.W), at(a.Y+a.H))
}

func luma(c color.RGBA) float64 {
	return .299*float64(c.R) + .587*float64(c.G) + .114*float64(c.B)
}

// guilloche fills the paper with two families of fine wavy lines.
func guilloche(img *image.RGBA, s Sheet, pxmm float64, dice *rand.Rand) {
	const steps = 4096
	var wave [steps]float64
	for i := range wave {
		wave[i] = math.Sin(2 * math.Pi * float64(i) / steps)
	}
	sin := func(v float64) float64 { return wave[int(v*steps/(2*math.Pi))&(steps-1)] }
	a, b := 2.5+3*dice.Float64(), 2.5+3*dice.Float64()
	c, d := .2+.5*dice.Float64(), 1+4*dice.Float64()
	plain := s.Ink == (color.RGBA{})
	w, h := img.Rect.Dx(), img.Rect.Dy()
	across := make([]float64, w)
	for x := range across {
		across[x] = d * sin(c*float64(x)/pxmm)
	}
	for y := range h {
		my := float64(y) / pxmm
		down := d * sin(c*my+1)
		row := img.Pix[y*img.Stride:]
		for x := range w {
			k := 0.0
			if !plain {
				mx := float64(x) / pxmm
				u, v := sin(a*mx+down), sin(b*my+across[x])
				k = .25 + .25*u*u*u*u + .5*v*v*v*v
			}
			row[4*x] = mix(s.Paper.R, s.Ink.R, k)
			row[4*x+1] = mix(s.Paper.G, s.Ink.G, k)
			row[4*x+2] = mix(s.Paper.B, s.Ink.B, k)
			row[4*x+3] = 255
		}
	}
}

func mix(a, b uint8, k float64) uint8 { return uint8(float64(a) + (float64(b)-float64(a))*k) }

// glyph draws one character with the left end of its baseline at x, y.
func glyph(img draw.Image, f *font.Face, id font.GID, ink color.Color, x, y, em float64) {
	outline, ok := f.GlyphData(id).(font.GlyphOutline)
	if !ok {
		return
	}
	k := em / float64(f.Upem())
	// A small field around the character; its corner is whole pixels.
	field := image.Rect(int(x-em/4), int(y-em), int(x+1.2*em)+1, int(y+em/2)+1)
	if !field.In(img.Bounds()) { // the rasteriser does not clip
		return
	}
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
	z.Draw(img, field, image.NewUniform(ink), image.Point{})
}

// ellipse fills one inside a rectangle.
func ellipse(img *image.RGBA, r image.Rectangle, c color.RGBA) {
	rx, ry := float64(r.Dx())/2, float64(r.Dy())/2
	if rx <= 0 || ry <= 0 {
		return
	}
	for y := r.Min.Y; y < r.Max.Y; y++ {
		v := (float64(y-r.Min.Y) + .5 - ry) / ry
		half := rx * math.Sqrt(math.Max(0, 1-v*v))
		mid := float64(r.Min.X) + rx
		line := image.Rect(int(mid-half), y, int(mid+half), y+1)
		draw.Draw(img, line, image.NewUniform(c), image.Point{}, draw.Src)
	}
}

// bust draws head and shoulders: what a portrait is to the eye of an outline finder. A face
// detector needs a picture of one.
func bust(img *image.RGBA, r image.Rectangle, dice *rand.Rand) {
	tone := uint8(90 + dice.IntN(130))
	skin := color.RGBA{tone, uint8(float64(tone) * .8), uint8(float64(tone) * .68), 255}
	hair := color.RGBA{uint8(20 + dice.IntN(90)), uint8(20 + dice.IntN(60)), uint8(20 + dice.IntN(40)), 255}
	cloth := color.RGBA{uint8(dice.IntN(140)), uint8(dice.IntN(140)), uint8(dice.IntN(140)), 255}
	draw.Draw(img, r, image.NewUniform(color.RGBA{205, 210, 214, 255}), image.Point{}, draw.Src)
	w, h := float64(r.Dx()), float64(r.Dy())
	part := func(x1, y1, x2, y2 float64) image.Rectangle {
		return image.Rect(r.Min.X+int(x1*w), r.Min.Y+int(y1*h), r.Min.X+int(x2*w), r.Min.Y+int(y2*h))
	}
	own := img.SubImage(r).(*image.RGBA)
	ellipse(own, part(.05, .74, .95, 1.5), cloth)
	ellipse(own, part(.2, .08, .8, .75), hair)
	ellipse(own, part(.26, .18, .74, .8), skin)
	for _, x := range []float64{.35, .55} {
		ellipse(own, part(x, .42, x+.1, .46), black)
	}
	ellipse(own, part(.42, .64, .58, .67), color.RGBA{150, 60, 60, 255})
}

// stripes draws what a PDF417 symbol looks like (ISO/IEC 15438: rows of bars, each codeword 17
// modules of four bars and four spaces), with nothing encoded in it.
func stripes(img *image.RGBA, a Area, pxmm float64, dice *rand.Rand) {
	quiet := Area{a.X - 1, a.Y - 1, a.W + 2, a.H + 2}.pixels(pxmm)
	draw.Draw(img, quiet, image.NewUniform(color.White), image.Point{}, draw.Src)
	const words, rows = 14, 28
	module := a.W / (17*words + 18)
	high := a.H / rows
	bar := func(row int, at, wide int) {
		r := image.Rect(int((a.X+float64(at)*module)*pxmm), int((a.Y+float64(row)*high)*pxmm),
			int((a.X+float64(at+wide)*module)*pxmm), int((a.Y+float64(row+1)*high)*pxmm))
		draw.Draw(img, r, image.NewUniform(color.Black), image.Point{}, draw.Src)
	}
	for row := range rows {
		bar(row, 0, 8)
		for i := range words {
			at, left := 9+17*i, 17
			for pair := range 4 {
				room := left - 2*(3-pair)
				black := 1 + dice.IntN(min(6, room-1))
				white := 1 + dice.IntN(min(6, room-black))
				bar(row, at, black)
				at, left = at+black+white, left-black-white
			}
		}
		bar(row, 9+17*words, 7)
	}
}

// contact draws the plate of a chip with contacts.
func contact(img *image.RGBA, r image.Rectangle) {
	draw.Draw(img, r, image.NewUniform(color.RGBA{196, 170, 96, 255}), image.Point{}, draw.Src)
	dark := image.NewUniform(color.RGBA{120, 98, 48, 255})
	for i := 1; i < 3; i++ {
		y := r.Min.Y + i*r.Dy()/3
		draw.Draw(img, image.Rect(r.Min.X, y, r.Max.X, y+2), dark, image.Point{}, draw.Src)
		x := r.Min.X + i*r.Dx()/3
		draw.Draw(img, image.Rect(x, r.Min.Y, x+2, r.Max.Y), dark, image.Point{}, draw.Src)
	}
}
