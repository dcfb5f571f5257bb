package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/sync/wire"
)

var today = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func open(t *testing.T, dir string, opt Options) *Store {
	t.Helper()
	s, err := Open(dir, "k1", opt)
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func event(session string, n int) *journey.Event {
	return &journey.Event{
		ID: fmt.Sprintf("0199a000-0000-7000-8000-%012d", n), Session: session, Kiosk: "k1", Name: journey.EventStepView,
		Source: journey.FE, Origin: journey.OriginKioskUI, Result: journey.Observed, Impact: journey.ImpactNone, Started: today, Ended: today,
	}
}

func begun(t *testing.T, s *Store, session string) {
	t.Helper()
	require.NoError(t, s.Write(t.Context(), func(tx *Tx) error { return tx.Begin(session, "1", today) }))
}

func TestEventsAreNumberedWithoutGapsWhateverFails(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	begun(t, s, "a")
	broken := errors.New("later in the same transaction")
	for i := range 20 {
		err := s.Write(t.Context(), func(tx *Tx) error {
			if err := tx.Record(event("a", i)); err != nil {
				return err
			}
			if i%3 == 1 {
				return broken
			}
			return nil
		})
		if i%3 == 1 {
			require.ErrorIs(t, err, broken)
		} else {
			require.NoError(t, err)
		}
	}
	events, err := s.Events(t.Context(), "a")
	require.NoError(t, err)
	require.Len(t, events, 13)
	for i, ev := range events {
		assert.Equal(t, uint64(i+1), ev.Seq)
	}
	batch, err := s.Outbox().Batch(t.Context(), 0, 1<<20)
	require.NoError(t, err)
	require.Len(t, batch.Records, 13)
	for i, r := range batch.Records {
		assert.Equal(t, events[i].ID, r.ID, "the queue holds the same, in the same order")
	}
}

func TestAnEventOfASessionThatWasNotBegunIsRefused(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	require.Error(t, s.Write(t.Context(), func(tx *Tx) error { return tx.Record(event("nobody", 1)) }))
}

func TestEvidenceWaitsForASubmissionThatNamesIt(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	begun(t, s, "a")
	sealed := bytes.Repeat([]byte{7}, 1000)
	e := &journey.Evidence{ID: "e1", Kind: journey.EvidenceFront, Media: "image/jpeg", Taken: today}
	require.NoError(t, s.Write(t.Context(), func(tx *Tx) error { return tx.Keep("a", "s1", e, sealed) }))
	sum := sha256.Sum256(sealed)
	assert.Equal(t, hex.EncodeToString(sum[:]), e.Blob)
	blobs, err := s.Outbox().Blobs(t.Context(), 10)
	require.NoError(t, err)
	assert.Empty(t, blobs, "nothing goes out before somebody handed it in")

	body := wire.SubmissionBody{Submission: "s1", Session: "a", Revision: 1, Sealed: []byte("sealed"), Blobs: []string{e.Blob}}
	require.NoError(t, s.Write(t.Context(), func(tx *Tx) error { return tx.Submit(body, journey.SubmissionOpen, today) }))
	blobs, err = s.Outbox().Blobs(t.Context(), 10)
	require.NoError(t, err)
	require.Len(t, blobs, 1)
	assert.Equal(t, e.Blob, blobs[0].ID)
	n, err := s.Waiting(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1, n)
	body.Revision = 2
	require.NoError(t, s.Write(t.Context(), func(tx *Tx) error { return tx.Submit(body, journey.SubmissionComplete, today) }))
	n, err = s.Waiting(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1, n, "a submission counts once")
	snaps, err := s.Snapshots(t.Context(), "a")
	require.NoError(t, err)
	require.Len(t, snaps, 1)
	assert.Equal(t, 2, snaps[0].Revision)

	require.NoError(t, s.Write(t.Context(), func(tx *Tx) error {
		session, submission, got, err := tx.Delivered(e.Blob)
		assert.Equal(t, "a", session)
		assert.Equal(t, "s1", submission)
		assert.Equal(t, "e1", got.ID)
		return err
	}))
	require.Error(t, s.Write(t.Context(), func(tx *Tx) error {
		_, _, _, err := tx.Delivered(e.Blob)
		return err
	}), "it arrives once")
}

func TestEndingASessionForgetsWhatNobodyHandedIn(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	begun(t, s, "a")
	sealed := bytes.Repeat([]byte("sealed picture "), 50)
	require.NoError(t, s.Write(t.Context(), func(tx *Tx) error {
		if err := tx.Checkpoint("a", []byte("sealed memory"), today); err != nil {
			return err
		}
		return tx.Keep("a", "s1", &journey.Evidence{ID: "e1"}, sealed)
	}))
	got, at, err := s.ReadCheckpoint(t.Context(), "a")
	require.NoError(t, err)
	assert.Equal(t, "sealed memory", string(got))
	assert.True(t, at.Equal(today))
	open, err := s.Open(t.Context())
	require.NoError(t, err)
	require.Len(t, open, 1)

	require.NoError(t, s.Write(t.Context(), func(tx *Tx) error { return tx.End("a", today.Add(time.Minute)) }))
	got, _, err = s.ReadCheckpoint(t.Context(), "a")
	require.NoError(t, err)
	assert.Nil(t, got)
	open, err = s.Open(t.Context())
	require.NoError(t, err)
	require.Len(t, open, 1, "ended, but not yet cleared")
	assert.False(t, open[0].Ended.IsZero())
	require.NoError(t, s.Write(t.Context(), func(tx *Tx) error { return tx.Cleared("a") }))
	open, err = s.Open(t.Context())
	require.NoError(t, err)
	assert.Empty(t, open)
	require.NoError(t, s.Close())
	raw, err := os.ReadFile(filepath.Join(dir, fileDB))
	require.NoError(t, err)
	assert.NotContains(t, string(raw), "sealed picture", "what was deleted is overwritten")
}

func TestPruneKeepsWhatIsNewAndTheKiosksOwnJournal(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	for i, id := range []string{"old", "new", "running"} {
		begun(t, s, id)
		if id == "running" {
			continue
		}
		require.NoError(t, s.Write(t.Context(), func(tx *Tx) error {
			if err := tx.End(id, today.Add(time.Duration(i)*time.Hour)); err != nil {
				return err
			}
			return tx.Cleared(id)
		}))
	}
	require.NoError(t, s.Write(t.Context(), func(tx *Tx) error {
		if err := tx.Ensure(OwnJournal, "1", today); err != nil {
			return err
		}
		return tx.Record(event(OwnJournal, 1))
	}))
	n, err := s.Prune(t.Context(), today.Add(30*time.Minute))
	require.NoError(t, err)
	assert.Equal(t, 1, n)
	left, err := s.Sessions(t.Context())
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{"new", "running"}, left)
	own, err := s.Events(t.Context(), OwnJournal)
	require.NoError(t, err)
	assert.Len(t, own, 1)
}

