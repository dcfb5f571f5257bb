package worker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"vestibule/models"
	"vestibule/models/manifest"
	"vestibule/models/qr"
)

// Defaults of a Config.
const (
	DefaultMemory  = 1536 << 20
	defaultHeap    = 384 << 20
	defaultStart   = 30 * time.Second
	defaultGlance  = 5 * time.Second
	defaultFace    = 10 * time.Second
	defaultReading = 45 * time.Second
	firstBackoff   = 100 * time.Millisecond
	lastBackoff    = 10 * time.Second
	stderrTail     = 4 << 10
)

// Config says how the child is run. Command is required, everything else has a default.
type Config struct {
	// Command is the child's argv: this binary and its worker subcommand, which
	// hands its arguments to Main. Start appends flags.
	Command   []string
	ModelsDir string // default manifest.Dir()
	// Memory bounds the child's data (RLIMIT_DATA), bytes.
	Memory int64
	// Time-outs. A call that is not answered within its own is lost, and the
	// child with it, since it hangs.
	StartTimeout, GlanceTimeout, FaceTimeout, DocumentTimeout time.Duration
	// OnState is told when the child comes up or goes down. It is called from
	// one goroutine, in order, and must not call the Client.
	OnState func(State)
	Log     *slog.Logger // default: nothing is logged
	// Now is the clock of State.Since; default time.Now.
	Now func() time.Time
}

// State is the health of the child.
type State struct {
	Up       bool
	PID      int // 0 while it is down
	Restarts int // since Start
	Since    time.Time
	Why      string   // why it went down last
	Cage     []string // what holds it: no-network, no-files, …
}

// Client is a models.Engine in a child process.
type Client struct {
	cfg   Config
	codec codec
	stop  context.CancelFunc
	done  chan struct{} // closed when the supervisor has ended

	readings   atomic.Int32 // of documents under way: no previews meanwhile
	previewing atomic.Bool  // one at a time

	mu     sync.Mutex
	child  *child        // nil while down
	change chan struct{} // closed and replaced whenever child or final changes
	state  State
	final  error // set when no child will ever come up again
}

var _ models.Engine = (*Client)(nil)

