package mrz

import (
	"errors"
	"fmt"
	"strings"
)

// ErrContent is returned by Write for content that a layout cannot hold.
var ErrContent = errors.New("content does not fit the layout")

// Content is what a zone is to say. Names are transliterated (ICAO 9303-3 section
// 6) and truncated where they are too long; nothing else is changed.
type Content struct {
	Layout      Layout
	Code        string // P, I, ID, V, …
	Issuer      string // three letters, or D
	FamilyName  string
	GivenNames  string
	Number      string // A-Z and 0-9; spaces become fillers
	Nationality string // FRID has none
	Birth       string // YYYY-MM-DD, unknown parts 00; empty: unknown; on FRID all of it must be known
	Sex         string // male, female, x or empty; FRID: male or female
	Expiry      string // like Birth; FRID has none
	Optional    string // FRID: department and office of issue
	Optional2   string // TD1 only
	Counted     bool   // a long number's digit counts the filler in between
}

// Write makes the lines of a zone with all check digits. Parse reads them back as they were meant.
func Write(c Content) ([]string, error) {
	s, ok := shapeOf(c.Layout)
	if !ok {
		return nil, fmt.Errorf("%w: unknown layout %q", ErrContent, c.Layout)
	}
	lines := make([][]byte, s.lines)
	for i := range lines {
		lines[i] = []byte(strings.Repeat("<", s.width))
	}
	w := writing{lines: lines}
	w.put(s.code, "document code", c.Code)
	w.put(s.issuer, "issuer", c.Issuer)
	w.put(s.nationality, "nationality", c.Nationality)
	w.names(s, c.FamilyName, c.GivenNames)
	w.number(s, c)
	w.date(s.birth, s.birthCheck, "birth date", c.Birth)
	w.date(s.expiry, s.expiryCheck, "expiry date", c.Expiry)
	w.sex(s.sex, c.Sex)
	if !s.optional2.empty() {
		w.put(s.optional2, "second optional data", c.Optional2)
	} else if c.Optional2 != "" {
		w.fail("second optional data")
	}
	if !s.optionalCheck.empty() {
		w.digit(s.optionalCheck, s.optional)
	}
	if !s.composite.empty() {
		w.digit(s.composite, s.covered...)
	}
	if w.err != nil {
		return nil, w.err
	}
	kinds := c.Layout.Kinds()
	out := make([]string, len(lines))
	for i, l := range lines {
		for j, ch := range l {
			if !kinds[i][j].Allows(ch) {
				return nil, fmt.Errorf("%w: line %d, column %d is of the wrong kind", ErrContent, i+1, j+1)
			}
		}
		out[i] = string(l)
	}
	if got, _ := Detect(out); got != c.Layout {
		return nil, fmt.Errorf("%w: code and layout contradict each other", ErrContent)
	}
	return out, nil
}

type writing struct {
	lines [][]byte
	err   error
}

// fail names the field only: what stands in it is nobody's business in a log.
func (w *writing) fail(field string) {
	if w.err == nil {
		w.err = fmt.Errorf("%w: %s", ErrContent, field)
	}
}

func (w *writing) put(sp Span, field, text string) {
	text = strings.ToUpper(strings.ReplaceAll(text, " ", "<"))
	if len(text) > sp.End-sp.Start {
		w.fail(field)
		return
	}
	for i := range len(text) {
		if _, ok := value(text[i]); !ok {
			w.fail(field)
			return
		}
		w.lines[sp.Line][sp.Start+i] = text[i]
	}
}

func (w *writing) digit(at Span, over ...Span) {
	parts := make([]string, len(over))
	for i, sp := range over {
		parts[i] = string(w.lines[sp.Line][sp.Start:sp.End])
	}
	d, _ := CheckDigit(parts...)
	if len(parts) == 1 && onlyFiller(parts[0]) {
		d = '<'
	}
	w.lines[at.Line][at.Start] = d
}

func (w *writing) number(s shape, c Content) {
	number := strings.ToUpper(strings.ReplaceAll(c.Number, " ", "<"))
	if len(number) <= s.number.End-s.number.Start {
		w.put(s.number, "document number", number)
		w.digit(s.numberCheck, s.number)
		w.put(s.optional, "optional data", c.Optional)
		return
	}
	if !s.longNumber || strings.Contains(number, "<") {
		w.fail("document number")
		return
	}
	head, tail := number[:9], number[9:]
	between := ""
	if c.Counted {
		between = "<"
	}
	d, ok := CheckDigit(head, between, tail)
	if !ok {
		w.fail("document number")
		return
	}
	w.put(s.number, "document number", head)
	rest := tail + string(d)
	if c.Optional != "" {
		rest += "<" + c.Optional
	} else if len(rest) == s.optional.End-s.optional.Start {
		w.fail("document number") // nothing would mark its end
		return
	}
	w.put(s.optional, "document number or optional data", rest)
}

func (w *writing) date(sp, digit Span, field, text string) {
	if sp.empty() {
		if text != "" {
			w.fail(field)
		}
		return
	}
	if text != "" {
		if len(text) != 10 || text[4] != '-' || text[7] != '-' {
			w.fail(field)
			return
		}
		for i, two := range []string{text[2:4], text[5:7], text[8:10]} {
			if !isDigit(two[0]) || !isDigit(two[1]) {
				w.fail(field)
				return
			}
			if i > 0 && two == "00" || i == 0 && text[:4] == "0000" {
				two = "<<"
			}
			copy(w.lines[sp.Line][sp.Start+2*i:], two)
		}
	}
	w.digit(digit, sp)
}

func (w *writing) sex(sp Span, text string) {
	switch text {
	case "male":
		w.lines[sp.Line][sp.Start] = 'M'
	case "female":
		w.lines[sp.Line][sp.Start] = 'F'
	case "x":
		w.lines[sp.Line][sp.Start] = 'X'
	case "":
	default:
		w.fail("sex")
	}
}

func (w *writing) names(s shape, family, given string) {
	f, fok := Transliterate(family)
	g, gok := Transliterate(given)
	if !fok || !gok {
		w.fail("name has a letter without a transliteration")
		return
	}
	if f == "" {
		w.fail("family name")
		return
	}
	put := func(sp Span, text string) { copy(w.lines[sp.Line][sp.Start:sp.End], text) }
	if !s.names.empty() {
		put(s.names, fitNames(f, g, s.names.End-s.names.Start))
		return
	}
	// The French card parts the given names by two fillers; one stands for a hyphen.
	var apart []string
	for _, n := range strings.Fields(given) {
		if g, _ := Transliterate(n); g != "" {
			apart = append(apart, g)
		}
	}
	put(s.family, cut(f, s.family.End-s.family.Start))
	put(s.given, cut(strings.Join(apart, "<<"), s.given.End-s.given.Start))
}

// fitNames joins both names and shortens them to width. A shortened field ends in a
// letter, which tells the reader that something may be missing (ICAO 9303-3 section 4.6.2).
func fitNames(family, given string, width int) string {
	full := family
	if given != "" {
		if room := width - 3; len(family) > room {
			family = strings.TrimRight(family[:room], "<") // keep one letter of the given names
		}
		full = family + "<<" + given
	}
	return cut(full, width)
}

// cut shortens names to width so that the last character is a letter.
func cut(full string, width int) string {
	if len(full) <= width {
		return full
	}
	for full[width-1] == '<' {
		// Take the last letter before the gap away, so that the next word's first letter moves in.
		i := width - 1
		for full[i] == '<' {
			i--
		}
		full = full[:i] + full[i+1:]
		if len(full) <= width {
			return full
		}
	}
	return full[:width]
}
