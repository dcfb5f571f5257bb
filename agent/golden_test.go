package agent_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/agent"
	"vestibule/agent/visitor"
	"vestibule/journey"
	"vestibule/models"
	"vestibule/models/mrz"
)

var update = flag.Bool("update", false, "write the golden journeys anew")

// golden compares a journal with the one on file.
func golden(t *testing.T, name string, events []journey.Event) {
	t.Helper()
	path := filepath.Join("testdata", name+".journey")
	got := agent.Written(events)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
		return
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "run the test with -update to write it")
	assert.Equal(t, string(want), got)
}

func TestJourneysAreAsWritten(t *testing.T) {
	for name, c := range map[string]struct {
		person  visitor.Person
		arrange func(agent.Bench)
	}{
		"happy": {person: visitor.Person{}},
		"retry": {arrange: func(b agent.Bench) {
			b.Reads(func(n int) (models.Document, error) {
				if n == 1 {
					return models.Document{Width: 64, Height: 48, Hint: models.HintBlur, Outline: &models.Quad{}}, nil
				}
				return agent.GoodDocument(), nil
			})
		}},
		"exhausted": {arrange: func(b agent.Bench) {
			b.Reads(func(int) (models.Document, error) {
				d := agent.GoodDocument()
				d.MRZ.Number.Check = mrz.CheckWrong
				return d, nil
			})
		}},
		"card": {arrange: func(b agent.Bench) {
			b.Reads(func(n int) (models.Document, error) {
				if n == 1 {
					return agent.CardFront(), nil
				}
				return agent.CardBack(), nil
			})
		}},
		"stopped": {person: visitor.Person{StopAt: agent.StepReview}},
		"refused": {person: visitor.Person{Refuse: true}},
		"left":    {person: visitor.Person{LeaveAt: agent.StepReview}},
	} {
		t.Run(name, func(t *testing.T) {
			agent.Bubble(t, func(t *testing.T) {
				b := agent.NewBench(t)
				if c.arrange != nil {
					c.arrange(b)
				}
				report, err := visitor.Visit(t.Context(), b.Start(), c.person)
				require.NoError(t, err)
				require.NotEmpty(t, report.Session)
				events := b.Journal()
				b.Stop()
				golden(t, name, events)
				want := map[string]journey.SessionStatus{
					"happy": journey.StatusCompleted, "retry": journey.StatusCompleted, "card": journey.StatusCompleted, "exhausted": journey.StatusCompleted,
				}[name]
				if want == "" {
					want = journey.StatusDropped
				}
				assert.Equal(t, want, journey.Status(events, events[len(events)-1].Ended, 0))
			})
		})
	}
}

func TestAnErrorPageEndsTheSessionInError(t *testing.T) {
	agent.Bubble(t, func(t *testing.T) {
		b := agent.NewBench(t)
		b.Reads(func(int) (models.Document, error) { return models.Document{}, models.ErrWorker })
		report, err := visitor.Visit(t.Context(), b.Start(), visitor.Person{})
		require.NoError(t, err)
		require.NotNil(t, report.Problem)
		assert.Equal(t, agent.ProblemWorkerLost, report.Problem.Code)
		assert.Equal(t, journey.StatusError, journey.Status(b.Journal(), agent.Today, 0))
		b.Stop()
	})
}
