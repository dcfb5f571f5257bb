package replay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"vestibule/hardware/camera"
	"vestibule/hardware/clock"
)

// StallLimit is how long Next waits for a frame that does not come.
const StallLimit = 3 * time.Second

// ring is how many frames wait for a slow reader, as in a driver's buffers.
// Further ones are dropped until the reader has taken one.
const ring = 4

// Options of a Camera.
type Options struct {
	Clock clock.Clock
	// Video opens video files; nil: only pictures can be played.
	Video func(path string) (Video, error)
	// Name for logs and events; default "replay".
	Name string
}

// Camera plays what lies at a path.
type Camera struct {
	path string
	o    Options

	mu       sync.Mutex
	busy     bool
	resolved string // where path led to when the counters below began
	attempts int
	opened   int
}

var (
	_ camera.Camera = (*Camera)(nil)
	_ camera.Stream = (*stream)(nil)
)

// New returns a camera that plays the picture, folder or video at path. It
// touches nothing: what is not there at Open is a missing camera.
func New(path string, o Options) *Camera {
	o.Clock = clock.Or(o.Clock)
	if o.Name == "" {
		o.Name = "replay"
	}
	return &Camera{path: path, o: o}
}

// Name identifies the camera in logs. It holds nothing of the path, which could name a person.
func (c *Camera) Name() string { return c.o.Name }

// Open starts the recording from its beginning. The mode asked for is not
// granted: a recording has the size and rate it was taken with.
func (c *Camera) Open(ctx context.Context, _ camera.Mode) (camera.Stream, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("open recording: %w", context.Cause(ctx))
	}
	if c.busy {
		return nil, fmt.Errorf("open recording: %w: it is playing already", camera.ErrDenied)
	}
	s, err := c.start(ctx)
	if err != nil {
		return nil, fmt.Errorf("open recording: %w", err)
	}
	c.busy = true
	c.opened++
	return s, nil
}

func (c *Camera) start(ctx context.Context) (*stream, error) {
	root, err := filepath.EvalSymlinks(c.path)
	if err != nil {
		return nil, missing(err)
	}
	if root != c.resolved {
		c.resolved, c.attempts, c.opened = root, 0, 0
	}
	c.attempts++
	st, err := os.Stat(root)
	if err != nil {
		return nil, missing(err)
	}
	dir, recipe := root, Recipe{}
	if st.IsDir() {
		all, err := takes(root)
		if err != nil {
			return nil, missing(err)
		}
		if len(all) > 0 {
			dir = all[min(c.opened, len(all)-1)]
		}
		if recipe, err = c.recipe(root, dir); err != nil {
			return nil, err
		}
	}
	switch recipe.Open {
	case "missing":
		return nil, camera.ErrMissing
	case "denied":
		return nil, camera.ErrDenied
	case "format":
		return nil, camera.ErrFormat
	}
	s := &stream{cam: c, clk: c.o.Clock, recipe: recipe, done: make(chan struct{})}
	if err := s.load(dir, c.o.Video); err != nil {
		return nil, err
	}
	s.began = s.clk.Now()
	return s, nil
}

// recipe is that of the take, else that of the folder, while it holds.
func (c *Camera) recipe(root, dir string) (Recipe, error) {
	r, found, err := readControl(filepath.Join(dir, RecipeFile), ParseRecipe)
	if err == nil && !found && dir != root {
		r, _, err = readControl(filepath.Join(root, RecipeFile), ParseRecipe)
	}
	if err != nil {
		return Recipe{}, fmt.Errorf("%w: %w", camera.ErrFormat, err)
	}
	if r.Opens > 0 && c.attempts > r.Opens {
		return Recipe{}, nil
	}
	return r, nil
}

func missing(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w: %w", camera.ErrDenied, err)
	}
	return fmt.Errorf("%w: %w", camera.ErrMissing, err)
}

