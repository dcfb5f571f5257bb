package quality

import (
	"math"
	"sort"

	"gocv.io/x/gocv"

	"vestibule/models/picture"
)

// Exposure is 100 times the smaller of two parts: the mean luma (full between 70 and
// 205, none below 20 or above 250) and the spread between the 5th and the 95th
// percentile (none below 15 grey levels, full from 70). luma is the mean, 0..255.
func Exposure(grey gocv.Mat) (score, luma float64, err error) {
	if err := picture.Grey(grey); err != nil {
		return 0, 0, err
	}
	var hist [256]int
	sum, pix := 0, grey.ToBytes()
	for _, v := range pix {
		hist[v]++
		sum += int(v)
	}
	luma = float64(sum) / float64(len(pix))
	at := func(part float64) float64 {
		rank := int(part * float64(len(pix)-1))
		for v, n := range hist {
			if rank -= n; rank < 0 {
				return float64(v)
			}
		}
		return 255
	}
	level := math.Min(ramp(luma, 20, 70), ramp(luma, 250, 205))
	spread := ramp(at(.95)-at(.05), 15, 70)
	return 100 * math.Min(level, spread), luma, nil
}

// Colour tells a picture in colour from a black and white copy: the 90th percentile of
// chroma in CIE L*a*b* after the median a* and b* (the light's cast) were taken
// away. 0 at 2 units and less, 100 from 12 on. On 44 pictures and their grey copies
// the measure separates with an area of .97 under the curve, and .66 to .80 when a strong
// cast is added: balance the white on the tray.
func Colour(bgr gocv.Mat) (float64, error) {
	if err := picture.BGR(bgr); err != nil {
		return 0, err
	}
	lab := gocv.NewMat()
	defer lab.Close()
	gocv.CvtColor(bgr, &lab, gocv.ColorBGRToLab)
	pix := lab.ToBytes()
	var as, bs []byte
	for i := 0; i+2 < len(pix); i += 9 { // every third pixel
		as, bs = append(as, pix[i+1]), append(bs, pix[i+2])
	}
	if len(as) == 0 {
		return 0, nil
	}
	ma, mb := median(as), median(bs)
	chroma := make([]float64, len(as))
	for i := range as {
		chroma[i] = math.Hypot(float64(as[i])-ma, float64(bs[i])-mb)
	}
	sort.Float64s(chroma)
	return 100 * ramp(chroma[len(chroma)*9/10], 2, 12), nil
}
