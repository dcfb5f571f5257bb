package agent

import (
	"context"
	"errors"
	"image"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"

	"vestibule/agent/health"
	"vestibule/agent/store"
	"vestibule/journey"
	"vestibule/models"
	"vestibule/models/face"
	"vestibule/sync/link"
	"vestibule/sync/seal"
)

// housekeeping is how often a quiet kiosk looks after itself.
const housekeeping = 30 * time.Second

// owner is the goroutine that owns the visit: everything below runs on it alone.
type owner struct {
	*Agent
	ctx    context.Context // of work: ends with Run
	disk   context.Context // of what is stored: what was begun is finished
	policy journey.Policy  // of the next visit
	models map[string]string

	v       *visit
	closed  *Problem  // the kiosk takes no visits
	probing bool      // whether it can again is being looked into
	probed  time.Time // last look

	notes   chan note
	running sync.WaitGroup
	gen     uint64 // of the work under way; notes of older work are dropped

	pending []*journey.Event      // could not be stored yet; they go first
	loose   string                // session whose end could not be stored yet
	rest    func(*store.Tx) error // … and what belongs to it: sealed
	after   *Problem              // close with this once the visit has ended

	status  link.Status
	line    Line // as noted
	clock   journey.ClockConfidence
	waiting int
	low     int       // storage: 0 fine, 1 warned, 2 full
	old     int       // queue: likewise
	late    int       // the centre's last word: likewise
	forgot  time.Time // when own visits were last looked through
	heard   time.Time // when that was
	noted   time.Time // and what of it is written down
	nextJob time.Time
	seal    *seal.PublicKey // that the visit under way seals to
	sealed  uint64          // number of the order that it came by; 0: with the bundle
	doubted time.Time       // when frames that are not the centre's were recorded last
	health  health.Registry
	shown   []health.Condition // what is wrong, as told
}

// note is what work in another goroutine tells the owner.
type note struct {
	gen uint64
	do  func()
}

// abandoned is the cause of a context that ends like a power cut: Run returns and
// leaves everything as it is. Tests use it.
var errAbandoned = errors.New("abandoned")

// Run works until ctx ends; it returns ctx's error. It is called once.
func (a *Agent) Run(ctx context.Context) error {
	defer close(a.ended)
	o := &owner{
		Agent: a, ctx: ctx, disk: context.WithoutCancel(ctx), policy: a.cfg.Policy, notes: make(chan note),
		clock: journey.ClockUnknown, models: map[string]string{},
	}
	var status <-chan link.Status
	linked := make(chan struct{})
	if a.link != nil {
		status = a.link.Watch(ctx)
		go func() {
			defer close(linked)
			_ = a.link.Run(ctx) // it ends with ctx and reports through Watch
		}()
	} else {
		close(linked)
	}
	collected := a.startCollecting(ctx)
	shown := a.startShowing(ctx)
	o.open()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		timer.Reset(time.Until(o.wake()))
		select {
		case r := <-a.inbox:
			r.reply <- r.do(o)
		case n := <-o.notes:
			if n.gen == o.gen {
				n.do()
			}
		case f := <-a.arrivals:
			f(o)
		case s, ok := <-status:
			if ok {
				o.linkStatus(s)
			} else {
				status = nil
			}
		case <-timer.C:
			o.tick()
		case <-ctx.Done():
			o.shutdown(context.Cause(ctx))
			<-linked
			<-collected
			<-shown
			o.running.Wait() // cameras and engine are let go of before Run returns
			return ctx.Err()
		}
	}
}

// open brings the kiosk up: settings, a look at itself, and a visit that a crash interrupted.
func (o *owner) open() {
	o.loadPolicy()
	o.loadSeal()
	o.loadLine()
	o.loadHeard()
	o.forgetVisits()
	self := o.selfTest()
	if err := o.recover(); err != nil {
		o.close(problemOf(err))
	} else if self != nil && o.v == nil {
		o.close(self)
	}
	o.useSeal()
	o.count()
	o.publish()
}

