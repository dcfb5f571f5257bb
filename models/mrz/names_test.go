package mrz_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"vestibule/models/mrz"
)

func TestTransliterateFollowsTheTablesOfTheStandard(t *testing.T) {
	for name, want := range map[string]string{
		"Müller":            "MUELLER",
		"Mu\u0308ller":      "MUELLER", // letter and mark apart
		"Åse Ørsted":        "AASE<OERSTED",
		"Strauß":            "STRAUSS",
		"Þórðarson":         "THORDARSON",
		"Łukasz":            "LUKASZ",
		"Đorđe Çelik":       "DORDE<CELIK",
		"Şahin İnönü Işık":  "SAHIN<INOENUE<ISIK",
		"Jean-Luc":          "JEAN<LUC",
		"O’Connor d'Arc":    "OCONNOR<DARC",
		"  de   la  Cruz  ": "DE<LA<CRUZ",
		"Щербаков Юлия":     "SHCHERBAKOV<IULIIA",
		"Nguyễn":            "NGUYEN",
		"":                  "",
	} {
		got, ok := mrz.Transliterate(name)
		assert.True(t, ok, name)
		assert.Equal(t, want, got, name)
	}
	for _, name := range []string{"東京", "محمد", "A1", "A\x00"} {
		_, ok := mrz.Transliterate(name)
		assert.False(t, ok, name)
	}
}

func TestSameName(t *testing.T) {
	for name, c := range map[string]struct {
		zone, printed string
		truncated     bool
		want          bool
	}{
		"as the table has it":              {"MUELLER", "Müller", false, true},
		"the other way the table allows":   {"MULLER", "Müller", false, true},
		"the third way":                    {"MUXXLLER", "Müller", false, true},
		"a way no table allows":            {"MOLLER", "Müller", false, false},
		"mixed ways":                       {"OEZTURK", "Öztürk", false, true},
		"a hyphen":                         {"JEAN<LUC", "Jean-Luc", false, true},
		"words run together":               {"HAPPYPERSON", "Happy Person", false, true},
		"cut off where cutting is allowed": {"DEJTHAM", "Dejthamrong", true, true},
		"cut off within a double letter":   {"STRAUS", "Strauß", true, true},
		"cut off where it is not":          {"DEJTHAM", "Dejthamrong", false, false},
		"longer than printed":              {"ANNA<MARIA", "Anna", false, false},
		"another name":                     {"ANNA", "Anne", false, false},
		"both empty":                       {"", " ", false, true},
		"only one empty":                   {"", "Anna", false, false},
		"a script without a table":         {"TOKYO", "東京", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, c.want, mrz.SameName(c.zone, c.printed, c.truncated))
		})
	}
}

func FuzzSameName(f *testing.F) {
	f.Add("MUELLER", "Müller", false)
	f.Add("A", strings.Repeat("ÄÖ", 30), true)
	f.Fuzz(func(t *testing.T, zone, printed string, truncated bool) {
		mrz.SameName(zone, printed, truncated)
		if out, ok := mrz.Transliterate(printed); ok {
			if strings.Trim(out, "ABCDEFGHIJKLMNOPQRSTUVWXYZ<") != "" {
				t.Fatalf("characters outside of the zone: %q", out)
			}
			if !mrz.SameName(out, printed, false) {
				t.Fatalf("a name differs from its own transliteration %q", out)
			}
		}
	})
}
