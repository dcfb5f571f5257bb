package stage

import (
	"math"
	"math/rand/v2"
)

// later is what happens between two frames of a film of a document that lies still: the hand or the
// table moves by a pixel or two, the camera's exposure settles, a reflection wanders, somebody's
// shadow falls on a part of the scene. How much are guesses at a kiosk's surroundings, not measured there.
type later struct {
	dice     *rand.Rand
	shift    [2]float32 // of the document, pixels
	exposure float64    // factor
	lamp     [3]float64 // the reflection's way, in parts of the frame, and the factor of its strength
	shadow   [4]float64 // direction, place and softness of the shadow's edge, its depth 0..1
}

func newLater(seed, moment uint64) *later {
	dice := rand.New(rand.NewPCG(seed, 0x57a6e+moment))
	between := func(lo, hi float64) float64 { return lo + (hi-lo)*dice.Float64() }
	l := &later{dice: dice}
	l.shift = [2]float32{float32(between(-2, 2)), float32(between(-2, 2))}
	l.exposure = between(.97, 1.03)
	l.lamp = [3]float64{between(-.1, .1), between(-.1, .1), between(.3, 1.2)}
	l.shadow = [4]float64{between(0, 2*math.Pi), between(-.3, .3), between(.04, .2), 0}
	if dice.Float64() < .5 {
		l.shadow[3] = between(.05, .35)
	}
	return l
}

// shade is what the shadow leaves of the light at a place, -.5..+.5 each way.
func (l *later) shade(u, v float64) float64 {
	if l.shadow[3] == 0 {
		return 1
	}
	sin, cos := math.Sincos(l.shadow[0])
	in := 1 / (1 + math.Exp(-4*(u*cos+v*sin-l.shadow[1])/l.shadow[2]))
	return 1 - l.shadow[3]*in
}
