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

// DocumentFilm is a document being laid on a matt dark tray under a camera: a
// hand brings it, holds it unsteadily while the lens searches its focus, lets go;
// a lamp's reflection wanders over it; then it lies still, which is what loops.
type DocumentFilm struct {
	Shot
	// Page is a printed side, as Printer makes it. nil: nobody comes, the tray stays empty.
	Page *image.RGBA
	Size Size
	// Fill is how much of the frame the document, as askew as it lies, takes in the
	// direction that is tighter; default .92. A passport at 1280×720 then has about
	// 7.2 px/mm, at 1920×1080 about 11; a card about 12 and 18.
	Fill float64
	// Turn is how askew it lies, degrees; 0 takes up to ±2.5 from the seed.
	Turn float64
	// Tilt is how far the camera looks from aside, degrees; 0 takes up to ±4 from the seed.
	Tilt float64
	// Blurred never finds its focus.
	Blurred bool
	// Late shifts everything by seconds in which the tray is empty; default .4.
	Late float64
}

// FilmDocument records a document film into dir, a replay folder.
func FilmDocument(ctx context.Context, dir string, f DocumentFilm) (Film, error) {
	r, err := f.stage()
	if err != nil {
		return Film{}, fmt.Errorf("film document: %w", err)
	}
	return record(ctx, dir, f.Shot, r)
}

// The moments of a document film, in seconds after the hand appears.
const (
	laid    = .9  // the document lies where it will stay
	letGo   = 1.7 // the hand leaves
	gone    = 2.2 // the hand is out of sight
	focused = 1.9
	glareOn = 1.8
	glare   = 3.1 // the reflection is gone
	still   = 3.3 // nothing changes any more
	tailLen = 2.0 // what loops
)

// tray is a film's stage: everything that does not change from frame to frame.
type tray struct {
	DocumentFilm
	w, h   float64 // of the document, mm
	scale  float64 // camera pixels a millimetre
	texel  float64 // texture pixels a millimetre
	levels []level
	back   plane // the empty tray
	backCb uint8
	backCr uint8
	lightX []float32
	lightY []float32
	grain  *grain
	tiltX  float64
	tiltY  float64
	moveX  wander
	moveY  wander
	turn   wander
	hum    wander
	flick  wander
	focus  []key
	n      int
	tail   int
}

type level struct {
	sigma float64 // camera pixels
	sheetPlanes
}

