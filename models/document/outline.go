package document

import (
	"cmp"
	"image"
	"math"
	"slices"

	"gocv.io/x/gocv"

	"vestibule/models/picture"
	"vestibule/models/quality"
)

// The outline is looked for at this longer side. Measured on drawn scenes (n = 30 each):
// overlap of .9 or more with the truth on 30 of a dark tray, 26 on wood, 13 on a light
// desk, 5 in clutter. So a matt dark tray is what to recommend, and elsewhere the zone tells the pose.
const (
	outlineSide    = 480
	outlineArea    = .08 // of the frame, least
	outlineSupport = .70 // share of the border that lies on edges, least
	outlineDense   = .40 // share of the frame that is edge, most
	outlineAspect  = .45 // closeness to the proportions of a card or a passport, least
)

// Proportions of the documents of ICAO 9303: a passport page 125 × 88 mm, an
// ID-1 card 85.6 × 54 mm. TD2 (105 × 74 mm) has those of the passport.
const (
	pageAspect = 125.0 / 88
	cardAspect = 85.6 / 53.98
)

// outline is a four-cornered shape in parts of the picture's pixels: corners in
// clockwise order, the longer upper side first where that can be told.
type outline struct {
	corners [4]vec
	score   float64
}

// findOutline looks for a document's border in a BGR picture; it is false without one.
func findOutline(bgr gocv.Mat) (outline, bool, error) {
	var f outliner
	defer f.close()
	return f.find(bgr)
}

// outliner looks for borders in picture after picture in the same memory. The zero value is
// ready; one goroutine at a time.
type outliner struct {
	small, lab, channel, edges, thick, kernel, tree, hand gocv.Mat
	open, masked                                          bool

	stack  []int32
	points []image.Point
	hull   []vec
	sides  []vec
}

func (f *outliner) mats() [8]*gocv.Mat {
	return [8]*gocv.Mat{&f.small, &f.lab, &f.channel, &f.edges, &f.thick, &f.tree, &f.hand, &f.kernel}
}

func (f *outliner) close() {
	if f.open {
		for _, m := range f.mats() {
			m.Close()
		}
	}
	*f = outliner{}
}

func (f *outliner) find(bgr gocv.Mat) (outline, bool, error) {
	if err := picture.BGR(bgr); err != nil {
		return outline{}, false, err
	}
	if !f.open {
		for _, m := range f.mats() {
			if m != &f.kernel {
				*m = gocv.NewMat()
			}
		}
		f.kernel, f.open = gocv.GetStructuringElement(gocv.MorphRect, image.Pt(3, 3)), true
	}
	w, h := picture.Within(bgr.Cols(), bgr.Rows(), outlineSide, outlineSide)
	small := bgr
	if w < bgr.Cols() || h < bgr.Rows() {
		gocv.Resize(bgr, &f.small, image.Pt(w, h), 0, 0, gocv.InterpolationArea)
		small = f.small
	}
	gocv.CvtColor(small, &f.lab, gocv.ColorBGRToLab)
	gocv.GaussianBlur(f.lab, &f.lab, image.Pt(5, 5), 0, 0, gocv.BorderDefault)
	f.masked = false
	best := f.best()
	if best.score == 0 && f.hands(small) {
		f.masked = true
		best = f.best()
	}
	if best.score == 0 {
		return outline{}, false, nil
	}
	kx, ky := float64(bgr.Cols())/float64(w), float64(bgr.Rows())/float64(h)
	for i, c := range best.corners {
		best.corners[i] = c.scaled(kx, ky)
	}
	return best, true, nil
}

