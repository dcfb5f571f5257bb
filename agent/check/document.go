package check

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"vestibule/journey"
	"vestibule/models"
	"vestibule/models/face"
	"vestibule/models/mrz"
)

// Figures of STEP1 that are no policy.
const (
	// MinIDLiveness is the contract's line for each of the three pipelines.
	MinIDLiveness = 50
	// MinColour is the colour score under which a document counts as a copy in black and white.
	// Of 28 public pictures and their grey copies, each in the light of five lamps, all copies score 2 or less
	// and all pictures in colour but an almost grey one 11 or more; see models/evaluate's part "quality". The same as models/quality's Grey.
	MinColour = 5
)

// Step1 is everything the document's checks look at.
type Step1 struct {
	Document models.Document
	Barcode  *models.Barcode // nil: not looked for
	Site     string          // ISO 3166-1 alpha-3 of the kiosk's site
	Today    time.Time       // on the kiosk's clock
	Clock    journey.ClockConfidence
	Policy   journey.Policy
}

// Check gives the verdicts of STEP1, one an event. Checks that need a trusted
// reading are skipped when there is none.
func (s Step1) Check() []Verdict {
	quality := s.quality()
	mrzVerdict := s.zone()
	verdicts := []Verdict{quality, s.recognition(), s.recognitionScore(), mrzVerdict, s.barcode()}

	data, read := s.Reading()
	trusted := read && (mrzVerdict.Result == journey.Pass || s.Document.MRZ == nil)
	for _, c := range []struct {
		name journey.EventName
		run  func(journey.DocumentData) Verdict
	}{
		{journey.EventExpiredIDCheck, s.expiry},
		{journey.EventAgeVerification, s.age},
		{journey.KioskAcceptedDocumentCheck, s.accepted},
		{journey.EventBlacklistCountryEvaluation, s.blacklist},
		{journey.EventRegionalValidation, s.region},
	} {
		if !trusted {
			verdicts = append(verdicts, skipped(c.name, "no-trusted-reading"))
			continue
		}
		verdicts = append(verdicts, c.run(data))
	}
	return verdicts
}

// quality blames the picture, where the picture is why a document could not be
// read. A picture that was read well enough is never sent back for its looks,
// except for a portrait too small to compare and for a copy without colour.
func (s Step1) quality() Verdict {
	d := s.Document
	detail := map[string]string{
		"sharpness": score(d.Quality.Sharpness), "glare": score(d.Quality.Glare),
		"exposure": score(d.Quality.Exposure), "colour": score(d.Quality.Colour),
	}
	if p := d.Quality.Placement; p.Known {
		detail["inside"], detail["flat"], detail["uncovered"] = score(p.Inside), score(p.Flat), score(p.Uncovered)
	}
	if d.Hint != models.HintNone {
		detail["hint"] = string(d.Hint)
	}
	name := journey.KioskImageQualityCheck
	switch d.Hint {
	case models.HintBlur, models.HintHold, models.HintTooFar:
		return again(name, journey.Step1RetryImageTooBlurry, detail)
	case models.HintGlare:
		return again(name, journey.Step1RetryGlareDetected, detail)
	case models.HintAngle, models.HintCutOff, models.HintTooClose, models.HintFinger:
		return again(name, journey.Step1RetryPhysicalDocumentMissing, detail)
	case models.HintDark, models.HintBright:
		return again(name, journey.Step1ErrorInvalidIDImage, detail)
	}
	if d.PortraitFace != nil && d.PortraitFace.Found {
		detail["portraitEyes"] = score(d.PortraitFace.Eyes)
		if d.PortraitFace.Eyes < face.MinPortraitEyes {
			return again(name, journey.Step1RetryImageTooBlurry, detail)
		}
	}
	if d.MRZ != nil && d.Quality.Colour < MinColour {
		return again(name, journey.Step1RetryBlackWhiteDocument, detail)
	}
	return passed(name, detail)
}

