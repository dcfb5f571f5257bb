package document

import (
	"errors"
	"fmt"
	"math"

	"gocv.io/x/gocv"

	"vestibule/models"
	"vestibule/models/mrz"
	"vestibule/models/onnx"
	"vestibule/models/picture"
)

// The second reader sees lines 48 pixels high in colour.
const (
	secondHeight = 48
	secondFloor  = 1e-6 // probability below which a class counts as impossible anyway
)

// secondHalves frame the strips for the second reader, see stripHalf. A line that it reads
// differently is looked at tighter, which shows it wider: characters stood too close. Of 78 lines
// of public specimens it agrees on 69, 70 and 67, on 72 in one of the three; none of the 4 lines
// that the own reader reads wrong is among them.
var secondHalves = [...]float64{.36, .30, .27}

// readAgain reads the strips of a zone with the second reader: a network of other people, trained
// on other data, restricted to the 37 characters and to the layout that was found. Two readers
// that agree are hardly ever wrong together: 52 of 76 public specimens were
// accepted by valid digits and agreement, none of them wrong; digits alone let 3 wrong ones through,
// for no digit covers the names.
func (r *Reader) readAgain(bgr gocv.Mat, z zone) ([]reading, error) {
	w := r.lattices.take()
	defer r.lattices.give(w)
	out := make([]reading, 0, len(z.strips))
	for i, s := range z.strips {
		places, name := alphabets(z.layout, i, true)
		var line reading
		want := settled(z.layout, i, z.lines[i].text)
		for _, half := range secondHalves {
			p, err := lookAgain(r.other, r.keys, bgr, strip{from: s.from, to: s.to, half: s.half * half / stripHalf, stretch: s.stretch})
			if errors.Is(err, models.ErrFrame) && line.text != "" {
				break // too long to be looked at closer
			}
			if err != nil {
				return nil, err
			}
			if again, ok := w.decode(p, places, name); ok {
				line = again
			}
			if settled(z.layout, i, line.text) == want {
				break
			}
		}
		out = append(out, line)
	}
	return out, nil
}

// surer is a line with each character as the reading saw it that was surer of it, where they
// differ by more than look-alikes, which settle makes the same.
func (r reading) surer(other reading, settle func(string) string) reading {
	if len(other.text) != len(r.text) || len(other.chars) != len(r.text) {
		return r
	}
	mine, its := settle(r.text), settle(other.text)
	b, chars := []byte(r.text), append([]float64(nil), r.chars...)
	for i := range b {
		if mine[i] != its[i] && other.chars[i] > chars[i] {
			b[i], chars[i] = other.text[i], other.chars[i]
		}
	}
	return reading{text: string(b), score: r.score, chars: chars, place: r.place}
}

// settled is one line of a layout with its look-alikes settled by their places.
func settled(l mrz.Layout, line int, text string) string {
	kinds, b := l.Kinds()[line], []byte(text)
	for i, c := range b {
		if i < len(kinds) {
			if to, ok := kinds[i].Alike(c); ok {
				b[i] = to
			}
		}
	}
	return string(b)
}

func lookAgain(net *onnx.Network, keys []int, bgr gocv.Mat, s strip) (posteriors, error) {
	m, err := s.cut(bgr, secondHeight)
	if err != nil {
		return posteriors{}, err
	}
	defer m.Close()
	var p posteriors
	err = net.RunAs([]int64{1, 3, secondHeight, int64(m.Cols())}, func(in []float32) error {
		return picture.PlanesInto(in, m, false, []float32{127.5}, []float32{1 / 127.5})
	}, func(out []onnx.Tensor) error {
		y := out[0]
		if len(y.Shape) != 3 || int(y.Shape[2]) != len(keys) {
			return fmt.Errorf("output %v for %d classes", y.Shape, len(keys))
		}
		frames := int(y.Shape[1])
		p = posteriors{frames: frames, log: make([]float32, frames*classes)}
		for t := range frames {
			var sums [classes]float64
			total := 0.0
			for c, v := range y.Data[t*len(keys) : (t+1)*len(keys)] {
				if k := keys[c]; k >= 0 {
					sums[k] += float64(v)
					total += float64(v)
				}
			}
			for c, v := range sums {
				p.log[t*classes+c] = float32(math.Log(math.Max(v/math.Max(total, secondFloor), secondFloor)))
			}
		}
		return nil
	})
	if err != nil {
		return posteriors{}, fmt.Errorf("read a line again: %w", err)
	}
	return p, nil
}

// alike tells of each character of a layout whether two readings have it in common. Look-alikes
// are settled first: no reader can tell a 0 from an O by its shape alone, its place does.
func alike(l mrz.Layout, a []string, b []reading) [][]bool {
	other := make([]string, len(b))
	for i, r := range b {
		other[i] = r.text
	}
	a, _ = mrz.Settle(l, a)
	other, _ = mrz.Settle(l, other)
	out := make([][]bool, len(a))
	for i := range a {
		out[i] = make([]bool, len(a[i]))
		for j := range out[i] {
			out[i][j] = i < len(other) && j < len(other[i]) && a[i][j] == other[i][j]
		}
	}
	return out
}

// shareOf is the share of what is true, 0..1; it is 1 only when all is.
func shareOf(alike [][]bool) float64 {
	same, all := 0, 0
	for _, line := range alike {
		for _, yes := range line {
			all++
			if yes {
				same++
			}
		}
	}
	if all == 0 {
		return 0
	}
	return float64(same) / float64(all)
}

// accepted is the rule for taking a zone without a person looking at it: digits
// and fields are right, and both readers read the same.
func accepted(d *mrz.Document, agreed bool) bool { return d != nil && agreed && d.Valid() }
