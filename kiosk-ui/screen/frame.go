package screen

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"

	"vestibule/kiosk-ui/text"
	"vestibule/kiosk-ui/theme"
	"vestibule/kiosk-ui/touch"
)

// area is a rectangle in pixels.
type area struct{ x, y, w, h float32 }

// frame is how a window of a size is divided.
type frame struct {
	w, h   float32
	unit   float32
	wide   bool // lying: what shows is on the leading side, what speaks on the trailing one
	header area
	show   area
	say    area
	bar    area
}

// Smallest window that is drawn as designed; smaller ones are drawn as if they had this size.
const minWidth, minHeight = 480, 480

// divide lays the regions out. Standing, the unit is a 1080th of the width, or
// less where the height is short; lying, it follows from both sides so that
// words stay as large as at arm's length from a standing screen.
func divide(w, h float32, rtl bool) frame {
	w, h = max(w, minWidth), max(h, minHeight)
	f := frame{w: w, h: h, wide: w > h}
	if f.wide {
		f.unit = min(w/1500, h/1060)
	} else {
		f.unit = min(w/1080, h/1640)
	}
	u := f.unit
	f.header = area{0, 0, w, round(112 * u)}
	barH := round(156 * u)
	if f.wide {
		f.header.h, barH = round(100*u), round(132*u)
	}
	f.bar = area{0, h - barH, w, barH}
	middle := h - f.header.h - barH
	if f.wide {
		part := round(w * .53)
		f.show = area{0, f.header.h, part, middle}
		f.say = area{part, f.header.h, w - part, middle}
		if rtl {
			f.show.x, f.say.x = w-part, 0
		}
		return f
	}
	part := round(middle * 920 / 1652)
	f.show = area{0, f.header.h, w, part}
	f.say = area{0, f.header.h + part, w, middle - part}
	return f
}

func round(v float32) float32 { return float32(int(v + .5)) }

// pen composes things into one container. x counts from the leading side.
type pen struct {
	look *touch.Look
	w, h float32
	box  *fyne.Container
}

func newPen(look *touch.Look, a area) *pen {
	return &pen{look: look, w: a.w, h: a.h, box: touch.Group(a.x, a.y, a.w, a.h)}
}

func (p *pen) u(n float32) float32 { return p.look.U(n) }

// place puts an object; x is the distance of its leading edge from the leading side.
func (p *pen) place(o fyne.CanvasObject, x, y float32) {
	if p.look.RTL() {
		x = p.w - x - o.Size().Width
	}
	o.Move(fyne.NewPos(round(x), round(y)))
	p.box.Objects = append(p.box.Objects, o)
}

func (p *pen) rect(x, y, w, h float32, r *canvas.Rectangle) {
	r.Resize(fyne.NewSize(round(w), round(h)))
	p.place(r, x, y)
}

func (p *pen) text(words string, s touch.Style, x, y, w, h float32) *touch.Label {
	l := touch.NewLabel(p.look, words, s, w, h)
	p.place(l, x, y)
	return l
}

func (p *pen) button(s touch.Spec, x, y, w, h float32) *touch.Button {
	b := touch.NewButton(p.look, s, round(w), round(h))
	p.place(b, x, y)
	return b
}

func (p *pen) icon(i theme.Icon, c color.NRGBA, weight, x, y, side float32) *canvas.Image {
	img := canvas.NewImageFromResource(i.SVG(c, weight, side))
	img.FillMode = canvas.ImageFillContain
	img.Resize(fyne.NewSize(round(side), round(side)))
	p.place(img, x, y)
	return img
}

// disc draws a round ground with an icon in it.
func (p *pen) disc(i theme.Icon, ground, ink color.NRGBA, weight, x, y, side float32) {
	c := canvas.NewCircle(ground)
	if p.look.Palette.Strong {
		c.StrokeColor, c.StrokeWidth = ink, p.u(3)
	}
	c.Resize(fyne.NewSize(round(side), round(side)))
	p.place(c, x, y)
	p.icon(i, ink, weight, x+side*.22, y+side*.22, side*.56)
}

// card draws a framed ground.
func (p *pen) card(x, y, w, h, radius float32) {
	pal := p.look.Palette
	r := canvas.NewRectangle(pal.Card)
	r.StrokeColor, r.StrokeWidth, r.CornerRadius = pal.Line, p.u(3), radius
	p.rect(x, y, w, h, r)
}

func lookFor(pal theme.Palette, fonts *theme.Fonts, language string, f frame, calm bool, guard func(string, func())) *touch.Look {
	return &touch.Look{Palette: pal, Fonts: fonts, Text: text.In(language), Unit: f.unit, Calm: calm, Guard: guard}
}
