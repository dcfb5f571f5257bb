package screen

import (
	"fmt"
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	qrcode "github.com/skip2/go-qrcode"

	"vestibule/agent"
	"vestibule/journey"
	"vestibule/kiosk-ui/text"
	"vestibule/kiosk-ui/theme"
	"vestibule/kiosk-ui/touch"
)

// screen composes header, upper half, lower half and bar for the present state.
func (u *UI) screen(before *touch.Camera) []fyne.CanvasObject {
	if u.setup != nil && u.fault == nil {
		return u.setUpScreen(before)
	}
	step := u.state.Step
	if u.fault != nil {
		step = agent.StepClosed
	}
	f := u.frame
	if u.editing != "" && step == agent.StepReview {
		return []fyne.CanvasObject{u.header(step), u.editor(), u.bar(step)}
	}
	show, say := newPen(u.look, f.show), newPen(u.look, f.say)
	switch step {
	case agent.StepAttract:
		u.attract(show, say)
	case agent.StepLanguage:
		u.chooseLanguage(show, say)
	case agent.StepConsent:
		u.consent(show, say)
	case agent.StepDocument:
		u.document(show, say, before)
	case agent.StepReading:
		u.waiting(show, say, theme.IconCard, "reading")
	case agent.StepReview:
		u.review(show, say)
	case agent.StepSelfie:
		u.selfie(show, say, before)
	case agent.StepChecking:
		u.waiting(show, say, theme.IconPerson, "checking")
	case agent.StepResult:
		u.result(show, say)
	default: // error, closed, and a step this screen does not know
		u.trouble(show, say, step)
	}
	return []fyne.CanvasObject{show.box, say.box, u.header(step), u.bar(step)}
}

// Margins of the two halves, in units.
const (
	edgeX  = 64
	edgeY  = 48
	action = 152 // height of a button
)

func (u *UI) t(key string, values ...string) string { return u.look.Text.T(key, values...) }

// header shows the name, and how far the visit is.
func (u *UI) header(step agent.Step) fyne.CanvasObject {
	f, pal := u.frame, u.look.Palette
	p := newPen(u.look, f.header)
	p.rect(0, 0, p.w, p.h, canvas.NewRectangle(pal.Card))
	p.rect(0, p.h-p.u(2), p.w, max(1, p.u(2)), canvas.NewRectangle(pal.Line))
	mark := touch.Style{Size: 36, Bold: true, Color: pal.Ink, Middle: true, Plain: true, Lines: 1}
	// The name is Latin in every language: its halves stay in this order.
	first := touch.NewLabel(u.look, "Vesti", mark, p.u(300), p.h)
	second := mark
	second.Color = pal.Brand
	rest := touch.NewLabel(u.look, "bule", second, p.u(300), p.h)
	x := p.u(56)
	if u.look.RTL() { // both labels stand on their right edge here
		p.place(rest, x, 0)
		p.place(first, x+rest.Wide(), 0)
	} else {
		p.place(first, x, 0)
		p.place(rest, x+first.Wide(), 0)
	}
	small := touch.Style{Size: 30, Floor: touch.SizeSmall, Color: pal.Ink2, Middle: true, Align: touch.Trail, Lines: 1}
	if step == agent.StepAttract || step == agent.StepClosed || step == agent.StepError {
		small.Plain = true
		u.live.clock = p.text(u.opts.Now().Format("15:04"), small, p.w-p.u(56+300), 0, p.u(300), p.h)
		return p.box
	}
	n, name := progress(step)
	right := p.w - p.u(56)
	if step != agent.StepResult {
		count := touch.NewLabel(u.look, u.t("progress.of", "n", fmt.Sprint(n), "total", "4"), small, p.u(200), p.h)
		p.place(count, right-count.Area().Width, 0)
		right -= count.Wide() + p.u(20)
	}
	for i := 4; i >= 1; i-- {
		c := pal.Line
		if i <= n {
			c = pal.Brand
		}
		r := canvas.NewRectangle(c)
		r.CornerRadius = p.u(6)
		if pal.Strong && i > n {
			r.FillColor, r.StrokeColor, r.StrokeWidth = pal.Card, pal.Line, p.u(2)
		}
		p.rect(right-p.u(52), (p.h-p.u(12))/2, p.u(52), p.u(12), r)
		right -= p.u(52 + 14)
	}
	p.text(u.t("progress."+name), small, right-p.u(6+300), 0, p.u(300), p.h)
	return p.box
}