type stream struct {
	cam    *Camera
	clk    clock.Clock
	recipe Recipe
	src    source
	parts  partition
	score  score
	dir    string // where cues are given; empty: none
	format camera.Format
	mode   camera.Mode
	began  time.Time

	mu     sync.Mutex // held by Next, so that Close waits for it
	queue  []waiting  // arrived, not yet read
	next   uint64     // the arrival to come, from 0
	broken error
	done   chan struct{}
	once   sync.Once
}

type waiting struct {
	arrival uint64
	picture int
}

// load finds the pictures and reads the first one, which tells the size.
func (s *stream) load(path string, video func(string) (Video, error)) error {
	unusable := func(err error) error { return fmt.Errorf("%w: %w", camera.ErrFormat, err) }
	st, err := os.Stat(path)
	if err != nil {
		return missing(err)
	}
	var t Timing
	files := []string{path}
	if st.IsDir() {
		if t, _, err = readControl(filepath.Join(path, TimingFile), ParseTiming); err != nil {
			return unusable(err)
		}
		if files, err = pictures(path); err != nil {
			return unusable(err)
		}
		if len(files) == 0 {
			return fmt.Errorf("%w: the folder holds no pictures", camera.ErrMissing)
		}
	}
	switch {
	case !st.IsDir() && isVideo(path):
		if video == nil {
			return unusable(errNoVideo)
		}
		v, err := video(path)
		if err != nil {
			return unusable(err)
		}
		if f := v.FPS(); t.FPS == 0 && f >= 1 && f <= 240 {
			t.FPS = f
		}
		s.src = &film{open: func() (Video, error) { return video(path) }, v: v}
		if s.parts, err = newPartition(t, 0); err != nil {
			return unusable(err)
		}
	case st.IsDir() || isPicture(path):
		s.src = newFolder(files)
		if s.parts, err = newPartition(t, len(files)); err != nil {
			return unusable(err)
		}
		if len(t.Cues) > 0 {
			s.dir = path
			// A word from before this Open is not meant for it.
			_, _ = s.cue()
		}
	default:
		return unusable(errors.New("neither a picture, a video nor a folder"))
	}
	s.score = s.parts.score(0, s.parts.Main)
	s.format = t.Format
	if s.format == "" {
		s.format = camera.MJPEG
	}
	first, err := s.frame(waiting{})
	if err != nil {
		s.src.Close()
		return unusable(err)
	}
	s.mode = camera.Mode{Width: first.Width, Height: first.Height, FPS: s.rate()}
	return nil
}

// rate is the mean of the first pass, at least 1.
func (s *stream) rate() int {
	every := s.score.every
	if n := len(s.score.pictures); n > 0 {
		every = s.score.at[n] / time.Duration(n)
	}
	return max(1, int(float64(time.Second)/float64(every)+.5))
}

// Mode is the size of the first picture and the mean rate.
func (s *stream) Mode() camera.Mode { return s.mode }

// Next returns the oldest frame that has arrived, else waits for the next one.
func (s *stream) Next(ctx context.Context) (camera.Frame, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.clk.Now()
	for {
		select {
		case <-s.done:
			return camera.Frame{}, fmt.Errorf("read recording: %w", fs.ErrClosed)
		default:
		}
		if err := ctx.Err(); err != nil {
			return camera.Frame{}, fmt.Errorf("read recording: %w", context.Cause(ctx))
		}
		now := s.clk.Now()
		due, over := s.arrive(now.Sub(s.began))
		if len(s.queue) > 0 {
			w := s.queue[0]
			f, err := s.frame(w)
			if ended := (endedError{}); errors.As(err, &ended) && s.score.pictures == nil {
				// A video's end: now its length is known, and the rest of the queue is wrong.
				s.parts.n, s.parts.Main = ended.pictures, ended.pictures
				s.score = s.parts.score(0, ended.pictures)
				s.queue, s.next = nil, uint64(ended.pictures)
				continue
			}
			if err != nil {
				return camera.Frame{}, s.breaks(fmt.Errorf("read recording: %w: %w", camera.ErrGone, err))
			}
			s.queue = s.queue[1:]
			f.At, f.Seq = now, w.arrival+1
			return f, nil
		}
		if s.broken != nil {
			return camera.Frame{}, s.broken
		}
		if over != nil {
			return camera.Frame{}, s.breaks(fmt.Errorf("read recording: %w", over))
		}
		limit := asked.Add(StallLimit)
		if !now.Before(limit) {
			return camera.Frame{}, s.breaks(fmt.Errorf("read recording: %w for %s", camera.ErrStalled, StallLimit))
		}
		wait := limit.Sub(now)
		if at := s.began.Add(due); !s.stalled() && at.Before(limit) {
			wait = at.Sub(now)
		}
		select {
		case <-s.clk.After(wait):
		case <-ctx.Done():
		case <-s.done:
		}
	}
}

