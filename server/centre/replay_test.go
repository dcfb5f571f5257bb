package centre_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/server/aml"
	"vestibule/server/centre"
	"vestibule/server/store"
)

// replayed makes every stored decision again and gives them by submission, the last one of each.
func (w *world) replayed(under *journey.Policy) map[string]centre.Replayed {
	w.t.Helper()
	out := map[string]centre.Replayed{}
	require.NoError(w.t, centre.Replay(context.Background(), w.store.Read(), w.vault, store.DecisionFilter{}, under, func(r centre.Replayed) error {
		out[r.Submission] = r
		return nil
	}))
	return out
}

// past decides a few different visits and gives them by what became of them.
func (w *world) past() map[string]journey.Submission {
	w.t.Helper()
	k := w.kiosk("k")
	out := map[string]journey.Submission{}
	decided := func(name string, s journey.Submission, d journey.Decision, reason journey.Reason) {
		row := w.decide(s)
		require.Equal(w.t, d, row.Decision, name)
		require.Equal(w.t, reason, row.Reason, name)
		out[name] = s
	}
	decided("approved", w.visit(k, nil, 1), journey.Approved, "")
	decided("again", w.visit(k, nil, 1), journey.Rejected, journey.ReasonDuplicateUser)
	w.listed = []aml.Match{{Entity: "QDi.001", Source: aml.SourceUN, Score: 98}}
	decided("listed", w.visit(k, other("X0000003", "SMITH"), 3), journey.Pending, journey.ReasonCustomPolicy)
	w.listed = nil
	decided("misread", w.send(k, "zone X7654321", "face 4", "face 4"), journey.Rejected, journey.ReasonDuplicateUser)
	decided("exhausted", w.visit(k, func(s *journey.Submission) {
		s.State, s.FailedStep = journey.SubmissionExhausted, journey.Step2
		s.FailedCode = journey.CodeKey{Step: journey.Step2, Kind: journey.Retry, Code: "no_face"}
	}, 5), journey.Rejected, journey.ReasonRetryExhausted)
	return out
}

func TestEveryStoredDecisionComesOutTheSameAgain(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s)
		past := w.past()
		// Another policy, a new release's index, and other people since: nothing of it may matter.
		p := journey.DefaultPolicy()
		p.Version, p.MinAge, p.BlockedIssuers = "2", 99, []string{"UTO"}
		require.NoError(t, s.Write(context.Background(), func(tx *store.Tx) error { return tx.SavePolicy(context.Background(), p, time.Now()) }))
		got := w.replayed(nil)
		require.Len(t, got, len(past))
		for name, sub := range past {
			r := got[sub.ID]
			require.Empty(t, r.Problem, name)
			require.Empty(t, r.Differs(), name)
			require.Equal(t, r.Stored.Decision, r.Now.Decision, name)
		}
		require.NotEmpty(t, got[past["again"].ID].Now.Fired)

		n, err := s.Read().CountDecisions(context.Background(), store.DecisionFilter{Session: past["again"].Session})
		require.NoError(t, err)
		require.Equal(t, 1, n)
		n, err = s.Read().CountDecisions(context.Background(), store.DecisionFilter{Project: "another"})
		require.NoError(t, err)
		require.Zero(t, n)
		n, err = s.Read().CountDecisions(context.Background(), store.DecisionFilter{Since: time.Now().Add(time.Hour)})
		require.NoError(t, err)
		require.Zero(t, n)
	})
}

func TestALaterRevisionDoesNotChangeWhatAnEarlierDecisionRestsOn(t *testing.T) {
	w := newWorld(t, openSQLite(t))
	k := w.kiosk("k")
	first := w.visit(k, func(s *journey.Submission) { s.Liveness.Score = 20 }, 1)
	require.Equal(t, journey.Rejected, w.decide(first).Decision)
	better := first
	better.Revision, better.Liveness.Score = 2, 95
	better.Evidence = nil
	k.Picture(&better, journey.EvidenceFront, []byte("zone "+better.Document.Number))
	k.Picture(&better, journey.EvidencePortrait, []byte("face 1"))
	k.Picture(&better, journey.EvidenceSelfie, []byte("face 1"))
	k.Submission(better)
	k.Send()
	require.Equal(t, journey.Approved, w.decide(better).Decision)

	var got []centre.Replayed
	require.NoError(t, centre.Replay(context.Background(), w.store.Read(), w.vault, store.DecisionFilter{Session: first.Session}, nil, func(r centre.Replayed) error {
		got = append(got, r)
		return nil
	}))
	require.Len(t, got, 2)
	require.Equal(t, journey.Rejected, got[0].Now.Decision)
	require.Equal(t, journey.Approved, got[1].Now.Decision)
	for _, r := range got {
		require.Empty(t, r.Problem)
		require.Empty(t, r.Differs())
	}
}

