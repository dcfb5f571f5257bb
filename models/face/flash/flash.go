// Package flash is the colour challenge: the screen lights the face in colours that
// nobody could know before, and the skin must reflect them in their order and in time.
// A film recorded earlier does not; a screen or a print held up reflects them another way.
//
// EXPERIMENTAL. The judgement is tested against a physical model of skin, ambient light
// and camera (package simulate) and against nothing else: nobody measured it on people,
// and no figure below is more than a starting value. Policies leave it out unless they ask for it.
//
// What may live here: drawing the colours and judging means of colours over time. What
// may not: the screen, the camera, pixels, clocks.
package flash

import (
	"fmt"
	"math"
	"slices"
	"time"

	"vestibule/models"
	"vestibule/models/face"
)

// Colour of the screen, sRGB.
type Colour struct{ R, G, B uint8 }

// palette: light tints rather than pure colours. They are far from saturated red (WCAG
// 2.3.1 speaks of R/(R+G+B) of .8 and more), nearly as bright as one another, and every
// two differ by much in at least one channel.
var palette = [...]Colour{
	{255, 150, 130}, // rose
	{120, 235, 150}, // mint
	{130, 175, 255}, // sky
	{250, 215, 90},  // amber
	{235, 150, 245}, // lilac
}

// Length and pace of a challenge.
const (
	Colours = 8
	// Dwell is how long a colour stays. A flash is a pair of opposing changes, so at most
	// one a second: a third of the three that WCAG 2.3.1 allows.
	Dwell = 500 * time.Millisecond
)

// Plan is one challenge.
type Plan struct {
	Colours []Colour
	Dwell   time.Duration
}

// Draw makes a plan; intn returns a number in [0, n) that nobody can foresee. No colour
// follows itself, so every change is seen.
func Draw(intn func(int) int) Plan {
	p := Plan{Dwell: Dwell}
	last := -1
	for range Colours {
		var k int
		if last < 0 {
			k = intn(len(palette))
		} else if k = intn(len(palette) - 1); k >= last {
			k++
		}
		p.Colours = append(p.Colours, palette[k])
		last = k
	}
	return p
}

// Length is how long the whole challenge takes.
func (p Plan) Length() time.Duration { return time.Duration(len(p.Colours)) * p.Dwell }

// at is the colour shown a time after the beginning; before and after it is the nearest.
func (p Plan) at(t time.Duration) Colour {
	i := int(math.Floor(float64(t) / float64(p.Dwell)))
	return p.Colours[min(len(p.Colours)-1, max(0, i))]
}

// Safe reports why a plan must not be shown to people, after WCAG 2.2, 2.3.1 (three
// flashes or below threshold): more than three flashes within a second – a pair of
// opposing changes of relative luminance by a tenth or more, the darker below .8 – or
// saturated red at all, which is stricter than the rule and simpler to be sure of.
func (p Plan) Safe() error {
	if p.Dwell <= 0 || len(p.Colours) == 0 {
		return fmt.Errorf("flash: an empty plan")
	}
	var changes []time.Duration // opposing ones
	direction := 0
	for i, c := range p.Colours {
		l := c.linear()
		if sum := l[0] + l[1] + l[2]; sum > 0 && l[0]/sum >= .8 {
			return fmt.Errorf("flash: colour %d is saturated red", i+1)
		}
		if i == 0 {
			continue
		}
		a, b := p.Colours[i-1].luminance(), c.luminance()
		if math.Abs(a-b) < .1 || min(a, b) >= .8 {
			continue
		}
		d := 1
		if b < a {
			d = -1
		}
		if d != direction {
			changes = append(changes, time.Duration(i)*p.Dwell)
		}
		direction = d
	}
	// Three flashes are six opposing changes: a seventh within the second begins a fourth.
	for i := 6; i < len(changes); i++ {
		if changes[i]-changes[i-6] <= time.Second {
			return fmt.Errorf("flash: more than three flashes in a second")
		}
	}
	return nil
}

