package journey

import "time"

// Decision is the final word on a submission.
type Decision string

// The three decisions. Only the centre speaks them.
const (
	Approved Decision = "APPROVED"
	Rejected Decision = "REJECTED"
	Pending  Decision = "PENDING"
)

// Reason distinguishes rejections and holds; an approval has none.
type Reason string

// Verdict is a decision as it travels to the kiosk, the console and the API.
type Verdict struct {
	Submission  string    `cbor:"1,keyasint" json:"submission"`
	Session     string    `cbor:"2,keyasint" json:"session"`
	Decision    Decision  `cbor:"3,keyasint" json:"decision"`
	Reason      Reason    `cbor:"4,keyasint,omitempty" json:"reason,omitempty"`
	CommentCode string    `cbor:"5,keyasint,omitempty" json:"commentCode,omitempty"` // empty where the contract gives none
	Policy      string    `cbor:"6,keyasint" json:"policy"`
	Event       string    `cbor:"7,keyasint" json:"event"` // id of the decision event
	At          time.Time `cbor:"8,keyasint" json:"at"`
}
