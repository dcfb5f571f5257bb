package courier_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vestibule/sync/courier"
	"vestibule/sync/fault"
	"vestibule/sync/link"
	"vestibule/sync/link/linktest"
	"vestibule/sync/outbox"
	"vestibule/sync/wire"
)

const kiosk = "hall-1"

// world is one kiosk, a centre, and what lies on sticks between them.
type world struct {
	t     tester
	ctx   context.Context
	key   *ecdsa.PrivateKey // of the kiosk
	seat  *ecdsa.PrivateKey // of the centre
	db    *sql.DB
	box   *outbox.Outbox
	inbox *linktest.Inbox
	disk  courier.Disk
	stick string

	made    []string          // ids of all records, in order
	blobs   map[string][]byte // every picture
	files   []string          // exported
	answers []string
}

func newWorld(t tester, dir string, key, seat *ecdsa.PrivateKey) *world {
	t.Helper()
	w := &world{t: t, ctx: context.Background(), key: key, seat: seat, inbox: linktest.NewInbox(), blobs: map[string][]byte{}, disk: courier.System{}, stick: filepath.Join(dir, "stick")}
	require.NoError(t, os.MkdirAll(w.stick, 0o700))
	w.open(filepath.Join(dir, "kiosk.db"))
	return w
}

func (w *world) open(path string) {
	var err error
	w.db, err = outbox.OpenFile(w.ctx, path, 0)
	require.NoError(w.t, err)
	w.box, err = outbox.Open(w.ctx, w.db, kiosk)
	require.NoError(w.t, err)
}

// hurry leaves out what only a power cut would show: syncs of database and stick.
func (w *world) hurry() {
	w.t.Helper()
	w.db.SetMaxOpenConns(1)
	_, err := w.db.Exec(`PRAGMA synchronous = OFF`)
	require.NoError(w.t, err)
	w.disk = hasty{}
}

// hasty is a disk that says it has synced.
type hasty struct{ courier.System }

func (hasty) Create(path string) (courier.File, error) {
	f, err := courier.System{}.Create(path)
	return hastyFile{f}, err
}

func (hasty) SyncFolder(string) error { return nil }

type hastyFile struct{ courier.File }

func (hastyFile) Sync() error { return nil }

func (w *world) within(f func(*sql.Tx) error) {
	w.t.Helper()
	tx, err := w.db.BeginTx(w.ctx, nil)
	require.NoError(w.t, err)
	require.NoError(w.t, f(tx))
	require.NoError(w.t, tx.Commit())
}

func (w *world) append(n, size int) {
	w.t.Helper()
	w.within(func(tx *sql.Tx) error {
		for range n {
			id := fmt.Sprintf("r%d", len(w.made))
			if _, err := w.box.Append(w.ctx, tx, wire.KindEvent, id, bytes.Repeat([]byte("x"), size)); err != nil {
				return err
			}
			w.made = append(w.made, id)
		}
		return nil
	})
}

func (w *world) picture(size int) {
	w.t.Helper()
	w.within(func(tx *sql.Tx) error {
		sealed := bytes.Repeat(fmt.Appendf(nil, "picture %d ", len(w.blobs)), size/10+1)[:size]
		id, err := w.box.AppendBlob(w.ctx, tx, sealed)
		w.blobs[id] = sealed
		return err
	})
}

func (w *world) gate() link.Gate {
	return link.Gate{Inbox: w.inbox, Keys: func(_ context.Context, name string) (*ecdsa.PublicKey, error) {
		if name != kiosk {
			return nil, link.ErrUnknownKiosk
		}
		return &w.key.PublicKey, nil
	}}
}

func (w *world) exporter(limit int64) courier.Export {
	return courier.Export{
		Kiosk: kiosk, Signer: w.key, Queue: w.box, Disk: w.disk, Now: func() time.Time { return at }, Random: rand.Reader, Limit: limit,
	}
}

