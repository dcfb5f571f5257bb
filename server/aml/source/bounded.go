package source

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// Bounds of a file. sdn_advanced.xml, the largest of a publisher's files, has some
// 120 MB; a record of it some 100 kB.
const (
	maxFile   = 1 << 30  // bytes
	maxRecord = 4 << 20  // bytes of one record: an element, a row, a line
	maxField  = 64 << 10 // bytes of one field of a table
)

// bounded ends with an error, not silently, when a file or one record of it is larger
// than it may be. Readers above it read ahead, so the bound of a record is met within
// what they buffer.
type bounded struct {
	in     io.Reader
	file   int64 // bytes left
	record int64
}

func newBounded(in io.Reader) *bounded { return &bounded{in: in, file: maxFile, record: maxRecord} }

// next says that a record begins.
func (b *bounded) next() { b.record = maxRecord }

func (b *bounded) Read(p []byte) (int, error) {
	left := min(b.file, b.record)
	if left <= 0 {
		if b.file <= 0 {
			return 0, fmt.Errorf("%w: more than %d MiB", ErrTooLarge, maxFile>>20)
		}
		return 0, fmt.Errorf("%w: a record of more than %d MiB", ErrTooLarge, maxRecord>>20)
	}
	if int64(len(p)) > left {
		p = p[:left]
	}
	n, err := b.in.Read(p)
	b.file -= int64(n)
	b.record -= int64(n)
	return n, err
}

// xmlFile walks through a file of XML, an element at a time.
type xmlFile struct {
	*xml.Decoder
	in    *bounded
	path  []string
	began int  // line of the element that start gave last
	open  bool // the first element was met
}

func newXML(in io.Reader) *xmlFile {
	b := newBounded(in)
	return &xmlFile{Decoder: xml.NewDecoder(b), in: b}
}

// maxDepth is how deep elements may lie in each other; lists go ten deep.
const maxDepth = 64

// start gives the next element, or io.EOF. Text, comments and ends of elements are
// passed over; a document type is refused.
func (x *xmlFile) start() (xml.StartElement, error) {
	for {
		x.in.next()
		token, err := x.Token()
		if err != nil {
			if errors.Is(err, io.EOF) {
				return xml.StartElement{}, io.EOF
			}
			return xml.StartElement{}, x.at(err)
		}
		switch t := token.(type) {
		case xml.Directive:
			return xml.StartElement{}, x.at(errors.New("a document type has no place in a list"))
		case xml.StartElement:
			if len(x.path) >= maxDepth {
				return xml.StartElement{}, x.at(fmt.Errorf("elements lie more than %d deep", maxDepth))
			}
			if len(x.path) == 0 && x.open {
				return xml.StartElement{}, x.at(errors.New("something follows the list's end"))
			}
			x.open = true
			x.path = append(x.path, t.Name.Local)
			x.began, _ = x.InputPos()
			return t, nil
		case xml.EndElement:
			x.path = x.path[:len(x.path)-1]
		}
	}
}

// decode reads the element that start gave into v.
func (x *xmlFile) decode(v any, start xml.StartElement) error {
	x.in.next()
	x.path = x.path[:len(x.path)-1]
	if err := x.DecodeElement(v, &start); err != nil {
		return x.within(err)
	}
	return nil
}

// skip passes over the element that start gave.
func (x *xmlFile) skip() error {
	x.in.next()
	x.path = x.path[:len(x.path)-1]
	if err := x.Skip(); err != nil {
		return x.within(err)
	}
	return nil
}

// root takes the first element, which must have a name.
func (x *xmlFile) root(name, what string) (xml.StartElement, error) {
	start, err := x.start()
	if errors.Is(err, io.EOF) {
		return start, fmt.Errorf("line 1: not %s: no element in it", what)
	}
	if err != nil {
		return start, err
	}
	if start.Name.Local != name {
		return start, x.at(fmt.Errorf("not %s: it begins with %.40q", what, start.Name.Local))
	}
	return start, nil
}

// at says in which line an error is.
func (x *xmlFile) at(err error) error {
	line, _ := x.InputPos()
	return fmt.Errorf("line %d: %w", line, err)
}

// within says in which line the element begins that an error is in.
func (x *xmlFile) within(err error) error { return fmt.Errorf("line %d: %w", x.began, err) }

// attr gives an attribute, cleaned, or nothing.
func attr(start xml.StartElement, name string) string {
	for _, a := range start.Attr {
		if a.Name.Local == name {
			return clean(a.Value)
		}
	}
	return ""
}

// byteOrderMark begins files that some programs write.
const byteOrderMark = "\ufeff"

// asUTF8 reads what is not UTF-8 as Windows-1252, of which Latin-1's letters are part.
func asUTF8(s string) string {
	s = strings.TrimPrefix(s, byteOrderMark)
	if utf8.ValidString(s) {
		return s
	}
	out, err := charmap.Windows1252.NewDecoder().String(s)
	if err != nil {
		return strings.ToValidUTF8(s, "\ufffd")
	}
	return out
}