// shutdown ends a running visit cleanly: whoever stands here sees the screen go.
func (o *owner) shutdown(cause error) {
	if errors.Is(cause, errAbandoned) {
		if o.v != nil && o.v.cancel != nil {
			o.v.cancel()
		}
		return
	}
	if o.v != nil {
		ev := o.event(journey.KioskVisitStopped)
		ev.Detail = map[string]string{"by": "shutdown"}
		o.end("shutdown", ev)
	}
	o.states.put(State{Step: StepClosed, Path: "/closed", Problem: problem(ProblemStarting)})
}

// now is the kiosk's clock, in microseconds as it is stored.
func (o *owner) now() time.Time { return o.cfg.Now().UTC().Truncate(time.Microsecond) }

func (o *owner) newID() string {
	id, err := uuid.NewV7FromReader(o.cfg.Rand)
	if err != nil { // an injected source ran dry: the system's never does
		id = uuid.Must(uuid.NewV7())
	}
	return id.String()
}

// event begins an event of the running visit, observed and without impact.
func (o *owner) event(name journey.EventName, causes ...string) *journey.Event {
	now := o.now()
	ev := &journey.Event{
		ID: o.newID(), Kiosk: o.cfg.Kiosk, Session: store.OwnJournal, Name: name,
		Result: journey.Observed, Impact: journey.ImpactNone,
		Started: now, Ended: now, Clock: o.clock, Policy: o.policy.Version,
	}
	entry, known := journey.Lookup(name)
	ev.Source, ev.Origin = entry.Source, journey.OriginKioskUI
	if !known || entry.EmittedBy(journey.OriginAgent) {
		ev.Origin = journey.OriginAgent
	}
	if v := o.v; v != nil {
		ev.Session, ev.Policy = v.Session, v.Policy.Version
		ev.Path, ev.Attempt = v.path(), v.attempt()
		if v.Created {
			ev.Submission = v.Submission
		}
	}
	for _, c := range causes {
		if c != "" {
			ev.Causes = append(ev.Causes, c)
		}
	}
	return ev
}

// commit stores events, the visit's checkpoint and whatever more does, at once or
// not at all. Events that could not be stored wait for the next commit.
func (o *owner) commit(more func(*store.Tx) error, events ...*journey.Event) error {
	return o.commitBy(o.store.Write, more, events...)
}

type writer func(context.Context, func(*store.Tx) error) error

func (o *owner) commitBy(write writer, more func(*store.Tx) error, events ...*journey.Event) error {
	all := append(append([]*journey.Event(nil), o.pending...), events...)
	at := o.now()
	err := write(o.disk, func(tx *store.Tx) error {
		for _, ev := range all {
			order(ev)
			if ev.Session == store.OwnJournal {
				if err := tx.Ensure(ev.Session, ev.Policy, at); err != nil {
					return err
				}
			}
			if err := tx.Record(ev); err != nil {
				return err
			}
		}
		if more != nil {
			if err := more(tx); err != nil {
				return err
			}
		}
		if o.v != nil && o.v.Step != StepError && o.v.key != nil {
			sealed, err := o.v.checkpoint()
			if err != nil {
				return err
			}
			return tx.Checkpoint(o.v.Session, sealed, at)
		}
		return nil
	})
	if err != nil {
		o.pending = all
		o.cfg.Log.Error("agent: not stored", "error", err, "events", len(all))
		return err
	}
	o.pending = nil
	o.traced(all)
	if o.stored != nil {
		o.stored()
	}
	if o.v != nil {
		for _, ev := range all {
			if ev.Session == o.v.Session {
				o.v.last[ev.Name] = ev.ID
			}
		}
	}
	if o.link != nil {
		o.link.Kick()
	}
	return nil
}

