package capture

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"sync"
	"time"

	"vestibule/hardware/camera"
	"vestibule/models"
	"vestibule/models/face/injection"
)

// feed keeps the newest frame of a camera and brings the camera back when it is lost.
type feed struct {
	cam  camera.Camera
	opt  Options
	tell func(Report)

	mu     sync.Mutex
	latest models.Frame
	serial uint64        // of latest, counted here: a re-opened camera begins at 1 again
	fresh  chan struct{} // closed and replaced with every frame

	traced bool
	seed   maphash.Seed
	trace  []injection.Frame // of the newest frames, up to latest
}

// longestTrace bounds a trace: half a minute of a fast camera.
const longestTrace = 900

// newFeed keeps a trace of every frame when asked to.
func newFeed(cam camera.Camera, opt Options, tell func(Report), traced bool) *feed {
	return &feed{cam: cam, opt: opt, tell: tell, fresh: make(chan struct{}), traced: traced, seed: maphash.MakeSeed()}
}

// run reads until ctx ends. Any other return is a *Failure.
func (f *feed) run(ctx context.Context) error {
	asked := f.opt.Now()
	code, last := "", error(nil)
	for try := 0; ; try++ {
		if try > 0 {
			if try > f.opt.Reopen {
				return &Failure{Code: code, Err: last}
			}
			if err := sleep(ctx, f.opt.ReopenWait); err != nil {
				return err
			}
		}
		got, err := f.stream(ctx, asked, try)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		last = err
		lost := codeOf(err)
		if got { // it worked for a while: a new loss, with all its tries
			try, code = 0, ""
			asked = f.opt.Now()
			f.tell(Stalled{Code: lost, At: asked})
		}
		// A camera that vanished is missing when it is opened again. People are told
		// what came first.
		if code == "" || code == "camera_stalled" {
			code = lost
		}
		if try == 0 && !got && (lost == "camera_missing" || lost == "camera_denied" || lost == "camera_format") {
			return &Failure{Code: code, Err: err} // opening again changes nothing
		}
	}
}

// stream opens the camera once and reads until it fails. It says whether a frame came.
func (f *feed) stream(ctx context.Context, asked time.Time, try int) (bool, error) {
	opening, cancel := context.WithTimeout(ctx, f.opt.OpenLimit)
	defer cancel()
	s, err := f.open(opening)
	if err != nil {
		return false, err
	}
	defer s.Close() // what a lost camera says on closing helps nobody
	wait := opening
	for n := 0; ; {
		fr, err := s.Next(wait)
		if err != nil {
			return n > 0, err
		}
		m, err := FrameOf(fr)
		if err != nil {
			continue // a damaged frame is dropped; a stream of them ends in the engine's time limit
		}
		if n++; n == 1 {
			wait = ctx
			mode := s.Mode()
			if m.Width > 0 {
				mode.Width, mode.Height = m.Width, m.Height
			}
			f.tell(Activated{Camera: f.cam.Name(), Mode: mode, Asked: asked, At: f.opt.Now(), Reopens: try})
		}
		f.put(m)
	}
}

// open bounds a driver's Open, which may sit in the kernel longer than its context.
func (f *feed) open(ctx context.Context) (camera.Stream, error) {
	type opened struct {
		s   camera.Stream
		err error
	}
	c := make(chan opened, 1)
	go func() {
		s, err := f.cam.Open(ctx, f.opt.Mode)
		c <- opened{s, err}
	}()
	select {
	case o := <-c:
		return o.s, o.err
	case <-ctx.Done():
		go func() { // whenever it comes after all, it is not left open
			if o := <-c; o.s != nil {
				_ = o.s.Close()
			}
		}()
		return nil, fmt.Errorf("open camera: %w", ctx.Err())
	}
}

func (f *feed) put(m models.Frame) {
	t := injection.Frame{At: m.At, Format: m.Format}
	if f.traced {
		t.Hash = maphash.Bytes(f.seed, m.Pix)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.serial++
	if f.traced {
		if f.trace = append(f.trace, t); len(f.trace) > longestTrace {
			f.trace = f.trace[1:]
		}
	}
	m.Seq = f.serial
	f.latest = m
	close(f.fresh)
	f.fresh = make(chan struct{})
}

// after gives the newest frame that is newer than seq, waiting for one if need be.
func (f *feed) after(ctx context.Context, seq uint64) (models.Frame, error) {
	for {
		f.mu.Lock()
		m, fresh := f.latest, f.fresh
		f.mu.Unlock()
		if m.Seq > seq {
			return m, nil
		}
		select {
		case <-fresh:
		case <-ctx.Done():
			return models.Frame{}, context.Cause(ctx)
		}
	}
}

// measured adds to the trace what was measured of a frame.
func (f *feed) measured(seq uint64, s models.Sensor) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if back := f.serial - seq; f.traced && back < uint64(len(f.trace)) {
		t := &f.trace[len(f.trace)-1-int(back)]
		t.Measured, t.Sensor = true, s
	}
}

// traces is the trace so far.
func (f *feed) traces() []injection.Frame {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.trace)
}

// forget drops the last frame and wipes its pixels.
func (f *feed) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.latest = models.Frame{Seq: f.latest.Seq}
	f.trace = nil
}

var errFormat = errors.New("format is not known")

// FrameOf gives a camera's frame as an engine takes it.
func FrameOf(c camera.Frame) (models.Frame, error) {
	m := models.Frame{Width: c.Width, Height: c.Height, Pix: c.Pix, At: c.At}
	switch c.Format {
	case camera.MJPEG:
		m.Format = models.JPEG
	case camera.YUYV:
		m.Format = models.YUYV
	default:
		return models.Frame{}, errFormat
	}
	if len(c.Pix) == 0 || len(c.Pix) > models.MaxFrameBytes {
		return models.Frame{}, models.ErrFrame
	}
	return m, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
