package agent

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/journey"
)

func TestWhatAScreenMayNote(t *testing.T) {
	t.Run("every name that the catalogue gives the screen, and no other", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			b := newBench(t)
			b.start()
			b.to(StepConsent)
			for _, e := range append(journey.Catalogue(), journey.Additions()...) {
				err := b.a.Observe(t.Context(), e.Name, "/consent", nil)
				if e.EmittedBy(journey.OriginKioskUI) {
					require.NoError(t, err, "%s", e.Name)
				} else {
					require.ErrorIs(t, err, ErrNotObservable, "%s", e.Name)
				}
			}
			require.ErrorIs(t, b.a.Observe(t.Context(), "SOMETHING", "/consent", nil), ErrNotObservable)
			events := b.journal()
			assert.Zero(t, count(events, journey.KioskConsentGiven), "what a command records is not noted twice")
			for _, ev := range events {
				if ev.Name == journey.EventStepView {
					assert.Equal(t, journey.OriginKioskUI, ev.Origin)
				}
			}
			b.halt(nil)
		})
	})
	t.Run("nothing while nobody is there", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			b := newBench(t)
			b.start()
			b.untilStep(StepAttract)
			require.ErrorIs(t, b.a.Observe(t.Context(), journey.EventStepView, "/", nil), ErrNotNow)
			b.halt(nil)
		})
	})
	t.Run("the final page once, however often it is drawn", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			b := newBench(t)
			b.start()
			b.to(StepResult)
			for range 3 {
				require.NoError(t, b.a.Observe(t.Context(), journey.EventFinalPageView, "/result", nil))
			}
			assert.Equal(t, 1, count(b.journal(), journey.EventFinalPageView))
			b.halt(nil)
		})
	})
	t.Run("only what is short and printable", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			b := newBench(t)
			b.start()
			b.to(StepConsent)
			many := map[string]string{}
			for i := range maxDetail + 1 {
				many[strings.Repeat("k", i+1)] = ""
			}
			for _, c := range []struct {
				path   string
				detail map[string]string
			}{
				{"consent", nil},
				{"/" + strings.Repeat("x", maxPath), nil},
				{"/consent", map[string]string{"k": strings.Repeat("v", maxDetailValue+1)}},
				{"/consent", map[string]string{strings.Repeat("k", maxDetailKey+1): ""}},
				{"/consent", map[string]string{"k": "two\nlines"}},
				{"/consent", many},
			} {
				require.ErrorIs(t, b.a.Observe(t.Context(), journey.EventStepView, c.path, c.detail), ErrNotObservable)
			}
			b.halt(nil)
		})
	})
	t.Run("and not without end", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			b := newBench(t)
			b.start()
			b.to(StepConsent)
			var err error
			for n := 0; err == nil && n <= maxObserved; n++ {
				err = b.a.Observe(t.Context(), journey.EventAPICall, "/consent", nil)
			}
			require.ErrorIs(t, err, ErrNotNow)
			b.do(Consent{Given: true})
			b.halt(nil)
		})
	})
}
