package document

import (
	"context"
	"math"

	"gocv.io/x/gocv"

	"vestibule/models"
	"vestibule/models/quality"
)

// Where a live frame is good enough to capture: what auto-capture starts from.
const (
	glanceFar   = .30 // of the frame's area, least
	glanceClose = .92 // most
)

// GlanceSide is the longer side, in pixels, from which a picture is good enough for Glance. One of
// twice the size and more is made smaller first.
const GlanceSide = 640

// GlanceFrame is Glance for a frame as it comes from the camera, decoded no larger than needed.
// A frame that cannot be decoded is a models.ErrFrame.
func (r *Reader) GlanceFrame(ctx context.Context, f models.Frame) (models.Glance, error) {
	if err := ctx.Err(); err != nil {
		return models.Glance{}, err
	}
	l := r.glimpses.take()
	defer r.glimpses.give(l)
	m, w, h, err := l.frame.DecodeLive(f, GlanceSide)
	if err != nil {
		return models.Glance{}, err
	}
	return l.glance(m, w, h)
}

// Glance looks at one live frame (BGR): outline, light, sharpness, glare, fingers; no text is
// read. Whether the frame holds still is a question of several glances, so HintHold never comes from here.
func (r *Reader) Glance(ctx context.Context, bgr gocv.Mat) (models.Glance, error) {
	if err := ctx.Err(); err != nil {
		return models.Glance{}, err
	}
	if err := usable(bgr); err != nil {
		return models.Glance{}, err
	}
	l := r.glimpses.take()
	defer r.glimpses.give(l)
	return l.glance(l.live(bgr), bgr.Cols(), bgr.Rows())
}

// glance looks at a picture of a frame of w × h.
func (l *glimpse) glance(bgr gocv.Mat, w, h int) (models.Glance, error) {
	g := models.Glance{Width: w, Height: h}
	var err error
	if g.Quality, err = l.measure.Live(bgr); err != nil {
		return g, err
	}
	switch {
	case g.Quality.Luma < darkLuma*.6:
		g.Hint = models.HintDark
		return g, nil
	case g.Quality.Luma > brightLuma && g.Quality.Exposure == 0:
		g.Hint = models.HintBright
		return g, nil
	}
	small := l.measure.Small()
	o, seen, err := l.border.find(small)
	if err != nil {
		return g, err
	}
	if !seen {
		g.Hint = models.HintNoDocument
		return g, nil
	}
	q := toQuad(o.corners, small.Cols(), small.Rows())
	g.Outline = &q
	mm := presumedMM(o.corners) * float64(small.Cols()) / float64(w)
	if g.Quality.Placement, err = l.measure.Place(bgr, q, 1/mm); err != nil {
		return g, err
	}
	g.Hint = glanceHint(o.corners, small.Cols(), small.Rows(), g.Quality)
	return g, nil
}

// presumedMM is the size of a pixel in millimetres, if the shape is the document whose proportions are nearest.
func presumedMM(c [4]vec) float64 {
	a, b := sides(c)
	long, short := math.Max(a, b), math.Min(a, b)
	if long <= 0 || short <= 0 {
		return math.Inf(1)
	}
	if math.Abs(math.Log(long/short/cardAspect)) < math.Abs(math.Log(long/short/pageAspect)) {
		return 85.6 / long
	}
	return longestMM / long
}

func glanceHint(c [4]vec, w, h int, q models.Quality) models.HintCode {
	area := quadArea(c) / float64(w*h)
	switch {
	case area > glanceClose:
		return models.HintTooClose
	case q.Placement.Inside < quality.Placed:
		return models.HintCutOff
	case area < glanceFar:
		return models.HintTooFar
	case q.Placement.Flat < quality.Placed:
		return models.HintAngle
	case q.Placement.Uncovered < quality.Obstructed:
		return models.HintFinger
	case q.Glare < quality.Glaring:
		return models.HintGlare
	case q.Sharpness < quality.Soft:
		return models.HintBlur
	}
	return models.HintNone
}
