package stage

import (
	"image"
	"math"

	"gocv.io/x/gocv"

	"vestibule/models/picture"
)

// wave is a table of the cosine over one turn: the overlays ask for millions.
var wave = func() (t [1024]float64) {
	for i := range t {
		t[i] = math.Cos(2 * math.Pi * float64(i) / float64(len(t)))
	}
	return t
}()

// cosine is cos(2π turns).
func cosine(turns float64) float64 {
	return wave[int(math.Floor(turns*1024))&1023]
}

// passes is how much of a pattern of f cycles a pixel gets through lens and pixel aperture.
func (v *view) passes(f float64) float64 {
	x := math.Pi * f
	if x < 1e-9 {
		return 1
	}
	return math.Sin(x) / x * math.Exp(-2*x*x*v.Blur*v.Blur)
}

// bar is the k-th term of the Fourier series of bars that cover the share duty.
func bar(k int, duty float64) float64 {
	x := math.Pi * float64(k)
	return 2 * math.Sin(x*duty) / (x * duty)
}

// Display is a screen that shows a document.
type Display struct {
	Pitch  float64 // of its pixels, in pixels of the camera; 0: drawn, .7 to 3.2
	Bare   bool    // the bezel lies outside the frame
	Around bool    // it shows the ground around the document as well
	Wave   float64 // depth of the bands that a pulsed light leaves, 0..1
	Phase  float64 // of these bands, turns
}

// Screen films a screen that shows the document: a liquid crystal display of red, green and
// blue stripes.
func Screen(doc gocv.Mat, s Shot, d Display) (gocv.Mat, error) {
	v, err := s.view(doc)
	if err != nil {
		return gocv.Mat{}, err
	}
	defer v.flat.Close()
	pitch := orElse(d.Pitch, math.Exp(v.between(math.Log(.7), math.Log(3.2))))
	off := [4]float64{}
	if d.Around {
		off = [4]float64{v.between(6, 25), v.between(3, 12), v.between(6, 25), v.between(3, 12)}
	}
	rim := v.between(2, 9)
	if v.dice.Float64() < .3 {
		rim = v.between(10, 20)
	}
	glass := v.grown(off)
	m := v.scene(v.quad, false)
	defer m.Close()
	if !d.Bare {
		outer := [4]float64{off[0] + rim, off[1] + rim, off[2] + rim, off[3] + rim*v.between(1, 1.5)}
		paint := v.between(8, 32)
		if v.dice.Float64() < .2 {
			paint = v.between(190, 225)
		}
		fill(&m, v.grown(outer), grey(paint))
	}
	if d.Around {
		shown := v.between(40, 200)
		fill(&m, glass, grey(shown))
	}
	put(&m, v.flat, v.quad)
	w := float64(v.flat.Cols())*v.mm + off[0] + off[2]
	h := float64(v.flat.Rows())*v.mm + off[1] + off[3]
	// Pixels of the screen in a millimetre, and so in a pixel of the camera.
	perMM := 1 / (pitch * v.mm)
	f := 1 / pitch
	var across, down [3]float64
	for k := range across {
		across[k] = bar(k+1, .27) * v.passes(f*float64(k+1))
		down[k] = bar(k+1, .86) * v.passes(f*float64(k+1))
	}
	white := [3]float64{v.between(1.02, 1.16), 1, v.between(.88, .99)} // bluer than the room's light
	gain, gamma, leak := v.between(.95, 1.2), v.between(.9, 1.15), v.between(4, 18)
	bands := v.between(1.2, 4)
	lines := float64(v.Height)
	return v.shoot(m, glass, w, h, func(x, y float64, p *[3]float64) {
		sx, sy := x*perMM, y*perMM
		rows := 1 + down[0]*cosine(sy) + down[1]*cosine(2*sy) + down[2]*cosine(3*sy)
		light := gain
		if d.Wave > 0 {
			light *= 1 + d.Wave*cosine(bands*y/(lines*v.mm)+d.Phase)
		}
		for c := range p {
			at := sx - float64(2-c)/3 // red first
			columns := 1 + across[0]*cosine(at) + across[1]*cosine(2*at) + across[2]*cosine(3*at)
			shown := leak + (255-leak)*math.Pow(p[c]/255, gamma)
			// Light adds up before the camera's curve, the patterns act on light.
			linear := math.Pow(shown/255, 2.2) * light * white[c] * math.Max(0, columns*rows)
			p[c] = 255 * math.Pow(linear, 1/2.2)
		}
	})
}

// Press is a printer.
type Press struct {
	Lines  float64 // of its screen, an inch; 0: drawn, 75 to 133
	Spray  bool    // no screen but dots strewn at random, as inkjet printers do
	Margin float64 // of unprinted paper around the document, millimetres; <0: none, 0: drawn
	Grey   bool    // black ink only
}

