package document

import (
	"image"
	"math"
	"sort"

	"gocv.io/x/gocv"

	"vestibule/models/picture"
)

// The dearer look for a border: the straight lines of the picture in all colours at once, each
// pixel voting only for the lines it lies along (a Hough transform by the gradient's direction),
// then every four lines that could be a document's sides. A weak edge that runs straight for
// long outvotes a strong one that does not, which is what light paper on a light desk needs; and a
// document's sides end at its corners, which those of the things around it do not.
//
// Starting values, tuned on package specimen's drawings of other seeds than those it is measured on.
const (
	borderSide    = 640
	borderEdge    = 2.2 // grey levels a pixel, least
	borderStrong  = 40  // grey levels a pixel, from which an edge counts no more than others
	borderVotes   = 40  // pixels of a line, least
	borderLines   = 90  // most
	borderAlike   = 26  // lines in nearly the same direction, most: the grain of wood is no document
	borderNear    = 2.0 // pixels that a pixel of a line may lie off it
	borderLean    = 12  // degrees that its gradient may lean
	borderSideOn  = .40 // share of a side that lies on its line, least
	borderMeanOn  = .60 // the same of all sides together
	borderFinal   = 60  // candidates that are looked at closer
	borderLeast   = .32 // score of what is a document
	borderHeld    = .15 // the same where a zone lies inside, of the right size and in the right place
	borderOutside = .02 // how far outside of the picture a corner may lie, in parts of its longer side
)

// edgePixel is a pixel on the ridge of the gradient.
type edgePixel struct {
	x, y   float64
	weight float32
}

// straight is a line n·p = off with the pixels that lie on it.
type straight struct {
	n     vec // normal
	u     vec // along
	off   float64
	votes float64
	on    []int32 // on[k]: marked places among the first k, along u from -reach
}

// share is how much of the line between two places along it is marked.
func (s *straight) share(from, to, reach float64) float64 {
	if from > to {
		from, to = to, from
	}
	a, b := int(from+reach), int(to+reach)
	a, b = max(0, min(a, len(s.on)-1)), max(0, min(b, len(s.on)-1))
	if b <= a {
		return 0
	}
	return float64(s.on[b]-s.on[a]) / float64(b-a)
}

// field is the picture as the search sees it.
type field struct {
	w, h  int
	lab   []byte // three channels
	edges [180][]edgePixel
	reach float64 // half of the diagonal, doubled: no place along a line is farther off
}

// searchBorders lists shapes that could be a document's border in a BGR picture, the best first.
func searchBorders(bgr gocv.Mat) ([]outline, error) {
	w, h := picture.Within(bgr.Cols(), bgr.Rows(), borderSide, borderSide)
	small, err := picture.Resize(bgr, w, h)
	if err != nil {
		return nil, err
	}
	defer small.Close()
	lab := gocv.NewMat()
	defer lab.Close()
	gocv.CvtColor(small, &lab, gocv.ColorBGRToLab)
	gocv.GaussianBlur(lab, &lab, image.Pt(5, 5), 0, 0, gocv.BorderDefault)
	f := field{w: w, h: h, lab: lab.ToBytes(), reach: math.Hypot(float64(w), float64(h))}
	f.findEdges()
	out := f.rate(f.quads(f.lines()))
	kx, ky := float64(bgr.Cols())/float64(w), float64(bgr.Rows())/float64(h)
	for i := range out {
		for j, c := range out[i].corners {
			out[i].corners[j] = c.add(vec{.5, .5}).scaled(kx, ky)
		}
	}
	return out, nil
}

// searchOutline is findOutline at several times its cost: for the picture that was captured.
func searchOutline(bgr gocv.Mat) (outline, bool, error) {
	all, err := searchBorders(bgr)
	if err != nil {
		return outline{}, false, err
	}
	if len(all) > 0 && all[0].score >= borderLeast {
		return all[0], true, nil
	}
	return findOutline(bgr) // sees some that are not straight enough
}

