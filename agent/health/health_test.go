package health_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vestibule/agent/health"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func codes(all []health.Condition) (out []health.Code) {
	for _, c := range all {
		out = append(out, c.Code)
	}
	return out
}

func TestWhatPassesByItselfIsNotShown(t *testing.T) {
	var r health.Registry
	off := []health.Finding{{Code: health.Link, Severity: health.Warning}}
	r.Look(noon, off)
	assert.Empty(t, r.Shown(noon))
	r.Look(noon.Add(30*time.Second), off)
	assert.Empty(t, r.Shown(noon.Add(30*time.Second)))
	r.Look(noon.Add(time.Minute), off)
	shown := r.Shown(noon.Add(time.Minute))
	require.Len(t, shown, 1)
	assert.Equal(t, noon, shown[0].Since)
	r.Look(noon.Add(2*time.Minute), nil)
	r.Look(noon.Add(2*time.Minute+time.Second), off)
	assert.Empty(t, r.Shown(noon.Add(2*time.Minute+time.Second)), "it begins anew")
}

func TestWhatAnotherConditionExplainsIsNotShown(t *testing.T) {
	var r health.Registry
	link := health.Finding{Code: health.Link, Severity: health.Warning}
	r.Look(noon, []health.Finding{link, {Code: health.Certificate, Severity: health.Warning}, {Code: health.Clock, Severity: health.Notice}})
	later := noon.Add(time.Hour)
	r.Look(later, []health.Finding{link, {Code: health.Certificate, Severity: health.Warning}, {Code: health.Clock, Severity: health.Notice}})
	assert.Equal(t, []health.Code{health.Link}, codes(r.Shown(later)))
	r.Look(later, []health.Finding{link, {Code: health.Certificate, Severity: health.Critical}})
	assert.Equal(t, []health.Code{health.Certificate, health.Link}, codes(r.Shown(later)), "it is worse than what would explain it")
}

func TestTheWorstComesFirst(t *testing.T) {
	var r health.Registry
	r.Look(noon, []health.Finding{
		{Code: health.Queue, Severity: health.Warning}, {Code: health.Disk, Severity: health.Notice}, {Code: health.Closed, Severity: health.Critical},
	})
	assert.Equal(t, []health.Code{health.Closed, health.Queue, health.Disk}, codes(r.Shown(noon)))
}

func TestEveryConditionSaysWhatToDoAndNoneExplainsItself(t *testing.T) {
	seen := map[health.Code]bool{}
	for _, d := range health.Definitions() {
		assert.False(t, seen[d.Code], d.Code)
		seen[d.Code] = true
		assert.NotEmpty(t, d.Message, d.Code)
		assert.NotEmpty(t, d.Hint, d.Code)
		assert.NotContains(t, d.Explained, d.Code)
	}
}

func TestWhateverTheClockDoesNothingIsShownThatIsNotThere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r health.Registry
		all := health.Definitions()
		for range rapid.IntRange(1, 20).Draw(t, "looks") {
			at := noon.Add(time.Duration(rapid.Int64Range(-1e15, 1e15).Draw(t, "at")))
			var found []health.Finding
			for _, d := range all {
				if s := rapid.IntRange(0, 3).Draw(t, string(d.Code)); s > 0 {
					found = append(found, health.Finding{Code: d.Code, Severity: health.Severity(s)})
				}
			}
			r.Look(at, found)
			shown := r.Shown(at)
			for _, c := range shown {
				assert.Contains(t, found, c.Finding)
				assert.False(t, c.Since.After(at))
			}
			if len(found) > 0 && r.Shown(at.Add(time.Hour)) == nil {
				t.Fatal("something is wrong for an hour, and nothing is shown")
			}
		}
	})
}
