package source_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/charmap"

	"vestibule/server/aml"
	"vestibule/server/aml/source"
)

func specimen(t testing.TB, kind aml.Kind, name string) aml.List {
	t.Helper()
	l, err := source.Load(kind, filepath.Join(fixtures, name), "")
	require.NoError(t, err)
	return l
}

func TestTheEUListIsReadWhole(t *testing.T) {
	l := specimen(t, source.EUXML, "eu.xml")
	assert.Equal(t, aml.SourceEU, l.Source)
	assert.Equal(t, "2026-01-20", l.Issued.Format("2006-01-02"))
	assert.Empty(t, l.Warnings)
	assert.Len(t, l.Entities, 3)
	assert.Equal(t, aml.Entity{
		ID: "EU.90001.11", Source: aml.SourceEU, Type: aml.Person,
		Names: []aml.Name{
			{Text: "Todor Iliev Vaglyarskov", Kind: aml.Primary},
			{Text: "Тодор Въглярски", Kind: aml.Original},
			{Text: "Teodor Vagliarski", Kind: aml.Alias},
			{Text: "The Coalman", Kind: aml.Weak},
		},
		Births: []aml.Birth{{From: "1962-07-09"}, {From: "1963", Circa: true}, {From: "1958", To: "1960"}},
		Gender: "male", Countries: []string{"BGR"},
		Identifiers: []aml.Identifier{{Kind: "National passport", Number: "BG-3310927", Country: "BGR"}},
		Programs:    []string{"TEST", "TESTB"}, Listed: "2019-05-01",
	}, entity(t, l, "EU.90001.11"))
	assert.Equal(t, "2020-10-01", entity(t, l, "90002").Listed)
	assert.Equal(t, aml.Organisation, entity(t, l, "EU.90003.2").Type)
}

func TestOFSIsListIsReadWholeInEveryEncoding(t *testing.T) {
	l := specimen(t, source.OFSICSV, "ofsi.csv")
	assert.Equal(t, aml.SourceOFSI, l.Source)
	assert.Equal(t, "2026-01-14", l.Issued.Format("2006-01-02"))
	assert.Empty(t, l.Warnings)
	assert.Len(t, l.Entities, 4)
	assert.Equal(t, aml.Entity{
		ID: "70001", Source: aml.SourceOFSI, Type: aml.Person,
		Names: []aml.Name{
			{Text: "Illarion Matveyevich PETROVANENKO", Kind: aml.Primary},
			{Text: "Илларион Матвеевич ПЕТРОВАНЕНКО", Kind: aml.Original},
			{Text: "Larion PETROWANENKO", Kind: aml.Alias},
		},
		Births: []aml.Birth{{From: "1971"}, {From: "1971-05-12"}}, Countries: []string{"RUS", "MDA"},
		Identifiers: []aml.Identifier{
			{Kind: "Passport", Number: "71 4410992"},
			{Kind: "Passport", Number: "AB0011223"},
			{Kind: "National identification", Number: "7710022"},
		},
		Programs: []string{"Testland"}, Listed: "2020-02-03",
	}, entity(t, l, "70001"))
	assert.Equal(t, []aml.Name{
		{Text: "Jamshíd HASANABADI", Kind: aml.Primary},
		{Text: "Jamshid Farrokh HASSANABADI", Kind: aml.Weak},
		{Text: "جمشید حسن\u200cآبادی", Kind: aml.Original},
	}, entity(t, l, "70002").Names, "the primary name goes first, wherever its row stands")
	assert.Equal(t, aml.Vessel, entity(t, l, "70004").Type)

	b, err := os.ReadFile(filepath.Join(fixtures, "ofsi.csv"))
	require.NoError(t, err)
	latin := strings.NewReplacer("Илларион Матвеевич ПЕТРОВАНЕНКО", "", "جمشید حسن\u200cآبادی", "", "\ufeff", "").Replace(string(b))
	old, err := charmap.Windows1252.NewEncoder().String(strings.Replace(latin, "PETROWANENKO", "PETROŽANENKO’", 1))
	require.NoError(t, err)
	dir := t.TempDir()
	write(t, dir, "ofsi.csv", old)
	l, err = source.Load(source.OFSICSV, filepath.Join(dir, "ofsi.csv"), "")
	require.NoError(t, err)
	assert.Equal(t, "Jamshíd HASANABADI", entity(t, l, "70002").Names[0].Text)
	assert.Equal(t, "Larion PETROŽANENKO’", entity(t, l, "70001").Names[1].Text)
}

