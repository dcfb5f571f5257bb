package replay_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/hardware/camera"
	"vestibule/hardware/camera/replay"
	"vestibule/hardware/clock"
)

var start = time.Unix(1_700_000_000, 0)

// shade is a small grey picture; its grey level tells which one it is.
func shade(tb testing.TB, g uint8) []byte {
	tb.Helper()
	m := image.NewGray(image.Rect(0, 0, 32, 24))
	for i := range m.Pix {
		m.Pix[i] = g
	}
	var b bytes.Buffer
	require.NoError(tb, jpeg.Encode(&b, m, nil))
	return b.Bytes()
}

// level reads the grey level back, in tens.
func level(t *testing.T, f camera.Frame) int {
	t.Helper()
	if f.Format == camera.YUYV {
		return (int(f.Pix[0]) + 5) / 10
	}
	m, err := jpeg.Decode(bytes.NewReader(f.Pix))
	require.NoError(t, err)
	return (int(color.GrayModel.Convert(m.At(16, 12)).(color.Gray).Y) + 5) / 10
}

// record writes n pictures of levels 1, 2, 3… times ten.
func record(t *testing.T, dir string, n int, files map[string]any) string {
	t.Helper()
	require.NoError(t, os.MkdirAll(dir, 0o755))
	for i := range n {
		require.NoError(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("%04d.jpg", i)), shade(t, uint8(10*(i+1))), 0o600))
	}
	control(t, dir, files)
	return dir
}

func control(t *testing.T, dir string, files map[string]any) {
	t.Helper()
	for name, v := range files {
		b, err := json.Marshal(v)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), b, 0o600))
	}
}

func open(t *testing.T, path string) (camera.Stream, *clock.Leaping) {
	t.Helper()
	clk := clock.NewLeaping(start)
	s, err := replay.New(path, replay.Options{Clock: clk}).Open(t.Context(), camera.Mode{})
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	return s, clk
}

type seen struct {
	level int
	seq   uint64
	ms    int
}

func read(t *testing.T, s camera.Stream, n int) []seen {
	t.Helper()
	var out []seen
	for range n {
		f, err := s.Next(t.Context())
		require.NoError(t, err)
		out = append(out, seen{level(t, f), f.Seq, int(f.At.Sub(start).Milliseconds())})
	}
	return out
}

