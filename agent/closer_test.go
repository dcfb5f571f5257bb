package agent

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/models"
)

// pageOf is a passport's print as it is read: captions, and under each what it says.
func pageOf(surname, given, number, birth string) *models.Text {
	t := models.Text{Width: 1200, Height: 840}
	y := .12
	add := func(caption, value string) {
		for i, text := range []string{caption, value} {
			top := y + float64(i)*.05
			t.Lines = append(t.Lines, models.Line{Text: text, Score: 99.5, At: models.Quad{
				{X: .36, Y: top}, {X: .36 + .02*float64(len(text)), Y: top}, {X: .36 + .02*float64(len(text)), Y: top + .035}, {X: .36, Y: top + .035},
			}})
		}
		y += .15
	}
	add("Surname", surname)
	add("Given names", given)
	add("Passport No.", number)
	add("Date of birth", birth)
	return &t
}

// prints lets the engine read that print.
func (b *bench) prints(t *models.Text) {
	b.engine.OnExamine = func(l models.Looks) (models.Examination, error) {
		if l.Text {
			return models.Examination{Text: t}, nil
		}
		return models.Examination{}, nil
	}
}

func TestPrintThatTellsWhatTheZoneTellsIsAPass(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := newBench(t)
		b.prints(pageOf("ERIKSSON", "ANNA MARIA", "L898902C3", "12 AUG 1974"))
		b.start()
		b.to(StepReview)
		time.Sleep(2 * time.Second)
		b.do(Confirm{})
		b.untilStep(StepSelfie)
		events := b.journal()
		ev := find(t, events, journey.EventIDRecognition)
		assert.Equal(t, journey.Pass, ev.Result)
		assert.Equal(t, "birthDate firstName lastName number", ev.Detail["agree"])
		assert.Equal(t, time.Second, ev.Ended.Sub(ev.Started).Round(100*time.Millisecond), "the event says when the print was read")
		var items []string
		subs := b.snapshots()
		for _, f := range subs[len(subs)-1].OCR {
			items = append(items, f.Item)
		}
		assert.NotContains(t, items[:len(items)-1], items[len(items)-1], "nothing stands in OCR_raw twice")
		b.halt(nil)
	})
}

func TestPrintThatWasChangedIsNotTaken(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := newBench(t)
		b.prints(pageOf("ERIKSSON", "ANNA MARIA", "L898902C3", "12 AUG 1991"))
		b.start()
		b.to(StepReview)
		time.Sleep(2 * time.Second)
		b.do(Confirm{})
		s := b.until("a retry", func(s State) bool { return !s.Retake.IsZero() && s.Step == StepDocument })
		assert.Equal(t, journey.Step1RetryTextForgery, s.Retake)
		assert.Equal(t, 2, s.Attempt)
		ev := find(t, b.journal(), journey.EventIDRecognition)
		assert.Equal(t, journey.Fail, ev.Result)
		assert.Equal(t, "birthDate", ev.Detail["differ"])
		b.halt(nil)
	})
}

func TestWhoeverIsQuickerThanTheReaderWaitsForIt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := newBench(t)
		b.prints(pageOf("ERIKSSON", "ANNA MARIA", "L898902C3", "12 AUG 1974"))
		b.start()
		b.to(StepReview)
		pressed := time.Now().Add(time.Duration(b.offset.Load()))
		b.do(Confirm{})
		s := b.untilStep(StepReading)
		assert.Nil(t, s.Review, "the data are off the screen")
		require.ErrorIs(t, b.a.Do(t.Context(), Confirm{}), ErrNotNow)
		b.untilStep(StepSelfie)
		events := b.journal()
		assert.Equal(t, journey.Pass, find(t, events, journey.EventIDRecognition).Result)
		assert.WithinDuration(t, pressed, find(t, events, journey.KioskDataConfirmed).Started, 100*time.Millisecond, "the person confirmed when they did")
		b.halt(nil)
	})
}

func TestAReaderThatFailsOrHangsStopsNobody(t *testing.T) {
	for name, hang := range map[string]bool{"fails": false, "hangs": true} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				b := newBench(t)
				b.engine.OnExamine = func(l models.Looks) (models.Examination, error) {
					return models.Examination{}, models.ErrWorker
				}
				b.engine.Stuck = hang
				b.start()
				b.to(StepReview)
				began := time.Now()
				b.do(Confirm{})
				b.untilStep(StepSelfie)
				assert.Less(t, time.Since(began), 10*time.Second)
				events := b.journal()
				assert.Equal(t, "print-not-looked-at", find(t, events, journey.KioskDataConfirmed).Detail["print"])
				assert.Equal(t, 1, count(events, journey.EventIDRecognition), "not looked at is no pass")
				b.halt(nil)
			})
		})
	}
}

