package quality

import (
	"math"

	"gocv.io/x/gocv"

	"vestibule/models"
	"vestibule/models/picture"
)

// How a shape should lie in the picture.
const (
	marginFull = .02 // parts of the picture's side from a border, from which a corner is well inside
	leanFull   = 24  // degrees off a right angle at which a corner counts nothing
	ratioLeast = .60 // ratio of opposite sides that counts nothing
	mmNone     = 2.0 // pixels a millimetre that count nothing
	mmFull     = 8.0 // what a machine readable zone is comfortably read from
)

// Place measures how a shape lies in a BGR picture: whether it is whole, seen from straight
// above, large enough, and free of fingers. pixelsPerMM is 0 when it is not known.
func Place(bgr gocv.Mat, shape models.Quad, pixelsPerMM float64) (models.Placement, error) {
	var m Measurer
	defer m.Close()
	return m.Place(bgr, shape, pixelsPerMM)
}

// Place is the function Place.
func (m *Measurer) Place(bgr gocv.Mat, shape models.Quad, pixelsPerMM float64) (models.Placement, error) {
	if err := picture.BGR(bgr); err != nil {
		return models.Placement{}, err
	}
	for _, c := range shape {
		// A corner may lie outside, but not anywhere.
		if !(math.Abs(c.X) <= 4 && math.Abs(c.Y) <= 4) {
			return models.Placement{}, nil
		}
	}
	p := models.Placement{
		Known: true, PixelsPerMM: pixelsPerMM,
		Inside: inside(shape), Flat: flat(shape, float64(bgr.Cols()), float64(bgr.Rows())),
	}
	if pixelsPerMM > 0 {
		p.Resolution = 100 * ramp(pixelsPerMM, mmNone, mmFull)
	}
	m.begin()
	var err error
	p.Uncovered, p.CoveredAt, err = m.covered(bgr, shape)
	return p, err
}

// inside is 100 when every corner is 2 % of the picture and more away from its borders and 0 when one is on them.
func inside(q models.Quad) float64 {
	least := 1.0
	for _, c := range q {
		least = min(least, c.X, c.Y, 1-c.X, 1-c.Y)
	}
	return 100 * ramp(least, 0, marginFull)
}

// flat is 100 for a rectangle and falls with the worst corner's distance from a right angle (0 at
// 24°) and with the worse ratio of opposite sides (0 at .6): perspective makes both.
func flat(q models.Quad, w, h float64) float64 {
	var length [4]float64
	worst := 1.0
	for i := range q {
		a, b, c := q[(i+3)%4], q[i], q[(i+1)%4]
		ax, ay, cx, cy := (a.X-b.X)*w, (a.Y-b.Y)*h, (c.X-b.X)*w, (c.Y-b.Y)*h
		length[i] = math.Hypot(cx, cy)
		size := math.Hypot(ax, ay) * length[i]
		if size == 0 {
			return 0
		}
		lean := math.Abs(math.Acos(max(-1, min(1, (ax*cx+ay*cy)/size)))*180/math.Pi - 90)
		worst = min(worst, ramp(lean, leanFull, 0))
	}
	for i := range 2 {
		a, b := length[i], length[i+2]
		worst = min(worst, ramp(min(a, b)/max(a, b), ratioLeast, 1))
	}
	return 100 * worst
}
