package document

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math"
	"time"

	"gocv.io/x/gocv"

	"vestibule/models"
	"vestibule/models/mrz"
	"vestibule/models/picture"
	"vestibule/models/quality"
)

// MaxFrames bounds what one Read looks at; later frames are left out.
const MaxFrames = 8

// Comfortable is the resolution, in pixels a millimetre, from which the zone is
// easily read; below Least a better picture is asked for when reading fails.
const (
	Comfortable = 8.0
	Least       = 5.0
)

// page is one frame and what was read of it. Places in zone and outline are pixels of img.
type page struct {
	index int
	img   gocv.Mat // BGR, turned clockwise by turned
	from  image.Point
	turn  int // how img was turned to find rows
	rows  int // of text

	outline  outline // in the picture as it came
	outlined bool
	upright  bool // the rows of text plainly run across the picture as it came

	zone  zone
	own   []reading // the zone's lines before the second reader was believed; nil when it was not asked
	again []reading
	doc   *mrz.Document
	alike [][]bool // of each character of the zone, whether both readers read it alike
	same  bool     // all of them, and nothing speaks against that the zone is whole
	share float64  // of characters that both readers read alike
}

func (p page) found() bool { return p.zone.score >= zoneScore }

// Read reads a document from one or more pictures (BGR) of the same side. It stops at
// the first one that needs no second opinion; else all of them vote, character by
// character. A picture that cannot be used is left out; when none can, the error is models.ErrFrame.
//
// Recognition is 0 without a zone, else 50 × the own reader's mean probability of
// a character + 50 × the share of characters that the second reader reads alike. A
// character that is surer, or one more that is read alike, can only raise it.
//
// A field's Confidence is 100 × the probability of its least sure character, for which both readers
// count; see fields.go.
func (r *Reader) Read(ctx context.Context, frames []gocv.Mat) (models.Document, error) {
	return r.ReadEach(ctx, len(frames), func(i int) (gocv.Mat, error) {
		if err := usable(frames[i]); err != nil {
			return gocv.Mat{}, err
		}
		return frames[i].Clone(), nil
	})
}

// ReadEach is Read of n pictures that next makes only when they are needed: mostly one is. It
// closes them. A picture that next cannot make, with models.ErrFrame, is left out.
func (r *Reader) ReadEach(ctx context.Context, n int, next func(i int) (gocv.Mat, error)) (models.Document, error) {
	if n == 0 {
		return models.Document{}, fmt.Errorf("%w: no frame", models.ErrFrame)
	}
	today := r.now()
	var pages []page
	defer func() {
		for _, p := range pages {
			p.img.Close()
		}
	}()
	var bad error
	for i := range min(n, MaxFrames) {
		if err := ctx.Err(); err != nil {
			return models.Document{}, err
		}
		m, err := next(i)
		if err == nil {
			if err = usable(m); err != nil {
				m.Close()
			}
		}
		if errors.Is(err, models.ErrFrame) {
			bad = errors.Join(bad, fmt.Errorf("frame %d: %w", i, err))
			continue
		}
		if err != nil {
			return models.Document{}, err
		}
		p, err := r.readPage(ctx, m, today, len(pages) > 0 && !pages[0].found())
		p.index = i
		pages = append(pages, p)
		if err != nil {
			return models.Document{}, err
		}
		if accepted(p.doc, p.same) {
			break
		}
		if plain, err := p.plainlyNone(); err != nil {
			return models.Document{}, err
		} else if plain {
			break
		}
	}
	if len(pages) == 0 {
		return models.Document{}, bad
	}
	best := 0
	for i, p := range pages {
		if p.rank() > pages[best].rank() {
			best = i
		}
	}
	p := pages[best]
	if !p.same {
		p = vote(pages, best, today)
	}
	if !p.same {
		p.believe(today)
	}
	d, err := r.describe(ctx, p)
	if err != nil || accepted(p.doc, p.same) {
		return d, err
	}
	return d, acrossFrames(pages, best, &d)
}

