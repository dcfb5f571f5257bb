package centre_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/models"
	"vestibule/server/aml"
	"vestibule/server/centre"
	"vestibule/server/kiosktest"
	"vestibule/server/review"
	"vestibule/server/review/desk"
	"vestibule/server/store"
	"vestibule/sync/fault"
	"vestibule/sync/wire"
)

// office is a world in which people review, on a clock that the test moves.
type office struct {
	*world
	desk  *desk.Desk
	clock time.Time
	asked []aml.Query
}

func newOffice(t *testing.T, s *store.Store, rules journey.ReviewPolicy) *office {
	o := &office{world: newWorld(t, s), clock: time.Now()}
	now := func() time.Time { return o.clock }
	o.centre = centre.New(centre.Config{
		Store: s, Blobs: o.shelf, Keys: o.ring, Vault: o.vault, Now: now, NewID: kiosktest.NewID, Log: slog.New(slog.DiscardHandler),
		Engine: func() (models.Engine, error) { return o.eyes, nil },
		Screen: func(_ context.Context, q aml.Query) (centre.Screened, error) {
			o.asked = append(o.asked, q)
			return centre.Screened{Lists: "un:abc", Entities: 10, Matches: o.listed}, o.screens
		},
	})
	o.desk = desk.New(desk.Config{Store: s, Vault: o.vault, Now: now, NewID: kiosktest.NewID, Picture: func(store.Submission, store.Evidence) ([]byte, error) {
		return []byte("picture"), nil
	}})
	p := journey.DefaultPolicy()
	p.Version, p.Review = "r1", rules
	require.NoError(t, s.Write(t.Context(), func(tx *store.Tx) error {
		for _, name := range []string{"anna", "bob"} {
			if _, err := tx.AddUser(t.Context(), store.User{Name: name, Role: desk.Reviewer, Hash: name, Created: o.clock}); err != nil {
				return err
			}
		}
		if err := tx.SaveWebhook(t.Context(), store.Webhook{ID: "hook", Project: "default", URL: "https://partner.example/", Secret: []byte{1}, Created: o.clock}); err != nil {
			return err
		}
		return tx.SavePolicy(t.Context(), p, o.clock)
	}))
	return o
}

// held sends a visit that the rules hold, because a list knows the name.
func (o *office) held(change func(*journey.Submission)) journey.Submission {
	o.t.Helper()
	o.listed = []aml.Match{{Entity: "QDi.001", Source: aml.SourceUN, Score: 98, Name: "Anna Eriksson"}}
	sub := o.visit(o.kiosk("k"), change, 1)
	require.Equal(o.t, journey.Pending, o.decide(sub).Decision)
	return sub
}

func (o *office) item(s journey.Submission) review.Item {
	o.t.Helper()
	i, err := o.store.Read().Review(o.t.Context(), s.ID)
	require.NoError(o.t, err)
	return i
}

func (o *office) vote(who string, s journey.Submission, v review.Vote) {
	o.t.Helper()
	require.NoError(o.t, o.desk.Claim(o.t.Context(), who, s.ID))
	require.NoError(o.t, o.desk.Decide(o.t.Context(), who, s.ID, o.item(s).Mark(), v))
}

// later moves the clock and does the jobs that are due, as Run does.
func (o *office) later(d time.Duration) {
	o.t.Helper()
	o.clock = o.clock.Add(d)
	for {
		var j store.Job
		err := o.store.Write(o.t.Context(), func(tx *store.Tx) (err error) {
			j, err = tx.ClaimJob(o.t.Context(), o.clock, time.Minute)
			return err
		})
		if errors.Is(err, store.ErrNotFound) {
			return
		}
		require.NoError(o.t, err)
		switch j.Kind {
		case review.JobSettle:
			require.NoError(o.t, o.centre.Settle(o.t.Context(), j.Subject))
		case review.JobCheck:
			require.NoError(o.t, o.centre.CheckAgain(o.t.Context(), j.Subject))
		default:
			require.NoError(o.t, o.centre.Decide(o.t.Context(), j.Subject))
		}
		require.NoError(o.t, o.store.Write(o.t.Context(), func(tx *store.Tx) error { return tx.FinishJob(o.t.Context(), j, o.clock) }))
	}
}

