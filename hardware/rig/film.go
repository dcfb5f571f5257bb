package rig

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"vestibule/hardware/camera"
	"vestibule/hardware/camera/replay"
)

// Shot is what every film has.
type Shot struct {
	Width, Height int           // default 1280×720
	FPS           int           // default 15
	Quality       int           // JPEG, default 88
	Seed          uint64        // of everything that is random
	Format        camera.Format // what the replay camera delivers; default mjpeg
	// Black is a lens with its cover on: nothing but the sensor's noise.
	Black bool
}

// Bounds of a film.
const (
	maxSide   = 4096
	minSide   = 64
	maxFPS    = 60
	maxLength = time.Minute
)

// ErrFilm says what cannot be filmed.
var ErrFilm = errors.New("cannot be filmed")

func (s *Shot) check() error {
	if s.Width == 0 && s.Height == 0 {
		s.Width, s.Height = 1280, 720
	}
	if s.FPS == 0 {
		s.FPS = 15
	}
	if s.Quality == 0 {
		s.Quality = 88
	}
	switch {
	case s.Width < minSide || s.Height < minSide || s.Width > maxSide || s.Height > maxSide || s.Width%2 != 0 || s.Height%2 != 0:
		return fmt.Errorf("%w: %d×%d is not even and in %d..%d", ErrFilm, s.Width, s.Height, minSide, maxSide)
	case s.FPS < 1 || s.FPS > maxFPS:
		return fmt.Errorf("%w: %d frames a second are not in 1..%d", ErrFilm, s.FPS, maxFPS)
	case s.Quality < 1 || s.Quality > 100:
		return fmt.Errorf("%w: JPEG quality %d is not in 1..100", ErrFilm, s.Quality)
	}
	return nil
}

// Film is what was recorded.
type Film struct {
	Frames int
	Tail   int // index of the frame from which it loops
	Length time.Duration
	Cues   []Movement // that the replay camera answers to
}

// renderer draws frame i of a film. Frames do not depend on each other, so they
// may be drawn in any order and at once.
type renderer interface {
	reel() reel
	frame(i int) *image.YCbCr
}

// reel is how a film's frames follow each other: n of them; main are played,
// from tail on again and again; the others belong to cues.
type reel struct {
	n, main, tail int
	cues          map[Movement][2]int
}

// record writes a film as a folder that hardware/camera/replay plays. Pictures
// and control files that lie there already are removed first.
func record(ctx context.Context, dir string, s Shot, r renderer) (Film, error) {
	l := r.reel()
	n := l.n
	if err := empty(dir); err != nil {
		return Film{}, fmt.Errorf("record film: %w", err)
	}
	t := replay.Timing{Format: s.Format, FPS: float64(s.FPS), MS: beats(n, s), Loop: replay.LoopTail, Tail: l.tail, Main: l.main}
	for m, span := range l.cues {
		if t.Cues == nil {
			t.Cues = map[string][2]int{}
		}
		t.Cues[string(m)] = span
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			var b bytes.Buffer
			for i := range next {
				b.Reset()
				err := jpeg.Encode(&b, r.frame(i), &jpeg.Options{Quality: s.Quality})
				if err == nil {
					err = os.WriteFile(filepath.Join(dir, fmt.Sprintf("%04d.jpg", i)), b.Bytes(), 0o600)
				}
				if err != nil {
					cancel(err)
				}
			}
		})
	}
	for i := range n {
		select {
		case next <- i:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(next)
	wg.Wait()
	if ctx.Err() != nil {
		return Film{}, fmt.Errorf("record film: %w", context.Cause(ctx))
	}
	b, err := json.Marshal(t)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, replay.TimingFile), b, 0o600)
	}
	if err != nil {
		return Film{}, fmt.Errorf("record film: %w", err)
	}
	f := Film{Frames: l.main, Tail: l.tail}
	for _, m := range Movements() {
		if _, ok := l.cues[m]; ok {
			f.Cues = append(f.Cues, m)
		}
	}
	for _, ms := range t.MS[:l.main] {
		f.Length += time.Duration(ms) * time.Millisecond
	}
	return f, nil
}

// beats are the frames' times: a camera is not a metronome, single frames come
// late and the next one follows sooner.
func beats(n int, s Shot) []int {
	rnd := rand.New(rand.NewPCG(s.Seed, 0x62656174))
	out := make([]int, n)
	var late float64
	for i := range out {
		want := 1000/float64(s.FPS) - late
		got := max(1, math.Round(want+rnd.NormFloat64()*1.5))
		late = got - want
		out[i] = int(got)
	}
	return out
}

