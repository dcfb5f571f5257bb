package journey

import "time"

// SubmissionState is how far a submission has come on the kiosk.
type SubmissionState string

// A submission is created when STEP1 passes, and final when STEP2 ended, the
// retries of a step ran out, or the person stopped.
const (
	SubmissionOpen      SubmissionState = "step1"     // document accepted, selfie to come
	SubmissionComplete  SubmissionState = "step2"     // everything captured: the centre may decide
	SubmissionExhausted SubmissionState = "exhausted" // a step failed as often as policy allows
	SubmissionAbandoned SubmissionState = "abandoned" // stopped or timed out
)

// Submission is everything one person handed in. It is personal data: it leaves
// the kiosk only sealed to the centre's key, as a whole snapshot per Revision.
type Submission struct {
	ID           string            `cbor:"1,keyasint" json:"id"`
	Session      string            `cbor:"2,keyasint" json:"session"`
	Kiosk        string            `cbor:"3,keyasint" json:"kiosk"`
	Project      string            `cbor:"4,keyasint" json:"project"`
	Revision     int               `cbor:"5,keyasint" json:"revision"` // from 1; a later one replaces an earlier one whole
	State        SubmissionState   `cbor:"6,keyasint" json:"state"`
	Created      time.Time         `cbor:"7,keyasint" json:"created"`
	Updated      time.Time         `cbor:"8,keyasint" json:"updated"`
	SiteCountry  string            `cbor:"9,keyasint" json:"siteCountry"` // ISO 3166-1 alpha-3 of the kiosk's site
	Language     string            `cbor:"10,keyasint" json:"language"`   // BCP 47
	StartPressed time.Time         `cbor:"11,keyasint" json:"startPressed"`
	Document     DocumentData      `cbor:"12,keyasint" json:"document"`             // as read
	Review       *PersonData       `cbor:"13,keyasint,omitempty" json:"review"`     // as the person confirmed or corrected it
	Recognition  float64           `cbor:"14,keyasint" json:"recognition"`          // 0..100
	Similarity   float64           `cbor:"15,keyasint" json:"similarity"`           // 0..100, selfie with document portrait
	Liveness     LivenessData      `cbor:"16,keyasint" json:"liveness"`             //
	Face         *FaceTemplate     `cbor:"17,keyasint,omitempty" json:"face"`       // of the selfie
	Attempts     []Attempt         `cbor:"18,keyasint,omitempty" json:"attempts"`   // contract: kyc.attempts
	Retries      []RetryEntry      `cbor:"19,keyasint,omitempty" json:"retries"`    // contract: kyc.retry
	Camera       []CameraProcess   `cbor:"20,keyasint,omitempty" json:"camera"`     // contract: signals.cameraProcessInfo
	Evidence     []Evidence        `cbor:"21,keyasint,omitempty" json:"evidence"`   // manifest of the sealed pictures
	Policy       string            `cbor:"22,keyasint" json:"policy"`               // version the kiosk worked under
	Models       map[string]string `cbor:"23,keyasint,omitempty" json:"models"`     // model name → version
	FailedStep   Step              `cbor:"24,keyasint,omitempty" json:"failedStep"` // with SubmissionExhausted
	FailedCode   CodeKey           `cbor:"25,keyasint,omitempty" json:"failedCode"` // last code of the failed step
	OCR          []OCRField        `cbor:"26,keyasint,omitempty" json:"ocr"`        // contract: OCR_raw
	IDLiveness   *IDLiveness       `cbor:"27,keyasint,omitempty" json:"idLiveness"` // document liveness, where a check ran
	Email        string            `cbor:"28,keyasint,omitempty" json:"email"`
	Phone        string            `cbor:"29,keyasint,omitempty" json:"phone"`
	UserID       string            `cbor:"30,keyasint,omitempty" json:"userid"`
	TokenID      string            `cbor:"31,keyasint,omitempty" json:"tokenId"`
	FaceAges     []FaceAge         `cbor:"32,keyasint,omitempty" json:"faceAges"`             // of each try at the selfie; contract: signals.faceAge
	FaceAgeRules FaceAgePolicy     `cbor:"33,keyasint,omitzero" json:"faceAgeRules,omitzero"` // that the kiosk worked under
}

