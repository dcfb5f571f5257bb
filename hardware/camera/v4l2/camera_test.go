package v4l2

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"vestibule/hardware/camera"
	"vestibule/hardware/clock"
)

// turn is what the scripted device does on one Wait and Read.
type turn struct {
	quiet   bool  // nothing for a second
	waitErr error // Wait fails
	pix     []byte
	err     error // Read fails
}

// scripted is a device that follows a script, then stays quiet for ever.
type scripted struct {
	clk      *clock.Leaping
	formats  map[fourCC][]sizeRange
	takes    fourCC // what Configure answers; 0: what was asked
	refuse   map[fourCC]error
	startErr error
	rate     float64
	turns    []turn
	at       int

	asked   []string
	closed  int
	touched bool // used after Close
	waiting chan struct{}
	release chan struct{}
}

func (d *scripted) Formats() []fourCC {
	var out []fourCC
	for f := range d.formats {
		out = append(out, f)
	}
	return out
}
func (d *scripted) Sizes(f fourCC) []sizeRange { return d.formats[f] }
func (d *scripted) Configure(f fourCC, w, h, fps, ring int) (fourCC, error) {
	d.asked = append(d.asked, fmt.Sprintf("%s %dx%d@%d ring %d", f, w, h, fps, ring))
	if err := d.refuse[f]; err != nil {
		return 0, err
	}
	if d.takes != 0 {
		return d.takes, nil
	}
	return f, nil
}
func (d *scripted) Rate() float64 { return d.rate }
func (d *scripted) Start() error  { return d.startErr }
func (d *scripted) Wait() (bool, error) {
	d.touched = d.touched || d.closed > 0
	if d.at >= len(d.turns) {
		if d.waiting != nil {
			close(d.waiting)
			<-d.release
			d.waiting = nil
		}
		d.clk.Advance(time.Second)
		return false, nil
	}
	t := d.turns[d.at]
	if t.quiet {
		d.at++
		d.clk.Advance(time.Second)
		return false, nil
	}
	if t.waitErr != nil {
		return false, t.waitErr
	}
	return true, nil
}

func (d *scripted) Read() ([]byte, error) {
	d.touched = d.touched || d.closed > 0
	t := d.turns[d.at]
	if !errors.Is(t.err, unix.ENODEV) { // an unplugged device says so for ever
		d.at++
	}
	d.clk.Advance(33 * time.Millisecond)
	return bytes.Clone(t.pix), t.err
}
func (d *scripted) Close() error { d.closed++; return nil }

func discrete(sizes ...[2]int) []sizeRange {
	var out []sizeRange
	for _, s := range sizes {
		out = append(out, sizeRange{minW: s[0], maxW: s[0], minH: s[1], maxH: s[1]})
	}
	return out
}

func jpg(t *testing.T, w, h int) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, w, h)), nil))
	return b.Bytes()
}

func yuyv(w, h int) []byte { return make([]byte, w*h*2) }

func mjpegOnly() map[fourCC][]sizeRange {
	return map[fourCC][]sizeRange{code("MJPG"): discrete([2]int{640, 480}, [2]int{1280, 720}, [2]int{1920, 1080})}
}

func use(d *scripted) *Camera {
	d.clk = clock.NewLeaping(time.Unix(1_700_000_000, 0))
	return &Camera{path: "/dev/video9", name: "scripted", clk: d.clk, open: func(string) (device, error) { return d, nil }}
}

var hd = camera.Mode{Width: 1280, Height: 720, FPS: 30}

