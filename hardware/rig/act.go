package rig

import (
	"fmt"
	"math"
)

// Movement is what a person does. Left and right are the person's own: a turn to
// the right brings the nose to the left of the picture.
type Movement string

// The movements.
const (
	TurnLeft  Movement = "turn-left"
	TurnRight Movement = "turn-right"
	LookUp    Movement = "look-up"
	Blink     Movement = "blink"
)

// Movements lists all of them.
func Movements() []Movement { return []Movement{TurnLeft, TurnRight, LookUp, Blink} }

// How far the movements go.
const (
	fullTurn = 35 * math.Pi / 180
	fullLift = 24 * math.Pi / 180
)

// Act is one movement, begun and over within For seconds from At.
type Act struct {
	Do  Movement
	At  float64
	For float64
}

// amount is how far the act has gone at t, 0..1: there, a moment of rest, back.
func (a Act) amount(t float64) float64 {
	p := (t - a.At) / a.For
	if p <= 0 || p >= 1 {
		return 0
	}
	return ease(min(p/.38, (1-p)/.38))
}

// head is the first person's head as a shape with depth: a paraboloid over the
// outline of the jaw with a nose on it. Bending the picture over it gives the
// nose a real shift against the eyes, which a flat picture that is turned does
// not have; what the camera could not see in the portrait, it does not show.
type head struct {
	cx, cy, a, b float64 // middle and half axes, scene pixels
	eyes         float64 // distance between the eyes
	noseX, noseY float64
	rootX, rootY float64 // of the nose, between the eyes
	eye          [2]lids
}

// lids are the outlines of one eye: parabolas over its width.
type lids struct {
	x0, x1       float64
	y0, y1       float64 // corners
	upper, lower float64 // how far the lids bulge up and down in the middle
}

func (s *booth) newHead() (*head, error) {
	for _, a := range s.acts {
		switch a.Do {
		case TurnLeft, TurnRight, LookUp, Blink:
		default:
			return nil, fmt.Errorf("%w: movement %q is unknown", ErrFilm, a.Do)
		}
	}
	for _, a := range s.Acts {
		if !(a.For >= .1 && a.For <= 10 && a.At >= 0 && a.At+a.For <= s.Seconds) {
			return nil, fmt.Errorf("%w: %s lasts %g s from %g s on, in a film of %g s", ErrFilm, a.Do, a.For, a.At, s.Seconds)
		}
	}
	if len(s.People) == 0 || len(s.People[0].Points) != 68 {
		return nil, fmt.Errorf("%w: a face needs its 68 points to move", ErrFilm)
	}
	p := s.People[0].upright()
	f := p.face()
	cx, cy, height := s.spot(0)
	k := height / float64(f.Dy())
	fx, fy := float64(f.Min.X+f.Max.X)/2, float64(f.Min.Y+f.Max.Y)/2
	at := make([]Point, 68)
	for i, q := range p.Points {
		at[i] = Point{cx + (q.X-fx)*k, cy + (q.Y-fy)*k}
	}
	mean := func(from, to int) (m Point) {
		for i := from; i <= to; i++ {
			m.X += at[i].X / float64(to-from+1)
			m.Y += at[i].Y / float64(to-from+1)
		}
		return m
	}
	brows, left, right := mean(17, 26), mean(36, 41), mean(42, 47)
	h := &head{
		cx: (at[0].X + at[16].X) / 2, cy: (brows.Y*1.15+at[8].Y*.85)/2 - .02*height,
		a: (at[16].X - at[0].X) / 2, b: (at[8].Y - brows.Y) * .66,
		eyes:  math.Hypot(right.X-left.X, right.Y-left.Y),
		noseX: at[30].X, noseY: at[30].Y, rootX: at[27].X, rootY: at[27].Y,
	}
	if !(h.a > 8 && h.b > 8 && h.eyes > 8 && h.a < 2*height && h.b < 2*height) {
		return nil, fmt.Errorf("%w: the 68 points make no face", ErrFilm)
	}
	for i, e := range [2]int{36, 42} {
		l := lids{x0: at[e].X, y0: at[e].Y, x1: at[e+3].X, y1: at[e+3].Y}
		mid := (l.y0 + l.y1) / 2
		l.upper = (mid - (at[e+1].Y+at[e+2].Y)/2) * 1.12
		l.lower = ((at[e+4].Y+at[e+5].Y)/2 - mid) * 1.12
		h.eye[i] = l
	}
	return h, nil
}

// depth towards the camera at a place of the picture, scene pixels.
func (h *head) depth(x, y float64) float64 {
	u, v := (x-h.cx)/h.a, (y-h.cy)/h.b
	z := .72 * h.a * max(1-u*u-.55*v*v, -.2)
	// The nose: a ridge from the root to the tip, highest at the tip.
	dx, dy := h.noseX-h.rootX, h.noseY-h.rootY
	t := clamp01(((x-h.rootX)*dx + (y-h.rootY)*dy) / (dx*dx + dy*dy))
	d := math.Hypot(x-h.rootX-dx*t, y-h.rootY-dy*t) / h.eyes
	w := .13 + .09*t
	return z + h.eyes*(.08+.37*t*t)*math.Exp(-d*d/(2*w*w))
}

