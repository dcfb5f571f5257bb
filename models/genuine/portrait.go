package genuine

import (
	"context"
	"image"
	"image/color"
	"math"

	"gocv.io/x/gocv"

	"vestibule/models"
	"vestibule/models/face"
	"vestibule/models/picture"
)

// The portrait is looked for in the document laid flat, in this longer side at most.
const flatSide = 1400

// Sizes, in pixels, from which the portrait's measures mean something.
const (
	faceLeast  = 56 // height of the face
	ghostLeast = 18 // between the eyes, of either face: face.MinPortraitEyes tells what is missed there
	noiseTile  = 8
	noiseTiles = 12 // least, in the portrait
)

// portrait is what was measured of a portrait against its page.
type portrait struct {
	found    bool
	measured bool            // it is large enough
	at       image.Rectangle // the face, in the flat document
	size     image.Point     // of the flat document
	place    models.Box      // the face, in the frame

	noise, sharp float64 // log2 of portrait over page
	hasNoise     bool
	hasSharp     bool
	blocks       float64 // strength of JPEG blocks of another grid than the page's, 0: none
	seam         float64 // sides of a thin straight line around the portrait, 0..4
	ghost        bool
	alike        float64 // cosine of the two faces' templates
}

// flatten lays the document flat; first is the corner that becomes the upper left one.
func flatten(m gocv.Mat, q quad, first int) (gocv.Mat, error) {
	q = quad{q[first], q[(first+1)%4], q[(first+2)%4], q[(first+3)%4]}
	across, down := q.sides()
	k := math.Min(1, flatSide/math.Max(across, down))
	w, h := int(math.Round(across*k)), int(math.Round(down*k))
	if w < models.MinFrameSide || h < models.MinFrameSide || w > flatSide || h > flatSide {
		return gocv.Mat{}, picture.BGR(gocv.Mat{})
	}
	from := make([]gocv.Point2f, 4)
	for i, c := range q {
		from[i] = gocv.Point2f{X: float32(c.x), Y: float32(c.y)}
	}
	src := gocv.NewPoint2fVectorFromPoints(from)
	defer src.Close()
	dst := gocv.NewPoint2fVectorFromPoints([]gocv.Point2f{{}, {X: float32(w)}, {X: float32(w), Y: float32(h)}, {Y: float32(h)}})
	defer dst.Close()
	t := gocv.GetPerspectiveTransform2f(src, dst)
	defer t.Close()
	out := gocv.NewMat()
	gocv.WarpPerspectiveWithParams(m, &out, t, image.Pt(w, h), gocv.InterpolationLinear, gocv.BorderReplicate, color.RGBA{})
	return out, nil
}

// portraitOf measures the portrait of the document q in m. Which side is up is not known:
// the longer side is tried both ways.
func (e *Examiner) portraitOf(ctx context.Context, m gocv.Mat, q quad) (p portrait, err error) {
	if e.faces == nil {
		return p, nil
	}
	across, down := q.sides()
	firsts := [2]int{0, 2}
	if down > 1.1*across {
		firsts = [2]int{1, 3}
	}
	for _, first := range firsts {
		if err := ctx.Err(); err != nil {
			return p, err
		}
		if p, err = e.portraitIn(ctx, m, q, first); err != nil || p.found {
			return p, err
		}
	}
	return p, nil
}

