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
)

// sharpness is the Laplacian variance and the mean of the inner part of the aligned face.
// The template's own alignment picks single pixels of a large face, so that a sensor's
// noise looks like detail in a picture that is all blur. Here a face of twice the size
// and more is averaged down first, as a coarser sensor would have seen it.
func (s *scratch) sharpness(m gocv.Mat) (variance, mean float64) {
	a, b, c, d := s.warp.GetDoubleAt(0, 0), s.warp.GetDoubleAt(1, 0), s.warp.GetDoubleAt(0, 2), s.warp.GetDoubleAt(1, 2)
	k := int(1 / math.Hypot(a, b))
	from, ok := s.under(m, a, b, c, d, k)
	if k < 2 || !ok {
		v := s.grey.Region(inner)
		v.CopyTo(&s.inner)
		v.Close()
	} else {
		v := m.Region(from)
		gocv.Resize(v, &s.small, image.Pt(from.Dx()/k, from.Dy()/k), 0, 0, gocv.InterpolationArea)
		v.Close()
		gocv.CvtColor(s.small, &s.inner, gocv.ColorBGRToGray)
		s.inner.CopyTo(&s.small)
		// A pixel of the small picture is the middle of k × k of the frame's.
		x, y := float64(from.Min.X)+float64(k-1)/2, float64(from.Min.Y)+float64(k-1)/2
		w := float64(k)
		for i, v := range [...]float64{
			w * a, -w * b, c + a*x - b*y - float64(inner.Min.X),
			w * b, w * a, d + b*x + a*y - float64(inner.Min.Y),
		} {
			s.warp.SetDoubleAt(i/3, i%3, v)
		}
		gocv.WarpAffine(s.small, &s.inner, s.warp, inner.Size())
	}
	gocv.Laplacian(s.inner, &s.edges, gocv.MatTypeCV64F, 1, 1, 0, gocv.BorderDefault)
	gocv.MeanStdDev(s.edges, &s.mean, &s.dev)
	dev := s.dev.GetDoubleAt(0, 0)
	return dev * dev, s.inner.Mean().Val1
}

// under is the part of the picture that lies under the inner part of the aligned face, in
// whole multiples of k pixels; false when that is nothing.
func (s *scratch) under(m gocv.Mat, a, b, c, d float64, k int) (image.Rectangle, bool) {
	if k < 2 || k > models.MaxFrameSide {
		return image.Rectangle{}, false
	}
	n := a*a + b*b
	var r image.Rectangle
	for _, p := range [...]image.Point{inner.Min, inner.Max, {X: inner.Min.X, Y: inner.Max.Y}, {X: inner.Max.X, Y: inner.Min.Y}} {
		x, y := float64(p.X)-c, float64(p.Y)-d
		at := image.Pt(int((a*x+b*y)/n), int((a*y-b*x)/n))
		r = r.Union(image.Rectangle{Min: at.Sub(image.Pt(k, k)), Max: at.Add(image.Pt(k+1, k+1))})
	}
	r = r.Intersect(image.Rect(0, 0, m.Cols(), m.Rows()))
	r.Max.X -= r.Dx() % k
	r.Max.Y -= r.Dy() % k
	return r, r.Dx() >= 2*k && r.Dy() >= 2*k
}

// detail measures what capture quality looks at beyond that.
func (s *scratch) detail(f *models.Face) (*models.Detail, error) {
	g, err := s.grey.DataPtrUint8()
	if err != nil || len(g) != alignedSide*alignedSide {
		return nil, fmt.Errorf("%w: the aligned face has %d pixels", models.ErrFrame, len(g))
	}
	d := &models.Detail{}
	var all [256]float64
	var half [2][256]float64
	middle := (inner.Min.X + inner.Max.X) / 2
	for y := inner.Min.Y; y < inner.Max.Y; y++ {
		for x := inner.Min.X; x < inner.Max.X; x++ {
			v := g[y*alignedSide+x]
			all[v]++
			side := 0
			if x >= middle {
				side = 1
			}
			half[side][v]++
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