func (o *office) left() (verdicts []journey.Verdict, told int) {
	o.t.Helper()
	commands, err := o.store.Read().Commands(o.t.Context(), "k", 0, 50)
	require.NoError(o.t, err)
	for _, c := range commands {
		var v journey.Verdict
		require.NoError(o.t, wire.Unmarshal(c.Body, &v))
		verdicts = append(verdicts, v)
	}
	queued, err := o.store.Read().Deliveries(o.t.Context(), 50)
	require.NoError(o.t, err)
	return verdicts, len(queued)
}

func approval() review.Vote {
	return review.Vote{Decision: journey.Approved, Internal: "another person"}
}

func rejection(code, comment string) review.Vote {
	return review.Vote{Decision: journey.Rejected, Reason: review.ReasonOf(code), Code: code, Comment: comment}
}

func TestAHeldSubmissionIsApprovedByAPersonAndEverybodyHearsOfItAfterTheUndoWindow(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		o := newOffice(t, s, journey.ReviewPolicy{})
		sub := o.held(nil)
		item := o.item(sub)
		require.Equal(t, review.Waiting, item.State)
		require.Len(t, item.Findings, 1)
		require.Equal(t, journey.Ground{Decision: journey.Pending, Reason: journey.ReasonCustomPolicy}, item.Findings[0].Ground)
		held := o.events(sub)[journey.EventPending]
		require.Equal(t, held.ID, item.Event)

		o.vote("anna", sub, approval())
		o.later(5*time.Minute - time.Second)
		verdicts, told := o.left()
		require.Len(t, verdicts, 1, "nothing leaves before the window is over")
		require.Equal(t, 1, told)
		require.Equal(t, journey.Pending, o.row(sub).Decision)

		o.later(time.Second)
		row := o.row(sub)
		require.Equal(t, journey.Approved, row.Decision)
		require.Equal(t, "anna", row.Reviewer)
		verdicts, told = o.left()
		require.Len(t, verdicts, 2)
		require.Equal(t, 2, told)
		events := o.events(sub)
		approved, reviewed := events[journey.EventApproved], events[journey.CentreReviewed]
		require.Equal(t, journey.BE, approved.Source)
		require.Equal(t, approved.ID, verdicts[1].Event)
		require.Contains(t, approved.Causes, reviewed.ID)
		require.Equal(t, []string{held.ID}, reviewed.Causes)
		require.Equal(t, "anna", reviewed.Detail["reviewer"])
		require.Equal(t, "PENDING CUSTOM_POLICY", reviewed.Detail["overrode"])
		require.Contains(t, events, journey.EventFaceCollectionAdd, "an approved face joins the collection")
		require.Equal(t, "Approved by a person who looked at it. Before that it was held (CUSTOM_POLICY). The person saw the final page.",
			journey.Explain(mustEvents(t, s, sub.Session)).Sentence)
		session, err := s.Read().Session(t.Context(), sub.Session)
		require.NoError(t, err)
		require.Equal(t, journey.Approved, session.Decision)
		n, err := s.Read().Approvals(t.Context(), "default")
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.Equal(t, review.Done, o.item(sub).State)

		// The records say who, and hold nothing of anybody.
		decisions, err := s.Read().Decisions(t.Context(), sub.Session)
		require.NoError(t, err)
		require.Len(t, decisions, 2)
		require.Contains(t, string(decisions[1].Record), `"review":{"who":["anna"],"overrode":{"decision":"PENDING","reason":"CUSTOM_POLICY"}`)
		acts, err := s.Read().ReviewActs(t.Context(), sub.ID)
		require.NoError(t, err)
		var steps []string
		for _, a := range acts {
			steps = append(steps, strings.TrimSpace(a.Who+" "+a.What+" "+a.Detail))
			require.NotContains(t, string(a.Private), "another person", "texts are encrypted")
		}
		require.Equal(t, []string{"anna claim", "anna approve", "anna sent APPROVED over PENDING CUSTOM_POLICY"}, steps)

		// The job is done once, however often it is tried.
		require.NoError(t, o.centre.Settle(t.Context(), sub.ID))
		verdicts, _ = o.left()
		require.Len(t, verdicts, 2)
	})
}

