package journey

// Rule is one of a project's own: a condition over what is known of a visit, and what is to happen when it
// holds. Rules are judged beside everything else; none can approve.
type Rule struct {
	Name    string   `json:"name"`              // small letters, digits and -, at most 40; decisions name it as rules.NAME
	When    string   `json:"when"`              // a condition in CEL over the fields that "server policy fields" lists, at most 2000 bytes
	Then    RuleThen `json:"then"`              // hold or reject
	Comment string   `json:"comment,omitempty"` // for whoever looks at it, at most 200 bytes; no personal data
}

// RuleThen is what a rule asks for.
type RuleThen string

// A rule holds a submission for people to look at, or rejects it; both for CUSTOM_POLICY.
const (
	RuleHold   RuleThen = "hold"
	RuleReject RuleThen = "reject"
)

// Bounds of rules. As many as leave a decision room to name all that fired as its causes.
const (
	MaxRules       = 32
	MaxRuleName    = 40   // bytes
	MaxRuleWhen    = 2000 // bytes
	MaxRuleComment = 200  // bytes
)
