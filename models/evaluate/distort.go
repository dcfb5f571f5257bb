package main

import (
	"image"
	"image/color"
	"math"
	"math/rand/v2"

	"gocv.io/x/gocv"
)

// distorter spoils clean pictures in ways whose truth is then known. The same seed gives the
// same pixels on every machine; what it makes is drawn, not filmed, and the figures say so.
type distorter struct{ dice *rand.Rand }

func newDistorter(seed uint64) distorter {
	return distorter{rand.New(rand.NewPCG(seed, 0x9E3779B97F4A7C15))}
}

// between is a number from lo to hi.
func (d distorter) between(lo, hi float64) float64 { return lo + d.dice.Float64()*(hi-lo) }

// focus is a lens out of focus: a Gaussian of sigma pixels.
func (distorter) focus(m gocv.Mat, sigma float64) gocv.Mat {
	out := gocv.NewMat()
	gocv.GaussianBlur(m, &out, image.Pt(0, 0), sigma, sigma, gocv.BorderReplicate)
	return out
}

// motion is a movement of length pixels at an even speed in any direction.
func (d distorter) motion(m gocv.Mat, length float64) gocv.Mat {
	side := int(math.Ceil(length))/2*2 + 3
	kernel := gocv.NewMatWithSize(side, side, gocv.MatTypeCV32FC1)
	defer kernel.Close()
	values, err := kernel.DataPtrFloat32()
	if err != nil {
		return m.Clone()
	}
	clear(values)
	sin, cos := math.Sincos(d.between(0, math.Pi))
	const steps = 200
	for i := range steps {
		t := (float64(i)/(steps-1) - .5) * length
		x, y := float64(side/2)+t*cos, float64(side/2)+t*sin
		x0, y0 := math.Floor(x), math.Floor(y)
		fx, fy := x-x0, y-y0
		at := int(y0)*side + int(x0)
		values[at] += float32((1 - fx) * (1 - fy) / steps)
		values[at+1] += float32(fx * (1 - fy) / steps)
		values[at+side] += float32((1 - fx) * fy / steps)
		values[at+side+1] += float32(fx * fy / steps)
	}
	out := gocv.NewMat()
	gocv.Filter2D(m, &out, -1, kernel, image.Pt(-1, -1), 0, gocv.BorderReplicate)
	return out
}

// exposed is the picture as a camera exposes it: a scan's paper at 255 comes down to white at 220,
// because light that is added to a clipped pixel leaves no trace.
func exposed(m gocv.Mat) gocv.Mat {
	const white = 220
	var hist [256]int
	pix := m.ToBytes()
	for i := 0; i+2 < len(pix); i += 3 {
		hist[max(pix[i], pix[i+1], pix[i+2])]++
	}
	top, rank := 255, len(pix)/3/50
	for ; top > white && rank >= hist[top]; top-- {
		rank -= hist[top]
	}
	if top > white {
		for i, v := range pix {
			pix[i] = level(float64(v) * white / float64(top))
		}
	}
	return made(pix, m.Cols(), m.Rows())
}

// spot is a reflection: an ellipse whose light is full in the middle and fades out like a Gaussian.
type spot struct {
	x, y, rx, ry float64 // pixels
	turn         float64 // radians
	core         float64 // light in the middle, 1 is what saturates black
}

// kind is a sort of reflection: how many spots, and their half axes in parts of the picture's width.
type kind struct {
	name   string
	n      int
	rx, ry float64
}

// kinds are reflections of small and large lamps, of several, and of a tube.
func kinds() []kind {
	return []kind{
		{"small", 1, .02, .016},
		{"middle", 1, .04, .03},
		{"large", 1, .08, .06},
		{"several", 3, .04, .03},
		{"tube", 1, .10, .03},
	}
}

// spots places reflections of a kind.
func (d distorter) spots(m gocv.Mat, k kind) []spot {
	w, h := float64(m.Cols()), float64(m.Rows())
	var out []spot
	for range k.n {
		out = append(out, spot{
			d.between(.15, .85) * w, d.between(.15, .85) * h, k.rx * w, k.ry * w,
			d.between(0, math.Pi), d.between(1.2, 2.2),
		})
	}
	return out
}