// recognition says whether there was a document with a portrait and a name.
func (s Step1) recognition() Verdict {
	d := s.Document
	name := journey.EventIDRecognition
	if a, ok := s.licence(); ok {
		detail := map[string]string{"layout": LayoutAAMVA, "kind": a.Kind}
		if !hasPortrait(d) {
			detail["portrait"] = "none"
			return again(name, journey.Step1ErrorInvalidIDImage, detail)
		}
		return passed(name, detail)
	}
	switch {
	case d.MRZ == nil && (d.Hint == models.HintNoDocument || d.Hint == models.HintNone && d.Outline == nil && len(d.Lines) == 0):
		return again(name, journey.Step1ErrorNotAnID, nil)
	case d.MRZ == nil:
		return skipped(name, "nothing-read")
	}
	detail := map[string]string{"layout": string(d.MRZ.Layout)}
	if d.PixelsPerMM > 0 {
		detail["pixelsPerMM"] = score(d.PixelsPerMM)
	}
	switch {
	case d.MRZ.FamilyName.Value == "" && d.MRZ.GivenNames.Value == "":
		return again(name, journey.Step1RetryMissingName, detail)
	case d.MRZ.Number.Value == "":
		return again(name, journey.Step1RetryMissingDocumentNumber, detail)
	case len(d.Portrait) == 0 || d.PortraitFace == nil || !d.PortraitFace.Found:
		detail["portrait"] = "none"
		return again(name, journey.Step1ErrorInvalidIDImage, detail)
	}
	return passed(name, detail)
}

func (s Step1) recognitionScore() Verdict {
	name := journey.EventRecognitionScoreEvaluation
	if _, read := s.Reading(); !read {
		return skipped(name, "nothing-read")
	}
	detail := map[string]string{"score": score(s.Recognition()), "atLeast": score(s.Policy.MinRecognition)}
	if s.Recognition() < s.Policy.MinRecognition {
		return again(name, journey.Step1RetryImageTooBlurry, detail)
	}
	return passed(name, detail)
}

// zone accepts a machine readable zone only when every check digit of its layout
// fits, its fields are possible, and it was read the same way twice. Digits alone
// do not suffice: the name line has none, and 52 of 666 pairs of characters look
// the same to every check digit.
func (s Step1) zone() Verdict {
	name := journey.EventMRZValidation
	z := s.Document.MRZ
	if _, licence := s.licence(); licence {
		return skipped(name, "barcode-instead")
	}
	if z == nil && s.onlyLicences() {
		return skipped(name, "barcode-wanted")
	}
	if z == nil {
		return again(name, journey.Step1RetryMRZProtocolFail, nil)
	}
	detail := map[string]string{"layout": string(z.Layout)}
	var wrong, problems, swapped []string
	essential := ""
	for _, f := range []struct {
		name string
		mrz.Field
	}{
		{"code", z.Code},
		{"issuer", z.Issuer},
		{"familyName", z.FamilyName},
		{"givenNames", z.GivenNames},
		{"number", z.Number},
		{"nationality", z.Nationality},
		{"birth", z.Birth},
		{"sex", z.Sex},
		{"expiry", z.Expiry},
		{"optional", z.Optional},
		{"optional2", z.Optional2},
		{"composite", z.Composite},
	} {
		if f.Check == mrz.CheckWrong {
			wrong = append(wrong, f.name)
		}
		if f.Swapped {
			swapped = append(swapped, f.name)
		}
		if f.Problem != "" {
			problems = append(problems, f.name+":"+f.Problem)
			if essential == "" {
				essential = f.Problem
			}
		}
	}
	if len(swapped) > 0 {
		detail["swapped"] = strings.Join(swapped, " ")
	}
	if len(problems) > 0 {
		detail["problems"] = strings.Join(problems, " ")
	}
	switch {
	case len(wrong) > 0:
		detail["wrong"] = strings.Join(wrong, " ")
		return again(name, journey.Step1RetryCheckDigitFailed, detail)
	case essential == mrz.ProblemNameEmpty:
		return again(name, journey.Step1RetryMissingName, detail)
	case essential == mrz.ProblemNumberEmpty:
		return again(name, journey.Step1RetryMissingDocumentNumber, detail)
	case essential == mrz.ProblemDateImpossible:
		return again(name, journey.Step1RetryCheckDigitFailed, detail)
	case len(problems) > 0 || !z.Valid() || !s.Document.Agreed:
		detail["agreed"] = strconv.FormatBool(s.Document.Agreed)
		return again(name, journey.Step1RetryMRZProtocolFail, detail)
	}
	return passed(name, detail)
}

