package courier

import (
	"context"
	"crypto"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"vestibule/sync/fault"
	"vestibule/sync/outbox"
	"vestibule/sync/wire"
)

// Clerk signs answers for the centre.
type Clerk struct {
	Signer crypto.Signer // of the centre's certificate
	Cert   []byte        // that certificate, DER: the kiosk holds the authority that issued it
	Now    func() time.Time
	Random io.Reader // for ids and signatures
}

// Answer writes what the kiosk has to hear of an import. It may be written again at
// any time, by importing the same file again.
func (c Clerk) Answer(disk Disk, path string, t Taken) error {
	err := publish(disk, path, func(w io.Writer) error { return c.write(w, t) })
	if err != nil {
		return fmt.Errorf("write acknowledgement: %w", err)
	}
	return nil
}

func (c Clerk) write(to io.Writer, t Taken) error {
	var id [16]byte
	if _, err := io.ReadFull(c.Random, id[:]); err != nil {
		return fmt.Errorf("draw an id: %w", err)
	}
	w, err := NewWriter(to, KindAnswer, Header{
		ID: hex.EncodeToString(id[:]), Of: t.Header.ID, Kiosk: t.Header.Kiosk, Epoch: t.Header.Epoch, After: t.Header.After,
		Created: c.Now().UTC(), Cert: c.Cert,
	}, c.Signer, c.Random)
	if err != nil {
		return err
	}
	for rest, first := t.blobs, true; first || len(rest) > 0; first = false {
		n := min(len(rest), wire.MaxBlobAcks)
		ack := t.ack
		ack.Version, ack.Blobs = wire.Version, rest[:n]
		rest = rest[n:]
		frame, err := wire.EncodeAck(ack)
		if err != nil {
			return err
		}
		if err := w.Add(SectionAck, frame); err != nil {
			return err
		}
	}
	return w.Close()
}

// Answer is the centre's acknowledgement of one file, proven.
type Answer struct {
	Header Header
	acks   []wire.Ack
}

// ReadAnswer reads an acknowledgement that a centre wrote for a kiosk.
func ReadAnswer(r io.Reader, kiosk string, centre wire.CentreKey) (Answer, error) {
	c, err := NewReader(r, KindAnswer)
	if err != nil {
		return Answer{}, err
	}
	a := Answer{Header: c.Header()}
	for {
		_, frame, err := c.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Answer{}, err
		}
		ack, err := wire.DecodeAck(frame)
		if err := owned(err, ack.Epoch == a.Header.Epoch); err != nil {
			return Answer{}, err
		}
		if len(a.acks) == maxAcks {
			return Answer{}, refuse(CodeTampered, errors.New("more frames than an answer has"))
		}
		a.acks = append(a.acks, ack)
	}
	key, err := centre(a.Header.Cert, a.Header.Created)
	if err != nil {
		return Answer{}, refuse(CodeForeign, err)
	}
	if err := c.Verify(key); err != nil {
		return Answer{}, err
	}
	switch {
	case a.Header.Kiosk != kiosk:
		return Answer{}, refuse(CodeForeign, fmt.Errorf("it answers %s", a.Header.Kiosk))
	case len(a.acks) == 0:
		return Answer{}, refuse(CodeTampered, errors.New("it says nothing"))
	}
	return a, nil
}

// Box is the kiosk's queue, as settling needs it: as the link does.
type Box interface {
	Position(ctx context.Context) (outbox.Position, error)
	Acknowledge(ctx context.Context, ack wire.Ack) (outbox.Acked, error)
	Renew(ctx context.Context) error
}

// Settled is what an answer did.
type Settled struct {
	Records  int // deleted here: the centre's database has them
	Pictures int
	High     uint64
	Renewed  bool // kiosk and centre differed about the epoch; what waits was numbered anew and has to be exported again
}

// Settle carries an answer into the queue, exactly as the link carries an
// acknowledgement: nothing is deleted that the centre's database does not hold by
// the same chain value. An answer that came before, or is older than what the line
// brought since, changes nothing.
func (a Answer) Settle(ctx context.Context, box Box) (Settled, error) {
	var out Settled
	for i, ack := range a.acks {
		blobs := ack.Blobs
		ack.Blobs = nil
		if i == 0 {
			if err := a.records(ctx, box, ack, &out); err != nil {
				return out, err
			}
		}
		// One at a time: to delete a picture overwrites it, and the kiosk works meanwhile.
		for _, b := range blobs {
			done, err := box.Acknowledge(ctx, wire.Ack{Version: wire.Version, Time: ack.Time, Blobs: []wire.BlobAck{b}})
			if err != nil {
				return out, fmt.Errorf("settle: %w", err)
			}
			out.Pictures += len(done.Blobs)
		}
	}
	return out, nil
}

func (a Answer) records(ctx context.Context, box Box, ack wire.Ack, out *Settled) error {
	p, err := box.Position(ctx)
	if err != nil {
		return fmt.Errorf("settle: %w", err)
	}
	// What the kiosk knew to be at the centre when it wrote the file, the centre had
	// committed before it read it. Less of it means that the centre's database was restored.
	lost := ack.High < a.Header.After
	differ := ack.Epoch == p.Epoch && (ack.Refused == wire.RefusedChain || lost)
	if !differ && ack.Refused == "" {
		done, err := box.Acknowledge(ctx, ack)
		switch {
		case errors.Is(err, outbox.ErrAhead), errors.Is(err, outbox.ErrForked):
			differ = true
		case err != nil:
			return fmt.Errorf("settle: %w", err)
		}
		out.Records, out.High = done.Records, done.High
	}
	if !differ {
		return nil
	}
	if err := box.Renew(ctx); err != nil {
		return fmt.Errorf("settle: %w", err)
	}
	out.Renewed = true
	return nil
}

// Refusal tells whether an error means that a file was refused for what it is, and
// will be again, rather than that something failed on the way.
func Refusal(err error) bool {
	switch fault.Code(err) {
	case CodeOther, CodeVersion, CodeKind, CodeHalfWritten, CodeTampered, CodeForeign:
		return true
	}
	return false
}
