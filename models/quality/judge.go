package quality

import (
	"vestibule/journey"
	"vestibule/models"
)

// Where a picture begins to be a problem. Measured on 30 public document pictures of at
// least 500 pixels and on the same pictures distorted, by the part "quality" of
// models/evaluate; the pictures are those the measures were tuned on.
const (
	// Soft is the Sharpness below which a picture is visibly blurred: clean pictures score 84 and more,
	// a Gaussian of 2.5 pixels brings those of 500 to 1,100 pixels to 23 and less.
	Soft = 35.0
	// Glaring is the Glare below which a reflection covers something: .6 % of the picture. Of drawn spots with half axes of
	// 4 % of the width and more, 87 to 100 % are below; of clean pictures, dimmed, unevenly lit ones and drawn white pages 2 of 110.
	Glaring = 85.0
	// Dim is the Exposure below which a picture is too dark or too bright. A starting value, unmeasured.
	Dim = 30.0
	// Grey is the Colour below which a picture looks like a black and white copy: copies score 2 and
	// less in any of five lamps, pictures in colour 11 and more but for one almost grey card, which scores 2
	// in two of them. The rest of the gap is left to copies with a real camera's noise.
	Grey = 5.0

	// Legible is the Sharpness of a document's picture under which blur explains that
	// its small print was not read. Of the same 30 pictures every one scores 84 or
	// more as it is, and 60 or less after a Gaussian blur as wide as a stroke of the
	// machine readable zone (.35 mm on a page of 125 mm: .28 % of the longer side).
	// The lower end was taken: a sharp picture without a zone is a card's front.
	Legible = 60.0

	// Placed is the score of a Placement's parts below which they are a problem: a corner within 1 % of the
	// border, 12° off a right angle, opposite sides of 5 to 4, 5 pixels a millimetre. Starting values, unmeasured.
	Placed = 50.0

	// Obstructed is the same for Uncovered: a finger hides .45 % of the document, 15 × 3 mm of a page.
	Obstructed = 85.0
)

// Judge lists everything Measure and Place measured of a document's picture, with the hint that would
// cure it and the contract's code it stands for; the hint is empty while the score is no problem.
func Judge(q models.Quality) []models.Measure {
	out := []models.Measure{
		judge("sharpness", q.Sharpness, Legible, nil, models.HintBlur, journey.Step1RetryImageTooBlurry),
		judge("glare", q.Glare, Glaring, q.GlareAt, models.HintGlare, journey.Step1RetryGlareDetected),
		judge("colour", q.Colour, Grey, nil, models.HintCopy, journey.Step1RetryBlackWhiteDocument),
	}
	light := models.HintDark
	if q.Luma > 128 {
		light = models.HintBright
	}
	out = append(out, judge("exposure", q.Exposure, Dim, nil, light, journey.Step1ErrorInvalidIDImage))
	p := q.Placement
	if !p.Known {
		return out
	}
	if p.PixelsPerMM > 0 {
		out = append(out, judge("resolution", p.Resolution, Placed, nil, models.HintTooFar, journey.Step1RetryImageTooBlurry))
	}
	return append(out,
		judge("inside", p.Inside, Placed, nil, models.HintCutOff, journey.Step1RetryPhysicalDocumentMissing),
		judge("flat", p.Flat, Placed, nil, models.HintAngle, journey.Step1RetryPhysicalDocumentMissing),
		judge("uncovered", p.Uncovered, Obstructed, p.CoveredAt, models.HintFinger, journey.Step1RetryPhysicalDocumentMissing),
	)
}

func judge(name string, score, least float64, at []models.Box, hint models.HintCode, code journey.CodeKey) models.Measure {
	m := models.Measure{Name: name, Score: score, At: at, Code: code.Code}
	if score < least {
		m.Hint = hint
	}
	return m
}
