package centre_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/models"
	"vestibule/models/evaluate/figures"
	"vestibule/models/mrz"
	"vestibule/server/aml"
	"vestibule/server/centre"
	"vestibule/server/duplicate"
	"vestibule/server/ingest"
	"vestibule/server/kiosktest"
	"vestibule/server/measure"
	"vestibule/server/store"
	"vestibule/server/store/storetest"
	"vestibule/sync/link"
	"vestibule/sync/wire"
)

// on opens a database of a kind as a centre has it: one that waits for the disk.
func on(b *testing.B, db string) *store.Store {
	dsn := b.TempDir()
	if db == measure.Postgres {
		durable := &storetest.Cluster{Durable: true}
		b.Cleanup(durable.Stop)
		dsn = durable.Database(b)
	}
	s, err := store.Open(context.Background(), dsn)
	require.NoError(b, err)
	b.Cleanup(func() { _ = s.Close() })
	return s
}

// instant reads a picture "zone NUMBER|FAMILY|GIVEN|BIRTH" at once: what is measured is the centre's time and not the
// networks'.
type instant struct{ eyes }

func (e *instant) ReadDocument(_ context.Context, frames []models.Frame) (models.Document, error) {
	part := strings.Split(strings.TrimPrefix(string(frames[0].Pix), "zone "), "|")
	if len(part) != 4 {
		return models.Document{}, models.ErrFrame
	}
	lines, err := mrz.Write(mrz.Content{
		Layout: mrz.TD3, Code: "P", Issuer: "UTO", FamilyName: part[1], GivenNames: part[2], Number: part[0],
		Nationality: "UTO", Birth: part[3], Sex: "female", Expiry: "2031-04-15",
	})
	if err != nil {
		return models.Document{}, err
	}
	doc, err := mrz.Parse(lines)
	return models.Document{MRZ: &doc, Agreed: true, Recognition: 92}, err
}

// person makes the i-th of many people: names are shared as names are, numbers are not.
func person(i int, kiosk, session string, at time.Time) journey.Submission {
	syllables := []string{"BA", "DE", "KI", "LO", "MU", "NA", "RE", "SI", "TO", "VU", "ZA", "PE", "HI", "GO", "FU", "CHA"}
	word := func(n int) string { return syllables[n%16] + syllables[n/16%16] + syllables[n/256%16] }
	s := kiosktest.Anna(kiosk, session, at)
	s.Document.Number = fmt.Sprintf("P%08d", i)
	s.Document.Person.FamilyName, s.Document.Person.GivenNames = word(i*7+i/4096), word(i*13+i/512)
	s.Document.Person.Birth = time.Date(1940, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, i*37%25_000).Format(time.DateOnly)
	s.Email, s.UserID = fmt.Sprintf("person%d@example.org", i), fmt.Sprintf("u%d", i)
	return s
}

// BenchmarkDecide measures how long a decision takes from the frame with the last record it needs to the committed
// verdict: signature, ingest, queue, re-check, look-ups, search among the faces, rules, commit. Everybody is known
// already who was approved before: as many people, and as many faces, as it is told.
func BenchmarkDecide(b *testing.B) {
	people := measure.Count(b, measure.People, 2000)
	for _, db := range measure.Databases() {
		b.Run(db, func(b *testing.B) {
			for b.Loop() {
				benchDecide(b, db, people)
			}
		})
	}
}

