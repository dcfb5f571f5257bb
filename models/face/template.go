package face

import (
	"errors"
	"math"
	"slices"

	"vestibule/models"
)

// A template of several frames.
const (
	// SameShot is the least cosine of a frame's template with the others' mean. Starting
	// value: well above Match, so that a frame half hidden or mid-blink is left out as well. Of 80
	// times three pictures of one person from different days, none failed it as a whole.
	SameShot = 0.55
	// BestFrames is how many frames a template is made of at most: the best ones. Starting
	// value; the noise of a mean falls with the root of their number.
	BestFrames = 8
)

// Errors of Multi and Compare.
var (
	ErrNoFrame     = errors.New("no frame has a face that can be compared")
	ErrDisagree    = errors.New("the frames do not show one person")
	ErrModelDiffer = errors.New("the templates were made by different networks")
)

// Template is one person's face, from one frame or from several.
type Template struct {
	Model  string
	Vector []float32 // L2-normalised
	Used   []int     // the frames that went in, by their index, the best first
	Left   []int     // frames with a face that were left out: not like the others, or more than BestFrames
	Lowest float64   // least cosine of a frame that went in with the whole, 1 for a single one
}

// Multi makes one template of several frames of one person: the mean of the frames'
// templates, each weighted by its Quality, normalised again. Frames without exactly one
// face and frames that Hint objects to do not count, unless there are no others. A frame
// that is not like the rest (cosine below SameShot with the mean of the others) is
// dropped, the least alike first; when no majority is left, the frames do not show one
// person and Multi fails with ErrDisagree.
//
// Measured with three pictures of other days against one, 10 people: the middle cosine of
// the same person rises from .73 to .80, that of 6,480 pairs of different people stays (95 % below
// .19), so the thresholds for single pictures hold (models/face/evaluate).
func Multi(frames []models.Face) (Template, error) {
	usable := func(strict bool) (idx []int) {
		for i, f := range frames {
			if f.Found && finite(f.Template) && (!strict || f.Faces <= 1 && f.Hint == models.HintNone) {
				idx = append(idx, i)
			}
		}
		return idx
	}
	idx := usable(true)
	if len(idx) == 0 {
		idx = usable(false)
	}
	if len(idx) == 0 {
		return Template{}, ErrNoFrame
	}
	slices.SortStableFunc(idx, func(a, b int) int {
		switch qa, qb := frames[a].Quality, frames[b].Quality; {
		case qa > qb:
			return -1
		case qa < qb:
			return 1
		}
		return 0
	})
	first := frames[idx[0]]
	for _, i := range idx {
		if frames[i].Model != first.Model || len(frames[i].Template) != len(first.Template) {
			return Template{}, ErrModelDiffer
		}
	}
	t := Template{Model: first.Model}
	if len(idx) > BestFrames {
		t.Left = append(t.Left, idx[BestFrames:]...)
		idx = idx[:BestFrames:BestFrames]
	}
	began := len(idx)
	for len(idx) > 1 {
		worst, least := 0, 2.0
		for k, i := range idx {
			others := mean(frames, slices.Concat(idx[:k], idx[k+1:]))
			// Of two equally unlike ones the worse picture goes: it is later in the order.
			if c := Cosine(frames[i].Template, others); c <= least {
				worst, least = k, c
			}
		}
		if least >= SameShot {
			break
		}
		t.Left = append(t.Left, idx[worst])
		idx = slices.Delete(slices.Clone(idx), worst, worst+1)
	}
	if 2*len(idx) <= began && began > 1 {
		return Template{}, ErrDisagree
	}
	t.Used, t.Vector, t.Lowest = idx, mean(frames, idx), 1
	for _, i := range idx {
		t.Lowest = math.Min(t.Lowest, Cosine(frames[i].Template, t.Vector))
	}
	slices.Sort(t.Left)
	return t, nil
}

