package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	_ "image/png"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"

	"vestibule/agent"
	"vestibule/journey"
	"vestibule/kiosk-ui/text"
	"vestibule/kiosk-ui/theme"
	"vestibule/models"
	"vestibule/models/worker"
)

// The environment that turns this test binary into a kiosk with a scripted agent:
// window size, then the path of the automation door.
const (
	envWindow   = "VESTIBULE_TEST_WINDOW"
	envDoor     = "VESTIBULE_TEST_DOOR"
	envLanguage = "VESTIBULE_TEST_LANGUAGE"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "worker" { // the agent's child is this program again
		os.Exit(worker.Main(os.Args[2:]))
	}
	if len(os.Args) > 1 && os.Args[1] == "run" { // the whole program
		os.Exit(command(os.Args[1:], os.Stdout, os.Stderr))
	}
	if s := os.Getenv(envWindow); s != "" {
		os.Exit(harness(s, os.Getenv(envDoor)))
	}
	os.Exit(m.Run())
}

// harness is `kiosk-ui run` with a scripted agent behind the same window.
func harness(form, path string) int {
	s := settings{}
	o := windowOptions{log: s.logger(os.Stderr), language: os.Getenv(envLanguage)}
	var err error
	if o.size, err = size(form); err != nil {
		return report(os.Stderr, err)
	}
	w, err := openWindow(o)
	if err != nil {
		return report(os.Stderr, err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := w.serveDoor(ctx, path, os.Stderr); err != nil {
		return report(os.Stderr, err)
	}
	a := newScripted()
	return w.run(ctx, stop, func(context.Context) (behind, error) {
		return behind{
			run: func(ctx context.Context, w *window) error {
				go w.ui.Run(ctx, a)
				a.film(ctx)
				return nil
			},
			close: func() error { return nil },
		}, nil
	}, false, os.Stderr)
}

// scripted is an agent that always succeeds, so that every screen can be reached by touch.
type scripted struct {
	mu       sync.Mutex
	s        agent.State
	watchers []chan agent.State
	pictures chan agent.Picture
}

var _ agent.Kiosk = (*scripted)(nil)

func newScripted() *scripted {
	return &scripted{s: agent.State{Step: agent.StepAttract, Path: "/", Online: true}, pictures: make(chan agent.Picture, 1)}
}

func (a *scripted) show(step agent.Step, path string, change func(*agent.State)) {
	n := agent.State{Step: step, Path: path, Session: "0190b2c4", Language: a.s.Language, MaxAttempts: 3, Attempt: 1, Online: true}
	if change != nil {
		change(&n)
	}
	a.s = n
	for _, w := range a.watchers {
		select {
		case <-w:
		default:
		}
		w <- n
	}
}

func (a *scripted) later(d time.Duration, f func()) {
	time.AfterFunc(d, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		f()
	})
}

func (a *scripted) Do(_ context.Context, c agent.Command) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	step := a.s.Step
	attract := func() { a.s.Language = ""; a.show(agent.StepAttract, "/", func(s *agent.State) { s.Session = "" }) }
	switch c := c.(type) {
	case agent.Start:
		if step == agent.StepAttract {
			a.show(agent.StepLanguage, "/language", nil)
			return nil
		}
	case agent.ChooseLanguage:
		a.s.Language = c.Language
		a.show(agent.StepConsent, "/consent", nil)
		return nil
	case agent.Consent:
		if step == agent.StepConsent && c.Given {
			a.document("")
			return nil
		}
	case agent.TakeNow:
		switch {
		case step == agent.StepDocument && a.s.Retake.IsZero():
			a.document("image_too_blurry")
			return nil
		case step == agent.StepDocument:
			a.show(agent.StepReading, "/document/reading", nil)
			a.later(1500*time.Millisecond, func() {
				a.show(agent.StepReview, "/document/review", func(s *agent.State) {
					s.Review = &journey.PersonData{
						FamilyName: "ERIKSSON", GivenNames: "ANNA MARIA", Birth: "1974-08-12", Gender: "female",
						Nationality: "UTO", Number: "L898902C3", Expiry: "2032-04-15",
					}
				})
			})
			return nil
		case step == agent.StepSelfie:
			a.show(agent.StepChecking, "/selfie/checking", nil)
			a.later(1500*time.Millisecond, func() {
				a.show(agent.StepResult, "/result", func(s *agent.State) {
					s.Outcome = &agent.Outcome{Reference: "K7F4-92QD", QR: "VESTIBULE:K7F4-92QD"}
					s.Online = false
					s.Deadline = time.Now().Add(18 * time.Second)
				})
			})
			return nil
		}
	case agent.Confirm:
		if step == agent.StepReview {
			a.show(agent.StepSelfie, "/selfie", func(s *agent.State) {
				s.Challenge, s.Progress, s.ByHand = journey.TurnRight, .6, true
				s.Face = &models.Box{X1: .36, Y1: .2, X2: .64, Y2: .75}
			})
			return nil
		}
	case agent.Back:
		if step == agent.StepConsent {
			a.show(agent.StepLanguage, "/language", nil)
			return nil
		}
		if step == agent.StepReview { // here: the way to see an error
			a.show(agent.StepError, "/error", func(s *agent.State) { s.Problem = &agent.Problem{Code: agent.ProblemCameraGone} })
			return nil
		}
	case agent.Stop, agent.Done:
		attract()
		return nil
	}
	return agent.ErrNotNow
}