func TestAFullStoreRefusesAndRecovers(t *testing.T) {
	s := open(t, t.TempDir(), Options{MaxBytes: 512 << 10, Reserve: 64 << 10})
	begun(t, s, "a")
	n := 0
	var err error
	for err == nil {
		n++
		require.Less(t, n, 1000)
		err = s.Write(t.Context(), func(tx *Tx) error {
			if err := tx.Record(event("a", n)); err != nil {
				return err
			}
			return tx.Put(fmt.Sprint(n), make([]byte, 8000), today)
		})
	}
	require.ErrorIs(t, err, ErrFull)
	events, err := s.Events(t.Context(), "a")
	require.NoError(t, err)
	require.Len(t, events, n-1, "what was refused left nothing behind")

	require.NoError(t, s.WriteLast(t.Context(), func(tx *Tx) error {
		if err := tx.Record(event("a", n)); err != nil {
			return err
		}
		return tx.Put("last words", make([]byte, 8000), today)
	}), "the reserve takes the last words")
	require.ErrorIs(t, s.Write(t.Context(), func(tx *Tx) error { return tx.Put("more", make([]byte, 80000), today) }), ErrFull,
		"the reserve is not for everybody")

	at, err := s.Outbox().Position(t.Context())
	require.NoError(t, err)
	_, err = s.Outbox().Acknowledge(t.Context(), wire.Ack{Version: 1, Epoch: at.Epoch, High: at.Last})
	require.NoError(t, err, "what the centre has can go although nothing more fits")
	for i := range n {
		require.NoError(t, s.WriteLast(t.Context(), func(tx *Tx) error { return tx.Put(fmt.Sprint(i), []byte{}, today) }))
	}
	require.NoError(t, s.Write(t.Context(), func(tx *Tx) error { return tx.Record(event("a", n+1)) }), "and work goes on")
	used, limit, err := s.Space(t.Context())
	require.NoError(t, err)
	assert.Less(t, used, limit)
}

