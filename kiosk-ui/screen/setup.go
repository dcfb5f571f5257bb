package screen

import (
	"context"
	"errors"
	"time"

	"fyne.io/fyne/v2"

	"vestibule/agent"
	"vestibule/agent/setup"
	"vestibule/kiosk-ui/theme"
	"vestibule/kiosk-ui/touch"
)

// SetUp is what the set-up screen observes and commands: setup.Setup.
type SetUp interface {
	Invite(address, token string) *agent.Problem
	Again()
	Ask()
	Watch(ctx context.Context) <-chan setup.State
	Preview() <-chan agent.Picture
}

var _ SetUp = (*setup.Setup)(nil)

// settingUp is what the screen knows while its kiosk has no identity.
type settingUp struct {
	desk    SetUp
	state   setup.State
	entry   setUpEntry
	address string
	wrong   *agent.Problem // what is wrong with the entry
}

// setUpEntry says what is being typed.
type setUpEntry string

const (
	entryNone    setUpEntry = ""
	entryAddress setUpEntry = "address"
	entryToken   setUpEntry = "token"
)

// RunSetUp shows a set-up until ctx ends.
func (u *UI) RunSetUp(ctx context.Context, s SetUp) {
	go func() {
		last := time.Time{}
		for {
			select {
			case p := <-s.Preview():
				if now := u.opts.Now(); now.Sub(last) >= previewEvery-5*time.Millisecond {
					last = now
					u.await(ctx, "preview", func() { u.Preview(p.Image) })
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	states := s.Watch(ctx)
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	for {
		select {
		case st, ok := <-states:
			if !ok {
				return
			}
			u.await(ctx, "set-up", func() { u.ShowSetUp(s, st) })
		case <-tick.C:
			u.await(ctx, "tick", u.Tick)
		case <-ctx.Done():
			return
		}
	}
}

// ShowSetUp shows a state of a set-up.
func (u *UI) ShowSetUp(desk SetUp, st setup.State) {
	if u.setup == nil {
		u.setup = &settingUp{desk: desk, address: st.Address}
	}
	if st.Step != u.setup.state.Step {
		u.started = u.opts.Now()
		u.hush()
	}
	if st.Step != setup.Asking {
		u.endSetUpEntry()
		u.setup.address = st.Address
	}
	was := u.setup.state
	u.setup.state = st
	if u.setup.entry != entryNone || was == st {
		return // who types is not disturbed by what the camera does
	}
	u.compose()
}

// EndSetUp leaves the set-up's screen: the kiosk starts.
func (u *UI) EndSetUp() {
	u.endSetUpEntry()
	if u.live.camera != nil {
		u.live.camera.Wipe()
	}
	u.setup, u.help = nil, false
	u.compose()
}

// SetUp is where the set-up stands, and whether there is one.
func (u *UI) SetUp() (setup.State, bool) {
	if u.setup == nil {
		return setup.State{}, false
	}
	return u.setup.state, true
}

// ErrNoField is returned when nothing is being typed.
var ErrNoField = errors.New("no field takes what is typed")

// maxTyped bounds what Type takes at once, in characters.
const maxTyped = 400

// Type types into the field that is being edited, as a keyboard beside the screen would.
func (u *UI) Type(words string) error {
	if u.field == nil {
		return ErrNoField
	}
	n := 0
	for _, r := range words {
		if n++; n > maxTyped {
			break
		}
		u.field.TypedRune(r)
	}
	return nil
}

func (u *UI) endSetUpEntry() {
	if u.setup.entry == entryNone {
		return
	}
	if u.field != nil {
		u.field.Wipe()
		u.field = nil
	}
	if c := u.opts.Canvas(); c != nil {
		c.Unfocus()
	}
	u.setup.entry, u.setup.wrong = entryNone, nil
}

// setUpScreen composes the set-up.
func (u *UI) setUpScreen(before *touch.Camera) []fyne.CanvasObject {
	const bar = agent.StepAttract // nobody visits: language, help, contrast
	s := u.setup
	if s.entry != entryNone {
		return []fyne.CanvasObject{u.header(bar), u.setUpEditor(), u.bar(bar)}
	}
	show, say := newPen(u.look, u.frame.show), newPen(u.look, u.frame.say)
	title, body := u.setUpWords()
	switch s.state.Step {
	case setup.Enrolling, setup.Done:
		u.moving(show, theme.IconLock)
		u.speak(say, title, body, 0)
	case setup.Waiting:
		u.setUpSign(show, theme.IconClock)
		u.speak(say, title, body, u.acted(say, 2))
		u.act(say,
			touch.Spec{ID: "setup-again", Words: u.t("setup.again"), Kind: touch.Primary, OnTap: s.desk.Again},
			touch.Spec{ID: "setup-other", Words: u.t("setup.other"), OnTap: s.desk.Ask})
	default:
		if s.state.Scanning {
			u.camera(show, before, false)
			u.live.brackets = touch.NewBrackets(u.look.Palette.Guide, show.u(14))
			u.live.brackets.Resize(fyne.NewSize(show.w, show.h))
			u.live.brackets.Put(middle(show.w, show.h), true)
			show.box.Objects = append(show.box.Objects, u.live.brackets)
		} else if s.state.Problem != nil {
			u.setUpSign(show, theme.IconAlert)
		} else {
			u.setUpSign(show, theme.IconLock)
		}
		actions := []touch.Spec{{ID: "setup-type", Words: u.t("setup.type"), Kind: touch.Primary, OnTap: u.typeSetUp}}
		if s.state.Kept {
			actions[0].Kind = touch.Second
			actions = append([]touch.Spec{{ID: "setup-again", Words: u.t("setup.again"), Kind: touch.Primary, OnTap: s.desk.Again}}, actions...)
		}
		u.speak(say, title, body, u.acted(say, len(actions)))
		u.act(say, actions...)
	}
	return []fyne.CanvasObject{show.box, say.box, u.header(bar), u.bar(bar)}
}

// setUpWords gives title and sentence of where a set-up stands.
func (u *UI) setUpWords() (title, body string) {
	s := u.setup.state
	switch s.Step {
	case setup.Enrolling:
		return u.t("setup.enrolling.title"), u.t("setup.enrolling.body")
	case setup.Done:
		return u.t("setup.done.title", "name", s.Kiosk), u.t("setup.done.body")
	}
	if s.Problem != nil {
		title, body = u.look.Text.Problem(s.Problem.Code)
		return title, body + " " + u.t("error.code", "code", s.Problem.Code)
	}
	if s.Scanning {
		return u.t("setup.title"), u.t("setup.body")
	}
	return u.t("setup.title"), u.t("setup.blind")
}

// setUpSign is the sign that stands where no picture is.
func (u *UI) setUpSign(show *pen, icon theme.Icon) {
	pal := u.look.Palette
	ground, ink := pal.AmberSoft, pal.Amber
	if icon == theme.IconLock {
		ground, ink = pal.BrandSoft, pal.Brand
	}
	side := min(show.u(380), show.h*.5)
	show.disc(icon, ground, ink, 1.6, (show.w-side)/2, (show.h-side)/2, side)
}

// middle is where a code is held: a square in the middle of the picture.
func middle(w, h float32) [4]fyne.Position {
	side := min(w, h) * .62
	x, y := (w-side)/2, (h-side)/2
	return [4]fyne.Position{{X: x, Y: y}, {X: x + side, Y: y}, {X: x + side, Y: y + side}, {X: x, Y: y + side}}
}

func (u *UI) typeSetUp() {
	u.setup.entry, u.setup.wrong = entryAddress, nil
	u.compose()
}

// nextSetUp takes the entry over.
func (u *UI) nextSetUp() {
	s := u.setup
	if u.field == nil {
		return
	}
	v := u.field.Value()
	if s.entry == entryAddress {
		switch p := s.desk.Invite(v, ""); {
		case p == nil: // a hand scanner typed the whole code
			u.endSetUpEntry()
		case p.Code == "token_malformed": // as far as it goes it is right
			s.address, s.wrong, s.entry = v, nil, entryToken
			u.field.Wipe()
			u.field = nil
		default:
			s.wrong = p
		}
		u.compose()
		return
	}
	if s.wrong = s.desk.Invite(s.address, v); s.wrong == nil {
		u.endSetUpEntry()
	}
	u.compose()
}

func (u *UI) cancelSetUp() {
	u.endSetUpEntry()
	u.compose()
}

// setUpEditor composes one line being typed: what it is above, keys below.
func (u *UI) setUpEditor() fyne.CanvasObject {
	f, pal, s := u.frame, u.look.Palette, u.setup
	p := newPen(u.look, area{0, f.header.h, f.w, f.bar.y - f.header.h})
	x, w := p.u(edgeX), p.w-2*p.u(edgeX)
	y := p.u(edgeY)
	if f.wide {
		y = p.u(20)
	}
	key, kind, done := "setup.address", touch.EntryAddress, u.t("setup.next")
	value := s.address
	if s.entry == entryToken {
		key, kind, done, value = "setup.token", touch.EntryToken, u.t("setup.enrol"), ""
	}
	title := p.text(u.t(key+".title"), touch.Style{Size: 56, Floor: 40, Bold: true, Color: pal.Ink, Leading: 1.15, Lines: 1}, x, y, w, p.u(80))
	y += title.Used() + p.u(8)
	advice, colour := u.t(key+".advice", "example", "centre.example.org:8443"), pal.Ink2
	if s.wrong != nil {
		_, advice = u.look.Text.Problem(s.wrong.Code)
		colour = pal.Red
	}
	a := p.text(advice, touch.Style{Size: touch.SizeText, Floor: touch.SizeSmall, Color: colour, Lines: 2, Bold: s.wrong != nil, Leading: 1.3}, x, y, w, p.u(100))
	y += a.Used() + p.u(16)
	foot := p.u(132)
	bottom := p.h - foot - p.u(32)
	if f.wide {
		foot = p.u(108)
		bottom = p.h - foot - p.u(20)
	}
	half := (w - p.u(28)) / 2
	p.button(touch.Spec{ID: "save", Words: done, Kind: touch.Primary, OnTap: u.nextSetUp}, x, bottom, half, foot)
	p.button(touch.Spec{ID: "cancel", Words: u.t("review.edit.cancel"), OnTap: u.cancelSetUp}, x+half+p.u(28), bottom, half, foot)
	h := p.u(140)
	if f.wide {
		h = p.u(96)
	}
	if u.field != nil { // what was typed stays when the screen is rebuilt
		value = u.field.Value()
		u.field.Wipe()
	}
	u.field = touch.NewField(u.look, kind, value, round(w), round(h))
	u.field.OnEnter = func() { u.guard("save", u.nextSetUp) }
	p.place(u.field, x, y)
	y += h + p.u(24)
	top := y
	most := p.u(5*140 + 48)
	if bottom-p.u(24)-y > most {
		top = bottom - p.u(36) - most
	}
	inset := p.u(24)
	k := touch.NewKeyboard(u.look, kind, u.field, inset, round(top), round(p.w-2*inset), round(bottom-p.u(24)-top))
	p.box.Objects = append(p.box.Objects, k.Box())
	if c := u.opts.Canvas(); c != nil {
		c.Focus(u.field)
	}
	return p.box
}

// moving draws a sign and a bar below it that says that something goes on.
func (u *UI) moving(show *pen, icon theme.Icon) {
	pal := u.look.Palette
	side := min(show.u(380), show.h*.5)
	y := (show.h-side)/2 - show.u(40)
	show.disc(icon, pal.BrandSoft, pal.Brand, 1.5, (show.w-side)/2, y, side)
	w := min(show.u(560), show.w*.7)
	u.live.bar = newMovingBar(show, (show.w-w)/2, y+side+show.u(64), w, show.u(16))
}
