package screen

import (
	"context"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"image"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vestibule/agent"
	"vestibule/journey"
	"vestibule/kiosk-ui/text"
	"vestibule/kiosk-ui/touch"
	"vestibule/models"
)

// part is one thing on the screen with its place in the window.
type part struct {
	o          fyne.CanvasObject
	x, y, w, h float32
	in         *touch.Button // the button it belongs to
}

// parts walks everything a screen draws.
func parts(u *UI) []part {
	var out []part
	var down func(o fyne.CanvasObject, x, y float32, in *touch.Button)
	down = func(o fyne.CanvasObject, x, y float32, in *touch.Button) {
		if !o.Visible() {
			return
		}
		x, y = x+o.Position().X, y+o.Position().Y
		s := o.Size()
		switch w := o.(type) {
		case *fyne.Container:
			for _, c := range w.Objects {
				down(c, x, y, in)
			}
			return
		case *touch.Button:
			in = w
		}
		out = append(out, part{o, x, y, s.Width, s.Height, in})
		if w, ok := o.(fyne.Widget); ok {
			for _, c := range w.CreateRenderer().Objects() {
				down(c, x, y, in)
			}
		}
	}
	down(u.stage, 0, 0, nil)
	return out
}

func languages() (out []string) {
	for _, l := range text.Languages() {
		out = append(out, l.Code)
	}
	return out
}

// sizes are displays: standing, lying, half the size, and a narrow one.
func sizes() []fyne.Size {
	return []fyne.Size{{Width: 1080, Height: 1920}, {Width: 1280, Height: 800}, {Width: 720, Height: 1280}, {Width: 1920, Height: 1080}}
}

func TestNothingLeavesTheDisplayOverlapsOrIsTooSmall(t *testing.T) {
	for i, size := range sizes() {
		spoken := languages()
		if i > 1 { // the other shapes once, in the language with the most to go wrong
			spoken = []string{"ar"}
		}
		for _, l := range spoken {
			u, _, c := stand(t, size.Width, size.Height, l)
			all := scenes(c.now())
			for name, s := range all {
				show(u, s, l)
				where := fmt.Sprintf("%vx%v %s %s", size.Width, size.Height, l, name)
				check(t, u, where)
				if name != "review" {
					continue
				}
				for _, f := range fields() {
					u.edit(f)
					check(t, u, where+" editing "+string(f))
					u.save()
				}
			}
			show(u, all["document"], l)
			u.showHelp()
			check(t, u, fmt.Sprintf("%vx%v %s help", size.Width, size.Height, l))
			u.hideHelp()
		}
	}
}

