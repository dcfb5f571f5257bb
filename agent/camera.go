package agent

import (
	"context"
	"fmt"

	"vestibule/agent/capture"
	"vestibule/hardware/camera"
	"vestibule/hardware/camera/v4l2"
	"vestibule/models/face/injection"
)

// cameraOf is a camera and what it is for.
type cameraOf struct {
	camera.Camera
	role string
}

// try opens the camera, takes one frame and closes it.
func (c cameraOf) try(ctx context.Context, opt capture.Options) error {
	ctx, cancel := context.WithTimeout(ctx, opt.OpenLimit)
	defer cancel()
	s, err := c.Open(ctx, opt.Mode)
	if err != nil {
		return fmt.Errorf("%s camera: %w", c.role, capture.Fail(err))
	}
	defer s.Close()
	if _, err := s.Next(ctx); err != nil {
		return fmt.Errorf("%s camera: %w", c.role, capture.Fail(err))
	}
	return nil
}

// deviceOf asks a camera what it is. A recording, or a camera that is gone, does not say.
func deviceOf(c camera.Camera) injection.Device {
	d := injection.Device{Name: c.Name()}
	asked, ok := c.(interface{ Info() (v4l2.Info, error) })
	if !ok {
		return d
	}
	i, err := asked.Info()
	if err != nil {
		return d
	}
	d.Asked, d.Driver, d.Card, d.Bus, d.Virtual = true, i.Driver, i.Card, i.Bus, i.Virtual()
	return d
}
