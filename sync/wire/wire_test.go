package wire_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/sync/wire"
)

var write = flag.Bool("write-golden", false, "write golden frames that are missing; existing ones are never rewritten")

var (
	at   = time.Date(2026, 3, 4, 5, 6, 7, 89_000_000, time.UTC)
	hash = bytes.Repeat([]byte{0xab}, wire.HashSize)
	blob = strings.Repeat("0f", wire.HashSize)
)

func up() wire.Up {
	return wire.Up{
		Version: 1, Kiosk: "kiosk-1", Epoch: "00112233445566778899aabbccddeeff", Head: hash, Cursor: 9, Sent: at, Sig: []byte{1, 2, 3},
		Records: []wire.Record{
			{Seq: 41, Kind: wire.KindEvent, ID: "0190e2a0-0000-7000-8000-000000000001", Body: []byte{0xa0}},
			{Seq: 42, Kind: wire.KindSubmission, ID: "0190e2a0-0000-7000-8000-000000000002", Body: []byte("sealed")},
		},
	}
}

func ack() wire.Ack {
	return wire.Ack{
		Version: 1, Epoch: "00112233445566778899aabbccddeeff", High: 42, Time: at, Cursor: 11, Refused: wire.RefusedChain, Head: hash,
		Blobs: []wire.BlobAck{{Blob: blob, Have: 131072}, {Blob: blob, Have: 200000, Done: true}},
	}
}

func chunk() wire.Chunk {
	return wire.Chunk{Version: 1, Kiosk: "kiosk-1", Blob: blob, Size: 200000, Offset: 65536, Data: []byte("ciphertext")}
}

func down() wire.Down {
	return wire.Down{Version: 1, Kiosk: "kiosk-1", Commands: []wire.Record{{Seq: 10, Kind: wire.KindVerdict, ID: "v-10", Body: []byte{0xa0}}}}
}

// goldenAck and goldenDown carry a proof with every field set.
func goldenAck() wire.Ack {
	a := provedAck()
	a.Cert, a.Sig = []byte("certificate"), []byte("signature")
	return a
}

func goldenDown() wire.Down {
	d := provedDown()
	d.Cert, d.Sig = []byte("certificate"), []byte("signature")
	return d
}

func upOf(session string) wire.Up {
	u := up()
	u.Session = session
	return u
}

func state() wire.State {
	return wire.State{Version: 1, Kiosk: "kiosk-1", Session: "a1b2c3d4", Online: true, At: at, Release: "1.0.0"}
}

func submission() wire.SubmissionBody {
	return wire.SubmissionBody{Submission: "s-1", Session: "j-1", Revision: 2, Sealed: []byte("sealed"), Blobs: []string{blob}}
}

// golden holds every frame of version 1 once, with every field set.
var golden = map[string]struct {
	encode func() ([]byte, error)
	decode func([]byte) (any, error)
	value  any
}{
	"up":         {func() ([]byte, error) { return wire.EncodeUp(up()) }, func(b []byte) (any, error) { return wire.DecodeUp(b) }, up()},
	"ack":        {func() ([]byte, error) { return wire.EncodeAck(ack()) }, func(b []byte) (any, error) { return wire.DecodeAck(b) }, ack()},
	"chunk":      {func() ([]byte, error) { return wire.EncodeChunk(chunk()) }, func(b []byte) (any, error) { return wire.DecodeChunk(b) }, chunk()},
	"down":       {func() ([]byte, error) { return wire.EncodeDown(down()) }, func(b []byte) (any, error) { return wire.DecodeDown(b) }, down()},
	"ack-proof":  {func() ([]byte, error) { return wire.EncodeAck(goldenAck()) }, func(b []byte) (any, error) { return wire.DecodeAck(b) }, goldenAck()},
	"down-proof": {func() ([]byte, error) { return wire.EncodeDown(goldenDown()) }, func(b []byte) (any, error) { return wire.DecodeDown(b) }, goldenDown()},
	"up-session": {func() ([]byte, error) { return wire.EncodeUp(upOf("a1b2c3d4")) }, func(b []byte) (any, error) { return wire.DecodeUp(b) }, upOf("a1b2c3d4")},
	"state":      {func() ([]byte, error) { return wire.EncodeState(state()) }, func(b []byte) (any, error) { return wire.DecodeState(b) }, state()},
	"submission": {func() ([]byte, error) { return wire.EncodeSubmission(submission()) }, func(b []byte) (any, error) { return wire.DecodeSubmission(b) }, submission()},
}

