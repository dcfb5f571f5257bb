// Package injection tells pictures of a camera's sensor from pictures that were put in
// its place: a film played in a loop, a still, a virtual camera (digital injection, the
// class of attacks that ISO/IEC 30107-3 leaves out and CEN/TS 18099 names).
//
// What it stands on: a sensor never gives the same picture twice, its frames come when
// they come, and a camera says what it is. Each is a hint and none a proof: who owns
// the kiosk's kernel can imitate all of it. Against that only the housing helps.
//
// What may live here: arithmetic on what is known of frames. What may not: pixels
// (package reader measures), devices (the agent asks them), clocks, policy.
package injection

import (
	"math"
	"slices"
	"strings"
	"time"

	"vestibule/models"
	"vestibule/models/face"
)

// Device is what is known about the camera.
type Device struct {
	Name    string // as in logs and policies
	Asked   bool   // the kernel said what follows
	Driver  string
	Card    string
	Bus     string
	Virtual bool // the driver makes its pictures in software
}

// Frame is one frame as it came.
type Frame struct {
	At       time.Time     // received
	Hash     uint64        // of its bytes, by one function for all frames of a check
	Format   models.Format //
	Measured bool
	Sensor   models.Sensor // only when Measured
}

// Rules are what policy adds.
type Rules struct {
	Cameras []string // names that may be used; empty: any
}

// Code names a finding.
type Code string

// The findings, and how much each speaks for an injection, 0..1. Those of 1 cannot
// come from a sensor. The others are starting values, unmeasured on real cameras: one
// alone leaves a score of 50 and more, two of different families do not – save repeated
// frames and missing noise of a compressing camera, which dusk may bring about together.
const (
	VirtualCamera  Code = "virtual-camera"   // 1: its driver, card or bus is known to be software
	UnlistedCamera Code = "unlisted-camera"  // 1: not among Rules.Cameras
	UnknownCamera  Code = "unknown-camera"   // .4: it does not say what it is
	StillPicture   Code = "still-picture"    // 1: every frame is the same
	LoopedFrames   Code = "looped-frames"    // 1: frames come again after others
	RepeatedFrames Code = "repeated-frames"  // .3: many frames twice in a row; some cameras do that in the dark
	StandingTimes  Code = "impossible-times" // .5: two frames at one moment, or one before the other
	RegularTimes   Code = "regular-times"    // .4: steadier than any clock of a camera and a scheduler
	BurstTimes     Code = "burst-times"      // .4: most frames come faster than anything can be exposed
	NoNoise        Code = "no-noise"         // .45 raw, .25 compressed: nothing flickers where light falls
)

// family says which findings are about the same thing: only the gravest of one counts.
func (c Code) family() string {
	switch c {
	case VirtualCamera, UnlistedCamera, UnknownCamera:
		return "device"
	case StandingTimes, RegularTimes, BurstTimes:
		return "times"
	case NoNoise:
		return "noise"
	}
	return "repetition"
}

// Finding is one thing that speaks for an injection.
type Finding struct {
	Code     Code
	Weight   float64 // 0..1
	Measured float64 // a share, a ratio or grey levels; see where it is found
}

// Result is what a check found.
type Result struct {
	Score    float64 // 0..100, 100: nothing speaks for an injection
	Findings []Finding
	Frames   int // looked at
	Measured int // of them, with a Sensor
}

// How much must have been seen before something is said, and the limits.
const (
	MinFrames    = 5 // that no capture of a selfie is below
	MinMeasured  = 4
	minTimes     = 10   // frames, to judge when they came
	loopedFrames = 3    // different frames that came again; one alone may be a covered lens
	repeatShare  = .2   // of frames that equal the one before
	regular      = 2e-4 // mean deviation of the intervals as a part of their median: 7 µs at 30 a second
	burst        = 2 * time.Millisecond
	burstShare   = .5
	sameCell     = 1    // 1/256 grey levels
	quiet        = .02  // grey levels rms between two frames
	darkPatch    = 16.0 // mean; darker, a camera cuts its noise off
	brightPatch  = 235.0
	rawNoise     = .45
	packedNoise  = .25
)

