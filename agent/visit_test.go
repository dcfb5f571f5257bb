package agent

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/agent/store"
	"vestibule/hardware/camera"
	"vestibule/journey"
	"vestibule/models"
	"vestibule/models/mrz"
	"vestibule/sync/seal"
	"vestibule/sync/wire"
)

// snapshots opens the sealed submissions of a kiosk as the centre would.
func (b *bench) snapshots() []journey.Submission {
	b.t.Helper()
	var out []journey.Submission
	b.withStore(func(s *store.Store) {
		blobs, err := s.Outbox().Blobs(context.Background(), 1000)
		require.NoError(b.t, err)
		waiting := map[string]bool{}
		for _, x := range blobs {
			waiting[x.ID] = true
		}
		for _, r := range queue(b.t, s) {
			if r.Kind != wire.KindSubmission {
				continue
			}
			body, err := wire.DecodeSubmission(r.Body)
			require.NoError(b.t, err)
			plain, err := b.ring.Open(body.Sealed, seal.InfoSubmission, seal.SubmissionAAD("k1", body.Submission, body.Revision))
			require.NoError(b.t, err)
			var sub journey.Submission
			require.NoError(b.t, wire.Unmarshal(plain, &sub))
			require.Equal(b.t, body.Revision, sub.Revision)
			for _, e := range sub.Evidence {
				require.True(b.t, waiting[e.Blob], "every picture of the manifest is in the queue")
				require.Contains(b.t, body.Blobs, e.Blob)
			}
			out = append(out, sub)
		}
	})
	return out
}

func TestVisitEndsWithAReceipt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := newBench(t)
		b.start()
		s := b.to(StepResult)
		require.NotNil(t, s.Outcome)
		assert.Regexp(t, `^[0-9A-Z]{4}-[0-9A-Z]{4}$`, s.Outcome.Reference)
		assert.Equal(t, "VESTIBULE:"+s.Outcome.Reference, s.Outcome.QR)
		assert.False(t, s.Outcome.Decided)
		assert.Equal(t, 1, s.Waiting)
		b.do(Done{})
		b.untilStep(StepAttract)
		subs := b.snapshots()
		require.Len(t, subs, 2)
		open, final := subs[0], subs[1]
		assert.Equal(t, journey.SubmissionOpen, open.State)
		assert.Equal(t, journey.SubmissionComplete, final.State)
		assert.Equal(t, open.ID, final.ID)
		assert.Equal(t, []int{1, 2}, []int{open.Revision, final.Revision})
		assert.Equal(t, s.Outcome.Reference, journey.Reference(final.ID))
		assert.Equal(t, "ERIKSSON", final.Document.Person.FamilyName)
		require.NotNil(t, final.Review)
		assert.False(t, final.Review.Corrected)
		assert.Greater(t, final.Similarity, 85.0)
		assert.InDelta(t, 97, final.Liveness.Score, .01)
		require.NotNil(t, final.Face)
		assert.Len(t, final.Face.Vector, 512)
		var kinds []journey.EvidenceKind
		for _, e := range final.Evidence {
			kinds = append(kinds, e.Kind)
		}
		assert.Equal(t, []journey.EvidenceKind{journey.EvidenceFront, journey.EvidencePortrait, journey.EvidenceSelfie}, kinds)
		assert.Equal(t, []journey.CameraProcessType{journey.FrontAutocapture, journey.FacePassive},
			[]journey.CameraProcessType{final.Camera[0].Type, final.Camera[1].Type})
		assert.Len(t, final.Attempts, 2)
		assert.Len(t, final.OCR, 10, "nine fields of the zone and how the picture lay")
		b.halt(nil)
	})
}

