package outbox_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vestibule/sync/outbox"
	"vestibule/sync/wire"
)

var ctx = context.Background()

const kiosk = "kiosk-1"

func open(t testing.TB, path string, limit int64) (*sql.DB, *outbox.Outbox) {
	t.Helper()
	db, err := outbox.OpenFile(ctx, path, limit)
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	box, err := outbox.Open(ctx, db, kiosk)
	require.NoError(t, err)
	return db, box
}

func fresh(t testing.TB, limit int64) (*sql.DB, *outbox.Outbox) {
	t.Helper()
	return open(t, filepath.Join(t.TempDir(), "kiosk file?.db"), limit)
}

func within(db *sql.DB, fn func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := fn(tx); err != nil {
		return err
	}
	return tx.Commit()
}

func add(t testing.TB, db *sql.DB, box *outbox.Outbox, from, n, size int) {
	t.Helper()
	require.NoError(t, within(db, func(tx *sql.Tx) error {
		for i := range n {
			if _, err := box.Append(ctx, tx, wire.KindEvent, fmt.Sprintf("r%d", from+i), make([]byte, size)); err != nil {
				return err
			}
		}
		return nil
	}))
}

func position(t testing.TB, box *outbox.Outbox) outbox.Position {
	t.Helper()
	p, err := box.Position(ctx)
	require.NoError(t, err)
	return p
}

func TestTheFileIsOpenedToSurviveAPowerCut(t *testing.T) {
	db, _ := fresh(t, 1<<20)
	for pragma, want := range map[string]string{
		"journal_mode": "wal", "synchronous": "2", "secure_delete": "1", "foreign_keys": "1", "max_page_count": "256",
	} {
		var got string
		require.NoError(t, db.QueryRow(`PRAGMA `+pragma).Scan(&got))
		require.Equal(t, want, got, pragma)
	}
}

func TestTheFileIsNotReadableByOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k.db")
	db, box := open(t, path, 0)
	add(t, db, box, 0, 1, 10)
	for _, p := range []string{path, path + "-wal"} {
		info, err := os.Stat(p)
		require.NoError(t, err)
		require.Zero(t, info.Mode().Perm()&0o077, p)
	}
}

func TestNumbersHaveNoGapsEvenWhenTransactionsFail(t *testing.T) {
	db, box := fresh(t, 0)
	add(t, db, box, 0, 2, 1)
	lost := errors.New("the visit's change failed")
	require.ErrorIs(t, within(db, func(tx *sql.Tx) error {
		seq, err := box.Append(ctx, tx, wire.KindEvent, "never", nil)
		require.NoError(t, err)
		require.EqualValues(t, 3, seq)
		return lost
	}), lost)
	add(t, db, box, 2, 1, 1)
	b, err := box.Batch(ctx, 0, 1<<20)
	require.NoError(t, err)
	require.Len(t, b.Records, 3)
	for i, r := range b.Records {
		require.EqualValues(t, i+1, r.Seq)
		require.Equal(t, fmt.Sprintf("r%d", i), r.ID)
	}
}

func TestTheHeadIsTheChainOverAllRecordsEverMade(t *testing.T) {
	db, box := fresh(t, 0)
	add(t, db, box, 0, 5, 20)
	all, err := box.Batch(ctx, 0, 1<<20)
	require.NoError(t, err)
	start := wire.ChainStart(kiosk, all.Epoch)
	whole, err := wire.ChainAll(start, all.Records)
	require.NoError(t, err)
	require.Equal(t, whole, all.Head)
	require.Equal(t, whole, position(t, box).Head)
	require.Equal(t, start, position(t, box).Base)
	_, err = box.Acknowledge(ctx, wire.Ack{Epoch: all.Epoch, High: 3})
	require.NoError(t, err)
	three, err := wire.ChainAll(start, all.Records[:3])
	require.NoError(t, err)
	require.Equal(t, three, position(t, box).Base)
	for after, want := range map[uint64]int{0: 2, 3: 2, 4: 1, 5: 0, 99: 0} {
		b, err := box.Batch(ctx, after, 1<<20)
		require.NoError(t, err)
		require.Len(t, b.Records, want, "after %d", after)
		require.Equal(t, whole, b.Head)
	}
	one, err := box.Batch(ctx, 3, 1)
	require.NoError(t, err)
	require.Len(t, one.Records, 1, "at least one, however large")
	four, err := wire.Chain(three, all.Records[3])
	require.NoError(t, err)
	require.Equal(t, four, one.Head)
}

