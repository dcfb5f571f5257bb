package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/server/store"
)

func activate(t *testing.T, s *store.Store, id string, at time.Time) (previous string) {
	t.Helper()
	write(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
		previous, err = tx.ActivateSnapshot(ctx, id, at)
		return err
	})
	return previous
}

func TestAListComesIntoForceAtOnceAndInThePlaceOfTheOneBefore(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		save := func(id, kind string, n int) {
			var list []store.ListEntity
			for i := range n {
				list = append(list, store.ListEntity{ID: fmt.Sprintf("%05d", i), Hash: "h", Body: []byte("{}")})
			}
			require.NoError(t, s.SaveSnapshot(ctx, store.Snapshot{ID: id, Kind: kind, Meta: []byte(`{}`), Imported: now}, list))
		}
		save("one", "un", 5001)
		active, err := s.Read().ActiveSnapshots(ctx)
		require.NoError(t, err)
		require.Empty(t, active, "stored is not in force")
		require.Empty(t, activate(t, s, "one", now))
		save("two", "un", 4)
		require.Equal(t, "one", activate(t, s, "two", now))
		save("three", "ofac", 1)
		require.Empty(t, activate(t, s, "three", now))
		save("one", "un", 5001) // known already
		require.Equal(t, "two", activate(t, s, "one", now.Add(time.Hour)))
		require.Equal(t, "one", activate(t, s, "one", now.Add(2*time.Hour)), "in force already")

		active, err = s.Read().ActiveSnapshots(ctx)
		require.NoError(t, err)
		require.Len(t, active, 2)
		require.Equal(t, "three", active[0].ID)
		one := active[1]
		require.Equal(t, "one", one.ID)
		require.Equal(t, "two", one.Previous)
		require.Equal(t, now, one.Imported)
		require.Equal(t, now.Add(2*time.Hour), one.Confirmed)
		require.Equal(t, 5001, one.Entities)
		seen := 0
		require.NoError(t, s.Read().EachListEntity(ctx, "one", func(e store.ListEntity) error {
			require.Equal(t, fmt.Sprintf("%05d", seen), e.ID)
			seen++
			return nil
		}))
		require.Equal(t, 5001, seen)

		write(t, s, func(ctx context.Context, tx *store.Tx) error {
			id, err := tx.WithdrawSnapshot(ctx, "un")
			require.Equal(t, "one", id)
			return err
		})
		_, err = s.Read().ActiveSnapshot(ctx, "un")
		require.ErrorIs(t, err, store.ErrNotFound)
		_, err = s.Read().Snapshot(ctx, "one")
		require.NoError(t, err, "it stays")
		require.ErrorIs(t, s.Write(ctx, func(tx *store.Tx) error {
			_, err := tx.WithdrawSnapshot(ctx, "un")
			return err
		}), store.ErrNotFound)
	})
}

func TestAListThatWasStoredInPartIsNeverInForce(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		list := []store.ListEntity{{ID: "whole", Hash: "h", Body: []byte("{}")}, {ID: "no body", Hash: "h"}}
		require.Error(t, s.SaveSnapshot(ctx, store.Snapshot{ID: "half", Kind: "un", Meta: []byte(`{}`), Imported: now}, list))
		require.ErrorIs(t, s.Write(ctx, func(tx *store.Tx) error {
			_, err := tx.ActivateSnapshot(ctx, "half", now)
			return err
		}), store.ErrNotFound)
	})
}

func TestOldStatesOfListsAreForgottenAndThoseInForceNever(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		entry := []store.ListEntity{{ID: "a", Hash: "h", Body: []byte("{}")}}
		for i, id := range []string{"oldest", "older", "newest"} {
			require.NoError(t, s.SaveSnapshot(ctx, store.Snapshot{ID: id, Kind: "un", Meta: []byte(`{}`), Imported: now}, entry))
			activate(t, s, id, now.AddDate(0, 0, i))
		}
		pruned, err := s.PruneSnapshots(ctx, now.AddDate(0, 0, 1))
		require.NoError(t, err)
		require.Equal(t, []string{"oldest"}, pruned)
		_, err = s.Read().ListEntity(ctx, "oldest", "a")
		require.ErrorIs(t, err, store.ErrNotFound)
		_, err = s.Read().Snapshot(ctx, "oldest")
		require.NoError(t, err, "its head stays")
		pruned, err = s.PruneSnapshots(ctx, now.AddDate(1, 0, 0))
		require.NoError(t, err)
		require.Equal(t, []string{"older"}, pruned)
		_, err = s.Read().ListEntity(ctx, "newest", "a")
		require.NoError(t, err)

		// A state that was forgotten comes into force only with its entries.
		require.ErrorIs(t, s.Write(ctx, func(tx *store.Tx) error {
			_, err := tx.ActivateSnapshot(ctx, "older", now)
			return err
		}), store.ErrNotFound)
		require.NoError(t, s.SaveSnapshot(ctx, store.Snapshot{ID: "older", Kind: "un", Meta: []byte(`{}`), Imported: now}, entry))
		require.Equal(t, "newest", activate(t, s, "older", now))
	})
}
