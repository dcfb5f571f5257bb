package mrz

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Errors of Parse. Everything else that is wrong with a zone is told field by field.
var (
	ErrLayout    = errors.New("lines fit no layout of a machine readable zone")
	ErrCharacter = errors.New("character outside A-Z, 0-9 and <")
)

// Problems of a field. A check digit that does not fit is no problem of this kind: see Field.Check.
const (
	ProblemDateImpossible = "date-impossible" // 31 February
	ProblemDateCharacters = "date-characters" // neither digits nor filler
	ProblemNameEmpty      = "name-empty"      //
	ProblemNameLeading    = "name-leading"    // the name field starts with a filler
	ProblemCharacter      = "character"       // of a kind that its place does not allow
	ProblemCodeEmpty      = "code-empty"      // no document code or issuer
	ProblemCodeUnknown    = "code-unknown"    // no state or organisation of ISO 3166-1 or ICAO 9303-3 section 5
	ProblemSex            = "sex-unknown"     // none of M, F, X and filler
	ProblemNumberEmpty    = "number-empty"    //
)

// An Option changes how a zone is read.
type Option func(*options)

type options struct{ today time.Time }

// On sets the day that centuries are worked out from. Without it, it is the current day.
func On(day time.Time) Option {
	return func(o *options) { o.today = day }
}

// maxLine bounds what is looked at of one line; the longest layout has 44 characters.
const maxLine = 128

// Parse reads the lines of a zone. It fails only when the lines fit no layout or
// hold other characters; a wrong check digit, an impossible date or an unknown
// code is reported in its field and takes nothing from the others.
func Parse(lines []string, opts ...Option) (Document, error) {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	if o.today.IsZero() {
		o.today = time.Now()
	}
	clean, err := normalise(lines)
	if err != nil {
		return Document{}, err
	}
	layout, ok := Detect(clean)
	if !ok {
		return Document{}, fmt.Errorf("%w: %d lines of %s characters", ErrLayout, len(clean), lengths(clean))
	}
	return parse(layout, clean, o.today), nil
}

func normalise(lines []string) ([]string, error) {
	if len(lines) > 3 {
		return nil, fmt.Errorf("%w: %d lines", ErrLayout, len(lines))
	}
	out := make([]string, 0, len(lines))
	for i, l := range lines {
		if len(l) > maxLine {
			return nil, fmt.Errorf("%w: line %d has %d bytes", ErrLayout, i+1, len(l))
		}
		l = strings.ToUpper(strings.Map(func(r rune) rune {
			switch r {
			case ' ', '\t', '\r', '\n':
				return -1
			}
			return r
		}, l))
		for j := range len(l) {
			if _, ok := value(l[j]); !ok {
				return nil, fmt.Errorf("%w: line %d, column %d", ErrCharacter, i+1, j+1)
			}
		}
		out = append(out, l)
	}
	return out, nil
}

func lengths(lines []string) string {
	parts := make([]string, len(lines))
	for i, l := range lines {
		parts[i] = fmt.Sprint(len(l))
	}
	return strings.Join(parts, "/")
}

// parsing is one run of parse: the text as read, the text with swaps, and where they were.
type parsing struct {
	shape shape
	kinds [][]Kind
	read  []string
	text  []string
	swaps []Swap
	today time.Time
}

func parse(layout Layout, lines []string, today time.Time) Document {
	s, _ := shapeOf(layout)
	p := &parsing{shape: s, kinds: layout.Kinds(), read: lines, today: today}
	p.text, p.swaps = Settle(layout, lines)
	d := Document{Layout: layout, Lines: lines, Swaps: p.swaps}
	d.Code = p.code(s.code)
	d.Issuer = p.state(NameIssuer, s.issuer, true)
	d.Nationality = p.state(NameNationality, s.nationality, false)
	p.names(&d)
	p.number(&d)
	d.Birth = p.date(NameBirth, s.birth, s.birthCheck, true)
	d.Expiry = p.date(NameExpiry, s.expiry, s.expiryCheck, false)
	d.Sex = p.sex()
	if !s.optionalCheck.empty() {
		d.Optional.Check = check(s.optionalCheck.of(p.text)[0], s.optional.of(p.text))
		p.note(&d.Optional, s.optionalCheck)
	}
	if !s.optional2.empty() {
		d.Optional2 = p.plain(NameOptional2, s.optional2)
	}
	if !s.composite.empty() {
		d.Composite = p.field(NameComposite, s.composite)
		d.Composite.Value = readable(s.composite.of(p.text))
		parts := make([]string, len(s.covered))
		for i, sp := range s.covered {
			parts[i] = sp.of(p.text)
		}
		d.Composite.Check = CheckWrong
		if digit := s.composite.of(p.text)[0]; digit != '<' {
			d.Composite.Check = check(digit, parts...)
		}
	}
	return d
}

