package quality

import (
	"math"

	"gocv.io/x/gocv"

	"vestibule/models"
)

// exposure is 100 times the smaller of two parts: the mean luma (full between 70 and
// 205, none below 20 or above 250) and the spread between the 5th and the 95th
// percentile (none below 15 grey levels, full from 70). luma is the mean, 0..255.
func exposure(p plane) (score, luma float64) {
	var hist [256]int
	sum := 0
	for _, v := range p.pix {
		hist[v]++
		sum += int(v)
	}
	n := len(p.pix)
	luma = float64(sum) / float64(n)
	level := math.Min(ramp(luma, 20, 70), ramp(luma, 250, 205))
	spread := ramp(float64(percentile(hist[:], n, .95)-percentile(hist[:], n, .05)), 15, 70)
	return 100 * math.Min(level, spread), luma
}

// percentile is the place in a histogram of n things below which the part of them lies.
func percentile(hist []int, n int, part float64) int {
	rank := int(part * float64(n-1))
	for v, k := range hist {
		if rank -= k; rank < 0 {
			return v
		}
	}
	return len(hist) - 1
}

const (
	// The light's colour shows where a pixel is neither too dark to have one nor clipped.
	castDark = 48
	castFull = 250
	castFew  = .02 // share of such pixels from which the others do not count

	ratioSteps  = 64             // an octave of the ratio of two channels
	ratioMiddle = 3 * ratioSteps // a ratio of one
	ratioPlaces = 2*ratioMiddle + 1

	chromaNone = 2.0  // units of L*a*b*: what a copy's noise leaves
	chromaFull = 12.0 // a document in colour
)

// colour tells a picture in colour from a black and white copy: the 90th percentile of
// chroma in CIE L*a*b* after the light's colour was taken away.
//
// A lamp multiplies the channels, so over a grey copy their ratios are the same everywhere: the
// median ratios are divided out. (Subtracting the median a* and b* instead leaves what
// grows with brightness, and a strong cast makes copies as colourful as documents.) A clipped
// pixel has lost its ratio and does not count while enough others are there.
func (m *Measurer) colour(bgr gocv.Mat) (float64, error) {
	bgr.CopyTo(&m.tint)
	pix, err := m.tint.DataPtrUint8()
	if err != nil || len(pix) != 3*bgr.Cols()*bgr.Rows() {
		return 0, models.ErrFrame
	}
	var logs [256]int
	for v := range logs {
		logs[v] = int(math.Round(ratioSteps * math.Log2(float64(max(1, v)))))
	}
	place := func(a, b byte) int { return min(ratioPlaces-1, max(0, logs[a]-logs[b]+ratioMiddle)) }
	var blue, red [ratioPlaces]int
	n, unclipped, all := 0, 0, len(pix)/3
	for i := 0; i+2 < len(pix); i += 3 {
		b, g, r := pix[i], pix[i+1], pix[i+2]
		top := max(b, g, r)
		if top >= castFull {
			continue
		}
		unclipped++
		if top >= castDark {
			n++
			blue[place(b, g)]++
			red[place(r, g)]++
		}
	}
	gain := [3]float64{1, 1, 1}
	if n > 0 {
		gain[0] = math.Exp2(float64(ratioMiddle-percentile(blue[:], n, .5)) / ratioSteps)
		gain[2] = math.Exp2(float64(ratioMiddle-percentile(red[:], n, .5)) / ratioSteps)
	}
	// The brightest channel keeps its level, so that nothing is clipped by the gains.
	most := max(gain[0], 1, gain[2])
	var table [3][256]byte
	for c := range table {
		for v := range table[c] {
			table[c][v] = byte(math.Round(float64(v) * gain[c] / most))
		}
	}
	drop := float64(unclipped) >= castFew*float64(all)
	m.clipped = m.clipped[:0]
	for i := 0; i+2 < len(pix); i += 3 {
		m.clipped = append(m.clipped, drop && max(pix[i], pix[i+1], pix[i+2]) >= castFull)
		for c := range 3 {
			pix[i+c] = table[c][pix[i+c]]
		}
	}
	gocv.CvtColor(m.tint, &m.lab, gocv.ColorBGRToLab)
	lab, err := m.lab.DataPtrUint8()
	if err != nil || len(lab) != len(pix) {
		return 0, models.ErrFrame
	}
	const tenth = 10 // of a unit
	var chroma [200 * tenth]int
	n = 0
	for i, skip := range m.clipped {
		if skip {
			continue
		}
		n++
		a, b := float64(lab[3*i+1])-128, float64(lab[3*i+2])-128
		chroma[min(len(chroma)-1, int(tenth*math.Sqrt(a*a+b*b)))]++
	}
	return 100 * ramp(float64(percentile(chroma[:], n, .9))/tenth, chromaNone, chromaFull), nil
}
