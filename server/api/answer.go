package api

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"vestibule/journey"
	"vestibule/server/store"
)

// answer is one submission in the contract's shape (variant: ID document). A
// field is present when its data exists.
type answer struct {
	Submission      string               `json:"submission_id" required:"true"`
	Data            *answerData          `json:"data,omitempty"`
	Image           *answerImage         `json:"image,omitempty"`
	DuplicatedUsers []string             `json:"duplicated_users,omitempty"`
	DuplicatedFaces []string             `json:"duplicated_selfie_users,omitempty"`
	OCRRaw          map[string]answerOCR `json:"OCR_raw,omitempty"`
	OCR             *answerRead          `json:"ocr,omitempty"`
	Review          *answerReview        `json:"review,omitempty"`
	Email           string               `json:"email,omitempty"`
	Reviewer        string               `json:"reviewer,omitempty" enum:"system,agent"`
	Recognition     *float64             `json:"recognition_score,omitempty"`
	DuplicateKey    string               `json:"duplicated_information,omitempty"`
	Applicant       string               `json:"applicant_id,omitempty"`
	Created         string               `json:"created_at,omitempty"`
	Decided         string               `json:"kyc_result_at,omitempty"`
	Updated         string               `json:"updated_at,omitempty"`
	Pending         string               `json:"pending_at,omitempty"`
	UserID          string               `json:"userid,omitempty"`
	TokenID         string               `json:"tokenId,omitempty"`
	KYC             *answerKYC           `json:"kyc,omitempty"`
	Verification    *answerVerification  `json:"verification,omitempty"`
	Signals         *answerSignals       `json:"signals,omitempty"`
	AML             *answerAML           `json:"aml,omitempty"`
	IDLiveness      *answerIDLiveness    `json:"id_LivenessScore,omitempty"`
	// Erased is our own: when the person's data were erased. The contract knows no such submission; none of its fields
	// that came from a person is there then.
	Erased string `json:"erased_at,omitempty"`
}

type answerData struct {
	Name           string `json:"name,omitempty"`        // knowledge based only
	Phone          string `json:"phoneNumber,omitempty"` // knowledge based only
	AgeGroup       string `json:"age_group,omitempty"`
	FirstName      string `json:"first_name,omitempty"`
	LastName       string `json:"last_name,omitempty"`
	FullName       string `json:"full_name,omitempty"`
	Gender         string `json:"gender,omitempty"`
	Nationality    string `json:"nationality,omitempty"`
	Birth          string `json:"date_of_birth,omitempty"`
	IDType         string `json:"idType,omitempty"`
	IssuingCountry string `json:"idcard_issuingCountry,omitempty"`
	IssueDate      string `json:"idcard_issueDate,omitempty"`
	ExpireDate     string `json:"idcard_expireDate,omitempty"`
	IdentityNumber string `json:"identityNumber,omitempty"`
	DocumentNumber string `json:"documentNumber,omitempty"`
}

type answerImage struct {
	Front   string `json:"idImage,omitempty"`
	Back    string `json:"idBackImage,omitempty"`
	Selfie  string `json:"selfieImage,omitempty"`
	Address string `json:"addressImage,omitempty"`
}

type answerOCR struct {
	Value       string         `json:"value" required:"true"`
	Score       *int           `json:"score,omitempty"`    // 0..100; rotate has none
	Accepted    *bool          `json:"accepted,omitempty"` // rotate has none
	Coordinates *answerCorners `json:"coordinates,omitempty"`
}

// answerCorners are the corners of a field in the stored picture, 0..1, clockwise
// from the top left of the text. The contract says only that they are an object.
type answerCorners struct {
	X1 float64 `json:"x1"`
	Y1 float64 `json:"y1"`
	X2 float64 `json:"x2"`
	Y2 float64 `json:"y2"`
	X3 float64 `json:"x3"`
	Y3 float64 `json:"y3"`
	X4 float64 `json:"x4"`
	Y4 float64 `json:"y4"`
}

func corners(box []float64) *answerCorners {
	if len(box) != 8 {
		return nil
	}
	return &answerCorners{box[0], box[1], box[2], box[3], box[4], box[5], box[6], box[7]}
}