// readings are documents that the checks send back, and what is said about them.
func readings() map[string]struct {
	doc  func() (models.Document, error)
	code journey.CodeKey
} {
	type reading = struct {
		doc  func() (models.Document, error)
		code journey.CodeKey
	}
	with := func(change func(*models.Document)) func() (models.Document, error) {
		return func() (models.Document, error) {
			d := goodDocument()
			change(&d)
			return d, nil
		}
	}
	zone := func(change func(*mrz.Content)) func() (models.Document, error) {
		return func() (models.Document, error) {
			c := specimen()
			change(&c)
			return documentOf(c), nil
		}
	}
	none := func(h models.HintCode) func() (models.Document, error) {
		return func() (models.Document, error) {
			return models.Document{Width: 64, Height: 48, Hint: h, Outline: &models.Quad{}}, nil
		}
	}
	return map[string]reading{
		"a picture of nothing":            {none(models.HintNoDocument), journey.Step1ErrorNotAnID},
		"a document without a zone":       {none(models.HintNoMRZ), journey.Step1RetryMRZProtocolFail},
		"a blurred picture":               {none(models.HintBlur), journey.Step1RetryImageTooBlurry},
		"light on the lines":              {none(models.HintGlare), journey.Step1RetryGlareDetected},
		"a steep angle":                   {none(models.HintAngle), journey.Step1RetryPhysicalDocumentMissing},
		"darkness":                        {none(models.HintDark), journey.Step1ErrorInvalidIDImage},
		"a frame that is no picture":      {func() (models.Document, error) { return models.Document{}, models.ErrFrame }, journey.Step1ErrorIDImageError},
		"one wrong check digit":           {func() (models.Document, error) { return documentFrom(wrongDigit()), nil }, journey.Step1RetryCheckDigitFailed},
		"readers that disagree":           {with(func(d *models.Document) { d.Agreed = false }), journey.Step1RetryMRZProtocolFail},
		"an expired document":             {zone(func(c *mrz.Content) { c.Expiry = "2026-03-01" }), journey.Step1RetryExpiredID},
		"a document without an expiry":    {zone(func(c *mrz.Content) { c.Expiry = "" }), journey.Step1RetryMissingExpiryDate},
		"a document without a birth date": {zone(func(c *mrz.Content) { c.Birth = "" }), journey.Step1RetryMissingBirthDate},
		"a portrait too small to compare": {with(func(d *models.Document) { d.PortraitFace.Eyes = 24 }), journey.Step1RetryImageTooBlurry},
		"a document without a portrait":   {with(func(d *models.Document) { d.Portrait, d.PortraitFace = nil, nil }), journey.Step1ErrorInvalidIDImage},
		"an uncertain recognition":        {with(func(d *models.Document) { d.Recognition = 40 }), journey.Step1RetryImageTooBlurry},
		"a copy in black and white":       {with(func(d *models.Document) { d.Quality.Colour = 2 }), journey.Step1RetryBlackWhiteDocument},
		"a visa, which is no id":          {zone(func(c *mrz.Content) { c.Layout, c.Code = mrz.MRVA, "V" }), journey.Step1ErrorInvalidIDType},
	}
}

// wrongDigit is the specimen with one character of its number changed.
func wrongDigit() []string {
	lines, err := mrz.Write(specimen())
	if err != nil {
		panic(err)
	}
	lines[1] = "L898902C4" + lines[1][9:]
	return lines
}

func TestARejectedReadingIsAskedForAgain(t *testing.T) {
	for name, c := range readings() {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				b := newBench(t)
				b.engine.OnDocument = func(n int) (models.Document, error) {
					if n == 1 {
						return c.doc()
					}
					return goodDocument(), nil
				}
				b.start()
				b.to(StepReading)
				s := b.untilStep(StepDocument)
				assert.Equal(t, c.code, s.Retake)
				assert.Equal(t, 2, s.Attempt)
				s = b.untilStep(StepReview)
				assert.True(t, s.Retake.IsZero(), "a good reading takes the complaint away")
				b.do(Confirm{})
				b.untilStep(StepResult)
				var told []journey.Event
				events := b.journal()
				for _, ev := range events {
					if ev.Code == c.code {
						told = append(told, ev)
					}
				}
				require.NotEmpty(t, told)
				assert.Equal(t, journey.ImpactRetake, told[0].Impact)
				assert.Equal(t, 1, told[0].Attempt)
				assert.True(t, told[0].Provisional)
				final := b.snapshots()[1]
				assert.Equal(t, []journey.RetryEntry{{Step: journey.Step1, Count: 1, Code: c.code}}, final.Retries)
				b.halt(nil)
			})
		})
	}
}

func TestAWrongCheckDigitIsNeverAccepted(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := newBench(t)
		b.engine.OnDocument = func(int) (models.Document, error) { return documentFrom(wrongDigit()), nil }
		b.start()
		b.to(StepReading)
		s := b.untilStep(StepResult)
		assert.True(t, s.Outcome.Exhausted)
		events := b.journal()
		assert.Zero(t, count(events, journey.EventStep1Completed))
		assert.Equal(t, 1, count(events, journey.EventSubmissionCreated), "the centre hears of it")
		assert.Equal(t, 3, b.engine.Reads)
		gone := find(t, events, journey.KioskRetryExhausted)
		assert.True(t, gone.Provisional)
		assert.Equal(t, journey.ReasonRetryExhausted, gone.Reason)
		subs := b.snapshots()
		require.Len(t, subs, 1)
		assert.Equal(t, journey.SubmissionExhausted, subs[0].State)
		assert.Equal(t, journey.Step1, subs[0].FailedStep)
		assert.Equal(t, journey.Step1RetryCheckDigitFailed, subs[0].FailedCode)
		assert.Len(t, subs[0].Attempts, 3)
		assert.Len(t, subs[0].Evidence, 6, "the pictures of every try")
		b.halt(nil)
	})
}

