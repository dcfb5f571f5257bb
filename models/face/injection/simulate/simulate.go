// Package simulate makes what cameras and injected pictures leave behind, for tests and
// the evaluation of package injection.
//
// It is a model, not a measurement: shot and read noise, a swaying person, flickering
// light, a scheduler's jitter. What may live here: making frames from a seed. What may
// not: anything the product needs.
package simulate

import (
	"hash/maphash"
	"math"
	"math/rand/v2"
	"time"

	"vestibule/models"
	"vestibule/models/face/injection"
)

// Source is where frames come from.
type Source string

// The sources.
const (
	Camera  Source = "camera"       // raw, an ordinary webcam
	Smooth  Source = "smooth"       // compressing: half of the wall's noise is gone
	Dim     Source = "dim"          // in the dark: every frame twice
	Dusk    Source = "dusk"         // … and compressed until nothing of the wall's noise is left
	Still   Source = "still"        // a picture file as a camera
	Encoded Source = "still-coded"  // the same, encoded anew each time: other bytes, same picture
	Loop    Source = "loop"         // a real film in a loop
	Recoded Source = "loop-coded"   // the same, encoded anew
	Painted Source = "painted"      // a face that moves, drawn by a machine: no noise
	Metro   Source = "metronome"    // a film whose times were computed
	Cast    Source = "virtual-film" // a film that does not repeat, through a virtual camera
)

// Genuine and Attacks list the sources.
func Genuine() []Source { return []Source{Camera, Smooth, Dim, Dusk} }

// Attacks lists the sources that are none.
func Attacks() []Source { return []Source{Still, Encoded, Loop, Recoded, Painted, Metro, Cast} }

// Capture makes n frames at 30 a second, every third of which is measured, and the
// device they seem to come from.
func Capture(s Source, n int, seed uint64) (injection.Device, []injection.Frame) {
	rnd := rand.New(rand.NewPCG(seed, 0x63616d))
	d := injection.Device{Name: "HD Webcam", Card: "HD Webcam", Driver: "uvcvideo", Bus: "usb-0000:00:14.0-1", Asked: true}
	if s == Cast {
		d = injection.Device{Name: "HD Webcam", Card: "HD Webcam", Driver: "v4l2 loopback", Bus: "platform:v4l2loopback-000", Asked: true}
	}
	hash := maphash.MakeSeed()
	world := newWorld(rnd)
	loop := n / 3
	film := map[int]models.Sensor{}
	at := time.Unix(1_800_000_000, 0)
	var out []injection.Frame
	var held models.Sensor
	for i := range n {
		f := injection.Frame{Format: models.YUYV, Measured: i%3 == 0}
		if s == Smooth || s == Dusk {
			f.Format = models.JPEG
		}
		noise := 1.2
		switch s {
		case Smooth:
			noise = .5
		case Painted, Dusk:
			noise = 0
		}
		var z models.Sensor
		coded := false
		switch s {
		case Still, Encoded:
			if i == 0 {
				held = world.frame(0, noise)
			}
			z, coded = held, s == Encoded
		case Loop, Recoded:
			k := i % loop
			if _, ok := film[k]; !ok {
				film[k] = world.frame(float64(k)/30, noise)
			}
			z, coded = film[k], s == Recoded
		case Dim, Dusk:
			if i%2 == 0 {
				held = world.frame(float64(i)/30, noise)
			}
			z = held
		default:
			z = world.frame(float64(i)/30, noise)
		}
		var h maphash.Hash
		h.SetSeed(hash)
		for _, c := range z.Cells {
			_, _ = h.Write([]byte{byte(c), byte(c >> 8)})
		}
		_, _ = h.Write(z.Patches)
		if f.Hash = h.Sum64(); coded {
			f.Hash = rnd.Uint64()
		}
		if f.Measured {
			f.Sensor = z
		}
		step := time.Second / 30
		if s != Metro {
			step += time.Duration(rnd.NormFloat64() * float64(1500*time.Microsecond))
		}
		at = at.Add(max(step, 3*time.Millisecond))
		f.At = at
		out = append(out, f)
	}
	return d, out
}

// world is a wall with a person before it.
type world struct {
	rnd  *rand.Rand
	wall [models.SensorRows * models.SensorColumns]float64
	tile [models.SensorPatches][models.SensorSide * models.SensorSide]float64
}

func newWorld(rnd *rand.Rand) *world {
	w := &world{rnd: rnd}
	for i := range w.wall {
		w.wall[i] = 60 + 120*rnd.Float64()
	}
	for p := range w.tile {
		base := 70 + 120*rnd.Float64()
		for i := range w.tile[p] {
			w.tile[p][i] = base + 2*rnd.Float64()
		}
	}
	return w
}

// frame is what the sensor gives at a time: light that hums at 100 Hz, a person who
// sways, shot noise with the root of the brightness.
func (w *world) frame(t, noise float64) (s models.Sensor) {
	hum := 1 + .004*math.Sin(2*math.Pi*100*t+.3)
	sway := math.Sin(1.7*t) + .3*math.Sin(5.1*t+1)
	for i, v := range w.wall {
		x, y := float64(i%models.SensorColumns), float64(i/models.SensorColumns)
		if math.Hypot(x-8, 1.2*(y-6)) < 4 {
			v += 3 * sway * math.Sin(x+y)
		}
		// Thousands of pixels are behind a cell: little of the noise is left.
		v = v*hum + noise*math.Sqrt(v/128)/70*w.rnd.NormFloat64()
		s.Cells = append(s.Cells, uint16(256*v))
	}
	for p := range w.tile {
		for _, v := range w.tile[p] {
			v = v*hum + noise*math.Sqrt(v/128)*w.rnd.NormFloat64()
			s.Patches = append(s.Patches, byte(min(255, max(0, v+.5))))
		}
	}
	return s
}
