package touch

import (
	"image"
	"image/color"
	"math"
	"sync"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/widget"
)

// Camera is the live picture. A face fills the box, and what does not fit is cut
// off; a document is shown whole, so that nobody wonders where its edge is.
type Camera struct {
	widget.BaseWidget
	w, h   float32
	mirror bool
	img    *canvas.Image

	mu    sync.Mutex
	ring  [3]*image.RGBA // one shown, one waiting, one being written
	next  int
	shape image.Point // of the source
}

// NewCamera makes a live picture of w×h pixels. mirror shows it as a mirror does,
// which is what people expect of their own face; without it the picture is whole.
func NewCamera(w, h float32, mirror bool) *Camera {
	c := &Camera{w: w, h: h, mirror: mirror, img: &canvas.Image{ScaleMode: canvas.ImageScaleFastest}}
	c.ExtendBaseWidget(c)
	c.Resize(fyne.NewSize(w, h))
	c.img.Resize(c.Size())
	c.img.Hide()
	return c
}

// area is the part of the box that a picture of this shape takes.
func (c *Camera) area(shape image.Point) (at fyne.Position, size fyne.Size) {
	size = fyne.NewSize(c.w, c.h)
	if c.mirror || shape.X <= 0 || shape.Y <= 0 {
		return at, size
	}
	scale := min(c.w/float32(shape.X), c.h/float32(shape.Y))
	size = fyne.NewSize(float32(shape.X)*scale, float32(shape.Y)*scale)
	return fyne.NewPos((c.w-size.Width)/2, (c.h-size.Height)/2), size
}

// crop is the part of a picture of this shape that the box shows.
func (c *Camera) crop(shape image.Point) image.Rectangle {
	if !c.mirror {
		return image.Rectangle{Max: shape}
	}
	w, h := float32(shape.X), float32(shape.Y)
	if w*c.h > h*c.w {
		w = h * c.w / c.h
	} else {
		h = w * c.h / c.w
	}
	x, y := (float32(shape.X)-w)/2, (float32(shape.Y)-h)/2
	return image.Rect(int(x), int(y), int(x+w), int(y+h)).Intersect(image.Rectangle{Max: shape})
}

