package screen

import (
	"context"
	"image"
	"log/slog"
	"runtime/debug"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"

	"vestibule/agent"
	"vestibule/journey"
	"vestibule/kiosk-ui/theme"
	"vestibule/kiosk-ui/touch"
)

// Options say what a UI works with. Fonts is needed; the rest has defaults.
type Options struct {
	Fonts    *theme.Fonts
	Language string           // of the attract screen, default en
	Calm     bool             // reduced motion
	Voice    Voice            // nil: no Listen button
	Now      func() time.Time // default time.Now
	// Do runs a function on the screen's goroutine; default fyne.Do.
	Do func(func())
	// Canvas gives the canvas the root is shown on, for the keyboard focus; nil: none.
	Canvas func() fyne.Canvas
	// Attract is called once the attract screen was drawn with an agent behind it.
	Attract func()
	Log     *slog.Logger // default: discards. Never personal data.
}

// Voice reads a sentence out. It returns at once; a new sentence ends the one before.
type Voice interface {
	Say(language, sentence string)
	Hush()
}

// UI is the kiosk's screen. All methods but Run belong to the screen's goroutine.
type UI struct {
	opts  Options
	root  *fyne.Container
	stage *fyne.Container
	size  fyne.Size

	kiosk   agent.Kiosk
	state   agent.State
	started time.Time // when the present step began, for moving bars
	begun   bool      // an agent is behind the screen
	fault   *agent.Problem
	setup   *settingUp // while the kiosk has no identity

	strong   bool   // high contrast
	language string // of the attract screen
	help     bool
	editing  field
	draft    *journey.PersonData
	wrong    string // key of what is wrong with the entry
	field    *touch.Field

	look  *touch.Look
	frame frame
	key   shown
	live  live
	hint  hold
	jobs  chan job
	busy  bool
	told  bool // Attract was called
	// stirred is the last touch that was not a command: typing, help, contrast. The
	// agent does not know of it and may ask somebody who is busy.
	stirred time.Time

	lit     time.Time   // since when the colour challenge has been on the screen; zero: it is not
	drawing *image.RGBA // the attract screen's picture
	drawnAs drawn
}

// drawn says how a picture was drawn.
type drawn struct {
	w, h   int
	strong bool
}

// live holds the parts of the present screen that move without a rebuild.
type live struct {
	camera   *touch.Camera
	brackets *touch.Brackets
	oval     *touch.Oval
	field    *lightField
	hint     *hintCard
	moves    map[journey.Challenge]*canvas.Image
	bar      *movingBar
	count    *touch.Label // text with the seconds left
	counted  string       // its key
	clock    *touch.Label
	secrets  []*touch.Label
}