func TestTheUKSanctionsListIsReadWhole(t *testing.T) {
	l := specimen(t, source.UKCSV, "uk.csv")
	assert.Equal(t, aml.SourceUK, l.Source)
	assert.Equal(t, "2026-01-14", l.Issued.Format("2006-01-02"))
	assert.Empty(t, l.Warnings)
	assert.Len(t, l.Entities, 2)
	assert.Equal(t, aml.Entity{
		ID: "TES0001", Source: aml.SourceUK, Type: aml.Person,
		Names: []aml.Name{
			{Text: "Illarion PETROVANENKO", Kind: aml.Primary},
			{Text: "Илларион ПЕТРОВАНЕНКО", Kind: aml.Original},
			{Text: "THE CLERK", Kind: aml.Weak},
		},
		Births: []aml.Birth{{From: "1971"}, {From: "1971-05-12"}}, Gender: "male", Countries: []string{"RUS"},
		Identifiers: []aml.Identifier{{Kind: "Passport", Number: "71 4410992"}},
		Programs:    []string{"The Testland (Sanctions) Regulations 2020"}, Listed: "2020-02-03",
	}, entity(t, l, "TES0001"))
	_, err := source.Load(source.OFSICSV, filepath.Join(fixtures, "uk.csv"), "")
	assert.ErrorContains(t, err, "is missing", "one is not the other")
}

func TestPeopleOfAnOpenSanctionsCollectionAreRead(t *testing.T) {
	l := specimen(t, source.FTMJSON, "entities.ftm.json")
	assert.Equal(t, aml.SourceFTM, l.Source)
	assert.Equal(t, 4, l.Read)
	assert.Len(t, l.Entities, 2, "of four lines two are people")
	assert.Equal(t, aml.Entity{
		ID: "NK-testAAAA", Source: aml.SourceFTM, Type: aml.Person,
		Names: []aml.Name{
			{Text: "Oleksandr Hryhorenkiv", Kind: aml.Primary},
			{Text: "Олександр Григоренків", Kind: aml.Original},
			{Text: "Alexander Grigorenkov", Kind: aml.Alias},
			{Text: "亚历山大·格里戈连科夫", Kind: aml.Original},
			{Text: "Sashko", Kind: aml.Weak},
		},
		Births: []aml.Birth{{From: "1980-02-29"}, {From: "1980"}}, Gender: "male", Countries: []string{"UKR", "suhh"},
		Identifiers: []aml.Identifier{{Kind: "Passport", Number: "FA554433"}, {Kind: "Identity number", Number: "2931004455"}},
		Programs:    []string{"TEST-A", "sanction", "role.pep"},
	}, entity(t, l, "NK-testAAAA"))
	l, err := source.Load(source.FTMJSON, filepath.Join(fixtures, "entities.ftm.json"), "peps")
	require.NoError(t, err)
	assert.Equal(t, aml.Source("peps"), l.Source)
	assert.Equal(t, aml.Source("peps"), l.Entities[0].Source)
}

func TestALineThatIsNoEntityIsCountedAndAFileThatIsCutIsRefused(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(fixtures, "entities.ftm.json"))
	require.NoError(t, err)
	dir := t.TempDir()
	write(t, dir, "x", "{\"id\":\n\n[]\n"+string(b))
	l, err := source.Load(source.FTMJSON, filepath.Join(dir, "x"), "")
	require.NoError(t, err)
	assert.Equal(t, 6, l.Read)
	assert.Equal(t, 2, l.Dropped)
	write(t, dir, "x", string(b[:len(b)-20]))
	_, err = source.Load(source.FTMJSON, filepath.Join(dir, "x"), "")
	assert.ErrorContains(t, err, "line 4: the file ends within a line")
}

