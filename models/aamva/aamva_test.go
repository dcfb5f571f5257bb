package aamva_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vestibule/models/aamva"
)

// example is the one that annex D of the standard's 2020 edition prints.
const example = "@\n\x1e\rANSI 636000100102DL00410278ZV03190008DLDAQT64235789\nDCSSAMPLE\nDDEN\nDACMICHAEL\nDDFN\nDADJOHN\nDDGN\nDCUJR\nDCAD\nDCBK\nDCDPH\nDBD06062019\nDBB06061986\nDBA12102024\nDBC1\nDAU068 in\nDAYBRO\nDAG2300 WEST BROAD STREET\nDAIRICHMOND\nDAJVA\nDAK232690000  \nDCF2424244747474786102204\nDCGUSA\nDCK123456789\nDDAF\nDDB06062018\nDDC06062020\nDDD1\rZVZVA01\r"

func parse(t *testing.T, data string) aamva.Document {
	t.Helper()
	d, err := aamva.Parse([]byte(data))
	require.NoError(t, err)
	return d
}

// short makes data with right offsets of one subfile's elements.
func short(issuer string, version int, elements ...string) string {
	body := "DL" + strings.Join(elements, "\n") + "\r"
	head := fmt.Sprintf("@\n\x1e\rANSI %s%02d", issuer, version)
	if version >= 2 {
		head += "00"
	}
	head += "01"
	return head + fmt.Sprintf("DL%04d%04d", len(head)+10, len(body)) + body
}

func TestTheStandardsExampleIsRead(t *testing.T) {
	d := parse(t, example)
	assert.Equal(t, "636000", d.IIN)
	assert.Equal(t, aamva.Jurisdiction{Code: "VA", Name: "Virginia", Country: "USA"}, d.Jurisdiction)
	assert.Equal(t, 10, d.Version)
	assert.Equal(t, 1, d.JurisdictionVersion)
	assert.Equal(t, "DL", d.Kind)
	for want, got := range map[string]aamva.Field{
		"SAMPLE": d.FamilyName, "MICHAEL": d.GivenName, "JOHN": d.MiddleName, "JR": d.Suffix, "T64235789": d.Number,
		"1986-06-06": d.Birth, "2019-06-06": d.Issue, "2024-12-10": d.Expiry, "male": d.Sex, "173": d.Height, "BRO": d.Eyes,
		"2300 WEST BROAD STREET": d.Street, "RICHMOND": d.City, "VA": d.State, "23269": d.PostalCode, "USA": d.Country,
		"2424244747474786102204": d.Discriminator, "123456789": d.Inventory, "compliant": d.Compliance, "yes": d.Limited,
		"2018-06-06": d.Revision, "D": d.Class, "K": d.Restrictions, "PH": d.Endorsements,
	} {
		assert.Equal(t, want, got.Value)
		assert.Empty(t, got.Problem)
	}
	assert.Equal(t, aamva.TruncatedNo, d.FamilyTruncated)
	assert.Equal(t, aamva.Element{Subfile: "ZV", ID: "ZVA", Raw: "01"}, d.Elements[len(d.Elements)-1])
	assert.Equal(t, "068 in", d.Height.Raw)
	assert.Empty(t, d.Faults)
	assert.True(t, d.Valid())
}

