// Package centre runs decisions: it opens the evidence, has it read again, makes
// the look-ups, calls the pure decide.Decide, and journals everything together
// with the verdict for the kiosk in one transaction.
//
// What may live here: the order of work, its retries, and the intervals in which
// it ran. What may not: rules (decide), keys of people (duplicate), lists (aml).
package centre

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"vestibule/journey"
	"vestibule/models"
	"vestibule/server/aml"
	"vestibule/server/blobs"
	"vestibule/server/duplicate"
	"vestibule/server/ingest"
	"vestibule/server/journal"
	"vestibule/server/review"
	"vestibule/server/rule"
	"vestibule/server/store"
	"vestibule/server/vault"
	"vestibule/sync/grace"
	"vestibule/sync/seal"
	"vestibule/sync/trace"
)

// Problems of a job, as the console shows them. A job with one of these is tried
// again until it succeeds: nobody is decided on without the checks the policy demands.
const (
	ProblemWorker   = "vision_worker_lost"  // the child died or is not there; it comes back by itself
	ProblemModel    = "model_unusable"      // a trained network is missing or altered: run make models
	ProblemLists    = "lists_missing"       // the policy wants screening, and no list is in memory
	ProblemFaces    = "face_index_unusable" // the index of faces does not answer: see -faces
	ProblemScreener = "screener_away"       // the external screener does not answer; see -screener
	ProblemDatabase = "database"            // a statement failed
	ProblemStopped  = "centre_stopped"      // while it was worked on
	ProblemOther    = "unexpected"
)

// Bounds of a job.
const (
	jobLimit     = 90 * time.Second
	markLimit    = 10 * time.Second // for noting how it ended
	firstRetry   = 500 * time.Millisecond
	longestRetry = time.Minute
	poll         = 2 * time.Second
	sweepEvery   = 30 * time.Second
	maxAttempts  = 50 // of a job with an unexpected problem; then a person has to look
	faceBatch    = 1000
)

// Screen searches the sanctions lists that are in force. It returns ErrNoLists when
// there are none, and aml.ErrNotScreened when there is nothing to search with.
type Screen func(ctx context.Context, q aml.Query) (Screened, error)

// Screened is the answer of the lists.
type Screened struct {
	Lists    string // snapshots searched
	Entities int    // how many entries they hold
	Matches  []aml.Match
	// Oldest is the list that was found to be its publisher's newest longest ago, and
	// Confirmed is when.
	Oldest    aml.Source
	Confirmed time.Time
	Cleared   []Pair `json:",omitempty"` // of the matches, those that somebody found to be other people
}

// Faces is the collection as it is searched, one to many. Put replaces an earlier
// template of the same submission; Keep takes out what lies between two numbers and is
// not of the given submissions; Search says as of which number its answer holds at least.
type Faces interface {
	Put(ctx context.Context, all ...duplicate.Template) error
	Keep(ctx context.Context, from, to int64, submissions []string) (int, error)
	Search(ctx context.Context, q duplicate.Query) (hits []duplicate.Hit, asOf int64, err error)
	AsOf(ctx context.Context) (int64, error)
	Len(ctx context.Context) (int, error)
	// Take takes the faces of submissions out, where they are in.
	Take(ctx context.Context, submissions ...string) error
}

var _ Faces = (*duplicate.FaceIndex)(nil)

// Config holds what a Centre works with.
type Config struct {
	Store *store.Store
	Blobs *blobs.Shelf
	Keys  *seal.Keyring
	Vault *vault.Vault
	// Engine gives the vision engine, or an error while there is none.
	Engine func() (models.Engine, error)
	// Faces searches the collection; nil: an exact index in memory.
	Faces Faces
	// Screen may be nil: then nobody can be screened.
	Screen Screen
	Now    func() time.Time
	NewID  func() string // UUIDv7
	Log    *slog.Logger
	Notify func(kiosk string)   // a command waits for a kiosk
	Watch  func(session string) // a session changed
	// Decided hears of every decision that was committed, and how long it waited; people: they made it. May be nil.
	Decided func(d journey.Decision, r journey.Reason, people bool, waited time.Duration)
	// Others does jobs of other kinds, each with its subject; an error is retried as one of a decision is.
	Others  map[string]func(ctx context.Context, subject string) error
	Workers int // jobs at the same time; 0: 2
	// Trace is told what a decision's time went into; may be nil.
	Trace *trace.Tracer
	// Lease is how long a job stays with a copy that says nothing of it any more: so long its decision is late
	// when that copy's power was cut. 0: 10 s.
	Lease time.Duration
	// Grace is what a stop leaves to jobs under way. 0: 20 s. Starting value, unmeasured.
	Grace time.Duration
}

