package agent

import (
	"context"
	"crypto"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"vestibule/agent/calibration"
	"vestibule/agent/capture"
	"vestibule/agent/store"
	"vestibule/hardware/camera"
	"vestibule/journey"
	"vestibule/models"
	"vestibule/sync/link"
	"vestibule/sync/seal"
	"vestibule/sync/trace"
	"vestibule/sync/wire"
)

// Config says what an agent works with. Dir, Kiosk, Site, both cameras, Engine
// and Seal are needed; everything else has a default.
type Config struct {
	Dir   string // of the kiosk's database; made with mode 0700
	Kiosk string // name in the kiosk's certificate
	Site  Site

	DocumentCamera camera.Camera
	FaceCamera     camera.Camera // may be the same device
	Engine         models.Engine
	Seal           *seal.PublicKey // of the centre, until it has ordered another

	Policy journey.Policy // until the centre has sent one; zero: journey.DefaultPolicy
	Text   string         // version of the consent text on the screen, for the record
	Uplink Uplink         // to the centre; without a Transport this kiosk stays offline

	// Centre vouches for a centre's certificate: for what a courier brought, and for policies; nil: none are taken.
	Centre wire.CentreKey

	// Calibration is what the face camera's passive liveness was calibrated to; nil: nothing.
	Calibration *calibration.Calibration

	// TestCameras opens both cameras at start, so that a kiosk without them is closed
	// and not found out by a person. A recording must not be opened for nothing.
	TestCameras bool

	Limits  Limits
	Capture capture.Options
	Store   store.Options
	KeyDir  string // where the running visit's key lies; empty: Dir. A memory file system forgets it at a power cut.

	// Expires tells when the kiosk's certificate ends; nil: it has none. Temperature is the machine's, °C, where it can
	// be read; nil: nowhere. Both are asked now and then.
	Expires func() time.Time
	// Renewal tells how much of the certificate's life is over, 0..1, and the code of why it could not be renewed
	// last; nil: nobody renews it.
	Renewal     func() (spent float64, failed string)
	Temperature func() (celsius float64, ok bool)

	Now  func() time.Time // default time.Now
	Rand io.Reader        // default crypto/rand: challenges, keys, ids
	Log  *slog.Logger     // default: discards

	Trace *trace.Tracer // told how long what took; may be nil
}

// Uplink is what the link to the centre needs.
type Uplink struct {
	Transport link.Transport // nil: offline
	Signer    crypto.Signer  // of the kiosk's certificate
	Release   string         // of this program, shown by the centre
	Tuning    link.Tuning
	// Certificate is the kiosk's newest, DER. Where it is set, the people of the kiosk's branch are shown, signed, how it
	// stands; nil: it stands behind no branch's box.
	Certificate func() []byte
}

// Site is where the kiosk stands.
type Site struct {
	Country string // ISO 3166-1 alpha-3
}

// Limits are the times that no policy sets.
type Limits struct {
	Ask       time.Duration // how long "are you still there?" waits, default 15 s
	Recover   time.Duration // how old a visit may be to go on after a crash, default 2 min
	Engine    time.Duration // one reading, default 30 s
	Probe     time.Duration // between looks whether a closed kiosk can open, default 5 s
	Retention time.Duration // how long finished sessions are kept after all was acknowledged, default 24 h
	Visits    int           // started an hour, default 120
	QueueAge  time.Duration // of the oldest record not yet at the centre, warned of at 80 %, default 30 days
}

func (l Limits) withDefaults() Limits {
	set := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	set(&l.Ask, 15*time.Second)
	set(&l.Recover, 2*time.Minute)
	set(&l.Engine, 30*time.Second)
	set(&l.Probe, 5*time.Second)
	set(&l.Retention, 24*time.Hour)
	set(&l.QueueAge, 30*24*time.Hour)
	if l.Visits <= 0 {
		l.Visits = 120
	}
	return l
}