// Settle replaces look-alikes of the wrong kind by what their place allows: a letter O
// in a date is a zero. Lines that do not have the layout's size are left alone. It
// never looks at check digits: 52 of 666 pairs of characters are invisible to
// them, and a zone that was "repaired" until it fits would hide exactly what a wrong digit
// must show.
func Settle(layout Layout, lines []string) ([]string, []Swap) {
	kinds := layout.Kinds()
	out := append([]string(nil), lines...)
	if len(kinds) != len(lines) {
		return out, nil
	}
	var swaps []Swap
	for i, l := range lines {
		b := []byte(l)
		if len(b) != len(kinds[i]) {
			continue
		}
		for j, c := range b {
			if to, ok := kinds[i][j].Alike(c); ok {
				b[j] = to
				swaps = append(swaps, Swap{Line: i, Column: j, From: c, To: to})
			}
		}
		out[i] = string(b)
	}
	return out, swaps
}

// Alike gives the character that looks like c and is the one of the two that may stand in a
// place of kind k; it is false when c itself may, or nothing like it does.
func (k Kind) Alike(c byte) (byte, bool) {
	if k&SexKind != 0 || k.Allows(c) {
		return 0, false
	}
	var to byte
	if isLetter(c) && k&Digit != 0 {
		to = digitFor(c)
	} else if isDigit(c) && k&Letter != 0 {
		to = letterFor(c)
	}
	return to, to != 0
}

func digitFor(c byte) byte {
	switch c {
	case 'O', 'D', 'Q':
		return '0'
	case 'I':
		return '1'
	case 'B':
		return '8'
	case 'S':
		return '5'
	case 'Z':
		return '2'
	case 'G':
		return '6'
	}
	return 0
}

func letterFor(c byte) byte {
	switch c {
	case '0':
		return 'O'
	case '1':
		return 'I'
	case '8':
		return 'B'
	case '5':
		return 'S'
	case '2':
		return 'Z'
	case '6':
		return 'G'
	}
	return 0
}

// field starts a field: where it is, how it was read, whether its characters may stand there.
func (p *parsing) field(name string, sp Span) Field {
	if sp.empty() {
		return Field{}
	}
	f := Field{Name: name, Raw: sp.of(p.read), Line: sp.Line, Start: sp.Start, End: sp.End}
	p.note(&f, sp)
	return f
}

// note adds to f what happened in sp.
func (p *parsing) note(f *Field, sp Span) {
	if sp.empty() {
		return
	}
	for _, s := range p.swaps {
		if s.Line == sp.Line && s.Column >= sp.Start && s.Column < sp.End {
			f.Swapped = true
		}
	}
	for i := sp.Start; i < sp.End; i++ {
		if k := p.kinds[sp.Line][i]; k&SexKind == 0 && !k.Allows(p.text[sp.Line][i]) && f.Problem == "" {
			f.Problem = ProblemCharacter
		}
	}
}

func (p *parsing) plain(name string, sp Span) Field {
	f := p.field(name, sp)
	f.Value = readable(sp.of(p.text))
	return f
}

// readable writes fillers as a person would: none at the ends, a space between.
func readable(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '<' }), " ")
}

func (p *parsing) code(sp Span) Field {
	f := p.field(NameCode, sp)
	f.Value = readable(sp.of(p.text))
	if f.Value == "" {
		f.Problem = ProblemCodeEmpty
	}
	return f
}

func (p *parsing) state(name string, sp Span, required bool) Field {
	f := p.field(name, sp)
	if sp.empty() {
		return f
	}
	f.Value = readable(sp.of(p.text))
	switch {
	case f.Problem != "":
	case f.Value == "" && required:
		f.Problem = ProblemCodeEmpty
	case f.Value != "" && !KnownState(f.Value):
		f.Problem = ProblemCodeUnknown
	}
	return f
}

func (p *parsing) date(name string, sp, digit Span, birth bool) Field {
	f := p.field(name, sp)
	if sp.empty() {
		return f
	}
	f.Check = check(digit.of(p.text)[0], sp.of(p.text))
	p.note(&f, digit)
	value, problem := date(sp.of(p.text), birth, p.today)
	f.Value = value
	if problem != "" {
		f.Problem = problem
	}
	return f
}

