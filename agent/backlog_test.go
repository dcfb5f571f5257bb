package agent_test

import (
	"context"
	"crypto/ecdsa"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/agent"
	"vestibule/agent/store"
	"vestibule/sync/link"
	"vestibule/sync/link/linktest"
)

// reasons gives why each kind of thing waits, and the backlog itself.
func reasons(t *testing.T, dir string, now time.Time) (map[string]int, *agent.Backlog) {
	t.Helper()
	b, err := agent.OpenBacklog(t.Context(), dir, agent.Limits{}, store.Options{}, now)
	require.NoError(t, err)
	defer b.Close()
	out := map[string]int{}
	count := func(w agent.Waiting) error {
		out[string(w.Why)+" "+w.How]++
		return nil
	}
	require.NoError(t, b.EachRecord(t.Context(), count))
	require.NoError(t, b.EachPicture(t.Context(), count))
	return out, b
}

func TestTheBacklogSaysOfEverythingWhyItWaits(t *testing.T) {
	t.Run("a kiosk without a line", func(t *testing.T) {
		agent.Bubble(t, func(t *testing.T) {
			b := agent.NewBench(t)
			b.Start()
			b.To(agent.StepResult)
			b.Stop()
			why, all := reasons(t, b.Dir(), time.Now())
			require.Len(t, why, 1)
			require.Positive(t, why["never_sent "+agent.LineNone])
			require.Equal(t, 3, all.Stats.Blobs)
			require.Equal(t, why["never_sent "+agent.LineNone], all.Stats.Records+all.Stats.Blobs)
		})
	})
	t.Run("a line that is cut", func(t *testing.T) {
		agent.Bubble(t, func(t *testing.T) {
			b := agent.NewBench(t)
			c := newCentre(t, b)
			c.net.Partition("k1", true)
			b.Start()
			b.To(agent.StepResult)
			why, all := reasons(t, b.Dir(), time.Now())
			require.Len(t, why, 1)
			require.Positive(t, why["never_sent "+link.CodeUnreachable])
			require.False(t, all.Line.Online)
			// The centre takes everything, and its answers are lost.
			c.inbox.Fail(context.DeadlineExceeded)
			c.net.Partition("k1", false)
			b.Until("the line", func(s agent.State) bool { return s.Online })
			time.Sleep(2 * time.Minute)
			why, all = reasons(t, b.Dir(), time.Now())
			require.Equal(t, link.CodeUnanswered, all.Line.Code)
			require.Positive(t, why["unacknowledged line"], "%v", why)
			// And after a restart without a line what was sent is still known to have been sent.
			c.net.Partition("k1", true)
			b.Stop()
			sent := why["unacknowledged line"]
			b.Start()
			b.UntilStep(agent.StepAttract)
			time.Sleep(time.Minute)
			why, _ = reasons(t, b.Dir(), time.Now())
			require.GreaterOrEqual(t, why["unacknowledged line"], sent)
			c.inbox.Fail(nil)
			c.net.Partition("k1", false)
			time.Sleep(2 * time.Minute)
			why, all = reasons(t, b.Dir(), time.Now())
			require.Empty(t, why)
			require.True(t, all.Line.Online)
			require.Empty(t, all.Line.Code)
			b.Stop()
		})
	})
	t.Run("a centre that refuses", func(t *testing.T) {
		agent.Bubble(t, func(t *testing.T) {
			b := agent.NewBench(t)
			stranger := linktest.New(1, linktest.Faults{})
			c := newCentre(t, b) // for its signers
			recv := link.NewReceiver(stranger, linktest.NewInbox(), func(context.Context, string) (*ecdsa.PublicKey, error) {
				return nil, link.ErrUnknownKiosk
			}, link.ReceiverConfig{Now: b.Config().Now, Centre: c.signs})
			b.Config().Uplink.Transport = stranger
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() {
				defer close(done)
				_ = recv.Run(ctx)
			}()
			b.Start()
			b.To(agent.StepResult)
			time.Sleep(time.Minute)
			why, all := reasons(t, b.Dir(), time.Now())
			assert.Len(t, why, 1)
			assert.Positive(t, why["refused unknown"], "%v", why)
			assert.Equal(t, "unknown", all.Line.Refused)
			b.Stop()
			cancel()
			<-done
		})
	})
}

func TestTheBacklogWarnsAtFourFifthsOfEachLimit(t *testing.T) {
	agent.Bubble(t, func(t *testing.T) {
		b := agent.NewBench(t)
		b.Start()
		b.To(agent.StepResult)
		b.Stop()
		now := b.Config().Now()
		_, all := reasons(t, b.Dir(), now)
		used := int64(all.Limits[0].Used)
		for name, c := range map[string]struct {
			after   time.Duration
			storage int64
			want    [2]int
		}{
			"both well":       {23 * 24 * time.Hour, used * 2, [2]int{0, 0}},
			"age warned of":   {25 * 24 * time.Hour, used * 2, [2]int{0, 1}},
			"age reached":     {31 * 24 * time.Hour, used * 2, [2]int{0, 2}},
			"storage warned":  {time.Hour, used * 100 / 85, [2]int{1, 0}},
			"storage reached": {time.Hour, used * 100 / 97, [2]int{2, 0}},
		} {
			b, err := agent.OpenBacklog(t.Context(), b.Dir(), agent.Limits{}, store.Options{MaxBytes: c.storage}, now.Add(c.after))
			require.NoError(t, err, name)
			assert.Equal(t, "storage", b.Limits[0].Name)
			assert.Equal(t, "age", b.Limits[1].Name)
			assert.Equal(t, c.want, [2]int{b.Limits[0].Level, b.Limits[1].Level}, name)
			require.NoError(t, b.Close())
		}
	})
}