func TestAListOfTheOperatorsOwnIsReadAsItsHelpSays(t *testing.T) {
	l := specimen(t, source.OwnCSV, "own.csv")
	assert.Equal(t, aml.SourceOwn, l.Source)
	assert.Len(t, l.Entities, 3)
	assert.Equal(t, aml.Entity{
		ID: "17", Source: aml.SourceOwn, Type: aml.Person,
		Names: []aml.Name{
			{Text: "Kasimir Vorenthal", Kind: aml.Primary},
			{Text: "Casimir Vorenthall", Kind: aml.Alias},
			{Text: "K. Vorn", Kind: aml.Alias},
			{Text: "The Quartermaster", Kind: aml.Weak},
		},
		Births: []aml.Birth{{From: "1961-03-12"}, {From: "1962", Circa: true}}, Gender: "male", Countries: []string{"SYR", "IRN"},
		Identifiers: []aml.Identifier{{Kind: "passport", Number: "A0194837", Country: "SYR"}, {Kind: "passport", Number: "55120981"}},
		Programs:    []string{"fraud 2025"},
	}, entity(t, l, "17"))
	assert.Equal(t, []aml.Birth{{From: "1959", To: "1960"}}, entity(t, l, "19").Births)

	// The example of the help is a list.
	_, example, ok := strings.Cut(source.OwnHelp, "For example:\n")
	require.True(t, ok)
	dir := t.TempDir()
	write(t, dir, "own.csv", strings.ReplaceAll(example, "\n  ", "\n"))
	l, err := source.Load(source.OwnCSV, filepath.Join(dir, "own.csv"), "own-fraud")
	require.NoError(t, err)
	assert.Len(t, l.Entities, 1)
	for name, c := range map[string]struct{ content, says string }{
		"an empty file":                   {"", "no row that names the columns"},
		"no names":                        {"id,alias\n1,x\n", `the column "name" is missing`},
		"a column misspelled":             {"id,name,brith\n1,x,1970\n", `the column "brith" is unknown`},
		"a column twice":                  {"id,name,name\n1,x,y\n", "stands there twice"},
		"a row too short":                 {"id,name,birth\n1,x\n", "line 2: 2 columns instead of 3"},
		"a date that is none":             {"id,name,birth\n1,x,1970-02-30\n", "line 2: a date of birth that is none"},
		"a day before the month":          {"id,name,birth\n1,x,03/12/1961\n", "line 2: a date of birth that is none"},
		"another gender":                  {"id,name,gender\n1,x,X\n", "line 2: a gender"},
		"an entry without a name":         {"id,name\n1,\n", "line 2: an entry without a usable name"},
		"an entry without an id":          {"id,name\n,x\n", "line 2: an entry without an id"},
		"an id twice":                     {"id,name\n1,x\n1,y\n", "line 3: an entry's id stands there twice"},
		"only the row with the columns":   {"id,name\n", aml.ErrEmptyList.Error()},
		"a file of another kind (spaces)": {"id name\n1 x\n", "is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			write(t, dir, "own.csv", c.content)
			_, err := source.Load(source.OwnCSV, filepath.Join(dir, "own.csv"), "")
			assert.ErrorContains(t, err, c.says)
		})
	}
	for _, as := range []aml.Source{"un_sc", "Own", "a b", "../x", aml.Source(strings.Repeat("a", 33))} {
		_, err := source.Load(source.OwnCSV, filepath.Join(fixtures, "own.csv"), as)
		assert.ErrorIs(t, err, source.ErrName, as)
	}
}

