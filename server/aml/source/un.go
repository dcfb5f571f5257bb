package source

import (
	"errors"
	"io"
	"strings"
	"time"

	"vestibule/server/aml"
)

// unEntry is one INDIVIDUAL or ENTITY of the UN Security Council's consolidated list.
type unEntry struct {
	First    string   `xml:"FIRST_NAME"`
	Second   string   `xml:"SECOND_NAME"`
	Third    string   `xml:"THIRD_NAME"`
	Fourth   string   `xml:"FOURTH_NAME"`
	Original []string `xml:"NAME_ORIGINAL_SCRIPT"`
	Ref      string   `xml:"REFERENCE_NUMBER"`
	ListType string   `xml:"UN_LIST_TYPE"`
	Listed   string   `xml:"LISTED_ON"`
	Gender   string   `xml:"GENDER"`
	Nations  []string `xml:"NATIONALITY>VALUE"`
	Aliases  []struct {
		Quality string `xml:"QUALITY"`
		Name    string `xml:"ALIAS_NAME"`
	} `xml:"INDIVIDUAL_ALIAS"`
	EntityAliases []struct {
		Quality string `xml:"QUALITY"`
		Name    string `xml:"ALIAS_NAME"`
	} `xml:"ENTITY_ALIAS"`
	Births []struct {
		Type string `xml:"TYPE_OF_DATE"`
		Date string `xml:"DATE"`
		Year string `xml:"YEAR"`
		From string `xml:"FROM_YEAR"`
		To   string `xml:"TO_YEAR"`
		Note string `xml:"NOTE"`
	} `xml:"INDIVIDUAL_DATE_OF_BIRTH"`
	Documents []struct {
		Kind    string `xml:"TYPE_OF_DOCUMENT"`
		Number  string `xml:"NUMBER"`
		Issuing string `xml:"ISSUING_COUNTRY"`
		Issue   string `xml:"COUNTRY_OF_ISSUE"`
	} `xml:"INDIVIDUAL_DOCUMENT"`
}

// readUN reads the consolidated list, one entry at a time.
func readUN(g *gathering, in io.Reader) error {
	x := newXML(in)
	root, err := x.root("CONSOLIDATED_LIST", "a consolidated list")
	if err != nil {
		return err
	}
	g.list.Issued, _ = time.Parse(time.RFC3339Nano, attr(root, "dateGenerated")) // zero when it is not a time
	for {
		start, err := x.start()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		kind, known := map[string]aml.EntityType{"INDIVIDUAL": aml.Person, "ENTITY": aml.Organisation}[start.Name.Local]
		if !known {
			continue
		}
		var entry unEntry
		if err := x.decode(&entry, start); err != nil {
			return err
		}
		g.list.Read++
		if err := entry.add(g, kind); err != nil {
			return x.within(err)
		}
	}
}

func (u unEntry) add(g *gathering, kind aml.EntityType) error {
	ref := clean(u.Ref)
	if ref == "" {
		return errors.New("an entry without a reference number")
	}
	at, err := g.begin(aml.Entity{ID: ref, Type: kind, Gender: gender(u.Gender), Listed: listed(u.Listed)})
	if err != nil {
		return err
	}
	e := &g.list.Entities[at]
	g.program(e, u.ListType)
	g.name(e, strings.Join([]string{u.First, u.Second, u.Third, u.Fourth}, " "), aml.Primary)
	if len(e.Names) == 0 {
		return errors.New("an entry without a name")
	}
	for _, original := range u.Original {
		for name := range strings.FieldsFuncSeq(original, func(r rune) bool { return r == ';' || r == '؛' }) {
			g.name(e, name, aml.Original)
		}
	}
	for _, a := range append(u.Aliases, u.EntityAliases...) {
		kind := aml.Alias
		if strings.EqualFold(clean(a.Quality), "low") {
			kind = aml.Weak
		}
		for name := range strings.SplitSeq(a.Name, ";") {
			g.name(e, name, kind)
		}
	}
	for _, b := range u.Births {
		if birth, ok := unBirth(clean(b.Date), clean(b.Year), clean(b.From), clean(b.To), clean(b.Note)); ok {
			birth.Circa = birth.Circa || clean(b.Type) == "APPROXIMATELY"
			g.birth(e, birth)
		}
	}
	for _, nation := range u.Nations {
		g.country(e, clean(nation))
	}
	for _, d := range u.Documents {
		country := clean(d.Issuing)
		if country == "" {
			country = d.Issue
		}
		g.identifier(e, d.Kind, d.Number, country)
	}
	return nil
}

func unBirth(date, year, from, to, note string) (b aml.Birth, ok bool) {
	switch {
	case date != "":
		b.From, ok = parseDate(date)
	case from != "" && to != "":
		b, ok = parseBirth(from + " to " + to)
	case year != "":
		b.From, ok = parseDate(year)
	default:
		b, ok = parseBirth(note)
	}
	return b, ok
}