// Print films a document printed on paper and cut out.
func Print(doc gocv.Mat, s Shot, d Press) (gocv.Mat, error) {
	v, err := s.view(doc)
	if err != nil {
		return gocv.Mat{}, err
	}
	defer v.flat.Close()
	margin := d.Margin
	switch {
	case margin < 0:
		margin = 0
	case margin == 0:
		margin = v.between(1, 5)
		if v.dice.Float64() < .3 {
			margin = 0
		}
	}
	sheet := v.grown([4]float64{margin * v.between(.7, 1.2), margin * v.between(.7, 1.2), margin * v.between(.7, 1.2), margin * v.between(.7, 1.2)})
	m := v.scene(sheet, false)
	defer m.Close()
	fill(&m, sheet, grey(v.between(225, 242)))
	soft := gocv.NewMat()
	defer soft.Close()
	spread := v.between(.04, .1) / v.mm // ink spreads
	gocv.GaussianBlur(v.flat, &soft, image.Pt(0, 0), math.Max(.3, spread), math.Max(.3, spread), gocv.BorderDefault)
	put(&m, soft, v.quad)
	perMM := orElse(d.Lines, v.between(75, 133)) / 25.4
	weak := v.passes(perMM * v.mm)
	angles := [4][2]float64{}
	for i, a := range [4]float64{15, 75, 0, 45} { // cyan, magenta, yellow, black
		sin, cos := math.Sincos(a * math.Pi / 180)
		angles[i] = [2]float64{cos * perMM, sin * perMM}
	}
	floor, dull := v.between(34, 62), v.between(.6, .9)
	grain := v.between(.05, .12)
	w, h := float64(v.flat.Cols())*v.mm, float64(v.flat.Rows())*v.mm
	return v.shoot(m, v.quad, w, h, func(x, y float64, p *[3]float64) {
		luma := .114*p[0] + .587*p[1] + .299*p[2]
		var ink [4]float64
		if d.Grey {
			ink[3] = 1 - luma/255
		} else {
			most := 0.0
			var part [3]float64
			for c := range part { // blue light is taken by yellow, green by magenta, red by cyan
				part[c] = 1 - (luma+dull*(p[c]-luma))/255
			}
			ink = [4]float64{part[2], part[1], part[0], 0}
			most = math.Min(ink[0], math.Min(ink[1], ink[2]))
			k := math.Max(0, 1.6*(most-.45)) // black takes over in the shadows
			for i := range 3 {
				ink[i] = math.Max(0, ink[i]-k)
			}
			ink[3] = math.Min(1, k)
		}
		for i := range ink {
			ink[i] = math.Max(0, math.Min(1, ink[i]))
			if d.Spray {
				ink[i] = math.Max(0, math.Min(1, ink[i]+grain*v.passes(.5)*4*math.Sqrt(ink[i]*(1-ink[i]))*v.dice.NormFloat64()))
				continue
			}
			a, b := x*angles[i][0]-y*angles[i][1], x*angles[i][1]+y*angles[i][0]
			depth := math.Sin(math.Pi*ink[i]) * .64 * weak
			ink[i] += depth * (cosine(a) + cosine(b)) / 2
		}
		// Yellow takes blue, magenta green, cyan red; black takes all.
		for c, i := range [3]int{2, 1, 0} {
			p[c] = floor + (238-floor)*(1-ink[i])*(1-ink[3])
		}
	})
}

// Portrait is what is put over a document's own portrait.
type Portrait struct {
	At    image.Rectangle // in the document's picture
	Photo gocv.Mat
	Sharp float64 // deviation of the blur, in pixels of the document's picture; 0: drawn, <0: sharpened
	Noise float64 // its own, grey levels; 0: drawn
	Cut   float64 // depth of the shadow along the edge, 0..1; 0: drawn
}

// Replaced returns a flat document with another portrait put over its own: a rectangle
// with noise, sharpness and colour of its own and an edge that throws a narrow shadow.
func Replaced(doc gocv.Mat, seed uint64, p Portrait) (gocv.Mat, error) {
	for _, m := range []gocv.Mat{doc, p.Photo} {
		if err := picture.BGR(m); err != nil {
			return gocv.Mat{}, err
		}
	}
	s := Shot{Seed: seed}
	v, err := s.view(doc)
	if err != nil {
		return gocv.Mat{}, err
	}
	v.flat.Close()
	at := p.At.Intersect(image.Rect(2, 2, doc.Cols()-2, doc.Rows()-2))
	photo, err := picture.Resize(p.Photo, max(1, at.Dx()), max(1, at.Dy()))
	if err != nil {
		return gocv.Mat{}, err
	}
	defer photo.Close()
	blur := orElse(p.Sharp, []float64{-1, .01, 1, 1.8}[v.dice.IntN(4)])
	soft := gocv.NewMat()
	defer soft.Close()
	gocv.GaussianBlur(photo, &soft, image.Pt(0, 0), math.Abs(blur)+.01, math.Abs(blur)+.01, gocv.BorderDefault)
	if blur < 0 {
		gocv.AddWeighted(photo, 2.2, soft, -1.2, 0, &soft)
	}
	noise := orElse(p.Noise, v.between(2, 14))
	cut := orElse(p.Cut, v.between(.15, .5))
	tint := [3]float64{v.between(.9, 1.1), 1, v.between(.9, 1.1)}
	from, err := soft.DataPtrUint8()
	if err != nil {
		return gocv.Mat{}, err
	}
	out := doc.Clone()
	to, err := out.DataPtrUint8()
	if err != nil {
		out.Close()
		return gocv.Mat{}, err
	}
	wide := max(1, doc.Cols()/700)
	shade := v.dice.IntN(2) // on the right and below, or all around
	for y := at.Min.Y - wide; y < at.Max.Y+wide; y++ {
		for x := at.Min.X - wide; x < at.Max.X+wide; x++ {
			if x < 0 || y < 0 || x >= doc.Cols() || y >= doc.Rows() {
				continue
			}
			i := 3 * (y*doc.Cols() + x)
			if image.Pt(x, y).In(at) {
				j := 3 * ((y-at.Min.Y)*at.Dx() + x - at.Min.X)
				g := v.dice.NormFloat64() * noise
				for c := range 3 {
					to[i+c] = clamp(float64(from[j+c])*tint[c] + g + v.dice.NormFloat64()*noise*.4)
				}
				continue
			}
			if shade == 1 || x >= at.Max.X || y >= at.Max.Y {
				for c := range 3 {
					to[i+c] = clamp(float64(to[i+c]) * (1 - cut))
				}
			}
		}
	}
	return out, nil
}
