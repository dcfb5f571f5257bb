package advisory_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"vestibule/sync/advisory"
)

func hasher(t testing.TB, salt byte, bits uint8) *advisory.Hasher {
	t.Helper()
	h, err := advisory.New(bytes.Repeat([]byte{salt}, advisory.SaltSize), bits)
	require.NoError(t, err)
	return h
}

func TestAHashDependsOnSaltPurposeAndKey(t *testing.T) {
	h := hasher(t, 1, 32)
	require.Equal(t, h.Document("UTO|passport|1"), hasher(t, 1, 32).Document("UTO|passport|1"))
	require.NotEqual(t, h.Document("UTO|passport|1"), h.Document("UTO|passport|2"))
	require.NotEqual(t, h.Document("a"), h.Person("a"), "a document is no person")
	require.NotEqual(t, h.Document("a"), hasher(t, 2, 32).Document("a"), "another salt")
	require.Zero(t, h.Document(""))
	require.Zero(t, h.Person(""))
	require.Equal(t, h.Document("a")&(1<<20-1), hasher(t, 1, 20).Document("a"), "cut, not made anew")
}

func TestBitsFollowTheNumberOfPeople(t *testing.T) {
	for n, want := range map[int]uint8{0: 20, 1: 20, 1024: 20, 1025: 21, 10_000: 24, 100_000: 27, 1_000_000: 30, 100_000_000: 32} {
		require.Equal(t, want, advisory.BitsFor(n), "%d people", n)
	}
	for n := 1; n < 2_000_000; n += n/3 + 1 {
		bits := advisory.BitsFor(n)
		require.LessOrEqual(t, float64(n)/float64(uint64(1)<<bits), 1./1024, "%d people", n)
		require.False(t, advisory.Outgrown(bits, n))
		require.Equal(t, bits <= advisory.MaxBits-2, advisory.Outgrown(bits, 8*max(n, 1024)), "%d people", n)
	}
	require.False(t, advisory.Outgrown(32, 1<<40), "there are no more bits")
}

func TestSaltsAndBitsOutOfBoundsMakeNoHasher(t *testing.T) {
	for _, c := range []struct{ size, bits int }{{31, 20}, {33, 20}, {0, 20}, {32, 15}, {32, 33}, {32, 0}} {
		_, err := advisory.New(make([]byte, c.size), uint8(c.bits))
		require.Error(t, err, "%v", c)
	}
}

// TestStrangersMeetByChanceAsOftenAsIsSaid holds the measured share of chance hits against n/2^bits: 400,000 strangers
// against 20,000 people at 25 bits are 238 expected, and six standard deviations about that are allowed.
func TestStrangersMeetByChanceAsOftenAsIsSaid(t *testing.T) {
	const people, strangers = 20_000, 400_000
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	bits := advisory.BitsFor(people)
	salt := make([]byte, advisory.SaltSize)
	for i := range salt {
		salt[i] = byte(r.Uint32())
	}
	h, err := advisory.New(salt, bits)
	require.NoError(t, err)
	known := make(map[uint32]bool, people)
	for i := range people {
		known[h.Document(fmt.Sprintf("UTO|passport|%09d", i))] = true
	}
	met := 0
	for i := range strangers {
		if known[h.Document(fmt.Sprintf("UTO|passport|%09d", people+i))] {
			met++
		}
	}
	expected := float64(strangers) * people / float64(uint64(1)<<bits)
	require.InDelta(t, expected, met, 6*15.5, "bits %d", bits)
}

func BenchmarkHash(b *testing.B) {
	h := hasher(b, 1, 27)
	for b.Loop() {
		h.Document("UTO|passport|L898902C3")
	}
}
