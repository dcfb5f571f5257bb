// Package fault holds errors towards people: a code that programs and
// translations look up, a sentence that says what happened, and a hint that says
// what to do about it.
//
// What may live here: that one type. What may not: the codes themselves, which
// belong to the packages that raise them. No part of a Fault holds personal data.
package fault

import "errors"

// Fault is an error with a code, a message and a hint.
type Fault struct {
	Code    string // stable, lower case with underscores: broker_port_in_use
	Message string // what happened
	Hint    string // what to do
	Err     error  // the cause, may be nil
}

// New makes a Fault. cause may be nil.
func New(code, message, hint string, cause error) *Fault {
	return &Fault{Code: code, Message: message, Hint: hint, Err: cause}
}

// Error gives code, message, cause and hint in one line.
func (f *Fault) Error() string {
	s := f.Code + ": " + f.Message
	if f.Err != nil {
		s += ": " + f.Err.Error()
	}
	if f.Hint != "" {
		s += " (" + f.Hint + ")"
	}
	return s
}

// Unwrap gives the cause.
func (f *Fault) Unwrap() error { return f.Err }

// Is makes two faults of one code the same to errors.Is.
func (f *Fault) Is(target error) bool {
	t, ok := target.(*Fault)
	return ok && t.Code == f.Code
}

// Code gives the code of the first Fault in err's chain, or "" when there is none.
func Code(err error) string {
	var f *Fault
	if errors.As(err, &f) {
		return f.Code
	}
	return ""
}
