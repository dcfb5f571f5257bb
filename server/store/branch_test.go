package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/server/store"
	"vestibule/sync/wire"
)

func TestAKioskStandsBehindOneBoxAtMost(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		addKiosk(t, s, "a1")
		write(t, s, func(ctx context.Context, tx *store.Tx) error {
			for _, b := range []string{"south", "north", "north"} {
				require.NoError(t, tx.AddBranch(ctx, b, now))
			}
			require.NoError(t, tx.JoinBranch(ctx, "north", "a1"))
			require.NoError(t, tx.JoinBranch(ctx, "north", "a2"), "before it is enrolled")
			return tx.JoinBranch(ctx, "south", "a2")
		})
		all, err := s.Read().Branches(ctx)
		require.NoError(t, err)
		require.Equal(t, []store.Branch{{Name: "north", Made: now, Kiosks: []string{"a1"}}, {Name: "south", Made: now, Kiosks: []string{"a2"}}}, all)
		for kiosk, want := range map[string]string{"a1": "north", "a2": "south", "a3": ""} {
			got, err := s.Read().BranchOf(ctx, kiosk)
			require.NoError(t, err)
			require.Equal(t, want, got, kiosk)
		}
		require.Error(t, s.Write(ctx, func(tx *store.Tx) error { return tx.JoinBranch(ctx, "west", "a1") }), "no such branch")
		write(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.LeaveBranch(ctx, "a2") })
		require.ErrorIs(t, s.Write(ctx, func(tx *store.Tx) error { return tx.LeaveBranch(ctx, "a2") }), store.ErrNotFound)
		write(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.RevokeBranch(ctx, "south", now) })
		require.ErrorIs(t, s.Write(ctx, func(tx *store.Tx) error { return tx.RevokeBranch(ctx, "south", now) }), store.ErrNotFound)
		write(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AddBranch(ctx, "south", now.Add(time.Hour)) })
		all, err = s.Read().Branches(ctx)
		require.NoError(t, err)
		require.Equal(t, now, all[1].Revoked, "a name does not come back by being given again")
		require.Empty(t, all[1].Kiosks)
	})
}

func TestKiosksOfABranchAreThereOnlyWhileItsLineIs(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		for _, k := range []string{"a1", "a2", "b1", "c1"} {
			addKiosk(t, s, k)
		}
		birth := func(kiosk string) {
			write(t, s, func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.SetPresence(ctx, kiosk, wire.State{Kiosk: kiosk, Session: "1", Online: true})
				return err
			})
		}
		online := func() (out []string) {
			all, err := s.Read().Kiosks(ctx)
			require.NoError(t, err)
			for _, k := range all {
				if k.Online {
					out = append(out, k.ID)
				}
			}
			return out
		}
		write(t, s, func(ctx context.Context, tx *store.Tx) error {
			for branch, kiosks := range map[string][]string{"north": {"a1", "a2"}, "south": {"b1"}} {
				require.NoError(t, tx.AddBranch(ctx, branch, now))
				for _, k := range kiosks {
					require.NoError(t, tx.JoinBranch(ctx, branch, k))
				}
			}
			return nil
		})
		for _, k := range []string{"a1", "a2", "b1", "c1"} {
			birth(k)
		}
		write(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.LoseBranch(ctx, "north") })
		require.Equal(t, []string{"b1", "c1"}, online())
		birth("a1")
		require.Equal(t, []string{"a1", "b1", "c1"}, online(), "it is told again when the line is back")
		write(t, s, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.HoldKiosk(ctx, "a1", now, now)
			return err
		})
		write(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.QuietBranches(ctx, now) })
		require.Equal(t, []string{"a1", "c1"}, online(), "b1 stands behind a box and was never heard; c1 is the broker's to watch")
	})
}