// usable guards OpenCV against what would end the process.
func usable(m gocv.Mat) error {
	if err := picture.BGR(m); err != nil {
		return err
	}
	if m.Cols() < models.MinFrameSide || m.Rows() < models.MinFrameSide {
		return fmt.Errorf("%w: %d × %d is smaller than %d", models.ErrFrame, m.Cols(), m.Rows(), models.MinFrameSide)
	}
	return nil
}

// plainlyNone tells whether another frame of the same document will not show a zone either:
// its text was seen, upright and sharp, with enough pixels, and no part of it is a zone.
func (p page) plainlyNone() (bool, error) {
	if p.found() || !p.outlined || !p.upright || !p.resolved(coarseSide) {
		return false, nil
	}
	b := bounds(p.outline.corners, p.img.Cols(), p.img.Rows())
	part := p.img.Region(b)
	defer part.Close()
	q, err := quality.Measure(part)
	return err == nil && q.Sharpness >= quality.Legible && q.Glare >= quality.Glaring, err
}

// rank orders frames of the same document by how well they were read.
func (p page) rank() float64 {
	rank := p.zone.score + 100*p.share
	if p.found() {
		rank += 100
	}
	if p.doc != nil && p.doc.Valid() {
		rank += 50
	}
	return rank
}

// Longer sides that the detector is given, in pixels: of the cut-out that the outline shows, and
// of the whole frame, coarsely and finely.
const (
	cutSide    = 480
	coarseSide = 640
	fineSide   = 960
	// From this many pixels a millimetre, the detector misses no line of a zone for want of
	// pixels: its letters are five pixels high.
	detectMM = 2.0
	// The longest document that an outline may show, in millimetres: a passport's page.
	longestMM = 125
)

// readPage takes m over. A brief look is for further frames of a document that showed no zone:
// where it is, it is seen in the cut-out.
func (r *Reader) readPage(ctx context.Context, m gocv.Mat, today time.Time, brief bool) (page, error) {
	p := page{img: m, from: image.Pt(m.Cols(), m.Rows())}
	var err error
	if p.outline, p.outlined, err = findOutline(m); err != nil {
		return p, err
	}
	if err := r.search(ctx, &p, brief); err != nil || !p.found() {
		return p, err
	}
	if p.again, err = r.readAgain(p.img, p.zone); err != nil {
		return p, err
	}
	p.judge(p.zone.text(), today)
	return p, nil
}

// search looks for the zone: in the outline first, then in the whole frame, finely only
// where the outline does not tell that coarsely is enough, and turned by 90° only where the rows
// of text do not tell that it is upright.
func (r *Reader) search(ctx context.Context, p *page, brief bool) (err error) {
	whole := image.Rect(0, 0, p.img.Cols(), p.img.Rows())
	looks := []view{{whole, coarseSide}, {whole, fineSide}}
	if p.outlined {
		if p.resolved(coarseSide) {
			looks = looks[:1]
		}
		if cut := bounds(p.outline.corners, whole.Dx(), whole.Dy()); cut.Dx() >= models.MinFrameSide && cut.Dy() >= models.MinFrameSide {
			looks = append([]view{{cut, cutSide}}, looks...)
		}
	}
	if brief {
		looks = looks[:1]
	}
	z, rows, err := r.locateZone(ctx, p.img, looks)
	if err != nil {
		return err
	}
	p.zone, p.rows = z, len(rows)
	p.upright = upright(rows)
	defer func() {
		if err == nil && !p.found() && !brief {
			err = r.searchFlat(ctx, p)
		}
	}()
	if z.score > turnScore || p.rows == 0 || p.upright || brief {
		return nil
	}
	turned, err := picture.Turn(p.img, 90)
	if err != nil {
		return err
	}
	looks = []view{{image.Rect(0, 0, turned.Cols(), turned.Rows()), coarseSide}, {image.Rect(0, 0, turned.Cols(), turned.Rows()), fineSide}}
	if p.resolved(coarseSide) {
		looks = looks[:1]
	}
	z, rows, err = r.locateZone(ctx, turned, looks)
	if err != nil || z.score <= p.zone.score {
		turned.Close()
	} else {
		p.img.Close()
		p.img, p.turn, p.zone = turned, 90, z
	}
	p.rows = max(p.rows, len(rows))
	return err
}