func empty(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		switch filepath.Ext(e.Name()) {
		case ".jpg", ".jpeg", ".png", ".json":
			if !e.IsDir() {
				if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// plane is one channel of a picture.
type plane struct {
	w, h int
	pix  []uint8
}

func newPlane(w, h int) plane { return plane{w, h, make([]uint8, w*h)} }

// at samples with linear interpolation; beyond the edges the edge repeats.
func (p plane) at(x, y float32) int32 {
	x, y = max(x, 0), max(y, 0)
	ix, iy := int(x), int(y)
	if ix >= p.w-1 || iy >= p.h-1 {
		ix, iy = min(ix, p.w-1), min(iy, p.h-1)
		jx, jy := min(ix+1, p.w-1), min(iy+1, p.h-1)
		fx, fy := min(x-float32(ix), 1), min(y-float32(iy), 1)
		a := float32(p.pix[iy*p.w+ix])*(1-fx) + float32(p.pix[iy*p.w+jx])*fx
		b := float32(p.pix[jy*p.w+ix])*(1-fx) + float32(p.pix[jy*p.w+jx])*fx
		return int32(a*(1-fy) + b*fy + .5)
	}
	fx, fy := int32((x-float32(ix))*256), int32((y-float32(iy))*256)
	o := iy*p.w + ix
	r0, r1 := p.pix[o:o+2], p.pix[o+p.w:o+p.w+2]
	a := int32(r0[0])<<8 + (int32(r0[1])-int32(r0[0]))*fx
	b := int32(r1[0])<<8 + (int32(r1[1])-int32(r1[0]))*fx
	return (a<<8 + (b-a)*fy + 1<<15) >> 16
}

// blurred returns p after a Gaussian of sigma pixels.
func (p plane) blurred(sigma float64) plane {
	if sigma < .2 {
		return p
	}
	r := int(math.Ceil(sigma * 3))
	k := make([]float32, 2*r+1)
	var sum float32
	for i := range k {
		d := float64(i - r)
		k[i] = float32(math.Exp(-d * d / (2 * sigma * sigma)))
		sum += k[i]
	}
	for i := range k {
		k[i] /= sum
	}
	mid := make([]float32, p.w*p.h)
	line := make([]float32, p.w+2*r)
	for y := range p.h {
		row := p.pix[y*p.w : (y+1)*p.w]
		for i := range line {
			line[i] = float32(row[min(max(i-r, 0), p.w-1)])
		}
		for x := range p.w {
			var v float32
			for i, c := range k {
				v += c * line[x+i]
			}
			mid[y*p.w+x] = v
		}
	}
	out := newPlane(p.w, p.h)
	acc := make([]float32, p.w)
	for y := range p.h {
		clear(acc)
		for i, c := range k {
			row := mid[min(max(y+i-r, 0), p.h-1)*p.w:][:p.w]
			for x, v := range row {
				acc[x] += c * v
			}
		}
		for x, v := range acc {
			out.pix[y*p.w+x] = uint8(min(max(v+.5, 0), 255))
		}
	}
	return out
}

// sheetPlanes is a picture as luma at full and chroma at half size.
type sheetPlanes struct{ y, cb, cr plane }

func split(m *image.RGBA) sheetPlanes {
	w, h := m.Bounds().Dx()&^1, m.Bounds().Dy()&^1
	s := sheetPlanes{newPlane(w, h), newPlane(w/2, h/2), newPlane(w/2, h/2)}
	for y := 0; y < h; y += 2 {
		for x := 0; x < w; x += 2 {
			var cb, cr int
			for j := range 4 {
				o := (y+j/2)*m.Stride + (x+j%2)*4
				yy, b, r := color.RGBToYCbCr(m.Pix[o], m.Pix[o+1], m.Pix[o+2])
				s.y.pix[(y+j/2)*w+x+j%2] = yy
				cb += int(b)
				cr += int(r)
			}
			s.cb.pix[y/2*(w/2)+x/2] = uint8((cb + 2) / 4)
			s.cr.pix[y/2*(w/2)+x/2] = uint8((cr + 2) / 4)
		}
	}
	return s
}

func (s sheetPlanes) blurred(sigma float64) sheetPlanes {
	return sheetPlanes{s.y.blurred(sigma), s.cb.blurred(sigma / 2), s.cr.blurred(sigma / 2)}
}

// grain is a sensor's noise: a tile that is laid at another place for each frame.
type grain struct {
	seed   uint64
	luma   []int8
	chroma []int8
}

const grainSide = 512

func newGrain(seed uint64, luma, chroma float64) *grain {
	rnd := rand.New(rand.NewPCG(seed, 0x67726169))
	tile := func(sigma float64) []int8 {
		white := make([]float64, grainSide*grainSide)
		for i := range white {
			white[i] = rnd.NormFloat64()
		}
		out := make([]int8, len(white))
		for i := range white {
			x, y := i%grainSide, i/grainSide
			// Demosaicing leaves neighbours alike.
			v := .62*white[i] + .28*white[y*grainSide+(x+1)%grainSide] + .28*white[(y+1)%grainSide*grainSide+x]
			// Rounded at random, so that noise below one grey level stays what it is.
			out[i] = int8(math.Floor(min(max(v*sigma*1.35, -100), 100) + rnd.Float64()))
		}
		return out
	}
	return &grain{seed, tile(luma), tile(chroma)}
}

// finish applies exposure and noise to a frame that is otherwise done.
func (g *grain) finish(m *image.YCbCr, i int, exposure float64) {
	rnd := rand.New(rand.NewPCG(g.seed, uint64(i)+1))
	var table [256]int16
	for v := range table {
		table[v] = int16(min(max(float64(v)*exposure+.5, 0), 255))
	}
	add := func(pix []uint8, stride, w, h int, tile []int8, lut *[256]int16) {
		ox, oy := rnd.IntN(grainSide), rnd.IntN(grainSide)
		for y := range h {
			row := pix[y*stride : y*stride+w]
			noise := tile[(y+oy)%grainSide*grainSide:][:grainSide]
			for x, v := range row {
				n := int16(v)
				if lut != nil {
					n = lut[v]
				}
				n += int16(noise[(x+ox)&(grainSide-1)])
				row[x] = uint8(min(max(n, 0), 255))
			}
		}
	}
	b := m.Bounds()
	add(m.Y, m.YStride, b.Dx(), b.Dy(), g.luma, &table)
	add(m.Cb, m.CStride, b.Dx()/2, b.Dy()/2, g.chroma, nil)
	add(m.Cr, m.CStride, b.Dx()/2, b.Dy()/2, g.chroma, nil)
}

// darkness is a film of nothing.
type darkness struct {
	Shot
	g *grain
	n int
}

func newDarkness(s Shot) darkness {
	return darkness{Shot: s, g: newGrain(s.Seed, 1.6, 1.2), n: 2 * s.FPS}
}

func (d darkness) reel() reel { return reel{n: d.n, main: d.n} }

func (d darkness) frame(i int) *image.YCbCr {
	m := blank(d.Width, d.Height)
	for j := range m.Y {
		m.Y[j] = 3
	}
	d.g.finish(m, i, 1)
	return m
}

func blank(w, h int) *image.YCbCr {
	m := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
	for i := range m.Cb {
		m.Cb[i], m.Cr[i] = 128, 128
	}
	return m
}

// wander is a smooth, seeded motion in −1..1 whose every part repeats after
// period seconds, so that a tail can loop without a jump.
type wander struct {
	period float64
	part   [5]struct{ cycles, phase, size float64 }
}

func newWander(rnd *rand.Rand, period float64, slowest, fastest float64) wander {
	w := wander{period: period}
	var sum float64
	for i := range w.part {
		hz := slowest * math.Pow(fastest/slowest, float64(i)/float64(len(w.part)-1))
		p := &w.part[i]
		p.cycles = max(1, math.Round(hz*period))
		p.phase = rnd.Float64() * 2 * math.Pi
		p.size = 1 / (1 + 1.3*float64(i))
		sum += p.size
	}
	for i := range w.part {
		w.part[i].size /= sum * .7
	}
	return w
}

func (w wander) at(t float64) float64 {
	var v float64
	for _, p := range w.part {
		v += p.size * math.Sin(2*math.Pi*p.cycles*t/w.period+p.phase)
	}
	return v
}

// key is a value at a time; between keys it eases.
type key struct{ t, v float64 }

func follow(keys []key, t float64) float64 {
	if t <= keys[0].t {
		return keys[0].v
	}
	for i := 1; i < len(keys); i++ {
		if t < keys[i].t {
			a, b := keys[i-1], keys[i]
			return a.v + (b.v-a.v)*ease((t-a.t)/(b.t-a.t))
		}
	}
	return keys[len(keys)-1].v
}

func ease(x float64) float64 {
	x = clamp01(x)
	return x * x * (3 - 2*x)
}
