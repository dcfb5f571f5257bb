package same_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/sync/same"
)

func TestAKeyNeedsEverythingThatItIsMadeOf(t *testing.T) {
	whole := journey.PersonData{FamilyName: "Müller", GivenNames: "Anna", Birth: "1974-08-12", Gender: "female", Nationality: "UTO"}
	require.Equal(t, "ANNA MULLER|1974-08-12|female|UTO", same.Data(whole))
	for name, change := range map[string]func(*journey.PersonData){
		"the name":                   func(p *journey.PersonData) { p.FamilyName, p.GivenNames = "", "'" },
		"the date of birth":          func(p *journey.PersonData) { p.Birth = "" },
		"the day of the birth":       func(p *journey.PersonData) { p.Birth = "1974-08-00" },
		"the gender":                 func(p *journey.PersonData) { p.Gender = "" },
		"the nationality is missing": func(p *journey.PersonData) { p.Nationality = "" },
	} {
		p := whole
		change(&p)
		require.Empty(t, same.Data(p), name)
	}
	d := journey.DocumentData{Type: journey.Passport, IssuingCountry: "uto"}
	require.Equal(t, "UTO|passport|L898902C3", same.Document(d, "l898902-c3"))
	require.Empty(t, same.Document(d, "<<"))
	require.Empty(t, same.Document(journey.DocumentData{Type: journey.Passport}, "L898902C3"))
}

func TestWhatThePersonCorrectedGoesOverWhatWasRead(t *testing.T) {
	s := journey.Submission{Document: journey.DocumentData{Number: "1", ExpiryDate: "2031-01-01", Person: journey.PersonData{FamilyName: "Ericsson", GivenNames: "Anna"}}}
	require.Equal(t, journey.PersonData{FamilyName: "Ericsson", GivenNames: "Anna", Number: "1", Expiry: "2031-01-01"}, same.Person(s))
	s.Review = &journey.PersonData{FamilyName: "Eriksson", Number: "2", Corrected: true}
	require.Equal(t, journey.PersonData{FamilyName: "Eriksson", GivenNames: "Anna", Number: "2", Expiry: "2031-01-01", Corrected: true}, same.Person(s))
}
