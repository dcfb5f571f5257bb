package reseal_test

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/server/centre"
	"vestibule/server/reseal"
	"vestibule/server/store"
	"vestibule/server/store/storetest"
	"vestibule/server/vault"
)

var cluster storetest.Cluster

func TestMain(m *testing.M) { os.Exit(storetest.Main(m, &cluster)) }

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// filled has submissions, faces, screenings, webhooks and review texts, encrypted.
func filled(t *testing.T, s *store.Store, v *vault.Vault, n int) map[string]string {
	t.Helper()
	ctx := context.Background()
	want := map[string]string{}
	contexts := map[string]func([]string) string{}
	for _, c := range reseal.Columns() {
		contexts[c.Table+"."+c.Name] = c.Context
	}
	sealed := func(column, id string) []byte {
		plain := column + " of " + id
		want[column+"|"+id] = plain
		b, err := v.Seal([]byte(plain), contexts[column]([]string{id}))
		require.NoError(t, err)
		return b
	}
	require.NoError(t, s.Write(ctx, func(tx *store.Tx) error {
		for i := range n {
			id := fmt.Sprintf("s%04d", i)
			row := store.Submission{
				ID: id, Session: id, Kiosk: "k", Project: "default", Revision: 1, State: "complete", Stand: store.StandDecided,
				Created: noon, Updated: noon, Received: noon, Sealed: make([]byte, 100), Private: sealed("submission.private", id),
			}
			if err := tx.SaveSubmission(ctx, row); err != nil {
				return err
			}
			if _, err := tx.AddFace(ctx, store.Face{Submission: id, Applicant: id, Project: "default", Model: "m", Template: sealed("face.template", id)}, noon); err != nil {
				return err
			}
			if err := tx.SaveScreening(ctx, store.Screening{Submission: id, Result: sealed("screening.result", id), At: noon}); err != nil {
				return err
			}
			if i%10 > 0 {
				continue // the others have no comment, no act, no webhook
			}
			if err := tx.SetReviewer(ctx, id, "anna", sealed("submission.comment", id)); err != nil {
				return err
			}
			if err := tx.AddReviewAct(ctx, store.ReviewAct{ID: id, Submission: id, At: noon, Who: "anna", What: "noted", Private: sealed("review_act.private", id)}); err != nil {
				return err
			}
			if err := tx.AddDecisionInput(ctx, id, sealed("decision_input.sealed", id)); err != nil {
				return err
			}
			why, err := v.Seal([]byte("list_cleared.why of "+id), centre.WhyContext(id, "un", "e1"))
			if err != nil {
				return err
			}
			want["list_cleared.why|"+id] = "list_cleared.why of " + id
			if err := tx.Clear(ctx, store.Cleared{Person: "p", Source: "un", Entity: "e1", Hash: "h" + id, Submission: id, Who: "anna", Why: why, At: noon}); err != nil {
				return err
			}
			if err := tx.SaveWebhook(ctx, store.Webhook{ID: id, Project: "p", URL: "https://x", Secret: sealed("webhook.secret", id), Created: noon}); err != nil {
				return err
			}
		}
		return nil
	}))
	return want
}

// readAll opens every encrypted value.
func readAll(t *testing.T, s *store.Store, v *vault.Vault) map[string]string {
	t.Helper()
	got := map[string]string{}
	for _, c := range reseal.Columns() {
		all, err := s.Read().Stale(context.Background(), c.Ciphertext, []byte{0}, nil, 100_000)
		require.NoError(t, err)
		for _, e := range all {
			plain, err := v.Open(e.Value, c.Context(e.Row))
			require.NoError(t, err, "%s.%s of %v", c.Table, c.Name, e.Row)
			got[c.Table+"."+c.Name+"|"+e.Row[0]] = string(plain)
		}
	}
	return got
}

func rotated(t *testing.T, dir string) vault.KeyID {
	t.Helper()
	id, err := vault.Add(dir)
	require.NoError(t, err)
	require.NoError(t, vault.Use(dir, id))
	return id
}

