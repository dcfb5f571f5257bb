// Package specimen draws documents and films them: every layout of package mrz, a licence
// as AAMVA designs it, and things that are no documents, each with the truth beside it.
//
// What may live here: drawing for tests and for evaluation, seeded, so that the same seed
// gives the same picture. What may not: anything the product runs on, pictures of real
// documents, and what was learned from them. Whoever tunes on these drawings should say so.
package specimen

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"os"

	"github.com/go-text/typesetting/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"

	"vestibule/models"
	"vestibule/models/mrz"
)

// OCRB is the typeface of the zone (ISO 1073-2), from Debian's fonts-ocr-b.
const OCRB = "/usr/share/fonts/opentype/ocr-b/OCRB.otf"

// Sizes of the zone, ICAO 9303-3 section 4.5: ten characters an inch, lines a quarter of an inch apart.
const (
	pitchMM   = 2.54
	leadingMM = 6.35
)

// Sheet is one side of a document, or of a thing that is none, before it is printed.
type Sheet struct {
	Kind   models.Kind // models.KindNotID for what is no document
	Side   models.Side
	Thing  string // what a sheet of KindNotID is
	Layout mrz.Layout
	Lines  []string // of the zone, as printed

	Width, Height float64 // mm
	Corner        float64 // mm, radius
	Left, Bottom  float64 // mm: the zone's left edge, and the middle of its last line from the lower edge
	Paper         color.RGBA
	Ink           color.RGBA // of the fine lines in the background
	Print         []Text
	Portrait      image.Image // nil: a drawn one, where there is room for one
	Room          Area        // where the portrait stands; empty: nowhere
	Stripes       Area        // where a pattern like that of a PDF417 symbol stands; empty: nowhere
	Chip          bool
	Seed          uint64 // of what is random in the print
}

// Area is an upright part of a sheet, in millimetres from its upper left corner.
type Area struct{ X, Y, W, H float64 }

// Text is one line of print: where its baseline starts and how high its capitals are, in millimetres.
type Text struct {
	X, Y, High float64
	Say        string
	Bold       bool
}

// Printer has the typefaces. Its methods may be called from several goroutines.
type Printer struct {
	zone, plain, bold []byte
}

// NewPrinter loads the typefaces.
func NewPrinter() (*Printer, error) {
	zone, err := os.ReadFile(OCRB)
	if err != nil {
		return nil, fmt.Errorf("load the zone's typeface, from the package fonts-ocr-b: %w", err)
	}
	p := &Printer{zone: zone, plain: goregular.TTF, bold: gobold.TTF}
	if _, err := p.faces(); err != nil {
		return nil, err
	}
	return p, nil
}

type faces struct{ zone, plain, bold *font.Face }

// faces are made for each print: reading a glyph is not safe from several goroutines.
func (p *Printer) faces() (f faces, err error) {
	for _, t := range []struct {
		to  **font.Face
		ttf []byte
	}{{&f.zone, p.zone}, {&f.plain, p.plain}, {&f.bold, p.bold}} {
		if *t.to, err = font.ParseTTF(bytes.NewReader(t.ttf)); err != nil {
			return f, fmt.Errorf("read a typeface: %w", err)
		}
	}
	return f, nil
}

// Plain is a sheet of the size and with the zone of a layout, and a few lines of other print.
func Plain(l mrz.Layout, print []string, lines ...string) Sheet {
	s := blank(l)
	s.Lines = lines
	for i, say := range print {
		s.Print = append(s.Print, Text{X: .4 * s.Width, Y: 11 + 9*float64(i), High: 2, Say: say})
	}
	return s
}

// blank gives the size of a layout's sheet and where its zone stands: ICAO 9303 part 4 section 3,
// part 5 section 3, part 6 section 3, part 7 section 3. A visa of the larger kind is shown on
// the passport's page that it is stuck on.
func blank(l mrz.Layout) Sheet {
	s := Sheet{
		Layout: l, Kind: models.KindOf(l), Side: models.SideFront, Corner: 3,
		Paper: color.RGBA{218, 226, 232, 255}, Ink: color.RGBA{190, 205, 222, 255},
	}
	switch l {
	case mrz.TD1:
		s.Width, s.Height, s.Corner, s.Left, s.Bottom, s.Side = 85.6, 53.98, 3.18, 4, 7.1, models.SideBack
	case mrz.TD2, mrz.MRVB, mrz.FRID:
		s.Width, s.Height, s.Left, s.Bottom = 105, 74, 4, 9.4
	default:
		s.Width, s.Height, s.Left, s.Bottom = 125, 88, 6, 9.4
	}
	return s
}
