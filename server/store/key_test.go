package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/server/store"
)

func TestAKeyIsFoundByItsHashUntilItIsRevoked(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		at := time.UnixMicro(1_770_000_000_000_001).UTC()
		k := store.APIKey{ID: "1", Name: "bank", Hash: "h", Scope: "a,b", Project: "p", PerSecond: 7, EncryptTo: "{}", Created: at}
		require.NoError(t, s.Write(ctx, func(tx *store.Tx) error { return tx.AddAPIKey(ctx, k) }))
		got, err := s.Read().APIKeyByHash(ctx, "h")
		require.NoError(t, err)
		require.Equal(t, k, got)
		require.NoError(t, s.Write(ctx, func(tx *store.Tx) error { return tx.RevokeAPIKey(ctx, "1", at.Add(time.Hour)) }))
		_, err = s.Read().APIKeyByHash(ctx, "h")
		require.ErrorIs(t, err, store.ErrNotFound)
		err = s.Write(ctx, func(tx *store.Tx) error { return tx.RevokeAPIKey(ctx, "1", at) })
		require.ErrorIs(t, err, store.ErrNotFound)
		all, err := s.Read().APIKeys(ctx)
		require.NoError(t, err)
		k.Revoked = at.Add(time.Hour)
		require.Equal(t, []store.APIKey{k}, all)
		known, err := s.Read().KnowsProject(ctx, "p")
		require.NoError(t, err)
		require.False(t, known, "a key alone makes no project")
	})
}

func TestAListOfSubmissionsIsNarrowedAndContinued(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		begin := time.UnixMicro(1_770_000_000_000_000).UTC()
		require.NoError(t, s.Write(ctx, func(tx *store.Tx) error {
			for i := range 12 {
				one := store.Submission{
					ID: fmt.Sprintf("s-%02d", i), Session: fmt.Sprintf("j-%02d", i), Kiosk: "k", Project: []string{"p", "q"}[i%2], Revision: 1, State: journey.SubmissionComplete,
					Stand: store.StandDecided, Created: begin.Add(time.Duration(i/4) * time.Microsecond), Sealed: []byte("sealed"), Private: []byte("private"),
					Keys: store.Keys{Email: []string{"e", "f", "g"}[i%3], PII: "same"},
				}
				if err := tx.SaveSubmission(ctx, one); err != nil {
					return err
				}
			}
			return tx.SaveEvidence(ctx, "s-00", []store.Evidence{{ID: "e", Kind: journey.EvidenceFront, Attempt: 1, Blob: "b", Size: 9}})
		}))
		ids := func(f store.SubmissionFilter) (out []string) {
			rows, err := s.Read().Submissions(ctx, f)
			require.NoError(t, err)
			for _, r := range rows {
				require.Empty(t, r.Sealed, "a list leaves it out")
				require.Equal(t, []byte("private"), r.Private)
				out = append(out, r.ID)
			}
			return out
		}
		require.Equal(t, []string{"s-11", "s-10", "s-09"}, ids(store.SubmissionFilter{Limit: 3}))
		require.Equal(t, []string{"s-08", "s-07", "s-06"}, ids(store.SubmissionFilter{Limit: 3, BeforeID: "s-09", Before: begin.Add(2 * time.Microsecond)}), "s-08 shares the moment")
		require.Equal(t, []string{"s-10", "s-08"}, ids(store.SubmissionFilter{Limit: 2, Project: "p"}))
		require.Equal(t, []string{"s-06", "s-00"}, ids(store.SubmissionFilter{Limit: 9, Project: "p", EmailKey: "e"}))
		require.Equal(t, []string{"s-05", "s-04"}, ids(store.SubmissionFilter{Limit: 9, From: begin.Add(time.Microsecond), To: begin.Add(2 * time.Microsecond)})[2:])
		found, err := s.Read().SamePII(ctx, []store.Submission{{ID: "s-02", Project: "p", Keys: store.Keys{PII: "same"}}, {ID: "none", Project: "p"}})
		require.NoError(t, err)
		require.Equal(t, map[string][]string{"s-02": {"s-00", "s-04", "s-06", "s-08", "s-10"}}, found)
		e, err := s.Read().EvidenceOf(ctx, "s-00", "e")
		require.NoError(t, err)
		require.Equal(t, store.Evidence{Submission: "s-00", ID: "e", Kind: journey.EvidenceFront, Attempt: 1, Blob: "b", Size: 9}, e)
		_, err = s.Read().EvidenceOf(ctx, "s-01", "e")
		require.ErrorIs(t, err, store.ErrNotFound)
	})
}
