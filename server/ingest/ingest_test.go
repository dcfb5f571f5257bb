package ingest_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	mrand "math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/server/blobs"
	"vestibule/server/ingest"
	"vestibule/server/kiosktest"
	"vestibule/server/store"
	"vestibule/server/store/storetest"
	"vestibule/server/vault"
	"vestibule/sync/link"
	"vestibule/sync/seal"
	"vestibule/sync/wire"
)

var cluster storetest.Cluster

func TestMain(m *testing.M) { os.Exit(storetest.Main(m, &cluster)) }

var now = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// centre is an Ingest on an empty database with one kiosk.
type centre struct {
	*ingest.Ingest
	t     *testing.T
	store *store.Store
	seal  *seal.PrivateKey
	woken int
}

func newCentre(t *testing.T, s *store.Store) *centre {
	c := &centre{t: t, store: s}
	var err error
	c.seal, err = seal.GenerateKey()
	require.NoError(t, err)
	v, err := vault.New(make([]byte, 32), make([]byte, 32), nil)
	require.NoError(t, err)
	shelf, err := blobs.Open(t.TempDir())
	require.NoError(t, err)
	c.Ingest = ingest.New(ingest.Config{
		Store: s, Blobs: shelf, Keys: seal.NewKeyring(c.seal), Vault: v,
		Now: func() time.Time { return now }, NewID: func() string { return uuid.Must(uuid.NewV7()).String() },
		Log: slog.New(slog.DiscardHandler), Wake: func() { c.woken++ },
	})
	for _, name := range []string{"k", "other"} {
		require.NoError(t, s.Write(context.Background(), func(tx *store.Tx) error {
			return tx.AddKiosk(context.Background(), store.Kiosk{ID: name, Country: "UTO", Project: "default", PublicKey: kiosktest.PublicKey(), Enrolled: now})
		}))
	}
	return c
}

func (c *centre) accept(up wire.Up) wire.Ack {
	c.t.Helper()
	ack, err := c.Accept(context.Background(), kiosktest.Sign(up))
	require.NoError(c.t, err)
	return ack
}

func (c *centre) names(session string) (names []journey.EventName) {
	c.t.Helper()
	events, err := c.store.Read().Events(context.Background(), session)
	require.NoError(c.t, err)
	for _, e := range events {
		names = append(names, e.Name)
	}
	return names
}

func (c *centre) quarantine(kiosk string) (why []string) {
	c.t.Helper()
	list, err := c.store.Read().Quarantined(context.Background(), kiosk, 100)
	require.NoError(c.t, err)
	for _, q := range list {
		why = append(why, q.Why)
	}
	return why
}

// kiosk makes what a kiosk would send.
type kiosk struct {
	t       *testing.T
	name    string
	epoch   string
	records []wire.Record
	heads   [][]byte // heads[i] is the chain after record i (1-based), heads[0] the start
	events  map[string]uint64
}

func newKiosk(t *testing.T, name, epoch string) *kiosk {
	return &kiosk{t: t, name: name, epoch: epoch, heads: [][]byte{wire.ChainStart(name, epoch)}, events: map[string]uint64{}}
}

func (k *kiosk) add(kind wire.Kind, id string, body []byte) {
	rec := wire.Record{Seq: uint64(len(k.records) + 1), Kind: kind, ID: id, Body: body}
	head, err := wire.Chain(k.heads[len(k.records)], rec)
	require.NoError(k.t, err)
	k.records, k.heads = append(k.records, rec), append(k.heads, head)
}

func (k *kiosk) event(session string, name journey.EventName, change ...func(*journey.Event)) journey.Event {
	k.events[session]++
	entry, _ := journey.Lookup(name)
	e := journey.Event{
		ID: uuid.Must(uuid.NewV7()).String(), Session: session, Kiosk: k.name, Seq: k.events[session], Name: name,
		Source: entry.Source, Origin: journey.OriginAgent, Result: journey.Observed, Impact: journey.ImpactNone,
		Started: now.Add(-time.Second), Ended: now.Add(-time.Second), Clock: journey.ClockTrusted,
	}
	for _, c := range change {
		c(&e)
	}
	body, err := wire.Marshal(e)
	require.NoError(k.t, err)
	k.add(wire.KindEvent, e.ID, body)
	return e
}

