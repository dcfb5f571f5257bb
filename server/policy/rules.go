package policy

import (
	"fmt"
	"strings"

	"vestibule/journey"
	"vestibule/server/rule"
)

// Problems tells everything that is wrong with a policy, the conditions of its rules included.
func Problems(p journey.Policy) []journey.PolicyProblem { return append(p.Check(), rules(p)...) }

// rules tells what is wrong with the conditions of a policy's rules.
func rules(p journey.Policy) []journey.PolicyProblem {
	if len(p.Rules) == 0 || len(p.Rules) > journey.MaxRules {
		return nil
	}
	_, problems := rule.New().Compile(p.Rules)
	var out []journey.PolicyProblem
	for _, one := range problems {
		if when := p.Rules[one.Place].When; strings.TrimSpace(when) == "" || len(when) > journey.MaxRuleWhen {
			continue // told by Policy.Check
		}
		// One problem of a rule's text is one line, so that each has its place.
		for _, err := range unjoin(one.Err) {
			out = append(out, journey.PolicyProblem{Pointer: fmt.Sprintf("/rules/%d/when", one.Place), Message: err.Error()})
		}
	}
	return out
}

func unjoin(err error) []error {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		return many.Unwrap()
	}
	return []error{err}
}
