package agent

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"math"
	"math/rand"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"vestibule/agent/store"
	"vestibule/hardware/camera"
	"vestibule/journey"
	"vestibule/models"
	"vestibule/models/mrz"
	"vestibule/sync/seal"
	"vestibule/sync/wire"
)

// today is when the tests happen, whatever the machine's clock says.
var today = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// pixels is one small JPEG picture.
func pixels(tb testing.TB) []byte {
	tb.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 64, 48))
	for i := range img.Pix {
		img.Pix[i] = byte(i*7) | 0x80
	}
	img.Set(1, 1, color.White)
	var b bytes.Buffer
	require.NoError(tb, jpeg.Encode(&b, img, nil))
	return b.Bytes()
}

// scriptedCamera delivers the same picture thirty times a second until a script breaks it.
type scriptedCamera struct {
	name string
	pix  []byte

	mu    sync.Mutex
	opens int
	open  func(n int) error              // before the n-th opening, from 1
	next  func(opening, frame int) error // instead of a frame
}

func (c *scriptedCamera) Name() string { return c.name }

func (c *scriptedCamera) Open(ctx context.Context, m camera.Mode) (camera.Stream, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.opens++
	if c.open != nil {
		if err := c.open(c.opens); err != nil {
			return nil, err
		}
	}
	return &scriptedStream{c: c, opening: c.opens, mode: camera.Mode{Width: 64, Height: 48, FPS: 30}}, nil
}

type scriptedStream struct {
	c       *scriptedCamera
	opening int
	frame   int
	mode    camera.Mode
}

func (s *scriptedStream) Mode() camera.Mode { return s.mode }
func (s *scriptedStream) Close() error      { return nil }

func (s *scriptedStream) Next(ctx context.Context) (camera.Frame, error) {
	s.frame++
	if s.c.next != nil {
		if err := s.c.next(s.opening, s.frame); err != nil {
			return camera.Frame{}, err
		}
	}
	t := time.NewTimer(time.Second / 30)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
		return camera.Frame{}, ctx.Err()
	}
	return camera.Frame{Format: camera.MJPEG, Width: 64, Height: 48, Pix: bytes.Clone(s.c.pix), At: time.Now(), Seq: uint64(s.frame)}, nil
}

// scriptedEngine sees what a test says. Every field may be replaced.
type scriptedEngine struct {
	mu       sync.Mutex
	reads    int
	faces    int
	glance   func(n int, aim models.Aim) (models.Glance, error)
	document func(n int) (models.Document, error)
	face     func(n int, at time.Time) (models.Face, error)
	examine  func(looks models.Looks) (models.Examination, error)
	stuck    bool                  // reading print never ends by itself
	left     func(context.Context) // is told of every reading of print
	versions error
	glances  int
}

func newEngine() *scriptedEngine {
	return &scriptedEngine{
		glance: func(_ int, aim models.Aim) (models.Glance, error) {
			g := models.Glance{Width: 64, Height: 48, Quality: models.Quality{Sharpness: 80, Glare: 100, Exposure: 90, Colour: 80, Luma: 120}}
			if aim == models.AimDocument {
				g.Outline = &models.Quad{{X: .1, Y: .1}, {X: .9, Y: .1}, {X: .9, Y: .9}, {X: .1, Y: .9}}
			} else {
				g.Face, g.Faces = &models.Box{X1: .3, Y1: .2, X2: .7, Y2: .8}, 1
			}
			return g, nil
		},
		document: func(int) (models.Document, error) { return goodDocument(), nil },
		face:     func(int, time.Time) (models.Face, error) { return goodFace(), nil },
		examine:  func(models.Looks) (models.Examination, error) { return models.Examination{}, nil },
	}
}

func (e *scriptedEngine) Glance(_ context.Context, _ models.Frame, aim models.Aim) (models.Glance, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.glances++
	return e.glance(e.glances, aim)
}