func TestPlaying(t *testing.T) {
	t.Run("pictures come in the order of their names at their own times, and begin again", func(t *testing.T) {
		s, _ := open(t, record(t, t.TempDir(), 3, map[string]any{"timing.json": replay.Timing{MS: []int{100, 50, 30}}}))
		require.Equal(t, []seen{{1, 1, 0}, {2, 2, 100}, {3, 3, 150}, {1, 4, 180}, {2, 5, 280}, {3, 6, 330}, {1, 7, 360}}, read(t, s, 7))
		require.Equal(t, camera.Mode{Width: 32, Height: 24, FPS: 17}, s.Mode())
	})
	t.Run("a folder without times plays fifteen a second", func(t *testing.T) {
		s, _ := open(t, record(t, t.TempDir(), 2, nil))
		require.Equal(t, []seen{{1, 1, 0}, {2, 2, 66}, {1, 3, 133}}, read(t, s, 3))
		require.Equal(t, 15, s.Mode().FPS)
	})
	t.Run("the tail loops", func(t *testing.T) {
		s, _ := open(t, record(t, t.TempDir(), 4, map[string]any{"timing.json": replay.Timing{FPS: 10, Loop: replay.LoopTail, Tail: 2}}))
		require.Equal(t, []seen{{1, 1, 0}, {2, 2, 100}, {3, 3, 200}, {4, 4, 300}, {3, 5, 400}, {4, 6, 500}, {3, 7, 600}}, read(t, s, 7))
	})
	t.Run("a recording that ends says so when its last picture has had its time", func(t *testing.T) {
		s, clk := open(t, record(t, t.TempDir(), 2, map[string]any{"timing.json": replay.Timing{FPS: 10, Loop: replay.LoopEnd}}))
		read(t, s, 2)
		for range 2 {
			_, err := s.Next(t.Context())
			require.ErrorIs(t, err, camera.ErrEnded)
		}
		require.Equal(t, 200*time.Millisecond, clk.Now().Sub(start))
	})
	t.Run("a single picture is a still camera", func(t *testing.T) {
		dir := record(t, t.TempDir(), 2, nil)
		s, _ := open(t, filepath.Join(dir, "0001.jpg"))
		require.Equal(t, []seen{{2, 1, 0}, {2, 2, 66}}, read(t, s, 2))
	})
	t.Run("YUYV is delivered where the recording asks for it", func(t *testing.T) {
		s, _ := open(t, record(t, t.TempDir(), 2, map[string]any{"timing.json": replay.Timing{Format: camera.YUYV}}))
		f, err := s.Next(t.Context())
		require.NoError(t, err)
		require.Equal(t, camera.YUYV, f.Format)
		require.Len(t, f.Pix, 32*24*2)
		require.Equal(t, 1, level(t, f))
		require.Equal(t, byte(128), f.Pix[1])
	})
	t.Run("a PNG is played too", func(t *testing.T) {
		dir := t.TempDir()
		var b bytes.Buffer
		require.NoError(t, png.Encode(&b, image.NewGray(image.Rect(0, 0, 20, 10))))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "a.png"), b.Bytes(), 0o600))
		s, _ := open(t, dir)
		require.Equal(t, 20, s.Mode().Width)
	})
	t.Run("a slow reader gets what four buffers held, then fresh frames, with a gap between", func(t *testing.T) {
		s, clk := open(t, record(t, t.TempDir(), 9, map[string]any{"timing.json": replay.Timing{FPS: 10}}))
		read(t, s, 1)
		clk.Advance(2 * time.Second)
		got := read(t, s, 6)
		require.Equal(t, []uint64{2, 3, 4, 5}, []uint64{got[0].seq, got[1].seq, got[2].seq, got[3].seq})
		require.EqualValues(t, 22, got[4].seq, "frames 6 to 21 found no room")
		require.EqualValues(t, 23, got[5].seq)
		require.Equal(t, 2000, got[3].ms, "a frame's time is when it was received")
		require.Equal(t, 2100, got[4].ms)
	})
	t.Run("the receiver owns the frame", func(t *testing.T) {
		s, _ := open(t, filepath.Join(record(t, t.TempDir(), 1, nil), "0000.jpg"))
		f, err := s.Next(t.Context())
		require.NoError(t, err)
		clear(f.Pix)
		require.Equal(t, 1, read(t, s, 1)[0].level)
	})
}

func TestCues(t *testing.T) {
	timing := replay.Timing{FPS: 10, Main: 3, Loop: replay.LoopTail, Tail: 1, Cues: map[string][2]int{"nod": {3, 5}, "blink": {5, 6}}}
	cue := func(t *testing.T, dir, word string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, replay.CueFile), []byte(word), 0o600))
	}
	levels := func(t *testing.T, s camera.Stream, n int) (out []int) {
		for _, v := range read(t, s, n) {
			out = append(out, v.level)
		}
		return out
	}
	t.Run("a cue plays its stretch once, without a gap, and then the tail", func(t *testing.T) {
		dir := record(t, t.TempDir(), 6, map[string]any{"timing.json": timing})
		s, _ := open(t, dir)
		require.Equal(t, []int{1, 2, 3, 2}, levels(t, s, 4), "pictures behind the main part are not played unasked")
		cue(t, dir, "nod\n")
		require.Equal(t, []seen{{4, 5, 400}, {5, 6, 500}, {2, 7, 600}, {3, 8, 700}, {2, 9, 800}}, read(t, s, 5))
		cue(t, dir, "blink")
		require.Equal(t, []int{6, 2, 3}, levels(t, s, 3))
		require.NoFileExists(t, filepath.Join(dir, replay.CueFile))
	})
	t.Run("a word that is no cue is passed over", func(t *testing.T) {
		dir := record(t, t.TempDir(), 6, map[string]any{"timing.json": timing})
		s, _ := open(t, dir)
		cue(t, dir, "dance")
		require.Equal(t, []int{1, 2, 3, 2}, levels(t, s, 4))
		require.NoFileExists(t, filepath.Join(dir, replay.CueFile))
	})
	t.Run("a word from before the camera was opened is passed over", func(t *testing.T) {
		dir := record(t, t.TempDir(), 6, map[string]any{"timing.json": timing})
		cue(t, dir, "nod")
		s, _ := open(t, dir)
		require.Equal(t, []int{1, 2}, levels(t, s, 2))
	})
	t.Run("a cue beyond the last picture makes the recording unusable", func(t *testing.T) {
		dir := record(t, t.TempDir(), 4, map[string]any{"timing.json": timing})
		_, err := replay.New(dir, replay.Options{}).Open(t.Context(), camera.Mode{})
		require.ErrorIs(t, err, camera.ErrFormat)
	})
}

