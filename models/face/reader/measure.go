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

// cut crops and scales to side × side by plain bilinear sampling, as the networks were trained.
func cut(m gocv.Mat, r image.Rectangle, side int) (gocv.Mat, error) {
	c, err := picture.Crop(m, r)
	if err != nil {
		return gocv.Mat{}, err
	}
	defer c.Close()
	return picture.ResizeBy(c, side, side, gocv.InterpolationLinear)
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
func (r *Reader) landmarks(m gocv.Mat, b models.Box) (p [68]models.Point, err error) {
	box, err := clipped(square(b, m, (b.Y2-b.Y1)*float64(m.Rows())), m)
	if err != nil {
		return p, err
	}
	c, err := cut(m, box, 64)
	if err != nil {
		return p, err
	}
	defer c.Close()
	g, err := picture.ToGrey(c)
	if err != nil {
		return p, err
	}
	defer g.Close()
	in, err := picture.Planes(g, false, []float32{0}, []float32{1.0 / 256})
	if err != nil {
		return p, err
	}
	out, err := r.run(netLandmark, in, 1, 1, 64, 64)
	if err != nil {
		return p, err
	}
	v := out["output"].Data
	if len(v) != 2*len(p) {
		return p, fmt.Errorf("%w: landmarks gave %d values", models.ErrModel, len(v))
	}
	for i := range p {
		p[i].X = (float64(box.Min.X) + float64(v[2*i])*float64(box.Dx())) / float64(m.Cols())
		p[i].Y = (float64(box.Min.Y) + float64(v[2*i+1])*float64(box.Dy())) / float64(m.Rows())
	}
	return p, nil
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

// align turns, scales and shifts the face so that its five points lie where the template network wants them.
func align(m gocv.Mat, five [5]models.Point) (gocv.Mat, error) {
	for i := range five {
		five[i].X *= float64(m.Cols())
		five[i].Y *= float64(m.Rows())
	}
	a, b, c, d, ok := similarity(five, aligned)
	if !ok || math.IsNaN(a+b+c+d) || math.IsInf(a+b+c+d, 0) || math.Hypot(a, b) < 1e-3 {
		return gocv.Mat{}, fmt.Errorf("%w: the face's points coincide", models.ErrFrame)
	}
	t := gocv.NewMatWithSize(2, 3, gocv.MatTypeCV64F)
	defer t.Close()
	for i, v := range []float64{a, -b, c, b, a, d} {
		t.SetDoubleAt(i/3, i%3, v)
	}
	out := gocv.NewMat()
	gocv.WarpAffine(m, &out, t, image.Pt(alignedSide, alignedSide))
	return out, nil
}

// template: the network's answers for the aligned face and its mirror image, added and normalised.
func (r *Reader) template(face gocv.Mat) ([]float32, error) {
	mirror := gocv.NewMat()
	defer mirror.Close()
	gocv.Flip(face, &mirror, 1)
	var sum []float32
	for _, m := range []gocv.Mat{face, mirror} {
		in, err := picture.Planes(m, false, []float32{127.5}, []float32{1.0 / 128})
		if err != nil {
			return nil, err
		}
		out, err := r.run(netFeature, in, 1, 3, alignedSide, alignedSide)
		if err != nil {
			return nil, err
		}
		v := out["output"].Data
		if sum == nil {
			sum = make([]float32, len(v))
		}
		for i := range v {
			sum[i] += v[i]
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
func (r *Reader) liveness(m gocv.Mat, b models.Box) (live float64, features []float32, err error) {
	long := math.Max((b.X2-b.X1)*float64(m.Cols()), (b.Y2-b.Y1)*float64(m.Rows()))
	var sum float64
	for _, s := range []float64{1.5, 2} {
		c, err := cut(m, square(b, m, long*s), 128)
		if err != nil {
			return 0, nil, err
		}
		in, err := picture.Planes(c, false, []float32{0}, []float32{1})
		c.Close()
		if err != nil {
			return 0, nil, err
		}
		out, err := r.run(netLiveness, in, 1, 3, 128, 128)
		if err != nil {
			return 0, nil, err
		}
		sum += softmax(out["output"].Data)[0]
		features = append(features, out[liveFeatures].Data...)
	}
	return sum / 2, features, nil
}

// pose: the square box grown by a quarter on each side → 224 × 224; each angle is the mean of its 66 bins.
func (r *Reader) pose(m gocv.Mat, b models.Box) (yaw, pitch, roll float64, err error) {
	box, err := clipped(square(b, m, 1.5*(b.Y2-b.Y1)*float64(m.Rows())), m)
	if err != nil {
		return 0, 0, 0, err
	}
	c, err := cut(m, box, 224)
	if err != nil {
		return 0, 0, 0, err
	}
	defer c.Close()
	in, err := picture.Planes(c, true,
		[]float32{0.485 * 255, 0.456 * 255, 0.406 * 255},
		[]float32{1 / (0.229 * 255), 1 / (0.224 * 255), 1 / (0.225 * 255)})
	if err != nil {
		return 0, 0, 0, err
	}
	out, err := r.run(netPose, in, 1, 3, 224, 224)
	if err != nil {
		return 0, 0, 0, err
	}
	angle := func(name string) (a float64) {
		for i, p := range softmax(out[name].Data) {
			a += p * float64(i) * 3
		}
		return a - 99
	}
	return angle("output"), angle("617"), angle("618"), nil
}

// eyes is how surely the less open eye is open, 0..1.
func (r *Reader) eyes(m gocv.Mat, p [68]models.Point) (float64, error) {
	open := 1.0
	for _, first := range []int{36, 42} {
		var mid models.Point
		for i := first; i < first+6; i++ {
			mid.X += p[i].X / 6
			mid.Y += p[i].Y / 6
		}
		width := math.Hypot((p[first+3].X-p[first].X)*float64(m.Cols()), (p[first+3].Y-p[first].Y)*float64(m.Rows()))
		c, err := cut(m, square(models.Box{X1: mid.X, X2: mid.X, Y1: mid.Y, Y2: mid.Y}, m, 1.6*width), 24)
		if err != nil {
			return 0, err
		}
		g, err := picture.ToGrey(c)
		c.Close()
		if err != nil {
			return 0, err
		}
		in, err := picture.Planes(g, false, []float32{0}, []float32{1.0 / 255})
		g.Close()
		if err != nil {
			return 0, err
		}
		out, err := r.run(netEye, in, 1, 1, 24, 24)
		if err != nil {
			return 0, err
		}
		open = math.Min(open, softmax(out["output"].Data)[1])
	}
	return open, nil
}

// sharpness is the Laplacian variance and the mean of the inner 72 × 84 of an aligned face.
func sharpness(face gocv.Mat) (variance, mean float64, err error) {
	c, err := picture.Crop(face, image.Rect(20, 14, 92, 98))
	if err != nil {
		return 0, 0, err
	}
	defer c.Close()
	g, err := picture.ToGrey(c)
	if err != nil {
		return 0, 0, err
	}
	defer g.Close()
	l := gocv.NewMat()
	defer l.Close()
	gocv.Laplacian(g, &l, gocv.MatTypeCV64F, 1, 1, 0, gocv.BorderDefault)
	mu, sd := gocv.NewMat(), gocv.NewMat()
	defer mu.Close()
	defer sd.Close()
	gocv.MeanStdDev(l, &mu, &sd)
	dev := sd.GetDoubleAt(0, 0)
	return dev * dev, g.Mean().Val1, nil
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

func softmax(v []float32) []float64 {
	top := math.Inf(-1)
	for _, x := range v {
		top = math.Max(top, float64(x))
	}
	out := make([]float64, max(len(v), 3)) // never shorter than what is read of it
	var sum float64
	for i, x := range v {
		out[i] = math.Exp(float64(x) - top)
		sum += out[i]
	}
	for i := range out {
		if sum > 0 {
			out[i] /= sum
		}
	}
	return out
}