// findEdges keeps the ridges of the gradient of all three channels together (Di Zenzo, 1986).
func (f *field) findEdges() {
	w, h := f.w, f.h
	strength := make([]float32, w*h)
	angle := make([]uint8, w*h)
	// Colours count a little more: what differs in colour is seldom a shadow.
	weight := [3]float64{1, 1.5, 1.5}
	for y := 1; y < h-1; y++ {
		for x := 1; x < w-1; x++ {
			i := 3 * (y*w + x)
			var xx, yy, xy float64
			for c := range 3 {
				gx := (float64(f.lab[i+3+c]) - float64(f.lab[i-3+c])) * weight[c]
				gy := (float64(f.lab[i+3*w+c]) - float64(f.lab[i-3*w+c])) * weight[c]
				xx, yy, xy = xx+gx*gx, yy+gy*gy, xy+gx*gy
			}
			sum := xx + yy
			if sum < borderEdge*borderEdge {
				continue
			}
			diff := math.Hypot(xx-yy, 2*xy)
			strength[y*w+x] = float32(math.Sqrt((sum + diff) / 2))
			a := int(math.Round(math.Atan2(2*xy, xx-yy) * 90 / math.Pi))
			angle[y*w+x] = uint8((a + 180) % 180)
		}
	}
	// The ends of the picture are edges of nothing.
	const rim = 2
	for y := rim; y < h-rim; y++ {
		for x := rim; x < w-rim; x++ {
			s := strength[y*w+x]
			if s < borderEdge {
				continue
			}
			a := angle[y*w+x]
			sin, cos := math.Sincos(float64(a) * math.Pi / 180)
			dx, dy := int(math.Round(cos)), int(math.Round(sin))
			before, after := strength[(y-dy)*w+x-dx], strength[(y+dy)*w+x+dx]
			if s < before || s <= after {
				continue
			}
			// The ridge's place between pixels, by a parabola.
			shift := 0.0
			if bend := float64(before - 2*s + after); bend < 0 {
				shift = .5 * float64(before-after) / bend
			}
			f.edges[a] = append(f.edges[a], edgePixel{
				x: float64(x) + shift*float64(dx), y: float64(y) + shift*float64(dy), weight: float32(math.Pow(float64(min(s, borderStrong)), .3)),
			})
		}
	}
}