// progress says which of the four bars a step belongs to.
func progress(step agent.Step) (n int, name string) {
	switch step {
	case agent.StepDocument, agent.StepReading, agent.StepReview:
		return 2, "document"
	case agent.StepSelfie, agent.StepChecking:
		return 3, "face"
	case agent.StepResult:
		return 4, "done"
	}
	return 1, "welcome"
}

// bar composes the bottom bar. Its four places never change.
func (u *UI) bar(step agent.Step) fyne.CanvasObject {
	f, pal := u.frame, u.look.Palette
	p := newPen(u.look, f.bar)
	p.rect(0, 0, p.w, p.h, canvas.NewRectangle(pal.Card))
	if step == agent.StepResult {
		u.live.counted = "result.clears"
		u.live.count = p.text("", touch.Style{
			Size: 34, Floor: touch.SizeSmall, Color: pal.Ink2, Align: touch.Centre, Middle: true, Lines: 2,
		}, p.u(edgeX), 0, p.w-2*p.u(edgeX), p.h)
		p.rect(0, 0, p.w, max(1, p.u(2)), canvas.NewRectangle(pal.Line))
		return p.box
	}
	back := theme.IconBack
	if u.look.RTL() {
		back = theme.IconForward
	}
	places := [4]touch.Spec{}
	switch step {
	case agent.StepAttract, agent.StepClosed, agent.StepError:
		places[0] = touch.Spec{ID: "language", Icon: theme.IconGlobe, Words: u.look.Text.Name, OnTap: u.nextLanguage}
	default:
		places[0] = touch.Spec{ID: "back", Icon: back, Words: u.t("bar.back"), Off: !canGoBack(step, u.state.OtherSide), OnTap: u.back}
	}
	places[1] = touch.Spec{ID: "help", Icon: theme.IconHelp, Words: u.t("bar.help"), OnTap: u.showHelp}
	contrast := touch.Spec{ID: "contrast", Icon: theme.IconContrast, Words: u.t("bar.contrast"), OnTap: u.toggleContrast}
	places[2] = contrast
	if u.opts.Voice != nil {
		places[2] = touch.Spec{ID: "listen", Icon: theme.IconListen, Words: u.t("bar.listen"), OnTap: u.listen}
	}
	switch step {
	case agent.StepAttract, agent.StepClosed, agent.StepError:
		if u.opts.Voice != nil {
			places[3] = contrast
		}
	default:
		places[3] = touch.Spec{ID: "stop", Icon: theme.IconStop, Words: u.t("bar.stop"), Kind: touch.BarStop, OnTap: u.stop}
	}
	w := p.w / 4
	for i, s := range places {
		if s.ID != "" {
			if s.Kind != touch.BarStop {
				s.Kind = touch.Bar
			}
			p.button(s, float32(i)*w, p.u(2), w, p.h-p.u(2))
		}
	}
	for i := 1; i < 4; i++ {
		p.rect(float32(i)*w-p.u(1), p.u(2), max(1, p.u(2)), p.h-p.u(2), canvas.NewRectangle(pal.Line))
	}
	p.rect(0, 0, p.w, max(1, p.u(2)), canvas.NewRectangle(pal.Line))
	return p.box
}

// canGoBack says where the agent takes Back.
func canGoBack(step agent.Step, otherSide bool) bool {
	return step == agent.StepConsent || step == agent.StepReview || step == agent.StepDocument && otherSide
}