// hold is 1 on the head and falls to 0 around it.
func (h *head) hold(x, y float64) float64 {
	r := math.Hypot((x-h.cx)/h.a, (y-h.cy+.1*h.b)/(h.b*1.12))
	return ease(clamp01((2.1 - r) / 1.0))
}

// pose is how far the head is turned, lifted, and the eyes are closed.
type pose struct{ yaw, lift, shut float64 }

func poseAt(acts []Act, t float64) (p pose) {
	for _, a := range acts {
		v := a.amount(t)
		switch a.Do {
		case TurnLeft:
			p.yaw += v * fullTurn
		case TurnRight:
			p.yaw -= v * fullTurn
		case LookUp:
			p.lift += v * fullLift
		case Blink:
			p.shut = max(p.shut, v)
		}
	}
	return p
}

// back finds where a place of the bent picture comes from.
func (h *head) back(p pose, x, y float64) (float64, float64) {
	sy, cy := math.Sincos(p.yaw)
	sl, cl := math.Sincos(p.lift)
	sx, sv := x, y
	for range 7 {
		m, z := h.hold(sx, sv), h.depth(sx, sv)
		u, v := sx-h.cx, sv-h.cy
		nx := x - m*(u*(cy-1)+z*sy)
		ny := y - m*(v*(cl-1)-z*sl)
		sx, sv = (sx+2*nx)/3, (sv+2*ny)/3 // damped: the field is steep at the edge of the face
	}
	return sx, sv
}

// open maps a row of the closed eye to the row it shows of the open one: the
// skin above the lid is drawn down over the eye, the eye itself is pressed
// together to the line of the lashes.
func (l lids) open(shut, x, y float64) float64 {
	w := l.x1 - l.x0
	t := (x - l.x0) / w
	if t <= 0 || t >= 1 || w <= 0 {
		return y
	}
	base := l.y0 + (l.y1-l.y0)*t
	bulge := 4 * t * (1 - t)
	up, low := base-l.upper*bulge-.03*w, base+l.lower*bulge+.02*w
	top := up - .42*w*math.Sqrt(bulge)
	if y <= top || y >= low {
		return y
	}
	edge := up + shut*(low-.05*w*bulge-up)
	if y < edge {
		return top + (y-top)/(edge-top)*(up-top)
	}
	return up + (y-edge)/(low-edge)*(low-up)
}

// bend returns the scene as it looks at time t.
func (h *head) bend(s sheetPlanes, acts []Act, t float64) sheetPlanes {
	p := poseAt(acts, t)
	if p == (pose{}) {
		return s
	}
	const step = 4
	x0, y0 := max(int(h.cx-2.2*h.a)&^(step-1), 0), max(int(h.cy-2.8*h.b)&^(step-1), 0)
	nx := (min(int(h.cx+2.2*h.a), s.y.w-1) - x0) / step
	ny := (min(int(h.cy+2.8*h.b), s.y.h-1) - y0) / step
	if nx < 2 || ny < 2 {
		return s
	}
	grid := make([]Point, (nx+1)*(ny+1))
	for j := range ny + 1 {
		for i := range nx + 1 {
			x, y := float64(x0+i*step), float64(y0+j*step)
			sx, sy := x, y
			if p.yaw != 0 || p.lift != 0 {
				sx, sy = h.back(p, x, y)
			}
			grid[j*(nx+1)+i] = Point{sx - x, sy - y}
		}
	}
	out := sheetPlanes{copied(s.y), copied(s.cb), copied(s.cr)}
	shift := func(x, y int) (float64, float64) {
		gx, gy := float64(x-x0)/step, float64(y-y0)/step
		i, j := min(int(gx), nx-1), min(int(gy), ny-1)
		fx, fy := gx-float64(i), gy-float64(j)
		a, b := grid[j*(nx+1)+i], grid[j*(nx+1)+i+1]
		c, d := grid[(j+1)*(nx+1)+i], grid[(j+1)*(nx+1)+i+1]
		sx := float64(x) + (a.X*(1-fx)+b.X*fx)*(1-fy) + (c.X*(1-fx)+d.X*fx)*fy
		sy := float64(y) + (a.Y*(1-fx)+b.Y*fx)*(1-fy) + (c.Y*(1-fx)+d.Y*fx)*fy
		if p.shut > 0 {
			for _, l := range h.eye {
				sy = l.open(p.shut, sx, sy)
			}
		}
		return sx, sy
	}
	for y := y0; y < y0+ny*step; y++ {
		for x := x0; x < x0+nx*step; x++ {
			sx, sy := shift(x, y)
			out.y.pix[y*s.y.w+x] = uint8(s.y.at(float32(sx), float32(sy)))
			if x&1 == 0 && y&1 == 0 && x/2 < s.cb.w && y/2 < s.cb.h {
				o := y/2*s.cb.w + x/2
				out.cb.pix[o] = uint8(s.cb.at(float32(sx/2), float32(sy/2)))
				out.cr.pix[o] = uint8(s.cr.at(float32(sx/2), float32(sy/2)))
			}
		}
	}
	return out
}

func copied(p plane) plane { return plane{p.w, p.h, append([]uint8(nil), p.pix...)} }
