package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"vestibule/hardware/rig"
	"vestibule/journey"
	"vestibule/kiosk-ui/child"
)

// world is everything of the demo that runs: the centre, the line, the kiosk.
type world struct {
	bin, dir  string // programs; everything the demo makes
	films     string
	pictures  string
	portraits string
	started   time.Time

	server, kiosk, screen *child.Process
	line                  *line
	door                  *door
	centre                centre
	adminKey              string
	kioskStart            time.Duration // from the start of the program to the attract screen
	policy                string        // file
	filming               map[string]chan error
	kioskEnv              []string

	// Of tests: a collector of traces, and a partner's endpoint that decisions are sent to.
	collector, partner string
}

// loopbacks are the addresses that a test's endpoint has.
const loopbacks = "127.0.0.0/8"

func (w *world) say(format string, args ...any) {
	fmt.Printf("%6.1fs  %s\n", time.Since(w.started).Seconds(), fmt.Sprintf(format, args...))
}

// demoPolicy is the default policy with what the replay rig cannot do left out: a
// filmed photograph neither turns its head nor blinks, and a film in a loop is exactly
// what the injection check is there to find. No threshold is changed.
func demoPolicy() journey.Policy {
	p := journey.DefaultPolicy()
	p.Version = "demo-1"
	p.Liveness.Active, p.Liveness.Injection = false, false
	p.ResultShown = 15 * time.Second
	return p
}

// build makes the centre, the kiosk's enrolment and the films, and starts everything.
func (w *world) build(ctx context.Context, names []visit) error {
	for _, d := range []string{"stage", "logs", "films", "pictures", "list"} {
		if err := os.MkdirAll(filepath.Join(w.dir, d), 0o700); err != nil {
			return err
		}
	}
	w.films, w.pictures = filepath.Join(w.dir, "films"), filepath.Join(w.dir, "pictures")
	if err := w.shoot(ctx, names); err != nil {
		return err
	}
	if err := w.openCentre(ctx); err != nil {
		return err
	}
	return w.openKiosk(ctx)
}

// shoot films the visits, two at a time, while the first ones are received
// already. filmed waits for one of them.
func (w *world) shoot(ctx context.Context, all []visit) error {
	printer, err := rig.NewPrinter("")
	if err != nil {
		return fmt.Errorf("print documents: %w (make deps installs the font)", err)
	}
	people := cast()
	w.filming = make(map[string]chan error, len(all))
	for _, v := range all {
		w.filming[v.name] = make(chan error, 1)
	}
	turns := make(chan struct{}, 2)
	go func() {
		for _, v := range all {
			turns <- struct{}{}
			go func() {
				defer func() { <-turns }()
				w.filming[v.name] <- w.film(ctx, printer, people[v.who], v)
			}()
		}
	}()
	return nil
}

// film makes one visit's films, unless an earlier run has left them.
func (w *world) film(ctx context.Context, printer *rig.Printer, who player, v visit) error {
	dir := filepath.Join(w.films, v.name)
	done := filepath.Join(dir, "done")
	script := fmt.Appendf(nil, "film 1 %+v %+v", who, v) // another cast or another visit is another film
	if last, err := os.ReadFile(done); err == nil && bytes.Equal(last, script) {
		return nil
	}
	w.say("filming visit %s", v.name)
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := who.film(ctx, printer, w.portraits, dir, v.seed, v.blurred); err != nil {
		return fmt.Errorf("film visit %s: %w", v.name, err)
	}
	return os.WriteFile(done, script, 0o600)
}

