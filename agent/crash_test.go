package agent_test

import (
	"context"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/agent"
	"vestibule/agent/store"
	"vestibule/agent/visitor"
	"vestibule/journey"
	"vestibule/sync/wire"
)

// singular lists what a visit has once, whatever happened to it.
func singular() []journey.EventName {
	return []journey.EventName{
		journey.EventSessionCreated, journey.EventFlowIDIssued, journey.KioskConsentGiven, journey.EventStep1Entered,
		journey.EventSubmissionCreated, journey.EventStep1Completed, journey.EventStep2Entered, journey.EventStep2Completed,
		journey.KioskProvisionalOutcome, journey.EventFrontSessionStart, journey.EventFinalPageView, journey.KioskPrivacyReset,
	}
}

// soundStore checks a kiosk's store after whatever happened: every visit cleared,
// every journal without gaps, every event queued once, every submission in order.
func soundStore(t *testing.T, dir string) map[string][]journey.Event {
	t.Helper()
	s, err := store.Open(dir, "k1", store.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	ctx := context.Background()
	open, err := s.Open(ctx)
	require.NoError(t, err)
	require.Empty(t, open, "a visit was left open")
	require.NoFileExists(t, filepath.Join(dir, "visit.key"))

	queued := map[string]int{}
	revision := map[string]int{}
	for i, r := range agent.Queue(t, s) {
		require.Equal(t, uint64(i+1), r.Seq, "the queue has no gap")
		switch r.Kind {
		case wire.KindEvent:
			queued[r.ID]++
		case wire.KindSubmission:
			body, err := wire.DecodeSubmission(r.Body)
			require.NoError(t, err)
			require.Equal(t, revision[body.Submission]+1, body.Revision)
			revision[body.Submission] = body.Revision
		}
	}
	sessions, err := s.Sessions(ctx)
	require.NoError(t, err)
	journals := map[string][]journey.Event{}
	for _, id := range append(sessions, store.OwnJournal) {
		events, err := s.Events(ctx, id)
		require.NoError(t, err)
		agent.SoundJournal(t, events)
		for _, ev := range events {
			require.Equal(t, 1, queued[ev.ID], "%s is queued once", ev.Name)
			delete(queued, ev.ID)
		}
		if id == store.OwnJournal {
			continue
		}
		journals[id] = events
		for _, name := range singular() {
			require.LessOrEqual(t, agent.Count(events, name), 1, "%s in %v", name, agent.Names(events))
		}
		require.Equal(t, 1, agent.Count(events, journey.KioskPrivacyReset), "%v", agent.Names(events))
	}
	require.Empty(t, queued, "the queue holds events that no journal has")
	return journals
}

func TestAVisitSurvivesAPowerCutAfterEveryCommit(t *testing.T) {
	commits := 0 // of a kiosk's start and one whole visit
	agent.Bubble(t, func(t *testing.T) {
		b := agent.NewBench(t)
		b.Stored(func(func()) { commits++ })
		_, err := visitor.Visit(t.Context(), b.Start(), visitor.Person{})
		require.NoError(t, err)
		b.Stop()
		soundStore(t, b.Dir())
	})
	require.Greater(t, commits, 20)
	finished, cuts := 0, cutsOf(t, commits)
	for _, k := range cuts {
		agent.Bubble(t, func(t *testing.T) {
			b := agent.NewBench(t)
			n := 0
			cut := make(chan struct{})
			b.Stored(func(end func()) {
				if n++; n == k {
					close(cut)
					end()
				}
			})
			a := b.Start()
			ctx, cancel := context.WithCancel(t.Context())
			gone := make(chan error, 1)
			go func() {
				_, err := visitor.Visit(ctx, a, visitor.Person{})
				gone <- err
			}()
			<-cut
			cancel()
			<-gone
			b.Halt()

			b.Stored(nil)
			report, err := visitor.Visit(t.Context(), b.Start(), visitor.Person{Resume: true})
			require.NoError(t, err)
			require.Nil(t, report.Problem, "after commit %d", k)
			b.Stop()
			for _, events := range soundStore(t, b.Dir()) {
				if agent.Count(events, journey.EventFinalPageView) == 1 {
					finished++
					require.Equal(t, 1, agent.Count(events, journey.EventStep2Completed))
				}
			}
		})
	}
	t.Logf("%d of %d visits that were cut went on to their end", finished, len(cuts))
	require.GreaterOrEqual(t, finished, len(cuts)/2, "most visits can be taken up")
}

// longEnv makes the tests try every power cut instead of a sample, and kill more often.
const longEnv = "VESTIBULE_LONG"

// cutsOf chooses after which of so many commits the power is cut: all of them in
// a long run, else one in each of ten stretches, by the seed.
func cutsOf(t *testing.T, commits int) []int {
	t.Helper()
	const sample = 10
	var out []int
	if os.Getenv(longEnv) != "" {
		for k := range commits {
			out = append(out, k+1)
		}
		return out
	}
	r := seeded(t)
	for i := range sample {
		from, to := i*commits/sample, (i+1)*commits/sample
		out = append(out, from+1+r.Intn(to-from))
	}
	return out
}

// seeded gives randomness that SEED repeats.
func seeded(t *testing.T) *rand.Rand {
	t.Helper()
	seed := time.Now().UnixNano()
	if s := os.Getenv("SEED"); s != "" {
		var err error
		seed, err = strconv.ParseInt(s, 10, 64)
		require.NoError(t, err)
	}
	t.Logf("SEED=%d", seed)
	return rand.New(rand.NewSource(seed))
}

func TestAVisitFoundTooLateIsDropped(t *testing.T) {
	for _, step := range []agent.Step{agent.StepLanguage, agent.StepReview, agent.StepResult} {
		t.Run("at "+string(step), func(t *testing.T) {
			agent.Bubble(t, func(t *testing.T) {
				b := agent.NewBench(t)
				b.Start()
				b.To(step)
				b.Halt()
				time.Sleep(3 * time.Minute)
				b.Start()
				b.UntilStep(agent.StepAttract)
				b.Stop()
				for _, events := range soundStore(t, b.Dir()) {
					ev := events[len(events)-2]
					require.Equal(t, journey.KioskVisitRecovered, ev.Name)
					require.Equal(t, journey.Fail, ev.Result)
					require.Equal(t, "too-old", ev.Detail["why"])
				}
			})
		})
	}
	t.Run("and so is one whose key is gone", func(t *testing.T) {
		agent.Bubble(t, func(t *testing.T) {
			b := agent.NewBench(t)
			b.Start()
			b.To(agent.StepReview)
			b.Halt()
			require.NoError(t, os.Remove(filepath.Join(b.Dir(), "visit.key")))
			b.Start()
			b.UntilStep(agent.StepAttract)
			b.Stop()
			for _, events := range soundStore(t, b.Dir()) {
				require.Equal(t, "no-checkpoint", events[len(events)-2].Detail["why"])
			}
		})
	})
	t.Run("and one that nobody answers for", func(t *testing.T) {
		agent.Bubble(t, func(t *testing.T) {
			b := agent.NewBench(t)
			b.Start()
			b.To(agent.StepReview)
			b.Halt()
			a := b.Start()
			s := b.Until("the question", func(s agent.State) bool { return s.Asking })
			require.Nil(t, s.Review, "a stranger reads nothing")
			require.ErrorIs(t, a.Do(t.Context(), agent.Confirm{}), agent.ErrNotNow)
			b.UntilStep(agent.StepAttract)
			b.Stop()
			soundStore(t, b.Dir())
		})
	})
}

// childEnv makes this test binary a kiosk that goes through visits until it is killed.
const childEnv = "AGENT_TEST_KIOSK"

// TestKiosk is the child of the test below; by itself it does nothing but say so.
func TestKiosk(t *testing.T) {
	dir := os.Getenv(childEnv)
	if dir == "" {
		t.Log("this is the process that TestAKioskSurvivesKill9 kills")
		return
	}
	b := agent.NewBench(t)
	b.At(dir)
	a := b.Start()
	for {
		if _, err := visitor.Visit(t.Context(), a, visitor.Person{Resume: true}); err != nil {
			t.Fatal(err)
		}
		if _, err := visitor.Visit(t.Context(), a, visitor.Person{}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAKioskSurvivesKill9(t *testing.T) {
	r := seeded(t)
	kills, longest := 2, 900
	if os.Getenv(longEnv) != "" {
		kills, longest = 8, 1500
	}
	dir := filepath.Join(t.TempDir(), "kiosk")
	for range kills {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKiosk$", "-test.v")
		cmd.Env = append(os.Environ(), childEnv+"="+dir)
		require.NoError(t, cmd.Start())
		time.Sleep(300*time.Millisecond + time.Duration(r.Intn(longest))*time.Millisecond)
		require.NoError(t, cmd.Process.Kill())
		_ = cmd.Wait()
	}
	// The last start, which nobody kills, takes up or drops what was left.
	b := agent.NewBench(t)
	b.At(dir)
	a := b.Start()
	_, err := visitor.Visit(t.Context(), a, visitor.Person{Resume: true})
	require.NoError(t, err)
	b.Stop()
	journals := soundStore(t, dir)
	t.Logf("%d visits", len(journals))
}
