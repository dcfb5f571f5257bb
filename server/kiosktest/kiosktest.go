// Package kiosktest makes what a kiosk would send, for tests of the centre: frames
// with their chain, sealed submissions, sealed pictures. It uses the real wire and
// the real seal; only the person is invented.
//
// What may live here: a sender. What may not: expectations.
package kiosktest

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/server/store"
	"vestibule/sync/link"
	"vestibule/sync/seal"
	"vestibule/sync/wire"
)

// key is what every kiosk here signs with.
var key = sync.OnceValue(func() *ecdsa.PrivateKey {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err) // crypto/rand does not fail
	}
	return k
})

// PublicKey is theirs, PKIX.
func PublicKey() []byte {
	der, err := x509.MarshalPKIXPublicKey(&key().PublicKey)
	if err != nil {
		panic(err) // a key made here can be encoded
	}
	return der
}

// Sign signs the chain of a frame, as it stands.
func Sign(up wire.Up) wire.Up {
	if n := len(up.Records); n > 0 {
		var err error
		if up.HeadSig, err = key().Sign(rand.Reader, wire.HeadDigest(up.Kiosk, up.Epoch, up.Records[n-1].Seq, up.Head), crypto.SHA256); err != nil {
			panic(err)
		}
	}
	return up
}

// Enrol adds a kiosk to the database.
func Enrol(t testing.TB, s *store.Store, name string) {
	t.Helper()
	require.NoError(t, s.Write(context.Background(), func(tx *store.Tx) error {
		return tx.AddKiosk(context.Background(), store.Kiosk{ID: name, Country: "UTO", Project: "default", PublicKey: PublicKey(), Enrolled: time.Now()})
	}))
}

// NewID makes a UUIDv7.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }

// Kiosk sends to an inbox.
type Kiosk struct {
	t     testing.TB
	Name  string
	Epoch string
	Inbox link.Inbox
	Seal  *seal.PublicKey
	Now   func() time.Time

	seq    uint64
	head   []byte
	queue  []wire.Record
	events map[string]uint64
}

// New makes a kiosk with an epoch of its own.
func New(t testing.TB, name string, inbox link.Inbox, to *seal.PublicKey, now func() time.Time) *Kiosk {
	k := &Kiosk{t: t, Name: name, Epoch: NewID(), Inbox: inbox, Seal: to, Now: now, events: map[string]uint64{}}
	k.head = wire.ChainStart(name, k.Epoch)
	return k
}

func (k *Kiosk) add(kind wire.Kind, id string, body []byte) {
	k.seq++
	k.queue = append(k.queue, wire.Record{Seq: k.seq, Kind: kind, ID: id, Body: body})
}

// Event queues an event.
func (k *Kiosk) Event(session string, name journey.EventName, change ...func(*journey.Event)) journey.Event {
	k.t.Helper()
	k.events[session]++
	entry, _ := journey.Lookup(name)
	origin := journey.OriginAgent
	if entry.Source == journey.FE {
		origin = journey.OriginKioskUI
	}
	now := k.Now()
	e := journey.Event{
		ID: NewID(), Session: session, Kiosk: k.Name, Seq: k.events[session], Name: name, Source: entry.Source, Origin: origin,
		Result: journey.Observed, Impact: journey.ImpactNone, Started: now.Add(-300 * time.Millisecond), Ended: now, Clock: journey.ClockTrusted,
	}
	for _, c := range change {
		c(&e)
	}
	body, err := wire.Marshal(e)
	require.NoError(k.t, err)
	k.add(wire.KindEvent, e.ID, body)
	return e
}

// Submission queues a submission.
func (k *Kiosk) Submission(s journey.Submission) {
	k.t.Helper()
	plain, err := wire.Marshal(s)
	require.NoError(k.t, err)
	sealed, err := seal.Seal(k.Seal, seal.InfoSubmission, seal.SubmissionAAD(k.Name, s.ID, s.Revision), plain)
	require.NoError(k.t, err)
	body := wire.SubmissionBody{Submission: s.ID, Session: s.Session, Revision: s.Revision, Sealed: sealed}
	for _, e := range s.Evidence {
		body.Blobs = append(body.Blobs, e.Blob)
	}
	b, err := wire.EncodeSubmission(body)
	require.NoError(k.t, err)
	k.add(wire.KindSubmission, s.ID, b)
}