// check holds the rules of every screen against the one that is shown.
func check(t assert.TestingT, u *UI, where string) {
	w, h := u.size.Width, u.size.Height
	root := u.root.MinSize()
	assert.LessOrEqual(t, root.Width, w, where)
	assert.LessOrEqual(t, root.Height, h, where)
	var buttons []part
	for _, p := range parts(u) {
		kind := fmt.Sprintf("%s: %T", where, p.o)
		switch o := p.o.(type) {
		case *touch.Button:
			buttons = append(buttons, p)
			least := float32(touch.MinTarget)
			if strings.HasPrefix(o.ID(), "key-") || strings.HasPrefix(o.ID(), "edit-") {
				least = 44 // keys and lines of a small lying display
			}
			assert.GreaterOrEqual(t, p.w, least, "%s %s is too narrow for a finger", kind, o.ID())
			assert.GreaterOrEqual(t, p.h, least, "%s %s is too low for a finger", kind, o.ID())
		case *touch.Label:
			assert.True(t, o.Complete(), "%s: %q does not fit its box", kind, o.Words())
			if o.Words() != "" {
				assert.GreaterOrEqual(t, o.TextSize(), 28*u.frame.unit-.1, "%s: %q", kind, o.Words())
			}
		case *canvas.Text:
			// Glyphs may stand out of their box by a hair.
			assert.GreaterOrEqual(t, p.x, float32(-1), "%s: %q", kind, o.Text)
			assert.LessOrEqual(t, p.x+p.w, w+1, "%s: %q", kind, o.Text)
			assert.LessOrEqual(t, p.y+p.h, h+8*u.frame.unit, "%s: %q", kind, o.Text)
			continue
		case *canvas.Line, *canvas.Circle:
			continue // guides follow a document wherever it is
		}
		assert.GreaterOrEqual(t, p.x, float32(-1), kind)
		assert.GreaterOrEqual(t, p.y, float32(-1), kind)
		assert.LessOrEqual(t, p.x+p.w, w+1, kind)
		assert.LessOrEqual(t, p.y+p.h, h+1, kind)
	}
	if u.Covered() {
		return // an overlay lies over other buttons, that is its purpose
	}
	ids := map[string]bool{}
	for i, a := range buttons {
		id := a.o.(*touch.Button).ID()
		assert.False(t, ids[id], "%s: two controls are called %s", where, id)
		ids[id] = true
		for _, b := range buttons[:i] {
			apart := a.x+a.w <= b.x+.5 || b.x+b.w <= a.x+.5 || a.y+a.h <= b.y+.5 || b.y+b.h <= a.y+.5
			assert.True(t, apart, "%s: %s lies on %s", where, id, b.o.(*touch.Button).ID())
		}
	}
	primary := 0
	for _, b := range buttons {
		if o := b.o.(*touch.Button); o.Kind() == touch.Primary && !strings.HasPrefix(o.ID(), "language-") && !strings.HasPrefix(o.ID(), "gender-") {
			primary++
		}
	}
	assert.LessOrEqual(t, primary, 1, "%s: one filled action", where)
	// Words of the lower half do not run into each other or into an action.
	free := freeLabels(u)
	for i, a := range free {
		for _, b := range append(append([]part(nil), free[:i]...), plainButtons(buttons)...) {
			ua, ub := used(a), used(b)
			apart := ua.x+ua.w <= ub.x+1 || ub.x+ub.w <= ua.x+1 || ua.y+ua.h <= ub.y+1 || ub.y+ub.h <= ua.y+1
			assert.True(t, apart, "%s: %q runs into %v", where, a.o.(*touch.Label).Words(), describe(b))
		}
	}
}

func describe(p part) string {
	switch o := p.o.(type) {
	case *touch.Label:
		return o.Words()
	case *touch.Button:
		return o.ID()
	}
	return fmt.Sprintf("%T", p.o)
}

// freeLabels are the words that stand directly on a screen, not in a button or field.
func freeLabels(u *UI) (out []part) {
	for _, p := range parts(u) {
		if l, ok := p.o.(*touch.Label); ok && p.in == nil && l.Words() != "" {
			out = append(out, p)
		}
	}
	return out
}

// plainButtons leaves out the rows of the review: their words lie on them.
func plainButtons(all []part) (out []part) {
	for _, b := range all {
		if !strings.HasPrefix(b.o.(*touch.Button).ID(), "edit-") {
			out = append(out, b)
		}
	}
	return out
}

// used is where a label really has words: between its first and last piece.
func used(p part) part {
	l, ok := p.o.(*touch.Label)
	if !ok {
		return p
	}
	out := part{o: p.o}
	first := true
	for _, o := range l.CreateRenderer().Objects() {
		x, y, w, h := p.x+o.Position().X, p.y+o.Position().Y, o.Size().Width, o.Size().Height
		if _, ok := o.(*canvas.Text); ok {
			y, h = y+h*.2, h*.6 // the letters, without the room a font leaves above and below
		} else {
			return part{o: p.o, x: p.x, y: p.y, w: l.Wide(), h: l.Used()}
		}
		if first {
			out.x, out.y, out.w, out.h = x, y, w, h
			first = false
			continue
		}
		right, bottom := max(out.x+out.w, x+w), max(out.y+out.h, y+h)
		out.x, out.y = min(out.x, x), min(out.y, y)
		out.w, out.h = right-out.x, bottom-out.y
	}
	return out
}

// spy counts what check finds.
type spy struct{ found []string }

func (s *spy) Errorf(format string, args ...any) {
	s.found = append(s.found, fmt.Sprintf(format, args...))
}

