package source

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"vestibule/server/aml"
)

func TestDatesOfBirthAsListsWriteThem(t *testing.T) {
	for in, want := range map[string]aml.Birth{
		"10 Dec 1948":                {From: "1948-12-10"},
		"03 May 1938.":               {From: "1938-05-03"},
		"Dec 1948":                   {From: "1948-12"},
		"Nov. 1973 ":                 {From: "1973-11"},
		"Sept 1973":                  {From: "1973-09"},
		"1948":                       {From: "1948"},
		"1948-12-10":                 {From: "1948-12-10"},
		"circa 1948":                 {From: "1948", Circa: true},
		"1948 to 1950":               {From: "1948", To: "1950"},
		"01 Jan 1960 to 31 Dec 1961": {From: "1960-01-01", To: "1961-12-31"},
		"between 1948 and 1950":      {From: "1948", To: "1950"},
	} {
		got, ok := parseBirth(in)
		assert.True(t, ok, in)
		assert.Equal(t, want, got, in)
	}
	for _, in := range []string{"", "30-35 years old", "31 Feb 1990", "24/06/1402 (Hijri Calendar)", "1950 to 1948", "1234", "13 Foo 1990", "from false passport"} {
		_, ok := parseBirth(in)
		assert.False(t, ok, in)
	}
}

func TestCountriesAreUnderstoodAsListsNameThem(t *testing.T) {
	for in, want := range map[string]string{
		"Syria": "SYR", "Syrian Arab Republic": "SYR", "Iran (Islamic Republic of)": "IRN", "Iran": "IRN", "Korea, North": "PRK",
		"Democratic People's Republic of Korea": "PRK", "Russian Federation": "RUS", "Russia": "RUS", "United States of America": "USA",
		"Congo, Democratic Republic of the": "COD", "Democratic Republic of the Congo": "COD", "United Republic of Tanzania": "TZA",
		"Burma": "MMR", "Venezuela": "VEN", "DEU": "DEU", "Ruritania": "Ruritania", "": "",
	} {
		assert.Equal(t, want, countryCode(in), in)
	}
}
