package keep_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/server/store"
)

const day = 24 * time.Hour

func TestWhatAPolicyNoLongerKeepsGoesByItselfAndNothingElse(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.policy(journey.RetentionPolicy{Pictures: day, Face: 2 * day, Sealed: 3 * day, Personal: 10 * day})
		k := w.kiosk()
		old, held := w.visit(k, 1), w.visit(k, 2)
		w.listed = nil
		pending := w.someone(3)
		w.send(k, &pending, 3) // complete, and never decided
		_, err := w.keeper.Hold(t.Context(), held.ID, "lawyer", "file 1")
		require.NoError(t, err)
		retain := func() {
			t.Helper()
			_, err := w.keeper.Retain(t.Context())
			require.NoError(t, err)
		}
		retain()
		require.Empty(t, w.erased)

		w.wait(day + time.Hour)
		young := w.visit(k, 4)
		due, err := w.keeper.Preview(t.Context())
		require.NoError(t, err)
		require.Len(t, due, 4)
		require.Equal(t, []any{journey.DataPictures, day, 1, 2}, []any{due[0].Kind, due[0].Limit, due[0].Due, due[0].Kept})
		retain()
		require.Equal(t, map[journey.DataKind]int{journey.DataPictures: 1}, w.erased)
		found := w.look(w.dsn, w.dir).where(w.needles(old, 1))
		require.NotContains(t, found, "picture selfie")
		for _, f := range found {
			require.NotContains(t, f, "picture")
		}
		require.Contains(t, found, "face.template opened: template")
		require.Contains(t, found, "submission.private opened: family name")

		w.wait(day)
		retain()
		require.NotContains(t, w.look(w.dsn, w.dir).where(w.needles(old, 1)), "face.template opened: template")
		w.wait(day)
		retain()
		found = w.look(w.dsn, w.dir).where(w.needles(old, 1))
		require.NotContains(t, found, "inbox.body opened: family name")
		require.NotContains(t, found, "submission.sealed opened: family name")
		require.Contains(t, found, "submission.private opened: family name")
		require.Equal(t, store.StandDecided, w.row(old.ID).Stand)

		w.wait(7 * day)
		retain()
		require.Empty(t, w.look(w.dsn, w.dir).where(w.needles(old, 1)))
		require.Equal(t, store.StandErased, w.row(old.ID).Stand)
		for who, id := range map[string]string{"held": held.ID, "undecided": pending.ID} {
			require.NotEmpty(t, w.row(id).Private, who)
			erasures, err := w.store.Read().Erasures(t.Context(), id)
			require.NoError(t, err)
			require.Empty(t, erasures, who)
		}
		require.NotEmpty(t, w.row(young.ID).Private)
		before := w.erased[journey.DataPersonal]
		retain()
		require.Equal(t, before, w.erased[journey.DataPersonal], "once is enough")
		lines, err := w.store.Read().AuditOf(t.Context(), old.ID)
		require.NoError(t, err)
		require.Len(t, lines, 4)
		require.Equal(t, "erase personal for retention", lines[3].What)
	})
}

func TestPersonalDataTakeEverythingWithThem(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.policy(journey.RetentionPolicy{Personal: day}) // the others without limit
		s := w.visit(w.kiosk(), 1)
		w.wait(2 * day)
		n, err := w.keeper.Retain(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.Empty(t, w.look(w.dsn, w.dir).where(w.needles(s, 1)))
	})
}

func TestAVisitThatItsKioskNeverFinishedHasThirtyDaysMore(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.policy(journey.RetentionPolicy{Personal: day})
		s := w.someone(1)
		s.State = journey.SubmissionOpen
		w.send(w.kiosk(), &s, 1)
		w.wait(30 * day)
		n, err := w.keeper.Retain(t.Context())
		require.NoError(t, err)
		require.Zero(t, n)
		w.wait(2 * day)
		n, err = w.keeper.Retain(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.Empty(t, w.look(w.dsn, w.dir).where(w.needles(s, 1)))
	})
}