// lines are the straight lines with the most pixels.
func (f *field) lines() []straight {
	const step = 2 // pixels a bin
	bins := int(2*f.reach/step) + 1
	votes := make([]float32, 180*bins)
	var sins, coss [180]float64
	for a := range 180 {
		sins[a], coss[a] = math.Sincos(float64(a) * math.Pi / 180)
	}
	for a, pixels := range f.edges {
		for _, p := range pixels {
			for d := -3; d <= 3; d++ {
				t := (a + d + 180) % 180
				off := p.x*coss[t] + p.y*sins[t]
				votes[t*bins+int((off+f.reach)/step)] += p.weight
			}
		}
	}
	type peak struct {
		t, bin int
		votes  float32
	}
	var peaks []peak
	at := func(t, bin int) float32 {
		if t < 0 || t >= 180 { // the same line with its normal turned round
			t, bin = (t+180)%180, bins-1-bin
		}
		if bin < 0 || bin >= bins {
			return 0
		}
		return votes[t*bins+bin]
	}
	for t := range 180 {
	next:
		for bin := range bins {
			v := votes[t*bins+bin]
			both := v + max(at(t, bin-1), at(t, bin+1)) // the line may run between two bins
			if both < borderVotes {
				continue
			}
			for dt := -2; dt <= 2; dt++ {
				for db := -1; db <= 1; db++ {
					o := at(t+dt, bin+db)
					if o > v || o == v && (dt < 0 || dt == 0 && db < 0) {
						continue next
					}
				}
			}
			peaks = append(peaks, peak{t, bin, both})
		}
	}
	sort.Slice(peaks, func(i, j int) bool { return peaks[i].votes > peaks[j].votes })
	var out []straight
	for _, p := range peaks {
		if len(out) == borderLines {
			break
		}
		alike := 0
		for i := range out {
			if math.Abs(out[i].n.dot(vec{coss[p.t], sins[p.t]})) > math.Cos(8*math.Pi/180) {
				alike++
			}
		}
		if alike >= borderAlike {
			continue
		}
		s, ok := f.fitLine(vec{coss[p.t], sins[p.t]}, (float64(p.bin)+.5)*step-f.reach, p.t)
		if ok && !known(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// known tells whether a line is one of those that are there already.
func known(lines []straight, s straight) bool {
	for i := range lines {
		o := &lines[i]
		if c := o.n.dot(s.n); math.Abs(c) > math.Cos(1.2*math.Pi/180) && math.Abs(o.off-math.Copysign(1, c)*s.off) < 2 {
			return true
		}
	}
	return false
}

// fitLine lays a line through the pixels near it and marks where they are.
func (f *field) fitLine(n vec, off float64, t int) (straight, bool) {
	s := straight{n: n, u: n.across(), off: off}
	each := func(near float64, do func(p vec)) {
		for d := -borderLean; d <= borderLean; d++ {
			for _, p := range f.edges[(t+d+180)%180] {
				v := vec{p.x, p.y}
				if math.Abs(v.dot(s.n)-s.off) <= near {
					do(v)
				}
			}
		}
	}
	for range 2 {
		var k, sa, sb, saa, sab float64
		each(2*borderNear, func(p vec) {
			a, b := p.dot(s.u), p.dot(s.n)
			k, sa, sb, saa, sab = k+1, sa+a, sb+b, saa+a*a, sab+a*b
		})
		det := k*saa - sa*sa
		if k < borderVotes/2 || det <= 0 {
			return s, false
		}
		slope := (k*sab - sa*sb) / det
		base := (sb - slope*sa) / k
		if math.Abs(slope) > .1 {
			return s, false // another line
		}
		// b = slope·a + base, turned back into a normal and a distance.
		norm := math.Hypot(1, slope)
		s.n, s.off = s.n.sub(s.u.times(slope)).times(1/norm), base/norm
		s.u = s.n.across()
	}
	marks := make([]bool, int(2*f.reach)+2)
	each(borderNear, func(p vec) {
		i := int(p.dot(s.u) + f.reach)
		for d := -1; d <= 1; d++ {
			if j := i + d; j >= 0 && j < len(marks) {
				marks[j] = true
			}
		}
	})
	s.on = make([]int32, len(marks)+1)
	for i, m := range marks {
		s.on[i+1] = s.on[i]
		if m {
			s.on[i+1]++
		}
	}
	s.votes = float64(s.on[len(marks)])
	return s, s.votes >= borderVotes
}

// meet is where two lines cross.
func meet(a, b *straight) (vec, bool) {
	det := a.n.x*b.n.y - a.n.y*b.n.x
	if math.Abs(det) < .3 {
		return vec{}, false
	}
	return vec{(a.off*b.n.y - b.off*a.n.y) / det, (a.n.x*b.off - b.n.x*a.off) / det}, true
}

// quads puts four lines together wherever they could be sides of one document.
func (f *field) quads(lines []straight) []outline {
	slack := borderOutside * math.Max(float64(f.w), float64(f.h))
	within := func(p vec) bool {
		return p.x > -slack && p.y > -slack && p.x < float64(f.w)+slack && p.y < float64(f.h)+slack
	}
	type cross struct {
		k    int
		p, q vec // on the first and the second of the two lines
		on   float64
	}
	least := outlineArea * float64(f.w*f.h)
	var out []outline
	for i := range lines {
		for j := i + 1; j < len(lines); j++ {
			a, b := &lines[i], &lines[j]
			if math.Abs(a.n.dot(b.n)) < math.Cos(22*math.Pi/180) {
				continue
			}
			var between []cross
			for k := range lines {
				c := &lines[k]
				if math.Abs(c.n.dot(a.n)) > math.Sin(35*math.Pi/180) {
					continue
				}
				p, ok := meet(a, c)
				q, ok2 := meet(b, c)
				if !ok || !ok2 || !within(p) || !within(q) || p.sub(q).length() < 40 {
					continue
				}
				if on := c.share(p.dot(c.u), q.dot(c.u), f.reach); on >= borderSideOn {
					between = append(between, cross{k, p, q, on})
				}
			}
			for x := range between {
				for y := x + 1; y < len(between); y++ {
					c, d := between[x], between[y]
					// Two lines cannot be sides of one shape when they cross between the others.
					if c.p.sub(d.p).dot(c.q.sub(d.q)) <= 0 {
						continue
					}
					top := a.share(c.p.dot(a.u), d.p.dot(a.u), f.reach)
					bottom := b.share(c.q.dot(b.u), d.q.dot(b.u), f.reach)
					if top < borderSideOn || bottom < borderSideOn {
						continue
					}
					on := (top + bottom + c.on + d.on) / 4
					if on < borderMeanOn {
						continue
					}
					q := clockwise([4]vec{c.p, d.p, d.q, c.q})
					area := quadArea(q)
					if area < least || c.p.sub(d.p).length() < 40 {
						continue
					}
					fit := borderFit(q)
					if fit == 0 {
						continue
					}
					past := f.past(a, c.p, d.p) + f.past(b, c.q, d.q) + f.past(&lines[c.k], c.p, c.q) + f.past(&lines[d.k], d.p, d.q)
					score := on * on * fit * (1 - .6*past/4) * math.Pow(area/float64(f.w*f.h), .25)
					out = append(out, outline{corners: orderCorners(q), score: score})
				}
			}
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].score > out[j].score })
	return out
}

// past is how much of a line runs on beyond both of a side's corners: a seventh of the side's length each.
func (f *field) past(s *straight, p, q vec) float64 {
	from, to := p.dot(s.u), q.dot(s.u)
	if from > to {
		from, to = to, from
	}
	more := (to - from) / 7
	const gap = 3
	return (s.share(from-more-gap, from-gap, f.reach) + s.share(to+gap, to+more+gap, f.reach)) / 2
}

// clockwise turns a convex shape's corners the way all others go round.
func clockwise(q [4]vec) [4]vec {
	if triangle(q[0], q[1], q[2]) < 0 {
		q[1], q[3] = q[3], q[1]
	}
	return q
}

// borderFit is 1 for what a card or a page looks like up to 30° off the camera's axis, and falls
// with the distance from that; 0 for what is no document's shape at all.
func borderFit(q [4]vec) float64 {
	across, down := sides(q)
	if across <= 0 || down <= 0 {
		return 0
	}
	for i := range q {
		a, b, c := q[(i+3)%4], q[i], q[(i+1)%4]
		if math.Abs(a.sub(b).cosine(c.sub(b))) > math.Sin(35*math.Pi/180) {
			return 0
		}
		o := q[(i+2)%4].sub(c).length()
		if side := b.sub(a).length(); side < .7*o || o < .7*side {
			return 0
		}
	}
	r := math.Max(across, down) / math.Min(across, down)
	const tilted = .866 // the cosine of 30°
	lo, hi := pageAspect*tilted, cardAspect/tilted
	off := math.Max(0, math.Max(math.Log(lo/r), math.Log(r/hi)))
	// Within, the upright proportions are still the likelier ones.
	mild := math.Min(math.Abs(math.Log(r/pageAspect)), math.Abs(math.Log(r/cardAspect)))
	return math.Exp(-8*off) * math.Exp(-.7*mild)
}

// rate looks at the colours along the sides of the best shapes: paper is of one colour all along
// the inside of its border, and of another than what it lies on.
func (f *field) rate(all []outline) []outline {
	// What is nearly the same shape as a better one is not looked at again.
	var out []outline
next:
	for _, o := range all {
		if len(out) == borderFinal {
			break
		}
		for i := range out {
			worst := 0.0
			for k := range 4 {
				worst = math.Max(worst, out[i].corners[k].sub(o.corners[k]).length())
			}
			if worst < 4 {
				continue next
			}
		}
		out = append(out, o)
	}
	for i := range out {
		even, differs := f.colours(out[i].corners)
		out[i].score *= (.4 + .6*even) * (.5 + .5*differs)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].score > out[j].score })
	return out
}

