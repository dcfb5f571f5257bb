package genuine

import (
	"math"

	"gocv.io/x/gocv"

	"vestibule/models/picture"
)

// Light and colours are looked at in a picture of this longer side.
const toneSide = 320

// tones are measures of light and colour, grey levels 0..255 and units of CIE L*a*b*.
type tones struct {
	black, white float64 // 1st and 95th percentile of luma inside
	burnt        float64 // share of the document at 250 and more
	around       float64 // 95th percentile of luma outside, -1 without any
	chroma       float64 // 99th percentile inside, after the median a* and b* were taken away
	vivid        float64 // 90th of the same
	blue         float64 // how much bluer, in b*, the document's lightest parts are than the surroundings' lightest
}

func tonesOf(m gocv.Mat, q quad) (t tones, err error) {
	w, h := picture.Within(m.Cols(), m.Rows(), toneSide, toneSide)
	small, err := picture.Resize(m, w, h)
	if err != nil {
		return t, err
	}
	defer small.Close()
	lab := gocv.NewMat()
	defer lab.Close()
	gocv.CvtColor(small, &lab, gocv.ColorBGRToLab)
	pix, raw := lab.ToBytes(), small.ToBytes()
	if len(pix) != 3*w*h || len(raw) != 3*w*h {
		return t, picture.BGR(gocv.Mat{})
	}
	q = q.scaled(float64(w)/float64(m.Cols()), float64(h)/float64(m.Rows()))
	in, out := q.shrunk(.04), q.shrunk(-.06)
	type sample struct{ l, a, b float64 }
	var doc, rest []sample
	var luma, outside []float64
	for y := range h {
		for x := range w {
			i := 3 * (y*w + x)
			s := sample{float64(pix[i]), float64(pix[i+1]) - 128, float64(pix[i+2]) - 128}
			fx, fy := float64(x)+.5, float64(y)+.5
			v := .114*float64(raw[i]) + .587*float64(raw[i+1]) + .299*float64(raw[i+2])
			switch {
			case in.inside(fx, fy):
				doc, luma = append(doc, s), append(luma, v)
				if v >= 250 {
					t.burnt++
				}
			case !out.inside(fx, fy):
				rest, outside = append(rest, s), append(outside, v)
			}
		}
	}
	if len(doc) == 0 {
		return t, nil
	}
	t.burnt /= float64(len(doc))
	t.black, t.white = quantile(luma, .01), quantile(luma, .95)
	t.around = -1
	cast := func(list []sample) (a, b float64) {
		var as, bs []float64
		for _, s := range list {
			as, bs = append(as, s.a), append(bs, s.b)
		}
		return median(as), median(bs)
	}
	ma, mb := cast(doc)
	var chroma []float64
	for _, s := range doc {
		chroma = append(chroma, math.Hypot(s.a-ma, s.b-mb))
	}
	t.chroma, t.vivid = quantile(chroma, .99), quantile(chroma, .9)
	if len(rest) < len(pix)/3/20 {
		return t, nil
	}
	t.around = quantile(outside, .95)
	light := func(list []sample) float64 {
		var ls []float64
		for _, s := range list {
			ls = append(ls, s.l)
		}
		cut, top := quantile(ls, .8), 250.0
		var bs []float64
		for _, s := range list {
			if s.l >= cut && s.l < top {
				bs = append(bs, s.b)
			}
		}
		return median(bs)
	}
	t.blue = light(rest) - light(doc)
	return t, nil
}
