package genuine

import (
	"image"
	"math"
	"slices"

	"vestibule/models"
)

type vec struct{ x, y float64 }

func (a vec) add(b vec) vec       { return vec{a.x + b.x, a.y + b.y} }
func (a vec) sub(b vec) vec       { return vec{a.x - b.x, a.y - b.y} }
func (a vec) times(k float64) vec { return vec{a.x * k, a.y * k} }
func (a vec) length() float64     { return math.Hypot(a.x, a.y) }
func (a vec) unit() vec           { return a.times(1 / math.Max(a.length(), 1e-9)) }

// quad is the document's outline in pixels, clockwise as seen on the screen.
type quad [4]vec

func quadOf(q models.Quad, w, h int) (out quad) {
	for i, p := range q {
		out[i] = vec{p.X * float64(w), p.Y * float64(h)}
	}
	return out
}

func whole(w, h int) quad {
	x, y := float64(w), float64(h)
	return quad{{0, 0}, {x, 0}, {x, y}, {0, y}}
}

func (q quad) scaled(kx, ky float64) quad {
	for i, c := range q {
		q[i] = vec{c.x * kx, c.y * ky}
	}
	return q
}

// shrunk moves the corners towards the middle, by a part of the way.
func (q quad) shrunk(part float64) quad {
	m := q[0].add(q[1]).add(q[2]).add(q[3]).times(.25)
	for i, c := range q {
		q[i] = c.add(m.sub(c).times(part))
	}
	return q
}

func (q quad) inside(x, y float64) bool {
	for i := range q {
		e, p := q[(i+1)%4].sub(q[i]), vec{x, y}.sub(q[i])
		if e.x*p.y-e.y*p.x < 0 {
			return false
		}
	}
	return true
}

func (q quad) bounds(w, h int) image.Rectangle {
	lo, hi := q[0], q[0]
	for _, c := range q {
		lo, hi = vec{math.Min(lo.x, c.x), math.Min(lo.y, c.y)}, vec{math.Max(hi.x, c.x), math.Max(hi.y, c.y)}
	}
	return image.Rect(int(lo.x), int(lo.y), int(math.Ceil(hi.x)), int(math.Ceil(hi.y))).Intersect(image.Rect(0, 0, w, h))
}

// sides are the mean lengths of opposite sides: across, down.
func (q quad) sides() (across, down float64) {
	l := func(i int) float64 { return q[(i+1)%4].sub(q[i]).length() }
	return (l(0) + l(2)) / 2, (l(1) + l(3)) / 2
}

// sound tells whether the corners are finite, convex and clockwise, as all arithmetic here expects.
func (q quad) sound() bool {
	for i := range q {
		a, b, c := q[i], q[(i+1)%4], q[(i+2)%4]
		u, v := b.sub(a), c.sub(b)
		if cross := u.x*v.y - u.y*v.x; !(cross > 0) || math.IsInf(cross, 0) {
			return false
		}
	}
	return true
}

// lean is the angle between a direction and the nearer of the document's sides, 0..45 degrees.
func (q quad) lean(d [2]float64) float64 {
	side := q[1].sub(q[0]).unit().add(q[2].sub(q[3]).unit())
	a := math.Abs(math.Atan2(d[1], d[0])-math.Atan2(side.y, side.x)) * 180 / math.Pi
	a = math.Mod(a, 90)
	return math.Min(a, 90-a)
}

func median(v []float64) float64 { return quantile(v, .5) }

// quantile sorts v; 0 of nothing.
func quantile(v []float64, part float64) float64 {
	if len(v) == 0 {
		return 0
	}
	slices.Sort(v)
	return v[int(part*float64(len(v)-1))]
}
