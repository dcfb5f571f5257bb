package screen

import (
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"

	"vestibule/journey"
	"vestibule/kiosk-ui/theme"
	"vestibule/kiosk-ui/touch"
)

// field names one line of the review.
type field string

// The lines, in the order in which they are shown.
const (
	fieldFamily      field = "family"
	fieldGiven       field = "given"
	fieldBirth       field = "birth"
	fieldGender      field = "gender"
	fieldNationality field = "nationality"
	fieldNumber      field = "number"
	fieldExpiry      field = "expiry"
)

func fields() []field {
	return []field{fieldFamily, fieldGiven, fieldBirth, fieldGender, fieldNationality, fieldNumber, fieldExpiry}
}

// in gives the place of a field in the data.
func (f field) in(p *journey.PersonData) *string {
	switch f {
	case fieldFamily:
		return &p.FamilyName
	case fieldGiven:
		return &p.GivenNames
	case fieldBirth:
		return &p.Birth
	case fieldGender:
		return &p.Gender
	case fieldNationality:
		return &p.Nationality
	case fieldNumber:
		return &p.Number
	}
	return &p.Expiry
}

func (f field) entry() touch.Entry {
	switch f {
	case fieldBirth, fieldExpiry:
		return touch.EntryDate
	case fieldNationality:
		return touch.EntryCode
	case fieldNumber:
		return touch.EntryNumber
	}
	return touch.EntryName
}

// check gives the key of what is wrong with an entry, or nothing. It knows the
// form only; whether the data is acceptable is the agent's to say.
func (f field) check(v string) string {
	v = strings.TrimSpace(v)
	switch f.entry() {
	case touch.EntryDate:
		if v == "" && f == fieldExpiry {
			return "" // some documents have none
		}
		// An unknown month or day is 00, as ICAO 9303-3 allows for dates of birth.
		if f == fieldBirth && (strings.HasSuffix(v, "-00-00") || (len(v) == 10 && strings.HasSuffix(v, "-00"))) {
			v = strings.ReplaceAll(v, "-00", "-01")
		}
		if _, err := time.Parse(time.DateOnly, v); err != nil {
			return "review.wrong.date"
		}
	case touch.EntryCode:
		// ICAO 9303-3 has nationalities of one letter, such as D.
		if v == "" {
			return "review.wrong.code"
		}
	default:
		if v == "" && f != fieldGiven { // people with one name have no given names
			return "review.wrong.empty"
		}
	}
	return ""
}

// review shows what was read, line by line, and asks whether it is right.
func (u *UI) review(show, say *pen) {
	pal := u.look.Palette
	if u.draft == nil {
		u.draft = &journey.PersonData{}
		if u.state.Review != nil {
			*u.draft = *u.state.Review
		}
	}
	pad := show.u(40)
	if u.frame.wide {
		pad = show.u(28)
	}
	x, y, w, h := pad, pad*.8, show.w-2*pad, show.h-1.6*pad
	show.card(x, y, w, h, show.u(28))
	row := (h - show.u(24)) / float32(len(fields()))
	y += show.u(12)
	for i, f := range fields() {
		if i > 0 {
			show.rect(x+show.u(36), y, w-show.u(72), max(1, show.u(2)), canvas.NewRectangle(pal.Line))
		}
		b := show.button(touch.Spec{ID: "edit-" + string(f), Kind: touch.Row, OnTap: func() { u.edit(f) }}, x+show.u(6), y+show.u(4), w-show.u(12), row-show.u(8))
		_ = b
		name := (w - show.u(36+36)) * .33
		show.text(u.t("review.field."+string(f)), touch.Style{Size: 32, Floor: touch.SizeSmall, Color: pal.Ink2, Middle: true, Lines: 2, Leading: 1.15},
			x+show.u(36), y, name, row)
		value, unknown := u.reading(f)
		s := touch.Style{Size: 40, Floor: touch.SizeSmall, Bold: true, Color: pal.Ink, Middle: true, Lines: 2, Leading: 1.15, Secret: true}
		s.Plain = f != fieldGender
		s.Secret = f != fieldGender // a word of the catalogue, not of the person
		if unknown {
			s.Bold, s.Color, s.Secret, s.Plain = false, pal.Ink2, false, false
		}
		left := x + show.u(36) + name + show.u(20)
		icon := show.u(44)
		words := show.text(value, s, left, y, x+w-show.u(36+20)-icon-left, row)
		if s.Secret {
			u.live.secrets = append(u.live.secrets, words)
		}
		tint := pal.Ink2
		if u.corrected(f) {
			tint = pal.Brand
		}
		mark := theme.IconPencil
		if u.corrected(f) {
			mark = theme.IconCheck
		}
		show.icon(mark, tint, 2, x+w-show.u(36)-icon, y+(row-icon)/2, icon)
		y += row
	}
	u.speak(say, u.t("review.title"), u.t("review.body"), u.acted(say, 2))
	u.act(say,
		touch.Spec{ID: "confirm", Words: u.t("review.confirm"), Kind: touch.Primary, OnTap: u.confirm},
		touch.Spec{ID: "retake", Words: u.t("review.retake"), OnTap: u.retake})
}

// reading gives a line's value in words.
func (u *UI) reading(f field) (value string, unknown bool) {
	v := *f.in(u.draft)
	if f == fieldGender && v != "" {
		if key := "review.gender." + v; u.look.Text.Has(key) {
			return u.t(key), false
		}
	}
	if v == "" {
		return u.t("review.unknown"), true
	}
	return v, false
}

