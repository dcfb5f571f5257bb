package source

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"

	"vestibule/server/aml"
)

// Bounds of what sdn_advanced.xml refers to from elsewhere in the file.
const (
	maxReferences = 200_000   // values, such as countries and kinds of documents
	maxPending    = 2_000_000 // places, documents, measures
)

// The names of what is looked for among the reference values.
const (
	advancedPerson      = "Individual"
	advancedLastName    = "Last Name"
	advancedBirth       = "Birthdate"
	advancedGender      = "Gender"
	advancedNationality = "Nationality Country"
	advancedCitizenship = "Citizenship Country"
)

// advancedValue is one reference value: an element with an id and a text.
type advancedValue struct {
	ID    string `xml:"ID,attr"`
	Party string `xml:"PartyTypeID,attr"`
	Text  string `xml:",chardata"`
}

type advancedDate struct {
	Year  string `xml:"Year"`
	Month string `xml:"Month"`
	Day   string `xml:"Day"`
}

type advancedBound struct {
	Approximate string       `xml:"Approximate,attr"`
	From        advancedDate `xml:"From"`
	To          advancedDate `xml:"To"`
}

// advancedParty is one DistinctParty.
type advancedParty struct {
	FixedRef string `xml:"FixedRef,attr"`
	Profiles []struct {
		ID         string `xml:"ID,attr"`
		SubType    string `xml:"PartySubTypeID,attr"`
		Identities []struct {
			ID      string `xml:"ID,attr"`
			False   string `xml:"False,attr"`
			Aliases []struct {
				Primary string `xml:"Primary,attr"`
				Low     string `xml:"LowQuality,attr"`
				Names   []struct {
					Parts []struct {
						Value struct {
							Group string `xml:"NamePartGroupID,attr"`
							Text  string `xml:",chardata"`
						} `xml:"NamePartValue"`
					} `xml:"DocumentedNamePart"`
				} `xml:"DocumentedName"`
			} `xml:"Alias"`
			Groups []struct {
				ID   string `xml:"ID,attr"`
				Type string `xml:"NamePartTypeID,attr"`
			} `xml:"NamePartGroups>MasterNamePartGroup>NamePartGroup"`
		} `xml:"Identity"`
		Features []struct {
			Type     string `xml:"FeatureTypeID,attr"`
			Versions []struct {
				Details []struct {
					Reference string `xml:"DetailReferenceID,attr"`
					Text      string `xml:",chardata"`
				} `xml:"VersionDetail"`
				Places []struct {
					ID string `xml:"LocationID,attr"`
				} `xml:"VersionLocation"`
				Periods []struct {
					Start advancedBound `xml:"Start"`
					End   advancedBound `xml:"End"`
				} `xml:"DatePeriod"`
			} `xml:"FeatureVersion"`
		} `xml:"Feature"`
	} `xml:"Profile"`
}

// advancedDocument is one IDRegDocument.
type advancedDocument struct {
	Type     string `xml:"IDRegDocTypeID,attr"`
	Identity string `xml:"IdentityID,attr"`
	Issuer   string `xml:"IssuedBy-CountryID,attr"`
	Number   string `xml:"IDRegistrationNo"`
}

// advancedEntry is one SanctionsEntry: what a profile is listed under, and since when.
type advancedEntry struct {
	Profile string `xml:"ProfileID,attr"`
	Events  []struct {
		Date advancedDate `xml:"Date"`
	} `xml:"EntryEvent"`
	Measures []struct {
		Comment string `xml:"Comment"`
	} `xml:"SanctionsMeasure"`
}

// advanced puts the parts of the file together. Parties, documents, places and entries
// refer to each other by id, whichever comes first; what is not needed is not kept.
type advanced struct {
	*gathering
	x          *xmlFile
	values     map[string]map[string]advancedValue // set → id → value
	count      int                                 // of values
	pending    int
	places     map[string]string // location → country's id
	identities map[string]int    // identity → entry
	profiles   map[string]int    // profile → entry
	lives      []advancedPlace
	documents  []advancedDocument
	listings   []advancedListing
}

// advancedListing is what is kept of a SanctionsEntry.
type advancedListing struct {
	profile, listed string
	programs        []string
}

// advancedPlace is a country that an entry belongs to, by its location.
type advancedPlace struct {
	entry    int
	location string
}

// readOFACXML reads sdn_advanced.xml, one element of it at a time. An entry's id is the
// number that the csv files give it.
func readOFACXML(g *gathering, in io.Reader) error {
	a := &advanced{
		gathering: g, x: newXML(in), values: map[string]map[string]advancedValue{},
		places: map[string]string{}, identities: map[string]int{}, profiles: map[string]int{},
	}
	if _, err := a.x.root("Sanctions", "OFAC's advanced list"); err != nil {
		return err
	}
	for {
		start, err := a.x.start()
		if errors.Is(err, io.EOF) {
			return a.join()
		}
		if err == nil {
			err = a.element(start)
		}
		if err != nil {
			return err
		}
	}
}

