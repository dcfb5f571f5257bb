package aamva

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// read makes fields of elements.
func (d *Document) read() {
	d.names()
	d.Number = d.must("DAQ")
	d.Birth = d.date(true, "DBB")
	d.Issue = d.date(d.Version >= 2, "DBD")
	d.Expiry = d.date(true, "DBA")
	d.Sex = d.sex()
	// Versions 0 and 1 know a mailing and a residence address, and one of them may be absent.
	d.Street, d.Street2 = d.must("DAG", "DAL"), d.plain("DAH", "DAM")
	d.City, d.State = d.must("DAI", "DAN"), d.must("DAJ", "DAO")
	d.PostalCode = d.postal()
	d.Country = d.country()
	d.Height, d.Weight = d.height(), d.weight()
	d.Eyes, d.Hair = d.plain("DAY"), d.plain("DAZ")
	d.Class, d.Restrictions, d.Endorsements = d.plain("DCA", "DAR"), d.plain("DCB", "DAS"), d.plain("DCD", "DAT")
	d.Discriminator, d.Inventory = d.plain("DCF"), d.plain("DCK")
	d.Compliance = d.choice("DDA", map[string]string{"F": "compliant", "N": "non-compliant", "M": "compliant"})
	d.Limited = d.choice("DDD", map[string]string{"1": "yes", "0": ""})
	d.Donor = d.choice("DDK", map[string]string{"1": "yes", "0": ""})
	d.Veteran = d.choice("DDL", map[string]string{"1": "yes", "0": ""})
	d.Revision = d.date(false, "DDB")
}

// plain takes a value as it is.
func (d *Document) plain(ids ...string) Field {
	e, ok := d.element(ids...)
	if !ok {
		return Field{}
	}
	f := Field{Raw: e.Raw, ID: e.ID, Value: strings.TrimSpace(e.Raw)}
	if strings.ContainsFunc(f.Value, unicode.IsControl) {
		return Field{Raw: e.Raw, ID: e.ID, Problem: ProblemCharacter}
	}
	// Annex D.12: NONE where there is nothing to say, unavl where it is not known.
	switch strings.ToUpper(f.Value) {
	case "NONE", "UNAVL", "UNAVAIL":
		f.Value = ""
	}
	return f
}

// must is plain for what the standard wants from everybody.
func (d *Document) must(ids ...string) Field {
	f := d.plain(ids...)
	if f.Value == "" && f.Problem == "" {
		f.Problem = ProblemMissing
	}
	return f
}

func (d *Document) choice(id string, values map[string]string) Field {
	f := d.plain(id)
	if f.Value == "" {
		return f
	}
	v, ok := values[strings.ToUpper(f.Value)]
	if !ok {
		f.Problem = ProblemCode
	}
	f.Value = v
	return f
}

// date reads eight digits in either order: MMDDCCYY, which the standard wants from the
// United States since version 2, or CCYYMMDD, which it wants from Canada and wanted from
// everybody in version 1. A month is never 18 to 21, and no century is 01 to 12, so that the digits
// themselves tell, and an issuer that writes the other order is understood.
func (d *Document) date(wanted bool, ids ...string) Field {
	f := d.plain(ids...)
	raw := strings.NewReplacer("-", "", "/", "").Replace(f.Value)
	f.Value = ""
	switch {
	case f.Problem != "":
	case strings.Trim(raw, "0") == "":
		if wanted {
			f.Problem = ProblemMissing
		}
	case len(raw) != 8 || !digits(raw):
		f.Problem = ProblemDateCharacters
	default:
		var ok bool
		if f.Value, ok = day(raw[4:], raw[:2], raw[2:4]); !ok {
			f.Value, ok = day(raw[:4], raw[4:6], raw[6:])
		}
		if !ok {
			f.Value, f.Problem = "", ProblemDateImpossible
		}
	}
	return f
}

func day(year, month, day string) (string, bool) {
	t, err := time.Parse(time.DateOnly, year+"-"+month+"-"+day)
	if err != nil || t.Year() < 1850 || t.Year() > 2199 {
		return "", false
	}
	return t.Format(time.DateOnly), true
}

// sex: 1 and 2 (ANSI D-20; version 1 wrote letters), 9 for not specified, 0 unknown. Issuers
// also write X.
func (d *Document) sex() Field {
	f := d.must("DBC")
	switch strings.ToUpper(f.Value) {
	case "1", "M", "MALE":
		f.Value = "male"
	case "2", "F", "FEMALE":
		f.Value = "female"
	case "9", "X":
		f.Value = "x"
	case "0", "":
		f.Value = ""
	default:
		f.Value, f.Problem = "", ProblemSex
	}
	return f
}

// postal takes the padding away that the standard wants: zeros behind five digits, spaces.
func (d *Document) postal() Field {
	f := d.must("DAK", "DAP")
	f.Value = strings.TrimRight(f.Value, "-")
	if len(f.Value) == 9 && digits(f.Value) {
		if f.Value = f.Value[:5] + "-" + f.Value[5:]; strings.HasSuffix(f.Value, "-0000") {
			f.Value = f.Value[:5]
		}
	}
	return f
}

func (d *Document) country() Field {
	f := d.plain("DCG")
	switch strings.ToUpper(f.Value) {
	case "":
	case "USA", "US":
		f.Value = "USA"
	case "CAN", "CDN", "CA":
		f.Value = "CAN"
	case "MEX", "MX":
		f.Value = "MEX"
	default:
		f.Problem = ProblemCode
	}
	return f
}

// The limits within which a height (cm) and a weight (kg) are taken.
const (
	minHeight, maxHeight = 50, 260
	minWeight, maxWeight = 10, 450
)