// arrive queues what has come up to the moment now, dropping what finds no room.
// It returns when the next arrival is due, or why there will be none.
func (s *stream) arrive(now time.Duration) (due time.Duration, over error) {
	for {
		at, picture, more := s.score.arrival(s.next)
		if at > now || s.stalled() {
			return at, nil
		}
		if c, asked := s.cue(); asked {
			first, start := s.next, at
			s.score = s.parts.score(c[0], c[1])
			s.score.first, s.score.start = first, start
			_, picture, more = s.score.arrival(s.next)
		}
		if !more {
			return at, camera.ErrEnded
		}
		if s.recipe.UnplugAt > 0 && s.next+1 >= s.recipe.UnplugAt {
			return at, camera.ErrGone
		}
		if len(s.queue) < ring {
			s.queue = append(s.queue, waiting{arrival: s.next, picture: picture})
		}
		s.next++
	}
}

// cue takes the word that asks for a stretch, if there is one. A word that is
// no cue of this recording is taken away as well.
func (s *stream) cue() (c [2]int, asked bool) {
	if s.dir == "" {
		return c, false
	}
	path := filepath.Join(s.dir, CueFile)
	st, err := os.Stat(path)
	if err != nil || st.Size() > 1000 {
		return c, false
	}
	b, err := os.ReadFile(path)
	if err != nil || os.Remove(path) != nil {
		return c, false
	}
	c, asked = s.parts.Cues[strings.TrimSpace(string(b))]
	return c, asked
}

func (s *stream) stalled() bool {
	return s.recipe.StallAt > 0 && s.next+1 >= s.recipe.StallAt
}

// frame loads a picture and does to it what the recipe says.
func (s *stream) frame(w waiting) (camera.Frame, error) {
	b, err := s.src.picture(w.picture)
	if err != nil {
		return camera.Frame{}, err
	}
	j, err := camera.ScanJPEG(b)
	if err != nil {
		return camera.Frame{}, err
	}
	n := w.arrival + 1
	if within(s.recipe.Black, n) {
		if b, err = black(j); err != nil {
			return camera.Frame{}, err
		}
	}
	f := camera.Frame{Format: camera.MJPEG, Width: j.Width, Height: j.Height}
	if s.format == camera.YUYV {
		f.Format = camera.YUYV
		if f.Pix, f.Width, f.Height, err = toYUYV(b); err != nil {
			return camera.Frame{}, err
		}
	} else {
		f.Pix = bytes.Clone(b)
	}
	if within(s.recipe.Truncate, n) {
		f.Pix = f.Pix[:len(f.Pix)*6/10]
	}
	return f, nil
}

func within(spans [][2]uint64, n uint64) bool {
	for _, s := range spans {
		if n >= s[0] && n <= s[1] {
			return true
		}
	}
	return false
}

func (s *stream) breaks(err error) error {
	if s.broken == nil {
		s.broken = err
	}
	return s.broken
}

// Close ends the recording. It may be called from another goroutine than the reader's.
func (s *stream) Close() error {
	var err error
	s.once.Do(func() {
		close(s.done)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.queue = nil
		err = s.src.Close()
		s.cam.mu.Lock()
		defer s.cam.mu.Unlock()
		s.cam.busy = false
	})
	return err
}