func TestFramesOfVersion1DecodeForEver(t *testing.T) {
	for name, g := range golden {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join("testdata", "wire", "v1-"+name+".cbor")
			if _, err := os.Stat(path); *write && os.IsNotExist(err) {
				b, err := g.encode()
				require.NoError(t, err)
				require.NoError(t, os.WriteFile(path, []byte(hex.EncodeToString(b)+"\n"), 0o644))
			}
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			raw, err := hex.DecodeString(strings.TrimSpace(string(text)))
			require.NoError(t, err)
			got, err := g.decode(raw)
			require.NoError(t, err)
			require.Equal(t, g.value, got)
			now, err := g.encode()
			require.NoError(t, err)
			require.Equal(t, hex.EncodeToString(raw), hex.EncodeToString(now), "this release writes the same bytes")
		})
	}
}

func TestEveryTruncationOfAFrameIsRefused(t *testing.T) {
	for name, g := range golden {
		b, err := g.encode()
		require.NoError(t, err)
		for n := range b {
			_, err := g.decode(b[:n])
			require.ErrorIs(t, err, wire.ErrMalformed, "%s cut to %d bytes", name, n)
		}
		_, err = g.decode(append(append([]byte(nil), b...), 0))
		require.ErrorIs(t, err, wire.ErrMalformed, "%s with a byte after it", name)
	}
}

func raw(t *testing.T, v any) []byte {
	t.Helper()
	b, err := cbor.Marshal(v)
	require.NoError(t, err)
	return b
}

func TestAFrameOutsideItsBoundsIsRefused(t *testing.T) {
	with := func(change func(*wire.Up)) []byte {
		u := up()
		change(&u)
		type plain wire.Up // encoded without checks
		m, err := cbor.EncOptions{Time: cbor.TimeRFC3339NanoUTC}.EncMode()
		require.NoError(t, err)
		b, err := m.Marshal(plain(u))
		require.NoError(t, err)
		return b
	}
	many := make([]wire.Record, wire.MaxRecords+1)
	for i := range many {
		many[i] = wire.Record{Seq: uint64(i) + 1, Kind: 1, ID: "x"}
	}
	_, err := wire.DecodeUp(with(func(*wire.Up) {}))
	require.NoError(t, err, "the frame that is changed below is good")
	for name, c := range map[string]struct {
		frame []byte
		err   error
	}{
		"larger than a frame":       {make([]byte, wire.MaxFrame+1), wire.ErrTooLarge},
		"another version":           {with(func(u *wire.Up) { u.Version = 2 }), wire.ErrVersion},
		"no version":                {with(func(u *wire.Up) { u.Version = 0 }), wire.ErrVersion},
		"a kiosk name with a slash": {with(func(u *wire.Up) { u.Kiosk = "a/b" }), wire.ErrMalformed},
		"a kiosk name with a plus":  {with(func(u *wire.Up) { u.Kiosk = "+" }), wire.ErrMalformed},
		"no epoch":                  {with(func(u *wire.Up) { u.Epoch = "" }), wire.ErrMalformed},
		"a long epoch":              {with(func(u *wire.Up) { u.Epoch = strings.Repeat("e", 65) }), wire.ErrMalformed},
		"a short head":              {with(func(u *wire.Up) { u.Head = hash[:31] }), wire.ErrMalformed},
		"a long signature":          {with(func(u *wire.Up) { u.Sig = make([]byte, 81) }), wire.ErrMalformed},
		"a gap in the numbers":      {with(func(u *wire.Up) { u.Records[1].Seq = 43 }), wire.ErrMalformed},
		"number zero":               {with(func(u *wire.Up) { u.Records = u.Records[:1]; u.Records[0].Seq = 0 }), wire.ErrMalformed},
		"a number beyond SQL":       {with(func(u *wire.Up) { u.Records = u.Records[:1]; u.Records[0].Seq = 1 << 63 }), wire.ErrMalformed},
		"a record without kind":     {with(func(u *wire.Up) { u.Records[0].Kind = 0 }), wire.ErrMalformed},
		"a record without id":       {with(func(u *wire.Up) { u.Records[0].ID = "" }), wire.ErrMalformed},
		"an id with a line break":   {with(func(u *wire.Up) { u.Records[0].ID = "a\nb" }), wire.ErrMalformed},
		"a large body":              {with(func(u *wire.Up) { u.Records[0].Body = make([]byte, wire.MaxBody+1) }), wire.ErrTooLarge},
		"many records":              {with(func(u *wire.Up) { u.Records = many }), wire.ErrMalformed},
		"an indefinite array":       {[]byte{0x9f, 0x01, 0xff}, wire.ErrMalformed},
		"a tag":                     {append([]byte{0xd8, 0x2a}, with(func(*wire.Up) {})...), wire.ErrMalformed},
		"a duplicate key":           {[]byte{0xa2, 0x01, 0x01, 0x01, 0x01}, wire.ErrMalformed},
		"a promise of 4 G elements": {[]byte{0xa1, 0x04, 0x9a, 0xff, 0xff, 0xff, 0xff}, wire.ErrMalformed},
		"deep nesting":              {append(bytes.Repeat([]byte{0x81}, 40), 0x00), wire.ErrMalformed},
		"not a map":                 {raw(t, "hello"), wire.ErrMalformed},
	} {
		_, err := wire.DecodeUp(c.frame)
		require.ErrorIs(t, err, c.err, name)
	}
}

