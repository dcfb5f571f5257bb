// Package camera takes frames from a camera: V4L2 devices, or a recording that
// keeps its timing.
package camera

import (
	"context"
	"errors"
	"time"
)

// Format is the pixel format of a frame.
type Format string

// The formats that drivers deliver.
const (
	MJPEG Format = "mjpeg"
	YUYV  Format = "yuyv"
)

// Role says what a camera of the kiosk looks at.
type Role string

// A kiosk may use one device for both.
const (
	RoleDocument Role = "document"
	RoleFace     Role = "face"
)

// Frame is one picture as the device gave it. Pix is the receiver's own copy.
type Frame struct {
	Format Format
	Width  int
	Height int
	Pix    []byte
	At     time.Time // when it was received
	Seq    uint64    // from 1; a gap is a dropped frame
}

// Mode is what a stream should be like; a driver takes the nearest it has.
type Mode struct {
	Width, Height int
	FPS           int
}

// Camera is a device that can stream once at a time.
type Camera interface {
	// Open starts the stream. The caller must Close it.
	Open(ctx context.Context, m Mode) (Stream, error)
	// Name identifies the device without a serial number, for logs and events.
	Name() string
}

// Stream is a running camera. One goroutine reads it.
type Stream interface {
	// Next waits for the next frame: at most the driver's stall limit (3 s), then ErrStalled.
	Next(ctx context.Context) (Frame, error)
	// Mode is what the device really delivers.
	Mode() Mode
	Close() error
}

// Errors of drivers; test with errors.Is. After any of them close the stream and open it anew.
var (
	ErrMissing = errors.New("no such camera")
	ErrDenied  = errors.New("camera may not be used") // permission, busy, privacy shutter
	ErrGone    = errors.New("camera was unplugged")
	ErrStalled = errors.New("camera delivers no frames")
	ErrFormat  = errors.New("camera offers no usable format")
	ErrEnded   = errors.New("recording has ended") // replay only
)
