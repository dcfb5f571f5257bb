package rig

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"strings"

	"golang.org/x/image/draw"
)

// Size is the kind of a document by its size.
type Size string

// The sizes that can be printed.
const (
	TD3 Size = "TD3" // passport data page, 125 × 88 mm (ISO/IEC 7810 ID-3)
	TD1 Size = "TD1" // card, 85.6 × 54 mm (ISO/IEC 7810 ID-1)
)

// Millimetres is the nominal width and height.
func (s Size) Millimetres() (w, h float64) {
	if s == TD3 {
		return 125, 88
	}
	return 85.6, 54
}

// Measures of the machine readable zone, in millimetres.
const (
	pitch     = 2.54 // from character to character, 9303-3, 4.4
	lineStep  = 6.35 // from line to line
	zone      = 23.2 // height of the zone, at the bottom edge, 9303-4, 3 and 9303-5, 3.2.1
	td3Upper  = 7.25 // centre of the upper line below the zone's upper edge, 9303-4
	td3Margin = 6.0  // left edge of the first character, ± 1.0, 9303-4
	td1Margin = 5.0  // the same, 9303-5, 4.2.1.3
)

// Document is what is printed. All texts are taken as they are; an empty one
// leaves its field out. Nothing checks that the fields and the machine readable
// lines agree: specimens with a disagreement are wanted too.
type Document struct {
	Size      Size
	State     string // "UTOPIA"
	StateCode string // "UTO"
	Title     string // "PASSPORT"
	TypeCode  string // "P"
	Portrait  Portrait

	Surname, GivenNames   string
	Nationality           string
	BirthDate, BirthPlace string
	Sex                   string
	PersonalNumber        string
	Number                string
	IssueDate, ExpiryDate string
	Authority             string

	MRZ  []string // two lines of 44 (TD3), three of 30 (TD1); empty: none is printed
	Seed uint64   // of the background and the signature
}

// Printer prints documents.
type Printer struct{ faces faces }

// NewPrinter loads the fonts. An empty path means DefaultOCRB.
func NewPrinter(ocrb string) (*Printer, error) {
	f, err := loadFaces(ocrb)
	if err != nil {
		return nil, err
	}
	return &Printer{f}, nil
}

// Bounds of a printed page's resolution, pixels a millimetre. 11.8 is 300 dpi.
const (
	MinScale = 4
	MaxScale = 48
)

// ErrDocument says what cannot be printed.
var ErrDocument = errors.New("document cannot be printed")

// Front prints the side with the portrait. On TD3 it is the whole data page.
// Outside the rounded corners the picture is transparent.
func (p *Printer) Front(d Document, scale float64) (*image.RGBA, error) {
	c, err := p.sheet(d, scale)
	if err != nil {
		return nil, err
	}
	if d.Size == TD3 {
		c.passport(d)
	} else {
		c.cardFront(d)
	}
	c.cut(d.Size)
	return c.RGBA, nil
}

// Back prints the side of a TD1 card that holds the machine readable zone.
func (p *Printer) Back(d Document, scale float64) (*image.RGBA, error) {
	if d.Size != TD1 {
		return nil, fmt.Errorf("%w: only TD1 has a back", ErrDocument)
	}
	c, err := p.sheet(d, scale)
	if err != nil {
		return nil, err
	}
	c.cardBack(d)
	c.cut(d.Size)
	return c.RGBA, nil
}

func (p *Printer) sheet(d Document, scale float64) (*canvas, error) {
	if d.Size != TD3 && d.Size != TD1 {
		return nil, fmt.Errorf("%w: size %q is neither TD3 nor TD1", ErrDocument, d.Size)
	}
	if !(scale >= MinScale && scale <= MaxScale) {
		return nil, fmt.Errorf("%w: %g px/mm is not in %d..%d", ErrDocument, scale, MinScale, MaxScale)
	}
	lines, length := 2, 44
	if d.Size == TD1 {
		lines, length = 3, 30
	}
	if len(d.MRZ) != 0 && len(d.MRZ) != lines {
		return nil, fmt.Errorf("%w: %s has %d machine readable lines, not %d", ErrDocument, d.Size, lines, len(d.MRZ))
	}
	for i, l := range d.MRZ {
		if len(l) != length || strings.Trim(l, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ<") != "" {
			return nil, fmt.Errorf("%w: machine readable line %d is not %d characters of 0-9 A-Z <", ErrDocument, i+1, length)
		}
	}
	w, h := d.Size.Millimetres()
	m := image.NewRGBA(image.Rect(0, 0, int(w*scale+.5), int(h*scale+.5)))
	return &canvas{RGBA: m, scale: scale, faces: p.faces}, nil
}

