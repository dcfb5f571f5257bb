package replay

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"vestibule/hardware/camera"
)

// Video is an opened video file that is read once, forward. hardware/camera/video makes one.
type Video interface {
	// FPS of the file, 0 when it does not say.
	FPS() float64
	// Next decodes the next picture to a JPEG; io.EOF after the last.
	Next() ([]byte, error)
	// Skip passes over one picture; io.EOF after the last.
	Skip() error
	Close() error
}

// source holds the pictures of one Open, by index from 0.
type source interface {
	// picture returns the JPEG of an index. Where the recording turns out to be
	// shorter, the error is an endedError.
	picture(index int) ([]byte, error)
	Close() error
}

// endedError says how many pictures a recording has, once that is known.
type endedError struct{ pictures int }

func (e endedError) Error() string { return fmt.Sprintf("the recording has %d pictures", e.pictures) }

// folder is a source of picture files.
type folder struct {
	files []string
	last  int // index of kept
	kept  []byte
}

func newFolder(files []string) *folder { return &folder{files: files, last: -1} }

func (f *folder) picture(i int) ([]byte, error) {
	if i >= len(f.files) {
		return nil, endedError{len(f.files)}
	}
	if i == f.last {
		return f.kept, nil
	}
	b, err := readPicture(f.files[i])
	if err != nil {
		return nil, err
	}
	f.last, f.kept = i, b
	return b, nil
}

func (f *folder) Close() error { return nil }

func readPicture(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, maxPicture+1))
	if err != nil {
		return nil, err
	}
	name := filepath.Base(path)
	if len(b) > maxPicture {
		return nil, fmt.Errorf("%s is larger than %d bytes", name, maxPicture)
	}
	if strings.EqualFold(filepath.Ext(path), ".png") {
		c, err := png.DecodeConfig(bytes.NewReader(b))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if c.Width > camera.MaxSide || c.Height > camera.MaxSide {
			return nil, fmt.Errorf("%s: %d×%d is larger than %d a side", name, c.Width, c.Height, camera.MaxSide)
		}
		m, err := png.Decode(bytes.NewReader(b))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return encode(m)
	}
	j, err := camera.ScanJPEG(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return b[:j.Length], nil
}

func encode(m image.Image) ([]byte, error) {
	var b bytes.Buffer
	err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 92})
	return b.Bytes(), err
}

// film is a source that reads a video, opening it anew to go back.
type film struct {
	open func() (Video, error)
	v    Video
	at   int // index of the next picture of v
	last []byte
}

func (f *film) picture(i int) ([]byte, error) {
	if i == f.at-1 && f.last != nil {
		return f.last, nil
	}
	if i < f.at {
		v, err := f.open()
		if err != nil {
			return nil, err
		}
		f.v.Close()
		f.v, f.at, f.last = v, 0, nil
	}
	for f.at < i {
		if err := f.v.Skip(); err != nil {
			return nil, f.ended(err)
		}
		f.at++
	}
	b, err := f.v.Next()
	if err != nil {
		return nil, f.ended(err)
	}
	f.at++
	f.last = b
	return b, nil
}

func (f *film) ended(err error) error {
	if errors.Is(err, io.EOF) && f.at > 0 {
		return endedError{f.at}
	}
	return err
}

func (f *film) Close() error { return f.v.Close() }

// score says when each arrival comes and which picture it is. Arrivals count
// from 0 and never end, unless over is set.
type score struct {
	// first arrival of this score and when it comes: a cue begins a new one.
	first uint64
	start time.Duration

	pictures []int           // in the order of playing
	at       []time.Duration // when each comes, from start; one more: when all are over
	from     int             // index in pictures that follows the last
	over     bool            // nothing follows the last

	// A video's length shows only when its end is met: until then pictures is nil
	// and they come at one rate.
	every time.Duration
}

// partition is a recording's times, from which scores are made.
type partition struct {
	Timing
	every time.Duration
	n     int // pictures; 0: not known
}