func TestEveryVersionsNamesAreRead(t *testing.T) {
	for name, c := range map[string]struct {
		version                       int
		elements                      []string
		family, given, middle, suffix string
	}{
		"one field, parts apart by commas":         {1, []string{"DAADOE,JANE,ANN,SR"}, "DOE", "JANE", "ANN", "SR"},
		"one field without a middle name":          {1, []string{"DAADOE,JANE"}, "DOE", "JANE", "", ""},
		"one field, apart by another mark":         {0, []string{"DAADOE$JANE$ANN"}, "DOE", "JANE", "ANN", ""},
		"three fields of version 1":                {1, []string{"DABDOE", "DACJANE", "DADANN", "DAESR"}, "DOE", "JANE", "ANN", "SR"},
		"given names together, apart by a comma":   {3, []string{"DCSDOE", "DCTJANE,ANN MARIE"}, "DOE", "JANE", "ANN MARIE", ""},
		"given names together, apart by a space":   {2, []string{"DCSDOE", "DCTJANE ANN"}, "DOE", "JANE", "ANN", ""},
		"one given name only":                      {3, []string{"DCSDOE", "DCTJANE"}, "DOE", "JANE", "", ""},
		"each in a field":                          {8, []string{"DCSDOE", "DACJANE", "DADANN", "DCUSR"}, "DOE", "JANE", "ANN", "SR"},
		"middle names apart by a comma":            {9, []string{"DCSDOE", "DACJANE", "DADANN,MARIE"}, "DOE", "JANE", "ANN MARIE", ""},
		"no middle name, said so":                  {10, []string{"DCSDOE", "DACJANE", "DADNONE"}, "DOE", "JANE", "", ""},
		"one name only":                            {10, []string{"DCSSUHARTO", "DACNONE", "DADNONE"}, "SUHARTO", "", "", ""},
		"a new layout under an old version":        {3, []string{"DCSDOE", "DACJANE", "DADANN"}, "DOE", "JANE", "ANN", ""},
		"ISO 8859-1 as the standard says":          {8, []string{"DCSMU\xd1OZ", "DACJOS\xc9"}, "MUÑOZ", "JOSÉ", "", ""},
		"both layouts at once, the parts counting": {3, []string{"DAADOE,JANE", "DCSDOE", "DACJANE"}, "DOE", "JANE", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			d := parse(t, short("636000", c.version, append([]string{"DAQ1"}, c.elements...)...))
			assert.Equal(t, c.family, d.FamilyName.Value)
			assert.Equal(t, c.given, d.GivenName.Value)
			assert.Equal(t, c.middle, d.MiddleName.Value)
			assert.Equal(t, c.suffix, d.Suffix.Value)
		})
	}
	t.Run("a name that cannot be taken apart says so", func(t *testing.T) {
		d := parse(t, short("636000", 1, "DAQ1", "DAAJANE ANN DOE"))
		assert.Equal(t, aamva.ProblemName, d.FullName.Problem)
		assert.Equal(t, "JANE ANN DOE", d.FullName.Value)
		assert.Equal(t, aamva.ProblemMissing, d.FamilyName.Problem)
	})
	t.Run("truncation is told", func(t *testing.T) {
		d := parse(t, short("636000", 8, "DCSDOE", "DDET", "DACJANE", "DDFU", "DDGN"))
		assert.Equal(t, aamva.TruncatedYes, d.FamilyTruncated)
		assert.Equal(t, aamva.TruncatedUnknown, d.GivenTruncated)
		assert.Equal(t, aamva.TruncatedNo, d.MiddleTruncated)
	})
}

func TestDatesAreReadInEitherOrder(t *testing.T) {
	for name, c := range map[string]struct {
		issuer, raw, want, problem string
		version                    int
	}{
		"United States":                      {"636000", "06071986", "1986-06-07", "", 8},
		"Canada":                             {"636012", "19860607", "1986-06-07", "", 8},
		"Mexico, the one order":              {"636056", "19860607", "1986-06-07", "", 8},
		"Mexico, the other order":            {"636056", "06071986", "1986-06-07", "", 8},
		"version 1 wrote the year first":     {"636000", "19860607", "1986-06-07", "", 1},
		"an issuer that keeps the old order": {"636000", "20011231", "2001-12-31", "", 8},
		"with hyphens":                       {"636012", "1986-06-07", "1986-06-07", "", 8},
		"29 February of a leap year":         {"636000", "02292000", "2000-02-29", "", 8},
		"29 February of another year":        {"636000", "02291999", "", aamva.ProblemDateImpossible, 8},
		"31 June":                            {"636000", "06311999", "", aamva.ProblemDateImpossible, 8},
		"letters":                            {"636000", "0607198G", "", aamva.ProblemDateCharacters, 8},
		"six digits":                         {"636000", "060786", "", aamva.ProblemDateCharacters, 8},
		"zeros":                              {"636000", "00000000", "", aamva.ProblemMissing, 8},
	} {
		t.Run(name, func(t *testing.T) {
			d := parse(t, short(c.issuer, c.version, "DCSDOE", "DBB"+c.raw))
			assert.Equal(t, c.want, d.Birth.Value)
			assert.Equal(t, c.problem, d.Birth.Problem)
			assert.Equal(t, c.raw, d.Birth.Raw)
		})
	}
}