func (a *scripted) document(code string) {
	a.show(agent.StepDocument, "/document/front", func(s *agent.State) {
		s.Hint, s.ByHand = models.HintGlare, true
		s.Outline = &models.Quad{{X: .19, Y: .17}, {X: .81, Y: .145}, {X: .82, Y: .705}, {X: .20, Y: .735}}
		s.Online = code != ""
		if code != "" {
			s.Attempt, s.Retake = 2, journey.CodeKey{Step: journey.Step1, Kind: journey.Retry, Code: code}
			s.Hint = models.HintHold
		}
	})
}

func (a *scripted) Watch(context.Context) <-chan agent.State {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := make(chan agent.State, 1)
	c <- a.s
	a.watchers = append(a.watchers, c)
	return c
}

func (a *scripted) Preview(context.Context) <-chan agent.Picture { return a.pictures }

func (a *scripted) Observe(context.Context, journey.EventName, string, map[string]string) error {
	return nil
}

// film sends the drawn live pictures until ctx ends.
func (a *scripted) film(ctx context.Context) {
	document, face := drawnDocument(), drawnFace()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for n := uint64(1); ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		a.mu.Lock()
		step := a.s.Step
		a.mu.Unlock()
		img := document
		switch step {
		case agent.StepSelfie:
			img = face
		case agent.StepDocument:
		default:
			continue
		}
		select {
		case a.pictures <- agent.Picture{Image: img, Seq: n, At: time.Now()}:
		default:
		}
	}
}

// canvas640 is a live picture that is drawn: nobody's document, nobody's face.
type canvas640 struct{ *image.NRGBA }

func newCanvas640(top, bottom color.NRGBA) canvas640 {
	img := image.NewNRGBA(image.Rect(0, 0, 640, 480))
	for y := range 480 {
		k := float64(y) / 480
		mix := func(a, b uint8) uint8 { return uint8(float64(a)*(1-k) + float64(b)*k) }
		for x := range 640 {
			img.SetNRGBA(x, y, color.NRGBA{R: mix(top.R, bottom.R), G: mix(top.G, bottom.G), B: mix(top.B, bottom.B), A: 255})
		}
	}
	return canvas640{img}
}

// fill fills a polygon given as x, y pairs.
func (c canvas640) fill(col color.NRGBA, xy ...float32) {
	r := vector.NewRasterizer(640, 480)
	r.MoveTo(xy[0], xy[1])
	for i := 2; i+1 < len(xy); i += 2 {
		r.LineTo(xy[i], xy[i+1])
	}
	r.ClosePath()
	r.Draw(c.NRGBA, c.Rect, image.NewUniform(col), image.Point{})
}

func (c canvas640) ellipse(col color.NRGBA, cx, cy, rx, ry float32) {
	r := vector.NewRasterizer(640, 480)
	const k = .5523
	r.MoveTo(cx+rx, cy)
	r.CubeTo(cx+rx, cy+k*ry, cx+k*rx, cy+ry, cx, cy+ry)
	r.CubeTo(cx-k*rx, cy+ry, cx-rx, cy+k*ry, cx-rx, cy)
	r.CubeTo(cx-rx, cy-k*ry, cx-k*rx, cy-ry, cx, cy-ry)
	r.CubeTo(cx+k*rx, cy-ry, cx+rx, cy-k*ry, cx+rx, cy)
	r.ClosePath()
	r.Draw(c.NRGBA, c.Rect, image.NewUniform(col), image.Point{})
}

func (c canvas640) write(s string, size float64, bold bool, col color.NRGBA, x, y int) {
	f, err := opentype.Parse(theme.SystemFonts().Resource(text.Latin, bold).Content())
	if err != nil {
		return
	}
	face, err := opentype.NewFace(f, &opentype.FaceOptions{Size: size, DPI: 72})
	if err != nil {
		return
	}
	d := font.Drawer{Dst: c.NRGBA, Src: image.NewUniform(col), Face: face, Dot: fixed.P(x, y)}
	d.DrawString(s)
}