func (u *UI) corrected(f field) bool {
	return u.state.Review != nil && u.draft != nil && *f.in(u.draft) != *f.in(u.state.Review)
}

func (u *UI) edit(f field) {
	u.editing, u.wrong = f, ""
	u.compose()
}

func (u *UI) endEdit() {
	if u.field != nil {
		u.field.Wipe()
		u.field = nil
	}
	if c := u.opts.Canvas(); c != nil {
		c.Unfocus()
	}
	u.editing, u.wrong = "", ""
	u.compose()
}

// save takes the entry over if its form is right.
func (u *UI) save() {
	if u.field == nil || u.draft == nil {
		return
	}
	v := strings.Join(strings.Fields(u.field.Value()), " ")
	if wrong := u.editing.check(v); wrong != "" {
		u.wrong = wrong
		u.compose()
		return
	}
	u.keep(v)
}

func (u *UI) keep(v string) {
	*u.editing.in(u.draft) = v
	u.draft.Corrected = false
	if r := u.state.Review; r != nil {
		u.draft.Corrected = r.Corrected
		for _, f := range fields() {
			if u.corrected(f) {
				u.draft.Corrected = true
			}
		}
	}
	u.endEdit()
}

// editor composes one line being corrected: what it is above, keys below.
func (u *UI) editor() fyne.CanvasObject {
	f, pal := u.frame, u.look.Palette
	p := newPen(u.look, area{0, f.header.h, f.w, f.bar.y - f.header.h})
	x, w := p.u(edgeX), p.w-2*p.u(edgeX)
	y := p.u(edgeY)
	if f.wide {
		y = p.u(20)
	}
	name := u.t("review.field." + string(u.editing))
	title := p.text(u.t("review.edit.title", "field", name), touch.Style{Size: 56, Floor: 40, Bold: true, Color: pal.Ink, Leading: 1.15, Lines: 1}, x, y, w, p.u(80))
	y += title.Used() + p.u(8)
	advice, colour := u.advice(), pal.Ink2
	if u.wrong != "" {
		advice, colour = u.t(u.wrong), pal.Red
	}
	if !f.wide || u.wrong != "" || u.editing.entry() != touch.EntryName {
		a := p.text(advice, touch.Style{Size: touch.SizeText, Floor: touch.SizeSmall, Color: colour, Lines: 2, Bold: u.wrong != "", Leading: 1.3}, x, y, w, p.u(100))
		y += a.Used() + p.u(16)
	}
	foot := p.u(132)
	bottom := p.h - foot - p.u(32)
	if f.wide {
		foot = p.u(108)
		bottom = p.h - foot - p.u(20)
	}
	half := (w - p.u(28)) / 2
	if u.editing == fieldGender {
		p.button(touch.Spec{ID: "cancel", Words: u.t("review.edit.cancel"), OnTap: u.endEdit}, x, bottom, w, foot)
		gap := p.u(24)
		h := min(p.u(160), (bottom-y-3*gap)/3)
		top := y + p.u(16)
		for _, g := range []string{"female", "male", "x"} {
			kind := touch.Second
			if u.draft != nil && u.draft.Gender == g {
				kind = touch.Primary
			}
			p.button(touch.Spec{ID: "gender-" + g, Words: u.t("review.gender." + g), Kind: kind, OnTap: func() { u.keep(g) }}, x, top, w, h)
			top += h + gap
		}
		return p.box
	}
	p.button(touch.Spec{ID: "save", Words: u.t("review.edit.save"), Kind: touch.Primary, OnTap: u.save}, x, bottom, half, foot)
	p.button(touch.Spec{ID: "cancel", Words: u.t("review.edit.cancel"), OnTap: u.endEdit}, x+half+p.u(28), bottom, half, foot)

	h := p.u(140)
	if f.wide {
		h = p.u(104)
	}
	value := ""
	switch {
	case u.field != nil: // what was typed stays when the screen is rebuilt
		value = u.field.Value()
		u.field.Wipe()
	case u.draft != nil:
		value = *u.editing.in(u.draft)
	}
	u.field = touch.NewField(u.look, u.editing.entry(), value, round(w), round(h))
	u.field.OnEnter = func() { u.guard("save", u.save) }
	p.place(u.field, x, y)
	y += h + p.u(24)
	keysTop := y
	most := p.u(4*150 + 36)
	if bottom-p.u(24)-y > most {
		keysTop = bottom - p.u(36) - most
	}
	inset := p.u(24)
	k := touch.NewKeyboard(u.look, u.editing.entry(), u.field, inset, round(keysTop), round(p.w-2*inset), round(bottom-p.u(24)-keysTop))
	p.box.Objects = append(p.box.Objects, k.Box())
	if c := u.opts.Canvas(); c != nil {
		c.Focus(u.field)
	}
	return p.box
}

func (u *UI) advice() string {
	switch {
	case u.editing == fieldGender:
		return u.t("review.edit.choose")
	case u.editing.entry() == touch.EntryDate:
		return u.t("review.edit.date", "example", "1990-05-31")
	case u.editing.entry() == touch.EntryCode:
		return u.t("review.edit.code", "example", "UTO")
	case u.editing.entry() == touch.EntryNumber:
		return u.t("review.edit.number")
	}
	return u.t("review.edit.name")
}
