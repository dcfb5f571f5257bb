package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/server/kiosktest"
	"vestibule/server/store"
	"vestibule/server/store/storetest"
	"vestibule/sync/wire"
)

var cluster storetest.Cluster

func TestMain(m *testing.M) { os.Exit(storetest.Main(m, &cluster)) }

var now = time.Date(2026, 11, 22, 9, 0, 0, 123456000, time.UTC)

func write(t *testing.T, s *store.Store, do func(ctx context.Context, tx *store.Tx) error) {
	t.Helper()
	require.NoError(t, s.Write(context.Background(), func(tx *store.Tx) error { return do(context.Background(), tx) }))
}

func addKiosk(t *testing.T, s *store.Store, id string) {
	write(t, s, func(ctx context.Context, tx *store.Tx) error {
		return tx.AddKiosk(ctx, store.Kiosk{ID: id, Country: "UTO", Project: "default", PublicKey: []byte{1, 0, 255}, Certificate: "c", Enrolled: now})
	})
}

func TestAKioskIsEnrolledOnceAndRevokedOnce(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		addKiosk(t, s, "hall-1")
		require.Error(t, s.Write(ctx, func(tx *store.Tx) error { return tx.AddKiosk(ctx, store.Kiosk{ID: "hall-1", PublicKey: []byte{2}}) }))
		k, err := s.Read().Kiosk(ctx, "hall-1")
		require.NoError(t, err)
		require.Equal(t, []byte{1, 0, 255}, k.PublicKey)
		require.Equal(t, now, k.Enrolled)
		require.True(t, k.Revoked.IsZero())

		write(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.RevokeKiosk(ctx, "hall-1", now) })
		err = s.Write(ctx, func(tx *store.Tx) error { return tx.RevokeKiosk(ctx, "hall-1", now) })
		require.ErrorIs(t, err, store.ErrNotFound)
		_, err = s.Read().Kiosk(ctx, "hall-2")
		require.ErrorIs(t, err, store.ErrNotFound)
	})
}

func TestADeathOfAnotherSessionThanTheBirthIsIgnored(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		addKiosk(t, s, "k")
		presence := func(session string, online bool) (changed bool) {
			write(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
				changed, err = tx.SetPresence(ctx, "k", wire.State{Session: session, Online: online, Release: "1.0"})
				return err
			})
			return changed
		}
		require.True(t, presence("s2", true))
		require.False(t, presence("s1", false))
		k, err := s.Read().Kiosk(context.Background(), "k")
		require.NoError(t, err)
		require.True(t, k.Online)
		require.True(t, presence("s2", false))
		require.False(t, presence("s2", false))
	})
}

func TestCommandsAreNumberedWithoutGapsWhoeverPushesThem(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		addKiosk(t, s, "k")
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Add(1)
			go func() {
				defer wg.Done()
				err := s.Write(ctx, func(tx *store.Tx) error {
					if _, err := tx.PushCommand(ctx, "k", wire.KindVerdict, fmt.Sprint("id", i), []byte("b"), now); err != nil {
						return err
					}
					if i%3 == 0 {
						return errors.New("undone")
					}
					return nil
				})
				if i%3 != 0 && err != nil {
					t.Error(err)
				}
			}()
		}
		wg.Wait()
		list, err := s.Read().Commands(ctx, "k", 0, 100)
		require.NoError(t, err)
		require.Len(t, list, 13)
		for i, c := range list {
			require.EqualValues(t, i+1, c.Seq)
		}
		// The cursor moves forward only. Where the kiosk is far beyond, what it says is nonsense.
		for _, step := range []struct{ cursor, want, applied uint64 }{{5, 5, 5}, {3, 5, 0}, {1 << 40, 5, 0}, {6, 6, 1}} {
			write(t, s, func(ctx context.Context, tx *store.Tx) error {
				k, err := tx.LockKiosk(ctx, "k")
				require.NoError(t, err)
				applied, err := tx.SetCursor(ctx, k, step.cursor, now)
				require.Len(t, applied, int(step.applied))
				return err
			})
			k, err := s.Read().Kiosk(ctx, "k")
			require.NoError(t, err)
			require.Equal(t, step.want, k.Cursor)
		}
	})
}

