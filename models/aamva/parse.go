package aamva

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Errors of Parse. Everything else that is wrong is told by fault and by field.
var (
	ErrSize   = errors.New("barcode data is empty or too long")
	ErrHeader = errors.New("barcode data is not AAMVA's")
)

// Parse reads the data of a symbol. Characters that are not UTF-8 are taken as ISO 8859-1,
// which the standard names.
func Parse(data []byte) (Document, error) {
	if len(data) == 0 || len(data) > MaxData {
		return Document{}, fmt.Errorf("%w: %d bytes", ErrSize, len(data))
	}
	d := Document{JurisdictionVersion: -1}
	p := parsing{data: data, d: &d}
	if err := p.header(); err != nil {
		return Document{}, err
	}
	p.subfiles()
	if len(d.Elements) == 0 {
		return Document{}, fmt.Errorf("%w: no elements", ErrHeader)
	}
	d.read()
	return d, nil
}

// entry is what the header says about a subfile.
type entry struct {
	kind           string
	offset, length int
}

type parsing struct {
	data    []byte
	d       *Document
	entries []entry
	at      int // where the header ends
}

func (p *parsing) fault(f string) {
	if !slices.Contains(p.d.Faults, f) {
		p.d.Faults = append(p.d.Faults, f)
	}
}

// header reads (annex D.12): @ LF RS CR, "ANSI ", issuer, version, the issuer's own
// version (not in versions 0 and 1), the number of subfiles, and for each of
// them two letters, offset and length. Older data says "AAMVA" for "ANSI ", and
// issuers vary the control characters, so what counts is the word and the digits behind it.
func (p *parsing) header() error {
	const window = 32 // the word stands within the first bytes, or this is something else
	start, word := -1, ""
	head := p.data[:min(len(p.data), window)]
	for _, w := range []string{"ANSI ", "ANSI", "AAMVA"} {
		if i := bytes.Index(head, []byte(w)); i >= 0 {
			start, word = i, w
			break
		}
	}
	if start < 0 {
		return fmt.Errorf("%w: no file type", ErrHeader)
	}
	i := start + len(word)
	run := i
	for run < len(p.data) && p.data[run] >= '0' && p.data[run] <= '9' {
		run++
	}
	number := string(p.data[i:run])
	// Six digits for the issuer, two for the version, two for the issuer's version, two
	// for the number of subfiles. Which of them are there shows in their length.
	if len(number) != 10 && len(number) != 12 {
		return fmt.Errorf("%w: %d digits after the file type", ErrHeader, len(number))
	}
	d := p.d
	d.IIN = number[:6]
	d.Version = two(number[6:])
	if len(number) == 12 {
		d.JurisdictionVersion = two(number[8:])
	}
	announced := two(number[len(number)-2:])
	if string(p.data[:start]) != "@\n\x1e\r" || word != "ANSI " && d.Version > 0 || (d.Version >= 2) != (len(number) == 12) {
		p.fault(FaultHeader)
	}
	if d.Version > 10 {
		p.fault(FaultVersion)
	}
	var known bool
	if d.Jurisdiction, known = Issuer(d.IIN); !known {
		p.fault(FaultJurisdiction)
	}
	p.at = run
	for len(p.entries) < MaxSubfiles {
		e, ok := designator(p.data[p.at:])
		if !ok {
			break
		}
		p.entries = append(p.entries, e)
		p.at += designatorSize
	}
	if len(p.entries) != announced {
		p.fault(FaultEntries)
	}
	if len(p.entries) == 0 {
		return fmt.Errorf("%w: no subfiles", ErrHeader)
	}
	return nil
}

const designatorSize = 10

func designator(b []byte) (entry, bool) {
	if len(b) < designatorSize || !upper(b[0]) || !upper(b[1]) || !digits(string(b[2:designatorSize])) {
		return entry{}, false
	}
	return entry{
		kind:   string(b[:2]),
		offset: two(string(b[2:4]))*100 + two(string(b[4:6])),
		length: two(string(b[6:8]))*100 + two(string(b[8:10])),
	}, true
}

func upper(c byte) bool { return c >= 'A' && c <= 'Z' }

func two(s string) int { return int(s[0]-'0')*10 + int(s[1]-'0') }

// subfiles finds each one: where the header says, or else at the next place behind
// the last where its letters begin a line. Many issuers count offsets wrongly.
func (p *parsing) subfiles() {
	starts := make([]int, len(p.entries))
	from := p.at
	for i, e := range p.entries {
		starts[i] = -1
		if e.offset >= p.at && e.offset < len(p.data) && bytes.HasPrefix(p.data[e.offset:], []byte(e.kind)) && begins(p.data, e.offset, p.at) {
			starts[i] = e.offset
		} else {
			p.fault(FaultOffset)
			for at := from; at+2 <= len(p.data); at++ {
				if string(p.data[at:at+2]) == e.kind && begins(p.data, at, p.at) {
					starts[i] = at
					break
				}
			}
		}
		if starts[i] >= 0 {
			from = max(from, starts[i]+2)
		}
	}
	for i, e := range p.entries {
		if starts[i] < 0 {
			continue
		}
		// A subfile ends with a CR, and at the latest where the next one begins. The length
		// is checked, not followed.
		end := len(p.data)
		for _, s := range starts {
			if s > starts[i] {
				end = min(end, s)
			}
		}
		if starts[i]+e.length != end {
			p.fault(FaultOffset)
		}
		p.elements(e.kind, p.data[starts[i]+2:end])
	}
}

// begins tells whether a subfile may begin here: right behind the header or an end mark.
func begins(data []byte, at, header int) bool {
	return at == header || at > header && (data[at-1] == '\r' || data[at-1] == '\n')
}

// elements splits a subfile. Elements end with LF, the last with CR; some issuers write
// both, or CR for all.
func (p *parsing) elements(kind string, body []byte) {
	// Some issuers repeat the subfile's letters. No element of theirs begins with them, but the
	// issuer's private ones do.
	if !strings.HasPrefix(kind, "Z") {
		body = bytes.TrimPrefix(body, []byte(kind))
	}
	for _, line := range bytes.FieldsFunc(body, func(r rune) bool { return r == '\n' || r == '\r' }) {
		if len(p.d.Elements) >= MaxElements {
			return
		}
		if len(line) < 3 || !upper(line[0]) || !(upper(line[1]) || line[1] >= '0' && line[1] <= '9') || !(upper(line[2]) || line[2] >= '0' && line[2] <= '9') {
			continue
		}
		p.d.Elements = append(p.d.Elements, Element{Subfile: kind, ID: string(line[:3]), Raw: text(line[3:])})
		if p.d.Kind == "" && !strings.HasPrefix(kind, "Z") {
			p.d.Kind = kind
		}
	}
}

func text(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	r := make([]rune, len(b))
	for i, c := range b {
		r[i] = rune(c)
	}
	return string(r)
}