// hands marks what looks like a hand that reaches into the picture: its outline joins that of the document it holds,
// and without its edges the document's are left. It is false without any, and where the table itself looks so.
func (f *outliner) hands(small gocv.Mat) bool {
	const least, most = .002, .35 // of the picture
	gocv.CvtColor(small, &f.edges, gocv.ColorBGRToYCrCb)
	pix, err := f.edges.DataPtrUint8()
	w, h := f.edges.Cols(), f.edges.Rows()
	if err != nil || len(pix) != 3*w*h {
		return false
	}
	gocv.ExtractChannel(f.edges, &f.hand, 0) // of the size and type
	mask, err := f.hand.DataPtrUint8()
	if err != nil || len(mask) != w*h {
		return false
	}
	clear(mask)
	f.stack = f.stack[:0]
	reach := func(x, y int) {
		if i := y*w + x; mask[i] == 0 && quality.Skin(pix[3*i], pix[3*i+1], pix[3*i+2]) {
			mask[i] = 255
			f.stack = append(f.stack, int32(i))
		}
	}
	for x := range w {
		reach(x, 0)
		reach(x, h-1)
	}
	for y := range h {
		reach(0, y)
		reach(w-1, y)
	}
	n := 0
	for ; len(f.stack) > 0; n++ {
		i := int(f.stack[len(f.stack)-1])
		f.stack = f.stack[:len(f.stack)-1]
		x, y := i%w, i/w
		reach(max(0, x-1), y)
		reach(min(w-1, x+1), y)
		reach(x, max(0, y-1))
		reach(x, min(h-1, y+1))
	}
	if share := float64(n) / float64(w*h); share < least || share > most {
		return false
	}
	for range 3 { // a hand's edges lie beside it, and are thick
		gocv.Dilate(f.hand, &f.hand, f.kernel)
	}
	return true
}

// best looks for the best border in all channels.
func (f *outliner) best() outline {
	best := outline{}
	for i := range 3 {
		gocv.ExtractChannel(f.lab, &f.channel, i)
		for _, cut := range [3][2]float32{{10, 30}, {25, 75}, {60, 150}} {
			if i > 0 && cut[0] > 50 {
				continue // a* and b* never change that much
			}
			if o := f.in(cut); o.score > best.score {
				best = o
			}
		}
	}
	return best
}

// in looks for the best border in one channel.
func (f *outliner) in(cut [2]float32) outline {
	gocv.Canny(f.channel, &f.edges, cut[0], cut[1])
	gocv.Dilate(f.edges, &f.thick, f.kernel)
	if f.masked {
		gocv.Subtract(f.thick, f.hand, &f.thick)
	}
	w, h := f.thick.Cols(), f.thick.Rows()
	dense := float64(gocv.CountNonZero(f.thick)) / float64(w*h)
	if dense > outlineDense {
		return outline{} // edges everywhere prove nothing
	}
	pix, err := f.thick.DataPtrUint8()
	if err != nil || len(pix) != w*h {
		return outline{}
	}
	found := gocv.FindContoursWithParams(f.thick, &f.tree, gocv.RetrievalExternal, gocv.ChainApproxSimple)
	defer found.Close()
	best := outline{}
	for i := range found.Size() {
		c := found.At(i)
		if box := gocv.BoundingRect(c); float64(box.Dx()*box.Dy()) < outlineArea*float64(w*h) {
			continue
		}
		f.points = f.points[:0]
		for k := range c.Size() {
			f.points = append(f.points, c.At(k))
		}
		f.hull = hull(f.points, f.hull[:0])
		f.sides = append(f.sides[:0], f.hull...)
		q, ok := fourCorners(f.sides)
		if !ok {
			continue
		}
		area := quadArea(q) / float64(w*h)
		if area < outlineArea {
			continue
		}
		s, a := support(pix, w, h, q), aspectFit(q)
		if s < outlineSupport || a < outlineAspect {
			continue
		}
		if score := s * a * math.Sqrt(area); score > best.score {
			best = outline{corners: q, score: score}
		}
	}
	return best
}

// hull appends the convex hull to out, clockwise on the screen (Andrew's monotone chain). It orders the points.
func hull(points []image.Point, out []vec) []vec {
	if len(points) < 3 {
		return out
	}
	slices.SortFunc(points, func(a, b image.Point) int { return cmp.Or(a.X-b.X, a.Y-b.Y) })
	n := len(points)
	for pass := range 2 {
		base := len(out)
		for i := range n {
			at := points[i]
			if pass == 1 {
				at = points[n-1-i]
			}
			p := vec{float64(at.X), float64(at.Y)}
			for len(out) >= base+2 && out[len(out)-2].turn(out[len(out)-1], p) <= 0 {
				out = out[:len(out)-1]
			}
			out = append(out, p)
		}
		out = out[:len(out)-1]
	}
	return out
}

