package aml

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"
)

func TestNamesAreReadTheSameHoweverTheyAreWritten(t *testing.T) {
	for name, c := range map[string]struct {
		in    string
		words []string
		roman []string
	}{
		"marks are dropped":                 {"José Ñandú-Łódź", []string{"jose", "nandu", "lodz"}, nil},
		"letters of their own are folded":   {"Groß Ångström Søren Đặng", []string{"gross", "angstrom", "soren", "dang"}, nil},
		"apostrophes vanish":                {"Sa'id O’Neill Fu‘ad", []string{"said", "oneill", "fuad"}, nil},
		"the given name goes first":         {"SMITH, John", []string{"john", "smith"}, nil},
		"more commas mean nothing":          {"a, b, c", []string{"a", "b", "c"}, nil},
		"wide letters are letters":          {"ＪＯＨＮ", []string{"john"}, nil},
		"Cyrillic is romanised":             {"Иван Петров", []string{"иван", "петров"}, []string{"ivan", "petrov"}},
		"Arabic loses its article":          {"عبد الرحمن", []string{"عبد", "رحمن"}, []string{"bd", "alrhmn"}},
		"Persian letters are Arabic ones":   {"یحیی", []string{"يحيي"}, []string{"ihii"}},
		"a Chinese character is a syllable": {"李伟", []string{"李伟"}, []string{"li", "wei"}},
		"a Korean syllable, the older way":  {"김정은", []string{"김정은"}, []string{"kim", "chong", "un"}},
		"nothing":                           {" -,. ", nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := read(c.in)
			assert.Equal(t, c.words, w.words)
			if c.roman == nil {
				c.roman = c.words
			}
			assert.Equal(t, c.roman, w.roman)
		})
	}
}

func TestASkeletonIsWhatSpellingsShare(t *testing.T) {
	for _, group := range [][]string{
		{"mohammed", "muhammad", "mohamad"},
		{"philipp", "filip"},
		{"qasim", "kasim", "gasim", "casim"},
		{"yousef", "yusuf", "wesef"},
		{"aleksandr", "alexandr"},
		{"zahra", "sahra"},
	} {
		for _, other := range group[1:] {
			assert.Equal(t, Skeleton(group[0]), Skeleton(other), "%s, %s", group[0], other)
		}
	}
	assert.NotEqual(t, Skeleton("marta"), Skeleton("mara"))
}

func TestDistanceCountsTheFourKindsOfSlips(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"kitten", "sitting", 3}, {"abc", "abc", 0}, {"", "abc", 3}, {"ca", "ac", 1}, {"mousa", "moua", 1}, {"marzook", "mrazook", 1}, {"ab", "b", 1}} {
		assert.Equal(t, c.want, distance([]rune(c.a), []rune(c.b), 10), "%s %s", c.a, c.b)
		assert.Equal(t, c.want, distance([]rune(c.b), []rune(c.a), 10), "%s %s", c.b, c.a)
	}
	assert.Greater(t, distance([]rune("kitten"), []rune("sitting"), 1), 1)
}

// plainDistance is optimal string alignment as the textbooks write it.
func plainDistance(a, b []rune) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range b {
		d[0][j+1] = j + 1
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}

func TestDistanceEqualsTheTextbook(t *testing.T) {
	letters := rapid.SliceOfN(rapid.SampledFrom([]rune("abcde")), 0, 12)
	rapid.Check(t, func(t *rapid.T) {
		a, b := letters.Draw(t, "a"), letters.Draw(t, "b")
		most := rapid.IntRange(0, 12).Draw(t, "most")
		got, want := distance(a, b, most), plainDistance(a, b)
		if want <= most && got != want || want > most && got <= most {
			t.Fatalf("%q %q: %d, not %d (at most %d)", string(a), string(b), got, want, most)
		}
	})
}

func TestJaroWinklerGivesThePublishedValues(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want float64
	}{{"martha", "marhta", .9611}, {"dixon", "dicksonx", .8133}, {"dwayne", "duane", .84}, {"abc", "xyz", 0}, {"a", "a", 1}} {
		assert.InDelta(t, c.want, jaroWinkler([]rune(c.a), []rune(c.b)), .0001, "%s %s", c.a, c.b)
	}
}

