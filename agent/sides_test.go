package agent

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/models"
	"vestibule/models/mrz"
)

// cardFront is a picture of a card's front: a portrait and no zone.
func cardFront() models.Document {
	d := goodDocument()
	d.MRZ, d.Lines, d.Agreed, d.PixelsPerMM, d.Recognition = nil, nil, false, 0, 0
	d.Hint, d.Width, d.Height = models.HintNoMRZ, 1269, 800 // the outline has a card's proportions
	return d
}

// cardBack is one of its back: a zone and no portrait.
func cardBack() models.Document {
	c := specimen()
	c.Layout, c.Code = mrz.TD1, "I"
	d := documentOf(c)
	d.Portrait, d.PortraitFace, d.Upright = nil, nil, []byte("back of a document")
	return d
}

// shows makes the engine read one after the other, the last for ever.
func (b *bench) shows(sides ...func() models.Document) {
	b.engine.OnDocument = func(n int) (models.Document, error) { return sides[min(n, len(sides))-1](), nil }
}

func kinds(s journey.Submission) []journey.EvidenceKind {
	var out []journey.EvidenceKind
	for _, e := range s.Evidence {
		out = append(out, e.Kind)
	}
	return out
}

func TestACardIsReadFromBothSides(t *testing.T) {
	for name, c := range map[string]struct {
		sides     []func() models.Document
		path      string
		evidence  []journey.EvidenceKind
		processes []journey.CameraProcessType
	}{
		"front first": {
			[]func() models.Document{cardFront, cardBack},
			"/document/back",
			[]journey.EvidenceKind{journey.EvidenceFront, journey.EvidencePortrait, journey.EvidenceBack},
			[]journey.CameraProcessType{journey.FrontAutocapture, journey.BackAutocapture},
		},
		"back first": {
			[]func() models.Document{cardBack, cardFront},
			"/document/front",
			[]journey.EvidenceKind{journey.EvidenceBack, journey.EvidenceFront, journey.EvidencePortrait},
			[]journey.CameraProcessType{journey.FrontAutocapture, journey.FrontAutocapture},
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				b := newBench(t)
				b.shows(c.sides...)
				b.start()
				b.to(StepReading)
				s := b.until("the other side", func(s State) bool { return s.OtherSide })
				assert.Equal(t, c.path, s.Path)
				assert.Equal(t, 1, s.Attempt)
				assert.True(t, s.Retake.IsZero(), "nothing has failed")
				s = b.untilStep(StepReview)
				assert.Equal(t, 1, s.Attempt)
				assert.Equal(t, "ERIKSSON", s.Review.FamilyName)
				assert.Equal(t, 2, b.doc.Opens, "the camera is opened anew for the other side")
				b.do(Confirm{})
				b.untilStep(StepSelfie)
				b.settle()
				events := b.journal()
				assert.Equal(t, 2, count(events, journey.EventIDRecognition))
				assert.Equal(t, 1, count(events, journey.EventMRZValidation), "judged once, over both")
				assert.Equal(t, journey.Skipped, find(t, events, journey.KioskFrontBackCheck).Result)
				both := find(t, events, journey.EventIDRecognition)
				assert.Equal(t, journey.Pass, both.Result)
				assert.True(t, both.Ended.After(both.Started))
				subs := b.snapshots()
				last := subs[len(subs)-1]
				assert.Equal(t, c.evidence, kinds(last))
				require.Len(t, last.Camera, 2)
				for i, p := range last.Camera {
					assert.Equal(t, c.processes[i], p.Type)
				}
				require.Len(t, last.Attempts, 1)
				assert.Equal(t, 1, last.Attempts[0].Count)
				assert.Empty(t, last.Retries)
				assert.Equal(t, "TD1", last.Document.Layout)
				assert.InDelta(t, 96, last.Recognition, .01)
				b.halt(nil)
			})
		})
	}
}

func TestABackThatCannotBeReadIsAskedForAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := newBench(t)
		b.shows(cardFront, cardFront, cardBack)
		b.start()
		b.to(StepReading)
		s := b.until("a retry", func(s State) bool { return !s.Retake.IsZero() && s.Step == StepDocument })
		assert.Equal(t, journey.Step1RetryMRZProtocolFail, s.Retake)
		assert.Equal(t, "/document/back", s.Path, "the front is kept")
		assert.Equal(t, 2, s.Attempt)
		b.untilStep(StepReview)
		assert.Equal(t, 3, b.engine.Reads)
		b.halt(nil)
	})
	t.Run("until the tries are used up", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			b := newBench(t)
			b.shows(cardFront)
			b.start()
			b.to(StepReading)
			s := b.untilStep(StepResult)
			require.True(t, s.Outcome.Exhausted)
			assert.Equal(t, 4, b.engine.Reads, "one front and three backs")
			subs := b.snapshots()
			assert.Equal(t, journey.Step1RetryMRZProtocolFail, subs[len(subs)-1].FailedCode)
			b.halt(nil)
		})
	})
	t.Run("and another document begins anew", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			b := newBench(t)
			expired := func() models.Document {
				c := specimen()
				c.Layout, c.Code, c.Expiry = mrz.TD1, "I", "2020-01-01"
				d := documentOf(c)
				d.Portrait, d.PortraitFace = nil, nil
				return d
			}
			b.shows(cardFront, expired, goodDocument)
			b.start()
			b.to(StepReading)
			s := b.until("a retry", func(s State) bool { return !s.Retake.IsZero() && s.Step == StepDocument })
			assert.Equal(t, journey.Step1RetryExpiredID, s.Retake)
			assert.Equal(t, "/document/front", s.Path)
			assert.False(t, s.OtherSide)
			b.untilStep(StepReview)
			b.halt(nil)
		})
	})
}

func TestAPassportInsteadOfTheBackIsReadAlone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := newBench(t)
		b.shows(cardFront, goodDocument)
		b.start()
		b.to(StepReview)
		b.do(Confirm{})
		b.untilStep(StepSelfie)
		subs := b.snapshots()
		assert.Equal(t, "TD3", subs[0].Document.Layout)
		assert.NotContains(t, kinds(subs[0]), journey.EvidenceBack)
		b.halt(nil)
	})
}

func TestAPassportWithoutAZoneHasNoBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := newBench(t)
		b.shows(func() models.Document { d := cardFront(); d.Width, d.Height = 1136, 800; return d }, goodDocument)
		b.start()
		b.to(StepReading)
		s := b.until("a retry", func(s State) bool { return s.Attempt == 2 && s.Step == StepDocument })
		assert.Equal(t, journey.Step1RetryMRZProtocolFail, s.Retake)
		assert.Equal(t, "/document/front", s.Path)
		b.halt(nil)
	})
}

func TestThePersonMayGoBackToTheFront(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := newBench(t)
		b.shows(cardFront, cardFront, cardBack)
		b.start()
		b.to(StepReading)
		b.until("the back", func(s State) bool { return s.OtherSide })
		b.do(Back{})
		s := b.until("the front", func(s State) bool { return s.Step == StepDocument && !s.OtherSide })
		assert.Equal(t, "/document/front", s.Path)
		require.ErrorIs(t, b.a.Do(t.Context(), Back{}), ErrNotNow)
		b.until("the back again", func(s State) bool { return s.OtherSide })
		s = b.untilStep(StepReview)
		assert.Equal(t, 1, s.Attempt)
		b.halt(nil)
	})
}

func TestAPowerCutBetweenTheSidesBeginsTheDocumentAnew(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := newBench(t)
		b.shows(cardFront, cardFront, cardBack)
		b.start()
		b.to(StepReading)
		b.until("the back", func(s State) bool { return s.OtherSide })
		b.halt(errAbandoned)
		time.Sleep(time.Second)
		b.start()
		s := b.until("the question", func(s State) bool { return s.Asking })
		assert.Equal(t, "/document/front", s.Path)
		b.do(StillHere{})
		b.until("the back again", func(s State) bool { return s.OtherSide })
		b.untilStep(StepReview)
		b.halt(nil)
	})
}