// turn is positive when the way from v over b to c turns clockwise on the screen.
func (v vec) turn(b, c vec) float64 {
	u, w := b.sub(v), c.sub(v)
	return u.x*w.y - u.y*w.x
}

// fourCorners reduces a convex polygon to its four dominant sides: it takes away the
// side whose loss grows the polygon least, until four are left. Rounded corners become sharp again.
// It works in p.
func fourCorners(p []vec) (q [4]vec, ok bool) {
	if len(p) < 4 {
		return q, false
	}
	for len(p) > 4 {
		n := len(p)
		best, at, corner := math.Inf(1), -1, vec{}
		for i := range n {
			// Replace side i → i+1 by the meeting point of its neighbours.
			a, b, c, d := p[(i+n-1)%n], p[i], p[(i+1)%n], p[(i+2)%n]
			x, meets := crossing(a, b, d, c)
			if !meets {
				continue
			}
			if grown := math.Abs(triangle(b, c, x)); grown < best {
				best, at, corner = grown, i, x
			}
		}
		if at < 0 {
			return q, false
		}
		j := (at + 1) % n
		p[at] = corner
		p = append(p[:j], p[j+1:]...)
	}
	copy(q[:], p)
	return orderCorners(q), true
}

// crossing extends a→b beyond b and d→c beyond c to where they meet.
func crossing(a, b, d, c vec) (vec, bool) {
	u, v := b.sub(a), c.sub(d)
	det := u.x*v.y - u.y*v.x
	if math.Abs(det) < 1e-9 {
		return vec{}, false
	}
	w := d.sub(a)
	s, t := (w.x*v.y-w.y*v.x)/det, (w.x*u.y-w.y*u.x)/det
	if s < 1-1e-9 || t < 1-1e-9 {
		return vec{}, false
	}
	return a.add(u.times(s)), true
}

func triangle(a, b, c vec) float64 {
	u, v := b.sub(a), c.sub(a)
	return (u.x*v.y - u.y*v.x) / 2
}

func quadArea(q [4]vec) float64 {
	return math.Abs(triangle(q[0], q[1], q[2])) + math.Abs(triangle(q[0], q[2], q[3]))
}

// orderCorners starts with the corner that is nearest to the top left of the picture.
func orderCorners(q [4]vec) [4]vec {
	at := 0
	for i, c := range q {
		if c.x+c.y < q[at].x+q[at].y {
			at = i
		}
	}
	return [4]vec{q[at], q[(at+1)%4], q[(at+2)%4], q[(at+3)%4]}
}

// support is the share of the border that lies on edges.
func support(edges []byte, w, h int, q [4]vec) float64 {
	on, all := 0, 0
	for i := range q {
		a, b := q[i], q[(i+1)%4]
		steps := max(2, int(b.sub(a).length()/2))
		for s := range steps {
			p := a.add(b.sub(a).times((float64(s) + .5) / float64(steps)))
			all++
			x, y := int(math.Round(p.x)), int(math.Round(p.y))
			for d := range 25 {
				nx, ny := x+d%5-2, y+d/5-2
				if nx >= 0 && ny >= 0 && nx < w && ny < h && edges[ny*w+nx] > 0 {
					on++
					break
				}
			}
		}
	}
	return float64(on) / float64(all)
}

// sides gives the mean lengths of opposite sides: across, down.
func sides(q [4]vec) (across, down float64) {
	l := func(i int) float64 { return q[(i+1)%4].sub(q[i]).length() }
	return (l(0) + l(2)) / 2, (l(1) + l(3)) / 2
}

// aspectFit is 1 for the proportions of a document and falls with the distance from them.
func aspectFit(q [4]vec) float64 {
	a, b := sides(q)
	if a <= 0 || b <= 0 {
		return 0
	}
	r := math.Max(a, b) / math.Min(a, b)
	off := math.Min(math.Abs(math.Log(r/pageAspect)), math.Abs(math.Log(r/cardAspect)))
	return math.Exp(-4 * off)
}
