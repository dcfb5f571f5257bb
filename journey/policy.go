package journey

import "time"

// Policy is the set of rules one project runs under. A kiosk and the centre hold
// the same version; the zero value accepts nothing. DefaultPolicy gives the
// contract's figures.
type Policy struct {
	Version string    `json:"version"`
	Project string    `json:"project"`
	Issued  time.Time `json:"issued"`

	AcceptedTypes   []DocumentType `json:"acceptedTypes"`   // empty: all
	AcceptedIssuers []string       `json:"acceptedIssuers"` // alpha-3; empty: all
	BlockedIssuers  []string       `json:"blockedIssuers"`  // alpha-3
	RegionalMatch   bool           `json:"regionalMatch"`   // document issuer must be the site's country
	CountryMatch    bool           `json:"countryMatch"`    // hold when site, issuer, nationality and declared country differ
	MinAge          int            `json:"minAge"`          // years; 0: no limit

	MaxAttempts    int     `json:"maxAttempts"`    // per step
	MinRecognition float64 `json:"minRecognition"` // 0..100
	MinSimilarity  float64 `json:"minSimilarity"`  // 0..100; contract: 85
	MinLiveness    float64 `json:"minLiveness"`    // 0..100; contract: 50

	FaceAge    FaceAgePolicy   `json:"faceAge"`
	Document   DocumentPolicy  `json:"document"`
	Liveness   LivenessPolicy  `json:"liveness"`
	Duplicates DuplicatePolicy `json:"duplicates"`
	AML        AMLPolicy       `json:"aml"`
	Recheck    bool            `json:"recheck"` // centre re-reads the sealed evidence before it decides
	// RecheckOf says of which submissions, and RecheckShare how many percent of the others a sample takes.
	RecheckOf    RecheckOf `json:"recheckOf"`
	RecheckShare float64   `json:"recheckShare"`
	Rules        []Rule    `json:"rules,omitempty"`

	Review    ReviewPolicy    `json:"review"`
	Mail      MailPolicy      `json:"mail"`
	Retention RetentionPolicy `json:"retention"`

	SilenceLimit time.Duration `json:"silenceLimit"` // a session silent that long is DROPPED
	OfflineLimit time.Duration `json:"offlineLimit"` // a kiosk without a word of its centre for that long takes no visits: its policy is too old; 0: no limit
	ScreenLimit  time.Duration `json:"screenLimit"`  // a screen untouched that long asks, then stops
	ResultShown  time.Duration `json:"resultShown"`  // result screen clears itself after
}

// RecheckOf says whose evidence the centre reads again.
type RecheckOf string

// The choices. A kiosk whose networks are not the centre's is stale: what it saw may be what a newer one sees otherwise.
const (
	RecheckAll    RecheckOf = "all"
	RecheckSample RecheckOf = "sample" // what is stale, and a share of the rest that no kiosk can foresee
	RecheckStale  RecheckOf = "stale"
)

// DocumentPolicy says which closer looks the kiosk takes at a document.
type DocumentPolicy struct {
	Genuineness bool `json:"genuineness"` // document liveness: a screen, a print, an exchanged portrait
	// Tilt asks people to tilt the document and measures how much of it changes colour or light, as a
	// hologram's does. EXPERIMENTAL, with Genuineness only: it tells whoever reviews, and decides nothing.
	Tilt    bool `json:"tilt"`
	Text    bool `json:"text"`    // the print is read and held against zone and barcode
	Barcode bool `json:"barcode"` // the PDF417 symbol on the back of a card is read
}

// LivenessPolicy says which presentation attack checks run on the kiosk.
type LivenessPolicy struct {
	Passive    bool          `json:"passive"`
	Frames     int           `json:"frames"` // at least 5
	Active     bool          `json:"active"`
	Challenges int           `json:"challenges"` // how many random ones
	Allowed    []Challenge   `json:"allowed"`    // to draw from
	Limit      time.Duration `json:"limit"`      // per challenge
	// Flash asks people whether the screen may change its colours for four seconds, and looks whether their
	// skin reflects them. EXPERIMENTAL: tried on a physical model only. It needs a screen that is brighter on the
	// face than the hall, and a camera whose frames carry true times. Who does not want it, and where the hall is too
	// bright for it, is held for people to look at, never passed and never rejected by it.
	Flash bool `json:"flash"`
	// Injection looks for pictures that never were before the camera: a virtual camera, a
	// film in a loop, a still. On by default: only what no real camera does stops a
	// person by itself. A kiosk that plays recordings must leave it out, and says so by it.
	Injection bool `json:"injection"`
	// Cameras that may take the face, by the names they give themselves; empty: any but
	// a virtual one. Only with Injection.
	Cameras []string `json:"cameras,omitempty"`
}

