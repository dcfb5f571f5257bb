package store

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	crand "crypto/rand"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/sync/advisory"
	"vestibule/sync/wire"
)

// roller stands for a centre: one roll-out with everything that ever happened in it.
type roller struct {
	issue   string
	salt    []byte
	bits    uint8
	entries []wire.PageEntry
	gone    map[uint64]uint64 // number of a removal: of whom
	last    uint64
}

func newRoller(issue string, salt byte, bits uint8) *roller {
	return &roller{issue: issue, salt: bytes.Repeat([]byte{salt}, advisory.SaltSize), bits: bits, gone: map[uint64]uint64{}}
}

func (r *roller) add(t testing.TB, who int) uint64 {
	t.Helper()
	h, err := advisory.New(r.salt, r.bits)
	require.NoError(t, err)
	r.last++
	r.entries = append(r.entries, wire.PageEntry{Number: r.last, Document: h.Document(number(who)), Person: h.Person(person(who))})
	return r.last
}

func (r *roller) remove(number uint64) {
	for i, e := range r.entries {
		if e.Number == number {
			r.entries = append(r.entries[:i], r.entries[i+1:]...)
			break
		}
	}
	r.last++
	r.gone[r.last] = number
}

func number(who int) string { return fmt.Sprintf("UTO|passport|%09d", who) }
func person(who int) string { return fmt.Sprintf("PERSON %d|1974-08-12|female|UTO", who) }

// page answers as the centre does, most numbers at once.
func (r *roller) page(ask wire.PageAsk, most uint64) wire.Page {
	after := ask.After
	if ask.Issue != r.issue || after > r.last {
		after = 0
	}
	p := wire.Page{
		Version: wire.Version, Project: "default", Issue: r.issue, Salt: r.salt, Bits: r.bits, After: after, Upto: min(after+most, r.last), Last: r.last, Made: today,
	}
	var entries []wire.PageEntry
	var gone []uint64
	for _, e := range r.entries {
		if e.Number > after && e.Number <= p.Upto {
			entries = append(entries, e)
		}
	}
	for n := after + 1; n <= p.Upto; n++ {
		if g, ok := r.gone[n]; ok {
			gone = append(gone, g)
		}
	}
	p.Entries, p.Gone = wire.PackEntries(after, entries), wire.PackGone(gone)
	return p
}

// pull asks and takes until there is no more.
func pull(t testing.TB, s *Store, r *roller, most uint64) (pages int) {
	t.Helper()
	for {
		ask, err := s.AdvisoryAsk(t.Context())
		require.NoError(t, err)
		more, err := s.TakePage(t.Context(), r.page(ask, most))
		require.NoError(t, err)
		if pages++; !more {
			return pages
		}
		require.Less(t, pages, 10_000, "it never ends")
	}
}

func known(t testing.TB, s *Store, who int) Advice {
	t.Helper()
	a, err := s.Advise(t.Context(), number(who), person(who))
	require.NoError(t, err)
	return a
}

