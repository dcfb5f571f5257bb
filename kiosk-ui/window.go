package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/app"

	"vestibule/agent"
	"vestibule/agent/setup"
	"vestibule/kiosk-ui/automation"
	"vestibule/kiosk-ui/screen"
	"vestibule/kiosk-ui/speech"
	"vestibule/kiosk-ui/text"
	"vestibule/kiosk-ui/theme"
)

// windowOptions say how the screen is opened.
type windowOptions struct {
	size     fyne.Size // zero: the whole display
	language string
	calm     bool
	silent   bool
	log      *slog.Logger
	attract  func() // once the attract screen was drawn with an agent behind it
}

// window is the kiosk's screen in the toolkit's window.
type window struct {
	app   fyne.App
	win   fyne.Window
	ui    *screen.UI
	fonts *theme.Fonts
	up    func() // once the window is shown; may be nil
	shown chan struct{}
}

// openWindow makes the window; show it with run.
func openWindow(o windowOptions) (*window, error) {
	probe, err := display()
	if err != nil {
		return nil, err
	}
	// The probe stays connected until the toolkit is: an X server whose last client
	// leaves resets itself, and refuses connections while it does.
	defer probe.Close()
	// One unit is one pixel: the screens scale themselves to the window. Words
	// that were shown leave the toolkit's cache soon after.
	for k, v := range map[string]string{"FYNE_SCALE": "1", "FYNE_CACHE": "20s"} {
		if os.Getenv(k) == "" {
			if err := os.Setenv(k, v); err != nil {
				return nil, fmt.Errorf("set %s: %w", k, err)
			}
		}
	}
	w := &window{fonts: theme.SystemFonts(), shown: make(chan struct{})}
	w.app = app.New()
	w.app.Settings().SetTheme(theme.Fyne{Palette: theme.Day(), Fonts: w.fonts})
	if w.win, err = newWindow(w.app); err != nil {
		return nil, err
	}
	w.win.SetPadded(false)
	opts := screen.Options{
		Fonts: w.fonts, Language: o.language, Calm: o.calm, Log: o.log,
		Canvas: func() fyne.Canvas { return w.win.Canvas() },
		Attract: func() {
			if o.attract != nil {
				o.attract()
			}
			go w.prewarm()
		},
	}
	if !o.silent {
		if v, ok := speech.Find(o.log); ok {
			opts.Voice = v
		}
	}
	w.ui = screen.New(opts)
	w.win.SetContent(w.ui.Root())
	if o.size.Width > 0 {
		w.win.Resize(o.size)
		w.win.CenterOnScreen()
	} else {
		// The screens ask for no room, and a window of no size is an X error.
		w.win.Resize(fyne.NewSize(800, 600))
		w.win.SetFullScreen(true)
	}
	return w, nil
}

// newWindow turns the toolkit's panic without a usable display into a problem.
func newWindow(a fyne.App) (w fyne.Window, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = noDisplay(fmt.Errorf("the toolkit cannot open a window: %v", p))
		}
	}()
	return a.NewWindow("Vestibule"), nil
}

// prewarm reads the large font while nobody waits for it.
func (w *window) prewarm() {
	for _, bold := range []bool{true, false} {
		for _, l := range []struct {
			script text.Script
			sample string
		}{{text.Arabic, "ع"}, {text.CJK, "日"}} {
			r := w.fonts.Resource(l.script, bold)
			fyne.Do(func() {
				w.app.Driver().RenderedTextSize(l.sample, 20, fyne.TextStyle{Bold: bold}, r)
			})
		}
	}
}

func noDisplay(cause error) error {
	return &fault{&agent.Problem{Code: "display_missing", Message: "There is no display to show the kiosk on.", Hint: "Start it inside a graphical session, or name the display, for example: DISPLAY=:0 kiosk-ui run …"}, exitDisplay, cause}
}

// display connects to the display to open a window on, because the toolkit
// panics when there is none. The caller closes the connection.
func display() (net.Conn, error) {
	name := os.Getenv("DISPLAY")
	if name == "" {
		return nil, noDisplay(errors.New("DISPLAY is not set"))
	}
	host, rest, ok := strings.Cut(name, ":")
	number, _, _ := strings.Cut(rest, ".")
	n, err := strconv.Atoi(number)
	if !ok || err != nil || n < 0 {
		return nil, noDisplay(fmt.Errorf("DISPLAY %q is not understood", name))
	}
	const patience = 2 * time.Second
	var c net.Conn
	if host == "" || host == "unix" {
		// The abstract socket first, then the one in the file system.
		if c, err = net.DialTimeout("unix", fmt.Sprintf("@/tmp/.X11-unix/X%d", n), patience); err != nil {
			c, err = net.DialTimeout("unix", fmt.Sprintf("/tmp/.X11-unix/X%d", n), patience)
		}
	} else {
		c, err = net.DialTimeout("tcp", net.JoinHostPort(host, strconv.Itoa(6000+n)), patience)
	}
	if err != nil {
		return nil, noDisplay(err)
	}
	return c, nil
}

