package barcode

import (
	"cmp"
	"math"
	"slices"
)

// vec is a place or a direction, in pixels; y points down.
type vec struct{ x, y float64 }

func (a vec) add(b vec) vec         { return vec{a.x + b.x, a.y + b.y} }
func (a vec) times(k float64) vec   { return vec{a.x * k, a.y * k} }
func (a vec) dot(b vec) float64     { return a.x*b.x + a.y*b.y }
func (a vec) across() vec           { return vec{-a.y, a.x} } // a quarter turn clockwise as seen
func direction(radians float64) vec { return vec{math.Cos(radians), math.Sin(radians)} }

// A symbol is a place where the brightness changes strongly and in one direction only:
// across its bars. What changes so is measured in cells, smoothed over their neighbours,
// and cells that agree are joined. All starting values, chosen on generated symbols and
// on documents without one.
const (
	cell         = 8    // pixels of the picture that is searched
	minEnergy    = 250  // mean squared brightness step over two pixels
	minCoherence = .28  // 1: all steps point one way, 0: all ways
	minAgreement = .80  // cosine of twice the angle between cells that are joined
	minCells     = 36   //
	minAcross    = 150. // pixels across the bars: the smallest symbol has 103 modules, and under 1.5 pixels a module nothing is read
	minAlong     = 24.0 // pixels along the bars
	maxShape     = 14.0 // across to along
	minFilled    = .30  // of the box round the cells, turned with them; print and edges may hang on to them
	minCovered   = .30  // of the middle of that box is busy, see refine
	maxPlaces    = 3
)

// place is where a symbol may be: a rectangle whose width lies across the bars.
type place struct {
	centre        vec
	angle         float64 // radians from the x axis to the direction across the bars, -π/2..π/2
	width, height float64
	energy        float64
	likeness      float64 // 0..1, how much of it is filled with bars; see refine
}

func (p place) scaled(k float64) place {
	p.centre, p.width, p.height = p.centre.times(k), p.width*k, p.height*k
	return p
}

// tensor sums up brightness steps: their squares and their product.
type tensor struct{ xx, yy, xy float64 }

func (t tensor) energy() float64      { return t.xx + t.yy }
func (t tensor) turn() (c, s float64) { return t.xx - t.yy, 2 * t.xy } // twice the angle, as a vector
func (t tensor) angle() float64 {
	c, s := t.turn()
	return math.Atan2(s, c) / 2
}

func (t tensor) coherence() float64 {
	c, s := t.turn()
	return math.Hypot(c, s) / math.Max(t.energy(), 1e-9)
}

func (t *tensor) add(o tensor) { t.xx += o.xx; t.yy += o.yy; t.xy += o.xy }

func agree(a, b tensor) bool {
	ac, as := a.turn()
	bc, bs := b.turn()
	return ac*bc+as*bs > minAgreement*math.Hypot(ac, as)*math.Hypot(bc, bs)
}

// steps measures the brightness steps of a grey picture cell by cell.
func steps(pix []byte, width, height int) (cells []tensor, across, down int) {
	across, down = width/cell, height/cell
	cells = make([]tensor, across*down)
	for y := 1; y < min(height-1, down*cell); y++ {
		above, here, below := pix[(y-1)*width:y*width], pix[y*width:(y+1)*width], pix[(y+1)*width:(y+2)*width]
		row := cells[y/cell*across : (y/cell+1)*across]
		for i := range row {
			var xx, yy, xy int
			for x := max(1, i*cell); x < min(width-1, (i+1)*cell); x++ {
				dx, dy := int(here[x+1])-int(here[x-1]), int(below[x])-int(above[x])
				xx += dx * dx
				yy += dy * dy
				xy += dx * dy
			}
			row[i].add(tensor{float64(xx), float64(yy), float64(xy)})
		}
	}
	for i := range cells {
		cells[i].xx /= cell * cell
		cells[i].yy /= cell * cell
		cells[i].xy /= cell * cell
	}
	return cells, across, down
}

// grid is a picture in cells.
type grid struct {
	cells        []tensor
	across, down int
}

// middle of a cell, in pixels.
func (g grid) middle(i int) vec {
	return vec{(float64(i%g.across) + .5) * cell, (float64(i/g.across) + .5) * cell}
}

func (g grid) busy(x, y int) bool { return g.cells[y*g.across+x].energy() > minEnergy }

// core sums up the middle of the grid, and tells the share of its cells that have steps.
func (g grid) core() (mean tensor, filled float64) {
	return g.within(g.down/6, g.down-g.down/6)
}

// within is core for some rows.
func (g grid) within(top, bottom int) (mean tensor, filled float64) {
	n := 0.0
	for y := top; y < bottom; y++ {
		for x := g.across / 6; x < g.across-g.across/6; x++ {
			mean.add(g.cells[y*g.across+x])
			n++
			if g.busy(x, y) {
				filled++
			}
		}
	}
	return mean, filled / max(1, n)
}

