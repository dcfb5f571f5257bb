package ingest_test

import (
	"context"
	"fmt"
	mrand "math/rand/v2"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/server/journal"
	"vestibule/server/store"
)

// A session's row is derived from what the last frames brought, where nobody else has written: it must be what all of
// the database's events say, whoever writes in between.
func TestASessionsRowIsWhatAllOfItsEventsSay(t *testing.T) {
	names := []journey.EventName{
		journey.EventStepView, journey.EventNetworkOffline, journey.EventNetworkOnline, journey.EventErrorPageViewed, journey.EventIDRecognition,
		journey.EventFaceCompare, journey.KioskVisitStopped, journey.EventSessionReused,
	}
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		c := newCentre(t, s)
		rng := mrand.New(mrand.NewPCG(1, 2))
		k := newKiosk(t, "k", "e1")
		sent := 0
		for range 60 {
			for range 1 + rng.IntN(6) {
				k.event(fmt.Sprintf("s%d", rng.IntN(3)), names[rng.IntN(len(names))], func(e *journey.Event) {
					e.Detail = map[string]string{"a": "b"}
					if e.Source == journey.FE {
						e.Origin, e.Path = journey.OriginKioskUI, "/step1"
					}
				})
			}
			c.accept(k.frame(sent+1, len(k.records)))
			sent = len(k.records)
			if rng.IntN(3) == 0 { // the centre speaks, too
				require.NoError(t, s.Write(t.Context(), func(tx *store.Tx) error {
					session := fmt.Sprintf("s%d", rng.IntN(3))
					if _, err := tx.Session(t.Context(), session); err != nil {
						return nil
					}
					if err := journal.Add(t.Context(), tx, "k", session, "", now, journey.Event{
						ID: uuid.Must(uuid.NewV7()).String(), Name: journey.CentreReceived, Result: journey.Observed, Started: now, Ended: now,
					}); err != nil {
						return err
					}
					_, err := journal.Refresh(t.Context(), tx, session, "", now, 0)
					return err
				}))
			}
			for i := range 3 {
				session := fmt.Sprintf("s%d", i)
				row, err := s.Read().Session(context.Background(), session)
				if err != nil {
					continue
				}
				require.NoError(t, s.Write(t.Context(), func(tx *store.Tx) error {
					whole, err := journal.Refresh(t.Context(), tx, session, "", now, 0)
					require.Equal(t, whole, row)
					return err
				}))
			}
		}
		events, err := s.Read().Events(context.Background(), "s1")
		require.NoError(t, err)
		for _, e := range events {
			if e.Origin != journey.OriginServer {
				require.Equal(t, map[string]string{"a": "b"}, e.Detail, "what is remembered short is stored whole")
			}
		}
	})
}
