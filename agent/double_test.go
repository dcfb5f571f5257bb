package agent

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"math/rand"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/agent/scripted"
	"vestibule/agent/store"
	"vestibule/journey"
	"vestibule/models"
	"vestibule/models/mrz"
	"vestibule/sync/seal"
	"vestibule/sync/wire"
)

// today is when the tests happen, whatever the machine's clock says.
var today = scripted.Today

type (
	scriptedCamera = scripted.Camera
	scriptedEngine = scripted.Engine
)

var (
	newEngine = scripted.NewEngine
	template  = scripted.Template
	goodFace  = scripted.GoodFace
	specimen  = scripted.Specimen
)

func documentOf(c mrz.Content) models.Document { return scripted.DocumentOf(c, today) }

func documentFrom(lines []string) models.Document { return scripted.DocumentFrom(lines, today) }

func goodDocument() models.Document { return documentOf(specimen()) }

// moving gives a face that does whatever the kiosk asks for, like a willing person.
func moving(k *Agent) func(int, time.Time) (models.Face, error) {
	var asked journey.Challenge
	var since time.Time
	return func(_ int, at time.Time) (models.Face, error) {
		if c := k.states.get().Challenge; c != asked {
			asked, since = c, at
		}
		return pose(goodFace(), asked, at.Sub(since)), nil
	}
}

// pose is a face some time into a movement.
func pose(f models.Face, c journey.Challenge, into time.Duration) models.Face {
	if into < 300*time.Millisecond {
		return f // nobody reacts at once
	}
	turn := func(yaw, nose float64) {
		f.Yaw = yaw
		f.Points[30].X += nose * .16
	}
	switch c {
	case journey.TurnLeft:
		turn(-25, .4)
	case journey.TurnRight:
		turn(25, -.4)
	case journey.LookUp:
		f.Pitch = 16
	case journey.Blink:
		if into < 500*time.Millisecond {
			f.EyesOpen = .1
		}
	}
	return f
}

// bench is one kiosk under test.
type bench struct {
	t      *testing.T
	dir    string
	cfg    Config
	engine *scriptedEngine
	doc    *scriptedCamera
	face   *scriptedCamera
	ring   *seal.Keyring
	offset atomic.Int64 // of the kiosk's clock, nanoseconds

	stored func()
	a      *Agent
	stop   context.CancelCauseFunc
}

func newBench(t *testing.T, change ...func(*Config)) *bench {
	t.Helper()
	b := &bench{t: t, dir: filepath.Join(t.TempDir(), "kiosk"), engine: newEngine()}
	b.doc = scripted.NewCamera("document-camera")
	b.face = scripted.NewCamera("face-camera")
	key, err := seal.GenerateKey()
	require.NoError(t, err)
	b.ring = seal.NewKeyring(key)
	b.offset.Store(int64(time.Until(today)))
	policy := journey.DefaultPolicy()
	policy.Liveness.Active = false
	policy.Liveness.Injection = false // the scripted camera gives one picture over and over
	b.cfg = Config{
		Dir: b.dir, Kiosk: "k1", Site: Site{Country: "UTO"}, DocumentCamera: b.doc, FaceCamera: b.face,
		Engine: b.engine, Seal: key.Public(), Policy: policy, Text: "2026-01",
		Now:  func() time.Time { return time.Now().Add(time.Duration(b.offset.Load())) },
		Rand: &seeded{r: rand.New(rand.NewSource(1))},
	}
	for _, f := range change {
		f(&b.cfg)
	}
	return b
}

// seeded is a source of bytes that several goroutines may read.
type seeded struct {
	mu sync.Mutex
	r  *rand.Rand
}

func (s *seeded) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.r.Read(p)
}

var _ io.Reader = (*seeded)(nil)

// start opens the kiosk and runs it.
func (b *bench) start() *Agent {
	b.t.Helper()
	a, err := New(b.cfg)
	require.NoError(b.t, err)
	a.stored = b.stored
	ctx, cancel := context.WithCancelCause(b.t.Context())
	b.a, b.stop = a, cancel
	go func() { _ = a.Run(ctx) }()
	b.t.Cleanup(func() { // a test that failed leaves nothing running
		if b.a == a {
			cancel(errAbandoned)
			<-a.ended
			_ = a.Close()
		}
	})
	return a
}

// settle waits until the kiosk has finished what it is at.
func (b *bench) settle() {
	b.t.Helper()
	require.NoError(b.t, b.a.ask(b.t.Context(), func(*owner) error { return nil }))
}

// halt ends the kiosk: in good order, or as a power cut would.
func (b *bench) halt(cause error) {
	b.t.Helper()
	b.stop(cause)
	<-b.a.ended
	require.NoError(b.t, b.a.Close())
	b.a = nil
}

// until waits for a state.
func (b *bench) until(what string, ok func(State) bool) State {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 5*time.Minute)
	defer cancel()
	var last State
	for s := range b.a.Watch(ctx) {
		if last = s; ok(s) {
			return s
		}
	}
	problem, _ := json.Marshal(last.Problem)
	require.FailNow(b.t, "never came", "%s; last was %s %s %s", what, last.Step, last.Retake, problem)
	return State{}
}

func (b *bench) untilStep(step Step) State {
	b.t.Helper()
	return b.until(string(step), func(s State) bool {
		return s.Step == step && !(s.Step == StepClosed && s.Problem.Code == ProblemStarting)
	})
}

func (b *bench) do(c Command) {
	b.t.Helper()
	require.NoError(b.t, b.a.Do(b.t.Context(), c))
}