// frame gives the records first..last (1-based, inclusive) as one frame.
func (k *kiosk) frame(first, last int) wire.Up {
	return wire.Up{Version: 1, Kiosk: k.name, Epoch: k.epoch, Records: k.records[first-1 : last], Head: k.heads[last], Sent: now.Add(time.Second)}
}

func (k *kiosk) all() wire.Up { return k.frame(1, len(k.records)) }

func TestAStrangerAndARevokedKioskAreRefused(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		c := newCentre(t, s)
		k := newKiosk(t, "stranger", "e1")
		k.event("s1", journey.EventSessionCreated)
		require.Equal(t, wire.RefusedUnknown, c.accept(k.all()).Refused)
		_, err := c.PublicKey(context.Background(), "stranger")
		require.ErrorIs(t, err, link.ErrUnknownKiosk)
		_, err = c.PublicKey(context.Background(), "k")
		require.NoError(t, err)

		require.NoError(t, s.Write(context.Background(), func(tx *store.Tx) error { return tx.RevokeKiosk(context.Background(), "k", now) }))
		k = newKiosk(t, "k", "e1")
		k.event("s1", journey.EventSessionCreated)
		require.Equal(t, wire.RefusedUnknown, c.accept(k.all()).Refused)
		_, err = c.PublicKey(context.Background(), "k")
		require.ErrorIs(t, err, link.ErrUnknownKiosk)
		_, err = c.AcceptChunk(context.Background(), wire.Chunk{Kiosk: "k"})
		require.ErrorIs(t, err, link.ErrUnknownKiosk)
		require.Empty(t, c.names("s1"))
	})
}

func TestRecordsAreAppliedOnceAndInOrderHoweverFramesArrive(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		for seed := range uint64(8) {
			r := mrand.New(mrand.NewPCG(seed, 1))
			c := newCentreShared(t, s, seed)
			k := newKiosk(t, "k", fmt.Sprint("epoch", seed))
			session := fmt.Sprint("s", seed)
			var want []journey.EventName
			names := []journey.EventName{journey.EventSessionCreated, journey.EventProjectOptionsFetched, journey.EventStep1Entered, journey.EventIDRecognition, journey.EventMRZValidation}
			for i := range 40 {
				k.event(session, names[i%len(names)])
				want = append(want, names[i%len(names)])
			}
			// Frames of random length at random places, with repetitions, until all is acknowledged.
			var high uint64
			for round := 0; high < 40; round++ {
				require.Less(t, round, 2000, "seed %d does not finish", seed)
				first := r.IntN(40) + 1
				if r.IntN(3) == 0 {
					first = int(high) + 1 // what a rewinding sender does
				}
				last := min(40, first+r.IntN(7))
				ack := c.accept(k.frame(first, last))
				require.Empty(t, ack.Refused, "seed %d", seed)
				require.GreaterOrEqual(t, ack.High, high, "seed %d", seed)
				high = ack.High
			}
			require.Equal(t, want, c.names(session), "seed %d", seed)
			require.Empty(t, c.quarantine("k"))
			require.EqualValues(t, 40, c.accept(k.all()).High)
			require.Equal(t, want, c.names(session), "seed %d", seed)
		}
	})
}

// newCentreShared is newCentre the first time and the same database later.
func newCentreShared(t *testing.T, s *store.Store, round uint64) *centre {
	if round == 0 {
		return newCentre(t, s)
	}
	key, err := seal.GenerateKey()
	require.NoError(t, err)
	shelf, err := blobs.Open(t.TempDir())
	require.NoError(t, err)
	return &centre{t: t, store: s, seal: key, Ingest: ingest.New(ingest.Config{
		Store: s, Blobs: shelf, Keys: seal.NewKeyring(key), Now: func() time.Time { return now },
		NewID: func() string { return uuid.Must(uuid.NewV7()).String() }, Log: slog.New(slog.DiscardHandler),
	})}
}