// view is a part of a picture and the longer side in which the detector sees it.
type view struct {
	area image.Rectangle
	side int
}

// resolved tells whether the whole frame at that side shows the outlined document's lines.
func (p page) resolved(side int) bool {
	if !p.outlined {
		return false
	}
	across, down := sides(p.outline.corners)
	scale := math.Min(1, float64(side)/float64(max(p.from.X, p.from.Y)))
	return math.Max(across, down)*scale/longestMM >= detectMM
}

// upright tells whether the rows of text plainly run across the picture.
func upright(rows []row) bool {
	across, down := 0, 0
	for _, r := range rows {
		if r.length() < longRow*r.height {
			continue
		}
		if d := r.dir(); math.Abs(d.x) > math.Abs(d.y) {
			across++
		} else {
			down++
		}
	}
	return across >= fewRows && across >= 3*down
}

// longRow is the length, in heights, from which a row's direction is that of its text.
const longRow = 4

// turnScore is the score above which a frame is not tried turned by 90° as well.
const turnScore = 75.0

// locateZone looks for text rows in one view after the other and reads what could be a zone.
// It returns the rows of the view that showed most.
func (r *Reader) locateZone(ctx context.Context, m gocv.Mat, looks []view) (zone, []row, error) {
	grey, err := picture.ToGrey(m)
	if err != nil {
		return zone{}, nil, err
	}
	defer grey.Close()
	var best zone
	var rows []row
	for _, v := range looks {
		if err := ctx.Err(); err != nil {
			return zone{}, nil, err
		}
		lines, err := r.rowsIn(m, v)
		if err != nil {
			return zone{}, nil, err
		}
		if len(lines) > len(rows) {
			rows = lines
		}
		if len(lines) == 0 && v.area.Dx() == m.Cols() && v.area.Dy() == m.Rows() {
			break // not a trace of text: looking closer will not find a zone
		}
		z, err := r.findZone(ctx, grey, blocks(lines))
		if err != nil {
			return zone{}, nil, err
		}
		if z.better(best) {
			best = z
		}
		if best.good() {
			break
		}
	}
	if best.score < zoneScore {
		return best, rows, nil
	}
	if best, err = r.whole(grey, best); err != nil || best.sure() {
		return best, rows, err
	}
	z, err := r.refine(grey, best)
	if err != nil && !errors.Is(err, models.ErrFrame) {
		return zone{}, nil, err
	}
	if err == nil && len(z.lines) > 0 && z.score >= zoneScore {
		z.partial = best.partial && wide(z.layout) <= wide(best.layout)
		best = z
	}
	return best, rows, nil
}

// rowsIn detects the rows of text in a part of a picture.
func (r *Reader) rowsIn(m gocv.Mat, v view) ([]row, error) {
	part := m.Region(v.area)
	defer part.Close()
	pieces, err := detect(r.finder, part, v.side)
	if err != nil {
		return nil, err
	}
	by := vec{float64(v.area.Min.X), float64(v.area.Min.Y)}
	for i, p := range pieces {
		pieces[i].start, pieces[i].end = p.start.add(by), p.end.add(by)
	}
	return join(pieces), nil
}

// judge parses the text and compares the readers.
func (p *page) judge(text []string, today time.Time) {
	p.doc = nil
	if d, err := mrz.Parse(text, mrz.On(today)); err == nil {
		p.doc = &d
	}
	p.alike = alike(p.zone.layout, text, p.again)
	p.share = shareOf(p.alike)
	p.same = p.share == 1 && !p.zone.partial && p.seen()
}