func newPartition(t Timing, n int) (partition, error) {
	if t.FPS == 0 {
		t.FPS = 15
	}
	if t.Main == 0 {
		t.Main = n
	}
	if t.Main > n {
		return partition{}, fmt.Errorf("main %d is more than the %d pictures", t.Main, n)
	}
	for name, c := range t.Cues {
		if c[1] > n {
			return partition{}, fmt.Errorf("cue %q ends at %d of %d pictures", name, c[1], n)
		}
	}
	return partition{t, time.Duration(float64(time.Second) / t.FPS), n}, nil
}

// score plays from once, then what the recording loops.
func (p partition) score(from, to int) score {
	s := score{every: p.every, over: p.Loop == LoopEnd}
	if p.n == 0 {
		return s
	}
	back := 0
	if p.Loop == LoopTail {
		back = min(p.Tail, p.Main-1)
	}
	for i := from; i < to; i++ {
		s.pictures = append(s.pictures, i)
	}
	if from == 0 && to == p.Main {
		s.from = back
	} else {
		s.from = len(s.pictures)
		for i := back; i < p.Main; i++ {
			s.pictures = append(s.pictures, i)
		}
	}
	s.at = make([]time.Duration, len(s.pictures)+1)
	for i, pic := range s.pictures {
		d := p.every
		if pic < len(p.MS) {
			d = time.Duration(p.MS[pic]) * time.Millisecond
		}
		s.at[i+1] = s.at[i] + d
	}
	return s
}

// arrival is the moment of arrival k and its picture; ok is false when the
// recording is over by then.
func (s *score) arrival(k uint64) (at time.Duration, picture int, ok bool) {
	k -= s.first
	if s.pictures == nil {
		return s.start + time.Duration(k)*s.every, int(k), true
	}
	n, from := uint64(len(s.pictures)), uint64(s.from)
	if k < n {
		return s.start + s.at[k], s.pictures[k], true
	}
	if s.over {
		return s.start + s.at[n], 0, false
	}
	cycle := s.at[n] - s.at[from]
	round, rest := (k-n)/(n-from), (k-n)%(n-from)
	return s.start + s.at[n] + time.Duration(round)*cycle + s.at[from+rest] - s.at[from], s.pictures[from+rest], true
}

// black is a black JPEG in the size of j.
func black(j camera.JPEG) ([]byte, error) {
	m := image.NewYCbCr(image.Rect(0, 0, j.Width, j.Height), image.YCbCrSubsampleRatio420)
	for i := range m.Cb {
		m.Cb[i], m.Cr[i] = 128, 128
	}
	return encode(m)
}

// toYUYV unpacks a JPEG to packed 4:2:2; an odd width loses its last column.
func toYUYV(b []byte) (pix []byte, w, h int, err error) {
	src, err := jpeg.Decode(bytes.NewReader(b))
	if err != nil {
		return nil, 0, 0, err
	}
	r := src.Bounds()
	w, h = r.Dx()&^1, r.Dy()
	m, ok := src.(*image.YCbCr)
	if !ok {
		m = image.NewYCbCr(r, image.YCbCrSubsampleRatio444)
		rgba := image.NewRGBA(r)
		draw.Draw(rgba, r, src, r.Min, draw.Src)
		for y := r.Min.Y; y < r.Max.Y; y++ {
			for x := r.Min.X; x < r.Max.X; x++ {
				p := rgba.Pix[rgba.PixOffset(x, y):]
				i := m.YOffset(x, y)
				m.Y[i], m.Cb[i], m.Cr[i] = color.RGBToYCbCr(p[0], p[1], p[2])
			}
		}
	}
	pix = make([]byte, w*h*2)
	for y := range h {
		for x := 0; x < w; x += 2 {
			yo := m.YOffset(r.Min.X+x, r.Min.Y+y)
			co := m.COffset(r.Min.X+x, r.Min.Y+y)
			o := (y*w + x) * 2
			pix[o], pix[o+1], pix[o+2], pix[o+3] = m.Y[yo], m.Cb[co], m.Y[yo+1], m.Cr[co]
		}
	}
	return pix, w, h, nil
}

var errNoVideo = errors.New("this program plays no videos")
