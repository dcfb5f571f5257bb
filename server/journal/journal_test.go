package journal_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/server/journal"
	"vestibule/server/kiosktest"
	"vestibule/server/store"
	"vestibule/server/store/storetest"
)

var cluster storetest.Cluster

func TestMain(m *testing.M) { os.Exit(storetest.Main(m, &cluster)) }

// However events come, a session's row is what all of them say.
func TestARowIsWhatItsEventsComeToInWhateverOrderTheyCame(t *testing.T) {
	names := []journey.EventName{
		journey.EventSessionCreated, journey.EventStepView, journey.EventStep1Entered, journey.EventErrorPageViewed, journey.EventNetworkOffline,
		journey.EventNetworkOnline, journey.KioskVisitStopped, journey.EventFinalPageView,
	}
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		kiosktest.Enrol(t, s, "k")
		noon := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
		for seed := range uint64(20) {
			random := rand.New(rand.NewPCG(seed, 9))
			session := fmt.Sprintf("s%d", seed)
			var kiosk []journey.Event
			for i := range 12 {
				at := noon.Add(time.Duration(random.IntN(600)) * time.Second)
				kiosk = append(kiosk, journey.Event{
					ID: kiosktest.NewID(), Session: session, Kiosk: "k", Seq: uint64(i + 1), Name: names[random.IntN(len(names))], Origin: journey.OriginAgent,
					Source: journey.FE, Result: journey.Observed, Impact: journey.ImpactNone, Started: at, Ended: at.Add(time.Second), Received: at.Add(90 * time.Second),
					Clock: journey.ClockTrusted,
				})
			}
			if seed%2 == 1 { // some come late, as from a second epoch
				random.Shuffle(len(kiosk), func(i, j int) { kiosk[i], kiosk[j] = kiosk[j], kiosk[i] })
			}
			for len(kiosk) > 0 {
				n := 1 + random.IntN(min(3, len(kiosk)))
				require.NoError(t, s.Write(ctx, func(tx *store.Tx) error {
					for _, e := range kiosk[:n] {
						if _, err := tx.AddEvent(ctx, e); err != nil {
							return err
						}
					}
					if random.IntN(3) == 0 {
						if err := journal.Add(ctx, tx, "k", session, "", noon, journey.Event{
							ID: kiosktest.NewID(), Name: journey.CentreReceived, Result: journey.Observed, Started: noon, Ended: noon,
						}); err != nil {
							return err
						}
					}
					_, err := journal.Refresh(ctx, tx, session, "default", noon, 0)
					return err
				}), "seed %d", seed)
				kiosk = kiosk[n:]
				events, err := s.Read().Events(ctx, session)
				require.NoError(t, err)
				want := journey.Summarise(events, noon, 0)
				row, err := s.Read().Session(ctx, session)
				require.NoError(t, err)
				require.Equal(t, want.Status, row.Status, "seed %d", seed)
				require.Equal(t, want.Events, row.Events, "seed %d", seed)
				require.True(t, want.Started.Equal(row.Started), "seed %d", seed)
				require.True(t, want.Ended.Equal(row.Ended), "seed %d", seed)
				offline, last, centre := false, uint64(0), uint64(0)
				for _, e := range events {
					if e.Origin == journey.OriginServer {
						centre = max(centre, e.Seq)
						continue
					}
					last = max(last, e.Seq)
					offline = true // 90 s late, all of them
				}
				require.Equal(t, offline, row.Offline, "seed %d", seed)
				require.Equal(t, last, row.KioskSeq, "seed %d", seed)
				require.Equal(t, centre, row.CentreSeq, "seed %d", seed)
			}
		}
	})
}

// What another release kept is not trusted, nor what is no fold at all.
func TestWhatWasKeptByOtherRulesIsWorkedOutAnew(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		kiosktest.Enrol(t, s, "k")
		now := time.Now()
		write := func(do func(tx *store.Tx) error) { require.NoError(t, s.Write(ctx, do)) }
		write(func(tx *store.Tx) error {
			if err := journal.Add(ctx, tx, "k", "s", "", now, journey.Event{ID: kiosktest.NewID(), Name: journey.CentreReceived, Result: journey.Observed, Started: now, Ended: now}); err != nil {
				return err
			}
			_, err := journal.Refresh(ctx, tx, "s", "default", now, 0)
			return err
		})
		for _, kept := range []string{``, `{`, `[]`, `{"release":0,"events":1}`, `{"release":1,"events":7}`} {
			row, err := s.Read().Session(ctx, "s")
			require.NoError(t, err)
			row.Fold, row.Events = []byte(kept), 9
			write(func(tx *store.Tx) error { return tx.SaveSession(ctx, row) })
			write(func(tx *store.Tx) error { _, err := journal.Refresh(ctx, tx, "s", "default", now, 0); return err })
			row, err = s.Read().Session(ctx, "s")
			require.NoError(t, err)
			require.Equal(t, 1, row.Events, kept)
		}
	})
}
