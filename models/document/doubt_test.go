package document

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"vestibule/models"
	"vestibule/models/mrz"
)

func TestAFieldWithoutACheckDigitHasToBeSure(t *testing.T) {
	sure := func() []models.ZoneField {
		var out []models.ZoneField
		for _, name := range []string{mrz.NameCode, mrz.NameIssuer, mrz.NameFamily, mrz.NameGiven, mrz.NameNumber, mrz.NameNationality, mrz.NameBirth, mrz.NameSex, mrz.NameExpiry, mrz.NameOptional} {
			out = append(out, models.ZoneField{Name: name, Confidence: leastSure})
		}
		return out
	}
	for name, c := range map[string]struct {
		layout mrz.Layout
		field  string
		doubt  bool
	}{
		"none":                       {mrz.TD3, "", false},
		"a given name":               {mrz.TD3, mrz.NameGiven, true},
		"a family name":              {mrz.TD1, mrz.NameFamily, true},
		"a nationality":              {mrz.TD2, mrz.NameNationality, true},
		"a number, which has digits": {mrz.TD3, mrz.NameNumber, false},
		"a date, which has digits":   {mrz.TD3, mrz.NameBirth, false},
		"a passport's optional data": {mrz.TD3, mrz.NameOptional, false},
		"a visa's optional data":     {mrz.MRVA, mrz.NameOptional, true},
	} {
		t.Run(name, func(t *testing.T) {
			fields := sure()
			for i := range fields {
				if fields[i].Name == c.field {
					fields[i].Confidence = leastSure - .1
				}
			}
			assert.Equal(t, c.doubt, doubtful(c.layout, fields))
		})
	}
}