func (w *world) export(limit int64) courier.Exported {
	w.t.Helper()
	done, err := w.exporter(limit).To(w.ctx, w.stick)
	if fault.Code(err) == courier.CodeLimit && limit > 0 {
		return done
	}
	require.NoError(w.t, err)
	if done.Path != "" {
		info, err := os.Stat(done.Path)
		require.NoError(w.t, err)
		require.Equal(w.t, info.Size(), done.Bytes)
		require.True(w.t, limit == 0 || done.Bytes <= limit, "%d bytes below a limit of %d", done.Bytes, limit)
		w.files = append(w.files, done.Path)
	}
	return done
}

func (w *world) clerk() courier.Clerk {
	return courier.Clerk{Signer: w.seat, Cert: []byte("the centre's"), Now: func() time.Time { return at }, Random: rand.Reader}
}

// take imports a file and writes its answer under a name of its own.
func (w *world) take(file string) courier.Taken {
	w.t.Helper()
	f, err := os.Open(file)
	require.NoError(w.t, err)
	defer f.Close()
	taken, err := courier.Take(w.ctx, f, w.gate())
	require.NoError(w.t, err)
	answer := filepath.Join(w.stick, fmt.Sprintf("%d.ack", len(w.answers)))
	require.NoError(w.t, w.clerk().Answer(w.disk, answer, taken))
	w.answers = append(w.answers, answer)
	return taken
}

func (w *world) centre(cert []byte, _ time.Time) (*ecdsa.PublicKey, error) {
	if string(cert) != "the centre's" {
		return nil, errors.New("not ours")
	}
	return &w.seat.PublicKey, nil
}

func (w *world) read(answer string) courier.Answer {
	w.t.Helper()
	f, err := os.Open(answer)
	require.NoError(w.t, err)
	defer f.Close()
	a, err := courier.ReadAnswer(f, kiosk, w.centre)
	require.NoError(w.t, err)
	return a
}

func (w *world) settle(answer string) courier.Settled {
	w.t.Helper()
	done, err := w.read(answer).Settle(w.ctx, w.box)
	require.NoError(w.t, err)
	return done
}

// line sends one frame of records as the link does; answered says whether the
// acknowledgement arrives.
func (w *world) line(after uint64, answered bool) {
	w.t.Helper()
	b, err := w.box.Batch(w.ctx, after, 4<<10)
	require.NoError(w.t, err)
	frame, err := wire.SignUp(wire.Up{
		Version: wire.Version, Kiosk: kiosk, Epoch: b.Epoch, Records: b.Records, Head: b.Head, Cursor: b.Cursor, Sent: at,
	}, w.key, rand.Reader)
	require.NoError(w.t, err)
	_, ack, code, err := w.gate().Up(w.ctx, kiosk, frame)
	require.NoError(w.t, err)
	require.Empty(w.t, code)
	if answered {
		_, err := w.box.Acknowledge(w.ctx, ack)
		require.NoError(w.t, err)
	}
}

// lane sends the next chunk of the oldest picture by the line.
func (w *world) lane(answered bool) {
	w.t.Helper()
	list, err := w.box.Blobs(w.ctx, 1)
	require.NoError(w.t, err)
	if len(list) == 0 {
		return
	}
	b := list[0]
	at := b.Have
	if at == b.Size {
		at = 0
	}
	data, err := w.box.Chunk(w.ctx, b.ID, at)
	require.NoError(w.t, err)
	frame, err := wire.EncodeChunk(wire.Chunk{Version: wire.Version, Kiosk: kiosk, Blob: b.ID, Size: b.Size, Offset: at, Data: data})
	require.NoError(w.t, err)
	ack, code, err := w.gate().Chunk(w.ctx, kiosk, frame)
	require.NoError(w.t, err)
	require.Empty(w.t, code)
	if answered {
		_, err := w.box.Acknowledge(w.ctx, wire.Ack{Version: wire.Version, Blobs: []wire.BlobAck{ack}})
		require.NoError(w.t, err)
	}
}

