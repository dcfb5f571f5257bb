package agent

import (
	"context"
	"fmt"

	"vestibule/agent/capture"
	"vestibule/hardware/camera"
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