func TestChunksAcknowledgementsAndPresenceOutsideTheirBoundsAreNotEncoded(t *testing.T) {
	for name, err := range map[string]error{
		"offset and data exceed the size": errOf(wire.EncodeChunk(wire.Chunk{Version: 1, Kiosk: "k", Blob: blob, Size: 5, Offset: 1, Data: make([]byte, 5)})),
		"negative offset":                 errOf(wire.EncodeChunk(wire.Chunk{Version: 1, Kiosk: "k", Blob: blob, Size: 5, Offset: -1, Data: make([]byte, 5)})),
		"no data":                         errOf(wire.EncodeChunk(wire.Chunk{Version: 1, Kiosk: "k", Blob: blob, Size: 5})),
		"blob name in capitals":           errOf(wire.EncodeChunk(wire.Chunk{Version: 1, Kiosk: "k", Blob: strings.ToUpper(blob), Size: 5, Data: make([]byte, 5)})),
		"a huge blob":                     errOf(wire.EncodeChunk(wire.Chunk{Version: 1, Kiosk: "k", Blob: blob, Size: wire.MaxBlob + 1, Data: make([]byte, 5)})),
		"blob ack below zero":             errOf(wire.EncodeAck(wire.Ack{Version: 1, Blobs: []wire.BlobAck{{Blob: blob, Have: -1}}})),
		"ack with half a head":            errOf(wire.EncodeAck(wire.Ack{Version: 1, Head: hash[:3]})),
		"presence without session":        errOf(wire.EncodeState(wire.State{Version: 1, Kiosk: "k"})),
		"revision zero":                   errOf(wire.EncodeSubmission(wire.SubmissionBody{Submission: "s", Session: "s", Sealed: []byte{1}})),
		"a year beyond four digits":       errOf(wire.EncodeState(wire.State{Version: 1, Kiosk: "k", Session: "s", At: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)})),
	} {
		require.ErrorIs(t, err, wire.ErrMalformed, name)
	}
}

func errOf(_ []byte, err error) error { return err }

func TestAKeyOfALaterReleaseIsIgnoredButSigned(t *testing.T) {
	k := key(t)
	b, err := wire.SignUp(up(), k, rand.Reader)
	require.NoError(t, err)
	var m map[uint64]cbor.RawMessage
	require.NoError(t, cbor.Unmarshal(b, &m))
	m[14] = raw(t, "new")
	later := raw(t, m)
	got, err := wire.DecodeUp(later)
	require.NoError(t, err)
	require.Equal(t, up().Records, got.Records)
	require.ErrorIs(t, wire.VerifyUp(later, &k.PublicKey), wire.ErrSignature, "nobody may add it on the way")
}

func key(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return k
}

func TestNoBitOfASignedFrameCanBeChanged(t *testing.T) {
	k := key(t)
	b, err := wire.SignUp(up(), k, rand.Reader)
	require.NoError(t, err)
	require.NoError(t, wire.VerifyUp(b, &k.PublicKey))
	require.ErrorIs(t, wire.VerifyUp(b, &key(t).PublicKey), wire.ErrSignature, "another key")
	for i := range b {
		c := append([]byte(nil), b...)
		c[i] ^= 1 << (i % 8)
		require.Error(t, wire.VerifyUp(c, &k.PublicKey), "byte %d", i)
	}
	plain, err := wire.EncodeUp(func() wire.Up { u := up(); u.Sig = nil; return u }())
	require.NoError(t, err)
	require.ErrorIs(t, wire.VerifyUp(plain, &k.PublicKey), wire.ErrSignature, "no signature")
	require.ErrorIs(t, wire.VerifyUp(make([]byte, wire.MaxFrame+1), &k.PublicKey), wire.ErrTooLarge)
}