// shine adds light, as a lamp's mirror image does: it does not hide what is below, it drowns it.
func shine(m gocv.Mat, spots []spot) gocv.Mat {
	w, h := m.Cols(), m.Rows()
	pix := m.ToBytes()
	for _, s := range spots {
		sin, cos := math.Sincos(s.turn)
		reach := 3 * math.Max(s.rx, s.ry)
		for y := max(0, int(s.y-reach)); y < min(h, int(s.y+reach)); y++ {
			for x := max(0, int(s.x-reach)); x < min(w, int(s.x+reach)); x++ {
				dx, dy := float64(x)-s.x, float64(y)-s.y
				u, v := (dx*cos+dy*sin)/s.rx, (dy*cos-dx*sin)/s.ry
				light := 255 * s.core * math.Exp(-u*u-v*v)
				for i := 3 * (y*w + x); i < 3*(y*w+x)+3; i++ {
					pix[i] = level(float64(pix[i]) + light)
				}
			}
		}
	}
	return made(pix, w, h)
}

// uneven is the picture in light that falls off from one side to the other; on the bright
// side white paper is clipped.
func (d distorter) uneven(m gocv.Mat) gocv.Mat {
	w, h := m.Cols(), m.Rows()
	pix := m.ToBytes()
	sin, cos := math.Sincos(d.between(0, 2*math.Pi))
	for y := range h {
		for x := range w {
			t := (float64(x)/float64(w)-.5)*cos + (float64(y)/float64(h)-.5)*sin
			for i := 3 * (y*w + x); i < 3*(y*w+x)+3; i++ {
				pix[i] = level(float64(pix[i]) * (1 + .45*t))
			}
		}
	}
	return made(pix, w, h)
}

// page is a printed sheet of white paper, 255 to its border, on a dark table, a little out of focus.
func (d distorter) page() gocv.Mat {
	m := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(60, 62, 66, 0), 720, 1280, gocv.MatTypeCV8UC3)
	at := image.Rect(0, 0, 560+d.dice.IntN(300), 380+d.dice.IntN(160)).Add(image.Pt(120+d.dice.IntN(200), 60+d.dice.IntN(100)))
	gocv.Rectangle(&m, at, color.RGBA{R: 255, G: 255, B: 255}, -1)
	scale, y := d.between(.5, 1), at.Min.Y+50
	for ; y < at.Max.Y-20; y += 24 + d.dice.IntN(40) {
		n := 8 + d.dice.IntN(20)
		text := make([]byte, n)
		for i := range text {
			text[i] = byte('A' + d.dice.IntN(26))
		}
		size := gocv.GetTextSize(string(text), gocv.FontHersheySimplex, scale, 2)
		if at.Min.X+30+size.X > at.Max.X-10 {
			continue
		}
		gocv.PutText(&m, string(text), image.Pt(at.Min.X+30, y), gocv.FontHersheySimplex, scale, color.RGBA{R: 30, G: 30, B: 30}, 2)
	}
	if d.dice.IntN(2) == 0 { // a picture on the page, with a blank field in it
		p := image.Rect(0, 0, 160, 200).Add(at.Max.Sub(image.Pt(190, 230)))
		gocv.Rectangle(&m, p, color.RGBA{R: 120, G: 140, B: 170}, -1)
		gocv.Rectangle(&m, image.Rect(p.Min.X+30, p.Min.Y+40, p.Min.X+90, p.Min.Y+90), color.RGBA{R: 255, G: 255, B: 255}, -1)
	}
	sigma := d.between(.6, 1.8)
	gocv.GaussianBlur(m, &m, image.Pt(0, 0), sigma, sigma, gocv.BorderReplicate)
	return m
}