// speak sets title and sentence into the lower half and gives the y below them.
// room is the height that must stay free at the bottom.
func (u *UI) speak(p *pen, title, body string, room float32) float32 {
	pal := u.look.Palette
	x, y, w := p.u(edgeX), p.u(edgeY), p.w-2*p.u(edgeX)
	free := p.h - room - y
	t := p.text(title, touch.Style{Size: touch.SizeTitle, Floor: 44, Bold: true, Color: pal.Ink, Leading: 1.16, Lines: 2}, x, y, w, free*.55)
	y += t.Used() + p.u(20)
	if body == "" {
		return y
	}
	b := p.text(body, touch.Style{Size: touch.SizeText, Floor: touch.SizeSmall, Color: pal.Ink2, Leading: 1.38}, x, y, w, p.h-room-y)
	return y + b.Used() + p.u(24)
}

// act sets one or two actions at the bottom of the lower half: side by side, or
// below each other where the half is narrow. Their words have one size.
func (u *UI) act(p *pen, specs ...touch.Spec) {
	h, gap, foot := p.u(action), p.u(28), p.u(40)
	w := (p.w - 2*p.u(edgeX) - gap*float32(len(specs)-1)) / float32(len(specs))
	stacked := u.frame.wide && len(specs) > 1
	if stacked {
		w, h, gap, foot = p.w-2*p.u(edgeX), p.u(124), p.u(20), p.u(32)
	}
	least := float32(touch.SizeButton)
	for _, s := range specs {
		if l := touch.NewButton(u.look, s, round(w), round(h)).Label(); l != nil {
			least = min(least, l.TextSize()/u.look.Unit)
		}
	}
	for i, s := range specs {
		s.Size = least
		if stacked {
			p.button(s, p.u(edgeX), p.h-foot-h-float32(len(specs)-1-i)*(h+gap), w, h)
		} else {
			p.button(s, p.u(edgeX)+float32(i)*(w+gap), p.h-foot-h, w, h)
		}
	}
}

// acted is the height that act takes for n actions.
func (u *UI) acted(p *pen, n int) float32 {
	if u.frame.wide && n > 1 {
		return p.u(32+16) + float32(n)*p.u(124) + float32(n-1)*p.u(20)
	}
	return p.u(action + 40 + 16)
}

func (u *UI) attract(show, say *pen) {
	size := min(show.w*.86, show.h*.9*860/760)
	h := size * 760 / 860
	show.place(u.welcome(int(size), int(h)), (show.w-size)/2, (show.h-h)/2+show.u(16))
	if !u.state.Online && u.begun {
		u.offline(show)
	}
	big := say.u(176)
	u.speak(say, u.t("attract.title"), u.t("attract.body"), big+say.u(56))
	start := touch.Spec{ID: "start", Words: u.t("attract.start"), Kind: touch.Primary, Size: 50, OnTap: u.start}
	if !u.begun {
		start.Off, start.Words = true, u.t("attract.preparing")
	}
	say.button(start, say.u(edgeX), say.h-big-say.u(40), say.w-2*say.u(edgeX), big)
}

// welcome gives the attract screen's picture, drawn once a size and palette.
func (u *UI) welcome(w, h int) *canvas.Image {
	key := drawn{w, h, u.strong}
	if u.drawing == nil || u.drawnAs != key {
		u.drawing, u.drawnAs = welcome(u.look.Palette, w, h), key
	}
	img := canvas.NewImageFromImage(u.drawing)
	img.ScaleMode = canvas.ImageScaleFastest
	img.Resize(fyne.NewSize(float32(w), float32(h)))
	return img
}

