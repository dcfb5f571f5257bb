package touch

import (
	"image"
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/widget"
	"github.com/go-text/render"
	"github.com/go-text/typesetting/di"
	"github.com/go-text/typesetting/language"
	"github.com/go-text/typesetting/shaping"
	"golang.org/x/image/math/fixed"

	"vestibule/kiosk-ui/text"
)

// Align says where a line stands. Lead and Trail follow the language's direction.
type Align uint8

// Alignments.
const (
	Lead Align = iota
	Centre
	Trail
)

// Style is how words are set. Sizes are in units.
type Style struct {
	Size    float32
	Floor   float32 // the size may shrink to this so that the words fit; 0: never shrinks below Size
	Bold    bool
	Color   color.NRGBA
	Align   Align
	Leading float32 // line height in sizes; 0: 1.3
	Lines   int     // at most; 0: as the height allows
	Middle  bool    // centred in the height
	Plain   bool    // left to right, whatever the language: codes, dates
	Secret  bool    // personal data: drawn past the toolkit's cache
}

// Noto Sans: ascent and descent in parts of the size (hhea table).
const ascent, descent = 1.069, .293

// Label is words in a box. They are wrapped, ordered and, if they must, made
// smaller; they never leave the box's width.
type Label struct {
	widget.BaseWidget
	look  *Look
	style Style
	words string
	area  fyne.Size
	used  float32 // height in pixels
	wide  float32 // of the widest line, in pixels
	whole bool    // every word is shown, inside the box
	size  float32 // pixels that were used
	parts []fyne.CanvasObject
	pic   *image.NRGBA
}

// NewLabel sets words into a box of w×h pixels.
func NewLabel(look *Look, words string, s Style, w, h float32) *Label {
	if s.Leading == 0 {
		s.Leading = 1.3
	}
	l := &Label{look: look, style: s, area: fyne.NewSize(w, h)}
	l.ExtendBaseWidget(l)
	l.Resize(l.area)
	l.words = words
	l.set()
	return l
}

// Set changes the words.
func (l *Label) Set(words string) {
	if words == l.words {
		return
	}
	l.words = words
	l.set()
	l.Refresh()
}

// Words gives what is shown.
func (l *Label) Words() string { return l.words }

// Used is the height the words take, in pixels.
func (l *Label) Used() float32 { return l.used }

// Wide is the width of the widest line, in pixels.
func (l *Label) Wide() float32 { return l.wide }

// Area is the box the words may use.
func (l *Label) Area() fyne.Size { return l.area }

// TextSize is the size that was chosen, in pixels.
func (l *Label) TextSize() float32 { return l.size }

// Wipe forgets the words and overwrites their picture.
func (l *Label) Wipe() {
	l.words = ""
	if l.pic != nil {
		clear(l.pic.Pix)
	}
	l.parts = nil
	l.Refresh()
}

// Restyle changes the colour.
func (l *Label) Restyle(c color.NRGBA) {
	if c == l.style.Color {
		return
	}
	l.style.Color = c
	l.set()
	l.Refresh()
}

func (l *Label) set() {
	l.parts, l.used = nil, 0
	if l.words == "" {
		return
	}
	s := l.style
	floor := s.Floor
	if floor == 0 || floor > s.Size {
		floor = s.Size
	}
	rtl := l.look.RTL() && !s.Plain
	var lines []text.Line
	var size, leading float32
	for units := s.Size; ; units -= 2 {
		size = l.look.U(units)
		leading = size * s.Leading
		lines = text.Wrap(l.words, l.area.Width, rtl, l.measure(size))
		most := s.Lines
		if most == 0 && l.area.Height > 0 {
			most = max(1, int(l.area.Height/leading))
		}
		if units-2 < floor || fits(lines, l.area.Width, most) {
			l.whole = fits(lines, l.area.Width, most)
			if most > 0 && len(lines) > most {
				lines = lines[:most]
			}
			break
		}
	}
	l.size, l.used, l.wide = size, leading*float32(len(lines)), 0
	for _, line := range lines {
		l.wide = max(l.wide, line.Width)
	}
	top := float32(0)
	if s.Middle {
		top = (l.area.Height - l.used) / 2
	}
	if s.Secret {
		l.paint(lines, size, leading, top)
		return
	}
	for i, line := range lines {
		base := top + float32(i)*leading + (leading-(ascent+descent)*size)/2 + ascent*size
		x := l.indent(line.Width)
		for _, p := range line.Pieces {
			if p.Text == " " {
				continue
			}
			t := canvas.NewText(p.Text, s.Color)
			t.TextSize = size
			t.TextStyle = fyne.TextStyle{Bold: s.Bold}
			t.FontSource = l.look.Fonts.Resource(p.Script, s.Bold)
			box, baseline := fyne.CurrentApp().Driver().RenderedTextSize(p.Text, size, t.TextStyle, t.FontSource)
			t.Move(fyne.NewPos(round(x+p.X), round(base-baseline)))
			t.Resize(box)
			l.parts = append(l.parts, t)
		}
	}
}

