package rig

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"math"
	"math/rand/v2"

	"golang.org/x/image/draw"
)

// FaceFilm is a person in front of a kiosk's selfie camera: head and shoulders
// before a background out of focus, standing as still as people stand. The face
// itself is the portrait's, resampled; nothing is painted into it.
//
// It is a picture of a picture: it does not breathe, blink or turn, unless Acts
// says so, and then only as far as a bent picture can.
type FaceFilm struct {
	Shot
	// People are who stands there; the first in the middle. None: an empty room.
	People []Portrait
	// FaceHeight is that of the first face's box as a part of the frame's; default .4.
	FaceHeight float64
	// Seconds the film lasts before it begins again; default 10.
	Seconds float64
	// Grain is the sensor's noise, grey levels rms; default .6, a camera in good
	// light that removes noise itself. Passive liveness answers to it: see the
	// measurements in README.md beside this file.
	Grain float64
	// Blurred stays out of focus.
	Blurred bool
	// Acts are what the person does, each at its time. They need Portrait.Points.
	Acts []Act
	// Cues are movements the person is ready to do when the replay camera is asked
	// to (replay.CueFile). They need Portrait.Points, and keep out of the film itself.
	Cues []Movement
}

// FilmFace records a face film into dir, a replay folder.
func FilmFace(ctx context.Context, dir string, f FaceFilm) (Film, error) {
	r, err := f.stage()
	if err != nil {
		return Film{}, fmt.Errorf("film face: %w", err)
	}
	return record(ctx, dir, f.Shot, r)
}

// booth is a face film's stage.
type booth struct {
	FaceFilm
	scene  sheetPlanes // larger than the frame by margin on each side
	margin int
	head   *head // nil: nobody acts
	grain  *grain
	x, y   wander
	size   wander
	turn   wander
	flick  wander
	list   reel
	acts   []Act // in the film, then in the stretches of the cues
}

// sway is how far a standing person moves, as a part of the frame's height.
const sway = .012

func (f *FaceFilm) stage() (renderer, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	if f.Black {
		return newDarkness(f.Shot), nil
	}
	if f.FaceHeight == 0 {
		f.FaceHeight = .4
	}
	if f.Seconds == 0 {
		f.Seconds = 10
	}
	if f.Grain == 0 {
		f.Grain = .6
	}
	if !(f.FaceHeight >= .1 && f.FaceHeight <= .8) || !(f.Seconds >= 1 && f.Seconds <= maxLength.Seconds()) ||
		!(f.Grain > 0 && f.Grain <= 20) || len(f.People) > 3 {
		return nil, fmt.Errorf("%w: face height %g (.1 to .8), seconds %g (1 to 60), grain %g (to 20), %d people (to 3)",
			ErrFilm, f.FaceHeight, f.Seconds, f.Grain, len(f.People))
	}
	for i, p := range f.People {
		if p.Image == nil {
			return nil, fmt.Errorf("%w: person %d has no picture", ErrFilm, i+1)
		}
		if b := p.face(); b.Dx() < 16 || b.Dy() < 16 || !b.Overlaps(p.Image.Bounds()) {
			return nil, fmt.Errorf("%w: person %d has a face of %d×%d pixels", ErrFilm, i+1, b.Dx(), b.Dy())
		}
	}
	rnd := rand.New(rand.NewPCG(f.Seed, 0x66616365))
	s := &booth{FaceFilm: *f, margin: (f.Height / 12) &^ 1}
	s.x, s.y = newWander(rnd, f.Seconds, .15, 1.2), newWander(rnd, f.Seconds, .15, 1.2)
	s.size, s.turn = newWander(rnd, f.Seconds, .1, .6), newWander(rnd, f.Seconds, .12, .8)
	s.flick = newWander(rnd, f.Seconds, .2, 4)
	s.grain = newGrain(f.Seed, f.Grain, f.Grain*.6)
	m := s.paint(rnd)
	s.scene = split(m)
	if f.Blurred {
		s.scene = s.scene.blurred(6 * float64(f.Height) / 720)
	} else {
		s.scene = s.scene.blurred(.45)
	}
	s.plan()
	if len(s.acts) > 0 {
		h, err := s.newHead()
		if err != nil {
			return nil, err
		}
		s.head = h
	}
	return s, nil
}