// order sees to an event whose clock was set back between its beginning and its end: on paper it would have ended
// before it began, which no centre takes. What is known is when it ended, by a clock that is not to be trusted.
func order(ev *journey.Event) {
	if ev.Ended.Round(0).Before(ev.Started.Round(0)) { // the wall's clock, not the machine's, is what is written
		ev.Started, ev.Clock = ev.Ended, journey.ClockUntrusted
	}
}

// save is commit for a running visit: when it fails the visit ends with a clear error.
func (o *owner) save(more func(*store.Tx) error, events ...*journey.Event) bool {
	if err := o.commit(more, events...); err != nil {
		o.fail(problemOf(err))
		return false
	}
	return true
}

// work runs f beside the owner. What f returns runs on the owner, unless the visit
// went on without it.
func (o *owner) work(f func(ctx context.Context, tell func(func())) func()) {
	o.halt()
	ctx, cancel := context.WithCancel(o.ctx)
	o.v.cancel = cancel
	o.v.worked = o.now()
	gen := o.gen
	o.running.Add(1)
	tell := func(do func()) {
		select {
		case o.notes <- note{gen, do}:
		case <-ctx.Done():
		}
	}
	go func() {
		defer o.running.Done()
		if done := f(ctx, tell); done != nil {
			tell(done)
		}
	}()
}

// halt stops the work under way and makes its notes void.
func (o *owner) halt() {
	o.gen++
	if o.v != nil && o.v.cancel != nil {
		o.v.cancel()
		o.v.cancel = nil
	}
}

// mindClock takes back what lies further ahead than it was ever put: the clock was set back since then, and nothing may
// wait, or stay on the screen, until it has caught up.
func (o *owner) mindClock() {
	now := o.now()
	within := func(at *time.Time, most time.Duration) {
		if limit := now.Add(most); at.After(limit) {
			*at = limit
		}
	}
	within(&o.nextJob, housekeeping)
	within(&o.probed, 0)
	if v := o.v; v != nil {
		within(&v.touched, 0)
		within(&v.asking, o.cfg.Limits.Ask)
		within(&v.until, o.resultShown())
	}
}

