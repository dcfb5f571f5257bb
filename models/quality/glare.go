package quality

import (
	"image"
	"math"
	"slices"

	"vestibule/models"
)

// What makes a bright spot a reflection. Saturated spots alone cry on every third
// white page; a reflection also fades out softly, has a middle without print, and is
// brighter than the paper around it.
//
// The figures were chosen on spots drawn onto 30 public pictures (see the part "quality" of
// models/evaluate): of those spots 97 % are deeper than .34 and softer than .35; what else is
// saturated in the pictures as they are (gaps between lines, white fields, blank margins) is
// shallower, or has a sharp border, or is small. A reflection about three times as long as
// wide is as shallow as a gap between lines and is left to GlareAcross: to let it pass (.24) made five
// false alarms in a hundred of two. They were tuned on the pictures they are measured on.
const (
	glareCut    = 248  // saturated
	glareLeast  = 5e-4 // of the picture: smaller ones hide no letter
	glareMost   = .35  // of the picture: larger ones are an overexposed picture
	glareDeep   = .28  // how deep the spot is without print, in parts of the root of its area: a disc's is .56
	glareSolid  = .60  // the same in parts of its narrower half axis, least: an ellipse's is 1
	glareOver   = 1.6  // most: what the picture cuts off looks deeper than it is wide
	glareSoft   = .20  // how much of the step to the paper is still ahead three pixels outside
	glareAbove  = 18.0 // grey levels above the paper around it
	glareFull   = .04  // share of the picture that brings the score to 0
	glareAtMost = 16   // places reported
)

// spotter looks for reflections; what it remembers between pictures is memory only.
type spotter struct {
	of    []int32 // number of the spot a pixel belongs to, 0: none, -1: not yet seen
	ring  []int32 // number of the spot whose ring has taken the pixel
	depth []int16 // steps to the nearest pixel that is not saturated
	part  []int32
	edge  []int32
	next  []int32
}

// glare looks for reflections in a grey picture of about 480 pixels. The score is 100
// without any and falls to 0 when they cover 4 % of the picture.
func (s *spotter) glare(p plane) (score float64, at []models.Box) {
	area := float64(p.w * p.h)
	hot := 0
	for _, v := range p.pix {
		if v >= glareCut {
			hot++
		}
	}
	if float64(hot) < glareLeast*area {
		return 100, nil
	}
	s.prepare(p)
	covered := 0.0
	number := int32(0)
	for i := range s.of {
		if s.of[i] != -1 {
			continue
		}
		number++
		box, deep := s.flood(p, i, number)
		share := float64(len(s.part)) / area
		if share < glareLeast || share > glareMost || touches(box, p.w, p.h) && share > .05 {
			continue
		}
		if !s.reflection(p, number, box, deep) {
			continue
		}
		covered += share
		if len(at) < glareAtMost {
			at = append(at, boxOf(box, p.w, p.h))
		}
	}
	return 100 * (1 - math.Min(1, covered/glareFull)), at
}

func boxOf(r image.Rectangle, w, h int) models.Box {
	return models.Box{
		X1: float64(r.Min.X) / float64(w), Y1: float64(r.Min.Y) / float64(h),
		X2: float64(r.Max.X) / float64(w), Y2: float64(r.Max.Y) / float64(h),
	}
}

func touches(b image.Rectangle, w, h int) bool {
	return b.Min.X == 0 || b.Min.Y == 0 || b.Max.X == w || b.Max.Y == h
}

// prepare marks what is saturated and how deep inside.
func (s *spotter) prepare(p plane) {
	n := len(p.pix)
	s.of = slices.Grow(s.of[:0], n)[:n]
	s.ring = slices.Grow(s.ring[:0], n)[:n]
	s.depth = slices.Grow(s.depth[:0], n)[:n]
	clear(s.ring)
	const far = math.MaxInt16 - 1
	for i, v := range p.pix {
		s.of[i], s.depth[i] = 0, 0
		if v < glareCut {
			continue
		}
		s.of[i] = -1
		// The picture's border is no border of the spot: it may go on behind it.
		d := int16(far)
		if i%p.w > 0 {
			d = min(d, s.depth[i-1])
		}
		if i >= p.w {
			d = min(d, s.depth[i-p.w])
		}
		s.depth[i] = min(far, d) + 1
	}
	for i := n - 1; i >= 0; i-- {
		d := s.depth[i]
		if d == 0 {
			continue
		}
		if i%p.w < p.w-1 {
			d = min(d, s.depth[i+1]+1)
		}
		if i < n-p.w {
			d = min(d, s.depth[i+p.w]+1)
		}
		s.depth[i] = d
	}
}