func (e *scriptedEngine) ReadDocument(ctx context.Context, frames []models.Frame) (models.Document, error) {
	if err := pause(ctx, 300*time.Millisecond); err != nil {
		return models.Document{}, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(frames) == 0 {
		return models.Document{}, models.ErrFrame
	}
	e.reads++
	return e.document(e.reads)
}

func (e *scriptedEngine) ReadFace(ctx context.Context, _ models.Frame) (models.Face, error) {
	if err := pause(ctx, 15*time.Millisecond); err != nil {
		return models.Face{}, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.faces++
	return e.face(e.faces, time.Now())
}

func (e *scriptedEngine) Examine(ctx context.Context, _ []models.Frame, looks models.Looks) (models.Examination, error) {
	d := 100 * time.Millisecond
	if looks.Text {
		d = time.Second
		if e.left != nil {
			go e.left(ctx)
		}
		if e.stuck {
			d = time.Hour
		}
	}
	if err := pause(ctx, d); err != nil {
		return models.Examination{}, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.examine(looks)
}

func (e *scriptedEngine) Versions(context.Context) (map[string]string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.versions != nil {
		return nil, e.versions
	}
	return map[string]string{"scripted": "000000000001"}, nil
}

func (e *scriptedEngine) Close() error { return nil }

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// template is a unit vector; people are axes of their own, seen with a little noise.
func template(person int, likeness float64) []float32 {
	t := make([]float32, 512)
	t[person] = float32(likeness)
	t[511] = float32(math.Sqrt(1 - likeness*likeness))
	return t
}

func goodFace() models.Face {
	f := models.Face{
		Width: 640, Height: 480, Found: true, Faces: 1, Score: .99, Box: models.Box{X1: .3, Y1: .2, X2: .7, Y2: .8},
		Eyes: 110, EyesOpen: .95, Live: .97, Sharpness: 120, Luma: 120, Quality: 92, Template: template(1, .8), Model: "m1",
	}
	for i := range f.Points {
		f.Points[i] = models.Point{X: .5, Y: .5}
	}
	for _, i := range []int{37, 38, 40, 41} {
		f.Points[i] = models.Point{X: .42, Y: .4}
	}
	for _, i := range []int{43, 44, 46, 47} {
		f.Points[i] = models.Point{X: .58, Y: .4}
	}
	return f
}

func goodPortrait() *models.Face {
	f := goodFace()
	f.Template, f.Eyes = template(1, .9), 60
	return &f
}

// specimen is the content of the zone that the tests' document carries (ICAO 9303's own traveller).
func specimen() mrz.Content {
	return mrz.Content{
		Layout: mrz.TD3, Code: "P", Issuer: "UTO", FamilyName: "ERIKSSON", GivenNames: "ANNA MARIA",
		Number: "L898902C3", Nationality: "UTO", Birth: "1974-08-12", Sex: "female", Expiry: "2031-04-15",
	}
}

func documentOf(c mrz.Content) models.Document {
	lines, err := mrz.Write(c)
	if err != nil {
		panic(err)
	}
	return documentFrom(lines)
}

func documentFrom(lines []string) models.Document {
	z, err := mrz.Parse(lines, mrz.On(today))
	if err != nil {
		panic(err)
	}
	d := models.Document{
		Width: 64, Height: 48, MRZ: &z, Agreed: true, PixelsPerMM: 12, Recognition: 96,
		Outline:  &models.Quad{{X: .1, Y: .1}, {X: .9, Y: .1}, {X: .9, Y: .9}, {X: .1, Y: .9}},
		Quality:  models.Quality{Sharpness: 80, Glare: 100, Exposure: 90, Colour: 80, Luma: 120},
		Portrait: []byte("portrait of a person"), PortraitFace: goodPortrait(), Upright: []byte("front of a document"),
	}
	for _, l := range lines {
		d.Lines = append(d.Lines, models.Line{Text: l, Score: 98})
	}
	return d
}

func goodDocument() models.Document { return documentOf(specimen()) }

// moving gives a face that does whatever the kiosk asks for, like a willing person.
func moving(k *Agent) func(int, time.Time) (models.Face, error) {
	var asked journey.Challenge
	var since time.Time
	return func(_ int, at time.Time) (models.Face, error) {
		if c := k.states.get().Challenge; c != asked {
			asked, since = c, at
		}
		return pose(goodFace(), asked, at.Sub(since)), nil
	}
}

// pose is a face some time into a movement.
func pose(f models.Face, c journey.Challenge, into time.Duration) models.Face {
	if into < 300*time.Millisecond {
		return f // nobody reacts at once
	}
	turn := func(yaw, nose float64) {
		f.Yaw = yaw
		f.Points[30].X += nose * .16
	}
	switch c {
	case journey.TurnLeft:
		turn(-25, .4)
	case journey.TurnRight:
		turn(25, -.4)
	case journey.LookUp:
		f.Pitch = 16
	case journey.Blink:
		if into < 500*time.Millisecond {
			f.EyesOpen = .1
		}
	}
	return f
}

// bench is one kiosk under test.
type bench struct {
	t      *testing.T
	dir    string
	cfg    Config
	engine *scriptedEngine
	doc    *scriptedCamera
	face   *scriptedCamera
	ring   *seal.Keyring
	offset time.Duration

	stored func()
	a      *Agent
	stop   context.CancelCauseFunc
}

func newBench(t *testing.T, change ...func(*Config)) *bench {
	t.Helper()
	b := &bench{t: t, dir: filepath.Join(t.TempDir(), "kiosk"), engine: newEngine()}
	b.doc = &scriptedCamera{name: "document-camera", pix: pixels(t)}
	b.face = &scriptedCamera{name: "face-camera", pix: pixels(t)}
	key, err := seal.GenerateKey()
	require.NoError(t, err)
	b.ring = seal.NewKeyring(key)
	b.offset = time.Until(today)
	policy := journey.DefaultPolicy()
	policy.Liveness.Active = false
	policy.Liveness.Injection = false // the scripted camera gives one picture over and over
	b.cfg = Config{
		Dir: b.dir, Kiosk: "k1", Site: Site{Country: "UTO"}, DocumentCamera: b.doc, FaceCamera: b.face,
		Engine: b.engine, Seal: key.Public(), Policy: policy, Text: "2026-01",
		Now:  func() time.Time { return time.Now().Add(b.offset) },
		Rand: &seeded{r: rand.New(rand.NewSource(1))},
	}
	for _, f := range change {
		f(&b.cfg)
	}
	return b
}

// seeded is a source of bytes that several goroutines may read.
type seeded struct {
	mu sync.Mutex
	r  *rand.Rand
}

func (s *seeded) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.r.Read(p)
}

var _ io.Reader = (*seeded)(nil)

// start opens the kiosk and runs it.
func (b *bench) start() *Agent {
	b.t.Helper()
	a, err := New(b.cfg)
	require.NoError(b.t, err)
	a.stored = b.stored
	ctx, cancel := context.WithCancelCause(b.t.Context())
	b.a, b.stop = a, cancel
	go func() { _ = a.Run(ctx) }()
	b.t.Cleanup(func() { // a test that failed leaves nothing running
		if b.a == a {
			cancel(errAbandoned)
			<-a.ended
			_ = a.Close()
		}
	})
	return a
}

// settle waits until the kiosk has finished what it is at.
func (b *bench) settle() {
	b.t.Helper()
	require.NoError(b.t, b.a.ask(b.t.Context(), func(*owner) error { return nil }))
}

// halt ends the kiosk: in good order, or as a power cut would.
func (b *bench) halt(cause error) {
	b.t.Helper()
	b.stop(cause)
	<-b.a.ended
	require.NoError(b.t, b.a.Close())
	b.a = nil
}

// until waits for a state.
func (b *bench) until(what string, ok func(State) bool) State {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 5*time.Minute)
	defer cancel()
	var last State
	for s := range b.a.Watch(ctx) {
		if last = s; ok(s) {
			return s
		}
	}
	problem, _ := json.Marshal(last.Problem)
	require.FailNow(b.t, "never came", "%s; last was %s %s %s", what, last.Step, last.Retake, problem)
	return State{}
}

func (b *bench) untilStep(step Step) State {
	b.t.Helper()
	return b.until(string(step), func(s State) bool {
		return s.Step == step && !(s.Step == StepClosed && s.Problem.Code == ProblemStarting)
	})
}

func (b *bench) do(c Command) {
	b.t.Helper()
	require.NoError(b.t, b.a.Do(b.t.Context(), c))
}

// to brings a visit to a step.
func (b *bench) to(step Step) State {
	b.t.Helper()
	b.untilStep(StepAttract)
	b.do(Start{})
	for {
		s := b.until("a step", func(s State) bool {
			return s.Step != StepAttract && s.Step != StepReading && s.Step != StepChecking || s.Step == step
		})
		if s.Step == step {
			return s
		}
		switch s.Step {
		case StepLanguage:
			b.do(ChooseLanguage{Language: "en"})
		case StepConsent:
			b.do(Consent{Given: true})
		case StepReview:
			b.do(Confirm{})
		case StepDocument, StepSelfie:
			from := s.Step
			b.until("the camera step to end", func(s State) bool { return s.Step != from })
		default:
			require.FailNow(b.t, "went another way", "at %s: %v", s.Step, s.Problem)
		}
	}
}

// journal gives the last visit's events, and checks what holds for every journal.
func (b *bench) journal() []journey.Event {
	b.t.Helper()
	sessions := b.sessions()
	require.NotEmpty(b.t, sessions)
	return b.journalOf(sessions[len(sessions)-1])
}

func (b *bench) sessions() []string {
	b.t.Helper()
	var out []string
	b.withStore(func(s *store.Store) {
		var err error
		out, err = s.Sessions(context.Background())
		require.NoError(b.t, err)
	})
	return out
}

func (b *bench) journalOf(session string) []journey.Event {
	b.t.Helper()
	var events []journey.Event
	if b.a != nil {
		b.settle()
	}
	b.withStore(func(s *store.Store) {
		var err error
		events, err = s.Events(context.Background(), session)
		require.NoError(b.t, err)
	})
	soundJournal(b.t, events)
	return events
}

// withStore lends the running kiosk's store, or opens it.
func (b *bench) withStore(f func(*store.Store)) {
	b.t.Helper()
	if b.a != nil {
		f(b.a.store)
		return
	}
	s, err := store.Open(b.dir, b.cfg.Kiosk, b.cfg.Store)
	require.NoError(b.t, err)
	f(s)
	require.NoError(b.t, s.Close())
}

// soundJournal checks what every journal must be, whatever happened.
func soundJournal(tb testing.TB, events []journey.Event) {
	tb.Helper()
	known := map[string]bool{}
	for i, ev := range events {
		require.Equal(tb, uint64(i+1), ev.Seq, "numbers have no gap")
		require.NoError(tb, ev.Validate(), "%s", ev.Name)
		require.False(tb, known[ev.ID], "an id comes once")
		for _, c := range ev.Causes {
			if ev.Name != journey.KioskVerdictReceived {
				require.True(tb, known[c], "%s: a cause comes before", ev.Name)
			}
		}
		known[ev.ID] = true
		require.NotContains(tb, []journey.EventName{journey.EventApproved, journey.EventRejected, journey.EventPending}, ev.Name)
		for _, v := range ev.Detail {
			for _, secret := range []string{"ERIKSSON", "ANNA", "L898902C3", "1974-08-12"} {
				require.NotContains(tb, v, secret, "%s holds personal data", ev.Name)
			}
		}
	}
}

func names(events []journey.Event) []journey.EventName {
	out := make([]journey.EventName, len(events))
	for i, ev := range events {
		out[i] = ev.Name
	}
	return out
}

func count(events []journey.Event, name journey.EventName) int {
	n := 0
	for _, ev := range events {
		if ev.Name == name {
			n++
		}
	}
	return n
}

func find(tb testing.TB, events []journey.Event, name journey.EventName) journey.Event {
	tb.Helper()
	for i := len(events) - 1; i >= 0; i-- {
		if events[i].Name == name {
			return events[i]
		}
	}
	require.FailNow(tb, "missing event", "%s in %v", name, names(events))
	return journey.Event{}
}

// written writes a journal so that people can read it: no ids, times from the start.
func written(events []journey.Event) string {
	var b strings.Builder
	at := map[string]int{}
	for i, ev := range events {
		at[ev.ID] = i + 1
		fmt.Fprintf(&b, "%3d %-8s %-2s %-31s %-8s %-9s", ev.Seq, ev.Origin, ev.Source, ev.Name, ev.Result, ev.Impact)
		fmt.Fprintf(&b, " +%.1fs", ev.Started.Sub(events[0].Started).Seconds())
		if d := ev.Ended.Sub(ev.Started); d > 0 {
			fmt.Fprintf(&b, "..%.1fs", ev.Ended.Sub(events[0].Started).Seconds())
		}
		if ev.Path != "" {
			fmt.Fprintf(&b, " %s", ev.Path)
		}
		if ev.Attempt > 0 {
			fmt.Fprintf(&b, " #%d", ev.Attempt)
		}
		if !ev.Code.IsZero() {
			fmt.Fprintf(&b, " %s", ev.Code)
		}
		if ev.Reason != "" {
			fmt.Fprintf(&b, " %s", ev.Reason)
		}
		if len(ev.Causes) > 0 {
			b.WriteString(" <-")
			for _, c := range ev.Causes {
				fmt.Fprintf(&b, " %d", at[c])
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

// bubble runs a test in fake time.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

// sqlTx is what the queue lends to a command.
type sqlTx = sql.Tx

// queue gives everything that waits for the centre.
func queue(tb testing.TB, s *store.Store) []wire.Record {
	tb.Helper()
	var out []wire.Record
	for {
		after := uint64(len(out))
		batch, err := s.Outbox().Batch(context.Background(), after, 1<<20)
		require.NoError(tb, err)
		if len(batch.Records) == 0 {
			return out
		}
		out = append(out, batch.Records...)
	}
}
