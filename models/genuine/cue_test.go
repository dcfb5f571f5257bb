package genuine

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/models"
)

func TestACurveIsFullUpToGoodAndNothingFromBad(t *testing.T) {
	for _, d := range definitions() {
		assert.Equal(t, 100.0, d.score(d.good), d.name)
		assert.Equal(t, 0.0, d.score(d.bad), d.name)
		assert.InDelta(t, 50, d.score((d.good+d.bad)/2), 1e-9, d.name)
		beyond := d.bad + (d.bad - d.good)
		assert.Equal(t, 0.0, d.score(beyond), d.name)
		assert.Equal(t, 100.0, d.score(math.NaN()), d.name)
	}
}

func TestOneWeakCueFailsNobodyAndTwoDo(t *testing.T) {
	scores := func(g models.Genuineness) float64 {
		return min(g.ScreenReplay, g.PaperPrinted, g.ReplacePortrait)
	}
	weak := map[string][]definition{}
	for _, d := range definitions() {
		var f findings
		f.add(d.name, d.bad)
		g := f.judge()
		if d.weight < .5 {
			assert.GreaterOrEqual(t, scores(g), 50.0, d.name)
			if d.pipeline != "" {
				weak[d.pipeline] = append(weak[d.pipeline], d)
			}
		} else {
			assert.Less(t, scores(g), 50.0, d.name)
		}
		require.Len(t, g.Cues, 1)
		assert.Equal(t, 0.0, g.Cues[0].Score)
	}
	for _, p := range []string{models.PipelinePaper, models.PipelinePortrait} {
		var f findings
		for _, d := range weak[p][:2] {
			f.add(d.name, d.bad)
		}
		assert.Less(t, scores(f.judge()), 50.0, p)
	}
}

func TestTheMiddleFrameDecides(t *testing.T) {
	var f findings
	for _, v := range []float64{0, 0, 4} {
		f.add(CueBezel, v)
	}
	g := f.judge()
	assert.Equal(t, 100.0, g.ScreenReplay)
	assert.Equal(t, 0.0, g.Cues[0].Measured)
}
