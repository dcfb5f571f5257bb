package screen

import (
	"context"
	"errors"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/agent"
	"vestibule/journey"
	"vestibule/kiosk-ui/theme"
	"vestibule/models"
	"vestibule/models/face/flash"
)

// double is an agent that remembers what it was asked and shows what it is told.
type double struct {
	mu       sync.Mutex
	commands []agent.Command
	notes    []note
	refuse   error
	states   chan agent.State
	pictures chan agent.Picture
	gate     chan struct{} // when set, Do waits for it
}

var _ agent.Kiosk = (*double)(nil)

func newDouble() *double {
	return &double{states: make(chan agent.State, 16), pictures: make(chan agent.Picture, 1)}
}

func (d *double) Do(ctx context.Context, c agent.Command) error {
	d.mu.Lock()
	gate := d.gate
	d.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.commands = append(d.commands, c)
	return d.refuse
}

func (d *double) Watch(context.Context) <-chan agent.State     { return d.states }
func (d *double) Preview(context.Context) <-chan agent.Picture { return d.pictures }

func (d *double) Observe(_ context.Context, n journey.EventName, path string, detail map[string]string) error {
	if n == "" {
		return errors.New("no name")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.notes = append(d.notes, note{Name: n, Path: path, Detail: detail})
	return nil
}

func (d *double) asked() []agent.Command {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]agent.Command(nil), d.commands...)
}

func (d *double) noted() []journey.EventName {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []journey.EventName
	for _, n := range d.notes {
		out = append(out, n.Name)
	}
	return out
}

// clock is a time that tests move.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

var anna = journey.PersonData{
	FamilyName: "ERIKSSON", GivenNames: "ANNA MARIA", Birth: "1974-08-12", Gender: "female",
	Nationality: "UTO", Number: "L898902C3", Expiry: "2032-04-15",
}

// scenes are the states of one visit, and of what can go wrong.
func scenes(now time.Time) map[string]agent.State {
	s := func(step agent.Step, path string) agent.State {
		return agent.State{Step: step, Path: path, Session: "0190b2c4", Online: true, MaxAttempts: 3, Attempt: 1}
	}
	out := map[string]agent.State{
		"attract": {Step: agent.StepAttract, Online: true},
	}
	put := func(name string, st agent.State, change func(*agent.State)) {
		if change != nil {
			change(&st)
		}
		out[name] = st
	}
	quad := models.Quad{{X: .2, Y: .2}, {X: .82, Y: .17}, {X: .84, Y: .73}, {X: .21, Y: .77}}
	put("language", s(agent.StepLanguage, "/language"), nil)
	put("consent", s(agent.StepConsent, "/consent"), nil)
	put("document", s(agent.StepDocument, "/document/front"), func(x *agent.State) {
		x.Hint, x.Outline, x.Online = models.HintGlare, &quad, false
	})
	put("document-again", s(agent.StepDocument, "/document/front"), func(x *agent.State) {
		x.Hint, x.ByHand, x.Attempt = models.HintNoDocument, true, 2
		x.Retake = journey.CodeKey{Step: journey.Step1, Kind: journey.Retry, Code: "image_too_blurry"}
	})
	put("document-back", s(agent.StepDocument, "/document/back"), func(s *agent.State) { s.OtherSide = true })
	put("document-photo", s(agent.StepDocument, "/document/front"), func(s *agent.State) { s.OtherSide = true })
	put("reading", s(agent.StepReading, "/document/reading"), func(x *agent.State) { x.Progress = .6 })
	put("review", s(agent.StepReview, "/review"), func(x *agent.State) { p := anna; x.Review = &p })
	put("selfie", s(agent.StepSelfie, "/selfie"), func(x *agent.State) {
		x.Challenge, x.Progress, x.Face = journey.TurnRight, .6, &models.Box{X1: .35, Y1: .2, X2: .65, Y2: .8}
	})
	put("selfie-hint", s(agent.StepSelfie, "/selfie"), func(x *agent.State) {
		x.Hint, x.Attempt, x.Online = models.HintFaceSmall, 2, false
		x.Retake = journey.CodeKey{Step: journey.Step2, Kind: journey.Retry, Code: "face_compare_underscore"}
	})
	put("lights-asked", s(agent.StepSelfie, "/selfie"), func(x *agent.State) { x.Lights = &agent.Lights{Asking: true} })
	put("lights-on", s(agent.StepSelfie, "/selfie"), func(x *agent.State) {
		x.Lights = &agent.Lights{Colours: flash.Draw(func(n int) int { return n - 1 }).Colours, Dwell: flash.Dwell}
	})
	put("checking", s(agent.StepChecking, "/selfie/checking"), nil)
	result := func(o agent.Outcome) func(*agent.State) {
		return func(x *agent.State) {
			o.Reference, o.QR = "K7F4-92QD", "VST1:K7F4-92QD:0190b2c4-7d2e-7cc1-9c55-2f0d1a"
			x.Outcome, x.Deadline = &o, now.Add(18*time.Second)
		}
	}
	put("result", s(agent.StepResult, "/result"), result(agent.Outcome{}))
	put("result-offline", s(agent.StepResult, "/result"), func(x *agent.State) { result(agent.Outcome{})(x); x.Online = false })
	put("result-approved", s(agent.StepResult, "/result"), result(agent.Outcome{Decided: true, Decision: journey.Approved}))
	put("result-rejected", s(agent.StepResult, "/result"), result(agent.Outcome{Decided: true, Decision: journey.Rejected}))
	put("result-pending", s(agent.StepResult, "/result"), result(agent.Outcome{Decided: true, Decision: journey.Pending}))
	put("result-exhausted", s(agent.StepResult, "/result"), result(agent.Outcome{Exhausted: true}))
	put("error", s(agent.StepError, "/error"), func(x *agent.State) { x.Problem = &agent.Problem{Code: "camera_gone"} })
	put("closed", agent.State{Step: agent.StepClosed, Online: true}, func(x *agent.State) { x.Problem = &agent.Problem{Code: "store_full"} })
	put("asking", out["document"], func(x *agent.State) { x.Asking, x.Deadline = true, now.Add(12*time.Second) })
	return out
}