func (f *DocumentFilm) stage() (renderer, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	if f.Black {
		return newDarkness(f.Shot), nil
	}
	if f.Fill == 0 {
		f.Fill = .92
	}
	if f.Late == 0 {
		f.Late = .4
	}
	if !(f.Fill >= .1 && f.Fill <= 1) || !(f.Late >= 0 && f.Late <= 20) || math.Abs(f.Turn) > 180 || math.Abs(f.Tilt) > 30 ||
		math.IsNaN(f.Turn) || math.IsNaN(f.Tilt) {
		return nil, fmt.Errorf("%w: fill %g (.1..1), late %g (0..20), turn %g (±180), tilt %g (±30)", ErrFilm, f.Fill, f.Late, f.Turn, f.Tilt)
	}
	if f.Page != nil && f.Size != TD1 && f.Size != TD3 {
		return nil, fmt.Errorf("%w: size %q is neither TD3 nor TD1", ErrFilm, f.Size)
	}
	if f.Page != nil && (f.Page.Bounds().Dx() < minSide || f.Page.Bounds().Dy() < minSide) {
		return nil, fmt.Errorf("%w: the page has only %v pixels", ErrFilm, f.Page.Bounds().Size())
	}
	rnd := rand.New(rand.NewPCG(f.Seed, 0x74726179))
	s := &tray{DocumentFilm: *f}
	s.w, s.h = f.Size.Millimetres()
	sign := func() float64 { return 1 - 2*float64(rnd.IntN(2)) }
	if s.Turn == 0 {
		s.Turn = (.8 + 1.7*rnd.Float64()) * sign()
	}
	sin, cos := math.Sincos(s.Turn * math.Pi / 180)
	sin, cos = math.Abs(sin), math.Abs(cos)
	s.scale = f.Fill * min(float64(f.Width)/(s.w*cos+s.h*sin), float64(f.Height)/(s.h*cos+s.w*sin))
	s.tiltX, s.tiltY = (1.5+2.5*rnd.Float64())*sign(), (1+2*rnd.Float64())*sign()
	if f.Tilt != 0 {
		s.tiltX, s.tiltY = f.Tilt, f.Tilt/3
	}
	s.moveX, s.moveY = newWander(rnd, 8, .7, 5), newWander(rnd, 8, .7, 5)
	s.turn = newWander(rnd, 8, .5, 4)
	s.hum = newWander(rnd, tailLen, 1, 6)
	s.flick = newWander(rnd, tailLen, .5, 5)
	s.tail = int(math.Round((f.Late + still) * float64(f.FPS)))
	s.n = s.tail + int(math.Round(tailLen*float64(f.FPS)))
	if f.Page == nil {
		s.tail, s.n = 0, int(math.Round(tailLen*float64(f.FPS)))
	}
	k := float64(f.Height) / 720
	s.focus = []key{{0, 3.2 * k}, {.7, 4.4 * k}, {1.0, 3.4 * k}, {1.25, .9 * k}, {1.45, 0}, {1.6, 1.3 * k}, {1.75, .5 * k}, {focused, 0}}
	if f.Blurred {
		s.focus = []key{{0, 3.2 * k}, {.9, 5.6 * k}, {1.5, 4.4 * k}, {2.1, 6 * k}, {still, 5 * k}}
	}
	s.grain = newGrain(f.Seed, 1.9, 1.3)
	s.light(rnd)
	s.surface(rnd)
	if f.Page != nil {
		s.texture(k)
	}
	return s, nil
}

// light is brighter towards one corner and falls off towards the others.
func (s *tray) light(rnd *rand.Rand) {
	fall := func(n int, middle float64) []float32 {
		out := make([]float32, n)
		for i := range out {
			d := float64(i)/float64(n) - middle
			out[i] = float32(1 - .2*d*d - .03*d)
		}
		return out
	}
	s.lightX = fall(s.Width, .3+.4*rnd.Float64())
	s.lightY = fall(s.Height, .25+.3*rnd.Float64())
}

// surface is the tray: a dark, matt, slightly grained plate.
func (s *tray) surface(rnd *rand.Rand) {
	fine := newGrain(s.Seed+1, 2.2, 1).luma
	s.back = newPlane(s.Width, s.Height)
	base := 40 + 8*rnd.Float64()
	for y := range s.Height {
		for x := range s.Width {
			g := float64(s.lightX[x]) * float64(s.lightY[y])
			n := float64(fine[(y%grainSide)*grainSide+x%grainSide]) + .8*float64(fine[(y/3%grainSide)*grainSide+x/3%grainSide])
			s.back.pix[y*s.Width+x] = uint8(min(max(base*g*g+n*.5, 0), 255))
		}
	}
	s.backCb, s.backCr = 131, 126
}

// texture prepares the page as this camera resolves it, in focus and out of it.
func (s *tray) texture(k float64) {
	const margin = 1.15 // texture pixels to a camera pixel: room for resampling
	s.texel = s.scale * margin
	w, h := int(s.w*s.texel+.5), int(s.h*s.texel+.5)
	src := s.Page.Bounds()
	flat := image.NewRGBA(image.Rect(0, 0, src.Dx(), src.Dy()))
	paper := s.Page.RGBAAt(src.Min.X+src.Dx()/2, src.Min.Y+src.Dy()/60+1)
	draw.Draw(flat, flat.Bounds(), image.NewUniform(color.RGBA{paper.R, paper.G, paper.B, 255}), image.Point{}, draw.Src)
	draw.Draw(flat, flat.Bounds(), s.Page, src.Min, draw.Over)
	small := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.CatmullRom.Scale(small, small.Bounds(), flat, flat.Bounds(), draw.Src, nil)
	sharp := split(small)
	for _, sigma := range []float64{.5, 1.1 * k, 2 * k, 3.4 * k, 6.2 * k} {
		s.levels = append(s.levels, level{sigma, sharp.blurred(sigma * margin)})
	}
}

