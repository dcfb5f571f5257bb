package scripted

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/jpeg"
	"sync"
	"time"

	"vestibule/hardware/camera"
)

// Camera delivers one picture thirty times a second until a script breaks it.
type Camera struct {
	Label   string
	Picture []byte // MJPEG
	Size    [2]int // of Picture, pixels

	Mu      sync.Mutex                     // for whoever changes the fields below while it runs
	Opens   int                            // so far
	OnOpen  func(n int) error              // before the n-th opening, from 1
	OnFrame func(opening, frame int) error // instead of a frame
}

// NewCamera gives a camera that sees a small picture.
func NewCamera(label string) *Camera {
	return &Camera{Label: label, Picture: Pixels(), Size: [2]int{64, 48}}
}

// Name implements camera.Camera.
func (c *Camera) Name() string { return c.Label }

// Open implements camera.Camera.
func (c *Camera) Open(context.Context, camera.Mode) (camera.Stream, error) {
	c.Mu.Lock()
	defer c.Mu.Unlock()
	c.Opens++
	if c.OnOpen != nil {
		if err := c.OnOpen(c.Opens); err != nil {
			return nil, err
		}
	}
	return &stream{c: c, opening: c.Opens, mode: camera.Mode{Width: c.Size[0], Height: c.Size[1], FPS: 30}}, nil
}

type stream struct {
	c       *Camera
	opening int
	frame   int
	mode    camera.Mode
}

func (s *stream) Mode() camera.Mode { return s.mode }
func (s *stream) Close() error      { return nil }

func (s *stream) Next(ctx context.Context) (camera.Frame, error) {
	s.frame++
	if s.c.OnFrame != nil {
		if err := s.c.OnFrame(s.opening, s.frame); err != nil {
			return camera.Frame{}, err
		}
	}
	if err := pause(ctx, time.Second/30); err != nil {
		return camera.Frame{}, err
	}
	return camera.Frame{
		Format: camera.MJPEG, Width: s.mode.Width, Height: s.mode.Height, Pix: bytes.Clone(s.c.Picture), At: time.Now(), Seq: uint64(s.frame),
	}, nil
}

// Pixels is one small JPEG picture, 64 × 48.
func Pixels() []byte {
	img := image.NewRGBA(image.Rect(0, 0, 64, 48))
	for i := range img.Pix {
		img.Pix[i] = byte(i*7) | 0x80
	}
	img.Set(1, 1, color.White)
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		panic(err) // a picture of this size in memory can always be encoded
	}
	return b.Bytes()
}
