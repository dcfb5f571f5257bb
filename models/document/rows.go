package document

import (
	"math"
	"sort"
)

// Sizes of the zone, ICAO 9303-3 section 4.5: ten characters an inch, lines 6.35 mm
// apart, letters about 2.4 mm high.
const (
	pitchMM   = 2.54
	leadingMM = 6.35
)

// join makes rows of pieces: those that lie on one line, are about equally high and near each other.
func join(pieces []row) []row {
	sort.Slice(pieces, func(i, j int) bool { return pieces[i].length() > pieces[j].length() })
	used := make([]bool, len(pieces))
	var out []row
	for i, p := range pieces {
		if used[i] {
			continue
		}
		used[i] = true
		group := []row{orient(p)}
		whole := group[0]
		for grown := true; grown; {
			grown = false
			for j, q := range pieces {
				if used[j] || !sameLine(whole, q) {
					continue
				}
				used[j], grown = true, true
				group = append(group, q)
				whole = fit(group)
			}
		}
		out = append(out, whole)
	}
	return out
}

// orient lets a row run rightwards, or downwards when it is steeper than 45°.
func orient(r row) row {
	d := r.end.sub(r.start)
	if math.Abs(d.x) >= math.Abs(d.y) && d.x < 0 || math.Abs(d.x) < math.Abs(d.y) && d.y < 0 {
		r.start, r.end = r.end, r.start
	}
	return r
}

func sameLine(a, b row) bool {
	if a.length() < 2*a.height || a.height > 1.8*b.height || b.height > 1.8*a.height {
		return false
	}
	u := a.dir()
	h := math.Max(a.height, b.height)
	if b.length() > 3*b.height && math.Abs(u.cosine(b.dir())) < math.Cos(7*math.Pi/180) {
		return false
	}
	lo, hi := along(u, a.start, b)
	if lo > a.length()+2.5*h || hi < -2.5*h {
		return false
	}
	off := math.Abs(b.centre().sub(a.start).dot(u.across()))
	return off < .45*math.Min(a.height, b.height)
}

// along gives the extent of b on the axis u through from.
func along(u, from vec, b row) (lo, hi float64) {
	s, e := b.start.sub(from).dot(u), b.end.sub(from).dot(u)
	return math.Min(s, e), math.Max(s, e)
}

// fit lays one line through several pieces.
func fit(group []row) row {
	var c vec
	var weight, height, score float64
	for _, p := range group {
		l := p.length()
		c, weight = c.add(p.centre().times(l)), weight+l
		height, score = height+p.height*l, score+p.score*l
	}
	c = c.times(1 / weight)
	var xx, xy, yy float64
	for _, p := range group {
		for _, e := range []vec{p.start, p.end} {
			d := e.sub(c)
			xx, xy, yy = xx+d.x*d.x*p.length(), xy+d.x*d.y*p.length(), yy+d.y*d.y*p.length()
		}
	}
	angle := .5 * math.Atan2(2*xy, xx-yy)
	u := vec{math.Cos(angle), math.Sin(angle)}
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, p := range group {
		a, b := along(u, c, p)
		lo, hi = math.Min(lo, a), math.Max(hi, b)
	}
	return orient(row{start: c.add(u.times(lo)), end: c.add(u.times(hi)), height: height / weight, score: score / weight})
}

// block is two or three rows that could be a zone: parallel, evenly apart, equally long.
type block struct {
	rows    []row   // from the top
	leading float64 // pixels from row to row
	likely  float64 // by shape alone, higher is better
}

// blocks lists what could be a zone, the likeliest first.
func blocks(rows []row) []block {
	var long []row
	for _, r := range rows {
		if r.length() > 5*r.height {
			long = append(long, r)
		}
	}
	const most = 60
	if len(long) > most {
		sort.Slice(long, func(i, j int) bool { return long[i].length() > long[j].length() })
		long = long[:most]
	}
	var out []block
	for i, a := range long {
		for j, b := range long {
			if i == j {
				continue
			}
			d, ok := below(a, b)
			if !ok {
				continue
			}
			out = append(out, shaped([]row{a, b}, d))
			for k, c := range long {
				if k == i || k == j {
					continue
				}
				if e, ok := below(b, c); ok && e < 1.35*d && d < 1.35*e {
					out = append(out, shaped([]row{a, b, c}, (d+e)/2))
				}
			}
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].likely > out[j].likely })
	return out
}

// below tells how far b lies under a, if it could be the next line of the same zone.
func below(a, b row) (float64, bool) {
	u := a.dir()
	if u.cosine(b.dir()) < math.Cos(6*math.Pi/180) || a.height > 1.7*b.height || b.height > 1.7*a.height {
		return 0, false
	}
	h := (a.height + b.height) / 2
	d := b.centre().sub(a.centre()).dot(u.add(b.dir()).unit().across())
	if d < .9*h || d > 4*h {
		return 0, false
	}
	lo, hi := along(u, a.start, b)
	common := math.Min(hi, a.length()) - math.Max(lo, 0)
	if common < .6*math.Max(a.length(), hi-lo) {
		return 0, false
	}
	return d, true
}

// shaped rates a block by how well the ratio of its length and leading fits one of the layouts.
func shaped(rows []row, leading float64) block {
	b := block{rows: rows, leading: leading}
	length, score := 0.0, 0.0
	for _, r := range rows {
		length = math.Max(length, r.length())
		score += r.score / float64(len(rows))
	}
	places := length / leading * leadingMM / pitchMM
	best := math.Inf(1)
	widths := []float64{36, 44}
	if len(rows) == 3 {
		widths = []float64{30}
	}
	for _, w := range widths {
		best = math.Min(best, math.Abs(math.Log(places/w)))
	}
	shortest := math.Inf(1)
	for _, r := range rows {
		shortest = math.Min(shortest, r.length())
	}
	b.likely = -best - .5*math.Log(length/shortest) + .2*score
	if len(rows) == 3 {
		b.likely += .1
	}
	return b
}