// to brings a visit to a step.
func (b *bench) to(step Step) State {
	b.t.Helper()
	b.untilStep(StepAttract)
	b.do(Start{})
	for {
		s := b.until("a step", func(s State) bool {
			return s.Step != StepAttract && s.Step != StepReading && s.Step != StepChecking || s.Step == step
		})
		if s.Step == step {
			return s
		}
		switch s.Step {
		case StepLanguage:
			b.do(ChooseLanguage{Language: "en"})
		case StepConsent:
			b.do(Consent{Given: true})
		case StepReview:
			b.do(Confirm{})
		case StepDocument, StepSelfie:
			from := s.Step
			b.until("the camera step to end", func(s State) bool { return s.Step != from })
		default:
			require.FailNow(b.t, "went another way", "at %s: %v", s.Step, s.Problem)
		}
	}
}

// journal gives the last visit's events, and checks what holds for every journal.
func (b *bench) journal() []journey.Event {
	b.t.Helper()
	sessions := b.sessions()
	require.NotEmpty(b.t, sessions)
	return b.journalOf(sessions[len(sessions)-1])
}

func (b *bench) sessions() []string {
	b.t.Helper()
	var out []string
	b.withStore(func(s *store.Store) {
		var err error
		out, err = s.Sessions(context.Background())
		require.NoError(b.t, err)
	})
	return out
}

func (b *bench) journalOf(session string) []journey.Event {
	b.t.Helper()
	var events []journey.Event
	if b.a != nil {
		b.settle()
	}
	b.withStore(func(s *store.Store) {
		var err error
		events, err = s.Events(context.Background(), session)
		require.NoError(b.t, err)
	})
	soundJournal(b.t, events)
	return events
}

// withStore lends the running kiosk's store, or opens it.
func (b *bench) withStore(f func(*store.Store)) {
	b.t.Helper()
	if b.a != nil {
		f(b.a.store)
		return
	}
	s, err := store.Open(b.dir, b.cfg.Kiosk, b.cfg.Store)
	require.NoError(b.t, err)
	f(s)
	require.NoError(b.t, s.Close())
}

// soundJournal checks what every journal must be, whatever happened.
func soundJournal(tb testing.TB, events []journey.Event) {
	tb.Helper()
	known := map[string]bool{}
	for i, ev := range events {
		require.Equal(tb, uint64(i+1), ev.Seq, "numbers have no gap")
		require.NoError(tb, ev.Validate(), "%s", ev.Name)
		require.False(tb, known[ev.ID], "an id comes once")
		for _, c := range ev.Causes {
			if ev.Name != journey.KioskVerdictReceived {
				require.True(tb, known[c], "%s: a cause comes before", ev.Name)
			}
		}
		known[ev.ID] = true
		require.NotContains(tb, []journey.EventName{journey.EventApproved, journey.EventRejected, journey.EventPending}, ev.Name)
		for _, v := range ev.Detail {
			for _, secret := range []string{"ERIKSSON", "ANNA", "L898902C3", "1974-08-12"} {
				require.NotContains(tb, v, secret, "%s holds personal data", ev.Name)
			}
		}
	}
}

func names(events []journey.Event) []journey.EventName {
	out := make([]journey.EventName, len(events))
	for i, ev := range events {
		out[i] = ev.Name
	}
	return out
}

func count(events []journey.Event, name journey.EventName) int {
	n := 0
	for _, ev := range events {
		if ev.Name == name {
			n++
		}
	}
	return n
}

func find(tb testing.TB, events []journey.Event, name journey.EventName) journey.Event {
	tb.Helper()
	for i := len(events) - 1; i >= 0; i-- {
		if events[i].Name == name {
			return events[i]
		}
	}
	require.FailNow(tb, "missing event", "%s in %v", name, names(events))
	return journey.Event{}
}

// written writes a journal so that people can read it: no ids, times from the start.
func written(events []journey.Event) string {
	var b strings.Builder
	at := map[string]int{}
	for i, ev := range events {
		at[ev.ID] = i + 1
		fmt.Fprintf(&b, "%3d %-8s %-2s %-31s %-8s %-9s", ev.Seq, ev.Origin, ev.Source, ev.Name, ev.Result, ev.Impact)
		fmt.Fprintf(&b, " +%.1fs", ev.Started.Sub(events[0].Started).Seconds())
		if d := ev.Ended.Sub(ev.Started); d > 0 {
			fmt.Fprintf(&b, "..%.1fs", ev.Ended.Sub(events[0].Started).Seconds())
		}
		if ev.Path != "" {
			fmt.Fprintf(&b, " %s", ev.Path)
		}
		if ev.Attempt > 0 {
			fmt.Fprintf(&b, " #%d", ev.Attempt)
		}
		if !ev.Code.IsZero() {
			fmt.Fprintf(&b, " %s", ev.Code)
		}
		if ev.Reason != "" {
			fmt.Fprintf(&b, " %s", ev.Reason)
		}
		if len(ev.Causes) > 0 {
			b.WriteString(" <-")
			for _, c := range ev.Causes {
				fmt.Fprintf(&b, " %d", at[c])
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

// bubble runs a test in fake time.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

// sqlTx is what the queue lends to a command.
type sqlTx = sql.Tx

// queue gives everything that waits for the centre.
func queue(tb testing.TB, s *store.Store) []wire.Record {
	tb.Helper()
	var out []wire.Record
	for {
		after := uint64(len(out))
		batch, err := s.Outbox().Batch(context.Background(), after, 1<<20)
		require.NoError(tb, err)
		if len(batch.Records) == 0 {
			return out
		}
		out = append(out, batch.Records...)
	}
}
