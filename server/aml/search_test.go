package aml_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vestibule/journey"
	"vestibule/server/aml"
	"vestibule/server/aml/source"
)

const fixtures = "../../testdata/aml"

func ofac(t testing.TB) aml.List {
	t.Helper()
	l, err := source.Load(source.OFACCSV, fixtures, "")
	require.NoError(t, err)
	return l
}

func un(t testing.TB) aml.List {
	t.Helper()
	l, err := source.Load(source.UNXML, filepath.Join(fixtures, "un.xml"), "")
	require.NoError(t, err)
	return l
}

func index(t testing.TB) *aml.Index {
	t.Helper()
	x, err := aml.Build(ofac(t), un(t))
	require.NoError(t, err)
	return x
}

func search(t testing.TB, x *aml.Index, q aml.Query) []aml.Match {
	t.Helper()
	found, err := x.Search(q)
	require.NoError(t, err)
	return found
}

var flag = journey.DefaultPolicy().AML.Flag

func TestAListedPersonIsFoundHoweverTheNameIsWritten(t *testing.T) {
	x := index(t)
	for name, c := range map[string]struct{ query, entity string }{
		"as listed":                        {"VORENTHAL, Kasimir Ondrej", "9001"},
		"given names first":                {"Kasimir Ondrej Vorenthal", "9001"},
		"in another order":                 {"Ondrej Vorenthal Kasimir", "9001"},
		"without the middle name":          {"Kasimir Vorenthal", "9001"},
		"with a letter missing":            {"Kasimir Ondrej Vorental", "9001"},
		"with a letter too much":           {"Kasimirr Ondrej Vorenthal", "9001"},
		"with letters exchanged":           {"Ksaimir Ondrej Vorentahl", "9001"},
		"with a wrong letter in every one": {"Kasimip Ondraj Vorenfhal", "9001"},
		"with other vowels":                {"Casemir Andrej Verenthol", "9001"},
		"as an alias":                      {"Casimir Vorenthall", "9001"},
		"with two names joined":            {"Kasimirondrej Vorenthal", "9001"},
		"with one name parted":             {"Kasimir Ondrej Voren Thal", "9001"},
		"with marks":                       {"Kašimír Ondřej Vörenthal", "9001"},
		"with an initial":                  {"K. Ondrej Vorenthal", "9001"},
		"without the title":                {"Behrouz Qasemzadegan", "9002"},
		"spelled by another rule":          {"Behruz Ghasemzadegan", "9002"},
		"with the article joined":          {"Nuraddin Abdullatif Altarhuniyani", "9003"},
		"without the article":              {"Nuraddin Tarhuniyani", "9003"},
		"with one of two family names":     {"Isaura Montequiral", "9004"},
		"in the original script":           {"طارق زهيرابادي منصوربور", "TEi.001"},
		"in the original script, shorter":  {"طارق زهیرآبادی", "TEi.001"},
		"in Cyrillic, listed in Latin":     {"Анатолий Северяненко", "9006"},
		"in Chinese":                       {"李测伟", "TEi.003"},
		"in Latin, listed in Chinese only": {"LI CEWEI", "TEi.003"},
		"with a hyphen":                    {"PAK Chol-Ryong", "9005"},
	} {
		t.Run(name, func(t *testing.T) {
			found := search(t, x, aml.Query{Name: c.query})
			require.NotEmpty(t, found)
			assert.Equal(t, c.entity, found[0].Entity)
			floor := flag
			if strings.Contains(name, "listed in") {
				floor = 70 // across scripts a name alone is never certain
			}
			assert.GreaterOrEqual(t, found[0].Score, floor, "%s: %v", found[0].Name, found[0].Why)
		})
	}
}

func TestOthersAreNotFlagged(t *testing.T) {
	x := index(t)
	for _, name := range []string{
		"Maria Schmidt", "Kasimir Novak", "Ondrej Novotny", "Behrouz Ahmadi", "Isaura Gonzalez", "Anatoliy Kovalenko",
		"Jean Ndombele", "Tariq Mansour", "Li Wei", "Kim Chol", "Nuraddin Hasan", "Latif", "Kasimir", "محمد علي", "王伟", "김정은",
	} {
		for _, m := range search(t, x, aml.Query{Name: name}) {
			assert.Less(t, m.Score, flag, "%s is not %s: %v", name, m.Name, m.Why)
		}
	}
}