// Start starts the child and waits until it is ready. It fails when the first
// child cannot be started or its networks cannot be loaded (models.ErrModel).
// The child is kept up until Close or until ctx ends.
func Start(ctx context.Context, cfg Config) (*Client, error) {
	if len(cfg.Command) == 0 {
		return nil, errors.New("start vision worker: no command given")
	}
	if cfg.ModelsDir == "" {
		cfg.ModelsDir = manifest.Dir()
	}
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	def(&cfg.StartTimeout, defaultStart)
	def(&cfg.GlanceTimeout, defaultGlance)
	def(&cfg.FaceTimeout, defaultFace)
	def(&cfg.DocumentTimeout, defaultReading)
	if cfg.Memory <= 0 {
		cfg.Memory = DefaultMemory
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.OnState == nil {
		cfg.OnState = func(State) {}
	}
	cc, err := newCodec()
	if err != nil {
		return nil, fmt.Errorf("start vision worker: %w", err)
	}
	ctx, stop := context.WithCancel(ctx)
	c := &Client{cfg: cfg, codec: cc, stop: stop, done: make(chan struct{}), change: make(chan struct{})}
	first := make(chan error, 1)
	go c.supervise(ctx, first)
	if err := <-first; err != nil {
		stop()
		<-c.done
		return nil, fmt.Errorf("start vision worker: %w", err)
	}
	return c, nil
}

// State returns the child's health.
func (c *Client) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// Close ends the child. Calls in flight and later ones fail with models.ErrWorker.
func (c *Client) Close() error {
	c.stop()
	<-c.done
	return nil
}

// Glance looks at one live frame.
func (c *Client) Glance(ctx context.Context, f models.Frame, aim models.Aim) (models.Glance, error) {
	r, err := c.call(ctx, request{Op: opGlance, Aim: aim, Frames: []models.Frame{f}}, c.cfg.GlanceTimeout)
	if err != nil {
		return models.Glance{}, err
	}
	if r.Glance == nil {
		return models.Glance{}, fmt.Errorf("%w: empty answer", models.ErrWorker)
	}
	return *r.Glance, nil
}

// ReadDocument reads one side of a document.
func (c *Client) ReadDocument(ctx context.Context, frames []models.Frame) (models.Document, error) {
	c.readings.Add(1)
	defer c.readings.Add(-1)
	r, err := c.call(ctx, request{Op: opDocument, Frames: frames}, c.cfg.DocumentTimeout)
	if err != nil {
		return models.Document{}, err
	}
	if r.Document == nil {
		return models.Document{}, fmt.Errorf("%w: empty answer", models.ErrWorker)
	}
	return *r.Document, nil
}

// Examine looks closer at one side of a document.
func (c *Client) Examine(ctx context.Context, frames []models.Frame, looks models.Looks) (models.Examination, error) {
	r, err := c.call(ctx, request{Op: opExamine, Frames: frames, Looks: looks}, c.cfg.DocumentTimeout)
	if err != nil {
		return models.Examination{}, err
	}
	if r.Examination == nil {
		return models.Examination{}, fmt.Errorf("%w: empty answer", models.ErrWorker)
	}
	return *r.Examination, nil
}

// ReadFace measures the largest face of a frame.
func (c *Client) ReadFace(ctx context.Context, f models.Frame) (models.Face, error) {
	r, err := c.call(ctx, request{Op: opFace, Frames: []models.Frame{f}}, c.cfg.FaceTimeout)
	if err != nil {
		return models.Face{}, err
	}
	if r.Face == nil {
		return models.Face{}, fmt.Errorf("%w: empty answer", models.ErrWorker)
	}
	return *r.Face, nil
}

// ReadQR reads the QR code in a frame; nil without one.
func (c *Client) ReadQR(ctx context.Context, f models.Frame) ([]byte, error) {
	r, err := c.call(ctx, request{Op: opQR, Frames: []models.Frame{f}}, c.cfg.GlanceTimeout)
	if err != nil {
		return nil, err
	}
	if len(r.QR) > qr.MaxData {
		return nil, fmt.Errorf("%w: a code of %d bytes", models.ErrWorker, len(r.QR))
	}
	return r.QR, nil
}

// Preview makes a live picture of a frame, no larger than width × height. It
// never stands in the way of a reading: it gives nothing (and no error) while a
// document is read or another preview is under way, and it does not wait for a
// child that is down.
func (c *Client) Preview(ctx context.Context, f models.Frame, width, height int) (*image.NRGBA, error) {
	r := request{Op: opPreview, Frames: []models.Frame{f}, Width: width, Height: height}
	if err := refuse(r); err != nil {
		return nil, err
	}
	if c.readings.Load() > 0 || !c.previewing.CompareAndSwap(false, true) {
		return nil, nil
	}
	defer c.previewing.Store(false)
	c.mu.Lock()
	k, why := c.child, c.state.Why
	c.mu.Unlock()
	if k == nil {
		return nil, fmt.Errorf("%w: %s", models.ErrWorker, why)
	}
	a, err := k.call(ctx, r, c.cfg.GlanceTimeout)
	if errors.Is(err, errNotSent) {
		return nil, k.why()
	}
	if err != nil {
		return nil, err
	}
	p := a.Live
	if p == nil || p.Width < 1 || p.Height < 1 || p.Width > width || p.Height > height || len(p.Pix) != 4*p.Width*p.Height {
		return nil, fmt.Errorf("%w: empty answer", models.ErrWorker)
	}
	return &image.NRGBA{Pix: p.Pix, Stride: 4 * p.Width, Rect: image.Rect(0, 0, p.Width, p.Height)}, nil
}

// Versions names the networks in use.
func (c *Client) Versions(ctx context.Context) (map[string]string, error) {
	r, err := c.call(ctx, request{Op: opVersions}, c.cfg.GlanceTimeout)
	if err != nil {
		return nil, err
	}
	return r.Versions, nil
}

// call sends a request to the child, waiting for one to be up first.
func (c *Client) call(ctx context.Context, r request, limit time.Duration) (*response, error) {
	if err := refuse(r); err != nil {
		return nil, err
	}
	// While a child is being restarted the call waits: that is what makes the
	// next call after a crash work.
	wait := time.NewTimer(limit)
	defer wait.Stop()
	for {
		c.mu.Lock()
		k, change, final, why := c.child, c.change, c.final, c.state.Why
		c.mu.Unlock()
		if final != nil {
			return nil, final
		}
		if k != nil {
			a, err := k.call(ctx, r, limit)
			if !errors.Is(err, errNotSent) {
				return a, err
			}
			// It died before this call; the supervisor is about to say so.
		}
		select {
		case <-change:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-wait.C:
			return nil, fmt.Errorf("%w: not up again after %s: %s", models.ErrWorker, limit, why)
		}
	}
}

// refuse checks a request's frames before any byte is copied.
func refuse(r request) error {
	if (r.Op == opDocument || r.Op == opExamine) && (len(r.Frames) == 0 || len(r.Frames) > maxFrames) {
		return fmt.Errorf("%w: %d frames, want 1..%d", models.ErrFrame, len(r.Frames), maxFrames)
	}
	sum := 0
	for _, f := range r.Frames {
		if len(f.Pix) == 0 || len(f.Pix) > models.MaxFrameBytes || len(f.Format) > 16 {
			return fmt.Errorf("%w: %d bytes, want 1..%d", models.ErrFrame, len(f.Pix), models.MaxFrameBytes)
		}
		if sum += len(f.Pix); sum > maxPixels {
			return fmt.Errorf("%w: frames of more than %d bytes together", models.ErrFrame, maxPixels)
		}
	}
	return nil
}

// supervise keeps a child up.
func (c *Client) supervise(ctx context.Context, first chan<- error) {
	// A child's parent-death signal fires when the thread that started it ends,
	// so this goroutine keeps its thread as long as it has children.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(c.done)
	failures := 0 // starts in a row after which not one call was answered
	for {
		k, cage, err := c.spawn(ctx)
		if err == nil {
			c.set(k, State{Up: true, PID: k.cmd.Process.Pid, Cage: cage}, nil)
			if first != nil {
				first <- nil
				first = nil
			}
			select {
			case <-k.gone:
			case <-ctx.Done():
				k.kill("the client was closed")
				<-k.gone
			}
			err = k.why()
			if k.answered() {
				failures = 0
			}
		}
		if ctx.Err() != nil {
			c.set(nil, State{Why: "closed"}, fmt.Errorf("%w: closed", models.ErrWorker))
			if first != nil {
				first <- ctx.Err()
			}
			return
		}
		c.cfg.Log.Warn("vision worker is down", "why", err, "failures", failures)
		if first != nil {
			c.set(nil, State{Why: err.Error()}, err)
			first <- err
			return
		}
		c.set(nil, State{Why: err.Error()}, nil)
		if failures > 0 {
			t := time.NewTimer(min(firstBackoff<<min(failures-1, 10), lastBackoff))
			select {
			case <-t.C:
			case <-ctx.Done():
				t.Stop()
			}
		}
		failures++
	}
}

// set publishes a new state and wakes the calls that wait for it.
func (c *Client) set(k *child, s State, final error) {
	c.mu.Lock()
	s.Since = c.cfg.Now()
	s.Restarts = c.state.Restarts
	if s.Up && !c.state.Since.IsZero() {
		s.Restarts++
	}
	if s.Why == "" {
		s.Why = c.state.Why
	}
	c.state, c.child, c.final = s, k, final
	close(c.change)
	c.change = make(chan struct{})
	c.mu.Unlock()
	c.cfg.OnState(s)
}

// spawn starts one child and waits for its hello.
func (c *Client) spawn(ctx context.Context) (*child, []string, error) {
	toChild, ours, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	theirs, fromChild, err := os.Pipe()
	if err != nil {
		toChild.Close()
		ours.Close()
		return nil, nil, err
	}
	argv := append(append([]string(nil), c.cfg.Command[1:]...),
		"-models", c.cfg.ModelsDir, "-memory", strconv.FormatInt(c.cfg.Memory, 10))
	var cmd *exec.Cmd
	tail := &tailWriter{}
	// The strictest cage this machine allows, down to none from the kernel's side.
	for _, ns := range namespaces() {
		cmd = exec.Command(c.cfg.Command[0], argv...)
		cmd.Env = []string{
			// No secrets of the parent, and no surprises from its environment.
			"GOMEMLIMIT=" + strconv.Itoa(defaultHeap),
			"GOTRACEBACK=single",
			"OPENCV_FOR_THREADS_NUM=1",
			// Few heaps; large tensors reuse them instead of asking the system
			// each time, which took a second of a document's reading.
			"MALLOC_ARENA_MAX=2",
			"MALLOC_MMAP_THRESHOLD_=33554432",
			"MALLOC_TRIM_THRESHOLD_=33554432",
			"PATH=/usr/bin:/bin",
		}
		cmd.ExtraFiles = []*os.File{toChild, fromChild} // 3 and 4
		cmd.Stderr = tail
		cmd.WaitDelay = time.Second
		cmd.SysProcAttr = ns
		if err = cmd.Start(); err == nil {
			break
		}
	}
	toChild.Close()
	fromChild.Close()
	if err != nil {
		ours.Close()
		theirs.Close()
		return nil, nil, fmt.Errorf("%w: start %s: %w", models.ErrWorker, c.cfg.Command[0], err)
	}
	k := &child{
		cmd: cmd, out: ours, in: theirs, codec: c.codec, tail: tail,
		pending: map[uint64]*pending{}, gone: make(chan struct{}),
	}
	ready := make(chan *response, 1)
	go k.receive(ready)
	t := time.NewTimer(c.cfg.StartTimeout)
	defer t.Stop()
	select {
	case r := <-ready:
		if err := r.err(); err != nil {
			k.kill(err.Error())
			<-k.gone
			return nil, nil, err
		}
		return k, r.Cage, nil
	case <-k.gone:
		return nil, nil, k.why()
	case <-t.C:
		k.kill("was not ready after " + c.cfg.StartTimeout.String())
	case <-ctx.Done():
		k.kill("the client was closed")
	}
	<-k.gone
	return nil, nil, k.why()
}

// child is one life of the worker process.
type child struct {
	cmd   *exec.Cmd
	out   *os.File // requests
	in    *os.File // responses
	codec codec
	tail  *tailWriter
	gone  chan struct{} // closed when the process has been reaped and all calls have failed

	write sync.Mutex // one request at a time

	mu      sync.Mutex
	next    uint64
	good    bool // a call was answered
	dead    bool
	reason  string // why it was killed, when this side did
	pending map[uint64]*pending
}

type pending struct {
	answer chan *response // buffered; nil means lost
	watch  *time.Timer
}

func (k *child) answered() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.good
}