func (p *parsing) sex() Field {
	f := p.field(NameSex, p.shape.sex)
	switch f.Raw {
	case "M":
		f.Value = "male"
	case "F":
		f.Value = "female"
	case "X":
		f.Value = "x"
	case "<":
	default:
		f.Problem = ProblemSex
	}
	return f
}

// number reads the document number, and the optional data next to it: a TD1 or
// TD2 number of more than nine characters leaves a filler in the digit's place and
// goes on, digit last, in the optional data up to the next filler (ICAO 9303-5
// section 4.2.2.2 note j). Issuers disagree on whether that filler counts in the sum; both are taken.
func (p *parsing) number(d *Document) {
	s := p.shape
	head, digit := s.number.of(p.text), s.numberCheck.of(p.text)[0]
	d.Number = p.field(NameNumber, s.number)
	p.note(&d.Number, s.numberCheck)
	d.Optional = p.plain(NameOptional, s.optional)
	d.Number.Value = readable(head)
	d.Number.Check = check(digit, head)
	if s.longNumber && digit == '<' && !strings.Contains(head, "<") {
		optional := s.optional.of(p.text)
		rest, after, _ := strings.Cut(optional, "<")
		if len(rest) >= 2 && isDigit(rest[len(rest)-1]) {
			tail, last := rest[:len(rest)-1], rest[len(rest)-1]
			uncounted, counted := check(last, head, tail) == CheckValid, check(last, head, "<", tail) == CheckValid
			switch {
			case uncounted && counted:
				d.LongNumber = LongEither
			case uncounted:
				d.LongNumber = LongUncounted
			case counted:
				d.LongNumber = LongCounted
			}
			d.Number.Value = head + tail
			d.Number.Check = CheckWrong
			if d.LongNumber != "" {
				d.Number.Check = CheckValid
			}
			d.Number.goOn(s, p.read, len(rest))
			// What is left of the optional data, the filler that ends the number included.
			left := s.optional
			left.Start += len(rest)
			d.Optional = Field{Name: NameOptional, Line: left.Line, Start: left.Start, End: left.End}
			if !left.empty() {
				d.Optional = p.field(NameOptional, left)
			}
			d.Optional.Value = readable(after)
		}
	}
	if d.Number.Value == "" && d.Number.Problem == "" {
		d.Number.Problem = ProblemNumberEmpty
	}
}

// goOn adds the filler and the first n characters of the optional data to a number.
func (f *Field) goOn(s shape, read []string, n int) {
	rest := Span{s.optional.Line, s.optional.Start, s.optional.Start + n}
	f.Raw += s.numberCheck.of(read) + rest.of(read)
	f.End = s.numberCheck.End
	if rest.Line == f.Line && rest.Start == f.End {
		f.End = rest.End
		return
	}
	f.Rest = rest
}

func (p *parsing) names(d *Document) {
	s := p.shape
	if s.names.empty() {
		d.FamilyName, d.GivenNames = p.field(NameFamily, s.family), p.field(NameGiven, s.given)
		d.FamilyName.Value = readable(s.family.of(p.text))
		d.GivenNames.Value = readable(s.given.of(p.text))
		d.Truncated = isLetter(p.text[s.family.Line][s.family.End-1]) || isLetter(p.text[s.given.Line][s.given.End-1])
		if d.FamilyName.Value == "" && d.FamilyName.Problem == "" {
			d.FamilyName.Problem = ProblemNameEmpty
		}
		return
	}
	text := s.names.of(p.text)
	d.Truncated = isLetter(text[len(text)-1])
	// The family name ends at the first double filler. Without one there is only
	// one name, which ICAO 9303-3 section 4.6.1 puts in the primary identifier.
	end, start := len(text), len(text)
	trimmed := strings.TrimRight(text, "<")
	lead := len(trimmed) - len(strings.TrimLeft(trimmed, "<"))
	if i := strings.Index(trimmed[lead:], "<<"); i >= 0 {
		end, start = lead+i, lead+i+2
	}
	family := Span{s.names.Line, s.names.Start, s.names.Start + end}
	d.FamilyName = p.field(NameFamily, family)
	d.FamilyName.Value = readable(text[:end])
	if start < len(text) {
		d.GivenNames = p.field(NameGiven, Span{s.names.Line, s.names.Start + start, s.names.End})
		d.GivenNames.Value = readable(text[start:])
	} else {
		d.GivenNames = Field{Name: NameGiven, Line: s.names.Line, Start: s.names.End, End: s.names.End}
	}
	switch {
	case d.FamilyName.Value == "":
		d.FamilyName.Problem = ProblemNameEmpty
	case lead > 0 && d.FamilyName.Problem == "":
		d.FamilyName.Problem = ProblemNameLeading
	}
}
