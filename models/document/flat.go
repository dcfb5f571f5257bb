package document

import (
	"context"
	"errors"
	"image"

	"gocv.io/x/gocv"

	"vestibule/models"
)

// searchFlat is the last look for a zone: the document is laid flat by its border first, and its
// lines run along its sides then. The detector misses lines that run slantwise more often.
func (r *Reader) searchFlat(ctx context.Context, p *page) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	o, seen := p.outline, p.outlined && p.turn == 0
	if !seen {
		var err error
		if o, seen, err = searchOutline(p.img); err != nil || !seen {
			return err
		}
	}
	flat, err := rectify(p.img, o.corners)
	if err != nil {
		return err
	}
	defer flat.Close()
	z, rows, err := r.locateZone(ctx, flat, []view{{image.Rect(0, 0, flat.Cols(), flat.Rows()), fineSide}})
	p.rows = max(p.rows, len(rows))
	if errors.Is(err, models.ErrFrame) || err == nil && z.score < zoneScore {
		return nil
	}
	if err != nil {
		return err
	}
	back, ok := unflatten(o.corners, flat.Cols(), flat.Rows())
	if !ok {
		return nil
	}
	for i, s := range z.strips {
		up, down := back(s.at(.5, -1)), back(s.at(.5, 1))
		half := up.sub(down).length() / 2
		// What was read stays; the strip is where it stands in the picture, as wide as it was looked at.
		from, to := back(s.from), back(s.to)
		was, is := s.aspect(), to.sub(from).length()/(2*half)
		z.strips[i] = strip{from: from, to: to, half: half, stretch: was / is}
	}
	p.zone = z
	return nil
}

// unflatten maps places of the flat picture back to where they came from.
func unflatten(q [4]vec, w, h int) (func(vec) vec, bool) {
	x, y := float32(w), float32(h)
	src := gocv.NewPoint2fVectorFromPoints([]gocv.Point2f{{X: 0, Y: 0}, {X: x, Y: 0}, {X: x, Y: y}, {X: 0, Y: y}})
	defer src.Close()
	dst := gocv.NewPoint2fVectorFromPoints([]gocv.Point2f{f32(q[0]), f32(q[1]), f32(q[2]), f32(q[3])})
	defer dst.Close()
	t := gocv.GetPerspectiveTransform2f(src, dst)
	defer t.Close()
	if t.Rows() != 3 || t.Cols() != 3 || t.Type() != gocv.MatTypeCV64F {
		return nil, false
	}
	var m [9]float64
	for i := range m {
		m[i] = t.GetDoubleAt(i/3, i%3)
	}
	return func(v vec) vec {
		k := m[6]*v.x + m[7]*v.y + m[8]
		if k == 0 {
			return v
		}
		return vec{(m[0]*v.x + m[1]*v.y + m[2]) / k, (m[3]*v.x + m[4]*v.y + m[5]) / k}
	}, true
}