func (s *tray) reel() reel { return reel{n: s.n, main: s.n, tail: s.tail} }

// moment is everything that changes from frame to frame.
type moment struct {
	there        bool
	x, y, turn   float64 // of the document, mm and radians
	sigma        float64 // defocus, camera pixels
	exposure     float64
	glare        float64 // peak, in grey levels
	glX, glY     float64 // mm from the document's middle
	hand         bool
	handX, handY float64 // mm from the document's middle, of the thumb's tip
}

func (s *tray) moment(i int) moment {
	t := float64(i)/float64(s.FPS) - s.Late
	m := moment{exposure: 1 + .006*s.flick.at(t), turn: s.Turn * math.Pi / 180}
	if s.Page == nil {
		return m
	}
	if t < 0 {
		m.exposure += .10
		return m
	}
	m.there = true
	// Automatic exposure is late: the bright page is too bright at first.
	m.exposure += follow([]key{{0, .10}, {.5, .16}, {1.1, .02}, {1.4, -.015}, {1.8, 0}}, t)
	way := 1 - ease(t/laid)
	m.x = way*s.w*.55 + .4*s.hum.at(t)*.05
	m.y = way*way*(s.h*1.25+20) + .4*s.hum.at(t+.7)*.05
	shaky := follow([]key{{0, 1}, {1.2, .7}, {letGo, .25}, {letGo + .25, 0}}, t)
	m.x += shaky * 1.3 * s.moveX.at(t)
	m.y += shaky * 1.1 * s.moveY.at(t)
	m.turn += (way*9 + shaky*.7*s.turn.at(t)) * math.Pi / 180
	m.sigma = follow(s.focus, t)
	if t < laid { // motion blurs, too
		speed := 6 * (t / laid) * (1 - t/laid) / laid * s.w * .5 / float64(s.FPS)
		m.sigma = math.Hypot(m.sigma, .18*speed*s.scale/10)
	}
	if t > glareOn && t < glare {
		p := (t - glareOn) / (glare - glareOn)
		m.glare = 235 * math.Sin(math.Pi*p)
		m.glX, m.glY = s.w*(-.42+.84*p), s.h*(.34-.5*p)
	}
	if t < gone {
		m.hand = true
		away := ease((t - letGo) / (gone - letGo))
		m.handX = m.x + s.w*.30 + away*22
		m.handY = m.y + s.h*.5 - 7 + away*95
	}
	return m
}

// frame draws frame i.
func (s *tray) frame(i int) *image.YCbCr {
	mo := s.moment(i)
	m := blank(s.Width, s.Height)
	copy(m.Y, s.back.pix)
	for j := range m.Cb {
		m.Cb[j], m.Cr[j] = s.backCb, s.backCr
	}
	if mo.there {
		s.lay(m, mo)
	}
	if mo.hand {
		u, v := s.project(mo, mo.handX-mo.x, mo.handY-mo.y)
		drawHand(m, u, v, s.scale, 1.5+mo.sigma, float64(s.Seed%7)/7)
	}
	s.grain.finish(m, i, mo.exposure)
	return m
}

// matrix maps document millimetres (from its middle) to camera pixels.
type matrix [9]float64