func TestNegotiation(t *testing.T) {
	both := map[fourCC][]sizeRange{
		code("YUYV"): discrete([2]int{640, 480}, [2]int{1280, 720}),
		code("MJPG"): discrete([2]int{640, 480}, [2]int{1280, 720}),
	}
	tests := []struct {
		name  string
		dev   *scripted
		mode  camera.Mode
		first []byte
		asked []string
		want  camera.Mode
		form  camera.Format
	}{
		{
			name: "motion JPEG is preferred where both are offered", dev: &scripted{formats: both}, mode: hd,
			first: jpg(t, 1280, 720), asked: []string{"MJPG 1280x720@30 ring 4"}, want: hd, form: camera.MJPEG,
		},
		{
			name: "YUYV is taken where motion JPEG is refused",
			dev:  &scripted{formats: both, refuse: map[fourCC]error{code("MJPG"): unix.EINVAL}}, mode: hd,
			first: yuyv(1280, 720), asked: []string{"MJPG 1280x720@30 ring 4", "YUYV 1280x720@30 ring 4"}, want: hd, form: camera.YUYV,
		},
		{
			name: "the nearest size is asked for", dev: &scripted{formats: mjpegOnly()}, mode: camera.Mode{Width: 1600, Height: 900, FPS: 15},
			first: jpg(t, 1920, 1080), asked: []string{"MJPG 1920x1080@15 ring 4"}, want: camera.Mode{Width: 1920, Height: 1080, FPS: 15}, form: camera.MJPEG,
		},
		{
			name: "a range of sizes is met on its steps",
			dev:  &scripted{formats: map[fourCC][]sizeRange{code("YUYV"): {{minW: 32, maxW: 1024, stepW: 16, minH: 32, maxH: 768, stepH: 8}}}},
			mode: camera.Mode{Width: 801, Height: 603, FPS: 10}, first: yuyv(800, 600),
			asked: []string{"YUYV 800x600@10 ring 4"}, want: camera.Mode{Width: 800, Height: 600, FPS: 10}, form: camera.YUYV,
		},
		{
			name: "the size comes from the frame when the device delivers another than it was asked for",
			dev:  &scripted{formats: mjpegOnly()}, mode: hd, first: jpg(t, 640, 480),
			asked: []string{"MJPG 1280x720@30 ring 4"}, want: camera.Mode{Width: 640, Height: 480, FPS: 30}, form: camera.MJPEG,
		},
		{
			name: "the format that the device changed to is used", dev: &scripted{formats: both, takes: code("YUYV")}, mode: hd,
			first: yuyv(640, 480), asked: []string{"MJPG 1280x720@30 ring 4"}, want: camera.Mode{Width: 640, Height: 480, FPS: 30}, form: camera.YUYV,
		},
		{
			name: "the rate is what the device says", dev: &scripted{formats: mjpegOnly(), rate: 14.985}, mode: hd,
			first: jpg(t, 1280, 720), asked: []string{"MJPG 1280x720@30 ring 4"}, want: camera.Mode{Width: 1280, Height: 720, FPS: 15}, form: camera.MJPEG,
		},
		{
			name: "nothing asked for means 1280×720 at 30", dev: &scripted{formats: mjpegOnly()},
			first: jpg(t, 1280, 720), asked: []string{"MJPG 1280x720@30 ring 4"}, want: hd, form: camera.MJPEG,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.dev.turns = []turn{{pix: tt.first}}
			s, err := use(tt.dev).Open(t.Context(), tt.mode)
			require.NoError(t, err)
			require.Equal(t, tt.asked, tt.dev.asked)
			require.Equal(t, tt.want, s.Mode())
			f, err := s.Next(t.Context())
			require.NoError(t, err)
			require.Equal(t, tt.form, f.Format)
			require.Equal(t, [2]int{tt.want.Width, tt.want.Height}, [2]int{f.Width, f.Height})
			require.NoError(t, s.Close())
			require.Equal(t, 1, tt.dev.closed)
		})
	}
}

