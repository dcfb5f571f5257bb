package rollout_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/server/ingest"
	"vestibule/server/kiosktest"
	"vestibule/server/rollout"
	"vestibule/server/store"
	"vestibule/server/store/storetest"
	"vestibule/server/vault"
	"vestibule/sync/advisory"
	"vestibule/sync/wire"
)

var cluster storetest.Cluster

func TestMain(m *testing.M) { os.Exit(storetest.Main(m, &cluster)) }

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// world is a centre's database with people in it.
type world struct {
	t     testing.TB
	s     *store.Store
	v     *vault.Vault
	k     *rollout.Keeper
	later time.Duration
	n     int
}

func newWorld(t testing.TB, s *store.Store) *world {
	v, err := vault.New(bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32), nil)
	require.NoError(t, err)
	w := &world{t: t, s: s, v: v}
	w.restart()
	kiosktest.Enrol(t, s, "k1")
	return w
}

func (w *world) now() time.Time { return noon.Add(w.later) }

// restart is another copy of the centre, that knows nothing yet.
func (w *world) restart() {
	w.k = rollout.New(rollout.Config{Store: w.s, Vault: w.v, Now: w.now, Log: slog.New(slog.DiscardHandler)})
}

func (w *world) write(do func(ctx context.Context, tx *store.Tx) error) {
	w.t.Helper()
	require.NoError(w.t, w.s.Write(context.Background(), func(tx *store.Tx) error { return do(context.Background(), tx) }))
}

func visit(who int) journey.Submission {
	s := kiosktest.Anna("k1", kiosktest.NewID(), noon)
	s.Document.Number, s.Document.Person.FamilyName = fmt.Sprintf("P%08d", who), fmt.Sprintf("FAMILY%d", who)
	return s
}

// came takes a submission in, as the intake does.
func (w *world) came(s journey.Submission) {
	w.t.Helper()
	plain, err := wire.Marshal(s)
	require.NoError(w.t, err)
	private, err := w.v.Seal(plain, ingest.PrivateContext(s.ID))
	require.NoError(w.t, err)
	w.write(func(ctx context.Context, tx *store.Tx) error {
		return tx.SaveSubmission(ctx, store.Submission{
			ID: s.ID, Session: s.Session, Kiosk: "k1", Project: "default", Revision: s.Revision, State: s.State, Stand: store.StandQueued,
			Created: noon, Updated: noon, Received: noon, Sealed: []byte("sealed"), Private: private,
		})
	})
}

func (w *world) decide(s journey.Submission, d journey.Decision) {
	w.t.Helper()
	w.write(func(ctx context.Context, tx *store.Tx) error {
		return tx.SetDecision(ctx, s.ID, journey.Verdict{Decision: d, At: noon}, s.Revision, "a")
	})
}

func (w *world) correct(s journey.Submission) {
	w.t.Helper()
	plain, err := wire.Marshal(s)
	require.NoError(w.t, err)
	private, err := w.v.Seal(plain, ingest.PrivateContext(s.ID))
	require.NoError(w.t, err)
	w.write(func(ctx context.Context, tx *store.Tx) error {
		return tx.CorrectSubmission(ctx, s.ID, private, store.Keys{}, "")
	})
}

func (w *world) erase(s journey.Submission) {
	w.t.Helper()
	w.write(func(ctx context.Context, tx *store.Tx) error { return tx.ErasePersonal(ctx, s.ID) })
}

// catch brings the roll-out up to date.
func (w *world) catch() {
	w.t.Helper()
	require.NoError(w.t, w.k.Catch(context.Background()))
	w.later += 6 * time.Second // what the keeper believes for a while it asks again
}

// asking is a kiosk as it asks: what it has, by number.
type asking struct {
	issue string
	after uint64
	have  map[uint64]wire.PageEntry
	last  wire.Page
}

// ask takes one page, and says whether there is more.
func (a *asking) ask(t testing.TB, k *rollout.Keeper) bool {
	t.Helper()
	p, err := k.Page(context.Background(), "k1", wire.PageAsk{Issue: a.issue, After: a.after})
	require.NoError(t, err)
	p.Version = wire.Version
	b, err := wire.EncodePage(p)
	require.NoError(t, err, "what is handed out is a page")
	p, err = wire.DecodePage(b)
	require.NoError(t, err)
	if a.last = p; p.Project == "" {
		*a = asking{}
		return false
	}
	if p.Issue != a.issue || a.have == nil {
		require.Zero(t, p.After)
		a.issue, a.have = p.Issue, map[uint64]wire.PageEntry{}
	}
	for _, e := range p.List() {
		a.have[e.Number] = e
	}
	for _, n := range p.Removed() {
		delete(a.have, n)
	}
	a.after = p.Upto
	return p.Upto < p.Last
}

func (a *asking) all(t testing.TB, k *rollout.Keeper) {
	t.Helper()
	for range 1000 {
		if !a.ask(t, k) {
			return
		}
	}
	t.Fatal("it never ends")
}