func TestARejectedSelfieIsAskedForAgain(t *testing.T) {
	with := func(change func(*models.Face)) models.Face {
		f := goodFace()
		change(&f)
		return f
	}
	for name, c := range map[string]struct {
		face    models.Face
		code    journey.CodeKey
		variant string
	}{
		"no face":                   {models.Face{Width: 64, Height: 48, Hint: models.HintNoFace}, journey.Step2RetryNoFace, ""},
		"another person":            {with(func(f *models.Face) { f.Template = template(2, .9) }), journey.Step2RetryFaceCompareUnderscore, ""},
		"a copy of a face":          {with(func(f *models.Face) { f.Live = .3 }), journey.Step2RetryLivenessFail, ""},
		"a face far away":           {with(func(f *models.Face) { f.Hint = models.HintFaceSmall }), journey.Step2RetryLivenessError, "relative-size"},
		"a face of few pixels":      {with(func(f *models.Face) { f.Hint = models.HintFacePixels }), journey.Step2RetryLivenessError, "absolute-size"},
		"eyes close together":       {with(func(f *models.Face) { f.Hint = models.HintEyesClose }), journey.Step2RetryLivenessError, "eye-distance"},
		"a face at the border":      {with(func(f *models.Face) { f.Hint = models.HintFaceBorder }), journey.Step2RetryLivenessError, "border"},
		"a face cut off":            {with(func(f *models.Face) { f.Hint = models.HintFaceCropped }), journey.Step2RetryLivenessError, "cropped"},
		"a face turned away":        {with(func(f *models.Face) { f.Hint = models.HintFaceTurned }), journey.Step2RetryLivenessError, "rotation"},
		"a face too dark to judge":  {with(func(f *models.Face) { f.Hint = models.HintDark }), journey.Step2RetryLivenessError, "face-size"},
		"two faces":                 {with(func(f *models.Face) { f.Hint, f.Faces = models.HintSeveralFaces, 2 }), journey.Step2RetryFaceDetectError, ""},
		"a template of another net": {with(func(f *models.Face) { f.Model = "m2" }), journey.Step2RetryFaceDetectError, ""},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				b := newBench(t)
				b.engine.OnFace = func(int, time.Time) (models.Face, error) {
					if b.a.states.get().Attempt == 1 {
						return c.face, nil
					}
					return goodFace(), nil
				}
				b.start()
				b.to(StepSelfie)
				s := b.until("another try", func(s State) bool { return s.Step == StepSelfie && s.Attempt == 2 })
				assert.Equal(t, c.code, s.Retake)
				assert.Equal(t, c.variant, s.RetakeVariant)
				_, known := journey.LookupVariant(s.Retake, s.RetakeVariant)
				assert.True(t, known, "the contract has a text for it")
				b.untilStep(StepResult)
				final := b.snapshots()[1]
				assert.Equal(t, journey.SubmissionComplete, final.State)
				require.Len(t, final.Attempts, 3)
				assert.Equal(t, c.code, final.Attempts[1].Code)
				assert.NotEmpty(t, final.Attempts[1].Selfie)
				b.halt(nil)
			})
		})
	}
}

func TestSelfieTriesRunOut(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := newBench(t)
		b.engine.OnFace = func(int, time.Time) (models.Face, error) {
			f := goodFace()
			f.Template = template(2, .9)
			return f, nil
		}
		b.start()
		s := b.to(StepResult)
		assert.True(t, s.Outcome.Exhausted)
		subs := b.snapshots()
		require.Len(t, subs, 2)
		assert.Equal(t, journey.SubmissionExhausted, subs[1].State)
		assert.Equal(t, journey.Step2RetryFaceCompareUnderscore, subs[1].FailedCode)
		events := b.journal()
		assert.Equal(t, 3, count(events, journey.EventFaceCompare))
		assert.Zero(t, count(events, journey.EventStep2Completed))
		b.halt(nil)
	})
}

func TestABlockEndsTheVisitBeforeTheSelfie(t *testing.T) {
	for name, c := range map[string]struct {
		policy func(*journey.Policy)
		event  journey.EventName
		reason journey.Reason
	}{
		"a blocked issuer":        {func(p *journey.Policy) { p.BlockedIssuers = []string{"UTO"} }, journey.EventBlacklistCountryEvaluation, journey.ReasonBlacklistCountry},
		"somebody too young":      {func(p *journey.Policy) { p.MinAge = 52 }, journey.EventAgeVerification, journey.ReasonAgeLimit},
		"a document from outside": {func(p *journey.Policy) { p.RegionalMatch = true }, journey.EventRegionalValidation, journey.ReasonRegionalValidation},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				b := newBench(t, func(cfg *Config) {
					c.policy(&cfg.Policy)
					if cfg.Policy.RegionalMatch {
						cfg.Site.Country = "KOR"
					}
				})
				b.start()
				b.to(StepReading)
				s := b.untilStep(StepResult)
				assert.False(t, s.Outcome.Decided, "only the centre decides")
				events := b.journal()
				ev := find(t, events, c.event)
				assert.Equal(t, journey.ImpactBlocked, ev.Impact)
				assert.Equal(t, c.reason, ev.Reason)
				assert.Zero(t, count(events, journey.EventStep2Entered))
				subs := b.snapshots()
				require.Len(t, subs, 1)
				assert.Equal(t, journey.SubmissionComplete, subs[0].State)
				assert.Equal(t, journey.Step1, subs[0].FailedStep)
				b.halt(nil)
			})
		})
	}
}

