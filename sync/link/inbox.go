package link

import (
	"context"
	"crypto/ecdsa"
	"database/sql"
	"errors"

	"vestibule/sync/outbox"
	"vestibule/sync/wire"
)

// Inbox is the centre's store, as the Receiver needs it. A frame may come twice,
// late, or after a later one; the Inbox orders by (kiosk, epoch, seq).
type Inbox interface {
	// Accept stores a verified frame's records and applies the contiguous run, in
	// one transaction. It returns the acknowledgement only after the commit: High is
	// the end of the contiguous run of up.Epoch, Cursor the highest command number
	// of this kiosk. A frame without records asks for exactly that answer; up.Cursor
	// says which commands the kiosk has applied. Version and Time are filled in by
	// the Receiver where they are zero. An error means "not now": nothing is
	// acknowledged, and the kiosk sends again.
	Accept(ctx context.Context, up wire.Up) (wire.Ack, error)
	// AcceptChunk stores a part of a blob and says how much of it is there, from the
	// start and without gaps. Done is set when the whole blob's SHA-256 fits; if it
	// does not, Have is 0 and the kiosk begins again.
	AcceptChunk(ctx context.Context, c wire.Chunk) (wire.BlobAck, error)
	// AcceptState stores a kiosk's presence.
	AcceptState(ctx context.Context, s wire.State) error
	// Commands gives up to max commands for a kiosk, numbered after+1 and on, without gaps.
	Commands(ctx context.Context, kiosk string, after uint64, max int) ([]wire.Record, error)
}

// Keys gives the public key that a kiosk signs its frames with, ErrUnknownKiosk for
// a kiosk that is not enrolled or no longer, and any other error for "not now".
type Keys func(ctx context.Context, kiosk string) (*ecdsa.PublicKey, error)

// ErrUnknownKiosk is what Keys returns for a stranger.
var ErrUnknownKiosk = errors.New("kiosk is not enrolled")

// Outbox is the kiosk's store, as the Uplink needs it. *outbox.Outbox implements it.
type Outbox interface {
	Position(ctx context.Context) (outbox.Position, error)
	Batch(ctx context.Context, after uint64, maxBytes int) (outbox.Batch, error)
	Acknowledge(ctx context.Context, ack wire.Ack) (outbox.Acked, error)
	Blobs(ctx context.Context, limit int) ([]outbox.Blob, error)
	Chunk(ctx context.Context, blob string, offset int64) ([]byte, error)
	Apply(ctx context.Context, cmd wire.Record, fn func(*sql.Tx) error) (bool, error)
	Renew(ctx context.Context) error
}

// Roll is what a kiosk keeps of the roll-out of its project.
type Roll interface {
	// Ask says what is there by now; ok is false while nothing is wanted.
	Ask(ctx context.Context) (ask wire.PageAsk, ok bool, err error)
	// Take stores a page that is proved to be the centre's newest word, and says whether there is more to ask for. A
	// page that does not continue what is there changes nothing.
	Take(ctx context.Context, p wire.Page) (more bool, err error)
}

var _ Outbox = (*outbox.Outbox)(nil)
