package keep_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/server/aml"
	"vestibule/server/centre"
	"vestibule/server/ingest"
	"vestibule/server/keep"
	"vestibule/server/kiosktest"
	"vestibule/server/store"
	"vestibule/sync/fault"
	"vestibule/sync/wire"
)

func asked(submission string) keep.Order {
	return keep.Order{Submission: submission, Who: "clerk", Why: keep.WhyAsked}
}

func TestNothingOfAnErasedPersonIsLeftInAnyTableOrFile(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		k := w.kiosk()
		w.listed = []aml.Match{{Source: "un", Entity: "e-9", Name: "FAMILY0001 FOUND", Score: 50}}
		gone := w.visit(k, 1)
		w.listed = nil
		stays := w.visit(k, 2)
		w.written(gone, 1)
		w.written(stays, 2)
		require.Equal(t, journey.Approved, w.row(gone.ID).Decision)
		// The ciphertext gives nothing away, and yet must go: the key for it is here. Its bytes are looked for too.
		before := w.row(gone.ID)
		needles := w.needles(gone, 1)
		needles["sealed bytes"], needles["encrypted bytes"] = before.Sealed[40:90], before.Private[20:70]
		require.NoError(t, w.store.Scrub(t.Context())) // out of the journal, into the file
		was := w.look(w.dsn, w.dir)
		found := was.where(needles)
		for _, place := range []string{
			"submission.private opened: family name", "submission.sealed opened: document number", "inbox.body opened: family name", "submission.private opened: template",
			"decision_input.sealed opened: family name", "face.template opened: template", "review_act.private opened: family name", "list_cleared.why opened: family name",
			"submission.comment opened: given name", "submission.document_key: key of document", "inbox.body: sealed bytes", "screening.result opened: family name",
		} {
			require.Contains(t, found, place, "else this test could not fail")
		}
		require.Contains(t, strings.Join(found, "\n"), "/whole/", "pictures are found in files")
		if !store.IsPostgres(w.dsn) {
			require.Contains(t, strings.Join(found, "\n"), "file /centre.db: key of document")
		}

		require.NoError(t, w.keeper.Erase(t.Context(), asked(gone.ID)))
		assert.Empty(t, w.look(w.dsn, w.dir).where(needles))

		row := w.row(gone.ID)
		assert.Equal(t, store.StandErased, row.Stand)
		assert.Equal(t, journey.Approved, row.Decision, "what was decided stays")
		lines, err := w.store.Read().AuditOf(t.Context(), gone.ID)
		require.NoError(t, err)
		require.Len(t, lines, 1)
		assert.Equal(t, "erase pictures+face+sealed+personal for person-asked", lines[0].What)
		p, err := ingest.Verify(t.Context(), w.store.Read(), w.vault, gone.Session)
		require.NoError(t, err)
		assert.Empty(t, p.Faults, "the journey is proven all the same")
		assert.Equal(t, 1, p.Streams[0].Erased)
		assert.Equal(t, 4, p.Events)
		// The other person is untouched.
		other := w.look(w.dsn, w.dir).where(w.needles(stays, 2))
		for _, place := range []string{"submission.private opened: family name", "inbox.body opened: family name", "face.template opened: template", "list_cleared.why opened: family name"} {
			require.Contains(t, other, place)
		}
		require.NoError(t, w.keeper.Erase(t.Context(), asked(gone.ID)), "twice is once")
		lines, err = w.store.Read().AuditOf(t.Context(), gone.ID)
		require.NoError(t, err)
		require.Len(t, lines, 1)
	})
}