func TestABatchFitsAFrame(t *testing.T) {
	db, box := fresh(t, 0)
	add(t, db, box, 0, 400, 700)
	b, err := box.Batch(ctx, 0, 56<<10)
	require.NoError(t, err)
	require.LessOrEqual(t, b.Bytes, 56<<10)
	require.Greater(t, b.Bytes, 50<<10)
	add(t, db, box, 400, 1, wire.MaxBody)
	full, err := box.Batch(ctx, 400, 56<<10)
	require.NoError(t, err)
	frame, err := wire.EncodeUp(wire.Up{Version: 1, Kiosk: kiosk, Epoch: full.Epoch, Head: full.Head, Records: full.Records, Sig: make([]byte, 72)})
	require.NoError(t, err)
	require.Less(t, len(frame), wire.MaxFrame)
	require.ErrorIs(t, within(db, func(tx *sql.Tx) error {
		_, err := box.Append(ctx, tx, wire.KindEvent, "x", make([]byte, wire.MaxBody+1))
		return err
	}), outbox.ErrTooLarge)
}

func TestOnlyWhatTheCentreHasIsDeleted(t *testing.T) {
	db, box := fresh(t, 0)
	add(t, db, box, 0, 10, 1)
	p := position(t, box)
	done, err := box.Acknowledge(ctx, wire.Ack{Epoch: p.Epoch, High: 4})
	require.NoError(t, err)
	require.Equal(t, outbox.Acked{Records: 4, High: 4}, done)
	for name, ack := range map[string]wire.Ack{
		"an earlier mark":         {Epoch: p.Epoch, High: 2},
		"the same mark":           {Epoch: p.Epoch, High: 4},
		"a mark of another epoch": {Epoch: "other", High: 9},
		"a mark without epoch":    {High: 9},
	} {
		done, err := box.Acknowledge(ctx, ack)
		require.NoError(t, err, name)
		require.Equal(t, outbox.Acked{High: 4}, done, name)
	}
	_, err = box.Acknowledge(ctx, wire.Ack{Epoch: p.Epoch, High: 11})
	require.ErrorIs(t, err, outbox.ErrAhead, "records that were never made")
	_, err = box.Acknowledge(ctx, wire.Ack{Epoch: p.Epoch, High: 8, Head: bytes.Repeat([]byte{1}, wire.HashSize)})
	require.ErrorIs(t, err, outbox.ErrForked, "other records under the same numbers")
	s, err := box.Stats(ctx)
	require.NoError(t, err)
	require.Equal(t, 6, s.Records)
	_, err = box.Acknowledge(ctx, wire.Ack{Epoch: p.Epoch, High: 10, Head: p.Head})
	require.NoError(t, err)
	require.Zero(t, position(t, box).Last-position(t, box).Acked)
}

func TestPicturesWaitUntilTheCentreHasThemWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k.db")
	db, box := open(t, path, 0)
	data := make([]byte, 2*wire.ChunkSize+5)
	rand.Read(data)
	var id string
	for range 2 { // the same bytes twice are one blob
		require.NoError(t, within(db, func(tx *sql.Tx) (err error) {
			id, err = box.AppendBlob(ctx, tx, data)
			return err
		}))
	}
	sum := sha256.Sum256(data)
	require.Equal(t, hex.EncodeToString(sum[:]), id)
	list, err := box.Blobs(ctx, 10)
	require.NoError(t, err)
	require.Equal(t, []outbox.Blob{{Num: 1, ID: id, Size: int64(len(data))}}, list)
	for _, from := range []int64{0, 1, wire.ChunkSize, wire.ChunkSize + 7} {
		var got []byte
		for at := from; at < int64(len(data)); {
			part, err := box.Chunk(ctx, id, at)
			require.NoError(t, err)
			require.NotEmpty(t, part)
			got, at = append(got, part...), at+int64(len(part))
		}
		require.True(t, bytes.Equal(data[from:], got), "read again from %d", from)
	}
	end, err := box.Chunk(ctx, id, int64(len(data)))
	require.NoError(t, err)
	require.Empty(t, end)
	_, err = box.Chunk(ctx, "none", 0)
	require.ErrorIs(t, err, outbox.ErrNoBlob)
	_, err = box.Acknowledge(ctx, wire.Ack{Blobs: []wire.BlobAck{{Blob: id, Have: wire.ChunkSize}}})
	require.NoError(t, err)
	require.NoError(t, db.Close())

	db, box = open(t, path, 0)
	list, err = box.Blobs(ctx, 10)
	require.NoError(t, err)
	require.EqualValues(t, wire.ChunkSize, list[0].Have, "a restart resumes where it was")
	done, err := box.Acknowledge(ctx, wire.Ack{Blobs: []wire.BlobAck{{Blob: id, Done: true}, {Blob: "none", Done: true}}})
	require.NoError(t, err)
	require.Equal(t, []string{id}, done.Blobs)
	var n int
	require.NoError(t, db.QueryRow(`SELECT count(*) FROM outbox_chunk`).Scan(&n))
	require.Zero(t, n)
	for _, bad := range [][]byte{nil, make([]byte, wire.MaxBlob+1)} {
		require.ErrorIs(t, within(db, func(tx *sql.Tx) error { _, err := box.AppendBlob(ctx, tx, bad); return err }), outbox.ErrTooLarge)
	}
}