func (c *Config) check() error {
	switch {
	case c.Dir == "":
		return errors.New("agent: no directory")
	case c.Kiosk == "":
		return errors.New("agent: no kiosk name")
	case len(c.Site.Country) != 3:
		return errors.New("agent: the site's country must be an ISO 3166-1 alpha-3 code")
	case c.DocumentCamera == nil || c.FaceCamera == nil:
		return &Problem{Code: ProblemCameraMissing, Message: "No camera is configured.", Hint: "Connect the cameras and name them in the configuration."}
	case c.Engine == nil:
		return errors.New("agent: no vision engine")
	case c.Seal == nil:
		return errors.New("agent: no key of the centre to seal to")
	}
	if c.Policy.Version == "" {
		c.Policy = journey.DefaultPolicy()
	}
	if c.KeyDir == "" {
		c.KeyDir = c.Dir
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Store.Now == nil {
		c.Store.Now = c.Now
	}
	c.Limits = c.Limits.withDefaults()
	return nil
}

// Agent runs one kiosk.
type Agent struct {
	cfg   Config
	store *store.Store
	link  *link.Uplink

	inbox     chan request
	states    *board[State]
	pictures  *board[Picture]
	arrivals  chan func(*owner) // what the link brought
	ended     chan struct{}
	acked     atomic.Bool  // the centre has more since this was looked at
	visiting  atomic.Value // string: submission of the visit under way
	unadvised atomic.Bool  // the policy wants no duplicates noted here
	stored    func()       // tests: called after every commit, on the owner's goroutine
}

var _ Kiosk = (*Agent)(nil)

// New opens the kiosk's store. A damaged store is reported as a Problem with
// code store_corrupt and left untouched; see store.Recover.
func New(cfg Config) (*Agent, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	st, err := store.Open(cfg.Dir, cfg.Kiosk, cfg.Store)
	if err != nil {
		return nil, problemOf(err)
	}
	a := &Agent{
		cfg:      cfg,
		store:    st,
		inbox:    make(chan request),
		states:   newBoard[State](),
		pictures: newBoard[Picture](),
		arrivals: make(chan func(*owner), 256),
		ended:    make(chan struct{}),
	}
	a.cfg.Log = slog.New(trace.Logs(cfg.Log.Handler(), a.visited))
	if cfg.Uplink.Transport != nil {
		if err := a.openLink(); err != nil {
			return nil, errors.Join(fmt.Errorf("agent: link: %w", err), st.Close())
		}
	}
	a.states.put(State{Step: StepClosed, Problem: &Problem{Code: ProblemStarting, Message: "The kiosk is starting.", Hint: "Please wait a moment."}})
	return a, nil
}

// Close releases the store. Run must have returned.
func (a *Agent) Close() error { return a.store.Close() }

// request is one thing asked of the goroutine that owns the visit.
type request struct {
	do    func(*owner) error
	reply chan error
}

// ask runs f on the owner's goroutine.
func (a *Agent) ask(ctx context.Context, f func(*owner) error) error {
	r := request{do: f, reply: make(chan error, 1)}
	select {
	case a.inbox <- r:
	case <-a.ended:
		return ErrEnded
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-r.reply:
		return err
	case <-a.ended:
		return ErrEnded
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ErrEnded is returned once Run has returned.
var ErrEnded = errors.New("the agent has ended")

// Do carries a command out; see Kiosk.
func (a *Agent) Do(ctx context.Context, c Command) error {
	return a.ask(ctx, func(o *owner) error { return o.command(c) })
}

// Observe records what the screen showed or did; see Kiosk. Names that only a
// command or the agent itself can bring about are recorded with that command, so
// observing them too changes nothing.
func (a *Agent) Observe(ctx context.Context, name journey.EventName, path string, detail map[string]string) error {
	return a.ask(ctx, func(o *owner) error { return o.observe(name, path, detail) })
}

// Watch delivers states; see Kiosk.
func (a *Agent) Watch(ctx context.Context) <-chan State { return a.states.watch(ctx, true) }

// Preview delivers live pictures; see Kiosk.
func (a *Agent) Preview(ctx context.Context) <-chan Picture { return a.pictures.watch(ctx, false) }

// Recover moves a damaged store aside, untouched, so that New can begin a new
// one, and tells where it lies now. Nothing is deleted.
func Recover(cfg Config) (string, error) {
	now := cfg.Now
	if now == nil {
		now = time.Now
	}
	return store.Recover(cfg.Dir, now())
}