func TestActiveChallengeIsDoneByAWillingPersonOnly(t *testing.T) {
	setup := func(t *testing.T) *bench {
		return newBench(t, func(c *Config) { c.Policy.Liveness.Active = true })
	}
	t.Run("who moves as asked passes", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			b := setup(t)
			a := b.start()
			b.engine.Mu.Lock()
			b.engine.OnFace = moving(a)
			b.engine.Mu.Unlock()
			b.to(StepResult)
			events := b.journal()
			ev := find(t, events, journey.EventActiveLivenessVerification)
			assert.Equal(t, journey.Pass, ev.Result)
			assert.Equal(t, 2, count(events, journey.KioskChallengeAsked))
			assert.True(t, ev.Ended.After(ev.Started))
			final := b.snapshots()[1]
			assert.True(t, final.Liveness.ActiveRan)
			assert.InDelta(t, 100, final.Liveness.Active, .01)
			assert.InDelta(t, final.Liveness.Passive, final.Liveness.Score, .01, "the weaker of the two")
			b.halt(nil)
		})
	})
	t.Run("who does not move is asked again and then stopped", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			b := setup(t)
			b.start()
			s := b.to(StepResult)
			assert.True(t, s.Outcome.Exhausted)
			events := b.journal()
			assert.Equal(t, 3, count(events, journey.EventActiveLivenessVerification))
			ev := find(t, events, journey.KioskChallengeAsked)
			assert.Equal(t, journey.Fail, ev.Result)
			assert.Equal(t, "time-out", ev.Detail["failed"])
			assert.Equal(t, journey.Step2RetryLivenessFail, b.snapshots()[1].FailedCode)
			b.halt(nil)
		})
	})
	t.Run("somebody else who steps in fails", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			b := setup(t)
			b.start()
			b.engine.Mu.Lock()
			b.engine.OnFace = func(n int, at time.Time) (models.Face, error) {
				f := goodFace()
				if n%40 > 5 { // after the frames of the selfie
					f.Template = template(3, .9)
				}
				return f, nil
			}
			b.engine.Mu.Unlock()
			b.to(StepSelfie)
			s := b.until("another try", func(s State) bool { return s.Step == StepSelfie && s.Attempt == 2 || s.Step == StepResult })
			assert.Equal(t, journey.Step2RetryLivenessFail, s.Retake)
			b.halt(nil)
		})
	})
}

// theSteps are where a person can press Stop.
func theSteps() []Step {
	return []Step{StepLanguage, StepConsent, StepDocument, StepReading, StepReview, StepSelfie, StepChecking, StepResult}
}

func TestStopClearsEverythingAtEveryStep(t *testing.T) {
	for _, step := range theSteps() {
		t.Run("at "+string(step), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				b := newBench(t)
				if step == StepDocument || step == StepSelfie {
					b.engine.OnGlance = never(b.engine.OnGlance, map[Step]models.Aim{StepDocument: models.AimDocument, StepSelfie: models.AimFace}[step])
				}
				b.start()
				b.to(step)
				pressed := time.Now()
				b.do(Stop{})
				s := b.untilStep(StepAttract)
				assert.Less(t, time.Since(pressed), time.Second)
				assert.Equal(t, State{Step: StepAttract, Path: "/", Waiting: s.Waiting}, s, "the screen holds nothing of the visit")
				b.clean()
				events := b.journal()
				last := events[len(events)-1]
				assert.Equal(t, journey.KioskPrivacyReset, last.Name)
				assert.LessOrEqual(t, last.Ended.Sub(last.Started), time.Second)
				if step == StepResult {
					assert.Zero(t, count(events, journey.KioskVisitStopped))
					assert.Equal(t, "completed", last.Detail["trigger"])
				} else {
					assert.Equal(t, 1, count(events, journey.KioskVisitStopped))
					assert.Equal(t, "stopped", last.Detail["trigger"])
				}
				subs := b.snapshots()
				switch step {
				case StepSelfie, StepChecking:
					require.Len(t, subs, 2)
					assert.Equal(t, journey.SubmissionAbandoned, subs[1].State)
				case StepResult:
					require.Len(t, subs, 2)
					assert.Equal(t, journey.SubmissionComplete, subs[1].State)
				default:
					assert.Empty(t, subs, "nothing was handed in")
				}
				b.halt(nil)
			})
		})
	}
}

// never lets an aim see nothing, so that its step lasts.
func never(f func(int, models.Aim) (models.Glance, error), aim models.Aim) func(int, models.Aim) (models.Glance, error) {
	return func(n int, a models.Aim) (models.Glance, error) {
		g, err := f(n, a)
		if a == aim {
			g.Outline, g.Face, g.Faces = nil, nil, 0
			g.Hint = map[models.Aim]models.HintCode{models.AimDocument: models.HintNoDocument, models.AimFace: models.HintNoFace}[aim]
		}
		return g, err
	}
}

// clean checks that nothing of the person is left on the kiosk in the open.
func (b *bench) clean() {
	b.t.Helper()
	b.settle()
	assert.NoFileExists(b.t, filepath.Join(b.dir, keyFile))
	var zero Picture
	assert.Equal(b.t, zero, b.a.pictures.get())
	open, err := b.a.store.Open(context.Background())
	require.NoError(b.t, err)
	assert.Empty(b.t, open)
	b.sealedOnly()
}

