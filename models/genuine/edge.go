package genuine

import (
	"image"
	"math"

	"gocv.io/x/gocv"

	"vestibule/models/picture"
)

// The surroundings of a document are looked at along lines across its border, in a grey picture
// of this longer side.
const edgeSide = 640

// How bands along the border are told. Lengths are parts of the document's shorter side.
const (
	edgeLeast   = 100  // pixels of the shorter side, least
	edgeLines   = 25   // lines across each side
	edgeInside  = .14  // how far they begin inside
	edgeOutside = .40  // and end outside
	edgeStep    = 14.0 // grey levels over three pixels that make an edge
	bandSpread  = 9.0  // mean deviation along a band, grey levels, most
)

// band is a strip along one side of a document between two edges parallel to it.
type band struct {
	level, spread float64
	from, to      float64 // in parts of the shorter side, outwards from the border
	inner, outer  float64 // step at both ends, grey levels
}

// bands returns, for each side of the outline, the strips beside it. It has not seen any when
// the document is too small in the picture.
func bands(m gocv.Mat, q quad) (out [4][]band, seen bool, err error) {
	w, h := picture.Within(m.Cols(), m.Rows(), edgeSide, edgeSide)
	small, err := picture.Resize(m, w, h)
	if err != nil {
		return out, false, err
	}
	defer small.Close()
	grey, err := picture.ToGrey(small)
	if err != nil {
		return out, false, err
	}
	defer grey.Close()
	pix := grey.ToBytes()
	if len(pix) != w*h {
		return out, false, picture.Grey(gocv.Mat{})
	}
	q = q.scaled(float64(w)/float64(m.Cols()), float64(h)/float64(m.Rows()))
	across, down := q.sides()
	short := math.Min(across, down)
	if short < edgeLeast {
		return out, false, nil // bands would be thinner than a pixel
	}
	for i := range q {
		out[i] = side(pix, w, h, q[i], q[(i+1)%4], short)
	}
	return out, true, nil
}

// side finds the bands along the side from a to b; outside is to its left as one walks.
func side(pix []byte, w, h int, a, b vec, short float64) []band {
	along := b.sub(a)
	out := vec{along.y, -along.x}.unit()
	from, to := -int(edgeInside*short), int(edgeOutside*short)
	n := to - from + 1
	level, spread := make([]float64, n), make([]float64, n)
	last := n
	for d := range n {
		var v []float64
		for s := range edgeLines {
			p := a.add(along.times(.1 + .8*float64(s)/(edgeLines-1))).add(out.times(float64(d + from)))
			x, y := int(math.Round(p.x)), int(math.Round(p.y))
			if image.Pt(x, y).In(image.Rect(0, 0, w, h)) {
				v = append(v, float64(pix[y*w+x]))
			}
		}
		if len(v) < edgeLines*3/4 {
			last = d
			break
		}
		level[d] = median(v)
		off := 0.0
		for _, x := range v {
			off += math.Abs(x - level[d])
		}
		spread[d] = off / float64(len(v))
	}
	step := func(d int) float64 { return level[d+1] - level[d-2] }
	var edges []int // between d-1 and d
	for d := 2; d+1 < last; d++ {
		s := math.Abs(step(d))
		if s < edgeStep || d > 2 && math.Abs(step(d-1)) > s || d+2 < last && math.Abs(step(d+1)) >= s {
			continue
		}
		edges = append(edges, d)
	}
	var found []band
	for i := 0; i+1 < len(edges); i++ {
		lo, hi := edges[i]+1, edges[i+1]-1
		if hi-lo < 1 {
			continue
		}
		found = append(found, band{
			level:  median(append([]float64(nil), level[lo:hi]...)),
			spread: median(append([]float64(nil), spread[lo:hi]...)),
			from:   float64(edges[i]+from) / short, to: float64(edges[i+1]+from) / short,
			inner: step(edges[i]), outer: step(edges[i+1]),
		})
	}
	return found
}

// sidesWith counts the sides that have a band like that, all of about the same level.
func sidesWith(all [4][]band, like func(band) bool) int {
	most := 0
	for _, list := range all {
		for _, first := range list {
			if !like(first) {
				continue
			}
			n := 0
			for _, other := range all {
				for _, b := range other {
					if like(b) && math.Abs(b.level-first.level) < 22 {
						n++
						break
					}
				}
			}
			most = max(most, n)
		}
	}
	return most
}

// bezel is a dark, even band between what is shown and what lies behind the display.
func bezel(b band) bool {
	return b.level < 70 && b.spread < bandSpread && b.to-b.from > .02 && b.to-b.from < .3 &&
		b.from > -.1 && b.inner < 0 && b.outer > 0
}

// margin is a white, even band between print and the cut edge of paper.
func margin(b band) bool {
	return b.level > 150 && b.spread < bandSpread && b.to-b.from > .012 && b.to-b.from < .12 &&
		b.from > -.13 && b.from < .03 && b.inner > 0 && math.Abs(b.outer) > 25
}
