package source_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/server/aml"
	"vestibule/server/aml/source"
)

const fixtures = "../../../testdata/aml"

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

func entity(t *testing.T, l aml.List, id string) aml.Entity {
	t.Helper()
	for _, e := range l.Entities {
		if e.ID == id {
			return e
		}
	}
	t.Fatalf("no entry %s", id)
	return aml.Entity{}
}

func TestAnOFACSetIsReadWhole(t *testing.T) {
	l := ofac(t)
	assert.Len(t, l.Entities, 9)
	assert.Empty(t, l.Warnings)
	assert.Equal(t, aml.SourceOFAC, l.Source)
	assert.Len(t, l.Snapshot, 64)
	assert.Equal(t, aml.Entity{
		ID: "9001", Source: aml.SourceOFAC, Type: aml.Person,
		Names: []aml.Name{
			{Text: "VORENTHAL, Kasimir Ondrej", Kind: aml.Primary},
			{Text: "VORENTHALL, Casimir", Kind: aml.Alias},
			{Text: "ONDREJEWSKI, K. Vorn", Kind: aml.Alias},
			{Text: "THE QUARTERMASTER", Kind: aml.Weak},
		},
		Births: []aml.Birth{{From: "1961-03-12"}}, Gender: "male", Countries: []string{"SYR", "IRN"},
		Identifiers: []aml.Identifier{
			{Kind: "Passport", Number: "A0194837", Country: "SYR"},
			{Kind: "Passport", Number: "55120981", Country: "IRN"},
			{Kind: "National ID", Number: "610312-4471", Country: "IRN"},
		},
		Programs: []string{"TESTA", "TESTB"},
	}, entity(t, l, "9001"))
	assert.Equal(t, []aml.Birth{{From: "1958", Circa: true}, {From: "1959", To: "1960"}}, entity(t, l, "9002").Births)
	assert.Equal(t, []aml.Birth{{From: "1972-11"}, {From: "1972-11-03"}}, entity(t, l, "9003").Births)
	assert.Equal(t, aml.Organisation, entity(t, l, "9007").Type)
	assert.Equal(t, aml.Vessel, entity(t, l, "9008").Type)
	assert.Equal(t, aml.Aircraft, entity(t, l, "9009").Type)
	assert.Equal(t, []string{"PRK"}, entity(t, l, "9005").Countries)

	continued := entity(t, l, "9004")
	assert.Contains(t, continued.Names, aml.Name{Text: "LA ABEJA", Kind: aml.Weak}, "remarks go on in sdn_comments.csv")
	assert.Equal(t, []string{"COL"}, continued.Countries)
	assert.Equal(t, "female", continued.Gender)
}

func TestAUNListIsReadWhole(t *testing.T) {
	l := un(t)
	assert.Len(t, l.Entities, 4)
	assert.Equal(t, "2026-01-15", l.Issued.Format("2006-01-02"))
	assert.Equal(t, aml.Entity{
		ID: "TEi.001", Source: aml.SourceUN, Type: aml.Person,
		Names: []aml.Name{
			{Text: "TARIQ ZUHAYRABADI MANSURPUR", Kind: aml.Primary},
			{Text: "طارق زهيرابادي منصوربور", Kind: aml.Original},
			{Text: "Tareq Zoheirabadi", Kind: aml.Alias},
			{Text: "Abu Nawwaf", Kind: aml.Weak},
		},
		Births: []aml.Birth{{From: "1975-06-24"}, {From: "1973", To: "1974"}}, Gender: "male", Countries: []string{"IRN", "SYR"},
		Identifiers: []aml.Identifier{{Kind: "Passport", Number: "K 4410-992", Country: "IRN"}},
		Programs:    []string{"Testland"}, Listed: "2020-02-03",
	}, entity(t, l, "TEi.001"))
	assert.Equal(t, []aml.Birth{{From: "1968", Circa: true}, {From: "1969-11"}}, entity(t, l, "TEi.002").Births)
	assert.Equal(t, []string{"COD"}, entity(t, l, "TEi.002").Countries)
	assert.Equal(t, aml.Organisation, entity(t, l, "TEe.001").Type)
}

// copied makes a folder with the OFAC fixtures, which a test then changes.
func copied(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"sdn.csv", "alt.csv", "add.csv", "sdn_comments.csv", "un.xml"} {
		b, err := os.ReadFile(filepath.Join(fixtures, name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), b, 0o644))
	}
	return dir
}

