package document_test

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"

	"vestibule/models"
	"vestibule/models/specimen"
)

// filmed draws one specimen as it lies in a scene.
func filmed(t *testing.T, f specimen.Form, seed uint64, change func(*specimen.Scene)) specimen.Picture {
	t.Helper()
	p, err := printer()
	require.NoError(t, err, "install fonts-ocr-b")
	dice := rand.New(rand.NewPCG(seed, 41))
	s, err := specimen.Make(f, dice, nil)
	require.NoError(t, err)
	scene := specimen.Random(s, specimen.Tray, 1280, 960, dice)
	if change != nil {
		change(&scene)
	}
	pic, err := p.Film(s, scene)
	require.NoError(t, err)
	t.Cleanup(func() { pic.BGR.Close() })
	return pic
}

func readOne(t *testing.T, m gocv.Mat) models.Document {
	t.Helper()
	d, err := reader(t).Read(context.Background(), []gocv.Mat{m})
	require.NoError(t, err)
	return d
}

func TestADocumentThatLiesSlantwiseIsReadAndFound(t *testing.T) {
	for _, turn := range []float64{44, 134, 224, 314} {
		pic := filmed(t, specimen.MRVA, 184, func(s *specimen.Scene) { s.Turn = turn })
		d := readOne(t, pic.BGR)
		require.Len(t, d.Lines, 2, "turned by %.0f", turn)
		assert.Equal(t, pic.Sheet.Lines, []string{d.Lines[0].Text, d.Lines[1].Text}, "turned by %.0f", turn)
		assert.Equal(t, models.KindVisaA, d.Kind)
		for i, c := range d.Outline {
			assert.InDelta(t, pic.Corners[i].X, c.X, .02, "turned by %.0f, corner %d", turn, i)
			assert.InDelta(t, pic.Corners[i].Y, c.Y, .02, "turned by %.0f, corner %d", turn, i)
		}
	}
}

func TestLinesOfManyFillersKeepTheirLength(t *testing.T) {
	for _, seed := range []uint64{21, 67, 156} {
		form := map[uint64]specimen.Form{21: specimen.TD3, 67: specimen.MRVA, 156: specimen.TD3}[seed]
		pic := filmed(t, form, seed, nil)
		d := readOne(t, pic.BGR)
		require.Len(t, d.Lines, 2)
		assert.Equal(t, pic.Sheet.Lines, []string{d.Lines[0].Text, d.Lines[1].Text}, "seed %d", seed)
	}
}

func TestPrintAndStripesOfALicencesBackAreNoZone(t *testing.T) {
	for seed := range uint64(6) {
		d := readOne(t, filmed(t, specimen.LicenseBack, 9+9*seed, nil).BGR)
		assert.Nil(t, d.MRZ, "seed %d: %v", seed, d.Lines)
		assert.Empty(t, d.Lines)
	}
}

func TestKindsAndSides(t *testing.T) {
	for name, c := range map[string]struct {
		form specimen.Form
		kind models.Kind
		side models.Side
	}{
		"a passport":         {specimen.TD3, models.KindPassport, models.SideFront},
		"the back of a card": {specimen.TD1Back, models.KindTD1, models.SideBack},
		"a large card":       {specimen.TD2, models.KindTD2, models.SideFront},
		"a French card":      {specimen.FRID, models.KindFrenchID, models.SideFront},
		"a visa":             {specimen.MRVB, models.KindVisaB, models.SideFront},
		"a page of a book, in the proportions of a card": {specimen.BookPage, models.KindUnknown, models.SideUnknown},
		"nothing":                  {specimen.Nothing, models.KindNotID, models.SideUnknown},
		"a landscape":              {specimen.Landscape, models.KindNotID, models.SideUnknown},
		"the back of a licence":    {specimen.LicenseBack, models.KindUnknown, models.SideUnknown},
		"a card without portraits": {specimen.BankCard, models.KindUnknown, models.SideUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			d := readOne(t, filmed(t, c.form, 5, func(s *specimen.Scene) { s.Tilt, s.Perspective = 0, 0 }).BGR)
			assert.Equal(t, c.kind, d.Kind)
			assert.Equal(t, c.side, d.Side)
		})
	}
}

func TestThePartOfAVisaIsNotTakenForASmallerOne(t *testing.T) {
	p, err := printer()
	require.NoError(t, err)
	for seed, ground := range map[uint64]specimen.Background{100183: specimen.Tray, 200030: specimen.Clutter, 5093: specimen.Wood, 31002742: specimen.Clutter, 31003330: specimen.Clutter} {
		dice := rand.New(rand.NewPCG(seed, 41))
		dice.IntN(6)
		s, err := specimen.Make(specimen.MRVA, dice, nil)
		require.NoError(t, err)
		pic, err := p.Film(s, specimen.Random(s, ground, 1280, 960, dice))
		require.NoError(t, err)
		d := readOne(t, pic.BGR)
		pic.BGR.Close()
		require.NotNil(t, d.MRZ, "seed %d", seed)
		assert.Equal(t, pic.Sheet.Lines, []string{d.Lines[0].Text, d.Lines[1].Text}, "seed %d", seed)
	}
}
