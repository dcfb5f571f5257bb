package courier

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"

	"vestibule/sync/wire"
)

// Reader reads one file, section by section. It holds one section at a time, and
// allocates nothing before its length is within the bound of its type.
//
// What it gives before Verify has answered may be anybody's.
type Reader struct {
	r      io.Reader
	kind   Kind
	header Header
	sum    hash.Hash
	buf    []byte
	frames uint64
	end    *trailer
	err    error // sticky
	zeros  int   // zero bytes at the end of what was read
}

// NewReader reads preamble and header of a file that should be of a kind.
func NewReader(r io.Reader, want Kind) (*Reader, error) {
	c := &Reader{r: r, sum: sha256.New()}
	if err := c.begin(want); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Reader) begin(want Kind) error {
	var b [preambleSize]byte
	n, err := io.ReadFull(c.r, b[:])
	if err != nil && !ended(err) {
		return refuse(CodeUnreadable, err)
	}
	m := magic()
	c.saw(b[:n])
	switch whole := bytes.HasPrefix(m[:], b[:min(n, len(m))]) || bytes.HasPrefix(b[:n], m[:]); {
	case n == 0:
		return refuse(CodeHalfWritten, errors.New("the file is empty"))
	case !whole && bytes.Count(b[:n], []byte{0}) == n:
		return c.broken("nothing but zeros")
	case !whole:
		return refuse(CodeOther, nil)
	case n < len(b):
		return refuse(CodeHalfWritten, nil)
	case binary.BigEndian.Uint32(b[12:]) != sumOf(b[:12]):
		return c.broken("preamble")
	case b[8] != Version:
		return refuse(CodeVersion, fmt.Errorf("version %d, known here is %d", b[8], Version))
	}
	c.kind = Kind(b[9])
	if c.kind != want {
		return refuse(CodeKind, nil)
	}
	c.sum.Write(b[:])
	s, payload, err := c.section()
	if err != nil {
		return err
	}
	if s != SectionHeader {
		return c.broken("no header")
	}
	if err := wire.Unmarshal(payload, &c.header); err != nil {
		return c.broken(err.Error())
	}
	if err := c.header.check(c.kind); err != nil {
		return c.broken(err.Error())
	}
	return nil
}

// Header says whose file this claims to be.
func (c *Reader) Header() Header { return c.header }

// Next gives the next frame; its bytes are valid until the next call. After the last
// one it gives io.EOF, once the trailer fits the file; that it is the right one's
// trailer is for Verify to say.
func (c *Reader) Next() (Section, []byte, error) {
	if c.err != nil {
		return 0, nil, c.err
	}
	s, payload, err := c.next()
	c.err = err
	return s, payload, err
}

func (c *Reader) next() (Section, []byte, error) {
	sum := c.sum.Sum(nil)
	s, payload, err := c.section()
	if err != nil {
		return 0, nil, err
	}
	switch s {
	case SectionHeader:
		return 0, nil, c.broken("a second header")
	case SectionTrailer:
		return 0, nil, c.finish(payload, sum)
	}
	c.frames++
	return s, payload, nil
}

func (c *Reader) finish(payload, sum []byte) error {
	var t trailer
	if err := wire.Unmarshal(payload, &t); err != nil {
		return c.broken(err.Error())
	}
	// The signature covers what the trailer says; this covers how it is written.
	if canonical, err := wire.Marshal(t); err != nil || !bytes.Equal(canonical, payload) {
		return c.broken("the trailer is not written as a trailer is")
	}
	var more [1]byte
	switch n, err := io.ReadFull(c.r, more[:]); {
	case n > 0:
		return refuse(CodeTampered, errors.New("something follows the end"))
	case err != nil && !ended(err):
		return refuse(CodeUnreadable, err)
	case t.Frames != c.frames:
		return refuse(CodeTampered, fmt.Errorf("%d frames, %d were written", c.frames, t.Frames))
	case !bytes.Equal(t.Sum, sum):
		return refuse(CodeTampered, errors.New("the sum does not fit"))
	}
	c.end = &t
	return io.EOF
}

// Verify says whether the file is what the holder of a key wrote. It may be asked
// once Next has given io.EOF.
func (c *Reader) Verify(key *ecdsa.PublicKey) error {
	if c.end == nil || key == nil {
		return errors.New("courier: verify before the end was read, or without a key")
	}
	if !c.named(key) {
		return refuse(CodeForeign, errors.New("signed with another key than the one known here"))
	}
	digest, err := c.end.digest(c.kind)
	if err != nil {
		return err
	}
	if !ecdsa.VerifyASN1(key, digest, c.end.Sig) {
		return refuse(CodeTampered, errors.New("the signature does not fit"))
	}
	return nil
}

// named says whether the header names a key as the signer's.
func (c *Reader) named(key *ecdsa.PublicKey) bool {
	id, err := keyID(key)
	return err == nil && bytes.Equal(id, c.header.Key)
}

// section reads one section of any type that this kind of file may have.
func (c *Reader) section() (Section, []byte, error) {
	var head [headSize]byte
	if err := c.fill(head[:]); err != nil {
		return 0, nil, err
	}
	s, n := Section(head[0]), binary.BigEndian.Uint32(head[1:])
	switch limit := s.limit(c.kind); {
	case binary.BigEndian.Uint32(head[5:]) != sumOf(head[:5]):
		return 0, nil, c.broken("a section's head")
	case limit == 0:
		return 0, nil, c.broken("a section that does not belong here")
	case n == 0 || int64(n) > int64(limit):
		return 0, nil, c.broken("a section out of bounds")
	}
	if cap(c.buf) < int(n) {
		c.buf = make([]byte, n)
	}
	payload := c.buf[:n]
	if err := c.fill(payload); err != nil {
		return 0, nil, err
	}
	c.sum.Write(head[:])
	c.sum.Write(payload)
	return s, payload, nil
}

func (c *Reader) fill(b []byte) error {
	n, err := io.ReadFull(c.r, b)
	c.saw(b[:n])
	switch {
	case err == nil:
		return nil
	case ended(err):
		return refuse(CodeHalfWritten, nil)
	}
	return refuse(CodeUnreadable, err)
}

func ended(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }

// saw counts the zero bytes at the end of what was read.
func (c *Reader) saw(b []byte) {
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] != 0 {
			c.zeros = len(b) - 1 - i
			return
		}
	}
	c.zeros += len(b)
}

// blank is how many zero bytes at a file's end are taken for what a file system
// leaves when it had the length but not yet the content. A signature does not end so.
const blank = 64

// broken tells a file that does not hold together apart: one that ends in zeros was
// not written to its end, any other was altered.
func (c *Reader) broken(where string) error {
	b := make([]byte, 64<<10)
	for {
		n, err := c.r.Read(b)
		c.saw(b[:n])
		if err != nil {
			if !ended(err) {
				return refuse(CodeUnreadable, err)
			}
			break
		}
	}
	if c.zeros >= blank {
		return refuse(CodeHalfWritten, errors.New("it ends in zeros"))
	}
	return refuse(CodeTampered, errors.New(where))
}