// spot is where a person's face stands in the scene.
func (s *booth) spot(i int) (cx, cy, height float64) {
	w, h := float64(s.Width+2*s.margin), float64(s.Height+2*s.margin)
	height = s.FaceHeight * float64(s.Height)
	cx, cy = w/2, h*.47
	switch {
	case i == 1:
		cx, cy, height = cx+height*1.55, cy+height*.1, height*.88
	case i == 2:
		cx, cy, height = cx-height*1.6, cy+height*.05, height*.85
	case len(s.People) == 2:
		cx -= height * .45
	}
	return cx, cy, height
}

// paint puts the people before a background.
func (s *booth) paint(rnd *rand.Rand) *image.RGBA {
	w, h := s.Width+2*s.margin, s.Height+2*s.margin
	m := wall(w, h, rnd)
	for i := len(s.People) - 1; i >= 0; i-- {
		s.stand(m, i)
	}
	return m
}

// wall is a plain light wall, brighter where the lamp hangs.
func wall(w, h int, rnd *rand.Rand) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	lx, ly := .3+.4*rnd.Float64(), .1+.2*rnd.Float64()
	tint := color.RGBA{uint8(180 + rnd.IntN(8)), uint8(176 + rnd.IntN(6)), uint8(170 + rnd.IntN(8)), 255}
	for y := range h {
		for x := range w {
			dx, dy := float64(x)/float64(w)-lx, float64(y)/float64(h)-ly
			g := 1.06 - .22*math.Sqrt(dx*dx*1.6+dy*dy)
			o := y*m.Stride + x*4
			m.Pix[o], m.Pix[o+1], m.Pix[o+2], m.Pix[o+3] =
				uint8(float64(tint.R)*g), uint8(float64(tint.G)*g), uint8(float64(tint.B)*g), 255
		}
	}
	return m
}

// stand draws a person onto the scene. Around the figure the person's own
// surroundings, out of focus, pass into the wall, so that hair has no rim.
func (s *booth) stand(m *image.RGBA, i int) {
	p := s.People[i].upright()
	f, src := p.face(), p.Image.Bounds()
	cx, cy, height := s.spot(i)
	k := height / float64(f.Dy()) // scene pixels to a picture's pixel
	fx, fy := float64(f.Min.X+f.Max.X)/2, float64(f.Min.Y+f.Max.Y)/2
	b := m.Bounds()
	sharp := image.NewRGBA(b)
	put(sharp, p, fx-cx/k, fy-cy/k, k)
	far := split(sharp).soft(.3 * height)

	others := make([][3]float64, 0, len(p.Others))
	for _, o := range p.Others {
		others = append(others, [3]float64{
			(float64(o.Min.X+o.Max.X)/2 - fx) * k / height, (float64(o.Min.Y+o.Max.Y)/2 - fy) * k / height, float64(o.Dy()) * k / height,
		})
	}
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			u, v := (float64(x)-cx)/height, (float64(y)-cy)/height
			d := figure(u, v)
			near := ease(clamp01(.5 - d/.34)) // the person, sharp
			around := 1.0                     // the person's surroundings, out of focus
			if i < len(s.People)-1 {
				around = ease(clamp01(.9 - d/1.15)) // as far as they do not cover the next person
			}
			for _, o := range others {
				// Where somebody else's face is, nothing of it may stay.
				e := math.Hypot((u-o[0])/(o[2]*.62), (v-o[1])/(o[2]*.85))
				near *= ease(clamp01((e - 1) / .35))
			}
			// Beyond the picture's edge there is nothing to be sharp.
			px, py := fx+(float64(x)-cx)/k, fy+(float64(y)-cy)/k
			inside := min(px-float64(src.Min.X), float64(src.Max.X)-px, py-float64(src.Min.Y), float64(src.Max.Y)-py)
			near *= ease(clamp01(inside * k / (.24 * height)))
			if around <= 0 && near <= 0 {
				continue
			}
			o := y*m.Stride + x*4
			r0, g0, b0 := color.YCbCrToRGB(far.y.pix[y*far.y.w+min(x, far.y.w-1)], far.cb.pix[y/2*far.cb.w+min(x/2, far.cb.w-1)], far.cr.pix[y/2*far.cr.w+min(x/2, far.cr.w-1)])
			for j, fv := range [3]uint8{r0, g0, b0} {
				const own = .72 // the rest is the wall's light, which evens the surroundings out
				back := float64(m.Pix[o+j])*(1-around*own) + float64(fv)*around*own
				m.Pix[o+j] = uint8(back*(1-near) + float64(sharp.Pix[o+j])*near + .5)
			}
		}
	}
}

