package journey

// MailPolicy says which mails a person gets who gave an e-mail address. Without a word of it nobody gets any.
type MailPolicy struct {
	Decided bool `json:"decided"` // approved or rejected, with what a reviewer wrote for them
	Held    bool `json:"held"`    // somebody has to look at it first
}

// Tells reports whether a decision is to be mailed to the person.
func (p MailPolicy) Tells(d Decision) bool {
	switch d {
	case Approved, Rejected:
		return p.Decided
	case Pending:
		return p.Held
	}
	return false
}