func TestWordsAreAlikeBothWaysAndNeverBeyondOne(t *testing.T) {
	letters := rapid.StringMatching(`[a-z]{1,10}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := newWord(letters.Draw(t, "a"), latin), newWord(letters.Draw(t, "b"), latin)
		x, howX := alike(&a, &b)
		y, howY := alike(&b, &a)
		if math.Abs(x-y) > 1e-9 || howX != howY || x < 0 || x > 1 || (x == 1) != (a.text == b.text) {
			t.Fatalf("%s %s: %v %v %v %v", a.text, b.text, x, howX, y, howY)
		}
	})
}

func TestWordsOneEditApartShareAKey(t *testing.T) {
	letters := rapid.StringMatching(`[a-z]{4,10}`)
	rapid.Check(t, func(t *rapid.T) {
		text := letters.Draw(t, "word")
		at := rapid.IntRange(0, len(text)-1).Draw(t, "at")
		other := text[:at] + string(rune(rapid.IntRange('a', 'z').Draw(t, "letter"))) + text[at+1:]
		a, b := newWord(text, latin), newWord(other, latin)
		keys := make(map[uint64]bool)
		a.keys(func(k uint64) { keys[k] = true })
		shared := false
		b.keys(func(k uint64) { shared = shared || keys[k] })
		if !shared {
			t.Fatalf("%s and %s share no key", text, other)
		}
	})
}

func TestDatesOfBirthAreComparedAsFarAsTheyAreKnown(t *testing.T) {
	for name, c := range map[string]struct {
		person string
		listed Birth
		want   string
	}{
		"the same day":                         {"1961-03-12", Birth{From: "1961-03-12"}, birthEqual},
		"the same year, no more is listed":     {"1961-03-12", Birth{From: "1961"}, birthConsonant},
		"the same month, no more is listed":    {"1961-03-12", Birth{From: "1961-03"}, birthConsonant},
		"another month of the year":            {"1961-04-12", Birth{From: "1961-03"}, birthNear},
		"no more is known of the person":       {"1961-00-00", Birth{From: "1961-03-12"}, birthConsonant},
		"day and month exchanged":              {"1961-12-03", Birth{From: "1961-03-12"}, birthSwapped},
		"another day":                          {"1961-03-13", Birth{From: "1961-03-12"}, birthNear},
		"the year after":                       {"1962-03-12", Birth{From: "1961"}, birthNear},
		"two years after":                      {"1963", Birth{From: "1961"}, birthNear},
		"three years after":                    {"1964", Birth{From: "1961"}, birthDifferent},
		"a slip in the decade":                 {"1971-03-12", Birth{From: "1961-03-12"}, birthNear},
		"nine years after, the same day":       {"1970-03-12", Birth{From: "1961-03-12"}, birthDifferent},
		"two years after, another day":         {"1963-05-05", Birth{From: "1961-03-12"}, birthDifferent},
		"an estimate":                          {"1963-03-12", Birth{From: "1961", Circa: true}, birthConsonant},
		"far from an estimate":                 {"1965-03-12", Birth{From: "1961", Circa: true}, birthDifferent},
		"within a period":                      {"1962-03-12", Birth{From: "1961", To: "1963"}, birthConsonant},
		"beside a period":                      {"1964-03-12", Birth{From: "1961", To: "1963"}, birthNear},
		"outside a period":                     {"1966-03-12", Birth{From: "1961", To: "1963"}, birthDifferent},
		"a list that gives no date to compare": {"1966-03-12", Birth{From: "unknown"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			d, ok := readDay(c.person)
			assert.True(t, ok)
			assert.Equal(t, c.want, compareBirth(d, c.listed))
		})
	}
	for _, s := range []string{"", "61", "1961-3-1", "1961-13-01", "1961-01-32", "abcd", "1961-01-01-01"} {
		_, ok := readDay(s)
		assert.False(t, ok, s)
	}
}