// inks of one document.
type inks struct{ paper, first, second, deep, ink, caption color.RGBA }

func passportInks() inks {
	return inks{
		paper: rgb(0xf3f1ea), first: rgb(0x3f8f86), second: rgb(0xc9915a),
		deep: rgb(0x0d4a57), ink: rgb(0x14181d), caption: rgb(0x2f6f72),
	}
}

func cardInks() inks {
	return inks{
		paper: rgb(0xe3eef8), first: rgb(0x2f7fc4), second: rgb(0xc2548f),
		deep: rgb(0x243a6b), ink: rgb(0x12151c), caption: rgb(0x41578a),
	}
}

func rgb(v uint32) color.RGBA { return color.RGBA{uint8(v >> 16), uint8(v >> 8), uint8(v), 255} }

func fade(c color.RGBA, a float64) color.RGBA {
	return color.RGBA{uint8(float64(c.R) * a), uint8(float64(c.G) * a), uint8(float64(c.B) * a), uint8(255 * a)}
}

func (c *canvas) passport(d Document) {
	k := passportInks()
	c.guilloche(k, d.Seed, 88-zone)
	c.emblem(90, 33.7, 15, fade(k.deep, .10))
	c.rect(0, 88-zone, 125, .18, fade(k.deep, .45))

	c.emblem(8.4, 8.2, 4.1, k.deep)
	c.text(c.faces.bold, d.State, 15, 7.9, 4.1, .55, k.deep)
	c.text(c.faces.regular, d.Title, 15, 12.2, 3.1, .32, k.deep)
	c.right(c.faces.bold, "SPECIMEN", 120.5, 8.4, 4.2, .7, rgb(0xb23a48))

	c.photo(d, 5, 17.2, 35, 45)

	f := func(caption, value string, x, y, room float64) { c.field(k, caption, value, x, y, 2.9, room) }
	const left, right = 44, 90
	row := func(i int) float64 { return 16.6 + 6.85*float64(i) }
	f("Type / Type", d.TypeCode, left, row(0), 14)
	f("Code / Code", d.StateCode, 61, row(0), 24)
	c.field(k, "Passport No. / N° de passeport", d.Number, right, row(0), 3.4, 32)
	f("Surname / Nom", d.Surname, left, row(1), 78)
	f("Given names / Prénoms", d.GivenNames, left, row(2), 78)
	f("Nationality / Nationalité", d.Nationality, left, row(3), 43)
	f("Personal No. / N° personnel", d.PersonalNumber, right, row(3), 32)
	f("Date of birth / Date de naissance", d.BirthDate, left, row(4), 30)
	f("Sex / Sexe", d.Sex, 76, row(4), 12)
	f("Place of birth / Lieu de naissance", d.BirthPlace, right, row(4), 32)
	f("Date of issue / Date de délivrance", d.IssueDate, left, row(5), 43)
	f("Authority / Autorité", d.Authority, right, row(5), 32)
	f("Date of expiry / Date d'expiration", d.ExpiryDate, left, row(6), 43)
	c.signature(d, right, 61.2, 24, rgb(0x22324f))

	c.zone(d.MRZ, td3Margin, 88-zone+td3Upper, k.ink)
}

func (c *canvas) cardFront(d Document) {
	k := cardInks()
	c.guilloche(k, d.Seed+1, 54)
	c.emblem(61.6, 28.1, 13, fade(k.deep, .10))
	c.rect(0, 0, 85.6, 9.6, fade(k.deep, .14))

	c.emblem(6.4, 4.9, 3.0, k.deep)
	c.text(c.faces.bold, d.State, 11.4, 4.6, 3.1, .42, k.deep)
	c.text(c.faces.regular, d.Title, 11.4, 8.0, 2.2, .12, k.deep)
	c.right(c.faces.bold, "SPECIMEN", 82, 5.1, 3.1, .45, rgb(0xb23a48))

	c.photo(d, 4, 12.2, 27, 27*45.0/35)

	f := func(caption, value string, x, y, room float64) { c.field(k, caption, value, x, y, 2.5, room) }
	f("Surname / Nom", d.Surname, 34.5, 11.9, 48)
	f("Given names / Prénoms", d.GivenNames, 34.5, 18.2, 48)
	f("Sex / Sexe", d.Sex, 34.5, 24.5, 9)
	f("Nationality / Nationalité", d.Nationality, 44.5, 24.5, 17)
	f("Birth / Naissance", d.BirthDate, 63, 24.5, 20)
	f("Personal No. / N° personnel", d.PersonalNumber, 34.5, 30.8, 48)
	f("Document No. / N° du document", d.Number, 34.5, 37.1, 27)
	f("Expiry / Expiration", d.ExpiryDate, 63, 37.1, 20)
	c.signature(d, 35, 50.2, 19, rgb(0x22324f))
	c.text(c.faces.regular, "Signature", 34.5, 45.2, 1.25, .02, k.caption)
}

