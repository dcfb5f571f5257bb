package duplicate_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vestibule/server/duplicate"
)

func TestWhoIsNearWhom(t *testing.T) {
	anna := duplicate.Traits{Family: "Müller", Given: "Anna Maria", Birth: "1974-08-12", Number: "L898902C3"}
	for name, c := range map[string]struct {
		them duplicate.Traits
		why  string // empty: they are not
	}{
		"the same":                                  {anna, duplicate.NearDocument},
		"another way of writing it":                 {duplicate.Traits{Family: "MUELLER", Given: "ANNA MARIA", Birth: "1974-08-12"}, duplicate.NearBirth},
		"names exchanged":                           {duplicate.Traits{Family: "ANNA MARIA", Given: "MULLER", Birth: "1974-08-12"}, duplicate.NearBirth},
		"a letter is missing":                       {duplicate.Traits{Family: "MULER", Given: "ANNA MARIA", Birth: "1974-08-12"}, duplicate.NearBirth},
		"one digit of the date differs":             {duplicate.Traits{Family: "MULLER", Given: "ANNA MARIA", Birth: "1974-08-13"}, duplicate.NearName},
		"two digits are exchanged":                  {duplicate.Traits{Family: "MULLER", Given: "ANNA MARIA", Birth: "1974-08-21"}, duplicate.NearName},
		"day and month are exchanged":               {duplicate.Traits{Family: "MULLER", Given: "ANNA MARIA", Birth: "1974-12-08"}, duplicate.NearName},
		"another day of birth":                      {duplicate.Traits{Family: "MULLER", Given: "ANNA MARIA", Birth: "1980-01-30"}, ""},
		"no day of birth":                           {duplicate.Traits{Family: "MULLER", Given: "ANNA MARIA"}, ""},
		"somebody born on the same day":             {duplicate.Traits{Family: "OKONKWO", Given: "CHIDI", Birth: "1974-08-12"}, ""},
		"the same document, another name":           {duplicate.Traits{Family: "SCHMIDT", Given: "ANNA", Birth: "1974-08-12", Number: "L898902C3"}, duplicate.NearDocument},
		"the same document, another name and birth": {duplicate.Traits{Family: "OKONKWO", Given: "CHIDI", Birth: "1980-01-30", Number: "L898902C3"}, ""},
		"nothing": {duplicate.Traits{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, near := duplicate.Suspect(anna, c.them)
			require.Equal(t, c.why != "", near, "names %.1f", s.Name)
			require.Equal(t, c.why, s.Why)
			back, again := duplicate.Suspect(c.them, anna)
			require.Equal(t, near, again, "it holds both ways")
			require.Equal(t, s.Why, back.Why)
			if near {
				require.NotEmpty(t, shared(anna.NearKeys(), c.them.NearKeys()), "they meet")
			}
		})
	}
}

func shared(a, b []string) (out []string) {
	for _, x := range a {
		for _, y := range b {
			if x == y {
				out = append(out, x)
			}
		}
	}
	return out
}

func TestNearKeysAreFewWhateverAPersonIsCalled(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		traits := duplicate.Traits{
			Family: rapid.String().Draw(t, "family"), Given: rapid.String().Draw(t, "given"),
			Birth: rapid.SampledFrom([]string{"", "1974-08-12", "x"}).Draw(t, "birth"), Number: rapid.String().Draw(t, "number"),
		}
		keys := traits.NearKeys()
		require.LessOrEqual(t, len(keys), 14)
		duplicate.Suspect(traits, traits)
	})
}