// filmed is the picture as the next frame of a hand-held camera has it: moved by up to reach pixels,
// a few percent brighter or darker, with noise.
func (d distorter) filmed(m gocv.Mat, reach float64) gocv.Mat {
	dx, dy := d.between(-reach, reach), d.between(-reach, reach)
	from := gocv.NewPoint2fVectorFromPoints([]gocv.Point2f{{X: 0, Y: 0}, {X: 100, Y: 0}, {X: 100, Y: 100}, {X: 0, Y: 100}})
	defer from.Close()
	x, y := float32(dx), float32(dy)
	to := gocv.NewPoint2fVectorFromPoints([]gocv.Point2f{{X: x, Y: y}, {X: 100 + x, Y: y}, {X: 100 + x, Y: 100 + y}, {X: x, Y: 100 + y}})
	defer to.Close()
	move := gocv.GetPerspectiveTransform2f(from, to)
	defer move.Close()
	out := gocv.NewMat()
	defer out.Close()
	gocv.WarpPerspectiveWithParams(m, &out, move, image.Pt(m.Cols(), m.Rows()), gocv.InterpolationLinear, gocv.BorderReplicate, color.RGBA{})
	gain := d.between(.97, 1.03)
	pix := out.ToBytes()
	for i, v := range pix {
		pix[i] = level(float64(v)*gain + 2*d.dice.NormFloat64())
	}
	return made(pix, m.Cols(), m.Rows())
}

// copied is a black and white copy: grey, with a toner's slight tint, a copier's contrast and a sensor's noise.
func (d distorter) copied(m gocv.Mat) gocv.Mat {
	w, h := m.Cols(), m.Rows()
	pix := m.ToBytes()
	tint := [3]float64{d.between(.98, 1.02), d.between(.98, 1.02), d.between(.98, 1.02)}
	contrast := d.between(1, 1.25)
	for i := 0; i+2 < len(pix); i += 3 {
		g := .114*float64(pix[i]) + .587*float64(pix[i+1]) + .299*float64(pix[i+2])
		g = 128 + (g-128)*contrast
		for c := range 3 {
			pix[i+c] = level(g*tint[c] + 1.5*d.dice.NormFloat64())
		}
	}
	return made(pix, w, h)
}

// lamp is the colour of a light as gains of blue, green and red.
type lamp struct {
	name string
	gain [3]float64
}

// lamps are the casts of lights that a camera did not balance, from slight to strong.
func lamps() []lamp {
	return []lamp{
		{"warm", [3]float64{.75, .93, 1}},
		{"bulb", [3]float64{.55, .85, 1}},
		{"cool", [3]float64{1, .93, .78}},
		{"green", [3]float64{.82, 1, .85}},
	}
}

// lit shows the picture in the light of two lamps, one from each side; twice the same is a plain
// cast. The gains hold for light, the pixels are gamma coded.
func lit(m gocv.Mat, left, right lamp) gocv.Mat {
	w, h := m.Cols(), m.Rows()
	pix := m.ToBytes()
	gain := make([][3]float64, w)
	for x := range w {
		t := float64(x) / float64(w)
		for c := range 3 {
			gain[x][c] = math.Pow(left.gain[c]*(1-t)+right.gain[c]*t, 1/2.2)
		}
	}
	for i := range pix {
		pix[i] = level(float64(pix[i]) * gain[i/3%w][i%3])
	}
	return made(pix, w, h)
}

