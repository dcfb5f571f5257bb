package agent

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"vestibule/journey"
	"vestibule/models"
)

func TestADocumentIsTiltedWherePolicyAsksForIt(t *testing.T) {
	for name, tilts := range map[string]bool{"who tilts it": true, "who does not is not kept waiting": false} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				b := newBench(t, func(c *Config) { c.Policy.Document.Tilt = true })
				flat := b.engine.OnGlance
				asked := false
				b.engine.OnGlance = func(n int, aim models.Aim) (models.Glance, error) {
					g, err := flat(n, aim)
					if asked && tilts && aim == models.AimDocument {
						g.Outline = &models.Quad{{X: .15, Y: .1}, {X: .85, Y: .1}, {X: .9, Y: .9}, {X: .1, Y: .9}}
					}
					return g, err
				}
				b.engine.OnExamine = func(l models.Looks) (models.Examination, error) {
					if !l.Genuineness {
						return models.Examination{}, nil
					}
					g := &models.Genuineness{ScreenReplay: 90, PaperPrinted: 90, ReplacePortrait: 90}
					if tilts {
						g.Cues = []models.Cue{{Name: models.CueTilt, Measured: 3.5, Score: 100}}
					}
					return models.Examination{Genuineness: g}, nil
				}
				b.start()
				b.to(StepDocument)
				b.until("the request", func(s State) bool { return s.Hint == models.HintTilt })
				b.engine.Mu.Lock()
				asked = true
				b.engine.Mu.Unlock()
				began := time.Now()
				b.untilStep(StepReview)
				if took := time.Since(began); tilts {
					assert.Less(t, took, 3*time.Second)
				} else {
					assert.Less(t, took, 9*time.Second)
				}
				time.Sleep(3 * time.Second)
				b.do(Confirm{})
				b.untilStep(StepSelfie)
				want := "not-shown"
				if tilts {
					want = "3.5"
				}
				ev := find(t, b.journal(), journey.EventIDLivenessVerification)
				assert.Equal(t, want, ev.Detail["tilt"])
				assert.Equal(t, journey.Pass, ev.Result, "it informs, and decides nothing")
				b.halt(nil)
			})
		})
	}
}