func TestTheCheckOfScreensSeesWhatItIsFor(t *testing.T) {
	for name, spoil := range map[string]func(u *UI){
		"a button outside": func(u *UI) {
			u.stage.Objects = append(u.stage.Objects, touch.Group(1000, 10, 0, 0, touch.NewButton(u.look, touch.Spec{ID: "x"}, 100, 100)))
		},
		"a button on another": func(u *UI) {
			u.stage.Objects = append(u.stage.Objects, touch.Group(200, 1600, 0, 0, touch.NewButton(u.look, touch.Spec{ID: "x"}, 100, 100)))
		},
		"a small button": func(u *UI) {
			u.stage.Objects = append(u.stage.Objects, touch.Group(10, 130, 0, 0, touch.NewButton(u.look, touch.Spec{ID: "x"}, 50, 50)))
		},
		"small words": func(u *UI) {
			u.stage.Objects = append(u.stage.Objects, touch.Group(10, 130, 0, 0, touch.NewLabel(u.look, "words", touch.Style{Size: 20}, 300, 60)))
		},
		"words that do not fit": func(u *UI) {
			u.stage.Objects = append(u.stage.Objects, touch.Group(10, 130, 0, 0, touch.NewLabel(u.look, "words words words", touch.Style{Size: 40, Lines: 1}, 90, 60)))
		},
		"words on words": func(u *UI) {
			u.stage.Objects = append(u.stage.Objects, touch.Group(64, 1120, 0, 0, touch.NewLabel(u.look, "Look at this", touch.Style{Size: 60}, 900, 120)))
		},
		"a second filled action": func(u *UI) {
			u.stage.Objects = append(u.stage.Objects, touch.Group(10, 130, 0, 0, touch.NewButton(u.look, touch.Spec{ID: "x", Kind: touch.Primary}, 100, 100)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			u, _, c := stand(t, 1080, 1920, "en")
			show(u, scenes(c.now())["consent"], "en")
			var s spy
			check(&s, u, "")
			require.Empty(t, s.found)
			spoil(u)
			check(&s, u, "")
			assert.NotEmpty(t, s.found)
		})
	}
}

func TestTheBottomBarKeepsItsPlaces(t *testing.T) {
	for _, l := range languages() {
		u, _, c := stand(t, 1080, 1920, l)
		places := map[string]Control{}
		for name, s := range scenes(c.now()) {
			if name == "asking" {
				continue
			}
			show(u, s, l)
			for _, k := range u.Controls() {
				switch k.ID {
				case "back", "help", "contrast", "stop", "listen":
					if was, ok := places[k.ID]; ok {
						assert.Equal(t, [2]float32{was.X, was.Y}, [2]float32{k.X, k.Y}, "%s at %s", k.ID, name)
					}
					places[k.ID] = k
				}
			}
		}
		require.Contains(t, places, "stop")
		mirrored := text.In(l).RTL
		assert.Equal(t, mirrored, places["back"].X > places["stop"].X, l)
	}
}

// holds looks for a word in everything that is reachable from a value.
func holds(v reflect.Value, word string, seen map[uintptr]bool) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice:
		if v.IsNil() {
			return false
		}
		if v.Kind() != reflect.Slice || v.Len() > 0 {
			p := v.Pointer()
			if v.Kind() == reflect.Pointer && seen[p] {
				return false
			}
			seen[p] = true
		}
	case reflect.Func, reflect.Chan:
		return false
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return !v.IsNil() && holds(v.Elem(), word, seen)
	case reflect.String:
		return strings.Contains(v.String(), word)
	case reflect.Struct:
		for i := range v.NumField() {
			if holds(v.Field(i), word, seen) {
				return true
			}
		}
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Int32 { // runes
			s := ""
			for i := range v.Len() {
				s += string(rune(v.Index(i).Int()))
			}
			return strings.Contains(s, word)
		}
		if k := v.Type().Elem().Kind(); k >= reflect.Bool && k <= reflect.Complex128 {
			return false
		}
		for i := range v.Len() {
			if holds(v.Index(i), word, seen) {
				return true
			}
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			if holds(it.Key(), word, seen) || holds(it.Value(), word, seen) {
				return true
			}
		}
	}
	return false
}

func remembers(u *UI, word string) bool {
	return holds(reflect.ValueOf(*u), word, map[uintptr]bool{})
}