func (u *UI) chooseLanguage(show, say *pen) {
	pal := u.look.Palette
	// Greetings in every language, each in a bubble of its own.
	greetings := []string{"Hello", "مرحباً", "こんにちは"}
	at := [][2]float32{{.06, .12}, {.40, .39}, {.16, .66}}
	bw, bh := show.w*.54, show.h*.21
	grounds := []color.NRGBA{pal.BrandSoft, pal.AmberSoft, pal.Card}
	for i, g := range greetings {
		r := canvas.NewRectangle(grounds[i])
		r.CornerRadius = bh / 2
		r.StrokeColor, r.StrokeWidth = pal.Line, show.u(3)
		x, y := at[i][0]*show.w, at[i][1]*show.h
		show.rect(x, y, bw, bh, r)
		l := languageAt(i)
		look := *u.look
		look.Text = text.In(l.Code)
		words := touch.NewLabel(&look, g, touch.Style{Size: 72, Floor: 40, Bold: true, Color: pal.Ink, Align: touch.Centre, Middle: true, Lines: 1}, bw, bh)
		show.place(words, x, y)
	}
	list := text.Languages()
	h, gap := say.u(132), say.u(20)
	if u.frame.wide {
		h = say.u(112)
	}
	room := float32(len(list))*(h+gap) + say.u(40)
	u.speak(say, u.t("language.title"), "", room)
	y := say.h - room + gap - say.u(0)
	for _, l := range list {
		look := *u.look
		look.Text = text.In(l.Code)
		kind := touch.Second
		if l.Code == u.look.Text.Code {
			kind = touch.Primary
		}
		b := touch.NewButton(&look, touch.Spec{ID: "language-" + l.Code, Words: l.Name, Kind: kind, Size: 48, OnTap: func() { u.choose(l.Code) }}, round(say.w-2*say.u(edgeX)), round(h))
		say.place(b, say.u(edgeX), y)
		y += h + gap
	}
}

func languageAt(i int) text.Language {
	l := text.Languages()
	return l[i%len(l)]
}

func (u *UI) consent(show, say *pen) {
	items := []struct {
		icon theme.Icon
		key  string
	}{{theme.IconCard, "consent.document"}, {theme.IconPerson, "consent.face"}, {theme.IconLock, "consent.sealed"}}
	pal := u.look.Palette
	gap := show.u(28)
	h := min((show.h-2*show.u(56)-2*gap)/3, show.u(236))
	y := (show.h - 3*h - 2*gap) / 2
	x, w := show.u(edgeX), show.w-2*show.u(edgeX)
	for _, it := range items {
		show.card(x, y, w, h, show.u(28))
		side := min(show.u(132), h*.7)
		show.disc(it.icon, pal.BrandSoft, pal.Brand, 1.9, x+show.u(40), y+(h-side)/2, side)
		show.text(u.t(it.key), touch.Style{Size: 38, Floor: touch.SizeSmall, Color: pal.Ink, Middle: true, Leading: 1.3},
			x+show.u(40)+side+show.u(36), y, w-show.u(40+36+40)-side, h)
		y += h + gap
	}
	u.speak(say, u.t("consent.title"), u.t("consent.body"), u.acted(say, 2))
	u.act(say,
		touch.Spec{ID: "agree", Words: u.t("consent.agree"), Kind: touch.Primary, OnTap: func() { u.consented(true) }},
		touch.Spec{ID: "refuse", Words: u.t("consent.refuse"), OnTap: func() { u.consented(false) }})
}

// camera puts the dark ground, the live picture and, above it, the offline note.
func (u *UI) camera(show *pen, before *touch.Camera, mirror bool) {
	show.rect(0, 0, show.w, show.h, canvas.NewRectangle(u.look.Palette.Surround))
	u.live.camera = touch.NewCamera(show.w, show.h, mirror)
	if before != nil {
		u.live.camera.Inherit(before)
	}
	show.place(u.live.camera, 0, 0)
}

