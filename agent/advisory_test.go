package agent_test

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/agent"
	"vestibule/agent/health"
	"vestibule/agent/scripted"
	"vestibule/journey"
	"vestibule/models"
	"vestibule/sync/advisory"
	"vestibule/sync/link"
	"vestibule/sync/wire"
)

// The keys of the scripted person, as the centre works them out.
const (
	herDocument = "UTO|passport|L898902C3"
	herData     = "ANNA ERIKSSON MARIA|1974-08-12|female|UTO"
)

// rolled is a centre's roll-out; the zero value is a project without one.
type rolled struct {
	mu      sync.Mutex
	issue   string
	entries []wire.PageEntry // numbered from 1
	asked   int
}

var rollSalt = bytes.Repeat([]byte{3}, advisory.SaltSize)

func (r *rolled) add(t *testing.T, document, data string) {
	t.Helper()
	h, err := advisory.New(rollSalt, 32)
	require.NoError(t, err)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.issue = "first"
	r.entries = append(r.entries, wire.PageEntry{Number: uint64(len(r.entries) + 1), Document: h.Document(document), Person: h.Person(data)})
}

// page answers with five entries at most, so that there are many pages.
func (r *rolled) page(_ context.Context, _ string, ask wire.PageAsk) (wire.Page, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked++
	if r.issue == "" {
		return wire.Page{}, nil
	}
	after, last := ask.After, uint64(len(r.entries))
	if ask.Issue != r.issue {
		after = 0
	}
	upto := min(after+5, last)
	return wire.Page{
		Project: "default", Issue: r.issue, Salt: rollSalt, Bits: 32, After: after, Upto: upto, Last: last,
		Entries: wire.PackEntries(after, r.entries[after:upto]),
	}, nil
}

func (r *rolled) serve(c *link.ReceiverConfig) { c.Page = r.page }

// said gives what the kiosk's two hints say of the last visit.
func said(t *testing.T, b agent.Bench) (document, person journey.Event) {
	t.Helper()
	events := b.Journal()
	document, person = agent.Find(t, events, journey.EventDuplicateSubmissionPeriodCheck), agent.Find(t, events, journey.EventPIIDuplicatePeriodCheck)
	for _, ev := range []journey.Event{document, person} {
		assert.True(t, ev.Provisional)
		assert.Equal(t, journey.OriginAgent, ev.Origin)
		assert.Equal(t, journey.ImpactNone, ev.Impact, "nobody experiences anything of it")
		for _, v := range ev.Detail {
			assert.NotContains(t, v, "L898902C3")
			assert.NotContains(t, v, "ERIKSSON")
		}
	}
	assert.Equal(t, 1, agent.Count(events, journey.EventStep2Completed), "the visit went on")
	return document, person
}

// comes brings a whole visit to its end.
func comes(t *testing.T, b agent.Bench) {
	t.Helper()
	b.To(agent.StepResult)
	require.NoError(t, b.Do(t.Context(), agent.Done{}))
	b.UntilStep(agent.StepAttract)
}

func online(s agent.State) bool { return s.Online && s.Step == agent.StepAttract }

// somebodyElse lets the next ones show another document, of another person.
func somebodyElse(b agent.Bench, who int) {
	c := scripted.Specimen()
	c.Number, c.FamilyName = fmt.Sprintf("N%07d", who), fmt.Sprintf("OTHER%c", 'A'+who%26)
	b.Reads(func(int) (models.Document, error) { return scripted.DocumentOf(c, agent.Today), nil })
}

func TestAKioskNotesWhoIsInTheRollOutAndTheVisitGoesOn(t *testing.T) {
	agent.Bubble(t, func(t *testing.T) {
		b := agent.NewBench(t)
		var r rolled
		for i := range 23 {
			r.add(t, fmt.Sprintf("UTO|passport|%d", i), fmt.Sprintf("SOMEBODY %d", i))
		}
		newCentre(t, b, r.serve)
		b.Start()
		b.Until("the line", online)
		time.Sleep(5 * time.Second)
		comes(t, b)
		document, person := said(t, b)
		assert.Equal(t, journey.Pass, document.Result)
		assert.Equal(t, journey.Pass, person.Result)
		assert.Equal(t, "0h", document.Detail["age"])

		// She is approved elsewhere: within a minute this kiosk knows.
		r.add(t, herDocument, "")
		time.Sleep(time.Minute)
		comes(t, b)
		document, person = said(t, b)
		assert.Equal(t, journey.Observed, document.Result)
		assert.Equal(t, "roll-out own", document.Detail["met"], "and she was here before")
		assert.Equal(t, "own", person.Detail["met"])
		b.Stop()
	})
}