// sealedOnly checks that no file of the kiosk holds the person's data in the open.
func (b *bench) sealedOnly() {
	b.t.Helper()
	files, err := filepath.Glob(filepath.Join(b.dir, "*"))
	require.NoError(b.t, err)
	for _, f := range files {
		raw, err := os.ReadFile(f)
		require.NoError(b.t, err)
		for _, secret := range []string{"ERIKSSON", "ANNA", "L898902C3", "1974-08-12", "portrait of a person", "front of a document"} {
			assert.NotContains(b.t, string(raw), secret, "in %s", filepath.Base(f))
		}
	}
}

func TestNothingPersonalLiesOpenWhileTheVisitRuns(t *testing.T) {
	for _, step := range []Step{StepReview, StepSelfie, StepResult} {
		t.Run("at "+string(step), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				b := newBench(t)
				if step == StepSelfie {
					b.engine.OnGlance = never(b.engine.OnGlance, models.AimFace)
				}
				b.start()
				b.to(step)
				b.sealedOnly()
				b.halt(errAbandoned)
				b.sealedOnly()
			})
		})
	}
}

func TestWhoWalksAwayIsAskedAndThenTheScreenIsCleared(t *testing.T) {
	for _, step := range []Step{StepLanguage, StepConsent, StepDocument, StepReview, StepSelfie} {
		t.Run("at "+string(step), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				b := newBench(t)
				switch step {
				case StepDocument:
					b.engine.OnGlance = never(b.engine.OnGlance, models.AimDocument)
				case StepSelfie:
					b.engine.OnGlance = never(b.engine.OnGlance, models.AimFace)
				}
				b.start()
				b.to(step)
				left := time.Now()
				s := b.until("the question", func(s State) bool { return s.Asking })
				assert.InDelta(t, 60, time.Since(left).Seconds(), 3)
				assert.Equal(t, step, s.Step)
				assert.InDelta(t, 15, s.Deadline.Sub(b.cfg.Now()).Seconds(), 1)
				b.untilStep(StepAttract)
				assert.InDelta(t, 75, time.Since(left).Seconds(), 4)
				b.clean()
				events := b.journal()
				assert.Equal(t, 1, count(events, journey.KioskAskedIfPresent))
				assert.Equal(t, 1, count(events, journey.KioskVisitTimedOut))
				assert.Equal(t, "timed-out", events[len(events)-1].Detail["trigger"])
				b.halt(nil)
			})
		})
	}
	t.Run("who answers goes on", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			b := newBench(t)
			b.start()
			b.to(StepReview)
			b.until("the question", func(s State) bool { return s.Asking })
			b.do(StillHere{})
			s := b.until("the step again", func(s State) bool { return !s.Asking })
			assert.Equal(t, StepReview, s.Step)
			b.do(Confirm{})
			b.untilStep(StepResult)
			b.halt(nil)
		})
	})
	t.Run("a document left on the glass keeps nobody waiting for ever", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			b := newBench(t)
			good := b.engine.OnGlance
			b.engine.OnGlance = func(n int, aim models.Aim) (models.Glance, error) {
				g, err := good(n, aim)
				g.Hint = models.HintGlare
				return g, err
			}
			b.start()
			b.to(StepDocument)
			left := time.Now()
			b.untilStep(StepAttract)
			assert.InDelta(t, 255, time.Since(left).Seconds(), 5)
			b.halt(nil)
		})
	})
	t.Run("the result clears itself", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			b := newBench(t)
			b.start()
			b.to(StepResult)
			shown := time.Now()
			b.untilStep(StepAttract)
			assert.InDelta(t, 20, time.Since(shown).Seconds(), 1)
			b.clean()
			b.halt(nil)
		})
	})
}

func TestRefusingEndsTheVisitWithoutASubmission(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := newBench(t)
		b.start()
		b.to(StepConsent)
		b.do(Consent{Given: false})
		b.untilStep(StepAttract)
		events := b.journal()
		assert.Equal(t, journey.ImpactBlocked, find(t, events, journey.KioskConsentRefused).Impact)
		assert.Empty(t, b.snapshots())
		assert.Zero(t, b.doc.Opens, "no camera was opened")
		b.halt(nil)
	})
}

func TestCommandsThatDoNotFitChangeNothing(t *testing.T) {
	all := []Command{
		Start{}, ChooseLanguage{"en"}, ChooseLanguage{"not a tag!"}, Consent{true}, TakeNow{}, Retake{}, Confirm{}, Back{}, StillHere{}, Done{},
	}
	fits := map[Step]map[int]bool{
		StepAttract:  {0: true},
		StepLanguage: {1: true},
		StepConsent:  {1: true, 3: true, 7: true},
		StepReview:   {1: true, 5: true, 6: true, 7: true},
		StepResult:   {9: true},
	}
	for step, ok := range fits {
		for i, c := range all {
			if ok[i] {
				continue
			}
			t.Run(string(step)+" "+strconv.Itoa(i), func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					b := newBench(t)
					b.start()
					if step == StepAttract {
						b.untilStep(step)
					} else {
						b.to(step)
					}
					before := b.a.states.get()
					require.ErrorIs(t, b.a.Do(t.Context(), c), ErrNotNow)
					assert.Equal(t, before, b.a.states.get())
					b.halt(nil)
				})
			})
		}
	}
}