// DocumentType is the contract's idType.
type DocumentType string

// Document types of the contract.
const (
	Passport       DocumentType = "passport"
	GovernmentID   DocumentType = "government_id"
	DriversLicense DocumentType = "drivers_license"
)

// DocumentData is what the kiosk read from the document. Dates are YYYY-MM-DD;
// unknown parts of a date of birth stay as in "1965-00-00".
type DocumentData struct {
	Type           DocumentType `cbor:"1,keyasint" json:"type"`
	Layout         string       `cbor:"2,keyasint" json:"layout"` // TD1 TD2 TD3 MRVA MRVB FRID AAMVA
	IssuingCountry string       `cbor:"3,keyasint" json:"issuingCountry"`
	Number         string       `cbor:"4,keyasint" json:"number"`
	PersonalNumber string       `cbor:"5,keyasint,omitempty" json:"personalNumber,omitempty"`
	IssueDate      string       `cbor:"6,keyasint,omitempty" json:"issueDate,omitempty"`
	ExpiryDate     string       `cbor:"7,keyasint,omitempty" json:"expiryDate,omitempty"`
	MRZ            []string     `cbor:"8,keyasint,omitempty" json:"mrz,omitempty"`
	Person         PersonData   `cbor:"9,keyasint" json:"person"`
}

// PersonData is who somebody says to be, or a document says they are.
type PersonData struct {
	FamilyName  string `cbor:"1,keyasint" json:"familyName"`
	GivenNames  string `cbor:"2,keyasint" json:"givenNames"`
	Birth       string `cbor:"3,keyasint" json:"birth"`                         // YYYY-MM-DD
	Gender      string `cbor:"4,keyasint" json:"gender"`                        // male, female, x or empty
	Nationality string `cbor:"5,keyasint" json:"nationality"`                   // alpha-3, or ICAO's own such as XXA
	Number      string `cbor:"6,keyasint,omitempty" json:"number,omitempty"`    // document number, in a review
	Expiry      string `cbor:"7,keyasint,omitempty" json:"expiry,omitempty"`    // in a review
	Corrected   bool   `cbor:"8,keyasint,omitempty" json:"corrected,omitempty"` // the person changed a field
}

// FullName is given names before family name.
func (p PersonData) FullName() string {
	switch {
	case p.GivenNames == "":
		return p.FamilyName
	case p.FamilyName == "":
		return p.GivenNames
	}
	return p.GivenNames + " " + p.FamilyName
}

// LivenessData holds the presentation attack detection scores, 0..100 (ISO/IEC 30107-3).
type LivenessData struct {
	Score       float64  `cbor:"1,keyasint" json:"score"` // min of what ran
	Passive     float64  `cbor:"2,keyasint" json:"passive"`
	Active      float64  `cbor:"3,keyasint" json:"active"`
	ActiveRan   bool     `cbor:"4,keyasint" json:"activeRan"`
	Probability float64  `cbor:"5,keyasint" json:"probability"` // 0..1, mean P(live)
	Quality     float64  `cbor:"6,keyasint" json:"quality"`     // 0..100, capture quality of the frames
	Frames      int      `cbor:"7,keyasint" json:"frames"`
	Challenges  []string `cbor:"8,keyasint,omitempty" json:"challenges,omitempty"`
	// Signals are what Score was fused from, also those that did not run, with the reasons.
	Signals []LivenessSignal `cbor:"9,keyasint,omitempty" json:"signals,omitempty"`
	// Calibrated says that Passive was judged by what this kiosk's camera was calibrated to.
	Calibrated bool `cbor:"10,keyasint,omitempty" json:"calibrated,omitempty"`
}

// LivenessSignal is one of the ways a living person was told from an attack.
type LivenessSignal struct {
	Name  string   `cbor:"1,keyasint" json:"name"` // passive, active, flash, injection
	Ran   bool     `cbor:"2,keyasint" json:"ran"`
	Score float64  `cbor:"3,keyasint" json:"score"`                   // 0..100, when it ran
	Why   []string `cbor:"4,keyasint,omitempty" json:"why,omitempty"` // codes: what failed, or why it did not run
}

