package review

import "vestibule/sync/fault"

// Codes of what a reviewer is refused for.
const (
	CodeTaken        = "review_taken"
	CodeNotHeld      = "review_not_held"
	CodeNotOpen      = "review_not_open"
	CodeSamePerson   = "review_same_person"
	CodeChecking     = "review_checking"
	CodeGone         = "review_gone"
	CodeNotDue       = "review_not_due"
	CodeNotDone      = "review_not_done"
	CodeChanged      = "review_changed"
	CodeUnchanged    = "review_unchanged"
	CodeMalformed    = "review_malformed"
	CodeComment      = "review_comment_code"
	CodeNoComment    = "review_comment_missing"
	CodeNotCorrected = "review_not_corrected"
	CodeText         = "review_text"
	CodeField        = "review_field"
)

func errTaken(by string) error {
	return fault.New(CodeTaken, "this is taken: "+by+" is at work on it", "take another one, or come back when the time is over", nil)
}

func errNotHeld(by string) error {
	if by != "" {
		return errTaken(by)
	}
	return fault.New(CodeNotHeld, "you do not have this, or your time is over", "take it up again", nil)
}

func errNotOpen() error {
	return fault.New(CodeNotOpen, "this does not wait for anybody", "reload the page; somebody may have decided it", nil)
}

func errSamePerson() error {
	return fault.New(CodeSamePerson, "you have decided this already, and another person has to", "leave it to somebody else", nil)
}

func errChecking() error {
	return fault.New(CodeChecking, "the checks still run on the corrected data", "reload the page in a moment", nil)
}

func errGone() error {
	return fault.New(CodeGone, "there is nothing left to undo", "take the submission up again: a new decision corrects the old one", nil)
}

func errNotDue() error {
	return fault.New(CodeNotDue, "no decision is to leave yet", "wait until its time has come", nil)
}

func errNotDone() error {
	return fault.New(CodeNotDone, "this is not decided yet", "decide it where it stands in the queue", nil)
}

func errUnchanged() error {
	return fault.New(CodeUnchanged, "nothing was changed", "enter what the document says, or decide without a correction", nil)
}

func errMalformed(what string) error {
	return fault.New(CodeMalformed, what, "go back to the page and use its forms", nil)
}

func errCode() error {
	return fault.New(CodeComment, "the contract has no such comment code", "choose one of the list", nil)
}

func errNoComment() error {
	return fault.New(CodeNoComment, "the code “other” says nothing by itself", "write the comment for the person, too", nil)
}

func errNotCorrected() error {
	return fault.New(CodeNotCorrected, "this code says that you corrected the date of birth, and you did not", "use under_ageLimit, or correct the date first", nil)
}

func errText() error {
	return fault.New(CodeText, "a text is too long or holds control characters", "use at most 2000 letters of ordinary text", nil)
}

func errField(f Field) error {
	return fault.New(CodeField, "the field "+string(f)+" cannot be so", "enter dates as YYYY-MM-DD, nationality in three letters, and leave no field empty", nil)
}

// ErrChanged says that somebody else changed the item since it was read.
func ErrChanged() error {
	return fault.New(CodeChanged, "somebody changed this since your page was made", "look at it as it is now, and do it again", nil)
}
