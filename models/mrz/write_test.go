package mrz_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vestibule/models/mrz"
)

func TestWriteMakesTheSpecimensOfTheStandard(t *testing.T) {
	c := mrz.Content{Issuer: "UTO", FamilyName: "Eriksson", GivenNames: "Anna Maria", Nationality: "UTO", Birth: "1974-08-12", Sex: "female", Expiry: "2012-04-15"}
	td3 := c
	td3.Layout, td3.Code, td3.Number, td3.Optional = mrz.TD3, "P", "L898902C3", "ZE184226B"
	td1 := c
	td1.Layout, td1.Code, td1.Number = mrz.TD1, "I", "D23145890"
	td2 := td1
	td2.Layout = mrz.TD2
	long := mrz.Content{Layout: mrz.TD1, Code: "I", Issuer: "UTO", FamilyName: "Stevenson", GivenNames: "Peter John", Nationality: "UTO", Number: "D23145890734", Birth: "1934-07-12", Sex: "male", Expiry: "1995-07-12"}
	for want, c := range map[string]mrz.Content{
		strings.Join(specimenTD3, " "): td3,
		strings.Join(specimenTD1, " "): td1,
		strings.Join(specimenTD2, " "): td2,
		"I<UTOD23145890<7349<<<<<<<<<<< 3407127M9507122UTO<<<<<<<<<<<2 STEVENSON<<PETER<JOHN<<<<<<<<<": long,
	} {
		got, err := mrz.Write(c)
		require.NoError(t, err)
		assert.Equal(t, want, strings.Join(got, " "))
	}
}

func TestWriteShortensNamesSoThatItShows(t *testing.T) {
	for name, c := range map[string]struct{ family, given, want string }{
		"given names are cut":                      {"NILAVADHANANANDA", "CHAYAPA DEJTHAMRONG KRASUANG", "NILAVADHANANANDA<<CHAYAPA<DEJTHAMRONG<K"},
		"a cut between words moves one letter in":  {"NILAVADHANANANDA", "CHAYAPA DEJTHAMRONGK ASUANG", "NILAVADHANANANDA<<CHAYAPA<DEJTHAMRONG<A"},
		"a long family name leaves an initial":     {strings.Repeat("A", 60), "Bea", strings.Repeat("A", 36) + "<<B"},
		"exactly as long as the field stays whole": {strings.Repeat("A", 34), "Bea", strings.Repeat("A", 34) + "<<BEA"},
	} {
		t.Run(name, func(t *testing.T) {
			lines, err := mrz.Write(mrz.Content{Layout: mrz.TD3, Code: "P", Issuer: "UTO", FamilyName: c.family, GivenNames: c.given, Number: "1", Nationality: "UTO"})
			require.NoError(t, err)
			assert.Equal(t, c.want, lines[0][5:])
			assert.True(t, parse(t, lines...).Truncated)
		})
	}
}

func TestWriteRefusesWhatDoesNotFit(t *testing.T) {
	good := mrz.Content{Layout: mrz.TD3, Code: "P", Issuer: "UTO", FamilyName: "A", Number: "1", Nationality: "UTO", Birth: "1990-01-01"}
	_, err := mrz.Write(good)
	require.NoError(t, err)
	for name, change := range map[string]func(*mrz.Content){
		"a number too long for a passport":    func(c *mrz.Content) { c.Number = "1234567890" },
		"a letter without transliteration":    func(c *mrz.Content) { c.FamilyName = "東" },
		"no family name":                      func(c *mrz.Content) { c.FamilyName = " " },
		"a date of another form":              func(c *mrz.Content) { c.Birth = "01.01.1990" },
		"another sex":                         func(c *mrz.Content) { c.Sex = "F" },
		"another layout":                      func(c *mrz.Content) { c.Layout = "TD9" },
		"the French layout with a passport's": func(c *mrz.Content) { c.Layout = mrz.FRID },
		"a French card of another state": func(c *mrz.Content) {
			*c = mrz.Content{Layout: mrz.FRID, Code: "ID", Issuer: "UTO", FamilyName: "A", Number: "1", Sex: "male"}
		},
		"a French card that expires": func(c *mrz.Content) {
			*c = mrz.Content{Layout: mrz.FRID, Code: "ID", Issuer: "FRA", FamilyName: "A", Number: "1", Sex: "male", Expiry: "2030-01-01"}
		},
		"a French card without a sex": func(c *mrz.Content) {
			*c = mrz.Content{Layout: mrz.FRID, Code: "ID", Issuer: "FRA", FamilyName: "A", Number: "1"}
		},
		"a visa's code on a passport":        func(c *mrz.Content) { c.Code = "V" },
		"digits for an issuer":               func(c *mrz.Content) { c.Issuer = "U70" },
		"a second optional field":            func(c *mrz.Content) { c.Optional2 = "1" },
		"optional data that does not fit":    func(c *mrz.Content) { c.Optional = strings.Repeat("1", 15) },
		"a character the zone does not know": func(c *mrz.Content) { c.Number = "A-1" },
	} {
		t.Run(name, func(t *testing.T) {
			c := good
			change(&c)
			_, err := mrz.Write(c)
			require.ErrorIs(t, err, mrz.ErrContent)
		})
	}
}