func TestARejectionByAPersonHasItsCodeReasonAndComment(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		o := newOffice(t, s, journey.ReviewPolicy{Undo: -1})
		sub := o.held(nil)
		o.eyes.setBroken(models.ErrWorker) // no check could change a rejection
		o.vote("anna", sub, rejection("id_info_dataMismatch", "Please bring the other passport."))
		o.later(0)
		row := o.row(sub)
		require.Equal(t, journey.Rejected, row.Decision)
		require.Equal(t, journey.ReasonIDInfoMismatch, row.Reason)
		require.Equal(t, "id_info_dataMismatch", row.CommentCode)
		require.NotContains(t, string(row.Comment), "passport")
		comment, err := o.vault.Open(row.Comment, review.CommentContext(sub.ID))
		require.NoError(t, err)
		require.Equal(t, "Please bring the other passport.", string(comment))
		verdicts, _ := o.left()
		require.Equal(t, "id_info_dataMismatch", verdicts[1].CommentCode)
		rejected := o.events(sub)[journey.EventRejected]
		require.Equal(t, journey.FinalRejectIDInfoDataMismatch, rejected.Code)
		sentence := journey.Explain(mustEvents(t, s, sub.Session)).Sentence
		require.Contains(t, sentence, "Rejected (ID_INFO_MISMATCH)")
		require.Contains(t, sentence, "A reviewer decided this. Before that it was held (CUSTOM_POLICY).")
		n, err := s.Read().Approvals(t.Context(), "default")
		require.NoError(t, err)
		require.Zero(t, n)
	})
}

func TestAnUndoneDecisionNeverLeavesAndTheNextOneDoes(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		o := newOffice(t, s, journey.ReviewPolicy{})
		sub := o.held(nil)
		o.vote("anna", sub, rejection("other", "No."))
		o.later(time.Minute)
		require.NoError(t, o.desk.Undo(t.Context(), "bob", sub.ID))
		o.later(10 * time.Minute)
		require.Equal(t, journey.Pending, o.row(sub).Decision)
		require.Equal(t, review.Undone, o.item(sub).Flag)
		verdicts, told := o.left()
		require.Len(t, verdicts, 1)
		require.Equal(t, 1, told)

		o.vote("anna", sub, approval())
		o.later(5 * time.Minute)
		require.Equal(t, journey.Approved, o.row(sub).Decision)
		require.Equal(t, review.CodeGone, fault.Code(o.desk.Undo(t.Context(), "anna", sub.ID)))

		// What is out is corrected by a decision of its own.
		require.Equal(t, desk.CodeReason, fault.Code(o.desk.Reopen(t.Context(), "bob", sub.ID, " ")))
		require.NoError(t, o.desk.Reopen(t.Context(), "bob", sub.ID, "a complaint"))
		o.vote("bob", sub, rejection("id_image_invalidId", ""))
		o.later(5 * time.Minute)
		row := o.row(sub)
		require.Equal(t, journey.Rejected, row.Decision)
		require.Equal(t, "bob", row.Reviewer)
		reviewed := o.events(sub)[journey.CentreReviewed]
		require.Equal(t, "true", reviewed.Detail["correction"])
		require.Equal(t, "APPROVED", reviewed.Detail["overrode"])
		n, err := s.Read().Approvals(t.Context(), "default")
		require.NoError(t, err)
		require.Zero(t, n, "the approval is taken back")
		verdicts, told = o.left()
		require.Len(t, verdicts, 3)
		require.Equal(t, 3, told)
	})
}

func TestTwoPeopleHaveToAgreeBeforeAnythingLeaves(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		o := newOffice(t, s, journey.ReviewPolicy{TwoPersons: true, Undo: -1})
		sub := o.held(nil)
		o.vote("anna", sub, approval())
		o.later(time.Hour)
		require.Equal(t, review.Second, o.item(sub).State)
		require.Equal(t, journey.Pending, o.row(sub).Decision)
		require.Equal(t, review.CodeSamePerson, fault.Code(o.desk.Claim(t.Context(), "anna", sub.ID)))
		one, err := o.desk.Case(t.Context(), sub.ID)
		require.NoError(t, err)
		require.Equal(t, "decided", one.Acts[len(one.Acts)-1].What, "the second person decides unknowing")

		o.vote("bob", sub, rejection("other", "No."))
		require.Equal(t, review.Disagreed, o.item(sub).Flag)
		require.Equal(t, review.Waiting, o.item(sub).State)
		o.later(time.Hour)
		require.Equal(t, journey.Pending, o.row(sub).Decision)

		o.vote("bob", sub, approval())
		o.vote("anna", sub, approval())
		o.later(0)
		require.Equal(t, journey.Approved, o.row(sub).Decision)
		require.Equal(t, "bob, anna", o.row(sub).Reviewer)
	})
}