func (c *canvas) cardBack(d Document) {
	k := cardInks()
	c.guilloche(k, d.Seed+2, 54-zone)
	c.emblem(61.6, 16, 9, fade(k.deep, .14))
	c.rect(0, 54-zone, 85.6, .16, fade(k.deep, .45))
	f := func(caption, value string, x, y float64) { c.field(k, caption, value, x, y, 2.5, 45) }
	f("Place of birth / Lieu de naissance", d.BirthPlace, 5, 4.4)
	f("Authority / Autorité", d.Authority, 5, 10.9)
	f("Date of issue / Date de délivrance", d.IssueDate, 5, 17.4)
	c.text(c.faces.bold, "SPECIMEN", 5, 28.2, 3.3, .5, rgb(0xb23a48))
	c.text(c.faces.regular, "This card is a test print of no state.", 34.5, 28.2, 1.55, .02, k.caption)
	// Three lines at the step of the two-line documents, centred in the zone.
	c.zone(d.MRZ, td1Margin, 54-zone/2-lineStep, k.ink)
}

// field prints a caption with its value below, smaller where the room is short.
func (c *canvas) field(k inks, caption, value string, x, y, size, room float64) {
	if value == "" {
		return
	}
	const space = .06
	c.text(c.faces.regular, caption, x, y+1.3, 1.42, .02, k.caption)
	base := y + 1.3 + size*1.06
	letters := space * float64(len([]rune(value)))
	if w := c.faces.bold.width(value, size); w+letters > room {
		size *= max(room-letters, 1) / w
	}
	c.text(c.faces.bold, value, x, base, size, space, k.ink)
}

func (c *canvas) right(t typeface, s string, x, y, size, space float64, ink color.Color) {
	w := t.width(s, size) + space*float64(len([]rune(s))-1)
	c.text(t, s, x-w, y, size, space, ink)
}

// zone prints machine readable lines: each character in its own cell, the first
// line's centre at y, and a capital's middle on the centre.
func (c *canvas) zone(lines []string, x, y float64, ink color.Color) {
	t := c.faces.ocr
	g, _ := t.face.NominalGlyph('H')
	em := pitch / (float64(t.face.HorizontalAdvance(g)) / float64(t.face.Upem()))
	var middle, side float64
	if e, ok := t.face.GlyphExtents(g); ok {
		middle = (float64(e.YBearing) + float64(e.Height)/2) / float64(t.face.Upem()) * em
		side = float64(e.XBearing) / float64(t.face.Upem()) * em
	}
	for i, l := range lines {
		for j, r := range l {
			g, _ := t.face.NominalGlyph(r)
			c.glyph(t, g, x-side+float64(j)*pitch, y+float64(i)*lineStep+middle, em, ink)
		}
	}
}

// photo prints the portrait into its field, printed like a document: slightly
// flatter in contrast than the original.
func (c *canvas) photo(d Document, x, y, w, h float64) {
	r := image.Rect(c.px(x), c.px(y), c.px(x+w), c.px(y+h))
	if d.Portrait.Image == nil {
		return
	}
	m := d.Portrait.passport(r.Dx(), r.Dy())
	for i := 0; i < len(m.Pix); i += 4 {
		for j := range 3 {
			m.Pix[i+j] = uint8(12 + int(m.Pix[i+j])*232/255)
		}
	}
	draw.Draw(c.RGBA, r, m, image.Point{}, draw.Src)
}

func (c *canvas) px(mm float64) int { return int(math.Round(mm * c.scale)) }

func (c *canvas) rect(x, y, w, h float64, ink color.Color) {
	draw.Draw(c.RGBA, image.Rect(c.px(x), c.px(y), c.px(x+w), max(c.px(y+h), c.px(y)+1)), image.NewUniform(ink), image.Point{}, draw.Over)
}

