package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vestibule/server/audit"
	"vestibule/server/store"
)

// trail writes n lines, one a transaction.
func trail(t *testing.T, s *store.Store, n int) {
	t.Helper()
	head, err := s.Read().AuditHead(t.Context())
	require.NoError(t, err)
	for i := range n {
		require.NoError(t, s.Write(t.Context(), func(tx *store.Tx) error {
			k := int(head.N) + i + 1
			return tx.Audit(t.Context(), fmt.Sprintf("id-%04d", k), "anna", fmt.Sprintf("did %d", k), "one", now.Add(time.Duration(k)*time.Second))
		}))
	}
}

func verify(t *testing.T, s *store.Store, noted ...audit.Head) audit.Proof {
	t.Helper()
	p, err := audit.Verify(t.Context(), s.Read(), noted, nil)
	require.NoError(t, err)
	return p
}

func head(t *testing.T, s *store.Store) audit.Head {
	t.Helper()
	h, err := s.Read().AuditHead(t.Context())
	require.NoError(t, err)
	return h
}

func TestTheTrailOfACentreWithoutLinesHolds(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		p := verify(t, s)
		require.Equal(t, audit.Proof{}, p)
	})
}

func TestLinesTakeTheirPlacesInTheOrderOfTheirCommits(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		trail(t, s, 2)
		early := head(t, s)
		require.NoError(t, s.Write(t.Context(), func(tx *store.Tx) error {
			for i := range 3 {
				if err := tx.Audit(t.Context(), fmt.Sprintf("x%d", i), "bob", "several", "two", now); err != nil {
					return err
				}
			}
			return nil
		}))
		boom := errors.New("boom")
		require.ErrorIs(t, s.Write(t.Context(), func(tx *store.Tx) error {
			if err := tx.Audit(t.Context(), "undone", "bob", "failed", "two", now); err != nil {
				return err
			}
			return boom
		}), boom)
		require.Error(t, s.Write(t.Context(), func(tx *store.Tx) error { return tx.Audit(t.Context(), "x0", "bob", "again", "two", now) }), "an id is given once")
		trail(t, s, 1)
		p := verify(t, s, early, head(t, s))
		require.Nil(t, p.Fault)
		require.Equal(t, int64(6), p.Lines)
		require.Equal(t, 2, p.Met)
		require.Equal(t, head(t, s), p.Head)
		lines, err := s.Read().AuditLines(t.Context(), store.AuditFilter{Limit: 10})
		require.NoError(t, err)
		for i, l := range lines {
			require.Equal(t, int64(6-i), l.N, "no place is left out")
		}
	})
}

// TestManyWritersLeaveOneChain has writers who hold each other's rows too, in orders that differ: none may wait for
// another for ever, and what failed leaves no hole.
func TestManyWritersLeaveOneChain(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		const writers, each, kiosks = 16, 25, 4
		require.NoError(t, s.Write(ctx, func(tx *store.Tx) error {
			for i := range kiosks {
				if err := tx.AddKiosk(ctx, store.Kiosk{ID: fmt.Sprintf("k%d", i), Country: "UTO", Project: "p", PublicKey: []byte{1}, Enrolled: now}); err != nil {
					return err
				}
			}
			return nil
		}))
		boom := errors.New("boom")
		var kept sync.Map
		var working sync.WaitGroup
		for w := range writers {
			random := rand.New(rand.NewPCG(5, uint64(w)))
			working.Go(func() {
				for i := range each {
					id, fails, lines := fmt.Sprintf("w%d-%d", w, i), random.IntN(4) == 0, 1+random.IntN(3)
					kiosk, first := fmt.Sprintf("k%d", random.IntN(kiosks)), random.IntN(2) == 0
					err := s.Write(ctx, func(tx *store.Tx) error {
						note := func() error {
							for l := range lines {
								if err := tx.Audit(ctx, fmt.Sprintf("%s-%d", id, l), "who", "what", "all", now); err != nil {
									return err
								}
							}
							return nil
						}
						if first { // the line is noted before a row is held that another writer may hold
							if err := note(); err != nil {
								return err
							}
						}
						if _, err := tx.LockKiosk(ctx, kiosk); err != nil {
							return err
						}
						if !first {
							if err := note(); err != nil {
								return err
							}
						}
						if fails {
							return boom
						}
						return nil
					})
					if fails {
						assert.ErrorIs(t, err, boom)
						continue
					}
					if assert.NoError(t, err) {
						for l := range lines {
							kept.Store(fmt.Sprintf("%s-%d", id, l), true)
						}
					}
				}
			})
		}
		working.Wait()
		want := 0
		kept.Range(func(any, any) bool { want++; return true })
		p := verify(t, s)
		require.Nil(t, p.Fault)
		require.Equal(t, int64(want), p.Lines)
		lines, err := s.Read().AuditLines(ctx, store.AuditFilter{Oldest: true, Limit: 10_000})
		require.NoError(t, err)
		require.Len(t, lines, want)
		for i, l := range lines {
			require.Equal(t, int64(i+1), l.N)
			_, ok := kept.Load(l.ID)
			require.True(t, ok, l.ID)
		}
	})
}