type answerRead struct {
	Birth       string `json:"birthDate,omitempty"`
	Issue       string `json:"issueDate,omitempty"`
	Expire      string `json:"expireDate,omitempty"`
	FirstName   string `json:"firstName,omitempty"`
	LastName    string `json:"lastName,omitempty"`
	FullName    string `json:"fullName,omitempty"`
	Gender      string `json:"gender,omitempty"`
	Number      string `json:"number,omitempty"`
	Licence     string `json:"licenseNumber,omitempty"`  // of a driver's licence
	Identity    string `json:"identityNumber,omitempty"` // of a Korean document
	CURP        string `json:"curpNumber,omitempty"`     // of a Mexican document
	Nationality string `json:"nationality,omitempty"`
}

type answerReview struct {
	Birth          string `json:"birthDate,omitempty"`
	Expire         string `json:"expireDate,omitempty"`
	FullName       string `json:"fullName,omitempty"`
	Gender         string `json:"gender,omitempty"`
	Nationality    string `json:"nationality,omitempty"`
	DocumentNumber string `json:"documentNumber,omitempty"`
	Licence        string `json:"licenseNumber,omitempty"`
}

type answerKYC struct {
	Result      string          `json:"result" enum:"approved,rejected,pending,incomplete" required:"true"`
	Comment     string          `json:"comment,omitempty"`
	CommentCode string          `json:"commentCode,omitempty"`
	Attempts    []answerAttempt `json:"attempts,omitempty"`
	Retry       []answerRetry   `json:"retry,omitempty"`
}

type answerAttempt struct {
	Count        int             `json:"attemptCnt"`
	ErrorCode    string          `json:"errorCode,omitempty"`
	ErrorMessage string          `json:"errorMsg,omitempty"`
	Step1First   string          `json:"step1Time1st,omitempty"`
	Step1Second  string          `json:"step1Time2nd,omitempty"`
	Step1Third   string          `json:"step1Time3rd,omitempty"`
	Step2First   string          `json:"step2Time1st,omitempty"`
	Step2Second  string          `json:"step2Time2nd,omitempty"`
	Step2Third   string          `json:"step2Time3rd,omitempty"`
	RetryMessage string          `json:"retryMsg,omitempty"`
	RetryCode    string          `json:"retryCode,omitempty"`
	Barcode      string          `json:"idBarcodeResult,omitempty"`
	Similarity   *float64        `json:"faceSimilarityScore,omitempty"`
	Selfie       string          `json:"selfieImage,omitempty"`
	Liveness     *float64        `json:"livenessScore,omitempty"`
	Detail       *answerLiveness `json:"liveness,omitempty"`
}

type answerLiveness struct {
	Score       float64 `json:"score"`
	Probability float64 `json:"probability"`
	Quality     float64 `json:"quality"`
}

type answerRetry struct {
	Type    string `json:"type"`
	Count   int    `json:"retryCnt"`
	Code    string `json:"retryCode"`
	Message string `json:"retryMessage"`
}

type answerSignals struct {
	Ages   []answerAge    `json:"faceAge,omitempty"`
	Start  string         `json:"startButtonClickTime,omitempty"`
	Camera []answerCamera `json:"cameraProcessInfo,omitempty"`
}

type answerCamera struct {
	Type    string  `json:"type"`
	Started string  `json:"processStartTime"`
	Ended   string  `json:"processEndTime"`
	Error   *string `json:"error" nullable:"true" required:"true"` // null when there was none
}

type answerIDLiveness struct {
	Screen   float64 `json:"Screen_play"`
	Paper    float64 `json:"Paper_printed"`
	Portrait float64 `json:"Replace_portraits"`
}

type answerAML struct {
	Raw     json.RawMessage `json:"raw_data,omitempty"`
	Summary string          `json:"risk_level_summary"`
	Status  string          `json:"currentstatus"`
	Matches []answerMatch   `json:"matches,omitempty"`
}

type answerMatch struct {
	Risk     string  `json:"risk_level"`
	Resource string  `json:"resource_id"`
	Score    float64 `json:"score"`
}

