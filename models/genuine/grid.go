package genuine

import (
	"context"
	"math"
	"slices"

	"gocv.io/x/gocv"

	"vestibule/models/picture"
)

// What repeats alike all over a document is no guilloche, whose waves differ from place
// to place, but the grid of a display or the screen of a printing press, or the moiré of either. So
// the spectra of many small tiles are compared, not that of the whole.
const (
	gridTile  = 64
	gridTiles = 40  // looked at, at most
	gridLeast = 16  // fewer prove nothing
	gridCap   = 4.0 // nepers that one tile's peak counts, at most
)

// repeating is what the tiles have in common.
type repeating struct {
	tiles int // compared; 0: too few
	// fringe is 0..1: the colours of a common pattern follow each other by a third of its period,
	// as the red, green and blue stripes of a display do, also when they are seen as
	// moiré. Print darkens all colours in the same places. Of the largest frequency: the
	// least of the three mean sines of the phase between two colours, over .87.
	fringe float64
	// peak is how far, in nepers (natural logarithm of power), the most prominent common
	// frequency stands above its neighbours, over all tiles; second is that of the next one that is
	// neither its neighbour nor its multiple.
	peak, second float64
	// cycles a pixel of both
	at, next [2]float64
}

// repeats looks for common patterns in a BGR picture inside q.
func repeats(ctx context.Context, m gocv.Mat, q quad, stride int) (repeating, error) {
	var r repeating
	if err := picture.BGR(m); err != nil {
		return r, err
	}
	w, h := m.Cols(), m.Rows()
	pix, err := m.DataPtrUint8()
	if err != nil || len(pix) != 3*w*h {
		return r, nil
	}
	places := tilesIn(q, w, h, stride)
	if len(places) > 2*gridTiles {
		// Evenly thinned.
		var some [][2]int
		for i := range 2 * gridTiles {
			some = append(some, places[i*len(places)/(2*gridTiles)])
		}
		places = some
	}
	places = plainest(pix, w, places)
	if len(places) < gridLeast {
		return r, nil // r.tiles is 0 then
	}
	r.tiles = len(places)
	const n = gridTile * gridTile
	in := gocv.NewMatWithSize(gridTile, gridTile, gocv.MatTypeCV32FC1)
	defer in.Close()
	field, err := in.DataPtrFloat32()
	if err != nil {
		return r, err
	}
	var window [gridTile]float32
	for i := range window {
		window[i] = float32(.5 - .5*math.Cos(2*math.Pi*(float64(i)+.5)/gridTile))
	}
	out := gocv.NewMat()
	defer out.Close()
	var spectra [3][]float32 // blue, green, red; real and imaginary part in turn
	var prominent, sharp, rg, gb, br [n]float64
	logs, smooth, sum := make([]float64, n), make([]float64, n), make([]float64, n)
	for _, p := range places {
		if err := ctx.Err(); err != nil {
			return r, err
		}
		for c := range spectra {
			load(field, pix, w, p, c, &window)
			gocv.DFT(in, &out, gocv.DftComplexOutput)
			s, err := out.DataPtrFloat32()
			if err != nil || len(s) != 2*n {
				return r, err
			}
			spectra[c] = append(spectra[c][:0], s...)
		}
		b, g, rd := spectra[0], spectra[1], spectra[2]
		for i := range n {
			br0, bi0, gr0, gi0, rr0, ri0 := float64(b[2*i]), float64(b[2*i+1]), float64(g[2*i]), float64(g[2*i+1]), float64(rd[2*i]), float64(rd[2*i+1])
			// Not blue: a press prints yellow along the sides, as the rows of a display are.
			logs[i] = math.Log((gr0*gr0+gi0*gi0+rr0*rr0+ri0*ri0)/2 + 1)
			power := (br0*br0 + bi0*bi0 + gr0*gr0 + gi0*gi0 + rr0*rr0 + ri0*ri0) / 3
			k := 1 / (power + 1e-6)
			rg[i] += k * (ri0*gr0 - rr0*gi0)
			gb[i] += k * (gi0*br0 - gr0*bi0)
			br[i] += k * (bi0*rr0 - br0*ri0)
		}
		background(logs, smooth, sum)
		for i := range n {
			logs[i] -= smooth[i]
			sharp[i] += logs[i] / float64(len(places))
		}
		for y := range gridTile {
			for x := range gridTile / 2 {
				most := math.Inf(-1)
				for dy := -1; dy <= 1; dy++ {
					for dx := -1; dx <= 1; dx++ {
						most = math.Max(most, logs[(y+dy)&63*gridTile+(x+dx)&63])
					}
				}
				prominent[y*gridTile+x] += math.Min(gridCap, most) / float64(len(places))
			}
		}
	}
	r.judge(prominent[:], sharp[:], rg[:], gb[:], br[:])
	return r, nil
}

