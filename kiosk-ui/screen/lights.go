package screen

import (
	"context"
	"errors"
	"image/color"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/widget"

	"vestibule/agent"
	"vestibule/journey"
	"vestibule/kiosk-ui/theme"
	"vestibule/kiosk-ui/touch"
)

// lightField is the screen as a lamp: one colour over everything. A touch ends it.
type lightField struct {
	widget.BaseWidget
	rect *canvas.Rectangle
	end  func()
}

var _ fyne.Tappable = (*lightField)(nil)

func newLightField(s fyne.Size, end func()) *lightField {
	f := &lightField{rect: canvas.NewRectangle(color.White), end: end}
	f.rect.Resize(s)
	f.ExtendBaseWidget(f)
	f.Resize(s)
	return f
}

// Tapped ends the colours.
func (f *lightField) Tapped(*fyne.PointEvent) { f.end() }

// CreateRenderer implements fyne.Widget.
func (f *lightField) CreateRenderer() fyne.WidgetRenderer { return widget.NewSimpleRenderer(f.rect) }

// MinSize asks for no room.
func (f *lightField) MinSize() fyne.Size { return fyne.Size{} }

// lightsOver composes the colour challenge that lies over the screen: the question first, then the colours; nil
// without one.
func (u *UI) lightsOver() fyne.CanvasObject {
	l := u.state.Lights
	switch {
	case l == nil:
		return nil
	case l.Asking:
		return u.dialog("lights", u.t("lights.title"), u.t("lights.body"), theme.IconAlert,
			touch.Spec{ID: "lights-start", Words: u.t("lights.start"), Kind: touch.Primary, OnTap: func() { u.answerLights(true) }},
			touch.Spec{ID: "lights-skip", Words: u.t("lights.skip"), OnTap: func() { u.answerLights(false) }})
	}
	f := u.frame
	all := newPen(u.look, area{0, 0, f.w, f.h})
	u.live.field = newLightField(fyne.NewSize(f.w, f.h), func() { u.touched("lights-end", func() { u.answerLights(false) }) })
	all.box.Objects = append(all.box.Objects, u.live.field)
	// All the colours are light: words in black stand on each of them.
	all.text(u.t("lights.look"), touch.Style{Size: 56, Floor: 40, Bold: true, Color: color.NRGBA{A: 255}, Align: touch.Centre, Lines: 2},
		all.u(edgeX), all.u(120), f.w-2*all.u(edgeX), all.u(200))
	all.text(u.t("lights.end"), touch.Style{Size: 36, Floor: touch.SizeSmall, Color: color.NRGBA{A: 255}, Align: touch.Centre, Lines: 2},
		all.u(edgeX), f.h-all.u(160), f.w-2*all.u(edgeX), all.u(120))
	return all.box
}

// answerLights passes the person's word on. No is never dropped because something else is on its way.
func (u *UI) answerLights(yes bool) {
	answer := "accepted"
	if !yes {
		answer, u.busy = "declined", false
	}
	u.command("answer-lights", agent.AnswerLights{Yes: yes}, note{Name: journey.EventAPICall, Path: u.state.Path, Detail: map[string]string{"command": "answer-lights", "answer": answer}})
}

// liveLights shows the colour that is due, and tells the agent when the first one stood on the screen.
func (u *UI) liveLights() {
	l := u.state.Lights
	if l == nil || l.Asking || len(l.Colours) == 0 || l.Dwell <= 0 || u.live.field == nil {
		u.lit = time.Time{}
		return
	}
	now := time.Now()
	first := u.lit.IsZero()
	if first {
		u.lit = now
	}
	i := min(int(now.Sub(u.lit)/l.Dwell), len(l.Colours)-1)
	c := l.Colours[i]
	u.live.field.rect.FillColor = color.NRGBA{R: c.R, G: c.G, B: c.B, A: 255}
	u.live.field.rect.Refresh()
	if first {
		// Not a person's command: it waits for none, and none waits for it.
		u.queue(func(ctx context.Context, k agent.Kiosk) {
			if err := k.Do(ctx, agent.LightsShown{At: now}); err != nil && !errors.Is(err, agent.ErrNotNow) && !errors.Is(err, context.Canceled) {
				u.opts.Log.Error("screen: the colours were not reported", "error", err)
			}
		})
	}
	if i+1 < len(l.Colours) { // ticks are too coarse for it
		due, of := u.lit.Add(time.Duration(i+1)*l.Dwell), u.lit
		time.AfterFunc(time.Until(due), func() {
			u.do("lights", func() {
				if u.lit.Equal(of) {
					u.liveLights()
				}
			})
		})
	}
}