// chained works a whole chain out anew, as somebody who knows how it is made can.
func chained(t *testing.T, s *store.Store) {
	t.Helper()
	lines, err := s.Read().AuditLines(t.Context(), store.AuditFilter{Oldest: true, Limit: 10_000})
	require.NoError(t, err)
	var before audit.Hash
	for i, l := range lines {
		old := l.N
		l.N = int64(i + 1)
		before = l.Sum(before)
		require.NoError(t, s.Exec(t.Context(), `UPDATE audit SET n = $1, hash = $2 WHERE n = $3`, l.N, before[:], old))
	}
	require.NoError(t, s.Exec(t.Context(), `UPDATE audit_head SET n = $1, hash = $2`, len(lines), before[:]))
}

func TestEveryKindOfTamperingIsFound(t *testing.T) {
	type found struct {
		kind audit.Kind
		n    int64
	}
	exec := func(statements ...string) func(*testing.T, *store.Store) {
		return func(t *testing.T, s *store.Store) {
			for _, one := range statements {
				require.NoError(t, s.Exec(t.Context(), one))
			}
		}
	}
	// n of a row goes through a negative value: no two may have the same at any moment.
	const up, down = `UPDATE audit SET n = -n WHERE n >= 7`, `UPDATE audit SET n = -n + 1 WHERE n < 0`
	const columns = `(id, at, who, what, target, n, hash)`
	says := func(a, b int64) func(*testing.T, *store.Store) {
		return func(t *testing.T, s *store.Store) {
			lines, err := s.Read().AuditLines(t.Context(), store.AuditFilter{Oldest: true, Limit: 100})
			require.NoError(t, err)
			exec(`UPDATE audit SET id = 'x' || id`)(t, s) // an id is there once at any moment
			for _, l := range lines {
				switch l.N {
				case a:
					l.N = b
				case b:
					l.N = a
				}
				require.NoError(t, s.Exec(t.Context(), `UPDATE audit SET id = $1, at = $2, who = $3, what = $4, target = $5 WHERE n = $6`, l.ID, l.At.UnixMicro(), l.Who, l.What, l.Target, l.N))
			}
		}
	}
	for name, c := range map[string]struct {
		do    func(*testing.T, *store.Store)
		want  found
		noted bool // it takes a head that was noted elsewhere
	}{
		"its id is edited":                  {exec(`UPDATE audit SET id = 'other' WHERE n = 7`), found{audit.Edited, 7}, false},
		"its time is edited":                {exec(`UPDATE audit SET at = at + 1 WHERE n = 7`), found{audit.Edited, 7}, false},
		"its who is edited":                 {exec(`UPDATE audit SET who = 'bob' WHERE n = 7`), found{audit.Edited, 7}, false},
		"its what is edited":                {exec(`UPDATE audit SET what = '' WHERE n = 7`), found{audit.Edited, 7}, false},
		"its target is edited":              {exec(`UPDATE audit SET target = 'two' WHERE n = 7`), found{audit.Edited, 7}, false},
		"text moves between columns":        {exec(`UPDATE audit SET who = 'ann', what = 'a' || what WHERE n = 7`), found{audit.Edited, 7}, false},
		"its hash is edited":                {exec(`UPDATE audit SET hash = (SELECT x.hash FROM audit x WHERE x.n = 3) WHERE n = 7`), found{audit.Edited, 7}, false},
		"its hash is gone":                  {exec(`UPDATE audit SET hash = NULL WHERE n = 7`), found{audit.Edited, 7}, false},
		"the first is edited":               {exec(`UPDATE audit SET who = 'bob' WHERE n = 1`), found{audit.Edited, 1}, false},
		"the last is edited":                {exec(`UPDATE audit SET who = 'bob' WHERE n = 12`), found{audit.Edited, 12}, false},
		"its place is taken":                {exec(`UPDATE audit SET n = NULL WHERE n = 7`), found{audit.Removed, 7}, false},
		"one is removed":                    {exec(`DELETE FROM audit WHERE n = 7`), found{audit.Removed, 7}, false},
		"three are removed":                 {exec(`DELETE FROM audit WHERE n IN (5, 6, 7)`), found{audit.Removed, 5}, false},
		"the first is removed":              {exec(`DELETE FROM audit WHERE n = 1`), found{audit.Removed, 1}, false},
		"removed, the rest numbered again":  {exec(`DELETE FROM audit WHERE n = 6`, up, `UPDATE audit SET n = -n - 1 WHERE n < 0`, `UPDATE audit_head SET n = n - 1`), found{audit.Removed, 6}, false},
		"inserted, the rest numbered again": {exec(up, down, `INSERT INTO audit `+columns+` SELECT 'forged', at, 'bob', 'x', 'y', 7, hash FROM audit WHERE n = 3`, `UPDATE audit_head SET n = n + 1`), found{audit.Inserted, 7}, false},
		"inserted with a hash that fits": {func(t *testing.T, s *store.Store) {
			exec(up, down)(t, s)
			before, err := s.Read().AuditLines(t.Context(), store.AuditFilter{After: 5, UpTo: 6, Limit: 1})
			require.NoError(t, err)
			forged := audit.Line{N: 7, ID: "forged", At: now, Who: "bob", What: "x", Target: "y"}
			hash := forged.Sum(before[0].Hash)
			require.NoError(t, s.Exec(t.Context(), `INSERT INTO audit `+columns+` VALUES ($1, $2, $3, $4, $5, $6, $7)`, forged.ID, now.UnixMicro(), "bob", "x", "y", 7, hash[:]))
			require.NoError(t, s.Exec(t.Context(), `UPDATE audit_head SET n = n + 1`))
		}, found{audit.Inserted, 8}, false},
		"inserted before the last":              {exec(`UPDATE audit SET n = 13 WHERE n = 12`, `INSERT INTO audit `+columns+` SELECT 'forged', at, 'bob', 'x', 'y', 12, hash FROM audit WHERE n = 3`, `UPDATE audit_head SET n = n + 1`), found{audit.Inserted, 12}, false},
		"inserted outside the chain":            {exec(`INSERT INTO audit (id, at, who, what, target) VALUES ('forged', 1, 'bob', 'x', 'y')`), found{audit.Inserted, 0}, false},
		"inserted before the first":             {exec(`INSERT INTO audit ` + columns + ` VALUES ('forged', 1, 'bob', 'x', 'y', 0, NULL)`), found{audit.Inserted, 0}, false},
		"appended without the head":             {exec(`INSERT INTO audit ` + columns + ` VALUES ('forged', 1, 'bob', 'x', 'y', 13, NULL)`), found{audit.Inserted, 13}, false},
		"two at one place":                      {exec(`DROP INDEX audit_n`, `INSERT INTO audit `+columns+` SELECT 'zz', at, who, what, target, n, hash FROM audit WHERE n = 7`), found{audit.Inserted, 7}, false},
		"neighbours swap places":                {exec(`UPDATE audit SET n = -1 WHERE n = 7`, `UPDATE audit SET n = 7 WHERE n = 8`, `UPDATE audit SET n = 8 WHERE n = -1`), found{audit.Reordered, 7}, false},
		"neighbours swap what they say":         {says(5, 6), found{audit.Reordered, 5}, false},
		"the last two swap places":              {exec(`UPDATE audit SET n = -1 WHERE n = 11`, `UPDATE audit SET n = 11 WHERE n = 12`, `UPDATE audit SET n = 12 WHERE n = -1`), found{audit.Reordered, 11}, false},
		"two far apart swap places":             {exec(`UPDATE audit SET n = -1 WHERE n = 3`, `UPDATE audit SET n = 3 WHERE n = 9`, `UPDATE audit SET n = 9 WHERE n = -1`), found{audit.Reordered, 3}, false},
		"two swap what they say, not hashes":    {says(3, 9), found{audit.Reordered, 3}, false},
		"the last two swap what they say":       {says(11, 12), found{audit.Reordered, 11}, false},
		"the tail is cut":                       {exec(`DELETE FROM audit WHERE n > 9`), found{audit.Cut, 10}, false},
		"everything is cut":                     {exec(`DELETE FROM audit`), found{audit.Cut, 1}, false},
		"the head alone is set back":            {exec(`UPDATE audit_head SET n = 9, hash = (SELECT x.hash FROM audit x WHERE x.n = 9)`), found{audit.Inserted, 10}, false},
		"the head's hash is edited":             {exec(`UPDATE audit_head SET hash = (SELECT x.hash FROM audit x WHERE x.n = 9)`), found{audit.Edited, 12}, false},
		"tail cut, and the head set back":       {exec(`DELETE FROM audit WHERE n > 9`, `UPDATE audit_head SET n = 9, hash = (SELECT x.hash FROM audit x WHERE x.n = 9)`), found{audit.Cut, 10}, true},
		"everything cut, and the head set back": {exec(`DELETE FROM audit`, `UPDATE audit_head SET n = 0, hash = NULL`), found{audit.Cut, 1}, true},
		"edited, and the whole chain made anew": {func(t *testing.T, s *store.Store) {
			exec(`UPDATE audit SET who = 'bob' WHERE n = 2`)(t, s)
			chained(t, s)
		}, found{audit.Remade, 12}, true},
		"removed, and the whole chain made anew": {func(t *testing.T, s *store.Store) {
			exec(`DELETE FROM audit WHERE n = 2`)(t, s)
			chained(t, s)
		}, found{audit.Cut, 12}, true},
		"removed, made anew, and filled up": {func(t *testing.T, s *store.Store) {
			exec(`DELETE FROM audit WHERE n = 2`)(t, s)
			chained(t, s)
			require.NoError(t, s.Write(t.Context(), func(tx *store.Tx) error { return tx.Audit(t.Context(), "filler", "bob", "did 12", "one", now) }))
		}, found{audit.Remade, 12}, true},
	} {
		t.Run(name, func(t *testing.T) {
			cluster.Each(t, func(t *testing.T, s *store.Store) {
				trail(t, s, 12)
				known := head(t, s)
				c.do(t, s)
				p := verify(t, s)
				if c.noted {
					require.Nil(t, p.Fault, "nobody can see it from the database alone")
					p = verify(t, s, known)
				}
				require.NotNil(t, p.Fault)
				t.Logf("%+v", *p.Fault)
				require.Equal(t, c.want, found{p.Fault.Kind, p.Fault.N})
			})
		})
	}
}

