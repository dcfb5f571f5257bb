package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"vestibule/agent"
	"vestibule/hardware/camera"
	"vestibule/hardware/camera/open"
	"vestibule/hardware/thermal"
	"vestibule/journey"
	"vestibule/models"
	"vestibule/models/worker"
	wrong "vestibule/sync/fault"
	"vestibule/sync/identity"
	"vestibule/sync/link"
	"vestibule/sync/trace"
)

// settings are the flags that every way of running the agent shares.
type settings struct {
	data, bundle, models string
	document, face       string
	policy               string
	centre               string
	keys                 string
	offline, verbose     bool
	otlp                 string
}

func (s *settings) register(f *flag.FlagSet) {
	f.StringVar(&s.data, "data", "", "`folder` of the kiosk's database (needed)")
	f.StringVar(&s.bundle, "bundle", "", "`folder` of the kiosk's enrolment: ca.pem, kiosk.pem, kiosk.key, centre.hpke.pub, kiosk.json (needed)")
	f.StringVar(&s.document, "camera-document", "none", "camera that sees documents: /dev/videoN, replay:PATH or none")
	f.StringVar(&s.face, "camera-face", "none", "camera that sees faces, likewise")
	f.StringVar(&s.policy, "policy", "", "JSON `file` of the policy until the centre sends one")
	f.StringVar(&s.centre, "centre", "", "`host:port` at which the centre takes enrolments, as the set-up screen of a new kiosk suggests it")
	f.StringVar(&s.models, "models", "", "`folder` of the trained networks (default: as set up by make models)")
	f.StringVar(&s.keys, "keys", "", "`folder` for the running visit's key, best in memory such as /run (default: the data folder)")
	f.BoolVar(&s.offline, "offline", false, "do not dial the centre")
	f.StringVar(&s.otlp, "otlp", "", "`address` of an OpenTelemetry collector (OTLP over HTTP), such as http://HOST:4318, that is told how long each part of a visit took")
	f.BoolVar(&s.verbose, "verbose", false, "log more")
}

func (s *settings) logger(w io.Writer) *slog.Logger {
	level := slog.LevelInfo
	if s.verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}

// parse reads flags and complains about what is left over. stop says that the
// program ends here, with the code.
func parse(f *flag.FlagSet, args []string, errs io.Writer) (code int, stop bool) {
	f.SetOutput(errs)
	switch err := f.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return exitDone, true
	case err != nil:
		return exitUsage, true
	case f.NArg() > 0:
		_, _ = fmt.Fprintf(errs, "kiosk-ui: unexpected argument %q\n", f.Arg(0))
		return exitUsage, true
	}
	return exitDone, false
}

// maxPolicyBytes bounds a policy file.
const maxPolicyBytes = 1 << 20

// readPolicy reads a policy file over the default, so that a file names only what differs.
func readPolicy(path string) (journey.Policy, error) {
	p := journey.DefaultPolicy()
	if path == "" {
		return p, nil
	}
	bad := func(err error) error {
		return &fault{&agent.Problem{Code: "policy_invalid", Message: "The policy file cannot be used.", Hint: "Correct the file given with --policy; its fields are those of journey.Policy, times in nanoseconds."}, exitConfig, err}
	}
	f, err := os.Open(path)
	if err != nil {
		return p, bad(err)
	}
	defer f.Close()
	d := json.NewDecoder(io.LimitReader(f, maxPolicyBytes))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return p, bad(err)
	}
	if p.Version == "" || p.MaxAttempts < 1 || p.ScreenLimit <= 0 || p.ResultShown <= 0 {
		return p, bad(errors.New("version, maxAttempts, screenLimit and resultShown must be set"))
	}
	if err := p.FaceAge.Validate(); err != nil {
		return p, bad(err)
	}
	return p, nil
}

// kiosk is a started agent with what it stands on.
type kiosk struct {
	*agent.Agent
	engine models.Engine
	name   string
	tracer *trace.Tracer
}

// close ends what start began. Run must have returned.
func (k *kiosk) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), traceLimit)
	defer cancel()
	_ = k.tracer.Close(ctx) // what the collector does not take is lost, and that is all
	return errors.Join(k.Agent.Close(), k.engine.Close())
}

// traceLimit is how long spans that still wait may take to be sent at the end.
const traceLimit = time.Second

