package check

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"vestibule/journey"
	"vestibule/models"
	"vestibule/models/face"
	"vestibule/models/mrz"
)

// lying gives the outline of a document of so many millimetres in a 1280 × 720 picture.
func lying(d models.Document, wide, high float64) models.Document {
	const mm = 8.0
	d.Width, d.Height = 1280, 720
	x, y := wide*mm/1280, high*mm/720
	d.Outline = &models.Quad{{X: .1, Y: .05}, {X: .1 + x, Y: .05}, {X: .1 + x, Y: .05 + y}, {X: .1, Y: .05 + y}}
	return d
}

// cardFront is what is read of a card's front.
func cardFront() models.Document {
	d := read(nil)
	d.Hint, d.Recognition, d.Lines, d.Agreed, d.PixelsPerMM = models.HintNoMRZ, 0, nil, false, 0
	return lying(d, 85.6, 53.98)
}

// cardBack is what is read of its back.
func cardBack(t *testing.T) models.Document {
	t.Helper()
	d := read(zone(t, func(c *mrz.Content) { c.Layout, c.Code = mrz.TD1, "I" }))
	d.Portrait, d.PortraitFace = nil, nil
	d.Quality.Colour = 0
	return lying(d, 85.6, 53.98)
}

func TestWhichSideIsMissing(t *testing.T) {
	front := func(change func(*models.Document)) models.Document {
		d := cardFront()
		change(&d)
		return d
	}
	back := func(change func(*models.Document)) models.Document {
		d := cardBack(t)
		change(&d)
		return d
	}
	for name, c := range map[string]struct {
		d    models.Document
		want Need
	}{
		"a card's front lacks its back":                {cardFront(), NeedBack},
		"so it does upright":                           {lying(cardFront(), 53.98, 85.6), NeedBack},
		"a passport's page without a zone lacks none":  {lying(cardFront(), 125, 88), NeedNothing},
		"without an outline nobody knows what it is":   {front(func(d *models.Document) { d.Outline = nil }), NeedNothing},
		"a front without a portrait is none":           {front(func(d *models.Document) { d.Portrait, d.PortraitFace = nil, nil }), NeedNothing},
		"a blurred front is taken again":               {front(func(d *models.Document) { d.Hint = models.HintBlur }), NeedNothing},
		"a front whose portrait is too small likewise": {front(func(d *models.Document) { d.PortraitFace.Eyes = face.MinPortraitEyes - 1 }), NeedNothing},
		"a card's back lacks its front":                {cardBack(t), NeedFront},
		"a back that was misread is taken again":       {back(func(d *models.Document) { d.Agreed = false }), NeedNothing},
		"a passport has no other side":                 {back(func(d *models.Document) { d.MRZ = zone(t, nil) }), NeedNothing},
		"what shows both lacks nothing":                {lying(read(zone(t, func(c *mrz.Content) { c.Layout, c.Code = mrz.TD1, "I" })), 85.6, 53.98), NeedNothing},
		"nothing lacks nothing":                        {models.Document{}, NeedNothing},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, step1(c.d).Missing()) })
	}
}

func TestTwoSidesAreJudgedTogether(t *testing.T) {
	for name, c := range map[string]struct {
		first, second models.Document
		want          Action
		code          journey.CodeKey
	}{
		"front, then back":                      {cardFront(), cardBack(t), Accept, journey.CodeKey{}},
		"back, then front":                      {cardBack(t), cardFront(), Accept, journey.CodeKey{}},
		"the front twice has no zone":           {cardFront(), cardFront(), Again, journey.Step1RetryMRZProtocolFail},
		"the back twice has no portrait":        {cardBack(t), cardBack(t), Again, journey.Step1ErrorInvalidIDImage},
		"a blurred back is named so":            {cardFront(), func() models.Document { d := cardFront(); d.Hint = models.HintBlur; return d }(), Again, journey.Step1RetryImageTooBlurry},
		"a copy is told by the portrait's side": {func() models.Document { d := cardFront(); d.Quality.Colour = 0; return d }(), cardBack(t), Again, journey.Step1RetryBlackWhiteDocument},
	} {
		t.Run(name, func(t *testing.T) {
			r := Rule(step1(Join(c.first, c.second)).Check())
			assert.Equal(t, c.want, r.Action)
			assert.Equal(t, c.code, r.Why.Code)
		})
	}
}

func TestSidesOfTwoDocumentsDoNotBelongTogether(t *testing.T) {
	other := cardBack(t)
	other.MRZ = zone(t, func(c *mrz.Content) { c.Layout, c.Code, c.Number = mrz.TD1, "I", "D23145890" })
	assert.Equal(t, journey.Step1RetryInvalidBackDocument, Belong(cardBack(t), other).Code)
	assert.Equal(t, journey.Pass, Belong(cardBack(t), cardBack(t)).Result)
	assert.Equal(t, journey.Skipped, Belong(cardFront(), other).Result, "one zone proves nothing")
}

func TestWhatIsKeptWhenASideIsTakenAgain(t *testing.T) {
	for code, keep := range map[journey.CodeKey]bool{
		journey.Step1RetryMRZProtocolFail: true, journey.Step1RetryImageTooBlurry: true,
		journey.Step1RetryCheckDigitFailed: true, journey.Step1ErrorNotAnID: true,
		journey.Step1RetryExpiredID: false, journey.Step1ErrorInvalidIDType: false,
		journey.Step1RetryBlackWhiteDocument: false, journey.Step1RetryInvalidBackDocument: false,
	} {
		event := map[journey.CodeKey]journey.EventName{
			journey.Step1RetryMRZProtocolFail: journey.EventMRZValidation, journey.Step1RetryCheckDigitFailed: journey.EventMRZValidation,
			journey.Step1RetryImageTooBlurry: journey.KioskImageQualityCheck, journey.Step1RetryBlackWhiteDocument: journey.KioskImageQualityCheck,
			journey.Step1ErrorNotAnID: journey.EventIDRecognition, journey.Step1RetryExpiredID: journey.EventExpiredIDCheck,
			journey.Step1ErrorInvalidIDType: journey.KioskAcceptedDocumentCheck, journey.Step1RetryInvalidBackDocument: journey.KioskFrontBackCheck,
		}[code]
		assert.Equal(t, keep, ThisSide(again(event, code, nil)), "%s", code)
	}
}