func TestADamagedFileIsRefusedUntouched(t *testing.T) {
	make := func(t *testing.T) string {
		dir := t.TempDir()
		s := open(t, dir, Options{})
		begun(t, s, "a")
		for i := range 300 {
			require.NoError(t, s.Write(t.Context(), func(tx *Tx) error { return tx.Record(event("a", i)) }))
		}
		require.NoError(t, s.Close())
		return dir
	}
	for name, damage := range map[string]func(path string, raw []byte) error{
		"another kind of file": func(path string, _ []byte) error {
			return os.WriteFile(path, bytes.Repeat([]byte("no database "), 1000), 0o600)
		},
		"cut off in the header": func(path string, raw []byte) error { return os.WriteFile(path, raw[:90], 0o600) },
		"cut off in the middle": func(path string, raw []byte) error { return os.WriteFile(path, raw[:len(raw)/2/4096*4096], 0o600) },
		"pages overwritten": func(path string, raw []byte) error {
			copy(raw[4096*4:], bytes.Repeat([]byte{0xAA}, 4096*8))
			return os.WriteFile(path, raw, 0o600)
		},
		"gone, its log left behind": func(path string, raw []byte) error {
			return errors.Join(os.Remove(path), os.WriteFile(path+"-wal", raw[:4096], 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := make(t)
			path := filepath.Join(dir, fileDB)
			raw, err := os.ReadFile(path)
			require.NoError(t, err)
			require.NoError(t, damage(path, raw))
			before, _ := os.ReadFile(path)
			_, err = Open(dir, "k1", Options{})
			require.ErrorIs(t, err, ErrCorrupt)
			after, _ := os.ReadFile(path)
			assert.True(t, bytes.Equal(before, after), "nothing was changed")

			aside, err := Recover(dir, today)
			require.NoError(t, err)
			kept, _ := os.ReadFile(filepath.Join(aside, fileDB))
			assert.True(t, bytes.Equal(before, kept), "nothing was deleted")
			s := open(t, dir, Options{})
			begun(t, s, "b")
		})
	}
	t.Run("there is nothing to recover in an empty folder", func(t *testing.T) {
		_, err := Recover(t.TempDir(), today)
		require.Error(t, err)
	})
}

func TestOnlyOneHoldsTheStore(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	_, err := Open(dir, "k1", Options{})
	require.ErrorIs(t, err, ErrInUse)
	_, err = Recover(dir, today)
	require.ErrorIs(t, err, ErrInUse, "a file in use is not moved away")
	require.NoError(t, s.Close())
	open(t, dir, Options{})
}

func TestAnotherKiosksStoreIsRefused(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, open(t, dir, Options{}).Close())
	_, err := Open(dir, "k2", Options{})
	require.Error(t, err)
}

func TestVerdictsAreStoredOnceAndTheLatestCounts(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	store := func(v journey.Verdict, at time.Time) (fresh bool) {
		require.NoError(t, s.Write(t.Context(), func(tx *Tx) error {
			var err error
			fresh, err = tx.Verdict(v, at)
			return err
		}))
		return fresh
	}
	held := journey.Verdict{Submission: "s1", Session: "a", Decision: journey.Pending, Event: "e1"}
	assert.True(t, store(held, today))
	assert.False(t, store(held, today.Add(time.Second)))
	assert.True(t, store(journey.Verdict{Submission: "s1", Session: "a", Decision: journey.Approved, Event: "e2"}, today.Add(time.Minute)))
	v, ok, err := s.LatestVerdict(context.Background(), "s1")
	require.NoError(t, err)
	require.True(t, ok)
	assert.Equal(t, journey.Approved, v.Decision)
	_, ok, err = s.LatestVerdict(context.Background(), "s2")
	require.NoError(t, err)
	assert.False(t, ok)
}