func TestAFullFileRefusesNewRecordsAndStillDrains(t *testing.T) {
	db, box := fresh(t, 2<<20)
	n := 0
	var err error
	for err == nil {
		err = within(db, func(tx *sql.Tx) error {
			_, err := box.Append(ctx, tx, wire.KindEvent, fmt.Sprintf("r%d", n), make([]byte, 4000))
			if err == nil {
				_, err = box.AppendBlob(ctx, tx, bytes.Repeat([]byte{byte(n), byte(n >> 8)}, 20_000))
			}
			return err
		})
		if err == nil {
			n++
		}
	}
	require.ErrorIs(t, err, outbox.ErrFull)
	require.True(t, outbox.Full(err))
	require.Greater(t, n, 20)
	s, e := box.Stats(ctx)
	require.NoError(t, e)
	require.Equal(t, n, s.Records, "the failed transaction left nothing")
	require.Equal(t, n, s.Blobs)
	require.Greater(t, float64(s.Used)/float64(s.Limit), .9)

	blobs, err := box.Blobs(ctx, 1000)
	require.NoError(t, err)
	ack := wire.Ack{Epoch: s.Epoch, High: uint64(n)}
	for _, b := range blobs {
		ack.Blobs = append(ack.Blobs, wire.BlobAck{Blob: b.ID, Done: true})
	}
	done, err := box.Acknowledge(ctx, ack)
	require.NoError(t, err, "what was acknowledged can always be deleted")
	require.Equal(t, n, done.Records)
	add(t, db, box, n, 1, 4000)
	require.EqualValues(t, n+1, position(t, box).Last, "numbers go on without a gap")
	applied, err := box.Apply(ctx, wire.Record{Seq: 1, Kind: wire.KindVerdict, ID: "v"}, func(*sql.Tx) error { return nil })
	require.NoError(t, err)
	require.True(t, applied)
}

func TestCommandsAreAppliedOnceAndInOrder(t *testing.T) {
	db, box := fresh(t, 0)
	_, err := db.Exec(`CREATE TABLE effect (id TEXT)`)
	require.NoError(t, err)
	cmd := func(seq uint64) wire.Record {
		return wire.Record{Seq: seq, Kind: wire.KindVerdict, ID: fmt.Sprintf("c%d", seq)}
	}
	do := func(r wire.Record, then error) (bool, error) {
		return box.Apply(ctx, r, func(tx *sql.Tx) error {
			_, err := tx.Exec(`INSERT INTO effect VALUES (?)`, r.ID)
			return errors.Join(err, then)
		})
	}
	count := func() (n int) {
		require.NoError(t, db.QueryRow(`SELECT count(*) FROM effect`).Scan(&n))
		return n
	}
	_, err = do(cmd(2), nil)
	require.ErrorIs(t, err, outbox.ErrGap)
	ok, err := do(cmd(1), nil)
	require.NoError(t, err)
	require.True(t, ok)
	ok, err = do(cmd(1), nil)
	require.NoError(t, err)
	require.False(t, ok, "a repetition does nothing")
	require.Equal(t, 1, count())
	later := errors.New("not now")
	_, err = do(cmd(2), later)
	require.ErrorIs(t, err, later)
	require.Equal(t, 1, count(), "a failed command leaves nothing")
	require.EqualValues(t, 1, position(t, box).Cursor)
	ok, err = box.Apply(ctx, cmd(2), func(tx *sql.Tx) error {
		_, err := tx.Exec(`INSERT INTO effect VALUES ('half')`)
		require.NoError(t, err)
		return outbox.Poison(later)
	})
	require.ErrorIs(t, err, later)
	require.True(t, ok, "set aside")
	require.Equal(t, 1, count(), "without its half-done effect")
	s, err := box.Stats(ctx)
	require.NoError(t, err)
	require.Equal(t, 1, s.Quarantined)
	require.EqualValues(t, 2, s.Cursor)
	ok, err = do(cmd(3), nil)
	require.NoError(t, err)
	require.True(t, ok)
}

func TestTheEpochBelongsToTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k.db")
	db, box := open(t, path, 0)
	first := position(t, box).Epoch
	require.NoError(t, db.Close())
	db, box = open(t, path, 0)
	require.Equal(t, first, position(t, box).Epoch, "a restart keeps it")
	_, err := outbox.Open(ctx, db, "kiosk-2")
	require.ErrorIs(t, err, outbox.ErrKiosk)
	_, other := fresh(t, 0)
	require.NotEqual(t, first, position(t, other).Epoch, "another file has another")
}

func TestANewEpochRenumbersWhatWaits(t *testing.T) {
	db, box := fresh(t, 0)
	add(t, db, box, 0, 9, 3)
	before := position(t, box)
	_, err := box.Acknowledge(ctx, wire.Ack{Epoch: before.Epoch, High: 5})
	require.NoError(t, err)
	require.NoError(t, box.Renew(ctx))
	p := position(t, box)
	require.NotEqual(t, before.Epoch, p.Epoch)
	require.EqualValues(t, 4, p.Last)
	require.Zero(t, p.Acked)
	b, err := box.Batch(ctx, 0, 1<<20)
	require.NoError(t, err)
	head, err := wire.ChainAll(wire.ChainStart(kiosk, p.Epoch), b.Records)
	require.NoError(t, err)
	require.Equal(t, head, b.Head)
	for i, r := range b.Records {
		require.EqualValues(t, i+1, r.Seq)
		require.Equal(t, fmt.Sprintf("r%d", 5+i), r.ID)
	}
	add(t, db, box, 9, 1, 3)
	require.EqualValues(t, 5, position(t, box).Last)
}

func TestStatsSayWhatWaitsAndSinceWhen(t *testing.T) {
	db, err := outbox.OpenFile(ctx, filepath.Join(t.TempDir(), "k.db"), 0)
	require.NoError(t, err)
	defer db.Close()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	box, err := outbox.Open(ctx, db, kiosk, outbox.WithClock(func() time.Time { return now }))
	require.NoError(t, err)
	s, err := box.Stats(ctx)
	require.NoError(t, err)
	require.Zero(t, s.Records)
	require.True(t, s.Oldest.IsZero())
	require.Zero(t, s.Limit)
	add(t, db, box, 0, 2, 50)
	began := now
	now = now.Add(time.Hour)
	require.NoError(t, within(db, func(tx *sql.Tx) error {
		_, err := box.Append(ctx, tx, wire.KindSubmission, "s", []byte("sealed"))
		return err
	}))
	s, err = box.Stats(ctx)
	require.NoError(t, err)
	require.Equal(t, began, s.Oldest)
	require.Equal(t, 3, s.Records)
	require.Equal(t, 1, s.Submissions)
	require.EqualValues(t, 106, s.Bytes)
}

func TestADamagedFileIsRecognisedAndLeftAsItIs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k.db")
	text := bytes.Repeat([]byte("this is no database "), 500)
	require.NoError(t, os.WriteFile(path, text, 0o600))
	_, err := outbox.OpenFile(ctx, path, 0)
	require.Error(t, err)
	require.True(t, outbox.Damaged(err), "%v", err)
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, text, got)

	db, box := fresh(t, 0)
	add(t, db, box, 0, 3, 1)
	_, err = db.Exec(`DELETE FROM outbox_record WHERE seq = 2`)
	require.NoError(t, err)
	_, err = box.Batch(ctx, 0, 1<<20)
	require.ErrorIs(t, err, outbox.ErrDamaged, "a gap is never sent as if it were none")
}

func TestTheReserveGivesItsRoomBack(t *testing.T) {
	r := outbox.Reserve{Path: filepath.Join(t.TempDir(), "reserve"), Size: 300_000}
	require.NoError(t, r.Hold())
	require.NoError(t, r.Hold())
	info, err := os.Stat(r.Path)
	require.NoError(t, err)
	require.EqualValues(t, 300_000, info.Size())
	require.NoError(t, r.Drop())
	require.NoError(t, r.Drop(), "dropping twice is no error")
	require.NoFileExists(t, r.Path)
}

