// Package visual says which line of print is which field of an identity document: the
// visual inspection zone of ICAO 9303-3, beside the machine readable one.
//
// What may live here: captions in the languages of documents, formats of dates, and
// where on a page a value stands to its caption. What may not: pixels, policy, and
// repair. A value is what the print shows; what the machine readable zone says only
// helps to find the place.
package visual

import (
	"time"

	"vestibule/models"
	"vestibule/models/mrz"
)

// Items are named as in the contract's OCR_raw.
const (
	LastName       = "lastName"
	FirstName      = "firstName"
	FullName       = "fullName" // where the print does not tell which part is which
	Number         = "number"
	PersonalNumber = "personalNumber"
	BirthDate      = "birthDate"
	IssueDate      = "issueDate"
	ExpireDate     = "expireDate"
	Nationality    = "nationality"
	Gender         = "gender"
	Address        = "address"
)

// other marks captions of what is nobody's item here: their values must not be taken for another's.
const other = ""

// How says what made a line the value of an item.
type How string

// The ways, the surest first.
const (
	ByCaption How = "caption" // its caption says so
	ByZone    How = "zone"    // it reads as the machine readable zone says, or nearly so
	ByOrder   How = "order"   // dates of birth, issue and expiry follow each other
)

// Field is one item as printed.
type Field struct {
	Item  string
	Value string      // dates YYYY-MM-DD; numbers without spaces; gender male, female or x; a state's code where one is printed; else as printed
	Raw   string      // the print as read
	Score float64     // 0..100, of the reading
	At    models.Quad // in the upright picture
	How   How
	// Caption is the score, 0..100, of the caption's reading: its line's, by the share of its
	// letters that fit. 0 without a caption, or with a mere number in place of one.
	Caption float64
	// Doubt is true for a date that could also be read with day and month exchanged.
	Doubt bool
}

// An Option changes how print is taken.
type Option func(*options)

type options struct{ today time.Time }

// On sets the day that centuries are worked out from. Without it, it is the current day.
func On(day time.Time) Option {
	return func(o *options) { o.today = day }
}

// Bounds of what is looked at; a document has about forty lines.
const (
	maxLines = 200
	maxRunes = 160
)

// Assign finds the fields among the lines of print of one side, each item at most once.
// With the zone known, print that reads as the zone says is found without a caption, too,
// and goes before what a caption says, for captions are misread more often than values; the
// field still holds only what is printed.
func Assign(t models.Text, known *mrz.Document, opts ...Option) []Field {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	if o.today.IsZero() {
		o.today = time.Now()
	}
	p := newPage(t, o.today, known)
	found := p.byCaption()
	for item, f := range p.licence() {
		found[item] = f
	}
	if known != nil {
		p.byZone(found, *known)
	}
	p.byOrder(found)
	p.splitName(found)
	p.nextName(found)
	var out []Field
	for _, item := range items {
		if f, ok := found[item]; ok {
			out = append(out, f)
		}
	}
	return out
}

// items lists all of them, in the order they are returned.
var items = [...]string{
	LastName, FirstName, FullName, Number, PersonalNumber, BirthDate, IssueDate, ExpireDate,
	Nationality, Gender, Address,
}
