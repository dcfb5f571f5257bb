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
	noiseTile  = 16
	noiseTiles = 12 // least, in the portrait
)

// portrait is what was measured of a portrait against its page.
type portrait struct {
	found  bool
	at     image.Rectangle // the face, in the flat document
	size   image.Point     // of the flat document
	height int             // of the face, pixels

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
	p.found, p.at, p.size, p.height = true, at, image.Pt(w, h), at.Dy()
	if p.height < faceLeast {
		return p, nil
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
	p.statistics(pix, w, h, own, page)
	p.seam = seam(pix, w, h, at)
	if p.blocks, err = otherBlocks(m, q, first, own, p.size); err != nil {
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
func (p *portrait) statistics(pix []byte, w, h int, own, page image.Rectangle) {
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
}

// seam sums, over the four sides of the portrait, how much of a thin straight line there is: the
// share of the side's pixels that are darker (or all lighter) than both neighbours across it.
func seam(pix []byte, w, h int, at image.Rectangle) float64 {
	fw, fh := float64(at.Dx()), float64(at.Dy())
	k := max(2, w/350) // half the width of a line, with its blur
	x := func(v float64) int { return int(v) }
	total := 0.0
	// best looks for the line at lo..hi across, over from..to along it.
	best := func(lo, hi, from, to int, get func(across, along int) (int, bool)) float64 {
		most := 0.0
		for c := lo; c <= hi; c++ {
			dark, light, n := 0, 0, 0
			for s := from; s < to; s++ {
				lower, upper, ok := 0, 0, true
				for d := -1; d <= 1; d++ { // a line may lean a little
					m, a := get(c+d, s)
					l, b := get(c+d-k-1, s)
					r, z := get(c+d+k+1, s)
					if ok = ok && a && b && z; !ok {
						break
					}
					lower, upper = min(lower, max(m-l, m-r)), max(upper, min(m-l, m-r))
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
			if n > 0 && n >= (to-from)*3/4 {
				most = math.Max(most, float64(max(dark, light))/float64(n))
			}
		}
		return most
	}
	point := func(px, py int) (int, bool) {
		if px < 0 || py < 0 || px >= w || py >= h {
			return 0, false
		}
		return int(pix[py*w+px]), true
	}
	upright := func(c, s int) (int, bool) { return point(c, s) }
	level := func(c, s int) (int, bool) { return point(s, c) }
	x1, x2, y1, y2 := float64(at.Min.X), float64(at.Max.X), float64(at.Min.Y), float64(at.Max.Y)
	total += best(x(x1-.9*fw), x(x1-.08*fw), x(y1-.1*fh), x(y2+.1*fh), upright)
	total += best(x(x2+.08*fw), x(x2+.9*fw), x(y1-.1*fh), x(y2+.1*fh), upright)
	total += best(x(y1-.8*fh), x(y1-.05*fh), x(x1-.1*fw), x(x2+.1*fw), level)
	total += best(x(y2+.08*fh), x(y2+.8*fh), x(x1-.1*fw), x(x2+.1*fw), level)
	return total
}

// seamStep is by how many grey levels a line must differ from both its sides.
const seamStep = 7

// otherBlocks is 0 unless both the portrait and the page show JPEG's blocks of 8 pixels,
// and at different places: then it is the weaker of the two strengths.
func otherBlocks(m gocv.Mat, q quad, first int, own image.Rectangle, size image.Point) (float64, error) {
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
	// Places between the corners; the perspective of a document under a camera is small.
	in := func(x, y float64) vec {
		u, v := x/float64(size.X), y/float64(size.Y)
		a, b, c, d := q[first], q[(first+1)%4], q[(first+2)%4], q[(first+3)%4]
		return a.times((1 - u) * (1 - v)).add(b.times(u * (1 - v))).add(c.times(u * v)).add(d.times((1 - u) * v))
	}
	x1, y1, x2, y2 := float64(own.Min.X), float64(own.Min.Y), float64(own.Max.X), float64(own.Max.Y)
	r := quad{in(x1, y1), in(x2, y1), in(x2, y2), in(x1, y2)}.bounds(w, h)
	page := q.shrunk(.05).bounds(w, h)
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
