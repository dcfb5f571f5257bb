package source

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"vestibule/server/aml"
)

// Columns of the OFAC files, in the order of its published data specification.
const (
	sdnColumns     = 12 // number, name, type, program, title, call sign, vessel type, tonnage, GRT, flag, owner, remarks
	altColumns     = 5  // number, alternate number, type, name, remarks
	addColumns     = 6  // number, address number, address, city, country, remarks
	commentColumns = 2  // number, continued remarks
)

// ofacFile is one file of an SDN set.
type ofacFile struct {
	name     string
	columns  int
	required bool
	row      func(*ofacReader, []string) error
}

func ofacFiles() []ofacFile {
	return []ofacFile{
		{"sdn.csv", sdnColumns, true, (*ofacReader).entry},
		{"alt.csv", altColumns, true, (*ofacReader).alias}, // without its aliases a list misses most of whom it means
		{"add.csv", addColumns, false, (*ofacReader).address},
		{"sdn_comments.csv", commentColumns, false, (*ofacReader).comment},
	}
}

// ofacReader puts an SDN set together.
type ofacReader struct {
	*gathering
	remarks []string // by place of the entry
}

// maxRemarks bounds the remarks of one entry, which go on in rows of another file.
const maxRemarks = 256 << 10

// loadOFAC reads an SDN set: path is its folder or its sdn.csv.
func loadOFAC(g *gathering, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	sdn := path
	if info.IsDir() {
		found, err := filepath.Glob(filepath.Join(path, "*sdn.csv"))
		if err != nil {
			return err
		}
		if len(found) != 1 {
			return fmt.Errorf("%d files named …sdn.csv in the folder; name the one that is meant", len(found))
		}
		sdn = found[0]
	}
	prefix, ok := strings.CutSuffix(sdn, "sdn.csv")
	if !ok {
		return errors.New("the main file of the set is named …sdn.csv")
	}
	r := &ofacReader{gathering: g}
	for _, f := range ofacFiles() {
		in, err := os.Open(prefix + f.name)
		if errors.Is(err, os.ErrNotExist) && !f.required {
			continue
		}
		if err != nil {
			return err
		}
		err = r.file(in, f.columns, f.row)
		if err = errors.Join(err, in.Close()); err != nil {
			return fmt.Errorf("%s, %w", f.name, err)
		}
	}
	for i := range g.list.Entities {
		r.readRemarks(&g.list.Entities[i], r.remarks[i])
	}
	return nil
}

// file hands every row to take, with OFAC's "-0-" as nothing.
func (r *ofacReader) file(in io.Reader, columns int, take func(*ofacReader, []string) error) error {
	t := newTable(in)
	for {
		row, err := t.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if len(row) != columns {
			return fmt.Errorf("line %d: %d columns instead of %d", t.line, len(row), columns)
		}
		for i, field := range row {
			if field == "-0-" {
				row[i] = ""
			}
		}
		r.list.Read++
		if err := take(r, row); err != nil {
			return fmt.Errorf("line %d: %w", t.line, err)
		}
	}
}

func (r *ofacReader) entry(row []string) error {
	number, name := row[0], row[1]
	if number == "" || name == "" {
		return errors.New("an entry without a number or a name")
	}
	at, err := r.begin(aml.Entity{ID: number, Type: ofacType(row[2])})
	if err != nil {
		return err
	}
	r.remarks = append(r.remarks, row[11])
	e := &r.list.Entities[at]
	if r.name(e, name, aml.Primary); len(e.Names) == 0 {
		return errors.New("an entry without a usable name")
	}
	for program := range strings.FieldsFuncSeq(row[3], func(c rune) bool { return c == '[' || c == ']' || c == ' ' }) {
		r.program(e, program)
	}
	return nil
}

// find gives the entry a row of another file belongs to. A row without its entry
// is left out with a warning: the files of a set are published together, but
// operators mix them.
func (r *ofacReader) find(file, number string) (*aml.Entity, bool) {
	e, ok := r.at(number)
	if !ok {
		r.drop("%s: no entry %.20q in sdn.csv", file, number)
	}
	return e, ok
}

func (r *ofacReader) alias(row []string) error {
	if row[3] == "" {
		return errors.New("an alias without a name")
	}
	if e, ok := r.find("alt.csv", row[0]); ok {
		r.name(e, row[3], aml.Alias)
	}
	return nil
}

func (r *ofacReader) address(row []string) error {
	// Where somebody lives is not where they belong to; only the link is checked.
	r.find("add.csv", row[0])
	return nil
}

func (r *ofacReader) comment(row []string) error {
	if e, ok := r.find("sdn_comments.csv", row[0]); ok {
		at := r.places[e.ID]
		if len(r.remarks[at])+len(row[1]) > maxRemarks {
			r.leave(fmt.Sprintf("remarks beyond %d bytes of one entry", maxRemarks), e.ID)
			return nil
		}
		r.remarks[at] += row[1]
	}
	return nil
}

func ofacType(s string) aml.EntityType {
	switch strings.ToLower(s) {
	case "individual":
		return aml.Person
	case "vessel":
		return aml.Vessel
	case "aircraft":
		return aml.Aircraft
	}
	return aml.Organisation
}

var (
	ofacNumber = regexp.MustCompile(`^(?:alt\. )?([A-Z][A-Za-z. ]*?)(?: No\.?| Number| #)? ([A-Z0-9][A-Z0-9./ -]*\d[A-Z0-9./-]*)(?: \(([^)]+)\))?`)
	ofacNick   = regexp.MustCompile(`^[afn]\.k\.a\. '([^']+)'`)
)

// readRemarks takes out of the free remarks what is written by rule: dates of
// birth, gender, nationality, numbers of documents, and the aliases OFAC calls weak.
func (r *ofacReader) readRemarks(e *aml.Entity, remarks string) {
	if e.Type != aml.Person {
		return
	}
	for part := range strings.SplitSeq(remarks, ";") {
		part = strings.TrimSuffix(strings.TrimSpace(part), ".")
		bare := strings.TrimPrefix(part, "alt. ")
		switch {
		case strings.HasPrefix(bare, "DOB "):
			if b, ok := parseBirth(bare[4:]); ok {
				r.birth(e, b)
			}
		case strings.HasPrefix(bare, "Gender "):
			if g := gender(bare[7:]); g != "" {
				e.Gender = g
			}
		case strings.HasPrefix(bare, "nationality "), strings.HasPrefix(bare, "citizen "):
			_, country, _ := strings.Cut(bare, " ")
			r.country(e, country)
		case ofacNick.MatchString(part):
			r.name(e, ofacNick.FindStringSubmatch(part)[1], aml.Weak)
		case isDocument(bare):
			if m := ofacNumber.FindStringSubmatch(bare); m != nil {
				r.identifier(e, m[1], m[2], m[3])
			}
		}
	}
}

func isDocument(s string) bool {
	for _, kind := range []string{"Passport", "National ID", "Cedula", "Identification Number", "Tax ID", "Personal ID", "C.U.R.P.", "Birth Certificate", "Driver's License", "SSN", "Residency", "Stateless Person"} {
		if strings.HasPrefix(s, kind) {
			return true
		}
	}
	return false
}
