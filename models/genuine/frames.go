package genuine

import (
	"math"

	"gocv.io/x/gocv"

	"vestibule/models/picture"
)

// Frames of the same document are compared in small pictures of it.
const (
	stillSide = 320  // longer side of the frames that are compared for bands
	stillMove = .004 // of the diagonal, that a corner may move between them
	tiltWide  = 192
	tiltHigh  = 128
	tiltCell  = 8
	tiltTurn  = .03 // how much the ratio of opposite sides must change
)

// flicker measures the bands that a pulsed light leaves in the rows of a camera: of the logarithm
// of the ratio of two frames' rows inside the document, without the slow change, the
// deviation less that of the rows outside, in percent. false: the frames do not hold still.
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
		small, err := picture.Resize(m, w, h)
		if err != nil {
			return 0, false, err
		}
		grey, err := picture.ToGrey(small)
		small.Close()
		if err != nil {
			return 0, false, err
		}
		pix[i] = grey.ToBytes()
		grey.Close()
		if len(pix[i]) != w*h {
			return 0, false, nil
		}
	}
	q := qa.scaled(float64(w)/float64(a.Cols()), float64(h)/float64(a.Rows()))
	in, out := q.shrunk(.06), q.shrunk(-.08)
	rows := func(keep func(x, y float64) bool) (ratio []float64) {
		for y := range h {
			var one, two, n float64
			for x := range w {
				u, v := pix[0][y*w+x], pix[1][y*w+x]
				if u < 250 && v < 250 && keep(float64(x)+.5, float64(y)+.5) {
					one, two, n = one+float64(u), two+float64(v), n+1
				}
			}
			if n >= float64(w)/10 {
				ratio = append(ratio, math.Log((one/n+8)/(two/n+8)))
			}
		}
		return ratio
	}
	inside, outside := rows(in.inside), rows(func(x, y float64) bool { return !out.inside(x, y) })
	if len(inside) < 30 {
		return 0, false, nil
	}
	return 100 * math.Max(0, deviation(inside)-deviation(outside)), true, nil
}

// deviation is that of v without its straight line.
func deviation(v []float64) float64 {
	n := float64(len(v))
	if n < 3 {
		return 0
	}
	var sx, sy, xx, xy float64
	for i, y := range v {
		x := float64(i)
		sx, sy, xx, xy = sx+x, sy+y, xx+x*x, xy+x*y
	}
	k := (n*xy - sx*sy) / (n*xx - sx*sx)
	c := (sy - k*sx) / n
	s := 0.0
	for i, y := range v {
		d := y - c - k*float64(i)
		s += d * d
	}
	return math.Sqrt(s / n)
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