func rgb(v uint32) color.NRGBA {
	return color.NRGBA{R: uint8(v >> 16), G: uint8(v >> 8), B: uint8(v), A: 255}
}

// drawnDocument is a specimen of Utopia (ICAO 9303-3 keeps UTO for specimens) on a tray.
func drawnDocument() *image.NRGBA {
	c := newCanvas640(rgb(0x2a3946), rgb(0x17222d))
	c.fill(color.NRGBA{A: 90}, 128, 92, 526, 78, 534, 352, 136, 366)
	c.fill(rgb(0xece6d8), 122, 82, 518, 70, 525, 338, 129, 353)
	c.fill(rgb(0xdfe9e2), 124, 100, 519, 88, 523, 268, 128, 280)
	c.fill(rgb(0x0b6e5f), 122, 82, 518, 70, 519, 92, 123, 104)
	c.write("UTOPIA    PASSPORT    SPECIMEN", 14, true, rgb(0xffffff), 140, 97)
	c.fill(rgb(0xc9d3cf), 143, 118, 245, 115, 248, 250, 146, 253)
	c.fill(rgb(0x8fa39c), 160, 253, 172, 222, 196, 210, 220, 222, 236, 251)
	c.ellipse(rgb(0xb9a58c), 196, 178, 27, 36)
	c.fill(rgb(0x5d4a3b), 168, 172, 172, 148, 196, 138, 220, 148, 224, 172, 214, 158, 178, 158)
	for i, l := range [][2]string{{"Surname", "ERIKSSON"}, {"Given names", "ANNA MARIA"}, {"Passport No.", "L898902C3"}, {"Date of birth", "12 AUG 1974"}, {"Date of expiry", "15 APR 2032"}} {
		c.write(l[0], 8, false, rgb(0x5a6a66), 268, 128+i*29)
		c.write(l[1], 13, true, rgb(0x1d2b29), 268, 142+i*29)
	}
	c.write("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<", 15, false, rgb(0x1a1a1a), 140, 305)
	c.write("L898902C36UTO7408122F3204153<<<<<<<<06", 15, false, rgb(0x1a1a1a), 141, 329)
	c.ellipse(color.NRGBA{R: 255, G: 255, B: 255, A: 120}, 430, 300, 70, 22)
	c.ellipse(color.NRGBA{R: 255, G: 255, B: 255, A: 150}, 432, 300, 40, 12)
	return c.NRGBA
}

// drawnFace is a drawn figure before a wall.
func drawnFace() *image.NRGBA {
	c := newCanvas640(rgb(0x6f8390), rgb(0x4a5b66))
	c.fill(rgb(0x27574f), 150, 480, 175, 400, 250, 362, 390, 362, 465, 400, 490, 480)
	c.fill(rgb(0xb98a63), 282, 300, 358, 300, 362, 380, 320, 402, 278, 380)
	c.ellipse(rgb(0x33261f), 320, 196, 104, 122)
	c.ellipse(rgb(0xcf9f76), 320, 214, 84, 108)
	c.fill(rgb(0x33261f), 232, 200, 246, 120, 320, 88, 394, 120, 408, 200, 388, 160, 330, 146, 262, 158)
	for _, x := range []float32{286, 354} {
		c.ellipse(rgb(0xf6efe8), x, 206, 17, 10)
		c.ellipse(rgb(0x3a2a20), x, 206, 8, 9)
		c.fill(rgb(0x33261f), x-20, 186, x, 180, x+20, 186, x+20, 190, x, 185, x-20, 190)
	}
	c.fill(rgb(0xb5835c), 320, 210, 332, 246, 308, 246)
	c.fill(rgb(0x9a4b45), 292, 272, 320, 266, 348, 272, 320, 284)
	return c.NRGBA
}

// rig is an X server with the harness in it.
type rig struct {
	t       *testing.T
	display string
	door    string
	env     []string
	mu      sync.Mutex
	conn    net.Conn
	lines   *bufio.Scanner
}

// tool finds a program. The tests need it: make deps installs it.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	require.NoError(t, err, "%s is missing; install what tests need with: make deps", name)
	return path
}

// startRig starts Xvfb on a free display and the harness in a window of that size.
func startRig(t *testing.T, w, h int, language string) *rig {
	t.Helper()
	return startProgram(t, w, h, func(door string) (args, env []string) {
		return nil, []string{envWindow + "=" + fmt.Sprintf("%dx%d", w, h), envDoor + "=" + door, envLanguage + "=" + language}
	})
}

