package face

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vestibule/models"
)

func TestLivenessIsNoBetterThanTheWeakestSignal(t *testing.T) {
	passive := func(s float64) Reading { return Reading{Signal: SignalPassive, Needed: true, Ran: true, Score: s} }
	active := func(s float64) Reading {
		return Reading{Signal: SignalActive, Needed: true, Ran: true, Score: s, Why: []string{"time-out"}}
	}
	for what, c := range map[string]struct {
		in      []Reading
		score   float64
		weakest Signal
	}{
		"the active one is weaker":                {[]Reading{passive(90), active(40)}, 40, SignalActive},
		"the passive one is weaker":               {[]Reading{passive(30), active(100)}, 30, SignalPassive},
		"a flash that ran counts":                 {[]Reading{passive(90), active(100), {Signal: SignalFlash, Ran: true, Score: 12}}, 12, SignalFlash},
		"a flash that did not run does not":       {[]Reading{passive(90), active(100), {Signal: SignalFlash, Score: 12}}, 90, SignalPassive},
		"what policy needs must have run":         {[]Reading{passive(90), {Signal: SignalActive, Needed: true}}, 0, SignalActive},
		"an injection is as bad as a mask":        {[]Reading{passive(90), {Signal: SignalInjection, Ran: true}}, 0, SignalInjection},
		"nothing ran, so nothing is known":        {[]Reading{{Signal: SignalPassive}}, 0, ""},
		"nothing at all":                          {nil, 0, ""},
		"no number is a failure, not an absence":  {[]Reading{passive(90), {Signal: SignalFlash, Ran: true, Score: math.NaN()}}, 0, SignalFlash},
		"more than everything is still only that": {[]Reading{passive(250)}, 100, SignalPassive},
	} {
		t.Run(what, func(t *testing.T) {
			f := Fuse(c.in...)
			require.Equal(t, c.score, f.Score)
			require.Equal(t, c.weakest, f.Weakest)
			require.Len(t, f.Readings, len(c.in))
			for _, r := range f.Readings {
				if !r.Ran {
					require.NotEmpty(t, r.Why, "what did not run says so")
				}
			}
		})
	}
	f := Fuse(passive(90), active(20))
	r, ok := f.Reading(SignalActive)
	require.True(t, ok)
	require.Equal(t, []string{"time-out"}, r.Why)
	_, ok = f.Reading(SignalFlash)
	require.False(t, ok)
}

func TestOneMoreSignalNeverRaisesTheScore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		reading := rapid.Custom(func(t *rapid.T) Reading {
			return Reading{
				Signal: rapid.SampledFrom([]Signal{SignalPassive, SignalActive, SignalFlash, SignalInjection}).Draw(t, "signal"),
				Needed: rapid.Bool().Draw(t, "needed"), Ran: rapid.Bool().Draw(t, "ran"), Score: rapid.Float64().Draw(t, "score"),
			}
		})
		rs := rapid.SliceOfN(reading, 1, 5).Draw(t, "readings")
		rs[0].Ran = true
		more := append(rs[:len(rs):len(rs)], reading.Draw(t, "more"))
		require.LessOrEqual(t, Fuse(more...).Score, Fuse(rs...).Score)
		require.True(t, Fuse(more...).Score >= 0 && Fuse(more...).Score <= 100)
	})
}

func TestAHeadCorrectsTheNetworkItWasMadeForAndNoOther(t *testing.T) {
	f := portrait()
	f.Live, f.LiveFeatures, f.LiveModel = .8, []float32{1, -2}, "m1"
	zero := &Head{Model: "m1", Weights: []float64{0, 0}}
	p, ok := zero.Live(f)
	require.True(t, ok)
	require.InDelta(t, .8, p, 1e-9, "a head of zeros is the network")
	h := &Head{Model: "m1", Bias: -1, Weights: []float64{.5, 2}}
	p, ok = h.Live(f)
	require.True(t, ok)
	require.InDelta(t, 1/(1+math.Exp(-(math.Log(4)-1+.5-4))), p, 1e-9)
	for what, do := range map[string]func(*models.Face){
		"another network":   func(f *models.Face) { f.LiveModel = "m2" },
		"no features":       func(f *models.Face) { f.LiveFeatures = nil },
		"a feature is none": func(f *models.Face) { f.LiveFeatures = []float32{1, float32(math.NaN())} },
	} {
		g := f
		do(&g)
		_, ok := h.Live(g)
		require.False(t, ok, what)
		passive := Passive{Head: h}
		require.False(t, passive.Add(g), "a frame that its head cannot judge does not count: %s", what)
		require.Equal(t, 1, passive.Left())
	}
	passive := Passive{Head: h}
	for range PassiveFrames {
		require.True(t, passive.Add(f))
	}
	score, ok := passive.Score()
	require.True(t, ok)
	require.InDelta(t, 100*p, score, 1e-9)
	require.InDelta(t, 6, Logit(1), 0)
	require.InDelta(t, -6, Logit(0), 0)
	require.Zero(t, Logit(math.NaN()))
	require.NoError(t, h.Check())
	for _, bad := range []Head{{}, {Model: "m"}, {Model: "m", Weights: []float64{math.Inf(1)}}, {Model: "m", Weights: make([]float64, MaxHeadWeights+1)}} {
		require.Error(t, bad.Check())
	}
}