func TestEveryWordOfBothNamesIsAccountedFor(t *testing.T) {
	found := search(t, index(t), aml.Query{Name: "Casimir Vorentahl Smith"})
	require.NotEmpty(t, found)
	m := found[0]
	assert.Equal(t, "9001", m.Entity)
	assert.Equal(t, aml.Alias, m.Kind)
	how := make(map[string]aml.How)
	for _, w := range m.Why {
		how[w.Query+"→"+w.Listed] = w.How
		assert.LessOrEqual(t, w.Alike, 1.)
	}
	assert.Equal(t, map[string]aml.How{"casimir→casimir": aml.Equal, "vorentahl→vorenthall": aml.Sounding, "smith→": aml.Missing}, how)

	found = search(t, index(t), aml.Query{Name: "Kasimirondrej Vorenthal"})
	assert.Contains(t, found[0].Why, aml.TokenMatch{Query: "kasimirondrej", Listed: "kasimir ondrej", How: aml.Joined, Alike: .99, Weight: found[0].Why[0].Weight})
}

func TestADateOfBirthRanksAndDistinguishes(t *testing.T) {
	x := index(t)
	score := func(name, birth string) float64 {
		found := search(t, x, aml.Query{Name: name, Birth: birth})
		require.NotEmpty(t, found)
		return found[0].Score
	}
	const name = "Kasimir Ondrej Vorenthal" // 1961-03-12
	without := score(name, "")
	assert.Equal(t, 97., without, "an equal name alone is not yet everything")
	assert.Equal(t, 100., score(name, "1961-03-12"))
	assert.Equal(t, 98., score(name, "1961-00-00"), "the year alone does not contradict")
	assert.Less(t, score(name, "1961-12-03"), without, "day and month exchanged")
	assert.Greater(t, score(name, "1961-12-03"), score(name, "1961-03-13"))
	assert.Greater(t, score(name, "1961-03-13"), score(name, "1985-03-12"))
	assert.Less(t, score(name, "1985-03-12"), flag, "another date of birth is another person")
	assert.Equal(t, without, score(name, "not a date"))
	assert.Greater(t, score("Tariq Zuhayrabadi Mansurpur", "1974-02-02"), 97., "the best of several dates counts")
}

func TestANameAloneIsNeverSupported(t *testing.T) {
	x := index(t)
	first := func(q aml.Query) aml.Match { return search(t, x, q)[0] }
	assert.False(t, first(aml.Query{Name: "Kasimir Ondrej Vorenthal"}).Supported())
	assert.False(t, first(aml.Query{Name: "Kasimir Ondrej Vorenthal", Birth: "1961-03-13"}).Supported())
	assert.True(t, first(aml.Query{Name: "Kasimir Ondrej Vorenthal", Birth: "1961-03-12"}).Supported())
	assert.True(t, first(aml.Query{Name: "Kasimir Ondrej Vorenthal", Birth: "1961"}).Supported(), "nothing that is known contradicts")
}

func TestADocumentNumberIsSupportedOnlyByADateOfBirthThatAgrees(t *testing.T) {
	x := index(t)
	for name, c := range map[string]struct {
		birth     string
		supported bool
	}{
		"no date of birth":           {"", false},
		"another date of birth":      {"1985-07-01", false},
		"day and month exchanged":    {"1961-12-03", false},
		"a date that is none":        {"12 March", false},
		"the same day":               {"1961-03-12", true},
		"the same year, day unknown": {"1961-00-00", true},
	} {
		t.Run(name, func(t *testing.T) {
			found := search(t, x, aml.Query{Name: "Somebody Else", Document: "A0194837", Birth: c.birth})
			require.NotEmpty(t, found)
			assert.Equal(t, "9001", found[0].Entity)
			assert.Equal(t, 100., found[0].Score, "the date does not hide the number")
			assert.Equal(t, c.supported, found[0].Supported())
		})
	}
}

func TestOtherFactsCount(t *testing.T) {
	x := index(t)
	base := aml.Query{Name: "Kasimir Ondrej Vorenthal"}
	with := func(change func(*aml.Query)) aml.Match {
		q := base
		change(&q)
		return search(t, x, q)[0]
	}
	assert.Equal(t, 91., with(func(q *aml.Query) { q.Gender = "female" }).Score)
	assert.Equal(t, 97., with(func(q *aml.Query) { q.Gender = "male" }).Score)
	assert.Equal(t, 98., with(func(q *aml.Query) { q.Country = "IRN" }).Score)
	assert.Equal(t, 97., with(func(q *aml.Query) { q.Country = "DEU" }).Score)
}

