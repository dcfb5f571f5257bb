package reader

import (
	"errors"
	"image"
	"image/color"
	"sync"

	"gocv.io/x/gocv"

	"vestibule/models"
	"vestibule/models/picture"
)

// idle is how many scratches a Reader keeps: as many as calls that overlap in a kiosk,
// one looking and one reading.
const idle = 2

// largePart is how many pixels a kept part has at most, 3 bytes each.
const largePart = 2 << 20

// scratch is the pixels of one measurement on their way to the networks. Its matrices
// keep their memory from one frame to the next.
type scratch struct {
	lanes   [2]lane // what is measured at the same time does not share one
	warp    gocv.Mat
	aligned gocv.Mat // the aligned face
	mirror  gocv.Mat
	grey    gocv.Mat // of the aligned face
	small   gocv.Mat // the face averaged down
	inner   gocv.Mat // the middle of the aligned face, in grey
	edges   gocv.Mat
	mean    gocv.Mat
	dev     gocv.Mat
}

// lane is what lies between a picture and the input of one network.
type lane struct {
	part  gocv.Mat // cut out, where it reaches beyond the picture
	sized gocv.Mat // as large as the network wants it
	grey  gocv.Mat
}

func newScratch() *scratch {
	s := &scratch{warp: gocv.NewMatWithSize(2, 3, gocv.MatTypeCV64F)}
	for _, m := range s.mats() {
		if m != &s.warp {
			*m = gocv.NewMat()
		}
	}
	return s
}

func (s *scratch) mats() []*gocv.Mat {
	all := []*gocv.Mat{&s.warp, &s.aligned, &s.mirror, &s.grey, &s.small, &s.inner, &s.edges, &s.mean, &s.dev}
	for i := range s.lanes {
		l := &s.lanes[i]
		all = append(all, &l.part, &l.sized, &l.grey)
	}
	return all
}

func (s *scratch) close() error {
	var err error
	for _, m := range s.mats() {
		err = errors.Join(err, m.Close())
	}
	return err
}

// pool lends scratches. The zero value is ready to use.
type pool struct {
	mu     sync.Mutex
	free   []*scratch
	closed bool
}

func (p *pool) take() *scratch {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.free); n > 0 {
		s := p.free[n-1]
		p.free = p.free[:n-1]
		return s
	}
	return newScratch()
}

func (p *pool) give(s *scratch) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.free) >= idle {
		_ = s.close() // closing a matrix of one's own cannot fail
		return
	}
	for i := range s.lanes { // a face near the lens can need a large part once
		if l := &s.lanes[i]; l.part.Total() > largePart {
			_ = l.part.Close()
			l.part = gocv.NewMat()
		}
	}
	p.free = append(p.free, s)
}

func (p *pool) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	var err error
	for _, s := range p.free {
		err = errors.Join(err, s.close())
	}
	p.free = nil
	return err
}

// cut crops r and scales it to width × height by plain bilinear sampling, as the networks
// were trained; what lies outside the picture is black. The result is the lane's own.
func (l *lane) cut(m gocv.Mat, r image.Rectangle, width, height int) (gocv.Mat, error) {
	if err := picture.BGR(m); err != nil {
		return gocv.Mat{}, err
	}
	if r.Dx() < 1 || r.Dy() < 1 || r.Dx() > models.MaxFrameSide || r.Dy() > models.MaxFrameSide || r.Dx()*r.Dy() > picture.MaxPixels {
		return gocv.Mat{}, models.ErrFrame
	}
	whole := image.Rect(0, 0, m.Cols(), m.Rows())
	in := r.Intersect(whole)
	switch {
	case r == whole:
		gocv.Resize(m, &l.sized, image.Pt(width, height), 0, 0, gocv.InterpolationLinear)
		return l.sized, nil
	case in.Empty():
		l.blank(width, height)
		return l.sized, nil
	}
	v := m.Region(in)
	defer v.Close()
	if in == r {
		gocv.Resize(v, &l.sized, image.Pt(width, height), 0, 0, gocv.InterpolationLinear)
		return l.sized, nil
	}
	// Isolated: the border is black and not what lies around the region in the picture.
	gocv.CopyMakeBorder(v, &l.part, in.Min.Y-r.Min.Y, r.Max.Y-in.Max.Y, in.Min.X-r.Min.X, r.Max.X-in.Max.X,
		gocv.BorderConstant|gocv.BorderIsolated, color.RGBA{})
	gocv.Resize(l.part, &l.sized, image.Pt(width, height), 0, 0, gocv.InterpolationLinear)
	return l.sized, nil
}

// blank makes the lane's result black.
func (l *lane) blank(width, height int) {
	black := gocv.NewMatWithSizeFromScalar(gocv.Scalar{}, height, width, gocv.MatTypeCV8UC3)
	defer black.Close()
	black.CopyTo(&l.sized)
}

// cutGrey is cut, in grey.
func (l *lane) cutGrey(m gocv.Mat, r image.Rectangle, side int) (gocv.Mat, error) {
	c, err := l.cut(m, r, side, side)
	if err != nil {
		return gocv.Mat{}, err
	}
	gocv.CvtColor(c, &l.grey, gocv.ColorBGRToGray)
	return l.grey, nil
}