func TestMeasuresAndCodes(t *testing.T) {
	field := func(get func(aamva.Document) aamva.Field, version int, element string) aamva.Field {
		return get(parse(t, short("636000", version, "DCSDOE", element)))
	}
	height := func(d aamva.Document) aamva.Field { return d.Height }
	weight := func(d aamva.Document) aamva.Field { return d.Weight }
	sex := func(d aamva.Document) aamva.Field { return d.Sex }
	postal := func(d aamva.Document) aamva.Field { return d.PostalCode }
	for name, c := range map[string]struct {
		get            func(aamva.Document) aamva.Field
		version        int
		element        string
		value, problem string
	}{
		"inches":                      {height, 8, "DAU068 in", "173", ""},
		"inches in capitals":          {height, 8, "DAU068 IN", "173", ""},
		"centimetres":                 {height, 8, "DAU181 cm", "181", ""},
		"feet and inches":             {height, 1, "DAU510", "178", ""},
		"inches without a unit":       {height, 5, "DAU070", "178", ""},
		"centimetres of version 1":    {height, 1, "DAV180", "180", ""},
		"a height of no person":       {height, 8, "DAU900 cm", "", aamva.ProblemMeasure},
		"a height in words":           {height, 8, "DAUTALL", "", aamva.ProblemMeasure},
		"pounds":                      {weight, 8, "DAW158", "72", ""},
		"kilograms":                   {weight, 8, "DAX072", "72", ""},
		"a weight not measured":       {weight, 8, "DAW000", "", ""},
		"male as a digit":             {sex, 8, "DBC1", "male", ""},
		"female as a letter":          {sex, 1, "DBCF", "female", ""},
		"not specified":               {sex, 8, "DBC9", "x", ""},
		"a sex of no list":            {sex, 8, "DBC7", "", aamva.ProblemSex},
		"no sex":                      {sex, 8, "DAQ1", "", aamva.ProblemMissing},
		"five digits of a ZIP code":   {postal, 8, "DAK232690000  ", "23269", ""},
		"nine digits of a ZIP code":   {postal, 8, "DAK232691234", "23269-1234", ""},
		"a Canadian postal code":      {postal, 8, "DAKK1A 0B1", "K1A 0B1", ""},
		"a postal code not available": {postal, 8, "DAKunavl", "", aamva.ProblemMissing},
		"an address of residence":     {func(d aamva.Document) aamva.Field { return d.City }, 1, "DANALBANY", "ALBANY", ""},
		"not compliant":               {func(d aamva.Document) aamva.Field { return d.Compliance }, 8, "DDAN", "non-compliant", ""},
		"a compliance of no list":     {func(d aamva.Document) aamva.Field { return d.Compliance }, 8, "DDAQ", "", aamva.ProblemCode},
		"a country of no list":        {func(d aamva.Document) aamva.Field { return d.Country }, 8, "DCGFRA", "FRA", aamva.ProblemCode},
		"a veteran":                   {func(d aamva.Document) aamva.Field { return d.Veteran }, 8, "DDL1", "yes", ""},
		"a control character":         {func(d aamva.Document) aamva.Field { return d.City }, 8, "DAIRICH\x00MOND", "", aamva.ProblemCharacter},
	} {
		t.Run(name, func(t *testing.T) {
			f := field(c.get, c.version, c.element)
			assert.Equal(t, c.value, f.Value)
			assert.Equal(t, c.problem, f.Problem)
		})
	}
}

