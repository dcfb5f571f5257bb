package courier

import (
	"context"
	"crypto"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"vestibule/sync/fault"
	"vestibule/sync/outbox"
	"vestibule/sync/wire"
)

// Queue is what an export reads. *outbox.Outbox implements it; one made by
// outbox.View does, beside a kiosk that runs.
type Queue interface {
	Position(ctx context.Context) (outbox.Position, error)
	Batch(ctx context.Context, after uint64, maxBytes int) (outbox.Batch, error)
	BlobsAfter(ctx context.Context, num int64, limit int) ([]outbox.Blob, error)
	Chunk(ctx context.Context, blob string, offset int64) ([]byte, error)
	Stats(ctx context.Context) (outbox.Stats, error)
}

var _ Queue = (*outbox.Outbox)(nil)

// Export writes what waits on a kiosk.
type Export struct {
	Kiosk  string
	Signer crypto.Signer // of the kiosk's certificate, as for the link
	Queue  Queue
	Disk   Disk
	Now    func() time.Time
	Random io.Reader // for ids and signatures
	Limit  int64     // bytes of the file at most; 0: none
}

// Exported is what an export wrote.
type Exported struct {
	Path     string // empty: nothing waits, and nothing was written
	Bytes    int64
	Records  int
	Pictures int
	Mark     Mark
	// What stayed behind because of the limit.
	RecordsLeft, PicturesLeft int
}

// Ending of the files' names.
const (
	EndingRecords = ".courier"
	EndingAnswer  = ".ack"
)

const (
	frameBytes  = 56 << 10 // of records in one frame, as on the link
	blobsAtOnce = 64
)

// To writes a new file into a folder: records first, in order, then pictures, oldest
// first. Below a limit it stops at the first thing that does not fit. It changes
// nothing in the queue.
func (e Export) To(ctx context.Context, folder string) (Exported, error) {
	st, err := e.Queue.Stats(ctx)
	if err != nil {
		return Exported{}, fmt.Errorf("export: %w", err)
	}
	if st.Records == 0 && st.Blobs == 0 {
		return Exported{}, nil
	}
	var id [16]byte
	if _, err := io.ReadFull(e.Random, id[:]); err != nil {
		return Exported{}, fmt.Errorf("export: draw an id: %w", err)
	}
	now := e.Now().UTC()
	name := e.Kiosk + "-" + now.Format("20060102T150405Z") + "-" + hex.EncodeToString(id[:3]) + EndingRecords
	h := Header{ID: hex.EncodeToString(id[:]), Kiosk: e.Kiosk, Epoch: st.Epoch, After: st.Acked, Created: now}
	e.sweep(folder)
	path := filepath.Join(folder, name)
	var done Exported
	err = publish(e.Disk, path, func(w io.Writer) (err error) {
		done, err = e.write(ctx, w, h)
		return err
	})
	if fault.Code(err) == CodeMediaFull {
		// Written once more to nowhere: only so it is known how much there is.
		all, e2 := e.write(ctx, io.Discard, h)
		return Exported{}, mediaFull(all.Bytes, errors.Join(errors.Unwrap(err), e2))
	}
	if err != nil {
		return Exported{}, fmt.Errorf("export: %w", err)
	}
	if st, err = e.Queue.Stats(ctx); err == nil {
		done.RecordsLeft, done.PicturesLeft = int(st.Last-min(st.Last, max(done.Mark.Last, st.Acked))), max(st.Blobs-done.Pictures, 0)
	}
	done.Path = path
	done.Mark.File, done.Mark.At = name, now
	return done, nil
}

// sweep removes what an export left that was cut off by force: a medium pulled out.
func (e Export) sweep(folder string) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return // the export itself tells what is wrong with the medium
	}
	for _, f := range entries {
		if n := f.Name(); strings.HasPrefix(n, "."+e.Kiosk+"-") && strings.HasSuffix(n, EndingRecords+partly) {
			_ = e.Disk.Remove(filepath.Join(folder, n)) // it is only in the way
		}
	}
}

