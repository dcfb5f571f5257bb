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

// Names of the fields, in the order of Document.Fields.
const (
	NameCode        = "code"
	NameIssuer      = "issuer"
	NameFamily      = "family name"
	NameGiven       = "given names"
	NameNumber      = "number"
	NameNationality = "nationality"
	NameBirth       = "birth"
	NameSex         = "sex"
	NameExpiry      = "expiry"
	NameOptional    = "optional"
	NameOptional2   = "optional 2"
	NameComposite   = "composite"
)

// Conventions of a number too long for its place (ICAO 9303-5 and 9303-6, section 4.2.2.2
// note j): whether its check digit counts the filler that stands in the digit's usual place. A
// filler is worth nothing, but it moves the weights of all that follows.
const (
	LongUncounted = "uncounted"
	LongCounted   = "counted"
	LongEither    = "either" // the digit fits both ways, as one in ten does by chance
)

// Field is one field of the zone. The zero Field is one that the layout does not have.
type Field struct {
	Name    string // one of the Name constants
	Value   string // as a person would write it; empty when blank
	Raw     string // the characters of the zone as read, fillers included: those of all Parts
	Check   Check
	Line    int    // from 0
	Start   int    // first character, from 0
	End     int    // behind the last one; the field's check digit is not part of it
	Rest    Span   // TD2: the optional data in which a long number goes on, its digit included; else empty
	Swapped bool   // a character of it or its digit was read as its look-alike of the other kind (O0 I1 B8 S5 Z2 G6 D0 Q0)
	Problem string // one of the Problem constants; empty when none
}

// Parts gives the runs of characters that the field is made of: none where it is empty, two for a long number
// whose rest stands elsewhere.
func (f Field) Parts() []Span {
	var out []Span
	for _, s := range []Span{{f.Line, f.Start, f.End}, f.Rest} {
		if !s.empty() {
			out = append(out, s)
		}
	}
	return out
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
	LongNumber  string // one of the Long constants; empty where the number is not a long one, or its digit fits neither way
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

// Fields lists all fields, always twelve, in this order; those that the layout does not have are zero.
func (d Document) Fields() []Field {
	return []Field{
		d.Code, d.Issuer, d.FamilyName, d.GivenNames, d.Number, d.Nationality,
		d.Birth, d.Sex, d.Expiry, d.Optional, d.Optional2, d.Composite,
	}
}
