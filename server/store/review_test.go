package store_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/server/review"
	"vestibule/server/store"
	"vestibule/sync/fault"
)

func held(id string, at time.Time) review.Item {
	return review.Open(journey.Verdict{Submission: id, Session: "s", Decision: journey.Pending, Reason: journey.ReasonCustomPolicy, Event: "e", At: at}, "k", "default", 2,
		[]review.Finding{{Check: "custom", Ground: journey.Ground{Decision: journey.Pending, Reason: journey.ReasonCustomPolicy}}}, journey.ReviewPolicy{})
}

func TestAnItemOfTheQueueComesBackAsItWasKept(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		at := time.UnixMicro(1_770_000_000_000_001).UTC()
		save := func(i review.Item) error {
			return s.Write(ctx, func(tx *store.Tx) error { return tx.SaveReview(ctx, i, at) })
		}
		i := held("a", at)
		require.NoError(t, save(i))
		got, err := s.Read().Review(ctx, "a")
		require.NoError(t, err)
		i.Version, i.Updated, i.Votes, i.Corrected = 1, at, []review.Vote{}, []review.Field{}
		require.Equal(t, i, got)

		got, err = got.Claim("anna", at, journey.ReviewPolicy{})
		require.NoError(t, err)
		got, err = got.Decide(review.Vote{Who: "anna", Decision: journey.Approved, Act: "x"}, at, journey.ReviewPolicy{})
		require.NoError(t, err)
		got.Corrected, got.Flag, got.Checking = []review.Field{review.Birth}, review.Disagreed, true
		require.NoError(t, save(got))
		again, err := s.Read().Review(ctx, "a")
		require.NoError(t, err)
		got.Version = 2
		require.Equal(t, got, again)
		got.Version = 1
		require.Equal(t, review.CodeChanged, fault.Code(save(got)), "an old version does not go over a newer one")
		require.Equal(t, review.CodeChanged, fault.Code(save(held("a", at))), "nor does a new item")

		_, err = s.Read().Review(ctx, "b")
		require.ErrorIs(t, err, store.ErrNotFound)
		for n, due := range []time.Duration{2, 0, 1} {
			i := held(fmt.Sprint(n), at.Add(due*time.Hour))
			require.NoError(t, save(i))
		}
		list, err := s.Read().Reviews(ctx, review.Waiting, 2)
		require.NoError(t, err)
		require.Len(t, list, 2)
		require.Equal(t, "1", list[0].Submission, "what is due first")
		require.Equal(t, "2", list[1].Submission)
		n, err := s.Read().CountReviews(ctx, review.Waiting)
		require.NoError(t, err)
		require.Equal(t, 3, n)
		n, err = s.Read().LateReviews(ctx, list[1].Due)
		require.NoError(t, err)
		require.Equal(t, 1, n)
	})
}

// TestOfManyWhoTakeTheSameItemAtOnceOneGetsIt lets them all read the item first, so that
// every one of them believes that nobody has it.
func TestOfManyWhoTakeTheSameItemAtOnceOneGetsIt(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		at := time.UnixMicro(1_770_000_000_000_001).UTC()
		for round := range 5 {
			id := fmt.Sprint(round)
			require.NoError(t, s.Write(ctx, func(tx *store.Tx) error { return tx.SaveReview(ctx, held(id, at), at) }))
			const people = 6
			var read, done sync.WaitGroup
			read.Add(people)
			errs := make([]error, people)
			for n := range people {
				done.Go(func() {
					i, err := s.Read().Review(ctx, id)
					if err == nil {
						i, err = i.Claim(fmt.Sprint("p", n), at, journey.ReviewPolicy{})
					}
					read.Done()
					read.Wait()
					if err == nil {
						err = s.Write(ctx, func(tx *store.Tx) error { return tx.SaveReview(ctx, i, at) })
					}
					errs[n] = err
				})
			}
			done.Wait()
			var winner string
			for n, err := range errs {
				if err == nil {
					require.Empty(t, winner, "two got it")
					winner = fmt.Sprint("p", n)
					continue
				}
				require.Equal(t, review.CodeChanged, fault.Code(err))
			}
			got, err := s.Read().Review(ctx, id)
			require.NoError(t, err)
			require.NotEmpty(t, winner)
			require.Equal(t, winner, got.HeldBy(at))
		}
	})
}

func TestStepsAreKeptInTheirOrder(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		at := time.UnixMicro(1_770_000_000_000_001).UTC()
		acts := []store.ReviewAct{
			{ID: "1", Submission: "a", At: at, Who: "anna", What: "claim"},
			{ID: "2", Submission: "a", At: at.Add(time.Second), Who: "anna", What: "approve", Detail: "d", Private: []byte{1, 2}},
		}
		require.NoError(t, s.Write(ctx, func(tx *store.Tx) error {
			for _, a := range []store.ReviewAct{acts[1], acts[0], {ID: "3", Submission: "b", At: at, Who: "x", What: "y"}} {
				if err := tx.AddReviewAct(ctx, a); err != nil {
					return err
				}
			}
			return nil
		}))
		got, err := s.Read().ReviewActs(ctx, "a")
		require.NoError(t, err)
		require.Equal(t, acts, got)
	})
}

func TestAUserIsFoundByTheirKeyUntilTheyAreDisabled(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		at := time.UnixMicro(1_770_000_000_000_001).UTC()
		u := store.User{Name: "anna", Role: "reviewer", Hash: "h", Created: at}
		add := func(u store.User) (fresh bool) {
			require.NoError(t, s.Write(ctx, func(tx *store.Tx) (err error) { fresh, err = tx.AddUser(ctx, u); return err }))
			return fresh
		}
		require.True(t, add(u))
		got, err := s.Read().UserByHash(ctx, "h")
		require.NoError(t, err)
		require.Equal(t, u, got)
		require.NoError(t, s.Write(ctx, func(tx *store.Tx) error { return tx.DisableUser(ctx, "anna", at.Add(time.Hour)) }))
		_, err = s.Read().UserByHash(ctx, "h")
		require.ErrorIs(t, err, store.ErrNotFound)
		err = s.Write(ctx, func(tx *store.Tx) error { return tx.DisableUser(ctx, "anna", at) })
		require.ErrorIs(t, err, store.ErrNotFound)
		require.False(t, add(store.User{Name: "anna", Role: "viewer", Hash: "other", Created: at}), "a name means one person for ever")
		u.Disabled = at.Add(time.Hour)
		all, err := s.Read().Users(ctx)
		require.NoError(t, err)
		require.Equal(t, []store.User{u}, all)
	})
}