// Check looks at all frames of a capture, in the order received.
func Check(d Device, frames []Frame, rules Rules) Result {
	r := Result{Frames: len(frames)}
	add := func(c Code, weight, measured float64) {
		r.Findings = append(r.Findings, Finding{c, weight, measured})
	}
	device(d, rules, add)
	times(frames, add)
	var measured []Frame
	for _, f := range frames {
		if f.Measured && len(f.Sensor.Cells) > 0 {
			measured = append(measured, f)
		}
	}
	r.Measured = len(measured)
	bytes(frames, add)
	pictures(measured, add)
	noise(measured, add)

	worst := map[string]float64{}
	for _, f := range r.Findings {
		worst[f.Code.family()] = max(worst[f.Code.family()], f.Weight)
	}
	r.Score = 100
	for _, w := range worst {
		r.Score *= 1 - w
	}
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		switch {
		case a.Weight > b.Weight:
			return -1
		case a.Weight < b.Weight:
			return 1
		}
		return strings.Compare(string(a.Code), string(b.Code))
	})
	return r
}

// Reading is the signal for face.Fuse. A check of fewer than MinFrames frames did not
// run, unless what it found needs no frames.
func (r Result) Reading(needed bool) face.Reading {
	out := face.Reading{Signal: face.SignalInjection, Needed: needed, Ran: r.Frames >= MinFrames || len(r.Findings) > 0, Score: r.Score}
	for _, f := range r.Findings {
		out.Why = append(out.Why, string(f.Code))
	}
	if !out.Ran {
		out.Why = []string{face.WhyTooFewFrames}
	}
	return out
}

type adder func(c Code, weight, measured float64)

// device judges what the camera calls itself.
func device(d Device, rules Rules, add adder) {
	if d.Virtual || software(d) {
		add(VirtualCamera, 1, 1)
	}
	if len(rules.Cameras) > 0 && !slices.Contains(rules.Cameras, d.Name) {
		add(UnlistedCamera, 1, 1)
	}
	if !d.Asked {
		add(UnknownCamera, .4, 1)
	}
}

// software reports whether a name is one that virtual cameras of the trade bear.
func software(d Device) bool {
	driver, card, bus := strings.ToLower(d.Driver), strings.ToLower(d.Card), strings.ToLower(d.Bus)
	for _, s := range []string{"v4l2 loopback", "v4l2loopback", "vivid", "vimc", "akvcam", "vcam"} {
		if driver == s || strings.HasPrefix(bus, "platform:"+strings.ReplaceAll(s, " ", "")) {
			return true
		}
	}
	for _, s := range []string{"virtual", "dummy video", "loopback", "obs cam", "droidcam", "manycam", "iriun", "webcamoid", "akvirtualcamera"} {
		if strings.Contains(card, s) {
			return true
		}
	}
	return false
}

// times judges when frames came.
func times(frames []Frame, add adder) {
	if len(frames) < minTimes {
		return
	}
	var gaps []float64
	standing, short := 0, 0
	for i := 1; i < len(frames); i++ {
		g := frames[i].At.Sub(frames[i-1].At)
		if g <= 0 {
			standing++
		}
		if g < burst {
			short++
		}
		gaps = append(gaps, g.Seconds())
	}
	n := float64(len(gaps))
	if standing > 0 {
		add(StandingTimes, .5, float64(standing)/n)
		return
	}
	if share := float64(short) / n; share > burstShare {
		add(BurstTimes, .4, share)
	}
	sorted := slices.Clone(gaps)
	slices.Sort(sorted)
	middle := sorted[len(sorted)/2]
	var deviation float64
	for _, g := range gaps {
		deviation += math.Abs(g-middle) / n
	}
	if jitter := deviation / middle; jitter < regular {
		add(RegularTimes, .4, jitter)
	}
}