func (k *child) why() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return fmt.Errorf("%w: %s", models.ErrWorker, k.reason)
}

// kill ends the process; receive notices and cleans up.
func (k *child) kill(why string) {
	k.mu.Lock()
	if k.reason == "" {
		k.reason = why
	}
	k.mu.Unlock()
	_ = k.cmd.Process.Kill()
	_ = k.out.Close()
}

// receive hands answers to their calls until the child is gone.
func (k *child) receive(ready chan<- *response) {
	for {
		r := new(response)
		err := k.codec.read(k.in, r, maxResponse)
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				k.kill(err.Error())
			}
			break
		}
		if r.ID == 0 {
			if ready == nil {
				k.kill("it said hello twice")
				break
			}
			ready <- r
			ready = nil
			continue
		}
		k.mu.Lock()
		p := k.pending[r.ID]
		delete(k.pending, r.ID)
		if p != nil {
			k.good = true
			p.watch.Stop()
			p.answer <- r
		}
		k.mu.Unlock()
	}
	_ = k.cmd.Process.Kill() // a child that stopped talking is of no use
	err := k.cmd.Wait()
	k.mu.Lock()
	k.dead = true
	if k.reason == "" {
		k.reason = "died"
		if err != nil {
			k.reason = "died: " + err.Error()
		}
		if t := k.tail.String(); t != "" {
			k.reason += ": " + t
		}
	}
	for id, p := range k.pending {
		p.watch.Stop()
		p.answer <- nil
		delete(k.pending, id)
	}
	k.mu.Unlock()
	k.in.Close()
	k.out.Close()
	close(k.gone)
}

