package courier_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/hex"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/sync/courier"
	"vestibule/sync/fault"
	"vestibule/sync/link"
	"vestibule/sync/link/linktest"
	"vestibule/sync/wire"
)

func fixedKey(t tester) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), bytes.Repeat([]byte{7}, 32)) // the same in every worker
	require.NoError(t, err)
	return key
}

// FuzzTake gives the centre files that a kiosk has signed, whatever their frames hold:
// each is taken, or refused with a reason and without having changed anything.
func FuzzTake(f *testing.F) {
	key := fixedKey(f)
	record := wire.Record{Seq: 1, Kind: wire.KindEvent, ID: "r", Body: []byte("x")}
	head, err := wire.Chain(wire.ChainStart(kiosk, "e1"), record)
	require.NoError(f, err)
	up, err := wire.SignUp(wire.Up{Version: wire.Version, Kiosk: kiosk, Epoch: "e1", Records: []wire.Record{record}, Head: head}, key, nil)
	require.NoError(f, err)
	sum := sha256.Sum256([]byte("x"))
	chunk, err := wire.EncodeChunk(wire.Chunk{Version: wire.Version, Kiosk: kiosk, Blob: hex.EncodeToString(sum[:]), Size: 1, Data: []byte("x")})
	require.NoError(f, err)
	f.Add(up, chunk)
	f.Add(chunk, up)
	f.Add(up, []byte{0xa0})
	f.Add([]byte{0xff}, []byte(nil))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		if len(a) == 0 || len(b) == 0 || len(a) > wire.MaxFrame || len(b) > wire.MaxChunk {
			return
		}
		h := headerOf(courier.KindRecords)
		file := write(t, courier.KindRecords, h, key, section{courier.SectionUp, a}, section{courier.SectionChunk, b})
		inbox := linktest.NewInbox()
		taken, err := courier.Take(context.Background(), bytes.NewReader(file), link.Gate{
			Inbox: inbox, Keys: func(context.Context, string) (*ecdsa.PublicKey, error) { return &key.PublicKey, nil },
		})
		require.NoError(t, inbox.Check())
		if err != nil {
			require.NotEmpty(t, fault.Code(err), "%v", err)
			require.Zero(t, inbox.Count(kiosk))
			return
		}
		require.EqualValues(t, inbox.Count(kiosk), taken.High)
	})
}

// FuzzReadAnswer gives the kiosk answers that the centre has signed, whatever their frames hold.
func FuzzReadAnswer(f *testing.F) {
	key := fixedKey(f)
	ack, err := wire.EncodeAck(wire.Ack{Version: wire.Version, Epoch: "e1", High: 3, Blobs: []wire.BlobAck{{Blob: hex.EncodeToString(make([]byte, 32)), Have: 7}}})
	require.NoError(f, err)
	f.Add(ack)
	f.Add([]byte{0xa0})
	f.Fuzz(func(t *testing.T, frame []byte) {
		if len(frame) == 0 || len(frame) > wire.MaxFrame {
			return
		}
		file := write(t, courier.KindAnswer, headerOf(courier.KindAnswer), key, section{courier.SectionAck, frame})
		a, err := courier.ReadAnswer(bytes.NewReader(file), kiosk, func([]byte, time.Time) (*ecdsa.PublicKey, error) { return &key.PublicKey, nil })
		if err != nil {
			require.NotEmpty(t, fault.Code(err), "%v", err)
			return
		}
		require.Equal(t, "hall-1", a.Header.Kiosk)
	})
}