// believe takes the word of the surer reader where the two still differ. What is reported is
// then the likeliest text; that they differed stays on record, so it is never accepted.
func (p *page) believe(today time.Time) {
	if !p.found() || len(p.again) != len(p.zone.lines) {
		return
	}
	lines := make([]reading, len(p.zone.lines))
	text := make([]string, len(lines))
	for i, own := range p.zone.lines {
		lines[i] = own.surer(p.again[i], func(text string) string { return settled(p.zone.layout, i, text) })
		text[i] = lines[i].text
	}
	p.own, p.zone.lines = p.zone.lines, lines
	p.doc = nil
	if d, err := mrz.Parse(text, mrz.On(today)); err == nil {
		p.doc = &d
	}
}

// vote lets frames of the same layout decide each character, weighted by how
// sure each was of it. The readers agree when the second one read exactly the
// outcome in any frame. The outcome takes the place of the best frame's reading.
func vote(pages []page, best int, today time.Time) page {
	p := pages[best]
	voters := 0
	for _, q := range pages {
		if q.found() && q.zone.layout == p.zone.layout {
			voters++
		}
	}
	if !p.found() || voters < 2 {
		return p
	}
	lines := append([]reading(nil), p.zone.lines...)
	text := make([]string, len(lines))
	for i := range lines {
		b, chars := []byte(lines[i].text), append([]float64(nil), lines[i].chars...)
		for j := range b {
			var weight [256]float64
			for _, q := range pages {
				if q.found() && q.zone.layout == p.zone.layout {
					weight[q.zone.lines[i].text[j]] += q.zone.lines[i].chars[j]
				}
			}
			for c, w := range weight {
				if w > weight[b[j]] {
					b[j] = byte(c)
				}
			}
			// As sure as the frame that saw it best.
			chars[j] = 0
			for _, q := range pages {
				if q.found() && q.zone.layout == p.zone.layout && q.zone.lines[i].text[j] == b[j] {
					chars[j] = max(chars[j], q.zone.lines[i].chars[j])
				}
			}
		}
		lines[i].text, lines[i].chars = string(b), chars
		text[i] = lines[i].text
	}
	p.zone.lines = lines
	for _, q := range pages {
		if q.found() && q.zone.layout == p.zone.layout && shareOf(alike(p.zone.layout, text, q.again)) == 1 {
			p.again = q.again
		}
	}
	p.judge(text, today)
	return p
}

// recognition is the score of the whole zone, 0..100; see Read.
func (p page) recognition() float64 {
	if !p.found() {
		return 0
	}
	return p.zone.score/2 + 50*p.share
}

// describe measures the rest: outline, quality, portrait, and what to change.
func (r *Reader) describe(ctx context.Context, p page) (models.Document, error) {
	d := models.Document{Width: p.from.X, Height: p.from.Y, Best: p.index, Turn: p.turn}
	w, h := p.img.Cols(), p.img.Rows()
	shape, flat, err := p.shape()
	if err != nil {
		return d, err
	}
	if p.found() {
		d.Turn = (p.turn + p.zone.turn()) % 360
		d.MRZ, d.Agreed = p.doc, p.same
		d.PixelsPerMM = p.zone.pitch() / pitchMM
		d.Recognition = p.recognition()
		for i, l := range p.zone.lines {
			d.Lines = append(d.Lines, models.Line{Text: l.text, Score: 100 * l.mean(), At: unturn(p.zone.strips[i].quad(w, h), p.turn)})
		}
	}
	area := image.Rect(0, 0, w, h)
	if shape != nil {
		q := unturn(toQuad(*shape, w, h), p.turn)
		d.Outline = &q
		if b := bounds(*shape, w, h); b.Dx() > 2*models.MinFrameSide && b.Dy() > 2*models.MinFrameSide {
			area = b
		}
	}
	part := p.img.Region(area)
	defer part.Close()
	if d.Quality, err = quality.Measure(part); err != nil {
		return d, err
	}
	for i, g := range d.Quality.GlareAt {
		d.Quality.GlareAt[i] = unturnBox(within(g, area, w, h), p.turn)
	}
	if err := p.place(&d, shape, flat); err != nil {
		return d, err
	}
	turn := (d.Turn - p.turn + 360) % 360
	if err := r.portrait(ctx, p, &d, shape, flat); err != nil {
		return d, err
	}
	if p.found() {
		d.Fields = p.fields(p.toUpright(shape, flat, turn))
		d.Agreed = d.Agreed && !doubtful(d.MRZ.Layout, d.Fields)
	}
	d.Kind, d.Side = p.kindOf(d, flat)
	d.Hint = p.hint(d, flat)
	return d, nil
}

