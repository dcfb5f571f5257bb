package audit_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vestibule/server/audit"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 123456789, time.UTC)

func TestAHeadIsReadAsItIsWritten(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		h := audit.Head{N: rapid.Int64Range(1, 1<<62).Draw(r, "n")}
		copy(h.Hash[:], rapid.SliceOfN(rapid.Byte(), len(h.Hash), len(h.Hash)).Draw(r, "hash"))
		got, err := audit.ParseHead(h.String())
		require.NoError(r, err)
		require.Equal(r, h, got)
	})
	got, err := audit.ParseHead(audit.Head{}.String())
	require.NoError(t, err)
	require.Zero(t, got)
}

func TestWhatIsNoHeadIsRefused(t *testing.T) {
	hash := strings.Repeat("ab", 32)
	for _, text := range []string{"", ":", "1", "1:", ":" + hash, "-1:" + hash, "+1:" + hash, "1:" + hash[:62], "1:" + hash + "00", "1:" + strings.Repeat("xy", 32), "99999999999999999999:" + hash, "0:" + hash, " 1:" + hash} {
		_, err := audit.ParseHead(text)
		require.ErrorIs(t, err, audit.ErrHead, text)
	}
}

// TestEveryColumnAndPlaceCounts changes one thing at a time.
func TestEveryColumnAndPlaceCounts(t *testing.T) {
	base := audit.Line{N: 1, ID: "a", At: noon, Who: "b", What: "c", Target: "d"}
	sums := map[audit.Hash]string{}
	add := func(name string, l audit.Line, before audit.Hash) {
		other, twice := sums[l.Sum(before)]
		require.False(t, twice, "%s and %s", name, other)
		sums[l.Sum(before)] = name
	}
	add("base", base, audit.Hash{})
	add("before", base, audit.Hash{1})
	for name, change := range map[string]func(*audit.Line){
		"n": func(l *audit.Line) { l.N = 2 }, "id": func(l *audit.Line) { l.ID = "" }, "at": func(l *audit.Line) { l.At = noon.Add(time.Microsecond) },
		"no time": func(l *audit.Line) { l.At = time.Time{} }, "who": func(l *audit.Line) { l.Who = "B" }, "what": func(l *audit.Line) { l.What = "cc" },
		"target": func(l *audit.Line) { l.Target = "" }, "moved": func(l *audit.Line) { l.Who, l.What = "bc", "" }, "moved back": func(l *audit.Line) { l.Who, l.What = "", "bc" },
	} {
		l := base
		change(&l)
		add(name, l, audit.Hash{})
	}
	same := base
	same.At, same.Hash = noon.Truncate(time.Microsecond).In(time.FixedZone("x", 3600)), audit.Hash{9}
	require.Equal(t, base.Sum(audit.Hash{}), same.Sum(audit.Hash{}), "it is the moment that counts, to the microsecond")
	// The encoding is for ever: trails of earlier releases must hold.
	require.Equal(t, "7392c1a727fd7334326fc9b963fede08210f8e0b0658cb6154c1507487a35481", base.Sum(audit.Hash{}).String())
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return key
}

func TestASignedHeadIsProvedByItsCentreOnly(t *testing.T) {
	key, other := newKey(t), newKey(t)
	s, err := audit.Sign(audit.Head{N: 7, Hash: audit.Hash{1}}, noon, key, []byte("certificate"), rand.Reader)
	require.NoError(t, err)
	of := func(k *ecdsa.PrivateKey) func([]byte, time.Time) (*ecdsa.PublicKey, error) {
		return func(certificate []byte, at time.Time) (*ecdsa.PublicKey, error) {
			require.Equal(t, "certificate", string(certificate))
			require.Equal(t, s.At, at)
			return &k.PublicKey, nil
		}
	}
	require.NoError(t, s.Check(of(key)))
	require.ErrorIs(t, s.Check(of(other)), audit.ErrSignature)
	stranger := errors.New("another operator")
	require.ErrorIs(t, s.Check(func([]byte, time.Time) (*ecdsa.PublicKey, error) { return nil, stranger }), stranger)
	for name, change := range map[string]func(*audit.Signed){
		"place": func(s *audit.Signed) { s.Head.N = 8 }, "hash": func(s *audit.Signed) { s.Head.Hash[31] = 1 },
		"signature": func(s *audit.Signed) { s.Signature = append([]byte{}, s.Signature[:len(s.Signature)-1]...) },
	} {
		forged := s
		change(&forged)
		require.ErrorIs(t, forged.Check(of(key)), audit.ErrSignature, name)
	}
	s.At = s.At.Add(time.Second)
	require.ErrorIs(t, s.Check(of(key)), audit.ErrSignature, "time")
}

// TestHeadsAreFoundInALogAmongAllElse writes them as the centre does.
func TestHeadsAreFoundInALogAmongAllElse(t *testing.T) {
	key := newKey(t)
	var text bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&text, nil))
	var want []audit.Signed
	for i := range 3 {
		s, err := audit.Sign(audit.Head{N: int64(i + 1), Hash: audit.Hash{byte(i)}}, noon, key, []byte{1, 2}, rand.Reader)
		require.NoError(t, err)
		want = append(want, s)
		log.Info("centre runs", "head", "of the table", "n", 1)
		log.Info("audit head", "head", s.Head, "at", s.At, "signature", s.Signature, "certificate", s.Certificate)
		text.WriteString("panic: no JSON\n\n{\"head\":5}\n")
		text.WriteString(strings.Repeat("x", 200_000) + "\n") // longer than is read
	}
	last, err := json.Marshal(want[0])
	require.NoError(t, err)
	text.Write(last) // a line that was not ended
	var got []audit.Signed
	require.NoError(t, audit.ReadSigned(&text, func(s audit.Signed) error {
		got = append(got, s)
		return nil
	}))
	require.Equal(t, append(want, want[0]), got)
}

func FuzzReadSigned(f *testing.F) {
	f.Add([]byte("{\"head\":\"1:" + strings.Repeat("ab", 32) + "\",\"at\":\"2026-03-02T12:00:00Z\",\"signature\":\"AAAA\",\"certificate\":\"AAAA\"}\n"))
	f.Add([]byte("{}\n{\"head\":\"0:\"}"))
	f.Add([]byte("\n\n\x00{"))
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, text []byte) {
		_ = audit.ReadSigned(bytes.NewReader(text), func(s audit.Signed) error {
			again, err := audit.ParseHead(s.Head.String())
			require.NoError(t, err)
			require.Equal(t, s.Head, again)
			require.Error(t, s.Check(func([]byte, time.Time) (*ecdsa.PublicKey, error) { return &key.PublicKey, nil }))
			return nil
		})
	})
}