// IDLiveness judges whether the document itself was before the camera; g is nil where that was not measured.
func IDLiveness(g *models.Genuineness, p journey.Policy) Verdict {
	name := journey.EventIDLivenessVerification
	switch {
	case !p.Document.Genuineness:
		return skipped(name, "not-in-policy")
	case g == nil:
		return skipped(name, "not-measured")
	}
	var failed []string
	for _, p := range []struct {
		name  string
		score float64
	}{
		{"screen replay", g.ScreenReplay},
		{"paper print", g.PaperPrinted},
		{"replaced portrait", g.ReplacePortrait},
	} {
		if p.score < MinIDLiveness {
			failed = append(failed, p.name)
		}
	}
	detail := map[string]string{
		"screenReplay": score(g.ScreenReplay), "paperPrinted": score(g.PaperPrinted),
		"replacePortrait": score(g.ReplacePortrait),
	}
	if p.Document.Tilt {
		detail["tilt"] = "not-shown"
		for _, c := range g.Cues {
			if c.Name == models.CueTilt {
				detail["tilt"] = score(c.Measured)
			}
		}
	}
	if cues := weak(g.Cues); len(cues) > 0 {
		detail["cues"] = strings.Join(cues, " ")
	}
	if len(failed) > 0 {
		detail["pipelines"] = strings.Join(failed, ", ")
		return again(name, journey.Step1RetryIDLivenessFail, detail)
	}
	return passed(name, detail)
}

// weak names the cues that speak against a genuine document.
func weak(cues []models.Cue) []string {
	var out []string
	for _, c := range cues {
		if c.Score < MinIDLiveness && !slices.Contains(out, c.Name) {
			out = append(out, c.Name)
		}
	}
	return out
}

// Weaker joins what two sides of a document showed: each pipeline is as good as its weaker
// side. Either may be nil: not measured.
func Weaker(a, b *models.Genuineness) *models.Genuineness {
	if a == nil || b == nil {
		if a == nil {
			return b
		}
		return a
	}
	return &models.Genuineness{
		ScreenReplay:    min(a.ScreenReplay, b.ScreenReplay),
		PaperPrinted:    min(a.PaperPrinted, b.PaperPrinted),
		ReplacePortrait: min(a.ReplacePortrait, b.ReplacePortrait),
		Cues:            slices.Concat(a.Cues, b.Cues),
	}
}

func (s Step1) expiry(d journey.DocumentData) Verdict {
	return Expiry(d, d.ExpiryDate, journey.Step1RetryExpiredID, s.Today, s.Clock)
}

// Expiry says whether a document is still valid on a day. The last day of
// validity counts as valid. code is what an expired one is told: expired_id for
// the document's own date, document_expired for a date that was corrected by hand.
func Expiry(d journey.DocumentData, date string, code journey.CodeKey, today time.Time, clock journey.ClockConfidence) Verdict {
	name := journey.EventExpiredIDCheck
	if date == "" {
		if d.Layout == string(mrz.FRID) {
			return skipped(name, "layout-without-expiry")
		}
		return again(name, journey.Step1RetryMissingExpiryDate, nil)
	}
	if clock == journey.ClockUntrusted {
		return skipped(name, "clock-untrusted")
	}
	last, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return again(name, journey.Step1RetryMissingExpiryDate, nil)
	}
	detail := map[string]string{"clock": string(clock)}
	if day(today).After(last) {
		return again(name, code, detail)
	}
	return passed(name, detail)
}

func (s Step1) age(d journey.DocumentData) Verdict {
	return ageVerdict(d.Person.Birth, s.Today, s.Clock, s.Policy)
}

// ageVerdict is common to both steps. The age itself stays out of the detail: it is personal.
func ageVerdict(birth string, today time.Time, clock journey.ClockConfidence, p journey.Policy) Verdict {
	name := journey.EventAgeVerification
	if clock == journey.ClockUntrusted {
		return skipped(name, "clock-untrusted")
	}
	years, ok := Age(birth, today)
	if !ok {
		v := again(name, journey.Step1RetryMissingBirthDate, nil)
		v.Reason = journey.ReasonAgeVerification
		return v
	}
	detail := map[string]string{"clock": string(clock), "minAge": strconv.Itoa(p.MinAge)}
	if years < p.MinAge {
		detail["age"] = strconv.Itoa(p.MinAge) // fills the code's text: the policy's figure, not the person's
		return blocked(name, journey.ReasonAgeLimit, journey.FinalRejectUnderAgeLimit, detail)
	}
	return passed(name, detail)
}