// TestLongTrailsAreReadInPages hides an altered line anywhere in a trail of several pages.
func TestLongTrailsAreReadInPages(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		const n = 2500
		require.NoError(t, s.Write(t.Context(), func(tx *store.Tx) error {
			for i := range n {
				if err := tx.Audit(t.Context(), fmt.Sprintf("id-%d", i), "anna", "did", "one", now); err != nil {
					return err
				}
			}
			return nil
		}))
		steps := 0
		p, err := audit.Verify(t.Context(), s.Read(), nil, func() { steps++ })
		require.NoError(t, err)
		require.Nil(t, p.Fault)
		require.Equal(t, n, steps)
		rapid.Check(t, func(r *rapid.T) {
			k := rapid.Int64Range(1, n).Draw(r, "place")
			require.NoError(r, s.Exec(context.Background(), `UPDATE audit SET what = 'edited' WHERE n = $1`, k))
			p, err := audit.Verify(context.Background(), s.Read(), nil, nil)
			require.NoError(r, err)
			require.Equal(r, k, p.Fault.N)
			require.Equal(r, k-1, p.Lines)
			require.NoError(r, s.Exec(context.Background(), `UPDATE audit SET what = 'did' WHERE n = $1`, k))
		})
	})
}

// TestLinesFromBeforeAreChainedOnce opens a database of a centre that wrote lines before there was a chain, several times
// at once.
func TestLinesFromBeforeAreChainedOnce(t *testing.T) {
	for name, place := range map[string]func(*testing.T) string{
		"on SQLite": func(t *testing.T) string { return t.TempDir() }, "on PostgreSQL": func(t *testing.T) string { return cluster.Database(t) },
	} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			dsn := place(t)
			s, err := store.Open(ctx, dsn)
			require.NoError(t, err)
			const n, before = 2300, 104 // more lines than are read at once; the last migration without a chain
			dialect := goose.DialectSQLite3
			if s.Postgres() {
				dialect = goose.DialectPostgres
			}
			provider, err := goose.NewProvider(dialect, s.Raw(), os.DirFS("migrations"))
			require.NoError(t, err)
			_, err = provider.DownTo(ctx, before)
			require.NoError(t, err)
			tx, err := s.Raw().BeginTx(ctx, nil)
			require.NoError(t, err)
			for i := range n {
				_, err := tx.Exec(fmt.Sprintf(`INSERT INTO audit (id, at, who, what, target) VALUES ('old-%04d', %d, 'anna', 'did', 'one')`, n-i, 1000+i/3))
				require.NoError(t, err)
			}
			require.NoError(t, tx.Commit())
			require.NoError(t, s.Close())

			var opening sync.WaitGroup
			stores := make([]*store.Store, 4)
			for i := range stores {
				opening.Go(func() {
					var err error
					if stores[i], err = store.Open(ctx, dsn); !assert.NoError(t, err) {
						return
					}
					assert.NoError(t, stores[i].Write(ctx, func(tx *store.Tx) error {
						return tx.Audit(ctx, fmt.Sprintf("new-%d", i), "bob", "did", "one", now)
					}))
				})
			}
			opening.Wait()
			p := verify(t, stores[0])
			require.Nil(t, p.Fault)
			require.Equal(t, int64(n+len(stores)), p.Lines)
			lines, err := stores[1].Read().AuditLines(ctx, store.AuditFilter{Oldest: true, Limit: 5})
			require.NoError(t, err)
			var ids []string
			for _, l := range lines {
				ids = append(ids, l.ID)
			}
			require.Equal(t, []string{"old-2298", "old-2299", "old-2300", "old-2295", "old-2296"}, ids, "by time, then id")

			// What gets in without a place later is not taken for one of them.
			require.NoError(t, stores[0].Exec(ctx, `INSERT INTO audit (id, at, who, what, target) VALUES ('forged', 1, 'bob', 'x', 'y')`))
			require.NoError(t, stores[0].ChainOld(ctx))
			p = verify(t, stores[0])
			require.Equal(t, audit.Inserted, p.Fault.Kind)
			require.Equal(t, "forged", p.Fault.ID)
			require.NoError(t, stores[0].Exec(ctx, `UPDATE audit_head SET begun = 0`))
			require.ErrorContains(t, stores[0].ChainOld(ctx), "altered")
			for _, s := range stores {
				require.NoError(t, s.Close())
			}
		})
	}
}

