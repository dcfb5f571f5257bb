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
		"a number too long for a passport":   func(c *mrz.Content) { c.Number = "1234567890" },
		"a letter without transliteration":   func(c *mrz.Content) { c.FamilyName = "東" },
		"no family name":                     func(c *mrz.Content) { c.FamilyName = " " },
		"a date of another form":             func(c *mrz.Content) { c.Birth = "01.01.1990" },
		"another sex":                        func(c *mrz.Content) { c.Sex = "F" },
		"the French layout":                  func(c *mrz.Content) { c.Layout = mrz.FRID },
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

func TestWhatIsWrittenIsReadBack(t *testing.T) {
	word := rapid.StringMatching(`[A-Z]{1,8}`)
	rapid.Check(t, func(t *rapid.T) {
		layout := rapid.SampledFrom([]mrz.Layout{mrz.TD1, mrz.TD2, mrz.TD3, mrz.MRVA, mrz.MRVB}).Draw(t, "layout")
		c := mrz.Content{
			Layout:      layout,
			Code:        map[mrz.Layout]string{mrz.TD1: "I", mrz.TD2: "AC", mrz.TD3: "P", mrz.MRVA: "V", mrz.MRVB: "VB"}[layout],
			Issuer:      rapid.SampledFrom([]string{"UTO", "D", "FRA", "XOM", "RKS"}).Draw(t, "issuer"),
			FamilyName:  strings.Join(rapid.SliceOfN(word, 1, 2).Draw(t, "family"), " "),
			Nationality: rapid.SampledFrom([]string{"UTO", "D", "GBD", "XXA", ""}).Draw(t, "nationality"),
			Sex:         rapid.SampledFrom([]string{"male", "female", "x", ""}).Draw(t, "sex"),
			Number:      rapid.StringMatching(`[A-Z0-9]{1,9}`).Draw(t, "number"),
			Optional:    rapid.StringMatching(`([A-Z0-9]{1,5})?`).Draw(t, "optional"),
		}
		if rapid.Bool().Draw(t, "given") {
			c.GivenNames = word.Draw(t, "given names")
		}
		c.Birth = drawDate(t, "birth", 1927, 2026)
		c.Expiry = drawDate(t, "expiry", 2017, 2076)
		if layout == mrz.TD1 {
			c.Optional2 = rapid.StringMatching(`([A-Z0-9]{1,11})?`).Draw(t, "optional 2")
		}
		if layout == mrz.TD1 || layout == mrz.TD2 {
			if rapid.Bool().Draw(t, "long") {
				c.Number = rapid.StringMatching(`[A-Z0-9]{10,12}`).Draw(t, "long number")
				c.Counted = rapid.Bool().Draw(t, "counted")
				if layout == mrz.TD2 {
					c.Optional = ""
				}
			}
		}
		lines, err := mrz.Write(c)
		if err != nil {
			t.Fatal(err)
		}
		d, err := mrz.Parse(lines, mrz.On(today))
		if err != nil {
			t.Fatal(err)
		}
		got := mrz.Content{
			Layout: d.Layout, Code: d.Code.Value, Issuer: d.Issuer.Value, FamilyName: d.FamilyName.Value,
			GivenNames: d.GivenNames.Value, Number: d.Number.Value, Nationality: d.Nationality.Value,
			Birth: d.Birth.Value, Sex: d.Sex.Value, Expiry: d.Expiry.Value, Optional: d.Optional.Value,
			Optional2: d.Optional2.Value, Counted: c.Counted,
		}
		if got != c {
			t.Fatalf("wrote %+v\nread  %+v\n%s", c, got, strings.Join(lines, "\n"))
		}
		if !d.Valid() || len(d.Swaps) > 0 {
			t.Fatalf("not valid: %+v", d)
		}
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