func TestAnErasedPersonIsUnknownToEveryLookUp(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		k := w.kiosk()
		gone := w.visit(k, 1)
		other := w.another() // with its own memory
		require.NoError(t, other.LoadFaces(t.Context()))
		require.Equal(t, 1, faces(t, other))
		again := w.visit(k, 1)
		require.Equal(t, journey.Rejected, w.row(again.ID).Decision, "while known, a second visit is a duplicate")
		require.NoError(t, w.keeper.Erase(t.Context(), asked(gone.ID)))
		require.NoError(t, w.keeper.Erase(t.Context(), asked(again.ID)))
		require.NoError(t, other.Sweep(t.Context()))
		require.Zero(t, faces(t, other), "the other copy has forgotten the face")
		fresh := w.visit(k, 1)
		require.Equal(t, journey.Approved, w.row(fresh.ID).Decision)
		for _, field := range []store.Field{store.ByEmail, store.ByUser} {
			value := w.row(fresh.ID).Keys.Email
			if field == store.ByUser {
				value = w.row(fresh.ID).Keys.User
			}
			found, err := w.store.Read().FindBy(t.Context(), "", field, value, 10)
			require.NoError(t, err)
			require.Equal(t, []string{fresh.ID}, found)
		}
	})
}

func TestAHeldPersonIsNotErasedUntilTheHoldEnds(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.visit(w.kiosk(), 1)
		id, err := w.keeper.Hold(t.Context(), s.ID, "lawyer", "file 12/26")
		require.NoError(t, err)
		require.Equal(t, keep.CodeHeld, fault.Code(w.keeper.Erase(t.Context(), asked(s.ID))))
		plan, err := w.keeper.Plan(t.Context(), s.ID, false)
		require.NoError(t, err)
		require.Equal(t, keep.CodeHeld, fault.Code(plan.Against))
		require.Equal(t, []any{3, true, 1, 1, true}, []any{plan.Pictures, plan.Face, plan.Records, plan.Inputs, plan.Readable})
		require.NotEmpty(t, w.row(s.ID).Private)
		require.NoError(t, w.keeper.Release(t.Context(), id, "lawyer"))
		require.Equal(t, "hold_unknown", fault.Code(w.keeper.Release(t.Context(), id, "lawyer")))
		require.NoError(t, w.keeper.Erase(t.Context(), asked(s.ID)))
		_, err = w.keeper.Hold(t.Context(), s.ID, "lawyer", "file 13/26")
		require.Equal(t, "hold_too_late", fault.Code(err))
		lines, err := w.store.Read().AuditOf(t.Context(), s.ID)
		require.NoError(t, err)
		require.Len(t, lines, 3, "hold, its end, erasure")
	})
}

func TestAnOrderWithoutAReasonOrForNobodyErasesNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.visit(w.kiosk(), 1)
		require.Equal(t, keep.CodeReason, fault.Code(w.keeper.Erase(t.Context(), keep.Order{Submission: s.ID, Who: "x", Why: "ERIKSSON asked"})))
		require.Equal(t, keep.CodeUnknown, fault.Code(w.keeper.Erase(t.Context(), asked("nobody"))))
		require.NotEmpty(t, w.row(s.ID).Private)
	})
}

func TestAnErasureWhileTheChecksRunLeavesNothingBehind(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.someone(1)
		w.send(w.kiosk(), &s, 1)
		require.Equal(t, keep.CodeUndecided, fault.Code(w.keeper.Erase(t.Context(), asked(s.ID))))
		order := asked(s.ID)
		order.Undecided = true
		w.gate = func() { require.NoError(t, w.keeper.Erase(t.Context(), order)) } // between reading and deciding
		require.NoError(t, w.centre.Decide(t.Context(), s.ID))
		row := w.row(s.ID)
		require.Equal(t, store.StandErased, row.Stand)
		require.Empty(t, row.Decision)
		require.Empty(t, w.look(w.dsn, w.dir).where(w.needles(s, 1)))
		_, err := w.store.Read().Job(t.Context(), ingest.JobDecide, s.ID)
		require.ErrorIs(t, err, store.ErrNotFound)
	})
}

