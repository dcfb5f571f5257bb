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

// printing is the reading of a document's print. It takes a second and goes on while the
// person looks at what the zone said; only somebody quicker than that waits for it.
type printing struct {
	side    check.Side // the portrait's side: its zone, and its print once it was read
	other   *check.Side
	read    bool // nothing is awaited any more
	asked   bool // the print was looked for
	began   time.Time
	ended   time.Time
	confirm *journey.PersonData // the person has confirmed and waits
	pressed time.Time           // since when
}

// printLimit bounds the wait for the print. It is worth no more of anybody's time.
const printLimit = 8 * time.Second

// readPrint begins to read the print of the side in the picture (JPEG, upright), which it
// wipes afterwards.
func (o *owner) readPrint(picture []byte, p *printing) {
	v := o.v
	v.print = p
	p.began = o.now()
	if !v.Policy.Document.Text || len(picture) == 0 {
		p.read, p.ended = true, p.began
		clear(picture)
		return
	}
	o.work(func(ctx context.Context, _ func(func())) func() {
		limited, cancel := context.WithTimeout(ctx, printLimit)
		defer cancel()
		x := o.examine(limited, []models.Frame{{Format: models.JPEG, Pix: picture}}, models.Looks{Text: true})
		clear(picture)
		return func() { o.printRead(p, x.Text) }
	})
}

// printRead takes what the print says.
func (o *owner) printRead(p *printing, text *models.Text) {
	v := o.v
	p.read, p.ended = true, o.now()
	if text != nil {
		p.asked = true
		p.side.Visual = visual.Assign(*text, p.side.Zone, visual.On(o.now()))
		v.OCR = append(v.OCR, printed(p.side.Visual, v.OCR)...)
		for _, f := range p.side.Visual {
			if f.Item == visual.IssueDate && !f.Doubt {
				v.Document.IssueDate = f.Value
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

// cross compares what the sources of the document say.
func (o *owner) cross() []check.Verdict {
	v := o.v
	p := v.print
	if p == nil || !v.Policy.Document.Text { // or a visit that was taken up again: the pictures are gone
		return nil
	}
	p.side.Looked = p.asked
	c := check.Cross{First: p.side, Second: p.other, Type: v.Document.Type, Layout: mrz.Layout(v.Document.Layout), Today: o.now(), Clock: o.clock}
	return c.Check()
}
