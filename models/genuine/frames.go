package genuine

import (
	"image"
	"math"

	"gocv.io/x/gocv"

	"vestibule/models/picture"
)

// Frames of the same document are compared in small pictures of it.
const (
	stillSide = 320  // longer side of the frames that are compared for bands
	stillBlur = 3    // deviation of their blur, pixels
	stillMove = .004 // of the diagonal, that a corner may move between them
	tiltWide  = 192
	tiltHigh  = 128
	tiltCell  = 8
	tiltTurn  = .03 // how much the ratio of opposite sides must change
)

// flicker measures the bands that a pulsed light leaves in the rows of a camera. They run right
// across the document, which tells them from a reflection or the edge of a shadow: of the logarithm of two
// frames' ratio, each third of the document gives a profile of its rows, without its slow change, and what the three
// have in common counts, less the deviation of the rows outside, in percent. Print that moves by a
// pixel between the frames is blurred away before. false: the frames do not hold still.
func flicker(a, b gocv.Mat, qa, qb quad) (percent float64, ok bool, err error) {
	if a.Cols() != b.Cols() || a.Rows() != b.Rows() {
		return 0, false, nil
	}
	diagonal := math.Hypot(float64(a.Cols()), float64(a.Rows()))
	for i := range qa {
		if qa[i].sub(qb[i]).length() > stillMove*diagonal {
			return 0, false, nil
		}
	}
	w, h := picture.Within(a.Cols(), a.Rows(), stillSide, stillSide)
	var pix [2][]byte
	for i, m := range []gocv.Mat{a, b} {
		if pix[i], err = soft(m, w, h); err != nil || len(pix[i]) != w*h {
			return 0, false, err
		}
	}
	q := qa.scaled(float64(w)/float64(a.Cols()), float64(h)/float64(a.Rows()))
	in, out := q.shrunk(.1), q.shrunk(-.12)
	// profile is the rows' mean of the logarithm of the ratio, NaN where fewer than least pixels count.
	profile := func(least int, keep func(x, y float64) bool) []float64 {
		rows := make([]float64, h)
		for y := range h {
			sum, n := 0.0, 0
			for x := range w {
				u, v := pix[0][y*w+x], pix[1][y*w+x]
				if u < 240 && v < 240 && keep(float64(x)+.5, float64(y)+.5) {
					sum, n = sum+math.Log((float64(u)+8)/(float64(v)+8)), n+1
				}
			}
			rows[y] = math.NaN()
			if n >= least {
				rows[y] = sum / float64(n)
			}
		}
		return rows
	}
	bounds := in.bounds(w, h)
	var thirds [3][]float64
	for i := range thirds {
		from := float64(bounds.Min.X) + float64(bounds.Dx()*i)/3
		to := from + float64(bounds.Dx())/3
		thirds[i] = profile(max(4, w/40), func(x, y float64) bool { return x >= from && x < to && in.inside(x, y) })
	}
	shared, n := common(thirds)
	if n < 30 {
		return 0, false, nil
	}
	outside := profile(w/10, func(x, y float64) bool { return !out.inside(x, y) })
	room, _ := common([3][]float64{outside, outside, outside})
	return 100 * math.Max(0, shared-room), true, nil
}

// soft is the picture in w × h grey levels, blurred so far that lines of print are gone and bands are not: a
// line of print is a 20th of a card's height at most, a band of a display a tenth of the frame's at least.
func soft(m gocv.Mat, w, h int) ([]byte, error) {
	small, err := picture.Resize(m, w, h)
	if err != nil {
		return nil, err
	}
	defer small.Close()
	grey, err := picture.ToGrey(small)
	if err != nil {
		return nil, err
	}
	defer grey.Close()
	gocv.GaussianBlur(grey, &grey, image.Pt(0, 0), stillBlur, stillBlur, gocv.BorderReflect101)
	return grey.ToBytes(), nil
}

