package journey_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vestibule/journey"
)

func TestAPolicySaysWhichDecisionsAreMailed(t *testing.T) {
	for _, one := range []struct {
		policy journey.MailPolicy
		tells  []journey.Decision
	}{
		{journey.DefaultPolicy().Mail, nil},
		{journey.MailPolicy{Decided: true}, []journey.Decision{journey.Approved, journey.Rejected}},
		{journey.MailPolicy{Held: true}, []journey.Decision{journey.Pending}},
		{journey.MailPolicy{Decided: true, Held: true}, []journey.Decision{journey.Approved, journey.Rejected, journey.Pending}},
	} {
		var told []journey.Decision
		for _, d := range []journey.Decision{"", journey.Approved, journey.Rejected, journey.Pending} {
			if one.policy.Tells(d) {
				told = append(told, d)
			}
		}
		require.Equal(t, one.tells, told)
	}
}
