package document

import (
	"fmt"
	"image"
	"image/color"
	"math"

	"gocv.io/x/gocv"

	"vestibule/models"
	"vestibule/models/onnx"
	"vestibule/models/picture"
)

// The own line reader sees lines 32 pixels high, letters in the middle half.
// Framing decides more than training does: on 165 lines of public specimens the same
// network read 55 in the detector's tight boxes and 149 with this margin.
const (
	stripHeight  = 32
	stripStride  = 4 // pixels of the strip for one frame of the output
	maxStripSide = 1600
)

// strip is one line cut out of a picture: where it starts and ends on its middle
// line, and half of its height, all in pixels of the picture.
type strip struct {
	from, to vec
	half     float64
	stretch  float64 // when set, the strip comes out this many times as wide as its height asks for
}

// aspect is width over height of what cut returns.
func (s strip) aspect() float64 {
	return s.to.sub(s.from).length() / (2 * s.half) * s.stretched()
}

func (s strip) stretched() float64 {
	if s.stretch == 0 {
		return 1
	}
	return s.stretch
}

// at maps a place of the strip (0..1 along, -1..1 across) to the picture.
func (s strip) at(along, across float64) vec {
	u := s.to.sub(s.from)
	return s.from.add(u.times(along)).add(u.unit().across().times(across * s.half))
}

// turned is the same strip read from the other side.
func (s strip) turned() strip { return strip{from: s.to, to: s.from, half: s.half, stretch: s.stretch} }

func (s strip) quad(w, h int) models.Quad {
	p := func(a, b float64) models.Point {
		v := s.at(a, b)
		return models.Point{X: v.x / float64(w), Y: v.y / float64(h)}
	}
	return models.Quad{p(0, -1), p(1, -1), p(1, 1), p(0, 1)}
}

// cut takes the strip out of m (grey or BGR) at the given height, aspect kept. It
// is first sampled at its own resolution and then scaled, so that shrinking averages.
func (s strip) cut(m gocv.Mat, height int) (gocv.Mat, error) {
	if picture.BGR(m) != nil && picture.Grey(m) != nil {
		return gocv.Mat{}, picture.BGR(m)
	}
	ownH := int(math.Ceil(2 * s.half))
	ownW := int(math.Ceil(s.to.sub(s.from).length()))
	width := int(math.Round(s.aspect() * float64(height)))
	if ownH < 4 || ownW < 16 || ownH > maxStripSide || ownW > models.MaxFrameSide || width < 16 || width > 2*maxStripSide {
		return gocv.Mat{}, fmt.Errorf("%w: strip of %d × %d pixels", models.ErrFrame, ownW, ownH)
	}
	a, b, c := s.at(0, -1), s.at(1, -1), s.at(0, 1)
	src := gocv.NewPoint2fVectorFromPoints([]gocv.Point2f{f32(a), f32(b), f32(c)})
	defer src.Close()
	dst := gocv.NewPoint2fVectorFromPoints([]gocv.Point2f{{X: 0, Y: 0}, {X: float32(ownW), Y: 0}, {X: 0, Y: float32(ownH)}})
	defer dst.Close()
	t := gocv.GetAffineTransform2f(src, dst)
	defer t.Close()
	own := gocv.NewMat()
	defer own.Close()
	gocv.WarpAffineWithParams(m, &own, t, image.Pt(ownW, ownH), gocv.InterpolationLinear, gocv.BorderReplicate, color.RGBA{})
	how := gocv.InterpolationLinear
	if height < ownH {
		how = gocv.InterpolationArea
	}
	return picture.ResizeBy(own, width, height, how)
}

func f32(v vec) gocv.Point2f { return gocv.Point2f{X: float32(v.x), Y: float32(v.y)} }

// stretch puts the 2nd percentile at -1 and the 98th at +1, as in training.
func stretch(out []float32, grey []byte) error {
	if len(out) != len(grey) {
		return fmt.Errorf("%d pixels for %d values", len(grey), len(out))
	}
	var hist [256]int
	for _, v := range grey {
		hist[v]++
	}
	percentile := func(part float64) float64 {
		rank := int(part * float64(len(grey)-1))
		for v, n := range hist {
			if rank -= n; rank < 0 {
				return float64(v)
			}
		}
		return 255
	}
	lo, hi := percentile(.02), percentile(.98)
	span := math.Max(20, hi-lo)
	var table [256]float32
	for v := range table {
		table[v] = float32(math.Min(1, math.Max(0, (float64(v)-lo)/span))*2 - 1)
	}
	for i, v := range grey {
		out[i] = table[v]
	}
	return nil
}

// look runs the own line reader over a strip.
func look(net *onnx.Network, grey gocv.Mat, s strip) (posteriors, error) {
	m, err := s.cut(grey, stripHeight)
	if err != nil {
		return posteriors{}, err
	}
	defer m.Close()
	var p posteriors
	err = net.RunAs([]int64{1, 1, stripHeight, int64(m.Cols())}, func(in []float32) error { return stretch(in, m.ToBytes()) }, func(out []onnx.Tensor) error {
		y := out[0].Data
		if len(y) == 0 || len(y)%classes != 0 {
			return fmt.Errorf("%d values", len(y))
		}
		frames := len(y) / classes
		p = posteriors{frames: frames, log: make([]float32, len(y))}
		for t := range frames {
			// The output lies class by class.
			top := math.Inf(-1)
			for c := range classes {
				top = math.Max(top, float64(y[c*frames+t]))
			}
			sum := 0.0
			for c := range classes {
				sum += math.Exp(float64(y[c*frames+t]) - top)
			}
			norm := top + math.Log(sum)
			for c := range classes {
				p.log[t*classes+c] = float32(float64(y[c*frames+t]) - norm)
			}
		}
		return nil
	})
	if err != nil {
		return posteriors{}, fmt.Errorf("read a line: %w", err)
	}
	return p, nil
}

// average takes the mean of the logarithms of several looks at the same line; they must have the same frames.
func average(ps []posteriors) posteriors {
	if len(ps) == 1 {
		return ps[0]
	}
	out := posteriors{frames: ps[0].frames, log: make([]float32, len(ps[0].log))}
	for _, p := range ps {
		out.frames = min(out.frames, p.frames)
	}
	for i := range out.frames * classes {
		for _, p := range ps {
			out.log[i] += p.log[i] / float32(len(ps))
		}
	}
	return out
}