func TestThePersonMayCorrectAndRetake(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := newBench(t)
		b.start()
		b.to(StepReview)
		b.do(Retake{})
		s := b.untilStep(StepReview)
		assert.Equal(t, 2, b.engine.Reads)
		assert.Equal(t, 1, s.Attempt, "a wish is no failure")
		p := *s.Review
		p.GivenNames = "ANNE MARIA"
		b.do(Confirm{Person: p})
		b.untilStep(StepResult)
		ev := find(t, b.journal(), journey.KioskDataCorrected)
		assert.Equal(t, map[string]string{"fields": "givenNames", "print": "print-not-looked-at"}, ev.Detail)
		final := b.snapshots()[1]
		assert.True(t, final.Review.Corrected)
		assert.Equal(t, "ANNA MARIA", final.Document.Person.GivenNames, "what was read stays")
		b.halt(nil)
	})
	t.Run("an expiry corrected into the past is not accepted", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			b := newBench(t)
			b.start()
			p := *b.to(StepReview).Review
			p.Expiry = "2020-01-01"
			b.do(Confirm{Person: p})
			s := b.untilStep(StepDocument)
			assert.Equal(t, journey.Step1RetryDocumentExpired, s.Retake)
			b.halt(nil)
		})
	})
	t.Run("what no keyboard should send is refused", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			b := newBench(t)
			b.start()
			p := *b.to(StepReview).Review
			for _, change := range []func(*journey.PersonData){
				func(p *journey.PersonData) { p.FamilyName = strings.Repeat("A", 121) },
				func(p *journey.PersonData) { p.FamilyName, p.GivenNames = "", "" },
				func(p *journey.PersonData) { p.GivenNames = "A\x00B" },
				func(p *journey.PersonData) { p.Gender = "maybe" },
			} {
				bad := p
				change(&bad)
				require.ErrorIs(t, b.a.Do(t.Context(), Confirm{Person: bad}), ErrNotNow)
			}
			b.halt(nil)
		})
	})
}

func TestCamerasThatFail(t *testing.T) {
	is := func(err error) func(int) error { return func(int) error { return err } }
	for name, c := range map[string]struct {
		break_ func(*scriptedCamera, *scriptedEngine)
		code   string
		event  journey.EventName
	}{
		"missing": {func(c *scriptedCamera, _ *scriptedEngine) { c.OnOpen = is(camera.ErrMissing) }, ProblemCameraMissing, journey.EventCameraError},
		"denied":  {func(c *scriptedCamera, _ *scriptedEngine) { c.OnOpen = is(camera.ErrDenied) }, ProblemCameraDenied, journey.EventCameraPermissionDenied},
		"format":  {func(c *scriptedCamera, _ *scriptedEngine) { c.OnOpen = is(camera.ErrFormat) }, ProblemCameraFormat, journey.EventCameraError},
		"stalled from the start": {func(c *scriptedCamera, _ *scriptedEngine) {
			c.OnFrame = func(int, int) error { time.Sleep(3 * time.Second); return camera.ErrStalled }
		}, ProblemCameraStalled, journey.EventCameraError},
		"unplugged for good": {func(c *scriptedCamera, _ *scriptedEngine) {
			c.OnOpen = func(n int) error {
				if n > 1 {
					return camera.ErrMissing
				}
				return nil
			}
			c.OnFrame = func(_, frame int) error {
				if frame > 3 {
					return camera.ErrGone
				}
				return nil
			}
		}, ProblemCameraGone, journey.EventCameraError},
		"black": {func(_ *scriptedCamera, e *scriptedEngine) {
			e.OnGlance = func(int, models.Aim) (models.Glance, error) {
				return models.Glance{Width: 64, Height: 48, Hint: models.HintDark, Quality: models.Quality{Luma: 1}}, nil
			}
		}, ProblemCameraBlack, journey.EventCameraError},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				b := newBench(t)
				c.break_(b.doc, b.engine)
				b.start()
				b.to(StepDocument)
				s := b.untilStep(StepError)
				require.NotNil(t, s.Problem)
				assert.Equal(t, c.code, s.Problem.Code)
				assert.NotEmpty(t, s.Problem.Hint)
				require.NoError(t, b.a.Observe(t.Context(), journey.EventErrorPageViewed, s.Path, map[string]string{"code": s.Problem.Code}))
				ev := find(t, b.journal(), c.event)
				assert.Equal(t, journey.ImpactBlocked, ev.Impact)
				assert.Equal(t, []string{ev.ID}, find(t, b.journal(), journey.EventErrorPageViewed).Causes)
				b.do(Done{})
				s = b.untilStep(StepClosed)
				assert.Equal(t, c.code, s.Problem.Code, "the next visitor is not led into the same wall")
				b.clean()
				if name != "black" { // plugged in again
					b.doc.Mu.Lock()
					b.doc.OnOpen, b.doc.OnFrame = nil, nil
					b.doc.Mu.Unlock()
				}
				b.untilStep(StepAttract)
				b.halt(nil)
			})
		})
	}
	t.Run("a stall that heals costs seconds", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			b := newBench(t)
			b.doc.OnFrame = func(opening, frame int) error {
				if opening == 1 && frame > 5 {
					return camera.ErrStalled
				}
				return nil
			}
			b.start()
			b.to(StepResult)
			events := b.journal()
			assert.Equal(t, 1, count(events, journey.KioskCameraStalled))
			assert.Equal(t, 1, count(events, journey.KioskCameraRecovered))
			assert.Equal(t, 3, count(events, journey.EventCameraActivated))
			b.halt(nil)
		})
	})
	t.Run("a kiosk without cameras is closed at start when it is to look", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			b := newBench(t, func(c *Config) { c.TestCameras = true })
			b.face.OnOpen = is(camera.ErrMissing)
			b.start()
			s := b.untilStep(StepClosed)
			assert.Equal(t, ProblemCameraMissing, s.Problem.Code)
			require.ErrorIs(t, b.a.Do(t.Context(), Start{}), ErrNotNow)
			b.face.Mu.Lock()
			b.face.OnOpen = nil
			b.face.Mu.Unlock()
			b.untilStep(StepAttract)
			b.halt(nil)
		})
	})
	t.Run("no camera configured is said at once", func(t *testing.T) {
		b := newBench(t, func(c *Config) { c.DocumentCamera = nil })
		_, err := New(b.cfg)
		var p *Problem
		require.ErrorAs(t, err, &p)
		assert.Equal(t, ProblemCameraMissing, p.Code)
	})
}