// KYC results. Incomplete is a submission that is not decided.
const (
	resultApproved   = "approved"
	resultRejected   = "rejected"
	resultPending    = "pending"
	resultIncomplete = "incomplete"
)

// Who decided: the centre's rules, or a person.
const (
	reviewerSystem = "system"
	reviewerAgent  = "agent"
)

// timestamp is UTC with milliseconds; nothing for the zero time.
func timestamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// personal fills the parts that come from the dossier.
func (a *answer) personal(d journey.Submission) {
	doc, person := d.Document, d.Document.Person
	if d.Review != nil {
		person = *d.Review
		a.Review = &answerReview{
			Birth: person.Birth, Expire: person.Expiry, FullName: person.FullName(),
			Gender: person.Gender, Nationality: person.Nationality, DocumentNumber: person.Number,
		}
	}
	a.Email, a.UserID, a.TokenID = d.Email, d.UserID, d.TokenID
	if variantOf(d) == journey.AnswerKnowledge {
		a.Review = nil
		a.Data = &answerData{Name: person.FullName(), Phone: d.Phone, Gender: person.Gender, Nationality: person.Nationality, Birth: person.Birth}
		return
	}
	if doc.Type == journey.DriversLicense && a.Review != nil {
		a.Review.Licence = person.Number
	}
	a.Data = &answerData{
		AgeGroup:  ageGroup(person.Birth, d.Created),
		FirstName: person.GivenNames, LastName: person.FamilyName, FullName: person.FullName(),
		Gender: person.Gender, Nationality: person.Nationality, Birth: person.Birth,
		IDType: string(doc.Type), IssuingCountry: doc.IssuingCountry, IssueDate: doc.IssueDate, ExpireDate: doc.ExpiryDate,
		IdentityNumber: doc.PersonalNumber, DocumentNumber: first(person.Number, doc.Number),
	}
	read := doc.Person
	a.OCR = &answerRead{
		Birth: read.Birth, Issue: doc.IssueDate, Expire: doc.ExpiryDate, FirstName: read.GivenNames, LastName: read.FamilyName,
		FullName: read.FullName(), Gender: read.Gender, Number: doc.Number, Nationality: read.Nationality,
	}
	if doc.Type == journey.DriversLicense {
		a.OCR.Licence = doc.Number
	}
	switch doc.IssuingCountry {
	case "KOR":
		a.OCR.Identity = doc.PersonalNumber
	case "MEX":
		a.OCR.CURP = doc.PersonalNumber
	}
	if len(d.OCR) > 0 {
		a.OCRRaw = make(map[string]answerOCR, len(d.OCR))
		for _, f := range d.OCR {
			if f.Item == journey.OCRRotate {
				a.OCRRaw[f.Item] = answerOCR{Value: f.Value}
				continue
			}
			a.OCRRaw[f.Item] = answerOCR{f.Value, &f.Score, &f.Accepted, corners(f.Box)}
		}
	}
}

// rest fills what is neither personal, nor the result, nor screening.
func (a *answer) rest(d journey.Submission) {
	if variantOf(d) == journey.AnswerDocument {
		a.document(d)
	}
	signals := answerSignals{Start: timestamp(d.StartPressed)}
	for _, c := range d.Camera {
		one := answerCamera{Type: string(c.Type), Started: timestamp(c.Started), Ended: timestamp(c.Ended)}
		if c.Error != "" {
			one.Error = &c.Error
		}
		signals.Camera = append(signals.Camera, one)
	}
	signals.Ages = agesSeen(d)
	a.Verification = ageVerification(d)
	if signals.Start != "" || signals.Camera != nil || signals.Ages != nil {
		a.Signals = &signals
	}
}

// document fills what only a submission with a document has.
func (a *answer) document(d journey.Submission) {
	a.Recognition = &d.Recognition
	if l := d.IDLiveness; l != nil {
		a.IDLiveness = &answerIDLiveness{l.ScreenReplay, l.PaperPrinted, l.ReplacePortrait}
	}
	var image answerImage
	for _, e := range d.Evidence {
		link := imageLink(d.ID, e.ID)
		switch e.Kind {
		case journey.EvidenceFront:
			image.Front = link
		case journey.EvidenceBack:
			image.Back = link
		case journey.EvidenceSelfie:
			image.Selfie = link
		case journey.EvidenceAddress:
			image.Address = link
		}
	}
	if image != (answerImage{}) {
		a.Image = &image
	}
}