func TestCorrectedDataIsCheckedAgainBeforeAnybodyDecides(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		o := newOffice(t, s, journey.ReviewPolicy{Undo: -1})
		// Jane is approved already. Anna's zone was misread.
		o.listed = nil
		jane := o.visit(o.kiosk("k"), nil, 7)
		require.Equal(t, journey.Approved, o.decide(jane).Decision)
		sub := o.held(func(s *journey.Submission) {
			other("X1234567", "ERIKSON")(s)
			s.Document.Person.Birth = "1974-08-13"
		})
		before := o.row(sub)
		require.NotEqual(t, o.row(jane).Applicant, before.Applicant)

		require.NoError(t, o.desk.Claim(t.Context(), "anna", sub.ID))
		asked := len(o.asked)
		o.listed = nil // the corrected name is on no list
		require.NoError(t, o.desk.Correct(t.Context(), "anna", sub.ID, o.item(sub).Mark(), map[review.Field]string{
			review.FamilyName: "ERIKSSON", review.Birth: "1974-08-12", review.Gender: "female",
		}))
		err := o.desk.Decide(t.Context(), "anna", sub.ID, "", approval())
		require.Equal(t, review.CodeChecking, fault.Code(err))
		o.later(time.Second)
		require.Len(t, o.asked, asked+1, "screened again")
		require.Equal(t, "ANNA MARIA ERIKSSON", o.asked[asked].Name)
		require.Equal(t, "1974-08-12", o.asked[asked].Birth)
		item := o.item(sub)
		require.False(t, item.Checking)
		require.Equal(t, []review.Field{review.FamilyName, review.Birth}, item.Corrected)
		var reasons []journey.Reason
		for _, f := range item.Findings {
			reasons = append(reasons, f.Ground.Reason)
		}
		require.Contains(t, reasons, journey.ReasonPIIDuplicate, "now it is seen who she is")
		require.Contains(t, reasons, journey.ReasonDuplicateUser)
		require.Equal(t, o.row(jane).Applicant, o.row(sub).Applicant)
		require.Equal(t, journey.Pending, o.row(sub).Decision, "people decide, not the checks")
		screening, err := s.Read().Screening(t.Context(), sub.ID)
		require.NoError(t, err)
		require.Equal(t, "Clear", screening.Status)
		corrected := o.events(sub)[journey.CentreCorrected]
		require.Equal(t, "familyName birth", corrected.Detail["fields"])

		// Before and after are kept, encrypted.
		acts, err := s.Read().ReviewActs(t.Context(), sub.ID)
		require.NoError(t, err)
		kept := acts[len(acts)-1]
		require.Equal(t, "correct", kept.What)
		plain, err := o.vault.Open(kept.Private, review.TextsContext(kept.ID))
		require.NoError(t, err)
		var texts review.Texts
		require.NoError(t, json.Unmarshal(plain, &texts))
		require.Equal(t, map[review.Field]string{review.FamilyName: "ERIKSON", review.Birth: "1974-08-13"}, texts.Before)
		require.Equal(t, map[review.Field]string{review.FamilyName: "ERIKSSON", review.Birth: "1974-08-12"}, texts.After)
		after := o.row(sub)
		require.Equal(t, before.Sealed, after.Sealed, "what the kiosk sent stays as it came")
		for _, a := range acts {
			require.NotContains(t, a.Detail+string(a.Private), "ERIKS")
		}

		// There is one approval of a person at most: an approval cannot leave.
		require.NoError(t, o.desk.Decide(t.Context(), "anna", sub.ID, item.Mark(), approval()))
		o.later(0)
		require.Equal(t, review.Known, o.item(sub).Flag)
		require.Equal(t, journey.Pending, o.row(sub).Decision)
		o.vote("anna", sub, rejection("duplicate_user", ""))
		o.later(0)
		require.Equal(t, journey.ReasonDuplicateUser, o.row(sub).Reason)
		require.Equal(t, "familyName birth", o.events(sub)[journey.CentreReviewed].Detail["corrected"])
	})
}