// hint says what most likely kept the zone from being read; none when it was read and fits.
func (p page) hint(d models.Document, outlined bool) models.HintCode {
	if accepted(p.doc, p.same) {
		return models.HintNone
	}
	q := d.Quality
	switch {
	case q.Luma < darkLuma:
		return models.HintDark
	case q.Luma > brightLuma && q.Exposure < quality.Dim:
		return models.HintBright
	case !p.found() && !outlined && d.Portrait == nil && p.rows < fewRows:
		return models.HintNoDocument
	case !p.found() && q.Sharpness < quality.Legible:
		return models.HintBlur
	case !p.found() && d.Portrait == nil && obstructed(q):
		return models.HintFinger
	case !p.found() && d.Portrait == nil && aslant(q):
		return models.HintAngle
	case !p.found():
		return models.HintNoMRZ
	case d.PixelsPerMM < Least:
		return models.HintTooFar
	case cutOff(d.Lines):
		return models.HintCutOff
	case obstructed(q):
		return models.HintFinger
	case q.Glare < quality.Glaring:
		return models.HintGlare
	case q.Sharpness < quality.Soft:
		return models.HintBlur
	case p.doc != nil && p.same:
		return models.HintNone // read twice alike: what is wrong stands on the document
	}
	return models.HintHold
}

const (
	darkLuma   = 40
	brightLuma = 235
	fewRows    = 3
)

// cutOff tells whether a line runs into the border of the picture.
func cutOff(lines []models.Line) bool {
	const edge = .004
	for _, l := range lines {
		for _, c := range l.At {
			if c.X < -edge || c.Y < -edge || c.X > 1+edge || c.Y > 1+edge {
				return true
			}
		}
	}
	return false
}

// unturn maps places of a picture that was turned clockwise back to the picture as it came.
func unturn(q models.Quad, degrees int) models.Quad {
	for i, c := range q {
		q[i] = unturnPoint(c, degrees)
	}
	return q
}

func unturnPoint(c models.Point, degrees int) models.Point {
	switch degrees {
	case 90:
		return models.Point{X: c.Y, Y: 1 - c.X}
	case 180:
		return models.Point{X: 1 - c.X, Y: 1 - c.Y}
	case 270:
		return models.Point{X: 1 - c.Y, Y: c.X}
	}
	return c
}

func unturnBox(b models.Box, degrees int) models.Box {
	a, z := unturnPoint(models.Point{X: b.X1, Y: b.Y1}, degrees), unturnPoint(models.Point{X: b.X2, Y: b.Y2}, degrees)
	return models.Box{X1: math.Min(a.X, z.X), Y1: math.Min(a.Y, z.Y), X2: math.Max(a.X, z.X), Y2: math.Max(a.Y, z.Y)}
}

// within maps a box of a part of a picture to the whole.
func within(b models.Box, part image.Rectangle, w, h int) models.Box {
	x := func(v float64) float64 { return (float64(part.Min.X) + v*float64(part.Dx())) / float64(w) }
	y := func(v float64) float64 { return (float64(part.Min.Y) + v*float64(part.Dy())) / float64(h) }
	return models.Box{X1: x(b.X1), Y1: y(b.Y1), X2: x(b.X2), Y2: y(b.Y2)}
}