func TestEngineThatFails(t *testing.T) {
	t.Run("a worker that dies while the picture is live costs a moment", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			b := newBench(t)
			good := b.engine.OnGlance
			b.engine.OnGlance = func(n int, aim models.Aim) (models.Glance, error) {
				if n >= 3 && n <= 6 {
					return models.Glance{}, models.ErrWorker
				}
				return good(n, aim)
			}
			b.start()
			b.to(StepResult)
			ev := find(t, b.journal(), journey.KioskWorkerRestarted)
			assert.Greater(t, ev.Ended.Sub(ev.Started), 500*time.Millisecond)
			b.halt(nil)
		})
	})
	t.Run("a worker that dies while reading reads again, without another try", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			b := newBench(t)
			b.engine.OnDocument = func(n int) (models.Document, error) {
				if n == 1 {
					return models.Document{}, models.ErrWorker
				}
				return goodDocument(), nil
			}
			b.start()
			s := b.to(StepReview)
			assert.Equal(t, 1, s.Attempt)
			assert.Equal(t, 1, count(b.journal(), journey.KioskWorkerRestarted))
			b.halt(nil)
		})
	})
	t.Run("a worker that stays away ends the visit and closes the kiosk", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			b := newBench(t)
			b.engine.OnDocument = func(int) (models.Document, error) { return models.Document{}, models.ErrWorker }
			b.engine.NoVersions = nil
			b.start()
			b.to(StepReading)
			s := b.untilStep(StepError)
			assert.Equal(t, ProblemWorkerLost, s.Problem.Code)
			b.engine.Mu.Lock()
			b.engine.NoVersions = models.ErrWorker
			b.engine.Mu.Unlock()
			s = b.untilStep(StepClosed)
			assert.Equal(t, ProblemWorkerLost, s.Problem.Code)
			b.engine.Mu.Lock()
			b.engine.NoVersions = nil
			b.engine.Mu.Unlock()
			b.untilStep(StepAttract)
			b.halt(nil)
		})
	})
	t.Run("a missing network closes the kiosk from the start", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			b := newBench(t)
			b.engine.NoVersions = models.ErrModel
			b.start()
			s := b.untilStep(StepClosed)
			assert.Equal(t, ProblemModelMissing, s.Problem.Code)
			b.halt(nil)
		})
	})
	t.Run("frames that are no pictures end in a problem, not in a wait", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			b := newBench(t)
			b.engine.OnGlance = func(int, models.Aim) (models.Glance, error) { return models.Glance{}, models.ErrFrame }
			b.start()
			b.to(StepDocument)
			s := b.untilStep(StepError)
			assert.Equal(t, ProblemCameraFailed, s.Problem.Code)
			b.halt(nil)
		})
	})
}

func TestTheHandShutterIsOfferedAndWorks(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := newBench(t)
		good := b.engine.OnGlance
		b.engine.OnGlance = func(n int, aim models.Aim) (models.Glance, error) {
			g, err := good(n, aim)
			if aim == models.AimDocument {
				g.Hint = models.HintBlur
			}
			return g, err
		}
		b.start()
		b.to(StepDocument)
		began := time.Now()
		b.until("the hand shutter", func(s State) bool { return s.ByHand })
		assert.InDelta(t, 20, time.Since(began).Seconds(), 1)
		b.do(TakeNow{})
		require.ErrorIs(t, b.a.Do(t.Context(), TakeNow{}), ErrNotNow, "once is enough")
		b.untilStep(StepReview)
		b.do(Confirm{})
		b.untilStep(StepResult)
		assert.Equal(t, 1, count(b.journal(), journey.KioskHandShutter))
		assert.Equal(t, journey.FrontCapture, b.snapshots()[1].Camera[0].Type)
		b.halt(nil)
	})
}