// load brings one colour of a tile, without its mean, into the window.
func load(field []float32, pix []byte, w int, at [2]int, c int, window *[gridTile]float32) {
	sum := 0
	for y := range gridTile {
		row := pix[3*((at[1]+y)*w+at[0])+c:]
		for x := range gridTile {
			sum += int(row[3*x])
		}
	}
	mean := float32(sum) / (gridTile * gridTile)
	for y := range gridTile {
		row := pix[3*((at[1]+y)*w+at[0])+c:]
		for x := range gridTile {
			field[y*gridTile+x] = (float32(row[3*x]) - mean) * window[x] * window[y]
		}
	}
}

// tilesIn are the upper left corners of the tiles that lie wholly inside q.
func tilesIn(q quad, w, h, stride int) (out [][2]int) {
	b := q.bounds(w, h)
	for y := b.Min.Y; y+gridTile <= b.Max.Y; y += stride {
		for x := b.Min.X; x+gridTile <= b.Max.X; x += stride {
			in := true
			for _, c := range [4][2]float64{{0, 0}, {gridTile, 0}, {0, gridTile}, {gridTile, gridTile}} {
				in = in && q.inside(float64(x)+c[0], float64(y)+c[1])
			}
			if in {
				out = append(out, [2]int{x, y})
			}
		}
	}
	return out
}

// plainest leaves out overexposed and black tiles, which show nothing, and of the rest
// the half with the strongest edges: print hides what is looked for.
func plainest(pix []byte, w int, places [][2]int) [][2]int {
	type tile struct {
		at    [2]int
		rough int
	}
	var all []tile
	for _, p := range places {
		lost, rough := 0, 0
		for y := 0; y < gridTile; y += 2 {
			row := pix[3*((p[1]+y)*w+p[0])+1:]
			for x := 0; x+2 < gridTile; x += 2 {
				v, next := int(row[3*x]), int(row[3*x+6])
				if v >= 252 || v <= 8 {
					lost++
				}
				rough += (v - next) * (v - next)
			}
		}
		if lost*4 < gridTile*gridTile/4 {
			all = append(all, tile{p, rough})
		}
	}
	slices.SortStableFunc(all, func(a, b tile) int { return a.rough - b.rough })
	if len(all) > gridTiles {
		all = all[:gridTiles]
	}
	out := make([][2]int, len(all))
	for i, t := range all {
		out[i] = t.at
	}
	return out
}

// background is the mean of 9 × 9 neighbours; on the axes, where every straight edge of
// print leaves a ridge, that of the neighbours along the axis if it is more.
func background(logs, smooth, sum []float64) {
	for y := range gridTile {
		row := logs[y*gridTile : (y+1)*gridTile]
		s := 0.0
		for d := -4; d <= 4; d++ {
			s += row[d&63]
		}
		for x := range gridTile {
			sum[y*gridTile+x] = s
			s += row[(x+5)&63] - row[(x-4)&63]
		}
	}
	for x := range gridTile {
		s := 0.0
		for d := -4; d <= 4; d++ {
			s += sum[d&63*gridTile+x]
		}
		for y := range gridTile {
			smooth[y*gridTile+x] = s / 81
			s += sum[(y+5)&63*gridTile+x] - sum[(y-4)&63*gridTile+x]
		}
	}
	for off := -1; off <= 1; off++ {
		o := off & 63
		for i := range gridTile {
			along, down := 0.0, 0.0
			for d := 2; d <= 5; d++ {
				along += logs[o*gridTile+(i+d)&63] + logs[o*gridTile+(i-d)&63]
				down += logs[(i+d)&63*gridTile+o] + logs[(i-d)&63*gridTile+o]
			}
			smooth[o*gridTile+i] = math.Max(smooth[o*gridTile+i], along/8)
			smooth[i*gridTile+o] = math.Max(smooth[i*gridTile+o], down/8)
		}
	}
}

