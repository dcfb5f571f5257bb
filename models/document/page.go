package document

import (
	"image"
	"image/color"
	"math"

	"gocv.io/x/gocv"

	"vestibule/models"
	"vestibule/models/mrz"
	"vestibule/models/picture"
)

// sheet says where the zone stands on a document: its size, how far the centre of
// the first character is from the left edge and the centre of the last line from
// the lower edge, all in millimetres (ICAO 9303 part 4 section 3, part 5 section 3, part
// 6 section 3, part 7 section 3).
type sheet struct{ width, height, left, bottom float64 }

func sheetOf(l mrz.Layout) sheet {
	switch l {
	case mrz.TD1:
		return sheet{85.6, 53.98, 5.3, 7.1}
	case mrz.TD2, mrz.MRVB, mrz.FRID:
		return sheet{105, 74, 5.3, 9.4}
	default:
		return sheet{125, 88, 7.3, 9.4}
	}
}

// corners tells where the edges of the document are by its zone alone. With strong
// perspective this is rough, but it needs no background.
func (z zone) corners() [4]vec {
	n := len(z.lines)
	var right vec // of one character
	first := make([]vec, n)
	for i, l := range z.lines {
		frames := z.strips[i].aspect() * stripHeight / stripStride
		at := func(k int) vec { return z.strips[i].at((l.place[k]+.5)/frames, 0) }
		last := len(l.place) - 1
		first[i] = at(0)
		right = right.add(at(last).sub(at(0)).times(1 / float64(last*n)))
	}
	down := first[n-1].sub(first[0]).times(1 / float64(n-1)) // of one line
	s := sheetOf(z.layout)
	place := func(x, y float64) vec {
		return first[n-1].add(right.times((x - s.left) / pitchMM)).add(down.times((y - (s.height - s.bottom)) / leadingMM))
	}
	return [4]vec{place(0, 0), place(s.width, 0), place(s.width, s.height), place(0, s.height)}
}

// dir is the direction the zone reads in.
func (z zone) dir() vec {
	var u vec
	for _, s := range z.strips {
		u = u.add(s.to.sub(s.from).unit())
	}
	return u.unit()
}

// turn is by how many degrees, in quarters, the picture must be turned clockwise to read the zone.
func (z zone) turn() int {
	u := z.dir()
	quarters := int(math.Round(-math.Atan2(u.y, u.x) / (math.Pi / 2)))
	return (quarters%4 + 4) % 4 * 90
}

// along starts the corners at the top left of the document as the zone reads.
func (o outline) along(u vec) [4]vec {
	best, at := math.Inf(-1), 0
	for i := range 4 {
		if c := o.corners[(i+1)%4].sub(o.corners[i]).unit().dot(u); c > best {
			best, at = c, i
		}
	}
	return [4]vec{o.corners[at], o.corners[(at+1)%4], o.corners[(at+2)%4], o.corners[(at+3)%4]}
}

// holds tells whether the outline is that of the document the zone belongs to: the zone lies
// inside, and the size in millimetres is possible (a page, or a passport open on both).
func (o outline) holds(z zone) bool {
	q := o.along(z.dir())
	for _, s := range z.strips {
		for _, p := range []vec{s.from, s.to} {
			if !inside(q, p, 2*s.half) {
				return false
			}
		}
	}
	mm := z.pitch() / pitchMM
	across, down := sides(q)
	s := sheetOf(z.layout)
	// At 30° off the camera's axis one side looks .87 of its length, and perspective makes the zone's
	// end of the document up to 7 % larger or smaller than its middle.
	fits := func(v, want float64) bool { return v > .75*want && v < 1.3*want }
	return fits(across/mm, s.width) && (fits(down/mm, s.height) || fits(down/mm, 2*s.height))
}

