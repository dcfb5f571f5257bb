package source

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"vestibule/server/aml"
)

// OwnHelp tells how an operator writes a list of his own.
const OwnHelp = `A list of your own (own-csv) is a table with commas, in UTF-8 or Windows-1252. Its
first row names the columns, in any order; id and name must be there, others may be:
  id         what the entry is called, once in the list
  name       the person's name as documents write it
  alias      other names, with semicolons
  weak       names that say little by themselves, with semicolons
  original   the name in its own script, with semicolons
  birth      dates: 1961-03-12, 1961-03, 1961, circa 1961, 1961 to 1963; with semicolons
  gender     male or female
  country    nationalities, alpha-3 or names, with semicolons
  passport   numbers, with semicolons; ISO-3:number names the state that issued it
  number     other numbers of the person's, in the same way
  program    why the entry is there, with semicolons
For example:
  id,name,alias,birth,country,passport,program
  17,Kasimir Vorenthal,Casimir Vorenthall; K. Vorn,1961-03-12,SYR,SYR:A0194837,fraud 2025
`

// ownColumns gives those of OwnHelp.
func ownColumns() []string {
	return []string{"id", "name", "alias", "weak", "original", "birth", "gender", "country", "passport", "number", "program"}
}

// readOwn reads a list of the operator's own. A column that is not known is an error:
// it is a word misspelled, and what stands in it would be left out without a word. So is
// a row that cannot be read: who wrote the list can mend it.
func readOwn(g *gathering, in io.Reader) error {
	t := newTable(in)
	first, err := t.next()
	if err != nil {
		return noTable(err)
	}
	h, err := newHeader(first, "id", "name")
	if err != nil {
		return fmt.Errorf("line %d: %w", t.line, err)
	}
	for name := range h {
		if !slices.Contains(ownColumns(), name) {
			return fmt.Errorf("line %d: the column %.40q is unknown; known are %q", t.line, name, ownColumns())
		}
	}
	columns := len(first)
	for {
		row, err := t.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		g.list.Read++
		if len(row) != columns {
			return fmt.Errorf("line %d: %d columns instead of %d", t.line, len(row), columns)
		}
		if err := g.own(h, row); err != nil {
			return fmt.Errorf("line %d: %w", t.line, err)
		}
	}
}

func (g *gathering) own(h header, row []string) error {
	e := aml.Entity{ID: clean(h.get(row, "id")), Type: aml.Person}
	kind := aml.Primary
	if nonLatin(h.get(row, "name")) {
		kind = aml.Original
	}
	if g.name(&e, h.get(row, "name"), kind); len(e.Names) == 0 {
		return errors.New("an entry without a usable name")
	}
	for _, names := range []struct {
		column string
		kind   aml.NameKind
	}{{"alias", aml.Alias}, {"weak", aml.Weak}, {"original", aml.Original}} {
		for name := range strings.SplitSeq(h.get(row, names.column), ";") {
			g.name(&e, name, names.kind)
		}
	}
	for s := range strings.SplitSeq(h.get(row, "birth"), ";") {
		if clean(s) == "" {
			continue
		}
		b, ok := parsePrefix(s)
		if !ok {
			b, ok = parseBirth(s)
		}
		if !ok {
			return errors.New("a date of birth that is none: write 1961-03-12, 1961-03, 1961, circa 1961 or 1961 to 1963")
		}
		g.birth(&e, b)
	}
	if s := clean(h.get(row, "gender")); s != "" {
		if e.Gender = gender(s); e.Gender == "" {
			return errors.New("a gender that is neither male nor female: leave it empty where it is another or not known")
		}
	}
	for s := range strings.SplitSeq(h.get(row, "country"), ";") {
		g.country(&e, clean(s))
	}
	for _, column := range []string{"passport", "number"} {
		for s := range strings.SplitSeq(h.get(row, column), ";") {
			country, number, ok := strings.Cut(s, ":")
			if !ok {
				country, number = "", s
			}
			g.identifier(&e, column, number, country)
		}
	}
	for s := range strings.SplitSeq(h.get(row, "program"), ";") {
		g.program(&e, s)
	}
	_, err := g.begin(e)
	return err
}
