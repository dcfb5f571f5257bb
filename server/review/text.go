package review

// Kinds of jobs.
const (
	JobSettle = "review settle" // lets a decision out whose time to be undone is over
	JobCheck  = "review check"  // runs the checks again on corrected data
)

// Texts are what is said or shown with a step. They may name people: they are kept
// encrypted only, under TextsContext.
type Texts struct {
	Comment  string           `json:"comment,omitempty"`  // for the person
	Internal string           `json:"internal,omitempty"` // for the house
	Note     string           `json:"note,omitempty"`     // why evidence was looked at, or a decision again
	Before   map[Field]string `json:"before,omitempty"`   // of a correction
	After    map[Field]string `json:"after,omitempty"`
}

// TextsContext binds encrypted texts to their step.
func TextsContext(act string) string { return "review|" + act }

// CommentContext binds the encrypted comment for the person to their submission.
func CommentContext(submission string) string { return "comment|" + submission }