func (u *UI) document(show, say *pen, before *touch.Camera) {
	pal := u.look.Palette
	u.camera(show, before, false)
	u.live.brackets = touch.NewBrackets(pal.Guide, show.u(14))
	u.live.brackets.Resize(fyne.NewSize(show.w, show.h))
	show.box.Objects = append(show.box.Objects, u.live.brackets) // never mirrored
	if !u.state.Online {
		u.offline(show)
	}
	u.hintCard(show)
	side := documentSide(u.state)
	y := u.speak(say, u.t("document."+side+".title"), u.t("document."+side+".body"), u.roomForActions(say, 1))
	u.again(say, y, 1)
	if u.state.ByHand {
		u.act(say, touch.Spec{ID: "take", Icon: theme.IconCamera, Words: u.t("document.take"), Kind: touch.Primary, OnTap: u.take})
	}
}

// documentSide says which texts stand beside the document's live picture.
func documentSide(s agent.State) string {
	switch {
	case s.Path == "/document/back":
		return "back"
	case s.OtherSide:
		return "photo"
	}
	return "front"
}

func (u *UI) roomForActions(p *pen, n int) float32 {
	if !u.state.Retake.IsZero() {
		return u.acted(p, n) + p.u(190)
	}
	return u.acted(p, n)
}

// again says why the last capture was not accepted, and which try this is.
func (u *UI) again(say *pen, y float32, n int) {
	if u.state.Retake.IsZero() {
		return
	}
	pal := u.look.Palette
	x, w := say.u(edgeX), say.w-2*say.u(edgeX)
	h := min(say.u(190), say.h-u.acted(say, n)-y)
	if h < say.u(110) {
		return
	}
	r := canvas.NewRectangle(pal.AmberSoft)
	r.CornerRadius = say.u(28)
	if pal.Strong {
		r.StrokeColor, r.StrokeWidth = pal.Amber, say.u(3)
	}
	say.rect(x, y, w, h, r)
	icon := say.u(64)
	say.icon(theme.IconAgain, pal.Amber, 2.2, x+say.u(36), y+(h-icon)/2, icon)
	tx, tw := x+say.u(36+36)+icon, w-say.u(36+36+36)-icon
	words := u.look.Text.ForCode(u.state.Retake, u.state.RetakeVariant)
	tries := ""
	if u.state.MaxAttempts > 0 && u.state.Attempt > 0 {
		tries = u.t("attempt", "n", fmt.Sprint(min(u.state.Attempt, u.state.MaxAttempts)), "total", fmt.Sprint(u.state.MaxAttempts))
	}
	line := say.u(46)
	if tries == "" {
		line = 0
	}
	l := touch.NewLabel(u.look, words, touch.Style{Size: 34, Floor: touch.SizeSmall, Bold: true, Color: pal.Ink, Leading: 1.25}, tw, h-line-say.u(28))
	top := y + (h-l.Used()-line)/2
	say.place(l, tx, top)
	if tries != "" {
		say.text(tries, touch.Style{Size: 30, Floor: touch.SizeSmall, Color: pal.AmberInk, Lines: 1, Middle: true}, tx, top+l.Used(), tw, line)
	}
}

