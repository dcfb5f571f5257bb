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
package barcode

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"math"

	"gocv.io/x/gocv"

	"vestibule/models"
)

// searched bounds the picture in which bars are looked for, in pixels. A larger one is
// reduced: at 600 dpi a module of .25 mm (AAMVA DL/ID card design standard, D.3: .17 to
// .38 mm) still has 1.5 pixels then, which is enough to see that there are bars.
const searched = 2_500_000

// The picture that is read: as wide as gives a usual symbol (200 to 400 modules) four to
// eight pixels a module, and never larger than the bounds.
const (
	readWidth = 1600.0
	maxZoom   = 3.0
	maxSide   = 2600.0
	maxRefine = 3
	goodAngle = .2 * math.Pi / 180
	margin    = .06 // of the width, on all sides; and a few pixels more
)

// Read looks for a PDF417 symbol in pictures (8-bit BGR) of the same side of a document,
// in order, and stops at the first that shows one. None is no error: Found is false
// then. A matrix that is no picture is models.ErrFrame.
func Read(ctx context.Context, bgr []gocv.Mat) (models.Barcode, error) {
	for i, m := range bgr {
		if err := usable(m); err != nil {
			return models.Barcode{}, fmt.Errorf("read barcode: frame %d: %w", i, err)
		}
	}
	for i, m := range bgr {
		if err := ctx.Err(); err != nil {
			return models.Barcode{}, err
		}
		data, corners, err := readOne(ctx, m)
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

func readOne(ctx context.Context, bgr gocv.Mat) ([]byte, [4]vec, error) {
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
		lastTry = k
		for i := range places {
			if err := ctx.Err(); err != nil {
				return nil, [4]vec{}, err
			}
			data, corners, err := t.read(grey, &places[i])
			if err != nil || data != nil {
				return data, corners, err
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
		return nil, fmt.Errorf("%w: %w", models.ErrFrame, err)
	}
	places := locate(pix, small.Cols(), small.Rows())
	for i := range places {
		places[i] = places[i].scaled(k)
	}
	return places, nil
}

// try is one way to look at a place.
type try struct {
	zoom  float64 // times the usual size
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
	return append(all, try{zoom: .6}, try{zoom: 1.5}, try{zoom: 1.5, sharp: true}, try{zoom: 1, by: global})
}

// upright cuts a place out of a picture so that its bars stand upright. The affine map
// goes from the cut-out to the picture.
func upright(grey gocv.Mat, p place, t try) (gocv.Mat, affine) {
	w, h := p.width*(1+2*margin)+16, p.height+2*margin*p.width+16
	zoom := math.Min(t.zoom*readWidth/w, maxZoom)
	zoom = math.Min(zoom, math.Min(maxSide/w, maxSide/h))
	u := direction(p.angle + t.turn*math.Pi/180)
	v := u.across()
	// A step to the right in the cut-out follows the rows, a step down the bars.
	right, down := u.add(v.times(t.slant)).times(1/zoom), v.times(1/zoom)
	cols, rows := max(1, int(w*zoom)), max(1, int(h*zoom))
	a := affine{origin: p.centre.add(right.times(-float64(cols) / 2)).add(down.times(-float64(rows) / 2)), right: right, down: down}
	m := gocv.NewMatWithSize(2, 3, gocv.MatTypeCV64F)
	defer m.Close()
	for i, x := range []float64{a.right.x, a.down.x, a.origin.x, a.right.y, a.down.y, a.origin.y} {
		m.SetDoubleAt(i/3, i%3, x)
	}
	// Reducing without a mean over the pixels would alias.
	src := grey
	if zoom < .6 {
		src = gocv.NewMat()
		defer src.Close()
		k := int(1/zoom) | 1
		gocv.Blur(grey, &src, image.Pt(k, k))
	}
	out := gocv.NewMat()
	const inverse = 16 // the map is given from the result to the source
	gocv.WarpAffineWithParams(src, &out, m, image.Pt(cols, rows), gocv.InterpolationCubic|inverse, gocv.BorderConstant, color.RGBA{255, 255, 255, 255})
	return out, a
}

// affine maps places of a cut-out to places of the picture.
type affine struct{ origin, right, down vec }

func (a affine) at(p vec) vec { return a.origin.add(a.right.times(p.x)).add(a.down.times(p.y)) }

func (t try) read(grey gocv.Mat, p *place) ([]byte, [4]vec, error) {
	m, back := upright(grey, *p, t)
	defer m.Close()
	if m.Empty() {
		return nil, [4]vec{}, nil
	}
	if t.sharp {
		crisp(&m)
	}
	data, corners, err := decode(m, t.by)
	for i := range corners {
		corners[i] = back.at(corners[i])
	}
	return data, corners, err
}

// refine measures a place's direction again where it stands nearly upright: there the
// pixel grid favours no direction, and bars a few pixels wide are measured rightly.
func refine(grey gocv.Mat, p *place) error {
	for range maxRefine {
		m, _ := upright(grey, *p, try{zoom: .5})
		pix, err := m.DataPtrUint8()
		if err != nil {
			m.Close()
			return fmt.Errorf("%w: %w", models.ErrFrame, err)
		}
		cells, across, down := steps(pix, m.Cols(), m.Rows())
		m.Close()
		var sum tensor
		for y := down / 6; y < down-down/6; y++ {
			for x := across / 6; x < across-across/6; x++ {
				sum.add(cells[y*across+x])
			}
		}
		off := sum.angle()
		p.angle += off
		if math.Abs(off) < goodAngle {
			break
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
	gocv.GaussianBlur(soft, &wide, image.Pt(25, 1), 5, .1, gocv.BorderReplicate)
	gocv.AddWeighted(soft, 2.5, wide, -1.5, 0, m)
}

var lastTry int