func (s *tray) pose(mo moment) matrix {
	focal := 1.25 * float64(s.Width)
	dist := focal / s.scale
	sx, cx := math.Sincos(s.tiltX * math.Pi / 180)
	sy, cy := math.Sincos(s.tiltY * math.Pi / 180)
	sz, cz := math.Sincos(mo.turn)
	// Columns of Rx·Ry·Rz: what the document's own axes become.
	r1 := [3]float64{cy * cz, cx*sz + sx*sy*cz, sx*sz - cx*sy*cz}
	r2 := [3]float64{-cy * sz, cx*cz - sx*sy*sz, sx*cz + cx*sy*sz}
	u0, v0 := float64(s.Width)/2, float64(s.Height)/2
	t := [3]float64{mo.x, mo.y, dist}
	var h matrix
	for j, col := range [3][3]float64{r1, r2, t} {
		h[j] = focal*col[0] + u0*col[2]
		h[3+j] = focal*col[1] + v0*col[2]
		h[6+j] = col[2]
	}
	return h
}

func (h matrix) apply(x, y float64) (u, v float64) {
	w := h[6]*x + h[7]*y + h[8]
	return (h[0]*x + h[1]*y + h[2]) / w, (h[3]*x + h[4]*y + h[5]) / w
}

func (h matrix) inverse() matrix {
	a, b, c, d, e, f, g, i, j := h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7], h[8]
	det := a*(e*j-f*i) - b*(d*j-f*g) + c*(d*i-e*g)
	return matrix{
		(e*j - f*i) / det, (c*i - b*j) / det, (b*f - c*e) / det,
		(f*g - d*j) / det, (a*j - c*g) / det, (c*d - a*f) / det,
		(d*i - e*g) / det, (b*g - a*i) / det, (a*e - b*d) / det,
	}
}

func (s *tray) project(mo moment, x, y float64) (u, v float64) { return s.pose(mo).apply(x, y) }

// Corners are where the document's corners (top left, top right, bottom right,
// bottom left) come to lie in frame i, in pixels; ok is false when it is not there.
// It is the truth that a detector's result can be measured against.
func (s *tray) corners(i int) (c [4]Point, ok bool) {
	mo := s.moment(i)
	if !mo.there {
		return c, false
	}
	for j, k := range [4][2]float64{{-1, -1}, {1, -1}, {1, 1}, {-1, 1}} {
		c[j].X, c[j].Y = s.project(mo, k[0]*s.w/2, k[1]*s.h/2)
	}
	return c, true
}

