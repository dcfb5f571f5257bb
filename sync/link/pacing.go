package link

import (
	"math/rand/v2"
	"time"
)

// The protocol's core is this file, sender.go, pictures.go and downlink.go: no I/O, no clock, no
// goroutine. Time comes in as a parameter, what to do goes out as a value.

// retry is a wait that doubles, with jitter, between two bounds.
type retry struct {
	first, most time.Duration
	jitter      *rand.Rand
	n           int
}

// next gives the next wait: first·2ⁿ up to most, of which a random half is taken off.
func (r *retry) next() time.Duration {
	d := r.most
	if r.n < 20 && r.first<<r.n < r.most {
		d = r.first << r.n
	}
	r.n++
	return d/2 + time.Duration(r.jitter.Int64N(int64(d/2)+1))
}

func (r *retry) reset() { r.n = 0 }

// window says how many things may be under way: it grows with every success and
// falls to one when something got lost, so that a thin line is not flooded.
type window struct {
	size, most int
	credit     int
}

func (w *window) success() {
	if w.size >= w.most {
		return
	}
	if w.credit++; w.credit >= w.size {
		w.size, w.credit = w.size+1, 0
	}
}

func (w *window) failure() { w.size, w.credit = 1, 0 }

// pace estimates how long an answer takes (RFC 6298 section 2), so that a slow line
// is not mistaken for a broken one.
type pace struct {
	srtt, vary time.Duration
}

func (p *pace) sample(rtt time.Duration) {
	if p.srtt == 0 {
		p.srtt, p.vary = rtt, rtt/2
		return
	}
	p.vary += (max(p.srtt-rtt, rtt-p.srtt) - p.vary) / 4
	p.srtt += (rtt - p.srtt) / 8
}

// patience is how long to wait for an answer before sending again.
func (p *pace) patience(first, most time.Duration) time.Duration {
	return min(max(first, p.srtt+4*p.vary), most)
}

// earliest gives the first of several moments, zero ones aside.
func earliest(times ...time.Time) time.Time {
	var out time.Time
	for _, t := range times {
		if !t.IsZero() && (out.IsZero() || t.Before(out)) {
			out = t
		}
	}
	return out
}
