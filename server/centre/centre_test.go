package centre_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/journey"
	"vestibule/models"
	"vestibule/models/aamva"
	"vestibule/models/mrz"
	"vestibule/server/aml"
	"vestibule/server/blobs"
	"vestibule/server/centre"
	"vestibule/server/ingest"
	"vestibule/server/kiosktest"
	"vestibule/server/store"
	"vestibule/server/store/storetest"
	"vestibule/server/vault"
	"vestibule/sync/seal"
	"vestibule/sync/wire"
)

var cluster storetest.Cluster

func TestMain(m *testing.M) { os.Exit(storetest.Main(m, &cluster)) }

// eyes reads the pictures of these tests, which are texts: "zone NUMBER" shows
// Anna's document under that number, "face N" a person. It is a double of the
// vision worker: what is tested here is what the centre makes of findings.
type eyes struct {
	models.Engine
	mu   sync.Mutex
	fail error
}

func (e *eyes) broken() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.fail
}

func (e *eyes) setBroken(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.fail = err
}

func (e *eyes) Versions(context.Context) (map[string]string, error) {
	return map[string]string{"fr_feature": "87aacdfe5751"}, e.broken()
}

func (e *eyes) ReadDocument(_ context.Context, frames []models.Frame) (models.Document, error) {
	if err := e.broken(); err != nil {
		return models.Document{}, err
	}
	number, ok := strings.CutPrefix(string(frames[0].Pix), "zone ")
	if !ok {
		return models.Document{}, models.ErrFrame
	}
	lines, err := mrz.Write(mrz.Content{
		Layout: mrz.TD3, Code: "P", Issuer: "UTO", FamilyName: "ERIKSSON", GivenNames: "ANNA MARIA", Number: number,
		Nationality: "UTO", Birth: "1974-08-12", Sex: "female", Expiry: "2031-04-15",
	})
	if err != nil {
		return models.Document{}, err
	}
	doc, err := mrz.Parse(lines)
	return models.Document{MRZ: &doc, Agreed: true, Recognition: 92}, err
}

// Examine reads the barcode of a picture "barcode NUMBER": Anna's licence under that number.
func (e *eyes) Examine(_ context.Context, frames []models.Frame, looks models.Looks) (models.Examination, error) {
	if err := e.broken(); err != nil {
		return models.Examination{}, err
	}
	number, ok := strings.CutPrefix(string(frames[0].Pix), "barcode ")
	if !ok || !looks.Barcode {
		return models.Examination{Barcode: &models.Barcode{}}, nil
	}
	data, err := aamva.Write(aamva.Content{
		Issuer: "VA", Version: 8, FamilyName: "ERIKSSON", GivenName: "ANNA", MiddleName: "MARIA", Number: number,
		Birth: "1974-08-12", Issue: "2023-04-15", Expiry: "2031-04-15", Sex: "female", Street: "1 MAIN ST", City: "RICHMOND", State: "VA",
		PostalCode: "232690000", Class: "D", Discriminator: "1",
	})
	return models.Examination{Barcode: &models.Barcode{Found: true, Data: data}}, err
}

func (e *eyes) ReadFace(_ context.Context, f models.Frame) (models.Face, error) {
	if err := e.broken(); err != nil {
		return models.Face{}, err
	}
	var who uint64
	if _, err := fmt.Sscanf(string(f.Pix), "face %d", &who); err != nil {
		return models.Face{}, models.ErrFrame
	}
	if who == 0 {
		return models.Face{}, nil // a picture without a face
	}
	return models.Face{Found: true, Template: template(who), Model: "87aacdfe5751", Live: .9, Eyes: 80}, nil
}

func template(who uint64) []float32 {
	r := rand.New(rand.NewPCG(who, 3))
	v := make([]float32, 512)
	var sum float64
	for i := range v {
		v[i] = float32(r.NormFloat64())
		sum += float64(v[i]) * float64(v[i])
	}
	for i := range v {
		v[i] /= float32(math.Sqrt(sum))
	}
	return v
}

// world is a whole centre without network.
type world struct {
	t       testing.TB
	store   *store.Store
	ingest  *ingest.Ingest
	vault   *vault.Vault
	shelf   *blobs.Shelf
	ring    *seal.Keyring
	centre  *centre.Centre
	key     *seal.PrivateKey
	eyes    *eyes
	listed  []aml.Match
	screens error
	visits  int
}

