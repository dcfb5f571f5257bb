package main

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/server/aml"
	"vestibule/server/centre"
	"vestibule/server/store"
	"vestibule/server/vault"
)

func TestAScreeningIsShownExplainedAndWithoutWhatIsCleared(t *testing.T) {
	ctx := context.Background()
	s, err := store.Open(ctx, t.TempDir())
	require.NoError(t, err)
	defer s.Close()
	keys, err := vault.New(make([]byte, 32), make([]byte, 32), nil)
	require.NoError(t, err)
	flagged := aml.Match{
		Entity: "a", Source: "un_sc", Hash: "1", Score: 98, Name: "ERIKSSON, Anna", Kind: aml.Primary,
		Why: []aml.TokenMatch{{Query: "anna", Listed: "anna", How: aml.Equal, Alike: 1, Weight: .5}},
	}
	cleared, weak := flagged, flagged
	cleared.Entity, weak.Entity, weak.Score = "b", "c", 84
	plain, err := json.Marshal(centre.Screened{
		Lists: "x", Entities: 3, Matches: []aml.Match{flagged, cleared, weak}, Cleared: []centre.Pair{{Source: "un_sc", Entity: "b", Hash: "1"}},
	})
	require.NoError(t, err)
	sealed, err := keys.Seal(plain, centre.ScreeningContext("sub"))
	require.NoError(t, err)
	now := time.Now()
	require.NoError(t, s.Write(ctx, func(tx *store.Tx) error {
		if err := tx.SaveSubmission(ctx, store.Submission{ID: "sub", Session: "ses", Kiosk: "k", Project: "default", Created: now, Updated: now, Received: now, Sealed: []byte("x"), Private: []byte("x")}); err != nil {
			return err
		}
		return tx.SaveScreening(ctx, store.Screening{Submission: "sub", Status: "Red Flag", Risk: "Medium", Result: sealed, At: now})
	}))
	results, err := answers{s.Read(), keys}.Results(ctx, []store.Submission{{ID: "other", Project: "default"}, {ID: "sub", Project: "default"}})
	require.NoError(t, err)
	require.Len(t, results, 1)
	got := results["sub"]
	var out shown
	require.NoError(t, json.Unmarshal(got.Result, &out))
	require.Len(t, out.Matches, 1)
	require.Equal(t, "a", out.Matches[0].Entity)
	require.Equal(t, "MEDIUM", out.Matches[0].Risk)
	require.Equal(t, `98.0 with the primary name "ERIKSSON, Anna": anna and anna are equal`, out.Matches[0].Explain)
	require.Len(t, out.Cleared, 1)
	require.Equal(t, "b", out.Cleared[0].Entity)
}