func TestTheAdvancedListSaysOfAnEntryWhatTheTablesSay(t *testing.T) {
	l := specimen(t, source.OFACXML, "sdn_advanced.xml")
	assert.Equal(t, aml.SourceOFAC, l.Source)
	assert.Equal(t, "2026-01-09", l.Issued.Format("2006-01-02"))
	assert.Empty(t, l.Warnings)
	assert.Len(t, l.Entities, 2)
	assert.Equal(t, aml.Entity{
		ID: "9001", Source: aml.SourceOFAC, Type: aml.Person,
		Names: []aml.Name{
			{Text: "VORENTHAL, Kasimir Ondrej", Kind: aml.Primary},
			{Text: "THE QUARTERMASTER", Kind: aml.Weak},
			{Text: "كازيمير فورنتال", Kind: aml.Original},
		},
		Births: []aml.Birth{{From: "1961-03-12"}, {From: "1962", Circa: true}, {From: "1959-02"}, {From: "1950-01-01", To: "1952-12-31"}},
		Gender: "male", Countries: []string{"SYR", "IRN"},
		Identifiers: []aml.Identifier{
			{Kind: "Passport", Number: "A0194837", Country: "SYR"},
			{Kind: "National ID No.", Number: "610312-4471", Country: "IRN"},
		},
		Programs: []string{"TESTA", "TESTB"}, Listed: "2015-06-04",
	}, entity(t, l, "9001"))
	assert.Equal(t, aml.Organisation, entity(t, l, "9007").Type)

	// Documents, places and measures may come before or after the entries.
	b, err := os.ReadFile(filepath.Join(fixtures, "sdn_advanced.xml"))
	require.NoError(t, err)
	text := string(b)
	from, to := strings.Index(text, "<Locations>"), strings.Index(text, "<DistinctParties>")
	end := strings.Index(text, "</Sanctions>")
	dir := t.TempDir()
	write(t, dir, "x.xml", text[:from]+text[to:end]+text[from:to]+text[end:])
	moved, err := source.Load(source.OFACXML, filepath.Join(dir, "x.xml"), "")
	require.NoError(t, err)
	assert.Equal(t, l.Snapshot, moved.Snapshot)
	from, to = strings.Index(text, "<ReferenceValueSets>"), strings.Index(text, "<Locations>")
	write(t, dir, "x.xml", text[:from]+text[to:])
	_, err = source.Load(source.OFACXML, filepath.Join(dir, "x.xml"), "")
	assert.ErrorContains(t, err, "before the values it refers to")
}

func TestANameInItsOwnScriptFindsThePersonOfEveryList(t *testing.T) {
	for _, c := range []struct {
		kind              aml.Kind
		file, name, found string
	}{
		{source.EUXML, "eu.xml", "Тодор Въглярски", "EU.90001.11"},
		{source.OFSICSV, "ofsi.csv", "Петрованенко Илларион", "70001"},
		{source.FTMJSON, "entities.ftm.json", "Григоренків Олександр", "NK-testAAAA"},
		{source.OFACXML, "sdn_advanced.xml", "كازيمير فورنتال", "9001"},
		{source.OwnCSV, "own.csv", "李测伟", "19"},
	} {
		x, err := aml.Build(specimen(t, c.kind, c.file))
		require.NoError(t, err)
		got, err := x.Search(aml.Query{Name: c.name})
		require.NoError(t, err)
		require.NotEmpty(t, got, c.kind)
		assert.Equal(t, c.found, got[0].Entity, c.kind)
		assert.GreaterOrEqual(t, got[0].Score, 85., c.kind)
	}
}

