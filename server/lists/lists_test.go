package lists_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/server/aml"
	"vestibule/server/centre"
	"vestibule/server/kiosktest"
	"vestibule/server/lists"
	"vestibule/server/store"
	"vestibule/server/store/storetest"
	"vestibule/sync/fault"
)

var cluster storetest.Cluster

func TestMain(m *testing.M) { os.Exit(storetest.Main(m, &cluster)) }

var now = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

func keeper(s *store.Store) lists.Keeper {
	return lists.Keeper{Store: s, Now: func() time.Time { return now }, NewID: kiosktest.NewID}
}

// of makes a list of invented people.
func of(source aml.Source, snapshot string, names ...string) aml.List {
	l := aml.List{Source: source, Snapshot: snapshot}
	for i, name := range names {
		l.Entities = append(l.Entities, aml.Entity{
			ID: fmt.Sprint(i), Source: source, Type: aml.Person, Names: []aml.Name{{Text: name, Kind: aml.Primary}},
		})
	}
	return l
}

func inForce(t *testing.T, s *store.Store) *lists.InForce {
	f := &lists.InForce{Store: s, Log: slog.New(slog.DiscardHandler)}
	require.NoError(t, f.Refresh(context.Background()))
	return f
}

func TestAListCutToOnePersonDoesNotReplaceTheFullOne(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		full := of("un_sc", "full", "Kasimir Vorenthal", "Isaura Montequiral", "Behrouz Qasemzadegan", "Anatoliy Severyanenko")
		_, err := keeper(s).Take(ctx, full, "test", false)
		require.NoError(t, err)
		cut := of("un_sc", "cut", "Kasimir Vorenthal")
		taken, err := keeper(s).Take(ctx, cut, "test", false)
		require.Equal(t, "list_shrunk", fault.Code(err))
		require.Len(t, taken.Change.Removed, 3)
		active, err := s.Read().ActiveSnapshot(ctx, "un_sc")
		require.NoError(t, err)
		require.Equal(t, "full", active.ID)

		taken, err = keeper(s).Take(ctx, cut, "test", true)
		require.NoError(t, err)
		require.Equal(t, "list_shrunk", fault.Code(taken.Forced))
		active, err = s.Read().ActiveSnapshot(ctx, "un_sc")
		require.NoError(t, err)
		require.Equal(t, "cut", active.ID)
		audits, err := s.Read().Audits(ctx, "list ", 10)
		require.NoError(t, err)
		require.Equal(t, "list import forced: list_shrunk", audits[0].What)
	})
}

func TestTheLastListWithdrawnLeavesNobodyToScreenAgainst(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		_, err := keeper(s).Take(ctx, of("un_sc", "one", "Kasimir Vorenthal"), "test", false)
		require.NoError(t, err)
		f := inForce(t, s)
		got, err := f.Screen(ctx, aml.Query{Name: "Kasimir Vorenthal"})
		require.NoError(t, err)
		require.Len(t, got.Matches, 1)
		assert.Len(t, got.Matches[0].Hash, 64)

		_, err = keeper(s).Withdraw(ctx, "us_ofac", "test")
		require.Equal(t, "list_unknown", fault.Code(err))
		_, err = keeper(s).Withdraw(ctx, "un_sc", "test")
		require.NoError(t, err)
		require.NoError(t, f.Refresh(ctx))
		require.False(t, f.Loaded())
		_, err = f.Screen(ctx, aml.Query{Name: "Kasimir Vorenthal"})
		require.ErrorIs(t, err, centre.ErrNoLists, "never clear")

		_, err = keeper(s).Take(ctx, of("un_sc", "one", "Kasimir Vorenthal"), "test", false)
		require.NoError(t, err)
		require.NoError(t, f.Refresh(ctx))
		require.True(t, f.Loaded(), "the same snapshot comes back")
	})
}
