package mrz

// Kind is the set of characters that a place of a layout allows.
type Kind uint8

// Kinds combine: a name position is Letter|Filler.
const (
	Letter  Kind = 1 << iota // A to Z
	Digit                    // 0 to 9
	Filler                   // <
	SexKind                  // M F X <
)

// Allows reports whether c may stand in a place of kind k.
func (k Kind) Allows(c byte) bool {
	switch {
	case k&SexKind != 0 && (c == 'M' || c == 'F' || c == 'X' || c == '<'):
		return true
	case c >= 'A' && c <= 'Z':
		return k&Letter != 0
	case c >= '0' && c <= '9':
		return k&Digit != 0
	case c == '<':
		return k&Filler != 0
	}
	return false
}

// Span is a run of characters of one line: Start inclusive, End exclusive, from 0.
type Span struct{ Line, Start, End int }

func (s Span) empty() bool { return s.End <= s.Start }

func (s Span) of(lines []string) string {
	if s.empty() {
		return ""
	}
	return lines[s.Line][s.Start:s.End]
}

// shape says where the fields of a layout stand.
// A one-character span is a check digit; an empty span means the layout has no such field.
type shape struct {
	lines, width            int
	code, issuer            Span
	names, family, given    Span // names, or family and given apart (French card)
	number, numberCheck     Span
	nationality             Span
	birth, birthCheck       Span
	sex                     Span
	expiry, expiryCheck     Span
	optional, optionalCheck Span
	optional2               Span
	composite               Span
	covered                 []Span // what the composite digit is computed over
	longNumber              bool   // a number of more than nine characters continues in optional
}

// shapeOf gives the arrangement of a layout: ICAO 9303 part 5 section 4.2 (TD1),
// part 6 section 4.2 (TD2), part 4 section 4.2 (TD3), part 7 section 4 (visas).
// The French card follows the layout the French administration printed from 1988 to 2021.
func shapeOf(l Layout) (shape, bool) {
	switch l {
	case TD1:
		return shape{
			lines: 3, width: 30,
			code: Span{0, 0, 2}, issuer: Span{0, 2, 5},
			names:  Span{2, 0, 30},
			number: Span{0, 5, 14}, numberCheck: Span{0, 14, 15}, longNumber: true,
			optional: Span{0, 15, 30},
			birth:    Span{1, 0, 6}, birthCheck: Span{1, 6, 7},
			sex:    Span{1, 7, 8},
			expiry: Span{1, 8, 14}, expiryCheck: Span{1, 14, 15},
			nationality: Span{1, 15, 18},
			optional2:   Span{1, 18, 29},
			composite:   Span{1, 29, 30},
			covered:     []Span{{0, 5, 30}, {1, 0, 7}, {1, 8, 15}, {1, 18, 29}},
		}, true
	case TD2:
		s := twoLines(36)
		s.longNumber = true
		s.optional = Span{1, 28, 35}
		s.composite = Span{1, 35, 36}
		s.covered = []Span{{1, 0, 10}, {1, 13, 20}, {1, 21, 35}}
		return s, true
	case TD3:
		s := twoLines(44)
		s.optional = Span{1, 28, 42}
		s.optionalCheck = Span{1, 42, 43}
		s.composite = Span{1, 43, 44}
		s.covered = []Span{{1, 0, 10}, {1, 13, 20}, {1, 21, 43}}
		return s, true
	case MRVA:
		s := twoLines(44)
		s.optional = Span{1, 28, 44}
		return s, true
	case MRVB:
		s := twoLines(36)
		s.optional = Span{1, 28, 36}
		return s, true
	case FRID:
		return shape{
			lines: 2, width: 36,
			code: Span{0, 0, 2}, issuer: Span{0, 2, 5},
			family:   Span{0, 5, 30},
			optional: Span{0, 30, 36},
			number:   Span{1, 0, 12}, numberCheck: Span{1, 12, 13},
			given: Span{1, 13, 27},
			birth: Span{1, 27, 33}, birthCheck: Span{1, 33, 34},
			sex:       Span{1, 34, 35},
			composite: Span{1, 35, 36},
			covered:   []Span{{0, 0, 36}, {1, 0, 35}},
		}, true
	}
	return shape{}, false
}