func TestADamagedFileOfAnyKindIsAnErrorThatNamesTheLine(t *testing.T) {
	for name, c := range map[string]struct {
		kind          aml.Kind
		content, says string
	}{
		"the EU's list with a document type":  {source.EUXML, "<!DOCTYPE export [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><export/>", "line 1: a document type has no place"},
		"the EU's list cut short":             {source.EUXML, "<export>\n<sanctionEntity logicalId=\"1\">", "line 2"},
		"two lists in one file":               {source.EUXML, "<export/>\n<export/>", "line 2: something follows the list's end"},
		"an entry of the EU's twice":          {source.EUXML, "<export>" + strings.Repeat("<sanctionEntity logicalId=\"1\"><nameAlias wholeName=\"A B\"/></sanctionEntity>", 2) + "</export>", "twice"},
		"the UN's list in the EU's place":     {source.EUXML, "<CONSOLIDATED_LIST/>", "not the EU's consolidated list"},
		"the UN's list in the advanced one's": {source.OFACXML, "<CONSOLIDATED_LIST/>", "not OFAC's advanced list"},
		"an undeclared entity":                {source.OFACXML, "<Sanctions>&x;</Sanctions>", "line 1"},
		"OFSI's list without its columns":     {source.OFSICSV, "Last Updated,14/01/2026\n", "no row that names the columns"},
		"OFSI's list with other columns":      {source.OFSICSV, "Last Updated,14/01/2026\nName,DOB\nx,y\n", `line 2: the column "Name 6" is missing`},
		"a web page in the place of OFSI's":   {source.OFSICSV, "<html><body>\n", "is missing"},
		"an empty collection":                 {source.FTMJSON, "", aml.ErrEmptyList.Error()},
		"a web page in a collection's place":  {source.FTMJSON, "<html>", "ends within a line"},
		"an entity of a collection twice":     {source.FTMJSON, strings.Repeat(`{"id":"a","schema":"Person","properties":{"name":["A B"]}}`+"\n", 2), "line 2: an entry's id stands there twice"},
		"a line that goes on for ever":        {source.FTMJSON, `{"id":"` + strings.Repeat("a", 5<<20), "a record of more than"},
		"an attribute that goes on for ever":  {source.EUXML, `<export generationDate="` + strings.Repeat("a", 5<<20), "a record of more than"},
		"a list of the operator's, one field": {source.OwnCSV, "id,name\n1," + strings.Repeat("a", 70_000) + "\n", "line 2: a field of more than"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "x", c.content)
			_, err := source.Load(c.kind, filepath.Join(dir, "x"), "")
			assert.ErrorContains(t, err, c.says)
		})
	}
}

// fuzz feeds a parser with what comes of a specimen.
func fuzz(f *testing.F, kind aml.Kind, name string, more ...string) {
	b, err := os.ReadFile(filepath.Join(fixtures, name))
	require.NoError(f, err)
	f.Add(b)
	for _, s := range more {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "x")
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		usable(t, kind, path)
	})
}

func FuzzEU(f *testing.F) {
	fuzz(f, source.EUXML, "eu.xml", `<export><sanctionEntity logicalId="1"><subjectType code="person"/><nameAlias wholeName="A"/><birthdate yearRangeFrom="1999" yearRangeTo="1950" year="0" dayOfMonth="99"/></sanctionEntity></export>`, "<export/><export/>")
}

func FuzzOFSI(f *testing.F) {
	fuzz(f, source.OFSICSV, "ofsi.csv", "Name 6,Name 1,Group ID,Group Type,Alias Type,DOB\n\xff,,1,Individual,AKA,00/00/0000\n,,1,,,\n")
}

func FuzzUK(f *testing.F) {
	fuzz(f, source.UKCSV, "uk.csv", "Report Date: x\nName 6,Name 1,Unique ID,Designation Type,Name type,D.O.B\na,,1,Individual,,dd/mm/yyyy\n", "Report Date\n")
}

func FuzzFTM(f *testing.F) {
	fuzz(f, source.FTMJSON, "entities.ftm.json", `{"id":"a","schema":"Person","properties":{"name":["\ud800"],"birthDate":["1-1-1-1-1","",null]}}`+"\n{}\nnull\n")
}

func FuzzOwn(f *testing.F) {
	fuzz(f, source.OwnCSV, "own.csv", "name,id,passport,birth\n\x00,\x01,::,circa\n")
}

func FuzzOFACXML(f *testing.F) {
	fuzz(f, source.OFACXML, "sdn_advanced.xml", "<Sanctions><ReferenceValueSets><CountryValues><Country/></CountryValues></ReferenceValueSets><DistinctParty/></Sanctions><a><b>")
}
