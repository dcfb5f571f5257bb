package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/journey/contract"
	"vestibule/kiosk-ui/child"
	"vestibule/sync/trace"
	"vestibule/sync/trace/tracetest"
)

// TestFiveVisitsEndAsTheyShould runs the whole path as `make demo` does: the real
// programs, networks, broker and databases, a real window, and five visitors.
func TestFiveVisitsEndAsTheyShould(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	defer cancel()
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	bin := filepath.Join(root, "build", "bin")
	for _, name := range []string{"kiosk-ui", "server"} {
		// Reading the program makes it an input of this test, so that a change of it
		// is never answered from the test cache.
		_, err := os.ReadFile(filepath.Join(bin, name))
		require.NoError(t, err, "`make build` makes the programs")
	}

	models := os.Getenv("VESTIBULE_MODELS")
	if models == "" {
		models = filepath.Join(root, "models", "cache")
		t.Setenv("VESTIBULE_MODELS", models)
	}
	w, err := newWorld(bin, t.TempDir(), models)
	require.NoError(t, err)
	defer w.close()
	collector := tracetest.New()
	defer collector.Close()
	parents := &calls{}
	partner := httptest.NewServer(parents)
	defer partner.Close()
	w.collector, w.partner = collector.URL, partner.URL
	require.NoError(t, w.build(ctx, visits()))
	all := w.perform(ctx, visits())
	var told strings.Builder
	table(&told, all)
	t.Log("\n" + told.String())
	require.Len(t, all, len(visits()))

	reached := contract.NewReached(t.Name())
	for _, o := range all {
		require.NoError(t, o.err, "visit %s", o.visit.name)
		require.Empty(t, gaps(o.journey.Journal), "visit %s", o.visit.name)
		for _, e := range o.journey.Journal {
			require.NoError(t, e.Validate(), "visit %s, %s", o.visit.name, e.Name)
		}
		require.NoError(t, reached.Events(o.journey.Journal...))
		require.NoError(t, reached.Answer(journey.AnswerDocument, o.answer))
	}
	for _, o := range all {
		oneTree(t, collector, parents, submissionOf(o.journey.Journal))
	}
	if dir := os.Getenv(contract.Env); dir != "" {
		require.NoError(t, contract.Record(dir, reached))
	}
	noPersonalData(t, filepath.Join(w.dir, "logs"))
}

// calls is a partner's endpoint: it keeps whose spans it was called from.
type calls struct {
	mu  sync.Mutex
	all []string
}

func (c *calls) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, r.Header.Get("traceparent"))
}

func (c *calls) has(parent string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Contains(c.all, parent)
}

// submissionOf gives the submission that a journey is about.
func submissionOf(events []journey.Event) string {
	for _, e := range events {
		if e.Name == journey.EventSubmissionCreated {
			return e.Submission
		}
	}
	return ""
}

// oneTree waits until the spans of a visit, from kiosk and centre, are one tree: the
// visit's own at its root, and every other below one that came.
func oneTree(t *testing.T, collector *tracetest.Collector, partner *calls, submission string) {
	t.Helper()
	require.NotEmpty(t, submission)
	id := trace.ID(submission).String()
	problem := ""
	defer func() { // Eventually does not tell what it waited for
		if problem != "" {
			t.Log(submission, problem)
		}
	}()
	require.Eventually(t, func() bool {
		problem = ""
		spans := collector.Spans(id)
		there, names := map[string]bool{}, map[string]string{}
		for _, s := range spans {
			there[s.ID], names[s.Name] = true, s.ID
		}
		roots := 0
		for _, s := range spans {
			switch {
			case s.Parent == "":
				roots++
			case !there[s.Parent]:
				problem = s.Name + " hangs on nothing"
			}
		}
		if roots != 1 {
			problem = fmt.Sprintf("%d roots", roots)
		}
		for _, name := range []string{"capture", "check", "seal", "outbox wait", "ingest", "decision", "re-check", "duplicates", "screening", "webhook", "downlink"} {
			if names[name] == "" {
				problem = "no span of " + name
			}
		}
		if !partner.has("00-" + id + "-" + names["webhook"] + "-01") {
			problem = "the partner was not called from the webhook's span"
		}
		return problem == ""
	}, time.Minute, 100*time.Millisecond)
}

// gaps lists numbers that are missing in the sequences of the kiosk and of the centre.
func gaps(events []journey.Event) []uint64 {
	have := map[bool]map[uint64]bool{true: {}, false: {}}
	highest := map[bool]uint64{}
	for _, e := range events {
		centre := e.Origin == journey.OriginServer
		have[centre][e.Seq] = true
		highest[centre] = max(highest[centre], e.Seq)
	}
	var missing []uint64
	for side, high := range highest {
		for n := uint64(1); n <= high; n++ {
			if !have[side][n] {
				missing = append(missing, n)
			}
		}
	}
	return missing
}

// noPersonalData fails when a log names one of the visitors or their document.
func noPersonalData(t *testing.T, dir string) {
	t.Helper()
	logs, err := filepath.Glob(filepath.Join(dir, "*.log"))
	require.NoError(t, err)
	require.NotEmpty(t, logs)
	for _, file := range logs {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, p := range cast() {
			for _, secret := range []string{p.surname, p.number, p.birth} {
				require.NotContains(t, string(text), secret, filepath.Base(file))
			}
		}
	}
}

func TestIntervalsRunFromTheFirstCheckToTheLastOfTheSameAttempt(t *testing.T) {
	at := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	event := func(name journey.EventName, attempt int, from, to time.Duration) journey.Event {
		return journey.Event{Name: name, Origin: journey.OriginAgent, Attempt: attempt, Started: at.Add(from), Ended: at.Add(to)}
	}
	got := intervals([]journey.Event{
		event(journey.EventIDRecognition, 1, 0, 300*time.Millisecond),
		event(journey.EventMRZValidation, 1, 0, 400*time.Millisecond),
		event(journey.EventIDRecognition, 2, time.Minute, time.Minute+200*time.Millisecond),
	}, journey.EventIDRecognition, []journey.EventName{journey.EventMRZValidation})
	require.Equal(t, []float64{400, 200}, got)
}

func TestACutLineRefusesAndAMendedLineCarries(t *testing.T) {
	far, err := openLine("127.0.0.1:0", "127.0.0.1:1") // a line to another line
	require.NoError(t, err)
	defer far.close()
	near, err := openLine("127.0.0.1:0", far.addr())
	require.NoError(t, err)
	defer near.close()
	near.setCut(true)
	require.False(t, child.Answers("http://"+near.addr()+"/"))
	near.setCut(false)
	require.False(t, child.Answers("http://"+near.addr()+"/"), "nobody listens at the far end")
}
