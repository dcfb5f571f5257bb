package store

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/sync/wire"
)

func TestAViewReadsBesideTheOwnerAndWritesNothing(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	begun(t, s, "a")
	require.NoError(t, s.Write(t.Context(), func(tx *Tx) error { return tx.Record(event("a", 1)) }))

	v, err := View(t.Context(), dir, Options{})
	require.NoError(t, err)
	defer v.Close()
	require.Equal(t, "k1", v.Outbox().Kiosk())
	count := func() (n int) {
		require.NoError(t, v.EachRecord(t.Context(), func(Item) error { n++; return nil }))
		return n
	}
	require.Equal(t, 1, count())
	// The owner goes on, also in the middle of what the view reads.
	require.NoError(t, v.EachRecord(t.Context(), func(Item) error {
		return s.Write(t.Context(), func(tx *Tx) error { return tx.Record(event("a", 2)) })
	}))
	require.Equal(t, 2, count())
	require.ErrorContains(t, v.Write(t.Context(), func(tx *Tx) error { return tx.Put("x", []byte("y"), today) }), "readonly")
	_, err = v.Outbox().Acknowledge(t.Context(), wire.Ack{})
	require.NoError(t, err, "nothing to write")
	p, err := v.Outbox().Position(t.Context())
	require.NoError(t, err)
	_, err = v.Outbox().Acknowledge(t.Context(), wire.Ack{Epoch: p.Epoch, High: 1})
	require.ErrorContains(t, err, "readonly")
	require.Equal(t, 2, count())

	// And without an owner, and an owner after it.
	require.NoError(t, s.Close())
	require.Equal(t, 2, count())
	again := open(t, dir, Options{})
	require.NoError(t, again.Write(t.Context(), func(tx *Tx) error { return tx.Record(event("a", 3)) }))
	require.Equal(t, 3, count())
}

func TestAViewMakesNothing(t *testing.T) {
	dir := t.TempDir()
	_, err := View(t.Context(), dir, Options{})
	require.ErrorIs(t, err, ErrMissing)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, entries)
	require.NoError(t, os.WriteFile(filepath.Join(dir, fileDB), []byte("not a database, but as long as the header of one would have to be: 100 bytes or more of text here"), 0o600))
	_, err = View(t.Context(), dir, Options{})
	require.ErrorIs(t, err, ErrCorrupt)
}

func TestWhatWaitsIsListedWithItsSizeAndSince(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	begun(t, s, "a")
	e := journey.Evidence{ID: "p", Kind: journey.EvidenceSelfie, Attempt: 1, Taken: today}
	require.NoError(t, s.Write(t.Context(), func(tx *Tx) error {
		require.NoError(t, tx.Record(event("a", 1)))
		require.NoError(t, tx.Keep("a", "u", &e, make([]byte, 1000)))
		return tx.Submit(wire.SubmissionBody{Submission: "u", Session: "a", Revision: 1, Sealed: []byte("x")}, journey.SubmissionComplete, today)
	}))
	var all []Item
	keep := func(x Item) error { all = append(all, x); return nil }
	require.NoError(t, s.EachRecord(t.Context(), keep))
	require.NoError(t, s.EachPicture(t.Context(), keep))
	require.Len(t, all, 3)
	require.Equal(t, []string{ItemEvent, ItemSubmission, ItemPicture}, []string{all[0].What, all[1].What, all[2].What})
	require.Equal(t, Item{What: ItemPicture, ID: e.Blob, Num: 1, Size: 1000, Since: today}, all[2])
	require.EqualValues(t, 2, all[1].Seq)
	stop := context.Canceled
	require.ErrorIs(t, s.EachRecord(t.Context(), func(Item) error { return stop }), stop)
	require.ErrorIs(t, s.EachPicture(t.Context(), func(Item) error { return stop }), stop)
}