func measure(f Field, v, low, high float64) Field {
	if v < low || v > high {
		f.Value, f.Problem = "", ProblemMeasure
		return f
	}
	f.Value = strconv.Itoa(int(math.Round(v)))
	return f
}

// height is in inches or centimetres, as its unit says ("068 in", "181 cm"). Version 1
// wrote feet and two digits of inches ("510"), and centimetres into an element of their own.
func (d *Document) height() Field {
	f := d.plain("DAU")
	if f.Value == "" {
		if f = d.plain("DAV"); f.Value == "" {
			return f
		}
		v, err := strconv.ParseFloat(number(f.Value), 64)
		if err != nil {
			v = -1
		}
		return measure(f, v, minHeight, maxHeight)
	}
	n := number(f.Value)
	unit := strings.ToLower(strings.TrimSpace(f.Value[len(n):]))
	v, err := strconv.ParseFloat(n, 64)
	switch {
	case err != nil || len(n) > 3:
		v = -1
	case unit == "cm":
	case unit == "in":
		v *= 2.54
	case unit == "" && len(n) == 3 && n[0] >= '3' && n[0] <= '8' && two(n[1:]) < 12 && d.Version <= 1:
		v = float64(int(n[0]-'0')*12+two(n[1:])) * 2.54
	case unit == "" && v >= 36 && v <= 96:
		v *= 2.54
	case unit == "" && d.issuedIn() != "USA":
	default:
		v = -1
	}
	return measure(f, v, minHeight, maxHeight)
}

// weight is in pounds or kilograms, in elements of their own.
func (d *Document) weight() Field {
	f, unit := d.plain("DAW"), .45359237
	if f.Value == "" {
		f, unit = d.plain("DAX"), 1
	}
	if f.Value == "" {
		return f
	}
	v, err := strconv.ParseFloat(number(f.Value), 64)
	if err != nil || strings.Trim(number(f.Value), "0") == "" {
		f.Value = "" // zeros: not measured
		if err != nil {
			f.Problem = ProblemMeasure
		}
		return f
	}
	return measure(f, v*unit, minWeight, maxWeight)
}

// number gives the digits that a value begins with.
func number(s string) string {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return s[:i]
		}
	}
	return s
}

func (d *Document) issuedIn() string {
	if d.Jurisdiction.Country != "" {
		return d.Jurisdiction.Country
	}
	return d.Country.Value
}

// names: versions 0 and 1 have one field (DAA, parts apart by commas) or three (DAB, DAC,
// DAD); 2 and 3 a family name and all given names together (DCS, DCT); from 4 on each has
// its own (DCS, DAC, DAD), with flags that tell what was cut. Issuers change
// layout before they change the version, so whichever is there is read.
func (d *Document) names() {
	d.FullName = d.plain("DAA")
	d.FamilyName, d.GivenName = d.plain("DCS", "DAB"), d.plain("DAC")
	d.MiddleName, d.Suffix = d.plain("DAD"), d.plain("DCU", "DAE")
	if f := d.plain("DCT"); d.GivenName.ID == "" && f.ID != "" {
		first, rest := splitGiven(f.Value)
		d.GivenName = f
		d.GivenName.Value = first
		if d.MiddleName.ID == "" {
			d.MiddleName = f
			d.MiddleName.Value = rest
		}
	}
	if d.FullName.Value != "" && d.FamilyName.ID == "" && d.GivenName.ID == "" {
		d.splitFull()
	}
	for _, f := range []*Field{&d.FamilyName, &d.GivenName, &d.MiddleName} {
		f.Value = strings.Join(strings.FieldsFunc(f.Value, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }), " ")
	}
	// A person may have one name only, which the standard puts into the family name.
	if d.FamilyName.Value == "" && d.FamilyName.Problem == "" {
		d.FamilyName.Problem = ProblemMissing
	}
	d.FamilyTruncated, d.GivenTruncated, d.MiddleTruncated = d.truncated("DDE"), d.truncated("DDF"), d.truncated("DDG")
}

// splitGiven takes the first given name from the others. The standard wants commas
// between them; without any, a space is all there is.
func splitGiven(s string) (first, rest string) {
	mark := " "
	if strings.Contains(s, ",") {
		mark = ","
	}
	first, rest, _ = strings.Cut(strings.TrimLeft(s, ", "), mark)
	return strings.TrimSpace(first), strings.TrimSpace(rest)
}

// splitFull takes "LAST,FIRST,MIDDLE,SUFFIX" apart. Without a mark between the parts it
// cannot be known which is which.
func (d *Document) splitFull() {
	s := d.FullName.Value
	mark := ""
	for _, m := range []string{",", "$", "@"} {
		if strings.Contains(s, m) {
			mark = m
			break
		}
	}
	if mark == "" {
		d.FullName.Problem = ProblemName
		return
	}
	part := strings.SplitN(s, mark, 4)
	for i, to := range []*Field{&d.FamilyName, &d.GivenName, &d.MiddleName, &d.Suffix} {
		if i < len(part) && to.ID == "" {
			*to = Field{Value: strings.TrimSpace(part[i]), Raw: d.FullName.Raw, ID: d.FullName.ID}
		}
	}
}

func (d *Document) truncated(id string) Truncated {
	switch strings.ToUpper(d.plain(id).Value) {
	case "T":
		return TruncatedYes
	case "N":
		return TruncatedNo
	case "U":
		return TruncatedUnknown
	}
	return TruncatedUnsaid
}

// encodedDate writes YYYY-MM-DD in the order that an issuer of this country and version uses.
func encodedDate(s, country string, version int) (string, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil || t.Year() < 1850 || t.Year() > 2199 {
		return "", fmt.Errorf("%w: a date", ErrContent)
	}
	if country == "USA" && version >= 2 {
		return t.Format("01022006"), nil
	}
	return t.Format("20060102"), nil
}
