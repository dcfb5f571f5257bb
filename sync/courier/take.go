package courier

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"vestibule/sync/link"
	"vestibule/sync/wire"
)

// Taken is what an import did.
type Taken struct {
	Header   Header
	Records  int    // in the file, whether or not they were here before
	Pictures int    // of the file, whole here now
	Partial  int    // of the file, not whole here
	High     uint64 // all records of the epoch up to here are in the centre's database
	Refused  string // wire.Refused… when the stream is refused: the kiosk has to begin anew

	ack   wire.Ack       // of the records
	blobs []wire.BlobAck // in the order of the file
}

// Take imports a kiosk's file at the centre. The file is read twice: first whole, so
// that nothing of one that is half-written, altered or foreign is taken; then every
// frame goes through the gate that the broker's frames go through.
func Take(ctx context.Context, f io.ReadSeeker, gate link.Gate) (Taken, error) {
	t := taking{gate: gate, seen: map[string]int{}}
	sum, err := t.prove(ctx, f)
	if err != nil {
		return Taken{}, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return Taken{}, refuse(CodeUnreadable, err)
	}
	if err := t.take(ctx, f, sum); err != nil {
		return Taken{}, err
	}
	return t.out, nil
}

// taking is the work on one file.
type taking struct {
	gate link.Gate
	seen map[string]int // blob → index in out.blobs
	out  Taken
}

// prove reads the whole file and changes nothing. It gives the file's sum.
func (t *taking) prove(ctx context.Context, f io.Reader) ([]byte, error) {
	r, err := NewReader(f, KindRecords)
	if err != nil {
		return nil, err
	}
	h := r.Header()
	// The key is asked for first, and judged last: what is altered may name anybody.
	key, unknown := t.gate.Keys(ctx, h.Kiosk)
	own := unknown == nil && r.named(key)
	var forged error
	pictures, last := 0, ""
	for {
		s, frame, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		blob, err := belongs(s, frame, h)
		if err != nil {
			return nil, err
		}
		if s == SectionUp && own && forged == nil {
			forged = wire.VerifyUp(frame, key)
		}
		if blob != "" && blob != last {
			last = blob
			pictures++
		}
		if pictures > maxPictures {
			return nil, refuse(CodeTampered, errors.New("more pictures than a file may hold"))
		}
	}
	switch {
	case errors.Is(unknown, link.ErrUnknownKiosk):
		return nil, refuse(CodeForeign, fmt.Errorf("%s: %w", h.Kiosk, unknown))
	case unknown != nil:
		return nil, refuse(CodeCentre, unknown)
	}
	if err := r.Verify(key); err != nil {
		return nil, err
	}
	if forged != nil {
		return nil, refuse(CodeTampered, forged)
	}
	return r.end.Sum, nil
}

// belongs says whether a frame is of the kiosk and the epoch that the header names,
// and which picture it is of, if it is of one.
func belongs(s Section, frame []byte, h Header) (blob string, err error) {
	if s == SectionChunk {
		c, err := wire.DecodeChunk(frame)
		return c.Blob, owned(err, c.Kiosk == h.Kiosk)
	}
	u, err := wire.DecodeUp(frame)
	return "", owned(err, u.Kiosk == h.Kiosk && u.Epoch == h.Epoch)
}

func owned(err error, own bool) error {
	switch {
	case errors.Is(err, wire.ErrVersion):
		return refuse(CodeVersion, err)
	case err != nil:
		return refuse(CodeTampered, err)
	case !own:
		return refuse(CodeTampered, errors.New("a frame is not of the kiosk that the file names"))
	}
	return nil
}

func (t *taking) take(ctx context.Context, f io.Reader, sum []byte) error {
	r, err := NewReader(f, KindRecords)
	if err != nil {
		return err
	}
	t.out.Header = r.Header()
	// Asked before anything is brought: what a refused stream brings would only be put
	// aside, and again at every import.
	t.out.ack, err = t.gate.Inbox.Accept(ctx, wire.Up{
		Version: wire.Version, Kiosk: t.out.Header.Kiosk, Epoch: t.out.Header.Epoch,
		Head: wire.ChainStart(t.out.Header.Kiosk, t.out.Header.Epoch),
	})
	if err != nil {
		return refuse(CodeCentre, err)
	}
	if t.out.ack.Refused == wire.RefusedUnknown { // revoked since the file was proven
		return refuse(CodeForeign, link.ErrUnknownKiosk)
	}
	for {
		s, frame, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return refuse(CodeCentre, err)
		}
		if s == SectionChunk {
			err = t.chunk(ctx, frame)
		} else {
			err = t.up(ctx, frame)
		}
		if err != nil {
			return err
		}
	}
	if !bytes.Equal(r.end.Sum, sum) {
		return refuse(CodeTampered, errors.New("it changed while it was read"))
	}
	t.out.High, t.out.Refused = t.out.ack.High, t.out.ack.Refused
	for _, b := range t.out.blobs {
		if b.Done {
			t.out.Pictures++
		} else {
			t.out.Partial++
		}
	}
	return nil
}

func (t *taking) up(ctx context.Context, frame []byte) error {
	if t.out.ack.Refused != "" {
		return nil
	}
	up, ack, code, err := t.gate.Up(ctx, t.out.Header.Kiosk, frame)
	if code != "" {
		return rejected(code, err)
	}
	t.out.ack = ack
	t.out.Records += len(up.Records)
	return nil
}

func (t *taking) chunk(ctx context.Context, frame []byte) error {
	ack, code, err := t.gate.Chunk(ctx, t.out.Header.Kiosk, frame)
	if code != "" {
		return rejected(code, err)
	}
	i, known := t.seen[ack.Blob]
	if known {
		t.out.blobs[i] = ack
		return nil
	}
	t.seen[ack.Blob] = len(t.out.blobs)
	t.out.blobs = append(t.out.blobs, ack)
	return nil
}

// rejected is why the gate did not take a frame of a file that was proven.
func rejected(code string, err error) error {
	err = fmt.Errorf("%s: %w", code, err)
	switch code {
	case link.RejectUnknown:
		return refuse(CodeForeign, err)
	case link.RejectUnavailable, link.RejectOverload:
		return refuse(CodeCentre, err)
	}
	return refuse(CodeTampered, err)
}