func TestAfterTheVisitNothingHoldsAName(t *testing.T) {
	u, _, c := stand(t, 1080, 1920, "en")
	show(u, scenes(c.now())["review"], "en")
	require.True(t, remembers(u, "ERIKSSON"), "the search sees what is shown")
	labels := append([]*touch.Label(nil), u.live.secrets...)
	require.Len(t, labels, 6, "all but the sex, which is a word of the catalogue")
	u.edit(fieldFamily)
	require.NoError(t, u.Tap("key-x"))
	f := u.field
	require.Equal(t, "ERIKSSONX", f.Value())
	show(u, scenes(c.now())["selfie"], "en")
	cam := u.live.camera
	require.True(t, cam.Live())

	u.Apply(agent.State{Step: agent.StepAttract, Online: true})
	assert.False(t, remembers(u, "ERIKSSON"))
	assert.False(t, remembers(u, "L898902C3"))
	assert.Empty(t, f.Value())
	for _, l := range labels {
		assert.Empty(t, l.Words())
	}
	assert.False(t, cam.Live(), "and no picture is left")
	assert.Equal(t, agent.StepAttract, u.state.Step)
}

func TestPersonalDataNeverEntersTheToolkitsTextCache(t *testing.T) {
	u, _, c := stand(t, 1080, 1920, "en")
	show(u, scenes(c.now())["review"], "en")
	u.edit(fieldGiven)
	for _, p := range parts(u) {
		if x, ok := p.o.(*canvas.Text); ok {
			assert.NotContains(t, x.Text, "ANNA")
			assert.NotContains(t, x.Text, "ERIKSSON")
		}
	}
}

func TestANewPersonFindsTheScreenAsItWasMeantToBe(t *testing.T) {
	u, _, c := stand(t, 1080, 1920, "en")
	show(u, scenes(c.now())["consent"], "en")
	u.toggleContrast()
	u.Apply(agent.State{Step: agent.StepAttract, Online: true})
	assert.False(t, u.strong)
	assert.Equal(t, "en", u.languageCode())
}

// serve runs the goroutine that talks to the double until the test ends.
func serve(t *testing.T, u *UI, d *double) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); u.work(ctx, d) }()
	t.Cleanup(func() { cancel(); <-done })
}

func TestADoubleTapIsOneTap(t *testing.T) {
	u, d, c := stand(t, 1080, 1920, "en")
	changes := make(chan func(), 16)
	u.opts.Do = func(f func()) { changes <- f }
	d.gate = make(chan struct{})
	serve(t, u, d)
	show(u, scenes(c.now())["attract"], "en")
	require.NoError(t, u.Tap("start"))
	require.NoError(t, u.Tap("start"))
	close(d.gate)
	(<-changes)()
	assert.Len(t, d.asked(), 1)
	assert.Equal(t, []journey.EventName{
		journey.EventFrontSessionStart, journey.EventCreateFlow, journey.EventGetProject,
		journey.EventQueryProjectOptions, journey.EventGetNationalityList,
	}, d.noted())
}

func TestStopIsTakenEvenWhileSomethingElseIsOnItsWay(t *testing.T) {
	u, d, c := stand(t, 1080, 1920, "en")
	changes := make(chan func(), 16)
	u.opts.Do = func(f func()) { changes <- f }
	d.gate = make(chan struct{})
	serve(t, u, d)
	show(u, scenes(c.now())["document-again"], "en")
	require.NoError(t, u.Tap("take"))
	require.NoError(t, u.Tap("stop"))
	close(d.gate)
	(<-changes)()
	(<-changes)()
	assert.Equal(t, []agent.Command{agent.TakeNow{}, agent.Stop{}}, d.asked())
}

func TestACommandThatDoesNotFitIsNoErrorAndAFailedOneIsNoted(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want bool
	}{"not now": {agent.ErrNotNow, false}, "broken": {errors.New("disk"), true}} {
		t.Run(name, func(t *testing.T) {
			u, d, clk := stand(t, 1080, 1920, "en")
			changes := make(chan func(), 16)
			u.opts.Do = func(f func()) { changes <- f }
			d.refuse = c.err
			serve(t, u, d)
			show(u, scenes(clk.now())["consent"], "en")
			require.NoError(t, u.Tap("agree"))
			(<-changes)()
			assert.False(t, u.busy)
			done := make(chan struct{})
			u.queue(func(context.Context, agent.Kiosk) { close(done) })
			<-done
			assert.Equal(t, c.want, contains(d.noted(), journey.EventAPIError))
		})
	}
}

