// Package courier carries records where no line goes: the same signed and sealed
// frames that the link sends, as a file on removable media, and the centre's
// acknowledgement as a file back. A file is taken whole or refused with the reason:
// half-written, altered, somebody else's, of another release. Taking one twice, late
// or beside the line changes nothing, and the kiosk deletes nothing before the
// centre's answer is back.
//
// What may live here: the two files, writing and reading them with little memory,
// and what an export, an import and an answer do with queue and inbox. What may not:
// the frames themselves (wire), how the queue is kept (outbox), and what the centre
// does with a record.
//
// # The file
//
// A preamble of 16 bytes, the same in every version: magic (8), version (1), kind
// (1), two zero bytes, CRC-32C of these 12 (4, big-endian). Then sections, each a type
// (1), a length (4, big-endian), the CRC-32C of these 5 (4), and the payload, whose
// length is bounded by its type. First a header; then frames, as wire encodes them;
// last a trailer with the number of frames, the SHA-256 of every byte before the
// trailer's own section, and the writer's signature over both. Nothing follows it.
//
// The checksums are no protection. They tell a length that was changed from a file
// that ends too early; what protects is the signature.
package courier

import (
	"fmt"
	"hash/crc32"
	"time"

	"vestibule/sync/fault"
	"vestibule/sync/wire"
)

// Version of the files written here.
const Version = 1

// Kind says which way a file goes.
type Kind uint8

// The kinds.
const (
	KindRecords Kind = 1 // from a kiosk to the centre
	KindAnswer  Kind = 2 // from the centre to a kiosk
)

// Section is the type of a section.
type Section uint8

// The sections.
const (
	SectionHeader  Section = 1  // Header, once, first
	SectionUp      Section = 2  // wire.Up, in a file of records
	SectionChunk   Section = 3  // wire.Chunk, in a file of records
	SectionAck     Section = 4  // wire.Ack, in an answer
	SectionTrailer Section = 15 // Trailer, once, last
)

// Bounds, in bytes unless said otherwise.
const (
	MaxHeader  = 4 << 10
	MaxTrailer = 512

	maxPictures = 1 << 17                          // in one file
	maxAcks     = 1 + maxPictures/wire.MaxBlobAcks // frames in an answer

	preambleSize = 16
	headSize     = 9
	// closing is what ends every file at most: the trailer's head and the trailer.
	closing = headSize + 160
)

// limit bounds a section's payload before it is read.
func (s Section) limit(k Kind) int {
	switch {
	case s == SectionHeader:
		return MaxHeader
	case s == SectionTrailer:
		return MaxTrailer
	case k == KindRecords && s == SectionUp, k == KindAnswer && s == SectionAck:
		return wire.MaxFrame
	case k == KindRecords && s == SectionChunk:
		return wire.MaxChunk
	}
	return 0
}

// Header says whose file this is.
type Header struct {
	ID      string    `cbor:"1,keyasint"` // of this file
	Kiosk   string    `cbor:"2,keyasint"` // that wrote it, or whom it answers
	Epoch   string    `cbor:"3,keyasint"` // of the records
	After   uint64    `cbor:"4,keyasint"` // what the kiosk knew to be at the centre when it wrote, or had written, the records
	Created time.Time `cbor:"5,keyasint"` // writer's clock
	Key     []byte    `cbor:"6,keyasint"` // SHA-256 of the signer's public key (SubjectPublicKeyInfo)
	// Of is the ID of the file that an answer answers, Cert the centre's certificate (DER). Both stand in answers only.
	Of   string `cbor:"7,keyasint,omitempty"`
	Cert []byte `cbor:"8,keyasint,omitempty"`
}

// trailer proves that a file is whole, and whose it is.
type trailer struct {
	Frames uint64 `cbor:"1,keyasint"`
	Sum    []byte `cbor:"2,keyasint"`            // SHA-256 of all bytes before the trailer's section
	Sig    []byte `cbor:"15,keyasint,omitempty"` // ECDSA P-256 with SHA-256 over purpose and the trailer without Sig
}