// exactly requires that a kiosk has these people and nobody else.
func (a *asking) exactly(t testing.TB, people []journey.Submission) {
	t.Helper()
	require.Len(t, a.have, len(people))
	if len(people) == 0 {
		return
	}
	h, err := advisory.New(a.last.Salt, a.last.Bits)
	require.NoError(t, err)
	left := map[wire.PageEntry]int{}
	for _, e := range a.have {
		e.Number = 0
		left[e]++
	}
	for _, s := range people {
		document, person := rollout.Hashes(h, s)
		require.NotZero(t, document)
		require.NotZero(t, person)
		e := wire.PageEntry{Document: document, Person: person}
		require.Positive(t, left[e], "a person is missing")
		left[e]--
	}
}

func TestWhoIsApprovedOrHeldIsRolledOutAndNobodyElse(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s)
		var kiosk asking
		require.False(t, kiosk.ask(t, w.k))
		require.Empty(t, kiosk.issue, "nothing is rolled out yet")
		approved, held, rejected, undecided := visit(1), visit(2), visit(3), visit(4)
		for _, v := range []journey.Submission{approved, held, rejected, undecided} {
			w.came(v)
		}
		w.decide(approved, journey.Approved)
		w.decide(held, journey.Pending)
		w.decide(rejected, journey.Rejected)
		w.catch()
		kiosk.all(t, w.k)
		kiosk.exactly(t, []journey.Submission{approved, held})

		w.decide(held, journey.Rejected)
		w.decide(undecided, journey.Approved)
		kiosk.all(t, w.k)
		kiosk.exactly(t, []journey.Submission{approved}) // who left left at once; who is new comes with the next look
		w.catch()
		kiosk.all(t, w.k)
		kiosk.exactly(t, []journey.Submission{approved, undecided})

		better := approved
		better.Document.Number = "P77777777"
		w.correct(better)
		kiosk.all(t, w.k)
		kiosk.exactly(t, []journey.Submission{undecided})
		w.catch()
		kiosk.all(t, w.k)
		kiosk.exactly(t, []journey.Submission{better, undecided})

		again := undecided
		again.Revision++
		w.came(again)
		w.catch()
		kiosk.all(t, w.k)
		kiosk.exactly(t, []journey.Submission{better}) // taken up again: not decided

		_, err := w.k.Page(t.Context(), "stranger", wire.PageAsk{})
		require.Error(t, err)
	})
}

func TestWhoIsErasedIsGoneAtOnceFromEverything(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s)
		a, b := visit(1), visit(2)
		for _, v := range []journey.Submission{a, b} {
			w.came(v)
			w.decide(v, journey.Approved)
		}
		w.catch()
		var kiosk asking
		kiosk.all(t, w.k)
		kiosk.exactly(t, []journey.Submission{a, b})
		h, err := advisory.New(kiosk.last.Salt, kiosk.last.Bits)
		require.NoError(t, err)
		document, _ := rollout.Hashes(h, a)

		w.erase(a)
		var fresh asking
		fresh.all(t, w.k)
		fresh.exactly(t, []journey.Submission{b})
		issues, err := s.Read().AdvisoryIssues(t.Context(), "default")
		require.NoError(t, err)
		page, err := s.AdvisoryPage(t.Context(), issues[0].ID, 0, 100)
		require.NoError(t, err)
		for _, e := range page.Entries {
			require.NotEqual(t, document, e.Document, "the table does not know him")
		}
		require.Len(t, page.Gone, 1, "a number is all that is left")
		kiosk.all(t, w.k)
		kiosk.exactly(t, []journey.Submission{b})
		w.catch()
		w.restart()
		w.catch()
		kiosk.all(t, w.k)
		kiosk.exactly(t, []journey.Submission{b})
	})
}

func TestANewSaltComesByTimeByGrowthAndByCommand(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s)
		a, b := visit(1), visit(2)
		w.came(a)
		w.decide(a, journey.Approved)
		w.catch()
		var kiosk asking
		kiosk.all(t, w.k)
		first := kiosk.last
		w.later += rollout.SaltLife - time.Minute
		w.catch()
		kiosk.all(t, w.k)
		require.Equal(t, first.Issue, kiosk.issue)
		w.later += time.Minute
		w.catch()
		kiosk.all(t, w.k)
		second := kiosk.last
		require.NotEqual(t, first.Issue, second.Issue)
		require.NotEqual(t, first.Salt, second.Salt)
		kiosk.exactly(t, []journey.Submission{a})

		require.NoError(t, rollout.Renew(t.Context(), s, w, "default", w.now()))
		w.came(b)
		w.decide(b, journey.Approved)
		w.later += 6 * time.Second
		kiosk.all(t, w.k)
		require.Equal(t, second.Issue, kiosk.issue, "until everybody stands in the new one the old one is in force")
		w.catch()
		kiosk.all(t, w.k)
		require.NotEqual(t, second.Issue, kiosk.issue)
		kiosk.exactly(t, []journey.Submission{a, b})
		issues, err := s.Read().AdvisoryIssues(t.Context(), "")
		require.NoError(t, err)
		require.Len(t, issues, 1, "the others are gone")
		n := 0
		w.write(func(ctx context.Context, tx *store.Tx) (err error) {
			n, err = tx.ClearAdvisory(ctx, 100)
			return err
		})
		require.Zero(t, n, "and what they held")
	})
}