func TestRecordsAreStoredOnceAndAsTheyCame(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		for _, n := range []int{0, 1, 2, 3, 10, 64, 65, 200} {
			epoch := fmt.Sprint("epoch ", n)
			var want []store.Received
			for i := range n {
				want = append(want, store.Received{Record: wire.Record{Seq: uint64(i + 3), Kind: wire.KindEvent, ID: fmt.Sprint("e", i), Body: []byte{0, byte(i), 0xfe}}})
			}
			if n > 0 {
				want[n-1].Head, want[n-1].Sig = []byte("head"), []byte("signature")
			}
			put := func(records []store.Received) error {
				return s.Write(ctx, func(tx *store.Tx) error { return tx.PutInbox(ctx, "k", epoch, records, now) })
			}
			require.NoError(t, put(want))
			got, err := s.Read().InboxAfter(ctx, "k", epoch, 0, 300)
			require.NoError(t, err)
			require.Equal(t, want, got)
			if n > 0 {
				require.Error(t, put(want[n-1:]), "it is there")
			}
		}
		_, err := s.Read().Inbox(ctx, "k", "other", 3)
		require.ErrorIs(t, err, store.ErrNotFound)
	})
}

func TestOfManyEventsThoseThatAreNewAreJournalled(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		add := func(ids ...string) (fresh []bool) {
			var events []journey.Event
			for i, id := range ids {
				events = append(events, journey.Event{ID: id, Session: "s", Kiosk: "k", Seq: uint64(i + 1), Origin: journey.OriginAgent})
			}
			require.NoError(t, s.Write(ctx, func(tx *store.Tx) (err error) {
				fresh, err = tx.AddEvents(ctx, events)
				return err
			}))
			return fresh
		}
		require.Empty(t, add())
		require.Equal(t, []bool{true, true, false}, add("a", "b", "a"), "an id counts once, the first time that it comes")
		require.Equal(t, []bool{false, true, false, true, true}, add("b", "c", "a", "d", "e"))
		events, err := s.Read().Events(ctx, "s")
		require.NoError(t, err)
		require.Len(t, events, 5)
	})
}

func TestAKiosksClockIsNotedWithItsFrame(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		kiosktest.Enrol(t, s, "k")
		for _, c := range []struct {
			sent time.Time
			want time.Duration
		}{{now.Add(time.Second), time.Second}, {time.Time{}, time.Second}, {now.Add(-time.Hour), -time.Hour}} {
			write(t, s, func(ctx context.Context, tx *store.Tx) error {
				k, err := tx.HoldKiosk(ctx, "k", now, c.sent)
				require.NoError(t, err)
				require.Equal(t, c.want, k.ClockOffset)
				require.True(t, now.Equal(k.Seen))
				_, err = tx.HoldKiosk(ctx, "nobody", now, c.sent)
				require.ErrorIs(t, err, store.ErrNotFound)
				return nil
			})
		}
	})
}

func TestSessionsAreListedNewestFirstPageByPage(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		for i := range 5 {
			write(t, s, func(ctx context.Context, tx *store.Tx) error {
				return tx.SaveSession(ctx, store.Session{
					ID: fmt.Sprint("s", i), Kiosk: "k", Started: now.Add(time.Duration(i/2) * time.Minute), Ended: now, Received: now, Updated: now,
					Status: journey.StatusCompleted, Decision: []journey.Decision{journey.Approved, journey.Rejected}[i%2], Offline: i == 3, Delay: time.Second,
				})
			})
		}
		var got []string
		f := store.SessionFilter{Limit: 2}
		for {
			page, err := s.Read().Sessions(ctx, f)
			require.NoError(t, err)
			for _, one := range page {
				got = append(got, one.ID)
			}
			if len(page) < f.Limit {
				break
			}
			f.Before, f.BeforeID = page[len(page)-1].Started, page[len(page)-1].ID
		}
		require.Equal(t, []string{"s4", "s3", "s2", "s1", "s0"}, got)
		page, err := s.Read().Sessions(ctx, store.SessionFilter{Decision: journey.Rejected, Offline: true, Kiosk: "k", Limit: 9})
		require.NoError(t, err)
		require.Len(t, page, 1)
		require.Equal(t, "s3", page[0].ID)
		require.True(t, page[0].Offline)
		require.Equal(t, time.Second, page[0].Delay)
	})
}