func contains(all []journey.EventName, n journey.EventName) bool {
	for _, x := range all {
		if x == n {
			return true
		}
	}
	return false
}

func TestAPanicInAHandlerEndsThereAndIsNotedWithoutItsText(t *testing.T) {
	u, d, c := stand(t, 1080, 1920, "en")
	serve(t, u, d)
	show(u, scenes(c.now())["document-again"], "en")
	u.look.Guard("take", func() { panic("ERIKSSON") })
	assert.NotEmpty(t, u.stage.Objects, "the screen stands")
	require.NoError(t, u.Tap("help"), "and works")
	done := make(chan struct{})
	u.queue(func(context.Context, agent.Kiosk) { close(done) })
	<-done
	require.True(t, contains(d.noted(), journey.EventJSError))
	for _, n := range d.notes {
		for _, v := range n.Detail {
			assert.NotContains(t, v, "ERIKSSON")
		}
	}
}

func TestStatesInAnyOrderAreShown(t *testing.T) {
	u, _, c := stand(t, 720, 1280, "ar")
	all := scenes(c.now())
	few := []string{"attract", "consent", "document-again", "review", "selfie", "result", "error"}
	for _, from := range few {
		for _, to := range few {
			u.Apply(all[from])
			u.Apply(all[to])
			assert.Equal(t, all[to].Step, u.state.Step)
		}
	}
	u.Apply(agent.State{Step: agent.StepReview, Session: "s"}) // without what it should hold
	u.Apply(agent.State{Step: agent.StepResult, Session: "s"})
	u.Apply(agent.State{Step: agent.StepError, Session: "s"})
	u.Apply(agent.State{Step: "unheard-of", Session: "s"})
	assert.NotEmpty(t, u.Controls())
}

func TestAHintStaysLongEnoughToBeRead(t *testing.T) {
	var h hold
	at := time.Unix(1000, 0)
	code, changed := h.show(models.HintGlare, at)
	assert.True(t, changed)
	assert.Equal(t, models.HintGlare, code)
	code, changed = h.show(models.HintBlur, at.Add(1400*time.Millisecond))
	assert.False(t, changed)
	assert.Equal(t, models.HintGlare, code, "it is not yet its turn")
	code, changed = h.show(models.HintBlur, at.Add(1500*time.Millisecond))
	assert.True(t, changed)
	assert.Equal(t, models.HintBlur, code)
	_, changed = h.show(models.HintBlur, at.Add(9*time.Second))
	assert.False(t, changed)
}

func TestAHintIsNotedOnceWhenItIsReallyShown(t *testing.T) {
	u, d, c := stand(t, 1080, 1920, "en")
	serve(t, u, d)
	s := scenes(c.now())["document"]
	s.Language, s.Online = "en", true
	u.Apply(s)
	s.Hint = models.HintBlur
	u.Apply(s) // too early
	s.Hint = models.HintGlare
	u.Apply(s)
	c.t = c.t.Add(2 * time.Second)
	s.Hint = models.HintHold
	u.Apply(s)
	done := make(chan struct{})
	u.queue(func(context.Context, agent.Kiosk) { close(done) })
	<-done
	var hints []string
	for _, n := range d.notes {
		if n.Name == journey.EventTipDialogShown {
			hints = append(hints, n.Detail["hint"])
		}
	}
	assert.Equal(t, []string{string(models.HintGlare), string(models.HintHold)}, hints)
}

func names(ns []note) (out []journey.EventName) {
	for _, n := range ns {
		out = append(out, n.Name)
	}
	return out
}

