package document

import (
	"fmt"
	"math"

	"gocv.io/x/gocv"

	"vestibule/models/onnx"
	"vestibule/models/picture"
)

// The PP-OCRv4 text detector (differentiable binarisation, Liao et al. 2020) gives a
// map of shrunken text rows. Its own post-processing cuts the map at .3 and grows
// every region by 1.5 × area / perimeter.
const (
	detectCut   = 0.3
	detectScore = 0.5
	detectGrow  = 1.5
	detectGrid  = 32   // the network wants sides that are multiples of this
	detectZoom  = 2.0  // small pictures are not enlarged further
	maxPieces   = 2000 // more regions than any document has words
)

type vec struct{ x, y float64 }

func (a vec) add(b vec) vec             { return vec{a.x + b.x, a.y + b.y} }
func (a vec) sub(b vec) vec             { return vec{a.x - b.x, a.y - b.y} }
func (a vec) times(k float64) vec       { return vec{a.x * k, a.y * k} }
func (a vec) dot(b vec) float64         { return a.x*b.x + a.y*b.y }
func (a vec) length() float64           { return math.Hypot(a.x, a.y) }
func (a vec) across() vec               { return vec{-a.y, a.x} } // a turned clockwise by 90° as seen on the screen
func (a vec) unit() vec                 { return a.times(1 / math.Max(a.length(), 1e-9)) }
func (a vec) between(b vec) (c vec)     { return a.add(b).times(.5) }
func (a vec) cosine(b vec) float64      { return a.dot(b) / math.Max(a.length()*b.length(), 1e-9) }
func (a vec) scaled(kx, ky float64) vec { return vec{a.x * kx, a.y * ky} }

// row is a run of text: the middle line from start to end, in pixels of the picture, and its height.
type row struct {
	start, end vec
	height     float64
	score      float64
}

func (r row) centre() vec     { return r.start.between(r.end) }
func (r row) dir() vec        { return r.end.sub(r.start).unit() }
func (r row) length() float64 { return r.end.sub(r.start).length() }

// detect finds pieces of text; side is the longer side of what the network sees.
func detect(net *onnx.Network, bgr gocv.Mat, side int) ([]row, error) {
	if err := picture.BGR(bgr); err != nil {
		return nil, err
	}
	zoom := math.Min(float64(side)/float64(max(bgr.Cols(), bgr.Rows())), detectZoom)
	grid := func(n int) int {
		return max(detectGrid, int(math.Round(float64(n)*zoom/detectGrid))*detectGrid)
	}
	w, h := grid(bgr.Cols()), grid(bgr.Rows())
	small, err := picture.Resize(bgr, w, h)
	if err != nil {
		return nil, err
	}
	defer small.Close()
	kx, ky := float64(bgr.Cols())/float64(w), float64(bgr.Rows())/float64(h)
	var pieces []row
	err = net.RunAs([]int64{1, 3, int64(h), int64(w)}, func(in []float32) error {
		// ImageNet's mean and deviation, in the order the network was trained with.
		const d = 255
		return picture.PlanesInto(in, small, false,
			[]float32{.485 * d, .456 * d, .406 * d}, []float32{1 / (.229 * d), 1 / (.224 * d), 1 / (.225 * d)})
	}, func(out []onnx.Tensor) error {
		if len(out[0].Data) != w*h {
			return fmt.Errorf("map of %d values, want %d", len(out[0].Data), w*h)
		}
		pieces = regions(out[0].Data, w, h)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("detect text: %w", err)
	}
	for i, p := range pieces {
		pieces[i].start = p.start.add(vec{.5, .5}).scaled(kx, ky)
		pieces[i].end = p.end.add(vec{.5, .5}).scaled(kx, ky)
		pieces[i].height = p.height * math.Sqrt(kx*ky)
	}
	return pieces, nil
}

// regions cuts the map into connected parts and measures each by its moments,
// which is finer than a pixel: the rows of a zone are often six pixels high here.
func regions(m []float32, w, h int) []row {
	seen := make([]bool, len(m))
	var stack, part []int32
	var out []row
	for i, v := range m {
		if seen[i] || v < detectCut {
			continue
		}
		seen[i] = true
		stack = append(stack[:0], int32(i))
		part = part[:0]
		for len(stack) > 0 {
			at := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			part = append(part, at)
			x, y := int(at)%w, int(at)/w
			for dy := -1; dy <= 1; dy++ {
				for dx := -1; dx <= 1; dx++ {
					nx, ny := x+dx, y+dy
					if nx < 0 || ny < 0 || nx >= w || ny >= h {
						continue
					}
					if j := ny*w + nx; !seen[j] && m[j] >= detectCut {
						seen[j] = true
						stack = append(stack, int32(j))
					}
				}
			}
		}
		if r, ok := measure(m, part, w); ok {
			if out = append(out, r); len(out) == maxPieces {
				return out
			}
		}
	}
	return out
}

func measure(m []float32, part []int32, w int) (row, bool) {
	if len(part) < 8 {
		return row{}, false
	}
	var sum, sx, sy float64
	for _, at := range part {
		v := float64(m[at])
		sum, sx, sy = sum+v, sx+v*float64(int(at)%w), sy+v*float64(int(at)/w)
	}
	if sum/float64(len(part)) < detectScore {
		return row{}, false
	}
	c := vec{sx / sum, sy / sum}
	var xx, xy, yy float64
	for _, at := range part {
		v := float64(m[at])
		dx, dy := float64(int(at)%w)-c.x, float64(int(at)/w)-c.y
		xx, xy, yy = xx+v*dx*dx, xy+v*dx*dy, yy+v*dy*dy
	}
	angle := .5 * math.Atan2(2*xy, xx-yy)
	u := vec{math.Cos(angle), math.Sin(angle)}
	n := u.across()
	lo, hi, cross := math.Inf(1), math.Inf(-1), 0.0
	for _, at := range part {
		d := vec{float64(int(at) % w), float64(int(at) / w)}.sub(c)
		a, b := d.dot(u), d.dot(n)
		lo, hi = math.Min(lo, a), math.Max(hi, a)
		cross += float64(m[at]) * b * b
	}
	length := hi - lo + 1
	height := math.Max(1, math.Sqrt(12*cross/sum)) // a bar of height h has the variance h²/12
	grow := detectGrow * length * height / (2 * (length + height))
	return row{
		start:  c.add(u.times(lo - .5 - grow)),
		end:    c.add(u.times(hi + .5 + grow)),
		height: height + 2*grow,
		score:  sum / float64(len(part)),
	}, true
}
