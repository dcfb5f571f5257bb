package agent_test

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/agent"
	"vestibule/journey"
	"vestibule/sync/trace"
	"vestibule/sync/trace/tracetest"
)

// written is a log that several goroutines write.
type written struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (w *written) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.Write(p)
}

func TestAVisitIsOneTreeFromTheFirstTouchToTheResult(t *testing.T) {
	collector := tracetest.New()
	defer collector.Close()
	var log written
	// Outside the bubble: the network has its own time.
	tracer, err := trace.New(context.Background(), trace.Config{URL: collector.URL, Service: "kiosk", Log: slog.New(slog.DiscardHandler), Now: time.Now})
	require.NoError(t, err)
	var submission, decided string
	agent.Bubble(t, func(t *testing.T) {
		b := agent.NewBench(t, func(c *agent.Config) { c.Trace, c.Log = tracer, slog.New(slog.NewTextHandler(&log, nil)) })
		c := newCentre(t, b)
		a := b.Start()
		b.Until("the line", func(s agent.State) bool { return s.Online && s.Step == agent.StepAttract })
		b.To(agent.StepResult)
		b.Until("everything at the centre", func(s agent.State) bool { return s.Waiting == 0 })
		require.NoError(t, a.Observe(t.Context(), journey.EventFinalPageView, "/result", nil))
		c.approve(t)
		b.Until("the decision", func(s agent.State) bool { return s.Outcome != nil && s.Outcome.Decided })
		require.NoError(t, b.Do(t.Context(), agent.Done{}))
		b.UntilStep(agent.StepAttract)
		time.Sleep(5 * time.Second)
		for _, ev := range b.Journal() {
			if ev.Name == journey.KioskVerdictReceived {
				submission, decided = ev.Submission, ev.Causes[0]
			}
		}
		b.Stop()
	})
	require.NoError(t, tracer.Close(context.Background()))
	require.NotEmpty(t, submission)
	root, decision := trace.SpanID(submission, trace.Root).String(), trace.SpanID(submission, decided).String()
	count := map[string]int{}
	checks := map[string]bool{}
	for _, s := range collector.Spans(trace.ID(submission).String()) {
		count[s.Name]++
		switch s.Name {
		case "visit":
			assert.Equal(t, root, s.ID)
			assert.Empty(t, s.Parent)
			assert.Greater(t, s.Ended, s.Started)
		case "downlink", "result shown":
			assert.Equal(t, decision, s.Parent, "it hangs on the centre's decision")
		case "check":
			checks[s.Attributes["vestibule.event"]] = true
			fallthrough
		default:
			assert.Equal(t, root, s.Parent, s.Name)
		}
		for _, v := range s.Attributes {
			for _, secret := range []string{"ERIKSSON", "ANNA", "L898902C3", "1974"} {
				assert.NotContains(t, v, secret)
			}
		}
	}
	assert.Equal(t, 1, count["visit"])
	assert.Equal(t, 1, count["downlink"])
	assert.Equal(t, 1, count["result shown"])
	assert.Equal(t, 1, count["result page"])
	assert.Equal(t, 3, count["seal"], "front, portrait, selfie")
	assert.Equal(t, 3, count["outbox wait"])
	assert.GreaterOrEqual(t, count["capture"], 2)
	for _, name := range []journey.EventName{journey.EventIDRecognition, journey.EventFaceCompare, journey.EventLivenessVerification} {
		assert.True(t, checks[string(name)], name)
	}
}
