// Package calibrate fits the passive liveness to one camera and its light: clips of
// living people and of attacks, taken there, in; a face.Head and what it is worth out.
//
// The liveness network was trained on other cameras. A logistic head on the values its
// last layer decides on, fitted to clips of the same camera, brought its error on single
// frames of other people from 12 % to 2.5 % in a first trial (200 live, 1,000 attack
// clips). It learns what it is shown and nothing else: an attack of a kind that no clip
// shows may pass more easily than before.
//
// What may live here: fitting and judging a fit. What may not: cameras, files, keys.
package calibrate

import (
	"context"
	"errors"
	"fmt"
	"math"

	"vestibule/models"
	"vestibule/models/face"
)

// MinClips of each kind, live and attack. When not one of n clips is judged wrongly, the
// true error may still be 3/n (95 %, "rule of three"): with 20 clips up to 15 %, which is
// no better than the network is without a head. Fewer could not show that it helps.
const MinClips = 20

// How a head is fitted; starting values, not tuned on any data.
const (
	folds  = 5   // for cross-validation, each leaving out whole clips
	ridge  = 1.0 // L2 on weights of standardised values, against a sum over clips
	rounds = 60  // of Newton's method, at most
	least  = 1e-6
)

// Errors of Fit. Test with errors.Is.
var (
	ErrTooFew = errors.New("too few clips")
	ErrClips  = errors.New("clips cannot be used together")
)

// Clip is one recording: one person, or one attack, looked at for a few seconds.
type Clip struct {
	Live   bool
	Frames []models.Face
}

// Usable reports whether enough frames of the clip can be judged, by the rules of face.Passive.
func (c Clip) Usable() bool {
	var p face.Passive
	for _, f := range c.Frames {
		p.Add(f)
	}
	_, ok := p.Score()
	return ok && len(c.Frames) > 0
}

// Result is a fitted head and what it is worth.
type Result struct {
	Head         face.Head
	Live, Attack int // usable clips
	Before       ROC // the network alone
	After        ROC // each clip judged by a head that has not seen it
}

// Better reports whether the head errs less than the network alone.
func (r Result) Better() bool { return r.After.EER < r.Before.EER }

// sample is one frame.
type sample struct {
	x      []float64
	offset float64 // the network's own answer, which the head corrects
	weight float64
	live   bool
}

// Fit fits a head to the clips and judges it by cross-validation that leaves out whole
// clips: neighbouring frames are nearly the same, so leaving out single ones would flatter
// it. Clips that lie together are left out together, because they often show one person.
// Clips that cannot be used are left out; with fewer than MinClips of either kind it
// fails with ErrTooFew.
func Fit(ctx context.Context, clips []Clip) (Result, error) {
	var r Result
	var use []Clip
	for _, c := range clips {
		if !c.Usable() {
			continue
		}
		use = append(use, c)
		if c.Live {
			r.Live++
		} else {
			r.Attack++
		}
	}
	if r.Live < MinClips || r.Attack < MinClips {
		return r, fmt.Errorf("%w: %d live and %d attacks can be used, want %d of each", ErrTooFew, r.Live, r.Attack, MinClips)
	}
	model, size, err := together(use)
	if err != nil {
		return r, err
	}
	before := score(use, nil)
	after := make([]float64, len(use))
	of := foldsOf(use)
	for k := range folds {
		var train []Clip
		for i, c := range use {
			if of[i] != k {
				train = append(train, c)
			}
		}
		h, err := fit(ctx, train, model, size)
		if err != nil {
			return r, err
		}
		for i, s := range score(use, &h) {
			if of[i] == k {
				after[i] = s
			}
		}
	}
	r.Before, r.After = rocOf(use, before), rocOf(use, after)
	r.Head, err = fit(ctx, use, model, size)
	return r, err
}

// foldsOf gives each clip its fold: of each kind, stretches of neighbours.
func foldsOf(clips []Clip) []int {
	total, n := map[bool]int{}, map[bool]int{}
	for _, c := range clips {
		total[c.Live]++
	}
	of := make([]int, len(clips))
	for i, c := range clips {
		of[i] = n[c.Live] * folds / total[c.Live]
		n[c.Live]++
	}
	return of
}

// together reports what all frames have in common.
func together(clips []Clip) (model string, size int, err error) {
	for _, c := range clips {
		for _, f := range c.Frames {
			if !counts(f) {
				continue
			}
			if model == "" {
				model, size = f.LiveModel, len(f.LiveFeatures)
			}
			if f.LiveModel != model || len(f.LiveFeatures) != size {
				return "", 0, fmt.Errorf("%w: frames of two networks", ErrClips)
			}
			for _, v := range f.LiveFeatures {
				if x := float64(v); math.IsNaN(x) || math.IsInf(x, 0) {
					return "", 0, fmt.Errorf("%w: a value is not a number", ErrClips)
				}
			}
		}
	}
	if model == "" || size == 0 || size > face.MaxHeadWeights {
		return "", 0, fmt.Errorf("%w: %d values a frame", ErrClips, size)
	}
	return model, size, nil
}

func counts(f models.Face) bool { return new(face.Passive).Add(f) }

// score judges each clip, 0..100.
func score(clips []Clip, h *face.Head) []float64 {
	out := make([]float64, len(clips))
	for i, c := range clips {
		p := face.Passive{Head: h}
		for _, f := range c.Frames {
			p.Add(f)
		}
		out[i], _ = p.Score()
	}
	return out
}

