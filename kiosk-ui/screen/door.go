package screen

import (
	"errors"
	"fmt"

	"fyne.io/fyne/v2"

	"vestibule/agent"
	"vestibule/kiosk-ui/touch"
)

// Control is a button that a finger could touch now.
type Control struct {
	ID      string  `json:"id"`
	Words   string  `json:"words,omitempty"`
	X       float32 `json:"x"`
	Y       float32 `json:"y"`
	W       float32 `json:"w"`
	H       float32 `json:"h"`
	Enabled bool    `json:"enabled"`
}

// ErrNoControl is returned for an id that is not on the screen, or lies below an overlay.
var ErrNoControl = errors.New("no such control on this screen")

// Controls lists what can be touched now, with its place in the window. It holds
// no personal data: lines of the review have no words of their own.
func (u *UI) Controls() []Control {
	var out []Control
	u.walk(func(b *touch.Button, x, y float32) {
		s := b.Size()
		out = append(out, Control{ID: b.ID(), Words: b.Words(), X: x, Y: y, W: s.Width, H: s.Height, Enabled: b.Enabled()})
	})
	return out
}

// Tap touches the button with an id, as a finger would.
func (u *UI) Tap(id string) error {
	var hit *touch.Button
	u.walk(func(b *touch.Button, _, _ float32) {
		if b.ID() == id {
			hit = b
		}
	})
	if hit == nil {
		return fmt.Errorf("%q: %w", id, ErrNoControl)
	}
	if !hit.Enabled() {
		return fmt.Errorf("%q: not enabled", id)
	}
	hit.Tapped(&fyne.PointEvent{Position: fyne.NewPos(hit.Size().Width/2, hit.Size().Height/2)})
	return nil
}

// walk visits the buttons; of a screen under an overlay, only the overlay's.
func (u *UI) walk(visit func(b *touch.Button, x, y float32)) {
	objects := u.stage.Objects
	if n := len(objects); n > 0 && u.Covered() {
		objects = objects[n-1:]
	}
	var down func(o fyne.CanvasObject, x, y float32)
	down = func(o fyne.CanvasObject, x, y float32) {
		if !o.Visible() {
			return
		}
		p := o.Position()
		switch o := o.(type) {
		case *fyne.Container:
			for _, c := range o.Objects {
				down(c, x+p.X, y+p.Y)
			}
		case *touch.Button:
			visit(o, x+p.X, y+p.Y)
		}
	}
	for _, o := range objects {
		down(o, 0, 0)
	}
}

// Ready reports whether an agent is behind the screen.
func (u *UI) Ready() bool { return u.begun }

// Covered reports whether an overlay lies over the screen.
func (u *UI) Covered() bool {
	return u.help || u.fault == nil && (u.state.Asking || u.state.Lights != nil)
}

// Fault is what keeps the kiosk from starting, or nil.
func (u *UI) Fault() *agent.Problem { return u.fault }