func TestWhatAKioskStillSendsOfAnErasedPersonIsThrownAway(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		k := w.kiosk()
		s := w.someone(1)
		s.State = journey.SubmissionOpen
		late := &tape{Ingest: w.ingest}
		k.Inbox = late
		w.send(k, &s, 1)
		require.NoError(t, w.keeper.Erase(ctx, asked(s.ID)))

		// The same frame again: it is here already.
		ack, err := w.ingest.Accept(ctx, late.frames[0])
		require.NoError(t, err)
		require.Empty(t, ack.Refused)
		require.EqualValues(t, len(late.frames[0].Records), ack.High)
		// An altered one in its place is still found out.
		forged := late.frames[0]
		forged.Records = append([]wire.Record(nil), forged.Records...)
		for i, r := range forged.Records {
			if r.Kind == wire.KindSubmission {
				forged.Records[i].Body = append([]byte{0xff}, r.Body...)
			}
		}
		// A picture that was under way, and one of a later revision that nobody knew of.
		for _, c := range late.chunks {
			ack, err := w.ingest.AcceptChunk(ctx, c)
			require.NoError(t, err)
			require.True(t, ack.Done, "the kiosk may delete its own")
		}
		k.Picture(&s, journey.EvidenceBack, picture(1, journey.EvidenceBack))
		s.Revision, s.State = 2, journey.SubmissionComplete
		k.Submission(s)
		k.Send()
		// After the kiosk lost its database, everything comes in a new chain; and ahead of a gap.
		fresh := w.kiosk()
		fresh.Submission(s)
		fresh.Send()
		ahead := w.kiosk()
		ahead.Lose(2)
		ahead.Submission(s)
		ahead.SendLater()

		needles := w.needles(s, 1)
		needles["late picture"] = picture(1, journey.EvidenceBack)[:60]
		require.Empty(t, w.look(w.dsn, w.dir).where(needles))
		p, err := ingest.Verify(ctx, w.store.Read(), w.vault, s.Session)
		require.NoError(t, err)
		require.Empty(t, p.Faults)

		ack, err = w.ingest.Accept(ctx, kiosktest.Sign(forged))
		require.NoError(t, err)
		require.Equal(t, wire.RefusedChain, ack.Refused)
	})
}

// tape remembers what passes.
type tape struct {
	*ingest.Ingest
	frames []wire.Up
	chunks []wire.Chunk
}

func (t *tape) Accept(ctx context.Context, up wire.Up) (wire.Ack, error) {
	t.frames = append(t.frames, up)
	return t.Ingest.Accept(ctx, up)
}

func (t *tape) AcceptChunk(ctx context.Context, c wire.Chunk) (wire.BlobAck, error) {
	t.chunks = append(t.chunks, c)
	return t.Ingest.AcceptChunk(ctx, c)
}

func TestAnEmptiedRecordWithoutTheCentresMarkIsFoundOut(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.visit(w.kiosk(), 1)
		records, err := w.store.Read().SubmissionRecords(t.Context(), s.ID)
		require.NoError(t, err)
		require.Len(t, records, 1)
		// Somebody at the database knows the chain's values and has no key.
		require.NoError(t, w.store.Write(t.Context(), func(tx *store.Tx) error {
			at, head, err := tx.ChainBefore(t.Context(), "k", records[0].Epoch, records[0].Seq)
			if err != nil {
				return err
			}
			list, err := tx.InboxAfter(t.Context(), "k", records[0].Epoch, at, 100)
			if err != nil {
				return err
			}
			for _, r := range list {
				before := head
				if head, err = wire.Chain(head, r.Record); err != nil {
					return err
				}
				if r.Seq == records[0].Seq {
					return tx.EraseRecord(t.Context(), store.Tombstone{
						Kiosk: "k", Epoch: records[0].Epoch, Seq: r.Seq, Submission: s.ID, Hash: make([]byte, 32), Before: before, After: head, Mark: "made up",
					})
				}
			}
			return errors.New("not there")
		}))
		p, err := ingest.Verify(t.Context(), w.store.Read(), w.vault, s.Session)
		require.NoError(t, err)
		require.NotEmpty(t, p.Faults)
	})
}

