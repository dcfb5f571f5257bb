package duplicate_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vestibule/journey"
	"vestibule/server/duplicate"
	"vestibule/server/duplicate/facetest"
)

func TestNamesThatAreTheSameShareAKey(t *testing.T) {
	for name, spellings := range map[string][]string{
		"umlauts are written in three ways":      {"Müller Jörg", "MUELLER JOERG", "MULLER JORG"},
		"the order of tokens does not matter":    {"Anna Maria Eriksson", "ERIKSSON ANNA MARIA"},
		"apostrophes vanish, hyphens separate":   {"O'Neill Mary-Jane", "ONEILL MARY JANE", "O’Neill Mary Jane"},
		"sharp s and slashed letters are folded": {"Strauß Łukasz", "STRAUSS LUKASZ"},
		"nordic letters are folded":              {"Ærø Bjørn Åse", "AEROE BJOERN AASE", "ARO BJORN ASE"},
		"icelandic letters are folded":           {"Þór Guðmundur", "THOR GUDMUNDUR"},
		"the dotless i is an i":                  {"Işık", "ISIK"},
		"titles are no names":                    {"Dr. Prof. Curie Marie", "CURIE MARIE"},
		"full width is the same letter":          {"ＣＵＲＩＥ", "CURIE"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, s := range spellings[1:] {
				require.Equal(t, duplicate.NameKey(spellings[0]), duplicate.NameKey(s), s)
			}
			require.NotEmpty(t, duplicate.NameKey(spellings[0]))
		})
	}
	require.NotEqual(t, duplicate.NameKey("Anna Eriksson"), duplicate.NameKey("Anne Eriksson"))
	require.Empty(t, duplicate.NameKey(" - ' "))
}

func TestNameKeyIsStableUnderRepetitionAndOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.String().Draw(t, "name")
		key := duplicate.NameKey(name)
		tokens := strings.Fields(name)
		slices.Reverse(tokens)
		if got := duplicate.NameKey(strings.Join(tokens, " ")); got != key {
			t.Fatalf("order matters: %q and %q", key, got)
		}
	})
}

func TestAKeyExistsOnlyWhenAllItsPartsDo(t *testing.T) {
	whole := journey.Submission{Document: journey.DocumentData{
		Type: journey.Passport, IssuingCountry: "UTO", Number: "L898902C3",
		Person: journey.PersonData{FamilyName: "ERIKSSON", GivenNames: "ANNA MARIA", Birth: "1974-08-12", Gender: "female", Nationality: "UTO"},
	}}
	v := duplicate.ValuesOf(whole)
	require.Equal(t, "ANNA ERIKSSON MARIA|1974-08-12|female|UTO", v.PII)
	require.Equal(t, "UTO|passport|L898902C3", v.Document)

	for name, spoil := range map[string]func(*journey.Submission){
		"no name":            func(s *journey.Submission) { s.Document.Person.FamilyName, s.Document.Person.GivenNames = "", "" },
		"unknown day":        func(s *journey.Submission) { s.Document.Person.Birth = "1974-08-00" },
		"no gender":          func(s *journey.Submission) { s.Document.Person.Gender = "" },
		"no nationality":     func(s *journey.Submission) { s.Document.Person.Nationality = "" },
		"no date whatsoever": func(s *journey.Submission) { s.Document.Person.Birth = "" },
	} {
		s := whole
		spoil(&s)
		require.Empty(t, duplicate.ValuesOf(s).PII, name)
	}
	corrected := whole
	corrected.Review = &journey.PersonData{FamilyName: "ERICSSON", Number: "L898902-C3", Corrected: true}
	require.Equal(t, "ANNA ERICSSON MARIA|1974-08-12|female|UTO", duplicate.ValuesOf(corrected).PII)
	require.Equal(t, v.Document, duplicate.ValuesOf(corrected).Document)
}

func TestTheOldestApplicantSurvivesAMerge(t *testing.T) {
	day := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	survivor, merges := duplicate.Union([]duplicate.Link{
		{Root: duplicate.Root{ID: "b", Created: day.AddDate(0, 0, 1)}, Why: duplicate.LinkFace},
		{Root: duplicate.Root{ID: "a", Created: day}, Why: duplicate.LinkPII},
		{Root: duplicate.Root{ID: "b", Created: day.AddDate(0, 0, 1)}, Why: duplicate.LinkPII},
		{Root: duplicate.Root{ID: "c", Created: day}, Why: duplicate.LinkDocument},
	})
	require.Equal(t, "a", survivor)
	require.Equal(t, []duplicate.Merge{
		{Survivor: "a", Merged: "b", Why: duplicate.LinkFace},
		{Survivor: "a", Merged: "c", Why: duplicate.LinkDocument},
	}, merges)
	survivor, merges = duplicate.Union(nil)
	require.Empty(t, survivor)
	require.Empty(t, merges)
}

func TestAPeriodOfZeroNeverEnds(t *testing.T) {
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	require.True(t, duplicate.Within(now.AddDate(-50, 0, 0), now, 0))
	require.True(t, duplicate.Within(now.Add(-time.Hour), now, time.Hour))
	require.False(t, duplicate.Within(now.Add(-time.Hour-1), now, time.Hour))
	require.True(t, duplicate.Within(now.Add(time.Minute), now, time.Hour))
}

func vector(seed uint64) []float32 {
	r := rand.New(rand.NewPCG(seed, 7))
	v := make([]float32, duplicate.Dimensions)
	var sum float64
	for i := range v {
		v[i] = float32(r.NormFloat64())
		sum += float64(v[i]) * float64(v[i])
	}
	for i := range v {
		v[i] /= float32(math.Sqrt(sum))
	}
	return v
}

func TestAFaceIsFoundAmongItsOwnProjectAndModelOnly(t *testing.T) {
	facetest.Contract(t, func(*testing.T) facetest.Index { return duplicate.NewFaceIndex() })
}

func TestATemplateSurvivesPacking(t *testing.T) {
	v := vector(1)
	back, err := duplicate.UnpackVector(duplicate.PackVector(v))
	require.NoError(t, err)
	require.Equal(t, v, back)
	_, err = duplicate.UnpackVector([]byte{1, 2, 3})
	require.Error(t, err)
}
