package reader

import (
	"fmt"
	"image"
	"math"

	"gocv.io/x/gocv"

	"vestibule/models"
	"vestibule/models/face"
)

// Where things are in an aligned face of 112 × 112, for which the five points fix
// eyes, nose and mouth.
var (
	inner  = image.Rect(20, 14, 92, 98) // the face without hair and background
	mouth  = image.Rect(46, 82, 66, 104)
	skin   = [...]image.Rectangle{image.Rect(48, 50, 64, 62), image.Rect(44, 34, 68, 42)} // bridge of the nose, forehead
	cheeks = [...]image.Rectangle{image.Rect(28, 60, 44, 66), image.Rect(68, 60, 84, 66)} // below the eyes
	eyes   = [...]image.Rectangle{image.Rect(30, 46, 46, 56), image.Rect(66, 46, 82, 56)}
)

// Luma limits of ISO/IEC 29794-5 for under- and over-exposure.
const (
	underLuma = 25
	overLuma  = 247
	// halfShift makes 32 bins of the halves' histograms: with one for every value the
	// noise of 3,000 pixels alone would tell the halves apart.
	halfShift = 3
)

// sharpness is the Laplacian variance and the mean of the inner part of the aligned face.
func (s *scratch) sharpness() (variance, mean float64) {
	v := s.grey.Region(inner)
	v.CopyTo(&s.inner)
	v.Close()
	gocv.Laplacian(s.inner, &s.edges, gocv.MatTypeCV64F, 1, 1, 0, gocv.BorderDefault)
	gocv.MeanStdDev(s.edges, &s.mean, &s.dev)
	dev := s.dev.GetDoubleAt(0, 0)
	return dev * dev, s.inner.Mean().Val1
}

// detail measures what capture quality looks at beyond that.
func (s *scratch) detail(f *models.Face) (*models.Detail, error) {
	g, err := s.grey.DataPtrUint8()
	if err != nil || len(g) != alignedSide*alignedSide {
		return nil, fmt.Errorf("%w: the aligned face has %d pixels", models.ErrFrame, len(g))
	}
	d := &models.Detail{}
	var all [256]float64
	var half [2][256 >> halfShift]float64
	middle := (inner.Min.X + inner.Max.X) / 2
	for y := inner.Min.Y; y < inner.Max.Y; y++ {
		for x := inner.Min.X; x < inner.Max.X; x++ {
			v := g[y*alignedSide+x]
			all[v]++
			side := 0
			if x >= middle {
				side = 1
			}
			half[side][v>>halfShift]++
		}
	}
	n := float64(inner.Dx() * inner.Dy())
	for v, count := range all {
		p := count / n
		if p > 0 {
			d.Range -= p * math.Log2(p)
		}
		if v <= underLuma {
			d.Under += p
		}
		if v >= overLuma {
			d.Over += p
		}
	}
	for i := range half[0] {
		d.Uniformity += math.Min(half[0][i], half[1][i]) / (n / 2)
	}
	bare, _ := spread(g, skin[:])
	below, _ := spread(g, cheeks[:])
	_, dev := spread(g, eyes[:])
	d.EyeContrast = 100 * dev / math.Max(1, below)
	d.MouthRelief = 100 * relief(g, mouth) / math.Max(1, (bare+below)/2)
	d.EyesToChin, d.Mouth = lips(f)
	return d, nil
}

// spread is the mean and the standard deviation over some rectangles.
func spread(g []byte, rs []image.Rectangle) (mean, dev float64) {
	var n, sum, square float64
	for _, r := range rs {
		for y := r.Min.Y; y < r.Max.Y; y++ {
			for _, v := range g[y*alignedSide+r.Min.X : y*alignedSide+r.Max.X] {
				x := float64(v)
				n, sum, square = n+1, sum+x, square+x*x
			}
		}
	}
	mean = sum / n
	return mean, math.Sqrt(math.Max(0, square/n-mean*mean))
}

// relief is how much the means of a rectangle's rows differ from an even gradient (root
// of the mean square). Lips, the line between them and their shadow make rows differ.
func relief(g []byte, r image.Rectangle) float64 {
	n := float64(r.Dy())
	var sx, sy, sxx, sxy, syy float64
	for y := r.Min.Y; y < r.Max.Y; y++ {
		var row float64
		for _, v := range g[y*alignedSide+r.Min.X : y*alignedSide+r.Max.X] {
			row += float64(v)
		}
		row /= float64(r.Dx())
		x := float64(y - r.Min.Y)
		sx, sy, sxx, sxy, syy = sx+x, sy+row, sxx+x*x, sxy+x*row, syy+row*row
	}
	vx, vy, cov := sxx/n-sx*sx/n/n, syy/n-sy*sy/n/n, sxy/n-sx*sy/n/n
	return math.Sqrt(math.Max(0, vy-cov*cov/vx))
}

// lips is the distance from the eyes' middle to the chin in pixels, and the widest gap
// between the lips in parts of it (ISO/IEC 29794-5 takes mouth closed from the same ratio).
func lips(f *models.Face) (chin, gap float64) {
	w, h := float64(f.Width), float64(f.Height)
	apart := func(a, b models.Point) float64 { return math.Hypot((a.X-b.X)*w, (a.Y-b.Y)*h) }
	five := face.FivePoints(f.Points)
	middle := models.Point{X: (five[0].X + five[1].X) / 2, Y: (five[0].Y + five[1].Y) / 2}
	chin = apart(middle, f.Points[8])
	for _, p := range [...][2]int{{61, 67}, {62, 66}, {63, 65}} {
		gap = math.Max(gap, apart(f.Points[p[0]], f.Points[p[1]]))
	}
	return chin, gap / math.Max(1, chin)
}