func TestAnApprovalComesBackWhenTheChecksFindWhatNobodySaw(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		o := newOffice(t, s, journey.ReviewPolicy{})
		sub := o.held(nil)
		o.vote("anna", sub, approval())
		p := journey.DefaultPolicy()
		p.Version, p.MinAge = "r2", 99 // meanwhile
		require.NoError(t, s.Write(t.Context(), func(tx *store.Tx) error { return tx.SavePolicy(t.Context(), p, o.clock.Add(time.Second)) }))
		o.later(5 * time.Minute)
		item := o.item(sub)
		require.Equal(t, review.Findings, item.Flag)
		require.Equal(t, journey.ReasonAgeLimit, item.Findings[0].Ground.Reason)
		require.Equal(t, journey.Pending, o.row(sub).Decision)
		verdicts, _ := o.left()
		require.Len(t, verdicts, 1)
		// Who knows it may still approve.
		o.vote("bob", sub, approval())
		o.later(5 * time.Minute)
		require.Equal(t, journey.Approved, o.row(sub).Decision)
	})
}

func TestAnApprovalComesBackWhenTheSameCheckFindsSomebodyElse(t *testing.T) {
	o := newOffice(t, openSQLite(t), journey.ReviewPolicy{})
	sub := o.held(nil)
	o.vote("anna", sub, approval())
	o.listed = append(o.listed, aml.Match{Entity: "QDi.002", Source: aml.SourceUN, Score: 99, Name: "Anna M. Eriksson"})
	o.later(5 * time.Minute)
	require.Equal(t, review.Findings, o.item(sub).Flag)
	require.Equal(t, journey.Pending, o.row(sub).Decision)
	o.listed = o.listed[1:] // fewer than she knows of
	o.vote("anna", sub, approval())
	o.later(5 * time.Minute)
	require.Equal(t, journey.Approved, o.row(sub).Decision)
}

func TestWhatWasHeldBeforeThereWereReviewsIsKnownFromItsDecision(t *testing.T) {
	s := openSQLite(t)
	o := newOffice(t, s, journey.ReviewPolicy{Undo: -1})
	sub := o.held(nil)
	require.NoError(t, s.Write(t.Context(), func(tx *store.Tx) error {
		old := o.item(sub)
		old.Event, old.Findings = "", nil // as the migration leaves it
		return tx.SaveReview(t.Context(), old, o.clock)
	}))
	one, err := o.desk.Case(t.Context(), sub.ID)
	require.NoError(t, err)
	require.Len(t, one.Item.Findings, 1)
	require.Equal(t, o.events(sub)[journey.EventPending].ID, one.Item.Event)
	o.vote("anna", sub, approval())
	o.later(0)
	require.Equal(t, journey.Approved, o.row(sub).Decision)
}

func TestWhyADecisionHasNotLeftIsTold(t *testing.T) {
	o := newOffice(t, openSQLite(t), journey.ReviewPolicy{Undo: -1})
	sub := o.held(nil)
	o.vote("anna", sub, approval())
	o.eyes.setBroken(models.ErrWorker)
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		_ = o.centre.Run(ctx)
	}()
	require.Eventually(t, func() bool {
		one, err := o.desk.Case(t.Context(), sub.ID)
		return err == nil && one.Problem == centre.ProblemWorker
	}, 10*time.Second, 10*time.Millisecond)
	require.Equal(t, journey.Pending, o.row(sub).Decision)
	cancel()
	<-stopped
}

func TestANewRevisionFromTheKioskBeginsTheReviewAnew(t *testing.T) {
	o := newOffice(t, openSQLite(t), journey.ReviewPolicy{})
	k := o.kiosk("k")
	o.listed = []aml.Match{{Entity: "QDi.001", Source: aml.SourceUN, Score: 98, Name: "Anna Eriksson"}}
	sub := o.visit(k, nil, 1)
	o.decide(sub)
	o.vote("anna", sub, approval())
	sub.Revision = 2
	k.Submission(sub)
	k.Send()
	o.listed = nil
	o.later(5 * time.Minute)
	require.Equal(t, journey.Approved, o.row(sub).Decision)
	require.Empty(t, o.row(sub).Reviewer, "the rules approved the newer one")
	require.Equal(t, review.Done, o.item(sub).State)
}