// shape is where the document lies in img, nil when nobody knows. It is flat when it is a border
// that was seen, good enough to rectify by: with a zone, one that fits the zone.
func (p page) shape() (shape *[4]vec, flat bool, err error) {
	o, seen := p.outline, p.outlined
	if p.turn != 0 && seen {
		var q [4]vec
		for i, c := range o.corners {
			q[i] = turnVec(c, p.from.X, p.from.Y, p.turn)
		}
		o.corners = q
	}
	if !p.found() {
		dear, ok, err := searchOutline(p.img)
		if err != nil {
			return nil, false, err
		}
		if ok {
			o, seen = dear, true
		}
		if !seen {
			return nil, false, nil
		}
		return &o.corners, true, nil
	}
	if seen && o.holds(p.zone) {
		q := o.along(p.zone.dir())
		return &q, true, nil
	}
	all, err := searchBorders(p.img)
	if err != nil {
		return nil, false, err
	}
	for _, o := range all {
		if o.score >= borderHeld && o.holds(p.zone) {
			q := o.along(p.zone.dir())
			return &q, true, nil
		}
	}
	q := p.zone.corners()
	return &q, false, nil
}

// inside tells whether p lies in the clockwise shape q, or not farther than slack outside.
func inside(q [4]vec, p vec, slack float64) bool {
	for i := range q {
		e := q[(i+1)%4].sub(q[i])
		if p.sub(q[i]).dot(e.unit().across()) < -slack {
			return false
		}
	}
	return true
}

func toQuad(q [4]vec, w, h int) models.Quad {
	var out models.Quad
	for i, c := range q {
		out[i] = models.Point{X: c.x / float64(w), Y: c.y / float64(h)}
	}
	return out
}

// maxUpright bounds the longer side of a rectified picture.
const maxUpright = 1800

// rectify lays the shape flat.
func rectify(m gocv.Mat, q [4]vec) (gocv.Mat, error) {
	size, ok := flatSize(q)
	if !ok {
		return picture.Turn(m, 0)
	}
	t := flatten(q, size)
	defer t.Close()
	out := gocv.NewMat()
	gocv.WarpPerspectiveWithParams(m, &out, t, size, gocv.InterpolationLinear, gocv.BorderReplicate, color.RGBA{})
	return out, nil
}

// flatSize is how large the shape becomes when it is laid flat, in pixels; false when that is too small for a picture.
func flatSize(q [4]vec) (image.Point, bool) {
	across, down := sides(q)
	k := math.Min(1, maxUpright/math.Max(across, down))
	w, h := int(math.Round(across*k)), int(math.Round(down*k))
	return image.Pt(w, h), w >= models.MinFrameSide && h >= models.MinFrameSide
}

// flatten is the perspective transform that lays the shape flat.
func flatten(q [4]vec, size image.Point) gocv.Mat {
	src := gocv.NewPoint2fVectorFromPoints([]gocv.Point2f{f32(q[0]), f32(q[1]), f32(q[2]), f32(q[3])})
	defer src.Close()
	x, y := float32(size.X), float32(size.Y)
	dst := gocv.NewPoint2fVectorFromPoints([]gocv.Point2f{{X: 0, Y: 0}, {X: x, Y: 0}, {X: x, Y: y}, {X: 0, Y: y}})
	defer dst.Close()
	return gocv.GetPerspectiveTransform2f(src, dst)
}

// bounds is the upright rectangle around a shape, grown a little and cut to the picture.
func bounds(q [4]vec, w, h int) image.Rectangle {
	lo, hi := q[0], q[0]
	for _, c := range q {
		lo = vec{math.Min(lo.x, c.x), math.Min(lo.y, c.y)}
		hi = vec{math.Max(hi.x, c.x), math.Max(hi.y, c.y)}
	}
	g := hi.sub(lo).times(.04)
	return image.Rect(int(lo.x-g.x), int(lo.y-g.y), int(hi.x+g.x), int(hi.y+g.y)).Intersect(image.Rect(0, 0, w, h))
}

// turnVec follows a point of a w × h picture through a clockwise turn.
func turnVec(p vec, w, h, degrees int) vec {
	switch degrees {
	case 90:
		return vec{float64(h) - p.y, p.x}
	case 180:
		return vec{float64(w) - p.x, float64(h) - p.y}
	case 270:
		return vec{p.y, float64(w) - p.x}
	}
	return p
}