// trim finds the block of rows that are full of bars, and its ends, in pixels. Print above
// or below is not as full.
func (g grid) trim() (x1, y1, x2, y2 float64, ok bool) {
	const full, ends, least, gap = .75, .5, 3, 2
	rows := func(y int) bool {
		n, all := 0, 0
		for x := g.across / 6; x < g.across-g.across/6; x++ {
			all++
			if g.busy(x, y) {
				n++
			}
		}
		return float64(n) >= full*float64(all)
	}
	top, bottom := 0, 0
	for y := 0; y < g.down; y++ {
		start := y
		for y < g.down && rows(y) {
			y++
		}
		if y-start > bottom-top {
			top, bottom = start, y
		}
	}
	if bottom-top < least {
		return 0, 0, 0, 0, false
	}
	column := func(x int) bool {
		n := 0
		for y := top; y < bottom; y++ {
			// The thin bars at the ends are the first that blur takes.
			if g.cells[y*g.across+x].energy() > minEnergy/4 {
				n++
			}
		}
		return float64(n) >= ends*float64(bottom-top)
	}
	// Outwards from the middle, over the wide bars at the ends and no further: next
	// comes the quiet zone, then perhaps the edge of the card.
	end := func(step int) int {
		last := g.across / 2
		for x := last; x >= 0 && x < g.across && (x-last)*step <= gap+1; x += step {
			if column(x) {
				last = x
			}
		}
		return last
	}
	left, right := end(-1), end(1)+1
	if right-left < least {
		return 0, 0, 0, 0, false
	}
	return float64(left * cell), float64(top * cell), float64(right * cell), float64(bottom * cell), true
}

// smooth takes the mean of each cell and its eight neighbours.
func smooth(cells []tensor, across, down int) []tensor {
	out := make([]tensor, len(cells))
	for y := range down {
		for x := range across {
			var sum tensor
			n := 0.0
			for ny := max(0, y-2); ny <= min(down-1, y+2); ny++ {
				for nx := max(0, x-2); nx <= min(across-1, x+2); nx++ {
					sum.add(cells[ny*across+nx])
					n++
				}
			}
			out[y*across+x] = tensor{sum.xx / n, sum.yy / n, sum.xy / n}
		}
	}
	return out
}

// locate finds the places of a grey picture that look like bars, the likeliest first.
func locate(pix []byte, width, height int) []place {
	if width < 3*cell || height < 3*cell || len(pix) < width*height {
		return nil
	}
	sharp, across, down := steps(pix, width, height)
	cells := smooth(sharp, across, down)
	seen := make([]bool, len(cells))
	bars := func(i int) bool {
		return !seen[i] && cells[i].energy() > minEnergy && cells[i].coherence() > minCoherence
	}
	var found []place
	var queue []int
	for seed := range cells {
		if !bars(seed) {
			continue
		}
		seen[seed] = true
		queue = append(queue[:0], seed)
		for at := 0; at < len(queue); at++ {
			i := queue[at]
			x, y := i%across, i/across
			for _, n := range [4][2]int{{x - 1, y}, {x + 1, y}, {x, y - 1}, {x, y + 1}} {
				if n[0] < 0 || n[1] < 0 || n[0] >= across || n[1] >= down {
					continue
				}
				if j := n[1]*across + n[0]; bars(j) && agree(cells[i], cells[j]) {
					seen[j] = true
					queue = append(queue, j)
				}
			}
		}
		if p, ok := measure(queue, grid{sharp, across, down}); ok {
			found = append(found, p)
		}
	}
	slices.SortStableFunc(found, func(a, b place) int { return cmp.Compare(b.energy, a.energy) })
	return found[:min(len(found), maxPlaces)]
}

// measure makes a place of cells that belong together.
func measure(group []int, g grid) (place, bool) {
	if len(group) < minCells {
		return place{}, false
	}
	var sum tensor
	for _, i := range group {
		sum.add(g.cells[i])
	}
	p := place{angle: sum.angle(), energy: sum.energy()}
	u := direction(p.angle)
	v := u.across()
	low, high := vec{math.Inf(1), math.Inf(1)}, vec{math.Inf(-1), math.Inf(-1)}
	for _, i := range group {
		c := g.middle(i)
		low = vec{math.Min(low.x, c.dot(u)), math.Min(low.y, c.dot(v))}
		high = vec{math.Max(high.x, c.dot(u)), math.Max(high.y, c.dot(v))}
	}
	p.width, p.height = high.x-low.x+cell, high.y-low.y+cell
	p.centre = u.times((low.x + high.x) / 2).add(v.times((low.y + high.y) / 2))
	filled := float64(len(group)*cell*cell) / (p.width * p.height)
	ok := p.width >= minAcross && p.height >= minAlong && p.width <= maxShape*p.height && filled >= minFilled
	if !ok {
		return place{}, false
	}
	inside, busy := 0, 0
	for i := range g.cells {
		c := g.middle(i).add(p.centre.times(-1))
		if math.Abs(c.dot(u)) < p.width/3 && math.Abs(c.dot(v)) < p.height/3 {
			inside++
			if g.busy(i%g.across, i/g.across) {
				busy++
			}
		}
	}
	return p, float64(busy) >= minCovered*float64(inside)
}
