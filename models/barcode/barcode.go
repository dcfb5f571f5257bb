// Package barcode reads PDF417 symbols (ISO/IEC 15438), the ones on the back of North
// American driver's licences.
//
// What may live here: finding bars in a picture, turning them upright, and the library
// that reads them (zxing-cpp, through the one C++ file). What may not: what the data
// says (package aamva), other symbologies, policy.
//
// The library reads a symbol that stands upright and looks for nothing else, so most of this
// package is about that: a cheap search for places that look like bars, which ends
// the matter for pictures without any, and then tries of rising effort on the few places it
// found. Tries are counted, pictures are bounded, and ctx is asked before each.
//
// A symbol's error correction leaves little to tell a right reading from a wrong one
// once blur has taken all it can mend: the library then says "RICOAOND" with confidence.
// So a reading counts only when a second try, which looks at other pixels, says the same
// bytes.
package barcode

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"math"

	"gocv.io/x/gocv"

	"vestibule/models"
)

// searched bounds the picture in which bars are looked for, in pixels. A larger one is
// reduced: at 600 dpi a module of .25 mm (AAMVA DL/ID Card Design Standard, annex D: .17 to
// .38 mm) still has 1.5 pixels then, which is enough to see that there are bars.
const searched = 2_500_000

// The picture that is read: as wide as gives a usual symbol (200 to 400 modules) four to
// eight pixels a module, and never larger than the bounds.
const (
	readWidth = 1600.0
	maxZoom   = 3.0
	maxSide   = 2600.0
	margin    = .06 // of the width, on all sides; and a few pixels more
)

// Read looks for a PDF417 symbol in pictures (8-bit BGR) of the same side of a document,
// in order, and stops as soon as two tries, of one picture or of two, have read the
// same; the place is that of the second. None is no error: Found is false then. A matrix
// that is no picture is models.ErrFrame.
func Read(ctx context.Context, bgr []gocv.Mat) (models.Barcode, error) {
	for i, m := range bgr {
		if err := usable(m); err != nil {
			return models.Barcode{}, fmt.Errorf("read barcode: frame %d: %w", i, err)
		}
	}
	var once readings
	for i, m := range bgr {
		if err := ctx.Err(); err != nil {
			return models.Barcode{}, err
		}
		data, corners, err := readOne(ctx, m, &once)
		if err != nil {
			return models.Barcode{}, fmt.Errorf("read barcode: %w", err)
		}
		if data == nil {
			continue
		}
		b := models.Barcode{Found: true, Data: data, Frame: i}
		for j, c := range corners {
			b.At[j] = models.Point{X: clamp(c.x / float64(m.Cols())), Y: clamp(c.y / float64(m.Rows()))}
		}
		return b, nil
	}
	return models.Barcode{}, nil
}

func clamp(v float64) float64 { return math.Max(0, math.Min(1, v)) }

func usable(m gocv.Mat) error {
	switch {
	case m.Ptr() == nil || m.Empty():
		return fmt.Errorf("%w: empty", models.ErrFrame)
	case m.Type() != gocv.MatTypeCV8UC3:
		return fmt.Errorf("%w: not 8-bit BGR", models.ErrFrame)
	case m.Cols() < models.MinFrameSide || m.Rows() < models.MinFrameSide || m.Cols() > models.MaxFrameSide || m.Rows() > models.MaxFrameSide:
		return fmt.Errorf("%w: size %d × %d is outside %d..%d", models.ErrFrame, m.Cols(), m.Rows(), models.MinFrameSide, models.MaxFrameSide)
	}
	return nil
}

// readings are what was read once.
type readings [][]byte

// again tells whether a reading has been there before, and keeps it.
func (r *readings) again(data []byte) bool {
	for _, d := range *r {
		if bytes.Equal(d, data) {
			return true
		}
	}
	*r = append(*r, data)
	return false
}

func readOne(ctx context.Context, bgr gocv.Mat, once *readings) ([]byte, [4]vec, error) {
	grey := gocv.NewMat()
	defer grey.Close()
	gocv.CvtColor(bgr, &grey, gocv.ColorBGRToGray)
	places, err := search(grey)
	if err != nil {
		return nil, [4]vec{}, err
	}
	for i := range places {
		if err := refine(grey, &places[i]); err != nil {
			return nil, [4]vec{}, err
		}
	}
	for k, t := range tries() {
		for i := range places {
			if places[i].likeness < minLikeness || k >= quickTries && (places[i].likeness < sureLikeness || places[i].width < sureAcross) {
				continue
			}
			if err := ctx.Err(); err != nil {
				return nil, [4]vec{}, err
			}
			if data, corners := t.read(grey, places[i]); data != nil && once.again(data) {
				return data, corners, nil
			}
		}
	}
	return nil, [4]vec{}, nil
}