// laid puts the picture on a plain, slightly uneven table, turned a little, and says where its corners are.
func (d distorter) laid(m gocv.Mat, table color.RGBA) (gocv.Mat, [4]image.Point) {
	const w, h = 1280, 720
	k := math.Min(.66*w/float64(m.Cols()), .74*h/float64(m.Rows()))
	dw, dh := float64(m.Cols())*k/2, float64(m.Rows())*k/2
	sin, cos := math.Sincos(d.between(-.06, .06))
	cx, cy := w/2+d.between(-30, 30), h/2+d.between(-15, 15)
	var corners [4]image.Point
	for i, s := range [4][2]float64{{-1, -1}, {1, -1}, {1, 1}, {-1, 1}} {
		x, y := s[0]*dw, s[1]*dh
		corners[i] = image.Pt(int(math.Round(cx+x*cos-y*sin)), int(math.Round(cy+x*sin+y*cos)))
	}
	from := gocv.NewPointVectorFromPoints([]image.Point{{}, {X: m.Cols()}, {X: m.Cols(), Y: m.Rows()}, {Y: m.Rows()}})
	defer from.Close()
	to := gocv.NewPointVectorFromPoints(corners[:])
	defer to.Close()
	turn := gocv.GetPerspectiveTransform(from, to)
	defer turn.Close()
	small := gocv.NewMat() // averaged first: a warp alone would alias
	defer small.Close()
	gocv.Resize(m, &small, image.Pt(max(1, int(2*dw)), max(1, int(2*dh))), 0, 0, gocv.InterpolationArea)
	gocv.Resize(small, &small, image.Pt(m.Cols(), m.Rows()), 0, 0, gocv.InterpolationLinear)
	out := gocv.NewMat()
	gocv.WarpPerspectiveWithParams(small, &out, turn, image.Pt(w, h), gocv.InterpolationLinear, gocv.BorderConstant, table)
	pix := out.ToBytes()
	out.Close()
	for i := range pix {
		pix[i] = level(float64(pix[i]) + 2*d.dice.NormFloat64())
	}
	return made(pix, w, h), corners
}

// skins are colours of skin in daylight, light to dark (blue, green, red).
func skins() [][3]float64 {
	return [][3]float64{{170, 190, 228}, {130, 160, 212}, {95, 128, 185}, {60, 88, 140}, {42, 62, 104}}
}

// finger lays a fingertip over one border: it comes from outside and ends reach pixels inside.
// It is shaded like a cylinder and has a nail.
func (d distorter) finger(m gocv.Mat, corners [4]image.Point, skin [3]float64, width, reach float64) gocv.Mat {
	side := d.dice.IntN(4)
	a, b := corners[side], corners[(side+1)%4]
	t := d.between(.2, .8)
	x0, y0 := float64(a.X)+t*float64(b.X-a.X), float64(a.Y)+t*float64(b.Y-a.Y)
	ex, ey := float64(b.X-a.X), float64(b.Y-a.Y)
	n := math.Hypot(ex, ey)
	nx, ny := -ey/n, ex/n // inwards: corners run clockwise
	sin, cos := math.Sincos(d.between(-.5, .5))
	nx, ny = nx*cos-ny*sin, nx*sin+ny*cos
	tipX, tipY := x0+nx*(reach-width/2), y0+ny*(reach-width/2)
	w, h := m.Cols(), m.Rows()
	pix := m.ToBytes()
	r := width / 2
	for y := range h {
		for x := range w {
			px, py := float64(x)-tipX, float64(y)-tipY
			along, across := px*nx+py*ny, -px*ny+py*nx
			off := math.Abs(across)
			if along > 0 {
				off = math.Hypot(across, along)
			}
			cover := math.Min(1, math.Max(0, r-off+.5))
			if cover == 0 {
				continue
			}
			shade := .62 + .42*math.Sqrt(math.Max(0, 1-off*off/(r*r)))
			nail := math.Hypot(across/(.55*r), (along+.1*r)/(.75*r)) < 1
			for c := range 3 {
				v := skin[c] * shade
				if nail {
					v = v*.8 + 45
				}
				i := 3*(y*w+x) + c
				pix[i] = level(float64(pix[i])*(1-cover) + (v+3*d.dice.NormFloat64())*cover)
			}
		}
	}
	return made(pix, w, h)
}

func level(v float64) byte { return byte(math.Min(255, math.Max(0, math.Round(v)))) }

// made is a BGR picture of its own of the bytes; they come from one of the same size.
func made(pix []byte, w, h int) gocv.Mat {
	view, err := gocv.NewMatFromBytes(h, w, gocv.MatTypeCV8UC3, pix)
	if err != nil {
		return gocv.NewMat()
	}
	defer view.Close()
	return view.Clone()
}
