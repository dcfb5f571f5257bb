// Package duplicate tells who was here before: keys under which equal people and
// documents meet, applicants as groups of submissions, and an index of faces.
//
// What may live here: normalisation, keys, union-find, exact face search. What
// may not: what follows from a duplicate (package decide), and storage.
package duplicate

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"vestibule/journey"
)

// KeyVersion leads every personal data key. A change of the rules below gets a
// new one, so that keys of different rules never meet by chance.
const KeyVersion = "v1"

// folded are letters that decomposition leaves alone, with their usual
// transliteration (ICAO 9303-3 section 6), before digraphs are collapsed.
var folded = strings.NewReplacer(
	"ß", "SS", "ẞ", "SS", "Æ", "AE", "æ", "AE", "Œ", "OE", "œ", "OE", "Ø", "OE", "ø", "OE", "Å", "AA", "å", "AA",
	"Ł", "L", "ł", "L", "Đ", "D", "đ", "D", "Ð", "D", "ð", "D", "Þ", "TH", "þ", "TH", "ı", "I", "İ", "I", "Ŋ", "N", "ŋ", "N",
	"Ħ", "H", "ħ", "H", "Ŧ", "T", "ŧ", "T", "ĸ", "K",
)

// digraphs make the two ways of writing an umlaut agree: MUELLER and MULLER.
var digraphs = strings.NewReplacer("AE", "A", "OE", "O", "UE", "U", "AA", "A")

// titles are not part of a name.
func isTitle(token string) bool {
	switch token {
	case "DR", "PROF", "MR", "MRS", "MS", "MISS", "SIR", "DAME", "ING", "DIPL", "MAG":
		return true
	}
	return false
}

// NameKey brings a name into the form under which equal names meet: compatibility
// decomposed, marks and apostrophes dropped, everything else that is no letter or
// digit a separator, upper case, AE OE UE AA collapsed to A O U A, titles dropped,
// tokens sorted. A name without any letter gives nothing.
func NameKey(parts ...string) string {
	name := norm.NFKC.String(strings.Join(parts, " "))
	name = folded.Replace(name)
	var b strings.Builder
	for _, r := range norm.NFKD.String(name) {
		switch {
		case unicode.Is(unicode.Mn, r):
		case r == '\'' || r == '’' || r == 'ʼ' || r == '`' || r == '´':
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			b.WriteRune(unicode.ToUpper(r))
		default:
			b.WriteByte(' ')
		}
	}
	tokens := strings.Fields(digraphs.Replace(folded.Replace(b.String())))
	tokens = slices.DeleteFunc(tokens, isTitle)
	slices.Sort(tokens)
	return strings.Join(tokens, " ")
}

// DocumentNumber brings a document number into one form: letters and digits only, upper case.
func DocumentNumber(number string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' {
			return r
		}
		return -1
	}, strings.ToUpper(norm.NFKC.String(number)))
}

// Person gives the data that duplicates are looked for with: what the person
// corrected goes over what the document's zone says.
func Person(s journey.Submission) journey.PersonData {
	p := s.Document.Person
	p.Number, p.Expiry = s.Document.Number, s.Document.ExpiryDate
	if s.Review == nil {
		return p
	}
	pick := func(reviewed, read string) string {
		if reviewed != "" {
			return reviewed
		}
		return read
	}
	return journey.PersonData{
		FamilyName:  pick(s.Review.FamilyName, p.FamilyName),
		GivenNames:  pick(s.Review.GivenNames, p.GivenNames),
		Birth:       pick(s.Review.Birth, p.Birth),
		Gender:      pick(s.Review.Gender, p.Gender),
		Nationality: pick(s.Review.Nationality, p.Nationality),
		Number:      pick(s.Review.Number, p.Number),
		Expiry:      pick(s.Review.Expiry, p.Expiry),
		Corrected:   s.Review.Corrected,
	}
}

// wholeDate reports whether a YYYY-MM-DD date has no unknown part.
func wholeDate(s string) bool {
	return len(s) == 10 && s[4] == '-' && s[7] == '-' && s[:4] != "0000" && s[5:7] != "00" && s[8:] != "00"
}

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
	if wholeDate(p.Birth) {
		v.Birth = p.Birth
	}
	if name != "" && v.Birth != "" && p.Gender != "" && p.Nationality != "" {
		v.PII = strings.Join([]string{name, v.Birth, strings.ToLower(p.Gender), strings.ToUpper(p.Nationality)}, "|")
	}
	issuer := strings.ToUpper(s.Document.IssuingCountry)
	if n := DocumentNumber(p.Number); n != "" && issuer != "" {
		v.Document = strings.Join([]string{issuer, string(s.Document.Type), n}, "|")
	}
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
