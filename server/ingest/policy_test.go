package ingest_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/server/store"
)

func TestAKioskTellsWhichPolicyItRuns(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		c := newCentre(t, s)
		k := newKiosk(t, "k", "00112233445566778899aabbccddeeff")
		runs := func() store.KioskPolicy {
			c.accept(k.frame(1, len(k.records)))
			all, err := s.Read().KioskPolicies(context.Background())
			require.NoError(t, err)
			return all["k"]
		}
		told := func(result journey.Result, version string, detail map[string]string) {
			k.event("", journey.KioskPolicyApplied, func(e *journey.Event) { e.Result, e.Policy, e.Detail = result, version, detail })
		}
		at := now.Add(-time.Second)
		told(journey.Fail, "1", map[string]string{"code": "policy_unproven"})
		require.Equal(t, store.KioskPolicy{Kiosk: "k", At: at, Problem: "policy_unproven"}, runs())
		told(journey.Pass, "7", map[string]string{"policy": "7", "number": "3"})
		require.Equal(t, store.KioskPolicy{Kiosk: "k", Version: "7", Number: 3, At: at}, runs())
		told(journey.Fail, "7", map[string]string{"code": "policy_earlier", "policy": "6", "number": "2"})
		require.Equal(t, store.KioskPolicy{Kiosk: "k", Version: "7", Number: 3, At: at, Problem: "policy_earlier", Refused: 2}, runs())
		told(journey.Pass, "8", map[string]string{"number": "many"})
		require.Equal(t, store.KioskPolicy{Kiosk: "k", Version: "8", At: at}, runs())
	})
}