// holds checks what must be true at every moment: nothing was deleted here that is
// not there, and what is there is the beginning of what was made, once and in order.
func (w *world) holds() {
	w.t.Helper()
	require.NoError(w.t, w.inbox.Check())
	p, err := w.box.Position(w.ctx)
	require.NoError(w.t, err)
	applied := w.inbox.Applied(kiosk)
	require.LessOrEqual(w.t, p.Acked, uint64(len(applied)))
	for i, r := range applied {
		require.Equal(w.t, w.made[i], r.ID)
	}
	here := map[string]bool{}
	list, err := w.box.Blobs(w.ctx, 1000)
	require.NoError(w.t, err)
	for _, b := range list {
		here[b.ID] = true
	}
	for id, sealed := range w.blobs {
		if !here[id] {
			require.Equal(w.t, sealed, w.inbox.Blob(id))
		}
	}
}

// ends checks that everything has arrived and nothing is left.
func (w *world) ends() {
	w.t.Helper()
	w.holds()
	st, err := w.box.Stats(w.ctx)
	require.NoError(w.t, err)
	require.Zero(w.t, st.Records)
	require.Zero(w.t, st.Blobs)
	require.Equal(w.t, len(w.made), w.inbox.Count(kiosk))
}

// Exports, imports, answers and the line in any order, each as often as it likes,
// with answers lost, late and again: nothing is lost, doubled or out of order.
func TestCourierAndLineInAnyOrderLoseAndDoubleNothing(t *testing.T) {
	key, seat := newKey(t), newKey(t)
	base, round := t.TempDir(), 0
	rapid.Check(t, func(rt *rapid.T) {
		round++
		dir := filepath.Join(base, fmt.Sprint(round))
		w := newWorld(rt, dir, key, seat)
		w.hurry()
		defer func() {
			_ = w.db.Close()
			_ = os.RemoveAll(dir)
		}()
		one := func(label string, n int) int { return rapid.IntRange(0, n-1).Draw(rt, label) }
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			switch one("step", 9) {
			case 0, 1:
				w.append(1+one("records", 5), one("size", 20_000))
			case 2:
				w.picture(1 + one("size", 3*wire.ChunkSize))
			case 3:
				w.export(0)
			case 4:
				w.export(int64(500 + one("limit", 300_000)))
			case 5:
				if len(w.files) > 0 {
					w.take(w.files[one("file", len(w.files))])
				}
			case 6:
				if len(w.answers) > 0 {
					require.False(rt, w.settle(w.answers[one("answer", len(w.answers))]).Renewed)
				}
			case 7:
				p, err := w.box.Position(w.ctx)
				require.NoError(rt, err)
				w.line(p.Acked+uint64(one("ahead", int(p.Last-p.Acked)+1)), rapid.Bool().Draw(rt, "answered"))
			case 8:
				w.lane(rapid.Bool().Draw(rt, "answered"))
			}
			w.holds()
		}
		if rapid.Bool().Draw(rt, "the line is mended") {
			for {
				st, err := w.box.Stats(w.ctx)
				require.NoError(rt, err)
				if st.Records == 0 && st.Blobs == 0 {
					break
				}
				w.line(0, true)
				w.lane(true)
			}
		} else if e := w.export(0); e.Path != "" {
			w.take(e.Path)
			w.settle(w.answers[len(w.answers)-1])
		}
		w.ends()
		// Everything that still lies about, once more: nothing changes.
		for _, f := range w.files {
			w.take(f)
		}
		for _, a := range w.answers {
			require.False(rt, w.settle(a).Renewed)
		}
		w.ends()
	})
}