func write(t *testing.T, dir, name, content string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644))
}

func TestWhatCannotBeReadWholeIsAnErrorThatNamesTheLine(t *testing.T) {
	const row = `1,"DOE, Test","individual","X",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ` + "\n"
	for name, c := range map[string]struct {
		kind    aml.Kind
		file    string
		content string
		says    string
	}{
		"an OFAC row with too few columns":   {source.OFACCSV, "sdn.csv", row + "2,\"X\"\n", "sdn.csv, line 2: 2 columns instead of 12"},
		"an OFAC row with a broken quote":    {source.OFACCSV, "sdn.csv", row + "2,\"X\n", "line 2"},
		"an OFAC entry that stands twice":    {source.OFACCSV, "sdn.csv", row + row, "sdn.csv, line 2"},
		"an OFAC entry without a name":       {source.OFACCSV, "sdn.csv", strings.Replace(row, `"DOE, Test"`, "-0- ", 1), "line 1: an entry without"},
		"an alias without a name":            {source.OFACCSV, "alt.csv", "9001,1,\"aka\",-0- ,-0- \n", "alt.csv, line 1"},
		"an overlong field":                  {source.OFACCSV, "alt.csv", "9001,1,\"aka\",\"" + strings.Repeat("A", 70_000) + "\",-0- \n", "alt.csv, line 1"},
		"an empty OFAC file":                 {source.OFACCSV, "sdn.csv", "\x1a", aml.ErrEmptyList.Error()},
		"an OFAC file of organisations":      {source.OFACCSV, "sdn.csv", strings.Replace(row, `"individual"`, "-0- ", 1), aml.ErrEmptyList.Error()},
		"a web page instead of the UN list":  {source.UNXML, "un.xml", "\n<html></html>", "line 2: not a consolidated list"},
		"a UN list with entities of its own": {source.UNXML, "un.xml", "<!DOCTYPE x [<!ENTITY a \"b\">]>\n<CONSOLIDATED_LIST>&a;</CONSOLIDATED_LIST>", "line 1: a document type has no place"},
		"an empty UN file":                   {source.UNXML, "un.xml", "", "not a consolidated list"},
		"a UN list without entries":          {source.UNXML, "un.xml", "<CONSOLIDATED_LIST></CONSOLIDATED_LIST>", aml.ErrEmptyList.Error()},
		"a UN list cut short":                {source.UNXML, "un.xml", "<CONSOLIDATED_LIST>\n<INDIVIDUALS><INDIVIDUAL>\n<FIRST_NAME>A", "line 2"},
		"a UN list cut short between":        {source.UNXML, "un.xml", "<CONSOLIDATED_LIST>\n<INDIVIDUALS>\n", "line 3"},
		"a UN entry without a number":        {source.UNXML, "un.xml", "<CONSOLIDATED_LIST>\n<INDIVIDUAL><FIRST_NAME>A</FIRST_NAME></INDIVIDUAL></CONSOLIDATED_LIST>", "line 2: an entry without a reference"},
		"a UN entry without a name":          {source.UNXML, "un.xml", "<CONSOLIDATED_LIST>\n<INDIVIDUAL><REFERENCE_NUMBER>A</REFERENCE_NUMBER></INDIVIDUAL></CONSOLIDATED_LIST>", "line 2: an entry without a name"},
		"a UN entry that stands twice": {
			source.UNXML, "un.xml",
			"<CONSOLIDATED_LIST>\n" + strings.Repeat("<INDIVIDUAL><FIRST_NAME>A</FIRST_NAME><REFERENCE_NUMBER>A</REFERENCE_NUMBER></INDIVIDUAL>\n", 2) + "</CONSOLIDATED_LIST>", "line 3",
		},
		"an unknown kind": {"pdf", "un.xml", "", `known are ["ofac-csv" "un-xml"`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := copied(t)
			write(t, dir, c.file, c.content)
			path := filepath.Join(dir, c.file)
			if c.kind == source.OFACCSV {
				path = dir
			}
			l, err := source.Load(c.kind, path, "")
			require.Error(t, err)
			assert.ErrorContains(t, err, c.says)
			assert.Empty(t, l.Entities, "half a list is none")
		})
	}
}