func TestAPolicyWithoutCloserLooksAsksForNone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := newBench(t, func(c *Config) { c.Policy.Document = journey.DocumentPolicy{} })
		b.engine.OnExamine = func(models.Looks) (models.Examination, error) {
			assert.Fail(t, "the engine was asked")
			return models.Examination{}, nil
		}
		b.start()
		b.to(StepReview)
		b.do(Confirm{})
		b.untilStep(StepSelfie)
		assert.Equal(t, "not-in-policy", find(t, b.journal(), journey.EventIDLivenessVerification).Detail["why"])
		b.halt(nil)
	})
}

func TestAPersonWhoThrowsAReadingAwayDoesNotWaitForItsPrint(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := newBench(t)
		ended := make(chan struct{}, 8)
		b.engine.Left = func(ctx context.Context) {
			<-ctx.Done()
			ended <- struct{}{}
		}
		b.start()
		b.to(StepReview)
		b.do(Retake{})
		b.untilStep(StepDocument)
		<-ended
		b.halt(nil)
	})
}

func TestADocumentOnAScreenIsRefusedWhenItIsConfirmed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := newBench(t)
		b.engine.OnExamine = func(l models.Looks) (models.Examination, error) {
			if l.Genuineness {
				return models.Examination{Genuineness: &models.Genuineness{ScreenReplay: 12, PaperPrinted: 90, ReplacePortrait: 90}}, nil
			}
			return models.Examination{}, nil
		}
		b.start()
		b.to(StepReview)
		assert.Empty(t, count(b.journal(), journey.EventIDLivenessVerification), "nobody waits for it before the data are shown")
		b.do(Confirm{}) // at once: quicker than the look
		s := b.untilStep(StepDocument)
		assert.Equal(t, journey.Step1RetryIDLivenessFail, s.Retake)
		ev := find(t, b.journal(), journey.EventIDLivenessVerification)
		assert.Equal(t, journey.Fail, ev.Result)
		assert.Equal(t, "screen replay", ev.Detail["pipelines"])
		assert.True(t, ev.Ended.After(ev.Started))
		assert.Zero(t, count(b.journal(), journey.EventStep1Completed))
		b.halt(nil)
	})
}

func TestBothSidesOfACardAreLookedAt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := newBench(t)
		b.shows(cardFront, cardBack)
		n := 0
		b.engine.OnExamine = func(l models.Looks) (models.Examination, error) {
			if !l.Genuineness {
				return models.Examination{}, nil
			}
			n++
			return models.Examination{Genuineness: &models.Genuineness{ScreenReplay: 90, PaperPrinted: float64(50 + 10*n), ReplacePortrait: 90}}, nil
		}
		b.start()
		b.to(StepReading)
		b.until("the other side", func(s State) bool { return s.OtherSide })
		b.untilStep(StepReview)
		time.Sleep(3 * time.Second)
		b.do(Confirm{})
		b.untilStep(StepSelfie)
		assert.Equal(t, 2, n)
		assert.Equal(t, "60.0", find(t, b.journal(), journey.EventIDLivenessVerification).Detail["paperPrinted"], "the weaker side counts")
		b.halt(nil)
	})
}

func TestHowOldFacesLookGoesIntoTheSubmission(t *testing.T) {
	for name, asked := range map[string]bool{"of the selfie": false, "of the portrait, too, where policy asks": true} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				limit := 18.0
				b := newBench(t, func(c *Config) {
					if asked {
						c.Policy.FaceAge.Conditions = []journey.AgeCondition{{Target: "low", Operator: "gte", Selfie: true, Document: true, Custom: &limit}}
					}
				})
				b.engine.OnExamine = func(l models.Looks) (models.Examination, error) {
					if l.Age {
						return models.Examination{Age: &models.Age{Low: 21, Median: 27, High: 35}}, nil
					}
					return models.Examination{}, nil
				}
				b.start()
				b.to(StepReview)
				time.Sleep(3 * time.Second)
				b.do(Confirm{})
				b.untilStep(StepResult)
				subs := b.snapshots()
				want := journey.FaceAge{Selfie: &journey.AgeRange{Low: 21, Median: 27, High: 35}}
				if asked {
					want.Document = want.Selfie
				}
				assert.Equal(t, []journey.FaceAge{want}, subs[len(subs)-1].FaceAges)
				b.halt(nil)
			})
		})
	}
}

func TestAPersonalNumberOfSomebodyElseIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := newBench(t)
		d := goodDocument()
		d.MRZ.Issuer.Value, d.MRZ.Optional.Value = "BGR", "8032056031" // a woman born in 1880
		b.shows(func() models.Document { return d })
		b.start()
		b.to(StepReview)
		time.Sleep(3 * time.Second)
		b.do(Confirm{})
		s := b.untilStep(StepDocument)
		assert.Equal(t, journey.Step2RetryIdentityVerificationFail, s.Retake)
		ev := find(t, b.journal(), journey.KioskPersonalNumberCheck)
		assert.Equal(t, "BGR-EGN", ev.Detail["kind"])
		assert.NotContains(t, fmt.Sprint(ev), "8032056031")
		b.halt(nil)
	})
}