func TestHeadersAsIssuersReallyWriteThem(t *testing.T) {
	body := "DAQT64235789\nDCSSAMPLE\nDACMICHAEL\nDBB06061986\r"
	for name, c := range map[string]struct {
		data   string
		faults []string
	}{
		"offset one too small":             {"@\n\x1e\rANSI 636000080001DL00300050DL" + body, []string{aamva.FaultOffset}},
		"offset far away":                  {"@\n\x1e\rANSI 636000080001DL99990050DL" + body, []string{aamva.FaultOffset}},
		"more subfiles announced":          {fmt.Sprintf("@\n\x1e\rANSI 636000080002DL0031%04dDL", len(body)+2) + body, []string{aamva.FaultEntries}},
		"another separator":                {fmt.Sprintf("@\n\x1c\rANSI 636000080001DL0031%04dDL", len(body)+2) + body, []string{aamva.FaultHeader}},
		"the older word":                   {fmt.Sprintf("@\n\x1e\rAAMVA6360000101DL0029%04dDL", len(body)+2) + body, []string{aamva.FaultHeader}},
		"no blank behind the word":         {fmt.Sprintf("@\n\x1e\rANSI636000080001DL0030%04dDL", len(body)+2) + body, []string{aamva.FaultHeader}},
		"a version to come":                {fmt.Sprintf("@\n\x1e\rANSI 636000110001DL0031%04dDL", len(body)+2) + body, []string{aamva.FaultVersion}},
		"an issuer of no list":             {fmt.Sprintf("@\n\x1e\rANSI 999999080001DL0031%04dDL", len(body)+2) + body, []string{aamva.FaultJurisdiction}},
		"the letters of the subfile twice": {fmt.Sprintf("@\n\x1e\rANSI 636000080001DL0031%04dDLDL", len(body)+2) + body, []string{aamva.FaultOffset}},
		"lines end with both characters":   {"@\n\x1e\rANSI 636000080001DL00310057DL" + strings.ReplaceAll(body, "\n", "\r\n"), []string{aamva.FaultOffset}},
	} {
		t.Run(name, func(t *testing.T) {
			d := parse(t, c.data)
			assert.Equal(t, c.faults, d.Faults)
			assert.False(t, d.Valid())
			assert.Equal(t, "T64235789", d.Number.Value)
			assert.Equal(t, "SAMPLE", d.FamilyName.Value)
			assert.Equal(t, "1986-06-06", d.Birth.Value)
		})
	}
}

func TestWhatIsNotAAMVAsIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		data string
		want error
	}{
		"nothing":              {"", aamva.ErrSize},
		"too much":             {strings.Repeat("A", aamva.MaxData+1), aamva.ErrSize},
		"a boarding pass":      {"M1DESMARAIS/LUC       EABC123 YULFRAAC 0834 326J001A0025 100", aamva.ErrHeader},
		"a header and no more": {"@\n\x1e\rANSI 636000", aamva.ErrHeader},
		"no subfile":           {"@\n\x1e\rANSI 636000080001", aamva.ErrHeader},
		"an empty subfile":     {"@\n\x1e\rANSI 636000080001DL00310003DL\r", aamva.ErrHeader},
		"the word too late":    {strings.Repeat(" ", 40) + example, aamva.ErrHeader},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := aamva.Parse([]byte(c.data))
			require.ErrorIs(t, err, c.want)
			assert.NotContains(t, err.Error(), "DESMARAIS", "nobody's name stands in an error")
		})
	}
}

