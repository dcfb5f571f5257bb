package courier_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vestibule/sync/courier"
	"vestibule/sync/fault"
	"vestibule/sync/wire"
)

var at = time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)

// tester is what *testing.T, *testing.F and *rapid.T share.
type tester interface {
	require.TestingT
	Helper()
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return k
}

func headerOf(kind courier.Kind) courier.Header {
	h := courier.Header{ID: "00112233445566778899aabbccddeeff", Kiosk: "hall-1", Epoch: "e1", After: 7, Created: at}
	if kind == courier.KindAnswer {
		h.Of, h.Cert = "ffeeddccbbaa99887766554433221100", []byte("certificate")
	}
	return h
}

type section struct {
	kind    courier.Section
	payload []byte
}

func write(t tester, kind courier.Kind, h courier.Header, key *ecdsa.PrivateKey, sections ...section) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := courier.NewWriter(&b, kind, h, key, nil) // without randomness a signature is always the same
	require.NoError(t, err)
	for _, s := range sections {
		require.NoError(t, w.Add(s.kind, s.payload))
	}
	require.NoError(t, w.Close())
	require.EqualValues(t, b.Len(), w.Size())
	return b.Bytes()
}

// read reads a whole file and proves it.
func read(b []byte, kind courier.Kind, key *ecdsa.PublicKey) (courier.Header, []section, error) {
	r, err := courier.NewReader(bytes.NewReader(b), kind)
	if err != nil {
		return courier.Header{}, nil, err
	}
	var all []section
	for {
		s, p, err := r.Next()
		if errors.Is(err, io.EOF) {
			return r.Header(), all, r.Verify(key)
		}
		if err != nil {
			return r.Header(), all, err
		}
		all = append(all, section{s, bytes.Clone(p)})
	}
}

func TestWhatWasWrittenIsRead(t *testing.T) {
	key := newKey(t)
	rapid.Check(t, func(rt *rapid.T) {
		kind := rapid.SampledFrom([]courier.Kind{courier.KindRecords, courier.KindAnswer}).Draw(rt, "kind")
		h := headerOf(kind)
		h.Kiosk = rapid.StringMatching(`[a-z0-9][a-z0-9_-]{0,62}`).Draw(rt, "kiosk")
		h.Epoch = rapid.StringMatching(`[!-~]{1,64}`).Draw(rt, "epoch")
		h.After = rapid.Uint64Range(0, 1<<63-1).Draw(rt, "after")
		h.Created = time.Unix(rapid.Int64Range(0, 1<<34).Draw(rt, "created"), 0).UTC()
		allowed := []courier.Section{courier.SectionUp, courier.SectionChunk}
		if kind == courier.KindAnswer {
			allowed = []courier.Section{courier.SectionAck}
		}
		var want []section
		for range rapid.IntRange(0, 20).Draw(rt, "sections") {
			n := rapid.SampledFrom([]int{1, 2, 100, wire.MaxFrame - 1, wire.MaxFrame}).Draw(rt, "size")
			want = append(want, section{rapid.SampledFrom(allowed).Draw(rt, "type"), bytes.Repeat([]byte{rapid.Byte().Draw(rt, "byte")}, n)})
		}
		b := write(rt, kind, h, key, want...)
		got, sections, err := read(b, kind, &key.PublicKey)
		require.NoError(rt, err)
		require.Equal(rt, want, sections)
		require.Len(rt, got.Key, 32)
		got.Key = nil
		require.Equal(rt, h, got)
	})
}

func small(t tester, kind courier.Kind, key *ecdsa.PrivateKey) []byte {
	s := []section{{courier.SectionUp, []byte("one frame of records")}, {courier.SectionChunk, []byte("a part of a picture")}}
	if kind == courier.KindAnswer {
		s = []section{{courier.SectionAck, []byte("an answer")}, {courier.SectionAck, []byte("more of it")}}
	}
	return write(t, kind, headerOf(kind), key, s...)
}

func kinds(t *testing.T, f func(t *testing.T, kind courier.Kind)) {
	for name, kind := range map[string]courier.Kind{"records": courier.KindRecords, "answer": courier.KindAnswer} {
		t.Run(name, func(t *testing.T) { f(t, kind) })
	}
}

func TestAFileCutAnywhereIsHalfWritten(t *testing.T) {
	key := newKey(t)
	kinds(t, func(t *testing.T, kind courier.Kind) {
		b := small(t, kind, key)
		_, _, err := read(b, kind, &key.PublicKey)
		require.NoError(t, err)
		for n := range b {
			_, _, err := read(b[:n], kind, &key.PublicKey)
			require.Equal(t, courier.CodeHalfWritten, fault.Code(err), "cut after %d bytes of %d: %v", n, len(b), err)
		}
	})
}