func (h Header) check(k Kind) error {
	switch {
	case !word(h.ID), h.Of != "" && !word(h.Of), wire.CheckName(h.Kiosk) != nil, !word(h.Epoch):
		return fmt.Errorf("header: a name is out of bounds")
	case len(h.Key) != wire.HashSize:
		return fmt.Errorf("header: no key")
	case h.Created.UTC().Year() < 1 || h.Created.UTC().Year() > 9999:
		return fmt.Errorf("header: time out of bounds")
	case h.After >= 1<<63:
		return fmt.Errorf("header: number out of bounds")
	case k == KindRecords && (h.Of != "" || len(h.Cert) > 0), k == KindAnswer && (h.Of == "" || len(h.Cert) == 0):
		return fmt.Errorf("header: not one of this kind of file")
	}
	return nil
}

// word tells whether s is 1 to 64 printable ASCII characters without space.
func word(s string) bool {
	if s == "" || len(s) > wire.MaxEpoch {
		return false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// magic begins every file. Its first and last bytes are spoiled by programs that
// take the file for text.
func magic() [8]byte { return [8]byte{0x89, 'V', 'C', 'O', '\r', '\n', 0x1a, '\n'} }

func sumOf(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

// Codes of what is wrong with a file, or with writing one.
const (
	CodeOther       = "courier_other_file"    // no file of a courier
	CodeVersion     = "courier_version"       // of a later release
	CodeKind        = "courier_direction"     // an answer where records belong, or the reverse
	CodeHalfWritten = "courier_half_written"  // ends too early
	CodeTampered    = "courier_tampered"      // altered
	CodeForeign     = "courier_foreign"       // of another kiosk or another operator's centre
	CodeUnreadable  = "courier_unreadable"    // the medium cannot be read
	CodeMediaFull   = "courier_media_full"    // the medium has no more room
	CodeUnwritable  = "courier_unwritable"    // the medium cannot be written
	CodeLimit       = "courier_limit"         // nothing fits below the limit
	CodeChanged     = "courier_queue_changed" // records were numbered anew while they were written
	CodeCentre      = "courier_centre"        // the centre's database or disk failed on the way
)

// refuse makes the error of a code.
func refuse(code string, cause error) error {
	var message, hint string
	switch code {
	case CodeOther:
		message, hint = "this is no courier file", "give the file that kiosk-ui courier export or server courier import wrote"
	case CodeVersion:
		message, hint = "the courier file was written by a later release", "update this program; nothing of the file was taken"
	case CodeKind:
		message, hint = "the courier file goes the other way", "files of records go to the centre, acknowledgements to the kiosk"
	case CodeHalfWritten:
		message, hint = "the courier file ends too early: it was not written to its end, or the medium was pulled out", "export again; nothing of the file was taken, and the kiosk still has everything"
	case CodeTampered:
		message, hint = "the courier file was altered after it was written", "export again to another medium, and keep this one for whoever looks into it; nothing of the file was taken"
	case CodeForeign:
		message, hint = "the courier file belongs to another kiosk or another operator", "check which kiosk and which centre it comes from; a revoked kiosk's files are refused too"
	case CodeUnreadable:
		message, hint = "the medium cannot be read", "try again, or copy the file to this machine first"
	case CodeUnwritable:
		message, hint = "the medium cannot be written", "check that it is mounted, not write-protected, and yours to write"
	case CodeLimit:
		message, hint = "nothing that waits fits below the limit", "give a higher limit, or none"
	case CodeChanged:
		message, hint = "the kiosk began to number its records anew while they were written", "export again"
	case CodeCentre:
		message, hint = "the centre could not store what the file brings", "check database and free space, then import the same file again: what is here already is not taken twice"
	}
	return fault.New(code, message, hint, cause)
}