// startProgram starts this program again on a display of that size.
func startProgram(t *testing.T, w, h int, how func(door string) (args, env []string)) *rig {
	t.Helper()
	xvfb := tool(t, "Xvfb")
	tool(t, "xdotool")
	tool(t, "import")
	read, write, err := os.Pipe()
	require.NoError(t, err)
	defer read.Close()
	x := exec.Command(xvfb, "-displayfd", "3", "-screen", "0", fmt.Sprintf("%dx%dx24", w, h), "-nolisten", "tcp", "-noreset")
	x.ExtraFiles = []*os.File{write}
	require.NoError(t, x.Start())
	t.Cleanup(func() {
		_ = x.Process.Signal(syscall.SIGTERM)
		_ = x.Wait()
	})
	require.NoError(t, write.Close())
	require.NoError(t, read.SetReadDeadline(time.Now().Add(20*time.Second)))
	number, err := bufio.NewReader(read).ReadString('\n')
	require.NoError(t, err, "Xvfb did not name its display")

	r := &rig{t: t, display: ":" + strings.TrimSpace(number), door: filepath.Join(t.TempDir(), "door")}
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "DISPLAY=") && !strings.HasPrefix(e, "WAYLAND_DISPLAY=") {
			r.env = append(r.env, e)
		}
	}
	r.env = append(r.env, "DISPLAY="+r.display)
	self, err := os.Executable()
	require.NoError(t, err)
	args, env := how(r.door)
	k := exec.Command(self, args...)
	k.Env = append(r.env, env...)
	var said bytes.Buffer
	k.Stderr = &said
	require.NoError(t, k.Start())
	ended := make(chan error, 1)
	go func() { ended <- k.Wait() }()
	t.Cleanup(func() {
		_ = k.Process.Signal(syscall.SIGTERM)
		select {
		case err := <-ended:
			assert.NoError(t, err, "the kiosk ends cleanly when told to:\n%s", said.String())
		case <-time.After(30 * time.Second):
			_ = k.Process.Kill()
			t.Errorf("the kiosk did not end when told to:\n%s", said.String())
		}
	})
	require.Eventually(t, func() bool {
		c, err := net.Dial("unix", r.door)
		if err != nil {
			return false
		}
		r.conn, r.lines = c, bufio.NewScanner(c)
		r.lines.Buffer(nil, 1<<20)
		return true
	}, 60*time.Second, 50*time.Millisecond, "the automation door did not open")
	t.Cleanup(func() { _ = r.conn.Close() })
	return r
}

// ask sends one request through the door.
func (r *rig) ask(request string, into any) {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	_, err := fmt.Fprintln(r.conn, request)
	require.NoError(r.t, err)
	require.True(r.t, r.lines.Scan(), "the door closed")
	require.NoError(r.t, json.Unmarshal(r.lines.Bytes(), into))
}

type placed struct {
	ID         string
	X, Y, W, H float64
	Enabled    bool
}

func (r *rig) state() view {
	var a struct{ State view }
	r.ask(`{"do":"state"}`, &a)
	return a.State
}

func (r *rig) controls() []placed {
	var a struct{ Widgets []placed }
	r.ask(`{"do":"widgets"}`, &a)
	return a.Widgets
}

// click moves the mouse to a control and clicks it, through the X server.
func (r *rig) click(id string) {
	r.t.Helper()
	var at *placed
	require.Eventually(r.t, func() bool {
		for _, c := range r.controls() {
			if c.ID == id && c.Enabled {
				at = &c
				return true
			}
		}
		return false
	}, 60*time.Second, 50*time.Millisecond, "no control %q on the screen", id)
	x, y := strconv.Itoa(int(at.X+at.W/2)), strconv.Itoa(int(at.Y+at.H/2))
	r.run("xdotool", "mousemove", "--sync", x, y, "sleep", "0.05", "click", "1")
}

func (r *rig) run(name string, args ...string) string {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, name, args...)
	c.Env = r.env
	out, err := c.CombinedOutput()
	require.NoError(r.t, err, "%s %v: %s", name, args, out)
	return string(out)
}

func (r *rig) reach(step agent.Step) {
	r.t.Helper()
	require.Eventually(r.t, func() bool { return r.state().Step == step }, 60*time.Second, 50*time.Millisecond, "the screen did not reach %s", step)
}

// picture takes the whole display.
func (r *rig) picture(path string) image.Image {
	r.t.Helper()
	r.run("import", "-window", "root", "-quality", "1", path)
	f, err := os.Open(path)
	require.NoError(r.t, err)
	defer f.Close()
	img, _, err := image.Decode(f)
	require.NoError(r.t, err)
	return img
}