// bytes judges whether frames are exactly the same, as they came.
func bytes(frames []Frame, add adder) {
	if len(frames) < MinFrames {
		return
	}
	repetition(len(frames), MinFrames, func(i, j int) bool { return frames[i].Hash == frames[j].Hash },
		func(i int) uint64 { return frames[i].Hash }, add)
}

// pictures judges the same of what is on them: who encodes anew changes every byte and
// no picture. What a camera sees changes by more than 1/256 of a level somewhere.
func pictures(frames []Frame, add adder) {
	if len(frames) < MinMeasured {
		return
	}
	same := func(i, j int) bool {
		a, b := frames[i].Sensor.Cells, frames[j].Sensor.Cells
		if len(a) != len(b) {
			return false
		}
		for k := range a {
			if d := int(a[k]) - int(b[k]); d > sameCell || d < -sameCell {
				return false
			}
		}
		return true
	}
	one := func(int) uint64 { return 0 } // any may be the same as any other
	repetition(len(frames), MinMeasured, same, one, add)
}

// repetition finds frames that come again. key is equal for frames that may be the same.
func repetition(n, least int, same func(i, j int) bool, key func(int) uint64, add adder) {
	twice := 0
	seen := map[uint64][]int{} // of each key the first of each kind of frame
	again := map[int]bool{}    // those that came again, after others
	for i := range n {
		if i > 0 && same(i, i-1) {
			twice++
			continue
		}
		k := key(i)
		at := slices.IndexFunc(seen[k], func(j int) bool { return same(i, j) })
		if at >= 0 {
			again[seen[k][at]] = true
		} else {
			seen[k] = append(seen[k], i)
		}
	}
	switch share := float64(twice) / float64(n-1); {
	case twice == n-1 && n >= least:
		add(StillPicture, 1, share)
	case len(again) >= loopedFrames:
		add(LoopedFrames, 1, float64(len(again))/float64(n))
	case share > repeatShare:
		add(RepeatedFrames, .3, share)
	}
}

// noise judges whether anything flickers in the quietest of the patches between frames.
// The shot noise of light is where light is; in the dark and in the glare a camera cuts
// it off, so those patches say nothing.
func noise(frames []Frame, add adder) {
	var levels []float64
	raw := true
	for i := 1; i < len(frames); i++ {
		if l, ok := flicker(frames[i-1].Sensor, frames[i].Sensor); ok {
			levels = append(levels, l)
			raw = raw && frames[i].Format != models.JPEG
		}
	}
	if len(levels) < MinMeasured-1 {
		return
	}
	slices.Sort(levels)
	weight := packedNoise // a compressing camera smooths walls by itself
	if raw {
		weight = rawNoise
	}
	// Nearly all pairs: one repeated frame says nothing about noise.
	if l := levels[len(levels)*3/4]; l < quiet {
		add(NoNoise, weight, l)
	}
}

// flicker is the temporal noise of two frames in grey levels rms: the mean over their
// usable patches, each without its common change of brightness. A mean, not the least:
// a camera may smooth one wall quite away.
func flicker(a, b models.Sensor) (float64, bool) {
	const n = models.SensorSide * models.SensorSide
	if len(a.Patches) != models.SensorPatches*n || len(b.Patches) != len(a.Patches) {
		return 0, false
	}
	var sum float64
	usable := 0
	for p := range models.SensorPatches {
		x, y := a.Patches[p*n:(p+1)*n], b.Patches[p*n:(p+1)*n]
		var mean, diff, square float64
		for i := range x {
			d := float64(x[i]) - float64(y[i])
			mean += float64(y[i]) / n
			diff += d / n
			square += d * d / n
		}
		if mean < darkPatch || mean > brightPatch {
			continue
		}
		usable++
		sum += math.Sqrt(max(0, square-diff*diff) / 2)
	}
	if usable == 0 {
		return 0, false
	}
	return sum / float64(usable), true
}