// figure is the distance to a head and shoulders, negative inside, in heights of
// the face's box and from its middle.
func figure(u, v float64) float64 {
	head := (math.Hypot(u/1.3, (v+.05)/1.3) - 1) * 1.3
	body := (math.Hypot(u/1.9, (v-2.15)/1.4) - 1) * 1.4
	k := .35
	h := clamp01(.5 + .5*(head-body)/k)
	return head*(1-h) + body*h - k*h*(1-h)
}

// put draws the part of a picture that begins at x, y, enlarged k times; beyond
// its edges the edge repeats.
func put(dst *image.RGBA, p Portrait, x, y, k float64) {
	b := dst.Bounds()
	w, h := float64(b.Dx())/k, float64(b.Dy())/k
	m := p.crop(math.Floor(x), math.Floor(y), math.Ceil(w)+1, math.Ceil(h)+1, int((math.Ceil(w)+1)*k), int((math.Ceil(h)+1)*k))
	off := image.Pt(int((x-math.Floor(x))*k), int((y-math.Floor(y))*k))
	draw.Draw(dst, b, m, off, draw.Src)
}

// soft blurs strongly, at a lower resolution.
func (s sheetPlanes) soft(sigma float64) sheetPlanes {
	small := func(p plane, sigma float64) plane {
		const n = 8
		q := newPlane((p.w+n-1)/n, (p.h+n-1)/n)
		for y := range q.h {
			for x := range q.w {
				var sum, count int
				for yy := y * n; yy < min(y*n+n, p.h); yy++ {
					for xx := x * n; xx < min(x*n+n, p.w); xx++ {
						sum += int(p.pix[yy*p.w+xx])
						count++
					}
				}
				q.pix[y*q.w+x] = uint8(sum / max(count, 1))
			}
		}
		q = q.blurred(sigma / n)
		out := newPlane(p.w, p.h)
		for y := range p.h {
			for x := range p.w {
				out.pix[y*p.w+x] = uint8(q.at((float32(x)-n/2+.5)/n, (float32(y)-n/2+.5)/n))
			}
		}
		return out
	}
	return sheetPlanes{small(s.y, sigma), small(s.cb, sigma/2), small(s.cr, sigma/2)}
}

func (s *booth) reel() reel { return s.list }

// plan lays the stretches of the cues behind the film, each as long as a person takes.
func (s *booth) plan() {
	n := int(math.Round(s.Seconds * float64(s.FPS)))
	s.list = reel{n: n, main: n, cues: map[Movement][2]int{}}
	s.acts = append([]Act(nil), s.Acts...)
	for _, m := range s.Cues {
		if _, twice := s.list.cues[m]; twice {
			continue
		}
		long := 1.6
		if m == Blink {
			long = .6
		}
		from := s.list.n
		s.list.n += int(math.Ceil(long * float64(s.FPS)))
		s.list.cues[m] = [2]int{from, s.list.n}
		s.acts = append(s.acts, Act{Do: m, At: float64(from) / float64(s.FPS), For: long})
	}
}

// frame draws frame i.
func (s *booth) frame(i int) *image.YCbCr {
	t := float64(i) / float64(s.FPS)
	m := blank(s.Width, s.Height)
	scene := s.scene
	if s.head != nil {
		scene = s.head.bend(scene, s.acts, t)
	}
	hh := float64(s.Height)
	dx, dy := sway*hh*s.x.at(t), .6*sway*hh*s.y.at(t)
	zoom := 1 + .012*s.size.at(t)
	sin, cos := math.Sincos(.9 * math.Pi / 180 * s.turn.at(t))
	// Frame pixel to scene pixel: about the shoulders, where a swaying person turns.
	ox, oy := float64(s.Width)/2, hh
	a, b := cos/zoom, sin/zoom
	mx, my := float64(s.margin), float64(s.margin)
	warp := func(pix []uint8, stride, w, h int, p plane, div float64) {
		for y := range h {
			yy := float64(y)*div - oy
			for x := range w {
				xx := float64(x)*div - ox
				sx, sy := a*xx-b*yy+ox+mx+dx, b*xx+a*yy+oy+my+dy
				pix[y*stride+x] = uint8(p.at(float32(sx/div), float32(sy/div)))
			}
		}
	}
	warp(m.Y, m.YStride, s.Width, s.Height, scene.y, 1)
	warp(m.Cb, m.CStride, s.Width/2, s.Height/2, scene.cb, 2)
	warp(m.Cr, m.CStride, s.Width/2, s.Height/2, scene.cr, 2)
	s.grain.finish(m, i, 1+.012*s.flick.at(t))
	return m
}