// search finds places that look like bars, in pixels of the picture.
func search(grey gocv.Mat) ([]place, error) {
	small, k := grey, 1.0
	if area := float64(grey.Cols() * grey.Rows()); area > searched {
		k = math.Sqrt(area / searched)
		small = gocv.NewMat()
		defer small.Close()
		size := image.Pt(max(1, int(float64(grey.Cols())/k)), max(1, int(float64(grey.Rows())/k)))
		gocv.Resize(grey, &small, size, 0, 0, gocv.InterpolationArea)
	}
	pix, err := small.DataPtrUint8()
	if err != nil {
		return nil, fmt.Errorf("look for bars: %w", err)
	}
	places := locate(pix, small.Cols(), small.Rows())
	for i := range places {
		places[i] = places[i].scaled(k)
	}
	return places, nil
}

// How a place is judged once it stands upright. Starting values: generated symbols have
// .6 and more of their cells filled, lines of print on specimen documents mostly less
// than .4.
const (
	maxRefine    = 3
	goodAngle    = .2 * math.Pi / 180
	minUpright   = .60 // of the energy of brightness steps goes across the bars
	maxUpright   = .90 // more, and there are no rows (a symbol with rows of 3 modules has .78, of 8 .88): a bar code of another kind
	minLikeness  = .42
	sureLikeness = .50  // worth all tries, not only the quick ones
	sureAcross   = 240. // pixels
	quickTries   = 2
)

// try is one way to look at a place.
type try struct {
	zoom  float64 // times the usual size
	most  float64 // pixels of the cut-out for one of the frame
	turn  float64 // degrees more than measured
	slant float64 // of the rows against the bars' normal: a step of y for a step of x
	sharp bool    // smooth along the bars, sharpen across them
	by    binarizer
}

// tries lists what is tried, the likeliest first.
func tries() []try {
	all := []try{{zoom: 1}, {zoom: 1, sharp: true}}
	for _, turn := range []float64{.7, -.7, 1.5, -1.5, 2.5, -2.5} {
		all = append(all, try{zoom: 1, turn: turn})
	}
	for _, slant := range []float64{.02, -.02, .05, -.05} {
		all = append(all, try{zoom: 1, slant: slant, sharp: true})
	}
	all = append(all, try{zoom: .6}, try{zoom: 1.5}, try{zoom: 1.5, sharp: true}, try{zoom: 1, by: global})
	for i := range all {
		all[i].most = maxZoom
	}
	return all
}

// upright cuts a place out of a picture so that its bars stand upright. The affine map
// goes from the cut-out to the picture.
func upright(grey gocv.Mat, p place, t try, how gocv.InterpolationFlags) (gocv.Mat, affine) {
	w, h := p.width*(1+2*margin)+16, p.height+2*margin*p.width+16
	zoom := math.Min(t.zoom*readWidth/w, t.most)
	zoom = math.Min(zoom, math.Min(maxSide/w, maxSide/h))
	u := direction(p.angle + t.turn*math.Pi/180)
	v := u.across()
	// A step to the right in the cut-out follows the rows, a step down the bars.
	right, down := u.add(v.times(t.slant)).times(1/zoom), v.times(1/zoom)
	cols, rows := max(1, int(w*zoom)), max(1, int(h*zoom))
	a := affine{origin: p.centre.add(right.times(-float64(cols) / 2)).add(down.times(-float64(rows) / 2)), right: right, down: down}
	part := a.covers(cols, rows, grey.Cols(), grey.Rows())
	if part.Dx() < 2 || part.Dy() < 2 {
		return gocv.NewMat(), a
	}
	src := grey.Region(part)
	defer func() { src.Close() }()
	if zoom < .6 { // reducing without a mean over the pixels would alias
		k := int(1/zoom) | 1
		soft := gocv.NewMat()
		gocv.Blur(src, &soft, image.Pt(k, k))
		src.Close()
		src = soft
	}
	m := gocv.NewMatWithSize(2, 3, gocv.MatTypeCV64F)
	defer m.Close()
	for i, x := range []float64{a.right.x, a.down.x, a.origin.x - float64(part.Min.X), a.right.y, a.down.y, a.origin.y - float64(part.Min.Y)} {
		m.SetDoubleAt(i/3, i%3, x)
	}
	out := gocv.NewMat()
	const inverse = 16 // the map is given from the result to the source
	gocv.WarpAffineWithParams(src, &out, m, image.Pt(cols, rows), how|inverse, gocv.BorderConstant, color.RGBA{255, 255, 255, 255})
	return out, a
}

