package agent

import (
	"math"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"vestibule/journey"
	"vestibule/models"
	"vestibule/models/face/flash"
)

// skin is what stands before the scripted camera while the screen shows colours.
type skin struct {
	mu    sync.Mutex
	on    *Lights
	from  time.Time
	gives float64 // how much of the screen's light it gives back; 0: a photograph in a lit hall
	other bool    // another challenge's colours: a film of one
}

// light is what a camera sees of it.
func (s *skin) light(at time.Time) models.Light {
	s.mu.Lock()
	defer s.mu.Unlock()
	var screen [3]float64
	if s.on != nil {
		i := min(len(s.on.Colours)-1, max(0, int(at.Sub(s.from)/s.on.Dwell)))
		if s.other {
			i = (i*3 + 1) % len(s.on.Colours)
		}
		c := s.on.Colours[i]
		screen = [3]float64{flash.Linear(float64(c.R)), flash.Linear(float64(c.G)), flash.Linear(float64(c.B))}
	}
	var l models.Light
	seen := func(light float64) float64 { return 255 * math.Pow(light, 1/2.4) }
	for k, reflects := range [3]float64{.5, .36, .28} {
		l.Skin[k] = seen(reflects * (.4 + s.gives*screen[k]))
		l.Around[k] = seen(.3 * (.4 + .08*s.gives*screen[k]))
	}
	return l
}

func (b *bench) flashing(s *skin) {
	b.engine.face = func(int, time.Time) (models.Face, error) {
		f := goodFace()
		f.Light = s.light(time.Now())
		return f, nil
	}
}

func withLights(c *Config) { c.Policy.Liveness.Flash = true }

// toLights goes as far as the question.
func (b *bench) toLights() {
	b.start()
	b.to(StepReview)
	b.do(Confirm{})
	b.until("the question", func(s State) bool { return s.Lights != nil && s.Lights.Asking })
}

func (b *bench) lit(s *skin) {
	b.do(AnswerLights{Yes: true})
	on := b.until("the colours", func(s State) bool { return s.Lights != nil && !s.Lights.Asking })
	s.mu.Lock()
	s.on, s.from = on.Lights, time.Now()
	s.mu.Unlock()
	b.do(LightsShown{At: s.from})
}

func TestTheSkinThatReflectsTheScreenIsAPersons(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := newBench(t, withLights)
		s := &skin{gives: .5}
		b.flashing(s)
		b.toLights()
		b.lit(s)
		b.untilStep(StepResult)
		ev := find(t, b.journal(), journey.KioskFlashCheck)
		assert.Equal(t, journey.Pass, ev.Result, "%v", ev.Detail)
		assert.Greater(t, ev.Ended.Sub(ev.Started), 3*time.Second)
		subs := b.snapshots()
		var seen *journey.LivenessSignal
		for i, sig := range subs[len(subs)-1].Liveness.Signals {
			if sig.Name == "flash" {
				seen = &subs[len(subs)-1].Liveness.Signals[i]
			}
		}
		if assert.NotNil(t, seen) {
			assert.True(t, seen.Ran)
		}
		b.halt(nil)
	})
}

func TestWhatDoesNotReflectTheScreenIsNoPerson(t *testing.T) {
	for name, s := range map[string]*skin{
		"a photograph":                {gives: 0},
		"a film of another challenge": {gives: .5, other: true},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				b := newBench(t, withLights)
				b.flashing(s)
				b.toLights()
				b.lit(s)
				got := b.until("another try", func(s State) bool { return s.Step == StepSelfie && s.Attempt == 2 })
				assert.Equal(t, journey.Step2RetryLivenessFail, got.Retake)
				assert.Equal(t, journey.Fail, find(t, b.journal(), journey.KioskFlashCheck).Result)
				b.halt(nil)
			})
		})
	}
}

func TestWhoDoesNotWantFlashingLightGoesOnWithoutIt(t *testing.T) {
	for name, c := range map[string]struct {
		act func(*bench, *skin)
		why string
	}{
		"before it begins":        {func(b *bench, _ *skin) { b.do(AnswerLights{}) }, "declined"},
		"while it runs":           {func(b *bench, s *skin) { b.lit(s); time.Sleep(time.Second); b.do(AnswerLights{}) }, "declined"},
		"or says nothing":         {func(*bench, *skin) {}, "no-answer"},
		"or the screen is silent": {func(b *bench, _ *skin) { b.do(AnswerLights{Yes: true}) }, "screen-silent"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				b := newBench(t, withLights)
				s := &skin{gives: .5}
				b.flashing(s)
				b.toLights()
				c.act(b, s)
				b.untilStep(StepResult)
				ev := find(t, b.journal(), journey.KioskFlashCheck)
				assert.Equal(t, journey.Skipped, ev.Result)
				assert.Equal(t, c.why, ev.Detail["why"])
				subs := b.snapshots()
				for _, sig := range subs[len(subs)-1].Liveness.Signals {
					if sig.Name == "flash" {
						assert.False(t, sig.Ran, "it is no pass: the centre holds it")
					}
				}
				b.halt(nil)
			})
		})
	}
}

func TestWordsAboutColoursThatNobodyAskedForAreNotTaken(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := newBench(t, withLights)
		s := &skin{gives: .5}
		b.flashing(s)
		b.start()
		b.to(StepReview)
		assert.ErrorIs(t, b.a.Do(t.Context(), AnswerLights{Yes: true}), ErrNotNow)
		assert.ErrorIs(t, b.a.Do(t.Context(), LightsShown{At: time.Now()}), ErrNotNow)
		b.do(Confirm{})
		b.until("the question", func(s State) bool { return s.Lights != nil && s.Lights.Asking })
		assert.ErrorIs(t, b.a.Do(t.Context(), LightsShown{At: time.Now()}), ErrNotNow, "they are not on yet")
		b.do(AnswerLights{Yes: true})
		b.until("the colours", func(s State) bool { return s.Lights != nil && !s.Lights.Asking })
		assert.ErrorIs(t, b.a.Do(t.Context(), LightsShown{At: time.Now().Add(time.Hour)}), ErrNotNow, "in the future")
		assert.ErrorIs(t, b.a.Do(t.Context(), LightsShown{At: time.Now().Add(-time.Hour)}), ErrNotNow, "long ago")
		b.halt(nil)
	})
}
