package check

import (
	"strconv"
	"strings"

	"vestibule/journey"
	"vestibule/models"
	"vestibule/models/aamva"
	"vestibule/models/visual"
)

// LayoutAAMVA is the layout of a document whose data stand in its barcode.
const LayoutAAMVA = "AAMVA"

// Recognition of a barcode's data, 0..100. A symbol is protected by its error correction and
// counts only when two tries read the same, so it is read for certain or not at all; what
// the issuer wrote against the standard takes a little off.
const (
	soundBarcode = 100.0
	oddBarcode   = 85.0
)

// Licence is what a card's barcode says, if it is one that AAMVA designed and tells who the holder is.
func Licence(b *models.Barcode) (aamva.Document, bool) {
	if b == nil || !b.Found {
		return aamva.Document{}, false
	}
	d, err := aamva.Parse(b.Data)
	if err != nil || d.Number.Value == "" || d.Birth.Value == "" || d.FamilyName.Value == "" && d.FullName.Value == "" {
		return aamva.Document{}, false
	}
	return d, true
}

// ReadLicence turns a barcode's data into the words of a submission.
func ReadLicence(a aamva.Document) journey.DocumentData {
	d := journey.DocumentData{
		Type: journey.DriversLicense, Layout: LayoutAAMVA, IssuingCountry: a.Country.Value,
		Number: a.Number.Value, IssueDate: a.Issue.Value, ExpiryDate: a.Expiry.Value,
		Person: journey.PersonData{
			FamilyName: a.FamilyName.Value,
			GivenNames: strings.TrimSpace(a.GivenName.Value + " " + a.MiddleName.Value),
			Birth:      a.Birth.Value, Gender: a.Sex.Value,
		},
	}
	if d.Person.FamilyName == "" {
		d.Person.FamilyName = a.FullName.Value // versions 0 and 1 may not tell which part is which
	}
	if a.Kind == "ID" {
		d.Type = journey.GovernmentID
	}
	if d.IssuingCountry == "" {
		d.IssuingCountry = a.Jurisdiction.Country
	}
	return d
}

// BarcodeItems gives a barcode's data by the items of package visual, to be held against print.
func BarcodeItems(a aamva.Document) map[string]string {
	d := ReadLicence(a)
	return map[string]string{
		visual.LastName: d.Person.FamilyName, visual.FirstName: d.Person.GivenNames, visual.Number: d.Number,
		visual.BirthDate: d.Person.Birth, visual.IssueDate: d.IssueDate, visual.ExpireDate: d.ExpiryDate,
	}
}

// RecognitionOf is the recognition score of a barcode's data, 0..100.
func RecognitionOf(a aamva.Document) float64 {
	if a.Valid() {
		return soundBarcode
	}
	return oddBarcode
}

// licence is the barcode's data where there is no zone to go by.
func (s Step1) licence() (aamva.Document, bool) {
	if s.Document.MRZ != nil {
		return aamva.Document{}, false
	}
	return Licence(s.Barcode)
}

// barcode says whether the symbol on a card could be read. Other symbols beside a zone are
// nobody's business; where policy takes licences alone, there must be one.
func (s Step1) barcode() Verdict {
	name := journey.EventBarcodeValidation
	if !s.Policy.Document.Barcode {
		return skipped(name, "not-in-policy")
	}
	a, ok := Licence(s.Barcode)
	switch {
	case ok:
		return passed(name, map[string]string{"version": strconv.Itoa(a.Version), "issuer": a.Jurisdiction.Code})
	case s.Document.MRZ != nil:
		return skipped(name, "zone-instead")
	case s.onlyLicences():
		return again(name, journey.Step1RetryBarcodeProtocolFail, nil)
	case s.Barcode != nil && s.Barcode.Found:
		return skipped(name, "other-symbol") // national cards carry symbols of their own beside their zone
	}
	return skipped(name, "no-barcode")
}

// onlyLicences says whether policy accepts nothing but driver's licences.
func (s Step1) onlyLicences() bool {
	return len(s.Policy.AcceptedTypes) == 1 && s.Policy.AcceptedTypes[0] == journey.DriversLicense
}

// Reading gives what the document says, in the words of a submission, trusted or not.
func (s Step1) Reading() (journey.DocumentData, bool) {
	if s.Document.MRZ != nil {
		return Read(*s.Document.MRZ), true
	}
	if a, ok := s.licence(); ok {
		return ReadLicence(a), true
	}
	return journey.DocumentData{}, false
}

// Recognition is the recognition score of what was read, 0..100.
func (s Step1) Recognition() float64 {
	if a, ok := s.licence(); ok {
		return RecognitionOf(a)
	}
	return s.Document.Recognition
}
