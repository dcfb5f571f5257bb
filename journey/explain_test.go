package journey_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/journey"
)

var update = flag.Bool("update", false, "write the explanations found into the golden files")

// Golden files hold a journey and its explanation together:
//
//	# what it is about
//	id origin NAME result IMPACT [key=value …]
//	---
//	sentence, status, decision
//	chain, one event a line
func TestExplainTellsWhyAJourneyEnded(t *testing.T) {
	files, err := filepath.Glob("../testdata/explain/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			content, err := os.ReadFile(file)
			require.NoError(t, err)
			input, want, _ := strings.Cut(string(content), "---\n")
			events := parseJourney(t, input)
			for _, e := range events {
				require.NoError(t, e.Validate(), "%s %s", e.ID, e.Name)
			}
			got := render(journey.Explain(events))
			if *update {
				require.NoError(t, os.WriteFile(file, []byte(input+"---\n"+got), 0o644))
				return
			}
			assert.Equal(t, want, got)

			// Neither the order in which events are listed nor their times may matter.
			r := rand.New(rand.NewPCG(7, 7))
			for range 20 {
				r.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
				for i := range events {
					events[i].Started = noon.Add(time.Duration(r.IntN(3600)) * time.Second)
					events[i].Ended = events[i].Started
				}
				require.Equal(t, want, render(journey.Explain(events)), "listed in another order, at other times")
			}
		})
	}
}

func TestExplainWithAClockNoticesSilence(t *testing.T) {
	events := visit("SESSION_CREATED", "STEP_VIEW /document/front", "STEP1_ENTERED")
	assert.Equal(t, "Under way at /document/front.", journey.Explain(events).Sentence)
	x := journey.ExplainAt(events, noon.Add(time.Hour), limit)
	assert.Equal(t, journey.StatusDropped, x.Status)
	assert.Equal(t, "Dropped at /document/front.", x.Sentence)
}

func TestExplainSaysSomethingAboutNothing(t *testing.T) {
	x := journey.Explain(nil)
	assert.Equal(t, "Under way.", x.Sentence)
	assert.NotNil(t, x.Chain)
}

func TestExplainEndsOnCircularCauses(t *testing.T) {
	events := visit("FACE_COMPARE", "LIVENESS_VERIFICATION", "REJECTED")
	events[0].Causes, events[1].Causes, events[2].Causes = []string{"eb"}, []string{"ea"}, []string{"ea"}
	for i := range 2 {
		events[i].Result, events[i].Impact = journey.Fail, journey.ImpactRetake
	}
	assert.Len(t, journey.Explain(events).Chain, 3)
}

// Every reason explained by the failure of its check must give a sentence that
// names the reason and ends properly.
func TestEveryReasonHasASentence(t *testing.T) {
	for _, r := range journey.Reasons() {
		e := sample(journey.EventName(r.Decision))
		e.Reason = r.Reason
		s := journey.Explain([]journey.Event{e}).Sentence
		assert.Contains(t, s, "("+string(r.Reason)+") because "+r.Meaning)
		assert.True(t, strings.HasSuffix(s, "."), s)
	}
}

// parseJourney reads the input half of a golden file. Sequences are counted per side.
func parseJourney(t *testing.T, input string) []journey.Event {
	t.Helper()
	var events []journey.Event
	seq := make(map[bool]uint64)
	for line := range strings.Lines(input) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] == "#" {
			continue
		}
		require.GreaterOrEqual(t, len(fields), 5, line)
		e := sample(journey.EventName(fields[2]))
		e.ID, e.Origin = fields[0], journey.Origin(fields[1])
		e.Result, e.Impact, e.Reason = journey.Result(fields[3]), journey.Impact(fields[4]), ""
		centre := e.Origin == journey.OriginServer
		seq[centre]++
		e.Seq = seq[centre]
		for _, field := range fields[5:] {
			key, value, ok := strings.Cut(field, "=")
			require.True(t, ok, field)
			switch key {
			case "causes":
				e.Causes = strings.Split(value, ",")
			case "reason":
				e.Reason = journey.Reason(value)
			case "code":
				parts := strings.Split(value, "/")
				require.Len(t, parts, 3, field)
				e.Code = journey.CodeKey{Step: journey.Step(parts[0]), Kind: journey.Kind(parts[1]), Code: parts[2]}
			case "path":
				e.Path = value
			case "attempt":
				n, err := strconv.Atoi(value)
				require.NoError(t, err)
				e.Attempt = n
			case "provisional":
				e.Provisional = true
			default:
				if e.Detail == nil {
					e.Detail = make(map[string]string)
				}
				e.Detail[key] = value
			}
		}
		events = append(events, e)
	}
	return events
}

func render(x journey.Explanation) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s %s %s\n\n", x.Sentence, x.Status, x.Decision, x.Reason)
	for _, l := range x.Chain {
		fmt.Fprintf(&b, "%-8s %-7s %-4s %s/%s %s/%s: %s\n", l.Role, l.Link, l.Event, l.Origin, l.Name, l.Result, l.Impact, l.Text)
	}
	return b.String()
}