func (u *UI) selfie(show, say *pen, before *touch.Camera) {
	pal := u.look.Palette
	u.camera(show, before, true)
	cx, cy := show.w/2, show.h*.425
	ry := show.h * .33
	rx := ry * .82
	u.live.oval = touch.NewOval(show.w, show.h, cx, cy, rx, ry, show.u(14), theme.Alpha(pal.Surround, 190))
	show.box.Objects = append(show.box.Objects, u.live.oval)
	u.live.moves = map[journey.Challenge]*canvas.Image{}
	side := min(show.u(150), (show.w/2-rx)*.8)
	put := func(c journey.Challenge, i theme.Icon, x, y float32) {
		img := canvas.NewImageFromResource(i.SVG(pal.Guide, 2, side))
		img.FillMode = canvas.ImageFillContain
		img.Resize(fyne.NewSize(side, side))
		img.Move(fyne.NewPos(round(x-side/2), round(y-side/2)))
		img.Hide()
		show.box.Objects = append(show.box.Objects, img)
		u.live.moves[c] = img
	}
	reach := (show.w/2-rx)/2 + show.u(6)
	put(journey.TurnLeft, theme.IconLeft, cx-rx-reach, cy)
	put(journey.TurnRight, theme.IconRight, cx+rx+reach, cy)
	put(journey.LookUp, theme.IconUp, cx+rx+reach, cy-ry*.55)
	put(journey.Blink, theme.IconEyeClosed, cx+rx+reach, cy-ry*.35)
	if !u.state.Online {
		u.offline(show)
	}
	u.hintCard(show)
	title, body := "selfie.title", "selfie.body"
	if u.state.Challenge != "" {
		title, body = "selfie.title.move", "selfie.body.move"
	}
	specs := []touch.Spec{}
	if u.state.ByHand {
		specs = append(specs, touch.Spec{ID: "take", Icon: theme.IconCamera, Words: u.t("selfie.take"), Kind: touch.Primary, OnTap: u.take})
	}
	specs = append(specs, touch.Spec{ID: "staff", Words: u.t("selfie.staff"), OnTap: u.showHelp})
	y := u.speak(say, u.t(title), u.t(body), u.roomForActions(say, len(specs)))
	u.again(say, y, len(specs))
	u.act(say, specs...)
}

// offline is a quiet note on the upper half.
func (u *UI) offline(show *pen) {
	pal := u.look.Palette
	icon, pad := show.u(40), show.u(24)
	l := touch.NewLabel(u.look, u.t("offline"), touch.Style{Size: 30, Floor: touch.SizeSmall, Bold: true, Color: pal.AmberInk, Middle: true, Lines: 1},
		show.w-2*show.u(edgeX)-icon-3*pad, show.u(68))
	w := l.Wide() + icon + show.u(14) + 2*pad
	r := canvas.NewRectangle(pal.AmberSoft)
	r.CornerRadius = show.u(22)
	if pal.Strong {
		r.StrokeColor, r.StrokeWidth = pal.Amber, show.u(2)
	}
	x, y := show.u(edgeX), show.u(28)
	show.rect(x, y, w, show.u(68), r)
	show.icon(theme.IconOffline, pal.AmberInk, 2.2, x+pad, y+(show.u(68)-icon)/2, icon)
	show.place(l, x+pad+icon+show.u(14), y)
}

// waiting is the screen while the kiosk works and the person does not.
func (u *UI) waiting(show, say *pen, icon theme.Icon, key string) {
	u.moving(show, icon)
	if !u.state.Online {
		u.offline(show)
	}
	u.speak(say, u.t(key+".title"), u.t(key+".body"), 0)
}

func (u *UI) result(show, say *pen) {
	pal := u.look.Palette
	o := u.state.Outcome
	if o == nil {
		o = &agent.Outcome{}
	}
	key, icon, ground, ink := outcomeLook(o, pal)
	body := key + ".body"
	if key == "result.received" && !u.state.Online {
		body = "result.received.offline"
	}
	// The sign above, the receipt below it.
	cardH := show.u(330)
	if u.frame.wide {
		cardH = show.u(310)
	}
	side := min(show.u(300), show.h-cardH-show.u(40+40+40))
	top := (show.h - side - cardH - show.u(48)) / 2
	show.disc(icon, ground, ink, 2.4, (show.w-side)/2, top, side)
	w := min(show.u(800), show.w-2*show.u(40))
	x, y := (show.w-w)/2, top+side+show.u(48)
	show.card(x, y, w, cardH, show.u(28))
	code := cardH - show.u(2*36)
	tx, tw := x+show.u(44), w-show.u(2*44)
	if img := qr(o.QR, int(code), pal); img != nil {
		q := canvas.NewImageFromImage(img)
		q.ScaleMode = canvas.ImageScalePixels
		q.Resize(fyne.NewSize(float32(img.Bounds().Dx()), float32(img.Bounds().Dy())))
		show.place(q, x+show.u(36), y+(cardH-q.Size().Height)/2)
		tx += code + show.u(36)
		tw -= code + show.u(36)
	}
	show.text(u.t("result.reference"), touch.Style{Size: 32, Floor: touch.SizeSmall, Color: pal.Ink2, Lines: 1}, tx, y+show.u(66), tw, show.u(48))
	show.text(o.Reference, touch.Style{Size: 66, Floor: 40, Bold: true, Color: pal.Ink, Lines: 1, Plain: true, Middle: true}, tx, y+show.u(118), tw, show.u(96))
	show.text(u.t("result.scan"), touch.Style{Size: 30, Floor: touch.SizeSmall, Color: pal.Ink2, Lines: 1}, tx, y+show.u(224), tw, show.u(48))
	u.speak(say, u.t(key+".title"), u.t(body), u.acted(say, 1))
	u.act(say, touch.Spec{ID: "finish", Words: u.t("result.finish"), Kind: touch.Primary, OnTap: u.finish})
}

