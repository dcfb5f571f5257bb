package aml

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Columns of the OFAC files, in the order of its published data specification.
const (
	sdnColumns     = 12 // number, name, type, program, title, call sign, vessel type, tonnage, GRT, flag, owner, remarks
	altColumns     = 5  // number, alternate number, type, name, remarks
	addColumns     = 6  // number, address number, address, city, country, remarks
	commentColumns = 2  // number, continued remarks
)

// ofacFiles are the files of one SDN set; only the first must be there.
type ofacFiles struct {
	SDN, Alt, Add, Comments io.Reader
}

// ofacReader puts an SDN set together.
type ofacReader struct {
	list     List
	byNumber map[string]int
	remarks  []string
}

// readOFAC reads an SDN set.
func readOFAC(files ofacFiles) (List, error) {
	r := ofacReader{list: List{Source: SourceOFAC, Kind: OFACCSV}, byNumber: make(map[string]int)}
	for _, f := range []struct {
		name    string
		in      io.Reader
		columns int
		row     func([]string) error
	}{
		{"sdn.csv", files.SDN, sdnColumns, r.entry},
		{"alt.csv", files.Alt, altColumns, r.alias},
		{"add.csv", files.Add, addColumns, r.address},
		{"sdn_comments.csv", files.Comments, commentColumns, r.comment},
	} {
		if f.in == nil {
			continue
		}
		if err := readCSV(f.name, f.in, f.columns, f.row); err != nil {
			return List{}, err
		}
	}
	for i := range r.list.Entities {
		r.list.Entities[i].readRemarks(r.remarks[i])
	}
	return r.list, nil
}

func (r *ofacReader) entry(row []string) error {
	number, name := row[0], row[1]
	if number == "" || name == "" {
		return errors.New("an entry without a number or a name")
	}
	if _, twice := r.byNumber[number]; twice {
		return errors.New("an entry's number stands there twice")
	}
	if len(r.list.Entities) == maxEntities {
		return ErrTooLarge
	}
	r.byNumber[number] = len(r.list.Entities)
	r.remarks = append(r.remarks, row[11])
	r.list.Entities = append(r.list.Entities, Entity{
		ID: number, Source: SourceOFAC, Type: ofacType(row[2]),
		Names:    []Name{{name, Primary}},
		Programs: strings.FieldsFunc(row[3], func(c rune) bool { return c == '[' || c == ']' || c == ' ' }),
	})
	return nil
}

// find gives the entry a row of another file belongs to. A row without its entry
// is left out with a warning: the files of a set are published together, but
// operators mix them.
func (r *ofacReader) find(file, number string) (*Entity, int) {
	i, ok := r.byNumber[number]
	if !ok {
		r.list.warn("%s: no entry %.20q in sdn.csv", file, number)
		return nil, 0
	}
	return &r.list.Entities[i], i
}

func (r *ofacReader) alias(row []string) error {
	if row[3] == "" {
		return errors.New("an alias without a name")
	}
	if e, _ := r.find("alt.csv", row[0]); e != nil {
		e.Names = append(e.Names, Name{row[3], Alias})
	}
	return nil
}

func (r *ofacReader) address(row []string) error {
	// Where somebody lives is not where they belong to; only the link is checked.
	r.find("add.csv", row[0])
	return nil
}

func (r *ofacReader) comment(row []string) error {
	if e, i := r.find("sdn_comments.csv", row[0]); e != nil {
		r.remarks[i] += row[1]
	}
	return nil
}

func ofacType(s string) EntityType {
	switch strings.ToLower(s) {
	case "individual":
		return Person
	case "vessel":
		return Vessel
	case "aircraft":
		return Aircraft
	}
	return Organisation
}

var (
	ofacNumber = regexp.MustCompile(`^(?:alt\. )?([A-Z][A-Za-z. ]*?)(?: No\.?| Number| #)? ([A-Z0-9][A-Z0-9./ -]*\d[A-Z0-9./-]*)(?: \(([^)]+)\))?`)
	ofacNick   = regexp.MustCompile(`^[afn]\.k\.a\. '([^']+)'`)
)

// readRemarks takes out of the free remarks what is written by rule: dates of
// birth, gender, nationality, numbers of documents, and the aliases OFAC calls weak.
func (e *Entity) readRemarks(remarks string) {
	if e.Type != Person {
		return
	}
	for part := range strings.SplitSeq(remarks, ";") {
		part = strings.TrimSuffix(strings.TrimSpace(part), ".")
		bare := strings.TrimPrefix(part, "alt. ")
		switch {
		case strings.HasPrefix(bare, "DOB "):
			if b, ok := parseBirth(bare[4:]); ok {
				e.Births = append(e.Births, b)
			}
		case strings.HasPrefix(bare, "Gender "):
			if g := strings.ToLower(strings.TrimSpace(bare[7:])); g == "male" || g == "female" {
				e.Gender = g
			}
		case strings.HasPrefix(bare, "nationality "), strings.HasPrefix(bare, "citizen "):
			_, country, _ := strings.Cut(bare, " ")
			e.addCountry(country)
		case ofacNick.MatchString(part):
			e.Names = append(e.Names, Name{ofacNick.FindStringSubmatch(part)[1], Weak})
		case isDocument(bare):
			if m := ofacNumber.FindStringSubmatch(bare); m != nil {
				e.Identifiers = append(e.Identifiers, Identifier{Kind: m[1], Number: m[2], Country: countryCode(m[3])})
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

func (e *Entity) addCountry(name string) {
	code := countryCode(name)
	if code == "" || strings.EqualFold(code, "na") {
		return
	}
	for _, have := range e.Countries {
		if have == code {
			return
		}
	}
	e.Countries = append(e.Countries, code)
}

// readCSV hands every row to take, trimmed, with OFAC's "-0-" as nothing. The
// files end with the control character 1A, and hold Latin-1 where they are old.
func readCSV(name string, in io.Reader, columns int, take func([]string) error) error {
	bounded := &boundedReader{in: in, left: maxFile}
	r := csv.NewReader(bufio.NewReaderSize(bounded, 1<<16))
	r.FieldsPerRecord = -1
	r.ReuseRecord = true
	for {
		row, err := r.Read()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("%s: %w", name, err) // names the line itself
		}
		line, _ := r.FieldPos(0)
		if len(row) == 1 && strings.Trim(row[0], "\x1a \r\n") == "" {
			continue
		}
		if len(row) != columns {
			return fmt.Errorf("%s, line %d: %d columns instead of %d", name, line, len(row), columns)
		}
		for i, field := range row {
			if len(field) > maxField {
				return fmt.Errorf("%s, line %d: a field of more than %d bytes", name, line, maxField)
			}
			if field = strings.TrimSpace(field); field == "-0-" {
				field = ""
			}
			row[i] = asUTF8(field)
		}
		if err := take(row); err != nil {
			return fmt.Errorf("%s, line %d: %w", name, line, err)
		}
	}
}

// asUTF8 reads what is not UTF-8 as Latin-1.
func asUTF8(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	runes := make([]rune, 0, len(s))
	for i := range len(s) {
		runes = append(runes, rune(s[i]))
	}
	return string(runes)
}
