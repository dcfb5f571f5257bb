// Package same writes people and documents so that equal ones meet, on both sides of the line: a kiosk and the centre
// must come to the same text before either hashes it.
//
// What may live here: normalisation, and which data make up a key. What may not: hashes, what is near but not equal, and
// what follows when two are equal.
package same

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"vestibule/journey"
)

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

// WholeDate reports whether a YYYY-MM-DD date has no unknown part.
func WholeDate(s string) bool {
	return len(s) == 10 && s[4] == '-' && s[7] == '-' && s[:4] != "0000" && s[5:7] != "00" && s[8:] != "00"
}

// Data gives the key under which equal people meet: name, date of birth, gender and nationality; empty unless all four are known.
func Data(p journey.PersonData) string {
	name := NameKey(p.FamilyName, p.GivenNames)
	if name == "" || !WholeDate(p.Birth) || p.Gender == "" || p.Nationality == "" {
		return ""
	}
	return strings.Join([]string{name, p.Birth, strings.ToLower(p.Gender), strings.ToUpper(p.Nationality)}, "|")
}

// Document gives the key under which one document meets itself: issuing state, type and number; empty without state or number.
func Document(d journey.DocumentData, number string) string {
	issuer, n := strings.ToUpper(d.IssuingCountry), DocumentNumber(number)
	if n == "" || issuer == "" {
		return ""
	}
	return strings.Join([]string{issuer, string(d.Type), n}, "|")
}
