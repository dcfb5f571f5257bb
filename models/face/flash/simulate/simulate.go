// Package simulate is the physical model that package flash is tested on: skin and wall
// as Lambertian surfaces under ambient light and the screen's, and a camera with a curve,
// noise, exposure and a white balance that drifts.
//
// It is a model, not a measurement. What may live here: making samples from a seed. What
// may not: anything the product needs.
package simulate

import (
	"math"
	"math/rand/v2"
	"time"

	"vestibule/models"
	"vestibule/models/face/flash"
)

// Subject is who or what stands before the camera.
type Subject string

// The subjects.
const (
	Person  Subject = "person"
	Film    Subject = "film"        // recorded before another challenge: its colours are others
	Dark    Subject = "film-plain"  // recorded without a challenge
	Tablet  Subject = "tablet"      // a film on a screen, whose glass gives back a few per cent
	Delayed Subject = "film-behind" // the right colours, shown too late
)

// Attacks lists what is no person.
func Attacks() []Subject { return []Subject{Film, Dark, Tablet, Delayed} }

// Scene is a place and a camera.
type Scene struct {
	Subject Subject
	Skin    [3]float64    // reflectance of red, green, blue, 0..1
	Ambient [3]float64    // light of the hall on the face; the screen's at full white is 1
	Screen  float64       // how much of the screen's light reaches the face; default 1
	Wall    float64       // … and the wall; default .1
	Delay   time.Duration // of the camera
	FPS     float64
	Noise   float64 // of a mean, grey levels rms
	Drift   float64 // of the white balance over the challenge, as a factor
	Seed    uint64
}

// Any draws a scene of ordinary places and people.
func Any(s Subject, seed uint64) Scene {
	r := rand.New(rand.NewPCG(seed, 0x666c))
	dark := r.Float64() // of skin: from the palest to the darkest, by melanin
	a := .5 + 2*r.Float64()
	return Scene{
		Subject: s, Skin: [3]float64{.62 - .42*dark, .45 - .36*dark, .36 - .30*dark},
		Ambient: [3]float64{a * (.9 + .3*r.Float64()), a, a * (.7 + .4*r.Float64())},
		Screen:  .3 + .3*r.Float64(), Wall: .06 + .08*r.Float64(),
		Delay: time.Duration(60+180*r.Float64()) * time.Millisecond, FPS: 8 + 7*r.Float64(),
		Noise: .15 + .3*r.Float64(), Drift: .12 * (r.Float64() - .5), Seed: seed,
	}
}

// Watch films a challenge.
func (s Scene) Watch(p flash.Plan) []flash.Sample {
	r := rand.New(rand.NewPCG(s.Seed, 0x77))
	intn := r.IntN
	earlier := flash.Draw(intn) // what the film's own screen showed
	screen := func(q flash.Plan, t time.Duration) [3]float64 {
		i := int(math.Floor(float64(t) / float64(q.Dwell)))
		if i < 0 || i >= len(q.Colours) {
			return [3]float64{.5, .5, .5}
		}
		c := q.Colours[i]
		return [3]float64{flash.Linear(float64(c.R)), flash.Linear(float64(c.G)), flash.Linear(float64(c.B))}
	}
	phase := r.Float64()
	var out []flash.Sample
	step := time.Duration(float64(time.Second) / s.FPS)
	gain := 0.0
	for t := 50 * time.Millisecond; t < p.Length()+200*time.Millisecond; t += step + time.Duration(r.NormFloat64()*float64(4*time.Millisecond)) {
		now := t - s.Delay
		here := screen(p, now)
		var skin, wall [3]float64
		sway := 1 + .03*math.Sin(2*math.Pi*(.7*t.Seconds()+phase)) // nearer and farther
		for k := range 3 {
			hall := s.Ambient[k] * (1 + .004*math.Sin(2*math.Pi*9*t.Seconds()))
			wall[k] = .6 * (hall + s.Wall*here[k])
			lit := func(light float64) float64 { return s.Skin[k] * (s.Ambient[k] + sway*s.Screen*light) }
			glass := .04 * s.Screen * here[k] // what the glass of a screen gives back
			switch s.Subject {
			case Person:
				skin[k] = s.Skin[k] * (hall + sway*s.Screen*here[k])
			case Film:
				skin[k] = lit(screen(earlier, now)[k]) + glass
			case Delayed:
				skin[k] = lit(screen(p, now-700*time.Millisecond)[k]) + glass
			case Dark:
				skin[k] = lit(.5) + .03*s.Screen*here[k] // a print or a mask that is matt
			case Tablet:
				skin[k] = lit(.5) + glass
			}
		}
		if gain == 0 { // exposure, once: the wall at a middle grey
			gain = .35 / wall[1]
		}
		part := t.Seconds() / p.Length().Seconds()
		see := func(l [3]float64) (c [3]float64) {
			for k := range 3 {
				balance := 1.0
				if k == 0 {
					balance = 1 + s.Drift*part
				} else if k == 2 {
					balance = 1 - s.Drift*part
				}
				v := l[k] * gain * balance * (1 + .02*math.Sin(3*t.Seconds()))
				v = 255*math.Pow(min(1, max(0, v)), 1/2.2) + s.Noise*r.NormFloat64()
				c[k] = min(255, max(0, v))
			}
			return c
		}
		out = append(out, flash.Sample{At: t, Light: models.Light{Skin: see(skin), Around: see(wall)}})
	}
	return out
}
