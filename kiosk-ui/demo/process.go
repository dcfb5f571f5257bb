package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"vestibule/kiosk-ui/child"
)

// display makes sure there is an X display: the caller's own, or an Xvfb of a
// kiosk's size. It returns the environment for the kiosk.
func display(ctx context.Context, logDir string) (*child.Process, []string, error) {
	if os.Getenv("DISPLAY") != "" {
		return nil, nil, nil
	}
	for n := 90; n < 200; n++ {
		socket := fmt.Sprintf("/tmp/.X11-unix/X%d", n)
		if _, err := os.Stat(socket); err == nil {
			continue
		}
		if _, err := os.Stat(fmt.Sprintf("/tmp/.X%d-lock", n)); err == nil {
			continue
		}
		name := fmt.Sprintf(":%d", n)
		p, err := child.Start(logDir, "xvfb", nil, "Xvfb", name, "-screen", "0", "1080x1920x24", "-nolisten", "tcp")
		if err != nil {
			return nil, nil, fmt.Errorf("no display, and Xvfb cannot be started (make deps installs it): %w", err)
		}
		err = p.Until(ctx, 10*time.Second, func() bool { _, err := os.Stat(socket); return err == nil })
		if err != nil {
			p.Stop()
			continue // somebody else took the number
		}
		return p, []string{"DISPLAY=" + name, "LIBGL_ALWAYS_SOFTWARE=1"}, nil
	}
	return nil, nil, errors.New("no free X display number between :90 and :199")
}

// picture keeps what the virtual display shows. On a display of the user's own it
// takes none: other windows are nobody's business.
func (w *world) picture(ctx context.Context, name string) error {
	if w.screen == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "import", "-window", "root", filepath.Join(w.pictures, name+".png"))
	cmd.Env = append(os.Environ(), w.kioskEnv...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("take a picture of the screen: %w: %s", err, out)
	}
	return nil
}
