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
	glanceFar    = .30 // of the frame's area, least
	glanceClose  = .92 // most
	glanceMargin = .01 // from the border, in parts of the frame
	glanceSides  = .80 // ratio of opposite sides, least
	glanceAngle  = 12  // degrees that a corner may be off 90
)

// GlanceSide is the longer side, in pixels, from which a picture is good enough for Glance.
const GlanceSide = 640

// Glance looks at one live frame (BGR): outline, light, sharpness, glare; no text is
// read. Whether the frame holds still is a question of several glances, so HintHold never comes from here.
func (r *Reader) Glance(ctx context.Context, bgr gocv.Mat) (models.Glance, error) {
	if err := ctx.Err(); err != nil {
		return models.Glance{}, err
	}
	if err := usable(bgr); err != nil {
		return models.Glance{}, err
	}
	g := models.Glance{Width: bgr.Cols(), Height: bgr.Rows()}
	var err error
	if g.Quality, err = quality.Live(bgr); err != nil {
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
	o, seen, err := findOutline(bgr)
	if err != nil {
		return g, err
	}
	if !seen {
		g.Hint = models.HintNoDocument
		return g, nil
	}
	q := toQuad(o.corners, g.Width, g.Height)
	g.Outline = &q
	g.Hint = glanceHint(o.corners, g.Width, g.Height, g.Quality)
	return g, nil
}

func glanceHint(c [4]vec, w, h int, q models.Quality) models.HintCode {
	area := quadArea(c) / float64(w*h)
	switch {
	case area > glanceClose:
		return models.HintTooClose
	case nearBorder(c, w, h):
		return models.HintCutOff
	case area < glanceFar:
		return models.HintTooFar
	case skewed(c):
		return models.HintAngle
	case q.Glare < quality.Glaring:
		return models.HintGlare
	case q.Sharpness < quality.Soft:
		return models.HintBlur
	}
	return models.HintNone
}

func nearBorder(c [4]vec, w, h int) bool {
	mx, my := glanceMargin*float64(w), glanceMargin*float64(h)
	for _, p := range c {
		if p.x < mx || p.y < my || p.x > float64(w)-mx || p.y > float64(h)-my {
			return true
		}
	}
	return false
}

func skewed(c [4]vec) bool {
	var l [4]float64
	for i := range c {
		a, b, z := c[(i+3)%4], c[i], c[(i+1)%4]
		l[i] = z.sub(b).length()
		off := math.Acos(math.Max(-1, math.Min(1, a.sub(b).cosine(z.sub(b))))) - math.Pi/2
		if math.Abs(off) > glanceAngle*math.Pi/180 {
			return true
		}
	}
	ratio := func(a, b float64) float64 { return math.Min(a, b) / math.Max(a, b) }
	return ratio(l[0], l[2]) < glanceSides || ratio(l[1], l[3]) < glanceSides
}