// Centre runs decisions. Several may run on one PostgreSQL.
type Centre struct {
	c      Config
	faces  Faces
	erased atomic.Int64 // number of the last face that was taken out of the index because it was erased
	rules  *rule.Engine
	wake   chan struct{}
}

// New makes a Centre.
func New(c Config) *Centre {
	if c.Workers <= 0 {
		c.Workers = 2
	}
	if c.Lease <= 0 {
		c.Lease = 10 * time.Second
	}
	if c.Grace <= 0 {
		c.Grace = 20 * time.Second
	}
	if c.Notify == nil {
		c.Notify = func(string) {}
	}
	if c.Decided == nil {
		c.Decided = func(journey.Decision, journey.Reason, bool, time.Duration) {}
	}
	if c.Watch == nil {
		c.Watch = func(string) {}
	}
	if c.Faces == nil {
		c.Faces = duplicate.NewFaceIndex()
	}
	return &Centre{c: c, faces: c.Faces, rules: rule.New(), wake: make(chan struct{}, 1)}
}

// Wake makes Run look for work at once. It never blocks.
func (c *Centre) Wake() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Run works until ctx ends, and then finishes what is under way.
func (c *Centre) Run(ctx context.Context) error {
	free := make(chan struct{}, c.c.Workers) // one for each that works
	var workers sync.WaitGroup
	defer workers.Wait()
	ticker := time.NewTicker(poll)
	defer ticker.Stop()
	lastSweep, lastTidy := time.Time{}, c.c.Now()
	for {
		for {
			select {
			case free <- struct{}{}: // nothing is claimed that would wait
			case <-ctx.Done():
				return nil
			}
			j, err := c.claim(ctx)
			if err != nil {
				<-free
				if !errors.Is(err, store.ErrNotFound) && ctx.Err() == nil {
					c.c.Log.ErrorContext(ctx, "cannot look for work", "code", ProblemDatabase, "error", err)
				}
				break
			}
			workers.Go(func() {
				defer func() { <-free }()
				c.work(ctx, j)
			})
		}
		if now := c.c.Now(); now.Sub(lastSweep) >= sweepEvery {
			lastSweep = now
			if err := c.Sweep(ctx); err != nil && ctx.Err() == nil {
				c.c.Log.ErrorContext(ctx, "cannot judge silent sessions", "code", ProblemDatabase, "error", err)
			}
		}
		if now := c.c.Now(); now.Sub(lastTidy) >= tidyEvery {
			lastTidy = now
			if err := c.TidyFaces(ctx); err != nil && ctx.Err() == nil {
				c.c.Log.ErrorContext(ctx, "faces that were taken back stay in the index", "code", ProblemFaces, "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-c.wake:
		case <-ticker.C:
		}
	}
}

func (c *Centre) claim(ctx context.Context) (j store.Job, err error) {
	err = c.c.Store.Write(ctx, func(tx *store.Tx) error {
		j, err = tx.ClaimJob(ctx, c.c.Now(), c.c.Lease)
		return err
	})
	return j, err
}

// work does one job to its end, even when ctx ends meanwhile: the process waits. What a stop leaves no time for
// is due again at once, for the next process or another copy.
func (c *Centre) work(ctx context.Context, j store.Job) {
	under, done := grace.Extend(ctx, c.c.Grace)
	defer done()
	ctx, cancel := context.WithTimeout(under, jobLimit)
	defer cancel()
	ctx = traced(ctx, j)
	began := c.c.Now()
	release := c.hold(ctx, j)
	err := c.safely(ctx, j)
	release()
	now := c.c.Now()
	if err == nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), markLimit)
		defer cancel()
		err = c.c.Store.Write(ctx, func(tx *store.Tx) error { return tx.FinishJob(ctx, j, now) })
		if err != nil {
			c.c.Log.ErrorContext(ctx, "cannot finish a job", "code", ProblemDatabase, "job", j.ID, "error", err)
		}
		c.c.Log.InfoContext(ctx, "job done", "job", j.ID, "kind", j.Kind, "subject", j.Subject, "took", now.Sub(began).String(), "attempts", j.Attempts)
		return
	}
	problem := problemOf(err)
	giveUp := problem == ProblemOther && j.Attempts >= maxAttempts
	wait := firstRetry << min(j.Attempts-1, 10)
	wait = min(wait, longestRetry)
	if under.Err() != nil {
		problem, giveUp, wait = ProblemStopped, false, 0
	}
	c.c.Log.WarnContext(ctx, "job will be tried again", "code", problem, "job", j.ID, "kind", j.Kind, "subject", j.Subject,
		"attempts", j.Attempts, "wait", wait.String(), "dead", giveUp, "error", err)
	ctx, cancelRetry := context.WithTimeout(context.WithoutCancel(ctx), markLimit)
	defer cancelRetry()
	if err := c.c.Store.Write(ctx, func(tx *store.Tx) error {
		return tx.RetryJob(ctx, j, problem, now.Add(wait), now, giveUp)
	}); err != nil {
		c.c.Log.ErrorContext(ctx, "cannot give a job back", "code", ProblemDatabase, "job", j.ID, "error", err)
	}
	time.AfterFunc(wait, c.Wake)
}