func TestADocumentNumberFindsWhomNoNameFinds(t *testing.T) {
	x := index(t)
	found := search(t, x, aml.Query{Name: "Somebody Else", Document: "a-019 4837", Issuer: "SYR"})
	require.NotEmpty(t, found)
	assert.Equal(t, "9001", found[0].Entity)
	assert.Equal(t, 100., found[0].Score)
	assert.Equal(t, []aml.Fact{{What: "document", How: "equal", Points: 100}}, found[0].Facts)
	assert.Less(t, found[0].NameOnly, 50., "and the name is not made to look alike")
	for _, m := range search(t, x, aml.Query{Name: "Somebody Else", Document: "A0194837", Issuer: "DEU"}) {
		assert.Less(t, m.Score, flag, "the same number of another issuer is another document")
	}
	for _, m := range search(t, x, aml.Query{Name: "Somebody Else", Document: "77"}) {
		assert.Less(t, m.Score, flag)
	}
}

func TestASearchKeepsToItsBounds(t *testing.T) {
	x := index(t)
	for _, m := range search(t, x, aml.Query{Name: "Tariq Vorenthal", Sources: []aml.Source{aml.SourceUN}}) {
		assert.Equal(t, aml.SourceUN, m.Source)
	}
	assert.Len(t, search(t, x, aml.Query{Name: "Kasimir Qasemzadegan Pak", Most: 1}), 1)
	for _, m := range search(t, x, aml.Query{Name: "Kasimir Qasemzadegan", AtLeast: 60}) {
		assert.GreaterOrEqual(t, m.Score, 60.)
	}
	found := search(t, x, aml.Query{Name: strings.Repeat("Kasimir ", 100)})
	for _, m := range found {
		assert.Less(t, m.Score, flag)
	}
}

func TestOnlyPeopleAreCompared(t *testing.T) {
	for _, m := range search(t, index(t), aml.Query{Name: "EXAMPLE TRADING HOUSE"}) {
		assert.NotEqual(t, "9007", m.Entity)
	}
}

func TestWhatCannotBeScreenedIsNeverClear(t *testing.T) {
	x := index(t)
	for _, name := range []string{"", "   ", "--- '", strings.Repeat("a", 2000)} {
		_, err := x.Search(aml.Query{Name: name})
		assert.ErrorIs(t, err, aml.ErrNotScreened, "%.10q", name)
	}
	var empty aml.Screener
	_, err := empty.Screen(aml.Query{Name: "Maria Schmidt"})
	assert.ErrorIs(t, err, aml.ErrNotScreened)
	_, err = aml.Build()
	assert.ErrorIs(t, err, aml.ErrEmptyList)
	_, err = aml.Build(aml.List{Source: "x", Entities: []aml.Entity{{ID: "1", Type: aml.Vessel, Names: []aml.Name{{Text: "A"}}}}})
	assert.ErrorIs(t, err, aml.ErrEmptyList)
	_, err = aml.Build(ofac(t), ofac(t))
	assert.ErrorContains(t, err, "given twice")
}

func TestAScreenerTellsWhatItSearched(t *testing.T) {
	x := index(t)
	var s aml.Screener
	assert.Nil(t, s.Swap(x))
	r, err := s.Screen(aml.Query{Name: "Maria Schmidt", AtLeast: flag})
	require.NoError(t, err)
	assert.NotNil(t, r.Matches)
	assert.Empty(t, r.Matches)
	assert.Equal(t, 6+3, r.People)
	require.Len(t, r.Lists, 2)
	assert.Equal(t, ofac(t).Snapshot, r.Lists[0].ID)
	assert.Equal(t, index(t).ID(), r.Index, "the same lists give the same id")
	assert.True(t, strings.HasPrefix(r.Index, aml.Engine))
	e, ok := x.Entity(aml.SourceUN, "TEi.002")
	assert.True(t, ok)
	assert.Equal(t, "TEi.002", e.ID)
	_, ok = x.Entity(aml.SourceOFAC, "TEi.002")
	assert.False(t, ok)
}

func TestListsAreSwappedWithoutASearchFailing(t *testing.T) {
	one, err := aml.Build(ofac(t))
	require.NoError(t, err)
	both := index(t)
	var s aml.Screener
	s.Swap(one)
	var wait sync.WaitGroup
	for worker := range 4 {
		wait.Go(func() {
			for i := range 300 {
				r, err := s.Screen(aml.Query{Name: "Kasimir Vorenthal"})
				if err != nil || len(r.Matches) == 0 || r.Matches[0].Entity != "9001" || len(r.Lists) < 1 || len(r.Lists) > 2 {
					t.Errorf("search %d of worker %d: %v %v", i, worker, r, err)
					return
				}
			}
		})
	}
	for i := range 300 {
		s.Swap([]*aml.Index{one, both}[i%2])
	}
	wait.Wait()
}

