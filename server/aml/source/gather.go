package source

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"vestibule/server/aml"
)

// Bounds of a list. The longest entries published today have some hundred names; the
// rest are starting values, unmeasured.
const (
	maxEntities    = 1_000_000
	maxNames       = 200 // of an entry
	maxNameBytes   = 1 << 10
	maxFacts       = 64  // births, countries, identifiers and programs of an entry, each
	maxFactBytes   = 256 // of a number, a kind, a country, a program
	maxWarnings    = 100
	maxIDBytes     = 128
	warnedExamples = 3 // entries named in a warning
)

// gathering collects a list, entry by entry, within the bounds.
type gathering struct {
	list   aml.List
	places map[string]int // id → place in list.Entities
	cut    map[string]*cut
}

// cut counts what was left out under one bound.
type cut struct {
	times    int
	examples []string
}

func newGathering(source aml.Source, kind aml.Kind) *gathering {
	return &gathering{list: aml.List{Source: source, Kind: kind}, places: map[string]int{}, cut: map[string]*cut{}}
}

// begin adds an entry and gives its place. An id that stands there twice is an error.
func (g *gathering) begin(e aml.Entity) (int, error) {
	switch {
	case e.ID == "":
		return 0, errors.New("an entry without an id")
	case len(e.ID) > maxIDBytes:
		return 0, fmt.Errorf("an entry's id is longer than %d bytes", maxIDBytes)
	case len(g.list.Entities) >= maxEntities:
		return 0, fmt.Errorf("%w: more than %d entries", ErrTooLarge, maxEntities)
	}
	if _, twice := g.places[e.ID]; twice {
		return 0, errors.New("an entry's id stands there twice")
	}
	e.Source = g.list.Source
	g.places[e.ID] = len(g.list.Entities)
	g.list.Entities = append(g.list.Entities, e)
	return len(g.list.Entities) - 1, nil
}

// at gives an entry by its id.
func (g *gathering) at(id string) (*aml.Entity, bool) {
	i, ok := g.places[id]
	if !ok {
		return nil, false
	}
	return &g.list.Entities[i], true
}

// drop counts a record that cannot be read and is left out.
func (g *gathering) drop(format string, args ...any) {
	g.list.Dropped++
	g.warn(format, args...)
}

// warn notes something; the list keeps the first maxWarnings.
func (g *gathering) warn(format string, args ...any) {
	if len(g.list.Warnings) < maxWarnings {
		g.list.Warnings = append(g.list.Warnings, fmt.Sprintf(format, args...))
	}
}

// leave counts what is left out under a bound.
func (g *gathering) leave(what, entry string) {
	c := g.cut[what]
	if c == nil {
		c = &cut{}
		g.cut[what] = c
	}
	c.times++
	if len(c.examples) < warnedExamples && !slices.Contains(c.examples, entry) {
		c.examples = append(c.examples, entry)
	}
}

// warnings gives what was noted, and what was left out with its count.
func (g *gathering) warnings() []string {
	all := g.list.Warnings
	for _, what := range slices.SortedFunc(mapKeys(g.cut), cmp.Compare[string]) {
		c := g.cut[what]
		all = append(all, fmt.Sprintf("left out %d times: %s (entry %s)", c.times, what, strings.Join(c.examples, ", ")))
	}
	return all
}

func mapKeys(m map[string]*cut) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// name adds a name unless the entry has it already.
func (g *gathering) name(e *aml.Entity, text string, kind aml.NameKind) {
	text = clean(text)
	if text == "" || strings.EqualFold(text, "na") {
		return
	}
	if len(text) > maxNameBytes {
		g.leave(fmt.Sprintf("names of more than %d bytes", maxNameBytes), e.ID)
		return
	}
	if slices.ContainsFunc(e.Names, func(n aml.Name) bool { return n.Text == text }) {
		return
	}
	if len(e.Names) >= maxNames {
		g.leave(fmt.Sprintf("names beyond %d of one entry", maxNames), e.ID)
		return
	}
	e.Names = append(e.Names, aml.Name{Text: text, Kind: kind})
}

// birth adds a date of birth.
func (g *gathering) birth(e *aml.Entity, b aml.Birth) {
	if slices.Contains(e.Births, b) {
		return
	}
	if len(e.Births) >= maxFacts {
		g.leave(fmt.Sprintf("dates of birth beyond %d of one entry", maxFacts), e.ID)
		return
	}
	e.Births = append(e.Births, b)
}

// country adds a nationality or citizenship.
func (g *gathering) country(e *aml.Entity, name string) {
	code := countryCode(name)
	if code == "" || strings.EqualFold(code, "na") || slices.Contains(e.Countries, code) {
		return
	}
	if len(code) > maxFactBytes || len(e.Countries) >= maxFacts {
		g.leave(fmt.Sprintf("countries beyond %d of one entry, or of more than %d bytes", maxFacts, maxFactBytes), e.ID)
		return
	}
	e.Countries = append(e.Countries, code)
}

// identifier adds the number of a document. country is a code or a name.
func (g *gathering) identifier(e *aml.Entity, kind, number, country string) {
	id := aml.Identifier{Kind: clean(kind), Number: clean(number), Country: countryCode(clean(country))}
	if id.Number == "" || slices.Contains(e.Identifiers, id) {
		return
	}
	if len(id.Kind) > maxFactBytes || len(id.Number) > maxFactBytes || len(id.Country) > maxFactBytes || len(e.Identifiers) >= maxFacts {
		g.leave(fmt.Sprintf("numbers beyond %d of one entry, or of more than %d bytes", maxFacts, maxFactBytes), e.ID)
		return
	}
	e.Identifiers = append(e.Identifiers, id)
}

// program adds what an entry is listed under.
func (g *gathering) program(e *aml.Entity, name string) {
	name = clean(name)
	if name == "" || slices.Contains(e.Programs, name) {
		return
	}
	if len(name) > maxFactBytes || len(e.Programs) >= maxFacts {
		g.leave(fmt.Sprintf("programs beyond %d of one entry, or of more than %d bytes", maxFacts, maxFactBytes), e.ID)
		return
	}
	e.Programs = append(e.Programs, name)
}

// gender reads a gender as lists write it: anything else is none.
func gender(s string) string {
	switch strings.ToLower(clean(s)) {
	case "m", "male":
		return "male"
	case "f", "female":
		return "female"
	}
	return ""
}

// clean takes line breaks and double spaces out of a text.
func clean(s string) string { return strings.Join(strings.Fields(s), " ") }