func TestAFlippedBitAnywhereIsNeverTakenAndNeverCalledHalfWritten(t *testing.T) {
	key := newKey(t)
	kinds(t, func(t *testing.T, kind courier.Kind) {
		b := small(t, kind, key)
		for i := range b {
			for bit := range 8 {
				c := bytes.Clone(b)
				c[i] ^= 1 << bit
				_, _, err := read(c, kind, &key.PublicKey)
				want := courier.CodeTampered
				if i < 8 {
					want = courier.CodeOther // what does not begin like one of our files is none
				}
				require.Equal(t, want, fault.Code(err), "bit %d of byte %d: %v", bit, i, err)
			}
		}
	})
}

// Checksum and sum can be made to fit by whoever knows the format, the signature cannot.
func TestWhoeverEditsAFileAndMakesItsSumsFitIsStillFoundOut(t *testing.T) {
	key, thief := newKey(t), newKey(t)
	h := headerOf(courier.KindRecords)
	mine := section{courier.SectionUp, []byte("one frame of records")}
	whole := write(t, courier.KindRecords, h, key, mine)
	// The thief writes another content under the kiosk's key name, with his own signature.
	forged := write(t, courier.KindRecords, h, thief, section{courier.SectionUp, []byte("another frame of records")})
	_, _, err := read(forged, courier.KindRecords, &key.PublicKey)
	require.Equal(t, courier.CodeForeign, fault.Code(err), "signed with another key, and says so")
	id := func(b []byte) []byte {
		r, err := courier.NewReader(bytes.NewReader(b), courier.KindRecords)
		require.NoError(t, err)
		return r.Header().Key
	}
	named := bytes.Replace(forged, id(forged), id(whole), 1)
	_, _, err = read(named, courier.KindRecords, &key.PublicKey)
	require.Equal(t, courier.CodeTampered, fault.Code(err), "the sum gives it away")
	cut := len(named) - trailerSize(t, named)
	sum, old := sha256.Sum256(named[:cut]), sha256.Sum256(forged[:cut])
	require.Equal(t, 1, bytes.Count(named, old[:]))
	named = bytes.Replace(named, old[:], sum[:], 1)
	_, _, err = read(named, courier.KindRecords, &key.PublicKey)
	require.Equal(t, courier.CodeTampered, fault.Code(err))
	require.ErrorContains(t, err, "signature")
}

// trailerSize walks to the last section.
func trailerSize(t *testing.T, b []byte) int {
	t.Helper()
	at := 16
	for {
		n := 9 + int(binary.BigEndian.Uint32(b[at+1:]))
		if at+n == len(b) {
			return n
		}
		at += n
		require.Less(t, at, len(b))
	}
}

func TestWhatIsWrongWithAFileIsToldApart(t *testing.T) {
	key, other := newKey(t), newKey(t)
	b := small(t, courier.KindRecords, key)
	again := func(b []byte) []byte { // a preamble whose checksum fits
		binary.BigEndian.PutUint32(b[12:], crc32.Checksum(b[:12], crc32.MakeTable(crc32.Castagnoli)))
		return b
	}
	later := bytes.Clone(b)
	later[8] = 2
	head := func(kind byte, n uint32) []byte {
		h := binary.BigEndian.AppendUint32([]byte{kind}, n)
		return binary.BigEndian.AppendUint32(h, crc32.Checksum(h, crc32.MakeTable(crc32.Castagnoli)))
	}
	end := len(b) - trailerSize(t, b)
	zeros := func(from, n int) []byte { return append(bytes.Clone(b[:from]), make([]byte, n)...) }
	for name, c := range map[string]struct {
		file []byte
		kind courier.Kind
		key  *ecdsa.PrivateKey
		code string
	}{
		"nothing":                              {nil, courier.KindRecords, key, courier.CodeHalfWritten},
		"a picture":                            {[]byte("\xff\xd8\xff\xe0 holiday"), courier.KindRecords, key, courier.CodeOther},
		"a text":                               {[]byte(strings.Repeat("vestibule ", 100)), courier.KindRecords, key, courier.CodeOther},
		"a later release":                      {again(later), courier.KindRecords, key, courier.CodeVersion},
		"an answer where records belong":       {small(t, courier.KindAnswer, key), courier.KindRecords, key, courier.CodeKind},
		"records where an answer belongs":      {b, courier.KindAnswer, key, courier.CodeKind},
		"another kiosk's key":                  {b, courier.KindRecords, other, courier.CodeForeign},
		"something after the end":              {append(bytes.Clone(b), 'x'), courier.KindRecords, key, courier.CodeTampered},
		"two files in one":                     {append(bytes.Clone(b), b...), courier.KindRecords, key, courier.CodeTampered},
		"a length without its content yet":     {zeros(0, len(b)), courier.KindRecords, key, courier.CodeHalfWritten},
		"zeros from the middle of a section":   {zeros(end-5, 200), courier.KindRecords, key, courier.CodeHalfWritten},
		"zeros where the trailer should be":    {zeros(end, 200), courier.KindRecords, key, courier.CodeHalfWritten},
		"a section larger than it may be":      {append(bytes.Clone(b[:end]), head(2, wire.MaxFrame+1)...), courier.KindRecords, key, courier.CodeTampered},
		"a section of four gigabytes":          {append(bytes.Clone(b[:end]), head(2, 1<<32-1)...), courier.KindRecords, key, courier.CodeTampered},
		"a section without content":            {append(bytes.Clone(b[:end]), head(2, 0)...), courier.KindRecords, key, courier.CodeTampered},
		"a section of a type not known":        {append(bytes.Clone(b[:end]), head(9, 1)...), courier.KindRecords, key, courier.CodeTampered},
		"a section of the other direction":     {append(bytes.Clone(b[:end]), head(4, 1)...), courier.KindRecords, key, courier.CodeTampered},
		"a section moved to another file":      {bytes.Replace(b, []byte("picture"), []byte("Picture"), 1), courier.KindRecords, key, courier.CodeTampered},
		"a section taken out":                  {append(bytes.Clone(b[:end-9-19]), b[end:]...), courier.KindRecords, key, courier.CodeTampered},
		"a section twice":                      {append(append(bytes.Clone(b[:end]), b[end-9-19:end]...), b[end:]...), courier.KindRecords, key, courier.CodeTampered},
		"a trailer before its time":            {append(bytes.Clone(b[:end-9-19]), append(bytes.Clone(b[end:]), b[end-9-19:]...)...), courier.KindRecords, key, courier.CodeTampered},
		"a preamble and nothing else":          {b[:16], courier.KindRecords, key, courier.CodeHalfWritten},
		"a preamble and one section no header": {append(bytes.Clone(b[:16]), b[end-9-19:]...), courier.KindRecords, key, courier.CodeTampered},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := read(c.file, c.kind, &c.key.PublicKey)
			require.Equal(t, c.code, fault.Code(err), "%v", err)
			var f *fault.Fault
			require.ErrorAs(t, err, &f)
			require.NotEmpty(t, f.Message)
			require.NotEmpty(t, f.Hint)
		})
	}
}