func TestAChainThatDoesNotContinueIsNeverMerged(t *testing.T) {
	for name, spoil := range map[string]func(k *kiosk) wire.Up{
		"an applied record comes again with other content": func(k *kiosk) wire.Up {
			up := k.frame(2, 4)
			up.Records = append([]wire.Record(nil), up.Records...)
			up.Records[0].Body = append([]byte(nil), k.records[4].Body...)
			return up
		},
		"an applied record comes again as another kind": func(k *kiosk) wire.Up {
			up := k.frame(3, 3)
			up.Records = []wire.Record{{Seq: 3, Kind: wire.KindHealth, ID: k.records[2].ID, Body: k.records[2].Body}}
			return up
		},
		"the head after new records does not follow from the old ones": func(k *kiosk) wire.Up {
			up := k.frame(5, 6)
			up.Head = k.heads[5]
			return up
		},
		"a new record was altered after the chain was made": func(k *kiosk) wire.Up {
			up := k.frame(5, 6)
			up.Records = append([]wire.Record(nil), up.Records...)
			up.Records[0].Body = append([]byte(nil), k.records[0].Body...)
			return up
		},
		"another head is claimed for an applied record": func(k *kiosk) wire.Up {
			up := k.frame(3, 4)
			up.Head = k.heads[1]
			return up
		},
		"a database was rolled back and went on differently": func(k *kiosk) wire.Up {
			fork := newKiosk(k.t, k.name, k.epoch)
			fork.records, fork.heads = append([]wire.Record(nil), k.records[:3]...), append([][]byte(nil), k.heads[:4]...)
			fork.event("s1", journey.EventSessionReused)
			return fork.frame(4, 4)
		},
	} {
		t.Run(name, func(t *testing.T) {
			cluster.Each(t, func(t *testing.T, s *store.Store) {
				c := newCentre(t, s)
				k := newKiosk(t, "k", "e1")
				for range 6 {
					k.event("s1", journey.EventStep1Entered)
				}
				require.EqualValues(t, 4, c.accept(k.frame(1, 4)).High)
				before := c.names("s1")

				ack := c.accept(spoil(k))
				require.Equal(t, wire.RefusedChain, ack.Refused)
				require.EqualValues(t, 4, ack.High)
				require.Equal(t, before, c.names("s1"))
				require.Equal(t, []string{ingest.WhyChain}, c.quarantine("k"))
				require.Contains(t, c.names(""), journey.CentreSequenceGap)

				// Even the true continuation is not merged any more under this epoch …
				ack = c.accept(k.frame(5, 6))
				require.Equal(t, wire.RefusedChain, ack.Refused)
				require.Equal(t, before, c.names("s1"))
				// … but a new epoch begins anew.
				fresh := newKiosk(t, "k", "e2")
				fresh.event("s2", journey.EventSessionCreated)
				ack = c.accept(fresh.all())
				require.Empty(t, ack.Refused)
				require.EqualValues(t, 1, ack.High)
				require.Len(t, c.names("s2"), 1)
			})
		})
	}
}