func TestLinesAreChosenByWhoWhatAndTarget(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		require.NoError(t, s.Write(ctx, func(tx *store.Tx) error {
			for i, l := range []audit.Line{
				{Who: "anna", What: "review claim", Target: "s-1"},
				{Who: "anna", What: "review shown: data", Target: "s-1"},
				{Who: "bob", What: "Review", Target: "s-10"},
				{Who: "bob", What: "image read", Target: "s-1 e-1"},
				{Who: "bob", What: "100%_", Target: "s-1%"},
			} {
				if err := tx.Audit(ctx, fmt.Sprint(i+1), l.Who, l.What, l.Target, now.Add(time.Duration(i)*time.Second)); err != nil {
					return err
				}
			}
			return nil
		}))
		for name, c := range map[string]struct {
			f    store.AuditFilter
			want []int64
		}{
			"all, the newest first":          {store.AuditFilter{}, []int64{5, 4, 3, 2, 1}},
			"the oldest first":               {store.AuditFilter{Oldest: true}, []int64{1, 2, 3, 4, 5}},
			"who":                            {store.AuditFilter{Who: "anna"}, []int64{2, 1}},
			"the beginning of what, in case": {store.AuditFilter{What: "review"}, []int64{2, 1}},
			"signs that patterns know":       {store.AuditFilter{What: "100%"}, []int64{5}},
			"a target and what is below it":  {store.AuditFilter{Target: "s-1"}, []int64{4, 2, 1}},
			"since":                          {store.AuditFilter{Since: now.Add(3 * time.Second)}, []int64{5, 4}},
			"a page":                         {store.AuditFilter{Before: 4, Limit: 2}, []int64{3, 2}},
			"a stretch":                      {store.AuditFilter{After: 1, UpTo: 3, Oldest: true}, []int64{2, 3}},
		} {
			if c.f.Limit == 0 {
				c.f.Limit = 100
			}
			lines, err := s.Read().AuditLines(ctx, c.f)
			require.NoError(t, err, name)
			var got []int64
			for _, l := range lines {
				got = append(got, l.N)
			}
			require.Equal(t, c.want, got, name)
		}
	})
}
