package agent

import (
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/agent/store"
	"vestibule/journey"
	"vestibule/sync/wire"
)

// fill takes the store's room with a setting of a size.
func (b *bench) fill(bytes int) error {
	return b.a.store.Write(b.t.Context(), func(tx *store.Tx) error {
		return tx.Put("filling", make([]byte, bytes), today)
	})
}

func (b *bench) free() {
	b.t.Helper()
	require.NoError(b.t, b.a.store.Write(b.t.Context(), func(tx *store.Tx) error { return tx.Put("filling", []byte{}, today) }))
}

// fillUp leaves no room at all.
func (b *bench) fillUp() {
	b.t.Helper()
	used, limit, err := b.a.store.Space(b.t.Context())
	require.NoError(b.t, err)
	size := int(limit - used)
	for size > 0 && b.fill(size) != nil {
		size -= 4096
	}
}

func TestAFullStoreStopsNoVisitWithoutAWordAndLosesNothing(t *testing.T) {
	small := func(c *Config) { c.Store = store.Options{MaxBytes: 1 << 20, Reserve: 256 << 10} }
	t.Run("no visit begins near the limit", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			b := newBench(t, small)
			b.start()
			b.untilStep(StepAttract)
			b.fillUp()
			err := b.a.Do(t.Context(), Start{})
			var p *Problem
			require.ErrorAs(t, err, &p)
			assert.Equal(t, ProblemStoreFull, p.Code)
			s := b.untilStep(StepClosed)
			assert.Equal(t, ProblemStoreFull, s.Problem.Code)
			assert.NotEmpty(t, s.Problem.Hint)
			b.free()
			b.untilStep(StepAttract)
			b.to(StepResult)
			b.halt(nil)
		})
	})
	t.Run("no visit begins on a disk that others have filled", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			var left atomic.Int64
			left.Store(1 << 30)
			b := newBench(t, func(c *Config) {
				c.Store.Room = func(string) (int64, bool) { return left.Load(), true }
			})
			b.start()
			b.untilStep(StepAttract)
			left.Store(1 << 20)
			var p *Problem
			require.ErrorAs(t, b.a.Do(t.Context(), Start{}), &p)
			assert.Equal(t, ProblemStoreFull, p.Code)
			b.untilStep(StepClosed)
			left.Store(1 << 30)
			b.untilStep(StepAttract)
			b.to(StepReview)
			left.Store(1 << 20)
			b.do(Confirm{})
			b.untilStep(StepResult) // who is inside goes on
			b.halt(nil)
		})
	})
	t.Run("nor on one that is too small from the start", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			b := newBench(t, func(c *Config) {
				c.Store.Room = func(string) (int64, bool) { return 600 << 10, true }
			})
			b.start()
			s := b.until("the kiosk to say so", func(s State) bool { return s.Problem != nil && s.Problem.Code != ProblemStarting })
			assert.Equal(t, ProblemStoreFull, s.Problem.Code)
			b.halt(nil)
		})
	})
	t.Run("a running visit ends with a clear error, and its journal is whole", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			b := newBench(t, small)
			b.start()
			b.to(StepReview)
			b.fillUp()
			b.do(Confirm{})
			s := b.untilStep(StepError)
			assert.Equal(t, ProblemStoreFull, s.Problem.Code)
			require.NoError(t, b.a.Observe(t.Context(), journey.EventErrorPageViewed, s.Path, nil))
			b.do(Done{})
			s = b.untilStep(StepClosed)
			assert.Equal(t, ProblemStoreFull, s.Problem.Code)
			b.clean()
			events := b.journal()
			assert.Equal(t, journey.StatusError, journey.Status(events, today, 0))
			assert.Equal(t, journey.KioskPrivacyReset, events[len(events)-1].Name)

			// What the centre has acknowledged can go although nothing more fits.
			at, err := b.a.store.Outbox().Position(t.Context())
			require.NoError(t, err)
			_, err = b.a.store.Outbox().Acknowledge(t.Context(), wire.Ack{Version: 1, Epoch: at.Epoch, High: at.Last})
			require.NoError(t, err)
			b.free()
			b.untilStep(StepAttract)
			b.to(StepResult)
			assert.Equal(t, 1, count(b.journal(), journey.EventStep2Completed), "work resumes")
			b.halt(nil)
		})
	})
	t.Run("when even the reserve is used up the end is stored as soon as there is room", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			b := newBench(t, func(c *Config) { c.Store = store.Options{MaxBytes: 1 << 20, Reserve: 4096} })
			b.start()
			b.to(StepReview)
			session := b.a.states.get().Session
			b.fillUp()
			// The reserve goes too: a page for every event until none is left.
			for i := 0; i < 200; i++ {
				if b.a.Observe(t.Context(), journey.EventAPICall, "/document/review", nil) != nil {
					break
				}
			}
			s := b.until("the end", func(s State) bool { return s.Step == StepError || s.Step == StepClosed })
			if s.Step == StepError {
				b.do(Done{})
			}
			s = b.untilStep(StepClosed)
			assert.Equal(t, ProblemStoreFull, s.Problem.Code)
			assert.NoFileExists(t, filepath.Join(b.dir, keyFile), "privacy does not wait for room")
			b.free()
			b.untilStep(StepAttract)
			events := b.journalOf(session)
			assert.Equal(t, journey.KioskPrivacyReset, events[len(events)-1].Name)
			b.clean()
			b.halt(nil)
		})
	})
}