// Age gives completed years on a day. Unknown parts of the date of birth count as
// the latest possible, so that nobody is taken for older than they are sure to be.
// A year is completed on the birthday; somebody born on 29 February completes it
// on 1 March of a common year.
func Age(birth string, today time.Time) (int, bool) {
	parts := strings.Split(birth, "-")
	if len(parts) != 3 {
		return 0, false
	}
	var n [3]int
	for i, p := range parts {
		v, err := strconv.Atoi(p)
		if err != nil || v < 0 {
			return 0, false
		}
		n[i] = v
	}
	year, month, dayOf := n[0], n[1], n[2]
	if year < 1 || month > 12 || dayOf > 31 {
		return 0, false
	}
	if month == 0 {
		month, dayOf = 12, 31
	}
	if dayOf == 0 {
		dayOf = time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
	}
	t := day(today)
	age := t.Year() - year
	if t.Before(time.Date(t.Year(), time.Month(month), dayOf, 0, 0, 0, 0, time.UTC)) {
		age--
	}
	if age < 0 {
		return 0, false
	}
	return age, true
}

func day(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

func (s Step1) accepted(d journey.DocumentData) Verdict {
	name := journey.KioskAcceptedDocumentCheck
	detail := map[string]string{"type": string(d.Type), "issuer": d.IssuingCountry}
	typeFits := d.Type != "" && (len(s.Policy.AcceptedTypes) == 0 || slices.Contains(s.Policy.AcceptedTypes, d.Type))
	issuerFits := len(s.Policy.AcceptedIssuers) == 0 || slices.Contains(s.Policy.AcceptedIssuers, d.IssuingCountry)
	if !typeFits || !issuerFits {
		v := again(name, journey.Step1ErrorInvalidIDType, detail)
		v.Reason = journey.ReasonInvalidAcceptedID
		return v
	}
	return passed(name, detail)
}

func (s Step1) blacklist(d journey.DocumentData) Verdict {
	name := journey.EventBlacklistCountryEvaluation
	detail := map[string]string{"issuer": d.IssuingCountry}
	if slices.Contains(s.Policy.BlockedIssuers, d.IssuingCountry) {
		detail["country"] = d.IssuingCountry
		return blocked(name, journey.ReasonBlacklistCountry, journey.FinalRejectBlacklistCountry, detail)
	}
	return passed(name, detail)
}

func (s Step1) region(d journey.DocumentData) Verdict {
	name := journey.EventRegionalValidation
	if !s.Policy.RegionalMatch {
		return skipped(name, "not-in-policy")
	}
	detail := map[string]string{"site": s.Site, "issuer": d.IssuingCountry}
	if d.IssuingCountry != s.Site {
		return blocked(name, journey.ReasonRegionalValidation, journey.CodeKey{}, detail)
	}
	return passed(name, detail)
}

// Read turns a parsed zone into the words of a submission. States are given by
// their ISO 3166-1 alpha-3 code where there is one, else as the zone has them.
func Read(z mrz.Document) journey.DocumentData {
	d := journey.DocumentData{
		Type:           typeOf(z),
		Layout:         string(z.Layout),
		IssuingCountry: state(z.Issuer.Value),
		Number:         z.Number.Value,
		ExpiryDate:     z.Expiry.Value,
		MRZ:            slices.Clone(z.Lines),
		Person: journey.PersonData{
			FamilyName:  z.FamilyName.Value,
			GivenNames:  z.GivenNames.Value,
			Birth:       z.Birth.Value,
			Gender:      z.Sex.Value,
			Nationality: state(z.Nationality.Value),
		},
	}
	if z.Layout == mrz.TD3 {
		d.PersonalNumber = z.Optional.Value // ICAO 9303-4: personal number or other optional data
	}
	return d
}

// typeOf maps the document code to the contract's three kinds. A visa is none of them.
func typeOf(z mrz.Document) journey.DocumentType {
	if z.Layout == mrz.MRVA || z.Layout == mrz.MRVB {
		return ""
	}
	switch code := z.Code.Value; {
	case strings.HasPrefix(code, "P"):
		return journey.Passport
	case strings.HasPrefix(code, "V"):
		return ""
	case strings.HasPrefix(code, "D"):
		return journey.DriversLicense // ISO/IEC 18013-1 licences that carry a zone
	}
	return journey.GovernmentID
}

func state(code string) string {
	if iso, ok := mrz.Alpha3(code); ok {
		return iso
	}
	return code
}

// Unreadable is the verdict on frames that are no pictures.
func Unreadable() Verdict {
	return Verdict{
		Event: journey.EventIDRecognition, Result: journey.Errored,
		Impact: journey.ImpactRetake, Code: journey.Step1ErrorIDImageError,
	}
}