func (e *Examiner) portraitIn(ctx context.Context, m gocv.Mat, q quad, first int) (p portrait, err error) {
	flat, err := flatten(m, q, first)
	if err != nil {
		return p, nil // too small to lay flat
	}
	defer flat.Close()
	box, seen, err := e.faces.LocateFace(ctx, flat)
	if err != nil || !seen {
		return p, err
	}
	w, h := flat.Cols(), flat.Rows()
	at := image.Rect(int(box.X1*float64(w)), int(box.Y1*float64(h)), int(box.X2*float64(w)), int(box.Y2*float64(h))).Intersect(image.Rect(0, 0, w, h))
	if at.Dx() < 8 || at.Dy() < 8 || at.Dy() > h*3/4 {
		return p, nil
	}
	p.found, p.at, p.size = true, at, image.Pt(w, h)
	if at.Dy() < faceLeast {
		return p, nil
	}
	p.measured = true
	b := p.inFrame(q, first, at).bounds(m.Cols(), m.Rows())
	p.place = models.Box{
		X1: float64(b.Min.X) / float64(m.Cols()), Y1: float64(b.Min.Y) / float64(m.Rows()),
		X2: float64(b.Max.X) / float64(m.Cols()), Y2: float64(b.Max.Y) / float64(m.Rows()),
	}
	grey, err := picture.ToGrey(flat)
	if err != nil {
		return p, err
	}
	defer grey.Close()
	pix := grey.ToBytes()
	if len(pix) != w*h {
		return p, nil
	}
	own := grow(at, .3, .35, .3).Intersect(image.Rect(0, 0, w, h))
	page := grow(at, 1, .9, 1)
	if err := p.statistics(grey, own, page); err != nil {
		return p, err
	}
	p.seam = seam(pix, w, h, at)
	if p.blocks, err = otherBlocks(m, p.inFrame(q, first, own), q); err != nil {
		return p, err
	}
	return p, e.ghost(ctx, flat, &p)
}

// grow extends a rectangle by parts of its own width and height.
func grow(r image.Rectangle, aside, above, below float64) image.Rectangle {
	w, h := float64(r.Dx()), float64(r.Dy())
	return image.Rect(r.Min.X-int(aside*w), r.Min.Y-int(above*h), r.Max.X+int(aside*w), r.Max.Y+int(below*h))
}

// statistics compares noise and sharpness of small tiles of the portrait with those
// of the page. Noise: the lower quintile of Immerkær's estimate ("Fast noise variance
// estimation", 1996) over tiles, whose mask sees neither slopes nor straight edges. Sharpness: the median
// of var(Laplacian)/var(grey) over textured tiles.
//
// Both are taken at half the size: there the noise of a picture that was scaled up is still
// seen, and less of the camera's own, which both have alike.
func (p *portrait) statistics(grey gocv.Mat, own, page image.Rectangle) error {
	half, err := picture.Resize(grey, max(1, grey.Cols()/2), max(1, grey.Rows()/2))
	if err != nil {
		return err
	}
	defer half.Close()
	w, h, pix := half.Cols(), half.Rows(), half.ToBytes()
	if len(pix) != w*h {
		return nil
	}
	halve := func(r image.Rectangle) image.Rectangle { return image.Rect(r.Min.X/2, r.Min.Y/2, r.Max.X/2, r.Max.Y/2) }
	own, page = halve(own), halve(page)
	var noise, fine [2][]float64
	margin := max(2, w/40)
	for y0 := margin; y0+noiseTile < h-margin; y0 += noiseTile {
		for x0 := margin; x0+noiseTile < w-margin; x0 += noiseTile {
			t := image.Rect(x0, y0, x0+noiseTile, y0+noiseTile)
			which := 1
			switch {
			case t.In(own):
				which = 0
			case t.Overlaps(page):
				continue
			}
			sum, squares, rough, l, ll := 0, 0, 0, 0, 0
			for y := y0; y < y0+noiseTile; y++ {
				u, v, d := pix[(y-1)*w:], pix[y*w:], pix[(y+1)*w:]
				for x := x0; x < x0+noiseTile; x++ {
					g := int(v[x])
					cross := int(u[x]) + int(d[x]) + int(v[x-1]) + int(v[x+1])
					corner := int(u[x-1]) + int(u[x+1]) + int(d[x-1]) + int(d[x+1])
					n := corner - 2*cross + 4*g
					sum, squares, rough = sum+g, squares+g*g, rough+max(n, -n)
					n = cross - 4*g
					l, ll = l+n, ll+n*n
				}
			}
			const n = noiseTile * noiseTile
			mean := float64(sum) / n
			if mean < 25 || mean > 235 {
				continue
			}
			noise[which] = append(noise[which], math.Sqrt(math.Pi/2)*float64(rough)/n/6)
			if grain := float64(squares)/n - mean*mean; grain > 100 {
				fine[which] = append(fine[which], (float64(ll)/n-float64(l)/n*float64(l)/n)/grain)
			}
		}
	}
	if len(noise[0]) >= noiseTiles && len(noise[1]) >= 2*noiseTiles {
		const least = .35 // what rounding to whole grey levels leaves
		p.hasNoise = true
		p.noise = math.Log2(math.Max(least, quantile(noise[0], .2)) / math.Max(least, quantile(noise[1], .2)))
	}
	if len(fine[0]) >= noiseTiles/2 && len(fine[1]) >= noiseTiles {
		p.hasSharp = true
		p.sharp = math.Log2(math.Max(.005, median(fine[0])) / math.Max(.005, median(fine[1])))
	}
	return nil
}

