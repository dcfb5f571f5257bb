package journey_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/journey"
)

const limit = 20 * time.Minute

// visit makes kiosk events one second apart, in sequence. A name may carry a path after a space.
func visit(names ...string) []journey.Event {
	var events []journey.Event
	for i, name := range names {
		var path string
		for j := range name {
			if name[j] == ' ' {
				name, path = name[:j], name[j+1:]
				break
			}
		}
		e := sample(journey.EventName(name))
		e.ID = "e" + string(rune('a'+i))
		e.Seq = uint64(i + 1)
		e.Path = path
		e.Started = noon.Add(time.Duration(i) * time.Second)
		e.Ended = e.Started
		events = append(events, e)
	}
	return events
}

func TestStatusFollowsWhatThePersonReached(t *testing.T) {
	soon, late := noon.Add(time.Minute), noon.Add(time.Hour)
	for name, c := range map[string]struct {
		events []journey.Event
		now    time.Time
		limit  time.Duration
		want   journey.SessionStatus
	}{
		"a visit that just began is in progress":            {visit("FRONT_SESSION_START", "SESSION_CREATED"), soon, limit, journey.StatusInProgress},
		"no events at all are in progress":                  {nil, late, limit, journey.StatusInProgress},
		"the final page completes it":                       {visit("SESSION_CREATED", "FINAL_PAGE_VIEW"), soon, limit, journey.StatusCompleted},
		"silence after the final page changes nothing":      {visit("SESSION_CREATED", "FINAL_PAGE_VIEW"), late, limit, journey.StatusCompleted},
		"clearing the screen after the final page neither":  {visit("SESSION_CREATED", "FINAL_PAGE_VIEW", "KIOSK_PRIVACY_RESET"), late, limit, journey.StatusCompleted},
		"an error page ends it in error":                    {visit("SESSION_CREATED", "ERROR_PAGE_VIEWED"), soon, limit, journey.StatusError},
		"stopping at the error page is still an error":      {visit("SESSION_CREATED", "ERROR_PAGE_VIEWED", "STEP_VIEW /error", "KIOSK_VISIT_STOPPED", "KIOSK_PRIVACY_RESET"), late, limit, journey.StatusError},
		"the empty kiosk after an error page is no return":  {visit("SESSION_CREATED", "ERROR_PAGE_VIEWED", "STEP_VIEW /attract"), soon, limit, journey.StatusError},
		"going on after an error page is progress":          {visit("SESSION_CREATED", "ERROR_PAGE_VIEWED", "STEP_VIEW /document/front"), soon, limit, journey.StatusInProgress},
		"going on after an error page, to the final page":   {visit("SESSION_CREATED", "ERROR_PAGE_VIEWED", "STEP_VIEW /selfie", "FINAL_PAGE_VIEW"), soon, limit, journey.StatusCompleted},
		"stopping drops it":                                 {visit("SESSION_CREATED", "KIOSK_VISIT_STOPPED"), soon, limit, journey.StatusDropped},
		"running out of time drops it":                      {visit("SESSION_CREATED", "KIOSK_VISIT_TIMED_OUT"), soon, limit, journey.StatusDropped},
		"refusing the terms drops it":                       {visit("SESSION_CREATED", "KIOSK_CONSENT_REFUSED"), soon, limit, journey.StatusDropped},
		"a cleared screen without an end drops it":          {visit("SESSION_CREATED", "KIOSK_PRIVACY_RESET"), soon, limit, journey.StatusDropped},
		"resuming takes a dropped visit up":                 {visit("SESSION_CREATED", "KIOSK_VISIT_STOPPED", "SESSION_REUSED"), soon, limit, journey.StatusInProgress},
		"silence beyond the limit drops it":                 {visit("SESSION_CREATED", "STEP1_ENTERED"), late, limit, journey.StatusDropped},
		"silence up to the limit does not":                  {visit("SESSION_CREATED"), noon.Add(limit), limit, journey.StatusInProgress},
		"silence is not judged without a limit":             {visit("SESSION_CREATED"), late, 0, journey.StatusInProgress},
		"a lost network is never a drop-off":                {visit("SESSION_CREATED", "NETWORK_OFFLINE"), late, limit, journey.StatusInProgress},
		"a lost result channel neither":                     {visit("SESSION_CREATED", "WEBSOCKET_DISCONNECTED"), late, limit, journey.StatusInProgress},
		"silence counts again once the network is back":     {visit("SESSION_CREATED", "NETWORK_OFFLINE", "NETWORK_ONLINE"), late, limit, journey.StatusDropped},
		"a visit stopped offline is dropped all the same":   {visit("SESSION_CREATED", "NETWORK_OFFLINE", "KIOSK_VISIT_STOPPED"), late, limit, journey.StatusDropped},
		"everything handed in, but no final page: dropped":  {visit("SESSION_CREATED", "STEP2_COMPLETED"), late, limit, journey.StatusDropped},
		"the centre's decision does not complete a journey": {visit("SESSION_CREATED", "APPROVED"), soon, limit, journey.StatusInProgress},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, c.want, journey.Status(c.events, c.now, c.limit))
			shuffled := append([]journey.Event{}, c.events...)
			r := rand.New(rand.NewPCG(1, 2))
			for range 10 {
				r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
				assert.Equal(t, c.want, journey.Status(shuffled, c.now, c.limit), "in another order")
			}
			assert.Equal(t, c.want, journey.Status(append(shuffled, shuffled...), c.now, c.limit), "delivered twice")
		})
	}
}