// indent is where a line begins. A plain text keeps its order but stands on the
// side that the language wants.
func (l *Label) indent(width float32) float32 {
	room := l.area.Width - width
	switch {
	case l.style.Align == Centre:
		return room / 2
	case (l.style.Align == Trail) != l.look.RTL():
		return room
	}
	return 0
}

// Complete reports whether every word is shown inside the box.
func (l *Label) Complete() bool { return l.words == "" || l.whole }

func fits(lines []text.Line, width float32, most int) bool {
	if most > 0 && len(lines) > most {
		return false
	}
	for _, l := range lines {
		if l.Width > width {
			return false
		}
	}
	return true
}

func (l *Label) measure(size float32) text.Measure {
	if l.style.Secret {
		return func(s string, sc text.Script) float32 {
			run, ok := l.shape(s, sc, size)
			if !ok {
				return 0
			}
			return float32(run.Advance) / 64
		}
	}
	d := fyne.CurrentApp().Driver()
	return func(s string, sc text.Script) float32 {
		box, _ := d.RenderedTextSize(s, size, fyne.TextStyle{Bold: l.style.Bold}, l.look.Fonts.Resource(sc, l.style.Bold))
		return box.Width
	}
}

// paint draws personal data into a picture of its own.
func (l *Label) paint(lines []text.Line, size, leading, top float32) {
	w, h := int(l.area.Width+.5), int(l.area.Height+.5)
	if w < 1 || h < 1 {
		return
	}
	if l.pic != nil {
		clear(l.pic.Pix)
	}
	l.pic = image.NewNRGBA(image.Rect(0, 0, w, h))
	for i, line := range lines {
		base := top + float32(i)*leading + (leading-(ascent+descent)*size)/2 + ascent*size
		x := l.indent(line.Width)
		for _, p := range line.Pieces {
			if run, ok := l.shape(p.Text, p.Script, size); ok {
				r := render.Renderer{FontSize: size, PixScale: 1, Color: l.style.Color}
				r.DrawShapedRunAt(run, l.pic, int(round(x+p.X)), int(round(base)))
			}
		}
	}
	img := canvas.NewImageFromImage(l.pic)
	img.ScaleMode = canvas.ImageScaleFastest
	img.Resize(fyne.NewSize(float32(w), float32(h)))
	l.parts = append(l.parts, img)
}

// shape turns one piece, which has one direction, into glyphs.
func (l *Label) shape(s string, sc text.Script, size float32) (shaping.Output, bool) {
	face, err := l.look.Fonts.Face(sc, l.style.Bold)
	runes := []rune(s)
	if err != nil || len(runes) == 0 {
		return shaping.Output{}, false
	}
	dir := di.DirectionLTR
	if sc == text.Arabic || sc == text.Hebrew {
		dir = di.DirectionRTL
	}
	return (&shaping.HarfbuzzShaper{}).Shape(shaping.Input{
		Text: runes, RunEnd: len(runes), Direction: dir, Face: face,
		Size: fixed.Int26_6(size * 64), Script: language.LookupScript(runes[0]),
	}), true
}

func round(v float32) float32 { return float32(int(v + .5)) }

// CreateRenderer implements fyne.Widget.
func (l *Label) CreateRenderer() fyne.WidgetRenderer {
	return &plain{objects: func() []fyne.CanvasObject { return l.parts }}
}

// MinSize asks for no room: the box is given from outside.
func (l *Label) MinSize() fyne.Size { return fyne.Size{} }

// plain renders objects that place themselves.
type plain struct {
	objects func() []fyne.CanvasObject
	layout  func(fyne.Size)
}

func (p *plain) Destroy() {}
func (p *plain) Layout(s fyne.Size) {
	if p.layout != nil {
		p.layout(s)
	}
}
func (p *plain) MinSize() fyne.Size           { return fyne.Size{} }
func (p *plain) Objects() []fyne.CanvasObject { return p.objects() }
func (p *plain) Refresh() {
	for _, o := range p.objects() {
		o.Refresh()
	}
}