// guilloche covers the sheet with two families of wavy hairlines over paper that
// changes colour from left to right, and a rosette. Below the line at mm only a
// pale ground remains, so that the machine readable zone stays legible.
func (c *canvas) guilloche(k inks, seed uint64, below float64) {
	rnd := rand.New(rand.NewPCG(seed, 0x6775696c))
	ph := [6]float64{}
	for i := range ph {
		ph[i] = rnd.Float64() * 2 * math.Pi
	}
	petals := float64(9 + rnd.IntN(6))
	b := c.Bounds()
	width := float64(b.Dx()) / c.scale
	cx, cy := width*.72, below*.52
	const hair = .17 // of a line's period
	soft := 1.2 / c.scale
	// line is how much ink a family of lines with this phase leaves; period in mm.
	line := func(phase, period float64) float64 {
		f := phase / period
		f = math.Abs(f-math.Round(f)) * period
		return clamp01((hair*period/2 - f + soft/2) / soft)
	}
	// The slow sines depend on one coordinate: tables keep this out of the inner loop.
	wx, wy := make([]float64, b.Dx()), make([]float64, b.Dy())
	for x := range wx {
		mm := float64(x) / c.scale
		wx[x] = 2.3*math.Sin(mm*.21+ph[0]) + 1.1*math.Sin(mm*.53+ph[1])
	}
	for y := range wy {
		mm := float64(y) / c.scale
		wy[y] = 2.6*math.Sin(mm*.17+ph[2]) + .9*math.Sin(mm*.61+ph[3])
	}
	for y := range b.Dy() {
		ym := float64(y) / c.scale
		calm := 1.0
		if ym > below {
			calm = .22
		}
		for x := range b.Dx() {
			xm := float64(x) / c.scale
			t := clamp01(.5 + .5*math.Sin(xm/width*2.6+ph[4]))
			tint := mix(k.first, k.second, t)
			base := mix(k.paper, tint, .16)
			ink := line(ym+wx[x], 1.25)*.34 + line(xm*.5+ym*.86+wy[y]*1.3, 1.6)*.22
			dx, dy := xm-cx, ym-cy
			if r := math.Hypot(dx, dy); r < 22 && ym < below {
				a := math.Atan2(dy, dx)
				swing := min(1.9, .16*r)
				ink += (1 - r/22) * min(1, r/6) * .5 * (line(r+swing*math.Sin(a*petals), 1.1) + line(r-swing*math.Sin(a*petals+1), 1.1))
			}
			p := mix(base, tint, clamp01(ink)*.62*calm)
			o := y*c.Stride + x*4
			c.Pix[o], c.Pix[o+1], c.Pix[o+2], c.Pix[o+3] = p.R, p.G, p.B, 255
		}
	}
}

// emblem of Utopia: an arch over a rising sun, in a ring.
func (c *canvas) emblem(x, y, r float64, ink color.RGBA) {
	ring := func(r0, r1 float64) {
		var p path
		c.circle(&p, x, y, r1, false)
		c.circle(&p, x, y, r0, true)
		p.fill(c.RGBA, ink)
	}
	ring(r*.93, r)
	ring(r*.84, r*.87)
	var p path
	for i := range 9 { // rays
		a := math.Pi + math.Pi*(float64(i)+.5)/9
		w := .075
		at := func(rr, aa float64) (float64, float64) {
			return (x + rr*r*math.Cos(aa)) * c.scale, (y + .28*r + rr*r*math.Sin(aa)) * c.scale
		}
		x0, y0 := at(.33, a-w*1.6)
		x1, y1 := at(.33, a+w*1.6)
		x2, y2 := at(.62, a)
		p.moveTo(x0, y0)
		p.lineTo(x1, y1)
		p.lineTo(x2, y2)
	}
	half := func(rr float64) {
		n := 24
		for i := range n + 1 {
			a := math.Pi + math.Pi*float64(i)/float64(n)
			px, py := (x+rr*r*math.Cos(a))*c.scale, (y+.28*r+rr*r*math.Sin(a))*c.scale
			if i == 0 {
				p.moveTo(px, py)
			} else {
				p.lineTo(px, py)
			}
		}
	}
	half(.26)
	for _, s := range []float64{-1, 1} { // pillars
		x0, x1 := x+s*.62*r, x+s*.5*r
		p.moveTo(x0*c.scale, (y+.5*r)*c.scale)
		p.lineTo(x1*c.scale, (y+.5*r)*c.scale)
		p.lineTo(x1*c.scale, (y-.1*r)*c.scale)
		p.lineTo(x0*c.scale, (y-.1*r)*c.scale)
	}
	for i := range 2 { // steps
		w := .62 - .14*float64(i)
		yy := y + (.40+.12*float64(i))*r
		p.moveTo((x-w*r)*c.scale, yy*c.scale)
		p.lineTo((x+w*r)*c.scale, yy*c.scale)
		p.lineTo((x+w*r)*c.scale, (yy+.07*r)*c.scale)
		p.lineTo((x-w*r)*c.scale, (yy+.07*r)*c.scale)
	}
	p.fill(c.RGBA, ink)
}