func TestADamagedStoreIsRefusedAndCanBeMovedAside(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := newBench(t)
		b.start()
		b.to(StepResult)
		b.do(Done{})
		b.untilStep(StepAttract)
		b.halt(nil)
		path := filepath.Join(b.dir, "kiosk.db")
		require.NoError(t, os.WriteFile(path, []byte("this was a database once, and is none any more, for whatever reason it may be"), 0o600))
		damaged, err := os.ReadFile(path)
		require.NoError(t, err)

		_, err = New(b.cfg)
		var p *Problem
		require.ErrorAs(t, err, &p)
		assert.Equal(t, ProblemStoreCorrupt, p.Code)
		assert.NotEmpty(t, p.Hint)
		kept, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, damaged, kept, "the file is left as it is")

		aside, err := Recover(b.cfg)
		require.NoError(t, err)
		kept, err = os.ReadFile(filepath.Join(aside, "kiosk.db"))
		require.NoError(t, err)
		assert.Equal(t, damaged, kept)
		b.start()
		b.to(StepResult)
		b.halt(nil)
	})
}

func TestTwoAgentsDoNotShareAStore(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := newBench(t)
		b.start()
		_, err := New(b.cfg)
		var p *Problem
		require.ErrorAs(t, err, &p)
		assert.Equal(t, ProblemStoreInUse, p.Code)
		b.halt(nil)
	})
}

func TestAPictureWhoseArrivalWasNotNotedBeforeThePowerWentIsNotedLater(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := newBench(t)
		b.start()
		b.to(StepResult)
		b.halt(errAbandoned) // the power goes after the queue let the pictures go, and before more was written down
		b.withStore(func(s *store.Store) {
			blobs, err := s.Outbox().Blobs(t.Context(), 100)
			require.NoError(t, err)
			require.NotEmpty(t, blobs)
			var ack wire.Ack
			for _, one := range blobs {
				ack.Blobs = append(ack.Blobs, wire.BlobAck{Blob: one.ID, Have: one.Size, Done: true})
			}
			_, err = s.Outbox().Acknowledge(t.Context(), ack)
			require.NoError(t, err)
		})
		b.start()
		time.Sleep(2 * housekeeping)
		b.halt(nil)
		delivered := 0
		for _, ev := range b.journal() {
			if ev.Name == journey.EventUploadImage && ev.Detail["phase"] == "delivered" {
				delivered++
			}
		}
		require.Equal(t, 3, delivered)
	})
}
