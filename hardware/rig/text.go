package rig

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"os"

	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/font/opentype"
	"golang.org/x/image/draw"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goitalic"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/vector"
)

// DefaultOCRB is where Debian's package fonts-ocr-b puts the font.
const DefaultOCRB = "/usr/share/fonts/opentype/ocr-b/OCRB.otf"

// typeface draws outlines. The font reader of golang.org/x/image stops at the
// flex operators that OCR-B's outlines use, so another one reads them.
type typeface struct{ face *font.Face }

func parseFace(b []byte) (typeface, error) {
	f, err := font.ParseTTF(bytes.NewReader(b))
	if err != nil {
		return typeface{}, err
	}
	return typeface{f}, nil
}

// width of s at an em of size, in the unit of size.
func (t typeface) width(s string, size float64) float64 {
	var w float64
	for _, r := range s {
		g, _ := t.face.NominalGlyph(r)
		w += float64(t.face.HorizontalAdvance(g))
	}
	return w * size / float64(t.face.Upem())
}

// canvas is a picture measured in millimetres.
type canvas struct {
	*image.RGBA
	scale float64 // pixels a millimetre
	faces faces
}

type faces struct{ regular, bold, italic, ocr typeface }

func loadFaces(ocrb string) (faces, error) {
	var f faces
	var err error
	for _, l := range []struct {
		into *typeface
		data []byte
	}{{&f.regular, goregular.TTF}, {&f.bold, gobold.TTF}, {&f.italic, goitalic.TTF}} {
		if *l.into, err = parseFace(l.data); err != nil {
			return faces{}, fmt.Errorf("read a built-in font: %w", err)
		}
	}
	if ocrb == "" {
		ocrb = DefaultOCRB
	}
	b, err := os.ReadFile(ocrb)
	if err != nil {
		return faces{}, fmt.Errorf("read the OCR-B font (Debian package fonts-ocr-b): %w", err)
	}
	if f.ocr, err = parseFace(b); err != nil {
		return faces{}, fmt.Errorf("read the OCR-B font: %w", err)
	}
	return f, nil
}

// text draws s with its baseline's left end at x, y (millimetres), em of size
// millimetres, and extra space after each letter. It returns the end of the line.
func (c *canvas) text(t typeface, s string, x, y, size, space float64, ink color.Color) float64 {
	for _, r := range s {
		g, _ := t.face.NominalGlyph(r)
		c.glyph(t, g, x, y, size, ink)
		x += float64(t.face.HorizontalAdvance(g))*size/float64(t.face.Upem()) + space
	}
	return x
}

func (c *canvas) glyph(t typeface, g font.GID, x, y, size float64, ink color.Color) {
	outline, ok := t.face.GlyphData(g).(font.GlyphOutline)
	if !ok || len(outline.Segments) == 0 {
		return
	}
	k := size / float64(t.face.Upem()) * c.scale
	ox, oy := x*c.scale, y*c.scale
	var p path
	for _, s := range outline.Segments {
		pt := func(i int) (float64, float64) {
			return ox + float64(s.Args[i].X)*k, oy - float64(s.Args[i].Y)*k
		}
		x0, y0 := pt(0)
		x1, y1 := pt(1)
		x2, y2 := pt(2)
		switch s.Op {
		case opentype.SegmentOpMoveTo:
			p.moveTo(x0, y0)
		case opentype.SegmentOpLineTo:
			p.lineTo(x0, y0)
		case opentype.SegmentOpQuadTo:
			p.quadTo(x0, y0, x1, y1)
		case opentype.SegmentOpCubeTo:
			p.cubeTo(x0, y0, x1, y1, x2, y2)
		}
	}
	p.fill(c.RGBA, ink)
}

// path collects an outline in pixels and knows its bounds.
type path struct {
	ops                    []func(z *vector.Rasterizer, dx, dy float32)
	minX, minY, maxX, maxY float64
	any                    bool
}

func (p *path) see(x, y float64) {
	if !p.any {
		p.minX, p.minY, p.maxX, p.maxY, p.any = x, y, x, y, true
		return
	}
	p.minX, p.maxX = min(p.minX, x), max(p.maxX, x)
	p.minY, p.maxY = min(p.minY, y), max(p.maxY, y)
}

func (p *path) moveTo(x, y float64) {
	p.see(x, y)
	if len(p.ops) > 0 {
		p.ops = append(p.ops, func(z *vector.Rasterizer, _, _ float32) { z.ClosePath() })
	}
	p.ops = append(p.ops, func(z *vector.Rasterizer, dx, dy float32) { z.MoveTo(float32(x)-dx, float32(y)-dy) })
}

func (p *path) lineTo(x, y float64) {
	p.see(x, y)
	p.ops = append(p.ops, func(z *vector.Rasterizer, dx, dy float32) { z.LineTo(float32(x)-dx, float32(y)-dy) })
}

func (p *path) quadTo(a, b, x, y float64) {
	p.see(a, b)
	p.see(x, y)
	p.ops = append(p.ops, func(z *vector.Rasterizer, dx, dy float32) {
		z.QuadTo(float32(a)-dx, float32(b)-dy, float32(x)-dx, float32(y)-dy)
	})
}

func (p *path) cubeTo(a, b, c, d, x, y float64) {
	p.see(a, b)
	p.see(c, d)
	p.see(x, y)
	p.ops = append(p.ops, func(z *vector.Rasterizer, dx, dy float32) {
		z.CubeTo(float32(a)-dx, float32(b)-dy, float32(c)-dx, float32(d)-dy, float32(x)-dx, float32(y)-dy)
	})
}

// fill draws the outline's inside. It rasterises only the outline's own bounds.
func (p *path) fill(dst *image.RGBA, ink color.Color) {
	if !p.any {
		return
	}
	r := image.Rect(int(p.minX)-2, int(p.minY)-2, int(p.maxX)+3, int(p.maxY)+3)
	if r.Dx() > 1<<14 || r.Dy() > 1<<14 || !r.Overlaps(dst.Bounds()) {
		return
	}
	z := vector.NewRasterizer(r.Dx(), r.Dy())
	for _, op := range p.ops {
		op(z, float32(r.Min.X), float32(r.Min.Y))
	}
	z.ClosePath()
	mask := image.NewAlpha(image.Rect(0, 0, r.Dx(), r.Dy()))
	z.Draw(mask, mask.Bounds(), image.Opaque, image.Point{})
	draw.DrawMask(dst, r, image.NewUniform(ink), image.Point{}, mask, image.Point{}, draw.Over)
}