func TestTakes(t *testing.T) {
	levels := func(t *testing.T, c camera.Camera, n int) []int {
		var out []int
		for range n {
			s, err := c.Open(t.Context(), camera.Mode{})
			require.NoError(t, err)
			f, err := s.Next(t.Context())
			require.NoError(t, err)
			out = append(out, level(t, f))
			require.NoError(t, s.Close())
		}
		return out
	}
	take := func(t *testing.T, root string, n int, g uint8) {
		dir := filepath.Join(root, fmt.Sprintf("take-%d", n))
		require.NoError(t, os.MkdirAll(dir, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "a.jpg"), shade(t, g), 0o600))
	}
	t.Run("successive opens play successive takes by number, and the last repeats", func(t *testing.T) {
		root := t.TempDir()
		take(t, root, 10, 90)
		take(t, root, 1, 10)
		take(t, root, 2, 20)
		require.Equal(t, []int{1, 2, 9, 9, 9}, levels(t, replay.New(root, replay.Options{}), 5))
	})
	t.Run("a link pointed elsewhere begins with the first take there", func(t *testing.T) {
		base := t.TempDir()
		for v, g := range map[string]uint8{"a": 10, "b": 50} {
			take(t, filepath.Join(base, v), 1, g)
			take(t, filepath.Join(base, v), 2, g+10)
		}
		link := filepath.Join(base, "now")
		require.NoError(t, os.Symlink("a", link))
		c := replay.New(link, replay.Options{})
		require.Equal(t, []int{1, 2}, levels(t, c, 2))
		require.NoError(t, os.Remove(link))
		require.NoError(t, os.Symlink("b", link))
		require.Equal(t, []int{5, 6, 6}, levels(t, c, 3))
	})
	t.Run("an open that fails does not use up a take", func(t *testing.T) {
		root := t.TempDir()
		take(t, root, 1, 10)
		take(t, root, 2, 20)
		control(t, root, map[string]any{"recipe.json": replay.Recipe{Open: "denied", Opens: 2}})
		c := replay.New(root, replay.Options{})
		for range 2 {
			_, err := c.Open(t.Context(), camera.Mode{})
			require.ErrorIs(t, err, camera.ErrDenied)
		}
		require.Equal(t, []int{1, 2}, levels(t, c, 2))
	})
}