// outcomeLook chooses words and sign. The reason of a decision is never shown.
func outcomeLook(o *agent.Outcome, pal theme.Palette) (key string, icon theme.Icon, ground, ink color.NRGBA) {
	switch {
	case o.Exhausted:
		return "result.exhausted", theme.IconStaff, pal.AmberSoft, pal.Amber
	case o.Decided && o.Decision == journey.Approved:
		return "result.approved", theme.IconCheck, pal.BrandSoft, pal.Brand
	case o.Decided && o.Decision == journey.Rejected:
		return "result.rejected", theme.IconStaff, pal.AmberSoft, pal.Amber
	case o.Decided && o.Decision == journey.Pending:
		return "result.pending", theme.IconClock, pal.BrandSoft, pal.Brand
	}
	return "result.received", theme.IconCheck, pal.BrandSoft, pal.Brand
}

// qr draws a code with its quiet zone, black on white in every palette, because
// cameras read it, not people. nil without a payload.
func qr(payload string, side int, pal theme.Palette) *qrImage {
	if payload == "" || len(payload) > 300 || side < 40 {
		return nil
	}
	c, err := qrcode.New(payload, qrcode.Medium)
	if err != nil {
		return nil
	}
	c.DisableBorder = !pal.Strong // the card's white margin is quiet zone enough
	return newQRImage(c.Bitmap(), side)
}

func (u *UI) trouble(show, say *pen, step agent.Step) {
	pal := u.look.Palette
	problem := u.fault
	if problem == nil {
		problem = u.state.Problem
	}
	if problem == nil {
		problem = &agent.Problem{Code: "other"}
	}
	icon, ground, ink := theme.IconAlert, pal.RedSoft, pal.Red
	if step == agent.StepClosed {
		icon, ground, ink = theme.IconClock, pal.AmberSoft, pal.Amber
	}
	side := min(show.u(360), show.h*.5)
	top := (show.h - side - show.u(48+110)) / 2
	show.disc(icon, ground, ink, 1.8, (show.w-side)/2, top, side)
	w := min(show.u(760), show.w-2*show.u(edgeX))
	y := top + side + show.u(48)
	show.card((show.w-w)/2, y, w, show.u(110), show.u(28))
	show.text(u.t("error.code", "code", problem.Code), touch.Style{Size: 36, Floor: touch.SizeSmall, Bold: true, Color: pal.Ink, Align: touch.Centre, Middle: true, Lines: 1},
		(show.w-w)/2+show.u(24), y, w-show.u(48), show.u(110))
	title, advice := u.look.Text.Problem(problem.Code)
	if step == agent.StepClosed && u.fault == nil {
		advice += " " + u.t("closed.wait")
	}
	u.speak(say, title, advice, u.acted(say, 1))
	if step == agent.StepError {
		u.act(say, touch.Spec{ID: "finish", Words: u.t("error.finish"), Kind: touch.Primary, OnTap: u.finish})
	}
}