// steps are the four neighbours.
var steps = [4]image.Point{{X: 1}, {X: -1}, {Y: 1}, {Y: -1}}

// flood numbers the spot that pixel i belongs to; its pixels are in s.part then.
func (s *spotter) flood(p plane, i int, number int32) (box image.Rectangle, deep int) {
	s.part = append(s.part[:0], int32(i))
	s.of[i] = number
	box = image.Rect(i%p.w, i/p.w, i%p.w+1, i/p.w+1)
	for k := 0; k < len(s.part); k++ {
		at := int(s.part[k])
		x, y := at%p.w, at/p.w
		box.Min.X, box.Max.X = min(box.Min.X, x), max(box.Max.X, x+1)
		box.Min.Y, box.Max.Y = min(box.Min.Y, y), max(box.Max.Y, y+1)
		deep = max(deep, int(s.depth[at]))
		for _, d := range steps {
			nx, ny := x+d.X, y+d.Y
			if nx < 0 || ny < 0 || nx >= p.w || ny >= p.h {
				continue
			}
			if j := ny*p.w + nx; s.of[j] == -1 {
				s.of[j] = number
				s.part = append(s.part, int32(j))
			}
		}
	}
	return box, deep
}

// narrow is the shorter half axis, in pixels, of the ellipse that spreads like the spot in s.part.
func (s *spotter) narrow(p plane) float64 {
	var x, y, xx, yy, xy float64
	for _, at := range s.part {
		px, py := float64(int(at)%p.w), float64(int(at)/p.w)
		x, y, xx, yy, xy = x+px, y+py, xx+px*px, yy+py*py, xy+px*py
	}
	n := float64(len(s.part))
	x, y = x/n, y/n
	xx, yy, xy = xx/n-x*x, yy/n-y*y, xy/n-x*y
	return 2 * math.Sqrt(math.Max(0, (xx+yy)/2-math.Hypot((xx-yy)/2, xy)))
}

// fill marks what the spot encloses as taken by its ring, so that letters on a white page are not
// mistaken for its border.
func (s *spotter) fill(p plane, number int32, box image.Rectangle) {
	s.edge = s.edge[:0]
	reach := func(x, y int) {
		if j := y*p.w + x; s.of[j] != number && s.ring[j] != -number {
			s.ring[j] = -number
			s.edge = append(s.edge, int32(j))
		}
	}
	for x := box.Min.X; x < box.Max.X; x++ {
		reach(x, box.Min.Y)
		reach(x, box.Max.Y-1)
	}
	for y := box.Min.Y; y < box.Max.Y; y++ {
		reach(box.Min.X, y)
		reach(box.Max.X-1, y)
	}
	for len(s.edge) > 0 {
		at := int(s.edge[len(s.edge)-1])
		s.edge = s.edge[:len(s.edge)-1]
		for _, d := range steps {
			if q := image.Pt(at%p.w, at/p.w).Add(d); q.In(box) {
				reach(q.X, q.Y)
			}
		}
	}
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			if j := y*p.w + x; s.of[j] != number && s.ring[j] != -number {
				s.ring[j] = number
			}
		}
	}
}

// reflection judges the spot in s.part by how deep it is and by two rings around it: one
// close to its border, one far enough to be plain paper.
func (s *spotter) reflection(p plane, number int32, box image.Rectangle, deep int) bool {
	size := math.Sqrt(float64(len(s.part)))
	if d, half := float64(deep), s.narrow(p); d < glareDeep*size || d < glareSolid*half || d > glareOver*half {
		return false
	}
	s.fill(p, number, box)
	far := int(math.Max(6, size/3))
	var near, paper [256]int
	nears, papers := 0, 0
	s.edge = append(s.edge[:0], s.part...)
	for d := 1; d <= far; d++ {
		s.next = s.next[:0]
		for _, at := range s.edge {
			x, y := int(at)%p.w, int(at)/p.w
			for _, step := range steps {
				nx, ny := x+step.X, y+step.Y
				if nx < 0 || ny < 0 || nx >= p.w || ny >= p.h {
					continue
				}
				j := ny*p.w + nx
				if s.of[j] == number || s.ring[j] == number {
					continue
				}
				s.ring[j] = number
				s.next = append(s.next, int32(j))
				switch {
				case d == 3:
					near[p.pix[j]]++
					nears++
				case d > far*2/3:
					paper[p.pix[j]]++
					papers++
				}
			}
		}
		s.edge, s.next = s.next, s.edge
	}
	if nears == 0 || papers == 0 {
		return false
	}
	around, rim := float64(percentile(paper[:], papers, .5)), float64(percentile(near[:], nears, .6))
	return 255-around >= glareAbove && (rim-around)/(255-around) > glareSoft
}