// seam sums, over the four sides of the portrait, how much of a thin straight line there is: the
// share of the side's pixels that are darker (or all lighter) than both neighbours across it. The lines
// are found beside the face first and then followed as far as the rectangle that they form.
func seam(pix []byte, w, h int, at image.Rectangle) float64 {
	fw, fh := float64(at.Dx()), float64(at.Dy())
	x1, x2, y1, y2 := float64(at.Min.X), float64(at.Max.X), float64(at.Min.Y), float64(at.Max.Y)
	i := func(v float64) int { return int(v) }
	down, across := line{pix, w, h, true}, line{pix, w, h, false}
	left, _ := down.best(i(x1-.9*fw), i(x1-.08*fw), i(y1-.1*fh), i(y2+.1*fh))
	right, _ := down.best(i(x2+.08*fw), i(x2+.9*fw), i(y1-.1*fh), i(y2+.1*fh))
	top, _ := across.best(i(y1-.8*fh), i(y1-.05*fh), i(x1-.1*fw), i(x2+.1*fw))
	bottom, _ := across.best(i(y2+.08*fh), i(y2+.8*fh), i(x1-.1*fw), i(x2+.1*fw))
	total := 0.0
	for _, s := range []struct {
		l         line
		c, lo, hi int
	}{{down, left, top, bottom}, {down, right, top, bottom}, {across, top, left, right}, {across, bottom, left, right}} {
		if s.lo < s.hi {
			_, support := s.l.best(s.c-1, s.c+1, s.lo+2, s.hi-2)
			total += support
		}
	}
	return total
}

// line looks for thin straight lines that run down, or across, a grey picture.
type line struct {
	pix  []byte
	w, h int
	down bool
}

func (l line) at(c, s int) (int, bool) {
	x, y := c, s
	if !l.down {
		x, y = s, c
	}
	if x < 0 || y < 0 || x >= l.w || y >= l.h {
		return 0, false
	}
	return int(l.pix[y*l.w+x]), true
}

// best finds the place between lo and hi whose pixels from..to are most of a line.
func (l line) best(lo, hi, from, to int) (place int, support float64) {
	place = (lo + hi) / 2
	k := max(2, l.w/350) + 1 // half the width of a line, with its blur
	for c := lo; c <= hi; c++ {
		dark, light, n := 0, 0, 0
		for s := from; s < to; s++ {
			lower, upper, ok := 0, 0, true
			for d := -1; d <= 1 && ok; d++ { // a line may lean a little
				m, a := l.at(c+d, s)
				one, b := l.at(c+d-k, s)
				two, z := l.at(c+d+k, s)
				if ok = a && b && z; ok {
					lower, upper = min(lower, max(m-one, m-two)), max(upper, min(m-one, m-two))
				}
			}
			if !ok {
				continue
			}
			n++
			if lower < -seamStep {
				dark++
			}
			if upper > seamStep {
				light++
			}
		}
		if n == 0 || n < (to-from)*3/4 {
			continue
		}
		if v := float64(max(dark, light)) / float64(n); v > support {
			place, support = c, v
		}
	}
	return place, support
}

// seamStep is by how many grey levels a line must differ from both its sides.
const seamStep = 7

// inFrame is where a part of the flat document is in the frame: between the corners evenly, for
// the perspective of a document under a camera is small.
func (p *portrait) inFrame(q quad, first int, part image.Rectangle) quad {
	a, b, c, d := q[first], q[(first+1)%4], q[(first+2)%4], q[(first+3)%4]
	in := func(x, y int) vec {
		u, v := float64(x)/float64(p.size.X), float64(y)/float64(p.size.Y)
		return a.times((1 - u) * (1 - v)).add(b.times(u * (1 - v))).add(c.times(u * v)).add(d.times((1 - u) * v))
	}
	return quad{in(part.Min.X, part.Min.Y), in(part.Max.X, part.Min.Y), in(part.Max.X, part.Max.Y), in(part.Min.X, part.Max.Y)}
}

