package visual

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestCompareExplainsDifferencesByTheReadingFirst(t *testing.T) {
	print := func(item, value string, score float64) Source {
		return OfPrint([]Field{{Item: item, Value: value, Raw: value, Score: score, How: ByCaption, Caption: 95}})
	}
	for name, c := range map[string]struct {
		a, b Source
		want Relation
	}{
		"two exact sources differ by a character":  {OfBarcode(map[string]string{Number: "X1234567"}), OfBarcode(map[string]string{Number: "X1234568"}), Different},
		"two exact dates differ by a look-alike":   {OfBarcode(map[string]string{BirthDate: "1974-08-13"}), OfBarcode(map[string]string{BirthDate: "1974-08-18"}), Different},
		"spaces and strokes are no difference":     {OfBarcode(map[string]string{Number: "X 123-4567"}), OfBarcode(map[string]string{Number: "X1234567"}), Same},
		"an O is a zero":                           {OfBarcode(map[string]string{Number: "XO234567"}), print(Number, "X0234567", 90), Same},
		"a number that goes on is the same":        {OfBarcode(map[string]string{Number: "555123ABC"}), print(Number, "555123ABC12", 100), Same},
		"two characters, read surely":              {OfBarcode(map[string]string{Number: "X1234567"}), print(Number, "X1934517", 92), Different},
		"two characters, read unsurely":            {OfBarcode(map[string]string{Number: "X1234567"}), print(Number, "X1934517", 88), Unclear},
		"an unknown day of birth":                  {OfBarcode(map[string]string{BirthDate: "1965-00-00"}), print(BirthDate, "1965-03-02", 100), Unclear},
		"states under two codes":                   {OfBarcode(map[string]string{Nationality: "D"}), print(Nationality, "DEU", 100), Same},
		"a nationality in words is no code":        {OfBarcode(map[string]string{Nationality: "DEU"}), print(Nationality, "DEUTSCH", 100), Unclear},
		"a state's code misread by one letter":     {OfBarcode(map[string]string{Nationality: "AUT"}), print(Nationality, "AUS", 100), Unclear},
		"another state's code":                     {OfBarcode(map[string]string{Nationality: "POL"}), print(Nationality, "EST", 99), Different},
		"a name in Cyrillic letters":               {OfBarcode(map[string]string{LastName: "IVANOV"}), print(LastName, "ИВАНОВ", 99), Same},
		"a barcode that cuts names off":            {OfBarcode(map[string]string{FirstName: "ANNA"}), OfBarcode(map[string]string{FirstName: "ANNA MARIA"}), Unclear},
		"a short name cannot be told from another": {OfBarcode(map[string]string{LastName: "LI"}), print(LastName, "WU", 100), Unclear},
	} {
		t.Run(name, func(t *testing.T) {
			got := Compare(c.a, c.b)
			if assert.Len(t, got, 1) {
				assert.Equal(t, c.want, got[0].Relation)
			}
			back := Compare(c.b, c.a)
			assert.Equal(t, got, back, "it does not matter which comes first")
		})
	}
	assert.Empty(t, Compare(Source{}, print(Number, "X1234567", 99)), "what one source does not tell is not compared")
}