func TestTheJournalOfWhatTheScreenShowed(t *testing.T) {
	all := scenes(time.Unix(0, 0))
	again := all["document-again"]
	asking := all["document"]
	asking.Asking = true
	for name, c := range map[string]struct {
		from, to agent.State
		want     []journey.EventName
	}{
		"nobody is here":              {all["attract"], all["attract"], nil},
		"the first screen":            {all["attract"], all["language"], []journey.EventName{"STEP_VIEW"}},
		"the camera for the document": {all["consent"], all["document-back"], []journey.EventName{"STEP_VIEW", "CAMERA_REQUESTED"}},
		"nothing changed":             {all["consent"], all["consent"], nil},
		"the document has to be taken again": {all["reading"], again, []journey.EventName{
			"STEP1_RESULT", "STEP_VIEW", "CAMERA_REQUESTED", "ID_DOCUMENT_RETRY", "TIP_DIALOG_SHOWN",
		}},
		"the document passed": {all["review"], all["selfie"], []journey.EventName{
			"STEP1_RESULT", "STEP_VIEW", "CAMERA_REQUESTED", "CREATE_LIVENESS_SESSION",
		}},
		"the face is on its way": {all["selfie"], all["checking"], []journey.EventName{"SUBMIT_STEP2", "STEP_VIEW"}},
		"the result": {all["checking"], all["result"], []journey.EventName{
			"GET_LIVENESS_RESULT", "STEP2_RESULT", "STEP_VIEW", "FINAL_PAGE_VIEW", "KIOSK_RECEIPT_SHOWN",
		}},
		"an error":             {all["selfie"], all["error"], []journey.EventName{"STEP_VIEW", "ERROR_PAGE_VIEWED"}},
		"is anybody there":     {all["document"], asking, []journey.EventName{"PAGE_HIDDEN", "ALERT_SHOWN"}},
		"somebody is":          {asking, all["document"], []journey.EventName{"PAGE_VISIBLE"}},
		"the line went down":   {all["document-back"], func() agent.State { s := all["document-back"]; s.Online = false; return s }(), []journey.EventName{"ALERT_SHOWN"}},
		"the person went home": {all["result"], all["attract"], nil},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, names(journal(c.from, c.to, "en"))) })
	}
}

func TestSomebodyWhoTypesIsNotAskedWhetherTheyAreThere(t *testing.T) {
	u, d, c := stand(t, 1080, 1920, "en")
	changes := make(chan func(), 16)
	u.opts.Do = func(f func()) { changes <- f }
	serve(t, u, d)
	s := scenes(c.now())["review"]
	show(u, s, "en")
	u.edit(fieldGiven)
	require.NoError(t, u.Tap("key-q"))
	c.t = c.t.Add(5 * time.Second)
	s.Language, s.Asking, s.Deadline = "en", true, c.t.Add(15*time.Second)
	u.Apply(s)
	(<-changes)()
	assert.Equal(t, []agent.Command{agent.StillHere{}}, d.asked())
	s.Asking = false
	u.Apply(s)
	assert.Equal(t, "ANNA MARIAQ", u.field.Value(), "what was typed is still there")

	c.t = c.t.Add(time.Minute)
	s.Asking = true
	u.Apply(s)
	assert.Len(t, d.asked(), 1, "somebody who left is")
	assert.True(t, u.Covered())
}

func TestACorrectionIsCheckedAndSent(t *testing.T) {
	u, d, c := stand(t, 1080, 1920, "en")
	changes := make(chan func(), 16)
	u.opts.Do = func(f func()) { changes <- f }
	serve(t, u, d)
	show(u, scenes(c.now())["review"], "en")
	require.NoError(t, u.Tap("edit-birth"))
	for range 2 {
		require.NoError(t, u.Tap("key-erase"))
	}
	for _, k := range []string{"key-3", "key-2"} {
		require.NoError(t, u.Tap(k))
	}
	require.NoError(t, u.Tap("save"))
	assert.Equal(t, "review.wrong.date", u.wrong, "August has no 32nd")
	assert.Equal(t, "1974-08-32", u.field.Value(), "what was typed stays")
	require.NoError(t, u.Tap("key-erase"))
	require.NoError(t, u.Tap("key-1"))
	require.NoError(t, u.Tap("save"))
	assert.Empty(t, u.editing)
	require.NoError(t, u.Tap("confirm"))
	(<-changes)()
	want := anna
	want.Birth, want.Corrected = "1974-08-31", true
	require.Equal(t, []agent.Command{agent.Confirm{Person: want}}, d.asked())
	assert.Equal(t, []journey.EventName{journey.EventSubmitStep1}, d.noted()[len(d.noted())-1:])

	require.NoError(t, u.Tap("edit-birth"))
	u.keep(anna.Birth)
	assert.False(t, u.draft.Corrected, "a correction taken back is none")
}