func TestTheSameQuestionHasTheSameAnswer(t *testing.T) {
	a, b := index(t), index(t)
	for _, name := range []string{"Kasimir Qasemzadegan Pak", "Tareq Zoheirabadi", "طارق", "Li"} {
		q := aml.Query{Name: name, Birth: "1961-03-12"}
		want := search(t, a, q)
		for range 5 {
			assert.Equal(t, want, search(t, a, q))
		}
		assert.Equal(t, want, search(t, b, q))
	}
	l := ofac(t)
	slices.Reverse(l.Entities)
	reversed, err := aml.Build(l, un(t))
	require.NoError(t, err)
	q := aml.Query{Name: "Kasimir Behrouz Anatoliy"}
	assert.Equal(t, search(t, a, q), search(t, reversed, q), "whatever order the entries were kept in")
}

// One typing error in one long word never hides a person.
func TestOneTypingErrorNeverHidesAPerson(t *testing.T) {
	x := index(t)
	names := map[string]string{"Kasimir Ondrej Vorenthal": "9001", "Behrouz Qasemzadegan": "9002", "Isaura Leocadia Montequiral": "9004", "Gaspard Ndolombayi": "TEi.002"}
	var list []string
	for name := range names {
		list = append(list, name)
	}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(list).Draw(t, "name")
		words := strings.Fields(name)
		i := rapid.IntRange(0, len(words)-1).Draw(t, "word")
		w := words[i]
		at := rapid.IntRange(0, len(w)-2).Draw(t, "at")
		letter := string(rune(rapid.IntRange('a', 'z').Draw(t, "letter")))
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			w = w[:at] + w[at+1:]
		case 1:
			w = w[:at] + letter + w[at:]
		case 2:
			w = w[:at] + letter + w[at+1:]
		case 3:
			w = w[:at] + w[at+1:at+2] + w[at:at+1] + w[at+2:]
		}
		words[i] = w
		found, err := x.Search(aml.Query{Name: strings.Join(words, " ")})
		if err != nil || len(found) == 0 || found[0].Entity != names[name] || found[0].Score < flag {
			t.Fatalf("%v: %v %v", words, found, err)
		}
	})
}

func TestCompareIsSymmetricEnoughAndBounded(t *testing.T) {
	assert.Equal(t, 97., aml.Compare("John Smith", "SMITH, John"))
	assert.Zero(t, aml.Compare("", "John"))
	assert.Zero(t, aml.Compare("John Smith", "Maria Garcia"))
	assert.Greater(t, aml.Compare("John William Smith", "John Smith"), aml.Compare("John William Smith", "John Edward Smith"), "leaving out is less than contradicting")
	assert.Greater(t, aml.Compare("Владимир Иванов", "Vladimir Ivanov"), 85.)
}

func FuzzSearch(f *testing.F) {
	x, err := aml.Build(ofac(f), un(f))
	require.NoError(f, err)
	for _, s := range []string{"Kasimir Vorenthal", "", "طارق زهيرابادي", "李测伟", "김 정은", "a b c d e f g h i j k l m n o p q r s t u v w x y z", "\xff\xfe", "İ ß ﬁ ½", "หนึ่ง สอง", strings.Repeat("é", 300)} {
		f.Add(s, "1961-03-12", "A0194837")
	}
	f.Fuzz(func(t *testing.T, name, birth, document string) {
		found, err := x.Search(aml.Query{Name: name, Birth: birth, Document: document, Most: 5})
		if err != nil {
			if !errors.Is(err, aml.ErrNotScreened) {
				t.Fatalf("%v", err)
			}
			return
		}
		for i, m := range found {
			if m.Score < 0 || m.Score > 100 || m.NameOnly < 0 || m.NameOnly > 97 || i > 0 && m.Score > found[i-1].Score {
				t.Fatalf("%q: %+v", name, m)
			}
		}
		aml.Compare(name, birth)
	})
}

// BenchmarkSearch measures one query against 20,000 invented people.
func BenchmarkSearch(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	syllables := strings.Fields("ka ri mo sen ta lu vor en thal be no di ra shi gu pol an dre ma zek ul fa min to ge ob wa lin")
	word := func() string {
		var s strings.Builder
		for range 2 + r.IntN(3) {
			s.WriteString(syllables[r.IntN(len(syllables))])
		}
		return s.String()
	}
	l := aml.List{Source: "bench", Snapshot: "bench"}
	var names []string
	for i := range 20_000 {
		name := word() + " " + word() + " " + word()
		names = append(names, name)
		l.Entities = append(l.Entities, aml.Entity{ID: fmt.Sprint(i), Source: "bench", Type: aml.Person, Names: []aml.Name{{Text: name, Kind: aml.Primary}}})
	}
	x, err := aml.Build(l)
	require.NoError(b, err)
	i := 0
	for b.Loop() {
		if _, err := x.Search(aml.Query{Name: names[i%len(names)], AtLeast: 60}); err != nil {
			b.Fatal(err)
		}
		i++
	}
}
