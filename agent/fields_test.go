package agent

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/models"
	"vestibule/models/mrz"
)

func TestFieldsForTheContractAreTheirOwn(t *testing.T) {
	quad := func(at float64) models.Quad {
		return models.Quad{{X: at, Y: at}, {X: at + .1, Y: at}, {X: at + .1, Y: at + .05}, {X: at, Y: at + .05}}
	}
	d := goodDocument()
	d.Turn = 90
	for i, f := range d.MRZ.Fields() {
		if f.Name != "" {
			d.Fields = append(d.Fields, models.ZoneField{Name: f.Name, Confidence: 99.6 - float64(i), Agreed: true, At: quad(.1), Upright: quad(.3)})
		}
	}
	of := func(item string) journey.OCRField {
		t.Helper()
		for _, f := range fieldsOf(d) {
			if f.Item == item {
				return f
			}
		}
		require.Fail(t, "no such item", item)
		return journey.OCRField{}
	}
	change := func(name string, how func(*models.ZoneField)) {
		for i := range d.Fields {
			if d.Fields[i].Name == name {
				how(&d.Fields[i])
			}
		}
	}
	t.Run("how the picture lay comes first, once", func(t *testing.T) {
		assert.Equal(t, journey.OCRField{Item: "rotate", Value: "90", Score: 96, Accepted: true}, fieldsOf(d)[0])
		seen := map[string]bool{}
		for _, f := range fieldsOf(d) {
			assert.False(t, seen[f.Item], f.Item)
			seen[f.Item] = true
		}
		assert.Len(t, seen, 10)
	})
	t.Run("a score is the field's own, a place is that of the picture that is kept", func(t *testing.T) {
		f := of("lastName")
		assert.Equal(t, 98, f.Score)
		assert.True(t, f.Accepted)
		assert.InDeltaSlice(t, []float64{.3, .3, .4, .3, .4, .35, .3, .35}, f.Box, 1e-9)
		assert.Equal(t, 96, of("number").Score)
	})
	t.Run("without an upright picture the place is that of the frame", func(t *testing.T) {
		change(mrz.NameSex, func(z *models.ZoneField) { z.Upright = models.Quad{} })
		assert.InDeltaSlice(t, []float64{.1, .1, .2, .1, .2, .15, .1, .15}, of("gender").Box, 1e-9)
	})
	t.Run("what the readers read differently is not accepted", func(t *testing.T) {
		change(mrz.NameBirth, func(z *models.ZoneField) { z.Agreed = false })
		assert.False(t, of("birthDate").Accepted)
		assert.True(t, of("expireDate").Accepted)
	})
	t.Run("nor is one whose digit does not fit, or that says something impossible", func(t *testing.T) {
		d.MRZ.Number.Check = mrz.CheckWrong
		assert.False(t, of("number").Accepted)
		d.MRZ.Nationality.Problem = mrz.ProblemCodeUnknown
		assert.False(t, of("nationality").Accepted)
	})
	t.Run("scores stay within 0 and 100", func(t *testing.T) {
		change(mrz.NameCode, func(z *models.ZoneField) { z.Confidence = 101 })
		assert.Equal(t, 100, of("documentCode").Score)
		change(mrz.NameCode, func(z *models.ZoneField) { z.Confidence = -3 })
		assert.Zero(t, of("documentCode").Score)
	})
	t.Run("a document without a zone has none", func(t *testing.T) {
		assert.Nil(t, fieldsOf(models.Document{Turn: 90}))
	})
}
