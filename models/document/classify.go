package document

import (
	"math"

	"vestibule/models"
	"vestibule/models/mrz"
)

// What tells a thing without a zone.
const (
	cardLean   = .06 // how far the logarithm of an outline's proportions may lie from an ID-1 card's
	fewestRows = 2   // of print on the front of a card, least
)

// kindOf names what a picture shows, and which side of it. A zone settles it. Without one,
// the border's proportions, the portrait and the print tell the front of a card; a card of that
// size with neither portrait nor zone is unknown, for it may be the back of a licence, which
// only its barcode tells. What is left is a document only when it has a portrait beside print on
// a page of a document's proportions.
func (p page) kindOf(d models.Document, flat bool) (models.Kind, models.Side) {
	portrait := d.Portrait != nil
	if p.found() {
		side := models.SideFront
		if p.zone.layout == mrz.TD1 && !portrait {
			side = models.SideBack
		}
		return models.KindOf(p.zone.layout), side
	}
	if !flat || d.Outline == nil {
		return models.KindNotID, models.SideUnknown
	}
	var q [4]vec
	for i, c := range d.Outline {
		q[i] = vec{c.X * float64(d.Width), c.Y * float64(d.Height)}
	}
	across, down := sides(q)
	ratio := math.Max(across, down) / math.Max(1, math.Min(across, down))
	card := math.Abs(math.Log(ratio/cardAspect)) < cardLean || ratio > cardAspect
	switch {
	case portrait && p.rows >= fewestRows && card:
		return models.KindCard, models.SideFront
	case portrait && p.rows >= fewestRows:
		return models.KindUnknown, models.SideFront // a page whose zone cannot be read
	case card && !portrait:
		return models.KindUnknown, models.SideUnknown
	}
	return models.KindNotID, models.SideUnknown
}