func TestWhatTheRulesDecidedCanBeLookedAtAgain(t *testing.T) {
	o := newOffice(t, openSQLite(t), journey.ReviewPolicy{TwoPersons: true, Undo: -1})
	sub := o.visit(o.kiosk("k"), nil, 1)
	require.Equal(t, journey.Approved, o.decide(sub).Decision)
	require.NoError(t, o.desk.Reopen(t.Context(), "anna", sub.ID, "a tip"))
	o.vote("anna", sub, approval())
	o.vote("bob", sub, rejection("id_image_invalidId", ""))
	require.Equal(t, review.Disagreed, o.item(sub).Flag)
	o.vote("bob", sub, rejection("id_image_invalidId", ""))
	o.vote("anna", sub, rejection("id_image_invalidId", ""))
	o.later(0)
	require.Equal(t, journey.Rejected, o.row(sub).Decision)
	require.Equal(t, "true", o.events(sub)[journey.CentreReviewed].Detail["correction"], "what the rules had approved had left")
}

func TestEvidenceIsShownOnlyToWhoeverHasTheSubmissionAndEveryViewIsNoted(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		o := newOffice(t, s, journey.ReviewPolicy{})
		sub := o.held(nil)
		require.Equal(t, review.CodeNotHeld, fault.Code(o.desk.Reveal(ctx, "anna", sub.ID, desk.ReasonFaces, "", []string{desk.Data})))
		_, err := o.desk.Personal(ctx, "anna", sub.ID, desk.ReasonFaces)
		require.Equal(t, review.CodeNotHeld, fault.Code(err))
		require.NoError(t, o.desk.Claim(ctx, "anna", sub.ID))
		require.Equal(t, desk.CodeReason, fault.Code(o.desk.Reveal(ctx, "anna", sub.ID, "curiosity", "", []string{desk.Data})))
		require.Equal(t, desk.CodeReason, fault.Code(o.desk.Reveal(ctx, "anna", sub.ID, desk.ReasonOther, "", []string{desk.Data})))
		require.Equal(t, desk.CodeUnknown, fault.Code(o.desk.Reveal(ctx, "anna", sub.ID, desk.ReasonFaces, "", []string{"nothing"})))
		selfie := sub.Evidence[2].ID
		require.NoError(t, o.desk.Reveal(ctx, "anna", sub.ID, desk.ReasonFaces, "a note on Anna", []string{desk.Data, selfie}))
		p, err := o.desk.Personal(ctx, "anna", sub.ID, desk.ReasonFaces)
		require.NoError(t, err)
		require.Equal(t, "ERIKSSON", p.Now.FamilyName)
		require.Equal(t, "QDi.001", p.Matches[0].Entity)
		picture, err := o.desk.Picture(ctx, "anna", sub.ID, selfie, desk.ReasonFaces)
		require.NoError(t, err)
		require.Equal(t, "picture", string(picture))
		_, err = o.desk.Picture(ctx, "bob", sub.ID, selfie, desk.ReasonFaces)
		require.Equal(t, review.CodeTaken, fault.Code(err))
		lines, err := s.Read().AuditOf(ctx, sub.ID)
		require.NoError(t, err)
		var said []string
		for _, l := range lines {
			said = append(said, l.Who+" "+l.What)
			require.NotContains(t, l.What, "Anna")
		}
		require.Equal(t, []string{
			"anna review claim", "anna review reveal: data for compare-faces", "anna review reveal: selfie " + selfie + " for compare-faces",
			"anna review shown: data for compare-faces", "anna review shown: selfie " + selfie + " for compare-faces",
		}, said)

		// A reviewer who is disabled sees nothing more, and decides nothing.
		require.NoError(t, s.Write(ctx, func(tx *store.Tx) error { return tx.DisableUser(ctx, "anna", o.clock) }))
		_, err = o.desk.Picture(ctx, "anna", sub.ID, selfie, desk.ReasonFaces)
		require.Equal(t, desk.CodeNotReviewer, fault.Code(err))
		require.Equal(t, desk.CodeNotReviewer, fault.Code(o.desk.Decide(ctx, "anna", sub.ID, "", approval())))
		require.Equal(t, desk.CodeNotReviewer, fault.Code(o.desk.Claim(ctx, "nobody", sub.ID)))
	})
}

