package setup

import (
	"context"
	"errors"
	"image"
	"log/slog"
	"sync"
	"time"

	"vestibule/agent"
	"vestibule/hardware/camera"
	"vestibule/models"
	"vestibule/sync/fault"
	"vestibule/sync/identity"
)

// Step is where a set-up stands.
type Step string

// The steps.
const (
	Asking    Step = "asking"    // for an invitation: typed, or shown to the camera
	Enrolling Step = "enrolling" // the centre is being asked
	Waiting   Step = "waiting"   // it could not be asked; it will be again, by itself
	Done      Step = "done"
)

// State is what a screen shows. It holds no secret.
type State struct {
	Step     Step
	Address  string         // of the centre, as far as it is known
	Kept     bool           // an invitation is there that may be tried again
	Scanning bool           // the camera looks for a code
	Blind    string         // the code of what keeps the camera from that; empty: nothing, or there is none
	Problem  *agent.Problem // what went wrong last
	Again    time.Time      // Waiting: when it is tried next
	Kiosk    string         // Done: the name that the token gave
}

// Eyes read codes.
type Eyes interface {
	ReadQR(ctx context.Context, f models.Frame) ([]byte, error)
}

// Config is what a set-up works with.
type Config struct {
	Dir     string        // for the identity
	Address string        // of the centre, where it is known beforehand
	Keys    identity.Keys // where the kiosk's key is made
	Camera  camera.Camera // nil: codes cannot be shown
	// Eyes starts what looks at its pictures; it ends with ctx. Not asked without a camera.
	Eyes func(ctx context.Context) (Eyes, error)
	// Enrol has the centre certify this kiosk's key; default identity.Enrol.
	Enrol func(ctx context.Context, dir string, i identity.Invitation) (*identity.Bundle, error)
	Now   func() time.Time
	Log   *slog.Logger
}

// How long after a try that failed the next one is made, at first and at most.
const (
	firstAgain = 5 * time.Second
	lastAgain  = time.Minute
)

// Setup is one kiosk's set-up. Its methods may be called from any goroutine.
type Setup struct {
	cfg      Config
	pictures chan agent.Picture

	mu       sync.Mutex
	state    State
	invited  *identity.Invitation
	refused  string // text of the code that did not help: it may still be before the camera
	watchers map[chan State]struct{}
	wake     chan struct{} // of size 1: somebody gave an invitation, or wants to do so
}

// New makes a set-up. It goes on with an invitation that was kept.
func New(cfg Config) *Setup {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Enrol == nil {
		cfg.Enrol = func(ctx context.Context, dir string, i identity.Invitation) (*identity.Bundle, error) {
			return identity.Enrol(ctx, dir, i.Address, i.Token, cfg.Keys, cfg.Now)
		}
	}
	s := &Setup{cfg: cfg, pictures: make(chan agent.Picture, 1), watchers: map[chan State]struct{}{}, wake: make(chan struct{}, 1)}
	s.state = State{Step: Asking, Address: cfg.Address}
	if i, ok := identity.Kept(cfg.Dir); ok {
		s.invited = &i
		s.state = State{Step: Enrolling, Address: i.Address, Kept: true}
	}
	return s
}

