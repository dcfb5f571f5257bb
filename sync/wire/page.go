package wire

import (
	"encoding/binary"
	"math"
	"time"
)

// PageAsk is a kiosk's question for the roll-out of its project (package advisory), in an Up frame: what it has by now.
type PageAsk struct {
	Issue string `cbor:"1,keyasint,omitempty"` // roll-out; empty: none
	After uint64 `cbor:"2,keyasint,omitempty"` // entry up to which it has all
}

// Page answers a PageAsk with the next piece of the roll-out in force. A kiosk that has another roll-out, or none,
// is given the one in force from its beginning. A page without entries says that there is nothing new.
type Page struct {
	Version uint8     `cbor:"1,keyasint"`
	Project string    `cbor:"2,keyasint,omitempty"` // whose roll-out; empty: the project has none
	Issue   string    `cbor:"3,keyasint,omitempty"`
	Salt    []byte    `cbor:"4,keyasint,omitempty"`
	Bits    uint8     `cbor:"5,keyasint,omitempty"`
	After   uint64    `cbor:"6,keyasint,omitempty"`  // what came before this page
	Upto    uint64    `cbor:"7,keyasint,omitempty"`  // number of the last entry or removal that this page tells of
	Last    uint64    `cbor:"8,keyasint,omitempty"`  // of the roll-out when the page was made: at Upto == Last a kiosk has all
	Entries []byte    `cbor:"14,keyasint,omitempty"` // see Pack
	Gone    []byte    `cbor:"16,keyasint,omitempty"` // numbers of entries that are no more, eight bytes each, after Entries
	Made    time.Time `cbor:"17,keyasint,omitzero"`  // of the roll-out, centre's clock
	Proof
}

// PageEntry is one submission in a roll-out.
type PageEntry struct {
	Number           uint64 // counts entries and removals of the roll-out
	Document, Person uint32 // cut hashes; 0: not known
}

// Bounds of a Page.
const (
	MaxPageEntries = 4000 // and removals
	entrySize      = 12
	goneSize       = 8
	saltSize       = 32
)

const contextPage = "vestibule page v1\x00"

// PackEntries encodes entries for a page after a number: for each, how far its number is beyond that, and the two
// hashes, four bytes each, big endian.
func PackEntries(after uint64, all []PageEntry) []byte {
	b := make([]byte, 0, entrySize*len(all))
	for _, e := range all {
		b = binary.BigEndian.AppendUint32(b, uint32(e.Number-after))
		b = binary.BigEndian.AppendUint32(b, e.Document)
		b = binary.BigEndian.AppendUint32(b, e.Person)
	}
	return b
}

// List decodes the entries of a page that was checked.
func (p Page) List() []PageEntry {
	out := make([]PageEntry, 0, len(p.Entries)/entrySize)
	for b := p.Entries; len(b) >= entrySize; b = b[entrySize:] {
		out = append(out, PageEntry{p.After + uint64(binary.BigEndian.Uint32(b)), binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint32(b[8:])})
	}
	return out
}

// PackGone encodes the numbers of entries that are no more.
func PackGone(all []uint64) []byte {
	b := make([]byte, 0, goneSize*len(all))
	for _, n := range all {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	return b
}

// Removed decodes them.
func (p Page) Removed() []uint64 {
	out := make([]uint64, 0, len(p.Gone)/goneSize)
	for b := p.Gone; len(b) >= goneSize; b = b[goneSize:] {
		out = append(out, binary.BigEndian.Uint64(b))
	}
	return out
}

// EncodePage encodes a page without its signature.
func EncodePage(p Page) ([]byte, error) { return encode(p, MaxFrame, checkPage(p)) }

// DecodePage decodes and checks a page. It does not verify the signature: see VerifyPage.
func DecodePage(b []byte) (Page, error) { return decode(b, MaxFrame, checkPage) }

// SignPage encodes a page with its proof.
func (c Centre) SignPage(p Page) ([]byte, error) {
	p.Cert, p.Sig = c.Cert, nil
	plain, err := EncodePage(p)
	if err != nil {
		return nil, err
	}
	if p.Sig, err = c.sign(contextPage, plain); err != nil {
		return nil, err
	}
	return EncodePage(p)
}

// VerifyPage does for a page what VerifyAck does for acknowledgements.
func VerifyPage(b []byte, kiosk string, key CentreKey) (Page, error) {
	p, err := DecodePage(b)
	if err != nil {
		return Page{}, err
	}
	return p, prove(b, contextPage, p.Proof, kiosk, key)
}

func checkAsk(a *PageAsk) error {
	switch {
	case a == nil:
		return nil
	case a.Issue != "" && !word(a.Issue, MaxID), a.Issue == "" && a.After > 0:
		return field("issue")
	case a.After > maxSeq:
		return field("after")
	}
	return nil
}

func checkPage(p Page) error {
	if err := checkVersion(p.Version); err != nil {
		return err
	}
	if err := checkProof(p.Proof); err != nil {
		return err
	}
	if p.Project == "" { // the project has no roll-out
		if p.Issue != "" || len(p.Salt) > 0 || p.Bits != 0 || p.After != 0 || p.Upto != 0 || p.Last != 0 || len(p.Entries) > 0 || len(p.Gone) > 0 {
			return field("project")
		}
		return nil
	}
	if len(p.Entries)%entrySize != 0 || len(p.Gone)%goneSize != 0 {
		return field("entries")
	}
	entries, gone := len(p.Entries)/entrySize, len(p.Gone)/goneSize
	switch {
	case len(p.Project) > MaxID:
		return field("project")
	case !word(p.Issue, MaxID):
		return field("issue")
	case len(p.Salt) != saltSize:
		return field("salt")
	case p.Bits < 16 || p.Bits > 32:
		return field("bits")
	case p.Last > maxSeq || p.Upto > p.Last || p.After > p.Upto || p.Upto-p.After > math.MaxUint32:
		return field("number")
	case entries+gone > MaxPageEntries:
		return ErrTooLarge
	case uint64(entries+gone) > p.Upto-p.After: // each has a number of its own
		return field("entries")
	case p.Upto == p.After && p.Upto != p.Last: // it would be asked for, for ever
		return field("upto")
	}
	before := p.After
	for _, e := range p.List() {
		if e.Number <= before || e.Number > p.Upto {
			return field("entries")
		}
		before = e.Number
		if uint64(e.Document) >= 1<<p.Bits || uint64(e.Person) >= 1<<p.Bits {
			return field("entries")
		}
	}
	for _, n := range p.Removed() {
		if n == 0 || n >= p.Upto {
			return field("gone")
		}
	}
	return checkTime(p.Made)
}
