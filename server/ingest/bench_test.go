package ingest_test

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/models/evaluate/figures"
	"vestibule/server/blobs"
	"vestibule/server/ingest"
	"vestibule/server/kiosktest"
	"vestibule/server/measure"
	"vestibule/server/store"
	"vestibule/server/store/storetest"
	"vestibule/server/vault"
	"vestibule/sync/link"
	"vestibule/sync/seal"
)

// What BenchmarkIngest sends.
const (
	benchKiosks = 64
	visitEvents = 100 // of a visit: it grows over many frames
)

// BenchmarkIngest measures events a second from the frame on the line to the disk: decoded, both signatures verified
// (the frame's and the chain's), stored, chained, applied, committed. Kiosks send one frame after the other, each the next
// when the one before is acknowledged, many kiosks at once. Their own work, making frames, is done before.
func BenchmarkIngest(b *testing.B) {
	total := measure.Count(b, measure.Events, 64_000)
	for _, db := range measure.Databases() {
		for _, frame := range []int{10, 50} {
			b.Run(fmt.Sprintf("%s/frames of %d", db, frame), func(b *testing.B) {
				for b.Loop() {
					benchIngest(b, db, frame, total)
				}
			})
		}
	}
}

func benchIngest(b *testing.B, db string, frame, total int) {
	ctx := context.Background()
	dsn := b.TempDir()
	if db == measure.Postgres {
		durable := &storetest.Cluster{Durable: true}
		defer durable.Stop()
		dsn = durable.Database(b)
	}
	s, err := store.Open(ctx, dsn)
	require.NoError(b, err)
	defer s.Close()
	key, err := seal.GenerateKey()
	require.NoError(b, err)
	v, err := vault.New(make([]byte, 32), make([]byte, 32), nil)
	require.NoError(b, err)
	shelf, err := blobs.Open(b.TempDir())
	require.NoError(b, err)
	in := ingest.New(ingest.Config{
		Store: s, Blobs: shelf, Keys: seal.NewKeyring(key), Vault: v, Now: time.Now, NewID: kiosktest.NewID, Log: slog.New(slog.DiscardHandler),
	})
	gate := link.Gate{Inbox: in, Keys: in.PublicKey}
	names := []journey.EventName{journey.EventSessionCreated, journey.EventStepView, journey.EventIDRecognition, journey.EventFaceCompare, journey.EventStep1Entered}
	frames := make([][][]byte, benchKiosks)
	each := total / benchKiosks / frame
	for i := range frames {
		name := fmt.Sprintf("kiosk-%02d", i)
		kiosktest.Enrol(b, s, name)
		k := kiosktest.New(b, name, in, key.Public(), time.Now)
		n := 0
		for range each {
			for range frame {
				k.Event(fmt.Sprintf("%s-visit-%d", name, n/visitEvents), names[n%len(names)], func(e *journey.Event) {
					e.Policy, e.Path, e.Attempt = "1", "/document/front", 1
					e.Detail = map[string]string{"score": "93", "layout": "TD3"}
				})
				n++
			}
			frames[i] = append(frames[i], k.Frame())
		}
	}
	load := measure.Load()
	took := make([][]float64, benchKiosks)
	failed := make([]error, benchKiosks)
	used, began := measure.CPU(), time.Now()
	var sending sync.WaitGroup
	for i := range frames {
		sending.Go(func() {
			name := fmt.Sprintf("kiosk-%02d", i)
			for n, f := range frames[i] {
				sent := time.Now()
				_, ack, code, err := gate.Up(ctx, name, f)
				took[i] = append(took[i], measure.Millis(time.Since(sent)))
				if err != nil || code != "" || ack.High != uint64((n+1)*frame) {
					failed[i] = fmt.Errorf("frame %d of %s: %s, acknowledged to %d: %w", n, name, code, ack.High, err)
					return
				}
			}
		})
	}
	sending.Wait()
	spent := time.Since(began)
	used = measure.CPU() - used
	for _, err := range failed {
		require.NoError(b, err)
	}
	events := each * frame * benchKiosks
	stored, err := s.Read().CountEvents(ctx)
	require.NoError(b, err)
	require.Equal(b, events, stored, "nothing is counted that is not in the database")
	rate := float64(events) / spent.Seconds()
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(rate, "events/s")
	var all []float64
	for _, t := range took {
		all = append(all, t...)
	}
	how := fmt.Sprintf("%d kiosks at once, frames of %d events, visits of %d; decoding and both signatures of a frame included; the database waits for the disk at every commit (%s); %d processors, %s",
		benchKiosks, frame, visitEvents, map[string]string{measure.SQLite: "synchronous=FULL", measure.Postgres: "fsync and synchronous_commit on, on the same machine"}[db], runtime.NumCPU(), load)
	name := fmt.Sprintf("centre.%s.ingest.frames_of_%d", db, frame)
	measure.Note(b, figures.Set{
		name:                    {Value: rate, Unit: "events/s", N: events, How: how},
		name + ".acknowledged":  measure.Tail(all, "ms", "from frame to acknowledgement, kiosks sending as fast as they can; value is p99; "+how),
		name + ".cpu_per_event": {Value: float64(used.Microseconds()) / float64(events), Unit: "us", N: events, How: "processor time of the centre's process, all threads, PostgreSQL's own processes not counted; " + how},
	})
}