func TestOfReviewersWhoTakeASubmissionUpAtOnceOneGetsIt(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		o := newOffice(t, s, journey.ReviewPolicy{})
		sub := o.held(nil)
		for range 5 {
			start := make(chan struct{})
			errs := map[string]error{}
			var mu sync.Mutex
			var all sync.WaitGroup
			for _, who := range []string{"anna", "bob"} {
				all.Go(func() {
					<-start
					err := o.desk.Claim(t.Context(), who, sub.ID)
					mu.Lock()
					defer mu.Unlock()
					errs[who] = err
				})
			}
			close(start)
			all.Wait()
			winner, loser := "anna", "bob"
			if errs["anna"] != nil {
				winner, loser = loser, winner
			}
			require.NoError(t, errs[winner])
			require.Equal(t, review.CodeTaken, fault.Code(errs[loser]), "%v", errs[loser])
			require.Equal(t, winner, o.item(sub).HeldBy(o.clock))
			require.NoError(t, o.desk.Release(t.Context(), winner, sub.ID))
		}
	})
}

func TestASubmissionIsFreeAgainWhenNothingWasDoneForALease(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		o := newOffice(t, s, journey.ReviewPolicy{Lease: 10 * time.Minute})
		sub := o.held(nil)
		require.NoError(t, o.desk.Claim(ctx, "anna", sub.ID))
		o.clock = o.clock.Add(9 * time.Minute)
		require.NoError(t, o.desk.Touch(ctx, "anna", sub.ID))
		require.NoError(t, o.desk.Touch(ctx, "bob", sub.ID), "who looks takes nothing")
		o.clock = o.clock.Add(9 * time.Minute)
		require.Equal(t, review.CodeTaken, fault.Code(o.desk.Claim(ctx, "bob", sub.ID)))
		o.clock = o.clock.Add(time.Minute)
		require.NoError(t, o.desk.Touch(ctx, "anna", sub.ID), "too late, and no error")
		require.Equal(t, review.CodeNotHeld, fault.Code(o.desk.Decide(ctx, "anna", sub.ID, "", approval())))
		require.NoError(t, o.desk.Claim(ctx, "bob", sub.ID))
		require.Equal(t, review.CodeTaken, fault.Code(o.desk.Decide(ctx, "anna", sub.ID, "", approval())))
		q, err := o.desk.Queue(ctx)
		require.NoError(t, err)
		require.Len(t, q.Waiting, 1)
		n, err := o.desk.Open(ctx)
		require.NoError(t, err)
		require.Equal(t, 1, n)
	})
}

// TestAFaceThatJoinsAfterAnotherWasTakenOutIsFound: the running index must not take its
// number for one that it has read.
func TestAFaceThatJoinsAfterAnotherWasTakenOutIsFound(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		o := newOffice(t, s, journey.ReviewPolicy{Undo: -1})
		p := journey.DefaultPolicy()
		p.Version, p.Recheck, p.Review.Undo = "r2", false, -1
		require.NoError(t, s.Write(t.Context(), func(tx *store.Tx) error { return tx.SavePolicy(t.Context(), p, o.clock.Add(time.Second)) }))
		person := func(who uint64, number, family, birth string) journey.Submission {
			return o.visit(o.kiosk("k"), func(s *journey.Submission) {
				other(number, family)(s)
				s.Document.Person.Birth = birth
				s.Face = &journey.FaceTemplate{Model: "87aacdfe5751", Vector: template(who)}
			}, int(who))
		}
		first := person(1, "A0000001", "SMITH", "1980-01-01")
		require.Equal(t, journey.Approved, o.decide(first).Decision)
		require.Equal(t, journey.Approved, o.decide(person(3, "A0000003", "BROWN", "1982-01-01")).Decision) // the index has read so far
		last := person(4, "A0000004", "GREEN", "1983-01-01")
		require.Equal(t, journey.Approved, o.decide(last).Decision)
		require.NoError(t, o.centre.LoadFaces(t.Context()))
		require.NoError(t, o.desk.Reopen(t.Context(), "anna", last.ID, "a tip"))
		o.vote("anna", last, rejection("id_image_invalidId", ""))
		o.later(0)
		require.Equal(t, journey.Rejected, o.row(last).Decision)
		require.Equal(t, journey.Approved, o.decide(person(5, "A0000005", "WHITE", "1984-01-01")).Decision)
		require.Equal(t, journey.ReasonSelfieDuplicate, o.decide(person(5, "A0000006", "BLACK", "1985-01-01")).Reason)
	})
}
