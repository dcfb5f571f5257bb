package v4l2

import (
	"fmt"
	"math"

	"vestibule/hardware/camera"
)

// fourCC is a V4L2 pixel format code.
type fourCC uint32

func code(s string) fourCC {
	return fourCC(s[0]) | fourCC(s[1])<<8 | fourCC(s[2])<<16 | fourCC(s[3])<<24
}

func (f fourCC) String() string {
	return string([]byte{byte(f), byte(f >> 8), byte(f >> 16), byte(f >> 24)})
}

// preferred lists what can be used, best first: compressed, because USB 2 carries
// 1280×720 at 30 frames a second only so.
func preferred() []fourCC { return []fourCC{code("MJPG"), code("JPEG"), code("YUYV")} }

// sizeRange is what a device offers: one size (steps 0), or a range.
type sizeRange struct {
	minW, maxW, stepW int
	minH, maxH, stepH int
}

// nearest is the size of the range that lies closest to what is wanted.
func (r sizeRange) nearest(w, h int) (int, int) {
	return snap(w, r.minW, r.maxW, r.stepW), snap(h, r.minH, r.maxH, r.stepH)
}

func snap(v, lo, hi, step int) int {
	v = min(max(v, lo), hi)
	if step > 1 {
		v = lo + (v-lo+step/2)/step*step
		if v > hi {
			v -= step
		}
	}
	return v
}

// plan is what was agreed with a device.
type plan struct {
	format        fourCC
	width, height int
	fps           int
	others        [][2]int // further sizes of the format, to recognise what a device delivers instead
}

// negotiate agrees on the first preferred format that the device really takes,
// in the size nearest to m.
func negotiate(dev device, m camera.Mode) (plan, error) {
	if m.Width <= 0 || m.Height <= 0 {
		m.Width, m.Height = 1280, 720
	}
	if m.FPS <= 0 {
		m.FPS = 30
	}
	offered := dev.Formats()
	if len(offered) == 0 {
		return plan{}, fmt.Errorf("%w: the device has no picture format (a metadata node)", camera.ErrFormat)
	}
	var last error
	for _, want := range preferred() {
		if !contains(offered, want) {
			continue
		}
		p := plan{format: want, fps: m.FPS}
		p.width, p.height, p.others = choose(dev.Sizes(want), m.Width, m.Height)
		got, err := dev.Configure(want, p.width, p.height, m.FPS, buffers)
		if err != nil {
			last = openError(err)
			continue
		}
		if got != want {
			// The device may silently take another format; that one may still be of use.
			if !contains(preferred(), got) {
				last = fmt.Errorf("%w: asked for %s, got %s", camera.ErrFormat, want, got)
				continue
			}
			p.format = got
			_, _, p.others = choose(dev.Sizes(got), m.Width, m.Height)
		}
		return p, nil
	}
	if last != nil {
		return plan{}, last
	}
	return plan{}, fmt.Errorf("%w: it has %v, needed is one of %v", camera.ErrFormat, offered, preferred())
}

func contains(list []fourCC, f fourCC) bool {
	for _, x := range list {
		if x == f {
			return true
		}
	}
	return false
}

// choose picks the size nearest to w×h. A device that lists no sizes is asked for
// exactly what is wanted.
func choose(ranges []sizeRange, w, h int) (bw, bh int, all [][2]int) {
	best := math.Inf(1)
	for _, r := range ranges {
		if r.maxW <= 0 || r.maxH <= 0 {
			continue
		}
		cw, ch := r.nearest(w, h)
		all = append(all, [2]int{cw, ch})
		if d := distance(cw, ch, w, h); d < best {
			best, bw, bh = d, cw, ch
		}
	}
	if math.IsInf(best, 1) {
		return w, h, nil
	}
	return bw, bh, all
}

// distance compares sizes by their ratio, so that half and double are equally
// far; too small weighs a little more, because lost detail does not come back.
func distance(w, h, wantW, wantH int) float64 {
	d := func(have, want int) float64 {
		r := math.Log(float64(have) / float64(want))
		if r < 0 {
			return -1.25 * r
		}
		return r
	}
	return d(w, wantW) + d(h, wantH)
}

// frame turns the bytes of the device into a frame, or says that they are damaged:
// frames that the driver itself flagged as faulty arrive looking like good ones.
func (p plan) frame(raw []byte) (camera.Frame, bool) {
	if p.format != code("YUYV") {
		j, err := camera.ScanJPEG(raw)
		if err != nil {
			return camera.Frame{}, false
		}
		return camera.Frame{Format: camera.MJPEG, Width: j.Width, Height: j.Height, Pix: raw[:j.Length]}, true
	}
	w, h, ok := p.sizeOf(len(raw))
	if !ok {
		return camera.Frame{}, false
	}
	return camera.Frame{Format: camera.YUYV, Width: w, Height: h, Pix: raw}, true
}

// sizeOf finds the size of an uncompressed frame from its length: the one asked
// for, else the only other size of the device that fits exactly.
func (p plan) sizeOf(n int) (w, h int, ok bool) {
	if n == p.width*p.height*2 {
		return p.width, p.height, true
	}
	for _, s := range p.others {
		if n != s[0]*s[1]*2 || n == 0 {
			continue
		}
		if ok && (w != s[0] || h != s[1]) {
			return 0, 0, false
		}
		w, h, ok = s[0], s[1], true
	}
	return w, h, ok
}