// filmed waits until a visit's films are there.
func (w *world) filmed(ctx context.Context, v visit) error {
	select {
	case err := <-w.filming[v.name]:
		w.filming[v.name] <- err // for whoever asks again
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// shootBench films one document as a 1280×720 camera sees it, to measure the live picture on.
func (w *world) shootBench(ctx context.Context) error {
	printer, err := rig.NewPrinter("")
	if err != nil {
		return err
	}
	front, _, err := cast()["mara"].print(printer, w.portraits)
	if err != nil {
		return err
	}
	dir := filepath.Join(w.films, "bench", "document")
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	_, err = rig.FilmDocument(ctx, dir, rig.DocumentFilm{Shot: rig.Shot{Seed: 1}, Page: front, Size: rig.TD3})
	return err
}

// tool runs a program of ours to its end and gives what it printed.
func (w *world) tool(ctx context.Context, name string, args ...string) (string, error) {
	return w.typed(ctx, "", name, args...)
}

// typed does the same for a program that is typed something.
func (w *world) typed(ctx context.Context, in, name string, args ...string) (string, error) {
	return child.Run(ctx, in, filepath.Join(w.bin, name), args...)
}

// openCentre makes a new centre, imports the list and starts it.
func (w *world) openCentre(ctx context.Context) error {
	w.say("making the centre")
	data := filepath.Join(w.dir, "centre")
	out, err := w.tool(ctx, "server", "init", "--data", data)
	if err != nil {
		return err
	}
	if w.adminKey, err = keyIn(out); err != nil {
		return err
	}
	ports, err := child.FreePorts(3)
	if err != nil {
		return err
	}
	mqtt, http, enrol := ports[0], ports[1], ports[2]
	if w.line, err = openLine("127.0.0.1:0", mqtt); err != nil {
		return err
	}
	policy, err := json.MarshalIndent(demoPolicy(), "", "  ")
	if err != nil {
		return err
	}
	w.policy = filepath.Join(w.dir, "policy.json")
	if err := os.WriteFile(w.policy, policy, 0o600); err != nil {
		return err
	}
	if _, err := w.tool(ctx, "server", "policy", "apply", "--data", data, w.policy); err != nil {
		return err
	}
	list, err := w.writeList()
	if err != nil {
		return err
	}
	if _, err := w.tool(ctx, "server", "list", "import", "--data", data, "--kind", "ofac-csv", list); err != nil {
		return err
	}
	w.say("starting the centre")
	argv := []string{filepath.Join(w.bin, "server"), "serve", "--data", data, "--mqtt", mqtt, "--http", http, "--enrol", enrol}
	if w.collector != "" {
		argv = append(argv, "--otlp", w.collector)
	}
	if w.partner != "" {
		argv = append(argv, "--webhook-allow", loopbacks)
		if _, err := w.tool(ctx, "server", "webhook", "add", "--data", data, "--url", w.partner, "--webhook-allow", loopbacks); err != nil {
			return err
		}
	}
	if w.server, err = child.Start(filepath.Join(w.dir, "logs"), "server", nil, argv...); err != nil {
		return err
	}
	w.centre = centre{base: "http://" + http, key: w.adminKey}
	if err := w.server.Until(ctx, 30*time.Second, func() bool { return child.Answers(w.centre.base + "/readyz") }); err != nil {
		return err
	}
	w.say("enrolling the kiosk")
	token, err := w.tool(ctx, "server", "kiosk", "add", "--data", data, "--name", "demo-1", "--country", "UTO", "--broker", w.line.addr())
	if err != nil {
		return err
	}
	_, err = w.typed(ctx, token, "kiosk-ui", "enrol", "-bundle", filepath.Join(w.dir, "bundle"), "-centre", enrol)
	return err
}

// keyIn finds the API key in what `server init` printed.
func keyIn(out string) (string, error) {
	for _, word := range strings.Fields(out) {
		if strings.HasPrefix(word, "vk_") {
			return word, nil
		}
	}
	return "", fmt.Errorf("server init printed no key:\n%s", out)
}

// writeList makes a sanctions list in the layout of the SDN files: invented
// people, one of whom is in the cast.
func (w *world) writeList() (string, error) {
	listed := cast()["dana"]
	born, err := time.Parse(time.DateOnly, listed.birth)
	if err != nil {
		return "", err
	}
	dir := filepath.Join(w.dir, "list")
	files := map[string]string{
		"sdn.csv": fmt.Sprintf("90001,\"%s, Dana Ilse\",\"individual\",\"DEMO\",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,\"DOB %s; nationality Utopia; Gender Female.\"\r\n", listed.surname, born.Format("02 Jan 2006")) +
			"90002,\"VANTERPOOLE, Osric\",\"individual\",\"DEMO\",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,\"DOB 21 Mar 1961; nationality Utopia; Gender Male.\"\r\n",
		"alt.csv": "90001,1,\"aka\",\"KORVANE, Dana\",-0- \r\n",
		"add.csv": "90001,1,\"1 Harbour Road\",\"Zenith\",\"Utopia\",-0- \r\n",
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// openKiosk starts the kiosk's own program on replay cameras, with a window.
func (w *world) openKiosk(ctx context.Context) error {
	first := visits()[0] // the kiosk's self-test looks through its cameras before anybody comes
	if err := w.filmed(ctx, first); err != nil {
		return err
	}
	if err := w.stage(first); err != nil {
		return err
	}
	var err error
	logs := filepath.Join(w.dir, "logs")
	if w.screen, w.kioskEnv, err = display(ctx, logs); err != nil {
		return err
	}
	return w.startKiosk(ctx)
}

func (w *world) startKiosk(ctx context.Context) error {
	w.say("starting the kiosk")
	socket := filepath.Join(os.TempDir(), fmt.Sprintf("vestibule-%d.sock", os.Getpid()))
	begun := time.Now()
	var err error
	argv := []string{
		filepath.Join(w.bin, "kiosk-ui"), "run",
		"--data", filepath.Join(w.dir, "kiosk"), "--bundle", filepath.Join(w.dir, "bundle"), "--policy", w.policy,
		"--camera-document", "replay:" + filepath.Join(w.dir, "stage", "document"), "--camera-face", "replay:" + filepath.Join(w.dir, "stage", "face"),
		"--window", "1080x1920", "--automation", socket,
	}
	if w.screen != nil { // Xvfb draws without a graphics card, on the cores that read documents
		argv = append(argv, "--reduced-motion")
	}
	if w.collector != "" {
		argv = append(argv, "--otlp", w.collector)
	}
	w.kiosk, err = child.Start(filepath.Join(w.dir, "logs"), "kiosk", w.kioskEnv, argv...)
	if err != nil {
		return err
	}
	return w.kiosk.Until(ctx, 60*time.Second, func() bool {
		if w.door == nil {
			d, err := openDoor(socket)
			if err != nil {
				return false
			}
			w.door = d
		}
		s, err := w.door.state()
		if err != nil {
			return false
		}
		if s.Step == "attract" && s.Ready && w.kioskStart == 0 {
			w.kioskStart = time.Since(begun)
		}
		return s.Step == "attract" && s.Ready && s.Online
	})
}

func (w *world) close() {
	if w.door != nil {
		w.door.close()
	}
	w.kiosk.Stop()
	w.server.Stop()
	if w.line != nil {
		w.line.close()
	}
	w.screen.Stop()
}
