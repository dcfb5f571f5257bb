package centre_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/models"
	"vestibule/server/aml"
	"vestibule/server/centre"
	"vestibule/server/kiosktest"
	"vestibule/server/lists"
	"vestibule/server/review"
	"vestibule/server/store"
)

// listed is a world whose centre searches real lists, kept by a Keeper.
type listed struct {
	*world
	keeper  lists.Keeper
	inForce *lists.InForce
	n       int
}

func newListed(t *testing.T, s *store.Store) *listed {
	w := &listed{world: newWorld(t, s)}
	w.keeper = lists.Keeper{Store: s, Now: time.Now, NewID: kiosktest.NewID}
	w.inForce = &lists.InForce{Store: s, Log: slog.New(slog.DiscardHandler)}
	w.centre = centre.New(centre.Config{
		Store: s, Blobs: w.shelf, Keys: w.ring, Vault: w.vault, Now: time.Now, NewID: kiosktest.NewID, Log: slog.New(slog.DiscardHandler),
		Engine: func() (models.Engine, error) { return w.eyes, nil }, Screen: w.inForce.Screen,
	})
	return w
}

func (w *listed) clearing() centre.Clearing {
	return centre.Clearing{Store: w.store, Vault: w.vault, Now: time.Now, NewID: kiosktest.NewID}
}

// filler are entries of a list that resemble nobody here.
func filler() []aml.Entity {
	var all []aml.Entity
	for i, name := range []string{"Kasimir Vorenthal", "Isaura Montequiral", "Behrouz Qasemzadegan", "Anatoliy Severyanenko", "Gaspard Ndolombayi", "Tariq Zuhayrabadi"} {
		all = append(all, aml.Entity{ID: fmt.Sprint("filler", i), Type: aml.Person, Names: []aml.Name{{Text: name, Kind: aml.Primary}}})
	}
	return all
}

func anna(program string) aml.Entity {
	return aml.Entity{
		ID: "anna", Type: aml.Person, Names: []aml.Name{{Text: "ERIKSSON, Anna Maria", Kind: aml.Primary}},
		Births: []aml.Birth{{From: "1974-08-12"}}, Programs: []string{program},
	}
}

// take puts a list in force, in the database only, and gives its snapshot.
func (w *listed) take(entries ...aml.Entity) string {
	w.t.Helper()
	w.n++
	list := aml.List{Source: "un_sc", Snapshot: strings.Repeat(fmt.Sprintf("%04x", w.n), 16), Entities: append(filler(), entries...)}
	for i := range list.Entities {
		list.Entities[i].Source = list.Source
	}
	_, err := w.keeper.Take(context.Background(), list, "test", true)
	require.NoError(w.t, err)
	return list.Snapshot
}

func (w *listed) refresh() { require.NoError(w.t, w.inForce.Refresh(context.Background())) }

// rescreened gives the events of a submission's session that say that it was screened again.
func (w *listed) rescreened(s journey.Submission) []journey.Event {
	var found []journey.Event
	for _, e := range mustEvents(w.t, w.store, s.Session) {
		if e.Name == journey.CentreRescreened {
			found = append(found, e)
		}
	}
	return found
}

func (w *listed) status(s journey.Submission) string {
	kept, err := w.store.Read().Screening(context.Background(), s.ID)
	require.NoError(w.t, err)
	return kept.Status
}

func (w *listed) hits() []store.Hit {
	all, err := w.store.Read().OpenHits(context.Background(), 10)
	require.NoError(w.t, err)
	return all
}

