package touch

import (
	"fyne.io/fyne/v2"

	"vestibule/kiosk-ui/text"
	"vestibule/kiosk-ui/theme"
)

// Sizes of type and controls on a 1080-wide screen, in units.
const (
	SizeTitle  = 68
	SizeText   = 36
	SizeButton = 42
	SizeSmall  = 28 // nothing is smaller
	MinTarget  = 64 // pixels: a finger's tip, whatever the scale
)

// Look is what a thing needs to draw itself. It is a value of one screen build.
type Look struct {
	Palette theme.Palette
	Fonts   *theme.Fonts
	Text    *text.Catalogue
	Unit    float32 // pixels per unit of the 1080-wide design
	Calm    bool    // reduced motion
	// Guard runs what a touch asks for. It is where a panic of a handler ends.
	Guard func(id string, handler func())
}

// U turns units into pixels.
func (l *Look) U(n float32) float32 { return n * l.Unit }

// RTL reports whether the screen is mirrored.
func (l *Look) RTL() bool { return l.Text.RTL }

// absolute is a layout that leaves everything where it was put and asks for no
// room, so that content never grows a window past its display.
type absolute struct{}

func (absolute) Layout([]fyne.CanvasObject, fyne.Size)     {}
func (absolute) MinSize([]fyne.CanvasObject) (s fyne.Size) { return s }

// Group makes a container at a fixed place.
func Group(x, y, w, h float32, objects ...fyne.CanvasObject) *fyne.Container {
	c := &fyne.Container{Layout: absolute{}, Objects: objects}
	c.Move(fyne.NewPos(x, y))
	c.Resize(fyne.NewSize(w, h))
	return c
}
