package agent_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/agent"
	"vestibule/agent/store"
	"vestibule/agent/visitor"
	"vestibule/journey"
	"vestibule/sync/link"
	"vestibule/sync/link/linktest"
	"vestibule/sync/wire"
)

// centre is the other side of the line, as small as can be.
type centre struct {
	net   *linktest.Net
	inbox *linktest.Inbox
	recv  *link.Receiver
	now   func() time.Time
	signs wire.Centre
}

func newCentre(t *testing.T, b agent.Bench, change ...func(*link.ReceiverConfig)) *centre {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	signs, known, err := linktest.Centre()
	require.NoError(t, err)
	c := &centre{signs: signs, net: linktest.New(1, linktest.Faults{Delay: 20 * time.Millisecond}), inbox: linktest.NewInbox(), now: b.Config().Now}
	conf := link.ReceiverConfig{Now: c.now, Centre: signs}
	for _, f := range change {
		f(&conf)
	}
	c.recv = link.NewReceiver(c.net, c.inbox, func(context.Context, string) (*ecdsa.PublicKey, error) { return &key.PublicKey, nil }, conf)
	if b.Config().Centre == nil {
		b.Config().Centre = known
	}
	b.Config().Uplink = agent.Uplink{Transport: c.net, Signer: key, Release: "test"}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = c.recv.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return c
}

// approve sends an approval for the last submission the centre holds.
func (c *centre) approve(t *testing.T) {
	t.Helper()
	c.decide(t, journey.Approved)
}

func (c *centre) decide(t *testing.T, d journey.Decision) {
	t.Helper()
	var body wire.SubmissionBody
	for _, r := range c.inbox.Applied("k1") {
		if r.Kind == wire.KindSubmission {
			var err error
			body, err = wire.DecodeSubmission(r.Body)
			require.NoError(t, err)
		}
	}
	require.NotEmpty(t, body.Submission)
	v, err := wire.Marshal(journey.Verdict{
		Submission: body.Submission, Session: body.Session, Decision: d, Policy: "1",
		Event: "0199a000-0000-7000-8000-" + body.Submission[24:], At: c.now().UTC(),
	})
	require.NoError(t, err)
	c.inbox.Command("k1", wire.KindVerdict, body.Submission, v)
	c.recv.Notify("k1")
}

func TestOnlineThePersonSeesTheDecision(t *testing.T) {
	agent.Bubble(t, func(t *testing.T) {
		b := agent.NewBench(t)
		c := newCentre(t, b)
		b.Start()
		b.Until("the line", func(s agent.State) bool { return s.Online && s.Step == agent.StepAttract })
		b.To(agent.StepResult)
		b.Until("everything at the centre", func(s agent.State) bool { return s.Waiting == 0 })
		sent := time.Now()
		c.approve(t)
		s := b.Until("the decision", func(s agent.State) bool { return s.Outcome != nil && s.Outcome.Decided })
		assert.Equal(t, journey.Approved, s.Outcome.Decision)
		assert.Less(t, time.Since(sent), time.Second)
		require.NoError(t, b.Do(t.Context(), agent.Done{}))
		b.UntilStep(agent.StepAttract)
		time.Sleep(5 * time.Second)
		events := b.Journal()
		delivered := 0
		for _, ev := range events {
			if ev.Name == journey.EventUploadImage && ev.Detail["phase"] == "delivered" {
				delivered++
			}
		}
		assert.Equal(t, 3, delivered, "every picture arrived, and the journey says so")
		require.NoError(t, c.inbox.Check())
		assert.Equal(t, journey.ClockTrusted, agent.Find(t, events, journey.EventStep2Completed).Clock)
		time.Sleep(5 * time.Second)
		at := map[string]bool{}
		for _, r := range c.inbox.Applied("k1") {
			at[r.ID] = true
		}
		for _, ev := range events {
			assert.True(t, at[ev.ID], "%s is at the centre", ev.Name)
		}
		b.Stop()
	})
}

func TestOfflineFromStartToReceiptAndTheDecisionComesLater(t *testing.T) {
	agent.Bubble(t, func(t *testing.T) {
		b := agent.NewBench(t)
		c := newCentre(t, b)
		c.net.Partition("k1", true)
		a := b.Start()
		report, err := visitor.Visit(t.Context(), a, visitor.Person{Wait: 5 * time.Second})
		require.NoError(t, err)
		require.NotNil(t, report.Outcome)
		assert.False(t, report.Outcome.Decided)
		assert.Len(t, report.Outcome.Reference, 9)
		s := b.UntilStep(agent.StepAttract)
		assert.False(t, s.Online)
		assert.Equal(t, 1, s.Waiting)

		time.Sleep(6 * time.Hour)
		c.net.Partition("k1", false)
		b.Until("nothing waits", func(s agent.State) bool { return s.Online && s.Waiting == 0 })
		require.NoError(t, c.inbox.Check())
		c.approve(t)
		time.Sleep(5 * time.Second)
		events := b.Journal()
		assert.Equal(t, report.Session, events[0].Session)
		assert.Equal(t, journey.StatusCompleted, journey.Status(events, agent.Today, 0))
		assert.Equal(t, 1, agent.Count(events, journey.KioskVerdictReceived))
		own := b.JournalOf(store.OwnJournal)
		assert.Equal(t, 1, agent.Count(own, journey.EventNetworkOnline))
		b.Stop()
	})
}

func TestALineThatBreaksDuringAVisitIsNoted(t *testing.T) {
	agent.Bubble(t, func(t *testing.T) {
		b := agent.NewBench(t)
		c := newCentre(t, b)
		b.Start()
		b.Until("the line", func(s agent.State) bool { return s.Online && s.Step == agent.StepAttract })
		b.To(agent.StepReview)
		c.net.Partition("k1", true)
		c.net.Restart()
		s := b.Until("the break", func(s agent.State) bool { return !s.Online })
		assert.Equal(t, agent.StepReview, s.Step, "the visit goes on")
		require.NoError(t, b.Do(t.Context(), agent.Confirm{}))
		b.UntilStep(agent.StepResult)
		c.net.Partition("k1", false)
		b.Until("the line again", func(s agent.State) bool { return s.Online && s.Waiting == 0 })
		events := b.Journal()
		for _, name := range []journey.EventName{
			journey.EventNetworkOffline, journey.EventWebSocketDisconnected, journey.EventNetworkOnline, journey.EventWebSocketConnected,
		} {
			assert.Equal(t, 1, agent.Count(events, name), "%s", name)
		}
		b.Stop()
	})
}

func TestAnIdleKioskThatHearsFromItsCentreStaysOpenAndOneThatDoesNotCloses(t *testing.T) {
	agent.Bubble(t, func(t *testing.T) {
		b := agent.NewBench(t, func(c *agent.Config) { c.Policy.OfflineLimit = 2 * time.Hour })
		c := newCentre(t, b)
		b.Start()
		b.Until("the line", func(s agent.State) bool { return s.Online && s.Step == agent.StepAttract })
		time.Sleep(6 * time.Hour)
		require.Zero(t, agent.Count(b.JournalOf(store.OwnJournal), journey.KioskPolicyOld))
		c.net.Partition("k1", true)
		time.Sleep(3 * time.Hour)
		b.UntilStep(agent.StepClosed)
		c.net.Partition("k1", false)
		time.Sleep(15 * time.Minute)
		b.UntilStep(agent.StepAttract)
		require.Equal(t, 1, agent.Count(b.JournalOf(store.OwnJournal), journey.KioskOpened))
		b.Stop()
	})
}