// common is the deviation that three profiles share, each without its straight line: the square root of
// their mean covariance, 0 when they contradict each other; and over how many rows.
func common(profiles [3][]float64) (deviation float64, n int) {
	var rows [3][]float64
	for y := range profiles[0] {
		if a, b, c := profiles[0][y], profiles[1][y], profiles[2][y]; !math.IsNaN(a + b + c) {
			rows[0], rows[1], rows[2] = append(rows[0], a), append(rows[1], b), append(rows[2], c)
		}
	}
	if n = len(rows[0]); n < 3 {
		return 0, n
	}
	for i := range rows {
		straighten(rows[i])
	}
	sum := 0.0
	for y := range n {
		a, b, c := rows[0][y], rows[1][y], rows[2][y]
		sum += (a*b + b*c + c*a) / 3
	}
	return math.Sqrt(math.Max(0, sum/float64(n))), n
}

// straighten takes the straight line out of v.
func straighten(v []float64) {
	n := float64(len(v))
	var sx, sy, xx, xy float64
	for i, y := range v {
		x := float64(i)
		sx, sy, xx, xy = sx+x, sy+y, xx+x*x, xy+x*y
	}
	k := (n*xy - sx*sy) / (n*xx - sx*sx)
	c := (sy - k*sx) / n
	for i := range v {
		v[i] -= c + k*float64(i)
	}
}

// tilted tells whether two outlines show the document in different poses: the ratio of
// opposite sides is what a tilt changes and a shift or a turn does not.
func tilted(a, b quad) bool {
	ratio := func(q quad, i int) float64 {
		return q[(i+1)%4].sub(q[i]).length() / math.Max(1, q[(i+3)%4].sub(q[(i+2)%4]).length())
	}
	for i := range 2 {
		if math.Abs(math.Log(ratio(a, i)/ratio(b, i))) > tiltTurn {
			return true
		}
	}
	return false
}

// shimmer is the share of the document, in percent of cells of 8 × 8 pixels of a picture of 192 × 128,
// whose colour or brightness changes between two poses otherwise than the document's as a whole:
// by more than 10 in a*, b* or 25 in L*. White reflections are left out: everything smooth
// has them.
func shimmer(a, b gocv.Mat, qa, qb quad) (percent float64, err error) {
	var cells [2][][3]float64
	for i, m := range []gocv.Mat{a, b} {
		q := qa
		if i == 1 {
			q = qb
		}
		flat, err := flatten(m, q, 0)
		if err != nil {
			return 0, nil // too small
		}
		small, err := picture.Resize(flat, tiltWide, tiltHigh)
		flat.Close()
		if err != nil {
			return 0, err
		}
		lab := gocv.NewMat()
		gocv.CvtColor(small, &lab, gocv.ColorBGRToLab)
		small.Close()
		pix := lab.ToBytes()
		lab.Close()
		if len(pix) != 3*tiltWide*tiltHigh {
			return 0, nil
		}
		for y := tiltCell; y+2*tiltCell <= tiltHigh; y += tiltCell {
			for x := tiltCell; x+2*tiltCell <= tiltWide; x += tiltCell {
				var s [3]float64
				for j := range tiltCell * tiltCell {
					at := 3 * ((y+j/tiltCell)*tiltWide + x + j%tiltCell)
					for c := range s {
						s[c] += float64(pix[at+c]) / (tiltCell * tiltCell)
					}
				}
				cells[i] = append(cells[i], s)
			}
		}
	}
	var change [3][]float64
	for i := range cells[0] {
		for c := range change {
			change[c] = append(change[c], cells[1][i][c]-cells[0][i][c])
		}
	}
	var global [3]float64
	for c := range global {
		global[c] = median(append([]float64(nil), change[c]...))
	}
	n := 0
	for i := range cells[0] {
		if math.Max(cells[0][i][0], cells[1][i][0]) > 245 {
			continue
		}
		l, x, y := change[0][i]-global[0], change[1][i]-global[1], change[2][i]-global[2]
		// OpenCV's 8-bit L* is 0..255 for 0..100.
		if math.Hypot(x, y) > 10 || math.Abs(l) > 25*2.55 {
			n++
		}
	}
	return 100 * float64(n) / float64(len(cells[0])), nil
}