func TestOpenFails(t *testing.T) {
	for name, tt := range map[string]struct {
		dev  *scripted
		open error
		want error
	}{
		"a missing file is a missing camera":           {open: unix.ENOENT, want: camera.ErrMissing},
		"a device that went while opening is missing":  {open: unix.ENODEV, want: camera.ErrMissing},
		"no permission is denied":                      {open: unix.EACCES, want: camera.ErrDenied},
		"a busy device is denied":                      {dev: &scripted{formats: mjpegOnly(), refuse: map[fourCC]error{code("MJPG"): unix.EBUSY}}, want: camera.ErrDenied},
		"a device busy at the start is denied":         {dev: &scripted{formats: mjpegOnly(), startErr: errno(errors.New("Failed to map request buffers: device or resource busy"))}, want: camera.ErrDenied},
		"a metadata node has no usable format":         {dev: &scripted{}, want: camera.ErrFormat},
		"a format that nobody knows is not usable":     {dev: &scripted{formats: map[fourCC][]sizeRange{code("H264"): discrete([2]int{1280, 720})}}, want: camera.ErrFormat},
		"a device that slips into H264 is not usable":  {dev: &scripted{formats: mjpegOnly(), takes: code("H264")}, want: camera.ErrFormat},
		"a device that never delivers is stalled":      {dev: &scripted{formats: mjpegOnly()}, want: camera.ErrStalled},
		"a device unplugged before its frame is gone":  {dev: &scripted{formats: mjpegOnly(), turns: []turn{{err: unix.ENODEV}}}, want: camera.ErrGone},
		"a node that is no capture device is unusable": {open: errors.New("Not a video capture device"), want: camera.ErrFormat},
	} {
		t.Run(name, func(t *testing.T) {
			var c *Camera
			if tt.dev != nil {
				c = use(tt.dev)
			} else {
				c = &Camera{path: "/dev/video9", clk: clock.System{}, open: func(string) (device, error) { return nil, tt.open }}
			}
			_, err := c.Open(t.Context(), hd)
			require.ErrorIs(t, err, tt.want)
			if tt.dev != nil {
				require.Equal(t, 1, tt.dev.closed, "a failed Open leaves nothing open")
			}
		})
	}
}

func TestARealMissingFileIsAMissingCamera(t *testing.T) {
	_, err := New(filepath.Join(t.TempDir(), "video0"), Options{}).Open(t.Context(), hd)
	require.ErrorIs(t, err, camera.ErrMissing)
}

func TestAFileThatIsNoDeviceIsRefused(t *testing.T) {
	p := filepath.Join(t.TempDir(), "video0")
	require.NoError(t, os.WriteFile(p, nil, 0o600))
	_, err := New(p, Options{}).Open(t.Context(), hd)
	require.ErrorIs(t, err, camera.ErrFormat)
}