// hold keeps a job's lease until release is called, or until somebody else has the job.
func (c *Centre) hold(ctx context.Context, j store.Job) (release func()) {
	ctx, cancel := context.WithCancel(ctx)
	var holding sync.WaitGroup
	holding.Go(func() {
		again := time.NewTicker(c.c.Lease / 3)
		defer again.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-again.C:
			}
			ours := true
			err := c.c.Store.Write(ctx, func(tx *store.Tx) (err error) {
				ours, err = tx.HoldJob(ctx, j, c.c.Now(), c.c.Lease)
				return err
			})
			if err != nil && ctx.Err() == nil {
				c.c.Log.WarnContext(ctx, "cannot hold a job", "code", ProblemDatabase, "job", j.ID, "error", err)
			}
			if !ours {
				return // its work is in vain, and does no harm: only one decision is taken
			}
		}
	})
	return func() {
		cancel()
		holding.Wait()
	}
}

// safely turns a panic of one job into that job's error: the others go on.
func (c *Centre) safely(ctx context.Context, j store.Job) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	switch j.Kind {
	case ingest.JobDecide:
		return c.Decide(ctx, j.Subject)
	case review.JobSettle:
		return c.Settle(ctx, j.Subject)
	case review.JobCheck:
		return c.CheckAgain(ctx, j.Subject)
	case JobRescreen:
		return c.Rescreen(ctx, j.Subject)
	}
	if do := c.c.Others[j.Kind]; do != nil {
		return do(ctx, j.Subject)
	}
	return fmt.Errorf("no such kind of job: %s", j.Kind)
}

// ErrFaces is wrapped when the index of faces does not answer.
var ErrFaces = errors.New("the index of faces does not answer")

// ErrScreenerAway is wrapped by a Screen whose external service does not answer.
var ErrScreenerAway = errors.New("the external screener is away")

// ErrNoLists is wrapped when the policy wants screening and there is nothing to screen against.
var ErrNoLists = errors.New("no sanctions list is imported")

func problemOf(err error) string {
	switch {
	case errors.Is(err, models.ErrModel):
		return ProblemModel
	case errors.Is(err, ErrFaces):
		return ProblemFaces
	case errors.Is(err, ErrScreenerAway):
		return ProblemScreener
	case errors.Is(err, ErrNoLists), errors.Is(err, ErrListBehind):
		return ProblemLists
	case errors.Is(err, models.ErrWorker), errors.Is(err, context.DeadlineExceeded):
		return ProblemWorker
	}
	return ProblemOther
}