func TestARestoredDatabaseNumbersItsCommandsAfterWhatTheKioskHasApplied(t *testing.T) {
	for name, c := range map[string]struct {
		applied int    // of five commands, before the backup
		since   int    // commands made after it was restored
		adrift  bool   // the restore said so
		cursor  uint64 // what the kiosk says then
		want    []string
	}{
		"the kiosk is ahead":                {5, 1, false, 9, []string{"c5"}},
		"as far, but by other commands":     {5, 2, true, 7, []string{"c5", "c6"}},
		"what waited may have been applied": {3, 1, true, 8, []string{"c3", "c4", "c5"}},
		"the kiosk was restored, too":       {5, 1, true, 2, []string{"c2", "c3", "c4", "c5"}},
		"nothing was lost":                  {5, 0, true, 5, nil},
		"nothing is known of any":           {0, 0, true, 0, []string{"c0", "c1", "c2", "c3", "c4"}},
	} {
		t.Run(name, func(t *testing.T) {
			cluster.Each(t, func(t *testing.T, s *store.Store) {
				addKiosk(t, s, "k")
				ctx := context.Background()
				push := func(from, n int) {
					for i := range n {
						write(t, s, func(ctx context.Context, tx *store.Tx) error {
							_, err := tx.PushCommand(ctx, "k", wire.KindVerdict, fmt.Sprintf("c%d", from+i), []byte("b"), now)
							return err
						})
					}
				}
				tell := func(cursor uint64) {
					write(t, s, func(ctx context.Context, tx *store.Tx) error {
						k, err := tx.Kiosk(ctx, "k")
						if err != nil {
							return err
						}
						_, err = tx.SetCursor(ctx, k, cursor, now)
						return err
					})
				}
				push(0, 5)
				tell(uint64(c.applied))
				if c.adrift {
					write(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.SetAdrift(ctx) })
				}
				push(5, c.since)
				tell(c.cursor)
				rest, err := s.Read().Commands(ctx, "k", c.cursor, 100)
				require.NoError(t, err)
				var ids []string
				for i, r := range rest {
					ids = append(ids, r.ID)
					require.Equal(t, c.cursor+uint64(i)+1, r.Seq, "without a gap")
				}
				require.Equal(t, c.want, ids)
				k, err := s.Read().Kiosk(ctx, "k")
				require.NoError(t, err)
				require.False(t, k.Adrift)
				require.Equal(t, c.cursor, k.Cursor)
				require.Equal(t, c.cursor+uint64(len(rest)), k.CommandSeq)
			})
		})
	}
}

func TestAJobIsHeldByOneCopyUntilItsLeaseEnds(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		write(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.Enqueue(ctx, "j1", "decide", "sub", now, now) })
		claim := func(at time.Time) (j store.Job, err error) {
			err = s.Write(ctx, func(tx *store.Tx) error {
				j, err = tx.ClaimJob(ctx, at, time.Minute)
				return err
			})
			return j, err
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		claimed := 0
		for range 8 {
			wg.Add(1)
			go func() {
				defer wg.Done()
				if _, err := claim(now); err == nil {
					mu.Lock()
					claimed++
					mu.Unlock()
				} else if !errors.Is(err, store.ErrNotFound) {
					t.Error(err)
				}
			}()
		}
		wg.Wait()
		require.Equal(t, 1, claimed)
		_, err := claim(now.Add(59 * time.Second))
		require.ErrorIs(t, err, store.ErrNotFound)
		j, err := claim(now.Add(2 * time.Minute))
		require.NoError(t, err)
		require.Equal(t, 2, j.Attempts)

		// Queued anew while it runs: the old run cannot finish it.
		write(t, s, func(ctx context.Context, tx *store.Tx) error {
			return tx.Enqueue(ctx, "j2", "decide", "sub", now, now)
		})
		write(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.FinishJob(ctx, j, now) })
		got, err := s.Read().Job(ctx, "decide", "sub")
		require.NoError(t, err)
		require.Equal(t, store.JobQueued, got.State)
		j, err = claim(now)
		require.NoError(t, err)
		write(t, s, func(ctx context.Context, tx *store.Tx) error {
			return tx.RetryJob(ctx, j, "worker_lost", now.Add(time.Hour), now, false)
		})
		_, err = claim(now.Add(time.Minute))
		require.ErrorIs(t, err, store.ErrNotFound)
		open, err := s.Read().OpenJobs(ctx, 10)
		require.NoError(t, err)
		require.Equal(t, "worker_lost", open[0].Problem)
		j, err = claim(now.Add(2 * time.Hour))
		require.NoError(t, err)
		write(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.FinishJob(ctx, j, now) })
		open, err = s.Read().OpenJobs(ctx, 10)
		require.NoError(t, err)
		require.Empty(t, open)
	})
}