func TestStream(t *testing.T) {
	good := jpg(t, 1280, 720)
	cut := good[:len(good)-20]
	open := func(t *testing.T, turns ...turn) (camera.Stream, *scripted) {
		d := &scripted{formats: mjpegOnly(), turns: append([]turn{{pix: good}}, turns...)}
		s, err := use(d).Open(t.Context(), hd)
		require.NoError(t, err)
		_, err = s.Next(t.Context())
		require.NoError(t, err)
		return s, d
	}
	t.Run("a frame flagged as faulty is dropped and leaves a gap", func(t *testing.T) {
		s, _ := open(t, turn{pix: cut}, turn{pix: []byte{}}, turn{pix: good})
		f, err := s.Next(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, 3, f.Seq)
		require.Equal(t, good, f.Pix)
	})
	t.Run("padding behind the picture is cut off", func(t *testing.T) {
		s, _ := open(t, turn{pix: append(bytes.Clone(good), make([]byte, 4096)...)})
		f, err := s.Next(t.Context())
		require.NoError(t, err)
		require.Equal(t, good, f.Pix)
	})
	t.Run("a wake-up without a frame is waited over", func(t *testing.T) {
		s, _ := open(t, turn{err: unix.EAGAIN}, turn{pix: good})
		_, err := s.Next(t.Context())
		require.NoError(t, err)
	})
	t.Run("a short silence is no stall", func(t *testing.T) {
		s, _ := open(t, turn{quiet: true}, turn{quiet: true}, turn{pix: good})
		_, err := s.Next(t.Context())
		require.NoError(t, err)
	})
	t.Run("three seconds without a whole frame are a stall, damaged ones or not", func(t *testing.T) {
		var bad []turn
		for range 200 {
			bad = append(bad, turn{pix: cut})
		}
		s, d := open(t, bad...)
		began := d.clk.Now()
		_, err := s.Next(t.Context())
		require.ErrorIs(t, err, camera.ErrStalled)
		require.WithinRange(t, d.clk.Now(), began.Add(StallLimit), began.Add(StallLimit+time.Second))
	})
	t.Run("an unplugged camera is gone, and stays gone without being asked again", func(t *testing.T) {
		s, d := open(t, turn{err: unix.ENODEV})
		_, err := s.Next(t.Context())
		require.ErrorIs(t, err, camera.ErrGone)
		d.turns = append(d.turns[:d.at], turn{pix: good})
		_, err = s.Next(t.Context())
		require.ErrorIs(t, err, camera.ErrGone)
	})
	t.Run("any other error breaks the stream", func(t *testing.T) {
		s, _ := open(t, turn{err: unix.EIO}, turn{pix: good})
		_, err := s.Next(t.Context())
		require.ErrorIs(t, err, camera.ErrStalled)
		require.ErrorIs(t, err, unix.EIO)
		_, err = s.Next(t.Context())
		require.Error(t, err)
	})
	t.Run("a failing wait breaks the stream", func(t *testing.T) {
		s, _ := open(t, turn{waitErr: unix.EBADF})
		_, err := s.Next(t.Context())
		require.ErrorIs(t, err, camera.ErrGone)
	})
	t.Run("an uncompressed frame of the wrong length is dropped", func(t *testing.T) {
		d := &scripted{
			formats: map[fourCC][]sizeRange{code("YUYV"): discrete([2]int{64, 48})},
			turns:   []turn{{pix: yuyv(64, 48)[:4000]}, {pix: yuyv(64, 48)}},
		}
		s, err := use(d).Open(t.Context(), hd)
		require.NoError(t, err)
		f, err := s.Next(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, 2, f.Seq)
	})
	t.Run("a cancelled context ends the wait with its cause", func(t *testing.T) {
		s, _ := open(t)
		ctx, cancel := context.WithCancelCause(t.Context())
		cause := errors.New("visit ended")
		cancel(cause)
		_, err := s.Next(ctx)
		require.ErrorIs(t, err, cause)
	})
	t.Run("closing waits for the reader and never touches the device after", func(t *testing.T) {
		s, d := open(t)
		d.waiting, d.release = make(chan struct{}), make(chan struct{})
		waiting := d.waiting
		readErr := make(chan error, 1)
		go func() { _, err := s.Next(context.Background()); readErr <- err }()
		<-waiting
		closed := make(chan error, 1)
		go func() { closed <- s.Close() }()
		<-s.(*stream).done // Close has begun
		select {
		case <-closed:
			t.Fatal("Close returned while the reader was inside the device")
		default:
		}
		close(d.release)
		require.ErrorIs(t, <-readErr, fs.ErrClosed)
		require.NoError(t, <-closed)
		_, err := s.Next(t.Context())
		require.ErrorIs(t, err, fs.ErrClosed)
		require.NoError(t, s.Close(), "closing twice is harmless")
		require.Equal(t, 1, d.closed)
		require.False(t, d.touched)
	})
}

func TestSizeOfAmbiguousFrameIsRefused(t *testing.T) {
	p := plan{format: code("YUYV"), width: 1280, height: 720, others: [][2]int{{640, 480}, {480, 640}, {320, 240}}}
	_, ok := p.frame(yuyv(640, 480))
	require.False(t, ok, "640×480 and 480×640 have the same length")
	f, ok := p.frame(yuyv(320, 240))
	require.True(t, ok)
	require.Equal(t, 320, f.Width)
}

func TestErrorsThatTheLibraryFlattenedAreFoundAgain(t *testing.T) {
	require.ErrorIs(t, errno(errors.New("Failed to start streaming: no such device")), unix.ENODEV)
	require.ErrorIs(t, errno(fmt.Errorf("x: %w", unix.EIO)), unix.EIO)
	require.NoError(t, errno(nil))
}

func TestListSkipsWhatDeliversNoPictures(t *testing.T) {
	dir := t.TempDir()
	for _, n := range []string{"video10", "video2", "video0", "video1", "videoX"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, n), nil, 0o600))
	}
	query := func(p string) (Info, error) {
		switch filepath.Base(p) {
		case "video1":
			return Info{Path: p, captures: false}, nil
		case "video2":
			return Info{}, unix.EACCES
		}
		return Info{Path: p, Driver: "uvcvideo", captures: true}, nil
	}
	formats := func(p string) int {
		if filepath.Base(p) == "video0" {
			return 0 // metadata
		}
		return 2
	}
	got, err := list(dir, query, formats)
	require.NoError(t, err)
	require.Len(t, got, 1)
	require.Equal(t, "video10", filepath.Base(got[0].Path))
	require.False(t, got[0].Virtual())
	require.True(t, Info{Driver: "v4l2 loopback"}.Virtual())
}