// Picture seals a picture for a submission and sends it at once.
func (k *Kiosk) Picture(s *journey.Submission, kind journey.EvidenceKind, plain []byte) {
	k.t.Helper()
	e := journey.Evidence{ID: NewID(), Kind: kind, Attempt: 1, Media: "image/jpeg", Taken: k.Now()}
	sealed, err := seal.Seal(k.Seal, seal.InfoEvidence, seal.EvidenceAAD(k.Name, s.ID, e.ID), plain)
	require.NoError(k.t, err)
	sum := sha256.Sum256(sealed)
	e.Blob, e.Size = hex.EncodeToString(sum[:]), int64(len(sealed))
	s.Evidence = append(s.Evidence, e)
	for off := 0; off < len(sealed); off += wire.ChunkSize {
		ack, err := k.Inbox.AcceptChunk(context.Background(), wire.Chunk{
			Version: 1, Kiosk: k.Name, Blob: e.Blob, Size: e.Size, Offset: int64(off), Data: sealed[off:min(len(sealed), off+wire.ChunkSize)],
		})
		require.NoError(k.t, err)
		require.EqualValues(k.t, min(len(sealed), off+wire.ChunkSize), ack.Have)
	}
}

// JPEG is something that begins like a picture and is as long as one: several chunks.
func JPEG() []byte {
	return append([]byte("\xff\xd8\xff\xe0\x00\x10JFIF\x00"), bytes.Repeat([]byte("picture "), 30_000)...)
}

// Send sends what is queued, as one frame, and expects it to be taken.
func (k *Kiosk) Send() wire.Ack {
	k.t.Helper()
	ack := k.SendLater()
	require.Equal(k.t, k.seq, ack.High)
	return ack
}

// Lose makes n records that are never sent.
func (k *Kiosk) Lose(n int) {
	k.t.Helper()
	for range n {
		k.add(wire.KindHealth, NewID(), []byte{0xa0})
	}
	var err error
	k.head, err = wire.ChainAll(k.head, k.queue)
	require.NoError(k.t, err)
	k.queue = nil
}

// SendLater sends what is queued, as one frame, and expects it to be stored: it may have to wait for records before it.
func (k *Kiosk) SendLater() wire.Ack {
	k.t.Helper()
	var err error
	k.head, err = wire.ChainAll(k.head, k.queue)
	require.NoError(k.t, err)
	ack, err := k.Inbox.Accept(context.Background(), Sign(wire.Up{
		Version: 1, Kiosk: k.Name, Epoch: k.Epoch, Records: k.queue, Head: k.head, Sent: k.Now(),
	}))
	require.NoError(k.t, err)
	require.Empty(k.t, ack.Refused)
	k.queue = nil
	return ack
}

// Frame makes one signed frame of what is queued, as it goes over the line.
func (k *Kiosk) Frame() []byte {
	k.t.Helper()
	var err error
	k.head, err = wire.ChainAll(k.head, k.queue)
	require.NoError(k.t, err)
	frame, err := wire.SignUp(Sign(wire.Up{Version: 1, Kiosk: k.Name, Epoch: k.Epoch, Records: k.queue, Head: k.head, Sent: k.Now()}), key(), rand.Reader)
	require.NoError(k.t, err)
	k.queue = nil
	return frame
}

// Anna is a submission with which nothing is wrong.
func Anna(kiosk, session string, now time.Time) journey.Submission {
	return journey.Submission{
		ID: NewID(), Session: session, Kiosk: kiosk, Project: "default", Revision: 1, State: journey.SubmissionComplete,
		Created: now, Updated: now, StartPressed: now.Add(-40 * time.Second), SiteCountry: "UTO", Language: "en", Policy: "1",
		Document: journey.DocumentData{
			Type: journey.Passport, Layout: "TD3", IssuingCountry: "UTO", Number: "L898902C3", ExpiryDate: "2031-04-15",
			Person: journey.PersonData{FamilyName: "ERIKSSON", GivenNames: "ANNA MARIA", Birth: "1974-08-12", Gender: "female", Nationality: "UTO"},
		},
		Recognition: 93, Similarity: 96,
		Liveness: journey.LivenessData{Score: 91, Passive: 91, Active: 95, ActiveRan: true, Probability: .91, Quality: 80, Frames: 5},
		Models:   map[string]string{"face": "r3"},
	}
}
