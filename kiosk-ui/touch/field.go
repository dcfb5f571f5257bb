package touch

import (
	"slices"
	"strings"
	"unicode"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/widget"

	"vestibule/kiosk-ui/theme"
)

// Entry says what a field takes.
type Entry uint8

// Kinds of entries.
const (
	EntryName    Entry = iota // letters of any script, space, hyphen, apostrophe
	EntryCode                 // three letters A–Z
	EntryNumber               // A–Z and digits
	EntryDate                 // digits, shown as 0000-00-00
	EntryAddress              // host:port, or the whole text of a code
	EntryToken                // of an enrolment, shown in groups of four; or the whole text of a code
)

// Bounds of the fields of a set-up, which a hand scanner types a whole code into, in characters.
const (
	maxCode  = 330
	maxToken = 36
	group    = 4
)

// maxEntry bounds a field in characters; ICAO 9303-3 prints at most 39 in a name.
const maxEntry = 60

// Field is one line of data being corrected. It takes the focus, and with it
// what a keyboard types, on the screen or beside it. Its caret stands at the end.
type Field struct {
	widget.BaseWidget
	look  *Look
	kind  Entry
	value []rune
	w, h  float32
	back  *canvas.Rectangle
	caret *canvas.Rectangle
	words *Label
	// OnEnter is called for the enter key.
	OnEnter func()
}

var _ fyne.Focusable = (*Field)(nil)

// NewField makes a field of w×h pixels that begins with a value.
func NewField(look *Look, kind Entry, value string, w, h float32) *Field {
	f := &Field{look: look, kind: kind, w: w, h: h}
	for _, r := range value {
		f.take(r)
	}
	p := look.Palette
	f.back = canvas.NewRectangle(p.Card)
	f.back.StrokeColor, f.back.StrokeWidth, f.back.CornerRadius = p.Brand, look.U(5), look.U(24)
	f.back.Resize(fyne.NewSize(w, h))
	f.caret = canvas.NewRectangle(p.Brand)
	f.words = NewLabel(look, "", Style{
		Size: 54, Floor: SizeSmall, Bold: true, Color: p.Ink, Lines: 1, Middle: true, Plain: true, Secret: true,
	}, w-look.U(80), h)
	f.words.Move(fyne.NewPos(look.U(40), 0))
	f.ExtendBaseWidget(f)
	f.Resize(fyne.NewSize(w, h))
	f.show()
	return f
}

// Value gives the entry: a date as YYYY-MM-DD, as far as it was typed.
func (f *Field) Value() string {
	if f.kind == EntryToken && !slices.Contains(f.value, ':') {
		var out []rune
		for i, r := range f.value {
			if i > 0 && i%group == 0 {
				out = append(out, '-')
			}
			out = append(out, r)
		}
		return string(out)
	}
	if f.kind != EntryDate {
		return string(f.value)
	}
	var out []rune
	for i, r := range f.value {
		if i == 4 || i == 6 {
			out = append(out, '-')
		}
		out = append(out, r)
	}
	return string(out)
}

// Wipe forgets the entry.
func (f *Field) Wipe() {
	clear(f.value)
	f.value = nil
	f.words.Wipe()
}

