package aml

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
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
func readUN(in io.Reader) (List, error) {
	list := List{Source: SourceUN, Kind: UNXML}
	dec := xml.NewDecoder(&boundedReader{in: in, left: maxFile})
	seen := make(map[string]bool)
	root := false
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		line, _ := dec.InputPos()
		if err != nil {
			return List{}, fmt.Errorf("line %d: %w", line, err)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		if !root {
			if start.Name.Local != "CONSOLIDATED_LIST" {
				return List{}, fmt.Errorf("line %d: not a consolidated list: it begins with %.40q", line, start.Name.Local)
			}
			root = true
			for _, a := range start.Attr {
				if a.Name.Local == "dateGenerated" {
					list.Issued, _ = time.Parse(time.RFC3339Nano, a.Value) // zero when it is not a time
				}
			}
			continue
		}
		kind, known := map[string]EntityType{"INDIVIDUAL": Person, "ENTITY": Organisation}[start.Name.Local]
		if !known {
			continue
		}
		var entry unEntry
		if err := dec.DecodeElement(&entry, &start); err != nil {
			return List{}, fmt.Errorf("line %d: %w", line, err)
		}
		e, err := entry.entity(kind)
		if err != nil {
			return List{}, fmt.Errorf("line %d: %w", line, err)
		}
		if seen[e.ID] {
			return List{}, fmt.Errorf("line %d: an entry's reference number stands there twice", line)
		}
		seen[e.ID] = true
		if len(list.Entities) == maxEntities {
			return List{}, ErrTooLarge
		}
		list.Entities = append(list.Entities, e)
	}
	if !root {
		return List{}, errors.New("line 1: not a consolidated list: no element in it")
	}
	return list, nil
}

func (u unEntry) entity(kind EntityType) (Entity, error) {
	e := Entity{ID: clean(u.Ref), Source: SourceUN, Type: kind, Gender: strings.ToLower(clean(u.Gender)), Listed: clean(u.Listed)}
	if e.ID == "" {
		return Entity{}, errors.New("an entry without a reference number")
	}
	if e.Gender != "male" && e.Gender != "female" {
		e.Gender = ""
	}
	if program := clean(u.ListType); program != "" {
		e.Programs = []string{program}
	}
	e.addName(strings.Join([]string{u.First, u.Second, u.Third, u.Fourth}, " "), Primary)
	if len(e.Names) == 0 {
		return Entity{}, errors.New("an entry without a name")
	}
	for _, original := range u.Original {
		for name := range strings.FieldsFuncSeq(original, func(r rune) bool { return r == ';' || r == '؛' }) {
			e.addName(name, Original)
		}
	}
	for _, a := range append(u.Aliases, u.EntityAliases...) {
		kind := Alias
		if strings.EqualFold(clean(a.Quality), "low") {
			kind = Weak
		}
		for name := range strings.SplitSeq(a.Name, ";") {
			e.addName(name, kind)
		}
	}
	for _, b := range u.Births {
		e.addBirth(clean(b.Type), clean(b.Date), clean(b.Year), clean(b.From), clean(b.To), clean(b.Note))
	}
	for _, nation := range u.Nations {
		e.addCountry(clean(nation))
	}
	for _, d := range u.Documents {
		if number := clean(d.Number); number != "" {
			country := clean(d.Issuing)
			if country == "" {
				country = clean(d.Issue)
			}
			e.Identifiers = append(e.Identifiers, Identifier{Kind: clean(d.Kind), Number: number, Country: countryCode(country)})
		}
	}
	return e, nil
}

func (e *Entity) addName(text string, kind NameKind) {
	text = clean(text)
	if text == "" || strings.EqualFold(text, "na") || len(text) > maxName {
		return
	}
	for _, have := range e.Names {
		if have.Text == text {
			return
		}
	}
	e.Names = append(e.Names, Name{text, kind})
}

func (e *Entity) addBirth(kind, date, year, from, to, note string) {
	var b Birth
	var ok bool
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
	if ok {
		b.Circa = b.Circa || kind == "APPROXIMATELY"
		e.Births = append(e.Births, b)
	}
}

// clean takes line breaks and double spaces out of a text.
func clean(s string) string { return strings.Join(strings.Fields(s), " ") }
