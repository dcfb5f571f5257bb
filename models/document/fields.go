package document

import (
	"image"
	"math"
	"strings"

	"gocv.io/x/gocv"

	"vestibule/models"
	"vestibule/models/mrz"
)

// fieldHalf is how far the place of a field reaches above and below the middle of its line, in
// parts of its strip's half height: letters fill about the middle half.
const fieldHalf = .65

// fields tells of each field of the zone how sure it is and where it stands. upright maps
// places of img, in pixels, to parts of the upright picture.
//
// A field is no surer than its least sure character. How sure that is, both readers say: p is the
// probability that the one gives it whose it is, q that which the other one gives what it read in
// the same place. They are taken for independent, which two networks of other people and other
// data nearly are. Alike, they support each other: p q / (p q + (1-p) (1-q) / chance), where two
// misreadings are the same one by chance only; else they speak against each other:
// p (1-q) / (p (1-q) + (1-p) q).
func (p page) fields(upright func(vec) models.Point) []models.ZoneField {
	if p.doc == nil {
		return nil
	}
	w, h := p.img.Cols(), p.img.Rows()
	var out []models.ZoneField
	for _, f := range p.doc.Fields() {
		parts := f.Parts()
		if len(parts) == 0 || !p.has(parts) {
			continue
		}
		z := models.ZoneField{Name: f.Name, Line: f.Line, Start: f.Start, End: f.End, Confidence: 100, Agreed: true}
		for _, s := range parts {
			for j := s.Start; j < s.End; j++ {
				z.Confidence = min(z.Confidence, 100*p.sureOf(s.Line, j))
				z.Agreed = z.Agreed && p.alike[s.Line][j]
			}
		}
		q := p.zone.around(parts[0])
		z.At = unturn(toQuad(q, w, h), p.turn)
		for i, c := range q {
			z.Upright[i] = upright(c)
		}
		out = append(out, z)
	}
	return out
}

// leastSure is how sure a field must be that no check digit covers: both readers may misread a letter alike, and then
// neither is certain. Set after the one wrong acceptance of 10,080 drawings, a name of 74; of 1,342 right ones three
// fall below it.
const leastSure = 90

// doubtful tells whether a field that no check digit covers may be misread although both readers agree.
func doubtful(layout mrz.Layout, fields []models.ZoneField) bool {
	for _, f := range fields {
		switch f.Name {
		case mrz.NameFamily, mrz.NameGiven, mrz.NameNationality, mrz.NameIssuer, mrz.NameCode, mrz.NameSex:
		case mrz.NameOptional:
			if layout != mrz.MRVA && layout != mrz.MRVB {
				continue
			}
		default:
			continue
		}
		if f.Confidence < leastSure {
			return true
		}
	}
	return false
}

// has tells whether the zone as read reaches as far as the spans do.
func (p page) has(spans []mrz.Span) bool {
	for _, s := range spans {
		if s.Line < 0 || s.Line >= min(len(p.zone.lines), len(p.zone.strips), len(p.alike)) {
			return false
		}
		l := p.zone.lines[s.Line]
		if s.Start < 0 || s.End > min(len(l.text), len(l.chars), len(l.place), len(p.alike[s.Line])) {
			return false
		}
	}
	return true
}

// The form of the formula was chosen on the public specimens that mrz.field_confidence_auc is
// measured on. chance is how many look-alikes a misread character may be taken for. Starting value, not tuned:
// mrz.field_confidence_auc is .90 with 1, .92 with 5 and .94 with 36, where a confidence says less
// about single fields.
const chance = 5

// sureOf is the probability of a character of the zone, 0..1; see fields.
func (p page) sureOf(line, j int) float64 {
	sure := p.zone.lines[line].chars[j]
	if line >= len(p.again) || j >= len(p.again[line].chars) {
		return sure // the second reader had no word
	}
	other := p.again[line].chars[j]
	if p.alike[line][j] {
		return weigh(sure*other, (1-sure)*(1-other)/chance)
	}
	if line < len(p.own) && p.own[line].text[j] != p.zone.lines[line].text[j] {
		other = p.own[line].chars[j] // the second reader was believed
	}
	return weigh(sure*(1-other), (1-sure)*other)
}

// weigh is the share of yes in both; 0 when there is neither: two certainties that exclude each other.
func weigh(yes, no float64) float64 {
	if yes+no <= 0 {
		return 0
	}
	return yes / (yes + no)
}

// around is the place of a run of characters in the picture, clockwise from where it starts to be
// read: the fillers at its ends are left out, unless there is nothing else.
func (z zone) around(s mrz.Span) [4]vec {
	l, st := z.lines[s.Line], z.strips[s.Line]
	text := l.text[s.Start:s.End]
	start := s.Start + len(text) - len(strings.TrimLeft(text, "<"))
	end := s.Start + len(strings.TrimRight(text, "<"))
	if start >= end {
		start, end = s.Start, s.End
	}
	last := len(l.place) - 1
	half := (l.place[last] - l.place[0]) / float64(max(1, last)) / 2
	frames := st.aspect() * stripHeight / stripStride
	from, to := (l.place[start]+.5-half)/frames, (l.place[end-1]+.5+half)/frames
	return [4]vec{st.at(from, -fieldHalf), st.at(to, -fieldHalf), st.at(to, fieldHalf), st.at(from, fieldHalf)}
}

// toUpright gives the map from places of img, in pixels, to parts of the upright picture that
// portrait makes of it: the shape laid flat, or img turned.
func (p page) toUpright(shape *[4]vec, flat bool, turn int) func(vec) models.Point {
	w, h := p.img.Cols(), p.img.Rows()
	if flat && shape != nil {
		if size, ok := flatSize(*shape); ok {
			return throughFlat(*shape, size)
		}
		turn = 0 // rectify leaves it as it is
	}
	tw, th := w, h
	if turn%180 != 0 {
		tw, th = h, w
	}
	return func(v vec) models.Point {
		v = turnVec(v, w, h, turn)
		return models.Point{X: v.x / float64(tw), Y: v.y / float64(th)}
	}
}

// throughFlat follows places through rectify.
func throughFlat(q [4]vec, size image.Point) func(vec) models.Point {
	w, h := float64(size.X), float64(size.Y)
	t := flatten(q, size)
	defer t.Close()
	k := coefficients(t)
	return func(v vec) models.Point {
		d := k[6]*v.x + k[7]*v.y + k[8]
		at := models.Point{X: (k[0]*v.x + k[1]*v.y + k[2]) / d / w, Y: (k[3]*v.x + k[4]*v.y + k[5]) / d / h}
		if math.IsNaN(at.X+at.Y) || math.IsInf(at.X+at.Y, 0) {
			return models.Point{}
		}
		return at
	}
}

// coefficients reads a perspective transform row by row; zeros when it is none.
func coefficients(t gocv.Mat) (k [9]float64) {
	if t.Rows() != 3 || t.Cols() != 3 || t.Type() != gocv.MatTypeCV64FC1 {
		return k
	}
	for i := range k {
		k[i] = t.GetDoubleAt(i/3, i%3)
	}
	return k
}