func newWorld(t testing.TB, s *store.Store) *world {
	w := &world{t: t, store: s, eyes: &eyes{}}
	var err error
	w.key, err = seal.GenerateKey()
	require.NoError(t, err)
	w.ring = seal.NewKeyring(w.key)
	w.vault, err = vault.New(make([]byte, 32), make([]byte, 32), nil)
	require.NoError(t, err)
	w.shelf, err = blobs.Open(t.TempDir())
	require.NoError(t, err)
	log := slog.New(slog.DiscardHandler)
	w.ingest = ingest.New(ingest.Config{Store: s, Blobs: w.shelf, Keys: w.ring, Vault: w.vault, Now: time.Now, NewID: kiosktest.NewID, Log: log})
	w.centre = w.another()
	kiosktest.Enrol(t, s, "k")
	return w
}

// another is one more copy of the centre on the same database.
func (w *world) another() *centre.Centre {
	return centre.New(centre.Config{
		Store: w.store, Blobs: w.shelf, Keys: w.ring, Vault: w.vault, Now: time.Now, NewID: kiosktest.NewID, Log: slog.New(slog.DiscardHandler),
		Engine: func() (models.Engine, error) { return w.eyes, nil },
		Screen: func(context.Context, aml.Query) (centre.Screened, error) {
			return centre.Screened{Lists: "un:abc", Entities: 10, Matches: w.listed}, w.screens
		},
	})
}

func (w *world) kiosk(name string) *kiosktest.Kiosk {
	return kiosktest.New(w.t, name, w.ingest, w.key.Public(), time.Now)
}

// visit sends one person's visit and gives the submission, which is not decided yet.
func (w *world) visit(k *kiosktest.Kiosk, change func(*journey.Submission), who int) journey.Submission {
	w.visits++
	session := fmt.Sprintf("s%d", w.visits)
	s := kiosktest.Anna(k.Name, session, time.Now())
	if change != nil {
		change(&s)
	}
	k.Event(session, journey.EventSessionCreated)
	k.Event(session, journey.EventIDRecognition, func(e *journey.Event) { e.Result = journey.Pass })
	k.Event(session, journey.EventFaceCompare, func(e *journey.Event) { e.Result = journey.Pass })
	k.Event(session, journey.EventSubmissionCreated, func(e *journey.Event) { e.Submission = s.ID })
	k.Picture(&s, journey.EvidenceFront, []byte("zone "+s.Document.Number))
	k.Picture(&s, journey.EvidencePortrait, fmt.Appendf(nil, "face %d", who))
	k.Picture(&s, journey.EvidenceSelfie, fmt.Appendf(nil, "face %d", who))
	k.Submission(s)
	k.Event(session, journey.EventFinalPageView, func(e *journey.Event) { e.Impact = journey.ImpactCompleted })
	k.Send()
	return s
}

func (w *world) decide(s journey.Submission) store.Submission {
	w.t.Helper()
	require.NoError(w.t, w.centre.Decide(context.Background(), s.ID))
	return w.row(s)
}

func (w *world) row(s journey.Submission) store.Submission {
	w.t.Helper()
	row, err := w.store.Read().Submission(context.Background(), s.ID)
	require.NoError(w.t, err)
	return row
}

func (w *world) events(s journey.Submission) map[journey.EventName]journey.Event {
	w.t.Helper()
	list, err := w.store.Read().Events(context.Background(), s.Session)
	require.NoError(w.t, err)
	out := map[journey.EventName]journey.Event{}
	for _, e := range list {
		require.NoError(w.t, e.Validate())
		if e.Origin == journey.OriginServer {
			out[e.Name] = e
		}
	}
	return out
}

func other(number, family string) func(*journey.Submission) {
	return func(s *journey.Submission) { s.Document.Number, s.Document.Person.FamilyName = number, family }
}

