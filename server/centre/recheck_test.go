package centre

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/models"
	"vestibule/models/mrz"
)

func TestThePersonalNumberInTheZoneIsComparedWithTheOneHandedIn(t *testing.T) {
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		layout   mrz.Layout
		optional string // in the zone as the centre reads it
		handedIn string
		differs  []string
	}{
		"the same":                               {mrz.TD3, "7408120036", "7408120036", nil},
		"another one":                            {mrz.TD3, "7408120036", "7408121238", []string{"personal number"}},
		"another one on a card":                  {mrz.TD1, "7408120036", "7408121238", []string{"personal number"}},
		"none in the zone: it stood in print":    {mrz.TD3, "", "7408121238", nil},
		"none handed in: it was not read surely": {mrz.TD3, "7408120036", "", nil},
		"other optional data":                    {mrz.TD3, "AB12", "AB13", nil},
	} {
		t.Run(name, func(t *testing.T) {
			content := mrz.Content{
				Layout: c.layout, Code: "P", Issuer: "BGR", FamilyName: "ERIKSSON", GivenNames: "ANNA MARIA", Number: "L898902C3",
				Nationality: "BGR", Birth: "1974-08-12", Sex: "female", Expiry: "2031-04-15", Optional: c.optional,
			}
			if c.layout == mrz.TD1 {
				content.Code, content.Optional, content.Optional2 = "ID", "", c.optional
			}
			lines, err := mrz.Write(content)
			require.NoError(t, err)
			z, err := mrz.Parse(lines, mrz.On(now))
			require.NoError(t, err)
			said := compareDocument(journey.Submission{Created: now, Document: journey.DocumentData{
				Number: "L898902C3", IssuingCountry: "BGR", ExpiryDate: "2031-04-15", PersonalNumber: c.handedIn,
				Person: journey.PersonData{FamilyName: "ERIKSSON", GivenNames: "ANNA MARIA", Nationality: "BGR", Birth: "1974-08-12"},
			}}, models.Document{MRZ: &z, Agreed: true})
			assert.True(t, said.Read)
			assert.Equal(t, c.differs, said.Differs)
		})
	}
}