func TestAnErasureThatAPowerCutInterruptedIsFinished(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.visit(w.kiosk(), 1)
		// A picture that cannot be deleted is a power cut that comes before it: rows are gone, files are not.
		blob := s.Evidence[1].Blob
		path := filepath.Join(w.dir, "whole", blob[:2], blob)
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		require.NoError(t, os.Remove(path))
		require.NoError(t, os.MkdirAll(filepath.Join(path, "stuck"), 0o700))
		err = w.keeper.Erase(t.Context(), asked(s.ID))
		require.Equal(t, "erase_unfinished", fault.Code(err))
		require.Equal(t, store.StandErased, w.row(s.ID).Stand)
		require.NoError(t, os.RemoveAll(path))
		require.NoError(t, os.WriteFile(path, content, 0o600))
		open, err := w.store.Read().UnfinishedErasures(t.Context(), 10)
		require.NoError(t, err)
		require.Len(t, open, 4)

		require.NoError(t, w.newKeeper().Resume(t.Context()), "the next start goes on")
		require.Empty(t, w.look(w.dsn, w.dir).where(w.needles(s, 1)))
		open, err = w.store.Read().UnfinishedErasures(t.Context(), 10)
		require.NoError(t, err)
		require.Empty(t, open)

		// A picture that came whole at the very moment lies there without a row; a start finds it too.
		require.NoError(t, os.WriteFile(path, content, 0o600))
		require.NoError(t, w.newKeeper().SweepPictures(t.Context()))
		require.NoFileExists(t, path)
	})
}

func TestManyEraseTheSamePersonAtTheSameTime(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		k := w.kiosk()
		s := w.visit(k, 1)
		var all sync.WaitGroup
		errs := make([]error, 6)
		for i := range errs {
			all.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				errs[i] = w.newKeeper().Erase(ctx, asked(s.ID))
			})
		}
		all.Go(func() { w.visit(k, 2) })
		all.Wait()
		for _, err := range errs {
			require.NoError(t, err)
		}
		lines, err := w.store.Read().AuditOf(t.Context(), s.ID)
		require.NoError(t, err)
		require.Len(t, lines, 1)
		require.Empty(t, w.look(w.dsn, w.dir).where(w.needles(s, 1)))
	})
}

func TestAnErasureBesideALongReaderEndsAndTheJournalIsEmptiedLater(t *testing.T) {
	w := newWorld(t, t.TempDir())
	s := w.visit(w.kiosk(), 1)
	old := w.row(s.ID)
	to, err := store.Open(t.Context(), t.TempDir())
	require.NoError(t, err)
	defer to.Close()
	journal := filepath.Join(w.dsn, store.SQLiteFile+"-wal")
	once := sync.OnceFunc(func() {
		require.NoError(t, w.keeper.Erase(t.Context(), asked(s.ID)), "a backup reads meanwhile")
		require.Equal(t, store.StandErased, w.row(s.ID).Stand)
	})
	require.NoError(t, w.store.Transfer(t.Context(), to, func(*store.Row) (bool, error) {
		once()
		return true, nil
	}))
	b, err := os.ReadFile(journal)
	require.NoError(t, err)
	require.Contains(t, string(b), string(old.Private[20:70]), "else this test could not fail")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.keeper.Run(ctx) }()
	require.Eventually(t, func() bool {
		b, err := os.ReadFile(journal)
		return err == nil && !strings.Contains(string(b), string(old.Private[20:70]))
	}, time.Minute, 20*time.Millisecond)
	cancel()
	require.NoError(t, <-done)
	require.Empty(t, w.look(w.dsn, w.dir).where(w.needles(s, 1)))
}

// faces counts the collection as a copy of the centre knows it.
func faces(t *testing.T, c *centre.Centre) int {
	t.Helper()
	n, err := c.Faces(t.Context())
	require.NoError(t, err)
	return n
}