func benchDecide(b *testing.B, db string, people int) {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	w := newWorld(b, on(b, db))
	fillPeople(b, w, db, people)
	told := make(chan string, 16)
	c := centre.New(centre.Config{
		Store: w.store, Blobs: w.shelf, Keys: w.ring, Vault: w.vault, Now: time.Now, NewID: kiosktest.NewID, Log: slog.New(slog.DiscardHandler),
		Engine: func() (models.Engine, error) { return &instant{}, nil },
		Screen: func(context.Context, aml.Query) (centre.Screened, error) {
			return centre.Screened{Lists: "un:abc", Entities: 10}, nil
		},
		Notify: func(kiosk string) { told <- kiosk },
	})
	began := time.Now()
	require.NoError(b, c.LoadFaces(ctx))
	n, err := c.Faces(ctx)
	require.NoError(b, err)
	require.Equal(b, people, n)
	measure.Progress("%s: %d faces loaded in %s", db, n, time.Since(began).Round(time.Millisecond))
	w.ingest = ingest.New(ingest.Config{
		Store: w.store, Blobs: w.shelf, Keys: w.ring, Vault: w.vault, Now: time.Now, NewID: kiosktest.NewID, Log: slog.New(slog.DiscardHandler), Wake: c.Wake,
	})
	gate := link.Gate{Inbox: w.ingest, Keys: w.ingest.PublicKey}
	var running sync.WaitGroup
	running.Go(func() { _ = c.Run(ctx) })
	k := w.kiosk("k")
	const asked = 300
	load := measure.Load()
	var took []float64
	var last journey.Submission
	for i := range asked + 20 {
		who := people + i
		session := fmt.Sprintf("visit-%d", i)
		s := person(who, "k", session, time.Now())
		k.Event(session, journey.EventSessionCreated)
		k.Event(session, journey.EventIDRecognition, func(e *journey.Event) { e.Result = journey.Pass })
		k.Event(session, journey.EventFaceCompare, func(e *journey.Event) { e.Result = journey.Pass })
		k.Event(session, journey.EventSubmissionCreated, func(e *journey.Event) { e.Submission = s.ID })
		p := s.Document.Person
		k.Picture(&s, journey.EvidenceFront, fmt.Appendf(nil, "zone %s|%s|%s|%s", s.Document.Number, p.FamilyName, p.GivenNames, p.Birth))
		k.Picture(&s, journey.EvidencePortrait, fmt.Appendf(nil, "face %d", who+1))
		k.Picture(&s, journey.EvidenceSelfie, fmt.Appendf(nil, "face %d", who+1))
		k.Submission(s)
		frame := k.Frame()
		sent := time.Now()
		_, _, code, err := gate.Up(ctx, "k", frame)
		require.NoError(b, err)
		require.Empty(b, code)
		select {
		case <-told:
		case <-time.After(time.Minute):
			b.Fatal("no decision within a minute")
		}
		if i >= 20 { // the first ones prepare statements
			took = append(took, measure.Millis(time.Since(sent)))
		}
		last = s
	}
	stop()
	running.Wait()
	row := w.row(last)
	require.Equal(b, journey.Approved, row.Decision, row.Reason)
	measure.Note(b, figures.Set{"centre." + db + ".decide": measure.Tail(took, "ms", fmt.Sprintf(
		"from the frame with the last record to the committed verdict, all of them approvals, %d people and %d faces known; without the networks' and the lists' own time; the database waits for the disk; value is p99; %s", people, people, load))})
}

// fillPeople makes people whom the centre approved before.
func fillPeople(b *testing.B, w *world, db string, n int) {
	b.Helper()
	ctx := context.Background()
	at := time.Now().AddDate(-1, 0, 0)
	began := time.Now()
	const batch = 1000
	for from := 0; from < n; from += batch {
		require.NoError(b, w.store.Write(ctx, func(tx *store.Tx) error {
			for i := from; i < min(n, from+batch); i++ {
				if err := fillPerson(ctx, tx, w, person(i, "k", fmt.Sprintf("before-%d", i), at), i); err != nil {
					return err
				}
			}
			return nil
		}))
		if done := min(n, from+batch); done%(20*batch) == 0 || done == n {
			measure.Progress("%s: %d of %d people known, %s", db, done, n, time.Since(began).Round(time.Second))
		}
	}
}