// otherBlocks is 0 unless both the portrait and the page show JPEG's blocks of 8 pixels,
// and at different places: then it is the weaker of the two strengths.
func otherBlocks(m gocv.Mat, portrait, q quad) (float64, error) {
	grey, err := picture.ToGrey(m)
	if err != nil {
		return 0, err
	}
	defer grey.Close()
	w, h := m.Cols(), m.Rows()
	pix := grey.ToBytes()
	if len(pix) != w*h {
		return 0, nil
	}
	r, page := portrait.bounds(w, h), q.shrunk(.05).bounds(w, h)
	if r.Dx() < 64 || r.Dy() < 64 {
		return 0, nil
	}
	apart := r.Inset(-r.Dx() / 3)
	least := 1.0
	differ := false
	for _, upright := range []bool{true, false} {
		a, at := blockiness(pix, w, r, image.Rectangle{}, upright)
		b, other := blockiness(pix, w, page, apart, upright)
		least = math.Min(least, math.Min(a, b))
		differ = differ || at != other
	}
	if !differ {
		return 0, nil
	}
	return least, nil
}

// blockiness is by how much the mean step between neighbours is larger at one of eight
// places than at the median of them, and which place that is.
func blockiness(pix []byte, w int, r, without image.Rectangle, upright bool) (strength float64, at int) {
	var sum, n [8]float64
	for y := r.Min.Y + 1; y < r.Max.Y; y++ {
		for x := r.Min.X + 1; x < r.Max.X; x++ {
			if image.Pt(x, y).In(without) {
				x = without.Max.X
				continue
			}
			i, before, phase := y*w+x, y*w+x-1, x&7
			if !upright {
				before, phase = (y-1)*w+x, y&7
			}
			d := int(pix[i]) - int(pix[before])
			if d = max(d, -d); d < 24 { // print's edges are no blocks
				sum[phase] += float64(d)
				n[phase]++
			}
		}
	}
	var mean [8]float64
	for i := range mean {
		mean[i] = sum[i] / math.Max(1, n[i])
		if mean[i] > mean[at] {
			at = i
		}
	}
	mid := median(append([]float64(nil), mean[:]...))
	if mid == 0 {
		return 0, at
	}
	return mean[at]/mid - 1, at
}

// ghost compares the portrait with the small second one that some documents show.
func (e *Examiner) ghost(ctx context.Context, flat gocv.Mat, p *portrait) error {
	w, h := flat.Cols(), flat.Rows()
	rest := image.Rect(p.at.Max.X+p.at.Dx()/2, 0, w, h)
	if (p.at.Min.X+p.at.Max.X)/2 > w/2 {
		rest = image.Rect(0, 0, p.at.Min.X-p.at.Dx()/2, h)
	}
	if rest.Dx() < models.MinFrameSide || rest.Dy() < models.MinFrameSide {
		return nil
	}
	part, err := picture.Crop(flat, rest)
	if err != nil {
		return err
	}
	defer part.Close()
	box, seen, err := e.faces.LocateFace(ctx, part)
	if err != nil || !seen {
		return err
	}
	at := image.Rect(int(box.X1*float64(rest.Dx())), int(box.Y1*float64(rest.Dy())), int(box.X2*float64(rest.Dx())), int(box.Y2*float64(rest.Dy()))).Add(rest.Min)
	// Eyes stand about .4 of the face's height apart.
	if size := float64(at.Dy()) / float64(p.at.Dy()); size > .9 || .42*float64(at.Dy()) < ghostLeast {
		return nil
	}
	var two [2]models.Face
	for i, r := range []image.Rectangle{p.at, at} {
		m, err := picture.Crop(flat, grow(r, .5, .45, .45))
		if err != nil {
			return nil // reaches far outside
		}
		two[i], err = e.faces.FindFace(ctx, m)
		m.Close()
		if err != nil {
			return err
		}
		if !two[i].Found || two[i].Eyes < ghostLeast {
			return nil
		}
	}
	p.ghost, p.alike = true, face.Cosine(two[0].Template, two[1].Template)
	return nil
}
