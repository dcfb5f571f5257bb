package aamva

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// ErrContent is returned by Write for content that the standard cannot hold.
var ErrContent = errors.New("content does not fit the standard")

// Content is what a symbol is to say.
type Content struct {
	Issuer              string // two letters: VA, ON, …
	Version             int    // of the standard, 0..10
	JurisdictionVersion int    // 0..99, versions from 2 on
	Kind                string // DL, ID or EN; empty: DL

	FamilyName, GivenName, MiddleName, Suffix Text
	FamilyTruncated                           Truncated // versions from 4 on; the others are written as "no"
	Number                                    Text
	Birth, Issue, Expiry                      string // YYYY-MM-DD
	Sex                                       string // male, female, x
	Height                                    int    // centimetres; 0: not said
	Street, Street2, City, State, PostalCode  Text
	Eyes, Hair                                Text
	Class, Restrictions, Endorsements         Text
	Discriminator, Inventory                  Text
	Compliance                                string // compliant, non-compliant or empty
	Limited, Donor, Veteran                   bool
	Private                                   []Element // of the issuer's own subfile, whose letters begin with Z
}

// Text is a value without control characters.
type Text = string

// Write makes the data of a symbol. Values are written as they are, but for the forms that
// the standard gives them; offsets and lengths count bytes.
func Write(c Content) ([]byte, error) {
	iin, ok := Number(c.Issuer)
	if !ok || c.Version < 0 || c.Version > 10 || c.JurisdictionVersion < 0 || c.JurisdictionVersion > 99 {
		return nil, fmt.Errorf("%w: issuer or version", ErrContent)
	}
	j, _ := Issuer(iin)
	w := writing{c: c, country: j.Country}
	if c.Kind == "" {
		w.c.Kind = "DL"
	}
	switch w.c.Kind {
	case "DL", "ID", "EN":
	default:
		return nil, fmt.Errorf("%w: kind of card", ErrContent)
	}
	type part struct{ kind, body string }
	parts := []part{{w.c.Kind, w.card()}}
	for _, e := range c.Private {
		if len(e.Subfile) != 2 || e.Subfile[0] != 'Z' || !upper(e.Subfile[1]) || len(e.ID) != 3 || e.ID[0] != 'Z' || !upper(e.ID[1]) || !upper(e.ID[2]) {
			return nil, fmt.Errorf("%w: private element", ErrContent)
		}
		if last := &parts[len(parts)-1]; last.kind != e.Subfile {
			parts = append(parts, part{kind: e.Subfile})
		}
		last := &parts[len(parts)-1]
		last.body += w.element(e.ID, e.Raw)
	}
	if w.err != nil {
		return nil, w.err
	}
	if len(parts) > MaxSubfiles {
		return nil, fmt.Errorf("%w: too many subfiles", ErrContent)
	}
	head := fmt.Sprintf("@\n\x1e\rANSI %s%02d", iin, c.Version)
	if c.Version >= 2 {
		head += fmt.Sprintf("%02d", c.JurisdictionVersion)
	}
	head += fmt.Sprintf("%02d", len(parts))
	at := len(head) + designatorSize*len(parts)
	bodies := ""
	for _, p := range parts {
		body := p.kind + strings.TrimSuffix(p.body, "\n") + "\r"
		if at+len(body) > MaxData || at > 9999 || len(body) > 9999 {
			return nil, fmt.Errorf("%w: too long", ErrContent)
		}
		head += fmt.Sprintf("%s%04d%04d", p.kind, at, len(body))
		at += len(body)
		bodies += body
	}
	return []byte(head + bodies), nil
}

type writing struct {
	c       Content
	country string
	err     error
}

func (w *writing) fail(field string) {
	if w.err == nil {
		w.err = fmt.Errorf("%w: %s", ErrContent, field)
	}
}

func (w *writing) element(id, value string) string {
	if strings.ContainsFunc(value, unicode.IsControl) {
		w.fail("a control character in " + id)
	}
	return id + value + "\n"
}

// some writes an element unless it is empty.
func (w *writing) some(id, value string) string {
	if value == "" {
		return ""
	}
	return w.element(id, value)
}

