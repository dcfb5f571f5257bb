package flash_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vestibule/models"
	"vestibule/models/face"
	"vestibule/models/face/flash"
	"vestibule/models/face/flash/simulate"
)

func plan(seed uint64) flash.Plan { return flash.Draw(rand.New(rand.NewPCG(seed, 9)).IntN) }

func TestEveryPlanIsSafeAndEveryColourIsNew(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := flash.Draw(func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "colour") })
		require.NoError(t, p.Safe())
		require.Len(t, p.Colours, flash.Colours)
		for i := 1; i < len(p.Colours); i++ {
			require.NotEqual(t, p.Colours[i-1], p.Colours[i])
		}
		require.Less(t, p.Length(), 5*time.Second)
	})
	require.NotEqual(t, plan(1), plan(2))
}

func TestWhatCouldHurtIsNotSafe(t *testing.T) {
	black, white := flash.Colour{}, flash.Colour{R: 255, G: 255, B: 255}
	many := func(n int, a, b flash.Colour) (c []flash.Colour) {
		for range n {
			c = append(c, a, b)
		}
		return c
	}
	for what, c := range map[string]struct {
		plan flash.Plan
		safe bool
	}{
		"black and white, ten times a second": {flash.Plan{Colours: many(10, black, white), Dwell: 50 * time.Millisecond}, false},
		"black and white, once a second":      {flash.Plan{Colours: many(10, black, white), Dwell: 500 * time.Millisecond}, true},
		"three flashes in a second":           {flash.Plan{Colours: many(10, black, white), Dwell: 170 * time.Millisecond}, true},
		"four flashes in a second":            {flash.Plan{Colours: many(10, black, white), Dwell: 125 * time.Millisecond}, false},
		"saturated red, however slowly":       {flash.Plan{Colours: many(2, flash.Colour{R: 255}, flash.Colour{B: 255}), Dwell: 2 * time.Second}, false},
		"fast, but hardly different":          {flash.Plan{Colours: many(10, flash.Colour{R: 200, G: 200, B: 200}, flash.Colour{R: 204, G: 204, B: 204}), Dwell: 50 * time.Millisecond}, true},
		"nothing":                             {flash.Plan{Dwell: time.Second}, false},
		"no time":                             {flash.Plan{Colours: many(1, black, white)}, false},
	} {
		require.Equal(t, c.safe, c.plan.Safe() == nil, what)
	}
}

func TestAPersonOfTheModelReflectsTheColoursAndNoAttackOfItDoes(t *testing.T) {
	const n = 200
	passed, unjudged := map[simulate.Subject]int{}, map[simulate.Subject]int{}
	for _, s := range append([]simulate.Subject{simulate.Person}, simulate.Attacks()...) {
		for seed := range uint64(n) {
			p := plan(seed)
			r := flash.Check(p, simulate.Any(s, seed).Watch(p))
			if !r.Ran {
				unjudged[s]++
			}
			require.True(t, r.Score >= 0 && r.Score <= 100)
			if r.Score >= face.PassivePass {
				passed[s]++
				require.Empty(t, r.Why)
			} else {
				require.NotEmpty(t, r.Why, "a failure says why")
			}
		}
	}
	t.Log("passed", passed, "not judged", unjudged)
	require.Zero(t, unjudged[simulate.Film], "what changes its colours is judged")
	require.GreaterOrEqual(t, passed[simulate.Person], n*95/100)
	for _, s := range simulate.Attacks() {
		require.LessOrEqual(t, passed[s], n*3/100, s)
	}
}

func TestTheDelayOfTheCameraIsFound(t *testing.T) {
	for _, ms := range []time.Duration{60, 140, 220, 300} {
		p := plan(4)
		s := simulate.Any(simulate.Person, 4)
		s.Delay, s.FPS = ms*time.Millisecond, 15
		r := flash.Check(p, s.Watch(p))
		require.InDelta(t, float64(s.Delay), float64(r.Delay), float64(70*time.Millisecond))
	}
}

func TestAHallBrighterThanTheScreenIsNoPass(t *testing.T) {
	p := plan(3)
	s := simulate.Any(simulate.Person, 3)
	for k := range s.Ambient {
		s.Ambient[k] = 60
	}
	r := flash.Check(p, s.Watch(p))
	require.False(t, r.Ran, "a hall says nothing against a person")
	require.Zero(t, r.Score)
	require.Equal(t, []string{flash.WhyNoReflection}, r.Why)
}

func TestWhoHidesWhileAColourIsOnHasNotAnsweredIt(t *testing.T) {
	p := plan(6)
	s := simulate.Any(simulate.Person, 6)
	s.FPS = 15
	all := s.Watch(p)
	require.True(t, flash.Check(p, all).Ran)
	for hidden := range flash.Colours - 2 { // the last ones are needed to judge at all
		var rest []flash.Sample
		for _, x := range all {
			if i := int((x.At - s.Delay) / p.Dwell); i != hidden {
				rest = append(rest, x)
			}
		}
		r := flash.Check(p, rest)
		require.False(t, r.Ran, "colour %d", hidden)
		require.Equal(t, []string{face.WhyTooFewFrames}, r.Why)
	}
}

func TestWithoutASurroundSlowDriftIsStillTakenOut(t *testing.T) {
	p := plan(5)
	s := simulate.Any(simulate.Person, 5)
	s.Drift = .1
	all := s.Watch(p)
	for i := range all {
		all[i].Light.Around = [3]float64{}
	}
	require.Greater(t, flash.Check(p, all).Score, face.PassivePass)
}

func TestTooLittleSeenIsNoJudgement(t *testing.T) {
	p := plan(1)
	all := simulate.Any(simulate.Person, 1).Watch(p)
	for what, samples := range map[string][]flash.Sample{
		"nothing": nil, "a few frames": all[:10], "only the beginning": all[:len(all)/2],
	} {
		r := flash.Check(p, samples)
		require.False(t, r.Ran, what)
		require.Equal(t, []string{face.WhyTooFewFrames}, r.Why, what)
		require.Zero(t, face.Fuse(r.Reading(true)).Score)
	}
	black := make([]flash.Sample, 60)
	for i := range black {
		black[i].At = time.Duration(i) * 60 * time.Millisecond
	}
	require.Equal(t, []string{flash.WhyNoSkin}, flash.Check(p, black).Why)
}

func TestWhateverIsSeenTheScoreIsOne(t *testing.T) {
	p := plan(1)
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.OneOf(rapid.Float64(), rapid.Float64Range(0, 255), rapid.Just(math.NaN()))
		one := rapid.Custom(func(t *rapid.T) flash.Sample {
			var l models.Light
			for k := range 3 {
				l.Skin[k], l.Around[k] = v.Draw(t, "skin"), v.Draw(t, "around")
			}
			return flash.Sample{At: time.Duration(rapid.Int64Range(-1e9, 5e9).Draw(t, "at")), Light: l}
		})
		r := flash.Check(p, rapid.SliceOfN(one, 0, 60).Draw(t, "samples"))
		require.True(t, r.Score >= 0 && r.Score <= 100, "%v", r)
	})
	require.Zero(t, flash.Check(flash.Plan{}, nil).Score)
}

func BenchmarkCheck(b *testing.B) {
	p := plan(1)
	all := simulate.Any(simulate.Person, 1).Watch(p)
	for b.Loop() {
		flash.Check(p, all)
	}
}
