// Package quality measures how useful a picture is: sharpness, glare, exposure, colour, and
// how a shape lies in it.
//
// What may live here: measures of any picture and of a four-cornered shape in it, each a
// score 0..100 where 100 is best, with its definition and source. What may not: finding
// the shape, reading, and policy. The scores rank pictures; where a hint is wanted, the
// caller compares with the constants below, or asks Judge.
package quality

import (
	"image"

	"gocv.io/x/gocv"

	"vestibule/models"
	"vestibule/models/picture"
)

// sharpSide is the longer side that Measure takes Sharpness at, at most. Blur
// counts in parts of the picture; a sensor's noise, which looks like fine detail
// and comes after the lens, is averaged away. The same passport page, 1,420 pixels
// wide and out of focus, scores 54 as it comes and 34 at this size; in focus 84 and 100.
const sharpSide = 800

// smallSide is the longer side that glare, exposure and colour are measured at.
// Their subject is larger than a letter, and it makes them cheap enough for live pictures.
const smallSide = 480

// Measure measures a whole BGR picture.
func Measure(bgr gocv.Mat) (models.Quality, error) {
	var m Measurer
	defer m.Close()
	return m.Measure(bgr)
}

// Live measures a live BGR picture: the same scores but colour at a fraction of the cost;
// sharpness is taken from the middle of the picture only.
func Live(bgr gocv.Mat) (models.Quality, error) {
	var m Measurer
	defer m.Close()
	return m.Live(bgr)
}

// Measurer measures picture after picture in the same memory. The zero value is ready; one
// goroutine at a time. Whoever has one closes it.
type Measurer struct {
	small, grey, full, less, tint, lab gocv.Mat
	open                               bool

	last gocv.Mat // m.small or what was measured

	tiles   []float64
	clipped []bool
	spots   spotter
	cover   coverer
}

func (m *Measurer) begin() {
	if m.open {
		return
	}
	for _, p := range m.mats() {
		*p = gocv.NewMat()
	}
	m.open = true
}

func (m *Measurer) mats() [6]*gocv.Mat {
	return [6]*gocv.Mat{&m.small, &m.grey, &m.full, &m.less, &m.tint, &m.lab}
}

// Close frees the memory. The Measurer may be used again after it.
func (m *Measurer) Close() {
	if m.open {
		for _, p := range m.mats() {
			p.Close()
		}
	}
	*m = Measurer{}
}

// Measure is the function Measure.
func (m *Measurer) Measure(bgr gocv.Mat) (models.Quality, error) { return m.measure(bgr, false) }

// Live is the function Live.
func (m *Measurer) Live(bgr gocv.Mat) (models.Quality, error) { return m.measure(bgr, true) }

// Small is the picture that was measured last with a longer side of 480 pixels at most, for whoever needs
// one as well. It is good until the next call, and while the picture itself is.
func (m *Measurer) Small() gocv.Mat { return m.last }

func (m *Measurer) measure(bgr gocv.Mat, live bool) (q models.Quality, err error) {
	if err := picture.BGR(bgr); err != nil {
		return q, err
	}
	m.begin()
	small := m.shrink(bgr, &m.small, smallSide)
	m.last = small
	gocv.CvtColor(small, &m.grey, gocv.ColorBGRToGray)
	grey, err := planeOf(m.grey)
	if err != nil {
		return q, err
	}
	q.Glare, q.GlareAt = m.spots.glare(grey)
	q.Exposure, q.Luma = exposure(grey)
	if !live {
		if q.Colour, err = m.colour(small); err != nil {
			return q, err
		}
	}
	gocv.CvtColor(bgr, &m.full, gocv.ColorBGRToGray)
	full := m.full
	if !live {
		full = m.shrink(full, &m.less, sharpSide)
	}
	p, err := planeOf(full)
	if err != nil {
		return q, err
	}
	part := image.Rect(0, 0, p.w, p.h)
	if live { // the middle 60 %: where the document is, and cheaper
		part = image.Rect(p.w/5, p.h/5, p.w-p.w/5, p.h-p.h/5)
	}
	q.Sharpness = m.sharpness(p, part)
	return q, nil
}

// shrink makes m no larger than side; what is small enough is given back as it is.
func (*Measurer) shrink(m gocv.Mat, into *gocv.Mat, side int) gocv.Mat {
	w, h := picture.Within(m.Cols(), m.Rows(), side, side)
	if w == m.Cols() && h == m.Rows() {
		return m
	}
	gocv.Resize(m, into, image.Pt(w, h), 0, 0, gocv.InterpolationArea)
	return *into
}

// plane is a view of a grey picture's pixels, good for as long as its matrix is.
type plane struct {
	pix  []byte
	w, h int
}

func planeOf(m gocv.Mat) (plane, error) {
	if err := picture.Grey(m); err != nil {
		return plane{}, err
	}
	pix, err := m.DataPtrUint8()
	if w, h := m.Cols(), m.Rows(); err == nil && len(pix) == w*h {
		return plane{pix, w, h}, nil
	}
	return plane{}, models.ErrFrame
}

// ramp is 0 up to lo, 1 from hi on (or the other way round when lo > hi), straight between.
func ramp(v, lo, hi float64) float64 {
	return min(1, max(0, (v-lo)/(hi-lo)))
}
