package document

import (
	"image"
	"sync"

	"gocv.io/x/gocv"

	"vestibule/models/picture"
	"vestibule/models/quality"
)

// glimpse is the memory of one live look at a time.
type glimpse struct {
	frame   picture.Buffer
	less    gocv.Mat
	measure quality.Measurer
	border  outliner
	open    bool
}

func (l *glimpse) close() {
	l.frame.Close()
	l.measure.Close()
	l.border.close()
	if l.open {
		l.less.Close()
	}
	*l = glimpse{}
}

// live makes a picture that is much larger than GlanceSide smaller, as picture.Buffer does while
// decoding: a glance costs and says the same, however the picture came.
func (l *glimpse) live(bgr gocv.Mat) gocv.Mat {
	by := max(bgr.Cols(), bgr.Rows()) / GlanceSide
	if by < 2 || min(bgr.Cols(), bgr.Rows()) < 2*by {
		return bgr
	}
	if !l.open {
		l.less, l.open = gocv.NewMat(), true
	}
	gocv.Resize(bgr, &l.less, image.Pt(bgr.Cols()/by, bgr.Rows()/by), 0, 0, gocv.InterpolationArea)
	return l.less
}

const (
	keepGlimpses = 4               // as many as look at the same time; others' memory is freed
	keepPixels   = 2 * 1920 * 1080 // of a frame's buffer
)

// glimpses lends memory to live looks. The zero value is ready.
type glimpses struct {
	mu     sync.Mutex
	free   []*glimpse
	closed bool
}

func (p *glimpses) take() *glimpse {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.free)
	if n == 0 {
		return &glimpse{}
	}
	l := p.free[n-1]
	p.free = p.free[:n-1]
	return l
}

func (p *glimpses) give(l *glimpse) {
	if l.frame.Pixels() > keepPixels {
		l.frame.Close()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.free) >= keepGlimpses {
		l.close()
		return
	}
	p.free = append(p.free, l)
}

func (p *glimpses) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, l := range p.free {
		l.close()
	}
	p.free = nil
}