func TestAPersonIsApprovedOnceAndKnownTheSecondTime(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		w := newWorld(t, s)
		k := w.kiosk("k")
		first := w.visit(k, nil, 1)
		row := w.decide(first)
		require.Equal(t, journey.Approved, row.Decision)
		require.Equal(t, store.StandDecided, row.Stand)
		require.NotEmpty(t, row.Applicant)

		events := w.events(first)
		for _, name := range []journey.EventName{
			journey.CentreReceived, journey.CentreEvidenceCheck, journey.CentreRecheck, journey.EventPIIDuplicatePeriodCheck,
			journey.EventSelfieDuplicateCheck, journey.EventDuplicateApprovedUserCheck, journey.EventAMLCheck, journey.EventCustomPolicyEvaluation,
			journey.EventCountryCodeMatchCheck, journey.EventPacketAbuseCheck, journey.EventDeviceValidationRecorded, journey.EventFingerprintSubmissionLinked,
			journey.EventFaceCompare, journey.EventFaceCollectionAdd, journey.EventApproved, journey.CentreVerdictSent,
		} {
			require.Contains(t, events, name)
		}
		require.Equal(t, "100.0", events[journey.CentreRecheck].Detail["centre_similarity"])
		require.Equal(t, "96.0", events[journey.CentreRecheck].Detail["kiosk_similarity"])

		// The verdict waits for the kiosk.
		commands, err := s.Read().Commands(ctx, "k", 0, 10)
		require.NoError(t, err)
		require.Len(t, commands, 1)
		var v journey.Verdict
		require.NoError(t, wire.Unmarshal(commands[0].Body, &v))
		require.Equal(t, journey.Approved, v.Decision)
		require.Equal(t, events[journey.EventApproved].ID, v.Event)

		again := w.visit(k, nil, 1)
		row2 := w.decide(again)
		require.Equal(t, journey.Rejected, row2.Decision)
		require.Equal(t, journey.ReasonDuplicateUser, row2.Reason)
		require.Equal(t, "duplicate_user", row2.CommentCode)
		require.Equal(t, row.Applicant, row2.Applicant)
		require.Contains(t, journey.Explain(mustEvents(t, s, again.Session)).Sentence, "approved already")

		session, err := s.Read().Session(ctx, again.Session)
		require.NoError(t, err)
		require.Equal(t, journey.Rejected, session.Decision)
		require.Equal(t, journey.StatusCompleted, session.Status)
		n, err := s.Read().Approvals(ctx, "default")
		require.NoError(t, err)
		require.Equal(t, 1, n)
	})
}

func mustEvents(t testing.TB, s *store.Store, session string) []journey.Event {
	list, err := s.Read().Events(context.Background(), session)
	require.NoError(t, err)
	return list
}

func TestTheSameFaceUnderAnotherNameIsCaught(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s)
		k := w.kiosk("k")
		require.Equal(t, journey.Approved, w.decide(w.visit(k, nil, 1)).Decision)
		// Another document, name and date of birth; the zone on the picture is Anna's
		// but for the number, so the re-check is off here.
		p := journey.DefaultPolicy()
		p.Version, p.Recheck = "2", false
		require.NoError(t, s.Write(context.Background(), func(tx *store.Tx) error { return tx.SavePolicy(context.Background(), p, time.Now()) }))
		row := w.decide(w.visit(k, func(s *journey.Submission) {
			other("X1234567", "SMITH")(s)
			s.Document.Person.GivenNames, s.Document.Person.Birth = "JANE", "1990-01-01"
			s.Face = &journey.FaceTemplate{Model: "87aacdfe5751", Vector: template(1)}
		}, 1))
		require.Equal(t, journey.Rejected, row.Decision)
		require.Equal(t, journey.ReasonSelfieDuplicate, row.Reason)
	})
}