// failing fails to read after some bytes, as a worn stick does.
type failing struct {
	io.Reader
	err error
}

func (f failing) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		err = f.err
	}
	return n, err
}

func TestAMediumThatCannotBeReadIsNotCalledHalfWritten(t *testing.T) {
	key := newKey(t)
	b := small(t, courier.KindRecords, key)
	worn := errors.New("input/output error")
	for n := range len(b) + 1 {
		r, err := courier.NewReader(failing{bytes.NewReader(b[:n]), worn}, courier.KindRecords)
		for err == nil {
			_, _, err = r.Next()
		}
		require.Equal(t, courier.CodeUnreadable, fault.Code(err), "after %d bytes", n)
		require.ErrorIs(t, err, worn)
	}
}

func TestReadingHoldsOneSectionOnlyHoweverLongTheFileIs(t *testing.T) {
	key := newKey(t)
	const sections = 400
	long := func(w io.Writer) error {
		c, err := courier.NewWriter(w, courier.KindRecords, headerOf(courier.KindRecords), key, rand.Reader)
		for range sections {
			err = errors.Join(err, c.Add(courier.SectionChunk, make([]byte, wire.MaxChunk)))
		}
		return errors.Join(err, c.Close())
	}
	r, w := io.Pipe()
	go func() { w.CloseWithError(long(w)) }()
	c, err := courier.NewReader(r, courier.KindRecords)
	require.NoError(t, err)
	n := 0
	allocated := testing.AllocsPerRun(sections/2-2, func() {
		for range 2 {
			if _, _, err := c.Next(); err == nil {
				n++
			}
		}
	})
	require.Greater(t, n, sections/2)
	require.Less(t, allocated, 40.0, "a section's payload is read into one buffer, again and again")
}

func FuzzRecords(f *testing.F) { fuzz(f, courier.KindRecords) }

func FuzzAnswer(f *testing.F) { fuzz(f, courier.KindAnswer) }

// fuzz checks that nothing crashes or hangs the reader, that whatever is refused has
// a reason, and that whatever is taken is, byte for byte, what the key's holder wrote.
func fuzz(f *testing.F, kind courier.Kind) {
	key := fixedKey(f)
	b := small(f, kind, key)
	f.Add(b)
	f.Add(b[:len(b)/2])
	f.Add(b[:16])
	f.Add(append(bytes.Clone(b), b...))
	f.Add(make([]byte, 300))
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, c []byte) {
		_, _, err := read(c, kind, &key.PublicKey)
		if err != nil {
			require.NotEmpty(t, fault.Code(err), "%v", err)
			return
		}
		require.Equal(t, b, c)
	})
}