// linear is the colour's light, 0..1 a channel (IEC 61966-2-1).
func (c Colour) linear() (l [3]float64) {
	for i, v := range [3]uint8{c.R, c.G, c.B} {
		l[i] = Linear(float64(v))
	}
	return l
}

// luminance as WCAG defines it, 0..1.
func (c Colour) luminance() float64 {
	l := c.linear()
	return .2126*l[0] + .7152*l[1] + .0722*l[2]
}

// Linear turns an sRGB value, 0..255, to light, 0..1. Cameras do not follow it exactly;
// what is left of their curve is a slowly changing factor, which Check takes out.
func Linear(v float64) float64 {
	v = min(1, max(0, v/255))
	if v <= .04045 {
		return v / 12.92
	}
	return math.Pow((v+.055)/1.055, 2.4)
}

// Sample is what one frame showed.
type Sample struct {
	At    time.Duration // since the first colour was put on the screen
	Light models.Light
}

// Result of a challenge.
type Result struct {
	Ran         bool          // enough was seen to judge
	Score       float64       // 0..100
	Correlation float64       // −1..1, of the skin's colour with the screen's
	Delay       time.Duration // of the camera's pictures behind the screen
	Swing       float64       // how far the skin's colour changes, rms, as a part of its light
	Why         []string      // codes: too-few-frames, no-skin, no-reflection, wrong-order
	Frames      int
}

// What counts as a reflection; starting values, chosen on the
// physical model that they are tested on: its rates say that the arithmetic works, no more.
const (
	minFrames = 24 // three for each of eight colours
	minOfEach = 2  // in every colour: who hides while a colour is on has not answered it
	maxDelay  = 400 * time.Millisecond
	delayStep = 20 * time.Millisecond
	minSwing  = .015 // of the skin's light; below, the hall is too bright for the screen, and nothing can be told
	passFrom  = .75  // correlation that scores 50
	fullFrom  = .92  // … and 100
)

// Codes of Result.Why.
const (
	WhyNoSkin       = "no-skin"
	WhyNoReflection = "no-reflection"
	WhyWrongOrder   = "wrong-order"
)

// Check judges whether the skin reflected the plan. What is compared is colour, not
// brightness: the ratios of the channels, in linear light, of the skin divided by those
// of the surround, which takes out the camera's white balance, its exposure, and lamps
// that flicker on both. The screen lights the face, which is near, more than the wall.
//
// Where the skin's colour hardly changes at all, or a colour was not seen, there is nothing to judge: Ran is
// false then, and Why says so. Only a colour that changes, and otherwise than the screen's, counts against a face.
func Check(p Plan, samples []Sample) Result {
	r := Result{}
	if p.Safe() != nil {
		return r
	}
	var at []time.Duration
	var seen [2][]float64
	for _, s := range samples {
		if s.At < 0 || s.At > p.Length()+maxDelay || len(at) > 0 && s.At <= at[len(at)-1] {
			continue
		}
		c, ok := colourOf(s.Light)
		if !ok {
			continue
		}
		at = append(at, s.At)
		for k := range seen {
			seen[k] = append(seen[k], c[k])
		}
	}
	if r.Frames = len(at); r.Frames < minFrames || at[len(at)-1] < p.Length()*3/4 {
		r.Why = []string{face.WhyTooFewFrames}
		if r.Frames == 0 && len(samples) >= minFrames {
			r.Why = []string{WhyNoSkin}
		}
		return r
	}
	var change float64
	for k := range seen {
		detrend(at, seen[k])
		for _, v := range seen[k] {
			change += v * v
		}
	}
	if r.Swing = math.Sqrt(change / float64(2*len(at))); r.Swing < minSwing {
		r.Why = []string{WhyNoReflection}
		return r
	}
	r.Correlation = math.Inf(-1)
	for d := time.Duration(0); d <= maxDelay; d += delayStep {
		var shown [2][]float64
		for _, t := range at {
			// A frame is exposed over some time: the mean of its beginning and its end.
			a, b := chroma(p.at(t-d).linear()), chroma(p.at(t-d-30*time.Millisecond).linear())
			for k := range shown {
				shown[k] = append(shown[k], (a[k]+b[k])/2)
			}
		}
		for k := range shown {
			detrend(at, shown[k])
		}
		var xy, xx, yy float64
		for k := range shown {
			for i := range shown[k] {
				xy += shown[k][i] * seen[k][i]
				xx += shown[k][i] * shown[k][i]
				yy += seen[k][i] * seen[k][i]
			}
		}
		c := 0.0
		if xx > 0 && yy > 0 {
			c = xy / math.Sqrt(xx*yy)
		}
		if c > r.Correlation {
			r.Correlation, r.Delay = c, d
		}
	}
	if !p.each(at, r.Delay) {
		r.Why = []string{face.WhyTooFewFrames}
		return r
	}
	r.Ran = true
	r.Score = along(r.Correlation, 0, 0, passFrom, 50, fullFrom, 100)
	if r.Correlation < passFrom {
		r.Why = append(r.Why, WhyWrongOrder)
	}
	return r
}

