package v4l2

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"vestibule/hardware/camera"
	"vestibule/hardware/clock"
)

// StallLimit is how long a stream may stay without one whole frame.
const StallLimit = 3 * time.Second

// buffers is the kernel's ring: enough to ride out a pause of the reader, few
// enough that a late reader does not see pictures from seconds ago.
const buffers = 4

// retryEmpty is the pause after a wake-up that brought no frame, so that a device
// that is always "ready" and never delivers does not take a core.
const retryEmpty = 5 * time.Millisecond

// device is the narrow part of a V4L2 device that the driver needs.
type device interface {
	// Formats are the pixel formats the device captures in; none for a metadata node.
	Formats() []fourCC
	// Sizes of one format, as ranges.
	Sizes(fourCC) []sizeRange
	// Configure sets format, size, rate and ring; it returns the format the device took.
	Configure(f fourCC, width, height, fps, buffers int) (fourCC, error)
	// Rate is the frame rate the device says it delivers, 0 when it does not say.
	Rate() float64
	Start() error
	// Wait returns true when a frame, or an error, can be read, and false after about a second without.
	Wait() (bool, error)
	// Read returns a copy of the next frame.
	Read() ([]byte, error)
	Close() error
}

// Camera is one device file.
type Camera struct {
	path string
	clk  clock.Clock
	open func(path string) (device, error)
	name string
}

var (
	_ camera.Camera = (*Camera)(nil)
	_ camera.Stream = (*stream)(nil)
)

// Options of a Camera; the zero value is right for a kiosk.
type Options struct {
	Clock clock.Clock
}

// New returns the camera at a device file such as /dev/video0, or a stable link
// of /dev/v4l/by-path. It touches nothing: a camera may be plugged in later.
func New(path string, o Options) *Camera {
	return &Camera{path: path, clk: clock.Or(o.Clock), open: openLibrary}
}

// Name is the product's name as the kernel knows it, else the file's name.
func (c *Camera) Name() string {
	if c.name != "" {
		return c.name
	}
	node := c.path
	if real, err := filepath.EvalSymlinks(node); err == nil {
		node = real
	}
	if b, err := os.ReadFile(filepath.Join(sysVideo, filepath.Base(node), "name")); err == nil {
		if s := strings.TrimSpace(string(b)); s != "" {
			return s
		}
	}
	return filepath.Base(c.path)
}

// Open negotiates and starts the stream, and waits for its first whole frame:
// only that says what size the device really delivers.
func (c *Camera) Open(ctx context.Context, m camera.Mode) (camera.Stream, error) {
	dev, err := c.open(c.path)
	if err != nil {
		return nil, fmt.Errorf("open camera %s: %w", c.path, openError(err))
	}
	plan, err := negotiate(dev, m)
	if err != nil {
		dev.Close()
		return nil, fmt.Errorf("open camera %s: %w", c.path, err)
	}
	if err := dev.Start(); err != nil {
		dev.Close()
		return nil, fmt.Errorf("start camera %s: %w", c.path, openError(err))
	}
	s := &stream{dev: dev, clk: c.clk, plan: plan, done: make(chan struct{})}
	s.mode = camera.Mode{Width: plan.width, Height: plan.height, FPS: plan.fps}
	if r := dev.Rate(); r > 0 {
		s.mode.FPS = int(r + .5)
	}
	first, err := s.Next(ctx)
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("start camera %s: %w", c.path, err)
	}
	s.mode.Width, s.mode.Height = first.Width, first.Height
	s.first = &first
	return s, nil
}

// stream is a running device. dev is used only under mu: frame memory is gone
// once the device is closed, so closing waits for the reader to leave.
type stream struct {
	mu     sync.Mutex
	dev    device
	clk    clock.Clock
	plan   plan
	mode   camera.Mode
	first  *camera.Frame
	seq    uint64
	broken error
	closed atomic.Bool
	done   chan struct{}
	once   sync.Once
}

// Mode is what the device delivers.
func (s *stream) Mode() camera.Mode { return s.mode }

// Next returns the next whole frame. Damaged ones are dropped and leave a gap
// in Seq; they do not count as a sign of life. After an error every further call
// returns the same error. It notices ctx and Close within about a second.
func (s *stream) Next(ctx context.Context) (camera.Frame, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.first != nil && !s.closed.Load() && ctx.Err() == nil {
		f := *s.first
		s.first = nil
		return f, nil
	}
	began := s.clk.Now()
	for {
		switch {
		case s.closed.Load():
			return camera.Frame{}, fmt.Errorf("read camera: %w", fs.ErrClosed)
		case s.broken != nil:
			return camera.Frame{}, s.broken
		case ctx.Err() != nil:
			return camera.Frame{}, fmt.Errorf("read camera: %w", context.Cause(ctx))
		case s.clk.Now().Sub(began) >= StallLimit:
			return camera.Frame{}, s.breaks(fmt.Errorf("read camera: %w for %s", camera.ErrStalled, StallLimit))
		}
		ready, err := s.dev.Wait()
		if err != nil {
			return camera.Frame{}, s.breaks(fmt.Errorf("wait for camera: %w", readError(err)))
		}
		if !ready {
			continue
		}
		raw, err := s.dev.Read()
		if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) || (err == nil && len(raw) == 0) {
			s.pause(ctx)
			continue
		}
		if err != nil {
			return camera.Frame{}, s.breaks(fmt.Errorf("read camera: %w", readError(err)))
		}
		s.seq++
		f, ok := s.plan.frame(raw)
		if !ok {
			continue
		}
		f.At, f.Seq = s.clk.Now(), s.seq
		return f, nil
	}
}

func (s *stream) breaks(err error) error {
	s.broken = err
	return err
}

func (s *stream) pause(ctx context.Context) {
	select {
	case <-s.clk.After(retryEmpty):
	case <-ctx.Done():
	case <-s.done:
	}
}

// Close stops the device. It may be called from another goroutine than the
// reader's, and waits until that one has left the device.
func (s *stream) Close() error {
	var err error
	s.once.Do(func() {
		s.closed.Store(true)
		close(s.done)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.first = nil
		if e := s.dev.Close(); e != nil && !errors.Is(e, unix.ENODEV) {
			err = fmt.Errorf("close camera: %w", e)
		}
	})
	return err
}

// openError maps what the kernel says when a device is opened or started.
func openError(err error) error {
	switch {
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENXIO), errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENOTDIR):
		return fmt.Errorf("%w: %w", camera.ErrMissing, err)
	case errors.Is(err, unix.EBUSY), errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return fmt.Errorf("%w: %w", camera.ErrDenied, err)
	case errors.Is(err, camera.ErrFormat):
		return err
	}
	return fmt.Errorf("%w: %w", camera.ErrFormat, err)
}

// readError maps what the kernel says about a running stream. ENODEV comes for
// ever once the device is unplugged; anything else means that the stream no
// longer delivers and has to be opened anew.
func readError(err error) error {
	if errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ENXIO) || errors.Is(err, unix.EBADF) {
		return fmt.Errorf("%w: %w", camera.ErrGone, err)
	}
	return fmt.Errorf("%w: %w", camera.ErrStalled, err)
}