// stand shows a UI of a size with a double behind it, driven by hand.
func stand(t testing.TB, w, h float32, language string) (*UI, *double, *clock) {
	t.Helper()
	app := test.NewApp()
	t.Cleanup(app.Quit)
	fonts := theme.SystemFonts()
	app.Settings().SetTheme(theme.Fyne{Palette: theme.Day(), Fonts: fonts})
	c := &clock{time.Date(2026, 11, 22, 10, 42, 0, 0, time.UTC)}
	win := test.NewWindow(nil)
	t.Cleanup(win.Close)
	d := newDouble()
	u := New(Options{
		Fonts: fonts, Language: language, Now: c.now, Calm: true,
		Do:     func(f func()) { f() },
		Canvas: func() fyne.Canvas { return win.Canvas() },
	})
	win.SetPadded(false)
	win.SetContent(u.Root())
	win.Resize(fyne.NewSize(w, h))
	u.kiosk, u.begun = d, true
	u.compose()
	return u, d, c
}

// show puts a scene on the screen, with a drawn picture behind the guides.
func show(u *UI, s agent.State, language string) {
	s.Language = language
	u.language = language
	u.key = shown{}
	u.Apply(s)
	u.Preview(scenery())
	u.Tick()
}

// scenery is a drawn live picture: nobody's document and nobody's face.
func scenery() *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, 640, 480))
	for y := range 480 {
		for x := range 640 {
			c := color.NRGBA{R: 0x1b, G: 0x27, B: 0x33, A: 255}
			if x > 135 && x < 525 && y > 95 && y < 360 {
				c = color.NRGBA{R: 0xe9, G: 0xe4, B: 0xd8, A: 255}
			}
			if x > 160 && x < 265 && y > 125 && y < 260 {
				c = color.NRGBA{R: 0xc9, G: 0xbf, B: 0xae, A: 255}
			}
			img.SetNRGBA(x, y, c)
		}
	}
	return img
}

// TestThePainterDrawsTheScreens paints a screen in software and looks at its
// colours. When VESTIBULE_PICTURES names a folder, every screen in every language
// is left there, for people who change one and want to see it.
func TestThePainterDrawsTheScreens(t *testing.T) {
	forms := map[string]fyne.Size{"half": fyne.NewSize(540, 960)}
	languages, only := []string{"ja"}, []string{"document"}
	dir := os.Getenv("VESTIBULE_PICTURES")
	if dir != "" {
		forms = map[string]fyne.Size{"tall": fyne.NewSize(1080, 1920), "wide": fyne.NewSize(1280, 800)}
		languages, only = []string{"en", "ar", "ja"}, nil
	}
	for form, size := range forms {
		for _, l := range languages {
			u, _, c := stand(t, size.Width, size.Height, l)
			for name, s := range scenes(c.now()) {
				if only != nil && !slices.Contains(only, name) {
					continue
				}
				show(u, s, l)
				img := u.opts.Canvas().Capture()
				if name == "document" {
					assert.Greater(t, count(img, u.look.Palette.Guide), 300, "the guide")
					assert.Greater(t, count(img, color.NRGBA{R: 0xe9, G: 0xe4, B: 0xd8, A: 255}), 10000, "the live picture")
					assert.Greater(t, count(img, u.look.Palette.Ink), 500, "the words")
				}
				if dir == "" {
					continue
				}
				f, err := os.Create(filepath.Join(dir, form+"-"+l+"-"+name+".png"))
				require.NoError(t, err)
				require.NoError(t, png.Encode(f, img))
				require.NoError(t, f.Close())
			}
		}
	}
}

func count(img image.Image, want color.NRGBA) (n int) {
	b := img.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			if color.NRGBAModel.Convert(img.At(x, y)) == want {
				n++
			}
		}
	}
	return n
}
