// Package duplicate tells who was here before: keys under which equal people and
// documents meet, applicants as groups of submissions, and an index of faces.
//
// What may live here: keys, union-find, exact face search. What
// may not: what follows from a duplicate (package decide), and storage.
package duplicate

import (
	"strings"

	"vestibule/journey"
	"vestibule/sync/same"
)

// KeyVersion leads every personal data key. A change of the rules in package same gets a
// new one, so that keys of different rules never meet by chance.
const KeyVersion = "v1"

// NameKey brings a name into the form under which equal names meet; see same.NameKey.
func NameKey(parts ...string) string { return same.NameKey(parts...) }

// DocumentNumber brings a document number into one form; see same.DocumentNumber.
func DocumentNumber(number string) string { return same.DocumentNumber(number) }

// Person gives the data that duplicates are looked for with; see same.Person.
func Person(s journey.Submission) journey.PersonData { return same.Person(s) }

// Values are the plain values to be hashed. Empty ones are unknown: a check on
// them is "not evaluated", never "passed".
type Values struct {
	PII      string // all four of name, date of birth, gender, nationality, or nothing
	Document string // issuing state, type and number
	Holder   string // issuing state, type, name and date of birth
	Name     string
	Birth    string
	Email    string
	Phone    string
	User     string
	Near     []string // what those meet under who may be near, see Traits
	Rank     string   // the document's issue date, else its expiry: tells the newer of two
}

// ValuesOf derives the values of a submission.
func ValuesOf(s journey.Submission) Values {
	p := Person(s)
	name := NameKey(p.FamilyName, p.GivenNames)
	v := Values{
		Name:  name,
		Email: strings.ToLower(strings.TrimSpace(s.Email)),
		Phone: phone(s.Phone),
		User:  s.UserID,
		Rank:  s.Document.IssueDate,
		Near:  TraitsOf(s).NearKeys(),
	}
	if v.Rank == "" {
		v.Rank = p.Expiry
	}
	if same.WholeDate(p.Birth) {
		v.Birth = p.Birth
	}
	v.PII, v.Document = same.Data(p), same.Document(s.Document, p.Number)
	issuer := strings.ToUpper(s.Document.IssuingCountry)
	if name != "" && v.Birth != "" && issuer != "" {
		v.Holder = strings.Join([]string{issuer, string(s.Document.Type), name, v.Birth}, "|")
	}
	return v
}

func phone(s string) string {
	digits := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, s)
	return strings.TrimLeft(digits, "0")
}