func TestTheChainNoticesEveryChangeOfHistory(t *testing.T) {
	records := []wire.Record{{Seq: 1, Kind: 1, ID: "a", Body: []byte("1")}, {Seq: 2, Kind: 1, ID: "b", Body: []byte("2")}, {Seq: 3, Kind: 1, ID: "c", Body: []byte("3")}}
	start := wire.ChainStart("kiosk-1", "e")
	whole, err := wire.ChainAll(start, records)
	require.NoError(t, err)
	two, err := wire.ChainAll(start, records[:2])
	require.NoError(t, err)
	stepwise, err := wire.Chain(two, records[2])
	require.NoError(t, err)
	require.Equal(t, whole, stepwise)
	for name, other := range map[string][]wire.Record{
		"dropped":   {records[0], records[2]},
		"reordered": {records[1], records[0], records[2]},
		"edited":    {records[0], {Seq: 2, Kind: 1, ID: "b", Body: []byte("x")}, records[2]},
		"repeated":  {records[0], records[0], records[1], records[2]},
	} {
		got, err := wire.ChainAll(start, other)
		require.NoError(t, err)
		require.NotEqual(t, whole, got, name)
	}
	require.NotEqual(t, start, wire.ChainStart("kiosk-2", "e"))
	require.NotEqual(t, wire.ChainStart("a", "bc"), wire.ChainStart("ab", "c"), "the parts cannot run together")
	_, err = wire.Chain([]byte("short"), records[0])
	require.Error(t, err)
}

func TestTopicsAreReadBackAsTheyWereWritten(t *testing.T) {
	for topic, want := range map[string]wire.Lane{
		wire.UpTopic("K-1_a"): wire.LaneUp, wire.BlobTopic("K-1_a"): wire.LaneBlob, wire.StateTopic("K-1_a"): wire.LaneState,
		wire.AckTopic("K-1_a"): wire.LaneAck, wire.CommandTopic("K-1_a"): wire.LaneCmd,
		wire.ViewTopic("K-1_a"): wire.LaneView, wire.BridgeTopic("K-1_a"): wire.LaneBridge,
	} {
		lane, kiosk, err := wire.ParseTopic(topic)
		require.NoError(t, err)
		require.Equal(t, want, lane)
		require.Equal(t, "K-1_a", kiosk)
	}
	for _, topic := range []string{
		"", "v1", "v1/up", "v1/up/", "v2/up/k", "v1/up/k/x", "v1/up/+", "v1/up/#", "v1/down/k", "v1/down/k/other", "v1/down//ack", "v1/ack/k",
		"v1/up/" + strings.Repeat("k", 64), "/v1/up/k", "v1/up/k ", "v1/up/ké", "v1/up/-k", "v1/" + strings.Repeat("x", 1000),
	} {
		_, _, err := wire.ParseTopic(topic)
		require.ErrorIs(t, err, wire.ErrTopic, topic)
	}
}

func TestBodiesSurviveTheJourney(t *testing.T) {
	e := journey.Event{
		ID: "e", Session: "s", Kiosk: "k", Seq: 1, Name: "SESSION_START", Source: journey.FE, Origin: journey.OriginAgent, Result: journey.Pass,
		Impact: journey.ImpactNone, Started: at, Ended: at.Add(time.Nanosecond), Detail: map[string]string{"b": "2", "a": "1"},
	}
	b, err := wire.Marshal(e)
	require.NoError(t, err)
	var got journey.Event
	require.NoError(t, wire.Unmarshal(b, &got))
	require.Equal(t, e, got)
	again, err := wire.Marshal(got)
	require.NoError(t, err)
	require.Equal(t, b, again, "one value has one encoding")

	vector := make([]float32, 512)
	for i := range vector {
		vector[i] = float32(i) / 511
	}
	s := journey.Submission{ID: "s", Created: at, Face: &journey.FaceTemplate{Model: "m", Vector: vector}}
	b, err = wire.Marshal(s)
	require.NoError(t, err)
	var back journey.Submission
	require.NoError(t, wire.Unmarshal(b, &back))
	require.Equal(t, s.Face, back.Face)
	require.True(t, back.Updated.IsZero(), "a time that was never set stays so")
}