// fit is a logistic regression with L2, by Newton's method: every clip weighs the same
// whatever its frames, both kinds weigh the same whatever their clips.
func fit(ctx context.Context, clips []Clip, model string, size int) (face.Head, error) {
	number := map[bool]float64{}
	for _, c := range clips {
		number[c.Live]++
	}
	half := (number[true] + number[false]) / 2
	var all []sample
	for _, c := range clips {
		var own []sample
		for _, f := range c.Frames {
			if !counts(f) {
				continue
			}
			s := sample{x: make([]float64, size), offset: face.Logit(f.Live), live: c.Live}
			for i, v := range f.LiveFeatures {
				s.x[i] = float64(v)
			}
			own = append(own, s)
		}
		for i := range own {
			own[i].weight = half / number[c.Live] / float64(len(own))
		}
		all = append(all, own...)
	}
	mean, scale := standardise(all, size)
	w, err := newton(ctx, all, size)
	if err != nil {
		return face.Head{}, err
	}
	// In units of the values as they come.
	h := face.Head{Model: model, Bias: w[size], Weights: make([]float64, size)}
	for i := range size {
		h.Weights[i] = w[i] / scale[i]
		h.Bias -= h.Weights[i] * mean[i]
	}
	return h, h.Check()
}

// standardise shifts and scales each value to mean 0 and deviation 1, in place.
func standardise(all []sample, size int) (mean, scale []float64) {
	mean, scale = make([]float64, size), make([]float64, size)
	var sum float64
	for _, s := range all {
		sum += s.weight
		for i, v := range s.x {
			mean[i] += s.weight * v
		}
	}
	for i := range mean {
		mean[i] /= sum
	}
	for _, s := range all {
		for i, v := range s.x {
			scale[i] += s.weight * (v - mean[i]) * (v - mean[i]) / sum
		}
	}
	for i := range scale {
		if scale[i] = math.Sqrt(scale[i]); scale[i] < 1e-9 {
			scale[i] = math.Inf(1) // a value that never changes gets no weight
		}
	}
	for _, s := range all {
		for i := range s.x {
			s.x[i] = (s.x[i] - mean[i]) / scale[i]
		}
	}
	return mean, scale
}

// newton gives the weights, the bias behind them.
func newton(ctx context.Context, all []sample, size int) ([]float64, error) {
	n := size + 1
	w := make([]float64, n)
	loss := lossOf(all, w)
	for range rounds {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		gradient, hessian := make([]float64, n), make([]float64, n*n)
		for i := range size {
			gradient[i] = ridge * w[i]
			hessian[i*n+i] = ridge
		}
		hessian[n*n-1] = 1e-9 // the bias is free; this only keeps the system solvable
		for _, s := range all {
			p := 1 / (1 + math.Exp(-s.at(w)))
			e := p
			if s.live {
				e = p - 1
			}
			e, c := e*s.weight, p*(1-p)*s.weight
			for i, v := range s.x {
				gradient[i] += e * v
				row := hessian[i*n:]
				for j := 0; j <= i; j++ {
					row[j] += c * v * s.x[j]
				}
				hessian[size*n+i] += c * v
			}
			gradient[size] += e
			hessian[n*n-1] += c
		}
		step, ok := solve(hessian, gradient, n)
		if !ok {
			return nil, fmt.Errorf("%w: the fit has no solution", ErrClips)
		}
		// Half the step until the loss falls: far from the end Newton's is too long.
		next, better := make([]float64, n), false
		for k := 1.0; k > 1e-4; k /= 2 {
			for i := range w {
				next[i] = w[i] - k*step[i]
			}
			if l := lossOf(all, next); l < loss {
				better = loss-l > least*(1+loss)
				loss = l
				copy(w, next)
				break
			}
		}
		if !better {
			break
		}
	}
	return w, nil
}

func (s sample) at(w []float64) float64 {
	z := s.offset + w[len(w)-1]
	for i, v := range s.x {
		z += w[i] * v
	}
	return z
}

func lossOf(all []sample, w []float64) (loss float64) {
	for _, v := range w[:len(w)-1] {
		loss += ridge / 2 * v * v
	}
	for _, s := range all {
		z := s.at(w)
		if s.live {
			z = -z
		}
		// ln(1+e^z) without overflow.
		loss += s.weight * (max(z, 0) + math.Log1p(math.Exp(-math.Abs(z))))
	}
	return loss
}

// solve solves a symmetric positive system, of which the lower half is given, by Cholesky's method.
func solve(a, b []float64, n int) ([]float64, bool) {
	for j := range n {
		for k := range j {
			l := a[j*n+k]
			for i := j; i < n; i++ {
				a[i*n+j] -= a[i*n+k] * l
			}
		}
		d := a[j*n+j]
		if !(d > 0) {
			return nil, false
		}
		d = math.Sqrt(d)
		for i := j; i < n; i++ {
			a[i*n+j] /= d
		}
	}
	x := make([]float64, n)
	for i := range n {
		x[i] = b[i]
		for k := range i {
			x[i] -= a[i*n+k] * x[k]
		}
		x[i] /= a[i*n+i]
	}
	for i := n - 1; i >= 0; i-- {
		for k := i + 1; k < n; k++ {
			x[i] -= a[k*n+i] * x[k]
		}
		x[i] /= a[i*n+i]
	}
	return x, true
}
