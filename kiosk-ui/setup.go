package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"fyne.io/fyne/v2"

	"vestibule/agent/setup"
	"vestibule/models/worker"
	"vestibule/sync/identity"
)

// shownDone is how long the screen says which kiosk this now is.
const shownDone = 1500 * time.Millisecond

// needsSetUp reports whether this kiosk has no identity yet and may get one. One that is damaged is for people to look
// at: another would strand what it holds.
func (s *settings) needsSetUp() bool {
	return s.data != "" && s.bundle != "" && !s.offline && !identity.Enrolled(s.bundle)
}

// setUp asks for the centre and a token on the screen until the kiosk is enrolled.
func (s *settings) setUp(ctx context.Context, w *window, keys identity.Keys, log *slog.Logger) error {
	select {
	case <-w.shown:
	case <-ctx.Done():
		return ctx.Err()
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	cfg := setup.Config{Dir: s.bundle, Address: s.centre, Keys: keys, Now: time.Now, Log: log}
	spec := s.document
	if spec == "none" {
		spec = s.face
	}
	var engine *worker.Client
	if spec != "none" {
		if cfg.Camera, err = lens(spec); err != nil {
			return err
		}
		cfg.Eyes = func(ctx context.Context) (setup.Eyes, error) {
			c, err := worker.Start(ctx, worker.Config{Command: []string{self, "worker"}, ModelsDir: s.models, Log: log})
			if err != nil {
				return nil, err
			}
			engine = c
			return c, nil
		}
	}
	p := setup.New(cfg)
	watched, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.ui.RunSetUp(watched, p)
	}()
	log.Info("this kiosk has no identity yet: it asks for a token")
	b, err := p.Run(ctx)
	if err == nil {
		log.Info("this kiosk is enrolled", "kiosk", b.Name)
		select {
		case <-time.After(shownDone):
		case <-ctx.Done():
		}
	}
	stop()
	<-ended
	if engine != nil { // the agent starts one of its own
		err = errors.Join(err, engine.Close())
	}
	fyne.Do(w.ui.EndSetUp)
	return err
}
