package touch

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/widget"

	"vestibule/kiosk-ui/theme"
)

// Kind is a button's rank.
type Kind uint8

// Kinds of buttons.
const (
	Second  Kind = iota // framed
	Primary             // the one filled action of a screen
	Bar                 // in the bottom bar, no frame
	BarStop             // Stop, in the bottom bar
	Key                 // of the keyboard
	Row                 // a line of data that can be touched; draws no words of its own
)

// Spec describes a button.
type Spec struct {
	ID    string // stable, unique on its screen
	Words string
	Icon  theme.Icon
	Kind  Kind
	Size  float32 // of the words, in units; 0: as the kind wants
	Plain bool    // words are a code or a key, never mirrored
	Off   bool    // shown, but does nothing yet
	OnTap func()
}

// Button is a tappable with a stable id. It takes no keyboard focus, so that a
// field being edited keeps it.
type Button struct {
	widget.BaseWidget
	look  *Look
	spec  Spec
	w, h  float32
	down  bool
	back  *canvas.Rectangle
	words *Label
	icon  *canvas.Image
	inks  [2]fyne.Resource // icon at rest and pressed
	parts []fyne.CanvasObject
}

var (
	_ fyne.Tappable     = (*Button)(nil)
	_ desktop.Mouseable = (*Button)(nil)
)

// NewButton makes a button of w×h pixels.
func NewButton(look *Look, s Spec, w, h float32) *Button {
	b := &Button{look: look, spec: s, w: w, h: h}
	b.ExtendBaseWidget(b)
	b.Resize(fyne.NewSize(w, h))
	b.build()
	return b
}

// ID is the stable name of the button.
func (b *Button) ID() string { return b.spec.ID }

// Enabled reports whether a touch does something.
func (b *Button) Enabled() bool { return !b.spec.Off && b.spec.OnTap != nil }

// Kind is its rank.
func (b *Button) Kind() Kind { return b.spec.Kind }

// Words gives the button's text, empty for rows.
func (b *Button) Words() string { return b.spec.Words }

// Label gives the widget that draws the words; nil without words.
func (b *Button) Label() *Label { return b.words }

// Tapped implements fyne.Tappable.
func (b *Button) Tapped(*fyne.PointEvent) {
	if !b.Enabled() {
		return
	}
	if b.look.Guard == nil {
		b.spec.OnTap()
		return
	}
	b.look.Guard(b.spec.ID, b.spec.OnTap)
}

// MouseDown shows the touch.
func (b *Button) MouseDown(*desktop.MouseEvent) { b.press(true) }

// MouseUp ends it.
func (b *Button) MouseUp(*desktop.MouseEvent) { b.press(false) }

func (b *Button) press(down bool) {
	if !b.Enabled() || b.down == down {
		return
	}
	b.down = down
	ground, ink, _ := b.colours()
	b.back.FillColor = ground
	if b.words != nil {
		b.words.Restyle(ink)
	}
	if b.icon != nil {
		b.icon.Resource = b.inks[0]
		if down {
			b.icon.Resource = b.inks[1]
		}
		b.icon.Refresh()
	}
	b.back.Refresh()
}

// colours gives ground, ink and frame for the present state.
func (b *Button) colours() (ground, ink, frame color.NRGBA) {
	p := b.look.Palette
	frame = p.Line
	switch {
	case b.spec.Off && b.spec.Kind == Bar:
		return p.Card, p.Ink2, p.Line
	case b.spec.Off:
		return p.Disabled, p.DisabledInk, p.Disabled
	case b.spec.Kind == Primary && b.down:
		return p.BrandDeep, p.BrandInk, p.BrandDeep
	case b.spec.Kind == Primary:
		return p.Brand, p.BrandInk, p.Brand
	}
	ground, ink = p.Card, p.Ink
	if b.spec.Kind == BarStop {
		ink = p.Red
	}
	if b.down {
		ground = p.Press
		ink = p.Ink
	}
	return ground, ink, frame
}

func (b *Button) build() {
	l := b.look
	ground, ink, frame := b.colours()
	b.back = canvas.NewRectangle(ground)
	b.back.Resize(fyne.NewSize(b.w, b.h))
	size, gap := float32(SizeButton), l.U(20)
	switch b.spec.Kind {
	case Primary, Second:
		b.back.CornerRadius = min(l.U(28), b.h/2)
		b.back.StrokeColor, b.back.StrokeWidth = frame, l.U(3)
	case Bar, BarStop:
		size, gap = 34, l.U(14)
	case Key:
		b.back.CornerRadius = l.U(16)
		b.back.StrokeColor, b.back.StrokeWidth = frame, l.U(2)
		size = 40
	case Row:
		b.back.CornerRadius = l.U(16)
	}
	if b.spec.Size > 0 {
		size = b.spec.Size
	}
	b.parts = []fyne.CanvasObject{b.back}
	if b.spec.Kind == Row {
		return
	}
	pad := l.U(24)
	if b.spec.Kind == Bar || b.spec.Kind == BarStop || b.spec.Kind == Key {
		pad = l.U(8)
	}
	side := float32(0)
	if b.spec.Icon != "" {
		side = l.U(size * 1.12)
		weight := float32(2.3)
		_, pressed, _ := (&Button{look: b.look, spec: b.spec, down: true}).colours()
		b.inks = [2]fyne.Resource{b.spec.Icon.SVG(ink, weight, side), b.spec.Icon.SVG(pressed, weight, side)}
		b.icon = canvas.NewImageFromResource(b.inks[0])
		b.icon.FillMode = canvas.ImageFillContain
		b.icon.Resize(fyne.NewSize(side, side))
		b.parts = append(b.parts, b.icon)
	}
	if b.spec.Words == "" {
		if b.icon != nil {
			b.icon.Move(fyne.NewPos(round((b.w-side)/2), round((b.h-side)/2)))
		}
		return
	}
	room := b.w - 2*pad
	if side > 0 {
		room -= side + gap
	}
	b.words = NewLabel(l, b.spec.Words, Style{
		Size: size, Floor: SizeSmall, Bold: true, Color: ink, Align: Centre, Leading: 1.15,
		Lines: 2, Middle: true, Plain: b.spec.Plain,
	}, room, b.h)
	// The words want to stay on one line; two are the way out at the smallest size.
	one := NewLabel(l, b.spec.Words, Style{
		Size: size, Floor: SizeSmall, Bold: true, Color: ink, Align: Centre, Leading: 1.15,
		Lines: 1, Middle: true, Plain: b.spec.Plain,
	}, room, b.h)
	if one.Complete() {
		b.words = one
	}
	wide := b.words.wide
	x := (b.w - wide) / 2
	if side > 0 {
		x = (b.w - wide - side - gap) / 2
		if l.RTL() && !b.spec.Plain {
			b.icon.Move(fyne.NewPos(round(x+wide+gap), round((b.h-side)/2)))
		} else {
			b.icon.Move(fyne.NewPos(round(x), round((b.h-side)/2)))
			x += side + gap
		}
	}
	b.words.Move(fyne.NewPos(round(x-(room-wide)/2), 0))
	b.parts = append(b.parts, b.words)
}

// CreateRenderer implements fyne.Widget.
func (b *Button) CreateRenderer() fyne.WidgetRenderer {
	return &plain{objects: func() []fyne.CanvasObject { return b.parts }}
}

// MinSize asks for no room.
func (b *Button) MinSize() fyne.Size { return fyne.Size{} }