func TestMisbehaving(t *testing.T) {
	with := func(t *testing.T, r replay.Recipe) (camera.Stream, *clock.Leaping) {
		return open(t, record(t, t.TempDir(), 9, map[string]any{"recipe.json": r, "timing.json": replay.Timing{FPS: 10}}))
	}
	t.Run("a stall delivers nothing for three seconds, then the error", func(t *testing.T) {
		s, clk := with(t, replay.Recipe{StallAt: 3})
		read(t, s, 2)
		_, err := s.Next(t.Context())
		require.ErrorIs(t, err, camera.ErrStalled)
		require.Equal(t, 100*time.Millisecond+replay.StallLimit, clk.Now().Sub(start))
	})
	t.Run("an unplugged camera is gone at its frame and stays gone", func(t *testing.T) {
		s, clk := with(t, replay.Recipe{UnplugAt: 3})
		read(t, s, 2)
		for range 2 {
			_, err := s.Next(t.Context())
			require.ErrorIs(t, err, camera.ErrGone)
		}
		require.Equal(t, 200*time.Millisecond, clk.Now().Sub(start))
	})
	t.Run("black frames are black pictures of the same size", func(t *testing.T) {
		s, _ := with(t, replay.Recipe{Black: [][2]uint64{{2, 3}}})
		got := read(t, s, 4)
		require.Equal(t, []int{1, 0, 0, 4}, []int{got[0].level, got[1].level, got[2].level, got[3].level})
	})
	t.Run("a truncated frame has a beginning and no end", func(t *testing.T) {
		s, _ := with(t, replay.Recipe{Truncate: [][2]uint64{{2, 2}}})
		read(t, s, 1)
		f, err := s.Next(t.Context())
		require.NoError(t, err)
		require.Equal(t, []byte{0xFF, 0xD8}, f.Pix[:2])
		_, err = camera.ScanJPEG(f.Pix)
		require.ErrorIs(t, err, camera.ErrNotJPEG)
		require.Equal(t, 3, read(t, s, 1)[0].level)
	})
	t.Run("a recipe may hold for the first opens only, and is read anew at each", func(t *testing.T) {
		dir := record(t, t.TempDir(), 1, map[string]any{"recipe.json": replay.Recipe{Open: "missing", Opens: 1}})
		c := replay.New(dir, replay.Options{})
		_, err := c.Open(t.Context(), camera.Mode{})
		require.ErrorIs(t, err, camera.ErrMissing)
		s, err := c.Open(t.Context(), camera.Mode{})
		require.NoError(t, err)
		require.NoError(t, s.Close())
		control(t, dir, map[string]any{"recipe.json": replay.Recipe{Open: "format"}})
		_, err = c.Open(t.Context(), camera.Mode{})
		require.ErrorIs(t, err, camera.ErrFormat)
	})
}

func TestOpenFails(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		p := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(p), 0o755))
		require.NoError(t, os.WriteFile(p, []byte(content), 0o600))
		return p
	}
	empty := filepath.Join(dir, "empty")
	require.NoError(t, os.Mkdir(empty, 0o755))
	write("timing/timing.json", `{"fps":-1}`)
	write("recipe/recipe.json", `{"stal_at":3}`)
	for name, tt := range map[string]struct {
		path string
		want error
	}{
		"nothing there is a missing camera":            {filepath.Join(dir, "none"), camera.ErrMissing},
		"an empty folder is a missing camera":          {empty, camera.ErrMissing},
		"a picture that is none has no usable format":  {write("a.jpg", "no picture"), camera.ErrFormat},
		"a cut picture has no usable format":           {write("b.jpg", string(shade(t, 9)[:300])), camera.ErrFormat},
		"a wrong PNG has no usable format":             {write("c.png", "no picture"), camera.ErrFormat},
		"a text file has no usable format":             {write("d.txt", "hello"), camera.ErrFormat},
		"a video without a decoder is not usable":      {write("e.mp4", "hello"), camera.ErrFormat},
		"a timing that makes no sense is refused":      {filepath.Join(dir, "timing"), camera.ErrFormat},
		"a recipe with a misspelt wish is refused":     {filepath.Join(dir, "recipe"), camera.ErrFormat},
		"a path through a file leads to nothing there": {filepath.Join(dir, "d.txt", "x"), camera.ErrMissing},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := replay.New(tt.path, replay.Options{}).Open(t.Context(), camera.Mode{})
			require.ErrorIs(t, err, tt.want)
		})
	}
	t.Run("a camera that plays already is busy until it is closed", func(t *testing.T) {
		c := replay.New(record(t, t.TempDir(), 1, nil), replay.Options{})
		s, err := c.Open(t.Context(), camera.Mode{})
		require.NoError(t, err)
		_, err = c.Open(t.Context(), camera.Mode{})
		require.ErrorIs(t, err, camera.ErrDenied)
		require.NoError(t, s.Close())
		require.NoError(t, s.Close())
		s, err = c.Open(t.Context(), camera.Mode{})
		require.NoError(t, err)
		require.NoError(t, s.Close())
	})
}