func rows(t testing.TB, s *Store) (n int) {
	t.Helper()
	require.NoError(t, s.db.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM advisory_entry`).Scan(&n))
	return n
}

func TestARollOutIsUsedOnceItIsHereWholeAndGoesOnWhereItStopped(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	r := newRoller("a", 1, 32)
	for who := range 100 {
		r.add(t, who)
	}
	ask, err := s.AdvisoryAsk(t.Context())
	require.NoError(t, err)
	require.Equal(t, wire.PageAsk{}, ask)
	for range 3 {
		ask, err = s.AdvisoryAsk(t.Context())
		require.NoError(t, err)
		more, err := s.TakePage(t.Context(), r.page(ask, 10))
		require.NoError(t, err)
		require.True(t, more)
	}
	require.True(t, known(t, s, 0).Heard.IsZero(), "part of it says nothing")
	require.False(t, known(t, s, 0).Document.Rolled)
	require.NoError(t, s.Close())
	s = open(t, dir, Options{})
	ask, err = s.AdvisoryAsk(t.Context())
	require.NoError(t, err)
	require.Equal(t, wire.PageAsk{Issue: "a", After: 30}, ask, "it goes on after a restart")
	require.Equal(t, 7, pull(t, s, r, 10))
	for who := range 100 {
		a := known(t, s, who)
		require.True(t, a.Document.Rolled && a.Person.Rolled, "%d", who)
	}
	require.False(t, known(t, s, 100).Document.Rolled)
	require.False(t, known(t, s, 100).Heard.IsZero())

	r.add(t, 100)
	require.Equal(t, 1, pull(t, s, r, 10), "one more does not bring all again")
	require.True(t, known(t, s, 100).Person.Rolled)
	r.remove(6) // who = 5
	pull(t, s, r, 10)
	require.False(t, known(t, s, 5).Document.Rolled)
	require.False(t, known(t, s, 5).Person.Rolled)
	require.Equal(t, 100, rows(t, s))
}

func TestANewSaltTakesTheOldOnesPlaceOnlyWhenItIsWhole(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	old, fresh := newRoller("a", 1, 32), newRoller("b", 2, 30)
	for who := range 50 {
		old.add(t, who)
		if who > 0 {
			fresh.add(t, who)
		}
	}
	pull(t, s, old, 20)
	ask, err := s.AdvisoryAsk(t.Context())
	require.NoError(t, err)
	more, err := s.TakePage(t.Context(), fresh.page(ask, 20))
	require.NoError(t, err)
	require.True(t, more)
	require.True(t, known(t, s, 0).Document.Rolled, "the old one still counts")
	require.True(t, known(t, s, 49).Document.Rolled)
	pull(t, s, fresh, 20)
	require.False(t, known(t, s, 0).Document.Rolled, "and is gone")
	require.True(t, known(t, s, 49).Document.Rolled)
	require.Equal(t, 49, rows(t, s))

	// A third begins, and a fourth comes before it is whole: nothing of the third stays.
	third, fourth := newRoller("c", 3, 32), newRoller("d", 4, 32)
	for who := range 30 {
		third.add(t, who)
		fourth.add(t, who+1000)
	}
	_, err = s.TakePage(t.Context(), third.page(wire.PageAsk{}, 10))
	require.NoError(t, err)
	pull(t, s, fourth, 10)
	require.Equal(t, 30, rows(t, s))
	require.True(t, known(t, s, 1000).Document.Rolled)
}

func TestAPageThatDoesNotContinueWhatIsHereChangesNothing(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	r := newRoller("a", 1, 32)
	for who := range 40 {
		r.add(t, who)
	}
	first := r.page(wire.PageAsk{}, 10)
	second := r.page(wire.PageAsk{Issue: "a", After: 10}, 10)
	third := r.page(wire.PageAsk{Issue: "a", After: 20}, 10)
	take := func(p wire.Page) bool {
		more, err := s.TakePage(t.Context(), p)
		require.NoError(t, err)
		return more
	}
	require.True(t, take(second), "nothing is here that it continues")
	require.Zero(t, rows(t, s))
	take(first)
	take(third)
	require.Equal(t, 10, rows(t, s))
	take(first)
	take(second)
	take(first)
	require.Equal(t, 20, rows(t, s))
	pull(t, s, r, 10)
	take(first)
	take(third)
	require.Equal(t, 40, rows(t, s))
	require.True(t, known(t, s, 39).Document.Rolled, "an old page takes nothing back")
}

func TestARollOutOfACentreThatWasRestoredBeginsAnew(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	r := newRoller("a", 1, 32)
	for who := range 40 {
		r.add(t, who)
	}
	pull(t, s, r, 100)
	back := newRoller("a", 1, 32)
	for who := range 7 {
		back.add(t, who+100)
	}
	pull(t, s, back, 3)
	require.Equal(t, 7, rows(t, s))
	require.True(t, known(t, s, 106).Document.Rolled)
	require.False(t, known(t, s, 0).Document.Rolled)
}

func TestAProjectWithoutARollOutLeavesNone(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	r := newRoller("a", 1, 32)
	r.add(t, 1)
	pull(t, s, r, 10)
	more, err := s.TakePage(t.Context(), wire.Page{Version: wire.Version})
	require.NoError(t, err)
	require.False(t, more)
	require.Zero(t, rows(t, s))
	require.True(t, known(t, s, 1).Heard.IsZero())
}

func TestAGiantRollOutAndOneThatFindsNoRoomAreRefused(t *testing.T) {
	s := open(t, t.TempDir(), Options{MaxBytes: 1 << 20})
	r := newRoller("a", 1, 32)
	p := r.page(wire.PageAsk{}, 1)
	p.Upto, p.Last = 1, maxAdvisory+1
	_, err := s.TakePage(t.Context(), p)
	require.ErrorIs(t, err, ErrGiant)
	for who := range 30_000 {
		r.add(t, who)
	}
	refused := error(nil)
	for range 20 {
		ask, err := s.AdvisoryAsk(t.Context())
		require.NoError(t, err)
		if _, refused = s.TakePage(t.Context(), r.page(ask, wire.MaxPageEntries)); refused != nil {
			break
		}
	}
	require.ErrorIs(t, refused, ErrNoRoom)
	used, limit, err := s.Space(t.Context())
	require.NoError(t, err)
	require.Less(t, used, limit*95/100, "there is room for visits")
	begun(t, s, "a")
}

// TestAKioskKnowsExactlyWhoTheRollOutKnowsWhateverHappens plays roll-outs that grow, shrink and change under a kiosk that
// loses pages, hears them twice and is restarted.
func TestAKioskKnowsExactlyWhoTheRollOutKnowsWhateverHappens(t *testing.T) {
	for round := range 10 {
		seed := rand.Uint64()
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, uint64(round)))
			dir := t.TempDir()
			s := open(t, dir, Options{})
			r := newRoller("0", 1, 32)
			where := map[int]uint64{}
			next := 0
			var last wire.Page
			for step := range 150 {
				switch k := rng.IntN(20); {
				case k < 8:
					where[next] = r.add(t, next)
					next++
				case k < 11:
					for who, n := range where {
						r.remove(n)
						delete(where, who)
						break
					}
				case k == 11:
					r = newRoller(fmt.Sprint(step), byte(step), 32)
					for who := range where {
						where[who] = r.add(t, who)
					}
				case k == 12:
					require.NoError(t, s.Close())
					s = open(t, dir, Options{})
				case k == 13 && last.Issue == r.issue:
					_, err := s.TakePage(t.Context(), last)
					require.NoError(t, err)
				default:
					ask, err := s.AdvisoryAsk(t.Context())
					require.NoError(t, err)
					last = r.page(ask, uint64(1+rng.IntN(6)))
					if rng.IntN(4) > 0 { // else it is lost
						_, err := s.TakePage(t.Context(), last)
						require.NoError(t, err)
					}
				}
			}
			pull(t, s, r, 3)
			for who := range next {
				_, in := where[who]
				a := known(t, s, who)
				require.Equal(t, in, a.Document.Rolled, "document of %d", who)
				require.Equal(t, in, a.Person.Rolled, "person %d", who)
			}
			require.Equal(t, len(where), rows(t, s))
		})
	}
}

func TestOwnVisitsAreRememberedUntilTheirTimeIsOver(t *testing.T) {
	now := today
	s := open(t, t.TempDir(), Options{Now: func() time.Time { return now }})
	remember := func(id string, who int, at time.Time) {
		require.NoError(t, s.Write(t.Context(), func(tx *Tx) error {
			return tx.RememberVisit(id, number(who), person(who), bytes.NewReader(bytes.Repeat([]byte{5}, 64)), at)
		}))
	}
	remember("s1", 1, now)
	remember("s1", 1, now) // handed in once more
	remember("s2", 2, now.Add(24*time.Hour))
	require.True(t, known(t, s, 1).Document.Own && known(t, s, 1).Person.Own)
	require.False(t, known(t, s, 3).Document.Own)
	a, err := s.Advise(t.Context(), "", person(2))
	require.NoError(t, err)
	require.Equal(t, Known{}, a.Document)
	require.Equal(t, Known{Asked: true, Own: true}, a.Person)

	require.NoError(t, s.ForgetVisits(t.Context(), now.Add(time.Hour), now.Add(100*time.Hour)))
	require.False(t, known(t, s, 1).Document.Own)
	require.True(t, known(t, s, 2).Document.Own)
	require.NoError(t, s.ForgetVisits(t.Context(), now.Add(-1000*time.Hour), now.Add(time.Hour)))
	require.False(t, known(t, s, 2).Document.Own, "a clock that was set back keeps nothing for ever")
}

func TestADecisionEndsWhatOurOwnMemoryIsFor(t *testing.T) {
	now := today
	s := open(t, t.TempDir(), Options{Now: func() time.Time { return now }})
	for who, id := range []string{"rejected", "approved", "undecided"} {
		require.NoError(t, s.Write(t.Context(), func(tx *Tx) error {
			return tx.RememberVisit(id, number(who), person(who), bytes.NewReader(bytes.Repeat([]byte{5}, 64)), now)
		}))
	}
	require.NoError(t, s.Write(t.Context(), func(tx *Tx) error {
		return errors.Join(tx.DecidedVisit("rejected", true, now), tx.DecidedVisit("approved", false, now))
	}))
	require.False(t, known(t, s, 0).Document.Own, "whoever was rejected may come again")
	require.True(t, known(t, s, 1).Document.Own, "the roll-out does not hold him yet")
	r := newRoller("a", 1, 32)
	r.add(t, 1)
	pull(t, s, r, 10)
	require.True(t, known(t, s, 1).Document.Own)
	now = now.Add(settled + time.Minute)
	pull(t, s, r, 10)
	require.Equal(t, Known{Asked: true, Rolled: true}, known(t, s, 1).Document, "now the roll-out alone knows him: an erasure reaches him there")
	require.True(t, known(t, s, 2).Document.Own)
}

func TestOwnMemoryIsBoundedAndItsSaltIsItsOwn(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	require.NoError(t, s.Write(t.Context(), func(tx *Tx) error {
		if err := tx.RememberVisit("first", number(0), "", bytes.NewReader(nil), today); err != nil { // the random source is dry
			return err
		}
		_, err := tx.tx.ExecContext(tx.ctx, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
			INSERT INTO advisory_own (submission, at, document, person) SELECT 'x' || i, ? + i, 0, 0 FROM n`, maxOwn, micro(today))
		return err
	}))
	salt, err := s.Get(t.Context(), settingOwnSalt)
	require.NoError(t, err)
	require.NotEqual(t, make([]byte, advisory.SaltSize), salt)
	require.NoError(t, s.Write(t.Context(), func(tx *Tx) error {
		return tx.RememberVisit("last", number(1), "", bytes.NewReader(nil), today.Add(time.Hour))
	}))
	var n int
	require.NoError(t, s.db.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM advisory_own`).Scan(&n))
	require.Equal(t, maxOwn, n)
	require.False(t, known(t, s, 0).Document.Own, "the oldest went")
	require.True(t, known(t, s, 1).Document.Own)

	require.NoError(t, s.Write(t.Context(), func(tx *Tx) error { return tx.ForgetAdvisory() }))
	require.False(t, known(t, s, 1).Document.Own)
	salt, err = s.Get(t.Context(), settingOwnSalt)
	require.NoError(t, err)
	require.Nil(t, salt)
}

func TestNothingOfAPersonLiesInTheFile(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	require.NoError(t, s.Write(t.Context(), func(tx *Tx) error {
		return tx.RememberVisit("s1", "UTO|passport|L898902C3", "ANNA ERIKSSON|1974-08-12|female|UTO", bytes.NewReader(nil), today)
	}))
	r := newRoller("a", 1, 32)
	r.add(t, 1)
	pull(t, s, r, 10)
	require.NoError(t, s.Close())
	for _, name := range []string{fileDB, fileDB + "-wal"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		require.NoError(t, err)
		for _, word := range []string{"L898902C3", "ERIKSSON", "1974", number(1), person(1)} {
			require.NotContains(t, string(b), word)
		}
	}
}

// BenchmarkRollOut takes a whole roll-out of 100,000 people, replaces it, and looks people up.
func BenchmarkRollOut(b *testing.B) {
	const people = 100_000
	rollers := []*roller{newRoller("a", 1, advisory.BitsFor(people)), newRoller("b", 2, advisory.BitsFor(people))}
	for _, r := range rollers {
		for who := range people {
			r.add(b, who)
		}
	}
	centre, key := signing(b)
	n := 0
	b.Run("take", func(b *testing.B) {
		var bytesOnWire, pages, worst int64
		var size int64
		for b.Loop() {
			s, err := Open(b.TempDir(), "k1", Options{})
			require.NoError(b, err)
			for range 2 { // the second replaces the first
				r := rollers[n%2]
				n++
				for {
					ask, err := s.AdvisoryAsk(b.Context())
					require.NoError(b, err)
					p := r.page(ask, wire.MaxPageEntries)
					p.Proof = wire.Proof{For: "k1", Session: "s", Number: 1, Signed: today}
					frame, err := centre.SignPage(p)
					require.NoError(b, err)
					bytesOnWire, pages = bytesOnWire+int64(len(frame)), pages+1
					began := time.Now()
					got, err := wire.VerifyPage(frame, "k1", key)
					require.NoError(b, err)
					more, err := s.TakePage(b.Context(), got)
					require.NoError(b, err)
					worst = max(worst, int64(time.Since(began)))
					if !more {
						break
					}
				}
			}
			used, _, err := s.Space(b.Context())
			require.NoError(b, err)
			size = used
			require.NoError(b, s.Close())
		}
		whole := float64(2 * b.N)
		b.ReportMetric(float64(bytesOnWire)/whole, "wire-bytes/roll-out")
		b.ReportMetric(float64(pages)/whole, "pages/roll-out")
		b.ReportMetric(float64(worst)/1e6, "ms-slowest-page")
		b.ReportMetric(float64(size), "disk-bytes")
	})
	s, err := Open(b.TempDir(), "k1", Options{})
	require.NoError(b, err)
	defer s.Close()
	pull(b, s, rollers[0], wire.MaxPageEntries)
	b.Run("look up", func(b *testing.B) {
		met, i := 0, 0
		for b.Loop() {
			a, err := s.Advise(b.Context(), number(people+i), person(people+i))
			require.NoError(b, err)
			if a.Document.Rolled {
				met++
			}
			i++
		}
		b.ReportMetric(float64(met)/float64(i), "chance-hits/look-up")
	})
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	b.Logf("heap in use %d bytes", m.HeapInuse)
}

func signing(b *testing.B) (wire.Centre, wire.CentreKey) {
	b.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), crand.Reader)
	require.NoError(b, err)
	return wire.Centre{Signer: key, Cert: make([]byte, 500), Random: crand.Reader},
		func([]byte, time.Time) (*ecdsa.PublicKey, error) { return &key.PublicKey, nil }
}