// covers gives the part of a picture that a cut-out is taken from.
func (a affine) covers(cols, rows, width, height int) image.Rectangle {
	low, high := vec{math.Inf(1), math.Inf(1)}, vec{math.Inf(-1), math.Inf(-1)}
	for _, c := range []vec{{0, 0}, {float64(cols), 0}, {float64(cols), float64(rows)}, {0, float64(rows)}} {
		p := a.at(c)
		low = vec{math.Min(low.x, p.x), math.Min(low.y, p.y)}
		high = vec{math.Max(high.x, p.x), math.Max(high.y, p.y)}
	}
	return image.Rect(int(low.x)-2, int(low.y)-2, int(high.x)+3, int(high.y)+3).Intersect(image.Rect(0, 0, width, height))
}

// affine maps places of a cut-out to places of the picture.
type affine struct{ origin, right, down vec }

func (a affine) at(p vec) vec { return a.origin.add(a.right.times(p.x)).add(a.down.times(p.y)) }

func (t try) read(grey gocv.Mat, p place) ([]byte, [4]vec) {
	m, back := upright(grey, p, t, gocv.InterpolationCubic)
	defer m.Close()
	if m.Empty() {
		return nil, [4]vec{}
	}
	if t.sharp {
		crisp(&m)
	}
	data, corners := decode(m, t.by)
	for i := range corners {
		corners[i] = back.at(corners[i])
	}
	return data, p.settle(corners)
}

// settle takes the corners that the library tells if they can be, or else those of the
// place: where the library saw only one end of a symbol, it makes the other up.
func (p place) settle(c [4]vec) [4]vec {
	u := direction(p.angle)
	v := u.across()
	top, left := c[1].add(c[0].times(-1)), c[3].add(c[0].times(-1))
	bottom, right := c[2].add(c[3].times(-1)), c[2].add(c[1].times(-1))
	near := func(a vec, along vec, length float64) bool {
		d := math.Abs(a.dot(along))
		return d > .85*length && d < 1.15*length
	}
	if near(top, u, p.width) && near(bottom, u, p.width) && near(left, v, p.height) && near(right, v, p.height) {
		return c
	}
	// One true end is enough to tell how it stands.
	if left.dot(v)+right.dot(v) < 0 {
		u, v = u.times(-1), v.times(-1)
	}
	u, v = u.times(p.width/2), v.times(p.height/2)
	m := p.centre
	return [4]vec{
		m.add(u.times(-1)).add(v.times(-1)), m.add(u).add(v.times(-1)),
		m.add(u).add(v), m.add(u.times(-1)).add(v),
	}
}

// refine looks at a place where it stands nearly upright, tells its direction and extent
// anew, and whether it looks like a symbol at all. Upright, the pixel grid favours no
// direction, so that bars a few pixels wide are measured rightly.
func refine(grey gocv.Mat, p *place) error {
	for i := range maxRefine {
		m, back := upright(grey, *p, try{zoom: .5, most: 1}, gocv.InterpolationLinear)
		if m.Empty() {
			m.Close()
			return nil
		}
		pix, err := m.DataPtrUint8()
		if err != nil {
			m.Close()
			return fmt.Errorf("look at a place: %w", err)
		}
		g := grid{}
		g.cells, g.across, g.down = steps(pix, m.Cols(), m.Rows())
		m.Close()
		mean, filled := g.core()
		p.likeness = 0
		if mean.xx >= minUpright*mean.energy() {
			p.likeness = filled
		}
		if p.likeness < minLikeness/2 {
			return nil
		}
		if x1, y1, x2, y2, ok := g.trim(); ok {
			a, b := back.at(vec{x1, y1}), back.at(vec{x2, y2})
			d, u := b.add(a.times(-1)), direction(p.angle)
			p.centre, p.width, p.height = a.add(b).times(.5), d.dot(u), d.dot(u.across())
			if bars, _ := g.within(int(y1)/cell+1, int(y2)/cell-1); bars.xx > maxUpright*bars.energy() {
				p.likeness = 0
				return nil
			}
		}
		off := mean.angle()
		p.angle += off
		if i > 0 && math.Abs(off) < goodAngle {
			return nil
		}
	}
	return nil
}

// crisp smooths along the upright bars, which takes noise and no edge away, and
// sharpens across them.
func crisp(m *gocv.Mat) {
	soft, wide := gocv.NewMat(), gocv.NewMat()
	defer func() { soft.Close(); wide.Close() }()
	gocv.GaussianBlur(*m, &soft, image.Pt(1, 9), .1, 2, gocv.BorderReplicate)
	gocv.GaussianBlur(soft, &wide, image.Pt(25, 1), 4, .1, gocv.BorderReplicate)
	gocv.AddWeighted(soft, 2.5, wide, -1.5, 0, m)
}