// Read draws the ids of roll-outs: no two alike.
func (w *world) Read(b []byte) (int, error) {
	w.n++
	for i := range b {
		b[i] = byte(w.n >> (8 * (i % 4)))
	}
	return len(b), nil
}

func TestAPolicyThatWantsNoneEndsARollOut(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s)
		a := visit(1)
		w.came(a)
		w.decide(a, journey.Approved)
		w.catch()
		var kiosk asking
		kiosk.all(t, w.k)
		set := func(version string, local journey.Local) {
			p := journey.DefaultPolicy()
			p.Version, p.Duplicates.Local = version, local
			w.write(func(ctx context.Context, tx *store.Tx) error { return tx.SavePolicy(ctx, p, w.now()) })
		}
		set("2", journey.LocalOff)
		w.catch()
		kiosk.all(t, w.k)
		require.Empty(t, kiosk.have)
		issues, err := s.Read().AdvisoryIssues(t.Context(), "")
		require.NoError(t, err)
		require.Empty(t, issues)
		set("3", journey.LocalNote)
		w.catch()
		kiosk.all(t, w.k)
		kiosk.exactly(t, []journey.Submission{a})
	})
}

// TestNobodyIsMissedAndNobodyStaysWhateverHappens plays a centre's life: people come, are decided, corrected, taken up again and erased, salts
// change, copies of the centre start anew and work at once, a kiosk asks now and then. At the end the kiosk knows exactly who is approved or held.
func TestNobodyIsMissedAndNobodyStaysWhateverHappens(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s)
		in := map[string]journey.Submission{}
		var all []journey.Submission
		for round := range 6 {
			seed := rand.Uint64()
			t.Logf("round %d: seed %d", round, seed)
			rng := rand.New(rand.NewPCG(seed, 0))
			var kiosk asking
			for range 60 {
				pick := func() (journey.Submission, bool) {
					if len(all) == 0 {
						return journey.Submission{}, false
					}
					return all[rng.IntN(len(all))], true
				}
				switch k := rng.IntN(12); {
				case k < 4:
					v := visit(rng.IntN(50)) // some come twice
					w.came(v)
					all = append(all, v)
					d := []journey.Decision{journey.Approved, journey.Approved, journey.Pending, journey.Rejected}[rng.IntN(4)]
					w.decide(v, d)
					if d != journey.Rejected {
						in[v.ID] = v
					}
				case k == 4:
					if v, ok := pick(); ok {
						w.erase(v)
						delete(in, v.ID)
						for i := range all {
							if all[i].ID == v.ID {
								all = append(all[:i], all[i+1:]...)
								break
							}
						}
					}
				case k == 5:
					if v, ok := pick(); ok {
						w.decide(v, journey.Rejected)
						delete(in, v.ID)
					}
				case k == 6:
					if v, ok := pick(); ok {
						w.decide(v, journey.Approved)
						in[v.ID] = v
					}
				case k == 7:
					for i := range all {
						if v := all[i]; rng.IntN(len(all)) == 0 {
							v.Document.Number = fmt.Sprintf("C%08d", rng.IntN(1000))
							w.correct(v)
							if all[i] = v; in[v.ID].ID != "" {
								in[v.ID] = v
							}
						}
					}
				case k == 8 && rng.IntN(3) == 0:
					require.NoError(t, rollout.Renew(t.Context(), s, w, "default", w.now()))
				case k == 9:
					w.restart()
				case k == 10:
					w.catch()
				default:
					kiosk.ask(t, w.k)
				}
			}
			one, other := w.k, rollout.New(rollout.Config{Store: s, Vault: w.v, Now: w.now, Log: slog.New(slog.DiscardHandler)})
			var both sync.WaitGroup
			problems := make([]error, 2)
			for i, k := range []*rollout.Keeper{one, other} {
				both.Go(func() { problems[i] = k.Catch(context.Background()) })
			}
			both.Wait()
			require.NoError(t, errors.Join(problems...))
			w.catch()
			w.later += 6 * time.Second
			kiosk.all(t, w.k)
			var people []journey.Submission
			for _, v := range in {
				people = append(people, v)
			}
			kiosk.exactly(t, people)
		}
	})
}

func BenchmarkRollOut(b *testing.B) {
	const people = 2000
	s, err := store.Open(context.Background(), b.TempDir())
	require.NoError(b, err)
	defer s.Close()
	w := newWorld(b, s)
	for who := range people {
		v := visit(who)
		w.came(v)
		w.decide(v, journey.Approved)
	}
	b.Run("new salt", func(b *testing.B) {
		for b.Loop() {
			require.NoError(b, rollout.Renew(b.Context(), s, w, "default", w.now()))
			w.catch()
		}
		b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/people, "µs/person")
	})
	b.Run("page", func(b *testing.B) {
		for b.Loop() {
			_, err := w.k.Page(b.Context(), "k1", wire.PageAsk{})
			require.NoError(b, err)
		}
	})
}