// size reads WxH.
func size(s string) (fyne.Size, error) {
	w, h, ok := strings.Cut(strings.ToLower(s), "x")
	width, err1 := strconv.Atoi(w)
	height, err2 := strconv.Atoi(h)
	if !ok || err1 != nil || err2 != nil || width < 480 || height < 480 || width > 8192 || height > 8192 {
		return fyne.Size{}, fmt.Errorf("%q is no window size: write WxH, each 480 to 8192", s)
	}
	return fyne.NewSize(float32(width), float32(height)), nil
}

// door lets the automation door into the screen's goroutine.
type door struct{ w *window }

var _ automation.Screen = door{}

// doorLimit is how long the screen may take for one request.
const doorLimit = 5 * time.Second

func (d door) do(f func() error) error {
	done := make(chan error, 1)
	fyne.Do(func() {
		defer func() {
			if p := recover(); p != nil {
				done <- errors.New("the screen panicked")
			}
		}()
		done <- f()
	})
	select {
	case err := <-done:
		return err
	case <-time.After(doorLimit):
		return errors.New("the screen does not answer")
	}
}

// view is what {"do":"state"} tells. It holds no personal data.
type view struct {
	Step        agent.Step `json:"step"`
	Path        string     `json:"path"`
	Language    string     `json:"language,omitempty"`
	Attempt     int        `json:"attempt,omitempty"`
	MaxAttempts int        `json:"maxAttempts,omitempty"`
	Hint        string     `json:"hint,omitempty"`
	Challenge   string     `json:"challenge,omitempty"`
	Retake      string     `json:"retake,omitempty"`
	ByHand      bool       `json:"byHand,omitempty"`
	Asking      bool       `json:"asking,omitempty"`
	Online      bool       `json:"online"`
	Waiting     int        `json:"waiting"`
	Reference   string     `json:"reference,omitempty"`
	Decided     bool       `json:"decided,omitempty"`
	Decision    string     `json:"decision,omitempty"`
	Exhausted   bool       `json:"exhausted,omitempty"`
	Problem     string     `json:"problem,omitempty"`
	Ready       bool       `json:"ready"` // an agent is behind the screen
	Overlay     bool       `json:"overlay,omitempty"`
	Session     string     `json:"session,omitempty"`
	SetUp       setup.Step `json:"setUp,omitempty"` // the kiosk has no identity yet
	Scanning    bool       `json:"scanning,omitempty"`
}

// stepSetUp is the step that the door tells while the kiosk is being set up.
const stepSetUp agent.Step = "setup"

// State implements automation.Screen.
func (d door) State() (any, error) {
	var v view
	err := d.do(func() error {
		s := d.w.ui.State()
		v = view{
			Step: s.Step, Path: s.Path, Language: s.Language, Attempt: s.Attempt, MaxAttempts: s.MaxAttempts,
			Hint: string(s.Hint), Challenge: string(s.Challenge), Retake: s.Retake.String(), ByHand: s.ByHand,
			Asking: s.Asking, Online: s.Online, Waiting: s.Waiting, Ready: d.w.ui.Ready(), Overlay: d.w.ui.Covered(), Session: s.Session,
		}
		if o := s.Outcome; o != nil {
			v.Reference, v.Decided, v.Decision, v.Exhausted = o.Reference, o.Decided, string(o.Decision), o.Exhausted
		}
		if s.Problem != nil {
			v.Problem = s.Problem.Code
		}
		if st, ok := d.w.ui.SetUp(); ok {
			v.Step, v.SetUp, v.Scanning = stepSetUp, st.Step, st.Scanning
			if st.Problem != nil {
				v.Problem = st.Problem.Code
			}
		}
		if p := d.w.ui.Fault(); p != nil {
			v.Step, v.Problem = agent.StepClosed, p.Code
		}
		return nil
	})
	return v, err
}

// Widgets implements automation.Screen.
func (d door) Widgets() (any, error) {
	var out []screen.Control
	err := d.do(func() error {
		out = d.w.ui.Controls()
		return nil
	})
	return out, err
}

// Tap implements automation.Screen.
func (d door) Tap(id string) error { return d.do(func() error { return d.w.ui.Tap(id) }) }

// Type implements automation.Screen.
func (d door) Type(text string) error { return d.do(func() error { return d.w.ui.Type(text) }) }

// serveDoor opens the automation door where a path is named.
func (w *window) serveDoor(ctx context.Context, path string, errs io.Writer) error {
	if path == "" {
		return nil
	}
	d, err := automation.Open(path, door{w})
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(errs, "kiosk-ui: automation door open at %s: whoever can open it can use this kiosk\n", path)
	go func() { _ = d.Serve(ctx) }()
	return nil
}