func TestWhoIsKnownIsScreenedAgainAgainstWhatIsNewOnAList(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		w := newListed(t, s)
		w.take()
		w.refresh()
		k := w.kiosk("k")
		sub := w.visit(k, nil, 1)
		require.Equal(t, journey.Approved, w.decide(sub).Decision)
		require.Equal(t, "Clear", w.status(sub))
		before, err := s.Read().Kiosk(ctx, "k")
		require.NoError(t, err)

		snapshot := w.take(anna("A"))
		job, err := s.Read().Job(ctx, centre.JobRescreen, snapshot)
		require.NoError(t, err)
		require.WithinDuration(t, time.Now().Add(centre.RescreenAfter), job.Due, time.Minute, "not before whoever searched the old list is decided")
		require.ErrorIs(t, w.centre.Rescreen(ctx, snapshot), centre.ErrListBehind, "this copy still searches the old one")
		w.refresh()
		for range 2 { // a job may run twice
			require.NoError(t, w.centre.Rescreen(ctx, snapshot))
			found := w.rescreened(sub)
			require.Len(t, found, 1)
			require.Equal(t, journey.Fail, found[0].Result)
			require.Equal(t, "anna", found[0].Detail["entity"])
			require.Len(t, w.hits(), 1)
			require.Equal(t, found[0].ID, w.hits()[0].Event)
		}
		run, err := s.Read().Rescreening(ctx, snapshot)
		require.NoError(t, err)
		require.Equal(t, 1, run.People)
		require.Equal(t, 1, run.Hits)
		require.False(t, run.Ended.IsZero())

		// The decision is as it was, and nobody was told of another.
		row := w.row(sub)
		require.Equal(t, journey.Approved, row.Decision)
		require.Equal(t, journey.Approved, journey.Explain(mustEvents(t, s, sub.Session)).Decision)
		after, err := s.Read().Kiosk(ctx, "k")
		require.NoError(t, err)
		require.Equal(t, before.CommandSeq, after.CommandSeq)
		require.Equal(t, "Red Flag", w.status(sub), "and still it is seen")

		// It waits for people, once, whatever became of it before.
		item, err := s.Read().Review(ctx, sub.ID)
		require.NoError(t, err)
		require.Equal(t, review.Waiting, item.State)
		require.Equal(t, review.Listed, item.Flag)
		require.Equal(t, journey.Approved, item.Decision)
		require.Len(t, item.Findings, 1)
		require.Contains(t, item.Findings[0].Basis, "anna")

		// Somebody looks: it is another person, as long as the entry stays as it is.
		require.NoError(t, w.clearing().Clear(ctx, sub.ID, "un_sc", "anna", "ops", "another place of birth"))
		require.Empty(t, w.hits())
		require.Equal(t, "Clear", w.status(sub))
		pairs, err := s.Read().AllCleared(ctx, 10)
		require.NoError(t, err)
		require.Len(t, pairs, 1)
		require.NotContains(t, string(pairs[0].Why), "birth")

		same := w.take(anna("A"), aml.Entity{ID: "more", Type: aml.Person, Names: []aml.Name{{Text: "Mirela Dragonescu", Kind: aml.Primary}}})
		w.refresh()
		require.NoError(t, w.centre.Rescreen(ctx, same))
		require.Len(t, w.rescreened(sub), 1, "the entry is as it was")
		changed := w.take(anna("B"))
		w.refresh()
		require.NoError(t, w.centre.Rescreen(ctx, changed))
		require.Len(t, w.rescreened(sub), 2, "the entry has changed")
		require.NoError(t, w.keeper.Rescreen(ctx, "un_sc", "test"))
		require.NoError(t, w.centre.Rescreen(ctx, changed))
		require.Len(t, w.rescreened(sub), 2, "against the whole list nothing more is found than against what was new")
		require.Len(t, w.hits(), 1)
		require.Equal(t, "Red Flag", w.status(sub))
	})
}

func TestWhatIsNewStaysNewUntilEverybodyIsScreenedAgainstIt(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		w := newListed(t, s)
		first := w.take()
		w.refresh()
		sub := w.visit(w.kiosk("k"), nil, 1)
		require.Equal(t, journey.Approved, w.decide(sub).Decision)
		require.NoError(t, w.centre.Rescreen(ctx, first))

		second := w.take(anna("A"))
		third := w.take(anna("A"), aml.Entity{ID: "more", Type: aml.Person, Names: []aml.Name{{Text: "Mirela Dragonescu", Kind: aml.Primary}}})
		w.refresh()
		require.NoError(t, w.centre.Rescreen(ctx, second), "superseded")
		require.Empty(t, w.rescreened(sub))
		require.NoError(t, w.centre.Rescreen(ctx, third))
		require.Len(t, w.rescreened(sub), 1, "what came with the second is on the third")

		// A list that is withdrawn holds nobody.
		w2 := w.take(anna("C"))
		_, err := w.keeper.Withdraw(ctx, "un_sc", "test")
		require.NoError(t, err)
		w.refresh()
		require.NoError(t, w.centre.Rescreen(ctx, w2))
		require.Len(t, w.rescreened(sub), 1)
	})
}