// TestTheQueueAgreesWithASimpleModel draws appends, acknowledgements, readings and
// new epochs and compares with a slice.
func TestTheQueueAgreesWithASimpleModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		db, err := sql.Open("sqlite3", ":memory:")
		require.NoError(rt, err)
		defer db.Close()
		db.SetMaxOpenConns(1)
		box, err := outbox.Open(ctx, db, kiosk)
		require.NoError(rt, err)
		var all []string // of the present epoch
		acked, made := 0, 0
		rt.Repeat(map[string]func(*rapid.T){
			"append": func(rt *rapid.T) {
				n := rapid.IntRange(1, 20).Draw(rt, "n")
				keep := rapid.Bool().Draw(rt, "commit")
				err := within(db, func(tx *sql.Tx) error {
					for i := range n {
						if _, err := box.Append(ctx, tx, wire.KindEvent, fmt.Sprintf("r%d", made+i), nil); err != nil {
							return err
						}
					}
					if !keep {
						return errors.ErrUnsupported
					}
					return nil
				})
				if keep {
					require.NoError(rt, err)
					for range n {
						all = append(all, fmt.Sprintf("r%d", made))
						made++
					}
				}
			},
			"acknowledge": func(rt *rapid.T) {
				high := rapid.IntRange(0, len(all)+2).Draw(rt, "high")
				p, err := box.Position(ctx)
				require.NoError(rt, err)
				_, err = box.Acknowledge(ctx, wire.Ack{Epoch: p.Epoch, High: uint64(high)})
				if high > len(all) {
					require.ErrorIs(rt, err, outbox.ErrAhead)
					return
				}
				require.NoError(rt, err)
				acked = max(acked, high)
			},
			"renew": func(rt *rapid.T) {
				require.NoError(rt, box.Renew(ctx))
				all, acked = append([]string(nil), all[acked:]...), 0
			},
			"": func(rt *rapid.T) {
				after := rapid.IntRange(0, len(all)).Draw(rt, "after")
				b, err := box.Batch(ctx, uint64(after), 1<<20)
				require.NoError(rt, err)
				want := all[max(after, acked):]
				want = want[:min(len(want), wire.MaxRecords)]
				require.Len(rt, b.Records, len(want))
				for i, r := range b.Records {
					require.Equal(rt, want[i], r.ID)
				}
			},
		})
	})
}

func BenchmarkAppend(b *testing.B) {
	for _, n := range []int{1, 20} {
		b.Run(fmt.Sprintf("%d-per-transaction", n), func(b *testing.B) {
			db, box := fresh(b, 0)
			for b.Loop() {
				add(b, db, box, 0, n, 400)
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

func BenchmarkAppendBlob(b *testing.B) {
	db, box := fresh(b, 0)
	data := make([]byte, 300<<10)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		rand.Read(data[:16])
		require.NoError(b, within(db, func(tx *sql.Tx) error {
			_, err := box.AppendBlob(ctx, tx, data)
			return err
		}))
	}
}

func TestAViewIsTheQueueOfWhoeverMadeIt(t *testing.T) {
	db, box := fresh(t, 0)
	add(t, db, box, 0, 2, 10)
	v, err := outbox.View(ctx, db)
	require.NoError(t, err)
	require.Equal(t, kiosk, v.Kiosk())
	require.Equal(t, position(t, box), position(t, v))
	_, err = db.Exec(`DELETE FROM outbox_state`)
	require.NoError(t, err)
	_, err = outbox.View(ctx, db)
	require.ErrorIs(t, err, outbox.ErrNoEpoch)
}

func TestBlobsAreListedInPagesOldestFirst(t *testing.T) {
	db, box := fresh(t, 0)
	var want, got []string
	for i := range 7 {
		require.NoError(t, within(db, func(tx *sql.Tx) error {
			id, err := box.AppendBlob(ctx, tx, []byte{byte(i)})
			want = append(want, id)
			return err
		}))
	}
	for after := int64(0); ; {
		page, err := box.BlobsAfter(ctx, after, 3)
		require.NoError(t, err)
		if len(page) == 0 {
			break
		}
		for _, b := range page {
			got, after = append(got, b.ID), b.Num
		}
	}
	require.Equal(t, want, got)
}
