// Package open turns an operator's word for a camera into a camera.
//
// What may live here: knowing every driver by name. What may not: a driver.
package open

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"vestibule/hardware/camera"
	"vestibule/hardware/camera/replay"
	"vestibule/hardware/camera/v4l2"
	"vestibule/hardware/camera/video"
	"vestibule/hardware/clock"
)

// ErrSpec says that a camera specification is not understood.
var ErrSpec = errors.New("not a camera: write /dev/videoN, replay:PATH or none")

// Camera understands
//
//	/dev/video0      a Video4Linux2 device, or a link to one
//	replay:PATH      a picture, folder or video
//	none, or empty   no camera: every Open is camera.ErrMissing
//
// It opens nothing yet. clk may be nil.
func Camera(spec string, clk clock.Clock) (camera.Camera, error) {
	scheme, rest, _ := strings.Cut(spec, ":")
	switch {
	case spec == "" || spec == "none":
		return None{}, nil
	case scheme == "replay" && rest != "":
		return replay.New(rest, replay.Options{Clock: clk, Video: video.Open}), nil
	case strings.HasPrefix(spec, "/dev/"):
		return v4l2.New(spec, v4l2.Options{Clock: clk}), nil
	}
	return nil, fmt.Errorf("%q: %w", spec, ErrSpec)
}

// None is the camera of a kiosk without one.
type None struct{}

var _ camera.Camera = None{}

// Open always fails.
func (None) Open(context.Context, camera.Mode) (camera.Stream, error) {
	return nil, fmt.Errorf("open camera: %w: none is configured", camera.ErrMissing)
}

// Name is "none".
func (None) Name() string { return "none" }