func TestANumberThatIsNoneIsNotABody(t *testing.T) {
	_, err := wire.Marshal(map[int]float64{1: nan()})
	require.Error(t, err)
	var v map[int]float64
	require.ErrorIs(t, wire.Unmarshal([]byte{0xa1, 0x01, 0xf9, 0x7e, 0x00}, &v), wire.ErrMalformed)
}

func nan() float64 {
	zero := 0.0
	return zero / zero
}

func fuzz[T any](f *testing.F, name string, decode func([]byte) (T, error), encode func(T) ([]byte, error)) {
	b, err := golden[name].encode()
	require.NoError(f, err)
	f.Add(b)
	f.Add(b[:len(b)/2])
	f.Add([]byte{0xa0})
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := decode(b)
		if err != nil {
			return
		}
		again, err := encode(v)
		require.NoError(t, err, "what decodes can be encoded")
		w, err := decode(again)
		require.NoError(t, err)
		last, err := encode(w)
		require.NoError(t, err)
		require.Equal(t, again, last, "and has one encoding")
	})
}

func FuzzDecodeUp(f *testing.F)    { fuzz(f, "up", wire.DecodeUp, wire.EncodeUp) }
func FuzzDecodeAck(f *testing.F)   { fuzz(f, "ack", wire.DecodeAck, wire.EncodeAck) }
func FuzzDecodeChunk(f *testing.F) { fuzz(f, "chunk", wire.DecodeChunk, wire.EncodeChunk) }
func FuzzDecodeDown(f *testing.F)  { fuzz(f, "down", wire.DecodeDown, wire.EncodeDown) }
func FuzzDecodeState(f *testing.F) { fuzz(f, "state", wire.DecodeState, wire.EncodeState) }
func FuzzDecodeSubmission(f *testing.F) {
	fuzz(f, "submission", wire.DecodeSubmission, wire.EncodeSubmission)
}

func FuzzVerifyUp(f *testing.F) {
	// Fixed key and signature (RFC 6979): every worker process must see the same seed.
	k, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), bytes.Repeat([]byte{7}, 32))
	require.NoError(f, err)
	b, err := wire.SignUp(up(), k, nil)
	require.NoError(f, err)
	f.Add(b)
	f.Fuzz(func(t *testing.T, c []byte) {
		if !bytes.Equal(b, c) && wire.VerifyUp(c, &k.PublicKey) == nil {
			// The same frame in another encoding verifies; another frame must not.
			got, err := wire.DecodeUp(c)
			require.NoError(t, err)
			want, err := wire.DecodeUp(b)
			require.NoError(t, err)
			got.Sig, want.Sig = nil, nil
			require.Equal(t, want, got)
		}
	})
}

func FuzzParseTopic(f *testing.F) {
	f.Add("v1/up/k")
	f.Add("v1/down/k/ack")
	f.Fuzz(func(t *testing.T, s string) {
		lane, kiosk, err := wire.ParseTopic(s)
		if err != nil {
			return
		}
		require.NoError(t, wire.CheckName(kiosk))
		made := map[wire.Lane]func(string) string{
			wire.LaneUp: wire.UpTopic, wire.LaneBlob: wire.BlobTopic, wire.LaneState: wire.StateTopic, wire.LaneAck: wire.AckTopic, wire.LaneCmd: wire.CommandTopic,
			wire.LaneRoll: wire.RollTopic,
			wire.LaneView: wire.ViewTopic, wire.LaneBridge: wire.BridgeTopic,
		}
		require.Equal(t, s, made[lane](kiosk))
	})
}

func BenchmarkSignUp(b *testing.B) {
	k := key(b)
	u := up()
	for b.Loop() {
		if _, err := wire.SignUp(u, k, rand.Reader); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeAndVerifyUp(b *testing.B) {
	k := key(b)
	frame, err := wire.SignUp(up(), k, rand.Reader)
	require.NoError(b, err)
	for b.Loop() {
		if _, err := wire.DecodeUp(frame); err != nil {
			b.Fatal(err)
		}
		if err := wire.VerifyUp(frame, &k.PublicKey); err != nil {
			b.Fatal(err)
		}
	}
}
