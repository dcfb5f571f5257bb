// Package advisory is what a kiosk may know of who was here before: a roll-out of cut, salted hashes, by which it
// notices, also off line, that a document or a person probably came in before. It only ever notes that. The centre decides.
//
// A roll-out belongs to one project and has one random salt of 256 bits. For every approved and every held submission
// it holds two hashes, each HMAC-SHA-256 under the salt, cut to a number of bits that the roll-out names: of the document
// (same.Document) and of the personal data (same.Data). Nothing else of a person is in it: no name, no id, no time.
//
// # How many bits
//
// A stranger meets a hash by chance with n/2^bits, n being the entries. A thief with the kiosk's disk has salt and
// hashes, and tries numbers out: of S possible numbers of one issuer about S×n/2^bits meet by chance, beside the n that are
// true, so a number that meets is a true one with 1/(1+S/2^bits). With 32 bits and S = 10^9, nine digits, that would be
// 81 %: the cut would hide nobody. So bits follow n (see BitsFor): at most 1/1024 false hits for a key when the
// roll-out is made, and no more bits than that needs. Then nine digits tried out give 12 % at 100,000 people, 1.6 % at
// 10,000, and passport numbers of nine letters and digits (10^14) next to nothing at either. A fixed 32 bits would
// have had fewer false hits (n/2^32, 0.002 % at 100,000 people) for a note that decides nothing.
//
// What nothing of this hides: whoever suspects one person whose data he knows whole can ask the disk about just that one, and
// a miss means that the person is not in it, a hit that he probably is. That is what a list to look people up in is. Nor do the hashes hide that
// two roll-outs of the same people are about the same number of people. Against both the list lies on the kiosk's own
// disk only, which the deployment encrypts, travels under TLS, goes with every new salt, and can be switched off
// (policy duplicates.local). A broker or a branch's box reads what it carries, and so learns what a stolen kiosk knows.
//
// A slow hash in HMAC's place was left out: what costs a thief a millisecond a number costs the centre minutes at every new
// salt, and a thief with 10^9 numbers some days.
//
// What may live here: how the hashes are made, and how long they are. What may not: how a roll-out travels (package wire),
// where it is kept, and what follows from a hit.
package advisory

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math/bits"
)

// SaltSize is the length of a salt in bytes.
const SaltSize = 32

// Bounds of the bits of a hash.
const (
	MinBits = 16
	MaxBits = 32
)

// BitsOwn is how many a kiosk's own memory of its last visits uses: it is small, and 24 bits hide a number in it among
// 60 others that meet by chance when 10^9 are tried.
const BitsOwn = 24

// fewest is the number of people that a roll-out is made for at least, so that a young project does not outgrow it in a day.
const fewest = 1024

// BitsFor gives the bits for a roll-out of n people: so many that at most one stranger in 1024 meets a hash by chance.
func BitsFor(n int) uint8 {
	return uint8(min(max(bits.Len(uint(max(n, fewest)-1))+10, MinBits), MaxBits))
}

// Outgrown tells whether n people are so many more than the bits were chosen for that chance hits are four times as many.
func Outgrown(bits uint8, n int) bool { return bits < MaxBits && BitsFor(n) >= bits+2 }

// Hasher makes the hashes of one roll-out. It is safe for concurrent use.
type Hasher struct {
	salt []byte
	mask uint32
}

// New makes a hasher.
func New(salt []byte, bits uint8) (*Hasher, error) {
	if len(salt) != SaltSize || bits < MinBits || bits > MaxBits {
		return nil, errors.New("salt or bits of a roll-out are out of bounds")
	}
	return &Hasher{salt: salt, mask: uint32(1<<uint64(bits) - 1)}, nil
}

// Document hashes the key of a document; 0 without one.
func (h *Hasher) Document(key string) uint32 { return h.cut("document", key) }

// Person hashes the key of a person's data; 0 without one.
func (h *Hasher) Person(key string) uint32 { return h.cut("person", key) }

// cut gives no hash that is 0: that stands for a key that is not known, and meets nothing.
func (h *Hasher) cut(purpose, key string) uint32 {
	if key == "" {
		return 0
	}
	m := hmac.New(sha256.New, h.salt)
	m.Write([]byte(purpose))
	m.Write([]byte{0})
	m.Write([]byte(key))
	return max(binary.BigEndian.Uint32(m.Sum(nil))&h.mask, 1)
}
