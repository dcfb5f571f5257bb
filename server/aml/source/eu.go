package source

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"vestibule/server/aml"
)

// euEntry is one sanctionEntity of the EU's consolidated list, schema 1.1. What it says
// stands in attributes.
type euEntry struct {
	Reference string `xml:"euReferenceNumber,attr"`
	Logical   string `xml:"logicalId,attr"`
	Listed    string `xml:"designationDate,attr"`
	Subject   struct {
		Code  string `xml:"code,attr"`
		Class string `xml:"classificationCode,attr"`
	} `xml:"subjectType"`
	Regulations []struct {
		Programme string `xml:"programme,attr"`
		Published string `xml:"publicationDate,attr"`
	} `xml:"regulation"`
	Names []struct {
		First  string `xml:"firstName,attr"`
		Middle string `xml:"middleName,attr"`
		Last   string `xml:"lastName,attr"`
		Whole  string `xml:"wholeName,attr"`
		Gender string `xml:"gender,attr"`
		Strong string `xml:"strong,attr"`
	} `xml:"nameAlias"`
	Citizenships []euCountry `xml:"citizenship"`
	Births       []struct {
		Circa    string `xml:"circa,attr"`
		Calendar string `xml:"calendarType,attr"`
		Date     string `xml:"birthdate,attr"`
		Day      string `xml:"dayOfMonth,attr"`
		Month    string `xml:"monthOfYear,attr"`
		Year     string `xml:"year,attr"`
		From     string `xml:"yearRangeFrom,attr"`
		To       string `xml:"yearRangeTo,attr"`
	} `xml:"birthdate"`
	Documents []struct {
		euCountry
		Number string `xml:"number,attr"`
		Latin  string `xml:"latinNumber,attr"`
		Type   string `xml:"identificationTypeDescription,attr"`
		Code   string `xml:"identificationTypeCode,attr"`
		Fake   string `xml:"knownFalse,attr"`
	} `xml:"identification"`
}

// euCountry is a country as the list gives it: code 00 where it does not know.
type euCountry struct {
	ISO2 string `xml:"countryIso2Code,attr"`
	Name string `xml:"countryDescription,attr"`
}

func (c euCountry) name() string {
	if code := isoCountry(c.ISO2); len(code) == 3 {
		return code
	}
	if name := clean(c.Name); !strings.EqualFold(name, "unknown") {
		return name
	}
	return ""
}

// readEU reads the consolidated list, one entry at a time.
func readEU(g *gathering, in io.Reader) error {
	x := newXML(in)
	root, err := x.root("export", "the EU's consolidated list")
	if err != nil {
		return err
	}
	g.list.Issued, _ = time.Parse(time.RFC3339Nano, attr(root, "generationDate")) // zero when it is not a time
	for {
		start, err := x.start()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if start.Name.Local != "sanctionEntity" {
			if err := x.skip(); err != nil {
				return err
			}
			continue
		}
		if err := g.eu(x, start); err != nil {
			return err
		}
	}
}

func (g *gathering) eu(x *xmlFile, start xml.StartElement) error {
	var u euEntry
	if err := x.decode(&u, start); err != nil {
		return err
	}
	g.list.Read++
	if id := clean(u.Logical); id == "" || len(u.Names) == 0 {
		g.drop("line %d: an entry without an id or a name", x.began)
		return nil
	}
	kind := aml.Organisation
	if clean(u.Subject.Code) == "person" || clean(u.Subject.Class) == "P" {
		kind = aml.Person
	}
	// The reference number is what regulations cite, but old entries have none.
	id := clean(u.Reference)
	if id == "" {
		id = clean(u.Logical)
	}
	entry := aml.Entity{ID: id, Type: kind, Listed: listed(u.Listed)}
	for _, n := range u.Names {
		name := n.Whole
		if clean(name) == "" {
			name = strings.Join([]string{n.First, n.Middle, n.Last}, " ")
		}
		as := aml.Alias
		switch {
		case nonLatin(name):
			as = aml.Original
		case strings.EqualFold(clean(n.Strong), "false"):
			as = aml.Weak
		case !hasPrimary(entry): // the list calls none so: the first one
			as = aml.Primary
		}
		g.name(&entry, name, as)
		if entry.Gender == "" {
			entry.Gender = gender(n.Gender)
		}
	}
	if len(entry.Names) == 0 {
		g.drop("line %d: an entry without a usable name", x.began)
		return nil
	}
	primaryFirst(&entry)
	for _, r := range u.Regulations {
		g.program(&entry, r.Programme)
		if day := listed(r.Published); entry.Listed == "" || day != "" && day < entry.Listed {
			entry.Listed = day
		}
	}
	for _, c := range u.Citizenships {
		g.country(&entry, c.name())
	}
	for _, b := range u.Births {
		birth, ok := euBirth(clean(b.Date), clean(b.Day), clean(b.Month), clean(b.Year), clean(b.From), clean(b.To))
		if calendar := clean(b.Calendar); ok && (calendar == "" || strings.EqualFold(calendar, "gregorian")) {
			birth.Circa = strings.EqualFold(clean(b.Circa), "true")
			g.birth(&entry, birth)
		}
	}
	for _, d := range u.Documents {
		if strings.EqualFold(clean(d.Fake), "true") {
			continue // a forgery's number is somebody else's, or nobody's
		}
		what := d.Type
		if clean(what) == "" {
			what = d.Code
		}
		g.identifier(&entry, what, d.Number, d.name())
		if latin := clean(d.Latin); latin != "" && latin != clean(d.Number) {
			g.identifier(&entry, what, latin, d.name())
		}
	}
	if _, err := g.begin(entry); err != nil {
		return x.within(err)
	}
	return nil
}

// euBirth reads the date, else its parts, else a range of years. Parts that are not
// known are empty or 0.
func euBirth(date, day, month, year, from, to string) (b aml.Birth, ok bool) {
	if b.From, ok = parseDate(date); ok {
		return b, true
	}
	if b.From, ok = dateOf(year, month, day); ok {
		return b, true
	}
	return periodOf(from, to)
}

// dateOf makes a date of its parts as far as they are known: YYYY, YYYY-MM or YYYY-MM-DD.
func dateOf(year, month, day string) (string, bool) {
	y, yes := number(year)
	if !yes || !validYear(y) {
		return "", false
	}
	m, yes := number(month)
	if !yes || m < 1 || m > 12 {
		return fmt.Sprintf("%04d", y), true
	}
	d, yes := number(day)
	if !yes || d < 1 {
		return fmt.Sprintf("%04d-%02d", y, m), true
	}
	return parseDate(fmt.Sprintf("%04d-%02d-%02d", y, m, d))
}

// periodOf makes a period of two years; one alone is an estimate of the year.
func periodOf(from, to string) (aml.Birth, bool) {
	first, ok := dateOf(from, "", "")
	last, also := dateOf(to, "", "")
	switch {
	case ok && also && first == last:
		return aml.Birth{From: first}, true
	case ok && also && first < last:
		return aml.Birth{From: first, To: last}, true
	case ok && !also:
		return aml.Birth{From: first, Circa: true}, true
	}
	return aml.Birth{}, false
}
