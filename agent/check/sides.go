package check

import (
	"math"

	"vestibule/journey"
	"vestibule/models"
	"vestibule/models/face"
	"vestibule/models/mrz"
)

// Need says which side of a document is still to be seen.
type Need string

// What may still be needed.
const (
	NeedNothing Need = ""      // a zone and a portrait were found, or asking for a side would not help
	NeedBack    Need = "back"  // the portrait was found: the zone is on the other side
	NeedFront   Need = "front" // the zone was found: the portrait is on the other side
)

// MinCardAspect is the ratio of an outline's sides from which it is taken for a
// card: the geometric mean of a passport's page (125 × 88 mm, 1.42) and an ID-1
// card (85.60 × 53.98 mm, 1.586), ICAO 9303-4 and 9303-5.
const MinCardAspect = 1.501

// Missing says whether this picture is one good side of a document that has two
// (ICAO 9303-5: portrait on a card's front, machine readable zone on its back).
// A side that has to be taken again is none.
func (s Step1) Missing() Need {
	d := s.Document
	portrait := hasPortrait(d)
	_, licence := s.licence()
	switch {
	case licence && !portrait:
		return NeedFront
	case licence:
		return NeedNothing
	case d.MRZ == nil && portrait && d.Hint == models.HintNoMRZ &&
		d.PortraitFace.Eyes >= face.MinPortraitEyes && aspect(d) >= MinCardAspect:
		return NeedBack
	case d.MRZ != nil && !portrait && otherSide(d.MRZ.Layout) && s.zone().Result == journey.Pass:
		return NeedFront
	}
	return NeedNothing
}

func hasPortrait(d models.Document) bool {
	return len(d.Portrait) > 0 && d.PortraitFace != nil && d.PortraitFace.Found
}

// Whole says that one picture shows both a zone and a portrait.
func Whole(d models.Document) bool { return d.MRZ != nil && hasPortrait(d) }

// otherSide says whether a layout may have its portrait on the other side.
func otherSide(l mrz.Layout) bool { return l == mrz.TD1 || l == mrz.TD2 || l == mrz.FRID }

// aspect is the longer side of the outline by the shorter one, 0 without an outline.
func aspect(d models.Document) float64 {
	if d.Outline == nil || d.Width <= 0 || d.Height <= 0 {
		return 0
	}
	var l [4]float64
	for i, a := range d.Outline {
		b := d.Outline[(i+1)%4]
		l[i] = math.Hypot((b.X-a.X)*float64(d.Width), (b.Y-a.Y)*float64(d.Height))
	}
	long, short := l[0]+l[2], l[1]+l[3]
	if long < short {
		long, short = short, long
	}
	if short == 0 {
		return 0
	}
	return long / short
}

// Join takes two sides as one document: what was just read, with what the other
// side had that this one lacks. The picture's quality is that of the second side,
// so that the person is told about the side they hold; only colour is the
// portrait's: the back of a card may well be without.
func Join(first, second models.Document) models.Document {
	out := second
	if out.MRZ == nil && first.MRZ != nil {
		out.MRZ, out.Lines, out.Fields, out.Agreed = first.MRZ, first.Lines, first.Fields, first.Agreed
		out.PixelsPerMM, out.Recognition = first.PixelsPerMM, first.Recognition
		if hasPortrait(second) {
			out.Hint = models.HintNone // of a side without a zone: nothing else was missing
		}
	}
	if !hasPortrait(out) && hasPortrait(first) {
		out.Portrait, out.PortraitFace = first.Portrait, first.PortraitFace
		out.Quality.Colour = first.Quality.Colour
	}
	return out
}

// ThisSide says whether a verdict on two sides blames the one that was just
// taken, so that the other may be kept.
func ThisSide(v Verdict) bool {
	switch v.Event {
	case journey.KioskImageQualityCheck:
		return v.Code != journey.Step1RetryBlackWhiteDocument
	case journey.EventIDRecognition, journey.EventRecognitionScoreEvaluation, journey.EventMRZValidation, journey.EventBarcodeValidation:
		return true
	}
	return false
}

// OneSide is the verdict on the first side of two: what this picture was needed
// for was found in it.
func OneSide(n Need, d models.Document) Verdict {
	detail := map[string]string{"side": "front", "portrait": "found", "zone": "none", "aspect": ratio(aspect(d))}
	if n == NeedFront {
		detail = map[string]string{"side": "back", "portrait": "none", "layout": LayoutAAMVA}
		if d.MRZ != nil {
			detail["layout"] = string(d.MRZ.Layout)
		}
	}
	return passed(journey.EventIDRecognition, detail)
}

// Belong says whether both sides are of one document. Without a zone on each
// there is nothing to compare here, and that is no pass.
func Belong(first, second models.Document) Verdict {
	name := journey.KioskFrontBackCheck
	a, b := first.MRZ, second.MRZ
	if a == nil || b == nil {
		return skipped(name, "one-zone-only")
	}
	if a.Number.Value != b.Number.Value || a.Issuer.Value != b.Issuer.Value {
		return again(name, journey.Step1RetryInvalidBackDocument, nil)
	}
	return passed(name, nil)
}
