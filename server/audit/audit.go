// Package audit is the trail of who did what at a centre: lines that are only ever added, each bound to the one
// before it by a hash, so that whoever edits, removes, inserts or reorders one is found out.
//
// A line's hash is SHA-256 over "vestibule audit line v1" and a zero byte, the hash of the line before it (32 zero bytes
// before the first), the line's place from 1, its time in microseconds since 1970 UTC (both as 8 bytes, big endian), and
// then id, who, what and target, each led by its length in 8 bytes: every column of a line but the hash itself. The place
// and the hash of the last line are the trail's head.
//
// No line holds personal data of those who were verified. Its columns hold ids that the programs made, codes, names of
// kiosks, lists and policies, and who acted: the name of a console user, the id of an API key, or the command line. So
// nothing of a line has to go when a person is erased, and the hash can cover the columns as they are: what an erased
// submission's id stood for is gone with its row. Whoever writes lines keeps it so; what people write in words (notes,
// comments) stands encrypted elsewhere and never here.
//
// Whoever can write the database can also work out a whole new chain, or cut its end and set the head back. That is
// found only with a head that was noted elsewhere; therefore the centre signs its head and hands it out regularly, and
// Verify holds the trail against such heads. What was written after the last head that left the machine is protected
// against mistakes, not against whoever owns the database and the programs.
//
// What may live here: lines, heads, their signatures, the search for what is wrong. What may not: statements, and the
// knowledge which actions are noted.
package audit

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"
)

// Hash binds a line to all before it. The zero Hash stands before the first line.
type Hash [sha256.Size]byte

// String gives the hash in hex.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText gives the hash in hex.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads 64 digits of hex.
func (h *Hash) UnmarshalText(text []byte) error {
	if len(text) != hex.EncodedLen(len(h)) {
		return fmt.Errorf("a hash of %d letters instead of %d", len(text), hex.EncodedLen(len(h)))
	}
	_, err := hex.Decode(h[:], text)
	return err
}

// Line is who did what. Target is what it was done to, as space-separated ids.
type Line struct {
	N      int64     `json:"n"` // place in the chain, from 1; 0: it has none
	ID     string    `json:"id"`
	At     time.Time `json:"at"` // to the microsecond
	Who    string    `json:"who"`
	What   string    `json:"what"`
	Target string    `json:"target"`
	Hash   Hash      `json:"hash"`
}

// label leads what is hashed: a hash of anything else is none of a line.
const label = "vestibule audit line v1\x00"

// Sum works out the hash that the line has after another one's.
func (l Line) Sum(before Hash) Hash { return l.sumAt(before, l.N) }

// sumAt works out the hash that the line would have at a place.
func (l Line) sumAt(before Hash, n int64) Hash {
	b := make([]byte, 0, len(label)+len(before)+6*8+len(l.ID)+len(l.Who)+len(l.What)+len(l.Target))
	b = append(b, label...)
	b = append(b, before[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(n))
	b = binary.BigEndian.AppendUint64(b, uint64(micros(l.At)))
	for _, column := range []string{l.ID, l.Who, l.What, l.Target} {
		b = binary.BigEndian.AppendUint64(b, uint64(len(column)))
		b = append(b, column...)
	}
	return sha256.Sum256(b)
}

// micros is a time as it is stored.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}
