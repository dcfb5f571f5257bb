package store_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/server/audit"
	"vestibule/server/store"
)

// BenchmarkAudit tells what the chain costs: transactions of ten events each, as ingest writes them, by sixteen writers,
// without an audit line, with one outside the chain as it was before, and with one in it; and those without a line while
// another writer notes as fast as it can. The ways take turns within one run, so that what else the machine does meets all
// of them; a ratio is of the time that a round takes. The PostgreSQL of the tests does not wait for the disk.
func BenchmarkAudit(b *testing.B) {
	for name, dsn := range map[string]func() string{"SQLite": b.TempDir, "PostgreSQL": func() string { return cluster.Database(b) }} {
		b.Run(name, func(b *testing.B) {
			ctx := context.Background()
			s, err := store.Open(ctx, dsn())
			require.NoError(b, err)
			defer s.Close()
			const writers, each, events = 16, 10, 10
			var id atomic.Int64
			round := func(note func(*store.Tx, string) error) time.Duration {
				began := time.Now()
				var working sync.WaitGroup
				for range writers {
					working.Go(func() {
						for range each {
							if err := s.Write(ctx, func(tx *store.Tx) error {
								for range events {
									e := journey.Event{ID: fmt.Sprint("e", id.Add(1)), Session: "s", Kiosk: "k", Name: journey.EventSessionCreated, Started: began}
									if _, err := tx.AddEvent(ctx, e); err != nil {
										return err
									}
								}
								return note(tx, fmt.Sprint("a", id.Add(1)))
							}); err != nil {
								b.Error(err)
							}
						}
					})
				}
				working.Wait()
				return time.Since(began)
			}
			none := func(*store.Tx, string) error { return nil }
			plain := func(tx *store.Tx, id string) error { return tx.Plain(ctx, id, "who", "what", "target") }
			chained := func(tx *store.Tx, id string) error { return tx.Audit(ctx, id, "who", "what", "target", time.Now()) }
			var took [4]time.Duration
			for b.Loop() {
				took[0] += round(none)
				took[1] += round(plain)
				took[2] += round(chained)
				stop, stopped := make(chan struct{}), make(chan struct{})
				go func() {
					defer close(stopped)
					for {
						select {
						case <-stop:
							return
						default:
						}
						if err := s.Write(ctx, func(tx *store.Tx) error { return chained(tx, fmt.Sprint("b", id.Add(1))) }); err != nil {
							b.Error(err)
						}
					}
				}()
				took[3] += round(none)
				close(stop)
				<-stopped
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(b.N*writers*each)/took[0].Seconds(), "tx/s")
			for i, way := range []string{"plain-line", "chained-line", "beside-a-noter"} {
				b.ReportMetric(took[0].Seconds()/took[i+1].Seconds(), way+"-rate-ratio")
			}
			b.ReportMetric(took[1].Seconds()/took[2].Seconds(), "chained-over-plain-ratio")
		})
	}
}

// BenchmarkVerify tells how many lines a second are proven.
func BenchmarkVerify(b *testing.B) {
	ctx := context.Background()
	s, err := store.Open(ctx, b.TempDir())
	require.NoError(b, err)
	defer s.Close()
	const n = 20_000
	require.NoError(b, s.Write(ctx, func(tx *store.Tx) error {
		for i := range n {
			if err := tx.Audit(ctx, fmt.Sprintf("id-%d", i), "api key 0198c2f4", "image read", "0198c2f4-aaaa 0198c2f4-bbbb", now); err != nil {
				return err
			}
		}
		return nil
	}))
	for b.Loop() {
		p, err := audit.Verify(ctx, s.Read(), nil, nil)
		require.NoError(b, err)
		require.Nil(b, p.Fault)
	}
	b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "lines/s")
}