// wake is when something has to be done without being asked.
func (o *owner) wake() time.Time {
	o.mindClock()
	if o.nextJob.IsZero() {
		o.nextJob = o.now().Add(housekeeping)
	}
	next := o.nextJob
	if o.closed != nil && !o.probing {
		next = earlier(next, o.probed.Add(o.cfg.Limits.Probe))
	}
	if d := o.deadline(); !d.IsZero() {
		next = earlier(next, d)
	}
	// The kiosk's clock may not be the one timers run on.
	return time.Now().Add(next.Sub(o.now()))
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// deadline is when the screen acts by itself.
func (o *owner) deadline() time.Time {
	v := o.v
	switch {
	case v == nil:
		return time.Time{}
	case !v.until.IsZero():
		return v.until
	case !v.asking.IsZero():
		return v.asking
	case v.Step == StepReading || v.Step == StepChecking:
		return time.Time{} // the machine's turn; its own limits end it
	}
	return v.touched.Add(o.screenLimit())
}

func (o *owner) screenLimit() time.Duration {
	if o.v != nil && o.v.Policy.ScreenLimit > 0 {
		return o.v.Policy.ScreenLimit
	}
	return journey.DefaultPolicy().ScreenLimit
}

func (o *owner) resultShown() time.Duration {
	if o.v != nil && o.v.Policy.ResultShown > 0 {
		return o.v.Policy.ResultShown
	}
	return journey.DefaultPolicy().ResultShown
}

// tick does what is due.
func (o *owner) tick() {
	o.mindClock()
	now := o.now()
	if d := o.deadline(); !d.IsZero() && !now.Before(d) {
		o.expire()
	}
	if o.closed != nil && !o.probing && !now.Before(o.probed.Add(o.cfg.Limits.Probe)) {
		o.probe()
	}
	if !now.Before(o.nextJob) {
		o.nextJob = now.Add(housekeeping)
		o.housekeep()
	}
}

// expire is what a screen does when its time is over.
func (o *owner) expire() {
	v := o.v
	switch {
	case v.Step == StepResult:
		o.end("completed")
	case v.Step == StepError:
		o.end("error")
	case v.asking.IsZero():
		v.asking = o.now().Add(o.cfg.Limits.Ask)
		if o.save(nil, o.event(journey.KioskAskedIfPresent)) {
			o.publish()
		}
	default:
		o.end("timed-out", o.event(journey.KioskVisitTimedOut, v.last[journey.KioskAskedIfPresent]))
	}
}

// publish shows the present state.
func (o *owner) publish() {
	s := State{Online: o.status.Online, Waiting: o.waiting, Health: o.shown, Step: StepAttract, Path: "/"}
	switch v := o.v; {
	case v != nil:
		s.Step, s.Path, s.Session, s.Language = v.Step, v.path(), v.Session, v.Language
		s.Attempt, s.MaxAttempts = v.attempt(), maxAttempts(v.Policy)
		s.Retake, s.RetakeVariant = v.Retake, v.RetakeVariant
		s.Deadline, s.Asking = o.deadline(), !v.asking.IsZero()
		s.Problem, s.Outcome = v.problem, v.outcome
		if v.Step == StepDocument || v.Step == StepSelfie {
			s.Hint, s.Outline, s.Face, s.Challenge = v.live.Hint, v.live.Outline, v.live.Face, v.live.Challenge
			s.Progress, s.ByHand, s.Lights = v.live.Progress, v.live.ByHand, v.live.Lights
		}
		s.OtherSide = v.Step == StepDocument && v.first != nil
		if v.Step == StepReview && !v.paused {
			r := v.reviewed()
			s.Review = &r
		}
		if v.Step == StepReading || v.Step == StepChecking {
			s.Progress = 0.5
		}
	case o.closed != nil:
		s.Step, s.Path, s.Problem = StepClosed, "/closed", o.closed
	}
	o.states.put(s)
}

// count looks how many submissions wait for the centre.
func (o *owner) count() {
	if n, err := o.store.Waiting(o.disk); err == nil {
		o.waiting = n
	}
}

// close takes no visits until a look finds that they are possible again.
func (o *owner) close(p *Problem) {
	if o.closed != nil && o.closed.Code == p.Code {
		return
	}
	o.closed, o.probed = p, o.now()
	ev := o.event(journey.KioskClosed)
	ev.Result, ev.Impact, ev.Detail = journey.Fail, journey.ImpactBlocked, map[string]string{"problem": p.Code}
	_ = o.commit(nil, ev) // kept for later when it cannot be stored
	o.look()
}

// probe looks whether a closed kiosk can open again.
func (o *owner) probe() {
	o.probing = true
	code := o.closed.Code
	o.running.Add(1)
	go func() {
		defer o.running.Done()
		err := o.healthy(code)
		f := func(o *owner) {
			o.probing, o.probed = false, o.now()
			if o.closed == nil || err != nil {
				return
			}
			if o.loose != "" {
				o.tieUp()
			}
			if o.loose != "" || o.commit(nil) != nil {
				return // what was not stored goes first
			}
			o.closed = nil
			_ = o.commit(nil, o.event(journey.KioskOpened))
			o.look()
			o.publish()
		}
		select {
		case o.arrivals <- f:
		case <-o.ctx.Done():
		}
	}()
}

// healthy looks at what a problem was about.
func (o *owner) healthy(code string) error {
	ctx, cancel := context.WithTimeout(o.ctx, o.cfg.Limits.Engine)
	defer cancel()
	switch code {
	case ProblemStoreFull, ProblemStoreFailed:
		used, limit, err := o.store.Space(ctx)
		if err != nil {
			return err
		}
		if float64(used) > reopenAt*float64(limit) {
			return store.ErrFull
		}
		return nil
	case ProblemPolicyOld:
		return problem(code) // watchPolicy opens it
	case ProblemStoreCorrupt:
		return store.ErrCorrupt // a restart with recovery is needed
	case ProblemModelMissing, ProblemWorkerLost:
		_, err := o.cfg.Engine.Versions(ctx)
		return err
	}
	return o.tryCameras(ctx)
}

// tryCameras takes one frame of each camera.
func (o *owner) tryCameras(ctx context.Context) error {
	cams := []cameraOf{{o.cfg.DocumentCamera, "document"}}
	if o.cfg.FaceCamera != o.cfg.DocumentCamera {
		cams = append(cams, cameraOf{o.cfg.FaceCamera, "face"})
	}
	for _, c := range cams {
		if err := c.try(ctx, o.cfg.Capture.WithDefaults()); err != nil {
			return err
		}
	}
	return nil
}

// selfTest looks at the kiosk before the first visit.
func (o *owner) selfTest() *Problem {
	ev := o.event(journey.KioskSelfTest)
	ctx, cancel := context.WithTimeout(o.ctx, o.cfg.Limits.Engine)
	defer cancel()
	ev.Detail = map[string]string{"clock": string(o.clock)}
	versions, err := o.cfg.Engine.Versions(ctx)
	var found *Problem
	switch {
	case errors.Is(err, models.ErrModel):
		found = problem(ProblemModelMissing)
	case err != nil:
		found = problem(ProblemWorkerLost)
	default:
		o.models = versions
		if o.cfg.TestCameras {
			found = problemOf(o.tryCameras(ctx))
		}
	}
	if used, limit, err := o.store.Space(o.disk); err == nil && limit > 0 {
		ev.Detail["storage"] = strconv.FormatInt(100*used/limit, 10)
		if float64(used) > fullAt*float64(limit) {
			found = problem(ProblemStoreFull)
		}
	}
	ev.Ended, ev.Result, ev.Models = o.now(), journey.Pass, o.models
	if found != nil {
		ev.Result, ev.Detail["problem"] = journey.Fail, found.Code
	}
	events := []*journey.Event{ev}
	if c := o.tellCalibration(); c != nil {
		events = append(events, c)
	}
	_ = o.commit(nil, events...)
	return found
}

// tellCalibration reports which calibration of the liveness check is in force, or why
// the one that is there is not.
func (o *owner) tellCalibration() *journey.Event {
	c := o.cfg.Calibration
	if c == nil {
		return nil
	}
	ev := o.event(journey.KioskLivenessHead)
	ev.Result, ev.Detail, ev.Models = journey.Pass, c.Detail(), o.models
	known := slices.Contains(slices.Collect(maps.Values(o.models)), c.Head.Model)
	switch {
	case c.Camera != o.cfg.FaceCamera.Name():
		ev.Result, ev.Detail["why"] = journey.Skipped, "other-camera"
	case len(o.models) > 0 && !known:
		ev.Result, ev.Detail["why"] = journey.Skipped, "other-network"
	}
	if ev.Result == journey.Skipped {
		o.cfg.Log.Warn("agent: the calibration of the liveness check does not fit and is not used; calibrate again", "why", ev.Detail["why"])
	}
	return ev
}

// headFor is the calibrated head when it fits the camera and the network that these
// faces were measured with.
func (o *owner) headFor(faces []models.Face) *face.Head {
	c := o.cfg.Calibration
	if c == nil || c.Camera != o.cfg.FaceCamera.Name() {
		return nil
	}
	for _, f := range faces {
		if f.Found && f.LiveModel != c.Head.Model {
			return nil
		}
	}
	return &c.Head
}

// showPicture passes live pictures on. It is called from a capture's goroutine.
func (a *Agent) showPicture(p *image.NRGBA, seq uint64, at time.Time) {
	a.pictures.put(Picture{Image: p, Seq: seq, At: at})
}