// start brings enrolment, cameras, vision and the agent up. Every failure is a
// fault with code, message and hint.
func (s *settings) start(ctx context.Context, log *slog.Logger) (*kiosk, error) {
	if s.data == "" {
		return nil, &fault{&agent.Problem{Code: "data_missing", Message: "No folder for the kiosk's records was named.", Hint: "Give one with --data."}, exitUsage, nil}
	}
	if s.bundle == "" {
		return nil, noBundle(errors.New("no --bundle was given"))
	}
	b, err := identity.LoadBundle(s.bundle)
	if err != nil {
		return nil, noBundle(err)
	}
	calibrated, err := loadCalibration(s.data, b)
	if err != nil {
		return nil, err
	}
	policy, err := readPolicy(s.policy)
	if err != nil {
		return nil, err
	}
	document, err := lens(s.document)
	if err != nil {
		return nil, err
	}
	face := document
	if s.face != s.document {
		if face, err = lens(s.face); err != nil {
			return nil, err
		}
	}
	tracer, err := s.tracer(ctx, b.Name, log)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	engine, err := worker.Start(ctx, worker.Config{Command: []string{self, "worker"}, ModelsDir: s.models, Log: log})
	if err != nil {
		return nil, noVision(err)
	}
	keep := &keeper{bundle: b, dir: s.bundle, log: log}
	cfg := agent.Config{
		Dir: s.data, Kiosk: b.Name, Site: agent.Site{Country: b.SiteCountry},
		DocumentCamera: document, FaceCamera: face, Engine: engine, Seal: b.Seal,
		Calibration: calibrated, Centre: b.CentreKey,
		Policy: policy, KeyDir: s.keys, Text: consentText,
		TestCameras: isDevice(s.document) && isDevice(s.face),
		Temperature: thermal.Hottest,
		Expires:     func() time.Time { end, _ := b.Expires(time.Now()); return end },
		Renewal:     keep.state,
		Log:         log, Trace: tracer,
	}
	if b.Broker != "" && !s.offline {
		cfg.Uplink = agent.Uplink{
			Transport: &link.MQTT{Broker: b.Broker, TLS: b.TLS(time.Now)},
			Signer:    b.Signer(), Release: release(),
		}
		if b.Branch != "" {
			cfg.Uplink.Certificate = func() []byte { return b.Cert().Raw }
		}
	}
	a, err := agent.New(cfg)
	if err != nil {
		return nil, errors.Join(err, engine.Close())
	}
	if !s.offline {
		go keep.run(ctx)
	}
	return &kiosk{Agent: a, engine: engine, name: b.Name, tracer: tracer}, nil
}

// tracer makes what tells a collector how long what took; nil where none is named.
func (s *settings) tracer(ctx context.Context, name string, log *slog.Logger) (*trace.Tracer, error) {
	if s.otlp == "" {
		return nil, nil
	}
	t, err := trace.New(ctx, trace.Config{URL: s.otlp, Service: "vestibule-kiosk", Name: name, Release: release(), Log: log, Now: time.Now})
	if err != nil {
		return nil, &fault{&agent.Problem{Code: "otlp_address", Message: "Traces cannot be sent there.", Hint: "Give --otlp http://HOST:4318."}, exitUsage, err}
	}
	return t, nil
}

// consentText names the version of the consent sentences in text/, for the record.
const consentText = "2026-11"

func noBundle(err error) error {
	if strings.HasPrefix(wrong.Code(err), "tpm_") { // the enrolment is well, what holds its key is not
		return asProblem(err)
	}
	return &fault{&agent.Problem{Code: "bundle_missing", Message: "This kiosk is not enrolled, or its enrolment cannot be read.", Hint: "Enrol it: have a token made at the centre (server kiosk add), then start kiosk-ui run with --bundle, which asks for it, or use kiosk-ui enrol."}, exitConfig, err}
}

func noVision(err error) error {
	p := &agent.Problem{Code: agent.ProblemWorkerLost, Message: "The vision worker does not start.", Hint: "Start the kiosk again; if it stays, reinstall it."}
	if errors.Is(err, models.ErrModel) {
		p = &agent.Problem{Code: agent.ProblemModelMissing, Message: "A trained network is missing or altered.", Hint: "Run: make models"}
	}
	return &fault{p, exitVision, err}
}

func lens(spec string) (camera.Camera, error) {
	c, err := open.Camera(spec, nil)
	if err != nil {
		return nil, &fault{&agent.Problem{Code: agent.ProblemCameraMissing, Message: "The camera is not understood.", Hint: "Write /dev/videoN, replay:PATH or none."}, exitUsage, err}
	}
	return c, nil
}

// isDevice reports whether a camera is a real one, which may be tried at start; a
// recording must not be played for nothing.
func isDevice(spec string) bool {
	return strings.HasPrefix(spec, "/dev/")
}