func TestNobodyIsDecidedOnByAListThatWasReplacedLongAgo(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		w := newListed(t, s)
		w.take()
		w.refresh()
		k := w.kiosk("k")
		snapshot := w.take(anna("A")) // and this copy does not catch up
		sub := w.visit(k, nil, 1)
		require.NoError(t, s.Write(ctx, func(tx *store.Tx) error {
			return tx.BeginRescreening(ctx, snapshot, "", time.Now().Add(-2*centre.RescreenAfter))
		}))
		require.ErrorIs(t, w.centre.Decide(ctx, sub.ID), centre.ErrListBehind, "whoever is screened again is screened by now")
		require.Empty(t, w.row(sub).Decision)
		w.refresh()
		require.Equal(t, journey.Pending, w.decide(sub).Decision)

		// A moment after it came into force the old list still decides: it is screened again then.
		later := w.take(anna("A"), aml.Entity{ID: "more", Type: aml.Person, Names: []aml.Name{{Text: "Mirela Dragonescu", Kind: aml.Primary}}})
		mirela := w.visit(k, func(s *journey.Submission) {
			other("L111111C3", "DRAGONESCU")(s)
			s.Document.Person.GivenNames = "MIRELA"
		}, 2)
		require.NoError(t, w.centre.Decide(ctx, mirela.ID))
		require.NotEmpty(t, w.row(mirela).Decision)
		w.refresh()
		require.NoError(t, w.centre.Rescreen(ctx, later))
		require.Len(t, w.rescreened(mirela), 1)
	})
}

func TestAClearedPairIsNotHeldUntilThePersonOrTheEntryChanges(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		w := newListed(t, s)
		w.take(anna("A"))
		w.refresh()
		k := w.kiosk("k")
		sub := w.visit(k, nil, 1)
		require.Equal(t, journey.Pending, w.decide(sub).Decision)
		require.ErrorIs(t, w.clearing().Clear(ctx, sub.ID, "un_sc", "nobody", "ops", "x"), store.ErrNotFound)
		require.ErrorIs(t, w.clearing().Clear(ctx, sub.ID, "us_ofac", "anna", "ops", "x"), store.ErrNotFound)
		require.ErrorIs(t, w.clearing().Clear(ctx, "nobody", "un_sc", "anna", "ops", "x"), store.ErrNotFound)
		require.NoError(t, w.clearing().Clear(ctx, sub.ID, "un_sc", "anna", "ops", "another place of birth"))
		require.Equal(t, journey.Pending, w.row(sub).Decision, "what is held stays so until somebody decides")
		require.Equal(t, "Clear", w.status(sub))

		// again hands the submission in anew and has it decided.
		again := func(change func(*journey.Submission)) journey.Decision {
			t.Helper()
			sub.Revision++
			sub.Updated = time.Now()
			if change != nil {
				change(&sub)
			}
			k.Submission(sub)
			k.Send()
			return w.decide(sub).Decision
		}
		require.Equal(t, journey.Approved, again(nil))
		check := w.events(sub)[journey.EventAMLCheck]
		require.Equal(t, "1", check.Detail["cleared"])

		require.NoError(t, w.clearing().Unclear(ctx, sub.ID, "un_sc", "anna", "ops"))
		require.Equal(t, "Red Flag", w.status(sub))
		require.ErrorIs(t, w.clearing().Unclear(ctx, sub.ID, "un_sc", "anna", "ops"), store.ErrNotFound)
		require.Equal(t, journey.Pending, again(nil))

		require.NoError(t, w.clearing().Clear(ctx, sub.ID, "un_sc", "anna", "ops", "again"))
		require.Equal(t, journey.Approved, again(nil))
		w.take(anna("B"))
		w.refresh()
		require.Equal(t, journey.Pending, again(nil), "the entry has changed")
		require.NoError(t, w.clearing().Clear(ctx, sub.ID, "un_sc", "anna", "ops", "again"))
		require.Equal(t, journey.Approved, again(nil))
		require.Equal(t, journey.Pending, again(func(s *journey.Submission) {
			s.Review = &journey.PersonData{GivenNames: "ANNA", Corrected: true}
		}), "the person has changed")
	})
}
