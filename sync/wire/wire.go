// Package wire holds the frames that a kiosk and the centre exchange, and their
// encoding: versioned CBOR with integer keys. A key is never reused; an unknown
// key is ignored; frames of every released version decode for ever.
//
// What may live here: shapes, encoding, signatures, the hash chain, bounds.
// What may not: when to send, how to store.
package wire

import "time"

// Version of the frames written here.
const Version = 1

// Bounds. Whatever is larger is refused before it is decoded.
const (
	MaxFrame   = 64 << 10 // bytes of an encoded up or down frame
	MaxRecords = 256      // records in one frame
	MaxBody    = 48 << 10 // bytes of one record's body
	ChunkSize  = 64 << 10 // bytes of a blob in one chunk
	MaxChunk   = ChunkSize + 4096
	MaxBlob    = 32 << 20
)

// Topics under which a kiosk and the centre talk. {kiosk} is the certificate's common name.
//
//	v1/up/{kiosk}         Up frames
//	v1/blob/{kiosk}       Chunk frames
//	v1/state/{kiosk}      State (retained; also the last will)
//	v1/down/{kiosk}/ack   Ack frames
//	v1/down/{kiosk}/cmd   Down frames
//	v1/view/{kiosk}       Standing (retained), of kiosks behind a branch's box, for that branch alone
//	v1/bridge/{branch}    whether a branch's box has its line (retained; also its last will)
type Topic string

// Kind says what a record's body holds.
type Kind uint8

// Kinds of records, uplink and downlink.
const (
	KindEvent      Kind = 1  // journey.Event, CBOR
	KindSubmission Kind = 2  // journey.Submission, CBOR, sealed to the centre
	KindHealth     Kind = 3  // kiosk's conditions, CBOR
	KindVerdict    Kind = 32 // journey.Verdict, CBOR (down)
	KindPolicy     Kind = 33 // PolicyOrder, signed by the centre (down)
	KindSeal       Kind = 34 // SealOrder, signed by the centre (down)
)

// Record is one thing that must arrive exactly once, in order.
type Record struct {
	Seq  uint64 `cbor:"1,keyasint"` // gap-free from 1 within an epoch
	Kind Kind   `cbor:"2,keyasint"`
	ID   string `cbor:"3,keyasint"` // of the event or submission
	Body []byte `cbor:"4,keyasint"`
}

// Up carries records from a kiosk. Head is the hash chain's value after the last
// record: h(n) = SHA-256(h(n-1) ‖ canonical CBOR of record n), h(0) = SHA-256(kiosk ‖ 0 ‖ epoch).
type Up struct {
	Version uint8     `cbor:"1,keyasint"`
	Kiosk   string    `cbor:"2,keyasint"`
	Epoch   string    `cbor:"3,keyasint"` // made with the kiosk's database file
	Records []Record  `cbor:"4,keyasint"`
	Head    []byte    `cbor:"5,keyasint"`
	Cursor  uint64    `cbor:"6,keyasint"`            // last downlink command applied
	Sent    time.Time `cbor:"7,keyasint"`            // kiosk's clock
	HeadSig []byte    `cbor:"8,keyasint,omitempty"`  // ECDSA P-256 over HeadDigest: what the centre keeps as proof; nil without records
	Session string    `cbor:"9,keyasint,omitempty"`  // drawn for each connection: what the centre answers carries it; empty from a release that does not know it
	Ask     *PageAsk  `cbor:"10,keyasint,omitempty"` // for the next piece of the roll-out; nil: not now
	Sig     []byte    `cbor:"15,keyasint,omitempty"` // ECDSA P-256 over the frame without Sig
}

// Ack tells a kiosk what the centre's database holds. It is cumulative.
type Ack struct {
	Version uint8     `cbor:"1,keyasint"`
	Epoch   string    `cbor:"2,keyasint"`
	High    uint64    `cbor:"3,keyasint"` // all records up to here are committed
	Blobs   []BlobAck `cbor:"4,keyasint,omitempty"`
	Time    time.Time `cbor:"5,keyasint"`           // centre's clock, for the offset
	Cursor  uint64    `cbor:"6,keyasint"`           // highest command number for this kiosk
	Refused string    `cbor:"7,keyasint,omitempty"` // code, when the kiosk's frames are quarantined
	Head    []byte    `cbor:"8,keyasint,omitempty"` // chain value after High: the kiosk deletes only what it knows by the same value
	Proof
}

// BlobAck says how much of a blob the centre holds.
type BlobAck struct {
	Blob string `cbor:"1,keyasint"`           // SHA-256, hex
	Have int64  `cbor:"2,keyasint"`           // contiguous bytes
	Done bool   `cbor:"3,keyasint,omitempty"` // whole, and its hash fits
}

// Chunk carries a part of a sealed blob.
type Chunk struct {
	Version uint8  `cbor:"1,keyasint"`
	Kiosk   string `cbor:"2,keyasint"`
	Blob    string `cbor:"3,keyasint"`
	Size    int64  `cbor:"4,keyasint"`
	Offset  int64  `cbor:"5,keyasint"`
	Data    []byte `cbor:"6,keyasint"`
}

// Down carries commands to a kiosk, numbered without gaps per kiosk.
type Down struct {
	Version  uint8    `cbor:"1,keyasint"`
	Kiosk    string   `cbor:"2,keyasint"`
	Commands []Record `cbor:"3,keyasint"`
	Proof
}

// State is a kiosk's presence. A death with another session number than the last birth is ignored.
type State struct {
	Version uint8     `cbor:"1,keyasint"`
	Kiosk   string    `cbor:"2,keyasint"`
	Session string    `cbor:"3,keyasint"`
	Online  bool      `cbor:"4,keyasint"`
	At      time.Time `cbor:"5,keyasint"`
	Release string    `cbor:"6,keyasint,omitempty"`
	// Conditions is what is wrong with the kiosk, in a birth: the whole of it, each time.
	Conditions []Condition `cbor:"7,keyasint,omitempty"`
}

// Condition is one thing that is wrong with a kiosk.
type Condition struct {
	Code     string    `cbor:"1,keyasint"`           // agent/health's
	Severity uint8     `cbor:"2,keyasint"`           // 1 notice, 2 warning, 3 critical
	Since    time.Time `cbor:"3,keyasint"`           // kiosk's clock
	Detail   string    `cbor:"4,keyasint,omitempty"` // a code or a figure
}