func TestWithoutARollOutTheHintIsSkippedAndSaysWhy(t *testing.T) {
	agent.Bubble(t, func(t *testing.T) {
		b := agent.NewBench(t)
		var r rolled
		newCentre(t, b, r.serve)
		b.Start()
		b.Until("the line", online)
		time.Sleep(time.Minute)
		comes(t, b)
		document, person := said(t, b)
		for _, ev := range []journey.Event{document, person} {
			assert.Equal(t, journey.Skipped, ev.Result)
			assert.Equal(t, "no-roll-out", ev.Detail["why"])
			assert.Equal(t, "none", ev.Detail["age"])
		}
		b.Stop()
	})
}

func TestAMonthWithoutALineTheKioskStillNotesWhoComesTwice(t *testing.T) {
	agent.Bubble(t, func(t *testing.T) {
		b := agent.NewBench(t)
		var r rolled
		r.add(t, "UTO|passport|N0000007", "")
		c := newCentre(t, b, r.serve)
		b.Start()
		b.Until("the line", online)
		time.Sleep(time.Minute)
		c.net.Partition("k1", true)
		comes(t, b)
		document, person := said(t, b)
		assert.Equal(t, journey.Pass, document.Result)
		assert.Equal(t, journey.Pass, person.Result)

		sleeps(b, 27*24*time.Hour)
		comes(t, b)
		document, person = said(t, b)
		assert.Equal(t, journey.Observed, document.Result)
		assert.Equal(t, "own", document.Detail["met"], "from this kiosk's own memory")
		assert.Equal(t, "own", person.Detail["met"])
		assert.Equal(t, "648h", document.Detail["age"], "and how old the roll-out is")
		somebodyElse(b, 7)
		comes(t, b)
		document, person = said(t, b)
		assert.Equal(t, "roll-out", document.Detail["met"], "what was rolled out before the line went still counts")
		assert.Equal(t, journey.Pass, person.Result)

		s := b.UntilStep(agent.StepAttract)
		assert.NotContains(t, codes(s), health.Advice, "the line explains it")
		somebodyElse(b, 8)
		comes(t, b)
		sleeps(b, 40*24*time.Hour)
		comes(t, b)
		document, _ = said(t, b)
		assert.Equal(t, journey.Pass, document.Result, "after the policy's period it is forgotten")
		b.Stop()
	})
}

// sleeps lets time pass without anybody at the kiosk, which is switched off meanwhile: a month of heartbeats takes minutes.
func sleeps(b agent.Bench, d time.Duration) {
	b.Stop()
	time.Sleep(d)
	b.Start()
}

func codes(s agent.State) (out []health.Code) {
	for _, c := range s.Health {
		out = append(out, c.Code)
	}
	return out
}

func TestARollOutThatGrowsOldOnLineIsAConditionAndPasses(t *testing.T) {
	agent.Bubble(t, func(t *testing.T) {
		b := agent.NewBench(t)
		var r rolled
		r.add(t, "UTO|passport|1", "")
		var mu sync.Mutex
		silent := false
		newCentre(t, b, func(c *link.ReceiverConfig) {
			c.Page = func(ctx context.Context, kiosk string, ask wire.PageAsk) (wire.Page, error) {
				mu.Lock()
				defer mu.Unlock()
				if silent {
					return wire.Page{}, fmt.Errorf("out of order")
				}
				return r.page(ctx, kiosk, ask)
			}
		})
		b.Start()
		b.Until("the line", online)
		time.Sleep(2 * time.Minute)
		b.Until("health", func(s agent.State) bool { return len(s.Health) == 0 })
		mu.Lock()
		silent = true
		mu.Unlock()
		sleeps(b, 8*24*time.Hour)
		b.Until("the condition", func(s agent.State) bool {
			return len(s.Health) == 1 && s.Health[0].Code == health.Advice && s.Health[0].Severity == health.Notice
		})
		mu.Lock()
		silent = false
		mu.Unlock()
		time.Sleep(2 * time.Minute)
		b.Until("health again", func(s agent.State) bool { return len(s.Health) == 0 })
		b.Stop()
	})
}

func TestAPolicyThatWantsNoHintsAsksForNothingAndRemembersNothing(t *testing.T) {
	agent.Bubble(t, func(t *testing.T) {
		b := agent.NewBench(t)
		var r rolled
		r.add(t, herDocument, herData)
		newCentre(t, b, r.serve)
		b.Start()
		b.Until("the line", online)
		time.Sleep(time.Minute)
		comes(t, b)
		document, _ := said(t, b)
		require.Equal(t, journey.Observed, document.Result)
		b.Stop()

		b.Config().Policy.Duplicates.Local = journey.LocalOff
		b.Start()
		b.Until("the line", online)
		r.mu.Lock()
		asked := r.asked
		r.mu.Unlock()
		time.Sleep(time.Hour)
		comes(t, b)
		assert.Zero(t, agent.Count(b.Journal(), journey.EventDuplicateSubmissionPeriodCheck))
		assert.Zero(t, agent.Count(b.Journal(), journey.EventPIIDuplicatePeriodCheck))
		r.mu.Lock()
		assert.LessOrEqual(t, r.asked, asked+1, "nothing is asked for, but what was under way at the start")
		r.mu.Unlock()
		b.Stop()

		b.Config().Policy.Duplicates.Local = journey.LocalNote
		b.Config().Uplink = agent.Uplink{}
		b.Start()
		comes(t, b)
		document, person := said(t, b)
		assert.Equal(t, journey.Skipped, document.Result, "it was forgotten, the own visits too")
		assert.Equal(t, journey.Skipped, person.Result)
		b.Stop()
	})
}