func TestASanctionsHitIsHeldAndItsAnswerKeptEncrypted(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s)
		w.listed = []aml.Match{{
			Entity: "QDi.001", Source: aml.SourceUN, Score: 98, Name: "Anna Eriksson",
			Why:   []aml.TokenMatch{{Query: "anna", Listed: "anna", How: aml.Equal, Alike: 1, Weight: .5}},
			Facts: []aml.Fact{{What: "birth", How: "equal", Points: 3}},
		}}
		sub := w.visit(w.kiosk("k"), nil, 1)
		row := w.decide(sub)
		require.Equal(t, journey.Pending, row.Decision)
		require.Equal(t, journey.ReasonCustomPolicy, row.Reason)
		require.False(t, row.PendingSince.IsZero())
		screening, err := s.Read().Screening(context.Background(), sub.ID)
		require.NoError(t, err)
		require.Equal(t, "Red Flag", screening.Status)
		require.Equal(t, "High", screening.Risk)
		require.NotContains(t, string(screening.Result), "Anna")
		plain, err := w.vault.Open(screening.Result, centre.ScreeningContext(sub.ID))
		require.NoError(t, err)
		var kept centre.Screened
		require.NoError(t, json.Unmarshal(plain, &kept))
		require.Equal(t, w.listed, kept.Matches, "with how each word of the name matched")
	})
}

func TestTheKeptRiskIsTheHighestOfAllRedFlags(t *testing.T) {
	agrees := []aml.Fact{{What: "birth", How: "equal", Points: 3}}
	for name, c := range map[string]struct {
		listed []aml.Match
		status string
		risk   string
	}{
		"nobody":                          {nil, "Clear", "Low"},
		"a name below the flag":           {[]aml.Match{{Score: 84, Facts: agrees}}, "Clear", "Low"},
		"an equal name alone":             {[]aml.Match{{Score: 100}}, "Red Flag", "Medium"},
		"a weaker match whose date fits":  {[]aml.Match{{Score: 97}, {Score: 95, Facts: agrees}}, "Red Flag", "High"},
		"a date that fits below the flag": {[]aml.Match{{Score: 97}, {Score: 80, Facts: agrees}}, "Red Flag", "Medium"},
		"a high risk before a medium one": {[]aml.Match{{Score: 99, Facts: agrees}, {Score: 97}}, "Red Flag", "High"},
	} {
		t.Run(name, func(t *testing.T) {
			cluster.Each(t, func(t *testing.T, s *store.Store) {
				w := newWorld(t, s)
				w.listed = c.listed
				sub := w.visit(w.kiosk("k"), nil, 1)
				row := w.decide(sub)
				screening, err := s.Read().Screening(context.Background(), sub.ID)
				require.NoError(t, err)
				require.Equal(t, c.status, screening.Status)
				require.Equal(t, c.risk, screening.Risk)
				require.Equal(t, c.status == "Red Flag", row.Decision == journey.Pending, "a red flag is held, whatever its risk")
			})
		})
	}
}

func TestARiskIsNeverHighWithoutADateOfBirthThatAgrees(t *testing.T) {
	const flag = 85.
	for name, c := range map[string]struct {
		score float64
		facts []aml.Fact
		risk  string
	}{
		"an equal name and nothing else":        {97, nil, "Medium"},
		"a full score and nothing else":         {100, nil, "Medium"},
		"a document's number and nothing else":  {100, []aml.Fact{{What: "document", How: "equal", Points: 100}}, "Medium"},
		"a document's number and another date":  {100, []aml.Fact{{What: "document", How: "equal", Points: 100}, {What: "birth", How: "different"}}, "Medium"},
		"a document's number and the same date": {100, []aml.Fact{{What: "document", How: "equal", Points: 100}, {What: "birth", How: "equal"}}, "High"},
		"the country agrees":                    {98, []aml.Fact{{What: "country", How: "equal", Points: 1}}, "Medium"},
		"a date that is only near":              {94, []aml.Fact{{What: "birth", How: "near", Points: -6}}, "Medium"},
		"a date with day and month exchanged":   {96, []aml.Fact{{What: "birth", How: "swapped", Points: -1}}, "Medium"},
		"the same year":                         {98, []aml.Fact{{What: "birth", How: "consonant", Points: 1}}, "High"},
		"the same date, halfway":                {92.5, []aml.Fact{{What: "birth", How: "equal", Points: 3}}, "High"},
		"the same date, short of halfway":       {92.4, []aml.Fact{{What: "birth", How: "equal", Points: 3}}, "Medium"},
		"the same date, below the flag":         {84.9, []aml.Fact{{What: "birth", How: "equal", Points: 3}}, "Low"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.risk, centre.Risk(aml.Match{Score: c.score, Facts: c.facts}, flag))
		})
	}
}