// Policy gives the policy in force for a project: the last one applied, else the defaults.
func Policy(ctx context.Context, r store.Reader, project string) (journey.Policy, error) {
	p, err := r.Policy(ctx, project)
	if errors.Is(err, store.ErrNotFound) {
		p = journey.DefaultPolicy()
		p.Project = project
		return p, nil
	}
	return p, err
}

// PolicyAt gives the policy that a kiosk's visits are decided by: one that is rolled out to some kiosks before it is
// in force counts for these.
func PolicyAt(ctx context.Context, r store.Reader, project, kiosk string) (journey.Policy, error) {
	p, err := r.PolicyAt(ctx, project, kiosk)
	if errors.Is(err, store.ErrNotFound) {
		return Policy(ctx, r, project)
	}
	return p, err
}

// Sweep judges sessions of connected kiosks that have said nothing for the
// policy's limit. A kiosk without a connection is silent for another reason.
func (c *Centre) Sweep(ctx context.Context) error {
	now := c.c.Now()
	silent, err := c.c.Store.Read().SilentSessions(ctx, now.Add(-time.Minute), 500)
	if err != nil {
		return fmt.Errorf("find silent sessions: %w", err)
	}
	for _, s := range silent {
		policy, err := PolicyAt(ctx, c.c.Store.Read(), s.Project, s.Kiosk)
		if err != nil {
			return fmt.Errorf("read policy: %w", err)
		}
		if policy.SilenceLimit <= 0 || now.Sub(s.Updated) <= policy.SilenceLimit {
			continue
		}
		k, err := c.c.Store.Read().Kiosk(ctx, s.Kiosk)
		if err != nil || !k.Online {
			continue
		}
		err = c.c.Store.Write(ctx, func(tx *store.Tx) error {
			if _, err := tx.LockKiosk(ctx, s.Kiosk); err != nil {
				return err
			}
			_, err := journal.Refresh(ctx, tx, s.ID, s.Project, now, policy.SilenceLimit)
			return err
		})
		if err != nil {
			return fmt.Errorf("judge a silent session: %w", err)
		}
		c.c.Watch(s.ID)
	}
	return errors.Join(c.tellGaps(ctx, now), c.tellDiffering(ctx, now), c.deriveNear(ctx), c.dropErased(ctx, c.c.Store.Read()))
}

// gapAfter is how long records may be missing before somebody is told: a kiosk that has them sends them within
// seconds, and is asked for them as long as it is on line.
const gapAfter = 10 * time.Minute

// tellGaps alarms of records that are missing and do not come: the kiosk's database lost them, or this one did.
func (c *Centre) tellGaps(ctx context.Context, now time.Time) error {
	gaps, err := c.c.Store.Read().Gaps(ctx, now.Add(-gapAfter), 100)
	if err != nil {
		return fmt.Errorf("look for gaps: %w", err)
	}
	for _, g := range gaps {
		told := false
		err := c.c.Store.Write(ctx, func(tx *store.Tx) error {
			if _, err := tx.LockKiosk(ctx, g.Kiosk); err != nil {
				return fmt.Errorf("hold kiosk: %w", err)
			}
			if told, err = tx.SetAlarmed(ctx, g); err != nil || !told {
				return err
			}
			return journal.Add(ctx, tx, g.Kiosk, "", "", now, journey.Event{
				ID: c.c.NewID(), Name: journey.CentreSequenceGap, Result: journey.Fail, Started: g.Since, Ended: now,
				Detail: map[string]string{"epoch": g.Epoch, "from": strconv.FormatUint(g.From, 10), "to": strconv.FormatUint(g.To, 10)},
			})
		})
		if err != nil {
			return fmt.Errorf("tell of a gap: %w", err)
		}
		if told {
			c.c.Log.ErrorContext(ctx, "records of a kiosk are missing, and later ones wait for them", "code", "records_missing", "kiosk", g.Kiosk,
				"epoch", g.Epoch, "from", g.From, "to", g.To, "since", g.Since,
				"hint", "the kiosk's database lost them, or this one was restored without them; what came after is kept and not merged")
		}
	}
	return nil
}