func fillPerson(ctx context.Context, tx *store.Tx, w *world, s journey.Submission, i int) error {
	plain, err := wire.Marshal(s)
	if err != nil {
		return err
	}
	private, err := w.vault.Seal(plain, ingest.PrivateContext(s.ID))
	if err != nil {
		return err
	}
	v := duplicate.ValuesOf(s)
	applicant := kiosktest.NewID()
	face, err := w.vault.Seal(duplicate.PackVector(template(uint64(i+1))), centre.FaceContext(s.ID))
	if err != nil {
		return err
	}
	_, unnumbered := tx.AddFace(ctx, store.Face{Submission: s.ID, Applicant: applicant, Project: s.Project, Model: "87aacdfe5751", Template: face}, s.Created)
	return errors.Join(
		unnumbered,
		tx.SaveSubmission(ctx, store.Submission{
			ID: s.ID, Session: s.Session, Kiosk: s.Kiosk, Project: s.Project, Revision: 1, State: s.State, Stand: store.StandDecided,
			Created: s.Created, Updated: s.Created, Received: s.Created, Sealed: []byte("sealed"), Private: private,
			Keys: ingest.Keys(w.vault, v), DocumentType: s.Document.Type, DocumentRank: v.Rank,
		}),
		tx.AddApplicant(ctx, applicant, s.Created),
		tx.SetDecision(ctx, s.ID, journey.Verdict{Decision: journey.Approved, At: s.Created}, 1, applicant),
		tx.Approve(ctx, s.Project, applicant, s.ID, s.Created),
	)
}

// BenchmarkOnePerson lets twenty kiosks bring one person at the same moment, to three copies of the centre, again and
// again, and counts the rounds in which exactly one was approved.
func BenchmarkOnePerson(b *testing.B) {
	rounds := measure.Count(b, measure.Rounds, 20)
	for _, db := range measure.Databases() {
		b.Run(db, func(b *testing.B) {
			for b.Loop() {
				benchOnePerson(b, db, rounds)
			}
		})
	}
}

func benchOnePerson(b *testing.B, db string, rounds int) {
	const kiosks = 20
	ctx := context.Background()
	w := newWorld(b, on(b, db))
	p := journey.DefaultPolicy()
	p.Recheck = false // what is raced is the look-up and the approval
	require.NoError(b, w.store.Write(ctx, func(tx *store.Tx) error { return tx.SavePolicy(ctx, p, time.Now()) }))
	gate := link.Gate{Inbox: w.ingest, Keys: w.ingest.PublicKey}
	copies := []*centre.Centre{w.another(), w.another(), w.another()}
	var all []*kiosktest.Kiosk
	for i := range kiosks {
		name := fmt.Sprintf("hall-%d", i)
		kiosktest.Enrol(b, w.store, name)
		all = append(all, w.kiosk(name))
	}
	load, began := measure.Load(), time.Now()
	exact := 0
	for round := range rounds {
		subs, frames := make([]journey.Submission, kiosks), make([][]byte, kiosks)
		for i, k := range all {
			session := fmt.Sprintf("round-%d-%d", round, i)
			s := person(round, k.Name, session, time.Now())
			s.Email, s.UserID = "", ""
			s.Face = &journey.FaceTemplate{Model: "87aacdfe5751", Vector: template(uint64(round + 1))}
			k.Event(session, journey.EventSubmissionCreated, func(e *journey.Event) { e.Submission = s.ID })
			k.Submission(s)
			subs[i], frames[i] = s, k.Frame()
		}
		start := make(chan struct{})
		errs := make([]error, kiosks)
		var racing sync.WaitGroup
		for i := range all {
			racing.Go(func() {
				<-start
				_, _, code, err := gate.Up(ctx, all[i].Name, frames[i])
				if code != "" {
					err = errors.Join(err, errors.New(code))
				}
				errs[i] = errors.Join(err, copies[i%len(copies)].Decide(ctx, subs[i].ID))
			})
		}
		close(start)
		racing.Wait()
		require.NoError(b, errors.Join(errs...), "round %d", round)
		approved, decided := 0, 0
		for _, s := range subs {
			row := w.row(s)
			if row.Decision != "" {
				decided++
			}
			if row.Decision == journey.Approved {
				approved++
			}
		}
		require.Equal(b, kiosks, decided, "round %d", round)
		if approved == 1 {
			exact++
		} else {
			measure.Progress("%s: round %d: %d were approved", db, round, approved)
		}
		if (round+1)%100 == 0 || round+1 == rounds {
			measure.Progress("%s: %d of %d rounds, exactly one approved in %d, %s", db, round+1, rounds, exact, time.Since(began).Round(time.Second))
		}
	}
	measure.Note(b, figures.Set{"centre." + db + ".one_approval": figures.Share(exact, rounds, fmt.Sprintf(
		"rounds in which of one person, brought by %d kiosks at once to three copies of the centre, exactly one submission was approved; %s", kiosks, load))})
	require.Equal(b, rounds, exact)
}