func TestTheCentreSeesWhatTheKioskGotWrong(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(w *world, k *kiosktest.Kiosk) journey.Submission
		reason  journey.Reason
		differs string
	}{
		"another document number": {func(w *world, k *kiosktest.Kiosk) journey.Submission {
			return w.send(k, "zone X7654321", "face 1", "face 1")
		}, journey.ReasonCustomPolicy, "number"},
		"another face in the portrait": {func(w *world, k *kiosktest.Kiosk) journey.Submission {
			return w.send(k, "zone L898902C3", "face 1", "face 2")
		}, journey.ReasonFaceAgentReview, "similarity"},
		"a picture that is none": {func(w *world, k *kiosktest.Kiosk) journey.Submission {
			return w.send(k, "noise", "face 1", "face 1")
		}, journey.ReasonCustomPolicy, "front-unreadable"},
		"a selfie without a face": {func(w *world, k *kiosktest.Kiosk) journey.Submission {
			return w.send(k, "zone L898902C3", "face 1", "face 0")
		}, journey.ReasonCustomPolicy, "selfie-no-face"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, openSQLite(t))
			s := c.change(w, w.kiosk("k"))
			row := w.decide(s)
			require.Equal(t, journey.Pending, row.Decision)
			require.Equal(t, c.reason, row.Reason)
			require.Equal(t, c.differs, w.events(s)[journey.CentreRecheck].Detail["differs"])
		})
	}
}

func openSQLite(t *testing.T) *store.Store {
	s, err := store.Open(context.Background(), t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func (w *world) send(k *kiosktest.Kiosk, front, portrait, selfie string) journey.Submission {
	w.visits++
	session := fmt.Sprintf("s%d", w.visits)
	s := kiosktest.Anna(k.Name, session, time.Now())
	k.Event(session, journey.EventSessionCreated)
	k.Picture(&s, journey.EvidenceFront, []byte(front))
	k.Picture(&s, journey.EvidencePortrait, []byte(portrait))
	k.Picture(&s, journey.EvidenceSelfie, []byte(selfie))
	k.Submission(s)
	k.Send()
	return s
}

func TestAnExhaustedVisitIsRejectedWithoutPictures(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s)
		w.eyes.setBroken(models.ErrWorker) // not needed here
		k := w.kiosk("k")
		sub := kiosktest.Anna("k", "s1", time.Now())
		sub.State, sub.FailedStep = journey.SubmissionExhausted, journey.Step2
		k.Event("s1", journey.EventSubmissionCreated, func(e *journey.Event) { e.Submission = sub.ID })
		seen := k.Event("s1", journey.KioskRetryExhausted, func(e *journey.Event) { e.Result, e.Impact = journey.Fail, journey.ImpactBlocked })
		k.Submission(sub)
		k.Send()
		for _, project := range []string{"default", "another"} {
			require.NoError(t, s.Write(t.Context(), func(tx *store.Tx) error {
				return tx.SaveWebhook(t.Context(), store.Webhook{ID: project, Project: project, URL: "https://partner.example/", Secret: []byte{1}, Created: time.Now()})
			}))
		}
		row := w.decide(sub)
		queued, err := s.Read().Deliveries(t.Context(), 10)
		require.NoError(t, err)
		require.Len(t, queued, 1, "the decision is queued for the endpoint of its project")
		require.Equal(t, sub.ID, queued[0].Submission)
		require.Equal(t, w.events(sub)[journey.EventRejected].ID, queued[0].Cause)
		require.Equal(t, journey.Rejected, row.Decision)
		require.Equal(t, journey.ReasonRetryExhausted, row.Reason)
		require.Equal(t, []string{seen.ID}, w.events(sub)[journey.EventRejected].Causes)
	})
}

