package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/big"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"vestibule/agent"
	"vestibule/agent/scripted"
	"vestibule/agent/store"
	"vestibule/agent/visitor"
	"vestibule/journey"
	"vestibule/models"
	"vestibule/sync/identity"
	"vestibule/sync/link"
)

// Files in a kiosk's folder by which it is steered while it runs.
const (
	holdFile   = "hold"   // there: no new visit begins
	idleFile   = "idle"   // the kiosk's answer: none is under way
	offsetFile = "offset" // seconds by which its clock is wrong
)

// kioskMain is one kiosk: the product's agent on a scripted camera and engine, and people who come one after another.
func kioskMain(args []string) int {
	f := flag.NewFlagSet("chaos kiosk", flag.ContinueOnError)
	dir := f.String("dir", "", "folder of steering files")
	data := f.String("data", "", "folder of the database")
	bundle := f.String("bundle", "", "folder of the enrolment")
	picture := f.Int("picture", 0, "bytes of the document's picture; 0: some hundred thousand")
	if f.Parse(args) != nil {
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	if err := kiosk(ctx, *dir, *data, *bundle, *picture, log); err != nil && !errors.Is(err, context.Canceled) {
		log.Error("kiosk ended", "err", err)
		return 1
	}
	return 0
}

func kiosk(ctx context.Context, dir, data, bundle string, picture int, log *slog.Logger) error {
	b, err := identity.LoadBundle(bundle)
	if err != nil {
		return err
	}
	p := &person{dir: dir, picture: picture}
	var limits store.Options
	if picture > 0 {
		limits.MaxBytes = 64 << 30 // thousands of them are to wait
	}
	engine := scripted.NewEngine()
	engine.Haste = 5
	engine.OnDocument = func(int) (models.Document, error) { return p.document(), nil }
	engine.OnFace = func(int, time.Time) (models.Face, error) { return p.face(), nil }
	var certificate func() []byte
	if b.Branch != "" {
		certificate = func() []byte { return b.Cert().Raw }
	}
	a, err := agent.New(agent.Config{
		Dir: data, Kiosk: b.Name, Site: agent.Site{Country: b.SiteCountry},
		DocumentCamera: scripted.NewCamera("document"), FaceCamera: scripted.NewCamera("face"), Engine: engine,
		Store: limits, Seal: b.Seal, Centre: b.CentreKey, Policy: chaosPolicy(), Text: "1", Log: log, Now: p.now,
		// What a kiosk has handed over it forgets after a day, and a clock that was set makes days pass: here it forgets
		// nothing, so that it can be compared.
		Limits: agent.Limits{Visits: 1 << 20, Probe: 200 * time.Millisecond, Retention: 200 * 365 * 24 * time.Hour},
		Uplink: agent.Uplink{Transport: &link.MQTT{Broker: b.Broker, TLS: b.TLS(time.Now)}, Signer: b.Signer(), Release: "chaos", Certificate: certificate},
	})
	if err != nil {
		return err
	}
	defer a.Close()
	ran := make(chan error, 1)
	go func() { ran <- a.Run(ctx) }()
	p.come(ctx, a, log)
	return <-ran
}

// chaosPolicy leaves out what needs pictures that show something, the centre's re-check too, and sanctions lists.
func chaosPolicy() journey.Policy {
	p := journey.DefaultPolicy()
	p.Version = "chaos-1"
	p.Recheck, p.Liveness.Active, p.Liveness.Injection = false, false, false
	p.AML.Screen = false
	p.ResultShown = time.Second
	return p
}

// person is whoever stands before the kiosk.
type person struct {
	dir string
	n   int // who it is: a number that nobody else has

	picture int // bytes of the document's; 0: drawn
}

// now is the kiosk's clock, wrong by as much as its file says.
func (p *person) now() time.Time {
	b, err := os.ReadFile(filepath.Join(p.dir, offsetFile))
	if err != nil {
		return time.Now()
	}
	s, _ := strconv.Atoi(strings.TrimSpace(string(b)))
	return time.Now().Add(time.Duration(s) * time.Second)
}

// draw gives a number in [0, n); the system's randomness does not fail.
func draw(n int64) int {
	k, err := rand.Int(rand.Reader, big.NewInt(n))
	if err != nil {
		panic(err)
	}
	return int(k.Int64())
}

func (p *person) template(likeness float64) []float32 { return scripted.Template(p.n%500, likeness) }

func (p *person) face() models.Face {
	f := scripted.GoodFace()
	f.Template = p.template(.8)
	return f
}

// document is theirs, with pictures of a size that takes several chunks.
func (p *person) document() models.Document {
	c := scripted.Specimen()
	c.Number = fmt.Sprintf("V%08d", p.n)
	c.FamilyName = strings.Map(func(r rune) rune { return 'A' + (r - '0') }, strconv.Itoa(p.n)) + "SON"
	d := scripted.DocumentOf(c, time.Now())
	face := *d.PortraitFace
	face.Template = p.template(.9)
	d.PortraitFace = &face
	d.Upright, d.Portrait = noise(cmp.Or(p.picture, 100_000+draw(200_000))), noise(20_000)
	return d
}

func noise(n int) []byte {
	b := make([]byte, n)
	if _, err := rand.Read(b); err != nil {
		panic(err)
	}
	return b
}

// come lets people visit until ctx ends. Some stop, some walk away; the first one finds what a crash left.
func (p *person) come(ctx context.Context, a *agent.Agent, log *slog.Logger) {
	idle := filepath.Join(p.dir, idleFile)
	first := true
	for ctx.Err() == nil {
		if _, err := os.Stat(filepath.Join(p.dir, holdFile)); err == nil && !first {
			_ = os.WriteFile(idle, nil, 0o600) // a full disk: the file comes later
			pause(ctx, 50*time.Millisecond)
			continue
		}
		_ = os.Remove(idle)
		who := visitor.Person{Think: 10 * time.Millisecond, Resume: first}
		if !first {
			p.n = draw(99_999_999)
			switch draw(10) {
			case 0:
				who.StopAt = agent.StepSelfie
			case 1:
				who.StopAt = agent.StepDocument
			case 2:
				who.Retakes = 1
			}
		}
		visit, cancel := context.WithTimeout(ctx, 30*time.Second)
		_, err := visitor.Visit(visit, a, who)
		cancel()
		if err != nil {
			log.Warn("visit failed", "err", err)
			pause(ctx, 200*time.Millisecond)
		}
		first = false
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