// shows waits until the display holds at least so many pixels of a colour.
func (r *rig) shows(want color.NRGBA, least int, what string) {
	r.t.Helper()
	path := filepath.Join(r.t.TempDir(), "root.png")
	require.Eventually(r.t, func() bool { return colours(r.picture(path), want) >= least }, 60*time.Second, 200*time.Millisecond, what)
}

// keep takes a picture for the documentation when VESTIBULE_PICTURES names a folder.
func (r *rig) keep(name string) {
	if dir := os.Getenv("VESTIBULE_PICTURES"); dir != "" {
		time.Sleep(1700 * time.Millisecond) // the screen has settled, a held hint has gone
		r.picture(filepath.Join(dir, "kiosk-"+name+".png"))
	}
}

// colours counts how often a colour stands in a picture.
func colours(img image.Image, want color.NRGBA) (n int) {
	b := img.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			r, g, bl, _ := img.At(x, y).RGBA()
			if uint8(r>>8) == want.R && uint8(g>>8) == want.G && uint8(bl>>8) == want.B {
				n++
			}
		}
	}
	return n
}

// The visit is made on a half-size display, which draws in a quarter of the time.
// With VESTIBULE_PICTURES it is made at full size and in every language, and the
// documentation's pictures are left in that folder.
func TestAPersonGoesThroughTheVisitByTouchInARealWindow(t *testing.T) {
	w, h, languages := 540, 960, []string{"en"}
	if os.Getenv("VESTIBULE_PICTURES") != "" {
		w, h, languages = 1080, 1920, []string{"en", "ar", "ja"}
	}
	for _, l := range languages {
		t.Run(l, func(t *testing.T) { wholeVisit(t, w, h, l) })
	}
}

func wholeVisit(t *testing.T, w, h int, language string) {
	pal := theme.Day()
	r := startRig(t, w, h, language)
	keep := func(name string) {
		if language != "en" {
			name += "-" + language
		}
		r.keep(name)
	}
	require.Eventually(t, func() bool { return r.state().Ready }, 60*time.Second, 50*time.Millisecond)
	r.shows(pal.Brand, w*h/50, "the start button is drawn")
	keep("attract")
	r.click("start")
	r.reach(agent.StepLanguage)
	keep("language")
	r.click("language-" + language)
	r.reach(agent.StepConsent)
	assert.Equal(t, language, r.state().Language)
	keep("consent")
	r.click("agree")
	r.reach(agent.StepDocument)
	r.shows(pal.Guide, 200, "the guide is drawn over the live picture")
	keep("document")
	r.click("take")
	require.Eventually(t, func() bool { return r.state().Retake != "" }, 60*time.Second, 50*time.Millisecond)
	keep("document-again")
	r.click("take")
	r.reach(agent.StepReview)
	keep("review")
	r.click("edit-given")
	r.click("key-erase")
	r.click("key-e")
	keep("correct")
	r.click("save")
	r.click("confirm")
	r.reach(agent.StepSelfie)
	keep("selfie")
	r.click("take")
	r.reach(agent.StepResult)
	r.shows(rgb(0x000000), 1000, "the receipt's code is drawn")
	keep("result")
	r.click("finish")
	r.reach(agent.StepAttract)
	size := r.run("xdotool", "search", "--name", "Vestibule", "getwindowgeometry")
	assert.Contains(t, size, fmt.Sprintf("%dx%d", w, h), "no content grew the window past the display")
}

func TestALyingScreenInArabicStaysInsideItsDisplay(t *testing.T) {
	r := startRig(t, 1280, 800, "ar")
	require.Eventually(t, func() bool { return r.state().Ready }, 60*time.Second, 50*time.Millisecond)
	r.shows(theme.Day().Brand, 1280*800/50, "the start button is drawn")
	r.keep("lying-attract-ar")
	r.click("start")
	r.reach(agent.StepLanguage)
	r.click("language-ar")
	r.reach(agent.StepConsent)
	r.keep("lying-consent-ar")
	at := map[string]float64{}
	for _, c := range r.controls() {
		at[c.ID] = c.X
	}
	assert.Greater(t, at["back"], 640.0, "the bar is mirrored: Back is on the right")
	assert.Less(t, at["stop"], 640.0, "and Stop on the left")
	r.click("stop")
	r.reach(agent.StepAttract)
	size := r.run("xdotool", "search", "--name", "Vestibule", "getwindowgeometry")
	assert.Contains(t, size, "1280x800", "no content grew the window past the display")
}