// kyc tells the decision and the attempts that led to it. What a reviewer wrote goes over
// the text of their code.
func kyc(s store.Submission, d journey.Submission, comment string) *answerKYC {
	k := &answerKYC{Result: resultIncomplete, CommentCode: s.CommentCode}
	switch s.Decision {
	case journey.Approved:
		k.Result = resultApproved
	case journey.Rejected:
		k.Result = resultRejected
	case journey.Pending:
		k.Result = resultPending
	}
	if s.CommentCode != "" {
		k.Comment = text(journey.CodeKey{Step: journey.StepFinal, Kind: journey.Reject, Code: s.CommentCode})
	}
	if comment != "" {
		k.Comment = comment
	}
	var step1, step2 []time.Time
	for _, at := range d.Attempts {
		one := answerAttempt{Count: at.Count}
		switch at.Step {
		case journey.Step1:
			step1 = append(step1, at.At)
			one.Barcode = barcodeResult(d.Document, at.Code)
		case journey.Step2:
			step2 = append(step2, at.At)
			similarity, liveness := at.Similarity, at.Liveness
			one.Similarity, one.Liveness = &similarity, &liveness
			one.Detail = &answerLiveness{at.Liveness, at.Probability, at.Quality}
			if at.Selfie != "" {
				one.Selfie = imageLink(s.ID, at.Selfie)
			}
		}
		one.Step1First, one.Step1Second, one.Step1Third = nth(step1, 0), nth(step1, 1), nth(step1, 2)
		one.Step2First, one.Step2Second, one.Step2Third = nth(step2, 0), nth(step2, 1), nth(step2, 2)
		switch at.Code.Kind {
		case journey.Retry:
			one.RetryCode, one.RetryMessage = at.Code.Code, text(at.Code)
		case journey.Error:
			one.ErrorCode, one.ErrorMessage = at.Code.Code, text(at.Code)
		}
		k.Attempts = append(k.Attempts, one)
	}
	if variantOf(d) == journey.AnswerKnowledge {
		return k // the contract has no list of retries there
	}
	for _, r := range d.Retries {
		k.Retry = append(k.Retry, answerRetry{string(r.Step), r.Count, r.Code.Code, text(r.Code)})
	}
	return k
}

// Results of reading the barcode of a North American licence.
const (
	barcodeRead   = "success"
	barcodeFailed = "fail"
)

// barcodeResult tells what an attempt says about the barcode; nothing where the
// document has none, or the attempt failed before it.
func barcodeResult(doc journey.DocumentData, code journey.CodeKey) string {
	switch {
	case doc.Layout != layoutAAMVA:
	case code == journey.Step1RetryBarcodeProtocolFail:
		return barcodeFailed
	case code == journey.CodeKey{}:
		return barcodeRead
	}
	return ""
}

// layoutAAMVA is the layout of a document whose data stand in the barcode on its back.
const layoutAAMVA = "AAMVA"

func nth(times []time.Time, i int) string {
	if i >= len(times) {
		return ""
	}
	return timestamp(times[i])
}

// text is what a code says in English.
func text(key journey.CodeKey) string {
	all := journey.LookupCode(key)
	if len(all) == 0 {
		return ""
	}
	return all[0].Text(nil)
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// ageGroup sorts a date of birth into the contract's four words. It gives no
// limits; ours: minor under 10, early-teen under 14, teen under 18, adult.
func ageGroup(birth string, at time.Time) string {
	var y, m, d int
	if n, err := fmt.Sscanf(birth, "%4d-%2d-%2d", &y, &m, &d); n != 3 || err != nil || strings.Contains(birth, "-00") {
		return ""
	}
	age := at.Year() - y
	if int(at.Month()) < m || int(at.Month()) == m && at.Day() < d {
		age--
	}
	switch {
	case age < 10:
		return "minor"
	case age < 14:
		return "early-teen"
	case age < 18:
		return "teen"
	}
	return "adult"
}
