package agent

import (
	"errors"
	"io"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"vestibule/journey"
	"vestibule/models"
	"vestibule/models/face"
	"vestibule/models/face/flash"
)

// skin is what stands before the scripted camera while the screen shows colours.
type skin struct {
	mu    sync.Mutex
	on    *Lights
	from  time.Time
	gives float64 // how much of the screen's light it gives back; 0: there is too much light in the hall
	other bool    // another challenge's colours: a film of one
	// during changes what is seen in a colour, counted from 0; nil: nothing is changed.
	during func(colour int, f *models.Face)
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
	b.engine.OnFace = func(int, time.Time) (models.Face, error) {
		f := goodFace()
		now := time.Now()
		f.Light = s.light(now)
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.on != nil && s.during != nil {
			s.during(int(now.Sub(s.from)/s.on.Dwell), &f)
		}
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

func TestOtherColoursThanTheScreensAreNoPersons(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := newBench(t, withLights)
		s := &skin{gives: .5, other: true}
		b.flashing(s)
		b.toLights()
		b.lit(s)
		got := b.until("another try", func(s State) bool { return s.Step == StepSelfie && s.Attempt == 2 })
		assert.Equal(t, journey.Step2RetryLivenessFail, got.Retake)
		assert.Equal(t, journey.Fail, find(t, b.journal(), journey.KioskFlashCheck).Result)
		b.halt(nil)
	})
}

func TestColoursThatCannotBeJudgedHoldAndDoNotFail(t *testing.T) {
	turned := func(colour int, f *models.Face) {
		if colour%3 == 1 {
			f.Yaw, f.Template = 40, template(9, 1)
		}
	}
	for name, c := range map[string]struct {
		skin *skin
		why  string
	}{
		"a hall too bright for the screen": {&skin{}, flash.WhyNoReflection},
		"a face hidden while a colour is on": {&skin{gives: .5, during: func(colour int, f *models.Face) {
			if colour == 2 {
				*f = models.Face{Width: f.Width, Height: f.Height, Hint: models.HintNoFace}
			}
		}}, face.WhyTooFewFrames},
		"another face, turned, in some colours": {&skin{gives: .5, during: turned}, face.WhyTooFewFrames},
		"a second face beside it":               {&skin{gives: .5, during: func(_ int, f *models.Face) { f.Faces = 2 }}, face.WhyTooFewFrames},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				b := newBench(t, withLights)
				b.flashing(c.skin)
				b.toLights()
				b.lit(c.skin)
				b.untilStep(StepResult)
				ev := find(t, b.journal(), journey.KioskFlashCheck)
				assert.Equal(t, journey.Skipped, ev.Result)
				assert.Equal(t, c.why, ev.Detail["why"])
				b.halt(nil)
			})
		})
	}
}

func TestAnotherFaceWhileTheColoursAreOnIsATry(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := newBench(t, withLights)
		s := &skin{gives: .5, during: func(_ int, f *models.Face) { f.Template = template(9, 1) }}
		b.flashing(s)
		b.toLights()
		b.lit(s)
		got := b.until("another try", func(s State) bool { return s.Step == StepSelfie && s.Attempt == 2 })
		assert.Equal(t, journey.Step2RetryFaceDetectError, got.Retake)
		b.halt(nil)
	})
}

func TestWhoDoesNotWantFlashingLightIsNotAskedAgainInAnotherTry(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := newBench(t, withLights)
		s := &skin{gives: .5}
		b.engine.OnFace = func(int, time.Time) (models.Face, error) { // somebody else than in the document
			f := goodFace()
			f.Template = template(9, 1)
			return f, nil
		}
		b.toLights()
		b.do(AnswerLights{})
		b.until("another try", func(s State) bool { return s.Step == StepSelfie && s.Attempt == 2 })
		b.flashing(s)
		asked := false
		b.until("the result", func(s State) bool {
			asked = asked || s.Lights != nil
			return s.Step == StepResult
		})
		assert.False(t, asked)
		var whys []string
		for _, ev := range b.journal() {
			if ev.Name == journey.KioskFlashCheck {
				whys = append(whys, ev.Detail["why"])
			}
		}
		assert.Equal(t, []string{"declined", "declined"}, whys)
		b.halt(nil)
	})
}

func TestColoursThatCouldBeForeseenAreNotShown(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var source exhausted
		b := newBench(t, withLights, func(c *Config) { source.Reader, c.Rand = c.Rand, &source })
		b.start()
		b.to(StepReview)
		source.gone.Store(true)
		b.do(Confirm{})
		b.untilStep(StepResult)
		ev := find(t, b.journal(), journey.KioskFlashCheck)
		assert.Equal(t, journey.Skipped, ev.Result)
		assert.Equal(t, face.WhyDidNotRun, ev.Detail["why"])
		b.halt(nil)
	})
}

// exhausted is the system's randomness, which fails some day.
type exhausted struct {
	io.Reader
	gone atomic.Bool
}

func (e *exhausted) Read(p []byte) (int, error) {
	if e.gone.Load() {
		return 0, errors.New("no entropy")
	}
	return e.Reader.Read(p)
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
