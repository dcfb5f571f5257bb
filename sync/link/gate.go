package link

import (
	"context"

	"vestibule/sync/wire"
)

// Gate is what every frame of a kiosk passes on its way into the Inbox, whether the
// broker brought it or a courier's file: one check, so that no way in is easier.
type Gate struct {
	Inbox Inbox
	Keys  Keys
}

// Up takes an encoded Up frame that came from a kiosk. Where it is not taken, the
// code is one of the Reject constants and err says more; the frame is given as far
// as it was read.
func (g Gate) Up(ctx context.Context, kiosk string, payload []byte) (up wire.Up, ack wire.Ack, code string, err error) {
	if up, err = wire.DecodeUp(payload); err != nil {
		return up, ack, codeOfFrame(err), err
	}
	if up.Kiosk != kiosk {
		return up, ack, RejectMisplaced, nil
	}
	key, err := g.Keys(ctx, up.Kiosk)
	if code := codeOfKeys(err); code != "" {
		return up, ack, code, err
	}
	if err := wire.VerifyUp(payload, key); err != nil {
		return up, ack, RejectForged, err
	}
	if ack, err = g.Inbox.Accept(ctx, up); err != nil {
		return up, ack, RejectUnavailable, err
	}
	return up, ack, "", nil
}

// Chunk takes an encoded Chunk frame that came from a kiosk. A chunk is not signed:
// its blob's name is its hash, and stands in a signed frame.
func (g Gate) Chunk(ctx context.Context, kiosk string, payload []byte) (ack wire.BlobAck, code string, err error) {
	c, err := wire.DecodeChunk(payload)
	if err != nil {
		return ack, codeOfFrame(err), err
	}
	if c.Kiosk != kiosk {
		return ack, RejectMisplaced, nil
	}
	if _, err := g.Keys(ctx, c.Kiosk); err != nil {
		return ack, codeOfKeys(err), err
	}
	if ack, err = g.Inbox.AcceptChunk(ctx, c); err != nil {
		return ack, RejectUnavailable, err
	}
	return ack, "", nil
}