func TestEverythingMovesToTheKeyInUseLittleByLittle(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		ctx, dir := context.Background(), t.TempDir()
		require.NoError(t, vault.Create(dir))
		v, err := vault.Load(dir)
		require.NoError(t, err)
		want := filled(t, s, v, 250)
		first, second := v.Current(), rotated(t, dir)

		// A clock that takes 9 seconds for each look: a run of the job gets two or three batches done.
		now, n := noon, 0
		m := reseal.New(reseal.Config{
			Store: s, Vault: v, Log: slog.New(slog.DiscardHandler),
			Now:   func() time.Time { now = now.Add(9 * time.Second); return now },
			NewID: func() string { n++; return fmt.Sprintf("j%04d", n) },
		})
		require.NoError(t, v.Refresh())
		require.NoError(t, m.Ensure(ctx))
		require.NoError(t, m.Ensure(ctx), "once")
		runs, left := 0, 1<<30
		for {
			j, err := s.Read().Job(ctx, reseal.Job, second.String())
			require.NoError(t, err)
			now = now.Add(2 * time.Minute)
			require.NoError(t, s.Write(ctx, func(tx *store.Tx) error {
				j, err = tx.ClaimJob(ctx, now, time.Minute)
				return err
			}))
			require.NoError(t, m.Do(ctx, j.Subject))
			require.NoError(t, s.Write(ctx, func(tx *store.Tx) error { return tx.FinishJob(ctx, j, now) }))
			runs++
			by, foreign, err := reseal.Count(ctx, s.Read(), v)
			require.NoError(t, err)
			require.Zero(t, foreign)
			require.LessOrEqual(t, by[first], left, "never back")
			left = by[first]
			require.Equal(t, len(want), by[first]+by[second])
			require.Equal(t, want, readAll(t, s, v), "everything opens in every state on the way")
			if j, err = s.Read().Job(ctx, reseal.Job, second.String()); err == nil && j.State == store.JobDone {
				break
			}
			require.Less(t, runs, 50)
		}
		require.Zero(t, left)
		require.Greater(t, runs, 3, "in more than one go")
		alone, err := vault.Load(dir)
		require.NoError(t, err)
		require.Equal(t, want, readAll(t, s, alone))
	})
}

func TestWhatDoesNotOpenIsLeftAndWhatWasWrittenMeanwhileIsKept(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		ctx, dir := context.Background(), t.TempDir()
		require.NoError(t, vault.Create(dir))
		v, err := vault.Load(dir)
		require.NoError(t, err)
		want := filled(t, s, v, 3)
		broken := append([]byte{1}, make([]byte, 40)...)
		require.NoError(t, s.Write(ctx, func(tx *store.Tx) error {
			return tx.SaveScreening(ctx, store.Screening{Submission: "s0001", Result: broken, At: noon})
		}))
		id := rotated(t, dir)
		require.NoError(t, v.Refresh())
		m := reseal.New(reseal.Config{Store: s, Vault: v, Now: func() time.Time { return noon }, NewID: func() string { return "j" }, Log: slog.New(slog.DiscardHandler)})
		require.NoError(t, m.Do(ctx, id.String()))
		by, _, err := reseal.Count(ctx, s.Read(), v)
		require.NoError(t, err)
		require.Equal(t, len(want)-1, by[id])
		left, err := s.Read().Screening(ctx, "s0001")
		require.NoError(t, err)
		require.Equal(t, broken, left.Result)

		require.NoError(t, s.Write(ctx, func(tx *store.Tx) error {
			ours, err := tx.ReplaceCiphertext(ctx, reseal.Columns()[0].Ciphertext, store.Encrypted{Row: []string{"s0001"}, Value: []byte("read long ago")}, []byte("x"))
			require.False(t, ours)
			return err
		}))
		require.Error(t, m.Do(ctx, "0011223344556677"), "a copy that lacks the key's file does not call the job done")
	})
}

