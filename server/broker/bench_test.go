package broker_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/sync/link"
	"vestibule/sync/link/linktest"
	"vestibule/sync/wire"
)

func benchLink(b *testing.B) (*kiosk, *linktest.Inbox, *link.Receiver) {
	h := newHouse(b)
	br := h.start(b, "127.0.0.1:0", nil)
	bundle := h.bundle(b, "kiosk-1", br.Addr())
	inbox := linktest.NewInbox()
	r := link.NewReceiver(h.mqtt(br.Addr()), inbox, keysOf(bundle), link.ReceiverConfig{Centre: h.signs()})
	runs(b, r.Run)
	<-r.Ready()
	k := newKiosk(b, bundle, mqttOf(bundle, br.Addr()))
	eventually(b, "online", func() bool { return k.up.Status().Online })
	return k, inbox, r
}

// BenchmarkEventsThroughTheBroker drains a full outbox: SQLite with a sync at every
// acknowledgement, signature, TLS, broker, verification, and back.
func BenchmarkEventsThroughTheBroker(b *testing.B) {
	const n = 5000
	k, inbox, _ := benchLink(b)
	body := make([]byte, 400)
	made := 0
	var spent time.Duration
	for b.Loop() {
		ctx := context.Background()
		tx, err := k.db.BeginTx(ctx, nil)
		require.NoError(b, err)
		for i := range n {
			_, err := k.box.Append(ctx, tx, wire.KindEvent, fmt.Sprintf("event-%d", made+i), body)
			require.NoError(b, err)
		}
		require.NoError(b, tx.Commit())
		made += n
		began := time.Now()
		k.up.Kick()
		waitDrained(b, k, uint64(made))
		spent += time.Since(began)
	}
	require.Equal(b, made, inbox.Count("kiosk-1"))
	b.ReportMetric(float64(made)/spent.Seconds(), "events/s")
}

func waitDrained(b *testing.B, k *kiosk, high uint64) {
	for deadline := time.Now().Add(time.Minute); k.up.Status().Acked < high; time.Sleep(100 * time.Microsecond) {
		if time.Now().After(deadline) {
			b.Fatal("not drained within a minute")
		}
	}
}

// BenchmarkOneEventAcknowledged is the latency of one event: commit, link, broker,
// centre, acknowledgement, deletion.
func BenchmarkOneEventAcknowledged(b *testing.B) {
	k, _, _ := benchLink(b)
	var took []time.Duration
	made := 0
	for b.Loop() {
		began := time.Now()
		k.append(b, made, 1)
		made++
		waitDrained(b, k, uint64(made))
		took = append(took, time.Since(began))
	}
	report(b, took)
}

// BenchmarkOneCommandApplied is the latency of one command: notified at the centre,
// applied and committed on the kiosk.
func BenchmarkOneCommandApplied(b *testing.B) {
	k, inbox, r := benchLink(b)
	k.append(b, 0, 1)
	waitDrained(b, k, 1)
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		inbox.Command("kiosk-1", wire.KindVerdict, "v", nil)
		r.Notify("kiosk-1")
		<-k.notify
		took = append(took, time.Since(began))
	}
	report(b, took)
}

func report(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
	b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "max-ms")
}

// BenchmarkPictureThroughTheBroker carries a 3 MB blob.
func BenchmarkPictureThroughTheBroker(b *testing.B) {
	const size = 3 << 20
	k, inbox, _ := benchLink(b)
	b.SetBytes(size)
	for b.Loop() {
		id, _ := k.appendBlob(b, size)
		deadline := time.Now().Add(time.Minute)
		for inbox.Blob(id) == nil {
			if time.Now().After(deadline) {
				b.Fatal("the picture did not arrive")
			}
			time.Sleep(200 * time.Microsecond)
		}
	}
}