func (a *advanced) element(start xml.StartElement) error {
	x := a.x
	name := start.Name.Local
	parent := x.path[len(x.path)-2] // the root is the first
	switch {
	case name == "DateOfIssue":
		var d advancedDate
		if err := x.decode(&d, start); err != nil {
			return err
		}
		if day, ok := dateOf(d.Year, d.Month, d.Day); ok {
			a.list.Issued, _ = time.Parse(time.DateOnly, day) // zero when it is no whole day
		}
	case name == "ReferenceValueSets", parent == "ReferenceValueSets",
		name == "Locations", name == "IDRegDocuments", name == "DistinctParties", name == "SanctionsEntries":
		// their children come next
	case len(x.path) == 4 && x.path[1] == "ReferenceValueSets":
		return a.value(strings.TrimSuffix(parent, "Values"), start)
	case name == "Location":
		return a.location(start)
	case name == "IDRegDocument":
		var d advancedDocument
		if err := x.decode(&d, start); err != nil {
			return err
		}
		if clean(d.Number) != "" && len(d.Number) <= maxField {
			a.documents = append(a.documents, d)
			return a.refer()
		}
	case name == "DistinctParty":
		return a.party(start)
	case name == "SanctionsEntry":
		var e advancedEntry
		if err := x.decode(&e, start); err != nil {
			return err
		}
		return a.listing(e)
	default:
		return x.skip()
	}
	return nil
}

// listing keeps what an entry is listed under, within the bounds, and since when.
func (a *advanced) listing(e advancedEntry) error {
	bounded := aml.Entity{ID: e.Profile}
	for _, m := range e.Measures {
		a.program(&bounded, m.Comment)
	}
	for _, event := range e.Events {
		if day, ok := dateOf(event.Date.Year, event.Date.Month, event.Date.Day); ok && (bounded.Listed == "" || day < bounded.Listed) {
			bounded.Listed = day
		}
	}
	a.listings = append(a.listings, advancedListing{e.Profile, bounded.Listed, bounded.Programs})
	return a.refer()
}

// refer counts what is kept until the end of the file.
func (a *advanced) refer() error {
	if a.pending++; a.pending > maxPending {
		return a.x.within(fmt.Errorf("%w: more than %d places, documents and measures", ErrTooLarge, maxPending))
	}
	return nil
}

func (a *advanced) value(set string, start xml.StartElement) error {
	var v advancedValue
	if err := a.x.decode(&v, start); err != nil {
		return err
	}
	switch set {
	case "Country", "DetailReference", "FeatureType", "IDRegDocType", "NamePartType", "PartySubType", "PartyType":
	default:
		return nil
	}
	if a.count++; a.count > maxReferences {
		return a.x.within(fmt.Errorf("%w: more than %d reference values", ErrTooLarge, maxReferences))
	}
	if a.values[set] == nil {
		a.values[set] = map[string]advancedValue{}
	}
	v.Text = clean(v.Text)
	a.values[set][v.ID] = v
	return nil
}

// text gives a reference value's text.
func (a *advanced) text(set, id string) string { return a.values[set][id].Text }

func (a *advanced) location(start xml.StartElement) error {
	var l struct {
		ID      string `xml:"ID,attr"`
		Country struct {
			ID string `xml:"CountryID,attr"`
		} `xml:"LocationCountry"`
	}
	if err := a.x.decode(&l, start); err != nil {
		return err
	}
	if l.Country.ID == "" {
		return nil
	}
	a.places[l.ID] = l.Country.ID
	return a.refer()
}