func TestABadRecordGoesIntoQuarantineAndTheStreamGoesOn(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		c := newCentre(t, s)
		other := newKiosk(t, "other", "o1")
		other.event("theirs", journey.EventSessionCreated)
		c.accept(other.all())

		k := newKiosk(t, "k", "e1")
		first := k.event("s1", journey.EventSessionCreated)
		k.add(wire.KindEvent, "garbage", []byte{0xff, 0x00})
		k.event("s1", "NO_SUCH_EVENT")
		k.event("s1", journey.EventApproved, func(e *journey.Event) { e.Submission, e.Impact = "x", journey.ImpactApproved })
		k.event("s1", journey.EventStep1Entered, func(e *journey.Event) { e.Origin = journey.OriginServer })
		k.event("s1", journey.EventStep1Entered, func(e *journey.Event) { e.Kiosk = "other" })
		k.event("theirs", journey.EventStep1Entered)
		k.event("s1", journey.EventStep1Entered, func(e *journey.Event) { e.ID = first.ID })
		k.add(99, "future", []byte{1})
		k.add(wire.KindSubmission, "nothing", []byte{1})
		k.add(wire.KindHealth, "health", []byte{1})
		k.event("s1", journey.EventStep1Completed, func(e *journey.Event) { e.Impact = journey.ImpactCompleted })

		ack := c.accept(k.all())
		require.Empty(t, ack.Refused)
		require.EqualValues(t, len(k.records), ack.High)
		require.Equal(t, []journey.EventName{journey.EventSessionCreated, journey.EventStep1Completed}, c.names("s1"))
		require.Equal(t, []string{
			ingest.WhyMalformed, ingest.WhyInvalid, ingest.WhyInvalid, ingest.WhyForeign, ingest.WhyForeign,
			ingest.WhyForeign, ingest.WhyRepeated, ingest.WhyKind, ingest.WhyMalformed,
		}, c.quarantine("k"))
		require.Len(t, c.names("theirs"), 1)
	})
}

func (k *kiosk) submission(c *centre, s journey.Submission) {
	plain, err := wire.Marshal(s)
	require.NoError(k.t, err)
	sealed, err := seal.Seal(c.seal.Public(), seal.InfoSubmission, seal.SubmissionAAD(k.name, s.ID, s.Revision), plain)
	require.NoError(k.t, err)
	body := wire.SubmissionBody{Submission: s.ID, Session: s.Session, Revision: s.Revision, Sealed: sealed}
	for _, e := range s.Evidence {
		body.Blobs = append(body.Blobs, e.Blob)
	}
	b, err := wire.EncodeSubmission(body)
	require.NoError(k.t, err)
	k.add(wire.KindSubmission, s.ID, b)
}

func blob(text string) (wire.Chunk, string) {
	sum := sha256.Sum256([]byte(text))
	id := hex.EncodeToString(sum[:])
	return wire.Chunk{Version: 1, Kiosk: "k", Blob: id, Size: int64(len(text)), Data: []byte(text)}, id
}

func person(id string, revision int, state journey.SubmissionState, blobs ...string) journey.Submission {
	s := journey.Submission{
		ID: id, Session: "s1", Kiosk: "k", Revision: revision, State: state, Created: now, Updated: now, SiteCountry: "UTO", Email: "Anna@Example.org",
		Document: journey.DocumentData{
			Type: journey.Passport, IssuingCountry: "UTO", Number: "L898902C3", ExpiryDate: "2031-01-01",
			Person: journey.PersonData{FamilyName: "ERIKSSON", GivenNames: "ANNA", Birth: "1974-08-12", Gender: "female", Nationality: "UTO"},
		},
	}
	for i, b := range blobs {
		s.Evidence = append(s.Evidence, journey.Evidence{ID: fmt.Sprint("ev", i), Kind: journey.EvidenceFront, Blob: b, Media: "image/jpeg"})
	}
	return s
}