func TestTwoCopiesMoveAtTheSameTime(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		ctx, dir := context.Background(), t.TempDir()
		require.NoError(t, vault.Create(dir))
		first, err := vault.Load(dir)
		require.NoError(t, err)
		want := filled(t, s, first, 250)
		// Two rotations at once: both keys open, one of them encrypts, and the other one's job has nothing to do.
		lost, id := rotated(t, dir), rotated(t, dir)
		var working sync.WaitGroup
		for copyOf := range 2 {
			v, err := vault.Load(dir)
			require.NoError(t, err)
			m := reseal.New(reseal.Config{
				Store: s, Vault: v, Now: func() time.Time { return noon }, NewID: func() string { return fmt.Sprint("j", copyOf) }, Log: slog.New(slog.DiscardHandler),
			})
			working.Go(func() {
				assert.NoError(t, m.Do(ctx, id.String()))
				assert.NoError(t, m.Do(ctx, lost.String()))
			})
		}
		working.Wait()
		require.NoError(t, first.Refresh())
		by, foreign, err := reseal.Count(ctx, s.Read(), first)
		require.NoError(t, err)
		require.Zero(t, foreign)
		require.Equal(t, len(want), by[id])
		require.Equal(t, want, readAll(t, s, first))
	})
}

// TestEveryPlaceThatEncryptsIsKnownHere fails when something new is encrypted: add its
// column to Columns, and the place to this list.
func TestEveryPlaceThatEncryptsIsKnownHere(t *testing.T) {
	call := regexp.MustCompile(`(?:[vV]ault|keys|v)\.Seal\(.*, ?([A-Za-z.]*Context\(.*?\))\)`)
	any := regexp.MustCompile(`(?:[vV]ault|keys|\bv)\.Seal\(`)
	var found []string
	require.NoError(t, filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.HasPrefix(path, "../reseal/") || strings.HasPrefix(path, "../vault/") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, line := range strings.Split(string(text), "\n") {
			if m := call.FindStringSubmatch(line); m != nil {
				found = append(found, m[1][:strings.Index(m[1], "(")])
			} else if any.MatchString(line) {
				found = append(found, strings.TrimSpace(line))
			}
		}
		return nil
	}))
	slices.Sort(found)
	require.Equal(t, []string{
		"FaceContext", "InputContext", "PrivateContext", "PrivateContext", "ScreeningContext", "WhyContext", "ingest.PrivateContext", "notify.SecretContext", "review.CommentContext", "review.TextsContext",
	}, found)
}

// TestEveryColumnOfBytesIsKnownToBeEncryptedOrNot fails when a table gains a column of bytes: it belongs into
// Columns if the data key encrypts it, and into this list if not.
func TestEveryColumnOfBytesIsKnownToBeEncryptedOrNot(t *testing.T) {
	other := []string{
		"kiosk.public_key", "stream.head", "inbox.body", "inbox.head", "inbox.head_sig", "quarantine.body", "event.body", "submission.sealed",
		"decision.record", "list_snapshot.meta", "list_entity.body", "command.body", "policy.body", "delivery.body", "list_feed.validators",
		"audit.hash", "audit_head.hash", "erased_record.hash", "erased_record.before", "erased_record.after", "session.fold", "review.findings", "review.votes", "review.corrected",
	}
	known := map[string]bool{}
	for _, name := range other {
		known[name] = true
	}
	for _, c := range reseal.Columns() {
		require.False(t, known[c.Table+"."+c.Name], "%s.%s is in both lists", c.Table, c.Name)
		known[c.Table+"."+c.Name] = true
	}
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		found, err := s.Read().ByteColumns(context.Background())
		require.NoError(t, err)
		for _, name := range found {
			require.True(t, known[name], "%s is a column of bytes that nothing is known of", name)
		}
		for name := range known {
			require.Contains(t, found, name, "there is no such column any more")
		}
	})
}