func TestNobodyIsDecidedOnWhileACheckThatThePolicyDemandsCannotRun(t *testing.T) {
	for name, c := range map[string]struct {
		break_  func(w *world)
		mend    func(w *world)
		problem string
	}{
		"the vision worker is down": {
			func(w *world) { w.eyes.setBroken(models.ErrWorker) }, func(w *world) { w.eyes.setBroken(nil) }, centre.ProblemWorker,
		},
		"a trained network is missing": {
			func(w *world) { w.eyes.setBroken(models.ErrModel) }, func(w *world) { w.eyes.setBroken(nil) }, centre.ProblemModel,
		},
		"no list is imported": {
			func(w *world) { w.screens = centre.ErrNoLists }, func(w *world) { w.screens = nil }, centre.ProblemLists,
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			w := newWorld(t, openSQLite(t))
			sub := w.visit(w.kiosk("k"), nil, 1)
			c.break_(w)
			stopped := make(chan struct{})
			run := func(ctx context.Context) {
				go func() {
					defer close(stopped)
					_ = w.centre.Run(ctx)
				}()
			}
			run(ctx)
			require.Eventually(t, func() bool {
				j, err := w.store.Read().Job(ctx, ingest.JobDecide, sub.ID)
				return err == nil && j.Problem == c.problem && j.State == store.JobQueued
			}, 10*time.Second, 5*time.Millisecond)
			require.Empty(t, w.row(sub).Decision)
			cancel()
			<-stopped

			c.mend(w)
			ctx2, cancel2 := context.WithCancel(context.Background())
			defer cancel2()
			stopped = make(chan struct{})
			run(ctx2)
			require.Eventually(t, func() bool { return w.row(sub).Decision == journey.Approved }, 10*time.Second, 10*time.Millisecond)
			cancel2()
			<-stopped
		})
	}
}

func TestOfManyKiosksThatBringTheSamePersonAtOnceOneIsApproved(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		for round := range 4 {
			w := newWorldNamed(t, s, round)
			who := 100 + round
			var subs []journey.Submission
			for i := range 6 {
				name := fmt.Sprintf("r%d-k%d", round, i)
				kiosktest.Enrol(t, s, name)
				session := fmt.Sprintf("r%d-s%d", round, i)
				k := w.kiosk(name)
				sub := kiosktest.Anna(name, session, time.Now())
				sub.Document.Number = fmt.Sprintf("R%07d", round) // one person a round
				sub.Document.Person.FamilyName = []string{"ERIKSSON", "SMITH", "JONES", "BROWN"}[round]
				sub.Face = &journey.FaceTemplate{Model: "87aacdfe5751", Vector: template(uint64(who))}
				k.Event(session, journey.EventSubmissionCreated, func(e *journey.Event) { e.Submission = sub.ID })
				k.Submission(sub)
				k.Send()
				subs = append(subs, sub)
			}
			// Three copies of the centre, two submissions each, all at the same moment.
			copies := []*centre.Centre{w.another(), w.another(), w.another()}
			start := make(chan struct{})
			var wg sync.WaitGroup
			errs := make([]error, len(subs))
			for i, sub := range subs {
				wg.Add(1)
				go func() {
					defer wg.Done()
					<-start
					errs[i] = copies[i%3].Decide(context.Background(), sub.ID)
				}()
			}
			close(start)
			wg.Wait()
			require.NoError(t, errors.Join(errs...))
			approved, applicants := 0, map[string]bool{}
			for _, sub := range subs {
				row := w.row(sub)
				applicants[row.Applicant] = true
				if row.Decision == journey.Approved {
					approved++
				} else {
					require.Equal(t, journey.ReasonDuplicateUser, row.Reason)
				}
			}
			require.Equal(t, 1, approved, "round %d", round)
			require.Len(t, applicants, 1, "round %d", round)
		}
	})
}

// newWorldNamed is a world in which pictures are not read again, on a database that earlier rounds used.
func newWorldNamed(t *testing.T, s *store.Store, round int) *world {
	w := &world{t: t, store: s, eyes: &eyes{}}
	var err error
	w.key, err = seal.GenerateKey()
	require.NoError(t, err)
	w.ring = seal.NewKeyring(w.key)
	w.vault, err = vault.New(make([]byte, 32), make([]byte, 32), nil)
	require.NoError(t, err)
	w.shelf, err = blobs.Open(t.TempDir())
	require.NoError(t, err)
	w.ingest = ingest.New(ingest.Config{Store: s, Blobs: w.shelf, Keys: w.ring, Vault: w.vault, Now: time.Now, NewID: kiosktest.NewID, Log: slog.New(slog.DiscardHandler)})
	if round == 0 {
		p := journey.DefaultPolicy()
		p.Recheck = false
		require.NoError(t, s.Write(context.Background(), func(tx *store.Tx) error { return tx.SavePolicy(context.Background(), p, time.Now()) }))
	}
	return w
}

