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

// ukColumns names the columns of one of the two British lists.
type ukColumns struct {
	date     string // what the line before the columns begins with
	layout   string // of that date
	group    string // rows of one group are one entry
	kind     string
	name     string // what kind of name the row gives
	quality  string
	original string
	birth    string
	gender   string
	nation   string
	passport string
	number   string
	regime   string
	listed   string
}

// ofsiColumns are those of OFSI's ConList.csv in the format of 2022.
func ofsiColumns() ukColumns {
	return ukColumns{
		"Last Updated", "02/01/2006", "Group ID", "Group Type", "Alias Type", "Alias Quality", "Name Non-Latin Script", "DOB", "Gender", "Nationality",
		"Passport Number", "National Identification Number", "Regime", "Listed On",
	}
}

// fcdoColumns are those of the UK Sanctions List, which took the place of OFSI's in 2026.
func fcdoColumns() ukColumns {
	return ukColumns{
		"Report Date", "02-Jan-2006", "Unique ID", "Designation Type", "Name type", "Alias strength", "Name non-latin script", "D.O.B", "Gender", "Nationality(/ies)",
		"Passport number", "National Identifier number", "Regime Name", "Date Designated",
	}
}

func readOFSI(g *gathering, in io.Reader) error { return readUK(g, in, ofsiColumns()) }
func readFCDO(g *gathering, in io.Reader) error { return readUK(g, in, fcdoColumns()) }

// readUK reads a line with the date of the list, a line that names the columns, then a
// row for every name. Rows of one group are one entry, wherever they stand. A row that
// cannot be read is left out and counted.
func readUK(g *gathering, in io.Reader, c ukColumns) error {
	t := newTable(in)
	first, err := t.next()
	if err != nil {
		return noTable(err)
	}
	if issued, ok := c.issued(first); ok {
		g.list.Issued = issued
		if first, err = t.next(); err != nil {
			return noTable(err)
		}
	}
	h, err := newHeader(first, "Name 6", "Name 1", c.group, c.kind, c.name)
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
		if len(row) != columns || h.get(row, c.group) == "" {
			g.drop("line %d: %d columns instead of %d, or no group", t.line, len(row), columns)
			continue
		}
		if err := g.uk(c, h, row, t.line); err != nil {
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

func (g *gathering) uk(c ukColumns, h header, row []string, line int) error {
	var parts []string
	for _, column := range []string{"Name 1", "Name 2", "Name 3", "Name 4", "Name 5", "Name 6"} {
		parts = append(parts, h.get(row, column)) // Name 6 is the family name
	}
	names := aml.Entity{ID: h.get(row, c.group)}
	g.name(&names, strings.Join(parts, " "), c.nameKind(h, row))
	g.name(&names, h.get(row, c.original), aml.Original)
	if len(names.Names) == 0 {
		g.drop("line %d: a row without a usable name", line)
		return nil
	}
	e, known := g.at(names.ID)
	if !known {
		at, err := g.begin(aml.Entity{ID: names.ID, Type: ukKind(h.get(row, c.kind))})
		if err != nil {
			return err
		}
		e = &g.list.Entities[at]
	}
	for _, n := range names.Names {
		g.name(e, n.Text, n.Kind)
	}
	primaryFirst(e)
	if e.Gender == "" {
		e.Gender = gender(h.get(row, c.gender))
	}
	for _, s := range numbered(h.get(row, c.birth)) {
		if b, ok := slashed(s); ok {
			g.birth(e, b)
		}
	}
	for _, s := range numbered(h.get(row, c.nation)) {
		g.country(e, s)
	}
	for _, s := range numbered(h.get(row, c.passport)) {
		g.identifier(e, "Passport", s, "")
	}
	for _, s := range numbered(h.get(row, c.number)) {
		g.identifier(e, "National identification", s, "")
	}
	g.program(e, h.get(row, c.regime))
	if b, ok := slashed(h.get(row, c.listed)); ok && e.Listed == "" && len(b.From) == len(time.DateOnly) {
		e.Listed = b.From
	}
	return nil
}

// nameKind says what kind of name a row gives.
func (c ukColumns) nameKind(h header, row []string) aml.NameKind {
	quality := strings.ToLower(h.get(row, c.quality))
	switch {
	case strings.EqualFold(h.get(row, c.name), "Primary name"):
		return aml.Primary
	case strings.HasPrefix(quality, "low"), strings.HasPrefix(quality, "weak"):
		return aml.Weak
	}
	return aml.Alias
}

// issued reads the line before the columns: "Last Updated,14/01/2026" or "Report Date:
// 14-Jan-2026". The date is zero when it is none.
func (c ukColumns) issued(row []string) (time.Time, bool) {
	text := strings.Join(row, " ")
	if len(row) > 2 && strings.Trim(strings.Join(row[2:], ""), " ") != "" || len(text) > 100 {
		return time.Time{}, false // the columns themselves
	}
	rest, ok := strings.CutPrefix(strings.ToLower(text), strings.ToLower(c.date))
	if !ok {
		return time.Time{}, false
	}
	day, _ := time.Parse(c.layout, clean(strings.TrimLeft(text[len(text)-len(rest):], ": ")))
	return day, true
}

func ukKind(s string) aml.EntityType {
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

// slashed reads DD/MM/YYYY, in which 00, dd or mm stands for a part that is not known.
func slashed(s string) (aml.Birth, bool) {
	parts := strings.Split(clean(s), "/")
	if len(parts) != 3 {
		return parseBirth(s)
	}
	from, ok := dateOf(parts[2], parts[1], parts[0])
	return aml.Birth{From: from}, ok
}