func TestASubmissionIsQueuedWhenItsLastPictureIsHereWhicheverComesFirst(t *testing.T) {
	one, id1 := blob("front, sealed")
	two, id2 := blob("selfie, sealed")
	for name, order := range map[string]func(c *centre, record func()){
		"record first":      func(c *centre, record func()) { record(); c.chunk(one); c.chunk(two) },
		"pictures first":    func(c *centre, record func()) { c.chunk(one); c.chunk(two); record() },
		"record in between": func(c *centre, record func()) { c.chunk(two); record(); c.chunk(one) },
		"everything comes twice": func(c *centre, record func()) {
			c.chunk(one)
			record()
			c.chunk(one)
			record()
			c.chunk(two)
			c.chunk(two)
		},
	} {
		t.Run(name, func(t *testing.T) {
			cluster.Each(t, func(t *testing.T, s *store.Store) {
				ctx := context.Background()
				c := newCentre(t, s)
				k := newKiosk(t, "k", "e1")
				k.event("s1", journey.EventSubmissionCreated, func(e *journey.Event) { e.Submission = "sub" })
				k.submission(c, person("sub", 1, journey.SubmissionOpen))
				require.EqualValues(t, 2, c.accept(k.all()).High)
				row, err := s.Read().Submission(ctx, "sub")
				require.NoError(t, err)
				require.Equal(t, store.StandOpen, row.Stand)

				k.submission(c, person("sub", 2, journey.SubmissionComplete, id1, id2))
				order(c, func() { require.EqualValues(t, 3, c.accept(k.frame(3, 3)).High) })

				row, err = s.Read().Submission(ctx, "sub")
				require.NoError(t, err)
				require.Equal(t, store.StandQueued, row.Stand)
				require.Equal(t, 2, row.Revision)
				job, err := s.Read().Job(ctx, ingest.JobDecide, "sub")
				require.NoError(t, err)
				require.Equal(t, store.JobQueued, job.State)
				require.Equal(t, 1, c.woken)
				require.Equal(t, []journey.EventName{journey.EventSubmissionCreated, journey.CentreReceived}, c.names("s1"))
				require.Empty(t, c.quarantine("k"))

				// Nothing of the person can be read in the row.
				for _, column := range [][]byte{row.Sealed, row.Private, []byte(fmt.Sprint(row.Keys))} {
					for _, secret := range []string{"ERIKSSON", "L898902C3", "1974", "xample"} {
						require.NotContains(t, string(column), secret)
					}
				}
				require.NotEmpty(t, row.Keys.PII)
				require.NotEmpty(t, row.Keys.Document)
				require.NotEmpty(t, row.Keys.Email)
			})
		})
	}
}

func (c *centre) chunk(ch wire.Chunk) wire.BlobAck {
	c.t.Helper()
	ack, err := c.AcceptChunk(context.Background(), ch)
	require.NoError(c.t, err)
	return ack
}

func TestASubmissionThatDoesNotFitItsEnvelopeIsNotTaken(t *testing.T) {
	_, id := blob("x")
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		c := newCentre(t, s)
		k := newKiosk(t, "k", "e1")
		k.event("s1", journey.EventSessionCreated)
		k.submission(c, person("sub", 1, journey.SubmissionOpen))

		k.submission(c, person("sub", 1, journey.SubmissionComplete)) // revision known
		taken := person("sub", 2, journey.SubmissionComplete)
		taken.Session = "s9"
		k.submission(c, taken) // of another session
		foreign := person("sub2", 1, journey.SubmissionOpen)
		foreign.Kiosk = "other"
		k.submission(c, foreign)
		strange := person("sub3", 1, "whatever")
		k.submission(c, strange)
		twice := person("sub4", 1, journey.SubmissionComplete, id, id)
		twice.Evidence[1].ID = twice.Evidence[0].ID
		k.submission(c, twice)
		// Sealed for another place: somebody moved it.
		plain, err := wire.Marshal(person("sub5", 1, journey.SubmissionOpen))
		require.NoError(t, err)
		sealed, err := seal.Seal(c.seal.Public(), seal.InfoSubmission, seal.SubmissionAAD("k", "sub5", 2), plain)
		require.NoError(t, err)
		b, err := wire.EncodeSubmission(wire.SubmissionBody{Submission: "sub5", Session: "s1", Revision: 1, Sealed: sealed})
		require.NoError(t, err)
		k.add(wire.KindSubmission, "sub5", b)

		require.EqualValues(t, len(k.records), c.accept(k.all()).High)
		require.Equal(t, []string{ingest.WhyRepeated, ingest.WhyTaken, ingest.WhyForeign, ingest.WhyInvalid, ingest.WhyInvalid, ingest.WhySeal}, c.quarantine("k"))
		row, err := s.Read().Submission(context.Background(), "sub")
		require.NoError(t, err)
		require.Equal(t, 1, row.Revision)
	})
}