func (w *writing) date(id, value string) string {
	if value == "" {
		return ""
	}
	s, err := encodedDate(value, w.country, w.c.Version)
	if err != nil {
		w.fail("the date of " + id)
	}
	return w.element(id, s)
}

func (w *writing) flag(id string, is bool) string {
	if !is {
		return ""
	}
	return w.element(id, "1")
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func (w *writing) card() string {
	c, early := w.c, w.c.Version <= 1
	b := w.element("DAQ", c.Number) + w.names()
	if early {
		b += w.some("DAR", c.Class) + w.some("DAS", c.Restrictions) + w.some("DAT", c.Endorsements)
	} else {
		b += w.element("DCA", or(c.Class, "NONE")) + w.element("DCB", or(c.Restrictions, "NONE")) + w.element("DCD", or(c.Endorsements, "NONE"))
	}
	b += w.date("DBD", c.Issue) + w.date("DBB", c.Birth) + w.date("DBA", c.Expiry)
	sex, ok := map[string]string{"male": "1", "female": "2", "x": "9", "": ""}[c.Sex]
	if early {
		sex, ok = map[string]string{"male": "M", "female": "F", "": ""}[c.Sex]
	}
	if !ok {
		w.fail("the sex")
	}
	b += w.some("DBC", sex)
	if c.Height != 0 {
		if c.Height < minHeight || c.Height > maxHeight {
			w.fail("the height")
		}
		if early {
			b += w.element("DAV", strconv.Itoa(c.Height))
		} else {
			b += w.element("DAU", fmt.Sprintf("%03d cm", c.Height))
		}
	}
	b += w.some("DAY", c.Eyes) + w.some("DAZ", c.Hair)
	b += w.some("DAG", c.Street) + w.some("DAH", c.Street2) + w.some("DAI", c.City) + w.some("DAJ", c.State)
	if postal := strings.ReplaceAll(c.PostalCode, "-", ""); len(postal) == 5 && w.country == "USA" && digits(postal) {
		b += w.element("DAK", postal+"0000  ") // eleven characters, annex D.12
	} else {
		b += w.some("DAK", postal)
	}
	if early {
		return b
	}
	b += w.some("DCF", c.Discriminator) + w.element("DCG", w.country) + w.some("DCK", c.Inventory)
	switch c.Compliance {
	case "":
	case "compliant":
		b += w.element("DDA", "F")
	case "non-compliant":
		b += w.element("DDA", "N")
	default:
		w.fail("the compliance")
	}
	return b + w.flag("DDD", c.Limited) + w.flag("DDK", c.Donor) + w.flag("DDL", c.Veteran)
}

func (w *writing) names() string {
	c := w.c
	if c.FamilyName == "" {
		w.fail("no family name")
	}
	for _, n := range []string{c.FamilyName, c.GivenName, c.MiddleName, c.Suffix} {
		if strings.ContainsAny(n, ",$@") {
			w.fail("a name with a mark that parts names")
		}
	}
	switch {
	case c.Version <= 1:
		return w.element("DAA", strings.TrimRight(strings.Join([]string{c.FamilyName, c.GivenName, c.MiddleName, c.Suffix}, ","), ","))
	case c.Version <= 3:
		given := c.GivenName
		if c.MiddleName != "" || strings.Contains(given, " ") {
			given += "," + c.MiddleName
		}
		return w.element("DCS", c.FamilyName) + w.element("DCT", given) + w.some("DCU", c.Suffix)
	}
	flag, ok := map[Truncated]string{TruncatedUnsaid: "N", TruncatedNo: "N", TruncatedYes: "T", TruncatedUnknown: "U"}[c.FamilyTruncated]
	if !ok {
		w.fail("a truncation flag")
	}
	return w.element("DCS", c.FamilyName) + w.element("DDE", flag) + w.element("DAC", or(c.GivenName, "NONE")) + w.element("DDF", "N") +
		w.element("DAD", or(c.MiddleName, "NONE")) + w.element("DDG", "N") + w.some("DCU", c.Suffix)
}