func TestAVisitFoundAfterACrashGoesOnOrIsDropped(t *testing.T) {
	events := visit("SESSION_CREATED", "KIOSK_VISIT_RECOVERED")
	assert.Equal(t, journey.StatusInProgress, journey.Status(events, noon, limit))
	events[1].Result = journey.Fail
	assert.Equal(t, journey.StatusDropped, journey.Status(events, noon, limit))
}

func TestSilenceIsMeasuredByTheBestClock(t *testing.T) {
	events := visit("SESSION_CREATED", "STEP1_ENTERED")
	now := noon.Add(time.Hour)
	events[1].Received = now.Add(-time.Minute)
	assert.Equal(t, journey.StatusInProgress, journey.Status(events, now, limit), "just arrived at the centre")

	events = visit("SESSION_CREATED", "STEP1_ENTERED")
	for i := range events {
		events[i].Clock = journey.ClockUntrusted
	}
	assert.Equal(t, journey.StatusInProgress, journey.Status(events, now, limit), "a wrong clock proves no silence")
}

func TestTheCentresEventsAreNoSignOfLife(t *testing.T) {
	events := visit("SESSION_CREATED", "AML_CHECK")
	now := noon.Add(time.Hour)
	events[1].Ended = now
	assert.Equal(t, journey.StatusDropped, journey.Status(events, now, limit))
}

func TestReachedIsTheFurthestSegment(t *testing.T) {
	assert.Equal(t, journey.SegmentPre, journey.Reached(visit("SESSION_CREATED", "CAMERA_ACTIVATED", "FINGERPRINT_CHECK")))
	assert.Equal(t, journey.SegmentMain, journey.Reached(visit("STEP1_ENTERED", "SESSION_CREATED")))
	assert.Equal(t, journey.SegmentPost, journey.Reached(visit("FINAL_PAGE_VIEW", "STEP1_ENTERED")))
	for _, s := range journey.Stages() {
		switch s {
		case journey.StageRequests, journey.StageScreen, journey.StageCamera:
			assert.Empty(t, s.Segment(), s)
		default:
			assert.NotEmpty(t, s.Segment(), s)
		}
	}
}

func TestASummaryTakesTheCentresLastDecision(t *testing.T) {
	events := visit("SESSION_CREATED", "STEP_VIEW /selfie", "STEP_VIEW /attract", "PENDING", "REJECTED", "FINAL_PAGE_VIEW /result")
	s := journey.Summarise(events, noon, limit)
	require.Equal(t, journey.Rejected, s.Decision)
	assert.Equal(t, journey.ReasonDuplicateUser, s.Reason)
	assert.Equal(t, journey.StatusCompleted, s.Status)
	assert.Equal(t, journey.SegmentPost, s.Segment)
	assert.Equal(t, "/result", s.Path)
	assert.Equal(t, "kiosk-1", s.Kiosk)
	assert.Equal(t, "0198-s", s.ID)
	assert.Equal(t, "0198-u", s.Submission)
	assert.Equal(t, noon, s.Started)
	assert.Equal(t, 6, s.Events)
}