func TestAnOFACSetNeedsItsAliasesAndSaysWhichFileIsMissing(t *testing.T) {
	dir := copied(t)
	require.NoError(t, os.Remove(filepath.Join(dir, "add.csv")))
	_, err := source.Load(source.OFACCSV, filepath.Join(dir, "sdn.csv"), "")
	require.NoError(t, err)
	require.NoError(t, os.Remove(filepath.Join(dir, "alt.csv")))
	_, err = source.Load(source.OFACCSV, dir, "")
	assert.ErrorContains(t, err, "alt.csv")
	_, err = source.Load(source.OFACCSV, filepath.Join(dir, "un.xml"), "")
	assert.ErrorContains(t, err, "sdn.csv")
	_, err = source.Load(source.OFACCSV, t.TempDir(), "")
	assert.ErrorContains(t, err, "0 files named")
}

func TestARowWithoutItsEntryIsLeftOutWithAWarning(t *testing.T) {
	dir := copied(t)
	write(t, dir, "alt.csv", strings.Repeat("7777,1,\"aka\",\"NOBODY\",-0- \n", 500))
	l, err := source.Load(source.OFACCSV, dir, "")
	require.NoError(t, err)
	require.Len(t, l.Warnings, 100, "bounded")
	assert.Contains(t, l.Warnings[0], "alt.csv")
}

func TestASnapshotIsNamedByItsContentAlone(t *testing.T) {
	first := ofac(t)
	dir := copied(t)
	b, err := os.ReadFile(filepath.Join(dir, "sdn.csv"))
	require.NoError(t, err)
	rows := strings.Split(strings.TrimSuffix(string(b), "\x1a"), "\r\n")
	rows[0], rows[5] = rows[5], rows[0]
	write(t, dir, "sdn.csv", strings.Join(rows, "\n"))
	again, err := source.Load(source.OFACCSV, dir, "")
	require.NoError(t, err)
	assert.Equal(t, first.Snapshot, again.Snapshot, "another order and other line ends")

	write(t, dir, "sdn.csv", strings.Replace(string(b), "1961", "1962", 1))
	changed, err := source.Load(source.OFACCSV, dir, "")
	require.NoError(t, err)
	assert.NotEqual(t, first.Snapshot, changed.Snapshot)
}

func FuzzUN(f *testing.F) {
	b, err := os.ReadFile(filepath.Join(fixtures, "un.xml"))
	require.NoError(f, err)
	f.Add(b)
	f.Add([]byte(`<CONSOLIDATED_LIST><INDIVIDUAL><FIRST_NAME>&#x202e;</FIRST_NAME><REFERENCE_NUMBER>1</REFERENCE_NUMBER></INDIVIDUAL></CONSOLIDATED_LIST>`))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "un.xml")
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		usable(t, source.UNXML, path)
	})
}

func FuzzOFAC(f *testing.F) {
	sdn, err := os.ReadFile(filepath.Join(fixtures, "sdn.csv"))
	require.NoError(f, err)
	alt, err := os.ReadFile(filepath.Join(fixtures, "alt.csv"))
	require.NoError(f, err)
	f.Add(sdn, alt)
	f.Add([]byte("1,\"\xff, A\",\"individual\",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,\"DOB 31 Feb 1999; alt. DOB 0000; Passport ; a.k.a. ''\"\n"), []byte("\x1a"))
	f.Fuzz(func(t *testing.T, sdn, alt []byte) {
		dir := t.TempDir()
		for name, b := range map[string][]byte{"sdn.csv": sdn, "alt.csv": alt} {
			if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		usable(t, source.OFACCSV, dir)
	})
}

// usable holds that a list which was read keeps the bounds and can be searched.
func usable(t *testing.T, kind aml.Kind, path string) {
	l, err := source.Load(kind, path, "")
	if err != nil {
		return
	}
	x, err := aml.Build(l)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range l.Entities {
		if e.ID == "" || len(e.ID) > 128 || len(e.Names) == 0 || len(e.Names) > 200 || len(e.Births) > 64 || len(e.Identifiers) > 64 {
			t.Fatalf("an entry out of bounds: %+v", e)
		}
	}
	for _, e := range l.Entities[:min(3, len(l.Entities))] {
		for _, n := range e.Names {
			_, _ = x.Search(aml.Query{Name: n.Text, Birth: "1970-01-01"})
		}
	}
}