// Prepare cuts and mirrors a frame for Draw. It may run outside the screen's
// goroutine; two frames later its memory is used again.
func (c *Camera) Prepare(src *image.NRGBA) *image.RGBA {
	if src == nil || src.Rect.Empty() {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shape = src.Rect.Size()
	r := c.crop(c.shape)
	if r.Empty() {
		return nil
	}
	dst := c.ring[c.next]
	if dst == nil || dst.Rect.Size() != r.Size() {
		dst = image.NewRGBA(image.Rectangle{Max: r.Size()})
		c.ring[c.next] = dst
	}
	c.next = (c.next + 1) % len(c.ring)
	for y := range r.Dy() {
		from := src.Pix[src.PixOffset(src.Rect.Min.X+r.Min.X, src.Rect.Min.Y+r.Min.Y+y):]
		from = from[:4*r.Dx()]
		to := dst.Pix[y*dst.Stride : y*dst.Stride+4*r.Dx()]
		if !c.mirror {
			copy(to, from)
		} else {
			for x, n := 0, r.Dx(); x < n; x++ {
				copy(to[4*(n-1-x):4*(n-x)], from[4*x:4*x+4])
			}
		}
		for x := 3; x < len(to); x += 4 {
			to[x] = 255
		}
	}
	return dst
}

// Draw shows a prepared frame.
func (c *Camera) Draw(img *image.RGBA) {
	if img == nil {
		return
	}
	c.img.Image = img
	c.lay(img.Rect.Size())
	if !c.img.Visible() {
		c.img.Show()
	}
	c.img.Refresh()
}

// lay puts the picture where it belongs in the box.
func (c *Camera) lay(shape image.Point) {
	at, size := c.area(shape)
	if c.img.Size() != size || c.img.Position() != at {
		c.img.Move(at)
		c.img.Resize(size)
	}
}

// Inherit goes on with the picture of an earlier Camera, so that a rebuilt screen
// does not go dark for a moment. Cameras of another shape give nothing.
func (c *Camera) Inherit(from *Camera) {
	if from == c || from.mirror != c.mirror || from.w != c.w || from.h != c.h || !from.Live() {
		return
	}
	from.mu.Lock()
	ring, next, shape := from.ring, from.next, from.shape
	from.ring = [3]*image.RGBA{}
	from.mu.Unlock()
	c.mu.Lock()
	c.ring, c.next, c.shape = ring, next, shape
	c.mu.Unlock()
	c.img.Image = from.img.Image
	c.lay(c.img.Image.Bounds().Size())
	c.img.Show()
}

// Live reports whether a picture is shown.
func (c *Camera) Live() bool { return c.img.Visible() && c.img.Image != nil }

// Wipe takes the picture away and overwrites the memory of all of them.
func (c *Camera) Wipe() {
	c.mu.Lock()
	for _, b := range c.ring {
		if b != nil {
			clear(b.Pix)
		}
	}
	c.mu.Unlock()
	c.img.Image = nil
	c.img.Hide()
}

// Place turns a point of the source picture (0..1) into a point of the box.
// Before the first frame it answers as for a picture of 4:3.
func (c *Camera) Place(x, y float64) fyne.Position {
	c.mu.Lock()
	shape := c.shape
	c.mu.Unlock()
	if shape == (image.Point{}) {
		shape = image.Pt(640, 480)
	}
	r := c.crop(shape)
	px := (x*float64(shape.X) - float64(r.Min.X)) / float64(max(1, r.Dx()))
	py := (y*float64(shape.Y) - float64(r.Min.Y)) / float64(max(1, r.Dy()))
	if c.mirror {
		px = 1 - px
	}
	at, size := c.area(shape)
	return fyne.NewPos(at.X+float32(px)*size.Width, at.Y+float32(py)*size.Height)
}

// CreateRenderer implements fyne.Widget.
func (c *Camera) CreateRenderer() fyne.WidgetRenderer {
	return &plain{objects: func() []fyne.CanvasObject { return []fyne.CanvasObject{c.img} }}
}

// MinSize asks for no room.
func (c *Camera) MinSize() fyne.Size { return fyne.Size{} }

// Brackets are four corners that hold a document: still ones say where it
// belongs, moving ones show that it was found.
type Brackets struct {
	widget.BaseWidget
	width float32
	lines []*canvas.Line
	ends  []*canvas.Circle
	parts []fyne.CanvasObject
	at    [4]fyne.Position
	set   bool
}

// NewBrackets makes corners with a stroke of the given width in pixels.
func NewBrackets(c color.NRGBA, width float32) *Brackets {
	b := &Brackets{width: width}
	for range 8 {
		l := canvas.NewLine(c)
		l.StrokeWidth = width
		b.lines = append(b.lines, l)
		b.parts = append(b.parts, l)
	}
	for range 12 {
		e := canvas.NewCircle(c)
		e.Resize(fyne.NewSize(width, width))
		b.ends = append(b.ends, e)
		b.parts = append(b.parts, e)
	}
	b.ExtendBaseWidget(b)
	return b
}

// Put places the corners; they glide half the way a step, so that a nervous
// outline does not make a nervous screen. jump puts them there at once.
func (b *Brackets) Put(q [4]fyne.Position, jump bool) {
	for i := range q {
		if b.set && !jump {
			b.at[i] = fyne.NewPos((b.at[i].X+q[i].X)/2, (b.at[i].Y+q[i].Y)/2)
		} else {
			b.at[i] = q[i]
		}
	}
	b.set = true
	const arm = .17
	for i := range b.at {
		p, n, v := b.at[i], b.at[(i+1)%4], b.at[(i+3)%4]
		b.stroke(2*i, p, toward(p, n, arm))
		b.stroke(2*i+1, p, toward(p, v, arm))
		b.dot(3*i, p)
		b.dot(3*i+1, toward(p, n, arm))
		b.dot(3*i+2, toward(p, v, arm))
	}
	b.Refresh()
}

func (b *Brackets) stroke(i int, from, to fyne.Position) {
	b.lines[i].Position1, b.lines[i].Position2 = from, to
}

func (b *Brackets) dot(i int, at fyne.Position) {
	b.ends[i].Move(fyne.NewPos(at.X-b.width/2, at.Y-b.width/2))
}

func toward(a, b fyne.Position, part float32) fyne.Position {
	return fyne.NewPos(a.X+(b.X-a.X)*part, a.Y+(b.Y-a.Y)*part)
}

// CreateRenderer implements fyne.Widget.
func (b *Brackets) CreateRenderer() fyne.WidgetRenderer {
	return &plain{objects: func() []fyne.CanvasObject { return b.parts }}
}

// MinSize asks for no room.
func (b *Brackets) MinSize() fyne.Size { return fyne.Size{} }

// Oval is the hole in the surround through which a face looks, with a ring that
// fills as the check goes on.
type Oval struct {
	widget.BaseWidget
	w, h     float32
	cx, cy   float32
	rx, ry   float32
	stroke   float32
	ring     *canvas.Image
	surround *canvas.Image
	drawn    int
	colour   color.NRGBA
}

// NewOval covers w×h pixels with the surround colour, but for an ellipse.
func NewOval(w, h, cx, cy, rx, ry, stroke float32, surround color.NRGBA) *Oval {
	o := &Oval{w: w, h: h, cx: cx, cy: cy, rx: rx, ry: ry, stroke: stroke, drawn: -1}
	o.surround = still(ellipseHole(int(w), int(h), cx, cy, rx, ry, surround), 0, 0)
	o.ring = &canvas.Image{ScaleMode: canvas.ImageScaleFastest}
	o.ring.Move(fyne.NewPos(float32(int(cx-rx-stroke)), float32(int(cy-ry-stroke))))
	o.ring.Resize(fyne.NewSize(float32(int(2*(rx+stroke))), float32(int(2*(ry+stroke)))))
	o.ExtendBaseWidget(o)
	o.Resize(fyne.NewSize(w, h))
	return o
}

// ringSteps is how finely the ring fills; a finer one is redrawn more often than anybody sees.
const ringSteps = 24

// Progress fills the ring to part (0..1) in a colour. The rest of it stays faint.
func (o *Oval) Progress(part float64, c color.NRGBA) {
	step := int(math.Round(math.Max(0, math.Min(1, part)) * ringSteps))
	if step == o.drawn && c == o.colour {
		return
	}
	o.drawn, o.colour = step, c
	s := o.ring.Size()
	o.ring.Image = ellipseRing(int(s.Width), int(s.Height), o.rx, o.ry, o.stroke, float64(step)/ringSteps, c)
	o.ring.Refresh()
}

// CreateRenderer implements fyne.Widget.
func (o *Oval) CreateRenderer() fyne.WidgetRenderer {
	return &plain{objects: func() []fyne.CanvasObject { return []fyne.CanvasObject{o.surround, o.ring} }}
}

// MinSize asks for no room.
func (o *Oval) MinSize() fyne.Size { return fyne.Size{} }

func still(img image.Image, x, y float32) *canvas.Image {
	c := canvas.NewImageFromImage(img)
	c.ScaleMode = canvas.ImageScaleFastest
	b := img.Bounds()
	c.Resize(fyne.NewSize(float32(b.Dx()), float32(b.Dy())))
	c.Move(fyne.NewPos(x, y))
	return c
}

// ellipseHole fills a picture but for an ellipse, with a soft edge of one pixel.
func ellipseHole(w, h int, cx, cy, rx, ry float32, c color.NRGBA) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			d := edge(float64(x)+.5-float64(cx), float64(y)+.5-float64(cy), float64(rx), float64(ry))
			a := math.Max(0, math.Min(1, d+.5))
			if a == 0 {
				continue
			}
			i := img.PixOffset(x, y)
			img.Pix[i], img.Pix[i+1], img.Pix[i+2], img.Pix[i+3] = c.R, c.G, c.B, uint8(float64(c.A)*a)
		}
	}
	return img
}

