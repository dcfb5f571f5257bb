package ingest_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/server/blobs"
	"vestibule/server/ingest"
	"vestibule/server/kiosktest"
	"vestibule/server/store"
	"vestibule/server/vault"
	"vestibule/sync/seal"
	"vestibule/sync/wire"
)

// onSQLite is a centre for fuzzing.
func onSQLite(t testing.TB) (*ingest.Ingest, *store.Store, *seal.PrivateKey) {
	s, err := store.Open(context.Background(), t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	key, err := seal.GenerateKey()
	require.NoError(t, err)
	v, err := vault.New(make([]byte, 32), make([]byte, 32), nil)
	require.NoError(t, err)
	shelf, err := blobs.Open(t.TempDir())
	require.NoError(t, err)
	kiosktest.Enrol(t, s, "k")
	return ingest.New(ingest.Config{
		Store: s, Blobs: shelf, Keys: seal.NewKeyring(key), Vault: v, Now: time.Now, NewID: kiosktest.NewID, Log: slog.New(slog.DiscardHandler),
	}), s, key
}

// FuzzNoRecordStopsTheStream sends any bytes as a record's body, signed and chained
// as a kiosk would: the record behind it is always applied.
func FuzzNoRecordStopsTheStream(f *testing.F) {
	event, err := wire.Marshal(journey.Event{ID: "e", Kiosk: "k", Session: "s", Seq: 1, Name: journey.EventSessionCreated})
	require.NoError(f, err)
	submission, err := wire.EncodeSubmission(wire.SubmissionBody{Submission: "sub", Session: "s", Revision: 1, Sealed: []byte("sealed")})
	require.NoError(f, err)
	f.Add(uint8(wire.KindEvent), event)
	f.Add(uint8(wire.KindSubmission), submission)
	f.Add(uint8(wire.KindHealth), []byte{0xa0})
	f.Add(uint8(77), []byte{})
	in, s, _ := onSQLite(f)
	// One stream for all inputs: each begins where the one before ended.
	epoch := kiosktest.NewID()
	head, seq := wire.ChainStart("k", epoch), uint64(0)
	f.Fuzz(func(t *testing.T, kind uint8, body []byte) {
		if len(body) > wire.MaxBody {
			return
		}
		session := kiosktest.NewID()
		good := journey.Event{
			ID: kiosktest.NewID(), Session: session, Kiosk: "k", Seq: 1, Name: journey.EventSessionCreated, Source: journey.BE, Origin: journey.OriginAgent,
			Result: journey.Pass, Impact: journey.ImpactNone, Started: time.Now(), Ended: time.Now(),
		}
		text, err := wire.Marshal(good)
		require.NoError(t, err)
		records := []wire.Record{{Seq: seq + 1, Kind: wire.Kind(kind), ID: "x", Body: body}, {Seq: seq + 2, Kind: wire.KindEvent, ID: good.ID, Body: text}}
		if body == nil {
			records[0].Body = []byte{}
		}
		next, err := wire.ChainAll(head, records)
		require.NoError(t, err)
		ack, err := in.Accept(context.Background(), kiosktest.Sign(wire.Up{Version: 1, Kiosk: "k", Epoch: epoch, Records: records, Head: next, Sent: time.Now()}))
		require.NoError(t, err)
		head, seq = next, seq+2
		require.Empty(t, ack.Refused)
		require.Equal(t, seq, ack.High)
		_, err = s.Read().Event(context.Background(), good.ID)
		require.NoError(t, err)
	})
}