func TestADecisionThatWasAlteredIsFound(t *testing.T) {
	ctx := context.Background()
	for name, c := range map[string]struct {
		alter   string
		problem string
		differs []string
	}{
		"the decision":           {`UPDATE decision SET decision = 'REJECTED', reason = 'AGE_LIMIT'`, "", []string{"decision: REJECTED → APPROVED", "reason: AGE_LIMIT → "}},
		"the policy it fell on":  {`UPDATE decision SET record = REPLACE(record, '"minAge":0', '"minAge":99')`, "", []string{"decision: APPROVED → REJECTED", "reason:  → AGE_LIMIT", "comment:  → under_ageLimit", "rule:  → minAge", "fired:  → age=REJECTED/AGE_LIMIT"}},
		"what it rests on":       {`UPDATE decision_input SET sealed = CAST(substr(sealed, 1, 40) || CASE substr(sealed, 41, 1) WHEN x'00' THEN x'01' ELSE x'00' END || substr(sealed, 42) AS BLOB)`, centre.ProblemUnreadable, nil},
		"what it rests on, gone": {`DELETE FROM decision_input`, centre.ProblemNoInput, nil},
		"the record":             {`UPDATE decision SET record = 'x'`, centre.ProblemRecord, nil},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s, err := store.Open(ctx, dir)
			require.NoError(t, err)
			defer s.Close()
			w := newWorld(t, s)
			sub := w.visit(w.kiosk("k"), nil, 1)
			require.Equal(t, journey.Approved, w.decide(sub).Decision)
			db, err := sql.Open("sqlite3", filepath.Join(dir, store.SQLiteFile))
			require.NoError(t, err)
			defer db.Close()
			res, err := db.Exec(c.alter)
			require.NoError(t, err)
			n, err := res.RowsAffected()
			require.NoError(t, err)
			require.EqualValues(t, 1, n)
			got := w.replayed(nil)[sub.ID]
			require.Equal(t, c.problem, got.Problem)
			if c.problem == "" {
				require.Equal(t, c.differs, got.Differs())
			}
		})
	}
}

func TestAnotherPolicyIsTriedOnThePastWithoutTouchingIt(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s)
		past := w.past()
		p := journey.DefaultPolicy()
		p.MinAge = 99
		got := w.replayed(&p)
		for _, name := range []string{"approved", "listed"} {
			r := got[past[name].ID]
			require.Equal(t, journey.Rejected, r.Now.Decision, name)
			require.Equal(t, journey.ReasonAgeLimit, r.Now.Reason, name)
			require.Equal(t, "minAge", r.Now.Rule)
			require.Empty(t, r.Unknown)
		}
		require.Equal(t, journey.ReasonRetryExhausted, got[past["exhausted"].ID].Now.Reason)

		// What the policy of the time did not have looked up nobody can tell today.
		p = journey.DefaultPolicy()
		p.Duplicates.FaceReview, p.FaceAge.Conditions = .1, []journey.AgeCondition{{Target: "low", Operator: "gte", Selfie: true, BirthDate: true}}
		require.Equal(t, []string{"duplicates.face", "faceAge"}, w.replayed(&p)[past["approved"].ID].Unknown)
		require.Empty(t, w.replayed(&p)[past["exhausted"].ID].Unknown)
		for name, sub := range past {
			require.Equal(t, got[sub.ID].Stored.Decision, w.row(sub).Decision, name)
		}
	})
}

func TestAProjectsOwnRulesDecideAndAreJudgedAgain(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s)
		p := journey.DefaultPolicy()
		p.Version, p.Rules = "2", []journey.Rule{
			{Name: "grown", When: "person.known && person.age > 40", Then: journey.RuleHold, Comment: "look twice"},
			{Name: "never", When: "site.country != 'UTO'", Then: journey.RuleReject},
		}
		require.NoError(t, s.Write(context.Background(), func(tx *store.Tx) error { return tx.SavePolicy(context.Background(), p, time.Now()) }))
		sub := w.visit(w.kiosk("k"), nil, 1)
		row := w.decide(sub)
		require.Equal(t, journey.Pending, row.Decision)
		require.Equal(t, journey.ReasonCustomPolicy, row.Reason)
		sentence := journey.Explain(mustEvents(t, s, sub.Session)).Sentence
		require.Contains(t, sentence, "the project's rule grown was hit")

		got := w.replayed(nil)[sub.ID]
		require.Empty(t, got.Differs())
		require.Equal(t, "rules.grown", got.Now.Rule)

		p.Rules[0].When = "person.age > 60"
		require.Equal(t, journey.Approved, w.replayed(&p)[sub.ID].Now.Decision)
		p.Rules[0] = journey.Rule{Name: "broken", When: "warnings[7] == 'x'", Then: journey.RuleReject}
		r := w.replayed(&p)[sub.ID]
		require.Equal(t, journey.Pending, r.Now.Decision)
		require.Equal(t, "rules.broken", r.Now.Rule)
	})
}

func TestWhatADecisionRestsOnIsKeptEncrypted(t *testing.T) {
	w := newWorld(t, openSQLite(t))
	w.decide(w.visit(w.kiosk("k"), nil, 1))
	list, err := w.store.Read().Replayables(context.Background(), store.DecisionFilter{}, store.Decision{}, 10)
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.NotEmpty(t, list[0].Input)
	for _, secret := range []string{"ERIKSSON", "L898902C3", "1974-08-12"} {
		require.NotContains(t, string(list[0].Input), secret)
		require.NotContains(t, string(list[0].Record), secret)
	}
}
