package inspect

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math"

	"golang.org/x/image/draw"
	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"

	"vestibule/models"
	"vestibule/models/picture"
)

// maxPanel is the longer side of a panel of an annotated picture, in pixels.
const maxPanel = 1400

// Annotate draws the account on its picture: on the frame the outline, the zone's lines and fields,
// glare, barcode and face with its landmarks; beside it, where there is one, the document
// laid flat with its print and portrait; below, what each colour means. Nothing that was
// read is written into it, but the picture itself shows a person and a document.
func Annotate(f models.Frame, a Account) (*image.RGBA, error) {
	frame, err := picture.Image(f)
	if err != nil {
		return nil, fmt.Errorf("annotate: %w", err)
	}
	one := newPanel(frame)
	if d := a.Document; d != nil {
		for _, b := range d.Quality.GlareAt {
			one.box("glare", b)
		}
		if d.Outline != nil {
			one.polygon("outline", d.Outline[:])
		}
		for _, l := range d.Lines {
			one.polygon("line of the zone", l.At[:])
		}
		for _, z := range d.Fields {
			one.polygon("field of the zone", z.At[:])
		}
	}
	if x := a.Examination; x != nil && x.Barcode != nil && x.Barcode.Found {
		one.polygon("barcode", x.Barcode.At[:])
	}
	if a.face() {
		one.box("face", a.Face.Box)
		for _, p := range a.Face.Points {
			one.dot("landmark", p)
		}
	}
	panels := []*panel{one}
	if two, err := a.flat(); err != nil {
		return nil, fmt.Errorf("annotate: %w", err)
	} else if two != nil {
		panels = append(panels, two)
	}
	return compose(panels)
}

// flat is the panel of the document laid flat, nil when nothing was seen on it.
func (a Account) flat() (*panel, error) {
	d := a.Document
	if d == nil || len(d.Upright) == 0 {
		return nil, nil
	}
	var text []models.Line
	if x := a.Examination; x != nil && x.Text != nil {
		text = x.Text.Lines
	}
	if d.PortraitAt == nil && len(text) == 0 {
		return nil, nil
	}
	m, err := picture.Image(models.Frame{Format: models.JPEG, Pix: d.Upright})
	if err != nil {
		return nil, err
	}
	p := newPanel(m)
	if len(text) > 0 {
		// Places hold only in a picture of the same shape.
		t := a.Examination.Text
		own, its := float64(m.Rect.Dx())/float64(m.Rect.Dy()), float64(t.Width)/float64(max(1, t.Height))
		if math.Abs(own/its-1) < .02 {
			for _, l := range text {
				p.polygon("print", l.At[:])
			}
		}
	}
	if d.PortraitAt != nil {
		p.box("portrait", *d.PortraitAt)
	}
	return p, nil
}

// colours of what is drawn, in the order of the legend.
var colours = [...]struct {
	name string
	c    color.RGBA
}{
	{"outline", color.RGBA{0, 200, 80, 255}},
	{"line of the zone", color.RGBA{255, 140, 0, 255}},
	{"field of the zone", color.RGBA{190, 255, 60, 255}},
	{"print", color.RGBA{40, 140, 255, 255}},
	{"barcode", color.RGBA{150, 80, 255, 255}},
	{"portrait", color.RGBA{255, 60, 200, 255}},
	{"face", color.RGBA{0, 220, 230, 255}},
	{"landmark", color.RGBA{255, 240, 0, 255}},
	{"glare", color.RGBA{255, 40, 40, 255}},
}

func colourOf(name string) color.RGBA {
	for _, c := range colours {
		if c.name == name {
			return c.c
		}
	}
	return color.RGBA{A: 255}
}

// panel is a picture that is drawn on.
type panel struct {
	m      *image.RGBA
	stroke float64
	drawn  map[string]bool
}

func newPanel(m *image.RGBA) *panel {
	w, h := picture.Within(m.Rect.Dx(), m.Rect.Dy(), maxPanel, maxPanel)
	if w != m.Rect.Dx() {
		small := image.NewRGBA(image.Rect(0, 0, w, h))
		draw.ApproxBiLinear.Scale(small, small.Rect, m, m.Rect, draw.Src, nil)
		m = small
	}
	return &panel{m, max(2.5, float64(max(w, h))/400), map[string]bool{}}
}

// at maps a place to pixels; what lies far outside or is no number stays near the picture.
func (p *panel) at(q models.Point) (x, y float64) {
	clamp := func(v float64) float64 {
		if math.IsNaN(v) {
			return 0
		}
		return min(2, max(-1, v))
	}
	return clamp(q.X) * float64(p.m.Rect.Dx()), clamp(q.Y) * float64(p.m.Rect.Dy())
}

func (p *panel) box(name string, b models.Box) {
	p.polygon(name, []models.Point{{X: b.X1, Y: b.Y1}, {X: b.X2, Y: b.Y1}, {X: b.X2, Y: b.Y2}, {X: b.X1, Y: b.Y2}})
}

func (p *panel) polygon(name string, q []models.Point) {
	for i, a := range q {
		ax, ay := p.at(a)
		bx, by := p.at(q[(i+1)%len(q)])
		p.segment(colourOf(name), ax, ay, bx, by)
	}
	p.drawn[name] = true
}

