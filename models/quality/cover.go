package quality

import (
	"image"
	"math"
	"slices"

	"gocv.io/x/gocv"

	"vestibule/models"
)

// A finger is a stretch of skin's colour that goes on across the shape's border where
// elsewhere the border is a step. Starting values, tuned on drawn fingers.
const (
	coverSide   = 320  // longer side that it is looked for at
	coverOff    = 4    // pixels inside and outside the border that are compared
	coverAlike  = 30   // most that they may differ, in units of Y'CbCr
	coverStep   = 14   // most that two neighbours of one finger differ
	coverRun    = 4    // pixels along the border, least
	coverBorder = .45  // share of the border from which nothing can be told: the table itself looks like skin
	coverLeak   = .15  // share of the shape from which it is not a finger alone
	coverFull   = .03  // share of the shape that brings the score to 0
	coverLeast  = 5e-4 // share of the shape, least
	coverMost   = 8    // places reported
)

type coverer struct {
	seen  []bool
	stack []int32
}

// scene is what covered looks at.
type scene struct {
	pix  []byte // Y', Cr, Cb
	w, h int
	q    [4][2]float64
	side float64 // on which side of its borders the shape lies
}

func (s *scene) in(x, y int) bool { return x >= 0 && y >= 0 && x < s.w && y < s.h }

// within tells whether a pixel lies in the shape, which must be convex.
func (s *scene) within(x, y int) bool {
	for i := range s.q {
		a, b := s.q[i], s.q[(i+1)%4]
		if s.side*((b[0]-a[0])*(float64(y)-a[1])-(b[1]-a[1])*(float64(x)-a[0])) < 0 {
			return false
		}
	}
	return true
}

// Skin tells the colours of human skin of any tone in Y'CrCb (Chai and Ngan, IEEE Trans. CSVT 9(4), 1999: Cb
// 77..127, Cr 133..173), a little widened for lamps; what is almost black has no colour. Wood has them too.
func Skin(y, cr, cb byte) bool {
	return y > 30 && cr >= 135 && cr <= 180 && cb >= 77 && cb <= 125
}

func (s *scene) skin(x, y int) bool {
	p := s.pix[3*(y*s.w+x):]
	return Skin(p[0], p[1], p[2])
}

// apart is how much two pixels differ.
func (s *scene) apart(x0, y0, x1, y1 int) float64 {
	a, b := s.pix[3*(y0*s.w+x0):], s.pix[3*(y1*s.w+x1):]
	dy, dr, db := float64(a[0])-float64(b[0]), float64(a[1])-float64(b[1]), float64(a[2])-float64(b[2])
	return math.Sqrt(dy*dy/4 + dr*dr + db*db)
}

// covered looks for fingers over a shape's border. The score is 100 without any and falls to 0 when
// they hide 3 % of the shape, which is a fingertip on a card.
func (m *Measurer) covered(bgr gocv.Mat, shape models.Quad) (score float64, at []models.Box, err error) {
	small := m.shrink(bgr, &m.less, coverSide)
	gocv.CvtColor(small, &m.lab, gocv.ColorBGRToYCrCb)
	pix, err := m.lab.DataPtrUint8()
	if err != nil || len(pix) != 3*m.lab.Cols()*m.lab.Rows() {
		return 0, nil, models.ErrFrame
	}
	s := scene{pix: pix, w: m.lab.Cols(), h: m.lab.Rows(), side: 1}
	area := 0.0
	for i, c := range shape {
		s.q[i] = [2]float64{c.X * float64(s.w), c.Y * float64(s.h)}
	}
	for i, a := range s.q {
		b := s.q[(i+1)%4]
		area += (a[0]*b[1] - b[0]*a[1]) / 2
	}
	if area < 0 {
		s.side, area = -1, -area
	}
	if area < 64 {
		return 100, nil, nil
	}
	n := s.w * s.h
	m.cover.seen = slices.Grow(m.cover.seen[:0], n)[:n]
	clear(m.cover.seen)
	m.cover.stack = m.cover.stack[:0]

	// First along the border, to know how much of it looks like a finger at all.
	looked, crossed := 0, 0
	s.walk(func(_, _ int, cross, _ bool) {
		looked++
		if cross {
			crossed++
		}
	})
	if looked == 0 || crossed == 0 || float64(crossed) > coverBorder*float64(looked) {
		return 100, nil, nil
	}
	hidden := 0.0
	stretch := 0
	s.walk(func(x, y int, cross, last bool) {
		if cross {
			stretch++
			m.cover.stack = append(m.cover.stack, int32(y*s.w+x))
		}
		if cross && !last {
			return
		}
		if stretch >= coverRun {
			tip := boundsOf(m.cover.stack, s.w)
			box, size := m.cover.grow(&s)
			if float64(size) > coverLeak*area {
				// The paper looks like skin too: what is known is how wide the finger is.
				box, size = tip, stretch*stretch/2
			}
			if share := float64(size) / area; share >= coverLeast {
				hidden += share
				if len(at) < coverMost {
					at = append(at, boxOf(box, s.w, s.h))
				}
			}
		}
		stretch = 0
		m.cover.stack = m.cover.stack[:0]
	})
	return 100 * (1 - math.Min(1, hidden/coverFull)), at, nil
}

// boundsOf is the rectangle around pixels of a picture w wide.
func boundsOf(at []int32, w int) (box image.Rectangle) {
	for _, i := range at {
		x, y := int(i)%w, int(i)/w
		box = box.Union(image.Rect(x, y, x+1, y+1))
	}
	return box
}

// walk goes along the border, pixel by pixel. x, y lies just inside; cross tells that the same
// skin is on both sides; last that a side ends here.
func (s *scene) walk(visit func(x, y int, cross, last bool)) {
	for i := range s.q {
		a, b := s.q[i], s.q[(i+1)%4]
		ex, ey := b[0]-a[0], b[1]-a[1]
		n := math.Hypot(ex, ey)
		if n < 4*coverOff {
			continue
		}
		nx, ny := -s.side*ey/n*coverOff, s.side*ex/n*coverOff // inwards
		// The corners themselves are rounded and see two borders.
		from, to := 2*coverOff, int(n)-2*coverOff
		for k := from; k < to; k++ {
			px, py := a[0]+ex/n*float64(k), a[1]+ey/n*float64(k)
			x, y := int(math.Round(px+nx)), int(math.Round(py+ny))
			ox, oy := int(math.Round(px-nx)), int(math.Round(py-ny))
			cross := s.in(x, y) && s.in(ox, oy) && s.skin(x, y) && s.skin(ox, oy) && s.apart(x, y, ox, oy) < coverAlike
			visit(x, y, cross, k == to-1)
		}
	}
}

// grow spreads from the pixels on the stack over the skin inside the shape.
func (c *coverer) grow(s *scene) (box image.Rectangle, size int) {
	for _, at := range c.stack {
		c.seen[at] = true
	}
	for len(c.stack) > 0 {
		at := int(c.stack[len(c.stack)-1])
		c.stack = c.stack[:len(c.stack)-1]
		x, y := at%s.w, at/s.w
		size++
		box = box.Union(image.Rect(x, y, x+1, y+1))
		for _, d := range steps {
			nx, ny := x+d.X, y+d.Y
			if !s.in(nx, ny) || c.seen[ny*s.w+nx] || !s.skin(nx, ny) || s.apart(x, y, nx, ny) > coverStep || !s.within(nx, ny) {
				continue
			}
			c.seen[ny*s.w+nx] = true
			c.stack = append(c.stack, int32(ny*s.w+nx))
		}
	}
	return box, size
}
