package agent

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/agent/health"
)

func TestWhatIsWrongWithTheKioskIsShownAndGoesAway(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var celsius, room atomic.Int64
		celsius.Store(50)
		room.Store(1 << 30)
		ends := today.Add(90 * 24 * time.Hour)
		b := newBench(t, func(c *Config) {
			c.Temperature = func() (float64, bool) { return float64(celsius.Load()), true }
			c.Store.Room = func(string) (int64, bool) { return room.Load(), true }
			c.Expires = func() time.Time { return ends }
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
		time.Sleep(time.Until(ends.Add(-b.offset).Add(-6 * 24 * time.Hour)))
		s = b.until("the certificate", func(s State) bool { return len(s.Health) > 0 })
		assert.Equal(t, health.Certificate, s.Health[0].Code)
		b.halt(nil)
	})
}
