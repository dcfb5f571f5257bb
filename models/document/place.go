package document

import (
	"gocv.io/x/gocv"

	"vestibule/models"
	"vestibule/models/quality"
)

// place measures how the document lies in the picture, where its own border was seen: the zone
// alone tells it too roughly.
func (p page) place(d *models.Document, shape *[4]vec, border bool) error {
	if shape == nil || !border {
		return nil
	}
	mm := d.PixelsPerMM
	if mm == 0 {
		mm = 1 / presumedMM(*shape)
	}
	w, h := p.img.Cols(), p.img.Rows()
	var err error
	if d.Quality.Placement, err = quality.Place(p.img, toQuad(*shape, w, h), mm); err != nil {
		return err
	}
	for i, b := range d.Quality.Placement.CoveredAt {
		d.Quality.Placement.CoveredAt[i] = unturnBox(b, p.turn)
	}
	return nil
}

// obstructed tells whether a finger lies over the document, aslant whether it is seen from the side.
func obstructed(q models.Quality) bool {
	return q.Placement.Known && q.Placement.Uncovered < quality.Obstructed
}

func aslant(q models.Quality) bool {
	return q.Placement.Known && q.Placement.Flat < quality.Placed
}

// acrossFrames looks for glare by what several frames of the document have in common, where at least two show
// its border. What it finds in the best of them is added to d, and named when nothing better is known.
func acrossFrames(pages []page, best int, d *models.Document) error {
	var flat []gocv.Mat
	defer func() {
		for _, m := range flat {
			m.Close()
		}
	}()
	at := -1
	for i, p := range pages {
		if !p.outlined || p.turn != 0 {
			continue
		}
		// By the place of their corners in the picture, which is the same for all frames, not by how the zone reads.
		m, err := rectify(p.img, p.outline.corners)
		if err != nil {
			return err
		}
		if i == best {
			at = len(flat)
		}
		flat = append(flat, m)
	}
	if at < 0 || len(flat) < 2 {
		return nil
	}
	found, err := quality.GlareAcross(flat)
	if err != nil {
		return err
	}
	r := found[at]
	if r.Score >= d.Quality.Glare {
		return nil
	}
	p := pages[best]
	d.Quality.Glare, d.Quality.GlareAt = r.Score, nil
	for _, b := range r.At {
		d.Quality.GlareAt = append(d.Quality.GlareAt, fromFlat(b, p.outline.corners, p.img.Cols(), p.img.Rows()))
	}
	if r.Score < quality.Glaring && (d.Hint == models.HintHold || d.Hint == models.HintNoMRZ && d.Portrait == nil) {
		d.Hint = models.HintGlare
	}
	return nil
}

// fromFlat is the upright rectangle around a place of the flat picture, in parts of the picture it was cut from. It
// takes the shape's sides as evenly divided, which is exact without perspective.
func fromFlat(b models.Box, q [4]vec, w, h int) models.Box {
	out := models.Box{X1: 1, Y1: 1}
	for _, s := range [4][2]float64{{b.X1, b.Y1}, {b.X2, b.Y1}, {b.X2, b.Y2}, {b.X1, b.Y2}} {
		top := q[0].add(q[1].sub(q[0]).times(s[0]))
		bottom := q[3].add(q[2].sub(q[3]).times(s[0]))
		v := top.add(bottom.sub(top).times(s[1]))
		x, y := min(1, max(0, v.x/float64(w))), min(1, max(0, v.y/float64(h)))
		out.X1, out.Y1, out.X2, out.Y2 = min(out.X1, x), min(out.Y1, y), max(out.X2, x), max(out.Y2, y)
	}
	return out
}
