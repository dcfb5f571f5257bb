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
	zone  zone
	again []reading
	doc   *mrz.Document
	same  bool
	share float64 // of characters that both readers read alike
}

func (p page) found() bool { return p.zone.score >= zoneScore }

// Read reads a document from one or more pictures (BGR) of the same side. It stops at
// the first one that needs no second opinion; else all of them vote, character by
// character. A picture that cannot be used is left out; when none can, the error is models.ErrFrame.
//
// Recognition is 0 without a zone, else 50 × the own reader's mean probability of
// a character + 50 × the share of characters that the second reader reads alike.
func (r *Reader) Read(ctx context.Context, frames []gocv.Mat) (models.Document, error) {
	if len(frames) == 0 {
		return models.Document{}, fmt.Errorf("%w: no frame", models.ErrFrame)
	}
	if len(frames) > MaxFrames {
		frames = frames[:MaxFrames]
	}
	today := r.now()
	var pages []page
	defer func() {
		for _, p := range pages {
			p.img.Close()
		}
	}()
	var bad error
	for i, m := range frames {
		if err := ctx.Err(); err != nil {
			return models.Document{}, err
		}
		if err := usable(m); err != nil {
			bad = err
			continue
		}
		p, err := r.readPage(ctx, m.Clone(), today)
		p.index = i
		pages = append(pages, p)
		if err != nil {
			return models.Document{}, err
		}
		if accepted(p.doc, p.same) {
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
	return r.describe(ctx, p)
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

// readPage takes m over.
func (r *Reader) readPage(ctx context.Context, m gocv.Mat, today time.Time) (page, error) {
	p := page{img: m, from: image.Pt(m.Cols(), m.Rows())}
	for _, quarter := range []int{0, 90} {
		work := m
		if quarter != 0 {
			turned, err := picture.Turn(m, quarter)
			if err != nil {
				return p, err
			}
			work = turned
		}
		z, rows, err := r.locateZone(ctx, work)
		if err != nil {
			if quarter != 0 {
				work.Close()
			}
			return p, err
		}
		p.rows = max(p.rows, rows)
		if z.score > p.zone.score {
			p.zone = z
			if quarter != 0 {
				m.Close()
				p.img, p.turn = work, quarter
				work = m
			}
		} else if quarter != 0 {
			work.Close()
		}
		if p.zone.score > turnScore || p.rows == 0 {
			break
		}
	}
	if !p.found() {
		return p, nil
	}
	again, err := r.readAgain(p.img, p.zone)
	if err != nil {
		return p, err
	}
	p.again = again
	p.judge(p.zone.text(), today)
	return p, nil
}

// turnScore is the score above which a frame is not tried turned by 90° as well.
const turnScore = 75.0

// locateZone looks for text rows coarsely first, then finely, and reads what could be a zone.
func (r *Reader) locateZone(ctx context.Context, m gocv.Mat) (zone, int, error) {
	grey, err := picture.ToGrey(m)
	if err != nil {
		return zone{}, 0, err
	}
	defer grey.Close()
	var best zone
	rows := 0
	for _, side := range []int{640, 960} {
		if err := ctx.Err(); err != nil {
			return zone{}, 0, err
		}
		pieces, err := detect(r.finder, m, side)
		if err != nil {
			return zone{}, 0, err
		}
		lines := join(pieces)
		rows = max(rows, len(lines))
		if len(lines) == 0 {
			break // not a trace of text: looking closer will not find a zone
		}
		z, err := r.findZone(ctx, grey, blocks(lines))
		if err != nil {
			return zone{}, 0, err
		}
		if z.score > best.score {
			best = z
		}
		if best.score > goodScore {
			break
		}
	}
	if best.score < zoneScore {
		return best, rows, nil
	}
	z, err := r.refine(grey, best)
	if err != nil && !errors.Is(err, models.ErrFrame) {
		return zone{}, 0, err
	}
	if err == nil && len(z.lines) > 0 && z.score >= zoneScore {
		best = z
	}
	return best, rows, nil
}

// judge parses the text and compares the readers.
func (p *page) judge(text []string, today time.Time) {
	p.doc = nil
	if d, err := mrz.Parse(text, mrz.On(today)); err == nil {
		p.doc = &d
	}
	p.share = agreement(p.zone.layout, text, p.again)
	p.same = p.share == 1
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
		b := []byte(lines[i].text)
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
		}
		lines[i].text = string(b)
		text[i] = lines[i].text
	}
	p.zone.lines = lines
	for _, q := range pages {
		if q.found() && q.zone.layout == p.zone.layout && agreement(p.zone.layout, text, q.again) == 1 {
			p.again = q.again
		}
	}
	p.judge(text, today)
	return p
}

// describe measures the rest: outline, quality, portrait, and what to change.
func (r *Reader) describe(ctx context.Context, p page) (models.Document, error) {
	d := models.Document{Width: p.from.X, Height: p.from.Y, Best: p.index, Turn: p.turn}
	w, h := p.img.Cols(), p.img.Rows()
	o, seen, err := findOutline(p.img)
	if err != nil {
		return d, err
	}
	var shape *[4]vec // of the document, in img
	flat := false     // shape is its border, good enough to rectify by
	switch {
	case p.found() && seen && o.holds(p.zone):
		q := o.along(p.zone.dir())
		shape, flat = &q, true
	case p.found():
		q := p.zone.corners()
		shape = &q
	case seen:
		shape, flat = &o.corners, true
	}
	if p.found() {
		d.Turn = (p.turn + p.zone.turn()) % 360
		d.MRZ, d.Agreed = p.doc, p.same
		d.PixelsPerMM = p.zone.pitch() / pitchMM
		d.Recognition = p.zone.score/2 + 50*p.share
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
	if err := r.portrait(ctx, p, &d, shape, flat); err != nil {
		return d, err
	}
	d.Hint = p.hint(d, seen)
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
	case !p.found() && q.Sharpness < quality.Soft:
		return models.HintBlur
	case !p.found():
		return models.HintNoMRZ
	case d.PixelsPerMM < Least:
		return models.HintTooFar
	case cutOff(d.Lines):
		return models.HintCutOff
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