func TestAnApplicantIsApprovedOnceEvenAfterAMerge(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		write(t, s, func(ctx context.Context, tx *store.Tx) error {
			return errors.Join(tx.AddApplicant(ctx, "a", now), tx.AddApplicant(ctx, "b", now.Add(1)), tx.Approve(ctx, "p", "b", "s1", now))
		})
		write(t, s, func(ctx context.Context, tx *store.Tx) error {
			return tx.MergeApplicants(ctx, "m1", "a", "b", "pii", "s2", now)
		})
		root, _, err := s.Read().Applicant(ctx, "b")
		require.NoError(t, err)
		require.Equal(t, "a", root)
		err = s.Write(ctx, func(tx *store.Tx) error { return tx.Approve(ctx, "p", "a", "s2", now) })
		require.ErrorIs(t, err, store.ErrAlreadyApproved)
	})
}

func TestAPolicyVersionIsNeverRewritten(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		p := journey.DefaultPolicy()
		save := func(p journey.Policy, at time.Time) error {
			return s.Write(ctx, func(tx *store.Tx) error { return tx.SavePolicy(ctx, p, at) })
		}
		require.NoError(t, save(p, now))
		p2 := p
		p2.Version, p2.MinAge = "2", 21
		require.NoError(t, save(p2, now.Add(time.Second)))
		got, err := s.Read().Policy(ctx, "default")
		require.NoError(t, err)
		require.Equal(t, 21, got.MinAge)
		changed := p2
		changed.MinAge = 18
		require.ErrorContains(t, save(changed, now), "new version")
		require.NoError(t, save(p, now.Add(2*time.Second))) // back to version 1
		got, err = s.Read().Policy(ctx, "default")
		require.NoError(t, err)
		require.Equal(t, p, got)

		// A roll-back that the clock says came earlier is in force all the same, and everything is kept.
		write(t, s, func(ctx context.Context, tx *store.Tx) error {
			e, err := tx.ForcePolicy(ctx, p2, store.PolicyEntry{What: store.PolicyRolledBack, Who: "ops", At: now})
			require.EqualValues(t, 4, e.Number)
			return err
		})
		got, err = s.Read().Policy(ctx, "default")
		require.NoError(t, err)
		require.Equal(t, "2", got.Version)
		log, err := s.Read().PolicyLog(ctx, "default", 10)
		require.NoError(t, err)
		require.Len(t, log, 4)
		require.Equal(t, store.PolicyEntry{Project: "default", Number: 4, Version: "2", What: "rollback", Who: "ops", At: now}, log[0])
		require.Equal(t, []string{"2", "1", "2", "1"}, []string{log[0].Version, log[1].Version, log[2].Version, log[3].Version})
		_, err = s.Read().Policy(ctx, "another")
		require.ErrorIs(t, err, store.ErrNotFound)
	})
}

func TestAnUndoneTransactionLeavesNothing(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		boom := errors.New("boom")
		err := s.Write(ctx, func(tx *store.Tx) error {
			_, err := tx.AddEvent(ctx, journey.Event{ID: "e", Session: "s"})
			return errors.Join(err, boom)
		})
		require.ErrorIs(t, err, boom)
		n, err := s.Read().CountEvents(ctx)
		require.NoError(t, err)
		require.Zero(t, n)
	})
}

func TestADamagedDatabaseFileIsRefused(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(dir+"/"+store.SQLiteFile, []byte("this is no database, and never was one"), 0o600))
	_, err := store.Open(context.Background(), dir)
	require.Error(t, err)
}

func TestAPolicyThatAnEarlierReleaseStoredMayBeAppliedAgain(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		p := journey.DefaultPolicy()
		p.Version = "old"
		apply := func(p journey.Policy) error {
			return s.Write(ctx, func(tx *store.Tx) error { return tx.SavePolicy(ctx, p, now) })
		}
		require.NoError(t, apply(p))
		body, err := json.Marshal(p)
		require.NoError(t, err)
		var fields map[string]any
		require.NoError(t, json.Unmarshal(body, &fields))
		delete(fields, "recheckOf")
		delete(fields, "recheckShare")
		body, err = json.Marshal(fields)
		require.NoError(t, err)
		require.NoError(t, s.Exec(ctx, `UPDATE policy SET body = $1 WHERE version = 'old'`, body))
		require.NoError(t, apply(p), "what was not known then is as it is by default")
		p.RecheckOf = journey.RecheckStale
		require.Error(t, apply(p), "these are other rules")
	})
}
