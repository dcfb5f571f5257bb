package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vestibule/server/store"
)

func TestTheListOfKiosksTellsWhichPolicyEachRuns(t *testing.T) {
	inForce := store.PolicyEntry{Number: 7, Version: "v3"}
	for want, k := range map[string]store.KioskPolicy{
		"policy v3":               {Version: "v3", Number: 7},
		"policy v2, v3 waits":     {Version: "v2", Number: 6},
		"no policy yet, v3 waits": {},
		"policy v2, v3 waits, refused number 7: policy_invalid": {Version: "v2", Number: 6, Problem: "policy_invalid", Refused: 7},
		"no policy yet, v3 waits, refused: policy_unproven":     {Problem: "policy_unproven"},
	} {
		require.Equal(t, want, policyState(k, inForce, false))
	}
	require.Equal(t, "-", policyState(store.KioskPolicy{}, store.PolicyEntry{}, false))
	require.Equal(t, "policy v3 (rolled out first)", policyState(store.KioskPolicy{Version: "v3", Number: 7}, inForce, true))
	require.Equal(t, "policy v2, v3 waits", policyState(store.KioskPolicy{Version: "v2", Number: 6}, inForce, true))
}
