package journey

// Step is the part of the flow a code belongs to.
type Step string

// The steps that carry codes.
const (
	Step1         Step = "step1"
	Step2         Step = "step2"
	StepFinal     Step = "final"
	StepGetAnswer Step = "get_submission"
)

// Kind says what a code asks for: try again, give up with an error, or a reject comment.
type Kind string

// The three kinds of codes.
const (
	Retry  Kind = "retry"
	Error  Kind = "error"
	Reject Kind = "reject"
)

// CodeKey identifies a code: the same identifier may stand under several steps and kinds.
type CodeKey struct {
	Step Step   `cbor:"1,keyasint" json:"step"`
	Kind Kind   `cbor:"2,keyasint" json:"kind"`
	Code string `cbor:"3,keyasint" json:"code"`
}

// IsZero reports whether no code is set.
func (k CodeKey) IsZero() bool { return k == CodeKey{} }

// String gives step/kind/code, or nothing for the zero key.
func (k CodeKey) String() string {
	if k.IsZero() {
		return ""
	}
	return string(k.Step) + "/" + string(k.Kind) + "/" + k.Code
}