// Which frequencies count, in cycles per tile.
const (
	gridLow   = 4  // slower ones are the print itself
	gridApart = 8  // two peaks, at least: each is seven wide
	gridEdge  = 30 // at the limit of the sampling stand the traces of the camera's mosaic
)

// frequency tells the signed frequency of a bin and whether it counts.
func frequency(x, y int) (fx, fy int, ok bool) {
	fx, fy = x, y
	if fy >= gridTile/2 {
		fy -= gridTile
	}
	if fx*fx+fy*fy < gridLow*gridLow || max(fx, -fx) > gridEdge || max(fy, -fy) > gridEdge {
		return fx, fy, false
	}
	// The blocks of a camera's JPEG repeat every 8 pixels; their harmonics stand on the axes.
	if (fx == 0 && fy%8 == 0) || (fy == 0 && fx%8 == 0) {
		return fx, fy, false
	}
	return fx, fy, true
}

func (r *repeating) judge(prominent, sharp, rg, gb, br []float64) {
	var all []float64
	for y := range gridTile {
		for x := range gridTile / 2 {
			if _, _, ok := frequency(x, y); ok {
				all = append(all, prominent[y*gridTile+x])
			}
		}
	}
	slices.Sort(all)
	base := all[len(all)/2]
	type place struct{ x, y int }
	var first place
	best := func(skip func(fx, fy int) bool) (most float64, at place) {
		for y := range gridTile {
			for x := range gridTile / 2 {
				fx, fy, ok := frequency(x, y)
				if !ok || skip(fx, fy) {
					continue
				}
				if v := prominent[y*gridTile+x] - base; v > most {
					most, at = v, place{fx, fy}
				}
			}
		}
		// prominent is flat around a peak, sharp tells where exactly it is.
		top, centre := math.Inf(-1), at
		for y := at.y - 3; y <= at.y+3; y++ {
			for x := at.x - 3; x <= at.x+3; x++ {
				if v := sharp[y&63*gridTile+x&63]; v > top {
					top, centre = v, place{x, y}
				}
			}
		}
		return most, centre
	}
	r.peak, first = best(func(int, int) bool { return false })
	r.at = [2]float64{float64(first.x) / gridTile, float64(first.y) / gridTile}
	var second place
	r.second, second = best(func(fx, fy int) bool {
		// Too near to the first, or on the line through it, as its harmonics are.
		near := func(x, y int) bool { return math.Hypot(float64(fx-x), float64(fy-y)) < gridApart }
		cross := math.Abs(float64(fx*first.y - fy*first.x))
		return near(first.x, first.y) || near(-first.x, -first.y) || cross < gridApart/2*math.Hypot(float64(first.x), float64(first.y))
	})
	r.next = [2]float64{float64(second.x) / gridTile, float64(second.y) / gridTile}
	n := float64(r.tiles)
	mean := func(v []float64, x, y int) float64 {
		s := 0.0
		for dy := -1; dy <= 1; dy++ {
			for dx := -1; dx <= 1; dx++ {
				s += v[(y+dy)&63*gridTile+(x+dx)&63]
			}
		}
		return s / 9 / n
	}
	for y := range gridTile {
		for x := range gridTile / 2 {
			if _, _, ok := frequency(x, y); !ok {
				continue
			}
			a, b, c := mean(rg, x, y), mean(gb, x, y), mean(br, x, y)
			least := math.Max(math.Min(a, math.Min(b, c)), math.Min(-a, math.Min(-b, -c)))
			r.fringe = math.Max(r.fringe, least/.87)
		}
	}
}
