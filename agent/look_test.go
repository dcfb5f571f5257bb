package agent

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/agent/health"
)

func TestWhatIsWrongWithTheKioskIsShownAndGoesAway(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var celsius, room, ends atomic.Int64
		celsius.Store(50)
		room.Store(1 << 30)
		ends.Store(today.Add(90 * 24 * time.Hour).Unix())
		b := newBench(t, func(c *Config) {
			c.Temperature = func() (float64, bool) { return float64(celsius.Load()), true }
			c.Store.Room = func(string) (int64, bool) { return room.Load(), true }
			c.Expires = func() time.Time { return time.Unix(ends.Load(), 0) }
		})
		b.start()
		b.untilStep(StepAttract)
		time.Sleep(10 * time.Minute)
		require.Empty(t, b.a.states.get().Health)
		celsius.Store(84)
		s := b.until("the heat", func(s State) bool { return len(s.Health) > 0 })
		assert.Equal(t, health.Finding{Code: health.Temperature, Severity: health.Warning, Detail: "84"}, s.Health[0].Finding)
		assert.Equal(t, StepAttract, s.Step, "people are let in")
		room.Store(0)
		s = b.until("the full disk", func(s State) bool { return s.Step == StepClosed && len(s.Health) == 3 })
		assert.Equal(t, health.Closed, s.Health[0].Code)
		assert.Equal(t, ProblemStoreFull, s.Health[0].Detail)
		assert.Equal(t, health.Disk, s.Health[1].Code)
		assert.Equal(t, health.Temperature, s.Health[2].Code)
		celsius.Store(50)
		room.Store(1 << 30)
		b.until("all is well", func(s State) bool { return s.Step == StepAttract && len(s.Health) == 0 })
		ends.Store(b.cfg.Now().Add(2 * 24 * time.Hour).Unix())
		b.until("the certificate's end", func(s State) bool {
			return len(s.Health) == 1 && s.Health[0].Finding == health.Finding{Code: health.Certificate, Severity: health.Warning, Detail: "47h"}
		})
		b.halt(nil)
	})
}

func TestARenewalThatFailsIsToldBeforeTheCertificateRunsOut(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var spent, failed, ends atomic.Value
		spent.Store(.7)
		failed.Store("")
		ends.Store(today.Add(27 * 24 * time.Hour))
		b := newBench(t, func(c *Config) {
			c.Expires = func() time.Time { return ends.Load().(time.Time) }
			c.Renewal = func() (float64, string) { return spent.Load().(float64), failed.Load().(string) }
		})
		b.start()
		b.untilStep(StepAttract)
		time.Sleep(10 * time.Minute)
		require.Empty(t, b.a.states.get().Health, "it is due, and nothing has failed")
		told := func(what string, want health.Finding) {
			b.until(what, func(s State) bool { return len(s.Health) == 1 && s.Health[0].Finding == want })
		}
		failed.Store("enrolment_unreachable")
		told("the failure", health.Finding{Code: health.Certificate, Severity: health.Notice, Detail: "enrolment_unreachable"})
		spent.Store(.8)
		ends.Store(b.cfg.Now().Add(18*24*time.Hour + time.Minute))
		b.until("four fifths of its life", func(s State) bool {
			return len(s.Health) == 1 && s.Health[0].Severity == health.Warning && strings.HasSuffix(s.Health[0].Detail, "h enrolment_unreachable")
		})
		failed.Store("")
		spent.Store(.1)
		b.until("renewed", func(s State) bool { return len(s.Health) == 0 })
		b.halt(nil)
	})
}