func TestCommandsReachTheKioskInOrderAndTheirDeliveryIsJournalled(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		c := newCentre(t, s)
		k := newKiosk(t, "k", "e1")
		k.event("s1", journey.EventSessionCreated)
		c.accept(k.all())
		for i := range 3 {
			require.NoError(t, s.Write(ctx, func(tx *store.Tx) error {
				body, err := wire.Marshal(journey.Verdict{Submission: "sub", Session: "s1", Decision: journey.Pending, Reason: journey.ReasonCustomPolicy, Event: fmt.Sprint("d", i), At: now})
				require.NoError(t, err)
				_, err = tx.PushCommand(ctx, "k", wire.KindVerdict, fmt.Sprint("d", i), body, now)
				return err
			}))
		}
		list, err := c.Commands(ctx, "k", 1, 10)
		require.NoError(t, err)
		require.Len(t, list, 2)
		require.EqualValues(t, 2, list[0].Seq)

		ask := k.all()
		ask.Records, ask.Cursor = nil, 2
		ack := c.accept(ask)
		require.EqualValues(t, 3, ack.Cursor)
		require.EqualValues(t, 1, ack.High)
		c.accept(ask) // again: nothing new
		require.Equal(t, []journey.EventName{journey.EventSessionCreated, journey.CentreVerdictDelivered, journey.CentreVerdictDelivered}, c.names("s1"))
		events, err := s.Read().Events(ctx, "s1")
		require.NoError(t, err)
		require.EqualValues(t, 2, events[2].Seq)
	})
}

func TestAfterACrashBeforeTheCommitNothingIsLostAndNothingCountsTwice(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		c := newCentre(t, s)
		k := newKiosk(t, "k", "e1")
		for range 10 {
			k.event("s1", journey.EventStep1Entered)
		}
		dead, cancel := context.WithCancel(context.Background())
		cancel() // the process goes before it can commit
		_, err := c.Accept(dead, kiosktest.Sign(k.frame(1, 5)))
		require.Error(t, err)
		require.Empty(t, c.names("s1"))

		again := newCentreShared(t, s, 1)
		require.EqualValues(t, 5, again.accept(k.frame(1, 5)).High)
		require.EqualValues(t, 10, again.accept(k.all()).High)
		require.Len(t, again.names("s1"), 10)
	})
}

func TestASessionRowFollowsItsEvents(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		c := newCentre(t, s)
		k := newKiosk(t, "k", "e1")
		k.event("s1", journey.EventSessionCreated)
		k.event("s1", journey.EventNetworkOffline)
		c.accept(k.all())
		row, err := s.Read().Session(ctx, "s1")
		require.NoError(t, err)
		require.Equal(t, journey.StatusInProgress, row.Status)
		require.True(t, row.Offline)
		k.event("s1", journey.EventFinalPageView, func(e *journey.Event) { e.Impact, e.Origin = journey.ImpactCompleted, journey.OriginKioskUI })
		c.accept(k.frame(3, 3))
		row, err = s.Read().Session(ctx, "s1")
		require.NoError(t, err)
		require.Equal(t, journey.StatusCompleted, row.Status)
		require.Equal(t, 3, row.Events)
		require.EqualValues(t, 3, row.KioskSeq)
	})
}

func TestADeathOfAnEarlierSessionDoesNotTakeAKioskOffline(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		c := newCentre(t, s)
		require.NoError(t, c.AcceptState(ctx, wire.State{Kiosk: "k", Session: "2", Online: true, Release: "r1"}))
		require.NoError(t, c.AcceptState(ctx, wire.State{Kiosk: "k", Session: "1", Online: false}))
		k, err := s.Read().Kiosk(ctx, "k")
		require.NoError(t, err)
		require.True(t, k.Online)
		require.Equal(t, "r1", k.Release)
	})
}
