package specimen

import (
	"image"
	"image/color"
	"math"
	"math/rand/v2"

	"golang.org/x/image/draw"
	"golang.org/x/image/vector"
)

// ground draws what a sheet lies on.
func (p *Printer) ground(sc Scene, dice *rand.Rand) (*image.RGBA, error) {
	img := image.NewRGBA(image.Rect(0, 0, sc.Width, sc.Height))
	fill := func(c color.RGBA) { draw.Draw(img, img.Rect, image.NewUniform(c), image.Point{}, draw.Src) }
	switch sc.Background {
	case Desk:
		v := 185 + dice.IntN(60)
		c := func() uint8 { return uint8(min(250, v+dice.IntN(16)-8)) }
		fill(color.RGBA{c(), c(), c(), 255})
	case Wood:
		wood(img, dice)
	case Clutter:
		if dice.IntN(2) == 0 {
			wood(img, dice)
		} else {
			v := uint8(60 + dice.IntN(160))
			fill(color.RGBA{v, v, v, 255})
		}
		return img, p.clutter(img, dice)
	default:
		v := uint8(24 + dice.IntN(34))
		fill(color.RGBA{v, v, uint8(int(v) + dice.IntN(8)), 255})
	}
	return img, nil
}

// wood draws boards with a grain.
func wood(img *image.RGBA, dice *rand.Rand) {
	r, g, b := 120+90*dice.Float64(), .0, .0
	g, b = r*(.68+.1*dice.Float64()), r*(.42+.15*dice.Float64())
	w, h := img.Rect.Dx(), img.Rect.Dy()
	lines := make([]float64, h)
	v := 0.0
	for y := range lines {
		v = .93*v + dice.NormFloat64()
		lines[y] = 6 * v
	}
	board := 180 + dice.IntN(300)
	bend, phase := 14*dice.Float64(), 6*dice.Float64()
	for y := range h {
		for x := range w {
			at := y + int(bend*math.Sin(phase+float64(x)/310))
			k := 1 + lines[min(max(at, 0), h-1)]/255
			if y%board < 2 {
				k *= .6
			}
			i := y*img.Stride + 4*x
			img.Pix[i], img.Pix[i+1], img.Pix[i+2], img.Pix[i+3] = clamp(r*k), clamp(g*k), clamp(b*k), 255
		}
	}
}

// shape fills a polygon.
func shape(img *image.RGBA, c color.RGBA, points ...[2]float64) {
	z := vector.NewRasterizer(img.Rect.Dx(), img.Rect.Dy())
	for i, p := range points {
		if i == 0 {
			z.MoveTo(float32(p[0]), float32(p[1]))
			continue
		}
		z.LineTo(float32(p[0]), float32(p[1]))
	}
	z.ClosePath()
	z.Draw(img, img.Rect, image.NewUniform(c), image.Point{})
}

// slab is a turned rectangle.
func slab(img *image.RGBA, c color.RGBA, x, y, w, h, angle float64) {
	sin, cos := math.Sincos(angle)
	at := func(u, v float64) [2]float64 { return [2]float64{x + u*cos - v*sin, y + u*sin + v*cos} }
	shape(img, c, at(-w/2, -h/2), at(w/2, -h/2), at(w/2, h/2), at(-w/2, h/2))
}

// clutter strews papers with print, pens, cables and coins.
func (p *Printer) clutter(img *image.RGBA, dice *rand.Rand) error {
	f, err := p.faces()
	if err != nil {
		return err
	}
	w, h := float64(img.Rect.Dx()), float64(img.Rect.Dy())
	any8 := func() uint8 { return uint8(dice.IntN(256)) }
	for range 5 + dice.IntN(6) {
		x, y, angle := w*dice.Float64(), h*dice.Float64(), math.Pi*dice.Float64()
		pw, ph := w*(.1+.4*dice.Float64()), h*(.1+.5*dice.Float64())
		c := color.RGBA{any8(), any8(), any8(), 255}
		if dice.IntN(2) == 0 {
			v := uint8(215 + dice.IntN(35))
			c = color.RGBA{v, v, v, 255}
		}
		slab(img, c, x, y, pw, ph, angle)
		if luma(c) > 200 {
			for i := range 6 {
				// Lines of print run level: what matters is that they are there.
				at, base := x-pw/4, y-ph/4+float64(i)*26
				for _, r := range name(dice) + " " + name(dice) {
					if id, ok := f.plain.NominalGlyph(r); ok {
						glyph(img, f.plain, id, faint, at, base, 20)
						at += float64(f.plain.HorizontalAdvance(id)) * 20 / float64(f.plain.Upem())
					}
				}
			}
		}
	}
	for range 4 + dice.IntN(5) {
		slab(img, color.RGBA{any8(), any8(), any8(), 255}, w*dice.Float64(), h*dice.Float64(), w*(.1+.3*dice.Float64()), 6+16*dice.Float64(), math.Pi*dice.Float64())
	}
	for range 3 + dice.IntN(5) {
		d := 40 + dice.IntN(80)
		x, y := dice.IntN(img.Rect.Dx()), dice.IntN(img.Rect.Dy())
		ellipse(img, image.Rect(x, y, x+d, y+d).Intersect(img.Rect), color.RGBA{any8(), any8(), any8(), 255})
	}
	return nil
}

// landscape draws sky, hills, a field and a house.
func landscape(sc Scene, dice *rand.Rand) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, sc.Width, sc.Height))
	w, h := float64(sc.Width), float64(sc.Height)
	for y := range sc.Height {
		k := float64(y) / h
		c := color.RGBA{clamp(90 + 130*k), clamp(150 + 80*k), clamp(220 + 20*k), 255}
		draw.Draw(img, image.Rect(0, y, sc.Width, y+1), image.NewUniform(c), image.Point{}, draw.Src)
	}
	for i := range 4 {
		base, a, b := h*(.45+.12*float64(i)), 1+3*dice.Float64(), 6*dice.Float64()
		hill := [][2]float64{{0, h}}
		for x := 0.0; x <= w; x += w / 60 {
			hill = append(hill, [2]float64{x, base - h*.08*math.Sin(a*x/w*2*math.Pi+b) - h*.02*dice.Float64()})
		}
		hill = append(hill, [2]float64{w, h})
		shape(img, color.RGBA{uint8(60 + 20*i), uint8(120 - 14*i), uint8(70 - 12*i), 255}, hill...)
	}
	x, y, s := w*(.2+.5*dice.Float64()), h*.7, w*.08
	slab(img, color.RGBA{200, 180, 160, 255}, x, y, s, s*.7, 0)
	shape(img, color.RGBA{150, 60, 50, 255}, [2]float64{x - s*.6, y - s*.35}, [2]float64{x, y - s*.8}, [2]float64{x + s*.6, y - s*.35})
	return img
}