// ellipseRing draws a ring that is full from the top, clockwise, for the given part.
func ellipseRing(w, h int, rx, ry, stroke float32, part float64, c color.NRGBA) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	mx, my := float64(w)/2, float64(h)/2
	for y := range h {
		for x := range w {
			dx, dy := float64(x)+.5-mx, float64(y)+.5-my
			d := math.Abs(edge(dx, dy, float64(rx), float64(ry))) - float64(stroke)/2
			a := math.Max(0, math.Min(1, .5-d))
			if a == 0 {
				continue
			}
			turn := math.Atan2(dx/float64(rx), -dy/float64(ry)) / (2 * math.Pi)
			if turn < 0 {
				turn++
			}
			if turn > part {
				a *= .34
			}
			i := img.PixOffset(x, y)
			img.Pix[i], img.Pix[i+1], img.Pix[i+2], img.Pix[i+3] = c.R, c.G, c.B, uint8(255*a)
		}
	}
	return img
}

// edge is the distance in pixels to an ellipse round the origin, to first order: negative inside.
func edge(x, y, rx, ry float64) float64 {
	k := math.Hypot(x/rx, y/ry)
	g := math.Hypot(x/(rx*rx), y/(ry*ry))
	if g == 0 {
		return -math.Min(rx, ry)
	}
	return k * (k - 1) / g
}
