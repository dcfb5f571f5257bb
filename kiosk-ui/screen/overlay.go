package screen

import (
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/widget"

	"vestibule/agent"
	"vestibule/kiosk-ui/theme"
	"vestibule/kiosk-ui/touch"
)

// shade darkens what is below a card and swallows touches beside it.
type shade struct {
	widget.BaseWidget
	rect *canvas.Rectangle
}

var _ fyne.Tappable = (*shade)(nil)

func newShade(pal theme.Palette, s fyne.Size) *shade {
	c := theme.Alpha(pal.Surround, 178)
	h := &shade{rect: canvas.NewRectangle(c)}
	h.rect.Resize(s)
	h.ExtendBaseWidget(h)
	h.Resize(s)
	return h
}

// Tapped does nothing: a touch beside the card is no answer.
func (s *shade) Tapped(*fyne.PointEvent) {}

// CreateRenderer implements fyne.Widget.
func (s *shade) CreateRenderer() fyne.WidgetRenderer { return widget.NewSimpleRenderer(s.rect) }

// MinSize asks for no room.
func (s *shade) MinSize() fyne.Size { return fyne.Size{} }

// overlay composes the question or the help that lies over the screen; nil without one.
func (u *UI) overlay() fyne.CanvasObject {
	switch l := u.state.Lights; {
	case l != nil && !l.Asking && u.fault == nil: // for four seconds nothing covers the colours
		return u.lightsOver()
	case u.state.Asking && u.fault == nil:
		return u.dialog("asking", u.t("asking.title"), u.t("asking.body"), theme.IconClock,
			touch.Spec{ID: "still-here", Words: u.t("asking.yes"), Kind: touch.Primary, OnTap: u.stillHere},
			touch.Spec{ID: "stop-now", Words: u.t("asking.no"), OnTap: u.stop})
	case l != nil && u.fault == nil:
		return u.lightsOver()
	case u.help:
		return u.dialog("help", u.t("bar.help"), u.t("help."+u.helpKey())+"\n"+u.t("help.staff"), theme.IconHelp,
			touch.Spec{ID: "help-close", Words: u.t("help.close"), Kind: touch.Primary, OnTap: u.hideHelp})
	}
	return nil
}

func (u *UI) helpKey() string {
	step := u.state.Step
	if u.fault != nil {
		step = agent.StepClosed
	}
	if u.setup != nil && u.fault == nil {
		return "setup"
	}
	switch step {
	case agent.StepAttract, agent.StepLanguage, agent.StepConsent, agent.StepDocument, agent.StepReading, agent.StepReview,
		agent.StepSelfie, agent.StepChecking, agent.StepResult, agent.StepError:
		return string(step)
	}
	return string(agent.StepClosed)
}

// dialog is a card in the lower part of the screen, where hands reach it. The
// part of asking's sentence that counts is kept live.
func (u *UI) dialog(kind, title, body string, icon theme.Icon, actions ...touch.Spec) fyne.CanvasObject {
	pal, f := u.look.Palette, u.frame
	all := newPen(u.look, area{0, 0, f.w, f.h})
	all.box.Objects = append(all.box.Objects, newShade(pal, fyne.NewSize(f.w, f.h)))
	w := min(f.w-2*all.u(40), all.u(1000))
	pad, side := all.u(56), all.u(120)
	top := pad + side + all.u(40)
	below := all.u(action) + pad + all.u(48)
	most := f.h - 2*all.u(60)
	// The card is as tall as its sentence needs, measured with the longest count.
	style := touch.Style{Size: 40, Floor: touch.SizeSmall, Color: pal.Ink2, Leading: 1.4}
	need := touch.NewLabel(u.look, strings.ReplaceAll(body, "{s}", "888"), style, w-2*pad, most-top-below).Used()
	h := min(most, top+max(need, all.u(120))+below)
	y := f.h - h - all.u(40)
	if f.wide {
		y = (f.h - h) / 2
	}
	p := newPen(u.look, area{(f.w - w) / 2, round(y), round(w), round(h)})
	p.card(0, 0, w, h, p.u(40))
	p.disc(icon, pal.BrandSoft, pal.Brand, 2, pad, pad, side)
	p.text(title, touch.Style{Size: 60, Floor: 40, Bold: true, Color: pal.Ink, Middle: true, Lines: 2, Leading: 1.15}, pad+side+p.u(32), pad, w-2*pad-side-p.u(32), side)
	label := p.text(body, style, pad, top, w-2*pad, h-top-below)
	if kind == "asking" {
		u.live.count, u.live.counted = label, "asking.body"
	}
	gap := p.u(28)
	bw := (w - 2*pad - gap*float32(len(actions)-1)) / float32(len(actions))
	for i, a := range actions {
		p.button(a, pad+float32(i)*(bw+gap), h-pad-p.u(action), bw, p.u(action))
	}
	all.box.Objects = append(all.box.Objects, p.box)
	return all.box
}
