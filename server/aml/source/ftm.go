package source

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"vestibule/server/aml"
)

// ftmEntity is one line of OpenSanctions' entities.ftm.json, as far as it is read.
type ftmEntity struct {
	ID         string `json:"id"`
	Caption    string `json:"caption"`
	Schema     string `json:"schema"`
	Properties struct {
		Name        []string `json:"name"`
		Alias       []string `json:"alias"`
		WeakAlias   []string `json:"weakAlias"`
		Birth       []string `json:"birthDate"`
		Gender      []string `json:"gender"`
		Nationality []string `json:"nationality"`
		Citizenship []string `json:"citizenship"`
		IDNumber    []string `json:"idNumber"`
		Passport    []string `json:"passportNumber"`
		Topics      []string `json:"topics"`
		Program     []string `json:"programId"`
	} `json:"properties"`
}

// readFTM reads a line for each entity. People are taken, whatever they are in the
// collection for: the operator chooses which collection that is, and their topics stand
// among the programs. Other schemas describe companies, ties and documents, and are
// passed over. A line that is not an entity is left out and counted; one without an end
// means that the file was cut.
func readFTM(g *gathering, in io.Reader) error {
	b := newBounded(in)
	r := bufio.NewReaderSize(b, 1<<16)
	for line := 1; ; line++ {
		b.next()
		text, err := r.ReadBytes('\n')
		cut := errors.Is(err, io.EOF)
		if err != nil && !cut {
			return fmt.Errorf("line %d: %w", line, err)
		}
		text = []byte(strings.TrimSpace(strings.TrimPrefix(string(text), byteOrderMark)))
		if len(text) > 0 {
			g.list.Read++
			err := g.ftm(text)
			switch {
			case errors.Is(err, errLine) && cut:
				return fmt.Errorf("line %d: the file ends within a line", line)
			case errors.Is(err, errLine):
				g.drop("line %d: not an entity", line)
			case err != nil:
				return fmt.Errorf("line %d: %w", line, err)
			}
		}
		if cut {
			return nil
		}
	}
}

// errLine says that a line cannot be read.
var errLine = errors.New("not an entity")

func (g *gathering) ftm(line []byte) error {
	var f ftmEntity
	if json.Unmarshal(line, &f) != nil || f.ID == "" || f.Schema == "" {
		return errLine
	}
	if f.Schema != "Person" {
		return nil
	}
	p := f.Properties
	e := aml.Entity{ID: clean(f.ID), Type: aml.Person}
	for _, name := range append([]string{f.Caption}, p.Name...) {
		kind := aml.Alias
		switch {
		case nonLatin(name):
			kind = aml.Original
		case !hasPrimary(e):
			kind = aml.Primary
		}
		g.name(&e, name, kind)
	}
	for _, name := range p.Alias {
		if nonLatin(name) {
			g.name(&e, name, aml.Original)
			continue
		}
		g.name(&e, name, aml.Alias)
	}
	for _, name := range p.WeakAlias {
		g.name(&e, name, aml.Weak)
	}
	if len(e.Names) == 0 {
		return errLine
	}
	primaryFirst(&e)
	for _, s := range p.Birth {
		if b, ok := parsePrefix(s); ok {
			g.birth(&e, b)
		}
	}
	for _, s := range p.Gender {
		if e.Gender == "" {
			e.Gender = gender(s)
		}
	}
	for _, s := range append(p.Nationality, p.Citizenship...) {
		g.country(&e, isoCountry(s))
	}
	for _, s := range p.Passport {
		g.identifier(&e, "Passport", s, "")
	}
	for _, s := range p.IDNumber {
		g.identifier(&e, "Identity number", s, "")
	}
	for _, s := range append(p.Program, p.Topics...) {
		g.program(&e, s)
	}
	_, err := g.begin(e)
	return err
}

// parsePrefix reads YYYY, YYYY-MM or YYYY-MM-DD, of which a time may follow.
func parsePrefix(s string) (aml.Birth, bool) {
	s, _, _ = strings.Cut(clean(s), "T")
	parts := append(strings.Split(s, "-"), "", "")
	if len(parts) > 5 {
		return aml.Birth{}, false
	}
	from, ok := dateOf(parts[0], parts[1], parts[2])
	return aml.Birth{From: from}, ok
}