func TestARejectedVisitIsNotHeldAgainstTheNext(t *testing.T) {
	agent.Bubble(t, func(t *testing.T) {
		b := agent.NewBench(t)
		var r rolled
		r.add(t, "UTO|passport|1", "")
		c := newCentre(t, b, r.serve)
		b.Start()
		b.Until("the line", online)
		time.Sleep(time.Minute)
		comes(t, b)
		b.Until("everything at the centre", func(s agent.State) bool { return s.Waiting == 0 })
		c.decide(t, journey.Rejected)
		time.Sleep(5 * time.Second)
		comes(t, b)
		document, person := said(t, b)
		assert.Equal(t, journey.Pass, document.Result)
		assert.Equal(t, journey.Pass, person.Result)
		b.Stop()
	})
}

// TestARollOutIsTakenFromTheKiosksOwnCentreInItsOwnSessionOnly sends what a broker that is not ours could send.
func TestARollOutIsTakenFromTheKiosksOwnCentreInItsOwnSessionOnly(t *testing.T) {
	agent.Bubble(t, func(t *testing.T) {
		b := agent.NewBench(t)
		var r rolled
		r.add(t, "UTO|passport|1", "")
		c := newCentre(t, b, r.serve)
		// Somebody who reads along at the broker.
		var mu sync.Mutex
		var heard []byte
		ear, err := c.net.Connect(t.Context(), link.Session{Client: "ear", Filters: []string{wire.RollTopic("k1")}, Receive: func(m link.Message) {
			mu.Lock()
			defer mu.Unlock()
			heard = m.Payload
		}})
		require.NoError(t, err)
		defer ear.Close()
		b.Start()
		b.Until("the line", online)
		time.Sleep(time.Minute)
		mu.Lock()
		old := heard
		mu.Unlock()
		require.NotEmpty(t, old)
		before, err := wire.DecodePage(old)
		require.NoError(t, err)

		h, err := advisory.New(rollSalt, 32)
		require.NoError(t, err)
		mean := func(change func(*wire.Page)) wire.Page {
			p := wire.Page{
				Version: 1, Project: "other", Issue: "mean", Salt: rollSalt, Bits: 32, Upto: 1, Last: 1,
				Entries: wire.PackEntries(0, []wire.PageEntry{{Number: 1, Document: h.Document(herDocument), Person: h.Person(herData)}}),
				Proof:   wire.Proof{For: "k1", Session: before.Session, Number: 1 << 60, Signed: c.now().UTC()},
			}
			change(&p)
			return p
		}
		sign := func(change func(*wire.Page)) []byte {
			b, err := c.signs.SignPage(mean(change))
			require.NoError(t, err)
			return b
		}
		unsigned, err := wire.EncodePage(mean(func(*wire.Page) {}))
		require.NoError(t, err)
		good := sign(func(p *wire.Page) { p.Number = 5 })
		altered := bytes.Clone(good)
		altered[len(altered)/2] ^= 1
		r.add(t, "UTO|passport|2", "")
		time.Sleep(time.Minute) // what was heard before is now an older one
		for name, frame := range map[string][]byte{
			"unsigned":                     unsigned,
			"altered":                      altered,
			"cut off":                      good[:len(good)-20],
			"another kiosk's":              sign(func(p *wire.Page) { p.For = "k2" }),
			"of another session":           sign(func(p *wire.Page) { p.Session = "another" }),
			"older than what came":         good,
			"one that was heard before":    old,
			"as large as no frame may be":  make([]byte, 100<<10),
			"nothing":                      {},
			"an acknowledgement's payload": {0xa1, 0x01, 0x01},
		} {
			broker, err := c.net.Connect(t.Context(), link.Session{Client: "mean"})
			require.NoError(t, err, name)
			require.NoError(t, broker.Publish(t.Context(), link.Message{Topic: wire.RollTopic("k1"), Payload: frame}), name)
			require.NoError(t, broker.Close())
			time.Sleep(2 * time.Second)
		}
		comes(t, b)
		document, person := said(t, b)
		assert.Equal(t, journey.Pass, document.Result)
		assert.Equal(t, journey.Pass, person.Result)

		// The same page, from the centre and in its place, is taken: so the refusals above are not for another reason.
		somebodyElse(b, 9)
		r.add(t, "UTO|passport|N0000009", "")
		time.Sleep(time.Minute)
		comes(t, b)
		document, _ = said(t, b)
		assert.Equal(t, "roll-out", document.Detail["met"])
		b.Stop()
	})
}