func TestJurisdictions(t *testing.T) {
	for iin, want := range map[string]aamva.Jurisdiction{
		"636000": {Code: "VA", Name: "Virginia", Country: "USA"},
		"636016": {Code: "NL", Name: "Newfoundland and Labrador", Country: "CAN"},
		"636057": {Code: "HL", Name: "Hidalgo", Country: "MEX"},
		"604434": {Code: "NT", Name: "Northwest Territories", Country: "CAN"},
	} {
		got, ok := aamva.Issuer(iin)
		assert.True(t, ok)
		assert.Equal(t, want, got)
		back, ok := aamva.Number(want.Code)
		assert.True(t, ok)
		assert.Equal(t, iin, back)
	}
	for _, bad := range []string{"", "636063", "63600", " 63600", "636000 VA"} {
		_, ok := aamva.Issuer(bad)
		assert.False(t, ok, bad)
	}
	for _, bad := range []string{"", "XX", "USA", "va"} {
		_, ok := aamva.Number(bad)
		assert.False(t, ok, bad)
	}
}

func TestWriteRefusesWhatTheStandardCannotHold(t *testing.T) {
	good := aamva.Content{Issuer: "VA", Version: 10, FamilyName: "DOE", Number: "1", Birth: "1990-01-01"}
	_, err := aamva.Write(good)
	require.NoError(t, err)
	for name, change := range map[string]func(*aamva.Content){
		"an issuer of no list":      func(c *aamva.Content) { c.Issuer = "XX" },
		"a version to come":         func(c *aamva.Content) { c.Version = 11 },
		"a line end in a value":     func(c *aamva.Content) { c.City = "A\nDAQ2" },
		"a comma in a name":         func(c *aamva.Content) { c.FamilyName = "DOE, JANE" },
		"a date of another form":    func(c *aamva.Content) { c.Birth = "01.01.1990" },
		"a sex of another list":     func(c *aamva.Content) { c.Sex = "M" },
		"a height of no person":     func(c *aamva.Content) { c.Height = 900 },
		"no family name":            func(c *aamva.Content) { c.FamilyName = "" },
		"too much":                  func(c *aamva.Content) { c.Street = strings.Repeat("A", aamva.MaxData) },
		"another kind of card":      func(c *aamva.Content) { c.Kind = "XY" },
		"a private element of ours": func(c *aamva.Content) { c.Private = []aamva.Element{{Subfile: "DL", ID: "DAQ", Raw: "2"}} },
	} {
		t.Run(name, func(t *testing.T) {
			c := good
			change(&c)
			_, err := aamva.Write(c)
			require.ErrorIs(t, err, aamva.ErrContent)
		})
	}
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[A-ZÀ-ÖØ-Þ][A-Z' ]{0,12}[A-Z]`).Filter(func(s string) bool { return s != "NONE" && !strings.Contains(s, "  ") })
		maybe := func(name string) string {
			if rapid.Bool().Draw(t, "has "+name) {
				return word.Draw(t, name)
			}
			return ""
		}
		date := rapid.Custom(func(t *rapid.T) string {
			return fmt.Sprintf("%04d-%02d-%02d", rapid.IntRange(1850, 2199).Draw(t, "year"), rapid.IntRange(1, 12).Draw(t, "month"), rapid.IntRange(1, 28).Draw(t, "day"))
		})
		c := aamva.Content{
			Issuer:  rapid.SampledFrom([]string{"VA", "CA", "NY", "TX", "ON", "QC", "BC", "HL", "PR"}).Draw(t, "issuer"),
			Version: rapid.IntRange(0, 10).Draw(t, "version"), JurisdictionVersion: rapid.IntRange(0, 99).Draw(t, "own"),
			Kind:       rapid.SampledFrom([]string{"DL", "ID", "EN"}).Draw(t, "kind"),
			FamilyName: word.Draw(t, "family"), GivenName: word.Draw(t, "given"), MiddleName: maybe("middle"), Suffix: rapid.SampledFrom([]string{"", "JR", "III"}).Draw(t, "suffix"),
			Number: rapid.StringMatching(`[A-Z0-9]{1,25}`).Filter(func(s string) bool { return s != "NONE" }).Draw(t, "number"),
			Birth:  date.Draw(t, "birth"), Issue: date.Draw(t, "issue"), Expiry: date.Draw(t, "expiry"),
			Sex:    rapid.SampledFrom([]string{"male", "female"}).Draw(t, "sex"),
			Height: rapid.IntRange(50, 260).Draw(t, "height"), Street: word.Draw(t, "street"), Street2: maybe("street 2"), City: word.Draw(t, "city"),
			State: "VA", PostalCode: rapid.SampledFrom([]string{"23269", "23269-1234", "K1A 0B1"}).Draw(t, "postal"), Eyes: "BRO", Hair: "BLK",
			Class: maybe("class"), Restrictions: maybe("restrictions"), Endorsements: maybe("endorsements"),
			Private: []aamva.Element{{Subfile: "ZV", ID: "ZVA", Raw: maybe("private")}, {Subfile: "ZX", ID: "ZXA", Raw: "1"}},
		}
		late := c.Version >= 2
		if late {
			c.Discriminator, c.Inventory = word.Draw(t, "discriminator"), maybe("inventory")
			c.Limited, c.Donor, c.Veteran = rapid.Bool().Draw(t, "limited"), rapid.Bool().Draw(t, "donor"), rapid.Bool().Draw(t, "veteran")
			c.Compliance = rapid.SampledFrom([]string{"", "compliant", "non-compliant"}).Draw(t, "compliance")
		}
		data, err := aamva.Write(c)
		require.NoError(t, err)
		d, err := aamva.Parse(data)
		require.NoError(t, err)
		require.Empty(t, d.Faults)
		require.True(t, d.Valid(), "%+v", d)
		yes := func(is bool) string {
			if is {
				return "yes"
			}
			return ""
		}
		require.Equal(t, c.Issuer, d.Jurisdiction.Code)
		require.Equal(t, c.Version, d.Version)
		require.Equal(t, c.Kind, d.Kind)
		if late {
			require.Equal(t, c.JurisdictionVersion, d.JurisdictionVersion)
			require.Equal(t, d.Jurisdiction.Country, d.Country.Value)
		}
		require.Equal(t,
			[]string{c.FamilyName, c.GivenName, c.MiddleName, c.Suffix, c.Number, c.Birth, c.Issue, c.Expiry, c.Sex, fmt.Sprint(c.Height), c.Street, c.Street2, c.City, c.State, c.Eyes, c.Hair, c.Class, c.Restrictions, c.Endorsements, c.Discriminator, c.Inventory, c.Compliance, yes(c.Limited), yes(c.Donor), yes(c.Veteran)},
			[]string{d.FamilyName.Value, d.GivenName.Value, d.MiddleName.Value, d.Suffix.Value, d.Number.Value, d.Birth.Value, d.Issue.Value, d.Expiry.Value, d.Sex.Value, d.Height.Value, d.Street.Value, d.Street2.Value, d.City.Value, d.State.Value, d.Eyes.Value, d.Hair.Value, d.Class.Value, d.Restrictions.Value, d.Endorsements.Value, d.Discriminator.Value, d.Inventory.Value, d.Compliance.Value, d.Limited.Value, d.Donor.Value, d.Veteran.Value})
		require.Equal(t, c.PostalCode, d.PostalCode.Value)
		require.Equal(t, c.Private, d.Elements[len(d.Elements)-2:])
		require.Equal(t, aamva.Same, aamva.Compare(d, aamva.Front{FamilyName: c.FamilyName, GivenNames: strings.TrimSpace(c.GivenName + " " + c.MiddleName), Birth: c.Birth}).Name)
	})
}