// segment draws a straight stroke with a dark border, so that it is seen on any ground.
func (p *panel) segment(c color.RGBA, ax, ay, bx, by float64) {
	l := math.Hypot(bx-ax, by-ay)
	if l == 0 {
		return
	}
	ux, uy := (bx-ax)/l, (by-ay)/l
	for _, s := range []struct {
		c    color.RGBA
		half float64
	}{{color.RGBA{0, 0, 0, 120}, p.stroke}, {c, p.stroke / 2}} {
		p.fill(s.c, [][2]float64{
			{ax - s.half*(ux+uy), ay - s.half*(uy-ux)},
			{bx + s.half*(ux-uy), by + s.half*(uy+ux)},
			{bx + s.half*(ux+uy), by + s.half*(uy-ux)},
			{ax - s.half*(ux-uy), ay - s.half*(uy+ux)},
		})
	}
}

func (p *panel) dot(name string, q models.Point) {
	x, y := p.at(q)
	r := p.stroke * .8
	p.fill(colourOf(name), [][2]float64{{x - r, y}, {x, y - r}, {x + r, y}, {x, y + r}})
	p.drawn[name] = true
}

// fill draws a shape within its own small field, cut to the picture.
func (p *panel) fill(c color.RGBA, shape [][2]float64) {
	lo, hi := [2]float64{math.Inf(1), math.Inf(1)}, [2]float64{math.Inf(-1), math.Inf(-1)}
	for _, v := range shape {
		for i := range 2 {
			lo[i], hi[i] = min(lo[i], v[i]), max(hi[i], v[i])
		}
	}
	field := image.Rect(int(math.Floor(lo[0])), int(math.Floor(lo[1])), int(math.Ceil(hi[0]))+1, int(math.Ceil(hi[1]))+1).Intersect(p.m.Rect)
	if field.Empty() {
		return
	}
	z := vector.NewRasterizer(field.Dx(), field.Dy())
	for i, v := range shape {
		x, y := float32(v[0]-float64(field.Min.X)), float32(v[1]-float64(field.Min.Y))
		if i == 0 {
			z.MoveTo(x, y)
		} else {
			z.LineTo(x, y)
		}
	}
	z.ClosePath()
	z.Draw(p.m, field, image.NewUniform(c), image.Point{})
}

// compose puts panels side by side above the legend of what is drawn on them.
func compose(panels []*panel) (*image.RGBA, error) {
	const gap = 12
	w, h := gap, 0
	drawn := map[string]bool{}
	for _, p := range panels {
		w += p.m.Rect.Dx() + gap
		h = max(h, p.m.Rect.Dy())
		for n := range p.drawn {
			drawn[n] = true
		}
	}
	w = max(w, 360)
	size := min(26, max(13, float64(w)/60))
	f, err := opentype.Parse(goregular.TTF)
	if err != nil {
		return nil, fmt.Errorf("legend: %w", err)
	}
	face, err := opentype.NewFace(f, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		return nil, fmt.Errorf("legend: %w", err)
	}
	defer face.Close()
	// Lay the legend out in as many rows as it needs.
	row := int(size * 1.8)
	type entry struct {
		name string
		c    color.RGBA
		x, y int
	}
	var legend []entry
	x, y := gap, gap+h+gap
	for _, c := range colours {
		if !drawn[c.name] {
			continue
		}
		wide := 2*int(size) + font.MeasureString(face, c.name).Ceil() + 2*gap
		if x+wide > w && x > gap {
			x, y = gap, y+row
		}
		legend = append(legend, entry{c.name, c.c, x, y})
		x += wide
	}
	if len(legend) == 0 {
		legend = []entry{{"nothing was found", color.RGBA{90, 90, 90, 255}, x, y}}
	}
	out := image.NewRGBA(image.Rect(0, 0, w, y+row+gap/2))
	draw.Draw(out, out.Rect, image.NewUniform(color.RGBA{250, 250, 250, 255}), image.Point{}, draw.Src)
	left := gap
	for _, p := range panels {
		draw.Draw(out, p.m.Rect.Add(image.Pt(left, gap)), p.m, image.Point{}, draw.Src)
		left += p.m.Rect.Dx() + gap
	}
	for _, e := range legend {
		s := int(size)
		draw.Draw(out, image.Rect(e.x, e.y+row/2-s/2, e.x+s, e.y+row/2+s/2), image.NewUniform(e.c), image.Point{}, draw.Src)
		d := font.Drawer{Dst: out, Src: image.NewUniform(color.RGBA{20, 20, 20, 255}), Face: face, Dot: fixed.P(e.x+s+s/2, e.y+row/2+int(size*.35))}
		d.DrawString(e.name)
	}
	return out, nil
}

// Thumbnail makes a JPEG of a picture no larger than side × side.
func Thumbnail(m image.Image, side int) ([]byte, error) {
	if m == nil || m.Bounds().Empty() || side < 1 {
		return nil, errors.New("thumbnail: no picture")
	}
	r := m.Bounds()
	w, h := picture.Within(r.Dx(), r.Dy(), side, side)
	small := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.CatmullRom.Scale(small, small.Rect, m, r, draw.Src, nil)
	var b bytes.Buffer
	if err := jpeg.Encode(&b, small, &jpeg.Options{Quality: 80}); err != nil {
		return nil, fmt.Errorf("thumbnail: %w", err)
	}
	return b.Bytes(), nil
}
