// Package quality measures how useful a picture is: sharpness, glare, exposure, colour.
//
// What may live here: measures of any picture, each a score 0..100 where 100 is best,
// with its definition and source. What may not: knowledge of documents or faces, and
// thresholds of a policy. The scores rank pictures; where a hint is wanted, the
// caller compares with the constants Soft, Glaring, Dim and Grey below.
package quality

import (
	"image"

	"gocv.io/x/gocv"

	"vestibule/models"
	"vestibule/models/picture"
)

// Where a picture begins to be a problem. Measured on 30 public document pictures
// of at least 500 pixels and the same pictures distorted (Gaussian blur of 1.5
// and 2.5 pixels, grey copies); see the tests of this package for drawn ones.
const (
	Soft    = 35.0 // Sharpness below this: visibly blurred
	Glaring = 85.0 // Glare below this: a reflection covers something
	Dim     = 30.0 // Exposure below this: too dark or too bright
	Grey    = 25.0 // Colour below this: looks like a black and white copy

	// Legible is the Sharpness of a document's picture under which blur explains that
	// its small print was not read. Of the same 30 pictures every one scores 84 or
	// more as it is, and 60 or less after a Gaussian blur as wide as a stroke of the
	// machine readable zone (.35 mm on a page of 125 mm: .28 % of the longer side).
	// The lower end was taken: a sharp picture without a zone is a card's front.
	Legible = 60.0
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
	return measure(bgr, false)
}

// Live measures a live BGR picture: the same scores at a fraction of the cost; sharpness
// is taken from the middle of the picture only.
func Live(bgr gocv.Mat) (models.Quality, error) {
	return measure(bgr, true)
}

func measure(bgr gocv.Mat, live bool) (models.Quality, error) {
	if err := picture.BGR(bgr); err != nil {
		return models.Quality{}, err
	}
	w, h := picture.Within(bgr.Cols(), bgr.Rows(), smallSide, smallSide)
	small, err := picture.Resize(bgr, w, h)
	if err != nil {
		return models.Quality{}, err
	}
	defer small.Close()
	grey, err := picture.ToGrey(small)
	if err != nil {
		return models.Quality{}, err
	}
	defer grey.Close()
	var q models.Quality
	q.Glare, q.GlareAt, err = Glare(grey)
	if err != nil {
		return models.Quality{}, err
	}
	if q.Exposure, q.Luma, err = Exposure(grey); err != nil {
		return models.Quality{}, err
	}
	if !live {
		if q.Colour, err = Colour(small); err != nil {
			return models.Quality{}, err
		}
	}
	part := bgr
	if live {
		// The middle 60 %: where the document is, and cheaper.
		dx, dy := bgr.Cols()/5, bgr.Rows()/5
		part = bgr.Region(image.Rect(dx, dy, bgr.Cols()-dx, bgr.Rows()-dy))
		defer part.Close()
	}
	full := gocv.NewMat()
	defer func() { full.Close() }()
	gocv.CvtColor(part, &full, gocv.ColorBGRToGray)
	if w, h := picture.Within(full.Cols(), full.Rows(), sharpSide, sharpSide); !live && w < full.Cols() {
		less, err := picture.Resize(full, w, h)
		if err != nil {
			return models.Quality{}, err
		}
		full.Close()
		full = less
	}
	if q.Sharpness, err = Sharpness(full); err != nil {
		return models.Quality{}, err
	}
	return q, nil
}

// ramp is 0 up to lo, 1 from hi on (or the other way round when lo > hi), straight between.
func ramp(v, lo, hi float64) float64 {
	return min(1, max(0, (v-lo)/(hi-lo)))
}