// write writes the file.
func (e Export) write(ctx context.Context, to io.Writer, h Header) (Exported, error) {
	w, err := NewWriter(to, KindRecords, h, e.Signer, e.Random)
	if err != nil {
		return Exported{}, err
	}
	x := exporting{Export: e, w: w, h: h, done: Exported{Mark: Mark{Epoch: h.Epoch, Last: h.After}}}
	whole, err := x.records(ctx)
	if err == nil && whole {
		err = x.pictures(ctx)
	}
	if err != nil {
		return Exported{}, err
	}
	if e.Limit > 0 && x.done.Records == 0 && x.done.Pictures == 0 {
		return Exported{}, refuse(CodeLimit, nil)
	}
	if err := w.Close(); err != nil {
		return Exported{}, err
	}
	x.done.Bytes = w.Size()
	return x.done, nil
}

// exporting is the work on one file.
type exporting struct {
	Export
	w    *Writer
	h    Header
	done Exported
}

// room is how many bytes of payload the next section may have.
func (x *exporting) room() int64 {
	if x.Limit <= 0 {
		return 1 << 62
	}
	return x.Limit - x.w.Size() - closing - headSize
}

// records writes the frames of records and tells whether all fitted. There is one
// frame at least, if there is room for it: also without records it asks the centre
// how far it is.
func (x *exporting) records(ctx context.Context) (bool, error) {
	const around = 512 // of a frame, besides its records
	for first := true; ; first = false {
		room := x.room() - around
		if room <= 0 {
			return false, nil
		}
		b, err := x.Queue.Batch(ctx, x.done.Mark.Last, int(min(room, frameBytes)))
		if err != nil {
			return false, err
		}
		if b.Epoch != x.h.Epoch {
			return false, refuse(CodeChanged, nil)
		}
		if len(b.Records) == 0 && !first {
			return true, nil
		}
		// Without the time: a file is read when it arrives, and would set the centre's
		// idea of the kiosk's clock back by the days it was carried.
		frame, err := wire.SignUp(wire.Up{
			Version: wire.Version, Kiosk: x.Kiosk, Epoch: b.Epoch, Records: b.Records, Head: b.Head, Cursor: b.Cursor,
		}, x.Signer, x.Random)
		if err != nil {
			return false, err
		}
		if int64(len(frame)) > x.room() {
			return false, nil // a batch holds one record at least
		}
		if err := x.w.Add(SectionUp, frame); err != nil {
			return false, err
		}
		if n := len(b.Records); n > 0 {
			x.done.Records += n
			x.done.Mark.Last = b.Records[n-1].Seq
		} else {
			return true, nil
		}
	}
}

// pictures writes whole blobs, from their first byte: what the centre has of one by
// the line may have been dropped there since.
func (x *exporting) pictures(ctx context.Context) error {
	for {
		list, err := x.Queue.BlobsAfter(ctx, x.done.Mark.Picture, blobsAtOnce)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return nil
		}
		for _, b := range list {
			if x.done.Pictures >= maxPictures {
				return nil // the rest goes with the next file
			}
			if chunks := (b.Size + wire.ChunkSize - 1) / wire.ChunkSize; b.Size+chunks*(headSize+aroundChunk) > x.room() {
				return nil
			}
			if err := x.picture(ctx, b); err != nil {
				return err
			}
			x.done.Mark.Picture = b.Num
		}
	}
}

// aroundChunk bounds what a chunk's frame adds to its bytes: 64 of the blob's name,
// 63 of the kiosk's, numbers and keys.
const aroundChunk = 192

func (x *exporting) picture(ctx context.Context, b outbox.Blob) error {
	for at := int64(0); at < b.Size; {
		data, err := x.Queue.Chunk(ctx, b.ID, at)
		if errors.Is(err, outbox.ErrNoBlob) {
			return nil // it arrived by the line meanwhile
		}
		if err != nil {
			return err
		}
		if len(data) == 0 {
			return outbox.ErrDamaged
		}
		frame, err := wire.EncodeChunk(wire.Chunk{Version: wire.Version, Kiosk: x.Kiosk, Blob: b.ID, Size: b.Size, Offset: at, Data: data})
		if err != nil {
			return err
		}
		if err := x.w.Add(SectionChunk, frame); err != nil {
			return err
		}
		at += int64(len(data))
	}
	x.done.Pictures++
	return nil
}