// Challenge is a movement asked of the person in front of the camera.
type Challenge string

// The four challenges. Left and right are the person's own.
const (
	TurnLeft  Challenge = "turn-left"
	TurnRight Challenge = "turn-right"
	LookUp    Challenge = "look-up"
	Blink     Challenge = "blink"
)

// DuplicatePolicy switches the centre's duplicate checks.
type DuplicatePolicy struct {
	PII            bool          `json:"pii"`
	PIIPeriod      time.Duration `json:"piiPeriod"` // 0: for ever
	DocumentNumber bool          `json:"documentNumber"`
	ApprovedUser   bool          `json:"approvedUser"`
	Face           bool          `json:"face"`
	FaceAlone      bool          `json:"faceAlone"`   // a face hit alone rejects (the contract's default); false: review
	FaceMinHits    int           `json:"faceMinHits"` // contract: 2 distinct approved applicants
	FaceCertain    float64       `json:"faceCertain"` // cosine
	FaceReview     float64       `json:"faceReview"`  // cosine
	// Suspected says what follows when somebody comes whose data nearly agree with another's: a name with a slip
	// of the pen beside the same date of birth, or the like. Nobody is ever rejected for that.
	Suspected Suspected `json:"suspected"`
	// Local says whether kiosks note, also off line, that a person or document probably came in before. It never stops
	// anybody: only the centre decides. LocalPeriod is how long a kiosk remembers its own visits for it; 0: 31 days.
	Local       Local         `json:"local,omitempty"`
	LocalPeriod time.Duration `json:"localPeriod,omitempty"`
}

// Local is what a kiosk does about likely duplicates.
type Local string

// The choices. Empty, as in policies from before there was one: LocalNote.
const (
	LocalOff  Local = "off"  // nothing is rolled out, and nothing remembered
	LocalNote Local = "note" // the journey says so; nobody is shown anything
)

// LocalRemembers is how long a kiosk remembers its own visits where the policy does not say.
const LocalRemembers = 31 * 24 * time.Hour

// Suspected is what follows from a suspicion.
type Suspected string

// The choices. Empty, as in policies from before there was one: SuspectedOff.
const (
	SuspectedOff  Suspected = "off"
	SuspectedNote Suspected = "note" // the journey says so
	SuspectedHold Suspected = "hold" // and people look
)

// AMLPolicy says how sanctions screening enters the decision.
type AMLPolicy struct {
	Screen bool    `json:"screen"`
	Flag   float64 `json:"flag"` // score 0..100 from which a match is a red flag
	Hold   bool    `json:"hold"` // a red flag holds the submission (CUSTOM_POLICY)
	// MaxAge is how long ago a list may have been found to be its publisher's newest. Beyond it nobody
	// counts as screened whom the lists do not know. 0: no limit. HoldStale: such a submission is held (CUSTOM_POLICY).
	MaxAge    time.Duration `json:"maxAge"`
	HoldStale bool          `json:"holdStale"`
	// Wait is how long a submission waits for an external screener that does not answer, before it is held for
	// people as not screened (CUSTOM_POLICY). 0: until it answers.
	Wait time.Duration `json:"wait"`
}

// DefaultPolicy gives the figures of the contract, and of our own measurements
// where the contract is silent.
func DefaultPolicy() Policy {
	return Policy{
		Version:        "1",
		Project:        "default",
		MaxAttempts:    3,
		MinRecognition: 60,
		MinSimilarity:  85,
		MinLiveness:    50,
		Document:       DocumentPolicy{Genuineness: true, Text: true, Barcode: true},
		Liveness: LivenessPolicy{
			Passive: true, Frames: 5, Active: true, Challenges: 2,
			Allowed: []Challenge{TurnLeft, TurnRight, LookUp, Blink},
			Limit:   8 * time.Second, Injection: true,
		},
		Duplicates: DuplicatePolicy{
			PII: true, DocumentNumber: true, ApprovedUser: true, Face: true, FaceAlone: true,
			FaceMinHits: 2, FaceCertain: .45, FaceReview: .38, Suspected: SuspectedNote, Local: LocalNote, LocalPeriod: LocalRemembers,
		},
		AML:          AMLPolicy{Screen: true, Flag: 85, Hold: true, HoldStale: true},
		Recheck:      true,
		RecheckOf:    RecheckAll,
		RecheckShare: 10,
		SilenceLimit: 20 * time.Minute,
		ScreenLimit:  60 * time.Second,
		ResultShown:  20 * time.Second,
		Review:       ReviewPolicy{Undo: 5 * time.Minute, Lease: 10 * time.Minute, SLA: 24 * time.Hour},

		AcceptedTypes: []DocumentType{}, AcceptedIssuers: []string{}, BlockedIssuers: []string{}, // lists in JSON, too
	}
}