func (c *canvas) circle(p *path, x, y, r float64, reverse bool) {
	const n = 64
	for i := range n {
		a := 2 * math.Pi * float64(i) / n
		if reverse {
			a = -a
		}
		px, py := (x+r*math.Cos(a))*c.scale, (y+r*math.Sin(a))*c.scale
		if i == 0 {
			p.moveTo(px, py)
		} else {
			p.lineTo(px, py)
		}
	}
}

// signature draws a scrawl of its own for each seed: a pen of changing pressure.
func (c *canvas) signature(d Document, x, y, w float64, ink color.Color) {
	rnd := rand.New(rand.NewPCG(d.Seed, 0x7369676e))
	var px, py float64
	loops := 5 + rnd.Float64()*3
	a1, a2, a3 := rnd.Float64()*6, rnd.Float64()*6, rnd.Float64()*6
	const n = 260
	for i := range n {
		t := float64(i) / (n - 1)
		ph := t * loops * 2 * math.Pi
		nx := x + w*(t*.92+.055*math.Sin(ph+a1))
		ny := y - 1.5*(1-.45*t)*math.Sin(ph+a2)*(.55+.45*math.Sin(t*9+a3)) - 1.1*math.Exp(-t*18)
		if i > 0 {
			c.stroke(px, py, nx, ny, .13+.10*math.Abs(math.Sin(ph*.5+a3)), ink)
		}
		px, py = nx, ny
	}
}

func (c *canvas) stroke(x0, y0, x1, y1, w float64, ink color.Color) {
	dx, dy := x1-x0, y1-y0
	l := math.Hypot(dx, dy)
	if l == 0 {
		return
	}
	dx, dy = dx/l*w/2, dy/l*w/2
	var p path
	p.moveTo((x0-dx-dy)*c.scale, (y0-dy+dx)*c.scale)
	p.lineTo((x1+dx-dy)*c.scale, (y1+dy+dx)*c.scale)
	p.lineTo((x1+dx+dy)*c.scale, (y1+dy-dx)*c.scale)
	p.lineTo((x0-dx+dy)*c.scale, (y0-dy-dx)*c.scale)
	p.fill(c.RGBA, ink)
}

// cut rounds the corners: 3.18 mm on cards (ISO/IEC 7810), on passports only the
// outer two, away from the spine at the top.
func (c *canvas) cut(s Size) {
	const r = 3.18
	w, h := s.Millimetres()
	for _, k := range [][2]float64{{r, r}, {w - r, r}, {r, h - r}, {w - r, h - r}} {
		if s == TD3 && k[1] == r {
			continue
		}
		x0, y0 := 0, 0
		if k[0] > r {
			x0 = c.Bounds().Dx() - c.px(r)
		}
		if k[1] > r {
			y0 = c.Bounds().Dy() - c.px(r)
		}
		for y := y0; y < y0+c.px(r) && y < c.Bounds().Dy(); y++ {
			for x := x0; x < x0+c.px(r) && x < c.Bounds().Dx(); x++ {
				dist := math.Hypot((float64(x)+.5)/c.scale-k[0], (float64(y)+.5)/c.scale-k[1])
				a := clamp01((r-dist)*c.scale + .5)
				o := c.PixOffset(x, y)
				for j := range 4 {
					c.Pix[o+j] = uint8(float64(c.Pix[o+j])*a + .5)
				}
			}
		}
	}
}

func clamp01(v float64) float64 { return min(max(v, 0), 1) }

func mix(a, b color.RGBA, t float64) color.RGBA {
	m := func(x, y uint8) uint8 { return uint8(float64(x) + (float64(y)-float64(x))*t + .5) }
	return color.RGBA{m(a.R, b.R), m(a.G, b.G), m(a.B, b.B), 255}
}