// New makes a UI. Show Root in a window, then call Run.
func New(o Options) *UI {
	if o.Language == "" {
		o.Language = "en"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Do == nil {
		o.Do = fyne.Do
	}
	if o.Canvas == nil {
		o.Canvas = func() fyne.Canvas { return nil }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	u := &UI{opts: o, language: o.Language, state: agent.State{Step: agent.StepAttract, Online: true}}
	u.jobs = make(chan job, maxJobs)
	u.stage = touch.Group(0, 0, 0, 0)
	u.root = &fyne.Container{Layout: filling{u}, Objects: []fyne.CanvasObject{u.stage}}
	return u
}

// Root is the content of the window.
func (u *UI) Root() fyne.CanvasObject { return u.root }

// State is what is shown now.
func (u *UI) State() agent.State { return u.state }

// filling gives the stage the whole window and redraws it when the window changes.
type filling struct{ u *UI }

func (f filling) MinSize([]fyne.CanvasObject) fyne.Size { return fyne.Size{} }

func (f filling) Layout(_ []fyne.CanvasObject, s fyne.Size) {
	f.u.stage.Resize(s)
	if s != f.u.size {
		f.u.size = s
		f.u.guard("resize", f.u.compose)
	}
}

// guard runs a handler and survives its panic: the visit stays, the screen is
// drawn anew, and the panic is observed without its text, which could hold data.
func (u *UI) guard(id string, handler func()) {
	defer func() {
		if p := recover(); p != nil {
			u.opts.Log.Error("screen handler panicked", "id", id, "stack", string(debug.Stack()))
			u.observe(journey.EventJSError, map[string]string{"kind": "ui_panic", "handler": id})
			u.help, u.editing, u.busy = false, "", false
			if id != "compose" {
				u.guard("compose", u.compose)
			}
		}
	}()
	handler()
}

// do brings a guarded handler to the screen's goroutine.
func (u *UI) do(id string, handler func()) { u.opts.Do(func() { u.guard(id, handler) }) }

// await runs a handler on the screen's goroutine and waits for it. States, ticks
// and pictures come faster than a slow machine draws: each waits for the one
// before, so that the screen's queue stays short and a touch is answered at once.
func (u *UI) await(ctx context.Context, id string, handler func()) {
	done := make(chan struct{})
	u.opts.Do(func() {
		defer close(done)
		u.guard(id, handler)
	})
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// previewEvery limits how often the live picture is drawn: 15 a second.
const previewEvery = time.Second / 15

// tickEvery is how often moving parts are looked after.
const tickEvery = 200 * time.Millisecond

// Run connects the screen with an agent until ctx ends.
func (u *UI) Run(ctx context.Context, k agent.Kiosk) {
	u.do("begin", func() {
		u.kiosk, u.fault = k, nil
	})
	go u.work(ctx, k)
	go u.watchPreview(ctx, k)
	states := k.Watch(ctx)
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	for {
		select {
		case s, ok := <-states:
			if !ok {
				return
			}
			u.await(ctx, "state", func() { u.Apply(s) })
		case <-tick.C:
			u.await(ctx, "tick", u.Tick)
		case <-ctx.Done():
			return
		}
	}
}

func (u *UI) watchPreview(ctx context.Context, k agent.Kiosk) {
	last := time.Time{}
	for p := range k.Preview(ctx) {
		if now := u.opts.Now(); now.Sub(last) < previewEvery-5*time.Millisecond {
			continue
		} else {
			last = now
		}
		u.await(ctx, "preview", func() { u.Preview(p.Image) })
	}
}

// Preview draws a live picture, if the present screen has a place for it.
func (u *UI) Preview(img *image.NRGBA) {
	if c := u.live.camera; c != nil {
		c.Draw(c.Prepare(img))
	}
}

// Fail shows a problem that keeps the kiosk from starting.
func (u *UI) Fail(p *agent.Problem) {
	u.fault = p
	u.compose()
}

// Apply shows a state of the agent.
func (u *UI) Apply(next agent.State) {
	prev := u.state
	// An agent that is still starting is the attract screen whose button waits.
	u.begun = true
	if next.Step == agent.StepClosed && next.Problem != nil && next.Problem.Code == agent.ProblemStarting {
		u.begun = false
		next = agent.State{Step: agent.StepAttract, Path: next.Path, Online: true}
	}
	if (next.Step == agent.StepAttract && prev.Step != agent.StepAttract) || (prev.Session != "" && next.Session != prev.Session) {
		u.forget()
	}
	if next.Step != prev.Step || next.Path != prev.Path {
		u.started = u.opts.Now()
		u.help, u.editing, u.draft, u.wrong = false, "", nil, ""
		if u.field != nil {
			u.field.Wipe()
			u.field = nil
		}
		u.hint.reset()
		u.hush()
	}
	u.state = next
	if next.Review != nil && (prev.Review == nil || *prev.Review != *next.Review || u.draft == nil) {
		d := *next.Review
		u.draft = &d
	}
	for _, n := range journal(prev, next, u.languageCode()) {
		u.note(n)
	}
	if next.Asking && !u.stirred.IsZero() && u.opts.Now().Sub(u.stirred) < busyFor {
		u.stillHere()
	}
	if u.key != u.shown() {
		u.compose()
	}
	u.liven()
}

// busyFor is how long after a touch nobody has to be asked whether they are here.
const busyFor = 20 * time.Second

// touched is the guard of every button.
func (u *UI) touched(id string, handler func()) {
	u.stirred = u.opts.Now()
	u.guard(id, handler)
}

// Tick looks after what moves by itself: hints that waited, seconds, bars.
func (u *UI) Tick() { u.liven() }

// forget drops all that was shown of a person, before anything else is drawn.
func (u *UI) forget() {
	for _, l := range u.live.secrets {
		l.Wipe()
	}
	if u.field != nil {
		u.field.Wipe()
		u.field = nil
	}
	if u.live.camera != nil {
		u.live.camera.Wipe()
	}
	if u.draft != nil {
		*u.draft = journey.PersonData{}
		u.draft = nil
	}
	u.state = agent.State{Step: agent.StepAttract, Online: u.state.Online}
	u.live, u.key = live{}, shown{}
	u.editing, u.wrong, u.help = "", "", false
	u.strong, u.language = false, u.opts.Language
	u.stirred = time.Time{}
	u.hint.reset()
	u.hush()
}

func (u *UI) hush() {
	if u.opts.Voice != nil {
		u.opts.Voice.Hush()
	}
}

func (u *UI) languageCode() string {
	if u.state.Language != "" && u.state.Step != agent.StepAttract {
		return u.state.Language
	}
	return u.language
}

// shown is what a composed screen depends on. When it changes, the screen is rebuilt.
type shown struct {
	size               fyne.Size
	step               agent.Step
	path, session      string
	language           string
	attempt, most      int
	retake             journey.CodeKey
	variant            string
	byHand, online     bool
	review             journey.PersonData
	outcome            agent.Outcome
	problem            agent.Problem
	asking, help       bool
	strong, ready      bool
	editing            field
	wrong              string
	challenged, faults bool
	otherSide          bool
	asksLights, lights bool
}

func (u *UI) shown() shown {
	s := u.state
	k := shown{
		size: u.size, step: s.Step, path: s.Path, session: s.Session, language: u.languageCode(),
		attempt: s.Attempt, most: s.MaxAttempts, retake: s.Retake, variant: s.RetakeVariant, byHand: s.ByHand, online: s.Online,
		asking: s.Asking, help: u.help, strong: u.strong, ready: u.begun, editing: u.editing, wrong: u.wrong,
		challenged: s.Challenge != "", faults: u.fault != nil,
		otherSide:  s.OtherSide,
		asksLights: s.Lights != nil && s.Lights.Asking, lights: s.Lights != nil && !s.Lights.Asking,
	}
	if u.draft != nil {
		k.review = *u.draft
	}
	if s.Outcome != nil {
		k.outcome = *s.Outcome
	}
	if s.Problem != nil {
		k.problem = *s.Problem
	}
	if u.fault != nil {
		k.problem = *u.fault
	}
	return k
}

// compose builds the whole screen for the present state.
func (u *UI) compose() {
	if u.size.Width < 1 || u.size.Height < 1 {
		return
	}
	pal := theme.Day()
	if u.strong {
		pal = theme.Contrast()
	}
	u.key = u.shown()
	before := u.live.camera
	for _, l := range u.live.secrets {
		l.Wipe()
	}
	u.live = live{}
	probe := divide(u.size.Width, u.size.Height, false)
	u.look = lookFor(pal, u.opts.Fonts, u.languageCode(), probe, u.opts.Calm, u.touched)
	u.frame = divide(u.size.Width, u.size.Height, u.look.RTL())
	ground := canvas.NewRectangle(pal.Paper)
	ground.Resize(u.size)
	objects := []fyne.CanvasObject{ground}
	objects = append(objects, u.screen(before)...)
	if over := u.overlay(); over != nil {
		objects = append(objects, over)
	}
	u.stage.Objects = objects
	u.stage.Refresh()
	u.liveLights()
	u.liven()
	if u.begun && u.fault == nil && u.state.Step == agent.StepAttract && !u.told {
		u.told = true
		if u.opts.Attract != nil {
			u.opts.Attract()
		}
	}
}
