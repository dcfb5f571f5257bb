package agent

import (
	"context"
	"slices"
	"time"

	"vestibule/agent/check"
	"vestibule/journey"
	"vestibule/models"
	"vestibule/models/mrz"
	"vestibule/models/visual"
)

// closer is the closer looks at a document: whether it is the document itself, what barcode it carries
// beside its zone, and what its print says. They take a second or two and go on while the person looks at what
// the zone said; only somebody quicker than that waits for them.
type closer struct {
	side   check.Side  // the portrait's side: its zone, and its print once it was read
	other  *check.Side // nil: the document has one
	frames [2][]models.Frame
	// portrait is the document's (JPEG), where policy wants to know how old it looks.
	portrait []byte
	age      *models.Age
	done     bool // nothing is awaited any more
	asked    bool // the print was looked for
	genuine  *models.Genuineness
	looking  span                // at the frames
	reading  span                // the print
	confirm  *journey.PersonData // the person has confirmed and waits
	pressed  time.Time           // since when
}

// span is when something was done.
type span struct{ began, ended time.Time }

// closerLimit bounds each of the closer looks. They are worth no more of anybody's time.
const closerLimit = 8 * time.Second

// wanted says whether policy asks for a closer look at a document that has a zone.
func wanted(p journey.DocumentPolicy) bool { return p.Genuineness || p.Text || p.Barcode }

// lookCloser begins the closer looks: at the frames of each side, and at the print of
// the side in the picture (JPEG, upright). It wipes both afterwards.
func (o *owner) lookCloser(picture []byte, c *closer) {
	v := o.v
	v.closer = c
	p := v.Policy.Document
	sides := [2]*check.Side{&c.side, c.other}
	looks := models.Looks{Genuineness: p.Genuineness, Barcode: p.Barcode && c.side.Barcode == nil && (c.other == nil || c.other.Barcode == nil)}
	wipe := func() {
		clear(picture)
		clear(c.portrait)
		for i, frames := range c.frames {
			wipeFrames(frames)
			c.frames[i] = nil
		}
	}
	if !wanted(p) && len(c.portrait) == 0 {
		c.done = true
		wipe()
		return
	}
	o.work(func(ctx context.Context, _ func(func())) func() {
		defer wipe()
		look := func(frames []models.Frame, looks models.Looks) (models.Examination, span) {
			s := span{began: o.now()}
			var x models.Examination
			if len(frames) > 0 && looks != (models.Looks{}) {
				limited, cancel := context.WithTimeout(ctx, closerLimit)
				defer cancel()
				x = o.examine(limited, frames, looks)
			}
			s.ended = o.now()
			return x, s
		}
		var seen [2]models.Examination
		var looking, reading span
		for i, frames := range c.frames {
			var s span
			if seen[i], s = look(frames, looks); i == 0 {
				looking.began = s.began
			}
			looking.ended = s.ended
		}
		var age *models.Age
		if len(c.portrait) > 0 {
			x, _ := look([]models.Frame{{Format: models.JPEG, Pix: c.portrait}}, models.Looks{Age: true})
			age = x.Age
		}
		var print models.Examination
		if p.Text && len(picture) > 0 {
			print, reading = look([]models.Frame{{Format: models.JPEG, Pix: picture}}, models.Looks{Text: true})
		}
		return func() {
			c.looking, c.reading, c.age = looking, reading, age
			for i, s := range sides {
				c.genuine = check.Weaker(c.genuine, seen[i].Genuineness)
				if a, ok := check.Licence(seen[i].Barcode); ok && s != nil {
					s.Barcode = check.BarcodeItems(a)
				}
			}
			o.lookedCloser(c, print.Text)
		}
	})
}

// wipeFrames overwrites pictures that are not needed any more.
func wipeFrames(frames []models.Frame) {
	for _, f := range frames {
		clear(f.Pix)
	}
}

// lookedCloser takes what the closer looks found.
func (o *owner) lookedCloser(p *closer, text *models.Text) {
	v := o.v
	p.done = true
	if g := p.genuine; g != nil {
		v.IDLiveness = &journey.IDLiveness{ScreenReplay: g.ScreenReplay, PaperPrinted: g.PaperPrinted, ReplacePortrait: g.ReplacePortrait}
	}
	v.PortraitAge = ageRange(p.age)
	if text != nil {
		p.asked = true
		p.side.Visual = visual.Assign(*text, p.side.Zone, visual.On(o.now()))
		v.OCR = append(v.OCR, printed(p.side.Visual, v.OCR)...)
		for _, f := range p.side.Visual {
			switch {
			case f.Doubt:
			case f.Item == visual.IssueDate:
				v.Document.IssueDate = f.Value
			case f.Item == visual.PersonalNumber && v.Document.PersonalNumber == "":
				v.Document.PersonalNumber = f.Value
			}
		}
	}
	if p.confirm != nil {
		person := *p.confirm
		p.confirm = nil
		v.enter(StepReview, o.now())
		o.accept(person)
	}
}

// printed lists the fields of the print that nothing else told, for the contract's OCR_raw. Their
// places are those of the picture they were read in, which is not kept, so none is given.
func printed(fields []visual.Field, known []journey.OCRField) []journey.OCRField {
	var out []journey.OCRField
	for _, f := range fields {
		if slices.ContainsFunc(known, func(k journey.OCRField) bool { return k.Item == f.Item }) {
			continue
		}
		out = append(out, journey.OCRField{Item: f.Item, Value: f.Value, Score: percent(f.Score), Accepted: !f.Doubt})
	}
	return out
}

// closerVerdicts judges what the closer looks found: whether this is the document itself, and whether its
// sources say the same.
func (o *owner) closerVerdicts() []check.Verdict {
	v := o.v
	p := v.closer
	if p == nil { // a visit that was taken up again, under a policy that wants no closer look
		return []check.Verdict{check.IDLiveness(nil, v.Policy)}
	}
	out := []check.Verdict{check.IDLiveness(p.genuine, v.Policy)}
	if !v.Policy.Document.Text {
		return out
	}
	p.side.Looked = p.asked
	c := check.Cross{First: p.side, Second: p.other, Type: v.Document.Type, Layout: mrz.Layout(v.Document.Layout), Today: o.now(), Clock: o.clock}
	return append(out, c.Check()...)
}

// personalVerdicts judges the document's personal number against the data that the person confirmed, and what they
// corrected against the barcode.
func (o *owner) personalVerdicts(person journey.PersonData, changed []string) []check.Verdict {
	v := o.v
	if v.closer == nil {
		return nil
	}
	sides := []check.Side{v.closer.side}
	if v.closer.other != nil {
		sides = append(sides, *v.closer.other)
	}
	out := check.Personal{Sides: sides, Issuer: v.Document.IssuingCountry, Person: person, Today: o.now()}.Check()
	if len(changed) > 0 {
		for _, s := range sides {
			if wrong, ok := check.Typed(s.Barcode, person); ok {
				out = append(out, wrong)
			}
		}
	}
	return out
}
