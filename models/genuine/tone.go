package genuine

import (
	"math"
	"slices"

	"gocv.io/x/gocv"

	"vestibule/models/picture"
)

// Light and colours are looked at in a picture of this longer side.
const toneSide = 320

// tones are measures of light and colour of a document.
type tones struct {
	contrast float64 // 1st over 95th percentile of luma: 0 black print on white, 1 nothing but one grey
	chroma   float64 // 99th percentile of CIE L*a*b* chroma, after the median a* and b* were taken away
}

// tonesOf measures the inside of q; what is nowhere brighter than 60 is too dark to tell.
//
// Two further measures were tried and left out, for genuine documents gave the same as
// displays: how much bluer the lightest parts of a document are than its surroundings (genuine
// ones −26 to 27 in b*, tinted as they are), and how much of it is overexposed beside dark surroundings
// (up to .7 of a white page on a black tray).
func tonesOf(m gocv.Mat, q quad) (tones, error) {
	w, h := picture.Within(m.Cols(), m.Rows(), toneSide, toneSide)
	small, err := picture.Resize(m, w, h)
	if err != nil {
		return tones{}, err
	}
	defer small.Close()
	lab := gocv.NewMat()
	defer lab.Close()
	gocv.CvtColor(small, &lab, gocv.ColorBGRToLab)
	pix := lab.ToBytes()
	if len(pix) != 3*w*h {
		return tones{}, picture.BGR(gocv.Mat{})
	}
	in := q.scaled(float64(w)/float64(m.Cols()), float64(h)/float64(m.Rows())).shrunk(.04)
	var luma, as, bs []float64
	for y := range h {
		for x := range w {
			if in.inside(float64(x)+.5, float64(y)+.5) {
				i := 3 * (y*w + x)
				luma, as, bs = append(luma, float64(pix[i])), append(as, float64(pix[i+1])), append(bs, float64(pix[i+2]))
			}
		}
	}
	t := tones{chroma: 128} // nothing to tell
	if len(luma) < 100 {
		return t, nil
	}
	white := quantile(slices.Clone(luma), .95)
	if white < 60 {
		return t, nil
	}
	t.contrast = quantile(luma, .01) / white
	ma, mb := median(slices.Clone(as)), median(slices.Clone(bs))
	for i := range as {
		as[i] = math.Hypot(as[i]-ma, bs[i]-mb)
	}
	t.chroma = quantile(as, .99)
	return t, nil
}
