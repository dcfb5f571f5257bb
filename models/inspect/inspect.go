// Package inspect looks at one picture through an Engine, as a kiosk would, and gives
// an account of it: for a person (Write), for a program (JSON) and drawn on the picture
// (Annotate).
//
// What may live here: asking, timing, telling and drawing. What may not: measuring,
// policy (verdicts are handed in by whoever may judge), and files. An account holds the
// personal data of whoever is in the picture: it is for the one who asked, not for a log.
package inspect

import (
	"context"
	"errors"
	"fmt"
	"time"

	"vestibule/models"
	"vestibule/models/aamva"
	"vestibule/models/face"
)

// Options say what is looked at besides the document's zone and portrait.
type Options struct {
	Face  bool
	Looks models.Looks
	Now   func() time.Time // default time.Now
}

// Step is one thing that was done, and how long it took.
type Step struct {
	Name string
	Took time.Duration
}

// Failure is a look that did not work; the others stand.
type Failure struct {
	Step string
	Err  error
}

// Verdict is what a check of the product says of the findings. The words are the
// contract's.
type Verdict struct {
	Event  string            `json:"event"`
	Result string            `json:"result"`
	Impact string            `json:"impact,omitempty"`
	Reason string            `json:"reason,omitempty"`
	Code   string            `json:"code,omitempty"`
	Detail map[string]string `json:"detail,omitempty"`
}

// Outcome is what would follow from the verdicts on the document.
type Outcome struct {
	Action string `json:"action"` // accept, again, block, back, front: the side that is still wanted
	Code   string `json:"code,omitempty"`
	Told   string `json:"told,omitempty"` // the sentence the person would read
}

// Comparison is how alike two faces are.
type Comparison struct {
	What       string  `json:"what"` // which two
	Cosine     float64 `json:"cosine"`
	Similarity float64 `json:"similarity"` // 0..100, 85 is the contract's line
}

// Account is what was seen in one picture. What was not looked at, or not seen, is nil.
type Account struct {
	Name          string // what the caller calls the picture
	Format        models.Format
	Width, Height int // of the frame that was looked at
	Bytes         int

	Document    *models.Document
	Face        *models.Face
	Examination *models.Examination

	Verdicts    []Verdict    // handed in
	Outcome     *Outcome     // handed in
	Comparisons []Comparison // handed in
	Steps       []Step
	Failures    []Failure
}

// Look looks at one picture. It fails when not one look worked; else what failed is in
// the account.
func Look(ctx context.Context, e models.Engine, f models.Frame, o Options) (Account, error) {
	now := o.Now
	if now == nil {
		now = time.Now
	}
	a := Account{Format: f.Format, Width: f.Width, Height: f.Height, Bytes: len(f.Pix)}
	looked := 0
	var all error
	do := func(name string, look func() error) {
		start := now()
		err := look()
		a.Steps = append(a.Steps, Step{name, now().Sub(start)})
		if err != nil {
			a.Failures = append(a.Failures, Failure{name, err})
			all = errors.Join(all, fmt.Errorf("%s: %w", name, err))
			return
		}
		looked++
	}
	do("document", func() error {
		d, err := e.ReadDocument(ctx, []models.Frame{f})
		if err == nil {
			a.Document, a.Width, a.Height = &d, d.Width, d.Height
		}
		return err
	})
	if o.Looks != (models.Looks{}) && ctx.Err() == nil {
		do("closer look", func() error {
			x, err := e.Examine(ctx, []models.Frame{f}, o.Looks)
			if err == nil {
				a.Examination = &x
				a.byBarcode()
			}
			return err
		})
	}
	if o.Face && ctx.Err() == nil {
		do("face", func() error {
			m, err := e.ReadFace(ctx, f)
			if err == nil {
				a.Face = &m
			}
			return err
		})
	}
	if looked == 0 {
		return a, all
	}
	return a, ctx.Err()
}

// byBarcode takes the barcode's word for what the document is: a card that AAMVA designed is known by its
// barcode alone, for its back looks like any print.
func (a *Account) byBarcode() {
	b := a.Examination.Barcode
	if a.Document == nil || a.Document.MRZ != nil || b == nil || !b.Found {
		return
	}
	if _, err := aamva.Parse(b.Data); err != nil {
		return
	}
	a.Document.Kind, a.Document.Side = models.KindLicense, models.SideBack
	if a.portrait() != nil {
		a.Document.Side = models.SideFront
	}
}

// Readable says whether anything was read: a zone, a face, a barcode or print.
func (a Account) Readable() bool {
	x := a.Examination
	return a.Document != nil && a.Document.MRZ != nil || a.face() ||
		x != nil && (x.Barcode != nil && x.Barcode.Found || x.Text != nil && len(x.Text.Lines) > 0)
}

func (a Account) face() bool { return a.Face != nil && a.Face.Found }

// portrait gives the face in the document's portrait, nil when there is none.
func (a Account) portrait() *models.Face {
	if a.Document == nil || a.Document.PortraitFace == nil || !a.Document.PortraitFace.Found {
		return nil
	}
	return a.Document.PortraitFace
}

// Genuineness is the document's liveness, nil when it was not measured: an examination
// without a single cue looked at nothing.
func (a Account) Genuineness() *models.Genuineness {
	if a.Examination == nil || a.Examination.Genuineness == nil || len(a.Examination.Genuineness.Cues) == 0 {
		return nil
	}
	return a.Examination.Genuineness
}

// Barcode is what the closer look found of one; nil: none was looked for.
func (a Account) Barcode() *models.Barcode {
	if a.Examination == nil {
		return nil
	}
	return a.Examination.Barcode
}

// Compare compares the faces of two pictures, and the portrait of each with the face of
// the other. Templates of different networks are never compared.
func Compare(a, b Account) []Comparison {
	var out []Comparison
	add := func(what string, x, y *models.Face) {
		if x == nil || y == nil || !x.Found || !y.Found || x.Model != y.Model || len(x.Template) == 0 || len(x.Template) != len(y.Template) {
			return
		}
		c := face.Cosine(x.Template, y.Template)
		out = append(out, Comparison{what, c, face.Similarity(c)})
	}
	add("face and face", a.Face, b.Face)
	add("portrait and face", a.portrait(), b.Face)
	add("face and portrait", a.Face, b.portrait())
	return out
}

// Field is one field of a zone, ready to be shown.
type Field struct {
	Name       string  `json:"name"`
	Value      string  `json:"value"`
	Raw        string  `json:"raw,omitempty"`
	Check      string  `json:"check,omitempty"` // valid, wrong, empty; none: the field has no digit
	Problem    string  `json:"problem,omitempty"`
	Swapped    bool    `json:"swapped,omitempty"`
	Confidence float64 `json:"confidence"`   // 0..100, of its least sure character
	Agreed     bool    `json:"agreed"`       // both readers read it alike
	At         []point `json:"at,omitempty"` // in the frame; none: no character of it was there to be read
}

// Fields lists the zone's fields that its layout has.
func Fields(d models.Document) []Field {
	if d.MRZ == nil {
		return nil
	}
	var out []Field
	for _, f := range d.MRZ.Fields() {
		if f.Name == "" {
			continue
		}
		s := Field{Name: f.Name, Value: f.Value, Raw: f.Raw, Check: string(f.Check), Problem: f.Problem, Swapped: f.Swapped}
		for _, z := range d.Fields {
			if z.Name == f.Name {
				s.Confidence, s.Agreed, s.At = z.Confidence, z.Agreed, quadOf(z.At)
			}
		}
		out = append(out, s)
	}
	return out
}
