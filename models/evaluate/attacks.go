package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"vestibule/models"
	"vestibule/models/evaluate/figures"
	"vestibule/models/face"
	"vestibule/models/face/flash"
	light "vestibule/models/face/flash/simulate"
	"vestibule/models/face/injection"
	source "vestibule/models/face/injection/simulate"
)

// attackSeed begins where no threshold was looked at and no test looks: the thresholds
// themselves were chosen on the same models.
const attackSeed = 50_000

// attacks measures the colour challenge and the injection check on the models they were
// built on. Nobody has measured them on people and cameras: the names say so.
func attacks(ctx context.Context, _ models.Engine, _ string, log io.Writer) (figures.Set, error) {
	const n = 300
	out := figures.Set{}
	flashed := func(s light.Subject) (passed int, took []float64, err error) {
		for seed := uint64(attackSeed); seed < attackSeed+n; seed++ {
			if err := ctx.Err(); err != nil {
				return 0, nil, err
			}
			p := flash.Draw(rand.New(rand.NewPCG(seed, 3)).IntN)
			samples := light.Any(s, seed).Watch(p)
			began := time.Now()
			r := flash.Check(p, samples)
			took = append(took, float64(time.Since(began).Microseconds()))
			if r.Ran && r.Score >= face.PassivePass {
				passed++
			} else if s == light.Person {
				fmt.Fprintf(log, "flash, scene %d: a person scored %.0f, %v\n", seed, r.Score, r.Why)
			}
		}
		return passed, took, nil
	}
	const how = "simulated skin, light and camera; thresholds chosen on the same model; not measured on people"
	people, took, err := flashed(light.Person)
	if err != nil {
		return nil, err
	}
	out["flash.simulated_bpcer"] = figures.Share(n-people, n, how)
	out["flash.check_us"] = figures.Spread(took, "µs", "one challenge judged, wall time")
	all := 0
	for _, s := range light.Attacks() {
		passed, _, err := flashed(s)
		if err != nil {
			return nil, err
		}
		all += passed
		out["flash.simulated_apcer."+string(s)] = figures.Share(passed, n, how)
	}
	out["flash.simulated_apcer"] = figures.Share(all, n*len(light.Attacks()), how)

	const means = "simulated frames of 3 s, every third measured; weights are starting values; not measured on real cameras"
	const captures = 50
	took = nil
	sourced := func(s source.Source) (stopped, noticed int, err error) {
		for seed := uint64(attackSeed); seed < attackSeed+captures; seed++ {
			if err := ctx.Err(); err != nil {
				return 0, 0, err
			}
			d, frames := source.Capture(s, 90, seed)
			began := time.Now()
			r := injection.Check(d, frames, injection.Rules{})
			took = append(took, float64(time.Since(began).Microseconds()))
			if r.Score < face.PassivePass {
				stopped++
			}
			if len(r.Findings) > 0 {
				noticed++
			}
		}
		return stopped, noticed, nil
	}
	stoppedAll, noticedAll := 0, 0
	for _, s := range source.Genuine() {
		stopped, noticed, err := sourced(s)
		if err != nil {
			return nil, err
		}
		stoppedAll += stopped
		out["injection.simulated_noticed."+string(s)] = figures.Share(noticed, captures, "genuine: "+means)
	}
	out["injection.simulated_false_stops"] = figures.Share(stoppedAll, captures*len(source.Genuine()), means)
	stoppedAll = 0
	for _, s := range source.Attacks() {
		stopped, noticed, err := sourced(s)
		if err != nil {
			return nil, err
		}
		stoppedAll, noticedAll = stoppedAll+stopped, noticedAll+noticed
		out["injection.simulated_stopped."+string(s)] = figures.Share(stopped, captures, "attack: "+means)
	}
	out["injection.simulated_stopped"] = figures.Share(stoppedAll, captures*len(source.Attacks()), means)
	out["injection.simulated_noticed"] = figures.Share(noticedAll, captures*len(source.Attacks()), means)
	out["injection.check_us"] = figures.Spread(took, "µs", "90 frames judged, wall time")
	return out, nil
}