// each reports whether every colour of the plan was seen, by a camera that is so far behind.
func (p Plan) each(at []time.Duration, delay time.Duration) bool {
	frames := make([]int, len(p.Colours))
	for _, t := range at {
		if i := int(math.Floor(float64(t-delay) / float64(p.Dwell))); i >= 0 && i < len(frames) {
			frames[i]++
		}
	}
	return !slices.ContainsFunc(frames, func(n int) bool { return n < minOfEach })
}

// Reading is the signal for face.Fuse.
func (r Result) Reading(needed bool) face.Reading {
	return face.Reading{Signal: face.SignalFlash, Needed: needed, Ran: r.Ran, Score: r.Score, Why: r.Why}
}

// colourOf is the skin's colour against the surround's, as two logarithms of ratios.
func colourOf(l models.Light) (c [2]float64, ok bool) {
	var skin, around [3]float64
	for k := range 3 {
		if !(l.Skin[k] >= 8 && l.Skin[k] <= 250) {
			return c, false // cut off: the ratio says nothing
		}
		skin[k], around[k] = Linear(l.Skin[k]), 1
	}
	usable := true
	for k := range 3 {
		usable = usable && l.Around[k] >= 8 && l.Around[k] <= 250
	}
	if usable { // else the head fills the frame, and only the slow changes are taken out
		for k := range 3 {
			around[k] = Linear(l.Around[k])
		}
	}
	s, a := chroma(skin), chroma(around)
	return [2]float64{s[0] - a[0], s[1] - a[1]}, true
}

// chroma is a colour without its brightness: red to green, and blue to green.
func chroma(l [3]float64) [2]float64 {
	const floor = 1e-4
	return [2]float64{math.Log((l[0] + floor) / (l[1] + floor)), math.Log((l[2] + floor) / (l[1] + floor))}
}

// detrend takes mean and slope out, in place: a white balance that drifts.
func detrend(at []time.Duration, v []float64) {
	var t, y, tt, ty float64
	n := float64(len(v))
	for i := range v {
		t += at[i].Seconds() / n
		y += v[i] / n
	}
	for i := range v {
		d := at[i].Seconds() - t
		tt += d * d
		ty += d * (v[i] - y)
	}
	slope := 0.0
	if tt > 0 {
		slope = ty / tt
	}
	for i := range v {
		v[i] -= y + slope*(at[i].Seconds()-t)
	}
}

// along is a line through three points, level beyond them.
func along(x, x0, y0, x1, y1, x2, y2 float64) float64 {
	switch {
	case !(x > x0):
		return y0
	case x < x1:
		return y0 + (y1-y0)*(x-x0)/(x1-x0)
	case x < x2:
		return y1 + (y2-y1)*(x-x1)/(x2-x1)
	}
	return y2
}