func twoLines(width int) shape {
	return shape{
		lines: 2, width: width,
		code: Span{0, 0, 2}, issuer: Span{0, 2, 5},
		names:  Span{0, 5, width},
		number: Span{1, 0, 9}, numberCheck: Span{1, 9, 10},
		nationality: Span{1, 10, 13},
		birth:       Span{1, 13, 19}, birthCheck: Span{1, 19, 20},
		sex:    Span{1, 20, 21},
		expiry: Span{1, 21, 27}, expiryCheck: Span{1, 27, 28},
	}
}

// Layouts lists all layouts that are read.
func Layouts() []Layout { return []Layout{TD1, TD2, TD3, MRVA, MRVB, FRID} }

// Size gives the number of lines and their length; zeros for an unknown layout.
func (l Layout) Size() (lines, width int) {
	s, ok := shapeOf(l)
	if !ok {
		return 0, 0
	}
	return s.lines, s.width
}

// Names gives the runs that hold names, where the grammar of ICAO 9303-3 section 4.6 applies.
func (l Layout) Names() []Span {
	s, ok := shapeOf(l)
	if !ok {
		return nil
	}
	if !s.names.empty() {
		return []Span{s.names}
	}
	return []Span{s.family, s.given}
}

// Kinds gives, for every line and column, the characters that may stand there.
func (l Layout) Kinds() [][]Kind {
	s, ok := shapeOf(l)
	if !ok {
		return nil
	}
	kinds := make([][]Kind, s.lines)
	for i := range kinds {
		kinds[i] = make([]Kind, s.width)
		for j := range kinds[i] {
			kinds[i][j] = Letter | Digit | Filler
		}
	}
	set := func(sp Span, k Kind) {
		for i := sp.Start; i < sp.End; i++ {
			kinds[sp.Line][i] = k
		}
	}
	for _, sp := range []Span{s.code, s.issuer, s.names, s.family, s.given, s.nationality} {
		set(sp, Letter|Filler)
	}
	kinds[0][0] = Letter
	for _, sp := range []Span{s.numberCheck, s.birth, s.birthCheck, s.expiry, s.expiryCheck, s.optionalCheck} {
		set(sp, Digit|Filler)
	}
	set(s.composite, Digit)
	set(s.sex, SexKind)
	return kinds
}

// Detect tells the layout of lines by their number, length and first characters.
func Detect(lines []string) (Layout, bool) {
	if len(lines) == 0 || len(lines) > 3 {
		return "", false
	}
	width := len(lines[0])
	for _, l := range lines {
		if len(l) != width {
			return "", false
		}
	}
	switch {
	case len(lines) == 3 && width == 30:
		return TD1, true
	case len(lines) == 2 && width == 44:
		if lines[0][0] == 'V' {
			return MRVA, true
		}
		return TD3, true
	case len(lines) == 2 && width == 36:
		switch {
		case lines[0][0] == 'V':
			return MRVB, true
		case frenchCode(lines[0][:5]) && frenchSecondLine(lines[1]):
			return FRID, true
		}
		return TD2, true
	}
	return "", false
}

// frenchCode looks through look-alikes, as all that is read afterwards does.
func frenchCode(code string) bool {
	for i := range len(code) {
		if c := code[i]; c != "IDFRA"[i] && letterFor(c) != "IDFRA"[i] {
			return false
		}
	}
	return true
}

// frenchSecondLine tells the old French card from a TD2 card of the same issuer:
// in the former a birth date and a sex stand at the end of the line, in the latter
// the nationality stands in the middle.
func frenchSecondLine(l string) bool {
	sex := l[34]
	if sex != 'M' && sex != 'F' {
		return false
	}
	digits := 0
	for _, c := range []byte(l[27:34]) {
		if isDigit(c) || digitFor(c) != 0 {
			digits++
		}
	}
	return digits >= 5
}