// colours samples along the inside and the outside of the border: even is the share of the inside
// that has its usual colour, differs the share where the outside has another than beside it.
func (f *field) colours(q [4]vec) (even, differs float64) {
	const depth, samples = 4, 40
	var inside [][3]float64
	var other, n int
	for i := range q {
		a, b := q[i], q[(i+1)%4]
		in := b.sub(a).unit().across()
		for k := range samples {
			// Not at the corners: they are round.
			p := a.add(b.sub(a).times(.06 + .88*(float64(k)+.5)/samples))
			x, ok := f.at(p.add(in.times(depth)))
			y, ok2 := f.at(p.sub(in.times(depth)))
			if !ok {
				continue
			}
			inside = append(inside, x)
			n++
			if ok2 && apart(x, y) > 5 {
				other++
			}
		}
	}
	if n < samples {
		return 0, 0
	}
	var usual [3]float64
	for c := range 3 {
		v := make([]float64, n)
		for i, x := range inside {
			v[i] = x[c]
		}
		sort.Float64s(v)
		usual[c] = v[n/2]
	}
	same := 0
	for _, x := range inside {
		// Uneven light changes the lightness of a paper, not its colour.
		if math.Abs(x[0]-usual[0]) < 30 && math.Hypot(x[1]-usual[1], x[2]-usual[2]) < 7 {
			same++
		}
	}
	return float64(same) / float64(n), float64(other) / float64(n)
}

func apart(a, b [3]float64) float64 {
	return math.Sqrt((a[0]-b[0])*(a[0]-b[0]) + 2*(a[1]-b[1])*(a[1]-b[1]) + 2*(a[2]-b[2])*(a[2]-b[2]))
}

func (f *field) at(p vec) (c [3]float64, ok bool) {
	x, y := int(math.Round(p.x)), int(math.Round(p.y))
	if x < 0 || y < 0 || x >= f.w || y >= f.h {
		return c, false
	}
	for i := range c {
		c[i] = float64(f.lab[3*(y*f.w+x)+i])
	}
	return c, true
}