func (a *advanced) party(start xml.StartElement) error {
	var p advancedParty
	if err := a.x.decode(&p, start); err != nil {
		return err
	}
	if len(a.values["NamePartType"]) == 0 || len(a.values["FeatureType"]) == 0 || len(a.values["PartyType"]) == 0 {
		return a.x.within(errors.New("an entry before the values it refers to"))
	}
	a.list.Read++
	e := aml.Entity{ID: clean(p.FixedRef), Type: aml.Organisation}
	var places []string
	for _, profile := range p.Profiles {
		if a.text("PartyType", a.values["PartySubType"][profile.SubType].Party) == advancedPerson {
			e.Type = aml.Person
		}
		for _, identity := range profile.Identities {
			if identity.False == "true" {
				continue
			}
			types := map[string]string{}
			for _, g := range identity.Groups {
				types[g.ID] = a.text("NamePartType", g.Type)
			}
			for _, alias := range identity.Aliases {
				kind := aml.Alias
				switch {
				case alias.Primary == "true":
					kind = aml.Primary
				case alias.Low == "true":
					kind = aml.Weak
				}
				for _, n := range alias.Names {
					var parts []namePart
					for _, part := range n.Parts {
						parts = append(parts, namePart{clean(part.Value.Text), types[part.Value.Group] == advancedLastName})
					}
					name := written(parts)
					if nonLatin(name) {
						a.name(&e, name, aml.Original)
						continue
					}
					a.name(&e, name, kind)
				}
			}
		}
		for _, f := range profile.Features {
			what := a.text("FeatureType", f.Type)
			for _, v := range f.Versions {
				switch what {
				case advancedBirth:
					for _, period := range v.Periods {
						if b, ok := birthOf(period.Start, period.End); ok {
							a.birth(&e, b)
						}
					}
				case advancedGender:
					for _, d := range v.Details {
						if s := gender(a.text("DetailReference", d.Reference)); s != "" && e.Gender == "" {
							e.Gender = s
						}
					}
				case advancedNationality, advancedCitizenship:
					for _, place := range v.Places {
						places = append(places, place.ID)
					}
				}
			}
		}
	}
	if len(e.Names) == 0 {
		a.drop("line %d: an entry without a usable name", a.x.began)
		return nil
	}
	primaryFirst(&e)
	at, err := a.begin(e)
	if err != nil {
		return a.x.within(err)
	}
	for _, place := range places[:min(len(places), maxFacts)] {
		a.lives = append(a.lives, advancedPlace{at, place})
	}
	for _, profile := range p.Profiles {
		if err := a.refer(); err != nil {
			return err
		}
		a.profiles[profile.ID] = at
		for _, identity := range profile.Identities {
			if err := a.refer(); err != nil {
				return err
			}
			if identity.False != "true" {
				a.identities[identity.ID] = at
			}
		}
	}
	return nil
}

// join resolves what refers to entries, or from them, by id.
func (a *advanced) join() error {
	for _, l := range a.lives {
		if country := a.text("Country", a.places[l.location]); country != "" {
			a.country(&a.list.Entities[l.entry], country)
		}
	}
	for _, d := range a.documents {
		if at, ok := a.identities[d.Identity]; ok {
			a.identifier(&a.list.Entities[at], a.text("IDRegDocType", d.Type), d.Number, a.text("Country", d.Issuer))
		}
	}
	for _, l := range a.listings {
		at, ok := a.profiles[l.profile]
		if !ok {
			a.drop("a measure without its entry: profile %.20q", l.profile)
			continue
		}
		e := &a.list.Entities[at]
		for _, p := range l.programs {
			a.program(e, p)
		}
		if l.listed != "" && (e.Listed == "" || l.listed < e.Listed) {
			e.Listed = l.listed
		}
	}
	for i := range a.list.Entities {
		slices.Sort(a.list.Entities[i].Programs) // measures come in no order that means anything
	}
	return nil
}

// namePart is a part of a name, and whether it is the family's.
type namePart struct {
	text   string
	family bool
}

// written puts the parts of a name together: "FAMILY, Given" in Latin letters, as the
// csv files have it; in other scripts as people write it there.
func written(parts []namePart) string {
	var family, given []string
	for _, p := range parts {
		if p.text == "" {
			continue
		}
		if p.family {
			family = append(family, p.text)
		} else {
			given = append(given, p.text)
		}
	}
	last, first := strings.Join(family, " "), strings.Join(given, " ")
	switch {
	case last == "" || first == "":
		return last + first
	case !nonLatin(last):
		return last + ", " + first
	case strings.ContainsFunc(last, func(r rune) bool {
		return unicode.In(r, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana)
	}):
		return last + " " + first
	}
	return first + " " + last
}

// birthOf reads a period: a day, a month or a year where it is exactly that.
func birthOf(start, end advancedBound) (aml.Birth, bool) {
	last := end.To
	if clean(last.Year) == "" {
		last = start.To
	}
	from, ok := dateOf(start.From.Year, start.From.Month, start.From.Day)
	if !ok {
		return aml.Birth{}, false
	}
	b := aml.Birth{From: from, Circa: start.Approximate == "true" || end.Approximate == "true"}
	to, ok := dateOf(last.Year, last.Month, last.Day)
	if !ok || to == from {
		return b, true
	}
	first, err := time.Parse(time.DateOnly, from)
	if err != nil {
		return b, true
	}
	until, err := time.Parse(time.DateOnly, to)
	if err != nil || until.Before(first) {
		return b, err != nil
	}
	switch {
	case first.YearDay() == 1 && until.AddDate(0, 0, 1).Equal(first.AddDate(1, 0, 0)):
		b.From = first.Format("2006")
	case first.Day() == 1 && until.AddDate(0, 0, 1).Equal(first.AddDate(0, 1, 0)):
		b.From = first.Format("2006-01")
	default:
		b.To = to
	}
	return b, true
}
