package console

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vestibule/journey"
)

func event(id string, name journey.EventName, origin journey.Origin, from, to time.Duration) journey.Event {
	source := journey.BE
	if origin == journey.OriginKioskUI {
		source = journey.FE
	}
	return journey.Event{ID: id, Name: name, Source: source, Origin: origin, Result: journey.Pass, Impact: journey.ImpactNone, Path: "/" + id, Started: noon.Add(from), Ended: noon.Add(to)}
}

func TestALongPauseIsFoldedAndNamedOfflineWhenItWas(t *testing.T) {
	line := draw([]journey.Event{
		event("a", journey.EventStepView, journey.OriginKioskUI, 0, 0),
		event("n", journey.EventNetworkOffline, journey.OriginAgent, time.Second, time.Second),
		event("b", journey.EventIDRecognition, journey.OriginAgent, 2*time.Second, 3*time.Second),
		event("c", journey.EventApproved, journey.OriginServer, 5*time.Hour, 5*time.Hour),
	})
	require.Len(t, line.Gaps, 1)
	require.True(t, line.Gaps[0].Offline)
	require.Contains(t, line.Gaps[0].Label, "4 h")
	require.InDelta(t, gapWidth, line.Gaps[0].W, .01)
}

func TestAScreenLastsUntilTheNextOne(t *testing.T) {
	line := draw([]journey.Event{
		event("a", journey.EventStepView, journey.OriginKioskUI, 0, 0),
		event("b", journey.EventStepView, journey.OriginKioskUI, 5*time.Second, 5*time.Second),
	})
	require.Equal(t, "Screens", line.Lanes[0].Name)
	require.Greater(t, line.Lanes[0].Bars[0].W, 100.0)
}

func TestACheckIsTiedToWhatItLedTo(t *testing.T) {
	a := event("a", journey.EventSelfieDuplicateCheck, journey.OriginServer, 0, time.Second)
	b := event("b", journey.EventRejected, journey.OriginServer, 2*time.Second, 2*time.Second)
	b.Causes, b.Impact = []string{"a", "unknown"}, journey.ImpactRejected
	require.Len(t, draw([]journey.Event{a, b}).Threads, 1)
}

func TestNothingDrawnLeavesThePictureOrOverlaps(t *testing.T) {
	names := []journey.EventName{journey.EventStepView, journey.EventIDRecognition, journey.EventMRZValidation, journey.EventAMLCheck}
	origins := []journey.Origin{journey.OriginKioskUI, journey.OriginAgent, journey.OriginServer}
	rapid.Check(t, func(t *rapid.T) {
		var events []journey.Event
		for i := range rapid.IntRange(0, 40).Draw(t, "events") {
			from := time.Duration(rapid.Int64Range(0, int64(3*time.Hour)).Draw(t, "from"))
			long := time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(t, "long"))
			events = append(events, event(string(rune('A'+i)), rapid.SampledFrom(names).Draw(t, "name"), rapid.SampledFrom(origins).Draw(t, "origin"), from, from+long))
		}
		line := draw(events)
		for _, l := range line.Lanes {
			for i, b := range l.Bars {
				require.GreaterOrEqual(t, b.X, lineLeft-.01)
				require.LessOrEqual(t, b.X+b.W, line.Width+.01)
				require.LessOrEqual(t, b.Y+b.H, line.Height)
				for _, other := range l.Bars[:i] {
					apart := other.Y != b.Y || other.X+other.W <= b.X+.01 || b.X+b.W <= other.X+.01
					require.True(t, apart, "%+v over %+v", b, other)
				}
			}
		}
	})
}

func TestNoEventsGiveAnEmptyPicture(t *testing.T) {
	require.Empty(t, draw(nil).Lanes)
}
