package agent

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"vestibule/agent/store"
)

// A clock that is set while somebody is inside must not make records that the centre cannot take: they would end in
// its quarantine, and be missing in the journey.
func TestAClockThatIsSetDuringAVisitLeavesEveryEventSound(t *testing.T) {
	for name, by := range map[string]time.Duration{
		"half a year back": -180 * 24 * time.Hour, "half a year ahead": 180 * 24 * time.Hour, "a second back": -time.Second,
		"to 1970": -55 * 365 * 24 * time.Hour,
	} {
		for _, at := range []Step{StepConsent, StepDocument, StepReading, StepReview, StepSelfie, StepChecking} {
			t.Run(name+" at "+string(at), func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					b := newBench(t)
					b.start()
					b.to(at)
					synctest.Wait()
					b.offset.Add(int64(by))
					b.through()
					for _, ev := range b.journal() { // which holds every event against the contract's rules
						assert.False(t, ev.Ended.Round(0).Before(ev.Started.Round(0)), "%s", ev.Name)
					}
					b.halt(nil)
				})
			})
		}
	}
}

// through goes on as a willing person would, until the screen is empty again.
func (b *bench) through() {
	b.t.Helper()
	for {
		s := b.until("the next screen", func(s State) bool {
			switch s.Step {
			case StepReading, StepChecking, StepDocument, StepSelfie:
				return false
			}
			return true
		})
		switch s.Step {
		case StepConsent:
			b.do(Consent{Given: true})
		case StepReview:
			b.do(Confirm{})
		case StepResult, StepError:
			b.do(Done{})
		case StepAttract:
			return
		}
	}
}

// A kiosk's own clock often starts wrong and is set once there is a line. What is due by it must not wait until it has
// caught up: the screen would show somebody's result, and a closed kiosk stay closed, for as long.
func TestAClockThatIsSetBackKeepsNothingWaiting(t *testing.T) {
	const soon = 2 * time.Minute
	for name, by := range map[string]time.Duration{"half a year": -180 * 24 * time.Hour, "an hour": -time.Hour} {
		t.Run(name+", while a result is shown", func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				b := newBench(t)
				b.start()
				b.to(StepResult)
				synctest.Wait()
				began := time.Now()
				b.offset.Add(int64(by))
				b.untilStep(StepAttract)
				assert.Less(t, time.Since(began), soon)
				b.halt(nil)
			})
		})
		t.Run(name+", while somebody has walked away", func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				b := newBench(t)
				b.start()
				b.to(StepReview)
				synctest.Wait()
				began := time.Now()
				b.offset.Add(int64(by))
				b.untilStep(StepAttract)
				assert.Less(t, time.Since(began), 2*soon)
				b.halt(nil)
			})
		})
		t.Run(name+", while the kiosk is closed and its housekeeping waits", func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				b := newBench(t, func(c *Config) { c.Store = store.Options{MaxBytes: 1 << 20, Reserve: 256 << 10} })
				b.start()
				b.untilStep(StepAttract)
				b.fillUp()
				assert.Error(t, b.a.Do(t.Context(), Start{}))
				b.untilStep(StepClosed)
				b.offset.Add(int64(by))
				b.free()
				began := time.Now()
				b.untilStep(StepAttract)
				assert.Less(t, time.Since(began), soon)
				b.halt(nil)
			})
		})
	}
}