func TestAJobWhoseCopyDiedIsTakenUpSoonAndOneThatIsWorkedOnIsNot(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s)
		const lease = 2 * time.Second // long beside what a busy machine may delay a renewal by
		screenings, slow := make(chan struct{}, 10), make(chan struct{})
		goOn := sync.OnceFunc(func() { close(slow) })
		copyOf := func(screen centre.Screen) *centre.Centre {
			return centre.New(centre.Config{
				Store: w.store, Blobs: w.shelf, Keys: w.ring, Vault: w.vault, Now: time.Now, NewID: kiosktest.NewID, Log: slog.New(slog.DiscardHandler),
				Engine: func() (models.Engine, error) { return w.eyes, nil }, Screen: screen, Lease: lease,
			})
		}
		one := func(ctx context.Context, _ aml.Query) (centre.Screened, error) {
			screenings <- struct{}{}
			<-slow
			return centre.Screened{Lists: "un:abc", Entities: 10}, nil
		}
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		defer running.Wait()
		defer cancel()
		defer goOn()
		sub := w.visit(w.kiosk("k"), nil, 1)
		require.NoError(t, s.Write(ctx, func(tx *store.Tx) error { // a copy takes it, and its power is cut
			_, err := tx.ClaimJob(ctx, time.Now(), lease)
			return err
		}))
		for range 2 {
			running.Go(func() { assert.NoError(t, copyOf(one).Run(ctx)) })
		}
		<-screenings // taken up
		time.Sleep(2 * lease)
		require.Empty(t, screenings, "the other one leaves it alone, however long it takes")
		goOn()
		require.Eventually(t, func() bool {
			d, err := s.Read().Decisions(ctx, sub.Session)
			return err == nil && len(d) == 1
		}, 20*time.Second, 20*time.Millisecond)
	})
}

func TestAStopLetsAJobEndAndGivesBackWhatTakesTooLong(t *testing.T) {
	for name, ends := range map[string]bool{"one that ends in time": true, "one that does not": false} {
		t.Run(name, func(t *testing.T) {
			cluster.Each(t, func(t *testing.T, s *store.Store) {
				w := newWorld(t, s)
				grace := time.Minute
				if !ends {
					grace = 100 * time.Millisecond
				}
				began, goOn := make(chan struct{}, 1), make(chan struct{})
				c := centre.New(centre.Config{
					Store: w.store, Blobs: w.shelf, Keys: w.ring, Vault: w.vault, Now: time.Now, NewID: kiosktest.NewID, Log: slog.New(slog.DiscardHandler),
					Engine: func() (models.Engine, error) { return w.eyes, nil }, Lease: time.Hour, Grace: grace,
					Screen: func(ctx context.Context, _ aml.Query) (centre.Screened, error) {
						began <- struct{}{}
						select {
						case <-goOn:
							return centre.Screened{Lists: "un:abc", Entities: 10}, ctx.Err()
						case <-ctx.Done():
							return centre.Screened{}, ctx.Err()
						}
					},
				})
				ctx, stop := context.WithCancel(t.Context())
				sub := w.visit(w.kiosk("k"), nil, 1)
				var running sync.WaitGroup
				running.Go(func() { assert.NoError(t, c.Run(ctx)) })
				<-began
				stop()
				if ends {
					close(goOn)
				}
				running.Wait()
				decisions, err := s.Read().Decisions(t.Context(), sub.Session)
				require.NoError(t, err)
				job, err := s.Read().Job(t.Context(), ingest.JobDecide, sub.ID)
				require.NoError(t, err)
				if ends {
					assert.Len(t, decisions, 1)
					assert.Equal(t, store.JobDone, job.State)
					return
				}
				assert.Empty(t, decisions)
				assert.Equal(t, store.JobQueued, job.State)
				assert.Equal(t, centre.ProblemStopped, job.Problem)
				assert.False(t, job.Due.After(time.Now()), "the next process has not to wait for the lease")
			})
		})
	}
}