// Run goes through the set-up until the kiosk has its identity or ctx ends. The camera is closed when it returns.
func (s *Setup) Run(ctx context.Context) (*identity.Bundle, error) {
	ctx, stop := context.WithCancel(ctx)
	var looking sync.WaitGroup
	defer looking.Wait()
	defer stop()
	if s.cfg.Camera != nil && s.cfg.Eyes != nil {
		looking.Go(func() { s.look(ctx) })
	}
	again := firstAgain
	for {
		i, ok := s.next()
		if !ok {
			select {
			case <-s.wake:
				again = firstAgain
				continue
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		b, err := s.try(ctx, i)
		if err == nil {
			s.change(func(st *State) { *st = State{Step: Done, Address: i.Address, Kiosk: b.Name} })
			return b, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		p := problemOf(err)
		s.cfg.Log.Warn("this kiosk was not enrolled", "code", p.Code, "error", err)
		if !passes(p.Code) {
			s.refuse(i, p)
			continue
		}
		s.change(func(st *State) {
			st.Step, st.Problem, st.Again = Waiting, p, s.cfg.Now().Add(again)
		})
		t := time.NewTimer(again)
		select {
		case <-t.C:
			again = min(2*again, lastAgain)
		case <-s.wake:
			again = firstAgain
		case <-ctx.Done():
		}
		t.Stop()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
}

// next is the invitation to be tried now, if there is one. From here on it is being tried, and whoever gave it
// need not wake anybody any more.
func (s *Setup) next() (identity.Invitation, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.invited == nil || s.state.Step == Asking {
		return identity.Invitation{}, false
	}
	select {
	case <-s.wake:
	default:
	}
	i := *s.invited
	s.tell(func(st *State) {
		st.Step, st.Address, st.Kept, st.Problem, st.Again = Enrolling, i.Address, true, nil, time.Time{}
	})
	return i, true
}

func (s *Setup) try(ctx context.Context, i identity.Invitation) (*identity.Bundle, error) {
	if err := i.Keep(s.cfg.Dir); err != nil {
		return nil, err
	}
	return s.cfg.Enrol(ctx, s.cfg.Dir, i)
}

// refuse ends the tries with an invitation. A token that is of no more use is forgotten, for good.
func (s *Setup) refuse(i identity.Invitation, p *agent.Problem) {
	gone := spent(p.Code)
	if gone {
		if err := identity.Forget(s.cfg.Dir); err != nil {
			s.cfg.Log.Warn("the token stays on the disk", "error", err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused = i.String()
	if gone {
		s.invited = nil
	}
	s.tell(func(st *State) { st.Step, st.Problem, st.Kept = Asking, p, !gone })
}

// Invite takes what somebody typed: the centre's address and the token, or an invitation's whole text in either. It
// returns what is wrong with the form, or nil and goes on to enrol.
func (s *Setup) Invite(address, token string) *agent.Problem {
	for _, whole := range []string{token, address} {
		if i, err := identity.ParseInvitation(whole); err == nil {
			s.take(i)
			return nil
		}
	}
	at, err := identity.CheckAddress(address)
	if err != nil {
		return problemOf(err)
	}
	t, err := identity.ParseToken(token)
	if err != nil {
		return problemOf(err)
	}
	s.take(identity.Invitation{Address: at, Token: t})
	return nil
}

// Again tries the kept invitation once more, now.
func (s *Setup) Again() {
	s.mu.Lock()
	i := s.invited
	s.mu.Unlock()
	if i != nil {
		s.take(*i)
	}
}

// Ask stops trying and asks for another invitation. One that is on its way to the centre is not called back.
func (s *Setup) Ask() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.Step == Waiting {
		s.tell(func(st *State) { st.Step, st.Again = Asking, time.Time{} })
		s.stir()
	}
}

func (s *Setup) take(i identity.Invitation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.Step == Enrolling || s.state.Step == Done { // one after the other
		return
	}
	s.invited = &i
	s.tell(func(st *State) { st.Step, st.Address, st.Kept, st.Problem = Enrolling, i.Address, true, nil })
	s.stir()
}

func (s *Setup) stir() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// State is where the set-up stands.
func (s *Setup) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// Watch gives the present state and each later one until ctx ends; a slow watcher misses those in between.
func (s *Setup) Watch(ctx context.Context) <-chan State {
	c := make(chan State, 1)
	s.mu.Lock()
	c <- s.state
	s.watchers[c] = struct{}{}
	s.mu.Unlock()
	context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.watchers, c)
		close(c)
	})
	return c
}

// Preview gives the camera's live pictures, for one watcher.
func (s *Setup) Preview() <-chan agent.Picture { return s.pictures }

func (s *Setup) change(f func(*State)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tell(f)
}

// tell is change with the lock held.
func (s *Setup) tell(f func(*State)) {
	f(&s.state)
	for c := range s.watchers {
		select {
		case <-c:
		default:
		}
		c <- s.state
	}
}

// problemOf shows an error of package identity as the kiosk's own are shown.
func problemOf(err error) *agent.Problem {
	var f *fault.Fault
	if errors.As(err, &f) {
		return &agent.Problem{Code: f.Code, Message: f.Message, Hint: f.Hint}
	}
	return &agent.Problem{Code: "enrolment_failed", Message: "This kiosk could not enrol.", Hint: "See the log; nothing is lost, and the token stays good for this kiosk."}
}

// passes reports whether a refusal may pass by itself, so that the same is tried again.
func passes(code string) bool {
	switch code {
	case "enrolment_unreachable", "enrolment_busy", "enrolment_failed", "enrolment_clock":
		return true
	}
	return false
}

// spent reports whether a token will never be of use again.
func spent(code string) bool {
	switch code {
	case "token_unknown", "token_expired", "token_used", "kiosk_revoked", "kiosk_exists":
		return true
	}
	return false
}

// preview is the largest live picture.
func preview() image.Point { return image.Pt(640, 480) }
