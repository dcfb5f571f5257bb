package agent_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/agent"
	"vestibule/agent/health"
	"vestibule/agent/store"
	"vestibule/journey"
	"vestibule/sync/link"
	"vestibule/sync/link/linktest"
	"vestibule/sync/wire"
)

// A broker that speaks for the centre changes nothing, and is told of: here and, once the centre is there, there.
func TestWhatTheCentreDidNotSignIsToldAndNotBelieved(t *testing.T) {
	agent.Bubble(t, func(t *testing.T) {
		b := agent.NewBench(t)
		c := newCentre(t, b)
		theirs, _, err := linktest.Centre()
		require.NoError(t, err)
		b.Start()
		b.Until("the line", func(s agent.State) bool { return s.Online && s.Step == agent.StepAttract })
		b.To(agent.StepResult)
		verdict, err := wire.Marshal(journey.Verdict{Submission: "s", Session: "s", Event: "e", Decision: journey.Approved, At: c.now().UTC()})
		require.NoError(t, err)
		forge := func() {
			frame, err := theirs.SignDown(wire.Down{
				Version: 1, Kiosk: "k1", Commands: []wire.Record{{Seq: 1, Kind: wire.KindVerdict, ID: "v", Body: verdict}},
				Proof: wire.Proof{For: "k1", Number: 1 << 60, Signed: c.now()},
			})
			require.NoError(t, err)
			mean, err := c.net.Connect(t.Context(), link.Session{Client: "mean"})
			require.NoError(t, err)
			require.NoError(t, mean.Publish(t.Context(), link.Message{Topic: wire.CommandTopic("k1"), Payload: frame}))
			require.NoError(t, mean.Close())
			time.Sleep(2 * time.Second)
		}
		for range 100 {
			forge()
		}
		time.Sleep(time.Minute)
		own := b.JournalOf(store.OwnJournal)
		assert.Equal(t, 1, agent.Count(own, journey.KioskFrameRefused), "a flood is told once")
		assert.Zero(t, agent.Count(b.Journal(), journey.KioskVerdictReceived))
		s, ok := c.inbox.State("k1")
		require.True(t, ok)
		var codes []string
		for _, one := range s.Conditions {
			codes = append(codes, one.Code+" "+one.Detail)
		}
		assert.Contains(t, codes, string(health.Unproven)+" "+link.DoubtForeign)

		time.Sleep(2 * time.Hour)
		s, _ = c.inbox.State("k1")
		for _, one := range s.Conditions {
			assert.NotEqual(t, string(health.Unproven), one.Code, "it passes")
		}
		b.Stop()
	})
}