func TestEntriesAreCheckedByTheirForm(t *testing.T) {
	for _, c := range []struct {
		f    field
		v    string
		want string
	}{
		{fieldFamily, "", "review.wrong.empty"},
		{fieldFamily, "ÅNGSTRÖM-O’BRIEN", ""},
		{fieldGiven, "", ""},
		{fieldBirth, "1965-00-00", ""},
		{fieldBirth, "1965-05-00", ""},
		{fieldBirth, "1965-13-01", "review.wrong.date"},
		{fieldBirth, "1965-1", "review.wrong.date"},
		{fieldExpiry, "", ""},
		{fieldExpiry, "2030-00-00", "review.wrong.date"},
		{fieldNationality, "", "review.wrong.code"},
		{fieldNationality, "D", ""},
		{fieldNumber, "", "review.wrong.empty"},
	} {
		assert.Equal(t, c.want, c.f.check(c.v), "%s %q", c.f, c.v)
	}
}

func TestWithoutAnAgentTheScreenWaitsAndAFaultIsShown(t *testing.T) {
	u, _, _ := stand(t, 1080, 1920, "en")
	u.begun, u.kiosk = false, nil
	u.compose()
	assert.ErrorContains(t, u.Tap("start"), "not enabled")
	u.Fail(&agent.Problem{Code: "bundle_missing"})
	title, _ := text.In("en").Problem("bundle_missing")
	found := false
	for _, p := range freeLabels(u) {
		found = found || p.o.(*touch.Label).Words() == title
	}
	assert.True(t, found, "the problem's own words are shown")
	check(t, u, "fault")
}

func TestAStartingAgentIsTheAttractScreenWithAButtonThatWaits(t *testing.T) {
	u, _, _ := stand(t, 1080, 1920, "en")
	u.Apply(agent.State{Step: agent.StepClosed, Problem: &agent.Problem{Code: agent.ProblemStarting}})
	assert.Equal(t, agent.StepAttract, u.state.Step)
	assert.ErrorContains(t, u.Tap("start"), "not enabled")
	u.Apply(agent.State{Step: agent.StepAttract, Online: true})
	assert.True(t, u.Ready())
	for _, k := range u.Controls() {
		assert.True(t, k.Enabled, k.ID)
	}
}

func TestTheResultTellsWhatHappensNextAndNeverWhy(t *testing.T) {
	u, _, c := stand(t, 1080, 1920, "en")
	s := scenes(c.now())["result-rejected"]
	s.Outcome.Reason = "DUPLICATED_FACE"
	show(u, s, "en")
	var said []string
	for _, p := range freeLabels(u) {
		said = append(said, p.o.(*touch.Label).Words())
	}
	all := strings.Join(said, "\n")
	assert.Contains(t, all, "K7F4-92QD")
	assert.Contains(t, all, "clears itself in 18")
	assert.NotContains(t, strings.ToLower(all), "duplic")
	c.t = c.t.Add(3 * time.Second)
	u.Tick()
	assert.Contains(t, u.live.count.Words(), "15")
}

func TestLeftAndRightAreThePersonsOwnInTheMirror(t *testing.T) {
	for _, l := range []string{"en", "ar"} {
		u, _, c := stand(t, 1080, 1920, l)
		show(u, scenes(c.now())["selfie"], l)
		left, right := u.live.moves[journey.TurnLeft], u.live.moves[journey.TurnRight]
		assert.Less(t, left.Position().X, right.Position().X, "%s: a face is not mirrored with the language", l)
		assert.True(t, right.Visible())
		assert.False(t, left.Visible())
		img := image.NewNRGBA(image.Rect(0, 0, 640, 480))
		img.Pix[img.PixOffset(300, 240)] = 200
		at := u.live.camera.Place(300.5/640, .5)
		assert.Greater(t, at.X, u.live.camera.Size().Width/2, "%s: what is left of the middle in the frame is right of it in the mirror", l)
	}
}

func TestOnlyMainImportsTheToolkitsApp(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "*", "*.go"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, f := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), f, nil, parser.ImportsOnly)
		require.NoError(t, err)
		for _, i := range parsed.Imports {
			assert.NotEqual(t, `"fyne.io/fyne/v2/app"`, i.Path.Value, f)
		}
	}
}