func TestTooManyVisitsAreStoppedBeforeTheCamera(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := newBench(t, func(c *Config) { c.Limits.Visits = 1 })
		b.start()
		b.to(StepLanguage)
		b.do(Stop{})
		b.to(StepConsent)
		b.do(Consent{Given: true})
		s := b.untilStep(StepError)
		assert.Equal(t, ProblemTooOften, s.Problem.Code)
		assert.Equal(t, journey.ImpactBlocked, find(t, b.journal(), journey.EventRateLimitCheck).Impact)
		b.do(Done{})
		b.untilStep(StepAttract)
		b.halt(nil)
	})
}

func TestTheCentresWord(t *testing.T) {
	deliver := func(t *testing.T, b *bench, seq uint64, kind wire.Kind, body []byte) {
		t.Helper()
		rec := wire.Record{Seq: seq, Kind: kind, ID: "c" + strconv.FormatUint(seq, 10), Body: body}
		_, err := b.a.store.Outbox().Apply(t.Context(), rec, func(tx *sqlTx) error { return b.a.apply(t.Context(), tx, rec) })
		require.NoError(t, err)
		b.a.applied(rec)
	}
	verdict := func(t *testing.T, sub journey.Submission) []byte {
		body, err := wire.Marshal(journey.Verdict{
			Submission: sub.ID, Session: sub.Session, Decision: journey.Approved, Policy: "1",
			Event: "0199a000-0000-7000-8000-0000000000aa", At: today,
		})
		require.NoError(t, err)
		return body
	}
	t.Run("reaches the person who still stands there", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			b := newBench(t)
			b.start()
			b.to(StepResult)
			deliver(t, b, 1, wire.KindVerdict, verdict(t, b.snapshots()[1]))
			s := b.until("the decision", func(s State) bool { return s.Outcome != nil && s.Outcome.Decided })
			assert.Equal(t, journey.Approved, s.Outcome.Decision)
			assert.Equal(t, 1, count(b.journal(), journey.KioskVerdictReceived))
			b.halt(nil)
		})
	})
	t.Run("comes once, however often it is sent", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			b := newBench(t)
			b.start()
			b.to(StepResult)
			v := verdict(t, b.snapshots()[1])
			deliver(t, b, 1, wire.KindVerdict, v)
			deliver(t, b, 1, wire.KindVerdict, v)
			deliver(t, b, 2, wire.KindVerdict, v)
			assert.Equal(t, 1, count(b.journal(), journey.KioskVerdictReceived))
			b.halt(nil)
		})
	})
	t.Run("is stored, and not shown to the next person", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			b := newBench(t)
			b.start()
			b.to(StepResult)
			sub := b.snapshots()[1]
			b.do(Done{})
			b.to(StepResult)
			deliver(t, b, 1, wire.KindVerdict, verdict(t, sub))
			assert.False(t, b.a.states.get().Outcome.Decided)
			v, ok, err := b.a.store.LatestVerdict(t.Context(), sub.ID)
			require.NoError(t, err)
			require.True(t, ok)
			assert.Equal(t, journey.Approved, v.Decision)
			events := b.journalOf(sub.Session)
			assert.Equal(t, journey.KioskVerdictReceived, events[len(events)-1].Name)
			b.halt(nil)
		})
	})
	t.Run("a new policy counts from the next visit on", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			centre := newAuthority(t)
			b := newBench(t, centre.trusted)
			b.start()
			b.to(StepReview)
			deliver(t, b, 1, wire.KindPolicy, centre.order(1, "2"))
			b.do(Confirm{})
			b.untilStep(StepResult)
			assert.Equal(t, "1", b.snapshots()[1].Policy)
			b.do(Done{})
			b.to(StepReading)
			b.untilStep(StepResult)
			last := b.snapshots()
			assert.Equal(t, "2", last[len(last)-1].Policy)
			assert.Equal(t, journey.ReasonAgeLimit, find(t, b.journal(), journey.EventAgeVerification).Reason)
			own := b.journalOf(store.OwnJournal)
			assert.Equal(t, 1, count(own, journey.KioskPolicyApplied))
			b.halt(nil)
		})
	})
	t.Run("what cannot be read is set aside and stops nothing", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			b := newBench(t)
			b.start()
			b.untilStep(StepAttract)
			for i, rec := range []wire.Record{
				{Kind: wire.KindVerdict, Body: []byte("no verdict")},
				{Kind: wire.KindPolicy, Body: []byte(`{"version":"3"}`)},
				{Kind: 99, Body: []byte("later")},
			} {
				rec.Seq, rec.ID = uint64(i+1), "c"
				done, err := b.a.store.Outbox().Apply(t.Context(), rec, func(tx *sqlTx) error { return b.a.apply(t.Context(), tx, rec) })
				require.Error(t, err)
				assert.True(t, done)
			}
			st, err := b.a.store.Outbox().Stats(t.Context())
			require.NoError(t, err)
			assert.Equal(t, 3, st.Quarantined)
			assert.Equal(t, uint64(3), st.Cursor)
			b.halt(nil)
		})
	})
}
