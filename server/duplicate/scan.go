package duplicate

import "math"

// A template is kept in two bytes a value: v ≈ (256·coarse + fine)·step, with a step of its
// own. The scan reads the coarse halves only. How far a coarse vector is from the whole one is
// kept beside it, so the scan knows by how much a cosine may be off and misses nothing; what
// could reach the limit is looked at again with both halves.

// blockRows is how many templates stand together, 4 MiB of them. The scan's answers for a block
// fit the processor's nearest cache.
const blockRows = 4096

// levels is the largest whole number of a value: with it neither half leaves its byte.
const levels = 127*256 + 127

// block holds the templates of blockRows faces.
type block struct {
	coarse [blockRows * Dimensions]int8
	fine   [blockRows * Dimensions]int8
	step   [blockRows]float32 // of a level
	off    [blockRows]float32 // length of the difference between the coarse and the whole vector
}

// put writes a template of length 1 into a row.
func (b *block) put(row int, v []float32) {
	coarse, fine := b.row(row)
	b.step[row], b.off[row] = split(v, coarse, fine)
}

func (b *block) row(row int) (coarse, fine []int8) {
	from, to := row*Dimensions, (row+1)*Dimensions
	return b.coarse[from:to], b.fine[from:to]
}

// take copies a row of another block.
func (b *block) take(row int, from *block, its int) {
	coarse, fine := b.row(row)
	itsCoarse, itsFine := from.row(its)
	copy(coarse, itsCoarse)
	copy(fine, itsFine)
	b.step[row], b.off[row] = from.step[its], from.off[its]
}

func (b *block) clear(row int) {
	coarse, fine := b.row(row)
	clear(coarse)
	clear(fine)
	b.step[row], b.off[row] = 0, 0
}

// cosine compares a row, both halves of it, with a vector.
func (b *block) cosine(row int, v []float32) float64 {
	coarse, fine := b.row(row)
	v, fine = v[:len(coarse)], fine[:len(coarse)]
	var sum float64
	for i, c := range coarse {
		sum += float64(v[i]) * float64(int32(c)<<8+int32(fine[i]))
	}
	return sum * float64(b.step[row])
}

// split writes a vector's two halves, and gives its step and how far the coarse half alone is off.
func split(v []float32, coarse, fine []int8) (step, off float32) {
	most := float32(0)
	for _, f := range v {
		most = max(most, f, -f)
	}
	step = most / levels
	sum := 0.0
	for i, f := range v {
		level := int32(math.RoundToEven(float64(f / step)))
		level = min(max(level, -levels), levels)
		high := (level + 128) >> 8
		coarse[i] = int8(high)
		if fine != nil {
			fine[i] = int8(level - high<<8)
		}
		d := float64(f) - float64(high)*256*float64(step)
		sum += d * d
	}
	return step, float32(math.Sqrt(sum))
}

// look is a query, made ready for the scan.
type look struct {
	coarse [Dimensions]int16
	step   float64
	off    float64 // as of a template
	dots   [blockRows]int32
}

func newLook(v []float32) *look {
	var coarse [Dimensions]int8
	step, off := split(v, coarse[:], nil)
	l := &look{step: float64(step), off: float64(off)}
	for i, c := range coarse {
		l.coarse[i] = int16(c)
	}
	return l
}

// slack covers what single precision and the fine half's rounding leave open.
const slack = 1e-3

// near gives the first n rows whose cosine may reach least.
//
// q·t = q'·t' + (q-q')·t + q'·(t-t'), with q' and t' the coarse vectors; t has length 1, and
// q' at most 1 + |q-q'|. So the coarse product is off by no more than |q-q'| + (1 + |q-q'|)·|t-t'|.
func (l *look) near(b *block, n int, least float64) []int {
	dots(&l.coarse, b.coarse[:n*Dimensions], l.dots[:n])
	var rows []int
	unit := l.step * 256 * 256
	for row, d := range l.dots[:n] {
		if float64(d)*unit*float64(b.step[row])+l.off+(1+l.off)*float64(b.off[row])+slack >= least {
			rows = append(rows, row)
		}
	}
	return rows
}

// dotsInGo multiplies a query with one row of Dimensions values after the other.
func dotsInGo(query *[Dimensions]int16, rows []int8, out []int32) {
	for r := range out {
		row := rows[r*Dimensions : (r+1)*Dimensions]
		var s0, s1, s2, s3 int32
		for i := 0; i < Dimensions; i += 4 {
			s0 += int32(query[i]) * int32(row[i])
			s1 += int32(query[i+1]) * int32(row[i+1])
			s2 += int32(query[i+2]) * int32(row[i+2])
			s3 += int32(query[i+3]) * int32(row[i+3])
		}
		out[r] = s0 + s1 + s2 + s3
	}
}