// drawContent draws what a zone of any layout may say.
func drawContent(t *rapid.T) mrz.Content {
	word := rapid.StringMatching(`[A-Z]{1,8}`)
	layout := rapid.SampledFrom(mrz.Layouts()).Draw(t, "layout")
	c := mrz.Content{
		Layout: layout,
		Code: rapid.SampledFrom(map[mrz.Layout][]string{
			mrz.TD1: {"I", "ID", "AC", "C", "D"}, mrz.TD2: {"I", "AC", "IP"}, mrz.TD3: {"P", "PD"}, mrz.MRVA: {"V", "VA"}, mrz.MRVB: {"V", "VB"}, mrz.FRID: {"ID"},
		}[layout]).Draw(t, "code"),
		Issuer:     rapid.SampledFrom([]string{"UTO", "D", "FRA", "XOM", "RKS"}).Draw(t, "issuer"),
		FamilyName: strings.Join(rapid.SliceOfN(word, 1, 2).Draw(t, "family"), " "),
		Sex:        rapid.SampledFrom([]string{"male", "female", "x", ""}).Draw(t, "sex"),
		Number:     rapid.StringMatching(`[A-Z0-9]{1,9}`).Draw(t, "number"),
		Optional:   rapid.StringMatching(`([A-Z0-9]{1,5})?`).Draw(t, "optional"),
		Birth:      drawDate(t, "birth", 1927, 2026),
	}
	if rapid.Bool().Draw(t, "given") {
		c.GivenNames = word.Draw(t, "given names")
	}
	if layout == mrz.FRID {
		c.Issuer, c.Number = "FRA", rapid.StringMatching(`[0-9]{12}`).Draw(t, "French number")
		c.Sex = rapid.SampledFrom([]string{"male", "female"}).Draw(t, "sex of two")
		c.Birth = rapid.SampledFrom([]string{"1965-12-06", "2001-01-31", "1999-02-28"}).Draw(t, "whole birth date")
		if c.GivenNames != "" && rapid.Bool().Draw(t, "second name") {
			c.GivenNames += " " + rapid.StringMatching(`[A-Z]{1,4}`).Draw(t, "second")
		}
		return c
	}
	c.Nationality = rapid.SampledFrom([]string{"UTO", "D", "GBD", "XXA", ""}).Draw(t, "nationality")
	c.Expiry = drawDate(t, "expiry", 2017, 2076)
	if layout == mrz.TD1 {
		c.Optional2 = rapid.StringMatching(`([A-Z0-9]{1,11})?`).Draw(t, "optional 2")
	}
	switch layout {
	case mrz.TD1, mrz.TD2:
		if rapid.Bool().Draw(t, "long") {
			c.Number = rapid.StringMatching(`[A-Z0-9]{10,14}`).Draw(t, "long number")
			if layout == mrz.TD2 { // the rest may take all of the optional data
				c.Optional = ""
			}
			c.Counted = rapid.Bool().Draw(t, "counted")
		}
	}
	return c
}

// contentOf is what was read, as Write takes it.
func contentOf(d mrz.Document) mrz.Content {
	return mrz.Content{
		Layout: d.Layout, Code: d.Code.Value, Issuer: d.Issuer.Value, FamilyName: d.FamilyName.Value,
		GivenNames: d.GivenNames.Value, Number: d.Number.Value, Nationality: d.Nationality.Value,
		Birth: d.Birth.Value, Sex: d.Sex.Value, Expiry: d.Expiry.Value, Optional: d.Optional.Value,
		Optional2: d.Optional2.Value, Counted: d.LongNumber == mrz.LongCounted,
	}
}

func TestWhatIsWrittenIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawContent(t)
		lines, err := mrz.Write(c)
		if err != nil {
			t.Fatal(err)
		}
		d, err := mrz.Parse(lines, mrz.On(today))
		if err != nil {
			t.Fatal(err)
		}
		got := contentOf(d)
		if d.LongNumber == mrz.LongEither { // chance: nobody can tell which way it was meant
			got.Counted = c.Counted
		}
		if got != c {
			t.Fatalf("wrote %+v\nread  %+v\n%s", c, got, strings.Join(lines, "\n"))
		}
		if long := len(c.Number) > 9 && c.Layout != mrz.FRID; long != (d.LongNumber != "") {
			t.Fatalf("a number of %d characters: long %q", len(c.Number), d.LongNumber)
		}
		if !d.Valid() || len(d.Swaps) > 0 {
			t.Fatalf("not valid: %+v", d)
		}
		again, err := mrz.Write(got)
		if err != nil || strings.Join(again, " ") != strings.Join(lines, " ") {
			t.Fatalf("written again: %v\n%s\n%s", err, strings.Join(lines, "\n"), strings.Join(again, "\n"))
		}
	})
}

func TestLookAlikesInPlacesOfOneKindAreReadBackAndListed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines, err := mrz.Write(drawContent(t))
		if err != nil {
			t.Fatal(err)
		}
		clean, err := mrz.Parse(lines, mrz.On(today))
		if err != nil {
			t.Fatal(err)
		}
		kinds := clean.Layout.Kinds()
		spoilt, want := append([]string(nil), lines...), []mrz.Swap(nil)
		for i, l := range lines {
			b := []byte(l)
			for j, c := range b {
				k := kinds[i][j]
				if i == 0 && j == 0 || k&mrz.SexKind != 0 { // the first letter tells the layout
					continue
				}
				var other byte
				if at := strings.IndexByte("018526", c); k&mrz.Letter == 0 && at >= 0 {
					other = "OIBSZG"[at]
				} else if at := strings.IndexByte("OIBSZG", c); k&mrz.Digit == 0 && at >= 0 {
					other = "018526"[at]
				}
				if other != 0 && rapid.Bool().Draw(t, "spoil") {
					b[j] = other
					want = append(want, mrz.Swap{Line: i, Column: j, From: other, To: c})
				}
			}
			spoilt[i] = string(b)
		}
		d, err := mrz.Parse(spoilt, mrz.On(today))
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(d.Swaps) != fmt.Sprint(want) {
			t.Fatalf("swaps %v, want %v", d.Swaps, want)
		}
		if contentOf(d) != contentOf(clean) || strings.Join(d.Corrected(), " ") != strings.Join(lines, " ") {
			t.Fatalf("spoilt %v\nreads %+v\nwant  %+v", spoilt, contentOf(d), contentOf(clean))
		}
	})
}

func TestWriteMakesTheOldFrenchCard(t *testing.T) {
	c := mrz.Content{Layout: mrz.FRID, Code: "ID", Issuer: "FRA", FamilyName: "Berthier", GivenNames: "Corinne", Number: "940992310285", Birth: "1965-12-06", Sex: "female"}
	lines, err := mrz.Write(c)
	require.NoError(t, err)
	assert.Equal(t, []string{"IDFRABERTHIER<<<<<<<<<<<<<<<<<<<<<<<", "9409923102854CORINNE<<<<<<<6512068F4"}, lines)
	t.Run("given names stand apart by two fillers, a hyphen is one", func(t *testing.T) {
		c.GivenNames = "Jean-Luc Zoé Marie"
		lines, err := mrz.Write(c)
		require.NoError(t, err)
		assert.Equal(t, "JEAN<LUC<<Z<<M", lines[1][13:27])
		assert.True(t, parse(t, lines...).Truncated)
	})
}

// drawDate draws a date in whose window the century is certain.
func drawDate(t *rapid.T, name string, from, to int) string {
	year := rapid.IntRange(from, to-1).Draw(t, name+" year")
	month := rapid.IntRange(0, 12).Draw(t, name+" month")
	day := 0
	if month > 0 {
		day = rapid.IntRange(0, 28).Draw(t, name+" day")
	}
	if rapid.IntRange(0, 9).Draw(t, name+" unknown") == 0 {
		return ""
	}
	return fmt.Sprintf("%04d-%02d-%02d", year, month, day)
}