// mean is the normalised mean of some frames' templates, weighted by quality. A frame of
// no quality still counts a little, so that frames nobody measured count evenly.
func mean(frames []models.Face, idx []int) []float32 {
	sum := make([]float64, len(frames[idx[0]].Template))
	for _, i := range idx {
		f := frames[i]
		w := 1 + math.Max(0, math.Min(100, f.Quality))
		if math.IsNaN(w) {
			w = 1
		}
		var norm float64
		for _, v := range f.Template {
			norm += float64(v) * float64(v)
		}
		for k, v := range f.Template {
			sum[k] += w * float64(v) / math.Sqrt(norm)
		}
	}
	var norm float64
	for _, v := range sum {
		norm += v * v
	}
	out := make([]float32, len(sum))
	if norm == 0 { // opposite templates: like nobody
		return out
	}
	for k, v := range sum {
		out[k] = float32(v / math.Sqrt(norm))
	}
	return out
}

// finite reports whether a template can be compared at all.
func finite(t []float32) bool {
	var norm float64
	for _, v := range t {
		norm += float64(v) * float64(v)
	}
	return norm > 0 && !math.IsInf(norm, 0) && !math.IsNaN(norm)
}

// Source is where a reference portrait comes from.
type Source string

// The sources of references, most trusted first.
const (
	FromChip     Source = "chip"     // read from the chip: its maker signed it (ICAO Doc 9303-10, DG2)
	FromDocument Source = "document" // printed, photographed by this kiosk
)

// Reference is a portrait to compare with.
type Reference struct {
	From Source
	Face models.Face
}

// Outcome of one reference.
type Outcome struct {
	From       Source
	Cosine     float64
	Similarity float64 // 0..100
	Usable     bool
	Why        Unusable // when it is not
}

// Unusable says why a reference cannot be compared with.
type Unusable string

// Why a reference cannot be used.
const (
	UnusableNoFace  Unusable = "no-face"
	UnusableSmall   Unusable = "small"   // eyes closer than MinPortraitEyes
	UnusableNetwork Unusable = "network" // measured by another network
)

// Comparison is a selfie against all references.
type Comparison struct {
	Outcomes   []Outcome // in the order of the references
	Decided    Source    // whose similarity counts; empty when none could be used
	Similarity float64   // 0..100
	Alike      float64   // least cosine between two references that could be used; 1 with fewer than two
}

// Compare measures a selfie's template against every reference and says which counts: the
// most trusted one that can be used (the chip's portrait is digital and signed, the
// document's a photograph of a print), unless another one that can be used falls below
// pass (0..100) and below it: then the lowest. So a selfie that passes has passed against all of
// them, and a chip that matches does not excuse a printed portrait of somebody else.
func Compare(t Template, pass float64, refs ...Reference) Comparison {
	c := Comparison{Alike: 1}
	for i, r := range refs {
		o := Outcome{From: r.From, Cosine: -1}
		switch f := r.Face; {
		case !f.Found || !finite(f.Template):
			o.Why = UnusableNoFace
		case f.Model != t.Model || len(f.Template) != len(t.Vector):
			o.Why = UnusableNetwork
		case f.Eyes < MinPortraitEyes:
			o.Why = UnusableSmall
		default:
			o.Usable = true
			o.Cosine = Cosine(t.Vector, f.Template)
			o.Similarity = Similarity(o.Cosine)
			for k, before := range c.Outcomes {
				if before.Usable {
					c.Alike = math.Min(c.Alike, Cosine(refs[k].Face.Template, refs[i].Face.Template))
				}
			}
		}
		c.Outcomes = append(c.Outcomes, o)
	}
	for _, from := range [...]Source{FromChip, FromDocument} {
		for _, o := range c.Outcomes {
			if o.From == from && o.Usable && (c.Decided == "" || o.Similarity < pass && o.Similarity < c.Similarity) {
				c.Decided, c.Similarity = o.From, o.Similarity
			}
		}
	}
	return c
}