// take adds a character if the kind of entry has it.
func (f *Field) take(r rune) {
	limit := maxEntry
	switch f.kind {
	case EntryName:
		if !unicode.IsLetter(r) && !unicode.IsMark(r) && r != ' ' && r != '-' && r != '\'' && r != '’' && r != '.' {
			return
		}
	case EntryCode:
		r, limit = unicode.ToUpper(r), 3
		if r < 'A' || r > 'Z' {
			return
		}
	case EntryNumber:
		r, limit = unicode.ToUpper(r), 20
		if (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' {
			return
		}
	case EntryAddress:
		r, limit = unicode.ToLower(r), maxCode
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && !strings.ContainsRune(".-_:[]", r) {
			return
		}
	case EntryToken:
		r, limit = unicode.ToUpper(r), maxCode
		code := r == ':' || slices.Contains(f.value, ':')
		if (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != ':' && (!code || !strings.ContainsRune(".-_[]", r)) {
			return // a token's dashes come by themselves
		}
		if !code {
			limit = maxToken
		}
	case EntryDate:
		limit = 8
		if r < '0' || r > '9' {
			return
		}
	}
	if len(f.value) < limit {
		f.value = append(f.value, r)
	}
}

// TypedRune implements fyne.Focusable.
func (f *Field) TypedRune(r rune) {
	f.take(r)
	f.show()
}

// TypedKey implements fyne.Focusable.
func (f *Field) TypedKey(e *fyne.KeyEvent) {
	switch e.Name {
	case fyne.KeyBackspace, fyne.KeyDelete:
		if n := len(f.value); n > 0 {
			f.value[n-1] = 0
			f.value = f.value[:n-1]
		}
		f.show()
	case fyne.KeyReturn, fyne.KeyEnter:
		if f.OnEnter != nil {
			f.OnEnter()
		}
	}
}

// FocusGained implements fyne.Focusable.
func (f *Field) FocusGained() {}

// FocusLost implements fyne.Focusable.
func (f *Field) FocusLost() {}

func (f *Field) show() {
	f.words.Set(f.Value())
	x := f.look.U(40) + f.words.wide + f.look.U(4)
	if f.look.RTL() {
		x = f.w - f.look.U(40) + f.look.U(2)
	}
	if len(f.value) == 0 {
		x = f.look.U(40)
		if f.look.RTL() {
			x = f.w - f.look.U(40)
		}
	}
	f.caret.Resize(fyne.NewSize(max(2, f.look.U(4)), f.h*.52))
	f.caret.Move(fyne.NewPos(round(x), f.h*.24))
	f.Refresh()
}

// CreateRenderer implements fyne.Widget.
func (f *Field) CreateRenderer() fyne.WidgetRenderer {
	return &plain{objects: func() []fyne.CanvasObject { return []fyne.CanvasObject{f.back, f.words, f.caret} }}
}

// MinSize asks for no room.
func (f *Field) MinSize() fyne.Size { return fyne.Size{} }

// Typist receives what the keyboard on the screen types.
type Typist interface {
	TypedRune(rune)
	TypedKey(*fyne.KeyEvent)
}

// Keyboard is a grid of keys for one kind of entry. Keys take no focus.
type Keyboard struct {
	look   *Look
	kind   Entry
	to     Typist
	w, h   float32
	box    *fyne.Container
	shift  bool
	caps   bool // capitals stay: the entry is written in them
	accent bool
}

// NewKeyboard makes the keys in a box of w×h pixels at x, y.
func NewKeyboard(look *Look, kind Entry, to Typist, x, y, w, h float32) *Keyboard {
	k := &Keyboard{look: look, kind: kind, to: to, w: w, h: h, box: Group(x, y, w, h), shift: true}
	if f, ok := to.(*Field); ok {
		v := f.Value()
		k.caps = v != "" && v == strings.ToUpper(v)
	}
	k.build()
	return k
}

// Box is what goes on the screen.
func (k *Keyboard) Box() *fyne.Container { return k.box }

// rows gives the characters of each row. Data on documents is in Latin letters,
// so the keys are Latin in every language.
func (k *Keyboard) rows() []string {
	switch {
	case k.kind == EntryDate:
		return []string{"123", "456", "789", "0"}
	case k.kind == EntryAddress:
		return []string{"1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", ".-:"}
	case k.kind == EntryNumber || k.kind == EntryToken:
		return []string{"1234567890", "QWERTYUIOP", "ASDFGHJKL", "ZXCVBNM"}
	case k.accent:
		return []string{"áàâäãåæ", "çčéèêëíî", "ïñóòôöõø", "úùûüýžšß"}
	}
	return []string{"qwertyuiop", "asdfghjkl", "zxcvbnm"}
}

func (k *Keyboard) build() {
	rows := k.rows()
	gap := k.look.U(12)
	lines := len(rows)
	foot := k.kind == EntryName
	if foot {
		lines++
	}
	h := (k.h - gap*float32(lines-1)) / float32(lines)
	widest := 0
	for _, r := range rows {
		widest = max(widest, len([]rune(r)))
	}
	wide := (k.w - gap*float32(widest-1)) / float32(widest)
	if k.kind == EntryDate {
		wide = min(wide, k.look.U(280))
	}
	k.box.Objects = nil
	for i, row := range rows {
		y := float32(i) * (h + gap)
		keys := []rune(row)
		last := i == len(rows)-1
		used := float32(len(keys))*(wide+gap) - gap
		x := (k.w - used) / 2
		if k.kind == EntryDate {
			x = (k.w - 3*wide - 2*gap) / 2
			if last {
				x += wide + gap
			}
		}
		if last && !k.accent && k.kind == EntryName {
			k.key(Spec{ID: "key-shift", Icon: theme.IconShift, OnTap: func() { k.shift, k.caps = !k.shift, false; k.build() }}, 0, y, x-gap, h)
		}
		for _, r := range keys {
			if k.shift && k.kind == EntryName {
				r = unicode.ToUpper(r)
				if r == 'ß' {
					r = 'ẞ'
				}
			}
			r := r
			k.key(Spec{ID: "key-" + string(unicode.ToLower(r)), Words: string(r), OnTap: func() { k.typed(r) }}, x, y, wide, h)
			x += wide + gap
		}
		if last && !k.accent {
			erase := k.w - x
			if k.kind == EntryDate {
				erase = wide
			}
			k.erase(x, y, erase, h)
		}
	}
	if foot {
		y := float32(lines-1) * (h + gap)
		side := k.w * .16
		page := "ÀÉ"
		if k.accent {
			page = "ABC"
		}
		k.key(Spec{ID: "key-page", Words: page, OnTap: func() { k.accent = !k.accent; k.build() }}, 0, y, side, h)
		x, room := side+gap, k.w-side-gap
		right := []rune{'-', '’'}
		if k.accent {
			k.erase(k.w-side, y, side, h)
			room -= side + gap
		}
		key := side * .75
		room -= float32(len(right)) * (key + gap)
		k.key(Spec{ID: "key-space", Words: k.look.Text.T("key.space"), Size: 32, OnTap: func() { k.typed(' ') }}, x, y, room, h)
		x += room + gap
		for _, r := range right {
			k.key(Spec{ID: "key-" + string(r), Words: string(r), OnTap: func() { k.typed(r) }}, x, y, key, h)
			x += key + gap
		}
	}
	k.box.Refresh()
}

func (k *Keyboard) erase(x, y, w, h float32) {
	k.key(Spec{ID: "key-erase", Icon: theme.IconErase, OnTap: func() { k.to.TypedKey(&fyne.KeyEvent{Name: fyne.KeyBackspace}) }}, x, y, w, h)
}

func (k *Keyboard) key(s Spec, x, y, w, h float32) {
	s.Kind, s.Plain = Key, s.ID != "key-space"
	b := NewButton(k.look, s, w, h)
	b.Move(fyne.NewPos(x, y))
	k.box.Objects = append(k.box.Objects, b)
}

// typed passes a character on. After the first capital letters get small, after a
// space large again, as names want it.
func (k *Keyboard) typed(r rune) {
	k.to.TypedRune(r)
	if shift := r == ' ' || r == '-' || r == '’'; k.kind == EntryName && !k.caps && shift != k.shift {
		k.shift = shift
		k.build()
	}
}