func TestCompare(t *testing.T) {
	card := func(elements ...string) aamva.Document {
		return parse(t, short("636000", 8, append([]string{"DAQT6423-5789", "DBB06061986", "DBD06062019", "DBA12102024", "DBC2", "DCGUSA"}, elements...)...))
	}
	plain := card("DCSSAMPLE", "DDEN", "DACMARY ANN", "DDFN", "DADJOANNA", "DDGN", "DCUJR")
	name := func(d aamva.Document, f aamva.Front) aamva.Verdict { return aamva.Compare(d, f).Name }
	for what, c := range map[string]struct {
		bar   aamva.Document
		front aamva.Front
		want  aamva.Verdict
	}{
		"the same":                               {plain, aamva.Front{FamilyName: "Sample", GivenNames: "Mary Ann Joanna"}, aamva.Same},
		"without the middle name":                {plain, aamva.Front{FamilyName: "Sample", GivenNames: "Mary Ann"}, aamva.Same},
		"the first name alone":                   {plain, aamva.Front{FamilyName: "Sample", GivenNames: "Mary"}, aamva.Same},
		"the middle name as an initial":          {plain, aamva.Front{FamilyName: "Sample", GivenNames: "Mary Ann J."}, aamva.Same},
		"two first names written as one":         {plain, aamva.Front{FamilyName: "Sample", GivenNames: "MaryAnn Joanna"}, aamva.Same},
		"the suffix behind the family name":      {plain, aamva.Front{FamilyName: "Sample Jr", GivenNames: "Mary"}, aamva.Same},
		"the suffix behind the given names":      {plain, aamva.Front{FamilyName: "Sample", GivenNames: "Mary Jr"}, aamva.Same},
		"another family name":                    {plain, aamva.Front{FamilyName: "Simple", GivenNames: "Mary Ann"}, aamva.Differs},
		"another given name":                     {plain, aamva.Front{FamilyName: "Sample", GivenNames: "Martha"}, aamva.Differs},
		"another middle name":                    {plain, aamva.Front{FamilyName: "Sample", GivenNames: "Mary Ann Kate"}, aamva.Differs},
		"a family name alone":                    {plain, aamva.Front{FamilyName: "Sample"}, aamva.Unknown},
		"another family name alone":              {plain, aamva.Front{FamilyName: "Other"}, aamva.Differs},
		"nothing":                                {plain, aamva.Front{}, aamva.Unknown},
		"a full name":                            {plain, aamva.Front{FullName: "Mary Ann Joanna Sample Jr"}, aamva.Same},
		"a full name, family name first":         {plain, aamva.Front{FullName: "SAMPLE, MARY ANN J"}, aamva.Same},
		"a full name of somebody else":           {plain, aamva.Front{FullName: "Martha Sample"}, aamva.Differs},
		"a full name with one more":              {plain, aamva.Front{FullName: "Mary Ann Joanna Sample Miller"}, aamva.Differs},
		"an umlaut printed, transliterated":      {card("DCSMUELLER", "DACJURGEN"), aamva.Front{FamilyName: "Müller", GivenNames: "Jürgen"}, aamva.Same},
		"an umlaut in the barcode":               {card("DCSM\xdcLLER", "DACANA"), aamva.Front{FamilyName: "MULLER", GivenNames: "ANA"}, aamva.Same},
		"a hyphen and a blank":                   {card("DCSSMITH-JONES", "DACANA"), aamva.Front{FamilyName: "Smith Jones", GivenNames: "Ana"}, aamva.Same},
		"an apostrophe and none":                 {card("DCSO'BRIEN", "DACANA"), aamva.Front{FamilyName: "OBrien", GivenNames: "Ana"}, aamva.Same},
		"a family name that says it was cut":     {card("DCSWOLFESCHLEGELSTEINHAUSEN", "DDET", "DACANA"), aamva.Front{FamilyName: "Wolfeschlegelsteinhausenbergerdorff", GivenNames: "Ana"}, aamva.Same},
		"a family name that says it was not cut": {card("DCSWOLFE", "DDEN", "DACANA"), aamva.Front{FamilyName: "Wolfeschlegel", GivenNames: "Ana"}, aamva.Differs},
		"an initial that does not fit":           {plain, aamva.Front{FamilyName: "Sample", GivenNames: "Mary Ann K"}, aamva.Differs},
	} {
		t.Run(what, func(t *testing.T) { assert.Equal(t, c.want, name(c.bar, c.front)) })
	}
	t.Run("a barcode that does not tell the names apart", func(t *testing.T) {
		d := parse(t, short("636000", 1, "DAQ1", "DAAJANE ANN DOE"))
		assert.Equal(t, aamva.Same, name(d, aamva.Front{FamilyName: "Doe", GivenNames: "Jane"}))
		assert.Equal(t, aamva.Differs, name(d, aamva.Front{FamilyName: "Roe", GivenNames: "Jane"}))
	})
	t.Run("all that fits", func(t *testing.T) {
		c := aamva.Compare(plain, aamva.Front{FamilyName: "Sample", GivenNames: "Mary", Number: "t6423 5789", Birth: "1986-06-06", Issue: "2019-06-06", Expiry: "2024-12-10", Sex: "female", Issuer: "USA"})
		assert.Empty(t, c.Differs())
		for _, f := range c.Fields() {
			assert.Equal(t, aamva.Same, f.Verdict, f.Name)
		}
	})
	t.Run("all that does not", func(t *testing.T) {
		c := aamva.Compare(plain, aamva.Front{FamilyName: "Other", GivenNames: "Mary", Number: "T64235780", Birth: "1986-06-07", Issue: "2018-06-06", Expiry: "2025-12-10", Sex: "male", Issuer: "MD"})
		assert.Equal(t, []string{"name", "birth", "number", "issuer", "expiry", "issue", "sex"}, c.Differs())
	})
	t.Run("a date of which a part is not known", func(t *testing.T) {
		assert.Equal(t, aamva.Same, aamva.Compare(plain, aamva.Front{Birth: "1986-00-00"}).Birth)
		assert.Equal(t, aamva.Differs, aamva.Compare(plain, aamva.Front{Birth: "1987-00-00"}).Birth)
		assert.Equal(t, aamva.Unknown, aamva.Compare(plain, aamva.Front{Birth: "0000-00-00"}).Birth)
		assert.Equal(t, aamva.Unknown, aamva.Compare(plain, aamva.Front{Birth: "06/06/1986"}).Birth)
	})
	t.Run("the issuer by its name", func(t *testing.T) {
		assert.Equal(t, aamva.Same, aamva.Compare(plain, aamva.Front{Issuer: "Virginia"}).Issuer)
		assert.Equal(t, aamva.Same, aamva.Compare(plain, aamva.Front{Issuer: "va"}).Issuer)
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(example))
	f.Add([]byte(short("636012", 3, "DCSDOE", "DCTJANE,ANN", "DBB19860607", "DAU510")))
	f.Add([]byte(short("636000", 1, "DAADOE,JANE,ANN,SR", "DAU510")))
	f.Add([]byte("@\n\x1e\rANSI 636000080099DL00310050ZV00310050DLDLDL\rZV\r"))
	f.Add([]byte("ANSI 636000010000DL"))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := aamva.Parse(data)
		if err != nil {
			return
		}
		require.LessOrEqual(t, len(d.Elements), aamva.MaxElements)
		d.Valid()
		c := aamva.Compare(d, aamva.Front{FamilyName: d.GivenName.Value, GivenNames: d.FamilyName.Value, FullName: d.FullName.Raw, Number: d.Birth.Raw, Birth: d.Expiry.Value, Sex: d.Sex.Value, Issuer: d.Country.Raw})
		require.Len(t, c.Fields(), 7)
		self := aamva.Compare(d, aamva.Front{Number: d.Number.Value, Birth: d.Birth.Value, Sex: d.Sex.Value})
		require.Empty(t, self.Differs(), "what is compared with itself does not differ")
	})
}
