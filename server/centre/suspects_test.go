package centre_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/server/kiosktest"
	"vestibule/server/store"
)

func TestWhoComesWithASlipOfThePenIsSuspected(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		w := newWorld(t, s)
		kiosktest.Enrol(t, s, "far")
		p := journey.DefaultPolicy()
		p.Recheck = false
		apply := func(version string, suspected journey.Suspected) {
			p.Version, p.Duplicates.Suspected = version, suspected
			require.NoError(t, s.Write(ctx, func(tx *store.Tx) error { return tx.SavePolicy(ctx, p, time.Now()) }))
		}
		apply("1", journey.SuspectedNote)
		k := w.kiosk("k")
		who := 0
		come := func(number, family, given, birth string) (store.Submission, journey.Event) {
			who++
			sub := w.visit(k, func(s *journey.Submission) {
				other(number, family)(s)
				s.Document.Person.GivenNames, s.Document.Person.Birth = given, birth
				s.Face = &journey.FaceTemplate{Model: "87aacdfe5751", Vector: template(uint64(who))}
			}, who)
			row := w.decide(sub)
			return row, w.events(sub)[journey.CentreSuspectedDuplicateCheck]
		}
		first, said := come("L1111111", "ERIKSSON", "ANNA MARIA", "1974-08-12")
		require.Equal(t, journey.Approved, first.Decision)
		require.Equal(t, journey.Pass, said.Result)

		row, said := come("L2222222", "ERIKSEN", "ANNA MARIA", "1974-08-12")
		require.Equal(t, journey.Approved, row.Decision, "a suspicion decides nothing")
		require.Equal(t, journey.Observed, said.Result)
		require.Equal(t, first.ID, said.Detail["first"])
		require.Equal(t, "birth", said.Detail["by"])
		for _, secret := range []string{"ERIKS", "ANNA", "1974"} {
			for _, v := range said.Detail {
				require.NotContains(t, v, secret)
			}
		}

		row, said = come("L3333333", "ERIKSSON", "ANNA MARIA", "1974-12-08")
		require.Equal(t, journey.Observed, said.Result, "day and month exchanged")
		require.Equal(t, "name", said.Detail["by"])
		require.Equal(t, journey.Approved, row.Decision)

		_, said = come("L4444444", "OKONKWO", "CHIDI", "1974-08-12")
		require.Equal(t, journey.Pass, said.Result, "born on the same day as others, and nothing else")

		apply("2", journey.SuspectedHold)
		row, said = come("L5555555", "ERICSSON", "ANNA MARIA", "1974-08-12")
		require.Equal(t, journey.Pending, row.Decision)
		require.Equal(t, journey.ReasonCustomPolicy, row.Reason)
		require.Equal(t, journey.Fail, said.Result)
		require.Equal(t, "3", said.Detail["hits"])

		row, said = come("L1111111", "ERIKSSON", "ANNA MARIA", "1974-08-12")
		require.Equal(t, journey.Rejected, row.Decision, "the same person is no suspicion")
		require.NotEqual(t, first.ID, said.Detail["first"])

		apply("3", journey.SuspectedOff)
		_, said = come("L6666666", "ERIKSON", "ANNA MARIA", "1974-08-12")
		require.Empty(t, said.Name)
	})
}

func TestWhoCameUnderAnEarlierReleaseIsSuspectedToo(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		w := newWorld(t, s)
		first := w.visit(w.kiosk("k"), nil, 1)
		require.Equal(t, journey.Approved, w.decide(first).Decision)
		other := w.visit(w.kiosk("k"), func(s *journey.Submission) { s.Document.Number = "L7777777" }, 2)
		near := func() []store.Submission {
			rows, err := s.Read().Near(ctx, "default", other.ID, 10)
			require.NoError(t, err)
			return rows
		}
		require.Len(t, near(), 1)
		require.NoError(t, s.Write(ctx, func(tx *store.Tx) error { return tx.ForgetNear(ctx, first.ID) }))
		require.Empty(t, near())
		require.NoError(t, w.centre.Sweep(ctx))
		require.Len(t, near(), 1)
		left, err := s.Read().WithoutNear(ctx, 10)
		require.NoError(t, err)
		require.Empty(t, left)
	})
}
