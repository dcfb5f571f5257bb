package journey_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vestibule/journey"
)

// drawn makes a journey of any events, each side numbered in its order.
func drawn(t *rapid.T) (kiosk, centre []journey.Event) {
	names := []journey.EventName{
		"SESSION_CREATED", "STEP_VIEW", "STEP1_ENTERED", "ERROR_PAGE_VIEWED", "FINAL_PAGE_VIEW", "KIOSK_VISIT_STOPPED", "KIOSK_VISIT_RECOVERED",
		"NETWORK_OFFLINE", "NETWORK_ONLINE", "SESSION_REUSED", "KIOSK_PRIVACY_RESET", "APPROVED", "REJECTED", "PENDING", "CENTRE_RECEIVED",
	}
	for i := range rapid.IntRange(0, 30).Draw(t, "events") {
		at := noon.Add(time.Duration(rapid.IntRange(-100, 100).Draw(t, "at")) * time.Second)
		e := journey.Event{
			ID: fmt.Sprintf("e%02d", i), Session: "s", Kiosk: "k", Name: rapid.SampledFrom(names).Draw(t, "name"), Started: at, Ended: at.Add(time.Second),
			Origin:     rapid.SampledFrom([]journey.Origin{journey.OriginAgent, journey.OriginKioskUI, journey.OriginServer}).Draw(t, "origin"),
			Source:     rapid.SampledFrom([]journey.Source{journey.FE, journey.BE}).Draw(t, "source"),
			Path:       rapid.SampledFrom([]string{"", "/attract", "/error/x", "/document"}).Draw(t, "path"),
			Result:     rapid.SampledFrom([]journey.Result{journey.Pass, journey.Fail}).Draw(t, "result"),
			Clock:      rapid.SampledFrom([]journey.ClockConfidence{journey.ClockTrusted, journey.ClockUntrusted}).Draw(t, "clock"),
			Submission: rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "submission"), Policy: rapid.SampledFrom([]string{"", "1", "2"}).Draw(t, "policy"),
			Provisional: rapid.Bool().Draw(t, "provisional"),
		}
		if rapid.Bool().Draw(t, "received") {
			e.Received = at.Add(time.Minute)
		}
		if e.Origin == journey.OriginServer {
			e.Seq = uint64(len(centre) + 1)
			centre = append(centre, e)
		} else {
			e.Seq = uint64(len(kiosk) + 1)
			kiosk = append(kiosk, e)
		}
	}
	return kiosk, centre
}

func TestWhatIsFoldedAsItComesIsWhatAllOfItComesTo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kiosk, centre := drawn(t)
		var f journey.Fold
		all := append(append([]journey.Event{}, kiosk...), centre...)
		for len(kiosk)+len(centre) > 0 { // the two sides come mixed, as the line lets them
			side := &kiosk
			if len(kiosk) == 0 || len(centre) > 0 && rapid.Bool().Draw(t, "centre") {
				side = &centre
			}
			require.True(t, f.Add((*side)[0]))
			*side = (*side)[1:]
			if rapid.IntRange(0, 3).Draw(t, "kept") == 0 { // in the database meanwhile
				body, err := json.Marshal(f)
				require.NoError(t, err)
				f = journey.Fold{}
				require.NoError(t, json.Unmarshal(body, &f))
			}
		}
		now, limit := noon.Add(time.Duration(rapid.IntRange(-200, 2000).Draw(t, "now"))*time.Second), time.Duration(rapid.IntRange(0, 600).Draw(t, "limit"))*time.Second
		require.Equal(t, journey.Summarise(all, now, limit), f.Session(now, limit))
	})
}

func TestAnEventThatBelongsBeforeIsNotTaken(t *testing.T) {
	var f journey.Fold
	require.True(t, f.Add(journey.Event{ID: "b", Seq: 2, Origin: journey.OriginAgent, Name: "STEP1_ENTERED"}))
	before := f
	require.False(t, f.Add(journey.Event{ID: "a", Seq: 1, Origin: journey.OriginKioskUI, Name: "SESSION_CREATED"}))
	require.Equal(t, before, f)
	require.True(t, f.Add(journey.Event{ID: "c", Seq: 1, Origin: journey.OriginServer, Name: "PENDING"}), "the centre counts for itself")
}
