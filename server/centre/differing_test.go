package centre_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/server/centre"
	"vestibule/server/kiosktest"
	"vestibule/server/store"
)

func TestThePolicySaysWhoseEvidenceIsReadAgain(t *testing.T) {
	fresh := func(s *journey.Submission) { s.Models = map[string]string{"fr_feature": "87aacdfe5751", "more": "1"} }
	stale := func(s *journey.Submission) { s.Models = map[string]string{"fr_feature": "an earlier one"} }
	for name, c := range map[string]struct {
		of     journey.RecheckOf
		share  float64
		visit  func(*journey.Submission)
		result journey.Result
		left   string
	}{
		"all":                             {journey.RecheckAll, 0, fresh, journey.Pass, ""},
		"a policy from before the choice": {"", 0, fresh, journey.Pass, ""},
		"stale, and it is":                {journey.RecheckStale, 0, stale, journey.Pass, ""},
		"stale, and it is not":            {journey.RecheckStale, 100, fresh, journey.Skipped, "not-stale"},
		"a sample that takes everybody":   {journey.RecheckSample, 100, fresh, journey.Pass, ""},
		"a sample that takes nobody":      {journey.RecheckSample, 0, fresh, journey.Skipped, "not-sampled"},
		"a sample takes what is stale":    {journey.RecheckSample, 0, stale, journey.Pass, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := openSQLite(t)
			w := newWorld(t, s)
			p := journey.DefaultPolicy()
			p.RecheckOf, p.RecheckShare = c.of, c.share
			require.NoError(t, s.Write(t.Context(), func(tx *store.Tx) error { return tx.SavePolicy(t.Context(), p, time.Now()) }))
			sub := w.visit(w.kiosk("k"), c.visit, 1)
			require.Equal(t, journey.Approved, w.decide(sub).Decision)
			for _, e := range mustEvents(t, s, sub.Session) {
				if e.Name == journey.CentreRecheck {
					require.Equal(t, c.result, e.Result)
					require.Equal(t, c.left, e.Detail["left"])
					return
				}
			}
			t.Fatal("the journey says nothing of it")
		})
	}
}

func TestAKioskThatReadsDifferentlyTooOftenIsToldOfOnce(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		w := newWorld(t, s)
		kiosktest.Enrol(t, s, "well")
		now := time.Now()
		old, current := map[string]string{"zone": "1", "face": "7"}, map[string]string{"zone": "2", "face": "7"}
		require.NoError(t, s.Write(ctx, func(tx *store.Tx) error {
			for i := range 100 {
				for _, one := range []struct {
					kiosk  string
					models map[string]string
					wrong  bool
					at     time.Time
				}{
					{"k", old, i%5 == 0, now.Add(-time.Duration(i) * time.Hour)}, // over several days
					{"k", current, i%50 == 0, now},
					{"well", old, i == 0, now},
					{"well", current, true, now.AddDate(0, 0, -8)}, // before the window
				} {
					if err := tx.TallyRecheck(ctx, one.kiosk, one.models, one.wrong, one.at); err != nil {
						return err
					}
				}
			}
			for range centre.DifferingLeast - 1 { // too few to say anything
				if err := tx.TallyRecheck(ctx, "well", map[string]string{"zone": "3"}, true, now); err != nil {
					return err
				}
			}
			return nil
		}))
		told := func() (out []journey.Event) {
			for _, e := range mustEvents(t, s, "") {
				if e.Name == journey.CentreRecheckDiffers {
					out = append(out, e)
				}
			}
			return out
		}
		at := func(d time.Duration) {
			c := centre.New(centre.Config{Store: w.store, Now: func() time.Time { return now.Add(d) }, NewID: kiosktest.NewID, Log: slog.New(slog.DiscardHandler)})
			require.NoError(t, c.Sweep(ctx))
		}
		at(0)
		at(time.Hour)
		require.Len(t, told(), 1)
		require.Equal(t, "20", told()[0].Detail["differed"])
		require.Equal(t, "100", told()[0].Detail["of"])
		require.Equal(t, old, told()[0].Models)

		shown, err := s.Read().ToldTallies(ctx, now.AddDate(0, 0, -7))
		require.NoError(t, err)
		require.Len(t, shown, 1)
		standing, err := s.Read().Standing(ctx)
		require.NoError(t, err)
		require.Equal(t, 1, standing.Differing)

		sub := w.visit(w.kiosk("k"), nil, 1)
		require.Equal(t, journey.Approved, w.decide(sub).Decision)
		all, err := s.Read().Tallies(ctx, now.Add(-time.Hour).UTC().Truncate(24*time.Hour), 1)
		require.NoError(t, err)
		require.Contains(t, all, store.Tally{Kiosk: "k", Models: "face=r3", N: 1})
	})
}
