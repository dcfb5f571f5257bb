package agent

import (
	"image"
	"time"

	"vestibule/agent/health"
	"vestibule/journey"
	"vestibule/models"
	"vestibule/models/face/flash"
)

// Step is where the visit stands. Each is one screen.
type Step string

// The steps in the order of a visit.
const (
	StepAttract  Step = "attract"  // nobody here
	StepLanguage Step = "language" //
	StepConsent  Step = "consent"  //
	StepDocument Step = "document" // live picture of the document
	StepReading  Step = "reading"  // captured, being read and checked
	StepReview   Step = "review"   // the person confirms what was read
	StepSelfie   Step = "selfie"   // live picture of the face
	StepChecking Step = "checking" // captured, being checked
	StepResult   Step = "result"   // outcome or receipt; clears itself
	StepError    Step = "error"    // the visit cannot go on
	StepClosed   Step = "closed"   // the kiosk takes no visits just now
)

// State is one snapshot of the visit, as a screen shows it. It is a value: a
// receiver may keep it, and must drop it when Step returns to StepAttract.
type State struct {
	Step        Step
	Path        string // /document/front, …
	Session     string // empty at StepAttract
	Language    string // BCP 47
	Attempt     int    // of this step, from 1
	MaxAttempts int
	Hint        models.HintCode   // the one thing to change; it stays ≥ 1.5 s
	Outline     *models.Quad      // document in the live picture
	Face        *models.Box       // face in the live picture
	Challenge   journey.Challenge // asked for now; empty when none
	Lights      *Lights           // the colour challenge; nil: none is on
	Progress    float64           // 0..1 of a capture or check that takes long
	Retake      journey.CodeKey   // why the last capture was not accepted; zero when there is nothing to say
	// RetakeVariant tells the messages of Retake apart where the code has several.
	RetakeVariant string
	OtherSide     bool                // at StepDocument: the other side of the document that was just taken is asked for
	ByHand        bool                // the hand shutter is offered (after 20 s)
	Review        *journey.PersonData // at StepReview
	Outcome       *Outcome            // at StepResult
	Problem       *Problem            // at StepError and StepClosed
	Online        bool
	Waiting       int                // submissions not yet acknowledged by the centre
	Deadline      time.Time          // when the screen acts by itself; zero: never
	Asking        bool               // "are you still there?" is shown until Deadline
	Health        []health.Condition // what is wrong with the kiosk, for its staff: the worst first
}

// Lights is the colour challenge: the question first, then the colours, one after the other. The screen says when
// the first stands on it (LightsShown).
type Lights struct {
	Asking  bool
	Colours []flash.Colour
	Dwell   time.Duration // of each
}

// Outcome is what the person is told at the end.
type Outcome struct {
	Reference string           // short code a person can read out
	QR        string           // payload of the receipt's QR code: no personal data
	Decided   bool             // the centre has spoken
	Decision  journey.Decision // when Decided
	Reason    journey.Reason   // when Decided; never shown word for word to the person
	Exhausted bool             // ended because a step failed too often
}

// Problem is an error towards people: code, what happened, what to do. The texts
// are English defaults; a screen looks its own up by Code.
type Problem struct {
	Code    string // camera_missing, store_full, worker_lost, …
	Message string
	Hint    string
}

// Error makes a Problem an error.
func (p *Problem) Error() string { return p.Code + ": " + p.Message }

// Picture is a live preview frame, ready to draw.
type Picture struct {
	Image *image.NRGBA // at most 640×480
	Seq   uint64
	At    time.Time
}

// Command is what a person, or staff, asks of the visit. Commands that do not
// fit the current step return ErrNotNow and change nothing.
type Command interface{ command() }

// The commands.
type (
	// Start begins a visit (StepAttract).
	Start struct{}
	// ChooseLanguage sets the language (any step before the result).
	ChooseLanguage struct{ Language string }
	// Consent answers the consent screen; refusing ends the visit.
	Consent struct{ Given bool }
	// TakeNow is the hand shutter (StepDocument, StepSelfie).
	TakeNow struct{}
	// Retake throws the last capture away (StepReview).
	Retake struct{}
	// Confirm accepts the read data, with corrections if any (StepReview).
	Confirm struct{ Person journey.PersonData }
	// AnswerLights says whether the screen may change its colours (StepSelfie). No ends them, too.
	AnswerLights struct{ Yes bool }
	// LightsShown is the screen's word on since when the first colour has been on it, on the clock of time.Now.
	LightsShown struct{ At time.Time }
	// Back goes to the previous step where that is safe.
	Back struct{}
	// StillHere answers "are you still there?".
	StillHere struct{}
	// Stop ends the visit at once and clears everything.
	Stop struct{}
	// Done leaves the result or error screen.
	Done struct{}
)

func (Start) command()          {}
func (ChooseLanguage) command() {}
func (Consent) command()        {}
func (TakeNow) command()        {}
func (Retake) command()         {}
func (Confirm) command()        {}
func (AnswerLights) command()   {}
func (LightsShown) command()    {}
func (Back) command()           {}
func (StillHere) command()      {}
func (Stop) command()           {}
func (Done) command()           {}