// IDLiveness holds the three document liveness pipelines of the contract, 0..100.
type IDLiveness struct {
	ScreenReplay    float64 `cbor:"1,keyasint" json:"screenReplay"`
	PaperPrinted    float64 `cbor:"2,keyasint" json:"paperPrinted"`
	ReplacePortrait float64 `cbor:"3,keyasint" json:"replacePortrait"`
}

// FaceTemplate is an L2-normalised face embedding. Templates of different models are never compared.
type FaceTemplate struct {
	Model  string    `cbor:"1,keyasint" json:"model"`
	Vector []float32 `cbor:"2,keyasint" json:"vector"`
}

// Attempt is one try at the submission as the contract's kyc.attempts reports it.
type Attempt struct {
	Count       int       `cbor:"1,keyasint" json:"attemptCnt"`
	Step        Step      `cbor:"2,keyasint" json:"step"`
	At          time.Time `cbor:"3,keyasint" json:"at"`
	Code        CodeKey   `cbor:"4,keyasint,omitempty" json:"code,omitzero"` // zero when it passed
	Similarity  float64   `cbor:"5,keyasint,omitempty" json:"similarity,omitempty"`
	Liveness    float64   `cbor:"6,keyasint,omitempty" json:"liveness,omitempty"`
	Probability float64   `cbor:"7,keyasint,omitempty" json:"probability,omitempty"`
	Quality     float64   `cbor:"8,keyasint,omitempty" json:"quality,omitempty"`
	Selfie      string    `cbor:"9,keyasint,omitempty" json:"selfie,omitempty"` // evidence id
	Event       string    `cbor:"10,keyasint,omitempty" json:"event,omitempty"` // id of the step's result event
}

// RetryEntry is one retry as the contract's kyc.retry reports it.
type RetryEntry struct {
	Step  Step    `cbor:"1,keyasint" json:"step"`
	Count int     `cbor:"2,keyasint" json:"retryCnt"`
	Code  CodeKey `cbor:"3,keyasint" json:"code"`
}

// CameraProcess is one use of a camera as the contract's signals.cameraProcessInfo reports it.
type CameraProcess struct {
	Type    CameraProcessType `cbor:"1,keyasint" json:"type"`
	Started time.Time         `cbor:"2,keyasint" json:"started"`
	Ended   time.Time         `cbor:"3,keyasint" json:"ended"`
	Error   string            `cbor:"4,keyasint,omitempty" json:"error,omitempty"` // a code, never free text
}

// OCRRotate is the item of OCRField that is no field: its value is by how many degrees, clockwise, the
// picture as taken had to be turned to be read: 0, 90, 180 or 270. The contract gives it a value only.
const OCRRotate = "rotate"

// OCRField is one field as read, with where it stood in the picture.
type OCRField struct {
	Item     string    `cbor:"1,keyasint" json:"item"`
	Value    string    `cbor:"2,keyasint" json:"value"`
	Score    int       `cbor:"3,keyasint" json:"score"` // 0..100
	Accepted bool      `cbor:"4,keyasint" json:"accepted"`
	Box      []float64 `cbor:"5,keyasint,omitempty" json:"box,omitempty"` // x1 y1 … x4 y4, 0..1 of the stored picture
}

// EvidenceKind says what a sealed picture shows.
type EvidenceKind string

// Kinds of evidence.
const (
	EvidenceFront    EvidenceKind = "id-front"
	EvidenceBack     EvidenceKind = "id-back"
	EvidencePortrait EvidenceKind = "portrait"
	EvidenceSelfie   EvidenceKind = "selfie"
	EvidenceAddress  EvidenceKind = "address"
)

// Evidence is one entry of a submission's manifest: a picture that travels as a
// blob of its own. Blob is the SHA-256 of the sealed bytes, in hex.
type Evidence struct {
	ID      string       `cbor:"1,keyasint" json:"id"` // UUIDv7
	Kind    EvidenceKind `cbor:"2,keyasint" json:"kind"`
	Attempt int          `cbor:"3,keyasint" json:"attempt"`
	Media   string       `cbor:"4,keyasint" json:"media"` // image/jpeg
	Size    int64        `cbor:"5,keyasint" json:"size"`  // sealed bytes
	Blob    string       `cbor:"6,keyasint" json:"blob"`
	Taken   time.Time    `cbor:"7,keyasint" json:"taken"`
}