func TestWaitingEnds(t *testing.T) {
	slow := func(t *testing.T) camera.Stream {
		dir := record(t, t.TempDir(), 2, map[string]any{"timing.json": replay.Timing{MS: []int{60_000, 60_000}}})
		s, err := replay.New(dir, replay.Options{Clock: clock.System{}}).Open(t.Context(), camera.Mode{})
		require.NoError(t, err)
		_, err = s.Next(t.Context())
		require.NoError(t, err)
		return s
	}
	t.Run("with its context", func(t *testing.T) {
		s := slow(t)
		defer s.Close()
		ctx, cancel := context.WithCancelCause(t.Context())
		cause := errors.New("stopped")
		got := make(chan error, 1)
		go func() { _, err := s.Next(ctx); got <- err }()
		cancel(cause)
		require.ErrorIs(t, <-got, cause)
	})
	t.Run("with Close from another goroutine", func(t *testing.T) {
		s := slow(t)
		got := make(chan error, 1)
		go func() { _, err := s.Next(context.Background()); got <- err }()
		require.NoError(t, s.Close())
		require.ErrorIs(t, <-got, fs.ErrClosed)
	})
}

// reel is a video of n pictures.
type reel struct {
	pics   [][]byte
	at     int
	closed *int
}

func (r *reel) FPS() float64 { return 25 }
func (r *reel) Next() ([]byte, error) {
	if r.at >= len(r.pics) {
		return nil, io.EOF
	}
	r.at++
	return r.pics[r.at-1], nil
}
func (r *reel) Skip() error  { _, err := r.Next(); return err }
func (r *reel) Close() error { *r.closed++; return nil }

func TestVideo(t *testing.T) {
	var opened, closed int
	video := func(string) (replay.Video, error) {
		opened++
		r := &reel{closed: &closed}
		for i := range 3 {
			r.pics = append(r.pics, shade(t, uint8(10*(i+1))))
		}
		return r, nil
	}
	path := filepath.Join(t.TempDir(), "a.mp4")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	clk := clock.NewLeaping(start)
	s, err := replay.New(path, replay.Options{Clock: clk, Video: video}).Open(t.Context(), camera.Mode{})
	require.NoError(t, err)
	require.Equal(t, 25, s.Mode().FPS)
	require.Equal(t, []seen{{1, 1, 0}, {2, 2, 40}, {3, 3, 80}, {1, 4, 120}, {2, 5, 160}}, read(t, s, 5), "a video begins again at its end")
	clk.Advance(time.Second)
	got := read(t, s, 5)
	require.EqualValues(t, 30+1, got[4].seq)
	require.Equal(t, 1, got[4].level, "frame 31 is the first of the eleventh round")
	require.NoError(t, s.Close())
	require.Equal(t, opened, closed)
}

func FuzzTiming(f *testing.F) {
	f.Add([]byte(`{"fps":15,"ms":[66,67],"loop":"tail","tail":1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if v, err := replay.ParseTiming(b); err == nil {
			for _, ms := range v.MS {
				if ms < 1 {
					t.Fatal("a picture without a time")
				}
			}
		}
	})
}

func FuzzRecipe(f *testing.F) {
	f.Add([]byte(`{"stall_at":3,"black":[[1,2]],"opens":1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if v, err := replay.ParseRecipe(b); err == nil {
			for _, s := range v.Black {
				if s[0] < 1 || s[1] < s[0] {
					t.Fatal("an empty range")
				}
			}
		}
	})
}
