package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"fyne.io/fyne/v2"
)

// farewell is how long the agent may take to end a visit cleanly when the program stops.
const farewell = 5 * time.Second

// byItself is how long the toolkit has to end by itself, as it does on a signal.
const byItself = 300 * time.Millisecond

// run shows the kiosk. The window comes first; the agent starts beside it.
func run(args []string, errs io.Writer) int {
	begun := time.Now()
	var (
		s          settings
		at         keyFlags
		f          = flag.NewFlagSet("kiosk-ui run", flag.ContinueOnError)
		windowed   = f.String("window", "", "window of `WxH` pixels instead of the whole display")
		full       = f.Bool("fullscreen", false, "the whole display (default without --window)")
		language   = f.String("language", "en", "language of the attract screen: en, ar or ja")
		calm       = f.Bool("reduced-motion", false, "nothing on the screen moves by itself")
		silent     = f.Bool("silent", false, "no Listen button, even where a speech program is installed")
		automation = f.String("automation", "", "open the automation door at this socket `path` (demos and tests)")
		failFast   = f.Bool("fail-fast", false, "end when the kiosk cannot start, instead of showing why")
	)
	s.register(f)
	at.register(f)
	if code, stop := parse(f, args, errs); stop {
		return code
	}
	o := windowOptions{language: *language, calm: *calm, silent: *silent, log: s.logger(errs)}
	if *windowed != "" {
		if *full {
			_, _ = fmt.Fprintln(errs, "kiosk-ui: --window and --fullscreen exclude each other")
			return exitUsage
		}
		var err error
		if o.size, err = size(*windowed); err != nil {
			_, _ = fmt.Fprintln(errs, "kiosk-ui: --window:", err)
			return exitUsage
		}
	}
	o.attract = func() { o.log.Info("attract screen is up", "after", time.Since(begun).Round(time.Millisecond)) }
	w, err := openWindow(o)
	if err != nil {
		return report(errs, err)
	}
	w.up = func() { o.log.Info("window is up", "after", time.Since(begun).Round(time.Millisecond)) }
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := w.serveDoor(ctx, *automation, errs); err != nil {
		return report(errs, err)
	}
	return w.run(ctx, stop, func(ctx context.Context) (behind, error) {
		if !*failFast && s.needsSetUp() {
			keys, err := at.keys()
			if err != nil {
				return behind{}, asProblem(err)
			}
			if err := s.setUp(ctx, w, keys, o.log); err != nil {
				return behind{}, err
			}
		}
		return s.behind(ctx, o)
	}, *failFast, errs)
}

// behind is what a window runs on: Run works until its context ends, close tidies up.
type behind struct {
	run   func(ctx context.Context, w *window) error
	close func() error
}

// behind starts the agent for a window.
func (s *settings) behind(ctx context.Context, o windowOptions) (behind, error) {
	k, err := s.start(ctx, o.log)
	if err != nil {
		return behind{}, err
	}
	return behind{
		run: func(ctx context.Context, w *window) error {
			go w.ui.Run(ctx, k)
			return k.Run(ctx)
		},
		close: k.close,
	}, nil
}

// run shows the window until ctx ends or it is closed, with what start gives behind it.
func (w *window) run(ctx context.Context, stop func(), start func(context.Context) (behind, error), failFast bool, errs io.Writer) int {
	var (
		mu   sync.Mutex
		code = exitDone
		done = make(chan struct{})

		closed = make(chan struct{}) // the toolkit's loop has ended
	)
	fail := func(err error) {
		mu.Lock()
		defer mu.Unlock()
		code = report(errs, err)
	}
	w.win.SetOnClosed(stop)
	w.app.Lifecycle().SetOnStarted(func() {
		if w.up != nil {
			w.up()
		}
		close(w.shown)
	})
	// The agent starts while the toolkit does; it meets the screen once both are up.
	go func() {
		defer close(done)
		b, err := start(ctx)
		select {
		case <-w.shown:
		case <-ctx.Done():
		}
		if err != nil {
			if ctx.Err() == nil {
				fail(err)
				if failFast {
					stop()
					return
				}
				p := faultOf(err).Problem
				fyne.Do(func() { w.ui.Fail(p) })
				<-ctx.Done()
			}
			return
		}
		if err := b.run(ctx, w); err != nil && !errors.Is(err, context.Canceled) {
			fail(err)
		}
		if err := b.close(); err != nil {
			fail(err)
		}
		stop()
	}()
	go func() {
		<-ctx.Done()
		select { // the visit ends cleanly first: what is shown of a person goes
		case <-done:
		case <-time.After(farewell):
		}
		select {
		case <-closed: // the toolkit ends by itself on some signals
		case <-time.After(byItself):
			defer func() { _ = recover() }() // it panics where it ended in between, and then there is nothing to do
			fyne.Do(w.app.Quit)
		}
	}()
	w.win.ShowAndRun()
	close(closed)
	stop()
	select {
	case <-done:
	case <-time.After(farewell):
	}
	mu.Lock()
	defer mu.Unlock()
	return code
}