// The real uplink works while files are exported, imported and answered.
func TestTheUplinkAndTheCourierWorkAtTheSameTime(t *testing.T) {
	w := newWorld(t, t.TempDir(), newKey(t), newKey(t))
	defer w.db.Close()
	net := linktest.New(1, linktest.Faults{Loss: 0.05, Duplicate: 0.05, Cut: 0.01, Delay: 2 * time.Millisecond})
	signs, known, err := linktest.Centre()
	require.NoError(t, err)
	recv := link.NewReceiver(net, w.inbox, w.gate().Keys, link.ReceiverConfig{Centre: signs})
	up, err := link.NewUplink(net, w.box, link.UplinkConfig{
		Kiosk: kiosk, Signer: w.key, Centre: known, Apply: func(context.Context, *sql.Tx, wire.Record) error { return nil },
		Tuning: link.Tuning{RetryFirst: 20 * time.Millisecond, RetryMost: 200 * time.Millisecond, FrameBytes: 2 << 10},
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var done [2]chan struct{}
	for i, run := range []func(context.Context) error{recv.Run, up.Run} {
		done[i] = make(chan struct{})
		go func() {
			defer close(done[i])
			_ = run(ctx)
		}()
	}
	for i := range 25 {
		w.append(7, 400)
		w.picture(50_000 + i)
		up.Kick()
		if i == 10 {
			net.Partition(kiosk, true)
		}
		if i == 18 {
			net.Partition(kiosk, false)
		}
		if e := w.export(0); e.Path != "" && i%3 > 0 {
			w.take(e.Path)
			if i%3 > 1 {
				require.False(t, w.settle(w.answers[len(w.answers)-1]).Renewed)
			}
		}
	}
	require.Eventually(t, func() bool {
		st, err := w.box.Stats(w.ctx)
		return err == nil && st.Records == 0 && st.Blobs == 0
	}, time.Minute, 10*time.Millisecond)
	cancel()
	<-done[0]
	<-done[1]
	w.ends()
	require.Equal(t, 1, w.inbox.Epochs(kiosk))
}

// smallDisk has room for some bytes, and may fail at any other step.
type smallDisk struct {
	courier.System
	room int64
	fail string
}

var errWorn = errors.New("input/output error")

func (d *smallDisk) at(step string) error {
	if d.fail == step {
		return errWorn
	}
	return nil
}

func (d *smallDisk) Create(path string) (courier.File, error) {
	if err := d.at("create"); err != nil {
		return nil, err
	}
	f, err := d.System.Create(path)
	return &smallFile{f, d}, err
}

func (d *smallDisk) Rename(from, to string) error {
	if err := d.at("rename"); err != nil {
		return err
	}
	return d.System.Rename(from, to)
}

func (d *smallDisk) SyncFolder(path string) error {
	if err := d.at("sync folder"); err != nil {
		return err
	}
	return d.System.SyncFolder(path)
}

type smallFile struct {
	courier.File
	d *smallDisk
}

func (f *smallFile) Write(p []byte) (int, error) {
	if f.d.room < int64(len(p)) {
		n, _ := f.File.Write(p[:f.d.room])
		f.d.room = 0
		return n, &os.PathError{Op: "write", Path: "stick", Err: syscall.ENOSPC}
	}
	f.d.room -= int64(len(p))
	return f.File.Write(p)
}

func (f *smallFile) Sync() error {
	if f.d.fail == "sync is out of room" { // where blocks are only found when they are written back
		return &os.PathError{Op: "sync", Path: "stick", Err: syscall.ENOSPC}
	}
	return errors.Join(f.d.at("sync"), f.File.Sync())
}

func (f *smallFile) Close() error { return errors.Join(f.File.Close(), f.d.at("close")) }

func TestAFullMediumLeavesNoHalfFileAndSaysHowMuchWasNeeded(t *testing.T) {
	w := newWorld(t, t.TempDir(), newKey(t), newKey(t))
	defer w.db.Close()
	w.append(300, 500)
	for range 5 {
		w.picture(150_000)
	}
	whole := w.export(0)
	require.Equal(t, 300, whole.Records)
	require.Equal(t, 5, whole.Pictures)
	require.NoError(t, os.Remove(whole.Path))
	for _, room := range []int64{0, 1, 1000, 200_000, 500_000, whole.Bytes - 10_000} {
		e := w.exporter(0)
		e.Disk = &smallDisk{room: room}
		_, err := e.To(w.ctx, w.stick)
		require.Equal(t, courier.CodeMediaFull, fault.Code(err), "%v", err)
		require.ErrorIs(t, err, syscall.ENOSPC)
		var needed int64
		var f *fault.Fault
		require.ErrorAs(t, err, &f)
		_, err = fmt.Sscanf(f.Message[strings.Index(f.Message, "needs "):], "needs %d bytes", &needed)
		require.NoError(t, err, f.Message)
		require.InDelta(t, whole.Bytes, needed, 50, "signatures differ by a few bytes")
		w.empty()
	}
	e := w.exporter(0)
	e.Disk = &smallDisk{room: 1 << 30, fail: "sync is out of room"}
	_, err := e.To(w.ctx, w.stick)
	require.Equal(t, courier.CodeMediaFull, fault.Code(err))
	w.empty()
	// A limit makes it fit.
	e = w.exporter(500_000)
	e.Disk = &smallDisk{room: 500_000}
	part, err := e.To(w.ctx, w.stick)
	require.NoError(t, err)
	require.Equal(t, 300, part.Records)
	require.Equal(t, 2, part.Pictures)
	require.Equal(t, 3, part.PicturesLeft)
}

// empty checks that a medium holds nothing.
func (w *world) empty() {
	w.t.Helper()
	entries, err := os.ReadDir(w.stick)
	require.NoError(w.t, err)
	require.Empty(w.t, entries)
}

func TestAMediumThatFailsAtAnyStepLeavesNoHalfFile(t *testing.T) {
	w := newWorld(t, t.TempDir(), newKey(t), newKey(t))
	defer w.db.Close()
	w.append(3, 100)
	for _, step := range []string{"create", "sync", "close", "rename"} {
		e := w.exporter(0)
		e.Disk = &smallDisk{room: 1 << 30, fail: step}
		_, err := e.To(w.ctx, w.stick)
		require.Equal(t, courier.CodeUnwritable, fault.Code(err), step)
		require.ErrorIs(t, err, errWorn)
		w.empty()
	}
	e := w.exporter(0)
	e.Disk = &smallDisk{room: 1 << 30, fail: "sync folder"}
	_, err := e.To(w.ctx, w.stick)
	require.Equal(t, courier.CodeUnwritable, fault.Code(err), "it may not last, and says so")
	st, err := w.box.Stats(w.ctx)
	require.NoError(t, err)
	require.Equal(t, 3, st.Records, "the kiosk still has everything")
}

func TestWhatAnExportCutOffByForceLeftIsRefusedAndSweptByTheNext(t *testing.T) {
	w := newWorld(t, t.TempDir(), newKey(t), newKey(t))
	defer w.db.Close()
	w.append(3, 100)
	e := w.export(0)
	whole, err := os.ReadFile(e.Path)
	require.NoError(t, err)
	part := filepath.Join(w.stick, ".hall-1-20261125T090000Z-abcdef.courier.part")
	require.NoError(t, os.WriteFile(part, whole[:200], 0o600))
	foreign := filepath.Join(w.stick, ".hall-2-20261125T090000Z-abcdef.courier.part")
	require.NoError(t, os.WriteFile(foreign, nil, 0o600))
	_, err = courier.Take(w.ctx, bytes.NewReader(whole[:200]), w.gate())
	require.Equal(t, courier.CodeHalfWritten, fault.Code(err))
	w.export(0)
	require.NoFileExists(t, part)
	require.FileExists(t, foreign, "what another kiosk may be writing stays")
}

func TestALimitTakesTheContiguousBeginning(t *testing.T) {
	w := newWorld(t, t.TempDir(), newKey(t), newKey(t))
	defer w.db.Close()
	w.append(50, 2000)
	w.picture(1000)
	e := w.export(30_000)
	require.Positive(t, e.Records)
	require.Less(t, e.Records, 16)
	require.Zero(t, e.Pictures, "no picture before all records")
	require.Equal(t, 50-e.Records, e.RecordsLeft)
	require.Equal(t, 1, e.PicturesLeft)
	require.EqualValues(t, e.Records, w.take(e.Path).High)
	for rounds := 0; ; rounds++ {
		require.Less(t, rounds, 20)
		w.settle(w.answers[len(w.answers)-1])
		if e = w.export(30_000); e.Path == "" {
			break
		}
		w.take(e.Path)
	}
	w.ends()
}

func TestAnExportChangesNothingAndAnEmptyQueueWritesNothing(t *testing.T) {
	w := newWorld(t, t.TempDir(), newKey(t), newKey(t))
	defer w.db.Close()
	require.Equal(t, courier.Exported{}, w.export(0))
	w.empty()
	w.append(3, 10)
	w.picture(10)
	before, err := w.box.Stats(w.ctx)
	require.NoError(t, err)
	w.export(0)
	after, err := w.box.Stats(w.ctx)
	require.NoError(t, err)
	require.Equal(t, before, after)
}

// A picture that does not have its name's hash at the centre is not acknowledged.
func TestAPictureThatDoesNotArriveWholeStaysOnTheKiosk(t *testing.T) {
	w := newWorld(t, t.TempDir(), newKey(t), newKey(t))
	defer w.db.Close()
	w.picture(3 * wire.ChunkSize)
	w.picture(100)
	_, err := w.db.Exec(`UPDATE outbox_chunk SET data = zeroblob(length(data)) WHERE blob = 1 AND part = 1`)
	require.NoError(t, err)
	taken := w.take(w.export(0).Path)
	require.Equal(t, 1, taken.Pictures)
	require.Equal(t, 1, taken.Partial)
	require.Equal(t, 1, w.settle(w.answers[0]).Pictures)
	list, err := w.box.Blobs(w.ctx, 10)
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Zero(t, list[0].Have)
}

// What a kiosk signs may still be wrong inside; nothing of such a file is taken.
func TestASignedFileWithAWrongFrameIsRefusedBeforeAnythingIsTaken(t *testing.T) {
	w := newWorld(t, t.TempDir(), newKey(t), newKey(t))
	defer w.db.Close()
	record := wire.Record{Seq: 1, Kind: wire.KindEvent, ID: "r", Body: []byte("x")}
	up := func(name, epoch string) section {
		head, err := wire.Chain(wire.ChainStart(name, epoch), record)
		require.NoError(t, err)
		b, err := wire.SignUp(wire.Up{Version: wire.Version, Kiosk: name, Epoch: epoch, Records: []wire.Record{record}, Head: head}, w.key, rand.Reader)
		require.NoError(t, err)
		return section{courier.SectionUp, b}
	}
	chunk := func(name string) section {
		sum := sha256.Sum256([]byte("x"))
		b, err := wire.EncodeChunk(wire.Chunk{Version: wire.Version, Kiosk: name, Blob: hex.EncodeToString(sum[:]), Size: 1, Data: []byte("x")})
		require.NoError(t, err)
		return section{courier.SectionChunk, b}
	}
	h := headerOf(courier.KindRecords)
	h.After = 0
	good := up(kiosk, h.Epoch)
	u, err := wire.DecodeUp(good.payload)
	require.NoError(t, err)
	alien, err := wire.SignUp(u, newKey(t), rand.Reader)
	require.NoError(t, err)
	for name, bad := range map[string]section{
		"a frame signed by another": {courier.SectionUp, alien},
		"no frame at all":           {courier.SectionUp, []byte("rubbish")},
		"no chunk at all":           {courier.SectionChunk, []byte("rubbish")},
		"a frame of another kiosk":  up("hall-2", h.Epoch),
		"a frame of another epoch":  up(kiosk, "e2"),
		"a chunk of another kiosk":  chunk("hall-2"),
		"a chunk where a frame is":  {courier.SectionUp, chunk(kiosk).payload},
	} {
		b := write(t, courier.KindRecords, h, w.key, good, bad)
		_, err := courier.Take(w.ctx, bytes.NewReader(b), w.gate())
		require.Equal(t, courier.CodeTampered, fault.Code(err), name)
		require.Zero(t, w.inbox.Count(kiosk), name)
	}
	b := write(t, courier.KindRecords, h, w.key, good, chunk(kiosk))
	_, err = courier.Take(w.ctx, bytes.NewReader(b), w.gate())
	require.NoError(t, err)
	require.Equal(t, 1, w.inbox.Count(kiosk))
	_, err = courier.Take(w.ctx, bytes.NewReader(write(t, courier.KindRecords, h, w.key, section{courier.SectionUp, []byte{0xa1, 0x01, 0x02}})), w.gate())
	require.Equal(t, courier.CodeVersion, fault.Code(err), "a frame of version 2")
	// A kiosk that is not enrolled, and a centre that cannot store.
	h.Kiosk = "hall-2"
	_, err = courier.Take(w.ctx, bytes.NewReader(write(t, courier.KindRecords, h, w.key, up("hall-2", h.Epoch))), w.gate())
	require.Equal(t, courier.CodeForeign, fault.Code(err))
	w.inbox.Fail(errWorn)
	_, err = courier.Take(w.ctx, bytes.NewReader(b), w.gate())
	require.Equal(t, courier.CodeCentre, fault.Code(err))
	require.ErrorIs(t, err, errWorn)
}

// changing gives other bytes when it is read a second time.
type changing struct {
	*bytes.Reader
	then []byte
}

func (c *changing) Seek(offset int64, whence int) (int64, error) {
	c.Reader = bytes.NewReader(c.then)
	return c.Reader.Seek(offset, whence)
}

func TestAFileThatChangesWhileItIsImportedIsRefused(t *testing.T) {
	w := newWorld(t, t.TempDir(), newKey(t), newKey(t))
	defer w.db.Close()
	w.append(3, 100)
	first, err := os.ReadFile(w.export(0).Path)
	require.NoError(t, err)
	w.append(3, 100)
	second, err := os.ReadFile(w.export(0).Path)
	require.NoError(t, err)
	_, err = courier.Take(w.ctx, &changing{bytes.NewReader(first), second}, w.gate())
	require.Equal(t, courier.CodeTampered, fault.Code(err))
}

// A kiosk whose file is older than what the centre remembers of it, or a centre whose
// database is older than what it acknowledged: what waits gets a new epoch, once.
func TestWhoeverWasRestoredFromACopyIsNotStuck(t *testing.T) {
	t.Run("the kiosk", func(t *testing.T) {
		dir := t.TempDir()
		w := newWorld(t, dir, newKey(t), newKey(t))
		w.append(3, 100)
		_, err := w.db.Exec(`VACUUM INTO ?`, filepath.Join(dir, "copy.db"))
		require.NoError(t, err)
		w.append(3, 100)
		w.take(w.export(0).Path) // the centre has 6
		require.NoError(t, w.db.Close())
		w.open(filepath.Join(dir, "copy.db")) // the kiosk has 3
		defer w.db.Close()
		done := w.settle(w.answers[0])
		require.True(t, done.Renewed)
		require.Zero(t, done.Records, "nothing is deleted by an answer to what this file does not know")
		require.Equal(t, courier.Settled{}, w.settle(w.answers[0]), "once")
		e := w.export(0)
		require.Equal(t, 3, e.Records)
		w.take(e.Path)
		require.Equal(t, 3, w.settle(w.answers[1]).Records)
	})
	t.Run("the centre", func(t *testing.T) {
		w := newWorld(t, t.TempDir(), newKey(t), newKey(t))
		defer w.db.Close()
		w.append(3, 100)
		w.take(w.export(0).Path)
		w.settle(w.answers[0])
		w.inbox = linktest.NewInbox() // the centre forgets
		w.append(2, 100)
		w.take(w.export(0).Path)
		require.Zero(t, w.inbox.Count(kiosk), "two records wait behind a gap that nobody can fill")
		require.Equal(t, courier.Settled{High: 3}, w.settle(w.answers[0]), "the old answer is harmless")
		require.True(t, w.settle(w.answers[1]).Renewed)
		w.take(w.export(0).Path)
		require.Equal(t, 2, w.settle(w.answers[2]).Records)
		require.Equal(t, 2, w.inbox.Count(kiosk))
	})
}

func TestAnAnswerToAnotherKioskIsRefusedAndOneOfAnotherCentreToo(t *testing.T) {
	w := newWorld(t, t.TempDir(), newKey(t), newKey(t))
	defer w.db.Close()
	w.append(3, 100)
	w.take(w.export(0).Path)
	b, err := os.ReadFile(w.answers[0])
	require.NoError(t, err)
	_, err = courier.ReadAnswer(bytes.NewReader(b), "hall-2", w.centre)
	require.Equal(t, courier.CodeForeign, fault.Code(err))
	_, err = courier.ReadAnswer(bytes.NewReader(b), kiosk, func([]byte, time.Time) (*ecdsa.PublicKey, error) { return nil, errWorn })
	require.Equal(t, courier.CodeForeign, fault.Code(err))
	require.ErrorIs(t, err, errWorn)
	other := newKey(t)
	_, err = courier.ReadAnswer(bytes.NewReader(b), kiosk, func([]byte, time.Time) (*ecdsa.PublicKey, error) { return &other.PublicKey, nil })
	require.Equal(t, courier.CodeForeign, fault.Code(err))
	empty := write(t, courier.KindAnswer, headerOf(courier.KindAnswer), w.seat)
	_, err = courier.ReadAnswer(bytes.NewReader(empty), kiosk, func([]byte, time.Time) (*ecdsa.PublicKey, error) { return &w.seat.PublicKey, nil })
	require.Equal(t, courier.CodeTampered, fault.Code(err))
}

func TestManyPicturesAreAnsweredInSeveralFrames(t *testing.T) {
	w := newWorld(t, t.TempDir(), newKey(t), newKey(t))
	defer w.db.Close()
	n := wire.MaxBlobAcks + 10
	for range n {
		w.picture(40)
	}
	e := w.export(0)
	require.Equal(t, n, e.Pictures)
	require.Equal(t, n, w.take(e.Path).Pictures)
	require.Equal(t, n, w.settle(w.answers[0]).Pictures)
	w.ends()
}

func TestTheTrayKeepsWhatCannotBeSettledAndDropsWhatIsRefused(t *testing.T) {
	w := newWorld(t, t.TempDir(), newKey(t), newKey(t))
	defer w.db.Close()
	w.append(3, 100)
	w.take(w.export(0).Path)
	tray := courier.Tray{Data: t.TempDir(), Kiosk: kiosk, Centre: w.centre}
	done, err := tray.Collect(w.ctx, w.box)
	require.NoError(t, err)
	require.Zero(t, done)
	lay := func() string {
		f, err := os.Open(w.answers[0])
		require.NoError(t, err)
		defer f.Close()
		path, err := tray.Lay(courier.System{}, w.read(w.answers[0]), f)
		require.NoError(t, err)
		return path
	}
	path := lay()
	require.Equal(t, path, lay(), "the same one lies there once")
	_, err = tray.Collect(w.ctx, broken{w.box})
	require.ErrorIs(t, err, outbox.ErrFull)
	require.FileExists(t, path)
	bad := filepath.Join(courier.Folder(tray.Data), "bad.ack")
	require.NoError(t, os.WriteFile(bad, []byte("rubbish"), 0o600))
	done, err = tray.Collect(w.ctx, w.box)
	require.Equal(t, courier.CodeOther, fault.Code(err))
	require.Equal(t, 3, done.Records, "one bad file stops no other")
	require.NoFileExists(t, path)
	require.NoFileExists(t, bad)
}

// broken is a queue that cannot be written.
type broken struct{ *outbox.Outbox }

func (broken) Acknowledge(context.Context, wire.Ack) (outbox.Acked, error) {
	return outbox.Acked{}, outbox.ErrFull
}
