package reader

import (
	"fmt"
	"image"
	"math"
	"slices"

	"gocv.io/x/gocv"

	"vestibule/models"
	"vestibule/models/face"
	"vestibule/models/picture"
)

// suppress keeps the surest of overlapping boxes and orders the rest by size.
func suppress(all []Detection) []Detection {
	slices.SortStableFunc(all, func(a, b Detection) int { return compare(b.Score, a.Score) })
	var keep []Detection
	for _, d := range all {
		if !slices.ContainsFunc(keep, func(k Detection) bool { return face.IoU(k.Box, d.Box) > detectOverlap }) {
			keep = append(keep, d)
		}
	}
	slices.SortStableFunc(keep, func(a, b Detection) int { return compare(size(b.Box), size(a.Box)) })
	return keep
}

func compare(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func size(b models.Box) float64 { return (b.X2 - b.X1) * (b.Y2 - b.Y1) }

// count is how many faces matter: the largest, and others that are sure and large.
func count(found []Detection) int {
	n := 0
	for i, d := range found {
		if i == 0 || d.Score > face.SecondScore && size(d.Box) > face.SecondArea*size(found[0].Box) {
			n++
		}
	}
	return n
}

func clip(b models.Box) models.Box {
	in := func(v float64) float64 { return min(1, max(0, v)) }
	return models.Box{X1: in(b.X1), Y1: in(b.Y1), X2: in(b.X2), Y2: in(b.Y2)}
}

// pixels is the box in whole pixels, inside the picture and never empty.
func pixels(b models.Box, m gocv.Mat) image.Rectangle {
	w, h := m.Cols(), m.Rows()
	at := func(v float64, n int) int { return int(math.Round(min(1, max(0, v)) * float64(n))) }
	r := image.Rect(at(b.X1, w), at(b.Y1, h), at(b.X2, w), at(b.Y2, h))
	r.Min.X, r.Min.Y = min(r.Min.X, w-1), min(r.Min.Y, h-1)
	r.Max.X, r.Max.Y = max(r.Max.X, r.Min.X+1), max(r.Max.Y, r.Min.Y+1)
	return r
}

// square is the box's middle with equal sides of n pixels, anywhere.
func square(b models.Box, m gocv.Mat, n float64) image.Rectangle {
	n = min(max(math.Round(n), 2), models.MaxFrameSide/2)
	x := math.Round((b.X1+b.X2)/2*float64(m.Cols()) - n/2)
	y := math.Round((b.Y1+b.Y2)/2*float64(m.Rows()) - n/2)
	return image.Rect(int(x), int(y), int(x+n), int(y+n))
}

// clipped is the part of r inside the picture, at least one pixel.
func clipped(r image.Rectangle, m gocv.Mat) (image.Rectangle, error) {
	in := r.Intersect(image.Rect(0, 0, m.Cols(), m.Rows()))
	if in.Dx() < 2 || in.Dy() < 2 {
		return in, fmt.Errorf("%w: the face is outside the picture", models.ErrFrame)
	}
	return in, nil
}

// landmarks: a square as high as the box, clipped to the picture → 64 × 64 grey → 68 points.
func (r *Reader) landmarks(l *lane, m gocv.Mat, b models.Box) (p [68]models.Point, err error) {
	box, err := clipped(square(b, m, (b.Y2-b.Y1)*float64(m.Rows())), m)
	if err != nil {
		return p, err
	}
	g, err := l.cutGrey(m, box, 64)
	if err != nil {
		return p, err
	}
	err = r.run(netLandmark, g, false, []float32{0}, []float32{1.0 / 256}, func(out [][]float32) error {
		v := out[0]
		if len(v) != 2*len(p) {
			return fmt.Errorf("%w: landmarks gave %d values", models.ErrModel, len(v))
		}
		for i := range p {
			p[i].X = (float64(box.Min.X) + float64(v[2*i])*float64(box.Dx())) / float64(m.Cols())
			p[i].Y = (float64(box.Min.Y) + float64(v[2*i+1])*float64(box.Dy())) / float64(m.Rows())
		}
		return nil
	})
	return p, err
}

// The places of the five points in an aligned 112 × 112 face.
var aligned = [5]models.Point{
	{X: 38.2946, Y: 51.6963},
	{X: 73.5318, Y: 51.5014},
	{X: 56.0252, Y: 71.7366},
	{X: 41.5493, Y: 92.3655},
	{X: 70.7299, Y: 92.2041},
}

const alignedSide = 112

// similarity is the least-squares turn, scale and shift from one set of points
// to another (S. Umeyama 1991, in the plane, without reflection): x' = a·x − b·y + c,
// y' = b·x + a·y + d.
func similarity(from, to [5]models.Point) (a, b, c, d float64, ok bool) {
	var mf, mt models.Point
	for i := range from {
		mf.X, mf.Y = mf.X+from[i].X/5, mf.Y+from[i].Y/5
		mt.X, mt.Y = mt.X+to[i].X/5, mt.Y+to[i].Y/5
	}
	var dot, cross, norm float64
	for i := range from {
		fx, fy, tx, ty := from[i].X-mf.X, from[i].Y-mf.Y, to[i].X-mt.X, to[i].Y-mt.Y
		dot += fx*tx + fy*ty
		cross += fx*ty - fy*tx
		norm += fx*fx + fy*fy
	}
	if norm < 1e-9 {
		return 0, 0, 0, 0, false
	}
	a, b = dot/norm, cross/norm
	return a, b, mt.X - a*mf.X + b*mf.Y, mt.Y - b*mf.X - a*mf.Y, true
}

// align turns, scales and shifts the face so that its five points lie where the template
// network wants them: into s.aligned, and in grey into s.grey.
func (s *scratch) align(m gocv.Mat, five [5]models.Point) error {
	for i := range five {
		five[i].X *= float64(m.Cols())
		five[i].Y *= float64(m.Rows())
	}
	a, b, c, d, ok := similarity(five, aligned)
	if !ok || math.IsNaN(a+b+c+d) || math.IsInf(a+b+c+d, 0) || math.Hypot(a, b) < 1e-3 {
		return fmt.Errorf("%w: the face's points coincide", models.ErrFrame)
	}
	for i, v := range [...]float64{a, -b, c, b, a, d} {
		s.warp.SetDoubleAt(i/3, i%3, v)
	}
	gocv.WarpAffine(m, &s.aligned, s.warp, image.Pt(alignedSide, alignedSide))
	gocv.CvtColor(s.aligned, &s.grey, gocv.ColorBGRToGray)
	return nil
}

// template: the network's answers for the aligned face and its mirror image, added and normalised.
func (r *Reader) template(s *scratch) ([]float32, error) {
	gocv.Flip(s.aligned, &s.mirror, 1)
	var sum []float32
	for _, m := range [...]gocv.Mat{s.aligned, s.mirror} {
		err := r.run(netFeature, m, false, []float32{127.5}, []float32{1.0 / 128}, func(out [][]float32) error {
			if sum == nil {
				sum = make([]float32, len(out[0]))
			}
			for i, v := range out[0] {
				sum[i] += v
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	var norm float64
	for _, v := range sum {
		norm += float64(v) * float64(v)
	}
	norm = math.Sqrt(norm)
	if norm == 0 || math.IsNaN(norm) || math.IsInf(norm, 0) {
		return nil, fmt.Errorf("%w: template is not a number", models.ErrModel)
	}
	for i := range sum {
		sum[i] /= float32(norm)
	}
	return sum, nil
}

// The tensor that the liveness network's last layer turns into its answer, after its
// normalisation: the name is the network's own.
const (
	liveFeatures    = "581"
	liveFeatureSize = 128
)

// liveness: two squares around the box, 1.5 and 2 times its longer side, black where the
// picture ends. Besides the mean answer it returns what that was decided on.
func (r *Reader) liveness(l *lane, m gocv.Mat, b models.Box) (live float64, features []float32, err error) {
	long := math.Max((b.X2-b.X1)*float64(m.Cols()), (b.Y2-b.Y1)*float64(m.Rows()))
	for _, s := range [...]float64{1.5, 2} {
		c, err := l.cut(m, square(b, m, long*s), 128, 128)
		if err != nil {
			return 0, nil, err
		}
		err = r.run(netLiveness, c, false, []float32{0}, []float32{1}, func(out [][]float32) error {
			live += softmax(out[0], func(class int) float64 { return float64(max(0, 1-class)) }) / 2
			features = append(features, out[1]...) // the tap comes after the network's own output
			return nil
		})
		if err != nil {
			return 0, nil, err
		}
	}
	return live, features, nil
}

// pose: the square box grown by a quarter on each side → 224 × 224; each angle is the mean of its 66 bins.
func (r *Reader) pose(l *lane, m gocv.Mat, b models.Box) (yaw, pitch, roll float64, err error) {
	box, err := clipped(square(b, m, 1.5*(b.Y2-b.Y1)*float64(m.Rows())), m)
	if err != nil {
		return 0, 0, 0, err
	}
	c, err := l.cut(m, box, 224, 224)
	if err != nil {
		return 0, 0, 0, err
	}
	err = r.run(netPose, c, true,
		[]float32{0.485 * 255, 0.456 * 255, 0.406 * 255},
		[]float32{1 / (0.229 * 255), 1 / (0.224 * 255), 1 / (0.225 * 255)},
		func(out [][]float32) error {
			if len(out) != 3 {
				return fmt.Errorf("%w: pose gave %d angles", models.ErrModel, len(out))
			}
			degrees := func(bin int) float64 { return 3*float64(bin) - 99 }
			yaw, pitch, roll = softmax(out[0], degrees), softmax(out[1], degrees), softmax(out[2], degrees)
			return nil
		})
	return yaw, pitch, roll, err
}

// eyes is how surely the less open eye is open, 0..1.
func (r *Reader) eyes(l *lane, m gocv.Mat, p *[68]models.Point) (float64, error) {
	open := 1.0
	for _, first := range [...]int{36, 42} {
		var mid models.Point
		for i := first; i < first+6; i++ {
			mid.X += p[i].X / 6
			mid.Y += p[i].Y / 6
		}
		width := math.Hypot((p[first+3].X-p[first].X)*float64(m.Cols()), (p[first+3].Y-p[first].Y)*float64(m.Rows()))
		g, err := l.cutGrey(m, square(models.Box{X1: mid.X, X2: mid.X, Y1: mid.Y, Y2: mid.Y}, m, 1.6*width), 24)
		if err != nil {
			return 0, err
		}
		err = r.run(netEye, g, false, []float32{0}, []float32{1.0 / 255}, func(out [][]float32) error {
			open = math.Min(open, softmax(out[0], func(class int) float64 { return float64(min(class, 1)) }))
			return nil
		})
		if err != nil {
			return 0, err
		}
	}
	return open, nil
}

// luma is the mean luma of a part of a BGR picture, from at most 160 × 160 samples.
func luma(m gocv.Mat, r image.Rectangle) (float64, error) {
	r = r.Intersect(image.Rect(0, 0, m.Cols(), m.Rows()))
	if r.Empty() {
		return 0, fmt.Errorf("%w: nothing to look at", models.ErrFrame)
	}
	part := m.Region(r)
	defer part.Close()
	small, err := picture.ResizeBy(part, min(160, r.Dx()), min(160, r.Dy()), gocv.InterpolationNearestNeighbor)
	if err != nil {
		return 0, err
	}
	defer small.Close()
	v := small.Mean()
	return 0.114*v.Val1 + 0.587*v.Val2 + 0.299*v.Val3, nil
}

// softmax is the mean of value over the classes, weighted by how likely the network's
// answers make them.
func softmax(v []float32, value func(class int) float64) float64 {
	top := math.Inf(-1)
	for _, x := range v {
		top = math.Max(top, float64(x))
	}
	var sum, mean float64
	for i, x := range v {
		e := math.Exp(float64(x) - top)
		sum += e
		mean += e * value(i)
	}
	if sum == 0 {
		return 0
	}
	return mean / sum
}