// lay draws the document and its shadow.
func (s *tray) lay(m *image.YCbCr, mo moment) {
	const reach = 9 // of the shadow, mm
	h := s.pose(mo)
	inv := h.inverse()
	x0, y0, x1, y1 := float64(s.Width), float64(s.Height), 0.0, 0.0
	for _, k := range [4][2]float64{{-1, -1}, {1, -1}, {1, 1}, {-1, 1}} {
		u, v := h.apply(k[0]*(s.w/2+reach), k[1]*(s.h/2+reach))
		x0, y0, x1, y1 = min(x0, u), min(y0, v), max(x1, u), max(y1, v)
	}
	r := image.Rect(int(x0), int(y0), int(x1)+2, int(y1)+2).Intersect(m.Bounds())
	r.Min.X, r.Min.Y = r.Min.X&^1, r.Min.Y&^1

	total := math.Hypot(mo.sigma, s.levels[0].sigma)
	lo, hi, part := s.levels[0], s.levels[0], float32(0)
	for j := 1; j < len(s.levels); j++ {
		if a, b := s.levels[j-1], s.levels[j]; total >= a.sigma {
			lo, hi, part = a, b, float32(clamp01((total-a.sigma)/(b.sigma-a.sigma)))
		}
	}
	both := part > .02
	lift := int32(float64(part) * 256)
	edge := float32(1/(1+2.4*total)) * float32(s.scale)
	half := [2]float32{float32(s.w / 2), float32(s.h / 2)}
	texel := float32(s.texel)
	round := float32(3.18)
	shine := newShine(mo)

	for y := r.Min.Y; y < r.Max.Y; y++ {
		qx, qy, qw := inv[1]*float64(y)+inv[2], inv[4]*float64(y)+inv[5], inv[7]*float64(y)+inv[8]
		light := s.lightY[y]
		for x := r.Min.X; x < r.Max.X; x++ {
			k := 1 / (inv[6]*float64(x) + qw)
			px, py := float32((inv[0]*float64(x)+qx)*k), float32((inv[3]*float64(x)+qy)*k)
			o := y*m.YStride + x
			dx, dy := abs32(px)-half[0], abs32(py)-half[1]
			cover := float32(1)
			if dx > -round || dy > -round {
				rr := round
				if s.Size == TD3 && py < 0 {
					rr = .01
				}
				d := boxDistance(dx+rr, dy+rr) - rr
				cover = min(max(.5-d*edge, 0), 1)
				if cover < 1 {
					// The shadow falls away from the lamp at the upper left.
					if sd := boxDistance(abs32(px-1.2)-half[0]+2, abs32(py-1.6)-half[1]+2) - 2; sd < reach {
						f := 1 - sd/reach
						if f > 1 {
							f = 1
						}
						m.Y[o] = uint8(float32(m.Y[o]) * (1 - .5*f*f))
					}
				}
				if cover <= 0 {
					continue
				}
			}
			tx, ty := (px+half[0])*texel-.5, (py+half[1])*texel-.5
			v := lo.y.at(tx, ty)
			if both {
				v += ((hi.y.at(tx, ty) - v) * lift) >> 8
			}
			lum := float32(v) * s.lightX[x] * light * .92
			var g float32
			if shine.on {
				g = shine.at(px, py)
				lum = min(lum+g, 255)
			}
			m.Y[o] = uint8(float32(m.Y[o])*(1-cover) + lum*cover + .5)
			if x&1 == 0 && y&1 == 0 {
				c := y/2*m.CStride + x/2
				cb, cr := lo.cb.at(tx/2, ty/2), lo.cr.at(tx/2, ty/2)
				if both {
					cb += ((hi.cb.at(tx/2, ty/2) - cb) * lift) >> 8
					cr += ((hi.cr.at(tx/2, ty/2) - cr) * lift) >> 8
				}
				pale := cover * (1 - min(g/180, 1)) // a reflection is white
				m.Cb[c] = uint8(float32(m.Cb[c])*(1-cover) + 128*(cover-pale) + float32(cb)*pale + .5)
				m.Cr[c] = uint8(float32(m.Cr[c])*(1-cover) + 128*(cover-pale) + float32(cr)*pale + .5)
			}
		}
	}
}

func abs32(v float32) float32 {
	if v < 0 {
		return -v
	}
	return v
}

// boxDistance is the distance to a box, given the distances to its sides.
func boxDistance(dx, dy float32) float32 {
	if dx > 0 && dy > 0 {
		return float32(math.Sqrt(float64(dx*dx + dy*dy)))
	}
	return max(dx, dy)
}

// shine is a lamp's reflection on the laminate: a long soft spot.
type shine struct {
	on       bool
	x, y     float32
	peak     float32
	ca, sa   float32
	long     float32
	wide     float32
	exponent [257]float32 // of exp(−4·i/256)
}

func newShine(mo moment) *shine {
	s := &shine{on: mo.glare > 1, x: float32(mo.glX), y: float32(mo.glY), peak: float32(mo.glare)}
	if !s.on {
		return s
	}
	sa, ca := math.Sincos(-.5)
	s.sa, s.ca, s.long, s.wide = float32(sa), float32(ca), 1/(17.0*17), 1/(7.5*7.5)
	for i := range s.exponent {
		s.exponent[i] = float32(math.Exp(-4*float64(i)/256) - math.Exp(-4)*float64(i)/256)
	}
	return s
}

func (s *shine) at(x, y float32) float32 {
	x, y = x-s.x, y-s.y
	a, b := x*s.ca+y*s.sa, y*s.ca-x*s.sa
	q := a*a*s.long + b*b*s.wide
	if q >= 4 {
		return 0
	}
	return s.peak * s.exponent[int(q*64)]
}
