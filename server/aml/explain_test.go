package aml_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/server/aml"
)

func TestAMatchTellsWhichWordMatchedWhichAndHow(t *testing.T) {
	x := index(t)
	for name, c := range map[string]struct {
		query aml.Query
		says  []string
	}{
		"spelled otherwise": {
			aml.Query{Name: "Kasimip Ondrej Vorenthal", Birth: "1961-03-12"},
			[]string{`with the primary name "VORENTHAL, Kasimir Ondrej": `, "ondrej and ondrej are equal", "kasimip and kasimir differ in a few letters (0.", "; birth equal (+3)"},
		},
		"a name left out": {
			aml.Query{Name: "Isaura Montequiral", Gender: "male"},
			[]string{"leocadia is in the listed name only", "; gender different (-"},
		},
		"a name too many":     {aml.Query{Name: "Kasimir Ondrej Zebediah Vorenthal"}, []string{"zebediah is not in the listed name"}},
		"spelled by ear":      {aml.Query{Name: "Kasimir Vorenthal"}, []string{`with the alias name "VORENTHALL, Casimir": kasimir and casimir sound alike (0.`}},
		"joined":              {aml.Query{Name: "Kasimirondrej Vorenthal"}, []string{"kasimirondrej and kasimir ondrej are written joined and apart"}},
		"a document's number": {aml.Query{Name: "Somebody Else", Document: "A0194837", Issuer: "SYR"}, []string{"100.0 with the primary name", "; document equal (+100)"}},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := x.Search(c.query)
			require.NoError(t, err)
			require.NotEmpty(t, found)
			for _, s := range c.says {
				assert.Contains(t, found[0].Explain(), s)
			}
		})
	}
}