// errNotSent says that a child was gone before a request reached it.
var errNotSent = errors.New("not sent")

// call sends one request and waits for its answer.
func (k *child) call(ctx context.Context, r request, limit time.Duration) (*response, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p := &pending{answer: make(chan *response, 1)}
	k.mu.Lock()
	k.next++
	r.ID, r.Limit = k.next, limit*9/10
	k.mu.Unlock()
	// Encoded here, so that the caller may reuse its pixels afterwards whatever happens.
	b, err := k.codec.message(r, maxRequest)
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	if k.dead {
		k.mu.Unlock()
		return nil, errNotSent
	}
	// The watch outlives a caller that gives up: a child that hangs must go
	// even when nobody waits any more.
	p.watch = time.AfterFunc(limit, func() { k.kill(r.Op.String() + " was not done after " + limit.String()) })
	k.pending[r.ID] = p
	k.mu.Unlock()

	go func() {
		// Writing may block on a child that does not read; the watch ends that.
		k.write.Lock()
		defer k.write.Unlock()
		if _, err := k.out.Write(b); err != nil {
			k.kill("request could not be sent: " + err.Error())
		}
	}()
	select {
	case a := <-p.answer:
		if a == nil {
			return nil, k.why()
		}
		return a, a.err()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// tailWriter keeps the end of what the child wrote to standard error.
type tailWriter struct {
	mu sync.Mutex
	b  []byte
}

func (t *tailWriter) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, p...)
	if over := len(t.b) - stderrTail; over > 0 {
		t.b = append(t.b[:0], t.b[over:]...)
	}
	return len(p), nil
}

// String is the last non-empty line, short enough for an error.
func (t *tailWriter) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := bytes.Split(bytes.TrimSpace(t.b), []byte("\n"))
	for _, l := range lines {
		// The line that names the cause comes before the traces of a crash.
		for _, mark := range []string{"panic:", "fatal error:", "what():", "terminate called", "SIG"} {
			if bytes.Contains(l, []byte(mark)) {
				return short(l)
			}
		}
	}
	return short(lines[len(lines)-1])
}

func short(b []byte) string {
	return string(b[:min(len(b), 200)])
}
