package source

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
)

// table reads a file of comma-separated values, a row at a time.
type table struct {
	in   *bounded
	rows *csv.Reader
	line int // of the row that was read last
}

func newTable(in io.Reader) *table {
	b := newBounded(in)
	r := csv.NewReader(bufio.NewReaderSize(b, 1<<16))
	r.FieldsPerRecord = -1
	r.ReuseRecord = true
	return &table{in: b, rows: r}
}

// next gives the next row that is not empty, its fields trimmed and in UTF-8, or
// io.EOF. Files of some publishers end with the control character 1A. An error tells
// its line; after ErrField the table can be read on.
func (t *table) next() ([]string, error) {
	for {
		t.in.next()
		row, err := t.rows.Read()
		if err != nil {
			return nil, err // io.EOF, or one that names its line
		}
		t.line, _ = t.rows.FieldPos(0)
		if len(row) == 1 && strings.Trim(row[0], "\x1a \r\n") == "" {
			continue
		}
		for i, field := range row {
			if len(field) > maxField {
				return nil, fmt.Errorf("line %d: a field of more than %d bytes", t.line, maxField)
			}
			row[i] = strings.TrimSpace(asUTF8(field))
		}
		return row, nil
	}
}

// header names the columns of a table.
type header map[string]int

// newHeader reads a row of names. Case and spaces around them do not matter.
func newHeader(row []string, wanted ...string) (header, error) {
	h := header{}
	for i, name := range row {
		name = strings.ToLower(clean(name))
		if _, twice := h[name]; twice && name != "" {
			return nil, fmt.Errorf("the column %.40q stands there twice", name)
		}
		h[name] = i
	}
	for _, name := range wanted {
		if _, ok := h[strings.ToLower(name)]; !ok {
			return nil, fmt.Errorf("the column %q is missing", name)
		}
	}
	return h, nil
}

// get gives a field of a row by its column's name; empty where there is none.
func (h header) get(row []string, name string) string {
	if i, ok := h[strings.ToLower(name)]; ok && i < len(row) {
		return row[i]
	}
	return ""
}

// errNoTable is returned for a file without the row that names its columns.
var errNoTable = errors.New("line 1: no row that names the columns")
