package source

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"vestibule/server/aml"
)

// Columns of OFSI's consolidated list in the format of 2022.
const (
	ofsiGroup      = "Group ID"
	ofsiType       = "Group Type"
	ofsiAlias      = "Alias Type"
	ofsiQuality    = "Alias Quality"
	ofsiOriginal   = "Name Non-Latin Script"
	ofsiBirth      = "DOB"
	ofsiNation     = "Nationality"
	ofsiPassport   = "Passport Number"
	ofsiNationalID = "National Identification Number"
	ofsiRegime     = "Regime"
	ofsiListed     = "Listed On"
)

// readOFSI reads ConList.csv: a line with the date of the list, a line that names the
// columns, then a row for every name. Rows of one group are one entry, wherever they
// stand. A row that cannot be read is left out and counted.
func readOFSI(g *gathering, in io.Reader) error {
	t := newTable(in)
	first, err := t.next()
	if err != nil {
		return noTable(err)
	}
	if strings.EqualFold(first[0], "Last Updated") && len(first) > 1 {
		g.list.Issued, _ = time.Parse("02/01/2006", first[1]) // zero when it is not a date
		if first, err = t.next(); err != nil {
			return noTable(err)
		}
	}
	h, err := newHeader(first, "Name 6", "Name 1", ofsiGroup, ofsiType, ofsiAlias)
	if err != nil {
		return fmt.Errorf("line %d: %w", t.line, err)
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
		if len(row) != columns || h.get(row, ofsiGroup) == "" {
			g.drop("line %d: %d columns instead of %d, or no group", t.line, len(row), columns)
			continue
		}
		if err := g.ofsi(h, row, t.line); err != nil {
			return fmt.Errorf("line %d: %w", t.line, err)
		}
	}
}

func noTable(err error) error {
	if errors.Is(err, io.EOF) {
		return errNoTable
	}
	return err
}

func (g *gathering) ofsi(h header, row []string, line int) error {
	var parts []string
	for _, column := range []string{"Name 1", "Name 2", "Name 3", "Name 4", "Name 5", "Name 6"} {
		parts = append(parts, h.get(row, column)) // Name 6 is the family name
	}
	names := aml.Entity{ID: h.get(row, ofsiGroup)}
	g.name(&names, strings.Join(parts, " "), ofsiName(h, row))
	g.name(&names, h.get(row, ofsiOriginal), aml.Original)
	if len(names.Names) == 0 {
		g.drop("line %d: a row without a usable name", line)
		return nil
	}
	e, known := g.at(names.ID)
	if !known {
		at, err := g.begin(aml.Entity{ID: names.ID, Type: ofsiKind(h.get(row, ofsiType))})
		if err != nil {
			return err
		}
		e = &g.list.Entities[at]
	}
	for _, n := range names.Names {
		g.name(e, n.Text, n.Kind)
	}
	primaryFirst(e)
	for _, s := range numbered(h.get(row, ofsiBirth)) {
		if b, ok := slashed(s); ok {
			g.birth(e, b)
		}
	}
	for _, s := range numbered(h.get(row, ofsiNation)) {
		g.country(e, s)
	}
	for _, s := range numbered(h.get(row, ofsiPassport)) {
		g.identifier(e, "Passport", s, "")
	}
	for _, s := range numbered(h.get(row, ofsiNationalID)) {
		g.identifier(e, "National identification", s, "")
	}
	g.program(e, h.get(row, ofsiRegime))
	if b, ok := slashed(h.get(row, ofsiListed)); ok && e.Listed == "" && len(b.From) == len(time.DateOnly) {
		e.Listed = b.From
	}
	return nil
}

// ofsiName says what kind of name a row gives.
func ofsiName(h header, row []string) aml.NameKind {
	switch {
	case strings.EqualFold(h.get(row, ofsiAlias), "Primary name"):
		return aml.Primary
	case strings.HasPrefix(strings.ToLower(h.get(row, ofsiQuality)), "low"):
		return aml.Weak
	}
	return aml.Alias
}

func ofsiKind(s string) aml.EntityType {
	switch strings.ToLower(s) {
	case "individual":
		return aml.Person
	case "ship":
		return aml.Vessel
	}
	return aml.Organisation
}

// inBrackets parts several values in one field: "(1) Iraqi (2) Syrian".
var inBrackets = regexp.MustCompile(`\(\d{1,2}\)`)

// numbered gives the values of a field.
func numbered(s string) []string {
	var all []string
	for _, part := range inBrackets.Split(s, maxFacts+1) {
		if part = strings.Trim(clean(part), ".,; "); part != "" {
			all = append(all, part)
		}
	}
	return all
}

// slashed reads DD/MM/YYYY, in which 00 stands for a part that is not known.
func slashed(s string) (aml.Birth, bool) {
	parts := strings.Split(clean(s), "/")
	if len(parts) != 3 {
		return parseBirth(s)
	}
	from, ok := dateOf(parts[2], parts[1], parts[0])
	return aml.Birth{From: from}, ok
}
