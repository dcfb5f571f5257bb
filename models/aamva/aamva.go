// Package aamva reads and writes what the PDF417 symbol on a North American driver's
// licence or identity card says: the data of the AAMVA DL/ID Card Design Standard, annex
// D of its editions since 2009 (versions 4 to 10), and of its forerunners of 2000, 2003
// and 2005 (versions 1 to 3) and before (version 0).
//
// What may live here: finding header, subfiles and elements in bytes, checking and
// writing values, jurisdictions, comparing with another source. What may not: pixels
// (package barcode), policy. Data is reported as it was encoded: nothing is
// repaired, and every field stands on its own.
package aamva

import "strings"

// Bounds of what is read. A symbol holds 2710 characters at most (ISO/IEC 15438).
const (
	MaxData     = 8192
	MaxElements = 256
	MaxSubfiles = 16
)

// Field is one value.
type Field struct {
	Value   string // as a person would write it; empty when absent, or when the issuer says so ("NONE", "unavl")
	Raw     string // as encoded, without its identifier
	ID      string // three letters of the element; empty when absent
	Problem string // one of the Problem constants; empty when none
}

// Problems of a field.
const (
	ProblemMissing        = "missing"         // the standard wants it from everybody
	ProblemDateCharacters = "date-characters" // not eight digits
	ProblemDateImpossible = "date-impossible" // in neither order a day between 1850 and 2199
	ProblemSex            = "sex-unknown"     //
	ProblemName           = "name-unsplit"    // one name field without a mark between its parts
	ProblemMeasure        = "measure"         // height or weight in no known form
	ProblemCode           = "code-unknown"    // a value that the standard does not list
	ProblemCharacter      = "character"       // a control character inside a value
)

// Faults of the data as a whole. None of them keeps the fields from being read.
const (
	FaultHeader       = "header"               // does not begin as the standard says
	FaultVersion      = "version-unknown"      // later than version 10
	FaultJurisdiction = "jurisdiction-unknown" // an issuer number that is not on AAMVA's list
	FaultEntries      = "entries"              // another number of subfiles than announced
	FaultOffset       = "offset"               // a subfile does not stand where the header says, or is not as long
)

// Element is one element as encoded.
type Element struct {
	Subfile string // two letters: DL, ID, ZV, …
	ID      string // three letters
	Raw     string
}

// Truncated tells whether a name was cut to fit.
type Truncated string

// The states of a truncation flag; versions before 4 have none.
const (
	TruncatedUnsaid  Truncated = ""
	TruncatedYes     Truncated = "yes"
	TruncatedNo      Truncated = "no"
	TruncatedUnknown Truncated = "unknown"
)

// Document is what a symbol says.
type Document struct {
	IIN                 string // issuer identification number, six digits
	Jurisdiction        Jurisdiction
	Version             int    // of the standard: 0..10, or what the header says
	JurisdictionVersion int    // of the issuer's own; -1 in versions 0 and 1, which have none
	Kind                string // first subfile that is DL (licence), ID (identity card) or EN (enhanced licence)

	FullName                                         Field // element DAA of versions 0 and 1 only
	FamilyName, GivenName, MiddleName, Suffix        Field
	FamilyTruncated, GivenTruncated, MiddleTruncated Truncated

	Number                  Field // licence or customer number
	Birth, Issue, Expiry    Field // Value YYYY-MM-DD
	Sex                     Field // Value male, female, x
	Street, Street2         Field
	City, State, PostalCode Field
	Country                 Field // Value USA, CAN, MEX
	Height                  Field // Value in centimetres
	Weight                  Field // Value in kilograms
	Eyes, Hair              Field // AAMVA's three-letter codes
	Class                   Field // of vehicles
	Restrictions            Field
	Endorsements            Field
	Discriminator           Field // tells this very card from others of the same person
	Inventory               Field
	Compliance              Field // Value compliant (REAL ID) or non-compliant
	Limited                 Field // Value yes: the holder's stay is limited
	Revision                Field // Value YYYY-MM-DD: of the card's design
	Donor, Veteran          Field // Value yes

	Elements []Element // everything, in order
	Faults   []string
}

// Fields lists the fields that everybody has.
func (d Document) Fields() []Field {
	return []Field{d.FamilyName, d.GivenName, d.Number, d.Birth, d.Issue, d.Expiry, d.Sex, d.Street, d.City, d.State, d.PostalCode}
}

// Valid reports whether the data has no fault and no field of it a problem.
func (d Document) Valid() bool {
	if len(d.Faults) > 0 {
		return false
	}
	all := append(d.Fields(), d.FullName, d.MiddleName, d.Suffix, d.Street2, d.Country, d.Height, d.Weight, d.Eyes, d.Hair,
		d.Class, d.Restrictions, d.Endorsements, d.Discriminator, d.Inventory, d.Compliance, d.Limited, d.Revision, d.Donor, d.Veteran)
	for _, f := range all {
		if f.Problem != "" {
			return false
		}
	}
	return true
}

// element finds the first of several identifiers in the card's own subfile, or else anywhere but in
// the issuer's private ones.
func (d Document) element(ids ...string) (Element, bool) {
	for _, id := range ids {
		for _, e := range d.Elements {
			if e.ID == id && !strings.HasPrefix(e.Subfile, "Z") {
				return e, true
			}
		}
	}
	return Element{}, false
}