func TestVisitsAreDecidedByThePolicyThatWasRolledOutToTheirKiosk(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		w := newWorld(t, s)
		kiosktest.Enrol(t, s, "first")
		p := journey.DefaultPolicy()
		p.Recheck = false
		strict := p
		strict.Version, strict.MinAge = "2", 99
		write := func(do func(tx *store.Tx) error) { require.NoError(t, s.Write(ctx, do)) }
		write(func(tx *store.Tx) error { return tx.SavePolicy(ctx, p, time.Now()) })
		write(func(tx *store.Tx) error {
			e, err := tx.ForcePolicy(ctx, strict, store.PolicyEntry{What: store.PolicyStaged, At: time.Now()})
			if err != nil {
				return err
			}
			return tx.StagePolicy(ctx, e, []string{"first"})
		})
		require.Equal(t, journey.Approved, w.decide(w.visit(w.kiosk("k"), nil, 1)).Decision)
		at := w.kiosk("first")
		require.Equal(t, journey.Rejected, w.decide(w.visit(at, other("X0000001", "SMITH"), 2)).Decision)
		write(func(tx *store.Tx) error { return tx.EndStage(ctx, "default") })
		require.Equal(t, journey.Approved, w.decide(w.visit(at, other("X0000002", "JONES"), 3)).Decision)
	})
}

func TestAJobThatIsDoneTwiceDecidesOnce(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s)
		sub := w.visit(w.kiosk("k"), nil, 1)
		w.decide(sub)
		w.decide(sub)
		decisions, err := s.Read().Decisions(context.Background(), sub.Session)
		require.NoError(t, err)
		require.Len(t, decisions, 1)
		require.Contains(t, string(decisions[0].Record), `"decision":"APPROVED"`)
		for _, secret := range []string{"ERIKSSON", "ANNA", "L898902C3", "1974-08-12"} {
			require.NotContains(t, string(decisions[0].Record), secret)
		}
		commands, err := s.Read().Commands(context.Background(), "k", 0, 10)
		require.NoError(t, err)
		require.Len(t, commands, 1)
	})
}

func TestASilentSessionOfAConnectedKioskIsDropped(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, openSQLite(t))
	k := w.kiosk("k")
	k.Event("s1", journey.EventSessionCreated)
	k.Send()
	late := centre.New(centre.Config{Store: w.store, Now: func() time.Time { return time.Now().Add(21 * time.Minute) }, NewID: kiosktest.NewID, Log: slog.New(slog.DiscardHandler)})
	status := func() journey.SessionStatus {
		require.NoError(t, late.Sweep(ctx))
		row, err := w.store.Read().Session(ctx, "s1")
		require.NoError(t, err)
		return row.Status
	}
	require.Equal(t, journey.StatusInProgress, status()) // not connected: silent for another reason
	require.NoError(t, w.ingest.AcceptState(ctx, wire.State{Kiosk: "k", Session: "1", Online: true}))
	require.Equal(t, journey.StatusDropped, status())
}

func TestRecordsThatAreMissingAndDoNotComeAreToldOfOnce(t *testing.T) {
	cluster.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		w := newWorld(t, s)
		k := w.kiosk("k")
		k.Event("s1", journey.EventSessionCreated)
		k.Send()
		k.Lose(3) // with the kiosk's disk
		k.Event("s1", journey.EventStepView)
		k.SendLater()
		at := time.Now()
		later := func(d time.Duration) *centre.Centre {
			return centre.New(centre.Config{
				Store: w.store, Blobs: w.shelf, Keys: w.ring, Vault: w.vault, Now: func() time.Time { return at.Add(d) }, NewID: kiosktest.NewID, Log: slog.New(slog.DiscardHandler),
			})
		}
		gaps := func() (found []journey.Event) {
			for _, e := range mustEvents(t, s, "") {
				if e.Name == journey.CentreSequenceGap {
					found = append(found, e)
				}
			}
			return found
		}
		require.NoError(t, later(time.Minute).Sweep(ctx))
		require.Empty(t, gaps(), "it may still come")
		for range 2 {
			require.NoError(t, later(11*time.Minute).Sweep(ctx))
			require.Len(t, gaps(), 1, "once")
		}
		require.Equal(t, "2", gaps()[0].Detail["from"])
		require.Equal(t, "4", gaps()[0].Detail["to"])
	})
}
