// Package mrz is the machine readable zone as text: parse, check, write and compare.
//
// What may live here: the layouts of ICAO 9303 and of the old French identity
// card, their check digits, dates, names and codes. What may not: pixels, policy,
// and repair. A zone is reported as it was read; the only character that is ever
// read as another one is a look-alike of the wrong kind for its place (a letter O
// in a date), and every such swap is listed with the text it came from.
package mrz

// Layout is one of the arrangements of a machine readable zone.
type Layout string

// The layouts that are read. TD1 to MRV-B: ICAO 9303 parts 5, 6, 4 and 7.
// FRID is the French identity card of 1988 to 2021 (2 × 36).
const (
	TD1  Layout = "TD1"
	TD2  Layout = "TD2"
	TD3  Layout = "TD3"
	MRVA Layout = "MRVA"
	MRVB Layout = "MRVB"
	FRID Layout = "FRID"
)

// Check is the state of a field's check digit.
type Check string

// A field without a digit of its own has CheckNone.
const (
	CheckNone  Check = ""
	CheckValid Check = "valid"
	CheckWrong Check = "wrong"
	CheckEmpty Check = "empty" // field and digit are both filler, which ICAO 9303 allows
)

// Field is one field of the zone.
type Field struct {
	Value   string // as a person would write it; empty when blank
	Raw     string // the characters of the zone as read, fillers included
	Check   Check
	Line    int    // from 0
	Start   int    // first character, from 0
	Swapped bool   // a character was read as its look-alike of the other kind (O0 I1 B8 S5 Z2 G6 D0 Q0)
	Problem string // one of the Problem constants; empty when none
}

// Document is a parsed zone. All of its fields stand on their own: a wrong check
// digit in one takes nothing from the others.
type Document struct {
	Layout      Layout
	Lines       []string // as handed in, upper case and without spaces; Corrected has the swaps in it
	Code        Field    // P, ID, I, AC, V, …
	Issuer      Field    // alpha-3 or ICAO's own
	FamilyName  Field
	GivenNames  Field
	Truncated   bool // the name field ends in a letter: something may be missing
	Number      Field
	LongNumber  string // "", "counted" or "uncounted": which convention a long TD1/TD2 number follows
	Nationality Field
	Birth       Field // Value YYYY-MM-DD; unknown parts are 00
	Sex         Field // male, female, x, or empty
	Expiry      Field // Value YYYY-MM-DD
	Optional    Field
	Optional2   Field // TD1 only
	Composite   Field // Raw holds the digit; CheckNone where the layout has none
	Swaps       []Swap
}

// Swap is one character that was read as its look-alike of the kind its place allows.
type Swap struct {
	Line, Column int // from 0
	From, To     byte
}

// Corrected returns the lines with the swaps applied: the text that the fields were taken from.
func (d Document) Corrected() []string {
	lines := make([][]byte, len(d.Lines))
	for i, l := range d.Lines {
		lines[i] = []byte(l)
	}
	for _, s := range d.Swaps {
		if s.Line >= 0 && s.Line < len(lines) && s.Column >= 0 && s.Column < len(lines[s.Line]) {
			lines[s.Line][s.Column] = s.To
		}
	}
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = string(l)
	}
	return out
}

// Valid reports whether every check digit that the layout has fits and no field has a problem.
func (d Document) Valid() bool {
	for _, f := range d.Fields() {
		if f.Check == CheckWrong || f.Problem != "" {
			return false
		}
	}
	return true
}

// Fields lists all fields in the order of the zone.
func (d Document) Fields() []Field {
	return []Field{
		d.Code, d.Issuer, d.FamilyName, d.GivenNames, d.Number, d.Nationality,
		d.Birth, d.Sex, d.Expiry, d.Optional, d.Optional2, d.Composite,
	}
}
